# pragma version 0.4.3
"""
@title Isolated buckets: which one an order goes to, and how one is made, fed and given back
@license Apache-2.0
@notice src/seawall/ledger/isolated.py. An account has at most one isolated bucket a market, whose id follows from both.
"""

import code
import isolated_words
import ledger
import limits
import margin
import units
import words

uses: ledger

event CashMoved:
    giver: indexed(uint256)
    taker: indexed(uint256)
    amount: int256


# an account in a market: the bucket its orders go to, what it holds, and the leverage it has there
struct Party:
    account: uint256
    bucket: uint256
    head: uint256  # of the bucket; of one that is not made yet, empty
    is_made: bool
    position: uint256
    held: int256
    leverage: int256


@internal
@view
def party_of(account: uint256, market: uint256, price_word: uint256, risk: uint256) -> Party:
    """@notice An isolated bucket of the market if there is one, else cross if it has a position there, else as set."""
    p: Party = empty(Party)
    p.account = account
    p.bucket = account
    cross: uint256 = ledger.word[words.BUCKET | account]
    p.head = cross
    p.is_made = True
    if (cross >> words.ISOLATED_SHIFT) & 127 != 0:
        own: uint256 = words.isolated_of(account, market)
        head: uint256 = ledger.word[words.BUCKET | own]
        if head != 0:
            p.bucket = own
            p.head = head
    p.position = ledger.word[words.position_key(p.bucket, market)]
    if p.position != 0:
        p.held = words.signed64(p.position, 0)
        p.leverage = words.field(p.position, 192, 10)
        return p
    most: int256 = words.field(price_word, margin.LEVERAGE_SHIFT, 10)
    if words.is_pool(account):
        p.leverage = most
        return p
    setting: uint256 = 0
    if cross & words.HAS_SETTINGS != 0:
        setting = ledger.word[words.setting_key(account, market)]
    if p.bucket == account and p.head != 0 and setting & isolated_words.IS_ISOLATED != 0:
        p.bucket = words.isolated_of(account, market)
        p.head = words.ZERO_BUCKET | (limits.ISOLATED << words.KIND_SHIFT)
        p.is_made = False
    if p.bucket != account:
        most = min(most, words.field(risk, margin.ISOLATED_CAP_SHIFT, 10))
    chosen: int256 = words.field(setting, 0, 10)
    p.leverage = min(chosen if chosen > 0 else limits.LEVERAGE_DEFAULT, most)
    return p


@internal
@view
def room(p: Party, need: int256) -> uint256:
    """@notice 0 when the party's isolated bucket can be made and fed with `need` from cross, else the code why not."""
    cross: uint256 = ledger.word[words.BUCKET | p.account]
    if not p.is_made and (cross >> words.ISOLATED_SHIFT) & 127 >= limits.ISOLATED_PER_ACCOUNT:
        return code.BUCKETS_FULL
    if need > 0 and need > ledger.may_leave(p.account, cross):
        return code.INITIAL_MARGIN
    return 0


@internal
def prepare(account: uint256, bucket: uint256, need: int256) -> uint256:
    """@notice Makes the isolated bucket when it is new and moves `need` into it from cross; returns its word."""
    head: uint256 = ledger.word[words.BUCKET | bucket]
    if head != 0 and need == 0:
        return head
    cross: uint256 = ledger.word[words.BUCKET | account]
    if head == 0:
        head = words.ZERO_BUCKET | (limits.ISOLATED << words.KIND_SHIFT)
        market: uint256 = unsafe_sub(words.own_market(bucket), 1)
        ledger.word[words.ISOLATED | account] = ledger.word[words.ISOLATED | account] | (1 << market)
        cross = unsafe_add(cross, 1 << words.ISOLATED_SHIFT)
    if need > 0:
        cross = ledger.leave(account, cross, need)
        head = ledger.add_cash(bucket, head, need)
        log CashMoved(giver=account, taker=bucket, amount=need)
    ledger.store(account, cross)
    return head


@internal
def release(bucket: uint256, head: uint256) -> bool:
    """@notice Gives an empty isolated bucket back: its cash returns to cross. Says whether it did."""
    if words.kind_of(head) != limits.ISOLATED or words.count_of(head) != 0 or head & words.LIQUIDATING != 0:
        return False
    raw: int256 = words.signed64(head, 0)
    if raw < 0:
        return False
    account: uint256 = bucket & words.ACCOUNT_MASK
    market: uint256 = unsafe_sub(words.own_market(bucket), 1)
    ledger.word[words.BUCKET | bucket] = 0
    ledger.word[words.ISOLATED | account] = ledger.word[words.ISOLATED | account] & ~(1 << market)
    cross: uint256 = unsafe_sub(ledger.word[words.BUCKET | account], 1 << words.ISOLATED_SHIFT)
    if raw != 0:
        cross = ledger.add_cash(account, cross, raw)
        log CashMoved(giver=bucket, taker=account, amount=raw)
    ledger.store(account, cross)
    return True


@internal
@view
def held_on(bucket: uint256, market: uint256, side: int256) -> int256:
    p: uint256 = ledger.word[words.position_key(bucket, market)]
    return 0 if p == 0 else max(0, unsafe_mul(side, words.signed64(p, 0)))


@internal
@view
def held_by_linked(account: uint256, market: uint256, side: int256) -> int256:
    """@notice Lots that all accounts of one owner hold on a side, each bucket by itself, none netted."""
    master: uint256 = account & words.OWNER_MASK
    subs: uint256 = (ledger.word[words.BUCKET | master] >> words.SUBS_SHIFT) & 15
    total: int256 = 0
    for sub: uint256 in range(subs + 1, bound=16):
        one: uint256 = master | (sub << words.SUB_SHIFT)
        total = unsafe_add(total, self.held_on(one, market, side))
        total = unsafe_add(total, self.held_on(words.isolated_of(one, market), market, side))
    return total
