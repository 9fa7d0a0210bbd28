"""Reads accounts and markets out of the record into small arrays (kernels), so that one call tells all a view needs.

Every figure is the engine's own: ledger/health.py and ledger/leaving.py measure, engine/funding.py and
engine/placing.py judge. What is added here is the tier in which a position's liquidation price lies; views/figures.py
makes the price.
"""

from typing import Any, Final

import numpy as np

from seawall.book.grid import ASKS, BIDS, TEN, price_of
from seawall.book.levels import best_level, next_level
from seawall.engine.breaker import isolated_leverage_cap, leverage_cap
from seawall.engine.funding import half_even, impact_price, premium_now, rate_hour
from seawall.engine.placing import Order, cash_needed
from seawall.engine.pools import shares_of, worth
from seawall.kernel import kernel, warm_up
from seawall.ledger.buckets import find_slot, funding_of
from seawall.ledger.health import (
    EQUITY,
    EQUITY_INITIAL,
    INITIAL,
    MAINTENANCE,
    NOTIONAL,
    PROFIT,
    RESERVED,
    equity_and_maintenance_at,
    initial_of,
    live_rate,
    measure,
)
from seawall.ledger.isolated import bucket_for, find_isolated, is_isolated, leverage_of, next_isolated
from seawall.ledger.leaving import is_being_liquidated, may_leave, pending_funding
from seawall.ledger.markets import is_fresh, pool_bucket
from seawall.ledger.state import SMALL, create_state, for_kernels
from seawall.margin.certificate import LIVE, ceil_pair, tier_at
from seawall.margin.trigger_kernels import PORTFOLIO
from seawall.terms.limits import ISOLATED_PER_ACCOUNT, NOTIONAL_MAX, POSITIONS_PER_BUCKET, SPLIT_BITS

SPLIT_MASK: Final = (1 << SPLIT_BITS) - 1

HEADS: Final = 1 + ISOLATED_PER_ACCOUNT  # buckets of an account
HEAD: Final = 14  # values of a bucket: figures.py BucketFigures, in order
ROWS: Final = POSITIONS_PER_BUCKET + ISOLATED_PER_ACCOUNT
ROW: Final = 14  # values of a position: figures.py PositionFigures, in order
QUOTE: Final = 12  # values of a market: figures.py Quote, in order
LEVEL: Final = 3  # values of a level of a book: price, lots, orders
POOL: Final = 3  # values of a pool: worth for who leaves, for who joins, shares
SETTING: Final = 7  # values of an account in a market: account.py active_asset_data
STEPS_PER_MARK: Final = 64  # of the search for a liquidation price in portfolio margin, which goes
MARKS_UP: Final = 4  # times the mark up
HALVINGS: Final = 54  # of a count of lots


@kernel
def read_buckets(states: Any, first: int, heads: Any, rows: Any) -> int:
    """A bucket and its positions; of a cross bucket also the isolated ones of its account. Returns how many buckets."""
    s = states[0]
    place = _read_bucket(s, first, heads, rows, 0, 0)
    count, bucket = 1, s.account_isolated[first] - 1 if first < len(s.account_master) else -1
    while bucket >= 0:  # at most ISOLATED_PER_ACCOUNT
        place = _read_bucket(s, bucket, heads, rows, count, place)
        count, bucket = count + 1, s.bucket_next[bucket] - 1
    return count


@kernel
def _read_bucket(s: Any, bucket: int, heads: Any, rows: Any, at: int, place: int) -> int:
    """A bucket into row `at` of heads and its positions from row `place` on; returns the next free place."""
    found, first = measure(s, bucket), place
    high, low, slot = 0, 0, s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        if s.slot_size[slot] != 0:
            one = maintenance_pair(s, s.slot_market[slot], s.slot_size[slot])
            high, low = high + one[0], low + one[1]
        slot = s.slot_sibling[slot]
    slot = s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        if s.slot_size[slot] != 0:
            _read_position(s, slot, found[EQUITY], high, low, rows, place)
            place += 1
        slot = s.slot_sibling[slot]
    heads[at, 0] = bucket
    heads[at, 1] = s.bucket_market[bucket]
    heads[at, 2] = place - first
    heads[at, 3] = found[EQUITY]
    heads[at, 4] = found[EQUITY_INITIAL]
    heads[at, 5] = found[MAINTENANCE]
    heads[at, 6] = found[INITIAL]
    heads[at, 7] = found[RESERVED]
    heads[at, 8] = found[NOTIONAL]
    heads[at, 9] = found[PROFIT]
    heads[at, 10] = s.bucket_raw[bucket] + pending_funding(s, bucket)
    heads[at, 11] = may_leave(s, bucket)
    heads[at, 12] = 1 if is_being_liquidated(s, bucket) else 0
    heads[at, 13] = 1 if s.bucket_mode[bucket] == PORTFOLIO else 0
    return place


@kernel
def _read_position(s: Any, slot: int, equity: int, high: int, low: int, rows: Any, place: int) -> None:
    """A position into a row; `high` and `low` are the maintenance of all positions of its bucket."""
    market, size = s.slot_market[slot], s.slot_size[slot]
    mark, table = s.market_price[market], 2 * market + LIVE
    own = maintenance_pair(s, market, size)
    others_high, others_low = high - own[0], low - own[1]
    k = solution_tier(s, table, size, equity - size * mark, others_high, others_low)
    live = live_rate(s, market)
    rows[place, 0] = market
    rows[place, 1] = size
    rows[place, 2] = s.slot_entry[slot]
    rows[place, 3] = s.slot_leverage[slot]
    rows[place, 4] = funding_of(s, slot)
    rows[place, 5] = mark
    rows[place, 6] = initial_of(s, market, abs(size) * mark, s.slot_leverage[slot], live)
    rows[place, 7] = s.base_leverage[market, 0]
    rows[place, 8] = s.tier_rate[table, k]
    rows[place, 9] = s.tier_high[table, k]
    rows[place, 10] = s.tier_low[table, k]
    rows[place, 11] = others_high
    rows[place, 12] = others_low
    rows[place, 13] = portfolio_price(s, slot) if s.bucket_mode[s.slot_owner[slot]] == PORTFOLIO else 0


@kernel
def portfolio_price(s: Any, slot: int) -> int:
    """In portfolio margin: the last healthy mark on the side that hurts the position, all else fixed; 0: none in reach.

    The worst scenario changes with the mark, so it is searched for as margin/portfolio_price.py does, in steps of 1/64
    of the mark down to 1 or up to 4 times it.
    """
    market, bucket, mark = s.slot_market[slot], s.slot_owner[slot], s.market_price[s.slot_market[slot]]
    equity, maintenance = equity_and_maintenance_at(s, bucket, market, mark)
    if equity < maintenance:
        return 0
    step = max(1, mark // STEPS_PER_MARK)
    good, end = mark, 1 if s.slot_size[slot] > 0 else min(s.market_price_max[market], MARKS_UP * mark)
    for _ in range(MARKS_UP * STEPS_PER_MARK):
        if good == end:
            return 0
        price = max(end, good - step) if s.slot_size[slot] > 0 else min(end, good + step)
        equity, maintenance = equity_and_maintenance_at(s, bucket, market, price)
        if equity < maintenance:
            return int(last_healthy(s, bucket, market, good, price))
        good = price
    return 0


@kernel
def last_healthy(s: Any, bucket: int, market: int, good: int, bad: int) -> int:
    """The healthy price of two neighbours between a healthy one and one that is not."""
    while abs(good - bad) > 1:  # at most 40 halvings
        middle = (good + bad) >> 1
        equity, maintenance = equity_and_maintenance_at(s, bucket, market, middle)
        good, bad = (middle, bad) if equity >= maintenance else (good, middle)
    return good


@kernel
def maintenance_pair(s: Any, market: int, size: int) -> tuple[int, int]:
    """Maintenance of a position at the mark as (high, low) with high x 2^20 + low in micro-USD x RATE_ONE."""
    amount, table = abs(size) * s.market_price[market], 2 * market + LIVE
    k = tier_at(s, table, amount)
    rate = s.tier_rate[table, k]
    high = (amount >> SPLIT_BITS) * rate - s.tier_high[table, k]
    return high, (amount & SPLIT_MASK) * rate - s.tier_low[table, k]


@kernel
def solution_tier(s: Any, table: int, size: int, fixed: int, high: int, low: int) -> int:
    """The tier of the notional at which a bucket has no buffer, all else fixed (SPEC section 5).

    `fixed` is equity without the position, (high, low) the maintenance of the others. A long's buffer rises with the
    price, so the first tier whose upper end is healthy holds the solution; a short's falls. Both tiers that meet at an
    end give the same price there.
    """
    last, k = s.tier_count[table] - 1, 0
    while k < last:  # at most TIERS_PER_MARKET
        end, rate = s.tier_lower[table, k + 1], s.tier_rate[table, k]
        owed_high = high + (end >> SPLIT_BITS) * rate - s.tier_high[table, k]
        owed_low = low + (end & SPLIT_MASK) * rate - s.tier_low[table, k]
        is_healthy = fixed + (end if size > 0 else -end) >= ceil_pair(owed_high, owed_low)
        if is_healthy == (size > 0):
            break
        k += 1
    return int(k)


@kernel
def read_markets(states: Any, first: int, last: int, quotes: Any) -> int:
    """The quotes of markets `first`..`last`, from row 0 on; returns how many."""
    s = states[0]
    for market in range(first, last + 1):
        _read_market(s, market, quotes, market - first)
    return last + 1 - first


@kernel
def _read_market(s: Any, market: int, quotes: Any, at: int) -> None:
    bids, asks = s.book_best[4 * market + BIDS], s.book_best[4 * market + ASKS]
    fresh = is_fresh(s, market) and s.market_oracle[market] > 0
    premium = premium_now(s, market) if fresh else 0
    quotes[at, 0] = s.market_status[market]
    quotes[at, 1] = s.market_price[market]
    quotes[at, 2] = s.market_oracle[market]
    quotes[at, 3] = s.market_last[market]
    quotes[at, 4] = s.market_open[market]
    quotes[at, 5] = s.order_price[s.level_first[bids]] if bids != 0 else 0
    quotes[at, 6] = s.order_price[s.level_first[asks]] if asks != 0 else 0
    quotes[at, 7] = impact_price(s, market, BIDS)
    quotes[at, 8] = impact_price(s, market, ASKS)
    quotes[at, 9] = premium
    quotes[at, 10] = predicted_rate(s, market, premium)
    quotes[at, 11] = 1 if fresh else 0


@kernel
def predicted_rate(s: Any, market: int, premium: int) -> int:
    """The hourly rate of this interval if it ended now: by its samples so far, without any by the present premium."""
    count = s.market_premium_count[market]
    if count != 0:
        whole = s.market_premium_sum[market] // count
        premium = half_even(whole, s.market_premium_sum[market] - whole * count, count)
    return int(rate_hour(s, market, premium))


@kernel
def read_setting(states: Any, account: int, market: int, setting: Any) -> int:
    """What an account may do in a market now: leverage, mode, raw cash of its bucket, greatest orders; returns 1.

    An order is judged by engine/placing.py as one that rests whole, on the side of buys and of sells.
    """
    s = states[0]
    own, leverage = find_isolated(s, account, market), leverage_of(s, account, market)
    bucket = bucket_for(s, account, market)
    setting[0, 0] = max(1, leverage)
    setting[0, 1] = 1 if own >= 0 or (bucket != account and is_isolated(s, account, market)) else 0
    setting[0, 2] = s.bucket_raw[own] + pending_funding(s, own) if own >= 0 else 0
    setting[0, 3] = s.market_price[market]
    cap = leverage_cap(s, market) if bucket == account else isolated_leverage_cap(s, market)
    setting[0, 4] = max(1, min(leverage, cap))
    setting[0, 5] = most_lots(s, account, market, 1, leverage)
    setting[0, 6] = most_lots(s, account, market, -1, leverage)
    return 1


@kernel
def most_lots(s: Any, account: int, market: int, side: int, leverage: int) -> int:
    """The greatest order of an account on a side that margin and caps allow, at the present mark."""
    bucket = bucket_for(s, account, market)
    if bucket < 0:
        bucket = next_isolated(s, account)
    if bucket < 0 or s.market_price[market] == 0 or s.tier_count[2 * market + LIVE] == 0:
        return 0
    if is_being_liquidated(s, bucket):
        return 0
    slot = find_slot(s, bucket, market)
    low, high = 0, min(s.market_listed_size[market], NOTIONAL_MAX // s.market_price_max[market])
    for _ in range(HALVINGS):
        if low == high:
            break
        middle = (low + high + 1) >> 1
        order = Order(account, bucket, market, side, 0, s.market_price[market], middle, 0, 0, 0, 0, slot, leverage)
        if cash_needed(s, order, 0, 0, 0, middle, 0) >= 0:
            low = middle
        else:
            high = middle - 1
    return int(low)


@kernel
def read_pool(states: Any, market: int, which: int, pool: Any) -> int:
    """What a pool is worth to who leaves it and to who joins it, in micro-USD, and its shares; returns its bucket."""
    s = states[0]
    bucket = pool_bucket(s, market, which)
    pool[0, 0], pool[0, 1] = worth(s, bucket, market)
    pool[0, 2] = shares_of(s, market, which)
    return bucket


@kernel
def read_book(states: Any, row: int, figures: int, mantissa: int, levels: Any) -> int:
    """A side of a book, best first, into rows of (price, lots, orders) until they are full; returns how many.

    With `figures` > 0 prices are joined at that many significant figures, in steps of `mantissa` of the last one: bids
    down, asks up. Without, each price is its own.
    """
    s = states[0]
    count, last, level = 0, -1, best_level(s, row)
    while level != 0:  # at most the levels of the book
        price = price_of(s, row >> 2, s.level_ordinal[level])
        if figures > 0:
            unit = unit_of(price, figures) * mantissa
            price = price // unit * unit if row & 3 == BIDS else (price + unit - 1) // unit * unit
        if price != last:
            if count == len(levels):
                break
            levels[count, 0], levels[count, 1], levels[count, 2] = price, 0, 0
            count, last = count + 1, price
        levels[count - 1, 1] += s.level_lots[level]
        order = s.level_first[level]
        while order != 0:  # at most the orders of the level
            levels[count - 1, 2] += 1
            order = s.order_after[order]
        level = next_level(s, level)
    return count


@kernel
def unit_of(price: int, figures: int) -> int:
    """The unit of the last of so many significant figures of a positive price; 1 when it has fewer."""
    unit = 1
    while price >= TEN[figures] * unit:  # at most 13 digits
        unit *= 10
    return unit


@warm_up
def compile_gather() -> None:
    """Compiles what reads an empty venue."""
    states = for_kernels(create_state(SMALL))
    rows = np.zeros((ROWS, max(HEAD, ROW, QUOTE, SETTING, POOL)), np.int64)
    read_buckets(states, 0, rows, rows)
    read_markets(states, 0, 0, rows)
    read_setting(states, 0, 0, rows)
    read_pool(states, 0, 0, rows)
    read_book(states, 0, 5, 1, rows)
