"""Liquidation price of one market in portfolio mode, found by search (SPEC section 5).

The worst scenario changes with the mark, so there is no closed form. The mark is walked outwards in steps of 1/256 of
itself and the step in which the bucket turns liquidatable is bisected to one price. Equity less the worst of straight
lines is concave but for the basis term, so a liquidating stretch narrower than one step is the only
thing that the walk could pass over.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from seawall.margin.collateral import at_mark
from seawall.margin.health import equity_maintenance
from seawall.margin.scenario import portfolio_margin
from seawall.terms.bucket import Bucket
from seawall.terms.conditions import Conditions
from seawall.terms.grid import ScenarioGrid
from seawall.units import Price, floor_div

STEPS_PER_MARK: Final = 256
MARK_MULTIPLE_MAX: Final = 16  # how far above the mark the search goes


class PortfolioPrices(msgspec.Struct, frozen=True):
    """The last whole price on each side at which the bucket is still healthy. None: none within 0 .. 16 x mark."""

    below: Price | None
    above: Price | None


def conditions_at(conditions: Conditions, market: str, price: Price) -> Conditions:
    """The same conditions with `market` marked at `price` and its linked collateral moved along, down."""
    old = conditions.mark(market)
    marks = {**conditions.marks, market: msgspec.structs.replace(old, mark=price)}
    assets = {
        name: at_mark(asset, price, old.mark) if asset.underlying == market else asset
        for name, asset in conditions.assets.items()
    }
    return msgspec.structs.replace(conditions, marks=marks, assets=assets)


def portfolio_liquidation_prices(
    bucket: Bucket, conditions: Conditions, grid: ScenarioGrid, market: str
) -> PortfolioPrices:
    """Nearest liquidating prices of `market` around its mark, others fixed, in portfolio mode.

    Both None when the bucket is liquidatable already, or when no price in reach liquidates it.
    """

    def is_healthy(price: int) -> bool:
        moved = conditions_at(conditions, market, Price(price))
        return equity_maintenance(bucket, moved) >= portfolio_margin(bucket, moved, grid).maintenance

    mark = conditions.mark(market).mark
    if not is_healthy(mark):
        return PortfolioPrices(None, None)
    step = max(1, floor_div(mark, STEPS_PER_MARK))
    top = min(conditions.market(market).price_max, mark * MARK_MULTIPLE_MAX)
    down = (max(1, price) for price in range(mark - step, 1 - step, -step))
    up = (min(top, price) for price in range(mark + step, top + step, step))

    def last_healthy(walk: Iterator[int]) -> Price | None:
        good = int(mark)
        for price in walk:
            if not is_healthy(price):
                return _bisect(good, price)
            good = price
        return None

    def _bisect(good: int, bad: int) -> Price:
        while abs(good - bad) > 1:
            middle = floor_div(good + bad, 2)
            good, bad = (middle, bad) if is_healthy(middle) else (good, middle)
        return Price(good)

    return PortfolioPrices(last_healthy(down), last_healthy(up))
