"""The SQL that writes history, compiled once for a database, with its parameters by place.

Rows go to the driver as tuples: nothing is done for each of them between a record and the database.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, bindparam, delete, insert, update
from sqlalchemy.sql import Delete, Insert, Update
from sqlalchemy.sql.compiler import SQLCompiler

from seawall.venue.history import tables
from seawall.venue.history.rows import Row

LASTING: Final = ("oid", "account", "market", "cloid", "time", "sequence", "twap")  # of an order
STEP: Final = 100  # rows that go to the driver at once
BREATH_S: Final = 0.00005
FOUND: Final = "found_"  # before the name of a parameter that finds a row
REPLACED: Final = (tables.PAYEES, tables.AGENTS, tables.CANDLES, tables.VOLUMES)
ADDED: Final = (*tables.LOGS, tables.ORDERS, tables.ACCOUNTS)


def breathe() -> None:
    """Lets the event loop run. The interpreter's lock is let go at every row, but whoever waits for it wakes too late
    to get it, and asks for it only after 5 ms: a short sleep now and then is what hands it over.
    """
    time.sleep(BREATH_S)


class Statements:
    """Adds, changes and removes rows in a transaction of the caller's."""

    def __init__(self, engine: Engine) -> None:
        self.steps = 0  # made so far: how to see from another thread that a long transaction gets on
        self.rest: Callable[[float], None] = lambda _: breathe()  # after each step, told the seconds it took
        self._engine = engine
        self._insert = {table: self._text(insert(table), _names(table)) for table in (*ADDED, *REPLACED)}
        self._delete = {}
        for table in REPLACED:
            keys = [column.name for column in table.primary_key]
            found = [table.c[name] == bindparam(FOUND + name) for name in keys]
            self._delete[table] = self._text(delete(table).where(*found), [FOUND + name for name in keys])
        columns = _names(tables.ORDERS)
        changing = [name for name in columns if name not in LASTING]
        self._changing = [columns.index(name) for name in changing]
        self._update = self._change(tables.ORDERS, changing, "oid")
        self._move = self._change(tables.META, ["sequence", "time", "chain"], "sequence")

    def add(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """Adds rows of all columns."""
        self._run(connection, self._insert[table], rows)

    def remove(self, connection: Connection, table: Table, keys: Sequence[Row]) -> None:
        """Removes the rows with these primary keys that there are."""
        self._run(connection, self._delete[table], keys)

    def change_orders(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Orders that are there get what may change of these rows."""
        changed = [(*[row[place] for place in self._changing], row[0]) for row in rows]
        self._run(connection, self._update, changed)

    def move(self, connection: Connection, mark: Row, sequence: int) -> bool:
        """Moves the row that says how far history is to (sequence, time, chain); False when it is not at `sequence`."""
        return connection.exec_driver_sql(self._move, (*mark, sequence)).rowcount == 1

    def _run(self, connection: Connection, text: str, rows: Sequence[Row]) -> None:
        for first in range(0, len(rows), STEP):
            start = time.perf_counter()
            connection.exec_driver_sql(text, list(rows[first : first + STEP]))
            self.steps += 1
            self.rest(time.perf_counter() - start)

    def _change(self, table: Table, names: list[str], key: str) -> str:
        values: dict[str, Any] = {name: bindparam(name) for name in names}
        statement = update(table).values(values).where(table.c[key] == bindparam(FOUND + key))
        return self._text(statement, [*names, FOUND + key])

    def _text(self, statement: Insert | Update | Delete, places: list[str]) -> str:
        compiled = statement.compile(dialect=self._engine.dialect)
        assert isinstance(compiled, SQLCompiler)
        assert compiled.positiontup == places
        return str(compiled)


def _names(table: Table) -> list[str]:
    return [column.name for column in table.columns]
