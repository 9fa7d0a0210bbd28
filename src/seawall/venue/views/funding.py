"""Funding that positions earned: since ever, since they were opened, since their size last changed.

An account has at most one position in a market, cross or isolated, so sums are by account and market; moving a position
between buckets changes none. Live sums begin with the process. What history knows from before is put under them for
each account that somebody asks for.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar

from seawall.venue.records import NOBODY, Fill, News, Payment

if TYPE_CHECKING:
    from seawall.venue.history.store import History

PAGE: Final = 5_000  # records of one query
Record = TypeVar("Record", Payment, Fill)
Key = tuple[int, int]  # account, market
Sums = tuple[int, int, int]  # micro-USD credited: ever, since opened, since changed
NOTHING: Final[Sums] = (0, 0, 0)

EVER, OPENED, CHANGED, SAW_OPENED, SAW_CHANGED = range(5)


class FundingSums:
    """Sums of payments by account and market."""

    def __init__(self) -> None:
        self._live: dict[Key, list[int]] = {}
        self._past: dict[int, dict[int, Sums]] = {}  # by account, then market
        self._gone: set[int] = set()  # markets whose number is another's since the process began

    def hear(self, news: News) -> None:
        """Takes in a batch. A command settles a position before it trades it."""
        payments, place = news.payments, 0
        for fill in news.fills:
            while place < len(payments) and payments[place].sequence <= fill.sequence:
                self._pay(payments[place])
                place += 1
            self._trade(fill)
        for payment in payments[place:]:
            self._pay(payment)

    def knows(self, account: int) -> bool:
        """Whether what history has of an account is under its sums."""
        return account in self._past

    def put_past(self, account: int, past: dict[int, Sums]) -> None:
        """What an account had been credited before the first batch."""
        self._past[account] = past

    def sums(self, account: int, market: int) -> Sums:
        """(ever, since opened, since changed) in micro-USD credited; negative: paid."""
        past = NOTHING if market in self._gone else self._past.get(account, {}).get(market, NOTHING)
        live = self._live.get((account, market))
        if live is None:
            return past
        opened = live[OPENED] if live[SAW_OPENED] else past[1] + live[OPENED]
        changed = live[CHANGED] if live[SAW_CHANGED] else past[2] + live[CHANGED]
        return past[0] + live[EVER], opened, changed

    def forget(self, market: int) -> None:
        """The number is another market's from here on."""
        self._gone.add(market)
        for key in [key for key in self._live if key[1] == market]:
            del self._live[key]

    def _of(self, account: int, market: int) -> list[int]:
        found = self._live.get((account, market))
        if found is None:
            found = self._live[account, market] = [0, 0, 0, 0, 0]
        return found

    def _pay(self, payment: Payment) -> None:
        if payment.account != NOBODY:
            live = self._of(payment.account, payment.market)
            live[EVER] += payment.amount
            live[OPENED] += payment.amount
            live[CHANGED] += payment.amount

    def _trade(self, fill: Fill) -> None:
        if fill.account != NOBODY:
            live = self._of(fill.account, fill.market)
            live[CHANGED], live[SAW_CHANGED] = 0, 1
            if opens(fill):
                live[OPENED], live[SAW_OPENED] = 0, 1


def opens(fill: Fill) -> bool:
    """Whether a position begins with a fill: from nothing, or beyond zero."""
    after = fill.start + fill.lots
    return fill.start == 0 or (after != 0 and (after > 0) != (fill.start > 0))


async def load_sums(sums: FundingSums, history: "History", account: int, sequence: int, time: int) -> None:
    """Puts what history has of an account up to command `sequence` at `time` under its live sums."""
    payments = await _payments(history, account, sequence, time)
    markets = {payment.market for payment in payments}
    changed, opened = await _last_fills(history, account, sequence, time, markets)
    past: dict[int, list[int]] = {}
    for payment in payments:
        found = past.setdefault(payment.market, [0, 0, 0])
        found[EVER] += payment.amount
        found[OPENED] += payment.amount if payment.sequence > opened.get(payment.market, 0) else 0
        found[CHANGED] += payment.amount if payment.sequence > changed.get(payment.market, 0) else 0
    sums.put_past(account, {market: (found[0], found[1], found[2]) for market, found in past.items()})


async def _payments(history: "History", account: int, sequence: int, time: int) -> list[Payment]:
    """All payments of an account up to a command."""
    found: dict[tuple[int, int], Payment] = {}
    async for page in _pages(lambda end, limit: history.payments(account, 0, end, limit), time):
        found.update(((one.sequence, one.market), one) for one in page if one.sequence <= sequence)
    return list(found.values())


async def _last_fills(
    history: "History", account: int, sequence: int, time: int, markets: set[int]
) -> tuple[dict[int, int], dict[int, int]]:
    """Commands of the last fill, and of the last one that opened a position, of an account in each of the markets."""
    changed: dict[int, int] = {}
    opened: dict[int, int] = {}
    if not markets:
        return changed, opened
    async for page in _pages(lambda end, limit: history.fills(account, 0, end, limit), time):
        for fill in page:
            if fill.sequence <= sequence:
                changed.setdefault(fill.market, fill.sequence)
                if opens(fill):
                    opened.setdefault(fill.market, fill.sequence)
        if markets <= opened.keys():
            break
    return changed, opened


async def _pages(query: Callable[[int, int], Awaitable[list[Record]]], time: int) -> AsyncIterator[list[Record]]:
    """What a query (by end and limit, newest first) finds, page by page; those of one ms may come twice.

    A page whose records are all of one ms is asked for again, larger.
    """
    end, limit = time, PAGE
    while True:  # each page reaches further back
        page = await query(end, limit)
        yield page
        if len(page) < limit:
            return
        oldest = page[-1].time
        end, limit = (end, 2 * limit) if oldest == end else (oldest, PAGE)
