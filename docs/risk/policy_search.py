"""Settings of the waterfall against recorded crashes, at equal margin: `python docs/risk/policy_search.py FOLDER`.

Each candidate changes some parameters of the rule set `seawall`, and but for `seawall` itself none has its throttle by
depth; all play the same crashes as `static` does. `--events`
are those to choose on, or to judge on once chosen; `--only` names candidates. Prints one line an event and candidate,
ratios to `static`, and the sums.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from math import isnan
from multiprocessing import Pool
from typing import Any

from seawall.cli.replay import all_live
from seawall.lab.arena import play
from seawall.lab.breach import Buckets, breaches
from seawall.lab.compare import _markets, _raw_of, _scaled, margin_rate, ranks_of
from seawall.lab.files import Gaps, load
from seawall.lab.opening import capacity_for
from seawall.lab.outcome import figures
from seawall.lab.path import path_of
from seawall.lab.population import Mix, populate_for
from seawall.lab.rulesets import RuleSet, rule_sets
from seawall.terms import parameter as p
from seawall.units import RATE_ONE

TRAINING = "2020-03-12,2021-05-23,2022-11-08"
NO_EARLY_VAULT = {p.BACKSTOP_RATIO: 0}  # the vault takes what the book can not close, not what is merely late
THROTTLED = {
    p.PARTIAL_MODE: p.THROTTLED,
    p.PARTIAL_SHARE: RATE_ONE // 10,
    p.PARTIAL_FLOOR: 50 * 10**6,
    p.PARTIAL_COOLDOWN_MS: 60_000,
}
STEPS = {
    p.PARTIAL_MODE: p.SHARE_STEP,
    p.PARTIAL_SHARE: RATE_ONE // 10,
    p.PARTIAL_FLOOR: 10**9,
    p.PARTIAL_CEILING: 10**11,
    p.PARTIAL_COOLDOWN_MS: 1_000,
}
INDEX, NO_VAULT = {p.MARK_RULE: p.MARK_INDEX}, {p.BACKSTOP_CAP: 0}
CANDIDATES: dict[str, tuple[dict[int, int], dict[int, int]]] = {  # name -> parameters of the venue, of each market
    "seawall": ({}, {}),
    "late vault": (NO_EARLY_VAULT, {}),
    "no vault": (NO_EARLY_VAULT, NO_VAULT),
    "no vault, index": ({**NO_EARLY_VAULT, **INDEX}, NO_VAULT),
    "no vault, throttled": ({**NO_EARLY_VAULT, **THROTTLED}, NO_VAULT),
    "no vault, index, throttled": ({**NO_EARLY_VAULT, **INDEX, **THROTTLED}, NO_VAULT),
    "no vault, index, steps": ({**NO_EARLY_VAULT, **INDEX, **STEPS}, NO_VAULT),
}
SHOWN = ("liquidated_notional_usd", "fully_closed_accounts", "loss", "adl_notional_usd", "unnecessary_liquidations")


def candidates(names: list[str]) -> list[RuleSet]:
    static, own = rule_sets(("static", "seawall"))
    found = [static]
    for name in names:
        venue, market = CANDIDATES[name]
        found.append(replace(own, name=name, title=name, venue={**own.venue, **venue}, market={**own.market, **market}))
    return found


def outcomes(job: tuple[str, str, int, int, list[str]]) -> tuple[str, list[tuple[str, dict[str, float]]]]:
    """Figures of every candidate on one event."""
    folder, event, accounts, markets, names = job
    history = all_live(load(folder, event, markets=markets, gaps=Gaps.KEEP))
    people = populate_for(history, 1, Mix(accounts=accounts))
    path, capacity, ranks = path_of(history, people), capacity_for(people), ranks_of(history)
    target = margin_rate(people, _markets(people, "static", ranks, 1.0))
    found = []
    for one in candidates(names):
        terms = _scaled(people, one.levels, ranks, target)[1]
        run = play(path, people, one, terms, capacity, 1, lambda _: None)
        alone = Buckets(people.offsets, people.market, run.opened_size, _raw_of(run.opened_size, people))
        made = figures(
            run, people, breaches(alone, terms, path.index, path.funding_step), bool(history.has_index.any())
        )
        found.append((one.title, _numbers(made)))
    return event, found


def _numbers(made: dict[str, Any]) -> dict[str, float]:
    loss = (
        float(made["bad_debt_usd"]) + float(made["insurance_used_usd"]) - min(0.0, float(made["backstop_result_usd"]))
    )
    told = {**made, "loss": loss}
    return {name: float("nan") if told[name] is None else float(told[name]) for name in SHOWN}


def lines(event: str, found: list[tuple[str, dict[str, float]]]) -> Iterator[str]:
    base = found[0][1]
    for title, one in found:
        cells = [f"{one[name] / base[name]:.2f}" if base[name] > 0 else "-" for name in SHOWN]
        yield f"| {event} | {title} | {' | '.join(cells)} |"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder")
    words.add_argument("--events", default=TRAINING)
    words.add_argument("--only", default="", help="names apart by ';'")
    words.add_argument("--accounts", type=int, default=1_500)
    words.add_argument("--markets", type=int, default=12)
    words.add_argument("--processes", type=int, default=1)
    given = words.parse_args()
    names = [name for name in CANDIDATES if name in given.only.split(";")] or list(CANDIDATES)
    jobs = [(given.folder, event, given.accounts, given.markets, names) for event in given.events.split(",")]
    totals: dict[str, dict[str, float]] = {}
    print("| event | rules | notional | fully closed | loss | ADL | unnecessary |\n|---|---|---|---|---|---|---|")
    with Pool(given.processes) as pool:
        for event, found in pool.imap(outcomes, jobs):
            print("\n".join(lines(event, found)), flush=True)
            for title, one in found:
                kept = totals.setdefault(title, dict.fromkeys(SHOWN, 0.0))
                for name, value in one.items():
                    kept[name] += 0.0 if isnan(value) else value
    print("\n".join(lines("pooled", list(totals.items()))))


if __name__ == "__main__":
    main()
