"""Opens the database of history: SQLite by default, PostgreSQL by its URL. What writes and asks is the same for both.

SQLite runs in WAL mode with synchronous NORMAL: a commit survives the end of the process, and power loss takes at most
the last ones and never tears any. A commit with FULL syncs the whole log of writes: it and all before it survive power
loss too. Every transaction begins explicitly, so that reads of one transaction see one state.
"""

import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from seawall.units import BadInput

BUSY_MS: Final = 5_000
CACHE_KIB: Final = 64 * 1024
CHECKPOINT_PAGES: Final = 4_000  # of 4 KiB in the log of writes, before they go into the file
LOG_BYTES: Final = 64 << 20  # that the log of writes keeps on disk once they have
QUICK: Final = "NORMAL"  # as PRAGMA synchronous calls it
SYNCED: Final = "FULL"
POSTGRES_DRIVER: Final = "postgresql+psycopg"


def open_engine(url: str, *, read_only: bool = False) -> Engine:
    """An engine for the URL; nothing is connected yet. BadInput for a URL that cannot be used.

    With `read_only` a SQLite file has to exist, and nothing is written to it.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername=POSTGRES_DRIVER)
        if parsed.get_backend_name() == "sqlite":
            return _open_sqlite(parsed, read_only)
        if parsed.drivername != POSTGRES_DRIVER:
            raise BadInput("history", f"{parsed.drivername}: history is kept in SQLite or PostgreSQL")
        return create_engine(parsed, isolation_level="REPEATABLE READ", hide_parameters=True, paramstyle="format")
    except ArgumentError as error:
        raise BadInput("history", "it is no database URL") from error
    except ModuleNotFoundError as error:
        raise BadInput("history", f"{error}: install seawall[postgres]") from error


def is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


def file_of(engine: Engine) -> Path:
    """The file of a SQLite database."""
    assert is_sqlite(engine)
    return Path(str(engine.url.database))


def set_synchronous(connection: Connection, level: str) -> None:
    """Which commits of SQLite are synced, QUICK or SYNCED. Between transactions; PostgreSQL syncs all of them."""
    if is_sqlite(connection.engine):
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.execute(f"PRAGMA synchronous={level}")


def _open_sqlite(url: URL, read_only: bool) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise BadInput("history", "a database in memory is seen by one connection only: name a file")
    if read_only:
        path = Path(str(url.database)).resolve()
        if not path.is_file():
            raise BadInput("history", "no such file", str(path))
        url = url.set(database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})
    engine = create_engine(url, hide_parameters=True, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _connected(raw: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        raw.isolation_level = None  # no transactions but those begun below
        raw.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        raw.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        if not read_only:
            raw.execute("PRAGMA journal_mode=WAL")
            raw.execute(f"PRAGMA synchronous={QUICK}")
            raw.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
            raw.execute(f"PRAGMA journal_size_limit={LOG_BYTES}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
