"""History: what the venue told, kept in SQL for whoever asks later. All of it can be made again from the journal.

In the event loop `add` only puts news into a queue (pen.py). Questions wait until everything told so far is written, so
they see all that is durable, and run in threads of their own (queries.py says what each gives).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from seawall.journal.faults import NotFollowed
from seawall.terms.limits import TIME_MAX
from seawall.units import BadInput
from seawall.venue.history import queries
from seawall.venue.history.candles import Candle
from seawall.venue.history.database import open_engine
from seawall.venue.history.intervals import interval_of
from seawall.venue.history.keeper import Keeper, is_ours
from seawall.venue.history.ledger import Ledger
from seawall.venue.history.ledger_text import LineText, Statement, head_of, tail_of, texts
from seawall.venue.history.pen import HistoryFault, Pen
from seawall.venue.history.queries import First, Span
from seawall.venue.history.volumes import Volume
from seawall.venue.mirror import Kept
from seawall.venue.records import Change, Entry, Fill, News, Note, Order, Payment, Pooled, Step, Twap

READERS: Final = 2  # threads that answer
LEDGER_LINES: Final = 50_000  # of one answer
T = TypeVar("T")


class History:
    """The history of one venue. `load` it, tell it everything with `add`, `close` it.

    Questions take and give the engine's integers. Times are in ms, both ends included; without an end, up to now. Of
    more than `limit` rows the newest are given, newest first, unless `first` says First.OLDEST. They raise
    HistoryFault when history has stopped.
    """

    def __init__(self, url: str) -> None:
        """Connects to nothing yet. BadInput for a URL that cannot be used."""
        self._engine = open_engine(url)
        self._readers = ThreadPoolExecutor(READERS, "seawall-history-reader")
        self._pen: Pen | None = None
        self._known = (0, bytes(32))  # the last command when it was loaded, and Venue.chain after it

    @property
    def fault(self) -> str | None:
        """Why history has stopped; None while it goes on. It starts again with the venue."""
        return None if self._pen is None else self._pen.fault

    @property
    def sequence(self) -> int:
        """The last command that is written."""
        return 0 if self._pen is None else self._pen.keeper.mark.sequence

    @property
    def waiting(self) -> int:
        """Records told and not written yet."""
        return 0 if self._pen is None else self._pen.waiting

    @property
    def written(self) -> int:
        """Records written since it was loaded."""
        return 0 if self._pen is None else self._pen.written

    def load(self) -> tuple[int, Kept]:
        """The last command that history knows, and what a mirror needs of it.

        A database of another version is cleared. BadInput when it cannot be opened or read.
        """
        try:
            keeper = Keeper(self._engine)
            if not is_ours(self._engine):
                keeper.clear()
            kept = keeper.load()
        except SQLAlchemyError as error:
            raise self._refused(error) from error
        self._pen = Pen(keeper)
        self._known = (keeper.mark.sequence, keeper.mark.chain)
        return keeper.mark.sequence, kept

    def check(self, sequence: int, chain: bytes) -> None:
        """Raises NotFollowed when history that ends at this command is of a log with another `Venue.chain` there."""
        if sequence and (sequence, chain) != self._known:
            raise NotFollowed("journal", None, f"history knows another command {sequence}")

    def clear(self) -> None:
        """Forgets everything. BadInput when the database refuses."""
        self._stop_pen()
        try:
            Keeper(self._engine).clear()
        except SQLAlchemyError as error:
            raise self._refused(error) from error
        self.load()

    def add(self, news: News) -> None:
        """Takes the news of the next batch; orders are copied, for they will change. Waits while the queue is full."""
        assert self._pen is not None
        told = [msgspec.structs.astuple(order) for order in news.orders.values()]
        records = 1 + len(told) + len(news.fills) + len(news.payments) + len(news.entries) + len(news.notes)
        self._pen.add((news, told), records)

    def settle(self) -> None:
        """Waits until everything told is written. For a thread without an event loop. Raises HistoryFault."""
        assert self._pen is not None
        self._pen.settle()
        if self._pen.fault is not None:
            raise HistoryFault(self._pen.fault)

    async def flush(self) -> None:
        """Returns when everything told so far survives power loss, or history has stopped (see `fault`)."""
        assert self._pen is not None
        self._pen.harden()
        await self._pen.settled()

    def close(self) -> None:
        """Writes what waits and lets the database go."""
        self._stop_pen()
        self._readers.shutdown()
        self._engine.dispose()

    async def orders(self, account: int, limit: int = 500, before: int | None = None) -> list[Order]:
        return await self._ask(lambda connection: queries.orders(connection, account, limit, before))

    async def order(self, oid: int) -> Order | None:
        return await self._ask(lambda connection: queries.order(connection, oid))

    async def order_by_client(self, account: int, cloid: int) -> Order | None:
        return await self._ask(lambda connection: queries.order_by_client(connection, account, cloid))

    async def fills(
        self, account: int, start: int = 0, end: int | None = None, limit: int = 500, first: First = First.NEWEST
    ) -> list[Fill]:
        span = _span(start, end, limit, first)
        return await self._ask(lambda connection: queries.fills(connection, account, span))

    async def fills_since(self, sequence: int) -> list[Fill]:
        """Every side of every trade after a command, in the order of the log."""
        return await self._ask(lambda connection: queries.fills_since(connection, sequence))

    async def entries_since(self, sequence: int, kind: str) -> list[Entry]:
        """Entries of a kind after a command, of all accounts, in the order of the log."""
        return await self._ask(lambda connection: queries.entries_since(connection, sequence, kind))

    async def slices(self, account: int, limit: int = 500) -> list[Fill]:
        return await self._ask(lambda connection: queries.slices(connection, account, limit))

    async def market_fills(
        self, market: int, start: int = 0, end: int | None = None, limit: int = 500, first: First = First.NEWEST
    ) -> list[Fill]:
        span = _span(start, end, limit, first)
        return await self._ask(lambda connection: queries.market_fills(connection, market, span))

    async def payments(
        self, account: int, start: int = 0, end: int | None = None, limit: int = 500, first: First = First.NEWEST
    ) -> list[Payment]:
        span = _span(start, end, limit, first)
        return await self._ask(lambda connection: queries.payments(connection, account, span))

    async def entries(
        self, account: int, start: int = 0, end: int | None = None, limit: int = 500, first: First = First.NEWEST
    ) -> list[Entry]:
        span = _span(start, end, limit, first)
        return await self._ask(lambda connection: queries.entries(connection, account, span))

    async def steps(
        self, market: int, start: int = 0, end: int | None = None, limit: int = 500, first: First = First.OLDEST
    ) -> list[Step]:
        span = _span(start, end, limit, first)
        return await self._ask(lambda connection: queries.steps(connection, market, span))

    async def candles(
        self, market: int, interval: str, start: int = 0, end: int | None = None, limit: int = 5_000
    ) -> list[Candle]:
        """Oldest first, the open one too; of more than `limit` the newest. BadInput for an unknown interval."""
        span, known = _span(start, end, limit, First.NEWEST), interval_of(interval)
        return await self._ask(lambda connection: queries.candles(connection, market, known, span))

    async def changes(
        self,
        market: int | None = None,
        start: int = 0,
        end: int | None = None,
        limit: int = 500,
        first: First = First.NEWEST,
    ) -> list[Change]:
        span = _span(start, end, limit, first)
        return await self._ask(lambda connection: queries.changes(connection, market, span))

    async def notes(
        self,
        account: int | None = None,
        start: int = 0,
        end: int | None = None,
        limit: int = 500,
        first: First = First.NEWEST,
    ) -> list[Note]:
        span = _span(start, end, limit, first)
        return await self._ask(lambda connection: queries.notes(connection, account, span))

    async def notes_of(self, first: int, last: int) -> list[Note]:
        """Those of the commands from `first` to `last`, oldest first."""
        return await self._ask(lambda connection: queries.notes_of(connection, first, last))

    async def pooled(self, account: int, asset: int, token: int) -> list[Pooled]:
        return await self._ask(lambda connection: queries.pooled(connection, account, asset, token))

    async def twaps(self, account: int, limit: int = 500) -> list[Twap]:
        return await self._ask(lambda connection: queries.twaps(connection, account, limit))

    async def volumes(self, account: int, days: int = 15) -> list[Volume]:
        return await self._ask(lambda connection: queries.volumes(connection, account, days))

    async def statement(self, address: bytes, start: int, end: int, limit: int = LEDGER_LINES) -> Statement:
        """An account's ledger from `start` up to but not with `end`.

        BadInput for an unknown account, and for more than `limit` lines: a shorter period has fewer.
        """
        return await self._ask(lambda connection: _statement(connection, address, start, end, limit))

    async def _ask(self, question: Callable[[Connection], T]) -> T:
        pen = self._pen
        assert pen is not None
        await pen.settled()
        if pen.fault is not None:
            raise HistoryFault(pen.fault)
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._answer, question)

    def _answer(self, question: Callable[[Connection], T]) -> T:
        try:
            with self._engine.begin() as connection:
                return question(connection)
        except SQLAlchemyError as error:
            raise HistoryFault(f"the database does not answer: {type(error).__name__}") from error

    def _stop_pen(self) -> None:
        if self._pen is not None:
            self._pen.close()
            self._pen = None

    def _refused(self, error: SQLAlchemyError) -> BadInput:
        url = self._engine.url.render_as_string(hide_password=True)
        return BadInput("history", f"{url}: {getattr(error, 'orig', None) or error}")


def _span(start: int, end: int | None, limit: int, first: First) -> Span:
    return Span(start, TIME_MAX if end is None else end, limit, first)


def _statement(connection: Connection, address: bytes, start: int, end: int, limit: int) -> Statement:
    ledger = Ledger(connection, address, start, end)
    lines: list[LineText] = []
    for line in texts(ledger):
        if len(lines) == limit:
            raise BadInput("period", f"more than {limit} lines: ask for a shorter one")
        lines.append(line)
    return Statement(head=head_of(ledger), lines=lines, tail=tail_of(ledger))
