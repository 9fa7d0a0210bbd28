"""A hundred thousand accounts under a thousand price vectors, against numpy and the rate of 64-bit multiplications.

The limit is three multiplications a position and scenario (value, and the two halves of an exact product with a rate)
at the rate measured beside the kernel in the first-level cache.
"""

import os
import time

import numpy as np

import harness
from bench_remargin import numpy_remargin
from population import population
from seawall.margin.sweep import Sweep, sweep

ACCOUNTS, SCENARIOS = 100_000, 1_000
NUMPY_SCENARIOS = 10
COMMON, OWN = 0.15, 0.05  # standard deviations of the common factor and of each market
ROUNDS = 7


def main() -> None:
    markets, marks, book = population(ACCOUNTS)
    dice = np.random.default_rng(1)
    moves = dice.normal(0, COMMON, SCENARIOS) + dice.normal(0, OWN, (len(markets), SCENARIOS))
    prices = np.clip(marks[:, None] * np.exp(moves), 1, 64 * marks[:, None]).astype(np.int64)
    threads, limits, kept = min(2, os.cpu_count() or 1), harness.Limits(), []

    def by_numpy() -> None:
        kept.clear()
        for scenario in range(NUMPY_SCENARIOS):
            equity, maintenance = numpy_remargin(book, prices[:, scenario])
            kept.append((int((equity < maintenance).sum()), int(np.maximum(0, -equity).sum())))

    result: Sweep = sweep(book, prices)
    by_numpy()
    assert kept == list(zip(result.under_water[:10].tolist(), result.shortfall[:10], strict=True)), "numpy disagrees"
    one, two, limit_one, limit_two = harness.best_of(
        ROUNDS,
        lambda: sweep(book, prices),
        lambda: sweep(book, prices, threads=threads),
        limits.multiply(1),
        limits.multiply(threads),
    )
    kernel, array = harness.best_of(3, lambda: sweep(book, prices), by_numpy, clock=time.process_time)
    work = len(book.size) * SCENARIOS
    print(f"{len(book.size)} positions; best {one:.3f} s on one thread, {two:.3f} s on {threads}")
    harness.write(
        "sweep",
        [
            harness.Figure("faster than numpy, times", array * SCENARIOS / NUMPY_SCENARIOS / kernel, 50, "higher"),
            harness.Figure(
                "share of the multiply limit, 1 thread",
                3 * work / harness.multiply_rate(limit_one, 1) / one,
                0.30,
                "higher",
            ),
            harness.Figure(
                f"share of the multiply limit, {threads} threads",
                3 * work / harness.multiply_rate(limit_two, threads) / two,
                0.30,
                "higher",
            ),
            harness.Figure(
                "million account-scenarios a second, 1 thread", ACCOUNTS * SCENARIOS / one / 1e6, None, "higher"
            ),
        ],
    )


if __name__ == "__main__":
    main()
