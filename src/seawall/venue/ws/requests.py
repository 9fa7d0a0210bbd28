"""What clients send: subscribe, unsubscribe, ping, post. Anything else is told back in Hyperliquid's words."""

from typing import Annotated, Final, Literal

import msgspec

from seawall.venue.wire import is_deep
from seawall.venue.ws.frames import encode

ECHO_MAX: Final = 4_096  # characters of a request that are told back
ID_MAX: Final = 2**53
UNREADABLE: Final = "Error parsing JSON into valid websocket request: "


class Wanted(msgspec.Struct, frozen=True):
    """A subscription as a client writes it: the fields that any type reads."""

    type: str
    coin: str | None = None
    user: str | None = None
    interval: str | None = None
    dex: str | None = None
    nSigFigs: int | None = None
    mantissa: int | None = None
    fast: bool | None = None
    aggregateByTime: bool | None = None
    ignorePortfolioMargin: bool | None = None


class Subscribe(msgspec.Struct, frozen=True, tag_field="method", tag="subscribe"):
    subscription: Wanted


class Unsubscribe(msgspec.Struct, frozen=True, tag_field="method", tag="unsubscribe"):
    subscription: Wanted


class Ping(msgspec.Struct, frozen=True, tag_field="method", tag="ping"):
    pass


class Asked(msgspec.Struct, frozen=True):
    """A posted request: what `payload` is, and its JSON."""

    type: Literal["info", "action"]
    payload: msgspec.Raw


class Post(msgspec.Struct, frozen=True, tag_field="method", tag="post"):
    id: Annotated[int, msgspec.Meta(ge=0, le=ID_MAX)]
    request: Asked


Request = Subscribe | Unsubscribe | Ping | Post
_decoder: Final[msgspec.json.Decoder[Request]] = msgspec.json.Decoder(Request)


class UnreadableError(Exception):
    """No request: `str` is what the client is told."""


def read(text: str) -> Request:
    """The request in a message. UnreadableError for anything else."""
    if is_deep(text.encode()):
        raise UnreadableError(f"{UNREADABLE}nested too deeply")
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise unreadable(text) from error


def unreadable(text: str) -> UnreadableError:
    """The refusal of a message, which tells it back: clients find by it which of their requests it was.

    They parse what stands in braces, so that is told back only when it is one JSON object, on one line.
    """
    if len(text) > ECHO_MAX:
        return UnreadableError(f"{UNREADABLE}{len(text)} characters")
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        found = None
    if isinstance(found, dict):
        return UnreadableError(UNREADABLE + encode(found).decode())
    return UnreadableError(UNREADABLE + ("no request" if "{" in text and "}" in text else text))
