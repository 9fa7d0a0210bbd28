"""Requests made from the OpenAPI documents of both ports, good and bad: no fault, and only described answers."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from seawall.venue import config
from seawall.venue.bridge import Bridge
from seawall.venue.faucet import Faucet
from seawall.venue.names import address_text
from seawall.venue.ops.operations import Operations
from seawall.venue.ops.tokens import VARIABLE
from seawall.venue.rest import lab as laboratory
from seawall.venue.rest.audit_routes import SHAPES as AUDIT_SHAPES
from seawall.venue.rest.audit_routes import audit_router
from seawall.venue.rest.collateral import SHAPES as COLLATERAL_SHAPES
from seawall.venue.rest.collateral import collateral_router
from seawall.venue.rest.lab_routes import SHAPES as LAB_SHAPES
from seawall.venue.rest.lab_routes import lab_router
from seawall.venue.rest.lab_shapes import RunRequest
from seawall.venue.risk.desk import SHAPES, RiskDesk
from venue_floor import FakeClock
from venue_rig import Rig, key

schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis")
requests = pytest.importorskip("requests", reason="comes with schemathesis")

TOKEN = "a-token-of-the-admin"
EXAMPLES = int(os.environ.get("SEAWALL_API_EXAMPLES", "25"))
OWNER = key(5)
REPLAY = """
import pathlib, sys
folder = pathlib.Path(sys.argv[1])
folder.mkdir()
(folder / "replay.json").write_text('{"schema": "seawall.replay/2"}')
"""


class Api:
    """Both ports on a venue with a market, positions and orders, in one loop that runs while a request does."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.rig = Rig(folder, limits=config.Limits(enabled=False))
        self.do(self._begin())

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def _begin(self) -> None:
        await self.rig.start()
        self.ops = Operations(self.rig.service, {VARIABLE: TOKEN})
        app = FastAPI(title="Seawall", version="1")
        risk = RiskDesk(self.rig.service, self.ops)
        risk.office.mode = "live"
        self.lab = laboratory.Lab(self.rig.service, config.Lab())
        clock = FakeClock(self.rig.now)
        faucet = Faucet(self.rig.service, Bridge(self.rig.service, clock), clock)
        more = (audit_router(self.ops.rest), lab_router(self.ops.rest, self.lab))
        more = (*more, collateral_router(self.ops.rest, faucet))
        shapes = (*SHAPES, *AUDIT_SHAPES, *LAB_SHAPES, *COLLATERAL_SHAPES)
        self.ops.mount(app, *risk.routers(self.ops.rest), *more, shapes=shapes)
        self.apps = {"/v1": app, "/admin": self.ops.admin_app}
        await self.rig.list_market()
        for wallet, usd in ((key(4), 1_000_000), (OWNER, 5_000)):
            await self.rig.fund(wallet, usd)
        await self.rig.order(key(4), False, "50000", "1.5")
        await self.rig.order(OWNER, True, "50000", "0.5")
        await self.rig.order(OWNER, True, "49000", "0.5")

    def documents(self) -> list[tuple[str, dict[str, Any]]]:
        return [(name, app.openapi()) for name, app in self.apps.items()]

    def ask(self, prepared: Any) -> httpx.Response:
        """Sends a request as it was prepared."""
        name = "/admin" if "/admin" in prepared.url else "/v1"
        transport = httpx.ASGITransport(self.apps[name], raise_app_exceptions=False)

        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport) as client:
                return await client.request(
                    prepared.method, prepared.url, headers=prepared.headers, content=prepared.body or b""
                )

        found: httpx.Response = self.do(send())
        return found

    async def replayed(self) -> None:
        """A first run of the laboratory, done."""
        self.lab.start(RunRequest())
        while self.lab.run(1).state == "running":
            await asyncio.sleep(0.05)
        assert self.lab.run(1).state == "done"

    def end(self) -> None:
        self.do(self.lab.stop())
        self.do(self.ops.stop())
        self.do(self.rig.service.stop())
        self.loop.close()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with pytest.MonkeyPatch.context() as patch:  # a replay takes minutes: here it writes its file
        patch.setattr(laboratory, "command_of", lambda _, folder: [sys.executable, "-c", REPLAY, str(folder)])
        made = Api(tmp_path_factory.mktemp("venue"))
        made.do(made.replayed())
        yield made
        made.end()


def operations() -> list[tuple[str, str, str]]:
    """(port, path, method) of every route; the documents are the same for every venue."""
    paths = [("/v1", path, "GET") for path in V1_READS] + [("/v1", path, "POST") for path in V1_WRITES]
    paths.append(("/v1", "/v1/lab/runs/{number}", "DELETE"))
    return paths + [("/admin", path, "POST") for path in ADMIN_WRITES] + [("/admin", "/admin/acts", "GET")]


ACCOUNT = "/v1/accounts/{address}"
V1_READS = (
    *(f"/v1/{name}" for name in ("status", "markets", "parameters", "changes", "funds", "feeds", "proofs", "events")),
    "/v1/markets/{coin}",
    "/v1/markets/{coin}/parameters",
    ACCOUNT,
    "/v1/markets/{coin}/queue",
    *(f"{ACCOUNT}/{name}" for name in ("positions", "surface", "liquidations", "ledger", "ranks", "foresight")),
    "/v1/checks",
    "/v1/assets",
    f"{ACCOUNT}/collateral",
    f"{ACCOUNT}/ranges/{{asset}}/{{token}}",
    f"{ACCOUNT}/inclusion",
    "/v1/lab",
    "/v1/lab/runs/{number}",
    "/v1/lab/runs/{number}/replay",
    "/v1/risk",
    "/v1/risk/proposals",
    "/v1/risk/collateral",
    "/v1/risk/history/{coin}",
    "/v1/risk/exposure/{coin}",
    "/v1/risk/insurance",
)
V1_WRITES = (
    "/v1/faucet/asset",
    "/v1/faucet/range",
    f"{ACCOUNT}/what-if",
    f"{ACCOUNT}/what-if/foresight",
    "/v1/alerts",
    "/v1/risk/proposals",
    "/v1/lab/runs",
)
KNOWN = {"address": address_text(OWNER.address), "coin": "BTC", "number": 1}
ADMIN_WRITES = tuple(
    f"/admin/{name}" for name in ("status", "halt", "resume", "guard", "parameter", "market", "feed", "snapshot")
)


def test_the_routes_below_are_all_there_are(api: Api) -> None:
    found = {
        (name, path, method.upper())
        for name, document in api.documents()
        for path, operations_of in document["paths"].items()
        for method in operations_of
    }
    assert found == set(operations())


@pytest.mark.parametrize(("port", "path", "method"), operations())
def test_no_request_is_a_fault(api: Api, port: str, path: str, method: str) -> None:
    schema = schemathesis.openapi.from_dict(api.apps[port].openapi())
    operation = schema[path][method]
    modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    checks = [
        schemathesis.checks.not_a_server_error,
        schemathesis.checks.CHECKS.get_one("status_code_conformance"),
        schemathesis.checks.CHECKS.get_one("content_type_conformance"),
        schemathesis.checks.CHECKS.get_one("response_schema_conformance"),
    ]
    drawn = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes[: 1 + _has_input(operation)]))

    @settings(
        max_examples=EXAMPLES,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(case=drawn, is_known=st.booleans(), has_token=st.booleans())
    def ask(case: Any, is_known: bool, has_token: bool) -> None:
        if is_known:  # half of the requests are about what is there
            for name, value in KNOWN.items():
                if name in (case.path_parameters or {}):
                    case.path_parameters[name] = value
        prepared = requests.Request(**case.as_transport_kwargs(base_url="http://venue")).prepare()
        if has_token:
            prepared.headers["authorization"] = f"Bearer {TOKEN}"
        answer = api.ask(prepared)
        assert answer.status_code < 500, answer.text
        case.validate_response(answer, checks=checks)

    ask()


def _has_input(operation: Any) -> bool:
    return bool(operation.body or operation.query or operation.path_parameters)
