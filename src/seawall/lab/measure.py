"""Statistics of a history, the same for recorded and generated ones: what the generator is fitted to."""

from dataclasses import dataclass

import numpy as np

from seawall.lab.history import Flags, Floats, History
from seawall.units import BadInput


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Medians over markets unless a name says otherwise; shares of 1. NaN where the history cannot tell."""

    first_drawdown: float  # of the first market: running top of the closes to a later low
    drawdown: float  # of the others
    worst_5m: float  # lowest return between closes 5 minutes apart
    worst_hour: float
    volatility: float  # square root of the sum of squared returns, per square root of a day
    kurtosis: float  # of returns, excess
    correlation: float  # of returns, over pairs
    depth_trough: float  # lowest depth of the first market over its median
    gap: float  # largest |close / index - 1|


def coarsen(history: History, factor: int) -> History:
    """`factor` bars made one; a bar is live when all of its parts are. The unfilled rest at the end is cut off."""
    if factor < 1 or history.bars // factor < 2:
        raise BadInput("factor", f"{factor} bars into one leave fewer than 2 of {history.bars}", history.name)
    count = history.bars // factor
    shape = (count, factor, history.markets)

    def parts(values: Floats) -> Floats:
        return values[: count * factor].reshape(shape)

    live: Flags = np.asarray(history.live[: count * factor].reshape(shape).all(axis=1), dtype=np.bool_)

    def shown(values: Floats) -> Floats:
        return np.where(live, values, np.nan)

    funding = history.funding_hour
    return History(
        name=history.name,
        symbols=history.symbols,
        interval_ms=history.interval_ms * factor,
        times_ms=history.times_ms[: count * factor : factor],
        open=shown(parts(history.open)[:, 0]),
        high=shown(parts(history.high).max(axis=1)),
        low=shown(parts(history.low).min(axis=1)),
        close=shown(parts(history.close)[:, -1]),
        index=shown(parts(history.index)[:, -1]),
        index_low=shown(parts(history.index_low).min(axis=1)),
        index_high=shown(parts(history.index_high).max(axis=1)),
        has_index=history.has_index,
        volume_usd=np.where(live, parts(history.volume_usd).sum(axis=1), 0.0),
        depth_usd=np.where(live, parts(history.depth_usd)[:, 0], 0.0),
        funding_hour=None if funding is None else shown(parts(funding).mean(axis=1)),
        live=live,
        notes=(*history.notes, f"{factor} bars made one"),
    )


def measure(history: History) -> Statistics:
    """Statistics over the bars at which every market is live; BadInput when there are fewer than 3."""
    rows = history.live.all(axis=1)
    if int(rows.sum()) < 3:
        raise BadInput("live", "fewer than 3 bars have every market", history.name)
    close, low, depth = history.close[rows], history.low[rows], history.depth_usd[rows]
    returns = np.diff(np.log(close), axis=0)
    drawdown = 1.0 - (low / np.maximum.accumulate(close, axis=0)).min(axis=0)
    days = history.interval_ms * (len(close) - 1) / 86_400_000
    gap = np.abs(close / history.index[rows] - 1.0).max(axis=0)[history.has_index]
    return Statistics(
        first_drawdown=float(drawdown[0]),
        drawdown=float(np.median(drawdown[1:])) if history.markets > 1 else np.nan,
        worst_5m=_worst(close, history.interval_ms, 300_000),
        worst_hour=_worst(close, history.interval_ms, 3_600_000),
        volatility=float(np.median(np.sqrt((returns**2).sum(axis=0) / days))),
        kurtosis=float(np.median(_excess_kurtosis(returns))),
        correlation=_median_correlation(returns),
        depth_trough=float(depth[:, 0].min() / np.median(depth[:, 0])),
        gap=float(np.median(gap)) if len(gap) else np.nan,
    )


def _worst(close: Floats, interval_ms: int, span_ms: int) -> float:
    steps = span_ms // interval_ms
    if span_ms % interval_ms or steps >= len(close):
        return float("nan")
    return float(np.median((close[steps:] / close[:-steps] - 1.0).min(axis=0)))


def _excess_kurtosis(returns: Floats) -> Floats:
    centred = returns - returns.mean(axis=0)
    excess: Floats = (centred**4).mean(axis=0) / np.maximum((centred**2).mean(axis=0) ** 2, 1e-300) - 3.0
    return excess


def _median_correlation(returns: Floats) -> float:
    if returns.shape[1] < 2:
        return float("nan")
    matrix = np.asarray(np.corrcoef(returns.T))
    return float(np.median(matrix[np.triu_indices(len(matrix), 1)]))
