"""Online calibration: adaptive conformal inference on the logarithm of a forecast.

A forecast q is used as q * e^theta. After each hour theta rises by step * (1 - alpha) when the move was beyond, and
falls by step * alpha when not, so that the long-run rate of violations is alpha whatever the market does (Gibbs and
Candes, arXiv 2106.00170). A new listing starts from the median theta of its liquidity class, and learns twice as fast
in its first month.
"""

from typing import Any, Final

import numpy as np

from seawall.kernel import kernel, warm_up

THETA_MAX: Final = 1.0
MONTH: Final = 720.0  # hours
YOUNG_FACTOR: Final = 2.0
MATURE_HOURS: Final = 720.0  # of a market whose theta others start from
SMALL, MIDDLE, LARGE = 0, 1, 2  # how much a market trades; one of unknown volume is small
CLASS_USD_HOUR: Final = (2e6, 4e7)  # volume an hour that divides small, middle and large markets


@kernel
def liquidity_of(volume_usd_hour: float) -> int:
    """The class of a market by its mean hourly volume (0 where unknown)."""
    if not volume_usd_hour > CLASS_USD_HOUR[0]:
        return SMALL
    return LARGE if volume_usd_hour > CLASS_USD_HOUR[1] else MIDDLE


@kernel
def adapted(theta: float, violated: float, alpha: float, step: float, hours: float) -> float:
    """Theta after an hour that was a violation (1.0) or not (0.0), of a market that is `hours` old."""
    pace = step * YOUNG_FACTOR if hours < MONTH else step
    return min(max(theta + pace * (violated - alpha), -THETA_MAX), THETA_MAX)


@kernel
def pooled(thetas: Any, hours: Any, classes: Any, wanted: int) -> float:
    """Where a new market of class `wanted` starts: the median of mature markets of its class, else of all, else 0."""
    mature = hours >= MATURE_HOURS
    alike = mature & (classes == wanted)
    if alike.any():
        return float(np.median(thetas[alike]))
    return float(np.median(thetas[mature])) if mature.any() else 0.0


@warm_up
def _warm_up() -> None:
    adapted(0.0, 1.0, 0.005, 0.02, 1.0)
    pooled(np.zeros(1), np.zeros(1), np.zeros(1, dtype=np.int64), liquidity_of(0.0))
