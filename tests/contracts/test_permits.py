"""Deposits with a wallet's permit in the same step: ERC-2612, and Permit2 by its canonical types."""

from typing import Any

import pytest
from evm import Contract, Reverted
from test_adapters import compiled
from test_vault import KEY, OWNER, USD, Vault

from seawall.chain import layout as at
from seawall.chain.orders import keccak, sign, word
from seawall.terms import code

PERMIT2 = """
# pragma version 0.4.3
# Permit2's permitTransferFrom with its types; nonces are a plain map instead of a bitmap
from ethereum.ercs import IERC20

struct TokenPermissions:
    token: address
    amount: uint256

struct PermitTransferFrom:
    permitted: TokenPermissions
    nonce: uint256
    deadline: uint256

struct TransferDetails:
    to: address
    requestedAmount: uint256

used: HashMap[address, HashMap[uint256, bool]]

@external
def permitTransferFrom(permit: PermitTransferFrom, details: TransferDetails, owner: address, signature: Bytes[1024]):
    assert block.timestamp <= permit.deadline, "deadline"
    assert details.requestedAmount <= permit.permitted.amount, "amount"
    assert not self.used[owner][permit.nonce], "nonce"
    self.used[owner][permit.nonce] = True
    p: TokenPermissions = permit.permitted
    inner: bytes32 = keccak256(abi_encode(keccak256("TOKENS"), p.token, p.amount))
    kind: bytes32 = keccak256("TRANSFER")
    body: bytes32 = keccak256(abi_encode(kind, inner, msg.sender, permit.nonce, permit.deadline))
    domain: bytes32 = keccak256(
        abi_encode(
            keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)"),
            keccak256("Permit2"), chain.id, self
        )
    )
    digest: bytes32 = keccak256(concat(x"1901", domain, body))
    r: uint256 = convert(slice(signature, 0, 32), uint256)
    s: uint256 = convert(slice(signature, 32, 32), uint256)
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    assert owner != empty(address) and ecrecover(digest, v, r, s) == owner, "signature"
    assert extcall IERC20(permit.permitted.token).transferFrom(owner, details.to, details.requestedAmount)
"""
PERMIT = b"Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
DOMAIN2 = b"EIP712Domain(string name,uint256 chainId,address verifyingContract)"
TOKENS = b"TokenPermissions(address token,uint256 amount)"
TRANSFER = b"PermitTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline)" + TOKENS


def digest(separator: bytes, body: bytes) -> bytes:
    return keccak(b"\x19\x01" + separator + keccak(body))


def permit(world: Vault, amount: int, deadline: int, **changes: Any) -> tuple[int, bytes, bytes]:
    """v, r, s of the owner's ERC-2612 permit for the vault."""
    nonce = int(world.evm.view(world.token, "nonces", OWNER))
    fields = (int(OWNER, 16), int(changes.get("spender", world.vault.address), 16), amount, nonce, deadline)
    body = keccak(PERMIT) + b"".join(word(field) for field in fields)
    made = sign(changes.get("key", KEY), digest(bytes(world.evm.view(world.token, "DOMAIN_SEPARATOR")), body))
    return made[64], made[:32], made[32:64]


@pytest.fixture
def world() -> Vault:
    made = Vault()
    made.evm.send(made.token, "mint", OWNER, 100 * USD)
    return made


def by_permit(world: Vault, amount: int, deadline: int, signature: tuple[int, bytes, bytes]) -> int:
    args = (at.account(OWNER), amount, deadline, *signature)
    return world.evm.code(world.vault, "deposit_with_permit", *args, sender=OWNER)


def test_a_permit_deposits_without_an_approval(world: Vault) -> None:
    deadline = world.evm.now + 10
    assert by_permit(world, 40 * USD, deadline, permit(world, 40 * USD, deadline)) == 0
    assert (world.cash(OWNER), world.held(OWNER)) == (40 * USD, 60 * USD)


def test_a_permit_that_somebody_has_used_already_does_not_stop_the_deposit(world: Vault) -> None:
    """Anybody may bring a permit that it has seen waiting: the allowance is there then, and the deposit goes on."""
    deadline = world.evm.now + 10
    v, r, s = permit(world, 40 * USD, deadline)
    world.evm.send(
        world.token, "permit", OWNER, world.vault.address, 40 * USD, deadline, v, r, s, sender="0x" + "5a" * 20
    )
    assert by_permit(world, 40 * USD, deadline, (v, r, s)) == 0
    assert world.cash(OWNER) == 40 * USD


@pytest.mark.parametrize("wrong", ["key", "amount", "late", "spender"])
def test_a_wrong_permit_moves_nothing(world: Vault, wrong: str) -> None:
    deadline = world.evm.now - 1 if wrong == "late" else world.evm.now + 10
    amount = 39 * USD if wrong == "amount" else 40 * USD
    changes: dict[str, Any] = {"key": b"\x05" * 32} if wrong == "key" else {}
    changes |= {"spender": OWNER} if wrong == "spender" else {}
    with pytest.raises(Reverted):
        by_permit(world, 40 * USD, deadline, permit(world, amount, deadline, **changes))
    assert (world.cash(OWNER), world.held(OWNER)) == (0, 100 * USD)


class WithPermit2(Vault):
    """The vault over a Permit2 that the owner has approved for the token, as wallets do once."""

    def __init__(self) -> None:
        made = compiled("Permit2", PERMIT2.replace("TRANSFER", TRANSFER.decode()).replace("TOKENS", TOKENS.decode()))
        address = create_next()
        super().__init__(permit2=address)
        self.permit2: Contract = self.evm.deploy("Permit2", made=made)
        assert self.permit2.address.lower() == address.lower()
        self.evm.send(self.token, "mint", OWNER, 100 * USD)
        self.evm.send(self.token, "approve", self.permit2.address, 2**256 - 1, sender=OWNER)

    def sign(self, amount: int, nonce: int, deadline: int, key: bytes = KEY) -> bytes:
        chain = int.from_bytes(bytes(word(1)), "big")
        separator = keccak(keccak(DOMAIN2) + keccak(b"Permit2") + word(chain) + word(int(self.permit2.address, 16)))
        inner = keccak(keccak(TOKENS) + word(int(self.token.address, 16)) + word(amount))
        body = keccak(TRANSFER) + inner + word(int(self.vault.address, 16)) + word(nonce) + word(deadline)
        return sign(key, digest(separator, body))

    def bring(self, amount: int, nonce: int, deadline: int, signature: bytes) -> int:
        args = (at.account(OWNER), amount, nonce, deadline, signature)
        return self.evm.code(self.vault, "deposit_with_permit2", *args, sender=OWNER)


def create_next() -> str:
    """Where the contract after the vault's stack will be."""
    from evm import DEPLOYER, create_address

    return create_address(DEPLOYER, Vault().evm.nonce())


def test_permit2_deposits_once() -> None:
    world = WithPermit2()
    deadline = world.evm.now + 10
    signature = world.sign(40 * USD, 7, deadline)
    assert world.bring(40 * USD, 7, deadline, signature) == 0
    assert (world.cash(OWNER), world.held(OWNER)) == (40 * USD, 60 * USD)
    for again in ((40 * USD, 7, deadline), (40 * USD, 8, deadline), (39 * USD, 7, deadline)):
        with pytest.raises(Reverted):
            world.bring(*again, signature)
    with pytest.raises(Reverted):
        world.bring(USD, 9, deadline, world.sign(USD, 9, deadline, b"\x05" * 32))
    late = world.evm.now - 1
    with pytest.raises(Reverted):
        world.bring(USD, 10, late, world.sign(USD, 10, late))
    assert (world.cash(OWNER), world.held(OWNER)) == (40 * USD, 60 * USD)


def test_permit2_of_a_token_that_takes_a_fee_is_refused() -> None:
    world = WithPermit2()
    world.evm.send(world.token, "set_fee", 10)
    deadline = world.evm.now + 10
    assert world.bring(40 * USD, 7, deadline, world.sign(40 * USD, 7, deadline)) == code.BAD_AMOUNT
    assert world.cash(OWNER) == 0
