# pragma version 0.4.3
"""
@title Quotes of a market's pool: src/seawall/book/amm.py
@license Apache-2.0
@notice Anchored to the index, skewed by what the pool holds; every price rounds once, against the taker. A skew of s
        half lots costs index * (1 + side * (s / (2 * depth) + spread)); the pool takes no more than its cap, its depth,
        the market's greatest size and its own margin allow.
"""

import limits
import margin
import units
import words

# the word POOL of a market: depth, cap, backstop cap, claim cap
POOL_CAP: constant(uint256) = 54
BACKSTOP_CAP: constant(uint256) = 108
CLAIM_CAP: constant(uint256) = 162

# the word CAPS: open-interest cap, position cap, greatest price, price band, fees, spread
POSITION_CAP: constant(uint256) = 54
PRICE_MAX: constant(uint256) = 108
PRICE_BAND: constant(uint256) = 149
TAKER_FEE: constant(uint256) = 173
MAKER_FEE: constant(uint256) = 190
SPREAD: constant(uint256) = 208

HALVINGS: constant(uint256) = 54


@internal
@pure
def depth_of(t: margin.Terms) -> int256:
    return convert(t.pool & words.M54, int256)


@internal
@pure
def price_max_of(t: margin.Terms) -> int256:
    return convert((t.caps >> PRICE_MAX) & (2**41 - 1), int256)


@internal
@pure
def spread_of(t: margin.Terms) -> int256:
    return convert((t.caps >> SPREAD) & (2**21 - 1), int256)


@internal
@pure
def price_at(t: margin.Terms, side: int256, twice: int256) -> int256:
    """@notice The price at a skew of `twice` half lots on the taker's side: up when it buys, else down."""
    span: int256 = unsafe_mul(2, self.depth_of(t))
    skew: int256 = unsafe_add(unsafe_mul(self.spread_of(t), span), unsafe_mul(twice, limits.RATE_ONE))
    away: int256 = units.ceil_div(unsafe_mul(t.price, skew), unsafe_mul(limits.RATE_ONE, span))
    if side > 0:
        return unsafe_add(t.price, away)
    return min(unsafe_sub(t.price, away), self.price_max_of(t))


@internal
@pure
def average(t: margin.Terms, side: int256, lots: int256, held: int256) -> int256:
    """@notice Average price of `lots` for a taker on `side`."""
    return self.price_at(t, side, unsafe_sub(lots, unsafe_mul(unsafe_mul(2, side), held)))


@internal
@pure
def lots_within(t: margin.Terms, side: int256, limit: int256, held: int256) -> int256:
    """@notice Lots by price, cap, depth and greatest size alone; not positive when there are none."""
    depth: int256 = self.depth_of(t)
    price_max: int256 = self.price_max_of(t)
    if units.magnitude(held) > depth or limit < 1 or (side < 0 and limit > price_max):
        return 0
    scaled: int256 = unsafe_mul(t.price, self.spread_of(t))
    spread: int256 = unsafe_div(scaled, limits.RATE_ONE)
    room: int256 = unsafe_sub(unsafe_mul(side, unsafe_sub(min(limit, price_max), t.price)), spread)
    reach: int256 = unsafe_mul(2, t.price)
    room = unsafe_mul(depth, min(max(room, unsafe_sub(0, reach)), reach))
    most: int256 = units.floor_div(room, t.price)
    over: int256 = unsafe_sub(scaled, unsafe_mul(spread, limits.RATE_ONE))
    rest: int256 = unsafe_sub(room, unsafe_mul(most, t.price))
    rest = unsafe_sub(rest, units.ceil_div(unsafe_mul(depth, over), limits.RATE_ONE))
    most = unsafe_add(most, units.floor_div(rest, t.price))
    bound: int256 = min(depth, convert((t.pool >> POOL_CAP) & words.M54, int256))
    bound = min(bound, unsafe_div(limits.NOTIONAL_MAX, price_max))
    return unsafe_add(min(most, bound), unsafe_mul(side, held))


@internal
@pure
def can_bear(t: margin.Terms, raw: int256, held: margin.Held, side: int256, lots: int256) -> bool:
    """@notice Whether the pool's cash and margin allow `lots` more to a taker on `side`."""
    return self.bears(t, raw, held, side, lots, unsafe_mul(lots, self.average(t, side, lots, held.size)))


@internal
@pure
def bears(
    t: margin.Terms, raw: int256, held: margin.Held, side: int256, lots: int256, amount: int256
) -> bool:
    """@notice Whether a pool may be the other side of `lots` on `side` for `amount`: its cash and margin."""
    size: int256 = unsafe_mul(unsafe_sub(0, side), lots)
    cost: int256 = unsafe_mul(unsafe_sub(0, side), amount)
    if units.magnitude(unsafe_sub(raw, cost)) > limits.RAW_USD_MAX:
        return False
    after: margin.Health = margin.alone(t, raw, held, size, cost)
    return after.equity_initial >= after.initial or margin.accepts(margin.alone(t, raw, held, 0, 0), after)


@internal
@pure
def lots_to(t: margin.Terms, raw: int256, held: margin.Held, side: int256, limit: int256) -> int256:
    """@notice The most lots that the pool trades with a taker on `side` within `limit`, all rules considered."""
    lots: int256 = self.lots_within(t, side, limit, held.size)
    if lots <= 0:
        return 0
    if self.can_bear(t, raw, held, side, lots):
        return lots
    low: int256 = 0
    high: int256 = lots
    for _: uint256 in range(HALVINGS):
        middle: int256 = unsafe_div(unsafe_add(low, high), 2)
        if middle == low:
            break
        if self.can_bear(t, raw, held, side, middle):
            low = middle
        else:
            high = middle
    return low


@internal
@pure
def impact_of(t: margin.Terms, held: int256) -> (int256, int256):
    """@notice What the pool's quotes pay beyond the index to whoever takes its inventory: (floor, 1 if over)."""
    depth: int256 = self.depth_of(t)
    lots: int256 = units.magnitude(held)
    if depth <= 0:
        return 0, 0
    value: int256 = lots * t.price
    if lots >= 2 * depth:
        return value, 0
    whole: int256 = value * lots // (2 * depth)
    return whole, 0 if whole * 2 * depth == value * lots else 1
