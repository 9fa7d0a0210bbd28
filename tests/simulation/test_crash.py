"""The journal in the simulator: an honest machine passes, and each lie of a disk or a journal is caught by its name."""

from collections.abc import Callable

import numpy as np
import pytest

from seawall.journal import record, recover, snapshot
from seawall.journal.memory import MemoryDisk
from seawall.ledger import state
from seawall.simulation import crash
from seawall.simulation.options import draw
from seawall.simulation.properties import Caught
from seawall.simulation.world import World

WORLD = next(number for number in range(100) if draw(5, number).has_journal)


def journalled() -> World:
    """A world that writes its journal, after two batches."""
    world = World(draw(5, WORLD))
    for _ in range(2):
        world.apply(world.batch())
    return world


def caught(turns: int) -> str:
    """The property that does not hold within so many failures of the machine; "" when all do."""
    world = journalled()
    try:
        for _ in range(turns):
            crash.fail(world)
            world.apply(world.batch())
    except Caught as found:
        return found.fault.name
    return ""


def test_a_world_goes_on_after_every_failure_and_its_log_is_what_the_journal_kept() -> None:
    world = journalled()
    for _ in range(12):
        crash.fail(world)
        world.apply(world.batch())
        assert sum(len(rows) for rows in world.log) == int(world.columns["cell"][state.SEQUENCE])
    assert world.crashes == 12


def test_run_journal_a_disk_that_only_says_that_it_has_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryDisk, "sync", lambda _self, _name: None)
    assert caught(60) == "RUN_JOURNAL"


def test_run_journal_a_recovery_to_another_state() -> None:
    world = journalled()
    assert world.keeper is not None
    world.keeper.watch(world.venue)
    world.keeper.writer.sync()
    world.keeper.states[world.keeper.writer.sequence] = "0" * 64
    with pytest.raises(Caught, match=r"RUN_JOURNAL.*another state"):
        world.keeper.reopen(crash.FailingDisk.of(world.keeper.disk))


def test_run_damage_a_checksum_that_checks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blind:
        crc32 = staticmethod(lambda _data, _value=0: 7)

    monkeypatch.setattr(record, "zlib", Blind)
    assert damage(40) == "RUN_DAMAGE"


def test_run_damage_a_snapshot_that_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    world = journalled()
    keeper = world.keeper
    assert keeper is not None
    keeper.watch(world.venue)
    name = snapshot.write_snapshot(keeper.disk, world.venue, keeper.writer.sequence, keeper.writer.hash)
    head, whole = snapshot.read_snapshot(keeper.disk, name)
    wrong = bytes([whole[0] ^ 1]) + whole[1:]
    monkeypatch.setattr(recover, "read_snapshot", lambda _disk, _file: (head, wrong))
    monkeypatch.setattr(recover, "read_head", lambda _data, _file: (head, 0))
    with pytest.raises(Caught, match="RUN_DAMAGE"):
        crash._damage_snapshot(keeper, crash.FailingDisk.of(keeper.disk), name, np.random.default_rng(1))


def test_run_restart_an_orderly_stop_that_loses_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    honest: Callable[..., crash.FailingDisk] = crash.FailingDisk.of

    def losing(disk: MemoryDisk) -> crash.FailingDisk:
        """The last page that is not empty reads as nothing."""
        fresh = honest(disk)
        name = max(name for name in fresh.files if name.endswith(".seg"))
        data = fresh.files[name].rstrip(b"\0")
        start = (len(data) - 1) // record.PAGE * record.PAGE
        fresh.files[name][start : start + record.PAGE] = bytes(record.PAGE)
        return fresh

    monkeypatch.setattr(crash, "check_damage", lambda _keeper, _rng: None)
    monkeypatch.setattr(crash.FailingDisk, "of", staticmethod(losing))
    assert caught(3) in ("RUN_RESTART", "RUN_JOURNAL")


def damage(turns: int) -> str:
    """What `check_damage` finds in so many flipped bits."""
    world = journalled()
    assert world.keeper is not None
    world.keeper.watch(world.venue)
    try:
        for seed in range(turns):
            crash.check_damage(world.keeper, np.random.default_rng(seed))
    except Caught as found:
        return found.fault.name
    return ""


def test_run_damage_an_honest_journal_notices_every_bit() -> None:
    assert damage(60) == ""


def test_the_power_may_go_at_any_byte_of_a_write() -> None:
    for reach in range(8):
        disk = crash.FailingDisk()
        disk.create("file", 8)
        disk.left = reach
        with pytest.raises(crash.PowerCut):
            disk.write("file", 0, b"12345678")
        assert disk.crashed(lambda _: True).read("file") == b"12345678"[:reach] + bytes(8 - reach)


def test_views_are_of_the_venue_itself() -> None:
    world = journalled()
    views = world.venue.columns
    views["cell"][state.NOW] += 1
    assert world.venue.columns["cell"][state.NOW] == views["cell"][state.NOW]
