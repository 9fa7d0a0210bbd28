"""Resting depth estimated from candles, where no order book was recorded (docs/lab/data.md has the calibration)."""

from typing import Final

import numpy as np
import numpy.typing as npt

from seawall.lab.history import Flags, Floats

HOUR_MS: Final = 3_600_000
SHARE_OF_HOUR: Final = 0.3  # depth within 1 % on one side over a usual hour's volume; recorded: 0.1 to 0.5
THINNING_RANGE: Final = 30.0  # recent range over the usual one at which half of the depth has left
THINNING_POWER: Final = 1.5
FLOOR: Final = 0.05  # of the usual depth
STRESS_MS: Final = 20 * 60_000  # "recent" is 20 minutes


def thinning(range_ratio: Floats) -> Floats:
    """Share of the usual depth that still rests when the recent range is `range_ratio` times the usual one."""
    kept: Floats = np.maximum(1.0 / (1.0 + (range_ratio / THINNING_RANGE) ** THINNING_POWER), FLOOR)
    return kept


def estimate_depth(*, volume_usd: Floats, high: Floats, low: Floats, live: Flags, interval_ms: int) -> Floats:
    """[T, S] depth at each bar's open from volume and range of the bars before it; 0 where not live.

    Usual means the median of the live bars: for the volume never below a quarter of its mean (thinly traded
    markets have a zero median).
    """
    depth = np.zeros(volume_usd.shape)
    recent = max(1, round(STRESS_MS / interval_ms))
    for column in range(volume_usd.shape[1]):
        rows = np.flatnonzero(live[:, column])
        if not len(rows):
            continue
        volume = volume_usd[rows, column]
        usual_volume = max(float(np.median(volume)), 0.25 * float(volume.mean())) * HOUR_MS / interval_ms
        ranges = np.log(high[rows, column] / low[rows, column])
        usual_range = max(float(np.median(ranges)), 0.25 * float(ranges.mean()), 1e-9)
        before = _rms_before(ranges, recent) / usual_range
        depth[rows, column] = SHARE_OF_HOUR * usual_volume * thinning(before)
    return depth


def _rms_before(values: Floats, count: int) -> Floats:
    """Root mean square of the `count` values before each place; of the first value at the start."""
    total: npt.NDArray[np.float64] = np.concatenate(([0.0], np.cumsum(values**2)))
    places = np.arange(len(values))
    first = np.maximum(places - count, 0)
    known = np.maximum(places - first, 1)
    mean = (total[places] - total[first]) / known
    mean[0] = values[0] ** 2
    return np.sqrt(np.maximum(mean, 0.0))
