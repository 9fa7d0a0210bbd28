"""History beside the journal: killed, deleted, ahead, of another log. It always ends as one made of the journal."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from history_world import dump
from seawall.kernel import INTERPRETED
from seawall.terms import command
from seawall.units import BadInput
from seawall.venue.config import HISTORY, JOURNAL, Config, Data
from seawall.venue.history.store import History
from seawall.venue.service import Service
from venue_rig import Rig, key, run

CHILD = Path(__file__).resolve().parent.parent / "history_child.py"
PRICE = 50_000_000
TURNS = 3 if INTERPRETED else 30


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / HISTORY}"


def opened(folder: Path) -> Service:
    """A service that was opened, and whose history is closed again."""
    service = Service(Config(data=Data(folder=str(folder), capacity="small")), lambda: 0)
    service.open()
    service.history.close()
    service._disk.close()
    return service


def made_anew(folder: Path, beside: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The tables of a history made of nothing but the folder's journal."""
    shutil.copytree(folder / JOURNAL, beside / JOURNAL)
    opened(beside)
    return dump(url_of(beside))


def trade(folder: Path, turns: int, size: int = 1) -> None:
    """Plays a few trades on a folder and stops it in order."""

    async def scenario(rig: Rig) -> None:
        rig.now = max(rig.now, rig.service.now)
        if not rig.service.universe.listings:
            await rig.list_market(taker_fee=6_000)
            for number in (1, 2):
                await rig.fund(key(number), 10_000)
        for turn in range(turns):
            await rig.price(0, PRICE + turn % 3 * 100_000)
            for account, flags in ((0, command.SELL), (1, 0)):
                row = {"kind": command.PLACE, "signer": account, "account": account, "price": PRICE, "size": size}
                assert await rig.rows({**row, "flags": flags, "nonce": rig.now}) == [0]

    run(folder, scenario)


def test_a_venue_killed_in_the_middle_has_the_history_of_its_journal(tmp_path: Path) -> None:
    folder = tmp_path / "venue"
    for turns in (2, TURNS, TURNS + 7):
        with subprocess.Popen([sys.executable, str(CHILD), str(folder)], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            acknowledged = [int(child.stdout.readline() or -1) for _ in range(turns)]
            os.kill(child.pid, signal.SIGKILL)
        assert acknowledged[-1] > 0
        if turns == TURNS:
            continue  # the next process opens it as the kill left it
        copy = tmp_path / f"killed-{turns}"
        shutil.copytree(folder, copy)
        assert opened(copy).recovered.sequence >= acknowledged[-1]
        tables = dump(url_of(copy))
        assert tables["seawall_fills"]
        assert tables == made_anew(folder, tmp_path / f"anew-{turns}")


def test_a_stopped_venue_goes_on_from_its_snapshot_and_its_history(tmp_path: Path) -> None:
    trade(tmp_path / "venue", 4)
    service = opened(tmp_path / "venue")
    assert service.recovered.snapshot == service.recovered.sequence > 0
    trade(tmp_path / "venue", 4)
    assert dump(url_of(tmp_path / "venue")) == made_anew(tmp_path / "venue", tmp_path / "anew")


def damaged(folder: Path, damage: Callable[[Path], None]) -> Service:
    """The folder opened after something happened to its history; it has to end as made anew."""
    damage(folder)
    service = opened(folder)
    assert dump(url_of(folder)) == made_anew(folder, folder.parent / "anew")
    return service


def test_a_deleted_history_is_made_anew(tmp_path: Path) -> None:
    trade(tmp_path / "venue", 4)
    service = damaged(tmp_path / "venue", lambda folder: (folder / HISTORY).unlink())
    assert (service.recovered.snapshot, service.recovered.replayed) == (0, service.recovered.sequence)


def test_a_history_older_than_the_snapshots_is_caught_up(tmp_path: Path) -> None:
    trade(tmp_path / "venue", 4)
    old = (tmp_path / "venue" / HISTORY).read_bytes()
    for _ in range(3):
        trade(tmp_path / "venue", 2)
    service = damaged(tmp_path / "venue", lambda folder: (folder / HISTORY).write_bytes(old) and None)
    assert service.recovered.snapshot < service.recovered.sequence


def test_a_history_ahead_of_its_journal_is_made_anew(tmp_path: Path) -> None:
    trade(tmp_path / "venue", 4)
    shutil.copytree(tmp_path / "venue" / JOURNAL, tmp_path / "older")
    trade(tmp_path / "venue", 4)

    def damage(folder: Path) -> None:
        shutil.rmtree(folder / JOURNAL)
        shutil.copytree(tmp_path / "older", folder / JOURNAL)

    damaged(tmp_path / "venue", damage)


def test_a_history_of_another_journal_as_long_as_this_one_is_made_anew(tmp_path: Path) -> None:
    for name, size in (("venue", 1), ("other", 2)):
        trade(tmp_path / name, 4, size)
    lengths = [dump(url_of(tmp_path / name))["seawall_meta"][0][2] for name in ("venue", "other")]
    assert lengths[0] == lengths[1]
    other = (tmp_path / "other" / HISTORY).read_bytes()
    damaged(tmp_path / "venue", lambda folder: (folder / HISTORY).write_bytes(other) and None)


def test_nothing_is_forgotten_by_a_stop_right_after_the_answers(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.list_market()
        await rig.fund(key(1), 10_000)
        row = {"kind": command.PLACE, "signer": 0, "account": 0, "price": PRICE, "size": 1}
        await asyncio.gather(*(rig.rows({**row, "nonce": rig.now + number}) for number in range(500)))
        assert len(await rig.service.history.orders(0, 10_000)) == 500

    run(tmp_path / "venue", scenario)
    assert len(dump(url_of(tmp_path / "venue"))["seawall_orders"]) == 500


def test_a_history_that_nobody_may_write_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="history"):
        History(f"sqlite:///{tmp_path / 'nowhere' / 'x.sqlite'}").load()
