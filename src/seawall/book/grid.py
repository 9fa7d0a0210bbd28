"""The price grid of a market: which prices an order may have, numbered without gaps (kernels).

The rule is Hyperliquid's: at most 5 significant figures, or a whole number of USD, and never more decimals than
micro-USD per lot can carry. A price is `p * 10^e`, e the least exponent with p < 100,000, capped at that of one USD
(`market_exponent_max`); its ordinal is `90,000 * e + p`. Ordinals grow with the price and neighbours differ by one.
A market has four rows of levels: its two book sides and two rows of waiting triggers.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.terms.limits import ORDINALS

FIGURES: Final = 100_000  # 10^5: five significant figures
STEP: Final = 90_000  # ordinals of one exponent: p in 10,000..99,999
EXPONENT_MAX: Final = 15  # 6 - SIZE_DECIMALS_MIN
TEN: Final = tuple(10**e for e in range(EXPONENT_MAX + 1))

# rows of a market, from 4 * market
BIDS: Final = 0  # best is the highest
ASKS: Final = 1  # best is the lowest
RISES: Final = 2  # triggers that fire when mark >= t: lowest first
FALLS: Final = 3  # triggers that fire when mark <= t: highest first


@kernel
def exponent_max(size_decimals: int) -> int:
    """The exponent of one USD per unit of the base asset, above which the grid is linear."""
    return max(0, 6 - size_decimals)


@kernel
def exponent_of(s: Any, market: int, price: int) -> int:
    """The exponent under which a positive price is numbered."""
    most, exponent = s.market_exponent_max[market], 0
    while exponent < most and price >= FIGURES:  # at most EXPONENT_MAX
        price //= 10
        exponent += 1
    return exponent


@kernel
def ordinal_of(s: Any, market: int, price: int) -> int:
    """Number of a price on the market's grid, 1..ORDINALS - 1; -1 when it is not on it."""
    if price < 1:
        return -1
    most, exponent = s.market_exponent_max[market], 0
    while exponent < most and price >= FIGURES:  # at most EXPONENT_MAX
        shorter = price // 10
        if shorter * 10 != price:
            return -1
        price, exponent = shorter, exponent + 1
    ordinal = STEP * exponent + price
    return ordinal if ordinal < ORDINALS else -1


@kernel
def price_of(s: Any, market: int, ordinal: int) -> int:
    """The price with that ordinal, 1 <= ordinal < ORDINALS."""
    exponent = min(max(ordinal - 10_000, 0) // STEP, s.market_exponent_max[market])
    return int((ordinal - STEP * exponent) * TEN[exponent])


@kernel
def grid_below(s: Any, market: int, price: int) -> int:
    """The greatest price of the grid that is at most `price`; 0 when there is none."""
    if price < 1:
        return 0
    exponent = exponent_of(s, market, price)
    ordinal = STEP * exponent + price // TEN[exponent]
    return price_of(s, market, min(ordinal, ORDINALS - 1))


@kernel
def grid_above(s: Any, market: int, price: int) -> int:
    """The least price of the grid that is at least `price`; 0 when there is none."""
    if price < 1:
        return 1
    unit = TEN[exponent_of(s, market, price)]
    above = (price + unit - 1) // unit * unit
    return int(above if ordinal_of(s, market, above) > 0 else 0)
