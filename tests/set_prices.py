"""The only source of prices of a venue in a process of its own, which a test sets."""

import asyncio
import contextlib
import threading

from hyperliquid_line import Line

TICK_SECONDS = 0.25


class Prices:
    """What the only source of the venue says, from a thread of its own. Set `now` at will."""

    def __init__(self, now: dict[str, float]) -> None:
        self.now = dict(now)
        self._ready = threading.Event()
        self._done: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.url = ""

    def __enter__(self) -> "Prices":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)

    def _said(self) -> dict[str, tuple[str, str | None]]:
        return {coin: (f"{price:.6f}", f"{price:.6f}") for coin, price in self.now.items()}

    async def _run(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        async with Line(self._said) as line:
            self.url = line.url
            self._ready.set()
            while not self._done.is_set():
                with contextlib.suppress(Exception):  # the venue stops and starts: its line is cut at any time
                    await line.push()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._done.wait(), TICK_SECONDS)
