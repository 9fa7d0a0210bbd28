"""The state of the triggers: one record of fixed-capacity columns, one pointer to compiled code.

`trigger_columns` names every column, so that a larger state (an engine's) can hold the same fields and run the same
kernels. Kernels take a length-1 array of the record and use its element: passing the record itself costs microseconds.
Uncompiled, kernels get a namespace of memory views of the same bytes: plain Python integers, and a store that does not
fit raises.
"""

import functools
import math
from types import SimpleNamespace
from typing import Any, Final

import msgspec
import numpy as np

from seawall.kernel import INTERPRETED
from seawall.margin import ladder
from seawall.terms import limits
from seawall.units import BadInput

RECORD_BYTES_MAX: Final = 2**31 - 1  # above, NumPy's size of a record wraps without an error

# places in the column `count`
SLOTS_USED, SLOT_FREE, SLOTS_LIVE, FIRED, EVALUATED, FIRED_HEAD = range(6)  # `fired` is a ring: head and count


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """How many buckets, positions and markets fit. Kernels compile once for each distinct capacity."""

    buckets: int
    positions: int
    markets: int
    holdings: int = 0  # rows of collateral; a bucket that has none points to row 0, which is worth nothing


def trigger_columns(capacity: Capacity) -> list[tuple[str, str, tuple[int, ...]]]:
    """(name, dtype, shape) of each column. Table and ladder rows are two a market: live and fence, longs and shorts."""
    slots, rows = (capacity.positions + 1,), 2 * capacity.markets  # slot 0 means none
    tiers = (rows, limits.TIERS_PER_MARKET)
    per_slot = [("slot_size", "i8"), ("slot_index", "i8"), ("slot_market", "i4"), ("slot_sibling", "i4")]
    per_slot.append(("slot_owner", "i4"))  # its bucket; -1 for a free row
    per_bucket = [("bucket_raw", "i8"), ("bucket_first", "i4"), ("bucket_holding", "i4")]
    per_bucket += [(f"bucket_{name}", "i1") for name in ("mode", "status", "fired")]
    per_bucket += [("fired", "i4"), ("found", "i4"), ("unsure", "i4")]
    per_market = [(f"market_{name}", "i8") for name in ("price", "price_max", "index", "weight")]
    per_row = [("row_edge", "i8"), ("row_shift", "i8"), ("tier_count", "i4")]
    return [
        ("slot_link", "i8", (*slots, 3)),
        *((name, kind, slots) for name, kind in per_slot),
        *((name, kind, (capacity.buckets,)) for name, kind in per_bucket),
        *((name, "i8", (capacity.holdings + 1,)) for name in ("holding_worth", "holding_floor")),  # row 0: without any
        *((name, kind, (capacity.markets,)) for name, kind in per_market),
        *((name, kind, (rows,)) for name, kind in per_row),
        *((f"tier_{name}", "i8", tiers) for name in ("lower", "rate", "high", "low")),
        ("row_head", "i4", (rows, ladder.CELLS)),
        ("row_cells", "i8", (rows, ladder.WORDS)),
        ("row_words", "i8", (rows, ladder.SUMMARY_WORDS)),
        ("at", "i8", (limits.POSITIONS_PER_BUCKET,)),
        *((f"new_{name}", "i8", (limits.POSITIONS_PER_BUCKET,)) for name in ("market", "size", "index")),
        ("count", "i8", (6,)),
    ]


@functools.cache
def record_type(capacity: Capacity) -> np.dtype[np.void]:
    """The record's dtype, one object for each capacity: compiled code recognises that object five times sooner."""
    return np.dtype([(name, kind, shape) for name, kind, shape in trigger_columns(capacity)], align=True)


def create_state(capacity: Capacity) -> Any:
    """An empty record. BadInput when a capacity is not positive or the record would pass 2 GiB."""
    for name, value in (
        ("buckets", capacity.buckets),
        ("positions", capacity.positions),
        ("markets", capacity.markets),
    ):
        if value < 1:
            raise BadInput(f"capacity.{name}", f"{value} is not positive")
    if capacity.markets > limits.MARKETS:
        raise BadInput("capacity.markets", f"{capacity.markets}, at most {limits.MARKETS}")
    size = sum(np.dtype(kind).itemsize * math.prod(shape) for _, kind, shape in trigger_columns(capacity))
    if size > RECORD_BYTES_MAX:
        raise BadInput("capacity", f"the record would take {size} bytes, at most {RECORD_BYTES_MAX}: split the venue")
    array = np.zeros(1, dtype=record_type(capacity))
    array["row_edge"][0][:] = ladder.NEVER_KEY
    array["count"][0][SLOTS_USED] = 1
    return array


def for_kernels(array: Any) -> Any:
    """What kernels take: the array, or uncompiled a sequence of one namespace of views of its columns."""
    if not INTERPRETED:
        return array
    return (SimpleNamespace(**{name: memoryview(array[name][0]) for name in array.dtype.names}),)
