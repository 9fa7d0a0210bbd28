"""One durable step of the venue, as everybody who follows it gets it."""

from typing import NamedTuple

from seawall.engine.rows import Codes, Rows
from seawall.engine.venue import Events


class Batch(NamedTuple):
    """Rows that were applied together, and what they did. All of it is durable when anybody sees it."""

    first: int  # sequence of the first row
    now: int  # the venue's time before the first row, in ms
    rows: Rows
    codes: Codes
    made: Codes
    events: Events  # [n, len(event.ROW)], in order
    chain: bytes = b""  # Venue.chain after the rows

    @property
    def last(self) -> int:
        """Sequence of the last row."""
        return self.first + len(self.rows) - 1
