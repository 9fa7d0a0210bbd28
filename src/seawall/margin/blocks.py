"""A second order of a book's positions, market by market inside blocks of accounts: the layout of bulk re-margining.

It pays for itself after a few passes (one pass over the plain columns is about four times slower than over this one).
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from seawall.kernel import kernel, warm_up
from seawall.margin.columns import (
    Book,
    Flags,
    Ints,
    Layout,
    MarketTable,
    Positions,
    Segments,
    book,
    market_table,
    sealed,
)
from seawall.terms import limits
from seawall.terms.market import market
from seawall.units import Price, UsdMicro

BLOCK: Final = 8_192  # accounts a block: their two accumulators fit the second-level cache
PAD: Final = 32  # segments are padded to this many positions, so that no vector loop needs a scalar tail
HEADROOM: Final = 4  # marks may rise this far before the layout is no longer used
NARROW_SIZE: Final = 2**31 - 1
NARROW_NUMERATOR: Final = 2**62


def arrange(accounts: Book, marks: Any) -> Book:
    """The same book with a layout for bulk work, usable until a mark rises above HEADROOM x `marks` (micro-USD a lot).

    Results never depend on the layout, only their speed does.
    """
    table, positions = accounts.table, accounts.positions
    cap = np.minimum(table.prices(marks) * HEADROOM, table.price_max)
    wide = np.zeros(accounts.accounts, np.bool_)
    mark_wide(positions, cap, table.rate.max(axis=1), wide)
    counts = np.zeros(len(table.names), np.int64)
    segments, padded = count_segments(positions, wide, counts)
    start, filled, largest = (np.zeros(segments, np.int64) for _ in range(3))
    made = Segments(
        first=np.zeros(-(-accounts.accounts // BLOCK) + 1, np.int64),
        market=np.zeros(segments, np.uint16),
        start=start,
        filled=filled,
        largest=largest,
        size=np.zeros(padded, np.int32),
        local=np.zeros(padded, np.uint16),
    )
    fill_segments(positions, wide, counts, made)
    for values in made:
        values.flags.writeable = False
    layout = Layout(
        segments=made,
        price_cap=sealed(cap),
        drop=sealed(_drops(table)),
        wide=sealed(np.flatnonzero(wide)),
    )
    return replace(accounts, layout=layout)


def _drops(table: MarketTable) -> Ints:
    """Steps of the deductions. A deduction a narrow account can reach is below its numerator, 2^62; others are cut."""
    reachable = table.deduction_high < 2 ** (62 - limits.SPLIT_BITS)
    high = np.where(reachable, table.deduction_high, 0)
    deduction = np.where(reachable, (high << limits.SPLIT_BITS) + table.deduction_low, NARROW_NUMERATOR)
    return np.diff(deduction, axis=1, prepend=0)


@kernel
def mark_wide(positions: Positions, cap: Ints, rate: Ints, wide: Flags) -> None:
    """Sets `wide` for accounts whose sizes or maintenance numerator at `cap` may leave the narrow layout's integers."""
    offsets, market, size = positions
    for account in range(offsets.size - 1):
        room = NARROW_NUMERATOR
        for i in range(offsets[account], offsets[account + 1]):
            lots = abs(size[i])
            notional = lots * cap[market[i]]
            top = rate[market[i]]
            if lots > NARROW_SIZE or notional > room // top:
                wide[account] = True
                break
            room -= notional * top


@kernel
def count_segments(positions: Positions, wide: Flags, counts: Ints) -> tuple[int, int]:
    """Number of segments and of padded positions; `counts` is scratch."""
    accounts = positions.offsets.size - 1
    segments, padded = 0, 0
    for begin in range(0, accounts, BLOCK):
        _count_block(begin, positions, wide, counts)
        for m in range(counts.size):
            if counts[m] > 0:
                segments += 1
                padded += (counts[m] + PAD - 1) // PAD * PAD
    return segments, padded


@kernel
def _count_block(begin: int, positions: Positions, wide: Flags, counts: Ints) -> None:
    offsets, market, _ = positions
    counts[:] = 0
    for account in range(begin, min(begin + BLOCK, offsets.size - 1)):
        if not wide[account]:
            for i in range(offsets[account], offsets[account + 1]):
                counts[market[i]] += 1


@kernel
def fill_segments(positions: Positions, wide: Flags, counts: Ints, made: Segments) -> None:
    """Writes the segments of every block, accounts in their order; `counts` is scratch."""
    segment, position = 0, 0
    for block in range(made.first.size - 1):
        begin = block * BLOCK
        _count_block(begin, positions, wide, counts)
        for m in range(counts.size):
            if counts[m] > 0:
                made.market[segment], made.start[segment] = m, position
                position += (counts[m] + PAD - 1) // PAD * PAD
                counts[m] = segment
                segment += 1
        made.first[block + 1] = segment
        _fill_block(begin, positions, wide, counts, made)


@kernel
def _fill_block(begin: int, positions: Positions, wide: Flags, segment_of: Ints, made: Segments) -> None:
    offsets, market, size = positions
    for account in range(begin, min(begin + BLOCK, offsets.size - 1)):
        if not wide[account]:
            for i in range(offsets[account], offsets[account + 1]):
                segment = segment_of[market[i]]
                at = made.start[segment] + made.filled[segment]
                made.size[at] = size[i]
                made.local[at] = account - begin
                made.filled[segment] += 1
                made.largest[segment] = max(made.largest[segment], abs(size[i]))


def sample_book() -> tuple[Book, Ints]:
    """A book of two accounts, narrow and wide, and its marks: what warm-ups run on."""
    table = market_table([market("SAMPLE", size_decimals=0, tiers=[(UsdMicro(0), 20), (UsdMicro(2**40), 10)])])
    accounts = book(table, offsets=[0, 1, 2], raw_usd=[0, 0], market=[0, 0], size=[-1, 2**13])
    return accounts, table.prices([Price(2**39)])


@warm_up
def compile_blocks() -> None:
    """Compiles what arranges a book."""
    arrange(*sample_book())
