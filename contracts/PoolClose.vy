# pragma version 0.4.3
# pragma optimize gas
"""
@title What a forced close on a market's pool would do: src/seawall/liquidation/partial.py
@license Apache-2.0
@notice A view: how much of a position is closed now, at which price, what it costs, and what the bucket is then. It
        stands apart from Liquidation for its search, which has to be cheap a step rather than small.
@custom:security Holds nothing and writes nothing; what Liquidation does with the answer is checked there and in the house.
@custom:kill Not needed: without Liquidation nobody acts on it.
"""

import amm
import closing
import margin
import partial
import reader
import units
import waits
import words
from interfaces import IPoolClose

implements: IPoolClose


# ---------------------------------------------------------------------
# Immutables
# ---------------------------------------------------------------------

HOUSE: public(immutable(address))


# ---------------------------------------------------------------------
# Set-up
# ---------------------------------------------------------------------

@deploy
def __init__(house: address):
    HOUSE = house


# ---------------------------------------------------------------------
# View
# ---------------------------------------------------------------------

@external
@view
def plan(a: IPoolClose.Asked) -> IPoolClose.Plan:
    """@notice The close that the venue's mode asks for, as far as capacity, gate and the pool allow it now."""
    p: IPoolClose.Plan = empty(IPoolClose.Plan)
    c: closing.Close = empty(closing.Close)
    v: partial.Venue = empty(partial.Venue)
    c, v = self._opened(a)
    p.sought = partial.wanted_lots(c, v)
    if p.sought == 0:
        p.why = waits.COOLDOWN
        return p
    room: int256 = partial.capacity_lots(c, v.now)
    if room == 0:
        full: bool = words.field(c.forced, closing.CAPACITY, 54) > 0
        p.why = waits.THROTTLE if full else waits.NO_LIQUIDITY
        return p
    p.sought = min(p.sought, room)
    p.bankruptcy = closing.bankruptcy_price(c, p.sought)
    amount: int256 = 0
    p.filled, amount = partial.quote(c, v, p.sought, partial.worst_price(c, p.sought))
    if p.filled != 0 and not v.ample:
        raw: int256 = words.signed64(v.head, 0)
        if not amm.bears(c.terms, raw, v.pool, c.side, p.filled, amount):
            p.filled = 0
    if p.filled == 0:
        beyond: int256 = partial.quote(c, v, p.sought, p.bankruptcy)[0]
        p.why = waits.AT_GATE if beyond > 0 else waits.NO_LIQUIDITY
        return p
    p.price = unsafe_div(amount, p.filled)
    p.fee = closing.fee_of(c, p.filled, amount)
    p.equity = unsafe_sub(unsafe_sub(c.equity, closing.slippage(c, p.filled, amount)), p.fee)
    p.maintenance = closing.maintenance_after(c, p.filled)
    p.capacity = partial.capacity_after(c, v.now, p.filled)
    return p


# ---------------------------------------------------------------------
# Internal
# ---------------------------------------------------------------------

@internal
@view
def _opened(a: IPoolClose.Asked) -> (closing.Close, partial.Venue):
    """@notice The position as something to be closed, and the pool that it goes to."""
    q: reader.Quoted = reader.quoting(HOUSE, a.market)
    if q.terms.word >> margin.COUNT_SHIFT > 1:
        q.terms = reader.tiers_of(HOUSE, a.market, q.terms)
    size: int256 = words.signed64(a.position, 0)
    c: closing.Close = closing.Close(
        market=a.market,
        side=-1 if size > 0 else 1,
        held=units.magnitude(size),
        mark=q.terms.price,
        equity=a.equity,
        maintenance=a.maintenance,
        others=a.others,
        claimed=words.field(a.position, 202, 54),
        forced=reader.one(HOUSE, words.MARKET | words.FORCED | a.market),
        terms=q.terms,
    )
    curve: amm.Curve = amm.curve(q.terms.price, q.terms.caps, q.terms.pool)
    most: int256 = amm.reach_of(curve, q.held)
    tier: uint256 = margin.tier_of(q.terms, most)
    raw: int256 = words.signed64(q.head, 0)
    v: partial.Venue = partial.Venue(
        head=0 if words.pool_of(a.market, words.AMM) == a.bucket else q.head,
        pool=q.held,
        curve=curve,
        ample=amm.is_ample(q.terms.word, q.terms.risk, q.terms.policy, tier, most, c.mark, raw, q.held),
        steps=a.steps,
        now=convert(unsafe_mul(block.timestamp, 1000), int256),
        time=a.time,
    )
    return c, v
