"""A range as margin, its whole life: put in, hedged, earning, manipulated, moved, crashed, unwound and liquidated."""

import subprocess
import sys
from functools import partial

import boa_chain
import npm
import pytest
from uniswap_world import ETH, LpWorld, fast_world
from venue import ANVIL_KEY, USD, World, anvil, connect

from seawall.chain import layout as at
from seawall.chain.client import Client
from seawall.chain.keeper import Keeper
from seawall.chain.rebuild import verify
from seawall.chain.status import status_of
from seawall.margin.lp import SQRT_RATIO_MAX, SQRT_RATIO_MIN
from seawall.terms import code

HELD = 300_000  # lots of ETH in the hedge: 30 ETH


def live_through(lp: LpWorld) -> None:
    world = lp.world
    owner = lp.wallet(20_000, 200)
    id_ = lp.position(owner, 1_500)
    worth = lp.worth(owner)
    assert lp.refusal(owner, lp.vault, "withdraw", 0, USD, owner.address) == 0, "cash may be borrowed against it"
    world.trade(owner, ETH, HELD, buys=False)  # hedged
    lp.swap(lp.trader, 10**9, of_usd=True)
    lp.swap(lp.trader, 10**19, of_usd=False)
    owner.send(lp.lp, "collect", id_)
    assert lp.head(owner)["raw"] > 0
    root = int(lp.slot0()[0])
    for edge in (SQRT_RATIO_MIN + 1, SQRT_RATIO_MAX - 1):
        lp.push(lp.trader, edge)
        assert lp.worth(owner) == worth
    lp.push(lp.trader, root)
    assert lp.worth(owner) == worth
    tick = lp.tick()
    owner.send(lp.lp, "move", id_, tick - 6_000, tick + 6_000, 0)
    (id_,) = [place["id"] for place in lp.places(owner)]
    assert lp.refusal(owner, lp.lp, "withdraw", id_, owner.address) == code.WITHDRAWABLE
    hedged = lp.health(owner)[0]
    down_to(lp, 90)
    assert lp.health(owner)[0] > hedged * 8 // 10, "the short pays for most of what the range loses"
    long_and_crash(lp, owner)
    assert verify(world.client, world.record).is_whole, verify(world.client, world.record).differences


def down_to(lp: LpWorld, price: int) -> None:
    here = lp.eth_price() // USD
    for one in range(here - 1, price - 1, -1):
        lp.world.pass_time(2)
        assert lp.world.price(1_000, one) == [0, 0, 0]


def long_and_crash(lp: LpWorld, owner: Client) -> None:
    """The hedge is closed and turned round; ETH falls; a keeper takes the range apart and closes the long."""
    world = lp.world
    world.trade(owner, ETH, HELD)
    world.trade(owner, ETH, 500_000)
    down_to(lp, 70)
    for price in range(69, 20, -1):
        equity, _, maintenance, *_ = lp.health(owner)
        if equity < maintenance // 2:
            break
        down_to(lp, price)
    lp.push(lp.trader, SQRT_RATIO_MAX - 1 if lp.usd_first else SQRT_RATIO_MIN + 1)  # in the hope to stop a liquidation
    told = status_of(world.client, world.record)["lp_pools"][0]
    assert told["open"]
    assert told["liquidity"] == lp.places(owner)[0]["liquidity"]
    keeper = Keeper(lp.wallet(margin=10), world.record)
    done = keeper.run_once()
    assert not done.faults, done.faults
    assert len(done.unwound) == 1
    assert lp.places(owner) == []
    assert lp.held(owner) > 0 or lp.head(owner)["raw"] > 0
    assert at.account(owner.address) in {int(one, 16) for one in done.liquidated}
    equity, _, maintenance, *_ = lp.health(owner)
    assert equity >= maintenance


@pytest.mark.parametrize("usd_first", [True, False])
def test_on_a_fast_chain(usd_first: bool) -> None:
    live_through(fast_world(usd_first=usd_first))


def test_what_events_have_not_told_is_found() -> None:
    """Books that have missed how collateral came in do not agree with the contracts."""
    one = fast_world()
    owner = one.wallet(20_000, 200, margin=1)
    first = int(one.world.w3.eth.block_number) + 1
    one.position(owner, 500)
    owner.send(one.vault, "deposit_asset", 0, at.account(owner.address), 7)
    assert verify(one.world.client, one.world.record).is_whole
    one.world.record.block = first + 20
    told = {difference.what for difference in verify(one.world.client, one.world.record).differences}
    assert {"liquidity of pool 0", "asset 0 in all"} <= told


@pytest.mark.slow
def test_on_anvil() -> None:
    with anvil() as url:
        w3 = connect(url)
        live_through(LpWorld(Client(w3, ANVIL_KEY), partial(World, w3, ANVIL_KEY, None)))


@pytest.mark.slow
def test_on_titanoboa() -> None:
    """In a process of its own: titanoboa changes py-evm where it is loaded."""
    why = boa_chain.install() or npm.install()
    if why:
        pytest.skip(why)
    done = subprocess.run([sys.executable, boa_chain.__file__], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "lived through" in done.stdout
