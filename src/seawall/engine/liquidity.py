"""Commands on positions of concentrated liquidity as collateral (kernels): SPEC section 11.

The bridge says that a position has arrived in the venue's custody and what its liquidity and range are; it is valued at
the index of the market, never at the pool's own price. Removing liquidity happens in the pool: the engine asks for it,
the bridge says what came of it.
"""

from typing import Any, Final

from seawall.engine.collateral import held_by_owner
from seawall.engine.withdrawals import limit_left, new_withdrawal
from seawall.kernel import kernel
from seawall.ledger.buckets import add_cash, cash_fits
from seawall.ledger.events import emit
from seawall.ledger.holdings import add_lots, has_holding_room
from seawall.ledger.isolated import find_isolated
from seawall.ledger.leaving import has_stale_price, is_being_liquidated, margin_room
from seawall.ledger.ranges import (
    enter,
    find_range,
    forget_range,
    has_free_row,
    has_range_room,
    leave_bucket,
    make_range,
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
from seawall.ledger.valuation import counted_row, fair_value, units_of
from seawall.terms import code, command, event
from seawall.terms.asset_parameter import ACCOUNT_CAP, POOL, RANGE_MIN, SUPPLY_CAP
from seawall.terms.limits import AMOUNT_MAX, ASSETS, NOTIONAL_MAX, RAW_USD_MAX
from seawall.units import RATE_ONE
from seawall.wide import compare_products

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
    fault = paid_fault(s, c)
    if fault != code.OK:
        return int(fault)
    row = find_range(s, c.other, c.client_low)
    bucket = s.holding_bucket[row]
    s.cell[DEPOSIT_SERIAL] = c.reference
    s.cell[VAULT] += c.amount
    emit(s, event.RANGE_UNWOUND, -1, bucket, c.other, c.client_low, 0, c.size, c.amount)
    leave_bucket(s, row)
    forget_range(s, row)
    add_cash(s, bucket, c.amount)
    if c.size > 0:
        add_lots(s, bucket, s.asset_base[c.other] - 1, c.size, event.RANGE_UNWOUND)
    return code.OK


@kernel
def collect_range(s: Any, c: Any) -> int:
    """A position in custody has paid fees: lots of its base and USD go to its bucket, the position stays.

    Until then fees count for nothing. Lots that find no room in the bucket wait to be sent to its owner (RESULT is the
    id), as DEPOSIT_ASSET sends back.
    """
    fault = paid_fault(s, c)
    if fault != code.OK:
        return int(fault)
    row, base = find_range(s, c.other, c.client_low), s.asset_base[c.other] - 1
    bucket = s.holding_bucket[row]
    fits = c.size == 0 or has_holding_room(s, bucket, base)
    if not fits and s.cell[WITHDRAWAL_FREE] == 0 and s.cell[WITHDRAWALS_USED] >= len(s.withdrawal_id):
        return code.WITHDRAWALS_FULL
    s.cell[DEPOSIT_SERIAL] = c.reference
    s.cell[VAULT] += c.amount
    s.holding_fees_lots[row] += c.size
    s.holding_fees_usd[row] += c.amount
    index = s.market_oracle[s.asset_market[c.other]]
    emit(s, event.RANGE_FEES, s.asset_market[c.other], bucket, c.other, c.client_low, index, c.size, c.amount)
    add_cash(s, bucket, c.amount)
    if not fits:
        owner = s.bucket_owner[bucket]
        s.asset_leaving[base] += c.size
        identity = new_withdrawal(s, owner, c.size, base + 1)
        s.cell[RESULT] = identity
        emit(s, event.WITHDRAWAL, -1, owner, base, identity, 0, c.size, 0)
    elif c.size > 0:
        add_lots(s, bucket, base, c.size, event.RANGE_FEES)
    return code.OK


@kernel
def paid_fault(s: Any, c: Any) -> int:
    """OK when the bridge may say that a pool has paid lots and USD for a position in custody, else why not."""
    if not is_pool(s, c.other):
        return code.UNKNOWN_ASSET
    base = s.asset_base[c.other] - 1
    if c.size > NOTIONAL_MAX // s.market_price_max[s.asset_market[c.other]] or (c.size > 0 and base < 0):
        return code.BAD_SIZE
    if c.amount < 0 or c.amount > AMOUNT_MAX:
        return code.BAD_AMOUNT
    if c.reference <= s.cell[DEPOSIT_SERIAL]:
        return code.DUPLICATE_MESSAGE
    if c.reference > s.cell[DEPOSIT_SERIAL] + 1:
        return code.OUT_OF_SEQUENCE
    row = find_range(s, c.other, c.client_low)
    if row == 0:
        return code.NO_POSITION
    if s.cell[VAULT] + c.amount > RAW_USD_MAX or not cash_fits(s, s.holding_bucket[row], c.amount):
        return code.CASH_BOUND
    return code.OK
