# pragma version 0.4.3
"""
@title TicksProbe: the functions of ticks.vy, callable from outside, for tests
@license Apache-2.0
@custom:kill It holds nothing.
"""

import ticks


@external
@pure
def mul_div(a: uint256, b: uint256, by: uint256) -> uint256:
    return ticks.mul_div(a, b, by)


@external
@pure
def sqrts_at(some: DynArray[int256, 1024]) -> DynArray[uint256, 1024]:
    found: DynArray[uint256, 1024] = []
    for tick: int256 in some:
        found.append(ticks.sqrt_at(tick))
    return found


@external
@pure
def ticks_at(some: DynArray[uint256, 1024]) -> DynArray[int256, 1024]:
    found: DynArray[int256, 1024] = []
    for sqrt_price: uint256 in some:
        found.append(ticks.tick_at(sqrt_price))
    return found


@external
@pure
def sqrt_of(amount1: uint256, amount0: uint256) -> uint256:
    return ticks.sqrt_of(amount1, amount0)


@external
@pure
def delta(which: uint256, lower: uint256, upper: uint256, liquidity: uint256, up: bool) -> uint256:
    """@notice The amount of token 0 or 1 between two square-root prices."""
    if which == 0:
        return ticks.amount0_up(lower, upper, liquidity) if up else ticks.amount0(lower, upper, liquidity)
    return ticks.amount1_up(lower, upper, liquidity) if up else ticks.amount1(lower, upper, liquidity)


@external
@pure
def amounts(sqrt_price: uint256, lower: uint256, upper: uint256, liquidity: uint256) -> (uint256, uint256):
    return ticks.amounts(sqrt_price, lower, upper, liquidity)
