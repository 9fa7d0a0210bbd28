# pragma version 0.4.3
"""
@title A bucket on its way through the stages of liquidation: what is read of it, and which position is next
@license Apache-2.0
@notice Reads alone. The bucket counts with its funding, though that is not settled.
"""

import amm
import closing
import limits
import margin
import reader
import units
import words
from interfaces import IClearingHouse

interface Appraiser:
    def worth_maintenance(bucket: uint256) -> int256: view

HOUSE: public(immutable(address))
APPRAISER: public(immutable(address))

ASSETS: constant(uint256) = 255 << words.ASSETS_SHIFT


# a bucket on its way through the stages
struct Work:
    bucket: uint256
    head: uint256
    policy: uint256
    steps: uint256
    count: uint256
    positions: uint256[16]
    prices: uint256[16]  # words PRICE of their markets
    owes: bool  # funding since it was last settled, or is owed it
    numerators: int256[16]
    total: int256  # of them
    equity: int256
    maintenance: int256
    start: int256
    time: int256
    now: int256
    first: uint256  # the position to be closed first; 16: none can be
    past: uint256  # it and those before it, a bit each


@deploy
def __init__(house: address, appraiser: address):
    HOUSE = house
    APPRAISER = appraiser


@internal
@view
def load(bucket: uint256) -> Work:
    """@notice The bucket with its funding counted in, and its positions."""
    w: Work = empty(Work)
    w.bucket = bucket
    w.now = convert(unsafe_mul(block.timestamp, 1000), int256)
    venue: DynArray[uint256, 16] = staticcall reader.Few(HOUSE).words_of(
        [
            words.BUCKET | bucket,
            words.VENUE | words.POLICY,
            words.VENUE | words.STEPS,
            words.LIQUIDATION | bucket,
        ]
    )
    w.head = venue[0]
    w.policy = venue[1]
    w.steps = venue[2]
    w.start = words.field(venue[3], 0, 44)
    w.time = words.field(venue[3], 44, 44)
    w.count = words.count_of(w.head)
    w.equity = words.signed64(w.head, 0)
    places: uint256 = w.head >> words.LIST_SHIFT
    keys: DynArray[uint256, 48] = []
    for i: uint256 in range(w.count, bound=16):
        keys.append(words.POSITION | ((places & 255) << words.MARKET_SHIFT) | bucket)
        keys.append(words.MARKET | words.PRICE | (places & 255))
        places = places >> 8
    found: DynArray[uint256, 48] = staticcall IClearingHouse(HOUSE).words_of(keys)
    for i: uint256 in range(w.count, bound=16):
        p: uint256 = found[unsafe_mul(2, i)]
        price_word: uint256 = found[unsafe_add(unsafe_mul(2, i), 1)]
        w.positions[i] = p
        w.prices[i] = price_word
        size: int256 = unsafe_sub(convert(p & words.M64, int256), words.BIAS)
        notional: int256 = unsafe_mul(size, convert(price_word & margin.M41, int256))
        w.equity = unsafe_add(w.equity, notional)
        if (p >> 128) & words.M64 != (price_word >> margin.INDEX_SHIFT) & words.M64:
            step: int256 = unsafe_sub(margin.index_of(price_word), words.signed64(p, 128))
            w.equity = unsafe_add(w.equity, units.funding_of(size, step)[0])
            w.owes = True
        if notional < 0:
            notional = unsafe_sub(0, notional)
        own: int256 = unsafe_mul(notional, convert((price_word >> margin.RATE_SHIFT) & margin.M24, int256))
        if notional >= convert((price_word >> margin.NEXT_SHIFT) & words.M54, int256):
            own = margin.numerator(self.tier(self.market(w.head, i), price_word, notional), notional)
        w.numerators[i] = own
        w.total = unsafe_add(w.total, own)
    w.maintenance = units.ceil_div(w.total, limits.RATE_ONE)
    if w.head & ASSETS != 0:
        w.equity = unsafe_add(w.equity, staticcall Appraiser(APPRAISER).worth_maintenance(bucket))
    return w


@internal
@pure
def market(head: uint256, place: uint256) -> uint256:
    """@notice The market of a place in a bucket's list."""
    return (head >> unsafe_add(words.LIST_SHIFT, unsafe_mul(8, place))) & 255


@internal
@view
def tier(market: uint256, price_word: uint256, notional: int256) -> uint256:
    t: margin.Terms = empty(margin.Terms)
    t.word = price_word
    t.tiers[0] = margin.first_tier(price_word)
    return margin.tier_of(reader.tiers_of(HOUSE, market, t), notional)


@internal
@view
def is_fresh(w: Work, i: uint256) -> bool:
    """@notice Whether the price of a position's market is fresh."""
    risk: uint256 = reader.one(HOUSE, words.MARKET | words.RISK | self.market(w.head, i))
    return margin.is_fresh(w.prices[i], risk, convert(w.now, uint256))


@internal
@view
def has_stale_price(w: Work) -> bool:
    for i: uint256 in range(w.count, bound=16):
        if not self.is_fresh(w, i):
            return True
    return False


@internal
@view
def is_workable(w: Work, i: uint256) -> bool:
    """@notice Whether forced orders may trade in a position's market: open or reduce-only, its price fresh."""
    status: uint256 = margin.status_of(w.prices[i])
    if status == limits.UNLISTED or max(status, (w.policy >> margin.VENUE_STATUS) & 15) > limits.REDUCING:
        return False
    return self.is_fresh(w, i)


@internal
@pure
def is_over(policy: uint256, liquidating: bool, equity: int256, maintenance: int256) -> bool:
    """@notice Whether nothing is to be liquidated: at liquidation end once it has begun, at maintenance before."""
    return equity >= (margin.end_of(policy, maintenance) if liquidating else maintenance)


@internal
@view
def next(w: Work, tried: uint256) -> (uint256, uint256):
    """
    @notice The workable position with the largest maintenance that is not among `tried`, first in the list; 16: none.
    @return It, and `tried` with it and those before it that are not workable: only these are looked at.
    """
    past: uint256 = tried
    for _: uint256 in range(16):
        best: uint256 = 16
        most: int256 = -1
        for i: uint256 in range(w.count, bound=16):
            if (past >> i) & 1 == 0:
                own: int256 = unsafe_div(unsafe_add(w.numerators[i], limits.RATE_ONE - 1), limits.RATE_ONE)
                if own > most:
                    best = i
                    most = own
        if best == 16:
            break
        past = past | (1 << best)
        if self.is_workable(w, best):
            return best, past
    return 16, past


@internal
@view
def to_close(w: Work, i: uint256) -> (closing.Close, reader.Quoted):
    """@notice A position as something to be closed, and the vault of its market."""
    market: uint256 = self.market(w.head, i)
    q: reader.Quoted = reader.quoted(HOUSE, market, words.BACKSTOP)
    if q.terms.word >> margin.COUNT_SHIFT > 1:
        q.terms = reader.tiers_of(HOUSE, market, q.terms)
    size: int256 = words.signed64(w.positions[i], 0)
    c: closing.Close = empty(closing.Close)
    c.market = market
    c.side = -1 if size > 0 else 1
    c.held = units.magnitude(size)
    c.mark = q.terms.price
    c.equity = w.equity
    c.maintenance = w.maintenance
    c.others = unsafe_sub(w.total, w.numerators[i])
    c.claimed = words.field(w.positions[i], 202, 54)
    c.terms = q.terms
    return c, q


@internal
@view
def is_patient(w: Work, market: uint256) -> bool:
    """@notice Whether less than a capacity window, or the cooldown if longer, has passed since it last went on."""
    window: int256 = words.field(reader.one(HOUSE, words.MARKET | words.FORCED | market), closing.WINDOW, 22)
    window = max(window, words.field(w.policy, margin.COOLDOWN, 22))
    return unsafe_sub(w.now, max(w.start, w.time)) < window


@internal
@pure
def vault_price(c: closing.Close, lots: int256) -> int256:
    """@notice What the vault pays a lot: the bankruptcy price, or the mark when insurance pays the deficit."""
    return c.mark if c.equity < 0 else closing.bankruptcy_price(c, lots)


@internal
@view
def is_well(vault: uint256, q: reader.Quoted) -> bool:
    """@notice Whether a vault is there and above maintenance, with what it holds."""
    if q.head & ASSETS == 0:
        return reader.is_well(q)
    h: IClearingHouse.Health = staticcall IClearingHouse(HOUSE).health_after(vault, max_value(uint256), 0, 0, 0, 0)
    return h.equity >= h.maintenance and q.head & words.LIQUIDATING == 0


@internal
@view
def bears(vault: uint256, c: closing.Close, q: reader.Quoted, lots: int256) -> bool:
    """@notice Whether a vault may take so many lots: its cash and margin, with what it holds."""
    raw: int256 = words.signed64(q.head, 0)
    amount: int256 = unsafe_mul(lots, self.vault_price(c, lots))
    if q.head & ASSETS == 0:
        return amm.bears(q.terms, raw, q.held, c.side, lots, amount)
    size: int256 = unsafe_mul(unsafe_sub(0, c.side), lots)
    cost: int256 = unsafe_mul(unsafe_sub(0, c.side), amount)
    if units.magnitude(unsafe_sub(raw, cost)) > limits.RAW_USD_MAX:
        return False
    leverage: int256 = q.held.leverage if q.held.size == 0 else 0
    after: margin.Health = self.health(vault, c.market, size, cost, leverage)
    return margin.accepts(self.health(vault, max_value(uint256), 0, 0, 0), after)


@internal
@view
def health(bucket: uint256, market: uint256, size: int256, cost: int256, leverage: int256) -> margin.Health:
    """@notice A bucket's health after a change in one market, as the house says."""
    h: IClearingHouse.Health = staticcall IClearingHouse(HOUSE).health_after(bucket, market, size, cost, 0, leverage)
    return margin.Health(
        equity=h.equity,
        equity_initial=h.equity_initial,
        maintenance=h.maintenance,
        initial=h.initial,
        notional=h.notional,
        profit=h.profit,
    )


@internal
@view
def vault_lots(w: Work, c: closing.Close, q: reader.Quoted) -> int256:
    """@notice The most lots the vault may take: by its cap, by what insurance covers, then by its own margin."""
    vault: uint256 = words.pool_of(c.market, words.BACKSTOP)
    if w.bucket == vault or not self.is_well(vault, q):
        return 0
    room: int256 = unsafe_div(words.field(c.terms.pool, amm.BACKSTOP_CAP, 54), c.mark)
    room = min(room, unsafe_div(limits.NOTIONAL_MAX, amm.price_max_of(c.terms)))
    lots: int256 = min(c.held, unsafe_add(room, unsafe_mul(c.side, q.held.size)))
    if lots <= 0:
        return 0
    fund: int256 = words.field(reader.one(HOUSE, words.MARKET | words.FUND | c.market), 0, 62)
    lots = closing.lots_covered(c, lots, closing.claimable(c, fund))
    if lots <= 0 or self.bears(vault, c, q, lots):
        return lots
    fits: int256 = 0
    over: int256 = lots
    for _: uint256 in range(64):
        if unsafe_sub(over, fits) <= 1:
            break
        middle: int256 = unsafe_div(unsafe_add(fits, over), 2)
        if self.bears(vault, c, q, middle):
            fits = middle
        else:
            over = middle
    return fits
