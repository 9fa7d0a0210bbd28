"""Hourly bars of several markets on one grid, from a folder of candles (docs/lab/data.md)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from seawall.lab.catalog import Kind, Series, scan
from seawall.lab.names import underlying
from seawall.risk.moves import HOUR_MS, LOOKBACK, Bars, Floats, Ints
from seawall.units import BadInput

TIME_MAX: Final = 2**53  # ms
WARM: Final = 60 * 24  # hours before the lookback, from which the first volatility is measured
PREFERRED: Final = (Kind.PERP, Kind.MARK, Kind.SPOT)


def hourly(
    folder: str | Path, names: Sequence[str], *, end_ms: int | None = None, hours: int = LOOKBACK + WARM
) -> tuple[Bars, Ints]:
    """(bars, their opening times) of the last `hours` before `end_ms`: of each name the series with the most of them.

    `end_ms` None: the end of the last candle of any of the names. Finer bars are made hours; an hour that lacks one is
    missing. Perps before marks before spot where they reach as far. A name that the folder lacks has no bars. BadInput
    as `lab.catalog.scan`, for names that repeat, and when the folder has candles of none of them.
    """
    if len(set(names)) != len(names):
        raise BadInput("names", "repeated")
    bases = [underlying(name) for name in names]
    catalog = scan(Path(folder), 0, TIME_MAX if end_ms is None else end_ms).series
    found = [one for one in catalog if one.kind in PREFERRED and one.base in bases]
    if not found:
        raise BadInput("data", f"no candles of {', '.join(names)} before that time", str(folder))
    end = max(int(one.times_ms[-1]) + one.interval_ms for one in found) if end_ms is None else end_ms
    last = end // HOUR_MS * HOUR_MS
    first = last - hours * HOUR_MS
    times = np.arange(first, last, HOUR_MS, dtype=np.int64)
    shape = (len(times), len(names))
    bars = Bars(
        names=tuple(names),
        open=np.full(shape, np.nan),
        high=np.full(shape, np.nan),
        low=np.full(shape, np.nan),
        close=np.full(shape, np.nan),
    )
    for column, base in enumerate(bases):
        mine = [one for one in found if one.base == base and HOUR_MS % one.interval_ms == 0]
        best, reach = None, 0
        for one in sorted(mine, key=lambda one: PREFERRED.index(one.kind)):
            cells = _hours(one, first, len(times))
            count = int(np.isfinite(cells[3]).sum())
            if count > 1.02 * reach:  # a few more bars do not outweigh the better kind
                best, reach = cells, count
        if best is not None:
            bars.open[:, column], bars.high[:, column], bars.low[:, column], bars.close[:, column] = best
    return bars, times


def _hours(series: Series, first: int, rows: int) -> tuple[Floats, Floats, Floats, Floats]:
    """open, high, low, close of each hour of which every bar is there."""
    each = HOUR_MS // series.interval_ms
    inside = slice(*np.searchsorted(series.times_ms, (first, first + rows * HOUR_MS)))
    row = (series.times_ms[inside] - first) // HOUR_MS
    if not len(row):
        empty = np.full(rows, np.nan)
        return empty, empty, empty, empty
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    whole = np.diff(np.append(starts, len(row))) == each
    high, low = np.maximum.reduceat(series.high[inside], starts), np.minimum.reduceat(series.low[inside], starts)
    ends = np.append(starts[1:], len(row)) - 1
    cells = tuple(np.full(rows, np.nan) for _ in range(4))
    for cell, values in zip(cells, (series.open[inside][starts], high, low, series.close[inside][ends]), strict=True):
        cell[row[starts][whole]] = values[whole]
    return cells[0], cells[1], cells[2], cells[3]
