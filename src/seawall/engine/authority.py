"""Who may do what (kernels): SPEC section 4 and terms/command.py.

A signer is the number of a master account, -1 - an agent's row, or a role. A master signs for itself and for its
sub-accounts, which have no key of their own; an agent for the account that approved it and, when that is a master, its
sub-accounts. Agents never move value out of an owner's accounts. A role signs only the kinds that are its own.
"""

from typing import Any, Final

from seawall.engine.nonces import use_nonce
from seawall.kernel import kernel
from seawall.ledger.state import ACCOUNTS, AGENTS_USED, NOW
from seawall.terms import code, command

__all__ = ["NO_RISK", "RIGHTS", "RISK_INCREASING", "account_exists", "authorise", "use_nonce"]

# rights a kind needs: one of these, or the role that alone may sign it
NOBODY: Final = 0
OWNER: Final = 1  # a master's own signature
TRADE: Final = 2  # or an agent's with MAY_TRADE
TRANSFER: Final = 3  # or an agent's with MAY_TRANSFER
ENTRY: Final = 4  # whoever brings in new addresses: the sequencer's gateway, or the bridge for a first deposit

_NEEDED: Final[dict[int, int]] = {
    command.CREATE_ACCOUNT: ENTRY,
    command.CREATE_SUB: OWNER,
    command.APPROVE_AGENT: OWNER,
    command.REVOKE_AGENT: OWNER,
    command.DEPOSIT: command.BRIDGE,
    command.WITHDRAW: OWNER,
    command.FINISH_WITHDRAWAL: command.BRIDGE,
    command.CANCEL_WITHDRAWAL: command.BRIDGE,
    command.TRANSFER: TRANSFER,
    command.ISOLATED_MARGIN: TRADE,
    command.SET_TOP_UP: TRADE,
    command.MOVE_POSITION: TRADE,
    command.SET_LEVERAGE: TRADE,
    command.PLACE: TRADE,
    command.MODIFY: TRADE,
    command.CANCEL: TRADE,
    command.CANCEL_CLIENT: TRADE,
    command.CANCEL_ALL: TRADE,
    command.SCHEDULE_CANCEL: TRADE,
    command.TWAP: TRADE,
    command.CANCEL_TWAP: TRADE,
    command.TICK: command.SEQUENCER,
    command.ORACLE: command.ORACLES,
    command.FUNDING: command.SEQUENCER,
    command.LIQUIDATE: command.SEQUENCER,
    command.POOL_ADD: OWNER,
    command.POOL_REMOVE: OWNER,
    command.INSURANCE_ADD: OWNER,
    command.INSURANCE_REMOVE: command.ADMIN,
    command.PROPOSE: command.RISK,
    command.GUARD: command.GUARDIAN,
    command.LIST_MARKET: command.ADMIN,
    command.SET_TIER: command.ADMIN,
    command.SET_PARAMETER: command.ADMIN,
    command.SET_STATUS: command.ADMIN,
    command.SET_SOURCE: command.ADMIN,
    command.DELIST: command.ADMIN,
    command.LIST_ASSET: command.ADMIN,
    command.SET_ASSET: command.ADMIN,
    command.PROPOSE_ASSET: command.RISK,
    command.DEPOSIT_ASSET: command.BRIDGE,
    command.WITHDRAW_ASSET: OWNER,
    command.MOVE_ASSET: TRADE,
    command.BUY_ASSET: OWNER,
    command.ATTACH_RANGE: command.BRIDGE,
    command.DETACH_RANGE: OWNER,
    command.MOVE_RANGE: TRADE,
    command.UNWIND_RANGE: command.BRIDGE,
    command.SET_PORTFOLIO: OWNER,
    command.RESHAPE_RANGE: command.BRIDGE,
}
RIGHTS: Final = tuple(_NEEDED.get(kind, NOBODY) for kind in range(max(command.FIELDS) + 1))
NAMES_ACCOUNT: Final = tuple(
    1 if "account" in command.FIELDS.get(kind, ()) else 0 for kind in range(max(command.FIELDS) + 1)
)

# Every kind that can lower a bucket's collateral or raise its risk, with the check that it may not skip; every other
# kind, with the reason why it needs none. tests/unit/test_engine_authority.py walks all kinds (Euler 2023: one verb
# without its check, after six audits).
RISK_INCREASING: Final[dict[int, str]] = {
    command.WITHDRAW: "ledger.leaving.may_leave of cross",
    command.TRANSFER: "ledger.leaving.may_leave of the giving cross bucket",
    command.ISOLATED_MARGIN: "ledger.leaving.may_leave of the giving bucket",
    command.MOVE_POSITION: "ledger.health.accepts of what is left, initial margin of what receives, payable profit",
    command.SET_LEVERAGE: "initial margin at the new leverage unless initial margin falls",
    command.PLACE: "ledger.health.accepts after the order, and at each fill",
    command.MODIFY: "ledger.health.accepts after the change, and at each fill",
    command.TWAP: "each slice is an order: ledger.health.accepts",
    command.TICK: "its slices and stops are orders: ledger.health.accepts; parameters within their rails",
    command.ORACLE: "stops that fire are orders: ledger.health.accepts; quorum, step, deviation and mark band",
    command.FUNDING: "funding cap; the clock and the interval",
    command.LIQUIDATE: "liquidates only equity below maintenance; winners keep their maintenance",
    command.POOL_ADD: "ledger.leaving.may_leave of cross",
    command.POOL_REMOVE: "ledger.leaving.may_leave of the pool",
    command.INSURANCE_ADD: "ledger.leaving.may_leave of cross",
    command.INSURANCE_REMOVE: "the fund's floor",
    command.PROPOSE: "its rails, signers and sequence",
    command.SET_TIER: "only before a market opens, or with notice",
    command.SET_PARAMETER: "range; loosening waits",
    command.DELIST: "reduce-only settlement at one price in bounded steps",
    command.SET_ASSET: "range; what loosens or may liquidate waits a day",
    command.PROPOSE_ASSET: "its rails, signers and sequence; no rail moves what open positions rest on",
    command.WITHDRAW_ASSET: "ledger.leaving.margin_room of cross without what leaves",
    command.MOVE_ASSET: "ledger.leaving.margin_room of the giving bucket without what leaves",
    command.BUY_ASSET: "ledger.leaving.may_leave of the buyer's cross; the seller is in liquidation or a pool",
    command.DETACH_RANGE: "ledger.leaving.margin_room of cross without the position",
    command.MOVE_RANGE: "ledger.leaving.margin_room of the giving bucket without the position",
    command.UNWIND_RANGE: "the bridge tells what a pool has paid; the position was in its custody",
    command.SET_PORTFOLIO: "initial margin of cross by the rule that it asks for",
    command.RESHAPE_RANGE: "ledger.leaving.margin_room of the bucket with what the position is afterwards",
}
NO_RISK: Final[dict[int, str]] = {
    command.CREATE_ACCOUNT: "an empty account",
    command.CREATE_SUB: "an empty account",
    command.APPROVE_AGENT: "moves nothing; an agent's commands are checked as the owner's",
    command.REVOKE_AGENT: "moves nothing",
    command.DEPOSIT: "raises collateral",
    command.DEPOSIT_ASSET: "raises collateral, within its caps",
    command.ATTACH_RANGE: "raises collateral, within caps, width and number",
    command.LIST_ASSET: "an asset starts with caps and weights of 0",
    command.FINISH_WITHDRAWAL: "pays what left the account at WITHDRAW",
    command.CANCEL_WITHDRAWAL: "raises collateral",
    command.SET_TOP_UP: "moves nothing; a top-up is bounded by ledger.leaving.may_leave of cross",
    command.CANCEL: "frees margin",
    command.CANCEL_CLIENT: "frees margin",
    command.CANCEL_ALL: "frees margin",
    command.SCHEDULE_CANCEL: "frees margin",
    command.CANCEL_TWAP: "ends orders to come",
    command.GUARD: "only tightens",
    command.LIST_MARKET: "a market starts closed with caps of 0",
    command.SET_STATUS: "opens in stages; positions stay",
    command.SET_SOURCE: "quorum and deviation hold",
}


@kernel
def account_exists(s: Any, account: int) -> bool:
    """Whether an account has this number."""
    return bool(0 <= account < s.cell[ACCOUNTS])


@kernel
def authorise(s: Any, kind: int, signer: int, account: int) -> int:
    """OK when `signer` may sign this kind for `account`.

    Else, in this order: NOT_AUTHORISED for a signer that does not exist or may never sign the kind, UNKNOWN_ACCOUNT,
    NOT_AUTHORISED for another owner's account, AGENT_EXPIRED, AGENT_SCOPE. The kind is known (its shape was checked).
    """
    right = RIGHTS[kind]
    if right in (OWNER, TRADE, TRANSFER):
        return _person(s, right, signer, account)
    if right == ENTRY:
        if signer not in (command.SEQUENCER, command.BRIDGE):
            return code.NOT_AUTHORISED
    elif right == NOBODY or signer != right:
        return code.NOT_AUTHORISED
    if NAMES_ACCOUNT[kind] != 0 and not account_exists(s, account):
        return code.UNKNOWN_ACCOUNT
    return code.OK


@kernel
def _person(s: Any, right: int, signer: int, account: int) -> int:
    if signer >= 0:
        if not account_exists(s, signer) or s.account_master[signer] != signer:
            return code.NOT_AUTHORISED
        if not account_exists(s, account):
            return code.UNKNOWN_ACCOUNT
        return code.OK if s.account_master[account] == signer else code.NOT_AUTHORISED
    agent = -1 - signer
    if agent < 1 or agent >= s.cell[AGENTS_USED] or s.agent_scope[agent] == 0:
        return code.NOT_AUTHORISED
    if not account_exists(s, account):
        return code.UNKNOWN_ACCOUNT
    principal = s.agent_account[agent]
    if account != principal and s.account_master[account] != principal:
        return code.NOT_AUTHORISED
    if s.agent_expires[agent] != 0 and s.cell[NOW] >= s.agent_expires[agent]:
        return code.AGENT_EXPIRED
    if right == TRADE:
        return code.OK if s.agent_scope[agent] & command.MAY_TRADE else code.AGENT_SCOPE
    if right == TRANSFER:
        return code.OK if s.agent_scope[agent] & command.MAY_TRANSFER else code.AGENT_SCOPE
    return code.AGENT_SCOPE
