"""Account foresight: how likely a bucket is to be liquidated within hours, when, and because of what.

Every point of every path (moves.py) is valued by the margin core's own integers: margin/sweep.py, or standing.py where
there is collateral or portfolio mode. A bucket counts as liquidated from the first point of a path at which its equity
is below its maintenance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from seawall.margin.collateral import span_base, value_maintenance
from seawall.margin.columns import Ints, book_of, market_table
from seawall.margin.sweep import sweep
from seawall.margin.trade import settled
from seawall.risk.moves import HORIZON, POINTS, Moves
from seawall.risk.standing import is_under_water, markets_of, under_water
from seawall.terms.bucket import Bucket, MarginMode
from seawall.terms.conditions import Conditions
from seawall.terms.grid import ScenarioGrid
from seawall.units import BadInput, Side, share

HOURS: Final = (1, 8, 24)
WORST_SHARE: Final = 0.05  # of paths that tell the drivers of a bucket which no path liquidates
NEVER: Final = HORIZON * POINTS
SCORE_LEAST: Final = 1e-4  # probability of a score of 0; each 25 points more are ten times as likely


class Driver(msgspec.Struct, frozen=True, kw_only=True):
    """A market's part, by position and collateral, in the losses of the paths that liquidate; negative: it cushions.

    All parts add up to 1.
    """

    market: str
    share: float


class Chance(msgspec.Struct, frozen=True, kw_only=True):
    """Probabilities of liquidation within each of HOURS, and what is behind them.

    `error` is the standard error of the last one. `expected_hours` is the mean time to liquidation on the paths that
    liquidate within a day; None: none does. `score` is 0 to 100, see `risk_score`.
    """

    probabilities: tuple[float, ...]
    error: float
    expected_hours: float | None
    score: int
    drivers: tuple[Driver, ...]
    paths: int
    basis: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Fate:
    """[N] the first point of each path at which a bucket is liquidatable; NEVER: none. Points count in order."""

    first: Ints

    def within(self, hours: int) -> float:
        """Share of paths that liquidate within so many hours."""
        return float(np.mean(self.first < hours * POINTS))

    def joined(self, other: "Fate") -> "Fate":
        """Whichever of two comes first."""
        return Fate(first=np.minimum(self.first, other.first))


class Scene:
    """The paths as prices under one set of conditions. Prices of a market are made when they are first needed."""

    def __init__(self, conditions: Conditions, moves: Moves, grid: ScenarioGrid | None = None) -> None:
        """`grid` values buckets in portfolio mode."""
        self.conditions = conditions
        self.moves = moves
        self.grid = grid
        self._rows: dict[str, Ints] = {}

    def prices(self, names: Sequence[str]) -> Ints:
        """[M, N x NEVER] micro-USD a lot. BadInput for a market without a forecast."""
        for name in names:
            if name not in self._rows:
                self._rows[name] = self.moves.prices(name, self.conditions)
        return np.stack([self._rows[name] for name in names])

    def fate(self, bucket: Bucket) -> Fate:
        """What the paths do to a bucket. Exact at every point; funding counts as far as it has accrued.

        Collateral moves with its underlying market. Raises BadInput for a market without a forecast, and for portfolio
        mode without a grid.
        """
        if is_under_water(bucket, self.conditions, self.grid):
            return Fate(first=np.zeros(self.moves.paths, np.int64))
        held = settled(bucket, self.conditions)
        names = markets_of(held, self.conditions)
        if not names:
            return Fate(first=np.full(self.moves.paths, NEVER, np.int64))
        rows = self.prices(names)
        if held.mode is MarginMode.TIERED and not any(holding.balance for holding in held.collateral):
            table = market_table([self.conditions.market(name) for name in names])
            under = sweep(book_of(table, [held], self.conditions), rows).under_water > 0
        else:
            under = under_water(held, self.conditions, dict(zip(names, rows, strict=True)), self.grid)
        under = under.reshape(self.moves.paths, NEVER)
        return Fate(first=np.where(under.any(axis=1), under.argmax(axis=1), NEVER).astype(np.int64))


def chance(bucket: Bucket, scene: Scene) -> Chance:
    """The whole forecast of one bucket. Raises BadInput as `Scene.fate` does."""
    found = scene.fate(bucket)
    return chance_of(found, scene.moves, drivers(bucket, scene, found))


def chance_of(found: Fate, moves: Moves, behind: tuple[Driver, ...]) -> Chance:
    """A forecast from what the paths do, of one bucket or of several joined."""
    probabilities = tuple(found.within(hours) for hours in HOURS)
    last = probabilities[-1]
    hit = found.first[found.first < NEVER]
    is_now = len(hit) == moves.paths and not hit.any()
    return Chance(
        probabilities=probabilities,
        error=float(np.sqrt(last * (1.0 - last) / moves.paths)),
        expected_hours=_mean_hours(hit, is_now),
        score=100 if is_now else risk_score(last),
        drivers=behind,
        paths=moves.paths,
        basis=moves.basis,
    )


def _mean_hours(points: Ints, is_now: bool) -> float | None:
    """Mean time of the points, each in the middle of its hour."""
    if is_now:
        return 0.0
    return float(np.mean(points // POINTS + 0.5)) if len(points) else None


def risk_score(probability: float) -> int:
    """0 to 100 from the probability of liquidation within 24 hours: 25 points are a factor of ten.

    0: at most 1 in 10,000. 25: 1 in 1,000. 50: 1 in 100. 75: 1 in 10. 100: certain, or liquidatable now.
    """
    if not 0.0 <= probability <= 1.0:
        raise BadInput("probability", f"{probability} is outside 0..1")
    return round(25.0 * float(np.log10(max(probability, SCORE_LEAST) / SCORE_LEAST)))


def drivers(bucket: Bucket, scene: Scene, found: Fate) -> tuple[Driver, ...]:
    """Each market's share of the losses at the points where paths liquidate, the largest first.

    Where no path liquidates, of the losses at the end of the worst paths.
    """
    worth = _exposures(bucket, scene.conditions)
    names = list(worth)
    if not names:
        return ()
    notional = np.array([worth[name] for name in names], np.float64)
    marks = np.array([scene.conditions.mark(name).mark for name in names], np.float64)
    paths = scene.moves.paths
    gains = (scene.prices(names) / marks[:, None] - 1.0).reshape(len(names), paths, NEVER)
    hit = np.flatnonzero(found.first < NEVER)
    at = found.first[hit]
    if not len(hit):
        ends = -(notional[:, None] * gains[:, :, -1]).sum(axis=0)
        hit = np.argsort(-ends, kind="stable")[: max(1, int(WORST_SHARE * paths))]
        at = np.full(len(hit), NEVER - 1)
    losses = -(notional[:, None] * gains[:, hit, at]).mean(axis=1)
    total = float(losses.sum())
    if total <= 0.0:
        return ()
    order = np.argsort(-losses, kind="stable")
    return tuple(Driver(market=names[i], share=float(losses[i] / total)) for i in order)


def _exposures(bucket: Bucket, conditions: Conditions) -> dict[str, int]:
    """Signed micro-USD by market: positions at the mark, and collateral that moves with it at its value."""
    found: dict[str, int] = {}
    for position in bucket.positions:
        if position.size:
            found[position.market] = position.size * conditions.mark(position.market).mark
    for holding in bucket.collateral:
        asset = conditions.asset(holding.asset)
        if asset.underlying is not None and holding.balance:
            worth = value_maintenance(asset, holding.balance)
            if asset.span is not None:
                worth = share(span_base(asset.span, asset.span.price), asset.weight_maintenance, Side.DOWN)
            found[asset.underlying] = found.get(asset.underlying, 0) + worth
    return found
