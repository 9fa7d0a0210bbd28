"""The price grid: which prices are on it, numbered without gaps, at every size of a lot and at both ends."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.book.grid import TEN, exponent_max, grid_above, grid_below, ordinal_of, price_of
from seawall.kernel import INTERPRETED, kernel
from seawall.ledger import state
from seawall.terms import limits

SIZE_DECIMALS = range(limits.SIZE_DECIMALS_MIN, limits.SIZE_DECIMALS_MAX + 1)
PRICES = st.one_of(
    st.integers(1, 2**40),
    st.builds(lambda p, e: p * 10**e, st.integers(1, 200_000), st.integers(0, 12)),
    st.builds(
        lambda p, e, d: max(p * 10**e + d, 1),
        st.sampled_from((10_000, 99_999, 100_000)),
        st.integers(0, 9),
        st.integers(-1, 1),
    ),
)


@kernel
def ask(states: Any, prices: Any, answers: Any) -> None:
    s = states[0]
    for i in range(len(prices)):
        ordinal = ordinal_of(s, 0, prices[i])
        answers[i, 0] = ordinal
        answers[i, 1] = price_of(s, 0, ordinal) if ordinal > 0 else 0
        answers[i, 2] = grid_below(s, 0, prices[i])
        answers[i, 3] = grid_above(s, 0, prices[i])


@kernel
def tell(states: Any, ordinals: Any, prices: Any) -> None:
    s = states[0]
    for i in range(len(ordinals)):
        prices[i] = price_of(s, 0, ordinals[i])


ARRAY = state.create_state(state.SMALL)
STATES = state.for_kernels(ARRAY)


def asked(size_decimals: int, prices: list[int]) -> list[list[int]]:
    state.columns_of(ARRAY)["market_exponent_max"][0] = exponent_max(size_decimals)
    rows, answers = np.array(prices, np.int64), np.zeros((len(prices), 4), np.int64)
    if INTERPRETED:
        ask(STATES, memoryview(rows), memoryview(answers))
    else:
        ask(STATES, rows, answers)
    return [[int(value) for value in answer] for answer in answers]


def is_allowed(size_decimals: int, price: int) -> bool:
    """Hyperliquid's rule on the decimal price in USD: five figures or whole, no finer than micro-USD a lot."""
    usd = (Decimal(price).scaleb(size_decimals - 6)).normalize()
    exponent = usd.as_tuple().exponent
    assert isinstance(exponent, int)
    decimals = max(0, -exponent)
    return decimals <= 6 - size_decimals and (len(usd.as_tuple().digits) <= 5 or decimals == 0)


@given(st.sampled_from(SIZE_DECIMALS), PRICES)
def test_a_price_is_on_the_grid_as_the_exchange_rule_has_it(size_decimals: int, price: int) -> None:
    ((ordinal, back, below, above),) = asked(size_decimals, [price])
    cap = exponent_max(size_decimals)
    beyond = price > last_price(cap)
    assert (ordinal > 0) == (is_allowed(size_decimals, price) and not beyond)
    assert ordinal == -1 or back == price
    assert below == least_step(cap, price, -1)
    assert above == least_step(cap, price, 1)


def least_step(cap: int, price: int, way: int) -> int:
    """The nearest price of the grid at or beyond `price`; 0 when there is none. From its decimal text alone."""
    last = last_price(cap)
    if price > last:
        return last if way < 0 else 0
    unit = 10 ** min(max(len(str(price)) - 5, 0), cap)
    return (price // unit if way < 0 else -(-price // unit)) * unit


def last_price(cap: int) -> int:
    """The greatest price with an ordinal below 2^20."""
    exponent = min(cap, 11)
    return (2**20 - 1 - 90_000 * exponent) * 10**exponent


@pytest.mark.parametrize("size_decimals", SIZE_DECIMALS)
def test_ordinals_have_no_gaps_and_grow_with_the_price(size_decimals: int) -> None:
    state.columns_of(ARRAY)["market_exponent_max"][0] = exponent_max(size_decimals)
    ordinals = np.arange(1, limits.ORDINALS, dtype=np.int64)
    if INTERPRETED:
        ordinals = np.unique(
            np.concatenate((ordinals[::997], ordinals[9_990:10_010], ordinals[99_990:100_010], ordinals[-3:]))
        )
    prices = np.zeros(len(ordinals), np.int64)
    if INTERPRETED:
        tell(STATES, memoryview(ordinals), memoryview(prices))
    else:
        tell(STATES, ordinals, prices)
    assert (np.diff(prices) > 0).all()
    assert prices[0] == 1
    assert [answer[0] for answer in asked(size_decimals, prices[::311].tolist())] == ordinals[::311].tolist()


@pytest.mark.parametrize(
    "size_decimals, price, ordinal",
    [
        (6, 1, 1),  # the least
        (6, 2**20 - 1, 2**20 - 1),  # whole USD of a lot that is a millionth: linear, all figures
        (6, 2**20, -1),  # one past the grid
        (5, 99_999, 99_999),
        (5, 100_000, 100_000),  # 10,000 x 10^1: the next number
        (5, 100_001, -1),  # six figures and not whole
        (5, 1_234_560, 213_456),  # whole USD: any figures
        (5, 1_234_565, -1),
        (0, 2**40, -1),  # not a multiple of one USD
        (0, 508_575_000_000, 2**20 - 1),
        (0, 508_576_000_000, -1),
        (-9, 1_099_500_000_000, 720_000 + 10_995),
        (-9, 2**40, -1),
        (-9, 10_000, 10_000),
        (0, 0, -1),
        (0, -5, -1),
        (0, -(2**62), -1),
        (0, 2**62, -1),
    ],
)
def test_named_prices(size_decimals: int, price: int, ordinal: int) -> None:
    assert asked(size_decimals, [price])[0][0] == ordinal


def test_prices_below_one_have_neighbours_only_above() -> None:
    assert [answer[2:] for answer in asked(2, [0, -3])] == [[0, 1], [0, 1]]


def test_powers_reach_the_greatest_exponent() -> None:
    assert len(TEN) == exponent_max(limits.SIZE_DECIMALS_MIN) + 1
