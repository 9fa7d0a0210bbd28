"""Messages as bytes on the wire. A message is encoded once, and everybody who gets it is sent the same bytes."""

from typing import Any, Final

import msgspec
from websockets.frames import Frame, Opcode

encode = msgspec.json.Encoder().encode


def frame(channel: str, data: Any) -> bytes:
    """A whole WebSocket text frame from the server: header and JSON."""
    return _framed(encode({"channel": channel, "data": data}))


def error(words: str) -> bytes:
    """What was asked is refused: clients look for the beginning of `words`."""
    return frame("error", words)


def told(method: str, subscription: dict[str, Any]) -> bytes:
    """A subscription began or ended; `subscription` has its defaults filled in."""
    return frame("subscriptionResponse", {"method": method, "subscription": subscription})


def text_of(whole: bytes) -> str:
    """The JSON in a frame, for servers that make their own frames."""
    length = whole[1]
    return whole[2 if length < 126 else 4 if length == 126 else 10 :].decode()


def _framed(payload: bytes) -> bytes:
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


PONG: Final = _framed(b'{"channel":"pong"}')
