"""Quotes of the pool against the rule of SPEC section 8 in fractions: prices, the greatest count, the pool's margin."""

import math
import random
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seawall.book.amm import amm_lots_to, amm_marginal, amm_price, is_quoting
from seawall.kernel import INTERPRETED, kernel
from seawall.ledger import buckets, state
from seawall.ledger.markets import pool_bucket
from seawall.terms import parameter
from seawall.units import RATE_ONE

MARKET = 1
NOTIONAL_MAX, PRICE_MAX = 2**53, 2**40
NOW = 1_760_000_000_000
RICH = 2**59  # a pool whose margin never binds


class Pool(NamedTuple):
    """A pool and its market; `cash` is what it was paid in, its inventory was bought at the index."""

    index: int
    depth: int
    spread: int
    cap: int
    price_max: int
    held: int
    cash: int = RICH
    mark: int = 0  # 0: the index
    leverage: int = 10
    maintenance: int = RATE_ONE // 40

    @property
    def bound(self) -> int:
        return min(self.depth, self.cap, NOTIONAL_MAX // self.price_max)

    def exact(self, side: int, twice: int) -> Fraction:
        """Price at a skew of `twice` half lots on the taker's side."""
        return self.index * (1 + side * (Fraction(twice, 2 * self.depth) + Fraction(self.spread, RATE_ONE)))

    def price(self, side: int, twice: int) -> int:
        exact = self.exact(side, twice)
        return math.ceil(exact) if side > 0 else min(math.floor(exact), self.price_max)

    def average(self, side: int, lots: int) -> int:
        return self.price(side, lots - 2 * side * self.held)

    def marginal(self, side: int, lots: int) -> int:
        return self.price(side, 2 * (lots - side * self.held))

    def quotes(self, side: int, limit: int, lots: int) -> bool:
        """Whether price, limits and bounds allow `lots`, the pool's margin apart."""
        if abs(self.held) > self.depth or lots - side * self.held > self.bound:
            return False
        price = self.marginal(side, lots)
        return limit >= 1 and (price <= min(limit, self.price_max) if side > 0 else limit <= price)

    def bears(self, side: int, lots: int) -> bool:
        """Whether the pool's margin allows `lots` (SPEC sections 3 and 4)."""
        before = self.health(self.held, 0)
        after = self.health(self.held - side * lots, side * lots * self.average(side, lots))
        if after[0] >= after[2]:
            return True
        if after[1] > before[1]:
            return False
        if after[1] == 0:
            return before[1] != 0 or after[0] >= before[0]
        return (before[0] <= 0 and after[0] >= before[0]) or after[0] * before[1] >= before[0] * after[1]

    def health(self, size: int, received: int) -> tuple[int, int, int]:
        """(equity, maintenance, initial)."""
        mark = self.mark or self.index
        notional = abs(size) * mark
        maintenance = math.ceil(Fraction(notional * self.maintenance, RATE_ONE))
        end = math.ceil(maintenance * Fraction(102, 100))
        live = math.ceil(Fraction(notional * math.ceil(Fraction(RATE_ONE, self.leverage)), RATE_ONE))
        initial = max(math.ceil(Fraction(notional, self.leverage)), live, end)
        return self.cash - self.held * self.index + received + size * mark, maintenance, initial


@kernel
def ask(states: Any, rows: Any, answers: Any) -> None:
    """Rows of (side, limit, lots, held) -> (lots to the limit, average price, price of the last lot, is quoting)."""
    s = states[0]
    for i in range(len(rows)):
        side, limit, lots, held = rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3]
        answers[i, 0] = amm_lots_to(s, MARKET, side, limit, held)
        answers[i, 1] = amm_price(s, MARKET, side, lots, held)
        answers[i, 2] = amm_marginal(s, MARKET, side, lots, held)
        answers[i, 3] = 1 if is_quoting(s, MARKET) else 0


@kernel
def hold(states: Any, size: int) -> None:
    """Gives the pool its inventory; the slot is there from the first time on."""
    s = states[0]
    pool = pool_bucket(s, MARKET, 0)
    slot = buckets.find_slot(s, pool, MARKET)
    if slot == 0:
        slot = buckets.open_slot(s, pool, MARKET, 10)
    s.slot_size[slot] = size
    s.slot_entry[slot] = size * s.market_oracle[MARKET]


class Desk:
    """One venue whose pool is set anew for each question."""

    def __init__(self) -> None:
        self.array = state.create_state(state.SMALL)
        self.states = state.for_kernels(self.array)
        self.c = state.columns_of(self.array)
        self.bucket = state.SMALL.accounts + state.SMALL.isolated + 2 * MARKET

    def set(self, pool: Pool, *, opened: bool = True) -> None:
        c = self.c
        c["cell"][state.NOW] = NOW
        c["market_oracle"][MARKET], c["market_price"][MARKET] = pool.index, pool.mark or pool.index
        c["market_oracle_time"][MARKET], c["market_fresh"][MARKET] = NOW, 1
        c["market_price_max"][MARKET] = pool.price_max
        c["tier_count"][2 * MARKET : 2 * MARKET + 2] = 1
        c["tier_rate"][2 * MARKET : 2 * MARKET + 2, 0] = pool.maintenance
        c["base_leverage"][MARKET, 0] = pool.leverage
        for number, value in (
            (parameter.AMM_DEPTH, pool.depth),
            (parameter.AMM_SPREAD, pool.spread),
            (parameter.AMM_CAP, pool.cap),
        ):
            c["param"][MARKET, number] = value
        c["bucket_raw"][self.bucket] = pool.cash - pool.held * pool.index
        if opened:
            hold(self.states, pool.held)
            c["slot_leverage"][c["bucket_first"][self.bucket]] = pool.leverage

    def ask(self, rows: list[tuple[int, int, int, int]]) -> list[list[int]]:
        questions, answers = np.array(rows, np.int64), np.zeros((len(rows), 4), np.int64)
        if INTERPRETED:
            ask(self.states, memoryview(questions), memoryview(answers))
        else:
            ask(self.states, questions, answers)
        return [[int(value) for value in answer] for answer in answers]


DESK = Desk()
ALWAYS_RICH = st.just(RICH)
EXTREMES = st.sampled_from((1, 2, 1_000, 2**20, 2**31, 2**40))


@st.composite
def pools(draw: st.DrawFn, cash: st.SearchStrategy[int] = ALWAYS_RICH) -> Pool:
    index = draw(st.one_of(EXTREMES, st.integers(1, PRICE_MAX)))
    price_max = draw(st.sampled_from((index, min(2 * index, PRICE_MAX), PRICE_MAX)))
    size_max = NOTIONAL_MAX // price_max
    depth = draw(st.one_of(st.integers(1, 50), st.integers(1, size_max), st.integers(1, NOTIONAL_MAX)))
    cap = draw(st.one_of(st.just(depth), st.integers(0, min(2 * depth, NOTIONAL_MAX))))
    most = min(depth + 1, size_max)
    return Pool(
        index=index,
        depth=depth,
        spread=draw(st.sampled_from((0, 1, RATE_ONE // 1_000, RATE_ONE // 10, 7_777))),
        cap=cap,
        price_max=price_max,
        held=draw(st.one_of(st.just(0), st.integers(-most, most))),
        cash=draw(cash),
    )


@given(pools(), st.sampled_from((1, -1)), st.data())
def test_the_count_to_a_limit_is_the_greatest_and_prices_are_exact(pool: Pool, side: int, data: st.DataObject) -> None:
    DESK.set(pool)
    near = pool.marginal(side, data.draw(st.integers(1, max(1, pool.bound + side * pool.held)))) if pool.bound else 1
    limit = data.draw(
        st.one_of(st.integers(0, PRICE_MAX), st.sampled_from((near, near + 1, near - 1, 0, 1, pool.price_max)))
    )
    ((lots, _, _, _),) = DESK.ask([(side, limit, 1, pool.held)])
    assert not pool.quotes(side, limit, lots + 1)
    if lots == 0:
        return
    assert pool.quotes(side, limit, lots)
    counts = [1, lots, (lots + 1) // 2]
    answers = DESK.ask([(side, limit, count, pool.held) for count in counts])
    for count, (_, average, marginal, _) in zip(counts, answers, strict=True):
        assert (average, marginal) == (pool.average(side, count), pool.marginal(side, count))
        assert average >= 1
        assert average <= marginal <= limit if side > 0 else average >= marginal >= limit


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    "pool",
    [
        Pool(1_000, 50, 0, 100, 4_000, 50),  # as long as it may be: the first lots cost next to nothing
        Pool(1_000, 50, 0, 100, 4_000, 51),  # beyond its depth
        Pool(1_000, 50, 0, 100, 4_000, -50),
        Pool(1_000, 50, 0, 100, 4_000, -51),
        Pool(1_000, 50, 0, 20, 4_000, 30),  # beyond its cap: only what reduces
        Pool(2**39, 2**40, 0, 2**40, 2**40, 0),  # the greatest size is what binds
        Pool(2**39, 2**40, 0, 2**40, 2**40, -(2**13)),
        Pool(1_000, 50, 0, 50, 1_000, -25),  # sellers would get more than the market's greatest price
    ],
)
def test_bounds_of_the_pool(pool: Pool, side: int) -> None:
    DESK.set(pool)
    for limit in (1, pool.index, pool.price_max):
        ((lots, _, _, _),) = DESK.ask([(side, limit, 1, pool.held)])
        assert lots == greatest_count(pool, side, limit)


@pytest.mark.parametrize("seed", range(3))
def test_small_pools_by_counting(seed: int) -> None:
    """Every count is tried one by one."""
    chance = random.Random(seed)
    for _ in range(60):
        depth = chance.randrange(1, 40)
        index = chance.choice((1, 7, 100, 12_345))
        cap = chance.randrange(0, depth + 5)
        pool = Pool(index, depth, chance.choice((0, 60_000)), cap, 3 * index, chance.randrange(-depth, depth + 1))
        DESK.set(pool)
        for side in (1, -1):
            limits = [*range(1, min(3 * index, 40)), index - index // 3, index, index + index // 5, 3 * index]
            answers = DESK.ask([(side, limit, 1, pool.held) for limit in limits])
            for limit, (lots, _, _, _) in zip(limits, answers, strict=True):
                count = 0
                while pool.quotes(side, limit, count + 1):
                    count += 1
                assert lots == count


@given(
    pools(cash=st.one_of(st.integers(-(2**45), 2**45), st.integers(0, 2**57))),
    st.sampled_from((1, -1)),
    st.integers(1, 40),
    st.integers(-30, 30),
)
def test_the_pool_never_takes_what_its_margin_does_not_bear(pool: Pool, side: int, leverage: int, away: int) -> None:
    mark = min(max(1, pool.index * (100 + away) // 100), pool.price_max)
    pool = pool._replace(leverage=leverage, maintenance=RATE_ONE // (2 * leverage), mark=mark)
    DESK.set(pool)
    limit = pool.price_max if side > 0 else 1
    ((lots, _, _, _),) = DESK.ask([(side, limit, 1, pool.held)])
    greatest = greatest_count(pool, side, limit)
    assert 0 <= lots <= greatest
    if greatest > 0 and pool.bears(side, greatest):
        assert lots == greatest
    elif lots < greatest:
        assert not pool.bears(side, lots + 1)
    assert lots == 0 or pool.bears(side, lots)


def greatest_count(pool: Pool, side: int, limit: int) -> int:
    """The greatest count by price and bounds, by halving."""
    low, high = 0, 2**54
    if not pool.quotes(side, limit, 1):
        return 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if pool.quotes(side, limit, middle) else (low, middle)
    return low


@given(pools(), st.lists(st.tuples(st.sampled_from((1, -1)), st.integers(1, 2**50)), min_size=1, max_size=12))
@example(Pool(1, 50, 0, 50, 3, 50), [(1, 50), (-1, 50)])
def test_no_way_back_and_forth_takes_money_from_the_pool(pool: Pool, trades: list[tuple[int, int]]) -> None:
    """Takers trade as they like at one index and bring the inventory back: the pool has lost nothing."""
    start, cash = pool.held, 0
    DESK.set(pool)
    for side, wanted in trades:
        ((most, _, _, _),) = DESK.ask([(side, pool.price_max if side > 0 else 1, 1, pool.held)])
        lots = min(wanted, most)
        if lots > 0:
            cash += side * lots * DESK.ask([(side, 1, lots, pool.held)])[0][1]
            pool = pool._replace(held=pool.held - side * lots)
    if pool.held != start:  # back to where it was
        side, lots = (1, pool.held - start) if pool.held > start else (-1, start - pool.held)
        cash += side * lots * DESK.ask([(side, 1, lots, pool.held)])[0][1]
    assert cash >= 0


def test_a_plan_that_has_used_a_part_is_quoted_from_there() -> None:
    """The pool's margin is measured after both parts, so the second part is what the first has left."""
    pool = Pool(10**6, 1_000, 12_000, 1_000, 3 * 10**6, 0, cash=3 * 10**6)
    DESK.set(pool)
    for side, limit in ((1, 1_100_000), (-1, 900_000)):
        ((whole, _, _, _),) = DESK.ask([(side, limit, 1, 0)])
        assert 0 < whole < greatest_count(pool, side, limit)
        for done in (1, 10, whole - 1, whole):
            ((rest, _, _, _),) = DESK.ask([(side, limit, 1, -side * done)])
            assert abs(done + rest - whole) <= 1  # two roundings in place of one


@pytest.mark.parametrize("what", ["fresh", "stale", "old", "no depth", "liquidating", "unhealthy", "unlisted"])
def test_the_pool_quotes_only_when_it_may(what: str) -> None:
    pool = Pool(10**6, 1_000, 12_000, 1_000, 3 * 10**6, 100, cash=10**8)
    DESK.set(pool)
    c = DESK.c
    if what == "stale":
        c["market_fresh"][MARKET] = 0
    elif what == "old":
        c["cell"][state.NOW] = NOW + parameter.MARKET[parameter.ORACLE_AGE_MS].value + 1
    elif what == "no depth":
        c["param"][MARKET, parameter.AMM_DEPTH] = 0
    elif what == "liquidating":
        c["bucket_liquidating"][DESK.bucket] = 1
    elif what == "unhealthy":
        c["bucket_raw"][DESK.bucket] = -(100 * 10**6) + 100 * 10**6 // 40 - 1
    elif what == "unlisted":
        c["market_price_max"][MARKET] = 0
    answer = is_quoting(DESK.states[0], MARKET)
    c["bucket_liquidating"][DESK.bucket] = 0
    assert answer == (what == "fresh")


def test_a_pool_without_money_sells_nothing() -> None:
    DESK.set(Pool(10**6, 1_000, 0, 1_000, 3 * 10**6, 0, cash=0))
    assert DESK.ask([(1, 10**6 + 10**5, 1, 0), (-1, 9 * 10**5, 1, 0)])[0][0] == 0
