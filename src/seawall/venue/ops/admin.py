"""The admin's port: what operators may do, each act a row of the log by its role and a line in the record.

Beside it, without a token: /metrics, /healthz and /readyz.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Protocol, TypeVar

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response

from seawall.engine.rows import Rows, rows_of
from seawall.ledger import state
from seawall.terms import code, command
from seawall.terms.parameter import MARKET
from seawall.terms.venue_parameter import VENUE
from seawall.units import BadInput
from seawall.venue.config import MarketTerms
from seawall.venue.ops.admin_shapes import (
    ActsView,
    ActView,
    CommandView,
    DoneView,
    FeedOrder,
    ListOrder,
    ParameterOrder,
    PlaceOrder,
    SnapshotOrder,
    StatusOrder,
)
from seawall.venue.ops.record import Act, Record
from seawall.venue.ops.tokens import Tokens
from seawall.venue.rest.errors import ApiError, install_errors
from seawall.venue.rest.openapi import answers, describe, takes
from seawall.venue.rest.routes import body_of, client_of, respond
from seawall.venue.rest.shape import Shape
from seawall.venue.rest.words import STATUSES
from seawall.venue.service import Service

STATUS: Final = {word: number for number, word in STATUSES.items()}
LOOSER: Final = {
    command.CLOSED: command.CANCELLING,
    command.HALTED: command.CANCELLING,
    command.CANCELLING: command.POSTING,
    command.POSTING: command.ACTIVE,
    command.REDUCING: command.ACTIVE,
}
VENUE_WIDE: Final = -1
Fields = dict[str, int]
Handler = TypeVar("Handler", bound=Callable[..., Any])
Outcome = tuple[str, list[tuple[int, int]]]  # in words, and the commands with their codes
Lister = Callable[[int, MarketTerms], Sequence[Fields]]  # the rows that list a market under a number


class CanPause(Protocol):
    """Price sources that can be silenced."""

    def pause(self, name: str, *, is_paused: bool) -> None:
        """KeyError for a name that no source has."""


class Admin:
    """What the routes act on."""

    def __init__(
        self,
        service: Service,
        record: Record,
        tokens: Tokens,
        lister: Lister | None = None,
        feeds: CanPause | None = None,
    ) -> None:
        self.service = service
        self.record = record
        self.tokens = tokens
        self.lister = lister
        self.feeds = feeds

    def operator(self, request: Request) -> str:
        """Who asks. ApiError for nobody."""
        name = self.tokens.operator_of(request.headers.get("authorization", ""))
        if not name:
            raise ApiError("not_admin")
        return name

    def market(self, coin: str | None) -> int:
        """The number of a market, -1 for the venue. BadInput for an unknown coin."""
        return VENUE_WIDE if coin is None else self.service.universe.coin(coin).number

    async def submit(self, request: Request, act: str, order: Any, rows: Rows) -> Response:
        """Does an act that is commands. ApiError `refused` with the engine's code."""

        async def work() -> Outcome:
            done = await self.service.submit(rows)
            commands = list(zip(done.sequences.tolist(), done.codes.tolist(), strict=True))
            wrong = next((found for _, found in commands if found != code.OK), code.OK)
            return ("accepted" if wrong == code.OK else f"refused: {code.TEXT[wrong]}"), commands

        return await self.do(request, act, order, work)

    async def do(self, request: Request, act: str, order: Any, work: Callable[[], Awaitable[Outcome]]) -> Response:
        """Records an act, does it, records what became of it."""
        details: Mapping[str, Any] = msgspec.to_builtins(order)
        kept = {name: value for name, value in details.items() if name != "reason" and value is not None}
        number = await self.record.begin(self.operator(request), client_of(request), act, kept, order.reason)
        try:
            outcome, commands = await work()
        except Exception as error:
            await self.record.end(number, f"not done: {type(error).__name__}")
            raise
        await self.record.end(number, outcome, commands)
        wrong = next((found for _, found in commands if found != code.OK), code.OK)
        if wrong != code.OK:
            raise ApiError("refused", code.TEXT[wrong], wrong)
        return respond(DoneView(act=number, outcome=outcome, commands=_commands(commands)))


def _post(router: APIRouter, path: str, shape: type[Shape], summary: str) -> Callable[[Handler], Handler]:
    """A route that takes a shape and does an act."""
    return router.post(path, responses=_answers(DoneView), openapi_extra=takes(shape), summary=summary)


def admin_router(admin: Admin) -> APIRouter:
    """The acts, behind a token."""

    async def known(request: Request) -> None:
        admin.operator(request)

    router = APIRouter(prefix="/admin", tags=["admin"], dependencies=[Depends(known)])
    _acts_on_statuses(router, admin)
    _acts_on_policy(router, admin)

    @_post(router, "/feed", FeedOrder, "Silence a source of prices, or listen again")
    async def feed(request: Request) -> Response:
        order = await body_of(request, FeedOrder)

        async def work() -> Outcome:
            if admin.feeds is None:
                raise ApiError("off", "this venue has no sources of its own")
            try:
                admin.feeds.pause(order.name, is_paused=order.is_paused)
            except KeyError as error:
                raise ApiError("unknown_name", f"no source is called {order.name[:40]!r}") from error
            return "accepted", []

        return await admin.do(request, "feed", order, work)

    @_post(router, "/snapshot", SnapshotOrder, "Keep a snapshot of the state now")
    async def snapshot(request: Request) -> Response:
        order = await body_of(request, SnapshotOrder)

        async def work() -> Outcome:
            return await admin.service.desk.snapshot(admin.service.history.flush), []

        return await admin.do(request, "snapshot", order, work)

    @router.get("/acts", responses=_answers(ActsView), summary="What operators did")
    async def acts(limit: Annotated[int, Query(ge=1, le=500)] = 100) -> Response:
        found = await admin.record.last(limit)
        return respond(ActsView(acts=tuple(_act(act) for act in found)))

    return router


def _acts_on_statuses(router: APIRouter, admin: Admin) -> None:
    def set_status(coin: str | None, status: int) -> Rows:
        fields = {"kind": command.SET_STATUS, "signer": command.ADMIN, "flags": status}
        return rows_of([{**fields, "market": admin.market(coin)}])

    @_post(router, "/status", StatusOrder, "Set the status of a market or of the venue")
    async def status(request: Request) -> Response:
        order = await body_of(request, StatusOrder)
        rows = set_status(order.coin, STATUS[order.status])
        return await admin.submit(request, "status", order, rows)

    @_post(router, "/halt", PlaceOrder, "Halt a market or the venue at once")
    async def halt(request: Request) -> Response:
        order = await body_of(request, PlaceOrder)
        return await admin.submit(request, "halt", order, set_status(order.coin, command.HALTED))

    @_post(router, "/resume", PlaceOrder, "Go one stage looser: cancel-only, post-only, active")
    async def resume(request: Request) -> Response:
        order = await body_of(request, PlaceOrder)
        columns, market = admin.service.columns, admin.market(order.coin)
        if market == VENUE_WIDE:
            now = columns["cell"].item(state.VENUE_STATUS)
        else:
            now = columns["market_status"].item(market)
        if now not in LOOSER:
            raise ApiError("bad_request", f"it is {STATUSES[now]}: nothing is looser")
        return await admin.submit(request, "resume", order, set_status(order.coin, LOOSER[now]))

    @_post(router, "/guard", StatusOrder, "Tighten a status as the guardian, who can do nothing else")
    async def guard(request: Request) -> Response:
        order = await body_of(request, StatusOrder)
        fields = {"kind": command.GUARD, "signer": command.GUARDIAN, "flags": STATUS[order.status]}
        rows = rows_of([{**fields, "market": admin.market(order.coin)}])
        return await admin.submit(request, "guard", order, rows)


def _acts_on_policy(router: APIRouter, admin: Admin) -> None:
    @_post(router, "/parameter", ParameterOrder, "Set a parameter of a market or of the venue")
    async def parameter(request: Request) -> Response:
        order = await body_of(request, ParameterOrder)
        specs = VENUE if order.coin is None else MARKET
        number = next((number for number, spec in specs.items() if spec.name == order.name), None)
        if number is None:
            raise ApiError("unknown_name", f"no such parameter {order.name[:40]!r}")
        fields = {"kind": command.SET_PARAMETER, "signer": command.ADMIN, "other": number, "price": order.value}
        rows = rows_of([{**fields, "market": admin.market(order.coin), "expires": order.since}])
        return await admin.submit(request, "parameter", order, rows)

    @_post(
        router, "/market", ListOrder, "List a market, closed; it opens by stages with /admin/resume once it has prices"
    )
    async def market(request: Request) -> Response:
        order = await body_of(request, ListOrder)
        if admin.lister is None:
            raise ApiError("off", "this venue lists no markets while it runs")
        try:
            terms = msgspec.convert(order.terms, MarketTerms)
        except msgspec.ValidationError as error:
            raise ApiError("bad_request", f"terms: {error}") from error
        universe = admin.service.universe
        if terms.coin in universe.by_coin:
            raise BadInput("terms.coin", f"{terms.coin} is listed already")
        rows = rows_of(list(admin.lister(len(universe.listings), terms)))
        return await admin.submit(request, "market", order, rows)


def _answers(shape: type[Any]) -> dict[int | str, dict[str, Any]]:
    return answers(shape, "not_admin", "unknown_coin", "unknown_name", "refused", "off")


def _commands(commands: Sequence[tuple[int, int]]) -> tuple[CommandView, ...]:
    return tuple(CommandView(sequence=at, code=found, msg=code.TEXT[found]) for at, found in commands)


def _act(act: Act) -> ActView:
    return ActView(
        act=act.id,
        time=act.time,
        operator=act.operator,
        host=act.host,
        what=act.act,
        details=act.details,
        reason=act.reason,
        outcome=act.outcome,
        commands=_commands(act.commands),
    )


SHAPES: Final[tuple[type[Any], ...]] = (
    StatusOrder,
    PlaceOrder,
    ParameterOrder,
    ListOrder,
    FeedOrder,
    SnapshotOrder,
    DoneView,
    ActsView,
)


def create_admin(admin: Admin, *probes: APIRouter) -> FastAPI:
    """The app of the admin's port, with the routers of probes beside the acts."""
    app = FastAPI(title="Seawall administration", docs_url=None, redoc_url=None)
    install_errors(app)
    app.include_router(admin_router(admin))
    for router in probes:
        app.include_router(router)
    describe(app, SHAPES)
    return app
