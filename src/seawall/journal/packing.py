"""Command rows as few bytes: the fields that are not 0, each against the last such value of that field (kernels).

A row is three bytes of which fields are not 0, then for each of them the exclusive-or with the previous value of that
field in the record that was not 0, in signed LEB128. Any int64 goes through, for refused rows are kept as well.
"""

from typing import Any, Final

import numpy as np

from seawall.engine.rows import ROW_TYPE, Rows, table_of, view
from seawall.kernel import kernel
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
    known = len(ROW_TYPE.fields or ())
    if not 1 <= fields <= known or count < 0:
        raise BadInput("record", f"{count} rows of {fields} fields; this version knows {known}")
    rows = np.zeros(count, ROW_TYPE)
    last = np.zeros(fields, np.int64)
    read = unpack_table(view(np.frombuffer(data, np.uint8)), len(data), count, fields, view(last), table_of(rows))
    if read != len(data):
        raise BadInput("record", f"its rows end at byte {read} of {len(data)}")
    return rows


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
def unpack_table(data: Any, size: int, count: int, fields: int, last: Any, table: Any) -> int:
    """Reads rows into a table of zeros; returns the bytes read, or -1 when they are no rows."""
    at = 0
    for i in range(count):
        if at + MASK_BYTES > size:
            return -1
        mask = int(data[at]) | int(data[at + 1]) << 8 | int(data[at + 2]) << 16
        at += MASK_BYTES
        if mask >> fields != 0:
            return -1
        for j in range(fields):
            if (mask >> j) & 1:
                value, shift, is_more = 0, 0, True
                while is_more:  # at most VALUE_BYTES_MAX
                    if at >= size or shift > LAST_SHIFT:
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
