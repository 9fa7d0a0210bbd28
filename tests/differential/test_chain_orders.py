"""Signed orders on the contracts: filled in part, in whole, cancelled, brought twice; what is left of each nonce."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("pyrevm", reason="the EVM of these tests is an extra: pip install seawall[dev]")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from chain_traffic import PRICES, Traffic
from chain_twins import owner_of
from evm import Refused

from seawall.chain.orders import SignedOrder, batch, fill_word
from seawall.terms import code

BUYER, SELLER, PRICE = 3, 4, PRICES[2]
ALL, CANCELLED = 2**63 - 1, 2**63


@pytest.fixture(scope="module")
def world() -> Traffic:
    return Traffic(1)


def order(world: Traffic, account: int, lots: int, *, buys: bool) -> SignedOrder:
    return world.chain.order(account, 2, buys, lots, PRICE, False)


def settle(world: Traffic, signed: list[SignedOrder], *fills: tuple[int, int, int]) -> int:
    """How many of (taker, maker, lots) were let through."""
    packed, proofs = batch(signed)
    words = [fill_word(taker, maker, lots, PRICE) for taker, maker, lots in fills]
    return int(world.chain.evm.send(world.chain.exchange, "settle", packed, words, proofs))


def filled(world: Traffic, one: SignedOrder) -> int:
    account = int(one.order.owner, 16)
    return int(world.chain.evm.view(world.chain.exchange, "filled", account, one.order.nonce))


def held(world: Traffic, account: int) -> int:
    positions = world.found_bucket(world.account_id(account))["positions"]
    return sum(int(one["size"]) for one in positions if one["market"] == 2)


def test_parts_add_up_to_the_whole_and_no_further(world: Traffic) -> None:
    buy = order(world, BUYER, 100, buys=True)
    sells = [order(world, SELLER, lots, buys=False) for lots in (30, 50, 40)]
    before = held(world, BUYER)
    assert settle(world, [buy, sells[0]], (0, 1, 30)) == 1
    assert (filled(world, buy), filled(world, sells[0])) == (30, ALL)
    assert settle(world, [buy, sells[1], sells[2]], (0, 1, 50), (0, 2, 40), (0, 2, 20)) == 2
    assert (filled(world, buy), filled(world, sells[1]), filled(world, sells[2])) == (ALL, ALL, 20)
    assert settle(world, [buy, sells[2]], (0, 1, 1)) == 0
    assert held(world, BUYER) == before + 100


@pytest.mark.parametrize("part", [100, 40])
def test_an_order_that_stands_twice_in_a_batch_is_filled_once(world: Traffic, part: int) -> None:
    """Each copy says what was left before the batch: together they must not fill more than that."""
    buy = order(world, BUYER, 100, buys=True)
    sells = [order(world, SELLER, part, buys=False) for _ in range(2)]
    before = held(world, BUYER)
    with pytest.raises(Refused) as refused:
        settle(world, [buy, buy, *sells], (0, 2, part), (1, 3, part))
    assert refused.value.code == code.NONCE_USED
    assert (held(world, BUYER), filled(world, buy)) == (before, 0)
    assert settle(world, [buy, sells[0]], (0, 1, part)) == 1


def test_what_is_cancelled_is_not_filled(world: Traffic) -> None:
    buy, sell = order(world, BUYER, 100, buys=True), order(world, SELLER, 100, buys=False)
    assert settle(world, [buy, sell], (0, 1, 60)) == 1
    owner = owner_of(BUYER)
    world.chain.evm.send(world.chain.exchange, "cancel", 0, [buy.order.nonce, 1_000_000], sender=owner)
    assert filled(world, buy) == CANCELLED | 60
    assert world.chain.evm.view(world.chain.exchange, "filled", int(owner, 16), 1_000_000) == CANCELLED
    assert settle(world, [buy, sell], (0, 1, 40)) == 0
    assert filled(world, sell) == 60


def test_neighbours_in_a_word_do_not_touch_each_other(world: Traffic) -> None:
    """128 nonces that follow each other and some of the next word: every third in part, every fourth cancelled."""
    orders = [order(world, BUYER, 2, buys=True) for _ in range(140)]
    sells = [order(world, SELLER, 2, buys=False) for _ in range(140)]
    expected = {}
    for place, (buy, sell) in enumerate(zip(orders, sells, strict=True)):
        lots = 1 if place % 3 == 0 else 2
        if place % 7 == 6:
            continue
        assert settle(world, [buy, sell], (0, 1, lots)) == 1
        expected[place] = 1 if lots == 1 else ALL
        if place % 4 == 0:
            nonce = buy.order.nonce
            world.chain.evm.send(world.chain.exchange, "cancel", 0, [nonce], sender=owner_of(BUYER))
            expected[place] = CANCELLED | (1 if lots == 1 else 0)
    assert {place: filled(world, one) for place, one in enumerate(orders) if place % 7 != 6} == expected
    assert all(filled(world, one) == 0 for place, one in enumerate(orders) if place % 7 == 6)
