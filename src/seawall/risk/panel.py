"""Hours of many markets from a folder of candles, on one grid: what training and backtests play through."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from seawall.lab.catalog import Kind, Series, scan
from seawall.lab.names import underlying
from seawall.risk.bars import HOUR_MS
from seawall.units import BadInput

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]

HOURS_MIN: Final = 720  # of a market: a month
CELLS_MAX: Final = 20_000_000
WORTH: Final = {Kind.PERP: 1.25, Kind.SPOT: 1.0, Kind.MARK: 0.5}  # of an hour when series of one market compete
TIME_MAX: Final = 2**53


@dataclass(frozen=True, eq=False)
class Panel:
    """T hours of S markets. NaN where a market has no bar; `volume` NaN where it is not known. Prices in USD."""

    symbols: tuple[str, ...]
    sources: tuple[str, ...]  # file and symbol of each market
    times_ms: Times  # [T], an hour apart
    high: Floats  # [T, S]
    low: Floats
    close: Floats
    volume: Floats  # USD an hour
    notes: tuple[str, ...]

    @property
    def cells(self) -> int:
        """Hours of all markets that have a bar."""
        return int(np.isfinite(self.close).sum())

    def until(self, row: int) -> "Panel":
        """The first `row` hours."""
        cut = {name: getattr(self, name)[:row] for name in ("times_ms", "high", "low", "close", "volume")}
        return replace(self, **cut)

    def digest(self) -> str:
        """A hash of everything in the panel."""
        made = hashlib.sha256(repr((self.symbols, self.times_ms[:1].tolist())).encode())
        for values in (self.high, self.low, self.close, self.volume):
            made.update(np.ascontiguousarray(values).tobytes())
        return made.hexdigest()[:16]


def load_panel(folder: Path, symbols: Sequence[str] = (), *, hours_min: int = HOURS_MIN) -> Panel:
    """The longest hourly (or finer) series of each underlying in `folder`, perps before spot before marks.

    BadInput for a folder or a file that can not be read, an asked symbol that is not there, or no market long enough.
    """
    catalog = scan(folder, 0, TIME_MAX)
    wanted = tuple(dict.fromkeys(underlying(symbol) for symbol in symbols))
    best: dict[str, tuple[float, Series]] = {}
    seen: dict[str, int] = {}
    for series in catalog.series:
        if series.kind not in WORTH or not 0 < series.interval_ms <= HOUR_MS or HOUR_MS % series.interval_ms:
            continue
        if wanted and series.base not in wanted:
            continue
        hours = len(np.unique(series.times_ms // HOUR_MS))
        seen[series.base] = max(hours, seen.get(series.base, 0))
        worth = WORTH[series.kind] * hours
        if hours >= hours_min and worth > best.get(series.base, (0.0, series))[0]:
            best[series.base] = (worth, series)
    missing = [name for name in wanted if name not in best]
    if missing:
        raise BadInput("symbols", f"no series of {hours_min} hours or more: {', '.join(missing[:5])}", str(folder))
    if not best:
        raise BadInput("data", f"no candles of an hour or less over {hours_min} hours or more", str(folder))
    notes = catalog.passed_over() + _too_short([name for name in sorted(seen) if name not in best], hours_min)
    return _gridded([best[name][1] for name in sorted(best)], notes)


def _too_short(names: list[str], hours_min: int) -> list[str]:
    """At most one note, naming up to three markets."""
    if not names:
        return []
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return [f"fewer than {hours_min} hours: {', '.join(names[:3])}{more}"]


def _gridded(chosen: list[Series], notes: list[str]) -> Panel:
    first = min(int(series.times_ms[0]) for series in chosen) // HOUR_MS
    last = max(int(series.times_ms[-1]) for series in chosen) // HOUR_MS
    hours = last - first + 1
    most = max(CELLS_MAX // hours, 1)
    if len(chosen) > most:
        chosen = sorted(sorted(chosen, key=lambda series: -len(series.times_ms))[:most], key=lambda series: series.base)
        notes = [*notes, f"the {most} longest markets: more do not fit {CELLS_MAX:,} cells"]
    columns = {name: np.full((hours, len(chosen)), np.nan) for name in ("high", "low", "close", "volume")}
    for place, series in enumerate(chosen):
        _fill(columns, place, series, first)
    return Panel(
        symbols=tuple(series.base for series in chosen),
        sources=tuple(series.label for series in chosen),
        times_ms=HOUR_MS * np.arange(first, last + 1, dtype=np.int64),
        notes=tuple(notes),
        **columns,
    )


def _fill(columns: dict[str, Floats], place: int, series: Series, first: int) -> None:
    """Bars joined to hours. An hour counts once half of its bars are there (any bar of a series made of trades)."""
    hour = series.times_ms // HOUR_MS - first
    starts = np.flatnonzero(np.diff(hour, prepend=-1))
    counts = np.diff(np.append(starts, len(hour)))
    enough = (2 * counts >= HOUR_MS // series.interval_ms) | series.sparse
    rows = hour[starts][enough]
    columns["high"][rows, place] = np.maximum.reduceat(series.high, starts)[enough]
    columns["low"][rows, place] = np.minimum.reduceat(series.low, starts)[enough]
    columns["close"][rows, place] = series.close[starts + counts - 1][enough]
    volume = np.add.reduceat(series.value, starts)[enough]
    columns["volume"][rows, place] = volume if bool((series.value > 0).any()) else np.nan
