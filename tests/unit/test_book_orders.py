"""Orders and levels at their bounds: full tables, crowded hashes, stale ids, pairs, reserves, the ends of each row."""

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from book_world import (
    BY_ID,
    CLIENT,
    DROP,
    LIFT,
    MARKETS,
    NEW,
    REST,
    ROOM,
    SHRINK,
    WAIT,
    WAITING,
    Book,
    Model,
    check,
    client_place,
    level_place,
    play,
    price_at,
    walk,
)
from seawall.kernel import INTERPRETED
from seawall.ledger import state
from seawall.terms import limits
from seawall.terms.command import REDUCE_ONLY, SELL, STOP, TAKE_PROFIT, TRAILING

MARKET = 1
BID, ASK, RISES, FALLS = range(4 * MARKET, 4 * MARKET + 4)


class Pair:
    """The book and its model, stepped together by what a test names."""

    def __init__(self) -> None:
        self.book, self.model = Book(), Model()

    def new(self, bucket: int, flags: int, at: int, size: int = 5, client: tuple[int, int] = (0, 0)) -> int:
        """A new order at an ordinal, put where it belongs."""
        price = price_at(MARKET, at)
        trigger = price if flags >= STOP else 0
        identity, _ = self.book.one(NEW, bucket, MARKET, flags, price, size, trigger, *client)
        assert identity
        fields = {"bucket": bucket, "market": MARKET, "flags": flags, "price": price, "size": size, "trigger": trigger}
        self.model.new(identity, **fields, client_high=client[0], client_low=client[1])
        row = BID + (1 if flags & SELL else 0)
        if flags >= STOP:
            row = RISES if bool(flags & SELL) == bool(flags & TAKE_PROFIT) else FALLS
        self.model.put(identity, row, at)
        self.book.one(WAIT if flags >= STOP else REST, identity)
        return identity

    def drop(self, identity: int) -> None:
        self.model.drop(identity)
        self.book.one(DROP, identity)

    def check(self) -> None:
        check(self.book, self.model)
        for row in range(BID, FALLS + 1):
            assert walk(self.book, row) == self.model.priority(row)


def test_a_bucket_has_at_most_a_thousand_orders() -> None:
    pair = Pair()
    made = [pair.new(3, REDUCE_ONLY, 500) for _ in range(limits.ORDERS_PER_BUCKET)]
    assert pair.book.one(NEW, 3, MARKET, 0, 500, 5) == (0, limits.ORDERS_PER_BUCKET)
    assert pair.book.one(ROOM, 3, BID, 0, 500) == (0, 1)
    assert pair.book.one(ROOM, 4, BID, 0, 500) == (1, 1)
    pair.drop(made[500])
    assert pair.book.one(ROOM, 3, BID, 0, 500) == (1, 1)
    pair.check()


def test_a_full_table_of_orders_refuses_and_stays_whole() -> None:
    pair = Pair()
    made = [pair.new(i % 8, REDUCE_ONLY | i % 2, 700 + i % 50) for i in range(state.SMALL.orders)]
    assert pair.book.one(ROOM, 30, BID, 0, 1) == (0, 1)
    assert pair.book.one(NEW, 30, MARKET, REDUCE_ONLY, 500, 5) == (0, 0)
    pair.check()
    pair.drop(made[7])
    pair.new(30, REDUCE_ONLY, 500)
    assert pair.book.one(ROOM, 31, BID, 0, 1) == (0, 1)
    pair.check()


def test_a_full_table_of_levels_takes_orders_at_its_levels_only() -> None:
    pair = Pair()
    made = [pair.new(i % 8, REDUCE_ONLY, 7 * i + 1) for i in range(state.SMALL.levels)]
    assert pair.book.one(ROOM, 0, BID, 0, 2) == (1, 0)
    assert pair.book.one(ROOM, 0, ASK, 0, 1) == (1, 0)
    assert pair.book.one(ROOM, 0, BID, 0, 8) == (1, 1)
    pair.new(9, REDUCE_ONLY, 8)
    pair.drop(made[0])
    assert pair.book.one(ROOM, 0, ASK, 0, 1) == (1, 1)
    pair.check()
    for identity in list(pair.model.orders):
        pair.drop(identity)
    pair.check()


def test_levels_that_want_one_place_are_all_found() -> None:
    """Ordinals chosen so that the hash sends them to the last place of the table: they probe around its end."""
    pair, size = Pair(), 2 * state.SMALL.levels
    crowd = [at for at in range(1, limits.ORDINALS) if level_place(BID, at, size) == size - 1][:60]
    crowd += [at for at in range(1, limits.ORDINALS) if level_place(BID, at, size) == 1][:20]
    assert len(crowd) == 80
    chance = random.Random(5)
    for _ in range(6):
        made = [pair.new(i % 8, REDUCE_ONLY, at) for i, at in enumerate(crowd)]
        pair.check()
        chance.shuffle(made)
        for identity in made[:40]:
            pair.drop(identity)
        pair.check()
        for identity in made[40:]:
            pair.drop(identity)
    pair.check()


def crowd_between(pair: Pair, at: int) -> None:
    """Fills the table of levels from where RISES looks for an ordinal to just before where BID keeps its own."""
    size = len(pair.book.columns["level_place"])
    start, end = level_place(RISES, at, size), level_place(BID, at, size)
    sells = {level_place(ASK, n, size): n for n in range(1, 65_536)}
    assert (end - start) % size < 200
    for step in range((end - start) % size):
        pair.new(step % 8, SELL | REDUCE_ONLY, sells[(start + step) % size])


@pytest.mark.parametrize("first, second", [(0, STOP), (STOP, 0)])
def test_one_ordinal_of_two_rows_is_two_levels(first: int, second: int) -> None:
    """Also when the search for the one passes the other's place."""
    pair = Pair()
    crowd_between(pair, 77)
    made = pair.new(9, first | REDUCE_ONLY, 77), pair.new(9, second | REDUCE_ONLY, 77)
    pair.check()
    for identity in made:
        pair.drop(identity)
        pair.check()


def test_room_at_an_ordinal_is_room_in_its_row() -> None:
    """With the table full, a level of the same ordinal in another row is no room, though the search passes it."""
    pair = Pair()
    crowd_between(pair, 77)
    pair.new(9, REDUCE_ONLY, 77)
    for i in range(state.SMALL.levels - len(pair.model.orders)):
        pair.new(i % 8, REDUCE_ONLY, 1_000 + i)
    assert pair.book.one(ROOM, 0, BID, 0, 77) == (1, 1)
    assert pair.book.one(ROOM, 0, RISES, 0, 77) == (1, 0)


def test_client_ids_that_want_one_place_are_all_found() -> None:
    pair = Pair()
    size = len(pair.book.columns["client_place"])
    wanted = size - 2
    crowd = [low for low in range(1, 400_000) if client_place(5, 0, low, size) == wanted][:40]
    assert len(crowd) == 40
    made = {low: pair.new(5, REDUCE_ONLY, 9, client=(0, low)) for low in crowd}
    for low, identity in made.items():
        assert pair.book.one(CLIENT, 5, 0, 0, 0, 0, 0, 0, low) == (identity, 0)
    for low in crowd[::3]:
        pair.drop(made.pop(low))
    pair.check()
    for low in crowd:
        assert pair.book.one(CLIENT, 5, 0, 0, 0, 0, 0, 0, low)[0] == made.get(low, 0)


def test_a_client_id_belongs_to_an_account_and_its_isolated_buckets() -> None:
    pair, isolated = Pair(), state.SMALL.accounts + 6  # of account 6
    own = pair.new(isolated, REDUCE_ONLY, 9, client=(-1, 2**63 - 1))
    other = pair.new(7, REDUCE_ONLY, 9, client=(-1, 2**63 - 1))
    assert pair.book.one(CLIENT, 6, 0, 0, 0, 0, 0, -1, 2**63 - 1) == (own, 0)
    assert pair.book.one(CLIENT, 7, 0, 0, 0, 0, 0, -1, 2**63 - 1) == (other, 0)
    assert pair.book.one(CLIENT, 8, 0, 0, 0, 0, 0, -1, 2**63 - 1) == (0, 0)
    assert pair.book.one(CLIENT, 6, 0, 0, 0, 0, 0, 2**63 - 1, -1) == (0, 0)


def test_each_part_of_a_client_id_tells_it_from_another() -> None:
    """Ids that differ in the account, the high or the low half alone, and hash alike."""
    pair = Pair()
    size = len(pair.book.columns["client_place"])
    made = pair.new(6, REDUCE_ONLY, 9, client=(3, 4))
    wanted = client_place(6, 3, 4, size)
    accounts = [n for n in range(state.SMALL.accounts) if n != 6 and client_place(n, 3, 4, size) == wanted]
    highs = [n for n in range(10**5) if n != 3 and client_place(6, n, 4, size) == wanted]
    lows = [n for n in range(10**5) if n != 4 and client_place(6, 3, n, size) == wanted]
    others = [(n, 3, 4) for n in accounts] + [(6, n, 4) for n in highs] + [(6, 3, n) for n in lows]
    assert highs
    assert lows
    for account, high, low in others:
        assert pair.book.one(CLIENT, account, 0, 0, 0, 0, 0, high, low) == (0, 0)
    assert pair.book.one(CLIENT, 6, 0, 0, 0, 0, 0, 3, 4) == (made, 0)


def test_accounts_whose_client_ids_hash_alike_have_their_own() -> None:
    pair = Pair()
    size = len(pair.book.columns["client_place"])
    low = next(n for n in range(1, 10**6) if client_place(6, 0, n, size) == client_place(7, 0, n, size))
    made = pair.new(6, REDUCE_ONLY, 9, client=(0, low))
    assert pair.book.one(CLIENT, 7, 0, 0, 0, 0, 0, 0, low) == (0, 0)
    assert pair.book.one(CLIENT, 6, 0, 0, 0, 0, 0, 0, low) == (made, 0)


def test_a_client_id_may_have_one_half_only() -> None:
    pair = Pair()
    for client in ((7, 0), (0, 7)):
        made = pair.new(6, REDUCE_ONLY, 9, client=client)
        assert pair.book.one(CLIENT, 6, 0, 0, 0, 0, 0, *client) == (made, 0)
        pair.drop(made)
        assert pair.book.one(CLIENT, 6, 0, 0, 0, 0, 0, *client) == (0, 0)


def test_no_client_id_is_never_found() -> None:
    pair = Pair()
    pair.new(5, REDUCE_ONLY, 9)
    assert pair.book.one(CLIENT, 5, 0, 0, 0, 0, 0, 0, 0) == (0, 0)
    assert not pair.book.columns["client_place"].any()


def test_ids_grow_and_the_id_of_a_reused_row_is_stale() -> None:
    pair = Pair()
    first = pair.new(1, REDUCE_ONLY, 9)
    pair.drop(first)
    second = pair.new(1, REDUCE_ONLY, 9)
    assert second > first
    assert second % 2**21 == first % 2**21
    for identity in (first, 0, -1, 1, second + 1, second + 2**21, -second, 2**62, state.SMALL.orders + 1 + 2**21):
        assert pair.book.one(BY_ID, identity) == (0, 0)
    assert pair.book.one(BY_ID, second)[0] == second % 2**21


@pytest.mark.parametrize(
    "flags, row, priority",
    [
        (0, BID, -1),
        (SELL, ASK, 1),
        (STOP, RISES, 1),  # a stop buy
        (STOP | SELL, FALLS, -1),
        (TAKE_PROFIT, FALLS, -1),
        (TAKE_PROFIT | SELL, RISES, 1),
        (STOP | TRAILING, RISES, 1),
        (STOP | TRAILING | SELL, FALLS, -1),
        (STOP | REDUCE_ONLY | SELL, FALLS, -1),
    ],
)
def test_each_kind_of_order_has_its_row_and_priority(flags: int, row: int, priority: int) -> None:
    pair = Pair()
    ordinals = [1, 31, 32, 33, 1_023, 1_024, 32_767, 32_768, 65_536, 2**19, 2**20 - 33, 2**20 - 32, 2**20 - 1]
    random.Random(row).shuffle(ordinals)
    made = {at: [pair.new(2, flags, at), pair.new(3, flags, at)] for at in ordinals}
    pair.check()
    expected = [identity for at in sorted(ordinals, key=lambda at: priority * at) for identity in made[at]]
    assert walk(pair.book, row) == expected
    for identity in expected[:-1]:
        pair.drop(identity)
    assert walk(pair.book, row) == expected[-1:]
    pair.check()
    assert pair.book.one(WAITING, 3)[0] == (1 if flags >= STOP else 0)


def test_only_resting_orders_that_may_add_risk_are_reserved() -> None:
    pair = Pair()
    made = [pair.new(2, flags, 100 + flags, 10) for flags in (0, SELL, REDUCE_ONLY, STOP, STOP | SELL, TAKE_PROFIT)]
    made.append(pair.new(2, SELL, 200, 7))
    pair.check()
    slot = int(pair.book.columns["bucket_first"][2])
    sides = pair.book.columns["slot_bids"], pair.book.columns["slot_asks"]
    assert [side[slot] for side in sides] == [10, 17]
    for identity in made:
        pair.book.one(SHRINK, identity, 0, 0, 0, 4)
        pair.model.shrink(identity, 4)
    assert [side[slot] for side in sides] == [6, 9]
    pair.check()
    pair.book.one(LIFT, made[1])
    pair.model.take(made[1])
    assert [side[slot] for side in sides] == [6, 3]
    pair.book.one(SHRINK, made[1], 0, 0, 0, 1)  # in no level: nothing is reserved for it
    pair.model.shrink(made[1], 1)
    pair.check()
    for identity in made:
        pair.drop(identity)
    assert [side[slot] for side in sides] == [0, 0]
    pair.check()


@pytest.mark.parametrize("dropped", range(4))
def test_a_dropped_order_leaves_no_tie_behind(dropped: int) -> None:
    """A parent with two stops that it has not armed, and a pair beside them: who is dropped, and who goes with it."""
    pair = Pair()
    parent = pair.new(2, 0, 90)
    children = [pair.new(2, flags | SELL, 100) for flags in (STOP, TAKE_PROFIT)]
    twins = [pair.new(2, flags | SELL, 200) for flags in (STOP, TAKE_PROFIT)]
    rows = [identity % 2**21 for identity in (parent, *children, *twins)]
    c = pair.book.columns
    for child in children:
        pair.book.one(LIFT, child)
        pair.model.take(child)
        c["order_parent"][child % 2**21] = rows[0]
    c["order_child"][rows[0]] = rows[1]
    for one, other in ((1, 2), (3, 4)):
        c["order_twin"][rows[one]], c["order_twin"][rows[other]] = rows[other], rows[one]
    gone = (parent, children[0], children[1], twins[0])[dropped]
    pair.drop(gone)
    for child in children if gone == parent else ():
        pair.model.drop(child)
    pair.check()
    ties = {name: [int(c[f"order_{name}"][row]) for row in rows] for name in ("parent", "child", "twin")}
    assert ties["parent"] == [0, 0 if dropped < 2 else rows[0], 0 if dropped in (0, 2) else rows[0], 0, 0]
    assert ties["child"][0] == (0, rows[2], rows[1], rows[1])[dropped]
    assert ties["twin"][1:3] == ([rows[2], rows[1]] if dropped == 3 else [0, 0])
    assert ties["twin"][3:] == ([0, 0] if dropped == 3 else [rows[4], rows[3]])
    again = pair.new(2, STOP, 300)
    assert not any(c[f"order_{name}"][again % 2**21] for name in ("parent", "twin", "child", "waiting"))


def test_lots_of_a_level_may_add_up_past_one_order() -> None:
    pair = Pair()
    for _ in range(500):
        pair.new(2, REDUCE_ONLY, 77, 2**53)
    pair.check()


def played() -> str:
    """Hash of the record after a fixed play."""
    book, model = Book(), Model()
    play(book, model, random.Random(11), 1_600, 0.6)
    return hashlib.sha256(bytes(state.durable_bytes(book.array, book.capacity))).hexdigest()


@pytest.mark.skipif(INTERPRETED, reason="the compiled run of this test starts the uncompiled one itself")
def test_compiled_and_uncompiled_leave_the_same_bytes() -> None:
    program = "import test_book_orders as t; print(t.played())"
    here = Path(__file__).resolve().parent
    path = os.pathsep.join((str(here), str(here.parent)))
    environment = {**os.environ, "SEAWALL_INTERPRET": "1", "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=240
    )
    assert done.stdout.strip() == played()


def test_markets_do_not_share_rows() -> None:
    pair = Pair()
    made = pair.new(2, 0, 100)
    for market in range(len(MARKETS)):
        for row in range(4 * market, 4 * market + 4):
            assert walk(pair.book, row) == ([made] if row == BID else [])
