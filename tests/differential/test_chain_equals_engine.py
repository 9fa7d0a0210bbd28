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
