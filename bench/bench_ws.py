"""Fan-out of the websocket: whole books to 100 readers, the server on one core and all readers on another.

The hub of the venue publishes books of 20 levels, as fast as the readers take them: none may fall behind. One stream:
every message is a write of its own to each socket. Eight streams: what happens together leaves together. Beside them,
in turns, what one would write without the hub: uvicorn's own protocol, a send of the text for each message and socket.
Each side is judged by the wall clock of the readers, who check that every byte has come.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

import harness
from seawall.venue.config import Config, Sockets
from seawall.venue.people import People
from seawall.venue.universe import Listing, Universe
from seawall.venue.ws.endpoint import Endpoint
from seawall.venue.ws.frames import frame
from seawall.venue.ws.hub import Hub
from seawall.venue.ws.protocol import uvicorn_terms

WORKER = Path(__file__).resolve().parent / "ws_worker.py"
READERS, ROUNDS = 100, 24
BATCHES = {1: 200, 8: 40}  # streams: how often all of them are published
TERMS = Sockets(flush_ms=0, book_ms=0)
FIRST_TIME = 1_760_000_000_000  # 13 digits, as all that follow


class Book:
    """A book that changes with every look at it, and keeps its length."""

    def __init__(self, coins: list[str]) -> None:
        self.coins = coins
        self.time = FIRST_TIME

    def look(self, coin: str) -> Any:
        self.time += 1
        sides = [[{"px": f"{50_000 + at}.0", "sz": f"{self.time % 10}.5", "n": 3} for at in range(20)] for _ in "ba"]
        return {"coin": coin, "time": self.time, "levels": sides}


async def settled() -> None:
    return


class OurSide:
    """The venue's hub on a service that has nothing but markets."""

    name = "hub"

    def __init__(self, book: Book) -> None:
        universe = Universe()
        for number, coin in enumerate(book.coins):
            universe.add(Listing(number=number, coin=coin, size_decimals=3, price_max=2**31))
        service: Any = SimpleNamespace(
            config=Config(sockets=TERMS), hearers=[], universe=universe, people=People(), now=FIRST_TIME
        )
        service.desk = SimpleNamespace(settled=settled)

        async def info(_: Any, request: Any) -> Any:
            return book.look(request["coin"])

        self.hub = Hub(service, info, info)
        self.endpoint: Any = Endpoint(self.hub)
        self.terms = uvicorn_terms(TERMS)

    def start(self) -> None:
        self.hub.start()

    async def publish(self, batches: int) -> None:
        """All streams, `batches` times; each time once everybody has taken what came before."""
        topics, readers = [*self.hub.topics.values()], [*self.hub.readers]
        for _ in range(batches):
            wanted = self.hub.counters.published + len(topics)
            for topic in topics:
                topic.mark()
            while self.hub.counters.published < wanted or any(reader.waiting for reader in readers):
                await asyncio.sleep(0)
        assert self.hub.counters.dropped == 0

    async def stop(self) -> None:
        await self.hub.stop()


class TheirSide:
    """uvicorn's protocol and a loop over the sockets, the text made once."""

    name = "loop"

    def __init__(self, book: Book) -> None:
        self.book = book
        self.sockets: list[WebSocket] = []
        self.endpoint: Any = self.serve
        self.terms = {"ws": "websockets-sansio", "ws_per_message_deflate": False}

    async def serve(self, socket: WebSocket) -> None:
        await socket.accept()
        for _ in self.book.coins:
            asked = json.loads(await socket.receive_text())
            coin = asked["subscription"]["coin"]
            await socket.send_json({"channel": "subscriptionResponse", "data": asked})
            await socket.send_json({"channel": "l2Book", "data": self.book.look(coin)})
        self.sockets.append(socket)
        await socket.receive()  # its end

    def start(self) -> None: ...

    async def publish(self, batches: int) -> None:
        for _ in range(batches):
            for coin in self.book.coins:
                text = frame("l2Book", self.book.look(coin))[4:].decode()
                for socket in self.sockets:
                    await socket.send_text(text)
            await asyncio.sleep(0)

    async def stop(self) -> None: ...


class Run:
    """One side and its readers."""

    def __init__(self, side: Callable[[Book], Any], streams: int) -> None:
        self.book = Book([f"C{number}" for number in range(streams)])
        self.side, self.streams, self.batches = side(self.book), streams, BATCHES[streams]
        self.size = len(frame("l2Book", self.book.look("C0")))
        self.best = (float("inf"), float("inf"))  # wall and processor seconds
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self._ready.wait()
        arguments = [sys.executable, str(WORKER), str(self.port), str(READERS), *self.book.coins]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.worker: Any = subprocess.Popen(arguments, preexec_fn=lambda: pin(1), **pipes)  # noqa: PLW1509
        assert self.worker.stdout.readline() == "ready\n"

    @property
    def messages(self) -> int:
        return self.batches * self.streams * READERS

    def go(self) -> None:
        print(self.batches * self.streams * self.size, file=self.worker.stdin, flush=True)
        start = time.process_time()
        self._do(self.side.publish(self.batches))
        told = json.loads(self.worker.stdout.readline())
        used = time.process_time() - start
        assert str(self.book.time) in told["end"], told["end"]
        self.best = min(self.best, (told["seconds"], used))

    def close(self) -> None:
        self.worker.stdin.close()
        self.worker.wait()
        self._do(self.side.stop())
        self.loop.call_soon_threadsafe(setattr, self.server, "should_exit", True)
        self._thread.join()

    def _do(self, work: Awaitable[None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result()  # type: ignore[arg-type]

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.side.start()
        app = Starlette(routes=[WebSocketRoute("/ws", self.side.endpoint)])
        terms = {**self.side.terms, "ws_ping_interval": None}  # the readers count bytes
        config = uvicorn.Config(app, port=0, lifespan="off", log_level="warning", **terms)
        config.timeout_graceful_shutdown = 1
        self.server = uvicorn.Server(config)
        serving = asyncio.create_task(self.server.serve())
        while not self.server.started:
            await asyncio.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self._ready.set()
        await serving


def pin(core: int) -> None:
    """Keeps this process on one core, where there are two and the system lets it."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > core:
        os.sched_setaffinity(0, {core})


def main() -> None:
    pin(0)
    runs = {(side.name, streams): Run(side, streams) for streams in BATCHES for side in (OurSide, TheirSide)}
    for _ in range(ROUNDS):
        for run in runs.values():
            run.go()
    rate = {key: run.messages / run.best[0] for key, run in runs.items()}
    cost = {key: run.best[1] / run.messages * 1e6 for key, run in runs.items()}
    size = runs["hub", 1].size
    for run in runs.values():
        run.close()
    harness.write(
        "ws",
        [
            harness.Figure(f"messages of {size} bytes a second to {READERS} sockets", rate["hub", 1], 50_000, "higher"),
            harness.Figure("the same, 8 streams at once", rate["hub", 8], 100_000, "higher"),
            harness.Figure("times a send for each socket", rate["hub", 1] / rate["loop", 1], 1.0, "higher"),
            harness.Figure("the same, 8 streams at once ", rate["hub", 8] / rate["loop", 8], 2.0, "higher"),
            harness.Figure("server microseconds of CPU a message", cost["hub", 1], 10, "lower"),
            harness.Figure("the same, 8 streams", cost["hub", 8], 4, "lower"),
            harness.Figure("a send for each socket, messages a second", rate["loop", 1], None, "higher"),
            harness.Figure("a send for each socket, CPU microseconds", cost["loop", 1], None, "lower"),
        ],
    )


if __name__ == "__main__":
    main()
