"""The stress state of a market: NORMAL, SOFT, HARD or RECOVERY, from five signs, with hysteresis.

A sign is 1 where it first worries and 2 where it alarms, straight in between. The stress of a market is its strongest
sign plus a quarter of the next, so that two that nearly worry do. Tighter states are entered at once; looser ones after
stress has stayed low for a while without a break, and one at a time, as the rails want it (SPEC section 10).
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from seawall.terms.parameter import HARD, NORMAL, RECOVERY, SOFT
from seawall.units import BadInput

NAMES: Final = {NORMAL: "normal", SOFT: "soft", HARD: "hard", RECOVERY: "recovery"}
WORRIES: Final = 1.0
ALARMS: Final = 2.0
CALM: Final = 0.7  # below it a market is quiet: lower than what worries, so that it does not tremble there
STRONGEST: Final = 3.0
SECOND_SHARE: Final = 0.25
CALM_MS: Final = 10 * 60_000  # of quiet before a looser state; longer than the dwell of the engine's breaker


class Level(NamedTuple):
    """Where a sign worries, where it alarms, and how it is told."""

    worries: float
    alarms: float
    words: str


class Signs(NamedTuple):
    """What is seen of a market. NaN: not known, and then it says nothing."""

    range: float = math.nan  # log of high over low of the last quarter of an hour, over what is usual in one
    depth_lost: float = math.nan  # share of the usual depth within 1 % that is gone
    open_interest_lost: float = math.nan  # share of the hour's greatest open interest, or of a floor, that is gone
    gap: float = math.nan  # |price of trades / index - 1|
    liquidated: float = math.nan  # notional closed by force within an hour, as a share of the same


LEVELS: Final = (
    Level(5.0, 12.0, "range of 15 minutes {:.1f} times the usual"),
    Level(0.5, 0.85, "{:.0%} of the usual depth gone"),
    Level(0.08, 0.2, "{:.1%} of open interest gone in an hour"),
    Level(0.01, 0.03, "perp {:.2%} from the index"),
    Level(0.01, 0.04, "{:.2%} of open interest liquidated in an hour"),
)


def severity(value: float, level: Level) -> float:
    """0 for nothing, 1 where it worries, 2 where it alarms, at most STRONGEST; 0 for NaN and below 0."""
    if math.isnan(value) or value <= 0.0:
        return 0.0
    if value <= level.worries:
        return value / level.worries
    return min(STRONGEST, 1.0 + (value - level.worries) / (level.alarms - level.worries))


def stress_of(signs: Signs) -> tuple[float, tuple[str, ...]]:
    """The stress of a market, and in words the signs that worry, the strongest first."""
    found = [(severity(value, level), value, level) for value, level in zip(signs, LEVELS, strict=True)]
    found.sort(key=lambda one: -one[0])
    words = tuple(level.words.format(value) for strength, value, level in found if strength >= WORRIES)
    return found[0][0] + SECOND_SHARE * found[1][0], words


@dataclass
class Stress:
    """The state of one market. `see` it at times that do not go back; integers of ms."""

    state: int = NORMAL
    stress: float = 0.0
    reasons: tuple[str, ...] = ()
    since_ms: int = 0  # of the state
    quiet_since_ms: int = -1  # -1: not quiet

    def see(self, signs: Signs, now_ms: int) -> int:
        """The state after what is seen now. BadInput for a time that goes back."""
        if now_ms < max(self.since_ms, self.quiet_since_ms):
            raise BadInput("time", "goes back")
        self.stress, self.reasons = stress_of(signs)
        limit = WORRIES if self.state == HARD else CALM
        if self.stress >= limit:
            self.quiet_since_ms = -1
        elif self.quiet_since_ms < 0:
            self.quiet_since_ms = now_ms
        wanted = self._wanted(now_ms)
        if wanted != self.state:
            self._enter(wanted, now_ms)
        return self.state

    def follow(self, state: int, now_ms: int) -> None:
        """Somebody else moved the breaker: a guardian, or silence. BadInput for a state that is none."""
        if state not in NAMES:
            raise BadInput("state", f"{state} is no state of a breaker")
        if state != self.state:
            self._enter(state, now_ms)

    def _enter(self, state: int, now_ms: int) -> None:
        self.state, self.since_ms, self.quiet_since_ms = state, now_ms, -1

    def _wanted(self, now_ms: int) -> int:
        if self.stress >= ALARMS:
            return HARD
        if self.stress >= WORRIES and self.state == NORMAL:
            return SOFT
        is_over = 0 <= self.quiet_since_ms <= now_ms - CALM_MS
        if is_over:
            return RECOVERY if self.state == HARD else NORMAL
        return self.state
