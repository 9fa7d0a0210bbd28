"""Concentrated liquidity in integers: ticks, amounts and liquidity of a Uniswap v3 range (SPEC section 11).

Square-root prices are Q64.96: sqrt(amount1 / amount0) x 2^96. The bounds of a range may be given in either order.
Results are equal to the integers of Uniswap v3 core and periphery (TickMath, SqrtPriceMath, LiquidityAmounts); which
way an amount rounds is named by the caller.
"""

from fractions import Fraction
from math import isqrt
from typing import Final

import msgspec

from seawall.units import BadInput, Side, ceil_div, div, floor_div

Q96: Final = 2**96
TICK_MAX: Final = 887_272
ROOT_BOUND: Final = 2**31
SCALE_MAX: Final = 31
LIQUIDITY_MAX: Final = 2**53
SQRT_RATIO_MIN: Final = 4_295_128_739  # at -TICK_MAX
SQRT_RATIO_MAX: Final = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342  # at TICK_MAX, not reachable

# sqrt(1.0001)^-(2^i) as Q128.128, i = 0..19: the published constants of TickMath.
_TICK_FACTORS: Final = (
    0xFFFCB933BD6FAD37AA2D162D1A594001,
    0xFFF97272373D413259A46990580E213A,
    0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0,
    0xFFCB9843D60F6159C9DB58835C926644,
    0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861,
    0xFE5DEE046A99A2A811C461F1969C3053,
    0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54,
    0xF3392B0822B70005940C7A398E4B70F3,
    0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825,
    0xA9F746462D870FDF8A65DC1F90E061E5,
    0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6,
    0x9AA508B5B7A84E1C677DE54F3E99BC9,
    0x5D6AF8DEDB81196699C329225EE604,
    0x2216E584F5FA1EA926041BEDFE98,
    0x48A170391F7DC42444E8FA2,
)


def sqrt_ratio_at_tick(tick: int) -> int:
    """sqrt(1.0001^tick) x 2^96, rounded up. BadInput beyond +-887,272."""
    if abs(tick) > TICK_MAX:
        raise BadInput("tick", f"{tick} is outside -{TICK_MAX}..{TICK_MAX}")
    ratio = 1 << 128
    for bit, factor in enumerate(_TICK_FACTORS):
        if abs(tick) >> bit & 1:
            ratio = ratio * factor >> 128
    if tick > 0:
        ratio = floor_div(2**256 - 1, ratio)
    return ceil_div(ratio, 2**32)


def tick_at_sqrt_ratio(sqrt_price: int) -> int:
    """The greatest tick whose ratio is not above `sqrt_price`. BadInput outside [SQRT_RATIO_MIN, SQRT_RATIO_MAX)."""
    if not SQRT_RATIO_MIN <= sqrt_price < SQRT_RATIO_MAX:
        raise BadInput("sqrt_price", f"{sqrt_price} is outside {SQRT_RATIO_MIN}..{SQRT_RATIO_MAX - 1}")
    low, high = -TICK_MAX, TICK_MAX
    while high - low > 1:  # at most 21 halvings
        middle = (low + high) >> 1
        low, high = (middle, high) if sqrt_ratio_at_tick(middle) <= sqrt_price else (low, middle)
    return low


def encode_sqrt_ratio(amount1: int, amount0: int) -> int:
    """floor(sqrt(amount1 x 2^192 / amount0)). BadInput when an amount is negative or `amount0` is zero."""
    if amount0 <= 0 or amount1 < 0:
        raise BadInput("amount0", "amounts must be amount1 >= 0 and amount0 > 0")
    return isqrt(floor_div(amount1 << 192, amount0))


def amount0_delta(sqrt_a: int, sqrt_b: int, liquidity: int, side: Side) -> int:
    """Token 0 between two square-root prices: `L * 2^96 * (b - a) / b / a`, both divisions to `side` (UP or DOWN)."""
    lower, upper = _bounds(sqrt_a, sqrt_b)
    _check_liquidity(liquidity)
    return div(div((liquidity << 96) * (upper - lower), upper, side), lower, side)


def amount1_delta(sqrt_a: int, sqrt_b: int, liquidity: int, side: Side) -> int:
    """Token 1 between two square-root prices: `L * (b - a) / 2^96`, rounded to `side` (UP or DOWN)."""
    lower, upper = _bounds(sqrt_a, sqrt_b)
    _check_liquidity(liquidity)
    return div(liquidity * (upper - lower), Q96, side)


def position_amounts(sqrt_price: int, sqrt_a: int, sqrt_b: int, liquidity: int, side: Side) -> tuple[int, int]:
    """Tokens 0 and 1 of a range at a price: the amounts above and below the price clamped to the range, to `side`."""
    lower, upper = _bounds(sqrt_a, sqrt_b)
    inside = _clamped(sqrt_price, lower, upper)
    return amount0_delta(inside, upper, liquidity, side), amount1_delta(lower, inside, liquidity, side)


def liquidity_for_amounts(sqrt_price: int, sqrt_a: int, sqrt_b: int, amount0: int, amount1: int) -> int:
    """Most liquidity that the amounts can provide over a range at a price, rounded down (LiquidityAmounts).

    Below the range token 0 alone counts, above it token 1 alone, inside it the scarcer of the two.
    """
    lower, upper = _bounds(sqrt_a, sqrt_b)
    if amount0 < 0 or amount1 < 0:
        raise BadInput("amount0", "amounts must not be negative")
    if lower == upper:
        raise BadInput("sqrt_b", "the range is empty")
    if _positive(sqrt_price) <= lower:
        return _liquidity_for_amount0(lower, upper, amount0)
    if sqrt_price >= upper:
        return _liquidity_for_amount1(lower, upper, amount1)
    return min(_liquidity_for_amount0(sqrt_price, upper, amount0), _liquidity_for_amount1(lower, sqrt_price, amount1))


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """A position in an engine's integers (margin/lp_value.py): roots of its bounds times 2^scale, its liquidity."""

    liquidity: int  # sqrt(lots * micro-USD)
    low: int
    high: int
    scale: int


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """The two tokens of a pool: which is the base, both tokens' decimals, and the decimals of a lot of the base."""

    base_is_token0: bool
    base_decimals: int
    quote_decimals: int
    size_decimals: int


def range_of(tick_lower: int, tick_upper: int, liquidity: int, pair: Pair) -> Range:
    """A position of a pool of `pair` in an engine's integers; the quote is worth a USD. Never worth more than it is.

    BadInput for ticks or liquidity out of range, and for a position beyond the engine's bounds.
    """
    if tick_lower >= tick_upper or liquidity <= 0:
        raise BadInput("tick_lower", "a position needs lower < upper and liquidity")
    ratios = [Fraction(sqrt_ratio_at_tick(tick) ** 2, Q96**2) for tick in (tick_lower, tick_upper)]
    per_lot = Fraction(10) ** (pair.base_decimals - pair.size_decimals)
    micro = Fraction(10) ** (6 - pair.quote_decimals)
    prices = [ratio * per_lot * micro for ratio in ratios]
    if not pair.base_is_token0:
        prices = [per_lot * micro / ratio for ratio in reversed(ratios)]
    scale, low, high = roots_of(*prices)
    square = liquidity**2 * micro / per_lot
    found = isqrt(floor_div(square.numerator, square.denominator))
    if not 0 < found <= LIQUIDITY_MAX:
        raise BadInput("liquidity", "the position is too small or too large for the engine's integers")
    return Range(liquidity=found, low=low, high=high, scale=scale)


def roots_of(low: Fraction, high: Fraction) -> tuple[int, int, int]:
    """(scale, low, high): square roots of two prices in micro-USD a lot, at the largest scale that fits, inward.

    BadInput for prices that leave no range.
    """
    scale = 0
    while scale < SCALE_MAX and _root(high, scale + 1) < ROOT_BOUND:
        scale += 1
    first, last = _root(low, scale) + 1, _root(high, scale)
    if not 0 < first < last < ROOT_BOUND:
        raise BadInput("range", "the range is too narrow, or too high, for the engine's integers")
    return scale, first, last


def _root(price: Fraction, scale: int) -> int:
    """sqrt(price) x 2^scale, rounded down."""
    return isqrt(floor_div(price.numerator << (2 * scale), price.denominator))


def _liquidity_for_amount0(lower: int, upper: int, amount0: int) -> int:
    return floor_div(amount0 * floor_div(lower * upper, Q96), upper - lower)


def _liquidity_for_amount1(lower: int, upper: int, amount1: int) -> int:
    return floor_div(amount1 * Q96, upper - lower)


def _bounds(sqrt_a: int, sqrt_b: int) -> tuple[int, int]:
    return min(_positive(sqrt_a), _positive(sqrt_b)), max(sqrt_a, sqrt_b)


def _clamped(sqrt_price: int, lower: int, upper: int) -> int:
    return min(max(_positive(sqrt_price), lower), upper)


def _positive(sqrt_price: int) -> int:
    if sqrt_price <= 0:
        raise BadInput("sqrt_price", f"{sqrt_price} is not positive")
    return sqrt_price


def _check_liquidity(liquidity: int) -> None:
    if liquidity < 0:
        raise BadInput("liquidity", f"{liquidity} is negative")
