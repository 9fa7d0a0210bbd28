"""Tokens that call out while a position turns into them: what can be called then, and what an account seems worth."""

from types import SimpleNamespace

import pytest
from uniswap_world import LpWorld, create_address, fast_world, in_trouble, owner_of, sink

from seawall.chain import layout as at

FAILED, DONE = 0, 1


class Watcher:
    """A contract that makes one call whenever it is called, and keeps whether it went through and its first word."""

    def __init__(self, world: LpWorld, target: str, data: str) -> None:
        self.evm = world.world.w3.evm.evm
        call = bytes.fromhex(data.removeprefix("0x"))
        size = b"\x61" + len(call).to_bytes(2, "big")
        act = b"\x60\x20\x5f" + size + b"\x5f\x5f\x73" + bytes.fromhex(target[2:]) + b"\x5a\xf1"
        keep = bytes.fromhex("5f54600101805f558060011b828155" + "5f51906001015500")
        place = 8 + len(act) + len(keep)
        runtime = size + b"\x61" + place.to_bytes(2, "big") + b"\x5f\x39" + act + keep + call
        creation = b"\x61" + len(runtime).to_bytes(2, "big") + bytes.fromhex("80600c5f395ff3")
        self.address = str(self.evm.deploy(world.world.client.address, creation.ljust(12, b"\0") + runtime))

    def seen(self) -> list[tuple[int, int]]:
        """(whether it went through, the first word) of every call."""
        count = int(self.evm.storage(self.address, 0))
        return [
            (int(self.evm.storage(self.address, 2 * i)), int(self.evm.storage(self.address, 2 * i + 1)))
            for i in range(1, count + 1)
        ]


def data_of(contract: object, function: str, *args: object) -> str:
    return str(contract.get_function_by_name(function)(*args)._encode_transaction_data())  # type: ignore[attr-defined]


def hook(world: LpWorld, contract: object, function: str, *args: object) -> Watcher:
    """Both tokens call this on every transfer."""
    from web3 import Web3

    made = Watcher(world, contract.address, data_of(contract, function, *args))  # type: ignore[attr-defined]
    for token in (world.usd, world.uniswap.weth):
        contract = world.world.client.at("TestToken", token)
        world.world.client.send(contract, "set_hook", Web3.to_checksum_address(made.address))
    return made


def test_no_way_back_in_while_tokens_move() -> None:
    """Of two positions of an unhealthy account one is unwound; its tokens call for the other."""
    world = fast_world()
    owner, id_ = in_trouble(world, 250, 250)
    other = world.places(owner)[1]["id"]
    watcher = hook(world, world.lp, "unwind", other)
    owner_of(world).send(world.lp, "unwind", id_)
    assert len(watcher.seen()) >= 2
    assert all(went == FAILED for went, _ in watcher.seen())
    assert [place["id"] for place in world.places(owner)] == [other]


def test_no_way_back_in_for_the_owner_itself() -> None:
    """An owner by contract, called by a token of its position that is unwound, does what its pool's own lock allows."""
    from web3 import Web3

    world = fast_world()
    chain, client, giver = world.world.w3, world.world.client, owner_of(world)
    address = Web3.to_checksum_address(create_address(client.address, client.nonce()))  # the watcher's, when it is made
    ids = [world.mint(giver, 250) for _ in range(2)]
    for id_ in ids:
        giver.send(world.manager, "transferFrom", giver.address, address, id_)
        data = data_of(world.manager, "safeTransferFrom", address, world.lp.address, id_, b"")
        chain.mine(address, world.manager.address, bytes.fromhex(data[2:]))
    exchange = world.world.contract("Exchange")
    data = data_of(exchange, "trade", 0, 1, True, 500_000, 11_000, False)
    chain.mine(address, exchange.address, bytes.fromhex(data[2:]))
    sink(world, SimpleNamespace(address=address))  # type: ignore[arg-type]
    watcher = hook(world, world.lp, "sync", ids[1])
    assert Web3.to_checksum_address(watcher.address) == address
    giver.send(world.lp, "unwind", ids[0])
    assert len(watcher.seen()) >= 2
    assert all(went == FAILED for went, _ in watcher.seen())
    giver.send(world.world.client.at("TestToken", world.usd), "transfer", giver.address, 0)
    assert watcher.seen()[-1][0] == DONE, "outside a step of the contract it may"


def test_the_watcher_works() -> None:
    """The same call from outside a step of the contract goes through: it could have shown a hole."""
    world = fast_world()
    owner, id_ = in_trouble(world)
    watcher = hook(world, world.lp, "unwind", id_)
    world.world.client.send(world.world.client.at("TestToken", world.usd), "transfer", world.vault.address, 0)
    assert watcher.seen()[-1][0] == DONE
    assert world.places(owner) == []


@pytest.mark.parametrize("act", ["collect", "decrease", "move", "unwind"])
def test_an_account_is_never_poorer_or_richer_on_the_way(act: str) -> None:
    """Whoever is called by a token sees the account as it is before the step or as it is after."""
    world = fast_world()
    if act == "unwind":
        owner, id_ = in_trouble(world)
    else:
        owner = owner_of(world)
        id_ = world.position(owner, 500)
    world.swap(world.trader, 10**10, of_usd=True)
    world.swap(world.trader, 10**20, of_usd=False)
    house = world.world.contract("ClearingHouse")
    watcher = hook(world, house, "health_after", at.account(owner.address), at.NO_MARKET, 0, 0, 0, 0)
    before = world.health(owner)[0]
    tick = world.tick()
    args = {"decrease": (id_, 10**14, 0, 0), "move": (id_, tick - 6_000, tick + 6_000, 0)}.get(act, (id_,))
    owner.send(world.lp, act, *args)
    after = world.health(owner)[0]
    assert before != after
    seen = watcher.seen()
    assert len(seen) >= 2
    assert all(went == DONE and min(before, after) <= equity <= max(before, after) for went, equity in seen), seen
