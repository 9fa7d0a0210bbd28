"""The same history in PostgreSQL: the tables of the same log, and the answers, are those of SQLite."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import postgres_server
from history_world import Teller, dump, log_of, long_log, pieces
from seawall.kernel import INTERPRETED
from seawall.units import BadInput
from seawall.venue.history.queries import First
from seawall.venue.history.store import History

if postgres_server.missing():
    pytest.skip(postgres_server.missing(), allow_module_level=True)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres_server.server() as made:
        yield made


def written(url: str, log: list[Any]) -> History:
    """A history of the log; it is closed and opened again halfway."""
    history, teller = History(url), Teller()
    history.load()
    history.clear()
    for turn, rows in enumerate(log):
        if turn == len(log) // 2:
            history.settle()
            history.close()
            history = History(url)
            teller = Teller(history.load()[1], teller.venue)
        history.add(teller.tell(rows))
    history.settle()
    return history


async def answers(history: History) -> list[Any]:
    """One answer to each question for some accounts and markets."""
    found: list[Any] = []
    for first in First:
        for account in range(-1, 12):
            for name in ("fills", "payments", "entries", "notes"):
                found.append(await getattr(history, name)(account, 0, None, 50, first))
        for market in (0, 1):
            for name in ("market_fills", "steps", "changes"):
                found.append(await getattr(history, name)(market, 0, None, 50, first))
    for account in range(12):
        found += [await history.orders(account, 30), await history.slices(account), await history.twaps(account)]
        found += [await history.order(account), await history.order_by_client(account, 7)]
        found.append(await history.volumes(account, 3))
    for interval in ("1m", "15m", "1h", "1d", "1w", "1M"):
        found += [await history.candles(market, interval) for market in (0, 1, 2)]
    found += [await history.notes(), await history.notes_of(0, 2**60), await history.changes()]
    return found


@pytest.mark.parametrize("name", ["days", "losses"])
def test_postgres_holds_and_answers_what_sqlite_does(name: str, url: str, tmp_path: Path) -> None:
    size = 2_000 if INTERPRETED else 8_000
    log = pieces(long_log(1, size // 100) if name == "days" else log_of(21, 1, size), 3, 300)
    sqlite = f"sqlite:///{tmp_path / 'history.sqlite'}"
    histories = [written(sqlite, log), written(url, log)]
    one, other = [asyncio.run(answers(history)) for history in histories]
    for history in histories:
        history.close()
    assert one == other
    assert any(one)
    kept, there = dump(sqlite), dump(url)
    for table in kept:
        assert sorted(kept[table], key=repr) == sorted(there[table], key=repr), table


def test_a_server_that_is_gone_is_told(url: str) -> None:
    history = History(url.replace("host=", "host=/nowhere"))
    with pytest.raises(BadInput, match="history"):
        history.load()
