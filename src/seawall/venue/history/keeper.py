"""Turns news into rows and writes them, each transaction with the command up to which history then knows the log."""

from collections.abc import Sequence
from itertools import count
from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, Table, insert, inspect, select, update

from seawall.venue.history import tables
from seawall.venue.history.candles import Candles
from seawall.venue.history.kept import greatest, load_candles, load_kept, load_volumes
from seawall.venue.history.rows import Row, fill_row, listed_row, note_row, order_row, twap_row
from seawall.venue.history.statements import Statements, breathe
from seawall.venue.history.volumes import Volumes
from seawall.venue.mirror import Kept
from seawall.venue.records import Entry, News

THE_ROW: Final = 1  # of the table that says how far history is
Told = tuple[News, list[Row]]  # with the fields of its orders as they were then, each order once


class Mark(msgspec.Struct, frozen=True):
    """How far history knows the log."""

    sequence: int = 0
    time: int = 0
    chain: bytes = bytes(32)


class Work(msgspec.Struct):
    """What one transaction writes."""

    mark: Mark
    added: dict[Table, list[Row]]
    orders: list[Row]  # that are there already
    removed: dict[Table, list[Row]]  # keys, before rows with the same ones are added


class TakenError(Exception):
    """Somebody else has written to this history."""


def is_ours(engine: Engine) -> bool:
    """Whether the database has a history of this version."""
    if not inspect(engine).has_table(tables.META.name):
        return False
    with engine.begin() as connection:
        return connection.scalars(select(tables.META.c.version)).all() == [tables.version()]


class Keeper:
    """What writing has to know beside the database: the next numbers, open candles, volumes. For one thread."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.mark = Mark()
        self.candles = Candles()
        self.volumes = Volumes()
        self.statements = Statements(engine)
        self._ids = {table: count(1) for table in tables.LOGS}
        self._last_oid = 0

    def clear(self) -> None:
        """Drops what there is of history and makes its tables anew."""
        tables.METADATA.drop_all(self.engine)
        tables.METADATA.create_all(self.engine)
        with self.engine.begin() as connection:
            first = {"id": THE_ROW, "version": tables.version(), **msgspec.structs.asdict(Mark())}
            connection.execute(insert(tables.META), first)
            connection.execute(insert(tables.SYNCS), {"id": THE_ROW, "count": 0})

    def load(self) -> Kept:
        """Takes up what the database has; returns what a mirror needs of it."""
        with self.engine.begin() as connection:
            row = connection.execute(select(tables.META.c.sequence, tables.META.c.time, tables.META.c.chain)).one()
            self.mark = Mark(row.sequence, row.time, bytes(row.chain))
            self._ids = {table: count(greatest(connection, table, "id") + 1) for table in tables.LOGS}
            self._last_oid = greatest(connection, tables.ORDERS, "oid")
            load_candles(connection, self.candles, self.mark.time)
            load_volumes(connection, self.volumes, self.mark.time)
            return load_kept(connection)

    def work(self, told: Sequence[Told]) -> Work:
        """The rows of news, in order. They count as written from here on: this work has to be done before any other."""
        orders: dict[int, Row] = {}
        payees: dict[int, bytes] = {}
        last = told[-1][0]
        work = Work(Mark(last.last, last.time, last.chain), {table: [] for table in tables.LOGS}, [], {})
        work.added[tables.ACCOUNTS] = []
        for news, copies in told:
            orders.update((values[0], values) for values in copies)
            self._log(work, news)
            self.candles.see(news)
            self.volumes.see(news)
            _settle(payees, news.entries)
            work.added[tables.ACCOUNTS] += map(msgspec.structs.astuple, news.owners)
            breathe()
        self._orders(work, orders)
        work.removed[tables.PAYEES] = [(reference,) for reference in payees]
        work.added[tables.PAYEES] = [pair for pair in payees.items() if pair[1]]
        _replace(work, tables.AGENTS, [*{name[0]: name for news, _ in told for name in news.agent_names}.values()])
        _replace(work, tables.VOLUMES, self.volumes.take_changed())
        bars = self.candles.take_changed()
        work.removed[tables.CANDLES] = [*bars]
        work.added[tables.CANDLES] = [msgspec.structs.astuple(bar) for bar in bars.values() if bar is not None]
        return work

    def write(self, connection: Connection, work: Work) -> None:
        """Does work in the caller's transaction. TakenError when history is not where this keeper left it."""
        if not self.statements.move(connection, msgspec.structs.astuple(work.mark), self.mark.sequence):
            raise TakenError(f"history is not at command {self.mark.sequence}, where it was left")
        for table, keys in work.removed.items():
            self.statements.remove(connection, table, keys)
        for table, rows in work.added.items():
            self.statements.add(connection, table, rows)
        self.statements.change_orders(connection, work.orders)

    def touch(self, connection: Connection) -> None:
        """Changes a row, so that the transaction has something to sync: SQLite skips a commit that changes nothing."""
        connection.execute(update(tables.SYNCS).values(count=tables.SYNCS.c["count"] + 1))

    def is_written(self, work: Work) -> bool:
        """Whether the database has this work: for a commit whose answer was lost."""
        with self.engine.begin() as connection:
            row = connection.execute(select(tables.META.c.sequence, tables.META.c.chain)).one()
            return (row.sequence, bytes(row.chain)) == (work.mark.sequence, work.mark.chain)

    def _log(self, work: Work, news: News) -> None:
        """What happened, each with its running number."""
        plain = msgspec.structs.astuple
        for table, rows in (
            (tables.FILLS, [fill_row(fill) for fill in news.fills]),
            (tables.PAYMENTS, [plain(payment) for payment in news.payments]),
            (tables.ENTRIES, [plain(entry) for entry in news.entries]),
            (tables.STEPS, [plain(step) for step in news.steps]),
            (tables.CHANGES, [plain(change) for change in news.changes]),
            (tables.NOTES, [note_row(note) for note in news.notes]),
            (tables.TWAPS, [twap_row(twap) for twap in news.twaps]),
            (tables.POOLED, [plain(pooled) for pooled in news.pooled]),
            (tables.LISTINGS, [listed_row(told) for told in news.listings]),
        ):
            if rows:
                ids = self._ids[table]
                work.added[table] += [(next(ids), *row) for row in rows]

    def _orders(self, work: Work, orders: dict[int, Row]) -> None:
        """Oids are dense: those beyond the last one are new."""
        work.orders = [order_row(values) for oid, values in orders.items() if oid <= self._last_oid]
        work.added[tables.ORDERS] = [
            order_row(values) for oid, values in sorted(orders.items()) if oid > self._last_oid
        ]
        self._last_oid = max(self._last_oid, *orders, 0)


def _settle(payees: dict[int, bytes], entries: list[Entry]) -> None:
    """Notes who is to be paid of withdrawals that begin, and nobody (b"") of those that end."""
    for entry in entries:
        if entry.kind == "withdraw":
            payees[entry.reference] = entry.address
        elif entry.kind in ("withdrawn", "returned"):
            payees[entry.reference] = b""


def _replace(work: Work, table: Table, rows: list[Row]) -> None:
    """Rows that may be there already."""
    keys = len(table.primary_key)
    work.removed[table] = [row[:keys] for row in rows]
    work.added[table] = rows
