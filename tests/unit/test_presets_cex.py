"""Binance, Bybit, Gate and OKX: worked examples, and what must hold at the price found."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.presets import binance, bybit, gate_okx
from seawall.units import RATE_ONE, USD_ONE, BadInput, Rate, UsdMicro

ONE_PERCENT = Rate(RATE_ONE // 100)
SIZES = st.fractions(Fraction(1, 100), 1_000, max_denominator=100)
ENTRIES = st.fractions(Fraction(1, 10), 100_000, max_denominator=100)
LEVERAGES = st.integers(1, 40)


def test_brackets_keep_maintenance_continuous() -> None:
    rows = [
        (UsdMicro(0), 125, Rate(RATE_ONE * 4 // 1000)),
        (UsdMicro(50_000 * USD_ONE), 100, Rate(RATE_ONE * 5 // 1000)),
        (UsdMicro(600_000 * USD_ONE), 75, Rate(RATE_ONE * 65 // 10_000)),
    ]
    assert binance.maintenance_amounts(binance.bracket_tiers(rows)) == (0, 50, 950)
    with pytest.raises(BadInput):
        binance.bracket_tiers(list(reversed(rows)))


@given(SIZES, ENTRIES, LEVERAGES, st.booleans(), st.integers(0, 10**9))
def test_binance_wallet_and_pnl_meet_maintenance_at_the_price(
    size: Fraction, entry: Fraction, leverage: int, is_short: bool, amount: int
) -> None:
    signed = -size if is_short else size
    position = binance.Position(
        size=signed, entry=entry, maintenance_rate=ONE_PERCENT, maintenance_amount=UsdMicro(amount)
    )
    wallet = binance.isolated_wallet(signed, entry, Fraction(leverage))
    price = binance.liquidation_price(position, wallet)
    closed = (wallet + amount - signed * entry * USD_ONE) / ((size / 100 - signed) * USD_ONE)
    assert price == (closed if closed > 0 else None)
    if price is not None:
        assert wallet + signed * (price - entry) * USD_ONE == size * price * USD_ONE / 100 - amount


def test_binance_others_add_their_pnl_and_take_their_maintenance() -> None:
    position = binance.Position(size=Fraction(1), entry=Fraction(100), maintenance_rate=ONE_PERCENT)
    alone = binance.liquidation_price(position, 50 * USD_ONE)
    gaining_short = binance.Position(
        size=Fraction(-2), entry=Fraction(30), mark=Fraction(20), maintenance_rate=ONE_PERCENT
    )
    helped = binance.liquidation_price(position, 50 * USD_ONE, [gaining_short])
    assert alone == Fraction(50 * 100, 99)
    assert helped == (Fraction(50) - 20 + Fraction(40, 100)) * 100 / 99
    no_mark = binance.Position(size=Fraction(1), entry=Fraction(30), maintenance_rate=ONE_PERCENT)
    with pytest.raises(BadInput, match="mark"):
        binance.liquidation_price(position, 0, [no_mark])


@given(SIZES, ENTRIES, LEVERAGES, st.booleans())
def test_bybit_is_the_closed_form_whatever_the_size(
    size: Fraction, entry: Fraction, leverage: int, is_short: bool
) -> None:
    side = -1 if is_short else 1
    price = bybit.liquidation_price(size=side * size, entry=entry, leverage=Fraction(leverage), rate=ONE_PERCENT)
    assert price == entry * (1 - side * (Fraction(1, leverage) - Fraction(1, 100)))


@given(SIZES, ENTRIES, LEVERAGES, st.booleans())
def test_gate_and_okx_are_the_closed_form(size: Fraction, entry: Fraction, leverage: int, is_short: bool) -> None:
    side = -1 if is_short else 1
    wallet = size * entry / leverage
    fee = Rate(RATE_ONE * 6 // 10_000)
    price = gate_okx.liquidation_price(size=side * size, entry=entry, wallet=wallet, rate=ONE_PERCENT, taker_fee=fee)
    closed = (entry - side * wallet / size) / (1 - side * (Fraction(1, 100) + Fraction(6, 10_000)))
    assert price == (closed if closed > 0 else None)


def test_impossible_positions_are_refused() -> None:
    zero, one = Fraction(0), Fraction(1)
    with pytest.raises(BadInput):
        binance.liquidation_price(binance.Position(size=zero, entry=one, maintenance_rate=ONE_PERCENT), 1)
    with pytest.raises(BadInput):
        binance.isolated_wallet(one, one, zero)
    with pytest.raises(BadInput):
        bybit.liquidation_price(size=one, entry=one, leverage=zero, rate=ONE_PERCENT)
    with pytest.raises(BadInput):
        gate_okx.liquidation_price(size=one, entry=zero, wallet=one, rate=ONE_PERCENT, taker_fee=ONE_PERCENT)
