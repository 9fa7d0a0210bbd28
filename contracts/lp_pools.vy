# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title The Uniswap v3 pools whose positions are taken: terms, liquidity held, what a pair's tokens count
@license Apache-2.0
@custom:kill The guardian closes a pool to new positions and more liquidity (`close`).
"""

import code
import lp_value
import lp_words
import ticks
import words
from ethereum.ercs import IERC20
from interfaces import IPositionManager

struct Slot:
    sqrt_price: uint160
    tick: int24
    index: uint16
    cardinality: uint16
    next_cardinality: uint16
    protocol: uint8
    unlocked: bool

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
    def take(account: uint256, which: uint256, tokens: uint256): nonpayable

VAULT: public(immutable(address))
MANAGER: public(immutable(address))  # empty: this chain has none, and no position is taken
GOVERNOR: public(immutable(address))
GUARDIAN: public(immutable(address))
USD: immutable(address)
USD_UNIT: immutable(uint256)
USD_GRAIN: immutable(uint256)

POOLS: constant(uint256) = 256
KEYS: constant(uint256) = 8  # USD, and seven collateral assets

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

pools: public(HashMap[uint256, Pool])
pool_count: public(uint256)
number_of: HashMap[bytes32, uint256]  # hash of tokens and fee -> 1 + pool
rules: HashMap[uint256, uint256]  # what a health check reads of a pool: keys 8 + 8, weights 24 + 24, scan 24, start 128
liquidity_in: public(HashMap[uint256, uint256])  # of all positions held

event PoolSet:
    number: indexed(uint256)
    said: Pool

event PoolClosed:
    number: indexed(uint256)


@deploy
def __init__(vault: address, manager: address, governor: address, guardian: address):
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
    key: bytes32 = self.key_of(token0, token1, fee)
    known: uint256 = self.number_of[key]
    valid: bool = MANAGER != empty(address) and number < POOLS and key0 != key1 and key0 < KEYS and key1 < KEYS
    valid = valid and weight_initial <= weight_maintenance and weight_maintenance <= one and scan < one
    valid = valid and width > 0 and max(cap, start) <= lp_words.LIQUIDITY and drift > 0 and drift < one
    valid = valid and known == (number + 1 if number < self.pool_count else 0) and number <= self.pool_count
    if not valid or not self.fits(key0, token0, weight_maintenance) or not self.fits(key1, token1, weight_maintenance):
        code.refuse(code.BAD_PARAMETER)
    pool: address = staticcall Factory(staticcall IPositionManager(MANAGER).factory()).getPool(token0, token1, fee)
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


@internal
@pure
def key_of(token0: address, token1: address, fee: uint24) -> bytes32:
    return keccak256(abi_encode(token0, token1, fee))


@internal
@view
def fits(key: uint256, token: address, weight: uint256) -> bool:
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
def token_of(key: uint256) -> lp_value.Token:
    if key == 0:
        return lp_value.Token(unit=USD_UNIT, price=USD_GRAIN, low=USD_GRAIN)
    t: lp_value.Token = empty(lp_value.Token)
    t.unit, t.price, t.low = staticcall Vault(VAULT).counted(key - 1)
    return t


@internal
@view
def pair_of(number: uint256, rule: uint256, first: lp_value.Token, second: lp_value.Token) -> lp_value.Pair:
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
def check_near(pool: Pool):
    """@notice Refuses to put liquidity into a pool whose price is away from the oracles', or whose tokens' are stale."""
    first: lp_value.Token = self.token_of(pool.key0)
    second: lp_value.Token = self.token_of(pool.key1)
    if first.low == 0 or second.low == 0:
        code.refuse(code.STALE_PRICE)
    fair: uint256 = lp_value.sqrt_price(first, second, first.price, second.price)
    slot: Slot = staticcall UniswapPool(pool.pool).slot0()
    here: uint256 = convert(slot.sqrt_price, uint256)
    apart: uint256 = max(here, fair) - min(here, fair)
    if ticks.mul_div(apart, lp_value.ONE, fair) > pool.drift:
        code.refuse(code.PRICE_BAND)


@internal
@view
def place_at(id: uint256) -> uint256:
    """@notice A position of the manager as a word. Refused when its pool is not listed."""
    if id == 0 or id > words.M64:
        code.refuse(code.BAD_FIELD)
    p: IPositionManager.Position = staticcall IPositionManager(MANAGER).positions(id)
    number: uint256 = self.number_of[self.key_of(p.token0, p.token1, p.fee)]
    if number == 0:
        code.refuse(code.UNKNOWN_MARKET)
    lower: int256 = convert(p.lower, int256)
    return lp_words.place_of(id, number - 1, lower, convert(p.upper, int256), convert(p.liquidity, uint256))


@internal
@view
def check_pool(place: uint256):
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
def book(account: uint256, place: uint256, amount0: uint256, amount1: uint256):
    """@notice Tokens that have reached the vault become the account's."""
    rule: uint256 = self.rules[lp_words.pool_of(place)]
    if amount0 > 0:
        extcall Vault(VAULT).take(account, rule & 255, amount0)
    if amount1 > 0:
        extcall Vault(VAULT).take(account, (rule >> 8) & 255, amount1)
