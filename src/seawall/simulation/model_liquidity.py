"""What the rule says of positions of liquidity as collateral (SPEC section 11): who may bring, take and move them."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import numpy as np

from seawall.simulation import observe
from seawall.simulation.model import (
    ONE,
    Asset,
    Bucket,
    Picture,
    add_cash,
    add_lots,
    add_range,
    counted,
    counted_range,
    drop_range,
    health,
    is_priced,
    margin_room,
    units_of,
)
from seawall.simulation.model_money import (
    DAY_OUT,
    DEPOSIT_SERIAL,
    GATE_UNTIL,
    HOUR_OUT,
    VAULT,
    VENUE_STATUS,
    withdrawal_room,
)
from seawall.simulation.model_scenario import fair
from seawall.terms import asset_parameter, code, command
from seawall.terms.limits import AMOUNT_MAX, HOLDINGS_PER_BUCKET, NOTIONAL_MAX, POOLED_PER_BUCKET, RAW_USD_MAX

Fields = dict[str, int]
Refusals = list[int]
Range = tuple[int, int, int, int]
ROOT_MAX: Final = 2**31 - 1


def facts(columns: Any, c: Fields) -> dict[str, int]:
    """What the judges read beside buckets, markets and assets: who holds the token, what its owner has of the pool."""
    if c["kind"] not in JUDGES:
        return {"holder": -1}
    rows = np.flatnonzero((columns["holding_lots"] != 0) & (columns["holding_bucket"] >= 0))
    rows = rows[columns["holding_asset"][rows] == c["other"]]
    row = rows[columns["holding_token"][rows] == c["client_low"]]
    owners = columns["bucket_owner"][columns["holding_bucket"][rows]]
    mine = (owners >= 0) & (columns["account_master"][np.maximum(owners, 0)] == columns["account_master"][c["account"]])
    own = observe.isolated_of(columns, c["account"], c["market"]) if c["kind"] == command.MOVE_RANGE else -1
    return {
        "holder": int(columns["holding_bucket"][row[0]]) if len(row) else -1,
        "holder_owner": int(columns["bucket_owner"][columns["holding_bucket"][row[0]]]) if len(row) else -1,
        "isolated_bucket": own,
        "held_by_owner": sum(units_of(observe.range_at(columns, at)) for at in rows[mine].tolist()),
        "free_holdings": len(columns["holding_lots"]) - 1 - int(np.count_nonzero(columns["holding_lots"])),
        "base": int(columns["asset_base"][c["other"]]) - 1 if 0 <= c["other"] < len(columns["asset_base"]) else -1,
    }


def withdrawn(columns: Any, row: int) -> dict[str, int]:
    """The position that a pending withdrawal is of; none when it is of lots or USD."""
    asset = int(columns["withdrawal_asset"][row]) - 1
    if asset < 0 or columns["asset_kind"][asset] != asset_parameter.POOL:
        return {"withdrawal_is_range": 0}
    at = int(columns["withdrawal_amount"][row])
    liquidity, low, high, scale = observe.range_at(columns, at)
    return {
        "withdrawal_is_range": 1,
        "withdrawal_token": columns["holding_token"].item(at),
        "withdrawal_liquidity": liquidity,
        "withdrawal_low": low,
        "withdrawal_high": high,
        "withdrawal_scale": scale,
    }


def _pool(p: Picture, number: int) -> Asset | None:
    asset = p.assets.get(number)
    return asset if asset is not None and asset.kind == asset_parameter.POOL else None


def has_room(bucket: Bucket) -> bool:
    """Whether a bucket may hold one position more."""
    held = len(bucket.holdings) + len(bucket.ranges)
    return len(bucket.ranges) < POOLED_PER_BUCKET and held < HOLDINGS_PER_BUCKET


def attach_range(p: Picture, c: Fields) -> Refusals:
    """In the order of the bridge's messages; too narrow, above a cap or one too many it waits to be sent back."""
    pool, why = _pool(p, c["other"]), []
    low, high, scale, liquidity = c["price"], c["trigger"], c["extra"], c["size"]
    is_range = liquidity >= 1 and 1 <= low < high <= ROOT_MAX and 0 <= scale <= 31
    if not is_range or Fraction(liquidity * (high - low), 1 << scale) > NOTIONAL_MAX:
        why.append(code.BAD_FIELD)
    if pool is None:
        why.append(code.UNKNOWN_ASSET)
    if c["reference"] <= p.cells[DEPOSIT_SERIAL]:
        why.append(code.DUPLICATE_MESSAGE)
    if c["reference"] > p.cells[DEPOSIT_SERIAL] + 1:
        why.append(code.OUT_OF_SEQUENCE)
    if p.shared["holder"] >= 0:
        why.append(code.ASSET_EXISTS)
    if p.shared["free_holdings"] == 0:
        why.append(code.HOLDINGS_FULL)
    if p.shared["withdrawal_rows"] == 0:
        why.append(code.WITHDRAWALS_FULL)
    if pool is None or why:
        return why
    held, bucket = (liquidity, low, high, scale), p.buckets[c["account"]]
    units = units_of(held)
    is_taken = high * ONE >= low * (ONE + pool.params[asset_parameter.RANGE_MIN]) and has_room(bucket)
    is_taken &= pool.total + units <= pool.params[asset_parameter.SUPPLY_CAP]
    is_taken &= p.shared["held_by_owner"] + units <= pool.params[asset_parameter.ACCOUNT_CAP]
    p.cells[DEPOSIT_SERIAL] += 1
    if is_taken:
        add_range(p, bucket, (c["other"], c["client_low"]), held)
    return []


def _exit_refusals(p: Picture, bucket: Bucket, pool: Asset, held: Range) -> Refusals:
    if not is_priced(p, bucket):
        return [code.STALE_PRICE]
    if bucket.is_liquidating or bucket.is_queued:
        return [code.BEING_LIQUIDATED]
    return [code.WITHDRAWABLE] if counted_range(p, pool, held) > margin_room(p, bucket) else []


def detach_range(p: Picture, c: Fields) -> Refusals:
    """Out of cross, within the venue's limits by its fair value, while the gate is open."""
    pool, key, why = _pool(p, c["other"]), (c["other"], c["client_low"]), []
    if pool is None:
        return [code.UNKNOWN_ASSET]
    if p.cells[VENUE_STATUS] == command.HALTED:
        why.append(code.VENUE_HALTED)
    if p.now < p.cells[GATE_UNTIL]:
        why.append(code.WITHDRAWALS_CLOSED)
    bucket = p.buckets[c["account"]]
    if key not in bucket.ranges:
        return [*why, code.NO_POSITION]
    held = bucket.ranges[key]
    why += _exit_refusals(p, bucket, pool, held)
    worth = fair(held, p.markets[pool.market].index)
    if worth > withdrawal_room(p):
        why.append(code.WITHDRAWAL_LIMIT)
    if p.shared["withdrawal_rows"] == 0:
        why.append(code.WITHDRAWALS_FULL)
    if not why:
        drop_range(p, bucket, key)
        for cell in (HOUR_OUT, DAY_OUT):
            p.cells[cell] += worth
    return why


def move_range(p: Picture, c: Fields) -> Refusals:
    """Into or out of the isolated bucket of a market."""
    pool, key = _pool(p, c["other"]), (c["other"], c["client_low"])
    why: Refusals = [] if c["flags"] in (0, command.ISOLATED) else [code.BAD_FIELD]
    if pool is None:
        return [*why, code.UNKNOWN_ASSET, code.UNKNOWN_MARKET]
    own = p.shared["isolated_bucket"]
    if own < 0:
        return [*why, code.NOT_ISOLATED, code.UNKNOWN_MARKET]
    cross, isolated = p.buckets[c["account"]], p.buckets[own]
    giver, taker = (cross, isolated) if c["flags"] else (isolated, cross)
    if key not in giver.ranges:
        return [*why, code.NO_POSITION]
    held = giver.ranges[key]
    why += _exit_refusals(p, giver, pool, held)
    if not has_room(taker):
        why.append(code.HOLDINGS_FULL)
    if not why:
        drop_range(p, giver, key)
        add_range(p, taker, key, held)
    return why


def unwind_range(p: Picture, c: Fields) -> Refusals:
    """What a pool has paid takes the place of the position."""
    pool, holder, key, why = _pool(p, c["other"]), p.shared["holder"], (c["other"], c["client_low"]), []
    if pool is None:
        return [code.UNKNOWN_ASSET]
    if c["size"] > NOTIONAL_MAX // p.markets[pool.market].price_max or (c["size"] > 0 and p.shared["base"] < 0):
        why.append(code.BAD_SIZE)
    if not 0 <= c["amount"] <= AMOUNT_MAX:
        why.append(code.BAD_AMOUNT)
    if c["reference"] <= p.cells[DEPOSIT_SERIAL]:
        why.append(code.DUPLICATE_MESSAGE)
    if c["reference"] > p.cells[DEPOSIT_SERIAL] + 1:
        why.append(code.OUT_OF_SEQUENCE)
    if holder < 0:
        return [*why, code.NO_POSITION]
    bucket = p.buckets[holder]
    if p.cells[VAULT] + c["amount"] > RAW_USD_MAX or abs(bucket.raw + c["amount"]) > RAW_USD_MAX:
        why.append(code.CASH_BOUND)
    if not why:
        p.cells[DEPOSIT_SERIAL] += 1
        p.cells[VAULT] += c["amount"]
        drop_range(p, bucket, key)
        add_cash(p, bucket, c["amount"])
        if c["size"]:
            add_lots(p, bucket, p.shared["base"], c["size"])
    return why


def reshape_range(p: Picture, c: Fields) -> Refusals:
    """A position is another one of its pool and has paid the rest: never one that its bucket can not carry."""
    pool, holder, key, why = _pool(p, c["other"]), p.shared["holder"], (c["other"], c["client_low"]), []
    wanted = (c["size"], c["price"], c["trigger"], c["extra"])
    liquidity, low, high, scale = wanted
    is_range = liquidity >= 1 and 1 <= low < high <= ROOT_MAX and 0 <= scale <= 31
    if not is_range or Fraction(liquidity * (high - low), 1 << scale) > NOTIONAL_MAX:
        why.append(code.BAD_FIELD)
    if pool is None:
        return [*why, code.UNKNOWN_ASSET]
    lots, base = c["client_high"], p.shared["base"]
    if not 0 <= lots <= NOTIONAL_MAX // p.markets[pool.market].price_max or (lots > 0 and base < 0):
        why.append(code.BAD_SIZE)
    if not 0 <= c["amount"] <= AMOUNT_MAX:
        why.append(code.BAD_AMOUNT)
    if c["reference"] <= p.cells[DEPOSIT_SERIAL]:
        why.append(code.DUPLICATE_MESSAGE)
    if c["reference"] > p.cells[DEPOSIT_SERIAL] + 1:
        why.append(code.OUT_OF_SEQUENCE)
    if holder < 0 or p.shared["holder_owner"] != c["account"]:
        return [*why, code.NO_POSITION]
    bucket = p.buckets[holder]
    many = len(bucket.holdings) + len(bucket.ranges)
    if lots > 0 and base not in bucket.holdings and (many >= HOLDINGS_PER_BUCKET or p.shared["free_holdings"] == 0):
        why.append(code.HOLDINGS_FULL)
    if p.cells[VAULT] + c["amount"] > RAW_USD_MAX or abs(bucket.raw + c["amount"]) > RAW_USD_MAX:
        why.append(code.CASH_BOUND)
    if not why and bucket.ranges[key] != wanted:
        why += _reshape_refusals(p, bucket, c, wanted)
    if not why:
        p.cells[DEPOSIT_SERIAL] += 1
        p.cells[VAULT] += c["amount"]
        if bucket.ranges[key] != wanted:
            drop_range(p, bucket, key)
            add_range(p, bucket, key, wanted)
        add_cash(p, bucket, c["amount"])
        if lots:
            add_lots(p, bucket, base, lots)
    return why


def _reshape_refusals(p: Picture, bucket: Bucket, c: Fields, wanted: Range) -> Refusals:
    pool, held, why = p.assets[c["other"]], bucket.ranges[c["other"], c["client_low"]], []
    if not is_priced(p, bucket):
        return [code.STALE_PRICE]
    if bucket.is_liquidating or bucket.is_queued:
        return [code.BEING_LIQUIDATED]
    if wanted[2] * ONE < wanted[1] * (ONE + pool.params[asset_parameter.RANGE_MIN]):
        why.append(code.BAD_FIELD)
    more = units_of(wanted) - units_of(held)
    over = pool.total + more > pool.params[asset_parameter.SUPPLY_CAP]
    if more > 0 and (over or p.shared["held_by_owner"] + more > pool.params[asset_parameter.ACCOUNT_CAP]):
        why.append(code.POSITION_CAP)
    key, base, lots, room = (c["other"], c["client_low"]), p.shared["base"], c["client_high"], 0
    is_new = base not in bucket.holdings
    pool.total += more
    if lots:
        p.assets[base].total += lots
    if lots and is_new and not bucket.is_portfolio:
        room += counted(p, p.assets[base], lots)
    elif lots and not is_new:
        bucket.holdings[base] += lots
    bucket.ranges[key], bucket.raw = wanted, bucket.raw + c["amount"]
    now = health(p, bucket)
    room += now.equity_initial - bucket.interest - now.initial
    bucket.ranges[key], bucket.raw = held, bucket.raw - c["amount"]
    pool.total -= more
    if lots:
        p.assets[base].total -= lots
    if lots and not is_new:
        bucket.holdings[base] -= lots
    if room < 0:
        why.append(code.INITIAL_MARGIN)
    return why


JUDGES: Final[dict[int, tuple[str, Callable[[Picture, Fields], Refusals]]]] = {
    command.ATTACH_RANGE: ("POST_COLLATERAL", attach_range),
    command.DETACH_RANGE: ("POST_COLLATERAL", detach_range),
    command.MOVE_RANGE: ("POST_COLLATERAL", move_range),
    command.UNWIND_RANGE: ("POST_COLLATERAL", unwind_range),
    command.RESHAPE_RANGE: ("POST_COLLATERAL", reshape_range),
}
