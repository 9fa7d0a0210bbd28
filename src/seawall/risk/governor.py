"""Two margins from two forecasts: a fast one for new risk, a governed one under open positions.

New risk: q * e^theta. Open positions: g = q^blend * s^(1 - blend), lifted by a buffer while that stays below the
margin through the cycle (`cycle` x the yearly 99 % quantile) and never below a share of it, times its own e^theta. It
may rise by `up` an hour and to `rise_max` x its lowest value of the last 24 hours, whatever the forecast says, and fall
by `down` an hour. Both are calibrated by what then happened (conformal.py). The settings are the ones found on five
markets up to 2022 (docs/risk/README.md).
"""

from math import exp
from typing import Any, Final, NamedTuple

import numpy as np

from seawall.kernel import kernel, warm_up
from seawall.risk.bars import HOUR_MS
from seawall.risk.conformal import adapted, liquidity_of, pooled

SLOTS: Final = 25  # hours whose lowest margin is kept: this one and the 24 before
AGE, HOUR, FAST, OPEN, THETA_FAST, THETA_OPEN, MARGIN_COUNT, VIOLATED_FAST, VIOLATED_OPEN = range(9)
LOWEST: Final = 9
WIDTH: Final = LOWEST + SLOTS


class Settings(NamedTuple):
    """What governs the two margins. Fractions of the price; `up` and `down` are shares an hour."""

    alpha: float = 0.005  # violations an hour
    step_fast: float = 0.02
    step_open: float = 0.005
    blend: float = 0.6  # weight of the fast forecast, geometric
    buffer: float = 0.35
    cycle: float = 1.25  # the margin through the cycle over the yearly 99 % quantile
    floor_share: float = 0.3  # of the margin through the cycle
    up: float = 0.5
    down: float = 0.02
    rise_max: float = 1.5  # over the lowest of the last 24 h
    floor: float = 0.003
    ceiling: float = 1.0


@kernel
def begin(margins: Any, place: int, hours: Any, volumes: Any) -> None:
    """Row `place` of `margins` [S, WIDTH] starts from the calibration of its liquidity class."""
    classes = np.zeros(len(hours), dtype=np.int64)
    for k in range(len(hours)):
        classes[k] = liquidity_of(volumes[k])
    for theta in (THETA_FAST, THETA_OPEN):
        margins[place, theta] = pooled(margins[:, theta], hours, classes, classes[place])


@kernel
def settle(m: Any, move: float, hours: float, settings: Any) -> None:
    """Judges the two margins of row `m` by the move that followed; nothing when it or the margins are unknown."""
    if np.isnan(move) or m[MARGIN_COUNT] == 0.0:
        return
    over_fast = 1.0 if move > m[FAST] else 0.0
    over_open = 1.0 if move > m[OPEN] else 0.0
    m[VIOLATED_FAST] = over_fast
    m[VIOLATED_OPEN] = over_open
    m[THETA_FAST] = adapted(m[THETA_FAST], over_fast, settings.alpha, settings.step_fast, hours)
    m[THETA_OPEN] = adapted(m[THETA_OPEN], over_open, settings.alpha, settings.step_open, hours)


@kernel
def decide(m: Any, time_ms: int, fast: float, slow: float, yearly: float, settings: Any) -> None:
    """Sets FAST and OPEN of row `m` for the hour after `time_ms` from sound forecasts (finite, above 0)."""
    m[FAST] = min(max(fast * exp(m[THETA_FAST]), settings.floor), settings.ceiling)
    governed = fast**settings.blend * slow ** (1.0 - settings.blend)
    through = settings.cycle * yearly
    wanted = max(governed, min((1.0 + settings.buffer) * governed, through), settings.floor_share * through)
    wanted = min(max(wanted * exp(m[THETA_OPEN]), settings.floor), settings.ceiling)
    hour = int(time_ms // HOUR_MS)
    if m[MARGIN_COUNT] == 0.0:
        for slot in range(SLOTS):
            m[LOWEST + slot] = wanted
        m[OPEN] = wanted
    else:
        passed = max(hour - int(m[HOUR]), 0)
        for back in range(min(passed, SLOTS)):
            m[LOWEST + (hour - back) % SLOTS] = m[OPEN]
        lowest = m[OPEN]
        for slot in range(SLOTS):
            lowest = min(lowest, m[LOWEST + slot])
        most = min(m[OPEN] * (1.0 + settings.up), settings.rise_max * lowest)
        least = m[OPEN] * (1.0 - settings.down) ** passed
        m[OPEN] = max(min(wanted, most), least)
        m[LOWEST + hour % SLOTS] = min(m[LOWEST + hour % SLOTS], m[OPEN])
    m[HOUR] = max(hour, int(m[HOUR]))
    m[MARGIN_COUNT] += 1.0


@warm_up
def _warm_up() -> None:
    row = np.zeros(WIDTH)
    decide(row, 0, 0.01, 0.01, 0.01, Settings())
    settle(row, 0.02, 1.0, Settings())
    begin(row[None, :], 0, np.zeros(1), np.zeros(1))
