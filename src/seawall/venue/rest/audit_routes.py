"""Routes of what anybody may check: promises and books, inclusion proofs, liquidations at price."""

from typing import Any, Final

from fastapi import APIRouter, Response

from seawall.venue.ops.weights import HEAVY
from seawall.venue.rest.account import account_number
from seawall.venue.rest.audit import Audit
from seawall.venue.rest.audit_shapes import ChecksView, CurveView, InclusionView
from seawall.venue.rest.curve import curve_view
from seawall.venue.rest.openapi import answers
from seawall.venue.rest.routes import Account, CoinPath, Rest, respond

SHAPES: Final[tuple[type[Any], ...]] = (ChecksView, InclusionView, CurveView)


def audit_router(rest: Rest) -> APIRouter:
    """GET /v1/checks, /v1/accounts/{address}/inclusion, /v1/markets/{coin}/liquidations."""
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

    @router.get(
        "/markets/{coin}/liquidations",
        responses=answers(CurveView, "unknown_coin"),
        summary="What would be liquidatable if one market moved",
    )
    async def liquidations(coin: CoinPath) -> Response:
        await service.desk.settled()
        return respond(curve_view(service, coin))

    return router
