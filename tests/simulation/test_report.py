"""A long run: its log, going on from it, and the same worlds in processes."""

from pathlib import Path

import pytest

from seawall.simulation.report import Report, read
from seawall.simulation.run import simulate

SIZE = 2_000


def counted(report: Report) -> tuple[object, ...]:
    return report.worlds, report.commands, report.accepted, report.judged, report.kinds, report.codes, report.events


def test_an_ended_run_goes_on_from_its_log(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    whole = simulate(3, 3 * SIZE, world_commands=SIZE)
    simulate(3, SIZE, world_commands=SIZE, log=log)
    assert len(read(log, seed=3, size=SIZE)) == 1
    on = simulate(3, 3 * SIZE, world_commands=SIZE, log=log)
    assert counted(on) == counted(whole)
    again = simulate(3, 3 * SIZE, world_commands=SIZE, log=log)
    assert counted(again) == counted(whole)
    assert len(log.read_text().splitlines()) == whole.worlds


def test_a_log_of_another_run_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    simulate(3, SIZE, world_commands=SIZE, log=log)
    with pytest.raises(ValueError, match="of seed 3"):
        simulate(4, SIZE, world_commands=SIZE, log=log)


def test_worlds_in_processes_are_the_same_worlds() -> None:
    one = simulate(3, 2 * SIZE, world_commands=SIZE)
    two = simulate(3, 2 * SIZE, world_commands=SIZE, workers=2)
    assert counted(two) == counted(one)
    assert one.failure is None
    assert one.judged > 0
