"""The vault pays what a wallet has signed for the venue's API, once, to whom it says, and nothing else."""

from typing import Any

import pytest
from evm import DEPLOYER
from test_vault import KEY, OWNER, USD, Vault

from seawall.signing import Key, user_digest
from seawall.terms import code

PAYEE = "0x" + "Ab" * 20
MEMBER = Key(KEY)


@pytest.fixture
def world() -> Vault:
    made = Vault(dispute_s=60, dispute_blocks=2)
    made.give(OWNER, 1_000 * USD)
    assert made.deposit(OWNER, 1_000 * USD) == 0
    return made


def signed(world: Vault, key: Key = MEMBER, **changes: Any) -> tuple[str, tuple[Any, ...], int, int, int]:
    """The arguments of `withdraw_by_action` for an action signed as the SDK does, then with the fields of `sent`."""
    sent = changes.pop("sent", {})
    fields = {"hyperliquidChain": "Mainnet", "destination": PAYEE, "amount": "250.5", "time": world.evm.now * 1000}
    fields |= changes
    action = {"type": "withdraw3", "signatureChainId": "0x66eee", **fields}
    made = key.sign(user_digest(action, is_mainnet=True))
    fields |= sent
    words = (fields["hyperliquidChain"], fields["destination"], fields["amount"], fields["time"], 0x66EEE)
    return OWNER, words, made.r, made.s, 27 + made.parity


def bring(world: Vault, args: tuple[Any, ...], sender: str = DEPLOYER) -> int:
    return world.evm.code(world.vault, "withdraw_by_action", *args, sender=sender)


def test_the_signature_of_the_api_is_enough(world: Vault) -> None:
    args = signed(world)
    assert bring(world, args) == 0
    assert world.cash(OWNER) == 749_500_000
    assert world.evm.code(world.vault, "claim", 1) == code.NOT_DUE
    world.evm.set_time(world.evm.now + 60)
    world.evm.set_time(world.evm.now + 1)
    world.evm.send(world.vault, "claim", 1)
    assert world.held(PAYEE) == 250_500_000
    assert bring(world, args) == code.NONCE_USED


@pytest.mark.parametrize("text", ["0.000001", "1", "250.5", "1000.000000", "000.5", "7."])
def test_amounts_are_read_as_they_are_written(world: Vault, text: str) -> None:
    assert bring(world, signed(world, amount=text)) == 0
    assert world.cash(OWNER) == 1_000 * USD - round(float(text) * USD)


@pytest.mark.parametrize("text", ["", "0", ".5", "1e2", "-1", "+1", " 1", "1.0000001", "1..2", "0x10", "1,0", "٣"])
def test_other_texts_are_no_amounts(world: Vault, text: str) -> None:
    assert bring(world, signed(world, amount=text)) == code.BAD_AMOUNT
    assert world.cash(OWNER) == 1_000 * USD


@pytest.mark.parametrize(
    "text", ["ab" * 20, "0x" + "ab" * 19, "0X" + "ab" * 20, "0x" + "ag" * 20, "0x" + "00" * 20, ""]
)
def test_other_texts_are_no_payees(world: Vault, text: str) -> None:
    assert bring(world, signed(world, destination=text)) == code.BAD_FIELD
    assert world.cash(OWNER) == 1_000 * USD


@pytest.mark.parametrize(
    "sent",
    [{"amount": "250.6"}, {"destination": DEPLOYER}, {"time": 1_760_000_400_001}, {"hyperliquidChain": "Testnet"}],
)
def test_what_is_signed_is_what_is_paid(world: Vault, sent: dict[str, Any]) -> None:
    assert bring(world, signed(world, sent=sent)) == code.NOT_AUTHORISED
    assert world.cash(OWNER) == 1_000 * USD


def test_others_have_no_say(world: Vault) -> None:
    """Not another key, not another caller; not a high s; not a signature that a day has passed over."""
    assert bring(world, signed(world, Key((78).to_bytes(32, "big")))) == code.NOT_AUTHORISED
    owner, words, r, s, v = signed(world)
    assert bring(world, (owner, words, r, s, v), sender=OWNER) == code.NOT_AUTHORISED
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    assert bring(world, (owner, words, r, order - s, 55 - v)) == code.NOT_AUTHORISED
    day = 86_400_000
    for time in (world.evm.now * 1000 - day - 1, world.evm.now * 1000 + day + 1):
        assert bring(world, signed(world, time=time)) == code.COMMAND_EXPIRED
    assert bring(world, signed(world, time=world.evm.now * 1000 - day)) == 0
    assert world.cash(OWNER) == 749_500_000
