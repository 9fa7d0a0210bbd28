"""128-bit helpers against Python's own integers, compiled and interpreted, at the ends of their ranges."""

import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall import wide
from seawall.units import RATE_ONE, ceil_div

TOP = 2**62
EDGES = [0, 1, 2, 2**20, 2**31 - 1, 2**31, 2**31 + 1, 2**53, 2**61, TOP - 1, TOP]
word = st.one_of(st.integers(-TOP, TOP), st.sampled_from([*EDGES, *(-edge for edge in EDGES)]))
divisor = st.one_of(st.integers(1, TOP), st.integers(1, 2**31), st.sampled_from(EDGES[1:]), st.just(1_000_000))


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    """Loads the compiled code before Hypothesis times anything."""
    wide.compile_wide()


def plain(function: Callable[..., object]) -> Callable[..., object]:
    """The Python function behind a compiled one; itself when interpreting."""
    return getattr(function, "py_func", function)


@given(word, word)
def test_a_product_is_exact(a: int, b: int) -> None:
    high, low = wide.multiply(a, b)
    assert high * 2**62 + low == a * b
    assert 0 <= low < 2**62
    assert plain(wide.multiply)(a, b) == (high, low)


@given(word, word, word, word)
def test_products_compare_exactly(a: int, b: int, c: int, d: int) -> None:
    assert wide.compare_products(a, b, c, d) == (a * b > c * d) - (a * b < c * d)


@given(word, word, word)
def test_equal_products_and_their_neighbours(a: int, b: int, c: int) -> None:
    assert wide.compare_products(a, b, b, a) == 0
    assert wide.compare_products(a, b, -a, -b) == 0
    if a:
        nearest = b + 1 if b < TOP else b - 1
        assert wide.compare_products(a, b, a, nearest) == (1 if (a > 0) == (b > nearest) else -1)
    assert wide.compare_products(a, c, b, c) == (a * c > b * c) - (a * c < b * c)


@given(word, word, divisor)
def test_quotients_round_to_their_side(a: int, b: int, over: int) -> None:
    if abs(a * b) > over * TOP:
        return
    exact, rest = divmod(a * b, over)
    assert wide.mul_divmod(a, b, over) == (exact, rest)
    assert wide.mul_floor_div(a, b, over) == exact
    assert wide.mul_ceil_div(a, b, over) == ceil_div(a * b, over)
    assert plain(wide.mul_divmod)(a, b, over) == (exact, rest)


@given(st.integers(-TOP, TOP), st.integers(1, TOP), st.integers(-3, 3))
def test_quotients_near_one_divide_exactly(a: int, over: int, step: int) -> None:
    b = min(TOP, max(-TOP, over + step))
    if abs(a * b) <= over * TOP:
        assert wide.mul_divmod(a, b, over) == divmod(a * b, over)


@given(word, word)
def test_a_split_numerator_rounds_up(high: int, low: int) -> None:
    expected = ceil_div(high * 2**20 + low, RATE_ONE)
    assert wide.split_ceil_rate(high, low) == expected
    assert plain(wide.split_ceil_rate)(high, low) == expected


@given(st.integers(0, 2**58 * RATE_ONE), st.integers(-(2**30), 2**30), st.integers(-2, 2), word)
def test_a_split_numerator_compares_exactly(numerator: int, shift: int, step: int, anything: int) -> None:
    high, low = (numerator >> 20) + shift, (numerator & (2**20 - 1)) - shift * 2**20
    assert high * 2**20 + low == numerator
    for amount in (numerator // RATE_ONE + step, anything):
        expected = amount * RATE_ONE < numerator
        assert wide.split_exceeds(amount, high, low) == expected
        assert plain(wide.split_exceeds)(amount, high, low) == expected


@pytest.mark.parametrize("amount", [0, 1, 2**58 - 1, 2**58])
def test_the_boundary_of_a_requirement(amount: int) -> None:
    for extra in (-1, 0, 1):
        numerator = amount * RATE_ONE + extra
        if 0 <= numerator <= 2**58 * RATE_ONE:
            assert wide.split_exceeds(amount, numerator >> 20, numerator & (2**20 - 1)) == (extra > 0)


def test_interpreted_source_stays_within_64_bits() -> None:
    """NumPy's checked scalars through the plain source at the extremes: an overflow would warn, here an error."""
    program = (
        "import numpy as np, itertools, warnings; warnings.simplefilter('error'); from seawall import wide\n"
        "edges = [np.int64(s * v) for v in (0, 1, 2**31, 2**61, 2**62 - 1, 2**62) for s in (1, -1)]\n"
        "for a, b in itertools.product(edges, edges):\n"
        "    high, low = wide.multiply(a, b)\n"
        "    assert int(high) * 2**62 + int(low) == int(a) * int(b)\n"
        "    wide.split_ceil_rate(a, b)\n"
        "    for c in edges:\n"
        "        if c > 0 and abs(int(a) * int(b)) <= int(c) * 2**62:\n"
        "            q, r = wide.mul_divmod(a, b, c)\n"
        "            assert (int(q), int(r)) == divmod(int(a) * int(b), int(c))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"SEAWALL_INTERPRET": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
