"""The intervals of candles: where each begins and ends. All begin on boundaries of UTC; a week on Monday."""

from datetime import UTC, datetime
from typing import Final

from seawall.units import BadInput, floor_div

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
MONDAY: Final = 4 * DAY  # 1970-01-05
MONTH: Final = "1M"

LENGTHS: Final = {
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": HOUR,
    "2h": 2 * HOUR,
    "4h": 4 * HOUR,
    "8h": 8 * HOUR,
    "12h": 12 * HOUR,
    "1d": DAY,
    "3d": 3 * DAY,
    "1w": WEEK,
}
INTERVALS: Final = (*LENGTHS, MONTH)
BASE: Final = "1m"
WIDE: Final = INTERVALS[1:]


def interval_of(text: object, field: str = "interval") -> str:
    """The interval that a client named. BadInput for any other text."""
    if isinstance(text, str) and text in INTERVALS:
        return text
    raise BadInput(field, f"{str(text)[:16]!r} is none of {' '.join(INTERVALS)}")


def start_of(interval: str, time: int) -> int:
    """When the candle that holds a time begins, in ms."""
    if interval == MONTH:
        return _month(time, 0)
    length = LENGTHS[interval]
    first = MONDAY if interval == "1w" else 0
    return first + floor_div(time - first, length) * length


def next_start(interval: str, start: int) -> int:
    """When the candle after the one that begins at `start` begins, in ms."""
    return _month(start, 1) if interval == MONTH else start + LENGTHS[interval]


def earlier(interval: str, start: int, count: int) -> int:
    """When the candle `count` before the one that begins at `start` begins, in ms."""
    return _month(start, -count) if interval == MONTH else start - count * LENGTHS[interval]


def _month(time: int, more: int) -> int:
    """The first ms of the month of a time, or of one that many months later; not before 1970."""
    day = datetime.fromtimestamp(floor_div(time, SECOND), UTC)
    years, month = divmod(day.year * 12 + day.month - 1 + more, 12)
    return max(0, int(datetime(max(years, 1), month + 1, 1, tzinfo=UTC).timestamp()) * SECOND)
