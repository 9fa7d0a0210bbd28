"""Terms from decimal text refuse what is not exact: floats, truth values, blanks, and words for whole numbers."""

from collections.abc import Callable
from typing import Any

import pytest

from seawall import (
    asset_of,
    bucket_of,
    conditions_of,
    holding_of,
    liquidation_prices,
    mark_of,
    market_of,
    position_of,
    solve_linear,
)
from seawall.units import BadInput

BTC = market_of("BTC", size_decimals=5, tiers=[("0", 40)], price_now="50000")
CONDITIONS = conditions_of([BTC], {"BTC": mark_of(BTC, "50000")})
BUCKET = bucket_of(CONDITIONS, cash="1000", positions=[position_of(BTC, "0.2", "50000", leverage=10)])


def market_with(**changes: Any) -> object:
    given: dict[str, Any] = {"name": "BTC", "size_decimals": 5, "tiers": [("0", 40)], "price_now": "50000"}
    return market_of(**{**given, **changes})


def asset_with(**changes: Any) -> object:
    given: dict[str, Any] = {"name": "E", "size_decimals": 4, "oracle": "3000"}
    return asset_of(**{**given, "weight_initial": "0.9", "weight_maintenance": "0.95", **changes})


WHOLE: list[tuple[str, Callable[[Any], object]]] = [
    ("BTC.size_decimals", lambda v: market_with(size_decimals=v)),
    ("BTC.tiers[0].max_leverage", lambda v: market_with(tiers=[("0", v)])),
    ("E.size_decimals", lambda v: asset_with(size_decimals=v)),
    ("BTC.leverage", lambda v: position_of(BTC, "0.2", "50000", leverage=v)),
    ("BTC.funding_index", lambda v: position_of(BTC, "0.2", "50000", funding_index=v)),
    ("BTC.funding_index", lambda v: mark_of(BTC, "50000", funding_index=v)),
    ("closing_fee", lambda v: liquidation_prices(BUCKET, CONDITIONS, "BTC", v)),
    ("closing_fee", lambda v: solve_linear(size=1, fixed=-5, tiers=BTC.tiers, closing_fee=v)),
]
DECIMAL: list[tuple[str, Callable[[Any], object]]] = [
    ("BTC.price", lambda v: market_with(price_now=v)),
    ("BTC.tiers[0].lower", lambda v: market_with(tiers=[(v, 40)])),
    ("BTC.tiers[0].maintenance", lambda v: market_with(tiers=[("0", 40, v)])),
    ("BTC.size", lambda v: position_of(BTC, v, "50000")),
    ("BTC.entry", lambda v: position_of(BTC, "0.2", v)),
    ("BTC.bids", lambda v: position_of(BTC, "0.2", "50000", bids=v)),
    ("BTC.mark", lambda v: mark_of(BTC, v)),
    ("E.weight_initial", lambda v: asset_with(weight_initial=v)),
    ("E.balance", lambda v: holding_of(asset_with(), v)),  # type: ignore[arg-type]
    ("cash", lambda v: bucket_of(CONDITIONS, cash=v)),
]


@pytest.mark.parametrize("value", [1.0, 2.5, None, True, "10", 10**30, -(10**30)])
@pytest.mark.parametrize(("field", "build"), WHOLE)
def test_whole_numbers(field: str, build: Callable[[Any], object], value: Any) -> None:
    with pytest.raises(BadInput) as refused:
        build(value)
    assert refused.value.field == field


@pytest.mark.parametrize("value", [1.5, None, True, "", " 1", "nan", "1e99", "1,5"])
@pytest.mark.parametrize(("field", "build"), DECIMAL)
def test_decimals(field: str, build: Callable[[Any], object], value: Any) -> None:
    with pytest.raises(BadInput) as refused:
        build(value)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("field", "build"),
    [
        ("market.name", lambda: market_with(name=5)),
        ("BTC.tiers[0]", lambda: market_with(tiers=[("0",)])),
        ("BTC.tiers[0]", lambda: market_with(tiers="0:40")),
        ("BTC.entry", lambda: position_of(BTC, "1", "0")),
        ("BTC.entry", lambda: position_of(BTC, "1", "-5")),
        ("markets", lambda: conditions_of([BTC, BTC], {})),
        ("assets", lambda: conditions_of([], {}, assets=[asset_with(), asset_with()])),  # type: ignore[list-item]
    ],
)
def test_what_makes_no_sense(field: str, build: Callable[[], object]) -> None:
    with pytest.raises(BadInput) as refused:
        build()
    assert refused.value.field == field
