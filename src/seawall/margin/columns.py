"""Accounts as columns: what the bulk kernels read (SPEC section 0).

A `MarketTable` holds the tiers of every market, a `Book` the buckets and their positions. Every bound is checked here,
when they are made, because compiled kernels never check; their arrays are read-only afterwards. Building raises
BadInput and changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from seawall.kernel import kernel, warm_up
from seawall.margin.collateral import value_maintenance
from seawall.terms import limits
from seawall.terms.bucket import Bucket, MarginMode
from seawall.terms.conditions import Conditions, check_bucket
from seawall.terms.market import Market
from seawall.units import BadInput

Ints = NDArray[np.int64]
Ids = NDArray[np.uint16]
Flags = NDArray[np.bool_]
Array = TypeVar("Array", bound=NDArray[Any])

COLLATERAL_MAX: Final = 2**61  # with it raw_usd + collateral + 64 notionals stay below 2^63
UNREACHABLE: Final = 2**62  # lower bound of the tiers a market does not have
SPLIT_MASK: Final = (1 << limits.SPLIT_BITS) - 1


class Tiers(NamedTuple):
    """The tiers of a table as kernels take them."""

    lower: Ints
    rate: Ints
    deduction_high: Ints
    deduction_low: Ints


@dataclass(frozen=True, slots=True)
class MarketTable:
    """Tiers of M markets, T the most that one of them has. Rates in 1/RATE_ONE, amounts in micro-USD.

    A deduction is `deduction_high * 2^20 + deduction_low`, in micro-USD x RATE_ONE.
    """

    names: tuple[str, ...]
    price_max: Ints  # [M]
    lower: Ints  # [M, T]
    rate: Ints  # [M, T]
    deduction_high: Ints  # [M, T]
    deduction_low: Ints  # [M, T]

    @property
    def tiers(self) -> Tiers:
        return Tiers(self.lower, self.rate, self.deduction_high, self.deduction_low)

    def prices(self, prices: Any, name: str = "marks") -> Ints:
        """Prices in micro-USD per lot, [M] or [M, scenarios], each in 1..price_max of its market; else BadInput."""
        values = column(prices, name)
        if values.ndim not in (1, 2) or len(values) != len(self.names):
            raise BadInput(name, f"expected one row for each of {len(self.names)} markets, got shape {values.shape}")
        top = self.price_max if values.ndim == 1 else self.price_max[:, None]
        wrong = np.argwhere((values < 1) | (values > top))
        if len(wrong):
            where = tuple(wrong[0])
            market = where[0]
            raise BadInput(
                f"{name}.{self.names[market]}", f"price {values[where]} is outside 1..{self.price_max[market]}"
            )
        return values


class Segments(NamedTuple):
    """Positions by block of accounts, inside a block by market: a segment holds one market's positions of one block.

    Each segment is padded with positions of size 0.
    """

    first: Ints  # [blocks + 1] the first segment of each block
    market: Ids  # [segments]
    start: Ints  # [segments] into size and local
    filled: Ints  # [segments] positions without the padding
    largest: Ints  # [segments] greatest |size|
    size: NDArray[np.int32]
    local: Ids  # account number inside its block


@dataclass(frozen=True, slots=True)
class Layout:
    """The *narrow* accounts as segments, where price and tiers are loop constants; `wide` lists the others.

    Narrow: sizes fit int32, and sum(|size| * price_cap * highest rate) <= 2^62, so that one int64 carries the
    maintenance numerator while no mark is above its cap.
    """

    segments: Segments
    price_cap: Ints  # [M] greatest mark for which `wide` was decided
    drop: Ints  # [M, T] deduction of a tier less that of the one below; only for tiers a narrow account can reach
    wide: Ints  # accounts


class Positions(NamedTuple):
    """The positions of a book as kernels take them."""

    offsets: Ints
    market: Ids
    size: Ints


@dataclass(frozen=True, slots=True)
class Book:
    """A accounts (buckets) and their P positions; those of account a are offsets[a]..offsets[a + 1]."""

    table: MarketTable
    offsets: Ints  # [A + 1]
    raw_usd: Ints  # [A] micro-USD
    collateral: Ints  # [A] value of collateral for maintenance, micro-USD
    market: Ids  # [P] rows of the table
    size: Ints  # [P] signed lots
    entry_index: Ints  # [P] funding index at which it last settled
    cash: Ints  # [A] raw_usd + collateral
    layout: Layout | None = None  # a second order of the positions for bulk work; blocks.arrange adds it

    @property
    def accounts(self) -> int:
        return len(self.raw_usd)

    @property
    def positions(self) -> Positions:
        return Positions(self.offsets, self.market, self.size)


def market_table(markets: Sequence[Market]) -> MarketTable:
    """The table of these markets, in their order. BadInput: too many, or two of one name."""
    names = tuple(market.name for market in markets)
    if len(names) > limits.MARKETS:
        raise BadInput("markets", f"{len(names)} markets, at most {limits.MARKETS}")
    if len(set(names)) != len(names):
        raise BadInput("markets", "two markets of one name")
    most = max((len(market.tiers) for market in markets), default=1)
    lower = np.full((len(names), most), UNREACHABLE, dtype=np.int64)
    rate, high, low = (np.zeros((len(names), most), dtype=np.int64) for _ in range(3))
    for row, market in enumerate(markets):
        for k, tier in enumerate(market.tiers):
            lower[row, k] = tier.lower
            rate[row, k] = tier.maintenance
            high[row, k] = tier.deduction >> limits.SPLIT_BITS
            low[row, k] = tier.deduction & SPLIT_MASK
    price_max = np.array([market.price_max for market in markets], dtype=np.int64)
    return MarketTable(names, *(sealed(values) for values in (price_max, lower, rate, high, low)))


def marks_of(table: MarketTable, conditions: Conditions) -> Ints:
    """Marks of the table's markets, micro-USD per lot."""
    return table.prices([conditions.mark(name).mark for name in table.names])


def indices_of(table: MarketTable, conditions: Conditions) -> Ints:
    """Funding indices of the table's markets, as `settle_funding` takes them."""
    return column([conditions.mark(name).funding_index for name in table.names], "funding_index")


def book(
    table: MarketTable,
    *,
    offsets: Any,
    raw_usd: Any,
    market: Any,
    size: Any,
    entry_index: Any = None,
    collateral: Any = None,
) -> Book:
    """A Book from raw columns (see its fields); no funding index means 0, no collateral means none.

    BadInput names the first account or position that is out of bounds: positions per bucket, repeated markets, unknown
    markets, sizes above 2^53 / price_max, cash, collateral, funding index.
    """
    starts, cash, ids, sizes = (
        column(values, name)
        for values, name in ((offsets, "offsets"), (raw_usd, "raw_usd"), (market, "market"), (size, "size"))
    )
    entries = np.zeros(len(sizes), np.int64) if entry_index is None else column(entry_index, "entry_index")
    held = np.zeros(len(cash), np.int64) if collateral is None else column(collateral, "collateral")
    if any(values.ndim != 1 for values in (starts, cash, ids, sizes, entries, held)):
        raise BadInput("book", "every column is one-dimensional")
    if len(starts) != len(cash) + 1 or len(held) != len(cash):
        raise BadInput("offsets", f"{len(starts)} offsets and {len(held)} collateral values for {len(cash)} accounts")
    if not len(ids) == len(sizes) == len(entries):
        raise BadInput("size", f"{len(ids)} markets, {len(sizes)} sizes, {len(entries)} funding indices")
    _check_range(cash, -limits.RAW_USD_MAX, limits.RAW_USD_MAX, "raw_usd", "accounts")
    _check_range(held, 0, COLLATERAL_MAX, "collateral", "accounts")
    _check_range(ids, 0, len(table.names) - 1, "market", "positions")
    _check_range(entries, -limits.FUNDING_INDEX_MAX, limits.FUNDING_INDEX_MAX, "entry_index", "positions")
    _check_offsets(starts, len(ids))
    size_max = limits.NOTIONAL_MAX // table.price_max[ids]
    wrong = np.flatnonzero((sizes > size_max) | (sizes < -size_max))
    if len(wrong):
        at = wrong[0]
        raise BadInput(f"positions[{at}].size", f"{sizes[at]} lots is beyond the market's {size_max[at]}")
    repeated = first_repeated(starts, ids)
    if repeated >= 0:
        raise BadInput(f"accounts[{repeated}].positions", "two positions in one market")
    return Book(
        table=table,
        offsets=starts,
        raw_usd=cash,
        collateral=held,
        market=sealed(ids.astype(np.uint16)),
        size=sizes,
        entry_index=entries,
        cash=sealed(cash + held),
    )


def book_of(table: MarketTable, buckets: Sequence[Bucket], conditions: Conditions) -> Book:
    """A Book of tiered buckets, in their order; collateral enters at its value for maintenance.

    Pending funding is not yet in raw_usd: `settle_funding` folds it in.
    """
    rows = {name: row for row, name in enumerate(table.names)}
    for at, bucket in enumerate(buckets):
        check_bucket(bucket, conditions)
        if bucket.mode is not MarginMode.TIERED:
            raise BadInput(f"buckets[{at}].mode", "bulk margin is tiered; portfolio buckets are valued one by one")
        missing = [position.market for position in bucket.positions if position.market not in rows]
        if missing:
            raise BadInput(f"buckets[{at}].positions", f"unknown market {missing[0]!r}")
    positions = [position for bucket in buckets for position in bucket.positions]
    return book(
        table,
        offsets=np.cumsum([0, *(len(bucket.positions) for bucket in buckets)], dtype=np.int64),
        raw_usd=[bucket.raw_usd for bucket in buckets],
        market=[rows[position.market] for position in positions],
        size=[position.size for position in positions],
        entry_index=[position.funding_index for position in positions],
        collateral=[_collateral(at, bucket, conditions) for at, bucket in enumerate(buckets)],
    )


def column(values: Any, name: str) -> Ints:
    """A private, contiguous, read-only int64 copy; BadInput for floats and for what int64 does not hold."""
    try:
        given = np.asarray(values)
    except (OverflowError, TypeError, ValueError) as error:
        raise BadInput(name, f"expected 64-bit integers: {error}") from None
    too_large = given.dtype == np.uint64 and given.size and int(given.max()) >= 2**63
    if given.size and (given.dtype.kind not in "iu" or too_large):
        raise BadInput(name, f"expected 64-bit integers, got {given.dtype}")
    return sealed(np.array(given, dtype=np.int64, order="C"))


def _collateral(at: int, bucket: Bucket, conditions: Conditions) -> int:
    total = sum(value_maintenance(conditions.asset(held.asset), held.balance) for held in bucket.collateral)
    if total > COLLATERAL_MAX:
        raise BadInput(f"buckets[{at}].collateral", f"worth {total}, beyond 2^61 micro-USD")
    return total


def _check_range(values: Ints, low: int, high: int, name: str, of: str) -> None:
    wrong = np.flatnonzero((values < low) | (values > high))
    if len(wrong):
        raise BadInput(f"{of}[{wrong[0]}].{name}", f"{values[wrong[0]]} is outside {low}..{high}")


def _check_offsets(starts: Ints, positions: int) -> None:
    if starts[0] != 0 or starts[-1] != positions or not ((starts >= 0) & (starts <= positions)).all():
        raise BadInput("offsets", f"must run from 0 to {positions}")
    counts = np.diff(starts)
    wrong = np.flatnonzero((counts < 0) | (counts > limits.POSITIONS_PER_BUCKET))
    if len(wrong):
        at = wrong[0]
        raise BadInput(f"accounts[{at}].positions", f"{counts[at]} positions, expected 0 to 64")


def sealed(values: Array) -> Array:
    """The array itself, read-only from now on."""
    values.flags.writeable = False
    return values


@kernel
def first_repeated(offsets: Ints, market: Ints) -> int:
    """The first account with two positions in one market, or -1."""
    for account in range(offsets.size - 1):
        for i in range(offsets[account], offsets[account + 1]):
            for j in range(offsets[account], i):
                if market[i] == market[j]:
                    return account
    return -1


@warm_up
def compile_columns() -> None:
    """Compiles what checks a book."""
    first_repeated(column([0], "offsets"), column([], "market"))
