"""Command rows at the host's side: building them, and the checks of shape that need no state.

A row is the int64 fields of `terms.command.ROW`. `shape_codes` looks at a whole batch at once: an unknown kind, a field
that its kind does not read, or a value no kind can hold never reaches a handler.
"""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from seawall.kernel import INTERPRETED
from seawall.terms import code, command, limits
from seawall.units import BadInput

Rows = NDArray[np.void]
Codes = NDArray[np.int64]

ROW_TYPE: Final = np.dtype([(name, "<i8") for name in command.ROW])
ORDER_SHAPE: Final = (command.PLACE, command.MODIFY, command.TWAP)
VALUE_KINDS: Final = (command.SET_PARAMETER, command.PROPOSE, command.SET_TIER)
_WIDE: Final = 2**62
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
    "client_high": (-_WIDE, _WIDE),
    "client_low": (-_WIDE, _WIDE),
    "address_0": (0, 2**54 - 1),
    "address_1": (0, 2**53 - 1),
    "address_2": (0, 2**53 - 1),
}
_READS: Final = np.zeros((256, len(command.ROW)), bool)
_KNOWN: Final = np.zeros(256, bool)
for _kind, _fields in command.FIELDS.items():
    _KNOWN[_kind] = True
    for _name in (*command.COMMON, *_fields):
        _READS[_kind, command.ROW.index(_name)] = True


def rows_of(commands: Sequence[Mapping[str, int]]) -> Rows:
    """Rows from mappings of field names to integers; fields left out are 0. BadInput for a name that is no field."""
    rows = np.zeros(len(commands), ROW_TYPE)
    for i, fields in enumerate(commands):
        for name, value in fields.items():
            if name not in command.ROW:
                raise BadInput(name, f"no such field of a command: one of {', '.join(command.ROW)}")
            rows[name][i] = value
    return rows


def shape_codes(rows: Rows) -> Codes:
    """A code for each row: UNKNOWN_KIND, BAD_FIELD (or the code of the field that is out of range), or OK."""
    table = rows.view(np.int64).reshape(len(rows), len(command.ROW))
    kind = table[:, 0]
    in_table = (kind >= 0) & (kind < len(_KNOWN))
    known = in_table & _KNOWN[np.where(in_table, kind, 0)]
    reads = _READS[np.where(known, kind, 0)]
    unread = ((table != 0) & ~reads).any(axis=1)
    codes = np.where(unread, code.BAD_FIELD, code.OK)
    for name, (low, high) in _BOUNDS.items():
        values = table[:, command.ROW.index(name)]
        bad = (values < low) | (values > high)
        codes = np.where((codes == code.OK) & bad, _FIELD_CODES.get(name, code.BAD_FIELD), codes)
    negative = (table[:, command.ROW.index("price")] < 0) & ~np.isin(kind, VALUE_KINDS)
    codes = np.where((codes == code.OK) & negative, code.BAD_PRICE, codes)
    odd_flags = (table[:, command.ROW.index("flags")] & ~command.ORDER_FLAGS != 0) & np.isin(kind, ORDER_SHAPE)
    codes = np.where((codes == code.OK) & odd_flags, code.BAD_FIELD, codes)
    return np.where(known, codes, code.UNKNOWN_KIND).astype(np.int64)


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


def rows_for_kernels(rows: Rows) -> Any:
    """The rows as kernels take them: the array, or uncompiled a list of namespaces of plain integers."""
    if not INTERPRETED:
        return rows
    return [SimpleNamespace(**dict(zip(command.ROW, row, strict=True))) for row in rows.tolist()]
