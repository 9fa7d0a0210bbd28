"""Snapshots: the whole durable state at one command, so that opening a venue need not replay all of its log.

Written beside its final name, synced, then renamed: a snapshot is whole or absent. It names the record it follows by
that record's hash, and `layout`, a hash of the columns it was taken from: a version with other columns cannot use it
and replays from further back.
"""

import hashlib
import struct
import zlib
from typing import Final

import msgspec

from seawall.engine.venue import Venue
from seawall.journal.disk import TEMPORARY, Disk
from seawall.journal.faults import JournalError
from seawall.journal.record import VERSION
from seawall.ledger import state
from seawall.ledger.state import Capacity

PREFIX: Final = "snapshot-"
SUFFIX: Final = ".snap"
MAGIC: Final = b"SEAWALLS"
CHUNK: Final = 1 << 20
LEVEL: Final = 1  # of zlib: a state is mostly zeros and small integers
_HEAD: Final = struct.Struct("<8sII")  # magic, version, bytes of the words that follow
_CRC: Final = struct.Struct("<I")
_CHUNK: Final = struct.Struct("<I")


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot says of itself. Byte strings are hex, so that its head is plain JSON."""

    sequence: int  # of the last command in it
    hash: str  # of the record that ends there
    chain: str  # Venue.chain there
    capacity: Capacity
    layout: str
    size: int  # bytes of the state
    state: str  # SHA-256 of the state: Venue.state_hash()
    packed: int  # bytes of the chunks
    packed_crc: int  # and their CRC-32: a flipped bit may still unpack to the same state


def layout_of(capacity: Capacity) -> str:
    """Hash of the names, types and places of the durable columns and tables, in order."""
    record = state.record_type(capacity)
    assert record.names is not None
    assert record.fields is not None
    kept = record.names[: record.names.index(state.SCRATCH)]
    words = [f"{name} {record[name]} {record.fields[name][1]}" for name in kept]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def snapshot_name(sequence: int) -> str:
    return f"{PREFIX}{sequence:020d}{SUFFIX}"


def snapshot_files(disk: Disk) -> list[str]:
    """Names of the snapshots, newest first."""
    return [name for name in reversed(disk.names()) if name.startswith(PREFIX) and name.endswith(SUFFIX)]


def write_snapshot(disk: Disk, venue: Venue, sequence: int, record_hash: bytes) -> str:
    """Keeps the venue as it is after `sequence`, where the record of that hash ends; returns the file's name.

    The journal must be durable up to there. Raises OSError; what was there before stays.
    """
    durable = state.durable_bytes(venue.array, venue.capacity)
    chunks = [_packed(durable[start : start + CHUNK]) for start in range(0, len(durable), CHUNK)]
    head = Snapshot(
        sequence=sequence,
        hash=record_hash.hex(),
        chain=venue.chain.hex(),
        capacity=venue.capacity,
        layout=layout_of(venue.capacity),
        size=len(durable),
        state=venue.state_hash(),
        packed=sum(len(chunk) for chunk in chunks),
        packed_crc=zlib.crc32(b"".join(chunks)),
    )
    words = msgspec.json.encode(head)
    whole = _HEAD.pack(MAGIC, VERSION, len(words)) + words
    whole += _CRC.pack(zlib.crc32(whole))
    name = snapshot_name(sequence)
    temporary = name + TEMPORARY
    disk.create(temporary, 0)
    disk.write(temporary, 0, whole + b"".join(chunks))
    disk.sync(temporary)
    disk.rename(temporary, name)
    return name


def read_head(data: bytes, file: str) -> tuple[Snapshot, int]:
    """What a snapshot says and where its chunks begin. JournalError when that is damaged or of another version."""
    if len(data) < _HEAD.size:
        raise JournalError(file, 0, "not a snapshot")
    magic, version, length = _HEAD.unpack_from(data)
    end = _HEAD.size + length
    if magic != MAGIC:
        raise JournalError(file, 0, "not a snapshot")
    if version != VERSION:
        raise JournalError(file, 0, f"format {version}; this version of seawall reads {VERSION}")
    if len(data) < end + _CRC.size or _CRC.unpack_from(data, end)[0] != zlib.crc32(data[:end]):
        raise JournalError(file, 0, "the head does not have its checksum")
    try:
        return msgspec.json.decode(data[_HEAD.size : end], type=Snapshot), end + _CRC.size
    except msgspec.DecodeError as error:
        raise JournalError(file, _HEAD.size, f"the head can not be read: {error}") from error


def read_snapshot(disk: Disk, file: str) -> tuple[Snapshot, bytes]:
    """A snapshot and its state, whose hash is checked. JournalError when any byte is not as it was written."""
    where = disk.where(file)
    data = disk.read(file)
    head, at = read_head(data, where)
    if len(data) != at + head.packed or file != snapshot_name(head.sequence):
        raise JournalError(where, None, f"{len(data)} bytes, or a name, that its head does not say")
    if zlib.crc32(data[at:]) != head.packed_crc:
        raise JournalError(where, at, "the state does not have its checksum")
    parts = []
    left = head.size
    while left:  # each turn takes a chunk
        size = min(CHUNK, left)
        length = _CHUNK.unpack_from(data, at)[0] if at + _CHUNK.size <= len(data) else len(data)
        part = _unpacked(data[at + _CHUNK.size : at + _CHUNK.size + length], size)
        if part is None:
            raise JournalError(where, at, "a part of the state can not be unpacked")
        parts.append(part)
        at, left = at + _CHUNK.size + length, left - size
    whole = b"".join(parts)
    if at != len(data) or hashlib.sha256(whole).hexdigest() != head.state:
        raise JournalError(where, None, "the state does not have its hash")
    return head, whole


def _packed(chunk: memoryview) -> bytes:
    """A chunk with its length before it; zeros alone have the length 0."""
    body = zlib.compress(chunk, LEVEL) if chunk.tobytes().strip(b"\0") else b""
    return _CHUNK.pack(len(body)) + body


def _unpacked(body: bytes, size: int) -> bytes | None:
    """A chunk of `size` bytes; None when the body is not one."""
    if not body:
        return bytes(size)
    opener = zlib.decompressobj()
    try:
        part = opener.decompress(body, size + 1)
    except zlib.error:
        return None
    return part if len(part) == size and opener.eof and not opener.unused_data else None
