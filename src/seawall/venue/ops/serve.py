"""From apps to a process: one loop, a port each, and a stop that loses nothing.

The first SIGTERM or SIGINT closes the ports, lets requests under way finish, makes everything durable, keeps a
snapshot, and ends with 0. A second one ends the process at once: what was acknowledged is durable all the same.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import uvicorn

from seawall.venue.config import Sockets
from seawall.venue.ws.protocol import uvicorn_terms

log = logging.getLogger("seawall.serve")

GRACE_SECONDS: Final = 10  # for requests under way
FORCED: Final = 130  # exit code of a second signal
YOUNG_OBJECTS: Final = 50_000  # made before the collector looks for cycles: hardly anything here makes any
OPTIMISED: Final = "Seawall does not run under python -O: its checks would be off."


class Port(NamedTuple):
    """An app, where it listens, and the limits of its websockets."""

    app: Any
    host: str
    number: int
    sockets: Sockets = Sockets()


class Server(uvicorn.Server):
    """uvicorn, that leaves signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def refuse_optimised() -> None:
    """Ends a process whose assertions are off, with code 2: an engine whose checks are off is no engine."""
    if sys.flags.optimize or not __debug__:
        print(OPTIMISED, file=sys.stderr)
        raise SystemExit(2)


async def serve(
    ports: Sequence[Port],
    started: Callable[[], Awaitable[None]],
    stopping: Callable[[], None],
    stop: Callable[[], Awaitable[None]],
    failed: Callable[[], Awaitable[Any]] | None = None,
) -> int:
    """Serves until a signal; the exit code of the process.

    `started` runs once all ports are open, `stopping` when a signal has come, `stop` when the last request has been
    answered. What `failed` makes ends the venue when it is done: the code is then 1. OSError for a port that is taken.
    """
    servers = [Server(_settings(port)) for port in ports]
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    _on_signals(loop, stopped)
    tasks = [loop.create_task(_serve(server)) for server in servers]
    code = 0
    try:
        await _opened(servers, tasks)
        await started()
        _settle_memory()
        code = await _until(stopped, tasks, failed)
    finally:
        stopping()
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks, return_exceptions=True)
        await stop()
    return code


def _settle_memory() -> None:
    """What has been made so far stays: the collector looks at it no more, and at the rest less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


async def _serve(server: Server) -> None:
    try:
        await server.serve()
    except SystemExit as error:  # uvicorn's word for a port that is taken: it has logged why
        raise OSError("a port could not be opened") from error


async def _opened(servers: Sequence[Server], tasks: Sequence["asyncio.Task[None]"]) -> None:
    while not all(server.started for server in servers):
        for task in tasks:
            if task.done():
                task.result()
                raise OSError("a port could not be opened")
        await asyncio.sleep(0.01)


async def _until(
    stopped: asyncio.Event, tasks: Sequence["asyncio.Task[None]"], failed: Callable[[], Awaitable[Any]] | None
) -> int:
    waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(stopped.wait()), *tasks]
    if failed is not None:
        waits.append(asyncio.ensure_future(failed()))
    done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    if waits[0] in done:
        log.info("stopping")
        return 0
    waits[0].cancel()
    log.error("a part of the venue has ended")
    return 1


def _settings(port: Port) -> uvicorn.Config:
    return uvicorn.Config(
        port.app,
        host=port.host,
        port=port.number,
        loop="none",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE_SECONDS,
        **uvicorn_terms(port.sockets),
    )


def _on_signals(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    def heard() -> None:
        if stopped.is_set():
            log.error("a second signal: ending at once")
            os._exit(FORCED)
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard)
