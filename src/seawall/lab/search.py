"""Search of the liquidation policy: variants of the rule set `seawall` against `static` on the same crashes.

Every candidate opens what `static` opens at the same initial margin. A policy is judged by the mean over crashes of its
ratios to `static`: it is admitted when the loss is at most `loss_max`, and among those the one that closes least is
best. One job is one crash under all candidates, so jobs share nothing and run in processes or on a Ray cluster.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import product
from typing import Any, Final, NamedTuple

import numpy as np

from seawall.lab.arena import play
from seawall.lab.compare import margin_rate, markets_under, ranks_of, scaled_to
from seawall.lab.history import History
from seawall.lab.opening import capacity_for
from seawall.lab.outcome import breached, figures
from seawall.lab.path import path_of
from seawall.lab.population import Mix, populate_for
from seawall.lab.rulesets import RuleSet, rule_sets
from seawall.terms import parameter
from seawall.units import RATE_ONE, BadInput

LOSS_SHOWN: Final = 9.0  # a greater ratio counts as this: some crashes cost `static` next to nothing
CANDIDATES_MAX: Final = 1_000
SHARE_MAX: Final = 1 / 1.2  # of maintenance in initial margin (SPEC section 10)
FIGURES: Final = ("notional", "closed", "loss", "adl", "unnecessary", "touched")
MARKS: Final = {"index": parameter.MARK_INDEX, "median": parameter.MARK_MEDIAN}


class Policy(NamedTuple):
    """What is searched. Shares: of initial margin, of the depth within 1 % (0: no throttle), of notional."""

    maintenance: float
    exit: float  # equity at which a liquidation ends, as a share of initial margin
    throttle: float
    fee: float
    mark: str

    @property
    def name(self) -> str:
        return f"m{self.maintenance:g} e{self.exit:g} t{self.throttle:g} f{self.fee:g} {self.mark}"


class Job(NamedTuple):
    """One crash to play: made in the worker, so that nothing large travels."""

    name: str
    make: Callable[[], History]
    policies: tuple[Policy, ...]
    accounts: int
    seed: int


class Score(NamedTuple):
    """A policy's mean ratios to `static` (NaN where no crash has the figure) and whether its loss is admitted."""

    policy: Policy
    ratios: dict[str, float]
    by_crash: dict[str, dict[str, float]]
    is_admitted: bool

    @property
    def closes(self) -> float:
        """What is made small: liquidated notional and fully closed accounts, as ratios, added."""
        return self.ratios["notional"] + self.ratios["closed"]


def policies(
    maintenance: Iterable[float],
    exit_: Iterable[float],
    throttle: Iterable[float],
    fee: Iterable[float],
    mark: Iterable[str],
) -> tuple[Policy, ...]:
    """Every combination whose liquidations end above maintenance. BadInput for a value that is none, or too many."""
    found = [Policy(*one) for one in product(maintenance, exit_, throttle, fee, mark)]
    for one in found:
        _check(one)
    found = [one for one in found if one.exit >= one.maintenance]
    if not found or len(found) > CANDIDATES_MAX:
        raise BadInput("policies", f"{len(found)} candidates, expected 1..{CANDIDATES_MAX}")
    return tuple(dict.fromkeys(found))


def _check(one: Policy) -> None:
    bounds = {"maintenance": (0.1, SHARE_MAX), "exit": (0.1, 1.0), "throttle": (0.0, 100.0), "fee": (0.0, 0.02)}
    for name, (low, high) in bounds.items():
        if not low <= getattr(one, name) <= high:
            raise BadInput(name, f"{getattr(one, name):g} is outside {low:g}..{high:.4g}")
    if one.mark not in MARKS:
        raise BadInput("mark", f"unknown {one.mark!r}: one of {', '.join(MARKS)}")


def rules_of(policy: Policy) -> RuleSet:
    """The rule set `seawall` with the values of a policy."""
    own = rule_sets(("seawall",))[0]
    buffer = min(RATE_ONE, int((policy.exit / policy.maintenance - 1.0) * RATE_ONE))
    venue = {**own.venue, parameter.EXIT_BUFFER: buffer, parameter.MARK_RULE: MARKS[policy.mark]}
    market = {**own.market, parameter.LIQUIDATION_FEE: int(policy.fee * RATE_ONE)}
    made = replace(own, name=policy.name, venue=venue, market=market)
    return replace(made, maintenance=policy.maintenance, throttle=policy.throttle)


def played(job: Job) -> tuple[str, list[dict[str, float]]]:
    """(crash, figures of `static` and then of every policy)."""
    history = job.make()
    people = populate_for(history, job.seed, Mix(accounts=job.accounts))
    path, capacity, ranks = path_of(history, people), capacity_for(people), ranks_of(history)
    static = rule_sets(("static",))[0]
    target = margin_rate(people, markets_under(people, static, ranks, 1.0))
    has_index = bool(history.has_index.any())
    found = []
    for rules in (static, *(rules_of(policy) for policy in job.policies)):
        _, markets = scaled_to(people, rules, ranks, target)
        run = play(path, people, rules, markets, capacity, job.seed, lambda _: None)
        made = figures(run, people, breached(run, path), has_index)
        found.append(_numbers(made))
    return job.name, found


def _numbers(made: dict[str, Any]) -> dict[str, float]:
    loss = made["bad_debt_usd"] + made["insurance_used_usd"] - made["backstop_result_usd"]
    unnecessary = made["unnecessary_liquidations"]
    values = (
        made["liquidated_notional_usd"],
        made["fully_closed_accounts"],
        loss,
        made["adl_notional_usd"],
        np.nan if unnecessary is None else unnecessary,
        made["liquidated_accounts"],
    )
    return dict(zip(FIGURES, map(float, values), strict=True))


def search(
    jobs: Sequence[Job], *, processes: int, is_ray: bool, loss_max: float, told: Callable[[str], None]
) -> list[Score]:
    """Scores of all policies, admitted ones first, then by what they close. The same jobs give the same scores.

    `told` is called with the name of each crash that is done. BadInput when Ray is asked for and not installed.
    """
    done: dict[str, list[dict[str, float]]] = {}
    runner = _on_ray(jobs) if is_ray else _in_processes(jobs, processes)
    for name, found in runner:
        done[name] = found
        told(name)
    names = [job.name for job in jobs]
    scores = [
        _score(policy, {name: _ratios(done[name][place], done[name][0]) for name in names}, loss_max)
        for place, policy in enumerate(jobs[0].policies, start=1)
    ]
    return sorted(scores, key=lambda one: (not one.is_admitted, one.closes, one.policy))


def _score(policy: Policy, by_crash: dict[str, dict[str, float]], loss_max: float) -> Score:
    ratios = {}
    for name in FIGURES:
        told = np.array([found[name] for found in by_crash.values()])
        known = np.minimum(told[np.isfinite(told)], LOSS_SHOWN)
        ratios[name] = float(known.mean()) if len(known) else float("nan")
    return Score(policy, ratios, by_crash, ratios["loss"] <= loss_max)


def _ratios(one: dict[str, float], base: dict[str, float]) -> dict[str, float]:
    return {name: one[name] / base[name] if base[name] > 0 else float("nan") for name in FIGURES}


def _in_processes(jobs: Sequence[Job], processes: int) -> Iterator[tuple[str, list[dict[str, float]]]]:
    if processes == 1:
        yield from map(played, jobs)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(played, jobs)


def _on_ray(jobs: Sequence[Job]) -> Iterator[tuple[str, list[dict[str, float]]]]:
    try:
        import ray
    except ImportError as error:
        raise BadInput("ray", "not installed: pip install 'seawall[ray]'") from error
    is_own = not ray.is_initialized()
    if is_own:
        ray.init(log_to_driver=False, include_dashboard=False, configure_logging=False)
    try:
        work = ray.remote(played)
        waiting = [work.remote(job) for job in jobs]
        while waiting:
            ready, waiting = ray.wait(waiting)
            yield from ray.get(ready)
    finally:
        if is_own:
            ray.shutdown()
