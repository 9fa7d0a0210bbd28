"""The last trades of each market, as everybody sees them."""

from collections import deque
from typing import TYPE_CHECKING, Final

from seawall.venue.records import Fill
from seawall.venue.views.days import is_trade

if TYPE_CHECKING:
    from seawall.venue.history.store import History

KEPT: Final = 100  # trades of a market


class Tape:
    """Takers' fills, oldest first."""

    def __init__(self) -> None:
        self._fills: dict[int, deque[Fill]] = {}

    def add(self, fill: Fill) -> None:
        """A trade, newer than all before."""
        fills = self._fills.get(fill.market)
        if fills is None:
            fills = self._fills[fill.market] = deque(maxlen=KEPT)
        fills.append(fill)

    def put_before(self, market: int, fills: list[Fill]) -> None:
        """Trades from before all that are kept, newest first."""
        kept = self._fills.setdefault(market, deque(maxlen=KEPT))
        kept.extendleft(fills[: KEPT - len(kept)])

    def last(self, market: int, count: int) -> list[Fill]:
        """The last trades of a market, newest first."""
        fills = self._fills.get(market, ())
        return [fill for _, fill in zip(range(count), reversed(fills), strict=False)]

    def forget(self, market: int) -> None:
        """The number is another market's from here on."""
        self._fills.pop(market, None)


async def load_tape(tape: Tape, history: "History", market: int, time: int, sequence: int) -> None:
    """Puts a market's last trades up to command `sequence`."""
    fills = await history.market_fills(market, 0, time, KEPT)
    tape.put_before(market, [fill for fill in fills if fill.sequence <= sequence and is_trade(fill)])
