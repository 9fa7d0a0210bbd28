"""Group commit: nothing is answered before it is durable, groups keep their order, failures tell everybody."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from journal_world import SEGMENT, Log, batches
from seawall.engine.rows import rows_of
from seawall.engine.venue import Venue
from seawall.journal import disk as disks
from seawall.journal.commit import GROUP, KEEP_SNAPSHOTS, GroupCommit
from seawall.journal.disk import Folder
from seawall.journal.faults import JournalError, NotWritten
from seawall.journal.memory import MemoryDisk
from seawall.journal.recover import open_journal
from seawall.journal.scan import Reader
from seawall.journal.snapshot import snapshot_files
from seawall.journal.writer import Writer
from seawall.ledger import state
from seawall.units import BadInput


class Slow(MemoryDisk):
    """A disk whose syncs wait until they are let through."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()

    def sync(self, name: str) -> None:
        assert self.gate.wait(30)
        super().sync(name)


def started(disk: MemoryDisk, wait_s: float = 0.0) -> GroupCommit:
    venue, writer, _ = open_journal(disk, state.SMALL, SEGMENT, salt=0)
    return GroupCommit(venue, writer, wait_s)


def test_an_answer_comes_after_the_sync_and_says_what_its_own_rows_did() -> None:
    disk = Slow()
    alone = Venue(state.SMALL)
    with started(disk) as commit:
        disk.gate.clear()
        parts = [part for rows in batches(1, 6) for part in np.split(rows, range(5, len(rows), 5))]
        tickets = [commit.submit(rows) for rows in parts]
        with pytest.raises(TimeoutError):
            tickets[0].wait(0.05)
        assert not any(ticket.is_done for ticket in tickets)
        disk.gate.set()
        for ticket, rows in zip(tickets, parts, strict=True):
            given, expected = ticket.wait(30), alone.apply(rows)
            assert given.codes.tolist() == expected.codes.tolist()
            assert given.made.tolist() == expected.made.tolist()
            assert given.events.tolist() == expected.events.tolist()
        assert commit.syncs < len(parts)
    assert open_journal(disk, state.SMALL, SEGMENT)[0].state_hash() == alone.state_hash()


def test_groups_hold_at_most_64_commands_and_larger_submissions_stay_whole() -> None:
    disk = Slow()
    commit = started(disk)
    tick = rows_of([{"kind": 99}])
    disk.gate.clear()
    sizes = [1, 40, 23, 40, 40, 2, 62, 64, 65, 200, 3]
    tickets = [commit.submit(np.repeat(tick, size)) for size in sizes]
    disk.gate.set()
    for ticket in tickets:
        ticket.wait(30)
    commit.close()
    counts = [record.count for _, record in Reader(disk)]
    assert sum(counts) == sum(sizes)
    assert [count for count in counts if count > GROUP] == [65, 200]


def test_a_lonely_command_waits_no_longer_than_its_deadline() -> None:
    with started(MemoryDisk(), wait_s=0.01) as commit:
        assert commit.submit(rows_of([{"kind": 99}])).wait(5).codes.tolist() == [100]


def test_a_full_disk_acknowledges_nothing_and_says_so() -> None:
    disk = MemoryDisk()
    commit = started(disk)
    parts = batches(1, 4)
    assert commit.submit(parts[0]).wait(30)
    disk.fail_after = disk.written
    ticket = commit.submit(parts[1])
    with pytest.raises(NotWritten, match=r"journal-0000000\d.seg at byte \d+: No space left on device; commands after"):
        ticket.wait(30)
    with pytest.raises(NotWritten):
        commit.submit(parts[2]).wait(30)
    with pytest.raises(NotWritten):
        commit.snapshot()
    commit.close()
    disk.fail_after = None
    venue, _, found = open_journal(disk.crashed(lambda _: True), state.SMALL, SEGMENT)
    assert found.sequence == len(parts[0])
    expected = Venue(state.SMALL)
    expected.apply(parts[0])
    assert venue.state_hash() == expected.state_hash()


def test_a_writer_takes_nothing_after_a_failure() -> None:
    log = Log(MemoryDisk())
    first, second = batches(1, 1)
    log.apply(first)
    log.disk.fail_after = log.disk.written  # type: ignore[attr-defined]
    with pytest.raises(NotWritten):
        log.writer.sync()
    assert log.writer.durable == 0
    log.disk.fail_after = None  # type: ignore[attr-defined]
    for again in (log.writer.sync, lambda: log.writer.append(second, bytes(32))):
        with pytest.raises(NotWritten):
            again()


def test_what_waits_when_it_closes_becomes_durable() -> None:
    disk = MemoryDisk()
    commit = started(disk, wait_s=60.0)
    ticket = commit.submit(rows_of([{"kind": 99}]))
    commit.close()
    assert ticket.is_done
    with pytest.raises(JournalError, match="closed"):
        commit.submit(rows_of([{"kind": 99}]))


def test_bad_submissions_are_refused() -> None:
    with started(MemoryDisk()) as commit:
        for rows in (np.zeros(3), rows_of([]), np.repeat(rows_of([{"kind": 99}]), 65_537)):
            with pytest.raises(BadInput):
                commit.submit(rows)


def test_too_much_waiting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.journal.commit.QUEUE_ROWS", 10)
    disk = Slow()
    with started(disk) as commit:
        disk.gate.clear()
        commit.submit(np.repeat(rows_of([{"kind": 99}]), 8))
        with pytest.raises(JournalError, match="8 commands wait for the disk"):
            commit.submit(np.repeat(rows_of([{"kind": 99}]), 3))
        disk.gate.set()


def test_snapshots_between_groups_bring_the_venue_back_and_old_ones_go() -> None:
    disk = MemoryDisk()
    with started(disk) as commit:
        for rows in batches(1, 5):
            commit.submit(rows).wait(30)
            name = commit.snapshot()
        hash_ = commit.venue.state_hash()
    assert snapshot_files(disk)[0] == name
    assert len(snapshot_files(disk)) == KEEP_SNAPSHOTS
    venue, _, found = open_journal(disk, state.SMALL, SEGMENT, salt=0)
    assert found.replayed == 0
    assert venue.state_hash() == hash_


def test_a_snapshot_that_can_not_be_written_ends_nothing() -> None:
    disk = MemoryDisk()
    with started(disk) as commit:
        first, second = batches(1, 1)
        commit.submit(first).wait(30)
        disk.fail_after = disk.written
        with pytest.raises(OSError, match="No space"):
            commit.snapshot()
        disk.fail_after = None
        commit.submit(second).wait(30)
    assert open_journal(disk, state.SMALL, SEGMENT)[0].state_hash() == commit.venue.state_hash()


def test_a_fault_in_the_engine_reaches_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    with started(MemoryDisk()) as commit:
        monkeypatch.setattr(commit.venue, "apply", lambda _: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            commit.submit(rows_of([{"kind": 99}])).wait(30)


def test_a_real_folder_keeps_what_memory_keeps(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.claim()
    log = Log(folder)
    for rows in batches(2, 12):
        if log.writer.wants_segment:
            log.writer.prepare()
        log.apply(rows)
        log.writer.sync()
    log.snapshot()
    folder.close()
    venue, _, found = open_journal(Folder(tmp_path), state.SMALL, SEGMENT)
    assert venue.state_hash() == log.venue.state_hash()
    assert found.skipped == ()
    in_memory = Log(MemoryDisk())
    for rows in batches(2, 12):
        in_memory.apply(rows)
        in_memory.writer.sync()
    for name, data in in_memory.disk.files.items():  # type: ignore[attr-defined]
        assert (tmp_path / name).read_bytes() == bytes(data)


def test_one_process_writes_a_folder(tmp_path: Path) -> None:
    first, second = Folder(tmp_path), Folder(tmp_path)
    first.claim()
    with pytest.raises(JournalError, match="another process"):
        second.claim()
    first.close()
    second.claim()
    second.close()


def test_short_writes_are_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = disks.os.pwrite
    monkeypatch.setattr(disks.os, "pwrite", lambda to, data, at: whole(to, bytes(data)[:7], at))
    folder = Folder(tmp_path)
    folder.create("file", 40)
    folder.write("file", 3, bytes(range(30)))
    folder.sync("file")
    folder.close()
    assert (tmp_path / "file").read_bytes() == bytes(3) + bytes(range(30)) + bytes(7)


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from journal_world import SEGMENT, batches
from seawall.journal.commit import GroupCommit
from seawall.journal.disk import Folder
from seawall.journal.recover import open_journal
from seawall.ledger import state
folder = Folder(Path(sys.argv[1]))
folder.claim()
venue, writer, _ = open_journal(folder, state.SMALL, SEGMENT)
commit = GroupCommit(venue, writer)
count = 0
for rows in batches(7, 100_000):
    commit.submit(rows).wait()
    count += len(rows)
    print(count, flush=True)
"""


def test_a_killed_process_has_kept_all_that_it_acknowledged(tmp_path: Path) -> None:
    here = str(Path(__file__).resolve().parent.parent)
    words = [sys.executable, "-c", KILLED, str(tmp_path), here]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        acknowledged = [int(running.stdout.readline()) for _ in range(25)]
        running.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in running.stdout.read().split()]
    venue, _, found = open_journal(Folder(tmp_path), state.SMALL, SEGMENT)
    assert found.sequence >= acknowledged[-1]
    salt = int(venue.columns["cell"][state.HASH_SALT])
    expected, left = Venue(state.SMALL, salt), found.sequence
    for rows in batches(7, 1_000):
        if left == 0:
            break
        expected.apply(rows)
        left -= len(rows)
    assert left == 0
    assert venue.state_hash() == expected.state_hash()


def test_creating_a_journal_on_a_full_disk_says_so() -> None:
    disk = MemoryDisk()
    disk.fail_after = -1
    with pytest.raises(NotWritten, match="No space left"):
        Writer.create(disk, state.SMALL, SEGMENT)
