"""A cascade before it happens: forced orders move prices, which force more, until nothing more is forced.

Each round values every account by the margin core at the prices so far. Whoever has become liquidatable is closed in
the engine's order, worst first and largest position first, against the levels that are left of a book, no further than
the position's bankruptcy price and the venue's gate; what finds no level is left over, for the backstop and for ADL.
Then the price of the last fill is the new mark, clamped to a band around where it started. Nobody who was closed is
closed again, so there are at most as many rounds as accounts, plus one; and a book runs out when its levels do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.margin.bulk import remargin
from seawall.margin.columns import Book, Flags, Ints
from seawall.units import BadInput

Floats = NDArray[np.float64]
MOVED_MOST: Final = 0.5  # of the price: a mark goes no further, whatever its own book says
REACH: Final = 0.01  # of the price within which a depth that is only a number is spread
STEPS: Final = 100  # levels of such a depth


class Resting(NamedTuple):
    """What rests in one market, best level first: distance from the mark as a share of it, and lots."""

    bids: tuple[tuple[float, int], ...]
    asks: tuple[tuple[float, int], ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Cascade:
    """Where it ends. Notional in USD at the prices before; `impact` as a share of them, signed."""

    first: Flags  # [A] liquidatable at the prices given
    liquidated: Flags  # [A] in the end
    taken_usd: Floats  # [M] closed by force on the book
    left_usd: Floats  # [M] that found no book: for the backstop and ADL
    impact: Floats  # [M]
    marks: Ints  # [M] in the end
    rounds: int

    @property
    def amplification(self) -> float:
        """Accounts liquidated in the end over those at first; 1 where nobody is."""
        at_first = int(self.first.sum())
        return float(self.liquidated.sum()) / at_first if at_first else 1.0


def resting(price: int, depth_usd: float) -> Resting:
    """A depth of so many USD within REACH of `price` (micro-USD a lot) on either side, and nothing beyond.

    BadInput for a depth that is no positive number.
    """
    if not (np.isfinite(depth_usd) and depth_usd > 0.0):
        raise BadInput("depth", "expected a positive number for each market")
    sums = np.floor(depth_usd * 1e6 / price * np.arange(STEPS + 1) / STEPS + 1e-9).astype(np.int64)
    levels = enumerate(np.diff(sums).tolist(), start=1)
    side = tuple((REACH * step / STEPS, lots) for step, lots in levels if lots)
    return Resting(side, side)


def cascade(
    accounts: Book, marks: Any, books: Sequence[Resting], *, share: float = 1.0, band: float = MOVED_MOST,
    gate: float = 1.0,
) -> Cascade:  # fmt: skip
    """The fixed point from `marks` [M] (micro-USD a lot) on the books of the markets, which stand around these marks.

    `share` of each position is closed: 1 where a venue closes whole positions, less where it closes parts. `band` is
    how far a mark may stray from the index, which is where `marks` stand, and `gate` how far from it forced orders
    fill. BadInput for shares outside 0..1, a book for each market that is not there, and as `remargin`.
    """
    start = accounts.table.prices(marks)
    if len(books) != len(start):
        raise BadInput("depth", "expected a book for each market")
    if not 0.0 < share <= 1.0 or not 0.0 <= band <= MOVED_MOST or not 0.0 <= gate <= 1.0:
        raise BadInput("share", f"share {share}, band {band} or gate {gate} is out of range")
    walks: dict[int, _Walk] = {}  # of the markets in which somebody was closed
    first = remargin(accounts, start).liquidatable.copy()
    closed, now, rounds, fallen = first.copy(), start, 0, first
    taken: Floats = np.zeros(len(start))
    left: Floats = np.zeros(len(start))
    while fallen.any():  # at most accounts + 1 rounds: `closed` grows in each
        rounds += 1
        assert rounds <= accounts.accounts
        for market, sign, lots, limit in _orders(accounts, now, np.flatnonzero(fallen), share):
            if market not in walks:
                walks[market] = _Walk(int(start[market]), books[market], gate)
            filled = walks[market].take(sign, lots, limit)
            taken[market] += filled
            left[market] += lots - filled
        now = start.copy()
        for market, walk in walks.items():
            price = min(max(walk.price, (1.0 - band) * walk.start), (1.0 + band) * walk.start)
            now[market] = min(max(1, round(price)), int(accounts.table.price_max[market]))
        fallen = remargin(accounts, now).liquidatable & ~closed
        closed |= fallen
    worth = start / 1e6
    return Cascade(
        first=first,
        liquidated=closed,
        taken_usd=taken * worth,
        left_usd=left * worth,
        impact=now / start - 1.0,
        marks=now,
        rounds=rounds,
    )


class _Walk:
    """One market's levels as they are used up, and the price of the last fill."""

    def __init__(self, start: int, book: Resting, gate: float) -> None:
        self.start, self.price = start, float(start)
        bids = [[start * (1.0 - far), lots] for far, lots in book.bids if far <= gate]
        asks = [[start * (1.0 + far), lots] for far, lots in book.asks if far <= gate]
        self.sides = {-1: bids[::-1], 1: asks[::-1]}  # by the sign of the forced order; the best level last

    def take(self, sign: int, lots: int, limit: float) -> int:
        """Lots that fill at `limit` or better; each level is left once."""
        side, wanted = self.sides[sign], lots
        while wanted and side and (side[-1][0] - limit) * sign <= 0.0:
            filled = int(min(wanted, side[-1][1]))
            self.price = side[-1][0]
            wanted -= filled
            side[-1][1] -= filled
            if side[-1][1] == 0:
                side.pop()
        return lots - wanted


def _orders(accounts: Book, now: Ints, fallen: Ints, share: float) -> Iterator[tuple[int, int, int, float]]:
    """What closes those that have fallen at the marks of now, worst first: (market, sign, lots, worst price)."""
    standing = remargin(accounts, now)
    health = standing.equity[fallen] / np.maximum(standing.maintenance[fallen], 1)
    for account in fallen[np.argsort(health, kind="stable")]:
        span = range(accounts.offsets[account], accounts.offsets[account + 1])
        held = [(int(accounts.market[i]), int(accounts.size[i])) for i in span]
        held.sort(key=lambda one: -abs(one[1]) * int(now[one[0]]))
        gross = sum(abs(size) * int(now[market]) for market, size in held)
        spare = int(standing.equity[account]) / max(gross, 1)  # of the price, until nothing is left of the account
        for market, size in held:
            if size:
                sign = -1 if size > 0 else 1
                yield market, sign, ceil(share * abs(size)), float(now[market]) * (1.0 + sign * spare)
