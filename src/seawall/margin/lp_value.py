"""What concentrated liquidity is worth, in compiled code (SPEC section 11): an engine's integers of a range.

A range is four integers. `low` and `high` are the square roots of its bounds, prices in micro-USD per lot, times
2^scale: below 2^31, `low` rounded up and `high` down, the scale as large as that allows. `liquidity` is Uniswap's L in
sqrt(lots * micro-USD). With r the root of the price at that scale, rounded down and clamped to the range, and q the
lower of r and P / r,

    value = floor(liquidity * ((r - low) + floor(q * (high - r) / high)) / 2^scale)

which is L(2 sqrtP - P / sqrtPb - sqrtPa) in the range, all base below it and all quote above, and never more than
that. It rises with the price, and is concave in it.
margin/lp.py has the pool's own integers, of which `range_of` there makes these.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from seawall.kernel import INTERPRETED, kernel, warm_up
from seawall.wide import mul_floor_div

ROOT_BITS: Final = 31  # roots are below 2^31
SQUARE_BITS: Final = 62


@kernel
def integer_root(square: int) -> int:
    """Square root of 0..2^62, rounded down: Newton's steps from above."""
    if square < 2:
        return square
    bits, rest = 0, square
    for step in (32, 16, 8, 4, 2, 1):
        if rest >> step != 0:
            rest >>= step
            bits += step
    root = 1 << ((bits >> 1) + 1)
    while True:  # at most 6: the first is less than twice too large, and each squares the relative error
        better = (root + square // root) >> 1
        if better >= root:
            return root
        root = better


@kernel
def root_at(low: int, high: int, scale: int, price: int) -> int:
    """The root of a price >= 0 at a range's scale, rounded down, clamped to the range."""
    if price >> (SQUARE_BITS - 2 * scale) != 0:
        return high
    return min(max(integer_root(price << (2 * scale)), low), high)


@kernel
def range_value(liquidity: int, low: int, high: int, scale: int, price: int) -> int:
    """Worth of both tokens of a range at a price, micro-USD. Rounds down."""
    root = root_at(low, high, scale, price)
    return int(mul_floor_div(liquidity, (root - low) + _base(root, high, scale, price), 1 << scale))


@kernel
def _base(root: int, high: int, scale: int, price: int) -> int:
    """Worth of the base asset per unit of liquidity, times 2^scale."""
    if root >= high:
        return 0
    return min(root, (price << (2 * scale)) // root) * (high - root) // high


@kernel
def range_delta(liquidity: int, low: int, high: int, scale: int, price: int) -> int:
    """What of the worth is base asset: gained per relative move of the price, to first order. Rounds down."""
    root = root_at(low, high, scale, price)
    return int(mul_floor_div(liquidity, _base(root, high, scale, price), 1 << scale))


@kernel
def range_gamma(liquidity: int, low: int, high: int, scale: int, price: int) -> int:
    """Second derivative per relative move, micro-USD, at most 0: minus half of L sqrtP, 0 outside the range."""
    root = root_at(low, high, scale, price)
    if not low < root < high:
        return 0
    return -int(mul_floor_div(liquidity, root, 2 << scale))


@kernel
def fill_values(liquidity: Any, low: Any, high: Any, scale: Any, price: Any, out: Any) -> None:
    """`range_value` of many positions."""
    for i in range(len(out)):
        out[i] = range_value(liquidity[i], low[i], high[i], scale[i], price[i])


Ints = NDArray[np.int64]


def range_values(liquidity: Ints, low: Ints, high: Ints, scale: Ints, price: Ints) -> Ints:
    """Worth of many positions at a price each, micro-USD; all arrays of one length."""
    columns: list[Any] = [np.ascontiguousarray(column, np.int64) for column in (liquidity, low, high, scale, price)]
    out: Any = np.zeros(len(columns[0]), np.int64)
    fill_values(*((memoryview(column) if INTERPRETED else column) for column in (*columns, out)))
    values: Ints = out
    return values


@warm_up
def compile_lp_value() -> None:
    """Compiles every function here."""
    one = np.ones(1, np.int64)
    range_values(one, one, one + 1, one, one)
    range_delta(1, 1, 2, 0, 1)
    range_gamma(1, 1, 2, 0, 1)
