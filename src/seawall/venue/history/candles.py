"""Candles, made of trades as they happen, one a minute; the longer ones are folded from minutes that are over.

A candle is of the trades on the book: a taker's fills, those of a liquidation too; what the backstop took, ADL and
settlements happened at prices that nobody traded at. A minute without a trade shows the mark instead: its open, high,
low and close are marks, with volume 0 and no trades. One trade, and all four are of trades. The same holds for longer
candles. What had neither trade nor mark repeats the close before; that is filled in when somebody asks.

The state is a function of the log alone, however it was cut into batches.
"""

from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Final

import msgspec

from seawall.venue.history.intervals import BASE, MINUTE, WIDE, next_start, start_of
from seawall.venue.records import Fill, News

TRADES: Final = ("", "market")  # methods of fills that are trades of the market
Key = tuple[int, str, int]  # market, interval, start


class Candle(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One candle. Prices in micro-USD per lot, `end` is its last ms."""

    market: int
    interval: str
    start: int
    end: int
    open: int
    high: int
    low: int
    close: int
    volume: int  # lots
    value: int  # micro-USD traded
    trades: int


class Bar(msgspec.Struct, gc=False):
    """A candle that is being made. Of marks while `trades` is 0."""

    market: int
    interval: str
    start: int
    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    value: int = 0
    trades: int = 0

    def add(self, other: "Bar") -> None:
        """Takes in what came later: marks count only until there is a trade."""
        if other.trades == 0 < self.trades:
            return
        if other.trades > 0 == self.trades:
            self.open, self.high, self.low = other.open, other.high, other.low
        self.high, self.low, self.close = max(self.high, other.high), min(self.low, other.low), other.close
        self.volume += other.volume
        self.value += other.value
        self.trades += other.trades


def is_trade(fill: Fill) -> bool:
    """Whether a fill is the taker's side of a trade on the book."""
    return fill.is_taker and fill.method in TRADES


class Candles:
    """The bars that are open: one minute a market, and the longer ones of the minutes before it."""

    def __init__(self) -> None:
        self.minutes: dict[int, Bar] = {}
        self.wide: dict[tuple[int, str], Bar] = {}
        self._changed: dict[Key, Bar | None] = {}

    def load(self, minutes: Iterable[Bar], wide: Iterable[Bar]) -> None:
        """Replaces everything by what was kept."""
        self.minutes = {bar.market: bar for bar in minutes}
        self.wide = {(bar.market, bar.interval): bar for bar in wide}
        self._changed = {}

    def see(self, news: News) -> None:
        """Takes in a batch, then closes the minutes that are over by its end."""
        for _, time, market, price, lots in sorted(_happened(news), key=itemgetter(0)):
            if price:
                self._add(market, time, price, lots)
            else:
                self._forget(market)
        for bar in [bar for bar in self.minutes.values() if bar.start + MINUTE <= news.time]:
            self._close(bar)

    def take_changed(self) -> dict[Key, Bar | None]:
        """The bars that changed since the last call, copied as they are now; None for one that is no more."""
        changed = {key: msgspec.structs.replace(bar) if bar else None for key, bar in self._changed.items()}
        self._changed = {}
        return changed

    def _add(self, market: int, time: int, price: int, lots: int) -> None:
        start = start_of(BASE, time)
        new = Bar(market, BASE, start, price, price, price, price, lots, lots * price, int(lots > 0))
        bar = self.minutes.get(market)
        if bar is not None and bar.start == start:
            bar.add(new)
        else:
            if bar is not None:
                self._close(bar)
            bar = self.minutes[market] = new
        self._changed[market, BASE, start] = bar

    def _close(self, bar: Bar) -> None:
        """A minute is over: it goes into the longer ones that hold it."""
        del self.minutes[bar.market]
        for interval in WIDE:
            start, key = start_of(interval, bar.start), (bar.market, interval)
            wide = self.wide.get(key)
            if wide is not None and wide.start == start:
                wide.add(bar)
            else:
                wide = self.wide[key] = msgspec.structs.replace(bar, interval=interval, start=start)
            self._changed[bar.market, interval, start] = wide

    def _forget(self, market: int) -> None:
        """The number is another market's from here on."""
        gone = [self.minutes.pop(market, None), *(self.wide.pop((market, interval), None) for interval in WIDE)]
        for bar in gone:
            if bar is not None:
                self._changed[market, bar.interval, bar.start] = None


def _happened(news: News) -> Iterator[tuple[int, int, int, int, int]]:
    """(sequence, time, market, price, lots): trades, marks with 0 lots, listings with no price."""
    for told in news.listings:
        yield told.sequence, told.time, told.listing.number, 0, 0
    for (market, mark), (sequence, time) in zip(news.marks, news.mark_places, strict=True):
        if mark:
            yield sequence, time, market, mark, 0
    for fill in news.fills:
        if is_trade(fill):
            yield fill.sequence, fill.time, fill.market, fill.price, abs(fill.lots)


def complete(bars: list[Bar], key: tuple[int, str], first: int, last: int, close: int) -> list[Candle]:
    """Every candle of a market and interval from the one that begins at `first` to that at `last`, oldest first.

    What has no bar repeats the close before; `close` is that before `first` (0: none, they begin with the first bar).
    """
    found = {bar.start: bar for bar in bars}
    market, interval = key
    start = first if close or not bars else bars[0].start
    candles = []
    while start <= last and (close or found):
        bar = found.get(start) or Bar(market, interval, start, close, close, close, close)
        close, following = bar.close, next_start(interval, start)
        candles.append(
            Candle(
                market=market,
                interval=interval,
                start=start,
                end=following - 1,
                open=bar.open,
                high=bar.high,
                low=bar.low,
                close=bar.close,
                volume=bar.volume,
                value=bar.value,
                trades=bar.trades,
            )
        )
        start = following
    return candles
