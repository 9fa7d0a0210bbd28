"""Nonces (kernels): a signed command acts once, in whatever order commands of one signer arrive.

A nonce is a time in ms of the signer's choice within (NOW - 2 days, NOW + 1 day]. An action of several rows has one
nonce: its rows are the parts 0, 1, 2, ... of it (`time` of a signed row), and of a nonce that is remembered only a part
greater than the last one is taken.

The last `nonces` used by anybody are remembered in a ring and found by a hash table (linear probing, backward-shift
delete). One that falls out of the ring raises its signer's floor, at and below which nothing is accepted any more: so
none is accepted twice. An agent's row that is given to another keeps its floor, and an agent approved again starts
above everything that revoked agents of the same master have used.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.settings import LOW_31, scatter
from seawall.ledger.state import ACCOUNTS, AGENTS_USED, HASH_SALT, NONCE_COUNT, NONCE_HEAD, NOW
from seawall.terms import code, command
from seawall.terms.limits import ACTION_PARTS
from seawall.terms.parameter import DAY_MS

PAST_MS: Final = 2 * DAY_MS
AHEAD_MS: Final = DAY_MS
MIXED_AT: Final = 32  # an entry of the table is the mixed nonce above, its place in the ring + 1 below
RING_MASK: Final = (1 << MIXED_AT) - 1
LINE_MASK: Final = 7  # eight entries a cache line


@kernel
def use_nonce(s: Any, c: Any) -> int:
    """OK, and the nonce is used up, also when the command is refused later. The signer exists (`authorise`).

    NONCE_OLD at or below the signer's floor or older than the window, BAD_TIME ahead of it or of a part beyond
    ACTION_PARTS, NONCE_USED. A role's nonce is 0 (BAD_FIELD): its commands are ordered by other means.
    """
    if c.signer <= command.SEQUENCER:
        return code.OK if c.nonce == 0 else code.BAD_FIELD
    index = signer_index(s, c.signer)
    if index < 0:
        return code.NOT_AUTHORISED
    if c.nonce <= s.nonce_floor[index] or c.nonce <= s.cell[NOW] - PAST_MS:
        return code.NONCE_OLD
    if c.nonce > s.cell[NOW] + AHEAD_MS or c.time >= ACTION_PARTS:
        return code.BAD_TIME
    place = find_nonce(s, index, c.nonce)
    if place >= 0:
        return int(_take_part(s, (s.nonce_place[place] & RING_MASK) - 1, c.time))
    _remember(s, index, c.nonce, c.time)
    if c.signer < 0:
        agent = -1 - c.signer
        s.nonce_top[agent] = max(s.nonce_top[agent], c.nonce)
    return code.OK


@kernel
def _take_part(s: Any, ring: int, part: int) -> int:
    """OK for a later part of an action whose nonce is remembered, which is then the last one taken."""
    if part <= s.nonce_part[ring]:
        return code.NONCE_USED
    s.nonce_part[ring] = part
    return code.OK


@kernel
def signer_index(s: Any, signer: int) -> int:
    """The signer's place in `nonce_floor`: an account, or accounts + an agent's row; -1 for a signer unknown."""
    if signer >= 0:
        return signer if signer < s.cell[ACCOUNTS] else -1
    agent = -1 - signer
    return len(s.account_master) + agent if 1 <= agent < s.cell[AGENTS_USED] else -1


@kernel
def find_nonce(s: Any, index: int, nonce: int) -> int:
    """The place in the table of a remembered nonce; -1 when it is not remembered."""
    mask = len(s.nonce_place) - 1
    mixed = mixed_of(s, index, nonce)
    place = home_of(s, mixed)
    entry = s.nonce_place[place]
    while entry != 0:  # the table is at most half full
        if entry >> MIXED_AT == mixed:
            ring = (entry & RING_MASK) - 1
            if s.nonce_signer[ring] == index and s.nonce_value[ring] == nonce:
                return int(place)
        place = (place + 1) & mask
        entry = s.nonce_place[place]
    return -1


@kernel
def carry_floor(s: Any, master: int, agent: int) -> None:
    """A row given to a new agent of `master`: nothing that a revoked agent has signed can be sent again under it."""
    index = len(s.account_master) + agent
    s.nonce_floor[index] = max(s.nonce_floor[index], s.nonce_revoked[master])


@kernel
def note_revoked(s: Any, master: int, agent: int) -> None:
    """An agent's row is freed: its greatest nonce stays with the master."""
    s.nonce_revoked[master] = max(s.nonce_revoked[master], s.nonce_top[agent])
    s.nonce_top[agent] = 0


@kernel
def mixed_of(s: Any, index: int, nonce: int) -> int:
    """31 bits that say where a nonce is looked for, and tell it from nearly all others there."""
    mixed = scatter((s.cell[HASH_SALT] & LOW_31) ^ index)
    mixed = scatter(mixed ^ (nonce & LOW_31))
    return scatter(mixed ^ (nonce >> 31))


@kernel
def home_of(s: Any, mixed: int) -> int:
    """The place where a search begins: the first of a cache line, in which it nearly always ends."""
    return mixed & (len(s.nonce_place) - 1) & ~LINE_MASK


@kernel
def _remember(s: Any, index: int, nonce: int, part: int) -> None:
    length = len(s.nonce_value)
    if s.cell[NONCE_COUNT] == length:
        _forget_oldest(s)
    ring = (s.cell[NONCE_HEAD] + s.cell[NONCE_COUNT]) & (length - 1)
    s.nonce_signer[ring] = index
    s.nonce_value[ring] = nonce
    s.nonce_part[ring] = part
    s.cell[NONCE_COUNT] += 1
    mask = len(s.nonce_place) - 1
    mixed = mixed_of(s, index, nonce)
    place = home_of(s, mixed)
    while s.nonce_place[place] != 0:  # the table is at most half full
        place = (place + 1) & mask
    s.nonce_place[place] = (mixed << MIXED_AT) | (ring + 1)


@kernel
def _forget_oldest(s: Any) -> None:
    """The oldest of the ring falls out and raises its signer's floor."""
    ring = s.cell[NONCE_HEAD]
    index, nonce = s.nonce_signer[ring], s.nonce_value[ring]
    _remove(s, find_nonce(s, index, nonce))
    s.nonce_floor[index] = max(s.nonce_floor[index], nonce)
    s.cell[NONCE_HEAD] = (ring + 1) & (len(s.nonce_value) - 1)
    s.cell[NONCE_COUNT] -= 1


@kernel
def _remove(s: Any, hole: int) -> None:
    """Frees a place of the table and shifts back what had to probe past it."""
    mask = len(s.nonce_place) - 1
    place = (hole + 1) & mask
    entry = s.nonce_place[place]
    while entry != 0:  # the table is at most half full
        home = home_of(s, entry >> MIXED_AT)
        if (place - home) & mask >= (place - hole) & mask:
            s.nonce_place[hole] = entry
            hole = place
        place = (place + 1) & mask
        entry = s.nonce_place[place]
    s.nonce_place[hole] = 0
