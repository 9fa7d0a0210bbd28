"""Units: each rounding side at and beside ties, text in and out, and every refusal by name."""

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, trunc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall import units
from seawall.units import RATE_ONE, BadInput, FundingIndex, Lots, Price, Side

WHOLE = st.sampled_from([0, 1, -1, 2**61, -(2**61), 2**62]) | st.integers(-(10**30), 10**30)
POSITIVE = st.sampled_from([1, 2, 3, RATE_ONE]) | st.integers(1, 10**18)


@given(WHOLE, POSITIVE)
def test_quotients_round_to_their_side(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    assert units.floor_div(numerator, denominator) == floor(exact)
    assert units.ceil_div(numerator, denominator) == ceil(exact)
    assert units.truncated_div(numerator, denominator) == trunc(exact)
    assert units.truncated_div(numerator, -denominator) == trunc(-exact)
    assert units.half_even_div(numerator, denominator) == round(exact)
    assert units.div(numerator, denominator, Side.UP) == ceil(exact)
    assert units.div(numerator, denominator, Side.DOWN) == floor(exact)
    assert units.exact_div(numerator * denominator, denominator) == numerator


@pytest.mark.parametrize(
    ("numerator", "expected"), [(1, 0), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2), (-5, -2), (2, 1), (0, 0)]
)
def test_ties_go_to_the_even_quotient(numerator: int, expected: int) -> None:
    assert units.half_even_div(numerator, 2) == expected


@pytest.mark.parametrize("numerator", [1, -1, 7])
def test_an_inexact_quotient_is_refused_when_exact_is_asked(numerator: int) -> None:
    with pytest.raises(ArithmeticError, match="not a multiple"):
        units.exact_div(numerator, 2)
    with pytest.raises(ArithmeticError, match="not a multiple"):
        units.div(numerator, 2, Side.EXACT)


@pytest.mark.parametrize("divide", [units.floor_div, units.ceil_div, units.half_even_div])
@pytest.mark.parametrize("denominator", [0, -1])
def test_a_denominator_that_is_not_positive_is_a_bug(divide: object, denominator: int) -> None:
    with pytest.raises(AssertionError):
        divide(1, denominator)  # type: ignore[operator]


def test_notional_is_exact_and_unsigned() -> None:
    assert units.notional(Lots(-(2**53)), Price(1)) == 2**53
    assert units.signed_notional(Lots(-3), Price(7)) == -21
    assert units.share(1, 1, Side.UP) == 1
    assert units.share(1, 1, Side.DOWN) == 0
    assert units.share(-1, 1, Side.DOWN) == -1


@pytest.mark.parametrize(
    ("size", "delta", "expected"),
    [(1, 10**6, -1), (1, 1, -1), (1, -1, 0), (-1, 1, 0), (-1, -1, -1), (-1, 10**6, 1), (0, 2**62, 0), (5, 0, 0)],
)
def test_pending_funding_rounds_down_for_payer_and_receiver(size: int, delta: int, expected: int) -> None:
    for entry in (0, 17, -(2**62)):
        index = FundingIndex(entry + delta)
        assert units.pending_funding(Lots(size), index, FundingIndex(entry)) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-0.0", 0),
        ("1.50", Fraction(3, 2)),
        ("-2e3", -2000),
        ("1E-2", Fraction(1, 100)),
        ("2e+1", 20),
        (".5", Fraction(1, 2)),
        (7, 7),
        (Fraction(1, 3), Fraction(1, 3)),
    ],
)
def test_decimal_text_is_read_exactly(text: str | int | Fraction, value: Fraction | int) -> None:
    assert units.fraction_from(text, "x") == value


REFUSED = [
    "",
    " ",
    "1 ",
    "+1",
    "--1",
    "-",
    ".",
    "1.2.3",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "1/3",
    "0x10",
    "1_000",
    "e5",
    "1e",
]
REFUSED += ["1e", "1e1.5", "1e61", "1e-61", "9" * 81, "²", "١", "1,5", "1e+-5", "1e-+5", "1e++5"]


@pytest.mark.parametrize("text", [*REFUSED, 1.5, True, None, Decimal("1"), b"1", float("nan")])
def test_anything_else_is_refused_by_the_name_of_the_field(text: object) -> None:
    with pytest.raises(BadInput) as caught:
        units.fraction_from(text, "wallet.cash")  # type: ignore[arg-type]
    assert caught.value.field == "wallet.cash"
    assert str(caught.value) == f"wallet.cash: {caught.value.why}"


@given(st.text(alphabet="0123456789.eE+-_ /", max_size=8))
def test_text_is_either_refused_or_read_as_the_number_it_says(text: str) -> None:
    try:
        value = units.fraction_from(text, "x")
    except BadInput:
        return
    assert value == Fraction(Decimal(text))


def test_bad_input_names_its_file() -> None:
    assert str(BadInput("cash", "too much", "a.json")) == "a.json: cash: too much"
    assert issubclass(BadInput, ValueError)


@given(st.integers(-(10**24), 10**24))
def test_usd_round_trip(amount: int) -> None:
    assert units.usd(units.usd_text(units.UsdMicro(amount))) == amount


@given(st.integers(-(10**20), 10**20), st.integers(-9, 6))
def test_size_and_price_round_trip(amount: int, size_decimals: int) -> None:
    size = units.size_fraction(Lots(amount), size_decimals)
    assert units.lots(size, size_decimals) == amount
    at = units.price_fraction(Price(amount), size_decimals)
    assert units.price(at, size_decimals) == amount
    assert size * at == Fraction(amount * amount, units.USD_ONE)
    places = max(0, 6 - size_decimals)
    assert units.price(units.decimal_text(at, places), size_decimals) == amount


@given(st.fractions(-1000, 1000), st.integers(0, 12))
def test_decimal_text_rounds_to_its_side(value: Fraction, places: int) -> None:
    low = Fraction(units.decimal_text(value, places, Side.DOWN))
    high = Fraction(units.decimal_text(value, places, Side.UP))
    assert low <= value <= high
    assert high - low == (0 if (value * 10**places).denominator == 1 else Fraction(1, 10**places))


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (0, 6, "0"),
        (Fraction(-1, 2), 1, "-0.5"),
        (Fraction(5, 100), 2, "0.05"),
        (1200, 0, "1200"),
        (Fraction(3, 2), 6, "1.5"),
    ],
)
def test_decimal_text_is_plain(value: Fraction | int, places: int, text: str) -> None:
    assert units.decimal_text(value, places) == text


def test_finer_than_the_unit_is_refused_unless_a_side_is_named() -> None:
    assert units.usd("0.000001") == 1
    with pytest.raises(BadInput, match=r"cash: 0\.0000001 has more digits"):
        units.usd("0.0000001", "cash")
    assert units.usd("0.0000001", side=Side.UP) == 1
    assert units.usd("-0.0000001", side=Side.DOWN) == -1
    assert units.lots("0.00001", 5) == 1
    with pytest.raises(BadInput, match="finer than one lot"):
        units.lots("0.000001", 5)
    assert units.price("50000.1", 5) == 500_001
    with pytest.raises(BadInput, match="more than 1 decimals"):
        units.price("50000.11", 5)
    assert units.price("50000.11", 5, side=Side.UP) == 500_002


@pytest.mark.parametrize("leverage", [1, 2, 3, 4, 5, 10, 20, 25, 40, 50, 100, 125])
def test_venue_leverages_are_exact_rates(leverage: int) -> None:
    assert RATE_ONE % (2 * leverage) == 0
    assert units.rate(Fraction(1, 2 * leverage), Side.EXACT) == RATE_ONE // (2 * leverage)


def test_a_rate_rounds_to_the_side_it_is_read_with() -> None:
    third = Fraction(1, 7)
    assert units.rate(third, Side.UP) - units.rate(third, Side.DOWN) == 1
    with pytest.raises(BadInput, match="rate"):
        units.rate(third, Side.EXACT)
