"""Who may sign what, in the model's words: masters sign for their accounts, agents within their scope, roles alone."""

from typing import Any, Final

from seawall.ledger import state
from seawall.terms import code, command

DAY_MS: Final = 86_400_000
PARTS: Final = 4_096  # of one signed action
BY_ROLE: Final = {
    command.DEPOSIT: (command.BRIDGE,),
    command.FINISH_WITHDRAWAL: (command.BRIDGE,),
    command.CANCEL_WITHDRAWAL: (command.BRIDGE,),
    command.CREATE_ACCOUNT: (command.SEQUENCER, command.BRIDGE),
    command.TICK: (command.SEQUENCER,),
    command.FUNDING: (command.SEQUENCER,),
    command.LIQUIDATE: (command.SEQUENCER,),
    command.ORACLE: (command.ORACLES,),
    command.PROPOSE: (command.RISK,),
    command.GUARD: (command.GUARDIAN,),
    command.INSURANCE_REMOVE: (command.ADMIN,),
    command.LIST_MARKET: (command.ADMIN,),
    command.SET_TIER: (command.ADMIN,),
    command.SET_PARAMETER: (command.ADMIN,),
    command.SET_STATUS: (command.ADMIN,),
    command.SET_SOURCE: (command.ADMIN,),
    command.DELIST: (command.ADMIN,),
    command.LIST_ASSET: (command.ADMIN,),
    command.SET_ASSET: (command.ADMIN,),
    command.PROPOSE_ASSET: (command.RISK,),
    command.DEPOSIT_ASSET: (command.BRIDGE,),
    command.ATTACH_RANGE: (command.BRIDGE,),
    command.UNWIND_RANGE: (command.BRIDGE,),
    command.RESHAPE_RANGE: (command.BRIDGE,),
}
OWNERS_ONLY: Final = (
    command.CREATE_SUB,
    command.APPROVE_AGENT,
    command.REVOKE_AGENT,
    command.WITHDRAW,
    command.POOL_ADD,
    command.POOL_REMOVE,
    command.INSURANCE_ADD,
    command.WITHDRAW_ASSET,
    command.BUY_ASSET,
    command.DETACH_RANGE,
    command.SET_PORTFOLIO,
)


def refusals(columns: Any, c: dict[str, int]) -> list[int]:
    """Codes that may refuse this signer and nonce; none when it may sign."""
    kind, signer = c["kind"], c["signer"]
    many = int(columns["cell"][state.ACCOUNTS])
    if kind in BY_ROLE:
        why = [] if signer in BY_ROLE[kind] else [code.NOT_AUTHORISED]
        if "account" in command.FIELDS[kind] and not 0 <= c["account"] < many:
            why.append(code.UNKNOWN_ACCOUNT)
        return why
    if not 0 <= c["account"] < many:
        return [code.UNKNOWN_ACCOUNT, code.NOT_AUTHORISED]
    master = int(columns["account_master"][c["account"]])
    if signer <= command.SEQUENCER:
        return [code.NOT_AUTHORISED]
    if signer >= 0:
        why = [] if signer == master else [code.NOT_AUTHORISED]
        return why + _nonce(columns, c, signer, many)
    agent = -1 - signer
    if agent >= int(columns["cell"][state.AGENTS_USED]) or columns["agent_scope"][agent] == 0:
        return [code.NOT_AUTHORISED]
    why, now = [], int(columns["cell"][state.NOW])
    if int(columns["agent_account"][agent]) not in (c["account"], master):
        why.append(code.NOT_AUTHORISED)
    expires = int(columns["agent_expires"][agent])
    if expires and now >= expires:
        why.append(code.AGENT_EXPIRED)
    wanted = command.MAY_TRANSFER if kind == command.TRANSFER else command.MAY_TRADE
    if kind in OWNERS_ONLY or not int(columns["agent_scope"][agent]) & wanted:
        why.append(code.AGENT_SCOPE)
    return why + _nonce(columns, c, len(columns["account_master"]) + agent, many)


def _nonce(columns: Any, c: dict[str, int], index: int, many: int) -> list[int]:
    now, nonce = int(columns["cell"][state.NOW]), c["nonce"]
    if index < len(columns["account_master"]) and index >= many:
        return [code.NOT_AUTHORISED]
    why = []
    if nonce <= int(columns["nonce_floor"][index]) or nonce <= now - 2 * DAY_MS:
        why.append(code.NONCE_OLD)
    if nonce > now + DAY_MS or c["time"] >= PARTS:
        why.append(code.BAD_TIME)
    same = (columns["nonce_value"] == nonce) & (columns["nonce_signer"] == index)
    if (columns["nonce_part"][same] >= c["time"]).any():
        why.append(code.NONCE_USED)
    return why


# refusals in the range of authority that speak of something else than the signer
BEYOND_SIGNING: Final[dict[int, tuple[int, ...]]] = {
    command.CREATE_ACCOUNT: (code.ACCOUNT_EXISTS, code.AGENT_EXISTS),
    command.CREATE_SUB: (code.NOT_AUTHORISED,),
    command.APPROVE_AGENT: (code.AGENT_EXISTS,),
    command.REVOKE_AGENT: (code.UNKNOWN_AGENT,),
    command.PROPOSE: (code.NOT_ENOUGH_SIGNERS,),
    command.TRANSFER: (code.UNKNOWN_ACCOUNT, code.AGENT_SCOPE),
}
