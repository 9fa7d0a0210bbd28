"""A panel played through the feature kernels once: rows of features and, market by market, what followed each."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seawall.risk.features import EXTRAS, FEATURES, sweep
from seawall.risk.panel import Panel
from seawall.risk.state import WIDTH

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Played:
    """N rows, one a live hour, in order of time and then market; `extras` as features.sweep writes them."""

    panel: Panel
    features: Floats  # [N, FEATURES]
    extras: Floats  # [N, EXTRAS]
    moves: Floats  # [T, S] worst move of each hour from the close before, NaN where unknown
    place: npt.NDArray[Any]  # [N] market
    hour: npt.NDArray[Any]  # [N] row of the panel

    def rows_of(self, market: int) -> npt.NDArray[Any]:
        """The rows of one market, in order of time."""
        return np.flatnonzero(self.place == market)

    def ahead(self, hours: int) -> Floats:
        """[N] worst move of the hour that ends `hours` after each row; NaN where there is none."""
        later = self.hour + hours
        inside = later < len(self.moves)
        found = np.full(len(later), np.nan)
        found[inside] = self.moves[later[inside], self.place[inside]]
        return found

    def next_side(self, column: int) -> Floats:
        """[N] move of the next hour to one side: `column` 4 of extras is up, 5 down."""
        grid = np.full(self.moves.shape, np.nan)
        grid[self.hour, self.place] = self.extras[:, column]
        found = np.full(len(self.hour), np.nan)
        inside = self.hour + 1 < len(grid)
        found[inside] = grid[self.hour[inside] + 1, self.place[inside]]
        return found


def play(panel: Panel) -> Played:
    """Plays `panel` from its first hour."""
    live = np.isfinite(panel.close)
    hour, place = np.nonzero(live)
    features, extras = np.empty((len(hour), FEATURES)), np.empty((len(hour), EXTRAS))
    moves = np.full(live.shape, np.nan)
    states = np.zeros((len(panel.symbols), WIDTH))
    count = sweep(panel.times_ms, panel.high, panel.low, panel.close, panel.volume, states, moves, extras, features)
    assert count == len(hour)
    return Played(panel, features, extras, moves, place, hour)
