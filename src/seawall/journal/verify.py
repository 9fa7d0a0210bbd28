"""Looks at a journal without applying anything: every byte of every record, every link, every snapshot."""

from collections.abc import Iterator

import msgspec

from seawall.journal.disk import Disk
from seawall.journal.faults import JournalError
from seawall.journal.record import Record
from seawall.journal.replay import Progress
from seawall.journal.scan import Lost, Place, Reader
from seawall.journal.snapshot import read_snapshot, snapshot_files


class SnapshotVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """One snapshot, and what is wrong with it (None: nothing)."""

    file: str
    sequence: int | None
    fault: str | None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A journal as it lies on disk."""

    first: int
    last: int
    segments: int
    records: int
    bytes: int  # of whole records
    hash: str  # of the last record
    snapshots: tuple[SnapshotVerdict, ...]
    lost: Lost | None

    @property
    def is_whole(self) -> bool:
        return self.lost is None and all(snapshot.fault is None for snapshot in self.snapshots)


def verify(disk: Disk, files: list[str], with_snapshots: bool, progress: Progress | None = None) -> Verdict:
    """Reads segments, and with them the snapshots of the folder. Raises Damaged, or JournalError for another format."""
    heads = [_snapshot(disk, file) for file in snapshot_files(disk)] if with_snapshots else []
    good = [(head.sequence, head.file) for head, _ in heads if head.fault is None and head.sequence is not None]
    synced, witness = max(good, default=(0, ""))
    reader = Reader(disk, files, synced=synced, witness=witness)
    hashes = {reader.sequence: reader.hash.hex()}
    wanted = {head.sequence for head, _ in heads}
    for _, record in reader:
        if record.last in wanted:
            hashes[record.last] = reader.hash.hex()
        if progress is not None:
            progress(record.last)
    snapshots = []
    for head, hash_ in heads:
        fault = head.fault
        if fault is None and head.sequence is not None and head.sequence >= reader.first - 1:
            fault = None if hashes.get(head.sequence) == hash_ else "it does not follow from the record that it names"
        snapshots.append(msgspec.structs.replace(head, fault=fault))
    return Verdict(
        first=reader.first,
        last=reader.sequence,
        segments=len(files),
        records=reader.records,
        bytes=reader.bytes,
        hash=reader.hash.hex(),
        snapshots=tuple(snapshots),
        lost=reader.lost,
    )


def records_from(disk: Disk, files: list[str], first: int) -> Iterator[tuple[Place, Record]]:
    """Records that hold command `first` or later ones, checked from the beginning. Raises as `verify` does."""
    for place, record in Reader(disk, files):
        if record.last >= first:
            yield place, record


def _snapshot(disk: Disk, file: str) -> tuple[SnapshotVerdict, str]:
    """A verdict on the file alone, and the hash of the record that it names."""
    try:
        head, _ = read_snapshot(disk, file)
    except JournalError as error:
        return SnapshotVerdict(file=file, sequence=None, fault=error.why), ""
    return SnapshotVerdict(file=file, sequence=head.sequence, fault=None), head.hash
