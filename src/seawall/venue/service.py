"""The venue in one object: the writer, what follows it, and what serves from it. Everything lives in one event loop."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from seawall.engine.rows import Rows
from seawall.engine.venue import Applied, Venue
from seawall.journal.disk import Folder
from seawall.journal.faults import NotFollowed
from seawall.journal.recover import Follower, Recovered, open_journal
from seawall.journal.writer import Writer
from seawall.ledger.state import SMALL, VENUE, Capacity
from seawall.venue.batch import Batch
from seawall.venue.config import HISTORY, JOURNAL, Config
from seawall.venue.desk import Desk, Outcome, Then
from seawall.venue.history.store import History
from seawall.venue.mirror import Kept, Mirror
from seawall.venue.people import People
from seawall.venue.records import News
from seawall.venue.universe import Universe
from seawall.venue.views.lens import Lens

if TYPE_CHECKING:
    from seawall.venue.liquidity import PlayPools

CAPACITIES: Final = {"small": SMALL, "venue": VENUE}
Hear = Callable[[News], None]


class Service:
    """A venue on a folder. `open` it, then `start` it in an event loop; `stop` leaves everything durable."""

    def __init__(self, config: Config, clock: Callable[[], int]) -> None:
        self.config = config
        self.clock = clock
        self.folder = Path(config.data.folder)
        self.capacity: Capacity = CAPACITIES[config.data.capacity]
        self.mirror = Mirror(self.capacity.accounts, self.capacity.markets)
        self.history = History(config.data.history or f"sqlite:///{self.folder / HISTORY}")
        self.lens = Lens()
        self.hearers: list[Hear] = [self.lens.hear]
        self.witness: Callable[[Any], None] | None = None  # sees each signed withdrawal before the engine does
        self.pools: PlayPools | None = None  # of positions of liquidity, where the venue is all the bridge there is
        self.desk: Desk
        self.recovered: Recovered
        self._disk: Folder
        self._snapshots: asyncio.Task[None] | None = None

    @property
    def columns(self) -> Any:
        """The engine's columns: to read in the event loop, never to write."""
        return self.desk.columns

    @property
    def universe(self) -> Universe:
        return self.mirror.universe

    @property
    def people(self) -> People:
        return self.mirror.people

    @property
    def now(self) -> int:
        """The venue's time in ms."""
        return self.desk.now

    def open(self) -> Recovered:
        """Claims the folder, replays its journal, brings history up to date. Raises JournalError, OSError, BadInput."""
        home = self.folder / JOURNAL
        home.mkdir(parents=True, exist_ok=True)
        self._disk = Folder(home)
        self._disk.claim()
        known, kept = self.history.load()
        try:
            venue, writer, self.recovered = self._follow(known, kept)
        except NotFollowed:  # history is of another log, or ahead of it: what it has is made anew
            self.history.clear()
            self.mirror = Mirror(self.capacity.accounts, self.capacity.markets)
            venue, writer, self.recovered = self._follow(0, Kept())
        self.history.settle()
        self.desk = Desk(venue, writer, self.clock)
        self.desk.followers.append(self._see)
        self.lens.begin(venue.array, self.desk.sequence, self.now)
        return self.recovered

    def _follow(self, known: int, kept: Kept) -> tuple[Venue, Writer, Recovered]:
        replaying: list[Venue] = []

        def ready(venue: Venue) -> None:
            self.history.check(known, venue.chain)
            self.mirror.load(venue.columns, kept)
            replaying.append(venue)

        def seen(first: int, rows: Rows, done: Applied) -> None:
            chain = replaying[0].chain
            batch = Batch(first, self.mirror.now, rows, done.codes, done.made, done.events, chain)
            self.history.add(self.mirror.see(batch))

        follower = Follower(known=known, ready=ready, seen=seen)
        return open_journal(self._disk, self.capacity, follower=follower)

    def start(self) -> None:
        """Begins to take turns, in the running event loop."""
        self.desk.start()
        self._snapshots = asyncio.get_running_loop().create_task(self._keep_snapshots(), name="seawall-snapshots")

    async def submit(self, rows: Rows, then: Then | None = None) -> Outcome:
        """Applies rows; returns what they did once it is durable. See desk.py for what it raises."""
        return await self.desk.submit(rows, then)

    async def stop(self) -> None:
        """Makes everything durable, keeps a snapshot, lets the folder go."""
        if self._snapshots is not None:
            self._snapshots.cancel()
        await self.desk.stop()
        if self.desk.failed is None and self.desk.sequence > self.recovered.sequence:
            await self.desk.snapshot(self.history.flush)
        await self.history.flush()
        self.history.close()
        self._disk.close()

    async def _keep_snapshots(self) -> None:
        while True:  # until stopped
            await asyncio.sleep(60 * self.config.data.snapshot_minutes)
            await self.desk.snapshot(self.history.flush)

    def _see(self, batch: Batch) -> None:
        news = self.mirror.see(batch)
        self.history.add(news)
        for hear in self.hearers:
            hear(news)
