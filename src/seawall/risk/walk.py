"""Margins hour by hour over a played panel: the same kernels, in the same order, as the live engine."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seawall.kernel import kernel, warm_up
from seawall.risk import governor
from seawall.risk.conformal import adapted
from seawall.risk.engine import FILTERED_HOURS, MODEL_HOURS
from seawall.risk.governor import FAST, MARGIN_COUNT, OPEN, begin, decide, settle
from seawall.risk.model import TailModel
from seawall.risk.played import Played

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Walked:
    """For each row of the panel: the calibrated margin for new risk and the governed one; NaN before there is one."""

    fast: Floats  # [N]
    opened: Floats  # [N]


def walk(played: Played, model: TailModel | None, settings: governor.Settings) -> Walked:
    """Both margins of every market through the whole panel, from its first hour."""
    hours, fhs = played.extras[:, 3], played.extras[:, 0]
    worst = slow = fhs
    if model is not None:
        is_old = hours >= MODEL_HOURS
        worst = np.where(is_old, model.bulk(played.features), fhs)
        slow = np.where(is_old, model.bulk(played.features, "slow"), fhs)
    out = np.full((len(hours), 2), np.nan)
    _walk(
        played.hour, played.place, played.panel.times_ms, played.moves, worst, slow, played.extras,
        np.zeros((len(played.panel.symbols), governor.WIDTH)), settings, out,
    )  # fmt: skip
    return Walked(out[:, 0], out[:, 1])


@kernel
def _walk(
    hour: Any, place: Any, times: Any, moves: Any, worst: Any, slow: Any, extras: Any, margins: Any, settings: Any,
    out: Any,
) -> None:  # fmt: skip
    ages = np.zeros(len(margins))
    volumes = np.zeros(len(margins))
    first = 0
    while first < len(hour):
        last = first
        while last < len(hour) and hour[last] == hour[first]:
            k = place[last]
            ages[k] = extras[last, 3]
            volumes[k] = extras[last, 6]
            settle(margins[k], moves[hour[last], k], ages[k], settings)
            last += 1
        for row in range(first, last):
            k = place[row]
            if ages[k] >= FILTERED_HOURS:
                if margins[k, MARGIN_COUNT] == 0.0:
                    begin(margins, k, ages, volumes)
                decide(margins[k], times[hour[row]], worst[row], slow[row], extras[row, 1], settings)
                out[row, 0] = margins[k, FAST]
                out[row, 1] = margins[k, OPEN]
        first = last


@kernel
def calibrated(forecast: Any, following: Any, alpha: float, step: float, floor: float) -> Any:
    """One market's forecasts under calibration alone. `following` are the moves after each, NaN where unknown."""
    out = np.empty(len(forecast))
    theta = 0.0
    for i in range(len(forecast)):
        out[i] = max(forecast[i] * np.exp(theta), floor)
        if not np.isnan(following[i]):
            theta = adapted(theta, 1.0 if following[i] > out[i] else 0.0, alpha, step, float(i))
    return out


@warm_up
def _warm_up() -> None:
    calibrated(np.ones(1), np.ones(1), 0.005, 0.02, 0.003)
