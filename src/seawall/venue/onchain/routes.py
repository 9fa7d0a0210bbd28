"""`/v1/chain`: how venue and chain stand to each other. `/evm`: the chain inside the process, as an RPC."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response

from seawall.venue.onchain.evm import answer
from seawall.venue.onchain.link import Link
from seawall.venue.onchain.opening import EMBEDDED
from seawall.venue.onchain.terms import priced_by
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
    what: Annotated[str, says("`cash` in micro-USD; a market, or `collateral` and an asset, in lots.", "cash")]
    venue: Annotated[int, says("What the venue has.", 1_000_000)]
    chain: Annotated[int, says("What the chain has.", 1_000_000)]


class HeldView(Shape, frozen=True, kw_only=True):
    """A collateral asset that the chain takes, and how much of it both sides have."""

    coin: Annotated[str, says("Its coin, which is its name there.", "ETH")]
    asset: Annotated[int, says("Its number in /v1/assets.", 0)]
    token: Annotated[str, says("The token: approve the CollateralVault, then `deposit_asset`.", EXAMPLE_ADDRESS)]
    venue: Annotated[str, says("What accounts of the venue hold, units of the coin.", "12.5")]
    chain: Annotated[str, says("What the vault held for all accounts when they were compared last.", "12.5")]


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
    sales: Annotated[int, says("Sales of collateral that go to the chain.", 0)]
    sales_refused: Annotated[dict[str, int], says("Sales that it refused, by the command's sequence, with its code.")]
    skipped: Annotated[int, says("Trades and sales that the chain cannot have: of pools or sub-accounts.", 0)]
    withdrawals: Annotated[int, says("Withdrawals on their way, of USD and of collateral.", 1)]
    collateral: Annotated[list[HeldView], says("Assets that come in by the vault.")]
    unapproved: Annotated[list[str], says("Owners with deposits who have not approved the operator's key.")]
    compared: Annotated[Time | None, says("When both sides were compared last; null: never yet.")]
    gaps: Annotated[list[GapView], says("What was not equal then, the first hundred.")]
    fault: Annotated[str, says("Why the last pass was not whole; empty: it was.", "")]
    epoch: Annotated[int, says("Of the last root of the state that this process has posted; 0: none yet.", 12)]
    is_halted: Annotated[bool, says("Whether the venue is halted on the chain, and so here.")]


class RootProofView(Shape, frozen=True, kw_only=True):
    """What the last root says of an account, and the proof: the arguments of `is_included` of StateRoots, in order."""

    epoch: Annotated[int, says("The root's.", 12)]
    bucket: Annotated[str, says("The account.", "1")]
    head: Annotated[str, says("Its word, without the flags of the chain alone.", "1")]
    positions: Annotated[tuple[str, ...], says("Words of its positions.")]
    equity: Annotated[str, says("Its equity in micro-USD, not below 0.", "1")]
    place: Annotated[int, says("Of its leaf.", 3)]
    hashes: Annotated[tuple[str, ...], says("Neighbours up to the root, as hex.")]
    sums: Annotated[tuple[str, ...], says("Their sums.")]


SHAPES: Final[tuple[type[Any], ...]] = (ChainView, GapView, HeldView, RootProofView)


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

    @router.get(
        "/v1/chain/proof/{address}",
        dependencies=[rest.costs(LIGHT)],
        responses=answers(RootProofView, "off", "unknown_name"),
        summary="What the last root says of an account",
    )
    async def proof(address: str) -> Response:
        if not link.is_ready:
            raise ApiError("off", "the chain is not ready yet")
        return respond(proof_of(link, address))

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
        sales=link.errands.sales,
        sales_refused={str(sequence): refusal for sequence, refusal in link.errands.refused.items()},
        skipped=link.trades.skipped + link.errands.skipped,
        withdrawals=len(link.exits.open) + sum(not one.is_sale for one in link.errands.open.values()),
        collateral=[_held(link, asset, number) for asset, number in link.assets.items()],
        unapproved=standing.unapproved,
        compared=standing.compared or None,
        gaps=[
            GapView(address=gap.address, what=gap.what, venue=gap.venue, chain=gap.chain)
            for gap in standing.gaps[:GAPS_SHOWN]
        ],
        fault=standing.fault,
        epoch=link.office.poster.epoch,
        is_halted=standing.is_halted,
    )


def _held(link: Link, asset: int, number: int) -> HeldView:
    terms, columns = link.record.settings.assets[number], link.service.columns
    listing = priced_by(link.service, asset)
    return HeldView(
        coin=listing.coin,
        asset=asset,
        token=terms.token,
        venue=listing.size_text(columns["asset_total"].item(asset)),
        chain=listing.size_text(link.standing.held.get(terms.name, 0)),
    )


def proof_of(link: Link, address: str) -> RootProofView:
    """The proof of an owner's account in the last root. ApiError when it is not there."""
    poster = link.office.poster
    try:
        bucket = int(address, 16)
        if poster.tree is None:
            raise ApiError("off", "no root yet")
        found = poster.tree.proof(bucket)
    except ValueError as error:
        raise ApiError("unknown_name", "no account of that address is in the last root") from error
    leaf = poster.tree.leaves[found.place]
    return RootProofView(
        epoch=poster.epoch,
        bucket=str(bucket),
        head=str(leaf.head),
        positions=tuple(str(position) for position in leaf.positions),
        equity=str(max(0, leaf.equity)),
        place=found.place,
        hashes=tuple("0x" + one.hex() for one in found.hashes),
        sums=tuple(str(one) for one in found.sums),
    )
