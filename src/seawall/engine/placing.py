"""Placing an order for an account that is already authorised (kernels): every check in one order, then the changes.

The checks, first to last: market, price grid and size, price band, stale price, status and breaker, client id, a bucket
being liquidated, reduce-only, would cross, caps, margin, room, liquidity. Users' orders, triggered stops and slices of
a TWAP all come through `execute`; `submit` also replaces an order (engine/orders.py `modify`).

A taker is accepted for what `plan` says it will get and leave in the book. When a maker on the way then may not fill,
each fill still is checked by itself, and what is left over is cancelled: it never rests across the book. What an
isolated bucket was fed for lots that it then did not get goes back to cross; when nothing filled and nothing rests, no
advance has changed either.
"""

from typing import Any, Final, NamedTuple

from seawall.book.amm import amm_lots_to
from seawall.book.grid import ordinal_of
from seawall.book.levels import has_level_room
from seawall.book.matching import growth, maker_row, match, measure_fill, open_pool, plan
from seawall.book.orders import (
    book_row,
    drop_order,
    find_client,
    first_order,
    has_order_room,
    is_resting,
    lift,
    new_order,
    renew,
    rest_at,
)
from seawall.book.waiting import fill_parent
from seawall.engine.breaker import is_post_only, isolated_leverage_cap, leverage_cap
from seawall.kernel import kernel
from seawall.ledger.buckets import cash_fits, close_empty_slot, find_slot, has_slot_room, open_slot
from seawall.ledger.events import emit
from seawall.ledger.health import EQUITY_INITIAL, INITIAL, accepts, measure_after
from seawall.ledger.isolated import (
    bucket_for,
    find_isolated,
    isolated_room,
    leverage_of,
    move_to_cross,
    next_isolated,
    prepare_isolated,
    release_isolated,
)
from seawall.ledger.leaving import advances_of, restore_advances, spare
from seawall.ledger.markets import is_fresh
from seawall.ledger.state import RESULT, VENUE_STATUS
from seawall.terms import code, command, event, parameter
from seawall.terms.limits import ORDERS_PER_BUCKET
from seawall.wide import rate_down

NOT_MADE: Final = -1  # the isolated bucket that `prepare_isolated` will make


class Order(NamedTuple):
    """An order on its way in."""

    account: int
    bucket: int  # the account's cross bucket, its isolated one, or the row where one will be made
    market: int
    side: int  # 1 buys, -1 sells
    flags: int
    price: int
    size: int
    ordinal: int  # of the price
    client_high: int
    client_low: int
    replaced: int  # an order of the same bucket, market and side that goes when this one is accepted; 0: none
    slot: int  # the bucket's slot of the market; 0: none yet
    leverage: int  # of the slot, or that a new one will have


@kernel
def execute(
    s: Any, bucket: int, market: int, flags: int, price: int, size: int, client_high: int, client_low: int
) -> int:
    """Places an order of `size` lots at `price`, its worst price when it takes, for a bucket that exists.

    cell[RESULT] is its id when something of it rests. Any code but OK has changed nothing.
    """
    account = int(s.bucket_owner[bucket])
    return int(submit(s, account, bucket, market, flags, price, size, client_high, client_low, 0))


@kernel
def execute_for(
    s: Any, account: int, market: int, flags: int, price: int, size: int, client_high: int, client_low: int
) -> int:
    """`execute` for the bucket that the account's orders of this market go to, which is made when it is isolated."""
    bucket = bucket_for(s, account, market)
    return int(submit(s, account, bucket, market, flags, price, size, client_high, client_low, 0))


@kernel
def submit(
    s: Any,
    account: int,
    bucket: int,
    market: int,
    flags: int,
    price: int,
    size: int,
    client_high: int,
    client_low: int,
    replaced: int,
) -> int:
    """`execute` for a bucket, or NOT_MADE, in the place of an order of the same bucket, market and side (0: of none).

    That order is cancelled when, and only when, the new one is accepted.
    """
    why = admits(s, market, flags, price, size)
    if why != code.OK:
        return int(why)
    if find_client(s, account, client_high, client_low) not in (0, replaced):
        return code.DUPLICATE_CLIENT_ID
    side, slot = -1 if flags & command.SELL else 1, 0 if bucket == NOT_MADE else find_slot(s, bucket, market)
    if flags & command.REDUCE_ONLY:
        held = -side * s.slot_size[slot]
        if held <= 0:
            return code.REDUCE_ONLY
        size = min(size, held)
    elif bucket != NOT_MADE and s.bucket_liquidating[bucket] != 0:
        return code.BEING_LIQUIDATED
    is_met = crosses(s, bucket, market, side, price)
    if is_met and flags & command.POST_ONLY:
        return code.WOULD_CROSS
    if bucket == NOT_MADE:
        bucket = next_isolated(s, account)
        if bucket < 0:
            return code.BUCKETS_FULL
    if not is_met and flags & command.IOC:
        return code.NO_LIQUIDITY
    ordinal = ordinal_of(s, market, price)
    leverage = int(s.slot_leverage[slot]) if slot != 0 else leverage_of(s, account, market)
    o = Order(
        account, bucket, market, side, flags, price, size, ordinal, client_high, client_low, replaced, slot, leverage
    )
    return int(_cross(s, o)) if is_met else int(_add(s, o))


@kernel
def admits(s: Any, market: int, flags: int, price: int, size: int) -> int:
    """OK when the market takes an order with these flags, price and size now."""
    status = s.market_status[market]
    if status == command.UNLISTED:
        return code.UNKNOWN_MARKET
    if status >= command.CLOSED:
        return code.MARKET_CLOSED
    if price > s.market_price_max[market] or ordinal_of(s, market, price) < 0:
        return code.BAD_PRICE
    if size < 1 or size > s.market_listed_size[market]:
        return code.BAD_SIZE
    if flags & command.REDUCE_ONLY == 0:
        oracle = s.market_oracle[market]
        if oracle != 0 and abs(price - oracle) > rate_down(oracle, s.param[market, parameter.PRICE_BAND]):
            return code.PRICE_BAND
        if not is_fresh(s, market):
            return code.STALE_PRICE
    return int(open_to(s, market, flags))


@kernel
def open_to(s: Any, market: int, flags: int) -> int:
    """OK when the statuses of the market and the venue and the market's breaker let in an order with these flags."""
    status, venue = s.market_status[market], s.cell[VENUE_STATUS]
    breaker = s.param[market, parameter.BREAKER]
    if status == command.ACTIVE and venue == command.ACTIVE and breaker == parameter.NORMAL:
        return code.OK
    if venue == command.HALTED:
        return code.VENUE_HALTED
    if status == command.HALTED:
        return code.MARKET_CLOSED
    if command.CANCELLING in (status, venue):
        return code.CANCEL_ONLY
    if flags & command.POST_ONLY == 0 and (venue == command.POSTING or is_post_only(s, market)):
        return code.POST_ONLY
    is_reducing = command.REDUCING in (status, venue) or breaker == parameter.HARD
    return code.MARKET_REDUCE_ONLY if is_reducing and flags & command.REDUCE_ONLY == 0 else code.OK


@kernel
def crosses(s: Any, bucket: int, market: int, side: int, price: int) -> bool:
    """Whether an order at this price would meet the book or the pool."""
    order = first_order(s, maker_row(market, side))
    if order != 0 and (s.order_price[order] - price) * side <= 0:
        return True
    pool = open_pool(s, bucket, market)
    return bool(pool >= 0 and amm_lots_to(s, market, side, price, s.slot_size[find_slot(s, pool, market)]) > 0)


@kernel
def _add(s: Any, o: Order) -> int:
    """An order that meets nothing: it rests whole."""
    need = 0
    if o.flags & command.REDUCE_ONLY == 0:
        need = cash_needed(s, o, 0, 0, 0, o.size, 0)
        if need < 0:
            return -need
    why = room_for(s, o, need, True)
    if why != code.OK:
        return int(why)
    _take_back(s, o)
    _fund(s, o, need)
    _rest(s, o, o.size)
    return code.OK


@kernel
def _cross(s: Any, o: Order) -> int:
    """An order that meets the book or the pool: what `plan` promises is checked, then executed."""
    rate = s.param[o.market, parameter.TAKER_FEE]
    lots, cost, fees, closing, stop = plan(s, o.bucket, o.account, o.market, o.side, o.size, o.price, o.flags, rate)
    if lots == 0 and stop == code.SELF_TRADE and o.flags & command.CANCEL_BOTH == 0:
        return code.SELF_TRADE
    if lots == 0 and stop == code.OK and o.flags & command.IOC:
        return code.NO_LIQUIDITY
    grown = growth(o.side * s.slot_size[o.slot], lots) - closing
    if grown > 0 and s.market_open[o.market] + grown > s.param[o.market, parameter.OPEN_INTEREST_CAP]:
        return code.OPEN_INTEREST_CAP
    does_rest = stop == code.OK and o.flags & command.IOC == 0 and lots < o.size
    need = cash_needed(s, o, lots, cost, fees, o.size - lots if does_rest else 0, grown)
    if need < 0:
        return -need
    why = room_for(s, o, need - o.side * cost - fees, does_rest)
    if why != code.OK:
        return int(why)
    _take_back(s, o)
    owner, fed = advances_of(s, o.account), advances_of(s, o.bucket)
    _fund(s, o, need)
    slot = _slot_for(s, o)
    target = lots if stop == code.FILLS_FULL and lots > 0 else o.size
    done, _, why = match(s, o.bucket, o.market, o.side, target, o.price, o.flags, rate, present_leverage(s, o))
    if done > 0 and s.order_child[o.replaced] != 0:
        fill_parent(s, o.replaced, done)
    if done < o.size:
        why = stop if why == code.OK else why
        why = _leave(s, o, o.size - done, why, lots == 0 and done == 0)
    if o.replaced != 0 and (done == o.size or why != code.OK):
        drop_order(s, o.replaced)
    close_empty_slot(s, slot)
    if release_isolated(s, o.bucket) == 0 and done < lots and need > 0:
        _give_back(s, o, need, done == 0 and why != code.OK)
    if need > 0 and done == 0 and why != code.OK:
        restore_advances(s, o.account, owner)
        restore_advances(s, o.bucket, fed)
    return code.OK


@kernel
def _take_back(s: Any, o: Order) -> None:
    """Takes the order that is replaced out of the book. Its row stays: what is attached to it waits for the new one."""
    if o.replaced != 0:
        identity, price, left = s.order_id[o.replaced], s.order_price[o.replaced], s.order_size[o.replaced]
        emit(s, event.CANCELLED, o.market, o.bucket, -1, identity, price, left, code.OK)
        lift(s, o.replaced)


@kernel
def _leave(s: Any, o: Order, left: int, why: int, is_unfilled: bool) -> int:
    """What a taker leaves rests: OK; or is cancelled, for the reason it returns.

    Its margin is checked anew, and an isolated bucket fed, unless it neither filled nor was to: fills may be other
    than planned, and each that reduces rounds the entry, which weighted profit is counted from.
    """
    if why == code.OK and o.flags & command.IOC:
        why = code.NO_LIQUIDITY
    if why == code.OK and not is_unfilled and o.flags & command.REDUCE_ONLY == 0:
        need = cash_needed(s, o, 0, 0, 0, left, 0)
        if need < 0:
            why = -need
        else:
            _fund(s, o, need)
    if why == code.OK:
        _rest(s, o, left)
    else:
        emit(s, event.CANCELLED, o.market, o.bucket, -1, 0, o.price, left, why)
    return int(why)


@kernel
def cash_needed(s: Any, o: Order, lots: int, cost: int, fees: int, left: int, grown: int) -> int:
    """Cash that an isolated bucket must get from cross for an order that takes `lots` and rests `left`; else 0.

    `grown` is what the lots add to open interest, at which margin is then due. Or the negative of a code: POSITION_CAP,
    INITIAL_MARGIN. A cross bucket, or one whose risk the order does not add to, needs none.
    """
    is_reducing, freed = o.flags & command.REDUCE_ONLY != 0, reserved_by(s, o.replaced)
    if not is_reducing and is_over_position_cap(s, o, lots + left - freed):
        return -code.POSITION_CAP
    added = -freed if is_reducing else left - freed
    bids, asks = (added, 0) if o.side > 0 else (0, added)
    leverage = present_leverage(s, o)
    after = measure_fill(s, o.bucket, o.market, o.side * lots, o.side * cost, fees, bids, asks, leverage, grown)
    if after[EQUITY_INITIAL] >= after[INITIAL]:
        return 0
    before = measure_after(s, o.bucket, o.market, 0, 0, 0, 0, 0, leverage)  # a cap on leverage is no risk added here
    if accepts(before, after):
        return 0
    if o.bucket == o.account:
        return -code.INITIAL_MARGIN
    need = int(after[INITIAL] - after[EQUITY_INITIAL])
    room = isolated_room(s, o.account, o.market, need)
    return need if room == code.OK else -room


@kernel
def is_over_position_cap(s: Any, o: Order, added: int) -> bool:
    """Whether linked accounts would together hold more than the cap on the order's side, all that rests there filled.

    `added` is what the order adds to its bucket on that side. One that adds nothing passes even above the cap.
    """
    slot = find_slot(s, o.bucket, o.market)
    resting = s.slot_bids[slot] if o.side > 0 else s.slot_asks[slot]
    held = o.side * s.slot_size[slot] + resting
    grown = growth(held, added)
    if grown <= 0:
        return False
    cap = min(s.param[o.market, parameter.POSITION_CAP], s.market_listed_size[o.market])
    total = max(0, held) if is_alone(s, o.account) else held_by_linked(s, o.account, o.market, o.side)
    return bool(total + grown > cap)


@kernel
def is_alone(s: Any, account: int) -> bool:
    """Whether the account has no linked accounts and no isolated bucket: all it holds is in its cross bucket."""
    if s.account_master[account] != account or s.account_isolated[account] != 0:
        return False
    return bool(s.account_sub[account] == 0)


@kernel
def held_by_linked(s: Any, account: int, market: int, side: int) -> int:
    """Lots that all accounts of one master hold and have resting on a side, each bucket by itself, none netted."""
    master = s.account_master[account]
    total = _held_by(s, master, market, side)
    sub = s.account_sub[master] - 1
    while sub >= 0:  # at most SUBACCOUNTS
        total += _held_by(s, sub, market, side)
        sub = s.account_sub[sub] - 1
    return int(total)


@kernel
def _held_by(s: Any, account: int, market: int, side: int) -> int:
    total = _held_in(s, find_slot(s, account, market), side)
    bucket = find_isolated(s, account, market)
    return int(total if bucket < 0 else total + _held_in(s, find_slot(s, bucket, market), side))


@kernel
def _held_in(s: Any, slot: int, side: int) -> int:
    resting = s.slot_bids[slot] if side > 0 else s.slot_asks[slot]
    return int(max(0, side * s.slot_size[slot] + resting))


@kernel
def reserved_by(s: Any, order: int) -> int:
    """Lots for which an order reserves margin."""
    if order == 0 or s.order_flags[order] & command.REDUCE_ONLY or not is_resting(s, order):
        return 0
    return int(s.order_size[order])


@kernel
def present_leverage(s: Any, o: Order) -> int:
    """The leverage that new risk gets now: as chosen, within the live caps and the breaker's."""
    cap = leverage_cap(s, o.market) if o.bucket == o.account else isolated_leverage_cap(s, o.market)
    return int(min(o.leverage, cap))


@kernel
def room_for(s: Any, o: Order, cash: int, does_rest: bool) -> int:
    """OK when the tables hold the order and its position, and the bucket `cash` more."""
    if does_rest and o.replaced == 0 and not (has_order_room(s, o.bucket) and has_account_room(s, o.account)):
        return code.ORDERS_FULL
    if o.slot == 0 and not has_slot_room(s, o.bucket):
        return code.POSITIONS_FULL
    if does_rest and not has_level_room(s, book_row(o.market, o.flags), o.ordinal) and not _fills_level(s, o.replaced):
        return code.LEVELS_FULL
    return code.OK if cash_fits(s, o.bucket, cash) else code.CASH_BOUND


@kernel
def has_account_room(s: Any, account: int) -> bool:
    """Whether the account may have one more order: its buckets together hold what one CANCEL_ALL can cancel."""
    return bool(orders_of(s, account) < ORDERS_PER_BUCKET)


@kernel
def orders_of(s: Any, account: int) -> int:
    """Orders of an account, those of its isolated buckets included."""
    count, bucket = s.bucket_orders[account], s.account_isolated[account] - 1
    while bucket >= 0:  # at most ISOLATED_PER_ACCOUNT
        count, bucket = count + s.bucket_orders[bucket], s.bucket_next[bucket] - 1
    return int(count)


@kernel
def _fills_level(s: Any, order: int) -> bool:
    """Whether an order (0: none) is the only one of its level, which goes with it."""
    level = s.order_level[order]
    return bool(order != 0 and level != 0 and s.level_first[level] == order and s.level_last[level] == order)


@kernel
def _fund(s: Any, o: Order, need: int) -> None:
    """Makes and feeds the bucket of an order when it is isolated; `isolated_room` has allowed it."""
    if o.bucket != o.account:
        prepare_isolated(s, o.account, o.market, need)


@kernel
def _give_back(s: Any, o: Order, need: int, is_all: bool) -> None:
    """Returns what an isolated bucket was fed for lots that it did not get: all, or what the rest does not need."""
    amount = need if is_all else min(need, spare(s, o.bucket))
    if amount > 0:
        move_to_cross(s, o.bucket, amount)


@kernel
def _slot_for(s: Any, o: Order) -> int:
    """The bucket's slot of the market, opened at the leverage that its owner has set when there is none."""
    slot = find_slot(s, o.bucket, o.market)
    return slot if slot != 0 else open_slot(s, o.bucket, o.market, o.leverage)


@kernel
def _rest(s: Any, o: Order, size: int) -> None:
    """Puts the order into the book, in the row of the one it replaces, and tells it."""
    if o.flags & command.REDUCE_ONLY == 0:
        _slot_for(s, o)
    order = o.replaced
    if order == 0:
        order = new_order(s, o.bucket, o.market, o.flags, o.price, size, 0, 0, o.client_high, o.client_low)
    else:
        renew(s, order, o.flags, o.price, size, o.client_high, o.client_low)
    rest_at(s, order, book_row(o.market, o.flags), o.ordinal)
    s.cell[RESULT] = s.order_id[order]
    emit(s, event.RESTED, o.market, o.bucket, -1, s.order_id[order], o.price, size, 0)
