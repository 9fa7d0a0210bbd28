"""Logs of a run hold no signature, no key and no action, whatever goes wrong; lines are JSON with their fields."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from seawall.venue import config
from seawall.venue.exchange.answer import answer
from seawall.venue.ops.logs import BLOT, blotted, start_logs
from seawall.venue.ops.operations import Operations
from seawall.venue.ops.tokens import VARIABLE
from seawall.venue.ops.watch import Watch, route_of
from seawall.venue.wire import Wire
from venue_rig import Rig, key, order_action, run, wire

MAKER = key(0x5EC2E7)
TOKEN = "token-of-an-operator"
CLOID = "0x" + "c1" * 16


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged meanwhile."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    made = io.StringIO()
    start_logs(config.Logs(level="debug", requests=True), made)
    yield made
    root.handlers[:], root.level = kept, level


def test_a_run_tells_no_secrets(tmp_path: Path, stream: io.StringIO) -> None:
    sent: list[dict[str, Any]] = []

    async def scenario(rig: Rig) -> None:
        ops = Operations(rig.service, {VARIABLE: TOKEN})
        app = FastAPI()
        ops.mount(app)

        async def exchange(body: Any) -> Any:
            if body.get("fails"):
                raise RuntimeError(f"cannot do {body}")
            return await answer(rig.service, body)

        async def info(body: Any) -> Any:
            raise ValueError(body)

        ops.alerts.start()
        served = Watch(Wire(info, exchange, app, ops.gate), ops.metrics, logs_requests=True)
        transport = httpx.ASGITransport(served, client=("198.51.100.4", 1), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://venue") as client:
            await rig.list_market()
            await rig.fund(MAKER, 100_000)
            order = order_action(wire(True, "49123.5", "0.321", cloid=CLOID))
            for changed in ({}, {"nonce": 1}, {"fails": True}, {"signature": {"r": "0x", "s": 5}}, {"action": 5}):
                body = {**rig.request(MAKER, order), **changed}
                sent.append(body)
                await client.post("/exchange", content=msgspec.json.encode(body))
            await client.post("/exchange", content=msgspec.json.encode(sent[0])[:-9])
            await client.post("/info", json={"type": "x", "user": "y"})
            await client.get("/v1/status")
            await client.get("/v1/nothing")
            header = {"Authorization": f"Bearer {TOKEN}"}
            admin = httpx.AsyncClient(transport=httpx.ASGITransport(ops.admin_app), base_url="http://venue")
            await admin.post("/admin/halt", json={"reason": "x"}, headers=header)
        logging.getLogger("any").warning("a slip: %s", sent[0])
        logging.getLogger("any").error("another", extra={"request": msgspec.json.encode(sent[0]).decode()})
        await ops.stop()

    run(tmp_path, scenario)
    text = stream.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"request", "/exchange failed"} <= {line["message"] for line in lines}
    first = next(line for line in lines if line["message"] == "request")
    assert (first["route"], first["status"], first["host"]) == ("/exchange", 200, "198.51.100.4")
    assert any("RuntimeError" in line.get("exception", "") for line in lines)
    secrets = [f"{0x5EC2E7:064x}", TOKEN, CLOID, "49123.5", "0.321"]
    secrets += [body["signature"][part][2:] for body in sent[:3] for part in "rs"]
    for secret in secrets:
        assert secret not in text, secret


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"key 0x{'ab' * 32}", f"key {BLOT}"),
        ("a hash " + "ab" * 32, "a hash " + "ab" * 32),
        ("an address 0x" + "ab" * 20, "an address 0x" + "ab" * 20),
        ("json://user:pass@host/path?x=1 failed", f"json://{BLOT} failed"),
        ("Authorization: Bearer abc-def", f"Authorization: Bearer {BLOT}"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_looks_like_a_secret_is_blotted_out(text: str, expected: str) -> None:
    assert blotted(text) == expected


def test_lines_for_people_have_the_same_fields(stream: io.StringIO) -> None:
    made = io.StringIO()
    start_logs(config.Logs(format="text", level="warning"), made)
    log = logging.getLogger("seawall.any")
    log.info("not told")
    log.warning("told", extra={"alert": 5})
    (line,) = made.getvalue().splitlines()
    assert line.endswith("WARNING seawall.any told alert=5")
    assert stream.getvalue() == ""


def test_routes_have_few_names() -> None:
    paths = {
        "/info": "/info",
        "/v1/status": "/v1/status",
        "/v1/markets/BTC": "/v1/markets",
        "/v1/markets/BTC/parameters": "/v1/markets/parameters",
        "/v1/accounts/0x12/what-if": "/v1/accounts/what-if",
        "/admin/halt": "/admin/halt",
        "/v1/../x/y": "other",
        "/v1/%00": "other",
        "/favicon.ico": "other",
        "": "other",
    }
    assert {path: route_of(path) for path in paths} == paths
