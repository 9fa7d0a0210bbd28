"""Exact 128-bit arithmetic for kernels, in pairs of int64 that never wrap.

Every argument is an integer of at most 2^62 in magnitude unless a function says less; the compiled functions do not
check. The same source is exact uncompiled, where Python's own integers carry it.
"""

from typing import Final

from seawall.kernel import kernel, warm_up
from seawall.terms.limits import SPLIT_BITS
from seawall.units import RATE_ONE

HALF_BITS: Final = 31
HALF_MASK: Final = (1 << HALF_BITS) - 1
LIMB_BITS: Final = 62
LIMB_MASK: Final = (1 << LIMB_BITS) - 1
SPLIT_ONE: Final = 1 << SPLIT_BITS
SPLIT_MASK: Final = SPLIT_ONE - 1


@kernel
def multiply(a: int, b: int) -> tuple[int, int]:
    """`a * b` as (high, low) with `a * b = high * 2^62 + low` and 0 <= low < 2^62."""
    a_high, a_low = a >> HALF_BITS, a & HALF_MASK
    b_high, b_low = b >> HALF_BITS, b & HALF_MASK
    middle = a_high * b_low + a_low * b_high
    low = ((middle & HALF_MASK) << HALF_BITS) + a_low * b_low
    return a_high * b_high + (middle >> HALF_BITS) + (low >> LIMB_BITS), low & LIMB_MASK


@kernel
def compare_products(a: int, b: int, c: int, d: int) -> int:
    """Sign of `a * b - c * d`: -1, 0 or 1."""
    left_high, left_low = multiply(a, b)
    right_high, right_low = multiply(c, d)
    if left_high != right_high:
        return 1 if left_high > right_high else -1
    if left_low != right_low:
        return 1 if left_low > right_low else -1
    return 0


@kernel
def mul_divmod(a: int, b: int, divisor: int) -> tuple[int, int]:
    """Floor of `a * b / divisor` and the rest in [0, divisor), for 0 < divisor <= 2^62.

    The caller knows that the quotient is at most 2^62 in magnitude (`compare_products` tells).
    """
    size, other = abs(a), abs(b)
    whole, part = size // divisor, size % divisor
    # size * other = (whole * divisor + part) * other: the terms below add up to the quotient, so none can wrap
    small, rest = _small_product(part, other % divisor, divisor)
    quotient = whole * other + part * (other // divisor) + small
    if (a < 0) == (b < 0) or (quotient == 0 and rest == 0):
        return quotient, rest
    return (-quotient, 0) if rest == 0 else (-quotient - 1, divisor - rest)


@kernel
def _small_product(a: int, b: int, divisor: int) -> tuple[int, int]:
    """Quotient and rest of `a * b / divisor` for 0 <= a, b < divisor."""
    if divisor <= HALF_MASK + 1 or a <= LIMB_MASK // max(b, 1):
        return a * b // divisor, a * b % divisor
    quotient, rest = 0, 0
    for bit in range(LIMB_BITS - 1, -1, -1):
        quotient, rest = 2 * quotient, 2 * rest
        if rest >= divisor:
            quotient, rest = quotient + 1, rest - divisor
        if (b >> bit) & 1:
            rest += a
            if rest >= divisor:
                quotient, rest = quotient + 1, rest - divisor
    return quotient, rest


@kernel
def mul_floor_div(a: int, b: int, divisor: int) -> int:
    """Floor of `a * b / divisor`; see `mul_divmod` for the bounds."""
    return mul_divmod(a, b, divisor)[0]


@kernel
def mul_ceil_div(a: int, b: int, divisor: int) -> int:
    """Ceiling of `a * b / divisor`; see `mul_divmod` for the bounds."""
    quotient, rest = mul_divmod(a, b, divisor)
    return quotient + 1 if rest > 0 else quotient


@kernel
def split_ceil_rate(high: int, low: int) -> int:
    """Ceiling of `(high * 2^20 + low) / RATE_ONE`, for |high|, |low| <= 2^62: one requirement, rounded up."""
    whole, rest = high // RATE_ONE, high % RATE_ONE
    rest = rest * SPLIT_ONE + low
    return whole * SPLIT_ONE - ((-rest) // RATE_ONE)


@kernel
def split_exceeds(amount: int, high: int, low: int) -> bool:
    """Whether `amount * RATE_ONE < high * 2^20 + low`: equity `amount` is short of a requirement of that numerator.

    For 0 <= high * 2^20 + low <= 2^58 * RATE_ONE, |high| <= 2^62 and |low| <= 2^61: any bucket within the limits.
    """
    if amount < 0:
        return True
    if amount > 1 << 58:
        return False
    gap = low - (amount & SPLIT_MASK) * RATE_ONE
    lead = high - (amount >> SPLIT_BITS) * RATE_ONE + (gap >> SPLIT_BITS)
    return lead > 0 or (lead == 0 and (gap & SPLIT_MASK) > 0)


@kernel
def rate_up(amount: int, rate: int) -> int:
    """ceil(amount * rate / RATE_ONE) for 0 <= amount <= 2^59, 0 <= rate <= 2 * RATE_ONE."""
    return int(split_ceil_rate((amount >> SPLIT_BITS) * rate, (amount & SPLIT_MASK) * rate))


@kernel
def rate_down(amount: int, rate: int) -> int:
    """floor(amount * rate / RATE_ONE), within the bounds of `rate_up`."""
    return -split_ceil_rate(-((amount >> SPLIT_BITS) * rate), -((amount & SPLIT_MASK) * rate))


@warm_up
def compile_wide() -> None:
    """Compiles every function here."""
    compare_products(1, 1, 1, 1)
    mul_floor_div(1, 1, 1)
    mul_ceil_div(1, 1, 1)
    split_ceil_rate(1, 1)
    split_exceeds(1, 1, 1)
    rate_up(1, 1)
    rate_down(1, 1)
