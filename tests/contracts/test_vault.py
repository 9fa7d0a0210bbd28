"""The vault: tokens of any decimals, those it refuses, limits, signatures, re-entry by attack contracts in bytecode."""

from typing import Any

import msgspec
import pytest
from eth_keys.datatypes import PrivateKey
from evm import DEPLOYER, Contract, Evm, Reverted

from seawall.chain import layout as at
from seawall.chain import orders
from seawall.chain.settings import example
from seawall.chain.stack import ORDER, arguments, planned, specs
from seawall.terms import code

USD = 10**6
KEY = (77).to_bytes(32, "big")
OWNER = PrivateKey(KEY).public_key.to_checksum_address()
GUARDIAN = "0x" + "6a" * 20


class Vault:
    """Everything deployed over a token with so many decimals."""

    def __init__(self, decimals: int = 6, **changes: Any) -> None:
        self.evm = Evm()
        self.token = self.evm.deploy("TestToken", decimals)
        self.decimals = decimals
        where = planned(DEPLOYER, self.evm.nonce())
        people = {"admin": DEPLOYER, "guardian": GUARDIAN, "operator": DEPLOYER}
        signers = {"reporters": [DEPLOYER], "risk_signers": [DEPLOYER], "permit2": "0x" + "00" * 20}
        settings = msgspec.structs.replace(example(), **(people | signers | changes))
        for name in ORDER:
            self.evm.deploy(name, *arguments(name, where, settings, self.token.address))
        self.vault, self.house = self.evm.contracts["CollateralVault"], self.evm.contracts["ClearingHouse"]
        table = list(specs().items())
        steward = self.evm.contracts["RiskSteward"]
        self.evm.send(steward, "describe", [n for n, _ in table[:30]], [row for _, row in table[:30]])
        self.evm.send(steward, "describe", [n for n, _ in table[30:]], [row for _, row in table[30:]])
        self.evm.send(steward, "set_status", 256, 1)

    def units(self, micro: int) -> int:
        return micro * 10**self.decimals // USD

    def give(self, owner: str, micro: int) -> None:
        self.evm.send(self.token, "mint", owner, self.units(micro))
        self.evm.send(self.token, "approve", self.vault.address, self.units(micro), sender=owner)

    def deposit(self, owner: str, micro: int) -> int:
        return self.evm.code(self.vault, "deposit", at.account(owner), micro, sender=owner)

    def cash(self, owner: str) -> int:
        word = self.evm.view(self.house, "word_of", at.BUCKET | at.account(owner))
        return at.unpack(at.BUCKET_WORD, word)["raw"] if word else 0

    def held(self, owner: str) -> int:
        return int(self.evm.view(self.token, "balanceOf", owner))


@pytest.mark.parametrize("decimals", [2, 6, 8, 18])
def test_a_round_trip_is_exact(decimals: int) -> None:
    world = Vault(decimals)
    world.give(OWNER, 1_000 * USD)
    assert world.deposit(OWNER, 1_000 * USD) == 0
    assert world.cash(OWNER) == 1_000 * USD
    number = world.evm.send(world.vault, "withdraw", 0, 400 * USD, OWNER, sender=OWNER)
    world.evm.send(world.vault, "claim", number)
    assert (world.cash(OWNER), world.held(OWNER)) == (600 * USD, world.units(400 * USD))


def test_an_amount_between_two_units_is_refused() -> None:
    world = Vault(2)
    world.give(OWNER, 100 * USD)
    assert world.deposit(OWNER, 10_001) == code.BAD_AMOUNT
    assert world.deposit(OWNER, 10_000) == 0
    assert world.evm.code(world.vault, "withdraw", 0, 9_999, OWNER, sender=OWNER) == code.BAD_AMOUNT


def test_fee_on_transfer_is_refused() -> None:
    world = Vault()
    world.give(OWNER, 1_000 * USD)
    world.evm.send(world.token, "set_fee", 10)
    assert world.deposit(OWNER, 1_000 * USD) == code.BAD_AMOUNT
    assert world.cash(OWNER) == 0


@pytest.mark.parametrize("amount", [0, -1, 2**53 + 1])
def test_amounts_out_of_range(amount: int) -> None:
    assert Vault().deposit(OWNER, amount) == code.BAD_AMOUNT


def test_only_what_may_leave() -> None:
    world = Vault()
    world.give(OWNER, 100 * USD)
    world.deposit(OWNER, 100 * USD)
    assert world.evm.code(world.vault, "withdraw", 0, 100 * USD + 1, OWNER, sender=OWNER) == code.WITHDRAWABLE
    assert world.evm.code(world.vault, "withdraw", 0, USD, OWNER, sender=GUARDIAN) == code.UNKNOWN_ACCOUNT
    number = world.evm.send(world.vault, "withdraw", 0, 100 * USD, OWNER, sender=OWNER)
    world.evm.send(world.vault, "claim", number)
    assert world.evm.code(world.vault, "claim", number) == code.UNKNOWN_WITHDRAWAL


def signed(world: Vault, amount: int, nonce: int, expires: int, key: bytes = KEY) -> bytes:
    domain = bytes(world.evm.view(world.vault, "domain_separator"))
    return orders.sign(key, orders.withdrawal_digest(domain, OWNER, 0, amount, OWNER, nonce, expires))


def test_a_signed_withdrawal_waits_for_the_window_and_can_be_disputed() -> None:
    world = Vault(dispute_s=300, dispute_blocks=2)
    world.give(OWNER, 100 * USD)
    world.deposit(OWNER, 100 * USD)
    expires = world.evm.now + 1_000
    args = (OWNER, 0, 10 * USD, OWNER, 1, expires)
    wrong = signed(world, 10 * USD, 1, expires, b"\x05" * 32)
    assert world.evm.code(world.vault, "withdraw_for", *args, wrong) == code.NOT_AUTHORISED
    good = signed(world, 10 * USD, 1, expires)
    number = world.evm.send(world.vault, "withdraw_for", *args, good)
    assert world.evm.code(world.vault, "withdraw_for", *args, good) == code.NONCE_USED
    assert world.evm.code(world.vault, "claim", number) == code.NOT_DUE
    assert world.evm.code(world.vault, "dispute", number, sender="0x" + "5a" * 20) == code.NOT_AUTHORISED
    world.evm.send(world.vault, "dispute", number, sender=GUARDIAN)
    assert world.cash(OWNER) == 100 * USD
    late = signed(world, 10 * USD, 2, world.evm.now - 1)
    args = (OWNER, 0, 10 * USD, OWNER, 2, world.evm.now - 1)
    assert world.evm.code(world.vault, "withdraw_for", *args, late) == code.COMMAND_EXPIRED
    number = world.evm.send(
        world.vault, "withdraw_for", OWNER, 0, USD, OWNER, 3, expires, signed(world, USD, 3, expires)
    )
    world.evm.set_time(world.evm.now + 301)
    assert world.evm.code(world.vault, "claim", number) == code.NOT_DUE  # seconds are over, blocks are not
    world.evm.set_time(world.evm.now + 1)
    world.evm.send(world.vault, "claim", number)


def test_paused_payouts_wait() -> None:
    world = Vault()
    world.give(OWNER, 100 * USD)
    world.deposit(OWNER, 100 * USD)
    number = world.evm.send(world.vault, "withdraw", 0, USD, OWNER, sender=OWNER)
    world.evm.send(world.vault, "pause", True, sender=GUARDIAN)
    assert world.evm.code(world.vault, "claim", number) == code.WITHDRAWALS_CLOSED
    assert world.evm.code(world.vault, "withdraw", 0, USD, OWNER, sender=OWNER) == code.WITHDRAWALS_CLOSED


def attacker(world: Vault, target: str, data: bytes) -> str:
    """A contract that makes this call whenever it is called, and keeps whether it was let through."""
    padded = data.ljust(-(-len(data) // 32) * 32, b"\0")
    head = bytes.fromhex("61") + len(data).to_bytes(2, "big") + bytes.fromhex("61")
    tail = bytes.fromhex("5f39") + bytes.fromhex("5f5f61") + len(data).to_bytes(2, "big")
    tail += bytes.fromhex("5f5f73") + bytes.fromhex(target[2:]) + bytes.fromhex("5af1600101600155" + "00")
    place = len(head) + 2 + len(tail)
    runtime = head + place.to_bytes(2, "big") + tail + padded
    creation = bytes.fromhex("61") + len(runtime).to_bytes(2, "big") + bytes.fromhex("80600c5f395ff3")
    creation = creation.ljust(12, b"\x00") + runtime
    return str(world.evm.evm.deploy(DEPLOYER, creation, gas=5_000_000))


def calls(world: Vault) -> list[tuple[Contract, str, tuple[Any, ...]]]:
    """Every way back in while a token is on its way."""
    return [
        (world.vault, "claim", (1,)),
        (world.vault, "deposit", (at.account(OWNER), USD)),
        (world.vault, "withdraw", (0, USD, OWNER)),
        (world.vault, "dispute", (1,)),
        (world.vault, "deposit_asset", (0, at.account(OWNER), 1)),
        (world.vault, "buy_collateral", (at.account(OWNER), 0, 1, 0, 10**12)),
    ]


@pytest.mark.parametrize("which", range(6))
@pytest.mark.parametrize("moment", ["deposit", "claim"])
def test_re_entry_from_a_token(which: int, moment: str) -> None:
    """The token calls an attacker in the middle of a transfer; its call back fails, the books are as without it."""
    world = Vault()
    world.give(OWNER, 100 * USD)
    world.deposit(OWNER, 50 * USD)
    number = world.evm.send(world.vault, "withdraw", 0, 10 * USD, OWNER, sender=OWNER)
    contract, function, args = calls(world)[which]
    data = contract.functions[function].data(args)
    thief = attacker(world, contract.address, data)
    world.evm.send(world.token, "set_hook", thief)
    if moment == "deposit":
        assert world.deposit(OWNER, 20 * USD) == 0
        assert world.cash(OWNER) == 60 * USD
    else:
        world.evm.send(world.vault, "claim", number)
        assert world.held(OWNER) == 60 * USD
        assert world.cash(OWNER) == 40 * USD
    assert world.evm.evm.storage(thief, 1) == 1, "the call back in was made, and refused"


def test_the_attacker_works() -> None:
    """The same attack on a function without a lock goes through: it could have shown a hole."""
    world = Vault()
    data = world.token.functions["mint"].data((OWNER, 5))
    thief = attacker(world, world.token.address, data)
    world.evm.raw(thief, b"")
    assert (world.held(OWNER), world.evm.evm.storage(thief, 1)) == (5, 2)


def test_an_account_by_contract_signs_by_eip_1271() -> None:
    """A contract that says yes to everything may be withdrawn for; one that says nothing may not."""
    world = Vault()
    yes = bytes.fromhex("631626ba7e60e01b5f5260205ff3")
    creation = bytes.fromhex("61") + len(yes).to_bytes(2, "big") + bytes.fromhex("80600c5f395ff3")
    wallet = str(world.evm.evm.deploy(DEPLOYER, creation.ljust(12, b"\0") + yes, gas=1_000_000))
    world.give(OWNER, 100 * USD)
    world.evm.send(world.vault, "deposit", at.account(wallet), 50 * USD, sender=OWNER)
    args = (wallet, 0, USD, OWNER, 1, world.evm.now + 10)
    assert world.evm.send(world.vault, "withdraw_for", *args, b"anything") == 1
    mute = (world.token.address, *args[1:])
    with pytest.raises(Reverted):
        world.evm.send(world.vault, "withdraw", 0, USD, OWNER, sender=world.token.address)
    assert world.evm.code(world.vault, "withdraw_for", *mute, b"anything") == code.NOT_AUTHORISED
