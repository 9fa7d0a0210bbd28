"""Switch guards of the core off, one at a time, in a copy of the source, and see a test die: `make mutants`.

A mutant that survives means that no test can fail for that rule. The list is by hand: one line of SPEC each.

Each is first shown to the test it died of last time (tests/data/mutant_killers.json, written with --learn), and to all
its suites only when that test passes: so a change of tests or code costs time, never a verdict.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
KILLERS = ROOT / "tests" / "data" / "mutant_killers.json"
HANGS_AFTER_S = 600  # the longest suites of a list take a third of it


class Mutant(NamedTuple):
    """Replace `old` (which must stand exactly once) by `new` in `file`; one of `tests` must then fail."""

    rule: str
    file: str
    old: str
    new: str
    tests: str


MARGIN = "tests/differential tests/property/test_margin_algebra.py tests/unit/test_terms.py tests/unit/test_units.py"
HEALTH = "src/seawall/margin/health.py"
NEED = "src/seawall/margin/requirement.py"
WORTH = "src/seawall/margin/collateral.py"
LIQUIDATION = "src/seawall/margin/liquidation_price.py"
SCENARIO = "src/seawall/margin/scenario.py"

MUTANTS = (
    Mutant(
        "maintenance rounds up",
        NEED,
        "UsdMicro(ceil_div(sum(numerators), RATE_ONE))",
        "UsdMicro(sum(numerators) // RATE_ONE)",
        MARGIN,
    ),
    Mutant("tiers deduct", NEED, "amount * tier.maintenance - tier.deduction", "amount * tier.maintenance", MARGIN),
    Mutant(
        "a tier starts at its lower bound",
        "src/seawall/terms/market.py",
        "if tier.lower > amount:",
        "if tier.lower >= amount:",
        MARGIN,
    ),
    Mutant(
        "liquidation end is above maintenance",
        NEED,
        "RATE_ONE + exit_buffer, Side.UP",
        "RATE_ONE + exit_buffer, Side.DOWN",
        MARGIN,
    ),
    Mutant(
        "initial by leverage rounds up",
        NEED,
        "by_leverage = ceil_div(amount,",
        "by_leverage = (lambda a, b: a // b)(amount,",
        MARGIN,
    ),
    Mutant(
        "the tier caps leverage",
        NEED,
        "return min(chosen, tier_of(market.tiers, amount).max_leverage)",
        "return chosen",
        MARGIN,
    ),
    Mutant(
        "open interest raises initial",
        NEED,
        "if open_interest >= upper:",
        "if open_interest > upper:\n        return Rate(base)\n    if open_interest == upper:",
        MARGIN,
    ),
    Mutant("orders reserve the worse side", NEED, "abs(position.size - position.asks)", "abs(position.size)", MARGIN),
    Mutant(
        "stable price counts for initial",
        WORTH,
        "worth = min(redeemable_price(asset), asset.stable)",
        "worth = redeemable_price(asset)",
        MARGIN,
    ),
    Mutant("redemption caps the price", WORTH, "Price(min(asset.oracle, asset.redemption))", "asset.oracle", MARGIN),
    Mutant(
        "supply scales the weight",
        WORTH,
        "asset.supply_total <= asset.supply_start",
        "asset.supply_total >= asset.supply_start",
        MARGIN,
    ),
    Mutant(
        "collateral rounds down",
        WORTH,
        "asset.weight_maintenance, Side.DOWN",
        "asset.weight_maintenance, Side.UP",
        MARGIN,
    ),
    Mutant("profit is capped for initial", HEALTH, "min(policy.profit_cap, weighted)", "weighted", MARGIN),
    Mutant(
        "initial is at least liquidation end", HEALTH, "max(initials, end) + reserved", "initials + reserved", MARGIN
    ),
    Mutant("withdrawals keep initial margin", HEALTH, "max(state.initial, floor)", "floor", MARGIN),
    Mutant("withdrawals keep the floor", HEALTH, "max(state.initial, floor)", "state.initial", MARGIN),
    Mutant("unpaid profit stays", HEALTH, "max(0, room - unpaid)", "max(0, room)", MARGIN),
    Mutant(
        "more maintenance is more risk",
        HEALTH,
        "if after.maintenance > before.maintenance:\n        return True",
        "if False:\n        return True",
        MARGIN,
    ),
    Mutant(
        "orders are risk",
        HEALTH,
        "if after.reserved > before.reserved and after.initial > before.initial:",
        "if False:",
        MARGIN,
    ),
    Mutant("an empty bucket pays nothing out", HEALTH, "return before.maintenance == 0  #", "return False  #", MARGIN),
    Mutant(
        "equity per maintenance may not fall",
        HEALTH,
        "after.equity * before.maintenance < before.equity * after.maintenance",
        "False",
        MARGIN,
    ),
    Mutant(
        "funding is floored",
        "src/seawall/units.py",
        "floor_div(-size * (index - entry_index), FUNDING_INDEX_PER_MICRO)",
        "-((size * (index - entry_index)) // FUNDING_INDEX_PER_MICRO)",
        MARGIN,
    ),
    Mutant(
        "the tier is that at the solution",
        LIQUIDATION,
        "high = root if end is None else min(end, root)",
        "high = root",
        MARGIN,
    ),
    Mutant("the closing fee counts", LIQUIDATION, "tier.maintenance + closing_fee", "tier.maintenance", MARGIN),
    Mutant(
        "linked collateral moves",
        LIQUIDATION,
        "return self.size + Fraction(moving, RATE_ONE * self.mark)",
        "return Fraction(self.size)",
        MARGIN,
    ),
    Mutant("gains pay at the credit only", SCENARIO, "gained * scenario.credit", "gained * RATE_ONE", MARGIN),
    Mutant("hedges pay the basis", SCENARIO, "hedged * risk.basis * RATE_ONE -", "-", MARGIN),
    Mutant(
        "prices stop at zero",
        SCENARIO,
        "move = max(-RATE_ONE * RATE_ONE, scenario.move * beta)",
        "move = scenario.move * beta",
        MARGIN,
    ),
    Mutant(
        "concentration is charged",
        SCENARIO,
        "max(0, gross - risk.concentration_start) * risk.concentration",
        "0",
        MARGIN,
    ),
)


def killer(mutant: Mutant, folder: Path, known: str) -> str:
    """The test that fails once the rule is off; empty when all pass. ValueError when the line is not there once.

    `known` is the test that is asked first; empty: none.
    """
    source = (ROOT / mutant.file).read_text()
    if source.count(mutant.old) != 1:
        raise ValueError(f"{mutant.rule}: the line stands {source.count(mutant.old)} times in {mutant.file}")
    target = folder / mutant.file
    target.write_text(source.replace(mutant.old, mutant.new))
    try:
        return failing([known] if known else [], folder) or failing(mutant.tests.split(), folder)
    finally:
        target.write_text(source)


def failing(tests: Sequence[str], folder: Path) -> str:
    """The first of the tests that fails in the copy; empty when all pass, or there is none."""
    if not tests:
        return ""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "-p", "no:cacheprovider", *tests]
    env = {**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=HANGS_AFTER_S
        )
    except subprocess.TimeoutExpired:
        return f"a loop without end ({HANGS_AFTER_S} s)"
    if done.returncode == 0:
        return ""
    named = re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    return str(named[0]) if named else f"pytest exit {done.returncode}"


def copied(folder: Path) -> Path:
    """A copy of what the tests need."""
    folder.mkdir()
    for part in ("src", "tests", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    return folder


def key_of(mutant: Mutant) -> str:
    """What a mutant is known by: its rule, and its change, for rules of different places may share a name."""
    return f"{mutant.rule} [{zlib.crc32((mutant.file + mutant.old + mutant.new).encode()):08x}]"


def _sound(chosen: list[Mutant], known: dict[str, str], folder: Path) -> str:
    """The first test that fails without any mutant: of those known to kill, and of the suites of all others."""
    first = {known[key_of(mutant)] for mutant in chosen if key_of(mutant) in known}
    suites = {suite for mutant in chosen if key_of(mutant) not in known for suite in mutant.tests.split()}
    return failing(sorted(suites), folder) or failing(sorted(first), folder)


def main() -> int:
    """Run the mutants whose rule contains the words given; exit 1 when one survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="?", default="", help="only rules that contain these words")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--learn", action="store_true", help="keep which test each died of")
    arguments = parser.parse_args()
    chosen = [m for m in MUTANTS if arguments.words in m.rule]
    known: dict[str, str] = json.loads(KILLERS.read_text()) if KILLERS.exists() else {}
    with tempfile.TemporaryDirectory() as name:
        folders: Queue[Path] = Queue()
        for worker in range(WORKERS):
            folders.put(copied(Path(name) / str(worker)))
        if not arguments.learn and (failed := _sound(chosen, known, folders.queue[0])):
            print(f"{failed} fails as it is, so that no mutant can be judged", file=sys.stderr)
            return 2

        def judge(mutant: Mutant) -> str:
            folder = folders.get()
            died_by = killer(mutant, folder, known.get(key_of(mutant), ""))
            folders.put(folder)
            fate = f"died of {died_by}" if died_by else "SURVIVED"
            print(f"{mutant.rule}: {fate}", file=sys.stderr, flush=True)
            if arguments.learn and "::" in died_by:
                known[key_of(mutant)] = died_by
                KILLERS.write_text(json.dumps(dict(sorted(known.items())), indent=0) + "\n")
            return died_by

        with ThreadPoolExecutor(WORKERS) as pool:
            killers = list(pool.map(judge, chosen))
    alive = [mutant.rule for mutant, died_by in zip(chosen, killers, strict=True) if not died_by]
    print(f"{len(chosen) - len(alive)} of {len(chosen)} died", file=sys.stderr)
    if arguments.json:
        print(json.dumps({"mutants": len(chosen), "survived": alive}))
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
