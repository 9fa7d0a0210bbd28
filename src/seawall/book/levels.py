"""Price levels (kernels): a hash finds a level, bitmaps find the next one, orders hang in it first come, first served.

A level is one price of one row (book/grid.py) and exists while an order is in it. In the bitmaps a level stands at its
*rank*, which counts from the end of the row that is best: the next level in priority is always the next higher bit.
`grid_0` has a bit for each rank, a bit of `grid_1` says that a word of `grid_0` is not zero, and so on up to the one
word of `grid_3`; `book_best` is the row's best level. Level 0 is none.

Sixteen neighbouring prices share a line of the hash table, so that a book's levels sit in few cache lines. Collisions
probe onward, and what a removal leaves is closed by shifting back: there are no tombstones.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.state import LEVEL_FREE, LEVELS_USED
from seawall.terms.limits import ORDINALS

WORD: Final = (1 << 32) - 1  # a masked word is a signed integer in compiled code
WORDS: Final = ORDINALS >> 5
GROUPS: Final = ORDINALS >> 10
LINE_BITS: Final = 4
LINE_MASK: Final = (1 << LINE_BITS) - 1
HASH_BITS: Final = 32
HASH_MASK: Final = (1 << HASH_BITS) - 1
SCATTER: Final = 0x9E3779B1  # 2^32 / golden ratio, odd

TWOS: Final = 0x5555555555555555
FOURS: Final = 0x3333333333333333
EIGHTS: Final = 0x0F0F0F0F0F0F0F0F
ONES: Final = 0x0101010101010101


@kernel
def lowest_bit(word: int) -> int:
    """Index of the lowest set bit of 1 <= word < 2^32: counts the zeros below it. Compilers know this sum."""
    x = (word & -word) - 1
    x -= (x >> 1) & TWOS
    x = (x & FOURS) + ((x >> 2) & FOURS)
    x = (x + (x >> 4)) & EIGHTS
    return ((x * ONES) >> 56) & 0xFF


@kernel
def rank_of(row: int, ordinal: int) -> int:
    """Place of an ordinal counted from the row's best end; its own inverse. Bids and falling triggers are mirrored."""
    return ordinal if (row ^ (row >> 1)) & 1 else ordinal ^ (ORDINALS - 1)


@kernel
def home_of(s: Any, row: int, ordinal: int) -> int:
    """Where the hash table first looks for a level."""
    length = len(s.level_place)
    mixed = (((row << (20 - LINE_BITS)) | (ordinal >> LINE_BITS)) * SCATTER) & HASH_MASK
    line = (mixed * length) >> HASH_BITS
    return ((line & ~LINE_MASK) | (ordinal & LINE_MASK)) & (length - 1)


@kernel
def find_level(s: Any, row: int, ordinal: int) -> int:
    """The level of a row at an ordinal; 0 when nothing is there."""
    mask = len(s.level_place) - 1
    place = home_of(s, row, ordinal)
    level = s.level_place[place]
    while level != 0 and (s.level_ordinal[level] != ordinal or s.level_row[level] != row):  # the table is half empty
        place = (place + 1) & mask
        level = s.level_place[place]
    return int(level)


@kernel
def has_level_room(s: Any, row: int, ordinal: int) -> bool:
    """Whether `open_level` would succeed: the level exists, or the table has a free row."""
    if s.cell[LEVEL_FREE] != 0 or s.cell[LEVELS_USED] < len(s.level_row):
        return True
    return find_level(s, row, ordinal) != 0


@kernel
def open_level(s: Any, row: int, ordinal: int) -> int:
    """The level of a row at an ordinal, made when it is not there. The caller has asked `has_level_room`."""
    mask = len(s.level_place) - 1
    place = home_of(s, row, ordinal)
    level = s.level_place[place]
    while level != 0:  # the table is half empty
        if s.level_ordinal[level] == ordinal and s.level_row[level] == row:
            return int(level)
        place = (place + 1) & mask
        level = s.level_place[place]
    level = s.cell[LEVEL_FREE]
    if level != 0:
        s.cell[LEVEL_FREE] = s.level_last[level]
    else:
        level = s.cell[LEVELS_USED]
        s.cell[LEVELS_USED] = level + 1
    s.level_place[place] = level
    s.level_row[level] = row
    s.level_ordinal[level] = ordinal
    s.level_first[level] = 0
    s.level_last[level] = 0
    s.level_lots[level] = 0
    rank = rank_of(row, ordinal)
    _mark(s, row, rank)
    best = s.book_best[row]
    if best == 0 or rank < rank_of(row, s.level_ordinal[best]):
        s.book_best[row] = level
    return int(level)


@kernel
def close_level(s: Any, level: int) -> None:
    """Frees a level that has no order left."""
    row = s.level_row[level]
    rank = rank_of(row, s.level_ordinal[level])
    _forget(s, level)
    _unmark(s, row, rank)
    if s.book_best[row] == level:
        s.book_best[row] = _level_from(s, row, rank + 1)
    s.level_first[level] = 0
    s.level_last[level] = s.cell[LEVEL_FREE]
    s.cell[LEVEL_FREE] = level


@kernel
def best_level(s: Any, row: int) -> int:
    """The row's level of highest priority; 0 when it is empty."""
    return int(s.book_best[row])


@kernel
def next_level(s: Any, level: int) -> int:
    """The level after this one in its row's priority; 0 when it is the last."""
    row = s.level_row[level]
    return _level_from(s, row, rank_of(row, s.level_ordinal[level]) + 1)


@kernel
def append(s: Any, level: int, order: int) -> None:
    """Puts an order that is in no level behind all others of this one."""
    last = s.level_last[level]
    s.order_level[order] = level
    s.order_before[order] = last
    s.order_after[order] = 0
    if last != 0:
        s.order_after[last] = order
    else:
        s.level_first[level] = order
    s.level_last[level] = order
    s.level_lots[level] += s.order_size[order]


@kernel
def take_out(s: Any, order: int) -> None:
    """Takes an order out of its level; the level goes when it was the last one."""
    level = s.order_level[order]
    before, after = s.order_before[order], s.order_after[order]
    s.order_level[order] = 0
    s.level_lots[level] -= s.order_size[order]
    if before == 0 and after == 0:
        close_level(s, level)
        return
    if before != 0:
        s.order_after[before] = after
    else:
        s.level_first[level] = after
    if after != 0:
        s.order_before[after] = before
    else:
        s.level_last[level] = before


@kernel
def next_rank(s: Any, row: int, start: int) -> int:
    """The first occupied rank >= `start`; ORDINALS when there is none."""
    if start >= ORDINALS:
        return ORDINALS
    rest = (s.grid_0[row, start >> 5] & WORD) >> (start & 31)
    if rest != 0:
        return start + lowest_bit(rest)
    word = _next_word(s, row, (start >> 5) + 1)
    return (word << 5) + lowest_bit(s.grid_0[row, word] & WORD) if word != WORDS else ORDINALS


@kernel
def _next_word(s: Any, row: int, start: int) -> int:
    """The first word of `grid_0` from `start` that is not zero; WORDS when there is none."""
    if start >= WORDS:
        return WORDS
    rest = (s.grid_1[row, start >> 5] & WORD) >> (start & 31)
    if rest != 0:
        return start + lowest_bit(rest)
    group = (start >> 5) + 1
    if group >= GROUPS:
        return WORDS
    rest = (s.grid_2[row, group >> 5] & WORD) >> (group & 31)
    if rest != 0:
        group += lowest_bit(rest)
    else:
        top = (group >> 5) + 1
        rest = (s.grid_3[row, 0] & WORD) >> top if top < 32 else 0
        if rest == 0:
            return WORDS
        top += lowest_bit(rest)
        group = (top << 5) + lowest_bit(s.grid_2[row, top] & WORD)
    return (group << 5) + lowest_bit(s.grid_1[row, group] & WORD)


@kernel
def _level_from(s: Any, row: int, start: int) -> int:
    """The first level of a row at a rank >= `start`; 0 when there is none."""
    rank = next_rank(s, row, start)
    return find_level(s, row, rank_of(row, rank)) if rank != ORDINALS else 0


@kernel
def _mark(s: Any, row: int, rank: int) -> None:
    """Sets the bit of a rank, and those above it where their words were empty."""
    word = s.grid_0[row, rank >> 5] & WORD
    s.grid_0[row, rank >> 5] = word | (1 << (rank & 31))
    if word == 0:
        at = rank >> 5
        word = s.grid_1[row, at >> 5] & WORD
        s.grid_1[row, at >> 5] = word | (1 << (at & 31))
        if word == 0:
            at = rank >> 10
            s.grid_2[row, at >> 5] = (s.grid_2[row, at >> 5] & WORD) | (1 << (at & 31))
            s.grid_3[row, 0] = (s.grid_3[row, 0] & WORD) | (1 << (at >> 5))


@kernel
def _unmark(s: Any, row: int, rank: int) -> None:
    """Clears the bit of a rank, and those above it where their words become empty."""
    word = s.grid_0[row, rank >> 5] & ~(1 << (rank & 31))
    s.grid_0[row, rank >> 5] = word
    if word == 0:
        at = rank >> 5
        word = s.grid_1[row, at >> 5] & ~(1 << (at & 31))
        s.grid_1[row, at >> 5] = word
        if word == 0:
            at = rank >> 10
            word = s.grid_2[row, at >> 5] & ~(1 << (at & 31))
            s.grid_2[row, at >> 5] = word
            if word == 0:
                s.grid_3[row, 0] = s.grid_3[row, 0] & ~(1 << (at >> 5))


@kernel
def _forget(s: Any, level: int) -> None:
    """Takes a level out of the hash table and shifts back those that had to probe past it."""
    mask = len(s.level_place) - 1
    hole = home_of(s, s.level_row[level], s.level_ordinal[level])
    while s.level_place[hole] != level:  # the table is half empty
        hole = (hole + 1) & mask
    place = (hole + 1) & mask
    other = s.level_place[place]
    while other != 0:  # the table is half empty
        home = home_of(s, s.level_row[other], s.level_ordinal[other])
        if (place - home) & mask >= (place - hole) & mask:
            s.level_place[hole] = other
            hole = place
        place = (place + 1) & mask
        other = s.level_place[place]
    s.level_place[hole] = 0
