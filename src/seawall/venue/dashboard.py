"""The dashboard's built files at `/`, from memory, with headers that let it load nothing from anywhere else.

`dashboard/` holds the source and `make dashboard` builds it into `static/`, which ships in the package: whoever runs
a venue needs no node.
"""

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from seawall.venue.wire import App, Receive, Scope, Send, respond

STATIC: Final = Path(__file__).parent / "static"
PAGE: Final = "/index.html"
KINDS: Final[Mapping[str, bytes]] = {
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".txt": b"text/plain; charset=utf-8",
}
# Scripts come from here alone. Lightweight Charts and uPlot set styles on their elements, wallets give icons as data.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SAFE: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cache-control", b"no-cache"),  # asked for again each time, and answered with 304 by the entity tag
    (b"vary", b"accept-encoding"),
)
GZIP: Final = (b"content-encoding", b"gzip")


class Built(NamedTuple):
    """A file as it is sent."""

    kind: bytes
    tag: bytes
    plain: bytes
    packed: bytes


def built_files(folder: Path) -> dict[str, Built]:
    """Every file below `folder` by the path that it is served at; the page at `/` too."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in KINDS:
            plain = path.read_bytes()
            tag = f'"{hashlib.sha256(plain).hexdigest()[:32]}"'.encode()
            name = f"/{path.relative_to(folder).as_posix()}"
            found[name] = Built(KINDS[path.suffix], tag, plain, gzip.compress(plain, 6, mtime=0))
    if PAGE in found:
        found["/"] = found[PAGE]
    return found


class Dashboard:
    """ASGI: GET and HEAD of the built files; everything else goes on."""

    def __init__(self, behind: App, folder: Path = STATIC) -> None:
        self.behind = behind
        self.files = built_files(folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        file = self.files.get(scope["path"]) if scope["type"] == "http" else None
        if file is None or scope["method"] not in ("GET", "HEAD"):
            await self.behind(scope, receive, send)
            return
        asked = dict(scope["headers"])
        if asked.get(b"if-none-match") == file.tag:
            await respond(send, 304, ((b"etag", file.tag), *SAFE), b"")
        elif b"gzip" in asked.get(b"accept-encoding", b""):
            await _sent(scope, send, file, file.packed, GZIP)
        else:
            await _sent(scope, send, file, file.plain)


async def _sent(scope: Scope, send: Send, file: Built, body: bytes, *more: tuple[bytes, bytes]) -> None:
    """The file, or for HEAD what would be said of it."""
    length = (b"content-length", str(len(body)).encode())
    head = [(b"content-type", file.kind), (b"etag", file.tag), length, *more, *SAFE]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
