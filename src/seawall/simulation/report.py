"""What worlds did, added up, and the log of a long run: a line of JSON a world, by which the run goes on later."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from seawall.simulation.world import World
from seawall.terms import command, event


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
    """What a run, or one world of it, did."""

    seed: int
    worlds: int = 0
    commands: int = 0
    accepted: int = 0
    judged: int = 0
    crashes: int = 0  # of worlds with a journal
    seconds: float = 0.0  # by the clock; in a log: until this world was over
    cpu_seconds: float = 0.0  # of all processes
    kinds: dict[str, list[int]] = field(default_factory=dict)  # accepted, rejected
    trials: dict[str, list[int]] = field(default_factory=dict)  # judged by the model, likewise
    codes: dict[str, int] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    failure: Failure | None = None

    @classmethod
    def of(cls, world: World) -> "Report":
        """What one world did."""
        return cls(
            seed=world.options.seed,
            worlds=1,
            commands=world.commands,
            accepted=world.accepted,
            judged=world.judged,
            crashes=world.crashes,
            kinds=_pairs(world.kinds),
            trials=_pairs(world.trials),
            codes={str(number): int(world.codes[number]) for number in np.flatnonzero(world.codes)},
            events={EVENTS.get(number, str(number)): int(world.events[number]) for number in _used(world.events)},
        )

    def add(self, other: "Report") -> None:
        """Adds what another did, but for the time that went by."""
        for name in ("worlds", "commands", "accepted", "judged", "crashes", "cpu_seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("kinds", "trials"):
            have = getattr(self, name)
            for kind, (accepted, rejected) in getattr(other, name).items():
                before = have.get(kind, [0, 0])
                have[kind] = [before[0] + accepted, before[1] + rejected]
        for name in ("codes", "events"):
            have = getattr(self, name)
            for key, many in getattr(other, name).items():
                have[key] = have.get(key, 0) + many
        self.failure = self.failure or other.failure


class Entry(msgspec.Struct, frozen=True):
    """A line of the log: a world that is over."""

    world: int
    size: int  # commands it was asked for
    report: Report


def append(log: Path, entry: Entry) -> None:
    """Adds a line."""
    with log.open("ab") as file:
        file.write(msgspec.json.encode(entry) + b"\n")


def read(log: Path, *, seed: int, size: int) -> dict[int, Report]:
    """The worlds of a log, by number. ValueError when it is of another seed or other worlds."""
    found: dict[int, Report] = {}
    for line in log.read_bytes().splitlines() if log.exists() else []:
        entry = msgspec.json.decode(line, type=Entry)
        if entry.report.seed != seed or entry.size != size:
            raise ValueError(f"{log} is of seed {entry.report.seed} and worlds of {entry.size} commands")
        found[entry.world] = entry.report
    return found


def _names(module: Any, numbers: Any) -> dict[int, str]:
    """Names of a module's constants by their numbers; the first one wins."""
    found: dict[int, str] = {}
    for name, value in vars(module).items():
        if name.isupper() and isinstance(value, int) and value in numbers and value not in found:
            found[value] = name.lower()
    return found


def _used(counts: Any) -> list[int]:
    found: list[int] = np.flatnonzero(counts).tolist()
    return found


def _pairs(counts: Any) -> dict[str, list[int]]:
    """Accepted and rejected by name, of the kinds that occurred."""
    table = {name: counts[number].tolist()[::-1] for number, name in KINDS.items()}
    return {name: pair for name, pair in table.items() if any(pair)}


KINDS: Final = _names(command, command.FIELDS)
EVENTS: Final = _names(event, range(1, 64))
