"""Whether a liquidation was due is judged by what the bucket held when it began, against the index from then on."""

from typing import Any

import numpy as np
import pytest

from seawall.lab import arena
from seawall.lab.compare import Outcome, compare
from seawall.lab.generator import generate
from seawall.lab.history import History
from seawall.lab.outcome import unnecessary
from seawall.lab.path import Path, path_of
from seawall.lab.population import Mix, Population, populate_for
from seawall.lab.rulesets import rule_sets
from seawall.lab.tally import Tally, add_events
from seawall.margin.health import health
from seawall.terms import event
from seawall.terms.bucket import Bucket, Position
from seawall.terms.conditions import Conditions
from seawall.terms.market import Mark
from seawall.units import Lots, Price, UsdMicro

AT = {name: place for place, name in enumerate(event.ROW)}
CLOSES = (event.LIQUIDATION_FILL, event.BACKSTOP, event.ADL)
SEED = 5


@pytest.fixture(scope="module")
def world() -> tuple[History, Population]:
    history = generate("october-2025-10-10", 3, SEED, 60, 1_440_000)
    return history, populate_for(history, SEED, Mix(accounts=400))


def played(
    world: tuple[History, Population], name: str, mark: str | None = None
) -> tuple[Outcome, list[tuple[int, list[int]]]]:
    """A rule set's run, and every event of it with its bar."""
    rows: list[tuple[int, list[int]]] = []

    def listening(tally: Tally, events: np.ndarray, marks: np.ndarray, bar: int, now_ms: int) -> int:
        rows.extend((bar, values) for values in events.tolist())
        return add_events(tally, events, marks, bar, now_ms)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arena, "add_events", listening)
        done = compare(*world, rule_sets((name,), mark), SEED, lambda _: None)
    return done.configured[name], rows


def held_at_start(rows: list[tuple[int, list[int]]]) -> dict[int, tuple[int, int, list[list[int]]]]:
    """Of each bucket that was closed: (bar, equity, positions' rows) of its last start before that."""
    starts: dict[int, tuple[int, int, list[list[int]]]] = {}
    closed: dict[int, tuple[int, int, list[list[int]]]] = {}
    for bar, row in rows:
        bucket, kind = row[AT["bucket"]], row[AT["kind"]]
        if kind == event.LIQUIDATION:
            starts[bucket] = (bar, row[AT["equity"]], [])
        elif kind == event.LIQUIDATION_POSITION:
            starts[bucket][2].append(row)
        elif kind in CLOSES and bucket not in closed:
            closed[bucket] = starts[bucket]
    return closed


def is_crossed(made: Outcome, path: Path, bar: int, equity: int, positions: list[list[int]]) -> bool:
    """Whether the margin core finds equity below maintenance at any point of the index from `bar` on."""
    markets = made.run.markets
    names = {row[AT["market"]]: markets[row[AT["market"]]] for row in positions}
    raw = equity - sum(row[AT["size"]] * row[AT["price"]] for row in positions)
    held = tuple(Position(market=names[row[AT["market"]]].name, size=Lots(row[AT["size"]])) for row in positions)
    funding = np.cumsum(path.funding_step, axis=0)
    for at in range(bar, path.bars):
        owed = sum(
            -row[AT["size"]] * int(funding[at, row[AT["market"]]] - funding[bar, row[AT["market"]]]) // 10**6
            for row in positions
        )
        bucket = Bucket(raw_usd=UsdMicro(raw + owed), positions=held)
        for prices in path.index[at]:
            marks: dict[str, Any] = {
                item.name: Mark(mark=Price(int(prices[place])), oracle=Price(int(prices[place])))
                for place, item in names.items()
            }
            found = health(bucket, Conditions(markets={item.name: item for item in names.values()}, marks=marks))
            if found.equity < found.maintenance:
                return True
    return False


@pytest.mark.parametrize(("name", "mark"), [("static", None), ("hyperliquid", None), ("seawall", "last")])
def test_crossed_is_what_the_core_says_of_the_receipts(
    world: tuple[History, Population], name: str, mark: str | None
) -> None:
    """`seawall` closes in parts: who is liquidated again is judged by what it held before the first."""
    made, rows = played(world, name, mark)
    path = path_of(*world)
    closed, found = held_at_start(rows), made.run.begun.breached(made.run.markets, path, len(made.run.tally.first_bar))
    crossed = {bucket: is_crossed(made, path, *start) for bucket, start in closed.items()}
    assert {bucket: bool(found[bucket]) for bucket in closed} == crossed
    assert 0 < sum(crossed.values()) < len(crossed)


@pytest.mark.parametrize("name", ["seawall", "dydx", "drift"])
def test_nothing_is_closed_unduly_where_the_index_is_the_mark(world: tuple[History, Population], name: str) -> None:
    made, _ = played(world, name)
    assert made.run.tally.touched.sum() > 30
    assert unnecessary(made.run, world[1], made.breached) == 0
