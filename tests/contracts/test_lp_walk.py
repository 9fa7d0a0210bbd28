"""Random walks of several owners over all that LP positions can do, while prices and the pool are pushed about."""

import random
from fractions import Fraction

import pytest
from uniswap_world import ETH, LpWorld, fast_world

from seawall.chain.client import Client
from seawall.chain.rebuild import verify
from seawall.margin.lp import SQRT_RATIO_MAX, SQRT_RATIO_MIN
from seawall.terms import code

STEPS = 70


class Walk:
    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.world = fast_world(usd_first=seed % 2 == 0)
        self.owners = [self.world.wallet(10**6, 10**4, margin=200) for _ in range(3)]
        self.cents = 100_00
        self.done: dict[str, int] = {}

    def step(self) -> None:
        w, rng, owner = self.world, self.rng, self.rng.choice(self.owners)
        acts = ("put", "collect", "decrease", "move", "withdraw", "unwind", "swap", "push", "price", "price", "trade")
        act = rng.choice(acts)
        held = w.places(owner)
        before = {one.address: w.health(one)[0] for one in self.owners}
        if act in ("swap", "push", "price", "trade", "put"):
            getattr(self, act)(w, owner)
            refused = 0
        elif not held:
            return
        else:
            refused = self.on_position(w, owner, act, rng.choice(held))
        assert refused != code.BAD_FIELD
        self.done[act] = self.done.get(act, 0) + (refused == 0)
        equity, initial, _, required, *_ = w.health(owner)
        if refused == 0 and act in ("decrease", "move", "withdraw"):
            assert initial >= required, act
        if refused == 0 and act in ("collect", "unwind"):
            assert equity >= before[owner.address], act
        if act in ("swap", "push"):
            assert all(w.health(one)[0] == before[one.address] for one in self.owners), act
        assert w.balances(w.lp.address) == (0, 0)

    def on_position(self, w: LpWorld, owner: Client, act: str, place: dict[str, int]) -> int:
        tick, id_ = w.tick(), place["id"]
        width = self.rng.choice([300, 1_200, 12_000])
        off = self.rng.randint(-width, width) // 60 * 60
        args = {
            "decrease": (id_, max(1, place["liquidity"] // self.rng.randint(2, 9)), 0, 0),
            "move": (id_, tick + off - width, tick + off + width, 0),
            "withdraw": (id_, owner.address),
        }.get(act, (id_,))
        return w.refusal(self.owners[0] if act == "unwind" else owner, w.lp, act, *args)

    def put(self, w: LpWorld, owner: Client) -> None:
        if len(w.places(owner)) < 8:
            w.push(w.trader, w.root())
            w.position(owner, self.rng.choice([5, 100, 700]), self.rng.choice([300, 1_200, 12_000]))

    def swap(self, w: LpWorld, _: Client) -> None:
        w.push(w.trader, w.root())
        of_usd = self.rng.random() < 0.5
        w.swap(w.trader, 10 ** self.rng.randint(6, 11) * (1 if of_usd else 10**10), of_usd=of_usd)

    def push(self, w: LpWorld, _: Client) -> None:
        w.push(w.trader, self.rng.choice([SQRT_RATIO_MIN + 1, SQRT_RATIO_MAX - 1, w.root()]))

    def price(self, w: LpWorld, _: Client) -> None:
        self.cents = max(40_00, min(160_00, self.cents + self.rng.randint(-300, 290)))
        w.world.pass_time(self.rng.choice([1, 60]))
        w.world.venue.report({0: 1_000, 1: Fraction(self.cents, 100)})

    def trade(self, w: LpWorld, owner: Client) -> None:
        buys, lots = self.rng.random() < 0.6, self.rng.randint(1_000, 200_000)
        limit = self.cents * (11 if buys else 9) // 10  # micro-USD a lot
        w.refusal(owner, w.world.contract("Exchange", owner), "trade", 0, ETH, buys, lots, limit, False)


@pytest.mark.parametrize("seed", [1, 2])
def test_walks(seed: int) -> None:
    walk = Walk(seed)
    for _ in range(STEPS):
        walk.step()
    verdict = verify(walk.world.world.client, walk.world.world.record)
    assert verdict.is_whole, verdict.differences
    assert sum(walk.done.get(act, 0) for act in ("collect", "decrease", "move", "withdraw")) >= 8, walk.done
