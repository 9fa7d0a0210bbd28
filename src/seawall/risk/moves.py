"""How markets may move together over the next hours: what they did from many past hours on, at the volatility of now.

A path is a stretch of recorded bars, all markets at the same time, so correlation, fat tails and the clustering of
volatility within a day are those that happened. Each hour of a market's stretch is divided by the volatility that was
forecast for it when the stretch began and multiplied by the one forecast now: filtered historical simulation
(Barone-Adesi, Giannopoulos and Vosper 1999) with whole days as blocks. Volatility is Parkinson's (1980) from highs and
lows, a mean over several half-lives (Corsi 2009), corrected for each span of hours ahead by what these bars teach
(outlook.py). Markets without history get a common factor with Student-t tails and a prior by leverage.

Floats end at prices: `prices` gives whole micro-USD a lot.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from seawall.risk.kernels import decayed
from seawall.risk.outlook import PARKINSON, PRIOR_BARS, SPANS, outlook
from seawall.terms.conditions import Conditions
from seawall.units import BadInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOUR_MS: Final = 3_600_000
HORIZON: Final = 24  # hours of a path
POINTS: Final = 3  # of a bar: its low, its high, its close; all markets stand at the same one together
PATHS: Final = 4_096
BARS_LEAST: Final = 21 * 24  # of history from which paths are taken; with fewer they are drawn
LOOKBACK: Final = 2 * 365 * 24  # older bars are another market
HALF_LIVES: Final = (6.0, 48.0, 336.0)  # hours
WEIGHTS: Final = (0.45, 0.3, 0.25)
PRIOR: Final = 0.03  # volatility of an hour times the square root of the greatest leverage a venue gives
SIGMA_LEAST, SIGMA_MOST = 1e-4, 0.5  # of an hour
MOVE_MOST: Final = 3.0  # in logs: a path goes no further than to 1/20 or 20 times the price
TAIL: Final = 3.0  # degrees of freedom of drawn moves
COMMON: Final = 0.8  # correlation of drawn moves with the common factor: 0.64 between two markets, as recorded
STEPS: Final = 8  # within a drawn hour


@dataclass(frozen=True, eq=False, kw_only=True)
class Bars:
    """T hourly bars of S markets on one grid, USD; NaN where a market has none."""

    names: tuple[str, ...]
    open: Floats
    high: Floats
    low: Floats
    close: Floats

    def until(self, row: int) -> "Bars":
        """The bars before `row`, as views."""
        return Bars(
            names=self.names, open=self.open[:row], high=self.high[:row], low=self.low[:row], close=self.close[:row]
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Moves:
    """N joint paths of S markets: log moves from now, [N, HORIZON, POINTS, S], in the order of `names`."""

    names: tuple[str, ...]
    sigma: Floats  # [S] volatility of an hour, forecast now
    shape: NDArray[np.float32]  # the paths in units of it
    basis: str  # where they come from, in words

    @property
    def paths(self) -> int:
        return len(self.shape)

    def of(self, name: str) -> Floats:
        """Log moves of one market, [N, HORIZON, POINTS]. BadInput for one that is not there."""
        if name not in self.names:
            raise BadInput("market", f"no forecast for {name!r}")
        at = self.names.index(name)
        found: Floats = np.clip(self.shape[..., at] * self.sigma[at], -MOVE_MOST, MOVE_MOST)
        return found

    def prices(self, name: str, conditions: Conditions) -> Ints:
        """[N x HORIZON x POINTS] marks in micro-USD a lot, from that of now, the nearest within bounds."""
        price = conditions.mark(name).mark * np.exp(self.of(name).reshape(-1))
        found: Ints = np.clip(np.rint(price), 1, conditions.market(name).price_max).astype(np.int64)
        return found


def prior_sigma(leverage_max: int) -> float:
    """Volatility of an hour of a market that nobody has seen move, by the leverage that its venue dares to give."""
    return float(PRIOR / np.sqrt(max(1, leverage_max)))


def volatility(bars: Bars, prior: Floats) -> Floats:
    """[T + 1, S] volatility of an hour as forecast before each bar, and after the last: no bar knows itself.

    Missing bars are passed over. The prior [S] counts as PRIOR_BARS bars, so that a new listing starts from it.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        squared = np.log(bars.high / bars.low) ** 2 / PARKINSON
        jump = np.log(bars.close / bars.open) ** 2
    seen = np.isfinite(squared) & np.isfinite(jump)
    value = np.where(seen, 0.5 * (squared + jump), 0.0)
    found = np.zeros((len(value) + 1, len(bars.names)))
    for half_life, weight in zip(HALF_LIVES, WEIGHTS, strict=True):
        mean = np.zeros_like(found)
        decayed(value, seen, (prior**2, PRIOR_BARS), 0.5 ** (1.0 / half_life), mean)
        found += weight * mean
    return np.clip(np.sqrt(found), SIGMA_LEAST, SIGMA_MOST)


def foresee(bars: Bars, prior: Mapping[str, float], *, seed: int, paths: int = PATHS) -> Moves:
    """At most `paths` paths of the markets of `bars` from its last bar on. The same arguments, the same paths.

    `prior` is the volatility of an hour of each market before anything is known of it. Where fewer than BARS_LEAST
    starts have a whole day of every market after them, moves are drawn instead. BadInput: `paths` below 1.
    """
    if paths < 1:
        raise BadInput("paths", f"{paths} is below 1")
    known = np.array([prior[name] for name in bars.names])
    sigma = volatility(bars, known)
    starts = _whole_days(bars)
    random = np.random.Generator(np.random.PCG64(seed))
    if len(starts) < BARS_LEAST:
        shape = _drawn(len(bars.names), paths, random)
        return Moves(names=bars.names, sigma=sigma[-1], shape=shape, basis="drawn: a common factor with fat tails")
    if len(starts) > paths:
        starts = np.sort(random.choice(starts, paths, replace=False))
    basis = f"{len(starts):,} recorded days at the volatility of now"
    ahead = outlook(bars, sigma, np.append(starts, len(bars.close)))
    shape = _recorded(bars, starts, ahead) / sigma[-1].astype(np.float32)
    return Moves(names=bars.names, sigma=sigma[-1], shape=shape, basis=basis)


def _whole_days(bars: Bars) -> Ints:
    """Rows from which every market has HORIZON bars."""
    whole: NDArray[np.bool_] = np.asarray(np.isfinite(bars.close).all(axis=1))
    first = max(0, len(whole) - LOOKBACK)
    counts = np.concatenate(([0], np.cumsum(whole)))
    rows = np.arange(first, max(first, len(whole) - HORIZON + 1))
    found: Ints = rows[counts[rows + HORIZON] - counts[rows] == HORIZON]
    return found


def _recorded(bars: Bars, starts: Ints, ahead: Floats) -> NDArray[np.float32]:
    """Log moves of the days from `starts`; each hour at the volatility of now, the last of `ahead`, for its own."""
    shape = np.empty((len(starts), HORIZON, POINTS, len(bars.names)), np.float32)
    ratio = ahead[-1] / ahead[:-1]
    base, before = np.zeros((len(starts), len(bars.names))), np.log(bars.open[starts])
    for at, span in enumerate(SPANS):
        for hour in range(*span):
            rows = starts + hour
            for point, values in enumerate((bars.low, bars.high, bars.close)):
                shape[:, hour, point] = base + (np.log(values[rows]) - before) * ratio[..., at]
            before = np.log(bars.close[rows])
            base = shape[:, hour, -1].astype(np.float64)
    return shape


def _drawn(markets: int, paths: int, random: Any) -> NDArray[np.float32]:
    """Random walks of STEPS an hour with Student-t increments of unit variance an hour, sharing one factor."""
    size = (paths, HORIZON * STEPS)
    unit = np.sqrt((TAIL - 2.0) / TAIL / STEPS)
    common = random.standard_t(TAIL, size)
    shape = np.empty((paths, HORIZON, POINTS, markets), np.float32)
    for market in range(markets):
        own = random.standard_t(TAIL, size)
        walk = np.cumsum(unit * (COMMON * common + np.sqrt(1.0 - COMMON**2) * own), axis=1)
        hours = walk.reshape(paths, HORIZON, STEPS)
        shape[..., 0, market], shape[..., 1, market] = hours.min(axis=2), hours.max(axis=2)
        shape[..., 2, market] = hours[..., -1]
    return shape
