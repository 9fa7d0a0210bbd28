"""Switch guards off, one at a time, in a copy of the source, and see a test die: `make mutants`.

A mutant that survives means that no test can fail for that rule. The lists (tests/mutants_*.py) are by hand: one line
of SPEC each. Each mutant is first shown to the test it died of last time (tests/data/mutant_killers.json, written with
--learn), and to all its suites only when that test passes: so a change of tests or code costs time, never a verdict.
What is printed is the property that the killing test guards, by its name and line in docs/INVARIANTS.md.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import mutants_accounts
import mutants_book
import mutants_collateral
import mutants_core
import mutants_edges
import mutants_liquidation
import mutants_orders
import mutants_stops
from mutant_bench import ROOT, Fate, Job, Mutant, Tests, copied, run_all, warm
from mutant_properties import guarded_by, guards, lines

WORKERS = 2
KILLERS = ROOT / "tests" / "data" / "mutant_killers.json"
LISTS = (
    mutants_orders,
    mutants_accounts,
    mutants_liquidation,
    mutants_stops,
    mutants_book,
    mutants_edges,
    mutants_collateral,
    mutants_core,
)
MUTANTS: tuple[Mutant, ...] = tuple(mutant for each in LISTS for mutant in each.MUTANTS)
SUITE_LIMIT_S = 30.0  # the slowest test of the suites takes a third of it


def killers() -> dict[str, str]:
    """The test that each mutant died of when last learnt, by the mutant's key."""
    return json.loads(KILLERS.read_text()) if KILLERS.exists() else {}


def limit_of(duration: float) -> float:
    """The processor time after which a test that takes `duration` is said to have no end."""
    return 3.0 + 10.0 * duration


class Run:
    """One run over some mutants: what is known before, and what has been seen."""

    def __init__(self, chosen: list[Mutant], learns: bool) -> None:
        self.chosen, self.learns = chosen, learns
        self.known = killers()
        self.guards, self.lines = guards(), lines()
        self.fates: dict[str, Fate] = {}
        self.durations: dict[str, float] = {}
        self.unsound = ""

    def fit(self, folders: list[Path]) -> None:
        """Imports what is needed, and forgets killers that are no tests any more."""
        suites = {word for mutant in self.chosen for word in mutant.tests.split() if not word.startswith("--")}
        found = warm(folders[0], sorted(suites | {test.partition("::")[0] for test in self.known.values()}))
        self.known = {key: test for key, test in self.known.items() if test in found}

    def check_sound(self, folders: list[Path]) -> bool:
        """Whether all killers pass as long as nothing is sabotaged; how long each takes."""
        first = sorted({self.known[mutant.key] for mutant in self.chosen if mutant.key in self.known})
        parts = [tuple(first[i :: len(folders)]) for i in range(len(folders))]
        jobs = [Job(f"part {i}", (Tests(part, SUITE_LIMIT_S),)) for i, part in enumerate(parts) if part]
        run_all(jobs, folders, self._note_sound)
        return self.unsound == ""

    def _note_sound(self, fate: Fate) -> None:
        self.unsound = self.unsound or (f"{fate.test} ({fate.how})" if fate.test else "")
        self.durations |= fate.durations

    def job_of(self, mutant: Mutant) -> Job:
        """The known killer, then the suites."""
        sets = [Tests(tuple(mutant.tests.split()), SUITE_LIMIT_S)]
        if test := self.known.get(mutant.key):
            sets.insert(0, Tests((test,), limit_of(self.durations[test])))
        return Job(mutant.key, tuple(sets), mutant)

    def note(self, fate: Fate) -> None:
        """Tells a fate, and keeps what was learnt."""
        self.fates[fate.name] = fate
        name, line = self.property_of(fate)
        told = f"died of {fate.test} ({fate.how}) -> {name}: {line}" if fate.test else "SURVIVED"
        place = f"[{len(self.fates)}/{len(self.chosen)} {fate.seconds:.1f} s]"
        print(f"{place} {fate.name} -> {told}", file=sys.stderr, flush=True)
        if self.learns and "::" in fate.test:
            learnt = killers() | {fate.name: fate.test}
            KILLERS.write_text(json.dumps(dict(sorted(learnt.items())), indent=0) + "\n")

    def property_of(self, fate: Fate) -> tuple[str, str]:
        """Name and line of what the killing test guards; empty where that is written nowhere."""
        name = self.guards.get(guarded_by(fate.test), "")
        return name, self.lines.get(name, "")

    def row_of(self, mutant: Mutant) -> dict[str, object]:
        """A mutant's fate in JSON."""
        fate = self.fates[mutant.key]
        name, line = self.property_of(fate)
        row = {"rule": mutant.rule, "file": mutant.file, "test": fate.test, "how": fate.how, "property": name}
        return row | {"line": line, "seconds": round(fate.seconds, 2)}


def main() -> int:
    """Run the mutants whose rule or file contains the words given; exit 1 when one survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="?", default="", help="only rules or files that contain these words")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--learn", action="store_true", help="keep which test each died of")
    arguments = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if arguments.words in mutant.rule or arguments.words in mutant.file]
    start, run = time.monotonic(), Run(chosen, arguments.learn)
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folders = [copied(Path(name) / str(worker)) for worker in range(WORKERS)]
        run.fit(folders)
        if not run.check_sound(folders):
            print(f"{run.unsound} fails as it is, so that no mutant can be judged", file=sys.stderr)
            return 2
        run_all([run.job_of(mutant) for mutant in chosen], folders, run.note)
    alive = [mutant.rule for mutant in chosen if not run.fates[mutant.key].test]
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    wall, cpu = time.monotonic() - start, sum(each.ru_utime + each.ru_stime for each in used)
    died = len(chosen) - len(alive)
    print(f"{died} of {len(chosen)} died, {wall:.0f} s, {cpu:.0f} s of {os.cpu_count()} processors", file=sys.stderr)
    if arguments.json:
        rows = [run.row_of(mutant) for mutant in chosen]
        figures = {"mutants": len(chosen), "survived": alive, "wall_s": round(wall, 1), "cpu_s": round(cpu, 1)}
        print(json.dumps(figures | {"fates": rows}))
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
