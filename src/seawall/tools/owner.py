"""An owner's own hand at a venue: collateral, liquidity positions and portfolio margin, by signed actions over HTTP."""

import time
from typing import Any, Final

from seawall.signing import Key, action_hash, l1_digest, signature_fields, user_digest
from seawall.tools.publish import asked
from seawall.units import BadInput

MILLISECOND_NS: Final = 1_000_000
CHAIN: Final = "0x66eee"  # in the domain of typed data: any, it is named beside the signature


class Owner:
    """One key at one venue."""

    def __init__(self, url: str, key: Key, *, is_mainnet: bool) -> None:
        self.url = url.rstrip("/")
        self.key = key
        self.is_mainnet = is_mainnet
        self._nonce = 0

    def act(self, kind: str, *, sub: str | None = None, **fields: Any) -> dict[str, Any]:
        """Signs an action of that type, for itself or a sub-account's address, and sends it; the venue's response.

        BadInput with the venue's words when it refuses, or when there is no answer.
        """
        action = {"type": kind, **{name: value for name, value in fields.items() if value is not None}}
        nonce = self._stamp()
        vault = None if sub is None else _address(sub)
        digest = l1_digest(action_hash(action, nonce, vault, None), is_mainnet=self.is_mainnet)
        return self._send(action, nonce, digest, sub)

    def set_portfolio(self, *, enabled: bool, sub: str | None = None) -> dict[str, Any]:
        """Its cross bucket, or a sub-account's, into portfolio margin or out of it: typed data. Answers as `act`."""
        nonce, user = self._stamp(), self.key.address if sub is None else _address(sub)
        network = {"hyperliquidChain": "Mainnet" if self.is_mainnet else "Testnet", "signatureChainId": CHAIN}
        told = {"user": "0x" + user.hex(), "enabled": enabled, "nonce": nonce}
        action = {"type": "userPortfolioMargin", **network, **told}
        return self._send(action, nonce, user_digest(action, is_mainnet=self.is_mainnet), None)

    def _stamp(self) -> int:
        self._nonce = max(self._nonce + 1, time.time_ns() // MILLISECOND_NS)
        return self._nonce

    def _send(self, action: dict[str, Any], nonce: int, digest: bytes, sub: str | None) -> dict[str, Any]:
        body = {"action": action, "nonce": nonce, "signature": signature_fields(self.key.sign(digest))}
        told = asked(self.url, "/exchange", {**body, "vaultAddress": sub}, may_refuse=True)
        if told.get("status") != "ok":
            raise BadInput(str(action["type"]), str(told.get("response") or told.get("msg") or "no answer"))
        response: dict[str, Any] = told["response"]
        return response


def _address(text: str) -> bytes:
    try:
        found = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        found = b""
    if len(found) != 20:
        raise BadInput("sub", "expected an address: 0x and 40 hex digits")
    return found


def collateral_of(url: str, user: str) -> dict[str, Any]:
    """What an address holds beside USD, as /v1 tells it. BadInput when nobody answers or the address has no account."""
    found: dict[str, Any] = asked(url, f"/v1/accounts/{user}/collateral")
    return found
