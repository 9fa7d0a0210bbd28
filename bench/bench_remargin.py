"""Margin of a million accounts at new marks, against numpy, plain Python and the memory they live in.

The floor is the time to read once 10 B a position (market, size) and 29 B an account (offset, cash, equity,
maintenance, flag) at the read bandwidth measured beside the kernel with as many threads.
"""

import os
import time

import numpy as np

import harness
from population import Ints, population
from seawall.margin.blocks import arrange
from seawall.margin.bulk import margins_for, remargin
from seawall.margin.columns import Book
from seawall.units import RATE_ONE

ACCOUNTS = 1_000_000
PYTHON_ACCOUNTS = 20_000
ROUNDS, PEER_ROUNDS = 15, 5
SPLIT_BITS, SPLIT_MASK = 20, 2**20 - 1


def numpy_remargin(book: Book, marks: Ints) -> tuple[Ints, Ints]:
    """The same integers by gathers and segmented sums, products split at 2^20 to stay exact."""
    table, row = book.table, book.market
    value = book.size * marks[row]
    notional = np.abs(value)
    cell = row * np.int64(table.lower.shape[1])
    for k in range(1, table.lower.shape[1]):
        cell += notional >= table.lower[:, k][row]
    rate = table.rate.ravel()[cell]
    high = (notional >> SPLIT_BITS) * rate - table.deduction_high.ravel()[cell]
    low = (notional & SPLIT_MASK) * rate - table.deduction_low.ravel()[cell]
    equity, high, low = (np.add.reduceat(column, book.offsets[:-1]) for column in (value, high, low))
    whole, rest = np.divmod(high, RATE_ONE)
    return book.cash + equity, (whole << SPLIT_BITS) - (-((rest << SPLIT_BITS) + low) // RATE_ONE)


def python_remargin(
    accounts: list[tuple[int, list[tuple[int, int]]]], marks: list[int], tiers: list[list[tuple[int, int, int]]]
) -> list[tuple[int, int]]:
    """The same integers in plain Python."""
    result = []
    for cash, positions in accounts:
        equity, numerator = cash, 0
        for market, size in positions:
            value = size * marks[market]
            notional = abs(value)
            for lower, rate, deduction in tiers[market]:  # highest first
                if notional >= lower:
                    numerator += notional * rate - deduction
                    break
            equity += value
        result.append((equity, -(-numerator // RATE_ONE)))
    return result


def python_accounts(book: Book, count: int) -> list[tuple[int, list[tuple[int, int]]]]:
    rows = list(zip(book.market.tolist(), book.size.tolist(), strict=True))
    offsets, cash = book.offsets.tolist(), book.cash.tolist()
    return [(cash[at], rows[offsets[at] : offsets[at + 1]]) for at in range(count)]


def main() -> None:
    markets, marks, plain = population(ACCOUNTS)
    arranged, out = arrange(plain, marks), margins_for(ACCOUNTS)
    sample = python_accounts(plain, PYTHON_ACCOUNTS)
    tiers = [[(t.lower, t.maintenance, t.deduction) for t in reversed(m.tiers)] for m in markets]
    prices, limits = marks.tolist(), harness.Limits()
    remargin(arranged, marks, out=out)
    equity, maintenance = numpy_remargin(plain, marks)
    assert np.array_equal(out.equity, equity), "numpy disagrees"
    assert np.array_equal(out.maintenance, maintenance), "numpy disagrees"
    slow = python_remargin(sample, prices, tiers)
    assert slow == list(zip(equity[: len(slow)].tolist(), maintenance[: len(slow)].tolist(), strict=True))
    threads = min(2, os.cpu_count() or 1)
    one, two, read_one, read_two = harness.best_of(
        ROUNDS,
        lambda: remargin(arranged, marks, out=out),
        lambda: remargin(arranged, marks, out=out, threads=threads),
        limits.read(1),
        limits.read(threads),
    )
    kernel, csr, array, python = harness.best_of(
        PEER_ROUNDS,
        lambda: remargin(arranged, marks, out=out),
        lambda: remargin(plain, marks, out=out),
        lambda: numpy_remargin(plain, marks),
        lambda: python_remargin(sample, prices, tiers),
        clock=time.process_time,
    )
    held = sum(len(positions) for _, positions in sample)
    positions = len(plain.size)
    print(f"{positions} positions, {out.liquidatable.mean():.1%} of accounts under water, {len(markets)} markets")
    print(f"best {one * 1e3:.2f} ms on one thread, {two * 1e3:.2f} ms on {threads}; plain columns {csr * 1e3:.1f} ms")
    floor = 10 * positions + 29 * ACCOUNTS
    harness.write(
        "remargin",
        [
            harness.Figure("faster than numpy, times", array / kernel, 6, "higher"),
            harness.Figure("faster than plain Python, times", python / held / (kernel / positions), 70, "higher"),
            harness.Figure(
                "share of the read-bandwidth floor, 1 thread", floor / harness.bandwidth(read_one) / one, 0.12, "higher"
            ),
            harness.Figure(
                f"share of the read-bandwidth floor, {threads} threads",
                floor / harness.bandwidth(read_two) / two,
                0.12,
                "higher",
            ),
            harness.Figure("million accounts a second, 1 thread", ACCOUNTS / one / 1e6, None, "higher"),
            harness.Figure("ns a position, 1 thread", one / positions * 1e9, None, "lower"),
        ],
    )


if __name__ == "__main__":
    main()
