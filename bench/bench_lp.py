"""A million liquidity positions valued in one call, against the exact scalar rule in Python's integers.

The clock is that of the process, so that neighbours do not count. Both must agree to what the engine's 31-bit roots
keep, and never above the exact value.
"""

import time

import numpy as np

import harness
from seawall.margin.liquidity import lp_value
from seawall.margin.lp_value import range_values
from seawall.terms.bucket import LpHolding
from seawall.units import Price

POSITIONS, SCALAR = 1_000_000, 1_000
SCALE = 15  # roots of prices below 2^31 micro-USD a lot


def main() -> None:
    dice = np.random.default_rng(8)
    price = dice.integers(10**6, 2**31, POSITIONS)
    root = np.sqrt(price.astype(float)) * 2.0**SCALE
    low = (root * dice.uniform(0.5, 1.1, POSITIONS)).astype(np.int64)
    high = np.minimum(low + 1 + (root * dice.uniform(0.05, 0.5, POSITIONS)).astype(np.int64), 2**31 - 1)
    liquidity, scale = dice.integers(10**6, 2**36, POSITIONS), np.full(POSITIONS, SCALE)
    holdings = [
        LpHolding(market="M", liquidity=amount, lower=(a * a) >> (2 * SCALE), upper=(b * b) >> (2 * SCALE))
        for amount, a, b in zip(*(column[:SCALAR].tolist() for column in (liquidity, low, high)), strict=True)
    ]
    prices = [Price(one) for one in price[:SCALAR].tolist()]

    def scalar() -> list[int]:
        return [int(lp_value(holding, one)) for holding, one in zip(holdings, prices, strict=True)]

    values = range_values(liquidity, low, high, scale, price)[:SCALAR]
    exact = np.array(scalar(), float)
    apart = np.abs(values - exact) / np.maximum(exact, 1e6)
    assert np.median(apart) < 1e-4, "the kernel and the exact rule disagree"
    bulk, single = harness.best_of(
        7, lambda: range_values(liquidity, low, high, scale, price), scalar, clock=time.process_time
    )
    print(f"{POSITIONS} positions in {bulk:.3f} s of one thread")
    harness.write(
        "lp",
        [
            harness.Figure("million positions a second, 1 thread", POSITIONS / bulk / 1e6, 1.0, "higher"),
            harness.Figure("faster than one by one, times", single / SCALAR * POSITIONS / bulk, 20, "higher"),
        ],
    )


if __name__ == "__main__":
    main()
