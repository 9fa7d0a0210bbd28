"""A small venue behind a real server in a thread, and clients that talk to it over real sockets."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from seawall.venue.config import Sockets
from seawall.venue.exchange.answer import answer
from seawall.venue.info.answer import answer as answer_info
from seawall.venue.names import address_text
from seawall.venue.ws.endpoint import Endpoint
from seawall.venue.ws.hub import Hub
from seawall.venue.ws.protocol import uvicorn_terms
from venue_rig import Rig, key

Result = TypeVar("Result")
MAKER, TAKER, OTHER = key(1), key(2), key(3)
QUICK = {"best_ms": 1, "book_ms": 1, "mids_ms": 1, "context_ms": 1, "candle_ms": 1, "state_ms": 1, "flush_ms": 1}
PATIENCE = 10.0  # seconds until a message that should come is missed


class Server:
    """The venue, its hub and its server, in a thread with a loop of its own."""

    def __init__(self, folder: Path, *, is_plain: bool = False, **terms: Any) -> None:
        """`terms` are those of config.Sockets; a plain server is uvicorn without the venue's own protocol."""
        self.folder = folder
        self.terms = Sockets(**{**QUICK, **terms})
        self.is_plain = is_plain
        self.info: Callable[[Any, Any], Awaitable[Any]] = answer_info
        self.port = 0
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Server":
        self._thread.start()
        assert self._ready.wait(600)
        if self._error is not None:
            raise self._error
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self._over.set)
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self._error is not None:
            raise self._error

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Runs something in the venue's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def connect(self, *, is_narrow: bool = False, **more: Any) -> "Client":
        """A client; the narrow one's system takes a few kB that it has not read."""

        def opening() -> Any:
            if is_narrow:
                more["sock"] = socket.socket()
                more["sock"].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                more["sock"].connect(("127.0.0.1", self.port))
            return connect(self.url, compression=None, open_timeout=30, max_size=None, **more)

        return Client(opening)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def order(self, who: Any, buy: bool, price: str, size: str, **more: Any) -> Any:
        return self.do(self.rig.order(who, buy, price, size, **more))

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._error = error
            self._ready.set()

    async def _main(self) -> None:
        self.loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self.rig = Rig(self.folder, sockets=self.terms)
        await self.rig.start()
        await self.rig.list_market()
        await self.rig.list_market("ETH", 2, 2_000_000)
        await self.rig.fund(MAKER, 1_000_000)
        await self.rig.fund(TAKER, 100_000)

        async def exchange(payload: Any, address: str) -> Any:
            assert address == "127.0.0.1"
            return await answer(self.rig.service, payload)

        async def info(service: Any, request: Any) -> Any:
            return await self.info(service, request)

        self.hub = Hub(self.rig.service, info, exchange)
        self.hub.start()
        app = Starlette(routes=[WebSocketRoute("/ws", Endpoint(self.hub))])
        terms = {"ws": "websockets-sansio"} if self.is_plain else uvicorn_terms(self.terms)
        config = uvicorn.Config(app, port=0, lifespan="off", log_level="warning", access_log=False, **terms)
        self.server = uvicorn.Server(config)
        serving = asyncio.create_task(self.server.serve())
        while not self.server.started:
            await asyncio.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        await self.hub.stop()
        self.server.should_exit = True
        await serving
        await self.rig.service.stop()


class Client:
    """One connection. Messages that are not waited for are kept."""

    def __init__(self, opening: Callable[[], Any]) -> None:
        self.kept: list[dict[str, Any]] = []
        self.socket: ClientConnection
        self._opening = opening

    def __enter__(self) -> "Client":
        self._opened = self._opening()
        self.socket = self._opened.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.__exit__(None, None, None)

    def send(self, message: Any) -> None:
        self.socket.send(message if isinstance(message, str | bytes) else json.dumps(message))

    def next(self, channel: str, *, timeout: float = PATIENCE, where: Callable[[Any], bool] = lambda _: True) -> Any:
        """The data of the next message on a channel that is as wanted."""
        for place, message in enumerate(self.kept):
            if message["channel"] == channel and where(message.get("data")):
                del self.kept[place]
                return message.get("data")
        until = time.monotonic() + timeout
        while True:
            message = json.loads(self.socket.recv(until - time.monotonic()))
            if message["channel"] == channel and where(message.get("data")):
                return message.get("data")
            self.kept.append(message)

    def none(self, channel: str, seconds: float = 0.3) -> None:
        """Nothing comes on a channel for a while."""
        try:
            found = self.next(channel, timeout=seconds)
        except TimeoutError:
            return
        raise AssertionError(found)

    def end(self) -> tuple[int, str]:
        """Code and reason with which the venue ends the connection; messages before that are kept."""
        try:
            while True:
                self.kept.append(json.loads(self.socket.recv(PATIENCE)))
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (0, "")

    def subscribe(self, kind: str, **fields: Any) -> Any:
        """The subscription as it is told back."""
        self.send({"method": "subscribe", "subscription": {"type": kind, **fields}})
        return self.next("subscriptionResponse")["subscription"]

    def unsubscribe(self, kind: str, **fields: Any) -> Any:
        self.send({"method": "unsubscribe", "subscription": {"type": kind, **fields}})
        return self.next("subscriptionResponse")["subscription"]


def user(who: Any) -> str:
    return address_text(who.address)


def wait_until(is_so: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Returns once something is so."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)
