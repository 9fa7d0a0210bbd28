"""Crashes with accounts that come while they run: `python docs/risk/arrivals_table.py FOLDER --events DAY,DAY`.

Half of the owners stand before the first bar, the others open in a bar of their own (lab/arrivals.py). Four ways at one
average of initial margin over opened notional, that of `static`: its levels and rules; its rules with margins that move
(levels x --floor, and new risk asked the model's forecast, scaled); the rules of `seawall` at its own levels; both.
Prints a table of the sums over `static`'s, and a line an event.
"""

import argparse
import sys

import numpy as np

from seawall.cli.risk_search import recorded
from seawall.lab.arena import play
from seawall.lab.arrivals import Arrivals, arrivals_of, asked_rate
from seawall.lab.compare import markets_under, ranks_of
from seawall.lab.opening import capacity_for
from seawall.lab.outcome import breached, figures
from seawall.lab.path import path_of
from seawall.lab.population import Mix, populate_for
from seawall.lab.rulesets import rule_sets
from seawall.risk.charging import charged, forecasts
from seawall.risk.model import default
from seawall.units import RATE_ONE

SHOWN = ("notional", "closed", "loss", "ADL", "unnecessary", "opened", "margin rate")


def numbers(made: dict) -> tuple[float, ...]:
    """One run's figures in the order of SHOWN; NaN where none can be told."""
    loss = made["bad_debt_usd"] + made["insurance_used_usd"] - made["backstop_result_usd"]
    unnecessary = made["unnecessary_liquidations"]
    return (
        made["liquidated_notional_usd"],
        made["fully_closed_accounts"],
        loss,
        made["adl_notional_usd"],
        np.nan if unnecessary is None else unnecessary,
        made["opening_notional_usd"],
        made["opening_margin_rate"],
    )


def played(folder: str, day: str, *, accounts: int, markets: int, floor: float, seed: int) -> np.ndarray:
    """[4, SHOWN] of one event: static, its margins moving, seawall, both."""
    history = recorded(folder, day, markets)
    people = populate_for(history, seed, Mix(accounts=accounts))
    path, ranks, room = path_of(history, people), ranks_of(history), capacity_for(people)
    bar = arrivals_of(people, history.bars, seed)
    fixed, ahead = Arrivals(bar=bar), forecasts(folder, history, default())
    static, ours = rule_sets(("static", "seawall"))
    levels = {rules.name: markets_under(people, rules, ranks, 1.0) for rules in (static, ours)}
    usual = np.array([terms.initial_live / RATE_ONE for terms in levels["static"]])
    target = asked_rate(people, fixed, path, levels["static"])
    found = []
    for rules in (static, ours):
        lower = markets_under(people, rules, ranks, floor)
        _, moving = charged(people, path, lower, bar, ahead, usual, target)
        for coming, terms in ((fixed, levels[rules.name]), (moving, lower)):
            run = play(path, people, rules, terms, room, seed, lambda _: None, coming)
            found.append(numbers(figures(run, people, breached(run, path), bool(history.has_index.any()))))
    return np.array(found)


def ratios(table: np.ndarray) -> str:
    """Cells of one table row a way: figures over those of `static`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = table / table[0]
    return "; ".join(" ".join("-" if not np.isfinite(x) else f"{x:.3f}" for x in row) for row in found)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder")
    words.add_argument("--events", required=True)
    words.add_argument("--accounts", type=int, default=1_000)
    words.add_argument("--markets", type=int, default=20)
    words.add_argument("--floor", type=float, default=0.9, help="calm levels, of the static ones")
    words.add_argument("--seed", type=int, default=1)
    given = words.parse_args()
    sizes = {"accounts": given.accounts, "markets": given.markets, "floor": given.floor, "seed": given.seed}
    tables = []
    for day in given.events.split(","):
        tables.append(played(given.folder, day, **sizes))
        print(f"{day}: {ratios(tables[-1])}", file=sys.stderr, flush=True)
    whole = np.array(tables)
    ways = ("static", "static, margins moving", "seawall", "seawall, margins moving")
    print(f"| {len(tables)} events | {' | '.join(SHOWN)} |\n|---|{'---|' * len(SHOWN)}")
    for place, way in enumerate(ways):
        cells = []
        for column in range(len(SHOWN)):
            known = np.isfinite(whole[:, :, column]).all(axis=1)
            cells.append(f"{whole[known, place, column].sum() / whole[known, 0, column].sum():.3f}")
        print(f"| {way} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
