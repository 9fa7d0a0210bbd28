# pragma version 0.4.3
"""
@title When collateral may leave a bucket, and when it is unwound. src/seawall/ledger/leaving.py
@license Apache-2.0
"""

import code
import margin
import reader
import units
import words
from interfaces import IClearingHouse

NO_MARKET: constant(uint256) = max_value(uint256)


@internal
@view
def room(house: address, bucket: uint256) -> int256:
    """@notice What it has beyond initial margin, withdrawal floor and profit that nobody has paid; negative: short."""
    h: IClearingHouse.Health = staticcall IClearingHouse(house).health_after(bucket, NO_MARKET, 0, 0, 0, 0)
    unpaid: int256 = 0
    if h.profit > 0:
        cash: int256 = 0
        pending: int256 = 0
        paid: int256 = 0
        leaves: int256 = 0
        cash, pending, paid, leaves = staticcall IClearingHouse(house).cash_of(bucket, NO_MARKET)
        unpaid = max(0, h.profit - paid)
    share: int256 = words.field(reader.one(house, words.VENUE | words.POLICY), margin.FLOOR_SHARE, 24)
    return h.equity_initial - unpaid - max(h.initial, units.rate_up(h.notional, share))


@internal
@view
def is_due(house: address, account: uint256) -> bool:
    """@notice Whether an account is below maintenance, or below liquidation end once its liquidation has begun."""
    h: IClearingHouse.Health = staticcall IClearingHouse(house).health_after(account, NO_MARKET, 0, 0, 0, 0)
    if reader.one(house, words.BUCKET | account) & words.LIQUIDATING == 0:
        return h.equity < h.maintenance
    return h.equity < margin.end_of(reader.one(house, words.VENUE | words.POLICY), h.maintenance)


@internal
@view
def check_calm(house: address, account: uint256):
    """@notice Refuses an account with a stale price or in liquidation."""
    why: uint256 = staticcall IClearingHouse(house).exit_fault(account, 0)
    if why != 0:
        code.refuse(why)


@internal
@view
def check_margin(house: address, account: uint256):
    """@notice Refuses an account without its initial margin."""
    h: IClearingHouse.Health = staticcall IClearingHouse(house).health_after(account, NO_MARKET, 0, 0, 0, 0)
    if h.equity_initial < h.initial:
        code.refuse(code.WITHDRAWABLE)
