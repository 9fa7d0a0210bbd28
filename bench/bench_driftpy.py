"""Who is liquidatable: users a second of driftpy's `can_be_liquidated` against accounts a second of `remargin`.

driftpy is installed once into its own environment under .cache. It does more for a user (open orders, spot borrows,
oracle kinds, LP shares), so this compares what answering the question costs, not like with like.
"""

import json
import subprocess
import time
from pathlib import Path

import harness
import peers
from population import population
from seawall.margin.blocks import arrange
from seawall.margin.bulk import margins_for, remargin

VERSION = "0.8.89"
WORKER = Path(__file__).resolve().parent / "driftpy_worker.py"
ACCOUNTS, ROUNDS, TURNS = 1_000_000, 10, 3


def main() -> None:
    try:
        python = peers.environment("driftpy", [f"driftpy=={VERSION}"])
    except peers.NoPeerError as why:
        harness.skip("driftpy", str(why))
        return
    _, marks, plain = population(ACCOUNTS)
    book, out = arrange(plain, marks), margins_for(ACCOUNTS)
    remargin(book, marks, out=out)
    kernel, driftpy, told = float("inf"), 0.0, {}
    for _ in range(TURNS):
        (seconds,) = harness.best_of(ROUNDS, lambda: remargin(book, marks, out=out), clock=time.process_time)
        kernel = min(kernel, seconds)
        told = json.loads(
            subprocess.run([str(python), str(WORKER), str(ROUNDS)], check=True, capture_output=True).stdout
        )
        driftpy = max(driftpy, told["users_per_second"])
    assert 0 < told["liquidatable"] < told["users"], "the users are all alike"
    print(f"driftpy {driftpy:,.0f} users a second (4 positions); seawall {ACCOUNTS / kernel:,.0f} accounts (4.09)")
    harness.write(
        "driftpy",
        [
            harness.Figure(
                "accounts a second over driftpy's users a second, times", ACCOUNTS / kernel / driftpy, 1_000, "higher"
            ),
            harness.Figure("driftpy users a second", driftpy, None, "higher"),
        ],
    )


if __name__ == "__main__":
    main()
