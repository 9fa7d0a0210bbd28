"""Random crashes, liquidated unit by unit and judged against the model after each: order of stages, prices, sums, end.

A world has up to three markets, longs and shorts on both sides of a jump, books of any depth, vaults, funds, gates and
capacities. What a unit did is read from its events; what it might have done from a picture taken before it.
"""

from typing import Any

import pytest

from liquidation_crash import World
from liquidation_world import EVALUATE, UNIT, of_kind
from model import waterfall as model
from seawall.ledger import state
from seawall.terms import event, parameter

SEEDS = range(80)
LATER = (event.BACKSTOP, event.DEFICIT, event.ADL, event.SOCIALISED)


def judge_unit(world: World, before: dict[str, Any], books: dict[tuple[int, bool], Any], found: list[Any]) -> None:
    """Everything one unit of work must keep."""
    for entry in of_kind(found, event.LIQUIDATION):
        assert entry["equity"] < entry["maintenance"], "P25: a healthy bucket"
        assert (entry["equity"], entry["maintenance"]) == model.health(before, entry["bucket"])
    for entry in of_kind(found, event.LIQUIDATION_FILL):
        judge_fill(world, before, entry, found)
    later = [entry for entry in of_kind(found, *LATER) if entry["bucket"] >= 0]
    if any(entry["kind"] == event.ADL for entry in later):
        judge_adl(world, before, books, found)


def judge_fill(world: World, before: dict[str, Any], entry: dict[str, int], found: list[Any]) -> None:
    bucket, market = entry["bucket"], entry["market"]
    is_sale, worst = entry["size"] < 0, model.limit(before, bucket, market, entry["other"])
    fills = [e for e in of_kind(found, event.FILL) if e["bucket"] == bucket]
    assert all(e["price"] >= worst if is_sale else e["price"] <= worst for e in fills), "no fill past b or the gate"
    assert sum(e["size"] for e in fills) == entry["size"]
    value = sum(abs(e["size"]) * e["price"] for e in fills)
    lots = abs(entry["size"])
    assert entry["amount"] == model.fee(before, bucket, market, lots, value), "P28: the fee"
    equity, needed = model.health(before, bucket)
    after, left = world.health(bucket)
    assert left <= needed
    if equity >= 0:
        assert after >= 0
        assert after * needed >= equity * left, "P27: a partial close never worsens the ratio"


def judge_adl(world: World, before: dict[str, Any], books: dict[tuple[int, bool], Any], found: list[Any]) -> None:
    """Earlier stages could not pay; every counterparty is on the other side, well, and closed at one price."""
    closings = of_kind(found, event.ADL)
    loser, market, price = closings[0]["bucket"], closings[0]["market"], closings[0]["price"]
    size = before["buckets"][loser]["positions"][market][0]
    mark = before["markets"][market]["mark"]
    equity, needed = model.health(before, loser)
    assert equity < needed
    patience_over = world.c["cell"][state.NOW] - max(world.c["bucket_start"][loser], world.c["bucket_time"][loser])
    for other, (held, _) in before["buckets"][loser]["positions"].items():
        best = books[other, held > 0]
        worst = model.limit(before, loser, other, abs(held))
        if equity <= 0 or patience_over < 10_000:
            assert model.walk(best, 1, worst, held > 0)[0] == 0, "P31: the book could have paid"
    assert not of_kind(found, event.LIQUIDATION_FILL, event.BACKSTOP)
    debt = max(0, model.share_left(before, loser, market, abs(size)) - equity) if equity < 0 else 0
    fund, cap = before["markets"][market]["insurance"], before["markets"][market]["param"][parameter.CLAIM_CAP]
    paid = sum(
        e["amount"] for e in of_kind(found, event.DEFICIT) if (e["bucket"], e["other"]) == (loser, event.INSURANCE)
    )
    assert paid <= min(fund, cap, debt), "P34: the fund"
    if any(e["other"] != event.INSURANCE and e["bucket"] == loser for e in of_kind(found, event.DEFICIT)):
        assert paid >= min(fund, cap - world_claimed(before, loser, market), debt), "P31: insurance could have paid"
    lots = sum(abs(e["size"]) for e in closings)
    assert lots <= abs(size), "P37: no excess"
    for entry in closings:
        assert entry["price"] == price
        held = before["buckets"][entry["other"]]["positions"][market][0]
        assert held * size < 0, "P36: only the other side"
        assert abs(entry["size"]) <= abs(held)
        assert model.may_close(before, entry["other"], market, abs(entry["size"]), price), "P38: a winner is harmed"
    if price == model.bankruptcy(before, loser, market, abs(size)) or price == mark:
        return
    better = price - mark if size > 0 else mark - price
    assert 0 <= better <= abs(model.bankruptcy(before, loser, market, abs(size)) - mark), "P36: better than bankruptcy"


def world_claimed(before: dict[str, Any], loser: int, market: int) -> int:
    return int(before["claimed"].get((loser, market), 0))


def run_units(world: World, most: int = 3_000) -> list[dict[str, int]]:
    """Evaluates and works until nothing is left, the clock moving when all wait."""
    events: list[dict[str, int]] = []
    for _ in range(most):
        world.c["cell"][state.SEQUENCE] += 1
        world.do(EVALUATE, 10**6)
        before = world.picture()
        before["claimed"] = claims(world)
        books = {(m, sale): world.book(m, sale) for m in range(world.market_count) for sale in (True, False)}
        world.take_events()
        used = world.do(UNIT)[0]
        found = world.take_events()
        events += found
        judge_unit(world, before, books, found)
        world.check()
        if used == 0:
            if world.c["count"][3] == 0 and all(is_well(world, bucket) for bucket in queued(world)):
                return events
            world.pass_time(10_000)
            events += world.liquidate(2)
    raise AssertionError("P26: buckets still wait")


def queued(world: World) -> list[int]:
    return [int(bucket) for bucket in world.c["bucket_class"].nonzero()[0]]


def is_well(world: World, bucket: int) -> bool:
    """Above maintenance again: without liquidity such a bucket is left where it is."""
    equity, needed = world.health(bucket)
    return equity >= needed


def claims(world: World) -> dict[tuple[int, int], int]:
    c = world.c
    return {
        (int(c["slot_owner"][slot]), int(c["slot_market"][slot])): int(c["slot_claimed"][slot])
        for slot in range(1, int(c["count"][0]))
        if c["slot_owner"][slot] >= 0
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_a_crash_is_worked_off_in_order_and_nobody_is_left_unhealthy(seed: int) -> None:
    world = World(seed)
    total = int(world.c["bucket_raw"].sum())
    events = run_units(world)
    for bucket in world.picture()["buckets"]:
        equity, needed = world.health(bucket)
        assert equity >= needed, "P26: every unhealthy bucket is gone"
    assert total <= 2**62
    if not any(entry["kind"] == event.DEFICIT and entry["bucket"] < 0 for entry in events):
        socialised = sum(e["amount"] for e in of_kind(events, event.SOCIALISED))
        asked = sum(e["amount"] for e in of_kind(events, event.DEFICIT) if e["other"] == event.SOCIALISED)
        assert socialised == asked, "P40: exact sum"


def test_the_worlds_reach_every_stage() -> None:
    """What the property test above visits, so that it does not go blind."""
    seen: dict[int, int] = {}
    for seed in range(40):
        world = World(seed)
        for entry in world.run(pause_ms=10_000):
            seen[entry["kind"]] = seen.get(entry["kind"], 0) + 1
    kinds = (
        event.LIQUIDATION,
        event.LIQUIDATION_FILL,
        event.BACKSTOP,
        event.DEFICIT,
        event.ADL,
        event.LIQUIDATION_END,
        event.SOCIALISED,
    )
    assert {kind: seen.get(kind, 0) > 0 for kind in kinds} == dict.fromkeys(kinds, True)
