"""Uniswap v3: ticks against exact powers, amounts against exact fractions, and swaps that never favour the taker."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.margin import lp
from seawall.margin.lp import Q96
from seawall.presets import uniswap_v3
from seawall.units import BadInput, Side

TICKS = st.sampled_from([0, 1, -1, lp.TICK_MAX, -lp.TICK_MAX]) | st.integers(-lp.TICK_MAX, lp.TICK_MAX)
ROOTS = st.sampled_from([lp.SQRT_RATIO_MIN, Q96, lp.SQRT_RATIO_MAX - 1]) | st.integers(
    lp.SQRT_RATIO_MIN, lp.SQRT_RATIO_MAX - 1
)
NEAR_ROOTS = st.integers(Q96 // 1_000, Q96 * 1_000)
LIQUIDITY = st.integers(0, 2**128 - 1) | st.integers(1, 10**6)


@given(TICKS)
def test_ratio_at_tick_is_the_power_to_ten_digits(tick: int) -> None:
    with localcontext() as context:
        context.prec = 80
        exact = (Decimal("1.0001") ** tick).sqrt() * Q96
    assert abs(lp.sqrt_ratio_at_tick(tick) - exact) <= exact / Decimal(10**9) + 1


@given(TICKS)
def test_tick_and_ratio_are_inverse(tick: int) -> None:
    root = lp.sqrt_ratio_at_tick(tick)
    if tick < lp.TICK_MAX:
        assert lp.tick_at_sqrt_ratio(root) == tick
        assert lp.sqrt_ratio_at_tick(tick + 1) > root
    if tick > -lp.TICK_MAX:
        assert lp.tick_at_sqrt_ratio(root - 1) == tick - 1


@given(ROOTS)
def test_a_price_lies_between_its_ticks(root: int) -> None:
    tick = lp.tick_at_sqrt_ratio(root)
    assert lp.sqrt_ratio_at_tick(tick) <= root < lp.sqrt_ratio_at_tick(tick + 1)


@pytest.mark.parametrize("root", [lp.SQRT_RATIO_MIN - 1, lp.SQRT_RATIO_MAX, 0, -1])
def test_prices_out_of_reach_are_refused(root: int) -> None:
    with pytest.raises(BadInput):
        lp.tick_at_sqrt_ratio(root)


@pytest.mark.parametrize("tick", [lp.TICK_MAX + 1, -lp.TICK_MAX - 1])
def test_ticks_out_of_reach_are_refused(tick: int) -> None:
    with pytest.raises(BadInput):
        lp.sqrt_ratio_at_tick(tick)


@given(st.integers(0, 2**100), st.integers(1, 2**100))
def test_encoded_root_is_the_floor(amount1: int, amount0: int) -> None:
    root = lp.encode_sqrt_ratio(amount1, amount0)
    assert root**2 * amount0 <= amount1 << 192 < (root + 1) ** 2 * amount0


@given(NEAR_ROOTS, NEAR_ROOTS, LIQUIDITY)
def test_amounts_lie_around_the_exact_ones(one: int, other: int, liquidity: int) -> None:
    lower, upper = min(one, other), max(one, other)
    exact0 = Fraction(liquidity * Q96 * (upper - lower), upper * lower)
    exact1 = Fraction(liquidity * (upper - lower), Q96)
    for delta, exact in ((lp.amount0_delta, exact0), (lp.amount1_delta, exact1)):
        down, up = delta(one, other, liquidity, Side.DOWN), delta(other, one, liquidity, Side.UP)
        assert exact - 2 < down <= exact <= up < exact + 2


@given(NEAR_ROOTS, NEAR_ROOTS, NEAR_ROOTS, st.integers(0, 10**30))
def test_amounts_of_a_range_buy_no_more_than_its_liquidity(price: int, one: int, other: int, liquidity: int) -> None:
    if one == other:
        return
    amount0, amount1 = lp.position_amounts(price, one, other, liquidity, Side.DOWN)
    assert lp.liquidity_for_amounts(price, one, other, amount0, amount1) <= liquidity
    lower, upper = min(one, other), max(one, other)
    if price <= lower:
        assert amount1 == 0
    if price >= upper:
        assert amount0 == 0
    up0, up1 = lp.position_amounts(price, one, other, liquidity, Side.UP)
    assert 0 <= up0 - amount0 <= 2
    assert 0 <= up1 - amount1 <= 1


def test_empty_and_negative_ranges_are_refused() -> None:
    with pytest.raises(BadInput, match="empty"):
        lp.liquidity_for_amounts(Q96, Q96, Q96, 1, 1)
    with pytest.raises(BadInput):
        lp.liquidity_for_amounts(Q96, Q96, Q96 + 1, -1, 1)
    with pytest.raises(BadInput):
        lp.amount0_delta(0, Q96, 1, Side.UP)
    with pytest.raises(BadInput):
        lp.amount1_delta(Q96, Q96, -1, Side.UP)
    with pytest.raises(BadInput):
        lp.encode_sqrt_ratio(1, 0)


@given(
    NEAR_ROOTS,
    NEAR_ROOTS,
    st.integers(0, 10**30),
    st.integers(-(10**30), 10**30) | st.integers(-10, 10),
    st.sampled_from([0, 1, 500, 3_000, 10_000, 999_999]),
)
def test_a_swap_never_favours_the_taker(price: int, target: int, liquidity: int, remaining: int, fee: int) -> None:
    try:
        step = uniswap_v3.swap_step(price, target, liquidity, remaining, fee)
    except BadInput:
        assert remaining < 0 or liquidity == 0
        return
    low, high = min(price, target), max(price, target)
    assert low <= step.sqrt_price <= high
    is_sale_of_0 = price >= target
    moved_low, moved_high = min(price, step.sqrt_price), max(price, step.sqrt_price)
    exact0 = Fraction(liquidity * Q96 * (moved_high - moved_low), moved_low * moved_high)
    exact1 = Fraction(liquidity * (moved_high - moved_low), Q96)
    assert step.amount_in >= (exact0 if is_sale_of_0 else exact1)
    assert step.amount_out <= (exact1 if is_sale_of_0 else exact0)
    assert step.fee * (10**6 - fee) >= step.amount_in * fee
    if remaining >= 0:
        assert step.amount_in + step.fee <= remaining
        assert step.sqrt_price == target or step.amount_in + step.fee == remaining
    else:
        assert step.amount_out <= -remaining


def test_a_pool_gives_out_no_more_than_it_holds() -> None:
    price, liquidity = Q96, 1_000
    for zero_for_one in (True, False):
        with pytest.raises(BadInput, match="hold"):
            uniswap_v3.next_sqrt_price_from_output(price, liquidity, 1_000, zero_for_one=zero_for_one)
        uniswap_v3.next_sqrt_price_from_output(price, liquidity, 999, zero_for_one=zero_for_one)


def test_impossible_pools_are_refused() -> None:
    for price, liquidity, amount in ((0, 1, 1), (1, 0, 1), (1, 1, -1)):
        for move in (uniswap_v3.next_sqrt_price_from_input, uniswap_v3.next_sqrt_price_from_output):
            with pytest.raises(BadInput):
                move(price, liquidity, amount, zero_for_one=True)
    with pytest.raises(BadInput, match="160"):
        uniswap_v3.next_sqrt_price_from_input(Q96, 1, 2**70, zero_for_one=False)
    with pytest.raises(BadInput):
        uniswap_v3.swap_step(Q96, Q96, 1, 1, 10**6)
    with pytest.raises(BadInput):
        uniswap_v3.swap_step(Q96, Q96, -1, 1, 1)


def test_an_empty_range_is_crossed_for_nothing() -> None:
    step = uniswap_v3.swap_step(Q96, 2 * Q96, 0, 10**18, 3_000)
    assert step == uniswap_v3.SwapStep(sqrt_price=2 * Q96, amount_in=0, amount_out=0, fee=0)


def test_a_product_past_256_bits_takes_the_contracts_other_path() -> None:
    """The exact form divides once; past 256 bits the contract divides twice and keeps fewer digits."""
    assert uniswap_v3.next_sqrt_price_from_amount0(Q96, 1, 2**255, is_added=True) == 1
    price, liquidity, amount = 2**160 - 1, 2**128 - 1, 2**96 + 1
    scaled = liquidity * Q96
    got = uniswap_v3.next_sqrt_price_from_amount0(price, liquidity, amount, is_added=True)
    assert got == -(-scaled // (scaled // price + amount))
    assert got != -(-scaled * price // (scaled + amount * price))
