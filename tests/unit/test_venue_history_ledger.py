"""An account's ledger against the journal: replayed to both ends of a period, the cash in the columns is its own."""

import asyncio
import collections
import csv
import io
import itertools
import json
import random
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from history_world import Teller, log_of, long_log
from seawall.cli.main import main
from seawall.engine.rows import Rows
from seawall.engine.venue import Venue
from seawall.kernel import INTERPRETED
from seawall.ledger import state
from seawall.margin.trigger_state import SLOTS_USED
from seawall.terms import command
from seawall.units import BadInput
from seawall.venue.config import HISTORY
from seawall.venue.history.database import open_engine
from seawall.venue.history.ledger import Ledger
from seawall.venue.history.ledger_text import time_of, time_text
from seawall.venue.history.store import History
from seawall.venue.names import address_text
from seawall.venue.records import News
from venue_rig import Rig, key, run

WORLDS = ("days", "losses", "shared", "delisting", "isolated")
SEEDS = {"losses": (21, 25), "shared": (21, 38), "delisting": (21, 107), "isolated": (21, 4)}
MICRO = 1_000_000
MOVES: tuple[Callable[[News], list[Any]], ...] = (
    lambda news: news.payments,
    lambda news: news.fills,
    lambda news: news.entries,
)


def log_named(name: str) -> list[Rows]:
    if name == "days":
        return long_log(2, 20 if INTERPRETED else 200)
    return log_of(*SEEDS[name], 2_000 if INTERPRETED else 12_000)


def cash_by_account(venue: Venue) -> dict[int, int]:
    """raw_usd and entry notionals of all buckets of each account, from the columns."""
    columns, accounts = venue.columns, venue.capacity.accounts
    pools_from = len(columns["bucket_raw"]) - 2 * venue.capacity.markets
    cash = collections.Counter(dict(enumerate(columns["bucket_raw"].tolist())))
    used = int(columns["count"][SLOTS_USED])
    for slot in np.flatnonzero(columns["slot_owner"][:used] >= 0).tolist():
        cash[int(columns["slot_owner"][slot])] += int(columns["slot_entry"][slot])
    found: collections.Counter[int] = collections.Counter()
    for bucket, amount in cash.items():
        if amount and bucket < pools_from:
            found[bucket if bucket < accounts else int(columns["bucket_owner"][bucket])] += amount
    return found


def replayed(log: list[Rows], times: list[int]) -> dict[int, dict[int, int]]:
    """The cash of every account before the first command that the venue's clock was at each of these times or later."""
    venue, found, left = Venue(), {}, sorted(times)
    for rows in log:
        for at in range(len(rows)):
            row = rows[at : at + 1]
            if left and row["kind"][0] == command.TICK and row["time"][0] >= left[0]:
                before = cash_by_account(venue)
                venue.apply(row)
                while left and venue.columns["cell"][state.NOW] >= left[0]:
                    found[left.pop(0)] = before
            else:
                venue.apply(row)
    return found | dict.fromkeys(left, cash_by_account(venue))


@pytest.mark.parametrize("name", WORLDS)
def test_a_ledger_is_the_change_of_cash_between_two_replays(name: str, tmp_path: Path) -> None:
    log, url = log_named(name), f"sqlite:///{tmp_path / 'history.sqlite'}"
    history, teller = History(url), Teller()
    history.load()
    news = [teller.tell(rows) for rows in log]
    for told in news:
        history.add(told)
    history.settle()
    history.close()
    dice, low, high = random.Random(4), max(news[0].time - 10, 1), news[-1].time
    events = [dice.choice([r.time for told in news for r in records(told)] or [high]) for records in MOVES]
    times = sorted({*dice.sample(range(low, high + 1), 4), *events})
    cash = replayed(log, [*times, high + 1])
    periods = [*itertools.pairwise(times), (times[2], high + 1), (1, high + 1)]
    cash[1] = {}
    engine, moved = open_engine(url, read_only=True), set()
    with engine.begin() as connection:
        for person in teller.mirror.people.persons:
            for start, end in periods:
                ledger = Ledger(connection, person.address, start, end)
                amounts = [line.amount for line in ledger.lines()]
                assert ledger.opening == cash[start].get(person.account, 0)
                assert ledger.opening + sum(amounts) == ledger.cash == cash[end].get(person.account, 0)
                assert sum(ledger.summary().values()) == ledger.cash - ledger.opening
                assert sum(total.amount for total in ledger.totals.values()) == sum(amounts)
                assert sum(total.lines for total in ledger.totals.values()) == len(amounts)
                moved.update(ledger.totals)
    engine.dispose()
    wanted = {
        "days": {"trade", "funding", "deposit", "withdraw", "returned", "send", "receive", "isolated"},
        "losses": {"trade", "liquidation", "adl", "backstop", "deficit", "liquidationFee", "sub"},
        "shared": {"socialised", "pool", "insurance"},
        "delisting": {"settlement", "trade"},
        "isolated": {"isolated", "liquidation"},
    }
    assert INTERPRETED or wanted[name] <= moved


async def scene(rig: Rig) -> None:
    """Two owners trade and pay fees; one sends the other money and sells at a loss."""
    await rig.list_market(taker_fee=6_000, maker_fee=1_200)
    for number in (1, 2):
        await rig.fund(key(number), 10_000)
    for price, sides in ((50_000_000, (command.SELL, 0)), (49_900_000, (0, command.SELL))):
        await rig.price(0, price)
        for account, flags in enumerate(sides):
            row = {"kind": command.PLACE, "signer": account, "account": account, "price": price, "size": 7}
            assert await rig.rows({**row, "flags": flags, "nonce": rig.now}) == [0]
    row = {"kind": command.TRANSFER, "signer": 0, "account": 0, "other": 1, "amount": 12_345_678, "nonce": rig.now + 1}
    assert await rig.rows(row) == [0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("venue")
    run(made, scene)
    return made


def exported(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["ledger", "export", *words]) == 0
    return capsys.readouterr().out


def test_csv_and_json_say_the_same_and_add_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", str(folder), "--account", address_text(key(2).address)]
    rows = list(csv.DictReader(io.StringIO(exported(capsys, *words))))
    told = json.loads(exported(capsys, *words, "--format", "json"))
    lines = [row for row in rows if row["sequence"]]
    assert [{name: text for name, text in row.items() if text} for row in lines] == [
        {name: str(value) for name, value in line.items()} for line in told["lines"]
    ]
    by_kind = {row["kind"]: row for row in rows if not row["sequence"]}
    assert by_kind["opening"]["cash"] == told["opening_cash"] == "0.0"
    assert by_kind["closing"]["cash"] == told["closing_cash"] == lines[-1]["cash"]
    assert sum(Decimal(row["amount"]) for row in lines) == Decimal(told["closing_cash"])
    assert sum(map(Decimal, told["summary"].values())) == Decimal(told["closing_cash"])
    assert {row["kind"] for row in lines} == {"deposit", "trade", "receive"} == set(told["totals"])
    buy, sell = [row for row in lines if row["kind"] == "trade"]
    assert (buy["coin"], buy["side"], buy["size"], buy["price"]) == ("BTC", "buy", "0.007", "50000.0")
    assert (buy["realised_pnl"], buy["fee"], buy["amount"]) == ("0.0", "0.175", "-0.175")
    assert (sell["side"], sell["price"], sell["realised_pnl"]) == ("sell", "49900.0", "-0.7")
    assert lines[-1]["other"] == address_text(key(1).address)
    assert Decimal(lines[-1]["amount"]) * MICRO == 12_345_678
    assert buy["time"].endswith("Z")
    assert by_kind["total trade"]["realised_pnl"] == told["totals"]["trade"]["realised_pnl"] == "-0.7"


def test_a_period_takes_its_beginning_and_leaves_its_end(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", str(folder), "--account", address_text(key(2).address), "--format", "json"]
    whole = json.loads(exported(capsys, *words))
    second = whole["lines"][1]["time"]
    late = json.loads(exported(capsys, *words, "--from", second))
    early = json.loads(exported(capsys, *words, "--to", second))
    assert [line["time"] for line in early["lines"] + late["lines"]] == [line["time"] for line in whole["lines"]]
    assert early["closing_cash"] == late["opening_cash"] == early["lines"][-1]["cash"]
    assert (late["from"], early["to"]) == (second, second)


def test_a_running_venue_can_be_asked_in_both_ways(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def scenario(rig: Rig) -> None:
        await scene(rig)
        statement = await rig.service.history.statement(key(2).address, 1, rig.now + 1_000_000)
        words = ("--data", str(tmp_path), "--account", address_text(key(2).address), "--format", "json")
        told = json.loads(await asyncio.to_thread(exported, capsys, *words))
        assert [line.cash for line in statement.lines] == [line["cash"] for line in told["lines"]]
        assert statement.tail.closing_cash == told["closing_cash"]
        with pytest.raises(BadInput, match="more than 1 lines"):
            await rig.service.history.statement(key(2).address, 1, rig.now, limit=1)
        with pytest.raises(BadInput, match="account"):
            await rig.service.history.statement(key(9).address, 1, rig.now)

    run(tmp_path, scenario)


def test_a_file_gets_what_the_screen_does(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", str(folder), "--account", address_text(key(1).address)]
    shown = exported(capsys, *words)
    assert exported(capsys, *words, "--out", str(tmp_path / "ledger.csv")) == ""
    assert (tmp_path / "ledger.csv").read_text() == shown


def test_a_journal_that_goes_further_is_told(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    venue = tmp_path / "venue"
    run(venue, scene)
    copy = (venue / HISTORY).read_bytes()

    async def more(rig: Rig) -> None:
        rig.now = rig.service.now
        await rig.price(0, 50_000_000)

    run(venue, more)
    (venue / HISTORY).write_bytes(copy)
    assert main(["ledger", "export", "--data", str(venue), "--account", address_text(key(1).address)]) == 0
    assert "the journal goes to" in capsys.readouterr().err
    assert main(["ledger", "export", "--data", str(folder), "--account", address_text(key(1).address)]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"--account": "0x12"}, "account"),
        ({"--account": "0x" + "ab" * 20}, "no account"),
        ({"--from": "yesterday"}, "from"),
        ({"--to": "2020-01-01", "--from": "2021-01-01"}, "period"),
        ({"--from": "0001-01-01"}, "period"),
        ({"--format": "xml"}, "format"),
        ({"--data": "/nowhere/at/all"}, "history"),
    ],
)
def test_bad_words_are_refused_in_one_line(
    changed: dict[str, str], why: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words: dict[str, Any] = {"--data": str(folder), "--account": address_text(key(1).address), **changed}
    assert main(["ledger", "export", *[word for pair in words.items() for word in pair]]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert why in told.err
    assert told.err.count("\n") == 1


def test_a_history_of_another_version_or_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["ledger", "export", "--data", str(tmp_path), "--account", address_text(key(1).address)]
    (tmp_path / HISTORY).write_bytes(b"nothing of the kind" * 999)
    assert main(words) == 2
    (tmp_path / HISTORY).unlink()
    with sqlite3.connect(tmp_path / HISTORY) as empty:
        empty.execute("CREATE TABLE something (x)")
    assert main(words) == 2
    assert capsys.readouterr().err.count("error: history: ") == 2


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2025-10-10", 1_760_054_400_000),
        ("2025-10-10T00:00:01.5", 1_760_054_401_500),
        ("2025-10-10T00:00:00Z", 1_760_054_400_000),
        ("2025-10-10T02:00+02:00", 1_760_054_400_000),
        ("1760054400000", 1_760_054_400_000),
        ("20251010", 1_760_054_400_000),
        ("1970-01-01T00:00:00.001Z", 1),
    ],
)
def test_times_are_read_as_utc(text: str, time: int) -> None:
    assert time_of(text, "from") == time
    assert time_of(time_text(time), "from") == time
