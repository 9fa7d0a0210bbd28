"""The book driven in one compiled call, and its referee: dictionaries and lists that share no code with the package."""

import random
from typing import Any

import numpy as np

from seawall.book import levels, orders
from seawall.kernel import INTERPRETED, kernel
from seawall.ledger import buckets, state
from seawall.terms import command, limits

NEW, REST, WAIT, LIFT, SHRINK, DROP, CLIENT, BY_ID, FIRST, FOLLOWING, ROOM, WAITING = range(12)
FIELDS = 9  # kind, order id or bucket, market or row, flags, price or ordinal, size or lots, trigger, client high, low
MARKETS = (6, 2, 0, -9)  # size decimals of the markets 0..3
BATCH = 160  # steps between two comparisons of everything
Answer = tuple[int, int]


@kernel
def drive(states: Any, steps: Any, answers: Any) -> None:
    """Does the steps in order; an answer is (result, live orders of the bucket or lots of the level)."""
    s = states[0]
    for i in range(len(steps)):
        kind, one, two, flags = steps[i, 0], steps[i, 1], steps[i, 2], steps[i, 3]
        price, size, high, low = steps[i, 4], steps[i, 5], steps[i, 7], steps[i, 8]
        order = orders.order_by_id(s, one) if kind not in (NEW, CLIENT, FIRST, ROOM, WAITING) else 0
        result, more = 0, 0
        if kind == NEW:
            if flags & command.REDUCE_ONLY == 0 and buckets.find_slot(s, one, two) == 0:
                buckets.open_slot(s, one, two, 1)
            order = orders.new_order(s, one, two, flags, price, size, steps[i, 6], 0, high, low)
            result, more = s.order_id[order], s.bucket_orders[one]
        elif kind == REST:
            orders.rest(s, order)
            result, more = order, s.level_lots[s.order_level[order]]
        elif kind == WAIT:
            orders.wait(s, order)
            result, more = order, s.level_lots[s.order_level[order]]
        elif kind == LIFT:
            orders.lift(s, order)
        elif kind == SHRINK:
            orders.shrink(s, order, size)
            result, more = s.order_size[order], s.level_lots[s.order_level[order]]
        elif kind == DROP:
            orders.drop_order(s, order)
        elif kind == CLIENT:
            result = s.order_id[orders.find_client(s, one, high, low)]
        elif kind == BY_ID:
            result = order
        elif kind == FIRST:
            result = s.order_id[orders.first_order(s, two)]
        elif kind == FOLLOWING:
            result = s.order_id[orders.following(s, order)]
        elif kind == ROOM:
            result = 1 if orders.has_order_room(s, one) else 0
            more = 1 if levels.has_level_room(s, two, price) else 0
        elif kind == WAITING:
            result, more = orders.count_waiting(s, one), s.bucket_orders[one]
        answers[i, 0] = result
        answers[i, 1] = more


class Book:
    """The package's book in a fresh venue of four markets."""

    def __init__(self, capacity: state.Capacity = state.SMALL) -> None:
        self.capacity = capacity
        self.array = state.create_state(capacity)
        self.columns = state.columns_of(self.array)
        self.states = state.for_kernels(self.array)
        for market, size_decimals in enumerate(MARKETS):
            self.columns["market_exponent_max"][market] = max(0, 6 - size_decimals)
        self.columns["bucket_owner"][: capacity.accounts] = np.arange(capacity.accounts)
        isolated = np.arange(capacity.accounts, capacity.accounts + capacity.isolated)
        self.columns["bucket_owner"][isolated] = isolated - capacity.accounts
        self.columns["bucket_market"][isolated] = 1

    def do(self, steps: list[tuple[int, ...]]) -> list[Answer]:
        rows = np.zeros((len(steps), FIELDS), np.int64)
        for i, step in enumerate(steps):
            rows[i, : len(step)] = step
        answers = np.zeros((len(steps), 2), np.int64)
        if INTERPRETED:
            drive(self.states, memoryview(rows), memoryview(answers))
        else:
            drive(self.states, rows, answers)
        return [(int(result), int(more)) for result, more in answers]

    def one(self, *step: int) -> Answer:
        return self.do([step])[0]


class Model:
    """What the book holds, by order id; rows of levels are lists of ids."""

    def __init__(self) -> None:
        self.orders: dict[int, dict[str, int]] = {}
        self.serial = 0
        self.rows: dict[int, dict[int, list[int]]] = {}
        self.slots: dict[tuple[int, int], list[int]] = {}

    def new(self, identity: int, **fields: int) -> None:
        serial = identity >> 21
        assert serial == self.serial + 1
        self.serial = serial
        self.orders[identity] = {"row": -1, "at": 0, **fields}

    def put(self, identity: int, row: int, at: int) -> int:
        order = self.orders[identity]
        order["row"], order["at"] = row, at
        self.rows.setdefault(row, {}).setdefault(at, []).append(identity)
        self.reserve(identity, order["size"])
        return self.lots(identity)

    def lots(self, identity: int) -> int:
        order = self.orders[identity]
        return sum(self.orders[i]["size"] for i in self.rows[order["row"]][order["at"]])

    def take(self, identity: int) -> None:
        order = self.orders[identity]
        if order["row"] < 0:
            return
        self.reserve(identity, -order["size"])
        level = self.rows[order["row"]]
        level[order["at"]].remove(identity)
        if not level[order["at"]]:
            del level[order["at"]]
        order["row"] = -1

    def shrink(self, identity: int, lots: int) -> None:
        self.reserve(identity, -lots)
        self.orders[identity]["size"] -= lots

    def drop(self, identity: int) -> None:
        self.take(identity)
        del self.orders[identity]

    def reserve(self, identity: int, lots: int) -> None:
        order = self.orders[identity]
        if order["row"] >= 0 and order["row"] % 4 < 2 and not order["flags"] & command.REDUCE_ONLY:
            held = self.slots.setdefault((order["bucket"], order["market"]), [0, 0])
            held[order["row"] % 4] += lots

    def priority(self, row: int) -> list[int]:
        prices = sorted(self.rows.get(row, {}), reverse=row % 4 in (0, 3))
        return [identity for price in prices for identity in self.rows[row][price]]

    def of_bucket(self, bucket: int) -> list[int]:
        return sorted((i for i, order in self.orders.items() if order["bucket"] == bucket), reverse=True)


def check(book: Book, model: Model) -> None:
    """Everything the columns say against the model, and every structure against itself."""
    c = book.columns
    rows = {identity: identity & (2**21 - 1) for identity in model.orders}
    assert {int(i) for i in c["order_id"] if i} == set(rows)
    for identity, row in rows.items():
        order = model.orders[identity]
        for name in ("bucket", "market", "flags", "price", "size", "trigger", "client_high", "client_low"):
            assert c[f"order_{name}"][row] == order[name]
    _check_levels(book, model, rows)
    _check_lists(book, model, rows)
    _check_table(c["level_place"], {int(place): _level_home(book, int(place)) for place in c["level_place"] if place})
    _check_table(
        c["client_place"], {int(place): _client_home(book, int(place)) for place in c["client_place"] if place}
    )


def _check_levels(book: Book, model: Model, rows: dict[int, int]) -> None:
    c, seen = book.columns, set()
    for row in range(4 * len(MARKETS)):
        expected = model.rows.get(row, {})
        mirrored = row % 4 in (0, 3)
        ranks = sorted(limits.ORDINALS - 1 - at if mirrored else at for at in expected)
        for name, shift in (("grid_0", 0), ("grid_1", 5), ("grid_2", 10), ("grid_3", 15)):
            assert _bits(c[name][row]) == sorted({rank >> shift for rank in ranks})
        best = int(c["book_best"][row])
        assert (best == 0) == (not expected)
        if best:
            assert c["level_ordinal"][best] == (max(expected) if mirrored else min(expected))
    live = {int(level) for level in c["level_place"] if level}
    assert len(live) == sum(len(levels_) for levels_ in model.rows.values())
    for level in live:
        row, at = int(c["level_row"][level]), int(c["level_ordinal"][level])
        members, order, before = [], int(c["level_first"][level]), 0
        while order:
            members.append(order)
            assert c["order_level"][order] == level
            assert c["order_before"][order] == before
            before, order = order, int(c["order_after"][order])
        assert c["level_last"][level] == before
        assert members == [rows[identity] for identity in model.rows[row][at]]
        assert c["level_lots"][level] == sum(model.orders[identity]["size"] for identity in model.rows[row][at])
        seen.add(level)
    _check_free(c["level_last"], int(c["cell"][state.LEVEL_FREE]), int(c["cell"][state.LEVELS_USED]), seen)
    for identity, row in rows.items():
        if model.orders[identity]["row"] < 0:
            assert c["order_level"][row] == 0


def _check_lists(book: Book, model: Model, rows: dict[int, int]) -> None:
    c = book.columns
    assert c["cell"][state.ORDERS_LIVE] == len(rows)
    _check_free(
        c["order_after"], int(c["cell"][state.ORDER_FREE]), int(c["cell"][state.ORDERS_USED]), set(rows.values())
    )
    free = c["order_id"] == 0
    assert not any(c[f"order_{name}"][free].any() for name in ("parent", "twin", "child", "waiting"))
    by_bucket: dict[int, list[int]] = {}
    for identity in sorted(model.orders, reverse=True):
        by_bucket.setdefault(model.orders[identity]["bucket"], []).append(rows[identity])
    for bucket in np.flatnonzero((c["bucket_orders"] != 0) | (c["bucket_order"] != 0)):
        members, order, before = [], int(c["bucket_order"][bucket]), 0
        while order:
            members.append(order)
            assert c["order_previous"][order] == before
            before, order = order, int(c["order_next"][order])
        assert members == by_bucket.pop(int(bucket))
        assert c["bucket_orders"][bucket] == len(members)
    assert not by_bucket
    for slot in range(1, int(c["count"][0])):
        bucket, market = int(c["slot_owner"][slot]), int(c["slot_market"][slot])
        assert [c["slot_bids"][slot], c["slot_asks"][slot]] == model.slots.get((bucket, market), [0, 0])


def _check_free(links: Any, head: int, used: int, live: set[int]) -> None:
    free = []
    while head:
        free.append(head)
        assert len(free) <= used
        head = int(links[head])
    assert len(free) == len(set(free))
    assert set(free) | live == set(range(1, used))
    assert not set(free) & live


def _check_table(table: Any, homes: dict[int, int]) -> None:
    """Every entry is once in the table, and no empty place lies between its home and it."""
    size = len(table)
    entries = [int(entry) for entry in table if entry]
    assert len(entries) == len(set(entries))
    for place, entry in enumerate(table):
        if entry:
            at = homes[int(entry)]
            while at != place:
                assert table[at] != 0, "an entry is past a hole"
                at = (at + 1) % size


def _level_home(book: Book, level: int) -> int:
    c = book.columns
    row, at = int(c["level_row"][level]), int(c["level_ordinal"][level])
    return level_place(row, at, len(c["level_place"]))


def level_place(row: int, at: int, size: int) -> int:
    """Where the table of levels first looks for one."""
    line = (((row << 16 | at >> 4) * 0x9E3779B1) % 2**32) * size >> 32
    return (line // 16 * 16 + at % 16) % size


def _client_home(book: Book, order: int) -> int:
    c = book.columns
    owner = int(c["bucket_owner"][c["order_bucket"][order]])
    high, low = int(c["order_client_high"][order]), int(c["order_client_low"][order])
    return client_place(owner, high, low, len(c["client_place"]))


def client_place(account: int, high: int, low: int, size: int) -> int:
    """Where the table of client ids first looks for one."""
    mixed = _scattered(account)  # of a venue with the salt 0, whose scatter is 0
    for part in (high, high >> 31, low, low >> 31):
        mixed = _scattered(mixed ^ part % 2**31)
    return mixed % size


def _scattered(value: int) -> int:
    for shift in (16, 15):
        value = (value ^ value >> shift) * 0x45D9F3B % 2**31
    return value ^ value >> 16


def _bits(words: Any) -> list[int]:
    return [32 * int(at) + bit for at in np.flatnonzero(words) for bit in range(32) if int(words[at]) >> bit & 1]


def random_ordinal(chance: random.Random) -> int:
    """Mostly a tight book, else the edges of bitmap words, else anywhere."""
    style = chance.random()
    if style < 0.6:
        return 50_000 + chance.randrange(40)
    if style < 0.8:
        edge = chance.choice((1, 32, 1_024, 32_768, 10_000, 100_000, 190_000, 2**19, 2**20 - 1))
        return min(max(edge + chance.randrange(-2, 3), 1), 2**20 - 1)
    return chance.randrange(1, 2**20)


def price_at(market: int, ordinal: int) -> int:
    """The price with that ordinal, counted out by its definition."""
    cap = max(0, 6 - MARKETS[market])
    for exponent in range(cap + 1):
        p = ordinal - 90_000 * exponent
        if p < 100_000 or exponent == cap:
            return p * 10**exponent
    raise AssertionError(ordinal)


def play(book: Book, model: Model, chance: random.Random, steps: int, full: float = 0.55) -> None:
    """Random steps in batches; each answer is compared, and everything after each batch."""
    for _ in range(steps // BATCH):
        for _ in range(BATCH):
            _step(book, model, chance, full)
        check(book, model)


def _step(book: Book, model: Model, chance: random.Random, full: float) -> None:
    known = list(model.orders)
    if not known or chance.random() < full:
        _make(book, model, chance)
        return
    identity = chance.choice(known)
    order = model.orders[identity]
    deed = chance.random()
    if deed < 0.25:
        lots = chance.choice((order["size"], chance.randrange(order["size"] + 1)))
        model.shrink(identity, lots)
        expected = model.lots(identity) if order["row"] >= 0 else 0
        assert book.one(SHRINK, identity, 0, 0, 0, lots) == (order["size"], expected)
    elif deed < 0.35 and order["row"] >= 0:
        model.take(identity)
        book.one(LIFT, identity)
        _put(book, model, identity)
    else:
        model.drop(identity)
        book.one(DROP, identity)
        assert book.one(BY_ID, identity) == (0, 0)
        if order["client_low"]:
            account = order["bucket"]
            assert book.one(CLIENT, account, 0, 0, 0, 0, 0, order["client_high"], order["client_low"]) == (0, 0)


def _make(book: Book, model: Model, chance: random.Random) -> None:
    bucket, market = chance.randrange(24), chance.randrange(len(MARKETS))
    flags = chance.choice((0, command.SELL)) | chance.choice((0, command.REDUCE_ONLY))
    flags |= chance.choice((0, 0, 0, command.STOP, command.TAKE_PROFIT))
    price = price_at(market, random_ordinal(chance))
    trigger = price_at(market, random_ordinal(chance)) if flags >= command.STOP else 0
    size = chance.choice((1, chance.randrange(1, 1_000), 2**52))
    high, low = chance.choice(((0, 0), (0, 1), (chance.randrange(-(2**63), 2**63), chance.randrange(-(2**63), 2**63))))
    taken = {(o["bucket"], o["client_high"], o["client_low"]): i for i, o in model.orders.items()}
    if (high, low) != (0, 0):
        there = taken.get((bucket, high, low), 0)
        assert book.one(CLIENT, bucket, 0, 0, 0, 0, 0, high, low) == (there, 0)
        if there:
            return
    has_room = len(model.of_bucket(bucket)) < 1_000 and len(model.orders) < book.capacity.orders
    identity, count = book.one(NEW, bucket, market, flags, price, size, trigger, high, low)
    assert (identity != 0) == has_room
    if not has_room:
        return
    model.new(
        identity,
        bucket=bucket,
        market=market,
        flags=flags,
        price=price,
        size=size,
        trigger=trigger,
        client_high=high,
        client_low=low,
    )
    assert count == len(model.of_bucket(bucket))
    assert book.one(BY_ID, identity)[0] == identity & (2**21 - 1)
    if chance.random() < 0.95:
        _put(book, model, identity)


def _put(book: Book, model: Model, identity: int) -> None:
    order = model.orders[identity]
    market, flags = order["market"], order["flags"]
    is_trigger = flags >= command.STOP
    if is_trigger:
        rises = bool(flags & command.SELL) == bool(flags & command.TAKE_PROFIT)
        row, price = 4 * market + (2 if rises else 3), order["trigger"]
    else:
        row, price = 4 * market + (1 if flags & command.SELL else 0), order["price"]
    at = ordinal_by_count(market, price)
    _, room = book.one(ROOM, order["bucket"], row, 0, at)
    used = sum(len(levels_) for levels_ in model.rows.values())
    assert room == (at in model.rows.get(row, {}) or used < book.capacity.levels)
    if not room:
        return
    lots = model.put(identity, row, at)
    assert book.one(WAIT if is_trigger else REST, identity) == (identity & (2**21 - 1), lots)


def ordinal_by_count(market: int, price: int) -> int:
    """The ordinal by its definition: the least exponent that leaves at most five figures, capped at one USD."""
    cap = max(0, 6 - MARKETS[market])
    exponent = min(max(len(str(price)) - 5, 0), cap)
    assert price % 10**exponent == 0
    return 90_000 * exponent + price // 10**exponent


def walk(book: Book, row: int) -> list[int]:
    """Ids of a row's orders in priority, as the book walks them."""
    found = []
    identity, _ = book.one(FIRST, 0, row)
    while identity:
        found.append(identity)
        identity, _ = book.one(FOLLOWING, identity)
    return found
