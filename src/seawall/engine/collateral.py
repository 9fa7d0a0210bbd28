"""Collateral other than USD (kernels): it comes in, goes out, moves to isolated and is bought. SPEC sections 2, 9."""

from typing import Any

from seawall.engine.withdrawals import limit_left, new_withdrawal
from seawall.kernel import kernel
from seawall.ledger.buckets import cash_fits
from seawall.ledger.events import emit
from seawall.ledger.holdings import add_lots, find_holding, has_holding_room, lots_of
from seawall.ledger.isolated import find_isolated
from seawall.ledger.leaving import exit_fault, has_stale_price, is_being_liquidated, leave, margin_room
from seawall.ledger.state import (
    AMM_POOL,
    DAY_OUT,
    DEPOSIT_SERIAL,
    GATE_UNTIL,
    HOUR_OUT,
    NOW,
    RESULT,
    VENUE_STATUS,
    WITHDRAWAL_FREE,
    WITHDRAWALS_USED,
)
from seawall.ledger.valuation import (
    counted_value,
    is_asset_fresh,
    keeping_price_of,
    market_price_of,
    sale_price,
    units_of,
)
from seawall.liquidation.selling import lots_for_sale, sell
from seawall.margin.trigger_kernels import PORTFOLIO
from seawall.terms import code, command, event
from seawall.terms.asset_parameter import ACCOUNT_CAP, NONE, POOL, SUPPLY_CAP
from seawall.terms.limits import ASSETS, NOTIONAL_MAX


@kernel
def is_token(s: Any, asset: int) -> bool:
    """Whether the number names a listed asset that is held in lots."""
    return bool(0 <= asset < ASSETS and s.asset_kind[asset] != NONE and s.asset_kind[asset] != POOL)


@kernel
def deposit_asset(s: Any, c: Any) -> int:
    """Credits lots of an asset that the bridge has seen final, exactly once, in the one sequence of all its messages.

    What would pass a cap, or finds no room, is not refused, which would hold back all later messages: it becomes a
    pending withdrawal to its sender at once (RESULT is its id).
    """
    if c.size <= 0 or c.size > NOTIONAL_MAX:
        return code.BAD_SIZE
    if not is_token(s, c.other):
        return code.UNKNOWN_ASSET
    if c.reference <= s.cell[DEPOSIT_SERIAL]:
        return code.DUPLICATE_MESSAGE
    if c.reference > s.cell[DEPOSIT_SERIAL] + 1:
        return code.OUT_OF_SEQUENCE
    is_taken = takes(s, c.account, c.other, c.size)
    if not is_taken and s.cell[WITHDRAWAL_FREE] == 0 and s.cell[WITHDRAWALS_USED] >= len(s.withdrawal_id):
        return code.WITHDRAWALS_FULL
    s.cell[DEPOSIT_SERIAL] = c.reference
    if is_taken:
        add_lots(s, c.account, c.other, c.size, c.reference)
        return code.OK
    s.asset_leaving[c.other] += c.size
    identity = new_withdrawal(s, c.account, c.size, c.other + 1)
    s.cell[RESULT] = identity
    emit(s, event.WITHDRAWAL, -1, c.account, c.other, identity, 0, c.size, 0)
    return code.OK


@kernel
def takes(s: Any, account: int, asset: int, lots: int) -> bool:
    """Whether an account may hold so many lots more: caps of venue and owner, the bound of any value, and room."""
    most = min(s.asset_param[asset, SUPPLY_CAP], s.market_listed_size[s.asset_market[asset]])
    if s.asset_total[asset] + lots > most:
        return False
    if held_by_owner(s, account, asset) + lots > s.asset_param[asset, ACCOUNT_CAP]:
        return False
    return bool(has_holding_room(s, account, asset))


@kernel
def held_by_owner(s: Any, account: int, asset: int) -> int:
    """Lots of an asset, or USD of a pool, in all buckets of all accounts of one owner."""
    master, row, total = s.account_master[account], s.asset_first[asset], 0
    while row != 0:  # at most the holdings of the asset
        owner = s.bucket_owner[s.holding_bucket[row]]
        if owner >= 0 and s.account_master[owner] == master:
            total += units_of(s, row)
        row = s.holding_after[row]
    return int(total)


@kernel
def withdraw_asset(s: Any, c: Any) -> int:
    """Freezes lots of cross for paying out: what is left must have its initial margin.

    Refused as WITHDRAW is; its worth counts against the venue's limits of the hour and day.
    """
    if c.size <= 0:
        return code.BAD_SIZE
    if not is_token(s, c.other):
        return code.UNKNOWN_ASSET
    if s.cell[VENUE_STATUS] == command.HALTED:
        return code.VENUE_HALTED
    if s.cell[NOW] < s.cell[GATE_UNTIL]:
        return code.WITHDRAWALS_CLOSED
    refusal = asset_exit_fault(s, c.account, c.other, c.size)
    if refusal != code.OK:
        return int(refusal)
    worth = c.size * market_price_of(s, c.other)
    if worth > limit_left(s):
        return code.WITHDRAWAL_LIMIT
    if s.cell[WITHDRAWAL_FREE] == 0 and s.cell[WITHDRAWALS_USED] >= len(s.withdrawal_id):
        return code.WITHDRAWALS_FULL
    identity = new_withdrawal(s, c.account, c.size, c.other + 1)
    s.cell[HOUR_OUT] += worth
    s.cell[DAY_OUT] += worth
    s.asset_leaving[c.other] += c.size
    add_lots(s, c.account, c.other, -c.size, identity)
    s.cell[RESULT] = identity
    emit(s, event.WITHDRAWAL, -1, c.account, c.other, identity, 0, c.size, 0)
    return code.OK


@kernel
def asset_exit_fault(s: Any, bucket: int, asset: int, lots: int) -> int:
    """OK when `lots` may leave the bucket, else why not: it keeps initial margin and the withdrawal floor without them.

    Lots that count for nothing in initial margin leave only where what is left is enough all the same.
    """
    if has_stale_price(s, bucket):
        return code.STALE_PRICE
    if is_being_liquidated(s, bucket):
        return code.BEING_LIQUIDATED
    held = lots_of(s, bucket, asset)
    if lots > held:
        return code.WITHDRAWABLE
    if s.bucket_mode[bucket] == PORTFOLIO:
        return code.OK if room_without(s, bucket, find_holding(s, bucket, asset), lots) >= 0 else code.WITHDRAWABLE
    lost = counted_value(s, asset, held) - counted_value(s, asset, held - lots)
    return code.OK if lost <= margin_room(s, bucket) else code.WITHDRAWABLE


@kernel
def room_without(s: Any, bucket: int, row: int, lots: int) -> int:
    """`margin_room` of a bucket as it would be without `lots` of a holding, what they hedge with them.

    The record is as it was when this returns. In portfolio margin the requirement rises where a hedge leaves: the room
    of before less what the lots count for would be too much.
    """
    s.holding_lots[row] -= lots
    room = margin_room(s, bucket)
    s.holding_lots[row] += lots
    return int(room)


@kernel
def move_asset(s: Any, c: Any) -> int:
    """Moves lots into the account's isolated bucket of a market (flags = ISOLATED) or back to cross."""
    if c.flags not in (0, command.ISOLATED):
        return code.BAD_FIELD
    if c.size <= 0:
        return code.BAD_SIZE
    if not is_token(s, c.other):
        return code.UNKNOWN_ASSET
    bucket = find_isolated(s, c.account, c.market)
    if bucket < 0:
        return code.NOT_ISOLATED
    giver, taker = (c.account, bucket) if c.flags != 0 else (bucket, c.account)
    refusal = asset_exit_fault(s, giver, c.other, c.size)
    if refusal != code.OK:
        return int(refusal)
    if not has_holding_room(s, taker, c.other):
        return code.HOLDINGS_FULL
    add_lots(s, giver, c.other, -c.size, command.MOVE_ASSET)
    add_lots(s, taker, c.other, c.size, command.MOVE_ASSET)
    return code.OK


@kernel
def buy_asset(s: Any, c: Any) -> int:
    """Buys collateral of a bucket in liquidation at its sale price, or of a pool that took some, at its price.

    Not more than the bucket has to sell (NOT_FOR_SALE), nor above `price` a lot. Cash of the buyer's cross bucket pays.
    """
    if c.size <= 0:
        return code.BAD_SIZE
    if not is_token(s, c.other):
        return code.UNKNOWN_ASSET
    if c.reference >= len(s.bucket_raw) or c.reference == c.account:
        return code.NOT_FOR_SALE
    if not is_asset_fresh(s, c.other):
        return code.STALE_PRICE
    seller, asset = c.reference, c.other
    price = asking_price(s, seller, asset)
    if price <= 0 or price > c.price or c.size > on_offer(s, seller, asset):
        return code.NOT_FOR_SALE
    refusal = exit_fault(s, c.account, c.size * price)
    if refusal != code.OK:
        return int(refusal)
    if held_by_owner(s, c.account, asset) + c.size > s.asset_param[asset, ACCOUNT_CAP]:
        return code.POSITION_CAP
    if not has_holding_room(s, c.account, asset):
        return code.HOLDINGS_FULL
    if not cash_fits(s, seller, c.size * price):
        return code.CASH_BOUND
    leave(s, c.account, c.size * price)
    sell(s, seller, c.account, asset, c.size, price)
    return code.OK


@kernel
def asking_price(s: Any, seller: int, asset: int) -> int:
    """What a lot of a seller's collateral costs; a pool asks no less than the asset is worth."""
    if s.bucket_kind[seller] >= AMM_POOL:
        return int(keeping_price_of(s, asset))
    return int(sale_price(s, asset))


@kernel
def on_offer(s: Any, seller: int, asset: int) -> int:
    """Lots that a bucket sells: all that a pool holds, and what a bucket in liquidation has to."""
    row = find_holding(s, seller, asset)
    if row == 0:
        return 0
    if s.bucket_kind[seller] >= AMM_POOL:
        return int(s.holding_lots[row]) if s.bucket_liquidating[seller] == 0 else 0
    return int(lots_for_sale(s, seller, row)) if s.bucket_liquidating[seller] != 0 else 0
