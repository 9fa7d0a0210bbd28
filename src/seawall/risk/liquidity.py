"""How fast a market can be closed: depth ahead, impact of an order, time to close, and the throttle that follows.

Impact is the square-root law, ratio x volatility x sqrt(size / volume) (Almgren and others 2005; Toth and others 2011),
and at least what walking the depth asks. The throttle is the notional an hour that forced orders may take so that their
own impact stays below a share of the margin.
"""

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Final

USD_MAX: Final = 1e15
IMPACT: Final = 1.0  # of the square-root law
NEAR: Final = 0.01  # depth is resting size within this of mid
DEPTH_OF_VOLUME: Final = 0.3  # within 1 %, of an hour's volume, where depth is not known (docs/lab/data.md)
THIN_RATIO, THIN_POWER, THIN_LEAST = 30.0, 1.5, 0.05  # thinning of depth as ranges widen (docs/lab/data.md)
PARTICIPATION: Final = 0.2  # of an hour's volume that forced orders may be
IMPACT_SHARE: Final = 0.25  # of the margin that their own impact may use up


@dataclass(frozen=True, kw_only=True)
class Liquidity:
    """A market's liquidity for the next hour. USD an hour, USD, and fractions of the price."""

    volume_usd_hour: float
    depth_usd: float
    volatility: float

    def impact(self, notional_usd: float) -> float:
        """Fraction of the price by which an order of so much, spread over an hour, moves the market; at most 1."""
        if notional_usd <= 0.0:
            return 0.0
        rooted = IMPACT * self.volatility * sqrt(notional_usd / max(self.volume_usd_hour, 1.0))
        walked = NEAR * notional_usd / max(self.depth_usd * self._refills, 1.0)
        return min(max(rooted, walked), 1.0)

    def hours_to_close(self, notional_usd: float, margin: float) -> float:
        """How long closing so much takes at the throttle; at least 0."""
        return max(notional_usd, 0.0) / max(self.throttle(margin), 1e-9)

    def throttle(self, margin: float) -> float:
        """USD an hour that forced orders may take: by participation, by the square-root law and by the depth."""
        allowed = IMPACT_SHARE * min(max(margin, 0.0), 1.0)
        by_root = self.volume_usd_hour * (allowed / max(IMPACT * self.volatility, 1e-9)) ** 2
        by_depth = self.depth_usd * self._refills * allowed / NEAR
        return max(min(PARTICIPATION * self.volume_usd_hour, by_root, by_depth), 1.0)

    @property
    def _refills(self) -> float:
        """How often the depth stands anew within an hour."""
        return 12.0

    def add_on(self, notional_usd: float, margin: float) -> float:
        """Margin a large position needs on top: half its impact, and the tail over the longer time closing takes."""
        longer = sqrt(max(self.hours_to_close(notional_usd, margin), 1.0)) - 1.0
        return min(0.5 * self.impact(notional_usd) + margin * longer, 1.0)


def forecast(
    *, volume_usd_hour: float, range_hour: float, usual_range: float, depth_usd: float | None = None
) -> Liquidity:
    """Liquidity of the next hour. `range_hour` is the forecast ln(high / low), `usual_range` its usual value.

    Depth that is known is thinned by how much wider the next hour is expected than usual; unknown or unsound numbers
    count as the least.
    """
    volume = min(volume_usd_hour, USD_MAX) if isfinite(volume_usd_hour) and volume_usd_hour > 0.0 else 0.0
    span = min(range_hour, 1.0) if isfinite(range_hour) and range_hour > 0.0 else 1.0
    ratio = max(span / max(usual_range, 1e-6), 1.0) if isfinite(usual_range) else 1.0 / THIN_LEAST * THIN_RATIO
    thinning = max(1.0 / (1.0 + (ratio / THIN_RATIO) ** THIN_POWER), THIN_LEAST)
    known = DEPTH_OF_VOLUME * volume
    if depth_usd is not None and isfinite(depth_usd) and depth_usd >= 0.0:
        known = min(depth_usd, USD_MAX)
    return Liquidity(volume_usd_hour=volume, depth_usd=known * thinning, volatility=0.6 * span)
