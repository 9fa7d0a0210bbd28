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
    span: int256 = 2 * self.depth_of(t)
    scaled: int256 = t.price * (self.spread_of(t) * span + twice * limits.RATE_ONE)
    away: int256 = units.ceil_div(scaled, limits.RATE_ONE * span)
    if side > 0:
        return t.price + away
    return min(t.price - away, self.price_max_of(t))


@internal
@pure
def average(t: margin.Terms, side: int256, lots: int256, held: int256) -> int256:
    """@notice Average price of `lots` for a taker on `side`."""
    return self.price_at(t, side, lots - 2 * side * held)


@internal
@pure
def lots_within(t: margin.Terms, side: int256, limit: int256, held: int256) -> int256:
    """@notice Lots by price, cap, depth and greatest size alone; not positive when there are none."""
    depth: int256 = self.depth_of(t)
    price_max: int256 = self.price_max_of(t)
    if units.magnitude(held) > depth or limit < 1 or (side < 0 and limit > price_max):
        return 0
    scaled: int256 = t.price * self.spread_of(t)
    spread: int256 = scaled // limits.RATE_ONE
    room: int256 = side * (min(limit, price_max) - t.price) - spread
    room = min(max(room, -2 * t.price), 2 * t.price)
    most: int256 = units.floor_div(depth * room, t.price)
    rest: int256 = depth * room - most * t.price
    less: int256 = units.ceil_div(depth * (scaled - spread * limits.RATE_ONE), limits.RATE_ONE)
    most += units.floor_div(rest - less, t.price)
    bound: int256 = min(depth, convert((t.pool >> POOL_CAP) & words.M54, int256))
    bound = min(bound, limits.NOTIONAL_MAX // price_max)
    return min(most, bound) + side * held


@internal
@pure
def can_bear(t: margin.Terms, raw: int256, held: margin.Held, side: int256, lots: int256) -> bool:
    """@notice Whether the pool's cash and margin allow `lots` more to a taker on `side`."""
    cost: int256 = -side * lots * self.average(t, side, lots, held.size)
    if units.magnitude(raw - cost) > limits.RAW_USD_MAX:
        return False
    after: margin.Health = margin.alone(t, raw, held, -side * lots, cost)
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
        middle: int256 = (low + high) // 2
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
