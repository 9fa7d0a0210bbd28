"""Lots are chosen so that sizes and prices are held exactly."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from seawall.tools.scales import Scale, choose_scale, common_divisor, price_bound
from seawall.units import BadInput, Lots, Price


@given(st.integers(1, 10**9), st.integers(0, 6), st.integers(1, 10**9), st.integers(0, 6))
def test_a_size_and_its_value_are_always_held(digits: int, places: int, value: int, tail: int) -> None:
    size, worth = Fraction(digits, 10**places), Fraction(value * 10 ** (6 - tail), 10**6)
    assume(worth <= 10**9)
    mark = worth / size
    scale = choose_scale([size], [mark], None)
    assume(scale is not None or worth > 1_000_000)
    if scale is None:
        return
    assert scale.size_units(scale.lots(size, "s")) == size
    assert scale.price_usd(scale.price(mark, "p")) == mark


def test_the_markets_own_lot_is_kept_when_it_holds() -> None:
    scale = choose_scale([Fraction("0.5")], [Fraction("50000.1")], 5)
    assert scale == Scale(Fraction(10**5))


def test_an_odd_mark_gets_a_lot_that_divides_the_position() -> None:
    size, value = Fraction("0.13"), Fraction("8.346134")
    scale = choose_scale([size], [value / size], 2)
    assert scale is not None
    assert scale.lots(size, "s") * scale.price(value / size, "p") == 8_346_134


def test_prices_of_any_scale() -> None:
    for price in ("0.000001", "0.0000001", "1000000", "98765432.1"):
        scale = choose_scale([Fraction(10**6)], [Fraction(price)], None)
        assert scale is not None
        assert scale.price_usd(scale.price(Fraction(price), "p")) == Fraction(price)


def test_what_does_not_fit_is_refused() -> None:
    scale = Scale(Fraction(100))
    with pytest.raises(BadInput, match="size"):
        scale.lots(Fraction("0.001"), "size")
    with pytest.raises(BadInput, match="price"):
        scale.price(Fraction("0.00001"), "price")
    assert scale.floor_size(Fraction("0.019")) == Fraction("0.01")
    assert scale.nearest_price(Fraction("0.00000001")) == 1
    with pytest.raises(BadInput, match="absurd"):
        price_bound(Lots(2**53), Price(2), "szi")


@given(st.lists(st.fractions(min_value=0, max_value=10**6, max_denominator=10**4), max_size=5))
def test_common_divisor_divides_all(values: list[Fraction]) -> None:
    step = common_divisor(values)
    if step:
        assert all((value / step).denominator == 1 for value in values)
    else:
        assert not any(values)
