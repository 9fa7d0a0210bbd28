"""What any rule must close in a recorded crash: `python docs/risk/crash_bounds.py FOLDER --events DAY,DAY`.

The population of a replay at `static`'s levels, with nobody's orders moving a price:

* `at once`: what `static` closes, all of a bucket at the first traded price that leaves less than half of its initial
  margin;
* `stepwise`: below 80 % of initial margin at the index as much as leads back to 97.6 %, at the index, without fee or
  limit (`seawall` in a market of endless depth); `ended` are buckets that this leaves bankrupt or below 10 USD;
* `foreseen`: of the buckets that the index would bankrupt, one close that knows the whole path and takes the best
  moment from the loss of initial margin to bankruptcy, the least that prevents it. No rule that leaves a bucket alone
  above initial margin and keeps it solvent closes less.

Positions of a bucket shrink in proportion. The index is the traded price where no other is recorded.
"""

import argparse
from typing import NamedTuple

import numpy as np

from seawall.cli.risk_search import recorded
from seawall.lab.compare import markets_under, ranks_of
from seawall.lab.history import Ints
from seawall.lab.levels import least_initial
from seawall.lab.opening import fitted
from seawall.lab.path import path_of
from seawall.lab.population import Mix, Population, populate_for
from seawall.lab.rulesets import rule_sets
from seawall.terms.market import Market

START, BACK, AT_ONCE = 0.8, 0.976, 0.5  # of initial margin
DUST = 10e6  # micro-USD


class Course(NamedTuple):
    """A bucket left alone: equity, its initial margin and notional at every point, micro-USD."""

    equity: np.ndarray
    initial: np.ndarray
    notional: np.ndarray


def foreseen(one: Course) -> float:
    """Notional of the least single close that prevents bankruptcy; 0 where none threatens."""
    under = np.flatnonzero(one.equity < 0)
    if not len(under):
        return 0.0
    first, last = int(np.argmax(one.equity < one.initial)), int(under[0])
    worst = np.minimum.accumulate(one.equity[::-1])[::-1] - one.equity
    kept = np.where(worst < 0, np.maximum(one.equity, 0.0) / np.maximum(-worst, 1.0), 1.0)
    closed = (1.0 - np.minimum(kept, 1.0)) * one.notional
    return float(closed[first : last + 1].min())


def stepwise(one: Course) -> tuple[float, bool]:
    """(notional closed in steps at the mark, whether the bucket ended)."""
    closed, held, lost = 0.0, 1.0, 0.0  # equity of what is held: held x that of the course - lost
    at = 0
    while True:
        equity = held * one.equity[at:] - lost
        hit = np.flatnonzero(equity < START * held * one.initial[at:])
        if not len(hit):
            return closed, False
        at += int(hit[0])
        left = held * one.equity[at] - lost
        if left <= 0 or held * one.notional[at] <= DUST:
            return closed + held * one.notional[at], True
        keep = held * min(1.0, left / (BACK * held * one.initial[at]))
        closed += (held - keep) * one.notional[at]
        lost = keep * one.equity[at] - left
        held = keep


def course(people: Population, terms: tuple[Market, ...], lots: Ints, price: Ints, bucket: int) -> Course:
    """A bucket along prices [points, S]."""
    rows = slice(people.offsets[bucket], people.offsets[bucket + 1])
    market, size = people.market[rows], lots[rows]
    value = price[:, market] * size
    brought = people.raw_usd[bucket] + int((people.price[market] * people.size[rows]).sum())
    equity = brought + value.sum(axis=1) - int((people.price[market] * size).sum())
    each = [least_initial(terms, np.full(len(value), m), np.abs(value[:, k])) for k, m in enumerate(market)]
    return Course(equity.astype(float), np.sum(each, axis=0).astype(float), np.abs(value).sum(axis=1).astype(float))


def event(folder: str, day: str, accounts: int, markets: int, seed: int) -> np.ndarray:
    """[at once, stepwise, foreseen, buckets at once, ended stepwise]; notionals in USD."""
    history = recorded(folder, day, markets)
    people = populate_for(history, seed, Mix(accounts=accounts))
    terms = markets_under(people, rule_sets(("static",))[0], ranks_of(history), 1.0)
    lots, _ = fitted(people, terms)
    path = path_of(history, people)
    traded, index = (prices.reshape(-1, history.markets) for prices in (path.perp, path.index))
    found = np.zeros(5)
    for bucket in range(people.buckets):
        marked = course(people, terms, lots, index, bucket)
        closed, is_ended = stepwise(marked)
        found += (0.0, closed, foreseen(marked), 0.0, is_ended)
        last = course(people, terms, lots, traded, bucket)
        under = np.flatnonzero(last.equity < AT_ONCE * last.initial)
        if len(under):
            found += (last.notional[under[0]], 0.0, 0.0, 1.0, 0.0)
    found[:3] /= 1e6
    return found


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder")
    words.add_argument("--events", required=True)
    words.add_argument("--accounts", type=int, default=1_000)
    words.add_argument("--markets", type=int, default=20)
    words.add_argument("--seed", type=int, default=1)
    given = words.parse_args()
    print("| event | at once, USD | stepwise | foreseen | ended stepwise |\n|---|---|---|---|---|")
    total = np.zeros(5)
    for day in [*given.events.split(","), "pooled"]:
        found = total if day == "pooled" else event(given.folder, day, given.accounts, given.markets, given.seed)
        total = total + (found if day != "pooled" else 0)
        cells = f"{found[1] / found[0]:.2f} | {found[2] / found[0]:.2f} | {found[4] / found[3]:.2f}"
        print(f"| {day} | {found[0]:,.0f} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
