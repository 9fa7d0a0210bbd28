"""A client that loads a venue over HTTP, from a process of its own: many connections, each with one request under way.

    venue_load.py FILE CONNECTIONS RATE PORT   requests from FILE; RATE 0: as fast as they are answered

Requests are made and signed before the clock starts. Prints JSON: seconds, answered, latencies in ms.
"""

import asyncio
import json
import struct
import sys
import time
from pathlib import Path
from typing import cast


def requests_of(path: Path) -> list[bytes]:
    data, found, at = path.read_bytes(), [], 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


class Line(asyncio.Protocol):
    """One connection. `ask` sends a request; the future gives the body of its answer."""

    def __init__(self) -> None:
        self.data = b""
        self.answer: asyncio.Future[bytes] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        self.data += data
        head = self.data.find(b"\r\n\r\n")
        if head < 0:
            return
        place = self.data.lower().find(b"content-length:", 0, head)
        size = int(self.data[place + 15 : self.data.find(b"\r\n", place)])
        if len(self.data) >= head + 4 + size and self.answer is not None:
            body, self.data = self.data[head + 4 : head + 4 + size], b""
            answer, self.answer = self.answer, None
            answer.set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(exc or ConnectionError("closed"))

    async def ask(self, request: bytes) -> bytes:
        assert self.transport is not None
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answer


async def load(requests: list[bytes], connections: int, rate: float, port: int) -> dict[str, object]:
    loop = asyncio.get_running_loop()
    lines = [(await loop.create_connection(Line, "127.0.0.1", port))[1] for _ in range(connections)]
    latencies: list[float] = []
    wrong: list[str] = []
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    start = time.perf_counter()

    async def work(line: Line) -> None:
        while True:
            due, request = await queue.get()
            if not request:
                return
            begin = due if rate else time.perf_counter()
            body = await line.ask(request)
            latencies.append(time.perf_counter() - begin)
            if b'"error"' in body or b'"status":"err"' in body:
                wrong.append(body[:200].decode())

    tasks = [asyncio.create_task(work(line)) for line in lines]
    for number, request in enumerate(requests):
        due = start + number / rate if rate else 0.0
        if rate and due > time.perf_counter():
            await asyncio.sleep(due - time.perf_counter())
        queue.put_nowait((due, request))
    for _ in lines:
        queue.put_nowait((0.0, b""))
    await asyncio.gather(*tasks)
    seconds = time.perf_counter() - start
    latencies.sort()
    at = [latencies[int(share * (len(latencies) - 1))] * 1e3 for share in (0.5, 0.99, 0.999)]
    return {"seconds": seconds, "answered": len(latencies), "ms": at, "wrong": len(wrong), "example": wrong[:1]}


def main() -> None:
    path, connections, rate, port = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    import uvloop

    print(json.dumps(uvloop.run(load(requests_of(path), connections, rate, port))))


main()
