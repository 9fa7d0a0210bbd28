"""What the risk engine is told: bars of a market, gathered into hours whatever their length."""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

HOUR_MS: Final = 3_600_000
NAN: Final = math.nan


class Bar(NamedTuple):
    """A bar of traded prices, or of the mark where nothing traded. Prices in USD; `volume_usd` NaN when not known."""

    time_ms: int  # at which it opens
    open: float
    high: float
    low: float
    close: float
    volume_usd: float = NAN
    span_ms: int = HOUR_MS  # its length; at most an hour


def unsound(bar: Bar) -> str:
    """Why a bar can not be used; empty when it can. A bad volume alone does not spoil a bar."""
    prices = (bar.open, bar.high, bar.low, bar.close)
    if not all(math.isfinite(price) for price in prices):
        return "a price is not a number"
    if min(prices) <= 0.0:
        return "a price is not above 0"
    if bar.high < max(prices) or bar.low > min(prices):
        return "high and low do not enclose open and close"
    if not 0 < bar.span_ms <= HOUR_MS:
        return "a bar is longer than an hour"
    return ""


@dataclass
class Hour:
    """Bars of one hour, joined. The hour is whole once a bar reaches its end."""

    start_ms: int = -1
    end_ms: int = -1  # of the last bar within
    open: float = NAN
    high: float = NAN
    low: float = NAN
    close: float = NAN
    volume_usd: float = NAN

    def add(self, bar: Bar) -> None:
        """Joins a sound bar that is not older than the last one; a bar of a later hour begins anew."""
        start = bar.time_ms - bar.time_ms % HOUR_MS
        if start != self.start_ms:
            self.start_ms, self.open, self.high, self.low = start, bar.open, bar.high, bar.low
            self.volume_usd = bar.volume_usd
        else:
            self.high, self.low = max(self.high, bar.high), min(self.low, bar.low)
            self.volume_usd += bar.volume_usd
        self.close, self.end_ms = bar.close, bar.time_ms + bar.span_ms

    @property
    def is_whole(self) -> bool:
        return self.start_ms >= 0 and self.end_ms >= self.start_ms + HOUR_MS

    def bar(self) -> Bar:
        """The joined bar, as of an hour's length."""
        return Bar(self.start_ms, self.open, self.high, self.low, self.close, self.volume_usd)
