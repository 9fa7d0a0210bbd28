"""The tail model: what the worst move of the next hour may be, from features. Served without LightGBM.

A head is a forest whose sum is ln(quantile / base). Four are served: `worst`, the fast forecast for new risk; `slow`,
one of the coming day that knows no short range, for open positions; `up` and `down`, each side by itself. A fifth, the
placebo, was trained on shuffled features: a backtest that it does well in proves nothing.
"""

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from seawall.risk.features import FEATURES, NAMES
from seawall.risk.trees import COLUMNS, Forest, checked
from seawall.units import BadInput

Floats = npt.NDArray[np.float64]

SERVED: Final = ("worst", "slow", "up", "down")
PLACEBO: Final = "placebo"
HEADS: Final = (*SERVED, PLACEBO)
FORMAT: Final = 1
DEFAULT: Final = "default.npz"
BYTES_MAX: Final = 64_000_000
RATIO_MAX: Final = 60.0  # of a forecast over the base: beyond what any training holds
BASE: Final = NAMES.index("base")


class Tail(NamedTuple):
    """Quantiles of the worst move over the next hour, as fractions of the price; `slow` for any hour of the next 24."""

    worst: float
    slow: float
    up: float
    down: float


@dataclass(frozen=True, eq=False)
class TailModel:
    """A trained model. `model_id` is a hash of its bytes, `data_hash` one of what it was trained on."""

    heads: dict[str, Forest]
    model_id: str
    data_hash: str
    level: float  # the quantile, 0.995
    facts: dict[str, Any]  # of training: seed, rows, markets, recipe

    def bulk(self, features: Floats, head: str = "worst") -> Floats:
        """[N] forecasts of `head` for [N, FEATURES]; fractions of the price, NaN where the base is."""
        ratio = np.exp(np.minimum(self.heads[head].sums(features), np.log(RATIO_MAX)))
        scaled: Floats = ratio * np.exp(features[:, BASE])
        return scaled

    def forecast(self, features: Floats) -> Tail:
        """The forecast for one feature vector [FEATURES]."""
        return Tail(*(float(self.bulk(features[None, :], head)[0]) for head in SERVED))

    def save(self, path: Path) -> None:
        """Writes the model file."""
        path.write_bytes(encoded(self.heads, self.data_hash, self.level, self.facts))


def encoded(heads: dict[str, Forest], data_hash: str, level: float, facts: dict[str, Any]) -> bytes:
    """The model file: a compressed npz of arrays `head.column` and a JSON text; equal bytes for equal models."""
    meta = {"format": FORMAT, "features": NAMES, "data_hash": data_hash, "level": level, "facts": facts}
    arrays = {f"{head}.{name}": values for head in HEADS for name, values in heads[head].arrays().items()}
    text = json.dumps(meta, sort_keys=True).encode()
    target = io.BytesIO()
    np.savez_compressed(target, allow_pickle=False, meta=np.frombuffer(text, dtype=np.uint8), **arrays)
    return target.getvalue()


def decoded(body: bytes, name: str) -> TailModel:
    """The model in `body`. BadInput for anything but a sound model file over the features of this version."""
    if len(body) > BYTES_MAX:
        raise BadInput("model", f"larger than {BYTES_MAX:,} bytes", name)
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as content:
            arrays = {key: content[key] for key in content.files}
        meta = json.loads(arrays["meta"].tobytes())
        heads = {head: checked({column: arrays[f"{head}.{column}"] for column in COLUMNS}, FEATURES) for head in HEADS}
        if meta["format"] != FORMAT or tuple(meta["features"]) != NAMES:
            raise BadInput("model", "made for other features", name)
        known = hashlib.sha256(body).hexdigest()[:16]
        return TailModel(heads, known, str(meta["data_hash"]), float(meta["level"]), dict(meta["facts"]))
    except BadInput:
        raise
    except (KeyError, ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise BadInput("model", f"not a model file: {str(error)[:80]}", name) from None


@cache
def default() -> TailModel:
    """The model in the package, trained on generated worlds alone (docs/risk/model_card.md)."""
    return decoded((files("seawall.risk") / "models" / DEFAULT).read_bytes(), DEFAULT)


def load(path: Path) -> TailModel:
    """The model of a file. BadInput when it can not be read."""
    try:
        return decoded(path.read_bytes(), path.name)
    except OSError as error:
        raise BadInput("model", f"cannot be read: {error.strerror or error}", str(path)[:120]) from None
