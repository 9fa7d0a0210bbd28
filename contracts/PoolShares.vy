# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title PoolShares: the shares of one pool, an ERC-4626 vault over the venue's USD
@license Apache-2.0
@notice `deposit` and `redeem` move tokens of a wallet; `join` and `leave` move cash of the holder's own account at the
        venue. Shares stay for the pool's lock after an add, and are not sent on before; when a pool has died its shares are void
        and a new round begins.
@custom:security Rounds against who joins or leaves; donations do not move the price of a share but by the pool's equity,
                 of which the first million shares are nobody's.
@custom:kill HALTED (RiskSteward) stops joins and leaves; transfers go on.
"""

import code
import limits
import share_price
import words
from ethereum.ercs import IERC20

implements: IERC20

interface IPools:
    def join(account: uint256, holder: address, amount: int256) -> int256: nonpayable
    def leave(account: uint256, holder: address, since: uint256, size: int256, held: int256) -> int256: nonpayable
    def ask_to_leave(holder: address): nonpayable
    def worth_of(pool: uint256) -> (int256, int256, int256): view
    def lock_of(pool: uint256) -> uint256: view

interface IVault:
    def deposit(account: uint256, amount: int256): nonpayable
    def withdraw(sub: uint256, amount: int256, payee: address) -> uint256: nonpayable
    def claim(number: uint256): nonpayable
    def USD() -> address: view
    def USD_UNIT() -> uint256: view
    def USD_GRAIN() -> uint256: view

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

event Approval:
    owner: indexed(address)
    spender: indexed(address)
    value: uint256

event Deposit:
    sender: indexed(address)
    owner: indexed(address)
    assets: uint256
    shares: uint256

event Withdraw:
    sender: indexed(address)
    receiver: indexed(address)
    owner: indexed(address)
    assets: uint256
    shares: uint256

POOLS: public(immutable(address))
VAULT: public(immutable(address))
POOL: public(immutable(uint256))
asset: public(immutable(address))
UNIT: immutable(uint256)
GRAIN: immutable(uint256)
decimals: public(constant(uint8)) = 6
name: public(String[64])
symbol: public(String[32])

round: public(uint256)  # of the pool's life: shares of an earlier one are void
balances: HashMap[uint256, HashMap[address, uint256]]
supply: HashMap[uint256, uint256]
since: public(HashMap[address, uint256])  # last add (s)
allowance: public(HashMap[address, HashMap[address, uint256]])


@deploy
def __init__(pools: address, vault: address, market: uint256, which: uint256, name_: String[64], symbol_: String[32]):
    POOLS = pools
    VAULT = vault
    POOL = words.pool_of(market, which)
    asset = staticcall IVault(vault).USD()
    UNIT = staticcall IVault(vault).USD_UNIT()
    GRAIN = staticcall IVault(vault).USD_GRAIN()
    self.name = name_
    self.symbol = symbol_


# ---------------------------------------------------------------------
# ERC-20
# ---------------------------------------------------------------------

@external
@view
@reentrant
def balanceOf(owner: address) -> uint256:
    return self.balances[self.round][owner]


@external
@view
@reentrant
def totalSupply() -> uint256:
    return self.supply[self.round]


@external
def transfer(receiver: address, amount: uint256) -> bool:
    self._move(msg.sender, receiver, amount)
    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    self._spend(owner, amount)
    self._move(owner, receiver, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    log Approval(owner=msg.sender, spender=spender, value=amount)
    return True


# ---------------------------------------------------------------------
# The pool's side
# ---------------------------------------------------------------------

@external
@reentrant
def issue(to: address, shares: int256):
    """@notice By the pools alone: new shares, which stay for the pool's lock."""
    assert msg.sender == POOLS, "pools"
    self.balances[self.round][to] += convert(shares, uint256)
    self.supply[self.round] += convert(shares, uint256)
    self.since[to] = block.timestamp
    log Transfer(sender=empty(address), receiver=to, value=convert(shares, uint256))


@external
@reentrant
def retire(owner: address, shares: int256):
    assert msg.sender == POOLS, "pools"
    self.balances[self.round][owner] -= convert(shares, uint256)
    self.supply[self.round] -= convert(shares, uint256)
    log Transfer(sender=owner, receiver=empty(address), value=convert(shares, uint256))


@external
@reentrant
def restart():
    assert msg.sender == POOLS, "pools"
    self.round += 1


# ---------------------------------------------------------------------
# By cash of the holder's account
# ---------------------------------------------------------------------

@external
def join(sub: uint256, amount: int256) -> int256:
    """@notice Cash of the caller's account joins the pool."""
    return extcall IPools(POOLS).join(self._account(sub), msg.sender, amount)


@external
def leave(sub: uint256, shares: int256) -> int256:
    """@notice Shares of the caller become cash of its account."""
    held: int256 = convert(self.balances[self.round][msg.sender], int256)
    return extcall IPools(POOLS).leave(self._account(sub), msg.sender, self.since[msg.sender], shares, held)


@external
def ask_to_leave():
    """@notice Says that the caller will leave a backstop: it may from an hour later, for a day."""
    extcall IPools(POOLS).ask_to_leave(msg.sender)


# ---------------------------------------------------------------------
# ERC-4626
# ---------------------------------------------------------------------

@external
@view
def totalAssets() -> uint256:
    return self._tokens(max(0, self._worth()[0]))


@external
@view
def convertToShares(assets: uint256) -> uint256:
    return self._shares_for(self._micro(assets))


@external
@view
def convertToAssets(shares: uint256) -> uint256:
    return self._tokens(self._cash_for(shares))


@external
@view
def previewDeposit(assets: uint256) -> uint256:
    return self._shares_for(self._micro(assets))


@external
@view
def previewMint(shares: uint256) -> uint256:
    return self._tokens(self._cost_of(shares))


@external
@view
def previewRedeem(shares: uint256) -> uint256:
    return self._tokens(self._cash_for(shares))


@external
@view
def previewWithdraw(assets: uint256) -> uint256:
    return self._shares_of(self._micro(assets))


@external
@view
def maxDeposit(receiver: address) -> uint256:
    return self._tokens(limits.AMOUNT_MAX)


@external
@view
def maxMint(receiver: address) -> uint256:
    return self._shares_for(limits.AMOUNT_MAX)


@external
@view
def maxRedeem(owner: address) -> uint256:
    return self.balances[self.round][owner]


@external
@view
def maxWithdraw(owner: address) -> uint256:
    return self._tokens(self._cash_for(self.balances[self.round][owner]))


@external
def deposit(assets: uint256, receiver: address) -> uint256:
    return self._deposit(assets, receiver)


@external
def mint(shares: uint256, receiver: address) -> uint256:
    """@notice Takes what the shares cost, rounded up; what rounding leaves over buys shares too."""
    assets: uint256 = self._tokens(self._cost_of(shares))
    self._deposit(assets, receiver)
    return assets


@external
def redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    return self._redeem(shares, receiver, owner)


@external
def withdraw(assets: uint256, receiver: address, owner: address) -> uint256:
    shares: uint256 = self._shares_of(self._micro(assets))
    self._redeem(shares, receiver, owner)
    return shares


# ---------------------------------------------------------------------
# Internal
# ---------------------------------------------------------------------

@internal
@view
def _account(sub: uint256) -> uint256:
    if sub > limits.SUBACCOUNTS:
        code.refuse(code.UNKNOWN_ACCOUNT)
    return convert(msg.sender, uint256) | (sub << words.SUB_SHIFT)


@internal
@view
def _worth() -> (int256, int256, int256):
    return staticcall IPools(POOLS).worth_of(POOL)


@internal
@view
def _tokens(amount: int256) -> uint256:
    """@notice Units of the token in micro-USD, rounded down."""
    micro: uint256 = convert(amount, uint256)
    return micro * UNIT if UNIT != 0 else micro // GRAIN


@internal
@view
def _micro(assets: uint256) -> int256:
    return convert(assets // UNIT if UNIT != 0 else assets * GRAIN, int256)


@internal
@view
def _shares_for(amount: int256) -> uint256:
    """@notice Shares for who joins, rounded down. A pool that begins anew gives one a micro-USD."""
    low: int256 = 0
    high: int256 = 0
    shares: int256 = 0
    low, high, shares = self._worth()
    if shares == 0 or high <= 0:
        return convert(max(0, amount - 1_000_000), uint256)
    return convert(share_price.minted(amount, shares, high), uint256)


@internal
@view
def _cost_of(shares: uint256) -> int256:
    """@notice What shares cost who joins, rounded up."""
    low: int256 = 0
    high: int256 = 0
    all: int256 = 0
    low, high, all = self._worth()
    if all == 0 or high <= 0:
        return convert(shares, int256) + 1_000_000
    return share_price.cost(convert(shares, int256), all, high)


@internal
@view
def _cash_for(shares: uint256) -> int256:
    """@notice What shares bring who leaves, rounded down."""
    low: int256 = 0
    high: int256 = 0
    all: int256 = 0
    low, high, all = self._worth()
    if all == 0 or low <= 0:
        return 0
    return share_price.paid(convert(shares, int256), all, low)


@internal
@view
def _shares_of(amount: int256) -> uint256:
    """@notice Shares that bring an amount to who leaves, rounded up."""
    low: int256 = 0
    high: int256 = 0
    all: int256 = 0
    low, high, all = self._worth()
    assert low > 0, "worth"
    return convert(share_price.burned(amount, all, low), uint256)


@internal
def _deposit(assets: uint256, receiver: address) -> uint256:
    amount: int256 = self._micro(assets)
    tokens: uint256 = self._tokens(amount)
    assert extcall IERC20(asset).transferFrom(msg.sender, self, tokens, default_return_value=True)
    assert extcall IERC20(asset).approve(VAULT, tokens, default_return_value=True)
    mine: uint256 = convert(self, uint256)
    extcall IVault(VAULT).deposit(mine, amount)
    shares: int256 = extcall IPools(POOLS).join(mine, receiver, amount)
    log Deposit(sender=msg.sender, owner=receiver, assets=tokens, shares=convert(shares, uint256))
    return convert(shares, uint256)


@internal
def _redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    if msg.sender != owner:
        self._spend(owner, shares)
    mine: uint256 = convert(self, uint256)
    held: int256 = convert(self.balances[self.round][owner], int256)
    paid: int256 = extcall IPools(POOLS).leave(mine, owner, self.since[owner], convert(shares, int256), held)
    if UNIT == 0:
        paid -= paid % convert(GRAIN, int256)
    number: uint256 = extcall IVault(VAULT).withdraw(0, paid, receiver)
    extcall IVault(VAULT).claim(number)
    tokens: uint256 = self._tokens(paid)
    log Withdraw(sender=msg.sender, receiver=receiver, owner=owner, assets=tokens, shares=shares)
    return tokens


@internal
def _spend(owner: address, amount: uint256):
    left: uint256 = self.allowance[owner][msg.sender]
    if left != max_value(uint256):
        self.allowance[owner][msg.sender] = left - amount


@internal
def _move(owner: address, receiver: address, amount: uint256):
    """@notice Sends shares on; not while they are locked."""
    assert receiver != empty(address), "receiver"
    if block.timestamp < self.since[owner] + staticcall IPools(POOLS).lock_of(POOL):
        code.refuse(code.NOT_DUE)
    self.balances[self.round][owner] -= amount
    self.balances[self.round][receiver] += amount
    log Transfer(sender=owner, receiver=receiver, value=amount)
