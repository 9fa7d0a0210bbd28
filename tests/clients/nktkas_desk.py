"""The clients of @nktkas/hyperliquid, as tests hold them."""

import itertools
import re
from typing import Any

from client_child import Child
from client_venue import Wallet

_names = itertools.count(1)
NO_SCHEMA = ["no schema"]


def plain(size: str, price: str, buys: bool = True, *, asset: int = 0, **more: Any) -> dict[str, Any]:
    """An order in wire form, Gtc unless `t` says otherwise."""
    return {"a": asset, "b": buys, "p": price, "s": size, "r": False, "t": {"limit": {"tif": "Gtc"}}, **more}


class Desk:
    """An info, an exchange and a subscription client of one wallet over one transport."""

    def __init__(self, child: Child, transport: str, wallet: Wallet, **more: Any) -> None:
        self.child = child
        self.wallet = wallet
        self.name = f"desk-{next(_names)}"
        wire = {"transport": f"{self.name}.wire"}
        self._make("transport", name=wire["transport"], kind=transport)
        self._make("info", name=f"{self.name}.info", **wire)
        self._make("exchange", name=f"{self.name}.exchange", key=wallet.secret, **wire, **more)
        if transport == "ws":
            self._make("subscription", name=f"{self.name}.subscription", **wire)

    def ask(self, method: str, *values: Any) -> Any:
        """`InfoClient.method(...)`; its answer fits the package's schema, where it has one."""
        return self._call("info", method, *values)

    def do(self, method: str, *values: Any) -> Any:
        """`ExchangeClient.method(...)`, likewise."""
        return self._call("exchange", method, *values)

    def subscribe(self, method: str, *values: Any) -> None:
        self._make("subscribe", name=f"{self.name}.subscription", method=method, values=values)

    def unsubscribe(self, method: str) -> None:
        self._make("unsubscribe", name=f"{self.name}.subscription", method=method)

    def heard(self, method: str, text: str = "", seconds: float = 20.0) -> Any:
        """The first event of a subscription that holds the text, as JSON has it; it fits its schema."""
        event = self._make("heard", name=f"{self.name}.subscription", method=method, text=text, seconds=seconds)
        assert _unknown(event["issues"]) in ([], NO_SCHEMA), (method, event["issues"], event["data"])
        return event["data"]

    def methods(self, kind: str) -> list[str]:
        found: list[str] = self._make("methods", name=f"{self.name}.{kind}")
        return sorted(found)

    def _call(self, kind: str, method: str, *values: Any) -> Any:
        told = self.child.call(f"{self.name}.{kind}", method, *values)
        assert _unknown(self.child.issues) in ([], NO_SCHEMA), (method, self.child.issues, told)
        return told

    def _make(self, what: str, **terms: Any) -> Any:
        return self.child.call("make", what, terms)


def _unknown(issues: list[str]) -> list[str]:
    """Without what the schemas are wrong about: an isolated long owes, and Hyperliquid says so with a minus too."""
    return [each for each in issues if not re.search(r"leverage\.rawUsd: Invalid format: .* received \"-\d", each)]
