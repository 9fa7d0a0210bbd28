"""The route of alerts, beside the others of `/v1`."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from seawall.venue.ops.alerts.office import Alerts
from seawall.venue.ops.alerts.shapes import AlertsRequest, AlertsView, Wanted
from seawall.venue.ops.weights import HEAVY
from seawall.venue.rest.openapi import answers, takes
from seawall.venue.rest.routes import Rest, body_of, respond

SHAPES: Final[tuple[type[Any], ...]] = (AlertsRequest, AlertsView, Wanted)


def alerts_router(rest: Rest, alerts: Alerts) -> APIRouter:
    """POST /v1/alerts."""
    router = APIRouter(prefix="/v1", tags=["alerts"], dependencies=[rest.costs(HEAVY)])
    refusals = ("bad_signature", "unknown_account", "unknown_coin", "unknown_name", "off", "bad_json", "too_large")

    @router.post(
        "/alerts",
        responses=answers(AlertsView, *refusals),
        openapi_extra=takes(AlertsRequest),
        summary="Set, remove, test or list an account's alerts, signed by its owner",
    )
    async def change(request: Request) -> Response:
        return respond(await alerts.answer(await body_of(request, AlertsRequest)))

    return router
