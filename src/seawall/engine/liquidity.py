"""Commands on positions of concentrated liquidity as collateral (kernels): SPEC section 11.

The bridge says that a position has arrived in the venue's custody and what its liquidity and range are; it is valued at
the index of the market, never at the pool's own price. Removing liquidity happens in the pool: the engine asks for it,
the bridge says what came of it.
"""

from typing import Any, Final

from seawall.engine.collateral import held_by_owner, room_without
from seawall.engine.withdrawals import limit_left, new_withdrawal
from seawall.kernel import kernel
from seawall.ledger.buckets import add_cash, cash_fits
from seawall.ledger.events import emit
from seawall.ledger.holdings import add_lots, find_holding, has_holding_room
from seawall.ledger.isolated import find_isolated
from seawall.ledger.leaving import has_stale_price, initial_room, is_being_liquidated, margin_room
from seawall.ledger.ranges import (
    enter,
    find_range,
    forget_range,
    has_free_row,
    has_range_room,
    leave_bucket,
    make_range,
    write_range,
)
from seawall.ledger.state import (
    DAY_OUT,
    DEPOSIT_SERIAL,
    GATE_UNTIL,
    HOUR_OUT,
    NOW,
    RESULT,
    VAULT,
    VENUE_STATUS,
    WITHDRAWAL_FREE,
    WITHDRAWALS_USED,
)
from seawall.ledger.valuation import counted_row, counted_value, fair_value, units_of
from seawall.margin.trigger_kernels import PORTFOLIO, TIERED
from seawall.terms import code, command, event
from seawall.terms.asset_parameter import ACCOUNT_CAP, POOL, RANGE_MIN, SUPPLY_CAP
from seawall.terms.limits import AMOUNT_MAX, ASSETS, NOTIONAL_MAX, RAW_USD_MAX
from seawall.units import RATE_ONE
from seawall.wide import compare_products, mul_floor_div

ROOT_MAX: Final = 2**31 - 1
SCALE_MAX: Final = 31


@kernel
def is_pool(s: Any, asset: int) -> bool:
    """Whether the number names a listed pool."""
    return bool(0 <= asset < ASSETS and s.asset_kind[asset] == POOL)


@kernel
def attach_range(s: Any, c: Any) -> int:
    """A position has arrived: it becomes collateral of cross, or waits to be sent back at once (RESULT is its id).

    It is sent back when it is too narrow, above a cap, or one too many of its bucket.
    """
    if not is_pool(s, c.other):
        return code.UNKNOWN_ASSET
    if not is_range(c.size, c.price, c.trigger, c.extra):
        return code.BAD_FIELD
    if c.reference <= s.cell[DEPOSIT_SERIAL]:
        return code.DUPLICATE_MESSAGE
    if c.reference > s.cell[DEPOSIT_SERIAL] + 1:
        return code.OUT_OF_SEQUENCE
    if find_range(s, c.other, c.client_low) != 0:
        return code.ASSET_EXISTS
    if not has_free_row(s):
        return code.HOLDINGS_FULL
    if s.cell[WITHDRAWAL_FREE] == 0 and s.cell[WITHDRAWALS_USED] >= len(s.withdrawal_id):
        return code.WITHDRAWALS_FULL
    s.cell[DEPOSIT_SERIAL] = c.reference
    row = make_range(s, c)
    if takes_range(s, c.account, row):
        enter(s, row, c.account)
    else:
        _send_out(s, c.account, row)
    return code.OK


@kernel
def is_range(liquidity: int, low: int, high: int, scale: int) -> bool:
    """Whether the integers are a range that no price makes worth more than 2^53 micro-USD."""
    if liquidity < 1 or low < 1 or high <= low or high > ROOT_MAX or scale < 0 or scale > SCALE_MAX:
        return False
    return bool(compare_products(liquidity, high - low, NOTIONAL_MAX, 1 << scale) <= 0)


@kernel
def takes_range(s: Any, account: int, row: int) -> bool:
    """Whether an account may hold a new position: its width, caps of venue and owner, and the bucket's room."""
    asset, units = s.holding_asset[row], units_of(s, row)
    width = RATE_ONE + s.asset_param[asset, RANGE_MIN]
    if compare_products(s.holding_high[row], RATE_ONE, s.holding_low[row], width) < 0:
        return False
    if s.asset_total[asset] + units > s.asset_param[asset, SUPPLY_CAP]:
        return False
    if held_by_owner(s, account, asset) + units > s.asset_param[asset, ACCOUNT_CAP]:
        return False
    return bool(has_range_room(s, account))


@kernel
def _send_out(s: Any, account: int, row: int) -> None:
    """A row that is nobody's becomes a pending withdrawal."""
    asset = s.holding_asset[row]
    s.asset_leaving[asset] += units_of(s, row)
    identity = new_withdrawal(s, account, row, asset + 1)
    s.cell[RESULT] = identity
    emit(s, event.WITHDRAWAL, -1, account, asset, identity, 0, s.holding_lots[row], 0)


@kernel
def range_exit_fault(s: Any, bucket: int, row: int) -> int:
    """OK when a position may leave its bucket: what is left keeps initial margin and the withdrawal floor."""
    if has_stale_price(s, bucket):
        return code.STALE_PRICE
    if is_being_liquidated(s, bucket):
        return code.BEING_LIQUIDATED
    if s.bucket_mode[bucket] == PORTFOLIO:
        return code.OK if room_without(s, bucket, row, int(s.holding_lots[row])) >= 0 else code.WITHDRAWABLE
    return code.OK if counted_row(s, row) <= margin_room(s, bucket) else code.WITHDRAWABLE


@kernel
def detach_range(s: Any, c: Any) -> int:
    """A position of cross leaves for its owner, by the rules of WITHDRAW_ASSET; its fair value counts in the limits."""
    if not is_pool(s, c.other):
        return code.UNKNOWN_ASSET
    if s.cell[VENUE_STATUS] == command.HALTED:
        return code.VENUE_HALTED
    if s.cell[NOW] < s.cell[GATE_UNTIL]:
        return code.WITHDRAWALS_CLOSED
    row = find_range(s, c.other, c.client_low)
    if row == 0 or s.holding_bucket[row] != c.account:
        return code.NO_POSITION
    refusal = range_exit_fault(s, c.account, row)
    if refusal != code.OK:
        return int(refusal)
    worth = fair_value(s, row, s.market_oracle[s.asset_market[c.other]])
    if worth > limit_left(s):
        return code.WITHDRAWAL_LIMIT
    if s.cell[WITHDRAWAL_FREE] == 0 and s.cell[WITHDRAWALS_USED] >= len(s.withdrawal_id):
        return code.WITHDRAWALS_FULL
    s.cell[HOUR_OUT] += worth
    s.cell[DAY_OUT] += worth
    leave_bucket(s, row)
    _send_out(s, c.account, row)
    return code.OK


@kernel
def move_range(s: Any, c: Any) -> int:
    """Moves a position into the account's isolated bucket of a market (flags = ISOLATED) or back to cross."""
    if c.flags not in (0, command.ISOLATED):
        return code.BAD_FIELD
    if not is_pool(s, c.other):
        return code.UNKNOWN_ASSET
    own = find_isolated(s, c.account, c.market)
    if own < 0:
        return code.NOT_ISOLATED
    giver, taker = (c.account, own) if c.flags != 0 else (own, c.account)
    row = find_range(s, c.other, c.client_low)
    if row == 0 or s.holding_bucket[row] != giver:
        return code.NO_POSITION
    refusal = range_exit_fault(s, giver, row)
    if refusal != code.OK:
        return int(refusal)
    if not has_range_room(s, taker):
        return code.HOLDINGS_FULL
    leave_bucket(s, row)
    enter(s, row, taker)
    return code.OK


@kernel
def unwind_range(s: Any, c: Any) -> int:
    """The liquidity of a position has been removed, fees collected: lots of its base and USD take its place.

    The position must be in custody; what came of it is what the pool paid, whatever the engine thought it worth.
    """
    if not is_pool(s, c.other):
        return code.UNKNOWN_ASSET
    base = s.asset_base[c.other] - 1
    refusal = message_fault(s, c, c.size)
    if refusal != code.OK:
        return int(refusal)
    row = find_range(s, c.other, c.client_low)
    if row == 0:
        return code.NO_POSITION
    bucket = s.holding_bucket[row]
    if s.cell[VAULT] + c.amount > RAW_USD_MAX or not cash_fits(s, bucket, c.amount):
        return code.CASH_BOUND
    s.cell[DEPOSIT_SERIAL] = c.reference
    s.cell[VAULT] += c.amount
    emit(s, event.RANGE_UNWOUND, -1, bucket, c.other, c.client_low, 0, c.size, c.amount)
    leave_bucket(s, row)
    forget_range(s, row)
    if c.amount > 0:
        add_cash(s, bucket, c.amount)
    if c.size > 0:
        add_lots(s, bucket, base, c.size, event.RANGE_UNWOUND)
    return code.OK


@kernel
def message_fault(s: Any, c: Any, lots: int) -> int:
    """OK when a pool can have paid `lots` and `amount`, and the message that says so is the next."""
    base = s.asset_base[c.other] - 1
    if lots < 0 or lots > NOTIONAL_MAX // s.market_price_max[s.asset_market[c.other]] or (lots > 0 and base < 0):
        return code.BAD_SIZE
    if c.amount < 0 or c.amount > AMOUNT_MAX:
        return code.BAD_AMOUNT
    if c.reference <= s.cell[DEPOSIT_SERIAL]:
        return code.DUPLICATE_MESSAGE
    return code.OUT_OF_SEQUENCE if c.reference > s.cell[DEPOSIT_SERIAL] + 1 else code.OK


@kernel
def reshape_range(s: Any, c: Any) -> int:
    """A position's owner has collected its fees, taken liquidity out or moved its range: what came of it is in the row.

    A position that is what it was (fees alone) may be told at any time. Any other change needs fresh prices, a bucket
    that is not in liquidation, and its initial margin afterwards; one step, in which nothing is out of the bucket.
    """
    if not is_pool(s, c.other):
        return code.UNKNOWN_ASSET
    if not is_range(c.size, c.price, c.trigger, c.extra):
        return code.BAD_FIELD
    refusal = message_fault(s, c, c.client_high)
    if refusal != code.OK:
        return int(refusal)
    row = find_range(s, c.other, c.client_low)
    if row == 0 or s.bucket_owner[s.holding_bucket[row]] != c.account:
        return code.NO_POSITION
    bucket, base = s.holding_bucket[row], s.asset_base[c.other] - 1
    if c.client_high > 0 and not has_holding_room(s, bucket, base):
        return code.HOLDINGS_FULL
    if s.cell[VAULT] + c.amount > RAW_USD_MAX or not cash_fits(s, bucket, c.amount):
        return code.CASH_BOUND
    if not _is_as_before(s, row, c):
        refusal = reshape_fault(s, bucket, row, c)
        if refusal != code.OK:
            return int(refusal)
    s.cell[DEPOSIT_SERIAL] = c.reference
    s.cell[VAULT] += c.amount
    emit(s, event.RANGE_UNWOUND, -1, bucket, c.other, c.client_low, 0, c.client_high, c.amount)
    if not _is_as_before(s, row, c):
        leave_bucket(s, row)
        write_range(s, row, c)
        enter(s, row, bucket)
    if c.amount > 0:
        add_cash(s, bucket, c.amount)
    if c.client_high > 0:
        add_lots(s, bucket, base, c.client_high, event.RANGE_UNWOUND)
    return code.OK


@kernel
def _is_as_before(s: Any, row: int, c: Any) -> bool:
    """Whether a row of commands describes the position as it is."""
    if s.holding_lots[row] != c.size or s.holding_scale[row] != c.extra:
        return False
    return bool(s.holding_low[row] == c.price and s.holding_high[row] == c.trigger)


@kernel
def reshape_fault(s: Any, bucket: int, row: int, c: Any) -> int:
    """OK when a position may become what the row says; its pool keeps width and caps, its bucket initial margin."""
    if has_stale_price(s, bucket):
        return code.STALE_PRICE
    if is_being_liquidated(s, bucket):
        return code.BEING_LIQUIDATED
    asset = c.other
    if compare_products(c.trigger, RATE_ONE, c.price, RATE_ONE + s.asset_param[asset, RANGE_MIN]) < 0:
        return code.BAD_FIELD
    more = int(mul_floor_div(c.size, c.trigger - c.price, 1 << c.extra)) - units_of(s, row)
    if more > 0 and s.asset_total[asset] + more > s.asset_param[asset, SUPPLY_CAP]:
        return code.POSITION_CAP
    if more > 0 and held_by_owner(s, c.account, asset) + more > s.asset_param[asset, ACCOUNT_CAP]:
        return code.POSITION_CAP
    return code.OK if room_as(s, bucket, row, c, more) >= 0 else code.INITIAL_MARGIN


@kernel
def room_as(s: Any, bucket: int, row: int, c: Any, more: int) -> int:
    """`initial_room` of a bucket as it would be with the position and what came of it, at the weights of then.

    `more` is by what the position counts for more in caps. The record is as it was when this returns. Lots of a base
    that the bucket has none of yet count by their worth, in portfolio margin for nothing, for they have a risk of their
    own there.
    """
    liquidity, low = s.holding_lots[row], s.holding_low[row]
    high, scale = s.holding_high[row], s.holding_scale[row]
    lots, base = c.client_high, s.asset_base[c.other] - 1
    other = find_holding(s, bucket, base) if lots > 0 else 0
    is_tiered = s.bucket_mode[bucket] == TIERED
    s.asset_total[c.other] += more
    if lots > 0:
        s.asset_total[base] += lots
    fresh = counted_value(s, base, lots) if lots > 0 and other == 0 and is_tiered else 0
    s.holding_lots[row], s.holding_low[row], s.holding_high[row], s.holding_scale[row] = (
        c.size,
        c.price,
        c.trigger,
        c.extra,
    )
    s.bucket_raw[bucket] += c.amount
    if other != 0:
        s.holding_lots[other] += lots
    room = initial_room(s, bucket) + fresh
    if other != 0:
        s.holding_lots[other] -= lots
    s.asset_total[c.other] -= more
    if lots > 0:
        s.asset_total[base] -= lots
    s.bucket_raw[bucket] -= c.amount
    s.holding_lots[row], s.holding_low[row] = liquidity, low
    s.holding_high[row], s.holding_scale[row] = high, scale
    return int(room)
