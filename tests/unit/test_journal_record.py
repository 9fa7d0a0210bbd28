"""The journal's format: rows as bytes and back, records and first pages, and what is refused."""

import random

import msgspec
import numpy as np
import pytest

from seawall.engine.rows import ROW_TYPE, Rows
from seawall.journal import packing, record
from seawall.journal.faults import JournalError
from seawall.journal.record import PAGE, Record, Segment
from seawall.ledger import state
from seawall.terms import command
from seawall.units import BadInput

FIELDS = len(command.ROW)
EDGES = [0, 0, 0, 1, -1, 63, 64, -64, -65, 127, 128, 2**31, 2**53, -(2**53), 2**62, -(2**62), 2**63 - 1, -(2**63)]


def rows_from(table: list[list[int]]) -> Rows:
    rows = np.zeros(len(table), ROW_TYPE)
    rows.view(np.int64).reshape(len(table), FIELDS)[:] = table
    return rows


def some_record(count: int = 3) -> Record:
    rows = rows_from([[20, 1, number, 5, *[0] * (FIELDS - 4)] for number in range(count)])
    return Record(
        first=7,
        count=count,
        fields=FIELDS,
        durable=6,
        previous=bytes(range(32)),
        chain=bytes(range(32, 64)),
        payload=packing.pack(rows),
    )


@pytest.mark.parametrize("seed", range(30))
def test_any_row_of_int64_comes_back(seed: int) -> None:
    dice = random.Random(seed)
    table = [[dice.choice([*EDGES, dice.getrandbits(63)]) for _ in range(FIELDS)] for _ in range(dice.randint(1, 9))]
    rows = rows_from(table)
    assert packing.unpack(packing.pack(rows), len(rows), FIELDS).tobytes() == rows.tobytes()


def test_rows_of_fewer_fields_are_those_of_an_older_version() -> None:
    old = np.zeros(2, np.int64)
    last = np.zeros(2, np.int64)
    out = np.zeros(99, np.uint8)
    old[:] = (20, 3)
    used = packing.pack_table(packing.view(old.reshape(1, 2)), 1, 2, packing.view(last), packing.view(out))
    found = packing.unpack(out[:used].tobytes(), 1, 2)
    assert found[0].tolist() == (20, 3, *[0] * (FIELDS - 2))


@pytest.mark.parametrize(
    ("data", "count", "fields"),
    [
        (b"", 1, FIELDS),
        (b"\1\0", 1, FIELDS),
        (b"\1\0\0", 1, FIELDS),
        (b"\1\0\0\x80", 1, FIELDS),
        (b"\1\0\0" + b"\xff" * 10, 1, FIELDS),
        (b"\1\0\0\1\0", 1, FIELDS),
        (b"\4\0\0\1", 1, 2),
        (b"\1\0\0\1", 1, FIELDS + 1),
        (b"\1\0\0\1", 1, 0),
        (b"", -1, FIELDS),
    ],
)
def test_bytes_that_are_no_rows_are_refused(data: bytes, count: int, fields: int) -> None:
    with pytest.raises(BadInput):
        packing.unpack(data, count, fields)


def test_a_group_of_64_usual_commands_takes_one_page() -> None:
    dice = random.Random(1)
    table = []
    for number in range(64):
        account = dice.randrange(100_000)
        fields = {"kind": command.PLACE, "signer": account, "account": account, "nonce": 1_760_000_000_000 + number}
        fields |= {"market": dice.randrange(50), "price": dice.randrange(10**9), "size": dice.randrange(10**6)}
        fields |= {"client_high": dice.getrandbits(62), "client_low": dice.getrandbits(62), "flags": number & 1}
        table.append([fields.get(name, 0) for name in command.ROW])
    made = msgspec.structs.replace(some_record(), count=64, payload=packing.pack(rows_from(table)))
    assert len(record.encode_record(made)) == PAGE


def test_a_record_comes_back_with_its_pages() -> None:
    for count in (1, 3, 2_000):
        made = some_record(count)
        whole = record.encode_record(made)
        assert len(whole) % PAGE == 0
        found = record.decode_record(memoryview(whole + b"more"))
        assert found is not None
        assert found[0] == made
        assert bytes(found[1]) == whole
        assert record.decode_record(memoryview(whole[:-1])) is None


def test_the_layout_of_version_1_does_not_move() -> None:
    """Old journals must stay readable: these bytes are the format."""
    whole = record.encode_record(some_record(1))
    assert whole[:16].hex() == "53575243010001000600000001000000"
    assert whole[20:40].hex() == "1400000007000000000000000600000000000000"
    assert whole[40:104] == bytes(range(64))
    assert whole[104:110].hex() == "0b0000140105"
    assert not any(whole[110:])
    page = record.encode_segment(Segment(number=2, first=9, size=PAGE, previous=bytes(32), capacity=state.SMALL))
    assert page[:8] == b"SEAWALLJ"
    assert page[8:40].hex() == "0100000014000000020000000000000009000000000000000010000000000000"
    assert page[76:].startswith(b'{"accounts":256,')


def test_every_flipped_bit_of_a_record_is_seen() -> None:
    whole = record.encode_record(some_record())
    for place in [*range(120), *range(120, PAGE, 97), PAGE - 1]:
        for bit in range(8):
            bad = bytearray(whole)
            bad[place] ^= 1 << bit
            assert record.decode_record(memoryview(bytes(bad))) is None


def test_a_first_page_comes_back_and_its_flipped_bits_are_seen() -> None:
    made = Segment(number=3, first=70, size=4 * PAGE, previous=bytes(range(32)), capacity=state.SMALL)
    page = record.encode_segment(made)
    assert len(page) == PAGE
    assert record.decode_segment(page, "file") == made
    for place in [*range(400), PAGE // 2, PAGE - 1]:
        bad = bytearray(page)
        bad[place] ^= 4
        with pytest.raises(JournalError):
            record.decode_segment(bytes(bad), "file")


def test_another_version_is_named() -> None:
    page = bytearray(
        record.encode_segment(Segment(number=1, first=1, size=PAGE, previous=bytes(32), capacity=state.SMALL))
    )
    page[8] = 9
    with pytest.raises(JournalError, match="file at byte 0: format 9; this version of seawall reads 1"):
        record.decode_segment(bytes(page), "file")


@pytest.mark.parametrize(
    "name", ["journal-1.seg.tmp", "journal-.seg", "journal--1.seg", "snapshot-1.snap", "journal-1x.seg"]
)
def test_other_files_are_no_segments(name: str) -> None:
    assert record.segment_number(name) == 0


def test_segment_names_sort_by_number() -> None:
    assert [record.segment_number(record.segment_name(number)) for number in (1, 99, 10**8)] == [1, 99, 10**8]
