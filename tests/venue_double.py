"""A venue as views see it, without a desk and a database: an engine, a mirror, a lens, and history in lists."""

import asyncio
import dataclasses
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np

from seawall.engine.rows import Rows
from seawall.engine.venue import Venue
from seawall.ledger import state
from seawall.ledger.state import SMALL, Capacity
from seawall.simulation.options import draw
from seawall.simulation.world import World
from seawall.units import floor_div
from seawall.venue.batch import Batch
from seawall.venue.history.queries import First
from seawall.venue.info.answer import answer
from seawall.venue.mirror import Kept, Mirror
from seawall.venue.names import address_text
from seawall.venue.records import Fill, News, Order
from seawall.venue.views.days import is_trade
from seawall.venue.views.lens import Lens

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
LENGTHS = {"1m": MINUTE, "30m": 30 * MINUTE, "1h": 60 * MINUTE, "2h": 120 * MINUTE, "12h": 720 * MINUTE, "1d": DAY}


def log_of(seed: int, number: int, commands: int) -> list[Rows]:
    """The batches of a random world in which hours pass, so that funding is paid: small ones, 30 s a step."""
    world = World(dataclasses.replace(draw(seed, number), step_ms=30_000, batch=120, steps=5))
    while world.commands < commands:
        world.apply(world.batch(), is_whole=False)
    return world.log


class Remembered:
    """History as its interface has it, over lists. `frozen` stands for what the process before this one knew."""

    def __init__(self) -> None:
        self.news: list[News] = []
        self.by_oid: dict[int, Order] = {}

    def add(self, news: News) -> None:
        self.news.append(news)
        for order in news.orders.values():
            self.by_oid[order.oid] = msgspec.structs.replace(order)

    def _found(self, name: str, start: int, end: int, limit: int, test: Any, first: First = First.NEWEST) -> list[Any]:
        found = [one for news in self.news for one in getattr(news, name) if start <= one.time <= end and test(one)]
        return found[:limit] if first is First.OLDEST else found[::-1][:limit]

    async def order(self, oid: int) -> Order | None:
        return self.by_oid.get(oid)

    async def order_by_client(self, account: int, cloid: int) -> Order | None:
        mine = [one for one in self.by_oid.values() if one.account == account and one.cloid == cloid]
        return max(mine, key=lambda one: one.oid, default=None)

    async def orders(self, account: int, limit: int, before: int | None = None) -> list[Order]:
        mine = [one for one in self.by_oid.values() if one.account == account and (before is None or one.oid < before)]
        return sorted(mine, key=lambda one: -one.oid)[:limit]

    async def fills(self, account: int, start: int, end: int, limit: int, first: First = First.NEWEST) -> list[Fill]:
        return self._found("fills", start, end, limit, lambda one: one.account == account, first)

    async def slices(self, account: int, limit: int) -> list[Fill]:
        return self._found("fills", 0, 2**60, limit, lambda one: one.account == account and one.twap)

    async def market_fills(self, market: int, start: int, end: int, limit: int) -> list[Fill]:
        return self._found("fills", start, end, limit, lambda one: one.market == market and one.is_taker)

    async def payments(self, account: int, start: int, end: int, limit: int, first: First = First.NEWEST) -> list[Any]:
        return self._found("payments", start, end, limit, lambda one: one.account == account, first)

    async def entries(self, account: int, start: int, end: int, limit: int, first: First = First.NEWEST) -> list[Any]:
        return self._found("entries", start, end, limit, lambda one: one.account == account, first)

    async def notes(self, account: int, start: int, end: int, limit: int, first: First = First.NEWEST) -> list[Any]:
        return self._found("notes", start, end, limit, lambda one: account in (one.account, one.other_account), first)

    async def steps(self, market: int, start: int, end: int, limit: int) -> list[Any]:
        return self._found("steps", start, end, 10**9, lambda one: one.market == market)[::-1][:limit]

    async def twaps(self, account: int, limit: int) -> list[Any]:
        return self._found("twaps", 0, 2**60, limit, lambda one: one.schedule.account == account)

    async def volumes(self, account: int, days: int) -> list[Any]:
        last = self.news[-1].time if self.news else 0
        first = (floor_div(last, DAY) - days + 1) * DAY
        found: dict[int, list[int]] = {}
        for fill in self._found("fills", first, last, 10**9, lambda one: one.method in ("", "market")):
            row = found.setdefault(fill.time - fill.time % DAY, [0, 0, 0])
            value = abs(fill.lots) * fill.price
            row[2] += value if fill.is_taker else 0
            if fill.account == account:
                row[0 if fill.is_taker else 1] += value
        return [SimpleNamespace(day=day, taker=a, maker=b, venue=c) for day, (a, b, c) in sorted(found.items())]

    async def candles(self, market: int, interval: str, start: int, end: int, limit: int) -> list[Any]:
        """Candles of trades, each stretch without one repeating the close before."""
        length, made, close = LENGTHS[interval], [], 0
        trades = self._found("fills", 0, end, 10**9, lambda one: one.market == market and is_trade(one))[::-1]
        at = trades[0].time - trades[0].time % length if trades else end + 1
        while at <= end:
            here = [one for one in trades if at <= one.time < at + length]
            prices = [one.price for one in here] or [close]
            close = prices[-1]
            lots = sum(abs(one.lots) for one in here)
            made.append(
                SimpleNamespace(
                    market=market,
                    interval=interval,
                    start=at,
                    end=at + length - 1,
                    open=prices[0],
                    high=max(prices),
                    low=min(prices),
                    close=close,
                    volume=lots,
                    value=sum(abs(one.lots) * one.price for one in here),
                    trades=len(here),
                )
            )
            at += length
        return [one for one in made if one.start >= start][-limit:]


class Double:
    """What stands for a service: give it rows with `apply`."""

    def __init__(self, capacity: Capacity = SMALL, venue: Venue | None = None, kept: Kept | None = None) -> None:
        self.venue = venue or Venue(capacity)
        self.capacity = self.venue.capacity
        self.mirror = Mirror(self.capacity.accounts, self.capacity.markets)
        self.mirror.load(self.columns, kept or Kept())
        self.history = Remembered()
        self.lens = Lens()
        self.lens.begin(self.venue.array, self.sequence, self.now)
        self.desk = SimpleNamespace(settled=self._settled, sequence=self.sequence)

    async def _settled(self) -> None:
        """Everything is durable here."""

    @property
    def columns(self) -> Any:
        return self.venue.columns

    @property
    def s(self) -> Any:
        """What kernels take."""
        return self.lens.reader.states[0]

    @property
    def sequence(self) -> int:
        return int(self.columns["cell"][state.SEQUENCE])

    @property
    def now(self) -> int:
        return int(self.columns["cell"][state.NOW])

    @property
    def universe(self) -> Any:
        return self.mirror.universe

    @property
    def people(self) -> Any:
        return self.mirror.people

    def apply(self, rows: Rows) -> np.ndarray:
        """Applies rows and tells everybody; returns their codes."""
        first, now = self.sequence + 1, self.now
        done = self.venue.apply(rows)
        news = self.mirror.see(Batch(first, now, rows, done.codes, done.made, done.events))
        self.desk.sequence = self.sequence
        self.history.add(news)
        self.lens.hear(news)
        return done.codes

    def address(self, account: int) -> str:
        """An account's address as clients write it."""
        return address_text(self.people.persons[account].address)

    def ask(self, kind: str, account: int | None = None, **fields: Any) -> Any:
        """An answer as it goes out and comes back."""
        if account is not None:
            fields["user"] = self.address(account)
        made = asyncio.run(answer(self, {"type": kind, **fields}))  # type: ignore[arg-type]
        return msgspec.json.decode(msgspec.json.encode(made))

    def restarted(self) -> "Double":
        """The same venue in a new process: history knows all, its lens nothing yet."""
        kept = Kept()
        kept.listings = [*self.universe.listings]
        kept.names = {person.account: person.name for person in self.people.persons}
        kept.agent_names = {agent.address: agent.name for agent in self.people.agents.values()}
        kept.orders = [msgspec.structs.replace(order) for order in self.mirror.orders.by_oid.values()]
        kept.last_oid = self.mirror.orders.last
        kept.payees = dict(self.mirror.payees)
        other = Double(venue=self.venue.copy(), kept=kept)
        other.history.news, other.history.by_oid = [*self.history.news], dict(self.history.by_oid)
        return other
