"""Published signatures of Hyperliquid's official SDK, made again with the published throw-away key and recovered."""

from fractions import Fraction
from typing import Final

import msgspec

from seawall.signing import (
    Key,
    Signature,
    action_hash,
    l1_digest,
    recover,
    signature_of,
    user_digest,
)
from seawall.tools.conformance.runner import Check, Values, integer, text
from seawall.units import BadInput, fraction_from

USER_ACTIONS: Final = {"usdSend": "usdSend", "withdraw": "withdraw3"}
SIGNING_CHAIN: Final = "0x66eee"
WIRE_ONE: Final = 10**8  # the SDK's fixed point for amounts on the wire
NEAR: Final = Fraction(1, 1_000)
HASHES: Final = ("hash", "action_hash", "connectionId")


def hl_eip712(given: Values, expected: Values) -> bool:
    """Action hashes, signatures of L1 and user-signed actions, and the SDK's fixed-point numbers."""
    kind = text(given, "kind")
    if kind == "float_to_int_1e8":
        return _fixed(given, expected)
    if kind in USER_ACTIONS:
        fields = {name: text(given, name) for name in ("destination", "amount")}
        action = {**fields, "time": integer(given, "time")}
        action |= {"type": USER_ACTIONS[kind], "signatureChainId": SIGNING_CHAIN}
        return _matches(user_digest(action, is_mainnet=_is_mainnet(given)), given, expected)
    connection = _connection(given)
    if "r" in expected:
        return _matches(l1_digest(connection, is_mainnet=_is_mainnet(given)), given, expected)
    published = [expected[name] for name in HASHES if name in expected]
    return bool(published) and all("0x" + connection.hex() == str(one).lower() for one in published)


def _is_mainnet(given: Values) -> bool:
    network = text(given, "network")
    if network not in ("mainnet", "testnet"):
        raise BadInput("network", f"expected mainnet or testnet, got {network!r}")
    return network == "mainnet"


def _connection(given: Values) -> bytes:
    vault = given.get("vault")
    address = bytes.fromhex(str(vault).removeprefix("0x")) if vault else None
    return action_hash(msgspec.json.decode(text(given, "action")), integer(given, "nonce"), address, None)


def _matches(digest: bytes, given: Values, expected: Values) -> bool:
    """The published signature is the one that the key makes, and gives its address back."""
    key = Key(bytes.fromhex(text(given, "private_key").removeprefix("0x")))
    made = key.sign(digest)
    published = {"r": text(expected, "r"), "s": text(expected, "s"), "v": integer(expected, "v")}
    read: Signature = signature_of(published)
    return made == read and recover(digest, read) == key.address


def _fixed(given: Values, expected: Values) -> bool:
    """`value * 1e8` as an integer, refused when it is not one within a thousandth."""
    scaled = fraction_from(given["value"], "value") * WIRE_ONE
    nearest = round(scaled)
    if abs(scaled - nearest) >= NEAR:
        return "error" in expected or expected.get("value") in (None, "error")
    return nearest == integer(expected, "value")


FAMILIES: Final[dict[str, Check]] = {"hl_eip712": hl_eip712}
