"""All simulated traders of a venue: makers, takers and followers of trends, as residents with rows like anybody's.

They act in small jobs, a few markets at a time, so that nobody's order waits for them. What they know they read
from the log's own views; a restart goes on with the orders and positions that are there.
"""

import asyncio
import logging
from itertools import count
from typing import Final

import msgspec
import numpy as np

from seawall.lab.listing import Fields
from seawall.terms import code, command
from seawall.units import USD_ONE, ceil_div
from seawall.venue.bridge import CreditError
from seawall.venue.clock import Clock
from seawall.venue.desk import BusyError, StoppedError
from seawall.venue.residents import Residents
from seawall.venue.service import Service
from seawall.venue.traders.followers import RETURN_MS, Follower, Trend
from seawall.venue.traders.makers import Maker, Moves
from seawall.venue.traders.scene import View, equity_of, held, resting, views_of
from seawall.venue.traders.takers import market_order, wants

STEP_MS: Final = 500
MARKETS: Final = 2  # that makers look at in a step
ROWS_MAX: Final = 48  # of a step
MAKER_USD: Final = 2_000_000
TAKER_USD: Final = 50_000
LOW: Final = 0.5  # of what a maker or taker began with: then it gets more
REFILL_MS: Final = 60_000  # between two looks at that
Roles = tuple[tuple[str, int], ...]  # a role, and the number of its first trader
EVERYBODY: Final[Roles] = (("maker", 0), ("taker", 0), ("follower", 0))

log = logging.getLogger(__name__)


class Doings(msgspec.Struct, kw_only=True):
    """What an operator wants to see of them."""

    steps: int = 0
    rows: int = 0
    refused: int = 0  # rows: prices move between looking and acting
    skipped: int = 0  # steps for which the venue had no room
    stakes: int = 0  # followers who came back


class Traders:
    """`start` them in the event loop; `pause` and `resume`; `stop` leaves their orders as they are."""

    def __init__(self, service: Service, residents: Residents, clock: Clock) -> None:
        self.service = service
        self.residents = residents
        self.clock = clock
        self.terms = service.config.traders
        self.doings = Doings()
        self.is_paused = False
        self.makers: list[Maker] = []
        self.takers: list[int] = []
        self.followers: list[Follower] = []
        self._trends: dict[int, Trend] = {}
        self._rng = np.random.Generator(np.random.PCG64([self.terms.seed, service.now]))
        self._turn = 0
        self._last = 0
        self._refilled = 0
        self._money: set[asyncio.Task[int]] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to trade. Not configured, or with real money: only takes back what earlier ones left in the book."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="seawall-traders")

    async def stop(self) -> None:
        """Ends it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, *self._money, return_exceptions=True)
            self._task = None

    async def pause(self) -> None:
        """Takes all their orders out of the book; nothing more until `resume`. Positions stay."""
        self.is_paused = True
        await self._leave(EVERYBODY)

    def resume(self) -> None:
        """Goes on."""
        self.is_paused = False

    @property
    def is_on(self) -> bool:
        """Whether there are any."""
        return self.terms.enabled and self.service.config.bridge.local

    async def gather(self) -> None:
        """Makes the accounts that are missing and gives them money. See Bridge.credit for what it raises."""
        terms = self.terms
        self.makers = [Maker(await self._bring("maker", k, MAKER_USD), k) for k in range(terms.makers)]
        self.takers = [await self._bring("taker", k, TAKER_USD) for k in range(terms.takers)]
        self.followers = [Follower(await self._bring("follower", k, 0), k) for k in range(terms.followers)]

    async def step(self) -> None:
        """Looks around and acts once. Raises StoppedError; without room for the rows it does nothing."""
        now = self.clock.now()
        elapsed = min(max(now - self._last, 0), 10 * STEP_MS) if self._last else STEP_MS
        self._last = now
        views = views_of(self.service)
        for view in views:
            self._trends.setdefault(view.listing.number, Trend()).see(view.price, elapsed)
        self._refill(now)
        fields = (self._quotes(views) + self._takes(views, elapsed) + self._follow(views, now))[:ROWS_MAX]
        self.doings.steps += 1
        self._turn += 1
        if not fields:
            return
        try:
            done = await self.residents.submit(fields)
        except BusyError:
            self.doings.skipped += 1
            return
        self.doings.rows += len(fields)
        self.doings.refused += sum(int(result) != code.OK for result in done.codes.tolist())

    async def _run(self) -> None:
        try:
            if not self.is_on:
                return await self._leave(EVERYBODY)
            await self.gather()
            await self._leave(self._beyond)
            while True:  # until stopped
                await self.clock.sleep(STEP_MS)
                if not self.is_paused:
                    await self.step()
        except StoppedError:
            return None
        except CreditError as error:
            log.error("simulated traders cannot go on: %s", error)

    def _kind(self, role: str) -> str:
        return f"simulated {role} {self.terms.seed}"

    async def _bring(self, role: str, number: int, usd: int) -> int:
        """An account, with its money when it is new."""
        account = self.residents.find(self._kind(role), number)
        return account if account >= 0 else await self.residents.bring(self._kind(role), number, usd * USD_ONE)

    @property
    def _beyond(self) -> Roles:
        """Those of earlier runs beyond what is configured now."""
        terms = self.terms
        return (("maker", terms.makers), ("taker", terms.takers), ("follower", terms.followers))

    async def _leave(self, roles: Roles) -> None:
        """Cancels all orders that rest for simulated traders of this seed, of each role from a number on."""
        fields = []
        for role, first in roles:
            for number in count(first):
                account = self.residents.find(self._kind(role), number)
                if account < 0:
                    break
                if resting(self.service, account):
                    fields.append({"kind": command.CANCEL_ALL, "account": account, "market": -1})
        if fields:
            await self.residents.submit(fields)

    def _quotes(self, views: list[View]) -> list[Fields]:
        """Ladders of the next few markets; those of markets that do not trade just now are left to lie."""
        if not views:
            return []
        chosen = [views[(self._turn * MARKETS + k) % len(views)] for k in range(min(MARKETS, len(views)))]
        moves = Moves([], [])
        for maker in self.makers:
            orders = resting(self.service, maker.account)
            for view in chosen:
                lots, _ = held(self.service, maker.account, view.listing)
                back, forward = maker.quote(view, orders.get(view.listing.number, []), lots)
                moves.back.extend(back)
                moves.forward.extend(forward)
        return moves.back + moves.forward

    def _takes(self, views: list[View], elapsed: int) -> list[Fields]:
        found = []
        for taker in wants(self._rng, len(self.takers), elapsed) if views else ():
            view = views[int(self._rng.integers(len(views)))]
            account = self.takers[taker]
            found.append(market_order(self._rng, account, view, held(self.service, account, view.listing)[0]))
        return found

    def _follow(self, views: list[View], now: int) -> list[Fields]:
        """One follower a step, each in its own market."""
        if not self.followers or not views:
            return []
        rank = self._turn % len(self.followers)
        market = rank % ceil_div(len(self.service.universe.listings), 2)  # those listed first allow the most leverage
        view = next((view for view in views if view.listing.number == market), None)
        if view is None:
            return []
        follower = self.followers[rank]
        lots, entry = held(self.service, follower.account, view.listing)
        equity = equity_of(self.service, follower.account)
        if lots == 0 and follower.is_broke(equity):
            if now >= follower.back_at:
                follower.back_at = now + RETURN_MS
                self.doings.stakes += 1
                self._send("follower", rank, follower.stake)
            return []
        return follower.orders(view, self._trends[market], lots, entry, equity)

    def _refill(self, now: int) -> None:
        """Makers and takers who have lost much get more, now and then."""
        if now - self._refilled < REFILL_MS:
            return
        self._refilled = now
        makers = [("maker", k, maker.account, MAKER_USD) for k, maker in enumerate(self.makers)]
        takers = [("taker", k, account, TAKER_USD) for k, account in enumerate(self.takers)]
        for role, number, account, usd in makers + takers:
            if equity_of(self.service, account) < LOW * usd * USD_ONE:
                self._send(role, number, usd * USD_ONE)

    def _send(self, role: str, number: int, amount: int) -> None:
        """Money from the bridge, which nobody waits for."""
        credit = self.residents.bring(self._kind(role), number, amount)
        task = asyncio.get_running_loop().create_task(credit, name="seawall-traders-money")
        self._money.add(task)
        task.add_done_callback(self._sent)

    def _sent(self, task: "asyncio.Task[int]") -> None:
        self._money.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("simulated traders got no money: %s", task.exception())
