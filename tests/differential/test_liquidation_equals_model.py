"""Differential: liquidation prices and the surface equal the model's search over health."""

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from build import market_of, terms_of
from model import liquidation as model
from model.margin import health as model_health
from seawall.margin.liquidation_price import LiquidationPoint, LiquidationPrices, liquidation_prices, solve_linear
from seawall.margin.surface import surface
from seawall.units import BadInput, Rate
from strategies import ONE, PRICE_MAX, clip, crowded_worlds, tier_tables, worlds

FEES = st.sampled_from([0, 0, 1, ONE // 2000, ONE // 100])


@st.composite
def priced_worlds(draw: st.DrawFn, is_linked: bool) -> tuple[dict, str]:
    """A world and one of its markets whose mark moves the bucket; linked collateral follows it, or there is none."""
    world = draw(worlds(most_positions=3))
    assume(world["bucket"]["positions"])
    name = draw(st.sampled_from(sorted(world["markets"])))
    for asset in world["assets"].values():
        if not is_linked:
            asset["underlying"] = None
        elif asset["underlying"] is not None:
            asset["underlying"] = name
    assume(moves_with(world, name))
    return world, name


def moves_with(world: dict, name: str) -> bool:
    sizes = [p["size"] for p in world["bucket"]["positions"] if p["market"] == name]
    linked = [a for a, _ in world["bucket"]["collateral"] if world["assets"][a]["underlying"] == name]
    return any(sizes) or bool(linked)


def core_prices(world: dict, name: str, fee: int = 0) -> LiquidationPrices:
    bucket, conditions = terms_of(world)
    return liquidation_prices(bucket, conditions, name, Rate(fee))


def exact_of(found: LiquidationPrices) -> tuple[Fraction | None, Fraction | None]:
    """Both exact points."""
    return tuple(point.exact if point else None for point in (found.below, found.above))


def assert_edges(world: dict, name: str, found: LiquidationPrices, fee: int) -> None:
    """The integer test holds at the price and fails one further on."""
    if found.below is not None:
        assert model.is_safe_at(world, name, found.below.price, fee)
        assert not model.is_safe_at(world, name, found.below.price - 1, fee)
    if found.above is not None:
        assert model.is_safe_at(world, name, found.above.price, fee)
        assert not model.is_safe_at(world, name, found.above.price + 1, fee)


@given(priced_worlds(is_linked=False), FEES)
def test_one_position_moving(case: tuple[dict, str], fee: int) -> None:
    world, name = case
    found = core_prices(world, name, fee)
    assert exact_of(found) == model.exact_prices(world, name, fee)
    assert found.below is None or found.above is None
    assert_edges(world, name, found, fee)


@given(priced_worlds(is_linked=False))
def test_price_equals_bisection_of_health(case: tuple[dict, str]) -> None:
    """The whole price is the edge that bisection over health finds between the mark and a price beyond the point."""
    world, name = case
    found = core_prices(world, name)
    point = found.below or found.above
    far = 2 ** (2 + max(PRICE_MAX, int(point.exact) if point else 0).bit_length())
    ends = (0, far) if point is None or point is found.above else (far, 0)
    is_safe = [model.is_safe_at(world, name, price) for price in ends]
    if point is None:
        assert model.is_safe_at(world, name, far) == model.is_safe_at(world, name, 1)
    elif is_safe == [True, False]:
        assert point.price == model.bisect(lambda price: model.is_safe_at(world, name, price), *ends)
    else:
        assert point is found.above
        assert is_safe == [False, False]
        assert point.price == 0


@settings(max_examples=15)
@given(crowded_worlds(), st.data())
def test_one_of_64_positions_moving(world: dict, data: st.DataObject) -> None:
    for asset in world["assets"].values():
        asset["underlying"] = None
    assume(world["markets"])
    name = data.draw(st.sampled_from(sorted(world["markets"])))
    assume(moves_with(world, name))
    found = core_prices(world, name)
    assert exact_of(found) == model.exact_prices(world, name)
    assert_edges(world, name, found, 0)


@given(st.integers(-(10**9), 10**9), st.integers(-(10**15), 10**15), tier_tables(), FEES)
def test_solve_linear(size: int, fixed: int, tiers: list, fee: int) -> None:
    row = {"tiers": tiers, "price_max": 1, "initial_live": 0, "oi_lower": 0, "oi_upper": 0}
    core = solve_linear(size=size, fixed=fixed, tiers=market_of(row).tiers, closing_fee=Rate(fee))
    assert [core] == (model.solve_linear(Fraction(size), Fraction(fixed), tiers, fee) or [None])


@given(priced_worlds(is_linked=True), FEES)
def test_linked_collateral_gives_a_point_on_each_side(case: tuple[dict, str], fee: int) -> None:
    world, name = case
    assert exact_of(core_prices(world, name, fee)) == model.exact_prices(world, name, fee)


@given(priced_worlds(is_linked=True))
def test_linked_collateral_whole_prices_are_edges(case: tuple[dict, str]) -> None:
    world, name = case
    found = core_prices(world, name)
    assert_last_safe(world, name, found.below, -1)
    assert_last_safe(world, name, found.above, 1)


def assert_last_safe(world: dict, name: str, point: LiquidationPoint | None, outward: int) -> None:
    """The price is safe, so is every one between it and a healthy mark, and the next one out is not.

    Where collateral is much coarser than the market, the price may stay on the safe side of the last (4,096 steps).
    """
    if point is None:
        return
    mark = world["marks"][name]["mark"]
    assert model.is_safe_at(world, name, point.price)
    if model.is_safe_at(world, name, mark) and (mark - point.price) * outward < 0:
        between = sorted((mark, point.price))
        step = max(1, (between[1] - between[0]) // 50)
        assert all(model.is_safe_at(world, name, price) for price in range(*between, step))
        assert all(
            model.is_safe_at(world, name, point.price - outward * k) for k in range(min(30, between[1] - between[0]))
        )
    is_walked_out = abs(point.price - point.exact) > 2
    assert is_walked_out or not model.is_safe_at(world, name, point.price + outward)


def linked_world(*, mark: int, raw: int, size: int, balance: int, tiers: list, oracle: int) -> dict:
    """One short position and collateral that moves with its market, all weights 1."""
    prices = {"oracle": oracle, "stable": oracle, "redemption": None, "underlying": "M"}
    weights = {"weight_initial": ONE, "weight_maintenance": ONE, "supply_start": 0, "supply_total": 0}
    row = {"market": "M", "size": size, "entry_notional": 0, "leverage": 1, "funding_index": 0, "bids": 0, "asks": 0}
    return {
        "markets": {"M": {"tiers": tiers, "price_max": PRICE_MAX, "initial_live": 0, "oi_lower": 0, "oi_upper": 0}},
        "marks": {"M": {"mark": mark, "oracle": mark, "funding_index": 0, "open_interest": 0}},
        "assets": {"A": {**prices, **weights}},
        "policy": {"exit_buffer": 0, "withdrawal_floor": 0, "profit_weight": ONE, "profit_cap": None},
        "bucket": {"raw_usd": raw, "positions": [row], "collateral": [("A", balance)]},
    }


TWO_SIDED = [(0, 5, ONE // 10), (1000, 1, ONE // 2)]
FLAT_ABOVE = [(0, 5, ONE // 10), (1000, 1, ONE // 5)]


@pytest.mark.parametrize(
    ("mark", "raw", "balance", "tiers", "expected"),
    [
        pytest.param(100, -100, 13, TWO_SIDED, (50, 150), id="mark between the points"),
        pytest.param(20, -100, 13, TWO_SIDED, (50, 150), id="mark under both points"),
        pytest.param(200, -100, 13, TWO_SIDED, (50, 150), id="mark over both points"),
        pytest.param(100, -200, 13, TWO_SIDED, (100, 100), id="healthy at one price only"),
        pytest.param(200, -100, 12, FLAT_ABOVE, (100, None), id="equal to maintenance from a price on"),
    ],
)
def test_two_points(mark: int, raw: int, balance: int, tiers: list, expected: tuple) -> None:
    world = linked_world(mark=mark, raw=raw, size=-10, balance=balance, tiers=tiers, oracle=mark)
    assert model.exact_prices(world, "M") == expected
    assert exact_of(core_prices(world, "M")) == expected


def test_no_liquidating_price_between_the_mark_and_the_point_when_collateral_is_coarser_than_the_market() -> None:
    """The asset's price moves in whole micro-USD: just after each step down the short has cost more than it gained."""
    tiers = [(0, 5, ONE // 10), (4144, 2, ONE // 4)]
    world = linked_world(mark=86, raw=-2963, size=-20, balance=159, tiers=tiers, oracle=36)
    found = core_prices(world, "M")
    assert found.below is not None
    assert [p for p in range(found.below.price, 87) if not model.is_safe_at(world, "M", p)] == []


def test_closing_fee_rounds_up_like_any_other_debt() -> None:
    """SPEC section 0: what is owed rounds up. Equity less the whole fee must cover the whole maintenance."""
    for raw in range(-400, -340):
        world = linked_world(mark=100, raw=raw, size=3, balance=0, tiers=[(0, 5, ONE // 7)], oracle=100)
        assert_edges(world, "M", core_prices(world, "M", ONE // 11), ONE // 11)


def test_a_point_at_price_zero_is_none() -> None:
    """A short without any equity is liquidatable at every price above zero."""
    world = linked_world(mark=100, raw=0, size=-1, balance=0, tiers=[(0, 1, 1)], oracle=100)
    assert core_prices(world, "M") == LiquidationPrices(None, None)


DIRECTION = st.dictionaries(
    st.sampled_from(["M0", "M1", "M2"]),
    st.sampled_from([-ONE, ONE, -ONE // 3, 1, -1, 10 * ONE, 0]) | st.integers(-3 * ONE, 3 * ONE),
    min_size=1,
)


def assert_same_surface(world: dict, moves: dict[str, int]) -> None:
    bucket, conditions = terms_of(world)
    moves = {name: move for name, move in moves.items() if name in world["markets"]}
    if not any(moves.values()):
        with pytest.raises(BadInput):
            surface(bucket, conditions, {"d": moves})
        return
    point = surface(bucket, conditions, {"d": moves})["d"]
    expected = model.nearest_scale(world, moves)
    assert (point.scale if point else None) == expected
    if point is not None:
        marks = world["marks"]
        assert point.prices == {n: marks[n]["mark"] * (1 + Fraction(m, ONE) * point.scale) for n, m in moves.items()}


@given(worlds(most_positions=3), DIRECTION)
def test_surface(world: dict, moves: dict[str, int]) -> None:
    assert_same_surface(world, moves)


@given(worlds(most_positions=3), DIRECTION)
def test_surface_with_deep_equity(world: dict, moves: dict[str, int]) -> None:
    """Equity well above maintenance, so that the point lies tiers away."""
    figures = model_health(world)
    raw = world["bucket"]["raw_usd"] - figures["equity"] + figures["maintenance"] + figures["notional"] // 3
    world["bucket"]["raw_usd"] = clip(raw, -(2**61), 2**61)
    assert_same_surface(world, moves)


@given(priced_worlds(is_linked=False))
def test_surface_of_one_market_is_its_liquidation_price(case: tuple[dict, str]) -> None:
    world, name = case
    bucket, conditions = terms_of(world)
    figures = model_health(world)
    assume(figures["equity"] > figures["maintenance"])
    found = liquidation_prices(bucket, conditions, name)
    points = surface(bucket, conditions, {"down": {name: Rate(-ONE)}, "up": {name: Rate(ONE)}})
    down, up = points["down"], points["up"]
    assert (down.prices[name] if down else None) == (found.below.exact if found.below else None)
    assert (up.prices[name] if up else None) == (found.above.exact if found.above else None)


@pytest.mark.slow
@settings(max_examples=1000)
@given(priced_worlds(is_linked=False), FEES)
def test_one_position_moving_slow(case: tuple[dict, str], fee: int) -> None:
    world, name = case
    found = core_prices(world, name, fee)
    assert exact_of(found) == model.exact_prices(world, name, fee)
    assert_edges(world, name, found, fee)


@pytest.mark.slow
@settings(max_examples=1000)
@given(worlds(most_positions=3), DIRECTION)
def test_surface_slow(world: dict, moves: dict[str, int]) -> None:
    assert_same_surface(world, moves)
