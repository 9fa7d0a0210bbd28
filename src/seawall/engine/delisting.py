"""Delisting: a market is settled at one price and goes, in bounded steps that TICK takes (kernels).

The price is the index, or what the admin gives within the mark's own band around it, so that nobody settles a market
far from where it trades (JELLY 2025). From that command on the market is DELISTING: it has this mark, no fresh price
and no trading, and liquidation leaves its positions alone. Then, stage by stage:

1. its orders are cancelled;
2. debts that the price has left are made good while those with profit still have it to share: insurance up to its claim
   cap, then all profit of the market pro rata, exactly as after a liquidation (liquidation/socialise.py);
3. longs are closed against shorts at the price, so that each step keeps lots and money equal;
4. orders again, should one have come in meanwhile; then the market is UNLISTED. Its pools and fund still pay out.
"""

from typing import Any, Final

from seawall.book.matching import cancel_order
from seawall.engine.parameters import forget_pending, set_static
from seawall.kernel import kernel
from seawall.ledger.buckets import close_empty_slot, settle_slot, trade
from seawall.ledger.events import emit
from seawall.ledger.isolated import release_isolated
from seawall.ledger.markets import is_fresh
from seawall.ledger.state import (
    DELIST_LONG,
    DELIST_ROW,
    DELIST_SHORT,
    DELIST_STAGE,
    DELISTING,
    EVENTS_USED,
    NOW,
    ORDERS_USED,
    SOCIAL_MARKET,
    VENUE_STATUS,
)
from seawall.liquidation.closing import closing
from seawall.liquidation.insurance import claimable, deficit_of, pay_claim
from seawall.liquidation.queue import leave
from seawall.liquidation.socialise import absorb, cover_deficit, is_flat, share_out
from seawall.liquidation.step import finish
from seawall.margin.certificate import FENCE, LIVE
from seawall.margin.trigger_kernels import collect_market
from seawall.margin.trigger_state import SLOTS_USED
from seawall.terms import code, command, event, parameter
from seawall.terms.limits import SETTLE_EVENTS, SETTLE_ROWS
from seawall.wide import rate_down

ORDERS: Final = 1
DEBTS: Final = 2
SHARING: Final = 3
PAIRS: Final = 4
LAST_ORDERS: Final = 5
ASKED_FOR_INDEX: Final = 0


@kernel
def delist(s: Any, c: Any) -> int:
    """DELIST by the admin: settles a market at `price` (0: its index) and removes it.

    One at a time (NOT_DUE). The index must be fresh (STALE_PRICE), or the price given within MARK_BAND of the last one
    (PRICE_BAND); without a position there is nothing to settle.
    """
    if c.price < 0:
        return code.BAD_PRICE
    if c.signer != command.ADMIN:
        return code.NOT_AUTHORISED
    if c.market < 0 or c.market >= len(s.market_price) or s.market_status[c.market] == command.UNLISTED:
        return code.UNKNOWN_MARKET
    if s.market_status[c.market] == command.DELISTING:
        return code.MARKET_CLOSED
    if s.cell[DELISTING] != 0:
        return code.NOT_DUE
    index = s.market_oracle[c.market]
    if c.price == ASKED_FOR_INDEX:
        if s.market_open[c.market] != 0 and not is_fresh(s, c.market):
            return code.STALE_PRICE
    else:
        band = rate_down(index, s.param[c.market, parameter.MARK_BAND])
        if abs(c.price - index) > band or c.price > s.market_price_max[c.market]:
            return code.PRICE_BAND
    _start(s, c.market, index if c.price == ASKED_FOR_INDEX else c.price)
    return code.OK


@kernel
def _start(s: Any, market: int, price: int) -> None:
    s.market_status[market] = command.DELISTING
    s.market_reopen[market] = 0
    s.market_settlement[market] = price
    s.market_fresh[market] = 0
    forget_pending(s, market)
    s.cell[DELISTING] = market + 1
    _begin(s, ORDERS)
    emit(s, event.STATUS, market, -1, -1, 0, price, 0, command.DELISTING)
    if s.market_price[market] != price:
        s.market_price[market] = price
        emit(s, event.MARK, market, -1, -1, 0, price, 0, 0)
        collect_market(s, market)


@kernel
def settle_delisting(s: Any) -> None:
    """TICK: one step of the market that is being settled, while the venue is not halted.

    A step looks at no more than SETTLE_ROWS rows and emits no more than about SETTLE_EVENTS events.
    """
    if s.cell[DELISTING] == 0 or s.cell[VENUE_STATUS] >= command.HALTED:
        return
    market, stage = s.cell[DELISTING] - 1, s.cell[DELIST_STAGE]
    most = s.cell[EVENTS_USED] + SETTLE_EVENTS
    if stage in (ORDERS, LAST_ORDERS):
        if _cancel_orders(s, market, most):
            if stage == ORDERS:
                _begin(s, DEBTS)
            else:
                _end(s, market)
    elif stage == DEBTS:
        if _cover_debts(s, market, most):
            _begin(s, SHARING)
    elif stage == SHARING:
        if s.market_short[market] == 0 and s.cell[SOCIAL_MARKET] != market + 1:
            _begin(s, PAIRS)
        else:
            share_out(s)
    elif _close_pairs(s, market, most):
        _begin(s, LAST_ORDERS)


@kernel
def _begin(s: Any, stage: int) -> None:
    s.cell[DELIST_STAGE] = stage
    s.cell[DELIST_ROW] = 1
    s.cell[DELIST_LONG] = 1
    s.cell[DELIST_SHORT] = 1


@kernel
def _cancel_orders(s: Any, market: int, most: int) -> bool:
    """Cancels the market's orders from the row reached on; whether the last row is behind."""
    row, looked = s.cell[DELIST_ROW], 0
    while row < s.cell[ORDERS_USED] and looked < SETTLE_ROWS and s.cell[EVENTS_USED] < most:  # at most SETTLE_ROWS
        if s.order_id[row] != 0 and s.order_market[row] == market:
            cancel_order(s, row, code.MARKET_CLOSED, -1)
        row, looked = row + 1, looked + 1
    s.cell[DELIST_ROW] = row
    return bool(row >= s.cell[ORDERS_USED])


@kernel
def _cover_debts(s: Any, market: int, most: int) -> bool:
    """Makes good the part of each bucket's debt that its position here shows; whether the last slot is behind."""
    slot, looked = s.cell[DELIST_ROW], 0
    while slot < s.count[SLOTS_USED] and looked < SETTLE_ROWS and s.cell[EVENTS_USED] < most:  # at most SETTLE_ROWS
        if s.slot_market[slot] == market and s.slot_size[slot] != 0 and s.slot_owner[slot] >= 0:
            _cover_debt(s, market, slot)
        slot, looked = slot + 1, looked + 1
    s.cell[DELIST_ROW] = slot
    return bool(slot >= s.count[SLOTS_USED])


@kernel
def _cover_debt(s: Any, market: int, slot: int) -> None:
    bucket = s.slot_owner[slot]
    _settle_funding(s, slot)
    c = closing(s, slot)
    debt = deficit_of(s, c, c.held)
    if debt > 0:
        paid = min(debt, claimable(s, market, slot))
        pay_claim(s, bucket, market, slot, paid)
        absorb(s, bucket, market, debt - paid)


@kernel
def _close_pairs(s: Any, market: int, most: int) -> bool:
    """Closes longs against shorts in the order of their slots; whether no position is left.

    A position that has moved to a slot already passed (cross to isolated) is found by going round once more.
    """
    looked = 0
    while s.market_open[market] != 0 and looked < SETTLE_ROWS and s.cell[EVENTS_USED] < most:  # at most SETTLE_ROWS
        long, short = s.cell[DELIST_LONG], s.cell[DELIST_SHORT]
        if long >= s.count[SLOTS_USED] or short >= s.count[SLOTS_USED]:
            _begin(s, PAIRS)
        elif not _is_open(s, market, long, 1):
            s.cell[DELIST_LONG] = long + 1
        elif not _is_open(s, market, short, -1):
            s.cell[DELIST_SHORT] = short + 1
        else:
            _close_pair(s, market, long, short)
        looked += 1
    return bool(s.market_open[market] == 0)


@kernel
def _is_open(s: Any, market: int, slot: int, side: int) -> bool:
    return bool(s.slot_market[slot] == market and s.slot_size[slot] * side > 0 and s.slot_owner[slot] >= 0)


@kernel
def _close_pair(s: Any, market: int, long: int, short: int) -> None:
    """Closes what the smaller of two positions has. Cash is not asked whether it fits: a settlement cannot refuse."""
    price = s.market_settlement[market]
    lots = min(s.slot_size[long], -s.slot_size[short])
    buyer, seller = s.slot_owner[short], s.slot_owner[long]
    _settle_funding(s, long)
    _settle_funding(s, short)
    trade(s, long, -lots, price, 0)
    trade(s, short, lots, price, 0)
    emit(s, event.SETTLED, market, seller, buyer, 0, price, lots, 0)
    _close_slot(s, market, long)
    _close_slot(s, market, short)


@kernel
def _settle_funding(s: Any, slot: int) -> None:
    paid = settle_slot(s, slot)
    if paid != 0:
        emit(s, event.FUNDING_PAID, s.slot_market[slot], s.slot_owner[slot], -1, 0, 0, s.slot_size[slot], paid)


@kernel
def _close_slot(s: Any, market: int, slot: int) -> None:
    """Frees a slot without a position and what hangs on it: a debt that is left, a liquidation, an isolated bucket."""
    if s.slot_size[slot] != 0:
        return
    bucket = s.slot_owner[slot]
    cover_deficit(s, bucket, market)
    close_empty_slot(s, slot)
    if is_flat(s, bucket) and s.bucket_class[bucket] != 0:
        if s.bucket_liquidating[bucket] != 0:
            finish(s, bucket)
        else:
            leave(s, bucket)
    release_isolated(s, bucket)


@kernel
def _end(s: Any, market: int) -> None:
    s.market_status[market] = command.UNLISTED
    s.market_status_time[market] = s.cell[NOW]
    s.tier_count[2 * market + LIVE] = 0
    s.tier_count[2 * market + FENCE] = 0
    set_static(s, market, parameter.INSURANCE_FLOOR, 0)  # what is left of the fund is no longer bound
    s.cell[DELISTING] = 0
    s.cell[DELIST_STAGE] = 0
    emit(s, event.STATUS, market, -1, -1, 0, s.market_settlement[market], 0, command.UNLISTED)
