"""Invariants of the book, identities and tables (host side, numpy). Each returns what is wrong, or ""."""

import numpy as np

from seawall.engine.invariant_view import View, first_of, list_fault, sums
from seawall.engine.nonces import RING_MASK
from seawall.ledger import state
from seawall.terms import command, limits

BIDS, ASKS, ABOVE, BELOW = range(4)


def orders(v: View) -> str:
    """A live order has a serial of its own, lots left, a market, and an owner whose list holds it once."""
    rows, ids = v.orders, v["order_id"][v.orders]
    if (ids & ((1 << 21) - 1) != rows).any():
        return "an id names another row"
    serial = ids >> 21
    if rows.size and (len(np.unique(serial)) != len(serial) or serial.max() > v.cells(state.ORDER_SERIAL)):
        return "a serial is used twice or was never given"
    if (wrong := np.flatnonzero(v["order_size"][rows] < 0)).size:
        return "lots of order " + first_of(wrong, v["order_size"][rows])
    return "" if len(rows) == v.cells(state.ORDERS_LIVE) else f"{len(rows)} live, {v.cells(state.ORDERS_LIVE)} counted"


def bucket_orders(v: View) -> str:
    """A bucket's list holds its orders once, links both ways, and their count is right and within its bound."""
    live = np.zeros(len(v["order_id"]), bool)
    live[v.orders] = True
    following = v["order_next"].astype(np.int64)
    if fault := list_fault(v["bucket_order"].astype(np.int64), following, live):
        return fault
    owner, after = v["order_bucket"][v.orders], following[v.orders]
    if ((after != 0) & (v["order_bucket"][after] != owner)).any():
        return "a list runs into another bucket"
    heads = np.flatnonzero(v["bucket_order"])
    if (v["order_bucket"][v["bucket_order"][heads]] != heads).any():
        return "the head of a list belongs to another bucket"
    if (v["order_previous"][after[after != 0]] != v.orders[after != 0]).any():
        return "links back do not match"
    held = np.bincount(owner, minlength=v.buckets)
    wrong = np.flatnonzero((held != v["bucket_orders"]) | (held > limits.ORDERS_PER_BUCKET))
    return "count of bucket " + first_of(wrong, held, v["bucket_orders"]) if wrong.size else ""


def reserves(v: View) -> str:
    """Lots reserved in a slot are those of the bucket's resting orders that are not reduce-only."""
    rows = v.orders
    flags, level = v["order_flags"][rows], v["order_level"][rows].astype(np.int64)
    book = v["level_row"][level].astype(np.int64) % 4
    resting = (level != 0) & (book < ABOVE) & (flags & command.REDUCE_ONLY == 0)
    pair = v["order_bucket"][rows].astype(np.int64) * v.markets + v["order_market"][rows]
    slot_pair = v.slot_owner * v.markets + v.slot_market
    for side, column in ((BIDS, "slot_bids"), (ASKS, "slot_asks")):
        mine = resting & (book == side)
        wanted = sums(v.buckets * v.markets, pair[mine], v["order_size"][rows][mine])
        stated = sums(v.buckets * v.markets, slot_pair, v[column][v.slots])
        if (wrong := np.flatnonzero(wanted != stated)).size:
            bucket, market = divmod(int(wrong[0]), v.markets)
            return f"bucket {bucket} market {market} {column}: " + first_of(wrong, wanted, stated)
    return ""


def levels(v: View) -> str:
    """A price level's list holds its orders in time order, links both ways; its lots are their sum; none is empty."""
    live = np.zeros(len(v["order_id"]), bool)
    placed = v.orders[v["order_level"][v.orders] != 0]
    live[placed] = True
    heads = level_rows(v)
    following = v["order_after"].astype(np.int64)
    if fault := list_fault(v["level_first"][heads].astype(np.int64), following, live):
        return fault
    level, after = v["order_level"].astype(np.int64), following[placed]
    if ((after != 0) & (level[after] != level[placed])).any():
        return "a list runs into another level"
    if (level[v["level_first"][heads]] != heads).any() or (level[v["level_last"][heads]] != heads).any():
        return "first or last of a level is elsewhere"
    if (following[v["level_last"][heads]] != 0).any():
        return "the last of a level has a follower"
    if (v["order_before"][after[after != 0]] != placed[after != 0]).any():
        return "links back do not match"
    lots = sums(len(v["level_row"]), level[placed], v["order_size"][placed])
    wrong = np.flatnonzero(lots[heads] != v["level_lots"][heads])
    return "lots of level " + first_of(wrong, lots[heads], v["level_lots"][heads]) if wrong.size else ""


def level_rows(v: View) -> np.ndarray:
    """Rows of the levels that live: those the hash finds, ascending."""
    places = v["level_place"]
    return np.sort(places[places > 0]).astype(np.int64)


def level_index(v: View) -> str:
    """A live level is in the hash once and its bit is set in the grid; every set bit has a level, at each height."""
    heads = level_rows(v)
    if len(np.unique(heads)) != len(heads):
        return "a level is in the hash twice"
    used = np.unique(v["order_level"][v.orders])
    if not np.array_equal(used[used != 0], heads):
        return "levels with orders are not the levels in the hash"
    row, ordinal = v["level_row"][heads].astype(np.int64), v["level_ordinal"][heads].astype(np.int64)
    if len(np.unique(row * limits.ORDINALS + ordinal)) != len(heads):
        return "a price has two levels"
    rank = np.where(((row ^ (row >> 1)) & 1) == 1, ordinal, ordinal ^ (limits.ORDINALS - 1))
    best = np.full(4 * v.markets, limits.ORDINALS, np.int64)
    np.minimum.at(best, row, rank)
    stated = v["book_best"].astype(np.int64)
    held = np.full(len(v["level_row"]), limits.ORDINALS, np.int64)
    held[heads] = rank
    if (held[stated] != best).any() or (v["level_row"][stated[stated != 0]] != np.flatnonzero(stated)).any():
        return "the best level of a row is another"
    for height, bits in ((0, 5), (1, 10), (2, 15), (3, 20)):
        column = v[f"grid_{height}"]
        wanted = np.zeros(column.shape, column.dtype)
        bit = np.left_shift(1, (rank >> (bits - 5)) & 31).astype(column.dtype)
        np.bitwise_or.at(wanted, (row, rank >> bits), bit)
        if not np.array_equal(wanted, column):
            return f"bits of height {height} differ"
    return ""


def uncrossed(v: View) -> str:
    """No market's best bid meets its best ask."""
    heads = level_rows(v)
    row, ordinal = v["level_row"][heads].astype(np.int64), v["level_ordinal"][heads].astype(np.int64)
    best_bid, best_ask = np.full(v.markets, -1, np.int64), np.full(v.markets, limits.ORDINALS, np.int64)
    bids, asks = row % 4 == BIDS, row % 4 == ASKS
    np.maximum.at(best_bid, row[bids] >> 2, ordinal[bids])
    np.minimum.at(best_ask, row[asks] >> 2, ordinal[asks])
    return first_of(np.flatnonzero(best_bid >= best_ask), best_bid, best_ask)


def order_places(v: View) -> str:
    """A resting order is in its market's row of its side; a waiting one in a stop row; both twins know each other."""
    rows = v.orders[v["order_level"][v.orders] != 0]
    book = v["level_row"][v["order_level"][rows]].astype(np.int64)
    if (book >> 2 != v["order_market"][rows]).any():
        return "an order is in another market's book"
    sells = v["order_flags"][rows] & command.SELL != 0
    side = book & 3
    if (((side == BIDS) & sells) | ((side == ASKS) & ~sells)).any():
        return "an order is on the other side"
    twin = v["order_twin"][v.orders].astype(np.int64)
    pairs = twin != 0
    if (v["order_id"][twin[pairs]] == 0).any() or (v["order_twin"][twin[pairs]] != v.orders[pairs]).any():
        return "a twin does not point back"
    parent = v["order_parent"][v.orders].astype(np.int64)
    return "a parent is gone" if (v["order_id"][parent[parent != 0]] == 0).any() else ""


def clients(v: View) -> str:
    """Every order with a client id is in the table of client ids once, and nothing else is."""
    named = v.orders[(v["order_client_high"][v.orders] != 0) | (v["order_client_low"][v.orders] != 0)]
    table = np.sort(v["client_place"][v["client_place"] != 0])
    return "" if np.array_equal(table, named) else f"{len(table)} in the table, {len(named)} orders have one"


def isolated(v: View) -> str:
    """An isolated bucket hangs from its owner once, one a market; a free one hangs in the free list."""
    first = v.accounts
    kind = v["bucket_kind"][first : first + v.isolated]
    live = np.zeros(v.buckets + 1, bool)
    live[1 + first : 1 + first + v.isolated] = kind == state.ISOLATED
    following = np.concatenate([[0], v["bucket_next"].astype(np.int64)])
    if fault := list_fault(v["account_isolated"].astype(np.int64), following, live):
        return fault
    rows = np.flatnonzero(live) - 1
    owner, after = v["bucket_owner"], following[rows + 1]
    if ((after != 0) & (owner[after - 1] != owner[rows])).any():
        return "a list runs into another account"
    heads = np.flatnonzero(v["account_isolated"])
    if (owner[v["account_isolated"][heads] - 1] != heads).any():
        return "the head of a list belongs to another account"
    pair = owner[rows].astype(np.int64) * v.markets + v["bucket_market"][rows]
    if len(np.unique(pair)) != len(pair):
        return "an account has two isolated buckets of one market"
    mine = np.flatnonzero(v["bucket_kind"][v.slot_owner] == state.ISOLATED)
    if (v["bucket_market"][v.slot_owner[mine]] != v.slot_market[mine]).any():
        return "an isolated bucket holds another market"
    return ""


def pools(v: View) -> str:
    """A pool holds positions of its own market only, and no order."""
    first = v.accounts + v.isolated
    mine = np.flatnonzero(v.slot_owner >= first)
    wrong = mine[v["bucket_market"][v.slot_owner[mine]] != v.slot_market[mine]]
    if wrong.size:
        return "slot, pool " + first_of(wrong, v.slots, v.slot_owner)
    return first_of(first + np.flatnonzero(v["bucket_orders"][first:]), v["bucket_orders"])


def unused_buckets(v: View) -> str:
    """A bucket that nobody owns holds no cash, position or order, and waits for nothing."""
    unused = np.flatnonzero(v["bucket_kind"] == state.UNUSED)
    for name in (
        "bucket_raw",
        "bucket_first",
        "bucket_order",
        "bucket_class",
        "bucket_liquidating",
        "bucket_advanced",
        "bucket_holding",
    ):
        if (wrong := np.flatnonzero(v[name][unused])).size:
            return f"{name} of bucket " + first_of(unused[wrong], v[name])
    return ""


def accounts(v: View) -> str:
    """Accounts are the first so many cross buckets; a sub-account's master is a master and lists it once."""
    many = v.cells(state.ACCOUNTS)
    if (v["bucket_kind"][:many] != state.CROSS).any() or v["bucket_kind"][many : v.accounts].any():
        return "cross buckets are not the accounts"
    if (v["bucket_owner"][:many] != np.arange(many)).any():
        return "a cross bucket has another owner"
    master = v["account_master"][:many].astype(np.int64)
    if (master[master] != master).any():
        return "a master has a master"
    subs = np.zeros(v.accounts + 1, bool)
    subs[1 : many + 1] = master != np.arange(many)
    following = np.concatenate([[0], v["account_sub"].astype(np.int64)])
    masters = np.flatnonzero(master == np.arange(many))
    if fault := list_fault(following[masters + 1], np.where(subs, following, 0), subs):
        return "sub-accounts: " + fault
    held = np.bincount(master, minlength=many) - 1
    return "" if not many or held.max() <= limits.SUBACCOUNTS else "an account has too many sub-accounts"


def addresses(v: View) -> str:
    """Every master and agent is in the table of addresses once, no two share an address, and nothing else is there."""
    places = v["address_place"]
    many, used = v.cells(state.ACCOUNTS), v.cells(state.AGENTS_USED)
    masters = np.flatnonzero(v["account_master"][:many] == np.arange(many))
    agents = np.flatnonzero(v["agent_account"][:used] >= 0)
    agents = agents[(agents != 0) & v["agent_address"][:used].any(axis=1)[agents]]
    found = np.sort(places[places != 0].astype(np.int64))
    wanted = np.sort(np.concatenate([masters + 1, -agents]))
    if not np.array_equal(found, wanted):
        return f"{len(found)} in the table, {len(masters)} masters and {len(agents)} agents"
    named = np.concatenate([v["account_address"][masters], v["agent_address"][agents]])
    return "" if len(np.unique(named, axis=0)) == len(named) else "two share an address"


def nonces(v: View) -> str:
    """The ring of remembered nonces is found through its table, entry by entry, and none is at or below its floor."""
    many, head, length = v.cells(state.NONCE_COUNT), v.cells(state.NONCE_HEAD), len(v["nonce_value"])
    if not 0 <= many <= length:
        return f"{many} remembered"
    ring = (head + np.arange(many)) % length
    table = np.sort(v["nonce_place"][v["nonce_place"] != 0] & RING_MASK) - 1
    return "" if np.array_equal(table, np.sort(ring)) else f"{len(table)} in the table, {many} in the ring"


def held(v: View) -> str:
    """The bitmap of each market and side has the slots with a position there, and no other."""
    slots = np.flatnonzero(v["slot_size"])
    rows = 2 * v["slot_market"][slots] + (v["slot_size"][slots] < 0)
    wanted = np.zeros_like(v["held"])
    np.bitwise_or.at(wanted, (rows, slots >> 5), (1 << (slots & 31)).astype(np.uint32))
    wrong = np.argwhere(wanted != v["held"])
    return f"row {wrong[0][0]}, word {wrong[0][1]}" if len(wrong) else ""


def statuses(v: View) -> str:
    """A market has a known status; one that is not listed has no position, order or fund."""
    status = v["market_status"]
    if (wrong := np.flatnonzero((status < command.UNLISTED) | (status > command.DELISTING))).size:
        return first_of(wrong, status)
    unlisted = status == command.UNLISTED
    if (unlisted[v.slot_market] & (v.size != 0)).any():
        return "a position in a market that is not listed"
    if unlisted[v["order_market"][v.orders]].any():
        return "an order in a market that is not listed"
    venue = v.cells(state.VENUE_STATUS)
    return "" if command.ACTIVE <= venue <= command.HALTED else f"venue status {venue}"


def twaps(v: View) -> str:
    """A running schedule has done no more than it should, and each account's are counted."""
    used = v.cells(state.TWAPS_USED)
    rows = np.flatnonzero(v["twap_id"][:used])
    wrong = rows[(v["twap_done"][rows] < 0) | (v["twap_done"][rows] > v["twap_size"][rows])]
    if wrong.size:
        return "done of schedule " + first_of(wrong, v["twap_done"], v["twap_size"])
    running = sums(v.accounts, v["twap_bucket"][rows], np.ones(len(rows), np.int64))
    return first_of(np.flatnonzero(running != v["account_twaps"]), running, v["account_twaps"])
