"""Columns of a record that lie side by side in rows of one table, and still read as columns.

A row of positions is read as a whole: as separate columns each of its fields is a cache line of its own, as one row of
64 bytes all of them are one. A record's field named by `table_name` holds such a table; its members are reached by
their own names: `s.slot_size[slot]` in compiled code, `Columns(array)["slot_size"]` outside. Compiled code gets each as
a strided array over the table; to teach it that, `install` adds member names to how numba types attributes of records.
"""

import importlib
import math
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.units import ceil_div

LINE: Final = 64  # bytes of a cache line
PREFIX: Final = "rows_of_"


class Member(NamedTuple):
    """A column within a table, in numba's terms: its dtype, the place of its first cell, its shape, bytes a row."""

    kind: Any
    offset: int
    shape: tuple[int, ...]
    stride: int


def table_name(group: str) -> str:
    """The record's field that holds a group's table."""
    return PREFIX + group


def table_type(members: list[tuple[str, str]]) -> np.dtype[np.void]:
    """One row of a table: (name, dtype) of each member in the order given, padded to whole halves of lines."""
    plain = np.dtype(members, align=True)
    half = LINE // 2
    size = ceil_div(plain.itemsize, half) * half
    assert plain.fields is not None
    offsets = [plain.fields[name][1] for name, _ in members]
    return np.dtype(
        {
            "names": [name for name, _ in members],
            "formats": [k for _, k in members],
            "offsets": offsets,
            "itemsize": size,
        }
    )


def record_of(entries: list[tuple[str, Any, tuple[int, ...]]]) -> np.dtype[np.void]:
    """A record of columns and tables, each beginning on a cache line of its own."""
    offsets, end = [], 0
    for _, kind, shape in entries:
        offsets.append(end)
        end += size_of(kind, shape)
    formats = [(kind, shape) for _, kind, shape in entries]
    names = [name for name, _, _ in entries]
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": end})


def size_of(kind: Any, shape: tuple[int, ...]) -> int:
    """Bytes of a column or table in a record, in whole lines."""
    return ceil_div(int(np.dtype(kind).itemsize) * math.prod(shape), LINE) * LINE


def zeros(record: np.dtype[np.void]) -> NDArray[np.void]:
    """One record of zeros that begins on a cache line."""
    raw = np.zeros(record.itemsize + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + record.itemsize].view(record)


class Columns(Mapping[str, Any]):
    """The columns of a length-1 array of a record by name, members of tables among them, as views."""

    def __init__(self, array: NDArray[np.void]) -> None:
        self._views: dict[str, Any] = {}
        for name in array.dtype.names or ():
            column = array[name][0]
            if name.startswith(PREFIX):
                self._views.update({member: column[member] for member in column.dtype.names})
            else:
                self._views[name] = column

    def __getitem__(self, name: str) -> Any:
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def namespace(self) -> SimpleNamespace:
        """What uncompiled kernels use: memory views, whose elements are Python integers."""
        return SimpleNamespace(**{name: memoryview(column) for name, column in self._views.items()})


def install() -> None:
    """Teaches numba the members of tables, and to name a record's type without listing all its fields anew, once."""
    typing, arrays = (importlib.import_module(f"numba.{name}") for name in ("core.typing.arraydecl", "np.arrayobj"))
    template = typing.RecordAttribute
    if hasattr(template.generic_resolve, "before"):
        return
    before = template.generic_resolve

    def generic_resolve(self: Any, record: Any, name: str) -> Any:
        if name in record.fields or (found := _member(record, name)) is None:
            return before(self, record, name)
        return _array_type(found)

    generic_resolve.before = before  # type: ignore[attr-defined]
    template.generic_resolve = generic_resolve
    extending, types = importlib.import_module("numba.extending"), importlib.import_module("numba.types")
    plain = arrays.record_getattr

    def member_getattr(context: Any, builder: Any, record: Any, value: Any, name: str) -> Any:
        """The member as an array over the record's bytes, its shape and stride constants."""
        found = None if name in record.fields else _member(record, name)
        if found is None:
            return plain(context, builder, record, value, name)
        return _lower(context, builder, value, found)

    extending.lower_getattr_generic(types.Record)(member_getattr)
    types.Record.__repr__ = _named_once(types.Record.__repr__)


def _named_once(name: Callable[[Any], str]) -> Callable[[Any], str]:
    """`name`, asked once for each record type: a type never changes, and compiling asks some ten thousand times."""

    def name_of(record: Any) -> str:
        known: str | None = getattr(record, "name_of_record", None)
        if known is None:
            known = record.name_of_record = name(record)
        return known

    return name_of


def _member(record: Any, name: str) -> Member | None:
    """A member by its name; None for one that no table of the record has."""
    known = getattr(record, "members_of_tables", None)
    if known is None:
        known = {}
        for field, place in record.fields.items():
            if field.startswith(PREFIX):
                row = place.type.dtype
                for member, inner in row.fields.items():
                    known[member] = Member(inner.type, place.offset + inner.offset, place.type.shape, row.size)
        record.members_of_tables = known
    found: Member | None = known.get(name)
    return found


def _array_type(found: Member) -> Any:
    return importlib.import_module("numba.types").Array(found.kind, len(found.shape), "A")


def _lower(context: Any, builder: Any, value: Any, found: Member) -> Any:
    arrays, cgutils = (importlib.import_module(f"numba.{name}") for name in ("np.arrayobj", "core.cgutils"))
    types = importlib.import_module("numba.types")
    array, strides = _array_type(found), [found.stride]
    for length in found.shape[:0:-1]:
        strides.insert(0, strides[0] * length)
    made = arrays.make_array(array)(context, builder)
    arrays.populate_array(
        made,
        data=cgutils.get_record_member(builder, value, found.offset, context.get_data_type(found.kind)),
        shape=cgutils.pack_array(builder, [context.get_constant(types.intp, n) for n in found.shape]),
        strides=cgutils.pack_array(builder, [context.get_constant(types.intp, n) for n in strides]),
        itemsize=context.get_constant(types.intp, found.kind.bitwidth // 8),
        meminfo=None,
        parent=None,
    )
    return made._getvalue()
