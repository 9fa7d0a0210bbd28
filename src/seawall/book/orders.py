"""Rows of orders (kernels): made, found, put into a level, shrunk, dropped.

An order's id is `serial << 21 | row`: ids only grow, and the row is found without a search. An order hangs in its
bucket's list, newest first, and in at most one level: of its price when it rests, of its trigger when it waits.
Resting orders that may add risk are counted in `slot_bids` and `slot_asks`, for they reserve margin; reduce-only and
waiting ones are not. Client ids are one hash table over (account, high, low), 0 0 meaning none. Order 0 is none.
"""

from typing import Any, Final

from seawall.book import levels
from seawall.book.grid import ASKS, BIDS, FALLS, RISES, ordinal_of
from seawall.book.trailing import is_following, unfollow
from seawall.kernel import kernel
from seawall.ledger.buckets import find_slot, note_closed
from seawall.ledger.events import emit
from seawall.ledger.settings import LOW_31, scatter
from seawall.ledger.state import HASH_SALT, ORDER_FREE, ORDER_SERIAL, ORDERS_LIVE, ORDERS_USED
from seawall.terms import code, event
from seawall.terms.command import REDUCE_ONLY, SELL, STOP, TAKE_PROFIT, TRAILING
from seawall.terms.limits import ORDERS_PER_BUCKET

ROW_BITS: Final = 21
ROW_MASK: Final = (1 << ROW_BITS) - 1
TRIGGERED: Final = STOP | TAKE_PROFIT | TRAILING  # an order with one of these flags waits for the mark


@kernel
def has_order_room(s: Any, bucket: int) -> bool:
    """Whether `new_order` would succeed for this bucket."""
    if s.bucket_orders[bucket] >= ORDERS_PER_BUCKET:
        return False
    return bool(s.cell[ORDER_FREE] != 0 or s.cell[ORDERS_USED] < len(s.order_id))


@kernel
def new_order(
    s: Any,
    bucket: int,
    market: int,
    flags: int,
    price: int,
    size: int,
    trigger: int,
    extra: int,
    client_high: int,
    client_low: int,
) -> int:
    """A new order of the bucket, in no level yet; 0 when `has_order_room` says no. The client id must be unused."""
    if not has_order_room(s, bucket):
        return 0
    order = s.cell[ORDER_FREE]
    if order != 0:
        s.cell[ORDER_FREE] = s.order_after[order]
    else:
        order = s.cell[ORDERS_USED]
        s.cell[ORDERS_USED] = order + 1
    s.cell[ORDERS_LIVE] += 1
    s.cell[ORDER_SERIAL] += 1
    s.order_id[order] = (s.cell[ORDER_SERIAL] << ROW_BITS) | order
    s.order_bucket[order] = bucket
    s.order_market[order] = market
    s.order_flags[order] = flags
    s.order_price[order] = price
    s.order_size[order] = size
    s.order_trigger[order] = trigger
    s.order_extra[order] = extra
    s.order_client_high[order] = client_high
    s.order_client_low[order] = client_low
    s.order_level[order] = 0
    s.order_after[order] = 0
    s.order_before[order] = 0
    s.bucket_stops[bucket] += 1 if flags & TRIGGERED else 0
    head = s.bucket_order[bucket]
    s.order_next[order] = head
    s.order_previous[order] = 0
    if head != 0:
        s.order_previous[head] = order
    s.bucket_order[bucket] = order
    s.bucket_orders[bucket] += 1
    if client_high != 0 or client_low != 0:
        _remember_client(s, order)
    return int(order)


@kernel
def renew(s: Any, order: int, flags: int, price: int, size: int, client_high: int, client_low: int) -> None:
    """Gives an order that is in no level new terms and a new id; its row, and what is attached to it, stay."""
    is_same = client_high == s.order_client_high[order] and client_low == s.order_client_low[order]
    if not is_same and (s.order_client_high[order] != 0 or s.order_client_low[order] != 0):
        _forget_client(s, order)
    s.cell[ORDER_SERIAL] += 1
    s.order_id[order] = (s.cell[ORDER_SERIAL] << ROW_BITS) | order
    s.order_flags[order] = flags
    s.order_price[order] = price
    s.order_size[order] = size
    s.order_client_high[order] = client_high
    s.order_client_low[order] = client_low
    if not is_same and (client_high != 0 or client_low != 0):
        _remember_client(s, order)


@kernel
def drop_order(s: Any, order: int) -> None:
    """Removes an order from everywhere, gives its reserve back and frees its row. Its slot is the caller's to close.

    Stops attached to it that it never armed go with it, told by PARENT_GONE; those it armed stay as they are.
    """
    if s.bucket_stops[s.order_bucket[order]] != 0:  # whoever is tied to another is a stop of the bucket, or its parent
        _leave_family(s, order)
    _free(s, order)


@kernel
def _leave_family(s: Any, order: int) -> None:
    """Ends what ties an order to others."""
    child = s.order_child[order]
    while child != 0:  # at most two
        twin = s.order_twin[child]
        s.order_parent[child] = 0
        if is_waiting(s, child):
            s.order_waiting[child] = 0
            note_closed(s, s.order_bucket[child])  # it stays for as long as there is a position to reduce
        else:
            bucket, identity, size = s.order_bucket[child], s.order_id[child], s.order_waiting[child]
            emit(s, event.CANCELLED, s.order_market[child], bucket, -1, identity, 0, size, code.PARENT_GONE)
            _untie(s, child)
            _free(s, child)
        child = twin if s.order_parent[twin] == order else 0
    s.order_child[order] = 0
    parent, twin = s.order_parent[order], s.order_twin[order]
    if parent != 0 and s.order_child[parent] == order:
        s.order_child[parent] = twin if s.order_parent[twin] == parent else 0
    _untie(s, order)


@kernel
def _untie(s: Any, order: int) -> None:
    """An order without parent and twin, as every free row is."""
    s.order_twin[s.order_twin[order]] = 0
    s.order_twin[order] = 0
    s.order_parent[order] = 0
    s.order_waiting[order] = 0


@kernel
def _free(s: Any, order: int) -> None:
    if s.order_level[order] != 0:
        lift(s, order)
    elif is_following(s, order):
        unfollow(s, order)
    if s.order_client_high[order] != 0 or s.order_client_low[order] != 0:
        _forget_client(s, order)
    bucket, after, before = s.order_bucket[order], s.order_next[order], s.order_previous[order]
    if after != 0:
        s.order_previous[after] = before
    if before != 0:
        s.order_next[before] = after
    else:
        s.bucket_order[bucket] = after
    s.bucket_orders[bucket] -= 1
    s.bucket_stops[bucket] -= 1 if s.order_flags[order] & TRIGGERED else 0
    s.order_id[order] = 0
    s.order_after[order] = s.cell[ORDER_FREE]
    s.cell[ORDER_FREE] = order
    s.cell[ORDERS_LIVE] -= 1


@kernel
def book_row(market: int, flags: int) -> int:
    """The row of the book in which an order with these flags rests."""
    return 4 * market + (ASKS if flags & SELL else BIDS)


@kernel
def trigger_row(market: int, flags: int) -> int:
    """The row in which a trigger order waits: stop buys and take-profit sells fire when the mark rises to them."""
    return 4 * market + (RISES if (flags & SELL != 0) == (flags & TAKE_PROFIT != 0) else FALLS)


@kernel
def rest(s: Any, order: int) -> None:
    """Puts an order into the book at its price, behind the others there, and reserves for it.

    The caller has asked `has_level_room` for a price on the grid; the slot exists unless the order is reduce-only.
    """
    market, flags = s.order_market[order], s.order_flags[order]
    rest_at(s, order, book_row(market, flags), ordinal_of(s, market, s.order_price[order]))


@kernel
def rest_at(s: Any, order: int, row: int, ordinal: int) -> None:
    """`rest` for a caller that knows the row and the ordinal."""
    levels.append(s, levels.open_level(s, row, ordinal), order)
    _reserve(s, order, row, s.order_size[order])


@kernel
def wait(s: Any, order: int) -> None:
    """Puts a trigger order into its row at its trigger, behind the others there. It reserves nothing."""
    market = s.order_market[order]
    row = trigger_row(market, s.order_flags[order])
    levels.append(s, levels.open_level(s, row, ordinal_of(s, market, s.order_trigger[order])), order)


@kernel
def lift(s: Any, order: int) -> None:
    """Takes an order out of its level and gives its reserve back; it keeps its id and its place in the bucket."""
    row = s.level_row[s.order_level[order]]
    if row & 3 <= ASKS:
        _reserve(s, order, row, -s.order_size[order])
    levels.take_out(s, order)


@kernel
def shrink(s: Any, order: int, lots: int) -> None:
    """Takes `lots`, at most all, off an order wherever it is. An order of nothing is the caller's to drop."""
    level = s.order_level[order]
    s.order_size[order] -= lots
    if level != 0:
        s.level_lots[level] -= lots
        row = s.level_row[level]
        if row & 3 <= ASKS:
            _reserve(s, order, row, -lots)


@kernel
def order_by_id(s: Any, identity: int) -> int:
    """The order with this id; 0 when it is gone or never was."""
    order = identity & ROW_MASK
    if identity <= 0 or order >= len(s.order_id) or s.order_id[order] != identity:
        return 0
    return int(order)


@kernel
def find_client(s: Any, account: int, high: int, low: int) -> int:
    """The account's open order with this client id, in any of its buckets; 0 when there is none."""
    if high == 0 and low == 0:
        return 0
    mask = len(s.client_place) - 1
    place = client_home(s, account, high, low)
    order = s.client_place[place]
    while order != 0:  # the table is half empty
        if (
            s.order_client_low[order] == low
            and s.order_client_high[order] == high
            and s.bucket_owner[s.order_bucket[order]] == account
        ):
            return int(order)
        place = (place + 1) & mask
        order = s.client_place[place]
    return 0


@kernel
def first_order(s: Any, row: int) -> int:
    """The order of highest priority in a row; 0 when it is empty."""
    return int(s.level_first[s.book_best[row]])


@kernel
def following(s: Any, order: int) -> int:
    """The order after this one in its row: later in its level, or first of the next level; 0 when it is the last."""
    after = s.order_after[order]
    if after != 0:
        return int(after)
    return int(s.level_first[levels.next_level(s, s.order_level[order])])


@kernel
def is_resting(s: Any, order: int) -> bool:
    """Whether an order rests in the book."""
    return bool(s.order_level[order] != 0 and s.level_row[s.order_level[order]] & 3 <= ASKS)


@kernel
def is_waiting(s: Any, order: int) -> bool:
    """Whether an order waits for its trigger: in a row of stops, or trailing the mark."""
    level = s.order_level[order]
    return bool(is_following(s, order) if level == 0 else s.level_row[level] & 3 > ASKS)


@kernel
def count_waiting(s: Any, bucket: int) -> int:
    """How many of the bucket's orders wait for a trigger."""
    count, order = 0, s.bucket_order[bucket]
    while order != 0:  # at most ORDERS_PER_BUCKET
        count += 1 if is_waiting(s, order) else 0
        order = s.order_next[order]
    return count


@kernel
def _reserve(s: Any, order: int, row: int, lots: int) -> None:
    """Counts `lots` more (negative: fewer) of an order in a row of the book as resting, unless it is reduce-only."""
    if s.order_flags[order] & REDUCE_ONLY:
        return
    slot = find_slot(s, s.order_bucket[order], row >> 2)
    if row & 1 == ASKS:
        s.slot_asks[slot] += lots
    else:
        s.slot_bids[slot] += lots


@kernel
def client_home(s: Any, account: int, high: int, low: int) -> int:
    """Where the table of client ids first looks."""
    mixed = scatter((s.cell[HASH_SALT] & LOW_31) ^ account)
    for word in (high, low):
        mixed = scatter(mixed ^ (word & LOW_31))
        mixed = scatter(mixed ^ ((word >> 31) & LOW_31))
    return mixed & (len(s.client_place) - 1)


@kernel
def _home_of_order(s: Any, order: int) -> int:
    account = s.bucket_owner[s.order_bucket[order]]
    return client_home(s, account, s.order_client_high[order], s.order_client_low[order])


@kernel
def _remember_client(s: Any, order: int) -> None:
    mask = len(s.client_place) - 1
    place = _home_of_order(s, order)
    while s.client_place[place] != 0:  # the table is half empty
        place = (place + 1) & mask
    s.client_place[place] = order


@kernel
def _forget_client(s: Any, order: int) -> None:
    """Takes an order out of the table of client ids and shifts back those that had to probe past it."""
    mask = len(s.client_place) - 1
    hole = _home_of_order(s, order)
    while s.client_place[hole] != order:  # the table is half empty
        hole = (hole + 1) & mask
    place = (hole + 1) & mask
    other = s.client_place[place]
    while other != 0:  # the table is half empty
        home = _home_of_order(s, other)
        if (place - home) & mask >= (place - hole) & mask:
            s.client_place[hole] = other
            hole = place
        place = (place + 1) & mask
        other = s.client_place[place]
    s.client_place[hole] = 0
