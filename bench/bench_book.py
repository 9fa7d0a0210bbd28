"""The order book alone, in batch, against the order books on PyPI: events a second on one stream of events.

50 % resting orders at a geometric distance, 40 % cancels of a random live order, 10 % crossing orders, in a book that
starts with 20,000 orders of 1,000 accounts. Ours is what the engine's matching uses (book/levels.py, book/orders.py),
with client lookups, reserves and FILL events and without margin; `match` with positions, fees and every maker's margin
is told beside it. The peers are called as their documentation has it, an event a call, from their own environment
under .cache. All must end with the same lots on the same number of orders.
"""

import json
import random
import subprocess
import sys
import time
from array import array
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import harness
import peers
from seawall.book import levels, matching, orders
from seawall.book.grid import ordinal_of
from seawall.kernel import kernel
from seawall.ledger import buckets, state
from seawall.ledger.events import emit
from seawall.terms import command, event, parameter
from seawall.units import RATE_ONE

WORKER = Path(__file__).resolve().parent / "book_worker.py"
EVENTS, START, ACCOUNTS, MIDDLE, SEED = 200_000, 20_000, 1_000, 50_000, 7
ROUNDS, TURNS = 7, 2
REST, CANCEL, CROSS = 0, 1, 2
BATCH = 4_096  # after which the host takes the events
Ints = NDArray[np.int64]


class Peer(NamedTuple):
    """A book of PyPI at a release, and the least Python that takes it. `name` is what the worker calls it."""

    name: str
    version: str
    python: tuple[int, int]

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}"


PEERS = (  # the fastest of those on PyPI that match by price and time; the newest of the first needs a newer Python
    Peer("limit_order_book", "3.1.0", (3, 13)),
    Peer("limit_order_book", "2.0.0", (3, 11)),
    Peer("litebook", "0.0.1", (3, 11)),
)


def stream() -> Ints:
    """Rows of (kind, side, price, lots, event whose order goes, account); the first START fill the book."""
    chance = random.Random(SEED)
    rows = np.zeros((START + EVENTS, 6), np.int64)
    left: dict[int, int] = {}  # lots of live orders, by event
    known: list[int] = []  # live orders, and dead ones not met yet
    book: list[dict[int, list[int]]] = [{}, {}]
    for i in range(len(rows)):
        draw = chance.random() if i >= START else 0.0
        side = chance.randrange(2)
        if 0.5 <= draw < 0.9:
            at = chance.randrange(len(known))
            while left.get(known[at], 0) == 0:
                known[at] = known[-1]
                known.pop()
                at = chance.randrange(len(known))
            rows[i] = (CANCEL, 0, 0, 0, known[at], 0)
            left[known[at]] = 0
            continue
        if draw < 0.5:
            away = 1 + int(chance.expovariate(1 / 20))
            price, lots, account = MIDDLE + away if side else MIDDLE - away, chance.randrange(1, 101), 0
        else:
            price, lots, account = MIDDLE - 300 if side else MIDDLE + 300, chance.randrange(1, 121), ACCOUNTS // 2
        account += chance.randrange(ACCOUNTS // 2)  # makers and takers apart: the peers know no self-trade
        rows[i] = (REST if draw < 0.5 else CROSS, side, price, lots, 0, account)
        left[i] = int(rows[i, 3])
        _match(book, left, i, side, int(rows[i, 2]))
        if left[i]:
            book[side].setdefault(int(rows[i, 2]), []).append(i)
            known.append(i)
    return rows


def _match(book: list[dict[int, list[int]]], left: dict[int, int], taker: int, side: int, limit: int) -> None:
    """Fills in the stream's own books, so that cancels can name live orders."""
    other = book[1 - side]
    while left[taker] and other:
        price = max(other) if side else min(other)
        if (price < limit) if side else (price > limit):
            return
        queue = other[price]
        while queue and left[taker]:
            lots = min(left[taker], left[queue[0]])
            left[taker] -= lots
            left[queue[0]] -= lots
            if left[queue[0]] == 0:
                queue.pop(0)
        if not queue:
            del other[price]


@kernel
def prepare(states: Any) -> None:
    """Opens a slot of market 0 for each account."""
    s = states[0]
    for account in range(ACCOUNTS):
        buckets.open_slot(s, account, 0, 10)


@kernel
def clear(states: Any) -> None:
    """Drops every order and forgets that there were any, so that each run gives the same ids."""
    s = states[0]
    for order in range(1, s.cell[state.ORDERS_USED]):
        if s.order_id[order] != 0:
            orders.drop_order(s, order)
    for cell in (state.ORDER_SERIAL, state.ORDER_FREE, state.LEVEL_FREE):
        s.cell[cell] = 0
    s.cell[state.ORDERS_USED] = s.cell[state.LEVELS_USED] = 1


@kernel
def run(states: Any, rows: Any, ids: Any, first: int, end: int, with_positions: int) -> int:
    """Plays events; returns how many lots were filled. An id of each order that rests goes to `ids`."""
    s = states[0]
    filled = 0
    for i in range(first, end):
        if i % BATCH == 0:
            s.cell[state.EVENTS_USED] = 0
        if rows[i, 0] == CANCEL:
            order = orders.order_by_id(s, rows[i, 4])
            if order != 0:
                orders.drop_order(s, order)
            continue
        side, price, lots, account = rows[i, 1], rows[i, 2], rows[i, 3], rows[i, 5]
        way = -1 if side == command.SELL else 1
        if with_positions != 0 and buckets.find_slot(s, account, 0) == 0:  # it was closed
            buckets.open_slot(s, account, 0, 10)
        if with_positions == 0:
            done = fill(s, account, way, lots, price)
        elif rows[i, 0] == CROSS:
            done, _, _ = matching.match(s, account, 0, way, lots, price, matching.FORCED, 0, 0)
        else:
            done = 0
        filled += done
        ordinal = ordinal_of(s, 0, price)
        if done < lots and orders.has_order_room(s, account) and levels.has_level_room(s, side, ordinal):
            order = orders.new_order(s, account, 0, side, price, lots - done, 0, 0, 0, 0)
            orders.rest_at(s, order, side, ordinal)
            ids[i] = s.order_id[order]
    return filled


@kernel
def fill(s: Any, account: int, way: int, lots: int, limit: int) -> int:
    """Fills a taker against the book alone, telling each fill; returns its lots."""
    row, left = 0 if way < 0 else 1, lots
    maker = orders.first_order(s, row)
    while left > 0 and maker != 0 and (s.order_price[maker] - limit) * way <= 0:
        part, price, identity = min(left, s.order_size[maker]), s.order_price[maker], s.order_id[maker]
        emit(s, event.FILL, 0, account, s.order_bucket[maker], identity, price, part * way, 0)
        left -= part
        if part == s.order_size[maker]:
            orders.drop_order(s, maker)
        else:
            orders.shrink(s, maker, part)
        maker = orders.first_order(s, row)
    return lots - left


@kernel
def idle(rows: Any, ids: Any, first: int, end: int) -> int:
    """What the loop over the rows costs by itself."""
    total = 0
    for i in range(first, end):
        total += rows[i, 0] + rows[i, 1] + rows[i, 2] + rows[i, 3] + rows[i, 4] + rows[i, 5]
        ids[i] = i
    return total


class Ours:
    """The venue's record, and runs of the stream on it: like the peers', each starts with filling an empty book."""

    def __init__(self, rows: Ints, with_positions: int) -> None:
        self.rows, self.with_positions = rows, with_positions
        self.ids = np.zeros(len(rows), np.int64)
        array = state.create_state(state.VENUE)
        columns = self.columns = state.columns_of(array)
        self.states = state.for_kernels(array)
        columns["bucket_owner"][:ACCOUNTS] = columns["account_master"][:ACCOUNTS] = np.arange(ACCOUNTS)
        columns["bucket_raw"][:ACCOUNTS] = 2**50
        columns["market_exponent_max"][0] = 6
        columns["market_price"][0] = columns["market_oracle"][0] = MIDDLE
        columns["market_price_max"][0] = columns["market_listed_size"][0] = 2**20
        columns["tier_count"][:2] = 1
        columns["tier_rate"][:2, 0] = RATE_ONE // 40
        columns["base_leverage"][0, 0] = 20
        columns["param"][0, parameter.OPEN_INTEREST_CAP] = 2**40
        prepare(self.states)
        self.name_orders()

    def name_orders(self) -> None:
        """Puts the ids that the orders get into the cancels: the same in every run. The peers take numbers."""
        self.rows = self.rows.copy()
        for i in range(len(self.rows)):  # a cancel's order has its id by then
            if self.rows[i, 0] == CANCEL:
                self.rows[i, 4] = self.ids[self.rows[i, 4]]
            run(self.states, self.rows, self.ids, i, i + 1, 0)

    def timed(self) -> tuple[float, int, int]:
        """(seconds, lots left in the book, orders left) of one run."""
        clear(self.states)
        run(self.states, self.rows, self.ids, 0, START, 0)
        begin = time.process_time()
        run(self.states, self.rows, self.ids, START, len(self.rows), self.with_positions)
        seconds = time.process_time() - begin
        live = self.columns["order_id"] != 0
        return seconds, int(self.columns["order_size"][live].sum()), int(live.sum())

    def idle(self) -> float:
        """Seconds of the loop by itself."""
        ids = self.ids.copy()
        begin = time.process_time()
        idle(self.rows, ids, START, len(self.rows))
        return time.process_time() - begin


def environments() -> dict[Peer, Path]:
    """Each peer that can be had here, with the Python of its environment."""
    found = {}
    for one in PEERS:
        try:
            folder = f"{one.name}-{one.version}"
            found[one] = peers.environment(folder, [f"{one.name}=={one.version}"], python_min=one.python)
        except peers.NoPeerError as why:
            print(f"{one.title}: skipped: {why}")
    return found


def peer(python: Path, name: str, path: Path) -> dict[str, float]:
    """What the worker tells of one peer: its best seconds, lots and orders left."""
    done = subprocess.run(
        [str(python), str(WORKER), name, str(path), str(START)], check=True, capture_output=True, text=True
    )
    told: dict[str, float] = json.loads(done.stdout)
    return told


def main() -> None:
    pythons = environments()
    if not pythons:
        harness.skip("book", "none of its peers can be installed")
        return
    rows = stream()
    path = peers.ROOT / ".cache" / "stream.bin"
    path.write_bytes(array("q", rows.reshape(-1).tolist()).tobytes())
    plain, whole = Ours(rows, 0), Ours(rows, 1)
    best, full, loop = float("inf"), float("inf"), float("inf")
    theirs = dict.fromkeys(pythons, float("inf"))
    for _ in range(TURNS):
        for _ in range(ROUNDS):
            seconds, lots, count = plain.timed()
            best, loop = min(best, seconds), min(loop, plain.idle())
            seconds, *same = whole.timed()
            assert same == [lots, count], "matching with positions ends elsewhere"
            full = min(full, seconds)
        for one, python in pythons.items():
            told = peer(python, one.name, path)
            assert (told["lots"], told["orders"]) == (lots, count), f"{one.title} ends elsewhere: {told}"
            theirs[one] = min(theirs[one], told["seconds"])
    alike = [seconds for one, seconds in theirs.items() if one.python <= sys.version_info[:2]]
    print(f"{EVENTS:,} events; all books end with {lots:,} lots on {count:,} orders")
    figures = [
        harness.Figure(
            "book alone over the fastest peer of any Python, times", min(theirs.values()) / best, None, "higher"
        )
    ]
    if alike:
        figures.append(harness.Figure("over the fastest peer of this Python, times", min(alike) / best, 10, "higher"))
    for one, seconds in theirs.items():
        figures.append(harness.Figure(f"book alone over {one.title}, times", seconds / best, None, "higher"))
        figures.append(harness.Figure(f"{one.title}, events a second", EVENTS / seconds, None, "higher"))
    figures += [
        harness.Figure("book alone, events a second", EVENTS / best, None, "higher"),
        harness.Figure("book alone, ns an event beyond the idle loop", (best - loop) / EVENTS * 1e9, None, "lower"),
        harness.Figure("with positions, fees and makers' margin, events a second", EVENTS / full, None, "higher"),
    ]
    harness.write("book", figures)


if __name__ == "__main__":
    main()
