"""What operations keep on disk beside the journal: usage of the limits, what operators did, alerts and their messages.

A SQLite file in the venue's folder, readable by its owner only: targets of alerts hold secrets. None of it decides
anything in the engine, and losing it loses no money.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    insert,
    select,
)
from sqlalchemy.dialects.sqlite import insert as upsert

FILE: Final = "operations.sqlite"
METADATA: Final = MetaData()
Result = TypeVar("Result")

USAGE: Final = Table(
    "usage",
    METADATA,
    Column("account", Integer, primary_key=True, autoincrement=False),
    Column("used", Integer, nullable=False),
    Column("traded", Integer, nullable=False),
)
ACTS: Final = Table(
    "acts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("time", Integer, nullable=False),  # of the wall clock, ms
    Column("operator", String, nullable=False),
    Column("host", String, nullable=False),
    Column("act", String, nullable=False),
    Column("details", String, nullable=False),  # JSON of what was asked for
    Column("reason", String, nullable=False),
    Column("outcome", String, nullable=False),  # empty until it is known
)
COMMANDS: Final = Table(
    "commands",
    METADATA,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("act", Integer, nullable=False),
    Column("code", Integer, nullable=False),
)
ALERTS: Final = Table(
    "alerts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("account", Integer, nullable=False),
    Column("name", String, nullable=False),
    Column("target", String, nullable=False),
    Column("rules", String, nullable=False),  # JSON
)
NONCES: Final = Table(
    "nonces",
    METADATA,
    Column("account", Integer, primary_key=True, autoincrement=False),
    Column("nonce", Integer, nullable=False),  # the greatest that was used
)
FIRED: Final = Table(
    "fired",
    METADATA,
    Column("key", String, primary_key=True),  # alert, rule and subject that have crossed and not come back
)
MESSAGES: Final = Table(
    "messages",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("alert", Integer, nullable=False),
    Column("title", String, nullable=False),
    Column("body", String, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due", Integer, nullable=False),  # ms
)


class Store:
    """The file. `read` and `write` are for the event loop, where one thread does them in order."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.path.touch(mode=0o600, exist_ok=True)
        os.chmod(self.path, 0o600)
        self._engine = create_engine(f"sqlite:///{self.path}")
        event.listen(self._engine, "connect", _settings)
        METADATA.create_all(self._engine)
        self._thread = ThreadPoolExecutor(1, "seawall-operations")

    @property
    def engine(self) -> Engine:
        return self._engine

    def now(self, work: Callable[[Connection], Result]) -> Result:
        """Does the work here, before the loop runs or after it has ended."""
        with self._engine.begin() as connection:
            return work(connection)

    async def do(self, work: Callable[[Connection], Result]) -> Result:
        """Does the work in one transaction, in the store's thread; it is durable when this returns."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.now, work)

    def close(self) -> None:
        """Waits for what was begun."""
        self._thread.shutdown()
        self._engine.dispose()


def _settings(connection: Any, _: Any) -> None:
    """Durable at each commit, and readers do not wait for the writer."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def load_usage(connection: Connection) -> list[tuple[int, int, int]]:
    """(account, used, traded) of all accounts."""
    return [(row.account, row.used, row.traded) for row in connection.execute(select(USAGE))]


def save_usage(connection: Connection, rows: Sequence[tuple[int, int, int]]) -> None:
    """Keeps what accounts have used and traded."""
    if rows:
        made = upsert(USAGE)
        replaced = {"used": made.excluded.used, "traded": made.excluded.traded}
        names = ("account", "used", "traded")
        connection.execute(
            made.on_conflict_do_update(index_elements=["account"], set_=replaced),
            [dict(zip(names, row, strict=True)) for row in rows],
        )


def add_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Adds rows one by one; their keys."""
    keys = []
    for row in rows:
        key = connection.execute(insert(table).values(**row)).inserted_primary_key
        assert key is not None
        keys.append(key[0])
    return keys


def drop_rows(connection: Connection, table: Table, column: str, values: Sequence[Any]) -> int:
    """Removes the rows whose column has one of the values; how many there were."""
    return connection.execute(delete(table).where(table.c[column].in_(values))).rowcount
