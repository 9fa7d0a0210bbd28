# pragma version 0.4.3
"""
@title How much of a position goes to the pool, and at what worst price: src/seawall/liquidation/partial.py
@license Apache-2.0
@notice The modes of the engine but the throttled one, which only the comparison with another venue needs.
        The least that ends a liquidation is found from below: what closing x lots gains is concave in x, so the slope
        behind x bounds the slope ahead, and stepping by it never overshoots.
"""

import amm
import closing
import limits
import margin
import reader
import units
import words

RAISES: constant(uint256) = 64
JITTER: constant(int256) = 4

MINIMAL: constant(uint256) = 0
WHOLE: constant(uint256) = 1
SHARE_ABOVE: constant(uint256) = 2
SHARE_STEP: constant(uint256) = 3


# what a partial close goes by beside the position: the pool, the venue's steps, the last forced fill
struct Venue:
    pool: reader.Quoted  # its bucket is 0 while it does not quote to this taker
    curve: amm.Curve
    ample: bool  # the pool bears every trade
    steps: uint256
    now: int256
    time: int256


@internal
@pure
def quote(c: closing.Close, v: Venue, lots: int256, limit: int256) -> (int256, int256):
    """@notice (lots, value) that the pool gives within `limit`."""
    if v.pool.head == 0:
        return 0, 0
    held: int256 = v.pool.held.size
    size: int256 = 0
    if v.ample:
        size = amm.lots_within(v.curve, c.side, limit, held)
    else:
        size = amm.lots_to(v.pool.terms, words.signed64(v.pool.head, 0), v.pool.held, c.side, limit)
    size = min(lots, size)
    if size <= 0:
        return 0, 0
    return size, unsafe_mul(size, amm.average(v.curve, c.side, size, held))


@internal
@pure
def worst_price(c: closing.Close, lots: int256) -> int256:
    """@notice The limit of a forced order: the bankruptcy price or the gate around the index, the nearer."""
    limit: int256 = closing.bankruptcy_price(c, lots)
    if c.equity < 0:
        one: int256 = closing.bankruptcy_price(c, 1)
        limit = max(limit, one) if c.side < 0 else min(limit, one)
    gate: int256 = words.field(c.forced, closing.GATE, 24)
    if gate >= limits.RATE_ONE:
        return limit
    reach: int256 = units.rate_down(c.mark, gate)
    return max(limit, unsafe_sub(c.mark, reach)) if c.side < 0 else min(limit, unsafe_add(c.mark, reach))


@internal
@pure
def least_lots(c: closing.Close, v: Venue) -> int256:
    """@notice The least lots whose closing ends the liquidation at the pool's prices; all when none do."""
    amm_unit: int256 = 1 if c.terms.pool & words.M54 != 0 else 0
    tried: int256 = 0
    short: int256 = unsafe_sub(c.equity, margin.end_of(c.terms.policy, c.maintenance))
    lots: int256 = 1
    gain: int256 = 0
    span: int256 = 0
    for _: uint256 in range(RAISES):
        filled: int256 = 0
        amount: int256 = 0
        filled, amount = self.quote(c, v, lots, self.worst_price(c, lots))
        if filled < lots:
            return lots
        now: int256 = closing.gap(c, lots, amount)
        if now >= 0:
            return lots
        slack: int256 = unsafe_add(JITTER, unsafe_mul(amm_unit, lots))
        rise: int256 = unsafe_add(unsafe_sub(now, short), slack)
        run: int256 = unsafe_sub(lots, tried)
        need: int256 = max(1, unsafe_sub(unsafe_sub(0, now), slack))
        if rise <= 0:
            return c.held
        if span == 0 or unsafe_mul(rise, span) < unsafe_mul(gain, run):
            gain = rise
            span = run
        if unsafe_mul(need, span) > unsafe_mul(gain, unsafe_sub(c.held, lots)):
            return c.held
        tried = lots
        short = now
        lots = unsafe_add(lots, units.ceil_div(unsafe_mul(need, span), gain))
    return tried


@internal
@pure
def is_cooling(policy: uint256, v: Venue) -> bool:
    """@notice Whether a forced fill of the bucket lies within the cooldown."""
    cooldown: int256 = words.field(policy, margin.COOLDOWN, 22)
    return v.time != 0 and unsafe_sub(v.now, v.time) < cooldown


@internal
@pure
def without_dust(c: closing.Close, lots: int256) -> int256:
    """@notice `lots`, or the whole position when it or what would be left of it is dust. None stay none."""
    dust: int256 = words.field(c.forced, closing.DUST, 34)
    rest: int256 = unsafe_mul(unsafe_sub(c.held, lots), c.mark)
    return c.held if (lots > 0 and rest <= dust) or unsafe_mul(c.held, c.mark) <= dust else lots


@internal
@pure
def share_step(c: closing.Close, v: Venue) -> int256:
    """@notice At most the greater of floor and a share of the position's notional, and the ceiling; at least a lot."""
    policy: uint256 = c.terms.policy
    share: int256 = units.rate_down(unsafe_mul(c.held, c.mark), words.field(policy, margin.PARTIAL_SHARE, 24))
    most: int256 = min(max(words.field(v.steps, 0, 54), share), words.field(v.steps, 54, 54))
    return min(c.held, max(1, most // c.mark))


@internal
@pure
def wanted_lots(c: closing.Close, v: Venue) -> int256:
    """@notice Lots to close now as the venue's mode says; 0: the cooldown is not over."""
    policy: uint256 = c.terms.policy
    mode: uint256 = (policy >> margin.PARTIAL_MODE) & 7
    cool: bool = self.is_cooling(policy, v)
    if mode == SHARE_ABOVE:
        if cool or unsafe_mul(c.held, c.mark) <= words.field(v.steps, 0, 54):
            return c.held
        return min(c.held, max(1, units.rate_up(c.held, words.field(policy, margin.PARTIAL_SHARE, 24))))
    if cool:
        return 0
    if mode == WHOLE:
        return c.held
    return self.without_dust(c, self.least_lots(c, v) if mode == MINIMAL else self.share_step(c, v))


@internal
@pure
def is_window_over(c: closing.Close, now: int256) -> bool:
    age: int256 = unsafe_sub(now, words.field(c.forced, closing.START, 44))
    return age >= words.field(c.forced, closing.WINDOW, 22)


@internal
@pure
def capacity_lots(c: closing.Close, now: int256) -> int256:
    """@notice Lots that forced orders may still take in the capacity window of now; at least one in a fresh window."""
    most: int256 = words.field(c.forced, closing.CAPACITY, 54)
    used: int256 = 0
    if not self.is_window_over(c, now):
        used = words.field(c.forced, closing.USED, 58)
    lots: int256 = max(0, unsafe_sub(most, used)) // c.mark
    return 1 if lots == 0 and used == 0 and most > 0 else lots
