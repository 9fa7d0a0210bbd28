"""Differential: the engine's index and mark are pricing/index.py and pricing/mark.py, step for step, to the unit."""

import random
from typing import Any

import pytest

from seawall.book.grid import ASKS, BIDS, grid_above, grid_below, ordinal_of
from seawall.book.levels import best_level, close_level, open_level
from seawall.engine import prices
from seawall.engine.rows import rows_for_kernels, rows_of
from seawall.ledger import state
from seawall.ledger.markets import is_fresh
from seawall.margin import ladder
from seawall.pricing import index as index_rule
from seawall.pricing import mark as mark_rule
from seawall.pricing.index import IndexRules, Observation, Status
from seawall.pricing.mark import Book, MarkRules, MarkState
from seawall.terms import code, command, event, limits, parameter
from seawall.units import RATE_ONE, Price, Rate, TimeMs

MARKET = 1
START = 1_760_000_000_000


class Feeds:
    """The kernels on a bare record beside the pure rules on frozen records."""

    def __init__(self, *, price_max: int = 2**40, quorum: int = 3, size_decimals: int = 0) -> None:
        self.array = state.create_state(state.SMALL)
        self.columns: Any = state.columns_of(self.array)
        self.s = state.for_kernels(self.array)[0]
        self.now = START
        self.columns["cell"][state.NOW] = self.now
        self.columns["cell"][state.MARKETS] = 2
        self.columns["market_status"][MARKET] = command.ACTIVE
        self.columns["market_price_max"][MARKET] = price_max
        self.columns["market_exponent_max"][MARKET] = max(0, 6 - size_decimals)
        self.set(parameter.ORACLE_QUORUM, quorum)
        self.heard: dict[int, Observation] = {}
        self.index = index_rule.NO_INDEX
        self.mark: MarkState = mark_rule.NO_MARK

    def set(self, which: int, value: int) -> None:
        self.columns["param"][MARKET, which] = value

    def source(self, number: int, weight: int = 1) -> None:
        self.columns["source_weight"][MARKET, number] = weight

    def rules(self) -> IndexRules:
        live = self.columns["param"][MARKET].tolist()
        return IndexRules(
            quorum=live[parameter.ORACLE_QUORUM],
            age_max_ms=live[parameter.ORACLE_AGE_MS],
            step_max=Rate(live[parameter.ORACLE_STEP]),
            deviation_max=Rate(live[parameter.ORACLE_DEVIATION]),
            price_max=Price(int(self.columns["market_price_max"][MARKET])),
        )

    def says(self, source: int, price: int, time: int | None = None) -> int:
        """Through the kernel; its code."""
        stamp = self.now if time is None else time
        row = {"kind": command.ORACLE, "market": MARKET, "other": source, "price": price, "time": stamp}
        return int(prices.oracle(self.s, rows_for_kernels(rows_of([row]))[0]))

    def expect(self, source: int, price: int, time: int | None = None) -> None:
        """Through the pure rules."""
        stamp = TimeMs(self.now if time is None else time)
        self.heard[source] = Observation(source=f"{source}", origin=f"{source}", price=Price(price), time=stamp)
        spot, perps = [], []
        for number, said in sorted(self.heard.items()):
            weight = int(self.columns["source_weight"][MARKET, number])
            if weight != 0:
                is_perp = weight >= command.PERP
                entry = Observation(
                    source=said.source,
                    origin=said.origin,
                    price=said.price,
                    time=said.time,
                    weight=weight - command.PERP if is_perp else weight,
                )
                (perps if is_perp else spot).append(entry)
        self.index = index_rule.index(spot, TimeMs(self.now), self.rules(), self.index)
        band = Rate(int(self.columns["param"][MARKET, parameter.MARK_BAND]))
        rules = MarkRules(band=band, perps=IndexRules(**{**_fields(self.rules()), "quorum": 1}))
        self.mark = mark_rule.mark(self.mark, TimeMs(self.now), self.index, self.book(), perps=perps, rules=rules)

    def both(self, source: int, price: int, time: int | None = None) -> None:
        """The same said to both, which must then agree."""
        assert self.says(source, price, time) == code.OK
        self.expect(source, price, time)
        self.agree()

    def agree(self) -> None:
        held = self.columns
        is_fresh_now = self.index.status is Status.FRESH
        assert bool(held["market_fresh"][MARKET]) == is_fresh_now
        assert int(held["market_oracle"][MARKET]) == (self.index.price or 0)
        assert int(held["market_oracle_time"][MARKET]) == (self.index.time or 0)
        greatest = int(held["market_price_max"][MARKET])
        assert int(held["market_price"][MARKET]) == min(self.mark.price or 0, greatest)
        assert int(held["market_mark_time"][MARKET]) == (self.mark.time or 0)
        assert int(held["market_basis_ema"][MARKET]) == self.mark.basis_ema
        assert int(held["market_book_ema"][MARKET]) == (self.mark.book_ema or 0)

    def quote(self, side: int, price: int) -> None:
        """Makes `price` the only level of a side; 0 clears it."""
        row = 4 * MARKET + side
        while (level := best_level(self.s, row)) != 0:
            close_level(self.s, level)
        if price:
            open_level(self.s, row, ordinal_of(self.s, MARKET, price))

    def book(self) -> Book:
        found = [prices.best_price(self.s, MARKET, side) or None for side in (BIDS, ASKS)]
        last = int(self.columns["market_last"][MARKET]) or None
        return Book(
            bid=None if found[0] is None else Price(int(found[0])),
            ask=None if found[1] is None else Price(int(found[1])),
            last=None if last is None else Price(last),
        )

    def tick(self, elapsed: int) -> None:
        self.now += elapsed
        self.columns["cell"][state.NOW] = self.now

    def taken(self) -> list[list[int]]:
        """The events since the last call: kind, market, price, amount."""
        used = int(self.columns["cell"][state.EVENTS_USED])
        rows = self.columns["event"][:used]
        self.columns["cell"][state.EVENTS_USED] = 0
        return [[int(row[1]), int(row[3]), int(row[7]), int(row[9])] for row in rows]


def _fields(rules: IndexRules) -> dict[str, Any]:
    return {name: getattr(rules, name) for name in rules.__struct_fields__}


def around(dice: random.Random, centre: int, reach: int) -> int:
    """A price of a source: near, a little off, far, or nonsense; edges of the guards among them."""
    return dice.choice(
        [
            centre,
            centre + dice.randint(-(centre // 1_000) - 1, centre // 1_000 + 1),
            centre + dice.randint(-(centre // 40) - 1, centre // 40 + 1),
            centre + reach,
            centre + reach + 1,
            centre - reach,
            centre - reach - 1,
            *(
                (0, -1, -centre, 1, 2**40, 2**40 + 1, 2**53, centre * 1_000, centre // 1_000)
                if dice.random() < 0.1
                else ()
            ),
        ]
    )


@pytest.mark.parametrize("seed", range(12))
def test_index_and_mark_equal_the_pure_rules_on_random_feeds(seed: int) -> None:
    dice = random.Random(seed)
    price_max = dice.choice([2**40, 10**9, 3 * 10**6])
    feeds = Feeds(price_max=price_max, quorum=dice.randint(1, 4), size_decimals=dice.choice([0, 3, 6]))
    for number in range(dice.randint(2, limits.SOURCES)):
        weight = dice.choice([1, 1, 1, 2, 3, 2**31])
        feeds.source(number, weight + (command.PERP if dice.random() < 0.3 else 0))
    feeds.set(parameter.ORACLE_STEP, dice.choice([RATE_ONE // 20, RATE_ONE // 20, RATE_ONE, RATE_ONE, 1]))
    feeds.set(parameter.ORACLE_DEVIATION, dice.choice([RATE_ONE // 50, RATE_ONE // 50, 1, RATE_ONE]))
    feeds.set(parameter.MARK_BAND, dice.choice([RATE_ONE // 50, 0, RATE_ONE // 4]))
    centre = dice.choice([price_max // 2, price_max // 3, price_max, 1_000, 77_777])
    known = [number for number in range(limits.SOURCES) if feeds.columns["source_weight"][MARKET, number]]
    stamps = dict.fromkeys(known, 0)
    for _ in range(300):
        rare = dice.random() < 0.05
        feeds.tick(dice.choice([10_000, 10**5, 10**7, 10**9]) if rare else dice.choice([0, 0, 1, 499, 1_000, 1_001]))
        if dice.random() < 0.3:
            bid = int(grid_below(feeds.s, MARKET, max(1, around(dice, centre, 3)) % price_max + 1))
            ask = int(grid_above(feeds.s, MARKET, bid + dice.choice([1, bid // 1_000 + 1, bid + 1])))
            feeds.quote(BIDS, dice.choice([0, bid, bid]))
            feeds.quote(ASKS, dice.choice([0, ask, ask]))
            feeds.columns["market_last"][MARKET] = dice.choice([0, bid, around(dice, centre, 9) % price_max + 1])
        reach = prices.rate_down(centre, int(feeds.columns["param"][MARKET, parameter.ORACLE_DEVIATION]))
        source = dice.choice(known)
        late = dice.choice([-10_000, -10_001, -9_999, -(10**6)]) if dice.random() < 0.1 else dice.choice([0, 0, 1_000])
        stamp = max(stamps[source], feeds.now + late)
        stamps[source] = stamp
        feeds.both(source, around(dice, centre, int(reach)), stamp)
        if dice.random() < 0.1:
            centre = max(1, min(price_max, centre * dice.choice([99, 101, 98, 102, 95, 200]) // 100))


def test_a_quorum_of_equal_weights_takes_the_middle_and_an_even_count_the_mean_rounded_down() -> None:
    feeds = Feeds(quorum=2)
    for number in range(4):
        feeds.source(number)
    feeds.both(0, 1_000_000)
    assert not feeds.columns["market_fresh"][MARKET]
    feeds.both(1, 1_000_003)
    assert int(feeds.columns["market_oracle"][MARKET]) == 1_000_001
    feeds.both(2, 1_000_010)
    assert int(feeds.columns["market_oracle"][MARKET]) == 1_000_003


def test_killing_sources_one_by_one_ends_in_stale_never_in_an_average_of_what_is_left() -> None:
    """Synthetix 2019: two feeds were left, one said a thousand times the price, and the average was taken."""
    feeds = Feeds(quorum=3)
    for number in range(4):
        feeds.source(number)
        feeds.both(number, 50_000_000)
    assert feeds.says(0, 0) == code.OK
    feeds.expect(0, 0)
    feeds.agree()
    assert is_fresh(feeds.s, MARKET)
    feeds.both(1, 50_000_000_000)
    assert not is_fresh(feeds.s, MARKET)
    assert int(feeds.columns["market_oracle"][MARKET]) == 50_000_000


def test_one_source_of_three_cannot_move_the_index_beyond_the_others() -> None:
    feeds = Feeds(quorum=2)
    for number in range(3):
        feeds.source(number)
        feeds.both(number, 50_000_000)
    feeds.tick(1_000)
    for said in (50_900_000, 51_000_000, 60_000_000, 10**12, 1):
        feeds.both(2, said)
        assert int(feeds.columns["market_oracle"][MARKET]) == 50_000_000


@pytest.mark.parametrize(
    ("elapsed", "move", "is_fresh_after"),
    [
        (0, 5_000, True),
        (0, 5_001, False),
        (1_000, 5_000, True),
        (1_001, 5_005, True),
        (1_001, 5_006, False),
        (9_000, 45_000, True),
        (9_000, 45_001, False),
    ],
)
def test_the_step_limit_grows_with_the_time_since_the_last_index(elapsed: int, move: int, is_fresh_after: bool) -> None:
    feeds = Feeds(quorum=1)
    feeds.source(0)
    feeds.both(0, 100_000)
    feeds.tick(elapsed)
    feeds.both(0, 100_000 + move)
    assert bool(feeds.columns["market_fresh"][MARKET]) == is_fresh_after


@pytest.mark.parametrize(
    ("source", "stamp", "expected"),
    [
        (0, 0, code.OK),
        (0, 1_000, code.OK),
        (0, 1_001, code.BAD_TIME),
        (0, -1, code.BAD_TIME),
        (1, 0, code.UNKNOWN_SOURCE),
        (1, 5_000, code.UNKNOWN_SOURCE),
        (8, 0, code.BAD_FIELD),
        (-1, 0, code.BAD_FIELD),
    ],
)
def test_who_may_speak_and_with_what_stamp(source: int, stamp: int, expected: int) -> None:
    """A stamp may not go back for its source, nor be ahead by more than a second; a reject changes nothing."""
    feeds = Feeds(quorum=1)
    feeds.source(0)
    feeds.both(0, 5_000_000)
    before = bytes(state.durable_bytes(feeds.array, state.SMALL))
    assert feeds.says(source, 5_000_001, feeds.now + stamp) == expected
    assert (bytes(state.durable_bytes(feeds.array, state.SMALL)) == before) == (expected != code.OK)


def test_a_delisted_or_unlisted_market_takes_no_prices() -> None:
    feeds = Feeds(quorum=1)
    feeds.source(0)
    for status, expected in (
        (command.DELISTING, code.MARKET_CLOSED),
        (command.UNLISTED, code.UNKNOWN_MARKET),
        (command.HALTED, code.OK),
        (command.CLOSED, code.OK),
    ):
        feeds.columns["market_status"][MARKET] = status
        assert feeds.says(0, 5_000_000) == expected


def test_freshness_ends_by_the_clock_and_is_told_once() -> None:
    feeds = Feeds(quorum=1)
    feeds.source(0)
    feeds.both(0, 5_000_000)
    assert feeds.taken() == [[event.INDEX, MARKET, 5_000_000, 1], [event.MARK, MARKET, 5_000_000, 0]]
    feeds.tick(10_000)
    prices.expire_prices(feeds.s)
    assert is_fresh(feeds.s, MARKET)
    feeds.tick(1)
    assert not is_fresh(feeds.s, MARKET)
    prices.expire_prices(feeds.s)
    prices.expire_prices(feeds.s)
    assert feeds.taken() == [[event.INDEX, MARKET, 5_000_000, 0]]
    feeds.both(0, 5_000_000)
    assert feeds.taken() == [[event.INDEX, MARKET, 5_000_000, 1]]


def test_the_clock_counts_sources_as_the_index_does() -> None:
    """An index may be young and its quorum old: then the market is stale too."""
    feeds = Feeds(quorum=2)
    feeds.source(0)
    feeds.source(1)
    feeds.both(0, 5_000_000)
    feeds.tick(10_000)
    feeds.both(1, 5_000_000)
    assert is_fresh(feeds.s, MARKET)
    feeds.tick(1)
    prices.expire_prices(feeds.s)
    assert not is_fresh(feeds.s, MARKET)


def test_an_index_may_be_too_old_while_its_sources_are_not() -> None:
    feeds = Feeds(quorum=1)
    feeds.source(0)
    feeds.both(0, 5_000_000, feeds.now + 1_000)
    feeds.tick(10_001)
    feeds.taken()
    prices.expire_prices(feeds.s)
    assert feeds.taken() == [[event.INDEX, MARKET, 5_000_000, 0]]


def test_perps_speak_for_the_mark_by_their_own_weights_and_not_for_the_index() -> None:
    feeds = Feeds(quorum=1)
    feeds.source(0)
    for number, weight in ((4, 3), (5, 1), (6, 1)):
        feeds.source(number, command.PERP + weight)
    feeds.both(0, 5_000_000)
    for number, price in ((4, 5_010_000), (5, 5_050_000), (6, 5_060_000)):
        feeds.both(number, price)
    assert int(feeds.columns["market_oracle"][MARKET]) == 5_000_000
    assert int(feeds.columns["market_price"][MARKET]) == 5_005_000


def test_a_mark_never_passes_the_greatest_price_of_its_market() -> None:
    feeds = Feeds(price_max=10**6, quorum=1)
    feeds.source(0)
    feeds.set(parameter.MARK_BAND, RATE_ONE // 4)
    feeds.quote(BIDS, 1_100_000)
    feeds.quote(ASKS, 1_200_000)
    feeds.both(0, 10**6)
    assert int(feeds.columns["market_price"][MARKET]) == 10**6


def test_other_rules_for_the_mark_are_index_or_last_trade_within_the_band() -> None:
    feeds = Feeds(quorum=1)
    feeds.source(0)
    feeds.quote(BIDS, 5_010_000)
    feeds.quote(ASKS, 5_030_000)
    venue = len(feeds.columns["market_price"])
    for rule, last, expected in (
        (parameter.MARK_MEDIAN, 5_015_000, 5_015_000),
        (parameter.MARK_INDEX, 5_015_000, 5_000_000),
        (parameter.MARK_LAST, 5_015_000, 5_015_000),
        (parameter.MARK_LAST, 0, 5_000_000),
        (parameter.MARK_LAST, 9_000_000, 5_100_000),
        (parameter.MARK_LAST, 1, 4_900_000),
    ):
        feeds.columns["market_last"][MARKET] = last
        feeds.columns["market_book_ema"][MARKET] = 0
        feeds.columns["param"][venue, parameter.MARK_RULE] = rule
        assert feeds.says(0, 5_000_000) == code.OK
        assert int(feeds.columns["market_price"][MARKET]) == expected


def test_a_new_mark_queues_the_buckets_it_fires_and_an_equal_one_is_not_told() -> None:
    feeds = Feeds(quorum=1)
    feeds.source(0)
    feeds.both(0, 5_000_000)
    feeds.taken()
    feeds.both(0, 5_000_000)
    assert feeds.taken() == []
    slot, bucket = 1, 7
    feeds.columns["slot_owner"][slot] = bucket
    ladder.link(feeds.s, 2 * MARKET, slot, 4_990_000)
    feeds.tick(1_000)
    feeds.both(0, 4_995_000)
    assert not feeds.columns["bucket_fired"][bucket]
    feeds.tick(1_000)
    feeds.both(0, 4_980_000)
    assert feeds.columns["bucket_fired"][bucket]
