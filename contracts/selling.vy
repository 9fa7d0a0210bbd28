# pragma version 0.4.3
"""
@title Collateral of a bucket in liquidation that backstop vaults buy. src/seawall/liquidation/selling.py
@license Apache-2.0
"""

import lp_words
import reader
import units
import words
from interfaces import IClearingHouse

interface Vault:
    def offer(account: uint256, asset: uint256) -> (uint256, int256, int256, int256): view
    def sell_to_pool(account: uint256, asset: uint256, lots: int256): nonpayable

ASSETS: constant(uint256) = 7
NO_MARKET: constant(uint256) = max_value(uint256)


@internal
def sell_some(house: address, vault: address, bucket: uint256, head: uint256) -> bool:
    """@notice Sells of the first asset, in the order of sale, of which a vault takes any; whether one did."""
    if head & lp_words.TOKENS == 0:
        return False
    best: uint256 = 0
    most: int256 = 0
    first: int256 = -1
    for asset: uint256 in range(ASSETS):
        if (head >> (words.ASSETS_SHIFT + asset)) & 1 == 1:
            pool: uint256 = 0
            lots: int256 = 0
            price: int256 = 0
            rank: int256 = 0
            pool, lots, price, rank = staticcall Vault(vault).offer(bucket, asset)
            if rank > first and pool != 0 and pool != bucket and lots > 0:
                lots = min(lots, self.room(house, pool) // price)
                if lots > 0:
                    best = asset
                    most = lots
                    first = rank
    if most > 0:
        extcall Vault(vault).sell_to_pool(bucket, best, most)
    return most > 0


@internal
@view
def room(house: address, pool: uint256) -> int256:
    """@notice What a vault can pay from its cash beyond its initial margin, as if what it buys were worth nothing."""
    head: uint256 = reader.one(house, words.BUCKET | pool)
    own: IClearingHouse.Health = staticcall IClearingHouse(house).health_after(pool, NO_MARKET, 0, 0, 0, 0)
    if head == 0 or head & words.LIQUIDATING != 0 or own.equity < own.maintenance:
        return 0
    cash: int256 = 0
    pending: int256 = 0
    rest: int256 = 0
    leaves: int256 = 0
    cash, pending, rest, leaves = staticcall IClearingHouse(house).cash_of(pool, NO_MARKET)
    return max(0, min(own.equity_initial - own.initial, cash))
