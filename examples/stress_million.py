"""Stress a venue of a million accounts: who is under water, and how deep, in each of a hundred crashes.

SEAWALL_EXAMPLE_ACCOUNTS makes it smaller. Integers throughout: the result is exact, not an estimate.
"""

import os
import time

import numpy as np

from seawall import market_of
from seawall.margin.blocks import arrange
from seawall.margin.bulk import remargin
from seawall.margin.columns import book, market_table
from seawall.margin.sweep import sweep

ACCOUNTS = int(os.environ.get("SEAWALL_EXAMPLE_ACCOUNTS", "1000000"))
dice = np.random.default_rng(7)

tiers = [("0", 20), ("1000000", 10), ("10000000", 5)]
markets = [market_of(f"M{n}", size_decimals=2, tiers=tiers, price_now="100") for n in range(50)]
table = market_table(markets)
marks = np.full(len(markets), 1_000_000)  # 100 USD a unit is 1,000,000 micro-USD a lot of 0.01

per_account = 4
first = dice.integers(0, len(markets), ACCOUNTS)
market = (first[:, None] + np.arange(per_account) * 11) % len(markets)  # four different markets each
size = dice.integers(-40_000, 40_001, (ACCOUNTS, per_account))
notional = np.abs(size).sum(axis=1) * 1_000_000
equity = (notional / dice.uniform(2, 15, ACCOUNTS)).astype(np.int64)
raw_usd = equity - size.sum(axis=1) * 1_000_000  # cash less signed entry notional, entered at the mark

accounts = arrange(
    book(
        table,
        offsets=np.arange(ACCOUNTS + 1) * per_account,
        raw_usd=raw_usd,
        market=market.ravel(),
        size=size.ravel(),
    ),
    marks,
)
remargin(accounts, marks, threads=2)  # compiles once; the next runs start at once
begin = time.perf_counter()
now = remargin(accounts, marks, threads=2)
print(f"{ACCOUNTS:,} accounts re-margined in {1e3 * (time.perf_counter() - begin):.1f} ms")
print(f"under maintenance now: {int(now.liquidatable.sum()):,}")

common = dice.standard_t(3, 100) * 0.05
moves = np.exp(common + dice.normal(0, 0.02, (len(markets), 100)))
begin = time.perf_counter()
stressed = sweep(accounts, (marks[:, None] * moves).astype(np.int64), threads=2)
print(f"100 crashes in {time.perf_counter() - begin:.2f} s")
worst = int(np.argmax(stressed.under_water))
print(
    f"worst: the common factor moves {np.expm1(common[worst]):+.1%}, {int(stressed.under_water[worst]):,} accounts "
    f"under water, shortfall {stressed.shortfall[worst] / 1e12:,.2f} million USD"
)
