"""Routes of what anybody may check: promises and books, inclusion proofs."""

from typing import Any, Final

from fastapi import APIRouter, Response

from seawall.venue.ops.weights import HEAVY
from seawall.venue.rest.account import account_number
from seawall.venue.rest.audit import Audit
from seawall.venue.rest.audit_shapes import ChecksView, InclusionView
from seawall.venue.rest.openapi import answers
from seawall.venue.rest.routes import Account, Rest, respond

SHAPES: Final[tuple[type[Any], ...]] = (ChecksView, InclusionView)


def audit_router(rest: Rest) -> APIRouter:
    """GET /v1/checks, /v1/accounts/{address}/inclusion."""
    router = APIRouter(prefix="/v1", tags=["audit"], dependencies=[rest.costs(HEAVY)])
    service = rest.service
    audit = Audit(service)

    @router.get("/checks", responses=answers(ChecksView), summary="The engine's promises and books, checked now")
    async def checks() -> Response:
        return respond(await audit.checks())

    @router.get(
        "/accounts/{address}/inclusion",
        responses=answers(InclusionView, "unknown_account"),
        summary="Proofs that an account's equity is in the venue's total",
    )
    async def inclusion(address: Account) -> Response:
        await service.desk.settled()
        return respond(await audit.inclusion(account_number(service, address)))

    return router
