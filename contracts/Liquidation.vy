# pragma version 0.4.3
# pragma nonreentrancy on
# pragma optimize codesize
"""
@title Liquidation of unhealthy buckets, by anybody: src/seawall/liquidation/step.py, waterfall.py and backstop.py
@license Apache-2.0
@notice One call is one unit of the engine's work on one bucket: it sells collateral to a backstop vault, or closes some
        of it by the first stage that can, the pool, the vault with insurance, the other side of the market. Same lots, prices and receipts as the
        engine's from the same words.
@custom:security Who calls chooses the bucket, never amounts or prices. The reward is at most the fee of the fill.
@custom:kill HALTED (RiskSteward) stops it, for the venue or a market.
"""

import amm
import closing
import code
import limits
import margin
import reader
import selling
import units
import waits
import words
import work
from interfaces import IClearingHouse
from interfaces import IDeleveraging
from interfaces import ILending
from interfaces import IPoolClose

initializes: work
exports: (work.HOUSE, work.APPRAISER)


# ---------------------------------------------------------------------
# Immutables
# ---------------------------------------------------------------------

DELEVERAGING: public(immutable(address))
POOL_CLOSE: public(immutable(address))
LENDING: public(immutable(address))
VAULT: immutable(address)


# ---------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------

NO_MARKET: constant(uint256) = max_value(uint256)

# the bucket once some of a position is closed
struct Closed:
    equity: int256
    maintenance: int256
    time: int256  # of its last forced fill
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
def __init__(house: address, deleveraging: address, appraiser: address, pool_close: address):
    work.__init__(house, appraiser)
    DELEVERAGING = deleveraging
    POOL_CLOSE = pool_close
    LENDING = staticcall IClearingHouse(house).LENDING()
    VAULT = staticcall IClearingHouse(house).VAULT()


# ---------------------------------------------------------------------
# External
# ---------------------------------------------------------------------

@external
def liquidate(bucket: uint256) -> uint256:
    """
    @notice One unit of liquidation work on a bucket. `Reject(NOT_DUE)` for a healthy one and for one in portfolio margin
            (AccountDesk ends that once its own maintenance is not met), `Reject(BAD_FIELD)` when the other side of the
            market has to close it: then `liquidate_with` is the call.
    @return FILLED, or why the bucket waits.
    """
    market: uint256 = 0
    why: uint256 = waits.FILLED
    why, market = self._work(bucket)
    if why == waits.WITH_OTHERS:
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
    why: uint256 = waits.FILLED
    why, market = self._work(bucket)
    if why != waits.WITH_OTHERS:
        return why
    claimed: int256 = 0
    why, claimed = extcall IDeleveraging(DELEVERAGING).settle_with_others(bucket, market, others, same)
    w: work.Work = work.load(bucket)
    if why != waits.FILLED:
        return self._wait(w, why)
    self._after_close(w, unsafe_add(market, 1), claimed)
    return waits.FILLED


# ---------------------------------------------------------------------
# One unit of work
# ---------------------------------------------------------------------

@internal
def _work(bucket: uint256) -> (uint256, uint256):
    """@notice (FILLED or why it waits, or WITH_OTHERS and the market whose other side is needed)."""
    w: work.Work = work.load(bucket)
    if (w.policy >> margin.VENUE_STATUS) & 15 >= limits.HALTED:
        code.refuse(code.VENUE_HALTED)
    if w.head == 0:
        code.refuse(code.UNKNOWN_ACCOUNT)
    if w.head & words.PORTFOLIO != 0:  # its own requirements hold until AccountDesk has ended them
        code.refuse(code.NOT_DUE)
    liquidating: bool = w.head & words.LIQUIDATING != 0
    if w.equity < 0:
        gate: int256 = w.now + words.field(w.policy, margin.GATE_CLOSED, 27)
        if gate > words.field(reader.one(work.HOUSE, words.VENUE | words.FLOW), 188, 44):
            self._put(words.VENUE | words.FLOW, ~convert(0, uint256) << 188, convert(gate, uint256) << 188)
    if work.is_over(w.policy, liquidating, w.equity, w.maintenance):
        if not liquidating:
            code.refuse(code.NOT_DUE)
        self._finish(w)
        return waits.FILLED, 0
    if selling.sell_some(work.HOUSE, VAULT, bucket, w.head):
        self._go_on(w)
        return waits.FILLED, 0
    w.first, w.past = work.next(w, 0)
    if w.count != 0 and w.first == 16:
        return self._wait(w, waits.STALE if work.has_stale_price(w) else waits.STOPPED), 0
    if self._top_up(w) > 0:
        if liquidating:
            self._finish(work.load(bucket))
        return waits.FILLED, 0
    if not liquidating:
        self._tell_start(w)
        w.start = w.now
    if w.count == 0:
        if w.head & work.ASSETS != 0:
            if not liquidating:
                self._keep(w)
            return self._wait(w, waits.NO_LIQUIDITY), 0
        self._cover(w, words.own_market(bucket), 0)
        self._finish(work.load(bucket))
        return waits.FILLED, 0
    if w.owes:
        extcall IClearingHouse(work.HOUSE).settle(bucket)
    why: uint256 = waits.FILLED
    after: Closed = empty(Closed)
    why, after = self._close(w)
    if why == waits.WITH_OTHERS:
        self._keep(w)
        return why, work.market(w.head, w.first)
    if why != waits.FILLED:
        if not liquidating:
            self._keep(w)
        return self._wait(w, why), 0
    w.equity = after.equity
    w.maintenance = after.maintenance
    w.time = after.time
    if after.emptied != 0:
        w.count = unsafe_sub(w.count, 1)
    self._after_close(w, after.emptied, after.claimed)
    return waits.FILLED, 0


@internal
def _go_on(w: work.Work):
    """@notice After a sale of collateral: the liquidation, which may have begun with it, goes on or is over."""
    after: work.Work = work.load(w.bucket)
    if w.head & words.LIQUIDATING == 0:
        self._tell_start(w)
        after.start = w.now
    if work.is_over(after.policy, True, after.equity, after.maintenance):
        self._finish(after)
    else:
        self._keep(after)


@internal
def _after_close(w: work.Work, emptied: uint256, claimed: int256):
    """
    @notice Makes good a debt left without any position, and says whether the liquidation goes on.
    @param emptied 1 + the market whose position is gone, and `claimed` what insurance had paid for it.
    """
    after: work.Work = w
    if w.count == 0 and w.equity < 0 and w.head & work.ASSETS == 0:
        self._cover(w, emptied, claimed)
        after.equity = 0
    if work.is_over(after.policy, True, after.equity, after.maintenance):
        self._finish(after)
    else:
        self._keep(after)


@internal
def _put(key: uint256, mask: uint256, fields: uint256):
    extcall IClearingHouse(work.HOUSE).put(key, mask, fields)


@internal
def _keep(w: work.Work):
    """@notice The liquidation goes on: since when, and the last forced fill."""
    if w.head & words.LIQUIDATING == 0:
        self._put(words.BUCKET | w.bucket, words.LIQUIDATING, words.LIQUIDATING)
    word: uint256 = words.with_field(words.with_field(0, 0, 44, w.start), 44, 44, w.time)
    self._put(words.LIQUIDATION | w.bucket, max_value(uint256), word)


@internal
def _finish(w: work.Work):
    """@notice The liquidation is over: the bucket is healthy or gone. An empty isolated one returns what it has."""
    if w.head & words.LIQUIDATING != 0:
        self._put(words.BUCKET | w.bucket, words.LIQUIDATING, 0)
    cools: bool = words.field(w.policy, margin.COOLDOWN, 22) != 0
    if cools or w.head & words.LIQUIDATING != 0:
        time: int256 = w.time if cools else 0
        self._put(words.LIQUIDATION | w.bucket, max_value(uint256), words.with_field(0, 44, 44, time))
    log LiquidationEnded(bucket=w.bucket, equity=w.equity, maintenance=w.maintenance, gone=w.count == 0)
    if words.kind_of(w.head) == limits.ISOLATED and w.count == 0:
        extcall IClearingHouse(work.HOUSE).release(w.bucket)


@internal
def _wait(w: work.Work, why: uint256) -> uint256:
    log LiquidationWaits(bucket=w.bucket, reason=why, equity=w.equity, maintenance=w.maintenance)
    return why


@internal
def _tell_start(w: work.Work):
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
def _top_up(w: work.Work) -> int256:
    """@notice Automatic top-up of an isolated bucket to its initial margin, as its owner has asked; the amount."""
    if words.kind_of(w.head) != limits.ISOLATED:
        return 0
    account: uint256 = w.bucket & words.ACCOUNT_MASK
    market: uint256 = unsafe_sub(words.own_market(w.bucket), 1)
    wish: int256 = words.field(reader.one(work.HOUSE, words.setting_key(account, market)), 11, 55)
    if wish == 0:
        return 0
    h: IClearingHouse.Health = staticcall IClearingHouse(work.HOUSE).health_after(w.bucket, NO_MARKET, 0, 0, 0, 0)
    need: int256 = unsafe_sub(h.initial, h.equity_initial)
    if need <= 0:
        return 0
    cash: int256 = 0
    pending: int256 = 0
    payable_now: int256 = 0
    leaves: int256 = 0
    cash, pending, payable_now, leaves = staticcall IClearingHouse(work.HOUSE).cash_of(account, NO_MARKET)
    amount: int256 = min(min(need, unsafe_sub(unsafe_add(cash, pending), unsafe_sub(wish, 1))), leaves)
    if amount <= 0 or unsafe_add(h.equity, amount) < margin.end_of(w.policy, h.maintenance):
        return 0
    extcall IClearingHouse(work.HOUSE).feed(account, market, amount)
    return amount


@internal
def _cover(w: work.Work, market: uint256, claimed: int256):
    """
    @notice Makes good the negative cash of a bucket without position: insurance of the market, then its winners.
    @param market 1 + the market; 0: of none, the reserve of interest pays, and what it has not is nobody's debt.
    @param claimed What insurance has paid already.
    """
    due: int256 = unsafe_sub(0, w.equity)
    if due <= 0:
        return
    paid: int256 = 0
    here: uint256 = 0
    if market != 0:
        here = unsafe_sub(market, 1)
        fund: int256 = words.field(reader.one(work.HOUSE, words.MARKET | words.FUND | here), 0, 62)
        cap: int256 = words.field(reader.one(work.HOUSE, words.MARKET | words.POOL | here), amm.CLAIM_CAP, 54)
        paid = max(0, min(due, min(fund, unsafe_sub(cap, claimed))))
        if paid > 0:
            extcall IClearingHouse(work.HOUSE).claim(here, w.bucket, paid, False)
    else:
        paid = extcall ILending(LENDING).cover(w.bucket, due)
    if due > paid:
        shared: bool = market != 0 and (w.policy >> margin.SOCIALISE) & 1 == 1
        extcall IClearingHouse(work.HOUSE).absorb(here, w.bucket, unsafe_sub(due, paid), shared)


# ---------------------------------------------------------------------
# The stages
# ---------------------------------------------------------------------

@internal
def _close(w: work.Work) -> (uint256, Closed):
    """@notice Closes some of a bucket by the first stage that can: FILLED, why it waits, or WITH_OTHERS."""
    after: Closed = empty(Closed)
    low: bool = closing.is_below_share(w.policy, w.equity, w.maintenance)
    vault_first: bool = low and w.equity >= 0
    done: bool = False
    if vault_first:
        done, after = self._give_to_vault(w)
        if done:
            return waits.FILLED, after
    why: uint256 = waits.FILLED
    at: uint256 = 0
    why, at, after = self._close_on_pool(w)
    if why == waits.FILLED or w.equity >= w.maintenance:
        return why, after
    held_up: bool = why != waits.NO_LIQUIDITY and w.equity > 0
    if held_up and not low and (why != waits.AT_GATE or work.is_patient(w, at)):
        return why, after
    if not vault_first:
        done, after = self._give_to_vault(w)
        if done:
            return waits.FILLED, after
    if held_up and work.is_patient(w, at):
        return why, after
    return waits.WITH_OTHERS, after


@internal
def _close_on_pool(w: work.Work) -> (uint256, uint256, Closed):
    """@notice Stage 2: the first position of which something fills. Else the first reason that time can remove."""
    why: uint256 = waits.NO_LIQUIDITY
    at: uint256 = 0
    i: uint256 = w.first
    tried: uint256 = w.past
    after: Closed = empty(Closed)
    for _: uint256 in range(16):
        reason: uint256 = waits.FILLED
        reason, after = self._close_one(w, i)
        if reason == waits.FILLED:
            return waits.FILLED, work.market(w.head, i), after
        if why == waits.NO_LIQUIDITY:
            why = reason
            at = work.market(w.head, i)
        i, tried = work.next(w, tried)
        if i == 16:
            break
    return why, at, after


@internal
def _close_one(w: work.Work, i: uint256) -> (uint256, Closed):
    """@notice Sends a position, or the part of it that the venue's mode asks for, to the pool."""
    market: uint256 = work.market(w.head, i)
    position: uint256 = w.positions[i]
    p: IPoolClose.Plan = staticcall IPoolClose(POOL_CLOSE).plan(
        IPoolClose.Asked(
            bucket=w.bucket,
            market=market,
            position=position,
            equity=w.equity,
            maintenance=w.maintenance,
            others=unsafe_sub(w.total, w.numerators[i]),
            steps=w.steps,
            time=w.time,
        )
    )
    if p.why != waits.FILLED:
        return p.why, empty(Closed)
    held: int256 = words.signed64(position, 0)
    size: int256 = unsafe_sub(0, p.filled) if held > 0 else p.filled
    extcall IClearingHouse(work.HOUSE).hand_over(w.bucket, words.pool_of(market, words.AMM), market, size, p.price)
    if p.fee > 0:
        extcall IClearingHouse(work.HOUSE).claim(market, w.bucket, unsafe_sub(0, p.fee), False)
        self._reward(w.bucket, market, min(p.fee, words.field(w.steps, 108, 54)))
    self._put(words.MARKET | words.FORCED | market, ~convert(0, uint256) << closing.START, p.capacity)
    log LiquidationFill(
        bucket=w.bucket,
        market=market,
        sought=p.sought,
        bankruptcy=p.bankruptcy,
        size=size,
        amount=unsafe_mul(p.filled, p.price),
        fee=p.fee,
        equity=w.equity,
        maintenance=w.maintenance,
    )
    after: Closed = empty(Closed)
    after.equity = p.equity
    after.maintenance = p.maintenance
    after.time = w.now
    after.claimed = words.field(position, 202, 54)
    if size == unsafe_sub(0, held):
        after.emptied = unsafe_add(market, 1)
    return waits.FILLED, after


@internal
def _reward(bucket: uint256, market: uint256, amount: int256):
    """@notice A share of the fee goes to who has called, if it has an account that is not the bucket's."""
    keeper: uint256 = convert(msg.sender, uint256)
    if amount == 0 or bucket & words.OWNER_MASK == keeper:
        return
    if reader.one(work.HOUSE, words.BUCKET | keeper) != 0:
        extcall IClearingHouse(work.HOUSE).claim(market, keeper, amount, False)


@internal
def _give_to_vault(w: work.Work) -> (bool, Closed):
    """@notice Stage 3: whether the vault of a position's market takes something of it."""
    i: uint256 = w.first
    tried: uint256 = w.past
    for _: uint256 in range(16):
        c: closing.Close = empty(closing.Close)
        q: reader.Quoted = empty(reader.Quoted)
        c, q = work.to_close(w, i)
        lots: int256 = work.vault_lots(w, c, q)
        if lots > 0:
            return True, self._hand_to_vault(w, c, lots)
        i, tried = work.next(w, tried)
        if i == 16:
            break
    return False, empty(Closed)


@internal
def _hand_to_vault(w: work.Work, c: closing.Close, lots: int256) -> Closed:
    vault: uint256 = words.pool_of(c.market, words.BACKSTOP)
    price: int256 = work.vault_price(c, lots)
    deficit: int256 = closing.deficit_of(c, lots)
    if deficit > 0:
        extcall IClearingHouse(work.HOUSE).claim(c.market, w.bucket, deficit, True)
    extcall IClearingHouse(work.HOUSE).hand_over(w.bucket, vault, c.market, unsafe_mul(c.side, lots), price)
    left: int256 = unsafe_sub(c.equity, closing.slippage(c, lots, unsafe_mul(lots, price)))
    log BackstopTook(
        bucket=w.bucket, market=c.market, size=unsafe_mul(c.side, lots), price=price, equity=c.equity, maintenance=c.maintenance
    )
    return Closed(
        equity=unsafe_add(left, deficit),
        maintenance=closing.maintenance_after(c, lots),
        time=w.time,
        emptied=unsafe_add(c.market, 1) if lots == c.held else 0,
        claimed=unsafe_add(c.claimed, deficit),
    )
