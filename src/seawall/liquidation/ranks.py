"""Who is deleveraged first (kernels): the public rank of a position under each policy, from its own figures at mark.

Scores are integers, the greater the sooner; a position in profit always comes before one at a loss. Ratios are taken
at fixed scales and cut off at `CAP`, so that a score fits int64 and does not change when all money is scaled.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.buckets import find_slot, funding_of
from seawall.ledger.held import next_held
from seawall.margin.trigger_kernels import row_of
from seawall.terms import parameter
from seawall.wide import compare_products, mul_floor_div

SCALE: Final = 1 << 16  # of a ratio
NARROW: Final = 1 << 46  # times SCALE it is an integer of one word
CAP: Final = 1 << 24  # greatest ratio that counts, 256 times
PRODUCT_BITS: Final = 48  # of two ratios
PROFIT: Final = 1 << 60  # added for a position in profit
LEVELS: Final = 16  # of how far a position is a hedge
WEIGHT_MAX: Final = (1 << 50) - 1  # so that the weights of one step add up within int64
LIGHTS: Final = 5


@kernel
def score_of(s: Any, slot: int) -> int:
    """The score of an open position under the venue's ADL_POLICY: below PROFIT at a loss, from PROFIT on in profit.

    A bucket in debt comes last: its own liquidation is due.
    """
    bucket, market, size = s.slot_owner[slot], s.slot_market[slot], s.slot_size[slot]
    value = size * s.market_price[market]
    pnl = value - s.slot_entry[slot]
    policy = s.param[len(s.market_price), parameter.ADL_POLICY]
    top = PROFIT if pnl > 0 else 0
    equity, notional = standing(s, bucket)
    if equity <= 0:
        return 1
    if policy == parameter.PRO_RATA:
        return int(top + min(WEIGHT_MAX, abs(size)))
    leverage = ratio(notional, equity)
    if policy == parameter.RISK_AWARE_PRO_RATA:
        return int(top + max(1, min(WEIGHT_MAX, mul_floor_div(abs(size), leverage, SCALE))))
    merit = merit_of(pnl, s.slot_entry[slot], leverage)
    if policy == parameter.LEAST_HARM:
        return int(top + (hedge_level(exposure(s, bucket), value) << PRODUCT_BITS) + merit)
    return int(top + merit)


@kernel
def standing(s: Any, bucket: int) -> tuple[int, int]:
    """(equity, notional) of a bucket at mark."""
    equity, notional, slot = s.bucket_raw[bucket] + s.holding_worth[s.bucket_holding[bucket]], 0, s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        value = s.slot_size[slot] * s.market_price[s.slot_market[slot]]
        equity += value + funding_of(s, slot)
        notional += abs(value)
        slot = s.slot_sibling[slot]
    return int(equity), int(notional)


@kernel
def ratio(part: int, whole: int) -> int:
    """floor(part / whole x SCALE) within 0..CAP; without anything in `whole` as high as it gets."""
    if part <= 0:
        return 0
    if part < NARROW and whole > 0:
        return min(CAP, part * SCALE // whole)
    if whole <= 0 or compare_products(part, SCALE, whole, CAP) >= 0:
        return CAP
    return int(mul_floor_div(part, SCALE, whole))


@kernel
def merit_of(pnl: int, entry: int, leverage: int) -> int:
    """Profit over entry times leverage; at a loss the less, the greater the loss and the lower the leverage. < 2^48."""
    if pnl > 0:
        return int(min((1 << PRODUCT_BITS) - 1, ratio(pnl, abs(entry)) * leverage))
    lost = ratio(-pnl, abs(entry))
    return int(leverage * SCALE // (SCALE + lost))


@kernel
def exposure(s: Any, bucket: int) -> int:
    """Net exposure at mark of the whole account behind a bucket, long less short, cross and isolated; a pool's own."""
    owner = s.bucket_owner[bucket]
    if owner < 0:
        return net_of(s, bucket)
    total = net_of(s, owner)
    isolated = s.account_isolated[owner] - 1
    while isolated >= 0:  # at most ISOLATED_PER_ACCOUNT
        total += net_of(s, isolated)
        isolated = s.bucket_next[isolated] - 1
    return total


@kernel
def net_of(s: Any, bucket: int) -> int:
    """Net exposure of one bucket at mark, long less short."""
    total, slot = 0, s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        total += s.slot_size[slot] * s.market_price[s.slot_market[slot]]
        slot = s.slot_sibling[slot]
    return int(total)


@kernel
def unhedged(net: int, value: int) -> int:
    """By how much closing a position of signed `value` raises the absolute exposure of an account with `net`."""
    return max(0, abs(net - value) - abs(net))


@kernel
def directional(net: int, value: int) -> int:
    """The part of |value| that can be closed without raising absolute exposure: what of it is not a hedge.

    Closing x of it leaves |net - x| <= |net| exactly while x <= 2 |net|, on the side of the net exposure.
    """
    if net == 0 or (net > 0) != (value > 0):
        return 0
    return min(abs(value), abs(net))


@kernel
def hedge_level(net: int, value: int) -> int:
    """0 for a position that is all hedge to LEVELS - 1 for one that is none: the order of least harm."""
    if value == 0:
        return 0
    return (LEVELS - 1) * directional(net, value) // abs(value)  # |value| is a notional, at most 2^53


@kernel
def adl_rank(s: Any, bucket: int, market: int) -> tuple[int, int]:
    """(light, score) of a bucket's position: light 4 is the fifth closed first, 0 the last; (-1, 0) without a position.

    The light is its place by score among the positions on its side of the market.
    """
    slot = find_slot(s, bucket, market)
    if slot == 0 or s.slot_size[slot] == 0:
        return -1, 0
    score, before, others = score_of(s, slot), 0, 0
    row = row_of(market, s.slot_size[slot])
    other = next_held(s, row, 1)
    while other != 0:  # at most the positions of the market
        others += 1
        if score_of(s, other) > score:
            before += 1
        other = next_held(s, row, other + 1)
    return int(LIGHTS - 1 - before * LIGHTS // others), score
