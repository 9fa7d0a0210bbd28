"""History against what was told: every question answered from lists in memory, tables under other cuts of the log."""

import asyncio
import datetime
import functools
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from history_world import Teller, dump, kept_of, log_of, long_log, pieces
from seawall.engine.rows import Rows
from seawall.kernel import INTERPRETED
from seawall.terms import event
from seawall.units import BadInput
from seawall.venue.history import tables
from seawall.venue.history.candles import Candle
from seawall.venue.history.intervals import INTERVALS
from seawall.venue.history.queries import First
from seawall.venue.history.store import History
from seawall.venue.history.volumes import Volume
from seawall.venue.mirror import Kept
from seawall.venue.records import NOBODY, Fill, News, Order

WORLDS = {"days": (0, 0), "fills": (5, 7), "losses": (21, 1), "delisting": (21, 34), "office": (9, 3)}
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
FIXED = {"m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}


@functools.cache
def log_named(name: str) -> list[Rows]:
    if name == "days":
        return long_log(1, 40 if INTERPRETED else 400)
    return log_of(*WORLDS[name], 3_000 if INTERPRETED else 12_000)


def write(url: str, log: list[Rows], restarts: tuple[int, ...] = ()) -> list[News]:
    """Tells a log to a new history; before some batches it is closed and opened again, and the mirror made of it."""
    history, teller, told = History(url), Teller(), []
    assert history.load()[0] == 0
    for turn, rows in enumerate(log):
        if turn in restarts:
            history.settle()
            history.close()
            history = History(url)
            sequence, kept = history.load()
            assert sequence == told[-1].last
            wanted = kept_of(teller.mirror)
            assert wanted.agent_names.items() <= kept.agent_names.items()  # names of agents that are gone do no harm
            assert vars(kept) | {"agent_names": {}} == vars(wanted) | {"agent_names": {}}
            teller = Teller(kept, teller.venue)
        news = teller.tell(rows)
        history.add(news)
        told.append(
            msgspec.structs.replace(
                news, orders={oid: msgspec.structs.replace(order) for oid, order in news.orders.items()}
            )
        )
    history.settle()
    history.close()
    return told


class Made(msgspec.Struct):
    """A history and all that it was told."""

    url: str
    told: list[News]

    def all(self, field: str) -> list[Any]:
        return [record for news in self.told for record in getattr(news, field)]


@pytest.fixture(scope="module", params=WORLDS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    url = f"sqlite:///{tmp_path_factory.mktemp('history') / 'it.sqlite'}"
    return Made(url, write(url, pieces(log_named(request.param), 5, 400)))


def ask(made: Made, questions: Callable[[History], Awaitable[None]]) -> None:
    history = History(made.url)
    history.load()
    try:
        asyncio.run(questions(history))  # type: ignore[arg-type]
    finally:
        history.close()


@pytest.mark.parametrize("name", WORLDS)
def test_tables_do_not_depend_on_batches_or_restarts(name: str, tmp_path: Path) -> None:
    log = log_named(name)
    urls = [f"sqlite:///{tmp_path / str(number)}" for number in range(3)]
    write(urls[0], pieces(log, 1, 20_000))
    small = pieces(log, 2, 300)
    write(urls[1], small)
    write(urls[2], small, tuple(range(1, len(small), max(1, len(small) // 7))))
    first, *others = map(dump, urls)
    for other in others:
        for table, rows in first.items():
            assert other[table] == rows, table
    assert first["seawall_meta"][0][2] == sum(map(len, log))


def spans(told: list[News]) -> list[tuple[int, int | None, int]]:
    dice = random.Random(3)
    low, high = told[0].time, told[-1].time
    drawn = [sorted((dice.randint(low, high), dice.randint(low, high))) for _ in range(4)]
    return [(0, None, 10_000), (0, None, 3), *((start, end, dice.choice((1, 7, 500))) for start, end in drawn)]


def expected(records: list[Any], span: tuple[int, int | None, int], first: First) -> list[Any]:
    start, end, limit = span
    found = [record for record in records if start <= record.time <= (end if end is not None else 2**60)]
    return (found if first is First.OLDEST else found[::-1])[:limit]


def test_ranges_are_what_was_told(made: Made) -> None:
    async def questions(history: History) -> None:
        known = [-1, *(owner.account for owner in made.all("owners"))]
        accounts = random.Random(8).sample(known, min(len(known), 40))
        markets = {told.listing.number: told.time for told in made.all("listings")}
        for span in spans(made.told):
            for first in First:
                for name, field in (("fills", "fills"), ("payments", "payments"), ("entries", "entries")):
                    by = {account: [] for account in accounts}
                    for record in made.all(field):
                        if record.account in by:
                            by[record.account].append(record)
                    for account in accounts:
                        found = await getattr(history, name)(account, *span, first)
                        assert found == expected(by[account], span, first)
                for account in (None, *accounts):
                    notes = [n for n in made.all("notes") if account in (None, n.account, n.other_account)]
                    assert await history.notes(account, *span, first) == expected(notes, span, first)
                for market in (None, *markets):
                    changes = [c for c in made.all("changes") if market in (None, c.market)]
                    assert await history.changes(market, *span, first) == expected(changes, span, first)
                for market, since in markets.items():
                    steps = [s for s in made.all("steps") if s.market == market and s.time >= since]
                    assert await history.steps(market, *span, first) == expected(steps, span, first)
                    trades = [f for f in made.all("fills") if f.market == market and is_trade(f) and f.time >= since]
                    assert await history.market_fills(market, *span, first) == expected(trades, span, first)

    ask(made, questions)


def is_trade(fill: Fill) -> bool:
    return fill.is_taker and fill.method in ("", "market")


def test_orders_are_as_they_were_last_told(made: Made) -> None:
    final: dict[int, Order] = {}
    for news in made.told:
        final |= news.orders
    mine: dict[int, list[Order]] = {}
    for _, order in sorted(final.items(), reverse=True):
        mine.setdefault(order.account, []).append(order)

    async def questions(history: History) -> None:
        for account, orders in mine.items():
            assert await history.orders(account, 10_000) == orders
            assert await history.orders(account, 2) == orders[:2]
            middle = orders[len(orders) // 2].oid
            assert await history.orders(account, 10_000, middle) == [o for o in orders if o.oid < middle]
            newest = {}
            for order in orders[::-1]:
                newest[order.cloid] = order
            for cloid, order in newest.items():
                if cloid:
                    assert await history.order_by_client(account, cloid) == order
            assert await history.order_by_client(account, 2**128 - 1) is None
        assert [await history.order(oid) for oid in sorted(final)] == [final[oid] for oid in sorted(final)]
        assert await history.order(max(final) + 1) is None

    ask(made, questions)


def test_twaps_slices_and_notes_by_command(made: Made) -> None:
    async def questions(history: History) -> None:
        told, sliced = made.all("twaps"), [fill for fill in made.all("fills") if fill.twap]
        for account in {twap.schedule.account for twap in told} | {fill.account for fill in sliced}:
            assert await history.twaps(account, 9) == [t for t in told if t.schedule.account == account][::-1][:9]
            assert await history.slices(account, 9) == [f for f in sliced if f.account == account][::-1][:9]
        notes = made.all("notes")
        for note in notes[:: len(notes) // 5 + 1]:
            low, high = note.sequence - 3, note.sequence + 5
            assert await history.notes_of(low, high) == [n for n in notes if low <= n.sequence <= high]
        assert all(len(note.values) == len(event.ROW) - 1 for note in notes)

    ask(made, questions)


def starts(interval: str, time: int) -> int:
    """When the candle that holds a time begins, told by a calendar."""
    moment = datetime.datetime.fromtimestamp(time / 1000, datetime.UTC)
    if interval == "1M":
        return int(moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()) * 1000
    if interval == "1w":
        monday = moment.date() - datetime.timedelta(days=moment.weekday())
        return int(datetime.datetime(monday.year, monday.month, monday.day, tzinfo=datetime.UTC).timestamp()) * 1000
    length = int(interval[:-1]) * FIXED[interval[-1]]
    return time - time % length


def after(interval: str, start: int) -> int:
    return starts(interval, start + 32 * DAY) if interval == "1M" else start + int(interval[:-1]) * FIXED[interval[-1]]


def candles_of(made: Made, market: int, interval: str) -> list[Candle]:
    """All candles of a market, from lists of trades and marks."""
    since = max(told.sequence for told in made.all("listings") if told.listing.number == market)
    trades: dict[int, list[tuple[int, int]]] = {}
    marks: dict[int, list[int]] = {}
    for fill in made.all("fills"):
        if fill.market == market and is_trade(fill) and fill.sequence > since:
            trades.setdefault(starts(interval, fill.time), []).append((fill.price, abs(fill.lots)))
    for news in made.told:
        for (number, mark), (sequence, time) in zip(news.marks, news.mark_places, strict=True):
            if number == market and sequence > since and mark:
                marks.setdefault(starts(interval, time), []).append(mark)
    made_of = {
        start: [price for price, _ in trades[start]] if start in trades else marks[start] for start in trades | marks
    }
    candles: list[Candle] = []
    start = min(made_of, default=2**60)
    while start <= made.told[-1].time:
        prices = made_of.get(start) or [candles[-1].close]
        lots = trades.get(start, [])
        candle = Candle(
            market=market,
            interval=interval,
            start=start,
            end=after(interval, start) - 1,
            open=prices[0],
            high=max(prices),
            low=min(prices),
            close=prices[-1],
            volume=sum(size for _, size in lots),
            value=sum(price * size for price, size in lots),
            trades=len(lots),
        )
        candles.append(candle)
        start = after(interval, start)
    return candles


def test_candles_are_of_trades_and_else_of_marks(made: Made) -> None:
    async def questions(history: History) -> None:
        markets = {told.listing.number for told in made.all("listings")}
        kinds = set()
        for market in sorted(markets):
            for interval in INTERVALS:
                candles = candles_of(made, market, interval)
                assert await history.candles(market, interval, limit=100_000) == candles
                kinds.update((bool(c.trades), c.open != c.close) for c in candles)
                for start, end, limit in spans(made.told):
                    wanted = [c for c in candles if start <= c.start and (end is None or c.start <= end)][-limit:]
                    assert await history.candles(market, interval, start, end, limit) == wanted
        assert (True, True) in kinds
        with pytest.raises(BadInput, match="interval"):
            await history.candles(0, "7m")
        assert await history.candles(99, "1h") == []

    ask(made, questions)


def test_volumes_are_sums_of_fills_by_day(made: Made) -> None:
    async def questions(history: History) -> None:
        fills = [fill for fill in made.all("fills") if fill.method in ("", "market")]
        today = made.told[-1].time // DAY * DAY
        for account in sorted({fill.account for fill in fills} - {NOBODY}):
            wanted = []
            for day in (today, today - DAY, today - 2 * DAY):
                there = [fill for fill in fills if fill.time // DAY * DAY == day]
                value = {
                    taker: sum(abs(f.lots) * f.price for f in there if f.is_taker == taker and f.account == account)
                    for taker in (True, False)
                }
                venue = sum(abs(f.lots) * f.price for f in there if f.is_taker)
                wanted.append(Volume(day=day, taker=value[True], maker=value[False], venue=venue))
            assert await history.volumes(account, 3) == wanted

    ask(made, questions)


def test_a_database_of_another_version_is_made_anew(
    made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(Path(made.url.removeprefix("sqlite:///")).read_bytes())
    monkeypatch.setattr(tables, "MEANING", 2)
    history = History(f"sqlite:///{copy}")
    sequence, kept = history.load()
    history.close()
    assert (sequence, vars(kept)) == (0, vars(Kept()))


@pytest.mark.parametrize("url", ["sqlite://", "mysql://x/y", "nonsense", "sqlite:///:memory:"])
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="history"):
        History(url)


def test_a_file_that_is_no_database_is_refused_by_name_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    file.write_bytes(b"no database at all" * 1_000)
    history = History(f"sqlite:///{file}")
    with pytest.raises(BadInput, match=r"history\.sqlite"):
        history.load()
    assert file.read_bytes() == b"no database at all" * 1_000
