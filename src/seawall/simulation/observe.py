"""From the columns of a venue to what the model reads: plain integers in plain objects, nothing computed."""

from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np

from seawall.ledger import state
from seawall.margin.trigger_kernels import PORTFOLIO
from seawall.simulation.model import Asset, Bucket, Market, Picture, Position, Stop
from seawall.simulation.model_book import Order
from seawall.terms import command
from seawall.terms.asset_parameter import POOL
from seawall.terms.limits import ISOLATED_PER_ACCOUNT
from seawall.terms.parameter import ORACLE_AGE_MS


def market_of(columns: Any, number: int) -> Market:
    """One market as everybody may know it, with its static tiers."""
    count = columns["tier_count"].item(2 * number)
    tiers = (
        columns["tier_lower"][2 * number, :count].tobytes(),
        columns["base_leverage"][number, :count].astype(np.int64).tobytes(),
        columns["base_rate"][number, :count].astype(np.int64).tobytes(),
    )
    return Market(
        mark=columns["market_price"].item(number),
        index=columns["market_oracle"].item(number),
        is_fresh=is_fresh(columns, number),
        status=columns["market_status"].item(number),
        price_max=columns["market_price_max"].item(number),
        size_decimals=columns["market_size_decimals"].item(number),
        funding_index=columns["market_index"].item(number),
        open_interest=columns["market_open"].item(number),
        breaker_time=columns["market_breaker_time"].item(number),
        insurance=columns["market_insurance"].item(number),
        entry_sum=columns["market_entry_sum"].item(number),
        advanced=columns["market_advanced"].item(number),
        tiers=_tiers(*tiers),
        params=_params(columns["param"][number].tobytes()),
    )


@lru_cache(maxsize=64)
def _params(raw: bytes) -> list[int]:
    """Parameters from the bytes of their column: they seldom change, and nobody writes to them."""
    values: list[int] = np.frombuffer(raw, np.int64).tolist()
    return values


@lru_cache(maxsize=64)
def _tiers(lower: bytes, leverage: bytes, rate: bytes) -> list[tuple[int, int, int]]:
    """Tiers from the bytes of their columns, likewise."""
    return list(zip(*(np.frombuffer(raw, np.int64).tolist() for raw in (lower, leverage, rate)), strict=True))


def is_fresh(columns: Any, number: int) -> bool:
    """Whether the market's index is fresh and young enough now."""
    age = columns["cell"].item(state.NOW) - columns["market_oracle_time"].item(number)
    return bool(columns["market_fresh"].item(number)) and age <= columns["param"].item(number, ORACLE_AGE_MS)


def bucket_of(columns: Any, number: int) -> Bucket:
    """One bucket with its positions."""
    positions = {}
    slot = columns["bucket_first"].item(number)
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        positions[columns["slot_market"].item(slot)] = Position(
            size=columns["slot_size"].item(slot),
            entry=columns["slot_entry"].item(slot),
            index=columns["slot_index"].item(slot),
            leverage=columns["slot_leverage"].item(slot),
            bids=columns["slot_bids"].item(slot),
            asks=columns["slot_asks"].item(slot),
            advanced=columns["slot_advanced"].item(slot),
        )
        assert columns["slot_owner"].item(slot) == number
        slot = columns["slot_sibling"].item(slot)
    return Bucket(
        number=number,
        kind=columns["bucket_kind"].item(number),
        owner=columns["bucket_owner"].item(number),
        market=columns["bucket_market"].item(number),
        raw=columns["bucket_raw"].item(number),
        positions=positions,
        is_liquidating=bool(columns["bucket_liquidating"].item(number)),
        is_queued=bool(columns["bucket_class"].item(number)),
        is_portfolio=columns["bucket_mode"].item(number) == PORTFOLIO,
        holdings=holdings_of(columns, number),
        ranges=ranges_of(columns, number),
        interest=interest_of(columns, number),
        orders=columns["bucket_orders"].item(number),
        stops=_stops(columns, number) if columns["bucket_orders"].item(number) else [],
    )


def holdings_of(columns: Any, number: int) -> dict[int, int]:
    """Lots by asset that a bucket holds."""
    held, row = {}, columns["bucket_holding"].item(number)
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        asset = columns["holding_asset"].item(row)
        if columns["asset_kind"].item(asset) != POOL:
            held[asset] = columns["holding_lots"].item(row)
        row = columns["holding_next"].item(row)
    return held


def ranges_of(columns: Any, number: int) -> dict[tuple[int, int], tuple[int, int, int, int]]:
    """Positions of liquidity that a bucket holds, by pool and token."""
    held, row = {}, columns["bucket_holding"].item(number)
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        asset = columns["holding_asset"].item(row)
        if columns["asset_kind"].item(asset) == POOL:
            held[asset, columns["holding_token"].item(row)] = range_at(columns, row)
        row = columns["holding_next"].item(row)
    return held


def range_at(columns: Any, row: int) -> tuple[int, int, int, int]:
    """The integers of a position of liquidity."""
    names = ("holding_lots", "holding_low", "holding_high", "holding_scale")
    liquidity, low, high, scale = (columns[name].item(row) for name in names)
    return liquidity, low, high, scale


def interest_of(columns: Any, number: int) -> int:
    """Interest that a bucket owes now: what fell due at changes of its debt, and on the debt since, rounded up."""
    row = columns["bucket_holding"].item(number)
    if row == 0:
        return 0
    step = int(columns["cell"][state.BORROW_INDEX]) - columns["holding_borrow"].item(row)
    return int(columns["holding_due"].item(row)) + ceil(Fraction(columns["holding_debt"].item(row) * step, 10**12))


def asset_of(columns: Any, number: int) -> Asset:
    """One collateral asset."""
    return Asset(
        kind=columns["asset_kind"].item(number),
        market=columns["asset_market"].item(number),
        redeemed=columns["asset_redeemed"].item(number) - 1,
        total=columns["asset_total"].item(number),
        stable=columns["asset_stable"].item(number),
        params=_params(columns["asset_param"][number].tobytes()),
    )


def _stops(columns: Any, number: int) -> list[Stop]:
    """A bucket's orders that wait for the mark or for a parent."""
    stops, row = [], columns["bucket_order"].item(number)
    while row != 0:  # at most ORDERS_PER_BUCKET
        flags = columns["order_flags"].item(row)
        if flags & (command.STOP | command.TAKE_PROFIT | command.TRAILING):
            parent = columns["order_parent"].item(row)
            stop = Stop(
                id=columns["order_id"].item(row),
                market=columns["order_market"].item(row),
                side=-1 if flags & command.SELL else 1,
                reduces=bool(flags & command.REDUCE_ONLY),
                parent=columns["order_id"].item(parent) if parent else 0,
                is_armed=bool(columns["order_level"].item(row) or columns["order_after"].item(row)),
            )
            stops.append(stop)
        row = columns["order_next"].item(row)
    return stops


def picture_of(columns: Any, buckets: list[int]) -> Picture:
    """These buckets and every market they or the venue may need."""
    listed = int(columns["cell"][state.MARKETS])
    picture = Picture(
        now=int(columns["cell"][state.NOW]),
        policy=_params(columns["param"][len(columns["market_price"])].tobytes()),
        markets={number: market_of(columns, number) for number in range(listed)},
        assets={number: asset_of(columns, number) for number in range(int(columns["cell"][state.ASSETS]))},
        cells=columns["cell"].tolist(),
        masters=columns["account_master"][: int(columns["cell"][state.ACCOUNTS])].tolist(),
    )
    for number in buckets:
        picture.buckets[number] = bucket_of(columns, number)
    return picture


def buckets_of(columns: Any, account: int) -> list[int]:
    """The cross bucket of an account and its isolated ones."""
    found, following = [account], int(columns["account_isolated"][account])
    while following != 0:  # at most ISOLATED_PER_ACCOUNT
        found.append(following - 1)
        following = int(columns["bucket_next"][following - 1])
    return found


def linked(columns: Any, account: int) -> list[int]:
    """All accounts of the same master."""
    many = int(columns["cell"][state.ACCOUNTS])
    masters = columns["account_master"][:many]
    return np.flatnonzero(masters == masters[account]).tolist()


def resting(columns: Any, market: int, side: int, limit: int) -> list[Order]:
    """Orders that a taker on `side` (1 buys) would meet up to `limit`: best price first, at one price as they stand."""
    heads, prices = _levels(columns, market, side)
    found = []
    for place in np.argsort(side * prices, kind="stable").tolist():
        if (prices.item(place) - limit) * side > 0:
            break
        at = columns["level_first"].item(heads.item(place))
        while at != 0:  # at most the orders
            found.append(order_of(columns, at))
            at = columns["order_after"].item(at)
    return found


def touch(columns: Any, market: int, side: int) -> int:
    """The best price that a taker on `side` would meet; 0 when nothing rests there."""
    prices = _levels(columns, market, side)[1]
    if not len(prices):
        return 0
    return int(prices.min() if side > 0 else prices.max())


def _levels(columns: Any, market: int, side: int) -> tuple[Any, Any]:
    """Rows of the live price levels that a taker on `side` may meet, and their prices."""
    row = 4 * market + (1 if side > 0 else 0)
    heads = np.flatnonzero((columns["level_row"] == row) & (columns["level_lots"] > 0))
    return heads, columns["order_price"][columns["level_first"][heads]]


def order_of(columns: Any, row: int) -> Order:
    """One order."""
    return Order(
        id=columns["order_id"].item(row),
        bucket=columns["order_bucket"].item(row),
        price=columns["order_price"].item(row),
        size=columns["order_size"].item(row),
        flags=columns["order_flags"].item(row),
    )


def order_by_id(columns: Any, identity: int) -> int:
    """The row of a live order; 0 when there is none with this id."""
    row = identity & ((1 << 21) - 1)
    return row if 0 < row < len(columns["order_id"]) and columns["order_id"][row] == identity != 0 else 0


def client_order(columns: Any, account: int, high: int, low: int) -> int:
    """The row of the account's order with a client id; 0 when there is none."""
    if high == 0 and low == 0:
        return 0
    named = (columns["order_client_low"] == low) & (columns["order_client_high"] == high) & (columns["order_id"] != 0)
    for row in np.flatnonzero(named).tolist():
        if columns["bucket_owner"][columns["order_bucket"][row]] == account:
            return int(row)
    return 0


def setting(columns: Any, account: int, market: int) -> tuple[int, bool, int]:
    """(leverage, isolated, top-up floor) that the account has chosen for a market; (0, False, -1) when nothing."""
    key = 1 + account * len(columns["market_price"]) + market
    places = np.flatnonzero(columns["setting_key"] == key)
    if not len(places):
        return 0, False, -1
    at = int(places[0])
    return (
        int(columns["setting_leverage"][at]),
        bool(columns["setting_isolated"][at]),
        int(columns["setting_floor"][at]),
    )


def isolated_of(columns: Any, account: int, market: int) -> int:
    """The account's isolated bucket of a market; -1 when it has none."""
    for number in buckets_of(columns, account)[1:]:
        if columns["bucket_market"][number] == market:
            return number
    return -1


def next_isolated(columns: Any, account: int) -> int:
    """The bucket that the account's next isolated one will be; -1 when it has as many as it may, or all are taken."""
    cell = columns["cell"]
    if len(buckets_of(columns, account)) > ISOLATED_PER_ACCOUNT:
        return -1
    if free := int(cell[state.ISOLATED_FREE]):
        return free - 1
    fresh = len(columns["account_master"]) + int(cell[state.ISOLATED_USED])
    return fresh if fresh < pool_of(columns, 0, 0) else -1


def pool_of(columns: Any, market: int, which: int) -> int:
    """The bucket of a market's pool: 0 the AMM, 1 the backstop."""
    return len(columns["bucket_raw"]) - 2 * (len(columns["market_price"]) - market) + which
