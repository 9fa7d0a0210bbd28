"""Hyperliquid's rules: figures checked by hand, tier crossing, and the two rules before today's."""

import json
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.margin.liquidation_price import liquidation_prices
from seawall.presets import hyperliquid as venue
from seawall.presets.hyperliquid import Account, Position
from seawall.terms.bucket import Bucket
from seawall.terms.bucket import Position as CorePosition
from seawall.terms.conditions import Conditions
from seawall.terms.market import Mark, market
from seawall.units import RATE_ONE, USD_ONE, BadInput, FundingRate, Lots, Price, UsdMicro

TWENTY = venue.margin_tiers([(0, 20)])


def usd(amount: str) -> UsdMicro:
    exact = Fraction(amount) * USD_ONE
    assert exact.denominator == 1
    return UsdMicro(exact.numerator)


def cross(size: str, value: str, *, leverage: int = 10) -> Position:
    return Position(size=Fraction(size), value=usd(value), leverage=leverage, tiers=TWENTY)


def isolated(size: str, value: str, raw_usd: str) -> Position:
    return Position(size=Fraction(size), value=usd(value), leverage=10, tiers=TWENTY, raw_usd=usd(raw_usd))


def test_margin_tables_are_the_published_ones(shared: Path) -> None:
    content = json.loads((shared / "vectors" / "hl_margin_tables.json").read_text())
    for name, rows in content["tables"].items():
        tiers = venue.margin_table(int(name))
        assert [(Fraction(tier.lower, USD_ONE), tier.max_leverage) for tier in tiers] == [
            (Fraction(lower), leverage) for lower, leverage in rows
        ]
    asserted = content["external_assertion"]
    tier = venue.margin_table(int(asserted["table"]))[asserted["tier"]]
    assert Fraction(tier.maintenance, RATE_ONE) == Fraction(asserted["mm_rate"])
    assert Fraction(tier.deduction, RATE_ONE * USD_ONE) == Fraction(asserted["maintenance_deduction"])


def test_ids_below_fifty_are_flat_and_others_unknown() -> None:
    assert venue.margin_table(3) == venue.margin_tiers([(0, 3)])
    for unknown in (0, -1, 57):
        with pytest.raises(BadInput):
            venue.margin_table(unknown)


def test_figures_of_an_account_with_an_isolated_position() -> None:
    positions = (
        cross("2", "100", leverage=3),
        cross("-1", "70.000001", leverage=20),
        isolated("-5", "50", "58"),
    )
    got = venue.summary(Account(cross_raw_usd=usd("10"), positions=positions))
    assert got.cross_account_value == usd("39.999999")  # 10 + 100 - 70.000001
    assert got.cross_total_notional == usd("170.000001")
    assert got.cross_margin_used == usd("33.333333") + usd("3.5")  # each truncated
    assert got.cross_maintenance == usd("2.5") + usd("1.75")  # 1.750000025 truncated
    assert got.account_value == usd("47.999999")  # isolated: 58 - 50 more
    assert got.total_notional == usd("220.000001")
    assert got.total_raw_usd == usd("68")
    assert got.total_margin_used == got.cross_margin_used + usd("8")


def test_maintenance_is_unknown_without_the_maximal_leverage_of_a_cross_position() -> None:
    unknown = msgspec.structs.replace(cross("1", "100"), tiers=())
    assert venue.summary(Account(cross_raw_usd=usd("1"), positions=(unknown,))).cross_maintenance is None
    with pytest.raises(BadInput):
        venue.maintenance_exact(unknown)
    known = venue.summary(Account(cross_raw_usd=usd("1"), positions=(isolated("1", "9", "1"),)))
    assert known.cross_maintenance == 0


def test_withdrawable_stays_above_margin_used_and_a_tenth_of_notional(shared: Path) -> None:
    high = venue.summary(Account(cross_raw_usd=usd("0"), positions=(cross("1", "100", leverage=20),)))
    assert venue.withdrawable_most(high) == usd("90")
    low = venue.summary(Account(cross_raw_usd=usd("0"), positions=(cross("1", "100", leverage=2),)))
    assert venue.withdrawable_most(low) == usd("50")
    broke = venue.summary(Account(cross_raw_usd=usd("-100"), positions=(cross("1", "100", leverage=2),)))
    assert venue.withdrawable_most(broke) == 0
    for case in json.loads((shared / "vectors" / "hl_accounts.json").read_text())["cases"]:
        expected = case["expected"]
        figures = msgspec.structs.replace(
            high,
            cross_account_value=UsdMicro(round(Fraction(expected["cross_account_value"]) * USD_ONE)),
            cross_margin_used=UsdMicro(round(Fraction(expected["cross_total_margin_used"]) * USD_ONE)),
            cross_total_notional=UsdMicro(round(Fraction(expected["cross_total_ntl_pos"]) * USD_ONE)),
        )
        observed = round(Fraction(expected["withdrawable_observed"]) * USD_ONE)
        assert observed <= venue.withdrawable_most(figures)  # resting orders may lower it


@pytest.mark.parametrize(
    "size, available, expected",
    [
        ("10", "19.5", Fraction(82)),  # 100 - 19.5 / 10 / (1 - 0.025) = 98
        ("10", "-19.5", Fraction(118)),
        ("-10", "20.5", Fraction(118)),
        ("10", "975", None),  # exactly 0
        ("10", "2000", None),
        ("-10", "-1025", None),
    ],
)
def test_liquidation_price_by_hand(size: str, available: str, expected: Fraction | None) -> None:
    position = cross(size, "1000")
    got = venue.liquidation_price(position, Fraction(usd(available)))
    if expected is not None:
        closed = 100 - (1 if position.size > 0 else -1) * Fraction(available) / 10 / (
            1 - Fraction(1 if position.size > 0 else -1, 40)
        )
        assert got == closed
        return
    assert got is None


def test_a_short_may_be_liquidated_into_another_tier() -> None:
    """Table 51: 10x to 3 M, then 5x. Half-way up the notional passes 3 M."""
    tiers = venue.margin_table(51)
    position = Position(size=Fraction(-1_000), value=usd("2500000"), leverage=5, tiers=tiers)
    got = venue.liquidation_price(position, usd("1000000"))
    flat = venue.liquidation_price(msgspec.structs.replace(position, tiers=tiers[:1]), usd("1000000"))
    assert got is not None
    assert flat is not None
    assert got < flat
    equity = 1_000_000 + 125_000 + 2_500_000 - 1_000 * got
    assert equity == 1_000 * got / 10 - 150_000  # second tier: a tenth less 3 M * (1/10 - 1/20)
    assert venue.implied_available(position, got) == usd("1000000")


@given(
    st.integers(-(10**6), 10**6).filter(bool),
    st.integers(1_000, 10**10),
    st.integers(-(10**12), 10**13),
    st.sampled_from([3, 51, 54, 55, 56]),
)
def test_it_is_the_cores_liquidation_price(lots: int, price: int, raw_usd: int, table: int) -> None:
    """The venue's `available` form and the core's bucket form are one rule."""
    rows = [(tier.lower, tier.max_leverage) for tier in venue.margin_table(table)]
    terms = market("X", size_decimals=3, tiers=rows, price_max=Price(2**33 + 2**31))
    conditions = Conditions(markets={"X": terms}, marks={"X": Mark(mark=Price(price), oracle=Price(price))})
    bucket = Bucket(raw_usd=UsdMicro(raw_usd), positions=(CorePosition(market="X", size=Lots(lots)),))
    value = UsdMicro(abs(lots) * price)
    position = Position(size=Fraction(lots, 1_000), value=value, leverage=1, tiers=terms.tiers)
    available = raw_usd + lots * price - venue.maintenance_exact(position)
    got = venue.liquidation_price(position, available)
    points = liquidation_prices(bucket, conditions, "X")
    core = points.below or points.above
    if got is None or got * USD_ONE / 1_000 < 1:
        assert core is None or core.exact < 1
        return
    assert core is not None
    assert core.exact == got * USD_ONE / 1_000
    assert venue.implied_available(position, got) == available


def test_an_isolated_position_is_judged_by_its_own_cash() -> None:
    position = isolated("-5", "50", "58")
    assert venue.margin_used(position) == usd("8")
    assert venue.isolated_available(position) == usd("6.75")
    with pytest.raises(BadInput):
        venue.isolated_available(cross("1", "100"))


def test_return_on_equity() -> None:
    gained = msgspec.structs.replace(cross("10", "1000"), unrealised=usd("200"))
    assert venue.return_on_equity(gained) == Fraction(200 * 10, 800)
    lost = msgspec.structs.replace(cross("-10", "1000"), unrealised=usd("-200"))
    assert venue.return_on_equity(lost) == Fraction(-200 * 10, 800)
    assert venue.legacy_return_on_equity(gained) == Fraction(200 * 10, 1000)
    with pytest.raises(BadInput):
        venue.return_on_equity(msgspec.structs.replace(gained, unrealised=usd("1000")))


def test_the_rule_of_early_2023() -> None:
    assert venue.legacy_available(usd("1000"), usd("5000")) == usd("950")
    assert venue.legacy_liquidation_price(cross("10", "1000"), usd("950")) == 5
    assert venue.legacy_liquidation_price(cross("-10", "1000"), usd("950")) == 195
    assert venue.legacy_liquidation_price(cross("10", "1000"), usd("1000")) is None


@pytest.mark.parametrize("change", [{"size": Fraction(0)}, {"value": UsdMicro(0)}, {"leverage": 0}])
def test_impossible_positions_are_refused(change: dict[str, Fraction | int]) -> None:
    with pytest.raises(BadInput):
        venue.check_position(msgspec.structs.replace(cross("1", "1"), **change))


def test_funding_and_premiums() -> None:
    assert venue.funding_rate(FundingRate(0)) == 12_500_000
    assert venue.premium(Price(100), Price(99), Price(101)) == 0
    assert venue.builder_premium(Price(100), Price(101), Price(103)) == 2 * 10**10
