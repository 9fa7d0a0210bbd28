"""The journal under a world: the power goes at any byte, disks fill up, bits flip, venues halt and start again.

A world that has a `Keeper` writes every batch to the real journal, on a disk in memory. After a failure it goes on from
what `open_journal` finds: what was acknowledged, to the byte, and perhaps more, by whole batches.
"""

import contextlib
from typing import TYPE_CHECKING, Final

import numpy as np

from seawall.engine.rows import Rows, rows_of
from seawall.engine.venue import Venue
from seawall.journal.commit import KEEP_SNAPSHOTS
from seawall.journal.faults import JournalError, NotWritten
from seawall.journal.memory import MemoryDisk
from seawall.journal.record import PAGE, Record
from seawall.journal.recover import Recovered, open_journal
from seawall.journal.scan import Place, Reader, segment_files
from seawall.journal.snapshot import PREFIX, SUFFIX, snapshot_files, write_snapshot
from seawall.journal.writer import Writer
from seawall.ledger import state
from seawall.simulation.genesis import rows_from
from seawall.simulation.properties import Caught, Fault
from seawall.terms import command, event

if TYPE_CHECKING:
    from seawall.simulation.world import World

SEGMENTS: Final = (4 * PAGE, 32 * PAGE, 256 * PAGE)
SYNC: Final = 0.5  # chance that a batch is acknowledged at once
SNAPSHOT: Final = 0.1  # chance of a snapshot at a batch
AWAY_MS: Final = (0, 1_000, 60_000, 3_600_000, 2 * 86_400_000)  # how long nobody runs the venue
HALTED_ROWS: Final = 200
POWER, FULL, STOP = range(3)


class PowerCut(Exception):
    """Raised by a disk whose power has gone."""


class FailingDisk(MemoryDisk):
    """A disk whose power goes once `left` more bytes are written, in the middle of a write or before its sync."""

    def __init__(self) -> None:
        super().__init__()
        self.left: int | None = None

    def write(self, name: str, offset: int, data: bytes) -> None:
        kept = data if self.left is None else data[: self.left]
        super().write(name, offset, kept)
        if self.left is not None:
            self.left -= len(kept)
        if len(kept) < len(data):
            raise PowerCut

    def sync(self, name: str) -> None:
        if self.left == 0:
            raise PowerCut
        super().sync(name)

    @classmethod
    def of(cls, disk: MemoryDisk) -> "FailingDisk":
        """The same files, all durable, on a disk that works."""
        fresh = cls()
        fresh.files = {name: bytearray(data) for name, data in disk.files.items()}
        fresh.durable = {name: bytes(data) for name, data in disk.files.items()}
        return fresh


class Keeper:
    """The end of a world's journal, and the state's hash after each batch that a crash may lead back to."""

    def __init__(self, capacity: state.Capacity, rng: np.random.Generator) -> None:
        self.capacity = capacity
        self.rng = rng
        self.segment = int(rng.choice(SEGMENTS))
        self.disk = FailingDisk()
        self.writer = Writer.create(self.disk, capacity, self.segment)
        self.is_watching = False
        self.states: dict[int, str] = {}

    def append(self, venue: Venue, rows: Rows) -> None:
        """Writes a batch that was applied, and at times makes all that waits durable."""
        self.writer.append(rows, venue.chain)
        if self.is_watching:
            self.states[self.writer.sequence] = venue.state_hash()
        elif self.rng.random() < SYNC:
            self.writer.sync()
            if self.rng.random() < SNAPSHOT and len(rows) > 1:
                write_snapshot(self.disk, venue, self.writer.sequence, self.writer.hash)
                for old in snapshot_files(self.disk)[KEEP_SNAPSHOTS:]:
                    self.disk.remove(old)

    def watch(self, venue: Venue) -> None:
        """From here on: all is durable, and the state's hash is kept after each batch."""
        self.writer.sync()
        self.is_watching, self.states = True, {self.writer.sequence: venue.state_hash()}

    def reopen(self, disk: MemoryDisk) -> tuple[Venue, Recovered]:
        """Opens what is on a disk and goes on from there. Raises Caught when that is not one of the states known."""
        acknowledged, written = self.writer.durable, self.writer.sequence
        try:
            venue, writer, found = open_journal(disk, self.capacity, self.segment)
        except JournalError as error:
            raise Caught(Fault("RUN_JOURNAL", f"refuses to open, durable {acknowledged}: {error}")) from error
        facts = f"found {found.sequence} of {written} commands, {acknowledged} acknowledged"
        if not acknowledged <= found.sequence <= written or found.sequence not in self.states:
            raise Caught(Fault("RUN_JOURNAL", facts))
        if venue.state_hash() != self.states[found.sequence]:
            raise Caught(Fault("RUN_JOURNAL", f"another state; {facts}"))
        assert isinstance(disk, FailingDisk)
        self.disk, self.writer, self.is_watching = disk, writer, False
        return venue, found


def fail(world: "World") -> None:
    """One failure of the machine under a world, and what comes after it."""
    keeper, rng = world.keeper, world.rng
    assert keeper is not None
    keeper.watch(world.venue)
    if rng.random() < 0.5:
        check_damage(keeper, rng)
    which = int(rng.integers(3))
    if which == STOP:
        _halt(world)
        keeper.writer.sync()
        disk = FailingDisk.of(keeper.disk)
    else:
        disk = _cut(world, keeper, which)
    durable = keeper.writer.durable
    venue, found = keeper.reopen(disk)
    if which == STOP and (found.lost is not None or found.sequence != durable):
        raise Caught(Fault("RUN_RESTART", f"stopped in order at {durable}, found {found}"))
    world.adopt(venue, found.sequence)
    world.crashes += 1
    world.away_ms = int(rng.choice(AWAY_MS))


def _halt(world: "World") -> None:
    """The admin halts the venue; people go on sending, and nothing trades."""
    halt = {"kind": command.SET_STATUS, "signer": command.ADMIN, "market": -1, "flags": command.HALTED}
    world.apply(rows_of([halt]), is_whole=False)
    table = world.traffic.table(HALTED_ROWS)
    done = world.apply(rows_from(table[~np.isin(table[:, 0], (command.SET_STATUS, command.DELIST))]))
    if traded := done.of_kind(event.FILL) + done.of_kind(event.LIQUIDATION_FILL):
        raise Caught(Fault("POST_STATUS", f"traded while halted: {traded[0]}"))


def _cut(world: "World", keeper: Keeper, which: int) -> FailingDisk:
    """Batches until the power goes or the disk is full, at any byte of what they write; the disk after that."""
    rng, disk = world.rng, keeper.disk
    for _ in range(int(rng.integers(1, 4))):
        world.apply(world.batch() if rng.random() < 0.5 else rows_from(world.traffic.table(int(rng.integers(1, 40)))))
    size = keeper.writer.waiting_bytes
    reach = int(rng.integers(0, size + 1))
    if which == FULL:
        disk.fail_after = disk.written + reach
    else:
        disk.left = reach
    with contextlib.suppress(PowerCut, NotWritten):
        keeper.writer.sync()
    if which == FULL:
        return FailingDisk.of(disk)
    fate, share = rng.random(), rng.random()
    reach = int(rng.integers(0, size // 512 + 2))
    if fate < 0.4:
        return FailingDisk.of(disk.crashed(lambda number: number < reach))
    return FailingDisk.of(disk.crashed(lambda _: bool(rng.random() < share)))


def check_damage(keeper: Keeper, rng: np.random.Generator) -> None:
    """RUN_DAMAGE: a bit of a whole journal flips, and opening its copy notices it, at its place."""
    disk = FailingDisk.of(keeper.disk)
    records = list(Reader(disk))
    snapshots = snapshot_files(disk)
    if snapshots and rng.random() < 0.3:
        _damage_snapshot(keeper, disk, str(rng.choice(snapshots)), rng)
        return
    at = len(records) - 1 if rng.random() < 0.3 else int(rng.integers(len(records)))
    place, record = records[at]
    offset = place.offset + int(rng.integers(place.size))
    disk.files[place.file][offset] ^= 1 << int(rng.integers(8))
    facts = f"bit flipped at {place.file} {offset}, in the record at {place.offset} of commands to {record.last}"
    is_known = place.file != segment_files(disk)[-1] or _is_known(records, at, snapshots)
    try:
        found = open_journal(disk, keeper.capacity, keeper.segment)[2]
    except JournalError as error:
        if not is_known or (error.file, error.offset) != (place.file, place.offset):
            raise Caught(Fault("RUN_DAMAGE", f"{facts}: {error}")) from error
        return
    if is_known or found.sequence != record.first - 1 or found.lost is None:
        raise Caught(Fault("RUN_DAMAGE", f"{facts}: opened with {found}"))


def _is_known(records: list[tuple[Place, Record]], at: int, snapshots: list[str]) -> bool:
    """Whether a later record or a snapshot shows that the record had been acknowledged."""
    last = records[at][1].last
    return any(other.durable >= last for _, other in records[at + 1 :]) or any(_sequence(s) >= last for s in snapshots)


def _damage_snapshot(keeper: Keeper, disk: FailingDisk, name: str, rng: np.random.Generator) -> None:
    """A snapshot with a flipped bit is passed over, unless it unpacks to the same state all the same: runs of zeros
    can be written in many ways.
    """
    offset = int(rng.integers(len(disk.files[name])))
    disk.files[name][offset] ^= 1 << int(rng.integers(8))
    venue, _, found = open_journal(disk, keeper.capacity, keeper.segment)
    if venue.state_hash() != keeper.states[found.sequence]:
        raise Caught(Fault("RUN_DAMAGE", f"bit flipped at {name} {offset}: opened with {found}"))


def _sequence(snapshot: str) -> int:
    """The last command in a snapshot, by its name."""
    return int(snapshot.removeprefix(PREFIX).removesuffix(SUFFIX))
