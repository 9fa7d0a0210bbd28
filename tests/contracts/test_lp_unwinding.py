"""LP positions of an account in trouble, over the real Uniswap v3: fees first, then liquidity."""

from fractions import Fraction

import pytest
from uniswap_world import LpWorld, fast_world, in_trouble, nft_owner, owner_of, sink

from seawall.chain import layout as at
from seawall.chain.client import ChainFault
from seawall.margin.lp import SQRT_RATIO_MAX, SQRT_RATIO_MIN
from seawall.terms import code


@pytest.fixture(params=[True, False], ids=["usd-first", "weth-first"])
def world(request: pytest.FixtureRequest) -> LpWorld:
    return fast_world(usd_first=request.param)


@pytest.fixture
def one() -> LpWorld:
    return fast_world()


def test_unwinding_pays_the_account_in_cash_and_collateral(world: LpWorld) -> None:
    owner, id_ = in_trouble(world)
    equity = world.health(owner)[0]
    raw, keeper = world.head(owner)["raw"], owner_of(world)
    liquidity = int(keeper.call(world.lp, "unwind", id_))
    assert liquidity == world.places(owner)[0]["liquidity"]
    keeper.send(world.lp, "unwind", id_)
    assert world.places(owner) == []
    assert world.head(owner)["lp"] == 0
    assert world.head(owner)["raw"] > raw
    assert world.held(owner) > 0
    assert world.health(owner)[0] >= equity, "unwinding never takes equity away"
    assert world.world.client.call(world.lp, "account_of", id_) == 0
    assert world.refusal(keeper, world.lp, "unwind", id_) == code.BAD_FIELD
    with pytest.raises(ChainFault):
        nft_owner(world, id_)


def test_a_liquidation_counts_positions(one: LpWorld) -> None:
    """What the house says of an account's health is what the liquidation sees: a range keeps a trader without cash."""
    owner, keeper = owner_of(one), owner_of(one)
    one.position(owner, 500)
    one.world.trade(owner, 1, 500_000)
    liquidation = one.world.contract("Liquidation", keeper)
    assert one.refusal(keeper, liquidation, "liquidate", at.account(owner.address)) == code.NOT_DUE
    sink(one, owner)
    assert one.refusal(keeper, liquidation, "liquidate", at.account(owner.address)) == 0


def test_fees_first_and_no_more_where_they_are_enough(one: LpWorld) -> None:
    owner = owner_of(one)
    id_ = one.position(owner, 500)
    one.world.trade(owner, 1, 500_000)
    for _ in range(40):
        one.swap(one.trader, 2 * 10**12, of_usd=True)
        one.swap(one.trader, 2 * 10**22, of_usd=False)
    cents = 100_00
    while one.health(owner)[0] >= one.health(owner)[2]:
        cents -= 2
        one.world.venue.report({0: 1_000, 1: Fraction(cents, 100)})
    keeper = owner_of(one)
    keeper.send(one.lp, "unwind", id_)
    assert len(one.places(owner)) == 1, "the fees were enough"
    assert one.health(owner)[0] >= one.health(owner)[2]
    assert one.refusal(keeper, one.lp, "unwind", id_) == code.NOT_DUE


def test_a_gift_does_not_stop_unwinding(one: LpWorld) -> None:
    owner, id_ = in_trouble(one)
    giver = owner_of(one)
    giver.send(one.manager, "increaseLiquidity", (id_, 10**6, 10**16, 0, 0, 2**40))
    giver.send(one.lp, "unwind", id_)
    assert one.places(owner) == []


@pytest.mark.parametrize("end", ["low", "high"])
def test_a_manipulated_pool_neither_raises_value_nor_stops_liquidation(world: LpWorld, end: str) -> None:
    """Pushed to the last price and back. Unwound there, the account gets tokens worth no less at the oracles' price."""
    owner = owner_of(world)
    id_ = world.position(owner, 500)
    before, root = world.worth(owner), int(world.slot0()[0])
    edge = SQRT_RATIO_MIN + 1 if end == "low" else SQRT_RATIO_MAX - 1
    world.push(world.trader, edge)
    assert int(world.slot0()[0]) == edge
    assert world.worth(owner) == before
    world.push(world.trader, root)
    assert world.worth(owner) == before
    world.world.trade(owner, 1, 500_000)
    sink(world, owner)
    equity = world.health(owner)[0]
    world.push(world.trader, edge)
    owner_of(world).send(world.lp, "unwind", id_)
    assert world.places(owner) == []
    assert world.health(owner)[0] >= equity
