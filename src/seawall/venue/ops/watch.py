"""ASGI middleware around everything that is served: counts requests and times them; logs each where asked to."""

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from seawall.venue.ops.metrics import Metrics

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

ROUTES: Final = ("/info", "/exchange", "/ws", "/metrics", "/healthz", "/readyz")
PARTS: Final = 3  # of a path of /v1 that name a route: what follows are coins and addresses
log = logging.getLogger("seawall.http")


class Watch:
    """Wraps an app."""

    def __init__(self, app: App, metrics: Metrics, *, logs_requests: bool = False) -> None:
        self.app = app
        self.metrics = metrics
        self.logs_requests = logs_requests

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            took = time.perf_counter() - start
            route = route_of(scope["path"])
            self.metrics.requests[scope["method"][:8], route, str(status)] += 1
            self.metrics.answer_seconds.observe(took)
            if self.logs_requests:
                client = scope.get("client")
                fields = {"method": scope["method"], "route": route, "status": status, "ms": round(1_000 * took, 3)}
                log.info("request", extra={**fields, "host": client[0] if client else ""})


def route_of(path: str) -> str:
    """A path without coins and addresses, so that there are few: a label of metrics."""
    if path in ROUTES:
        return path
    parts = path.split("/")
    if parts[1:2] not in (["v1"], ["admin"]):
        return "other"
    kept = parts[:PARTS] + [part for part in parts[4:5] if part]
    return "/".join(kept) if all(part.replace("-", "").isalpha() or part in ("", "v1") for part in kept) else "other"
