"""Money that comes in, and money between accounts (kernels)."""

from typing import Any

from seawall.engine.authority import account_exists
from seawall.kernel import kernel
from seawall.ledger.buckets import add_cash, cash_fits
from seawall.ledger.events import emit
from seawall.ledger.leaving import exit_fault, leave
from seawall.ledger.state import DEPOSIT_SERIAL, VAULT
from seawall.terms import code, event
from seawall.terms.limits import AMOUNT_MAX, RAW_USD_MAX


@kernel
def deposit(s: Any, c: Any) -> int:
    """Credits a deposit that the bridge has seen final, exactly once.

    `reference` numbers the bridge's messages from 1 without gaps: one processed before is DUPLICATE_MESSAGE, one too
    early OUT_OF_SEQUENCE. So the bridge creates the account first and never sends an amount above AMOUNT_MAX: a message
    that can not be credited holds back all later ones.
    """
    if c.amount <= 0 or c.amount > AMOUNT_MAX:
        return code.BAD_AMOUNT
    if c.reference <= s.cell[DEPOSIT_SERIAL]:
        return code.DUPLICATE_MESSAGE
    if c.reference > s.cell[DEPOSIT_SERIAL] + 1:
        return code.OUT_OF_SEQUENCE
    if s.cell[VAULT] + c.amount > RAW_USD_MAX or not cash_fits(s, c.account, c.amount):
        return code.CASH_BOUND
    s.cell[DEPOSIT_SERIAL] = c.reference
    s.cell[VAULT] += c.amount
    add_cash(s, c.account, c.amount)
    emit(s, event.DEPOSITED, -1, c.account, -1, c.reference, 0, 0, c.amount)
    return code.OK


@kernel
def transfer(s: Any, c: Any) -> int:
    """Moves cash between the cross buckets of two accounts; to another owner's only with the owner's own signature."""
    if c.amount <= 0 or c.amount > AMOUNT_MAX:
        return code.BAD_AMOUNT
    if c.other == c.account:
        return code.BAD_FIELD
    if not account_exists(s, c.other):
        return code.UNKNOWN_ACCOUNT
    if c.signer < 0 and s.account_master[c.other] != s.account_master[c.account]:
        return code.AGENT_SCOPE
    refusal = exit_fault(s, c.account, c.amount)
    if refusal != code.OK:
        return int(refusal)
    if not cash_fits(s, c.other, c.amount):
        return code.CASH_BOUND
    leave(s, c.account, c.amount)
    add_cash(s, c.other, c.amount)
    emit(s, event.MOVED, -1, c.account, c.other, 0, 0, 0, c.amount)
    return code.OK
