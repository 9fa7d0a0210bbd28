"""Classical margins in the interface of ours: from one market's moves and returns, a margin for each next hour.

All see the past only: entry i is known after bar i and covers the move of bar i + 1. NaN moves (after a gap) teach
nothing.
"""

from math import isfinite, sqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from seawall.kernel import kernel, warm_up

Floats = npt.NDArray[np.float64]

DAYS_90: Final = 90 * 24
YEAR: Final = 365 * 24
FIRST: Final = 24  # observations before a quantile is taken
SIGMA_MIN: Final = 1e-5


@kernel
def _insert(window: Any, count: int, value: float) -> None:
    place = np.searchsorted(window[:count], value)
    for k in range(count, place, -1):
        window[k] = window[k - 1]
    window[place] = value


@kernel
def _remove(window: Any, count: int, value: float) -> None:
    for k in range(np.searchsorted(window[:count], value), count - 1):
        window[k] = window[k + 1]


@kernel
def _quantile(window: Any, count: int, level: float) -> Any:
    """Linear between order statistics, as numpy's default."""
    place = level * (count - 1)
    low = int(place)
    high = min(low + 1, count - 1)
    return window[low] + (place - low) * (window[high] - window[low])


@kernel
def rolling(values: Any, length: int, level: float) -> Any:
    """Quantile `level` of the last `length` finite values up to and with each entry; NaN before FIRST of them."""
    out = np.full(len(values), np.nan)
    window = np.zeros(length + 1)
    kept = np.zeros(length)
    count = 0
    seen = 0
    for i in range(len(values)):
        if isfinite(values[i]):
            if count == length:
                _remove(window, count, kept[seen % length])
                count -= 1
            kept[seen % length] = values[i]
            seen += 1
            _insert(window, count, values[i])
            count += 1
        if count >= FIRST:
            out[i] = _quantile(window, count, level)
    return out


@kernel
def volatility(returns: Any, keep: float) -> Any:
    """EWMA volatility after each bar, from squared returns; the first day is a plain mean."""
    out = np.full(len(returns), np.nan)
    variance = 0.0
    count = 0
    for i in range(len(returns)):
        if isfinite(returns[i]):
            weight = max(1.0 - keep, 1.0 / (count + 1.0))
            variance += weight * (returns[i] * returns[i] - variance)
            count += 1
        if count:
            out[i] = max(sqrt(variance), SIGMA_MIN)
    return out


def historical(moves: Floats, level: float) -> Floats:
    """Historical simulation over 90 days."""
    return np.asarray(rolling(moves, DAYS_90, level))


def filtered(moves: Floats, returns: Floats, level: float, keep: float) -> Floats:
    """EWMA volatility x the quantile of a year's moves over the volatility before them (filtered simulation)."""
    sigma = np.asarray(volatility(returns, keep))
    scaled = np.full(len(moves), np.nan)
    scaled[1:] = moves[1:] / sigma[:-1]
    margin: Floats = sigma * np.asarray(rolling(scaled, YEAR, level))
    return margin


def buffered(margin: Floats) -> Floats:
    """EMIR RTS art. 28 (a): a buffer of 25 %, used up while the margin is above 1.25 x its median of a year."""
    through = 1.25 * np.asarray(rolling(margin, YEAR, 0.5))
    lifted: Floats = np.maximum(margin, np.minimum(1.25 * margin, through))
    return lifted


def stressed(margin: Floats, history: Floats) -> Floats:
    """EMIR RTS art. 28 (b): a quarter of the weight on the worst 90 days known so far."""
    worst = np.fmax.accumulate(history)
    blended: Floats = 0.75 * margin + 0.25 * np.maximum(worst, margin)
    return blended


def floored(margin: Floats) -> Floats:
    """EMIR RTS art. 28 (c): never below the upper quartile of a year of itself."""
    lifted: Floats = np.maximum(margin, np.asarray(rolling(margin, YEAR, 0.75)))
    return lifted


@warm_up
def _warm_up() -> None:
    rolling(np.ones(3), 2, 0.5)
    volatility(np.ones(3), 0.9)
