"""Initial margin that a venue's open positions need, in one pass over its slots: read hundreds of times in a run.

This module takes bare columns, so that a change of the laboratory does not compile the engine anew. The same formula
over whole arrays is `levels.least_initial`; a test compares the two.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seawall.kernel import kernel, warm_up
from seawall.terms import limits
from seawall.terms.market import Market
from seawall.units import RATE_ONE

Ints = npt.NDArray[Any]  # int64


class Levels(NamedTuple):
    """Of each market [S]: what its tiers [S, K] ask, and the least share of notional that any of them asks."""

    lower: Ints  # micro-USD; beyond the last tier never reached
    leverage: Ints
    rate: Ints  # float64


class Slots(NamedTuple):
    """Columns of the venue's positions, up to the last slot in use."""

    size: Ints
    market: Ints
    owner: Ints  # bucket


def levels_for(markets: Sequence[Market]) -> Levels:
    """The levels of markets as arrays."""
    shape = (len(markets), limits.TIERS_PER_MARKET)
    lower, leverage = np.full(shape, np.iinfo(np.int64).max), np.ones(shape, np.int64)
    for row, terms in enumerate(markets):
        lower[row, : len(terms.tiers)] = [tier.lower for tier in terms.tiers]
        leverage[row, : len(terms.tiers)] = [tier.max_leverage for tier in terms.tiers]
    rate = np.array([max(terms.initial_live, terms.initial_base) / RATE_ONE for terms in markets])
    return Levels(lower, leverage, rate)


@kernel
def open_initial(slots: Slots, price: Ints, levels: Levels, first: int, last: int) -> int:
    """Least initial margin of the positions of buckets first..last - 1 at `price`, micro-USD, each rounded up."""
    total = 0
    for slot in range(len(slots.size)):
        size = slots.size[slot]
        if size == 0 or slots.owner[slot] < first or slots.owner[slot] >= last:
            continue
        market = slots.market[slot]
        notional = abs(size) * price[market]
        tier = 0
        while tier + 1 < levels.lower.shape[1] and levels.lower[market, tier + 1] <= notional:  # at most 16 tiers
            tier += 1
        by_leverage = -(-notional // levels.leverage[market, tier])
        total += max(by_leverage, math.ceil(notional * levels.rate[market]))
    return total


@warm_up
def compile_required() -> None:
    """Compiles the kernel on one empty slot."""
    none = np.zeros(1, np.int64)
    levels = Levels(np.zeros((1, 1), np.int64), np.ones((1, 1), np.int64), np.zeros(1))
    open_initial(Slots(none, none, none), none, levels, 0, 0)
