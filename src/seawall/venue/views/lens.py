"""What views look through: the reader of the record, and what they need of the past that no column has.

A lens follows the news: sums of funding by position, what each market traded in the last day, its last trades, what
running TWAPs have cost. What was before it began comes from history: that of the markets and TWAPs with `ready`, that
of an account with `know`, each once.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from seawall.venue.records import NOBODY, News
from seawall.venue.views.days import MINUTE_MS, Days, is_trade, load_days
from seawall.venue.views.figures import Reader
from seawall.venue.views.funding import FundingSums, load_sums
from seawall.venue.views.tape import Tape, load_tape
from seawall.venue.views.twaps import SliceCosts, load_costs

if TYPE_CHECKING:
    from seawall.venue.service import Service

Usage = tuple[int, int, int]  # micro-USD traded, actions used, actions allowed
ACTIONS_MAX: Final = 2**53 - 1


def unlimited(account: int) -> Usage:  # noqa: ARG001
    """The usage of a venue that counts no actions."""
    return 0, 0, ACTIONS_MAX


class Lens:
    """Give it every News, in order, once `begin` has been called."""

    def __init__(self) -> None:
        self.reader: Reader
        self.funding = FundingSums()
        self.days = Days()
        self.tape = Tape()
        self.slices = SliceCosts()
        self.usage: Callable[[int], Usage] = unlimited  # who keeps limits of actions puts itself here
        self.sequence = 0  # the last command before it began
        self.time = 0
        self._ready: asyncio.Future[None] | None = None
        self._knowing: dict[int, asyncio.Future[None]] = {}

    def begin(self, array: Any, sequence: int, time: int) -> None:
        """From here on: `array` is the record, after the command `sequence` at a time."""
        self.reader = Reader(array)
        self.sequence, self.time = sequence, time

    def hear(self, news: News) -> None:
        """Takes in a batch."""
        for market in news.listed:
            for kept in (self.funding, self.days, self.tape):
                kept.forget(market)
        self.funding.hear(news)
        self.slices.hear(news)
        for fill in news.fills:
            if is_trade(fill):
                self.days.add(fill.market, fill.time, fill.price, abs(fill.lots), abs(fill.lots) * fill.price)
                self.tape.add(fill)

    async def ready(self, service: "Service") -> None:
        """Returns once the markets' last day is known."""
        if self._ready is None:
            self._ready = asyncio.ensure_future(self._load(service))
        if not self._ready.done():
            await asyncio.shield(self._ready)

    async def know(self, service: "Service", account: int) -> None:
        """Returns once the funding that an account paid before this process began is known."""
        if account == NOBODY or self.sequence == 0 or self.funding.knows(account):
            return
        found = self._knowing.get(account)
        if found is None:
            loading = load_sums(self.funding, service.history, account, self.sequence, self.time)
            found = self._knowing[account] = asyncio.ensure_future(loading)
            found.add_done_callback(lambda _: self._knowing.pop(account, None))
        await asyncio.shield(found)

    async def _load(self, service: "Service") -> None:
        try:
            if self.sequence == 0:
                return
            for listing in service.universe.listings:
                minute = self.time - self.time % MINUTE_MS
                await load_days(self.days, service.history, listing.number, minute, self.time, self.sequence)
                await load_tape(self.tape, service.history, listing.number, self.time, self.sequence)
            for account in sorted({schedule.account for schedule in service.mirror.twaps.values()}):
                await load_costs(self.slices, service.history, account, self.time)
        except BaseException:
            self._ready = None  # the next one to ask tries again
            raise
