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
import units
import words

RAISES: constant(uint256) = 64
JITTER: constant(int256) = 4
ROUND_UP: constant(int256) = limits.RATE_ONE - 1
NO_FLOOR: constant(int256) = min_value(int256)

MINIMAL: constant(uint256) = 0
WHOLE: constant(uint256) = 1
SHARE_ABOVE: constant(uint256) = 2
SHARE_STEP: constant(uint256) = 3


# what a partial close goes by beside the position: the pool, the venue's steps, the last forced fill
struct Venue:
    head: uint256  # the pool's bucket; 0 while it does not quote to this taker
    pool: margin.Held  # its position
    curve: amm.Curve
    ample: bool  # the pool bears every trade
    steps: uint256
    now: int256
    time: int256


# constants of the search for the least amount on a pool that bears every trade
struct Ground:
    side: int256
    mark: int256
    equity: int256
    whole: int256  # maintenance before
    bump: int256  # what rounds a share of equity up
    end: int256  # 1 + exit buffer
    fee: int256
    room: int256  # lots by cap
    least: int256  # distances that a bankruptcy price can have
    most: int256
    bound: int256  # that of gate, and in debt of one lot's bankruptcy price
    nearest: int256  # least distance of an average price
    steep: int256
    depth: int256
    offset: int256
    scale: int256  # 2 * depth
    carry: int256  # what rounds a price away


@internal
@pure
def quote(c: closing.Close, v: Venue, lots: int256, limit: int256) -> (int256, int256):
    """@notice (lots, value) that the pool gives within `limit`."""
    if v.head == 0:
        return 0, 0
    held: int256 = v.pool.size
    size: int256 = 0
    if v.ample:
        size = amm.lots_within(v.curve, c.side, limit, held)
    else:
        size = amm.lots_to(c.terms, words.signed64(v.head, 0), v.pool, c.side, limit)
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
def _ground(c: closing.Close, v: Venue) -> Ground:
    """
    @notice What the inequality of `least_lots` needs. Distances are from the mark, against the bucket.
    @dev Lots fit when the price behind the last of them is within the limit: with h lots held by the pool on the
         taker's side, steep * lots + depth * spread - steep * h <= depth * reach (x RATE_ONE; amm.lots_within solved for
         the limit), and their average is ceil of (steep * lots + 2 * offset) / (2 * depth) away (amm.average).
    """
    held: int256 = unsafe_mul(c.side, v.pool.size)
    depth: int256 = unsafe_mul(v.curve.depth, limits.RATE_ONE)
    steep: int256 = unsafe_mul(c.mark, limits.RATE_ONE)
    top: int256 = unsafe_sub(v.curve.price_max, c.mark)
    below: int256 = unsafe_sub(c.mark, 1)
    most: int256 = top
    least: int256 = unsafe_sub(0, below)
    if c.side < 0:
        most = below
        least = unsafe_sub(0, top)
    bound: int256 = max_value(int256)
    gate: int256 = words.field(c.forced, closing.GATE, 24)
    if gate < limits.RATE_ONE:
        bound = units.rate_down(c.mark, gate)
    if c.equity < 0:
        bound = min(bound, unsafe_mul(c.side, unsafe_sub(closing.bankruptcy_price(c, 1), c.mark)))
    return Ground(
        side=c.side,
        mark=c.mark,
        equity=c.equity,
        whole=c.maintenance,
        bump=unsafe_sub(c.maintenance, 1) if c.equity > 0 else 0,
        end=unsafe_add(limits.RATE_ONE, words.field(c.terms.policy, margin.EXIT_BUFFER, 24)),
        fee=words.field(c.forced, 0, 20),
        room=unsafe_add(v.curve.cap, held) if units.magnitude(held) <= v.curve.depth else 0,
        least=least,
        most=most,
        bound=bound,
        nearest=least if c.side < 0 else NO_FLOOR,
        steep=steep,
        depth=depth,
        offset=unsafe_sub(unsafe_mul(unsafe_mul(v.curve.depth, c.mark), v.curve.spread), unsafe_mul(steep, held)),
        scale=unsafe_mul(2, depth),
        carry=unsafe_sub(unsafe_mul(2, depth), 1),
    )


@internal
@pure
def _tier_at(c: closing.Close, lots: int256) -> (int256, int256, int256):
    """
    @notice Maintenance while at least `lots` are closed: (the most for which this holds, base, slope), the bucket's
            being (base - slope * lots) / RATE_ONE, rounded down, its ceil.
    """
    tier: uint256 = margin.tier_of(c.terms, unsafe_mul(unsafe_sub(c.held, lots), c.mark))
    slope: int256 = unsafe_mul(c.mark, words.field(tier, 0, 24))
    own: int256 = unsafe_sub(unsafe_mul(slope, c.held), convert(tier >> margin.TIER_DEDUCTION, int256))
    last: int256 = unsafe_sub(c.held, units.ceil_div(words.field(tier, margin.TIER_LOWER, 54), c.mark))
    return last, unsafe_add(unsafe_add(c.others, own), ROUND_UP), slope


@internal
@pure
def least_lots(c: closing.Close, v: Venue) -> int256:
    """
    @notice The least lots whose closing ends the liquidation at the pool's prices; all when none do.
    @dev A pool that bears every trade is asked by the inequality that its quote comes down to, in the loop itself: a
         step costs some hundred units of gas. Else it is quoted, which may take a search of its own.
    """
    if v.head == 0:
        return 1
    g: Ground = self._ground(c, v)
    tried: int256 = 0
    short: int256 = unsafe_sub(c.equity, margin.end_of(c.terms.policy, c.maintenance))
    lots: int256 = 1
    now: int256 = 0
    gain: int256 = 0
    span: int256 = 0
    last: int256 = 0
    base: int256 = 0
    slope: int256 = 0
    for _: uint256 in range(RAISES):
        if v.ample:
            if lots > last:
                last, base, slope = self._tier_at(c, lots)
            after: int256 = unsafe_div(unsafe_sub(base, unsafe_mul(slope, lots)), limits.RATE_ONE)
            given: int256 = unsafe_sub(g.equity, unsafe_div(unsafe_add(unsafe_mul(g.equity, after), g.bump), g.whole))
            if given < 0:
                given = unsafe_sub(given, unsafe_sub(lots, 1))
            reach: int256 = max(g.least, min(g.most, unsafe_div(given, lots)))
            skew: int256 = unsafe_add(unsafe_mul(g.steep, lots), g.offset)
            if lots > g.room or skew > unsafe_mul(g.depth, min(reach, g.bound)):
                return lots
            skew = unsafe_add(skew, g.offset)
            if skew > 0:
                skew = unsafe_add(skew, g.carry)
            lost: int256 = max(unsafe_div(skew, g.scale), g.nearest)
            amount: int256 = unsafe_mul(lots, unsafe_add(g.mark, unsafe_mul(g.side, lost)))
            fee: int256 = unsafe_div(unsafe_add(unsafe_mul(amount, g.fee), ROUND_UP), limits.RATE_ONE)
            after = unsafe_div(unsafe_add(unsafe_mul(after, g.end), ROUND_UP), limits.RATE_ONE)
            now = unsafe_sub(unsafe_sub(unsafe_sub(g.equity, unsafe_mul(lots, lost)), fee), after)
        else:
            filled: int256 = 0
            amount: int256 = 0
            filled, amount = self.quote(c, v, lots, self.worst_price(c, lots))
            if filled < lots:
                return lots
            now = closing.gap(c, lots, amount)
        if now >= 0:
            return lots
        slack: int256 = unsafe_add(JITTER, lots)  # the pool's price a lot is rounded: one unit a lot
        rise: int256 = unsafe_add(unsafe_sub(now, short), slack)
        run: int256 = unsafe_sub(lots, tried)
        need: int256 = max(1, unsafe_sub(unsafe_sub(0, now), slack))
        if rise <= 0:
            return c.held
        if span == 0 or unsafe_mul(rise, span) < unsafe_mul(gain, run):
            gain = rise
            span = run
        need = unsafe_mul(need, span)
        if need > unsafe_mul(gain, unsafe_sub(c.held, lots)):
            return c.held
        tried = lots
        short = now
        lots = unsafe_add(lots, unsafe_div(unsafe_add(need, unsafe_sub(gain, 1)), gain))
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


@internal
@pure
def capacity_after(c: closing.Close, now: int256, lots: int256) -> uint256:
    """@notice Start of the capacity window and what is used in it once `lots` are closed, as fields of the word FORCED."""
    start: int256 = words.field(c.forced, closing.START, 44)
    used: int256 = words.field(c.forced, closing.USED, 58)
    if self.is_window_over(c, now):
        start = now
        used = 0
    used = unsafe_add(used, unsafe_mul(lots, c.mark))
    return words.with_field(words.with_field(0, closing.START, 44, start), closing.USED, 58, used)
