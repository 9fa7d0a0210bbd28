"""What a venue stands to see liquidated and to lose within a day, by simulation; and what would be liquidated where.

Liquidations-at-risk is the 95th percentile over paths of the notional liquidated, value-at-risk that of the insolvent
debt left behind (the definitions of Gauntlet's market risk methodology). On each path an account is liquidated at the
first point at which its equity is below its maintenance, and is closed there at a cost; what it then owes is the debt.
Paths that gap, not liquidators that sleep, make debt here: an hour's low and high are each one step away.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from seawall.margin.bulk import in_threads, remargin
from seawall.margin.columns import Book, Ints, sealed
from seawall.risk.kernels import walk
from seawall.units import BadInput

Floats = NDArray[np.float64]
PERCENTILE: Final = 0.95
CLOSING_COST: Final = 0.005  # of what is closed: half a percent beyond the mark
CURVE: Final = tuple(round(step / 100, 2) for step in (*range(-50, 0, 2), -1, 0, 1, *range(2, 52, 2)))


@dataclass(frozen=True, eq=False, kw_only=True)
class AtRisk:
    """USD. By path [N], and their percentiles."""

    liquidated_usd: Floats
    debt_usd: Floats

    @property
    def liquidations_at_risk(self) -> float:
        return float(np.quantile(self.liquidated_usd, PERCENTILE))

    @property
    def value_at_risk(self) -> float:
        return float(np.quantile(self.debt_usd, PERCENTILE))


def at_risk(accounts: Book, prices: Any, *, cost: float = CLOSING_COST, threads: int = 1) -> AtRisk:
    """Over paths of prices [M, N, P], micro-USD a lot. Funding counts as far as it has been settled.

    BadInput for prices out of bounds, for another shape, and for a cost outside 0..1.
    """
    given: NDArray[Any] = np.asarray(prices)
    if given.ndim != 3 or given.shape[1] < 1 or given.shape[2] < 1:
        raise BadInput("prices", "expected markets x paths x points")
    if not 0.0 <= cost <= 1.0:
        raise BadInput("cost", f"{cost} is outside 0..1")
    rows = accounts.table.prices(given.reshape(len(given), -1), "prices").reshape(given.shape)
    paths = (rows, sealed(rows.min(axis=2)), sealed(rows.max(axis=2)))

    count = given.shape[1]

    def part(begin: int, end: int) -> Floats:
        found = np.zeros((2, count))
        walk(begin, end, accounts.cash, accounts.positions, accounts.table.tiers, paths, cost, found)
        return found

    total = np.sum(in_threads(threads, accounts.accounts, part), axis=0)
    return AtRisk(liquidated_usd=total[0], debt_usd=total[1])


@dataclass(frozen=True, eq=False, kw_only=True)
class Curve:
    """What is liquidatable where one market stands elsewhere and the others stay: exact, by move."""

    moves: tuple[float, ...]
    accounts: Ints  # [moves]
    longs_usd: Floats  # [moves] notional in that market of those liquidatable, at the marks of now
    shorts_usd: Floats


def liquidations_at(accounts: Book, marks: Any, market: int, moves: tuple[float, ...] = CURVE) -> Curve:
    """The curve of one market of the book. BadInput for a market that is not there and as `remargin`."""
    now = accounts.table.prices(marks)
    if not 0 <= market < len(now):
        raise BadInput("market", f"{market} is not in the book")
    owner = np.repeat(np.arange(accounts.accounts), np.diff(accounts.offsets))
    mine = accounts.market == market
    value = accounts.size[mine] * (now[market] / 1e6)
    rows = owner[mine]
    counts, longs, shorts = np.zeros(len(moves), np.int64), np.zeros(len(moves)), np.zeros(len(moves))
    for at, move in enumerate(moves):
        prices = now.copy()
        prices[market] = min(max(1, round(int(now[market]) * (1.0 + move))), int(accounts.table.price_max[market]))
        hit = remargin(accounts, prices).liquidatable[rows]
        counts[at] = len(np.unique(rows[hit]))
        longs[at] = float(value[hit & (value > 0)].sum())
        shorts[at] = -float(value[hit & (value < 0)].sum())
    return Curve(moves=moves, accounts=counts, longs_usd=longs, shorts_usd=shorts)
