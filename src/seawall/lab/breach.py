"""Which buckets the index would have made liquidatable as well, had nobody touched them from some point on.

A liquidation is *unnecessary* when the index never crosses the liquidation price of what the bucket held when it began
(lab/begun.py), from that bar to the end of the history: a price that came back says nothing, an index that never went
there does. This module takes bare columns, so that a change of the laboratory does not compile the engine anew.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from seawall.kernel import kernel, warm_up
from seawall.margin.columns import market_table
from seawall.terms import limits
from seawall.terms.market import Market
from seawall.units import FUNDING_INDEX_PER_MICRO
from seawall.wide import split_ceil_rate

Ints = npt.NDArray[Any]  # int64

BITS: Final = limits.SPLIT_BITS
LOW: Final = (1 << limits.SPLIT_BITS) - 1
BLOCK: Final = 64  # points whose worst prices are tried together before each of them

LOWER: Final = 0  # cells of a tier, in the order of margin.columns.Tiers
RATE: Final = 1
DEDUCTION_HIGH: Final = 2
DEDUCTION_LOW: Final = 3


class Buckets(NamedTuple):
    """Positions of bucket b are rows offsets[b]..offsets[b + 1]."""

    offsets: Ints
    market: Ints
    size: Ints
    raw_usd: Ints
    since: Ints  # the first point that is looked at; funding up to it is in raw_usd


class Prices(NamedTuple):
    """[P, S] by point, [blocks, S] least and greatest of a block: index prices, and funding steps summed so far."""

    price: Ints
    price_low: Ints
    price_high: Ints
    paid: Ints
    paid_low: Ints
    paid_high: Ints


def breaches(buckets: Buckets, markets: Sequence[Market], index: Ints, funding_step: Ints) -> npt.NDArray[np.bool_]:
    """[A] whether each bucket, left alone but for funding, has equity < maintenance marked at the index, ever since.

    `index` is [T, K, S], the points of each bar; `funding_step` [T, S] what a lot pays at its start, in FundingIndex.
    """
    table = np.stack(market_table(markets).tiers, axis=-1)
    found = np.zeros(len(buckets.raw_usd), np.bool_)
    mark_breached(Buckets(*(part.astype(np.int64) for part in buckets)), prices_of(index, funding_step), table, found)
    return found


def prices_of(index: Ints, funding_step: Ints) -> Prices:
    """Index and funding point after point, with the extremes of each block."""
    price = np.ascontiguousarray(index.reshape(-1, index.shape[2]))
    paid = np.repeat(np.cumsum(funding_step, axis=0), index.shape[1], axis=0)
    starts = np.arange(0, len(price), BLOCK)
    extremes = [kind.reduceat(values, starts, axis=0) for values in (price, paid) for kind in (np.minimum, np.maximum)]
    return Prices(price, extremes[0], extremes[1], paid, extremes[2], extremes[3])


@kernel
def mark_breached(buckets: Buckets, prices: Prices, table: Any, found: Any) -> None:
    """Sets `found` for every bucket that breaches; a block in which even its worst prices do not is passed over."""
    points, blocks = len(prices.price), len(prices.price_low)
    for bucket in range(len(found)):
        since = buckets.since[bucket]
        settled = prices.paid[since]
        for block in range(since // BLOCK, blocks):
            if found[bucket]:
                break
            index = (prices.price_low[block], prices.price_high[block])
            paid = (prices.paid_low[block] - settled, prices.paid_high[block] - settled)
            if least_margin(buckets, bucket, table, index, paid) >= 0:
                continue
            for point in range(max(since, block * BLOCK), min(points, (block + 1) * BLOCK)):
                owed = prices.paid[point] - settled
                index, paid = (prices.price[point], prices.price[point]), (owed, owed)
                if least_margin(buckets, bucket, table, index, paid) < 0:
                    found[bucket] = True
                    break


@kernel
def least_margin(buckets: Buckets, bucket: int, table: Any, index: Any, paid: Any) -> int:
    """Equity less maintenance of a bucket in micro-USD, each position at the worse of (low, high) index and funding."""
    equity, high, low = buckets.raw_usd[bucket], 0, 0
    for row in range(buckets.offsets[bucket], buckets.offsets[bucket + 1]):  # at most 64 positions
        size, market = buckets.size[row], buckets.market[row]
        if size > 0:
            equity += size * index[0][market] + funding_payment(size, paid[1][market])
        else:
            equity += size * index[1][market] + funding_payment(size, paid[0][market])
        more_high, more_low = position_maintenance(table, market, abs(size) * index[1][market])
        high += more_high
        low += more_low
    return int(equity - split_ceil_rate(high, low))


@kernel
def position_maintenance(table: Any, market: int, notional: int) -> tuple[int, int]:
    """notional * rate - deduction of its tier in micro-USD x RATE_ONE, as (high, low) around 2^20."""
    tier = 0
    while tier + 1 < table.shape[1] and table[market, tier + 1, LOWER] <= notional:  # at most 16 tiers
        tier += 1
    rate = table[market, tier, RATE]
    high = (notional >> BITS) * rate - table[market, tier, DEDUCTION_HIGH]
    return high, (notional & LOW) * rate - table[market, tier, DEDUCTION_LOW]


@kernel
def funding_payment(size: int, step: int) -> int:
    """floor(-size * step / 1e6) with the product split at the divisor, so that it fits int64."""
    whole = step // FUNDING_INDEX_PER_MICRO
    rest = step - whole * FUNDING_INDEX_PER_MICRO
    return -size * whole + (-size * rest) // FUNDING_INDEX_PER_MICRO


@warm_up
def compile_breach() -> None:
    """Compiles the kernels: one long of 1,000 lots in one market."""
    one = np.ones((1, 1), np.int64)
    none = np.zeros(1, np.int64)
    buckets = Buckets(np.array([0, 1]), none, np.full(1, 1_000), none, none)
    mark_breached(buckets, Prices(one, one, one, one, one, one), np.ones((1, 1, 4), np.int64), np.zeros(1, np.bool_))
