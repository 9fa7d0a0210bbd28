"""Online calibration: adaptive conformal inference on the logarithm of a forecast.

A forecast q is used as q * e^theta. After each hour theta rises by step * (1 - alpha) when the move was beyond, and
falls by step * alpha when not, so that the long-run rate of violations is alpha whatever the market does (Gibbs and
Candes, arXiv 2106.00170). A new listing starts from the median theta of its liquidity class, and learns twice as fast
in its first month.
"""

from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from seawall.kernel import kernel, warm_up

THETA_MAX: Final = 1.0
MONTH: Final = 720.0  # hours
YOUNG_FACTOR: Final = 2.0
MATURE_HOURS: Final = 720.0  # of a market whose theta others start from
CLASS_USD_HOUR: Final = (2e6, 4e7)  # volume an hour that divides small, middle and large markets


class Liquidity(IntEnum):
    """How much a market trades. A market of unknown volume is small."""

    SMALL = 0
    MIDDLE = 1
    LARGE = 2


def liquidity_of(volume_usd_hour: float) -> Liquidity:
    """The class of a market by its mean hourly volume."""
    if not volume_usd_hour > CLASS_USD_HOUR[0]:
        return Liquidity.SMALL
    return Liquidity.LARGE if volume_usd_hour > CLASS_USD_HOUR[1] else Liquidity.MIDDLE


@kernel
def adapted(theta: float, violated: float, alpha: float, step: float, hours: float) -> float:
    """Theta after an hour that was a violation (1.0) or not (0.0), of a market that is `hours` old."""
    pace = step * YOUNG_FACTOR if hours < MONTH else step
    return min(max(theta + pace * (violated - alpha), -THETA_MAX), THETA_MAX)


def pooled(
    thetas: npt.NDArray[np.float64], hours: npt.NDArray[np.float64], classes: npt.NDArray[Any], wanted: Liquidity
) -> float:
    """Where a new market of class `wanted` starts: the median of mature markets of its class, else of all, else 0."""
    mature = hours >= MATURE_HOURS
    alike = mature & (classes == int(wanted))
    chosen = thetas[alike] if alike.any() else thetas[mature]
    return float(np.median(chosen)) if len(chosen) else 0.0


@warm_up
def _warm_up() -> None:
    adapted(0.0, 1.0, 0.005, 0.02, 1.0)
