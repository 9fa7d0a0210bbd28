"""Gate and OKX linear contracts, isolated margin: maintenance and the taker's closing fee at the liquidation price.

Source: both venues' help pages give the same formula.
"""

from fractions import Fraction

from seawall.margin.liquidation_price import solve_linear
from seawall.terms.market import Tier
from seawall.units import BadInput, Rate, UsdMicro


def liquidation_price(
    *, size: Fraction, entry: Fraction, wallet: Fraction, rate: Rate, taker_fee: Rate
) -> Fraction | None:
    """`(entry - side * wallet / |size|) / (1 - side * (rate + taker_fee))`; None when not positive.

    `wallet` is the position's margin in the unit of `entry` x `size`.
    """
    if size == 0 or entry <= 0:
        raise BadInput("position.size", "size and entry price must not be zero")
    tiers = (Tier(UsdMicro(0), 1, rate, 0),)
    return solve_linear(size=size, fixed=wallet - size * entry, tiers=tiers, closing_fee=taker_fee)
