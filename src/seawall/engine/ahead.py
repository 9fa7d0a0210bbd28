"""Reading ahead (kernels): what the next commands will touch is asked of memory for many of them at once.

Accounts, positions and orders of a batch lie anywhere in hundreds of megabytes. One after the other each command would
wait for each of its cache lines; here the lines of a group of commands are read in loops without a branch that waits
for a value, so that the processor has many reads under way. Nothing is changed and nothing depends on what is read:
a command that finds its state moved by one before it only finds less of it near.
"""

from typing import Any, Final

from seawall.book.grid import ordinal_of
from seawall.book.levels import home_of
from seawall.book.orders import ROW_MASK, book_row, first_order
from seawall.engine.nonces import home_of as nonce_home
from seawall.engine.nonces import mixed_of
from seawall.kernel import kernel
from seawall.ledger.state import ACCOUNTS, MARKETS, NONCE_COUNT, NONCE_HEAD
from seawall.terms import command

GROUP: Final = 32  # commands: what they touch fits into the cache nearest to the processor but one
CHAIN: Final = 8  # positions of a bucket that are read ahead


@kernel
def read_ahead(s: Any, rows: Any, first: int) -> int:
    """Reads for rows `first` and the GROUP - 1 after it. The number returned means nothing but that it was read.

    `s.at` holds the buckets, then the positions, that the loops have come to: of the account, and of whom it meets;
    `s.new_index` the place of the level.
    """
    last = min(first + GROUP, len(rows))
    seen = _oldest_nonces(s, last - first)
    orders = len(s.order_id)
    for i in range(first, last):
        c = rows[i]
        account = c.account if c.account < s.cell[ACCOUNTS] else 0
        order = c.reference & ROW_MASK if c.reference & ROW_MASK < orders else 0
        s.at[i - first], s.new_index[i - first] = account, _level_home(s, c)
        seen += s.account_master[account] + s.bucket_raw[account] + s.nonce_floor[account] + s.order_price[order]
        seen += s.nonce_place[nonce_home(s, mixed_of(s, account, c.nonce))] + s.level_place[s.new_index[i - first]]
    for i in range(first, last):
        c = rows[i]
        order = c.reference & ROW_MASK if c.reference & ROW_MASK < orders else 0
        seen += s.order_price[s.bucket_order[s.at[i - first]]] + s.order_price[s.order_after[order]]
        seen += s.order_price[s.order_before[order]] + s.order_price[s.order_next[order]]
        seen += s.order_client_low[order] + s.order_price[s.order_previous[order]] + s.level_lots[s.order_level[order]]
        s.at[GROUP + i - first] = _first_maker(s, c)
        seen += s.level_lots[s.level_place[s.new_index[i - first]]]
    return seen + _chains(s, last - first)


@kernel
def _chains(s: Any, count: int) -> int:
    """The first positions of the buckets in `s.at`, all of them one step at a time."""
    seen = 0
    for half in (0, GROUP):
        for k in range(half, half + count):
            seen += s.account_master[min(s.at[k], len(s.account_master) - 1)]  # of a cross bucket: its account
            s.at[k] = s.bucket_first[s.at[k]]
        for _ in range(CHAIN):
            for k in range(half, half + count):
                s.at[k] = s.slot_sibling[s.at[k]]
                seen += s.at[k]
    return seen


@kernel
def _level_home(s: Any, c: Any) -> int:
    """Where the table of levels first looks for an order's price; 0 for any other command."""
    if c.kind != command.PLACE or not 0 <= c.market < s.cell[MARKETS]:
        return 0
    return int(home_of(s, book_row(c.market, c.flags), max(0, ordinal_of(s, c.market, c.price))))


@kernel
def _first_maker(s: Any, c: Any) -> int:
    """The bucket that a taker meets first; 0 for any other command."""
    if c.kind != command.PLACE or c.flags & command.IOC == 0 or not 0 <= c.market < s.cell[MARKETS]:
        return 0
    return int(s.order_bucket[first_order(s, book_row(c.market, c.flags ^ command.SELL))])


@kernel
def _oldest_nonces(s: Any, count: int) -> int:
    """Where the table holds the `count` nonces that will fall out of the full ring."""
    seen, length = 0, len(s.nonce_value)
    if s.cell[NONCE_COUNT] + count > length:
        for k in range(count):
            ring = (s.cell[NONCE_HEAD] + k) & (length - 1)
            index = s.nonce_signer[ring]
            seen += s.nonce_floor[index] + s.nonce_place[nonce_home(s, mixed_of(s, index, s.nonce_value[ring]))]
    return seen
