"""What the engine's own functions say of a state, asked from Python in under a microsecond.

A compiled function that is called with a record takes milliseconds to recognise its type; with the array that holds
it, next to nothing. These few take the array. They are no part of the engine: nothing in it calls them, and their file
is outside the hash that names the folder of compiled kernels, so that a change here does not compile the engine again.
"""

from typing import Any, NamedTuple

from seawall import kernel as kernels
from seawall.engine import withdrawals
from seawall.engine.venue import Venue
from seawall.ledger import health, isolated, leaving, state
from seawall.liquidation import ranks
from seawall.units import UsdMicro


class Standing(NamedTuple):
    """The health of a bucket as the engine measures it, in micro-USD."""

    equity: UsdMicro
    equity_initial: UsdMicro
    maintenance: UsdMicro
    initial: UsdMicro
    reserved: UsdMicro
    notional: UsdMicro
    profit: UsdMicro


@kernels.kernel
def _measure(states: Any, bucket: int) -> Any:
    return health.measure(states[0], bucket)


@kernels.kernel
def _may_leave(states: Any, bucket: int) -> Any:
    s = states[0]
    return 0 if leaving.is_being_liquidated(s, bucket) else leaving.may_leave(s, bucket)


@kernels.kernel
def _end_of(states: Any, maintenance: int) -> Any:
    return health.end_of(states[0], maintenance)


@kernels.kernel
def _limit_left(states: Any) -> Any:
    return withdrawals.limit_left(states[0])


@kernels.kernel
def _rank(states: Any, bucket: int, market: int) -> Any:
    return ranks.adl_rank(states[0], bucket, market)


@kernels.kernel
def _choice(states: Any, account: int, market: int) -> Any:
    s = states[0]
    is_isolated = isolated.bucket_for(s, account, market) != account
    return isolated.leverage_of(s, account, market), is_isolated


class Reads:
    """Answers about one venue, in the event loop it lives in."""

    def __init__(self, venue: Venue) -> None:
        self._states = state.for_kernels(venue.array)

    def warm(self) -> None:
        """Compiles, or loads, what the others call: a second or two the first time."""
        self.standing(0)
        self.liquidation_end(0)
        self.may_leave(0)
        self.limit_left()
        self.rank(0, 0)
        self.choice(0, 0)

    def standing(self, bucket: int) -> Standing:
        """The bucket at the present marks."""
        return Standing(*_measure(self._states, bucket))

    def liquidation_end(self, maintenance: int) -> UsdMicro:
        """Equity at which a liquidation of so much maintenance stops."""
        return UsdMicro(int(_end_of(self._states, maintenance)))

    def may_leave(self, bucket: int) -> UsdMicro:
        """What a withdrawal or transfer may take out of the bucket now; 0 while it is being liquidated."""
        return UsdMicro(int(_may_leave(self._states, bucket)))

    def limit_left(self) -> UsdMicro:
        """What the venue may still pay out in this hour and day."""
        return UsdMicro(int(_limit_left(self._states)))

    def rank(self, bucket: int, market: int) -> tuple[int, int]:
        """(light, score) of a position among those of its side: light 4 is the fifth closed first, 0 the last.

        (-1, 0) without a position.
        """
        light, score = _rank(self._states, bucket, market)
        return int(light), int(score)

    def choice(self, account: int, market: int) -> tuple[int, bool]:
        """(leverage, whether isolated) of the account's next order in a market: its position's, else as set."""
        leverage, is_isolated = _choice(self._states, account, market)
        return int(leverage), bool(is_isolated)
