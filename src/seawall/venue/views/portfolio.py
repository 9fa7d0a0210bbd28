"""An account's value over time, made from history: its cash as it was, its positions at the prices of then.

From now backwards, each fill, payment and transfer is undone; a sample is the cash left at its time plus the positions
at the close of the last candle before it. Profit is the change of value less what was paid in. With more than PAGE
records of one sort a window begins where the oldest of them lies.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from seawall.units import ceil_div
from seawall.venue.decimals import usd_text
from seawall.venue.records import NOBODY, Entry, Fill, Payment
from seawall.venue.views.account import spot_of
from seawall.venue.views.ledger import PERFORMANCE
from seawall.venue.views.pools import empty_portfolio

if TYPE_CHECKING:
    from seawall.venue.service import Service

PAGE: Final = 10_000  # records of a sort
SAMPLES: Final = 48  # of a window
MINUTE_MS: Final = 60_000
DAY_MS: Final = 24 * 60 * MINUTE_MS


class Window(msgspec.Struct, frozen=True):
    """A stretch up to now, 0 long: all there is. Prices of its samples are closes of these candles."""

    name: str
    length: int
    interval: str


WINDOWS: Final = (
    Window("day", DAY_MS, "30m"),
    Window("week", 7 * DAY_MS, "2h"),
    Window("month", 30 * DAY_MS, "12h"),
    Window("allTime", 0, "1d"),
)


class Books(msgspec.Struct):
    """What happened to an account and to its hidden one, newest first, and what both have now."""

    fills: list[Fill]
    payments: list[Payment]
    entries: list[Entry]
    spot_entries: list[Entry]
    raw: int  # of all its buckets, settled
    sizes: dict[int, int]  # lots by market
    spot: int
    begin: int  # the earliest time that is told of in full


class Prices(msgspec.Struct):
    """Closes of one market's candles by when they end."""

    ends: list[int]
    closes: list[int]

    def at(self, time: int) -> int:
        """The last close up to a time; before all, the first; 0 without any."""
        place = bisect_right(self.ends, time)
        return self.closes[max(place - 1, 0)] if self.closes else 0


class Moved(msgspec.Struct, frozen=True):
    """One thing that happened. Micro-USD and lots."""

    time: int
    cash: int = 0  # of the account
    market: int = 0
    lots: int = 0
    spot: int = 0  # of the hidden account
    flow: int = 0  # of `cash`, what was paid in or out
    outer: int = 0  # paid in or out of both accounts


class Sample(msgspec.Struct, frozen=True):
    """Both accounts at a time, and what was paid in or out after it."""

    time: int
    value: int
    spot: int
    flow: int
    outer: int


async def portfolio(service: "Service", account: int) -> list[tuple[str, dict[str, Any]]]:
    """`portfolio` of an account: the windows with what it holds outside margin, then those of perps alone."""
    if account == NOBODY:
        return empty_portfolio()
    books = await read_books(service, account)
    both, perps = [], []
    for window in WINDOWS:
        start = max(books.begin, service.now - window.length) if window.length else books.begin
        prices = await _prices(service, books, window, start)
        samples = list(_samples(books, prices, start, service.now))[::-1]
        volume = usd_text(sum(abs(fill.lots) * fill.price for fill in books.fills if fill.time >= start))
        whole = [(sample.time, sample.value + sample.spot, sample.outer) for sample in samples]
        both.append((window.name, _history(whole, volume)))
        perp = [(sample.time, sample.value, sample.flow) for sample in samples]
        perps.append((f"perp{window.name[0].upper()}{window.name[1:]}", _history(perp, volume)))
    return both + perps


async def read_books(service: "Service", account: int) -> Books:
    """What the record has of an account now, and history up to then."""
    history, now, last, spot = service.history, service.now, service.desk.sequence, spot_of(service, account)
    buckets = service.lens.reader.account(account)
    pending = sum(position.funding for bucket in buckets for position in bucket.positions)
    held = int(service.columns["bucket_raw"][spot]) if spot != NOBODY else 0
    fills = await history.fills(account, 0, now, PAGE)
    payments = await history.payments(account, 0, now, PAGE)
    entries = await history.entries(account, 0, now, PAGE)
    spot_entries = await history.entries(spot, 0, now, PAGE) if spot != NOBODY else []
    return Books(
        fills=[fill for fill in fills if fill.sequence <= last],
        payments=[payment for payment in payments if payment.sequence <= last],
        entries=[entry for entry in entries if entry.sequence <= last],
        spot_entries=[entry for entry in spot_entries if entry.sequence <= last],
        begin=_begin(fills, payments, entries, spot_entries),
        raw=sum(bucket.raw for bucket in buckets) - pending,
        sizes={position.market: position.size for bucket in buckets for position in bucket.positions},
        spot=held,
    )


def _begin(*sorts: list[Any]) -> int:
    """The earliest time that is told of in full; 0 when nothing is known."""
    cut = [records[-1].time for records in sorts if len(records) >= PAGE]
    return max(cut) if cut else min((records[-1].time for records in sorts if records), default=0)


async def _prices(service: "Service", books: Books, window: Window, start: int) -> dict[int, Prices]:
    """Closes of the window's candles, and the mark of now, of every market that the account held in it."""
    held = {fill.market for fill in books.fills if fill.time >= start} | books.sizes.keys()
    found = {}
    for market in sorted(held):
        candles = await service.history.candles(market, window.interval, start - DAY_MS, service.now, PAGE)
        mark = int(service.columns["market_price"][market])
        kept = [candle for candle in candles if candle.end < service.now]
        found[market] = Prices(
            [*(candle.end for candle in kept), service.now], [*(candle.close for candle in kept), mark]
        )
    return found


def _samples(books: Books, prices: dict[int, Prices], start: int, now: int) -> Iterator[Sample]:
    """Samples at even times from now back to `start`; each step undoes what happened after the next sample."""
    raw, spot, sizes = books.raw, books.spot, dict(books.sizes)
    flow, outer = 0, 0
    undone = iter(sorted(_moved(books), key=_time, reverse=True))
    waiting = next(undone, None)
    step = max(ceil_div(now - start, SAMPLES - 1), 1)
    time = now
    while True:  # at most SAMPLES
        while waiting is not None and waiting.time > time:
            raw, spot = raw - waiting.cash, spot - waiting.spot
            flow, outer = flow + waiting.flow, outer + waiting.outer
            sizes[waiting.market] = sizes.get(waiting.market, 0) - waiting.lots
            waiting = next(undone, None)
        value = raw + sum(size * prices[market].at(time) for market, size in sizes.items() if size and market in prices)
        yield Sample(time, value, spot, flow, outer)
        if time <= start:
            return
        time = max(time - step, start)


def _moved(books: Books) -> Iterator[Moved]:
    """All that happened."""
    for fill in books.fills:
        yield Moved(fill.time, cash=-fill.lots * fill.price - fill.fee, market=fill.market, lots=fill.lots)
    for payment in books.payments:
        yield Moved(payment.time, cash=payment.amount)
    for entry in books.entries:
        flow = 0 if entry.kind in PERFORMANCE else entry.amount
        yield Moved(entry.time, cash=entry.amount, flow=flow, outer=0 if entry.kind == "spot" else flow)
    for entry in books.spot_entries:
        yield Moved(entry.time, spot=entry.amount, outer=0 if entry.kind == "spot" else entry.amount)


def _history(samples: list[tuple[int, int, int]], volume: str) -> dict[str, Any]:
    """(time, value, flows after it) oldest first, as clients read it."""
    _, first, flows = samples[0]
    return {
        "accountValueHistory": [(time, usd_text(value)) for time, value, _ in samples],
        "pnlHistory": [(time, usd_text(value - first - (flows - after))) for time, value, after in samples],
        "vlm": volume,
    }


def _time(moved: Moved) -> int:
    return moved.time
