"""Withdrawals on their way out of the vault: what the engine holds back, the owner's signed action, the vault's number.

An action is kept before the engine sees it, so that no withdrawal is without its signature. A withdrawal is brought to
the vault once every trade before it is settled; when the vault has paid it, the engine is told.
"""

from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any, Final

import msgspec

from seawall.signing import Signature
from seawall.units import BadInput
from seawall.venue.onchain.trades import lines_of

ACTIONS: Final = "actions.jsonl"
EXITS: Final = "exits.jsonl"
V_LEAST: Final = 27


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """A `withdraw3` as its wallet has signed it."""

    owner: str
    network: str
    destination: str
    amount: str
    time: int
    signing_chain: int
    r: str  # hex: 256 bits are more than JSON's numbers hold
    s: str
    v: int

    @property
    def words(self) -> tuple[Any, ...]:
        """The arguments of the vault's `withdraw_by_action`."""
        action = (self.network, self.destination, self.amount, self.time, self.signing_chain)
        return self.owner, action, int(self.r, 16), int(self.s, 16), self.v


class Exit(msgspec.Struct, kw_only=True):
    """A withdrawal of the engine's: `identity` is its id, `after` the last trade before it. `number` is the vault's."""

    identity: int
    owner: str
    payee: str
    amount: int
    after: int
    time: int = 0  # of its action; 0: none is known
    number: int = 0
    ready: int = 0  # s
    ended: bool = False


def action_of(action: Mapping[str, Any], signature: Signature, owner: bytes) -> Action:
    """The signed action of a request of the API. BadInput when a field is missing."""
    try:
        chain = int(str(action["signatureChainId"]), 16)
        return Action(
            owner="0x" + owner.hex(),
            network=action["hyperliquidChain"],
            destination=action["destination"],
            amount=action["amount"],
            time=action["time"],
            signing_chain=chain,
            r=hex(signature.r),
            s=hex(signature.s),
            v=V_LEAST + signature.parity,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise BadInput("action", f"no withdrawal: {error}") from error


class Exits:
    """Both files, and the withdrawals that have not ended."""

    def __init__(self, folder: Path) -> None:
        self._actions: list[Action] = lines_of(folder / ACTIONS, Action)
        self.open: dict[int, Exit] = {}
        for one in lines_of(folder / EXITS, Exit):
            self.open[one.identity] = one
        self._taken = {one.time for one in self.open.values()}
        self.open = {identity: one for identity, one in self.open.items() if not one.ended}
        self._action_file = (folder / ACTIONS).open("ab")
        self._file = (folder / EXITS).open("ab")

    def keep(self, action: Action) -> None:
        """Before the engine is asked."""
        self._actions.append(action)
        _write(self._action_file, action)

    def add(self, one: Exit) -> None:
        """A withdrawal that the engine has taken; its action is the oldest of the same owner, payee and amount."""
        if one.identity in self.open:
            return
        found = [action for action in self._actions if action.time not in self._taken and _is_of(action, one)]
        if found:
            one.time = found[0].time
            self._taken.add(one.time)
        self.note(one)

    def note(self, one: Exit) -> None:
        """What has become of a withdrawal."""
        self.open[one.identity] = one
        _write(self._file, one)
        if one.ended:
            del self.open[one.identity]

    def forget(self, pending: Set[int]) -> None:
        """After a start: what nobody has brought and is not `pending` had returned to its account before a crash."""
        for one in [*self.open.values()]:
            if one.number == 0 and one.identity not in pending:
                one.ended = True
                self.note(one)

    def action(self, one: Exit) -> Action | None:
        """The signed action of a withdrawal."""
        found = [action for action in self._actions if action.time == one.time and action.owner == one.owner]
        return found[0] if found else None

    def close(self) -> None:
        self._action_file.close()
        self._file.close()


def _is_of(action: Action, one: Exit) -> bool:
    from seawall.venue.decimals import USD_DECIMALS, units_of

    try:
        amount = units_of(action.amount, USD_DECIMALS, "amount")
    except BadInput:
        return False
    return (action.owner, action.destination.lower(), amount) == (one.owner, one.payee.lower(), one.amount)


def _write(file: Any, value: Any) -> None:
    file.write(msgspec.json.encode(value) + b"\n")
    file.flush()
