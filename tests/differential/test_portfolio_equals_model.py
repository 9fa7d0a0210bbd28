"""Differential: portfolio margin equals naive enumeration of the grid; Greeks equal the exposures they stand for."""

from fractions import Fraction
from math import floor, isqrt

import msgspec
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from build import terms_of
from model import scenario as model
from model.liquidation import world_at
from model.margin import health as model_health
from seawall.margin.greeks import greeks
from seawall.margin.liquidity import lp_delta, lp_gamma, lp_value
from seawall.margin.portfolio_price import conditions_at, portfolio_liquidation_prices
from seawall.margin.scenario import portfolio_health, portfolio_margin
from seawall.margin.surface import standard_directions
from seawall.margin.trade import settled
from seawall.risk.reach import MARKS_UP, reach
from seawall.risk.standing import is_under_water
from seawall.terms.bucket import LpHolding, MarginMode
from seawall.terms.conditions import Conditions
from seawall.terms.grid import FactorShock, MarketRisk, ScenarioGrid, check_grid
from seawall.units import BadInput, Price, Rate, UsdMicro
from strategies import ONE, RATES, clip, worlds

MOVES = st.sampled_from([-ONE, ONE, -ONE // 4, ONE // 4, 0]) | st.integers(-ONE, ONE)
BETAS = st.sampled_from([0, ONE, -ONE, 10 * ONE, -10 * ONE]) | st.integers(-3 * ONE, 3 * ONE)
STARTS = st.sampled_from([0, 1, 2**53]) | st.integers(0, 2**53)


@st.composite
def grids(draw: st.DrawFn, world: dict) -> dict:
    """A grid whose factor is at or above 1 + exit buffer, and whose starts lie at and beside the exposures."""
    risks = {}
    for name in world["markets"]:
        sizes = [p["size"] for p in world["bucket"]["positions"] if p["market"] == name]
        gross = sum(abs(size) for size in sizes) * world["marks"][name]["mark"]
        beside = st.sampled_from([max(0, gross + step) for step in (-1, 0, 1)])
        risks[name] = {field: draw(RATES) for field in ("own", "basis", "floor", "concentration")}
        risks[name] |= {"beta": draw(BETAS), "concentration_start": draw(STARTS | beside)}
    return {
        "factor_shocks": draw(st.lists(st.tuples(MOVES, RATES), min_size=1, max_size=5)),
        "own_shares": draw(st.lists(RATES.map(lambda rate: max(1, rate)), min_size=1, max_size=3)),
        "risks": risks,
        "portfolio_factor": ONE + world["policy"]["exit_buffer"] + draw(st.sampled_from([0, 1, ONE // 5])),
    }


def grid_of(grid: dict) -> ScenarioGrid:
    return check_grid(
        ScenarioGrid(
            version="test",
            factor_shocks=tuple(FactorShock(Rate(move), Rate(credit)) for move, credit in grid["factor_shocks"]),
            own_shares=tuple(Rate(part) for part in grid["own_shares"]),
            risks={name: MarketRisk(**risk) for name, risk in grid["risks"].items()},
            portfolio_factor=Rate(grid["portfolio_factor"]),
        )
    )


def assert_same_portfolio(world: dict, grid: dict) -> None:
    bucket, conditions = terms_of(world)
    core = portfolio_health(bucket, conditions, grid_of(grid))
    expected = model.portfolio_health(world, grid)
    assert {name: getattr(core, name) for name in expected} == expected
    receipt = portfolio_margin(bucket, conditions, grid_of(grid))
    losses = [model.loss_of_row(world, grid, *row) for row in model.rows(grid, list(model.exposures(world)))]
    assert [row.loss for row in receipt.losses] == losses
    assert receipt.worst.loss == max(losses)


@given(st.data())
def test_portfolio_health(data: st.DataObject) -> None:
    world = data.draw(worlds(most_positions=3))
    assert_same_portfolio(world, data.draw(grids(world)))


@given(st.data())
def test_a_factor_under_the_exit_buffer_is_refused(data: st.DataObject) -> None:
    world = data.draw(worlds(most_positions=1))
    assume(world["policy"]["exit_buffer"] > 0)
    grid = {**data.draw(grids(world)), "portfolio_factor": ONE + world["policy"]["exit_buffer"] - 1}
    bucket, conditions = terms_of(world)
    with pytest.raises(BadInput, match=r"grid\.portfolio_factor"):
        portfolio_margin(bucket, conditions, grid_of(grid))


def is_healthy_at(world: dict, grid: dict, market: str, price: int) -> bool:
    moved = world_at(world, market, price)
    return model_health(moved)["equity"] >= model.maintenance(moved, grid)


@settings(max_examples=25)
@given(st.data(), st.integers(2, 40), st.integers(-300, 300), st.integers(0, 12_000))
def test_portfolio_liquidation_price_is_the_first_found_by_walking(
    data: st.DataObject, mark: int, size: int, spare: int
) -> None:
    world = data.draw(worlds(most_positions=1, is_aimed=False))
    assume(world["markets"])
    world["assets"], world["bucket"]["collateral"] = {}, []
    world["markets"]["M0"]["price_max"] = 2**40
    world["marks"]["M0"] = {"mark": mark, "oracle": mark, "funding_index": 0, "open_interest": 0}
    row = {"market": "M0", "entry_notional": 0, "leverage": 1, "funding_index": 0, "bids": 0, "asks": 0}
    world["bucket"]["positions"] = [{**row, "size": size}]
    grid = data.draw(grids(world))
    figures = model_health(world)
    world["bucket"]["raw_usd"] = model.maintenance(world, grid) - figures["equity"] + spare
    bucket, conditions = terms_of(world)
    found = portfolio_liquidation_prices(bucket, conditions, grid_of(grid), "M0")
    down = [p for p in range(mark - 1, 0, -1) if not is_healthy_at(world, grid, "M0", p)][:1]
    up = [p for p in range(mark + 1, 16 * mark + 1) if not is_healthy_at(world, grid, "M0", p)][:1]
    assert found.below == (down[0] + 1 if down else None)
    assert found.above == (up[0] - 1 if up else None)
    bucket = msgspec.structs.replace(bucket, mode=MarginMode.PORTFOLIO)
    for move, points in ((-ONE, down), (ONE // 7, [price for price in up if price <= MARKS_UP * mark])):
        way = reach(bucket, conditions, {"M0": Rate(move)}, grid_of(grid))
        assert (way is None) == (points == [])
        if way is not None:
            assert (way.healthy["M0"], way.under["M0"]) == (points[0] - (1 if move > 0 else -1), points[0])
            assert abs(mark * (1 + way.scale * Fraction(move, ONE)) - points[0]) <= 1


@settings(max_examples=50)
@given(worlds(most_positions=3), st.data())
def test_both_ends_of_a_reach_are_the_cores(world: dict, data: st.DataObject) -> None:
    """By tiers and by a grid, along every standard direction: healthy at the one, liquidatable at the other."""
    assume(world["bucket"]["positions"])
    bucket, conditions = terms_of(world)
    grid = grid_of(data.draw(grids(world)))
    held = settled(msgspec.structs.replace(bucket, mode=data.draw(st.sampled_from(MarginMode))), conditions)
    for direction in standard_directions(held, conditions).values():
        found = reach(held, conditions, direction, grid)
        if found is not None:
            ends = [conditions_with(conditions, prices) for prices in (found.healthy, found.under)]
            assert [is_under_water(held, at, grid) for at in ends] == [found.scale == 0, True]


def conditions_with(conditions: Conditions, prices: dict[str, Price]) -> Conditions:
    for name, price in prices.items():
        conditions = conditions_at(conditions, name, price)
    return conditions


@given(worlds(most_positions=3), st.data())
def test_greeks_without_liquidity(world: dict, data: st.DataObject) -> None:
    bucket, conditions = terms_of(world)
    betas = {name: data.draw(BETAS) for name in world["markets"]}
    found = greeks(bucket, conditions, betas={name: Rate(beta) for name, beta in betas.items()})
    book = {name: perp + spot for name, (perp, spot) in model.exposures(world).items()}
    assert {name: greek.delta for name, greek in found.markets.items()} == book
    assert all(greek.gamma == 0 for greek in found.markets.values())
    assert found.common.delta == floor(sum((Fraction(book[n] * betas[n], ONE) for n in book), Fraction(0)))


ROOT_SCALE = 2**160


def root(price: Fraction) -> Fraction:
    """Square root with 160 binary digits after the point."""
    return Fraction(isqrt(floor(price * ROOT_SCALE**2)), ROOT_SCALE)


def exact_lp(holding: LpHolding, mark: int) -> tuple[Fraction, Fraction]:
    """(value, mark x base amount) of a range from the formulas of section 11, roots to 160 bits."""
    now = Fraction(clip(mark, holding.lower, holding.upper))
    low, high, here = root(Fraction(holding.lower)), root(Fraction(holding.upper)), root(now)
    base = holding.liquidity * (1 / here - 1 / high) * mark
    return holding.liquidity * (here - low) + base, base


LOWERS = st.integers(1, 2**39)


@given(LOWERS, st.integers(1, 2**38), st.integers(0, 2**80), st.integers(1, 2**40))
def test_liquidity_value_and_delta(lower: int, width: int, liquidity: int, mark: int) -> None:
    """Far within one unit of a 32-bit root, on each root."""
    holding = LpHolding(market="M", liquidity=liquidity, lower=lower, upper=lower + width)
    value, delta = exact_lp(holding, mark)
    unit = Fraction(4 * liquidity * max(1, mark // lower + 1), 2**32) + 2
    assert abs(lp_value(holding, Price(mark)) - value) <= unit
    assert abs(lp_delta(holding, Price(mark)) - delta) <= unit
    if lower <= mark < lower + width:
        assert abs(lp_gamma(holding, Price(mark)) + liquidity * root(Fraction(mark)) / 2) <= unit
    else:
        assert lp_gamma(holding, Price(mark)) == 0


@example(lower=2, width=1, liquidity=5_802_179_051, mark=1)
@given(LOWERS, st.integers(1, 2**38), st.integers(0, 2**80), st.integers(1, 2**40))
def test_liquidity_value_never_rounds_up(lower: int, width: int, liquidity: int, mark: int) -> None:
    """Collateral is credited: its value rounds down (SPEC section 0, docstring of lp_value)."""
    holding = LpHolding(market="M", liquidity=liquidity, lower=lower, upper=lower + width)
    assert lp_value(holding, Price(mark)) <= UsdMicro(floor(exact_lp(holding, mark)[0] + Fraction(1, 2**20)))


@pytest.mark.slow
@settings(max_examples=1000)
@given(st.data())
def test_portfolio_health_slow(data: st.DataObject) -> None:
    world = data.draw(worlds(most_positions=6))
    assert_same_portfolio(world, data.draw(grids(world)))
