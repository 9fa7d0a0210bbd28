# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Pools: shares of the AMM pools and backstop vaults, and money of the insurance funds. src/seawall/engine/pools.py
@license Apache-2.0
@notice A pool is a bucket of its market and answers with its own cash alone. Who adds gets floor(amount * shares /
        equity); who leaves is paid floor(shares * equity / all shares), equity less what the AMM's skew will pay back.
        The first million shares, 1 USD, are nobody's: gifts cannot make a share too dear for the next to join. The
        shares themselves are tokens (PoolShares), one contract a pool.
@custom:security Nobody leaves a backstop but an hour after saying so: what is due for liquidation by then is theirs.
@custom:kill HALTED (RiskSteward) stops joins and leaves.
"""

import amm
import code
import limits
import lp_words
import margin
import reader
import share_price
import words
from interfaces import IClearingHouse

interface Vault:
    def held(account: uint256, asset: uint256) -> int256: view
    def counted(asset: uint256) -> (uint256, uint256, uint256): view
    def worth_maintenance(bucket: uint256) -> int256: view

interface Shares:
    def issue(to: address, shares: int256): nonpayable
    def retire(owner: address, shares: int256): nonpayable
    def restart(): nonpayable


# ---------------------------------------------------------------------
# Immutables
# ---------------------------------------------------------------------

HOUSE: public(immutable(address))
GOVERNOR: public(immutable(address))
VAULT: immutable(address)


# ---------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------

ADD_MIN: constant(int256) = 10_000_000  # micro-USD
LOCKED: constant(int256) = 1_000_000
SHARES_MAX: constant(int256) = 2**60
NO_MARKET: constant(uint256) = max_value(uint256)
LOCK: constant(uint256) = 216  # of the word POOL: s that shares stay after an add
NOBODY: constant(address) = 0x0000000000000000000000000000000000000001


# ---------------------------------------------------------------------
# Storage
# ---------------------------------------------------------------------

token_of: public(HashMap[uint256, address])  # pool -> its shares
pool_of: public(HashMap[address, uint256])
asked: public(HashMap[uint256, HashMap[address, uint256]])  # pool -> holder -> when it asked to leave (s)


# ---------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------

event PoolNamed:
    pool: indexed(uint256)
    token: address

event SharesMoved:
    pool: indexed(uint256)
    holder: indexed(address)
    shares: int256
    amount: int256


@deploy
def __init__(house: address, governor: address):
    HOUSE = house
    GOVERNOR = governor
    VAULT = staticcall IClearingHouse(house).VAULT()


@external
def name_pool(market: uint256, which: uint256, token: address):
    """@notice The governor names the token of a pool, once, and makes its bucket."""
    pool: uint256 = words.pool_of(market, which)
    if msg.sender != GOVERNOR or which > 1 or self.token_of[pool] != empty(address) or token == empty(address):
        code.refuse(code.NOT_AUTHORISED)
    self.token_of[pool] = token
    self.pool_of[token] = pool
    kind: uint256 = limits.AMM_POOL if which == words.AMM else limits.BACKSTOP_POOL
    extcall IClearingHouse(HOUSE).open_account(pool, kind)
    log PoolNamed(pool=pool, token=token)


# ---------------------------------------------------------------------
# Shares: called by their tokens
# ---------------------------------------------------------------------

@external
def join(account: uint256, holder: address, amount: int256) -> int256:
    """@notice Cash of an account joins the caller's pool for shares of `holder`, rounded down."""
    pool: uint256 = self._caller_pool()
    if amount < ADD_MIN or amount > limits.AMOUNT_MAX:
        code.refuse(code.BAD_AMOUNT)
    market: uint256 = words.own_market(pool) - 1
    q: reader.Quoted = reader.quoted(HOUSE, market, self._which(pool))
    if margin.status_of(q.terms.word) == limits.UNLISTED:
        code.refuse(code.UNKNOWN_MARKET)
    self._check_movable(pool, q)
    why: uint256 = staticcall IClearingHouse(HOUSE).exit_fault(account, amount)
    if why != 0:
        code.refuse(why)
    shares: int256 = self._shares(pool)
    minted: int256 = 0
    raw: int256 = words.signed64(q.head, 0)
    if words.count_of(q.head) == 0 and raw >= 0 and raw < LOCKED and q.head & lp_words.TOKENS == 0:
        minted = self._restart(pool, market, raw, amount)
        shares = LOCKED
    else:
        low: int256 = 0
        high: int256 = 0
        low, high = self._worth(pool, q)
        if low <= 0 or shares == 0:
            code.refuse(code.POOL_MARGIN)
        if amount * shares > high * (SHARES_MAX - shares):
            code.refuse(code.POOL_CAP)
        minted = share_price.minted(amount, shares, high)
        if minted == 0:
            code.refuse(code.POOL_CAP)
    extcall IClearingHouse(HOUSE).exit(account, amount)
    extcall IClearingHouse(HOUSE).credit(pool, amount)
    self._count(pool, shares + minted)
    extcall Shares(msg.sender).issue(holder, minted)
    log SharesMoved(pool=pool, holder=holder, shares=minted, amount=amount)
    return minted


@external
def ask_to_leave(holder: address):
    """@notice A holder of backstop shares says that it will leave; it may from an hour later, for a day."""
    pool: uint256 = self._caller_pool()
    self.asked[pool][holder] = block.timestamp


@external
def leave(account: uint256, holder: address, since: uint256, size: int256, held: int256) -> int256:
    """@notice Shares of `holder` leave the caller's pool for cash of an account, rounded down."""
    pool: uint256 = self._caller_pool()
    if size <= 0:
        code.refuse(code.BAD_SIZE)
    if held == 0:
        code.refuse(code.NO_POSITION)
    q: reader.Quoted = reader.quoted(HOUSE, words.own_market(pool) - 1, self._which(pool))
    self._check_movable(pool, q)
    if block.timestamp < since + ((q.terms.pool >> LOCK) & (2**22 - 1)):
        code.refuse(code.NOT_DUE)
    if self._which(pool) == words.BACKSTOP:
        said: uint256 = self.asked[pool][holder]
        if said == 0 or block.timestamp < said + 3600 or block.timestamp > said + 90_000:
            code.refuse(code.NOT_DUE)
    if size > held:
        code.refuse(code.WITHDRAWABLE)
    low: int256 = self._worth(pool, q)[0]
    if low <= 0:
        code.refuse(code.POOL_MARGIN)
    shares: int256 = self._shares(pool)
    paid: int256 = share_price.paid(size, shares, low)
    if paid == 0:
        code.refuse(code.BAD_SIZE)
    after: IClearingHouse.Health = staticcall IClearingHouse(HOUSE).health_after(pool, NO_MARKET, 0, 0, paid, 0)
    if after.equity <= 0 or after.equity_initial < after.initial:
        code.refuse(code.POOL_MARGIN)
    if q.head & lp_words.TOKENS != 0 and paid > (staticcall IClearingHouse(HOUSE).cash_of(pool, NO_MARKET))[0]:
        code.refuse(code.POOL_MARGIN)
    extcall IClearingHouse(HOUSE).credit(pool, -paid)
    extcall IClearingHouse(HOUSE).credit(account, paid)
    self._count(pool, shares - size)
    extcall Shares(msg.sender).retire(holder, size)
    log SharesMoved(pool=pool, holder=holder, shares=-size, amount=-paid)
    return paid


# ---------------------------------------------------------------------
# Insurance
# ---------------------------------------------------------------------

@external
def insure(sub: uint256, market: uint256, amount: int256):
    """@notice Cash of the caller's account becomes the market's insurance, for good."""
    if amount <= 0 or amount > limits.AMOUNT_MAX:
        code.refuse(code.BAD_AMOUNT)
    if margin.status_of(reader.one(HOUSE, words.MARKET | words.PRICE | market)) == limits.UNLISTED:
        code.refuse(code.UNKNOWN_MARKET)
    pool: uint256 = words.pool_of(market, words.AMM)
    extcall IClearingHouse(HOUSE).exit(convert(msg.sender, uint256) | ((sub & 255) << words.SUB_SHIFT), amount)
    extcall IClearingHouse(HOUSE).credit(pool, amount)
    extcall IClearingHouse(HOUSE).claim(market, pool, -amount, False)


# ---------------------------------------------------------------------
# Views
# ---------------------------------------------------------------------

@external
@view
@reentrant
def worth_of(pool: uint256) -> (int256, int256, int256):
    """@notice (equity for who leaves, for who joins, shares) of a pool."""
    low: int256 = 0
    high: int256 = 0
    low, high = self._worth(pool, reader.quoted(HOUSE, words.own_market(pool) - 1, self._which(pool)))
    return low, high, self._shares(pool)


@external
@view
@reentrant
def lock_of(pool: uint256) -> uint256:
    """@notice How long shares stay after an add (s)."""
    return (reader.one(HOUSE, words.MARKET | words.POOL | (words.own_market(pool) - 1)) >> LOCK) & (2**22 - 1)


# ---------------------------------------------------------------------
# Internal
# ---------------------------------------------------------------------

@internal
@view
def _caller_pool() -> uint256:
    pool: uint256 = self.pool_of[msg.sender]
    if pool == 0:
        code.refuse(code.NOT_AUTHORISED)
    return pool


@internal
@pure
def _which(pool: uint256) -> uint256:
    return (pool >> words.SUB_SHIFT) & 255


@internal
@view
def _shares(pool: uint256) -> int256:
    short: uint256 = reader.one(HOUSE, words.MARKET | words.SHORT | (words.own_market(pool) - 1))
    return words.field(short, 128 + 64 * self._which(pool), 64)


@internal
def _count(pool: uint256, shares: int256):
    start: uint256 = 128 + 64 * self._which(pool)
    key: uint256 = words.MARKET | words.SHORT | (words.own_market(pool) - 1)
    extcall IClearingHouse(HOUSE).put(key, words.M64 << start, convert(shares, uint256) << start)


@internal
@view
def _check_movable(pool: uint256, q: reader.Quoted):
    """@notice Not in a halt, priced, and the pool not being liquidated."""
    if (q.terms.policy >> margin.VENUE_STATUS) & 15 >= limits.HALTED:
        code.refuse(code.VENUE_HALTED)
    if margin.status_of(q.terms.word) == limits.HALTED:
        code.refuse(code.MARKET_CLOSED)
    if words.count_of(q.head) != 0 and not margin.is_fresh(q.terms.word, q.terms.risk, block.timestamp * 1000):
        code.refuse(code.STALE_PRICE)
    well: bool = reader.is_well(q)
    if q.head & lp_words.TOKENS != 0:
        h: IClearingHouse.Health = staticcall IClearingHouse(HOUSE).health_after(pool, NO_MARKET, 0, 0, 0, 0)
        well = h.equity >= h.maintenance and q.head & words.LIQUIDATING == 0
    if not well:
        code.refuse(code.BEING_LIQUIDATED)


@internal
@view
def _worth(pool: uint256, q: reader.Quoted) -> (int256, int256):
    """
    @notice Equity of a pool for who leaves and for who joins, less the impact that an AMM pays back. Collateral that a vault
            has bought is worth its price to who joins, and what it counts for maintenance to who leaves.
    """
    h: margin.Health = margin.alone(q.terms, words.signed64(q.head, 0), q.held, 0, 0)
    if q.head & lp_words.TOKENS != 0:
        return h.equity + staticcall Vault(VAULT).worth_maintenance(pool), h.equity + self._fair_value(pool, q.head)
    if words.kind_of(q.head) != limits.AMM_POOL or q.held.size == 0:
        return h.equity, h.equity
    back: int256 = 0
    over: int256 = 0
    back, over = amm.impact_of(q.terms, q.held.size)
    return h.equity - back - over, h.equity - back


@internal
@view
def _fair_value(pool: uint256, head: uint256) -> int256:
    """@notice What a pool's collateral is worth at the prices that keep it, unweighted."""
    total: int256 = 0
    for asset: uint256 in range(7):
        if (head >> (words.ASSETS_SHIFT + asset)) & 1 == 1:
            price: uint256 = (staticcall Vault(VAULT).counted(asset))[1]
            total += staticcall Vault(VAULT).held(pool, asset) * convert(price, int256)
    return total


@internal
def _restart(pool: uint256, market: uint256, left: int256, amount: int256) -> int256:
    """@notice The first add, or the first after the pool died: old shares are void, what was left is insurance."""
    if left != 0:
        extcall IClearingHouse(HOUSE).claim(market, pool, -left, False)
    extcall Shares(msg.sender).restart()
    extcall Shares(msg.sender).issue(NOBODY, LOCKED)
    return amount - LOCKED
