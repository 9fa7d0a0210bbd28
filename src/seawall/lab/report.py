"""The document of a replay: what replay.json holds and the HTML page is made of (docs/lab/replay.md has the schema).

Figures are USD with micro-USD precision; series are whole USD, prices USD per unit. Everything but the key `run`
depends on the inputs and the seed alone. Long series are thinned: flows add up, extremes stay extremes.
"""

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from seawall.lab import arena, opening, series
from seawall.lab.arena import Run
from seawall.lab.compare import Comparison, Outcome
from seawall.lab.history import Array, Ints
from seawall.units import RATE_ONE, BadInput

SCHEMA: Final = "seawall.replay/2"
POINTS_MAX: Final = 1_500  # of one series
POINTS_MIN: Final = 200
CELLS_MAX: Final = 240_000  # of all series together, which keeps the page under 3 MB
USD_MICRO: Final = 1_000_000
FIGURES: Final = 7  # significant ones of a price in a series


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a replay came from, as the command line said it."""

    kind: str  # "generator" or "files"
    event: str  # preset or date
    title: str
    command: str


def document(done: Comparison, origin: Origin, run: dict[str, Any] | None = None) -> dict[str, Any]:
    """The whole document, ready to be written as JSON. `run` is kept apart: nothing else varies between equal runs."""
    thin = Thinning(done.path.bars, done.history.markets, len(done.configured))
    return {
        "schema": SCHEMA,
        "title": origin.title,
        "command": origin.command,
        "event": origin.event,
        "seed": done.seed,
        "markets": list(done.history.symbols),
        **done.figures(),
        "margin_scales": {name: round(scale, 6) for name, scale in done.scales.items()},
        "source": _source(done, origin),
        "population": _population(done),
        "policy": _policy(),
        "axis": {"times_ms": thin.first(done.history.times_ms), "bars_per_point": thin.step},
        "world": [_market(done, thin, column) for column in range(done.history.markets)],
        "sets": [_set(done, thin, name) for name in done.configured],
        "run": run or {},
    }


class Thinning:
    """Groups of `step` neighbouring bars, one point each."""

    def __init__(self, bars: int, markets: int, rules: int) -> None:
        fit = CELLS_MAX // (markets * (2 + 7 * rules) + 24 * rules)
        points = min(POINTS_MAX, max(POINTS_MIN, fit))
        self.step = -(-bars // points)
        self.starts: Array = np.arange(0, bars, self.step)
        self.ends: Array = np.append(self.starts[1:], bars) - 1

    def first(self, values: Array) -> list[Any]:
        return list(values[self.starts].tolist())

    def last(self, values: Array) -> Array:
        return np.asarray(values[self.ends])

    def total(self, values: Array) -> Array:
        return np.asarray(np.add.reduceat(values, self.starts))

    def least(self, values: Array) -> Array:
        return np.asarray(np.minimum.reduceat(values, self.starts))

    def most(self, values: Array) -> Array:
        return np.asarray(np.maximum.reduceat(values, self.starts))

    def widest_ppm(self, values: Array) -> list[int]:
        """The value farthest from 0 in each group, in parts per million."""
        low, high = self.least(values), self.most(values)
        return [round(value * 1e6) for value in np.where(-low > high, low, high).tolist()]


def dollars(micro: Array) -> list[int]:
    """Micro-USD as whole USD, nearest."""
    return list(np.floor_divide(micro + USD_MICRO // 2, USD_MICRO).tolist())


def _source(done: Comparison, origin: Origin) -> dict[str, Any]:
    history = done.history
    return {
        "kind": origin.kind,
        "name": history.name,
        "interval_ms": history.interval_ms,
        "from_ms": int(history.times_ms[0]),
        "to_ms": int(history.times_ms[-1]) + history.interval_ms,
        "bars": history.bars,
        "has_index": [bool(flag) for flag in history.has_index],
        "notes": list(history.notes),
    }


def _population(done: Comparison) -> dict[str, Any]:
    people = done.people
    notional = np.abs(people.size) * people.price[people.market]
    levels, place = np.unique(people.leverage, return_inverse=True)
    per_level = np.zeros(len(levels), np.int64)
    np.add.at(per_level, place, notional)
    equity = int(people.raw_usd.sum()) + int((people.size * people.price[people.market]).sum())
    return {
        "accounts": people.accounts,
        "buckets": people.buckets,
        "isolated_buckets": int(people.isolated.sum()),
        "hedger_buckets": int(people.hedger.sum()),
        "positions": people.positions,
        "equity_usd": equity // USD_MICRO,
        "open_interest_usd": int((people.open_interest() * people.price).sum()) // USD_MICRO,
        "notional_usd_by_leverage": dict(zip(map(str, levels.tolist()), dollars(per_level), strict=True)),
    }


def _policy() -> dict[str, Any]:
    return {
        "refill_half_life_ms": arena.REFILL_HALF_LIFE_MS,
        "book_reach": float(arena.DISTANCES[-1]),
        "traders_share": arena.TRADERS_SHARE,
        "traded_share": arena.TRADED_SHARE,
        "insurance_share": arena.INSURANCE_SHARE / RATE_ONE,
        "backstop_share": arena.BACKSTOP_SHARE / RATE_ONE,
        "makers": opening.MAKERS,
    }


def _market(done: Comparison, thin: Thinning, column: int) -> dict[str, Any]:
    """What a market did whatever the rules: recorded prices on its grid, index and depth."""
    path, people = done.path, done.people
    terms, live, usd = people.markets[column], path.live[:, column], _usd_of(done, column)
    perp = path.perp[:, :, column]
    recorded = perp[live]
    depth = done.history.depth_usd[:, column]
    return {
        "symbol": terms.name,
        "has_index": bool(done.history.has_index[column]),
        "open_interest_usd": int(people.open_interest()[column] * people.price[column]) // USD_MICRO,
        "first": usd(people.price[column : column + 1])[0],
        "lowest": usd(recorded.min(keepdims=True).reshape(-1))[0],
        "highest": usd(recorded.max(keepdims=True).reshape(-1))[0],
        "last": usd(perp[-1:, -1])[0],
        "least_depth_usd": round(float(depth[live].min())),
        "median_depth_usd": round(float(np.median(depth[live]))),
        "dead_bars": int((~live).sum()),
        "series": {
            "index": usd(thin.last(path.index[:, -1, column])),
            "depth_usd": [round(value) for value in thin.least(depth).tolist()],
        },
    }


def _usd_of(done: Comparison, column: int) -> Any:
    """A function from prices in micro-USD per lot to USD per unit."""
    scale = 10.0 ** done.people.markets[column].size_decimals / USD_MICRO

    def usd(prices: Ints) -> list[float]:
        return [float(f"{price * scale:.{FIGURES}g}") for price in prices.tolist()]

    return usd


def _set(done: Comparison, thin: Thinning, name: str) -> dict[str, Any]:
    made, equal = done.configured[name], done.equal[name]
    own = _venue_series(thin, made)
    columns = range(done.history.markets)
    closed = made.run.tally.closed
    return {
        "rule": name,
        "title": made.run.rules.title,
        "description": made.run.rules.description,
        "series": own,
        "series_at_equal_margin": own if equal is made else _venue_series(thin, equal),
        "markets": [_set_market(done, thin, made.run, closed[:, column], column) for column in columns],
    }


def _venue_series(thin: Thinning, made: Outcome) -> dict[str, list[Any]]:
    run, tally = made.run, made.run.tally
    closed = tally.closed.sum(axis=1)
    return {
        "buckets": thin.total(series.buckets_by_bar(tally)).tolist(),
        "longs_closed": dollars(thin.total(closed[:, 0])),
        "shorts_closed": dollars(thin.total(closed[:, 1])),
        "adl": dollars(thin.total(tally.adl)),
        "open_interest": dollars(thin.last(run.seen.interest.sum(axis=1))),
        "insurance": dollars(thin.last(run.seen.insurance)),
        "insurance_paid": dollars(thin.last(np.cumsum(tally.insured))),
        "backstop": dollars(thin.last(run.seen.backstop)),
        "bad_debt": dollars(thin.last(np.cumsum(tally.unpaid))),
        "margin_required": dollars(thin.last(run.seen.initial)),
        "waiting": thin.most(run.seen.waiting).tolist(),
    }


def _set_market(done: Comparison, thin: Thinning, run: Run, closed: Ints, column: int) -> dict[str, Any]:
    seen, usd = run.seen, _usd_of(done, column)
    has_index = bool(done.history.has_index[column])
    return {
        "symbol": done.history.symbols[column],
        "longs_closed_usd": int(closed[:, 0].sum()) // USD_MICRO,
        "shorts_closed_usd": int(closed[:, 1].sum()) // USD_MICRO,
        "worst_mark_gap_ppm": _widest_ppm(seen.mark_gap[:, column]) if has_index else None,
        "worst_own_impact_ppm": _widest_ppm(seen.impact[:, column]),
        "series": {
            "book": usd(thin.last(seen.book[:, column])),
            "book_low": usd(thin.least(seen.book_low[:, column])),
            "book_high": usd(thin.most(seen.book_high[:, column])),
            "mark": usd(thin.last(seen.mark[:, column])),
            "longs_closed": dollars(thin.total(closed[:, 0])),
            "shorts_closed": dollars(thin.total(closed[:, 1])),
            "impact_ppm": thin.widest_ppm(seen.impact[:, column]),
        },
    }


def _widest_ppm(values: Array) -> int:
    return round(float(values[int(np.argmax(np.abs(values)))]) * 1e6)


def encode(content: dict[str, Any]) -> str:
    """The document as JSON text, the same bytes for the same document."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=True, allow_nan=False) + "\n"


def without_run(content: dict[str, Any]) -> dict[str, Any]:
    """What two equal replays have in common: everything but the key `run`."""
    return {key: value for key, value in content.items() if key != "run"}


def check_target(folder: Path, names: Iterable[str]) -> None:
    """BadInput unless `folder`, which need not exist, looks like a place where files of these names can be written."""
    try:
        place = next(path for path in (folder, *folder.absolute().parents) if path.exists() or path.is_symlink())
        if not place.is_dir():
            raise BadInput("out", "not a folder", str(place))
        if not os.access(place, os.W_OK | os.X_OK):
            raise BadInput("out", "not writable", str(place))
        for name in names:
            if (folder / name).is_dir():
                raise BadInput("out", "a folder stands where this file belongs", str(folder / name))
    except OSError as error:
        raise BadInput("out", f"cannot be written: {error.strerror or error}", str(folder)[:120]) from None


def write_all(folder: Path, files: dict[str, str]) -> None:
    """Writes each file beside its place and then moves it there, so that none is ever seen half-written."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    waiting: list[tuple[str, Path]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            handle, path = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
            waiting.append((path, folder / name))
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path, 0o644)
        while waiting:
            os.replace(*waiting[-1])
            waiting.pop()
        made.clear()
    finally:
        for path, _ in waiting:
            Path(path).unlink(missing_ok=True)
        for empty in made:
            if empty.is_dir() and not any(empty.iterdir()):
                empty.rmdir()
