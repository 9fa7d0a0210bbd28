"""Portfolio margin of hedged books: perps against collateral of the same asset, by hand and by the model."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from build import terms_of
from model import scenario as model
from seawall.margin.scenario import ScenarioKind, portfolio_margin
from seawall.terms.grid import FactorShock, MarketRisk, ScenarioGrid
from seawall.units import Rate
from strategies import ONE, RATES

World = dict[str, Any]
FREE = {"own": 0, "basis": 0, "floor": 0, "concentration": 0, "beta": ONE, "concentration_start": 0}


def hedged_world(*, size: int, balance: int, weight: int = ONE) -> World:
    """`size` lots of M at 100 against `balance` lots of its asset, also at 100, and nothing else."""
    row = {"market": "M", "size": size, "entry_notional": 0, "leverage": 1, "funding_index": 0, "bids": 0, "asks": 0}
    prices = {"oracle": 100, "stable": 100, "redemption": None, "underlying": "M", "supply_start": 0, "supply_total": 0}
    return {
        "markets": {
            "M": {"tiers": [(0, 5, ONE // 10)], "price_max": 1000, "initial_live": 0, "oi_lower": 0, "oi_upper": 0}
        },
        "marks": {"M": {"mark": 100, "oracle": 100, "funding_index": 0, "open_interest": 0}},
        "assets": {"A": {**prices, "weight_initial": weight, "weight_maintenance": weight}},
        "policy": {"exit_buffer": 0, "withdrawal_floor": 0, "profit_weight": ONE, "profit_cap": None},
        "bucket": {"raw_usd": 0, "positions": [row], "collateral": [("A", balance)]},
    }


def grid_with(shocks: list[tuple[int, int]], own: int = 0, **risk: int) -> ScenarioGrid:
    return ScenarioGrid(
        version="test",
        factor_shocks=tuple(FactorShock(Rate(move), Rate(credit)) for move, credit in shocks),
        own_shares=(Rate(ONE),),
        risks={"M": MarketRisk(**{**FREE, "own": own, **risk})},
        portfolio_factor=Rate(ONE),
    )


@pytest.mark.parametrize(
    ("size", "balance", "weight", "risk", "expected"),
    [
        pytest.param(-10, 10, ONE, {}, 0, id="a full hedge has no direction"),
        pytest.param(-10, 10, ONE, {"basis": ONE // 50}, 20, id="it pays the basis on the hedged 1,000"),
        pytest.param(-10, 4, ONE, {"basis": ONE // 50}, 68, id="half hedged: 10 % of 600 and 2 % of 400"),
        pytest.param(-4, 10, ONE, {"basis": ONE // 50}, 68, id="over hedged: 10 % of 600 and 2 % of 400"),
        pytest.param(10, 10, ONE, {"basis": ONE // 50}, 200, id="both long: no hedge, 10 % of 2,000"),
        pytest.param(-10, 0, ONE, {"basis": ONE // 50}, 100, id="nothing held: no basis"),
        pytest.param(-10, 10, ONE // 2, {"basis": ONE // 50}, 60, id="haircut: 500 hedges 500, 10 % of the rest"),
        pytest.param(-10, 10, ONE, {"floor": ONE // 100}, 10, id="the floor is on the perp's notional"),
        pytest.param(
            -10, 10, ONE, {"concentration": ONE // 10, "concentration_start": 400}, 60, id="10 % of what exceeds 400"
        ),
    ],
)
def test_by_hand(size: int, balance: int, weight: int, risk: dict[str, int], expected: int) -> None:
    bucket, conditions = terms_of(hedged_world(size=size, balance=balance, weight=weight))
    grid = grid_with([(ONE // 10, ONE), (-ONE // 10, ONE)], **risk)
    assert portfolio_margin(bucket, conditions, grid).maintenance == expected


def test_own_move_is_tried_beside_the_common_one() -> None:
    bucket, conditions = terms_of(hedged_world(size=-10, balance=0))
    margin = portfolio_margin(bucket, conditions, grid_with([(ONE // 10, ONE)], own=ONE // 5))
    assert margin.maintenance == 200
    assert margin.worst.scenario.kind is ScenarioKind.OWN
    assert margin.worst.scenario.move == ONE // 5


@given(
    st.integers(-1000, 1000),
    st.integers(0, 1000),
    RATES,
    st.fixed_dictionaries(dict.fromkeys(("basis", "floor", "concentration"), RATES)),
    st.tuples(st.integers(-ONE, ONE), RATES),
)
def test_hedges_equal_the_model(
    size: int, balance: int, weight: int, risk: dict[str, int], shock: tuple[int, int]
) -> None:
    world = hedged_world(size=size, balance=balance, weight=weight)
    bucket, conditions = terms_of(world)
    shocks = [shock, (-shock[0], shock[1])]
    grid = {"factor_shocks": shocks, "own_shares": [ONE], "risks": {"M": {**FREE, **risk}}, "portfolio_factor": ONE}
    core = portfolio_margin(bucket, conditions, grid_with(shocks, **risk))
    assert core.maintenance == model.maintenance(world, grid)
