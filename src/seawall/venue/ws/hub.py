"""The websocket's middle: which streams there are, who reads them, and when they are told (docs/venue/websocket.md)."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, Protocol

from seawall.venue.views.told import Told
from seawall.venue.ws.accounts import ASKED, AccountTopic
from seawall.venue.ws.counters import Counters
from seawall.venue.ws.crowd import Crowd
from seawall.venue.ws.events import EVENTS
from seawall.venue.ws.frames import encode
from seawall.venue.ws.lane import Lane
from seawall.venue.ws.markets import (
    BestTopic,
    BookTopic,
    CandleTopic,
    ContextsTopic,
    ContextTopic,
    MidsTopic,
    TradesTopic,
    elsewhere,
)
from seawall.venue.ws.reader import Reader
from seawall.venue.ws.topics import Topic
from seawall.venue.ws.watch import Watch
from seawall.venue.ws.wishes import InvalidError, Wish

if TYPE_CHECKING:
    from seawall.venue.records import News
    from seawall.venue.service import Service

STEP_SECONDS: Final = 1.0  # between two looks at who is idle, stuck or due for a state again
FLUSHED: Final = 256  # readers that are sent what waits in one go
IDLE: Final = 1000  # codes of closing frames
RESTART: Final = 1012
LATER: Final = 1013
Info = Callable[[Any, Any], Awaitable[Any]]
Exchange = Callable[[Any, str], Awaitable[Any]]
log = logging.getLogger("seawall.ws")


class Gate(Protocol):
    """Decides whether an address may post a request; raises LimitedError when it may not. It is told the answer."""

    def ask(self, route: str, host: str, body: Any) -> None: ...

    def answered(self, route: str, host: str, body: Any, answer: Any) -> None: ...


class RefusedError(Exception):
    """A subscription that is not made: `str` is what the client is told."""


class Hub:
    """All streams and readers of one venue. `start` it in the service's event loop; endpoint.py lets readers in."""

    def __init__(self, service: "Service", info: Info, exchange: Exchange, gate: Gate | None = None) -> None:
        """`info(service, request)` answers as POST /info does, `exchange(payload, address)` as POST /exchange."""
        self.service = service
        self.exchange = exchange
        self.gate = gate
        self.shapes = Told(service)
        self.terms = service.config.sockets
        self.counters = Counters()
        self.crowd = Crowd(self.terms)
        self.readers: dict[Reader, None] = {}
        self.topics: dict[bytes, Topic] = {}
        self.is_stopping = False
        self.time = time.monotonic
        self.watch = Watch(service.people)
        self._info = info
        self._touched: deque[Reader] = deque()
        self._contexts: tuple[int, Any] = (-1, None)
        self._tasks: set[asyncio.Task[None]] = set()
        pause, none = self.terms.flush_ms / 1_000, self._at_once
        self.lanes = {
            "told": Lane(pause, none, self.fault),  # events: what is heard is durable
            "market": Lane(pause, self._settled, self.fault),
            "account": Lane(pause, self._settled, self.fault),
            "past": Lane(pause, none, self.fault),  # what is looked up in history
        }

    def start(self) -> None:
        """Begins to follow the venue, in the running event loop."""
        self.service.hearers.append(self._hear)
        for lane in self.lanes.values():
            self.spawn(lane.run())
        self.spawn(self._keep_house())

    async def stop(self) -> None:
        """Tells all readers that the venue stops, then follows it no more."""
        self.is_stopping = True
        self.service.hearers.remove(self._hear)
        for reader in [*self.readers]:
            reader.cut(RESTART, "the venue is stopping")
        await asyncio.sleep(0)
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs something beside everything else; `stop` ends it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def touch(self, reader: Reader) -> None:
        """Something waits for a reader: it is sent when all that happens now has been queued."""
        self._touched.append(reader)
        if len(self._touched) == 1:
            asyncio.get_running_loop().call_soon(self._flush)

    def fault(self) -> None:
        """Counts a failure of the venue's own."""
        self.counters.faults += 1

    async def ask(self, request: dict[str, Any]) -> Any:
        """What POST /info answers."""
        return await self._info(self.service, request)

    async def contexts(self) -> Any:
        """The context of every market, in order; asked for once however many streams need it."""
        at = self.service.mirror.sequence
        if self._contexts[0] != at:
            _, contexts = await self.ask({"type": "metaAndAssetCtxs"})
            self._contexts = (at, contexts)
        return self._contexts[1]

    async def subscribe(self, reader: Reader, wish: Wish) -> None:
        """Lets a reader read a stream. Raises RefusedError, InvalidError, BadInput: nothing has changed then."""
        terms = self.terms
        if wish.key in reader.topics:
            raise RefusedError(f"Already subscribed: {encode(wish.echo).decode()}")
        if len(reader.topics) >= terms.subscriptions:
            raise RefusedError(f"Cannot subscribe to more than {terms.subscriptions} channels.")
        if wish.address and wish.address not in reader.users and len(reader.users) >= terms.users:
            raise RefusedError(f"Cannot track more than {terms.users} total users.")
        topic = self.topics.get(wish.key)
        if topic is None:
            topic = self.topics[wish.key] = self._topic(wish)
            self.watch.add(topic)
        topic.joining += 1
        try:
            await topic.join(reader)
        finally:
            topic.joining -= 1
            if reader.is_cut:
                topic.leave(reader)
            self._let_go(topic)
        if not reader.is_cut:
            reader.topics[wish.key] = topic
            if wish.address:
                reader.users[wish.address] += 1

    def unsubscribe(self, reader: Reader, wish: Wish) -> None:
        """A reader reads a stream no more. RefusedError when it did not."""
        topic = reader.topics.pop(wish.key, None)
        if topic is None:
            raise RefusedError(f"Already unsubscribed: {encode(wish.echo).decode()}")
        if wish.address:
            reader.users[wish.address] -= 1
            if not reader.users[wish.address]:
                del reader.users[wish.address]
        self._leave(reader, topic)

    def part(self, reader: Reader) -> None:
        """The connection is over."""
        self.readers.pop(reader, None)
        for topic in reader.topics.values():
            self._leave(reader, topic)
        reader.topics.clear()

    def _leave(self, reader: Reader, topic: Topic) -> None:
        topic.leave(reader)
        reader.forget(topic)
        self._let_go(topic)

    def _let_go(self, topic: Topic) -> None:
        """A stream that nobody reads is no more."""
        if not topic.is_read and self.topics.get(topic.key) is topic:
            del self.topics[topic.key]
            self.watch.drop(topic)

    def _topic(self, wish: Wish) -> Topic:
        kind, listing, terms = wish.kind, wish.listing, self.terms
        if kind in EVENTS:
            return EVENTS[kind](self, wish)
        if kind in ASKED:
            if kind == "activeAssetData" and listing is None:
                raise InvalidError
            return AccountTopic(self, wish, terms.state_ms / 1_000)
        if kind == "allMids" and not wish.text("dex"):
            return MidsTopic(self, wish, terms.mids_ms / 1_000)
        if kind == "fastAssetCtxs":
            return ContextsTopic(self, wish, terms.mids_ms / 1_000)
        if kind in ("assetCtxs", "allDexsAssetCtxs") and not wish.text("dex"):
            return ContextsTopic(self, wish, terms.context_ms / 1_000)
        if listing is None:
            return elsewhere(self, wish)
        match kind:
            case "l2Book":
                return BookTopic(self, wish, terms.book_ms / 1_000, listing)
            case "bbo":
                return BestTopic(self, wish, terms.best_ms / 1_000, listing)
            case "trades":
                return TradesTopic(self, wish, listing)
            case "candle":
                return CandleTopic(self, wish, terms.candle_ms / 1_000, listing)
        return ContextTopic(self, wish, terms.context_ms / 1_000, listing)

    def _flush(self) -> None:
        now = self.time()
        for _ in range(min(FLUSHED, len(self._touched))):
            self._touched.popleft().flush(now)
        if self._touched:
            asyncio.get_running_loop().call_soon(self._flush)

    def _hear(self, news: "News") -> None:
        if self.topics:
            self.watch.hear(news)

    async def _at_once(self) -> None:
        return

    async def _settled(self) -> None:
        await self.service.desk.settled()

    async def _keep_house(self) -> None:
        while True:  # until stopped
            await asyncio.sleep(STEP_SECONDS)
            now = self.time()
            for reader in [*self.readers]:
                if reader.stuck_since and now - reader.stuck_since >= self.terms.slow_seconds:
                    reader.cut(LATER, f"too slow: took nothing for {self.terms.slow_seconds} s")
                elif now - reader.served_at >= self.terms.idle_seconds:
                    reader.cut(IDLE, f"idle: nothing was sent for {self.terms.idle_seconds} s")
            for topic in self.topics.values():
                if isinstance(topic, AccountTopic) and now - topic.made_at >= self.terms.state_seconds:
                    topic.mark()
            self.crowd.forget(now)
