"""A quick mixing digest of what a batch did (kernels): equal runs give equal digests, and a different one shows.

Not a cryptographic hash: it goes into one (`Venue.chain`). Two lanes of 62 bits, so that compiled and uncompiled agree:
the low bits of a product are the same whether it wraps or not.
"""

from typing import Any, Final

from seawall.kernel import kernel

MASK: Final = (1 << 62) - 1
FIRST: Final = 0x1E3779B97F4A7C15  # odd, below 2^61
SECOND: Final = 0x1F58476D1CE4E5B9


@kernel
def mix_batches(
    table: Any, codes: Any, made: Any, events: Any, sequence: int, ends: Any, fields: int, event_fields: int, lanes: Any
) -> None:
    """Writes both lanes of each batch: of its rows, then codes, ids made, events.

    Batch k is the rows up to `ends[k]`; its events are those of its commands. `sequence` is that of the first row.
    """
    start = event = 0
    for k in range(len(ends)):
        stop, event_stop = ends[k], event
        while event_stop < len(events) and events[event_stop, 0] < sequence + stop:
            event_stop += 1
        one, other = mix_table(table, start, stop, fields, stop - start, 1)
        one, other = mix_column(codes, start, stop, one, other)
        one, other = mix_column(made, start, stop, one, other)
        one, other = mix_table(events, event, event_stop, event_fields, one, other)
        lanes[k, 0] = one
        lanes[k, 1] = other
        start, event = stop, event_stop


@kernel
def mix_table(table: Any, start: int, stop: int, fields: int, one: int, other: int) -> tuple[int, int]:
    """Both lanes after every field of rows `start`..`stop` of a two-dimensional int64 table, in order."""
    for i in range(start, stop):
        for j in range(fields):
            value = table[i, j]
            one = ((one ^ value) * FIRST) & MASK
            other = ((other + value) * SECOND) & MASK
        one ^= one >> 29
        other ^= other >> 31
    return one, other


@kernel
def mix_column(values: Any, start: int, stop: int, one: int, other: int) -> tuple[int, int]:
    """Both lanes after values `start`..`stop` of a one-dimensional int64 array, in order."""
    for i in range(start, stop):
        one = ((one ^ values[i]) * FIRST) & MASK
        other = ((other + values[i]) * SECOND) & MASK
        one ^= one >> 29
        other ^= other >> 31
    return one, other
