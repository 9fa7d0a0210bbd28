# pragma version 0.4.3
"""
@title Rounding with a side: src/seawall/units.py in 256 bits
@license Apache-2.0
@notice Every amount the system holds is below 2^64, every size, price and rate too, and no product has more than three
        of them: 2^192. Arithmetic on them cannot wrap in 256 bits and is not checked again; the fields of the words
        are checked where they are written (words.vy).
"""

import limits


@internal
@pure
def floor_div(a: int256, b: int256) -> int256:
    """@notice Quotient toward minus infinity; b > 0."""
    q: int256 = unsafe_div(a, b)
    if a < 0 and unsafe_mul(q, b) != a:
        return unsafe_sub(q, 1)
    return q


@internal
@pure
def ceil_div(a: int256, b: int256) -> int256:
    """@notice Quotient toward plus infinity; b > 0."""
    q: int256 = unsafe_div(a, b)
    if a > 0 and unsafe_mul(q, b) != a:
        return unsafe_add(q, 1)
    return q


@internal
@pure
def half_even_div(a: int256, b: int256) -> int256:
    """@notice Nearest quotient, ties to the even one; b > 0."""
    q: int256 = self.floor_div(a, b)
    doubled: int256 = 2 * (a - q * b)
    if doubled > b or (doubled == b and q % 2 != 0):
        return q + 1
    return q


@internal
@pure
def rate_up(amount: int256, rate: int256) -> int256:
    """@notice amount x rate, rate in RATE_ONE, rounded up."""
    return self.ceil_div(unsafe_mul(amount, rate), limits.RATE_ONE)


@internal
@pure
def rate_down(amount: int256, rate: int256) -> int256:
    """@notice amount x rate, rate in RATE_ONE, rounded down."""
    return self.floor_div(unsafe_mul(amount, rate), limits.RATE_ONE)


@internal
@pure
def magnitude(a: int256) -> int256:
    return a if a >= 0 else unsafe_sub(0, a)


@internal
@pure
def growth(held: int256, lots: int256) -> int256:
    """@notice By how much a side grows when `lots` are added to `held`, which is negative on the other side."""
    return unsafe_sub(max(unsafe_add(held, lots), 0), max(held, 0))


@internal
@pure
def funding_of(size: int256, step: int256) -> (int256, int256):
    """
    @notice What a position of `size` earns when the index moves by `step`: floor(-size * step / 1e6) micro-USD.
    @return The payment, and what the floor leaves in 1e-12 USD, 0 <= left < 1e6.
    """
    owed: int256 = unsafe_sub(0, unsafe_mul(size, step))
    paid: int256 = self.floor_div(owed, limits.FUNDING_INDEX_PER_MICRO)
    return paid, unsafe_sub(owed, unsafe_mul(paid, limits.FUNDING_INDEX_PER_MICRO))


@internal
@pure
def entry_after(old: int256, entry: int256, size: int256, cost: int256) -> int256:
    """
    @notice Entry notional after a trade of `size` lots for `cost` on a position `old` with `entry`.
    @dev Adding sums; reducing keeps pro rata, rounded against the account; what is left of a flip takes its share of
         the cost, rounded down.
    """
    after: int256 = unsafe_add(old, size)
    if old == 0 or (old > 0) == (size > 0):
        return unsafe_add(entry, cost)
    if after == 0:
        return 0
    if (after > 0) == (old > 0):
        return self.floor_div(unsafe_mul(entry, self.magnitude(after)), self.magnitude(old))
    return self.floor_div(unsafe_mul(cost, self.magnitude(after)), self.magnitude(size))
