"""`/v1/chain`: how venue and chain stand to each other. `/evm`: the chain inside the process, as an RPC."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response

from seawall.venue.onchain.evm import answer
from seawall.venue.onchain.link import Link
from seawall.venue.onchain.opening import EMBEDDED
from seawall.venue.ops.weights import HEAVY, LIGHT
from seawall.venue.rest.errors import ApiError
from seawall.venue.rest.openapi import answers
from seawall.venue.rest.routes import Rest, respond
from seawall.venue.rest.shape import EXAMPLE_ADDRESS, Shape, Time, says
from seawall.venue.wire import TooLargeError, read

GAPS_SHOWN: Final = 100


class GapView(Shape, frozen=True, kw_only=True):
    """A figure that venue and chain do not agree on."""

    address: Annotated[str, says("The account's owner.", EXAMPLE_ADDRESS)]
    what: Annotated[str, says("`cash` in micro-USD, or the market whose lots differ.", "cash")]
    venue: Annotated[int, says("What the venue has.", 1_000_000)]
    chain: Annotated[int, says("What the chain has.", 1_000_000)]


class ChainView(Shape, frozen=True, kw_only=True):
    """The chain that keeps the accounts, and how far it is."""

    chain_id: Annotated[int, says("EIP-155 id.", 31_337)]
    operator: Annotated[str, says("Approve this key on the Exchange: it signs what you have traded.", EXAMPLE_ADDRESS)]
    addresses: Annotated[dict[str, str], says("Contracts by name.")]
    block: Annotated[int, says("The latest block seen.", 120)]
    trades: Annotated[int, says("Trades of the venue that go to the chain.", 57)]
    sent: Annotated[int, says("Of those, up to which one they are in blocks.", 57)]
    final: Annotated[int, says("Up to which one they are deep enough.", 50)]
    refused: Annotated[dict[str, int], says("Trades that the chain refused, by number, with its code.")]
    skipped: Annotated[int, says("Trades that the chain cannot have: of pools or sub-accounts.", 0)]
    withdrawals: Annotated[int, says("Withdrawals on their way.", 1)]
    unapproved: Annotated[list[str], says("Owners with deposits who have not approved the operator's key.")]
    compared: Annotated[Time | None, says("When both sides were compared last; null: never yet.")]
    gaps: Annotated[list[GapView], says("What was not equal then, the first hundred.")]
    fault: Annotated[str, says("Why the last pass was not whole; empty: it was.", "")]


SHAPES: Final[tuple[type[Any], ...]] = (ChainView, GapView)


def chain_router(rest: Rest, link: Link) -> APIRouter:
    """GET /v1/chain, and POST /evm for a chain inside the process."""
    router = APIRouter(tags=["chain"])

    @router.get(
        "/v1/chain",
        dependencies=[rest.costs(LIGHT)],
        responses=answers(ChainView, "off"),
        summary="The chain that keeps the accounts",
    )
    async def chain() -> Response:
        if not link.is_ready:
            raise ApiError("off", "the chain is not ready yet")
        return respond(view_of(link))

    if link.terms.target == EMBEDDED:

        @router.post("/evm", dependencies=[rest.costs(HEAVY)], include_in_schema=False)
        async def evm(request: Request) -> Response:
            try:
                body = await read(request.receive)
            except TooLargeError as error:
                raise ApiError("too_large") from error
            return Response(await link.do(lambda: answer(link.w3, body)), media_type="application/json")

    return router


def view_of(link: Link) -> ChainView:
    state, standing = link.office.settlement.state, link.standing
    return ChainView(
        chain_id=link.client.chain_id,
        operator=link.client.address,
        addresses=link.record.addresses,
        block=standing.block,
        trades=link.trades.number,
        sent=state.last,
        final=state.final,
        refused=dict(state.refused),
        skipped=link.trades.skipped,
        withdrawals=len(link.exits.open),
        unapproved=standing.unapproved,
        compared=standing.compared or None,
        gaps=[
            GapView(address=gap.address, what=gap.what, venue=gap.venue, chain=gap.chain)
            for gap in standing.gaps[:GAPS_SHOWN]
        ],
        fault=standing.fault,
    )
