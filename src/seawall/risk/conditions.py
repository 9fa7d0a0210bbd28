"""What the chain and the oracles say, and its own effect on margins: a longer close-out, a wider price, a breaker.

Each input acts by itself and is named in the reasons: a slow chain lengthens the time until a liquidation is final, and
the tail grows with its square root; sources that disagree make the mark uncertain by as much; a perp away from its
index is a move that has not happened yet.
"""

from dataclasses import dataclass
from enum import IntEnum
from math import isfinite, sqrt
from typing import Final

HORIZON_S: Final = 3_600.0  # of the tail forecast
BLOCK_S: Final = 2.0
GAS_FREE: Final = 5.0  # times its usual price at which keepers still act at once
GAS_DELAY_S: Final = 60.0  # for each further such multiple
LENGTH_MAX: Final = 24.0  # hours a close-out may be taken to last
DISAGREE_SOFT, DISAGREE_HARD = 0.005, 0.02
GAP_SOFT, GAP_HARD = 0.01, 0.03  # perp against index
LAG_SOFT_S, LAG_HARD_S = 60.0, 600.0


class Alarm(IntEnum):
    """What conditions alone ask of the breaker."""

    NONE = 0
    SOFT = 1
    HARD = 2


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What is observed now; None where it is not known. Seconds, ratios to usual, fractions of the price."""

    block_s: float | None = None  # time between blocks
    finality_s: float | None = None  # until a transaction is final
    gas_ratio: float | None = None  # price of gas over its usual
    oracle_age_s: float | None = None
    disagreement: float | None = None  # widest gap between price sources
    index_gap: float | None = None  # perp over index, less one


@dataclass(frozen=True)
class Effect:
    """What conditions do: margins are multiplied by `lengthen` and raised by `widen`; `alarm` goes to the breaker."""

    lengthen: float
    widen: float
    alarm: Alarm
    reasons: tuple[str, ...]

    def on(self, margin: float) -> float:
        """A margin under these conditions; at most 1."""
        return min(margin * self.lengthen + self.widen, 1.0)


def effect(seen: Conditions) -> Effect:
    """The effect of `seen`; what is missing, negative or not a number has none, and the latter is said."""
    reasons: list[str] = []
    values = {name: _sound(name, getattr(seen, name), reasons) for name in seen.__dataclass_fields__}
    waits = {
        "blocks come late": max(values["block_s"] - BLOCK_S, 0.0) * 2.0,
        "finality takes longer": values["finality_s"],
        "gas is dear": GAS_DELAY_S * max(values["gas_ratio"] / GAS_FREE - 1.0, 0.0),
        "the oracle is old": values["oracle_age_s"],
    }
    lag = sum(waits.values())
    lengthen = sqrt(min(1.0 + lag / HORIZON_S, LENGTH_MAX))
    reasons += [f"{why}: {wait:.0f} s more to close" for why, wait in waits.items() if wait >= 1.0]
    widen = values["disagreement"] + abs(values["index_gap"])
    if values["disagreement"] > DISAGREE_SOFT:
        reasons.append(f"price sources disagree by {values['disagreement']:.2%}")
    if abs(values["index_gap"]) > GAP_SOFT:
        reasons.append(f"the perp is {values['index_gap']:+.2%} away from its index")
    alarm = max(
        _grade(lag, LAG_SOFT_S, LAG_HARD_S),
        _grade(values["disagreement"], DISAGREE_SOFT, DISAGREE_HARD),
        _grade(abs(values["index_gap"]), GAP_SOFT, GAP_HARD),
    )
    return Effect(lengthen, min(widen, 1.0), alarm, tuple(reasons))


def _sound(name: str, value: float | None, reasons: list[str]) -> float:
    if value is None:
        return 0.0
    if not isfinite(value) or (value < 0.0 and name != "index_gap"):
        reasons.append(f"{name} is not usable: {value}")
        return 0.0
    return value


def _grade(value: float, soft: float, hard: float) -> Alarm:
    if value <= soft:
        return Alarm.NONE
    return Alarm.HARD if value > hard else Alarm.SOFT
