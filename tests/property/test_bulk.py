"""Bulk margin equals the scalar core and Python's integers, on random books and at the bounds, in every execution."""

import hashlib
import os
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from build import terms_of
from seawall.margin import bulk
from seawall.margin.blocks import BLOCK, HEADROOM, arrange
from seawall.margin.bulk import Margins, margins_for, remargin, settle_funding
from seawall.margin.collateral import value_maintenance
from seawall.margin.columns import COLLATERAL_MAX, Book, book, book_of, indices_of, market_table, marks_of
from seawall.margin.health import health
from seawall.terms.market import Market, market, tier_of
from seawall.units import RATE_ONE, BadInput, Price, Rate, UsdMicro, ceil_div, pending_funding
from strategies import crowded_worlds, extreme_worlds, worlds


def random_markets(chance: random.Random, count: int) -> list[Market]:
    """Markets of 1 to 16 tiers, cheap and dear, some at the greatest price there is."""
    made = []
    for number in range(count):
        tiers = chance.choice([1, 2, 3, 16])
        lowers = [0, *sorted(chance.sample(range(1, 2 ** chance.choice([20, 40, 53])), tiers - 1))]
        rates = sorted(chance.randint(1, RATE_ONE // 2) >> chance.choice([0, 4]) or 1 for _ in range(tiers))
        rows = [(UsdMicro(lower), 1, Rate(rate)) for lower, rate in zip(lowers, rates, strict=True)]
        top = chance.choice([1, 1000, 2**20, 2**40, chance.randint(1, 2**40)])
        made.append(market(f"M{number}", size_decimals=0, tiers=rows, price_max=Price(top)))
    return made


def random_book(seed: int, accounts: int = 30) -> tuple[Book, list[int], list[tuple[int, int]]]:
    """A book with empty, dust, ordinary and enormous accounts, marks, and each account's (equity, maintenance)."""
    chance = random.Random(seed)
    markets = random_markets(chance, chance.choice([1, 3, 70]))
    marks = [chance.choice([1, m.price_max, chance.randint(1, m.price_max)]) for m in markets]
    offsets, ids, sizes, entries = [0], [], [], []
    for _ in range(accounts):
        held = chance.sample(range(len(markets)), chance.choice([0, 1, min(4, len(markets)), min(64, len(markets))]))
        scale = chance.choice([4, 20, 30, 60])
        for m in held:
            size = min(markets[m].size_max, chance.randint(0, 2**scale))
            ids.append(m)
            sizes.append(chance.choice([1, -1]) * chance.choice([size, size, markets[m].size_max]))
            entries.append(chance.choice([0, 5, -(10**9), chance.randint(-(2**40), 2**40)]))
        offsets.append(len(ids))
    cash = [chance.choice([0, 2**61, -(2**61), chance.randint(-(2**50), 2**50)]) for _ in range(accounts)]
    collateral = [chance.choice([0, 2**61, chance.randint(0, 2**40)]) for _ in range(accounts)]
    table = market_table(markets)
    made = book(
        table, offsets=offsets, raw_usd=cash, market=ids, size=sizes, entry_index=entries, collateral=collateral
    )
    wanted = []
    for account in range(accounts):
        span = range(offsets[account], offsets[account + 1])
        numerator = sum(numerator_of(markets[ids[i]], abs(sizes[i]) * marks[ids[i]]) for i in span)
        equity = cash[account] + collateral[account] + sum(sizes[i] * marks[ids[i]] for i in span)
        wanted.append((equity, ceil_div(numerator, RATE_ONE)))
    return made, marks, wanted


def numerator_of(held: Market, amount: int) -> int:
    """Maintenance numerator of one notional, in Python's integers."""
    chosen = tier_of(held.tiers, UsdMicro(amount))
    return amount * chosen.maintenance - chosen.deduction


def check(result: Margins, wanted: list[tuple[int, int]]) -> None:
    assert list(zip(result.equity.tolist(), result.maintenance.tolist(), strict=True)) == wanted
    assert result.liquidatable.tolist() == [equity < required for equity, required in wanted]


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    bulk.compile_bulk()


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_every_layout_gives_the_integers_of_python(seed: int) -> None:
    made, marks, wanted = random_book(seed)
    check(remargin(made, marks), wanted)
    arranged = arrange(made, marks)
    check(remargin(arranged, marks), wanted)
    check(remargin(arranged, marks, threads=3), wanted)
    low = [max(1, mark // (HEADROOM * 2)) for mark in marks]
    check(remargin(arrange(made, low), marks), wanted)  # marks above the cap of the layout


@settings(max_examples=80)
@given(st.one_of(worlds(), crowded_worlds(), extreme_worlds()))
def test_bulk_equals_the_scalar_core(world: dict[str, object]) -> None:
    bucket, conditions = terms_of(world)
    table = market_table(list(conditions.markets.values()))
    worth = sum(value_maintenance(conditions.asset(h.asset), h.balance) for h in bucket.collateral)
    if worth > COLLATERAL_MAX:
        with pytest.raises(BadInput, match=r"buckets\[0\]\.collateral"):
            book_of(table, [bucket, bucket], conditions)
        return
    made = book_of(table, [bucket, bucket], conditions)
    cash, passed = bucket.raw_usd, []
    for position in bucket.positions:
        paid = pending_funding(position.size, conditions.mark(position.market).funding_index, position.funding_index)
        cash = UsdMicro(cash + paid)
        passed.append(max(abs(cash), abs(paid)))
    try:
        settled, _ = settle_funding(made, indices_of(table, conditions))
    except BadInput:
        assert max(passed) >= 2**61 - 1
        return
    assert max(passed, default=0) <= 2**62
    wanted = health(bucket, conditions)
    marks = marks_of(table, conditions)
    for held in (settled, arrange(settled, marks)):
        result = remargin(held, marks)
        check(result, [(wanted.equity, wanted.maintenance)] * 2)
        assert result.liquidatable.tolist() == [wanted.is_liquidatable] * 2


@given(st.lists(st.integers(0, 2**62), min_size=1, max_size=20), st.integers(-2, 2))
def test_the_quotient_by_double_is_exact(numerators: list[int], step: int) -> None:
    beside = [min(2**62, max(0, n // RATE_ONE * RATE_ONE + step)) for n in numerators]
    values = [*numerators, *beside, 2**62, 2**62 - 1]
    cash = np.zeros(len(values), np.int64)
    cash.flags.writeable = False
    out = margins_for(len(values))
    numerator = np.array(values, np.int64)
    bulk._finish(0, cash, np.zeros(len(values), np.int64), numerator, bulk._columns(out))
    assert out.maintenance.tolist() == [ceil_div(n, RATE_ONE) for n in values]
    assert out.liquidatable.tolist() == [n > 0 for n in values]
    assert not numerator.any(), "accumulators must be clear for the next block"


def test_blocks_and_their_borders() -> None:
    accounts = 2 * BLOCK + 1
    markets = [market(f"M{m}", size_decimals=0, tiers=[(UsdMicro(0), 20), (UsdMicro(10**9), 5)]) for m in range(3)]
    size = np.arange(accounts * 2) % 5003 - 2500
    made = book(
        market_table(markets),
        offsets=np.arange(accounts + 1) * 2,
        raw_usd=np.arange(accounts),
        market=np.tile([2, 0], accounts),
        size=size,
    )
    marks = np.array([1_000_000, 7, 1_000])
    value = (size * marks[made.market]).reshape(accounts, 2)
    amount = abs(value)
    numerator = np.where(amount >= 10**9, amount * 1_200_000 - 10**9 * 900_000, amount * 300_000).sum(axis=1)
    wanted = list(
        zip((np.arange(accounts) + value.sum(axis=1)).tolist(), (-(-numerator // RATE_ONE)).tolist(), strict=True)
    )
    arranged = arrange(made, marks)
    assert arranged.layout is not None
    assert not len(arranged.layout.wide)
    out = margins_for(accounts)
    for held, threads in ((arranged, 1), (arranged, 2), (made, 2)):
        check(remargin(held, marks, threads=threads, out=out), wanted)
        out.equity[:] = 7


def test_the_narrow_layout_ends_where_its_integers_do() -> None:
    rate = RATE_ONE // 2
    table = market_table([market("M", size_decimals=0, tiers=[(UsdMicro(0), 1, Rate(rate))], price_max=Price(2**20))])
    mark = 2**18  # capped at 2^20
    most = 2**62 // rate // 2**20
    sizes = [most, -most, most + 1, -most - 1]
    made = book(table, offsets=range(5), raw_usd=[0] * 4, market=[0] * 4, size=sizes)
    arranged = arrange(made, [mark])
    assert arranged.layout is not None
    assert arranged.layout.wide.tolist() == [2, 3]
    for at in (mark, 2**20):
        wanted = [(size * at, ceil_div(abs(size) * at * rate, RATE_ONE)) for size in sizes]
        check(remargin(arranged, [at]), wanted)


def test_marks_above_the_cap_leave_the_narrow_layout() -> None:
    rate = RATE_ONE // 2
    table = market_table([market("M", size_decimals=0, tiers=[(UsdMicro(0), 1, Rate(rate))], price_max=Price(2**20))])
    size = 2**62 // rate // 2**12
    arranged = arrange(book(table, offsets=[0, 1], raw_usd=[0], market=[0], size=[size]), [2**12 // HEADROOM])
    assert arranged.layout is not None
    assert not len(arranged.layout.wide)
    for at in (2**12, 2**12 + 1, 2**20):
        check(remargin(arranged, [at]), [(size * at, ceil_div(size * at * rate, RATE_ONE))])


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.lists(st.integers(-(2**40), 2**40), min_size=70, max_size=70))
def test_funding_and_dust_are_exact(seed: int, index: list[int]) -> None:
    made, _, _ = random_book(seed)
    small = book(
        made.table, offsets=made.offsets, raw_usd=made.raw_usd >> 3, market=made.market, size=made.size >> 20,
        entry_index=made.entry_index,
    )  # fmt: skip
    now = index[: len(made.table.names)]
    settled, dust = settle_funding(small, now)
    owed = [
        pending_funding(size, now[m], entry)
        for size, m, entry in zip(small.size.tolist(), small.market.tolist(), small.entry_index.tolist(), strict=True)
    ]
    paid = (settled.raw_usd - small.raw_usd).tolist()
    assert paid == [sum(owed[small.offsets[a] : small.offsets[a + 1]]) for a in range(small.accounts)]
    moved = sum(
        size * (now[m] - entry)
        for size, m, entry in zip(small.size.tolist(), small.market.tolist(), small.entry_index.tolist(), strict=True)
    )
    assert sum(paid) * 10**6 + dust == -moved
    assert 0 <= dust < 10**6 * max(1, len(small.size))
    assert settled.entry_index.tolist() == [now[m] for m in small.market]
    again, nothing = settle_funding(settled, now)
    assert nothing == 0
    assert again.raw_usd.tolist() == settled.raw_usd.tolist()


def test_a_zero_sum_market_pays_itself_and_the_dust() -> None:
    table = market_table([market("M", size_decimals=0, tiers=[(UsdMicro(0), 20)])])
    made = book(table, offsets=range(4), raw_usd=[0] * 3, market=[0] * 3, size=[7, -3, -4])
    settled, dust = settle_funding(made, [1_234_567])
    assert settled.raw_usd.tolist() == [-9, 3, 4]
    assert dust == 2 * 10**6


def test_settling_beyond_the_bound_changes_nothing() -> None:
    table = market_table([market("M", size_decimals=0, tiers=[(UsdMicro(0), 20)], price_max=Price(1))])
    made = book(table, offsets=[0, 1], raw_usd=[2**61], market=[0], size=[-(10**6)])
    settled, dust = settle_funding(made, [0])
    assert (settled.raw_usd.tolist(), dust) == ([2**61], 0)
    with pytest.raises(BadInput, match=r"accounts\[0\]\.raw_usd"):
        settle_funding(made, [1])
    assert made.raw_usd.tolist() == [2**61]
    huge = book(table, offsets=[0, 1], raw_usd=[0], market=[0], size=[1], entry_index=[-(2**62)])
    settled, dust = settle_funding(huge, [2**62])
    assert settled.raw_usd.tolist() == [-(2**63) // 10**6]
    assert int(settled.raw_usd[0]) * 10**6 + dust == -(2**63)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"raw_usd": [0, 2**61 + 1]}, r"accounts\[1\]\.raw_usd"),
        ({"collateral": [0, -1]}, r"accounts\[1\]\.collateral"),
        ({"collateral": [2**61 + 1, 0]}, r"accounts\[0\]\.collateral"),
        ({"market": [0, 1, 2]}, r"positions\[2\]\.market"),
        ({"market": [0, 1, -1]}, r"positions\[2\]\.market"),
        ({"market": [0, 0, 1]}, r"accounts\[0\]\.positions"),
        ({"size": [1, 2**13 + 1, 1]}, r"positions\[1\]\.size"),
        ({"size": [1, 1.5, 1]}, "size"),
        ({"size": [1, 2**63, 1]}, "size"),
        ({"size": [1, 2**70, 1]}, "size"),
        ({"size": [1, -(2**63), 1]}, r"positions\[1\]\.size"),
        ({"entry_index": [0, 0, 2**62 + 1]}, r"positions\[2\]\.entry_index"),
        ({"offsets": [0, 2, 2]}, "offsets"),
        ({"offsets": [0, 4, 3]}, "offsets"),
        ({"offsets": [0, -(2**62), 3]}, "offsets"),
        ({"offsets": [0, 3]}, "offsets"),
        ({"size": [1, 1]}, "size"),
        ({"market": [[0, 1, 1]]}, "book"),
    ],
)
def test_a_book_out_of_bounds_is_refused(change: dict[str, list[int]], field: str) -> None:
    table = market_table([market(name, size_decimals=0, tiers=[(UsdMicro(0), 20)]) for name in ("A", "B")])
    good = {"offsets": [0, 2, 3], "raw_usd": [0, 2**61], "market": [0, 1, 0], "size": [1, 2**13, -(2**13)]}
    assert book(table, **good).accounts == 2
    with pytest.raises(BadInput, match=field):
        book(table, **(good | change))


@pytest.mark.parametrize("marks", [[0, 1], [1, 2**40 + 1], [1], [[1], [1]], [1.0, 2.0]])
def test_marks_out_of_bounds_are_refused(marks: list[int]) -> None:
    table = market_table([market(name, size_decimals=0, tiers=[(UsdMicro(0), 20)]) for name in ("A", "B")])
    made = book(table, offsets=[0], raw_usd=[], market=[], size=[])
    assert remargin(made, [1, 2**40]).equity.size == 0
    with pytest.raises(BadInput, match="marks"):
        remargin(made, marks)


PROGRAM = """
import sys, warnings
warnings.simplefilter("error")
sys.path[:0] = {paths!r}
import test_bulk
print(test_bulk.fingerprint(range(12)))
"""


def fingerprint(seeds: range) -> str:
    """Hash of the margins and settlements of some random books, over both layouts."""
    digest = hashlib.sha256()
    for seed in seeds:
        made, marks, _ = random_book(seed)
        small = book(
            made.table, offsets=made.offsets, raw_usd=made.raw_usd >> 3, market=made.market, size=made.size >> 20
        )
        settled, dust = settle_funding(small, [seed * 977 - m for m in range(len(marks))])
        digest.update(str(dust).encode())
        for held in (made, arrange(made, marks), settled):
            result = remargin(held, marks)
            for values in (result.equity, result.maintenance, result.liquidatable):
                digest.update(values.tobytes())
    return digest.hexdigest()


def test_interpreted_equals_compiled() -> None:
    """The uncompiled run also proves that nothing wraps: NumPy's scalars warn, and a warning is an error there."""
    paths = [path for path in sys.path if path]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(paths=[os.path.dirname(__file__), *paths])],
        env={**os.environ, "SEAWALL_INTERPRET": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == fingerprint(range(12))
