"""The one writer: takes rows from everybody in the process, applies them in turns, makes them durable, then answers.

All of it but the disk runs in the event loop, so whoever reads the columns there sees the state between two turns. A
turn applies what has come in since the last one as one batch, which its clock leads; one sync of the disk makes it
durable while new rows pile up; then followers are told, and only then the answers go out. Readers who must not see what
is not durable yet wait for `settled`.

Prices, funding, risk parameters and guardians go first, and find room when the queue is full: a crowd delays no price.
While the engine has buckets to measure or to liquidate, each turn ends with LIQUIDATE rows, whoever else has sent any.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from seawall.engine.rows import ROW_TYPE, Codes, Rows, rows_of, table_of
from seawall.engine.venue import Applied, Events, Venue
from seawall.journal.snapshot import snapshot_files, write_snapshot
from seawall.journal.writer import Writer
from seawall.ledger import state
from seawall.margin.trigger_state import FIRED
from seawall.terms import code, command, limits
from seawall.venue.batch import Batch

TURN_ROWS: Final = 4_096  # applied in one turn
QUEUE_ROWS: Final = 65_536  # waiting; more is refused
FIRST: Final = frozenset((command.SEQUENCER, command.ORACLES, command.RISK, command.GUARDIAN, command.ADMIN))
FIRST_ROWS: Final = 8_192  # waiting of those, besides
LIQUIDATIONS: Final = 4  # LIQUIDATE rows of a turn
KEEP_SNAPSHOTS: Final = 2

NO_ROWS: Final = rows_of([])
TICK_ROW: Final = rows_of([{"kind": command.TICK, "signer": command.SEQUENCER}])
FORCED_ROWS: Final = rows_of(
    [{"kind": command.LIQUIDATE, "signer": command.SEQUENCER, "size": limits.WORK_PER_COMMAND}] * LIQUIDATIONS
)

Then = Callable[["Outcome"], Rows | None]  # more rows of the same job, once its first ones have been applied
Follow = Callable[[Batch], None]


class Outcome(NamedTuple):
    """What a job's rows did, each with its sequence in the log."""

    sequences: Codes
    codes: Codes
    made: Codes
    events: Events


class Took(NamedTuple):
    """Seconds of the last turn."""

    applying: float
    syncing: float


class BusyError(Exception):
    """Too much waits: the sender may try again."""


class StoppedError(Exception):
    """The venue takes no more rows: it is stopping, or its disk has failed."""


class Job:
    """Rows of one sender, which stay together and in order."""

    __slots__ = ("answer", "done", "rows", "then")

    def __init__(self, rows: Rows, then: Then | None, answer: "asyncio.Future[Outcome]") -> None:
        self.rows = rows
        self.then = then
        self.answer = answer
        self.done: Outcome | None = None


class Desk:
    """Owns a venue and the end of its journal. `start` it in the event loop it lives in; `stop` makes all durable."""

    def __init__(self, venue: Venue, writer: Writer, clock: Callable[[], int]) -> None:
        """`clock` gives the time in ms. It may stand still or go back: the venue's time then stays where it is."""
        self.venue = venue
        self.writer = writer
        self.clock = clock
        self.columns: Any = venue.columns
        self.followers: list[Follow] = []
        self.turns = 0
        self.took = Took(0.0, 0.0)
        self.failed: BaseException | None = None
        self._cell = venue.columns["cell"]
        self._count = venue.columns["count"]
        self._first: deque[Job] = deque()
        self._queue: deque[Job] = deque()
        self._waiting = 0
        self._first_waiting = 0
        self._wake = asyncio.Event()
        self._flight: asyncio.Future[None] | None = None
        self._unmeasured = 0
        self._is_stopping = False
        self._task: asyncio.Task[None] | None = None
        self._disk = ThreadPoolExecutor(1, "seawall-disk")

    @property
    def now(self) -> int:
        """The venue's time in ms."""
        return int(self._cell[state.NOW])

    @property
    def sequence(self) -> int:
        """The last command applied."""
        return int(self._cell[state.SEQUENCE])

    @property
    def waiting(self) -> int:
        """Rows that wait for their turn."""
        return self._first_waiting + self._waiting

    @property
    def is_stopping(self) -> bool:
        """Whether it takes no more rows."""
        return self._is_stopping

    def start(self) -> None:
        """Begins to take turns."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="seawall-desk")

    async def submit(self, rows: Rows, then: Then | None = None) -> Outcome:
        """Applies rows together; what they did, durable. With `then`, also the rows that it makes of that.

        Raises BusyError when too much waits, StoppedError when the venue stops or its disk has failed.
        """
        if self.failed is not None or self._is_stopping:
            raise StoppedError("the venue takes no more commands")
        assert len(rows) > 0
        is_first = int(rows["signer"][0]) in FIRST
        waiting, most = (self._first_waiting, FIRST_ROWS) if is_first else (self._waiting, QUEUE_ROWS)
        if waiting + len(rows) > most:
            raise BusyError(f"{waiting} commands wait")
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        job = Job(rows, then, answer)
        if is_first:
            self._first.append(job)
            self._first_waiting += len(rows)
        else:
            self._queue.append(job)
            self._waiting += len(rows)
        self._wake.set()
        return await answer

    async def settled(self) -> None:
        """Returns at a moment when everything applied is durable."""
        while self._flight is not None:
            await self._flight

    async def stop(self) -> None:
        """Makes durable what was submitted, then takes nothing more."""
        self._is_stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
        self._disk.shutdown()

    async def snapshot(self, before: Callable[[], Awaitable[None]]) -> str:
        """Keeps the whole state as it is now, drops all but the newest snapshots; returns the file's name.

        `before` is awaited between the copy of the state and its writing: what it keeps is at least as new.
        """
        await self.settled()
        copy, sequence, last = self.venue.copy(), self.writer.sequence, self.writer.hash
        await before()
        return await asyncio.get_running_loop().run_in_executor(None, self._keep, copy, sequence, last)

    def _keep(self, copy: Venue, sequence: int, last: bytes) -> str:
        name = write_snapshot(self.writer.disk, copy, sequence, last)
        for old in snapshot_files(self.writer.disk)[KEEP_SNAPSHOTS:]:
            self.writer.disk.remove(old)
        return name

    async def _run(self) -> None:
        jobs: list[Job] = []
        try:
            while True:  # until stopped
                if not self._first and not self._queue and not self.has_forced_work():
                    if self._is_stopping:
                        return
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                await self.settled()
                jobs = self._take()
                await self._turn(jobs)
                jobs = []
        except Exception as error:  # whatever ends the writer: nobody may wait for it for ever
            self._fail(jobs, error)

    def has_forced_work(self) -> bool:
        """Whether buckets wait to be measured, and the last turn got on with them: a halted venue measures none."""
        return bool(self._count[FIRED] != 0 and self._count[FIRED] != self._unmeasured)

    def _take(self) -> list[Job]:
        first, rows = _taken(self._first, 0)
        self._first_waiting -= rows
        others, more = _taken(self._queue, rows)
        self._waiting -= more
        return first + others

    async def _turn(self, jobs: list[Job]) -> None:
        flight = self._take_off()
        batches = []
        start = time.perf_counter()
        try:
            batches.append(self._apply(jobs))
            if more := [job for job in jobs if job.then is not None and self._goes_on(job)]:
                batches.append(self._apply(more))
            applied = time.perf_counter()
            await asyncio.get_running_loop().run_in_executor(self._disk, self.writer.sync)
            self.took = Took(applied - start, time.perf_counter() - applied)
        finally:
            self._land(flight)
        self.turns += 1
        for batch in batches:
            for follow in self.followers:
                follow(batch)
        for job in jobs:
            if not job.answer.done():
                assert job.done is not None
                job.answer.set_result(job.done)
        if self.writer.wants_segment:
            await asyncio.get_running_loop().run_in_executor(self._disk, self.writer.prepare)
        await asyncio.sleep(0)  # readers who waited for this turn come before the next one

    def _goes_on(self, job: Job) -> bool:
        assert job.then is not None
        assert job.done is not None
        more = job.then(job.done)
        job.then = None
        if more is None or not len(more):
            return False
        job.rows = more
        return True

    def _apply(self, jobs: list[Job]) -> Batch:
        """One batch: the clock, the jobs' rows, forced work. Each job gets what its own rows did, after what it has."""
        tick, forced = self._tick(), self._forced()
        rows = joined([tick, *(job.rows for job in jobs), forced])
        first, now, unmeasured = self.sequence + 1, self.now, self._count[FIRED]
        done = self.venue.apply(rows)
        self.writer.append(rows, self.venue.chain)
        self._unmeasured = unmeasured if len(forced) else 0
        ends = [len(tick), *(len(job.rows) for job in jobs)]
        for number, part in enumerate(_parts(done, first, np.cumsum(ends))):
            jobs[number].done = _joined(jobs[number].done, part)
        return Batch(first, now, rows, done.codes, done.made, done.events, self.venue.chain)

    def _tick(self) -> Rows:
        now, time = self.now, self.clock()
        if time <= now:
            return NO_ROWS
        TICK_ROW["time"] = min(time, now + limits.CLOCK_STEP_MAX_MS) if now else time
        return TICK_ROW

    def _forced(self) -> Rows:
        return NO_ROWS if self._count[FIRED] == 0 and self._cell[state.QUEUED] == 0 else FORCED_ROWS

    def _take_off(self) -> "asyncio.Future[None]":
        assert self._flight is None
        self._flight = asyncio.get_running_loop().create_future()
        return self._flight

    def _land(self, flight: "asyncio.Future[None]") -> None:
        self._flight = None
        flight.set_result(None)

    def _fail(self, jobs: list[Job], error: Exception) -> None:
        self.failed = error
        for job in (*jobs, *self._first, *self._queue):
            if not job.answer.done():
                job.answer.set_exception(StoppedError("the journal could not be written"))
        self._first.clear()
        self._queue.clear()


def _taken(queue: deque[Job], rows: int) -> tuple[list[Job], int]:
    """The jobs a turn that has `rows` takes from a queue, at least one when it has none; how many rows they are."""
    taken: list[Job] = []
    more = 0
    while queue and (rows + more == 0 or rows + more + len(queue[0].rows) <= TURN_ROWS):
        taken.append(queue.popleft())
        more += len(taken[-1].rows)
    return taken, more


def joined(parts: list[Rows]) -> Rows:
    """Rows one after the other. As tables of integers: joining records compares all their fields' names each time."""
    return np.concatenate([table_of(part) for part in parts]).view(ROW_TYPE).ravel()


def _parts(done: Applied, first: int, ends: Codes) -> Iterator[Outcome]:
    """What the rows of a batch did, from each of `ends` up to the next."""
    places = done.events[:, 0].searchsorted(first + ends).tolist()
    for (start, stop), (low, high) in zip(pairwise(ends.tolist()), pairwise(places), strict=True):
        sequences = np.arange(first + start, first + stop)
        yield Outcome(sequences, done.codes[start:stop], done.made[start:stop], done.events[low:high])


def _joined(one: Outcome | None, other: Outcome) -> Outcome:
    if one is None:
        return other
    pairs = zip(one, other, strict=True)
    return Outcome(*(np.concatenate(pair) for pair in pairs))


def refused(done: Outcome) -> int:
    """The first code of a job that is not OK; OK when there is none."""
    wrong = np.flatnonzero(done.codes)
    return int(done.codes[wrong[0]]) if len(wrong) else code.OK
