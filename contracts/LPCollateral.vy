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
import limits
import lp_value
import lp_words
import margin
import reader
import ticks
import words
from ethereum.ercs import IERC20
from interfaces import IClearingHouse


# ---------------------------------------------------------------------
# Interfaces
# ---------------------------------------------------------------------

struct Collecting:
    id: uint256
    recipient: address
    most0: uint128
    most1: uint128

struct Decreasing:
    id: uint256
    liquidity: uint128
    least0: uint256
    least1: uint256
    deadline: uint256

struct Minting:
    token0: address
    token1: address
    fee: uint24
    lower: int24
    upper: int24
    desired0: uint256
    desired1: uint256
    least0: uint256
    least1: uint256
    recipient: address
    deadline: uint256

struct Position:
    nonce: uint96
    operator: address
    token0: address
    token1: address
    fee: uint24
    lower: int24
    upper: int24
    liquidity: uint128
    inside0: uint256
    inside1: uint256
    owed0: uint128
    owed1: uint128

struct Slot:
    sqrt_price: uint160
    tick: int24
    index: uint16
    cardinality: uint16
    next_cardinality: uint16
    protocol: uint8
    unlocked: bool

interface Manager:
    def factory() -> address: view
    def positions(id: uint256) -> Position: view
    def collect(asked: Collecting) -> (uint256, uint256): nonpayable
    def decreaseLiquidity(asked: Decreasing) -> (uint256, uint256): nonpayable
    def mint(asked: Minting) -> (uint256, uint128, uint256, uint256): nonpayable
    def burn(id: uint256): nonpayable
    def transferFrom(owner: address, receiver: address, id: uint256): nonpayable

interface Factory:
    def getPool(token0: address, token1: address, fee: uint24) -> address: view

interface UniswapPool:
    def slot0() -> Slot: view

interface Vault:
    def USD() -> address: view
    def USD_UNIT() -> uint256: view
    def USD_GRAIN() -> uint256: view
    def terms_of(asset: uint256) -> (address, uint256, int256): view
    def counted(asset: uint256) -> (uint256, uint256, uint256): view
    def check_open() -> bool: view
    def open_for(account: uint256): nonpayable
    def take(account: uint256, which: uint256, tokens: uint256): nonpayable


# ---------------------------------------------------------------------
# Immutables
# ---------------------------------------------------------------------

HOUSE: public(immutable(address))
VAULT: public(immutable(address))
MANAGER: public(immutable(address))  # empty: this chain has none, and no position is taken
GOVERNOR: public(immutable(address))
GUARDIAN: public(immutable(address))
USD: immutable(address)
USD_UNIT: immutable(uint256)
USD_GRAIN: immutable(uint256)


# ---------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------

LPS: constant(uint256) = 8  # of one account
POOLS: constant(uint256) = 256
KEYS: constant(uint256) = 8  # USD, and seven collateral assets
MOVES: constant(uint256) = 48
MOVE_ONE: constant(int256) = limits.RATE_ONE * limits.RATE_ONE
ALL: constant(uint128) = max_value(uint128)

struct Pool:
    token0: address
    token1: address
    pool: address
    fee: uint24
    key0: uint256  # 0: USD; else 1 + the collateral asset
    key1: uint256
    weight_initial: uint256  # of what a position is worth, in RATE_ONE
    weight_maintenance: uint256
    scan: uint256  # furthest fall of a token's price that initial margin is ready for, in RATE_ONE
    start: uint256  # liquidity held above which the initial weight shrinks as start / all; 0: never
    width: int256  # least, in ticks
    cap: uint256  # liquidity of all positions held
    hour_cap: uint256  # liquidity that may leave in an hour
    drift: uint256  # furthest that the pool's square-root price may be from the oracles' where liquidity is put in
    is_open: bool


# ---------------------------------------------------------------------
# Storage
# ---------------------------------------------------------------------

pools: public(HashMap[uint256, Pool])
pool_count: public(uint256)
number_of: HashMap[bytes32, uint256]  # hash of tokens and fee -> 1 + pool
rules: HashMap[uint256, uint256]  # what a health check reads of a pool: keys 8 + 8, weights 24 + 24, scan 24, start 128
liquidity_in: public(HashMap[uint256, uint256])  # of all positions held
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

event PoolSet:
    number: indexed(uint256)
    said: Pool

event PoolClosed:
    number: indexed(uint256)


# ---------------------------------------------------------------------
# Set-up
# ---------------------------------------------------------------------

@deploy
def __init__(house: address, vault: address, manager: address, governor: address, guardian: address):
    HOUSE = house
    VAULT = vault
    MANAGER = manager
    GOVERNOR = governor
    GUARDIAN = guardian
    USD = staticcall Vault(vault).USD()
    unit: uint256 = staticcall Vault(vault).USD_UNIT()
    USD_UNIT = max(unit, 1)
    USD_GRAIN = staticcall Vault(vault).USD_GRAIN()


@external
def set_pool(
    number: uint256,
    token0: address,
    token1: address,
    fee: uint24,
    key0: uint256,
    key1: uint256,
    weight_initial: uint256,
    weight_maintenance: uint256,
    scan: uint256,
    start: uint256,
    width: int256,
    cap: uint256,
    hour_cap: uint256,
    drift: uint256,
):
    """
    @notice The governor (a timelock) lists a pool by its tokens and fee, or changes its numbers; its tokens never change.
    @param key0 What token 0 is in the vault: 0 USD, else 1 + its collateral asset. So with `key1`.
    """
    if msg.sender != GOVERNOR:
        code.refuse(code.NOT_AUTHORISED)
    one: uint256 = lp_value.ONE
    key: bytes32 = self._key(token0, token1, fee)
    known: uint256 = self.number_of[key]
    valid: bool = MANAGER != empty(address) and number < POOLS and key0 != key1 and key0 < KEYS and key1 < KEYS
    valid = valid and weight_initial <= weight_maintenance and weight_maintenance <= one and scan < one
    valid = valid and width > 0 and max(cap, start) <= lp_words.LIQUIDITY and drift > 0 and drift < one
    valid = valid and known == (number + 1 if number < self.pool_count else 0) and number <= self.pool_count
    if not valid or not self._fits(key0, token0, weight_maintenance) or not self._fits(key1, token1, weight_maintenance):
        code.refuse(code.BAD_PARAMETER)
    pool: address = staticcall Factory(staticcall Manager(MANAGER).factory()).getPool(token0, token1, fee)
    if pool == empty(address) or convert(token0, uint256) >= convert(token1, uint256):
        code.refuse(code.BAD_PARAMETER)
    said: Pool = Pool(
        token0=token0,
        token1=token1,
        pool=pool,
        fee=fee,
        key0=key0,
        key1=key1,
        weight_initial=weight_initial,
        weight_maintenance=weight_maintenance,
        scan=scan,
        start=start,
        width=width,
        cap=cap,
        hour_cap=hour_cap,
        drift=drift,
        is_open=True,
    )
    self.pools[number] = said
    self.rules[number] = (
        key0 | (key1 << 8) | (weight_initial << 16) | (weight_maintenance << 40) | (scan << 64) | (start << 88)
    )
    if known == 0:
        self.number_of[key] = number + 1
        self.pool_count = number + 1
        for token: address in [token0, token1]:
            assert extcall IERC20(token).approve(MANAGER, max_value(uint256), default_return_value=True)
    log PoolSet(number=number, said=said)


@external
def close(number: uint256):
    """@notice The guardian closes a pool to new positions and more liquidity; only the governor opens it again."""
    if msg.sender != GUARDIAN and msg.sender != GOVERNOR:
        code.refuse(code.NOT_AUTHORISED)
    self.pools[number].is_open = False
    log PoolClosed(number=number)


# ---------------------------------------------------------------------
# Owners
# ---------------------------------------------------------------------

@external
def onERC721Received(operator: address, owner: address, id: uint256, data: Bytes[32]) -> bytes4:
    """
    @notice A position comes in: its owner sends it with the manager's `safeTransferFrom`, and names a sub-account in
            `data` (32 bytes; none: the account itself). One that the manager's operator sends is the owner's still.
    """
    if msg.sender != MANAGER or owner == empty(address):
        code.refuse(code.NOT_AUTHORISED)
    sub: uint256 = 0
    if len(data) == 32:
        sub = convert(convert(data, bytes32), uint256)
    if (len(data) != 0 and len(data) != 32) or sub > limits.SUBACCOUNTS:
        code.refuse(code.UNKNOWN_ACCOUNT)
    account: uint256 = convert(owner, uint256) | (sub << words.SUB_SHIFT)
    extcall Vault(VAULT).open_for(account)
    place: uint256 = self._read(id)
    self._add(account, place)
    log LpIn(account=account, id=id, place=place)
    return method_id("onERC721Received(address,address,uint256,bytes)", output_type=bytes4)


@external
def sync(id: uint256):
    """@notice Counts liquidity that was put into a position with the manager's `increaseLiquidity`. The owner's call."""
    account: uint256 = self._owned(id)
    at: uint256 = self._index(account, id)
    place: uint256 = self.places[account][at]
    after: uint256 = self._read(id)
    more: uint256 = lp_words.liquidity_of(after) - lp_words.liquidity_of(place)
    self.liquidity_in[lp_words.pool_of(place)] += more
    self._check_pool(after)
    self.places[account][at] = after
    log LpChanged(account=account, id=id, place=after, amount0=0, amount1=0)


@external
def collect(id: uint256) -> (uint256, uint256):
    """@notice The fees of a position go to its account; the amounts of both tokens. The owner's call."""
    account: uint256 = self._owned(id)
    place: uint256 = self.places[account][self._index(account, id)]
    amount0: uint256 = 0
    amount1: uint256 = 0
    amount0, amount1 = self._pay_out(id)
    self._book(account, place, amount0, amount1)
    log LpChanged(account=account, id=id, place=place, amount0=amount0, amount1=amount1)
    return amount0, amount1


@external
def decrease(id: uint256, liquidity: uint256, least0: uint256, least1: uint256) -> (uint256, uint256):
    """
    @notice Liquidity of a position, and its fees, go to its account, which must be healthy before and after.
    @param least0 Of token 0 at least so much must come out; so with `least1`.
    """
    account: uint256 = self._owned(id)
    self._check_calm(account)
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
    self.liquidity_in[lp_words.pool_of(place)] -= liquidity
    self._book(account, place, amount0, amount1)
    self._check_margin(account)
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
    self._check_calm(account)
    at: uint256 = self._index(account, id)
    old: uint256 = self.places[account][at]
    number: uint256 = lp_words.pool_of(old)
    pool: Pool = self.pools[number]
    self._check_near(pool)
    self._take_out(id, lp_words.liquidity_of(self._read(id)), 0, 0)
    amount0: uint256 = 0
    amount1: uint256 = 0
    amount0, amount1 = extcall Manager(MANAGER).collect(Collecting(id=id, recipient=self, most0=ALL, most1=ALL))
    extcall Manager(MANAGER).burn(id)
    made: uint256 = 0
    liquidity: uint128 = 0
    used0: uint256 = 0
    used1: uint256 = 0
    made, liquidity, used0, used1 = extcall Manager(MANAGER).mint(
        Minting(
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
    place: uint256 = self._read(made)
    if convert(liquidity, uint256) < least:
        code.refuse(code.BAD_SIZE)
    self.liquidity_in[number] = self.liquidity_in[number] + convert(liquidity, uint256) - lp_words.liquidity_of(old)
    self._check_pool(place)
    self.places[account][at] = place
    self.account_of[id] = 0
    self.account_of[made] = account
    self._book(account, place, amount0 - used0, amount1 - used1)
    self._check_margin(account)
    log LpOut(account=account, id=id, payee=empty(address))
    log LpIn(account=account, id=made, place=place)
    return made


@external
def withdraw(id: uint256, payee: address):
    """@notice A position leaves to `payee`, its fees with it; its account must have its initial margin afterwards."""
    account: uint256 = self._owned(id)
    if payee == empty(address) or payee == self:
        code.refuse(code.BAD_FIELD)
    assert staticcall Vault(VAULT).check_open()
    self._check_calm(account)
    place: uint256 = self._remove(account, id)
    number: uint256 = lp_words.pool_of(place)
    hour: uint256 = block.timestamp // 3600
    out: uint256 = lp_words.liquidity_of(place)
    if self.hour_of[number] == hour:
        out += self.hour_out[number]
    if out > self.pools[number].hour_cap:
        code.refuse(code.WITHDRAWAL_LIMIT)
    self.hour_of[number] = hour
    self.hour_out[number] = out
    self._check_margin(account)
    log LpOut(account=account, id=id, payee=payee)
    extcall Manager(MANAGER).transferFrom(self, payee, id)


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
    if not self._is_due(account):
        code.refuse(code.NOT_DUE)
    place: uint256 = self.places[account][self._index(account, id)]
    amount0: uint256 = 0
    amount1: uint256 = 0
    amount0, amount1 = self._pay_out(id)
    self._book(account, place, amount0, amount1)
    liquidity: uint256 = 0
    if self._is_due(account):
        liquidity = lp_words.liquidity_of(self._read(id))  # more than is counted, after a stranger's gift
        self._take_out(id, liquidity, 0, 0)
        more0: uint256 = 0
        more1: uint256 = 0
        more0, more1 = self._pay_out(id)
        extcall Manager(MANAGER).burn(id)
        self._remove(account, id)
        self._book(account, place, more0, more1)
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
            rule: uint256 = self.rules[last]
            for key: uint256 in [rule & 255, (rule >> 8) & 255]:
                if (known >> key) & 1 == 0:
                    known = known | (1 << key)
                    tokens[key] = self._token(key)
            pair = self._pair(last, rule, tokens[rule & 255], tokens[(rule >> 8) & 255])
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
        rule: uint256 = self.rules[number]
        is_first = rule & 255 == key
        if not is_first and (rule >> 8) & 255 != key:
            continue
        if number != last:
            last = number
            pair = self._pair(number, rule, self._token(rule & 255), self._token((rule >> 8) & 255))
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
@pure
def _key(token0: address, token1: address, fee: uint24) -> bytes32:
    return keccak256(abi_encode(token0, token1, fee))


@internal
@view
def _fits(key: uint256, token: address, weight: uint256) -> bool:
    """
    @notice Whether a token is what the vault has under this key, with lots that the bounds of values allow, and counts
            there no less than the position does: unwinding takes no equity away.
    """
    if key == 0:
        return token == USD
    held: address = empty(address)
    unit: uint256 = 0
    least: int256 = 0
    held, unit, least = staticcall Vault(VAULT).terms_of(key - 1)
    return held == token and token != empty(address) and unit < 2**62 and weight <= convert(least, uint256)


@internal
@view
def _token(key: uint256) -> lp_value.Token:
    if key == 0:
        return lp_value.Token(unit=USD_UNIT, price=USD_GRAIN, low=USD_GRAIN)
    t: lp_value.Token = empty(lp_value.Token)
    t.unit, t.price, t.low = staticcall Vault(VAULT).counted(key - 1)
    return t


@internal
@view
def _pair(number: uint256, rule: uint256, first: lp_value.Token, second: lp_value.Token) -> lp_value.Pair:
    """@notice A pool's two tokens as they count now; the price of USD has no scan."""
    left: uint256 = lp_value.ONE - ((rule >> 64) & (2**24 - 1))
    weight: uint256 = (rule >> 16) & (2**24 - 1)
    start: uint256 = rule >> 88
    if start != 0 and self.liquidity_in[number] > start:
        weight = weight * start // self.liquidity_in[number]
    low0: uint256 = first.low * (left if rule & 255 != 0 else lp_value.ONE)
    low1: uint256 = second.low * (left if (rule >> 8) & 255 != 0 else lp_value.ONE)
    return lp_value.Pair(
        first=first,
        second=second,
        low0=low0,
        low1=low1,
        weight_initial=weight,
        weight_maintenance=(rule >> 40) & (2**24 - 1),
        fair=lp_value.sqrt_price(first, second, first.price, second.price),
        low=lp_value.sqrt_price(first, second, low0, low1),
    )


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
@view
def _read(id: uint256) -> uint256:
    """@notice A position of the manager as a word. Refused when its pool is not listed."""
    if id == 0 or id > words.M64:
        code.refuse(code.BAD_FIELD)
    p: Position = staticcall Manager(MANAGER).positions(id)
    number: uint256 = self.number_of[self._key(p.token0, p.token1, p.fee)]
    if number == 0:
        code.refuse(code.UNKNOWN_MARKET)
    lower: int256 = convert(p.lower, int256)
    return lp_words.place_of(id, number - 1, lower, convert(p.upper, int256), convert(p.liquidity, uint256))


@internal
@view
def _check_pool(place: uint256):
    """@notice Whether a position may be taken: its pool is open, it is wide enough, and the pool's cap holds."""
    number: uint256 = lp_words.pool_of(place)
    pool: Pool = self.pools[number]
    if not pool.is_open:
        code.refuse(code.MARKET_CLOSED)
    if lp_words.upper_of(place) - lp_words.lower_of(place) < pool.width:
        code.refuse(code.BAD_SIZE)
    if lp_words.liquidity_of(place) == 0:
        code.refuse(code.BAD_AMOUNT)
    if self.liquidity_in[number] > pool.cap:
        code.refuse(code.POSITION_CAP)


@internal
def _add(account: uint256, place: uint256):
    at: uint256 = LPS
    for i: uint256 in range(LPS):
        if self.places[account][i] == 0:
            at = i
            break
    if at == LPS:
        code.refuse(code.POSITIONS_FULL)
    self.places[account][at] = place
    self.account_of[lp_words.id_of(place)] = account
    self.liquidity_in[lp_words.pool_of(place)] += lp_words.liquidity_of(place)
    self._check_pool(place)
    if at == 0:
        extcall IClearingHouse(HOUSE).put(words.BUCKET | account, lp_words.HELD, lp_words.HELD)


@internal
def _remove(account: uint256, id: uint256) -> uint256:
    """@notice Takes a position out of an account; the last one comes into its place. Returns its word."""
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
    self.liquidity_in[lp_words.pool_of(place)] -= lp_words.liquidity_of(place)
    if last == 0:
        extcall IClearingHouse(HOUSE).put(words.BUCKET | account, lp_words.HELD, 0)
    return place


@internal
def _take_out(id: uint256, liquidity: uint256, least0: uint256, least1: uint256):
    """@notice Liquidity becomes tokens that the manager owes; they count as the position until they are booked."""
    extcall Manager(MANAGER).decreaseLiquidity(
        Decreasing(
            id=id, liquidity=convert(liquidity, uint128), least0=least0, least1=least1, deadline=block.timestamp
        )
    )


@internal
def _pay_out(id: uint256) -> (uint256, uint256):
    """@notice What the manager owes of a position goes to the vault, fees up to this moment with it."""
    return extcall Manager(MANAGER).collect(Collecting(id=id, recipient=VAULT, most0=ALL, most1=ALL))


@internal
def _send(token: address, amount: uint256):
    if amount > 0:
        assert extcall IERC20(token).transfer(VAULT, amount, default_return_value=True)


@internal
def _book(account: uint256, place: uint256, amount0: uint256, amount1: uint256):
    """@notice Tokens that have reached the vault become the account's."""
    rule: uint256 = self.rules[lp_words.pool_of(place)]
    if amount0 > 0:
        extcall Vault(VAULT).take(account, rule & 255, amount0)
    if amount1 > 0:
        extcall Vault(VAULT).take(account, (rule >> 8) & 255, amount1)


@internal
@view
def _health(account: uint256) -> IClearingHouse.Health:
    return staticcall IClearingHouse(HOUSE).health_after(account, max_value(uint256), 0, 0, 0, 0)


@internal
@view
def _is_due(account: uint256) -> bool:
    """@notice Whether the account is below maintenance, or below liquidation end once its liquidation has begun."""
    h: IClearingHouse.Health = self._health(account)
    if reader.one(HOUSE, words.BUCKET | account) & words.LIQUIDATING == 0:
        return h.equity < h.maintenance
    return h.equity < margin.end_of(reader.one(HOUSE, words.VENUE | words.POLICY), h.maintenance)


@internal
@view
def _check_calm(account: uint256):
    """@notice Refuses an account with a stale price or in liquidation."""
    why: uint256 = staticcall IClearingHouse(HOUSE).exit_fault(account, 0)
    if why != 0:
        code.refuse(why)


@internal
@view
def _check_margin(account: uint256):
    h: IClearingHouse.Health = self._health(account)
    if h.equity_initial < h.initial:
        code.refuse(code.WITHDRAWABLE)


@internal
@view
def _check_near(pool: Pool):
    """@notice Refuses to put liquidity into a pool whose price is away from the oracles', or whose tokens' are stale."""
    first: lp_value.Token = self._token(pool.key0)
    second: lp_value.Token = self._token(pool.key1)
    if first.low == 0 or second.low == 0:
        code.refuse(code.STALE_PRICE)
    fair: uint256 = lp_value.sqrt_price(first, second, first.price, second.price)
    slot: Slot = staticcall UniswapPool(pool.pool).slot0()
    here: uint256 = convert(slot.sqrt_price, uint256)
    apart: uint256 = max(here, fair) - min(here, fair)
    if ticks.mul_div(apart, lp_value.ONE, fair) > pool.drift:
        code.refuse(code.PRICE_BAND)
