"""Random crashes, liquidated unit by unit and judged against the model after each: order of stages, prices, sums, end.

A world has up to three markets, longs and shorts on both sides of a jump, books of any depth, vaults, funds, gates and
capacities. What a unit did is read from its events; what it might have done from a picture taken before it.
"""

import random
from typing import Any

import pytest

from liquidation_world import EVALUATE, UNIT, USD, Arena, of_kind
from model import waterfall as model
from seawall.ledger import state
from seawall.ledger.markets import AMM, BACKSTOP
from seawall.terms import event, parameter
from seawall.units import RATE_ONE

SEEDS = range(80)
LATER = (event.BACKSTOP, event.DEFICIT, event.ADL, event.SOCIALISED)


class World(Arena):
    """One random crash."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.dice = dice = random.Random(seed)
        rates = (RATE_ONE // 100, RATE_ONE // 40, RATE_ONE // 10)
        for number in range(dice.choice((1, 1, 2, 3))):
            self.market(dice.choice((1, 100, 2_000)) * USD)
            tiers = ((0, dice.choice(rates)),)
            self.tiers(number, tiers if dice.random() < 0.5 else (*tiers, (20_000 * USD, RATE_ONE // 5)))
        self._set_policy()
        self.books: dict[int, dict[int, list[tuple[int, int]]]] = {}
        self.bank = self.bucket(10**16)
        self.traders = [self.bucket(0) for _ in range(dice.randint(2, 14))]
        for bucket in self.traders:
            self._open(bucket)
        for market in range(self.market_count):
            self._fund(market)
        self.maker = self.bucket(10**16)
        self.jump()
        for market in range(self.market_count):
            self._quote(market)

    def _set_policy(self) -> None:
        dice = self.dice
        self.param(-1, "adl_policy", dice.randrange(4))
        self.param(-1, "socialise", dice.choice((0, 1, 1)))
        self.param(-1, "exit_buffer", dice.choice((0, RATE_ONE // 50)))
        self.param(-1, "backstop_ratio", dice.choice((0, RATE_ONE * 2 // 3)))
        for market in range(self.market_count):
            self.param(market, "gate", dice.choice((RATE_ONE, RATE_ONE, RATE_ONE // 50)))
            self.param(market, "liquidation_fee", dice.choice((0, RATE_ONE // 200)))
            self.param(market, "claim_cap", dice.choice((2**53, 10**9)))
            self.param(market, "dust_notional", dice.choice((0, 10**8)))
            self.param(market, "backstop_cap", dice.choice((0, 10**10, 10**13)))
            if dice.random() < 0.3:
                self.param(market, "amm_depth", 10_000)
                self.param(market, "amm_cap", 5_000)

    def _open(self, bucket: int) -> None:
        """Positions in some markets, with equity a little above maintenance."""
        dice = self.dice
        for market in range(self.market_count):
            if dice.random() < 0.8:
                price = int(self.c["market_price"][market])
                lots = max(1, int(dice.choice((500, 5_000, 60_000)) * USD * dice.random() / price))
                others = [other for other in self.traders[: self.traders.index(bucket)] if other != bucket]
                other = dice.choice([*others, self.bank])
                pair = (bucket, other) if dice.random() < 0.6 else (other, bucket)
                self.deal(*pair, market, lots, int(price * dice.uniform(0.95, 1.05)), 20)
        needed = self.health(bucket)[1]
        self.cash(bucket, max(0, int(needed * dice.choice((1.01, 1.1, 1.5, 4, 40))) - self.health(bucket)[0]))

    def _fund(self, market: int) -> None:
        dice = self.dice
        self.insure(market, dice.choice((0, 0, 50, 100_000)) * USD)
        for which in (AMM, BACKSTOP):
            self.cash(self.pool(market, which), dice.choice((0, 100, 50_000)) * USD)

    def jump(self) -> None:
        """Marks move by up to 30 %; the index may lag a little."""
        for market in range(self.market_count):
            move = self.dice.choice((0, 0.01, 0.03, 0.1, 0.3)) * self.dice.choice((-1, 1))
            price = max(1, int(self.c["market_price"][market] * (1 + move)))
            self.mark(market, price, max(1, int(price * self.dice.choice((1, 1, 0.995, 1.02)))))

    def _quote(self, market: int) -> None:
        """Bids and asks around the mark, of any depth, one level apart by whole thousandths."""
        dice, price = self.dice, int(self.c["market_price"][market])
        unit = 10 ** max(0, len(str(price)) - 5)
        for side in (0, 1):
            gap = dice.choice((0, 1, 30, 400, 3_000))
            for _ in range(dice.choice((0, 1, 3, 8))):
                gap += dice.choice((1, 10, 200))
                at = price // unit + (gap if side else -gap)
                if 9_999 < at < 100_000 and (place := (self.bid, self.ask)[side]):
                    place(self.maker, market, at * unit, max(1, int(dice.choice((10, 1_000, 10**6)) * USD / price)))

    def book(self, market: int, is_sale: bool) -> list[tuple[int, int]]:
        """Resting orders that a sale (or a purchase) would meet, best first."""
        c, levels = self.c, []
        for row in range(1, int(c["cell"][state.ORDERS_USED])):
            if c["order_id"][row] and c["order_market"][row] == market and bool(c["order_flags"][row] & 1) != is_sale:
                levels.append((int(c["order_price"][row]), int(c["order_size"][row])))
        return sorted(levels, reverse=is_sale)


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
    paid = sum(e["amount"] for e in of_kind(found, event.DEFICIT) if e["other"] == event.INSURANCE)
    assert paid <= min(fund, cap, debt), "P34: the fund"
    if any(e["other"] != event.INSURANCE and e["bucket"] >= 0 for e in of_kind(found, event.DEFICIT)):
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
            if world.c["cell"][state.QUEUED] == 0 and world.c["count"][3] == 0:
                return events
            world.pass_time(10_000)
            events += world.liquidate(2)
    raise AssertionError("P26: buckets still wait")


def claims(world: World) -> dict[tuple[int, int], int]:
    c = world.c
    return {
        (int(c["slot_link"][slot, 1]), int(c["slot_market"][slot])): int(c["slot_claimed"][slot])
        for slot in range(1, int(c["count"][0]))
        if c["slot_link"][slot, 1] >= 0
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
