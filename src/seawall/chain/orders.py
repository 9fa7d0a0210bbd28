"""Orders as owners sign them (EIP-712) and as the Exchange reads them: two words, and a signature of two more."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from seawall.chain import layout as at
from seawall.units import BadInput

ORDER: Final = (
    "Order(address owner,uint256 sub,uint256 market,bool buys,bool reduces,"
    "uint256 lots,uint256 price,uint256 nonce,uint256 expires)"
)
WITHDRAWAL: Final = "Withdrawal(address owner,uint256 sub,uint256 amount,address payee,uint256 nonce,uint256 expires)"
REPORT: Final = "Report(uint256 time,bytes32 feeds,bytes32 prices)"
DOMAIN: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
BY_CONTRACT: Final = 1
AGAINST_POOL: Final = 65_535
LOTS_MAX: Final = 2**54 - 1


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What an owner allows: at most `lots` at `price` (micro-USD per lot) or better, until `expires` (s)."""

    owner: str
    market: int
    buys: bool
    lots: int
    price: int
    nonce: int
    expires: int
    sub: int = 0
    reduces: bool = False


class SignedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order and its signature: 65 bytes of a key, or what a contract's `isValidSignature` is to be shown."""

    order: Order
    signature: bytes
    by_contract: bool = False


def keccak(data: bytes) -> bytes:
    from eth_utils.crypto import keccak as hashed

    return bytes(hashed(data))


def check(order: Order) -> Order:
    """The order itself, or BadInput naming what does not fit."""
    bounds = {
        "sub": (order.sub, 0, 10),
        "market": (order.market, 0, 255),
        "lots": (order.lots, 1, LOTS_MAX),
        "price": (order.price, 1, 2**40),
        "nonce": (order.nonce, 0, 2**64 - 1),
        "expires": (order.expires, 0, 2**64 - 1),
    }
    for name, (value, low, high) in bounds.items():
        if not low <= value <= high:
            raise BadInput(f"order.{name}", f"{value} is outside {low}..{high}")
    return order


def separator(chain_id: int, contract: str) -> bytes:
    """The EIP-712 domain separator of a contract on a chain."""
    words = [keccak(DOMAIN.encode()), keccak(b"Seawall"), keccak(b"1"), word(chain_id), word(int(contract, 16))]
    return keccak(b"".join(words))


def word(value: int) -> bytes:
    return (value % 2**256).to_bytes(32, "big")


def digest(domain: bytes, order: Order) -> bytes:
    """What is signed for an order."""
    who = [int(order.owner, 16), order.sub, order.market, order.buys, order.reduces]
    return digest_of(domain, ORDER, [*who, order.lots, order.price, order.nonce, order.expires])


def digest_of(domain: bytes, kind: str, fields: Sequence[int]) -> bytes:
    """What is signed for a struct whose fields are all one word."""
    body = keccak(keccak(kind.encode()) + b"".join(word(int(field)) for field in fields))
    return keccak(b"\x19\x01" + domain + body)


def withdrawal_digest(domain: bytes, owner: str, sub: int, amount: int, payee: str, nonce: int, expires: int) -> bytes:
    """What an owner signs so that the venue may bring its withdrawal."""
    return digest_of(domain, WITHDRAWAL, (int(owner, 16), sub, amount, int(payee, 16), nonce, expires))


def report_digest(domain: bytes, time: int, feeds: Sequence[bytes], prices: Sequence[int]) -> bytes:
    """What an oracle reporter signs: one signature over all feeds of a report."""
    names = int.from_bytes(keccak(b"".join(feeds)), "big")
    values = int.from_bytes(keccak(b"".join(word(price) for price in prices)), "big")
    return digest_of(domain, REPORT, (time, names, values))


def sign(key: bytes, hashed: bytes) -> bytes:
    """65 bytes r, s, v (27 or 28) of a key over a digest; s is in the lower half."""
    from eth_keys.datatypes import PrivateKey

    made = PrivateKey(key).sign_msg_hash(hashed)
    return word(made.r) + word(made.s) + bytes([27 + made.v])


def words_of(signed: SignedOrder, proof: int = 0) -> tuple[int, int, int, int]:
    """The order's two words, r, and s with the parity of v in its highest bit; of a contract's: its proof's place."""
    order = check(signed.order)
    terms = at.account(order.owner, order.sub) | order.market << 168 | order.buys << 176 | order.reduces << 177
    terms |= order.lots << 178
    limits = order.price | order.nonce << 64 | order.expires << 128 | signed.by_contract << 192
    if signed.by_contract:
        return terms, limits, 0, proof
    if len(signed.signature) != 65:
        raise BadInput("signature", f"{len(signed.signature)} bytes, expected 65")
    r, s = int.from_bytes(signed.signature[:32], "big"), int.from_bytes(signed.signature[32:64], "big")
    return terms, limits, r, s | (signed.signature[64] - 27) << 255


def fill_word(taker: int, maker: int, lots: int, price: int) -> int:
    """A fill between two orders of a batch by their places; `maker` AGAINST_POOL: with the market's pool."""
    return taker | maker << 16 | lots << 32 | price << 96


def batch(signed: Sequence[SignedOrder]) -> tuple[list[tuple[int, int, int, int]], list[bytes]]:
    """The orders of a batch as the Exchange takes them, and the proofs of those signed by contracts."""
    words: list[tuple[int, int, int, int]] = []
    proofs: list[bytes] = []
    for one in signed:
        words.append(words_of(one, len(proofs)))
        if one.by_contract:
            proofs.append(one.signature)
    return words, proofs


def as_json(signed: SignedOrder) -> dict[str, Any]:
    """Plain values, for files and logs."""
    return {**msgspec.to_builtins(signed.order), "signature": "0x" + signed.signature.hex()}
