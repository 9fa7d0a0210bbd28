"""The document of a replay: what replay.json holds and the HTML page is made of (docs/lab/replay.md has the schema).

Money is integers in micro-USD, prices integers in micro-USD per lot, shares and gaps parts per million. Everything but
the key `run` depends on the inputs and the seed alone. Long series are thinned: flows add up, extremes stay extremes.
"""

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from seawall.lab import columns, metrics
from seawall.lab.columns import Array
from seawall.lab.rules import TITLES, MarkRule, describe
from seawall.units import BadInput

if TYPE_CHECKING:
    from seawall.lab.replay import Replay, RuleRun

SCHEMA: Final = "seawall.replay/1"
POINTS_MAX: Final = 1_500  # of one series
POINTS_MIN: Final = 200
CELLS_MAX: Final = 320_000  # of all series together, which keeps the page under 3 MB
USD_MICRO: Final = 1_000_000


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a replay came from, as the command line said it."""

    kind: str  # "generator" or "files"
    event: str  # preset or date
    title: str
    command: str
    seed: int
    main: MarkRule


def document(replay: "Replay", origin: Origin, run: dict[str, Any] | None = None) -> dict[str, Any]:
    """The whole document, ready to be written as JSON. `run` is kept apart: nothing else varies between equal runs."""
    thin = Thinning(replay.path.bars, replay.history.markets, len(replay.runs))
    history = replay.history
    return {
        "schema": SCHEMA,
        "title": origin.title,
        "command": origin.command,
        "main": origin.main.value,
        "source": {
            "kind": origin.kind,
            "event": origin.event,
            "name": history.name,
            "symbols": list(history.symbols),
            "interval_ms": history.interval_ms,
            "from_ms": int(history.times_ms[0]),
            "to_ms": int(history.times_ms[-1]) + history.interval_ms,
            "bars": history.bars,
            "has_index": [bool(flag) for flag in history.has_index],
            "has_funding": history.funding_hour is not None,
            "notes": list(history.notes),
        },
        "population": _population(replay, origin.seed),
        "policy": msgspec.to_builtins(replay.policy),
        "axis": {"times_ms": thin.first(history.times_ms), "bars_per_point": thin.step},
        "markets": [_market(replay, thin, column) for column in range(history.markets)],
        "rules": [_rule(replay, thin, rule_run) for rule_run in replay.runs],
        "run": run or {},
    }


class Thinning:
    """Groups of `step` neighbouring bars, one point each."""

    def __init__(self, bars: int, markets: int, rules: int) -> None:
        fit = CELLS_MAX // (markets * (2 + 7 * rules) + 12 * rules)
        points = min(POINTS_MAX, max(POINTS_MIN, fit))
        self.step = -(-bars // points)
        self.starts: Array = np.arange(0, bars, self.step)
        self.ends: Array = np.append(self.starts[1:], bars) - 1

    def first(self, values: Array) -> list[Any]:
        return list(values[self.starts].tolist())

    def last(self, values: Array) -> list[Any]:
        return list(values[self.ends].tolist())

    def total(self, values: Array) -> list[Any]:
        return list(np.add.reduceat(values, self.starts).tolist())

    def least(self, values: Array) -> list[Any]:
        return list(np.minimum.reduceat(values, self.starts).tolist())

    def most(self, values: Array) -> list[Any]:
        return list(np.maximum.reduceat(values, self.starts).tolist())

    def widest_ppm(self, values: Array) -> list[int]:
        """The value farthest from 0 in each group, in parts per million."""
        low, high = np.minimum.reduceat(values, self.starts), np.maximum.reduceat(values, self.starts)
        return [round(value * 1e6) for value in np.where(-low > high, low, high).tolist()]


def _population(replay: "Replay", seed: int) -> dict[str, Any]:
    people = replay.population
    notional = np.abs(people.size) * people.price[people.market]
    levels, place = np.unique(people.leverage, return_inverse=True)
    per_level = np.zeros(len(levels), np.int64)
    np.add.at(per_level, place, notional)
    equity = int(people.raw_usd.sum()) + int((people.size * people.price[people.market]).sum())
    return {
        "seed": seed,
        "accounts": people.accounts,
        "buckets": people.buckets,
        "isolated_buckets": int(people.isolated.sum()),
        "hedger_buckets": int(people.hedger.sum()),
        "positions": people.positions,
        "equity": equity,
        "open_interest": int((people.open_interest() * people.price).sum()),
        "notional_by_leverage": {str(level): int(value) for level, value in zip(levels, per_level, strict=True)},
    }


def _market(replay: "Replay", thin: Thinning, column: int) -> dict[str, Any]:
    """What a market did whatever the rule: recorded prices on its grid, index and depth."""
    market, path, live = replay.population.markets[column], replay.path, replay.path.live[:, column]
    perp = path.perp[:, :, column]
    recorded = perp[live]
    depth = replay.history.depth_usd[:, column]
    return {
        "symbol": market.name,
        "size_decimals": market.size_decimals,
        "has_index": bool(replay.history.has_index[column]),
        "tiers": [{"lower": tier.lower, "max_leverage": tier.max_leverage} for tier in market.tiers],
        "open_interest": int(replay.population.open_interest()[column] * replay.population.price[column]),
        "first": int(replay.population.price[column]),
        "lowest": int(recorded.min()),
        "highest": int(recorded.max()),
        "last": int(perp[-1, -1]),
        "least_depth": round(float(depth[live].min()) * USD_MICRO),
        "median_depth": round(float(np.median(depth[live])) * USD_MICRO),
        "dead_bars": int((~live).sum()),
        "series": {
            "index": thin.last(path.index[:, -1, column]),
            "depth_usd": [round(value) for value in thin.least(depth)],
        },
    }


def _rule(replay: "Replay", thin: Thinning, run: "RuleRun") -> dict[str, Any]:
    seen = run.recorder
    both = seen.notional.sum(axis=1)
    return {
        "rule": run.rule.value,
        "title": TITLES[run.rule],
        "description": describe(run.rule, replay.policy),
        "headline": metrics.headline(replay, run),
        "series": {
            "buckets": thin.total(seen.counts[:, columns.BUCKETS]),
            "fills": thin.total(seen.counts[:, columns.FILLS]),
            "longs_closed": thin.total(both[:, 0]),
            "shorts_closed": thin.total(both[:, 1]),
            "open_interest": thin.last(seen.interest.sum(axis=1)),
            "fund": thin.last(seen.money[:, columns.FUND]),
            "insurance_paid": thin.last(seen.money[:, columns.INSURANCE_PAID]),
            "bad_debt": thin.last(seen.money[:, columns.BAD_DEBT]),
            "waiting": thin.most(seen.waiting),
        },
        "ratios": {
            "times_ms": replay.history.times_ms[seen.ratio_bars].tolist(),
            **{
                f"p{share}": [round(value, 4) for value in seen.ratios[:, place].tolist()]
                for place, share in enumerate(metrics.PERCENTILES)
            },
        },
        "markets": [
            {"symbol": symbol, **metrics.by_market(replay, run, column), "series": _rule_market(thin, run, column)}
            for column, symbol in enumerate(replay.history.symbols)
        ],
    }


def _rule_market(thin: Thinning, run: "RuleRun", column: int) -> dict[str, Any]:
    seen = run.recorder
    return {
        "perp": thin.last(seen.perp[:, column]),
        "perp_low": thin.least(seen.perp_low[:, column]),
        "perp_high": thin.most(seen.perp_high[:, column]),
        "mark": thin.last(seen.mark[:, column]),
        "longs_closed": thin.total(seen.notional[:, column, 0]),
        "shorts_closed": thin.total(seen.notional[:, column, 1]),
        "impact_ppm": thin.widest_ppm(seen.impact[:, column]),
    }


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
