"""How volatile each of the next hours may be: ranges over seven memories, the hour of the day and of the week.

The logarithm of an hour's range, ln(high / low), so many hours ahead, is linear in the logarithms of mean ranges over
half-lives from 0.7 hours to two months (Corsi 2009) and in how far that hour of the day and that day of the week stray
from others. The coefficients come from generated worlds alone (`fit`), so that they belong to no market; a level that
is wrong by a factor does not matter, since paths are divided by what is multiplied again (moves.py).
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from seawall.kernel import kernel, warm_up

Floats = NDArray[np.float64]

LEADS: Final = 24  # hours ahead: of a path
HALF_LIVES: Final = (0.7, 2.0, 6.0, 24.0, 72.0, 240.0, 1440.0)  # hours
BASE: Final = 4  # place of the half-life that the others are compared with
DAY: Final = 3  # likewise, of what an hour of the day is compared with
FACTORS: Final = len(HALF_LIVES) + 3  # one, the others over the base, the base, hour of the day, day of the week
PRIOR_BARS: Final = 24.0  # the prior counts as so many bars
RANGE_OF_SIGMA: Final = float(2.0 * np.sqrt(np.log(2.0)))  # of an hour that walks at random (Parkinson 1980)
SPAN_LEAST: Final = 1e-6
STRAY_MOST: Final = 2.0  # of a logarithm: one hour is not the season
HOUR_DAYS: Final = 40.0  # days in the memory of an hour of the day
WEEK_HOURS: Final = 480.0  # hours in that of a day of the week
WORLDS: Final = 10  # of 6 markets over 6,000 hours
SEED: Final = 99
HISTORY: Final = 500  # hours of a market before it teaches
FILE: Final = "hours.npz"

_KEEPS: Final = np.array([0.5 ** (1.0 / hours) for hours in HALF_LIVES])


@kernel
def factors(span: Any, seen: Any, prior: float, found: Any) -> None:
    """Writes into `found` [T + 1, LEADS, FACTORS] what is known before each row, of one market.

    `span` [T] are ranges in logs where `seen`; rows that are not pass by. `prior` is the range before anything is seen.
    """
    means, weights = np.zeros(len(_KEEPS)), np.zeros(len(_KEEPS))
    for k in range(len(_KEEPS)):
        weights[k] = PRIOR_BARS * (1.0 - _KEEPS[k])
        means[k] = prior
    hours, days = np.zeros(24), np.zeros(7)
    for row in range(len(span) + 1):
        base = np.log(means[BASE])
        usual, week = hours.mean(), days.mean()
        for lead in range(LEADS):
            found[row, lead, 0] = 1.0
            for k in range(len(_KEEPS)):
                found[row, lead, 1 + k] = np.log(means[k]) - base
            found[row, lead, 1 + BASE] = base
            found[row, lead, 1 + len(_KEEPS)] = hours[(row + lead) % 24] - usual
            found[row, lead, 2 + len(_KEEPS)] = days[(row + lead) // 24 % 7] - week
        if row < len(span) and seen[row]:
            value = max(span[row], SPAN_LEAST)
            stray = min(max(np.log(value / means[DAY]), -STRAY_MOST), STRAY_MOST)
            hours[row % 24] += (stray - hours[row % 24]) / HOUR_DAYS
            days[row // 24 % 7] += (stray - days[row // 24 % 7]) / WEEK_HOURS
            for k in range(len(_KEEPS)):
                weights[k] = _KEEPS[k] * weights[k] + 1.0 - _KEEPS[k]
                means[k] += (1.0 - _KEEPS[k]) / weights[k] * (value - means[k])


def volatilities(high: Floats, low: Floats, prior: Floats, rows: NDArray[np.int64]) -> Floats:
    """[rows, LEADS, S] volatility of each hour that follows, as known before rows of [T, S] bars, T standing for now.

    NaN bars pass by; `prior` [S] is the volatility of an hour of a market before anything is known of it.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        span = np.log(high / low)
    seen, coefficients = np.isfinite(span), shipped()
    found = np.empty((len(rows), LEADS, span.shape[1]))
    known = np.empty((len(span) + 1, LEADS, FACTORS))
    for market in range(span.shape[1]):
        factors(span[:, market], seen[:, market], RANGE_OF_SIGMA * float(prior[market]), known)
        found[..., market] = np.exp(np.einsum("tlf,lf->tl", known[rows], coefficients)) / RANGE_OF_SIGMA
    return found


@cache
def shipped() -> Floats:
    """[LEADS, FACTORS] coefficients in the package: what `fit` makes of its generated worlds."""
    data = (files("seawall.risk") / "models" / FILE).read_bytes()
    found: Floats = np.load(BytesIO(data), allow_pickle=False)["coefficients"]
    assert found.shape == (LEADS, FACTORS)
    return found


def fit(spans: Sequence[Floats]) -> Floats:
    """[LEADS, FACTORS] least squares over ranges [T, S] of worlds, in logs; NaN where a market has none."""
    squares, products = np.zeros((LEADS, FACTORS, FACTORS)), np.zeros((LEADS, FACTORS))
    for span in spans:
        for values in span.T:
            seen = np.isfinite(values)
            known = np.empty((len(values) + 1, LEADS, FACTORS))
            factors(values, seen, float(np.nanmean(values)), known)
            rows = np.arange(int(np.argmax(seen)) + HISTORY, len(values) - LEADS + 1)
            later = np.log(np.maximum(values[rows[:, None] + np.arange(LEADS)], SPAN_LEAST))
            used = known[rows]
            squares += np.einsum("tlf,tlg->lfg", used, used)
            products += np.einsum("tlf,tl->lf", used, later)
    return np.stack([np.linalg.solve(left, right) for left, right in zip(squares, products, strict=True)])


@warm_up
def _warm_up() -> None:
    factors(np.ones(1), np.ones(1, np.bool_), 1.0, np.zeros((2, LEADS, FACTORS)))
