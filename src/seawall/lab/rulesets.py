"""The rule sets a replay compares: a venue's liquidation rules (liquidation/rules.py) with its margin levels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from seawall.lab.history import Array, Ints
from seawall.liquidation.rules import RULES
from seawall.terms import parameter
from seawall.units import RATE_ONE, BadInput

CAPACITY_LEAST: Final = 1e9  # micro-USD
USD_MICRO: Final = 1e6
WIDEST: Final = RATE_ONE // 4  # the widest band a mark may have
BAND: Final = RATE_ONE // 50  # 2 %: together with the gate, measured on 2025-10-10 (docs/lab/replay.md)
GATE: Final = RATE_ONE * 3 // 100  # forced orders fill at 97 % of the index or better
THROTTLE: Final = {"seawall": 1.0}  # forced orders' share of the depth within 1 % in a capacity window
TITLES: Final = {"dydx": "dYdX"}
DESCRIPTIONS: Final = {
    "static": "A textbook venue: the whole position at once, at any price to bankruptcy; insurance, then queue ADL.",
    "hyperliquid": "Above 100,000 USD 20 % first and the rest after 30 s; below 2/3 of maintenance the vault takes "
    "all, keeps the margin and bears the loss; queue ADL.",
    "dydx": "At most 10 % of a position a second, the index as mark; insurance up to a cap, then pro-rata ADL.",
    "binance": "The whole position at once; the fund's vault takes over what is left; queue ADL.",
    "drift": "Throttled parts with a buffer of 2 %, the index as mark; insurance, pro-rata ADL, losses shared.",
    "seawall": "Maintenance at 80 % of initial margin and the least close that leads back to initial margin, the index "
    "as mark, forced orders within 3 % of it and throttled by depth; insurance, least-harm ADL.",
}
MARKS: Final[dict[str, tuple[int, int, int]]] = {  # (mark rule, band, gate) that --mark puts in every rule set
    "last": (parameter.MARK_LAST, WIDEST, RATE_ONE),
    "clamp-only": (parameter.MARK_LAST, BAND, RATE_ONE),
    "clamped": (parameter.MARK_LAST, BAND, GATE),
    "index": (parameter.MARK_INDEX, BAND, GATE),
}


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """One venue's way: levels by name (lab/levels.py) and parameter values of the engine.

    `maintenance`, where given, replaces the levels' own share of initial margin; `throttle` is what forced orders may
    take of the depth within 1 % in a capacity window, 0 without a limit.
    """

    name: str
    title: str
    description: str
    levels: str
    venue: dict[int, int] = field(default_factory=dict)
    market: dict[int, int] = field(default_factory=dict)
    maintenance: float | None = None
    throttle: float = 0.0

    @property
    def has_backstop(self) -> bool:
        return self.market.get(parameter.BACKSTOP_CAP, 0) > 0

    @property
    def is_marked_by_trades(self) -> bool:
        return self.venue[parameter.MARK_RULE] == parameter.MARK_LAST

    @property
    def is_throttled(self) -> bool:
        return self.throttle > 0

    def capacity(self, depth_usd: Array) -> Ints:
        """[S] what forced orders may take in one capacity window, micro-USD: a share of the depth that rests now."""
        return np.maximum(self.throttle * depth_usd * USD_MICRO, CAPACITY_LEAST).astype(np.int64)


def rule_sets(names: Sequence[str], mark: str | None = None) -> tuple[RuleSet, ...]:
    """Rule sets by name, in the order named, each with its own mark or all with one of MARKS.

    BadInput for an unknown or repeated name.
    """
    unknown = [name for name in names if name not in RULES]
    if unknown or not names or len(set(names)) != len(names):
        raise BadInput("rules", f"{', '.join(names) or 'none'}: expected different ones of {', '.join(RULES)}")
    if mark is not None and mark not in MARKS:
        raise BadInput("mark", f"unknown {mark!r}: one of {', '.join(MARKS)}")
    return tuple(_rule_set(name, mark) for name in names)


def _rule_set(name: str, mark: str | None) -> RuleSet:
    rules = RULES[name]
    venue, market = dict(rules.venue), dict(rules.market)
    if mark is not None:
        venue[parameter.MARK_RULE], market[parameter.MARK_BAND], market[parameter.GATE] = MARKS[mark]
    return RuleSet(
        name=name,
        title=TITLES.get(name, name.capitalize()),
        description=DESCRIPTIONS[name],
        levels=name,
        venue=venue,
        market=market,
        throttle=THROTTLE.get(name, 0.0),
    )
