"""From the columns of a venue to what the model reads: plain integers in plain objects, nothing computed."""

from typing import Any

import numpy as np

from seawall.ledger import state
from seawall.simulation.model import Bucket, Market, Picture, Position
from seawall.simulation.model_book import Order
from seawall.terms.parameter import ORACLE_AGE_MS


def market_of(columns: Any, number: int) -> Market:
    """One market as everybody may know it, with its static tiers."""
    count = int(columns["tier_count"][2 * number])
    tiers = zip(
        columns["tier_lower"][2 * number, :count].tolist(),
        columns["base_leverage"][number, :count].tolist(),
        columns["base_rate"][number, :count].tolist(),
        strict=True,
    )
    return Market(
        mark=int(columns["market_price"][number]),
        index=int(columns["market_oracle"][number]),
        is_fresh=is_fresh(columns, number),
        status=int(columns["market_status"][number]),
        price_max=int(columns["market_price_max"][number]),
        size_decimals=int(columns["market_size_decimals"][number]),
        funding_index=int(columns["market_index"][number]),
        open_interest=int(columns["market_open"][number]),
        breaker_time=int(columns["market_breaker_time"][number]),
        insurance=int(columns["market_insurance"][number]),
        entry_sum=int(columns["market_entry_sum"][number]),
        advanced=int(columns["market_advanced"][number]),
        tiers=list(tiers),
        params=columns["param"][number].tolist(),
    )


def is_fresh(columns: Any, number: int) -> bool:
    """Whether the market's index is fresh and young enough now."""
    age = int(columns["cell"][state.NOW]) - int(columns["market_oracle_time"][number])
    return bool(columns["market_fresh"][number]) and age <= int(columns["param"][number, ORACLE_AGE_MS])


def bucket_of(columns: Any, number: int) -> Bucket:
    """One bucket with its positions."""
    positions = {}
    slot = int(columns["bucket_first"][number])
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        positions[int(columns["slot_market"][slot])] = Position(
            size=int(columns["slot_size"][slot]),
            entry=int(columns["slot_entry"][slot]),
            index=int(columns["slot_index"][slot]),
            leverage=int(columns["slot_leverage"][slot]),
            bids=int(columns["slot_bids"][slot]),
            asks=int(columns["slot_asks"][slot]),
            advanced=int(columns["slot_advanced"][slot]),
        )
        assert columns["slot_owner"][slot] == number
        slot = int(columns["slot_sibling"][slot])
    return Bucket(
        number=number,
        kind=int(columns["bucket_kind"][number]),
        owner=int(columns["bucket_owner"][number]),
        market=int(columns["bucket_market"][number]),
        raw=int(columns["bucket_raw"][number]),
        positions=positions,
        is_liquidating=bool(columns["bucket_liquidating"][number]),
        is_queued=bool(columns["bucket_class"][number]),
        orders=int(columns["bucket_orders"][number]),
    )


def picture_of(columns: Any, buckets: list[int]) -> Picture:
    """These buckets and every market they or the venue may need."""
    listed = int(columns["cell"][state.MARKETS])
    picture = Picture(
        now=int(columns["cell"][state.NOW]),
        policy=columns["param"][len(columns["market_price"])].tolist(),
        markets={number: market_of(columns, number) for number in range(listed)},
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
    rows = np.flatnonzero(columns["order_id"][: int(columns["cell"][state.ORDERS_USED])])
    level = columns["order_level"][rows]
    row = 4 * market + (1 if side > 0 else 0)
    price = columns["order_price"][rows]
    met = (level != 0) & (columns["level_row"][level] == row) & ((price - limit) * side <= 0)
    heads = np.unique(level[met])
    prices = [(side * int(columns["order_price"][columns["level_first"][head]]), int(head)) for head in heads]
    found = []
    for _, head in sorted(prices):
        at = int(columns["level_first"][head])
        while at != 0:  # at most the orders
            found.append(order_of(columns, at))
            at = int(columns["order_after"][at])
    return found


def order_of(columns: Any, row: int) -> Order:
    """One order."""
    return Order(
        id=int(columns["order_id"][row]),
        bucket=int(columns["order_bucket"][row]),
        price=int(columns["order_price"][row]),
        size=int(columns["order_size"][row]),
        flags=int(columns["order_flags"][row]),
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


def pool_of(columns: Any, market: int, which: int) -> int:
    """The bucket of a market's pool: 0 the AMM, 1 the backstop."""
    return len(columns["bucket_raw"]) - 2 * (len(columns["market_price"]) - market) + which
