"""Matching: a taker against the book and the pool, price first and time second (kernels).

Between two prices of the book the pool (book/amm.py) fills first, up to the next book price, then the orders there.
`plan` walks what a taker would meet and changes nothing; `match` executes. Both meet the same makers in the same
order, at most FILLS_PER_COMMAND of them. What a plan cannot know is met on the way: a maker that may not fill is
cancelled, and every fill is checked on its own, for the taker as for the maker.

A fill of n lots at price p moves n x p exactly; the taker's fee rounds up, so does a maker's, and a rebate rounds down
and never passes the taker's fee of that fill. The taker's slot is never freed here.
"""

from typing import Any, Final, NamedTuple

from seawall.book.amm import amm_lots_to, amm_price, is_quoting
from seawall.book.grid import ASKS, BIDS
from seawall.book.orders import drop_order, first_order, following, shrink
from seawall.book.waiting import fill_parent
from seawall.kernel import kernel
from seawall.ledger.buckets import (
    cash_fits,
    close_empty_slot,
    find_slot,
    has_slot_room,
    open_slot,
    settle_slot,
    trade,
)
from seawall.ledger.events import emit
from seawall.ledger.health import EQUITY_INITIAL, INITIAL, accepts, measure, measure_after
from seawall.ledger.isolated import release_isolated
from seawall.ledger.markets import AMM, pool_bucket
from seawall.ledger.state import FEES
from seawall.terms import code, command, event, parameter
from seawall.terms.limits import FILLS_PER_COMMAND
from seawall.wide import rate_down, rate_up

FORCED: Final = 1 << 20  # among a taker's flags: liquidation closes here, and no margin of the taker stops it
PASSES_OWN: Final = FORCED | command.CANCEL_MAKER  # own orders in the way are cancelled and matching goes on
Health = tuple[int, int, int, int, int, int, int]


class Taker(NamedTuple):
    """Who takes, and how."""

    slot: int
    bucket: int
    account: int  # -1: a pool
    market: int
    side: int  # 1 buys, -1 sells
    limit: int
    flags: int
    fee_rate: int
    leverage: int  # its position is measured with; 0: as it stands


@kernel
def quote(s: Any, bucket: int, market: int, side: int, size: int, limit: int, flags: int) -> tuple[int, int]:
    """(lots, cost) a taker would get, fees apart; nothing changes. `side` is 1 for a buy and -1 for a sell."""
    lots, cost, _, _, _ = plan(s, bucket, int(s.bucket_owner[bucket]), market, side, size, limit, flags, 0)
    return lots, cost


@kernel
def take(
    s: Any, bucket: int, market: int, side: int, size: int, limit: int, flags: int, fee_rate: int, order_id: int
) -> tuple[int, int]:
    """Executes a taker and returns (lots, cost). With FORCED only the limit and the liquidity bound it.

    The taker's slot exists. When it stops before its limit, CANCELLED tells what is left of `order_id` and why; with
    an id of 0 the caller tells.
    """
    lots, cost, why = match(s, bucket, market, side, size, limit, flags, fee_rate, 0)
    if why != code.OK and order_id != 0:
        emit(s, event.CANCELLED, market, bucket, -1, order_id, limit, size - lots, why)
    return lots, cost


@kernel
def plan(
    s: Any, bucket: int, account: int, market: int, side: int, size: int, limit: int, flags: int, fee_rate: int
) -> tuple[int, int, int, int, int]:
    """(lots, cost, fees, closing, why) of a taker of `account` (-1: a pool) if every maker may fill; nothing changes.

    `closing` are the lots by which makers reduce what they hold. `why` is OK when size, limit or liquidity ended it,
    SELF_TRADE at an order of its own that it may not pass, FILLS_FULL at the bound of one command.
    """
    lots, cost, fees, closing, met = 0, 0, 0, 0, 0
    order = first_order(s, maker_row(market, side))
    pool = open_pool(s, bucket, market)
    held = s.slot_size[find_slot(s, pool, market)] if pool >= 0 else 0
    for _ in range(FILLS_PER_COMMAND):
        if lots == size:
            return lots, cost, fees, closing, code.OK
        price = s.order_price[order]
        is_met = order != 0 and (price - limit) * side <= 0
        until = price if is_met else limit
        if pool >= 0 and until != met:
            met = until
            part = min(amm_lots_to(s, market, side, until, held), size - lots)
            if part > 0:
                price = amm_price(s, market, side, part, held)
                closing += min(part, max(0, side * held))
                held -= side * part
                lots, cost, fees = lots + part, cost + part * price, fees + rate_up(part * price, fee_rate)
                continue
        if not is_met:
            return lots, cost, fees, closing, code.OK
        part, why = offer(s, account, order, side)
        if why == code.SELF_TRADE and flags & PASSES_OWN == 0:
            return lots, cost, fees, closing, why
        part = min(part, size - lots)
        if part > 0:
            closing += min(part, max(0, side * s.slot_size[find_slot(s, s.order_bucket[order], market)]))
            lots, cost, fees = lots + part, cost + part * price, fees + rate_up(part * price, fee_rate)
        order = following(s, order)
    return lots, cost, fees, closing, code.OK if lots == size else code.FILLS_FULL


@kernel
def match(
    s: Any, bucket: int, market: int, side: int, size: int, limit: int, flags: int, fee_rate: int, leverage: int
) -> tuple[int, int, int]:
    """Executes a taker; returns (lots, cost, why), `why` as in `plan` or the check of the taker that failed.

    `leverage` (0: as it stands) is what the taker's position is measured with.
    """
    account, slot = int(s.bucket_owner[bucket]), find_slot(s, bucket, market)
    t = Taker(slot, bucket, account, market, side, limit, flags, fee_rate, leverage)
    lots, cost, met = 0, 0, 0
    row, pool = maker_row(market, side), open_pool(s, bucket, market)
    before = measure_after(s, bucket, market, 0, 0, 0, 0, 0, leverage)
    for _ in range(FILLS_PER_COMMAND):
        if lots == size:
            return lots, cost, code.OK
        order = first_order(s, row)
        price = s.order_price[order]
        is_met = order != 0 and (price - limit) * side <= 0
        until = price if is_met else limit
        if pool >= 0 and until != met:
            met = until
            part, paid, why = _meet_pool(s, t, pool, until, size - lots, before)
            lots, cost = lots + part, cost + paid
            if why == code.POOL_MARGIN:
                pool = -1
            elif why != code.OK:
                return lots, cost, why
            if part > 0:
                continue
        if not is_met:
            return lots, cost, code.OK
        part, why = _meet_order(s, t, order, size - lots, before)
        if why != code.OK:
            return lots, cost, why
        lots, cost = lots + part, cost + part * price
    return lots, cost, code.OK if lots == size else code.FILLS_FULL


@kernel
def maker_row(market: int, side: int) -> int:
    """The row of the book whose orders a taker on `side` meets."""
    return 4 * market + (ASKS if side > 0 else BIDS)


@kernel
def open_pool(s: Any, taker: int, market: int) -> int:
    """The bucket of the market's pool while it quotes to this taker; -1 otherwise."""
    if s.param[market, parameter.AMM_DEPTH] == 0:
        return -1
    pool = pool_bucket(s, market, AMM)
    return pool if pool != taker and is_quoting(s, market) else -1


@kernel
def offer(s: Any, account: int, order: int, side: int) -> tuple[int, int]:
    """(lots, OK) that an order offers to a taker of `account`, or 0 and why it is not to fill as far as can be seen."""
    maker = s.order_bucket[order]
    if s.bucket_liquidating[maker] != 0:
        return 0, code.BEING_LIQUIDATED
    if is_linked(s, account, s.bucket_owner[maker]):
        return 0, code.SELF_TRADE
    lots = int(s.order_size[order])
    if s.order_flags[order] & command.REDUCE_ONLY:
        lots = min(lots, max(0, side * s.slot_size[find_slot(s, maker, s.order_market[order])]))
        return lots, code.OK if lots > 0 else code.REDUCE_ONLY
    return lots, code.OK


@kernel
def is_linked(s: Any, one: int, other: int) -> bool:
    """Whether two accounts have one master. Pools have no account, -1, and are linked to nobody."""
    return bool(one >= 0 and other >= 0 and s.account_master[one] == s.account_master[other])


@kernel
def may_change(s: Any, bucket: int, after: Health) -> bool:
    """Whether a bucket may go from what it is now to `after` (SPEC section 4)."""
    if after[EQUITY_INITIAL] >= after[INITIAL]:
        return True
    return bool(accepts(measure(s, bucket), after))


@kernel
def fees_of(s: Any, market: int, notional: int, fee_rate: int) -> tuple[int, int]:
    """(taker's fee, maker's fee) of one fill in micro-USD; a negative one is a rebate out of the taker's fee."""
    taker, rate = rate_up(notional, fee_rate), s.param[market, parameter.MAKER_FEE]
    if rate >= 0:
        return taker, rate_up(notional, rate)
    return taker, -min(taker, rate_down(notional, -rate))


@kernel
def growth(held: int, lots: int) -> int:
    """By how much a side grows when `lots` more of it are added to `held`, which is negative on the other side."""
    return max(held + lots, 0) - max(held, 0)


@kernel
def interest_added(s: Any, slot: int, maker_slot: int, side: int, lots: int) -> int:
    """By how much a fill of `lots` between two slots raises open interest (negative: lowers it)."""
    return int(growth(side * s.slot_size[slot], lots) - min(lots, max(0, side * s.slot_size[maker_slot])))


@kernel
def measure_fill(
    s: Any, bucket: int, market: int, size: int, cost: int, fee: int, bids: int, asks: int, leverage: int, grown: int
) -> Health:
    """`measure_after` at the open interest that the fill leaves: what scales initial margin is part of the change."""
    s.market_open[market] += grown
    after = measure_after(s, bucket, market, size, cost, fee, bids, asks, leverage)
    s.market_open[market] -= grown
    return after


@kernel
def cancel_order(s: Any, order: int, why: int, pinned: int) -> None:
    """Drops an order, tells why, and gives back its slot and isolated bucket when empty, but nothing of `pinned`."""
    bucket, market = s.order_bucket[order], s.order_market[order]
    emit(s, event.CANCELLED, market, bucket, -1, s.order_id[order], s.order_price[order], s.order_size[order], why)
    drop_order(s, order)
    if bucket != pinned:
        slot = find_slot(s, bucket, market)
        if slot != 0:
            close_empty_slot(s, slot)
        release_isolated(s, bucket)


@kernel
def _meet_order(s: Any, t: Taker, order: int, left: int, before: Health) -> tuple[int, int]:
    """Fills against one order or cancels it: (lots, OK). Any other code stops the taker."""
    maker = s.order_bucket[order]
    lots, why = offer(s, t.account, order, t.side)
    if why == code.SELF_TRADE and t.flags & PASSES_OWN == 0:
        if t.flags & command.CANCEL_BOTH:
            cancel_order(s, order, why, t.bucket)
        return 0, why
    if why != code.OK:
        cancel_order(s, order, why, t.bucket)
        return 0, code.OK
    _drop_excess(s, order, s.order_size[order] - lots)
    lots, price, maker_slot = min(lots, left), s.order_price[order], find_slot(s, maker, t.market)
    fee, maker_fee = fees_of(s, t.market, lots * price, t.fee_rate)
    why = _maker_refusal(s, order, t.side, lots, maker_fee, interest_added(s, t.slot, maker_slot, t.side, lots))
    if why != code.OK:
        cancel_order(s, order, why, t.bucket)
        return 0, code.OK
    why = _taker_refusal(s, t, maker_slot, lots, price, fee, before)
    if why != code.OK:
        return 0, why
    _exchange(s, t, maker_slot, s.order_id[order], lots, price, fee, maker_fee)
    if s.order_child[order] != 0:
        fill_parent(s, order, lots)
    if lots == s.order_size[order]:
        drop_order(s, order)
    else:
        shrink(s, order, lots)
    close_empty_slot(s, maker_slot)
    release_isolated(s, maker)
    return lots, code.OK


@kernel
def _meet_pool(s: Any, t: Taker, pool: int, until: int, left: int, before: Health) -> tuple[int, int, int]:
    """Fills against the pool up to a price: (lots, cost, OK), POOL_MARGIN when it may not. Others stop the taker."""
    market, slot = t.market, find_slot(s, pool, t.market)
    held = s.slot_size[slot]
    lots = min(amm_lots_to(s, market, t.side, until, held), left)
    if lots <= 0:
        return 0, 0, code.OK
    if slot == 0:
        if not has_slot_room(s, pool):
            return 0, 0, code.POOL_MARGIN
        slot = open_slot(s, pool, market, s.base_leverage[market, 0])
    price = amm_price(s, market, t.side, lots, held)
    cost, fee = lots * price, rate_up(lots * price, t.fee_rate)
    after = measure_after(s, pool, market, -t.side * lots, -t.side * cost, 0, 0, 0, 0)
    why = code.POOL_MARGIN
    if cash_fits(s, pool, t.side * cost) and may_change(s, pool, after):
        why = _taker_refusal(s, t, slot, lots, price, fee, before)
    if why == code.OK:
        _exchange(s, t, slot, 0, lots, price, fee, 0)
    close_empty_slot(s, slot)
    return (lots, cost, why) if why == code.OK else (0, 0, why)


@kernel
def _drop_excess(s: Any, order: int, excess: int) -> None:
    """Takes off a reduce-only order what it could only fill by turning the position."""
    if excess > 0:
        market, bucket, identity = s.order_market[order], s.order_bucket[order], s.order_id[order]
        emit(s, event.CANCELLED, market, bucket, -1, identity, s.order_price[order], excess, code.REDUCE_ONLY)
        shrink(s, order, excess)


@kernel
def is_past_cap(s: Any, market: int, held: int, size: int) -> bool:
    """Whether a fill of signed `size` takes a maker past the listed size of the market: the bound of the arithmetic.

    What rested within it may pass it later: when what it would have netted has gone by reduce-only orders or ADL.
    """
    side = 1 if size > 0 else -1
    return bool(side * (held + size) > s.market_listed_size[market])


@kernel
def _maker_refusal(s: Any, order: int, side: int, lots: int, fee: int, grown: int) -> int:
    """Why a maker may not fill `lots` of its order, which raises open interest by `grown`; OK when it may."""
    bucket, market, size = s.order_bucket[order], s.order_market[order], -side * lots
    cost = size * s.order_price[order]
    freed = 0 if s.order_flags[order] & command.REDUCE_ONLY else lots
    bids, asks = (-freed, 0) if side < 0 else (0, -freed)
    if not cash_fits(s, bucket, -cost - fee):
        return code.CASH_BOUND
    if is_past_cap(s, market, s.slot_size[find_slot(s, bucket, market)], size):
        return code.POSITION_CAP
    after = measure_fill(s, bucket, market, size, cost, fee, bids, asks, 0, grown)
    return code.OK if may_change(s, bucket, after) else code.INITIAL_MARGIN


@kernel
def _taker_refusal(s: Any, t: Taker, maker_slot: int, lots: int, price: int, fee: int, before: Health) -> int:
    """Why a taker may not take these `lots`, given its health at that leverage before the command; OK when it may."""
    grown = interest_added(s, t.slot, maker_slot, t.side, lots)
    if grown > 0 and s.market_open[t.market] + grown > s.param[t.market, parameter.OPEN_INTEREST_CAP]:
        return code.OPEN_INTEREST_CAP
    if t.flags & FORCED:
        return code.OK
    size = t.side * lots
    after = measure_fill(s, t.bucket, t.market, size, size * price, fee, 0, 0, t.leverage, grown)
    if after[EQUITY_INITIAL] >= after[INITIAL] or accepts(before, after):
        return code.OK
    return code.INITIAL_MARGIN


@kernel
def _exchange(
    s: Any, t: Taker, maker_slot: int, identity: int, lots: int, price: int, fee: int, maker_fee: int
) -> None:
    """The fill itself, against the maker's order `identity` (0: the pool)."""
    market, maker, size = t.market, s.slot_owner[maker_slot], t.side * lots
    _settle(s, t.slot)
    _settle(s, maker_slot)
    trade(s, t.slot, size, price, fee)
    trade(s, maker_slot, -size, price, maker_fee)
    s.cell[FEES] += fee + maker_fee
    s.market_last[market] = price
    emit(s, event.FILL, market, t.bucket, maker, identity, price, size, fee)
    if maker_fee != 0:
        emit(s, event.MAKER_FEE, market, maker, t.bucket, identity, price, size, maker_fee)


@kernel
def _settle(s: Any, slot: int) -> None:
    """Settles the position that trades, and it alone: a command's events stay bounded by its fills."""
    paid = settle_slot(s, slot)
    if paid != 0:
        emit(s, event.FUNDING_PAID, s.slot_market[slot], s.slot_owner[slot], -1, 0, 0, s.slot_size[slot], paid)
