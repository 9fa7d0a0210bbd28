"""The volatility of the next hour, of the 7 after it and of the 16 after those, as these very bars have taught it.

A regression in logs (Corsi 2009) of what hours ahead had, on means over half-lives from under an hour to six weeks and
on the hour of the day and of the week, fitted on the bars that are there and on no others: no recorded market is in the
package. What is fitted is a correction of the forecast of `moves.volatility`; a ridge holds it at none until there are
enough hours to say otherwise.
"""

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from seawall.risk.kernels import decayed

if TYPE_CHECKING:
    from seawall.risk.moves import Bars

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SPANS: Final = ((0, 1), (1, 8), (8, 24))  # hours ahead
HALF_LIVES: Final = (0.7, 2.0, 6.0, 18.0, 48.0, 168.0, 336.0, 1000.0)  # hours
CYCLES: Final = ((24, 3), (168, 3))  # hours of a cycle, and its harmonics
LEARN_MOST: Final = 2 * 365 * 24  # hours to learn from: older ones are another market
LEARN_EVERY: Final = 5  # their days overlap; a number without a divisor in common with any of CYCLES meets every hour
RIDGE: Final = 40.0  # rows that speak for no correction
CORRECTION_MOST: Final = 1.5  # in logs
LEAST: Final = 1e-4  # volatility of an hour
PARKINSON: Final = 4.0 * float(np.log(2.0))
PRIOR_BARS: Final = 24.0  # a prior counts as so many bars


def outlook(bars: "Bars", sigma: Floats, rows: Ints) -> Floats:
    """[len(rows), S, 3] volatility of an hour within each of SPANS, as seen before each of `rows`, 0 to T. Never NaN.

    `sigma` [T + 1, S], the forecast that is corrected, may not be NaN; its first row is the prior. Of row T this is a
    forecast; of those before, what the same regression says, which is what their moves are measured in.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        squared = np.log(bars.high / bars.low) ** 2 / PARKINSON
    seen = np.isfinite(squared)
    squared = np.where(seen, squared, 0.0)
    last = len(squared)
    taught = np.arange(last - SPANS[-1][1], max(0, last - LEARN_MOST), -LEARN_EVERY)
    came = _came(squared, seen, taught) - np.log(sigma[taught])[..., None]
    means = _means(squared, seen, sigma[0])
    whole = np.isfinite(came).all(axis=2)
    correction = _fitted(_known(means, sigma, taught)[whole], came[whole], _known(means, sigma, rows))
    bounded: Floats = sigma[rows][..., None] * np.exp(np.clip(correction, -CORRECTION_MOST, CORRECTION_MOST))
    return bounded


def _came(squared: Floats, seen: NDArray[np.bool_], rows: Ints) -> Floats:
    """[R, S, 3] log volatility within each of SPANS after `rows`; NaN where an hour is missing."""
    start = np.zeros((1, squared.shape[1]))
    total, count = np.vstack([start, np.cumsum(squared, axis=0)]), np.vstack([start, np.cumsum(seen, axis=0)])
    found = np.full((len(rows), squared.shape[1], len(SPANS)), np.nan)
    for at, (begin, end) in enumerate(SPANS):
        mean = (total[rows + end] - total[rows + begin]) / (end - begin)
        whole = count[rows + end] - count[rows + begin] == end - begin
        found[..., at][whole] = 0.5 * np.log(np.maximum(mean[whole], LEAST**2))
    return found


def _means(squared: Floats, seen: NDArray[np.bool_], prior: Floats) -> list[Floats]:
    """[T + 1, S] for each of HALF_LIVES, of what is seen before each row."""
    found = []
    for half_life in HALF_LIVES:
        mean = np.zeros((len(squared) + 1, squared.shape[1]))
        decayed(squared, seen, (prior**2, PRIOR_BARS), 0.5 ** (1.0 / half_life), mean)
        found.append(mean)
    return found


def _known(means: list[Floats], sigma: Floats, rows: Ints) -> Floats:
    """[R, S, F] what is known before each of `rows`: logs of means and of the forecast, the hour in its cycles."""
    found = [0.5 * np.log(np.maximum(mean[rows], LEAST**2)) for mean in means]
    found.append(np.log(sigma[rows]))
    for hours, harmonics in CYCLES:
        for harmonic in range(1, harmonics + 1):
            angle = 2.0 * np.pi * harmonic * (rows % hours) / hours  # from any hour: the two waves fit any phase
            found += [np.broadcast_to(wave(angle)[:, None], found[0].shape) for wave in (np.cos, np.sin)]
    return np.stack(found, axis=2)


def _fitted(taught: Floats, came: Floats, asked: Floats) -> Floats:
    """[..., 3] what ridge regression of `came` [N, 3] on `taught` [N, F] says of `asked` [..., F]; 0 without rows."""
    if not len(came):
        return np.zeros((*asked.shape[:-1], came.shape[1]))
    middle, usual = taught.mean(axis=0), came.mean(axis=0)
    around = taught - middle
    weights = np.linalg.solve(around.T @ around + RIDGE * np.eye(around.shape[1]), around.T @ (came - usual))
    found: Floats = usual * len(came) / (len(came) + RIDGE) + (asked - middle) @ weights
    return found
