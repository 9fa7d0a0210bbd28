"""Worlds one after another: a safety phase with everything on, a liveness phase without faults, then the log again.

Everything follows from a seed. A failure names its property, its English line and the command that shows it again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from seawall.ledger.state import SMALL, Capacity
from seawall.simulation import crash, machine, shrink
from seawall.simulation.liveness import check_liveness
from seawall.simulation.options import draw
from seawall.simulation.properties import LINES, Caught, Fault
from seawall.simulation.trials import Trials
from seawall.simulation.world import World
from seawall.terms import code, command, event

WORLD_COMMANDS: Final = 60_000  # of one world, unless told otherwise
MACHINE_EVERY: Final = 24  # batches between two checks of the same kind of the machine
FAILURE: Final = 0.08  # chance a batch that a machine with a journal fails
TRIAL_EVERY: Final = 2  # batches
TRIAL_SHARE: Final = 0.1  # trials per command of traffic

Tell = Callable[[str], None]


@dataclass(kw_only=True)
class Failure:
    """A property that did not hold, and where."""

    property: str
    line: str
    facts: str
    seed: int
    world: int
    batch: int
    command: str  # to see it again
    log: list[str] = field(default_factory=list)  # the shrunk rows, when there are any


@dataclass(kw_only=True)
class Report:
    """What a run did."""

    seed: int
    worlds: int = 0
    commands: int = 0
    accepted: int = 0
    judged: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    kinds: dict[str, list[int]] = field(default_factory=dict)  # accepted, rejected
    trials: dict[str, list[int]] = field(default_factory=dict)  # judged by the model, likewise
    codes: dict[str, int] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    failure: Failure | None = None

    def add(self, world: World) -> None:
        """Counts a world."""
        self.worlds += 1
        self.commands += world.commands
        self.accepted += world.accepted
        self.judged += world.judged
        for name, number in KINDS.items():
            rejected, accepted = world.kinds[number].tolist()
            if rejected or accepted:
                have = self.kinds.setdefault(name, [0, 0])
                have[0], have[1] = have[0] + accepted, have[1] + rejected
            rejected, accepted = world.trials[number].tolist()
            if rejected or accepted:
                have = self.trials.setdefault(name, [0, 0])
                have[0], have[1] = have[0] + accepted, have[1] + rejected
        for number in np.flatnonzero(world.codes).tolist():
            self.codes[str(number)] = self.codes.get(str(number), 0) + int(world.codes[number])
        for number in np.flatnonzero(world.events).tolist():
            name = EVENTS.get(number, str(number))
            self.events[name] = self.events.get(name, 0) + int(world.events[number])


def _names(module: Any, numbers: Any) -> dict[int, str]:
    """Names of a module's constants by their numbers; the first one wins."""
    found: dict[int, str] = {}
    for name, value in vars(module).items():
        if name.isupper() and isinstance(value, int) and value in numbers and value not in found:
            found[value] = name.lower()
    return found


KINDS: Final = {name: number for number, name in _names(command, command.FIELDS).items()}
EVENTS: Final = _names(event, range(1, 64))
CODES: Final = code.TEXT


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
) -> Report:
    """Worlds `first`, `first + 1`, ... of a seed until `commands` have been applied or a property does not hold.

    With `is_one` only the first of them.
    """
    report, start, number = Report(seed=seed), (time.monotonic(), time.process_time()), first
    while report.commands < commands and report.failure is None and not (is_one and report.worlds):
        report.failure, world = run_world(seed, number, min(world_commands, commands), capacity, is_shrinking)
        if world is not None:
            report.add(world)
        number += 1
        report.seconds, report.cpu_seconds = time.monotonic() - start[0], time.process_time() - start[1]
        rate = report.commands / max(report.seconds, 1e-9)
        tell(f"world {number - 1}: {report.commands:,} commands, {report.judged:,} judged, {rate:,.0f} a second")
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
        if turn % TRIAL_EVERY == 0:
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
