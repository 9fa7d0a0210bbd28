"""Two of the engine's own answers that views/gather.py does not read: ranks, and what withdrawals may still take.

As there, kernels take the array that holds the record: called with the record itself they take milliseconds to
recognise its type.
"""

from typing import Any

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


class Reads:
    """Answers about one venue, in the event loop it lives in."""

    def __init__(self, venue: Venue) -> None:
        self._states = state.for_kernels(venue.array)

    def warm(self) -> None:
        """Compiles, or loads, both kernels: nobody's request waits for that."""
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


@warm_up
def compile_reads() -> None:
    """Calls the kernels once."""
    Reads(Venue()).warm()
