"""Who holds what (kernels): for each market and side a bitmap of the slots with a position.

Those who look at every position of a market (ADL, shared losses, ranks, settlement) find them without passing all
others. Rows are those of the ladder: even rows hold longs, odd rows shorts. `ledger/buckets.py` `trade` writes it.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.margin.ladder import lowest_bit
from seawall.margin.trigger_state import SLOTS_USED

WORD_BITS: Final = 5
WORD_MASK: Final = (1 << 32) - 1  # makes the unsigned words of a column signed integers


@kernel
def note_held(s: Any, row: int, slot: int, is_held: bool) -> None:
    """Sets or clears the bit of a slot."""
    word, bit = slot >> WORD_BITS, 1 << (slot & 31)
    left = (s.held[row, word] & WORD_MASK) & ~bit
    s.held[row, word] = left | bit if is_held else left


@kernel
def next_held(s: Any, row: int, start: int) -> int:
    """The first slot >= `start` with a position in this row; 0 when there is none."""
    word, last = start >> WORD_BITS, (s.count[SLOTS_USED] - 1) >> WORD_BITS
    if word > last:
        return 0
    rest = (s.held[row, word] & WORD_MASK) >> (start & 31)
    if rest != 0:
        return start + lowest_bit(rest)
    for later in range(word + 1, last + 1):
        if s.held[row, later] != 0:
            return (later << WORD_BITS) + lowest_bit(s.held[row, later] & WORD_MASK)
    return 0


@kernel
def next_of_market(s: Any, market: int, start: int) -> int:
    """The first slot >= `start` with a position on either side of a market; 0 when there is none."""
    long, short = next_held(s, 2 * market, start), next_held(s, 2 * market + 1, start)
    return max(long, short) if long == 0 or short == 0 else min(long, short)
