"""What can be asked of history: functions of a connection, in one transaction each. Times are ms, both ends included.

`First` says which end of a range comes first, and so which rows are left out when there are more than `limit`.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select, union_all

from seawall.terms.limits import TIME_MAX
from seawall.venue.history import tables
from seawall.venue.history.candles import TRADES, Bar, Candle, complete
from seawall.venue.history.intervals import BASE, DAY, earlier, next_start, start_of
from seawall.venue.history.rows import client_id_bytes, fill_of, note_of, order_of, reader, twap_of
from seawall.venue.history.tables import EVERYBODY
from seawall.venue.history.volumes import Traded, Volume
from seawall.venue.records import Change, Entry, Fill, Note, Order, Payment, Pooled, Step, Twap

payment_of: Final = reader(Payment)
entry_of: Final = reader(Entry)
step_of: Final = reader(Step)
change_of: Final = reader(Change)
pooled_of: Final = reader(Pooled)

T = TypeVar("T")


def bar_of(row: Sequence[Any]) -> Bar:
    return Bar(*row)


class First(Enum):
    """Which end of a range comes first."""

    NEWEST = "newest"
    OLDEST = "oldest"


class Span(NamedTuple):
    """A range of time and how much of it."""

    start: int = 0
    end: int = TIME_MAX
    limit: int = 500
    first: First = First.NEWEST


def now_of(connection: Connection) -> int:
    """The venue's time as far as history goes."""
    return int(connection.execute(select(tables.META.c.time)).scalar_one())


def listed_at(connection: Connection, market: int) -> int:
    """When the market that has a number now was listed: before that it was another one's."""
    number, time = tables.LISTINGS.c.number, tables.LISTINGS.c.time
    return connection.scalar(select(func.max(time)).where(number == market)) or 0


def orders(connection: Connection, account: int, limit: int, before: int | None) -> list[Order]:
    """An account's orders, newest first, live ones too; with `before` those with a smaller oid."""
    table = tables.ORDERS
    found = select(table).where(table.c.account == account).order_by(table.c.oid.desc()).limit(limit)
    if before is not None:
        found = found.where(table.c.oid < before)
    return [order_of(row) for row in connection.execute(found)]


def order(connection: Connection, oid: int) -> Order | None:
    """The order with a number."""
    row = connection.execute(select(tables.ORDERS).where(tables.ORDERS.c.oid == oid)).one_or_none()
    return None if row is None else order_of(row)


def order_by_client(connection: Connection, account: int, cloid: int) -> Order | None:
    """The newest order of an account with a client id."""
    table = tables.ORDERS
    mine = select(table).where(table.c.account == account, table.c.cloid == client_id_bytes(cloid))
    row = connection.execute(mine.order_by(table.c.oid.desc()).limit(1)).one_or_none()
    return None if row is None else order_of(row)


def fills(connection: Connection, account: int, span: Span) -> list[Fill]:
    """An account's sides of trades."""
    return _rows(connection, tables.FILLS, [tables.FILLS.c.account == account], span, fill_of)


def fills_since(connection: Connection, sequence: int) -> list[Fill]:
    """Both sides of every trade of the commands after one, in the order of the log, a taker's side first."""
    table = tables.FILLS
    found = _facts(table).where(table.c.sequence > sequence).order_by(table.c.id)
    return [fill_of(row) for row in connection.execute(found)]


def entries_since(connection: Connection, sequence: int, kind: str) -> list[Entry]:
    """Entries of a kind of the commands after one, of all accounts, in the order of the log."""
    table = tables.ENTRIES
    found = _facts(table).where(table.c.sequence > sequence, table.c.kind == kind).order_by(table.c.id)
    return [entry_of(row) for row in connection.execute(found)]


def slices(connection: Connection, account: int, limit: int) -> list[Fill]:
    """An account's fills of TWAPs, newest first."""
    table = tables.FILLS
    mine = _facts(table).where(table.c.account == account, table.c.twap != 0).order_by(table.c.id.desc()).limit(limit)
    return [fill_of(row) for row in connection.execute(mine)]


def market_fills(connection: Connection, market: int, span: Span) -> list[Fill]:
    """Takers' sides of a market's trades on the book."""
    table, since = tables.FILLS, listed_at(connection, market)
    where = [table.c.market == market, table.c.is_taker.is_(True), table.c.method.in_(TRADES)]
    return _rows(connection, table, where, span._replace(start=max(span.start, since)), fill_of)


def payments(connection: Connection, account: int, span: Span) -> list[Payment]:
    """Funding that an account paid or got."""
    return _rows(connection, tables.PAYMENTS, [tables.PAYMENTS.c.account == account], span, payment_of)


def entries(connection: Connection, account: int, span: Span) -> list[Entry]:
    """Money of an account that moved otherwise."""
    return _rows(connection, tables.ENTRIES, [tables.ENTRIES.c.account == account], span, entry_of)


def steps(connection: Connection, market: int, span: Span) -> list[Step]:
    """Steps of a market's funding index."""
    since = listed_at(connection, market)
    where = [tables.STEPS.c.market == market]
    return _rows(connection, tables.STEPS, where, span._replace(start=max(span.start, since)), step_of)


def changes(connection: Connection, market: int | None, span: Span) -> list[Change]:
    """What was changed of a market (-1: of the venue; None: of all)."""
    where = [] if market is None else [tables.CHANGES.c.market == market]
    return _rows(connection, tables.CHANGES, where, span, change_of)


def notes(connection: Connection, account: int | None, span: Span) -> list[Note]:
    """Events of liquidations in which an account was liquidated or took the other side; of all for None."""
    table = tables.NOTES
    if account is None:
        return _rows(connection, table, [], span, note_of)
    mine = _ranged(table, [table.c.account == account], span)
    others = _ranged(table, [table.c.other_account == account, table.c.account != account], span)
    both = union_all(select(mine.subquery()), select(others.subquery())).subquery()
    return [note_of(row[1:]) for row in connection.execute(_ordered(select(both), both.c, span))]


def notes_of(connection: Connection, first: int, last: int) -> list[Note]:
    """Events of liquidations in the commands from `first` to `last`, oldest first."""
    table = tables.NOTES
    found = _facts(table).where(table.c.sequence.between(first, last)).order_by(table.c.sequence, table.c.id)
    return [note_of(row) for row in connection.execute(found)]


def pooled(connection: Connection, account: int, asset: int, token: int) -> list[Pooled]:
    """What became of a position of liquidity while an account held it, oldest first."""
    table = tables.POOLED
    mine = _facts(table).where(table.c.account == account, table.c.asset == asset, table.c.token == token)
    return [pooled_of(row) for row in connection.execute(mine.order_by(table.c.id))]


def twaps(connection: Connection, account: int, limit: int) -> list[Twap]:
    """What became of an account's TWAPs, newest first."""
    table = tables.TWAPS
    mine = _facts(table).where(table.c.account == account).order_by(table.c.id.desc()).limit(limit)
    return [twap_of(row) for row in connection.execute(mine)]


def candles(connection: Connection, market: int, interval: str, span: Span) -> list[Candle]:
    """Candles that begin within the span, the newest `limit` of them, oldest first; the open one is the last.

    There is one for each interval from the market's first trade or mark up to the venue's time.
    """
    table, now = tables.CANDLES, now_of(connection)
    since = start_of(interval, listed_at(connection, market))
    last = start_of(interval, min(span.end, now))
    first = start_of(interval, max(span.start, since))
    if first < span.start:
        first = next_start(interval, first)
    first = max(first, earlier(interval, last, span.limit - 1))
    if first > last:
        return []
    mine = select(table).where(table.c.market == market, table.c.start >= since)
    rows = mine.where(table.c.interval == interval, table.c.start.between(first, last)).order_by(table.c.start)
    bars = [bar_of(row) for row in connection.execute(rows)]
    if interval != BASE and last == start_of(interval, now):
        minute = connection.execute(mine.where(table.c.interval == BASE, table.c.start == start_of(BASE, now)))
        _fold(bars, [bar_of(row) for row in minute], interval, last)
    earlier_rows = mine.where(table.c.interval == interval, table.c.start < first)
    before = connection.execute(earlier_rows.order_by(table.c.start.desc()).limit(1)).one_or_none()
    return complete(bars, (market, interval), first, last, 0 if before is None else before.close)


def volumes(connection: Connection, account: int, days: int) -> list[Volume]:
    """What an account and the venue traded today and on the days before, newest first; `days` of them."""
    now = now_of(connection)
    today, minute = start_of("1d", now), start_of(BASE, now)
    wanted = [day for day in range(today, today - days * DAY, -DAY) if day >= 0]
    found = {(day, who): Traded() for day in wanted for who in (account, EVERYBODY)}
    table, traded = tables.VOLUMES, tables.FILLS
    rows = select(table).where(table.c.day.in_(wanted), table.c.account.in_((account, EVERYBODY)))
    for row in connection.execute(rows):
        found[row.day, row.account] = Traded(row.taker, row.maker)
    value = func.sum(func.abs(traded.c.lots) * traded.c.price)
    mine = select(traded.c.is_taker, value).where(
        traded.c.account == account, traded.c.time >= minute, traded.c.method.in_(TRADES)
    )
    for is_taker, amount in connection.execute(mine.group_by(traded.c.is_taker)):
        if is_taker:
            found[today, account].taker += int(amount)
        else:
            found[today, account].maker += int(amount)
    bars, markets = tables.CANDLES.c, list(connection.scalars(select(tables.LISTINGS.c.number).distinct()))
    present = select(func.sum(bars.value)).where(bars.market.in_(markets), bars.interval == BASE, bars.start == minute)
    found[today, EVERYBODY].taker += int(connection.scalar(present) or 0)
    return [
        Volume(
            day=day,
            taker=found[day, account].taker,
            maker=found[day, account].maker,
            venue=found[day, EVERYBODY].taker,
        )
        for day in wanted
    ]


def _fold(bars: list[Bar], minute: list[Bar], interval: str, start: int) -> None:
    """The open minute goes into the last of longer bars."""
    for bar in minute:
        if bars and bars[-1].start == start:
            bars[-1].add(bar)
        else:
            bar.interval, bar.start = interval, start
            bars.append(bar)


def _facts(table: Table) -> Select[Any]:
    """The columns of a log without its running number: those of its record."""
    return select(*[column for column in table.columns if column.name != "id"])


def _ranged(table: Table, where: list[ColumnElement[bool]], span: Span) -> Select[Any]:
    return _ordered(select(table).where(*where), table.c, span)


def _ordered(found: Select[Any], columns: Any, span: Span) -> Select[Any]:
    """The rows of a span, in its order."""
    order = (columns.time, columns.id) if span.first is First.OLDEST else (columns.time.desc(), columns.id.desc())
    return found.where(columns.time.between(span.start, span.end)).order_by(*order).limit(span.limit)


def _rows(
    connection: Connection,
    table: Table,
    where: list[ColumnElement[bool]],
    span: Span,
    record_of: Callable[[Sequence[Any]], T],
) -> list[T]:
    return [record_of(row[1:]) for row in connection.execute(_ranged(table, where, span))]
