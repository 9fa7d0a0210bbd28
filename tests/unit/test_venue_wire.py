"""The hot routes on bytes of every kind: JSON or text comes back, the right status, and never a trace of a bug."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.units import BadInput
from seawall.venue.desk import BusyError, StoppedError
from seawall.venue.exchange.answer import answer
from seawall.venue.exchange.words import MalformedError
from seawall.venue.history.pen import HistoryFault
from seawall.venue.wire import BODY_MAX, DEPTH_MAX, LimitedError, Wire, is_deep
from venue_rig import Rig, key, order_action, run, wire


async def echo(request: Any) -> Any:
    return request


async def behind(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"behind"})


Told = tuple[int, bytes, dict[str, str]]


async def ask(app: Wire, body: bytes, path: str = "/info", method: str = "POST", pieces: int = 1) -> Told:
    """(status, body, headers) of one request, its body in so many pieces."""
    size = -(-len(body) // pieces) if body else 1
    parts = [body[i : i + size] for i in range(0, len(body), size)] or [b""]
    messages = [
        {"type": "http.request", "body": part, "more_body": place < len(parts) - 1} for place, part in enumerate(parts)
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "path": path, "method": method, "client": ("10.0.0.1", 5)}, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]), headers


def one(body: bytes, handler: Any = echo, **more: Any) -> Told:
    return asyncio.run(ask(Wire(handler, handler, behind), body, **more))


def test_json_comes_back_whole_however_it_arrives() -> None:
    body = json.dumps({"type": "meta", "list": list(range(500))}).encode()
    for pieces in (1, 2, 7):
        status, told, headers = one(body, pieces=pieces)
        assert (status, json.loads(told)) == (200, json.loads(body))
        assert headers["content-type"] == "application/json"
        assert headers["access-control-allow-origin"] == "*"
        assert int(headers["content-length"]) == len(told)


def test_other_routes_and_methods() -> None:
    assert one(b"{}", path="/elsewhere")[:2] == (404, b"behind")
    assert one(b"", method="GET")[0] == 405
    status, told, headers = one(b"", method="OPTIONS")
    assert (status, told) == (204, b"")
    assert "POST" in headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"\xff\xfe", 422),
        (b'{"a": NaN}', 422),
        (b"[" * 5_000, 422),
        (b'{"a":' * (DEPTH_MAX + 1) + b"1" + b"}" * (DEPTH_MAX + 1), 422),
        (b'"' + b"[" * 5_000 + b'"', 200),
        (b"[" * DEPTH_MAX + b"]" * DEPTH_MAX, 200),
        (b" " * (BODY_MAX + 1), 413),
    ],
)
def test_what_cannot_be_read(body: bytes, status: int) -> None:
    got, told, headers = one(body)
    assert got == status
    if status != 200:
        assert headers["content-type"].startswith("text/plain")
        assert b"Traceback" not in told
    assert one(body, pieces=3)[0] == status


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (MalformedError("no action"), 422, b"no action"),
        (BadInput("coin", "unknown"), 422, b"unknown"),
        (BusyError("9 commands wait"), 503, b"busy"),
        (StoppedError("stopping"), 503, b"stopped"),
        (HistoryFault("no disk"), 503, b"history"),
        (LimitedError("Too many requests"), 429, b"Too many requests"),
        (KeyError("secret"), 500, b"Internal Server Error"),
    ],
)
def test_each_failure_has_its_status_and_a_bug_tells_nothing(error: Exception, status: int, text: bytes) -> None:
    async def fails(_: Any) -> Any:
        raise error

    got, told, _ = one(b"{}", fails)
    assert got == status
    assert text in told
    assert b"secret" not in told


@given(st.recursive(st.text('[]{}\\"a', max_size=6), lambda inner: st.lists(inner, max_size=2), max_leaves=40))
def test_depth_is_counted_outside_strings(value: Any) -> None:
    def depth(one: Any) -> int:
        return 1 + max(map(depth, one), default=0) if isinstance(one, list) else 0

    nested: Any = value
    for _ in range(DEPTH_MAX - 3):
        nested = [nested]
    assert is_deep(json.dumps(nested).encode()) == (depth(nested) > DEPTH_MAX)


def test_exchange_survives_any_bytes_and_any_json(tmp_path: Path) -> None:
    """A live venue under malformed bytes: it answers all, changes nothing, and goes on."""
    import random

    dice = random.Random(7)

    async def scenario(rig: Rig) -> None:
        await rig.list_market()
        await rig.fund(key(1), 100_000)

        async def handler(request: Any) -> Any:
            return await answer(rig.service, request)

        app = Wire(echo, handler, behind)
        good = json.dumps(rig.request(key(1), order_action(wire(True, "49000", "0.1")))).encode()
        before = rig.service.desk.sequence
        for _ in range(1_500):
            body = bytearray(good)
            for _ in range(dice.choice((1, 1, 2, 9))):
                draw = dice.random()
                place = dice.randrange(len(body))
                if draw < 0.5:
                    body[place] = dice.randrange(256)
                elif draw < 0.7:
                    del body[place : place + dice.randrange(1, 40)]
                else:
                    body[place:place] = dice.choice((b"[", b"{", b'"', b"null", b"1e999", b"-1", b"\\u0000", b"9" * 40))
            status, told, _ = await ask(app, bytes(body), "/exchange")
            assert status in (200, 422), told
            if status == 200:
                assert json.loads(told)["status"] in ("ok", "err")
        live = [*rig.service.mirror.orders.by_oid.values()]
        assert [(order.price, order.size) for order in live] in ([], [(49_000_000, 100)])  # at most what was signed
        assert rig.service.desk.sequence - before < 50
        await ask(app, good, "/exchange")
        status, told, _ = await ask(app, good, "/exchange")
        assert (status, json.loads(told)["response"][:24]) == (200, "Invalid nonce: duplicate")
        assert len(rig.service.mirror.orders.by_oid) == 1

    run(tmp_path, scenario)
