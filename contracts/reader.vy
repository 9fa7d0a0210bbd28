# pragma version 0.4.3
"""
@title How modules read the ClearingHouse's words
@license Apache-2.0
"""

import amm
import limits
import margin
import units
import words
from interfaces import IClearingHouse

interface Few:
    def words_of(keys: DynArray[uint256, 16]) -> DynArray[uint256, 16]: view


# a market and one of its pools as they are now
struct Quoted:
    terms: margin.Terms
    head: uint256  # the pool's bucket; 0: none, or it does not quote
    held: margin.Held


@internal
@view
def one(house: address, key: uint256) -> uint256:
    return staticcall IClearingHouse(house).word_of(key)


@internal
@pure
def held_of(p: uint256, price_word: uint256) -> margin.Held:
    """@notice A position; where there is none, what a new one would start with."""
    if p == 0:
        return margin.Held(
            size=0,
            entry=0,
            index=margin.index_of(price_word),
            leverage=words.field(price_word, margin.LEVERAGE_SHIFT, 10),
        )
    return margin.Held(
        size=words.signed64(p, 0),
        entry=words.signed64(p, 64),
        index=words.signed64(p, 128),
        leverage=words.field(p, 192, 10),
    )


@internal
@view
def tiers_of(house: address, market: uint256, t: margin.Terms) -> margin.Terms:
    """@notice The terms with every tier of the market."""
    full: margin.Terms = t
    count: uint256 = t.word >> margin.COUNT_SHIFT
    keys: DynArray[uint256, 16] = []
    for k: uint256 in range(1, limits.TIERS):
        if k < count:
            keys.append(words.TIER | (k << 8) | market)
    found: DynArray[uint256, 16] = staticcall Few(house).words_of(keys)
    for k: uint256 in range(1, limits.TIERS):
        if k < count:
            full.tiers[k] = found[unsafe_sub(k, 1)]
    return full


@internal
@view
def glance(house: address, market: uint256, which: uint256) -> Quoted:
    """@notice `quoted` with the first tier alone."""
    q: Quoted = empty(Quoted)
    position: uint256 = 0
    q.terms.word, q.terms.risk, q.terms.caps, q.terms.pool, q.terms.policy, q.head, position = staticcall IClearingHouse(
        house
    ).quoted(market, words.pool_of(market, which))
    q.terms.price = convert(q.terms.word & margin.M41, int256)
    q.terms.tiers[0] = margin.first_tier(q.terms.word)
    if margin.breaker_of(q.terms.word) == limits.RECOVERY:
        since: uint256 = self.one(house, words.MARKET | words.FUND | market) >> 216
        q.terms.dwells = block.timestamp < since + limits.DWELL_S
    q.held = self.held_of(position, q.terms.word)
    return q


@internal
@view
def quoted(house: address, market: uint256, which: uint256) -> Quoted:
    """@notice A market's terms, with the tiers that its pool can reach, and that pool as it is."""
    q: Quoted = self.glance(house, market, which)
    bound: int256 = unsafe_mul(words.field(q.terms.pool, amm.POOL_CAP, 54), q.terms.price)
    bound = max(bound, words.field(q.terms.pool, amm.BACKSTOP_CAP, 54))
    bound = max(bound, unsafe_mul(units.magnitude(q.held.size), q.terms.price))
    if not margin.holds(q.terms.tiers[0], bound):
        q.terms = self.tiers_of(house, market, q.terms)
    return q


@internal
@view
def quoting(house: address, market: uint256) -> Quoted:
    """@notice The market and its AMM pool; its bucket is 0 while it does not quote."""
    q: Quoted = self.quoted(house, market, words.AMM)
    if not self.may_quote(q.terms.pool, q.head, q.terms.word, q.terms.risk) or not self.is_well(q):
        q.head = 0
    return q


@internal
@view
def may_quote(pool: uint256, head: uint256, word: uint256, risk: uint256) -> bool:
    """@notice Whether the pool quotes, its maintenance apart: it has a depth, and the price is fresh."""
    if pool & words.M54 == 0 or head == 0 or head & words.LIQUIDATING != 0:
        return False
    return margin.is_fresh(word, risk, unsafe_mul(block.timestamp, 1000))


@internal
@view
def is_well(q: Quoted) -> bool:
    """@notice Whether the pool is there, not being liquidated, and above maintenance."""
    if q.head == 0 or q.head & words.LIQUIDATING != 0:
        return False
    return margin.is_healthy(q.terms, words.signed64(q.head, 0), q.held)
