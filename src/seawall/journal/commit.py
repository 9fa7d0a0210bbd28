"""Many callers, one venue, one disk: gathers what they submit into groups, applies, syncs, and only then answers.

One thread does all of it. While a sync is under way, submissions pile up; the next turn applies them in groups of at
most GROUP commands, a record each, and makes up to SYNC_GROUPS of them durable with one sync. When little is going on
a group that is not full waits for company until `wait_s` after its first submission.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Self

import numpy as np

from seawall.engine.rows import ROW_TYPE, Rows
from seawall.engine.venue import Applied, Venue
from seawall.journal.faults import JournalError
from seawall.journal.record import RECORD_ROWS_MAX
from seawall.journal.snapshot import snapshot_files, write_snapshot
from seawall.journal.writer import Writer
from seawall.units import BadInput

GROUP: Final = 64  # commands that fill a record; a larger submission is a record of its own
SYNC_GROUPS: Final = 32  # records made durable by one sync
WAIT_S: Final = 0.0005
QUEUE_ROWS: Final = 1 << 20  # submitted and not answered; more is refused
KEEP_SNAPSHOTS: Final = 2


class Ticket:
    """The answer to one submission, once it is durable."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._done = threading.Event()
        self._applied: Applied | None = None
        self._failed: BaseException | None = None

    def wait(self, timeout: float | None = None) -> Applied:
        """What the rows did, durable now. Raises NotWritten when it never will be, TimeoutError after `timeout` s."""
        if not self._done.wait(timeout):
            raise TimeoutError("not durable yet")
        if self._failed is not None:
            raise self._failed
        assert self._applied is not None
        return self._applied

    @property
    def is_done(self) -> bool:
        return self._done.is_set()

    def answer(self, applied: Applied) -> None:
        self._applied = applied
        self._done.set()

    def fail(self, why: BaseException) -> None:
        self._failed = why
        self._done.set()


class GroupCommit:
    """Owns a venue and the end of its journal. Use as a context; leaving it makes everything submitted durable."""

    def __init__(self, venue: Venue, writer: Writer, wait_s: float = WAIT_S) -> None:
        self.venue = venue
        self.writer = writer
        self.wait_s = wait_s
        self.syncs = 0
        self._queue: deque[tuple[Ticket, float]] = deque()
        self._queued_rows = 0
        self._lock = threading.Condition()
        self._is_closing = False
        self._failed: BaseException | None = None
        self._errands: deque[tuple[Callable[[], str], threading.Event, list[str | BaseException]]] = deque()
        self._maker: threading.Thread | None = None
        self._thread = threading.Thread(target=self._run, name="seawall-journal", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, rows: Rows) -> Ticket:
        """Queues rows; the ticket answers when they are durable. Rows of one call stay together and in order.

        Raises BadInput for rows of another type, none, or too many, NotWritten once a write has failed, JournalError
        when it is closed or too much waits.
        """
        if rows.dtype != ROW_TYPE or rows.ndim != 1 or not 1 <= len(rows) <= RECORD_ROWS_MAX:
            raise BadInput("rows", f"expected 1..{RECORD_ROWS_MAX} rows of ROW_TYPE")
        ticket = Ticket(rows)
        with self._lock:
            self._refuse_when_over()
            if self._queued_rows + len(rows) > QUEUE_ROWS:
                raise JournalError("journal", None, f"{self._queued_rows} commands wait for the disk: try again later")
            self._queue.append((ticket, time.monotonic()))
            self._queued_rows += len(rows)
            self._lock.notify()
        return ticket

    def snapshot(self) -> str:
        """Keeps the state between two groups, drops all but the newest snapshots; returns the name of its file.

        Waits for it; other submissions wait meanwhile. Raises OSError, and what `submit` raises.
        """
        done, answer = threading.Event(), list[str | BaseException]()
        with self._lock:
            self._refuse_when_over()
            self._errands.append((self._keep_snapshot, done, answer))
            self._lock.notify()
        done.wait()
        if isinstance(answer[0], BaseException):
            raise answer[0]
        return answer[0]

    def close(self) -> None:
        """Makes durable what was submitted and stops. Whoever still waits after a failure has been told."""
        with self._lock:
            self._is_closing = True
            self._lock.notify()
        self._thread.join()
        if self._maker is not None:
            self._maker.join()

    def _refuse_when_over(self) -> None:
        if self._failed is not None:
            raise self._failed
        if self._is_closing:
            raise JournalError("journal", None, "it is closed")

    def _run(self) -> None:
        taken: list[Ticket] = []
        try:
            while (groups := self._gather()) is not None:  # until closed
                taken = [ticket for group in groups for ticket in group]
                answers = [answer for group in groups for answer in self._apply(group)]
                self.writer.sync()
                self.syncs += 1
                with self._lock:
                    self._queued_rows -= sum(len(ticket.rows) for ticket in taken)
                for ticket, applied in zip(taken, answers, strict=True):
                    ticket.answer(applied)
                taken = []
                self._prepare()
        except BaseException as error:  # whatever ends this thread: nobody may wait for it for ever
            self._end(taken, error)

    def _gather(self) -> list[list[Ticket]] | None:
        """Groups of submissions for one sync, at least one; None once closed and empty. Runs errands in between."""
        with self._lock:
            while True:  # until there is work
                while self._errands:
                    self._run_errand()
                if self._queue:
                    rest = self._queue[0][1] + self.wait_s - time.monotonic()
                    if rest <= 0 or self._is_closing or self._queued_rows >= GROUP:
                        return self._take()
                    self._lock.wait(rest)
                elif self._is_closing:
                    return None
                else:
                    self._lock.wait()

    def _take(self) -> list[list[Ticket]]:
        groups: list[list[Ticket]] = []
        filled = GROUP
        while self._queue and (len(groups) < SYNC_GROUPS or filled < GROUP):
            ticket = self._queue[0][0]
            if filled + len(ticket.rows) > GROUP:
                if len(groups) == SYNC_GROUPS:
                    break
                groups.append([])
                filled = 0
            groups[-1].append(ticket)
            filled += len(ticket.rows)
            self._queue.popleft()
        return groups

    def _apply(self, group: list[Ticket]) -> list[Applied]:
        """Applies a group as one batch, appends its record, and gives each submission what its own rows did."""
        rows = group[0].rows if len(group) == 1 else np.concatenate([ticket.rows for ticket in group])
        done = self.venue.apply(rows)
        last = self.writer.append(rows, self.venue.chain)
        if len(group) == 1:
            return [done]
        sequence = last - len(rows) + 1
        answers, start, event = [], 0, 0
        for ticket in group:
            stop = start + len(ticket.rows)
            event_stop = int(np.searchsorted(done.events[:, 0], sequence + stop))
            answers.append(Applied(done.codes[start:stop], done.made[start:stop], done.events[event:event_stop]))
            start, event = stop, event_stop
        return answers

    def _keep_snapshot(self) -> str:
        name = write_snapshot(self.writer.disk, self.venue, self.writer.sequence, self.writer.hash)
        for old in snapshot_files(self.writer.disk)[KEEP_SNAPSHOTS:]:
            self.writer.disk.remove(old)
        return name

    def _run_errand(self) -> None:
        errand, done, answer = self._errands.popleft()
        try:
            answer.append(errand())
        except OSError as error:
            answer.append(error)
        done.set()

    def _prepare(self) -> None:
        """Has the next segment made in the background; should that fail, the segment's start will tell."""
        if self.writer.wants_segment and (self._maker is None or not self._maker.is_alive()):
            self._maker = threading.Thread(target=self._make_segment, name="seawall-segment", daemon=True)
            self._maker.start()

    def _make_segment(self) -> None:
        try:
            self.writer.prepare()
        except OSError:
            return

    def _end(self, taken: list[Ticket], error: BaseException) -> None:
        with self._lock:
            self._failed = error
            waiting = [*taken, *(ticket for ticket, _ in self._queue)]
            self._queue.clear()
            errands = list(self._errands)
            self._errands.clear()
        for ticket in waiting:
            ticket.fail(error)
        for _, done, answer in errands:
            answer.append(error)
            done.set()
