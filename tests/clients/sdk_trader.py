"""A wallet with the official Python SDK, as tests hold it."""

import itertools
from typing import Any

from client_child import Child
from client_venue import Wallet

GTC = {"limit": {"tif": "Gtc"}}
ALO = {"limit": {"tif": "Alo"}}
IOC = {"limit": {"tif": "Ioc"}}

_names = itertools.count(1)


def cloid(number: int) -> dict[str, str]:
    """A client id, as it travels to the child."""
    return {"cloid!": f"0x{number:032x}"}


def trigger(price: float, tpsl: str, *, is_market: bool = True) -> dict[str, Any]:
    return {"trigger": {"triggerPx": price, "isMarket": is_market, "tpsl": tpsl}}


class Trader:
    """An `Exchange`, and the `Info` inside of it."""

    def __init__(self, child: Child, wallet: Wallet, *, secret: str = "", **more: Any) -> None:
        self.child = child
        self.wallet = wallet
        self.name = f"trader-{next(_names)}"
        self.signer = child.call("make", "exchange", self.name, secret or wallet.secret, **more)

    def do(self, method: str, *values: Any, **named: Any) -> Any:
        """`exchange.method(...)`."""
        return self.child.call(self.name, method, *values, **named)

    def ask(self, method: str, *values: Any, **named: Any) -> Any:
        """`exchange.info.method(...)`."""
        return self.child.call(f"{self.name}.info", method, *values, **named)

    def status(self, method: str, *values: Any, **named: Any) -> Any:
        """The one status of an action that went well."""
        (found,) = self.statuses(method, *values, **named)
        return found

    def statuses(self, method: str, *values: Any, **named: Any) -> Any:
        told = self.do(method, *values, **named)
        assert told["status"] == "ok", told
        return told["response"]["data"]["statuses"]

    def rests(self, *values: Any, **named: Any) -> int:
        """The number of an order that is placed and rests."""
        found = self.status("order", *values, **named)
        assert "resting" in found, found
        oid: int = found["resting"]["oid"]
        return oid

    def position(self, coin: str) -> Any:
        """The position of a coin; None where there is none."""
        held = [each["position"] for each in self.ask("user_state", self.wallet.address)["assetPositions"]]
        return next((position for position in held if position["coin"] == coin), None)

    def is_ok(self, method: str, *values: Any, **named: Any) -> None:
        told = self.do(method, *values, **named)
        assert told == {"status": "ok", "response": {"type": "default"}}, told

    def refusal(self, method: str, *values: Any, **named: Any) -> str:
        told = self.do(method, *values, **named)
        assert told["status"] == "err", told
        words: str = told["response"]
        return words


class Ear:
    """Websocket subscriptions by the SDK's own manager."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.name = f"ear-{next(_names)}"
        child.call("make", "ear", self.name)

    def subscribe(self, kind: str, **fields: Any) -> int:
        number: int = self.child.call(self.name, "subscribe", type=kind, **fields)
        return number

    def unsubscribe(self, number: int, kind: str, **fields: Any) -> Any:
        return self.child.call(self.name, "unsubscribe", number, type=kind, **fields)

    def heard(self, channel: str, text: str = "") -> Any:
        return self.child.call(self.name, "heard", channel, text)

    def close(self) -> None:
        self.child.call(self.name, "close")
