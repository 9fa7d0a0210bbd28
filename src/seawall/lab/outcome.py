"""Figures of one rule set's run, from the tally of the engine's liquidation events (docs/lab/rules.md defines each).

Money is USD as a float with micro-USD precision, for people and JSON; nothing is decided by it.
"""

from typing import Any, Final

import numpy as np

from seawall.lab import tally as counted
from seawall.lab.arena import Run
from seawall.lab.history import Array
from seawall.lab.path import Path
from seawall.lab.population import Population
from seawall.lab.tally import Tally

USD_MICRO: Final = 1e6


def figures(run: Run, people: Population, crossed: Array, has_index: bool) -> dict[str, Any]:
    """The figures of docs/lab/rules.md. `crossed`: [A] what `breached` says.

    A figure that needs an independent index is null without one.
    """
    tally = run.tally
    return {
        "liquidated_accounts": int(tally.touched.sum()),
        "fully_closed_accounts": int(tally.gone.sum()),
        "liquidated_notional_usd": _usd(tally.closed.sum() / USD_MICRO),
        "unnecessary_liquidations": unnecessary(run, people, crossed) if has_index else None,
        "bad_debt_usd": _usd(tally.unpaid.sum() / USD_MICRO),
        "insurance_used_usd": _usd(tally.insured.sum() / USD_MICRO),
        "adl_notional_usd": _usd(tally.adl.sum() / USD_MICRO),
        "adl_overshoot_usd": _usd(overshoot(tally) / USD_MICRO),
        "impact_bps": impact(tally),
        "breach_to_flat_s": breach_to_flat(tally),
        "average_margin_usd": _usd(run.seen.initial.mean() / USD_MICRO),
        "opening_margin_rate": round(run.opening_margin / max(run.opening_notional, 1), 6),
        "opening_notional_usd": _usd(run.opening_notional / USD_MICRO),
        "backstop_notional_usd": _usd(tally.total[counted.BACKSTOP_NOTIONAL] / USD_MICRO),
        "backstop_result_usd": _usd((run.seen.backstop[-1] - run.opening_backstop) / USD_MICRO),
        "socialised_accounts": int(tally.socialised.sum()),
        "fairness": fairness(tally),
        "still_queued": int(run.seen.waiting[-1]),
        "commands": run.commands,
    }


def _usd(value: float) -> float:
    return round(float(value), 6)


def breached(run: Run, path: Path) -> Array:
    """[A] whether the index crossed the liquidation price of what each bucket of the population held when its
    liquidation began, from then on (lab/begun.py); False where none did."""
    found = run.begun.breached(run.markets, path, len(run.tally.first_bar))
    crossed: Array = (run.opened_bucket >= 0) & found[run.opened_bucket]
    return crossed


def unnecessary(run: Run, people: Population, crossed: Array) -> int:
    """Buckets of the population that were closed, in part or whole, though the index never crossed where it had to."""
    hit = (run.opened_bucket >= 0) & (run.tally.first_bar[run.opened_bucket] >= 0)
    assert len(hit) == people.buckets
    return int((hit & ~crossed).sum())


def overshoot(tally: Tally) -> int:
    """Micro-USD that auto-deleveraging took from winners beyond need: what it left in the losers it closed.

    A winner closed at the loser's bankruptcy price gives size x (mark - price) against the mark. Whatever of that the
    loser still holds when its liquidation ends was not needed.
    """
    return int(np.minimum(np.maximum(tally.given, 0), tally.left).sum())


def impact(tally: Tally) -> float:
    """Average distance in basis points, by notional, of forced fills from the mark before them, against the account."""
    weight = float(tally.impact[counted.WEIGHT])
    return round(float(tally.impact[counted.WEIGHTED]) / weight, 4) if weight > 0 else 0.0


def breach_to_flat(tally: Tally) -> float | None:
    """Mean seconds from the first LIQUIDATION event of a bucket to its next LIQUIDATION_END; null when none ended."""
    spans = int(tally.total[counted.SPANS])
    return round(int(tally.total[counted.SPAN_MS]) / spans / 1_000, 3) if spans else None


def fairness(tally: Tally) -> dict[str, Any]:
    """How auto-deleveraging fell on accounts: how many, the largest one's share, and the Gini coefficient of shares."""
    each = np.sort(tally.adl_notional[tally.adl_count > 0] / USD_MICRO)
    if not len(each):
        return {"adl_accounts": 0, "adl_largest_share": 0.0, "adl_gini": 0.0}
    total = max(float(each.sum()), 1e-9)
    ranks = np.arange(1, len(each) + 1)
    gini = float((2 * ranks - len(each) - 1) @ each / (len(each) * total))
    return {
        "adl_accounts": len(each),
        "adl_largest_share": round(float(each[-1]) / total, 6),
        "adl_gini": round(gini, 6),
    }
