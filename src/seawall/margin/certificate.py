"""The exact buffer of a bucket at any prices, and corner prices that certify it (kernels).

`buffer_at` is the ordinary integer margin check: equity less maintenance, one ceil for the sum, funding floored by
position. `propose` guesses how far each price may move against the bucket; `certified` evaluates the same check at that
corner. docs/adr/0003-certified-triggers.md proves that no price inside the box so certified can be liquidatable.

Bounds (terms/limits.py, checked when a bucket is written): |raw| <= 2^62 with collateral, notional <= 2^53 at the
market's greatest price, 64 positions, rates <= RATE_ONE / 2. Then equity is below 2^62.8 and both halves of the
maintenance sum are below 2^62. Unsettled funding beyond 2^55 micro-USD on one position does not fit beside them: such a
bucket answers BEYOND.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.terms.limits import SPLIT_BITS
from seawall.units import FUNDING_INDEX_PER_MICRO, RATE_ONE

BEYOND: Final = -(2**63)  # a buffer that int64 cannot tell
FUNDING_MAX: Final = 2**55
HALF_DELTA_MAX: Final = 2**61
SPLIT: Final = 1 << SPLIT_BITS
WEIGHT_BITS: Final = 10
WEIGHT_ONE: Final = 1 << WEIGHT_BITS  # unit of a market's weight: its volatility relative to the others
WEIGHT_MIN: Final = WEIGHT_ONE >> 4
WEIGHT_MAX: Final = WEIGHT_ONE << 2
PHI_BITS: Final = 20
PHI_WHOLE_MAX: Final = 16  # a proposal never asks for more than 16 x the weighted price

LIVE: Final = 0  # tier tables: the rates of now
FENCE: Final = 1  # and those that no ramp may pass before its market is placed again

SHARP: Final = 0  # proposals: the slopes of the present tiers, usually right
SAFE: Final = 1  # the steepest slopes, always right


@kernel
def funding_owed(size: int, index: int, entry: int) -> int:
    """ceil(size * (index - entry) / 1e6) in micro-USD: what the position owes. BEYOND when above FUNDING_MAX."""
    if size == 0 or index == entry:
        return 0
    if abs((index >> 1) - (entry >> 1)) > HALF_DELTA_MAX:
        return BEYOND
    delta = index - entry
    whole = delta // FUNDING_INDEX_PER_MICRO
    part = delta - whole * FUNDING_INDEX_PER_MICRO
    if abs(whole) > 3 and abs(whole) > FUNDING_MAX // abs(size) - 1:
        return BEYOND
    size_whole = size // FUNDING_INDEX_PER_MICRO
    size_part = size - size_whole * FUNDING_INDEX_PER_MICRO
    return size * whole + size_whole * part - (-(size_part * part)) // FUNDING_INDEX_PER_MICRO


@kernel
def tier_at(s: Any, table: int, notional: int) -> int:
    """Index of the tier whose [lower, next lower) holds `notional` >= 0 in a row of the tier tables."""
    last = s.tier_count[table] - 1
    k = 0
    while k < last and s.tier_lower[table, k + 1] <= notional:  # at most TIERS_PER_MARKET
        k += 1
    return k


@kernel
def buffer_at(s: Any, bucket: int, rates: int) -> int:
    """Equity less maintenance in micro-USD at the prices in `s.at`, under the tables LIVE or FENCE.

    Negative means liquidatable there, with collateral worth its floor. Maintenance rounds up, funding against the
    bucket. BEYOND when funding does not fit.
    """
    equity, high, low = s.bucket_raw[bucket] + s.holding_floor[s.bucket_holding[bucket]], 0, 0
    i, slot = 0, s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        market, size = s.slot_market[slot], s.slot_size[slot]
        owed = funding_owed(size, s.market_index[market], s.slot_index[slot])
        if owed == BEYOND:
            return BEYOND
        value = size * s.at[i]
        equity += value - owed
        table, notional = 2 * market + rates, abs(value)
        k = tier_at(s, table, notional)
        rate = s.tier_rate[table, k]
        high += (notional >> SPLIT_BITS) * rate - s.tier_high[table, k]
        low += (notional & (SPLIT - 1)) * rate - s.tier_low[table, k]
        i, slot = i + 1, s.slot_sibling[slot]
    return int(equity - ceil_pair(high, low))


@kernel
def ceil_pair(high: int, low: int) -> int:
    """ceil((high * 2^20 + low) / RATE_ONE) for |high| <= 2^62, |low| <= 2^50."""
    whole = high // RATE_ONE
    rest = (high - whole * RATE_ONE) * SPLIT + low
    return whole * SPLIT - (-rest) // RATE_ONE


@kernel
def reserve(positions: int) -> int:
    """Buffer kept back so that later funding roundings, each below 1 micro-USD a position, cannot be missed."""
    return positions


@kernel
def certified(s: Any, bucket: int, rates: int, positions: int) -> bool:
    """Whether the corner in `s.at` keeps the bucket's buffer at or above the reserve."""
    return bool(buffer_at(s, bucket, rates) >= reserve(positions))


@kernel
def adverse_slope(size: int, how: int, rate: int, steepest: int) -> int:
    """Buffer lost per unit of notional when the price moves against a position, in RATE_ONE.

    SAFE bounds it over all prices: a falling price frees a long's maintenance, a rising one adds a short's. SHARP takes
    the tier of now, which an adverse move may leave: right only if the corner says so.
    """
    if size >= 0:
        return RATE_ONE if how == SAFE else RATE_ONE - rate
    return RATE_ONE + (steepest if how == SAFE else rate)


@kernel
def propose(s: Any, bucket: int, rates: int, slack: int, how: int) -> None:
    """Writes into `s.at` the corner at which moves in proportion to each market's weight use up `slack` >= 0.

    With SAFE the corner keeps buffer - slack: every division here rounds toward the present price.
    """
    total = 0
    slot = s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        total += _load(s, slot, rates, how)
        slot = s.slot_sibling[slot]
    phi = _ratio(slack, total)
    i, slot = 0, s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        market = s.slot_market[slot]
        price = s.market_price[market]
        reach = phi * s.market_weight[market]
        move = (((price >> 20) * reach) >> WEIGHT_BITS) + (((price & (SPLIT - 1)) * reach) >> (PHI_BITS + WEIGHT_BITS))
        s.at[i] = max(price - move, 0) if s.slot_size[slot] >= 0 else min(price + move, s.market_price_max[market])
        i, slot = i + 1, s.slot_sibling[slot]


@kernel
def _load(s: Any, slot: int, rates: int, how: int) -> int:
    """Weighted buffer that the position loses when its price moves by all of itself; rounds up, below 2^56."""
    market, size = s.slot_market[slot], s.slot_size[slot]
    notional = abs(size) * s.market_price[market]
    table = 2 * market + rates
    rate = s.tier_rate[table, tier_at(s, table, notional)]
    slope = adverse_slope(size, how, rate, s.tier_rate[table, s.tier_count[table] - 1])
    weight = -(-(s.market_weight[market] * slope) // RATE_ONE)
    return int((notional >> WEIGHT_BITS) * weight + (((notional & (WEIGHT_ONE - 1)) * weight) >> WEIGHT_BITS) + 1)


@kernel
def _ratio(slack: int, total: int) -> int:
    """floor(slack * 2^PHI_BITS / total) or a little less, at most PHI_WHOLE_MAX; 0 <= slack, total < 2^62."""
    if slack >> 4 >= total:
        return PHI_WHOLE_MAX << PHI_BITS
    whole = slack // total
    rest = slack - whole * total
    if total < 1 << 42:
        return (whole << PHI_BITS) + (rest << PHI_BITS) // total
    return (whole << PHI_BITS) + rest // ((total >> PHI_BITS) + 1)
