"""Trigger orders (kernels): stops, take-profits and trailing stops, with a limit or at the market.

A stop fires when the mark crosses its trigger against its side, a take-profit in favour; a trailing stop follows the
mark. Attached, trailing and whole-position stops only ever reduce: REDUCE_ONLY is implied. What reduces lives as long
as the position it reduces (`sweep_closed`), or waits for the order it is attached to (book/waiting.py).

Firing: in a halt, with a stale price or while the market takes no takers, nothing fires and nothing is reached. Else
each new mark first moves what it reaches into the market's queue, then at most TRIGGERED_PER_COMMAND orders of the
queue are placed as new orders; the rest fire in later commands, in order, wherever the mark has gone. A gap fires a
stop at the first mark beyond it. At the market means IOC within STOP_SLIPPAGE of the mark.
"""

from typing import Any, Final

from seawall.book.grid import FALLS, RISES, grid_above, grid_below, ordinal_of
from seawall.book.levels import best_level, has_level_room, take_out
from seawall.book.matching import cancel_order
from seawall.book.orders import (
    TRIGGERED,
    drop_order,
    find_client,
    has_order_room,
    is_resting,
    is_waiting,
    new_order,
    order_by_id,
)
from seawall.book.trailing import unfollow
from seawall.book.waiting import (
    QUEUED,
    arm_order,
    attach,
    follow_mark,
    has_wait_room,
    pair,
    queue_order,
    queue_reached,
    queued_level,
)
from seawall.engine.placing import execute, execute_for, open_to, orders_of
from seawall.kernel import kernel
from seawall.ledger.buckets import find_slot
from seawall.ledger.events import emit
from seawall.ledger.isolated import bucket_for, release_isolated
from seawall.ledger.markets import is_fresh
from seawall.ledger.state import (
    CLOSED,
    CLOSED_HEAD,
    EVENTS_USED,
    RESULT,
    SEQUENCE,
    STOPS_EVENTS,
    STOPS_FIRED,
    STOPS_SEQUENCE,
)
from seawall.terms import code, command, event, parameter
from seawall.terms.limits import (
    EXECUTED_EVENTS,
    EXECUTION_EVENTS,
    ORDERS_PER_BUCKET,
    SWEPT_PER_COMMAND,
    TRAILING_PER_BUCKET,
    TRIGGERED_PER_COMMAND,
)
from seawall.wide import rate_down

NOBODY: Final = -1
FIXED: Final = TRIGGERED | command.SELL | command.REDUCE_ONLY | command.WHOLE_POSITION  # a modify keeps these
PLACED: Final = (  # flags of a trigger order that the order it becomes keeps
    command.SELL | command.REDUCE_ONLY | command.IOC | command.POST_ONLY | command.CANCEL_MAKER | command.CANCEL_BOTH
)


@kernel
def arm(s: Any, c: Any) -> int:
    """PLACE of a trigger order: it waits from now on, or, attached to order `other`, from when that fills."""
    flags = reducing_flags(c.flags, c.other)
    why = shape_fault(c, flags)
    if why == code.OK:
        why = terms_fault(s, c, flags)
    if why != code.OK:
        return int(why)
    if find_client(s, c.account, c.client_high, c.client_low) != 0:
        return code.DUPLICATE_CLIENT_ID
    parent = order_by_id(s, c.other)
    bucket = s.order_bucket[parent] if parent != 0 else home_of(s, c.account, c.market, flags)
    why = parent_fault(s, c, flags, parent) if c.other != 0 else alone_fault(s, c, flags, bucket)
    if why == code.OK:
        why = room_fault(s, c, flags, bucket)
    if why != code.OK:
        return int(why)
    size = 0 if flags & command.WHOLE_POSITION else c.size
    order = new_order(s, bucket, c.market, flags, c.price, size, c.trigger, c.extra, c.client_high, c.client_low)
    s.cell[RESULT] = s.order_id[order]
    if parent != 0:
        attach(s, order, parent)
        emit(s, event.ATTACHED, c.market, bucket, NOBODY, s.order_id[order], c.trigger, c.size, c.other)
        return code.OK
    _pair_whole(s, order)
    arm_order(s, order)
    return code.OK


@kernel
def rearm(s: Any, c: Any, order: int) -> int:
    """MODIFY of a trigger order of the account: other prices, sizes, distances; it keeps its id, kind and side.

    It waits anew behind the others at its trigger. One that the mark has reached already can not be changed.
    """
    old = s.order_flags[order]
    flags = reducing_flags(c.flags, s.order_parent[order]) | (old & command.REDUCE_ONLY)
    why = shape_fault(c, flags)
    if why == code.OK and ((flags ^ old) & FIXED or not is_same_client(s, c, order)):
        why = code.BAD_FIELD
    if why == code.OK:
        why = terms_fault(s, c, flags)
    if why != code.OK:
        return int(why)
    is_armed, level = is_waiting(s, order), s.order_level[order]
    if level != 0 and (level == queued_level(s, c.market) or is_beyond(s, c, flags)):
        return code.MARK_BEYOND_TRIGGER
    is_alone = s.level_first[level] == order and s.level_last[level] == order
    if level != 0 and not is_alone and not has_wait_room(s, c.market, flags, c.trigger):
        return code.LEVELS_FULL
    if level != 0:
        take_out(s, order)
    elif is_armed:
        unfollow(s, order)
    _rewrite(s, c, order, flags, is_armed)
    if is_armed:
        arm_order(s, order)
    s.cell[RESULT] = s.order_id[order]
    return code.OK


@kernel
def _rewrite(s: Any, c: Any, order: int, flags: int, is_armed: bool) -> None:
    """The new terms. Of an attached order, what its parent has filled stays armed, up to the new size."""
    size = 0 if flags & command.WHOLE_POSITION else c.size
    if s.order_parent[order] == 0:
        s.order_size[order] = size
    else:
        s.order_size[order] = min(s.order_size[order], size) if is_armed else 0
        s.order_waiting[order] = size - s.order_size[order]
    s.order_flags[order] = flags
    s.order_price[order] = c.price
    s.order_trigger[order] = c.trigger
    s.order_extra[order] = c.extra


@kernel
def is_same_client(s: Any, c: Any, order: int) -> bool:
    """Whether the command names the order's client id, or none."""
    if c.client_high == 0 and c.client_low == 0:
        return True
    return bool(c.client_high == s.order_client_high[order] and c.client_low == s.order_client_low[order])


@kernel
def reducing_flags(flags: int, parent: int) -> int:
    """The flags, with REDUCE_ONLY where it is implied."""
    if parent != 0 or flags & (command.WHOLE_POSITION | command.TRAILING):
        return flags | command.REDUCE_ONLY
    return flags


@kernel
def shape_fault(c: Any, flags: int) -> int:
    """OK when the fields make sense together. A whole position has no size; a trailing stop no trigger and no limit."""
    kind, both = flags & TRIGGERED, command.CANCEL_MAKER | command.CANCEL_BOTH
    if kind & command.TAKE_PROFIT and kind != command.TAKE_PROFIT:
        return code.BAD_FIELD
    if flags & both == both or (flags & command.POST_ONLY and (flags & command.IOC or c.price == 0)):
        return code.BAD_FIELD
    if kind & command.TRAILING and c.trigger != 0:
        return code.BAD_FIELD
    if kind & command.TRAILING and c.price != 0:
        return code.BAD_PRICE
    if kind & command.TRAILING == 0 and c.extra != 0:
        return code.BAD_FIELD
    return code.OK


@kernel
def terms_fault(s: Any, c: Any, flags: int) -> int:
    """OK when the market takes the prices and the size, and orders like this one, now."""
    status = s.market_status[c.market]
    if status == command.UNLISTED:
        return code.UNKNOWN_MARKET
    if status >= command.CLOSED:
        return code.MARKET_CLOSED
    if c.price != 0 and not is_price(s, c.market, c.price):
        return code.BAD_PRICE
    if flags & command.TRAILING:
        if not is_distance(s, c, flags):
            return code.BAD_PRICE
    elif not is_price(s, c.market, c.trigger):
        return code.BAD_PRICE
    if flags & command.WHOLE_POSITION == 0 and not 1 <= c.size <= s.market_listed_size[c.market]:
        return code.BAD_SIZE
    if s.market_price[c.market] == 0:
        return code.STALE_PRICE
    return int(open_to(s, c.market, flags | command.POST_ONLY))


@kernel
def is_price(s: Any, market: int, price: int) -> bool:
    """Whether a price is on the market's grid and within its bound."""
    return bool(price <= s.market_price_max[market] and ordinal_of(s, market, price) > 0)


@kernel
def is_distance(s: Any, c: Any, flags: int) -> bool:
    """Whether a trailing stop at the distance `extra` would have a price as its trigger now."""
    mark, reach = s.market_price[c.market], c.extra
    if reach < 1:
        return False
    return bool(reach < mark if flags & command.SELL else mark + reach <= s.market_price_max[c.market])


@kernel
def home_of(s: Any, account: int, market: int, flags: int) -> int:
    """The bucket a trigger order waits in: that of the position it reduces, else cross, for it reserves nothing."""
    bucket = bucket_for(s, account, market) if flags & command.REDUCE_ONLY else account
    return int(bucket if bucket >= 0 else account)


@kernel
def parent_fault(s: Any, c: Any, flags: int, parent: int) -> int:
    """OK when the order may be attached: to a resting order of the account that it would reduce, one of each kind."""
    if parent == 0 or s.order_market[parent] != c.market or s.bucket_owner[s.order_bucket[parent]] != c.account:
        return code.UNKNOWN_ORDER
    if not is_resting(s, parent) or s.order_flags[parent] & command.REDUCE_ONLY:
        return code.UNKNOWN_ORDER
    if (flags ^ s.order_flags[parent]) & command.SELL == 0:
        return code.REDUCE_ONLY
    sibling = s.order_child[parent]
    if sibling != 0 and (s.order_twin[sibling] != 0 or (flags ^ s.order_flags[sibling]) & command.TAKE_PROFIT == 0):
        return code.HAS_POSITION
    return code.OK


@kernel
def alone_fault(s: Any, c: Any, flags: int, bucket: int) -> int:
    """OK when an order that is attached to none may wait: what reduces has a position, and the mark is on this side."""
    if flags & command.REDUCE_ONLY:
        held = s.slot_size[find_slot(s, bucket, c.market)]
        if (-held if flags & command.SELL else held) >= 0:
            return code.REDUCE_ONLY
    elif s.bucket_liquidating[bucket] != 0:
        return code.BEING_LIQUIDATED
    return code.MARK_BEYOND_TRIGGER if is_beyond(s, c, flags) else code.OK


@kernel
def is_beyond(s: Any, c: Any, flags: int) -> bool:
    """Whether the mark has reached the trigger already."""
    if flags & command.TRAILING:
        return False
    mark, rises = s.market_price[c.market], (flags & command.SELL != 0) == (flags & command.TAKE_PROFIT != 0)
    return bool(mark >= c.trigger if rises else mark <= c.trigger)


@kernel
def room_fault(s: Any, c: Any, flags: int, bucket: int) -> int:
    """OK when the tables hold one more."""
    if not has_order_room(s, bucket) or orders_of(s, c.account) >= ORDERS_PER_BUCKET:
        return code.ORDERS_FULL
    if flags & command.TRAILING and count_trailing(s, bucket) >= TRAILING_PER_BUCKET:
        return code.ORDERS_FULL
    if c.other == 0 and not has_wait_room(s, c.market, flags, c.trigger):
        return code.ORDERS_FULL if flags & command.TRAILING else code.LEVELS_FULL
    return code.OK


@kernel
def count_trailing(s: Any, bucket: int) -> int:
    """Trailing stops of a bucket, in all its markets."""
    count, order = 0, s.bucket_order[bucket]
    while order != 0:  # at most ORDERS_PER_BUCKET
        count += 1 if s.order_flags[order] & command.TRAILING else 0
        order = s.order_next[order]
    return count


@kernel
def _pair_whole(s: Any, order: int) -> None:
    """A whole-position order and one of the other kind on the same position become twins."""
    flags, market = s.order_flags[order], s.order_market[order]
    if flags & command.WHOLE_POSITION == 0:
        return
    other = s.order_next[order]
    while other != 0:  # at most ORDERS_PER_BUCKET
        kind = s.order_flags[other]
        is_free = s.order_twin[other] == 0 and s.order_parent[other] == 0 and s.order_market[other] == market
        if is_free and kind & command.WHOLE_POSITION and (kind ^ flags) & command.TAKE_PROFIT:
            pair(s, order, other)
            return
        other = s.order_next[other]


@kernel
def fire_stops(s: Any, market: int) -> None:
    """Fires what the mark reaches and what it reached before, as far as one command may. After every new mark."""
    row = 4 * market
    if s.trail_count[market] == 0 and best_level(s, row + RISES) == 0 and best_level(s, row + FALLS) == 0:
        return
    awake = may_fire(s, market)
    follow_mark(s, market, awake)
    if not awake:
        return
    queue_reached(s, market)
    result = s.cell[RESULT]
    while may_execute(s, TRIGGERED_PER_COMMAND):  # at most TRIGGERED_PER_COMMAND
        level = queued_level(s, market)
        if level == 0:
            break
        first = s.cell[EVENTS_USED]
        _fire(s, s.level_first[level])
        count_executed(s, first)
    s.cell[RESULT] = result


@kernel
def may_fire(s: Any, market: int) -> bool:
    """Whether the market has a fresh price and takes takers, if only those that reduce."""
    status = s.market_status[market]
    if status == command.UNLISTED or status >= command.CLOSED or not is_fresh(s, market):
        return False
    return bool(open_to(s, market, command.REDUCE_ONLY) == code.OK)


@kernel
def may_execute(s: Any, most: int) -> bool:
    """Whether the present command has executed fewer than `most` stops and slices and may write the events of one."""
    if s.cell[STOPS_SEQUENCE] != s.cell[SEQUENCE]:
        s.cell[STOPS_SEQUENCE], s.cell[STOPS_FIRED], s.cell[STOPS_EVENTS] = s.cell[SEQUENCE], 0, 0
    within = s.cell[STOPS_EVENTS] + EXECUTION_EVENTS <= EXECUTED_EVENTS
    return bool(within and s.cell[STOPS_FIRED] < most)


@kernel
def count_executed(s: Any, first: int) -> None:
    """Counts an execution of the present command whose events begin at row `first`."""
    s.cell[STOPS_FIRED] += 1
    s.cell[STOPS_EVENTS] += s.cell[EVENTS_USED] - first


@kernel
def _fire(s: Any, order: int) -> None:
    """The order is gone and a new one is placed for it. When that is refused, CANCELLED tells why.

    Once it is placed, its twin is cancelled. What the bound of one command cut off waits in the queue again.
    """
    market, bucket, flags = s.order_market[order], s.order_bucket[order], s.order_flags[order]
    identity, size, price = s.order_id[order], s.order_size[order], s.order_price[order]
    trigger, extra = s.order_trigger[order], s.order_extra[order]
    high, low, twin = s.order_client_high[order], s.order_client_low[order], s.order_id[s.order_twin[order]]
    emit(s, event.TRIGGERED, market, bucket, NOBODY, identity, s.market_price[market], size, 0)
    drop_order(s, order)
    if flags & command.WHOLE_POSITION:
        size = min(max(abs(s.slot_size[find_slot(s, bucket, market)]), 1), s.market_listed_size[market])
    limit = price if price != 0 else worst_price(s, market, flags, parameter.STOP_SLIPPAGE)
    how, first = placed_flags(flags, price), s.cell[EVENTS_USED]
    if flags & command.REDUCE_ONLY:
        why = execute(s, bucket, market, how, limit, size, high, low)
    else:
        why = execute_for(s, s.bucket_owner[bucket], market, how, limit, size, high, low)
    if why != code.OK:
        emit(s, event.CANCELLED, market, bucket, NOBODY, identity, limit, size, why)
    else:
        other = order_by_id(s, twin)
        if other != 0:
            cancel_order(s, other, code.TWIN_FIRED, NOBODY)
        left = cut_off(s, first)
        if left > 0 and has_level_room(s, 4 * market + RISES, QUEUED):
            left = 0 if flags & command.WHOLE_POSITION else left
            again = new_order(s, bucket, market, flags, price, left, trigger, extra, high, low)
            queue_order(s, again)
            emit(s, event.ARMED, market, bucket, NOBODY, s.order_id[again], trigger, left, extra)
    release_isolated(s, bucket)


@kernel
def placed_flags(flags: int, price: int) -> int:
    """Flags of the order that a trigger order becomes: at the market it is IOC; what reduces passes own orders."""
    how = flags & PLACED
    if price == 0:
        how |= command.IOC
    if how & command.REDUCE_ONLY and how & command.CANCEL_BOTH == 0:
        how |= command.CANCEL_MAKER
    return how


@kernel
def worst_price(s: Any, market: int, flags: int, slippage: int) -> int:
    """The price of the grid furthest from the mark within `slippage`, and for new risk within the market's band."""
    mark, oracle = s.market_price[market], s.market_oracle[market]
    away, band = rate_down(mark, slippage), rate_down(oracle, s.param[market, parameter.PRICE_BAND])
    may_band = flags & command.REDUCE_ONLY == 0 and oracle != 0
    if flags & command.SELL:
        least = max(mark - away, oracle - band) if may_band else mark - away
        return grid_above(s, market, max(least, 1))
    most = min(mark + away, oracle + band) if may_band else mark + away
    return grid_below(s, market, min(most, s.market_price_max[market]))


@kernel
def cut_off(s: Any, first: int) -> int:
    """Lots of a taker that the bound of one command cut off, as told by an event from row `first`; 0: none."""
    for row in range(s.cell[EVENTS_USED] - 1, first - 1, -1):  # at most EXECUTION_EVENTS
        if s.event[row, 1] == event.CANCELLED and s.event[row, 6] == 0 and s.event[row, 9] == code.FILLS_FULL:
            return int(s.event[row, 8])
    return 0


@kernel
def sweep_closed(s: Any) -> None:
    """Cancels the stops that reduced positions which are closed or turned; at most SWEPT_PER_COMMAND, then the rest.

    After each command that closed one. A stop of a parent that still rests stays: it is for what the parent fills.
    """
    left = SWEPT_PER_COMMAND
    while s.cell[CLOSED] != 0 and left > 0:
        head = s.cell[CLOSED_HEAD]
        bucket = s.closed[head]
        left = _sweep(s, bucket, left - 1)
        if left < 0:
            return
        s.cell[CLOSED_HEAD] = head + 1 if head + 1 < len(s.closed) else 0
        s.cell[CLOSED] -= 1
        s.bucket_closed[bucket] = 0


@kernel
def _sweep(s: Any, bucket: int, left: int) -> int:
    """How many more may be cancelled after this bucket; -1 when it is not done."""
    order = s.bucket_order[bucket]
    while order != 0:  # at most ORDERS_PER_BUCKET
        after = s.order_next[order]
        if is_without_position(s, order):
            if left == 0:
                return -1
            cancel_order(s, order, code.POSITION_CLOSED, NOBODY)
            left -= 1
        order = after
    return int(left)


@kernel
def is_without_position(s: Any, order: int) -> bool:
    """Whether a trigger order that only reduces has nothing to reduce and no parent that may still fill."""
    flags = s.order_flags[order]
    if flags & command.REDUCE_ONLY == 0 or flags & TRIGGERED == 0 or s.order_parent[order] != 0:
        return False
    held = s.slot_size[find_slot(s, s.order_bucket[order], s.order_market[order])]
    return bool((-held if flags & command.SELL else held) >= 0)
