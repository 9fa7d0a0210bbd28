"""Command rows as few bytes: the fields that are not 0, each against the last such value of that field (kernels).

A row is three bytes of which fields are not 0, then for each of them the exclusive-or with the previous value of that
field in the record that was not 0, in signed LEB128. Any int64 goes through, for refused rows are kept as well.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from seawall.engine.rows import ROW_TYPE, Rows, table_of, view
from seawall.kernel import kernel
from seawall.terms import command
from seawall.units import BadInput

MASK_BYTES: Final = 3
VALUE_BYTES_MAX: Final = 10  # of one int64 in LEB128
FIELDS_MAX: Final = 8 * MASK_BYTES
LAST_SHIFT: Final = 63  # of the tenth byte


def pack(rows: Rows) -> bytes:
    """The rows as bytes."""
    fields = len(ROW_TYPE.fields or ())
    out = np.zeros(len(rows) * (MASK_BYTES + fields * VALUE_BYTES_MAX), np.uint8)
    last = np.zeros(fields, np.int64)
    used = pack_table(table_of(rows), len(rows), fields, view(last), view(out))
    return out[:used].tobytes()


def unpack(data: bytes, count: int, fields: int) -> Rows:
    """`count` rows of `fields` fields; those that later versions added are 0. BadInput for other bytes."""
    rows, good = unpack_all([data], [count], [fields])
    if good == 0:
        raise BadInput("record", f"its {len(data)} bytes are not {count} rows of {fields} fields")
    return rows


def unpack_all(payloads: Sequence[bytes], counts: Sequence[int], fields: Sequence[int]) -> tuple[Rows, int]:
    """The rows of many records in one call, joined, and how many records are good: the next one, if any, is no rows."""
    ends = np.cumsum([len(payload) for payload in payloads])
    data = np.frombuffer(b"".join(payloads), np.uint8)
    rows = np.zeros(sum(max(count, 0) for count in counts), ROW_TYPE)
    shapes = np.array([counts, fields], np.int64)
    last = np.zeros(len(command.ROW), np.int64)
    return rows, unpack_tables(view(data), view(ends), view(shapes), view(last), table_of(rows))


@kernel
def pack_table(table: Any, count: int, fields: int, last: Any, out: Any) -> int:
    """Writes the rows into `out`, which has room for them at their longest; returns the bytes used."""
    used = 0
    for i in range(count):
        mask, start = 0, used
        used += MASK_BYTES
        for j in range(fields):
            value = int(table[i, j])
            if value != 0:
                mask |= 1 << j
                rest = value ^ int(last[j])
                last[j] = value
                is_more = True
                while is_more:  # at most VALUE_BYTES_MAX
                    low = rest & 127
                    rest >>= 7
                    is_more = not ((rest == 0 and low < 64) or (rest == -1 and low >= 64))
                    out[used] = low | 128 if is_more else low
                    used += 1
        for k in range(MASK_BYTES):
            out[start + k] = (mask >> (8 * k)) & 255
    return used


@kernel
def unpack_tables(data: Any, ends: Any, shapes: Any, last: Any, table: Any) -> int:
    """Reads records' rows into a table of zeros, one after the other; returns how many records are good.

    `shapes` has the numbers of rows, then those of their fields.
    """
    start, row = 0, 0
    for k in range(len(ends)):
        count, fields, end = int(shapes[0, k]), int(shapes[1, k]), int(ends[k])
        if count < 0 or not 1 <= fields <= len(last):
            return k
        for j in range(len(last)):
            last[j] = 0
        if unpack_table(data, start, end, row, count, fields, last, table) != end:
            return k
        start, row = end, row + count
    return len(ends)


@kernel
def unpack_table(data: Any, start: int, end: int, row: int, count: int, fields: int, last: Any, table: Any) -> int:
    """Reads `count` rows from byte `start` on into the table from `row` on; returns where, or -1 when they are none."""
    at = start
    for i in range(row, row + count):
        if at + MASK_BYTES > end:
            return -1
        mask = int(data[at]) | int(data[at + 1]) << 8 | int(data[at + 2]) << 16
        at += MASK_BYTES
        if mask >> fields != 0:
            return -1
        for j in range(fields):
            if (mask >> j) & 1:
                value, shift, is_more = 0, 0, True
                while is_more:  # at most VALUE_BYTES_MAX
                    if at >= end or shift > LAST_SHIFT:
                        return -1
                    byte = int(data[at])
                    at += 1
                    is_more = byte >= 128
                    if shift == LAST_SHIFT:
                        value += -(byte & 1) << LAST_SHIFT
                    else:
                        value += (byte & 127) << shift
                        if not is_more and byte >= 64 and shift + 7 <= LAST_SHIFT:
                            value -= 1 << (shift + 7)
                    shift += 7
                value ^= int(last[j])
                last[j] = value
                table[i, j] = value
    return at
