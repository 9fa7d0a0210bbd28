"""Gas of LP positions as margin, from receipts of anvil. Run as a program it prints the figures of docs/chain/lp.md."""

from functools import partial

import pytest
from uniswap_world import LpWorld
from venue import ANVIL_KEY, World, anvil, connect

from seawall.chain import layout as at
from seawall.chain.client import Client
from seawall.chain.deploy import Deployer
from seawall.units import RATE_ONE

HEALTH = "health of an account with two perps and {} positions"
PORTFOLIO = "the same with 4 positions in portfolio margin, 16 rows"
BARS = {HEALTH.format(4): 250_000, HEALTH.format(8): 250_000}


def health(world: LpWorld, owner: Client) -> int:
    """Of a transaction that only asks, its intrinsic part and calldata included."""
    args = (at.account(owner.address), at.NO_MARKET, 0, 0, 0, 0)
    return int(owner.send(world.world.contract("ClearingHouse", owner), "health_after", *args)["gasUsed"])


def in_portfolio(world: LpWorld, owner: Client) -> int:
    """The same account with portfolio margin over a grid of 8 common shocks and 4 own ones of each market."""
    governor = Deployer(world.world.client, world.world.record, None, lambda _: None)
    shocks = [(RATE_ONE * k // 20, RATE_ONE // 2) for k in (-6, -4, -2, -1, 1, 2, 4, 6)]
    governor._govern("Appraiser", "set_grid", 1, RATE_ONE * 5 // 4, shocks, [RATE_ONE // 2, RATE_ONE])
    for number in (0, 1):
        governor.record.steps.append(f"risk {number}")  # a salt of its own
        governor._govern("Appraiser", "set_risk", number, (RATE_ONE, RATE_ONE // 4, RATE_ONE // 100, 0, 0, 0))
    owner.send(world.world.contract("AccountDesk", owner), "set_portfolio", 0, True)
    return health(world, owner)


def measure() -> dict[str, int]:
    found: dict[str, int] = {}
    with anvil() as url:
        w3 = connect(url)
        world = LpWorld(Client(w3, ANVIL_KEY), partial(World, w3, ANVIL_KEY, None))
        for count in (0, 1, 4, 8):
            owner = world.wallet(100_000, 1_000, margin=10)
            for place in range(count):
                world.position(owner, 100, 600 + 600 * place, 60 * place)
            for market in range(2):
                world.world.trade(owner, market, 100)
            found[HEALTH.format(count)] = health(world, owner)
            if count == 4:
                found[PORTFOLIO] = in_portfolio(world, owner)
        first, second, third, fourth, *_ = (place["id"] for place in world.places(owner))
        tick = world.tick()
        for name, act in (
            ("collect", lambda: owner.send(world.lp, "collect", first)),
            ("decrease", lambda: owner.send(world.lp, "decrease", second, 10**6, 0, 0)),
            ("move", lambda: owner.send(world.lp, "move", third, tick - 6_000, tick + 6_000, 0)),
            ("withdraw", lambda: owner.send(world.lp, "withdraw", fourth, owner.address)),
            ("put in", lambda: world.put(owner, fourth)),
        ):
            found[f"{name}, of 8"] = int(act()["gasUsed"])
    return found


@pytest.mark.slow
def test_a_health_check_is_within_its_bar() -> None:
    found = measure()
    for name, most in BARS.items():
        assert found[name] <= most, found


if __name__ == "__main__":
    for what, gas in measure().items():
        print(f"{what:<55}{gas:>9,}")
