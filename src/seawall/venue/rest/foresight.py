"""Foresight of an account over `/v1`. The account is read in the event loop; paths are valued in a thread."""

import asyncio
from fractions import Fraction
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from msgspec.structs import replace

from seawall.risk.moves import Bars
from seawall.terms import parameter
from seawall.tools.account_file import Account
from seawall.tools.figures import text_of
from seawall.tools.foresight import HOUR_NAMES, AccountForesight, BucketForesight, CureLine, account_foresight
from seawall.units import BadInput, Rate, fraction_from
from seawall.venue.names import address_text
from seawall.venue.ops.weights import HEAVY
from seawall.venue.rest.account import account_number
from seawall.venue.rest.foresight_shapes import (
    AccountChanceView,
    BucketChanceView,
    BucketForesightView,
    ChancesView,
    CureView,
    DriverView,
    ForesightAfterView,
    ForesightView,
)
from seawall.venue.rest.openapi import answers, takes
from seawall.venue.rest.routes import Account as AccountPath
from seawall.venue.rest.routes import Rest, body_of, respond
from seawall.venue.rest.terms import account_by_rule
from seawall.venue.rest.what_if import Played, played
from seawall.venue.rest.what_if_shapes import WhatIfRequest
from seawall.venue.risk.memory import Memory
from seawall.venue.service import Service

PATHS: Final = 2_048
HEDGES: Final = 3  # markets beside those held in which a hedge is tried: the first ones listed
SEED: Final = 1
NO_CHANCE: Final = ChancesView(hour_1="0.0", hours_8="0.0", hours_24="0.0")
NO_ONE: Final = AccountChanceView(score=0, probabilities=NO_CHANCE, buckets=())
SHAPES: Final[tuple[type[Any], ...]] = (ForesightView, ForesightAfterView)

Target = Annotated[
    str, Query(description="Probability within 24 hours that cures aim at.", examples=["0.01"], max_length=24)
]


def foresight_router(rest: Rest, memory: Memory) -> APIRouter:
    """GET /v1/accounts/{address}/foresight, POST .../what-if/foresight."""
    router = APIRouter(prefix="/v1/accounts/{address}", tags=["accounts"], dependencies=[rest.costs(2 * HEAVY)])
    service = rest.service

    @router.get(
        "/foresight",
        responses=answers(ForesightView, "unknown_account"),
        summary="How likely a liquidation is within 1, 8 and 24 hours, because of what, and what cures it",
    )
    async def foresight(address: AccountPath, target: Target = "0.01") -> Response:
        wanted = fraction_from(target, "target")
        if not 0 < wanted < 1:
            raise BadInput("target", "expected a probability between 0 and 1")
        await service.desk.settled()
        number = account_number(service, address)
        held, bars, fee = seen(service, memory, number, hedges=HEDGES)
        who = address_text(service.people.persons[number].address)
        time, sequence = service.now, service.desk.sequence
        if not any(named.bucket.positions for named in held.buckets):
            return respond(_nothing(who, time, sequence, wanted))
        found = await asyncio.to_thread(account_foresight, held, bars, target=wanted, fee=fee, seed=SEED, paths=PATHS)
        return respond(_view(who, time, sequence, found))

    @router.post(
        "/what-if/foresight",
        responses=answers(ForesightAfterView, "unknown_account", "bad_json", "too_deep", "too_large"),
        openapi_extra=takes(WhatIfRequest),
        summary="How likely a liquidation is before and after an order, money, leverage, mode or price moves",
    )
    async def after(request: Request, address: AccountPath) -> Response:
        asked = await body_of(request, WhatIfRequest)
        await service.desk.settled()
        number = account_number(service, address)
        found = played(service, number, asked)
        names = tuple(found.before.places)
        bars = memory.bars([service.universe.by_coin[name].number for name in names], names)
        who = address_text(service.people.persons[number].address)
        time, sequence = service.now, service.desk.sequence
        return respond(await asyncio.to_thread(_after_view, who, time, sequence, found, bars))

    return router


def _after_view(who: str, time: int, sequence: int, found: Played, bars: Bars) -> ForesightAfterView:
    """Counts both, on the same paths: the same bars and seed."""
    before, after = (_counted(account, bars) for account in (found.before, found.after))
    told = after or before
    return ForesightAfterView(
        address=who,
        time=time,
        sequence=sequence,
        paths=0 if told is None else told.paths,
        basis="no positions" if told is None else told.basis,
        before=_account_chance(before),
        after=_account_chance(after),
    )


def _counted(account: Account, bars: Bars) -> AccountForesight | None:
    held = without_empty(account)
    if not any(named.bucket.positions for named in held.buckets):
        return None
    return account_foresight(held, bars, seed=SEED, paths=PATHS, is_cured=False)


def _account_chance(found: AccountForesight | None) -> AccountChanceView:
    if found is None:
        return NO_ONE
    buckets = tuple(
        BucketChanceView(
            bucket=one.bucket,
            score=one.score,
            probabilities=_chances(one.probabilities),
            expected_hours=_hours(one.expected_hours),
        )
        for one in found.buckets
    )
    return AccountChanceView(score=found.score, probabilities=_chances(found.probabilities), buckets=buckets)


def seen(service: Service, memory: Memory, number: int, *, hedges: int) -> tuple[Account, Bars, Rate]:
    """An account as it stands, with markets that it could hedge in, their bars, and the fee of a fill."""
    columns, universe = service.columns, service.universe
    own = account_by_rule(columns, universe, number)
    linked = {asset.underlying for asset in own.assets.values() if asset.underlying is not None}
    if own.places:
        own = account_by_rule(columns, universe, number, tuple(sorted(linked - own.places.keys())))
    others = [
        one.coin
        for one in universe.listings
        if one.coin not in own.places and universe.is_open(columns, one) and columns["market_price"].item(one.number)
    ]
    more = (*sorted(linked), *others[:hedges])
    held = account_by_rule(columns, universe, number, more) if more and own.places else own
    names = tuple(held.places)
    numbers = [universe.by_coin[name].number for name in names]
    fees = [columns["param"].item(one, parameter.TAKER_FEE) for one in numbers]
    return without_empty(held), memory.bars(numbers, names), Rate(max(fees, default=0))


def without_empty(account: Account) -> Account:
    """The account without slots that only hold orders: margin of maintenance is of positions."""
    buckets = tuple(
        replace(named, bucket=replace(named.bucket, positions=tuple(p for p in named.bucket.positions if p.size)))
        for named in account.buckets
    )
    return replace(account, buckets=buckets)


def _view(who: str, time: int, sequence: int, found: AccountForesight) -> ForesightView:
    return ForesightView(
        address=who,
        time=time,
        sequence=sequence,
        score=found.score,
        probabilities=_chances(found.probabilities),
        expected_hours=_hours(found.expected_hours),
        target=text_of(found.target),
        paths=found.paths,
        basis=found.basis,
        buckets=tuple(_bucket(one) for one in found.buckets),
    )


def _nothing(who: str, time: int, sequence: int, target: Fraction) -> ForesightView:
    return ForesightView(
        address=who,
        time=time,
        sequence=sequence,
        score=0,
        probabilities=NO_CHANCE,
        expected_hours=None,
        target=text_of(target),
        paths=0,
        basis="no positions",
        buckets=(),
    )


def _bucket(found: BucketForesight) -> BucketForesightView:
    return BucketForesightView(
        bucket=found.bucket,
        score=found.score,
        probabilities=_chances(found.probabilities),
        expected_hours=_hours(found.expected_hours),
        drivers=tuple(DriverView(coin=one.coin, share=text_of(one.share)) for one in found.drivers),
        cures=tuple(_cure(one) for one in found.cures),
    )


def _cure(cure: CureLine) -> CureView:
    return CureView(
        kind=cure.kind.value,
        coin=cure.coin,
        size=None if cure.size is None else text_of(cure.size),
        capital=text_of(cure.capital_usd),
        cost=text_of(cure.cost_usd),
        probability=text_of(cure.probability),
        words=cure.words,
    )


def _chances(found: "dict[str, Fraction]") -> ChancesView:
    hour, eight, day = (text_of(found[name]) for name in HOUR_NAMES)
    return ChancesView(hour_1=hour, hours_8=eight, hours_24=day)


def _hours(value: Fraction | None) -> str | None:
    return None if value is None else text_of(value)
