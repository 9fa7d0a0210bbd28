"""The columns of a venue as the invariants read them: which rows live, and every bucket's health in numpy.

A third writing of the margin rule, beside ledger/health.py and the fraction model: whole columns at once, in int64.
Money is summed in int64, which wraps: an equality that holds is exact but for multiples of 2^64.
"""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.engine.invariant_scenario import scenario_maintenance
from seawall.ledger import state
from seawall.margin import trigger_state
from seawall.margin.trigger_kernels import PORTFOLIO
from seawall.terms.limits import SPLIT_BITS
from seawall.units import FUNDING_INDEX_PER_MICRO, RATE_ONE

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

SPLIT_MASK = (1 << SPLIT_BITS) - 1


class View:
    """One look at the columns between two batches. Nothing here may be kept beyond the next batch."""

    def __init__(self, columns: Any) -> None:
        """Reads nothing yet: what an invariant does not ask for is not computed."""
        self.columns = columns
        self.cell: Ints = columns["cell"]
        self.count: Ints = columns["count"]
        self.markets = len(columns["market_price"])
        self.accounts = len(columns["account_master"])
        self.buckets = len(columns["bucket_raw"])
        self.isolated = self.buckets - self.accounts - 2 * self.markets

    def __getitem__(self, name: str) -> Any:
        return self.columns[name]

    def cells(self, number: int) -> int:
        """One of the venue's scalars."""
        return int(self.cell[number])

    @cached_property
    def slots(self) -> Ints:
        """Rows of live positions and order reserves, ascending."""
        used = int(self.count[trigger_state.SLOTS_USED])
        owner = self["slot_owner"][:used]
        live = owner >= 0
        live[:1] = False
        return np.flatnonzero(live)

    @cached_property
    def slot_owner(self) -> Ints:
        """Bucket of each live slot."""
        owner: Ints = self["slot_owner"][self.slots]
        return owner

    @cached_property
    def slot_market(self) -> Ints:
        """Market of each live slot."""
        market: Ints = self["slot_market"][self.slots].astype(np.int64)
        return market

    @cached_property
    def size(self) -> Ints:
        """Signed lots of each live slot."""
        size: Ints = self["slot_size"][self.slots]
        return size

    @cached_property
    def orders(self) -> Ints:
        """Rows of live orders, ascending."""
        rows: Ints = np.flatnonzero(self["order_id"][: self.cells(state.ORDERS_USED)] != 0)
        return rows

    @cached_property
    def value(self) -> Ints:
        """Signed notional of each live slot at the mark."""
        value: Ints = self.size * self["market_price"][self.slot_market]
        return value

    @cached_property
    def funding_numerator(self) -> Ints:
        """-size x (index - entry index) of each live slot, in 1e-12 USD, modulo 2^64."""
        delta = self["market_index"][self.slot_market] - self["slot_index"][self.slots]
        numerator: Ints = -self.size * delta
        return numerator

    @cached_property
    def funding(self) -> Ints:
        """Unsettled funding of each live slot in micro-USD, floored; exact within the bounds of ledger/buckets.py."""
        one = FUNDING_INDEX_PER_MICRO
        delta = self["market_index"][self.slot_market] - self["slot_index"][self.slots]
        whole, part = np.divmod(delta, one)
        size_whole, size_part = np.divmod(self.size, one)
        funding: Ints = -self.size * whole - size_whole * part + np.floor_divide(-(size_part * part), one)
        return funding

    @cached_property
    def equity(self) -> Ints:
        """Equity of every bucket at the present marks, in micro-USD, its collateral as last valued."""
        equity: Ints = self["bucket_raw"] + self.worth
        np.add.at(equity, self.slot_owner, self.value + self.funding)
        return equity

    @cached_property
    def worth(self) -> Ints:
        """Collateral of every bucket, as last valued."""
        worth: Ints = self["holding_worth"][self["bucket_holding"]]
        return worth

    @cached_property
    def maintenance(self) -> Ints:
        """Maintenance of every bucket at the live rates: one ceiling for the sum; by scenarios in portfolio margin."""
        amount, row = np.abs(self.value), 2 * self.slot_market
        lower, last = self["tier_lower"][row], self["tier_count"][row].astype(np.int64) - 1
        reached = (lower[:, 1:] <= amount[:, None]) & (np.arange(1, lower.shape[1]) <= last[:, None])
        tier = reached.sum(axis=1)
        rate = self["tier_rate"][row, tier]
        high, low = np.zeros(self.buckets, np.int64), np.zeros(self.buckets, np.int64)
        np.add.at(high, self.slot_owner, (amount >> SPLIT_BITS) * rate - self["tier_high"][row, tier])
        np.add.at(low, self.slot_owner, (amount & SPLIT_MASK) * rate - self["tier_low"][row, tier])
        whole, rest = np.divmod(high, RATE_ONE)
        maintenance: Ints = (whole << SPLIT_BITS) - np.floor_divide(-((rest << SPLIT_BITS) + low), RATE_ONE)
        for bucket in np.flatnonzero(self["bucket_mode"] == PORTFOLIO).tolist():
            maintenance[bucket] = scenario_maintenance(self, bucket)
        return maintenance


def first_of(facts: Any, *shown: Any) -> str:
    """The first few rows of `facts` (indices), with the values named beside them."""
    rows = np.asarray(facts)[:3]
    return "; ".join(" ".join(str(part) for part in (row, *(values[row] for values in shown))) for row in rows.tolist())


def sums(length: int, where: Any, what: Any) -> Ints:
    """`what` added up by `where`, in int64."""
    total = np.zeros(length, np.int64)
    np.add.at(total, np.asarray(where), np.asarray(what, dtype=np.int64))
    return total


def list_fault(heads: Any, following: Any, members: Any) -> str:
    """What is wrong with intrusive lists: each member is entered once, from a head or a member, and none is a ring.

    `heads` are first rows, `following` the next row of every row (0 ends a list), `members` a mask of the rows that
    must be in exactly one list. Empty when all is well.
    """
    inside = np.flatnonzero(members)
    heads = heads[heads != 0]
    links = following[inside]
    entered = np.concatenate([heads, links[links != 0]])
    times = np.bincount(entered, minlength=len(members))
    wrong = np.flatnonzero(times != members)
    if len(wrong):
        return f"row {wrong[0]} is in {times[wrong[0]]} lists"
    jump = np.where(members, following, 0)
    for _ in range(len(inside).bit_length() + 1):
        if not jump[inside].any():
            return ""
        jump = jump[jump]
    return f"a ring holds row {inside[np.flatnonzero(jump[inside])[0]]}"
