"""Traffic of collateral other than USD: lots that come, go, move and are bought, and the office of its assets."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from seawall.ledger import state
from seawall.simulation.genesis import FIELD
from seawall.terms import asset_parameter, command
from seawall.terms.limits import ASSETS, NOTIONAL_MAX
from seawall.terms.parameter import DAY_MS

if TYPE_CHECKING:
    from seawall.simulation.traffic import Traffic

RAILED: Final = tuple(number for number, spec in asset_parameter.ASSET.items() if spec.rail is not None)


def fill_collateral(t: "Traffic", table: Any, where: Any, kind: int) -> None:
    """Fields of the rows of one kind."""
    many, listed = len(where), int(t.columns["cell"][state.ASSETS])
    table[where, FIELD["other"]] = np.where(
        t.rng.random(many) < 0.02, t.rng.integers(0, ASSETS + 1, many), t.rng.integers(0, max(listed, 1), many)
    )
    if kind in (command.SET_ASSET, command.PROPOSE_ASSET):
        _office(t, table, where, kind)
    elif kind == command.LIST_ASSET:
        table[where, FIELD["other"]] = listed + t.rng.integers(-1, 2, many)
        table[where, FIELD["market"]] = t._markets(many)
        table[where, FIELD["flags"]] = t.rng.integers(0, 4, many)
        table[where, FIELD["size"]] = t.rng.integers(0, t.listed + 2, many)
    elif kind == command.SET_PORTFOLIO:
        table[where, FIELD["flags"]] = t._pick(where, (0, command.PORTFOLIO, command.PORTFOLIO))
    elif kind >= command.ATTACH_RANGE:
        _ranges(t, table, where, kind)
    elif kind == command.DEPOSIT_ASSET:
        _deposits(t, table, where)
    else:
        _held(t, table, where, kind)


def _deposits(t: "Traffic", table: Any, where: Any) -> None:
    """About as much as people have in cash, at times up to a cap or one more."""
    rng, many, columns = t.rng, len(where), t.columns
    asset = np.minimum(table[where, FIELD["other"]], ASSETS - 1)
    price = np.maximum(columns["market_oracle"][columns["asset_market"][asset]], 1)
    lots = np.maximum(t.options.cash * rng.lognormal(-0.5, 1.5, many) * 1e6 / price, 1)
    room = columns["asset_param"][asset, asset_parameter.SUPPLY_CAP] - columns["asset_total"][asset]
    edge = np.maximum(room + rng.integers(0, 2, many), 0)
    lots = np.where(rng.random(many) < 0.05, edge, np.minimum(lots, 2.0**52).astype(np.int64))
    table[where, FIELD["size"]] = np.minimum(lots, NOTIONAL_MAX)
    table[where, FIELD["reference"]] = int(columns["cell"][state.DEPOSIT_SERIAL]) + 1 + np.arange(many)


def _held(t: "Traffic", table: Any, where: Any, kind: int) -> None:
    """Of what is held: a part, all, one more. Buyers look at those in liquidation and at pools, seldom at others."""
    rng, many, columns = t.rng, len(where), t.columns
    rows = np.flatnonzero((columns["holding_lots"] != 0) & (columns["holding_bucket"] >= 0))
    if not len(rows):
        table[where, FIELD["size"]] = rng.integers(0, 100, many)
        return
    if kind == command.BUY_ASSET:
        bucket = columns["holding_bucket"][rows]
        for_sale = (columns["bucket_liquidating"][bucket] != 0) | (columns["bucket_owner"][bucket] < 0)
        rows = rows[for_sale] if for_sale.any() else rows
    row = rng.choice(rows, many)
    bucket, lots = columns["holding_bucket"][row].astype(np.int64), columns["holding_lots"][row]
    table[where, FIELD["other"]] = columns["holding_asset"][row]
    part = np.maximum((lots * rng.random(many) ** 2).astype(np.int64), 1)
    edge = rng.random(many) < 0.2
    table[where, FIELD["size"]] = np.where(edge, lots + rng.integers(0, 2, many), part)
    if kind == command.BUY_ASSET:
        price = np.maximum(columns["market_oracle"][columns["asset_market"][columns["holding_asset"][row]]], 1)
        table[where, FIELD["price"]] = price * rng.choice([1, 1, 2], many)
        table[where, FIELD["size"]] = np.where(rng.random(many) < 0.5, np.maximum(part // 16, 1), part)
        table[where, FIELD["reference"]] = bucket
        return
    owner = columns["bucket_owner"][bucket]
    table[where, FIELD["account"]] = np.where(owner >= 0, owner, table[where, FIELD["account"]])
    if kind == command.MOVE_ASSET:
        table[where, FIELD["market"]] = t._markets(many)
        table[where, FIELD["flags"]] = t._pick(where, (0, command.ISOLATED))
        first = columns["account_isolated"][np.maximum(owner, 0)]
        own = np.where(first > 0, columns["bucket_market"][np.maximum(first - 1, 0)], -1)
        table[where, FIELD["market"]] = np.where(own >= 0, own, table[where, FIELD["market"]])


def _ranges(t: "Traffic", table: Any, where: Any, kind: int) -> None:
    """Positions about the index, wide and narrow, about as large as people's cash; those that are there go and move."""
    rng, many, columns = t.rng, len(where), t.columns
    pools = np.flatnonzero(columns["asset_kind"] == asset_parameter.POOL)
    if not len(pools):
        return
    pool = rng.choice(pools, many)
    rows = np.flatnonzero((columns["holding_lots"] != 0) & (columns["holding_bucket"] >= 0))
    rows = rows[columns["asset_kind"][columns["holding_asset"][rows]] == asset_parameter.POOL]
    serial = int(columns["cell"][state.DEPOSIT_SERIAL])
    if kind in (command.ATTACH_RANGE, command.UNWIND_RANGE, command.RESHAPE_RANGE):
        table[where, FIELD["reference"]] = serial + 1 + np.arange(many)
    table[where, FIELD["other"]], table[where, FIELD["client_low"]] = pool, rng.integers(1, 2**40, many)
    if kind != command.ATTACH_RANGE and len(rows):
        row = rng.choice(rows, many)
        bucket, pool = columns["holding_bucket"][row], columns["holding_asset"][row]
        owner = columns["bucket_owner"][bucket]
        table[where, FIELD["account"]] = np.where(owner >= 0, owner, table[where, FIELD["account"]])
        table[where, FIELD["other"]], table[where, FIELD["client_low"]] = pool, columns["holding_token"][row]
        if kind == command.RESHAPE_RANGE:
            _reshapes(t, table, where, row)
            return
    if kind == command.MOVE_RANGE:
        first = columns["account_isolated"][table[where, FIELD["account"]]]
        own = np.where(first > 0, columns["bucket_market"][np.maximum(first - 1, 0)], t._markets(many))
        table[where, FIELD["market"]] = np.maximum(own, 0)
        table[where, FIELD["flags"]] = t._pick(where, (0, command.ISOLATED))
        return
    price = np.maximum(columns["market_oracle"][columns["asset_market"][pool]], 1).astype(float)
    wide, middle = rng.lognormal(-2, 1, many), price * np.exp(rng.normal(0, 0.1, many))
    high = middle * (1 + wide)
    usd = t.options.cash * rng.lognormal(-1, 1.2, many) * 1e6
    if kind == command.ATTACH_RANGE:
        scale = np.clip(np.floor((61.9 - np.log2(high)) / 2), 0, 31).astype(np.int64)
        low_root, high_root = np.sqrt(middle / (1 + wide)) * 2.0**scale, np.sqrt(high) * 2.0**scale
        liquidity = np.maximum(usd / np.maximum((high_root - low_root) / 2.0**scale, 1e-3), 1)
        table[where, FIELD["size"]] = np.minimum(liquidity, 2.0**52).astype(np.int64)
        table[where, FIELD["price"]] = np.minimum(low_root, 2.0**31).astype(np.int64) + rng.integers(0, 2, many)
        table[where, FIELD["trigger"]] = np.minimum(high_root, 2.0**31 - 1).astype(np.int64)
        table[where, FIELD["extra"]] = scale
    elif kind == command.UNWIND_RANGE:
        table[where, FIELD["size"]] = np.minimum(usd * rng.random(many) / price, 2.0**52).astype(np.int64)
        table[where, FIELD["amount"]] = np.minimum(usd * rng.random(many), 2.0**52).astype(np.int64)


def _reshapes(t: "Traffic", table: Any, where: Any, row: Any) -> None:
    """Fees alone, part of the liquidity, or another width; what comes out is about what went, or nothing."""
    rng, many, columns = t.rng, len(where), t.columns
    liquidity, low, high = (columns[f"holding_{name}"][row].astype(np.int64) for name in ("lots", "low", "high"))
    which = rng.integers(0, 3, many)
    part = np.maximum((liquidity * rng.random(many)).astype(np.int64), 1)
    wider = np.minimum(high + ((high - low) * rng.random(many)).astype(np.int64), 2**31 - 1)
    table[where, FIELD["size"]] = np.where(which == 0, liquidity, part)
    table[where, FIELD["price"]] = low
    table[where, FIELD["trigger"]] = np.where(which == 2, wider, high)
    table[where, FIELD["extra"]] = columns["holding_scale"][row]
    price = np.maximum(columns["market_oracle"][columns["asset_market"][columns["holding_asset"][row]]], 1)
    scale = 2.0 ** columns["holding_scale"][row]
    out = np.minimum((liquidity - part) * (high - low) / scale, 2.0**50) * rng.choice([0, 0.2, 1], many)
    table[where, FIELD["amount"]] = (out * rng.random(many)).astype(np.int64)
    table[where, FIELD["client_high"]] = (out * rng.random(many) / price).astype(np.int64)


def _office(t: "Traffic", table: Any, where: Any, kind: int) -> None:
    rng, columns = t.rng, t.columns
    for at in where.tolist():
        which = int(rng.choice(RAILED if kind == command.PROPOSE_ASSET else list(asset_parameter.ASSET)))
        spec, asset = asset_parameter.ASSET[which], min(int(table[at, FIELD["other"]]), ASSETS - 1)
        now = int(columns["asset_param"][asset, which])
        near = now + max(abs(now) // 20, 1) * int(rng.integers(-2, 3))
        edge = int(rng.choice([spec.low, spec.high, spec.low - 1, spec.high + 1]))
        wild = t.options.malice if kind == command.PROPOSE_ASSET else 0.1
        table[at, FIELD["price"]] = np.clip(edge if rng.random() < wild else near, -NOTIONAL_MAX, NOTIONAL_MAX)
        if kind == command.SET_ASSET:
            table[at, FIELD["reference"]] = which
            table[at, FIELD["expires"]] = int(rng.choice([0, t.now + DAY_MS + int(rng.integers(-1, 2)), t.now + 1000]))
        else:
            table[at, FIELD["size"]] = which
            table[at, FIELD["reference"]] = max(int(columns["cell"][state.RISK_SERIAL]) + int(rng.integers(-1, 9)), 0)
            table[at, FIELD["expires"]] = t.now + int(rng.integers(-1_000, 600_000))
            table[at, FIELD["amount"]] = int(rng.choice([3, 3, 3, 1, 0]))
