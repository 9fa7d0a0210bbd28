"""Orders that wait for the mark (kernels): armed at once, or by what the order that they are attached to fills.

A waiting order stands in a row of stops at its trigger, or in the table of trailing stops. When the mark reaches it, it
moves to its market's queue of triggered orders: the level at ordinal QUEUED of the row that rises, which no price has.
So what the mark has reached fires even when it has left again before the order's turn came, in the order of reaching.
"""

from typing import Any, Final

from seawall.book.grid import FALLS, RISES, grid_above, grid_below, ordinal_of, price_of
from seawall.book.levels import append, best_level, has_level_room, next_level, open_level, take_out
from seawall.book.orders import drop_order, is_waiting, trigger_row, wait
from seawall.book.trailing import FROZEN, advance, follow, freeze, has_trail_room, is_reached, trigger_of, unfollow
from seawall.kernel import kernel
from seawall.ledger.buckets import find_slot
from seawall.ledger.events import emit, emit_health
from seawall.ledger.health import equity_and_maintenance_at
from seawall.terms import code, command, event

QUEUED: Final = 0  # an ordinal that no price has, and the best of a row that rises
NOBODY: Final = -1


@kernel
def has_wait_room(s: Any, market: int, flags: int, trigger: int) -> bool:
    """Whether `arm_order` would find a place for an order with these flags."""
    if flags & command.TRAILING:
        return has_trail_room(s, market)
    return has_level_room(s, trigger_row(market, flags), ordinal_of(s, market, trigger))


@kernel
def arm_order(s: Any, order: int) -> None:
    """Lets an order wait from now on, and tells. The caller has asked `has_wait_room`."""
    market, flags, bucket = s.order_market[order], s.order_flags[order], s.order_bucket[order]
    if flags & command.TRAILING:
        follow(s, order)
        s.order_trigger[order] = trigger_of(s, market, s.order_after[order] - 1)
    else:
        wait(s, order)
    trigger, identity, size = s.order_trigger[order], s.order_id[order], s.order_size[order]
    emit(s, event.ARMED, market, bucket, NOBODY, identity, trigger, size, s.order_extra[order])
    if is_past_liquidation(s, bucket, market, flags, trigger):
        equity, maintenance = equity_and_maintenance_at(s, bucket, market, trigger)
        row = emit(s, event.STOP_PAST_LIQUIDATION, market, bucket, NOBODY, identity, trigger, size, 0)
        emit_health(s, row, equity, maintenance)


@kernel
def is_past_liquidation(s: Any, bucket: int, market: int, flags: int, trigger: int) -> bool:
    """Whether a stop that reduces a position fires only where its bucket is liquidatable, all other marks the same."""
    side = -1 if flags & command.SELL else 1
    if flags & command.TAKE_PROFIT or side * s.slot_size[find_slot(s, bucket, market)] >= 0:
        return False
    equity, maintenance = equity_and_maintenance_at(s, bucket, market, max(trigger, 0))
    return equity < maintenance


@kernel
def attach(s: Any, order: int, parent: int) -> None:
    """Makes an unarmed order wait for `parent`, which has room for it: all its lots wait to be armed."""
    s.order_waiting[order], s.order_size[order] = s.order_size[order], 0
    s.order_parent[order] = parent
    sibling = s.order_child[parent]
    if sibling == 0:
        s.order_child[parent] = order
    else:
        pair(s, order, sibling)


@kernel
def pair(s: Any, one: int, other: int) -> None:
    """Makes two orders twins: the one that fires first cancels the other."""
    s.order_twin[one] = other
    s.order_twin[other] = one


@kernel
def fill_parent(s: Any, parent: int, lots: int) -> None:
    """`lots` of an order with attached stops have filled: that much of each is armed."""
    first = s.order_child[parent]
    second = s.order_twin[first]
    _arm_part(s, first, lots)
    if second != 0:
        _arm_part(s, second, lots)


@kernel
def _arm_part(s: Any, order: int, lots: int) -> None:
    part = min(lots, s.order_waiting[order])
    if is_waiting(s, order):
        s.order_size[order] += part
        s.order_waiting[order] -= part
        level = s.order_level[order]
        if level != 0:
            s.level_lots[level] += part
        return
    market, flags = s.order_market[order], s.order_flags[order]
    if has_wait_room(s, market, flags, s.order_trigger[order]):
        s.order_size[order] += part
        s.order_waiting[order] -= part
        arm_order(s, order)
        return
    size, why = s.order_waiting[order], code.ORDERS_FULL if flags & command.TRAILING else code.LEVELS_FULL
    emit(s, event.CANCELLED, market, s.order_bucket[order], NOBODY, s.order_id[order], 0, size, why)
    drop_order(s, order)


@kernel
def queued_level(s: Any, market: int) -> int:
    """The level of the market's triggered orders; 0 when there is none."""
    level = best_level(s, 4 * market + RISES)
    return level if level != 0 and s.level_ordinal[level] == QUEUED else 0


@kernel
def queue_order(s: Any, order: int) -> None:
    """Puts an order that is in no level behind all triggered ones. There is room for a level."""
    append(s, open_level(s, 4 * s.order_market[order] + RISES, QUEUED), order)


@kernel
def queue_reached(s: Any, market: int) -> None:
    """Moves all orders that the mark has reached to the queue: those that rise, lowest trigger first, then those that
    fall, highest first. Each order is moved once in its life: at most the orders of the market.
    """
    mark = s.market_price[market]
    level = _first_rising(s, market)
    while level != 0 and price_of(s, market, s.level_ordinal[level]) <= mark:
        _queue_level(s, level)
        level = _first_rising(s, market)
    level = best_level(s, 4 * market + FALLS)
    while level != 0 and price_of(s, market, s.level_ordinal[level]) >= mark:
        _queue_level(s, level)
        level = best_level(s, 4 * market + FALLS)


@kernel
def _first_rising(s: Any, market: int) -> int:
    queue = queued_level(s, market)
    return int(next_level(s, queue) if queue != 0 else best_level(s, 4 * market + RISES))


@kernel
def _queue_level(s: Any, level: int) -> None:
    """All orders of a level, in their order. The level is given up before the queue may need one."""
    first, last, order = 0, 0, s.level_first[level]
    while order != 0:  # at most the orders of the level
        after = s.order_after[order]
        take_out(s, order)
        if last == 0:
            first = order
        else:
            s.order_after[last] = order
        last, order = order, after
    while first != 0:  # the same again
        after = s.order_after[first]
        queue_order(s, first)
        first = after


@kernel
def follow_mark(s: Any, market: int, is_awake: bool) -> None:
    """Trailing stops follow the mark; while the market fires, those it has reached take their place among the stops."""
    if advance(s, market) == 0 or not is_awake:
        return
    for row in range(s.trail_count[market] - 1, -1, -1):  # at most TRAILING_PER_MARKET; a taken row gets the last one
        if is_reached(s, market, row):
            _reach(s, market, row)


@kernel
def _reach(s: Any, market: int, row: int) -> None:
    """A reached trailing stop waits at the price of the grid next to its trigger, where the mark has been.

    While the table of levels has no place for that it stays reached in its row, whatever the mark does.
    """
    order, trigger = s.trail_order[market, row], trigger_of(s, market, row)
    flags = s.order_flags[order]
    if s.trail_distance[market, row] == FROZEN:
        if has_level_room(s, 4 * market + RISES, QUEUED):
            unfollow(s, order)
            queue_order(s, order)
        return
    nearest = grid_above(s, market, trigger) if flags & command.SELL else grid_below(s, market, trigger)
    stops, ordinal = trigger_row(market, flags), ordinal_of(s, market, nearest)
    s.order_trigger[order] = trigger
    if ordinal > 0 and has_level_room(s, stops, ordinal):
        unfollow(s, order)
        append(s, open_level(s, stops, ordinal), order)
    else:
        freeze(s, market, row)
