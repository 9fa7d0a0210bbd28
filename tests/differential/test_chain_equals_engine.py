"""The contracts give the engine's integers: the same steps in both, every bucket, market and fund compared.

The slow suite does a hundred thousand operations, `bench/bench_chain_differential.py` a million; the fast one a few
hundred steps of every policy.
"""

import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyrevm", reason="the EVM of these tests is an extra: pip install seawall[dev]")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from chain_traffic import Traffic
from chain_twins import USD

from seawall.chain import layout as at
from seawall.terms import code, command

OPERATIONS = 100_000  # the million is that of bench_chain_differential
POLICIES: list[dict[str, int]] = [
    {},
    {"adl_policy": 0},
    {"adl_policy": 1, "backstop_ratio": 0},
    {"adl_policy": 2},
    {"partial_mode": 1},
    {"partial_mode": 2, "partial_floor": 10**6, "partial_cooldown_ms": 30_000},
    {"partial_mode": 3, "partial_floor": 5 * 10**7},
    {"profit_weight": 6_000_000, "profit_cap": 10**8},
    {"socialise": 0, "exit_buffer": 0},
]


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_a_few_hundred_steps_of_every_policy(policy: dict[str, int]) -> None:
    world = Traffic(20261130 + len(policy), **policy)
    for _ in range(300):
        world.step()
    world.compare()
    assert world.codes[("trade", 0)] > 10


def test_a_difference_of_one_unit_is_seen() -> None:
    """The comparison can fail."""
    world = Traffic(7)
    world.columns["bucket_raw"][3] += 1
    with pytest.raises(AssertionError, match="bucket 3"):
        world.compare()


def test_an_order_that_gets_nothing_takes_nothing_out() -> None:
    """Seed 228, step 1899, at its least: cross owes its advance and funding, and feeds an isolated order in the engine.

    The pool cannot bear the few lots wanted, though it could bear many (their impact is profit that counts): the cash
    comes back, and the advance must not have grown by the funding.
    """
    world = Traffic(7, profit_weight=6_000_000, profit_cap=10**12)
    world.take(1, 1, 1, 4_000, 3_300_000)
    world.pass_time(1_000)
    world.price(1, 4 * USD)
    world.take(2, 1, -1, 4_000, 3_000_000)  # the pool realises a loss, which the first may take out as profit
    world.engine(kind=command.TRANSFER, signer=1, account=1, other=3, amount=1_100 * USD)
    world.desk("transfer", code.OK, 1, "transfer", world.account_id(3), 1_100 * USD)
    world.fund()
    world.pass_time(3_600_000)
    for market, price in enumerate((100 * USD, 4 * USD, 20_000)):
        world.price(market, price)
    world.fund()
    before = world.expected_bucket(1)
    position = before["positions"][0]
    assert 0 < position["advanced"] < -before["raw"] - position["entry"]
    pool, gone = len(world.columns["bucket_kind"]) - 2 * world.venue.capacity.markets, 199_990 * USD
    world.columns["bucket_raw"][pool] -= gone
    world.columns["bucket_raw"][0] += gone
    world.as_module("pools", "exit", at.pool_of(0, at.AMM), gone)
    world.as_module("pools", "credit", world.account_id(0), gone)
    fields = {"account": 1, "market": 0, "size": 40, "flags": command.ISOLATED}
    world.engine(kind=command.SET_LEVERAGE, signer=1, **fields)
    world.desk("leverage", code.OK, 1, "set_leverage", 0, 40, True)
    world.take(1, 0, 1, 30, 190 * USD)
    assert world.codes[("trade", code.NO_LIQUIDITY)] == 1
    world.compare()
    assert world.expected_bucket(1) == before


@pytest.mark.slow
def test_a_hundred_thousand_operations() -> None:
    """Worlds of 2,000 steps, all policies in turn, until the operations are done."""
    done, seed = 0, 1
    totals: dict[Any, int] = {}
    while done < OPERATIONS:
        world = Traffic(seed, **POLICIES[seed % len(POLICIES)])
        for _ in range(2_000):
            world.step()
        world.compare()
        done += world.operations
        seed += 1
        for key, count in world.codes.items():
            totals[key] = totals.get(key, 0) + count
    sys.stdout.write(f"{done:,} operations in {seed - 1} worlds, no difference: {sorted(totals.items())}\n")
