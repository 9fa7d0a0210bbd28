"""The rule sets a replay compares: a venue's liquidation rules (liquidation/rules.py) with its margin levels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from seawall.lab.columns import Array, Ints
from seawall.liquidation.rules import RULES
from seawall.terms import limits, parameter
from seawall.units import BadInput

CAPACITY_SHARE: Final = 0.5  # of the usual depth within 1 %, each capacity window, where forced orders are throttled
USD_MICRO: Final = 1e6
THROTTLED: Final = ("seawall",)
TITLES: Final = {"dydx": "dYdX"}


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """One venue's way: levels by name (lab/levels.py) and parameter values of the engine."""

    name: str
    title: str
    levels: str
    venue: dict[int, int] = field(default_factory=dict)
    market: dict[int, int] = field(default_factory=dict)

    @property
    def has_backstop(self) -> bool:
        return self.market.get(parameter.BACKSTOP_CAP, 0) > 0

    @property
    def is_throttled(self) -> bool:
        return self.name in THROTTLED

    def capacity(self, depth_usd: Array) -> Ints:
        """[S] liquidation capacity of a window in micro-USD: a share of the usual depth, or no limit."""
        usual = np.maximum(CAPACITY_SHARE * depth_usd * USD_MICRO, 1e9)
        return np.where(self.is_throttled, usual, limits.NOTIONAL_MAX).astype(np.int64)


def rule_sets(names: Sequence[str]) -> tuple[RuleSet, ...]:
    """Rule sets by name, in the order named. BadInput for an unknown or repeated name."""
    unknown = [name for name in names if name not in RULES]
    if unknown or not names or len(set(names)) != len(names):
        raise BadInput("rules", f"{', '.join(names) or 'none'}: expected different ones of {', '.join(RULES)}")
    return tuple(_rule_set(name) for name in names)


def _rule_set(name: str) -> RuleSet:
    rules = RULES[name]
    return RuleSet(
        name=name,
        title=TITLES.get(name, name.capitalize()),
        levels=name,
        venue=dict(rules.venue),
        market=dict(rules.market),
    )
