"""Prices in a test's hand: a websocket of Hyperliquid's shape that a venue's feed listens to."""

import json
import threading
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

SAY_SECONDS = 0.25
SWAY = 0.1  # USD, to and fro, so that the source is not taken for frozen


class PriceLine:
    """Says every coin's price as oracle and as mid, four times a second."""

    def __init__(self, prices: dict[str, float]) -> None:
        self.prices = dict(prices)
        self._over = threading.Event()
        self._server = serve(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def feed(self) -> str:
        """The venue's configuration of it."""
        return f'[[feed]]\nkind = "hyperliquid"\noptions = {{ url = "ws://127.0.0.1:{self.port}/ws" }}\n'

    def end(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()

    def _serve(self, line: ServerConnection) -> None:
        """To one listener; what it asks for is not looked at: it is told everything."""
        count = 0
        try:
            while not self._over.wait(SAY_SECONDS):
                count += 1
                for message in self._messages(SWAY * (count % 2)):
                    line.send(json.dumps(message))
        except ConnectionClosed:
            return

    def _messages(self, off: float) -> list[dict[str, Any]]:
        said = {coin: f"{price + off:.1f}" for coin, price in self.prices.items()}
        contexts = [
            {"channel": "activeAssetCtx", "data": {"coin": coin, "ctx": {"oraclePx": price}}}
            for coin, price in said.items()
        ]
        return [*contexts, {"channel": "allMids", "data": {"mids": said}}]
