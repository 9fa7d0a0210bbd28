# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title LPCollateral: Uniswap v3 positions as margin
@license Apache-2.0
@notice Holds the NFTs of Uniswap's position manager for accounts. A range counts at the oracles' price (lp_value.vy),
        uncollected fees count nothing. Its owner collects, decreases, moves the range and withdraws through here
        while the account is healthy; of an account that is not, anybody unwinds a position: fees first, then
        liquidity. What comes out of Uniswap goes to the CollateralVault and into the account: USD as cash, other tokens as
        collateral, which pay what it owes and are otherwise its owner's.
@custom:security Only the manager's NFTs, of listed pools, from their owner, into an account of the same owner. The pool's
                 own price values nothing and stops no liquidation; it is looked at only where liquidity is put in.
                 A position counts until its tokens are in the vault and is replaced by them in one step without
                 a call to a token, so that a token's hook finds no account poorer or richer.
@custom:kill The guardian closes a pool to new positions (`close`); withdrawals stop with the vault's.
"""

import code
import leaving
import limits
import lp_pools
import lp_value
import lp_words
import ticks
import words
from ethereum.ercs import IERC20
from interfaces import IClearingHouse
from interfaces import ILending
from interfaces import IPositionManager

initializes: lp_pools
exports: (
    lp_pools.VAULT,
    lp_pools.MANAGER,
    lp_pools.GOVERNOR,
    lp_pools.GUARDIAN,
    lp_pools.pools,
    lp_pools.pool_count,
    lp_pools.liquidity_in,
    lp_pools.set_pool,
    lp_pools.close,
)


# ---------------------------------------------------------------------
# Interfaces
# ---------------------------------------------------------------------

interface Vault:
    def check_open() -> bool: view
    def open_for(account: uint256): nonpayable


# ---------------------------------------------------------------------
# Immutables and constants
# ---------------------------------------------------------------------

HOUSE: public(immutable(address))
LENDING: immutable(address)

LPS: constant(uint256) = 8  # of one account
POOLS: constant(uint256) = 256
KEYS: constant(uint256) = 8  # USD, and seven collateral assets
MOVES: constant(uint256) = 48
MOVE_ONE: constant(int256) = limits.RATE_ONE * limits.RATE_ONE
ALL: constant(uint128) = max_value(uint128)


# ---------------------------------------------------------------------
# Storage
# ---------------------------------------------------------------------

hour_of: HashMap[uint256, uint256]
hour_out: HashMap[uint256, uint256]
places: HashMap[uint256, uint256[LPS]]  # account -> its positions, without gaps
account_of: public(HashMap[uint256, uint256])  # NFT -> account


# ---------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------

event LpIn:
    account: indexed(uint256)
    id: indexed(uint256)
    place: uint256

event LpChanged:
    account: indexed(uint256)
    id: indexed(uint256)
    place: uint256
    amount0: uint256
    amount1: uint256

event LpOut:
    account: indexed(uint256)
    id: indexed(uint256)
    payee: address

event LpUnwound:
    account: indexed(uint256)
    id: indexed(uint256)
    liquidity: uint256
    amount0: uint256
    amount1: uint256


# ---------------------------------------------------------------------
# Set-up
# ---------------------------------------------------------------------

@deploy
def __init__(house: address, vault: address, manager: address, governor: address, guardian: address):
    HOUSE = house
    LENDING = staticcall IClearingHouse(house).LENDING()
    lp_pools.__init__(vault, manager, governor, guardian)


# ---------------------------------------------------------------------
# Owners
# ---------------------------------------------------------------------

@external
def onERC721Received(operator: address, owner: address, id: uint256, data: Bytes[32]) -> bytes4:
    """
    @notice A position comes in: its owner sends it with the manager's `safeTransferFrom`, and names a sub-account in
            `data` (32 bytes; none: the account itself). One that the manager's operator sends is the owner's still.
    """
    if msg.sender != lp_pools.MANAGER or owner == empty(address):
        code.refuse(code.NOT_AUTHORISED)
    sub: uint256 = 0
    if len(data) == 32:
        sub = convert(convert(data, bytes32), uint256)
    if (len(data) != 0 and len(data) != 32) or sub > limits.SUBACCOUNTS:
        code.refuse(code.UNKNOWN_ACCOUNT)
    account: uint256 = convert(owner, uint256) | (sub << words.SUB_SHIFT)
    extcall Vault(lp_pools.VAULT).open_for(account)
    place: uint256 = lp_pools.place_at(id)
    self._add(account, place)
    log LpIn(account=account, id=id, place=place)
    return method_id("onERC721Received(address,address,uint256,bytes)", output_type=bytes4)


@external
def sync(id: uint256):
    """@notice Counts liquidity that was put into a position with the manager's `increaseLiquidity`. The owner's call."""
    account: uint256 = self._owned(id)
    extcall ILending(LENDING).charge(account)
    at: uint256 = self._index(account, id)
    place: uint256 = self.places[account][at]
    after: uint256 = lp_pools.place_at(id)
    more: uint256 = lp_words.liquidity_of(after) - lp_words.liquidity_of(place)
    lp_pools.liquidity_in[lp_words.pool_of(place)] += more
    lp_pools.check_pool(after)
    self.places[account][at] = after
    log LpChanged(account=account, id=id, place=after, amount0=0, amount1=0)


@external
def collect(id: uint256) -> (uint256, uint256):
    """@notice The fees of a position go to its account; the amounts of both tokens. The owner's call."""
    account: uint256 = self._owned(id)
    extcall ILending(LENDING).charge(account)
    place: uint256 = self.places[account][self._index(account, id)]
    amount0: uint256 = 0
    amount1: uint256 = 0
    amount0, amount1 = self._pay_out(id)
    lp_pools.book(account, place, amount0, amount1)
    log LpChanged(account=account, id=id, place=place, amount0=amount0, amount1=amount1)
    return amount0, amount1


@external
def decrease(id: uint256, liquidity: uint256, least0: uint256, least1: uint256) -> (uint256, uint256):
    """
    @notice Liquidity of a position, and its fees, go to its account, which must be healthy before and after.
    @param least0 Of token 0 at least so much must come out; so with `least1`.
    """
    account: uint256 = self._owned(id)
    leaving.check_calm(HOUSE, account)
    extcall ILending(LENDING).charge(account)
    at: uint256 = self._index(account, id)
    place: uint256 = self.places[account][at]
    if liquidity == 0 or liquidity >= lp_words.liquidity_of(place):
        code.refuse(code.BAD_AMOUNT)
    self._take_out(id, liquidity, least0, least1)
    amount0: uint256 = 0
    amount1: uint256 = 0
    amount0, amount1 = self._pay_out(id)
    place = lp_words.with_liquidity(place, lp_words.liquidity_of(place) - liquidity)
    self.places[account][at] = place
    lp_pools.liquidity_in[lp_words.pool_of(place)] -= liquidity
    lp_pools.book(account, place, amount0, amount1)
    leaving.check_margin(HOUSE, account)
    log LpChanged(account=account, id=id, place=place, amount0=amount0, amount1=amount1)
    return amount0, amount1


@external
def move(id: uint256, lower: int24, upper: int24, least: uint256) -> uint256:
    """
    @notice Moves a position to another range of its pool in one step: everything out, a new NFT for what fits in, the
            rest to the account, which must be healthy before and after. The pool must be near the oracles' price.
    @param least Liquidity that the new position must have.
    @return The new NFT.
    """
    account: uint256 = self._owned(id)
    leaving.check_calm(HOUSE, account)
    extcall ILending(LENDING).charge(account)
    at: uint256 = self._index(account, id)
    old: uint256 = self.places[account][at]
    number: uint256 = lp_words.pool_of(old)
    pool: lp_pools.Pool = lp_pools.pools[number]
    lp_pools.check_near(pool)
    self._take_out(id, lp_words.liquidity_of(lp_pools.place_at(id)), 0, 0)
    amount0: uint256 = 0
    amount1: uint256 = 0
    amount0, amount1 = extcall IPositionManager(lp_pools.MANAGER).collect(IPositionManager.Collecting(id=id, recipient=self, most0=ALL, most1=ALL))
    extcall IPositionManager(lp_pools.MANAGER).burn(id)
    made: uint256 = 0
    liquidity: uint128 = 0
    used0: uint256 = 0
    used1: uint256 = 0
    made, liquidity, used0, used1 = extcall IPositionManager(lp_pools.MANAGER).mint(
        IPositionManager.Minting(
            token0=pool.token0,
            token1=pool.token1,
            fee=pool.fee,
            lower=lower,
            upper=upper,
            desired0=amount0,
            desired1=amount1,
            least0=0,
            least1=0,
            recipient=self,
            deadline=block.timestamp,
        )
    )
    self._send(pool.token0, amount0 - used0)
    self._send(pool.token1, amount1 - used1)
    place: uint256 = lp_pools.place_at(made)
    if convert(liquidity, uint256) < least:
        code.refuse(code.BAD_SIZE)
    lp_pools.liquidity_in[number] = lp_pools.liquidity_in[number] + convert(liquidity, uint256) - lp_words.liquidity_of(old)
    lp_pools.check_pool(place)
    self.places[account][at] = place
    self.account_of[id] = 0
    self.account_of[made] = account
    lp_pools.book(account, place, amount0 - used0, amount1 - used1)
    leaving.check_margin(HOUSE, account)
    log LpOut(account=account, id=id, payee=empty(address))
    log LpIn(account=account, id=made, place=place)
    return made


@external
def withdraw(id: uint256, payee: address):
    """@notice A position leaves to `payee`, its fees with it; its account keeps its initial margin and its withdrawal floor."""
    account: uint256 = self._owned(id)
    if payee == empty(address) or payee == self:
        code.refuse(code.BAD_FIELD)
    assert staticcall Vault(lp_pools.VAULT).check_open()
    leaving.check_calm(HOUSE, account)
    place: uint256 = self._remove(account, id)
    number: uint256 = lp_words.pool_of(place)
    hour: uint256 = block.timestamp // 3600
    out: uint256 = lp_words.liquidity_of(place)
    if self.hour_of[number] == hour:
        out += self.hour_out[number]
    if out > lp_pools.pools[number].hour_cap:
        code.refuse(code.WITHDRAWAL_LIMIT)
    self.hour_of[number] = hour
    self.hour_out[number] = out
    if leaving.room(HOUSE, account) < 0:
        code.refuse(code.WITHDRAWABLE)
    log LpOut(account=account, id=id, payee=payee)
    extcall IPositionManager(lp_pools.MANAGER).transferFrom(self, payee, id)


# ---------------------------------------------------------------------
# Liquidation
# ---------------------------------------------------------------------

@external
def unwind(id: uint256) -> uint256:
    """
    @notice Anybody unwinds a position of an unhealthy account: its fees go to the account, and where that does not make
            it healthy, all its liquidity. Returns the liquidity taken out. No price bounds it: at a pool moved away
            from the oracles' price a range pays out tokens that are worth more at that price, not less.
    """
    account: uint256 = self.account_of[id]
    if account == 0:
        code.refuse(code.BAD_FIELD)
    if not leaving.is_due(HOUSE, account):
        code.refuse(code.NOT_DUE)
    place: uint256 = self.places[account][self._index(account, id)]
    amount0: uint256 = 0
    amount1: uint256 = 0
    amount0, amount1 = self._pay_out(id)
    lp_pools.book(account, place, amount0, amount1)
    liquidity: uint256 = 0
    if leaving.is_due(HOUSE, account):
        liquidity = lp_words.liquidity_of(lp_pools.place_at(id))  # more than is counted, after a stranger's gift
        self._take_out(id, liquidity, 0, 0)
        more0: uint256 = 0
        more1: uint256 = 0
        more0, more1 = self._pay_out(id)
        extcall IPositionManager(lp_pools.MANAGER).burn(id)
        self._remove(account, id)
        lp_pools.book(account, place, more0, more1)
        amount0 += more0
        amount1 += more1
    log LpUnwound(account=account, id=id, liquidity=liquidity, amount0=amount0, amount1=amount1)
    return liquidity


# ---------------------------------------------------------------------
# Views
# ---------------------------------------------------------------------

@external
@view
@reentrant
def worth(bucket: uint256) -> (int256, int256):
    """@notice What a bucket's positions count for initial margin and for maintenance, each rounded down."""
    tokens: lp_value.Token[KEYS] = empty(lp_value.Token[KEYS])
    known: uint256 = 0
    pair: lp_value.Pair = empty(lp_value.Pair)
    last: uint256 = POOLS
    initial: int256 = 0
    maintenance: int256 = 0
    for i: uint256 in range(LPS):
        place: uint256 = self.places[bucket][i]
        if place == 0:
            break
        if lp_words.pool_of(place) != last:
            last = lp_words.pool_of(place)
            rule: uint256 = lp_pools.rules[last]
            for key: uint256 in [rule & 255, (rule >> 8) & 255]:
                if (known >> key) & 1 == 0:
                    known = known | (1 << key)
                    tokens[key] = lp_pools.token_of(key)
            pair = lp_pools.pair_of(last, rule, tokens[rule & 255], tokens[(rule >> 8) & 255])
        one: int256 = 0
        held: int256 = 0
        one, held = lp_value.values(pair, place)
        initial += one
        maintenance += held
    return initial, maintenance


@external
@view
@reentrant
def shifted(bucket: uint256, key: uint256, moves: DynArray[int256, MOVES]) -> (int256, DynArray[int256, MOVES]):
    """
    @notice Of a bucket's positions with a token: what they hold of it, and what they lose when its price alone makes
            each of these moves, in RATE_ONE^2; both as they count for maintenance. What they lose beyond the move of
            what they hold is their gamma.
    """
    held: int256 = 0
    losses: DynArray[int256, MOVES] = []
    for move: int256 in moves:
        losses.append(0)
    pair: lp_value.Pair = empty(lp_value.Pair)
    last: uint256 = POOLS
    is_first: bool = False
    for i: uint256 in range(LPS):
        place: uint256 = self.places[bucket][i]
        if place == 0:
            break
        number: uint256 = lp_words.pool_of(place)
        rule: uint256 = lp_pools.rules[number]
        is_first = rule & 255 == key
        if not is_first and (rule >> 8) & 255 != key:
            continue
        if number != last:
            last = number
            pair = lp_pools.pair_of(number, rule, lp_pools.token_of(rule & 255), lp_pools.token_of((rule >> 8) & 255))
        lower: uint256 = ticks.sqrt_at(lp_words.lower_of(place))
        upper: uint256 = ticks.sqrt_at(lp_words.upper_of(place))
        liquidity: uint256 = lp_words.liquidity_of(place)
        price0: uint256 = pair.first.price
        price1: uint256 = pair.second.price
        now: int256 = 0
        own: int256 = 0
        now, own = lp_value.maintenance_at(pair, lower, upper, liquidity, price0, price1, is_first)
        held += own
        for j: uint256 in range(len(moves), bound=MOVES):
            moved: uint256 = convert(max(0, MOVE_ONE + moves[j]), uint256)
            if is_first:
                price0 = pair.first.price * moved // convert(MOVE_ONE, uint256)
            else:
                price1 = pair.second.price * moved // convert(MOVE_ONE, uint256)
            then: int256 = lp_value.maintenance_at(pair, lower, upper, liquidity, price0, price1, is_first)[0]
            losses[j] += now - then
    return held, losses


@external
@view
@reentrant
def places_of(bucket: uint256) -> DynArray[uint256, LPS]:
    """@notice The words of a bucket's positions (lp_words.vy)."""
    found: DynArray[uint256, LPS] = []
    for i: uint256 in range(LPS):
        place: uint256 = self.places[bucket][i]
        if place == 0:
            break
        found.append(place)
    return found


# ---------------------------------------------------------------------
# Internal
# ---------------------------------------------------------------------


@internal
@view
def _owned(id: uint256) -> uint256:
    """@notice The account of a position of the caller."""
    account: uint256 = self.account_of[id]
    if account == 0 or account & words.OWNER_MASK != convert(msg.sender, uint256):
        code.refuse(code.NOT_AUTHORISED)
    return account


@internal
@view
def _index(account: uint256, id: uint256) -> uint256:
    """@notice The place of a position that the account holds."""
    for i: uint256 in range(LPS):
        if lp_words.id_of(self.places[account][i]) == id:
            return i
    raise "place"


@internal
def _add(account: uint256, place: uint256):
    extcall ILending(LENDING).charge(account)
    at: uint256 = LPS
    for i: uint256 in range(LPS):
        if self.places[account][i] == 0:
            at = i
            break
    if at == LPS:
        code.refuse(code.POSITIONS_FULL)
    self.places[account][at] = place
    self.account_of[lp_words.id_of(place)] = account
    lp_pools.liquidity_in[lp_words.pool_of(place)] += lp_words.liquidity_of(place)
    lp_pools.check_pool(place)
    if at == 0:
        extcall IClearingHouse(HOUSE).put(words.BUCKET | account, lp_words.HELD, lp_words.HELD)
        extcall ILending(LENDING).renew(account)


@internal
def _remove(account: uint256, id: uint256) -> uint256:
    """@notice Takes a position out of an account, whose interest is charged; the last one comes into its place. Returns its word."""
    extcall ILending(LENDING).charge(account)
    at: uint256 = self._index(account, id)
    place: uint256 = self.places[account][at]
    last: uint256 = at
    for i: uint256 in range(LPS):
        if self.places[account][i] == 0:
            break
        last = i
    self.places[account][at] = self.places[account][last]
    self.places[account][last] = 0
    self.account_of[id] = 0
    lp_pools.liquidity_in[lp_words.pool_of(place)] -= lp_words.liquidity_of(place)
    if last == 0:
        extcall IClearingHouse(HOUSE).put(words.BUCKET | account, lp_words.HELD, 0)
        extcall ILending(LENDING).renew(account)
    return place


@internal
def _take_out(id: uint256, liquidity: uint256, least0: uint256, least1: uint256):
    """@notice Liquidity becomes tokens that the manager owes; they count as the position until they are booked."""
    extcall IPositionManager(lp_pools.MANAGER).decreaseLiquidity(
        IPositionManager.Decreasing(
            id=id, liquidity=convert(liquidity, uint128), least0=least0, least1=least1, deadline=block.timestamp
        )
    )


@internal
def _pay_out(id: uint256) -> (uint256, uint256):
    """@notice What the manager owes of a position goes to the vault, fees up to this moment with it."""
    return extcall IPositionManager(lp_pools.MANAGER).collect(IPositionManager.Collecting(id=id, recipient=lp_pools.VAULT, most0=ALL, most1=ALL))


@internal
def _send(token: address, amount: uint256):
    if amount > 0:
        assert extcall IERC20(token).transfer(lp_pools.VAULT, amount, default_return_value=True)


