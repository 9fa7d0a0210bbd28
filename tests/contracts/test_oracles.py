"""The signed oracle below its quorum, the statuses of the hub: what is not fresh only reduces, no call reverts."""

from typing import Any

import pytest
from eth_keys.datatypes import PrivateKey
from evm import DEPLOYER, Contract, Evm, create_address

from seawall.chain import layout as at
from seawall.chain import orders
from seawall.chain.permits import PERMITS
from seawall.chain.stack import MODULES
from seawall.terms import code
from seawall.units import RATE_ONE

KEYS = [(100 + i).to_bytes(32, "big") for i in range(5)]
REPORTERS = [PrivateKey(key).public_key.to_checksum_address() for key in KEYS]
BTC, ETH = b"BTC".ljust(32, b"\0"), b"ETH".ljust(32, b"\0")
ONE = 10**18
OK, STALE, DEVIATING, JUMPED = 0, 1, 2, 3


class Oracles:
    """A hub over a signed oracle of five reporters, three of which are enough; market 0 is BTC."""

    def __init__(self, reference: bool = False) -> None:
        self.evm = Evm()
        where = {name: "0x" + f"{0xB0 + i:040x}" for i, name in enumerate(MODULES)}
        where["hub"] = create_address(DEPLOYER, self.evm.nonce() + 1)
        permits = [(where[module], sort, mask) for module, sort, mask in PERMITS if module in where]
        self.house = self.evm.deploy("ClearingHouse", tuple(where[m] for m in MODULES), permits)
        self.hub = self.evm.deploy("OracleHub", self.house.address, DEPLOYER, "0x" + "6a" * 20)
        self.primary = self.signed()
        self.other = self.signed()
        self.evm.send(self.house, "list_market", 0, sender=where["steward"])
        self.set_feed(self.other.address if reference else "0x" + "00" * 20)

    def signed(self) -> Contract:
        return self.evm.deploy("SignedOracle", DEPLOYER, REPORTERS, 3, RATE_ONE // 50, 60_000)

    def set_feed(self, reference: str) -> None:
        ends = (100, RATE_ONE // 100, RATE_ONE // 100, RATE_ONE // 100, 30_000)
        self.evm.send(self.hub, "set_feed", 0, (self.primary.address, BTC, reference, BTC, *ends))

    def report(self, prices: list[int], oracle: Contract | None = None, **changes: Any) -> int:
        """A report of BTC by as many reporters as there are prices; its code."""
        contract = oracle or self.primary
        domain = bytes(self.evm.view(contract, "domain_separator"))
        stamp = changes.get("time", self.evm.now * 1000)
        reports = []
        for key, price in zip(changes.get("keys", KEYS), prices, strict=False):
            digest = orders.report_digest(domain, stamp, [BTC], [price * ONE])
            reports.append((stamp, [price * ONE], orders.sign(key, digest)))
        return self.evm.code(contract, "submit", [BTC], reports)

    def update(self) -> int:
        return int(self.evm.send(self.hub, "update", [0])[0])

    def price(self) -> tuple[int, int]:
        word = self.evm.view(self.house, "word_of", at.market_key(at.PRICE, 0))
        fields = at.unpack(at.PRICE_WORD, word)
        return fields["price"], fields["fresh"]


def test_below_quorum_nothing_is_written() -> None:
    world = Oracles()
    assert world.report([100, 100]) == code.NOT_ENOUGH_SIGNERS
    assert world.report([100, 100, 0]) == 0
    assert world.update() == STALE
    assert world.report([100, 100, 101]) == 0
    assert world.update() == OK
    assert world.price() == (10_000, 1)


def test_a_liar_does_not_count() -> None:
    """1000x by one (Synthetix 2019): three that agree are enough, two are not."""
    world = Oracles()
    assert world.report([100, 100, 100_000, 100]) == 0
    assert world.update() == OK
    assert world.price() == (10_000, 1)
    world.evm.set_time(world.evm.now + 1)
    assert world.report([100, 100_000, 100]) == 0
    before = world.price()
    world.update()
    assert world.price()[0] == before[0]


@pytest.mark.parametrize("keys", [[KEYS[0]] * 3, [b"\x09" * 32, *KEYS[:2]]], ids=["one thrice", "a stranger"])
def test_each_reporter_once_and_nobody_else(keys: list[bytes]) -> None:
    assert Oracles().report([100, 100, 100], keys=keys) == code.NOT_AUTHORISED


@pytest.mark.parametrize("off", [-61_000, 2_000])
def test_times(off: int) -> None:
    world = Oracles()
    assert world.report([100] * 3, time=world.evm.now * 1000 + off) == code.BAD_TIME


def test_an_old_price_goes_stale_and_stays_readable() -> None:
    world = Oracles()
    world.report([100] * 3)
    world.update()
    world.evm.set_time(world.evm.now + 31)
    assert world.update() == STALE
    assert world.price() == (10_000, 0)


def test_a_jump_waits_for_a_second_report() -> None:
    """2 % in a second is more than time allows; the same 3 s later is believed, another is not."""
    world = Oracles()
    world.report([100] * 3)
    assert world.update() == OK
    for later, price, status in ((1, 110, JUMPED), (2, 110, JUMPED), (4, 110, OK)):
        world.evm.set_time(world.evm.now + later)
        assert world.report([price] * 3) == 0
        assert world.update() == status
        assert world.price()[1] == (status == OK)
    assert world.price()[0] == 11_000


def test_a_reference_confirms_at_once_or_stops() -> None:
    world = Oracles(reference=True)
    world.report([100] * 3)
    world.report([100] * 3, world.other)
    assert world.update() == OK
    world.evm.set_time(world.evm.now + 1)
    world.report([130] * 3)
    world.report([130] * 3, world.other)
    assert world.update() == OK
    world.evm.set_time(world.evm.now + 1)
    world.report([140] * 3)
    assert world.update() == DEVIATING
    assert world.price() == (13_000, 0)


def test_the_guardian_stops_a_feed() -> None:
    world = Oracles()
    world.report([100] * 3)
    world.update()
    world.evm.send(world.hub, "stop", 0, True, sender="0x" + "6a" * 20)
    assert world.price()[1] == 0
    assert world.update() != OK
    assert world.evm.code(world.hub, "stop", 0, False, sender="0x" + "6a" * 20) == code.NOT_AUTHORISED
