"""One crash under several rule sets, as each is configured and again at an equal margin.

Equal margin: every rule set's levels are scaled until the least initial margin of what the population opens, over its
notional, is that of the first rule set named (within 2 %; measured 0.1 %). What a stricter rule set does not let open
is not opened, so the comparison is by margin asked, not by accounts spared.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from seawall.lab.arena import Run, play
from seawall.lab.history import Array, History
from seawall.lab.levels import CLOSE_ENOUGH, least_initial, market_under, scale_to
from seawall.lab.opening import capacity_for, fitted
from seawall.lab.outcome import breached, figures
from seawall.lab.path import Path, path_of
from seawall.lab.population import Population, usual_day_volume
from seawall.lab.rulesets import RuleSet
from seawall.terms.market import Market
from seawall.units import BadInput

WORKERS: Final = 2
SCALE_TOLERANCE: Final = 0.02

Progress = Callable[[int], None]


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """A run, and [A] whether the index crossed the liquidation price of each bucket that was liquidated."""

    run: Run
    breached: Array


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison:
    """Outcomes by rule set's name, as configured and at equal margin; one object where both are the same."""

    path: Path
    people: Population
    seed: int
    configured: dict[str, Outcome]
    equal: dict[str, Outcome]
    scales: dict[str, float]

    @property
    def history(self) -> History:
        return self.path.history

    def figures(self) -> dict[str, dict[str, Any]]:
        """The figures of every run, ready for JSON."""
        has_index = bool(self.history.has_index.any())
        parts = (("rules", self.configured), ("rules_at_equal_margin", self.equal))
        return {
            title: {name: figures(made.run, self.people, made.breached, has_index) for name, made in outcomes.items()}
            for title, outcomes in parts
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
    """Bars that `progress` will be told of in all."""
    return 2 * history.bars * len(rules)


def compare(
    history: History, people: Population, rules: Sequence[RuleSet], seed: int, progress: Progress
) -> Comparison:
    """Plays the history under every rule set twice, once where the equal margin is its own. Depends on the arguments
    alone.

    Raises BadInput when the population does not fit one venue, or no rule set is named.
    """
    if not rules or len({one.name for one in rules}) != len(rules):
        raise BadInput("rules", "expected different rule sets, at least one")
    path, capacity, ranks = path_of(history, people), capacity_for(people), ranks_of(history)
    plain = {one.name: markets_under(people, one, ranks, 1.0) for one in rules}
    target = margin_rate(people, plain[rules[0].name])
    found = {one.name: scaled_to(people, one, ranks, target) for one in rules}
    jobs = [(one, plain[one.name]) for one in rules]
    jobs += [(one, markets) for one in rules if (markets := found[one.name][1]) != plain[one.name]]

    def run(job: tuple[RuleSet, tuple[Market, ...]]) -> Outcome:
        one, markets = job
        made = play(path, people, one, markets, capacity, seed, progress)
        return Outcome(run=made, breached=breached(made, path))

    progress(history.bars * (2 * len(rules) - len(jobs)))
    with ThreadPoolExecutor(WORKERS) as pool:
        done = list(pool.map(run, jobs))
    configured = {one.name: made for one, made in zip(rules, done, strict=False)}
    scaled = {one.name: made for (one, _), made in zip(jobs[len(rules) :], done[len(rules) :], strict=True)}
    return Comparison(
        path=path,
        people=people,
        seed=seed,
        configured=configured,
        equal={name: scaled.get(name, made) for name, made in configured.items()},
        scales={name: scale for name, (scale, _) in found.items()},
    )


def markets_under(
    people: Population, rules: RuleSet, ranks: Sequence[int], scale: float, floor: float | None = None
) -> tuple[Market, ...]:
    """The population's markets with the levels of a rule set, both margins multiplied by `scale` (levels.py)."""
    pairs = zip(people.markets, ranks, strict=True)
    return tuple(market_under(rules.levels, base, rank, scale, floor, rules.maintenance) for base, rank in pairs)


def scaled_to(
    people: Population, rules: RuleSet, ranks: Sequence[int], target: float
) -> tuple[float, tuple[Market, ...]]:
    """(scale, markets) whose margin rate is `target`. BadInput when that is out of reach by more than 2 %.

    Leverages are whole numbers, so the rate jumps as the scale grows; what a jump leaves over is made up by the least
    margin, which has no steps.
    """
    scale = scale_to(target, lambda scale: margin_rate(people, markets_under(people, rules, ranks, scale)))
    markets = markets_under(people, rules, ranks, scale)
    if margin_rate(people, markets) < target * (1 - CLOSE_ENOUGH):
        more = scale_to(
            target, lambda floor: margin_rate(people, markets_under(people, rules, ranks, scale, floor)), scale
        )
        markets = markets_under(people, rules, ranks, scale, more)
    rate = margin_rate(people, markets)
    if abs(rate / target - 1.0) > SCALE_TOLERANCE:
        raise BadInput("rules", f"{rules.name}: margin {rate:.4f} of notional cannot be brought to {target:.4f}")
    return scale, markets
