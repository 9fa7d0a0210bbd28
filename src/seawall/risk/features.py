"""Features of one market, the same kernels live and in backtests: a state row takes a bar, and describes what it knows.

Nothing looks ahead: `absorb` sees one closed bar, `describe` the states at one moment. All averages are exponential, so
that a state is one row of numbers that needs no history. Ranges are ln(high / low); the base of a market is the mean of
its mean ranges over about a day and about a week, and most features are logarithms of something over the base.
"""

from math import exp, log, sqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from seawall.kernel import kernel, warm_up
from seawall.risk.bars import HOUR_MS, Bar
from seawall.risk.state import (
    ABSOLUTE,
    BAD_VOLUME,
    BINS,
    CLOSE,
    COUNT,
    DAYS,
    DOWN,
    FAR,
    FLAGS,
    FROZEN,
    HALF_LIVES,
    HISTOGRAMS,
    HOURS,
    JUMPED,
    LAST_RANGE,
    LAST_RETURN,
    LATE,
    MAX_DAY,
    MAX_WEEK,
    NEAR,
    OVER_BASE,
    OVER_SIGMA,
    PEAK,
    RANGES,
    RETURN_HOURS,
    RETURNS,
    RUN,
    SUSPECT,
    SUSPECT_COUNT,
    TIME,
    UP,
    VARIANCE,
    VOLUME_COUNT,
    VOLUME_HOURS,
    VOLUMES,
    WEIGHTS,
    WIDTH,
)

Floats = npt.NDArray[np.float64]

NAMES: Final = (
    *(f"range_{hours:g}h" for hours in HALF_LIVES if hours != HALF_LIVES[FAR]),
    "range_last",
    "base",
    "max_day",
    "max_week",
    "return_last",
    *(f"return_{hours:g}h" for hours in RETURN_HOURS),
    "drawdown",
    *(f"volume_{name}" for name in ("last", "6h", "24h")),
    "season_hour",
    "season_day",
    "tail_over_base",
    "tail_year",
    "tail_filtered",
    "common_last",
    "common_5h",
    "age",
)
FEATURES: Final = len(NAMES)
EXTRAS: Final = 7
FACTOR_RANGE: Final = 2  # place in HALF_LIVES of the common factor's slower part

BASE_MIN: Final = 1e-5
RANGE_MIN: Final = 1e-6
MOVE_MAX: Final = log(5.0)  # a longer wick counts as this; a close further away is a mistake until others agree
AGREEING: Final = 3  # closes near a suspect one that make it the price
NEAR_SUSPECT: Final = log(1.3)
FHS_KEEP: Final = 0.97  # EWMA of squared returns (RiskMetrics)
SEASON_HOURS: Final = 40.0  # observations in the memory of an hour of the day; of a day of the week 24 times as many
BIN_LOW: Final = log(1e-5)
BIN_STEP: Final = (log(300.0) - log(1e-5)) / BINS
HISTORY_HOURS: Final = (60 * 24.0, 250 * 24.0, 250 * 24.0)  # half-lives of the histograms
PRIOR: Final = 300.0  # hours of history at which a market's own tail and the prior one count alike
PRIOR_OVER_BASE, PRIOR_ABSOLUTE, PRIOR_OVER_SIGMA = 3.4, 2.6, 5.5  # 99.5, 99 (over base) and 99.5 % quantiles

_KEEPS: Final = np.array([0.5 ** (1.0 / hours) for hours in HALF_LIVES])
_RETURN_KEEPS: Final = np.array([0.5 ** (1.0 / hours) for hours in RETURN_HOURS])
_VOLUME_KEEPS: Final = np.array([0.5 ** (1.0 / hours) for hours in VOLUME_HOURS])
_HISTORY_KEEPS: Final = np.array([0.5 ** (1.0 / hours) for hours in HISTORY_HOURS])
_DAY_KEEP: Final = 0.5 ** (1.0 / 12.0)
_WEEK_KEEP: Final = 0.5 ** (1.0 / 84.0)
_PEAK_KEEP: Final = 0.5 ** (1.0 / 240.0)


@kernel
def base_of(s: Any) -> Any:
    """Mean of the day's and the week's mean range, at least BASE_MIN."""
    return max(0.5 * (s[RANGES + NEAR] + s[RANGES + FAR]), BASE_MIN)


@kernel
def absorb(s: Any, time_ms: int, high: float, low: float, close: float, volume_usd: float) -> Any:
    """One closed hour goes into state row `s`. Returns the worst move from the close before, max of both sides.

    NaN when there is none to measure: the first bar, one after a gap, or one that was not accepted. Prices are finite,
    positive and low <= close <= high (bars.unsound). A frozen bar (high = low = the last close) teaches nothing. A
    close more than 5 times away from the last is held back until AGREEING closes stand near it.
    """
    flags = 0
    s[UP] = np.nan
    s[DOWN] = np.nan
    if not volume_usd >= 0.0:
        volume_usd = np.nan
        flags |= BAD_VOLUME
    if s[COUNT] == 0.0:
        return _first(s, time_ms, high, low, close, volume_usd, flags)
    if time_ms <= s[TIME]:
        s[FLAGS] = flags | LATE
        return np.nan
    if abs(log(close / s[CLOSE])) > MOVE_MAX:
        return _suspect(s, time_ms, close, flags)
    s[SUSPECT_COUNT] = 0.0
    is_next = time_ms - s[TIME] <= 1.5 * HOUR_MS
    if high == low and close == s[CLOSE]:
        s[RUN] += 1.0
        s[TIME] = time_ms
        s[FLAGS] = flags | FROZEN
        return 0.0 if is_next else np.nan
    up = max(min(high / s[CLOSE] - 1.0, exp(MOVE_MAX) - 1.0), 0.0)
    down = max(1.0 - low / s[CLOSE], 0.0)
    move = max(up, down)
    change = log(close / s[CLOSE])
    if is_next:
        s[UP] = up
        s[DOWN] = down
        _remember(s, move)
    _average(s, time_ms, high, low, close, change if is_next else 0.0)
    _trade(s, volume_usd)
    s[COUNT] += 1.0
    s[TIME] = time_ms
    s[CLOSE] = close
    s[RUN] = 0.0
    s[FLAGS] = flags
    return move if is_next else np.nan


@kernel
def _first(s: Any, time_ms: int, high: float, low: float, close: float, volume_usd: float, flags: int) -> float:
    span = max(min(log(high / low), MOVE_MAX), RANGE_MIN)
    for place in range(len(_KEEPS)):
        s[RANGES + place] = span
    for place in range(24 + 7):
        s[HOURS + place] = 1.0
    s[LAST_RANGE] = span
    s[MAX_DAY] = span
    s[MAX_WEEK] = span
    s[PEAK] = log(close)
    s[VARIANCE] = (0.6 * span) ** 2  # a range is about 1.67 standard deviations (Parkinson)
    s[CLOSE] = close
    s[TIME] = time_ms
    s[FLAGS] = flags
    s[COUNT] = 1.0
    _trade(s, volume_usd)
    return np.nan


@kernel
def _suspect(s: Any, time_ms: int, close: float, flags: int) -> float:
    """A close out of reach: counted, and once enough agree the price restarts there without a return."""
    agrees = s[SUSPECT_COUNT] > 0.0 and abs(log(close / s[SUSPECT])) < NEAR_SUSPECT
    s[SUSPECT_COUNT] = s[SUSPECT_COUNT] + 1.0 if agrees else 1.0
    s[SUSPECT] = close
    s[RUN] += 1.0
    s[FLAGS] = flags | JUMPED
    if s[SUSPECT_COUNT] >= AGREEING:
        s[CLOSE] = close
        s[PEAK] = log(close)
        s[TIME] = time_ms
        s[SUSPECT_COUNT] = 0.0
    return np.nan


@kernel
def _remember(s: Any, move: float) -> None:
    """The move goes into the three histograms, over what was known before it."""
    base, sigma = base_of(s), max(sqrt(s[VARIANCE]), BASE_MIN)
    for which in range(3):
        scale = base if which == OVER_BASE else (sigma if which == OVER_SIGMA else 1.0)
        first = HISTOGRAMS + which * BINS
        keep = _HISTORY_KEEPS[which]
        for place in range(first, first + BINS):
            s[place] *= keep
        s[WEIGHTS + which] = s[WEIGHTS + which] * keep + 1.0
        value = log(max(move / scale, 1e-5))
        s[first + min(max(int((value - BIN_LOW) / BIN_STEP), 0), BINS - 1)] += 1.0


@kernel
def _average(s: Any, time_ms: int, high: float, low: float, close: float, change: float) -> None:
    span = max(min(log(high / low), MOVE_MAX), RANGE_MIN)
    base = base_of(s)
    season = min(span / base, 20.0)
    hour, day = int(time_ms // HOUR_MS) % 24, int(time_ms // (24 * HOUR_MS)) % 7
    s[HOURS + hour] += (season - s[HOURS + hour]) / SEASON_HOURS
    s[DAYS + day] += (season - s[DAYS + day]) / (24.0 * SEASON_HOURS)
    least = 1.0 / (s[COUNT] + 1.0)  # a plain mean until the memory is full
    for place in range(len(_KEEPS)):
        weight = max(1.0 - _KEEPS[place], least)
        s[RANGES + place] += weight * (span - s[RANGES + place])
    for place in range(len(_RETURN_KEEPS)):
        s[RETURNS + place] = s[RETURNS + place] * _RETURN_KEEPS[place] + change
    s[LAST_RETURN] = change
    s[LAST_RANGE] = span
    s[MAX_DAY] = max(s[MAX_DAY] * _DAY_KEEP, span)
    s[MAX_WEEK] = max(s[MAX_WEEK] * _WEEK_KEEP, span)
    level = log(close)
    s[PEAK] = max(level, level + (s[PEAK] - level) * _PEAK_KEEP)
    s[VARIANCE] = FHS_KEEP * s[VARIANCE] + (1.0 - FHS_KEEP) * change * change


@kernel
def _trade(s: Any, volume_usd: float) -> None:
    if not volume_usd > 0.0:
        return
    s[VOLUMES] = volume_usd
    least = 1.0 / (s[VOLUME_COUNT] + 1.0)
    for place in range(len(_VOLUME_KEEPS)):
        weight = max(1.0 - _VOLUME_KEEPS[place], least)
        s[VOLUMES + 1 + place] += weight * (volume_usd - s[VOLUMES + 1 + place])
    s[VOLUME_COUNT] += 1.0


@kernel
def tail(s: Any, which: int, level: float, prior: float) -> Any:
    """Quantile `level` of histogram `which`, shrunk towards `prior` while there are few hours."""
    total = s[WEIGHTS + which]
    if total <= 0.0:
        return prior
    wanted = (1.0 - level) * total
    first = HISTOGRAMS + which * BINS
    place = BINS - 1
    above = 0.0
    while place > 0 and above + s[first + place] < wanted:
        above += s[first + place]
        place -= 1
    inside = (wanted - above) / s[first + place] if s[first + place] > 0.0 else 0.5
    own = exp(BIN_LOW + (place + 1.0 - min(inside, 1.0)) * BIN_STEP)
    return (total * own + PRIOR * prior) / (total + PRIOR)


@kernel
def filtered(s: Any) -> Any:
    """Filtered historical simulation: 99.5 % of the worst move, EWMA volatility times a quantile of moves over it."""
    return max(sqrt(s[VARIANCE]), BASE_MIN) * tail(s, OVER_SIGMA, 0.995, PRIOR_OVER_SIGMA)


@kernel
def yearly(s: Any) -> Any:
    """99 % of the worst move over about a year: what a margin through the cycle is made of."""
    return tail(s, ABSOLUTE, 0.99, PRIOR_ABSOLUTE * base_of(s))


@kernel
def common(rows: Any, live: Any, out: Any) -> None:
    """`out` = mean over live rows of ln(last range / base) and of ln(range over 5 h / base); 0 without any."""
    out[0] = 0.0
    out[1] = 0.0
    count = 0
    for market in range(len(live)):
        if live[market]:
            base = base_of(rows[market])
            out[0] += log(rows[market, LAST_RANGE] / base)
            out[1] += log(rows[market, RANGES + FACTOR_RANGE] / base)
            count += 1
    if count:
        out[0] /= count
        out[1] /= count


@kernel
def describe(s: Any, factor: Any, out: Any) -> None:
    """Writes the FEATURES of state row `s` to `out`, in the order of NAMES."""
    base = base_of(s)
    spot = 0
    for place in range(len(_KEEPS)):
        if place != FAR:
            out[spot] = log(s[RANGES + place] / base)
            spot += 1
    out[spot] = log(s[LAST_RANGE] / base)
    out[spot + 1] = log(base)
    out[spot + 2] = log(s[MAX_DAY] / base)
    out[spot + 3] = log(s[MAX_WEEK] / base)
    out[spot + 4] = s[LAST_RETURN] / base
    spot += 5
    for place in range(len(RETURN_HOURS)):
        out[spot] = s[RETURNS + place] / (base * sqrt(RETURN_HOURS[place]))
        spot += 1
    out[spot] = (s[PEAK] - log(s[CLOSE])) / (base * 10.0)
    for place in range(3):
        known = s[VOLUME_COUNT] > 0.0
        out[spot + 1 + place] = log(s[VOLUMES + place] / s[VOLUMES + 3]) if known else np.nan
    spot += 4
    following = int(s[TIME]) // HOUR_MS + 1
    out[spot] = log(max(s[HOURS + following % 24], 0.05))
    out[spot + 1] = log(max(s[DAYS + following // 24 % 7], 0.05))
    out[spot + 2] = log(tail(s, OVER_BASE, 0.995, PRIOR_OVER_BASE))
    out[spot + 3] = log(yearly(s) / base)
    out[spot + 4] = log(filtered(s) / base)
    out[spot + 5] = factor[0]
    out[spot + 6] = factor[1]
    out[spot + 7] = log(1.0 + min(s[COUNT], 10_000.0))


class FeatureState:
    """The state of one market. `update` takes closed hours in order and returns the feature vector, float64 [FEATURES].

    The common factor is that of this market alone, unless one is given.
    """

    def __init__(self) -> None:
        self.row: Floats = np.zeros(WIDTH)
        self.move = np.nan  # of the last bar, worst of both sides, over the close before

    def update(self, bar: Bar, factor: Floats | None = None) -> Floats:
        """One sound bar of an hour. One that teaches nothing (late, frozen, out of reach) leaves the averages alone."""
        self.move = absorb(self.row, bar.time_ms, bar.high, bar.low, bar.close, bar.volume_usd)
        return self.vector(factor)

    def vector(self, factor: Floats | None = None) -> Floats:
        """The features as they stand."""
        shared = np.zeros(2)
        if factor is None:
            common(self.row[None, :], np.ones(1, dtype=np.bool_), shared)
        out = np.zeros(FEATURES)
        describe(self.row, shared if factor is None else factor, out)
        return out

    @property
    def count(self) -> int:
        """Hours learnt from."""
        return int(self.row[COUNT])


@kernel
def sweep(
    times: Any, high: Any, low: Any, close: Any, volume: Any, rows: Any, moves: Any, extras: Any, features: Any
) -> int:
    """Plays [T, S] hours (NaN where there is none) through states `rows` [S, WIDTH], hour by hour.

    For each cell with a bar, in order of time and then market: `features` [N, FEATURES] after the bar, `extras`
    [N, EXTRAS]: FHS margin, yearly margin, base, hours learnt from, move up and move down of the bar, mean hourly
    volume (0 where unknown). `moves` [T, S] is what `absorb` returned. Returns N.
    """
    hours, markets = close.shape
    live = np.zeros(markets, dtype=np.bool_)
    fresh = np.zeros(markets, dtype=np.bool_)
    factor = np.zeros(2)
    row = 0
    for t in range(hours):
        for k in range(markets):
            live[k] = not np.isnan(close[t, k])
            moves[t, k] = np.nan
            if live[k]:
                moves[t, k] = absorb(rows[k], times[t], high[t, k], low[t, k], close[t, k], volume[t, k])
            fresh[k] = live[k] and rows[k, TIME] == times[t]
        common(rows, fresh, factor)
        for k in range(markets):
            if live[k]:
                describe(rows[k], factor, features[row])
                extras[row, 0] = filtered(rows[k])
                extras[row, 1] = yearly(rows[k])
                extras[row, 2] = base_of(rows[k])
                extras[row, 3] = rows[k, COUNT]
                extras[row, 4] = rows[k, UP]
                extras[row, 5] = rows[k, DOWN]
                extras[row, 6] = rows[k, VOLUMES + 3]
                row += 1
    return row


@warm_up
def _warm_up() -> None:
    state = FeatureState()
    state.update(Bar(0, 1.0, 1.0, 1.0, 1.0))
    grid = np.ones((1, 1))
    times = np.zeros(1, dtype=np.int64)
    rows, features = np.zeros((1, WIDTH)), np.zeros((1, FEATURES))
    sweep(times, grid, grid, grid, grid, rows, np.zeros((1, 1)), np.zeros((1, EXTRAS)), features)
