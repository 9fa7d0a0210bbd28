"""LP positions as the contracts hold and value them: the integers of contracts/lp_value.vy.

Amounts are in a token's own units, prices in micro-USD per lot, values in micro-USD; values round down. What is not
exact in the contract's 256 bits is not exact here either, so that both agree to the unit.
"""

from math import isqrt
from typing import Final

import msgspec

from seawall.chain import layout as at
from seawall.margin.lp import SQRT_RATIO_MAX, SQRT_RATIO_MIN, encode_sqrt_ratio, position_amounts, sqrt_ratio_at_tick
from seawall.units import RATE_ONE, Side, floor_div

EXACT_BELOW: Final = 2**64  # of the price of a pair's raw units: above it the root has 96 exact bits and 32 zeros


class Token(msgspec.Struct, frozen=True):
    """A token of a pool: units in a lot, the oracle's price, the lower of that and its stable price (0 while stale)."""

    unit: int
    price: int
    low: int
    is_usd: bool = False


class PoolTerms(msgspec.Struct, frozen=True):
    """What a pool's positions count: weights and scan in RATE_ONE."""

    weight_initial: int
    weight_maintenance: int
    scan: int


def root_of(first: Token, second: Token, price0: int, price1: int) -> int:
    """The pair's square-root price when a lot of each token has this price, within Uniswap's bounds. Rounds down."""
    amount1, amount0 = price0 * second.unit, price1 * first.unit
    if amount0 == 0:
        return SQRT_RATIO_MAX
    if floor_div(amount1, amount0) < EXACT_BELOW:
        root = encode_sqrt_ratio(amount1, amount0)
    else:
        root = isqrt(floor_div(amount1 << 128, amount0)) << 32
    return min(max(root, SQRT_RATIO_MIN), SQRT_RATIO_MAX)


def worth_at(place: int, first: Token, second: Token, price0: int, price1: int) -> int:
    """What a range holds when a lot of each token is worth this, at that price of the pair. Rounds down."""
    held = at.unpack(at.PLACE_WORD, place)
    ends = sqrt_ratio_at_tick(held["lower"]), sqrt_ratio_at_tick(held["upper"])
    root = root_of(first, second, price0, price1)
    amount0, amount1 = position_amounts(root, *ends, held["liquidity"], Side.DOWN)
    return floor_div(amount0 * price0, first.unit) + floor_div(amount1 * price1, second.unit)


def values_of(place: int, first: Token, second: Token, terms: PoolTerms) -> tuple[int, int]:
    """(initial, maintenance) of one position: least worth on the scan of prices, and worth at the oracles' price."""
    maintenance = floor_div(
        worth_at(place, first, second, first.price, second.price) * terms.weight_maintenance, RATE_ONE
    )
    ends = [token.low * (RATE_ONE if token.is_usd else RATE_ONE - terms.scan) for token in (first, second)]
    if 0 in ends:
        return 0, maintenance
    worth = worth_at(place, first, second, *ends)
    return floor_div(worth * terms.weight_initial, RATE_ONE * RATE_ONE), maintenance
