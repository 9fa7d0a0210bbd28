"""Differential: requirements, collateral and health of the core equal the model's, at edges and at the bounds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from build import asset_of, mark_of, market_of, position_of, terms_of
from model import margin as model
from seawall.margin import collateral, health, requirement
from seawall.units import RATE_ONE, FundingIndex, Lots, Rate, UsdMicro, pending_funding
from strategies import (
    BALANCES,
    NOTIONAL_MAX,
    STEP,
    assets,
    clip,
    crowded_worlds,
    extreme_worlds,
    markets,
    marks,
    positions,
    sizes,
    tier_tables,
    worlds,
)

FIELDS = (
    "cash",
    "unrealised",
    "profit",
    "pending_funding",
    "equity",
    "equity_initial",
    "notional",
    "maintenance",
    "liquidation_end",
    "reserved",
    "initial",
)


def assert_same_health(world: dict) -> None:
    bucket, conditions = terms_of(world)
    core = health.health(bucket, conditions)
    expected = model.health(world)
    assert {name: getattr(core, name) for name in FIELDS} == expected
    assert core.is_liquidatable == (expected["equity"] < expected["maintenance"])
    assert core.free == expected["equity_initial"] - expected["initial"]
    for pool in (None, 0, expected["profit"] - 1, expected["profit"]):
        if pool is None or pool >= 0:
            assert health.withdrawable(core, conditions.policy, pool) == model.withdrawable(world, pool)


@st.composite
def tier_and_notional(draw: st.DrawFn) -> tuple:
    tiers = draw(tier_tables())
    lower = draw(st.sampled_from(tiers))[0]
    amount = draw(st.integers(0, NOTIONAL_MAX) | STEP.map(lambda step: clip(lower + step, 0, NOTIONAL_MAX)))
    return tiers, amount


@given(tier_and_notional())
def test_maintenance_of_a_notional(case: tuple) -> None:
    tiers, amount = case
    row = {"tiers": tiers, "price_max": 1, "initial_live": 0, "oi_lower": 0, "oi_upper": 0}
    numerator = requirement.maintenance_numerator(market_of(row).tiers, UsdMicro(amount))
    assert numerator == model.maintenance_exact(tiers, amount) * RATE_ONE
    assert numerator == model.maintenance_by_slices(tiers, amount) * RATE_ONE


@given(st.data())
def test_initial_live_rate_and_reserved(data: st.DataObject) -> None:
    row = data.draw(markets())
    mark = data.draw(marks(row))
    position = data.draw(positions("M", row, mark))
    market = market_of(row)
    assert requirement.live_initial_rate(market, UsdMicro(mark["open_interest"])) == model.live_initial_rate(
        row, mark["open_interest"]
    )
    size, leverage = data.draw(sizes(row, mark)), position["leverage"]
    core = requirement.initial_of(market, mark_of(mark), Lots(size), leverage)
    assert core == model.initial_of(row, mark, size, leverage)
    core = requirement.reserved_of(market, mark_of(mark), position_of(position))
    assert core == model.reserved_of(row, mark, position)


@given(st.integers(0, 2**59), st.integers(0, 3 * RATE_ONE) | st.sampled_from([0, 1, RATE_ONE // 50]))
def test_liquidation_end(maintenance: int, buffer: int) -> None:
    core = requirement.liquidation_end(UsdMicro(maintenance), Rate(buffer))
    assert core == model.liquidation_end(maintenance, buffer)


@given(assets(), BALANCES)
def test_collateral_values(asset: dict, balance: int) -> None:
    record = asset_of(asset)
    assert collateral.value_initial(record, Lots(balance)) == model.value_initial(asset, balance)
    assert collateral.value_maintenance(record, Lots(balance)) == model.value_maintenance(asset, balance)


EDGE_INDEX = st.sampled_from([0, 1, -1, 10**6, -(10**6), 2**62, -(2**62)]) | st.integers(-(2**62), 2**62)
EDGE_SIZE = st.sampled_from([0, 1, -1, 2**53, -(2**53), 10**6]) | st.integers(-(2**53), 2**53)


@given(EDGE_SIZE, EDGE_INDEX, EDGE_INDEX)
def test_pending_funding(size: int, index: int, entry: int) -> None:
    expected = model.pending_of({"size": size, "funding_index": entry}, {"funding_index": index})
    assert pending_funding(Lots(size), FundingIndex(index), FundingIndex(entry)) == expected


@given(worlds())
def test_health(world: dict) -> None:
    assert_same_health(world)


@settings(max_examples=30)
@given(crowded_worlds())
def test_health_of_64_positions(world: dict) -> None:
    assert_same_health(world)


@settings(max_examples=20)
@given(extreme_worlds())
def test_health_with_everything_at_its_bound(world: dict) -> None:
    assert_same_health(world)


@pytest.mark.slow
@settings(max_examples=1000)
@given(worlds(most_positions=8))
def test_health_slow(world: dict) -> None:
    assert_same_health(world)


@pytest.mark.slow
@settings(max_examples=300)
@given(crowded_worlds())
def test_health_of_64_positions_slow(world: dict) -> None:
    assert_same_health(world)
