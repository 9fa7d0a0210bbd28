"""Portfolio margin with LP positions: a range hedged by a short perp is charged for its gamma, not for its delta."""

import random
from typing import Any

import pytest
from uniswap_world import ETH, LpWorld, fast_world

from seawall.chain import layout as at
from seawall.chain.client import Client
from seawall.chain.deploy import Deployer
from seawall.chain.lp import Token, root_of, worth_at
from seawall.margin.lp import position_amounts, sqrt_ratio_at_tick
from seawall.terms import code
from seawall.units import RATE_ONE, Side, ceil_div, floor_div

BETA, OWN, BASIS, FLOOR = RATE_ONE, RATE_ONE // 4, RATE_ONE // 100, RATE_ONE // 200
SHOCKS = [(RATE_ONE // 10, RATE_ONE), (-RATE_ONE // 10, RATE_ONE), (-RATE_ONE // 3, RATE_ONE // 2)]
SHARES = [RATE_ONE // 2, RATE_ONE]
FACTOR = RATE_ONE * 5 // 4
WEIGHT = RATE_ONE * 9 // 10
USD = Token(1, 1, 1, is_usd=True)
ONE = RATE_ONE * RATE_ONE


def graded(usd_first: bool = True) -> LpWorld:
    world = fast_world(usd_first=usd_first)
    governor = Deployer(world.world.client, world.world.record, None, lambda _: None)
    governor._govern("Appraiser", "set_grid", 1, FACTOR, SHOCKS, SHARES)
    for number in (0, ETH):
        governor.record.steps.append(f"risk {number}")  # a salt of its own
        governor._govern("Appraiser", "set_risk", number, (BETA, OWN, BASIS, FLOOR, 10**15, 0))
    return world


def portfolio(world: LpWorld, owner: Client) -> Any:
    return world.world.client.call(world.world.contract("Appraiser"), "portfolio", at.account(owner.address))


def expected(world: LpWorld, owner: Client) -> tuple[int, int]:
    """(maintenance, initial) of an account with positions of ETH alone, by the rule."""
    token = Token(*(int(n) for n in world.world.client.call(world.vault, "counted", 0)))
    places = [int(one) for one in world.world.client.call(world.lp, "places_of", at.account(owner.address))]
    word = world.world.word(at.position_key(at.account(owner.address), ETH))
    price = at.unpack(at.PRICE_WORD, world.world.word(at.market_key(at.PRICE, ETH)))["price"]
    perp = at.unpack(at.POSITION_WORD, word)["size"] * price if word else 0

    def kept(place: int, eth: int) -> int:
        pair, prices = ((USD, token), (1, eth)) if world.usd_first else ((token, USD), (eth, 1))
        return floor_div(worth_at(place, *pair, *prices) * WEIGHT, RATE_ONE)

    def held(place: int) -> int:
        """What of it is ETH."""
        fields = at.unpack(at.PLACE_WORD, place)
        pair, prices = ((USD, token), (1, token.price)) if world.usd_first else ((token, USD), (token.price, 1))
        ends = sqrt_ratio_at_tick(fields["lower"]), sqrt_ratio_at_tick(fields["upper"])
        amounts = position_amounts(root_of(*pair, *prices), *ends, fields["liquidity"], Side.DOWN)
        eth = amounts[1 if world.usd_first else 0]
        return floor_div(floor_div(eth * token.price, token.unit) * WEIGHT, RATE_ONE)

    ranged = sum(held(place) for place in places)
    rows = [(move * BETA, credit) for move, credit in SHOCKS]
    for share in SHARES:
        move = ceil_div(OWN * share, RATE_ONE) * RATE_ONE
        rows += [(move, RATE_ONE), (-move, RATE_ONE)]
    worst = -(10**30)
    for move, credit in rows:
        eth = floor_div(token.price * max(0, ONE + move), ONE)
        lost = sum(kept(place, token.price) - kept(place, eth) for place in places) * ONE
        hedged = min(max(0, -perp), ranged)
        loss = hedged * BASIS * RATE_ONE - perp * max(move, -ONE) + lost
        wide = loss * RATE_ONE if loss > 0 else loss * credit
        worst = max(worst, ceil_div(wide, ONE * RATE_ONE))
    maintenance = max(0, worst) + ceil_div(abs(perp) * FLOOR, RATE_ONE)
    return maintenance, ceil_div(maintenance * FACTOR, RATE_ONE)


@pytest.mark.parametrize("usd_first", [True, False])
def test_the_contract_equals_the_rule(usd_first: bool) -> None:
    world, rng = graded(usd_first), random.Random(21)
    for _ in range(6):
        owner = world.wallet(10**6, 10**4, margin=1_000)
        for _ in range(rng.randint(1, 3)):
            width = rng.choice([600, 3_000, 30_000])
            world.position(owner, rng.choice([10, 300, 2_000]), width, rng.randint(-width, width) // 60 * 60)
        assert tuple(portfolio(world, owner)[4:]) == expected(world, owner)
        world.world.trade(owner, ETH, rng.randint(1_000, 100_000), buys=rng.random() < 0.3)
        assert tuple(portfolio(world, owner)[4:]) == expected(world, owner)


def test_a_hedged_range_is_charged_for_gamma_not_for_delta() -> None:
    """A short of what the range holds: its requirement falls to the loss of the curve, the basis and the floor."""
    world = graded()
    owner = world.wallet(10**6, 10**4, margin=500)
    world.position(owner, 1_500, 6_000)
    alone = portfolio(world, owner)[4]
    delta = int(world.world.client.call(world.lp, "shifted", at.account(owner.address), 1, [])[0])
    world.world.trade(owner, ETH, delta // 10_000 * 10 // 9, buys=False)
    hedged = portfolio(world, owner)[4]
    assert hedged < alone * 6 // 10
    desk = world.world.contract("AccountDesk", owner)
    owner.send(desk, "set_portfolio", 0, True)
    assert world.health(owner)[2] == hedged
    lone = world.wallet(margin=5_000)
    world.world.trade(lone, ETH, delta // 10_000 * 10 // 9, buys=False)
    assert hedged < portfolio(world, lone)[4] * 6 // 10


def test_gamma_is_charged_where_delta_is_gone() -> None:
    """A narrow range has more of it than a wide one of the same worth, each with its hedge."""
    world = graded()
    charged = []
    for width in (600, 30_000):
        owner = world.wallet(10**6, 10**4, margin=500)
        world.position(owner, 1_500, width)
        delta = int(world.world.client.call(world.lp, "shifted", at.account(owner.address), 1, [])[0])
        world.world.trade(owner, ETH, delta // 10_000, buys=False)
        charged.append(portfolio(world, owner)[4])
    assert charged[0] > charged[1] * 3 // 2


def test_an_asset_without_a_grid_entry_stops_the_opt_in() -> None:
    world = fast_world()
    owner = world.wallet(10**6, 10**4, margin=500)
    world.position(owner, 1_500, 6_000)
    assert world.refusal(owner, world.world.contract("AccountDesk", owner), "set_portfolio", 0, True) not in (
        0,
        code.NOT_AUTHORISED,
    )
