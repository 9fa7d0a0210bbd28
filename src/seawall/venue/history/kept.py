"""What is read back from history when a venue opens: what its mirror and the writer of history go on from."""

from typing import Final

from sqlalchemy import Connection, Table, func, select

from seawall.venue.history import tables
from seawall.venue.history.candles import Bar, Candles
from seawall.venue.history.intervals import BASE, WIDE, start_of
from seawall.venue.history.rows import fill_of, listing_of, order_of, reader
from seawall.venue.history.volumes import Traded, Volumes
from seawall.venue.mirror import Kept
from seawall.venue.records import Fill

STEP: Final = 1_000  # rows read at a time


def greatest(connection: Connection, table: Table, name: str) -> int:
    """The greatest number in a column; 0 when there is none."""
    return connection.scalar(select(func.max(table.c[name]))) or 0


def load_kept(connection: Connection) -> Kept:
    """What a mirror needs beside the columns."""
    kept = Kept()
    listings = {}
    columns = [tables.LISTINGS.c[name] for name in ("number", "coin", "size_decimals", "price_max")]
    for row in connection.execute(select(*columns).order_by(tables.LISTINGS.c.id)):
        listings[row.number] = listing_of(row)
    kept.listings = [listings[number] for number in sorted(listings)]
    accounts = tables.ACCOUNTS.c
    kept.names = {row.account: row.name for row in connection.execute(select(accounts.account, accounts.name))}
    kept.agent_names = {row.address: row.name for row in connection.execute(select(tables.AGENTS))}
    live = select(tables.ORDERS).where(tables.ORDERS.c.engine != 0).order_by(tables.ORDERS.c.oid)
    kept.orders = [order_of(row) for row in connection.execute(live)]
    kept.last_oid = greatest(connection, tables.ORDERS, "oid")
    kept.payees = {row.reference: row.address for row in connection.execute(select(tables.PAYEES))}
    return kept


def load_candles(connection: Connection, candles: Candles, time: int) -> None:
    """The bars that were open at a time."""
    bar_of, table = reader(Bar), tables.CANDLES
    markets = connection.scalars(select(tables.LISTINGS.c.number).distinct()).all()
    found = []
    for market in sorted(markets):
        for interval in (BASE, *WIDE):
            key = (table.c.market == market, table.c.interval == interval, table.c.start == start_of(interval, time))
            found += [bar_of(row) for row in connection.execute(select(table).where(*key))]
    candles.load([bar for bar in found if bar.interval == BASE], [bar for bar in found if bar.interval != BASE])


def load_volumes(connection: Connection, volumes: Volumes, time: int) -> None:
    """What was traded today up to the minute of a time, and since."""
    table, day, minute = tables.VOLUMES, start_of("1d", time), start_of(BASE, time)
    today = {
        row.account: Traded(row.taker, row.maker) for row in connection.execute(select(table).where(table.c.day == day))
    }
    volumes.load(day, today, minute, _fills_since(connection, minute))


def _fills_since(connection: Connection, time: int) -> list[Fill]:
    """The fills from a time on, oldest first: the last ones of the log, read from its end."""
    columns = [column for column in tables.FILLS.columns if column.name != "id"]
    newest_first = select(*columns).order_by(tables.FILLS.c.id.desc()).execution_options(yield_per=STEP)
    found: list[Fill] = []
    with connection.execute(newest_first) as rows:
        for row in rows:
            fill = fill_of(row)
            if fill.time < time:
                break
            found.append(fill)
    return found[::-1]
