"""The server's side of one socket: uvicorn's, which sends ready-made frames too and does not wait for the dead.

uvicorn waits for a peer to take what was sent before it lets a connection go, and answers pings of a peer that takes
nothing. Both hold memory and descriptors for as long as the peer likes, so a socket here is aborted after a while, and
a ping goes unanswered while the peer's buffer is full (RFC 6455 5.5.3: the most recent one is to be answered).
"""

import asyncio
from collections.abc import MutableMapping
from typing import Any, Final

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from seawall.venue.config import Sockets

FRAMES: Final = "seawall.frames"  # a message: `data`, frames or nothing, once the peer takes more
SOCKET: Final = "socket"  # in the scope's extension FRAMES: the Socket
CUT: Final = "seawall.cut"  # a message: `code`, `reason`, and the `seconds` until the socket is aborted
INVALID_TEXT: Final = 1007
KEEPALIVE_SECONDS: Final = 20.0


def uvicorn_terms(terms: Sockets) -> dict[str, Any]:
    """Arguments of uvicorn.Config that the endpoint needs.

    Compression is off: it would have to be done again for every reader.
    """
    return {
        "ws": Socket,
        "ws_max_size": terms.message_bytes,
        "ws_ping_interval": KEEPALIVE_SECONDS,
        "ws_ping_timeout": KEEPALIVE_SECONDS,
        "ws_per_message_deflate": False,
    }


class Socket(WebSocketsSansIOProtocol):
    """One connection."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:  # the application's task starts after this
            self.scope["extensions"][FRAMES] = {SOCKET: self}

    @property
    def takes_more(self) -> bool:
        """Whether the peer has room for more."""
        return self.writable.is_set() and not self.disconnected and not self.close_sent

    def write(self, frames: bytes) -> None:
        """Sends whole frames at once: for senders who look at `takes_more` before."""
        self.transport.write(frames)

    async def send(self, message: MutableMapping[str, Any]) -> None:  # type: ignore[override]
        """ASGI's messages, and FRAMES and CUT."""
        if message["type"] == FRAMES:
            await self.writable.wait()
            if not self.takes_more:
                raise ClientDisconnected
            if message["data"]:
                self.transport.write(message["data"])
        elif message["type"] == CUT:
            self._cut(message["code"], message["reason"], message["seconds"])
        else:
            await super().send(message)  # type: ignore[arg-type]
            if message["type"] == "websocket.http.response.body":
                self.handshake_complete = True  # a refusal is an answer: uvicorn would log an error

    def handle_ping(self) -> None:
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._abort_in(self.close_timeout)

    def shutdown(self) -> None:
        super().shutdown()
        self._abort_in(self.close_timeout)

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_text(b"".join(self.frames)):
            self.frames = []
            self.conn.send_close(INVALID_TEXT, "text is UTF-8")
            self.handle_parser_exception()
        else:
            super().send_receive_event_to_app()

    def _cut(self, code: int, reason: str, seconds: float) -> None:
        if self.close_sent or self.disconnected:
            return
        self.stop_keepalive()
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:  # the peer's own closing frame is to be read
            self.read_paused = False
            self.transport.resume_reading()
        self._abort_in(seconds)

    def _abort_in(self, seconds: float) -> None:
        if self.close_timer is None and not self.disconnected:
            self.close_timer = asyncio.get_running_loop().call_later(seconds, self.transport.abort)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
