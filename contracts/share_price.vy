# pragma version 0.4.3
"""
@title What a share of a pool is worth: src/seawall/engine/pools.py
@license Apache-2.0
@notice Every rounding is for those who stay. `high` is the pool's worth for who joins, `low` for who leaves.
"""


@internal
@pure
def minted(amount: int256, shares: int256, high: int256) -> int256:
    """@notice Shares for an amount that joins, rounded down; high > 0."""
    return amount * shares // high


@internal
@pure
def cost(joining: int256, shares: int256, high: int256) -> int256:
    """@notice What `joining` shares cost who joins, rounded up; shares > 0."""
    return (joining * high + shares - 1) // shares


@internal
@pure
def paid(leaving: int256, shares: int256, low: int256) -> int256:
    """@notice What `leaving` shares bring who leaves, rounded down; shares > 0."""
    return low * leaving // shares


@internal
@pure
def burned(amount: int256, shares: int256, low: int256) -> int256:
    """@notice Shares that bring an amount to who leaves, rounded up; low > 0."""
    return (amount * shares + low - 1) // low
