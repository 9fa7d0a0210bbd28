# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title AccountDesk: what owners do with their accounts beside trading. src/seawall/engine/cash.py and isolated.py
@license Apache-2.0
@notice Transfers, isolated margin, moving positions between cross and isolated, leverage, automatic top-up,
        sub-accounts. Owners act themselves, with or without a venue.
@custom:kill The guardian's statuses (RiskSteward) do not touch it; the ClearingHouse still asks the margin rule.
"""

import code
import isolated_words
import limits
import margin
import reader
import words
from interfaces import IClearingHouse


# ---------------------------------------------------------------------
# Immutables
# ---------------------------------------------------------------------

HOUSE: public(immutable(address))


# ---------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------

NO_MARKET: constant(uint256) = max_value(uint256)

# an account in a market
struct Place:
    price_word: uint256
    risk: uint256
    cross: uint256
    own: uint256  # its isolated bucket; 0: none
    setting: uint256
    cross_position: uint256
    own_position: uint256


# ---------------------------------------------------------------------
# Set-up
# ---------------------------------------------------------------------

@deploy
def __init__(house: address):
    HOUSE = house


# ---------------------------------------------------------------------
# External
# ---------------------------------------------------------------------

@external
def create_sub() -> uint256:
    """@notice A new sub-account of the caller, who must have an account; returns its number."""
    master: uint256 = convert(msg.sender, uint256)
    head: uint256 = reader.one(HOUSE, words.BUCKET | master)
    if head == 0:
        code.refuse(code.UNKNOWN_ACCOUNT)
    sub: uint256 = ((head >> words.SUBS_SHIFT) & 15) + 1
    if sub > limits.SUBACCOUNTS:
        code.refuse(code.ACCOUNTS_FULL)
    self._put(words.BUCKET | master, 15 << words.SUBS_SHIFT, sub << words.SUBS_SHIFT)
    extcall IClearingHouse(HOUSE).open_account(master | (sub << words.SUB_SHIFT), limits.CROSS)
    return sub


@external
def transfer(sub: uint256, to: uint256, amount: int256):
    """@notice Moves cash from a cross bucket of the caller to the cross bucket of any account (words.vy `account`)."""
    account: uint256 = self._account(sub)
    self._check_amount(amount)
    if to == account:
        code.refuse(code.BAD_FIELD)
    head: uint256 = reader.one(HOUSE, words.BUCKET | to)
    if words.kind_of(head) != limits.CROSS or to > words.ACCOUNT_MASK:
        code.refuse(code.UNKNOWN_ACCOUNT)
    extcall IClearingHouse(HOUSE).exit(account, amount)
    extcall IClearingHouse(HOUSE).credit(to, amount)


@external
def isolated_margin(sub: uint256, market: uint256, amount: int256):
    """@notice Moves cash into (amount > 0) or out of an isolated bucket, within what may leave the giving one."""
    account: uint256 = self._account(sub)
    size: int256 = amount if amount >= 0 else -amount
    self._check_amount(size)
    p: Place = self._place(account, market)
    if p.own == 0:
        code.refuse(code.NOT_ISOLATED)
    bucket: uint256 = words.isolated_of(account, market)
    extcall IClearingHouse(HOUSE).exit(account if amount > 0 else bucket, size)
    extcall IClearingHouse(HOUSE).credit(bucket if amount > 0 else account, size)


@external
def set_top_up(sub: uint256, market: uint256, least: int256):
    """@notice Cross cash that automatic top-ups of a market leave untouched; -1 switches them off."""
    account: uint256 = self._account(sub)
    if least < -1 or least > limits.AMOUNT_MAX:
        code.refuse(code.BAD_AMOUNT)
    p: Place = self._place(account, market)
    self._set(account, market, p, words.with_field(p.setting, isolated_words.FLOOR, 55, least + 1))


@external
def set_leverage(sub: uint256, market: uint256, leverage: int256, isolated: bool):
    """@notice Leverage and mode of the caller in a market, and of a position there: where margin rises it must be there."""
    account: uint256 = self._account(sub)
    p: Place = self._place(account, market)
    if leverage < 1 or leverage > words.field(p.price_word, margin.LEVERAGE_SHIFT, 10):
        code.refuse(code.BAD_LEVERAGE)
    if leverage > margin.leverage_cap(p.price_word, p.risk, isolated):
        code.refuse(code.LEVERAGE_CAP)
    bucket: uint256 = words.isolated_of(account, market)
    is_own: bool = p.own != 0
    if not is_own:
        is_own = p.cross_position == 0 and p.setting & isolated_words.IS_ISOLATED != 0
    position: uint256 = p.own_position if p.own != 0 else p.cross_position
    if isolated != is_own:
        if p.own != 0 or p.cross_position != 0:
            code.refuse(code.HAS_POSITION)
        position = 0
    if p.own == 0:
        bucket = account
    need: int256 = 0
    if position != 0:
        need = self._lacking(bucket, market, leverage)
        if need > 0 and not isolated:
            code.refuse(code.INITIAL_MARGIN)
    setting: uint256 = words.with_field(p.setting, 0, 10, leverage) & ~isolated_words.IS_ISOLATED
    self._set(account, market, p, setting | isolated_words.IS_ISOLATED if isolated else setting)
    if need > 0:
        extcall IClearingHouse(HOUSE).feed(account, market, need)
    if position != 0:
        self._put(words.position_key(bucket, market), margin.M10 << 192, convert(leverage, uint256) << 192)


@external
def move_position(sub: uint256, market: uint256, to_isolated: bool, amount: int256):
    """@notice Moves a whole position to a bucket of its own with `amount` of cash, or back to cross with all of it."""
    account: uint256 = self._account(sub)
    if amount < 0 or amount > limits.AMOUNT_MAX or (not to_isolated and amount != 0):
        code.refuse(code.BAD_AMOUNT)
    p: Place = self._place(account, market)
    if not to_isolated and p.own == 0:
        code.refuse(code.NOT_ISOLATED)
    position: uint256 = p.cross_position if to_isolated else p.own_position
    if position == 0:
        code.refuse(code.NO_POSITION)
    own: uint256 = words.isolated_of(account, market)
    why: uint256 = staticcall IClearingHouse(HOUSE).exit_fault(account, 0)
    other: uint256 = why if to_isolated else staticcall IClearingHouse(HOUSE).exit_fault(own, 0)
    if why == code.STALE_PRICE or other == code.STALE_PRICE:
        code.refuse(code.STALE_PRICE)
    if not to_isolated and p.cross_position != 0:
        code.refuse(code.HAS_POSITION)
    if why == code.BEING_LIQUIDATED or other == code.BEING_LIQUIDATED:
        code.refuse(code.BEING_LIQUIDATED)
    if to_isolated:
        self._to_isolated(account, own, market, position, amount, p)
    else:
        self._to_cross(account, own, market, position, p)


@external
def set_portfolio(sub: uint256, on: bool):
    """@notice Opts a cross bucket in to portfolio margin, or out of it; its initial margin must hold either way."""
    account: uint256 = self._account(sub)
    head: uint256 = reader.one(HOUSE, words.BUCKET | account)
    if head == 0:
        code.refuse(code.UNKNOWN_ACCOUNT)
    self._check_calm(account)
    self._put(words.BUCKET | account, words.PORTFOLIO, words.PORTFOLIO if on else 0)
    h: IClearingHouse.Health = self._health(account, NO_MARKET, 0, 0, 0, 0)
    if h.equity_initial < h.initial:
        code.refuse(code.INITIAL_MARGIN)


@external
def end_portfolio(account: uint256):
    """@notice Anybody ends the portfolio margin of an account below its maintenance: the tiers hold for it again."""
    head: uint256 = reader.one(HOUSE, words.BUCKET | account)
    h: IClearingHouse.Health = self._health(account, NO_MARKET, 0, 0, 0, 0)
    if head & words.PORTFOLIO == 0 or h.equity >= h.maintenance:
        code.refuse(code.NOT_DUE)
    self._put(words.BUCKET | account, words.PORTFOLIO, 0)


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
@pure
def _check_amount(amount: int256):
    if amount <= 0 or amount > limits.AMOUNT_MAX:
        code.refuse(code.BAD_AMOUNT)


@internal
def _put(key: uint256, mask: uint256, fields: uint256):
    extcall IClearingHouse(HOUSE).put(key, mask, fields)


@internal
@view
def _health(bucket: uint256, market: uint256, size: int256, cost: int256, fee: int256, leverage: int256) -> IClearingHouse.Health:
    return staticcall IClearingHouse(HOUSE).health_after(bucket, market, size, cost, fee, leverage)


@internal
@view
def _place(account: uint256, market: uint256) -> Place:
    if market > 255:
        code.refuse(code.UNKNOWN_MARKET)
    own: uint256 = words.isolated_of(account, market)
    found: DynArray[uint256, 48] = staticcall IClearingHouse(HOUSE).words_of(
        [
            words.MARKET | words.PRICE | market,
            words.MARKET | words.RISK | market,
            words.BUCKET | account,
            words.BUCKET | own,
            words.setting_key(account, market),
            words.position_key(account, market),
            words.position_key(own, market),
        ]
    )
    if found[2] == 0:
        code.refuse(code.UNKNOWN_ACCOUNT)
    if margin.status_of(found[0]) == limits.UNLISTED:
        code.refuse(code.UNKNOWN_MARKET)
    return Place(
        price_word=found[0],
        risk=found[1],
        cross=found[2],
        own=found[3],
        setting=found[4],
        cross_position=found[5],
        own_position=found[6],
    )


@internal
def _set(account: uint256, market: uint256, p: Place, setting: uint256):
    self._put(words.setting_key(account, market), max_value(uint256), setting)
    if p.cross & words.HAS_SETTINGS == 0:
        self._put(words.BUCKET | account, words.HAS_SETTINGS, words.HAS_SETTINGS)


@internal
@view
def _lacking(bucket: uint256, market: uint256, leverage: int256) -> int256:
    """@notice Cash that a rise of initial margin lacks; 0 where it falls or is there."""
    after: IClearingHouse.Health = self._health(bucket, market, 0, 0, 0, leverage)
    before: IClearingHouse.Health = self._health(bucket, NO_MARKET, 0, 0, 0, 0)
    if after.initial <= before.initial:
        return 0
    return max(0, after.initial - after.equity_initial)


@internal
@view
def _check_calm(bucket: uint256):
    """@notice Refuses a bucket with a stale price or in liquidation."""
    why: uint256 = staticcall IClearingHouse(HOUSE).exit_fault(bucket, 0)
    if why == code.STALE_PRICE or why == code.BEING_LIQUIDATED:
        code.refuse(why)


@internal
@pure
def _as_health(h: IClearingHouse.Health) -> margin.Health:
    return margin.Health(
        equity=h.equity,
        equity_initial=h.equity_initial,
        maintenance=h.maintenance,
        initial=h.initial,
        notional=h.notional,
        profit=h.profit,
    )


@internal
def _to_isolated(account: uint256, own: uint256, market: uint256, position: uint256, amount: int256, p: Place):
    size: int256 = words.signed64(position, 0)
    entry: int256 = words.signed64(position, 64)
    leverage: int256 = words.field(position, 192, 10)
    if leverage > margin.leverage_cap(p.price_word, p.risk, True):
        code.refuse(code.LEVERAGE_CAP)
    if (p.cross >> words.ISOLATED_SHIFT) & 127 >= limits.ISOLATED_PER_ACCOUNT:
        code.refuse(code.BUCKETS_FULL)
    before: margin.Health = self._as_health(self._health(account, NO_MARKET, 0, 0, 0, 0))
    after: margin.Health = self._as_health(self._health(account, market, -size, -entry, amount, 0))
    if not margin.accepts(before, after):
        code.refuse(code.INITIAL_MARGIN)
    made: IClearingHouse.Health = self._health(own, market, size, entry, -amount, leverage)
    if made.equity_initial < made.initial:
        code.refuse(code.INITIAL_MARGIN)
    cash: int256 = 0
    pending: int256 = 0
    rest: int256 = 0
    leaves: int256 = 0
    cash, pending, rest, leaves = staticcall IClearingHouse(HOUSE).cash_of(account, market)
    if amount - cash - pending > rest:
        code.refuse(code.WITHDRAWABLE)
    extcall IClearingHouse(HOUSE).settle(account)
    extcall IClearingHouse(HOUSE).feed(account, market, 0)
    extcall IClearingHouse(HOUSE).move_position(account, own, market, amount)
    self._set(account, market, p, p.setting | isolated_words.IS_ISOLATED)


@internal
def _to_cross(account: uint256, own: uint256, market: uint256, position: uint256, p: Place):
    size: int256 = words.signed64(position, 0)
    entry: int256 = words.signed64(position, 64)
    cash: int256 = 0
    pending: int256 = 0
    rest: int256 = 0
    leaves: int256 = 0
    cash, pending, rest, leaves = staticcall IClearingHouse(HOUSE).cash_of(own, NO_MARKET)
    cash += pending
    leverage: int256 = words.field(position, 192, 10)
    after: IClearingHouse.Health = self._health(account, market, size, entry, -cash, leverage)
    if after.equity_initial < after.initial:
        code.refuse(code.INITIAL_MARGIN)
    if words.count_of(p.cross) >= limits.POSITIONS:
        code.refuse(code.POSITIONS_FULL)
    raw: int256 = words.signed64(p.cross, 0) + cash - entry
    if raw > limits.RAW_USD_MAX or raw < -limits.RAW_USD_MAX:
        code.refuse(code.CASH_BOUND)
    extcall IClearingHouse(HOUSE).move_position(own, account, market, cash)
    self._set(account, market, p, p.setting & ~isolated_words.IS_ISOLATED)
    extcall IClearingHouse(HOUSE).release(own)
