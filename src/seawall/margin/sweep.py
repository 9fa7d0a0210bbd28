"""Every account under every price vector: how many fall under water and what is missing (SPEC section 3).

Accounts outside, scenarios inside: a market's row of prices is contiguous, and the sums of one account over a tile of
scenarios stay in the first-level cache. Nothing is divided: equity is compared with the maintenance numerator.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np

from seawall.kernel import kernel, warm_up
from seawall.margin.blocks import mark_wide, sample_book
from seawall.margin.bulk import in_threads
from seawall.margin.columns import Book, Flags, Ints, Positions, Tiers, sealed
from seawall.terms import limits
from seawall.units import RATE_ONE, BadInput, UsdMicro
from seawall.wide import split_exceeds

TILE: Final = 1024  # scenarios at a time: their sums fit the first-level cache
SPLIT_BITS: Final = limits.SPLIT_BITS
SPLIT_MASK: Final = (1 << SPLIT_BITS) - 1
LOSS_BITS: Final = 32  # shortfalls are summed as (high, low) around 2^32
LOSS_MASK: Final = (1 << LOSS_BITS) - 1
NARROW_VALUE: Final = 2**45  # |cash| + gross notional of an account whose shortfalls are summed in one word
FLUSH: Final = 2**16  # such accounts between two flushes of that word: 2^16 x 2^45 < 2^62
RICH: Final = 2**39  # no numerator up to 2^62 reaches this equity x RATE_ONE


@dataclass(frozen=True, eq=False)
class Sweep:
    """What the scenarios do, micro-USD."""

    under_water: Ints  # [S] accounts with equity < maintenance
    loss_high: Ints  # [S] shortfalls in units of 2^LOSS_BITS
    loss_low: Ints  # [S] and what they have beside
    worst_equity: Ints | None  # [A] least equity of each account over the scenarios, when asked for

    @cached_property
    def shortfall(self) -> tuple[UsdMicro, ...]:
        """[S] sum over accounts of max(0, -equity), exact: words of Python, made when they are first asked for."""
        pairs = zip(self.loss_high.tolist(), self.loss_low.tolist(), strict=True)
        return tuple(UsdMicro((high << LOSS_BITS) + low) for high, low in pairs)


class Scenes(NamedTuple):
    """What the kernels read; `low` and `high` are the extremes of a market's prices within each tile."""

    positions: Positions
    tiers: Tiers
    cash: Ints
    prices: Ints
    low: Ints
    high: Ints
    wide: Flags


class Totals(NamedTuple):
    """What the kernels add up; `worst` is empty when nobody asked."""

    under_water: Ints
    loss_high: Ints
    loss_low: Ints
    worst: Ints


def sweep(accounts: Book, prices: Any, *, threads: int = 1, is_worst_wanted: bool = False) -> Sweep:
    """All accounts at all `prices` [M, S], micro-USD a lot; funding counts as far as it has been settled.

    Each scenario has the integers of `remargin` at its column of prices. Raises BadInput as `remargin` does.
    """
    rows = accounts.table.prices(prices, "prices")
    if rows.ndim != 2 or rows.shape[1] < 1:
        raise BadInput("prices", "expected one row a market and at least one scenario")
    scenarios = rows.shape[1]
    worst = np.full(accounts.accounts if is_worst_wanted else 0, np.iinfo(np.int64).max, np.int64)
    scenes = _scenes(accounts, rows)

    def part(begin: int, end: int) -> Totals:
        counts, high, low = (np.zeros(scenarios, np.int64) for _ in range(3))
        totals = Totals(counts, high, low, worst)
        sweep_range(begin, end, scenes, totals)
        return totals

    parts = in_threads(threads, accounts.accounts, part)
    return Sweep(
        under_water=np.sum([totals.under_water for totals in parts], axis=0),
        loss_high=np.sum([totals.loss_high for totals in parts], axis=0),
        loss_low=np.sum([totals.loss_low for totals in parts], axis=0),
        worst_equity=worst if is_worst_wanted else None,
    )


def _scenes(accounts: Book, rows: Ints) -> Scenes:
    wide = np.zeros(accounts.accounts, np.bool_)
    top = sealed(rows.max(axis=1))
    mark_wide(accounts.positions, top, accounts.table.rate.max(axis=1), wide)
    mark_large(accounts.positions, accounts.cash, top, wide)
    starts = np.arange(0, rows.shape[1], TILE)
    low, high = np.minimum.reduceat(rows, starts, axis=1), np.maximum.reduceat(rows, starts, axis=1)
    return Scenes(
        accounts.positions, accounts.table.tiers, accounts.cash, rows, sealed(low), sealed(high), sealed(wide)
    )


@kernel
def mark_large(positions: Positions, cash: Ints, top: Ints, wide: Flags) -> None:
    """Sets `wide` for accounts whose equity at prices up to `top` may leave +-2^45."""
    offsets, market, size = positions
    for account in range(cash.size):
        gross = abs(cash[account])
        for i in range(offsets[account], offsets[account + 1]):
            gross += abs(size[i]) * top[market[i]]
        if gross > NARROW_VALUE:
            wide[account] = True


@kernel
def sweep_range(begin: int, end: int, scenes: Scenes, totals: Totals) -> None:
    """Accounts begin..end over all scenarios, tile by tile.

    Columns are taken out of their tuples here, once: doing so per account would count references in the inner loop.
    """
    offsets, market, size = scenes.positions
    prices, cash, wide, under_water, worst = scenes.prices, scenes.cash, scenes.wide, totals.under_water, totals.worst
    equity, numerator, loss = np.zeros(TILE, np.int64), np.zeros(TILE, np.int64), np.zeros(TILE, np.int64)
    lines = np.zeros((size.size, 4), np.int64)
    for tile in range(scenes.low.shape[1]):
        first = tile * TILE
        length = min(TILE, prices.shape[1] - first)
        waiting = 0
        _draw_lines((begin, end), tile, scenes, lines)
        for account in range(begin, end):
            if wide[account]:
                continue
            _start(equity, numerator, cash[account])
            stop = offsets[account + 1]
            for i in range(offsets[account], stop, 2):
                other = min(i + 1, stop - 1)  # two positions a pass halve the traffic with the sums
                pair = (np.uint64(market[i]), np.uint64(market[other]), np.uint64(first), length)
                two = (size[other], lines[other, 0], lines[other, 1]) if other > i else (0, 0, 0)
                both = (size[i], lines[i, 0], two[0], two[1], lines[i, 1] + two[2])
                _add_lines(equity, numerator, prices, pair, both)
            for i in range(offsets[account], stop):
                for k in range(lines[i, 2], lines[i, 3]):
                    span = (np.uint64(market[i]), np.uint64(first), length)
                    _add_tier(numerator, prices, span, _tier_step(scenes.tiers, market[i], k, abs(size[i])))
            _judge(equity, numerator, loss, under_water, (first, length))
            if worst.size > 0:
                worst[account] = min(worst[account], _least(equity, length))
            waiting += 1
            if waiting == FLUSH:
                _flush(first, length, loss, totals)
                waiting = 0
        _flush(first, length, loss, totals)
    for account in range(begin, end):
        if wide[account]:
            _wide_account(account, scenes, totals)


@kernel
def _start(equity: Ints, numerator: Ints, cash: int) -> None:
    for j in range(TILE):
        equity[j], numerator[j] = cash, 0


@kernel
def _draw_lines(span: tuple[int, int], tile: int, scenes: Scenes, lines: Ints) -> None:
    """For the positions of narrow accounts over a tile: slope and drop of the numerator in the tier of the least
    notional, and the tiers above it that the greatest notional enters, as a range."""
    offsets, market, size = scenes.positions
    lower, rate, deduction_high, deduction_low = scenes.tiers
    for account in range(span[0], span[1]):
        if scenes.wide[account]:
            continue
        for i in range(offsets[account], offsets[account + 1]):
            m, lots = market[i], abs(size[i])
            k = _tier_at(lower, m, lots * scenes.low[m, tile])
            lines[i, 0] = lots * rate[m, k]
            lines[i, 1] = (deduction_high[m, k] << SPLIT_BITS) + deduction_low[m, k]
            lines[i, 2] = k + 1
            lines[i, 3] = _tier_at(lower, m, lots * scenes.high[m, tile]) + 1


@kernel
def _tier_at(lower: Ints, m: int, notional: int) -> int:
    k = 0
    while k + 1 < lower.shape[1] and notional >= lower[m, k + 1]:
        k += 1
    return k


@kernel
def _tier_step(tiers: Tiers, m: int, k: int, lots: int) -> tuple[int, int, int]:
    """Least price at which `lots` are in tier k, and how much slope and drop rise there."""
    lower, rate, deduction_high, deduction_low = tiers
    high = (deduction_high[m, k] - deduction_high[m, k - 1]) << SPLIT_BITS
    drop = high + deduction_low[m, k] - deduction_low[m, k - 1]
    return -(-lower[m, k] // lots), lots * (rate[m, k] - rate[m, k - 1]), drop


@kernel
def _add_lines(
    equity: Ints, numerator: Ints, prices: Ints, span: tuple[Any, Any, Any, int], lines: tuple[int, int, int, int, int]
) -> None:  # fmt: skip
    """Adds size x price and slope x price of two positions, and takes off their drops.

    Unsigned indices keep the loop free of wraparound.
    """
    row, other, first, length = span
    size, slope, size2, slope2, drop = lines
    for j in range(length):
        price, price2 = prices[row, first + np.uint64(j)], prices[other, first + np.uint64(j)]
        equity[j] += size * price + size2 * price2
        numerator[j] += slope * price + slope2 * price2 - drop


@kernel
def _add_tier(numerator: Ints, prices: Ints, span: tuple[Any, Any, int], step: tuple[int, int, int]) -> None:
    """Adds slope x price - drop where the price is at or above the threshold."""
    row, first, length = span
    threshold, slope, drop = step
    for j in range(length):
        price = prices[row, first + np.uint64(j)]
        extra = slope * price - drop
        numerator[j] += extra if price >= threshold else 0


@kernel
def _judge(equity: Ints, numerator: Ints, loss: Ints, under_water: Ints, span: tuple[int, int]) -> None:
    """Counts the scenarios that leave the account under water and adds its shortfalls.

    equity < ceil(numerator / RATE_ONE) iff equity x RATE_ONE < numerator; equity is cut to where that product fits.
    """
    first = np.uint64(span[0])
    for j in range(span[1]):
        value = equity[j]
        near = min(max(value, -1), RICH)
        under_water[first + np.uint64(j)] += np.int64(near * RATE_ONE < numerator[j])
        loss[j] += max(-value, 0)


@kernel
def _least(equity: Ints, length: int) -> int:
    least: int = equity[0]
    for j in range(1, length):
        least = min(least, equity[j])
    return least


@kernel
def _flush(first: int, length: int, loss: Ints, totals: Totals) -> None:
    for j in range(length):
        totals.loss_high[first + j] += loss[j] >> LOSS_BITS
        totals.loss_low[first + j] += loss[j] & LOSS_MASK
        loss[j] = 0


@kernel
def _wide_account(account: int, scenes: Scenes, totals: Totals) -> None:
    """An account of any size, one scenario at a time, its numerator summed apart around 2^20."""
    offsets, market, size = scenes.positions
    lower, rate, deduction_high, deduction_low = scenes.tiers
    for scenario in range(scenes.prices.shape[1]):
        equity, high, low = scenes.cash[account], 0, 0
        for i in range(offsets[account], offsets[account + 1]):
            m = market[i]
            value = size[i] * scenes.prices[m, scenario]
            notional = abs(value)
            k = _tier_at(lower, m, notional)
            equity += value
            high += (notional >> SPLIT_BITS) * rate[m, k] - deduction_high[m, k]
            low += (notional & SPLIT_MASK) * rate[m, k] - deduction_low[m, k]
        if split_exceeds(equity, high, low):
            totals.under_water[scenario] += 1
        if equity < 0:
            totals.loss_high[scenario] += (-equity) >> LOSS_BITS
            totals.loss_low[scenario] += (-equity) & LOSS_MASK
        if totals.worst.size > 0:
            totals.worst[account] = min(totals.worst[account], equity)


@warm_up
def compile_sweep() -> None:
    """Compiles the sweep."""
    accounts, marks = sample_book()
    sweep(accounts, marks.reshape(-1, 1), is_worst_wanted=True)
