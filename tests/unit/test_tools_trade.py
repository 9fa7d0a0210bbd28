"""Size, leverage and carry: each answer put back into the arithmetic it promises."""

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seawall.tools.carry import BasisTerms, basis_trade, funding_carry, funding_terms, holding_hours
from seawall.tools.leverage import Assumed, leverage_table
from seawall.tools.plan import Direction, MarketWords, described
from seawall.tools.size import RiskBudget, budget_from, equity_from, position_size
from seawall.units import RATE_ONE, BadInput, Rate, Side, rate, usd

FORTY = MarketWords(max_leverage=40)


def budget(**changes: object) -> RiskBudget:
    fields: dict[str, object] = {
        "equity_usd": Fraction(10_000),
        "risk": Fraction(1, 100),
        "entry": Fraction(50_000),
        "stop": Fraction(49_000),
        "leverage": 10,
        "fee": Rate(5_400),
        "lot": Fraction(1, 10**5),
    }
    return RiskBudget(**{**fields, **changes})  # type: ignore[arg-type]


@settings(max_examples=100, deadline=None)
@given(
    equity=st.integers(100, 10**7),
    percent=st.integers(1, 30),
    entry=st.integers(100, 10**6),
    gap=st.integers(1, 400),
    side=st.sampled_from(list(Direction)),
    leverage=st.integers(1, 40),
)
def test_one_more_lot_would_break_the_budget_or_the_margin(
    *, equity: int, percent: int, entry: int, gap: int, side: Direction, leverage: int
) -> None:
    stop = Fraction(entry) * (1 - side.sign * Fraction(gap, 1000))
    given_ = budget(
        equity_usd=Fraction(equity), risk=Fraction(percent, 100), entry=Fraction(entry), stop=stop, leverage=leverage
    )
    fee = Fraction(given_.fee, RATE_ONE)

    def loss(size: Fraction) -> Fraction:
        return size * (abs(entry - stop) + fee * (entry + stop))

    def margin(size: Fraction) -> Fraction:
        return size * entry * (Fraction(1, leverage) + fee)

    assume(loss(given_.lot) <= equity * given_.risk)
    assume(margin(given_.lot) <= equity)
    report = position_size(FORTY, given_, coin="X", side=side)
    assert loss(report.size) <= equity * given_.risk
    assert margin(report.size) <= equity + Fraction(2, 10**6)
    more = report.size + given_.lot
    assert loss(more) > equity * given_.risk or margin(more) > equity - Fraction(2, 10**6)
    assert report.loss_at_stop_usd == loss(report.size)
    assert report.limited_by == ("risk" if loss(more) > equity * given_.risk else "margin")


def test_the_rule_of_one_percent() -> None:
    report = position_size(FORTY, budget(fee=Rate(0)), coin="BTC", side=Direction.LONG)
    assert report.size == Fraction("0.1")
    assert report.loss_at_stop_usd == 100
    assert report.margin_needed_usd == 500
    assert report.warnings == ()
    assert not report.stop_is_beyond_liquidation


def test_a_stop_beyond_the_liquidation_price_is_warned_of() -> None:
    near = position_size(FORTY, budget(leverage=40), coin="BTC", side=Direction.LONG)
    assert near.stop_is_beyond_liquidation
    assert near.liquidation_price_isolated_usd is not None
    assert near.liquidation_price_isolated_usd > near.stop_usd
    assert any("beyond" in text for text in near.warnings)
    assert any(
        "1-2 %" in t for t in position_size(FORTY, budget(risk=Fraction(1, 20)), coin="B", side=Direction.LONG).warnings
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"stop": Fraction(51_000)}, "stop"),
        ({"stop": Fraction(50_000)}, "stop"),
        ({"risk": Fraction(0)}, "risk"),
        ({"risk": Fraction(2)}, "risk"),
        ({"lot": Fraction(10)}, "risk"),
        ({"leverage": 0}, "leverage"),
        ({"leverage": 41}, "leverage"),
        ({"equity_usd": Fraction(40), "risk": Fraction(1), "stop": Fraction(49_999), "lot": Fraction(1, 10)}, "equity"),
    ],
)  # fmt: skip
def test_a_budget_that_makes_no_sense_is_refused(changes: dict[str, object], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        position_size(FORTY, budget(**changes), coin="B", side=Direction.LONG)
    assert caught.value.field == field


def test_words_of_a_budget() -> None:
    found = budget_from(
        equity=Fraction(5), risk="2%", entry="10", stop="9", leverage=3, fee=Rate(0), lot=None,
        words=MarketWords(max_leverage=5, size_decimals=2),
    )  # fmt: skip
    assert (found.risk, found.lot) == (Fraction(1, 50), Fraction(1, 100))
    assert equity_from("12.5", None, None) == Fraction("12.5")
    for bad in ((None, None), ("1", "x.json")):
        with pytest.raises(BadInput, match="equity"):
            equity_from(*bad, None)


def test_the_guides_leverage_table() -> None:
    table = leverage_table(FORTY, Assumed(margin=usd("1000"), entry=Fraction(50_000)))
    shown = [(row.leverage, row.position_usd, row.move_that_loses_margin) for row in table.rows]
    assert shown == [
        (2, 2000, Fraction(1, 2)),
        (5, 5000, Fraction(1, 5)),
        (10, 10_000, Fraction(1, 10)),
        (25, 25_000, Fraction(1, 25)),
        (40, 40_000, Fraction(1, 40)),
    ]
    held = Fraction(1, 80)
    for row in table.rows:
        share = Fraction(1, row.leverage)
        assert row.long.move_that_liquidates == (share - 1) / (held - 1) - 1  # p (1 - l) = 1 - 1/L
        assert row.short.move_that_liquidates == (1 + share) / (1 + held) - 1
        assert row.is_allowed


@settings(max_examples=60, deadline=None)
@given(
    leverage=st.integers(1, 40), fee=st.integers(0, 20_000), points=st.integers(-50, 50), payments=st.integers(0, 90)
)
def test_fees_and_funding_are_in_the_liquidating_move(leverage: int, fee: int, points: int, payments: int) -> None:
    terms = funding_terms(Fraction(points, 10_000), 8)
    assumed = Assumed(margin=usd("1000"), entry=Fraction(50_000), fee=Rate(fee), funding=terms, hours=8 * payments)
    row = leverage_table(FORTY, assumed, [leverage]).rows[0]
    charge, held, notional = Fraction(fee, RATE_ONE), Fraction(1, 80), Fraction(1000 * leverage)
    for side, found in ((1, row.long), (-1, row.short)):
        paid = notional * Fraction(points, 10_000) * payments * side
        assert abs(found.funding_usd + paid) < Fraction(1, 100)
        left = 1000 - charge * notional + found.funding_usd
        if found.move_that_liquidates is None:
            continue
        at = 1 + found.move_that_liquidates
        gap = left + side * notional * (at - 1) - notional * at * (held + charge)
        assert abs(gap) <= Fraction(2, 10**6)  # the opening fee rounds up to a micro-USD
        assert found.is_liquidatable_at_once == (left < notional * held)


def test_a_tier_that_forbids_the_leverage_is_said() -> None:
    table = leverage_table(MarketWords(tiers="0:40,20000:10"), Assumed(margin=usd("1000"), entry=Fraction(100)))
    assert [row.is_allowed for row in table.rows] == [True, True, True, False, False]


@pytest.mark.parametrize("leverages", [[], [0], [1001], [2] * 101])
def test_bad_leverages_are_refused(leverages: list[int]) -> None:
    with pytest.raises(BadInput, match="leverage"):
        leverage_table(FORTY, Assumed(margin=usd("1000"), entry=Fraction(100)), leverages)


def test_funding_over_a_month() -> None:
    found = funding_carry(
        funding_terms(Fraction(1, 10_000), 8), side=Direction.LONG, notional=usd("10000"), hours=720, fee=Rate(5_400)
    )
    assert (found.payments, found.funding_usd, found.trading_fees_usd, found.net_usd) == (90, -90, 9, -99)
    assert found.rate_per_hour == Fraction(1, 80_000)
    assert found.rate_per_year == Fraction(1, 80_000) * 8760


@given(st.integers(-5_000, 5_000), st.sampled_from([1, 4, 8]), st.integers(1, 2_000), st.integers(1, 10**12))
def test_payer_and_receiver_both_round_down(points: int, interval: int, hours: int, notional: int) -> None:
    terms = funding_terms(Fraction(points, 10**6), interval)
    long = funding_carry(terms, side=Direction.LONG, notional=usd(Fraction(notional, 10**6)), hours=hours)
    short = funding_carry(terms, side=Direction.SHORT, notional=usd(Fraction(notional, 10**6)), hours=hours)
    count = hours // interval
    assert long.payments == count
    assert -count * Fraction(1, 10**6) <= long.funding_usd + short.funding_usd <= 0
    exact = -Fraction(notional, 10**6) * Fraction(points, 10**6) * count
    assert abs(long.funding_usd - exact) <= count * (Fraction(1, 10**6) + Fraction(notional, 10**18) * interval)


def test_the_same_rate_an_hour_pays_the_same_on_any_interval() -> None:
    paid = {
        funding_carry(
            funding_terms(Fraction(interval, 80_000), interval), side=Direction.SHORT, notional=usd("8000"), hours=48
        ).funding_usd
        for interval in (1, 4, 8)
    }
    assert paid == {Fraction("4.8")}


def test_a_basis_trade_breaks_even_when_funding_has_paid_the_fees() -> None:
    legs = BasisTerms(
        size=Fraction(1), spot=Fraction(50_000), perp=Fraction(50_050), spot_fee=rate("0.0007", Side.UP),
        perp_fee=rate("0.00045", Side.UP), leverage=1,
    )  # fmt: skip
    found = basis_trade(funding_terms(Fraction(1, 10_000), 8), legs, hours=720)
    assert (found.spot_side, found.perp_side) == (Direction.LONG, Direction.SHORT)
    assert found.fees_usd == 70 + Fraction("45.045")
    assert found.break_even_days is not None
    assert found.break_even_days * found.funding_per_day_usd == found.fees_usd
    assert found.break_even_days_if_prices_meet is not None
    assert found.break_even_days_if_prices_meet * found.funding_per_day_usd == found.fees_usd - 50
    assert found.net_usd == found.funding_usd - found.fees_usd
    assert found.annualised_on_capital == found.net_usd / 100_050 * Fraction(8760, 720)
    reverse = basis_trade(funding_terms(Fraction(-1, 10_000), 8), legs, hours=720)
    assert (reverse.spot_side, reverse.perp_side) == (Direction.SHORT, Direction.LONG)
    assert reverse.basis_gain_usd == -50
    flat = basis_trade(funding_terms(Fraction(0), 8), legs, hours=720)
    assert flat.break_even_days is None


@pytest.mark.parametrize(("value", "interval"), [(Fraction(1), 8), (Fraction(1, 1000), 2), (Fraction(-2), 1)])
def test_absurd_funding_is_refused(value: Fraction, interval: int) -> None:
    with pytest.raises(BadInput):
        funding_terms(value, interval)


def test_holding_time_is_given_once() -> None:
    assert holding_hours(None, 2) == 48
    assert holding_hours(5, None) == 5
    for bad in ((None, None), (1, 1)):
        with pytest.raises(BadInput, match="hours"):
            holding_hours(*bad)
    terms = funding_terms(Fraction(0), 8)
    for hours in (0, -1, 10**9):
        with pytest.raises(BadInput, match="hours"):
            funding_carry(terms, side=Direction.LONG, notional=usd("1"), hours=hours)


@pytest.mark.parametrize("words", [MarketWords(), MarketWords(maintenance=Rate(0)), MarketWords(max_leverage=0)])
def test_a_market_must_be_described(words: MarketWords) -> None:
    with pytest.raises(BadInput):
        described(words, coin="X", side=Direction.LONG, size=Fraction(1), entry=Fraction(1), leverage=1)
