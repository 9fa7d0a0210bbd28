"""GET /ws: lets readers in and takes what they ask. Everything that a client gets wrong is told to it in words."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import msgspec

from seawall.units import BadInput
from seawall.venue.desk import BusyError, StoppedError
from seawall.venue.exchange.words import MalformedError
from seawall.venue.wire import LimitedError, parse
from seawall.venue.ws.crowd import host_of
from seawall.venue.ws.frames import PONG, encode, error, frame, told
from seawall.venue.ws.hub import Hub, RefusedError
from seawall.venue.ws.protocol import FRAMES, SOCKET
from seawall.venue.ws.reader import Reader, Send
from seawall.venue.ws.requests import (
    ECHO_MAX,
    UNREADABLE,
    Ping,
    Post,
    Subscribe,
    UnreadableError,
    Unsubscribe,
    Wanted,
    read,
    unreadable,
)
from seawall.venue.ws.wishes import InvalidError, UnknownError, Wish, wish_of

ROUTES: Final = {"info": "/info", "action": "/exchange"}  # that answer what is posted
POLICY: Final = 1008  # of a closing frame
STATUSES: Final = {"connections": 503, "connections_per_ip": 429, "stopping": 503}  # of a refused handshake
WORDS: Final = {
    "connections": b"The venue takes no more connections",
    "connections_per_ip": b"Too many connections from your address",
    "stopping": b"The venue is stopping",
}
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
log = logging.getLogger("seawall.ws")


class Endpoint:
    """The ASGI application of one hub's connections."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hub = self.hub
        await receive()  # websocket.connect
        client = scope.get("client")
        address = client[0] if client else ""
        host = host_of(address)
        extensions = scope.get("extensions") or {}
        refusal = "stopping" if hub.is_stopping else hub.crowd.enter(host)
        if refusal:
            hub.counters.refused[refusal] += 1
            await _refuse(send, refusal, is_told="websocket.http.response" in extensions)
            return
        reader = Reader(hub, address, send, extensions.get(FRAMES, {}).get(SOCKET))
        hub.readers[reader] = None
        sender: asyncio.Task[None] | None = None
        try:
            await send({"type": "websocket.accept"})
            hub.counters.opened += 1
            sender = asyncio.get_running_loop().create_task(reader.run())
            await self._serve(reader, receive)
        except OSError:
            return  # the peer was gone before it was let in
        finally:
            hub.part(reader)
            hub.crowd.leave(host)
            if sender is not None:
                sender.cancel()

    async def _serve(self, reader: Reader, receive: Receive) -> None:
        while True:  # until the peer is gone, or cut off
            await reader.room()
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            if not reader.is_cut:
                await self._take(reader, message.get("text"))

    async def _take(self, reader: Reader, text: str | None) -> None:
        hub, limit = self.hub, self.hub.terms.messages_per_minute
        count = hub.crowd.message(reader.host, hub.time())
        if count > limit:
            self._refuse(reader, f"Cannot send more than {limit} messages per minute.")
            if count > 2 * limit:
                reader.cut(POLICY, "too many messages")
            return
        if text is None:
            self._refuse(reader, f"{UNREADABLE}a binary message")
            return
        try:
            await self._do(reader, text)
        except UnreadableError as unread:
            self._refuse(reader, str(unread))
        except UnknownError:
            self._refuse(reader, str(unreadable(text)))
        except RefusedError as refusal:
            self._refuse(reader, str(refusal))
        except (InvalidError, BadInput):
            self._refuse(reader, f"Invalid subscription {_subscription(text)}")
        except Exception:  # a bug: told in the log, never to the client
            hub.fault()
            log.exception("a request failed")
            self._refuse(reader, f"Error handling request: {_brief(text)}")

    async def _do(self, reader: Reader, text: str) -> None:
        request = read(text)
        counters = self.hub.counters
        match request:
            case Ping():
                counters.requests["ping"] += 1
                reader.answer(PONG)
            case Subscribe(subscription=wanted):
                counters.requests["subscribe"] += 1
                await self.hub.subscribe(reader, self._wish(wanted))
            case Unsubscribe(subscription=wanted):
                counters.requests["unsubscribe"] += 1
                wish = self._wish(wanted)
                self.hub.unsubscribe(reader, wish)
                reader.answer(told("unsubscribe", wish.echo))
            case Post():
                counters.requests["post"] += 1
                if not self.hub.crowd.post(reader.host):
                    raise RefusedError(f"too many pending post requests id={request.id}")
                reader.posts += 1
                self.hub.spawn(self._answer(reader, request))

    def _wish(self, wanted: Wanted) -> Wish:
        return wish_of(wanted, self.hub.service.universe)

    def _refuse(self, reader: Reader, words: str) -> None:
        self.hub.counters.errors += 1
        reader.answer(error(words))

    async def _answer(self, reader: Reader, post: Post) -> None:
        try:
            kind, payload = await self._response(reader.address, post)
        finally:
            self.hub.crowd.posted(reader.host)
            reader.posted()
        if kind == "error":
            self.hub.counters.errors += 1
        reader.answer(frame("post", {"id": post.id, "response": {"type": kind, "payload": payload}}))

    async def _response(self, address: str, post: Post) -> tuple[str, Any]:
        hub, kind = self.hub, post.request.type
        try:
            payload = parse(bytes(post.request.payload))
            if kind == "info" and not (isinstance(payload, dict) and isinstance(payload.get("type"), str)):
                return "error", "Failed to deserialize the JSON body into the target type"
            if hub.gate is not None:
                hub.gate.ask(ROUTES[kind], address, payload)
            answer = await (hub.ask(payload) if kind == "info" else hub.exchange(payload, address))
            if hub.gate is not None:
                hub.gate.answered(ROUTES[kind], address, payload, answer)
            return kind, {"type": payload["type"], "data": answer} if kind == "info" else answer
        except (MalformedError, BadInput, LimitedError) as refusal:
            return "error", str(refusal)
        except BusyError as busy:
            return "error", f"The venue is busy: {busy}"
        except StoppedError as stopped:
            return "error", f"The venue has stopped: {stopped}"
        except Exception:  # a bug: told in the log, never to the client
            hub.fault()
            log.exception("a posted request failed")
            return "error", "Internal Server Error"


async def _refuse(send: Send, refusal: str, *, is_told: bool) -> None:
    """Ends a handshake, with a status and words where the server can."""
    try:
        if is_told:
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "websocket.http.response.start", "status": STATUSES[refusal], "headers": headers})
            await send({"type": "websocket.http.response.body", "body": WORDS[refusal]})
        else:
            await send({"type": "websocket.close", "code": POLICY, "reason": WORDS[refusal].decode()})
    except OSError:
        return  # gone already


def _subscription(text: str) -> str:
    """The subscription in a request that could be read, as it was sent: clients find by it which one it was."""
    return _brief(encode(msgspec.json.decode(text)["subscription"]).decode())


def _brief(text: str) -> str:
    return text if len(text) <= ECHO_MAX else f"of {len(text)} characters"
