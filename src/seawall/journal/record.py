"""The format of the journal, version 1: segment files of records, each record one batch and the hash of what it did.

Everything starts on a page of 4,096 bytes, so that no write touches bytes that were acknowledged before. A segment is
a page that says whose journal it is, then records, then zeros up to its size. A record is a header, its rows packed,
and zeros up to the next page; its CRC covers all of that, so no flipped bit goes unseen.

`previous` is the SHA-256 of the record before (of the first: of the venue's capacity), so records cannot be dropped,
exchanged or edited. `chain` is `Venue.chain` after the batch: replaying must give it. `durable` is the last command
that was known to be synced when the record was written: what lies behind it cannot have been lost in a crash.
"""

import hashlib
import struct
import zlib
from typing import Final

import msgspec

from seawall.journal.faults import JournalError
from seawall.ledger.state import Capacity
from seawall.terms import command

VERSION: Final = 1
PAGE: Final = 4_096
HASH_BYTES: Final = 32
SEGMENT_SIZE: Final = 64 << 20  # a multiple of PAGE
SEGMENT_SIZE_MAX: Final = 1 << 30
RECORD_ROWS_MAX: Final = 65_536
SEGMENT_PREFIX: Final = "journal-"
SEGMENT_SUFFIX: Final = ".seg"

_SEGMENT: Final = struct.Struct("<8sIIQQQ32sI")
_SEGMENT_MAGIC: Final = b"SEAWALLJ"
_RECORD: Final = struct.Struct("<4sHHIIIIQQ32s32s")
_RECORD_MAGIC: Final = b"SWRC"
_CRC_AT: Final = 16
_CRC: Final = struct.Struct("<I")
_PACKED: Final = 1  # the one encoding of rows: packing.py


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """First page of a segment file."""

    number: int  # from 1
    first: int  # sequence of its first command
    size: int  # bytes of the file, this page among them
    previous: bytes  # hash of the last record of the segment before
    capacity: Capacity
    salt: int = 0  # of the venue's tables (ledger/state.py HASH_SALT)


class _Salt(msgspec.Struct):
    """What stands beside the capacity; journals from before it have none."""

    salt: int = 0


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One batch. `payload` are its packed rows."""

    first: int  # sequence of its first command
    count: int
    fields: int  # of a row when it was written
    durable: int
    previous: bytes
    chain: bytes
    payload: bytes

    @property
    def last(self) -> int:
        """Sequence of its last command."""
        return self.first + self.count - 1


def segment_name(number: int) -> str:
    return f"{SEGMENT_PREFIX}{number:08d}{SEGMENT_SUFFIX}"


def segment_number(name: str) -> int:
    """The number in a segment's name; 0 for a name that is none."""
    digits = name.removeprefix(SEGMENT_PREFIX).removesuffix(SEGMENT_SUFFIX)
    return int(digits) if name == f"{SEGMENT_PREFIX}{digits}{SEGMENT_SUFFIX}" and digits.isdecimal() else 0


def genesis_hash(capacity: Capacity, salt: int = 0) -> bytes:
    """What the first record of a venue calls its previous one."""
    return hashlib.sha256(b"seawall journal " + _venue_words(capacity, salt)).digest()


def _venue_words(capacity: Capacity, salt: int) -> bytes:
    """A venue's capacity, and its salt unless that is 0, as JSON."""
    fields = msgspec.structs.asdict(capacity)
    return msgspec.json.encode({**fields, "salt": salt} if salt else fields)


def pages(size: int) -> int:
    """`size` rounded up to whole pages."""
    return -(-size // PAGE) * PAGE


def encode_segment(segment: Segment) -> bytes:
    """The first page of a segment file."""
    words = _venue_words(segment.capacity, segment.salt)
    head = _SEGMENT.pack(
        _SEGMENT_MAGIC,
        VERSION,
        len(command.ROW),
        segment.number,
        segment.first,
        segment.size,
        segment.previous,
        len(words),
    )
    page = (head + words).ljust(PAGE - _CRC.size, b"\0")
    return page + _CRC.pack(zlib.crc32(page))


def decode_segment(page: bytes, file: str) -> Segment:
    """What the first page of a segment says. JournalError for another kind of file, version, or a damaged page."""
    if len(page) < PAGE:
        raise JournalError(file, 0, f"the first page has {len(page)} bytes of {PAGE}")
    magic, version, _, number, first, size, previous, length = _SEGMENT.unpack_from(page)
    if magic != _SEGMENT_MAGIC:
        raise JournalError(file, 0, "not a segment of a journal")
    if version != VERSION:
        raise JournalError(file, 0, f"format {version}; this version of seawall reads {VERSION}")
    if _CRC.unpack_from(page, PAGE - _CRC.size)[0] != zlib.crc32(page[: PAGE - _CRC.size]):
        raise JournalError(file, 0, "the first page does not have its checksum")
    try:
        words = page[_SEGMENT.size : _SEGMENT.size + length]
        capacity, salt = msgspec.json.decode(words, type=Capacity), msgspec.json.decode(words, type=_Salt).salt
    except msgspec.DecodeError as error:
        raise JournalError(file, _SEGMENT.size, f"the venue's capacity can not be read: {error}") from error
    return Segment(number=number, first=first, size=size, previous=previous, capacity=capacity, salt=salt)


def encode_record(record: Record) -> bytes:
    """The record as whole pages."""
    head = bytearray(
        _RECORD.pack(
            _RECORD_MAGIC,
            VERSION,
            _PACKED,
            len(record.payload),
            record.count,
            0,
            record.fields,
            record.first,
            record.durable,
            record.previous,
            record.chain,
        )
    )
    whole = head + record.payload
    whole += bytes(pages(len(whole)) - len(whole))
    _CRC.pack_into(whole, _CRC_AT, zlib.crc32(whole))
    return bytes(whole)


def decode_record(data: memoryview) -> tuple[Record, memoryview] | None:
    """The record at the start of `data` and its bytes; None when there is no whole, undamaged record of version 1."""
    if len(data) < _RECORD.size:
        return None
    magic, version, encoding, length, count, crc, fields, first, durable, previous, chain = _RECORD.unpack_from(data)
    if magic != _RECORD_MAGIC or version != VERSION or encoding != _PACKED or not 1 <= count <= RECORD_ROWS_MAX:
        return None
    size = pages(_RECORD.size + length)
    if size > len(data):
        return None
    whole = data[:size]
    sum_ = zlib.crc32(whole[:_CRC_AT])
    sum_ = zlib.crc32(bytes(_CRC.size), sum_)
    if zlib.crc32(whole[_CRC_AT + _CRC.size :], sum_) != crc:
        return None
    payload = bytes(data[_RECORD.size : _RECORD.size + length])
    record = Record(
        first=first, count=count, fields=fields, durable=durable, previous=previous, chain=chain, payload=payload
    )
    return record, whole


def hash_of(whole: bytes | memoryview) -> bytes:
    """Hash of an encoded record, which the next one names."""
    return hashlib.sha256(whole).digest()
