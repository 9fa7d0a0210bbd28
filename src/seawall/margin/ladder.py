"""A log-ladder of keys: the nearest trigger is found in a few steps, and a key moves in constant time (kernels).

Keys are integers; a *row* of the ladder holds the triggers of one market and side, and fires those above a level.
A row is cut into cells, 1,024 to an octave of the key, so that a cell is at most 1/1024 of its price wide. Cells hold
slots in intrusive doubly linked lists (a slot is one position), bitmaps of two levels skip the empty ones, and
`row_edge` bounds the greatest key from above, so that most ticks end after one comparison. There are no stale
entries, and nothing is ever allocated.

Rows of long positions have positive keys, rows of shorts negative ones; `cell_of` grows with the key in both. It is
monotone over all of int64 by clamping, so a key of any size is safe, only slower to find once it is clamped.
Slot 0 and cell 0 mean "none". The last cell, ALWAYS_CELL, holds triggers that fire at every tick.
"""

from typing import Any, Final

from seawall.kernel import kernel

OCTAVE_BITS: Final = 10  # 1,024 cells an octave
KEY_BITS: Final = 42  # keys of prices up to 2^40, shifted by funding
KEY_MAX: Final = 2**KEY_BITS - 1
PRICE_CELLS: Final = (KEY_BITS - OCTAVE_BITS + 1) << OCTAVE_BITS  # cells 1..PRICE_CELLS
ALWAYS_CELL: Final = PRICE_CELLS + 1
CELLS: Final = ALWAYS_CELL + 1
WORD_BITS: Final = 5  # bitmaps use 32 bits of each word: the same integers compiled and in plain Python
WORD: Final = 1 << WORD_BITS
WORDS: Final = (CELLS + WORD - 1) // WORD
SUMMARY_WORDS: Final = (WORDS + WORD - 1) // WORD

ALWAYS_KEY: Final = 2**62  # above every level
NEVER_KEY: Final = -(2**62)  # below every level; the key of a slot outside the ladder

# fields of the column `slot_link`, side by side because a walk reads them together
KEY, AFTER, BEFORE = range(3)


@kernel
def top_bit(value: int) -> int:
    """Index of the highest set bit of 1 <= value < 2^63."""
    index = 0
    for step in (32, 16, 8, 4, 2, 1):
        if value >> (index + step) != 0:
            index += step
    return index


@kernel
def lowest_bit(word: int) -> int:
    """Index of the lowest set bit of 1 <= word < 2^32."""
    index = 0
    for step in (16, 8, 4, 2, 1):
        if word & ((1 << step) - 1) == 0:
            word >>= step
            index += step
    return index


@kernel
def magnitude_cell(magnitude: int) -> int:
    """Cell of 0..KEY_MAX counted from 0: one value a cell below 2^11, then 2^10 cells an octave. Monotone."""
    shift = max(top_bit(max(magnitude, 1)) - OCTAVE_BITS, 0)
    return (shift << OCTAVE_BITS) + (magnitude >> shift)


@kernel
def cell_of(row: int, key: int) -> int:
    """Cell of a key in a row, 1..PRICE_CELLS; never falls when the key rises. Odd rows are mirrored for shorts."""
    if row & 1 == 0:
        return 1 + magnitude_cell(min(max(key, 0), KEY_MAX))
    return PRICE_CELLS - magnitude_cell(min(max(-key, 0), KEY_MAX))


@kernel
def cell_under(row: int, key: int) -> int:
    """The cell in which a linked slot with this key hangs."""
    return ALWAYS_CELL if key == ALWAYS_KEY else cell_of(row, key)


@kernel
def link(s: Any, row: int, slot: int, key: int) -> None:
    """Puts an unlinked slot into a row under `key`; ALWAYS_KEY makes it fire at every tick."""
    cell = cell_under(row, key)
    head = s.row_head[row, cell]
    s.slot_link[slot, KEY] = key
    s.slot_link[slot, AFTER] = head
    s.slot_link[slot, BEFORE] = 0
    s.row_head[row, cell] = slot
    if head != 0:
        s.slot_link[head, BEFORE] = slot
    else:
        word = cell >> WORD_BITS
        s.row_cells[row, word] |= 1 << (cell & (WORD - 1))
        s.row_words[row, word >> WORD_BITS] |= 1 << (word & (WORD - 1))
    s.row_edge[row] = max(s.row_edge[row], key)


@kernel
def unlink(s: Any, row: int, slot: int) -> None:
    """Takes a slot out of its row; nothing happens when it is not in one."""
    key = s.slot_link[slot, KEY]
    if key == NEVER_KEY:
        return
    before, after = s.slot_link[slot, BEFORE], s.slot_link[slot, AFTER]
    if after != 0:
        s.slot_link[after, BEFORE] = before
    if before != 0:
        s.slot_link[before, AFTER] = after
    else:
        cell = cell_under(row, key)
        s.row_head[row, cell] = after
        if after == 0:
            _clear(s, row, cell)
    s.slot_link[slot, KEY] = NEVER_KEY


@kernel
def next_cell(s: Any, row: int, start: int) -> int:
    """The first cell >= `start` that holds a slot; 0 when there is none."""
    if start >= CELLS:
        return 0
    word = start >> WORD_BITS
    rest = s.row_cells[row, word] >> (start & (WORD - 1))
    if rest != 0:
        return start + lowest_bit(rest)
    word = _next_word(s, row, word + 1)
    return (word << WORD_BITS) + lowest_bit(s.row_cells[row, word]) if word != WORDS else 0


@kernel
def _clear(s: Any, row: int, cell: int) -> None:
    word = cell >> WORD_BITS
    left = s.row_cells[row, word] & ~(1 << (cell & (WORD - 1)))
    s.row_cells[row, word] = left
    if left == 0:
        s.row_words[row, word >> WORD_BITS] &= ~(1 << (word & (WORD - 1)))


@kernel
def _next_word(s: Any, row: int, start: int) -> int:
    """The first word >= `start` with a bit set; WORDS when there is none."""
    index = start >> WORD_BITS
    if index >= SUMMARY_WORDS:
        return WORDS
    rest = s.row_words[row, index] >> (start & (WORD - 1))
    if rest != 0:
        return start + lowest_bit(rest)
    for later in range(index + 1, SUMMARY_WORDS):
        if s.row_words[row, later] != 0:
            return (later << WORD_BITS) + lowest_bit(s.row_words[row, later])
    return WORDS
