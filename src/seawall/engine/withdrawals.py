"""Withdrawals (kernels): frozen when asked for, then paid out on the chain or proven not paid. SPEC sections 4 and 12.

A withdrawal's id is `serial << 21 | row`: ids only grow, and one that is done or undone is found no more, so a message
about it that comes twice acts once. A time-out alone never returns frozen cash.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.buckets import add_cash, cash_fits
from seawall.ledger.events import emit
from seawall.ledger.holdings import add_lots, has_holding_room
from seawall.ledger.leaving import exit_fault, leave
from seawall.ledger.ranges import enter, forget_range, has_range_room
from seawall.ledger.state import (
    DAY_OUT,
    GATE_UNTIL,
    HOUR_OUT,
    NOW,
    PENDING,
    RESULT,
    VAULT,
    VENUE_STATUS,
    WITHDRAWAL_FREE,
    WITHDRAWAL_SERIAL,
    WITHDRAWALS_USED,
)
from seawall.ledger.valuation import units_of
from seawall.terms import code, command, event, parameter
from seawall.terms.asset_parameter import POOL
from seawall.terms.limits import AMOUNT_MAX
from seawall.units import RATE_ONE
from seawall.wide import mul_floor_div

ROW_BITS: Final = 21
ROW_MASK: Final = (1 << ROW_BITS) - 1


@kernel
def withdraw(s: Any, c: Any) -> int:
    """Freezes cash of an account's cross bucket for paying out, and makes a pending withdrawal.

    Refused while the venue is halted, for a while after negative equity or an outage (WITHDRAWALS_CLOSED), when it may
    not leave the bucket (ledger/leaving.py), and beyond the venue's limit of this UTC hour and day.
    """
    if c.amount <= 0 or c.amount > AMOUNT_MAX:
        return code.BAD_AMOUNT
    if s.cell[VENUE_STATUS] == command.HALTED:
        return code.VENUE_HALTED
    if s.cell[NOW] < s.cell[GATE_UNTIL]:
        return code.WITHDRAWALS_CLOSED
    refusal = exit_fault(s, c.account, c.amount)
    if refusal != code.OK:
        return int(refusal)
    if c.amount > limit_left(s):
        return code.WITHDRAWAL_LIMIT
    if c.amount > s.cell[VAULT] - s.cell[PENDING]:
        return code.VAULT_SHORT
    if s.cell[WITHDRAWAL_FREE] == 0 and s.cell[WITHDRAWALS_USED] >= len(s.withdrawal_id):
        return code.WITHDRAWALS_FULL
    leave(s, c.account, c.amount)
    s.cell[PENDING] += c.amount
    s.cell[HOUR_OUT] += c.amount
    s.cell[DAY_OUT] += c.amount
    identity = new_withdrawal(s, c.account, c.amount, 0)
    s.cell[RESULT] = identity
    emit(s, event.WITHDRAWAL, -1, c.account, -1, identity, 0, 0, c.amount)
    return code.OK


@kernel
def limit_left(s: Any) -> int:
    """What the venue may still pay out in this UTC hour and day: each the larger of a share of the vault and a base.

    The windows are the clock's (engine/clock.py). What is cancelled stays counted.
    """
    venue, vault = len(s.market_price), s.cell[VAULT]
    hour = max(
        mul_floor_div(vault, s.param[venue, parameter.WITHDRAWAL_HOUR_SHARE], RATE_ONE),
        s.param[venue, parameter.WITHDRAWAL_HOUR_BASE],
    )
    day = max(
        mul_floor_div(vault, s.param[venue, parameter.WITHDRAWAL_DAY_SHARE], RATE_ONE),
        s.param[venue, parameter.WITHDRAWAL_DAY_BASE],
    )
    return int(max(0, min(hour - s.cell[HOUR_OUT], day - s.cell[DAY_OUT])))


@kernel
def finish_withdrawal(s: Any, c: Any) -> int:
    """A pending withdrawal was paid out on the chain: its cash leaves the vault."""
    row = row_of_withdrawal(s, c.reference)
    if row == 0:
        return code.UNKNOWN_WITHDRAWAL
    account, amount, asset = s.withdrawal_account[row], s.withdrawal_amount[row], s.withdrawal_asset[row] - 1
    if asset >= 0 and s.asset_kind[asset] == POOL:
        s.asset_leaving[asset] -= units_of(s, amount)
        emit(s, event.WITHDRAWAL_DONE, -1, account, asset, c.reference, 0, s.holding_lots[amount], 0)
        forget_range(s, amount)
        _free_row(s, row)
        return code.OK
    if asset >= 0:
        s.asset_leaving[asset] -= amount
        _free_row(s, row)
        emit(s, event.WITHDRAWAL_DONE, -1, account, asset, c.reference, 0, amount, 0)
        return code.OK
    s.cell[PENDING] -= amount
    s.cell[VAULT] -= amount
    _free_row(s, row)
    emit(s, event.WITHDRAWAL_DONE, -1, account, -1, c.reference, 0, 0, amount)
    return code.OK


@kernel
def cancel_withdrawal(s: Any, c: Any) -> int:
    """A pending withdrawal is proven not paid, now or ever: its cash, or its lots, return to the account."""
    row = row_of_withdrawal(s, c.reference)
    if row == 0:
        return code.UNKNOWN_WITHDRAWAL
    account, amount, asset = s.withdrawal_account[row], s.withdrawal_amount[row], s.withdrawal_asset[row] - 1
    if asset >= 0 and s.asset_kind[asset] == POOL:
        if not has_range_room(s, account):
            return code.HOLDINGS_FULL
        s.asset_leaving[asset] -= units_of(s, amount)
        emit(s, event.WITHDRAWAL_BACK, -1, account, asset, c.reference, 0, s.holding_lots[amount], 0)
        enter(s, amount, account)
        _free_row(s, row)
        return code.OK
    if asset >= 0:
        if not has_holding_room(s, account, asset):
            return code.HOLDINGS_FULL
        s.asset_leaving[asset] -= amount
        _free_row(s, row)
        emit(s, event.WITHDRAWAL_BACK, -1, account, asset, c.reference, 0, amount, 0)
        add_lots(s, account, asset, amount, c.reference)
        return code.OK
    if not cash_fits(s, account, amount):
        return code.CASH_BOUND
    s.cell[PENDING] -= amount
    add_cash(s, account, amount)
    _free_row(s, row)
    emit(s, event.WITHDRAWAL_BACK, -1, account, -1, c.reference, 0, 0, amount)
    return code.OK


@kernel
def row_of_withdrawal(s: Any, identity: int) -> int:
    """The row of a pending withdrawal; 0 when the id is not pending."""
    row = identity & ROW_MASK
    if row >= len(s.withdrawal_id) or s.withdrawal_id[row] != identity:
        return 0
    return int(row)


@kernel
def new_withdrawal(s: Any, account: int, amount: int, asset: int) -> int:
    """The id of a new pending withdrawal of USD (asset 0), or of lots or a row of holdings of asset - 1."""
    row = s.cell[WITHDRAWAL_FREE]
    if row != 0:
        s.cell[WITHDRAWAL_FREE] = s.withdrawal_next[row]
    else:
        row = s.cell[WITHDRAWALS_USED]
        s.cell[WITHDRAWALS_USED] = row + 1
    s.cell[WITHDRAWAL_SERIAL] += 1
    identity = (s.cell[WITHDRAWAL_SERIAL] << ROW_BITS) | row
    s.withdrawal_id[row] = identity
    s.withdrawal_account[row] = account
    s.withdrawal_amount[row] = amount
    s.withdrawal_asset[row] = asset
    return int(identity)


@kernel
def _free_row(s: Any, row: int) -> None:
    s.withdrawal_id[row] = 0
    s.withdrawal_amount[row] = 0
    s.withdrawal_asset[row] = 0
    s.withdrawal_next[row] = s.cell[WITHDRAWAL_FREE]
    s.cell[WITHDRAWAL_FREE] = row
