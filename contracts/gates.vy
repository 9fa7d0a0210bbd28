# pragma version 0.4.3
"""
@title What a market lets in: statuses, breaker, price band, size, freshness. src/seawall/engine/placing.py `admits`
@license Apache-2.0
"""

import amm
import code
import limits
import margin
import units
import words


@internal
@pure
def open_to(word: uint256, policy: uint256, dwells: bool, reduces: bool) -> uint256:
    """@notice 0 when the statuses of market and venue and the breaker let in what takes liquidity now."""
    status: uint256 = margin.status_of(word)
    venue: uint256 = (policy >> margin.VENUE_STATUS) & 15
    breaker: uint256 = margin.breaker_of(word)
    if status == limits.ACTIVE and venue == limits.ACTIVE and breaker == limits.NORMAL:
        return 0
    if venue == limits.HALTED:
        return code.VENUE_HALTED
    if status == limits.HALTED:
        return code.MARKET_CLOSED
    if status == limits.CANCELLING or venue == limits.CANCELLING:
        return code.CANCEL_ONLY
    if status == limits.POSTING or venue == limits.POSTING or dwells:
        return code.POST_ONLY
    reducing: bool = status == limits.REDUCING or venue == limits.REDUCING or breaker == limits.HARD
    return code.MARKET_REDUCE_ONLY if reducing and not reduces else 0


@internal
@pure
def admits(
    word: uint256,
    risk: uint256,
    caps: uint256,
    policy: uint256,
    dwells: bool,
    price: int256,
    lots: int256,
    reduces: bool,
    now: uint256,
) -> uint256:
    """@notice 0 when the market takes an order of these lots at this price at `now` (ms)."""
    status: uint256 = margin.status_of(word)
    if status == limits.UNLISTED:
        return code.UNKNOWN_MARKET
    if status >= limits.CLOSED:
        return code.MARKET_CLOSED
    price_max: int256 = amm.price_max_in(caps)
    if price < 1 or price > price_max:
        return code.BAD_PRICE
    if lots < 1 or lots > unsafe_div(limits.NOTIONAL_MAX, price_max):
        return code.BAD_SIZE
    if not reduces:
        band: int256 = words.field(caps, amm.PRICE_BAND, 24)
        index: int256 = convert(word & margin.M41, int256)
        if index != 0 and units.magnitude(unsafe_sub(price, index)) > units.rate_down(index, band):
            return code.PRICE_BAND
        if not margin.is_fresh(word, risk, now):
            return code.STALE_PRICE
    return self.open_to(word, policy, dwells, reduces)
