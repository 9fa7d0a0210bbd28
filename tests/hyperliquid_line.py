"""A websocket in Hyperliquid's shape, as far as a follower of prices needs it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed


class Line:
    """Serves what `prices` says now: coin -> (oracle price, middle of the book or None)."""

    def __init__(self, prices: Callable[[], dict[str, tuple[str, str | None]]]) -> None:
        self.prices = prices
        self.subscribed: list[dict[str, Any]] = []
        self.pings = 0
        self.lines: dict[ServerConnection, list[dict[str, Any]]] = {}
        self.server: Server

    async def __aenter__(self) -> "Line":
        self.server = await serve(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        await self.server.wait_closed()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/ws"

    async def _serve(self, line: ServerConnection) -> None:
        self.lines[line] = []
        try:
            async for text in line:
                message = json.loads(text)
                if message["method"] == "ping":
                    self.pings += 1
                    await line.send('{"channel":"pong"}')
                    continue
                assert message["method"] == "subscribe"
                self.subscribed.append(message["subscription"])
                self.lines[line].append(message["subscription"])
                await line.send(json.dumps({"channel": "subscriptionResponse", "data": message}))
        except ConnectionClosed:
            pass
        finally:
            del self.lines[line]

    async def push(self) -> None:
        """Sends everybody what they asked for."""
        prices = self.prices()
        mids = {coin: mid for coin, (_, mid) in prices.items() if mid is not None}
        for line, asked in list(self.lines.items()):
            for subscription in asked:
                if subscription["type"] == "allMids":
                    await line.send(json.dumps({"channel": "allMids", "data": {"mids": {**mids, "@107": "1.5"}}}))
                elif subscription["coin"] in prices:
                    oracle, mid = prices[subscription["coin"]]
                    ctx = {"funding": "0.0000125", "openInterest": "1.0", "oraclePx": oracle, "markPx": oracle}
                    data = {"coin": subscription["coin"], "ctx": {**ctx, "midPx": mid}}
                    await line.send(json.dumps({"channel": "activeAssetCtx", "data": data}))

    async def say(self, text: str) -> None:
        """Sends everybody a text."""
        for line in list(self.lines):
            await line.send(text)

    async def cut(self) -> None:
        """Drops every connection."""
        for line in list(self.lines):
            await line.close()


async def until(is_so: Callable[[], bool]) -> None:
    """Waits for the network, at most a few seconds."""
    for _ in range(300):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come")
