"""Routes of the laboratory."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from seawall.venue.ops.weights import HEAVY, LIGHT
from seawall.venue.rest.errors import ANYWHERE, JSON
from seawall.venue.rest.lab import Lab
from seawall.venue.rest.lab_shapes import LabView, ReplayFile, RunRequest, RunView
from seawall.venue.rest.openapi import answers, takes
from seawall.venue.rest.routes import Rest, body_of, respond

SHAPES: Final[tuple[type[Any], ...]] = (LabView, RunRequest, RunView, ReplayFile)
Number = Annotated[int, Path(description="Number of the run.", examples=[1], ge=1, le=2**31)]


def lab_router(rest: Rest, lab: Lab) -> APIRouter:
    """GET /v1/lab, POST /v1/lab/runs, GET and DELETE /v1/lab/runs/{id}, GET /v1/lab/runs/{id}/replay."""
    router = APIRouter(prefix="/v1/lab", tags=["lab"], dependencies=[rest.costs(LIGHT)])
    heavy = [rest.costs(HEAVY - LIGHT)]

    @router.get("", responses=answers(LabView), summary="What can be replayed, and what was")
    async def view() -> Response:
        return respond(lab.view())

    @router.post(
        "/runs",
        responses=answers(RunView, "off", "running", "bad_json", "too_deep", "too_large"),
        openapi_extra=takes(RunRequest),
        summary="Replay a generated crash under one or several rule sets",
        dependencies=heavy,
    )
    async def start(request: Request) -> Response:
        return respond(lab.start(await body_of(request, RunRequest)))

    @router.get("/runs/{number}", responses=answers(RunView, "unknown_name"), summary="How a replay is")
    async def run(number: Number) -> Response:
        return respond(lab.run(number))

    @router.delete("/runs/{number}", responses=answers(RunView, "unknown_name"), summary="End a replay")
    async def cancel(number: Number) -> Response:
        return respond(await lab.cancel(number))

    @router.get(
        "/runs/{number}/replay",
        responses=answers(ReplayFile, "unknown_name"),
        summary="The result: replay.json (docs/lab/replay.md)",
        dependencies=heavy,
    )
    async def result(number: Number) -> Response:
        return Response(lab.result(number), media_type=JSON, headers=ANYWHERE)

    return router
