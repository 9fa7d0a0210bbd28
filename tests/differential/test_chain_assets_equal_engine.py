"""Collateral tokens in both executions: the same lots, values, refusals, sales and liquidations, to the unit."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("pyrevm", reason="the EVM of these tests is an extra: pip install seawall[dev]")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from asset_traffic import DOLLAR, AssetTraffic

SEEDS = range(20, 30)  # of the slow suite


def play(seed: int, steps: int) -> AssetTraffic:
    world = AssetTraffic(seed)
    for _ in range(steps):
        world.step()
    world.compare()
    return world


def test_a_few_hundred_steps() -> None:
    world = play(1, 500)
    for what in ("put", "take", "trade"):
        assert world.codes[(what, 0)] > 2, world.codes


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_worlds(seed: int) -> None:
    play(seed, 2_000)


def test_a_difference_of_one_lot_is_seen() -> None:
    """The comparison can fail."""
    world = AssetTraffic(7)
    row = world.rows_of(2)[0]
    world.columns["holding_lots"][row] += 1
    assert world.columns["holding_asset"][row] == DOLLAR
    with pytest.raises(AssertionError, match="lots 2 of 2"):
        world.compare()
