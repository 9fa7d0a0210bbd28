"""What funding may cost until a position is closed: an online quantile of the absolute rate, added to new risk."""

from math import isfinite
from typing import Final

LEVEL: Final = 0.99
STEP: Final = 0.25  # of the mean absolute rate, an hour
FIRST: Final = 1e-5  # an hour: 0.01 % over 8 hours, rounded down
RATE_MAX: Final = 0.04  # an hour, the widest cap in use
SCALE_KEEP: Final = 0.99


class Carry:
    """The funding of one market. Rates are fractions an hour, positive when longs pay."""

    def __init__(self) -> None:
        self.longs, self.shorts = FIRST, FIRST  # quantiles of what each side may pay
        self._scale = FIRST

    def observe(self, rate: float) -> str:
        """Takes the rate of an hour; says why when it can not be used, and then changes nothing."""
        if not isfinite(rate) or abs(rate) > RATE_MAX:
            return "a funding rate is not a number, or beyond 4 % an hour"
        self._scale = SCALE_KEEP * self._scale + (1.0 - SCALE_KEEP) * abs(rate)
        self.longs = self._moved(self.longs, rate)
        self.shorts = self._moved(self.shorts, -rate)
        return ""

    def over(self, hours: float) -> float:
        """99 % of what the side that pays more may pay over so many hours, as a fraction of the position; >= 0."""
        return min(max(self.longs, self.shorts) * max(hours, 0.0), 1.0)

    def _moved(self, quantile: float, paid: float) -> float:
        """One step of stochastic approximation: up by LEVEL when exceeded, down by 1 - LEVEL when not."""
        pace = STEP * max(self._scale, 1e-8)
        moved = quantile + pace * (LEVEL if paid > quantile else LEVEL - 1.0)
        return min(max(moved, 0.0, paid if paid > 10.0 * quantile else 0.0), RATE_MAX)
