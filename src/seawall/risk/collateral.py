"""What a collateral asset may back, from how it moves, how deep its market is, and what it backs already.

The haircut is the move that is exceeded once in some hundred hours over the time a liquidation takes, plus what selling
all that the venue holds would move the price by. It grows where collateral falls together with the positions it backs:
ether under long perps loses when they do, and is worth least when it is needed. The weight is never above the admin's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from seawall.risk.factors import Correlations
from seawall.risk.liquidity import Liquidity
from seawall.units import RATE_ONE

DEVIATIONS: Final = 2.6  # of a normal variable: exceeded once in two hundred times on one side; tails are fat, so
FAT: Final = 1.5  # times
HOURS: Final = 4.0  # that a liquidation is given
WRONG_WAY: Final = 0.5  # of the haircut on top, where all of it backs positions that fall with it
STEP: Final = 0.01  # weights are proposed in steps of a percent: no proposal for noise


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A bucket that holds some of the asset: its value, and the signed notional of each perp beside it, in USD."""

    value_usd: float
    perps_usd: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Weight:
    """A proposed initial weight and what made it, as shares of one."""

    weight: float
    by_moves: float
    by_depth: float
    wrong_way: float  # share of the collateral that falls with the positions it backs, by correlation


def wrong_way(symbol: str, holders: Sequence[Holder], known: Correlations, sigma: Mapping[str, float]) -> float:
    """Mean correlation, below 0 taken as 0, of the collateral with the profit of the positions that it backs.

    Weighted by the value that is at work: collateral without positions beside it backs nothing. Markets that are not
    known are left out.
    """
    places = {name: at for at, name in enumerate(known.symbols)}
    if symbol not in places:
        return 0.0
    total, charged = 0.0, 0.0
    for holder in holders:
        names = [name for name in sorted(holder.perps_usd) if name in places and name in sigma]
        move = np.array([holder.perps_usd[name] * sigma[name] for name in names])
        at = [places[name] for name in names]
        deviation = sqrt(max(float(move @ known.used[np.ix_(at, at)] @ move), 0.0)) if names else 0.0
        total += max(holder.value_usd, 0.0)
        if deviation > 0.0:
            together = float(known.used[places[symbol], at] @ move) / deviation
            charged += max(holder.value_usd, 0.0) * min(max(together, 0.0), 1.0)
    return charged / total if total > 0.0 else 0.0


def initial_weight(*, static: float, held_usd: float, market: Liquidity, together: float) -> Weight:
    """The weight for new risk: 1 less the haircut, in whole steps down, in 0..`static`."""
    moves = min(FAT * DEVIATIONS * market.volatility * sqrt(HOURS), 1.0)
    depth = market.impact(held_usd)
    haircut = (moves + depth) * (1.0 + WRONG_WAY * together)
    steps = int((1.0 - min(haircut, 1.0)) / STEP + 1e-9)
    return Weight(weight=min(max(steps * STEP, 0.0), static), by_moves=moves, by_depth=depth, wrong_way=together)


def step_to(wanted: Weight, live: int, *, up: int) -> int:
    """The weight to propose, in parts of RATE_ONE, where `live` is the present one: lower at once, higher by `up`."""
    target = round(wanted.weight / STEP) * (RATE_ONE // 100)
    return target if target <= live else min(target, live + up)


def reasons_of(wanted: Weight) -> tuple[str, ...]:
    """Why, in words."""
    return (
        f"moves over a liquidation: {wanted.by_moves:.1%}",
        f"selling what is held: {wanted.by_depth:.1%}",
        f"falls with what it backs: {wanted.wrong_way:.0%}",
    )
