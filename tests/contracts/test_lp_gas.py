"""Gas of LP positions as margin, from receipts of anvil. Run as a program it prints the figures of docs/chain/lp.md."""

from functools import partial

import pytest
from uniswap_world import LpWorld
from venue import ANVIL_KEY, World, anvil, connect

from seawall.chain import layout as at
from seawall.chain.client import Client

HEALTH = "health of an account with two perps and {} positions"
BARS = {HEALTH.format(4): 250_000, HEALTH.format(8): 250_000}


def health(world: LpWorld, owner: Client) -> int:
    """Of a transaction that only asks, its intrinsic part and calldata included."""
    args = (at.account(owner.address), at.NO_MARKET, 0, 0, 0, 0)
    return int(owner.send(world.world.contract("ClearingHouse", owner), "health_after", *args)["gasUsed"])


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
