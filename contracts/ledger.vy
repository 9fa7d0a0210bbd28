# pragma version 0.4.3
"""
@title The words of the margin system and the only writers of positions and cash: src/seawall/ledger
@license Apache-2.0
@notice One mapping holds everything (words.vy says where). A function that changes a bucket takes its word `head` and
        returns the new one; who called it stores it once.
"""

import limits
import margin
import units
import words

# the word FUND of a market: insurance, fees, sum of signed entries, residue of funding, time of the breaker (s)
FEES_SHIFT: constant(uint256) = 62
ENTRY_SHIFT: constant(uint256) = 124
RESIDUE_SHIFT: constant(uint256) = 196
BREAKER_TIME: constant(uint256) = 216
ENTRY_BIAS: constant(int256) = 2**71
FEES_STEP: constant(int256) = 2**62
ENTRY_STEP: constant(int256) = 2**124
M62: constant(uint256) = 2**62 - 1
M72: constant(uint256) = 2**72 - 1
M20: constant(uint256) = 2**20 - 1

# the word MONEY of the venue: vault, pending withdrawals, dust, bad debt
PENDING_SHIFT: constant(uint256) = 64
DUST_SHIFT: constant(uint256) = 128
DEBT_SHIFT: constant(uint256) = 192

# the word SHORT of a market: advanced profit, loss to be shared out, shares of its two pools
SHORT_SHIFT: constant(uint256) = 64
SHARES_SHIFT: constant(uint256) = 128

NO_MARKET: constant(uint256) = max_value(uint256)

# collateral and portfolio margin of the few buckets that have them: values for initial margin and for maintenance, and
# the requirements that replace the tiers' (-1: they do not)
interface Appraiser:
    def appraise(bucket: uint256, head: uint256, market: uint256, size: int256) -> (int256, int256, int256, int256): view

# USD that such buckets borrow, and its interest
interface Lending:
    def note(bucket: uint256, cash: int256, charges: bool) -> int256: nonpayable
    def may_leave(bucket: uint256, room: int256) -> int256: view

APPRAISER: immutable(address)
LENDING: immutable(address)
HOLDS: constant(uint256) = 255 << words.ASSETS_SHIFT  # collateral other than USD
SPECIAL: constant(uint256) = words.PORTFOLIO | HOLDS

event FundingPaid:
    bucket: indexed(uint256)
    market: uint256
    amount: int256


word: HashMap[uint256, uint256]


@deploy
def __init__(appraiser: address, lending: address):
    APPRAISER = appraiser
    LENDING = lending


@internal
@view
def now() -> uint256:
    return block.timestamp * 1000


@internal
@view
def tier_at(market: uint256, price_word: uint256, notional: int256) -> uint256:
    """@notice The tier of a notional in a market."""
    tier: uint256 = margin.first_tier(price_word)
    if margin.holds(tier, notional):
        return tier
    for k: uint256 in range(1, limits.TIERS):
        tier = self.word[words.TIER | (k << 8) | market]
        if margin.holds(tier, notional):
            break
    return tier


@internal
@view
def measure(bucket: uint256, head: uint256) -> margin.Health:
    return self.measure_after(bucket, head, NO_MARKET, 0, 0, 0, 0, 0)


@internal
@view
def measure_after(
    bucket: uint256, head: uint256, market: uint256, size: int256, cost: int256, fee: int256, leverage: int256, grown: int256
) -> margin.Health:
    """
    @notice Health after a change in one market: signed `size` bought for `cost` plus `fee`.
    @param leverage Of a new position; of one that exists, the leverage it would have (0 keeps it).
    @param grown Lots by which the change raises the market's open interest.
    """
    policy: uint256 = self.word[words.VENUE | words.POLICY]
    h: margin.Health = empty(margin.Health)
    h.equity = unsafe_sub(unsafe_sub(unsafe_sub(convert(head & words.M64, int256), words.BIAS), cost), fee)
    total: int256 = 0  # of maintenance numerators
    initials: int256 = 0
    weighted: int256 = 0
    count: uint256 = words.count_of(head)
    places: uint256 = head >> words.LIST_SHIFT
    is_new: bool = market != NO_MARKET
    for i: uint256 in range(limits.POSITIONS + 1):
        here: uint256 = market
        held: int256 = 0
        entry: int256 = 0
        most: int256 = leverage
        price_word: uint256 = 0
        if i < count:
            here = places & 255
            places = places >> 8
            p: uint256 = self.word[words.POSITION | (here << words.MARKET_SHIFT) | bucket]
            price_word = self.word[words.MARKET | words.PRICE | here]
            held = unsafe_sub(convert(p & words.M64, int256), words.BIAS)
            entry = unsafe_sub(convert((p >> 64) & words.M64, int256), words.BIAS)
            if (p >> 128) & words.M64 != (price_word >> margin.INDEX_SHIFT) & words.M64:
                step: int256 = unsafe_sub(margin.index_of(price_word), words.signed64(p, 128))
                h.equity = unsafe_add(h.equity, units.funding_of(held, step)[0])
            if here != market or leverage == 0:
                most = convert((p >> 192) & margin.M10, int256)
        elif is_new:
            price_word = self.word[words.MARKET | words.PRICE | here]
        else:
            break
        more: int256 = 0
        if here == market:
            is_new = False
            more = grown
            if size != 0:
                entry = units.entry_after(held, entry, size, cost)
                held = unsafe_add(held, size)
        price: int256 = convert(price_word & margin.M41, int256)
        value: int256 = unsafe_mul(held, price)
        notional: int256 = units.magnitude(value)
        h.equity = unsafe_add(h.equity, value)
        if value > entry:
            profit: int256 = unsafe_sub(value, entry)
            h.profit = unsafe_add(h.profit, profit)
            weighted = unsafe_add(weighted, margin.weighted_profit(policy, profit))
        if notional != 0:
            h.notional = unsafe_add(h.notional, notional)
            tier: uint256 = self.tier_at(here, price_word, notional)
            total = unsafe_add(total, margin.numerator(tier, notional))
            risk: uint256 = self.word[words.MARKET | words.RISK | here]
            live: int256 = margin.live_rate(risk, price, more)
            initials = unsafe_add(initials, margin.initial_in(tier, risk, notional, most, live))
    h.maintenance = units.ceil_div(total, limits.RATE_ONE)
    h.equity_initial = unsafe_sub(h.equity, h.profit)
    h.profit = margin.counted_profit(policy, weighted)
    h.equity_initial = unsafe_add(h.equity_initial, h.profit)
    if head & SPECIAL != 0:
        worth: int256 = 0
        worth_maintenance: int256 = 0
        required: int256 = 0
        required_initial: int256 = 0
        worth, worth_maintenance, required, required_initial = staticcall Appraiser(APPRAISER).appraise(
            bucket, head, market, size
        )
        h.equity = unsafe_add(h.equity, worth_maintenance)
        h.equity_initial = unsafe_add(h.equity_initial, worth)
        if required >= 0:
            h.maintenance = required
            initials = required_initial
    h.initial = max(initials, margin.end_of(policy, h.maintenance))
    return h


@internal
def settle_position(bucket: uint256, market: uint256, p: uint256, price_word: uint256) -> (uint256, int256):
    """@notice Brings one position's funding index up to date; returns its word and what its bucket is paid."""
    index: int256 = margin.index_of(price_word)
    step: int256 = unsafe_sub(index, words.signed64(p, 128))
    if step == 0:
        return p, 0
    paid: int256 = 0
    left: int256 = 0
    paid, left = units.funding_of(words.signed64(p, 0), step)
    if left != 0:
        self.keep_residue(market, left)
    if paid != 0:
        log FundingPaid(bucket=bucket, market=market, amount=paid)
    return words.with_signed64(p, 128, index), paid


@internal
def keep_residue(market: uint256, left: int256):
    """@notice What a floor of funding leaves goes to the venue's dust, whole micro-USD at a time."""
    fund: uint256 = self.word[words.MARKET | words.FUND | market]
    residue: int256 = unsafe_add(words.field(fund, RESIDUE_SHIFT, 20), left)
    whole: int256 = unsafe_div(residue, limits.FUNDING_INDEX_PER_MICRO)
    rest: int256 = unsafe_sub(residue, unsafe_mul(whole, limits.FUNDING_INDEX_PER_MICRO))
    self.word[words.MARKET | words.FUND | market] = words.with_field(fund, RESIDUE_SHIFT, 20, rest)
    if whole != 0:
        money: uint256 = self.word[words.VENUE | words.MONEY]
        dust: int256 = unsafe_add(words.signed64(money, DUST_SHIFT), whole)
        self.word[words.VENUE | words.MONEY] = words.with_signed64(money, DUST_SHIFT, dust)


@internal
def settle(bucket: uint256, head: uint256) -> uint256:
    """@notice Settles every position of a bucket."""
    places: uint256 = head >> words.LIST_SHIFT
    raw: int256 = words.signed64(head, 0)
    for _: uint256 in range(words.count_of(head), bound=16):
        here: uint256 = places & 255
        places = places >> 8
        key: uint256 = words.position_key(bucket, here)
        p: uint256 = self.word[key]
        q: uint256 = 0
        paid: int256 = 0
        q, paid = self.settle_position(bucket, here, p, self.word[words.MARKET | words.PRICE | here])
        if q != p:
            self.word[key] = q
            raw = unsafe_add(raw, paid)
    return words.with_signed64(head, 0, raw)


@internal
@view
def pending_funding(bucket: uint256, head: uint256) -> int256:
    places: uint256 = head >> words.LIST_SHIFT
    total: int256 = 0
    for _: uint256 in range(words.count_of(head), bound=16):
        here: uint256 = places & 255
        places = places >> 8
        p: uint256 = self.word[words.position_key(bucket, here)]
        index: int256 = margin.index_of(self.word[words.MARKET | words.PRICE | here])
        paid: int256 = units.funding_of(words.signed64(p, 0), unsafe_sub(index, words.signed64(p, 128)))[0]
        total = unsafe_add(total, paid)
    return total


@internal
@view
def cash_of(bucket: uint256, head: uint256) -> int256:
    """@notice USD without unrealised pnl: raw_usd plus the entry notional of every position."""
    places: uint256 = head >> words.LIST_SHIFT
    total: int256 = words.signed64(head, 0)
    for _: uint256 in range(words.count_of(head), bound=16):
        total = unsafe_add(total, words.signed64(self.word[words.position_key(bucket, places & 255)], 64))
        places = places >> 8
    return total


@internal
def set_advanced(bucket: uint256, market: uint256, old: int256, amount: int256):
    """@notice The one writer of advances and of their sum in a market."""
    if amount == old:
        return
    self.word[words.advance_key(bucket, market)] = convert(amount, uint256)
    key: uint256 = words.MARKET | words.SHORT | market
    short: uint256 = self.word[key]
    self.word[key] = words.with_field(short, 0, 64, unsafe_sub(unsafe_add(words.field(short, 0, 64), amount), old))


@internal
def repay(bucket: uint256, head: uint256) -> uint256:
    """@notice Cash has come in: advances fall to what the bucket still owes (SPEC section 4)."""
    if head & words.ADVANCED == 0:
        return head
    owed: int256 = max(0, unsafe_sub(0, self.cash_of(bucket, head)))
    places: uint256 = head >> words.LIST_SHIFT
    total: int256 = 0
    for _: uint256 in range(words.count_of(head), bound=16):
        here: uint256 = places & 255
        places = places >> 8
        old: int256 = convert(self.word[words.advance_key(bucket, here)], int256)
        kept: int256 = min(owed, old)
        self.set_advanced(bucket, here, old, kept)
        owed = unsafe_sub(owed, kept)
        total = unsafe_add(total, kept)
    return head if total != 0 else head & ~words.ADVANCED


@internal
@view
def payable_of(market: uint256, p: uint256, advanced: int256) -> int256:
    """@notice How much of a position's unrealised profit may be outside its bucket in all."""
    price: int256 = convert(self.word[words.MARKET | words.PRICE | market] & margin.M41, int256)
    profit: int256 = unsafe_sub(unsafe_mul(words.signed64(p, 0), price), words.signed64(p, 64))
    if profit <= 0:
        return 0
    fund: uint256 = self.word[words.MARKET | words.FUND | market]
    owing: int256 = unsafe_sub(ENTRY_BIAS, words.field(fund, ENTRY_SHIFT, 72))
    pool: int256 = unsafe_add(max(0, owing), words.field(fund, 0, 62))
    others: int256 = unsafe_sub(words.field(self.word[words.MARKET | words.SHORT | market], 0, 64), advanced)
    return min(profit, max(0, unsafe_sub(pool, others)))


@internal
@view
def payable_in(bucket: uint256, head: uint256, but: uint256) -> int256:
    """@notice What of the bucket's unrealised profit may be outside it, that of market `but` apart."""
    places: uint256 = head >> words.LIST_SHIFT
    total: int256 = 0
    for _: uint256 in range(words.count_of(head), bound=16):
        here: uint256 = places & 255
        places = places >> 8
        if here != but:
            advanced: int256 = convert(self.word[words.advance_key(bucket, here)], int256)
            part: int256 = self.payable_of(here, self.word[words.position_key(bucket, here)], advanced)
            total = unsafe_add(total, part)
    return total


@internal
def note_advance(bucket: uint256, head: uint256) -> uint256:
    """@notice Counts what a bucket has taken beyond its cash as advances of the positions that can pay for it."""
    owed: int256 = max(0, unsafe_sub(0, self.cash_of(bucket, head)))
    if owed == 0 and head & words.ADVANCED == 0:
        return head
    places: uint256 = head >> words.LIST_SHIFT
    total: int256 = 0
    for _: uint256 in range(words.count_of(head), bound=16):
        here: uint256 = places & 255
        places = places >> 8
        old: int256 = convert(self.word[words.advance_key(bucket, here)], int256)
        part: int256 = min(owed, self.payable_of(here, self.word[words.position_key(bucket, here)], old))
        self.set_advanced(bucket, here, old, part)
        owed = unsafe_sub(owed, part)
        total = unsafe_add(total, part)
    return head | words.ADVANCED if total != 0 else head & ~words.ADVANCED


@internal
@view
def has_stale_price(head: uint256) -> bool:
    """@notice Whether the bucket holds a position in a market without a fresh price."""
    places: uint256 = head >> words.LIST_SHIFT
    for _: uint256 in range(words.count_of(head), bound=16):
        here: uint256 = places & 255
        places = places >> 8
        price_word: uint256 = self.word[words.MARKET | words.PRICE | here]
        if not margin.is_fresh(price_word, self.word[words.MARKET | words.RISK | here], self.now()):
            return True
    return False


@internal
@view
def may_leave(bucket: uint256, head: uint256) -> int256:
    """@notice USD that may leave the bucket now. Rounds down, never negative; 0 while a price it rests on is stale."""
    if self.has_stale_price(head):
        return 0
    h: margin.Health = self.measure(bucket, head)
    unpaid: int256 = 0
    if h.profit > 0:
        unpaid = max(0, unsafe_sub(h.profit, self.payable_in(bucket, head, NO_MARKET)))
    share: int256 = words.field(self.word[words.VENUE | words.POLICY], margin.FLOOR_SHARE, 24)
    least: int256 = units.rate_up(h.notional, share)
    room: int256 = max(0, unsafe_sub(unsafe_sub(h.equity_initial, unpaid), max(h.initial, least)))
    if room == 0 or head & HOLDS == 0:
        return room
    return staticcall Lending(LENDING).may_leave(bucket, room)


@internal
def add_cash(bucket: uint256, head: uint256, amount: int256) -> uint256:
    """@notice Credits (negative: debits) a bucket. Cash that comes in pays advances back."""
    after: uint256 = words.with_signed64(head, 0, unsafe_add(words.signed64(head, 0), amount))
    return self.repay(bucket, after) if amount > 0 else after


@internal
def pay(bucket: uint256, amount: int256):
    """@notice Credits (negative: debits) a bucket and writes it."""
    self.store(bucket, self.add_cash(bucket, self.word[words.BUCKET | bucket], amount))


@internal
@pure
def cash_fits(head: uint256, amount: int256) -> bool:
    return units.magnitude(unsafe_add(words.signed64(head, 0), amount)) <= limits.RAW_USD_MAX


@internal
def borrow(bucket: uint256, head: uint256, charges: bool) -> uint256:
    """@notice Who holds collateral and is short of cash borrows that; when it is charged, its interest is paid."""
    if head & HOLDS == 0:
        return head
    due: int256 = extcall Lending(LENDING).note(bucket, self.cash_of(bucket, head), charges)
    return words.moved(head, unsafe_sub(0, due))


@internal
def leave(bucket: uint256, head: uint256, amount: int256) -> uint256:
    """@notice Takes `amount`, at most `may_leave`, out of a bucket. Where it goes is the caller's to write."""
    after: uint256 = self.borrow(bucket, self.settle(bucket, head), True)
    after = self.add_cash(bucket, after, unsafe_sub(0, amount))
    return self.note_advance(bucket, after)


@internal
def trade(
    bucket: uint256, head: uint256, market: uint256, price_word: uint256, size: int256, cost: int256, fee: int256, leverage: int256
) -> (uint256, int256, int256):
    """
    @notice A fill of signed `size` lots for `cost`, the position settled before.
    @param leverage Of a position that is new.
    @return The bucket's word, and by how much open interest and the market's sum of entries change.
    """
    key: uint256 = words.POSITION | (market << words.MARKET_SHIFT) | bucket
    p: uint256 = self.word[key]
    after: uint256 = head
    paid: int256 = 0
    old: int256 = 0
    entry: int256 = 0
    if p == 0:
        p = words.new_position(price_word, leverage)
        after = words.list_with(after, market)
    else:
        if (p >> 128) & words.M64 != (price_word >> margin.INDEX_SHIFT) & words.M64:
            p, paid = self.settle_position(bucket, market, p, price_word)
        old = unsafe_sub(convert(p & words.M64, int256), words.BIAS)
        entry = unsafe_sub(convert((p >> 64) & words.M64, int256), words.BIAS)
    grown: int256 = unsafe_sub(units.entry_after(old, entry, size, cost), entry)
    after = words.moved(after, unsafe_sub(unsafe_sub(paid, cost), fee))
    assert units.magnitude(words.signed64(after, 0)) <= 2**62
    now: int256 = unsafe_add(old, size)
    if now == 0:
        if after & words.ADVANCED != 0:
            self.set_advanced(bucket, market, convert(self.word[words.advance_key(bucket, market)], int256), 0)
        self.word[key] = 0
        after = words.list_without(after, market)
    else:
        self.word[key] = words.moved(p, unsafe_add(size, unsafe_mul(grown, words.STEP_64)))
    if after & words.ADVANCED != 0:
        after = self.repay(bucket, after)
    return after, unsafe_sub(max(now, 0), max(old, 0)), grown


@internal
def post(market: uint256, open: int256, entries: int256, fees: int256):
    """@notice Adds to a market's open interest, sum of entries and fees."""
    key: uint256 = words.MARKET | market
    if open != 0:
        self.word[key | words.RISK] = words.moved(self.word[key | words.RISK], open)
    if entries != 0 or fees != 0:
        by: int256 = unsafe_add(unsafe_mul(fees, FEES_STEP), unsafe_mul(entries, ENTRY_STEP))
        self.word[key | words.FUND] = words.moved(self.word[key | words.FUND], by)


@internal
def store(bucket: uint256, head: uint256):
    """@notice Writes a bucket, the block in which it changed, and what it borrows."""
    if head & HOLDS != 0:
        self.borrow(bucket, head, False)
    kept: uint256 = head & ((1 << words.TOUCHED_SHIFT) - 1)
    self.word[words.BUCKET | bucket] = kept | (block.number << words.TOUCHED_SHIFT)
