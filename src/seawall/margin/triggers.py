"""Which buckets may have become liquidatable after a tick, without looking at the others.

`Triggers` keeps, for every position, a price that must be crossed before its bucket can be liquidatable. A tick
collects the crossed ones and evaluates just their buckets, exactly; none can be missed, whatever moves together with
whatever (proof: docs/adr/0003-certified-triggers.md). All integers; every inexact step rounds toward evaluating.

The caller reports each change of a bucket (`place`, `move_cash`, `remove`), of a price, of a funding index and of the
tiers. A change of a collateral value is a change of the bucket's `raw_usd`. Prices that are stale are not reported.
Portfolio-margin buckets have no monotone side to certify: every tick of one of their markets, every funding step and
every parameter change names them in `Found.unsure`, and the caller measures them (scenario.py). So does a bucket whose
unsettled funding passes 2^55 micro-USD on one position.
"""

from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from seawall.kernel import warm_up
from seawall.margin import certificate, trigger_kernels, trigger_state
from seawall.margin.columns import COLLATERAL_MAX, Book, book, market_table
from seawall.margin.trigger_state import Capacity
from seawall.terms import limits
from seawall.terms.bucket import MarginMode
from seawall.terms.market import Mark, Market, Tier, market, tier_of
from seawall.units import RATE_ONE, BadInput, FundingIndex, Lots, Price, UsdMicro

SMALL = Capacity(buckets=32, positions=1_536, markets=64)  # tests and the warm-up share its compiled kernels
CASH_MAX = limits.RAW_USD_MAX + COLLATERAL_MAX
INDEX_STEP_MAX = 2**60  # of a funding index; an hour at the greatest price and 100 % is less

Ids = npt.NDArray[np.int32]
Column = npt.NDArray[np.int64]


class Status(IntEnum):
    """What the triggers know of a bucket."""

    UNUSED = trigger_kernels.UNUSED
    PLACED = trigger_kernels.PLACED  # certified at the fence rates
    EDGE = trigger_kernels.EDGE  # certified at the live rates: evaluated again whenever they change
    WATCHED = trigger_kernels.WATCHED  # healthy by less than 1 micro-USD a position: evaluated at every tick
    UNSURE = trigger_kernels.UNSURE  # not measured here: named at every tick of its markets
    LIQUIDATABLE = trigger_kernels.LIQUIDATABLE  # equity < maintenance when last evaluated


class TriggerPosition(NamedTuple):
    """A position as the triggers need it: the market's number, signed size, funding index at its last settlement."""

    market: int
    size: Lots
    funding_index: FundingIndex = FundingIndex(0)


class Found(msgspec.Struct, frozen=True):
    """Buckets, in rising order: `liquidatable` newly and exactly so, `unsure` to be measured by the caller."""

    liquidatable: Ids
    unsure: Ids


_NONE: Ids = np.zeros(0, np.int32)
_NOTHING = Found(_NONE, _NONE)


class Triggers:
    """Certified triggers over one record of columns (`array`; its fields are in trigger_state.py)."""

    def __init__(self, capacity: Capacity) -> None:
        """An empty venue. Raises BadInput when the record would pass 2 GiB or a capacity is not positive."""
        self.capacity = capacity
        self.array = trigger_state.create_state(capacity)
        self.columns = self.array[0]
        self._states = trigger_state.for_kernels(self.array)
        self._count: Column = self.columns["count"]
        self._price_max: list[int] = []
        self._fences: list[tuple[Tier, ...]] = []

    def add_market(
        self, terms: Market, mark: Mark, *, fence: Sequence[Tier] | None = None, weight: int = certificate.WEIGHT_ONE
    ) -> int:
        """Opens a market and returns its number.

        `fence`: tiers that ask at least as much everywhere as any live tiers before the next `set_tiers` with a new
        fence (default: the live ones). `weight`, 64..4096: volatility relative to 1,024; it only spares evaluations.
        """
        number = len(self._price_max)
        if number == self.capacity.markets:
            raise BadInput("market", f"{terms.name}: all {number} places are taken")
        if not certificate.WEIGHT_MIN <= weight <= certificate.WEIGHT_MAX:
            raise BadInput("weight", f"{weight} is outside {certificate.WEIGHT_MIN}..{certificate.WEIGHT_MAX}")
        if not 1 <= mark.mark <= terms.price_max or abs(mark.funding_index) > limits.FUNDING_INDEX_MAX:
            raise BadInput(f"marks.{terms.name}", "price or funding index out of bounds")
        fence = _check_fence(terms.tiers, fence or terms.tiers)
        self._price_max.append(terms.price_max)
        self._fences.append(fence)
        self._write_tiers(number, certificate.LIVE, terms.tiers)
        self._write_tiers(number, certificate.FENCE, fence)
        for name, value in (
            ("market_price", mark.mark),
            ("market_price_max", terms.price_max),
            ("market_index", mark.funding_index),
            ("market_weight", weight),
        ):
            self.columns[name][number] = value
        return number

    def place(
        self,
        bucket: int,
        raw_usd: UsdMicro,
        positions: Sequence[TriggerPosition],
        mode: MarginMode = MarginMode.TIERED,
    ) -> Status:
        """Replaces a bucket after any change, and evaluates it. `raw_usd` includes the maintenance collateral value.

        Raises BadInput, changing nothing, when a bound of terms/limits.py or a capacity would be passed.
        """
        self._check_place(bucket, raw_usd, positions)
        new_market, new_size, new_index = (self.columns[f"new_{name}"] for name in ("market", "size", "index"))
        for i, position in enumerate(positions):
            new_market[i], new_size[i], new_index[i] = position
        kind = trigger_kernels.TIERED if mode is MarginMode.TIERED else trigger_kernels.PORTFOLIO
        trigger_kernels.write_bucket(self._states, bucket, raw_usd, kind, len(positions))
        return Status(trigger_kernels.place_one(self._states, bucket))

    def move_cash(self, bucket: int, raw_usd: UsdMicro) -> Status:
        """Replaces a bucket's `raw_usd` after a deposit, withdrawal, transfer or change of collateral value."""
        self._check_bucket(bucket)
        _check_raw(raw_usd)
        known = self.columns["bucket_status"][bucket]
        if known == Status.UNUSED:
            raise BadInput("bucket", f"{bucket} was never placed")
        more = raw_usd >= self.columns["bucket_raw"][bucket]
        self.columns["bucket_raw"][bucket] = raw_usd
        if more and known == Status.PLACED:  # more cash leaves a certificate true
            return Status.PLACED
        return Status(trigger_kernels.place_one(self._states, bucket))

    def remove(self, bucket: int) -> None:
        """Forgets a bucket and frees the places of its positions."""
        self._check_bucket(bucket)
        trigger_kernels.clear_bucket(self._states, bucket)

    def load(self, book: Book) -> int:
        """Fills an empty venue with the accounts of a book as buckets 0, 1, ...; its markets must be those added here.

        Returns how many buckets are liquidatable. Raises BadInput, changing nothing, when the book does not fit.
        """
        if self._count[trigger_state.SLOTS_USED] != 1 or self.columns["bucket_status"].any():
            raise BadInput("load", "the triggers are not empty")
        if book.accounts > self.capacity.buckets or len(book.market) > self.capacity.positions:
            raise BadInput("load", "more buckets or positions than the capacity")
        if book.table.price_max.tolist() != self._price_max:
            raise BadInput("load", "the book's markets are not the ones added here")
        positions = (book.market, book.size, book.entry_index)
        queued = trigger_kernels.load_buckets(self._states, book.cash, book.offsets, positions)
        return len(self._evaluate(queued).liquidatable)

    def tick(self, market: int, price: Price) -> Found:
        """A fresh price in one market. Raises BadInput for a price outside 1..price_max (it would be stale)."""
        self._check_market(market)
        if not 1 <= price <= self._price_max[market]:
            raise BadInput("price", f"{price} is outside 1..{self._price_max[market]}")
        return self._evaluate(trigger_kernels.tick(self._states, market, price))

    def tick_all(self, prices: Column) -> Found:
        """Fresh prices in every market at once, int64, by market number. Raises BadInput as `tick` does."""
        limit = self.columns["market_price_max"][: len(self._price_max)]
        if prices.shape != limit.shape or prices.dtype != np.int64:
            raise BadInput("prices", f"expected {len(limit)} int64 prices")
        if (prices < 1).any() or (prices > limit).any():
            raise BadInput("prices", f"market {int(((prices < 1) | (prices > limit)).argmax())}: outside 1..price_max")
        return self._evaluate(trigger_kernels.tick_all(self._states, prices))

    def fund(self, market: int, index: FundingIndex) -> Found:
        """A market's new cumulative funding index. Raises BadInput when it or its step is out of bounds."""
        self._check_market(market)
        step = abs(index - int(self.columns["market_index"][market]))
        if abs(index) > limits.FUNDING_INDEX_MAX or step > INDEX_STEP_MAX:
            raise BadInput("index", f"{index} is beyond 2^62, or a step of more than 2^60")
        return self._evaluate(trigger_kernels.fund(self._states, market, index))

    def set_tiers(self, market: int, tiers: Sequence[Tier], fence: Sequence[Tier] | None = None) -> Found:
        """New live tiers, and a new fence when given. Raises BadInput when the live ones pass the fence anywhere.

        Within the fence only the buckets it does not certify are evaluated; a new fence places every bucket of the
        market again.
        """
        self._check_market(market)
        new = _check_fence(tiers, self._fences[market] if fence is None else fence)
        self._write_tiers(market, certificate.LIVE, tiers)
        if new == self._fences[market]:
            return self._evaluate(trigger_kernels.note_status(self._states, Status.EDGE, Status.UNSURE))
        self._fences[market] = new
        self._write_tiers(market, certificate.FENCE, new)
        trigger_kernels.note_market(self._states, market)
        return self._evaluate(trigger_kernels.note_status(self._states, Status.EDGE, Status.UNSURE))

    def review(self) -> Ids:
        """Every bucket liquidatable now, in rising order, evaluated exactly; the ones healthy again are placed."""
        queued = trigger_kernels.note_status(self._states, Status.LIQUIDATABLE, Status.LIQUIDATABLE)
        return self._evaluate(queued).liquidatable

    def status(self, bucket: int) -> Status:
        """What is known of a bucket. LIQUIDATABLE is as of its last evaluation: `review` tells the present."""
        self._check_bucket(bucket)
        return Status(self.columns["bucket_status"][bucket])

    @property
    def evaluations(self) -> int:
        """Exact evaluations of a bucket since the start."""
        return int(self._count[trigger_state.EVALUATED])

    def _evaluate(self, queued: int) -> Found:
        """Everything that a command has queued is evaluated only now, with every price and rate in place."""
        if queued == 0:
            return _NOTHING
        found, unsure = trigger_kernels.evaluate(self._states)
        if found == 0 and unsure == 0:
            return _NOTHING
        return Found(np.sort(self.columns["found"][:found]), np.sort(self.columns["unsure"][:unsure]))

    def _write_tiers(self, market: int, rates: int, tiers: Sequence[Tier]) -> None:
        row, columns = 2 * market + rates, self.columns
        columns["tier_count"][row] = len(tiers)
        for k, tier in enumerate(tiers):
            columns["tier_lower"][row, k] = tier.lower
            columns["tier_rate"][row, k] = tier.maintenance
            columns["tier_high"][row, k] = tier.deduction >> limits.SPLIT_BITS
            columns["tier_low"][row, k] = tier.deduction & (certificate.SPLIT - 1)

    def _check_market(self, market: int) -> None:
        if not 0 <= market < len(self._price_max):
            raise BadInput("market", f"no market number {market}")

    def _check_bucket(self, bucket: int) -> None:
        if not 0 <= bucket < self.capacity.buckets:
            raise BadInput("bucket", f"{bucket} is outside 0..{self.capacity.buckets - 1}")

    def _check_place(self, bucket: int, raw_usd: UsdMicro, positions: Sequence[TriggerPosition]) -> None:
        self._check_bucket(bucket)
        _check_raw(raw_usd)
        if len(positions) > limits.POSITIONS_PER_BUCKET:
            raise BadInput("positions", f"{len(positions)} positions, at most {limits.POSITIONS_PER_BUCKET}")
        if len({position.market for position in positions}) != len(positions):
            raise BadInput("positions", "two positions in one market")
        for position in positions:
            self._check_market(position.market)
            if abs(position.size) * self._price_max[position.market] > limits.NOTIONAL_MAX:
                raise BadInput("size", f"{position.size} lots pass 2^53 micro-USD at the market's greatest price")
            if abs(position.funding_index) > limits.FUNDING_INDEX_MAX:
                raise BadInput("funding_index", "beyond 2^62")
        others = int(self._count[trigger_state.SLOTS_LIVE]) - self._held(bucket)
        if others + len(positions) > self.capacity.positions:
            raise BadInput("positions", f"all {self.capacity.positions} places are taken")

    def _held(self, bucket: int) -> int:
        held, slot = 0, int(self.columns["bucket_first"][bucket])
        while slot != 0:  # at most POSITIONS_PER_BUCKET
            held, slot = held + 1, int(self.columns["slot_sibling"][slot])
        return held


def _check_raw(raw_usd: int) -> None:
    if abs(raw_usd) > CASH_MAX:
        raise BadInput("raw_usd", f"{raw_usd} is beyond 2^62 micro-USD, collateral included")


def _check_fence(live: Sequence[Tier], fence: Sequence[Tier]) -> tuple[Tier, ...]:
    """The fence when it asks at least the live maintenance at every notional; BadInput otherwise.

    Both are piecewise linear from 0, so the knots of both and the slope after the last knot decide.
    """
    for tiers in (live, fence):
        if not 1 <= len(tiers) <= limits.TIERS_PER_MARKET or tiers[0].lower != 0 or tiers[0].deduction != 0:
            raise BadInput("tiers", f"expected 1 to {limits.TIERS_PER_MARKET}, the first at 0 without a deduction")
        for before, tier in pairwise(tiers):
            step = tier.lower * (tier.maintenance - before.maintenance)
            if tier.lower <= before.lower or tier.maintenance < before.maintenance:
                raise BadInput("tiers", "must rise in notional and in maintenance")
            if tier.deduction != before.deduction + step:
                raise BadInput("tiers", f"maintenance is not continuous at {tier.lower}")
        if not 0 <= tiers[0].maintenance <= tiers[-1].maintenance <= RATE_ONE // 2:
            raise BadInput("tiers", "maintenance rates must lie in 0..1/2")
    knots = [*(tier.lower for tier in (*live, *fence)), UsdMicro(limits.NOTIONAL_MAX)]
    for knot in knots:
        low, high = tier_of(live, knot), tier_of(fence, knot)
        if knot * low.maintenance - low.deduction > knot * high.maintenance - high.deduction:
            raise BadInput("tiers", f"live maintenance passes the fence at a notional of {knot} micro-USD")
    return tuple(fence)


@warm_up
def _warm_up() -> None:
    """Calls every kernel once, at the capacity of the tests."""
    terms = market("WARM", size_decimals=0, tiers=[(UsdMicro(0), 10), (UsdMicro(1_000), 5)])
    mark = Mark(mark=Price(100), oracle=Price(100))
    column = np.array([100], np.int64)
    loaded = Triggers(SMALL)
    loaded.add_market(terms, mark)
    loaded.load(book(market_table([terms]), offsets=[0, 1], raw_usd=column, market=[0], size=[1]))
    triggers = Triggers(SMALL)
    triggers.add_market(terms, mark)
    triggers.place(0, UsdMicro(100), [TriggerPosition(0, Lots(-1))])
    triggers.move_cash(0, UsdMicro(120))
    triggers.tick(0, Price(101))
    triggers.tick_all(column)
    triggers.fund(0, FundingIndex(10**9))
    triggers.set_tiers(0, terms.tiers[:1])
    triggers.set_tiers(0, terms.tiers[:1], terms.tiers[:1])
    triggers.review()
    triggers.remove(0)
