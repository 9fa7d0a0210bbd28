"""Readers of bench_ws: many sockets in one process of its own core, that count what they are sent.

    python ws_worker.py PORT SOCKETS STREAM...

Subscribes every socket to the l2Book of each coin STREAM, says "ready", then reads lines "MESSAGES BYTES": so many
messages will come to each socket, of so many bytes in all. Says the seconds from then until all have come, and the last
message, as JSON.
"""

import json
import selectors
import socket
import struct
import sys
import time
from typing import Any

KEY = "AAAAAAAAAAAAAAAAAAAAAA=="
RECEIVE = 1 << 20
WAIT_S = 60.0
TAIL = 2_500  # bytes, more than a message


def opened(port: int) -> socket.socket:
    found = socket.create_connection(("127.0.0.1", port), WAIT_S)
    found.sendall(
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += found.recv(1)
    assert b" 101 " in head, head
    return found


def send(to: socket.socket, message: Any) -> None:
    data = json.dumps(message).encode()
    assert len(data) < 126
    to.sendall(bytes((0x81, 0x80 | len(data))) + bytes(4) + data)  # masked by zeros


def exactly(of: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = of.recv(count - len(found))
        assert part
        found += part
    return found


def one(of: socket.socket) -> bytes:
    """The next message."""
    length = exactly(of, 2)[1]
    if length == 126:
        (length,) = struct.unpack("!H", exactly(of, 2))
    elif length == 127:
        (length,) = struct.unpack("!Q", exactly(of, 8))
    return exactly(of, length)


def count(sockets: list[socket.socket], wanted: int) -> tuple[float, bytes]:
    """Seconds until every socket has been sent so many bytes, and the end of what the last one was sent."""
    chooser = selectors.DefaultSelector()
    for found in sockets:
        found.setblocking(False)
        chooser.register(found, selectors.EVENT_READ, [0, b""])
    start, left, end = time.perf_counter(), len(sockets), b""
    while left:
        for key, _ in chooser.select(WAIT_S):
            data = key.fileobj.recv(RECEIVE)  # type: ignore[union-attr]
            assert data
            key.data[0] += len(data)
            key.data[1] = (key.data[1] + data)[-TAIL:] if len(data) < TAIL else data[-TAIL:]
            if key.data[0] >= wanted:
                assert key.data[0] == wanted, (key.data[0], wanted)
                left, end = left - 1, key.data[1]
    seconds = time.perf_counter() - start
    for found in sockets:
        chooser.unregister(found)
        found.setblocking(True)
    return seconds, end


def main(port: int, many: int, streams: list[str]) -> None:
    sockets = [opened(port) for _ in range(many)]
    for found in sockets:
        for coin in streams:
            send(found, {"method": "subscribe", "subscription": {"type": "l2Book", "coin": coin}})
            assert b"subscriptionResponse" in one(found)
            one(found)
    print("ready", flush=True)
    for line in sys.stdin:
        seconds, end = count(sockets, int(line))
        print(json.dumps({"seconds": seconds, "end": end.decode("utf-8", "replace")}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
