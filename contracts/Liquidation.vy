# pragma version 0.4.3
# pragma nonreentrancy on
# pragma optimize codesize
"""
@title Liquidation of unhealthy buckets, by anybody: src/seawall/liquidation/step.py, waterfall.py and backstop.py
@license Apache-2.0
@notice One call is one unit of the engine's work on one bucket: it closes some of it by the first stage that can, the
        pool, the backstop vault with insurance, the other side of the market. Same lots, prices and receipts as the
        engine's from the same words.
@custom:security Who calls chooses the bucket, never amounts or prices. The reward is at most the fee of the fill.
@custom:kill HALTED (RiskSteward) stops it, for the venue or a market.
"""

import amm
import closing
import code
import limits
import margin
import partial
import reader
import units
import words
from interfaces import IClearingHouse
from interfaces import IDeleveraging


# ---------------------------------------------------------------------
# Immutables
# ---------------------------------------------------------------------

HOUSE: public(immutable(address))
DELEVERAGING: public(immutable(address))
VAULT: public(immutable(address))


# ---------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------

NO_MARKET: constant(uint256) = max_value(uint256)

# why a bucket waits (src/seawall/liquidation/partial.py)
FILLED: constant(uint256) = 0
THROTTLE: constant(uint256) = 1
AT_GATE: constant(uint256) = 2
COOLDOWN: constant(uint256) = 3
STALE: constant(uint256) = 4
STOPPED: constant(uint256) = 5
NO_LIQUIDITY: constant(uint256) = 6
WITH_OTHERS: constant(uint256) = 7  # not yet: the other side of the market has to close it

ASSETS: constant(uint256) = 255 << words.ASSETS_SHIFT

interface IVault:
    def worth_maintenance(bucket: uint256) -> int256: view

# a bucket on its way through the stages
struct Work:
    bucket: uint256
    head: uint256
    policy: uint256
    steps: uint256
    count: uint256
    positions: uint256[16]
    workable: uint256  # a bit a position
    stale: bool  # a price of it
    numerators: int256[16]
    total: int256  # of them
    equity: int256
    maintenance: int256
    start: int256
    time: int256
    now: int256
    emptied: uint256  # 1 + the market whose position is gone
    claimed: int256  # insurance that its position had been paid


# ---------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------

event LiquidationStarted:
    bucket: indexed(uint256)
    equity: int256
    maintenance: int256
    end: int256
    low: bool
    positions: DynArray[uint256, 16]  # their words, in the order of the bucket's list

event LiquidationFill:
    bucket: indexed(uint256)
    market: uint256
    sought: int256
    bankruptcy: int256
    size: int256
    amount: int256
    fee: int256
    equity: int256
    maintenance: int256

event BackstopTook:
    bucket: indexed(uint256)
    market: uint256
    size: int256
    price: int256
    equity: int256
    maintenance: int256

event LiquidationWaits:
    bucket: indexed(uint256)
    reason: uint256
    equity: int256
    maintenance: int256

event LiquidationEnded:
    bucket: indexed(uint256)
    equity: int256
    maintenance: int256
    gone: bool


# ---------------------------------------------------------------------
# Set-up
# ---------------------------------------------------------------------

@deploy
def __init__(house: address, deleveraging: address, vault: address):
    HOUSE = house
    DELEVERAGING = deleveraging
    VAULT = vault


# ---------------------------------------------------------------------
# External
# ---------------------------------------------------------------------

@external
def liquidate(bucket: uint256) -> uint256:
    """
    @notice One unit of liquidation work on a bucket. `Reject(NOT_DUE)` for a healthy one, `Reject(BAD_FIELD)` when the
            other side of the market has to close it: then `liquidate_with` is the call.
    @return FILLED, or why the bucket waits.
    """
    market: uint256 = 0
    why: uint256 = FILLED
    why, market = self._work(bucket)
    if why == WITH_OTHERS:
        code.refuse(code.BAD_FIELD)
    return why


@external
def liquidate_with(bucket: uint256, others: DynArray[uint256, 512], same: DynArray[uint256, 512]) -> uint256:
    """
    @notice `liquidate` with both sides of the market, for the last stage.
    @param others Every bucket on the other side, best rank first.
    @param same Every bucket on the bucket's own side, should a loss have to be shared there; else none.
    """
    market: uint256 = 0
    why: uint256 = FILLED
    why, market = self._work(bucket)
    if why != WITH_OTHERS:
        return why
    claimed: int256 = 0
    why, claimed = extcall IDeleveraging(DELEVERAGING).settle_with_others(bucket, market, others, same)
    w: Work = self._load(bucket)
    if why != FILLED:
        return self._wait(w, why)
    w.emptied = unsafe_add(market, 1)
    w.claimed = claimed
    self._after_close(w)
    return FILLED


# ---------------------------------------------------------------------
# One unit of work
# ---------------------------------------------------------------------

@internal
def _work(bucket: uint256) -> (uint256, uint256):
    """@notice (FILLED or why it waits, or WITH_OTHERS and the market whose other side is needed)."""
    w: Work = self._load(bucket)
    if (w.policy >> margin.VENUE_STATUS) & 15 >= limits.HALTED:
        code.refuse(code.VENUE_HALTED)
    if w.head == 0:
        code.refuse(code.UNKNOWN_ACCOUNT)
    liquidating: bool = w.head & words.LIQUIDATING != 0
    if w.equity < 0:
        gate: int256 = w.now + words.field(w.policy, margin.GATE_CLOSED, 27)
        if gate > words.field(reader.one(HOUSE, words.VENUE | words.FLOW), 188, 44):
            self._put(words.VENUE | words.FLOW, ~convert(0, uint256) << 188, convert(gate, uint256) << 188)
    if self._is_over(w.policy, liquidating, w.equity, w.maintenance):
        if not liquidating:
            code.refuse(code.NOT_DUE)
        self._finish(w)
        return FILLED, 0
    if w.count != 0 and w.workable == 0:
        return self._wait(w, STALE if w.stale else STOPPED), 0
    if self._top_up(w) > 0:
        if liquidating:
            self._finish(self._load(bucket))
        return FILLED, 0
    if not liquidating:
        self._tell_start(w)
        w.start = w.now
    if w.count == 0:
        if w.head & ASSETS != 0:
            return self._wait(w, NO_LIQUIDITY), 0
        self._cover(w, words.own_market(bucket))
        self._finish(self._load(bucket))
        return FILLED, 0
    extcall IClearingHouse(HOUSE).settle(bucket)
    why: uint256 = FILLED
    why, w = self._close(w)
    if why == WITH_OTHERS:
        self._keep(w)
        return why, self._market(w.head, self._next(w, 0))
    if why != FILLED:
        if not liquidating:
            self._keep(w)
        return self._wait(w, why), 0
    self._after_close(w)
    return FILLED, 0


@internal
def _after_close(w: Work):
    """@notice Makes good a debt left without any position, and says whether the liquidation goes on."""
    after: Work = w
    if w.count == 0 and w.equity < 0 and w.head & ASSETS == 0:
        self._cover(w, w.emptied)
        after.equity = 0
    if self._is_over(after.policy, True, after.equity, after.maintenance):
        self._finish(after)
    else:
        self._keep(after)


@internal
@view
def _load(bucket: uint256) -> Work:
    """@notice The bucket with its funding counted in, its positions, and who of them may be closed now."""
    w: Work = empty(Work)
    w.bucket = bucket
    w.now = convert(unsafe_mul(block.timestamp, 1000), int256)
    found: DynArray[uint256, 48] = staticcall IClearingHouse(HOUSE).words_of(
        [
            words.BUCKET | bucket,
            words.VENUE | words.POLICY,
            words.VENUE | words.STEPS,
            words.LIQUIDATION | bucket,
        ]
    )
    w.head = found[0]
    w.policy = found[1]
    w.steps = found[2]
    w.start = words.field(found[3], 0, 44)
    w.time = words.field(found[3], 44, 44)
    w.count = words.count_of(w.head)
    w.equity = words.signed64(w.head, 0)
    keys: DynArray[uint256, 48] = []
    for i: uint256 in range(w.count, bound=16):
        market: uint256 = self._market(w.head, i)
        keys.append(words.position_key(bucket, market))
        keys.append(words.MARKET | words.PRICE | market)
        keys.append(words.MARKET | words.RISK | market)
    found = staticcall IClearingHouse(HOUSE).words_of(keys)
    for i: uint256 in range(w.count, bound=16):
        price_word: uint256 = found[unsafe_add(unsafe_mul(3, i), 1)]
        p: uint256 = found[unsafe_mul(3, i)]
        if not margin.is_fresh(price_word, found[unsafe_add(unsafe_mul(3, i), 2)], convert(w.now, uint256)):
            w.stale = True
        elif self._is_open(w.policy, price_word):
            w.workable = w.workable | (1 << i)
        size: int256 = words.signed64(p, 0)
        amount: int256 = unsafe_mul(size, convert(price_word & margin.M41, int256))
        w.equity = unsafe_add(w.equity, amount)
        if (p >> 128) & words.M64 != (price_word >> margin.INDEX_SHIFT) & words.M64:
            step: int256 = unsafe_sub(margin.index_of(price_word), words.signed64(p, 128))
            w.equity = unsafe_add(w.equity, units.funding_of(size, step)[0])
        notional: int256 = units.magnitude(amount)
        tier: uint256 = margin.first_tier(price_word)
        if not margin.holds(tier, notional):
            tier = self._tier(self._market(w.head, i), price_word, notional)
        own: int256 = margin.numerator(tier, notional)
        w.positions[i] = p
        w.numerators[i] = own
        w.total = unsafe_add(w.total, own)
    w.maintenance = units.ceil_div(w.total, limits.RATE_ONE)
    if w.head & ASSETS != 0:
        w.equity = unsafe_add(w.equity, staticcall IVault(VAULT).worth_maintenance(bucket))
    return w


@internal
@pure
def _market(head: uint256, place: uint256) -> uint256:
    """@notice The market of a place in a bucket's list."""
    return (head >> unsafe_add(words.LIST_SHIFT, unsafe_mul(8, place))) & 255


@internal
@view
def _tier(market: uint256, price_word: uint256, notional: int256) -> uint256:
    t: margin.Terms = empty(margin.Terms)
    t.word = price_word
    t.tiers[0] = margin.first_tier(price_word)
    return margin.tier_of(reader.tiers_of(HOUSE, market, t), notional)


@internal
@pure
def _is_open(policy: uint256, price_word: uint256) -> bool:
    """@notice Whether forced orders may trade in a market: open or reduce-only."""
    status: uint256 = max(margin.status_of(price_word), (policy >> margin.VENUE_STATUS) & 15)
    return status <= limits.REDUCING and margin.status_of(price_word) != limits.UNLISTED


@internal
@pure
def _is_over(policy: uint256, liquidating: bool, equity: int256, maintenance: int256) -> bool:
    """@notice Whether nothing is to be liquidated: at liquidation end once it has begun, at maintenance before."""
    return equity >= (margin.end_of(policy, maintenance) if liquidating else maintenance)


@internal
def _put(key: uint256, mask: uint256, fields: uint256):
    extcall IClearingHouse(HOUSE).put(key, mask, fields)


@internal
def _keep(w: Work):
    """@notice The liquidation goes on: since when, and the last forced fill."""
    if w.head & words.LIQUIDATING == 0:
        self._put(words.BUCKET | w.bucket, words.LIQUIDATING, words.LIQUIDATING)
    word: uint256 = words.with_field(words.with_field(0, 0, 44, w.start), 44, 44, w.time)
    self._put(words.LIQUIDATION | w.bucket, max_value(uint256), word)


@internal
def _finish(w: Work):
    """@notice The liquidation is over: the bucket is healthy or gone. An empty isolated one returns what it has."""
    if w.head & words.LIQUIDATING != 0:
        self._put(words.BUCKET | w.bucket, words.LIQUIDATING, 0)
    cools: bool = words.field(w.policy, margin.COOLDOWN, 22) != 0
    if cools or w.head & words.LIQUIDATING != 0:
        time: int256 = w.time if cools else 0
        self._put(words.LIQUIDATION | w.bucket, max_value(uint256), words.with_field(0, 44, 44, time))
    log LiquidationEnded(bucket=w.bucket, equity=w.equity, maintenance=w.maintenance, gone=w.count == 0)
    if words.kind_of(w.head) == limits.ISOLATED and w.count == 0:
        extcall IClearingHouse(HOUSE).release(w.bucket)


@internal
def _wait(w: Work, why: uint256) -> uint256:
    log LiquidationWaits(bucket=w.bucket, reason=why, equity=w.equity, maintenance=w.maintenance)
    return why


@internal
def _tell_start(w: Work):
    positions: DynArray[uint256, 16] = []
    for i: uint256 in range(w.count, bound=16):
        positions.append(w.positions[i])
    log LiquidationStarted(
        bucket=w.bucket,
        equity=w.equity,
        maintenance=w.maintenance,
        end=margin.end_of(w.policy, w.maintenance),
        low=closing.is_below_share(w.policy, w.equity, w.maintenance),
        positions=positions,
    )


@internal
def _top_up(w: Work) -> int256:
    """@notice Automatic top-up of an isolated bucket to its initial margin, as its owner has asked; the amount."""
    if words.kind_of(w.head) != limits.ISOLATED:
        return 0
    account: uint256 = w.bucket & words.ACCOUNT_MASK
    market: uint256 = unsafe_sub(words.own_market(w.bucket), 1)
    wish: int256 = words.field(reader.one(HOUSE, words.setting_key(account, market)), 11, 55)
    if wish == 0:
        return 0
    h: IClearingHouse.Health = staticcall IClearingHouse(HOUSE).health_after(w.bucket, NO_MARKET, 0, 0, 0, 0)
    need: int256 = unsafe_sub(h.initial, h.equity_initial)
    if need <= 0:
        return 0
    cash: int256 = 0
    pending: int256 = 0
    payable_now: int256 = 0
    leaves: int256 = 0
    cash, pending, payable_now, leaves = staticcall IClearingHouse(HOUSE).cash_of(account, NO_MARKET)
    amount: int256 = min(min(need, unsafe_sub(unsafe_add(cash, pending), unsafe_sub(wish, 1))), leaves)
    if amount <= 0 or unsafe_add(h.equity, amount) < margin.end_of(w.policy, h.maintenance):
        return 0
    extcall IClearingHouse(HOUSE).feed(account, market, amount)
    return amount


@internal
def _cover(w: Work, market: uint256):
    """
    @notice Makes good the negative cash of a bucket without position: insurance of the market, then its winners.
    @param market 1 + the market; 0: of none, the debt is nobody's.
    """
    due: int256 = unsafe_sub(0, w.equity)
    if due <= 0:
        return
    paid: int256 = 0
    here: uint256 = 0
    if market != 0:
        here = unsafe_sub(market, 1)
        fund: int256 = words.field(reader.one(HOUSE, words.MARKET | words.FUND | here), 0, 62)
        cap: int256 = words.field(reader.one(HOUSE, words.MARKET | words.POOL | here), amm.CLAIM_CAP, 54)
        paid = max(0, min(due, min(fund, unsafe_sub(cap, w.claimed))))
        if paid > 0:
            extcall IClearingHouse(HOUSE).claim(here, w.bucket, paid, False)
    if due > paid:
        shared: bool = market != 0 and (w.policy >> margin.SOCIALISE) & 1 == 1
        extcall IClearingHouse(HOUSE).absorb(here, w.bucket, unsafe_sub(due, paid), shared)


# ---------------------------------------------------------------------
# The stages
# ---------------------------------------------------------------------

@internal
def _close(w: Work) -> (uint256, Work):
    """@notice Closes some of a bucket by the first stage that can: FILLED, why it waits, or WITH_OTHERS."""
    after: Work = w
    low: bool = closing.is_below_share(w.policy, w.equity, w.maintenance)
    vault_first: bool = low and w.equity >= 0
    done: bool = False
    if vault_first:
        done, after = self._give_to_vault(after)
        if done:
            return FILLED, after
    why: uint256 = FILLED
    at: uint256 = 0
    why, at, after = self._close_on_pool(after)
    if why == FILLED or w.equity >= w.maintenance:
        return why, after
    held_up: bool = why != NO_LIQUIDITY and w.equity > 0
    if held_up and not low and (why != AT_GATE or self._is_patient(after, at)):
        return why, after
    if not vault_first:
        done, after = self._give_to_vault(after)
        if done:
            return FILLED, after
    if held_up and self._is_patient(after, at):
        return why, after
    return WITH_OTHERS, after


@internal
@view
def _is_patient(w: Work, market: uint256) -> bool:
    """@notice Whether less than a capacity window, or the cooldown if longer, has passed since it last went on."""
    window: int256 = words.field(reader.one(HOUSE, words.MARKET | words.FORCED | market), closing.WINDOW, 22)
    window = max(window, words.field(w.policy, margin.COOLDOWN, 22))
    return unsafe_sub(w.now, max(w.start, w.time)) < window


@internal
@pure
def _next(w: Work, tried: uint256) -> uint256:
    """@notice The workable position with the largest maintenance that is not among `tried`, first in the list; 16: none."""
    best: uint256 = 16
    most: int256 = -1
    for i: uint256 in range(w.count, bound=16):
        if (w.workable >> i) & 1 == 1 and (tried >> i) & 1 == 0:
            own: int256 = units.ceil_div(w.numerators[i], limits.RATE_ONE)
            if own > most:
                best = i
                most = own
    return best


@internal
@view
def _closing(w: Work, i: uint256, which: uint256) -> (closing.Close, reader.Quoted):
    """@notice A position as something to be closed, and a pool of its market."""
    market: uint256 = self._market(w.head, i)
    q: reader.Quoted = reader.quoting(HOUSE, market) if which == words.AMM else reader.quoted(HOUSE, market, which)
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
    c.forced = reader.one(HOUSE, words.MARKET | words.FORCED | market)
    c.terms = q.terms
    return c, q


@internal
def _close_on_pool(w: Work) -> (uint256, uint256, Work):
    """@notice Stage 2: the first position of which something fills. Else the first reason that time can remove."""
    why: uint256 = NO_LIQUIDITY
    at: uint256 = 0
    tried: uint256 = 0
    after: Work = w
    for _: uint256 in range(16):
        i: uint256 = self._next(w, tried)
        if i == 16:
            break
        tried = tried | (1 << i)
        reason: uint256 = FILLED
        reason, after = self._close_one(after, i)
        if reason == FILLED:
            return FILLED, self._market(w.head, i), after
        if why == NO_LIQUIDITY:
            why = reason
            at = self._market(w.head, i)
    return why, at, after


@internal
def _close_one(w: Work, i: uint256) -> (uint256, Work):
    """@notice Sends a position, or the part of it that the venue's mode asks for, to the pool."""
    c: closing.Close = empty(closing.Close)
    v: partial.Venue = empty(partial.Venue)
    c, v.pool = self._closing(w, i, words.AMM)
    v.steps = w.steps
    v.now = w.now
    v.time = w.time
    pool: uint256 = words.pool_of(c.market, words.AMM)
    if pool == w.bucket:
        v.pool.head = 0
    t: margin.Terms = v.pool.terms
    v.curve = amm.curve(t.price, t.caps, t.pool)
    raw: int256 = words.signed64(v.pool.head, 0)
    most: int256 = amm.reach_of(v.curve, v.pool.held)
    tier: uint256 = margin.tier_of(t, most)
    v.ample = amm.is_ample(t.word, t.risk, t.policy, tier, most, t.price, raw, v.pool.held)
    lots: int256 = partial.wanted_lots(c, v)
    if lots == 0:
        return COOLDOWN, w
    room: int256 = partial.capacity_lots(c, w.now)
    if room == 0:
        return THROTTLE if words.field(c.forced, closing.CAPACITY, 54) > 0 else NO_LIQUIDITY, w
    lots = min(lots, room)
    filled: int256 = 0
    amount: int256 = 0
    filled, amount = partial.quote(c, v, lots, partial.worst_price(c, lots))
    if filled != 0 and not v.ample and not amm.bears(v.pool.terms, raw, v.pool.held, c.side, filled, amount):
        filled = 0
    if filled == 0:
        beyond: int256 = partial.quote(c, v, lots, closing.bankruptcy_price(c, lots))[0]
        return AT_GATE if beyond > 0 else NO_LIQUIDITY, w
    size: int256 = unsafe_mul(c.side, filled)
    extcall IClearingHouse(HOUSE).hand_over(w.bucket, pool, c.market, size, unsafe_div(amount, filled))
    return FILLED, self._account_for(w, c, lots, filled, amount)


@internal
def _account_for(w: Work, c: closing.Close, sought: int256, filled: int256, amount: int256) -> Work:
    """@notice Charges the fee for the insurance fund and the keeper, uses up capacity, and tells."""
    after: Work = w
    fee: int256 = closing.fee_of(c, filled, amount)
    if fee > 0:
        extcall IClearingHouse(HOUSE).claim(c.market, w.bucket, -fee, False)
        self._reward(w.bucket, c.market, min(fee, words.field(w.steps, 108, 54)))
    start: int256 = words.field(c.forced, closing.START, 44)
    used: int256 = words.field(c.forced, closing.USED, 58)
    if partial.is_window_over(c, w.now):
        start = w.now
        used = 0
    word: uint256 = words.with_field(0, closing.START, 44, start)
    word = words.with_field(word, closing.USED, 58, unsafe_add(used, unsafe_mul(filled, c.mark)))
    self._put(words.MARKET | words.FORCED | c.market, ~convert(0, uint256) << 154, word)
    after.time = w.now
    after = self._closed(after, c, filled, unsafe_sub(unsafe_sub(c.equity, closing.slippage(c, filled, amount)), fee))
    after.claimed = c.claimed
    log LiquidationFill(
        bucket=w.bucket,
        market=c.market,
        sought=sought,
        bankruptcy=closing.bankruptcy_price(c, sought),
        size=unsafe_mul(c.side, filled),
        amount=amount,
        fee=fee,
        equity=c.equity,
        maintenance=c.maintenance,
    )
    return after


@internal
@pure
def _closed(w: Work, c: closing.Close, lots: int256, equity: int256) -> Work:
    """@notice The bucket after `lots` of a position are closed and its equity is so."""
    after: Work = w
    after.equity = equity
    after.maintenance = closing.maintenance_after(c, lots)
    if lots == c.held:
        after.emptied = unsafe_add(c.market, 1)
        after.count = unsafe_sub(w.count, 1)
    return after


@internal
def _reward(bucket: uint256, market: uint256, amount: int256):
    """@notice A share of the fee goes to who has called, if it has an account that is not the bucket's."""
    keeper: uint256 = convert(msg.sender, uint256)
    if amount == 0 or bucket & words.OWNER_MASK == keeper:
        return
    if reader.one(HOUSE, words.BUCKET | keeper) != 0:
        extcall IClearingHouse(HOUSE).claim(market, keeper, amount, False)


@internal
def _give_to_vault(w: Work) -> (bool, Work):
    """@notice Stage 3: whether the vault of a position's market takes something of it."""
    tried: uint256 = 0
    for _: uint256 in range(16):
        i: uint256 = self._next(w, tried)
        if i == 16:
            break
        tried = tried | (1 << i)
        c: closing.Close = empty(closing.Close)
        q: reader.Quoted = empty(reader.Quoted)
        c, q = self._closing(w, i, words.BACKSTOP)
        lots: int256 = self._vault_lots(w, c, q)
        if lots > 0:
            return True, self._hand_to_vault(w, c, lots)
    return False, w


@internal
@pure
def _vault_price(c: closing.Close, lots: int256) -> int256:
    """@notice What the vault pays a lot: the bankruptcy price, or the mark when insurance pays the deficit."""
    return c.mark if c.equity < 0 else closing.bankruptcy_price(c, lots)


@internal
@view
def _vault_lots(w: Work, c: closing.Close, q: reader.Quoted) -> int256:
    """@notice The most lots the vault may take: by its cap, by what insurance covers, then by its own margin."""
    if w.bucket == words.pool_of(c.market, words.BACKSTOP) or not reader.is_well(q):
        return 0
    raw: int256 = words.signed64(q.head, 0)
    room: int256 = unsafe_div(words.field(c.terms.pool, amm.BACKSTOP_CAP, 54), c.mark)
    room = min(room, unsafe_div(limits.NOTIONAL_MAX, amm.price_max_of(c.terms)))
    lots: int256 = min(c.held, unsafe_add(room, unsafe_mul(c.side, q.held.size)))
    if lots <= 0:
        return 0
    fund: int256 = words.field(reader.one(HOUSE, words.MARKET | words.FUND | c.market), 0, 62)
    lots = closing.lots_covered(c, lots, closing.claimable(c, fund))
    if lots <= 0 or amm.bears(q.terms, raw, q.held, c.side, lots, unsafe_mul(lots, self._vault_price(c, lots))):
        return lots
    fits: int256 = 0
    over: int256 = lots
    for _: uint256 in range(64):
        if unsafe_sub(over, fits) <= 1:
            break
        middle: int256 = unsafe_div(unsafe_add(fits, over), 2)
        if amm.bears(q.terms, raw, q.held, c.side, middle, unsafe_mul(middle, self._vault_price(c, middle))):
            fits = middle
        else:
            over = middle
    return fits


@internal
def _hand_to_vault(w: Work, c: closing.Close, lots: int256) -> Work:
    after: Work = w
    vault: uint256 = words.pool_of(c.market, words.BACKSTOP)
    price: int256 = self._vault_price(c, lots)
    deficit: int256 = closing.deficit_of(c, lots)
    if deficit > 0:
        extcall IClearingHouse(HOUSE).claim(c.market, w.bucket, deficit, True)
    extcall IClearingHouse(HOUSE).hand_over(w.bucket, vault, c.market, unsafe_mul(c.side, lots), price)
    left: int256 = unsafe_sub(c.equity, closing.slippage(c, lots, unsafe_mul(lots, price)))
    after = self._closed(after, c, lots, unsafe_add(left, deficit))
    after.claimed = unsafe_add(c.claimed, deficit)
    log BackstopTook(
        bucket=w.bucket, market=c.market, size=unsafe_mul(c.side, lots), price=price, equity=c.equity, maintenance=c.maintenance
    )
    return after
