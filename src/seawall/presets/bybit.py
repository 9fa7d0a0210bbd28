"""Bybit linear contracts, isolated margin: maintenance is measured on the entry value.

Source: the venue's help page on the liquidation price of USDT contracts under isolated margin.
"""

from fractions import Fraction

from seawall.margin.liquidation_price import solve_linear
from seawall.terms.market import Tier
from seawall.units import RATE_ONE, BadInput, Rate, UsdMicro

_NO_MAINTENANCE = (Tier(UsdMicro(0), 1, Rate(0), 0),)


def liquidation_price(*, size: Fraction, entry: Fraction, leverage: Fraction, rate: Rate) -> Fraction | None:
    """`entry * (1 - side * (1 / leverage - rate))` in the unit of `entry`; None when not positive.

    The margin left after maintenance of the entry value is what the mark may take.
    """
    if size == 0 or entry <= 0 or leverage <= 0:
        raise BadInput("position.size", "size, entry price and leverage must not be zero")
    value = abs(size) * entry
    available = value / leverage - value * Fraction(rate, RATE_ONE)
    return solve_linear(size=size, fixed=available - size * entry, tiers=_NO_MAINTENANCE)
