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
def mix_table(table: Any, rows: int, fields: int, one: int, other: int) -> tuple[int, int]:
    """Both lanes after every field of the first `rows` rows of a two-dimensional int64 table, in order."""
    for i in range(rows):
        for j in range(fields):
            value = table[i, j]
            one = ((one ^ value) * FIRST) & MASK
            other = ((other + value) * SECOND) & MASK
        one ^= one >> 29
        other ^= other >> 31
    return one, other


@kernel
def mix_column(values: Any, one: int, other: int) -> tuple[int, int]:
    """Both lanes after every value of a one-dimensional int64 array, in order."""
    for i in range(len(values)):
        one = ((one ^ values[i]) * FIRST) & MASK
        other = ((other + values[i]) * SECOND) & MASK
        one ^= one >> 29
        other ^= other >> 31
    return one, other
