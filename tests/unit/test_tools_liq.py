"""Liquidation prices of whole files: against real accounts, against independent arithmetic, and the guide's example."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.tools.account_file import Account, build, load
from seawall.tools.health import account_health
from seawall.tools.liq import account_liquidation
from seawall.tools.plan import Direction, MarketWords, parsed_tiers
from seawall.tools.surface import account_surface, parsed_direction
from seawall.tools.trade_liq import described, trade_liquidation
from seawall.tools.wire import Node
from seawall.units import RATE_ONE, BadInput, Rate, Side, UsdMicro, rate, usd

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "accounts"
NAMES = ("cross_hedged", "isolated", "tiered_whale", "underwater")
MICRO = Fraction(1, 10**6)


def account(name: str) -> Account:
    return load(str(EXAMPLES / f"{name}.json"))


@pytest.mark.parametrize("name", NAMES)
def test_examples_agree_with_the_figures_they_report(name: str) -> None:
    read = account(name)
    found = account_health(read)
    lines = account_liquidation(read).positions
    assert read.warnings == ()
    assert all(line.agrees_with_venue for line in lines)
    assert found.reported_account_value_usd is not None
    assert abs(found.account_value_usd - found.reported_account_value_usd) <= 2 * MICRO
    assert found.reported_cross_maintenance_usd is not None
    assert abs(found.buckets[0].maintenance_margin_usd - found.reported_cross_maintenance_usd) <= 2 * MICRO
    assert found.reported_withdrawable_usd is not None
    assert abs(found.withdrawable_usd - found.reported_withdrawable_usd) <= 4 * MICRO


def test_a_reported_price_that_is_off_is_seen() -> None:
    document = json.loads((EXAMPLES / "isolated.json").read_text())
    document["assetPositions"][0]["position"]["liquidationPx"] = "3396.0217392"
    read = build(Node(document, "", "f"))
    line = next(line for line in account_liquidation(read).positions if line.coin == "ETH")
    assert line.agrees_with_venue is False
    assert line.difference_usd


def wire_account(case: dict[str, Any]) -> Account:
    """An account of the published cases as a clearinghouseState."""
    given = case["input"]
    entries = []
    for position in given["positions"]:
        leverage = {"type": position["mode"], "value": position["leverage"], "rawUsd": position.get("rawUsd")}
        kept = {key: position[key] for key in ("coin", "szi", "positionValue", "maxLeverage")}
        entries.append({"position": {**kept, "leverage": leverage}})
    summary = {"totalRawUsd": given["cross_total_raw_usd"]}
    return build(Node({"assetPositions": entries, "crossMarginSummary": summary}, "", case["id"]))


def cases(shared: Path, family: str) -> list[dict[str, Any]]:
    found = json.loads((shared / "vectors" / f"{family}.json").read_text())["cases"]
    assert isinstance(found, list)
    return found


def test_real_accounts_from_the_file_up(shared: Path) -> None:
    checked = 0
    positions = {case["id"]: case for case in cases(shared, "hl_positions")}
    for case in cases(shared, "hl_accounts"):
        if any("maxLeverage" not in position for position in case["input"]["positions"]):
            continue
        read = wire_account(case)
        found, wanted = account_health(read), case["expected"]
        count = len(case["input"]["positions"])
        assert abs(found.account_value_usd - Fraction(wanted["account_value"])) <= 2 * MICRO
        cross = found.buckets[0]
        told = Fraction(wanted["cross_maintenance_margin_used"])
        assert -MICRO <= cross.maintenance_margin_usd - told <= count * MICRO
        for line in account_liquidation(read).positions:
            match = [v for k, v in positions.items() if k.startswith(f"{case['id']}/") and v["coin"] == line.coin]
            if not match or match[0]["expected"]["liquidation_px"] is None:
                continue
            price = Fraction(match[0]["expected"]["liquidation_px"])
            assert line.liquidation_price_usd is not None
            assert abs(line.liquidation_price_usd - price) <= price * Fraction(1, 10**8), (case["id"], line.coin)
            checked += 1
    assert checked >= 5


def test_hidden_collateral_of_a_unified_account_is_found_and_used(shared: Path) -> None:
    case = next(c for c in cases(shared, "hl_accounts") if c["id"].startswith("copybot"))
    told = {
        c["coin"]: c["expected"]["liquidation_px"]
        for c in cases(shared, "hl_liq_unified_accounts")
        if c["id"].startswith(case["id"])
    }
    given_ = case["input"]
    entries = [
        {
            "position": {
                **{key: p[key] for key in ("coin", "szi", "positionValue", "maxLeverage")},
                "leverage": {"type": p["mode"], "value": p["leverage"]},
                "liquidationPx": told.get(p["coin"]),
            }
        }
        for p in given_["positions"]
    ]
    document = {"assetPositions": entries, "crossMarginSummary": {"totalRawUsd": given_["cross_total_raw_usd"]}}
    report = account_liquidation(build(Node(document, "", "f")))
    assert report.hidden_collateral_usd is not None
    assert report.hidden_collateral_usd > 0
    added = UsdMicro(round(report.hidden_collateral_usd * 10**6))
    again = account_liquidation(build(Node(document, "", "f"), collateral=added))
    for line in again.positions:
        if line.reported_price_usd is not None and line.liquidation_price_usd is not None:
            assert abs(line.liquidation_price_usd / line.reported_price_usd - 1) < Fraction(1, 10**5)


def tiered(amount: Fraction, rows: list[tuple[Fraction, Fraction]]) -> Fraction:
    """Maintenance by marginal rates: every slice of notional at its own tier's rate, less nothing."""
    total, deduction = Fraction(0), Fraction(0)
    last = Fraction(0)
    for lower, held in rows:
        if amount >= lower:
            deduction += lower * (held - last)
            last = held
            total = amount * held - deduction
    return total


@settings(max_examples=150, deadline=None)
@given(
    side=st.sampled_from(list(Direction)),
    size=st.integers(1, 10**6),
    entry=st.integers(10, 10**6),
    leverage=st.integers(1, 40),
    lower=st.integers(10**3, 10**8),
    fee=st.sampled_from(["0", "0.00045", "0.01"]),
)
def test_a_described_trade_is_liquidated_exactly_there(
    *, side: Direction, size: int, entry: int, leverage: int, lower: int, fee: str
) -> None:
    words = MarketWords(tiers=f"0:40,{lower}:10")
    units, price = Fraction(size, 1000), Fraction(entry, 10)
    trade = described(words, coin="X", side=side, size=units, entry=price, leverage=leverage)
    charge = rate(fee, Side.UP)
    report = trade_liquidation(trade, closing_fee=charge)
    rows = [(Fraction(0), Fraction(1, 80)), (Fraction(lower), Fraction(1, 20))]
    for found, cost in ((report.on_mark_notional_usd, 0), (report.on_mark_with_fee_usd, Fraction(charge, RATE_ONE))):
        if found is None:
            continue
        equity = report.margin_usd + side.sign * units * (found - price)
        assert equity - units * found * cost == tiered(units * found, rows)
    if report.on_mark_notional_usd is not None and report.on_mark_with_fee_usd is not None:
        assert (report.on_mark_with_fee_usd - report.on_mark_notional_usd) * side.sign >= 0


def test_the_guides_example_shows_both_answers() -> None:
    words = MarketWords(maintenance=rate("0.005", Side.UP))
    for side, on_entry, on_mark in (
        (Direction.LONG, Fraction(45250), Fraction(9000, Fraction(199, 1000))),
        (Direction.SHORT, Fraction(54750), Fraction(11000, Fraction(201, 1000))),
    ):
        trade = described(words, coin="BTC", side=side, size=Fraction("0.2"), entry=Fraction(50000), leverage=10)
        report = trade_liquidation(trade)
        assert report.on_entry_notional_usd == on_entry
        assert report.on_mark_notional_usd == on_mark
        assert report.bankruptcy_price_usd == 50000 - side.sign * 5000
        assert report.maintenance_at_liquidation_usd == Fraction("0.2") * on_mark * Fraction("0.005")
        assert ("later" if side is Direction.LONG else "sooner") in report.why
    assert round(Fraction(9000, Fraction(199, 1000)), 2) == Fraction("45226.13")


def test_more_margin_moves_the_price_away() -> None:
    words = MarketWords(maintenance=rate("0.005", Side.UP))
    trade = described(words, coin="B", side=Direction.LONG, size=Fraction("0.2"), entry=Fraction(50000), leverage=10)
    near, far = trade_liquidation(trade), trade_liquidation(trade, usd("1500"))
    assert near.on_mark_notional_usd is not None
    assert far.on_mark_notional_usd is not None
    assert far.on_mark_notional_usd < near.on_mark_notional_usd
    assert far.on_entry_notional_usd == 42750
    assert trade_liquidation(trade, usd("10000")).on_mark_notional_usd is None


@pytest.mark.parametrize("text", ["", "0", "1:5", "0:40,0:20", "0:40:x", "0:0", "0:40,5:50", "0:40:0.9", "a:4"])
def test_bad_tiers_are_refused(text: str) -> None:
    words = MarketWords(tiers=text)
    with pytest.raises(BadInput, match="tiers"):
        described(words, coin="X", side=Direction.LONG, size=Fraction(1), entry=Fraction(1), leverage=1)


def test_tiers_are_read_with_and_without_rates() -> None:
    assert parsed_tiers("0:125:0.004,50000:100") == ((0, 125, 48_000), (50_000_000_000, 100))


def test_the_surface_points_are_where_equity_meets_maintenance() -> None:
    read = account("cross_hedged")
    direction = parsed_direction("BTC=-1,ETH=1,SOL=50%")
    lines = account_surface(read, {"mine": direction}).points
    for line in lines:
        if line.scale is None:
            continue
        bucket = read.cross
        moved = {name: line.prices_usd.get(name, place.mark_usd) for name, place in read.places.items()}
        equity = bucket.raw_usd * MICRO
        needed = Fraction(0)
        for position in bucket.positions:
            size = read.place(position.market).scale.size_units(position.size)
            rows = [
                (Fraction(t.lower, 10**6), Fraction(t.maintenance, RATE_ONE))
                for t in read.place(position.market).market.tiers
            ]
            equity += size * moved[position.market]
            needed += tiered(abs(size) * moved[position.market], rows)
        assert equity == needed, line.direction
    assert {"mine", "BTC down", "all up"} <= {line.direction for line in lines}


@pytest.mark.parametrize("text", ["BTC", "BTC=", "=1", "BTC=0", "BTC=-1,BTC=1", "BTC=5000", "BTC=nan"])
def test_bad_directions_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="direction"):
        parsed_direction(text)


def test_a_direction_of_a_coin_that_is_not_held_is_refused() -> None:
    with pytest.raises(BadInput, match="XRP"):
        account_surface(account("isolated"), {"x": {"XRP": Rate(-1)}})
