"""SPEC sections 6 and 7: prices and funding, each step as the text says it."""

from collections.abc import Sequence
from fractions import Fraction
from math import floor

RATE_SCALE = 10**12  # FundingRate: 1e-12 per hour; FundingIndex: 1e-12 USD per lot


def half_even(value: Fraction) -> int:
    """Nearest integer, ties to the even one."""
    low = floor(value)
    rest = value - low
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and low % 2 == 1):
        return low + 1
    return low


def clamp(value: Fraction | int, low: Fraction | int, high: Fraction | int) -> Fraction | int:
    return max(low, min(high, value))


def median(values: Sequence[int]) -> int:
    """Middle value; of an even count the floor of the mean of the two middle ones."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2 == 1:
        return ordered[middle]
    return floor(Fraction(ordered[middle - 1] + ordered[middle], 2))


def ema_step(ema: int, x: int, dt: int, tau: int) -> int:
    """ema += floor((x - ema) * dt / (tau + dt))."""
    return ema + floor(Fraction((x - ema) * dt, tau + dt))


def stable_step(stable: int, oracle: int, max_per_s_e9: int, dt_ms: int) -> int:
    """Toward the oracle by at most floor(stable * max_per_s_e9 * dt_ms / 1e12)."""
    most = floor(Fraction(stable * max_per_s_e9 * dt_ms, 10**12))
    return stable + int(clamp(oracle - stable, -most, most))


def premium_exact(impact_bid: int, impact_ask: int, index: int) -> Fraction:
    """(max(0, impact_bid - index) - max(0, index - impact_ask)) / index."""
    return Fraction(max(0, impact_bid - index) - max(0, index - impact_ask), index)


def rate_hour(mean: int, interest: int, inner: int, divisor: int, cap: int) -> int:
    """clamp((P + clamp(I - P, -c, +c)) / N, -cap, +cap), all in 1e-12, half-even."""
    raw = Fraction(mean + clamp(interest - mean, -inner, inner), divisor)
    return int(clamp(half_even(raw), -cap, cap))


def index_step(price: int, rate: int) -> int:
    """floor(price * rate / 1e6)."""
    return floor(Fraction(price * rate, 10**6))


def payment(size: int, delta: int) -> int:
    """cash += floor(-size * delta / 1e6)."""
    return floor(Fraction(-size * delta, 10**6))
