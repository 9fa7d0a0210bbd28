"""Columns of one market's state: a row of float64 that the kernels of features.py read and write."""

from typing import Final

HALF_LIVES: Final = (0.7, 2.0, 5.0, 12.0, 36.0, 96.0, 336.0, 1440.0, 6000.0)  # hours, of the mean ranges
NEAR, FAR = 3, 5  # places in HALF_LIVES whose mean is the base
BINS: Final = 128

COUNT, TIME, CLOSE, LAST_RANGE, RUN, FLAGS = range(6)
SUSPECT, SUSPECT_COUNT = 6, 7
RANGES: Final = 8  # one a half-life
RETURNS: Final = RANGES + len(HALF_LIVES)  # decayed sums of returns over 6, 24, 168 h, then the last return
RETURN_HOURS: Final = (6.0, 24.0, 168.0)
LAST_RETURN: Final = RETURNS + len(RETURN_HOURS)
MAX_DAY, MAX_WEEK, PEAK, VARIANCE = range(LAST_RETURN + 1, LAST_RETURN + 5)
VOLUMES: Final = VARIANCE + 1  # last, then means over 6, 24, 168 h, then how many there were
VOLUME_HOURS: Final = (6.0, 24.0, 168.0)
VOLUME_COUNT: Final = VOLUMES + 1 + len(VOLUME_HOURS)
HOURS: Final = VOLUME_COUNT + 1  # mean of range over base, by hour of the day
DAYS: Final = HOURS + 24  # by day of the week
WEIGHTS: Final = DAYS + 7  # total of each histogram
UP, DOWN = WEIGHTS + 3, WEIGHTS + 4  # last moves from the close before, by side; NaN where none was measured
HISTOGRAMS: Final = WEIGHTS + 5
OVER_BASE, ABSOLUTE, OVER_SIGMA = range(3)  # histograms: move over base, move, move over EWMA volatility
WIDTH: Final = HISTOGRAMS + 3 * BINS

# FLAGS of the last bar that was offered
FROZEN, JUMPED, BAD_VOLUME, LATE = 1, 2, 4, 8
