"""How markets move together, and how much less that is worth in a storm: correlations for portfolio margin.

EWMA covariances of hourly returns, kept twice: over all hours, and over those in which the market as a whole moved
most. The correlation that is used is the higher of the two, shrunk towards a high prior where little is known:
diversification that is gone when it is needed is none.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from seawall.units import BadInput

Floats = npt.NDArray[np.float64]

HALF_LIFE: Final = 720.0  # hours of the plain covariance
STORM_HALF_LIFE: Final = 240.0  # stormy hours of the other
STORM_SHARE: Final = 0.05  # of hours count as stormy
OBSERVED_MIN: Final = 72.0  # weight of hours of a pair before its own correlation counts alone
MARKETS_MAX: Final = 1_000
PRIOR: Final = 0.7  # correlation of a pair that nothing is known of
RETURN_MAX: Final = 0.5


@dataclass(frozen=True, eq=False)
class Correlations:
    """What is known at one moment. Matrices are [S, S], symmetric, ones on the diagonal, positive semidefinite."""

    symbols: tuple[str, ...]
    plain: Floats
    storm: Floats
    used: Floats
    common: Floats  # [S] loading on the first factor of `used`, 0..1


class FactorModel:
    """Takes the returns of an hour of all markets, NaN where one has none. Markets are added as they list."""

    def __init__(self) -> None:
        self.symbols: tuple[str, ...] = ()
        self._plain, self._storm = _Moments(), _Moments()
        self._threshold = 0.0
        self._hours = 0

    def add(self, symbol: str) -> None:
        """Adds a market, as the last column."""
        if symbol in self.symbols or len(self.symbols) >= MARKETS_MAX:
            raise BadInput("symbol", f"known already, or more than {MARKETS_MAX}: {symbol[:40]!r}")
        self.symbols = (*self.symbols, symbol)
        self._plain.grow()
        self._storm.grow()

    def update(self, returns: Floats) -> None:
        """One hour; returns beyond +-50 % count as that, what is not finite as unknown."""
        if returns.shape != (len(self.symbols),):
            raise BadInput("returns", f"expected {len(self.symbols)}, got {returns.shape}")
        known = np.isfinite(returns)
        if not known.any():
            return
        seen = np.where(known, np.clip(np.nan_to_num(returns), -RETURN_MAX, RETURN_MAX), 0.0)
        self._plain.take(seen, known, 0.5 ** (1.0 / HALF_LIFE))
        if self._is_storm(float(np.median(np.abs(seen[known])))):
            self._storm.take(seen, known, 0.5 ** (1.0 / STORM_HALF_LIFE))

    def correlations(self) -> Correlations:
        """The matrices now; a pair without history has the prior. BadInput without markets."""
        if not self.symbols:
            raise BadInput("symbols", "no market was added")
        plain = self._plain.correlation(np.full(self._plain.weight.shape, PRIOR))
        storm = self._storm.correlation(np.maximum(plain, PRIOR))
        used = _sound(np.maximum(plain, storm))
        values, vectors = np.linalg.eigh(used)
        loading = np.abs(vectors[:, -1]) * np.sqrt(max(float(values[-1]), 0.0))
        return Correlations(self.symbols, plain, storm, used, np.clip(loading, 0.0, 1.0))

    def _is_storm(self, shock: float) -> bool:
        """Whether `shock` is among the largest STORM_SHARE of hours: a running quantile (Robbins and Monro)."""
        self._hours += 1
        above = shock > self._threshold
        pace = 2.0 * max(1.0 / self._hours, 1.0 / HALF_LIFE) * max(self._threshold, shock, 1e-6)
        self._threshold = max(self._threshold + pace * (float(above) - STORM_SHARE), 0.0)
        return above


class _Moments:
    """Decayed sums of products of pairs, and of each one's squares over the hours of the pair."""

    def __init__(self) -> None:
        self.products: Floats = np.zeros((0, 0))
        self.squares: Floats = np.zeros((0, 0))
        self.weight: Floats = np.zeros((0, 0))

    def grow(self) -> None:
        for name in ("products", "squares", "weight"):
            setattr(self, name, np.pad(getattr(self, name), ((0, 1), (0, 1))))

    def take(self, seen: Floats, known: npt.NDArray[np.bool_], keep: float) -> None:
        both = np.outer(known, known)
        fade = np.where(both, keep, 1.0)  # a pair forgets only while both trade
        self.products = self.products * fade + np.outer(seen, seen)
        self.squares = self.squares * fade + np.outer(seen * seen, known)
        self.weight = self.weight * fade + both

    def correlation(self, prior: Floats) -> Floats:
        norm = np.sqrt(np.maximum(self.squares * self.squares.T, 1e-36))
        own: Floats = np.clip(self.products / norm, -1.0, 1.0)
        trust = self.weight / (self.weight + OBSERVED_MIN)
        mixed: Floats = trust * own + (1.0 - trust) * prior
        np.fill_diagonal(mixed, 1.0)
        return mixed


def portfolio_tail(margins: Floats, exposures: Floats, correlations: Floats) -> float:
    """USD that a portfolio may lose where each market may lose `margins` [S] of `exposures` [S] (USD, signed).

    sqrt(e' C e) with e = margin x exposure: at most the sum of single losses, and never below what the largest single
    position would lose alone net of half of what hedges it.
    """
    losses = margins * exposures
    joint = float(np.sqrt(max(float(losses @ correlations @ losses), 0.0)))
    sizes = np.sort(np.abs(losses))[::-1]
    least = sizes[0] - 0.5 * sizes[1:].sum() if len(sizes) else 0.0
    return min(max(joint, least), float(sizes.sum()))


def _sound(matrix: Floats) -> Floats:
    """The nearest correlation matrix in the sense of clipped eigenvalues."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2.0)
    fixed = (vectors * np.maximum(values, 1e-9)) @ vectors.T
    scale = np.sqrt(np.diag(fixed))
    sound: Floats = fixed / np.outer(scale, scale)
    np.fill_diagonal(sound, 1.0)
    return sound
