"""Euler: one new verb gave collateral away without the health check that every other verb had; six audits missed it.

Every kind of command is either in the registry of those that may lower health, with its check, or in that of those that
cannot, with the reason. And whatever the owner of a bucket tries, in whatever order, nothing it is allowed takes a
bucket of its own below initial margin, nor one below it further down. Each verb's check is shown necessary by itself.
"""

import random
from fractions import Fraction
from typing import NamedTuple

import pytest
from guard import Edit, fails_without

from seawall.engine.authority import NO_RISK, RISK_INCREASING
from seawall.ledger import state
from seawall.terms import code, command, parameter
from venue_world import BUY, SELL, USD, World

LEVERAGE, RATE = 20, Fraction(1, 40)
PRICES = (99 * USD, 100 * USD, 101 * USD)


SKIPPED = (command.DEPOSIT, command.INSURANCE_REMOVE, command.CREATE_SUB, command.APPROVE_AGENT, command.REVOKE_AGENT)
ASSETS = range(command.LIST_ASSET, command.RESHAPE_RANGE + 1)  # none is listed here: test_engine_collateral.py
KINDS = [kind for kind, names in command.FIELDS.items() if "account" in names and kind not in (*SKIPPED, *ASSETS)]


class Standing(NamedTuple):
    """A bucket from its columns alone, by the words of SPEC sections 1 and 3, one tier a market, in fractions."""

    equity: Fraction
    maintenance: Fraction
    initial: Fraction
    reserved: Fraction


NOTHING = Standing(Fraction(0), Fraction(0), Fraction(0), Fraction(0))


def standing(world: World, bucket: int) -> Standing:
    columns = world.venue.columns
    equity, maintenance, margin, reserved = Fraction(world.raw(bucket)), Fraction(0), Fraction(0), Fraction(0)
    slot = int(columns["bucket_first"][bucket])
    while slot:
        mark = int(columns["market_price"][columns["slot_market"][slot]])
        held, bids, asks = (int(columns[name][slot]) for name in ("slot_size", "slot_bids", "slot_asks"))
        leverage = min(int(columns["slot_leverage"][slot]), LEVERAGE)
        worst = max(abs(held), abs(held + bids), abs(held - asks))
        equity += held * mark
        maintenance += abs(held) * mark * RATE
        margin += Fraction(abs(held) * mark, leverage)
        reserved += Fraction((worst - abs(held)) * mark, leverage)
        slot = int(columns["slot_sibling"][slot])
    return Standing(equity, maintenance, max(margin, maintenance * Fraction(51, 50)) + reserved, reserved)


class Edge:
    """An owner with a sub-account, two positions, an order and shares of a pool, at a price that may have hurt it."""

    def __init__(self, price: int, isolated: int) -> None:
        self.world = world = World(markets=2)
        for which, value in ((parameter.AMM_DEPTH, 10**4), (parameter.AMM_CAP, 10**4), (parameter.POOL_LOCK_MS, 0)):
            world.venue.columns["param"][0, which] = value
        self.who, self.maker = world.account(1_000), world.account(10_000_000)
        self.sub = int(world.venue.columns["cell"][state.ACCOUNTS])
        world.must(kind=command.CREATE_SUB, signer=self.who, account=self.who)
        world.must(kind=command.TRANSFER, signer=self.who, account=self.who, other=self.sub, amount=300 * USD)
        fields = {"signer": self.who, "account": self.who, "market": 1}
        world.must(kind=command.SET_LEVERAGE, size=10, flags=isolated, **fields)
        world.trade(self.who, self.maker, 1, 100 * USD, 10)
        world.trade(self.who, self.maker, 0, 100 * USD, 40)
        world.place(self.who, 0, BUY, 99 * USD, 5)
        for maker_side, offset in ((SELL, 1), (BUY, -1)):
            for market in range(2):
                world.place(self.maker, market, maker_side, (100 + offset) * USD, 10_000)
        world.must(kind=command.INSURANCE_ADD, signer=self.maker, account=self.maker, market=0, amount=1_000 * USD)
        pool = {"signer": self.who, "account": self.who, "market": 0, "flags": command.AMM}
        world.must(kind=command.POOL_ADD, amount=50 * USD, **pool)
        world.place(self.maker, 0, BUY, PRICES[2], 5, flags=command.IOC)
        world.tick()
        for market in range(2):
            world.price(market, price)

    @property
    def buckets(self) -> list[int]:
        """The owner's buckets and the pool that it has shares of."""
        owners, capacity = self.world.venue.columns["bucket_owner"], self.world.venue.capacity
        own = [bucket for bucket in range(len(owners)) if owners[bucket] in (self.who, self.sub)]
        return [*own, capacity.accounts + capacity.isolated]

    def tries(self, rng: random.Random) -> dict[str, int]:
        """A command of the owner's, any kind that names an account, fields drawn near what means something."""
        kind = rng.choice(KINDS)
        amount = rng.choice((1, 10 * USD, 25 * USD, 60 * USD, 200 * USD, 580 * USD, 700 * USD))
        amount = 300_000 if kind == command.TWAP else amount
        ids = self.world.venue.columns["order_id"]
        mine = [
            int(ids[row]) for row in ids.nonzero()[0] if self.world.venue.columns["order_bucket"][row] != self.maker
        ]
        sub_first = kind == command.TRANSFER and rng.random() < 0.5
        drawn = {
            "account": self.sub if sub_first else self.who,
            "other": self.who if sub_first else self.sub,
            "market": rng.randrange(2),
            "amount": amount * rng.choice((1, -1)) if kind == command.ISOLATED_MARGIN else amount,
            "flags": _flags(kind, rng),
            "price": rng.choice(PRICES),
            "size": rng.choice((1, 5, 10, 20, 40, 400)) * (USD if kind == command.POOL_REMOVE else 1),
            "reference": rng.choice(mine) if mine else 1,
        }
        if kind in (command.PLACE, command.MODIFY):
            drawn["other"] = 0
        wanted = {name: value for name, value in drawn.items() if name in command.FIELDS[kind]}
        return {"kind": kind, "signer": self.who, **wanted}


def _flags(kind: int, rng: random.Random) -> int:
    if kind in (command.POOL_ADD, command.POOL_REMOVE):
        return rng.choice((command.AMM, command.BACKSTOP))
    if kind in (command.SET_LEVERAGE, command.MOVE_POSITION):
        return rng.choice((0, command.ISOLATED))
    return rng.choice((BUY, SELL)) | rng.choice((0, command.IOC, command.POST_ONLY, command.REDUCE_ONLY))


def allowed(before: Standing, after: Standing) -> bool:
    """SPEC section 4, up to the micro-USD that the requirements round."""
    if after.equity + 2 >= after.initial or after.maintenance == 0 == before.maintenance:
        return after.equity + 2 >= min(after.initial, before.equity)
    is_promising = after.reserved > before.reserved and after.initial > before.initial
    if is_promising or after.maintenance > before.maintenance + 2:
        return False
    return (after.equity + 2) * before.maintenance >= before.equity * after.maintenance


def scenario() -> None:
    """Healthy, at the edge, and below initial margin: long walks of everything an owner can send."""
    accepted = set()
    for seed, price in enumerate((100 * USD, 100 * USD, 96 * USD, 94 * USD, 94 * USD, 106 * USD)):
        rng = random.Random(seed)
        start = Edge(price, command.ISOLATED if seed % 2 else 0)
        for _ in range(20):
            venue = start.world.venue.copy()
            if rng.random() < 0.5:
                start.world.must(kind=command.CANCEL_ALL, signer=start.who, account=start.who, market=-1)
            for _ in range(25):
                fields = start.tries(rng)
                before = {bucket: standing(start.world, bucket) for bucket in start.buckets}
                if start.world.do(**fields).codes[0] == code.OK:
                    accepted.add(fields["kind"])
                    for bucket in start.buckets:
                        was = before.get(bucket, NOTHING)
                        assert allowed(was, standing(start.world, bucket)), (fields, was, standing(start.world, bucket))
            start.world.venue = venue
    assert len(accepted) >= 15


def test_every_kind_is_in_one_of_the_registries() -> None:
    assert set(RISK_INCREASING) | set(NO_RISK) == set(command.FIELDS)
    assert not set(RISK_INCREASING) & set(NO_RISK)
    assert all(len(why) > 5 for why in (*RISK_INCREASING.values(), *NO_RISK.values()))


def test_no_verb_leaves_a_bucket_below_initial_margin() -> None:
    scenario()


REFUSED = "    if refusal != code.OK:\n        return "
IGNORED = "    if refusal == code.STALE_PRICE:\n        return "
CHECKS: dict[str, Edit] = {
    "withdraw": ("engine/withdrawals.py", REFUSED, IGNORED),
    "transfer": ("engine/cash.py", REFUSED, IGNORED),
    "isolated_margin": ("engine/isolated.py", "refusal = exit_fault(s, giver, size)", "refusal = code.OK"),
    "move_position, what is left": (
        "engine/isolated.py",
        "    if not accepts(measure(s, cross), left):",
        "    if False:",
    ),
    "move_position, to isolated": (
        "engine/isolated.py",
        "    if made[EQUITY_INITIAL] < made[INITIAL]:",
        "    if False:",
    ),
    "set_leverage": (
        "engine/isolated.py",
        "if need > 0 and (not isolated or need > may_leave(s, c.account)):",
        "if False:",
    ),
    "place, modify, twap": (
        "engine/placing.py",
        "        return -code.INITIAL_MARGIN\n    need",
        "        return 0\n    need",
    ),
    "pool_add": ("engine/pools.py", "        able = exit_fault(s, c.account, c.amount)", "        able = code.OK"),
    "pool_remove": ("engine/pools.py", " or after[EQUITY_INITIAL] < after[INITIAL]:", ":"),
    "insurance_add": ("engine/pools.py", "\n    able = exit_fault(s, c.account, c.amount)", "\n    able = code.OK"),
}


@pytest.mark.parametrize("verb", CHECKS)
def test_it_fails_without_the_check_of_one_verb(verb: str) -> None:
    assert fails_without(*CHECKS[verb], scenario)
