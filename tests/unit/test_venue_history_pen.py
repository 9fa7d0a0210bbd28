"""The thread that writes history: a full queue, a database that does not answer, one that somebody else writes to."""

import asyncio
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from history_world import Teller, dump, log_of, pieces
from seawall.kernel import INTERPRETED
from seawall.venue.history import pen
from seawall.venue.history.keeper import Keeper, Work
from seawall.venue.history.store import History, HistoryFault
from seawall.venue.records import News

COMMANDS = 2_000 if INTERPRETED else 6_000


@pytest.fixture(scope="module")
def told() -> list[News]:
    teller = Teller()
    return [teller.tell(rows) for rows in pieces(log_of(5, 7, COMMANDS), 4, 60)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite"


@pytest.fixture
def history(file: Path) -> History:
    made = History(f"sqlite:///{file}")
    made.load()
    return made


class Trouble:
    """A database that takes rows and then fails while `is_on`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_on = False
        self.met = threading.Event()
        write = Keeper.write

        def troubled(keeper: Keeper, connection: Connection, work: Work) -> None:
            write(keeper, connection, work)
            if self.is_on:
                self.met.set()
                raise OperationalError("write", (), sqlite3.OperationalError("the disk is gone"))

        monkeypatch.setattr(Keeper, "write", troubled)


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> Trouble:
    return Trouble(monkeypatch)


def test_a_database_that_comes_back_gets_everything_once(
    history: History, file: Path, told: list[News], trouble: Trouble, tmp_path: Path
) -> None:
    for at, news in enumerate(told):
        if at in (3, len(told) // 2):
            history.settle()
            trouble.is_on = True
            trouble.met.clear()
        history.add(news)
        if trouble.is_on and at % 5 == 0:
            assert trouble.met.wait(5)
            trouble.is_on = False
    history.settle()
    history.close()
    assert history.fault is None
    calm = History(f"sqlite:///{tmp_path / 'calm.sqlite'}")
    calm.load()
    for news in told:
        calm.add(news)
    calm.settle()
    calm.close()
    assert dump(f"sqlite:///{file}") == dump(f"sqlite:///{tmp_path / 'calm.sqlite'}")


def test_an_answer_that_was_lost_after_the_commit_writes_nothing_twice(
    history: History, file: Path, told: list[News], monkeypatch: pytest.MonkeyPatch
) -> None:
    once, lost = pen.Pen._write_once, []

    def write_once(self: pen.Pen, work: Work, level: str) -> None:
        once(self, work, level)
        if len(lost) < 3:
            lost.append(work)
            raise OperationalError("commit", (), sqlite3.OperationalError("the server closed the connection"))

    monkeypatch.setattr(pen.Pen, "_write_once", write_once)
    for news in told[:20]:
        history.add(news)
        history.settle()
    history.close()
    tables = dump(f"sqlite:///{file}")
    assert len(lost) == 3
    assert tables["seawall_meta"][0][2] == told[19].last
    assert len(tables["seawall_fills"]) == sum(len(news.fills) for news in told[:20])


def test_a_full_queue_holds_up_whoever_adds_and_loses_nothing(
    history: History, file: Path, told: list[News], monkeypatch: pytest.MonkeyPatch
) -> None:
    write, most = Keeper.write, []

    def slow(keeper: Keeper, connection: Connection, work: Work) -> None:
        time.sleep(0.01)
        write(keeper, connection, work)

    monkeypatch.setattr(Keeper, "write", slow)
    monkeypatch.setattr(pen, "QUEUE_RECORDS", 300)
    monkeypatch.setattr(pen, "TRANSACTION_RECORDS", 100)
    for news in told:
        history.add(news)
        most.append(history.waiting)
    assert 200 < max(most) <= 300
    history.settle()
    history.close()
    tables = dump(f"sqlite:///{file}")
    assert tables["seawall_meta"][0][2] == told[-1].last
    assert len(tables["seawall_fills"]) == sum(len(news.fills) for news in told)


def test_history_stops_when_a_full_queue_gets_nowhere_and_the_venue_goes_on(
    history: History, file: Path, told: list[News], trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pen, "QUEUE_RECORDS", 50)
    monkeypatch.setattr(pen, "STALL_S", 0.2)
    monkeypatch.setattr(pen, "RETRY_MOST_S", 0.01)
    for news in told[:3]:
        history.add(news)
    history.settle()
    trouble.is_on = True
    start = time.monotonic()
    for news in told[3:]:
        history.add(news)
    assert time.monotonic() - start < 2
    assert "none was written" in (history.fault or "")
    with pytest.raises(HistoryFault):
        history.settle()

    async def ask() -> None:
        await history.flush()
        with pytest.raises(HistoryFault):
            await history.orders(0)

    asyncio.run(ask())
    history.close()
    assert dump(f"sqlite:///{file}")["seawall_meta"][0][2] == told[2].last


def test_whoever_waits_is_told_when_history_stops(history: History, told: list[News], trouble: Trouble) -> None:
    trouble.is_on = True

    async def ask() -> None:
        for news in told[:3]:
            history.add(news)
        questions = [asyncio.ensure_future(history.orders(0)) for _ in range(3)]
        await asyncio.to_thread(trouble.met.wait, 5)
        await asyncio.to_thread(history.close)
        for answer in await asyncio.gather(*questions, return_exceptions=True):
            assert isinstance(answer, HistoryFault)
            assert "the disk is gone" in str(answer)

    asyncio.run(ask())


def test_a_second_writer_stops_history(history: History, file: Path, told: list[News]) -> None:
    history.add(told[0])
    history.settle()
    other = History(f"sqlite:///{file}")
    other.load()
    for news in told[1:3]:
        other.add(news)
    other.settle()
    other.close()
    history.add(told[1])
    with pytest.raises(HistoryFault, match="where it was left"):
        history.settle()
    history.close()
    assert dump(f"sqlite:///{file}")["seawall_meta"][0][2] == told[2].last


def test_questions_see_everything_that_was_added_before_them(history: History, told: list[News]) -> None:
    async def ask() -> None:
        seen = 0
        for news in told:
            history.add(news)
            seen += len(news.changes)
            assert len(await history.changes(limit=10_000)) == seen
            assert (history.sequence, history.waiting, history.fault) == (news.last, 0, None)

    asyncio.run(ask())
    history.close()


def test_orders_are_written_as_they_were_not_as_they_became(history: History, file: Path, told: list[News]) -> None:
    news = next(news for news in told if news.orders)
    order = next(iter(news.orders.values()))
    was = order.done
    history.add(News(1, 1, 1, b"chain", orders={order.oid: order}))
    order.done += 77
    history.settle()
    history.close()
    order.done -= 77
    row = dump(f"sqlite:///{file}")["seawall_orders"][0]
    assert row[9] == was


def test_a_flush_is_synced_to_the_disk(
    history: History, file: Path, told: list[News], monkeypatch: pytest.MonkeyPatch
) -> None:
    levels: list[str] = []
    once = pen.Pen._write_once

    def write_once(self: pen.Pen, work: Work, level: str) -> None:
        levels.append(level)
        once(self, work, level)

    monkeypatch.setattr(pen.Pen, "_write_once", write_once)
    history.add(told[0])
    history.settle()

    async def flush() -> None:
        await history.flush()
        history.add(told[1])
        await history.flush()

    log = file.with_name(file.name + "-wal")
    before = log.stat().st_size
    asyncio.run(history.flush())
    assert log.stat().st_size > before  # nothing waited: still a commit that has something to sync
    asyncio.run(flush())
    history.add(told[2])
    history.settle()
    history.close()
    assert levels == ["NORMAL", "FULL", "FULL", "FULL", "NORMAL"]


def test_it_rests_less_the_fuller_the_queue_and_not_while_somebody_waits(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    writer = history._pen
    assert writer is not None
    monkeypatch.setattr(pen.time, "sleep", rests.append)
    for waiting in (0, pen.QUEUE_RECORDS // 4, pen.QUEUE_RECORDS // 2, pen.QUEUE_RECORDS):
        writer.added = writer.written + waiting
        writer._rest(0.001)
    writer.added, writer._settling = writer.written, 1
    writer._rest(0.001)
    monkeypatch.undo()
    assert rests == pytest.approx([0.008, 0.004, pen.BREATH_S, pen.BREATH_S, pen.BREATH_S])
    writer._settling = 0
    history.close()
