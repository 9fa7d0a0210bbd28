"""What the forecasts compute in loops, compiled: means over the past, and paths over accounts."""

from typing import Any, Final

import numpy as np

from seawall.kernel import kernel, warm_up
from seawall.margin.blocks import sample_book
from seawall.terms import limits
from seawall.units import RATE_ONE

SPLIT: Final = float(1 << limits.SPLIT_BITS)


@kernel
def decayed(value: Any, seen: Any, start: Any, keep: float, found: Any) -> None:
    """Writes into `found` [T + 1, S] weighted means of what is seen before each row.

    `start` is the prior [S] and how many rows it counts as.
    """
    prior, rows = start
    for market in range(value.shape[1]):
        weight = rows * (1.0 - keep)
        total = prior[market] * weight
        found[0, market] = prior[market]
        for row in range(value.shape[0]):
            if seen[row, market]:
                total = keep * total + (1.0 - keep) * value[row, market]
                weight = keep * weight + (1.0 - keep)
            found[row + 1, market] = total / weight


@kernel
def walk(
    begin: int, end: int, cash: Any, positions: Any, tiers: Any, paths: Any, cost: float, found: Any
) -> None:  # fmt: skip
    """Adds to found [2, N] the notional that each path liquidates and the debt it leaves, USD."""
    # paths: prices [M, N, P], and their extremes [M, N]
    offsets = positions.offsets
    for account in range(begin, end):
        if offsets[account] == offsets[account + 1]:
            continue
        for path in range(paths[0].shape[1]):
            if not _may_fall(account, path, cash, positions, tiers, paths):
                continue
            for point in range(paths[0].shape[2]):
                equity, need, gross = _standing(account, path, point, cash, positions, tiers, paths[0])
                if equity < need:
                    found[0, path] += gross / 1e6
                    found[1, path] += max(0.0, cost * gross - equity) / 1e6
                    break


@kernel
def _may_fall(account: int, path: int, cash: Any, positions: Any, tiers: Any, paths: Any) -> bool:
    """False where even the worst of every market's path, taken together, leaves the account healthy."""
    equity, need = float(cash[account]), 0.0
    for i in range(positions.offsets[account], positions.offsets[account + 1]):
        market, size = positions.market[i], float(positions.size[i])
        low, high = float(paths[1][market, path]), float(paths[2][market, path])
        equity += size * low if size > 0.0 else size * high
        need += _maintenance(tiers, market, abs(size) * high)
    return equity < need


@kernel
def _standing(
    account: int, path: int, point: int, cash: Any, positions: Any, tiers: Any, prices: Any
) -> tuple[float, float, float]:  # fmt: skip
    """(equity, maintenance, gross notional) at one point, micro-USD."""
    equity, need, gross = float(cash[account]), 0.0, 0.0
    for i in range(positions.offsets[account], positions.offsets[account + 1]):
        market, size = positions.market[i], float(positions.size[i])
        value = size * float(prices[market, path, point])
        equity += value
        gross += abs(value)
        need += _maintenance(tiers, market, abs(value))
    return equity, need, gross


@kernel
def _maintenance(tiers: Any, market: int, notional: float) -> float:
    k = 0
    while k + 1 < tiers.lower.shape[1] and notional >= tiers.lower[market, k + 1]:
        k += 1
    deduction = float(tiers.deduction_high[market, k]) * SPLIT + float(tiers.deduction_low[market, k])
    return (notional * float(tiers.rate[market, k]) - deduction) / RATE_ONE


@warm_up
def compile_risk() -> None:
    """Compiles all of it."""
    value = np.zeros((1, 1))
    decayed(value, value == 0.0, (np.zeros(1), 1.0), 0.5, np.zeros((2, 1)))
    accounts, marks = sample_book()
    prices, edges = marks.reshape(-1, 1, 1), marks.reshape(-1, 1)
    paths = (prices, edges, edges)
    walk(0, accounts.accounts, accounts.cash, accounts.positions, accounts.table.tiers, paths, 0.0, np.zeros((2, 1)))
