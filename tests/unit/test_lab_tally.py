"""What is counted batch by batch is what the events, all kept, say: rule by rule, figure by figure."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from seawall.lab import arena, outcome
from seawall.lab.compare import Outcome, compare
from seawall.lab.generator import generate
from seawall.lab.levels import least_initial, market_under
from seawall.lab.population import Mix, Population, populate_for
from seawall.lab.required import Slots, levels_for, open_initial
from seawall.lab.rulesets import rule_sets
from seawall.lab.tally import Tally, add_events, add_fills, tally_of
from seawall.ledger import state
from seawall.liquidation.rules import RULES
from seawall.terms import event

CLOSES = (event.LIQUIDATION_FILL, event.BACKSTOP, event.ADL)
ROWS = dict[str, int]


class Kept(NamedTuple):
    """Events of one run as mappings, each with its bar, time, mark and owners."""

    rows: list[ROWS]
    people: Population
    made: Outcome

    def of(self, *kinds: int) -> list[ROWS]:
        return [row for row in self.rows if row["kind"] in kinds]


@pytest.fixture(scope="module", params=sorted(RULES))
def kept(request: pytest.FixtureRequest) -> Kept:
    """Every event of a crash under a rule set, beside what the run itself counted."""
    rows: list[ROWS] = []

    def listening(tally: Tally, events: np.ndarray, marks: np.ndarray, bar: int, now_ms: int) -> int:
        for values in events.tolist():
            row = dict(zip(event.ROW, values, strict=True))
            row |= {"bar": bar, "now_ms": now_ms, "mark": int(marks[row["market"]])}
            row |= {
                "owner": int(tally.owner[row["bucket"]]),
                "other_owner": int(tally.owner[row["other"]]) if row["kind"] == event.ADL else -1,
            }
            rows.append(row)
        return add_events(tally, events, marks, bar, now_ms)

    history = generate("october-2025-10-10", 3, 3, 60, 1_440_000)
    people = populate_for(history, 3, Mix(accounts=150))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arena, "add_events", listening)
        done = compare(history, people, rule_sets((request.param,)), 3, lambda _: None)
    return Kept(rows, people, done.configured[request.param])


def worth(row: ROWS) -> int:
    return abs(row["size"]) * row["price"]


def test_flows_are_those_of_the_events(kept: Kept) -> None:
    tally = kept.made.run.tally
    closed, adl = np.zeros_like(tally.closed), np.zeros_like(tally.adl)
    insured, unpaid = np.zeros_like(adl), np.zeros_like(adl)
    for row in kept.of(*CLOSES):
        closed[row["bar"], row["market"], int(row["size"] > 0)] += worth(row)
    for row in kept.of(event.ADL):
        adl[row["bar"]] += worth(row)
    for row in kept.of(event.DEFICIT):
        (insured if row["other"] == event.INSURANCE else unpaid)[row["bar"]] += row["amount"]
    assert closed.sum() > 0
    for found, expected in ((tally.closed, closed), (tally.adl, adl), (tally.insured, insured), (tally.unpaid, unpaid)):
        assert (found == expected).all()


def test_accounts_and_buckets_are_those_of_the_events(kept: Kept) -> None:
    tally = kept.made.run.tally
    gone = {row["owner"] for row in kept.of(event.LIQUIDATION_END) if row["amount"] == 1}
    first: dict[int, int] = {}
    for row in kept.of(*CLOSES):
        first.setdefault(row["bucket"], row["bar"])
    assert marked(tally.touched) == {row["owner"] for row in kept.of(*CLOSES)}
    assert marked(tally.gone) == gone
    assert marked(tally.socialised) == {row["owner"] for row in kept.of(event.SOCIALISED)}
    assert {bucket: int(tally.first_bar[bucket]) for bucket in np.flatnonzero(tally.first_bar >= 0).tolist()} == first
    pools = len(tally.owner) - 2 * state.VENUE.markets  # only they have no owner, even after a bucket has closed
    assert all(row["bucket"] >= pools for row in kept.of(event.LIQUIDATION_END) if row["owner"] == -1)


def marked(flags: np.ndarray) -> set[int]:
    return {int(place) - 1 for place in np.flatnonzero(flags)}


def test_figures_are_those_of_the_events(kept: Kept) -> None:
    run = kept.made.run
    fills = kept.of(event.LIQUIDATION_FILL)
    figures: dict[str, Any] = outcome.figures(run, kept.people, kept.made.breached, True)
    assert figures["impact_bps"] == pytest.approx(impact_of(fills), abs=1e-4)
    assert figures["breach_to_flat_s"] == spans_of(kept)
    assert figures["adl_overshoot_usd"] == pytest.approx(overshoot_of(kept) / 1e6, abs=1e-6)
    assert figures["backstop_notional_usd"] == pytest.approx(sum(map(worth, kept.of(event.BACKSTOP))) / 1e6, abs=1e-6)
    shares: dict[int, int] = {}
    for row in kept.of(event.ADL):
        shares[row["other_owner"]] = shares.get(row["other_owner"], 0) + worth(row)
    fairness = figures["fairness"]
    assert fairness["adl_accounts"] == len(shares)
    if shares:
        assert fairness["adl_largest_share"] == pytest.approx(max(shares.values()) / sum(shares.values()), abs=1e-6)


def impact_of(fills: list[ROWS]) -> float:
    if not fills:
        return 0.0
    signed = [(1 if row["size"] > 0 else -1) * (row["price"] / max(row["mark"], 1) - 1.0) * 1e4 for row in fills]
    return sum(each * worth(row) for each, row in zip(signed, fills, strict=True)) / max(sum(map(worth, fills)), 1)


def spans_of(kept: Kept) -> float | None:
    spans: list[int] = []
    since: dict[int, int] = {}
    for row in kept.of(event.LIQUIDATION, event.LIQUIDATION_END):
        if row["kind"] == event.LIQUIDATION:
            since.setdefault(row["bucket"], row["now_ms"])
        elif row["bucket"] in since:
            spans.append(row["now_ms"] - since.pop(row["bucket"]))
    return round(sum(spans) / len(spans) / 1_000, 3) if spans else None


def overshoot_of(kept: Kept) -> int:
    given: dict[int, int] = {}
    left: dict[int, int] = {}
    for row in kept.of(event.ADL):
        given[row["bucket"]] = given.get(row["bucket"], 0) + row["size"] * (row["price"] - row["mark"])
    for row in kept.of(event.LIQUIDATION_END):
        left[row["bucket"]] = left.get(row["bucket"], 0) + max(0, row["equity"])
    return sum(min(max(0, value), left.get(bucket, 0)) for bucket, value in given.items())


def test_other_events_count_for_nothing() -> None:
    tally = tally_of(1, 1, buckets=2, accounts=2)
    events = np.zeros((3, len(event.ROW)), np.int64)
    events[:, event.ROW.index("kind")] = (event.RESULT, event.FILL, event.LIQUIDATION_WAITS)
    assert add_events(tally, events, np.ones(1, np.int64), 0, 0) == 0
    assert not tally.closed.any()


def test_fills_move_their_own_market_by_their_notional() -> None:
    events = np.zeros((3, len(event.ROW)), np.int64)
    for place, (kind, market, price, size) in enumerate(
        ((event.FILL, 1, 2_000_000, 3), (event.FILL, 0, 500_000, -4), (event.LIQUIDATION_FILL, 0, 1_000_000, 9))
    ):
        for name, value in (("kind", kind), ("market", market), ("price", price), ("size", size)):
            events[place, event.ROW.index(name)] = value
    moved = np.zeros(2)
    add_fills(moved, events)
    assert moved.tolist() == [-2.0, 6.0]


def test_margin_required_is_that_of_the_formula_over_arrays() -> None:
    history = generate("october-2025-10-10", 3, 3, 60, 1_440_000)
    people = populate_for(history, 3, Mix(accounts=150))
    price = people.price * 3 // 2
    bucket = np.repeat(np.arange(people.buckets), np.diff(people.offsets))
    for name in sorted(RULES):
        markets = tuple(market_under(name, base, rank, 1.3, 1.31) for rank, base in enumerate(people.markets))
        for scale in (1, 10, 100):
            size = people.size * scale
            chosen = (bucket >= 20) & (bucket < 120)
            notional = (np.abs(size) * price[people.market])[chosen]
            expected = int(least_initial(markets, people.market[chosen], notional).sum())
            found = open_initial(Slots(size, people.market, bucket), price, levels_for(markets), 20, 120)
            assert found == expected
