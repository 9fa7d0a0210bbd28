"""What each account and the whole venue traded on the book, by day of UTC.

Rows are written when a minute is over; what was traded since then is summed from the fills by whoever asks. So the rows
are a function of the log alone, and a busy minute costs one row an account.
"""

from collections.abc import Iterable

import msgspec

from seawall.venue.history.candles import TRADES
from seawall.venue.history.intervals import BASE, MINUTE, start_of
from seawall.venue.history.tables import EVERYBODY
from seawall.venue.records import NOBODY, Fill, News


class Volume(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One day of an account, beside the whole venue's, in micro-USD."""

    day: int  # its first ms
    taker: int
    maker: int
    venue: int  # each trade once


class Traded(msgspec.Struct, gc=False):
    """Micro-USD traded as taker and as maker."""

    taker: int = 0
    maker: int = 0


class Volumes:
    """The volumes of today up to the present minute, and those of the present minute."""

    def __init__(self) -> None:
        self.day = 0
        self.today: dict[int, Traded] = {}
        self.minute = 0
        self.present: dict[int, Traded] = {}
        self._changed: dict[tuple[int, int], Traded] = {}

    def load(self, day: int, today: dict[int, Traded], minute: int, fills: Iterable[Fill]) -> None:
        """Replaces everything: the rows of today, and the fills of the present minute."""
        self.day, self.today = day, today
        self.minute, self.present = minute, {}
        self._changed = {}
        for fill in fills:
            self._add(fill)

    def see(self, news: News) -> None:
        """Takes in a batch."""
        for fill in news.fills:
            if fill.time >= self.minute + MINUTE:
                self._close(fill.time)
            self._add(fill)
        if news.time >= self.minute + MINUTE:
            self._close(news.time)

    def take_changed(self) -> list[tuple[int, int, int, int]]:
        """(day, account, taker, maker) of the rows that changed since the last call."""
        changed = [(day, account, row.taker, row.maker) for (day, account), row in self._changed.items()]
        self._changed = {}
        return changed

    def _add(self, fill: Fill) -> None:
        if fill.method not in TRADES:
            return
        value = abs(fill.lots) * fill.price
        if fill.is_taker:
            self.present.setdefault(EVERYBODY, Traded()).taker += value
        if fill.account != NOBODY:
            mine = self.present.setdefault(fill.account, Traded())
            if fill.is_taker:
                mine.taker += value
            else:
                mine.maker += value

    def _close(self, time: int) -> None:
        """The minute is over; the present one is that of `time`."""
        for account, traded in self.present.items():
            row = self.today.setdefault(account, Traded())
            row.taker += traded.taker
            row.maker += traded.maker
            self._changed[self.day, account] = Traded(row.taker, row.maker)
        self.present = {}
        self.minute = start_of(BASE, time)
        day = start_of("1d", time)
        if day != self.day:
            self.day, self.today = day, {}
