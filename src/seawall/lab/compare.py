"""One crash under several rule sets, as each is configured and again at an equal margin.

Equal margin: every rule set's levels are scaled until the least initial margin of what the population opens, over its
notional, is that of the first rule set named (within 2 %; measured 0.1 %). What a stricter rule set does not let open
is not opened, so the comparison is by margin asked, not by accounts spared.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from seawall.lab import metrics
from seawall.lab.arena import Run, play
from seawall.lab.columns import Array
from seawall.lab.history import History
from seawall.lab.levels import CLOSE_ENOUGH, least_initial, market_under, scale_to
from seawall.lab.opening import capacity_for, fitted
from seawall.lab.outcome import figures
from seawall.lab.population import Population, usual_day_volume
from seawall.lab.replay import path_of
from seawall.lab.rulesets import RuleSet
from seawall.terms.market import Market
from seawall.units import BadInput

WORKERS: Final = 2
SCALE_TOLERANCE: Final = 0.02

Progress = Callable[[int], None]


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison:
    """Runs by rule set's name, as configured and at equal margin, with what the index alone would have done."""

    history: History
    people: Population
    seed: int
    configured: dict[str, Run]
    equal: dict[str, Run]
    breached: dict[str, Array]  # of the runs as configured
    breached_equal: dict[str, Array]
    scales: dict[str, float]

    def document(self) -> dict[str, Any]:
        """The figures of every run, ready for JSON."""
        has_index = bool(self.history.has_index.any())
        parts = (("rules", self.configured, self.breached), ("rules_at_equal_margin", self.equal, self.breached_equal))
        return {
            title: {name: figures(run, self.people, breached[name], has_index) for name, run in runs.items()}
            for title, runs, breached in parts
        }


def ranks_of(history: History) -> list[int]:
    """Liquidity rank of each market by usual volume; 0 is the most traded."""
    volume = usual_day_volume(history)
    rank = np.empty(history.markets, np.int64)
    rank[np.argsort(-volume, kind="stable")] = np.arange(history.markets)
    return [int(value) for value in rank]


def margin_rate(people: Population, markets: tuple[Market, ...]) -> float:
    """Least initial margin of what the population opens under these markets, over its notional."""
    lots, _ = fitted(people, markets)
    notional = np.abs(lots) * people.price[people.market]
    return float(least_initial(markets, people.market, notional).sum()) / max(float(notional.sum()), 1.0)


def work_of(history: History, rules: Sequence[RuleSet]) -> int:
    """Bars that `progress` will be told of in all: every run, and its shadow marked at the index."""
    return 4 * history.bars * len(rules)


def compare(
    history: History, people: Population, rules: Sequence[RuleSet], seed: int, progress: Progress
) -> Comparison:
    """Plays the history under every rule set twice. Depends on the arguments alone.

    Raises BadInput when the population does not fit one venue, or no rule set is named.
    """
    if not rules or len({one.name for one in rules}) != len(rules):
        raise BadInput("rules", "expected different rule sets, at least one")
    path, capacity, ranks = path_of(history, people), capacity_for(people), ranks_of(history)
    plain = {one.name: _markets(people, one.levels, ranks, 1.0) for one in rules}
    target = margin_rate(people, plain[rules[0].name])
    found = {one.name: _scaled(people, one.levels, ranks, target) for one in rules}
    scales = {name: scale for name, (scale, _) in found.items()}
    scaled = {name: markets for name, (_, markets) in found.items()}
    jobs = [(one, markets[one.name]) for markets in (plain, scaled) for one in rules]

    def run(job: tuple[RuleSet, tuple[Market, ...]]) -> tuple[Run, Array]:
        one, markets = job
        made = play(path, people, one, markets, capacity, seed, progress)
        shadow = replace(people, markets=markets, size=made.opened_size)
        shadow = replace(shadow, raw_usd=_raw_of(shadow, people))
        return made, metrics.breaches(path, shadow, progress)

    with ThreadPoolExecutor(WORKERS) as pool:
        done = list(pool.map(run, jobs))
    names = [one.name for one in rules]
    first, second = done[: len(names)], done[len(names) :]
    return Comparison(
        history=history,
        people=people,
        seed=seed,
        configured={name: made for name, (made, _) in zip(names, first, strict=True)},
        equal={name: made for name, (made, _) in zip(names, second, strict=True)},
        breached={name: hit for name, (_, hit) in zip(names, first, strict=True)},
        breached_equal={name: hit for name, (_, hit) in zip(names, second, strict=True)},
        scales=scales,
    )


def _markets(
    people: Population, levels: str, ranks: Sequence[int], scale: float, floor: float | None = None
) -> tuple[Market, ...]:
    pairs = zip(people.markets, ranks, strict=True)
    return tuple(market_under(levels, base, rank, scale, floor) for base, rank in pairs)


def _scaled(people: Population, levels: str, ranks: Sequence[int], target: float) -> tuple[float, tuple[Market, ...]]:
    """(scale, markets) whose margin rate is `target`.

    Leverages are whole numbers, so the rate jumps as the scale grows; what a jump leaves over is made up by the least
    margin, which has no steps.
    """
    scale = scale_to(target, lambda scale: margin_rate(people, _markets(people, levels, ranks, scale)))
    markets = _markets(people, levels, ranks, scale)
    if margin_rate(people, markets) < target * (1 - CLOSE_ENOUGH):
        more = scale_to(target, lambda floor: margin_rate(people, _markets(people, levels, ranks, scale, floor)), scale)
        markets = _markets(people, levels, ranks, scale, more)
    rate = margin_rate(people, markets)
    if abs(rate / target - 1.0) > SCALE_TOLERANCE:
        raise BadInput("rules", f"levels {levels}: margin {rate:.4f} of notional cannot be brought to {target:.4f}")
    return scale, markets


def _raw_of(opened: Population, asked: Population) -> Array:
    """raw_usd of the opened sizes with the equity that was asked for: the buckets a rule set really started with."""
    price, starts = asked.price[asked.market], asked.offsets[:-1]
    equity = asked.raw_usd + np.add.reduceat(asked.size * price, starts)
    return np.asarray(equity - np.add.reduceat(opened.size * price, starts))
