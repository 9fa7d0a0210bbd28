"""The population of the margin benches: accounts of 1 + Poisson(3.35) distinct markets, Zipf(0.9) over 200 markets."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.margin.columns import Book, book, market_table
from seawall.terms.market import Market, market
from seawall.units import Price, UsdMicro

SEED = 20_251_010
MARKETS, ZIPF, MEAN_MORE = 200, 0.9, 3.35
USD = 10**6
Ints = NDArray[np.int64]


class Population(NamedTuple):
    markets: list[Market]
    marks: Ints
    book: Book


def population(accounts: int) -> Population:
    """Three tiers a market, lognormal notionals, some accounts under water; the same for the same number."""
    dice = np.random.default_rng(SEED)
    marks = np.exp(dice.uniform(np.log(2_000), np.log(2_000_000), MARKETS)).astype(np.int64)
    rows = [(UsdMicro(0), 40), (UsdMicro(100_000 * USD), 20), (UsdMicro(1_000_000 * USD), 10)]
    markets = [
        market(f"M{number}", size_decimals=0, tiers=rows, price_max=Price(64 * mark))
        for number, mark in enumerate(marks.tolist())
    ]
    share = 1 / np.arange(1, MARKETS + 1) ** ZIPF
    counts = 1 + dice.poisson(MEAN_MORE, accounts)
    drawn = dice.choice(MARKETS, counts.sum(), p=share / share.sum())
    keys = np.unique(np.repeat(np.arange(accounts), counts) * MARKETS + drawn)
    owner, chosen = keys // MARKETS, keys % MARKETS
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=accounts))])
    notional = np.minimum(np.exp(dice.normal(np.log(3_000 * USD), 1.6, len(keys))), 30_000_000 * USD)
    size = np.maximum(notional / marks[chosen], 1).astype(np.int64) * dice.choice((-1, 1), len(keys))
    value = size * marks[chosen]
    equity = np.add.reduceat(abs(value), offsets[:-1]) * dice.uniform(0.005, 0.5, accounts)
    raw_usd = equity.astype(np.int64) - np.add.reduceat(value, offsets[:-1])
    return Population(
        markets, marks, book(market_table(markets), offsets=offsets, raw_usd=raw_usd, market=chosen, size=size)
    )
