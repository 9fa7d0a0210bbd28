"""One connection: what waits for it, and what happens when it does not take it.

Answers and events of users are owed: none is left out, and a reader that lets too much of them pile up is cut off with
a reason, so that it comes back and asks for a snapshot. Messages of markets and states of accounts are not: what waits
beyond a limit is dropped stream by stream, and once the reader has taken what it was sent it is brought up to date. A
reader that takes nothing at all for a while is cut off.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final

from seawall.units import BadInput
from seawall.venue.ws.crowd import host_of
from seawall.venue.ws.frames import text_of
from seawall.venue.ws.protocol import CUT, FRAMES, Socket
from seawall.venue.ws.topics import FreshTopic, Topic

if TYPE_CHECKING:
    from seawall.venue.ws.hub import Hub

CHUNK: Final = 1 << 16  # bytes handed to the server at once
POSTS_AT_ONCE: Final = 64  # of one connection; the next one is looked at when one is answered
PARTING_SECONDS: Final = 5.0  # for a reader to take why it is cut off
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Waiting = tuple[bytes, FreshTopic | None, int]  # a message, the stream that it may be dropped from, its number there
log = logging.getLogger("seawall.ws")


class Reader:
    """A connection and its queue."""

    def __init__(self, hub: "Hub", address: str, send: Send, socket: Socket | None) -> None:
        """`socket` takes whole frames; None: the server makes its own."""
        self.hub = hub
        self.address = address
        self.host = host_of(address)  # whom the limits of the hub count
        self.topics: dict[bytes, Topic] = {}
        self.users: Counter[bytes] = Counter()  # addresses, with how many subscriptions
        self.owed = 0  # bytes of messages that must not be dropped
        self.waiting = 0  # bytes of messages that may be
        self.stale: dict[FreshTopic, int] = {}  # streams with dropped messages, and the first of them
        self.posts = 0  # in flight
        self.is_cut = False
        self.served_at = hub.time()  # when it was last sent anything
        self.stuck_since = 0.0  # since when it takes nothing; 0: it does
        self.socket = socket
        self._send = send
        self._is_touched = False  # something waits, and the hub has been told
        self._queue: deque[Waiting] = deque()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._posted = asyncio.Event()

    def answer(self, made: bytes) -> None:
        """Queues a message that it asked for. What it asks next is not looked at while much waits."""
        if not self.is_cut:
            self.owed += len(made)
            if self.owed > self.hub.terms.owed_bytes >> 1:
                self._room.clear()
            self._queue.append((made, None, 0))
            self._touch()

    def tell(self, made: bytes) -> None:
        """Queues an event that must not be left out: too much of that, and the reader is cut off."""
        if self.owed + len(made) > self.hub.terms.owed_bytes:
            self.cut(1013, "too slow: messages of yours would have been lost, ask for a snapshot")
        self.answer(made)

    def push(self, made: bytes, topic: FreshTopic) -> None:
        """Queues a message of a stream, or drops it when too much waits."""
        if topic in self.stale:
            self.hub.counters.dropped += 1
            return
        if self.waiting + len(made) > self.hub.terms.queue_bytes:
            self._fall_behind(topic)
            return
        self.waiting += len(made)
        self._queue.append((made, topic, topic.serial))
        self._touch()

    def flush(self, now: float) -> None:
        """Sends what waits as far as the reader takes it; the rest is left to `run`."""
        self._is_touched = False
        if self.socket is not None and not self.stuck_since:
            while self._queue and self.socket.takes_more:
                self.socket.write(b"".join(self._chunk(now)))
        if self._queue or self.stale:
            self._wake.set()

    async def room(self) -> None:
        """Waits until it has taken enough of what it is owed to be asked what else it wants."""
        await self._room.wait()
        while self.posts >= POSTS_AT_ONCE and not self.is_cut:
            self._posted.clear()
            await self._posted.wait()

    def posted(self) -> None:
        """A post of it has been answered."""
        self.posts -= 1
        self._posted.set()

    def cut(self, code: int, reason: str) -> None:
        """Ends the connection. What waits is dropped."""
        if self.is_cut:
            return
        self.is_cut = True
        self.hub.counters.cut[reason.partition(":")[0]] += 1
        self.hub.part(self)
        self._queue.clear()
        self.stale.clear()
        self._wake.set()
        self._room.set()
        self._posted.set()
        self.hub.spawn(self._bye(code, reason))

    def forget(self, topic: Topic) -> None:
        """It reads a stream no more."""
        if isinstance(topic, FreshTopic):
            self.stale.pop(topic, None)

    async def run(self) -> None:
        """Sends what waits, until the connection is over."""
        try:
            while not self.is_cut:
                if self._queue:
                    await self._hand_over(self._chunk(self.hub.time()))
                elif self.stale:
                    await self._catch_up()
                else:
                    self._wake.clear()
                    await self._wake.wait()
        except OSError:  # the peer is gone: the server says so to whoever receives
            return

    def _fall_behind(self, topic: FreshTopic) -> None:
        """Drops everything that waits and may be, with the stream whose message had no room."""
        kept: deque[Waiting] = deque()
        for waits in self._queue:
            if waits[1] is None:
                kept.append(waits)
            else:
                self.stale.setdefault(waits[1], waits[2])
        self.hub.counters.dropped += len(self._queue) - len(kept) + 1
        self.stale.setdefault(topic, topic.serial)
        self._queue, self.waiting = kept, 0
        self._wake.set()

    def _touch(self) -> None:
        if not self._is_touched:
            self._is_touched = True
            self.hub.touch(self)

    def _chunk(self, now: float) -> list[bytes]:
        """Takes the next messages to send off the queue."""
        parts, size, owed = [], 0, self.owed
        while self._queue and size < CHUNK:
            made, topic, _ = self._queue.popleft()
            parts.append(made)
            size += len(made)
            if topic is None:
                owed -= len(made)
            else:
                self.waiting -= len(made)
        if owed != self.owed:
            self.owed = owed
            if owed <= self.hub.terms.owed_bytes >> 1:
                self._room.set()
        self.served_at = now
        self.hub.counters.frames += len(parts)
        self.hub.counters.bytes += size
        return parts

    async def _catch_up(self) -> None:
        """One stream, from the first message that was dropped."""
        await self._hand_over([])
        topic, serial = next(iter(self.stale.items()))
        try:
            await topic.current()
        except BadInput:
            log.info("%s is of something that is gone", topic.key.decode())
        except Exception:  # a bug in one stream: the reader goes on without
            self.hub.fault()
            log.exception("could not read %s", topic.key.decode())
        if self.stale.pop(topic, None) is None or topic.key not in self.topics:
            return  # it was unsubscribed meanwhile
        self.hub.counters.resynced += 1
        for made in topic.since(serial):
            self.waiting += len(made)
            self._queue.append((made, topic, topic.serial))

    async def _hand_over(self, parts: list[bytes]) -> None:
        """Waits until the server takes more, then gives it whole frames."""
        self.stuck_since = self.hub.time()
        if self.socket is not None:
            await self._send({"type": FRAMES, "data": b"".join(parts)})
        else:
            for part in parts:
                await self._send({"type": "websocket.send", "text": text_of(part)})
        self.stuck_since = 0.0

    async def _bye(self, code: int, reason: str) -> None:
        try:
            if self.socket is not None:
                await self._send({"type": CUT, "code": code, "reason": reason, "seconds": PARTING_SECONDS})
            else:
                closing = self._send({"type": "websocket.close", "code": code, "reason": reason})
                await asyncio.wait_for(closing, PARTING_SECONDS)
        except (OSError, RuntimeError, TimeoutError):
            return  # gone already
