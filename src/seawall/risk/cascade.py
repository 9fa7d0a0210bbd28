"""A cascade before it happens: forced orders move prices, which force more, until nothing more is forced.

Each round values every account by the margin core at the prices so far; whoever is liquidatable joins the set of
those who are closed and never leaves it; the set's net forced notional moves each market's price through a linear book
(docs/lab/replay.md: Q USD move it by Q / depth percent). The set only grows and is finite, so there are at most as many
rounds as accounts, plus one.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from seawall.lab.arena import DEPTH_BAND
from seawall.margin.bulk import remargin
from seawall.margin.columns import Book, Flags, Ints
from seawall.units import BadInput

MOVED_MOST: Final = 0.5  # of the price: a book that thin has no price


@dataclass(frozen=True, eq=False, kw_only=True)
class Cascade:
    """Where it ends. Notional in USD at the prices before; `impact` as a share of them, signed."""

    first: Flags  # [A] liquidatable at the prices given
    liquidated: Flags  # [A] in the end
    forced_usd: NDArray[np.float64]  # [M] sold by force, net; negative: bought
    gross_usd: NDArray[np.float64]  # [M] closed by force
    impact: NDArray[np.float64]  # [M]
    marks: Ints  # [M] in the end
    rounds: int

    @property
    def amplification(self) -> float:
        """Accounts liquidated in the end over those at first; 1 where nobody is."""
        at_first = int(self.first.sum())
        return float(self.liquidated.sum()) / at_first if at_first else 1.0


def cascade(accounts: Book, marks: Any, depth_usd: Any, *, share: float = 1.0, band: float = MOVED_MOST) -> Cascade:
    """The fixed point from `marks` [M] (micro-USD a lot) on books with `depth_usd` [M] within 1 % on a side.

    `share` of each position is closed: 1 where a venue closes whole positions, less where it closes parts. `band` is
    how far a mark may stray from the index, which is where `marks` stand: a clamped mark carries a cascade no further.
    BadInput for shares outside 0..1, depths that are no positive numbers, and as `remargin`.
    """
    start = accounts.table.prices(marks)
    depth = np.asarray(depth_usd, np.float64)
    if depth.shape != start.shape or not (np.isfinite(depth) & (depth > 0.0)).all():
        raise BadInput("depth", "expected a positive number for each market")
    if not 0.0 < share <= 1.0 or not 0.0 <= band <= MOVED_MOST:
        raise BadInput("share", f"share {share} or band {band} is out of range")
    value = accounts.size * (start[accounts.market] / 1e6)
    owner = np.repeat(np.arange(accounts.accounts), np.diff(accounts.offsets))
    first = remargin(accounts, start).liquidatable.copy()
    closed, now, rounds = first.copy(), start, 0
    forced: NDArray[np.float64] = np.zeros(len(start))
    is_new = bool(first.any())
    while is_new:  # at most accounts + 1 rounds: `closed` grows in each
        rounds += 1
        assert rounds <= accounts.accounts
        forced = share * _by_market(accounts, np.where(closed[owner], value, 0.0))
        impact = np.clip(-DEPTH_BAND * forced / depth, -band, band)
        now = np.clip(np.rint(start * (1.0 + impact)), 1, accounts.table.price_max).astype(np.int64)
        grown = closed | remargin(accounts, now).liquidatable
        is_new = bool((grown & ~closed).any())
        closed = grown
    gross = share * _by_market(accounts, np.where(closed[owner], np.abs(value), 0.0))
    return Cascade(
        first=first,
        liquidated=closed,
        forced_usd=forced,
        gross_usd=gross,
        impact=now / start - 1.0,
        marks=now,
        rounds=rounds,
    )


def _by_market(accounts: Book, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.bincount(accounts.market, values, len(accounts.table.names)).astype(np.float64)
