"""Which prices and leverages the rule lets an order have, in exact fractions (SPEC sections 0, 8 and 10)."""

from fractions import Fraction
from math import floor

from seawall.simulation.model import ONE, Market
from seawall.terms import parameter as names


def ordinal(market: Market, price: int) -> int:
    """Place of a price among those an order may have; 0 when it is not one of them.

    At most five significant figures, or a whole number of USD: `p * 10^e` is number `90,000 * e + p`.
    """
    usd, exponent = max(0, 6 - market.size_decimals), 0
    if price < 1:
        return 0
    while exponent < usd and price >= 100_000:
        price, rest = divmod(price, 10)
        exponent += 1
        if rest:
            return 0
    place = 90_000 * exponent + price
    return place if place < 2**20 else 0


def is_within_band(market: Market, price: int) -> bool:
    """Whether an order's price is near enough to the index."""
    return abs(price - market.index) <= floor(market.index * Fraction(market.params[names.PRICE_BAND], ONE))


def leverage_cap(market: Market, *, is_isolated: bool) -> int:
    """Most leverage of new risk now: halved while the breaker is SOFT or RECOVERY."""
    cap = min(market.params[names.LEVERAGE_CAP], market.tiers[0][1])
    if is_isolated:
        cap = min(cap, market.params[names.ISOLATED_LEVERAGE_CAP])
    if market.params[names.BREAKER] in (names.SOFT, names.RECOVERY):
        cap //= 2
    return max(1, cap)
