"""GARCH(1,1) with Student-t shocks and peaks over threshold (McNeil and Frey 2000), fitted anew every quarter.

The fit maximises the likelihood over a grid that is refined twice, with the variance of the window as target: a hundred
and thirty evaluations, always the same answer, no optimiser that can fail. The tail of moves over volatility above its
95 % quantile is a generalised Pareto by probability-weighted moments (Hosking and Wallis 1987).
"""

from math import isfinite, lgamma, log, sqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from seawall.kernel import kernel, warm_up

Floats = npt.NDArray[np.float64]

WINDOW: Final = 365 * 24
REFIT: Final = 90 * 24
FIRST: Final = 500  # returns before a first fit
THRESHOLD: Final = 0.95
SHAPES: Final = (-0.4, 0.6)  # bounds of the Pareto shape
VARIANCE_MIN: Final = 1e-10
_REACTIONS: Final = np.array([0.02, 0.05, 0.09, 0.15, 0.25])
_PERSISTENCES: Final = np.array([0.90, 0.95, 0.98, 0.993])
_FREEDOMS: Final = np.array([3.0, 4.0, 6.0, 10.0])


@kernel
def likelihood(returns: Any, reaction: float, persistence: float, freedom: float) -> Any:
    """Log likelihood of GARCH(1,1)-t with variance targeting. NaN returns carry the variance on."""
    total, count, square = 0.0, 0, 0.0
    for value in returns:
        if isfinite(value):
            square += value * value
            count += 1
    target = max(square / max(count, 1), VARIANCE_MIN)
    variance = target
    sum_logs = 0.0
    for value in returns:
        if not isfinite(value):
            continue
        sum_logs += log(variance)
        total -= 0.5 * (freedom + 1.0) * log(1.0 + value * value / (variance * (freedom - 2.0)))
        moved = target * (1.0 - persistence) + reaction * value * value + (persistence - reaction) * variance
        variance = max(moved, VARIANCE_MIN)
    constant = lgamma(0.5 * (freedom + 1.0)) - lgamma(0.5 * freedom) - 0.5 * log(np.pi * (freedom - 2.0))
    return total - 0.5 * sum_logs + count * constant


@kernel
def fit(returns: Any, best: Any) -> None:
    """`best` = reaction, persistence, freedom of the greatest likelihood found."""
    top = -np.inf
    for reaction in _REACTIONS:
        for persistence in _PERSISTENCES:
            for freedom in _FREEDOMS:
                value = likelihood(returns, reaction, persistence, freedom) if reaction < persistence else -np.inf
                if value > top:
                    top = value
                    best[0], best[1], best[2] = reaction, persistence, freedom
    for size in (0.5, 0.25):
        centre = best.copy()
        for first in (-1.0, 0.0, 1.0):
            for second in (-1.0, 0.0, 1.0):
                for third in (-1.0, 0.0, 1.0):
                    reaction = centre[0] * (1.0 + size * first)
                    persistence = min(1.0 - (1.0 - centre[1]) * (1.0 + size * second), 0.9995)
                    freedom = 2.1 + (centre[2] - 2.1) * (1.0 + size * third)
                    if reaction >= persistence:
                        continue
                    value = likelihood(returns, reaction, persistence, freedom)
                    if value > top:
                        top = value
                        best[0], best[1], best[2] = reaction, persistence, freedom


@kernel
def pareto_quantile(values: Any, level: float) -> Any:
    """Quantile `level` of positive `values`, above THRESHOLD by the fitted Pareto tail."""
    ordered = np.sort(values)
    start = int(THRESHOLD * len(ordered))
    threshold = ordered[start]
    over = ordered[start + 1 :] - threshold
    count = len(over)
    if count < 10:
        return ordered[min(int(level * len(ordered)), len(ordered) - 1)]
    first, second = 0.0, 0.0
    for k in range(count):
        first += over[k] / count
        second += over[k] * (count - 1 - k) / (count - 1.0) / count
    if first <= 0.0 or first - 2.0 * second <= 0.0:
        return ordered[min(int(level * len(ordered)), len(ordered) - 1)]
    shape = min(max(2.0 - first / (first - 2.0 * second), SHAPES[0]), SHAPES[1])
    scale = first * (1.0 - shape)
    rate = (1.0 - level) * len(ordered) / count
    if abs(shape) < 1e-6:
        return threshold - scale * log(rate)
    return threshold + scale / shape * (rate**-shape - 1.0)


@kernel
def garch_pot(moves: Any, returns: Any, level: float) -> Any:
    """Margin after each bar: GARCH volatility x the Pareto quantile of a year's moves over it; NaN before a fit."""
    out = np.full(len(moves), np.nan)
    parameters = np.zeros(3)
    ratio, fitted_at, seen, target, variance = 0.0, -REFIT, 0, 0.0, 0.0
    for i in range(len(moves)):
        seen += 1 if isfinite(returns[i]) else 0
        if seen >= FIRST and i - fitted_at >= REFIT:
            first = max(i + 1 - WINDOW, 0)
            window = returns[first : i + 1]
            fit(window, parameters)
            fitted_at = i
            known = window[np.isfinite(window)]
            target = max(np.mean(known * known), VARIANCE_MIN)
            ratio, variance = _scaled_tail(moves[first : i + 1], window, parameters, target, level)
        elif seen >= FIRST and isfinite(returns[i]):
            variance = _next(variance, returns[i], parameters, target)
        if seen >= FIRST:
            out[i] = ratio * sqrt(variance)
    return out


@kernel
def _next(variance: float, value: float, parameters: Any, target: float) -> Any:
    reaction, persistence = parameters[0], parameters[1]
    moved = target * (1.0 - persistence) + reaction * value * value + (persistence - reaction) * variance
    return max(moved, VARIANCE_MIN)


@kernel
def _scaled_tail(moves: Any, returns: Any, parameters: Any, target: float, level: float) -> Any:
    """Pareto quantile of moves over the volatility before them, and the variance after the window."""
    variance = target
    scaled = np.zeros(len(moves))
    count = 0
    for i in range(len(moves)):
        if isfinite(moves[i]):
            scaled[count] = moves[i] / sqrt(variance)
            count += 1
        if isfinite(returns[i]):
            variance = _next(variance, returns[i], parameters, target)
    return pareto_quantile(scaled[:count], level), variance


@warm_up
def _warm_up() -> None:
    garch_pot(np.full(FIRST, 0.01), np.full(FIRST, 0.01), 0.995)
