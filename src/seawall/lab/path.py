"""The points of a history that every rule set sees, on the markets' integer grids.

A bar is walked through its extremes: in a falling market high, low, close, otherwise low, high, close, all markets at
the same extreme together, so hedged buckets see no spread that was not there. Between points that lie further apart
than POINT_MS the price goes straight: an engine that acts each second would meet every price between, and no bar is
long enough to jump over one. Bars of at most five seconds are one point, their close.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from seawall.lab.history import Array, Floats, History, Ints
from seawall.lab.listing import to_prices
from seawall.lab.population import Population
from seawall.units import FUNDING_INDEX_PER_MICRO, FUNDING_ONE, BadInput

CLOSE_ONLY_MS: Final = 5_000  # bars up to this long are one point
POINT_MS: Final = 100_000  # the most between two points: a third of a five-minute bar
HOUR_MS: Final = 3_600_000
FUNDING_RATE_MAX: Final = FUNDING_ONE * 4 // 100  # per hour; beyond it a recorded rate is refused


@dataclass(frozen=True, eq=False, kw_only=True)
class Path:
    """A history on the markets' grids: K points per bar."""

    history: History
    perp: Ints  # [T, K, S] recorded traded price
    index: Ints  # [T, K, S]
    live: Array  # [T, S]
    depth_usd: Array  # [T, S]
    funding_step: Ints  # [T, S] FundingIndex units a lot paid at the start of the bar

    @property
    def bars(self) -> int:
        return len(self.perp)

    @property
    def points(self) -> int:
        return int(self.perp.shape[1])


def path_of(history: History, population: Population) -> Path:
    """The points every rule set sees. Gaps keep the last price (the first one, before it); nothing fills in them.

    Raises BadInput when the population is not of these markets, or a price does not fit a market's grid.
    """
    if tuple(market.name for market in population.markets) != history.symbols:
        raise BadInput("population.markets", "not the markets of the history")
    perps, indices = (_straight(_carried(values, history.live), history.interval_ms) for values in points_of(history))
    index = to_prices(indices, population.markets)
    return Path(
        history=history,
        perp=to_prices(perps, population.markets),
        index=index,
        live=history.live,
        depth_usd=np.ascontiguousarray(history.depth_usd),
        funding_step=_funding_steps(history, index[:, -1]),
    )


def points_of(history: History) -> tuple[Floats, Floats]:
    """Traded price and index [T, K, S] in USD per unit at the K points of each bar; NaN where a market is not live."""
    if history.interval_ms <= CLOSE_ONLY_MS:
        return history.close[:, None], history.index[:, None]
    falls = _falling(history)[:, None]
    first, second = np.where(falls, history.high, history.low), np.where(falls, history.low, history.high)
    first_index = np.where(falls, history.index_high, history.index_low)
    second_index = np.where(falls, history.index_low, history.index_high)
    perps = np.stack((first, second, history.close), axis=1)
    return perps, np.stack((first_index, second_index, history.index), axis=1)


def _falling(history: History) -> Array:
    """[T] whether the live markets' mean log move of the bar is negative."""
    moves = np.where(history.live, np.log(history.close / history.open), 0.0)
    falling: Array = moves.sum(axis=1) < 0
    return falling


def _carried(values: Array, live: Array) -> Array:
    """`values` [T, K, S] where live, else the last live ones before (the first live ones after, at the start)."""
    bars = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(live, bars, -1), axis=0)
    first = np.argmax(live, axis=0)[None, :]
    carried: Array = np.take_along_axis(values, np.where(last < 0, first, last)[:, None], axis=0)
    return carried


def _straight(values: Array, interval_ms: int) -> Array:
    """[T, K * pieces, S]: `values` [T, K, S] with equal steps between, as many as keep them within POINT_MS."""
    bars, points, markets = values.shape
    pieces = -(-interval_ms // (points * POINT_MS))
    ends = values.reshape(bars * points, 1, markets)
    starts = np.concatenate((ends[:1], ends[:-1]))
    share = np.arange(1, pieces + 1)[:, None] / pieces
    walked: Array = (starts * (1.0 - share) + ends * share).reshape(bars, points * pieces, markets)
    return walked


def _funding_steps(history: History, index: Ints) -> Ints:
    """Steps of the funding index, paid at each full UTC hour for the hours since the bar before, at its close."""
    steps = np.zeros(index.shape, np.int64)
    if history.funding_hour is None:
        return steps
    rate = np.rint(np.where(history.live, history.funding_hour, 0.0) * FUNDING_ONE)
    if bool((np.abs(rate) > FUNDING_RATE_MAX).any()):
        raise BadInput("funding_hour", "a rate is beyond 4 % an hour", history.name)
    hours = np.diff(history.times_ms // HOUR_MS)
    for bar in np.flatnonzero(hours) + 1:
        for market in range(index.shape[1]):
            owed = int(index[bar - 1, market]) * int(rate[bar - 1, market]) * int(hours[bar - 1])
            steps[bar, market] = owed // FUNDING_INDEX_PER_MICRO
    return steps
