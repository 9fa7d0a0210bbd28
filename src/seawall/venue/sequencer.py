"""Drives the venue: prices, funding and a heartbeat into the log, a beat every `interval_ms`, with traffic or without.

A beat is one job. The writer puts a TICK before it and, while buckets wait for liquidation, LIQUIDATE rows after it
(desk.py). Nothing else in the process submits rows of the oracles, and none of the sequencer's role but the writer.
"""

import asyncio
import logging
from typing import Final

import msgspec

from seawall.engine.funding import SAMPLE_MS
from seawall.engine.rows import rows_of
from seawall.lab.listing import Fields
from seawall.ledger.state import VENUE_STATUS
from seawall.terms import code, command
from seawall.units import floor_div
from seawall.venue.clock import Clock
from seawall.venue.desk import BusyError, StoppedError
from seawall.venue.feeds.board import Said, has_voice
from seawall.venue.feeds.feeds import Feeds
from seawall.venue.service import Service

BUSY_MS: Final = 20  # until a beat that found no room is tried again: prices must not wait behind a crowd
HEARTBEAT: Final[Fields] = {"kind": command.LIQUIDATE, "signer": command.SEQUENCER, "size": 1}

log = logging.getLogger(__name__)


class Beats(msgspec.Struct, kw_only=True):
    """What an operator wants to see of it. Times are ms of the clock."""

    count: int = 0
    last: int = 0  # when the last one was durable
    took_ms: int = 0  # from the beginning of the last one until then
    late: int = 0  # beats that were skipped because one took longer
    busy: int = 0  # beats that found the venue's queue full
    refused: int = 0  # rows of prices and funding


class Sequencer:
    """`start` it in the event loop; `stop` ends it. `failed` says whether it has ended by itself."""

    def __init__(self, service: Service, feeds: Feeds, clock: Clock) -> None:
        self.service = service
        self.feeds = feeds
        self.clock = clock
        self.interval = service.config.sequencer.interval_ms
        self.beats = Beats()
        self._task: asyncio.Task[None] | None = None

    @property
    def failed(self) -> bool:
        """Whether it was started and beats no more."""
        return self._task is not None and self._task.done()

    def start(self) -> None:
        """Begins to beat."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="seawall-sequencer")

    async def stop(self) -> None:
        """Ends it between two beats."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def beat(self) -> None:
        """One beat, durable. Raises BusyError, with nothing lost, and StoppedError."""
        start = self.clock.now()
        prices = self._prices(start)
        fields = [row for _, row in prices] + self._funding(start)
        done = await self.service.submit(rows_of(fields or [HEARTBEAT]))
        codes = done.codes.tolist()
        for (said, row), result in zip(prices, codes, strict=False):
            said.refused = result
            said.is_new = said.is_new and said.time != row["time"]
        beats = self.beats
        beats.refused += sum(result != code.OK for result in codes) if fields else 0
        beats.count, beats.last = beats.count + 1, self.clock.now()
        beats.took_ms = beats.last - start

    def _prices(self, now: int) -> list[tuple[Said, Fields]]:
        """A row for each source that has spoken since the last beat, and that the market listens to."""
        columns = self.service.columns
        found: list[tuple[Said, Fields]] = []
        for said, listing in self.feeds.board.new():
            if has_voice(columns, said.voice, listing):
                row = {"kind": command.ORACLE, "signer": command.ORACLES, "market": listing.number}
                row |= {"other": said.voice.number, "price": said.price, "time": min(said.time, now)}
                found.append((said, row))
        return found

    def _funding(self, now: int) -> list[Fields]:
        """A row for each market whose premium is due for a sample: one that runs and has a price."""
        columns = self.service.columns
        found: list[Fields] = []
        if columns["cell"][VENUE_STATUS] >= command.HALTED:
            return found
        for listing in self.service.universe.listings:
            market = listing.number
            is_due = now - int(columns["market_premium_time"][market]) >= SAMPLE_MS
            is_running = command.ACTIVE <= columns["market_status"][market] < command.HALTED
            if is_due and is_running and columns["market_fresh"][market]:
                found.append({"kind": command.FUNDING, "signer": command.SEQUENCER, "market": market})
        return found

    async def _run(self) -> None:
        while True:  # until stopped
            now = self.clock.now()
            next_beat = (floor_div(now, self.interval) + 1) * self.interval
            await self.clock.sleep(next_beat - now)
            self.beats.late += max(0, floor_div(self.clock.now() - next_beat, self.interval))
            try:
                await self._beat_in_time()
            except StoppedError:
                log.info("the venue takes no more commands: no more beats")
                return

    async def _beat_in_time(self) -> None:
        while True:  # until there is room
            try:
                return await self.beat()
            except BusyError:
                self.beats.busy += 1
                await self.clock.sleep(BUSY_MS)
