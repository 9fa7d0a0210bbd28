"""Every family matches what its source published, and misses when a published figure is moved past its tolerance."""

import copy
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from seawall.tools.conformance import cex, hyperliquid, uniswap_v3
from seawall.tools.conformance.families import CHECKS, GROUPS
from seawall.tools.conformance.runner import Case
from seawall.tools.conformance.suite import Result, run_family

FITS_NO_RULE = {"hl_funding_rate": ("BTC-1689469200058",)}  # its own source says so
FAMILIES = sorted([*CHECKS, *GROUPS])
RELATIVE = {
    "binance_tiers": Fraction(1, 10**6),
    "mango_health": Fraction(1, 10**6),
    "hl_isolated_real_2024": Fraction(1, 10**4),
}
HL_FIELDS = {"margin_used": Fraction(11, 10**7), "return_on_equity": Fraction(1, 10**6)}


def cases_of(shared: Path, family: str) -> list[Case]:
    path = shared / "vectors" / f"{family}.json"
    if not path.is_file():
        pytest.skip(f"{path.name} is not among the shared vectors")
    return [
        Case(id=row["id"], input=row["input"], expected=row["expected"])
        for row in json.loads(path.read_text())["cases"]
    ]


def tolerance(family: str, case: Case, field: str, value: Fraction) -> Fraction:
    """What the family's README allows for this figure; 0 for exact integers."""
    if family in RELATIVE:
        return RELATIVE[family] * abs(value)
    if family in ("hl_positions", "hl_liq_legacy2023", "hl_liq_unified_accounts"):
        price = Fraction(1, 10**10 if family == "hl_liq_unified_accounts" else 10**8) * abs(value)
        return HL_FIELDS.get(field, price)
    if family == "hl_accounts":
        is_truncated = "margin_used" in field
        return Fraction(len(case.input["positions"]) if is_truncated else 1, 10**6)
    if family == "cex_liquidation_price":
        two_decimals = len(str(case.expected[field]).partition(".")[2]) == 2
        return Fraction(1, 100) if two_decimals else abs(value) / 10**6
    return {"hl_funding_rate": Fraction(6, 10**9), "hl_premium": Fraction(6, 10**11)}.get(family, Fraction(0))


def decimal(value: Fraction) -> str:
    """Exact decimal text of a value with a finite expansion, else 30 digits."""
    scaled = value * 10**30
    digits = abs(round(scaled))
    return f"{'-' if scaled < 0 else ''}{digits // 10**30}.{digits % 10**30:030d}"


def moved(family: str, case: Case, field: str, value: Any, direction: int) -> Any:
    """The figure a bit past twice its tolerance: wherever in the tolerance the truth lies, this is outside it."""
    if isinstance(value, list):
        last = moved(family, case, field, value[-1], direction)
        return [*value[:-1], last]
    if isinstance(value, str) and value.startswith("0x"):  # a hash, or half a signature
        return f"0x{(int(value, 16) + direction) % 16 ** (len(value) - 2):0{len(value) - 2}x}"
    number = Fraction(value)
    allowed = tolerance(family, case, field, number)
    if allowed == 0 and number.denominator == 1:
        return str(number.numerator + direction)
    if allowed == Fraction(1, 100):
        return f"{float(number) + 0.03 * direction:.2f}"
    return decimal(number + direction * (allowed * Fraction(21, 10) + Fraction(1, 10**15)))


def altered(family: str, case: Case) -> Iterator[tuple[str, Case]]:
    """The case with one published figure changed, every way that must be noticed."""
    for field, value in case.expected.items():
        if field == "withdrawable_observed" or field.endswith("_den"):
            continue  # information only; a denominator alone may leave 0/x as it is
        changes: list[Any] = ["1"] if value is None else [None, moved(family, case, field, value, 1)]
        if value is not None:
            changes.append(moved(family, case, field, value, -1))
        for change in changes:
            expected = {**copy.deepcopy(case.expected), field: change}
            yield f"{case.id}: {field} {value} -> {change}", Case(id=case.id, input=case.input, expected=expected)


def judged(family: str, cases: list[Case], position: int, replacement: Case) -> bool:
    """Whether the replaced case still matches, judged among the others where the family needs them."""
    if family in CHECKS:
        return run_family(family, [replacement]).matched == 1
    group = [*cases[:position], replacement, *cases[position + 1 :]]
    return replacement.id not in missed(run_family(family, group))


def missed(result: Result) -> tuple[str, ...]:
    return tuple(miss.id for miss in result.misses)


def account_of(case: Case) -> str:
    return case.id.rpartition("/")[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_all_cases_match(shared: Path, family: str) -> None:
    cases = cases_of(shared, family)
    result = run_family(family, cases)
    assert missed(result) == FITS_NO_RULE.get(family, ())
    assert result.total == len(cases) > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_a_moved_figure_misses(shared: Path, family: str) -> None:
    """Under the unified accounts, an account with one price only can not be held against anything."""
    cases = cases_of(shared, family)
    priced = [account_of(c) for c in cases if c.expected.get("liquidation_px") is not None]
    unnoticed, tried = [], 0
    for position, case in enumerate(cases):
        if case.id in FITS_NO_RULE.get(family, ()):
            continue
        for name, replacement in altered(family, case):
            if family in GROUPS and " liquidation_px " in f" {name} " and priced.count(account_of(case)) < 2:
                continue
            tried += 1
            if judged(family, cases, position, replacement):
                unnoticed.append(name)
    assert unnoticed == []
    assert tried >= len(cases)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_case_that_asserts_nothing_misses(shared: Path, family: str) -> None:
    cases = cases_of(shared, family)
    assert not judged(family, cases, 0, Case(id=cases[0].id, input=cases[0].input, expected={}))


@pytest.mark.parametrize("family", sorted([*cex.FAMILIES, *hyperliquid.FAMILIES, *uniswap_v3.FAMILIES]))
def test_a_figure_nobody_computes_misses(shared: Path, family: str) -> None:
    cases = cases_of(shared, family)
    expected = {**cases[0].expected, "phase_of_the_moon": "0.5"}
    assert not judged(family, cases, 0, Case(id=cases[0].id, input=cases[0].input, expected=expected))


@pytest.mark.parametrize("family", FAMILIES)
def test_an_unreadable_input_is_a_miss_and_never_a_crash(shared: Path, family: str) -> None:
    cases = cases_of(shared, family)
    case = cases[0]
    for broken in ({}, {field: [] for field in case.input}, dict.fromkeys(case.input, "x")):
        assert not judged(family, cases, 0, Case(id=case.id, input=broken, expected=case.expected))
    for field in case.input:
        for value in (None, 1.5, {"a": 1}, "-0", "NaN", ["1"]):
            replacement = Case(id=case.id, input={**case.input, field: value}, expected=case.expected)
            judged(family, cases, 0, replacement)


def one(family: str, values: dict[str, Any], expected: dict[str, Any]) -> bool:
    return run_family(family, [Case(id="made", input=values, expected=expected)]).matched == 1


ROW_2023 = {"coin": "ETH", "szi": "2.0", "mode": "cross", "leverage": "20", "positionValue": "100.0"}


@pytest.mark.parametrize("limit", [{}, {"maxLeverage": None}, {"maxLeverage": "50"}])
def test_an_account_of_2023_has_no_maintenance_figure(limit: dict[str, Any]) -> None:
    values = {"cross_total_raw_usd": "-50.0", "positions": [{**ROW_2023, **limit}]}
    expected = {"cross_account_value": "50.0", "cross_maintenance_margin_used": None}
    assert one("hl_accounts", values, expected)
    assert not one("hl_accounts", values, {**expected, "cross_account_value": "50.00001"})
    modern = {"cross_total_raw_usd": "-50.0", "positions": [{**ROW_2023, "maxLeverage": "40"}]}
    assert not one("hl_accounts", modern, expected)


def test_a_position_read_from_binance_is_checked_loosely() -> None:
    values = {
        "formula": "binance_real_position",
        "is_short": "false",
        "leverage": "10",
        "open_rate": "20",
        "amount": "1",
        "mm_ratio": "0.025",
        "maintenance_amount": "0",
    }
    exact = Fraction(18) / Fraction(975, 1000)
    for ratio, matches in (("1.0049", True), ("0.9951", True), ("1.0052", False), ("0.9949", False)):
        assert one("cex_liquidation_price", values, {"liquidation_px": decimal(exact * Fraction(ratio))}) is matches
    held = {**{k: v for k, v in values.items() if k != "leverage"}, "wallet_balance": "2"}
    assert one("cex_liquidation_price", held, {"liquidation_px": decimal(exact)})


def test_a_short_of_a_wallet_and_its_short_neighbour() -> None:
    row = {"entry": "100", "amount": "1", "mark": "100", "mm_ratio": "0.01", "maintenance_amount": "0"}
    values = {
        "formula": "binance_cross",
        "wallet_balance": "50",
        "position": {**row, "is_short": "true"},
        "other_positions": [{**row, "side": "-1", "mark": "90"}],
    }
    price = (Fraction(150) + 10 - Fraction(9, 10)) / Fraction(101, 100)
    assert one("cex_liquidation_price", values, {"liquidation_px": decimal(price)})
    assert not one("cex_liquidation_price", {**values, "formula": "someone"}, {"liquidation_px": decimal(price)})


def test_next_price_by_the_cores_own_names() -> None:
    pool = {"sqrt_price_x96": str(2**96), "liquidity": "1000", "amount": "10"}
    up = {**pool, "fn": "next_sqrt_price_from_amount1_rounding_down", "add": "true"}
    assert one("uniswap_v3_math", up, {"sqrt_price_x96": str(2**96 + 2**96 // 100)})
    out = {**pool, "fn": "next_sqrt_price_from_amount0_rounding_up", "add": "false"}
    assert one("uniswap_v3_math", out, {"sqrt_price_x96": str(-(-(2**96) * 1000 // 990))})
    assert not one("uniswap_v3_math", {**pool, "fn": "sorcery"}, {"sqrt_price_x96": "1"})


def unified(case_id: str, size: str, value: str, price: str | None) -> Case:
    return Case(
        id=case_id,
        input={
            "szi": size,
            "position_value": value,
            "leverage": "10",
            "max_leverage": "10",
            "mode": "cross",
            "unrealized_pnl": "0.0",
            "cross_account_value": "100.0",
            "cross_maintenance_margin_used": "50.0",
        },
        expected={"margin_used": str(int(value) // 10), "return_on_equity": "0", "liquidation_px": price},
    )


def test_unified_accounts_tell_of_one_collateral() -> None:
    """950 available: a short of 10 at 100 is liquidated at 100 + 95 / 1.05, one of 5 at 100 + 190 / 1.05."""
    ten, five = decimal(100 + Fraction(95 * 20, 21)), decimal(100 + Fraction(190 * 20, 21))
    good = [unified("a/0", "-10", "1000", ten), unified("a/1", "-5", "500", five), unified("a/2", "5", "500", None)]
    family = "hl_liq_unified_accounts"
    assert missed(run_family(family, good)) == ()
    odd = [*good[:2], unified("a/3", "-4", "400", "200"), unified("b/0", "1", "100", None)]
    assert missed(run_family(family, odd)) == ("a/3",)
    assert missed(run_family(family, [good[0], unified("a/4", "-5", "500", "150")])) == ("a/0", "a/4")
    assert missed(run_family(family, [unified("c/0", "-10", "1000", None)])) == ("c/0",)  # a short always has one
    poor = decimal(100 + Fraction(49, 10) * Fraction(20, 21))
    assert missed(run_family(family, [unified("d/0", "-10", "1000", poor)])) == ("d/0",)  # hidden collateral below 0


def test_a_position_read_from_the_exchange_by_its_own_names() -> None:
    values = {
        "formula": "binance_real_position",
        "contracts": "8",
        "contractSize": "0.1",
        "side": "Buy",
        "entryPrice": "18.884",
        "maintenanceMarginPercentage": "0.025",
        "initialMargin": "1.51072",
    }
    exact = (Fraction("1.51072") - Fraction("0.8") * Fraction("18.884")) / (Fraction("0.8") * (Fraction("0.025") - 1))
    assert one("cex_liquidation_price", values, {"liquidation_px": decimal(exact)})
    assert not one("cex_liquidation_price", {**values, "side": "SELL"}, {"liquidation_px": decimal(exact)})


def test_truth_values_as_text_in_any_case() -> None:
    pool = {"fn": "next_sqrt_price_from_input", "sqrt_price_x96": str(2**96), "liquidity": "1000", "amount": "10"}
    for word in (False, "false", "False"):
        values = {**pool, "zero_for_one": word}
        assert one("uniswap_v3_math", values, {"sqrt_price_x96": str(2**96 + 2**96 // 100)})
    assert not one("uniswap_v3_math", {**pool, "zero_for_one": "no"}, {"sqrt_price_x96": str(2**96 + 2**96 // 100)})


@pytest.mark.parametrize(
    ("published", "matches"),
    [("0.4511", True), ("0.4512", False), ("0.451", False), ("0.451127819549", True), ("0.451127829549", False)],
)
def test_a_liquidation_price_of_four_decimals_is_held_to_them(published: str, matches: bool) -> None:
    values = {
        "szi": "1000",
        "position_value": "500.0",
        "leverage": "5",
        "max_leverage": "10",
        "mode": "isolated",
        "unrealized_pnl": "0.0",
        "raw_usd": "-428.571428",
    }
    assert one("hl_positions", values, {"liquidation_px": published}) is matches


def test_prices_may_be_written_with_an_exponent() -> None:
    values = {"oracle_px": "2e-5", "impact_bid": "0.000021", "impact_ask": "2.2e-05", "rule": "impact_spread"}
    assert one("hl_premium", values, {"premium": "0.05"})
