"""Accounts, sub-accounts and agents (kernels). Account a's cross bucket is bucket a; accounts are never removed."""

from typing import Any

from seawall.engine.addresses import add_address, find_address, is_address, remove_address
from seawall.engine.nonces import carry_floor, note_revoked
from seawall.kernel import kernel
from seawall.ledger.events import emit
from seawall.ledger.state import ACCOUNTS, AGENT_FREE, AGENTS_USED, CROSS, NOW, RESULT
from seawall.terms import code, command, event
from seawall.terms.limits import AGENTS_PER_ACCOUNT, SUBACCOUNTS


@kernel
def create_account(s: Any, c: Any) -> int:
    """A new master account for an address that has none.

    From the sequencer the address itself has signed it: somebody who had named it an agent, asked or not, loses that
    agent. The bridge only saw a deposit, and leaves agents alone (AGENT_EXISTS).
    """
    if not is_address(c.address_0, c.address_1, c.address_2):
        return code.BAD_FIELD
    holder = find_address(s, c.address_0, c.address_1, c.address_2)
    if holder > 0:
        return code.ACCOUNT_EXISTS
    if holder < 0 and c.signer != command.SEQUENCER:
        return code.AGENT_EXISTS
    if s.cell[ACCOUNTS] >= len(s.account_master):
        return code.ACCOUNTS_FULL
    if holder < 0:
        _remove_agent(s, -holder)
    account = s.cell[ACCOUNTS]
    s.account_address[account, 0] = c.address_0
    s.account_address[account, 1] = c.address_1
    s.account_address[account, 2] = c.address_2
    add_address(s, c.address_0, c.address_1, c.address_2, account + 1)
    _open(s, account, account)
    return code.OK


@kernel
def create_sub(s: Any, c: Any) -> int:
    """A new sub-account of a master, without an address: its master and its agents sign for it."""
    master = c.account
    if s.account_master[master] != master:
        return code.NOT_AUTHORISED
    held, sub = 0, s.account_sub[master]
    while sub != 0:  # at most SUBACCOUNTS
        held, sub = held + 1, s.account_sub[sub - 1]
    if held >= SUBACCOUNTS or s.cell[ACCOUNTS] >= len(s.account_master):
        return code.ACCOUNTS_FULL
    account = s.cell[ACCOUNTS]
    s.account_sub[account] = s.account_sub[master]
    s.account_sub[master] = account + 1
    _open(s, account, master)
    return code.OK


@kernel
def _open(s: Any, account: int, master: int) -> None:
    s.cell[ACCOUNTS] = account + 1
    s.account_master[account] = master
    s.bucket_kind[account] = CROSS
    s.bucket_owner[account] = account
    s.cell[RESULT] = account
    emit(s, event.ACCOUNT, -1, account, master, 0, 0, 0, 0)


@kernel
def approve_agent(s: Any, c: Any) -> int:
    """Lets an address sign for the account, within a scope and until `expires` (0: no end).

    Approving an agent of the account again replaces its scope and expiry. An address that is an account's or another
    account's agent is refused.
    """
    if not is_address(c.address_0, c.address_1, c.address_2):
        return code.BAD_FIELD
    if c.amount <= 0 or c.amount > command.MAY_TRADE | command.MAY_TRANSFER:
        return code.BAD_FIELD
    if c.expires != 0 and c.expires <= s.cell[NOW]:
        return code.BAD_TIME
    holder = find_address(s, c.address_0, c.address_1, c.address_2)
    agent = -holder
    if holder > 0 or (holder < 0 and s.agent_account[agent] != c.account):
        return code.AGENT_EXISTS
    if holder == 0:
        if not _has_agent_room(s, c.account):
            return code.AGENTS_FULL
        agent = _add_agent(s, c)
    s.agent_scope[agent] = c.amount
    s.agent_expires[agent] = c.expires
    s.cell[RESULT] = agent
    emit(s, event.AGENT, -1, c.account, agent, 0, c.expires, 1, c.amount)
    return code.OK


@kernel
def _has_agent_room(s: Any, account: int) -> bool:
    held, agent = 0, s.account_agent[account]
    while agent != 0:  # at most AGENTS_PER_ACCOUNT
        held, agent = held + 1, s.agent_next[agent]
    if held >= AGENTS_PER_ACCOUNT:
        return False
    return bool(s.cell[AGENT_FREE] != 0 or s.cell[AGENTS_USED] < len(s.agent_scope))


@kernel
def _add_agent(s: Any, c: Any) -> int:
    agent = s.cell[AGENT_FREE]
    if agent != 0:
        s.cell[AGENT_FREE] = s.agent_next[agent]
    else:
        agent = s.cell[AGENTS_USED]
        s.cell[AGENTS_USED] = agent + 1
    s.agent_address[agent, 0] = c.address_0
    s.agent_address[agent, 1] = c.address_1
    s.agent_address[agent, 2] = c.address_2
    add_address(s, c.address_0, c.address_1, c.address_2, -agent)
    s.agent_account[agent] = c.account
    s.agent_next[agent] = s.account_agent[c.account]
    s.account_agent[c.account] = agent
    carry_floor(s, s.account_master[c.account], agent)
    return int(agent)


@kernel
def revoke_agent(s: Any, c: Any) -> int:
    """Ends an agent of the account. Its row may serve another later; its nonces stay used up."""
    if not is_address(c.address_0, c.address_1, c.address_2):
        return code.BAD_FIELD
    agent = -find_address(s, c.address_0, c.address_1, c.address_2)
    if agent <= 0 or s.agent_account[agent] != c.account:
        return code.UNKNOWN_AGENT
    _remove_agent(s, agent)
    return code.OK


@kernel
def _remove_agent(s: Any, agent: int) -> None:
    account = s.agent_account[agent]
    remove_address(s, s.agent_address[agent, 0], s.agent_address[agent, 1], s.agent_address[agent, 2])
    _unlink_agent(s, account, agent)
    note_revoked(s, s.account_master[account], agent)
    for word in range(3):
        s.agent_address[agent, word] = 0
    s.agent_account[agent] = 0
    s.agent_scope[agent] = 0
    s.agent_expires[agent] = 0
    s.agent_next[agent] = s.cell[AGENT_FREE]
    s.cell[AGENT_FREE] = agent
    emit(s, event.AGENT, -1, account, agent, 0, 0, 0, 0)


@kernel
def _unlink_agent(s: Any, account: int, agent: int) -> None:
    if s.account_agent[account] == agent:
        s.account_agent[account] = s.agent_next[agent]
        return
    before = s.account_agent[account]
    while s.agent_next[before] != agent:  # at most AGENTS_PER_ACCOUNT
        before = s.agent_next[before]
    s.agent_next[before] = s.agent_next[agent]
