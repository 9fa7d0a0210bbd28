"""Every margin over the same hours of the same markets: ours, the classical ones, and two that prove nothing.

Nothing is fitted here: the model comes as it is, the classical margins and all calibration learn from each market's own
past alone. A market is judged after WARM_HOURS of its own, or from `start_ms` when that is later.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from seawall.risk import baselines
from seawall.risk.features import PRIOR_OVER_BASE
from seawall.risk.garch import garch_pot
from seawall.risk.governor import Settings
from seawall.risk.model import PLACEBO, TailModel
from seawall.risk.panel import Panel
from seawall.risk.played import Played, play
from seawall.risk.score import DAY, STRESS_SHARE, Track, score
from seawall.risk.walk import calibrated, walk
from seawall.units import BadInput

Floats = npt.NDArray[np.float64]

WARM_HOURS: Final = 720
HOURS_MIN: Final = 168  # judged hours of a market
REFERENCE: Final = "ewma_fhs_097"
KUPIEC_LEAST: Final = 0.01
COVERAGE_ERROR: Final = 0.001
STANDARD_ERRORS: Final = 2.6


@dataclass(frozen=True, eq=False)
class Market:
    """One market's judged hours: the move that followed each, the stress before it, and every margin for it."""

    symbol: str
    times_ms: npt.NDArray[np.int64]  # of the bar after which the margin was set
    hours: npt.NDArray[np.int64]
    moves: Floats
    stress: npt.NDArray[np.bool_]
    shock: npt.NDArray[np.bool_]
    day: Floats
    margins: dict[str, Floats]

    def track(self, model: str) -> Track:
        """The hours under one margin."""
        return Track(self.hours, self.moves, self.margins[model], self.stress, self.shock, self.day)


@dataclass(frozen=True, eq=False)
class Backtest:
    """All judged markets; `skipped` says which were not, and why."""

    markets: tuple[Market, ...]
    skipped: tuple[str, ...]
    model_id: str
    data_hash: str
    target: float

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(self.markets[0].margins)


def run(
    panel: Panel,
    model: TailModel | None,
    *,
    start_ms: int | None = None,
    end_ms: int | None = None,
    warm_hours: int = WARM_HOURS,
    settings: Settings | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Backtest:
    """Plays `panel` and judges the hours in [start_ms, end_ms), each market after `warm_hours` of its own.

    BadInput when no market has HOURS_MIN of them.
    """
    rules = settings or Settings()
    played = play(panel)
    tell(f"{len(played.hour):,} hours of {len(panel.symbols)} markets played")
    walked = walk(played, model, rules)
    placebo = None if model is None else model.bulk(played.features, PLACEBO)
    tell("margins of the model walked")
    markets, skipped = [], []
    for place, symbol in enumerate(panel.symbols):
        rows = played.rows_of(place)
        margins = _classical(played, rows, rules)
        margins |= {"seawall_new": walked.fast[rows], "seawall_open": walked.opened[rows]}
        if placebo is not None:
            margins["placebo"] = _calibrated(placebo[rows], played, rows, rules)
        found = _judged(played, rows, symbol, margins, (start_ms, end_ms, warm_hours))
        if found is None:
            skipped.append(f"{symbol}: fewer than {HOURS_MIN} hours to judge")
        else:
            markets.append(found)
    tell("classical margins done")
    if not markets:
        raise BadInput("data", f"no market has {HOURS_MIN} hours to judge after {warm_hours} of history")
    model_id = model.model_id if model is not None else "filtered-historical-simulation"
    return Backtest(tuple(markets), (*panel.notes, *skipped), model_id, panel.digest(), rules.alpha)


def _calibrated(forecast: Floats, played: Played, rows: npt.NDArray[Any], rules: Settings) -> Floats:
    following = played.ahead(1)[rows]
    return np.asarray(calibrated(forecast, following, rules.alpha, rules.step_fast, rules.floor))


def _past(played: Played, rows: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """Moves and returns of one market up to each of its rows."""
    hours, place = played.hour[rows], played.place[rows[0]]
    moves = played.moves[hours, place]
    returns = np.diff(np.log(played.panel.close[hours, place]), prepend=np.nan)
    return moves, np.where(np.isfinite(moves), returns, np.nan)


def _classical(played: Played, rows: npt.NDArray[Any], rules: Settings) -> dict[str, Floats]:
    """Classical margins of one market at each of its rows; `static` is made later, from what precedes judgement."""
    moves, returns = _past(played, rows)
    level = 1.0 - rules.alpha
    fast = baselines.filtered(moves, returns, level, 0.97)
    history = baselines.historical(moves, level)
    fitted = np.asarray(garch_pot(moves, returns, level))
    found = {
        REFERENCE: fast,
        "ewma_fhs_0995": baselines.filtered(moves, returns, level, 0.995),
        "hs_90d": history,
        "fhs_buffer": baselines.buffered(fast),
        "fhs_stress": baselines.stressed(fast, history),
        "fhs_floor": baselines.floored(fast),
        "garch_pot": np.where(np.isfinite(fitted), fitted, fast),  # before it can be fitted
    }
    found = {name: np.maximum(margin, rules.floor) for name, margin in found.items()}
    found["base_aci"] = _calibrated(PRIOR_OVER_BASE * played.extras[rows, 2], played, rows, rules)
    return found


def _judged(
    played: Played,
    rows: npt.NDArray[Any],
    symbol: str,
    margins: dict[str, Floats],
    window: tuple[int | None, int | None, int],
) -> Market | None:
    start_ms, end_ms, warm_hours = window
    hours, following = played.hour[rows], played.ahead(1)[rows]
    times = played.panel.times_ms[hours]
    chosen = np.isfinite(following)
    chosen[:warm_hours] = False
    for margin in margins.values():
        chosen &= np.isfinite(margin)
    if start_ms is not None:
        chosen &= times >= start_ms
    if end_ms is not None:
        chosen &= times < end_ms
    if chosen.sum() < HOURS_MIN:
        return None
    before = following[: int(np.argmax(chosen)) - 1]  # the last move before judgement is not yet known at its start
    static = np.full(len(rows), np.nanquantile(before, 0.995))
    volatility = np.asarray(baselines.volatility(_past(played, rows)[1], 0.97))
    kept = {name: margin[chosen] for name, margin in {**margins, "static": static}.items()}
    return Market(
        symbol=symbol,
        times_ms=times[chosen],
        hours=hours[chosen].astype(np.int64),
        moves=following[chosen],
        stress=_highest(played.extras[rows, 2][chosen]),
        shock=_highest(volatility[chosen]),
        day=_day_ahead(played.panel, int(played.place[rows[0]]))[hours[chosen]],
        margins=kept,
    )


def _day_ahead(panel: Panel, place: int) -> Floats:
    """[T] worst move from each close within the next 24 hours; NaN where one of them is missing."""
    found = np.full(len(panel.times_ms), np.nan)
    if len(found) <= DAY:
        return found
    high, low = (np.lib.stride_tricks.sliding_window_view(values[1:, place], DAY) for values in (panel.high, panel.low))
    close = panel.close[: len(high), place]
    found[: len(high)] = np.maximum(high.max(axis=1) / close - 1.0, 1.0 - low.min(axis=1) / close)
    return found


def _highest(values: Floats) -> npt.NDArray[np.bool_]:
    """The STRESS_SHARE of hours with the highest values."""
    marked: npt.NDArray[np.bool_] = values >= np.quantile(values, 1.0 - STRESS_SHARE)
    return marked


def document(done: Backtest) -> dict[str, Any]:
    """The result as JSON: figures of every margin, pooled and by market."""
    level = 1.0 - done.target
    reference = [market.track(REFERENCE) for market in done.markets]
    by_symbol: dict[str, dict[str, dict[str, float]]] = {}
    for market in done.markets:
        own = [market.track(REFERENCE)]
        by_symbol[market.symbol] = {name: score([market.track(name)], own, level) for name in done.models}
    pooled = {}
    for name in done.models:
        figures = score([market.track(name) for market in done.markets], reference, level)
        pooled[name] = figures | _across([by_symbol[symbol][name] for symbol in by_symbol], done.target)
    return {
        "target": done.target,
        "horizon_hours": 1,
        "symbols": [market.symbol for market in done.markets],
        "from": moment_text(min(int(market.times_ms[0]) for market in done.markets)),
        "to": moment_text(max(int(market.times_ms[-1]) for market in done.markets)),
        "model_id": done.model_id,
        "data_hash": done.data_hash,
        "models": pooled,
        "by_symbol": by_symbol,
        "skipped": list(done.skipped),
    }


def _across(figures: list[dict[str, float]], target: float) -> dict[str, float]:
    """Shares of markets whose coverage is right: not rejected by Kupiec, and within the larger of two bounds."""
    kupiec = np.mean([own["kupiec_p"] >= KUPIEC_LEAST for own in figures])
    bounds = [max(COVERAGE_ERROR, STANDARD_ERRORS * np.sqrt(target * (1 - target) / own["hours"])) for own in figures]
    close = np.mean([abs(own["violation"] - target) <= bound for own, bound in zip(figures, bounds, strict=True)])
    return {"kupiec_share": float(kupiec), "coverage_share": float(close)}


def moment_text(ms: int) -> str:
    """2025-10-10T21:00:00Z."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
