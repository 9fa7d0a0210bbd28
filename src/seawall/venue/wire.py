"""The two hot routes, POST /info and POST /exchange, straight on ASGI: JSON in, JSON out, text for what is no request.

Clients of Hyperliquid read a body of HTTP 4xx as text or as {"code", "msg"}; text is what it sends itself. Everything
else, and every other route, is the application's that lies behind.
"""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, Protocol

import msgspec

from seawall import nesting
from seawall.nesting import brackets_of
from seawall.units import BadInput
from seawall.venue.desk import BusyError, StoppedError
from seawall.venue.exchange.words import MalformedError
from seawall.venue.history.pen import HistoryFault

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Answer = Callable[[Any], Awaitable[Any]]

BODY_MAX: Final = 1 << 20  # bytes of a request
DEPTH_MAX: Final = 16  # of nested arrays and objects in it
BRACKETS_MAX: Final = 65_536  # an action of all the rows it may have has half as many; more take long to look at
JSON: Final = (b"content-type", b"application/json")
TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
ANYWHERE: Final = (b"access-control-allow-origin", b"*")
PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"POST, GET, OPTIONS"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-max-age", b"86400"),
)
UNREADABLE: Final = "Failed to parse the request body as JSON"
log = logging.getLogger("seawall.wire")
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder().decode


class TooLargeError(Exception):
    """A body beyond BODY_MAX."""


class LimitedError(Exception):
    """A client that asks too much."""


class Gate(Protocol):
    """Decides whether a client may ask; raises LimitedError when it may not. It is told what was answered."""

    def ask(self, route: str, host: str, body: Any) -> None: ...

    def answered(self, route: str, host: str, body: Any, answer: Any) -> None: ...


class Wire:
    """ASGI: answers the hot routes, hands everything else on."""

    def __init__(self, info: Answer, exchange: Answer, behind: App, gate: Gate | None = None) -> None:
        self.routes: dict[str, Answer] = {"/info": info, "/exchange": exchange}
        self.behind = behind
        self.gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self.routes.get(scope["path"]) if scope["type"] == "http" else None
        if answer is None:
            await self.behind(scope, receive, send)
        elif scope["method"] == "POST":
            status, head, body = await self._post(scope, receive, answer)
            await respond(send, status, (head, ANYWHERE), body)
        elif scope["method"] == "OPTIONS":
            await respond(send, 204, (ANYWHERE, *PREFLIGHT), b"")
        else:
            await respond(send, 405, (TEXT, ANYWHERE, (b"allow", b"POST")), b"Method Not Allowed")

    async def _post(self, scope: Scope, receive: Receive, answer: Answer) -> tuple[int, tuple[bytes, bytes], bytes]:
        try:
            request = parse(await read(receive))
            if self.gate is None:
                return 200, JSON, encode(await answer(request))
            client = scope.get("client")
            host = client[0] if client else ""
            self.gate.ask(scope["path"], host, request)
            told = await answer(request)
            self.gate.answered(scope["path"], host, request, told)
            return 200, JSON, encode(told)
        except TooLargeError:
            return 413, TEXT, b"Payload Too Large"
        except LimitedError as error:
            return 429, TEXT, str(error).encode()
        except (MalformedError, BadInput) as error:
            return 422, TEXT, str(error).encode()
        except BusyError as error:
            return 503, TEXT, f"The venue is busy: {error}".encode()
        except StoppedError as error:
            return 503, TEXT, f"The venue has stopped: {error}".encode()
        except HistoryFault as error:
            return 503, TEXT, f"The history is unavailable: {error}".encode()
        except Exception:  # a bug: told in the log, never to the client
            log.exception("%s failed", scope["path"])
            return 500, TEXT, b"Internal Server Error"


async def read(receive: Receive) -> bytes:
    """The whole body. TooLargeError beyond BODY_MAX."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if len(body) > BODY_MAX:
        raise TooLargeError
    if not message.get("more_body", False):
        return body
    parts, size = [body], len(body)
    while message.get("more_body", False):
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > BODY_MAX:
            raise TooLargeError
        parts.append(part)
    return b"".join(parts)


def parse(body: bytes) -> Any:
    """Decoded JSON, keys in their order. MalformedError for what is none or is nested beyond DEPTH_MAX."""
    if is_deep(body):
        raise MalformedError("the request is nested too deeply, or has too many parts")
    try:
        return decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedError(UNREADABLE) from error


def is_deep(body: bytes) -> bool:
    """Whether JSON is nested beyond DEPTH_MAX, or has more than BRACKETS_MAX brackets."""
    return len(brackets_of(body)) > BRACKETS_MAX or nesting.is_deep(body, DEPTH_MAX)


async def respond(send: Send, status: int, headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> None:
    """One whole response."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
