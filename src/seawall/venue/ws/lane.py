"""When streams are published: soon after something happened, none more often than its gap, never for long at once."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from seawall.units import BadInput

if TYPE_CHECKING:
    from seawall.venue.ws.topics import Topic

SLICE_SECONDS: Final = 0.002  # of publishing, then everything else in the loop has its turn
log = logging.getLogger("seawall.ws")


class Lane:
    """Streams that are published one after the other, apart from those of other lanes."""

    def __init__(self, pause: float, ready: Callable[[], Awaitable[None]], fault: Callable[[], None]) -> None:
        """`pause` in seconds lets what happens together be told together; `ready` is awaited before each stream."""
        self.pause = pause
        self._ready = ready
        self._fault = fault
        self._due: deque[Topic] = deque()
        self._wake = asyncio.Event()

    def mark(self, topic: "Topic") -> None:
        """Something happened that the topic tells of."""
        if topic.is_marked:
            return
        topic.is_marked = True
        loop = asyncio.get_running_loop()
        if topic.next_at <= loop.time():
            self._put(topic)
        else:
            loop.call_at(topic.next_at, self._put, topic)

    def _put(self, topic: "Topic") -> None:
        self._due.append(topic)
        self._wake.set()

    async def run(self) -> None:
        """Publishes what is due, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(self.pause)
            until = loop.time() + SLICE_SECONDS
            while self._due:
                topic = self._due.popleft()
                topic.next_at = loop.time() + topic.gap
                await self._publish(topic)
                if loop.time() >= until:
                    await asyncio.sleep(0)
                    until = loop.time() + SLICE_SECONDS

    async def _publish(self, topic: "Topic") -> None:
        if not topic.is_read:
            topic.is_marked = False
            return
        try:
            await self._ready()
            await topic.publish()
        except BadInput:
            return  # what it was of is gone: a market that was delisted
        except Exception:  # a bug in one stream is told in the log and stops no other
            self._fault()
            log.exception("could not publish %s", topic.key.decode())
