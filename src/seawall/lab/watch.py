"""Which buckets to look at: those that a move of the marks could have made unhealthy since all were last measured.

When every mark has moved by at most a share d since then, a bucket's equity fell by at most d x gross notional and its
maintenance rose by at most half of that, as maintenance is continuous with slopes of at most 1/2 (terms.market). A
bucket whose equity exceeded maintenance by more than 1.5 d x gross is therefore still healthy. Buckets nearer than
that, and those being liquidated, are kept in a list; once a mark has moved further, all are measured again.
Money moves only for buckets on the list, or upwards; funding moves everybody's and asks for a fresh look.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from seawall.kernel import kernel
from seawall.lab import columns
from seawall.lab.columns import Array, Buckets, Ints, Terms
from seawall.terms import limits
from seawall.units import RATE_ONE
from seawall.wide import split_ceil_rate

BITS: Final = limits.SPLIT_BITS
LOW: Final = (1 << limits.SPLIT_BITS) - 1
REACH: Final = 0.02  # a list is good for marks that moved by at most this
SAFE: Final = 1.5 * REACH * (1.0 + 1e-6)  # of gross notional, with room for the rounding of floats
ROUNDING: Final = 4  # micro-USD: the ceil of maintenance, before and after

COUNT: Final = 0  # cells of Watch.state
FRESH: Final = 1
LOOKS: Final = 2  # times all buckets were measured

LOWER: Final = columns.LOWER
RATE: Final = columns.RATE
DEDUCTION_HIGH: Final = columns.DEDUCTION_HIGH
DEDUCTION_LOW: Final = columns.DEDUCTION_LOW

HEALTHY: Final = columns.HEALTHY
LIQUIDATING: Final = columns.LIQUIDATING
CLOSED: Final = columns.CLOSED


class Watch(NamedTuple):
    """The list, and the marks at which it was made."""

    base: Ints
    listed: Ints
    state: Ints
    found: Ints  # what the last search found, by rising bucket
    order: Array  # equity / maintenance of those


def watch(buckets: int, markets: int) -> Watch:
    """A watch that will begin by measuring everybody."""
    base, listed, found = (np.zeros(size, np.int64) for size in (markets, buckets, buckets))
    return Watch(base=base, listed=listed, state=np.zeros(3, np.int64), found=found, order=np.zeros(buckets))


@kernel
def position_maintenance(table: Any, market: int, notional: int) -> tuple[int, int]:
    """notional * rate - deduction of its tier in micro-USD x RATE_ONE, as (high, low) around 2^20.

    The rule of bulk.account_range on interleaved tiers: with a tier in one cache line a replay takes a sixth less time.
    """
    tier = 0
    while tier + 1 < table.shape[1] and table[market, tier + 1, LOWER] <= notional:  # at most 16 tiers
        tier += 1
    rate = table[market, tier, RATE]
    high = (notional >> BITS) * rate - table[market, tier, DEDUCTION_HIGH]
    return high, (notional & LOW) * rate - table[market, tier, DEDUCTION_LOW]


@kernel
def share_up(amount: int, rate: int) -> int:
    """ceil(amount * rate / RATE_ONE) for amount >= 0, without a product beyond int64."""
    whole = amount // RATE_ONE
    return whole * rate - (-((amount - whole * RATE_ONE) * rate) // RATE_ONE)


@kernel
def summed(rows: tuple[int, int], markets: Any, sizes: Any, table: Any, mark: Any) -> tuple[int, int, int, int]:
    """(signed notional, maintenance numerator high, low, gross notional) of positions [first, last), micro-USD.

    Takes bare columns: reaching into a tuple of arrays costs several times the arithmetic here.
    """
    net, high, low, gross = 0, 0, 0, 0
    for row in range(rows[0], rows[1]):  # at most 64 positions
        market = markets[row]
        value = sizes[row] * mark[market]
        notional = abs(value)
        more_high, more_low = position_maintenance(table, market, notional)
        net += value
        high += more_high
        low += more_low
        gross += notional
    return net, high, low, gross


@kernel
def health_of(buckets: Buckets, terms: Terms, mark: Any, bucket: int) -> tuple[int, int, int]:
    """(equity, maintenance numerator high, low) of one bucket at `mark`, micro-USD."""
    rows = (buckets.offsets[bucket], buckets.offsets[bucket + 1])
    net, high, low, _ = summed(rows, buckets.market, buckets.size, terms.table, mark)
    return buckets.raw_usd[bucket] + net, high, low


@kernel
def _largest_move(base: Any, mark: Any) -> float:
    """The largest relative distance of a mark from its base."""
    widest = 0.0
    for market in range(len(base)):
        widest = max(widest, abs(mark[market] / base[market] - 1.0))
    return widest


@kernel
def find_unhealthy(watch: Watch, buckets: Buckets, terms: Terms, mark: Any, exit_buffer: int) -> int:
    """Writes the buckets to serve into `watch.found`; returns how many.

    A bucket is LIQUIDATING from equity < maintenance until equity >= the liquidation end; those are the ones served.
    """
    offsets, markets, sizes, raw_usd = buckets.offsets, buckets.market, buckets.size, buckets.raw_usd
    table = terms.table
    status, listed, found, order = buckets.status, watch.listed, watch.found, watch.order
    count, kept = 0, 0
    everybody = watch.state[FRESH] == 0 or _largest_move(watch.base, mark) > REACH
    if everybody:
        watch.base[:] = mark
        watch.state[FRESH] = 1
        watch.state[LOOKS] += 1
    for place in range(len(raw_usd) if everybody else watch.state[COUNT]):
        bucket = place if everybody else listed[place]
        if status[bucket] == CLOSED:
            continue
        net, high, low, gross = summed((offsets[bucket], offsets[bucket + 1]), markets, sizes, table, mark)
        equity, needed = raw_usd[bucket] + net, split_ceil_rate(high, low)
        if everybody and equity - needed - ROUNDING <= SAFE * gross:
            listed[kept] = bucket
            kept += 1
        if status[bucket] == LIQUIDATING:
            needed += share_up(needed, exit_buffer)
            if equity >= needed:
                status[bucket] = HEALTHY
        if equity < needed:
            status[bucket] = LIQUIDATING
            found[count] = bucket
            order[count] = equity / max(needed, 1)
            count += 1
    if everybody:
        watch.state[COUNT] = kept
    return count
