"""The engine's own answers that views/gather.py does not read: ranks, and what withdrawals may still take.

As there, kernels take the array that holds the record: called with the record itself they take milliseconds to
recognise its type.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.engine import withdrawals
from seawall.engine.venue import Venue
from seawall.kernel import kernel, warm_up
from seawall.ledger import state
from seawall.liquidation import ranks
from seawall.units import UsdMicro


@kernel
def _limit_left(states: Any) -> Any:
    return withdrawals.limit_left(states[0])


@kernel
def _rank(states: Any, bucket: int, market: int) -> Any:
    return ranks.adl_rank(states[0], bucket, market)


@kernel
def _scores(states: Any, slots: Any, scores: Any) -> None:
    for at in range(len(slots)):
        scores[at] = ranks.score_of(states[0], slots[at])


class Queue(NamedTuple):
    """Positions of one side of a market, the first to be closed first: [n] slots, scores and lights."""

    slots: NDArray[np.int64]
    scores: NDArray[np.int64]
    lights: NDArray[np.int64]

    def place(self, slot: int) -> int:
        """Where a slot of it stands, from 1."""
        return 1 + int(np.flatnonzero(self.slots == slot)[0])


class Reads:
    """Answers about one venue, in the event loop it lives in."""

    def __init__(self, venue: Venue) -> None:
        self._states = state.for_kernels(venue.array)
        self._columns = state.columns_of(venue.array)

    def warm(self) -> None:
        """Compiles, or loads, all kernels: nobody's request waits for that."""
        self.limit_left()
        self.rank(0, 0)

    def limit_left(self) -> UsdMicro:
        """What the venue may still pay out in this hour and day."""
        return UsdMicro(int(_limit_left(self._states)))

    def rank(self, bucket: int, market: int) -> tuple[int, int]:
        """(light, score) of a position among those of its side: light 4 is the fifth closed first, 0 the last.

        (-1, 0) without a position.
        """
        light, score = _rank(self._states, bucket, market)
        return int(light), int(score)

    def queue(self, market: int, side: int) -> Queue:
        """All positions of a side of a market (1 longs, -1 shorts) as deleveraging would ask them.

        Of equal scores the lower slot comes first, as in the engine's own sort (liquidation/adl.py).
        """
        columns = self._columns
        held = (columns["slot_market"] == market) & (columns["slot_size"] * side > 0)
        slots = np.flatnonzero(held).astype(np.int64)
        scores = np.zeros(len(slots), np.int64)
        _scores(self._states, slots, scores)
        order = np.lexsort((slots, -scores))
        slots, scores = slots[order], scores[order]
        before = np.searchsorted(-scores, -scores, side="left")
        lights = ranks.LIGHTS - 1 - before * ranks.LIGHTS // max(1, len(slots))
        return Queue(slots, scores, lights.astype(np.int64))


@warm_up
def compile_reads() -> None:
    """Calls the kernels once."""
    Reads(Venue()).warm()
