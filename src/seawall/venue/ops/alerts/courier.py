"""Sends what is to be told: at least once, again after a growing wait when a service does not take it."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from seawall.units import BadInput
from seawall.venue.ops.alerts.book import Book, Message
from seawall.venue.ops.alerts.targets import send

THREADS: Final = 4
BATCH: Final = 32
FIRST_WAIT_MS: Final = 1_000  # four times as long after each try
GROWTH: Final = 4
PAUSE_SECONDS: Final = 1.0
log = logging.getLogger("seawall.alerts")
Send = Callable[[str, str, str], bool]


class Courier:
    """Sends until cancelled. `run` it as a task; `wake` it when there is something new."""

    def __init__(self, book: Book, tries: int, first_wait_ms: int = FIRST_WAIT_MS, sender: Send = send) -> None:
        self.book = book
        self.sent = 0
        self.given_up = 0
        self._tries = tries
        self._first = first_wait_ms
        self._send = sender
        self._threads = ThreadPoolExecutor(THREADS, "seawall-alerts")
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    async def run(self) -> None:
        """Sends what is due, then waits a second, or for `wake`."""
        while True:  # until cancelled
            self._wake.clear()
            try:
                due = await self.book.due(_now(), BATCH)
                await asyncio.gather(*(self._deliver(message) for message in due))
            except Exception:  # the disk, for one: what waits goes on waiting
                log.exception("sending alerts failed")
                due = []
            if len(due) < BATCH:
                try:
                    await asyncio.wait_for(self._wake.wait(), PAUSE_SECONDS)
                except TimeoutError:
                    continue

    def close(self) -> None:
        """Waits for no message that is under way: it is sent again after the next start."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _deliver(self, message: Message) -> None:
        alert = self.book.alerts.get(message.alert)
        if alert is None:
            await self.book.sent(message)
            return
        loop = asyncio.get_running_loop()
        try:
            is_taken = await loop.run_in_executor(self._threads, self._send, alert.target, message.title, message.body)
        except BadInput:
            is_taken = False
        except Exception as error:  # a plug-in's own: its text may hold the target
            log.warning("an alert's target failed", extra={"alert": alert.id, "error": type(error).__name__})
            is_taken = False
        if is_taken:
            self.sent += 1
            await self.book.sent(message)
        elif message.tries + 1 >= self._tries:
            self.given_up += 1
            log.warning("an alert could not be sent and is given up", extra={"alert": alert.id})
            await self.book.sent(message)
        else:
            await self.book.put_off(message, _now() + self._first * GROWTH**message.tries)


def _now() -> int:
    return time.time_ns() // 1_000_000
