"""Brings a venue back from its folder: the newest good snapshot, then the log from there, checked all the way.

The whole log is read and verified whatever the snapshot, so damage anywhere before the last acknowledged command keeps
the venue from starting. A torn tail is cut off: its bytes are put aside in a file of their own, and the report says
what they were.
"""

import secrets
from collections.abc import Callable
from typing import Final

import msgspec

from seawall.engine.venue import Venue
from seawall.journal.disk import TEMPORARY, ZEROS, Disk
from seawall.journal.faults import JournalError, NotFollowed
from seawall.journal.record import SEGMENT_SIZE, segment_number
from seawall.journal.replay import Progress, Replay, Seen
from seawall.journal.scan import Lost, Reader, segment_files
from seawall.journal.snapshot import Snapshot, layout_of, read_head, read_snapshot, snapshot_files
from seawall.journal.writer import End, Writer
from seawall.ledger.state import Capacity

SALT_BITS: Final = 31
LOST_PREFIX: Final = "lost-"


class Skipped(msgspec.Struct, frozen=True):
    """A snapshot that is not used."""

    file: str
    why: str


class Follower(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who keeps what the log did up to the command `known`, and is told of what follows.

    `ready` gets the venue as it was after that command, then `seen` all that came after it, in order.
    """

    known: int
    ready: Callable[[Venue], None]
    seen: Seen


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """What opening found. Sequences are of commands; 0 is none."""

    sequence: int  # the last command
    snapshot: int  # the last command in the snapshot used
    replayed: int  # commands replayed after it
    records: int
    bytes: int  # of whole records
    lost: Lost | None
    kept: str | None  # file that the torn bytes were put in
    skipped: tuple[Skipped, ...]


def open_journal(
    disk: Disk,
    capacity: Capacity,
    segment_size: int = SEGMENT_SIZE,
    progress: Progress | None = None,
    salt: int | None = None,
    follower: Follower | None = None,
) -> tuple[Venue, Writer, Recovered]:
    """The venue as of its last good record, a writer that goes on from there, and what was found.

    A folder without a journal gets a new one, of a venue with this salt, which is drawn when it is None. With a
    follower no snapshot beyond what it knows is used. Raises Damaged when acknowledged bytes are not as they were
    written, Diverged when they replay to something else, NotFollowed when no record ends where the follower's knowledge
    does, JournalError for another capacity or version, OSError from the disk.
    """
    for name in disk.names():
        if name.endswith(TEMPORARY):
            disk.remove(name)
    if not segment_files(disk) and not snapshot_files(disk):
        salt = secrets.randbits(SALT_BITS) if salt is None else salt
        writer = Writer.create(disk, capacity, segment_size, salt)
        found = Recovered(sequence=0, snapshot=0, replayed=0, records=0, bytes=0, lost=None, kept=None, skipped=())
        venue = Venue(capacity, salt)
        _tell(follower, venue, 0)
        return venue, writer, found
    skipped: list[Skipped] = []
    while True:  # each turn skips one more snapshot
        start = _start(disk, capacity, skipped, follower)
        replayed = _run(start, disk, progress, follower)
        if replayed is not None:
            break
        assert start.file, "the log leads from its own beginning"
        skipped.append(Skipped(start.file, "it does not follow from the record that it names"))
    reader = start.reader
    kept = _cut(disk, reader) if reader.lost is not None else None
    end = End(
        number=segment_number(reader.file),
        offset=reader.offset,
        size=reader.segment.size,
        sequence=reader.sequence,
        hash=reader.hash,
    )
    report = Recovered(
        sequence=reader.sequence,
        snapshot=start.sequence,
        replayed=replayed,
        records=reader.records,
        bytes=reader.bytes,
        lost=reader.lost,
        kept=kept,
        skipped=tuple(skipped),
    )
    return start.venue, Writer(disk, capacity, end, segment_size, reader.salt), report


class _Start(msgspec.Struct, frozen=True):
    """What a recovery begins with: a venue after command `sequence`, by the snapshot `file` (none: empty)."""

    reader: Reader
    venue: Venue
    sequence: int
    hash: bytes
    file: str


def _start(disk: Disk, capacity: Capacity, skipped: list[Skipped], follower: Follower | None) -> _Start:
    """The newest snapshot that can be used and has not been skipped, else the empty venue."""
    heads = _heads(disk, skipped)
    newest = max(heads, key=lambda entry: entry[1].sequence, default=None)
    synced, witness = (0, "") if newest is None else (newest[1].sequence, newest[0])
    reader = Reader(disk, synced=synced, witness=witness)
    if reader.capacity != capacity:
        raise JournalError(disk.where(reader.files[0]), 0, "the journal is of a venue with another capacity")
    for file, head in heads:
        is_beyond = follower is not None and head.sequence > follower.known
        if is_beyond or file in [entry.file for entry in skipped]:
            continue
        venue = Venue(capacity)
        try:
            _, durable = read_snapshot(disk, file)
            if head.layout != layout_of(capacity) or head.capacity != capacity:
                raise JournalError(file, None, "it was taken by a version with other columns")
            venue.restore(durable, bytes.fromhex(head.chain))
        except JournalError as error:
            skipped.append(Skipped(file, error.why))
            continue
        return _Start(reader, venue, head.sequence, bytes.fromhex(head.hash), file)
    if reader.first != 1:
        why = f"the first segment begins at command {reader.first}, and no snapshot before it can be used"
        raise JournalError(disk.where(reader.files[0]), None, why)
    return _Start(reader, Venue(capacity, reader.salt), 0, reader.hash, "")


def _heads(disk: Disk, skipped: list[Skipped]) -> list[tuple[str, Snapshot]]:
    """What the snapshots say of themselves, newest first; those that do not are added to `skipped`."""
    heads = []
    for file in snapshot_files(disk):
        try:
            heads.append((file, read_head(disk.read(file), file)[0]))
        except JournalError as error:
            if file not in [entry.file for entry in skipped]:
                skipped.append(Skipped(file, error.why))
    return heads


def _run(start: _Start, disk: Disk, progress: Progress | None, follower: Follower | None) -> int | None:
    """Verifies the whole log and replays what follows the start; None when the log does not lead through it."""
    replay = Replay(start.venue, disk)
    has_met = start.sequence == start.reader.sequence and start.hash == start.reader.hash
    if not has_met and start.sequence <= start.reader.sequence:
        return None
    has_told = has_met and _tell(follower, start.venue, start.sequence)
    for place, record in start.reader:
        if has_met:
            replay.seen = follower.seen if follower is not None and has_told else None
            replay.add(place, record)
        elif record.last >= start.sequence:
            if start.reader.sequence != start.sequence or start.reader.hash != start.hash:
                return None
            has_met = True
        if has_met and not has_told and follower is not None and record.last >= follower.known:
            replay.finish()
            has_told = _tell(follower, start.venue, record.last)
        if progress is not None:
            progress(record.last)
    replay.finish()
    if follower is not None and not has_told:
        raise NotFollowed(disk.where(start.reader.file), None, f"the log ends before command {follower.known}")
    return replay.commands


def _tell(follower: Follower | None, venue: Venue, sequence: int) -> bool:
    """Hands the follower the venue after the command that it knows; whether this is that command."""
    if follower is None or sequence < follower.known:
        return False
    if sequence > follower.known:
        raise NotFollowed("journal", None, f"no record ends at command {follower.known}")
    follower.ready(venue)
    return True


def _cut(disk: Disk, reader: Reader) -> str | None:
    """Puts the torn bytes aside and zeros in their place; returns the name of the file that keeps them."""
    lost = reader.lost
    assert lost is not None
    data = disk.read(lost.file)[lost.offset : lost.offset + lost.bytes]
    kept = None
    if data:
        taken = len([name for name in disk.names() if name.startswith(LOST_PREFIX)])
        kept = f"{LOST_PREFIX}{lost.first:020d}-{taken + 1}"
        disk.create(kept + TEMPORARY, 0)
        disk.write(kept + TEMPORARY, 0, data)
        disk.sync(kept + TEMPORARY)
        disk.rename(kept + TEMPORARY, kept)
    if lost.file != reader.file:
        disk.remove(lost.file)
        return kept
    for offset in range(lost.offset, reader.segment.size, len(ZEROS)):
        disk.write(lost.file, offset, ZEROS[: reader.segment.size - offset])
    disk.sync(lost.file)
    return kept
