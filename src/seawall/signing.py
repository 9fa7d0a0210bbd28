"""Signatures of wallets: EIP-712 typed data and Hyperliquid's two kinds of signed actions, hashed and recovered.

An L1 action is MessagePack of the JSON in its key order, with nonce, vault and expiry, signed as a phantom agent; a
user-signed action is typed data that a wallet shows. Source: Hyperliquid's API documentation ("Signing") and EIP-712;
held to the vectors of the official SDK by `seawall conformance` (family hl_eip712).

Needs the extra `venue` (coincurve, pycryptodome), imported when first used.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from seawall.units import BadInput

WORD: Final = 32
ADDRESS_BYTES: Final = 20
V_LEAST: Final = 27
NONCE_END: Final = 1 << 64
Types = Sequence[tuple[str, str]]  # (name, type) of each field, in order: flat structures only


class Signature(NamedTuple):
    """What a wallet gives: two 256-bit numbers and the recovery id, 0 or 1."""

    r: int
    s: int
    parity: int


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """An EIP-712 domain. `contract` is 20 bytes."""

    name: str
    version: str
    chain_id: int
    contract: bytes = bytes(ADDRESS_BYTES)


EXCHANGE: Final = Domain(name="Exchange", version="1", chain_id=1337)
DOMAIN_TYPES: Final[Types] = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
)
AGENT_TYPES: Final[Types] = (("source", "string"), ("connectionId", "bytes32"))
CHAIN: Final = ("hyperliquidChain", "string")
NONCE: Final = ("nonce", "uint64")
USER_SIGNED: Final[Mapping[str, tuple[str, Types]]] = {  # type of the action -> primary type, fields
    "usdSend": ("UsdSend", (CHAIN, ("destination", "string"), ("amount", "string"), ("time", "uint64"))),
    "withdraw3": ("Withdraw", (CHAIN, ("destination", "string"), ("amount", "string"), ("time", "uint64"))),
    "spotSend": (
        "SpotSend",
        (CHAIN, ("destination", "string"), ("token", "string"), ("amount", "string"), ("time", "uint64")),
    ),
    "usdClassTransfer": ("UsdClassTransfer", (CHAIN, ("amount", "string"), ("toPerp", "bool"), NONCE)),
    "sendAsset": (
        "SendAsset",
        (
            CHAIN,
            ("destination", "string"),
            ("sourceDex", "string"),
            ("destinationDex", "string"),
            ("token", "string"),
            ("amount", "string"),
            ("fromSubAccount", "string"),
            NONCE,
        ),
    ),
    "approveAgent": ("ApproveAgent", (CHAIN, ("agentAddress", "address"), ("agentName", "string"), NONCE)),
    "approveBuilderFee": ("ApproveBuilderFee", (CHAIN, ("maxFeeRate", "string"), ("builder", "address"), NONCE)),
    "userDexAbstraction": ("UserDexAbstraction", (CHAIN, ("user", "address"), ("enabled", "bool"), NONCE)),
    "userSetAbstraction": ("UserSetAbstraction", (CHAIN, ("user", "address"), ("abstraction", "string"), NONCE)),
    "userPortfolioMargin": ("UserPortfolioMargin", (CHAIN, ("user", "address"), ("enabled", "bool"), NONCE)),
    "tokenDelegate": (
        "TokenDelegate",
        (CHAIN, ("validator", "address"), ("wei", "uint64"), ("isUndelegate", "bool"), NONCE),
    ),
    "cDeposit": ("CDeposit", (CHAIN, ("wei", "uint64"), NONCE)),
    "cWithdraw": ("CWithdraw", (CHAIN, ("wei", "uint64"), NONCE)),
    "convertToMultiSigUser": ("ConvertToMultiSigUser", (CHAIN, ("signers", "string"), NONCE)),
}
COLLATERAL: Final = ("collateral", "uint64")
LOTS: Final = (("size", "string"), ("token", "string"))  # one of them; the other is signed as ""
TOKEN: Final = ("token", "string")
OWNER_SIGNED: Final[Mapping[str, tuple[str, Types]]] = {  # L1 actions that a wallet may sign as typed data as well
    "createSubAccount": ("CreateSubAccount", (CHAIN, ("name", "string"), NONCE)),
    "subAccountTransfer": (
        "SubAccountTransfer",
        (CHAIN, ("subAccountUser", "string"), ("isDeposit", "bool"), ("usd", "uint64"), NONCE),
    ),
    "withdrawCollateral": ("WithdrawCollateral", (CHAIN, COLLATERAL, *LOTS, NONCE)),
    "moveCollateral": (
        "MoveCollateral",
        (CHAIN, COLLATERAL, *LOTS, ("asset", "uint64"), ("isCross", "bool"), NONCE),
    ),
    "buyCollateral": (
        "BuyCollateral",
        (CHAIN, COLLATERAL, ("size", "string"), ("price", "string"), ("bucket", "uint64"), NONCE),
    ),
    "collectFees": ("CollectFees", (CHAIN, COLLATERAL, TOKEN, NONCE)),
    "decreaseLiquidity": ("DecreaseLiquidity", (CHAIN, COLLATERAL, TOKEN, ("part", "string"), NONCE)),
    "moveRange": ("MoveRange", (CHAIN, COLLATERAL, TOKEN, ("lower", "string"), ("upper", "string"), NONCE)),
}


def typed_fields(action: Mapping[str, Any]) -> tuple[str, Types]:
    """Primary type and fields of an action for which `is_typed` holds."""
    return USER_SIGNED.get(action["type"]) or OWNER_SIGNED[action["type"]]


def stamp_of(action: Mapping[str, Any]) -> str:
    """The field that repeats the nonce under the signature: another one of either name is not signed."""
    return "time" if any(field == "time" for field, _ in typed_fields(action)[1]) else "nonce"


def is_typed(action: Mapping[str, Any]) -> bool:
    """Whether an action is signed as typed data of its own: always, or because it names the wallet's chain."""
    kind = action.get("type")
    return kind in USER_SIGNED or (kind in OWNER_SIGNED and "signatureChainId" in action)


@functools.cache
def _keccak() -> Callable[[bytes], bytes]:
    """The quicker of two libraries where it has a wheel: pycryptodome's calls also let another thread in, each time."""
    try:
        from sha3 import keccak_256 as quick
    except ImportError:
        from Crypto.Hash import keccak

        return lambda data: keccak.new(digest_bits=256, data=data).digest()
    return lambda data: quick(data).digest()


def keccak_256(data: bytes) -> bytes:
    """Ethereum's Keccak-256."""
    return _keccak()(data)


def struct_hash(name: str, types: Types, values: Mapping[str, Any]) -> bytes:
    """EIP-712 `hashStruct` of a flat structure.

    BadInput for a missing value or one that its type does not hold. Types: string, address, bool, bytes32, uintN and
    int256.
    """
    words = [_type_hash(name, tuple(types))]
    words += [_word(field, kind, values.get(field)) for field, kind in types]
    return keccak_256(b"".join(words))


@functools.cache
def _type_hash(name: str, types: tuple[tuple[str, str], ...]) -> bytes:
    return keccak_256(f"{name}({','.join(f'{kind} {field}' for field, kind in types)})".encode())


def _word(field: str, kind: str, value: Any) -> bytes:
    """One field as 32 bytes."""
    if kind == "string" and isinstance(value, str):
        return keccak_256(value.encode())
    if kind == "bytes32" and isinstance(value, bytes) and len(value) == WORD:
        return value
    if kind == "bool" and isinstance(value, bool):
        return int(value).to_bytes(WORD, "big")
    if kind == "address":
        return _address(field, value).rjust(WORD, b"\0")
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if is_whole and kind.startswith("uint") and 0 <= value < 1 << int(kind[4:]):
        return int(value).to_bytes(WORD, "big")
    if is_whole and kind == "int256" and -(1 << 255) <= value < 1 << 255:
        return int(value).to_bytes(WORD, "big", signed=True)
    raise BadInput(field, f"expected {kind}")


def _address(field: str, value: Any) -> bytes:
    if isinstance(value, bytes) and len(value) == ADDRESS_BYTES:
        return value
    if isinstance(value, str) and len(value) == 2 * ADDRESS_BYTES + 2 and value[:2] in ("0x", "0X"):
        try:
            return bytes.fromhex(value[2:])
        except ValueError:
            pass
    raise BadInput(field, "expected an address")


@functools.lru_cache(1_024)
def domain_separator(domain: Domain) -> bytes:
    """EIP-712 hash of a domain."""
    values = {
        "name": domain.name,
        "version": domain.version,
        "chainId": domain.chain_id,
        "verifyingContract": domain.contract,
    }
    return struct_hash("EIP712Domain", DOMAIN_TYPES, values)


def typed_digest(domain: Domain, name: str, types: Types, values: Mapping[str, Any]) -> bytes:
    """What a wallet signs for typed data. BadInput as `struct_hash`."""
    return keccak_256(b"\x19\x01" + domain_separator(domain) + struct_hash(name, types, values))


def action_hash(action: Any, nonce: int, vault: bytes | None, expires_after: int | None) -> bytes:
    """Hyperliquid's hash of an L1 action, whose mappings are in the key order of the JSON they came from."""
    parts = [msgspec.msgpack.encode(action), nonce.to_bytes(8, "big")]
    parts.append(b"\0" if vault is None else b"\1" + vault)
    if expires_after is not None:
        parts.append(b"\0" + expires_after.to_bytes(8, "big"))
    return keccak_256(b"".join(parts))


def l1_digest(connection: bytes, *, is_mainnet: bool) -> bytes:
    """What an agent or owner signs for an L1 action whose hash is `connection`."""
    head, agent = _agent_head(is_mainnet=is_mainnet)
    return keccak_256(head + keccak_256(agent + connection))


@functools.cache
def _agent_head(*, is_mainnet: bool) -> tuple[bytes, bytes]:
    """What precedes the hash of the agent in its digest, and the action's hash in that: the same for every action."""
    source = _word("source", "string", "a" if is_mainnet else "b")
    return b"\x19\x01" + domain_separator(EXCHANGE), _type_hash("Agent", tuple(AGENT_TYPES)) + source


def user_digest(action: Mapping[str, Any], *, is_mainnet: bool) -> bytes:
    """What an owner signs for an action for which `is_typed` holds.

    The chain in the domain is the action's own `signatureChainId`; the network is that of the venue, whatever the
    action says. A name, size or token that is not there is signed as an empty one.
    """
    name, types = typed_fields(action)
    chain = action.get("signatureChainId")
    try:
        number = int(chain, 16) if isinstance(chain, str) else -1
    except ValueError:
        number = -1
    if not 0 <= number < 1 << 64:
        raise BadInput("signatureChainId", "expected a chain id as hex")
    domain = Domain(name="HyperliquidSignTransaction", version="1", chain_id=number)
    values = {**action, "hyperliquidChain": "Mainnet" if is_mainnet else "Testnet"}
    values.update({field: "" for field in ("agentName", "size", "token") if values.get(field) is None})
    return typed_digest(domain, f"HyperliquidTransaction:{name}", types, values)


def signature_of(value: object) -> Signature:
    """A signature as {"r": hex, "s": hex, "v": 27 or 28 (or 0, 1)}. BadInput for anything else."""
    if isinstance(value, Mapping):
        r, s, v = (value.get(name) for name in "rsv")
        try:
            if isinstance(r, str) and isinstance(s, str) and isinstance(v, int):
                made = Signature(int(r, 16), int(s, 16), v - V_LEAST if v >= V_LEAST else v)
                if made.parity in (0, 1) and 0 < made.r < 1 << 256 and 0 < made.s < 1 << 256:
                    return made
        except ValueError:
            pass
    raise BadInput("signature", 'expected {"r": hex, "s": hex, "v": 27 or 28}')


def recover(digest: bytes, signature: Signature) -> bytes:
    """The address whose key signed. BadInput when no key can have. Any digest gives some address: look it up."""
    key_class = _public_key()
    data = signature.r.to_bytes(WORD, "big") + signature.s.to_bytes(WORD, "big") + bytes([signature.parity])
    try:
        key = key_class.from_signature_and_message(data, digest, hasher=None)
    except Exception as error:  # coincurve raises a bare Exception for a point that is not there
        raise BadInput("signature", "no key can have made it") from error
    return keccak_256(key.format(compressed=False)[1:])[-ADDRESS_BYTES:]


@functools.cache
def _public_key() -> Any:
    from coincurve import PublicKey

    return PublicKey


class Key:
    """A private key: of a simulated trader, of a risk signer, of a test."""

    def __init__(self, secret: bytes) -> None:
        from coincurve import PrivateKey

        self._key = PrivateKey(secret)
        self.address = keccak_256(self._key.public_key.format(compressed=False)[1:])[-ADDRESS_BYTES:]

    def sign(self, digest: bytes) -> Signature:
        """Signs a digest (RFC 6979, low s)."""
        data = self._key.sign_recoverable(digest, hasher=None)
        return Signature(int.from_bytes(data[:32], "big"), int.from_bytes(data[32:64], "big"), data[64])


def signature_fields(signature: Signature) -> dict[str, Any]:
    """A signature as clients send it."""
    return {"r": f"0x{signature.r:064x}", "s": f"0x{signature.s:064x}", "v": signature.parity + V_LEAST}
