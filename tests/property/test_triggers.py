"""Triggers never miss a bucket and never name a healthy one, and each guard that makes it so can be seen to matter.

Every world is measured by brute force after every command. A mutant is a guard switched off from outside, in the
uncompiled modules: some world must then fail.
"""

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.margin import certificate, health, ladder
from seawall.margin import triggers as compiled
from seawall.terms.bucket import Bucket, Position
from seawall.terms.conditions import Conditions
from seawall.terms.market import Mark
from seawall.units import RATE_ONE, FundingIndex, Lots, Price, UsdMicro, pending_funding
from trigger_world import CrowdedWorld, DustWorld, World, hunt, switch_off, terms, uncompiled

COMPILED: dict[str, ModuleType] = {"triggers": compiled}


def flat_slope(*_: Any) -> int:
    return RATE_ONE


def nothing(*_: Any) -> int:
    return 0


def always(*_: Any) -> bool:
    return True


MUTANTS: dict[str, tuple[dict[str, Any], type[World]]] = {
    "funding does not shift the triggers": ({"trigger_kernels.funding_push": nothing}, World),
    "certified at the live rates only": ({"trigger_kernels.FENCE": certificate.LIVE}, World),
    "shorts lose no more than longs": ({"certificate.adverse_slope": flat_slope}, World),
    "shorts lose no more than longs, unchecked": (
        {"certificate.adverse_slope": flat_slope, "trigger_kernels.certified": always},
        World,
    ),
    "no reserve for funding roundings": (
        {"certificate.reserve": nothing, "trigger_kernels.reserve": nothing},
        DustWorld,
    ),
    "the corner is not checked": ({"trigger_kernels.certified": always}, World),
}


@pytest.mark.parametrize("first", range(0, 300, 100))
def test_no_liquidatable_bucket_is_missed_in_random_worlds(first: int) -> None:
    assert hunt(COMPILED, range(first, first + 100), steps=100) is None


def test_no_liquidatable_bucket_is_missed_among_dust() -> None:
    assert hunt(COMPILED, range(100), steps=100, kind=DustWorld) is None


def test_no_liquidatable_bucket_is_missed_at_the_bounds() -> None:
    assert hunt(COMPILED, range(15), steps=60, kind=CrowdedWorld) is None


@pytest.mark.slow
@pytest.mark.parametrize("kind", [World, DustWorld, CrowdedWorld])
def test_no_liquidatable_bucket_is_missed_in_many_worlds(kind: type[World]) -> None:
    assert hunt(COMPILED, range(10**6, 10**6 + 500), steps=150 if kind is not CrowdedWorld else 20, kind=kind) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**64))
def test_no_liquidatable_bucket_is_missed_in_any_world(seed: int) -> None:
    assert hunt(COMPILED, [seed], steps=60) is None


def test_worlds_do_find_liquidatable_buckets() -> None:
    worlds = [World(seed) for seed in range(20)]
    for world in worlds:
        world.run(60)
    assert sum(world.found for world in worlds) > 100


@pytest.mark.parametrize("name", MUTANTS)
def test_a_world_fails_when_a_guard_is_off(name: str) -> None:
    guards, kind = MUTANTS[name]
    with uncompiled() as modules:
        switch_off(modules, guards)
        assert hunt(modules, range(400), steps=100, kind=kind) is not None, "the mutant survived"


def test_the_uncompiled_source_passes_the_same_worlds() -> None:
    with uncompiled() as modules:
        assert hunt(modules, range(40), steps=100) is None
        assert hunt(modules, range(20), steps=100, kind=DustWorld) is None
        assert hunt(modules, range(2), steps=30, kind=CrowdedWorld) is None


@pytest.mark.parametrize("kind", [World, CrowdedWorld])
def test_compiled_and_uncompiled_state_are_equal_to_the_bit(kind: type[World]) -> None:
    for seed in range(4):
        fast = kind(seed)
        fast.run(60)
        with uncompiled() as modules:
            slow = kind(seed, modules["triggers"])
            slow.run(60)
        for name in fast.triggers.array.dtype.names:
            assert np.array_equal(fast.triggers.columns[name], slow.triggers.columns[name]), name


@pytest.mark.parametrize("seed", range(20))
def test_status_agrees_with_the_scalar_core(seed: int) -> None:
    world = World(seed)
    world.run(40)
    markets = {str(m): terms(str(m), book["live"], book["price_max"]) for m, book in enumerate(world.markets)}
    marks = {
        str(m): Mark(mark=Price(book["price"]), oracle=Price(book["price"]), funding_index=FundingIndex(book["index"]))
        for m, book in enumerate(world.markets)
    }
    conditions = Conditions(markets=markets, marks=marks)
    flagged = world.triggers.review().tolist()
    for number, book in sorted(world.buckets.items()):
        if world.triggers.status(number) == compiled.Status.UNSURE:
            continue
        rows = tuple(
            Position(market=str(m), size=Lots(size), funding_index=FundingIndex(entry))
            for m, (size, entry) in book["positions"].items()
        )
        measured = health.health(Bucket(raw_usd=UsdMicro(book["raw"]), positions=rows), conditions)
        assert measured.is_liquidatable == (number in flagged)


INDICES = st.integers(-(2**62), 2**62) | st.integers(-(10**7), 10**7)


@given(st.integers(-(2**53), 2**53) | st.integers(-3, 3), INDICES, INDICES)
def test_funding_owed_is_the_scalar_rule_or_says_that_it_does_not_fit(size: int, index: int, entry: int) -> None:
    owed = certificate.funding_owed(size, index, entry)
    exact = -pending_funding(Lots(size), FundingIndex(index), FundingIndex(entry))
    if owed == certificate.BEYOND:
        assert abs(exact) > certificate.FUNDING_MAX // 2 or abs(index - entry) > 2**62 - 4
    else:
        assert owed == exact
        assert abs(owed) <= certificate.FUNDING_MAX


@given(st.integers(-(2**62), 2**62), st.integers(-(2**50), 2**50))
def test_a_split_maintenance_sum_rounds_up(high: int, low: int) -> None:
    assert certificate.ceil_pair(high, low) == -(-(high * 2**20 + low) // RATE_ONE)


@given(st.sampled_from((0, 1)), st.integers(-(2**62), 2**62), st.integers(0, 2**45))
def test_cells_never_fall_when_keys_rise(row: int, key: int, more: int) -> None:
    low, high = ladder.cell_of(row, key), ladder.cell_of(row, min(key + more, 2**62))
    assert 1 <= low <= high <= ladder.PRICE_CELLS


@given(st.integers(2**11, ladder.KEY_MAX - 2**32))
def test_a_cell_is_at_most_a_thousandth_wide(key: int) -> None:
    assert ladder.cell_of(0, key + key // 1_024 + 1) > ladder.cell_of(0, key)
    assert ladder.cell_of(1, -key) == ladder.PRICE_CELLS + 1 - ladder.cell_of(0, key)
