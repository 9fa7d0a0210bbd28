# pragma version 0.4.3
# pragma nonreentrancy on
# pragma optimize codesize
"""
@title The last stages of a liquidation: auto-deleveraging and shared losses. src/seawall/liquidation/adl.py, socialise.py
@license Apache-2.0
@notice Who calls brings the list of every position on the other side, best rank first. The contract checks the rank of
        each, that none is there twice, and that their sizes add up to the open interest: nobody can be left out. Between
        equal ranks the order of the list stands.
@custom:security The list decides nothing but the order of equals; lots and price follow from the words.
@custom:kill HALTED (RiskSteward) stops the liquidation that calls this; `share_out` stops as well.
"""

import amm
import closing
import code
import limits
import margin
import ranks
import reader
import sharing
import units
import waits
import words
from interfaces import IClearingHouse
from interfaces import IDeleveraging

implements: IDeleveraging


# ---------------------------------------------------------------------
# Immutables
# ---------------------------------------------------------------------

HOUSE: public(immutable(address))
LIQUIDATION: public(immutable(address))
APPRAISER: public(immutable(address))


# ---------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------

HOLDERS_MAX: constant(uint256) = 1024
DEBTORS: constant(uint256) = 64
ASSETS: constant(uint256) = 255 << words.ASSETS_SHIFT

interface Appraiser:
    def worth_maintenance(bucket: uint256) -> int256: view


# a bucket as it stands, and its position of the market
struct Standing:
    head: uint256
    equity: int256
    notional: int256
    net: int256
    total: int256  # of maintenance numerators
    size: int256
    entry: int256
    claimed: int256
    own: int256  # numerator of the position


# ---------------------------------------------------------------------
# Storage
# ---------------------------------------------------------------------

serial: transient(uint256)  # of a list in this transaction
seen: transient(HashMap[uint256, uint256])  # bucket -> the last list it was in


# ---------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------

event Deleveraged:
    bucket: indexed(uint256)
    other: indexed(uint256)
    market: uint256
    size: int256
    price: int256
    bared: int256
    equity: int256
    maintenance: int256

event Shared:
    market: indexed(uint256)
    amount: int256
    profit: int256


# ---------------------------------------------------------------------
# External
# ---------------------------------------------------------------------

@deploy
def __init__(house: address, liquidation: address, appraiser: address):
    HOUSE = house
    LIQUIDATION = liquidation
    APPRAISER = appraiser


@external
def settle_with_others(
    bucket: uint256, market: uint256, others: DynArray[uint256, sharing.OTHERS_MAX], same: DynArray[uint256, sharing.OTHERS_MAX]
) -> (uint256, int256):
    """
    @notice Closes the rest of a position against the other side; who lacks cover is paid for by insurance, then by those
            with profit.
    @return 0 or NO_LIQUIDITY, and what insurance has paid for the position in all.
    """
    if msg.sender != LIQUIDATION:
        code.refuse(code.NOT_AUTHORISED)
    t: margin.Terms = self._terms(market)
    c: closing.Close = self._close_of(self._standing(bucket, market, t), market, t)
    fund: int256 = words.field(reader.one(HOUSE, words.MARKET | words.FUND | market), 0, 62)
    debt: int256 = closing.deficit_of(c, c.held)
    fund = min(debt, closing.claimable(c, fund))
    given_up: int256 = unsafe_sub(unsafe_add(c.equity, fund), closing.equity_left(c, c.held))
    price: int256 = closing.price_leaving(c, c.held, given_up)
    chosen: DynArray[sharing.Chosen, sharing.OTHERS_MAX] = []
    lots: int256 = 0
    chosen, lots = self._choose(c, others, price)
    socialised: bool = lots == 0 and debt > fund
    if socialised:
        price = c.mark
        chosen, lots = self._choose(c, others, price)
    if lots == 0:
        return waits.NO_LIQUIDITY, c.claimed
    short: int256 = unsafe_sub(closing.equity_left(c, lots), c.equity)
    short = unsafe_add(short, closing.slippage(c, lots, unsafe_mul(lots, price)))
    paid: int256 = max(0, min(short, fund))
    if paid > 0:
        extcall IClearingHouse(HOUSE).claim(market, bucket, paid, True)
    if (socialised or lots == c.held) and short > paid:
        shared: bool = (t.policy >> margin.SOCIALISE) & 1 == 1
        extcall IClearingHouse(HOUSE).absorb(market, bucket, unsafe_sub(short, paid), shared)
        if shared:
            self._cut_chosen(c, chosen, price, self._profit_in(c, others, same))
    self._deleverage(bucket, c, chosen, price)
    return 0, unsafe_add(c.claimed, paid)


@external
def share_out(market: uint256, holders: DynArray[uint256, HOLDERS_MAX]):
    """
    @notice Shares what a market is short of among its unrealised profit, pro rata and exact in sum; by anybody.
    @param holders Every bucket with a position in the market, each once; roundings fall in their order.
    """
    t: margin.Terms = self._terms(market)
    if max(margin.status_of(t.word), (t.policy >> margin.VENUE_STATUS) & 15) >= limits.HALTED:
        code.refuse(code.VENUE_HALTED)
    short: int256 = words.field(reader.one(HOUSE, words.MARKET | words.SHORT | market), 64, 64)
    if short == 0:
        code.refuse(code.NOT_DUE)
    profits: DynArray[int256, HOLDERS_MAX] = []
    self.serial += 1
    total: int256 = 0
    longs: int256 = 0
    shorts: int256 = 0
    for place: uint256 in range(len(holders), bound=HOLDERS_MAX):
        s: Standing = self._standing(holders[place], market, t)
        if s.size > 0:
            longs = unsafe_add(longs, s.size)
        else:
            shorts = unsafe_sub(shorts, s.size)
        self._once(holders[place])
        profit: int256 = self._profit_of(s, t.price)
        profits.append(profit)
        total = unsafe_add(total, profit)
    self._all_there(t, longs)
    self._all_there(t, shorts)
    amount: int256 = min(short, total)
    seen: int256 = 0
    for place: uint256 in range(len(holders), bound=HOLDERS_MAX):
        if profits[place] > 0:
            reached: int256 = unsafe_add(seen, profits[place])
            part: int256 = unsafe_div(unsafe_mul(amount, reached), total)
            part = unsafe_sub(part, unsafe_div(unsafe_mul(amount, seen), total))
            seen = reached
            if part != 0:
                extcall IClearingHouse(HOUSE).cut(market, holders[place], part, True)
    if total == 0:
        extcall IClearingHouse(HOUSE).cut(market, 0, short, False)
    log Shared(market=market, amount=amount, profit=total)


@external
@view
def score_of(bucket: uint256, market: uint256) -> int256:
    """@notice The rank of a position among those of its side: the greater the sooner it is closed."""
    t: margin.Terms = self._terms(market)
    return self._score(bucket, self._standing(bucket, market, t), t)


# ---------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------

@internal
@view
def _terms(market: uint256) -> margin.Terms:
    q: reader.Quoted = reader.quoted(HOUSE, market, words.AMM)
    if q.terms.word >> margin.COUNT_SHIFT > 1:
        q.terms = reader.tiers_of(HOUSE, market, q.terms)
    return q.terms


@internal
@view
def _standing(bucket: uint256, market: uint256, t: margin.Terms) -> Standing:
    s: Standing = empty(Standing)
    s.head = reader.one(HOUSE, words.BUCKET | bucket)
    s.equity = words.signed64(s.head, 0)
    count: uint256 = words.count_of(s.head)
    keys: DynArray[uint256, 48] = []
    for i: uint256 in range(count, bound=16):
        here: uint256 = (s.head >> unsafe_add(words.LIST_SHIFT, unsafe_mul(8, i))) & 255
        keys.append(words.position_key(bucket, here))
        keys.append(words.MARKET | words.PRICE | here)
    found: DynArray[uint256, 48] = staticcall IClearingHouse(HOUSE).words_of(keys)
    for i: uint256 in range(count, bound=16):
        here: uint256 = (s.head >> unsafe_add(words.LIST_SHIFT, unsafe_mul(8, i))) & 255
        p: uint256 = found[unsafe_mul(2, i)]
        price_word: uint256 = found[unsafe_add(unsafe_mul(2, i), 1)]
        size: int256 = words.signed64(p, 0)
        amount: int256 = unsafe_mul(size, convert(price_word & margin.M41, int256))
        step: int256 = unsafe_sub(margin.index_of(price_word), words.signed64(p, 128))
        s.equity = unsafe_add(s.equity, unsafe_add(amount, units.funding_of(size, step)[0]))
        s.net = unsafe_add(s.net, amount)
        notional: int256 = units.magnitude(amount)
        s.notional = unsafe_add(s.notional, notional)
        tier: uint256 = margin.first_tier(price_word)
        if here == market:
            tier = margin.tier_of(t, notional)
        elif not margin.holds(tier, notional):
            other: margin.Terms = empty(margin.Terms)
            other.word = price_word
            other.tiers[0] = tier
            tier = margin.tier_of(reader.tiers_of(HOUSE, here, other), notional)
        own: int256 = margin.numerator(tier, notional)
        s.total = unsafe_add(s.total, own)
        if here == market:
            s.size = size
            s.entry = words.signed64(p, 64)
            s.claimed = words.field(p, 202, 54)
            s.own = own
    if s.head & ASSETS != 0:
        s.equity = unsafe_add(s.equity, staticcall Appraiser(APPRAISER).worth_maintenance(bucket))
    return s


@internal
@pure
def _close_of(s: Standing, market: uint256, t: margin.Terms) -> closing.Close:
    c: closing.Close = empty(closing.Close)
    c.market = market
    c.side = -1 if s.size > 0 else 1
    c.held = units.magnitude(s.size)
    c.mark = t.price
    c.equity = s.equity
    c.maintenance = units.ceil_div(s.total, limits.RATE_ONE)
    c.others = unsafe_sub(s.total, s.own)
    c.claimed = s.claimed
    c.terms = t
    return c


@internal
@view
def _exposure(bucket: uint256, s: Standing) -> int256:
    """@notice Net exposure of the whole account behind a bucket, cross and isolated; a pool's own."""
    if words.is_pool(bucket):
        return s.net
    account: uint256 = bucket & words.ACCOUNT_MASK
    net: int256 = s.net
    cross: uint256 = s.head
    if bucket != account:
        other: Standing = self._standing(account, limits.TIERS + 255, empty(margin.Terms))
        net = other.net
        cross = other.head
    if (cross >> words.ISOLATED_SHIFT) & 127 == 0:
        return net
    places: uint256 = reader.one(HOUSE, words.ISOLATED | account)
    for market: uint256 in range(256):
        if places >> market == 0:
            break
        if (places >> market) & 1 == 1:
            found: DynArray[uint256, 48] = staticcall IClearingHouse(HOUSE).words_of(
                [words.position_key(words.isolated_of(account, market), market), words.MARKET | words.PRICE | market]
            )
            if found[0] != 0:
                price: int256 = convert(found[1] & margin.M41, int256)
                net = unsafe_add(net, unsafe_mul(words.signed64(found[0], 0), price))
    return net


@internal
@view
def _score(bucket: uint256, s: Standing, t: margin.Terms) -> int256:
    policy: uint256 = (t.policy >> margin.ADL_POLICY) & 3
    net: int256 = self._exposure(bucket, s) if policy == ranks.LEAST_HARM else 0
    return ranks.score(policy, s.size, t.price, s.entry, s.equity, s.notional, net)


@internal
@pure
def _profit_of(s: Standing, price: int256) -> int256:
    """@notice Unrealised profit that can be cut: of a bucket not in liquidation, up to its equity."""
    if s.head & words.LIQUIDATING != 0:
        return 0
    return max(0, min(unsafe_sub(unsafe_mul(s.size, price), s.entry), s.equity))


@internal
def _once(bucket: uint256):
    """@notice Nobody stands twice in a list."""
    if self.seen[bucket] == self.serial:
        code.refuse(code.BAD_FIELD)
    self.seen[bucket] = self.serial


@internal
@pure
def _all_there(t: margin.Terms, lots: int256):
    """@notice The sizes of one side add up to the open interest, or somebody is left out."""
    if lots != words.field(t.risk, 0, 54):
        code.refuse(code.BAD_FIELD)


# ---------------------------------------------------------------------
# Choosing
# ---------------------------------------------------------------------

@internal
def _choose(
    c: closing.Close, others: DynArray[uint256, sharing.OTHERS_MAX], price: int256
) -> (DynArray[sharing.Chosen, sharing.OTHERS_MAX], int256):
    """@notice Who closes how many lots at `price`. Under LEAST_HARM hedges only when there is nothing else."""
    policy: uint256 = (c.terms.policy >> margin.ADL_POLICY) & 3
    chosen: DynArray[sharing.Chosen, sharing.OTHERS_MAX] = []
    if policy == ranks.LEAST_HARM:
        chosen = self._scan(c, others, price, True)
    if len(chosen) == 0:
        chosen = self._scan(c, others, price, False)
    if policy == ranks.PRO_RATA or policy == ranks.RISK_AWARE:
        return sharing.share(c, chosen)
    left: int256 = c.held
    for i: uint256 in range(len(chosen), bound=sharing.OTHERS_MAX):
        chosen[i].lots = min(left, chosen[i].room)
        left = unsafe_sub(left, chosen[i].lots)
    return chosen, unsafe_sub(c.held, left)


@internal
def _scan(
    c: closing.Close, others: DynArray[uint256, sharing.OTHERS_MAX], price: int256, spares_hedges: bool
) -> DynArray[sharing.Chosen, sharing.OTHERS_MAX]:
    """@notice Checks the list, and keeps who may close something at `price`; no more than it takes, unless shared."""
    chosen: DynArray[sharing.Chosen, sharing.OTHERS_MAX] = []
    policy: uint256 = (c.terms.policy >> margin.ADL_POLICY) & 3
    shares: bool = policy == ranks.PRO_RATA or policy == ranks.RISK_AWARE
    last: int256 = max_value(int256)
    self.serial += 1
    lots: int256 = 0
    covered: int256 = 0
    debtors: uint256 = 0
    for bucket: uint256 in others:
        s: Standing = self._standing(bucket, c.market, c.terms)
        score: int256 = self._score(bucket, s, c.terms)
        if unsafe_mul(s.size, c.side) <= 0 or score > last:
            code.refuse(code.BAD_FIELD)
        last = score
        self._once(bucket)
        lots = unsafe_add(lots, units.magnitude(s.size))
        if covered < c.held or shares:
            most: int256 = min(c.held, units.magnitude(s.size))
            if spares_hedges:
                free: int256 = ranks.directional(self._exposure(bucket, s), unsafe_mul(s.size, c.mark))
                most = min(most, unsafe_div(free, c.mark))
            other: closing.Close = self._close_of(s, c.market, c.terms)
            room: int256 = sharing.acceptable(other, words.signed64(s.head, 0), most, price)
            if room > 0 and s.equity < 0:
                debtors = unsafe_add(debtors, 1)
            if room > 0 and (s.equity >= 0 or debtors <= DEBTORS):
                chosen.append(sharing.Chosen(bucket=bucket, score=score, room=room, lots=0))
                covered = unsafe_add(covered, room)
    self._all_there(c.terms, lots)
    return chosen


# ---------------------------------------------------------------------
# Closing
# ---------------------------------------------------------------------

@internal
def _profit_in(
    c: closing.Close, others: DynArray[uint256, sharing.OTHERS_MAX], same: DynArray[uint256, sharing.OTHERS_MAX]
) -> int256:
    """@notice All profit in the market that can be cut, of both sides."""
    total: int256 = 0
    for bucket: uint256 in others:
        total = unsafe_add(total, self._profit_of(self._standing(bucket, c.market, c.terms), c.mark))
    lots: int256 = 0
    self.serial += 1
    for bucket: uint256 in same:
        s: Standing = self._standing(bucket, c.market, c.terms)
        if unsafe_mul(s.size, c.side) >= 0:
            code.refuse(code.BAD_FIELD)
        self._once(bucket)
        lots = unsafe_add(lots, units.magnitude(s.size))
        total = unsafe_add(total, self._profit_of(s, c.mark))
    self._all_there(c.terms, lots)
    return total


@internal
def _cut_chosen(c: closing.Close, chosen: DynArray[sharing.Chosen, sharing.OTHERS_MAX], price: int256, total: int256):
    """@notice Takes the share of what the market is short from who is about to be closed: of what each realises."""
    short: int256 = words.field(reader.one(HOUSE, words.MARKET | words.SHORT | c.market), 64, 64)
    amount: int256 = min(short, total)
    seen: int256 = 0
    reached: int256 = 0
    for i: uint256 in range(len(chosen), bound=sharing.OTHERS_MAX):
        realised: int256 = self._realised_by(chosen[i], c, price)
        if realised > 0:
            seen = unsafe_add(seen, realised)
            upto: int256 = unsafe_div(unsafe_mul(amount, seen), total)
            if upto != reached:
                extcall IClearingHouse(HOUSE).cut(c.market, chosen[i].bucket, unsafe_sub(upto, reached), False)
            reached = upto


@internal
@view
def _realised_by(one: sharing.Chosen, c: closing.Close, price: int256) -> int256:
    """@notice Profit that can be cut from lots that close at `price`, as far as their bucket then has equity."""
    s: Standing = self._standing(one.bucket, c.market, c.terms)
    most: int256 = self._profit_of(s, c.mark)
    if one.lots == 0 or most == 0:
        return 0
    held: int256 = units.magnitude(s.size)
    signed: int256 = one.lots if s.size > 0 else unsafe_sub(0, one.lots)
    kept: int256 = units.floor_div(unsafe_mul(unsafe_sub(0, s.entry), one.lots), held)
    realised: int256 = unsafe_add(unsafe_mul(signed, price), kept)
    left: int256 = unsafe_sub(s.equity, unsafe_mul(signed, unsafe_sub(c.mark, price)))
    return max(0, min(min(realised, left), units.floor_div(unsafe_mul(most, one.lots), held)))


@internal
def _deleverage(bucket: uint256, c: closing.Close, chosen: DynArray[sharing.Chosen, sharing.OTHERS_MAX], price: int256):
    """@notice Closes what has been chosen, at `price`, and tells each counterparty what it did to it."""
    closed: int256 = 0
    for one: sharing.Chosen in chosen:
        if one.lots > 0:
            closed = unsafe_add(closed, one.lots)
            size: int256 = unsafe_mul(c.side, one.lots)
            s: Standing = self._standing(one.bucket, c.market, c.terms)
            net: int256 = self._exposure(one.bucket, s)
            after: int256 = units.magnitude(unsafe_sub(net, unsafe_mul(size, c.mark)))
            extcall IClearingHouse(HOUSE).hand_over(0, one.bucket, c.market, size, price)
            left: Standing = self._standing(one.bucket, c.market, c.terms)
            log Deleveraged(
                bucket=bucket,
                other=one.bucket,
                market=c.market,
                size=size,
                price=price,
                bared=max(0, unsafe_sub(after, units.magnitude(net))),
                equity=left.equity,
                maintenance=units.ceil_div(left.total, limits.RATE_ONE),
            )
            if words.count_of(left.head) == 0:
                self._end(one.bucket, left, s.claimed, c)
    extcall IClearingHouse(HOUSE).hand_over(bucket, 0, c.market, unsafe_mul(c.side, closed), price)


@internal
def _end(bucket: uint256, left: Standing, claimed: int256, c: closing.Close):
    """
    @notice Makes good the debt of a counterparty that was in debt itself and has nothing left, or returns its cash. One with
            collateral waits until that is sold.
    """
    due: int256 = unsafe_sub(0, left.equity)
    if due > 0 and left.head & ASSETS == 0:
        fund: int256 = words.field(reader.one(HOUSE, words.MARKET | words.FUND | c.market), 0, 62)
        cap: int256 = words.field(c.terms.pool, amm.CLAIM_CAP, 54)
        paid: int256 = max(0, min(due, min(fund, unsafe_sub(cap, claimed))))
        if paid > 0:
            extcall IClearingHouse(HOUSE).claim(c.market, bucket, paid, False)
        if due > paid:
            shared: bool = (c.terms.policy >> margin.SOCIALISE) & 1 == 1
            extcall IClearingHouse(HOUSE).absorb(c.market, bucket, unsafe_sub(due, paid), shared)
    if words.kind_of(left.head) == limits.ISOLATED:
        extcall IClearingHouse(HOUSE).release(bucket)
