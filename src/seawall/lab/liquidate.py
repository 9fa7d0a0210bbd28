"""Finding and closing unhealthy buckets: SPEC section 9, stages 2 (partial close) and 4 (insurance), on columns.

Equity and maintenance are the integers of the margin core, to the unit. Nothing allocates inside the kernels but the
order in which unhealthy buckets are served: worst equity over maintenance first, ties by bucket.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np

from seawall.kernel import kernel, warm_up
from seawall.lab import columns
from seawall.lab.columns import Buckets, Quotes, Rules, Scene, Terms, Venue, tally
from seawall.lab.market_impact import capacity_usd, displaced_price, displacement_after, fill_price
from seawall.lab.watch import Watch, find_unhealthy, health_of, position_maintenance, share_up, summed
from seawall.lab.watch import watch as new_watch
from seawall.units import FUNDING_INDEX_PER_MICRO, RATE_ONE, USD_ONE
from seawall.wide import split_ceil_rate

INTERIOR_TRIES: Final = 16  # closing less than all that fits is tried at these sixteenths
WAVES_MAX: Final = 8  # rescans after our own fills moved the marks, at one point of a bar

RATIO_LEAST: Final = 0.05  # of equity / maintenance in a histogram
RATIO_STEP: Final = 1.01
RATIO_CELLS: Final = 1_000  # up to 1,000 times maintenance

HEALTHY: Final = columns.HEALTHY
CLOSED: Final = columns.CLOSED


class Forced(NamedTuple):
    """A position to be closed, as plain numbers: what is tried many times per order does not touch a column."""

    market: int
    side: int  # -1 sells a long, +1 buys back a short
    held: int  # lots
    room: int  # lots that fit the book and the gate, at most `held`
    mark: int
    perp: int
    price_max: int
    displacement: float
    depth_usd: float
    equity: int  # of the bucket
    other_high: int  # maintenance numerator of its other positions
    other_low: int


@kernel
def mark_at(perp: int, index: int, has_index: bool, rules: Rules) -> int:
    """Mark from the traded price: itself, the index, or clamped to index -+ band (the band's edges inward)."""
    if not has_index:
        return perp
    if rules.follows_index == 1:
        return index
    if rules.clamps == 0:
        return perp
    lowest = index - index * rules.band // RATE_ONE
    highest = index + index * rules.band // RATE_ONE
    return max(1, lowest, min(highest, perp))


@kernel
def room_lots(quotes: Quotes, rules: Rules, market: int, side: int, price: int) -> int:
    """Lots that a forced order can still fill, as far as the book reaches and the gate allows, at `price` a lot."""
    perp, displacement = quotes.perp[market], quotes.displacement[market]
    lowest, highest = -rules.reach, rules.reach
    if rules.gates == 1 and quotes.has_index[market]:
        lowest = max(lowest, quotes.index_price[market] * (1.0 - rules.gate) / perp - 1.0)
        highest = min(highest, quotes.index_price[market] * (1.0 + rules.gate) / perp - 1.0)
    usd = capacity_usd(displacement, quotes.depth_usd[market], side, lowest, highest)
    return int(min(usd * USD_ONE / price, 9e18))


@kernel
def set_mark(quotes: Quotes, terms: Terms, rules: Rules, market: int) -> None:
    """Makes mark and room of one market follow its displaced price; one that does not trade keeps its last mark."""
    quotes.room[market, :] = 0
    if quotes.live[market]:
        perp = displaced_price(quotes.perp[market], quotes.displacement[market], terms.price_max[market])
        quotes.mark[market] = mark_at(perp, quotes.index_price[market], quotes.has_index[market], rules)
        quotes.room[market, 0] = room_lots(quotes, rules, market, -1, perp)
        quotes.room[market, 1] = room_lots(quotes, rules, market, 1, perp)


@kernel
def forced_order(scene: Scene, bucket: int, row: int) -> Forced:
    """What closing one position of a bucket depends on, at the marks of now."""
    quotes, terms = scene.quotes, scene.terms
    size, market = scene.buckets.size[row], scene.buckets.market[row]
    equity, high, low = health_of(scene.buckets, terms, quotes.mark, bucket)
    own_high, own_low = position_maintenance(terms.table, market, abs(size) * quotes.mark[market])
    return Forced(
        market=market,
        side=-1 if size > 0 else 1,
        held=abs(size),
        room=min(abs(size), quotes.room[market, 0 if size > 0 else 1]),
        mark=quotes.mark[market],
        perp=quotes.perp[market],
        price_max=terms.price_max[market],
        displacement=quotes.displacement[market],
        depth_usd=quotes.depth_usd[market],
        equity=equity,
        other_high=high - own_high,
        other_low=low - own_low,
    )


@kernel
def fill_of(order: Forced, amount: int) -> tuple[int, float]:
    """(average price, displacement afterwards) of a forced order of `amount` lots."""
    usd = float(amount) * order.perp / USD_ONE
    after = displacement_after(order.displacement, usd, order.depth_usd, order.side)
    return fill_price(order.perp, order.displacement, after, order.side, order.price_max), after


@kernel
def fee_of(equity: int, notional: int, rate: int) -> int:
    """Liquidation fee, rounded up, never from what is not there."""
    return max(0, min(share_up(notional, rate), equity))


@kernel
def is_enough(order: Forced, table: Any, rules: Rules, amount: int) -> bool:
    """Whether closing `amount` lots brings equity to the liquidation end: equity - slippage - fee >= LE after."""
    price, _ = fill_of(order, amount)
    equity = order.equity + order.side * amount * (order.mark - price)
    equity -= fee_of(equity, amount * price, rules.fee)
    high, low = position_maintenance(table, order.market, (order.held - amount) * order.mark)
    needed = split_ceil_rate(order.other_high + high, order.other_low + low)
    return bool(equity >= needed + share_up(needed, rules.exit_buffer))


@kernel
def amount_to_close(order: Forced, table: Any, rules: Rules) -> int:
    """Least lots that end the liquidation, or all that fits when none do or the position is dust.

    What closing x lots gains is concave in x (maintenance is convex in notional, slippage in x), so the amounts that
    are enough form one interval: the greatest amount that fits is tried, then sixteenths of it, then bisection.
    """
    if order.held * order.mark <= rules.dust_usd:
        return order.room
    enough = 0
    for sixteenths in range(INTERIOR_TRIES, 0, -1):
        amount = max(1, order.room * sixteenths // INTERIOR_TRIES)
        if is_enough(order, table, rules, amount):
            enough = amount
            break
    if enough == 0:
        return order.room
    short = 0
    while enough - short > 1:  # at most 53 halvings
        middle = (enough + short) // 2
        if is_enough(order, table, rules, middle):
            enough = middle
        else:
            short = middle
    return order.room if (order.held - enough) * order.mark <= rules.dust_usd else enough


@kernel
def largest_open(scene: Scene, bucket: int) -> int:
    """Row of the position with the largest maintenance among those that can fill at least one lot; -1: none."""
    buckets, quotes, table = scene.buckets, scene.quotes, scene.terms.table
    best, best_needed = -1, -1
    for row in range(buckets.offsets[bucket], buckets.offsets[bucket + 1]):  # at most 64 positions
        size, market = buckets.size[row], buckets.market[row]
        if size == 0 or quotes.room[market, 0 if size > 0 else 1] < 1:
            continue
        high, low = position_maintenance(table, market, abs(size) * quotes.mark[market])
        needed = split_ceil_rate(high, low)
        if needed > best_needed:
            best, best_needed = row, needed
    return best


@kernel
def close_lots(scene: Scene, order: Forced, bucket: int, row: int, amount: int) -> None:
    """Fills a forced order against the book: the maker takes the other side, the fund takes the fee."""
    buckets, quotes, venue, tally = scene.buckets, scene.quotes, scene.venue, scene.tally
    side, market = order.side, order.market
    price, after = fill_of(order, amount)
    buckets.size[row] += side * amount
    buckets.raw_usd[bucket] -= side * amount * price
    venue.maker_size[market] -= side * amount
    venue.money[columns.MAKER_RAW] += side * amount * price
    which = 0 if side < 0 else 1
    venue.open_lots[market, which] -= amount
    quotes.displacement[market] = after
    set_mark(quotes, scene.terms, scene.rules, market)
    equity, _, _ = health_of(buckets, scene.terms, quotes.mark, bucket)
    fee = fee_of(equity, amount * price, scene.rules.fee)
    buckets.raw_usd[bucket] -= fee
    venue.money[columns.FUND] += fee
    venue.money[columns.FEES] += fee
    buckets.liquidated[bucket] += amount * price
    tally.counters[columns.FILLS] += 1
    tally.fills[market] += 1
    tally.notional[market, which] += amount * price
    if quotes.has_index[market]:
        tally.below_index[market, which] += side * amount * (price - quotes.index_price[market])


@kernel
def settle_closed(scene: Scene, bucket: int, market: int) -> None:
    """A bucket without positions: insurance pays a deficit as far as it goes, the rest is bad debt; what an isolated
    bucket keeps returns to its owner's cross cash."""
    buckets, money, tally = scene.buckets, scene.venue.money, scene.tally
    left = buckets.raw_usd[bucket]
    buckets.status[bucket] = CLOSED
    tally.counters[columns.CLOSED_OUT] += 1
    if left < 0:
        paid = min(-left, money[columns.FUND])
        money[columns.FUND] -= paid
        money[columns.INSURANCE_PAID] += paid
        money[columns.BAD_DEBT] += -left - paid
        tally.bad_debt[market] += -left - paid
        buckets.raw_usd[bucket] = 0
        return
    home = buckets.cross_of[bucket]
    if home != bucket:
        buckets.raw_usd[bucket] = 0
        buckets.raw_usd[home] += left


@kernel
def is_flat(buckets: Buckets, bucket: int) -> bool:
    """Whether no position is left."""
    return bool(np.all(buckets.size[buckets.offsets[bucket] : buckets.offsets[bucket + 1]] == 0))


@kernel
def serve(scene: Scene, bucket: int, bar: int) -> bool:
    """Liquidates one bucket at the marks of now until it is whole, flat or nothing fills; True if anything filled."""
    buckets, rules, counters = scene.buckets, scene.rules, scene.tally.counters
    filled = False
    for _ in range(buckets.offsets[bucket + 1] - buckets.offsets[bucket]):  # at most 64 positions
        row = largest_open(scene, bucket)
        if row < 0:
            break
        equity, high, low = health_of(buckets, scene.terms, scene.quotes.mark, bucket)
        needed = split_ceil_rate(high, low)
        if equity >= needed + share_up(needed, rules.exit_buffer):
            buckets.status[bucket] = HEALTHY
            break
        order = forced_order(scene, bucket, row)
        amount = amount_to_close(order, scene.terms.table, rules)
        if buckets.first_bar[bucket] < 0:
            buckets.first_bar[bucket] = bar
            counters[columns.BUCKETS] += 1
        close_lots(scene, order, bucket, row, amount)
        filled = True
        if is_flat(buckets, bucket):
            settle_closed(scene, bucket, order.market)
            break
    return filled


@kernel
def keep_fillable(watch: Watch, count: int, buckets: Buckets, quotes: Quotes) -> int:
    """Of the buckets found, keeps those with a position that can fill now; the others wait. Returns how many."""
    offsets, markets, sizes, room = buckets.offsets, buckets.market, buckets.size, quotes.room
    found, order = watch.found, watch.order
    kept = 0
    for place in range(count):
        bucket = found[place]
        for row in range(offsets[bucket], offsets[bucket + 1]):  # at most 64 positions
            size = sizes[row]
            if size != 0 and room[markets[row], 0 if size > 0 else 1] > 0:
                found[kept], order[kept] = bucket, order[place]
                kept += 1
                break
    return kept


@kernel
def liquidate_point(scene: Scene, watch: Watch, bar: int) -> None:
    """One point of a bar: marks, then waves of liquidations until nothing fills any more or WAVES_MAX.

    A wave serves the buckets that were unhealthy when it began; the next one sees the marks its fills have moved.
    """
    buckets, quotes = scene.buckets, scene.quotes
    for market in range(len(quotes.mark)):
        set_mark(quotes, scene.terms, scene.rules, market)
    for _ in range(WAVES_MAX):
        count = find_unhealthy(watch, buckets, scene.terms, quotes.mark, scene.rules.exit_buffer)
        count = keep_fillable(watch, count, buckets, quotes)
        if count == 0:
            return
        filled = False
        ranks = np.argsort(watch.order[:count], kind="mergesort")
        for place in range(count):
            if serve(scene, watch.found[ranks[place]], bar):
                filled = True
        if not filled:
            return
        scene.tally.counters[columns.WAVES] += 1


@kernel
def pay_funding(buckets: Buckets, venue: Venue, step: Any) -> None:
    """Every position pays floor(-size * step / 1e6); `step` in FundingIndex units a lot (SPEC section 7).

    The maker is a payer like the others; what the floors leave over is dust, kept apart, so the sum is 0.
    """
    paid = 0
    for bucket in range(len(buckets.raw_usd)):
        if buckets.status[bucket] == CLOSED:
            continue
        for row in range(buckets.offsets[bucket], buckets.offsets[bucket + 1]):  # at most 64 positions
            amount = funding_payment(buckets.size[row], step[buckets.market[row]])
            buckets.raw_usd[bucket] += amount
            paid += amount
    for market in range(len(step)):
        amount = funding_payment(venue.maker_size[market], step[market])
        venue.money[columns.MAKER_RAW] += amount
        paid += amount
    venue.money[columns.FUNDING_DUST] -= paid


@kernel
def funding_payment(size: int, step: int) -> int:
    """floor(-size * step / 1e6) with the product split at the divisor, so that it fits int64."""
    whole = step // FUNDING_INDEX_PER_MICRO
    rest = step - whole * FUNDING_INDEX_PER_MICRO
    return -size * whole + (-size * rest) // FUNDING_INDEX_PER_MICRO


@kernel
def net_sizes(buckets: Buckets, venue: Venue) -> Any:
    """[S] lots of the population and the maker together: zero in every market."""
    total = venue.maker_size.copy()
    for row in range(len(buckets.size)):
        total[buckets.market[row]] += buckets.size[row]
    return total


@kernel
def count_ratios(buckets: Buckets, terms: Terms, mark: Any, counts: Any) -> None:
    """Histogram of equity / maintenance over open buckets: cell k + 1 holds ratios from RATIO_LEAST x RATIO_STEP^k.

    Cell 0 holds what is below RATIO_LEAST, the last cell all that is above.
    """
    offsets, markets, sizes, raw_usd = buckets.offsets, buckets.market, buckets.size, buckets.raw_usd
    table, status = terms.table, buckets.status
    counts[:] = 0
    step = math.log(RATIO_STEP)
    for bucket in range(len(raw_usd)):
        if status[bucket] == CLOSED:
            continue
        net, high, low, _ = summed((offsets[bucket], offsets[bucket + 1]), markets, sizes, table, mark)
        needed = split_ceil_rate(high, low)
        if needed > 0:
            above = max((raw_usd[bucket] + net) / (needed * RATIO_LEAST), 1e-9)
            counts[max(0, min(len(counts) - 1, math.floor(math.log(above) / step) + 1))] += 1


@kernel
def open_deficit(buckets: Buckets, terms: Terms, mark: Any) -> tuple[int, int]:
    """(buckets with negative equity, what they lack together in micro-USD) at `mark`: losses not yet realised."""
    count, lacking = 0, 0
    for bucket in range(len(buckets.raw_usd)):
        equity, _, _ = health_of(buckets, terms, mark, bucket)
        if equity < 0:
            count += 1
            lacking -= equity
    return count, lacking


@warm_up
def prepare() -> None:
    """Compiles every kernel of a replay, or loads it: one long of 1,000 lots that lost its margin, in one market."""
    pair, one = np.zeros((1, 2), np.int64), np.ones(1, np.int64)
    buckets = Buckets(
        offsets=np.array([0, 1], np.int32),
        market=np.zeros(1, np.uint16),
        size=1_000 * one,
        raw_usd=-999_000 * one,
        cross_of=np.zeros(1, np.int32),
        status=np.zeros(1, np.int8),
        first_bar=np.full(1, -1, np.int32),
        liquidated=0 * one,
    )
    quotes = Quotes(
        perp=1_000 * one,
        index_price=1_000 * one,
        has_index=np.ones(1, np.bool_),
        live=np.ones(1, np.bool_),
        depth_usd=np.full(1, 1e6),
        mark=1_000 * one,
        displacement=np.zeros(1),
        room=pair.copy(),
    )
    terms = Terms(np.array([[[0, RATE_ONE // 20, 0, 0]]], np.int64), 2_000 * one)
    rules = Rules(0, 1, 1, RATE_ONE // 50, 0.03, 0.05, RATE_ONE // 50, RATE_ONE // 200, 0)
    venue = Venue(np.zeros(columns.VENUE_CELLS, np.int64), -1_000 * one, pair.copy())
    scene = Scene(buckets, quotes, terms, rules, venue, tally(1))
    pay_funding(buckets, venue, one)
    liquidate_point(scene, new_watch(1, 1), 0)
    net_sizes(buckets, venue)
    count_ratios(buckets, terms, quotes.mark, np.zeros(RATIO_CELLS, np.int64))
    open_deficit(buckets, terms, quotes.mark)
