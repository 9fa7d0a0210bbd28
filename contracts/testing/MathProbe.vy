# pragma version 0.4.3
# pragma optimize gas
"""
@title The small arithmetic by itself, for proofs about its bytecode
@license Apache-2.0
@notice For tests.
@custom:kill Not deployed.
"""

import share_price
import units


@external
@pure
def floor_div(a: int256, b: int256) -> int256:
    return units.floor_div(a, b)


@external
@pure
def ceil_div(a: int256, b: int256) -> int256:
    return units.ceil_div(a, b)


@external
@pure
def half_even_div(a: int256, b: int256) -> int256:
    return units.half_even_div(a, b)


@external
@pure
def rate_up(amount: int256, rate: int256) -> int256:
    return units.rate_up(amount, rate)


@external
@pure
def rate_down(amount: int256, rate: int256) -> int256:
    return units.rate_down(amount, rate)


@external
@pure
def funding_of(size: int256, step: int256) -> (int256, int256):
    return units.funding_of(size, step)


@external
@pure
def entry_after(old: int256, entry: int256, size: int256, cost: int256) -> int256:
    return units.entry_after(old, entry, size, cost)


@external
@pure
def growth(held: int256, lots: int256) -> int256:
    return units.growth(held, lots)


@external
@pure
def minted(amount: int256, shares: int256, high: int256) -> int256:
    return share_price.minted(amount, shares, high)


@external
@pure
def cost(joining: int256, shares: int256, high: int256) -> int256:
    return share_price.cost(joining, shares, high)


@external
@pure
def paid(leaving: int256, shares: int256, low: int256) -> int256:
    return share_price.paid(leaving, shares, low)


@external
@pure
def burned(amount: int256, shares: int256, low: int256) -> int256:
    return share_price.burned(amount, shares, low)
