"""The engine and the contracts side by side until a million operations are done: worlds of tests/differential.

One process. Each world is one seed; a world that differs is told with its seed and step, and the run goes on with the
next. Writes bench/results/chain_differential.json after every world.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests" / "differential"), str(HERE.parent / "tests" / "contracts")]

from chain_traffic import Traffic  # noqa: E402
from test_chain_equals_engine import POLICIES  # noqa: E402

STEPS: Final = 2_000  # of a world


def play(seed: int) -> tuple[Traffic, str]:
    """A world to its end; what differed, if anything."""
    world = Traffic(seed, **POLICIES[seed % len(POLICIES)])
    try:
        for _ in range(STEPS):
            world.step()
        world.compare()
    except AssertionError as error:
        return world, f"seed {seed}, step {world.steps}: {error}"
    return world, ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first world")
    asked = parser.parse_args()
    target = HERE / "results" / "chain_differential.json"
    target.parent.mkdir(exist_ok=True)
    done, seed, start = 0, asked.seed, time.process_time()
    codes: Counter[tuple[str, int]] = Counter()
    differences: list[str] = []
    while done < asked.operations:
        world, why = play(seed)
        done += world.operations
        codes.update(world.codes)
        if why:
            differences.append(why)
            print(why, flush=True)
        seed += 1
        answers = {f"{what} {code}": count for (what, code), count in sorted(codes.items())}
        found: dict[str, Any] = {
            "operations": done,
            "worlds": seed - asked.seed,
            "first_seed": asked.seed,
            "differences": differences,
            "seconds_cpu": round(time.process_time() - start),
            "answers": answers,
        }
        target.write_text(json.dumps(found, indent=1) + "\n")
    print(f"{done:,} operations in {seed - asked.seed} worlds, {len(differences)} differences")


if __name__ == "__main__":
    main()
