"""The governor that is a timelock: nothing happens before its delay, after its week, twice, or against the guardian."""

from typing import Any

import pytest
from evm import DEPLOYER, Evm, Refused, Reverted

from seawall.terms import code

DAY = 86_400
GUARDIAN, STRANGER, NEXT = ("0x" + f"{n:02x}" * 20 for n in (0x6A, 0x5A, 0xB1))


class Lock:
    """A timelock of two days that governs an Exchange."""

    def __init__(self) -> None:
        self.evm = Evm()
        self.lock = self.evm.deploy("Timelock", DEPLOYER, GUARDIAN, 2 * DAY)
        self.exchange = self.evm.deploy("Exchange", DEPLOYER, self.lock.address, DEPLOYER, 3_600)

    def call(self, operator: str = NEXT) -> bytes:
        return self.exchange.functions["name_operator"].data((operator,))

    def announce(self, data: bytes | None = None, salt: int = 1, target: str | None = None) -> bytes:
        args = (target or self.exchange.address, data or self.call(), salt)
        return bytes(self.evm.send(self.lock, "announce", *args))

    def execute(
        self, data: bytes | None = None, salt: int = 1, sender: str = STRANGER, target: str | None = None
    ) -> int:
        args = (target or self.exchange.address, data or self.call(), salt)
        return self.evm.code(self.lock, "execute", *args, sender=sender)

    def pass_time(self, seconds: int) -> None:
        self.evm.set_time(self.evm.now + seconds)

    def operator(self) -> str:
        return str(self.evm.view(self.exchange, "operator")).lower()


def test_an_announced_call_waits_for_its_delay_and_runs_once() -> None:
    world = Lock()
    assert world.execute() == code.NOT_DUE
    world.announce()
    world.pass_time(2 * DAY - 1)
    assert world.execute() == code.NOT_DUE
    world.pass_time(1)
    assert world.execute(world.call(STRANGER)) == code.NOT_DUE, "another call than was announced"
    assert world.execute(salt=2) == code.NOT_DUE
    assert world.execute() == 0
    assert world.operator() == NEXT
    assert world.execute() == code.NOT_DUE


def test_a_week_later_it_is_too_late() -> None:
    world = Lock()
    world.announce()
    world.pass_time(9 * DAY)
    assert world.execute() == 0
    world.announce(salt=2)
    world.pass_time(9 * DAY + 1)
    assert world.execute(salt=2) == code.NOT_DUE


@pytest.mark.parametrize(("who", "may"), [(GUARDIAN, True), (DEPLOYER, True), (STRANGER, False)])
def test_the_guardian_and_the_proposer_cancel(who: str, may: bool) -> None:
    world = Lock()
    identity = world.announce()
    assert world.evm.code(world.lock, "cancel", identity, sender=who) == (0 if may else code.NOT_AUTHORISED)
    world.pass_time(2 * DAY)
    assert world.execute() == (code.NOT_DUE if may else 0)


def test_only_the_proposer_announces_and_nothing_twice_at_once() -> None:
    world = Lock()
    for sender in (GUARDIAN, STRANGER):
        args = (world.exchange.address, world.call(), 1)
        assert world.evm.code(world.lock, "announce", *args, sender=sender) == code.NOT_AUTHORISED
    world.announce()
    with pytest.raises(Reverted):
        world.announce()


def test_its_own_terms_change_by_an_announced_call_alone() -> None:
    world = Lock()
    with pytest.raises(Reverted):
        world.evm.send(world.lock, "change", NEXT, 3 * DAY)
    change: Any = world.lock.functions["change"]
    world.announce(change.data((NEXT, DAY)), 5, world.lock.address)
    world.announce(change.data((NEXT, 3 * DAY)), 6, world.lock.address)
    world.pass_time(2 * DAY)
    with pytest.raises((Refused, Reverted)):
        world.evm.send(world.lock, "execute", world.lock.address, change.data((NEXT, DAY)), 5)
    assert world.evm.view(world.lock, "delay") == 2 * DAY
    assert world.execute(change.data((NEXT, 3 * DAY)), 6, target=world.lock.address) == 0
    assert world.evm.view(world.lock, "delay") == 3 * DAY
    assert world.evm.code(world.lock, "announce", world.exchange.address, world.call(), 9) == code.NOT_AUTHORISED


def test_a_call_that_fails_may_be_executed_again() -> None:
    world = Lock()
    bad = world.exchange.functions["beat"].data(())
    world.announce(bad, 3)
    world.pass_time(2 * DAY)
    assert world.execute(bad, 3) == code.NOT_AUTHORISED
    assert int(world.evm.view(world.lock, "ready", world.announce(bad, 4))) > 0
    assert world.execute(bad, 3) == code.NOT_AUTHORISED, "still announced: the revert took everything back"
