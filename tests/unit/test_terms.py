"""Terms: one case on each side of every bound, and the name of the field in every refusal."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from seawall.terms import limits
from seawall.terms.asset import Asset, Holding, check_asset
from seawall.terms.bucket import Bucket, BucketKind, Position
from seawall.terms.conditions import Conditions, MarginPolicy, check_bucket
from seawall.terms.grid import SHOCKS_MAX, FactorShock, MarketRisk, ScenarioGrid, check_grid
from seawall.terms.market import Mark, Market, market, tier_of
from seawall.units import RATE_ONE, BadInput, Lots, Price, Rate, UsdMicro

TOP = limits.NOTIONAL_MAX


def made(**changes: Any) -> Market:
    return market(changes.pop("name", "M"), **{"size_decimals": 0, "tiers": [(0, 10)], **changes})


def tiers(count: int) -> list[tuple[int, int]]:
    return [(k, 10) for k in range(count)]


def allowed(build: Callable[[], object]) -> str | None:
    """None when accepted, the field when refused."""
    try:
        build()
    except BadInput as refused:
        return refused.field
    return None


MARKET_BOUNDS: list[tuple[dict[str, Any], str | None]] = [
    ({"name": "X"}, None),
    ({"name": ""}, "market.name"),
    ({"size_decimals": -9}, None),
    ({"size_decimals": -10}, "M.size_decimals"),
    ({"size_decimals": 6}, None),
    ({"size_decimals": 7}, "M.size_decimals"),
    ({"price_max": 1}, None),
    ({"price_max": 0}, "M.price_max"),
    ({"price_max": 2**40}, None),
    ({"price_max": 2**40 + 1}, "M.price_max"),
    ({"tiers": []}, "M.tiers"),
    ({"tiers": tiers(16)}, None),
    ({"tiers": tiers(17)}, "M.tiers"),
    ({"tiers": [(0, 1)]}, None),
    ({"tiers": [(0, 0)]}, "M.tiers[0]"),
    ({"tiers": [(0, 1000)]}, None),
    ({"tiers": [(0, 1001)]}, "M.tiers[0]"),
    ({"tiers": [(0, 1, 1)]}, None),
    ({"tiers": [(0, 1, 0)]}, "M.tiers[0]"),
    ({"tiers": [(0, 1, RATE_ONE // 2)]}, None),
    ({"tiers": [(0, 1, RATE_ONE // 2 + 1)]}, "M.tiers[0]"),
    ({"tiers": [(1, 10)]}, "M.tiers[0]"),
    ({"tiers": [(-1, 10)]}, "M.tiers[0]"),
    ({"tiers": [(0, 10), (1, 10)]}, None),
    ({"tiers": [(0, 10), (0, 10)]}, "M.tiers[1]"),
    ({"tiers": [(0, 10), (5, 9), (5, 8)]}, "M.tiers[2]"),
    ({"tiers": [(0, 10), (TOP, 10)]}, None),
    ({"tiers": [(0, 10), (TOP + 1, 10)]}, "M.tiers[1]"),
    ({"tiers": [(0, 10), (1, 11)]}, "M.tiers[1]"),
    ({"tiers": [(0, 10, 500), (1, 10, 500)]}, None),
    ({"tiers": [(0, 10, 500), (1, 10, 499)]}, "M.tiers[1]"),
    ({"open_interest_lower": -1, "open_interest_upper": 5}, "M.open_interest_upper"),
    ({"open_interest_lower": 5, "open_interest_upper": 5}, None),
    ({"open_interest_lower": 6, "open_interest_upper": 5}, "M.open_interest_upper"),
    ({"initial_live": 0}, None),
    ({"initial_live": -1}, "M.initial_live"),
    ({"initial_live": RATE_ONE}, None),
    ({"initial_live": RATE_ONE + 1}, "M.initial_live"),
]


@pytest.mark.parametrize(("changes", "field"), MARKET_BOUNDS, ids=str)
def test_market_bounds(changes: dict[str, Any], field: str | None) -> None:
    assert allowed(lambda: made(**changes)) == field


def test_market_derives_what_follows_from_its_tiers() -> None:
    terms = made(tiers=[(0, 40), (1000, 25), (5000, 10)], price_max=Price(1000), initial_live=Rate(5))
    rates = [RATE_ONE // 80, RATE_ONE // 50, RATE_ONE // 20]
    assert [tier.maintenance for tier in terms.tiers] == rates
    second = 1000 * (rates[1] - rates[0])
    assert [tier.deduction for tier in terms.tiers] == [0, second, second + 5000 * (rates[2] - rates[1])]
    assert (terms.max_leverage, terms.initial_base, terms.initial_live) == (40, RATE_ONE // 40, RATE_ONE // 40)
    assert terms.size_max == TOP // 1000
    assert made(tiers=[(0, 7)]).initial_base == RATE_ONE // 7 + 1
    assert made(tiers=[(0, 7)]).tiers[0].maintenance == RATE_ONE // 14 + 1


@pytest.mark.parametrize(("amount", "lower"), [(0, 0), (9, 0), (10, 10), (11, 10), (19, 10), (20, 20), (TOP, 20)])
def test_tier_of_a_notional(amount: int, lower: int) -> None:
    terms = made(tiers=[(0, 10), (10, 10), (20, 10)])
    assert tier_of(terms.tiers, UsdMicro(amount)).lower == lower


def asset(**changes: Any) -> Asset:
    fields = {"name": "A", "size_decimals": 0, "oracle": 5, "stable": 5, "weight_initial": 1, "weight_maintenance": 2}
    return check_asset(Asset(**{**fields, **changes}))


ASSET_BOUNDS: list[tuple[dict[str, Any], str | None]] = [
    *[({name: 1}, None) for name in ("oracle", "stable", "redemption")],
    *[({name: 0}, "A.oracle") for name in ("oracle", "stable", "redemption")],
    *[({name: 2**40}, None) for name in ("oracle", "stable", "redemption")],
    *[({name: 2**40 + 1}, "A.oracle") for name in ("oracle", "stable", "redemption")],
    ({"redemption": None}, None),
    ({"weight_initial": 0}, None),
    ({"weight_initial": -1}, "A.weight_initial"),
    ({"weight_initial": 2}, None),
    ({"weight_initial": 3}, "A.weight_initial"),
    ({"weight_maintenance": RATE_ONE}, None),
    ({"weight_maintenance": RATE_ONE + 1}, "A.weight_initial"),
    ({"supply_start": 0, "supply_total": 0}, None),
    ({"supply_start": -1}, "A.supply_start"),
    ({"supply_total": -1}, "A.supply_start"),
    ({"liquidation_discount": 0}, None),
    ({"liquidation_discount": -1}, "A.liquidation_discount"),
    ({"liquidation_discount": RATE_ONE - 1}, None),
    ({"liquidation_discount": RATE_ONE}, "A.liquidation_discount"),
]


@pytest.mark.parametrize(("changes", "field"), ASSET_BOUNDS, ids=str)
def test_asset_bounds(changes: dict[str, Any], field: str | None) -> None:
    assert allowed(lambda: asset(**changes)) == field


def position(**changes: Any) -> Position:
    return Position(**{"market": "M", "size": 1, **changes})


def checked(*positions: Position, mark: dict[str, Any] | None = None, **changes: Any) -> Bucket:
    names = [p.market for p in positions]
    markets = {name: made(name=name, price_max=Price(1000)) for name in names if name != "unlisted"}
    moving = Mark(**{"mark": 1000, "oracle": 1000, **(mark or {})})
    marks = {name: moving for name in names if name != "unpriced"}
    conditions = Conditions(markets=markets, marks=marks, assets={"A": asset()})
    return check_bucket(Bucket(**{"raw_usd": UsdMicro(0), "positions": positions, **changes}), conditions)


SIZE_MAX = TOP // 1000

POSITION_BOUNDS: list[tuple[dict[str, Any], str | None]] = [
    ({"market": "unlisted"}, "market"),
    ({"market": "unpriced"}, "mark"),
    ({"size": 0}, None),
    *[({"size": sign * SIZE_MAX}, None) for sign in (1, -1)],
    *[({"size": sign * (SIZE_MAX + 1)}, "positions.M.size") for sign in (1, -1)],
    ({"size": 1, "bids": SIZE_MAX - 1}, None),
    ({"size": 1, "bids": SIZE_MAX}, "positions.M.size"),
    ({"size": 1, "asks": SIZE_MAX + 1}, None),
    ({"size": 1, "asks": SIZE_MAX + 2}, "positions.M.size"),
    ({"bids": -1}, "positions.M.bids"),
    ({"asks": -1}, "positions.M.bids"),
    ({"leverage": 1}, None),
    ({"leverage": 0}, "positions.M.leverage"),
    ({"leverage": 1000}, None),
    ({"leverage": 1001}, "positions.M.leverage"),
    *[({"entry_notional": sign * TOP}, None) for sign in (1, -1)],
    *[({"entry_notional": sign * (TOP + 1)}, "positions.M.entry_notional") for sign in (1, -1)],
    *[({"funding_index": sign * 2**62}, None) for sign in (1, -1)],
    *[({"funding_index": sign * (2**62 + 1)}, "positions.M.funding_index") for sign in (1, -1)],
]


@pytest.mark.parametrize(("changes", "field"), POSITION_BOUNDS, ids=str)
def test_position_bounds(changes: dict[str, Any], field: str | None) -> None:
    assert allowed(lambda: checked(position(**changes))) == field


MARK_BOUNDS: list[tuple[dict[str, Any], str | None]] = [
    ({"mark": 1}, None),
    ({"mark": 0}, "marks.M.mark"),
    ({"mark": 1001}, "marks.M.mark"),
    ({"oracle": 1}, None),
    ({"oracle": 0}, "marks.M.oracle"),
    ({"oracle": 1001}, "marks.M.oracle"),
    *[({"funding_index": sign * 2**62}, None) for sign in (1, -1)],
    *[({"funding_index": sign * (2**62 + 1)}, "positions.M.funding_index") for sign in (1, -1)],
]


@pytest.mark.parametrize(("changes", "field"), MARK_BOUNDS, ids=str)
def test_mark_bounds(changes: dict[str, Any], field: str | None) -> None:
    assert allowed(lambda: checked(position(), mark=changes)) == field


def many(count: int) -> list[Position]:
    return [position(market=f"M{k}") for k in range(count)]


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: checked(raw_usd=UsdMicro(2**61)), None),
        (lambda: checked(raw_usd=UsdMicro(-(2**61))), None),
        (lambda: checked(raw_usd=UsdMicro(2**61 + 1)), "raw_usd"),
        (lambda: checked(raw_usd=UsdMicro(-(2**61) - 1)), "raw_usd"),
        (lambda: checked(*many(64)), None),
        (lambda: checked(*many(65)), "positions"),
        (lambda: checked(position(), position()), "positions"),
        (lambda: checked(*many(1), kind=BucketKind.ISOLATED), None),
        (lambda: checked(*many(2), kind=BucketKind.ISOLATED), "positions"),
        (lambda: checked(collateral=(Holding("A", Lots(0)),)), None),
        (lambda: checked(collateral=(Holding("A", Lots(-1)),)), "collateral.A"),
        (lambda: checked(collateral=(Holding("A", Lots(2**61)),)), None),
        (lambda: checked(collateral=(Holding("A", Lots(2**61 + 1)),)), "collateral.A"),
        (lambda: checked(collateral=(Holding("B", Lots(1)),)), "asset"),
    ],
)
def test_bucket_bounds(build: Callable[[], object], field: str | None) -> None:
    assert allowed(build) == field


def grid(**changes: Any) -> ScenarioGrid:
    risk = {"beta": 0, "own": 0, "basis": 0, "floor": 0, "concentration_start": 0, "concentration": 0}
    risks = {"M": MarketRisk(**{**risk, **changes.pop("risk", {})})}
    fields = {"version": "1", "factor_shocks": (FactorShock(Rate(0), Rate(0)),), "own_shares": (RATE_ONE,)}
    return check_grid(ScenarioGrid(**{**fields, "risks": risks, "portfolio_factor": RATE_ONE, **changes}))


def shock(move: int, credit: int) -> dict[str, Any]:
    return {"factor_shocks": (FactorShock(Rate(move), Rate(credit)),)}


UNIT_RATES = ("own", "basis", "floor", "concentration")
GRID_BOUNDS: list[tuple[dict[str, Any], str | None]] = [
    ({"factor_shocks": ()}, "grid.factor_shocks"),
    ({"factor_shocks": (FactorShock(Rate(0), Rate(0)),) * SHOCKS_MAX}, None),
    ({"factor_shocks": (FactorShock(Rate(0), Rate(0)),) * (SHOCKS_MAX + 1)}, "grid.factor_shocks"),
    *[(shock(sign * RATE_ONE, 0), None) for sign in (1, -1)],
    *[(shock(sign * (RATE_ONE + 1), 0), "grid.factor_shocks") for sign in (1, -1)],
    (shock(0, RATE_ONE), None),
    (shock(0, RATE_ONE + 1), "grid.factor_shocks"),
    (shock(0, -1), "grid.factor_shocks"),
    ({"own_shares": (1,)}, None),
    ({"own_shares": (0,)}, "grid.own_shares"),
    ({"own_shares": (RATE_ONE + 1,)}, "grid.own_shares"),
    ({"portfolio_factor": RATE_ONE - 1}, "grid.portfolio_factor"),
    *[({"risk": {name: RATE_ONE}}, None) for name in UNIT_RATES],
    *[({"risk": {name: RATE_ONE + 1}}, "grid.risks.M") for name in UNIT_RATES],
    *[({"risk": {name: -1}}, "grid.risks.M") for name in UNIT_RATES],
    ({"risk": {"concentration_start": -1}}, "grid.risks.M"),
    *[({"risk": {"beta": sign * 10 * RATE_ONE}}, None) for sign in (1, -1)],
    *[({"risk": {"beta": sign * (10 * RATE_ONE + 1)}}, "grid.risks.M.beta") for sign in (1, -1)],
]


@pytest.mark.parametrize(("changes", "field"), GRID_BOUNDS, ids=str)
def test_grid_bounds(changes: dict[str, Any], field: str | None) -> None:
    assert allowed(lambda: grid(**changes)) == field


def test_a_market_without_risk_parameters_is_named() -> None:
    assert allowed(lambda: grid().risk("N")) == "grid.risks"
    assert grid().risk("M").beta == 0


@pytest.mark.parametrize(
    "record", [position(), asset(), made(), Holding("A", Lots(1)), Mark(mark=Price(1), oracle=Price(1))]
)
def test_terms_are_frozen(record: msgspec.Struct) -> None:
    with pytest.raises(AttributeError, match="immutable"):
        setattr(record, record.__struct_fields__[0], "changed")


def test_bounds_fit_int64_as_the_table_says() -> None:
    sums = limits.POSITIONS_PER_BUCKET * limits.NOTIONAL_MAX
    assert sums == 2**59
    assert limits.POSITIONS_PER_BUCKET * (limits.NOTIONAL_MAX >> limits.SPLIT_BITS) * RATE_ONE < 2**63
    assert limits.RAW_USD_MAX + 2 * sums < 2**63


@pytest.mark.parametrize(
    ("field", "value", "is_allowed"),
    [
        ("exit_buffer", 0, True),
        ("exit_buffer", -1, False),
        ("exit_buffer", RATE_ONE + 1, False),
        ("withdrawal_floor", RATE_ONE, True),
        ("withdrawal_floor", -1, False),
        ("profit_weight", RATE_ONE, True),
        ("profit_weight", RATE_ONE + 1, False),
        ("profit_cap", 0, True),
        ("profit_cap", -1, False),
    ],
)
def test_policy_is_bounded(field: str, value: int, is_allowed: bool) -> None:
    policy = MarginPolicy(**{field: value})
    conditions = Conditions(markets={}, marks={}, policy=policy)
    if is_allowed:
        assert check_bucket(Bucket(raw_usd=0), conditions) == Bucket(raw_usd=0)
    else:
        with pytest.raises(BadInput, match=f"policy.{field}"):
            check_bucket(Bucket(raw_usd=0), conditions)


def test_assets_a_bucket_are_bounded() -> None:
    names = [f"A{n}" for n in range(limits.ASSETS_PER_BUCKET + 1)]
    assets = {
        name: Asset(name=name, size_decimals=0, oracle=1, stable=1, weight_initial=0, weight_maintenance=0)
        for name in names
    }
    conditions = Conditions(markets={}, marks={}, assets=assets)
    held = tuple(Holding(name, 1) for name in names)
    check_bucket(Bucket(raw_usd=0, collateral=held[:-1]), conditions)
    with pytest.raises(BadInput, match="at most 64"):
        check_bucket(Bucket(raw_usd=0, collateral=held), conditions)
