"""Opening a venue from its folder: which snapshot, what is replayed, and what is refused by name."""

import msgspec
import pytest

from journal_world import SEGMENT, Log, batches, written
from seawall.engine.venue import Venue
from seawall.journal import snapshot
from seawall.journal.faults import Damaged, Diverged, JournalError, NotFollowed
from seawall.journal.memory import MemoryDisk
from seawall.journal.record import (
    PAGE,
    decode_record,
    decode_segment,
    encode_record,
    encode_segment,
    hash_of,
    segment_name,
)
from seawall.journal.recover import Follower, open_journal
from seawall.journal.replay import replay_log
from seawall.journal.scan import segment_files
from seawall.journal.verify import verify
from seawall.journal.writer import Writer
from seawall.ledger import state
from seawall.units import BadInput


def opened(disk: MemoryDisk, capacity: state.Capacity = state.SMALL):  # type: ignore[no-untyped-def]
    return open_journal(disk, capacity, SEGMENT)


def test_an_empty_folder_becomes_a_journal_and_opens_again_empty() -> None:
    disk = MemoryDisk()
    venue, _, found = opened(disk)
    assert (found.sequence, found.records, found.snapshot) == (0, 0, 0)
    again, _, found = opened(disk)
    assert (found.sequence, found.lost) == (0, None)
    salt = int(venue.columns["cell"][state.HASH_SALT])
    assert again.state_hash() == venue.state_hash() == Venue(state.SMALL, salt).state_hash()


def test_each_new_venue_draws_its_salt_and_its_log_keeps_it() -> None:
    disks = [MemoryDisk(), MemoryDisk()]
    salts = [int(opened(disk)[0].columns["cell"][state.HASH_SALT]) for disk in disks]
    assert salts[0] != salts[1]
    assert all(0 < salt < 2**31 for salt in salts)
    assert [int(opened(disk)[0].columns["cell"][state.HASH_SALT]) for disk in disks] == salts
    replayed = [replay_log(disk, segment_files(disk)).state for disk in disks]
    assert replayed == [Venue(state.SMALL, salt).state_hash() for salt in salts]


@pytest.mark.parametrize("at", [-1, 0, 4, 12])
def test_snapshot_and_suffix_are_the_full_replay(at: int) -> None:
    log = written(snapshot_at=at)
    venue, writer, found = opened(log.disk)
    assert (venue.state_hash(), venue.chain) == (log.venue.state_hash(), log.venue.chain)
    assert found.replayed == log.writer.sequence - found.snapshot
    assert (found.snapshot == 0) == (at < 0)
    assert (writer.sequence, writer.hash, writer.end) == (log.writer.sequence, log.writer.hash, log.writer.end)
    done = replay_log(log.disk, segment_files(log.disk))
    assert (done.state, done.chain) == (log.venue.state_hash(), log.venue.chain.hex())
    assert len(done.snapshots) == (at >= 0)


def test_a_damaged_snapshot_is_passed_over_and_told() -> None:
    log = written(snapshot_at=3)
    log.snapshot()
    newest, older = snapshot.snapshot_files(log.disk)
    for place in (3, 60, 1_000, len(log.disk.files[newest]) - 1):
        log.disk.files[newest][place] ^= 8
        venue, _, found = opened(log.disk)
        assert [entry.file for entry in found.skipped] == [newest]
        assert found.snapshot == int(older.removeprefix("snapshot-").removesuffix(".snap"))
        assert venue.state_hash() == log.venue.state_hash()
        log.disk.files[newest][place] ^= 8


def test_a_snapshot_that_has_its_name_is_whole_after_a_power_cut() -> None:
    disk = written(snapshot_at=3).disk
    assert isinstance(disk, MemoryDisk)
    after = disk.crashed(lambda _: False)
    for name in snapshot.snapshot_files(after):
        snapshot.read_snapshot(after, name)


def test_chunks_that_change_places_are_seen() -> None:
    """Each of them is sound; only what is said of the whole tells."""
    log = written(snapshot_at=3)
    name = snapshot.snapshot_files(log.disk)[0]
    data = log.disk.read(name)
    _, at = snapshot.read_head(data, name)
    chunks = []
    while at < len(data):
        length = 4 + int.from_bytes(data[at : at + 4], "little")
        chunks.append(data[at : at + length])
        at += length
    head = data[: len(data) - sum(len(chunk) for chunk in chunks)]
    log.disk.files[name] = bytearray(head + b"".join([chunks[1], chunks[0], *chunks[2:]]))
    with pytest.raises(JournalError, match="does not have its checksum"):
        snapshot.read_snapshot(log.disk, name)


def test_a_snapshot_of_other_columns_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    log = written(snapshot_at=5)
    monkeypatch.setattr("seawall.journal.recover.layout_of", lambda _: "other")
    venue, _, found = opened(log.disk)
    assert found.snapshot == 0
    assert [entry.why for entry in found.skipped] == ["it was taken by a version with other columns"]
    assert venue.state_hash() == log.venue.state_hash()


def test_a_snapshot_that_the_log_does_not_lead_through_is_not_used() -> None:
    """Of another venue, or of the same one but between two records."""
    log, other = written(seed=1), written(seed=2, snapshot_at=3)
    name = snapshot.snapshot_files(other.disk)[0]
    log.disk.files[name] = other.disk.files[name]
    between = snapshot.write_snapshot(log.disk, log.venue, 5, bytes(32))
    beside = snapshot.write_snapshot(log.disk, other.venue, max(log.states), bytes(32))
    venue, _, found = opened(log.disk)
    assert {entry.file for entry in found.skipped} == {name, between, beside}
    assert found.snapshot == 0
    assert venue.state_hash() == log.venue.state_hash()


def test_a_journal_that_ends_before_its_snapshot_has_lost_what_was_acknowledged() -> None:
    log = written(snapshot_at=12)
    end = log.writer.end.offset
    log.disk.files[segment_name(log.writer.end.number)][end - PAGE : end] = bytes(PAGE)
    with pytest.raises(Damaged, match="has command"):
        opened(log.disk)


def test_old_segments_may_go_once_a_snapshot_covers_them() -> None:
    log = written(snapshot_at=10)
    covered = int(snapshot.snapshot_files(log.disk)[0].removeprefix("snapshot-").removesuffix(".snap"))
    names = segment_files(log.disk)
    log.disk.remove(names[0])
    venue, _, found = opened(log.disk)
    assert found.snapshot == covered
    assert venue.state_hash() == log.venue.state_hash()
    log.disk.remove(snapshot.snapshot_files(log.disk)[0])
    with pytest.raises(JournalError, match="no snapshot before it can be used"):
        opened(log.disk)


def test_a_missing_segment_is_named() -> None:
    log = written()
    log.disk.remove(segment_name(2))
    with pytest.raises(Damaged, match=r"journal-00000001.seg: the segment after it is missing"):
        opened(log.disk)


def test_snapshots_without_segments_do_not_start_a_new_journal() -> None:
    log = written(snapshot_at=3)
    for name in segment_files(log.disk):
        log.disk.remove(name)
    with pytest.raises(JournalError, match="there is no journal"):
        opened(log.disk)


def test_another_capacity_is_refused() -> None:
    other = msgspec.structs.replace(state.SMALL, accounts=128)
    with pytest.raises(JournalError, match="another capacity"):
        opened(written().disk, other)


def rewritten(log: Log, change) -> int:  # type: ignore[no-untyped-def]
    """The last record with a change that its checksum agrees with; returns where it lies."""
    name = segment_name(log.writer.end.number)
    data = log.disk.files[name]
    offset = log.writer.end.offset - PAGE
    found = decode_record(memoryview(bytes(data[offset:])))
    assert found is not None
    whole = encode_record(change(found[0]))
    data[offset : offset + len(whole)] = whole
    return offset


def test_results_that_differ_from_those_recorded_stop_the_start() -> None:
    log = written()
    offset = rewritten(log, lambda record: msgspec.structs.replace(record, chain=bytes(32)))
    with pytest.raises(Diverged, match=f"at byte {offset}: commands .* give other results"):
        opened(log.disk)


def test_a_record_that_does_not_follow_is_damage_though_its_checksum_holds() -> None:
    log = written()
    offset = rewritten(log, lambda record: msgspec.structs.replace(record, previous=hash_of(b"")))
    with pytest.raises(Damaged, match=f"at byte {offset}: the record of command .* does not follow"):
        opened(log.disk)


def test_a_record_with_another_number_is_damage_though_its_checksum_holds() -> None:
    log = written()
    offset = rewritten(log, lambda record: msgspec.structs.replace(record, first=record.first + 1))
    with pytest.raises(Damaged, match=f"at byte {offset}: the record of command .* does not follow"):
        opened(log.disk)


def refaced(log: Log, number: int, **changes: object) -> str:
    """A segment's first page with a change that its checksum agrees with; returns the file's name."""
    name = segment_name(number)
    page = decode_segment(bytes(log.disk.files[name][:PAGE]), name)
    log.disk.files[name][:PAGE] = encode_segment(msgspec.structs.replace(page, **changes))
    return name


def test_a_segment_of_another_log_is_damage() -> None:
    log = written()
    name = refaced(log, 3, previous=hash_of(b""))
    with pytest.raises(Damaged, match=f"{name} at byte 0: the segment does not follow from the one before"):
        opened(log.disk)


def test_a_segment_that_begins_later_is_damage_of_the_one_before() -> None:
    log = written()
    refaced(log, 3, first=999)
    with pytest.raises(
        Damaged, match=r"journal-00000002.seg at byte \d+: journal-00000003.seg begins after command 998"
    ):
        opened(log.disk)


def test_the_first_record_follows_the_capacity() -> None:
    """Else the log of one venue could be put before another's."""
    log = written()
    name = refaced(log, 1, previous=bytes(32))
    with pytest.raises(Damaged, match=f"{name} at byte 0: the first record of a venue follows its capacity"):
        opened(log.disk)


def test_a_payload_that_is_no_rows_is_damage() -> None:
    log = written()
    offset = rewritten(log, lambda record: msgspec.structs.replace(record, payload=record.payload + b"\0"))
    with pytest.raises(Damaged, match=f"at byte {offset}: record: its .* bytes are not .* rows of"):
        opened(log.disk)


def test_files_half_made_are_removed() -> None:
    log = written()
    log.disk.create("next.tmp", 99)
    log.disk.create("snapshot-1.snap.tmp", 99)
    opened(log.disk)
    assert not [name for name in log.disk.names() if name.endswith(".tmp")]


def test_a_new_journal_is_not_made_over_files() -> None:
    disk = MemoryDisk()
    disk.create("precious", 1)
    with pytest.raises(JournalError, match="precious"):
        Writer.create(disk, state.SMALL, SEGMENT)


@pytest.mark.parametrize("size", [0, PAGE, 3 * PAGE + 1, 1 << 31])
def test_segment_sizes_out_of_range_are_refused(size: int) -> None:
    with pytest.raises(BadInput, match="segment_size"):
        Writer.create(MemoryDisk(), state.SMALL, size)


def test_a_batch_larger_than_a_segment_gets_one_of_its_own() -> None:
    log = Log(MemoryDisk(), segment_size=2 * PAGE)
    for rows in batches(4, 3, size=900):
        log.apply(rows)
    log.writer.sync()
    sizes = [len(data) for data in log.disk.files.values()]
    assert max(sizes) > 2 * PAGE
    assert open_journal(log.disk, state.SMALL, 2 * PAGE)[0].chain == log.venue.chain


def test_a_segment_made_ahead_is_the_next_one() -> None:
    log = Log(MemoryDisk())
    for rows in batches(4, 9):
        if log.writer.wants_segment:
            log.writer.prepare()
            assert "next.tmp" in log.disk.names()
            assert not log.writer.wants_segment
        log.apply(rows)
        log.writer.sync()
    assert opened(log.disk)[0].chain == log.venue.chain


def test_a_verdict_names_every_bad_snapshot() -> None:
    log = written(snapshot_at=3)
    good = snapshot.snapshot_files(log.disk)[0]
    odd = snapshot.write_snapshot(log.disk, log.venue, 5, bytes(32))
    log.disk.create("snapshot-99999999999999999999.snap", 10)
    verdict = verify(log.disk, segment_files(log.disk), with_snapshots=True)
    assert not verdict.is_whole
    faults = {entry.file: entry.fault for entry in verdict.snapshots}
    assert faults.pop(good) is None
    assert faults == {
        odd: "it does not follow from the record that it names",
        "snapshot-99999999999999999999.snap": "not a snapshot",
    }


def test_a_replay_finds_a_snapshot_of_another_state() -> None:
    log = written()
    odd = Venue(state.SMALL)
    snapshot.write_snapshot(log.disk, odd, log.writer.sequence, log.writer.hash)
    with pytest.raises(Diverged, match="another state"):
        replay_log(log.disk, segment_files(log.disk))


@pytest.mark.parametrize("snapshot_at", [-1, 3, 9])
def test_a_follower_is_told_all_that_it_does_not_know(snapshot_at: int) -> None:
    log = written(snapshot_at=snapshot_at)
    ends = sorted(log.states)
    for known in ends:
        heard: list[str] = []
        told: list[tuple[int, int, int]] = []
        follower = Follower(
            known=known,
            ready=lambda venue, heard=heard: heard.append(venue.state_hash()),
            seen=lambda first, rows, done, told=told: told.append((first, len(rows), len(done.codes))),
        )
        venue, _, found = open_journal(log.disk, state.SMALL, SEGMENT, follower=follower)
        assert heard == [log.states[known]]
        assert sum(rows for _, rows, _ in told) == ends[-1] - known
        assert [first for first, _, _ in told][:1] == ([known + 1] if known < ends[-1] else [])
        assert (venue.state_hash(), found.snapshot <= known) == (log.venue.state_hash(), True)


@pytest.mark.parametrize("beyond", [-1, 1])
def test_a_follower_of_another_log_is_refused(beyond: int) -> None:
    log = written()
    ends = sorted(log.states)
    heard: list[object] = []
    follower = Follower(known=ends[-1] + beyond, ready=heard.append, seen=lambda *told: heard.append(told))
    with pytest.raises(NotFollowed):
        open_journal(log.disk, state.SMALL, SEGMENT, follower=follower)
    assert heard == []
