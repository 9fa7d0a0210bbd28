"""Deposit with a wallet key, trade, crash the price, a keeper liquidates, withdraw, verify. Then without the venue."""

from pathlib import Path

import pytest
from fast_chain import FastWorld
from venue import ANVIL_KEY, TESTER_KEY, USD, World, anvil, connect

from seawall.chain import layout as at
from seawall.chain.client import Client, Refused
from seawall.chain.keeper import Keeper
from seawall.chain.orders import Order, SignedOrder, digest, sign
from seawall.chain.rebuild import verify
from seawall.chain.settlement import Fill, Settlement
from seawall.terms import code


def live_through(world: World) -> None:
    """The whole life of two accounts."""
    long, short = world.wallet(1_000), world.wallet(5_000)
    world.trade(long, 0, 150_000)
    world.trade(short, 0, 20_000, buys=False)
    for price in range(985, 900, -1):
        world.price(price, 100)
        equity, maintenance = world.health(long)
        if equity < maintenance:
            break
    keeper = Keeper(world.wallet(10), world.record)
    done = keeper.run_once()
    assert hex(at.account(long.address)) in done.liquidated
    assert not done.faults, done.faults
    equity, maintenance = world.health(long)
    assert equity >= maintenance
    vault = world.contract("CollateralVault", short)
    short.send(vault, "withdraw", 0, 100 * USD, short.address)
    short.send(vault, "claim", 1)
    token = world.contract("TestToken")
    assert world.client.call(token, "balanceOf", short.address) == 100 * USD
    with pytest.raises(Refused) as refused:
        long.send(world.contract("CollateralVault", long), "withdraw", 0, 10**9 * USD, long.address)
    assert refused.value.code == code.WITHDRAWABLE
    verdict = verify(world.client, world.record)
    assert verdict.is_whole, verdict.differences


def test_on_a_fast_chain() -> None:
    live_through(FastWorld())


@pytest.mark.slow
def test_on_a_chain_inside_the_process() -> None:
    live_through(World(connect(None), TESTER_KEY))


@pytest.mark.slow
def test_on_anvil() -> None:
    with anvil() as url:
        live_through(World(connect(url), ANVIL_KEY))


def test_a_difference_in_one_word_is_found() -> None:
    """The comparison can fail: books that have missed an event do not agree."""
    world = FastWorld()
    world.record.block = int(world.w3.eth.block_number) - 3
    assert not verify(world.client, world.record).is_whole


def test_users_leave_alone_when_the_venue_is_silent() -> None:
    """No operator, no direct trading: a request closes at a price published after it, and the cash comes out."""
    world = FastWorld(direct=False, silence_s=600, exit_delay_s=1_000)
    owner = world.wallet(1_000)
    exchange = world.contract("Exchange", owner)
    with pytest.raises(Refused) as refused:
        world.trade(owner, 0, 1_000)
    assert refused.value.code == code.NOT_AUTHORISED
    settle_one(world, owner, world.wallet(1_000), 10_000)
    assert world.word(at.position_key(at.account(owner.address), 0)) != 0
    owner.send(exchange, "request", 0, 0, False, 10_000, 90_000, True)
    with pytest.raises(Refused) as refused:
        owner.send(exchange, "execute", 1)
    assert refused.value.code == code.NOT_DUE
    world.pass_time(700)
    world.price(1_000, 100)
    owner.send(exchange, "execute", 1)
    assert world.word(at.position_key(at.account(owner.address), 0)) == 0
    vault = world.contract("CollateralVault", owner)
    owner.send(vault, "withdraw", 0, 900 * USD, owner.address)
    owner.send(vault, "claim", 1)
    assert world.client.call(world.contract("TestToken"), "balanceOf", owner.address) == 900 * USD
    assert verify(world.client, world.record).is_whole


def signed(world: World, wallet: Client, *, buys: bool, lots: int, nonce: int = 1, price: int = 100_000) -> SignedOrder:
    domain = bytes(world.client.call(world.contract("Exchange"), "domain_separator"))
    order = Order(owner=wallet.address, market=0, buys=buys, lots=lots, price=price, nonce=nonce, expires=2**40)
    assert wallet.account is not None
    return SignedOrder(order=order, signature=sign(bytes(wallet.account.key), digest(domain, order)))


def settle_one(world: World, buyer: Client, seller: Client, lots: int, path: Path | None = None) -> Settlement:
    """The operator settles one match of two signed orders."""
    taker, maker = signed(world, buyer, buys=True, lots=lots), signed(world, seller, buys=False, lots=lots)
    fills = [Fill(number=1, taker=taker, maker=maker, lots=lots, price=100_000)]
    after = lambda number: [fill for fill in fills if fill.number > number]  # noqa: E731
    target = path or Path("/nonexistent")
    service = Settlement(world.client, world.record, target, after, depth=2)
    if path is None:
        service._save = lambda: None  # type: ignore[method-assign]
    assert service.run_once() == 1
    assert service.state.refused == {}
    return service


def test_settlement_counts_a_fill_once(tmp_path: Path) -> None:
    world = FastWorld()
    buyer, seller = world.wallet(1_000), world.wallet(1_000)
    service = settle_one(world, buyer, seller, 500, tmp_path / "settlement.json")
    assert service.run_once() == 0
    again = Settlement(world.client, world.record, tmp_path / "settlement.json", service.fills_after, depth=2)
    assert again.run_once() == 0
    size = at.unpack(at.POSITION_WORD, world.word(at.position_key(at.account(buyer.address), 0)))["size"]
    assert size == 500
    for _ in range(3):
        world.pass_time(1)
    again.confirm()
    assert again.state.final == 1
    assert again.state.sent == []
