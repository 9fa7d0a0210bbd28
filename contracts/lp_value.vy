# pragma version 0.4.3
"""
@title What an LP position counts for margin. src/seawall/chain/lp.py has the same integers in Python
@license Apache-2.0
@notice Pure. Amounts are those of the range at the oracles' square-root price; a pool's own price is never read.
        Values round down.
"""

import lp_words
import ticks

ONE: constant(uint256) = 12_000_000  # limits.RATE_ONE


# a token of a pool: USD or a collateral asset
struct Token:
    unit: uint256  # of the token in one lot
    price: uint256  # micro-USD a lot, the oracle's
    low: uint256  # the lower of that and its stable price; 0 while stale


# a pool's two tokens, the ends of their scans (micro-USD a lot x RATE_ONE), its weights, and both square-root prices
struct Pair:
    first: Token
    second: Token
    low0: uint256
    low1: uint256
    weight_initial: uint256
    weight_maintenance: uint256
    fair: uint256
    low: uint256


@internal
@pure
def sqrt_price(first: Token, second: Token, price0: uint256, price1: uint256) -> uint256:
    """@notice Square-root price of a pair whose tokens have these prices a lot."""
    return ticks.sqrt_of(price0 * second.unit, price1 * first.unit)


@internal
@pure
def values(p: Pair, place: uint256) -> (int256, int256):
    """
    @notice (initial, maintenance). Maintenance: the worth at the oracles' price, weighted. Initial: the least worth on a
            scan of prices, weighted. The worth rises with either token's price, so the least is where each has
            fallen to the end of its scan; what the range loses on the way is in it.
    """
    lower: uint256 = ticks.sqrt_at(lp_words.lower_of(place))
    upper: uint256 = ticks.sqrt_at(lp_words.upper_of(place))
    liquidity: uint256 = lp_words.liquidity_of(place)
    maintenance: uint256 = self.worth(p, lower, upper, liquidity, p.fair, p.first.price, p.second.price)
    maintenance = maintenance * p.weight_maintenance // ONE
    initial: uint256 = 0
    if p.low0 != 0 and p.low1 != 0:
        initial = self.worth(p, lower, upper, liquidity, p.low, p.low0, p.low1)
        initial = initial * p.weight_initial // (ONE * ONE)
    return convert(initial, int256), convert(maintenance, int256)


@internal
@pure
def worth(
    p: Pair, lower: uint256, upper: uint256, liquidity: uint256, sqrt_price: uint256, price0: uint256, price1: uint256
) -> uint256:
    """@notice What a range holds at a square-root price, when a lot of each token is worth this."""
    amount0: uint256 = 0
    amount1: uint256 = 0
    amount0, amount1 = ticks.amounts(sqrt_price, lower, upper, liquidity)
    return amount0 * price0 // p.first.unit + amount1 * price1 // p.second.unit


@internal
@pure
def maintenance_at(
    p: Pair, lower: uint256, upper: uint256, liquidity: uint256, price0: uint256, price1: uint256, is_first: bool
) -> (int256, int256):
    """@notice What a range counts for maintenance at these prices, and what of it is the first or the second token."""
    amount0: uint256 = 0
    amount1: uint256 = 0
    amount0, amount1 = ticks.amounts(self.sqrt_price(p.first, p.second, price0, price1), lower, upper, liquidity)
    worth0: uint256 = amount0 * price0 // p.first.unit
    worth1: uint256 = amount1 * price1 // p.second.unit
    whole: uint256 = (worth0 + worth1) * p.weight_maintenance // ONE
    own: uint256 = (worth0 if is_first else worth1) * p.weight_maintenance // ONE
    return convert(whole, int256), convert(own, int256)
