"""Play money, of a venue whose bridge is local. Limits follow from the log, but a day's count ends with the process."""

import asyncio
from typing import Final

from seawall.ledger.state import VAULT
from seawall.terms.parameter import DAY_MS
from seawall.units import USD_ONE, BadInput, floor_div, whole
from seawall.venue.bridge import Bridge, CreditError
from seawall.venue.clock import Clock
from seawall.venue.config import Faucet as Limits
from seawall.venue.service import Service

USD_MAX: Final = 10**9  # of any request, whatever is configured


class Faucet:
    """Gives to whoever asks, and once to whoever shows up."""

    def __init__(self, service: Service, bridge: Bridge, clock: Clock) -> None:
        self.service = service
        self.bridge = bridge
        self.clock = clock
        self.limits: Limits = service.config.faucet
        self._day = 0
        self._given: dict[bytes, int] = {}  # USD of today by address
        self._arriving: dict[bytes, asyncio.Task[int]] = {}
        self._owners = 0
        self._counted = 0  # accounts that `_owners` has seen

    @property
    def is_open(self) -> bool:
        """Whether there is a faucet at all."""
        return self.limits.enabled and self.service.config.bridge.local

    async def give(self, address: bytes, usd: int) -> int:
        """Credits whole USD to an address, whose account is made when it has none; the account.

        BadInput above a limit or when there is no faucet; what Bridge.credit raises otherwise.
        """
        whole(usd, "usd", 1, USD_MAX)
        self._require(address, usd)
        self._given[address] = self._given.get(address, 0) + usd
        try:
            return await self.bridge.credit(address, usd * USD_ONE)
        except BaseException:
            self._given[address] -= usd
            raise

    async def give_asset(self, address: bytes, asset: int, worth: int, fields: dict[str, int]) -> int:
        """Credits collateral to an address: lots, or a liquidity position; the account. `worth` is in micro-USD.

        It counts against the same limits as play money. What the engine would not take goes back, and counts as well.
        """
        usd = max(1, floor_div(worth, USD_ONE))
        whole(usd, "size", 1, USD_MAX)
        self._require(address, usd)
        self._given[address] = self._given.get(address, 0) + usd
        try:
            return await self.bridge.credit_asset(address, asset, fields)
        except BaseException:
            self._given[address] -= usd
            raise

    async def welcome(self, address: bytes) -> int:
        """The account of an address; one that shows itself for the first time gets an account and its first money.

        -1 when it has none and gets none: an agent's key, an address that is nobody's, no faucet, nothing given
        unasked, or a limit reached. Raises BusyError and StoppedError as Desk.submit does, and nothing else.
        """
        account = self.service.people.account_of(address)
        is_known = account >= 0 or address in self.service.people.agents
        if is_known or not self.is_open or self.limits.automatic_usd == 0:
            return account
        task = self._arriving.get(address)
        if task is None:
            try:
                self._require(address, self.limits.automatic_usd)
            except BadInput:
                return -1
            amount = self.limits.automatic_usd * USD_ONE
            task = asyncio.get_running_loop().create_task(self.bridge.credit(address, amount))
            self._arriving[address] = task
            task.add_done_callback(lambda _: self._arriving.pop(address, None))
        try:
            return await asyncio.shield(task)
        except CreditError:
            return -1

    def _require(self, address: bytes, usd: int) -> None:
        limits, vault = self.limits, int(self.service.columns["cell"][VAULT])
        if not self.is_open:
            raise BadInput("faucet", "this venue gives no play money")
        if usd > max(limits.most_usd, limits.automatic_usd):
            raise BadInput("usd", f"at most {limits.most_usd} at once")
        today = floor_div(self.clock.now(), DAY_MS)
        if today != self._day:
            self._day, self._given = today, {}
        if self._given.get(address, 0) + usd > limits.day_usd:
            raise BadInput("usd", f"at most {limits.day_usd} for one address in a day")
        if vault + usd * USD_ONE > limits.vault_usd * USD_ONE:
            raise BadInput("faucet", "it is dry: the venue holds as much play money as it may")
        if self.service.people.account_of(address) < 0 and self._count() + len(self._arriving) >= limits.addresses:
            raise BadInput("faucet", f"it has {limits.addresses} owners already and takes no more")

    def _count(self) -> int:
        """Owners in the venue: accounts are never removed."""
        persons = self.service.people.persons
        for person in persons[self._counted :]:
            self._owners += person.master == person.account
        self._counted = len(persons)
        return self._owners
