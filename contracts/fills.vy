# pragma version 0.4.3
"""
@title Fills between two buckets, each by its margin: src/seawall/book/matching.py
@license Apache-2.0
@notice Check all, then change all: a code other than 0 has changed nothing. What a market lets in (gates.vy) has been
        asked before.
"""

import amm
import code
import isolated
import ledger
import limits
import margin
import units
import words

uses: ledger
uses: isolated

event Filled:
    taker: indexed(uint256)
    maker: indexed(uint256)
    detail: uint256  # market, lots << 8 (biased, signed for the taker), price << 72, taker's fee << 113, maker's << 175 (biased)


@internal
@pure
def detail_of(market: uint256, size: int256, price: int256, fee: int256, maker_fee: int256) -> uint256:
    lots: uint256 = convert(unsafe_add(size, words.BIAS), uint256) << 8
    fees: uint256 = (convert(fee, uint256) << 113) | (convert(unsafe_add(maker_fee, words.BIAS), uint256) << 175)
    return market | lots | (convert(price, uint256) << 72) | fees


@internal
@pure
def fees_of(caps: uint256, notional: int256) -> (int256, int256):
    """@notice (taker's fee, maker's fee); a negative one is a rebate out of the taker's fee."""
    taker: int256 = units.rate_up(notional, words.field(caps, amm.TAKER_FEE, 17))
    rate: int256 = unsafe_sub(words.field(caps, amm.MAKER_FEE, 18), 2**17)
    if rate >= 0:
        return taker, units.rate_up(notional, rate)
    return taker, unsafe_sub(0, min(taker, units.rate_down(notional, unsafe_sub(0, rate))))


@internal
@view
def is_over_position_cap(caps: uint256, p: isolated.Party, market: uint256, side: int256, grown: int256) -> bool:
    """@notice Whether linked accounts would together hold more than the cap on this side, after `grown` lots more."""
    if grown <= 0:
        return False
    most: int256 = limits.NOTIONAL_MAX // words.field(caps, amm.PRICE_MAX, 41)
    others: uint256 = (127 << words.ISOLATED_SHIFT) | (15 << words.SUBS_SHIFT)
    total: int256 = max(0, unsafe_mul(side, p.held))
    if p.bucket != p.account or p.account > words.OWNER_MASK or p.head & others != 0:
        total = isolated.held_by_linked(p.account, market, side)
    return unsafe_add(total, grown) > min(words.field(caps, amm.POSITION_CAP, 54), most)


@internal
@pure
def direction_fault(head: uint256, held: int256, side: int256, lots: int256, reduces: bool) -> uint256:
    """@notice Reduce-only never increases or flips; a bucket in liquidation takes no new risk."""
    if reduces:
        return code.REDUCE_ONLY if unsafe_mul(unsafe_sub(0, side), held) < lots else 0
    return code.BEING_LIQUIDATED if head & words.LIQUIDATING != 0 else 0


@internal
@view
def margin_fault(
    p: isolated.Party, market: uint256, size: int256, cost: int256, fee: int256, leverage: int256, grown: int256
) -> (uint256, int256):
    """
    @notice (0, cash that an isolated bucket must get from cross) when the party may trade; else the code why not.
    @param leverage What its position is measured with; 0 keeps the one it has.
    """
    after: margin.Health = ledger.measure_after(p.bucket, p.head, market, size, cost, fee, leverage, grown)
    need: int256 = 0
    if after.equity_initial < after.initial:
        before: margin.Health = ledger.measure_after(p.bucket, p.head, market, 0, 0, 0, leverage, 0)
        if not margin.accepts(before, after):
            if p.bucket == p.account:
                return code.INITIAL_MARGIN, 0
            need = unsafe_sub(after.initial, after.equity_initial)
            why: uint256 = isolated.room(p, need)
            if why != 0:
                return why, 0
    if p.position == 0 and words.count_of(p.head) >= limits.POSITIONS:
        return code.POSITIONS_FULL, 0
    if not ledger.cash_fits(p.head, unsafe_sub(unsafe_sub(need, cost), fee)):
        return code.CASH_BOUND, 0
    return 0, need


@internal
def fill(
    market: uint256,
    taker_account: uint256,
    maker_account: uint256,
    side: int256,
    lots: int256,
    price: int256,
    taker_reduces: bool,
    maker_reduces: bool,
) -> uint256:
    """
    @notice Trades `lots` at `price` between an account and another, or a pool; `side` is the taker's. What a pool's
            cash and margin allow the Exchange has asked, with the price; of one that does not bear the fill,
            `maker_reduces` says so.
    """
    word: uint256 = ledger.word[words.MARKET | words.PRICE | market]
    risk: uint256 = ledger.word[words.MARKET | words.RISK | market]
    caps: uint256 = ledger.word[words.MARKET | words.CAPS | market]
    taker: isolated.Party = isolated.party_of(taker_account, market, word, risk)
    maker: isolated.Party = isolated.party_of(maker_account, market, word, risk)
    is_pool: bool = words.is_pool(maker_account)
    if taker.head == 0 or maker.head == 0:
        return code.UNKNOWN_ACCOUNT
    why: uint256 = self.direction_fault(taker.head, taker.held, side, lots, taker_reduces)
    if why == 0 and (taker_account ^ maker_account) & words.OWNER_MASK == 0:
        why = code.SELF_TRADE
    if why == 0 and not is_pool:
        why = self.direction_fault(maker.head, maker.held, unsafe_sub(0, side), lots, maker_reduces)
        if maker.head & words.LIQUIDATING != 0:
            why = code.BEING_LIQUIDATED
    taker_grows: int256 = units.growth(unsafe_mul(side, taker.held), lots)
    maker_falls: int256 = min(lots, max(0, unsafe_mul(side, maker.held)))
    grown: int256 = unsafe_sub(taker_grows, maker_falls)
    if why == 0 and grown > 0 and unsafe_add(words.field(risk, 0, 54), grown) > words.field(caps, 0, 54):
        why = code.OPEN_INTEREST_CAP
    if why == 0 and not taker_reduces and self.is_over_position_cap(caps, taker, market, side, taker_grows):
        why = code.POSITION_CAP
    if why != 0:
        return why
    size: int256 = unsafe_mul(side, lots)
    cost: int256 = unsafe_mul(size, price)
    fee: int256 = 0
    maker_fee: int256 = 0
    fee, maker_fee = self.fees_of(caps, unsafe_mul(lots, price))
    if is_pool:
        maker_fee = 0
    need: int256 = 0
    most: int256 = min(taker.leverage, margin.leverage_cap(word, risk, taker.bucket != taker_account))
    why, need = self.margin_fault(taker, market, size, cost, fee, most, grown)
    if why != 0:
        return why
    if not is_pool and not maker_reduces:
        grows: int256 = unsafe_sub(lots, maker_falls)
        if self.is_over_position_cap(caps, maker, market, unsafe_sub(0, side), grows):
            return code.POSITION_CAP
    maker_need: int256 = 0
    if is_pool:
        if maker_reduces:
            return code.NO_LIQUIDITY
    else:
        used: int256 = maker.leverage if maker.position == 0 else 0
        why, maker_need = self.margin_fault(
            maker, market, unsafe_sub(0, size), unsafe_sub(0, cost), maker_fee, used, grown
        )
        if why != 0:
            return why
    open: int256 = 0
    entries: int256 = 0
    open, entries = self.settle_side(taker, market, word, size, cost, fee, need)
    more: int256 = 0
    others: int256 = 0
    more, others = self.settle_side(maker, market, word, unsafe_sub(0, size), unsafe_sub(0, cost), maker_fee, maker_need)
    ledger.post(market, unsafe_add(open, more), unsafe_add(entries, others), unsafe_add(fee, maker_fee))
    log Filled(
        taker=taker.bucket, maker=maker.bucket, detail=self.detail_of(market, size, price, fee, maker_fee)
    )
    return 0


@internal
def settle_side(
    p: isolated.Party, market: uint256, price_word: uint256, size: int256, cost: int256, fee: int256, need: int256
) -> (int256, int256):
    """@notice One side of a fill: the bucket made and fed when it is isolated, traded, stored or given back."""
    head: uint256 = p.head
    if words.kind_of(head) == limits.ISOLATED:
        head = isolated.prepare(p.account, p.bucket, need)
    open: int256 = 0
    entries: int256 = 0
    head, open, entries = ledger.trade(p.bucket, head, market, price_word, size, cost, fee, p.leverage)
    if words.kind_of(head) != limits.ISOLATED or not isolated.release(p.bucket, head):
        ledger.store(p.bucket, head)
    return open, entries
