"""A journal after a crash: what was acknowledged is there, nothing is half there, and damage is no crash."""

import itertools
import random

import pytest

from journal_world import SEGMENT, Log, batches, written
from seawall.journal.disk import ZEROS
from seawall.journal.faults import Damaged, JournalError
from seawall.journal.memory import MemoryDisk
from seawall.journal.record import PAGE, decode_segment, segment_name
from seawall.journal.recover import open_journal
from seawall.journal.scan import Lost, Place, Reader, segment_files
from seawall.ledger import state


class PowerCut(Exception):
    """Raised in the place of a sync."""


class Cutting(MemoryDisk):
    """A disk whose power goes at the `cut`-th sync, before it happens."""

    def __init__(self, cut: int) -> None:
        super().__init__()
        self.left = cut

    def sync(self, name: str) -> None:
        self.left -= 1
        if self.left < 0:
            raise PowerCut
        super().sync(name)


def walk(disk: MemoryDisk) -> tuple[Reader, list[tuple[Place, int, int]]]:
    """A finished reader and, for each record, where it lies and its first and last command."""
    reader = Reader(disk)
    return reader, [(place, record.first, record.last) for place, record in reader]


def looked(disk: MemoryDisk) -> Reader | JournalError:
    """A finished reader, or why there is none."""
    try:
        return walk(disk)[0]
    except JournalError as error:
        return error


@pytest.mark.parametrize("seed", range(40))
def test_after_a_power_cut_every_acknowledged_command_is_there_and_no_half_batch(seed: int) -> None:
    """Sectors written since the last sync survive in any combination: none, a prefix, or any subset."""
    dice = random.Random(seed)
    disk = Cutting(dice.randint(1, 20))
    log = Log(disk)
    acknowledged = 0
    try:
        for rows in batches(seed, 30, size=dice.choice([3, 6, 300])):
            log.apply(rows)
            if dice.random() < 0.6:
                acknowledged = log.writer.sync()
    except PowerCut:
        pass
    fate = dice.choice(["none", "prefix", "subset", "all"])
    reach = dice.randint(0, 40)
    keeps = {"none": False, "prefix": None, "subset": None, "all": True}[fate]

    def survives(number: int) -> bool:
        if keeps is not None:
            return keeps
        return number < reach if fate == "prefix" else dice.random() < 0.5

    after = disk.crashed(survives)
    for name in segment_files(after):
        decode_segment(after.read(name)[:PAGE], name)  # a segment has its name only once it says whose it is
    venue, writer, found = open_journal(after, state.SMALL, SEGMENT)
    assert acknowledged <= found.sequence <= log.writer.sequence
    assert venue.state_hash() == log.states[found.sequence]
    assert venue.columns["cell"][state.SEQUENCE] == found.sequence
    for rows in batches(seed + 1, 2)[1:]:
        venue.apply(rows)
        writer.append(rows, venue.chain)
    writer.sync()
    again, _, report = open_journal(after.crashed(lambda _: False), state.SMALL, SEGMENT)
    assert report.lost is None
    assert again.state_hash() == venue.state_hash()
    assert again.chain == venue.chain


def test_cut_off_at_every_byte_the_last_segment_ends_at_its_last_whole_record() -> None:
    disk = written(number=10).disk
    _, records = walk(disk)
    last = disk.names()[-1]
    ends = [(place.offset + place.size, to) for place, _, to in records if place.file == last]
    before = max(to for place, _, to in records if place.file != last)
    assert len(ends) >= 2
    whole = bytes(disk.files[last])
    for cut in range(ends[-1][0] + 1):
        disk.files[last] = bytearray(whole[:cut])
        reader, _ = walk(disk)
        assert reader.sequence == max([to for end, to in ends if end <= cut], default=before)
        if reader.lost is None:
            assert cut == len(whole)
            continue
        assert reader.lost.first == reader.sequence + 1
        assert reader.lost.offset + reader.lost.bytes <= cut


def test_a_segment_before_the_last_that_is_cut_off_is_damage() -> None:
    disk = written(number=14).disk
    _, records = walk(disk)
    second = segment_name(2)
    end = max(place.offset + place.size for place, _, _ in records if place.file == second)
    whole = bytes(disk.files[second])
    for cut in (*range(0, end, 61), end - 1):
        disk.files[second] = bytearray(whole[:cut])
        with pytest.raises(JournalError) as raised:
            walk(disk)
        assert "journal-00000002.seg" in str(raised.value)


@pytest.mark.parametrize("seed", range(3))
def test_a_flipped_bit_anywhere_is_noticed(seed: int) -> None:
    """In the last record, or the first page of a segment with no other, it makes a torn tail. Anywhere else nothing
    starts, and the place is named.
    """
    dice = random.Random(seed)
    disk = written(seed).disk
    _, records = walk(disk)
    last_place, last_first, last = records[-1]
    is_alone = sum(place.file == last_place.file for place, _, _ in records) == 1
    for name in disk.names():
        for at in [*range(0, SEGMENT, 173), *(dice.randrange(SEGMENT) for _ in range(40))]:
            disk.files[name][at] ^= 1 << dice.randrange(8)
            here = [entry for entry in records if entry[0].file == name and entry[0].offset <= at]
            is_tail = name == last_place.file and (at >= last_place.offset or (is_alone and at < PAGE))
            found = looked(disk)
            assert is_tail == isinstance(found, Reader)
            if isinstance(found, Reader):
                assert found.lost is not None
                is_in_record = at < last_place.offset + last_place.size
                assert found.sequence == (last_first - 1 if is_in_record else last)
                assert found.lost.bytes > 0
            else:
                assert name in found.file
                assert found.offset is not None
                assert found.offset <= at
                if at >= PAGE and here and at < here[-1][0].offset + here[-1][0].size:
                    assert found.offset == here[-1][0].offset
            disk.files[name] = bytearray(disk.durable[name])


def test_a_zeroed_page_is_damage_unless_it_is_the_end() -> None:
    disk = written().disk
    _, records = walk(disk)
    for place, first, last in records:
        disk.files[place.file][place.offset : place.offset + PAGE] = ZEROS[:PAGE]
        if last == records[-1][2]:
            assert walk(disk)[0].sequence == first - 1
        else:
            with pytest.raises(Damaged) as raised:
                walk(disk)
            assert (raised.value.file, raised.value.offset) == (place.file, place.offset)
        disk.files[place.file] = bytearray(disk.durable[place.file])


def test_a_write_that_went_to_another_place_is_damage() -> None:
    """Misdirected: a page of one record lies over another's."""
    disk = written().disk
    _, records = walk(disk)
    for (place, _, _), (other, _, _) in itertools.pairwise(records[1:-1]):
        page = disk.durable[other.file][other.offset : other.offset + PAGE]
        disk.files[place.file][place.offset : place.offset + PAGE] = page
        with pytest.raises(Damaged):
            walk(disk)
        disk.files[place.file] = bytearray(disk.durable[place.file])


def test_a_hole_in_one_sync_is_a_torn_tail_and_a_hole_before_a_later_sync_is_damage() -> None:
    """Whole records behind the hole tell by what they knew to be durable."""
    log = Log(MemoryDisk(), segment_size=64 * PAGE)
    parts = batches(3, 8)
    for rows in parts[:4]:
        log.apply(rows)
    log.writer.sync()
    for rows in parts[4:7]:
        log.apply(rows)
    log.writer.sync()
    _, records = walk(log.disk)
    name = segment_name(1)
    for at, is_tail in ((5, True), (4, True), (3, False), (0, False)):
        place, first, _ = records[at]
        log.disk.files[name][place.offset : place.offset + PAGE] = ZEROS[:PAGE]
        if is_tail:
            reader, _ = walk(log.disk)
            assert reader.lost == Lost(
                file=name,
                offset=place.offset,
                bytes=reader.lost.bytes if reader.lost else 0,
                first=first,
                last=records[-1][2],
            )
        else:
            with pytest.raises(Damaged, match=f"{name} at byte {place.offset}: no whole record, but a later one"):
                walk(log.disk)
        log.disk.files[name] = bytearray(log.disk.durable[name])


def test_torn_bytes_are_put_aside_and_do_not_come_back() -> None:
    log = written(sync_every=1)
    _, records = walk(log.disk)
    place, first, last = records[-1]
    log.disk.files[place.file][place.offset + 200] ^= 1
    venue, writer, found = open_journal(log.disk, state.SMALL, SEGMENT)
    assert found.lost is not None
    assert found.sequence == first - 1
    assert venue.state_hash() == log.states[first - 1]
    assert found.kept is not None
    kept = log.disk.read(found.kept)
    assert len(kept) == found.lost.bytes
    assert not any(log.disk.read(place.file)[place.offset :])
    assert writer.append(batches(9, 1)[1], venue.chain) > first - 1
    again = open_journal(log.disk.copy(), state.SMALL, SEGMENT)[2]
    assert again.lost is None
    assert again.sequence == first - 1 < last


def test_a_short_last_segment_is_made_whole_again() -> None:
    log = written()
    name = log.disk.names()[-1]
    end = log.writer.end.offset
    log.disk.files[name] = log.disk.files[name][:end]
    venue, _, found = open_journal(log.disk, state.SMALL, SEGMENT)
    assert found.lost is not None
    assert found.lost.bytes == 0
    assert found.kept is None
    assert venue.state_hash() == log.venue.state_hash()
    assert len(log.disk.read(name)) == SEGMENT
    assert open_journal(log.disk, state.SMALL, SEGMENT)[2].lost is None


def test_a_torn_first_page_of_the_last_segment_takes_only_that_segment() -> None:
    log = written(number=14)
    names = log.disk.names()
    _, records = walk(log.disk)
    before = max(to for place, _, to in records if place.file != names[-1])
    log.disk.files[names[-1]][20] ^= 1
    for name in (names[-1],):
        log.disk.files[name][PAGE:] = bytes(len(log.disk.files[name]) - PAGE)
    venue, writer, found = open_journal(log.disk, state.SMALL, SEGMENT)
    assert found.sequence == before
    assert venue.state_hash() == log.states[before]
    assert names[-1] not in log.disk.names()
    for rows in batches(5, 6)[1:]:
        venue.apply(rows)
        writer.append(rows, venue.chain)
        writer.sync()
    assert open_journal(log.disk.copy(), state.SMALL, SEGMENT)[0].chain == venue.chain
