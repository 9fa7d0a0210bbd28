"""The routes of `/v1`. Every answer is of one moment between two turns, and shows only what is durable."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response

from seawall.terms.limits import TIME_MAX
from seawall.venue.exchange.words import MalformedError
from seawall.venue.ops.limits import Limits
from seawall.venue.ops.weights import HEAVY, LIGHT, ROWS_A_WEIGHT
from seawall.venue.reads import Reads
from seawall.venue.rest.account import account_number, account_view, positions_view
from seawall.venue.rest.account_shapes import AccountView, PositionsView, QueueView, RanksView
from seawall.venue.rest.errors import ANYWHERE, JSON, ApiError, install_errors
from seawall.venue.rest.ledger import LedgerView, csv_of, ledger_view
from seawall.venue.rest.market_shapes import (
    ChangesView,
    EventsView,
    FeedsView,
    FeedView,
    FundsView,
    MarketsView,
    MarketView,
    ParametersView,
    ProofsView,
    VenueView,
)
from seawall.venue.rest.markets import changes_view, funds_view, market_view, parameters_view, venue_view
from seawall.venue.rest.openapi import answers, describe, takes, with_csv
from seawall.venue.rest.proofs import Heads, proofs_view
from seawall.venue.rest.queue import queue_view, ranks_view
from seawall.venue.rest.receipt_shapes import LiquidationsView
from seawall.venue.rest.receipts import liquidations_view
from seawall.venue.rest.recent import Recent
from seawall.venue.rest.shape import EXAMPLE_ADDRESS, Shape
from seawall.venue.rest.surface import DIRECTIONS_MOST, SurfaceView, surface_view
from seawall.venue.rest.what_if import what_if_view
from seawall.venue.rest.what_if_shapes import WhatIfRequest, WhatIfView
from seawall.venue.service import Service
from seawall.venue.wire import TooLargeError, parse, read

ROWS_MOST: Final = 500
SLOTS_MOST: Final = 2**31
Kind = TypeVar("Kind", bound=Shape)
Feeds = Callable[[], Sequence[Any]]  # of v1's FeedView's fields
Reasons = Callable[[Sequence[int]], Awaitable[Mapping[int, str]]]

Account = Annotated[str, Path(description="Address of the account, with or without 0x.", examples=[EXAMPLE_ADDRESS])]
CoinPath = Annotated[str, Path(description="Name of the market.", examples=["BTC"], max_length=16)]
CoinQuery = Annotated[str | None, Query(description="Only this market.", examples=["BTC"], max_length=16)]
Start = Annotated[int, Query(description="From this time on, ms.", ge=0, le=TIME_MAX)]
End = Annotated[int, Query(description="Up to this time, ms.", ge=0, le=TIME_MAX)]
Limit = Annotated[int, Query(description="At most so many, newest first.", ge=1, le=ROWS_MOST)]


async def _no_reasons(_: Sequence[int]) -> Mapping[int, str]:
    return {}


class Rest:
    """What the routes answer from."""

    def __init__(
        self,
        service: Service,
        reads: Reads,
        limits: Limits,
        feeds: Feeds | None = None,
        reasons: Reasons = _no_reasons,
    ) -> None:
        """`service` is open. `feeds` tells the state of the price sources, `reasons` what operators wrote."""
        self.service = service
        self.reads = reads
        self.limits = limits
        self.feeds = feeds
        self.reasons = reasons
        self.heads = Heads(service.desk.writer.disk)
        self.recent = Recent(service)
        service.hearers.append(self.recent.hear)

    def costs(self, weight: int) -> Any:
        """A dependency that takes weight of the client's minute."""

        async def spend(request: Request) -> None:
            if not self.limits.spend(client_of(request), weight):
                raise ApiError("rate_limited")

        return Depends(spend)

    def charge(self, request: Request, rows: int) -> None:
        """Takes weight for rows of history that were answered."""
        self.limits.charge(client_of(request), rows // ROWS_A_WEIGHT)


def client_of(request: Request) -> str:
    """The IP address that asks."""
    return request.client.host if request.client is not None else ""


def respond(shape: Any) -> Response:
    """A shape as JSON."""
    return Response(msgspec.json.encode(shape), media_type=JSON, headers=ANYWHERE)


async def body_of(request: Request, kind: type[Kind]) -> Kind:
    """The body as a shape. ApiError when it is too large, no JSON, or not of the shape."""
    try:
        return msgspec.convert(parse(await read(request.receive)), kind)
    except TooLargeError as error:
        raise ApiError("too_large") from error
    except MalformedError as error:
        raise ApiError("too_deep" if "deep" in str(error) else "bad_json") from error
    except msgspec.ValidationError as error:
        raise ApiError("bad_request", str(error)) from error


def create_rest(app: FastAPI, rest: Rest, *more: APIRouter, shapes: Sequence[type[Any]] = ()) -> None:
    """Puts `/v1` on an app: its routes and those of `more` routers with their shapes, its refusals, its OpenAPI."""
    install_errors(app)
    app.include_router(venue_router(rest))
    app.include_router(account_router(rest))
    for router in more:
        app.include_router(router)
    describe(app, (*SHAPES, *shapes))


SHAPES: Final[tuple[type[Any], ...]] = (
    VenueView,
    MarketsView,
    MarketView,
    ParametersView,
    ChangesView,
    FundsView,
    FeedsView,
    ProofsView,
    EventsView,
    AccountView,
    PositionsView,
    RanksView,
    QueueView,
    SurfaceView,
    WhatIfRequest,
    WhatIfView,
    LiquidationsView,
    LedgerView,
)


def venue_router(rest: Rest) -> APIRouter:
    """What belongs to nobody: the venue, markets, policy, funds, sources, proofs, events."""
    router = APIRouter(prefix="/v1", tags=["venue"], dependencies=[rest.costs(LIGHT)])
    service = rest.service

    @router.get("/status", responses=answers(VenueView), summary="The venue now")
    async def status() -> Response:
        await service.desk.settled()
        return respond(venue_view(service))

    @router.get("/markets", responses=answers(MarketsView), summary="All markets now")
    async def markets() -> Response:
        await service.desk.settled()
        found = tuple(market_view(service, listing) for listing in service.universe.listings)
        return respond(MarketsView(time=service.now, sequence=service.desk.sequence, markets=found))

    @router.get("/markets/{coin}", responses=answers(MarketView, "unknown_coin"), summary="One market now")
    async def market(coin: CoinPath) -> Response:
        await service.desk.settled()
        return respond(market_view(service, service.universe.coin(coin)))

    @router.get(
        "/markets/{coin}/queue",
        responses=answers(QueueView, "unknown_coin"),
        summary="The whole queue of auto-deleveraging of one side of a market, page by page",
        dependencies=[rest.costs(HEAVY - LIGHT)],
    )
    async def queue(
        coin: CoinPath,
        side: Annotated[Literal["long", "short"], Query(description="Whose queue.")] = "long",
        start: Annotated[int, Query(description="So many are passed over.", ge=0, le=SLOTS_MOST)] = 0,
        limit: Annotated[int, Query(description="At most so many.", ge=1, le=ROWS_MOST)] = 50,
    ) -> Response:
        await service.desk.settled()
        return respond(queue_view(service, rest.reads, service.universe.coin(coin), side, start, limit))

    @router.get("/funds", responses=answers(FundsView), summary="Insurance funds and pools")
    async def funds() -> Response:
        await service.desk.settled()
        return respond(funds_view(service))

    @router.get("/feeds", responses=answers(FeedsView), summary="Sources of prices")
    async def feeds() -> Response:
        told = [] if rest.feeds is None else rest.feeds()
        found = tuple(msgspec.convert(one, FeedView, from_attributes=True) for one in told)
        return respond(FeedsView(time=service.now, feeds=found))

    @router.get("/proofs", responses=answers(ProofsView), summary="Hashes of the log and of the state")
    async def proofs() -> Response:
        return respond(await proofs_view(service, rest.heads))

    @router.get("/events", responses=answers(EventsView, "unknown_coin"), summary="The last events in words")
    async def events(coin: CoinQuery = None, limit: Limit = 100) -> Response:
        await service.desk.settled()
        if coin is not None:
            service.universe.coin(coin)
        return respond(EventsView(time=service.now, events=rest.recent.last(limit, coin)))

    _policy_routes(router, rest)
    return router


def _policy_routes(router: APIRouter, rest: Rest) -> None:
    """Parameters and their history."""
    service = rest.service

    @router.get(
        "/markets/{coin}/parameters",
        responses=answers(ParametersView, "unknown_coin"),
        summary="Risk parameters of a market: value, range, rails, reason",
    )
    async def market_parameters(coin: CoinPath) -> Response:
        await service.desk.settled()
        return respond(parameters_view(service, service.universe.coin(coin)))

    @router.get("/parameters", responses=answers(ParametersView), summary="Parameters of the venue as a whole")
    async def venue_parameters() -> Response:
        await service.desk.settled()
        return respond(parameters_view(service, None))

    @router.get(
        "/changes",
        responses=answers(ChangesView, "unknown_coin", "history"),
        summary="History of policy: parameters, tiers, sources, statuses, breakers",
        dependencies=[rest.costs(HEAVY - LIGHT)],
    )
    async def changes(
        request: Request, coin: CoinQuery = None, start: Start = 0, end: End = TIME_MAX, limit: Limit = 100
    ) -> Response:
        number = None if coin is None else service.universe.coin(coin).number
        found = await service.history.changes(number, start, end, limit)
        rest.charge(request, len(found))
        reasons = await rest.reasons([change.sequence for change in found])
        return respond(changes_view(service, found, reasons))


def account_router(rest: Rest) -> APIRouter:
    """Accounts by address. As on Hyperliquid, what an account holds is public."""
    router = APIRouter(prefix="/v1/accounts/{address}", tags=["accounts"], dependencies=[rest.costs(LIGHT)])
    service = rest.service
    heavy = [rest.costs(HEAVY - LIGHT)]

    @router.get("", responses=answers(AccountView, "unknown_account"), summary="Margin of an account")
    async def account(address: Account) -> Response:
        await service.desk.settled()
        return respond(account_view(service, rest.reads, account_number(service, address)))

    @router.get(
        "/positions",
        responses=answers(PositionsView, "unknown_account"),
        summary="Positions with their liquidation prices",
    )
    async def positions(address: Account) -> Response:
        await service.desk.settled()
        return respond(positions_view(service, account_number(service, address)))

    @router.get(
        "/ranks",
        responses=answers(RanksView, "unknown_account"),
        summary="Places in the queue of auto-deleveraging",
        dependencies=heavy,
    )
    async def ranks(address: Account) -> Response:
        await service.desk.settled()
        return respond(ranks_view(service, rest.reads, account_number(service, address)))

    _shock_routes(router, rest)
    _past_routes(router, rest)
    return router


def _shock_routes(router: APIRouter, rest: Rest) -> None:
    """What would be: along shocks, and after what an account may do."""
    service, heavy = rest.service, [rest.costs(HEAVY - LIGHT)]

    @router.get(
        "/surface",
        responses=answers(SurfaceView, "unknown_account"),
        summary="Nearest liquidating points along shocks of one or of several markets",
        dependencies=heavy,
    )
    async def surface(
        address: Account,
        direction: Annotated[
            list[str],
            Query(
                description="Directions of your own: relative moves at scale 1.",
                examples=["BTC=-1,ETH=-0.5"],
                max_length=DIRECTIONS_MOST,
            ),
        ] = [],  # noqa: B006
    ) -> Response:
        await service.desk.settled()
        return respond(await surface_view(service, account_number(service, address), direction))

    @router.post(
        "/what-if",
        responses=answers(WhatIfView, "unknown_account", "bad_json", "too_deep", "too_large"),
        openapi_extra=takes(WhatIfRequest),
        summary="The account before and after an order, money, leverage, mode or price moves",
        dependencies=heavy,
    )
    async def what_if(request: Request, address: Account) -> Response:
        asked = await body_of(request, WhatIfRequest)
        await service.desk.settled()
        return respond(await what_if_view(service, account_number(service, address), asked))


def _past_routes(router: APIRouter, rest: Rest) -> None:
    """What was: receipts and the ledger, from history."""
    service, heavy = rest.service, [rest.costs(HEAVY - LIGHT)]

    @router.get(
        "/liquidations",
        responses=answers(LiquidationsView, "unknown_account", "history"),
        summary="Why was I liquidated: receipts, line by line",
        dependencies=heavy,
    )
    async def liquidations(request: Request, address: Account, start: Start = 0, end: End = TIME_MAX) -> Response:
        found = await liquidations_view(service, account_number(service, address), start, end)
        rest.charge(request, sum(len(receipt.steps) for receipt in found.receipts) + len(found.deleveragings))
        return respond(found)

    @router.get(
        "/ledger",
        responses=with_csv(answers(LedgerView, "unknown_account", "history")),
        summary="Realised profit, fees, funding, liquidations and transfers of a period, as JSON or CSV",
        dependencies=heavy,
    )
    async def ledger(
        request: Request,
        address: Account,
        start: Start = 0,
        end: End = TIME_MAX,
        kind: Annotated[Literal["json", "csv"], Query(alias="format", description="json or csv.")] = "json",
    ) -> Response:
        found = await ledger_view(service, account_number(service, address), start, end)
        rest.charge(request, len(found.lines))
        if kind == "csv":
            return Response(await asyncio.to_thread(csv_of, found), media_type="text/csv", headers=ANYWHERE)
        return respond(found)
