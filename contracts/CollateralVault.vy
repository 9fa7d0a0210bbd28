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
import collateral
import leaving
import limits
import payouts
import reader
import signatures
import vault_cash
import words
from ethereum.ercs import IERC20
from interfaces import IClearingHouse
from interfaces import ILending

initializes: signatures
initializes: vault_cash
initializes: collateral[vault_cash := vault_cash]
initializes: payouts[signatures := signatures, vault_cash := vault_cash]
exports: (
    signatures.domain_separator,
    vault_cash.HOUSE,
    vault_cash.LENDING,
    vault_cash.USD,
    vault_cash.USD_UNIT,
    vault_cash.USD_GRAIN,
    collateral.HUB,
    collateral.GOVERNOR,
    collateral.assets,
    collateral.asset_count,
    collateral.held,
    collateral.sorts,
    collateral.buyers,
    collateral.set_buyer,
    collateral.offer,
    collateral.set_asset,
    collateral.set_sort,
    collateral.move_stable,
    collateral.worth,
    collateral.worth_maintenance,
    collateral.worth_of,
    collateral.terms_of,
    collateral.counted,
    collateral.lots_for_sale,
    payouts.EXCHANGE,
    payouts.DISPUTE_S,
    payouts.DISPUTE_BLOCKS,
    payouts.EXIT_DELAY,
    payouts.withdrawals,
    payouts.withdrawal_serial,
    payouts.used_nonce,
    payouts.is_paused,
    payouts.withdraw,
    payouts.withdraw_for,
    payouts.withdraw_by_action,
    payouts.claim,
    payouts.dispute,
    payouts.pause,
    payouts.check_open,
    payouts.limit_left,
)


# ---------------------------------------------------------------------
# Interfaces
# ---------------------------------------------------------------------

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


# ---------------------------------------------------------------------
# Immutables and storage
# ---------------------------------------------------------------------

LP: public(immutable(address))
PERMIT2: public(immutable(address))
LIQUIDATION: immutable(address)

rests: public(HashMap[uint256, HashMap[uint256, uint256]])  # account -> 0 USD, 1 + asset -> tokens below a lot from LPs


# ---------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------

event Deposited:
    account: indexed(uint256)
    payer: indexed(address)
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
    vault_cash.__init__(house, usd)
    collateral.__init__(hub, governor)
    payouts.__init__(exchange, governor, guardian, dispute_s, dispute_blocks, exit_delay)
    LP = lp
    PERMIT2 = permit2
    LIQUIDATION = staticcall IClearingHouse(house).LIQUIDATION()


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
        vault_cash.USD,
        abi_encode(
            msg.sender, self, vault_cash.tokens_of(amount), deadline, v, r, s,
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
    tokens: uint256 = vault_cash.tokens_of(amount)
    before: uint256 = staticcall IERC20(vault_cash.USD).balanceOf(self)
    permit: PermitTransferFrom = PermitTransferFrom(
        permitted=TokenPermissions(token=vault_cash.USD, amount=tokens), nonce=nonce, deadline=deadline
    )
    details: TransferDetails = TransferDetails(to=self, requestedAmount=tokens)
    extcall Permit2(PERMIT2).permitTransferFrom(permit, details, msg.sender, signature)
    if staticcall IERC20(vault_cash.USD).balanceOf(self) != before + tokens:
        code.refuse(code.BAD_AMOUNT)
    self._credit(msg.sender, account, amount)


# ---------------------------------------------------------------------
# Collateral assets
# ---------------------------------------------------------------------

@external
def deposit_asset(asset: uint256, account: uint256, lots: int256):
    """@notice Collateral of the caller comes into an account, in lots of 10^-size_decimals."""
    a: collateral.Asset = collateral.assets[asset]
    if a.token == empty(address):
        code.refuse(code.BAD_FIELD)
    if lots <= 0 or lots > limits.AMOUNT_MAX or a.total + lots > a.cap:
        code.refuse(code.BAD_AMOUNT)
    if account > words.ACCOUNT_MASK or words.is_pool(account):
        code.refuse(code.UNKNOWN_ACCOUNT)
    self._open(account)
    collateral.assets[asset].total = a.total + lots
    collateral.hold(account, asset, lots)
    log CollateralIn(account=account, asset=asset, lots=lots)
    vault_cash.pull(a.token, msg.sender, convert(lots, uint256) * a.unit)


@external
def withdraw_asset(asset: uint256, sub: uint256, lots: int256, payee: address):
    """
    @notice Collateral leaves an account of the caller: what counts without it keeps initial margin and withdrawal floor.
            Where owners' own withdrawals wait, only once the venue is silent: it must have held the lots back first.
    """
    if payouts.goes_by_venue():
        code.refuse(code.NOT_AUTHORISED)
    self._leave(convert(msg.sender, uint256) | ((sub & 255) << words.SUB_SHIFT), asset, lots, payee)


@external
def pay_asset(asset: uint256, owner: address, lots: int256, number: uint256):
    """
    @notice Collateral leaves the account of an owner, to the owner: brought by the venue's operator, which has held it back
            there under `number`, once for each. The same must be left behind as by `withdraw_asset`.
    """
    account: uint256 = convert(owner, uint256)
    payouts.use_number(account, number)
    self._leave(account, asset, lots, owner)


@external
def buy_collateral(account: uint256, asset: uint256, lots: int256, sub: uint256, most: int256) -> int256:
    """
    @notice Buys collateral of an account in liquidation that owes USD, for cash of the caller's account, a lot at the
            oracle's price less the discount, rounded up; what it costs goes to the account. Returns it. The asset with
            the greatest weight goes first, and no more than `lots_for_sale`. Where owners' own withdrawals wait, only
            once the venue is silent: it sells by itself. A pool that has bought some sells all of it, at the price itself.
    @param most Greatest cost.
    """
    if payouts.goes_by_venue():
        code.refuse(code.NOT_AUTHORISED)
    head: uint256 = reader.one(vault_cash.HOUSE, words.BUCKET | account)
    h: IClearingHouse.Health = staticcall IClearingHouse(vault_cash.HOUSE).health_after(account, max_value(uint256), 0, 0, 0, 0)
    is_due: bool = h.equity < h.maintenance or head & words.LIQUIDATING != 0
    if head == 0 or is_due == words.is_pool(account):
        code.refuse(code.NOT_DUE)
    p: collateral.Price = collateral.price_of(asset)
    if not p.fresh:
        code.refuse(code.STALE_PRICE)
    price: int256 = p.kept
    offered: int256 = collateral.held[account][asset]
    if not words.is_pool(account):
        if collateral.goes_later(account, asset):
            code.refuse(code.BAD_FIELD)
        price = collateral.sale_price(asset, p)
        offered = collateral.lots_to_sell(account, asset, h)
    if lots <= 0 or lots > offered:
        code.refuse(code.BAD_SIZE)
    cost: int256 = lots * price
    if cost > most:
        code.refuse(code.BAD_PRICE)
    self._sell(account, convert(msg.sender, uint256) | ((sub & 255) << words.SUB_SHIFT), asset, lots, cost)
    return cost


@external
def sell_to_pool(account: uint256, asset: uint256, lots: int256):
    """
    @notice Liquidation has collateral of an account sold to the backstop vault of the market that prices it, at the price
            at which anybody buys.
    """
    if msg.sender != LIQUIDATION:
        code.refuse(code.NOT_AUTHORISED)
    pool: uint256 = collateral.pool_of(asset)
    cost: int256 = lots * collateral.sale_price(asset, collateral.price_of(asset))
    extcall IClearingHouse(vault_cash.HOUSE).credit(pool, -cost)
    self._hand(account, pool, asset, lots, cost)


@external
def settle_sale(account: uint256, asset: uint256, lots: int256, buyer: address, cost: int256, number: uint256):
    """
    @notice The venue's operator brings a sale of collateral that was made there, once under its `number`, to a buyer who
            lets the operator trade for him. `check_sale` bounds who sells, how much and at which price.
    """
    payouts.use_number(account, number)
    payouts.check_agent(buyer)
    collateral.check_sale(account, asset, lots, cost)
    self._sell(account, convert(buyer, uint256), asset, lots, cost)


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
        amount: uint256 = total // vault_cash.USD_UNIT if vault_cash.USD_UNIT != 0 else total * vault_cash.USD_GRAIN
        self.rests[account][0] = total - vault_cash.tokens_of(convert(amount, int256))
        if amount > 0:
            self._credit(msg.sender, account, convert(amount, int256))
        return
    asset: uint256 = which - 1
    a: collateral.Asset = collateral.assets[asset]
    lots: int256 = convert(total // a.unit, int256)
    self.rests[account][which] = total % a.unit
    if lots > 0:
        collateral.assets[asset].total = a.total + lots
        collateral.hold(account, asset, lots)
        log CollateralIn(account=account, asset=asset, lots=lots)
        assert staticcall IERC20(a.token).balanceOf(self) >= convert(a.total + lots, uint256) * a.unit


# ---------------------------------------------------------------------
# Internal
# ---------------------------------------------------------------------

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
    vault_cash.pull(vault_cash.USD, payer, vault_cash.tokens_of(amount))
    self._credit(payer, account, amount)


@internal
def _open(account: uint256):
    """@notice Makes the account of an owner who has none; sub-accounts are made at the desk."""
    if reader.one(vault_cash.HOUSE, words.BUCKET | account) == 0:
        if account > words.OWNER_MASK:
            code.refuse(code.UNKNOWN_ACCOUNT)
        extcall IClearingHouse(vault_cash.HOUSE).open_account(account, limits.CROSS)


@internal
def _credit(payer: address, account: uint256, amount: int256):
    self._open(account)
    vault_cash.book(amount, 0)
    extcall IClearingHouse(vault_cash.HOUSE).credit(account, amount)
    log Deposited(account=account, payer=payer, amount=amount)


@internal
def _sell(account: uint256, buyer: uint256, asset: uint256, lots: int256, cost: int256):
    """@notice Lots go to a buyer, whose cash pays the account for them."""
    extcall IClearingHouse(vault_cash.HOUSE).exit(buyer, cost)
    self._hand(account, buyer, asset, lots, cost)


@internal
def _hand(account: uint256, buyer: uint256, asset: uint256, lots: int256, cost: int256):
    """@notice Lots for what the buyer has paid."""
    extcall IClearingHouse(vault_cash.HOUSE).credit(account, cost)
    collateral.hold(account, asset, -lots)
    collateral.hold(buyer, asset, lots)
    log CollateralSold(account=account, buyer=buyer, asset=asset, lots=lots, amount=cost)


@internal
def _leave(account: uint256, asset: uint256, lots: int256, payee: address):
    """@notice Lots leave an account to a payee, where that may be."""
    if lots <= 0 or payee == self:
        code.refuse(code.BAD_AMOUNT)
    payouts.refuse_closed()
    why: uint256 = staticcall IClearingHouse(vault_cash.HOUSE).exit_fault(account, 0)
    if why != 0:
        code.refuse(why)
    if lots > collateral.held[account][asset]:
        code.refuse(code.WITHDRAWABLE)
    extcall ILending(vault_cash.LENDING).charge(account)
    if collateral.lost_by(account, asset, lots) > leaving.room(vault_cash.HOUSE, account):
        code.refuse(code.WITHDRAWABLE)
    a: collateral.Asset = collateral.assets[asset]
    hour: uint256 = block.timestamp // 3600
    out: int256 = lots if a.hour != hour else a.hour_out + lots
    if out > a.hour_cap:
        code.refuse(code.WITHDRAWAL_LIMIT)
    collateral.assets[asset].hour = hour
    collateral.assets[asset].hour_out = out
    collateral.assets[asset].total = a.total - lots
    collateral.hold(account, asset, -lots)
    log CollateralOut(account=account, asset=asset, lots=lots)
    assert extcall IERC20(a.token).transfer(payee, convert(lots, uint256) * a.unit, default_return_value=True)


@internal
@view
def _only_lp():
    if msg.sender != LP:
        code.refuse(code.NOT_AUTHORISED)
