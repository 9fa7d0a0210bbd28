"""/metrics, /healthz, /readyz and Grafana's dashboard: what scrapers and supervisors ask, without a token."""

from http import HTTPStatus
from importlib import resources
from typing import Annotated, Final

from fastapi import APIRouter, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from seawall.venue.ops.metrics import Metrics
from seawall.venue.rest.errors import JSON
from seawall.venue.rest.routes import respond
from seawall.venue.rest.shape import Shape, says
from seawall.venue.service import Service

LAG_MOST: Final = 100_000  # records that history may be behind
DASHBOARD: Final = "grafana.json"


class ProbeView(Shape, frozen=True, kw_only=True):
    """Whether the venue is well, and what is not."""

    is_well: Annotated[bool, says("Whether the answer is 200.", True)]
    problems: Annotated[tuple[str, ...], says("What is not, each in a sentence.", [])]


class Probes:
    """What is asked of a venue."""

    def __init__(self, service: Service, metrics: Metrics) -> None:
        self.service = service
        self.metrics = metrics
        self.is_open = True  # False once a stop has begun

    def alive(self) -> list[str]:
        """What only a new start would mend."""
        failed = self.service.desk.failed
        return [] if failed is None else [f"the journal takes no more: {type(failed).__name__}"]

    def ready(self) -> list[str]:
        """What keeps the venue from serving as it should."""
        problems = self.alive()
        if not self.is_open or self.service.desk.is_stopping:
            problems.append("the venue is stopping")
        history = self.service.history
        if history.fault is not None:
            problems.append("history has stopped")
        elif history.waiting > LAG_MOST:
            problems.append(f"history is {history.waiting} records behind")
        if not self.metrics.is_conserved():
            problems.append("money does not add up to the vault")
        return problems


def probe_router(probes: Probes) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["probes"])

    @router.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(probes.metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    @router.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return _answer(probes.alive())

    @router.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        return _answer(probes.ready())

    @router.get("/grafana.json", include_in_schema=False)
    async def grafana() -> Response:
        return Response(dashboard(), media_type=JSON)

    return router


def dashboard() -> bytes:
    """The dashboard that is shipped, to be imported into Grafana."""
    return (resources.files(__package__) / DASHBOARD).read_bytes()


def _answer(problems: list[str]) -> Response:
    response = respond(ProbeView(is_well=not problems, problems=tuple(problems)))
    response.status_code = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
    return response
