# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title CollateralVault: the tokens, deposits, withdrawals and collateral assets
@license Apache-2.0
@notice The one contract that holds tokens. Token 0 is the USD that cash is kept in. Others are collateral: they count
        for margin at a weight, within a cap, at the oracle hub's price (src/seawall/margin/collateral.py).
        Withdrawals leave the account at once and are paid by pull: an owner's own after nothing but the venue's limits,
        one that the venue brings with the owner's signature after a dispute window in seconds and in blocks.
@custom:security Fee-on-transfer and rebasing tokens are refused: what arrives must be what was sent, what is held must
                 cover what is owed. A payout goes to the owner's payee only.
@custom:kill The guardian pauses payouts (`pause`), which only the governor ends; deposits stop with the caps at 0.
"""

import code
import limits
import margin
import signatures
import reader
import units
import wallet_actions
import words
from ethereum.ercs import IERC20
from interfaces import IClearingHouse

initializes: signatures
exports: signatures.domain_separator


# ---------------------------------------------------------------------
# Interfaces
# ---------------------------------------------------------------------

interface Token:
    def decimals() -> uint8: view
    def permit(owner: address, spender: address, amount: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32): nonpayable

struct TokenPermissions:
    token: address
    amount: uint256

struct PermitTransferFrom:
    permitted: TokenPermissions
    nonce: uint256
    deadline: uint256

struct TransferDetails:
    to: address
    requestedAmount: uint256

interface Permit2:
    def permitTransferFrom(permit: PermitTransferFrom, details: TransferDetails, owner: address, signature: Bytes[1024]): nonpayable

interface Hub:
    def asset_price(asset: uint256) -> (uint256, uint256, bool): view

interface Liveness:
    def is_silent() -> bool: view
    def operator() -> address: view


# ---------------------------------------------------------------------
# Immutables
# ---------------------------------------------------------------------

HOUSE: public(immutable(address))
HUB: public(immutable(address))
EXCHANGE: public(immutable(address))
LP: public(immutable(address))
GOVERNOR: public(immutable(address))
GUARDIAN: public(immutable(address))
PERMIT2: public(immutable(address))
USD: public(immutable(address))
USD_UNIT: public(immutable(uint256))  # of the token in one micro-USD; 0: the token is coarser
USD_GRAIN: public(immutable(uint256))  # micro-USD in one unit of the token, where it is coarser
DISPUTE_S: public(immutable(uint256))
DISPUTE_BLOCKS: public(immutable(uint256))
EXIT_DELAY: public(immutable(uint256))  # s that an owner's own withdrawal waits while the venue lives; 0: none


# ---------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------

HOUR_MS: constant(uint256) = 3_600_000
DAY_MS: constant(uint256) = 86_400_000
ASSETS: constant(uint256) = 7  # the bucket's eighth bit says that it holds LP positions
WITHDRAWAL_TYPE: constant(bytes32) = keccak256(
    "Withdrawal(address owner,uint256 sub,uint256 amount,address payee,uint256 nonce,uint256 expires)"
)
MAX_ASSET_AGE: constant(uint256) = 3600
OF_ACTION: constant(uint256) = 1 << 240  # of the key of a used nonce: it is the time of a wallet's action

struct Asset:
    token: address
    unit: uint256  # of the token in one lot
    weight_initial: int256
    weight_maintenance: int256
    discount: int256  # of a liquidation
    start: int256  # lots above which the initial weight shrinks; 0: never
    cap: int256  # lots that the vault takes in all
    hour_cap: int256  # lots that may leave in an hour
    total: int256
    hour: uint256
    hour_out: int256
    stable: int256
    stable_time: uint256
    stable_per_s: int256  # furthest relative move of the stable price a second, in 1e-9

struct Withdrawal:
    account: uint256
    payee: address
    amount: int256
    ready: uint256  # s
    ready_block: uint256


# ---------------------------------------------------------------------
# Storage
# ---------------------------------------------------------------------

assets: public(HashMap[uint256, Asset])
asset_count: public(uint256)
held: public(HashMap[uint256, HashMap[uint256, int256]])  # account -> asset -> lots
withdrawals: public(HashMap[uint256, Withdrawal])
withdrawal_serial: public(uint256)
rests: public(HashMap[uint256, HashMap[uint256, uint256]])  # account -> 0 USD, 1 + asset -> tokens below a lot from LPs
used_nonce: public(HashMap[uint256, bool])  # account << 64 | nonce of a signed withdrawal
is_paused: public(bool)


# ---------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------

event Deposited:
    account: indexed(uint256)
    payer: indexed(address)
    amount: int256

event WithdrawalMade:
    number: indexed(uint256)
    account: indexed(uint256)
    payee: address
    amount: int256
    ready: uint256

event WithdrawalPaid:
    number: indexed(uint256)
    amount: int256

event WithdrawalCancelled:
    number: indexed(uint256)
    amount: int256

event CollateralIn:
    account: indexed(uint256)
    asset: indexed(uint256)
    lots: int256

event CollateralOut:
    account: indexed(uint256)
    asset: indexed(uint256)
    lots: int256

event CollateralSold:
    account: indexed(uint256)
    buyer: indexed(uint256)
    asset: uint256
    lots: int256
    amount: int256

event AssetSet:
    asset: indexed(uint256)
    token: address

event Paused:
    on: bool


# ---------------------------------------------------------------------
# Set-up
# ---------------------------------------------------------------------

@deploy
def __init__(
    house: address,
    hub: address,
    exchange: address,
    lp: address,
    governor: address,
    guardian: address,
    permit2: address,
    usd: address,
    dispute_s: uint256,
    dispute_blocks: uint256,
    exit_delay: uint256,
):
    signatures.__init__()
    HOUSE = house
    HUB = hub
    EXCHANGE = exchange
    LP = lp
    GOVERNOR = governor
    GUARDIAN = guardian
    PERMIT2 = permit2
    USD = usd
    decimals: uint256 = convert(staticcall Token(usd).decimals(), uint256)
    assert decimals <= 24, "decimals"
    USD_UNIT = 10 ** (decimals - 6) if decimals >= 6 else 0
    USD_GRAIN = 10 ** (6 - decimals) if decimals < 6 else 1
    DISPUTE_S = dispute_s
    DISPUTE_BLOCKS = dispute_blocks
    EXIT_DELAY = exit_delay


# ---------------------------------------------------------------------
# Deposits
# ---------------------------------------------------------------------

@external
def deposit(account: uint256, amount: int256):
    """@notice Takes `amount` micro-USD of the caller's tokens for any account; makes the account of a new owner."""
    self._deposit(msg.sender, account, amount)


@external
def deposit_with_permit(
    account: uint256, amount: int256, deadline: uint256, v: uint8, r: bytes32, s: bytes32
):
    """@notice `deposit` with the caller's ERC-2612 permit in the same step. One that somebody has used already is fine."""
    ok: bool = raw_call(
        USD,
        abi_encode(
            msg.sender, self, self._tokens(amount), deadline, v, r, s,
            method_id=method_id("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"),
        ),
        revert_on_failure=False,
    )
    assert ok or not ok
    self._deposit(msg.sender, account, amount)


@external
def deposit_with_permit2(account: uint256, amount: int256, nonce: uint256, deadline: uint256, signature: Bytes[1024]):
    """@notice `deposit` by a Permit2 signature of the caller."""
    self._check_deposit(account, amount)
    tokens: uint256 = self._tokens(amount)
    before: uint256 = staticcall IERC20(USD).balanceOf(self)
    permit: PermitTransferFrom = PermitTransferFrom(
        permitted=TokenPermissions(token=USD, amount=tokens), nonce=nonce, deadline=deadline
    )
    details: TransferDetails = TransferDetails(to=self, requestedAmount=tokens)
    extcall Permit2(PERMIT2).permitTransferFrom(permit, details, msg.sender, signature)
    if staticcall IERC20(USD).balanceOf(self) != before + tokens:
        code.refuse(code.BAD_AMOUNT)
    self._credit(msg.sender, account, amount)


# ---------------------------------------------------------------------
# Withdrawals
# ---------------------------------------------------------------------

@external
def withdraw(sub: uint256, amount: int256, payee: address) -> uint256:
    """
    @notice Cash leaves an account of the caller for a payout to `payee`; returns its number. Payable at once, or after
            the exit delay while the venue lives.
    """
    if sub > limits.SUBACCOUNTS:
        code.refuse(code.UNKNOWN_ACCOUNT)
    account: uint256 = convert(msg.sender, uint256) | (sub << words.SUB_SHIFT)
    wait: uint256 = EXIT_DELAY
    if wait != 0 and staticcall Liveness(EXCHANGE).is_silent():
        wait = 0
    return self._withdraw(account, amount, payee, block.timestamp + wait, block.number)


@external
def withdraw_for(
    owner: address,
    sub: uint256,
    amount: int256,
    payee: address,
    nonce: uint256,
    expires: uint256,
    signature: Bytes[1024],
) -> uint256:
    """@notice A withdrawal that the owner has signed, brought by anybody: payable after the dispute window."""
    account: uint256 = convert(owner, uint256) | ((sub & 255) << words.SUB_SHIFT)
    if expires < block.timestamp:
        code.refuse(code.COMMAND_EXPIRED)
    if nonce > words.M64 or self.used_nonce[(account << 64) | nonce]:
        code.refuse(code.NONCE_USED)
    body: bytes32 = keccak256(abi_encode(WITHDRAWAL_TYPE, owner, sub, amount, payee, nonce, expires))
    if not signatures.is_signed_by(owner, body, signature):
        code.refuse(code.NOT_AUTHORISED)
    self.used_nonce[(account << 64) | nonce] = True
    return self._withdraw(account, amount, payee, block.timestamp + DISPUTE_S, block.number + DISPUTE_BLOCKS)


@external
def withdraw_by_action(owner: address, action: wallet_actions.Action, r: uint256, s: uint256, v: uint256) -> uint256:
    """
    @notice A withdrawal that the owner has signed for the venue's API, brought by the venue's operator within a day:
            payable after the dispute window. Nobody else may bring one: the same signature is good for another venue.
    """
    if msg.sender != staticcall Liveness(EXCHANGE).operator():
        code.refuse(code.NOT_AUTHORISED)
    now: uint256 = block.timestamp * 1000
    if action.time + DAY_MS < now or action.time > now + DAY_MS:
        code.refuse(code.COMMAND_EXPIRED)
    account: uint256 = convert(owner, uint256)
    key: uint256 = OF_ACTION | (account << 64) | action.time
    if self.used_nonce[key]:
        code.refuse(code.NONCE_USED)
    if owner == empty(address) or wallet_actions.signer_of(action, r, s, v) != owner:
        code.refuse(code.NOT_AUTHORISED)
    payee: address = wallet_actions.address_of(action.destination)
    if payee == empty(address):
        code.refuse(code.BAD_FIELD)
    self.used_nonce[key] = True
    amount: int256 = wallet_actions.amount_of(action.amount)
    return self._withdraw(account, amount, payee, block.timestamp + DISPUTE_S, block.number + DISPUTE_BLOCKS)


@external
def claim(number: uint256):
    """@notice Pays a withdrawal that is due to its payee; anybody may."""
    w: Withdrawal = self.withdrawals[number]
    if w.amount == 0:
        code.refuse(code.UNKNOWN_WITHDRAWAL)
    if self.is_paused:
        code.refuse(code.WITHDRAWALS_CLOSED)
    due: bool = block.timestamp >= w.ready and block.number >= w.ready_block
    if not due and not staticcall Liveness(EXCHANGE).is_silent():
        code.refuse(code.NOT_DUE)
    self.withdrawals[number] = empty(Withdrawal)
    self._book(-w.amount, -w.amount)
    log WithdrawalPaid(number=number, amount=w.amount)
    assert extcall IERC20(USD).transfer(w.payee, self._tokens(w.amount), default_return_value=True)


@external
def dispute(number: uint256):
    """@notice The guardian, or its owner, sends a withdrawal that is not paid yet back to its account."""
    w: Withdrawal = self.withdrawals[number]
    if w.amount == 0:
        code.refuse(code.UNKNOWN_WITHDRAWAL)
    if msg.sender != GUARDIAN and convert(msg.sender, uint256) != w.account & words.OWNER_MASK:
        code.refuse(code.NOT_AUTHORISED)
    self.withdrawals[number] = empty(Withdrawal)
    self._book(0, -w.amount)
    extcall IClearingHouse(HOUSE).credit(w.account, w.amount)
    log WithdrawalCancelled(number=number, amount=w.amount)


# ---------------------------------------------------------------------
# Collateral assets
# ---------------------------------------------------------------------

@external
def deposit_asset(asset: uint256, account: uint256, lots: int256):
    """@notice Collateral of the caller comes into an account, in lots of 10^-size_decimals."""
    a: Asset = self.assets[asset]
    if a.token == empty(address):
        code.refuse(code.BAD_FIELD)
    if lots <= 0 or lots > limits.AMOUNT_MAX or a.total + lots > a.cap:
        code.refuse(code.BAD_AMOUNT)
    if account > words.ACCOUNT_MASK or words.is_pool(account):
        code.refuse(code.UNKNOWN_ACCOUNT)
    self._open(account)
    self.assets[asset].total = a.total + lots
    self._hold(account, asset, lots)
    log CollateralIn(account=account, asset=asset, lots=lots)
    self._pull(a.token, msg.sender, convert(lots, uint256) * a.unit)


@external
def withdraw_asset(asset: uint256, sub: uint256, lots: int256, payee: address):
    """@notice Collateral leaves an account of the caller, which must have its initial margin afterwards."""
    account: uint256 = convert(msg.sender, uint256) | ((sub & 255) << words.SUB_SHIFT)
    a: Asset = self.assets[asset]
    if lots <= 0 or lots > self.held[account][asset]:
        code.refuse(code.WITHDRAWABLE)
    self._check_open()
    why: uint256 = staticcall IClearingHouse(HOUSE).exit_fault(account, 0)
    if why != 0:
        code.refuse(why)
    hour: uint256 = block.timestamp // 3600
    out: int256 = lots if a.hour != hour else a.hour_out + lots
    if out > a.hour_cap:
        code.refuse(code.WITHDRAWAL_LIMIT)
    self.assets[asset].hour = hour
    self.assets[asset].hour_out = out
    self.assets[asset].total = a.total - lots
    self._hold(account, asset, -lots)
    h: IClearingHouse.Health = staticcall IClearingHouse(HOUSE).health_after(account, max_value(uint256), 0, 0, 0, 0)
    if h.equity_initial < h.initial:
        code.refuse(code.WITHDRAWABLE)
    log CollateralOut(account=account, asset=asset, lots=lots)
    assert extcall IERC20(a.token).transfer(payee, convert(lots, uint256) * a.unit, default_return_value=True)


@external
def buy_collateral(account: uint256, asset: uint256, lots: int256, sub: uint256, most: int256) -> int256:
    """
    @notice Buys collateral of an account in liquidation that owes USD, for cash of the caller's account, a lot at the
            oracle's price less the discount, rounded up; what it costs goes to the account. Returns it. The asset with
            the greatest weight goes first, and no more than `lots_for_sale`.
    @param most Greatest cost.
    """
    head: uint256 = reader.one(HOUSE, words.BUCKET | account)
    h: IClearingHouse.Health = staticcall IClearingHouse(HOUSE).health_after(account, max_value(uint256), 0, 0, 0, 0)
    if head == 0 or (h.equity >= h.maintenance and head & words.LIQUIDATING == 0):
        code.refuse(code.NOT_DUE)
    price: int256 = 0
    fresh: bool = False
    price, fresh = self._price(asset)
    if not fresh:
        code.refuse(code.STALE_PRICE)
    if self._goes_later(account, asset):
        code.refuse(code.BAD_FIELD)
    if lots <= 0 or lots > self._lots_for_sale(account, asset, h):
        code.refuse(code.BAD_SIZE)
    cost: int256 = lots * units.rate_up(price, limits.RATE_ONE - self.assets[asset].discount)
    if cost > most:
        code.refuse(code.BAD_PRICE)
    buyer: uint256 = convert(msg.sender, uint256) | ((sub & 255) << words.SUB_SHIFT)
    extcall IClearingHouse(HOUSE).exit(buyer, cost)
    extcall IClearingHouse(HOUSE).credit(account, cost)
    self._hold(account, asset, -lots)
    self._hold(buyer, asset, lots)
    log CollateralSold(account=account, buyer=buyer, asset=asset, lots=lots, amount=cost)
    return cost


@external
def move_stable(asset: uint256):
    """@notice Moves an asset's stable price toward the oracle by what the time since allows (pricing/stable.py)."""
    self._move_stable(asset)


# ---------------------------------------------------------------------
# LP positions
# ---------------------------------------------------------------------

@external
def open_for(account: uint256):
    """@notice Makes the account of an owner whose first collateral is an LP position."""
    self._only_lp()
    self._open(account)


@external
def take(account: uint256, which: uint256, tokens: uint256):
    """
    @notice Tokens that have come from an LP position become the account's, in whole lots; what is below one waits for
            the next. No cap holds: they were the account's before, and a liquidation must not be refused.
    @param which 0: USD, as cash; else 1 + the asset.
    """
    self._only_lp()
    total: uint256 = self.rests[account][which] + tokens
    if which == 0:
        amount: uint256 = total // USD_UNIT if USD_UNIT != 0 else total * USD_GRAIN
        self.rests[account][0] = total - self._tokens(convert(amount, int256))
        if amount > 0:
            self._credit(msg.sender, account, convert(amount, int256))
        return
    asset: uint256 = which - 1
    a: Asset = self.assets[asset]
    lots: int256 = convert(total // a.unit, int256)
    self.rests[account][which] = total % a.unit
    if lots > 0:
        self.assets[asset].total = a.total + lots
        self._hold(account, asset, lots)
        log CollateralIn(account=account, asset=asset, lots=lots)
        assert staticcall IERC20(a.token).balanceOf(self) >= convert(a.total + lots, uint256) * a.unit, "held"


# ---------------------------------------------------------------------
# Governor and guardian
# ---------------------------------------------------------------------

@external
def set_asset(
    asset: uint256,
    token: address,
    unit: uint256,
    weight_initial: int256,
    weight_maintenance: int256,
    discount: int256,
    start: int256,
    cap: int256,
    hour_cap: int256,
    stable_per_s: int256,
):
    """@notice The governor (a timelock) lists an asset, or changes its weights and caps; its token never changes."""
    if msg.sender != GOVERNOR:
        code.refuse(code.NOT_AUTHORISED)
    a: Asset = self.assets[asset]
    valid: bool = asset < ASSETS and token != empty(address) and token != USD and unit > 0
    valid = valid and (a.token == empty(address) or (a.token == token and a.unit == unit))
    valid = valid and 0 <= weight_initial and weight_initial <= weight_maintenance
    valid = valid and weight_maintenance <= limits.RATE_ONE - discount and discount >= 0 and start >= 0
    valid = valid and cap >= 0 and cap <= limits.AMOUNT_MAX and stable_per_s > 0 and stable_per_s <= 10**9
    if not valid:
        code.refuse(code.BAD_PARAMETER)
    a.token = token
    a.unit = unit
    a.weight_initial = weight_initial
    a.weight_maintenance = weight_maintenance
    a.discount = discount
    a.start = start
    a.cap = cap
    a.hour_cap = hour_cap
    a.stable_per_s = stable_per_s
    self.assets[asset] = a
    if asset >= self.asset_count:
        self.asset_count = asset + 1
    log AssetSet(asset=asset, token=token)


@external
def pause(on: bool):
    """@notice The guardian stops payouts; only the governor lets them go on."""
    if msg.sender != GOVERNOR and not (on and msg.sender == GUARDIAN):
        code.refuse(code.NOT_AUTHORISED)
    self.is_paused = on
    log Paused(on=on)


# ---------------------------------------------------------------------
# Views
# ---------------------------------------------------------------------

@external
@view
@reentrant
def worth(bucket: uint256) -> (int256, int256):
    """@notice What a bucket's collateral counts for initial margin and for maintenance, each rounded down."""
    initial: int256 = 0
    maintenance: int256 = 0
    for asset: uint256 in range(self.asset_count, bound=ASSETS):
        lots: int256 = self.held[bucket][asset]
        if lots != 0:
            a: Asset = self.assets[asset]
            price: int256 = 0
            fresh: bool = False
            price, fresh = self._price(asset)
            maintenance += units.rate_down(lots * price, a.weight_maintenance)
            if fresh:
                initial += units.rate_down(lots * min(price, self._stable(asset, price)), self._initial_weight(a))
    return initial, maintenance


@external
@view
@reentrant
def worth_maintenance(bucket: uint256) -> int256:
    maintenance: int256 = 0
    for asset: uint256 in range(self.asset_count, bound=ASSETS):
        lots: int256 = self.held[bucket][asset]
        if lots != 0:
            price: int256 = self._price(asset)[0]
            maintenance += units.rate_down(lots * price, self.assets[asset].weight_maintenance)
    return maintenance


@external
@view
@reentrant
def worth_of(bucket: uint256, asset: uint256) -> int256:
    """@notice What a bucket's balance of one asset counts for maintenance."""
    return units.rate_down(self.held[bucket][asset] * self._price(asset)[0], self.assets[asset].weight_maintenance)


@external
@view
@reentrant
def terms_of(asset: uint256) -> (address, uint256, int256):
    """@notice An asset's token, how much of it is a lot, and its weight for maintenance."""
    return self.assets[asset].token, self.assets[asset].unit, self.assets[asset].weight_maintenance


@external
@view
@reentrant
def counted(asset: uint256) -> (uint256, uint256, uint256):
    """@notice An asset's unit, its price a lot, and the lower of that and its stable price; 0 while stale."""
    price: int256 = 0
    fresh: bool = False
    price, fresh = self._price(asset)
    low: int256 = 0
    if fresh:
        low = min(price, self._stable(asset, price))
    return self.assets[asset].unit, convert(price, uint256), convert(low, uint256)


@external
@view
def check_open() -> bool:
    """@notice Refused while nothing may be paid out."""
    self._check_open()
    return True


@external
@view
def lots_for_sale(account: uint256, asset: uint256) -> int256:
    """@notice What of an asset anybody may buy of an account once it is in liquidation and its turn has come."""
    return self._lots_for_sale(
        account, asset, staticcall IClearingHouse(HOUSE).health_after(account, max_value(uint256), 0, 0, 0, 0)
    )


@external
@view
def limit_left() -> int256:
    """@notice What the venue may still pay out in this UTC hour and day."""
    return self._limit_left(block.timestamp * 1000)[0]


# ---------------------------------------------------------------------
# Internal
# ---------------------------------------------------------------------

@internal
@view
def _tokens(amount: int256) -> uint256:
    """@notice Units of the token in an amount of micro-USD, exact; an amount between two units is refused."""
    micro: uint256 = convert(amount, uint256)
    if USD_UNIT != 0:
        return micro * USD_UNIT
    if micro % USD_GRAIN != 0:
        code.refuse(code.BAD_AMOUNT)
    return micro // USD_GRAIN


@internal
def _pull(token: address, payer: address, tokens: uint256):
    """@notice Takes tokens; refuses those that arrive short or long."""
    before: uint256 = staticcall IERC20(token).balanceOf(self)
    assert extcall IERC20(token).transferFrom(payer, self, tokens, default_return_value=True)
    if staticcall IERC20(token).balanceOf(self) != before + tokens:
        code.refuse(code.BAD_AMOUNT)


@internal
@view
def _check_deposit(account: uint256, amount: int256):
    if amount <= 0 or amount > limits.AMOUNT_MAX:
        code.refuse(code.BAD_AMOUNT)
    if account > words.ACCOUNT_MASK or words.is_pool(account):
        code.refuse(code.UNKNOWN_ACCOUNT)


@internal
def _deposit(payer: address, account: uint256, amount: int256):
    self._check_deposit(account, amount)
    self._pull(USD, payer, self._tokens(amount))
    self._credit(payer, account, amount)


@internal
def _open(account: uint256):
    """@notice Makes the account of an owner who has none; sub-accounts are made at the desk."""
    if reader.one(HOUSE, words.BUCKET | account) == 0:
        if account > words.OWNER_MASK:
            code.refuse(code.UNKNOWN_ACCOUNT)
        extcall IClearingHouse(HOUSE).open_account(account, limits.CROSS)


@internal
def _credit(payer: address, account: uint256, amount: int256):
    self._open(account)
    self._book(amount, 0)
    extcall IClearingHouse(HOUSE).credit(account, amount)
    log Deposited(account=account, payer=payer, amount=amount)


@internal
def _book(vault: int256, pending: int256):
    """@notice What is held for accounts, and what of it waits to be paid out. Holding less than is owed is refused."""
    money: uint256 = reader.one(HOUSE, words.VENUE | words.MONEY)
    after: int256 = words.field(money, 0, 64) + vault
    if after > limits.RAW_USD_MAX:
        code.refuse(code.CASH_BOUND)
    fields: uint256 = words.with_field(0, 0, 64, after)
    fields = words.with_field(fields, 64, 64, words.field(money, 64, 64) + pending)
    extcall IClearingHouse(HOUSE).put(words.VENUE | words.MONEY, 2**128 - 1, fields)
    if vault > 0:
        assert staticcall IERC20(USD).balanceOf(self) >= self._tokens(after), "held"


@internal
@view
def _check_open():
    """@notice Payouts are refused in a halt, after negative equity was seen, and while paused."""
    found: DynArray[uint256, 48] = staticcall IClearingHouse(HOUSE).words_of(
        [words.VENUE | words.POLICY, words.VENUE | words.FLOW]
    )
    if (found[0] >> margin.VENUE_STATUS) & 15 == limits.HALTED:
        code.refuse(code.VENUE_HALTED)
    if block.timestamp * 1000 < found[1] >> 188 or self.is_paused:
        code.refuse(code.WITHDRAWALS_CLOSED)


@internal
@view
def _limit_left(now: uint256) -> (int256, uint256):
    """@notice (what may still leave in this hour and day, the windows as they are now). What is cancelled stays counted."""
    found: DynArray[uint256, 48] = staticcall IClearingHouse(HOUSE).words_of(
        [words.VENUE | words.MONEY, words.VENUE | words.FLOW, words.VENUE | words.OUTFLOW]
    )
    vault: int256 = words.field(found[0], 0, 64)
    flow: uint256 = found[1] & (2**188 - 1)
    hour: int256 = convert(now // HOUR_MS, int256)
    day: int256 = convert(now // DAY_MS, int256)
    if words.field(flow, 0, 32) != hour:
        flow = words.with_field(words.with_field(flow, 0, 32, hour), 32, 62, 0)
    if words.field(flow, 94, 32) != day:
        flow = words.with_field(words.with_field(flow, 94, 32, day), 126, 62, 0)
    hourly: int256 = max(units.rate_down(vault, words.field(found[2], 0, 24)), words.field(found[2], 24, 54))
    daily: int256 = max(units.rate_down(vault, words.field(found[2], 78, 24)), words.field(found[2], 102, 54))
    left: int256 = min(hourly - words.field(flow, 32, 62), daily - words.field(flow, 126, 62))
    return max(0, left), flow


@internal
def _withdraw(account: uint256, amount: int256, payee: address, ready: uint256, ready_block: uint256) -> uint256:
    if amount <= 0 or amount > limits.AMOUNT_MAX:
        code.refuse(code.BAD_AMOUNT)
    if payee == empty(address) or payee == self:
        code.refuse(code.BAD_FIELD)
    self._tokens(amount)
    self._check_open()
    left: int256 = 0
    flow: uint256 = 0
    left, flow = self._limit_left(block.timestamp * 1000)
    extcall IClearingHouse(HOUSE).exit(account, amount)
    if amount > left:
        code.refuse(code.WITHDRAWAL_LIMIT)
    flow = words.with_field(flow, 32, 62, words.field(flow, 32, 62) + amount)
    flow = words.with_field(flow, 126, 62, words.field(flow, 126, 62) + amount)
    extcall IClearingHouse(HOUSE).put(words.VENUE | words.FLOW, 2**188 - 1, flow)
    self._book(0, amount)
    self.withdrawal_serial += 1
    number: uint256 = self.withdrawal_serial
    self.withdrawals[number] = Withdrawal(
        account=account, payee=payee, amount=amount, ready=ready, ready_block=ready_block
    )
    log WithdrawalMade(number=number, account=account, payee=payee, amount=amount, ready=ready)
    return number


@internal
def _hold(account: uint256, asset: uint256, lots: int256):
    """@notice Changes a holding, and whether the account has any."""
    self._move_stable(asset)
    before: int256 = self.held[account][asset]
    after: int256 = before + lots
    assert after >= 0
    self.held[account][asset] = after
    if (before == 0) != (after == 0):
        bit: uint256 = 1 << (words.ASSETS_SHIFT + asset)
        extcall IClearingHouse(HOUSE).put(words.BUCKET | account, bit, bit if after != 0 else 0)


@internal
@view
def _lots_for_sale(account: uint256, asset: uint256, h: IClearingHouse.Health) -> int256:
    """
    @notice Lots that pay the USD the account owes, or lift it to liquidation end, whichever is less; all if need be. A
            sale never costs equity: the discount is within what the maintenance weight leaves out.
    """
    cash: int256 = 0
    pending: int256 = 0
    rest: int256 = 0
    leaves: int256 = 0
    cash, pending, rest, leaves = staticcall IClearingHouse(HOUSE).cash_of(account, max_value(uint256))
    debt: int256 = -(cash + pending)
    mark: int256 = 0
    fresh: bool = False
    mark, fresh = self._price(asset)
    price: int256 = units.rate_up(mark, limits.RATE_ONE - self.assets[asset].discount)
    if debt <= 0 or price <= 0 or not fresh:
        return 0
    held: int256 = self.held[account][asset]
    lots: int256 = min(held, units.ceil_div(debt, price))
    gain: int256 = held * price - units.rate_down(held * mark, self.assets[asset].weight_maintenance)
    need: int256 = margin.end_of(reader.one(HOUSE, words.VENUE | words.POLICY), h.maintenance) - h.equity
    if gain > need and need > 0:
        lots = min(lots, units.ceil_div(held * need, gain) + 1)
    return lots


@internal
@view
def _goes_later(account: uint256, asset: uint256) -> bool:
    """@notice Whether the account holds another asset that can be sold and has less haircut, or as much and comes first."""
    own: int256 = self.assets[asset].weight_maintenance
    for other: uint256 in range(self.asset_count, bound=ASSETS):
        if other != asset and self.held[account][other] != 0 and self._price(other)[1]:
            weight: int256 = self.assets[other].weight_maintenance
            if weight > own or (weight == own and other < asset):
                return True
    return False


@internal
@view
def _only_lp():
    if msg.sender != LP:
        code.refuse(code.NOT_AUTHORISED)


@internal
@pure
def _initial_weight(a: Asset) -> int256:
    """@notice Weight for initial margin: shrunk once the vault holds more than `start`."""
    if a.start == 0 or a.total <= a.start:
        return a.weight_initial
    return a.weight_initial * a.start // a.total


@internal
@view
def _price(asset: uint256) -> (int256, bool):
    """@notice An asset's price in micro-USD per lot, and whether it is fresh. A stale one counts for maintenance only."""
    price: uint256 = 0
    time: uint256 = 0
    ok: bool = False
    price, time, ok = staticcall Hub(HUB).asset_price(asset)
    return convert(price, int256), ok and block.timestamp * 1000 <= time + MAX_ASSET_AGE * 1000


@internal
@view
def _stable(asset: uint256, price: int256) -> int256:
    """@notice The stable price at this moment."""
    time: uint256 = self.assets[asset].stable_time
    if time == 0:
        return price
    stable: int256 = self.assets[asset].stable
    elapsed: int256 = convert((block.timestamp - time) * 1000, int256)
    reach: int256 = stable * self.assets[asset].stable_per_s * elapsed // 10**12
    return min(max(price, stable - reach), stable + reach)


@internal
def _move_stable(asset: uint256):
    """@notice Time too short for one unit of movement is kept for the next step."""
    price: int256 = 0
    fresh: bool = False
    price, fresh = self._price(asset)
    if not fresh or price == 0:
        return
    a: Asset = self.assets[asset]
    moved: int256 = self._stable(asset, price)
    if a.stable_time == 0 or moved != a.stable or moved == price:
        self.assets[asset].stable = moved
        self.assets[asset].stable_time = block.timestamp
