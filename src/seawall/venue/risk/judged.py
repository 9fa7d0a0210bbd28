"""Hours that are over: what the model wanted before each, what policy asked, and how far the price then went.

At a start the model hears the hours of history one by one, as if it had been there: its forecasts, their calibration
and these records do not end with the process. Hours that were counted so are marked.
"""

import math
from collections import deque
from typing import Final, NamedTuple

from seawall.risk.bars import HOUR_MS, Bar
from seawall.risk.engine import Judgement, Rails, RiskModel
from seawall.units import RATE_ONE
from seawall.venue.risk.memory import Memory, Span
from seawall.venue.universe import Listing

KEPT: Final = 500  # hours of a market
HEARD: Final = 1_000  # hours of history that a market's forecasts begin with
HEARD_ALL: Final = 15_000  # ... of all markets together: each takes the model a millisecond


class Hour(NamedTuple):
    """One hour of one market. Fractions of the price; `initial` and `maintenance` are the policy's static rates."""

    judged: Judgement
    initial: float
    maintenance: float
    live_initial: float  # the rate in force when the hour ended
    is_replayed: bool  # counted from history at a start: with the policy of then unknown, today's stands in


class Coverage(NamedTuple):
    """Of `hours` that were judged, those whose worst move stayed within each margin."""

    hours: int
    new_risk: int
    open_positions: int
    initial: int
    maintenance: int


class Past:
    """The last hours of every market, oldest first."""

    def __init__(self) -> None:
        self._hours: dict[str, deque[Hour]] = {}

    def of(self, coin: str) -> tuple[Hour, ...]:
        """The hours that are kept of a market."""
        return tuple(self._hours.get(coin, ()))

    def note(self, coin: str, told: Judgement | None, rails: Rails, live_initial: int, *, is_replayed: bool) -> None:
        """Keeps what the model says of the last whole hour, once."""
        mine = self._hours.setdefault(coin, deque(maxlen=KEPT))
        if told is None or (mine and told.start_ms <= mine[-1].judged.start_ms):
            return
        initial, maintenance = rails.static_new_risk / RATE_ONE, rails.static_maintenance / RATE_ONE
        mine.append(Hour(told, initial, maintenance, live_initial / RATE_ONE, is_replayed))

    def coverage(self, coin: str) -> Coverage:
        """Over the hours that are kept."""
        judged = [one for one in self._hours.get(coin, ()) if one.judged.is_judged]
        return Coverage(
            hours=len(judged),
            new_risk=sum(one.judged.move <= one.judged.new_risk for one in judged),
            open_positions=sum(one.judged.move <= one.judged.open_positions for one in judged),
            initial=sum(one.judged.move <= one.initial for one in judged),
            maintenance=sum(one.judged.move <= one.maintenance for one in judged),
        )


def bar_of(listing: Listing, span: Span, span_ms: int) -> Bar:
    """A minute or an hour of the memory as the model takes it: USD, of one whole coin."""
    unit = 10.0**listing.size_decimals / 1e6
    prices = (span.open * unit, span.high * unit, span.low * unit, span.close * unit)
    return Bar(span.start, *prices, span.traded / 1e6, span_ms)


def old_bars(memory: Memory, listings: tuple[Listing, ...], now_ms: int) -> list[tuple[Listing, Bar]]:
    """Whole hours of history that nobody here has heard by the minute, in the order of time."""
    found, most = [], min(HEARD, HEARD_ALL // max(1, len(listings)))
    for listing in listings:
        known = memory.of(listing.number)
        first = known.minutes[0].start if known.minutes else now_ms
        whole = [one for one in known.hours if one.start <= min(first, now_ms) - HOUR_MS]
        found += [(listing, bar_of(listing, one, HOUR_MS)) for one in whole[-most:]]
    return sorted(found, key=lambda pair: pair[1].time_ms)


def present(model: RiskModel, coin: str, now_ms: int, spans: list[Span]) -> Judgement:
    """The hour that runs: the margins set for it and how far the price went so far, from the close before it.

    NaN where no minute before it was seen.
    """
    start = now_ms - now_ms % HOUR_MS
    before = [one for one in spans if one.start < start]
    within = [one for one in spans if one.start >= start]
    move = math.nan
    if before and within:
        close = before[-1].close
        move = max(max(one.high for one in within) / close - 1.0, 1.0 - min(one.low for one in within) / close, 0.0)
    new_risk, opened = model.margins(coin)
    return Judgement(start, new_risk, opened, move)
