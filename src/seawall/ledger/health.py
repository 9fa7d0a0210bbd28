"""Health of a bucket in compiled code: the rule of margin/health.py and requirement.py over the record's columns.

`measure` recomputes everything at the present marks and caches nothing: a cached sum is stale after any tick. It can
measure a bucket as it would be after one change, so that commands check before they write. Equal to the scalar rule to
the unit (tests/differential/test_ledger_equals_core.py).
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.buckets import entry_after, funding_of
from seawall.ledger.portfolio import portfolio_maintenance, worth_moved
from seawall.ledger.valuation import counted_worth
from seawall.margin.certificate import LIVE, ceil_pair, tier_at
from seawall.margin.trigger_kernels import PORTFOLIO
from seawall.terms import parameter
from seawall.terms.limits import SPLIT_BITS
from seawall.units import RATE_ONE
from seawall.wide import compare_products, mul_ceil_div, mul_floor_div, rate_down, rate_up

SPLIT_MASK: Final = (1 << SPLIT_BITS) - 1
NO_MARKET: Final = -1

# places in what `measure` returns
EQUITY, EQUITY_INITIAL, MAINTENANCE, INITIAL, RESERVED, NOTIONAL, PROFIT = range(7)


@kernel
def live_rate(s: Any, market: int) -> int:
    """Initial rate of the moment: rises to 1 between the two open-interest caps, never below 1/max leverage."""
    first = s.base_leverage[market, 0]
    base = max(s.param[market, parameter.INITIAL_LIVE], (RATE_ONE + first - 1) // first)
    lower, upper = s.param[market, parameter.OPEN_INTEREST_LOWER], s.param[market, parameter.OPEN_INTEREST_UPPER]
    interest = s.market_open[market] * s.market_price[market]
    if upper == 0 or interest <= lower:
        return int(base)
    if interest >= upper:
        return RATE_ONE
    return int(base + mul_ceil_div(RATE_ONE - base, interest - lower, upper - lower))


@kernel
def initial_of(s: Any, market: int, notional: int, leverage: int, live: int) -> int:
    """Initial margin of a position: the larger of notional / leverage and notional x live rate, both rounded up."""
    return int(initial_in(s, market, tier_at(s, 2 * market + LIVE, notional), notional, leverage, live))


@kernel
def initial_in(s: Any, market: int, tier: int, notional: int, leverage: int, live: int) -> int:
    """`initial_of` for a caller that knows the tier of the notional."""
    most = min(leverage, s.base_leverage[market, tier], s.param[market, parameter.LEVERAGE_CAP])
    if live * most <= RATE_ONE:  # then 1 / most is the larger rate, and so is what it gives
        return int((notional + most - 1) // most)
    return int(rate_up(notional, live))


@kernel
def maintenance_of(s: Any, market: int, size: int) -> int:
    """Maintenance of one position alone, rounded up: what orders positions by size of risk."""
    notional = abs(size) * s.market_price[market]
    row = 2 * market + LIVE
    k = tier_at(s, row, notional)
    high = (notional >> SPLIT_BITS) * s.tier_rate[row, k] - s.tier_high[row, k]
    return int(ceil_pair(high, (notional & SPLIT_MASK) * s.tier_rate[row, k] - s.tier_low[row, k]))


@kernel
def end_of(s: Any, maintenance: int) -> int:
    """Liquidation end: maintenance x (1 + exit buffer), rounded up."""
    return int(rate_up(maintenance, RATE_ONE + s.param[len(s.market_price), parameter.EXIT_BUFFER]))


@kernel
def counted_profit(s: Any, weighted: int) -> int:
    """Unrealised profit that counts for initial margin, from the sum already weighted."""
    cap = s.param[len(s.market_price), parameter.PROFIT_CAP]
    return int(weighted if cap < 0 else min(cap, weighted))


@kernel
def measure(s: Any, bucket: int) -> tuple[int, int, int, int, int, int, int]:
    """(equity, equity_initial, maintenance, initial, reserved, notional, profit) of a bucket as it is, in micro-USD."""
    return measure_after(s, bucket, NO_MARKET, 0, 0, 0, 0, 0, 1)


@kernel
def measure_after(
    s: Any, bucket: int, market: int, size: int, cost: int, fee: int, bids: int, asks: int, leverage: int
) -> tuple[int, int, int, int, int, int, int]:
    """Health after a change in one market: signed `size` bought for `cost` plus `fee`, orders moved by bids and asks.

    `leverage` is that of a new position; of one that exists, the leverage it would have (0 keeps it). With NO_MARKET
    only cash changes: it falls by `fee`.
    """
    equity, high, low = s.bucket_raw[bucket] + s.holding_worth[s.bucket_holding[bucket]] - cost - fee, 0, 0
    initials, reserved, notional, profit, weighted = 0, 0, 0, 0, 0
    weight = s.param[len(s.market_price), parameter.PROFIT_WEIGHT]
    slot, is_new = s.bucket_first[bucket], market != NO_MARKET
    while slot != 0 or is_new:  # at most POSITIONS_PER_BUCKET + 1
        if slot != 0:
            here, held, entry = s.slot_market[slot], s.slot_size[slot], s.slot_entry[slot]
            resting_bids, resting_asks, most = s.slot_bids[slot], s.slot_asks[slot], s.slot_leverage[slot]
            equity += funding_of(s, slot)
            slot = s.slot_sibling[slot]
        else:
            here, held, entry, resting_bids, resting_asks, most = market, 0, 0, 0, 0, leverage
        if here == market:
            is_new = False
            if size != 0:
                entry = _entry_at_cost(held, entry, size, cost)
                held += size
            resting_bids, resting_asks = resting_bids + bids, resting_asks + asks
            most = leverage if leverage != 0 else most
        value = held * s.market_price[here]
        amount = abs(value)
        row = 2 * here + LIVE
        k = tier_at(s, row, amount)
        rate = s.tier_rate[row, k]
        high += (amount >> SPLIT_BITS) * rate - s.tier_high[row, k]
        low += (amount & SPLIT_MASK) * rate - s.tier_low[row, k]
        equity += value
        notional += amount
        if value > entry:
            profit += value - entry
            weighted += value - entry if weight == RATE_ONE else rate_down(value - entry, weight)
        live = live_rate(s, here)
        own = initial_in(s, here, k, amount, most, live) if amount != 0 else 0
        initials += own
        worst = max(abs(held), abs(held + resting_bids), abs(held - resting_asks))  # all bids or all asks filled
        if worst != abs(held):
            reserved += initial_of(s, here, worst * s.market_price[here], most, live) - own
    maintenance = ceil_pair(high, low)
    if s.bucket_mode[bucket] == PORTFOLIO:
        maintenance = portfolio_maintenance(s, bucket, market, size, NO_MARKET, 0)
        initials = rate_up(maintenance, s.param[len(s.market_price), parameter.PORTFOLIO_FACTOR])
    counted = counted_profit(s, weighted)
    initial = max(initials, end_of(s, maintenance)) + reserved
    lost = haircut(s, bucket) + profit - counted
    return equity, equity - lost, maintenance, initial, reserved, notional, profit


@kernel
def haircut(s: Any, bucket: int) -> int:
    """What collateral is worth more for maintenance than for initial margin."""
    if s.bucket_holding[bucket] == 0:
        return 0
    return int(s.holding_worth[s.bucket_holding[bucket]] - counted_worth(s, bucket))


@kernel
def _entry_at_cost(held: int, entry: int, size: int, cost: int) -> int:
    """`entry_after` for a trade given by its cost; the part beyond a flip takes the average price, rounded down."""
    after = held + size
    if (held > 0 and after < 0) or (held < 0 and after > 0):
        return int(mul_floor_div(cost, abs(after), abs(size)))
    if held == 0 or (held > 0) == (size > 0):
        return int(entry + cost)
    return int(entry_after(held, entry, size, 0))


@kernel
def equity_and_maintenance(s: Any, bucket: int) -> tuple[int, int]:
    """The two that decide whether a bucket is liquidated."""
    return equity_and_maintenance_at(s, bucket, NO_MARKET, 0)


@kernel
def equity_and_maintenance_at(s: Any, bucket: int, market: int, price: int) -> tuple[int, int]:
    """Equity and maintenance if the mark of `market` were `price` and all others as they are.

    Collateral stays as it is; in portfolio margin, where it may be what a position hedges, it moves with its market.
    """
    equity, high, low = s.bucket_raw[bucket] + s.holding_worth[s.bucket_holding[bucket]], 0, 0
    slot = s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        here, size = s.slot_market[slot], s.slot_size[slot]
        value = size * (price if here == market else s.market_price[here])
        amount, row = abs(value), 2 * here + LIVE
        k = tier_at(s, row, amount)
        rate = s.tier_rate[row, k]
        high += (amount >> SPLIT_BITS) * rate - s.tier_high[row, k]
        low += (amount & SPLIT_MASK) * rate - s.tier_low[row, k]
        equity += value + funding_of(s, slot)
        slot = s.slot_sibling[slot]
    if s.bucket_mode[bucket] == PORTFOLIO:
        equity += worth_moved(s, bucket, market, price) if market != NO_MARKET else 0
        return int(equity), int(portfolio_maintenance(s, bucket, NO_MARKET, 0, market, price))
    return int(equity), int(ceil_pair(high, low))


@kernel
def accepts(before: tuple[int, int, int, int, int, int, int], after: tuple[int, int, int, int, int, int, int]) -> bool:
    """May a command take a bucket from `before` to `after`? Initial margin is there, or no risk is added (SPEC 4)."""
    if after[EQUITY_INITIAL] >= after[INITIAL]:
        return True
    if after[MAINTENANCE] > before[MAINTENANCE]:
        return False
    if after[RESERVED] > before[RESERVED] and after[INITIAL] > before[INITIAL]:
        return False
    if after[EQUITY] >= before[EQUITY] and (before[EQUITY] <= 0 or after[MAINTENANCE] == 0):
        return True
    if after[MAINTENANCE] == 0:
        return before[MAINTENANCE] != 0
    return bool(compare_products(after[EQUITY], before[MAINTENANCE], before[EQUITY], after[MAINTENANCE]) >= 0)


@kernel
def withdrawable(s: Any, bucket: int) -> int:
    """USD that may leave the bucket (SPEC section 4), the profit pool apart. Rounds down, never negative."""
    now = measure(s, bucket)
    share = s.param[len(s.market_price), parameter.WITHDRAWAL_FLOOR]
    floor = rate_up(now[NOTIONAL], share) + now[RESERVED]
    return int(max(0, now[EQUITY_INITIAL] - max(now[INITIAL], floor)))
