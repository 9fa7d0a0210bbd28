"""The scenario sweep has, in every scenario, the integers of a re-margin at its prices."""

import hashlib
import os
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_bulk import random_book

from seawall.margin import sweep as sweep_module
from seawall.margin.bulk import remargin
from seawall.margin.columns import Book, book, market_table
from seawall.margin.sweep import FLUSH, NARROW_VALUE, TILE, Sweep, sweep
from seawall.terms.market import market
from seawall.units import RATE_ONE, BadInput, Price, Rate, UsdMicro


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    sweep_module.compile_sweep()


def scenarios_for(made: Book, marks: list[int], seed: int, count: int) -> np.ndarray:
    """Prices from 1 to the greatest: far jumps, moves of a part in a thousand, and exact repeats."""
    chance = random.Random(seed)
    rows = []
    for top, mark in zip(made.table.price_max.tolist(), marks, strict=True):
        near = [max(1, min(top, mark + chance.randint(-mark // 1000, mark // 1000))) for _ in range(3)]
        rows.append([chance.choice([1, top, mark, *near, chance.randint(1, top)]) for _ in range(count)])
    return np.array(rows, np.int64)


def check(made: Book, prices: np.ndarray, result: Sweep) -> None:
    worst = [2**63] * made.accounts
    for scenario in range(prices.shape[1]):
        single = remargin(made, prices[:, scenario])
        equity = single.equity.tolist()
        assert result.under_water[scenario] == single.liquidatable.sum()
        assert result.shortfall[scenario] == sum(max(0, -value) for value in equity)
        worst = [min(pair) for pair in zip(worst, equity, strict=True)]
    assert result.worst_equity is not None
    assert result.worst_equity.tolist() == worst


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from([1, 2, 7, 9]))
def test_every_scenario_equals_a_remargin(seed: int, count: int) -> None:
    made, marks, _ = random_book(seed)
    prices = scenarios_for(made, marks, seed, count)
    check(made, prices, sweep(made, prices, is_worst_wanted=True))
    check(made, prices, sweep(made, prices, threads=3, is_worst_wanted=True))


@settings(max_examples=15)
@given(st.integers(0, 2**32))
def test_ordinary_accounts_over_tile_borders(seed: int) -> None:
    chance = random.Random(seed)
    rows = [(UsdMicro(0), 20), (UsdMicro(10**9), 10), (UsdMicro(10**10), 5), (UsdMicro(10**11), 2)]
    table = market_table([market(f"M{m}", size_decimals=0, tiers=rows) for m in range(3)])
    ids = [m for _ in range(40) for m in sorted(chance.sample(range(3), 2))]
    made = book(
        table,
        offsets=range(0, 81, 2),
        raw_usd=[chance.randint(-(10**10), 10**10) for _ in range(40)],
        market=ids,
        size=[chance.randint(-8_000, 8_000) for _ in ids],
    )
    count = chance.choice([TILE - 1, TILE, TILE + 1, 2 * TILE + 3])
    prices = np.exp(np.random.default_rng(seed).normal(14.5, 1.0, (3, count))).astype(np.int64)
    result = sweep(made, prices, is_worst_wanted=True)
    check(made, prices, result)
    assert result.under_water.sum() > 0


def test_the_boundary_of_liquidation_is_met_on_both_sides() -> None:
    table = market_table([market("M", size_decimals=0, tiers=[(UsdMicro(0), 1, Rate(RATE_ONE // 7))])])
    required = -(-10_000 * (RATE_ONE // 7) // RATE_ONE)
    made = book(
        table, offsets=range(4), raw_usd=[required - 10_001, required - 10_000, required - 9_999], market=[0] * 3,
        size=[1] * 3,
    )  # fmt: skip
    result = sweep(made, [[10_000]], is_worst_wanted=True)
    assert result.under_water.tolist() == [1]
    assert result.worst_equity is not None
    assert result.worst_equity.tolist() == [required - 1, required, required + 1]


@pytest.mark.parametrize(("lots", "price", "required"), [(1, 10, 4), (7, 2, 5), (-7, 2, 5), (7, 1, 2), (1, 4, 1)])
def test_a_tier_entered_inside_the_tile(lots: int, price: int, required: int) -> None:
    """1/4 of notional up to a bound, 1/2 beyond, less what keeps it continuous: 12e6 or 24e6, not whole 2^20s."""
    lower = UsdMicro(8 if abs(lots) == 7 else 4)
    rows = [(UsdMicro(0), 1, Rate(RATE_ONE // 4)), (lower, 1, Rate(RATE_ONE // 2))]
    table = market_table([market("M", size_decimals=0, tiers=rows)])
    cash = [required - lots * price - 1, required - lots * price]
    made = book(table, offsets=range(3), raw_usd=cash, market=[0, 0], size=[lots, lots])
    prices = np.array([[1, 1000, price]])
    result = sweep(made, prices, is_worst_wanted=True)
    assert result.under_water[2] == 1
    check(made, prices, result)


def test_shortfalls_beyond_64_bits_are_summed_exactly() -> None:
    table = market_table([market("M", size_decimals=0, tiers=[(UsdMicro(0), 1)])])
    made = book(table, offsets=[0] * 101, raw_usd=[-(2**61)] * 100, market=[], size=[])
    assert sweep(made, [[1, 2]], threads=2).shortfall == (100 * 2**61,) * 2


@pytest.mark.slow
def test_the_waiting_shortfalls_are_flushed_before_they_wrap() -> None:
    accounts = 4 * FLUSH
    table = market_table([market("M", size_decimals=0, tiers=[(UsdMicro(0), 1)], price_max=Price(1))])
    made = book(table, offsets=[0] * (accounts + 1), raw_usd=[-NARROW_VALUE] * accounts, market=[], size=[])
    assert sweep(made, [[1]]).shortfall == (accounts * NARROW_VALUE,)


@pytest.mark.parametrize("prices", [[1], [[0]], [[2**40 + 1]], [[1], [1]], [[]], [[1.0]], [[[1]]]])
def test_scenarios_out_of_bounds_are_refused(prices: list[object]) -> None:
    table = market_table([market("M", size_decimals=0, tiers=[(UsdMicro(0), 1)])])
    made = book(table, offsets=[0], raw_usd=[], market=[], size=[])
    assert sweep(made, [[1, 2**40]]).under_water.tolist() == [0, 0]
    with pytest.raises(BadInput, match="prices"):
        sweep(made, prices)


def test_a_number_of_threads_out_of_bounds_is_refused() -> None:
    table = market_table([])
    made = book(table, offsets=[0], raw_usd=[], market=[], size=[])
    for threads in (0, 257):
        with pytest.raises(BadInput, match="threads"):
            remargin(made, [], threads=threads)


PROGRAM = """
import sys, warnings
warnings.simplefilter("error")
sys.path[:0] = {paths!r}
import test_sweep
print(test_sweep.fingerprint(range(10)))
"""


def fingerprint(seeds: range) -> str:
    """Hash of the sweeps of some random books."""
    digest = hashlib.sha256()
    for seed in seeds:
        made, marks, _ = random_book(seed)
        result = sweep(made, scenarios_for(made, marks, seed, 4), is_worst_wanted=True)
        assert result.worst_equity is not None
        digest.update(repr((result.under_water.tolist(), result.shortfall, result.worst_equity.tolist())).encode())
    return digest.hexdigest()


def test_interpreted_equals_compiled() -> None:
    """The uncompiled run also proves that nothing wraps: NumPy's scalars warn, and a warning is an error there."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(paths=[os.path.dirname(__file__), *filter(None, sys.path)])],
        env={**os.environ, "SEAWALL_INTERPRET": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == fingerprint(range(10))
