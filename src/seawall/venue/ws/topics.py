"""Streams. All readers of a stream get the same bytes; a stream is there while somebody reads it."""

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from seawall.venue.ws.frames import frame, told
from seawall.venue.ws.wishes import Wish

if TYPE_CHECKING:
    from seawall.venue.ws.hub import Hub
    from seawall.venue.ws.lane import Lane
    from seawall.venue.ws.reader import Reader


class Topic(ABC):
    """One stream. Subclasses say what is in it."""

    lane_name = "market"

    def __init__(self, hub: "Hub", wish: Wish, gap: float) -> None:
        """`gap`: seconds between two messages at least."""
        self.hub = hub
        self.wish = wish
        self.key = wish.key
        self.gap = gap
        self.channel = wish.kind
        self.readers: dict[Reader, None] = {}
        self.joining = 0  # who are about to read it
        self.is_marked = False  # something happened that has not been told
        self.next_at = 0.0  # on the loop's clock
        self.lane: Lane = hub.lanes[self.lane_name]

    @property
    def is_read(self) -> bool:
        """Whether anybody would get its next message."""
        return bool(self.readers) or self.joining > 0

    def mark(self) -> None:
        """Something happened that it tells of."""
        self.lane.mark(self)

    @abstractmethod
    async def publish(self) -> None:
        """Sends what has happened since the last time to all readers."""

    @abstractmethod
    async def join(self, reader: "Reader") -> None:
        """Tells a reader that its subscription began, and what it starts from; from then on it reads."""

    def leave(self, reader: "Reader") -> None:
        """A reader reads it no more."""
        self.readers.pop(reader, None)


class FreshTopic(Topic):
    """A stream that a slow reader may miss messages of: it is brought up to date later."""

    serial = 0  # number of the message that is sent now

    @abstractmethod
    async def current(self) -> None:
        """Makes `since` know all that has happened."""

    @abstractmethod
    def since(self, serial: int) -> list[bytes]:
        """Messages for a reader who had none of this number nor of a later one."""

    def first(self) -> list[bytes]:
        """Messages for a new reader."""
        return self.since(0)

    async def join(self, reader: "Reader") -> None:
        await self.current()
        reader.answer(told("subscribe", self.wish.echo))
        for made in self.first():
            reader.push(made, self)
        self.readers[reader] = None

    def send(self, made: bytes) -> None:
        """Queues a message for every reader."""
        self.hub.counters.published += 1
        for reader in self.readers:
            reader.push(made, self)


class StateTopic(FreshTopic):
    """A stream whose newest message replaces all earlier ones."""

    is_repeated = False  # it is sent anew when nothing that it says has changed

    def __init__(self, hub: "Hub", wish: Wish, gap: float) -> None:
        super().__init__(hub, wish, gap)
        self.frame = b""
        self._said: Any = None
        self._turn = asyncio.Lock()

    @abstractmethod
    async def read(self) -> Any:
        """The message's data as it is now; None: nothing to say."""

    def says(self, data: Any) -> Any:
        """What of the data is news when it changes."""
        return data

    async def publish(self) -> None:
        async with self._turn:
            self.is_marked = False
            data = await self.read()
            if data is None:
                return
            said = self.says(data)
            if said == self._said and not self.is_repeated:
                return
            self._said = said
            self.frame = frame(self.channel, data)
            self.send(self.frame)

    async def current(self) -> None:
        if self.is_marked or not self.frame:
            await self.publish()

    def since(self, serial: int) -> list[bytes]:  # noqa: ARG002
        return [self.frame] if self.frame else []


class FixedTopic(StateTopic):
    """A stream of something that the venue does not offer: it says so once, or nothing when `data` is None."""

    def __init__(self, hub: "Hub", wish: Wish, channel: str, data: Any) -> None:
        super().__init__(hub, wish, 0.0)
        if data is not None:
            self.frame = frame(channel, data)

    async def read(self) -> Any:
        return None
