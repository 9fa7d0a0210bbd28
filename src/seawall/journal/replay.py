"""Replays records into a venue, in large steps, and checks every batch's results against those first recorded."""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from seawall.engine.rows import Rows
from seawall.engine.venue import Applied, Venue
from seawall.journal.disk import Disk
from seawall.journal.faults import Damaged, Diverged, JournalError
from seawall.journal.packing import unpack, unpack_all
from seawall.journal.record import Record
from seawall.journal.scan import Lost, Place, Reader
from seawall.journal.snapshot import Snapshot, layout_of, read_head, snapshot_files

STEP_ROWS: Final = 16_384  # replayed in one call

Progress = Callable[[int], None]  # gets the sequence of the last command read, now and then
Seen = Callable[[int, Rows, Applied], None]  # gets the sequence of the first row, the rows, and what they did


class Replay:
    """Applies records to a venue in large steps and checks the chain after each of them."""

    def __init__(self, venue: Venue, disk: Disk, seen: Seen | None = None) -> None:
        self.venue = venue
        self.disk = disk
        self.seen = seen
        self.commands = 0
        self._records: list[tuple[Place, Record]] = []
        self._rows = 0

    def add(self, place: Place, record: Record) -> None:
        """Takes the next record. Raises Diverged when a step that this one fills gives other results than recorded."""
        self._records.append((place, record))
        self._rows += record.count
        if self._rows >= STEP_ROWS:
            self.finish()

    def finish(self) -> None:
        """Applies what waits. Raises Diverged, naming the first record whose results differ."""
        if not self._records:
            return
        records = [record for _, record in self._records]
        counts = [record.count for record in records]
        rows, good = unpack_all([record.payload for record in records], counts, [record.fields for record in records])
        if good < len(records):
            unpacked(self.disk, *self._records[good])  # says what is wrong with it
        applied, chains = self.venue.apply_batches(rows, np.cumsum(counts))
        for (place, record), chain in zip(self._records, chains, strict=True):
            if chain != record.chain:
                why = f"commands {record.first}..{record.last} give other results than when they were first applied"
                raise Diverged(self.disk.where(place.file), place.offset, why)
        if self.seen is not None:
            self.seen(records[0].first, rows, applied)
        self.commands += self._rows
        self._records, self._rows = [], 0


def unpacked(disk: Disk, place: Place, record: Record) -> Rows:
    """The rows of a record. Damaged when its checksum holds but its payload is no rows."""
    try:
        return unpack(record.payload, record.count, record.fields)
    except ValueError as error:
        raise Damaged(disk.where(place.file), place.offset, str(error)) from error


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """A log replayed from its first command to its last good record."""

    commands: int
    records: int
    bytes: int
    state: str  # Venue.state_hash() at the end
    chain: str
    snapshots: tuple[str, ...]  # files whose state the replay passed through
    lost: Lost | None


def replay_log(disk: Disk, files: list[str], progress: Progress | None = None) -> Replayed:
    """Replays segments from an empty venue and compares it with every snapshot on the way that knows these columns.

    Raises JournalError when the first segment is not the venue's first, Damaged, Diverged.
    """
    reader = Reader(disk, files)
    if reader.first != 1:
        raise JournalError(disk.where(files[0]), None, f"it begins at command {reader.first}: replay the folder")
    venue = Venue(reader.capacity, reader.salt)
    replay = Replay(venue, disk)
    expected = _snapshots(disk, reader)
    passed = []
    for place, record in reader:
        replay.add(place, record)
        if record.last in expected:
            replay.finish()
            file, head = expected[record.last]
            if head.hash != reader.hash.hex() or head.state != venue.state_hash():
                raise Diverged(disk.where(file), None, f"the replay has another state after command {record.last}")
            passed.append(file)
        if progress is not None:
            progress(record.last)
    replay.finish()
    return Replayed(
        commands=replay.commands,
        records=reader.records,
        bytes=reader.bytes,
        state=venue.state_hash(),
        chain=venue.chain.hex(),
        snapshots=tuple(passed),
        lost=reader.lost,
    )


def _snapshots(disk: Disk, reader: Reader) -> dict[int, tuple[str, Snapshot]]:
    """Snapshots that the venue can be compared with, by the last command in them."""
    found = {}
    for file in snapshot_files(disk):
        try:
            head, _ = read_head(disk.read(file), disk.where(file))
        except JournalError:
            continue  # `verify` tells; a replay needs none of them
        if head.capacity == reader.capacity and head.layout == layout_of(reader.capacity):
            found[head.sequence] = (file, head)
    return found
