"""What a run does bar by bar: prices and balances as they are seen.

Arrays are over bars [T] and markets [S]. Money is micro-USD, a price micro-USD per lot. Flows are in tally.py.
"""

from typing import Final

import numpy as np

from seawall.engine.venue import Venue
from seawall.lab.history import Array, Floats, Ints
from seawall.lab.opening import FIRST_OWNER
from seawall.lab.required import Slots, levels_for, open_initial
from seawall.lab.tally import Tally
from seawall.ledger import state
from seawall.ledger.markets import BACKSTOP
from seawall.margin import trigger_state
from seawall.terms import event
from seawall.terms.market import Market

INITIAL_SAMPLES: Final = 480  # of the margin required, at most: measuring it reads every position


def field(events: Ints, name: str) -> Ints:
    """One column of event rows."""
    found: Ints = events[:, event.ROW.index(name)]
    return found


class Seen:
    """States of a run, written as it goes."""

    def __init__(self, bars: int, markets: int) -> None:
        shape = (bars, markets)
        self.book: Ints = np.zeros(shape, np.int64)  # centre of the book at the close, our own flow in it
        self.book_low: Ints = np.full(shape, 2**62, np.int64)
        self.book_high: Ints = np.zeros(shape, np.int64)
        self.mark: Ints = np.zeros(shape, np.int64)
        self.mark_gap: Floats = np.zeros(shape)  # mark / index - 1 where it was widest, signed
        self.impact: Floats = np.zeros(shape)  # displacement where it was widest, signed
        self.interest: Ints = np.zeros(shape, np.int64)  # one side, at the mark
        self.insurance: Ints = np.zeros(bars, np.int64)
        self.backstop: Ints = np.zeros(bars, np.int64)  # equity of the vaults at the mark
        self.initial: Ints = np.zeros(bars, np.int64)  # initial margin that the open positions need, as last measured
        self.waiting: Ints = np.zeros(bars, np.int64)  # buckets queued at the end of the bar
        self._stride = -(-bars // INITIAL_SAMPLES)

    def point(self, bar: int, venue: Venue, index: Ints, perp: Ints, displacement: Floats) -> None:
        """Prices after one point of a bar."""
        book = np.maximum(1, np.rint(perp * (1.0 + displacement))).astype(np.int64)
        mark = venue.columns["market_price"][: len(perp)]
        self.book[bar], self.mark[bar] = book, mark
        np.minimum(self.book_low[bar], book, out=self.book_low[bar])
        np.maximum(self.book_high[bar], book, out=self.book_high[bar])
        _keep_widest(self.impact[bar], displacement)
        _keep_widest(self.mark_gap[bar], mark / index - 1.0)

    def end(self, bar: int, venue: Venue, markets: tuple[Market, ...]) -> None:
        """Balances after a bar."""
        columns, count = venue.columns, len(markets)
        self.interest[bar] = columns["market_open"][:count] * columns["market_price"][:count]
        self.insurance[bar] = columns["market_insurance"][:count].sum()
        self.backstop[bar] = vault_equity(venue, count)
        is_due = bar % self._stride == 0
        self.initial[bar] = required_initial(venue, markets) if is_due else self.initial[bar - 1]
        self.waiting[bar] = columns["cell"][state.QUEUED]


def _keep_widest(kept: Array, seen: Array) -> None:
    np.copyto(kept, seen, where=np.abs(seen) > np.abs(kept))


def vault_equity(venue: Venue, markets: int) -> int:
    """What the backstop vaults of all markets are worth at the mark, micro-USD."""
    columns = venue.columns
    total, first = 0, len(columns["bucket_raw"]) - 2 * len(columns["market_price"])
    for market in range(markets):
        bucket = first + 2 * market + BACKSTOP
        total += int(columns["bucket_raw"][bucket])
        slot = int(columns["bucket_first"][bucket])
        while slot != 0:  # at most POSITIONS_PER_BUCKET
            total += int(columns["slot_size"][slot]) * int(columns["market_price"][columns["slot_market"][slot]])
            slot = int(columns["slot_sibling"][slot])
    return total


def required_initial(venue: Venue, markets: tuple[Market, ...]) -> int:
    """Initial margin that all open positions need at the greatest leverage allowed, in micro-USD: capital tied up."""
    columns = venue.columns
    used = int(columns["count"][trigger_state.SLOTS_USED])
    slots = Slots(columns["slot_size"][:used], columns["slot_market"][:used], columns["slot_owner"][:used])
    pools = len(columns["bucket_raw"]) - 2 * len(columns["market_price"])
    price = np.ascontiguousarray(columns["market_price"])
    return int(open_initial(slots, price, levels_for(markets), FIRST_OWNER, pools))


def buckets_by_bar(tally: Tally) -> Ints:
    """[T] buckets closed in part or whole for the first time."""
    return np.bincount(tally.first_bar[tally.first_bar >= 0], minlength=len(tally.adl))
