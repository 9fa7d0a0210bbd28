"""Figures of one rule set's run, from the engine's liquidation events alone (docs/lab/rules.md defines each).

Money is USD as a float with micro-USD precision, for people and JSON; nothing is decided by it.
"""

from typing import Any, Final

import numpy as np

from seawall.lab.arena import Run
from seawall.lab.history import Array
from seawall.lab.population import Population
from seawall.lab.series import CLOSES, field, notional_of
from seawall.terms import event

USD_MICRO: Final = 1e6


def figures(run: Run, people: Population, breached: Array, has_index: bool) -> dict[str, Any]:
    """The figures of docs/lab/rules.md. `breached`: buckets of the population that the index alone would have reached.

    A figure that needs an independent index is null without one.
    """
    kind = field(run.events, "kind")
    closes = np.isin(kind, CLOSES)
    touched = np.unique(run.event_owner[closes])
    gone = np.unique(run.event_owner[(kind == event.LIQUIDATION_END) & (field(run.events, "amount") == 1)])
    notional = notional_of(run.events) / USD_MICRO
    deficits = kind == event.DEFICIT
    paid_by_fund = deficits & (field(run.events, "other") == event.INSURANCE)
    amount = field(run.events, "amount") / USD_MICRO
    adl = kind == event.ADL
    return {
        "liquidated_accounts": len(touched),
        "fully_closed_accounts": len(gone),
        "liquidated_notional_usd": _usd(notional[closes].sum()),
        "unnecessary_liquidations": unnecessary(run, people, breached) if has_index else None,
        "bad_debt_usd": _usd(amount[deficits & ~paid_by_fund].sum()),
        "insurance_used_usd": _usd(amount[paid_by_fund].sum()),
        "adl_notional_usd": _usd(notional[adl].sum()),
        "adl_overshoot_usd": _usd(overshoot(run)),
        "impact_bps": impact(run, notional, kind == event.LIQUIDATION_FILL),
        "breach_to_flat_s": breach_to_flat(run),
        "average_margin_usd": _usd(run.seen.initial.mean() / USD_MICRO),
        "opening_margin_rate": round(run.opening_margin / max(run.opening_notional, 1), 6),
        "opening_notional_usd": _usd(run.opening_notional / USD_MICRO),
        "backstop_notional_usd": _usd(notional[kind == event.BACKSTOP].sum()),
        "backstop_result_usd": _usd((run.seen.backstop[-1] - run.opening_backstop) / USD_MICRO),
        "socialised_accounts": len(np.unique(run.event_other_owner[kind == event.SOCIALISED])),
        "fairness": fairness(run, notional),
        "still_queued": int(run.seen.waiting[-1]),
        "commands": run.commands,
    }


def _usd(value: float) -> float:
    return round(float(value), 6)


def unnecessary(run: Run, people: Population, breached: Array) -> int:
    """Buckets of the population that were closed in part or whole though the index never reached their maintenance."""
    kind = field(run.events, "kind")
    closes = np.isin(kind, CLOSES)
    hit = np.isin(run.opened_bucket, np.unique(field(run.events, "bucket")[closes])) & (run.opened_bucket >= 0)
    assert len(hit) == people.buckets
    return int((hit & ~breached).sum())


def overshoot(run: Run) -> float:
    """USD that auto-deleveraging took from winners beyond need: what it left in the losers it closed.

    A winner closed at the loser's bankruptcy price gives size x (mark - price) against the mark. Whatever of that the
    loser still holds when its liquidation ends was not needed.
    """
    kind, bucket = field(run.events, "kind"), field(run.events, "bucket")
    adl, ends = np.flatnonzero(kind == event.ADL), np.flatnonzero(kind == event.LIQUIDATION_END)
    if not len(adl):
        return 0.0
    size, price = field(run.events, "size")[adl].astype(np.float64), field(run.events, "price")[adl]
    given = size * (price - run.event_mark[adl]) / USD_MICRO  # size is signed for the loser: positive when it buys
    loser, place = np.unique(bucket[adl], return_inverse=True)
    given_by = np.bincount(place, weights=given, minlength=len(loser))
    left_by = np.zeros(len(loser))
    mine = ends[np.isin(bucket[ends], loser)]
    left = np.maximum(0.0, field(run.events, "equity")[mine] / USD_MICRO)
    np.add.at(left_by, np.searchsorted(loser, bucket[mine]), left)
    return float(np.minimum(np.maximum(given_by, 0.0), left_by).sum())


def impact(run: Run, notional: Array, rows: Array) -> float:
    """Average distance in basis points, by notional, of forced fills from the mark before them, against the account."""
    if not rows.any():
        return 0.0
    size, price, mark = (field(run.events, "size")[rows], field(run.events, "price")[rows], run.event_mark[rows])
    against = np.sign(size) * (price / np.maximum(mark, 1) - 1.0) * 1e4
    return round(float(np.average(against, weights=np.maximum(notional[rows], 1e-9))), 4)


def breach_to_flat(run: Run) -> float | None:
    """Mean seconds from the first LIQUIDATION event of a bucket to its next LIQUIDATION_END; null when none ended."""
    kind, bucket = field(run.events, "kind"), field(run.events, "bucket")
    spans: list[int] = []
    open_since: dict[int, int] = {}
    for place in np.flatnonzero((kind == event.LIQUIDATION) | (kind == event.LIQUIDATION_END)).tolist():
        number = int(bucket[place])
        if kind[place] == event.LIQUIDATION:
            open_since.setdefault(number, int(run.event_time[place]))
        elif number in open_since:
            spans.append(int(run.event_time[place]) - open_since.pop(number))
    return round(float(np.mean(spans)) / 1_000, 3) if spans else None


def fairness(run: Run, notional: Array) -> dict[str, Any]:
    """How auto-deleveraging fell on accounts: how many, the largest one's share, and the Gini coefficient of shares."""
    adl = field(run.events, "kind") == event.ADL
    owners, place = np.unique(run.event_other_owner[adl], return_inverse=True)
    if not len(owners):
        return {"adl_accounts": 0, "adl_largest_share": 0.0, "adl_gini": 0.0}
    each = np.sort(np.bincount(place, weights=notional[adl]))
    total = max(float(each.sum()), 1e-9)
    ranks = np.arange(1, len(each) + 1)
    gini = float((2 * ranks - len(each) - 1) @ each / (len(each) * total))
    return {
        "adl_accounts": len(owners),
        "adl_largest_share": round(float(each[-1]) / total, 6),
        "adl_gini": round(gini, 6),
    }
