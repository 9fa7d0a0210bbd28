"""The venue's risk over `/v1`: stress states and proposals, liquidations at a price, insurance against cover-2."""

import asyncio
import math
from typing import Any, Final

import msgspec
import numpy as np
from fastapi import APIRouter, Request, Response

from seawall.ledger import state
from seawall.risk.at_risk import at_risk, liquidations_at
from seawall.risk.cascade import Cascade, Resting, cascade
from seawall.risk.cover import Cover, Loss, cover, scenarios
from seawall.risk.moves import Bars, foresee, prior_sigma
from seawall.risk.publisher import ASSETS_FROM, Proposal, Report
from seawall.risk.stress import Signs
from seawall.signing import signature_of
from seawall.terms import parameter
from seawall.terms.asset_parameter import ASSET
from seawall.terms.parameter import MARKET
from seawall.units import RATE_ONE, BadInput
from seawall.venue.decimals import rate_text, usd_text
from seawall.venue.names import address_text
from seawall.venue.ops.weights import HEAVY, LIGHT
from seawall.venue.rest.errors import ApiError
from seawall.venue.rest.openapi import answers, takes
from seawall.venue.rest.risk_past import health_of, part, past_view, share_of
from seawall.venue.rest.risk_shapes import (
    CascadeView,
    CurvePoint,
    ExposureView,
    GroupLoss,
    InsuranceView,
    MarketRiskView,
    ProposalRequest,
    ProposalsView,
    ProposalView,
    RiskPastView,
    RiskView,
    ScenarioView,
    SignsView,
    WeightsView,
)
from seawall.venue.rest.risk_weights import weights_view
from seawall.venue.rest.routes import CoinPath, Limit, Rest, body_of, respond
from seawall.venue.rest.words import BREAKERS
from seawall.venue.risk.cascades import books_of
from seawall.venue.risk.census import Census, census
from seawall.venue.risk.office import Made, RiskOffice, Watched
from seawall.venue.universe import Listing

SHAPES: Final[tuple[type[Any], ...]] = (
    RiskView,
    ProposalsView,
    ProposalRequest,
    ProposalView,
    ExposureView,
    InsuranceView,
    RiskPastView,
    WeightsView,
)
PATHS: Final = 256
SEED: Final = 1
SCENARIOS: Final = 10  # that are told
CASCADES: Final = (-0.3, -0.2, -0.1, -0.05, 0.05, 0.1, 0.2)


def risk_router(rest: Rest, office: RiskOffice) -> APIRouter:
    """GET /v1/risk and what belongs to it."""
    router = APIRouter(prefix="/v1/risk", tags=["risk"], dependencies=[rest.costs(LIGHT)])
    service, heavy = rest.service, [rest.costs(HEAVY - LIGHT)]

    @router.get("", responses=answers(RiskView), summary="The risk engine: mode, stress states, margins, reasons")
    async def risk() -> Response:
        await service.desk.settled()
        return respond(risk_view(office))

    @router.get("/proposals", responses=answers(ProposalsView), summary="The last proposals, with their reasons")
    async def proposals(limit: Limit = 100) -> Response:
        await service.desk.settled()
        found = [_proposal(made) for made in list(office.made)[-limit:][::-1]]
        return respond(ProposalsView(time=service.now, proposals=tuple(found)))

    @router.get("/collateral", responses=answers(WeightsView), summary="Weights of collateral: live, wanted, and why")
    async def weights() -> Response:
        await service.desk.settled()
        return respond(weights_view(office))

    @router.get(
        "/history/{coin}",
        responses=answers(RiskPastView, "unknown_coin"),
        summary="Forecast margins against static ones and realised moves, hour by hour; how often each held",
        dependencies=heavy,
    )
    async def past(coin: CoinPath, limit: Limit = 168) -> Response:
        await service.desk.settled()
        return respond(past_view(office, service.universe.coin(coin), limit))

    @router.post(
        "/proposals",
        responses=answers(ProposalView, "unknown_coin", "off", "refused", "bad_json", "too_deep", "too_large"),
        openapi_extra=takes(ProposalRequest),
        summary="Bring a signed proposal: with signatures enough anybody may",
        dependencies=heavy,
    )
    async def propose(request: Request) -> Response:
        asked = await body_of(request, ProposalRequest)
        if office.mode != "live":
            raise ApiError("off", f"the risk engine of this venue is {office.mode}")
        proposal, report = proposal_of(office, asked)
        made = await office.publish(proposal, tuple(signature_of(one) for one in asked.signatures), report)
        if made.outcome != "accepted":
            raise ApiError("refused", made.outcome)
        return respond(_proposal(made))

    _exposure_routes(router, rest, office)
    return router


def _exposure_routes(router: APIRouter, rest: Rest, office: RiskOffice) -> None:
    """What stands to be liquidated and lost: everybody is read in the event loop and valued in a thread."""
    service, heavy = rest.service, [rest.costs(HEAVY - LIGHT)]

    @router.get(
        "/exposure/{coin}",
        responses=answers(ExposureView, "unknown_coin"),
        summary="What would be liquidated where the market stood elsewhere, and how a cascade would run",
        dependencies=heavy,
    )
    async def exposure(coin: CoinPath) -> Response:
        await service.desk.settled()
        listing, found = service.universe.coin(coin), census(service)
        books = books_of(service, found) if found else []
        time, sequence = service.now, service.desk.sequence
        mark = service.columns["market_price"].item(listing.number)
        if not mark:
            raise BadInput("coin", f"{coin} has no price yet")
        parts = await asyncio.to_thread(_exposure, listing, mark, found, books)
        text = listing.price_text(mark)
        return respond(
            ExposureView(coin=coin, time=time, sequence=sequence, mark=text, curve=parts[0], cascades=parts[1])
        )

    @router.get(
        "/insurance",
        responses=answers(InsuranceView),
        summary="Liquidations- and value-at-risk; insurance against the two largest groups' losses",
        dependencies=heavy,
    )
    async def insurance() -> Response:
        await service.desk.settled()
        found, fund = census(service), int(service.columns["market_insurance"].sum())
        time, sequence = service.now, service.desk.sequence
        if found is None:
            return respond(_no_insurance(time, sequence, fund))
        bars = office.memory.bars(found.numbers, found.names)
        most = [int(service.columns["base_leverage"].item(number, 0)) for number in found.numbers]
        risk, need = await asyncio.to_thread(_insurance, found, bars, most, fund / 1e6)
        return respond(_insurance_view(rest, found, risk, need, (time, sequence, fund)))


def risk_view(office: RiskOffice) -> RiskView:
    """The risk engine now."""
    service = office.service
    columns, venue = service.columns, len(service.columns["market_price"])
    silence = columns["param"].item(venue, parameter.RISK_SILENCE_MS)
    looked = office.looked_ms
    markets = []
    for listing in service.universe.listings:
        watched = office.watched.get(listing.number)
        if watched is not None and watched.look is not None:
            markets.append(_market(office, listing, watched))
    return RiskView(
        time=service.now,
        sequence=service.desk.sequence,
        mode=office.mode,
        age_ms=None if looked is None else max(0, service.now - looked),
        took_ms=office.took_ms,
        is_silent=service.now - columns["cell"].item(state.RISK_TIME) > silence,
        serial=columns["cell"].item(state.RISK_SERIAL),
        signers=tuple(address_text(address) for address in office.signers),
        signers_needed=columns["param"].item(venue, parameter.RISK_SIGNERS),
        markets=tuple(markets),
    )


def _market(office: RiskOffice, listing: Listing, watched: Watched) -> MarketRiskView:
    look, stress = watched.look, watched.stress
    assert look is not None
    margins = look.margins
    live = office.service.columns["param"].item(listing.number, parameter.BREAKER)
    covered, (source, last) = office.past.coverage(listing.coin), health_of(office, listing)
    return MarketRiskView(
        coin=listing.coin,
        state=BREAKERS[stress.state],  # type: ignore[arg-type]
        breaker=BREAKERS[live],  # type: ignore[arg-type]
        stress=_text(stress.stress) or "0.0",
        signs=_signs(look.signs),
        new_risk=None if margins is None else rate_text(margins.new_risk_rate, RATE_ONE),
        maintenance=None if margins is None else rate_text(margins.maintenance_rate, RATE_ONE),
        volatility=_text(look.volatility) or "0.0",
        depth=usd_text(look.depth),
        model=office.model.model_id,
        source=source.value,
        last_data=last,
        hours=covered.hours,
        coverage=share_of(covered.new_risk, covered.hours),
        reasons=(*stress.reasons, *(() if margins is None else margins.reasons)),
    )


def _signs(signs: Signs) -> SignsView:
    return SignsView(**{name: _text(value) for name, value in signs._asdict().items()})


def _text(value: float) -> str | None:
    return None if math.isnan(value) else part(value)


def _proposal(made: Made) -> ProposalView:
    proposal, report = made.proposal, made.report
    return ProposalView(
        time=report.time,
        coin=report.coin,
        parameter=report.parameter,
        value=str(report.value),
        before=str(report.before),
        serial=proposal.serial,
        expires=proposal.expires,
        signers=made.mask,
        report="0x" + proposal.report.hex(),
        model=report.model,
        data=report.data,
        reasons=report.reasons,
        outcome=made.outcome,
    )


def proposal_of(office: RiskOffice, asked: ProposalRequest) -> tuple[Proposal, Report]:
    """What was sent as what was signed. BadInput for a parameter without rails or a coin that is none."""
    listing, columns = office.service.universe.coin(asked.report.coin), office.service.columns
    market, parameters = listing.number, MARKET
    if asked.asset is not None:
        if not 0 <= asked.asset < int(columns["cell"][state.ASSETS]):
            raise BadInput("asset", f"no collateral asset {asked.asset}")
        if columns["asset_market"].item(asked.asset) != listing.number:
            raise BadInput("report.coin", f"{listing.coin} is not the coin of collateral asset {asked.asset}")
        market, parameters = ASSETS_FROM + asked.asset, ASSET
    numbers = {terms.name: number for number, terms in parameters.items() if terms.rail is not None}
    if asked.report.parameter not in numbers:
        raise BadInput("report.parameter", f"{asked.report.parameter!r} has no rails")
    report = msgspec.convert(msgspec.structs.asdict(asked.report), Report)
    try:
        digest = bytes.fromhex(asked.hash.removeprefix("0x"))
    except ValueError as error:
        raise BadInput("hash", "expected hex") from error
    proposal = Proposal(
        market=market,
        number=numbers[report.parameter],
        amount=report.value,
        serial=asked.serial,
        expires=asked.expires,
        report=digest,
    )
    return proposal, report


def _exposure(
    listing: Listing, mark: int, found: Census | None, books: list[Resting]
) -> tuple[tuple[CurvePoint, ...], tuple[CascadeView, ...]]:
    if found is None:
        return (), ()
    row = found.numbers.index(listing.number)
    curve = liquidations_at(found.book, found.marks, row)
    points = tuple(
        CurvePoint(
            move=_text(move) or "0.0",
            price=listing.price_text(max(1, round(mark * (1.0 + move)))),
            accounts=int(curve.accounts[at]),
            longs=usd_text(round(1e6 * curve.longs_usd[at])),
            shorts=usd_text(round(1e6 * curve.shorts_usd[at])),
        )
        for at, move in enumerate(curve.moves)
    )
    if not all(book.bids or book.asks for book in books):
        return points, ()
    return points, tuple(_cascade(found, row, move, books) for move in CASCADES)


def _cascade(found: Census, row: int, move: float, books: list[Resting]) -> CascadeView:
    ended: Cascade = cascade(found.book, found.moved(row, move), books)
    return CascadeView(
        move=_text(move) or "0.0",
        first=int(ended.first.sum()),
        liquidated=int(ended.liquidated.sum()),
        impact=_text(float(ended.impact[row])) or "0.0",
        taken=usd_text(round(1e6 * ended.taken_usd[row])),
        left=usd_text(round(1e6 * ended.left_usd[row])),
    )


def _insurance(found: Census, bars: Bars, most: list[int], fund: float) -> tuple[tuple[float, float], Cover]:
    prior = {name: prior_sigma(leverage) for name, leverage in zip(found.names, most, strict=True)}
    moves = foresee(bars, prior, seed=SEED, paths=PATHS)
    top = found.book.table.price_max
    rows = [
        np.clip(np.rint(mark * np.exp(moves.of(name))), 1, top[at]).astype(np.int64).reshape(moves.paths, -1)
        for at, (name, mark) in enumerate(zip(found.names, found.marks, strict=True))
    ]
    risk = at_risk(found.book, np.stack(rows))
    need = cover(found.book, found.marks, found.groups, scenarios(found.names, moves), insurance_usd=fund)
    return (risk.liquidations_at_risk, risk.value_at_risk), need


def _insurance_view(
    rest: Rest, found: Census, risk: tuple[float, float], need: Cover, when: tuple[int, int, int]
) -> InsuranceView:
    return InsuranceView(
        time=when[0],
        sequence=when[1],
        accounts=found.book.accounts,
        liquidations_at_risk=usd_text(round(1e6 * risk[0])),
        value_at_risk=usd_text(round(1e6 * risk[1])),
        need=usd_text(round(1e6 * need.need_usd)),
        insurance=usd_text(when[2]),
        ratio=None if need.ratio is None else _text(need.ratio),
        scenarios=tuple(_scenario(rest, one) for one in need.losses[:SCENARIOS]),
    )


def _no_insurance(time: int, sequence: int, fund: int) -> InsuranceView:
    return InsuranceView(
        time=time,
        sequence=sequence,
        accounts=0,
        liquidations_at_risk="0.0",
        value_at_risk="0.0",
        need="0.0",
        insurance=usd_text(fund),
        ratio=None,
        scenarios=(),
    )


def _scenario(rest: Rest, loss: Loss) -> ScenarioView:
    persons = rest.service.people.persons
    return ScenarioView(
        name=loss.scenario,
        total=usd_text(round(1e6 * loss.total_usd)),
        cover=usd_text(round(1e6 * loss.cover_usd)),
        groups=tuple(
            GroupLoss(address=address_text(persons[group].address), loss=usd_text(round(1e6 * usd)))
            for group, usd in loss.groups
        ),
    )
