"""dYdX's, Drift's and Mango's published figures: all match, and any figure moved a little misses."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from seawall.tools.conformance import drift, dydx, mango
from seawall.units import BadInput

FAMILIES = dydx.FAMILIES | drift.FAMILIES | mango.FAMILIES


def cases(shared: Path, family: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads((shared / "vectors" / f"{family}.json").read_text())["cases"]
    assert listed
    return listed


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_published_case_matches(shared: Path, family: str) -> None:
    check = FAMILIES[family]
    assert [case["id"] for case in cases(shared, family) if not check(case["input"], case["expected"])] == []


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_perturbed_figure_misses(shared: Path, family: str) -> None:
    check = FAMILIES[family]
    for case in cases(shared, family):
        for field, published in case["expected"].items():
            for moved in (nudged(family, published, 1), nudged(family, published, -1)):
                assert not check(case["input"], case["expected"] | {field: moved}), (case["id"], field, moved)


def nudged(family: str, published: str, direction: int) -> str:
    if family == "mango_health":
        value = Fraction(published)
        return str(float(value + direction * max(abs(value), Fraction(1)) / 10**5))
    return str(int(published) + direction)


def test_a_field_nobody_computes_misses() -> None:
    values = {"initial_margin_ppm": "150000", "maintenance_fraction_ppm": "800000"}
    assert dydx.margin_tiers(values, {"maintenance_margin_ppm": "120000"})
    assert not dydx.margin_tiers(values, {"maintenance_margin_ppm": "120000", "other": "1"})
    assert not dydx.margin_tiers(values, {})


@pytest.mark.parametrize("is_buy", [False, "false"])
def test_side_is_read_from_json_or_text(is_buy: bool | str) -> None:
    perpetual = {
        "perpetual_id": 0,
        "atomic_resolution": "-8",
        "initial_margin_ppm": "200000",
        "maintenance_fraction_ppm": "500000",
        "price": "5000000000",
        "price_exponent": "-5",
    }
    values = {
        "perpetuals": [perpetual],
        "usdc_quantums": "-5100000000",
        "positions": [{"perpetual_id": "0", "quantums": "10000000"}],
        "perpetual_id": "0",
        "is_buy": is_buy,
        "fill_amount": "5000000",
        "subticks": "51000000000",
        "quantum_conversion_exponent": "-8",
        "max_liquidation_fee_ppm": "5000",
    }
    # half of 0.1 BTC at 51,000: 2,550 against a bankruptcy price of 2,500 + 50
    assert dydx.insurance_fund_delta(values, {"insurance_fund_delta_quote_quantums": "0"})


def test_updates_of_one_perpetual_add_up_and_may_open_it() -> None:
    perpetual = {
        "perpetual_id": "0",
        "atomic_resolution": "-8",
        "initial_margin_ppm": "100000",
        "maintenance_fraction_ppm": "500000",
        "price": "5000000000",
        "price_exponent": "-5",
        "funding_index": "10",
    }
    updates = [{"perpetual_id": "0", "quantums_delta": delta} for delta in ("100000000", "-150000000")]
    values = {"perpetuals": [perpetual], "usdc_quantums": "30000000000", "positions": [], "position_updates": updates}
    expected = {"net_collateral": "5000000000", "initial_margin": "2500000000", "maintenance_margin": "1250000000"}
    assert dydx.net_collateral(values, expected)


@pytest.mark.parametrize(
    ("values", "value"),
    [
        ({"base_amount": "-10000000000", "oracle_price": "100000000", "margin_ratio": "1000"}, 100_000_000),
        ({"base": "1000000000", "price": "100000000", "margin_ratio": "1000", "imf_factor": "30000"}, 11_000_000),
        ({"base_amount": "0", "oracle_price": "100000000", "margin_ratio": "1000", "imf_factor": "1"}, 0),
    ],
)
def test_drift_perp_margin_requirement(values: dict[str, str], value: int) -> None:
    assert drift.margin_liquidation({"fn": "perp_margin_requirement", **values}, {"value": str(value)})


def test_an_unknown_function_is_refused() -> None:
    with pytest.raises(BadInput, match="unknown function"):
        drift.margin_liquidation({"fn": "liquidate_everything"}, {"value": "0"})


def test_mango_reads_an_account_without_markets_and_banks() -> None:
    assert mango.health({"token_native": ["100", "-10", "1/2"]}, {"init_health": "7.5"})
    with pytest.raises(BadInput):
        mango.health({"token_native": ["100", "-10"]}, {"init_health": "5"})
    with pytest.raises(BadInput):
        mango.health({"token_native": ["100", "-10", "1/0"]}, {"init_health": "5"})
