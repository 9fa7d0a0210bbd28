"""Why a margin was what it was: each feature put at its usual value, one at a time, and the forecast taken again."""

from typing import Any, Final

import numpy as np

from seawall.lab.names import underlying
from seawall.risk.backtest import moment_text
from seawall.risk.bars import HOUR_MS
from seawall.risk.engine import MODEL_HOURS
from seawall.risk.features import FEATURES, NAMES
from seawall.risk.governor import Settings
from seawall.risk.model import SERVED, TailModel
from seawall.risk.panel import Panel
from seawall.risk.played import play
from seawall.risk.walk import walk
from seawall.units import BadInput

SHOWN: Final = 8


def drivers(model: TailModel, features: Any) -> list[dict[str, Any]]:
    """The features that move the forecast most. `ratio` is the forecast with that one at its usual value, over it."""
    usual = np.array(model.facts["usual"])
    rows = np.repeat(features[None, :], FEATURES + 1, axis=0)
    rows[np.arange(FEATURES), np.arange(FEATURES)] = usual
    forecasts = model.bulk(rows)
    ratios = forecasts[:FEATURES] / forecasts[FEATURES]
    order = np.argsort(-np.abs(np.log(ratios)), kind="stable")[:SHOWN]
    return [
        {"feature": NAMES[k], "value": float(features[k]), "usual": float(usual[k]), "ratio": float(ratios[k])}
        for k in order.tolist()
        if ratios[k] != 1.0 and np.isfinite(features[k])
    ]


def explain(panel: Panel, model: TailModel, symbol: str, at_ms: int | None) -> dict[str, Any]:
    """Margins, forecast and drivers of `symbol` after the last hour that had ended by `at_ms`.

    BadInput for a market that is not in the panel, or has no forecast yet.
    """
    name = underlying(symbol)
    if name not in panel.symbols:
        raise BadInput("symbol", f"{symbol[:40]!r} is not in this folder")
    cut = len(panel.times_ms) if at_ms is None else int(np.searchsorted(panel.times_ms, at_ms - HOUR_MS, "right"))
    played = play(panel.until(cut))
    walked = walk(played, model, Settings())
    rows = played.rows_of(panel.symbols.index(name))
    if not len(rows) or played.extras[rows[-1], 3] < MODEL_HOURS:
        raise BadInput("at", f"{name} has no day of history then")
    row = rows[-1]
    features = played.features[row]
    return {
        "symbol": name,
        "time": moment_text(int(panel.times_ms[played.hour[row]])),
        "model_id": model.model_id,
        "data_hash": played.panel.digest(),
        "new_risk": float(walked.fast[row]),
        "open": float(walked.opened[row]),
        "forecast": {head: float(value) for head, value in zip(SERVED, model.forecast(features), strict=True)},
        "drivers": drivers(model, features),
    }
