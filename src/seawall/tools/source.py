"""Where an account comes from: a file, standard input or a URL that speaks `POST /info`.

Everything here ends in plain JSON values or in a BadInput that names the file and the field. Literals of numbers are
kept as text, so no digit is lost to a binary float.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from seawall.nesting import is_deep
from seawall.units import BadInput

if TYPE_CHECKING:
    from http.client import HTTPResponse

BYTES_MAX = 32 * 1024 * 1024
DEPTH_MAX = 64
SECONDS_MAX = 10.0
CHUNK = 64 * 1024
STDIN = "-"


def read_json(path: str) -> Any:
    """The JSON document in a file, or on standard input for "-". Numbers with a point or exponent stay text."""
    return parse_json(_read_bytes(path), file_label(path))


def file_label(path: str) -> str:
    """How messages name a source."""
    return "standard input" if path == STDIN else path


def _read_bytes(path: str) -> bytes:
    label = file_label(path)
    if path == STDIN and sys.stdin is None:
        raise BadInput("file", "standard input is closed", label)
    try:
        if path == STDIN:
            data = sys.stdin.buffer.read(BYTES_MAX + 1)
        else:
            with Path(path).open("rb") as stream:
                data = stream.read(BYTES_MAX + 1)
    except OSError as error:
        raise BadInput("file", f"cannot be read: {error.strerror or error}", label) from error
    except ValueError as error:  # a NUL byte in the path
        raise BadInput("file", f"not a usable path: {error}", repr(path)) from error
    if len(data) > BYTES_MAX:
        raise BadInput("file", f"larger than {BYTES_MAX} bytes", label)
    return data


def parse_json(data: bytes, label: str) -> Any:
    """Parsed JSON. Raises BadInput for malformed text, NaN and infinities, and a key given twice."""

    def refuse_constant(word: str) -> NoReturn:
        raise BadInput("json", f"{word} is not a number", label)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        built = dict(pairs)
        if len(built) != len(pairs):
            counted = Counter(name for name, _ in pairs)
            twice = next(name for name, count in counted.items() if count > 1)
            raise BadInput(twice, "given twice in one object", label)
        return built

    if is_deep(data, DEPTH_MAX):
        raise BadInput("json", f"nested more than {DEPTH_MAX} deep", label)
    try:
        return json.loads(data, parse_float=str, parse_constant=refuse_constant, object_pairs_hook=unique)
    except BadInput:
        raise
    except ValueError as error:
        raise BadInput("json", f"not valid JSON: {error}", label) from error


def post_info(url: str, request: dict[str, str], seconds: float = SECONDS_MAX) -> Any:
    """The answer of `POST {url}/info` to `request`. At most 32 MiB, `seconds` to begin and `seconds` to end."""
    import http.client
    import urllib.error
    import urllib.request

    address = url.rstrip("/")
    address = address if address.endswith("/info") else f"{address}/info"
    if not address.startswith(("http://", "https://")):
        raise BadInput("url", f"expected http:// or https://, got {url!r}")
    try:
        call = urllib.request.Request(
            address, data=json.dumps(request).encode(), headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(call, timeout=seconds) as answer:
            data = _read_within(answer, seconds)
    except urllib.error.HTTPError as error:
        with error:
            raise BadInput("url", f"{request['type']} was answered with HTTP {error.code}", address) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise BadInput("url", f"no answer to {request['type']}: {reason}", address) from error
    except http.client.HTTPException as error:
        raise BadInput("url", f"not an HTTP answer: {error!r}", address) from error
    if len(data) > BYTES_MAX:
        raise BadInput("url", f"answer larger than {BYTES_MAX} bytes", address)
    return parse_json(data, address)


def _read_within(answer: "HTTPResponse", seconds: float) -> bytes:
    """The body, at most one byte over the bound. TimeoutError when it trickles in for longer than `seconds`."""
    end, parts, held = time.monotonic() + seconds, [], 0
    while held <= BYTES_MAX and (part := answer.read1(min(CHUNK, BYTES_MAX + 1 - held))):
        parts.append(part)
        held += len(part)
        if time.monotonic() > end:
            raise TimeoutError(f"not complete after {seconds:g} s")
    return b"".join(parts)
