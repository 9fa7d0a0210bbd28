"""Addresses of accounts and agents (kernels): 160 bits as three words of 54, 53 and 53 bits, each used once.

One hash table over both (linear probing, backward-shift delete, at most half full): account + 1, or -agent. A
sub-account has the address 0 and is not in it.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.settings import LOW_31, scatter
from seawall.ledger.state import HASH_SALT

HIGH_END: Final = 1 << 54
WORD_END: Final = 1 << 53


@kernel
def is_address(high: int, middle: int, low: int) -> bool:
    """Whether the words are in range and not all 0."""
    if not (0 <= high < HIGH_END and 0 <= middle < WORD_END and 0 <= low < WORD_END):
        return False
    return bool(high != 0 or middle != 0 or low != 0)


@kernel
def find_address(s: Any, high: int, middle: int, low: int) -> int:
    """Who has the address: account + 1, -agent, or 0 for nobody."""
    return int(s.address_place[_place_of(s, high, middle, low)])


@kernel
def add_address(s: Any, high: int, middle: int, low: int, holder: int) -> None:
    """Enters an address that nobody has. The holder's own columns are the caller's to write."""
    s.address_place[_place_of(s, high, middle, low)] = holder


@kernel
def remove_address(s: Any, high: int, middle: int, low: int) -> None:
    """Takes out an address that somebody has, and shifts back what had to probe past it."""
    mask = len(s.address_place) - 1
    hole = _place_of(s, high, middle, low)
    place = (hole + 1) & mask
    holder = s.address_place[place]
    while holder != 0:  # the table is at most half full
        words = _words(s, holder)
        home = _home(s, words[0], words[1], words[2])
        if (place - home) & mask >= (place - hole) & mask:
            s.address_place[hole] = holder
            hole = place
        place = (place + 1) & mask
        holder = s.address_place[place]
    s.address_place[hole] = 0


@kernel
def _place_of(s: Any, high: int, middle: int, low: int) -> int:
    """Where the address is, or would go."""
    mask = len(s.address_place) - 1
    place = _home(s, high, middle, low)
    holder = s.address_place[place]
    while holder != 0:  # the table is at most half full
        words = _words(s, holder)
        if words[0] == high and words[1] == middle and words[2] == low:
            return place
        place = (place + 1) & mask
        holder = s.address_place[place]
    return place


@kernel
def _words(s: Any, holder: int) -> tuple[int, int, int]:
    if holder > 0:
        account = holder - 1
        return s.account_address[account, 0], s.account_address[account, 1], s.account_address[account, 2]
    return s.agent_address[-holder, 0], s.agent_address[-holder, 1], s.agent_address[-holder, 2]


@kernel
def _home(s: Any, high: int, middle: int, low: int) -> int:
    mixed = scatter(s.cell[HASH_SALT] & LOW_31)
    for word in (high, middle, low):
        mixed = scatter(mixed ^ (word & LOW_31))
        mixed = scatter(mixed ^ (word >> 31))
    return mixed & (len(s.address_place) - 1)
