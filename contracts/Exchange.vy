# pragma version 0.4.3
# pragma nonreentrancy on
# pragma optimize gas
"""
@title Exchange: signed orders settled in batches, and trades against a market's pool
@license Apache-2.0
@notice The venue's operator matches; this contract lets a match through only within what both owners have signed, and
        the ClearingHouse only within their margin. A fill that is refused leaves the others of its batch alone. While
        the venue is silent anybody may settle, and owners trade with the pool by a request that fills at a price
        published after it.
@custom:security An operator can hold orders back, not forge or worsen them.
@custom:kill The guardian halts the venue or a market (RiskSteward); without an operator only requests and exits go on.
"""

import amm
import code
import gates
import holding
import limits
import margin
import orders
import reader
import signatures
import units
import words
from interfaces import IClearingHouse

initializes: signatures
initializes: orders[signatures := signatures]
exports: (
    signatures.domain_separator,
    orders.filled,
    orders.approve_agent,
    orders.cancel,
    orders.cancel_below,
    orders.nonce_floor,
    orders.agents,
)


# ---------------------------------------------------------------------
# Immutables
# ---------------------------------------------------------------------

HOUSE: public(immutable(address))
GOVERNOR: public(immutable(address))
SILENCE: public(immutable(uint256))  # s without a sign of life after which the venue is silent


# ---------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------

ORDERS_MAX: constant(uint256) = 128
FILLS_MAX: constant(uint256) = 128
AGAINST_POOL: constant(uint256) = 65535
DIRECT: constant(uint256) = 1 << 234  # of the word POLICY: owners may trade at once without a signed order
REQUEST_LIFE: constant(uint256) = 3600

interface Few:
    def words_of(keys: DynArray[uint256, 4]) -> DynArray[uint256, 4]: view

interface Quotes:
    def offer(market: uint256, side: int256, wanted: int256, limit: int256) -> (int256, int256, bool): view

# prices and lots that a market lets in whoever reduces or not; none while anything is out of the ordinary
struct Open:
    low: int256
    high: int256
    most: int256

struct Request:
    account: uint256
    market: uint256
    side: int256
    lots: int256
    limit: int256
    reduces: bool
    time: uint256


# ---------------------------------------------------------------------
# Storage
# ---------------------------------------------------------------------

operator: public(address)
last_seen: public(uint256)  # of the operator, s
requests: public(HashMap[uint256, Request])
request_serial: public(uint256)


# ---------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------

event FillRefused:
    place: uint256
    reason: uint256

event OperatorNamed:
    operator: address

event Requested:
    account: indexed(uint256)
    request: uint256

event RequestDone:
    request: uint256
    lots: int256
    price: int256


# ---------------------------------------------------------------------
# Set-up
# ---------------------------------------------------------------------

@deploy
def __init__(house: address, governor: address, operator: address, silence: uint256):
    signatures.__init__()
    HOUSE = house
    GOVERNOR = governor
    SILENCE = silence
    self.operator = operator
    self.last_seen = block.timestamp


@external
def name_operator(operator: address):
    """@notice The governor names who matches."""
    if msg.sender != GOVERNOR:
        code.refuse(code.NOT_AUTHORISED)
    self.operator = operator
    self.last_seen = block.timestamp
    log OperatorNamed(operator=operator)


# ---------------------------------------------------------------------
# Settlement
# ---------------------------------------------------------------------

@external
def beat():
    """@notice The operator's sign of life."""
    if msg.sender != self.operator:
        code.refuse(code.NOT_AUTHORISED)
    self.last_seen = block.timestamp


@external
def settle(
    signed: DynArray[orders.Signed, ORDERS_MAX],
    fills: DynArray[uint256, FILLS_MAX],
    proofs: DynArray[Bytes[1024], 8],
) -> uint256:
    """
    @notice Settles fills between signed orders.
    @param fills taker's order | maker's order << 16 | lots << 32 | price << 96; maker 65535: the market's pool, within
           the taker's price.
    @return How many were let through; each other has its `FillRefused`.
    """
    if msg.sender == self.operator:
        if self.last_seen != block.timestamp:
            self.last_seen = block.timestamp
    elif not self._is_silent():
        code.refuse(code.NOT_AUTHORISED)
    book: DynArray[orders.Order, ORDERS_MAX] = []
    for one: orders.Signed in signed:
        order: orders.Order = orders.checked(one)
        if order.why == orders.UNPROVEN:
            order.why = orders.is_proven(one, proofs[one.s]) if one.s < len(proofs) else code.NOT_AUTHORISED
        book.append(order)
    done: uint256 = 0
    t: margin.Terms = empty(margin.Terms)
    open_to: Open = empty(Open)
    known: uint256 = max_value(uint256)
    place: uint256 = 0
    for packed: uint256 in fills:
        at: uint256 = packed & 65535
        other: uint256 = (packed >> 16) & 65535
        lots: int256 = convert((packed >> 32) & words.M64, int256)
        taker: orders.Order = book[at]
        why: uint256 = taker.why
        if why == 0 and other == AGAINST_POOL:
            why, lots = self._pool_fill(taker, lots)
        elif why == 0:
            maker: orders.Order = book[other]
            why = maker.why
            if orders.market_of(taker.terms) != known:
                known = orders.market_of(taker.terms)
                t = self._terms(known)
                open_to = self._open_to(t)
            price: int256 = convert((packed >> 96) & words.M64, int256)
            if why == 0:
                why = orders.pair_fault(taker, maker, lots, price)
            if why == 0 and (price < open_to.low or price > open_to.high or lots > open_to.most):
                both: bool = orders.reduces(taker.terms) and orders.reduces(maker.terms)
                why = gates.admits(t.word, t.risk, t.caps, t.policy, t.dwells, price, lots, both, self._now())
            if why == 0:
                why = extcall IClearingHouse(HOUSE).fill(
                    known,
                    taker.terms & words.ACCOUNT_MASK,
                    maker.terms & words.ACCOUNT_MASK,
                    orders.side_of(taker.terms),
                    lots,
                    price,
                    orders.reduces(taker.terms),
                    orders.reduces(maker.terms),
                )
            if why == 0:
                book[other].lots = unsafe_sub(maker.lots, lots)
        if why == 0:
            done = unsafe_add(done, 1)
            book[at].lots = unsafe_sub(taker.lots, lots)
        else:
            log FillRefused(place=place, reason=why)
        place = unsafe_add(place, 1)
    for o: orders.Order in book:
        if o.lots != o.had:
            orders.use(o)
    return done


@internal
@view
def _open_to(t: margin.Terms) -> Open:
    """
    @notice What `gates.admits` lets in of orders that do not reduce, which are let in last: where one of a pair does
            not reduce, the stricter gate holds.
    """
    o: Open = Open(low=max_value(int256), high=0, most=0)
    index: int256 = convert(t.word & margin.M41, int256)
    if index == 0 or not margin.is_fresh(t.word, t.risk, self._now()):
        return o
    if margin.status_of(t.word) != limits.ACTIVE or gates.open_to(t.word, t.policy, t.dwells, False) != 0:
        return o
    price_max: int256 = amm.price_max_in(t.caps)
    far: int256 = units.rate_down(index, words.field(t.caps, amm.PRICE_BAND, 24))
    o.low = max(1, unsafe_sub(index, far))
    o.high = min(price_max, unsafe_add(index, far))
    o.most = unsafe_div(limits.NOTIONAL_MAX, price_max)
    return o


@internal
def _pool_fill(o: orders.Order, lots: int256) -> (uint256, int256):
    if lots < 1 or lots > o.lots:
        return code.BAD_SIZE, 0
    why: uint256 = 0
    done: int256 = 0
    price: int256 = 0
    why, done, price = self._take(
        o.terms & words.ACCOUNT_MASK,
        orders.market_of(o.terms),
        orders.side_of(o.terms),
        lots,
        orders.price_of(o.limits),
        orders.reduces(o.terms),
        False,
    )
    return why, done


# ---------------------------------------------------------------------
# Owners
# ---------------------------------------------------------------------

@external
def trade(sub: uint256, market: uint256, buys: bool, lots: int256, limit: int256, reduces: bool) -> (int256, int256):
    """
    @notice Trades at once with the market's pool, at most `lots` and no price worse than `limit`, where the venue's
            policy lets owners do so.
    @return Lots traded, and their average price in micro-USD per lot.
    """
    why: uint256 = 0
    done: int256 = 0
    price: int256 = 0
    why, done, price = self._take(self._account(sub), market, 1 if buys else -1, lots, limit, reduces, True)
    if why != 0:
        code.refuse(why)
    return done, price


@external
def request(sub: uint256, market: uint256, buys: bool, lots: int256, limit: int256, reduces: bool) -> uint256:
    """@notice Asks for a trade with the pool at the first price published from now on, once the venue is silent."""
    self.request_serial += 1
    number: uint256 = self.request_serial
    account: uint256 = self._account(sub)
    self.requests[number] = Request(
        account=account,
        market=market,
        side=1 if buys else -1,
        lots=lots,
        limit=limit,
        reduces=reduces,
        time=block.timestamp,
    )
    log Requested(account=account, request=number)
    return number


@external
def execute(number: uint256) -> (int256, int256):
    """
    @notice Fills a request, by anybody, at a price published after it. What only reduces and finds no pool goes to the
            backstop vault at the index and the pool's spread, within its cap and margin.
    """
    r: Request = self.requests[number]
    if r.time == 0 or block.timestamp > r.time + REQUEST_LIFE:
        code.refuse(code.UNKNOWN_ORDER)
    if not self._is_silent():
        code.refuse(code.NOT_DUE)
    word: uint256 = reader.one(HOUSE, words.MARKET | words.PRICE | r.market)
    if (word >> margin.TIME_SHIFT) & (2**44 - 1) <= r.time * 1000:
        code.refuse(code.NOT_DUE)
    self.requests[number] = empty(Request)
    why: uint256 = 0
    lots: int256 = 0
    price: int256 = 0
    why, lots, price = self._take(r.account, r.market, r.side, r.lots, r.limit, r.reduces, False)
    if r.reduces and why == code.NO_LIQUIDITY:
        why, lots, price = self._close_at_index(r)
    if why != 0:
        code.refuse(why)
    log RequestDone(request=number, lots=lots, price=price)
    return lots, price


@external
def withdraw_request(number: uint256):
    """@notice Takes the caller's request back."""
    if self.requests[number].account & words.OWNER_MASK != convert(msg.sender, uint256):
        code.refuse(code.NOT_AUTHORISED)
    self.requests[number] = empty(Request)


# ---------------------------------------------------------------------
# Views
# ---------------------------------------------------------------------

@external
@view
def is_silent() -> bool:
    return self._is_silent()


@external
@view
@reentrant
def offer(market: uint256, side: int256, wanted: int256, limit: int256) -> (int256, int256, bool):
    """
    @notice Lots that the pool trades with a taker on `side` within `limit`, at most `wanted`, their average price, and
            whether it bears just these.
    """
    q: reader.Quoted = reader.quoting(HOUSE, market)
    if q.head == 0:
        return 0, 0, False
    return amm.offer(q.terms, words.signed64(q.head, 0), q.held, side, wanted, limit)


# ---------------------------------------------------------------------
# Internal
# ---------------------------------------------------------------------

@internal
@view
def _now() -> uint256:
    return block.timestamp * 1000


@internal
@view
def _is_silent() -> bool:
    return block.timestamp > self.last_seen + SILENCE


@internal
@view
def _account(sub: uint256) -> uint256:
    if sub > limits.SUBACCOUNTS:
        code.refuse(code.UNKNOWN_ACCOUNT)
    return convert(msg.sender, uint256) | (sub << words.SUB_SHIFT)


@internal
@view
def _terms(market: uint256) -> margin.Terms:
    """@notice What lets an order in: price, risk and caps of a market, and the venue's policy."""
    found: DynArray[uint256, 4] = staticcall Few(HOUSE).words_of(
        [
            words.MARKET | words.PRICE | market,
            words.MARKET | words.RISK | market,
            words.MARKET | words.CAPS | market,
            words.VENUE | words.POLICY,
        ]
    )
    t: margin.Terms = empty(margin.Terms)
    t.word = found[0]
    t.price = convert(found[0] & margin.M41, int256)
    t.risk = found[1]
    t.caps = found[2]
    t.policy = found[3]
    if margin.breaker_of(t.word) == limits.RECOVERY:
        since: uint256 = reader.one(HOUSE, words.MARKET | words.FUND | market) >> 216
        t.dwells = block.timestamp < since + limits.DWELL_S
    return t


@internal
def _take(
    account: uint256, market: uint256, side: int256, wanted: int256, limit: int256, reduces: bool, direct: bool
) -> (uint256, int256, int256):
    """@notice An immediate order against the pool within `limit`: (0, lots, price), or why nothing was."""
    if market > 255:
        return code.UNKNOWN_MARKET, 0, 0
    q: reader.Quoted = reader.glance(HOUSE, market, words.AMM)
    if direct and q.terms.policy & DIRECT == 0:
        return code.NOT_AUTHORISED, 0, 0
    why: uint256 = gates.admits(
        q.terms.word, q.terms.risk, q.terms.caps, q.terms.policy, q.terms.dwells, limit, wanted, reduces, self._now()
    )
    if why != 0:
        return why, 0, 0
    lots: int256 = wanted
    if reduces:
        lots = min(lots, -side * holding.held(HOUSE, account, market))
        if lots <= 0:
            return code.REDUCE_ONLY, 0, 0
    price: int256 = 0
    bears: bool = True
    if reader.may_quote(q.terms.pool, q.head, q.terms.word, q.terms.risk):
        c: amm.Curve = amm.curve(q.terms.price, q.terms.caps, q.terms.pool)
        most: int256 = amm.reach_of(c, q.held)
        tier: uint256 = q.terms.tiers[0]
        if not margin.holds(tier, most):
            tier = staticcall IClearingHouse(HOUSE).tier_at(market, most)
        raw: int256 = words.signed64(q.head, 0)
        if amm.is_ample(q.terms.word, q.terms.risk, q.terms.policy, tier, most, c.index, raw, q.held):
            lots = min(lots, amm.lots_within(c, side, limit, q.held.size))
            if lots > 0:
                price = amm.average(c, side, lots, q.held.size)
        else:
            lots, price, bears = staticcall Quotes(self).offer(market, side, lots, limit)
    if price == 0:
        return holding.why_no_liquidity(HOUSE, account, market, reduces), 0, 0
    pool: uint256 = words.pool_of(market, words.AMM)
    why = extcall IClearingHouse(HOUSE).fill(market, account, pool, side, lots, price, reduces, not bears)
    return why, lots, price


@internal
def _close_at_index(r: Request) -> (uint256, int256, int256):
    q: reader.Quoted = reader.quoted(HOUSE, r.market, words.BACKSTOP)
    t: margin.Terms = q.terms
    why: uint256 = gates.admits(t.word, t.risk, t.caps, t.policy, t.dwells, r.limit, r.lots, True, self._now())
    if why == 0 and not margin.is_fresh(q.terms.word, q.terms.risk, self._now()):
        why = code.STALE_PRICE
    lots: int256 = min(r.lots, -r.side * holding.held(HOUSE, r.account, r.market))
    away: int256 = units.rate_up(q.terms.price, words.field(q.terms.caps, amm.SPREAD, 21))
    price: int256 = q.terms.price + r.side * away
    room: int256 = words.field(q.terms.pool, amm.BACKSTOP_CAP, 54) // max(1, q.terms.price) + r.side * q.held.size
    lots = min(lots, room)
    if why == 0 and (q.head == 0 or lots <= 0 or r.side * (price - r.limit) > 0 or price < 1):
        why = code.NO_LIQUIDITY
    if why != 0:
        return why, 0, 0
    raw: int256 = words.signed64(q.head, 0)
    if not reader.is_well(q) or not amm.bears(q.terms, raw, q.held, r.side, lots, lots * price):
        return code.POOL_MARGIN, 0, 0
    vault: uint256 = words.pool_of(r.market, words.BACKSTOP)
    why = extcall IClearingHouse(HOUSE).fill(r.market, r.account, vault, r.side, lots, price, True, False)
    return why, lots, price
