# pragma version 0.4.3
"""
@title Ranges of Uniswap v3: ticks, square-root prices and amounts, to the unit. src/seawall/margin/lp.py
@license Apache-2.0
@notice Pure. Square-root prices are Q64.96: sqrt(token 1 / token 0) x 2^96. The integers are those of TickMath and
        SqrtPriceMath of Uniswap v3 core, in the order of its divisions; products that pass 256 bits are exact.
"""

TICK_MAX: constant(int256) = 887_272
SQRT_MIN: constant(uint256) = 4_295_128_739  # at -TICK_MAX
SQRT_MAX: constant(uint256) = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342  # at TICK_MAX
Q96: constant(uint256) = 2**96


@internal
@pure
def mul_div(a: uint256, b: uint256, by: uint256) -> uint256:
    """@notice floor(a x b / by), the product in 512 bits. Reverts when the quotient does not fit, and for by = 0."""
    low: uint256 = unsafe_mul(a, b)
    high: uint256 = uint256_mulmod(a, b, max_value(uint256))
    high = unsafe_sub(unsafe_sub(high, low), 1 if high < low else 0)
    if high == 0:
        return low // by
    assert high < by, "quotient"
    rest: uint256 = uint256_mulmod(a, b, by)
    if rest > low:
        high = unsafe_sub(high, 1)
    low = unsafe_sub(low, rest)
    twos: uint256 = by & unsafe_sub(0, by)
    odd: uint256 = unsafe_div(by, twos)
    low = unsafe_div(low, twos)
    low = low | unsafe_mul(high, unsafe_add(unsafe_div(unsafe_sub(0, twos), twos), 1))
    inverse: uint256 = unsafe_mul(3, odd) ^ 2  # of the odd part modulo 2^4, and each step doubles the bits
    for _: uint256 in range(6):
        inverse = unsafe_mul(inverse, unsafe_sub(2, unsafe_mul(odd, inverse)))
    return unsafe_mul(low, inverse)


@internal
@pure
def mul_div_up(a: uint256, b: uint256, by: uint256) -> uint256:
    """@notice `mul_div`, rounded up."""
    quotient: uint256 = self.mul_div(a, b, by)
    return quotient + 1 if uint256_mulmod(a, b, by) != 0 else quotient


@internal
@pure
def sqrt_at(tick: int256) -> uint256:
    """@notice sqrt(1.0001^tick) x 2^96, rounded up. Reverts beyond +-TICK_MAX."""
    assert tick >= -TICK_MAX and tick <= TICK_MAX, "tick"
    n: uint256 = convert(tick if tick >= 0 else -tick, uint256)
    ratio: uint256 = 340265354078544963557816517032075149313 if n & 1 != 0 else 2**128
    if n & 2 != 0:
        ratio = unsafe_mul(ratio, 340248342086729790484326174814286782778) >> 128
    if n & 4 != 0:
        ratio = unsafe_mul(ratio, 340214320654664324051920982716015181260) >> 128
    if n & 8 != 0:
        ratio = unsafe_mul(ratio, 340146287995602323631171512101879684304) >> 128
    if n & 16 != 0:
        ratio = unsafe_mul(ratio, 340010263488231146823593991679159461444) >> 128
    if n & 32 != 0:
        ratio = unsafe_mul(ratio, 339738377640345403697157401104375502016) >> 128
    if n & 64 != 0:
        ratio = unsafe_mul(ratio, 339195258003219555707034227454543997025) >> 128
    if n & 128 != 0:
        ratio = unsafe_mul(ratio, 338111622100601834656805679988414885971) >> 128
    if n & 256 != 0:
        ratio = unsafe_mul(ratio, 335954724994790223023589805789778977700) >> 128
    if n & 512 != 0:
        ratio = unsafe_mul(ratio, 331682121138379247127172139078559817300) >> 128
    if n & 1024 != 0:
        ratio = unsafe_mul(ratio, 323299236684853023288211250268160618739) >> 128
    if n & 2048 != 0:
        ratio = unsafe_mul(ratio, 307163716377032989948697243942600083929) >> 128
    if n & 4096 != 0:
        ratio = unsafe_mul(ratio, 277268403626896220162999269216087595045) >> 128
    if n & 8192 != 0:
        ratio = unsafe_mul(ratio, 225923453940442621947126027127485391333) >> 128
    if n & 16384 != 0:
        ratio = unsafe_mul(ratio, 149997214084966997727330242082538205943) >> 128
    if n & 32768 != 0:
        ratio = unsafe_mul(ratio, 66119101136024775622716233608466517926) >> 128
    if n & 65536 != 0:
        ratio = unsafe_mul(ratio, 12847376061809297530290974190478138313) >> 128
    if n & 131072 != 0:
        ratio = unsafe_mul(ratio, 485053260817066172746253684029974020) >> 128
    if n & 262144 != 0:
        ratio = unsafe_mul(ratio, 691415978906521570653435304214168) >> 128
    if n & 524288 != 0:
        ratio = unsafe_mul(ratio, 1404880482679654955896180642) >> 128
    if tick > 0:
        ratio = unsafe_div(max_value(uint256), ratio)
    return unsafe_add(ratio >> 32, 1 if ratio & (2**32 - 1) != 0 else 0)


@internal
@pure
def tick_at(sqrt_price: uint256) -> int256:
    """@notice The greatest tick whose ratio is not above a square-root price. Reverts outside [SQRT_MIN, SQRT_MAX)."""
    assert sqrt_price >= SQRT_MIN and sqrt_price < SQRT_MAX, "price"
    low: int256 = -TICK_MAX
    high: int256 = TICK_MAX
    for _: uint256 in range(21):
        if high - low <= 1:
            break
        middle: int256 = (low + high) // 2
        if self.sqrt_at(middle) <= sqrt_price:
            low = middle
        else:
            high = middle
    return low


@internal
@pure
def sqrt_of(amount1: uint256, amount0: uint256) -> uint256:
    """
    @notice floor(sqrt(amount1 x 2^192 / amount0)), within SQRT_MIN..SQRT_MAX, for amounts below 2^128.
    @dev A quotient of 2^64 or more keeps its 128 bits behind the point: the root has 96 exact bits and 32 zeros.
    """
    if amount0 == 0:
        return SQRT_MAX
    root: uint256 = 0
    if unsafe_div(amount1, amount0) < 2**64:
        root = isqrt(self.mul_div(amount1, 2**192, amount0))
    else:
        root = isqrt(unsafe_div(amount1 << 128, amount0)) << 32
    return min(max(root, SQRT_MIN), SQRT_MAX)


@internal
@pure
def amount0(lower: uint256, upper: uint256, liquidity: uint256) -> uint256:
    """@notice Token 0 between two square-root prices, lower <= upper: L x 2^96 x (upper - lower) / upper / lower, down."""
    return self.mul_div(liquidity << 96, unsafe_sub(upper, lower), upper) // lower


@internal
@pure
def amount0_up(lower: uint256, upper: uint256, liquidity: uint256) -> uint256:
    """@notice `amount0`, both divisions up."""
    above: uint256 = self.mul_div_up(liquidity << 96, unsafe_sub(upper, lower), upper)
    return unsafe_add(above // lower, 1 if above % lower != 0 else 0)


@internal
@pure
def amount1(lower: uint256, upper: uint256, liquidity: uint256) -> uint256:
    """@notice Token 1 between two square-root prices, lower <= upper: L x (upper - lower) / 2^96, down."""
    return self.mul_div(liquidity, unsafe_sub(upper, lower), Q96)


@internal
@pure
def amount1_up(lower: uint256, upper: uint256, liquidity: uint256) -> uint256:
    """@notice `amount1`, up."""
    return self.mul_div_up(liquidity, unsafe_sub(upper, lower), Q96)


@internal
@pure
def amounts(sqrt_price: uint256, lower: uint256, upper: uint256, liquidity: uint256) -> (uint256, uint256):
    """@notice Tokens 0 and 1 that a range holds at a price, rounded down: what its owner would be paid."""
    inside: uint256 = min(max(sqrt_price, lower), upper)
    return self.amount0(inside, upper, liquidity), self.amount1(lower, inside, liquidity)
