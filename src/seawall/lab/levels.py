"""Margin levels of the rule sets a replay compares: tiers by venue and liquidity, and their scaling to an equal margin.

A level row is (lower notional in USD, max leverage, maintenance as a share of notional). Sources are in
docs/lab/rules.md. Rank 0 is the most traded market.
"""

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from seawall.lab.history import Ints
from seawall.lab.listing import static_tiers
from seawall.terms import limits
from seawall.terms.market import Market, TierRow, market
from seawall.units import RATE_ONE, USD_ONE, Rate, UsdMicro

Level = tuple[int, float, float]  # lower USD, leverage that initial margin stands for, maintenance rate

BINANCE_MAJOR: Final[tuple[Level, ...]] = (
    (0, 150, 0.004),
    (300_000, 100, 0.005),
    (800_000, 75, 0.0065),
    (3_000_000, 50, 0.01),
    (12_000_000, 25, 0.02),
    (70_000_000, 20, 0.025),
    (100_000_000, 10, 0.05),
    (230_000_000, 5, 0.1),
    (480_000_000, 4, 0.125),
    (600_000_000, 3, 0.15),
    (800_000_000, 2, 0.25),
)
BINANCE_LARGE: Final[tuple[Level, ...]] = (
    (0, 75, 0.0065),
    (80_000, 50, 0.01),
    (150_000, 40, 0.0125),
    (750_000, 25, 0.02),
    (2_000_000, 20, 0.025),
    (4_000_000, 10, 0.05),
    (20_000_000, 5, 0.1),
    (40_000_000, 4, 0.125),
    (50_000_000, 2, 0.25),
)
BINANCE_SMALL: Final[tuple[Level, ...]] = (
    (0, 75, 0.01),
    (10_000, 50, 0.015),
    (100_000, 25, 0.02),
    (900_000, 20, 0.025),
    (1_100_000, 10, 0.05),
    (5_000_000, 5, 0.1),
    (7_000_000, 4, 0.125),
    (8_000_000, 2, 0.25),
)
CLOSE_ENOUGH: Final = 0.001  # of the margin that levels are scaled to
MAINTENANCE_SHARE: Final = {"seawall": 0.8}  # of initial margin; half of it elsewhere (docs/adr/0011)
FLAT: Final[dict[str, tuple[tuple[int, tuple[Level, ...]], ...]]] = {  # (ranks below, levels), the last for the rest
    "binance": ((2, BINANCE_MAJOR), (12, BINANCE_LARGE), (10**6, BINANCE_SMALL)),
    "dydx": ((2, ((0, 50, 0.012),)), (20, ((0, 20, 0.03),)), (50, ((0, 10, 0.05),)), (10**6, ((0, 5, 0.1),))),
    "drift": ((3, ((0, 20, 0.03),)), (20, ((0, 10, 0.05),)), (10**6, ((0, 5, 0.1),))),
}


def levels_of(name: str, symbol: str, rank: int, maintenance: float | None = None) -> tuple[Level, ...]:
    """Levels of a market under a named rule set; `static`, `hyperliquid`, `seawall` share Hyperliquid's leverages.

    `maintenance` replaces the share of initial margin that maintenance is in these three.
    """
    if name in FLAT:
        return next(levels for below, levels in FLAT[name] if rank < below)
    share = MAINTENANCE_SHARE.get(name, 0.5) if maintenance is None else maintenance
    return tuple((row[0] // USD_ONE, float(row[1]), share / row[1]) for row in static_tiers(symbol, rank))


def market_under(
    name: str, base: Market, rank: int, scale: float, floor: float | None = None, maintenance: float | None = None
) -> Market:
    """`base` with the levels of a rule set, both margins multiplied by `scale`.

    The first tier's initial margin, times `floor` instead where that is given, is exact to 1/RATE_ONE through the live
    rate, which no tier asks less than; higher tiers take the whole leverage that asks at least as much. Maintenance
    stays at 1/1.2 of initial margin, as the engine asks (engine/tiers.py), and at most 1/2.
    """
    rows: list[TierRow] = []
    last_leverage, last_rate = limits.LEVERAGE_MAX, 0
    levels = levels_of(name, base.name, rank, maintenance)[: limits.TIERS_PER_MARKET]
    for place, (lower, leverage, kept) in enumerate(levels):
        scaled = leverage / scale
        whole = math.ceil(scaled - 1e-9) if place == 0 else math.floor(scaled + 1e-9)
        whole = max(1, min(last_leverage, whole))
        ask = math.ceil(kept * scale * RATE_ONE - 1e-6)
        ask = max(last_rate, min(ask, RATE_ONE * 5 // (6 * whole), RATE_ONE // 2), 1)
        rows.append((UsdMicro(lower * USD_ONE), whole, Rate(ask)))
        last_leverage, last_rate = whole, ask
    first = min(RATE_ONE, math.ceil((scale if floor is None else floor) / levels[0][1] * RATE_ONE - 1e-6))
    return market(
        base.name,
        size_decimals=base.size_decimals,
        tiers=_rising(rows),
        price_max=base.price_max,
        initial_live=Rate(first),
    )


def _rising(rows: list[TierRow]) -> list[TierRow]:
    """The rows whose leverage or maintenance differs from the row before: scaling may have made two equal."""
    kept = rows[:1]
    for row in rows[1:]:
        if row[1:] != kept[-1][1:] and row[0] <= limits.NOTIONAL_MAX:
            kept.append(row)
    return kept


def least_initial(markets: tuple[Market, ...], market_of: Ints, notional: Ints) -> Ints:
    """[P] the least initial margin each position may open with, in micro-USD: at the greatest leverage allowed."""
    asked = np.zeros(len(notional), np.int64)
    for column, terms in enumerate(markets):
        rows = np.flatnonzero(market_of == column)
        lowers = np.array([tier.lower for tier in terms.tiers])
        leverage = np.array([tier.max_leverage for tier in terms.tiers])
        tier = np.searchsorted(lowers, notional[rows], side="right") - 1
        by_rate = np.ceil(notional[rows] * (max(terms.initial_live, terms.initial_base) / RATE_ONE)).astype(np.int64)
        asked[rows] = np.maximum(-(-notional[rows] // leverage[tier]), by_rate)
    return asked


def scale_to(target: float, measured: Callable[[float], float], low: float = 1 / 64) -> float:
    """The greatest scale in low..64 at which `measured(scale)`, which rises with it, is not above 1.001 `target`.

    By bisection, which ends early within 0.1 % of `target`; where `measured` jumps over that, it is the scale before
    the jump.
    """
    high = 64.0
    for _ in range(60):
        middle = math.sqrt(low * high)
        found = measured(middle)
        if abs(found / target - 1.0) < CLOSE_ENOUGH:
            return middle
        low, high = (middle, high) if found < target else (low, middle)
    return low
