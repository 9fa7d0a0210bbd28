"""Commands on isolated margin, leverage and the mode of a position (kernels): SPEC section 4.

The buckets themselves are made, fed and given back in ledger/isolated.py, where liquidation can reach them too.
"""

from typing import Any

from seawall.engine.breaker import isolated_leverage_cap, leverage_cap
from seawall.kernel import kernel
from seawall.ledger.buckets import add_cash, cash_fits, cash_of, find_slot
from seawall.ledger.events import emit
from seawall.ledger.health import EQUITY_INITIAL, INITIAL, accepts, measure, measure_after
from seawall.ledger.isolated import (
    bucket_for,
    find_isolated,
    leverage_of,
    move_from_cross,
    move_slot,
    next_isolated,
    prepare_isolated,
    release_isolated,
    top_up,
)
from seawall.ledger.leaving import (
    exit_fault,
    has_stale_price,
    is_being_liquidated,
    leave,
    may_leave,
    payable,
    payable_of,
    pending_funding,
    settle_told,
)
from seawall.ledger.settings import has_setting_room, make_setting
from seawall.terms import code, command, event
from seawall.terms.limits import AMOUNT_MAX, POSITIONS_PER_BUCKET

__all__ = [
    "bucket_for",
    "isolated_margin",
    "leverage_of",
    "move_position",
    "prepare_isolated",
    "release_isolated",
    "set_leverage",
    "set_top_up",
    "top_up",
]


@kernel
def isolated_margin(s: Any, c: Any) -> int:
    """Moves cash into (amount > 0) or out of an isolated bucket, within what may leave the giving bucket."""
    size = abs(c.amount)
    if size == 0 or size > AMOUNT_MAX:
        return code.BAD_AMOUNT
    bucket = find_isolated(s, c.account, c.market)
    if bucket < 0:
        return code.NOT_ISOLATED
    giver, taker = (c.account, bucket) if c.amount > 0 else (bucket, c.account)
    refusal = exit_fault(s, giver, size)
    if refusal != code.OK:
        return refusal
    if not cash_fits(s, taker, size):
        return code.CASH_BOUND
    leave(s, giver, size)
    add_cash(s, taker, size)
    emit(s, event.MOVED, c.market, giver, taker, 0, 0, 0, size)
    return code.OK


@kernel
def set_top_up(s: Any, c: Any) -> int:
    """Sets the cross cash that automatic top-ups of a market leave untouched; -1 switches them off."""
    if c.amount < -1 or c.amount > AMOUNT_MAX:
        return code.BAD_AMOUNT
    if s.market_status[c.market] == command.UNLISTED:
        return code.UNKNOWN_MARKET
    if not has_setting_room(s, c.account, c.market):
        return code.SETTINGS_FULL
    s.setting_floor[make_setting(s, c.account, c.market)] = c.amount
    return code.OK


@kernel
def set_leverage(s: Any, c: Any) -> int:
    """Sets leverage and mode of an account in a market, and of the position or orders that it has there.

    The mode changes only without any. Where initial margin rises it must be there; an isolated bucket draws what it
    lacks from cross.
    """
    isolated = c.flags == command.ISOLATED
    refusal = _leverage_fault(s, c)
    if refusal != code.OK:
        return refusal
    bucket = bucket_for(s, c.account, c.market)
    if isolated != (bucket != c.account):
        if _is_occupied(s, c.account, c.market):
            return code.HAS_POSITION
        bucket = -1
    slot = find_slot(s, bucket, c.market) if bucket >= 0 else 0
    need = 0
    if slot != 0:
        after = measure_after(s, bucket, c.market, 0, 0, 0, 0, 0, c.size)
        if after[INITIAL] > measure(s, bucket)[INITIAL]:
            need = max(0, after[INITIAL] - after[EQUITY_INITIAL])
        if need > 0 and (not isolated or need > may_leave(s, c.account)):
            return code.INITIAL_MARGIN
    if not has_setting_room(s, c.account, c.market):
        return code.SETTINGS_FULL
    place = make_setting(s, c.account, c.market)
    s.setting_leverage[place] = c.size
    s.setting_isolated[place] = 1 if isolated else 0
    if slot != 0:
        s.slot_leverage[slot] = c.size
    if need > 0:
        move_from_cross(s, bucket, need)
    emit(s, event.LEVERAGE, c.market, c.account, bucket, 0, 0, c.size, c.flags)
    return code.OK


@kernel
def _leverage_fault(s: Any, c: Any) -> int:
    if c.flags not in (0, command.ISOLATED):
        return code.BAD_FIELD
    if s.market_status[c.market] == command.UNLISTED:
        return code.UNKNOWN_MARKET
    if c.size < 1 or c.size > s.base_leverage[c.market, 0]:
        return code.BAD_LEVERAGE
    cap = isolated_leverage_cap(s, c.market) if c.flags == command.ISOLATED else leverage_cap(s, c.market)
    return code.LEVERAGE_CAP if c.size > cap else code.OK


@kernel
def _is_occupied(s: Any, account: int, market: int) -> bool:
    """Whether the account has a position or an order of any kind in the market."""
    if find_isolated(s, account, market) >= 0 or find_slot(s, account, market) != 0:
        return True
    return has_orders(s, account, market)


@kernel
def has_orders(s: Any, bucket: int, market: int) -> bool:
    """Whether the bucket has an order in the market, resting or waiting."""
    order = s.bucket_order[bucket]
    while order != 0:  # at most ORDERS_PER_BUCKET
        if s.order_market[order] == market:
            return True
        order = s.order_next[order]
    return False


@kernel
def move_position(s: Any, c: Any) -> int:
    """Moves a whole position between the cross bucket and one of its own; entry notional and leverage go with it.

    To isolated (flags = ISOLATED) with `amount` >= 0 of cash; to cross with all the cash of the isolated bucket
    (`amount` is 0). The bucket that receives must have initial margin after, the one that gives may add no risk.
    """
    if c.flags not in (0, command.ISOLATED):
        return code.BAD_FIELD
    if c.amount < 0 or c.amount > AMOUNT_MAX or (c.flags == 0 and c.amount != 0):
        return code.BAD_AMOUNT
    own = find_isolated(s, c.account, c.market)
    if c.flags == 0 and own < 0:
        return code.NOT_ISOLATED
    source = c.account if c.flags != 0 else own
    slot = find_slot(s, source, c.market)
    if slot == 0 or s.slot_size[slot] == 0:
        return code.NO_POSITION
    refusal = _move_fault(s, source, slot, c)
    if refusal != code.OK:
        return refusal
    if not has_setting_room(s, c.account, c.market):
        return code.SETTINGS_FULL
    if c.flags != 0:
        return _to_isolated(s, c, slot)
    return _to_cross(s, c, own, slot)


@kernel
def _move_fault(s: Any, source: int, slot: int, c: Any) -> int:
    if has_stale_price(s, c.account) or has_stale_price(s, source):
        return code.STALE_PRICE
    if has_orders(s, source, c.market) or has_orders(s, c.account, c.market):
        return code.HAS_POSITION
    if source != c.account and find_slot(s, c.account, c.market) != 0:
        return code.HAS_POSITION
    if is_being_liquidated(s, source) or is_being_liquidated(s, c.account):
        return code.BEING_LIQUIDATED
    if c.flags != 0 and s.slot_leverage[slot] > isolated_leverage_cap(s, c.market):
        return code.LEVERAGE_CAP
    return code.OK


@kernel
def _to_isolated(s: Any, c: Any, slot: int) -> int:
    cross, size, entry = c.account, s.slot_size[slot], s.slot_entry[slot]
    room = next_isolated(s, cross)
    if room < 0:
        return code.BUCKETS_FULL
    left = measure_after(s, cross, c.market, -size, -entry, c.amount, 0, 0, 0)
    if not accepts(measure(s, cross), left):
        return code.INITIAL_MARGIN
    made = measure_after(s, room, c.market, size, entry, -c.amount, 0, 0, s.slot_leverage[slot])
    if made[EQUITY_INITIAL] < made[INITIAL]:
        return code.INITIAL_MARGIN
    owed = c.amount - cash_of(s, cross) - pending_funding(s, cross)
    if owed > payable(s, cross) - payable_of(s, slot):
        return code.WITHDRAWABLE
    settle_told(s, cross)
    own = prepare_isolated(s, cross, c.market, 0)
    move_slot(s, slot, own, c.amount)
    s.setting_isolated[make_setting(s, cross, c.market)] = 1
    emit(s, event.POSITION_MOVED, c.market, cross, own, entry, 0, size, c.amount)
    return code.OK


@kernel
def _to_cross(s: Any, c: Any, own: int, slot: int) -> int:
    cross, size, entry = c.account, s.slot_size[slot], s.slot_entry[slot]
    cash = cash_of(s, own) + pending_funding(s, own)
    after = measure_after(s, cross, c.market, size, entry, -cash, 0, 0, s.slot_leverage[slot])
    if after[EQUITY_INITIAL] < after[INITIAL]:
        return code.INITIAL_MARGIN
    if not has_place(s, cross):
        return code.POSITIONS_FULL
    if not cash_fits(s, cross, cash - entry):
        return code.CASH_BOUND
    settle_told(s, own)
    move_slot(s, slot, cross, cash)
    s.setting_isolated[make_setting(s, cross, c.market)] = 0
    emit(s, event.POSITION_MOVED, c.market, own, cross, entry, 0, size, cash)
    release_isolated(s, own)
    return code.OK


@kernel
def has_place(s: Any, bucket: int) -> bool:
    """Whether the bucket may hold one position more."""
    held, slot = 0, s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        held, slot = held + 1, s.slot_sibling[slot]
    return held < POSITIONS_PER_BUCKET
