"""The initial margin that the model would have asked of new risk, bar by bar of an event: for replays with arrivals.

A bar is charged by the hours before it alone. Where too little is known of a market new risk is asked its static rate,
as the live engine does.
"""

from pathlib import Path
from typing import Final

import numpy as np

from seawall.lab.arrivals import Arrivals, asked_rate, on_rails
from seawall.lab.history import Floats, History, Ints
from seawall.lab.levels import scale_to
from seawall.lab.path import Path as Replayed
from seawall.lab.population import Population
from seawall.risk import governor
from seawall.risk.hours import hourly
from seawall.risk.model import TailModel
from seawall.risk.moves import HOUR_MS, Bars
from seawall.risk.panel import Panel
from seawall.risk.played import play
from seawall.risk.walk import walk
from seawall.terms.market import Market
from seawall.units import RATE_ONE

WARM_HOURS: Final = 60 * 24  # of bars before the event that the model reads


def forecasts(folder: str | Path, history: History, model: TailModel | None) -> Floats:
    """[T, S] the model's margin for new risk before each bar (`forecasts_from`), from a folder of candles."""
    end = -(-(int(history.times_ms[-1]) + history.interval_ms) // HOUR_MS) * HOUR_MS
    hours = WARM_HOURS + (end - int(history.times_ms[0])) // HOUR_MS
    bars, times = hourly(folder, history.symbols, end_ms=end, hours=hours)
    return forecasts_from(bars, times, history.times_ms, model)


def forecasts_from(bars: Bars, hours_ms: Ints, times_ms: Ints, model: TailModel | None) -> Floats:
    """[T, S] margin for new risk, a fraction of the price, from the last hour that has ended by each of `times_ms`.

    `bars` opened at `hours_ms`, an hour apart. NaN where a market has had fewer hours than a forecast needs.
    """
    unknown = np.full(bars.close.shape, np.nan)
    played = play(Panel(bars.names, bars.names, hours_ms, bars.high, bars.low, bars.close, unknown, ()))
    margins = np.full(bars.close.shape, np.nan)
    margins[played.hour, played.place] = walk(played, model, governor.Settings()).fast
    told = np.where(np.isfinite(margins), np.arange(len(margins))[:, None], -1)
    row = np.searchsorted(hours_ms, times_ms - HOUR_MS, side="right") - 1
    at = np.maximum.accumulate(told, axis=0)[np.maximum(row, 0)]
    found: Floats = np.take_along_axis(margins, np.maximum(at, 0), axis=0)
    return np.where((row[:, None] >= 0) & (at >= 0), found, np.nan)


def charged(
    people: Population,
    path: Replayed,
    markets: tuple[Market, ...],
    bar: Ints,
    ahead: Floats,
    static: Floats,
    target: float,
) -> tuple[float, Arrivals]:
    """(scale, arrivals) whose new risk is asked scale x `ahead` [T, S], on average `target` of notional.

    Never less than the levels of `markets`, and `static` [S] where nothing is forecast. The average is over all that
    opens, before and during the event, of what the rates let open; whole grids leave it within 1 %.
    """
    floor = np.array([one.initial_live / RATE_ONE for one in markets])

    def at(scale: float) -> Arrivals:
        wanted = np.maximum(np.where(np.isfinite(ahead), scale * ahead, static), floor)
        return Arrivals(bar=bar, initial=on_rails(wanted, path.history.times_ms))

    scale = scale_to(target, lambda one: asked_rate(people, at(one), path, markets))
    return scale, at(scale)
