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


# what quotes go by: index, depth and greatest inventory in lots, half spread, greatest price
struct Curve:
    index: int256
    depth: int256
    cap: int256
    spread: int256
    price_max: int256


@internal
@pure
def price_max_in(caps: uint256) -> int256:
    return convert((caps >> PRICE_MAX) & (2**41 - 1), int256)


@internal
@pure
def price_max_of(t: margin.Terms) -> int256:
    return self.price_max_in(t.caps)


@internal
@pure
def curve_of(t: margin.Terms) -> Curve:
    return self.curve(t.price, t.caps, t.pool)


@internal
@pure
def curve(index: int256, caps: uint256, pool: uint256) -> Curve:
    depth: int256 = convert(pool & words.M54, int256)
    price_max: int256 = convert((caps >> PRICE_MAX) & (2**41 - 1), int256)
    bound: int256 = min(depth, convert((pool >> POOL_CAP) & words.M54, int256))
    return Curve(
        index=index,
        depth=depth,
        cap=min(bound, unsafe_div(limits.NOTIONAL_MAX, price_max)),
        spread=convert((caps >> SPREAD) & (2**21 - 1), int256),
        price_max=price_max,
    )


@internal
@pure
def average(c: Curve, side: int256, lots: int256, held: int256) -> int256:
    """@notice Average price of `lots` for a taker on `side`: up when it buys, else down, rounded once."""
    span: int256 = unsafe_mul(2, c.depth)
    twice: int256 = unsafe_sub(lots, unsafe_mul(unsafe_mul(2, side), held))
    skew: int256 = unsafe_add(unsafe_mul(c.spread, span), unsafe_mul(twice, limits.RATE_ONE))
    away: int256 = units.ceil_div(unsafe_mul(c.index, skew), unsafe_mul(limits.RATE_ONE, span))
    if side > 0:
        return unsafe_add(c.index, away)
    return min(unsafe_sub(c.index, away), c.price_max)


@internal
@pure
def lots_within(c: Curve, side: int256, limit: int256, held: int256) -> int256:
    """@notice Lots by price, cap, depth and greatest size alone; not positive when there are none."""
    if units.magnitude(held) > c.depth or limit < 1 or (side < 0 and limit > c.price_max):
        return 0
    scaled: int256 = unsafe_mul(c.index, c.spread)
    spread: int256 = unsafe_div(scaled, limits.RATE_ONE)
    room: int256 = unsafe_sub(unsafe_mul(side, unsafe_sub(min(limit, c.price_max), c.index)), spread)
    reach: int256 = unsafe_mul(2, c.index)
    room = unsafe_mul(c.depth, min(max(room, unsafe_sub(0, reach)), reach))
    most: int256 = units.floor_div(room, c.index)
    over: int256 = unsafe_sub(scaled, unsafe_mul(spread, limits.RATE_ONE))
    rest: int256 = unsafe_sub(room, unsafe_mul(most, c.index))
    rest = unsafe_sub(rest, units.ceil_div(unsafe_mul(c.depth, over), limits.RATE_ONE))
    most = unsafe_add(most, units.floor_div(rest, c.index))
    return unsafe_add(min(most, c.cap), unsafe_mul(side, held))


@internal
@pure
def reach_of(c: Curve, held: margin.Held) -> int256:
    """@notice Notional at the index of the greatest inventory that the pool may come to."""
    return unsafe_mul(max(c.cap, units.magnitude(held.size)), c.index)


@internal
@pure
def is_ample(
    price_word: uint256, risk: uint256, policy: uint256, tier: uint256, most: int256, index: int256, raw: int256, held: margin.Held
) -> bool:
    """
    @notice Whether the pool's equity now would be initial margin for the greatest inventory it may come to.
    @dev Then it bears every trade: it sells above the index and buys below, so equity does not fall by a trade, and
         requirements rise with notional. Only where profit counts in full; else `bears` tells.
    @param tier That of `most`, the notional of `reach_of`.
    """
    weight: uint256 = (policy >> margin.PROFIT_WEIGHT) & margin.M24
    if weight != 12_000_000 or (policy >> margin.PROFIT_CAP) & (2**55 - 1) != 0:
        return False
    if units.magnitude(raw) > 2**60:
        return False
    equity: int256 = unsafe_add(raw, unsafe_mul(held.size, index))
    step: int256 = unsafe_sub(margin.index_of(price_word), held.index)
    if step != 0:
        equity = unsafe_add(equity, units.funding_of(held.size, step)[0])
    maintenance: int256 = units.ceil_div(margin.numerator(tier, most), limits.RATE_ONE)
    if equity < margin.end_of(policy, maintenance):
        return False
    return equity >= margin.initial_in(tier, risk, most, held.leverage, margin.live_rate(risk, index, 0))


@internal
@pure
def can_bear(t: margin.Terms, c: Curve, raw: int256, held: margin.Held, side: int256, lots: int256) -> bool:
    """@notice Whether the pool's cash and margin allow `lots` more to a taker on `side`."""
    return self.bears(t, raw, held, side, lots, unsafe_mul(lots, self.average(c, side, lots, held.size)))


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
    c: Curve = self.curve_of(t)
    lots: int256 = self.lots_within(c, side, limit, held.size)
    if lots <= 0:
        return 0
    if self.can_bear(t, c, raw, held, side, lots):
        return lots
    low: int256 = 0
    high: int256 = lots
    for _: uint256 in range(HALVINGS):
        middle: int256 = unsafe_div(unsafe_add(low, high), 2)
        if middle == low:
            break
        if self.can_bear(t, c, raw, held, side, middle):
            low = middle
        else:
            high = middle
    return low


@internal
@pure
def offer(
    t: margin.Terms, raw: int256, held: margin.Held, side: int256, wanted: int256, limit: int256
) -> (int256, int256, bool):
    """
    @notice (lots, average price, whether the pool bears just these) of an immediate order for at most `wanted`.
    @dev What the pool bears of more lots it may not bear of fewer: the engine asks once more at the fill.
    """
    most: int256 = self.lots_to(t, raw, held, side, limit)
    lots: int256 = min(wanted, most)
    if lots <= 0:
        return 0, 0, False
    price: int256 = self.average(self.curve_of(t), side, lots, held.size)
    return lots, price, lots == most or self.bears(t, raw, held, side, lots, unsafe_mul(lots, price))


@internal
@pure
def impact_of(t: margin.Terms, held: int256) -> (int256, int256):
    """@notice What the pool's quotes pay beyond the index to whoever takes its inventory: (floor, 1 if over)."""
    depth: int256 = convert(t.pool & words.M54, int256)
    lots: int256 = units.magnitude(held)
    if depth <= 0:
        return 0, 0
    value: int256 = lots * t.price
    if lots >= 2 * depth:
        return value, 0
    whole: int256 = value * lots // (2 * depth)
    return whole, 0 if whole * 2 * depth == value * lots else 1
