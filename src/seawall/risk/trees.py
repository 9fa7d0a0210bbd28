"""Tree ensembles as arrays, and their evaluation: LightGBM trains them, nothing but numpy and a kernel serves them."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from seawall.kernel import kernel, warm_up
from seawall.units import BadInput

NODES_MAX: Final = 1_000_000
DEPTH_MAX: Final = 64

Numbers = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees whose sum is the answer. Node n splits on `feature[n]`, or is a leaf of `value[n]` when that is -1.

    A number <= `threshold[n]` goes to node `left[n]`, a greater one to `right[n]`; NaN goes left where `nan_left[n]`.
    Children stand behind their parent. `roots` are the first nodes of the trees.
    """

    roots: Numbers  # int32 [trees]
    feature: Numbers  # int16 [nodes]
    threshold: Numbers  # float64 [nodes]
    left: Numbers  # int32 [nodes]
    right: Numbers  # int32 [nodes]
    nan_left: Numbers  # uint8 [nodes]
    value: Numbers  # float64 [nodes]

    def arrays(self) -> dict[str, Numbers]:
        """The columns by name."""
        return {name: getattr(self, name) for name in COLUMNS}

    def sums(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """[N] sums of leaves for [N, F] features; a row is summed in the order of the trees."""
        out = np.zeros(len(features))
        columns = (self.roots, self.feature, self.threshold, self.left, self.right, self.nan_left, self.value)
        evaluate(*columns, np.ascontiguousarray(features), out)
        return out


COLUMNS: Final = ("roots", "feature", "threshold", "left", "right", "nan_left", "value")
TYPES: Final = {
    "roots": np.int32,
    "feature": np.int16,
    "threshold": np.float64,
    "left": np.int32,
    "right": np.int32,
    "nan_left": np.uint8,
    "value": np.float64,
}


def checked(arrays: dict[str, Numbers], features: int) -> Forest:
    """A forest of which every walk ends. BadInput when the arrays describe none over `features` columns."""
    missing = [name for name in COLUMNS if name not in arrays]
    if missing:
        raise BadInput("model", f"no array {missing[0]}")
    made = Forest(*(np.ascontiguousarray(arrays[name], dtype=TYPES[name]) for name in COLUMNS))
    nodes = len(made.feature)
    places = np.arange(nodes)
    inner = made.feature >= 0
    lengths_agree = all(len(getattr(made, name)) == nodes for name in COLUMNS[1:])
    if not lengths_agree or nodes > NODES_MAX or not bool((made.feature < features).all()):
        raise BadInput("model", "trees do not fit the features")
    for child in (made.left[inner], made.right[inner]):
        if not bool(((child > places[inner]) & (child < nodes)).all()):
            raise BadInput("model", "a tree does not end")
    if len(made.roots) and not bool(((made.roots >= 0) & (made.roots < nodes)).all()):
        raise BadInput("model", "a tree begins nowhere")
    if not bool(np.isfinite(made.value).all()) or bool(np.isnan(made.threshold).any()):
        raise BadInput("model", "a leaf or a threshold is not a number")
    return made


@kernel
def evaluate(
    roots: Any, feature: Any, threshold: Any, left: Any, right: Any, nan_left: Any, value: Any, features: Any, out: Any
) -> None:
    """Adds to `out` [N] the leaves that `features` [N, F] reach."""
    for row in range(len(out)):
        total = 0.0
        for root in roots:
            node = root
            while feature[node] >= 0:  # ends: children stand behind their parent (checked)
                seen = features[row, feature[node]]
                goes_left = nan_left[node] != 0 if np.isnan(seen) else seen <= threshold[node]
                node = left[node] if goes_left else right[node]
            total += value[node]
        out[row] += total


@warm_up
def _warm_up() -> None:
    stump = {name: np.zeros(1) for name in COLUMNS} | {"feature": np.full(1, -1)}
    checked(stump, 1).sums(np.zeros((1, 1)))
