"""What buckets held when their liquidations began, taken from the engine's receipts while a run goes on.

A receipt opens with LIQUIDATION, which has the bucket's equity at the mark, and a LIQUIDATION_POSITION for each of its
positions, with their marks. Kept is the last that began before a bucket was first closed in part or whole: later ones
are of what that left.
"""

from typing import Final

import numpy as np

from seawall.lab.breach import Buckets, breaches
from seawall.lab.history import Array, Ints
from seawall.lab.path import Path
from seawall.terms import event
from seawall.terms.market import Market

_AT: Final = {name: place for place, name in enumerate(event.ROW)}
_KINDS: Final = (event.LIQUIDATION, event.LIQUIDATION_POSITION)


class Begun:
    """Receipts' first rows, each with the bar that it was written in."""

    def __init__(self) -> None:
        self._rows: list[Ints] = [np.zeros((0, len(event.ROW)), np.int64)]
        self._bars: list[Ints] = [np.zeros(0, np.int64)]

    def add(self, events: Ints, first_bar: Ints, bar: int) -> None:
        """Takes the rows of buckets that nothing was closed of yet; `first_bar` [B] is the tally's before `events`."""
        rows = events[np.isin(events[:, _AT["kind"]], _KINDS)]
        rows = rows[first_bar[rows[:, _AT["bucket"]]] < 0]
        if len(rows):
            self._rows.append(rows)
            self._bars.append(np.full(len(rows), bar))

    def breached(self, markets: tuple[Market, ...], path: Path, count: int) -> Array:
        """[count] whether the index crossed the liquidation price of each of the venue's buckets, from the bar in which
        its liquidation began; False where none did."""
        rows, bars = np.concatenate(self._rows), np.concatenate(self._bars)
        is_start = rows[:, _AT["kind"]] == event.LIQUIDATION
        starts = np.flatnonzero(is_start)
        bucket = rows[starts, _AT["bucket"]]
        held, lots, mark = rows[:, _AT["market"]], rows[:, _AT["size"]], rows[:, _AT["price"]]
        value = np.where(is_start, 0, lots * mark)
        raw = rows[starts, _AT["equity"]] - np.add.reduceat(value, starts) if len(starts) else value
        before = np.concatenate((starts - np.arange(len(starts)), [len(rows) - len(starts)]))
        kept = Buckets(before, held[~is_start], lots[~is_start], raw, bars[starts] * path.index.shape[1])
        crossed = np.zeros(count, np.bool_)
        crossed[bucket] = breaches(kept, markets, path.index, path.funding_step)  # of one bucket the last decides
        return crossed
