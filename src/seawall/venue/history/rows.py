"""Records as rows of their tables and back (tables.py): the same fields in the same order, but for a few."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from seawall.venue.history.tables import CLIENT_ID_BYTES, NOTE_FIELDS
from seawall.venue.records import Fill, Listed, Note, Order, Schedule, Twap
from seawall.venue.universe import Listing

Row = tuple[Any, ...]
R = TypeVar("R", bound=msgspec.Struct)

ORDER_CLOID: Final = Order.__struct_fields__.index("cloid")
FILL_CLOID: Final = Fill.__struct_fields__.index("cloid")
SCHEDULE_END: Final = 2 + len(Schedule.__struct_fields__)


def client_id_bytes(cloid: int) -> bytes | None:
    """A client id of 128 bits as SQL keeps it; None for none."""
    return cloid.to_bytes(CLIENT_ID_BYTES, "big") if cloid else None


def order_row(values: Row) -> Row:
    """The row of an order of which these are the fields."""
    return (*values[:ORDER_CLOID], client_id_bytes(values[ORDER_CLOID]), *values[ORDER_CLOID + 1 :])


def fill_row(fill: Fill) -> Row:
    values = msgspec.structs.astuple(fill)
    return (*values[:FILL_CLOID], client_id_bytes(fill.cloid), *values[FILL_CLOID + 1 :])


def note_row(note: Note) -> Row:
    return (note.time, note.sequence, note.index, note.account, note.other_account, *note.values)


def twap_row(twap: Twap) -> Row:
    schedule = msgspec.structs.astuple(twap.schedule)
    return (twap.time, twap.id, *schedule, twap.done, twap.cost, twap.status, twap.reason)


def listed_row(listed: Listed) -> Row:
    return (listed.time, listed.sequence, *msgspec.structs.astuple(listed.listing))


def reader(kind: type[R]) -> Callable[[Sequence[Any]], R]:
    """Makes a record of a row that has all its fields, in order."""
    names = kind.__struct_fields__

    def read(row: Sequence[Any]) -> R:
        return kind(**dict(zip(names, row, strict=True)))

    return read


def _with_client_id(kind: type[R], at: int) -> Callable[[Sequence[Any]], R]:
    names = kind.__struct_fields__

    def read(row: Sequence[Any]) -> R:
        fields = dict(zip(names, row, strict=True))
        fields["cloid"] = int.from_bytes(row[at] or b"", "big")
        return kind(**fields)

    return read


order_of: Final = _with_client_id(Order, ORDER_CLOID)
fill_of: Final = _with_client_id(Fill, FILL_CLOID)


def note_of(row: Sequence[Any]) -> Note:
    own = dict(zip(NOTE_FIELDS, row, strict=False))
    return Note(**own, values=tuple(row[len(NOTE_FIELDS) :]))


def twap_of(row: Sequence[Any]) -> Twap:
    done, cost, status, reason = row[SCHEDULE_END:]
    schedule = Schedule(*row[2:SCHEDULE_END])
    return Twap(time=row[0], id=row[1], schedule=schedule, done=done, cost=cost, status=status, reason=reason)


def listing_of(row: Sequence[Any]) -> Listing:
    """The listing of (number, coin, size_decimals, price_max)."""
    number, coin, size_decimals, price_max = row
    return Listing(number=number, coin=coin, size_decimals=size_decimals, price_max=price_max)
