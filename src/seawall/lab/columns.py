"""The columns a replay works on: buckets, terms, quotes, the venue's own accounts and what happened in a bar.

All are plain NumPy arrays grouped in named tuples, which compiled kernels take as they are. Money is int64 micro-USD,
size int64 lots, price int64 micro-USD per lot; only displacement and depth are floats (see market_impact).
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from seawall.lab.population import Population
from seawall.margin.columns import market_table
from seawall.terms.market import Market

Array = npt.NDArray[Any]
Ints = Array  # int64

HEALTHY: Final = 0
LIQUIDATING: Final = 1  # from equity < maintenance until equity >= liquidation end
CLOSED: Final = 2

MAKER_RAW: Final = 0  # cells of Venue.money
FUND: Final = 1
BAD_DEBT: Final = 2
FEES: Final = 3
FUNDING_DUST: Final = 4
INSURANCE_PAID: Final = 5
VENUE_CELLS: Final = 6

LOWER: Final = 0  # cells of a tier in Terms.table, in the order of margin.columns.Tiers
RATE: Final = 1
DEDUCTION_HIGH: Final = 2
DEDUCTION_LOW: Final = 3

FILLS: Final = 0  # cells of Tally.counters
BUCKETS: Final = 1  # first liquidations
CLOSED_OUT: Final = 2
WAVES: Final = 3
COUNT_CELLS: Final = 4


class Buckets(NamedTuple):
    """B buckets; positions of bucket b are rows offsets[b]..offsets[b + 1]."""

    offsets: Array
    market: Array
    size: Ints
    raw_usd: Ints
    cross_of: Array  # where the rest of a closed isolated bucket goes; itself for a cross bucket
    status: Array
    first_bar: Array  # bar of the first liquidation, -1 before
    liquidated: Ints  # notional closed by liquidation


class Terms(NamedTuple):
    """S markets with up to K tiers in one table [S, K, 4]; unused tiers start above every notional."""

    table: Ints
    price_max: Ints


class Quotes(NamedTuple):
    """Prices at one point of a bar. `mark`, `displacement` and `room` change while liquidations fill."""

    perp: Ints  # recorded traded price
    index_price: Ints
    has_index: Array
    live: Array
    depth_usd: Array
    mark: Ints
    displacement: Array
    room: Ints  # [S, 2] lots that forced selling (0) and forced buying (1) can still fill


class Rules(NamedTuple):
    """How marks are made and liquidations are executed, as numbers a kernel can read."""

    follows_index: int  # 1: mark is the index
    clamps: int  # 1: mark is held within `band` of the index
    gates: int  # 1: no forced order fills further than `gate` beyond the index
    band: int  # Rate
    gate: float
    reach: float
    exit_buffer: int  # Rate
    fee: int  # Rate
    dust_usd: int  # micro-USD


class Venue(NamedTuple):
    """What the other side of every trade holds, the insurance fund and the population's open interest."""

    money: Ints
    maker_size: Ints
    open_lots: Ints  # [S, 2] held long and short by the population


class Tally(NamedTuple):
    """What happened in one bar; index 0 of the last axis is forced selling (longs closed), 1 forced buying."""

    counters: Ints
    notional: Ints  # [S, 2]
    below_index: Ints  # [S, 2] worse than the index by, signed, micro-USD
    fills: Ints  # [S]
    bad_debt: Ints  # [S] by market of the last close


class Scene(NamedTuple):
    """Everything a liquidation reads and writes at one point of a bar."""

    buckets: Buckets
    quotes: Quotes
    terms: Terms
    rules: Rules
    venue: Venue
    tally: Tally


def terms_of(markets: Sequence[Market]) -> Terms:
    """The markets' tiers as margin.columns has them, the four cells of a tier side by side."""
    table = market_table(markets)
    return Terms(np.stack(table.tiers, axis=-1), np.array(table.price_max))


def tally(markets: int) -> Tally:
    """A tally of nothing."""
    pair = (markets, 2)
    zeros = [np.zeros(shape, np.int64) for shape in (COUNT_CELLS, pair, pair, markets, markets)]
    return Tally(*zeros)


def buckets_in(population: Population) -> Buckets:
    """Fresh working columns of a population, nothing liquidated yet."""
    return buckets_of(
        offsets=population.offsets,
        market=population.market,
        size=population.size,
        raw_usd=population.raw_usd,
        isolated=population.isolated,
        owner=population.owner,
    )


def buckets_of(*, offsets: Array, market: Array, size: Array, raw_usd: Array, isolated: Array, owner: Array) -> Buckets:
    """Working copies of a population's columns; the population itself never changes."""
    count = len(raw_usd)
    rows = np.arange(count, dtype=np.int32)
    cross_by_owner = np.full(int(owner.max()) + 1, -1, np.int32)
    crosses = np.flatnonzero(~isolated)
    cross_by_owner[owner[crosses]] = rows[crosses]
    cross_of = np.where(isolated & (cross_by_owner[owner] >= 0), cross_by_owner[owner], rows).astype(np.int32)
    return Buckets(
        offsets=np.ascontiguousarray(offsets, np.int32),
        market=np.ascontiguousarray(market, np.uint16),
        size=np.array(size, np.int64),
        raw_usd=np.array(raw_usd, np.int64),
        cross_of=cross_of,
        status=np.zeros(count, np.int8),
        first_bar=np.full(count, -1, np.int32),
        liquidated=np.zeros(count, np.int64),
    )
