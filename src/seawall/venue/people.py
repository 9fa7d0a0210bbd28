"""Who is who: addresses of accounts, sub-accounts and agents, and the names they were given. Follows the log."""

from typing import Any, Final

import msgspec

from seawall.ledger import state
from seawall.terms import command
from seawall.venue.names import address_from, keyless_address, name_from, words_of

SPOT_NAME: Final = "(spot)"  # of the sub-account that holds an owner's USD outside margin: nobody can take this name


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """A key that signs for an account. `number` is its row in the engine."""

    number: int
    account: int
    address: bytes
    scope: int
    expires: int  # ms; 0: never
    name: str


class Person(msgspec.Struct, kw_only=True):
    """An account. `master` is itself for an owner; a sub-account's address is one that nobody can sign for."""

    account: int
    master: int
    address: bytes
    name: str
    subs: list[int]
    agents: dict[bytes, Agent]
    spot: int  # the sub-account that holds USD outside margin; -1: none


class People:
    """All accounts by number and by address, all agents by address."""

    def __init__(self) -> None:
        self.persons: list[Person] = []
        self.by_address: dict[bytes, int] = {}
        self.agents: dict[bytes, Agent] = {}

    def account_of(self, address: bytes) -> int:
        """The account with an address; -1 when there is none."""
        return self.by_address.get(address, -1)

    def signer_of(self, address: bytes) -> tuple[int, int]:
        """(signer, account it signs for) of a key: an owner, or an agent as -1 - number; (0, -1) for nobody."""
        account = self.by_address.get(address, -1)
        if account >= 0 and self.persons[account].master == account:
            return account, account
        agent = self.agents.get(address)
        return (-1 - agent.number, agent.account) if agent is not None else (0, -1)

    def subs_of(self, account: int) -> list[int]:
        """Sub-accounts that the owner made, in order; the one that holds USD outside margin is not among them."""
        person = self.persons[account]
        return [sub for sub in person.subs if sub != person.spot]

    def family(self, account: int) -> list[int]:
        """The owner and all its sub-accounts, the hidden one too."""
        master = self.persons[account].master
        return [master, *self.persons[master].subs]

    def add_account(self, account: int, master: int, address: bytes, name: str) -> Person:
        """A new account, the next number. A sub-account's `address` is not looked at."""
        assert account == len(self.persons)
        own = address if master == account else keyless_address("sub-account", account)
        person = Person(account=account, master=master, address=own, name=name, subs=[], agents={}, spot=-1)
        self.persons.append(person)
        self.by_address[own] = account
        if master != account:
            owner = self.persons[master]
            owner.subs.append(account)
            if name == SPOT_NAME:
                owner.spot = account
        return person

    def set_agent(self, agent: Agent) -> None:
        """A new agent, or the same one with another scope, expiry or name."""
        self.agents[agent.address] = agent
        self.persons[agent.account].agents[agent.address] = agent

    def drop_agent(self, account: int, number: int) -> None:
        """An agent that is gone."""
        for agent in [*self.persons[account].agents.values()]:
            if agent.number == number:
                del self.persons[account].agents[agent.address]
                del self.agents[agent.address]

    def load(self, columns: Any, names: dict[int, str], agent_names: dict[bytes, str]) -> None:
        """Everybody as the columns have them, with names that were kept elsewhere."""
        self.__init__()  # type: ignore[misc]
        for account in range(int(columns["cell"][state.ACCOUNTS])):
            words = columns["account_address"][account].tolist()
            master = int(columns["account_master"][account])
            self.add_account(account, master, address_from((words[0], words[1], words[2])), names.get(account, ""))
        for number in range(1, int(columns["cell"][state.AGENTS_USED])):
            if columns["agent_scope"][number]:
                words = columns["agent_address"][number].tolist()
                address = address_from((words[0], words[1], words[2]))
                self.set_agent(
                    Agent(
                        number=number,
                        account=int(columns["agent_account"][number]),
                        address=address,
                        scope=int(columns["agent_scope"][number]),
                        expires=int(columns["agent_expires"][number]),
                        name=agent_names.get(address, ""),
                    )
                )


def address_of_row(row: dict[str, int]) -> bytes:
    """The address in a command."""
    return address_from((row["address_0"], row["address_1"], row["address_2"]))


def name_of_row(row: dict[str, int]) -> str:
    """The name in a command."""
    return name_from((row["client_high"], row["client_low"]))


def address_fields(address: bytes) -> dict[str, int]:
    """An address as fields of a command."""
    words = words_of(address)
    return {"address_0": words[0], "address_1": words[1], "address_2": words[2]}


def may_trade(agent: Agent, now: int) -> bool:
    """Whether an agent may trade at a time."""
    return bool(agent.scope & command.MAY_TRADE) and (agent.expires == 0 or now < agent.expires)
