"""What must not matter to a liquidation: numbers of accounts (P32). What must only scale it: sizes, prices (P33)."""

import random
from typing import Any

import pytest

from liquidation_crash import World
from liquidation_world import USD, Arena, of_kind
from seawall.ledger.markets import BACKSTOP
from seawall.terms import event, parameter
from seawall.units import RATE_ONE

NOT_A_BUCKET = (event.LIQUIDATION_FILL, event.INSURANCE, event.DEFICIT)  # whose `other` is an amount or a cause


class Renumbered(World):
    """The same world whose accounts have other numbers, drawn apart from it."""

    def __init__(self, seed: int, shuffle: int) -> None:
        self.numbers = list(range(200))
        random.Random(shuffle).shuffle(self.numbers)
        self.role: dict[int, int] = {}
        super().__init__(seed)

    def bucket(self, cash: int) -> int:
        number = self.numbers.pop()
        self.role[number] = len(self.role)
        self.c["bucket_kind"][number] = 1
        self.c["bucket_owner"][number] = self.c["account_master"][number] = number
        self.cash(number, cash)
        return number

    def told(self) -> list[dict[str, int]]:
        """All events of working the world off, with roles in the place of numbers."""
        found = []
        for entry in self.run(pause_ms=10_000):
            seen = dict(entry)
            seen["bucket"] = self.role.get(entry["bucket"], entry["bucket"])
            if entry["kind"] not in NOT_A_BUCKET:
                seen["other"] = self.role.get(entry["other"], entry["other"])
            found.append(seen)
        return found


@pytest.mark.parametrize("seed", range(40))
def test_the_numbers_of_accounts_do_not_matter(seed: int) -> None:
    one, other = Renumbered(seed, 1), Renumbered(seed, 2)
    assert one.told() == other.told()
    for number, role in one.role.items():
        twin = next(n for n, r in other.role.items() if r == role)
        assert one.raw(number) == other.raw(twin)


def crash(seed: int, size: int, price: int, mode: int, policy: int) -> tuple[list[dict[str, int]], Any]:
    """One market that falls by 8 %: shorts and longs of several sizes and margins, bids below; all scaled."""
    dice = random.Random(seed)
    arena = Arena()
    arena.market(100 * USD * price)
    for name, value in (("partial_mode", mode), ("adl_policy", policy), ("exit_buffer", RATE_ONE // 50)):
        arena.param(-1, name, value)
    bank = arena.bucket(10**15)
    for _ in range(8):
        bucket, lots = arena.bucket(0), dice.randint(1, 50)
        pair = (bucket, bank) if dice.random() < 0.7 else (bank, bucket)
        arena.deal(*pair, 0, lots * size, 100 * USD * price)
        arena.cash(bucket, lots * dice.randint(6, 30) * USD * size * price)
    for step in range(dice.randint(0, 4)):
        arena.bid(bank, 0, (93 - step) * USD * price, dice.randint(1, 30) * size)
    arena.insure(0, dice.choice((0, 20, 10_000)) * USD * size * price)
    arena.mark(0, 92 * USD * price)
    return [e for e in arena.run() if 40 <= e["kind"] <= 49], arena


@pytest.mark.parametrize("seed", range(30))
def test_sizes_scaled_scale_lots_and_money_and_leave_prices(seed: int) -> None:
    """Whole positions and the queue: no share of lots is rounded, so everything scales to the unit."""
    base, _ = crash(seed, 1, 1, parameter.WHOLE, parameter.QUEUE)
    scaled, _ = crash(seed, 7, 1, parameter.WHOLE, parameter.QUEUE)
    assert [e["kind"] for e in base] == [e["kind"] for e in scaled]
    for one, seven in zip(base, scaled, strict=True):
        assert (one["bucket"], one["size"] * 7) == (seven["bucket"], seven["size"])
        if one["kind"] in (event.ADL, event.LIQUIDATION_FILL):
            assert one["price"] == seven["price"]
        if one["kind"] in (event.LIQUIDATION, event.LIQUIDATION_END):
            assert one["equity"] * 7 == pytest.approx(seven["equity"], abs=7)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("policy", [parameter.QUEUE, parameter.LEAST_HARM, parameter.PRO_RATA])
def test_prices_scaled_scale_money_and_leave_lots(seed: int, policy: int) -> None:
    """Ten times the price and the money: the same lots of the same buckets, prices ten times but for one unit."""
    base, _ = crash(seed, 1, 1, parameter.MINIMAL, policy)
    scaled, _ = crash(seed, 1, 10, parameter.MINIMAL, policy)
    assert [(e["kind"], e["bucket"], e["size"]) for e in base] == [(e["kind"], e["bucket"], e["size"]) for e in scaled]
    for one, ten in zip(base, scaled, strict=True):
        if one["kind"] in (event.ADL, event.LIQUIDATION_FILL):
            assert abs(one["price"] * 10 - ten["price"]) <= 10


def test_the_worst_is_served_first_and_equals_in_the_order_they_came() -> None:
    """Five buckets, two of them alike to the unit: by risk class, the twins in the order in which they were queued."""
    arena = Arena(100 * USD)
    bank = arena.bucket(10**12)
    cash = (200, 150, 100, 150, 240)
    buckets = [arena.bucket(usd * USD) for usd in cash]
    for bucket in buckets:
        arena.deal(bucket, bank, 0, 100, 100 * USD)
    arena.param(0, "backstop_cap", 10**13)
    arena.cash(arena.pool(0, BACKSTOP), 10**11)
    served = [e["bucket"] for e in of_kind(arena.run(), event.LIQUIDATION)]
    assert served == [buckets[2], buckets[1], buckets[3], buckets[0], buckets[4]]
