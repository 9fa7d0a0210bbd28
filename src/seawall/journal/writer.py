"""Appends batches to the journal. `append` keeps a batch in memory, `sync` makes all that waits durable.

Only what `sync` has returned may be acknowledged. After a failed write or sync nothing more is taken: what reached the
disk is unknown, and a second sync would tell nothing (Linux forgets the failed pages). The way back is
`recover.open_journal`.
"""

import threading
from typing import Final

import msgspec

from seawall.engine.rows import Rows
from seawall.journal.disk import TEMPORARY, Disk
from seawall.journal.faults import JournalError, NotWritten
from seawall.journal.packing import pack
from seawall.journal.record import (
    PAGE,
    RECORD_ROWS_MAX,
    SEGMENT_SIZE,
    SEGMENT_SIZE_MAX,
    Record,
    Segment,
    encode_record,
    encode_segment,
    genesis_hash,
    hash_of,
    pages,
    segment_name,
)
from seawall.ledger.state import Capacity
from seawall.terms import command
from seawall.units import BadInput

NEXT: Final = f"next{TEMPORARY}"  # a segment of zeros made ahead of its use


class End(msgspec.Struct, frozen=True, kw_only=True):
    """Where a journal ends: the next record goes to `offset` of the segment `number`, after command `sequence`."""

    number: int
    offset: int
    size: int  # of that segment
    sequence: int
    hash: bytes  # of the last record


class Waiting(msgspec.Struct, frozen=True):
    """A record that is not written yet, and what the segment's first page says when it is the first there."""

    data: bytes
    first: int
    previous: bytes


class Writer:
    """The end of a journal. For one thread, but for `prepare`."""

    def __init__(
        self, disk: Disk, capacity: Capacity, end: End, segment_size: int = SEGMENT_SIZE, salt: int = 0
    ) -> None:
        """Goes on at `end`, which `recover` found. BadInput for a segment size that is not whole pages or too large."""
        check_segment_size(segment_size)
        self.disk = disk
        self.capacity = capacity
        self.salt = salt
        self.segment_size = segment_size
        self.end = end
        self.sequence = end.sequence  # of the last command appended
        self.durable = end.sequence  # of the last command that may be acknowledged
        self.hash = end.hash
        self._waiting: list[Waiting] = []
        self._failed: NotWritten | None = None
        self._making = threading.Lock()
        self._has_next = False

    @classmethod
    def create(cls, disk: Disk, capacity: Capacity, segment_size: int = SEGMENT_SIZE, salt: int = 0) -> "Writer":
        """A new journal of `Venue(capacity, salt)`.

        JournalError when the folder holds files of one, NotWritten when it can not be made.
        """
        check_segment_size(segment_size)
        taken = [name for name in disk.names() if not name.endswith(TEMPORARY)]
        if taken:
            raise JournalError(disk.where(taken[0]), None, "a new journal needs a folder without other files")
        first = End(number=0, offset=0, size=0, sequence=0, hash=genesis_hash(capacity, salt))
        writer = cls(disk, capacity, first, segment_size, salt)
        try:
            writer._start_segment(1, first.hash, 0)
        except OSError as error:
            raise writer._fail(error) from error
        return writer

    def append(self, rows: Rows, chain: bytes) -> int:
        """Takes a batch that was applied and `Venue.chain` after it; returns the sequence of its last command.

        BadInput for no rows or too many for one record, NotWritten once a write has failed.
        """
        if self._failed is not None:
            raise self._failed
        if not 1 <= len(rows) <= RECORD_ROWS_MAX:
            raise BadInput("rows", f"{len(rows)} in one batch, expected 1..{RECORD_ROWS_MAX}")
        record = Record(
            first=self.sequence + 1,
            count=len(rows),
            fields=len(command.ROW),
            durable=self.durable,
            previous=self.hash,
            chain=chain,
            payload=pack(rows),
        )
        data = encode_record(record)
        self._waiting.append(Waiting(data, record.first, self.hash))
        self.sequence, self.hash = record.last, hash_of(data)
        return self.sequence

    def sync(self) -> int:
        """Makes all that waits durable; returns the sequence of the last command that now is.

        Raises NotWritten when a write or a sync fails; nothing of what waited may then be acknowledged.
        """
        if self._failed is not None:
            raise self._failed
        try:
            self._write_waiting()
        except OSError as error:
            raise self._fail(error) from error
        self.durable = self.sequence
        return self.durable

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the records that `sync` would write."""
        return sum(len(record.data) for record in self._waiting)

    @property
    def wants_segment(self) -> bool:
        """Whether the segment is more than half full and the next one is not made: `prepare` saves a later wait."""
        return not self._has_next and 2 * self.end.offset > self.end.size

    def prepare(self) -> None:
        """Makes the next segment ahead of its use. May run in another thread. Raises OSError."""
        with self._making:
            if not self._has_next:
                self.disk.create(NEXT, self.segment_size)
                self._has_next = True

    def _write_waiting(self) -> None:
        chunk: list[bytes] = []
        size = 0
        for record in self._waiting:
            if self.end.offset + size + len(record.data) > self.end.size:
                self._put(b"".join(chunk))
                self._start_segment(record.first, record.previous, len(record.data))
                chunk, size = [], 0
            chunk.append(record.data)
            size += len(record.data)
        self._put(b"".join(chunk))
        self._waiting.clear()
        self.end = msgspec.structs.replace(self.end, sequence=self.sequence, hash=self.hash)

    def _put(self, data: bytes) -> None:
        """Writes records to the present segment and syncs it."""
        if data:
            name = segment_name(self.end.number)
            self.disk.write(name, self.end.offset, data)
            self.disk.sync(name)
            self.end = msgspec.structs.replace(self.end, offset=self.end.offset + len(data))

    def _start_segment(self, first: int, previous: bytes, needed: int) -> None:
        """Goes on in a new segment; all before is synced. Its first page is durable before it gets its name."""
        with self._making:
            size = max(self.segment_size, PAGE + pages(needed))
            if not self._has_next or size != self.segment_size:
                self.disk.create(NEXT, size)
            self._has_next = False
            number = self.end.number + 1
            page = Segment(
                number=number, first=first, size=size, previous=previous, capacity=self.capacity, salt=self.salt
            )
            self.disk.write(NEXT, 0, encode_segment(page))
            self.disk.sync(NEXT)
            self.disk.rename(NEXT, segment_name(number))
        self.end = End(number=number, offset=PAGE, size=size, sequence=first - 1, hash=previous)

    def _fail(self, error: OSError) -> NotWritten:
        why = f"{error.strerror or error}; commands after {self.durable} are not acknowledged"
        name = segment_name(max(self.end.number, 1))
        self._failed = NotWritten(self.disk.where(name), self.end.offset, why)
        return self._failed


def check_segment_size(size: int) -> None:
    """BadInput unless `size` is whole pages, at least two, and within the limit."""
    if size % PAGE or not 2 * PAGE <= size <= SEGMENT_SIZE_MAX:
        raise BadInput("segment_size", f"{size} is not whole pages of {PAGE} within {2 * PAGE}..{SEGMENT_SIZE_MAX}")
