"""Chainlink and Pyth as price oracles: what they say when their source is good, late, absurd or down."""

from typing import Any

import pytest

pytest.importorskip("vyper", reason="the compiler is an extra: pip install seawall[dev]")

import vyper
from evm import DEPLOYER, Contract, Evm, Reverted

from seawall.chain.artifacts import Artifact

ONE = 10**18
FEED = "01" * 32
AGGREGATOR = """
# pragma version 0.4.3
decimals: public(uint8)
round: uint80
answer: int256
started: uint256
time: uint256
last: uint80

@external
def set(decimals: uint8, round: uint80, answer: int256, started: uint256, time: uint256, last: uint80):
    self.decimals = decimals
    self.round = round
    self.answer = answer
    self.started = started
    self.time = time
    self.last = last

@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    return self.round, self.answer, self.started, self.time, self.last
"""
PYTH = """
# pragma version 0.4.3
struct Price:
    price: int64
    conf: uint64
    expo: int32
    publishTime: uint256

now: Price
updates: public(uint256)

@external
def set(price: int64, conf: uint64, expo: int32, time: uint256):
    self.now = Price(price=price, conf=conf, expo=expo, publishTime=time)

@external
@view
def getUpdateFee(data: DynArray[Bytes[4096], 8]) -> uint256:
    return 5 * len(data)

@external
@payable
def updatePriceFeeds(data: DynArray[Bytes[4096], 8]):
    assert msg.value == 5 * len(data), "fee"
    self.updates += len(data)

@external
@view
def getPriceUnsafe(id: bytes32) -> Price:
    return self.now
"""


def compiled(name: str, source: str) -> Artifact:
    made = vyper.compile_code(source, output_formats=["abi", "bytecode", "bytecode_runtime"])
    return Artifact(
        name=name,
        compiler="",
        evm_version="",
        sources="",
        abi=made["abi"],
        bytecode=made["bytecode"],
        runtime=made["bytecode_runtime"],
        layout={},
    )


class Chainlink:
    """A feed, an uptime feed, and the adapter over both: grace 600 s, heartbeat 3,600 s."""

    def __init__(self) -> None:
        self.evm = Evm()
        made = compiled("Aggregator", AGGREGATOR)
        self.feed = self.evm.deploy("Feed", made=made)
        self.uptime = self.evm.deploy("Uptime", made=made)
        self.adapter = self.evm.deploy("ChainlinkAdapter", self.uptime.address, 600, 3_600)
        self.up()
        self.say()

    def say(self, answer: int = 6_000_000_000_000, **changes: Any) -> None:
        fields = {"decimals": 8, "round": 9, "started": 0, "time": self.evm.now - 10, "last": 9} | changes
        words = (fields[name] for name in ("decimals", "round"))
        self.evm.send(self.feed, "set", *words, answer, fields["started"], fields["time"], fields["last"])

    def up(self, down: int = 0, since: int | None = None) -> None:
        self.evm.send(self.uptime, "set", 0, 1, down, self.evm.now - 601 if since is None else since, 0, 1)

    def price(self) -> tuple[int, int, int]:
        identity = bytes.fromhex(self.feed.address[2:]).rjust(32, b"\0")
        price, spread, time = self.evm.view(self.adapter, "price_of", identity)
        return price, spread, time


@pytest.mark.parametrize(("decimals", "answer"), [(8, 6 * 10**12), (18, 6 * 10**22), (0, 60_000), (20, 6 * 10**24)])
def test_a_good_answer_is_a_price(decimals: int, answer: int) -> None:
    world = Chainlink()
    world.say(answer, decimals=decimals)
    assert world.price() == (60_000 * ONE, 0, (world.evm.now - 10) * 1000)


def test_what_is_no_answer_says_nothing() -> None:
    world = Chainlink()
    now = world.evm.now
    absurd: list[dict[str, Any]] = [
        {"answer": 0},
        {"answer": -1},
        {"time": 0},
        {"time": now + 1},
        {"time": now - 3_601},
        {"last": 8},
    ]
    for fields in absurd:
        world.say(**fields)
        assert world.price()[0] == 0, fields
    world.say(time=now - 3_600)
    assert world.price()[0] == 60_000 * ONE


def test_a_sequencer_that_is_down_or_just_up_says_nothing() -> None:
    world = Chainlink()
    for down, since, price in ((1, 0, 0), (1, world.evm.now - 9_000, 0), (0, world.evm.now - 599, 0), (0, 0, 0)):
        world.up(down, since)
        assert world.price() == (price, 0, 0)
    world.up(0, world.evm.now - 600)
    assert world.price()[0] == 60_000 * ONE


class Pyth:
    def __init__(self) -> None:
        self.evm = Evm()
        self.pyth = self.evm.deploy("Pyth", made=compiled("Pyth", PYTH))
        self.adapter = self.evm.deploy("PythAdapter", self.pyth.address)

    def price(self, price: int, conf: int, expo: int) -> tuple[int, int, int]:
        self.evm.send(self.pyth, "set", price, conf, expo, self.evm.now - 3)
        found = self.evm.view(self.adapter, "price_of", bytes.fromhex(FEED))
        assert found[2] == (self.evm.now - 3) * 1000
        return found[0], found[1], found[2]


@pytest.mark.parametrize(
    ("price", "conf", "expo"), [(6 * 10**12, 10**9, -8), (60_000, 10, 0), (6 * 10**18, 10**15, -14)]
)
def test_pyth_prices_are_scaled_by_their_exponent(price: int, conf: int, expo: int) -> None:
    assert Pyth().price(price, conf, expo)[:2] == (60_000 * ONE, 10 * ONE)


@pytest.mark.parametrize(("price", "expo"), [(0, -8), (-5, -8), (5, 1), (5, -19)])
def test_what_is_no_pyth_price_says_nothing(price: int, expo: int) -> None:
    assert Pyth().price(price, 1, expo)[:2] == (0, 0)


def test_updates_cost_their_fee_and_the_rest_goes_back() -> None:
    world = Pyth()
    data = world.adapter.functions["update"].data(([b"one", b"two"],))
    before = world.evm.evm.get_balance(DEPLOYER)
    with pytest.raises(Reverted):
        world.evm.raw(world.adapter.address, data, value=9)
    world.evm.raw(world.adapter.address, data, value=50)
    assert world.evm.view(world.pyth, "updates") == 2
    assert balance(world.evm, world.pyth) == 10
    assert balance(world.evm, world.adapter) == 0
    assert before - world.evm.evm.get_balance(DEPLOYER) == 10


def balance(evm: Evm, contract: Contract) -> int:
    return int(evm.evm.get_balance(contract.address))
