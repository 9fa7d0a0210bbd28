"""The faucet over `/v1`: play money for an address, where there is no chain."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response

from seawall.units import USD_ONE
from seawall.venue.decimals import usd_text
from seawall.venue.faucet import Faucet
from seawall.venue.names import address_of, address_text
from seawall.venue.ops.weights import HEAVY
from seawall.venue.rest.errors import ApiError
from seawall.venue.rest.openapi import answers, takes
from seawall.venue.rest.routes import Rest, body_of, respond
from seawall.venue.rest.shape import EXAMPLE_ADDRESS, Shape, says


class FaucetRequest(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Play money that is asked for."""

    address: Annotated[str, says("Who gets it. An account is made when it has none.", EXAMPLE_ADDRESS)]
    usd: Annotated[int, says("Whole USD, within the limits of the configuration.", 10_000, ge=1)]


class FaucetView(Shape, frozen=True, kw_only=True):
    """What was given."""

    address: Annotated[str, says("Who got it.", EXAMPLE_ADDRESS)]
    credited: Annotated[str, says("USD that were credited to the cross account.", "10000.0")]


SHAPES: Final[tuple[type[Any], ...]] = (FaucetRequest, FaucetView)


def faucet_router(rest: Rest, faucet: Faucet) -> APIRouter:
    """POST /v1/faucet."""
    router = APIRouter(prefix="/v1", tags=["faucet"], dependencies=[rest.costs(HEAVY)])

    @router.post(
        "/faucet",
        responses=answers(FaucetView, "off", "bad_json", "too_large"),
        openapi_extra=takes(FaucetRequest),
        summary="Play money for an address, on a venue without a chain",
    )
    async def give(request: Request) -> Response:
        asked = await body_of(request, FaucetRequest)
        if not faucet.is_open:
            raise ApiError("off")
        address = address_of(asked.address, "address")
        await faucet.give(address, asked.usd)
        return respond(FaucetView(address=address_text(address), credited=usd_text(asked.usd * USD_ONE)))

    return router
