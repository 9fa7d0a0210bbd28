"""Positions as the events tell them: what each bucket held before a fill, and what the fill realised.

The columns show only where a batch ended. The sum of an entry notional follows the engine's rule (ledger/buckets.py
`entry_after`): adding sums, reducing keeps pro rata rounded down, crossing zero opens the rest at the fill's price.
"""

from typing import Any

import numpy as np

from seawall.margin.trigger_state import SLOTS_USED
from seawall.units import floor_div

Held = tuple[int, int]  # signed lots, signed entry notional
FLAT: Held = (0, 0)


class Holdings:
    """Open positions by bucket and market."""

    def __init__(self) -> None:
        self._held: dict[tuple[int, int], Held] = {}

    def load(self, columns: Any) -> None:
        """Replaces everything by what the columns hold."""
        used = int(columns["count"][SLOTS_USED])
        rows = np.flatnonzero((columns["slot_owner"][:used] >= 0) & (columns["slot_size"][:used] != 0))
        owner, market = columns["slot_owner"][rows].tolist(), columns["slot_market"][rows].tolist()
        size, entry = columns["slot_size"][rows].tolist(), columns["slot_entry"][rows].tolist()
        self._held = dict(zip(zip(owner, market, strict=True), zip(size, entry, strict=True), strict=True))

    def held(self, bucket: int, market: int) -> Held:
        """(lots, entry notional); (0, 0) for none."""
        return self._held.get((bucket, market), FLAT)

    def all(self) -> dict[tuple[int, int], Held]:
        """Every open position."""
        return dict(self._held)

    def trade(self, bucket: int, market: int, lots: int, price: int, whole: Held = FLAT) -> tuple[int, int]:
        """A fill of signed `lots`; (lots held before, realised pnl in micro-USD, fees apart).

        Fills that are together one reduction for the engine, which rounds once, give what was held before the first of
        them as `whole`: each keeps the share of that, so that the last leaves what the engine has.
        """
        old, entry = self._held.get((bucket, market), FLAT)
        base, basis = (old, entry) if whole == FLAT else whole
        after, cost = old + lots, lots * price
        if old == 0 or (old > 0) == (lots > 0):
            kept = entry + cost
        elif after == 0:
            kept = 0
        elif (after > 0) == (old > 0):
            kept = floor_div(basis * abs(after), abs(base))
        else:
            kept = after * price
        self._put(bucket, market, after, kept)
        return old, kept - entry - cost

    def shift_entry(self, bucket: int, market: int, amount: int) -> None:
        """A shared loss raises an entry notional by `amount`."""
        size, entry = self.held(bucket, market)
        self._put(bucket, market, size, entry + amount)

    def move(self, source: int, target: int, market: int) -> None:
        """A position goes to another bucket of its owner, whole."""
        size, entry = self._held.pop((source, market), FLAT)
        self._put(target, market, size, entry)

    def _put(self, bucket: int, market: int, size: int, entry: int) -> None:
        if size == 0:
            self._held.pop((bucket, market), None)
        else:
            self._held[bucket, market] = (size, entry)
