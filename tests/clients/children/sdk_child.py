"""Runs under the interpreter of hyperliquid-python-sdk: makes its objects and calls what client_child.py tells it."""

import json
import os
import sys
import threading
import time
from typing import Any

import eth_account
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info
from hyperliquid.utils.types import Cloid

HEARD_SECONDS = 20.0


class Ear:
    """An Info with a websocket; every message of its subscriptions is kept."""

    def __init__(self, url: str) -> None:
        self.info = Info(url)
        self.numbers: dict[str, int] = {}
        self.kept: list[Any] = []
        self._news = threading.Condition()

    def subscribe(self, **subscription: Any) -> int:
        number: int = self.info.subscribe(dict(subscription), self._hear)
        return number

    def unsubscribe(self, number: int, **subscription: Any) -> bool:
        return bool(self.info.unsubscribe(dict(subscription), number))

    def heard(self, channel: str, text: str = "", seconds: float = HEARD_SECONDS) -> Any:
        """The first kept message of a channel that holds the text, as JSON has it; it is kept no longer."""
        end = time.monotonic() + seconds
        with self._news:
            while True:
                for place, message in enumerate(self.kept):
                    if message["channel"] == channel and text in json.dumps(message["data"]):
                        del self.kept[place]
                        return message["data"]
                if not self._news.wait(end - time.monotonic()):
                    channels = sorted({message["channel"] for message in self.kept})
                    raise TimeoutError(f"nothing on {channel} with {text!r} in {seconds} s; heard {channels}")

    def close(self) -> None:
        self.info.disconnect_websocket()

    def _hear(self, message: Any) -> None:
        with self._news:
            self.kept.append(message)
            self._news.notify_all()


class Factory:
    """What makes objects, by name."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.objects: dict[str, Any] = {"make": self}

    def exchange(self, name: str, key: str, **more: Any) -> str:
        wallet = eth_account.Account.from_key(key)
        self.objects[name] = Exchange(wallet, self.url, **more)
        self.objects[f"{name}.info"] = self.objects[name].info
        return str(wallet.address)

    def methods(self, name: str) -> list[str]:
        """The public methods of an object's class."""
        kind = type(self.objects[name])
        return sorted(each for each in vars(kind) if not each.startswith("_"))

    def ear(self, name: str) -> None:
        self.objects[name] = Ear(self.url)


def cloids(value: dict[str, Any]) -> Any:
    """A client id travels as {"cloid!": text}."""
    return Cloid.from_str(value["cloid!"]) if "cloid!" in value else value


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the SDK prints is no answer
    objects = Factory(sys.argv[1]).objects
    for line in sys.stdin:
        request = json.loads(line, object_hook=cloids)
        try:
            found = getattr(objects[request["target"]], request["method"])
            told = {"told": found(*request["values"], **request["named"])}
        except Exception as error:  # all of them are for the test to judge
            told = {"kind": type(error).__name__, "words": str(error)}
        answers.write(json.dumps(told) + "\n")
    os._exit(0)  # websockets that are still open do not hold it


main()
