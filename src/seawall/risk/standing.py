"""Buckets that the sweep does not value, over many joint prices: portfolio mode, and collateral other than USD.

All points are valued in floats first. Where equity is closer to maintenance than floats and roundings can tell apart,
the margin core decides, in its own integers: what comes out is its answer at every point.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from seawall.margin.health import equity_maintenance, maintenance_of
from seawall.margin.portfolio_price import conditions_at
from seawall.margin.scenario import ScenarioKind, portfolio_margin, scenarios
from seawall.terms.asset import Asset, Span
from seawall.terms.bucket import Bucket, MarginMode
from seawall.terms.conditions import Conditions
from seawall.terms.grid import ScenarioGrid
from seawall.terms.market import Market
from seawall.units import RATE_ONE, BadInput, Price

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

RELATIVE: Final = 1e-9  # of all that is summed: far above what floats lose
ROUNDINGS: Final = 64.0  # micro-USD: every floor and ceil of one valuation
COUNTED: Final = 4  # times that collateral may count: in equity, in a row of the grid, in the basis, and once to spare


def markets_of(bucket: Bucket, conditions: Conditions) -> tuple[str, ...]:
    """The markets whose prices move what the bucket is worth, in order of name. Collateral of a market that the
    conditions do not know stands still."""
    linked = [mover_of(conditions.asset(holding.asset), conditions) for holding in bucket.collateral if holding.balance]
    held = [position.market for position in bucket.positions if position.size]
    return tuple(sorted({*held, *(name for name in linked if name is not None)}))


def mover_of(asset: Asset, conditions: Conditions) -> str | None:
    """The market that an asset moves with, where the conditions have one."""
    return asset.underlying if asset.underlying in conditions.marks else None


def is_under_water(bucket: Bucket, conditions: Conditions, grid: ScenarioGrid | None) -> bool:
    """Whether equity is below maintenance, by the margin core. BadInput for portfolio mode without a grid."""
    if bucket.mode is MarginMode.TIERED:
        return equity_maintenance(bucket, conditions) < maintenance_of(bucket, conditions)
    return equity_maintenance(bucket, conditions) < portfolio_margin(bucket, conditions, given(grid)).maintenance


def given(grid: ScenarioGrid | None) -> ScenarioGrid:
    """The grid, or BadInput."""
    if grid is None:
        raise BadInput("grid", "a bucket in portfolio mode needs the venue's scenario grid")
    return grid


def under_water(
    bucket: Bucket, conditions: Conditions, prices: Mapping[str, Ints], grid: ScenarioGrid | None = None
) -> Flags:
    """[S] whether equity is below maintenance where the markets of `markets_of` stand at `prices` [S], each.

    Collateral moves with its underlying market. BadInput as `is_under_water`.
    """
    names, count = markets_of(bucket, conditions), len(next(iter(prices.values())))
    perps = dict.fromkeys(names, np.zeros(count))
    for position in bucket.positions:
        if position.size:
            perps[position.market] = position.size * prices[position.market].astype(np.float64)
    spots = dict.fromkeys(names, np.zeros(count))
    equity, slack = np.full(count, float(bucket.raw_usd)), float(abs(bucket.raw_usd))
    for holding in bucket.collateral:
        if not holding.balance:
            continue
        asset = conditions.asset(holding.asset)
        worth = holding.balance * (asset.weight_maintenance / RATE_ONE) * _kept(asset, conditions, prices, count)
        if asset.span is not None:
            slack += holding.balance * COUNTED * _shift(asset.span) / RELATIVE
        equity += worth
        slack += float(worth.max()) + COUNTED * holding.balance / RELATIVE  # its price is rounded to a micro-USD a lot
        mover = mover_of(asset, conditions)
        if mover is not None and asset.span is None:
            spots[mover] = spots[mover] + worth
    equity += sum(perps.values(), np.zeros(count))
    slack += sum(float(np.abs(value).max()) for value in perps.values())
    if bucket.mode is MarginMode.TIERED:
        need = sum((_tiered(conditions.market(name), np.abs(perps[name])) for name in names), np.zeros(count))
    else:
        need = _portfolio(given(grid), names, prices, perps, spots, _spans(bucket, conditions))
    gap = equity - need
    near = np.abs(gap) <= RELATIVE * slack + ROUNDINGS
    found: Flags = gap < 0.0
    for at in np.flatnonzero(near):
        moved = conditions
        for name in names:
            moved = conditions_at(moved, name, Price(int(prices[name][at])))
        found[at] = is_under_water(bucket, moved, grid)
    return found


def _kept(asset: Asset, conditions: Conditions, prices: Mapping[str, Ints], count: int) -> Floats:
    """[S] what maintenance prices a lot of the asset at."""
    moved: Floats = np.ones(count)
    mover = mover_of(asset, conditions)
    if mover is not None and asset.span is not None:
        share = asset.span.price / conditions.mark(mover).mark
        return _along(asset.span, prices[mover].astype(np.float64) * share)[0]
    if mover is not None:
        moved = prices[mover] / float(conditions.mark(mover).mark)
    if asset.redemption is None:
        return asset.oracle * moved
    lower: Floats = np.minimum(asset.oracle * moved, asset.redemption * moved)
    least = asset.redemption * moved * (asset.redemption_floor / RATE_ONE)
    return np.maximum(lower, np.minimum(least, asset.price_max))


def _shift(span: Span) -> float:
    """By how much, at most, floors and a price in whole micro-USD move what a liquidity position is worth."""
    unit = 2.0**span.scale
    return 4.0 * span.liquidity / unit + span.liquidity * unit / max(span.low, 1)


def _along(span: Span, price: Floats) -> tuple[Floats, Floats]:
    """[S] what a liquidity position is worth at prices of its market, and what of that is base asset."""
    unit = 2.0**span.scale
    root = np.clip(np.sqrt(price) * unit, span.low, span.high)
    base = np.minimum(root, price * unit * unit / root) * (span.high - root) / span.high
    whole = span.liquidity / unit
    return whole * (root - span.low + base), whole * base


def _spans(bucket: Bucket, conditions: Conditions) -> dict[str, list[Span]]:
    """The liquidity positions of a bucket by their market."""
    found: dict[str, list[Span]] = {}
    for holding in bucket.collateral:
        asset = conditions.asset(holding.asset)
        if asset.span is not None and asset.underlying is not None:
            found.setdefault(asset.underlying, []).extend([asset.span] * holding.balance)
    return found


def _tiered(market: Market, notional: Floats) -> Floats:
    """[S] tiered maintenance of a position of so much notional."""
    need: Floats = np.zeros(len(notional))
    before = 0.0
    for tier in market.tiers:
        rate = tier.maintenance / RATE_ONE
        need += (rate - before) * np.maximum(notional - tier.lower, 0.0)
        before = rate
    return need


def _portfolio(
    grid: ScenarioGrid,
    names: tuple[str, ...],
    prices: Mapping[str, Ints],
    perps: Mapping[str, Floats],
    spots: Mapping[str, Floats],
    spans: Mapping[str, list[Span]],
) -> Floats:
    """[S] maintenance of margin/scenario.py: the worst row of the grid, floors, and the add-on for concentration."""
    extra = np.zeros(len(perps[names[0]])) if names else np.zeros(1)
    worst: Floats = extra.copy()
    for name in names:
        risk, gross = grid.risk(name), np.abs(perps[name])
        extra = extra + gross * (risk.floor / RATE_ONE)
        extra += np.maximum(gross - risk.concentration_start, 0.0) * (risk.concentration / RATE_ONE)
    for row in scenarios(grid, names):
        lost, gained = np.zeros(len(worst)), np.zeros(len(worst))
        for name in names:
            if row.kind is ScenarioKind.OWN and row.market != name:
                continue
            risk = grid.risk(name)
            beta = 1.0 if row.kind is ScenarioKind.OWN else risk.beta / RATE_ONE
            move = max(-1.0, row.move / RATE_ONE * beta)
            base: Floats = np.zeros(len(worst))
            fallen: Floats = np.zeros(len(worst))
            for span in spans.get(name, ()):
                now = prices[name].astype(np.float64)
                worth, part = _along(span, now)
                base += part
                fallen += worth - _along(span, now * (1.0 + move))[0]
            hedged = np.minimum(np.maximum(-perps[name], 0.0), spots[name] + base)
            loss = fallen + hedged * (risk.basis / RATE_ONE) - (perps[name] + spots[name]) * move
            lost += np.maximum(loss, 0.0)
            gained += np.maximum(-loss, 0.0)
        worst = np.maximum(worst, lost - gained * (row.credit / RATE_ONE))
    return worst + extra
