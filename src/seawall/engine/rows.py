"""Command rows at the host's side: building them, and the checks of shape that need no state.

A row is the int64 fields of `terms.command.ROW`. `shape_codes` looks at a whole batch at once: an unknown kind, a field
that its kind does not read, or a value no kind can hold never reaches a handler.
"""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from seawall.kernel import INTERPRETED, kernel
from seawall.terms import code, command, limits
from seawall.units import BadInput

Rows = NDArray[np.void]
Codes = NDArray[np.int64]

ROW_TYPE: Final = np.dtype([(name, "<i8") for name in command.ROW])
_BOUNDS: Final = {
    "flags": (0, 2**16 - 1),
    "nonce": (0, limits.TIME_MAX),
    "time": (0, limits.TIME_MAX),
    "expires": (0, limits.TIME_MAX),
    "account": (0, 2**31 - 1),
    "market": (-1, limits.MARKETS - 1),
    "other": (-9, 2**53),
    "reference": (0, 2**62),
    "price": (-limits.NOTIONAL_MAX, limits.NOTIONAL_MAX),
    "size": (0, limits.NOTIONAL_MAX),
    "amount": (-limits.AMOUNT_MAX, limits.AMOUNT_MAX),
    "trigger": (0, limits.PRICE_MAX),
    "extra": (0, limits.PRICE_MAX),
    "client_high": (-(2**63), 2**63 - 1),
    "client_low": (-(2**63), 2**63 - 1),
    "address_0": (0, 2**54 - 1),
    "address_1": (0, 2**53 - 1),
    "address_2": (0, 2**53 - 1),
}
_FIELD_CODES: Final = {
    "price": code.BAD_PRICE,
    "trigger": code.BAD_PRICE,
    "size": code.BAD_SIZE,
    "amount": code.BAD_AMOUNT,
    "time": code.BAD_TIME,
    "expires": code.BAD_TIME,
    "account": code.UNKNOWN_ACCOUNT,
    "market": code.UNKNOWN_MARKET,
}
FIELDS: Final = len(command.ROW)
KINDS: Final = 256
FLAGS: Final = command.ROW.index("flags")
PRICE: Final = command.ROW.index("price")
_READS: Final = np.zeros((KINDS, FIELDS), np.int8)  # column 0 also says that the kind is known
for _kind, _fields in command.FIELDS.items():
    for _name in (*command.COMMON, *_fields):
        _READS[_kind, command.ROW.index(_name)] = 1
_RANGES: Final = [_BOUNDS.get(name, (-(2**62), 2**62)) for name in command.ROW]
_LOW: Final = np.array([low for low, _ in _RANGES], np.int64)
_HIGH: Final = np.array([high for _, high in _RANGES], np.int64)
_CODES: Final = np.array([_FIELD_CODES.get(name, code.BAD_FIELD) for name in command.ROW], np.int64)


def rows_of(commands: Sequence[Mapping[str, int]]) -> Rows:
    """Rows from mappings of field names to integers; fields left out are 0. BadInput for a name that is no field."""
    rows = np.zeros(len(commands), ROW_TYPE)
    for i, fields in enumerate(commands):
        for name, value in fields.items():
            if name not in command.ROW:
                raise BadInput(name, f"no such field of a command: one of {', '.join(command.ROW)}")
            rows[name][i] = value
    return rows


def view(array: Any) -> Any:
    """An array as kernels take it: uncompiled a memory view, whose items are plain integers."""
    return memoryview(array) if INTERPRETED else array


def table_of(rows: Rows) -> Any:
    """The rows as a table of their fields, for kernels."""
    return view(rows.view(np.int64).reshape(len(rows), FIELDS))


def shape_codes(rows: Rows) -> Codes:
    """A code for each row: UNKNOWN_KIND, BAD_FIELD (or the code of the field that is out of range), or OK."""
    codes = np.zeros(len(rows), np.int64)
    _check_shapes(table_of(rows), view(_READS), view(_LOW), view(_HIGH), view(_CODES), view(codes))
    return codes


@kernel
def _check_shapes(table: Any, reads: Any, low: Any, high: Any, field_codes: Any, codes: Any) -> None:
    """Unknown kind, then the first field by order in the row that is read wrongly or out of range, then flags."""
    for i in range(len(codes)):
        kind = table[i, 0]
        if kind < 0 or kind >= KINDS or reads[kind, 0] == 0:
            codes[i] = code.UNKNOWN_KIND
            continue
        for j in range(1, FIELDS):
            value = table[i, j]
            if value != 0 and (reads[kind, j] == 0 or value < low[j] or value > high[j]):
                codes[i] = code.BAD_FIELD if reads[kind, j] == 0 else field_codes[j]
                break
        if codes[i] == code.OK and kind >= command.PLACE and kind <= command.TWAP:
            if table[i, FLAGS] & ~command.ORDER_FLAGS != 0:
                codes[i] = code.BAD_FIELD
            elif table[i, PRICE] < 0:
                codes[i] = code.BAD_PRICE


def rows_for_kernels(rows: Rows) -> Any:
    """The rows as kernels take them: the array, or uncompiled a list of namespaces of plain integers."""
    if not INTERPRETED:
        return rows
    return [SimpleNamespace(**dict(zip(command.ROW, row, strict=True))) for row in rows.tolist()]
