"""What the guardian can do on a venue that runs, and what it cannot: it stops, and never takes or lets go."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("pyrevm", reason="the EVM of these tests is an extra: pip install seawall[dev]")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from fast_chain import USD, FastClient, FastVenue

from seawall.chain import layout as at
from seawall.chain.rebuild import verify
from seawall.terms import code, command

GUARDIAN_KEY = (55).to_bytes(32, "big")
VENUE_ROW = 256


class Guarded(FastVenue):
    """A venue whose guardian is nobody else; one member with a position."""

    def __init__(self) -> None:
        from eth_account import Account

        super().__init__(guardian=str(Account.from_key(GUARDIAN_KEY).address))
        self.guardian = FastClient(self.chain, GUARDIAN_KEY)
        self.member = self.wallet(1_000)
        assert self.trade(20_000) == 0

    def trade(self, lots: int, *, buys: bool = True, reduces: bool = False) -> int:
        limit = 110_000 if buys else 90_000
        return self.refusal(self.member, "Exchange", "trade", 0, 0, buys, lots, limit, reduces)

    def withdraw(self, usd: int = 10) -> int:
        return self.refusal(self.member, "CollateralVault", "withdraw", 0, usd * USD, self.member.address)

    def guard(self, row: int, status: int) -> int:
        return self.refusal(self.guardian, "RiskSteward", "guard", row, status)


@pytest.fixture
def world() -> Guarded:
    return Guarded()


def test_reduce_only_lets_out_and_nobody_in(world: Guarded) -> None:
    assert world.guard(0, command.REDUCING) == 0
    assert world.trade(100) == code.MARKET_REDUCE_ONLY
    assert world.trade(5_000, buys=False, reduces=True) == 0
    assert world.withdraw() == 0
    assert world.guard(0, command.ACTIVE) == code.NOT_TIGHTENING


def test_a_halted_venue_moves_nothing_and_owes_the_same(world: Guarded) -> None:
    before = verify(world.client, world.record)
    assert world.guard(VENUE_ROW, command.HALTED) == 0
    assert world.trade(100) == code.VENUE_HALTED
    assert world.trade(100, buys=False, reduces=True) == code.VENUE_HALTED
    assert world.withdraw() != 0
    account = at.account(world.member.address)
    assert world.refusal(world.member, "Liquidation", "liquidate", account) == code.VENUE_HALTED
    after = verify(world.client, world.record)
    assert after.is_whole
    assert after.liabilities == before.liabilities
    assert world.refusal(world.client, "RiskSteward", "set_status", VENUE_ROW, command.ACTIVE) in (0, code.NOT_DUE)


def test_a_stopped_feed_makes_a_market_reduce_only(world: Guarded) -> None:
    assert world.refusal(world.guardian, "OracleHub", "stop", 0, True) == 0
    world.pass_time(4_000)
    world.price(1_000, 100)
    assert world.trade(100) == code.STALE_PRICE
    assert world.refusal(world.guardian, "OracleHub", "stop", 0, False) == code.NOT_AUTHORISED
    assert world.withdraw() != 0, "nothing leaves on a price that nobody vouches for"


def test_paused_payouts_come_back_with_the_governor_alone(world: Guarded) -> None:
    assert world.withdraw() == 0
    assert world.refusal(world.guardian, "CollateralVault", "pause", True) == 0
    assert world.refusal(world.member, "CollateralVault", "claim", 1) == code.WITHDRAWALS_CLOSED
    for who in (world.guardian, world.client, world.member):
        assert world.refusal(who, "CollateralVault", "pause", False) == code.NOT_AUTHORISED
    vault = world.contract("CollateralVault")
    data = bytes.fromhex(vault.get_function_by_name("pause")(False)._encode_transaction_data()[2:])
    lock = world.contract("Timelock")
    world.client.send(lock, "announce", vault.address, data, 99)
    world.client.send(lock, "execute", vault.address, data, 99)
    assert world.refusal(world.member, "CollateralVault", "claim", 1) == 0


def test_a_disputed_withdrawal_goes_home(world: Guarded) -> None:
    """The guardian sends a withdrawal back to the account it came from, and nowhere else."""
    account = at.account(world.member.address)
    before = world.cash(account)
    assert world.withdraw(100) == 0
    assert world.cash(account) == before - 100 * USD
    assert world.refusal(world.client, "CollateralVault", "dispute", 1) == code.NOT_AUTHORISED
    assert world.refusal(world.guardian, "CollateralVault", "dispute", 1) == 0
    assert world.cash(account) == before
    assert world.refusal(world.member, "CollateralVault", "claim", 1) == code.UNKNOWN_WITHDRAWAL
    assert verify(world.client, world.record).is_whole


def test_the_guardian_takes_nothing(world: Guarded) -> None:
    """Every way to money, by the guardian."""
    account, address = at.account(world.member.address), world.guardian.address
    for contract, function, args in (
        ("ClearingHouse", "exit", (account, USD)),
        ("ClearingHouse", "credit", (at.account(address), USD)),
        ("ClearingHouse", "claim", (0, at.account(address), USD, False)),
        ("CollateralVault", "withdraw", (0, USD, address)),
        ("AccountDesk", "transfer", (0, account, USD)),
    ):
        assert world.refusal(world.guardian, contract, function, *args) != 0, (contract, function)
    assert verify(world.client, world.record).is_whole
