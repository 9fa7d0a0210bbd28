"""What the rule says of lots of collateral: who may bring, take, move and buy them, and what must stand after."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil
from typing import Any, Final

import numpy as np

from seawall.ledger import state
from seawall.simulation import observe
from seawall.simulation.model import (
    ONE,
    Asset,
    Bucket,
    Picture,
    add_cash,
    add_lots,
    cash_of,
    counted,
    funding_of,
    health,
    is_priced,
    keeping_price,
    kept,
    leave,
    margin_room,
)
from seawall.simulation.model_money import (
    DAY_OUT,
    DEPOSIT_SERIAL,
    GATE_UNTIL,
    HOUR_OUT,
    VENUE_STATUS,
    exit_refusals,
    withdrawal_room,
)
from seawall.terms import asset_parameter, code, command, parameter
from seawall.terms.limits import HOLDINGS_PER_BUCKET, NOTIONAL_MAX, RAW_USD_MAX

Fields = dict[str, int]
Refusals = list[int]
PORTFOLIOS: Final = 75  # place of the count of buckets in portfolio margin among the venue's scalars
POOL_KINDS: Final = (state.AMM_POOL, state.BACKSTOP_POOL)


def free_rows(columns: Any, bucket: int) -> int:
    """How many assets more a bucket may hold."""
    used = int(np.count_nonzero(columns["holding_lots"]))
    held = len(observe.holdings_of(columns, bucket)) + len(observe.ranges_of(columns, bucket))
    return min(HOLDINGS_PER_BUCKET - held, len(columns["holding_lots"]) - 1 - used)


def facts(columns: Any, c: Fields) -> dict[str, int]:
    """What the judges read beside buckets, markets and assets."""
    account, asset, kind = c["account"], c["other"], c["kind"]
    rows = np.flatnonzero((columns["holding_lots"] != 0) & (columns["holding_bucket"] >= 0))
    rows = rows[columns["holding_asset"][rows] == asset]
    owners = columns["bucket_owner"][columns["holding_bucket"][rows]]
    mine = (owners >= 0) & (columns["account_master"][np.maximum(owners, 0)] == columns["account_master"][account])
    own = observe.isolated_of(columns, account, c["market"]) if kind == command.MOVE_ASSET else -1
    is_seller = kind == command.BUY_ASSET and 0 <= c["reference"] < len(columns["bucket_raw"])
    taker = own if kind == command.MOVE_ASSET and own >= 0 and c["flags"] else account
    return {
        "isolated_bucket": own,
        "seller": c["reference"] if is_seller and c["reference"] != account else -1,
        "held_by_owner": int(columns["holding_lots"][rows[mine]].sum()),
        "holding_rows": free_rows(columns, taker),
        "withdrawal_rows": len(columns["withdrawal_id"]) - 1 - int(np.count_nonzero(columns["withdrawal_id"])),
    }


def _asset(p: Picture, number: int) -> Asset | None:
    asset = p.assets.get(number)
    return asset if asset is not None and asset.kind != asset_parameter.POOL else None


def _has_room(p: Picture, bucket: Bucket, asset: int) -> bool:
    return asset in bucket.holdings or p.shared["holding_rows"] > 0


def deposit_asset(p: Picture, c: Fields) -> Refusals:
    """Credited in the order of the bridge's messages; above a cap it waits to be sent back."""
    why: Refusals = [] if 0 < c["size"] <= NOTIONAL_MAX else [code.BAD_SIZE]
    asset = _asset(p, c["other"])
    if asset is None:
        why.append(code.UNKNOWN_ASSET)
    if c["reference"] <= p.cells[DEPOSIT_SERIAL]:
        why.append(code.DUPLICATE_MESSAGE)
    if c["reference"] > p.cells[DEPOSIT_SERIAL] + 1:
        why.append(code.OUT_OF_SEQUENCE)
    if asset is None or why:
        return why
    bucket = p.buckets[c["account"]]
    most = min(asset.params[asset_parameter.SUPPLY_CAP], NOTIONAL_MAX // p.markets[asset.market].price_max)
    is_taken = asset.total + c["size"] <= most and _has_room(p, bucket, c["other"])
    is_taken &= p.shared["held_by_owner"] + c["size"] <= asset.params[asset_parameter.ACCOUNT_CAP]
    if not is_taken and p.shared["withdrawal_rows"] == 0:
        return [code.WITHDRAWALS_FULL]
    p.cells[DEPOSIT_SERIAL] += 1
    if is_taken:
        add_lots(p, bucket, c["other"], c["size"])
    return []


def _exit_refusals(p: Picture, bucket: Bucket, number: int, lots: int) -> Refusals:
    """Why lots may not leave a bucket: it must have its initial margin and the floor without them."""
    if not is_priced(p, bucket):
        return [code.STALE_PRICE]
    if bucket.is_liquidating or bucket.is_queued:
        return [code.BEING_LIQUIDATED]
    held = bucket.holdings.get(number, 0)
    if lots > held:
        return [code.WITHDRAWABLE]
    asset = p.assets[number]
    lost = counted(p, asset, held) - counted(p, asset, held - lots)
    return [code.WITHDRAWABLE] if lost > margin_room(p, bucket) else []


def withdraw_asset(p: Picture, c: Fields) -> Refusals:
    """Out of cross, within the venue's limits by what the lots are worth, while the gate is open."""
    why: Refusals = [] if c["size"] > 0 else [code.BAD_SIZE]
    asset, bucket = _asset(p, c["other"]), p.buckets[c["account"]]
    if asset is None:
        return [*why, code.UNKNOWN_ASSET]
    if p.cells[VENUE_STATUS] == command.HALTED:
        why.append(code.VENUE_HALTED)
    if p.now < p.cells[GATE_UNTIL]:
        why.append(code.WITHDRAWALS_CLOSED)
    why += _exit_refusals(p, bucket, c["other"], c["size"])
    price = p.markets[asset.market].index
    if asset.redeemed >= 0:
        price = min(price, p.markets[asset.redeemed].index)
    if c["size"] * price > withdrawal_room(p):
        why.append(code.WITHDRAWAL_LIMIT)
    if p.shared["withdrawal_rows"] == 0:
        why.append(code.WITHDRAWALS_FULL)
    if not why:
        add_lots(p, bucket, c["other"], -c["size"])
        for cell in (HOUR_OUT, DAY_OUT):
            p.cells[cell] += c["size"] * price
    return why


def move_asset(p: Picture, c: Fields) -> Refusals:
    """Into or out of the isolated bucket of a market."""
    why: Refusals = [] if c["flags"] in (0, command.ISOLATED) else [code.BAD_FIELD]
    if c["size"] <= 0:
        why.append(code.BAD_SIZE)
    if _asset(p, c["other"]) is None:
        return [*why, code.UNKNOWN_ASSET]
    own = p.shared["isolated_bucket"]
    if not 0 <= c["market"] < len(p.markets) or not p.markets[c["market"]].tiers:
        return [*why, code.UNKNOWN_MARKET, code.NOT_ISOLATED]
    if own < 0:
        return [*why, code.NOT_ISOLATED]
    cross, isolated = p.buckets[c["account"]], p.buckets[own]
    giver, taker = (cross, isolated) if c["flags"] else (isolated, cross)
    why += _exit_refusals(p, giver, c["other"], c["size"])
    if not _has_room(p, taker, c["other"]):
        why.append(code.HOLDINGS_FULL)
    if not why:
        add_lots(p, giver, c["other"], -c["size"])
        add_lots(p, taker, c["other"], c["size"])
    return why


def _offer(p: Picture, seller: Bucket, number: int) -> tuple[int, int]:
    """(lots, price) that a bucket sells of an asset: a pool all it has, one in liquidation what it has to."""
    asset, held = p.assets[number], seller.holdings.get(number, 0)
    price = keeping_price(p, asset)
    if seller.kind in POOL_KINDS:
        return (0 if seller.is_liquidating else held), price
    price = ceil(price * Fraction(ONE - asset.params[asset_parameter.DISCOUNT], ONE))
    owed = seller.interest - cash_of(seller)
    owed -= sum(funding_of(p.markets[n], position) for n, position in seller.positions.items())
    if not seller.is_liquidating or seller.is_portfolio or owed <= 0 or price == 0:
        return 0, price
    lots, now = min(held, ceil(Fraction(owed, price))), health(p, seller)
    gain, need = held * price - kept(p, asset, held), now.end - now.equity
    if gain > need > 0:
        lots = min(lots, held, ceil(Fraction(held * need, gain)) + 1)
    return lots, price


def buy_asset(p: Picture, c: Fields) -> Refusals:
    """From a bucket in liquidation or a pool, not above a price, with cash of cross."""
    why: Refusals = [] if c["size"] > 0 else [code.BAD_SIZE]
    asset, number, seller = _asset(p, c["other"]), c["other"], p.shared["seller"]
    if asset is None:
        return [*why, code.UNKNOWN_ASSET]
    if seller < 0:
        return [*why, code.NOT_FOR_SALE]
    feeds = [p.markets[n] for n in (asset.market, asset.redeemed) if n >= 0]
    if not all(market.is_fresh for market in feeds):
        return [*why, code.STALE_PRICE]
    lots, price = _offer(p, p.buckets[seller], number)
    if price == 0 or price > c["price"] or c["size"] > lots:
        return [*why, code.NOT_FOR_SALE]
    buyer, cost = p.buckets[c["account"]], c["size"] * price
    why += exit_refusals(p, buyer, cost)
    if p.shared["held_by_owner"] + c["size"] > asset.params[asset_parameter.ACCOUNT_CAP]:
        why.append(code.POSITION_CAP)
    if not _has_room(p, buyer, number):
        why.append(code.HOLDINGS_FULL)
    if abs(p.buckets[seller].raw + cost) > RAW_USD_MAX:
        why.append(code.CASH_BOUND)
    if not why:
        leave(p, buyer, cost)
        add_lots(p, p.buckets[seller], number, -c["size"])
        add_cash(p, p.buckets[seller], cost)
        add_lots(p, buyer, number, c["size"])
    return why


def set_portfolio(p: Picture, c: Fields) -> Refusals:
    """Into portfolio margin or out of it: with the initial margin of the rule asked for, in one of the places."""
    if c["flags"] not in (0, command.PORTFOLIO):
        return [code.BAD_FIELD]
    bucket, wants = p.buckets[c["account"]], c["flags"] != 0
    if bucket.is_portfolio == wants:
        return []
    why = [] if is_priced(p, bucket) else [code.STALE_PRICE]
    if bucket.is_liquidating or bucket.is_queued:
        why.append(code.BEING_LIQUIDATED)
    bucket.is_portfolio = wants
    after = health(p, bucket)
    if wants and p.cells[PORTFOLIOS] >= p.policy[parameter.PORTFOLIO_MOST]:
        why.append(code.PORTFOLIO_CLOSED)
    if wants and after.equity_initial < p.policy[parameter.PORTFOLIO_EQUITY]:
        why.append(code.PORTFOLIO_CLOSED)
    if after.equity_initial < after.initial:
        why.append(code.INITIAL_MARGIN)
    return why


JUDGES: Final[dict[int, tuple[str, Callable[[Picture, Fields], Refusals]]]] = {
    command.DEPOSIT_ASSET: ("POST_COLLATERAL", deposit_asset),
    command.WITHDRAW_ASSET: ("POST_COLLATERAL", withdraw_asset),
    command.MOVE_ASSET: ("POST_COLLATERAL", move_asset),
    command.BUY_ASSET: ("POST_SALE", buy_asset),
    command.SET_PORTFOLIO: ("POST_PORTFOLIO", set_portfolio),
}
