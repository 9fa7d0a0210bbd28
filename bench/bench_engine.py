"""The full engine on a mixed flow, one thread, against the same code uncompiled; and its worst batch in a crash.

50 % resting orders, 40 % cancels, 10 % crossing; 100,000 funded accounts, 50 markets, margin checks, fees, funding,
triggers, prices and liquidation steps on. Memory of an idle account is counted from the record. The uncompiled run
takes the same rows from the same state in its own process (SEAWALL_INTERPRET=1).
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import harness
from engine_flow import Maker, crowd, open_venue, record
from seawall.engine.venue import Venue
from seawall.ledger import state
from seawall.terms import event

ACCOUNTS, MARKETS, SEED = 100_000, 50, 7
WARM_BATCHES, TIMED_BATCHES, ROUNDS = 200, 120, 3
INTERPRETED_BATCHES = 6
CRASH, CRASH_BATCHES = 0.95, 400


def main() -> None:
    venue = open_venue(state.VENUE, ACCOUNTS, MARKETS)
    record(venue, ACCOUNTS, MARKETS, WARM_BATCHES, SEED)
    warm = venue.copy()
    flow = record(venue, ACCOUNTS, MARKETS, TIMED_BATCHES, SEED + 1)
    best = float("inf")
    for _ in range(ROUNDS):
        timed = warm.copy()
        spent = 0.0
        for rows in flow.batches:
            start = time.process_time()
            timed.apply(rows)
            spent += time.process_time() - start
        best = min(best, spent)
        assert timed.state_hash() == venue.state_hash(), "the same rows gave another state"
    rate = flow.commands / best
    slowest, ended, drained = crash_batches()
    interpreted = interpreted_rate(warm, flow.batches[:INTERPRETED_BATCHES])
    harness.write(
        "engine",
        [
            harness.Figure("commands a second", rate, 1e6, "higher"),
            harness.Figure("compiled / uncompiled", rate / interpreted, 20, "higher"),
            harness.Figure("worst batch of 4,096 in a 5 % crash of every market, ms", slowest * 1e3, 20, "lower"),
            harness.Figure("liquidations ended in it", ended, 10_000, "higher"),
            harness.Figure("batches until none waited", drained or float("inf"), CRASH_BATCHES, "lower"),
            harness.Figure("bytes an idle account", idle_bytes(state.VENUE), 200, "lower"),
            harness.Figure("accepted share", flow.accepted, None, "higher"),
            harness.Figure("record, MB", state.size_of(state.VENUE) / 1e6, None, "lower"),
            harness.Figure("open positions", float(np.count_nonzero(venue.columns["slot_size"])), None, "higher"),
        ],
    )


def crash_batches() -> tuple[float, int, int]:
    """(slowest batch in s, liquidations ended, batches until first none waited) when every price falls 5 %.

    The flow goes on. A crowd of its own: one position an account, 5 to 20 times its equity, half of them long.
    """
    venue = open_venue(state.VENUE, ACCOUNTS, MARKETS, 500)
    crowd(venue, ACCOUNTS, MARKETS, SEED)
    maker = Maker(venue, ACCOUNTS, MARKETS, SEED + 2)
    for _ in range(5):
        maker.apply(maker.batch())
    maker.price = (maker.price * CRASH).astype(np.int64) // 10_000 * 10_000
    worst, ended, drained = 0.0, 0, 0
    for turn in range(CRASH_BATCHES):
        rows = maker.batch()
        start = time.process_time()
        done = venue.apply(rows)
        worst = max(worst, time.process_time() - start)
        maker.note(rows, done)
        ended += int((done.events[:, 1] == event.LIQUIDATION_END).sum())
        if drained == 0 and ended > 1_000 and venue.columns["cell"][state.QUEUED] == 0:
            drained = turn + 1
    return worst, ended, drained


def interpreted_rate(warm: Venue, batches: list[np.ndarray]) -> float:
    """Commands a second of the same rows uncompiled, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "state.npy", np.frombuffer(state.durable_bytes(warm.array, warm.capacity), np.uint8))
        np.save(Path(folder) / "rows.npy", np.concatenate(batches))
        answer = subprocess.run(
            [sys.executable, __file__, folder],
            env={**os.environ, "SEAWALL_INTERPRET": "1"},
            check=True,
            capture_output=True,
            text=True,
        )
    return float(answer.stdout)


def run_interpreted(folder: Path) -> None:
    venue = Venue(state.VENUE)
    venue.restore(np.load(folder / "state.npy").tobytes(), bytes(32))
    rows = np.load(folder / "rows.npy")
    start = time.process_time()
    venue.apply(rows)
    print(len(rows) / (time.process_time() - start))


def idle_bytes(capacity: state.Capacity) -> float:
    """Bytes of the record that grow with every account and its cross bucket, hash places included."""
    rows = (capacity.accounts, capacity.buckets)
    record = state.record_type(capacity)
    total = 0.0
    for name in record.names or ():
        kind = record[name]
        if name == "nonce_floor":
            total += 8
        elif name == "address_place":
            total += kind.itemsize / (capacity.accounts + capacity.agents)
        elif kind.shape and kind.shape[0] in rows:
            total += kind.itemsize / kind.shape[0]
    return total


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run_interpreted(Path(sys.argv[1]))
    else:
        main()
