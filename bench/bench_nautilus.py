"""Commands a second of the whole engine against nautilus_trader's backtest engine, on the same kind of flow.

Both take 50 % resting orders, 40 % cancels of a random open one and 10 % crossing orders in 50 perpetual markets whose
prices move, with margin, fees and positions; one thread, CPU time, in turns. nautilus_trader runs it as its users do,
a strategy with one account and 900 to 1,800 open orders; ours has 100,000 accounts. It does more for an order (events
to a strategy, a cache, a portfolio), so this compares what a back-test of orders costs, not like with like. Its newest
release needs Python 3.12: where there is none, this bench says so and is skipped.
"""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import harness
import peers
from engine_flow import Flow, open_venue, record
from seawall.engine.venue import Venue
from seawall.ledger import state

VERSION, PYTHON = "1.231.0", (3, 12)
WORKER = Path(__file__).resolve().parent / "nautilus_worker.py"
ACCOUNTS, MARKETS, SEED = 100_000, 50, 7
WARM_BATCHES, TIMED_BATCHES, TURNS = 20, 30, 2
THEIR_ROUNDS = 1  # a turn


def main() -> None:
    try:
        python = peers.environment("nautilus", [f"nautilus_trader=={VERSION}"], python_min=PYTHON)
    except peers.NoPeerError as why:
        harness.skip("nautilus", str(why))
        return
    venue = open_venue(state.VENUE, ACCOUNTS, MARKETS)
    record(venue, ACCOUNTS, MARKETS, WARM_BATCHES, SEED)
    warm = venue.copy()
    flow = record(venue, ACCOUNTS, MARKETS, TIMED_BATCHES, SEED + 1)
    ours, theirs, told = 0.0, 0.0, dict[str, Any]()
    for _ in range(TURNS):
        ours = max(ours, rate(warm.copy(), flow))
        told = nautilus(python)
        theirs = max(theirs, told["commands_per_second"])
    assert told["rejected"] == 0, "nautilus_trader turned orders down"
    assert told["cancels"] > told["sent"] / 3, "too few cancels reached nautilus_trader"
    print("nautilus_trader", {name: value for name, value in told.items() if name != "commands_per_second"})
    harness.write(
        "nautilus",
        [
            harness.Figure("commands a second over nautilus_trader's, times", ours / theirs, 100, "higher"),
            harness.Figure("commands a second", ours, None, "higher"),
            harness.Figure(f"nautilus_trader {VERSION}, commands a second", theirs, None, "higher"),
        ],
    )


def rate(venue: Venue, flow: Flow) -> float:
    """Commands a second of the recorded flow."""
    start = time.process_time()
    for rows in flow.batches:
        venue.apply(rows)
    return flow.commands / (time.process_time() - start)


def nautilus(python: Path) -> dict[str, Any]:
    """What the worker tells of its best round."""
    done = subprocess.run([str(python), str(WORKER), str(THEIR_ROUNDS)], check=True, capture_output=True, text=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


if __name__ == "__main__":
    main()
