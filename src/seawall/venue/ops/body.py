"""Bodies of requests: their size and depth are bounded before anything is made of them."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import msgspec

from seawall.venue import config
from seawall.venue.rest.errors import JSON, ApiError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BRACKETS: Final = b"[]{}"
BRACKETS_MOST: Final = 65_536  # the longest action has fewer, and the passes below stay within some milliseconds
REST: Final = bytes(byte for byte in range(256) if byte not in BRACKETS)


def read_json(body: bytes, terms: config.Limits) -> Any:
    """The value of a JSON body, objects as dicts in the order of their keys.

    Raises ApiError: too_large, too_deep or bad_json.
    """
    if len(body) > terms.body_bytes:
        raise ApiError("too_large")
    if is_too_deep(body, terms.json_depth):
        raise ApiError("too_deep")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError("bad_json") from error


def is_too_deep(body: bytes, most: int) -> bool:
    """Whether the brackets of a JSON text nest deeper than `most`, or are too many.

    They are taken away pair by pair, all of one depth in one pass, which is ten times quicker than a walk. Brackets in
    strings may keep others from meeting: then the strings are taken away first.
    """
    found = body.translate(None, REST)
    if _is_gone(found, most):
        return False
    return b'"' not in body or not _is_gone(_without_strings(body), most)


def _is_gone(brackets: bytes, passes: int) -> bool:
    if len(brackets) > BRACKETS_MOST:
        return False
    for _ in range(passes):
        before = len(brackets)
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if len(brackets) == before:
            break
    return not brackets


def _without_strings(body: bytes) -> bytes:
    """The brackets outside of strings."""
    kept = body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2]
    return b"".join(kept).translate(None, REST)


class BodyLimit:
    """ASGI middleware: a request body beyond the limit is answered 413 and is not kept."""

    def __init__(self, app: App, terms: config.Limits) -> None:
        self.app = app
        self.most = terms.body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not length.isdigit() or int(length) > self.most:
            await _refuse(send)
            return
        await self.app(scope, _counted(receive, self.most), send)


def _counted(receive: Receive, most: int) -> Receive:
    """`receive` that raises ApiError when the pieces of a body together pass the limit."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > most:
                raise ApiError("too_large")
        return message

    return counted


async def _refuse(send: Send) -> None:
    error = ApiError("too_large")
    headers = [(b"content-type", JSON.encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": int(error.status), "headers": headers})
    await send({"type": "http.response.body", "body": error.body})
