"""What clients see on one port: the hot routes, websockets, `/v1` and pages, put together over an open service.

Reading order of a request: ops/watch.py counts it, wire.py answers POST /info and /exchange, ws/endpoint.py GET /ws,
dashboard.py the built pages, FastAPI the rest.
"""

import contextlib
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI

from seawall.units import BadInput
from seawall.venue.clock import Clock
from seawall.venue.dashboard import Dashboard
from seawall.venue.exchange.answer import answer as act
from seawall.venue.floor import Floor
from seawall.venue.info.answer import answer as inform
from seawall.venue.names import address_of
from seawall.venue.onchain.link import link_of
from seawall.venue.onchain.routes import SHAPES as CHAIN_SHAPES
from seawall.venue.onchain.routes import chain_router
from seawall.venue.ops.operations import Operations
from seawall.venue.ops.watch import Watch
from seawall.venue.rest.audit_routes import SHAPES as AUDIT_SHAPES
from seawall.venue.rest.audit_routes import audit_router
from seawall.venue.rest.collateral import SHAPES as COLLATERAL_SHAPES
from seawall.venue.rest.collateral import collateral_router
from seawall.venue.rest.faucet import SHAPES as FAUCET_SHAPES
from seawall.venue.rest.faucet import faucet_router
from seawall.venue.rest.lab import Lab
from seawall.venue.rest.lab_routes import SHAPES as LAB_SHAPES
from seawall.venue.rest.lab_routes import lab_router
from seawall.venue.risk.desk import SHAPES as RISK_SHAPES
from seawall.venue.risk.desk import RiskDesk
from seawall.venue.service import Service
from seawall.venue.wire import App, Receive, Scope, Send, Wire
from seawall.venue.ws.endpoint import Endpoint
from seawall.venue.ws.hub import Hub

SOCKET: Final = "/ws"


class Application:
    """The parts of a venue around its service. `asgi` is for clients, `operations.admin_app` for operators."""

    def __init__(self, service: Service, clock: Clock, environment: Mapping[str, str]) -> None:
        """`service` is open. BadInput for a configuration that is not whole."""
        self.service = service
        self.floor = Floor(service, clock)
        self.link = link_of(service, self.floor.bridge, clock)
        self.operations = Operations(service, environment, self.floor.feeds)
        gate = self.operations.gate
        self.risk = RiskDesk(service, self.operations)
        self.hub = Hub(service, self.inform, self.exchange, gate)
        self.operations.watch_sockets(self.hub)
        self.lab = Lab(service, service.config.lab)
        pages = Dashboard(self._pages())
        wire = Wire(self._asked, self.exchange, pages, gate)
        routed = _Sockets(wire, Endpoint(self.hub))
        self.asgi: App = Watch(routed, self.operations.metrics, logs_requests=service.config.logs.requests)

    async def start(self) -> list[str]:
        """Starts everything, in the running loop; the markets that were listed just now."""
        self.service.start()
        self.hub.start()
        await self.operations.start()
        self.risk.start()
        listed = await self.floor.start()
        if self.link is not None:
            await self.link.start()
        return listed

    def closing(self) -> None:
        """A stop has begun."""
        self.operations.closing()

    async def stop(self) -> None:
        """Ends everything in order; what was submitted is durable then."""
        await self.lab.stop()
        if self.link is not None:
            await self.link.stop()
        await self.floor.stop()
        await self.risk.stop()
        await self.hub.stop()
        await self.operations.stop()
        await self.service.stop()

    async def inform(self, service: Service, request: Any) -> Any:
        """Answers a question, after it has welcomed the address in it."""
        if isinstance(request, dict) and isinstance(request.get("user"), str):
            with contextlib.suppress(BadInput):  # no address: the question itself is told so
                await self.floor.faucet.welcome(address_of(request["user"], "user"))
        return await inform(service, request)

    async def exchange(self, body: Any, _: str = "") -> Any:
        """Answers an action. The gate knows the address it came from."""
        return await act(self.service, body, self.operations.gate.act, self.floor.faucet.welcome)

    async def _asked(self, request: Any) -> Any:
        return await self.inform(self.service, request)

    def _pages(self) -> FastAPI:
        app = FastAPI(title="Seawall", version=version("seawall"), docs_url="/docs", redoc_url=None)
        faucet = faucet_router(self.operations.rest, self.floor.faucet)
        collateral = collateral_router(self.operations.rest, self.floor.faucet)
        audit, lab = audit_router(self.operations.rest), lab_router(self.operations.rest, self.lab)
        chain = [] if self.link is None else [chain_router(self.operations.rest, self.link)]
        risk = self.risk.routers(self.operations.rest)
        shapes = (*FAUCET_SHAPES, *COLLATERAL_SHAPES, *AUDIT_SHAPES, *LAB_SHAPES, *CHAIN_SHAPES, *RISK_SHAPES)
        self.operations.mount(app, faucet, collateral, audit, lab, *chain, *risk, shapes=shapes)
        return app


class _Sockets:
    """ASGI: websockets at /ws to their endpoint, everything else on."""

    def __init__(self, behind: App, endpoint: Endpoint) -> None:
        self.behind = behind
        self.endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and scope["path"] == SOCKET:
            await self.endpoint(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self.behind(scope, receive, send)
