"""Reads a journal record by record, verifying everything, and tells how it ends: clean, torn at its tail, or damaged.

A record that cannot be read is a torn *tail* when nothing shows that it had been acknowledged: its bytes and all that
follow were never promised to anybody. It is *damage* when a later record, segment or snapshot was written after it was
synced. Then the reader raises `Damaged`, naming the file and the byte.
"""

import itertools
from collections.abc import Iterator
from typing import Final

import msgspec

from seawall.journal.disk import ZEROS, Disk
from seawall.journal.faults import Damaged, JournalError
from seawall.journal.record import (
    PAGE,
    Record,
    Segment,
    decode_record,
    decode_segment,
    genesis_hash,
    hash_of,
    segment_number,
)

STEP: Final = len(ZEROS)


class Place(msgspec.Struct, frozen=True):
    """Where a record lies."""

    file: str
    offset: int
    size: int


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """A torn tail: bytes that are no whole record, from `offset` of `file` on, in that file and later ones."""

    file: str
    offset: int
    bytes: int  # up to the last that is not zero
    first: int  # sequence of the first command that is not there
    last: int  # greatest sequence that any whole record in the tail names; first - 1 when there is none


class Reader:
    """Walks the records of segments in order. After the walk it says where they end and what was torn there."""

    def __init__(self, disk: Disk, files: list[str] | None = None, *, synced: int = 0, witness: str = "") -> None:
        """`files` are segments in order (None: all of the folder). `witness` shows that command `synced` was durable.

        Raises JournalError when there is no segment, and for a first segment whose first page cannot be read.
        """
        self.disk = disk
        self.files = segment_files(disk) if files is None else files
        self.synced = synced
        self.witness = witness
        if not self.files:
            raise JournalError(disk.where(""), None, "there is no journal")
        self.segment = self._head(0)
        self.capacity, self.salt = self.segment.capacity, self.segment.salt
        self.first = self.segment.first
        self.sequence = self.segment.first - 1  # of the last command read
        self.hash = self.segment.previous  # of the last record read
        self.file, self.offset = self.files[0], PAGE  # where the next record goes
        self.bytes = 0  # read in whole records
        self.records = 0
        self.lost: Lost | None = None
        if self.first == 1 and self.hash != genesis_hash(self.capacity, self.salt):
            raise self._damaged("the first record of a venue follows its capacity", self.file, 0)

    def __iter__(self) -> Iterator[tuple[Place, Record]]:
        """Every whole record that follows from the one before. Raises Damaged; a torn tail ends the walk in `lost`."""
        for index in range(len(self.files)):
            if index and not self._enter(index):
                break
            yield from self._segment(index)
        if self.synced > self.sequence:
            raise self._damaged(f"{self.witness} has command {self.synced}, the last one here is {self.sequence}")

    def _segment(self, index: int) -> Iterator[tuple[Place, Record]]:
        file = self.files[index]
        data = self._data
        self.file, self.offset = file, PAGE
        while (found := decode_record(data[self.offset :])) is not None:  # each turn reads at least a page
            record, whole = found
            if record.first != self.sequence + 1 or record.previous != self.hash:
                raise self._damaged(f"the record of command {record.first} does not follow from the one before")
            place = Place(file, self.offset, len(whole))
            self.hash, self.sequence = hash_of(whole), record.last
            self.offset += len(whole)
            self.bytes += len(whole)
            self.records += 1
            yield place, record
        has_more = _end_of(data, self.offset) > self.offset
        if index + 1 < len(self.files):
            if has_more:
                raise self._damaged("no whole record, in a segment that was finished")
        elif has_more or len(data) < self.segment.size:
            self._tear(file, self.offset, data)

    def _head(self, index: int) -> Segment:
        """Takes a segment's bytes, which are held until the next one's; what its first page says."""
        file = self.files[index]
        self._data = memoryview(self.disk.read(file))
        return decode_segment(bytes(self._data[:PAGE]), self.disk.where(file))

    def _enter(self, index: int) -> bool:
        """Goes on into a later segment, which must follow from the records read; False when it is torn."""
        file = self.files[index]
        try:
            segment = self._head(index)
        except JournalError as error:
            if index + 1 < len(self.files):
                raise self._damaged(error.why, file, 0) from error
            self._tear(file, 0, self._data)
            return False
        if segment.first != self.sequence + 1:
            raise self._damaged(f"{file} begins after command {segment.first - 1}, this one ends at {self.sequence}")
        if segment.previous != self.hash:
            raise self._damaged("the segment does not follow from the one before", file, 0)
        self.segment = segment
        return True

    def _tear(self, file: str, offset: int, data: memoryview) -> None:
        """Decides whether what lies at `offset` of the last file was never acknowledged: then it is `lost`."""
        end, last, synced = _end_of(data, offset), self.sequence, 0
        for start in range(offset, end, PAGE):
            found = decode_record(data[start:])
            if found is not None:
                last, synced = max(last, found[0].last), max(synced, found[0].durable)
        if synced > self.sequence:
            why = f"no whole record, but a later one was written after command {synced} was synced"
            raise self._damaged(f"{why}, and here it ends at {self.sequence}", file, offset)
        self.lost = Lost(file=file, offset=offset, bytes=end - offset, first=self.sequence + 1, last=last)

    def _damaged(self, why: str, file: str = "", offset: int = -1) -> Damaged:
        return Damaged(self.disk.where(file or self.file), self.offset if offset < 0 else offset, why)


def segment_files(disk: Disk) -> list[str]:
    """Names of the segments, in order. Damaged when one between them is missing."""
    names = sorted((name for name in disk.names() if segment_number(name)), key=segment_number)
    for before, after in itertools.pairwise(names):
        if segment_number(after) != segment_number(before) + 1:
            raise Damaged(disk.where(before), None, f"the segment after it is missing, {after} is there")
    return names


def _end_of(data: memoryview, start: int) -> int:
    """One past the last byte from `start` that is not zero; `start` when all are."""
    end = len(data)
    while end > start:  # zeros up to the end of a segment are the rule: in large steps
        begin = max(start, end - STEP)
        part = data[begin:end].tobytes()
        if part != ZEROS[: len(part)]:
            return begin + len(part.rstrip(b"\0"))
        end = begin
    return start
