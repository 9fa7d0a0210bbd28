"""Trigger orders against a model that looks at every order at every mark; families of stops under random fills."""

import random

import pytest

from seawall.terms import code, command, event
from seawall.terms.limits import TRIGGERED_PER_COMMAND
from stop_floor import ONLY, PROFIT, STOP, TRAIL, WHOLE, Floor
from venue_world import BUY, SELL, USD

ASLEEP = (command.POSTING, command.CANCELLING, command.HALTED)


def next_on_grid(price: int, up: bool) -> int:
    """The nearest price of at most five significant figures, at or above (below) `price`."""
    unit = 1
    while price // unit >= 100_000:
        unit *= 10
    return -(-price // unit) * unit if up else price // unit * unit


class Model:
    """What should fire. An order is a dictionary; `queue` holds groups of what one mark reached at one price."""

    def __init__(self) -> None:
        self.orders: dict[int, dict[str, int]] = {}
        self.queue: list[list[int]] = []
        self.mark, self.awake, self.serial = 100 * USD, True, 0

    def arm(self, identity: int, sell: bool, kind: int, trigger: int, distance: int) -> None:
        self.serial += 1
        self.orders[identity] = {
            "rises": int(sell == (kind == PROFIT)),
            "sell": int(sell),
            "trigger": trigger,
            "distance": distance,
            "best": self.mark,
            "since": self.serial,
        }

    def queued(self) -> set[int]:
        return {identity for group in self.queue for identity in group}

    def drop(self, identity: int) -> None:
        self.orders.pop(identity, None)
        self.queue = [left for group in self.queue if (left := [i for i in group if i != identity])]

    def trigger(self, order: dict[str, int]) -> int:
        if not order["distance"]:
            return order["trigger"]
        return order["best"] - order["distance"] if order["sell"] else order["best"] + order["distance"]

    def look(self) -> None:
        """Every order at the present mark."""
        waiting = {i: o for i, o in self.orders.items() if i not in self.queued()}
        for order in waiting.values():
            order["best"] = max(order["best"], self.mark) if order["sell"] else min(order["best"], self.mark)
        if not self.awake:
            return
        reached: dict[tuple[int, int], list[int]] = {}
        for identity, order in waiting.items():
            at = self.trigger(order)
            if self.mark >= at if order["rises"] else self.mark <= at:
                place = next_on_grid(at, not order["rises"]) if order["distance"] else at
                reached.setdefault((0, place) if order["rises"] else (1, -place), []).append(identity)
        for key in sorted(reached):
            self.queue.append(sorted(reached[key], key=lambda i: self.orders[i]["since"]))

    def check_fired(self, fired: list[int]) -> None:
        """Fired is what the queue gives: groups in order, fixed triggers of a group in the order of arming."""
        wanted = min(TRIGGERED_PER_COMMAND, len(self.queued())) if self.awake else 0
        assert len(fired) == wanted
        for identity in fired:
            group = self.queue[0]
            assert identity in group
            if not self.orders[identity]["distance"]:
                assert identity == next(i for i in group if not self.orders[i]["distance"])
            self.drop(identity)


def step(floor: Floor, model: Model, dice: random.Random, people: list[tuple[int, bool]]) -> None:
    kind = dice.choices(("arm", "cancel", "change", "mark", "status", "tick"), (50, 6, 6, 25, 3, 4))[0]
    if kind == "arm":
        account, sell = dice.choice(people)
        arm(floor, model, dice, account, sell)
    elif kind == "mark":
        width = dice.choice((0.001, 0.01, 0.01, 0.2))
        price = max(USD, min(900 * USD, int(model.mark * (1 + dice.uniform(-width, width)))))
        if abs(price - model.mark) * 2 > model.mark:
            return
        fired = floor.mark(price)
        model.mark = price
        model.look()
        model.check_fired(fired)
    elif kind == "tick":
        floor.tick()
        model.look()
        model.check_fired(floor.fired())
        fired = floor.mark(model.mark)
        model.look()
        model.check_fired(fired)
    elif kind == "status":
        status = dice.choice((command.ACTIVE, command.ACTIVE, command.REDUCING, *ASLEEP))
        floor.venue.columns["market_status"][0] = status
        model.awake = status not in ASLEEP
    elif model.orders:
        change(floor, model, dice, kind)


def owner_of(floor: Floor, identity: int) -> int:
    return floor.order(identity, "bucket")


def change(floor: Floor, model: Model, dice: random.Random, kind: str) -> None:
    identity = dice.choice(sorted(model.orders))
    account, order = owner_of(floor, identity), model.orders[identity]
    if kind == "cancel":
        floor.must(kind=command.CANCEL, signer=account, account=account, market=0, reference=identity)
        model.drop(identity)
        return
    flags = floor.order(identity, "flags")
    trigger, distance = draw(model, dice, bool(order["rises"]), bool(order["distance"]))
    done = floor.do(
        kind=command.MODIFY, signer=account, account=account, market=0, reference=identity, flags=flags,
        trigger=trigger, extra=distance, size=3,
    )  # fmt: skip
    if done.codes[0] == code.OK:
        assert identity not in model.queued()
        sell = bool(order["sell"])
        model.drop(identity)
        model.arm(identity, sell, PROFIT if order["rises"] == order["sell"] else STOP, trigger, distance)
    elif done.codes[0] == code.MARK_BEYOND_TRIGGER:
        assert identity in model.queued() or reached(model, order, trigger)
    else:
        assert done.codes[0] in (code.CANCEL_ONLY, code.MARKET_CLOSED)
        assert not model.awake


def reached(model: Model, order: dict[str, int], trigger: int) -> bool:
    return model.mark >= trigger if order["rises"] else model.mark <= trigger


def draw(model: Model, dice: random.Random, rises: bool, trails: bool) -> tuple[int, int]:
    away = int(model.mark * abs(dice.gauss(0, 0.01))) + 1
    if trails:
        return 0, max(1, away)
    return next_on_grid(model.mark + away if rises else model.mark - away, rises), 0


def arm(floor: Floor, model: Model, dice: random.Random, account: int, sell: bool) -> None:
    kind = dice.choice((STOP, STOP, PROFIT, TRAIL))
    rises = sell == (kind == PROFIT)
    trigger, distance = draw(model, dice, rises, kind == TRAIL)
    done = floor.do(
        kind=command.PLACE, signer=account, account=account, market=0, size=1 + dice.randrange(5),
        flags=kind | ONLY | (SELL if sell else BUY), trigger=trigger, extra=distance,
    )  # fmt: skip
    if done.codes[0] == code.OK:
        model.arm(int(done.made[0]), sell, kind, trigger, distance)
    elif kind == TRAIL and done.codes[0] == code.ORDERS_FULL:
        return
    else:
        assert not model.awake
        assert done.codes[0] in (code.CANCEL_ONLY, code.MARKET_CLOSED)


@pytest.mark.parametrize("seed", range(8))
def test_what_fires_is_what_a_look_at_every_order_says(seed: int) -> None:
    dice = random.Random(seed)
    floor, model = Floor(long=0), Model()
    people = []
    for number in range(6):
        account = floor.account(1_000_000)
        sell = number % 2 == 0
        floor.open(account, 5 if sell else -5)
        people.append((account, sell))
    for _ in range(400):
        step(floor, model, dice, people)
        live = {i for account, _ in people for i in floor.ids(account)}
        assert live == set(model.orders)
    floor.check()


class Family:
    """Orders with attached stops under random fills: a stop has armed what its parent filled since, up to its size."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.floor = Floor(long=0)
        self.people = [self.floor.account(100_000) for _ in range(3)]
        self.filled: dict[int, int] = {}  # parent: lots filled
        self.stops: dict[int, tuple[int, int, int]] = {}  # stop: (parent, its fills when attached, size)

    def step(self) -> None:
        kind = self.dice.choices(("quote", "attach", "take", "whole", "cancel", "mark"), (20, 30, 30, 10, 6, 12))[0]
        self.floor.told = []
        getattr(self, kind)()
        for e in self.floor.kinds(event.FILL):
            self.filled[e["order"]] = self.filled.get(e["order"], 0) + abs(e["size"])
        self.check()

    def quote(self) -> None:
        account, side = self.dice.choice(self.people), self.dice.choice((BUY, SELL))
        price = (100 - self.dice.randrange(1, 4) if side == BUY else 100 + self.dice.randrange(1, 4)) * USD
        made = self.floor.place(account, 0, side, price, self.dice.randrange(1, 9), flags=command.POST_ONLY)
        self.filled[made] = 0

    def resting(self) -> list[int]:
        return [o for a in self.people for o in sorted(self.floor.ids(a)) if o in self.filled]

    def attach(self) -> None:
        if not self.resting():
            return
        parent = self.dice.choice(self.resting())
        account, sell = self.floor.order(parent, "bucket"), self.floor.order(parent, "flags") & SELL
        kind = self.dice.choice((STOP, PROFIT, TRAIL))
        above = bool(sell) != (kind == PROFIT)
        size, flags = self.dice.randrange(1, 9), kind | (0 if sell else SELL)
        trigger = 0 if kind == TRAIL else (110 + self.dice.randrange(5) if above else 85 + self.dice.randrange(5)) * USD
        done = self.floor.do(
            kind=command.PLACE, signer=account, account=account, market=0, size=size, flags=flags, trigger=trigger,
            extra=8 * USD if kind == TRAIL else 0, other=parent,
        )  # fmt: skip
        assert done.codes[0] in (code.OK, code.HAS_POSITION, code.ORDERS_FULL)
        if done.codes[0] == code.OK:
            self.stops[int(done.made[0])] = (parent, self.filled[parent], size)

    def whole(self) -> None:
        account = self.dice.choice(self.people)
        held = self.floor.position(account, 0)
        kind = self.dice.choice((STOP, PROFIT))
        trigger = (112 if (held < 0) != (kind == PROFIT) else 88) * USD
        flags = kind | WHOLE | (SELL if held > 0 else 0)
        fields = {"account": account, "market": 0, "flags": flags, "trigger": trigger}
        done = self.floor.do(kind=command.PLACE, signer=account, **fields)
        assert (done.codes[0] == code.OK) == (held != 0)

    def take(self) -> None:
        side = self.dice.choice((BUY, SELL))
        price = (110 if side == BUY else 90) * USD
        who = self.floor.maker if self.dice.random() < 0.8 else self.dice.choice(self.people)
        fields = {"account": who, "market": 0, "price": price, "flags": side | command.IOC | command.CANCEL_MAKER}
        self.floor.do(kind=command.PLACE, signer=who, size=self.dice.randrange(1, 12), **fields)

    def cancel(self) -> None:
        live = [o for a in self.people for o in sorted(self.floor.ids(a))]
        if live:
            gone = self.dice.choice(live)
            account = self.floor.order(gone, "bucket")
            self.floor.must(kind=command.CANCEL, signer=account, account=account, market=0, reference=gone)

    def mark(self) -> None:
        self.floor.mark(self.dice.choice((84, 90, 95, 100, 100, 105, 110, 116)) * USD)
        for e in self.floor.kinds(event.FILL):
            self.filled[e["order"]] = self.filled.get(e["order"], 0) + abs(e["size"])
        self.floor.mark(100 * USD)

    def check(self) -> None:
        floor = self.floor
        live = {o for a in self.people for o in floor.ids(a)}
        for stop, (parent, before, size) in self.stops.items():
            if stop in live:
                done = self.filled[parent] - before
                assert floor.order(stop, "size") == min(size, done)
                assert (floor.order(stop, "parent") != 0) == (parent in live)
                assert parent in live or done > 0
        for order in live:
            flags = floor.order(order, "flags")
            if flags & (STOP | PROFIT | TRAIL) and flags & ONLY and floor.order(order, "parent") == 0:
                held = floor.position(floor.order(order, "bucket"), 0)
                assert held > 0 if flags & SELL else held < 0
        floor.check()


@pytest.mark.parametrize("seed", range(6))
def test_families_hold_together_under_random_fills(seed: int) -> None:
    family = Family(seed)
    for _ in range(250):
        family.step()
