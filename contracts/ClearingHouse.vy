# pragma version 0.4.3
# pragma nonreentrancy on
# pragma optimize gas
"""
@title ClearingHouse: buckets, positions and cash of the margin system
@license Apache-2.0
@notice The one contract that writes positions and cash. Everything comes through modules, each with its own right and
        nothing more; they are named when it is deployed and there is no way to change them. It never holds a token,
        never calls anybody, and lets anybody read every word.
@custom:security Requests are refused with `Reject(code)`, the engine's number for the same request.
@custom:kill The guardian sets the venue's status to HALTED (RiskSteward): nothing trades, is liquidated or leaves.
"""

import code
import fills
import isolated
import ledger
import limits
import margin
import units
import words

initializes: ledger
initializes: isolated[ledger := ledger]
initializes: fills[ledger := ledger, isolated := isolated]


# ---------------------------------------------------------------------
# Immutables
# ---------------------------------------------------------------------

VAULT: public(immutable(address))
DESK: public(immutable(address))
EXCHANGE: public(immutable(address))
LIQUIDATION: public(immutable(address))
DELEVERAGING: public(immutable(address))
POOLS: public(immutable(address))
STEWARD: public(immutable(address))
HUB: public(immutable(address))
FUNDING: public(immutable(address))
APPRAISER: public(immutable(address))
LENDING: public(immutable(address))


# ---------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------

WORDS_MAX: constant(uint256) = 128

struct Modules:
    vault: address
    desk: address
    exchange: address
    liquidation: address
    deleveraging: address
    pools: address
    steward: address
    hub: address
    funding: address
    appraiser: address
    lending: address


struct Permit:
    module: address
    sort: uint256
    mask: uint256


# ---------------------------------------------------------------------
# Storage
# ---------------------------------------------------------------------

writable: public(HashMap[address, HashMap[uint256, uint256]])  # module -> sort of word -> bits that it may write


# ---------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------

event AccountOpened:
    account: indexed(uint256)

event Cash:
    bucket: indexed(uint256)
    amount: int256

event PositionMoved:
    giver: indexed(uint256)
    taker: indexed(uint256)
    market: uint256
    cash: int256

event Insurance:
    market: indexed(uint256)
    bucket: indexed(uint256)
    amount: int256

event DebtAbsorbed:
    market: indexed(uint256)
    bucket: indexed(uint256)
    amount: int256
    shared: bool

event ProfitCut:
    market: indexed(uint256)
    bucket: indexed(uint256)
    amount: int256
    entry: bool

event Put:
    key: indexed(uint256)
    word: uint256


# ---------------------------------------------------------------------
# Set-up
# ---------------------------------------------------------------------

@deploy
def __init__(modules: Modules, permits: DynArray[Permit, 32]):
    """
    @param permits Which bits of which sort of word a module may write by `put` (src/seawall/chain/permits.py says why).
    """
    VAULT = modules.vault
    DESK = modules.desk
    EXCHANGE = modules.exchange
    LIQUIDATION = modules.liquidation
    DELEVERAGING = modules.deleveraging
    POOLS = modules.pools
    STEWARD = modules.steward
    HUB = modules.hub
    FUNDING = modules.funding
    APPRAISER = modules.appraiser
    LENDING = modules.lending
    ledger.__init__(modules.appraiser, modules.lending)
    for permit: Permit in permits:
        self.writable[permit.module][permit.sort] = permit.mask
    ledger.word[words.VENUE | words.MONEY] = 2**63 << ledger.DUST_SHIFT


# ---------------------------------------------------------------------
# Views
# ---------------------------------------------------------------------

@external
@view
@reentrant
def words_of(keys: DynArray[uint256, WORDS_MAX]) -> DynArray[uint256, WORDS_MAX]:
    """@notice The words under these keys; docs/chain/layout.md says what is in each."""
    found: DynArray[uint256, WORDS_MAX] = []
    for key: uint256 in keys:
        found.append(ledger.word[key])
    return found


@external
@view
@reentrant
def word_of(key: uint256) -> uint256:
    """@notice The word under one key."""
    return ledger.word[key]


@external
@view
@reentrant
def quoted(market: uint256, pool: uint256) -> (uint256, uint256, uint256, uint256, uint256, uint256, uint256):
    """@notice A market's words PRICE, RISK, CAPS and POOL, the venue's policy, a pool's bucket and its position."""
    key: uint256 = words.MARKET | market
    return (
        ledger.word[key | words.PRICE],
        ledger.word[key | words.RISK],
        ledger.word[key | words.CAPS],
        ledger.word[key | words.POOL],
        ledger.word[words.VENUE | words.POLICY],
        ledger.word[words.BUCKET | pool],
        ledger.word[words.POSITION | (market << words.MARKET_SHIFT) | pool],
    )


@external
@view
@reentrant
def tier_at(market: uint256, notional: int256) -> uint256:
    """@notice The tier that holds a notional."""
    return ledger.tier_at(market, ledger.word[words.MARKET | words.PRICE | market], notional)


@external
@view
@reentrant
def health_after(
    bucket: uint256, market: uint256, size: int256, cost: int256, fee: int256, leverage: int256
) -> margin.Health:
    """
    @notice Health of a bucket after `size` lots of a market for `cost` plus `fee`, in micro-USD.
    @param market 2^256 - 1: as it is, less `fee`.
    @param leverage Of that market's position; 0 keeps what it has.
    """
    head: uint256 = ledger.word[words.BUCKET | bucket]
    if head == 0:
        head = words.ZERO_BUCKET
    return ledger.measure_after(bucket, head, market, size, cost, fee, leverage, 0)


@external
@view
@reentrant
def cash_of(bucket: uint256, but: uint256) -> (int256, int256, int256, int256):
    """@notice USD without unrealised pnl; funding not settled; profit that may be outside, a market apart; may leave."""
    head: uint256 = ledger.word[words.BUCKET | bucket]
    return (
        ledger.cash_of(bucket, head),
        ledger.pending_funding(bucket, head),
        ledger.payable_in(bucket, head, but),
        ledger.may_leave(bucket, head),
    )


@external
@view
@reentrant
def exit_fault(bucket: uint256, amount: int256) -> uint256:
    """@notice 0 when `amount` may leave the bucket, else why not."""
    return self._exit_fault(bucket, ledger.word[words.BUCKET | bucket], amount)


# ---------------------------------------------------------------------
# Anybody
# ---------------------------------------------------------------------

@external
def settle(bucket: uint256):
    """@notice Settles the funding of a bucket's positions: what is owed already is paid."""
    head: uint256 = ledger.word[words.BUCKET | bucket]
    if head == 0:
        code.refuse(code.UNKNOWN_ACCOUNT)
    ledger.store(bucket, ledger.settle(bucket, head))


# ---------------------------------------------------------------------
# Exchange
# ---------------------------------------------------------------------

@external
@reentrant
def fill(
    market: uint256,
    taker: uint256,
    maker: uint256,
    side: int256,
    lots: int256,
    price: int256,
    taker_reduces: bool,
    maker_reduces: bool,
) -> uint256:
    """
    @notice Trades between two accounts, or an account and the market's pool. 0, or the code why nothing changed. The
            only call that it makes is a view, before anything is written: it needs no lock.
    """
    self._only(msg.sender == EXCHANGE)
    return fills.fill(market, taker, maker, side, lots, price, taker_reduces, maker_reduces)


# ---------------------------------------------------------------------
# Vault, desk, pools
# ---------------------------------------------------------------------

@external
def open_account(account: uint256, kind: uint256):
    """@notice Makes an account's cross bucket, or a pool's."""
    self._only(msg.sender == VAULT or msg.sender == DESK or msg.sender == POOLS)
    if ledger.word[words.BUCKET | account] != 0:
        code.refuse(code.ACCOUNT_EXISTS)
    ledger.store(account, words.ZERO_BUCKET | (kind << words.KIND_SHIFT))
    log AccountOpened(account=account)


@external
def credit(bucket: uint256, amount: int256):
    """
    @notice Cash comes into a bucket; negative: it pays interest, or leaves a pool for who redeems its shares or for
            collateral that it buys.
    """
    allowed: bool = msg.sender == VAULT or msg.sender == DESK or msg.sender == POOLS
    allowed = (allowed and amount > 0) or ((msg.sender == POOLS or msg.sender == VAULT) and words.is_pool(bucket))
    self._only(allowed or msg.sender == LENDING)
    head: uint256 = ledger.word[words.BUCKET | bucket]
    if head == 0:
        code.refuse(code.UNKNOWN_ACCOUNT)
    if not ledger.cash_fits(head, amount):
        code.refuse(code.CASH_BOUND)
    ledger.store(bucket, ledger.add_cash(bucket, head, amount))
    log Cash(bucket=bucket, amount=amount)


@external
def exit(bucket: uint256, amount: int256):
    """@notice Cash leaves a bucket, by the margin rule and the profit rule: the only way out."""
    self._only(msg.sender == VAULT or msg.sender == DESK or msg.sender == POOLS)
    assert amount > 0
    head: uint256 = ledger.word[words.BUCKET | bucket]
    why: uint256 = self._exit_fault(bucket, head, amount)
    if why != 0:
        code.refuse(why)
    ledger.store(bucket, ledger.leave(bucket, head, amount))
    log Cash(bucket=bucket, amount=-amount)


@external
def feed(account: uint256, market: uint256, need: int256):
    """@notice Makes an account's isolated bucket when it is new and moves `need` there from cross, by the exit rules."""
    self._only(msg.sender == DESK or msg.sender == LIQUIDATION)
    own: uint256 = words.isolated_of(account, market)
    if need > 0 and need > ledger.may_leave(account, ledger.word[words.BUCKET | account]):
        code.refuse(code.INITIAL_MARGIN)
    ledger.store(own, isolated.prepare(account, own, need))


@external
def release(bucket: uint256):
    """@notice An isolated bucket that holds nothing returns its cash to cross."""
    self._only(msg.sender == DESK or msg.sender == LIQUIDATION or msg.sender == DELEVERAGING)
    isolated.release(bucket, ledger.word[words.BUCKET | bucket])


@external
def move_position(giver: uint256, taker: uint256, market: uint256, cash: int256):
    """@notice Moves a whole position with `cash` beside it; the health of both is the caller's to check."""
    self._only(msg.sender == DESK)
    source: uint256 = ledger.settle(giver, ledger.word[words.BUCKET | giver])
    target: uint256 = ledger.word[words.BUCKET | taker]
    p: uint256 = ledger.word[words.position_key(giver, market)]
    assert target != 0 and p != 0 and ledger.word[words.position_key(taker, market)] == 0
    advanced: uint256 = ledger.word[words.advance_key(giver, market)]
    raw: int256 = unsafe_sub(cash, words.signed64(p, 64))
    source = words.with_signed64(words.list_without(source, market), 0, unsafe_sub(words.signed64(source, 0), raw))
    target = words.with_signed64(words.list_with(target, market), 0, unsafe_add(words.signed64(target, 0), raw))
    ledger.word[words.position_key(giver, market)] = 0
    ledger.word[words.position_key(taker, market)] = p
    ledger.word[words.advance_key(giver, market)] = 0
    ledger.word[words.advance_key(taker, market)] = advanced
    if advanced != 0:
        target = target | words.ADVANCED
    ledger.store(taker, ledger.repay(taker, target))
    ledger.store(giver, ledger.note_advance(giver, source))
    log PositionMoved(giver=giver, taker=taker, market=market, cash=cash)


# ---------------------------------------------------------------------
# Liquidation
# ---------------------------------------------------------------------

@external
def hand_over(giver: uint256, taker: uint256, market: uint256, size: int256, price: int256):
    """
    @notice Signed `size` lots are traded for the giver against the taker at `price`, without fee or check. Bucket 0 has
            its side in another call of the same transaction.
    """
    self._liquidators()
    open: int256 = 0
    entries: int256 = 0
    if giver != 0:
        open, entries = self._hand(giver, market, size, price)
    if taker != 0:
        more: int256 = 0
        others: int256 = 0
        more, others = self._hand(taker, market, unsafe_sub(0, size), price)
        open = unsafe_add(open, more)
        entries = unsafe_add(entries, others)
    ledger.post(market, open, entries, 0)
    log fills.Filled(taker=giver, maker=taker, detail=fills.detail_of(market, size, price, 0, 0))


@external
def claim(market: uint256, bucket: uint256, amount: int256, counted: bool):
    """@notice Insurance pays `amount` into a bucket (negative: is paid by it), counted for its position if asked."""
    self._only(msg.sender == LIQUIDATION or msg.sender == DELEVERAGING or msg.sender == POOLS)
    key: uint256 = words.MARKET | words.FUND | market
    ledger.word[key] = words.with_field(ledger.word[key], 0, 62, unsafe_sub(words.field(ledger.word[key], 0, 62), amount))
    log Insurance(market=market, bucket=bucket, amount=unsafe_sub(0, amount))
    ledger.pay(bucket, amount)
    if counted:
        key = words.position_key(bucket, market)
        p: uint256 = ledger.word[key]
        if p != 0:
            ledger.word[key] = words.with_field(p, 202, 54, unsafe_add(words.field(p, 202, 54), amount))


@external
def absorb(market: uint256, bucket: uint256, amount: int256, shared: bool):
    """@notice Makes good a debt at the cost of those with profit in the market, or of nobody."""
    self._liquidators()
    ledger.pay(bucket, amount)
    self._owe(market, amount, amount if shared else 0)
    log DebtAbsorbed(market=market, bucket=bucket, amount=amount, shared=shared)


@external
def cut(market: uint256, bucket: uint256, amount: int256, entry: bool):
    """
    @notice Takes a share of a loss out of a bucket's profit; with `entry` its entry notional moves along. Of bucket 0:
            nobody has profit left, and `amount` of what is short stays bad debt.
    """
    self._liquidators()
    log ProfitCut(market=market, bucket=bucket, amount=amount, entry=entry)
    if bucket == 0:
        self._owe(market, 0, unsafe_sub(0, amount))
        return
    if entry:
        key: uint256 = words.position_key(bucket, market)
        p: uint256 = ledger.word[key]
        ledger.word[key] = words.with_signed64(p, 64, unsafe_add(words.signed64(p, 64), amount))
        ledger.post(market, 0, amount, 0)
    ledger.pay(bucket, unsafe_sub(0, amount))
    self._owe(market, unsafe_sub(0, amount), unsafe_sub(0, amount))


# ---------------------------------------------------------------------
# Words of the modules
# ---------------------------------------------------------------------

@external
def put(key: uint256, mask: uint256, fields: uint256):
    """@notice Replaces fields of a word that are the caller's to write. Sizes, cash and sums are in nobody's mask."""
    self._only(mask & ~self.writable[msg.sender][words.class_of(key)] == 0 and fields & ~mask == 0)
    word: uint256 = (ledger.word[key] & ~mask) | fields
    ledger.word[key] = word
    log Put(key=key, word=word)


@external
def list_market(market: uint256):
    """@notice A market begins: closed, its funding index and sums at zero."""
    self._only(msg.sender == STEWARD)
    key: uint256 = words.MARKET | words.PRICE | market
    if market > 255:
        code.refuse(code.MARKETS_FULL)
    if ledger.word[key] != 0:
        code.refuse(code.MARKET_EXISTS)
    ledger.word[key] = (2**63 << margin.INDEX_SHIFT) | (limits.CLOSED << margin.STATUS_SHIFT)
    ledger.word[words.MARKET | words.FUND | market] = 2**71 << ledger.ENTRY_SHIFT
    ledger.word[words.MARKET | words.SAMPLES | market] = 2**95
    log Put(key=key, word=ledger.word[key])


# ---------------------------------------------------------------------
# Internal
# ---------------------------------------------------------------------

@internal
@pure
def _only(allowed: bool):
    if not allowed:
        code.refuse(code.NOT_AUTHORISED)


@internal
@view
def _liquidators():
    self._only(msg.sender == LIQUIDATION or msg.sender == DELEVERAGING)


@internal
@view
def _exit_fault(bucket: uint256, head: uint256, amount: int256) -> uint256:
    if head == 0:
        return code.UNKNOWN_ACCOUNT
    if ledger.has_stale_price(head):
        return code.STALE_PRICE
    h: margin.Health = ledger.measure(bucket, head)
    if head & words.LIQUIDATING != 0 or h.equity < h.maintenance:
        return code.BEING_LIQUIDATED
    return code.WITHDRAWABLE if amount > ledger.may_leave(bucket, head) else 0


@internal
def _hand(bucket: uint256, market: uint256, size: int256, price: int256) -> (int256, int256):
    word: uint256 = ledger.word[words.MARKET | words.PRICE | market]
    most: int256 = words.field(word, margin.LEVERAGE_SHIFT, 10)
    head: uint256 = ledger.word[words.BUCKET | bucket]
    open: int256 = 0
    entries: int256 = 0
    head, open, entries = ledger.trade(bucket, head, market, word, size, unsafe_mul(size, price), 0, most)
    ledger.store(bucket, head)
    return open, entries


@internal
def _owe(market: uint256, debt: int256, short: int256):
    """@notice Adds to the venue's bad debt and to what of it a market's winners still have to bear."""
    key: uint256 = words.VENUE | words.MONEY
    word: uint256 = ledger.word[key]
    ledger.word[key] = words.with_field(word, 192, 64, unsafe_add(words.field(word, 192, 64), debt))
    if short != 0:
        key = words.MARKET | words.SHORT | market
        word = ledger.word[key]
        ledger.word[key] = words.with_field(word, 64, 64, unsafe_add(words.field(word, 64, 64), short))
