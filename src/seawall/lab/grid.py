"""Series put onto a grid of bars: gaps stay gaps, trades that did not happen leave the price where it was."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from seawall.lab.catalog import Series
from seawall.lab.history import Flags, Floats, Times
from seawall.units import BadInput

QUIET_MS: Final = 600_000  # a market without a trade for ten minutes has a gap
HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, eq=False)
class Cells:
    """One series on the grid, [T] each; NaN prices and zero volume where not live."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    value: Floats
    live: Flags


def on_grid(series: Series, times: Times, interval: int) -> Cells:
    """Bars at `times`. BadInput for a bar that lies off the grid."""
    offset = series.times_ms - times[0]
    off = offset % interval != 0
    if bool(off.any()):
        moment = series.times_ms[int(np.argmax(off))]
        raise BadInput("time", f"{moment} of {series.symbol} is off the {interval} ms grid", series.file)
    places = offset // interval
    inside = (places >= 0) & (places < len(times))
    columns = {name: np.full(len(times), np.nan) for name in ("open", "high", "low", "close")}
    for name, values in columns.items():
        values[places[inside]] = getattr(series, name)[inside]
    value = np.zeros(len(times))
    value[places[inside]] = series.value[inside]
    live = np.isfinite(columns["close"])
    if series.sparse:
        known = last_before(times[live] + interval, columns["close"][live], times + interval, QUIET_MS)
        quiet = ~live & np.isfinite(known)
        for values in columns.values():
            values[quiet] = known[quiet]
        live = live | quiet
    return Cells(value=value, live=live, **columns)


def last_before(moments: Times, values: Floats, times: Times, age_ms: int) -> Floats:
    """The newest value known at each of `times`; NaN when there is none within `age_ms`."""
    if not len(moments):
        return np.full(len(times), np.nan)
    place = np.searchsorted(moments, times, side="right") - 1
    known = place >= 0
    place = np.maximum(place, 0)
    fresh = known & (times - moments[place] <= age_ms)
    chosen: Floats = np.where(fresh, values[place], np.nan)
    return chosen


def held_index(
    source: Series, cell: Cells, times: Times, interval: int, scale: float
) -> tuple[tuple[Floats, Floats, Floats], Flags]:
    """(close, low, high) of the index on the grid, `scale` units a unit, and the live bars that had none of their own.

    Such a bar holds the last index price, as an oracle does; before the first one it takes the perp's close.
    """
    places = (source.times_ms - times[0]) // interval
    inside = (places >= 0) & (places < len(times))
    place, close = places[inside], source.close[inside] * scale
    low, high = np.full(len(times), np.inf), np.full(len(times), -np.inf)
    np.minimum.at(low, place, source.low[inside] * scale)
    np.maximum.at(high, place, source.high[inside] * scale)
    index = np.full(len(times), np.nan)
    index[place] = close  # rows rise in time: the last one of a bar stays
    own = np.isfinite(index)
    ends = times + interval
    index = last_before(ends[own], index[own], ends, int(ends[-1] - ends[0]) + interval)
    index = np.where(np.isfinite(index), index, cell.close)
    low, high = np.where(own, low, index), np.where(own, high, index)
    return (index, low, high), cell.live & ~own


def funding_on(source: Series, times: Times) -> Floats:
    """Hourly rate at each bar: that of the settlement which ends its period, over the period's length."""
    hours = np.diff(source.times_ms, prepend=source.times_ms[0] - source.interval_ms) / HOUR_MS
    usual = source.interval_ms / HOUR_MS
    hours = np.where((hours > 0) & (hours <= 24), hours, usual)
    hourly = source.value / hours
    place = np.minimum(np.searchsorted(source.times_ms, times, side="right"), len(hourly) - 1)
    return hourly[place]
