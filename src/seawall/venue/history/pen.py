"""The one thread that writes. Whoever adds in the event loop only appends to a queue; the thread takes what waits
there, writes it in one transaction, and tells those who wait for it.

It lingers a little before a transaction, so that many small batches go together, and rests between its steps, the less
the fuller the queue is, so that a burst of orders has the machine to itself; it does neither while somebody waits. A
database that does not answer is tried again for as long as the queue has room. A full queue holds up whoever adds while
the thread gets on; when it does not, history stops: the venue goes on without it, and what history lacks is made from
the journal when the venue opens again.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from typing import Final, NamedTuple

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from seawall.venue.history.database import QUICK, SYNCED, set_synchronous
from seawall.venue.history.keeper import Keeper, TakenError, Told, Work
from seawall.venue.history.statements import BREATH_S

LINGER_S: Final = 0.25
TRANSACTION_RECORDS: Final = 8_192  # about: whole batches
QUEUE_RECORDS: Final = 200_000
REST_MOST: Final = 8.0  # of the time a step took, while the queue is empty
REST_UNTIL: Final = 0.5  # of the queue: from there on it writes as fast as it can
STALL_S: Final = 4.0  # that a full queue waits while nothing at all is written before history stops
RETRY_FIRST_S: Final = 0.05
RETRY_MOST_S: Final = 1.0
CLOSE_S: Final = 30.0
LOG: Final = logging.getLogger("seawall.history")


class HistoryFault(Exception):
    """History has stopped, or its database does not answer. The journal has everything."""


class Item(NamedTuple):
    """What waits in the queue: news, or (None) the wish that all before it survive power loss."""

    records: int
    told: Told | None


class Waiter(NamedTuple):
    """A coroutine that goes on once `items` of the queue are written."""

    items: int
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[None]"


class Pen:
    """A queue and the thread that empties it. `fault` says why it has stopped: then it takes and keeps nothing."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.fault: str | None = None
        self.added = self.written = 0  # records
        self.transactions = 0
        self._items_added = self._items_written = 0
        self._queue: deque[Item] = deque()
        self._waiters: list[Waiter] = []
        self._changed = threading.Condition()
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._is_closing = self._is_failing = False
        self._settling = 0  # threads that wait
        keeper.statements.rest = self._rest
        self._thread = threading.Thread(target=self._run, name="seawall-history", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Records that are not written yet."""
        return self.added - self.written

    def add(self, told: Told, records: int) -> None:
        """Takes news. Returns at once, unless the queue is full."""
        if self.fault is not None:
            return
        self._put(Item(records, told))
        self.added += records
        if self.waiting > QUEUE_RECORDS:
            self._hold_up()

    def harden(self) -> None:
        """Lets the next transaction be one that makes everything before it survive power loss."""
        if self.fault is None:
            self._put(Item(0, None))

    async def settled(self) -> None:
        """Returns when all that was added is written, or the pen has stopped."""
        loop = asyncio.get_running_loop()
        with self._changed:
            if self._is_settled():
                return
            future: asyncio.Future[None] = loop.create_future()
            self._waiters.append(Waiter(self._items_added, loop, future))
        self._hurry.set()
        await future

    def settle(self) -> None:
        """The same, for a thread without an event loop."""
        with self._changed:
            self._settling += 1
            self._hurry.set()
            while not self._is_settled():
                self._changed.wait()
            self._settling -= 1

    def close(self) -> None:
        """Writes what waits, then ends the thread. A database that does not answer is not waited for."""
        self._is_closing = True
        self._hurry.set()
        self._wake.set()
        self._thread.join(CLOSE_S)

    def _put(self, item: Item) -> None:
        self._queue.append(item)
        self._items_added += 1
        if not self._wake.is_set():
            self._wake.set()

    def _is_settled(self) -> bool:
        return self.fault is not None or self._items_written >= self._items_added

    def _hold_up(self) -> None:
        """Waits until the queue has room, as long as rows are written."""
        seen, since = self._progress(), time.monotonic()
        self._hurry.set()
        while self.waiting > QUEUE_RECORDS and self.fault is None:
            with self._changed:
                self._changed.wait(STALL_S / 10)
            if self._progress() != seen:
                seen, since = self._progress(), time.monotonic()
            elif time.monotonic() - since > STALL_S:
                self._stop(f"{self.waiting} records wait and none was written for {STALL_S:g} s")

    def _rest(self, took: float) -> None:
        """After a step: the event loop's turn."""
        is_wanted = self._waiters or self._settling or self._is_closing
        room = 0.0 if is_wanted else max(0.0, 1.0 - self.waiting / (REST_UNTIL * QUEUE_RECORDS))
        time.sleep(max(BREATH_S, took * REST_MOST * room))

    def _progress(self) -> tuple[int, int]:
        """Changes while a transaction gets on; what one does that has failed before is no progress."""
        return self.transactions, 0 if self._is_failing else self.keeper.statements.steps

    def _run(self) -> None:
        try:
            while not self._is_closing or self._queue:  # until closed
                self._wake.wait()
                self._wake.clear()
                self._hurry.wait(LINGER_S)
                self._hurry.clear()
                while self._queue and self.fault is None:
                    self._transact()
        except Exception as error:  # whatever ends the thread: nobody may wait for it for ever
            LOG.exception("history was not written")
            self._stop(f"{type(error).__name__}: {error}")

    def _transact(self) -> None:
        """Writes what waits, up to a bound, in one transaction."""
        told, records, items, level = [], 0, 0, QUICK
        while self._queue and records < TRANSACTION_RECORDS:
            item = self._queue.popleft()
            items += 1
            records += item.records
            if item.told is None:
                level = SYNCED
            else:
                told.append(item.told)
        work = self.keeper.work(told) if told else Work(self.keeper.mark, {}, [], {})
        if self._write(work, level):
            self.keeper.mark = work.mark
            self.written += records
            self.transactions += 1
            self._tell(items)

    def _write(self, work: Work, level: str) -> bool:
        """Tries until it is written; False when the pen has stopped."""
        pause = RETRY_FIRST_S
        while self.fault is None:
            try:
                self._write_once(work, level)
            except (OperationalError, InterfaceError) as error:
                self._is_failing = True
                LOG.warning("history could not be written, trying again: %s", error.orig)
                if self._is_closing:
                    self._stop(f"closed while the database did not answer: {error.orig}")
                time.sleep(pause)
                pause = min(2 * pause, RETRY_MOST_S)
            except (TakenError, SQLAlchemyError) as error:
                self._stop(str(error))
            else:
                self._is_failing = False
                return True
        return False

    def _write_once(self, work: Work, level: str) -> None:
        with self.keeper.engine.connect() as connection:
            set_synchronous(connection, level)
            try:
                with connection.begin():
                    self.keeper.write(connection, work)
                    if level == SYNCED:
                        self.keeper.touch(connection)
            except TakenError:
                if not self.keeper.is_written(work):  # unless by a commit of ours whose answer was lost
                    raise

    def _tell(self, items: int) -> None:
        with self._changed:
            self._items_written += items
            ready = [waiter for waiter in self._waiters if waiter.items <= self._items_written]
            self._waiters = [waiter for waiter in self._waiters if waiter.items > self._items_written]
            self._changed.notify_all()
        _resume(ready)

    def _stop(self, why: str) -> None:
        """Nothing more is taken: whoever waits goes on and finds the fault."""
        with self._changed:
            if self.fault is None:
                self.fault = why
                LOG.error("history has stopped, it will be made from the journal when the venue opens again: %s", why)
            self._queue.clear()
            waiting, self._waiters = self._waiters, []
            self._changed.notify_all()
        _resume(waiting)


def _resume(waiters: list[Waiter]) -> None:
    for waiter in waiters:
        if not waiter.loop.is_closed():
            waiter.loop.call_soon_threadsafe(_set, waiter.future)


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
