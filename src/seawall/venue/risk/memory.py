"""What the venue remembers of its markets for forecasts: minutes and hours of marks, forced and voluntary volume.

It follows the news; hours before this process began come from history. Prices are micro-USD per lot as floats: only
ratios matter here.
"""

from collections import deque
from typing import TYPE_CHECKING, Final

import numpy as np

from seawall.risk.moves import HOUR_MS, LOOKBACK, Bars
from seawall.venue.records import NOBODY, Fill, News

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seawall.venue.service import Service

MINUTE_MS: Final = 60_000
MINUTES: Final = 60  # that are kept one by one
FORCED: Final = ("market", "backstop", "adl")  # methods of fills that close somebody by force
TRADES: Final = ("", "market")
CANDLES: Final = 5_000  # hours that history is asked for


class Span:
    """A minute or an hour of one market."""

    __slots__ = ("close", "forced", "high", "low", "open", "start", "traded")

    def __init__(self, start: int, price: float) -> None:
        self.start = start
        self.open = self.high = self.low = self.close = price
        self.forced = self.traded = 0.0  # micro-USD

    def add(self, price: float) -> None:
        self.high, self.low, self.close = max(self.high, price), min(self.low, price), price


class Known:
    """One market."""

    def __init__(self) -> None:
        self.minutes: deque[Span] = deque(maxlen=MINUTES + 1)  # the last one is open
        self.hours: deque[Span] = deque(maxlen=LOOKBACK)  # likewise

    def see(self, time: int, price: float) -> None:
        for spans, length in ((self.minutes, MINUTE_MS), (self.hours, HOUR_MS)):
            start = time - time % length
            if not spans or spans[-1].start < start:
                spans.append(Span(start, price))
            else:
                spans[-1].add(price)

    def told(self) -> list[Span]:
        """The hours, without the open one unless it has moved at least as much as the one before."""
        hours = list(self.hours)
        if len(hours) > 1 and hours[-1].high * hours[-2].low < hours[-1].low * hours[-2].high:
            return hours[:-1]
        return hours

    def trade(self, forced: float, traded: float) -> None:
        """Micro-USD closed by force, and traded, in the minute of now."""
        if self.minutes:
            self.minutes[-1].forced += forced
            self.minutes[-1].traded += traded

    def since(self, time: int) -> list[Span]:
        """Minutes that end after a time."""
        return [one for one in self.minutes if one.start + MINUTE_MS > time]


class Memory:
    """Markets by number."""

    def __init__(self, service: "Service") -> None:
        self.service = service
        self.markets: dict[int, Known] = {}
        for listing in service.universe.listings:
            self.see(listing.number)
        service.hearers.append(self.hear)

    def see(self, market: int) -> None:
        """The mark of now: one that does not change is no news."""
        mark = self.service.columns["market_price"].item(market)
        if mark:
            self.of(market).see(self.service.now, float(mark))

    def hear(self, news: News) -> None:
        """Takes in a batch."""
        for market in news.listed:
            self.markets.pop(market, None)
        for (market, mark), (_, time) in zip(news.marks, news.mark_places, strict=True):
            if mark:
                self.of(market).see(time, float(mark))
        for fill in news.fills:
            self._trade(fill)

    def of(self, market: int) -> Known:
        """What is known of a market."""
        known = self.markets.get(market)
        if known is None:
            known = self.markets[market] = Known()
        return known

    def _trade(self, fill: Fill) -> None:
        value = float(abs(fill.lots) * fill.price)
        if fill.method in FORCED and fill.account == fill.liquidated != NOBODY:
            self.of(fill.market).trade(value, 0.0)
        if fill.is_taker and fill.method in TRADES:
            self.of(fill.market).trade(0.0, value)

    async def load(self) -> None:
        """Puts the hours of history before those that were heard."""
        for listing in self.service.universe.listings:
            known = self.of(listing.number)
            first = known.hours[0].start if known.hours else 2**62
            older = []
            for candle in await self.service.history.candles(listing.number, "1h", limit=CANDLES):
                if candle.start < first:
                    span = Span(candle.start, float(candle.open))
                    span.high, span.low, span.close = float(candle.high), float(candle.low), float(candle.close)
                    span.traded = float(candle.value)
                    older.append(span)
            known.hours.extendleft(reversed(older))

    def bars(self, numbers: "Sequence[int]", names: tuple[str, ...]) -> Bars:
        """Whole hours of markets on one grid, and the open hour once it has moved more than the one before: it can only
        add to volatility, as a minute of an hour is no calm hour."""
        spans = [self.markets[number].told() if number in self.markets else [] for number in numbers]
        starts = [one[0].start for one in spans if one]
        if not starts:
            empty = np.zeros((0, len(names)))
            return Bars(names=names, open=empty, high=empty, low=empty, close=empty)
        first, last = min(starts), max(one[-1].start for one in spans if one)
        rows = min((last - first) // HOUR_MS + 1, LOOKBACK)
        first = last - (rows - 1) * HOUR_MS
        found = np.full((4, rows, len(names)), np.nan)
        for column, mine in enumerate(spans):
            for one in mine:
                row = (one.start - first) // HOUR_MS
                if row >= 0:
                    found[:, row, column] = one.open, one.high, one.low, one.close
        return Bars(names=names, open=found[0], high=found[1], low=found[2], close=found[3])
