# pragma version 0.4.3
"""
@title The word of an LP position, and the bit of a bucket that holds any
@license Apache-2.0
@notice liquidity 128, lower tick 24, upper tick 24 (both plus 2^23), pool 8, id of the NFT 64. A bucket's eighth asset
        bit says that it holds LP positions: the house asks the appraiser then, as for any collateral.
"""

import words

HELD: constant(uint256) = 1 << (words.ASSETS_SHIFT + 7)
TOKENS: constant(uint256) = 127 << words.ASSETS_SHIFT  # the bits of collateral tokens
LIQUIDITY: constant(uint256) = 2**128 - 1
TICK_BIAS: constant(int256) = 2**23


@internal
@pure
def place_of(id: uint256, pool: uint256, lower: int256, upper: int256, liquidity: uint256) -> uint256:
    """@notice The word; every part is within its bits."""
    low: uint256 = convert(lower + TICK_BIAS, uint256)
    high: uint256 = convert(upper + TICK_BIAS, uint256)
    return liquidity | (low << 128) | (high << 152) | (pool << 176) | (id << 184)


@internal
@pure
def liquidity_of(place: uint256) -> uint256:
    return place & LIQUIDITY


@internal
@pure
def lower_of(place: uint256) -> int256:
    return unsafe_sub(convert((place >> 128) & (2**24 - 1), int256), TICK_BIAS)


@internal
@pure
def upper_of(place: uint256) -> int256:
    return unsafe_sub(convert((place >> 152) & (2**24 - 1), int256), TICK_BIAS)


@internal
@pure
def pool_of(place: uint256) -> uint256:
    return (place >> 176) & 255


@internal
@pure
def id_of(place: uint256) -> uint256:
    return place >> 184


@internal
@pure
def with_liquidity(place: uint256, liquidity: uint256) -> uint256:
    return (place & ~LIQUIDITY) | liquidity
