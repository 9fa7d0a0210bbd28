"""Worlds one after another: a safety phase with everything on, a liveness phase without faults, then the log again.

Everything follows from a seed. A failure names its property, its English line and the command that shows it again.
"""

import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from seawall.ledger.state import SMALL, Capacity
from seawall.simulation import crash, machine, shrink
from seawall.simulation.liveness import check_liveness
from seawall.simulation.options import draw
from seawall.simulation.properties import LINES, Caught, Fault
from seawall.simulation.report import Entry, Failure, Report, append, read
from seawall.simulation.trials import Trials
from seawall.simulation.world import World

WORLD_COMMANDS: Final = 60_000  # of one world, unless told otherwise
MACHINE_EVERY: Final = 24  # batches between two checks of the same kind of the machine
FAILURE: Final = 0.08  # chance a batch that a machine with a journal fails
TRIAL_EVERY: Final = 2  # batches
TRIAL_SHARE: Final = 0.0095  # trials per command of traffic

Tell = Callable[[str], None]


def simulate(
    seed: int,
    commands: int,
    *,
    first: int = 0,
    world_commands: int = WORLD_COMMANDS,
    capacity: Capacity = SMALL,
    tell: Tell = lambda _: None,
    is_shrinking: bool = True,
    is_one: bool = False,
    workers: int = 1,
    log: Path | None = None,
) -> Report:
    """Worlds `first`, `first + 1`, ... of a seed until `commands` have been applied or a property does not hold.

    With `is_one` only the first of them. With `workers` in as many processes. With a `log` the worlds in it count as
    done, and those that end are added: a run goes on where it was ended. ValueError when it is of another run.
    """
    report, start, size = Report(seed=seed), time.monotonic(), min(world_commands, commands)
    done = {} if log is None else read(log, seed=seed, size=size)
    for one in done.values():
        report.add(one)
        report.seconds = max(report.seconds, one.seconds)
    earlier = report.seconds
    most = 1 if is_one else -(-commands // size)
    tasks = [
        Task(seed, number, size, capacity, is_shrinking) for number in range(first, first + most) if number not in done
    ]
    for number, one in _worlds(tasks, workers):
        if report.commands >= commands or report.failure is not None:
            break
        report.add(one)
        report.seconds = one.seconds = earlier + time.monotonic() - start
        if log is not None and one.failure is None:
            append(log, Entry(number, size, one))
        rate = report.commands / max(report.cpu_seconds, 1e-9)
        share = 100 * report.judged / max(report.commands, 1)
        tell(f"world {number}: {report.commands:,} commands, {share:.2f} % judged, {rate:,.0f} a second of CPU")
    return report


class Task(NamedTuple):
    """One world to run."""

    seed: int
    number: int
    size: int
    capacity: Capacity
    is_shrinking: bool


def _worlds(tasks: list[Task], workers: int) -> Iterator[tuple[int, Report]]:
    """Runs worlds, here or in processes; gives each with its number as it ends, in order."""
    numbers = [task.number for task in tasks]
    if workers == 1:
        yield from zip(numbers, map(_world, tasks), strict=True)
        return
    with get_context("spawn").Pool(workers) as pool:
        yield from zip(numbers, pool.imap(_world, tasks), strict=True)


def _world(task: Task) -> Report:
    """One world, in whatever process this is."""
    start = time.process_time()
    failure, world = run_world(*task)
    report = Report(seed=task.seed) if world is None else Report.of(world)
    report.failure, report.cpu_seconds = failure, time.process_time() - start
    return report


def run_world(
    seed: int, number: int, commands: int, capacity: Capacity = SMALL, is_shrinking: bool = True
) -> tuple[Failure | None, World | None]:
    """One world to its end, or to the first property that does not hold."""
    world = None
    try:
        world = World(draw(seed, number), capacity)
        _safety(world, commands)
        check_liveness(world)
        machine.check_replay(world.venue, world.log, world.snapshot)
    except Caught as caught:
        return _failure(caught.fault, seed, number, commands, world, capacity, is_shrinking), world
    except Exception as error:  # of the simulator itself: told with where it was
        error.add_note(f"seawall sim --seed {seed} --world {number} --commands {commands}")
        raise
    return None, world


def _safety(world: World, commands: int) -> None:
    """Batches with everything that goes wrong, and trials of single commands between them."""
    trials, untried = Trials(world), 0
    while world.commands < commands:
        turn = world.batches % MACHINE_EVERY
        copy = world.venue.copy() if turn in (7, 15) else None
        rows = world.batch()
        done = world.apply(rows)
        if turn == 7 and copy is not None:
            machine.check_rejects(copy, world.venue, rows, done)
        elif turn == 15 and copy is not None:
            machine.check_split(copy, world.venue, rows, done, int(world.rng.choice(machine.PIECES)))
        elif turn == 23:
            machine.check_duplicates(world.venue, rows, done)
        untried += len(rows)
        if turn % TRIAL_EVERY == 0 or world.commands >= commands:
            trials.some(max(int(untried * TRIAL_SHARE), 1))
            untried = 0
        if world.keeper is not None and world.rng.random() < FAILURE:
            crash.fail(world)
        if world.snapshot is None and world.commands > commands // 2:
            world.snapshot = (len(world.log), world.venue.copy())


def _failure(
    fault: Fault, seed: int, number: int, commands: int, world: World | None, capacity: Capacity, is_shrinking: bool
) -> Failure:
    rows = None
    is_of_log = fault.name.startswith(("INV_", "EVENT_"))
    if is_shrinking and is_of_log and world is not None:
        rows = shrink.shrink(world.log, capacity, fault.name)
    return Failure(
        property=fault.name,
        line=LINES.get(fault.name, ""),
        facts=fault.facts,
        seed=seed,
        world=number,
        batch=0 if world is None else world.batches,
        command=f"seawall sim --seed {seed} --world {number} --commands {commands}",
        log=[] if rows is None else shrink.shown(rows),
    )


def failure_of(check: Callable[[], None], seed: int, number: int) -> Failure | None:
    """What a check of one world finds; None when it holds."""
    try:
        check()
    except Caught as caught:
        return _failure(caught.fault, seed, number, 0, None, SMALL, is_shrinking=False)
    return None


def sampled_log(seed: int, number: int, commands: int, capacity: Capacity = SMALL) -> list[Any]:
    """The log of a world without trials, for replays elsewhere."""
    world = World(draw(seed, number), capacity)
    while world.commands < commands:
        world.apply(world.batch())
    return world.log


def check_uncompiled(seed: int, number: int, commands: int, capacity: Capacity = SMALL) -> None:
    """RUN_INTERPRETED on a world of `commands`."""
    machine.check_interpreted(sampled_log(seed, number, commands, capacity), capacity)


def fresh_seed() -> int:
    """A seed nobody has chosen, below 2^32."""
    return int(np.random.SeedSequence().entropy % 2**32)  # type: ignore[operator]
