"""How good a margin was: coverage and its tests, clustering, capital, procyclicality, loss beyond it."""

from dataclasses import dataclass
from math import erfc, exp, log, sqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from seawall.kernel import kernel, warm_up

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

DAY: Final = 24
DAY_LEVEL: Final = 0.99  # of the move of a day
STRESS_SHARE: Final = 0.01


@dataclass(frozen=True, eq=False)
class Track:
    """One market's evaluated hours: `hours` (numbers, rising), the margin for each and the move that followed.

    `stress` marks the 1 % of hours before which the mean range of about a day and a week was widest, `shock` those
    before which the EWMA volatility (0.97) of hourly returns was highest. `day` is the worst move of the 24 hours that
    followed, NaN where one of them is missing.
    """

    hours: npt.NDArray[np.int64]
    moves: Floats
    margin: Floats
    stress: Flags
    shock: Flags
    day: Floats

    @property
    def violated(self) -> Flags:
        beyond: Flags = self.moves > self.margin
        return beyond


def scale_to(level: float, moves: Floats, margin: Floats) -> float:
    """The factor with which `margin` would have been violated in a share 1 - level of hours, known afterwards only."""
    ratios = moves / margin
    place = len(ratios) - 1 - int((1.0 - level) * len(ratios) + 1e-9)
    return float(np.partition(ratios, place)[place])


def pinball(moves: Floats, margin: Floats, level: float) -> float:
    """Mean quantile loss."""
    gap = moves - margin
    return float(np.mean(np.where(gap > 0, level * gap, (level - 1.0) * gap)))


def kupiec(violations: int, hours: int, alpha: float) -> float:
    """p-value of the hypothesis that the rate of violations is alpha (Kupiec 1995; likelihood ratio, chi-squared 1)."""
    rate = violations / hours
    ratio = -2.0 * (_likelihood(violations, hours, alpha) - _likelihood(violations, hours, rate))
    return erfc(sqrt(max(ratio, 0.0) / 2.0))


def _likelihood(hits: int, trials: int, rate: float) -> float:
    some = hits * log(rate) if hits else 0.0
    rest = (trials - hits) * log(1.0 - rate) if hits < trials else 0.0
    return some + rest


def christoffersen(pairs: npt.NDArray[np.int64], alpha: float) -> float:
    """p-value of conditional coverage: rate alpha, and no clustering from one hour to the next (chi-squared 2).

    `pairs` [2, 2] counts (violated before, violated now) over hours that follow one another.
    """
    now = pairs.sum(axis=0)
    total = int(now.sum())
    if total == 0:
        return 1.0
    null = _likelihood(int(now[1]), total, alpha)
    free = sum(
        _likelihood(int(pairs[k, 1]), int(pairs[k].sum()), pairs[k, 1] / pairs[k].sum())
        for k in range(2)
        if pairs[k].sum()
    )
    return exp(-max(2.0 * (free - null), 0.0) / 2.0)


def pairs_of(track: Track) -> npt.NDArray[np.int64]:
    """[2, 2] counts of (violated the hour before, violated) over neighbouring hours."""
    beside = np.diff(track.hours) == 1
    before, now = track.violated[:-1][beside], track.violated[1:][beside]
    return np.bincount(2 * before + now, minlength=4).reshape(2, 2).astype(np.int64)


@kernel
def rises(hours: Any, margin: Any, out: Any) -> None:
    """`out` [N] = margin over its lowest value of the 24 hours before, at least 1."""
    first = 0
    for i in range(len(hours)):
        while hours[i] - hours[first] > DAY:
            first += 1
        lowest = margin[i]
        for k in range(first, i):
            lowest = min(lowest, margin[k])
        out[i] = margin[i] / lowest


@kernel
def after_violation(hours: Any, violated: Any) -> Any:
    """Hours within 24 after a violation, and how many of these are violations."""
    count, hits, last = 0, 0, -1_000_000
    for i in range(len(hours)):
        if hours[i] - last <= DAY:
            count += 1
            hits += 1 if violated[i] else 0
        if violated[i]:
            last = hours[i]
    return count, hits


def score(tracks: list[Track], reference: list[Track], level: float) -> dict[str, float]:
    """Figures of one margin over one market or many pooled; `reference` is EWMA-FHS 0.97 over the same hours.

    `average_vs_fhs` and `pinball_vs_fhs` compare both after scaling each, by one factor over all tracks, to the
    coverage asked for; `average_vs_fhs_24h` the same for 99 % of the moves of a day. Margins and shortfall are
    fractions of the price; `shortfall` is the mean over all hours.
    """
    moves, margin = (np.concatenate([getattr(track, name) for track in tracks]) for name in ("moves", "margin"))
    other = np.concatenate([track.margin for track in reference])
    stress, shock = (np.concatenate([getattr(track, name) for track in tracks]) for name in ("stress", "shock"))
    violated = moves > margin
    own, theirs = (values * scale_to(level, moves, values) for values in (margin, other))
    pairs = np.sum([pairs_of(track) for track in tracks], axis=0)
    climbs = []
    followed = np.zeros(2)
    for track in tracks:
        climb = np.ones(len(track.hours))
        rises(track.hours, track.margin, climb)
        climbs.append(climb)
        followed += after_violation(track.hours, track.violated)
    rise = np.concatenate(climbs)
    return {
        "hours": len(moves),
        "violation": float(violated.mean()),
        "kupiec_p": kupiec(int(violated.sum()), len(moves), 1.0 - level),
        "christoffersen_p": christoffersen(pairs, 1.0 - level),
        "violation_after_violation": float(followed[1] / followed[0]) if followed[0] else 0.0,
        "stress_violation": float(violated[stress].mean()) if stress.any() else 0.0,
        "shock_violation": float(violated[shock].mean()) if shock.any() else 0.0,
        "average_margin": float(margin.mean()),
        "average_vs_fhs": float(own.mean() / theirs.mean()),
        "average_vs_fhs_24h": _over_a_day(tracks, reference),
        "max_rise_24h": float(rise.max()),
        "p99_rise_24h": float(np.quantile(rise, 0.99)),
        "pinball": pinball(moves, margin, level),
        "pinball_vs_fhs": pinball(moves, own, level) / pinball(moves, theirs, level),
        "pinball_vs_fhs_unscaled": pinball(moves, margin, level) / pinball(moves, other, level),
        "shortfall": float(np.maximum(moves - margin, 0.0).mean()),
    }


def _over_a_day(tracks: list[Track], reference: list[Track]) -> float:
    """Average margin over that of the reference, each scaled to cover DAY_LEVEL of moves of a day; 1 without any."""
    day = np.concatenate([track.day for track in tracks])
    known = np.isfinite(day)
    if not known.any():
        return 1.0
    averages = []
    for chosen in (tracks, reference):
        margin = np.concatenate([track.margin for track in chosen])[known]
        averages.append(float(margin.mean()) * scale_to(DAY_LEVEL, day[known], margin))
    return averages[0] / averages[1]


@warm_up
def _warm_up() -> None:
    hours = np.zeros(1, dtype=np.int64)
    rises(hours, np.ones(1), np.ones(1))
    after_violation(hours, np.zeros(1, dtype=np.bool_))
