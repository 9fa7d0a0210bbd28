"""Training: pooled quantile trees over the rows of played panels. Needs LightGBM, the extra `seawall[risk]`.

The target is ln(move / base), so that one model serves every market. Seeded and, on one machine with one version of
LightGBM, reproducible to the byte whatever the number of threads.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from seawall.risk.features import FEATURES, NAMES
from seawall.risk.model import BASE, PLACEBO, SERVED, TailModel, decoded, encoded
from seawall.risk.panel import Panel
from seawall.risk.played import Played, play
from seawall.risk.state import HALF_LIVES
from seawall.risk.trees import COLUMNS, Forest, checked
from seawall.risk.world import Recipe, generate_world
from seawall.units import BadInput

Floats = npt.NDArray[np.float64]

HISTORY_MIN: Final = 48  # hours of a market before its rows teach
ROWS_MIN: Final = 5_000
MOVE_MIN: Final = 1e-5
SLOW_HOURS: Final = (1, 6, 12, 24)
SLOW_BLIND: Final = (  # what the slow head may not see
    *(f"range_{hours:g}h" for hours in HALF_LIVES[:2]),
    "range_last",
    "return_last",
    "season_hour",
    "volume_last",
    "common_last",
)
UP_COLUMN, DOWN_COLUMN = 4, 5


@dataclass(frozen=True, kw_only=True)
class Training:
    """Settings of the trees; `rows` bounds how many are drawn from all there are."""

    seed: int = 1
    level: float = 0.995
    trees: int = 200
    leaves: int = 15
    leaf_rows: int = 800
    rate: float = 0.05
    rows: int = 1_000_000
    threads: int = 1  # more only pay on an idle machine


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows to learn from: features and ln(move / base) for each head."""

    features: Floats
    targets: dict[str, Floats]


def rows_of(played: Played, rng: np.random.Generator, until_hour: int | None = None) -> Rows:
    """Rows of `played` whose market has HISTORY_MIN hours and whose next day is known, before panel row `until_hour`.

    The slow head's target is the move of one of the hours SLOW_HOURS ahead, drawn for each row.
    """
    limit = len(played.panel.times_ms) if until_hour is None else until_hour
    chosen = (played.extras[:, 3] >= HISTORY_MIN) & (played.hour + max(SLOW_HOURS) < limit)
    later = np.stack([played.ahead(hours) for hours in SLOW_HOURS])
    pick = rng.integers(0, len(SLOW_HOURS), later.shape[1])
    slow = later[pick, np.arange(later.shape[1])]
    found = {
        "worst": later[0],
        "slow": slow,
        "up": played.next_side(UP_COLUMN),
        "down": played.next_side(DOWN_COLUMN),
    }
    for values in found.values():
        chosen &= np.isfinite(values)
    base = played.features[chosen, BASE]
    targets = {head: np.log(np.maximum(values[chosen], MOVE_MIN)) - base for head, values in found.items()}
    return Rows(played.features[chosen], targets)


def joined(parts: list[Rows]) -> Rows:
    """Rows of several panels as one."""
    features = np.concatenate([part.features for part in parts])
    return Rows(features, {head: np.concatenate([part.targets[head] for part in parts]) for head in SERVED})


def train(
    rows: Rows,
    settings: Training,
    *,
    data_hash: str,
    facts: dict[str, Any],
    tell: Callable[[str], None] = lambda _: None,
) -> TailModel:
    """A model of `rows`. BadInput for too few rows, or without LightGBM."""
    if len(rows.features) < ROWS_MIN:
        raise BadInput("data", f"{len(rows.features):,} hours to learn from, at least {ROWS_MIN:,}")
    rng = np.random.Generator(np.random.PCG64(settings.seed))
    if len(rows.features) > settings.rows:
        kept = np.sort(rng.choice(len(rows.features), settings.rows, replace=False))
        rows = Rows(rows.features[kept], {head: values[kept] for head, values in rows.targets.items()})
    heads = {}
    for head in SERVED:
        seen = blind(rows.features) if head == "slow" else rows.features
        heads[head] = grow(seen, rows.targets[head], settings)
        tell(f"trees of `{head}` grown")
    heads[PLACEBO] = grow(rng.permutation(rows.features), rows.targets["worst"], settings)
    told = {
        **facts,
        "rows": len(rows.features),
        "settings": {name: getattr(settings, name) for name in ("seed", "trees", "leaves", "leaf_rows", "rate")},
        "usual": np.nanmedian(rows.features, axis=0).round(6).tolist(),
    }
    return decoded(encoded(heads, data_hash, settings.level, told), "model")


def from_panel(
    panel: Panel, settings: Training, *, until_ms: int | None = None, tell: Callable[[str], None] = lambda _: None
) -> TailModel:
    """A model of recorded (or any) hours, up to `until_ms`."""
    rng = np.random.Generator(np.random.PCG64([settings.seed, 1]))
    cut = None if until_ms is None else int(np.searchsorted(panel.times_ms, until_ms))
    rows = rows_of(play(panel), rng, cut)
    tell(f"{len(rows.features):,} hours of {len(panel.symbols)} markets to learn from")
    last = len(panel.times_ms) if cut is None else cut
    facts = {"markets": list(panel.symbols), "hours": [int(panel.times_ms[0]), int(panel.times_ms[last - 1])]}
    return train(rows, settings, data_hash=panel.digest(), facts=facts, tell=tell)


def from_worlds(
    settings: Training,
    worlds: int,
    recipe: Recipe | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> TailModel:
    """A model of generated worlds, as many rows of each."""
    chosen = recipe or Recipe()
    rng = np.random.Generator(np.random.PCG64([settings.seed, 1]))
    parts, digests = [], []
    share = -(-settings.rows // worlds)
    for number in range(worlds):
        world = generate_world(chosen, [settings.seed, number])
        digests.append(world.digest())
        rows = rows_of(play(world), rng)
        kept = np.sort(rng.choice(len(rows.features), min(share, len(rows.features)), replace=False))
        parts.append(Rows(rows.features[kept], {head: values[kept] for head, values in rows.targets.items()}))
    tell(f"{worlds} worlds generated")
    facts = {"generated": worlds, "recipe": asdict(chosen)}
    known = hashlib.sha256(" ".join(digests).encode()).hexdigest()[:16]
    return train(joined(parts), settings, data_hash=known, facts=facts, tell=tell)


def blind(features: Floats) -> Floats:
    """Features with the columns hidden that the slow head may not see."""
    shown = features.copy()
    shown[:, [NAMES.index(name) for name in SLOW_BLIND]] = 0.0
    return shown


def grow(features: Floats, target: Floats, settings: Training) -> Forest:
    """One head: boosted trees for the quantile `settings.level` of `target`."""
    try:
        import lightgbm
    except (ImportError, OSError):  # OSError: no OpenMP library on this system
        raise BadInput("train", "training needs LightGBM: pip install 'seawall[risk]'") from None
    parameters = {
        "objective": "quantile",
        "alpha": settings.level,
        "num_leaves": settings.leaves,
        "min_data_in_leaf": settings.leaf_rows,
        "learning_rate": settings.rate,
        "seed": settings.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": settings.threads,
        "max_bin": 127,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(features, target, feature_name=list(NAMES), free_raw_data=False)
    booster = lightgbm.train(parameters, data, num_boost_round=settings.trees)
    return exported(json.dumps(booster.dump_model()))


def exported(dump: str) -> Forest:
    """LightGBM's JSON dump as a forest. BadInput for splits other than numerical ones."""
    parts: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for tree in json.loads(dump)["tree_info"]:
        parts["roots"].append(len(parts["feature"]))
        waiting = [(tree["tree_structure"], -1, "left")]
        while waiting:  # a node goes behind its parent
            node, parent, side = waiting.pop()
            here = len(parts["feature"])
            if parent >= 0:
                parts[side][parent] = here
            _append(parts, node)
            if "split_feature" in node:
                waiting += [(node["right_child"], here, "right"), (node["left_child"], here, "left")]
    return checked({name: np.array(values) for name, values in parts.items()}, FEATURES)


def _append(parts: dict[str, list[Any]], node: dict[str, Any]) -> None:
    inner = "split_feature" in node
    if inner and node["decision_type"] != "<=":
        raise BadInput("model", f"a split of kind {node['decision_type']!r}")
    parts["feature"].append(node["split_feature"] if inner else -1)
    parts["threshold"].append(float(node["threshold"]) if inner else 0.0)
    parts["left"].append(0)
    parts["right"].append(0)
    parts["nan_left"].append(int(node["default_left"]) if inner else 0)
    parts["value"].append(0.0 if inner else float(node["leaf_value"]))
