"""Views of the venue: its markets, the parameters and their changes, the funds behind their debts."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final, Literal

from seawall.ledger import state
from seawall.margin.certificate import LIVE
from seawall.terms import command, parameter
from seawall.terms.limits import SOURCES
from seawall.terms.parameter import DOWN, EITHER, MARKET, NEITHER, UP, Parameter
from seawall.terms.venue_parameter import VENUE
from seawall.units import FUNDING_ONE, RATE_ONE, UsdMicro
from seawall.venue.decimals import rate_text, usd_text
from seawall.venue.records import Change
from seawall.venue.rest.market_shapes import (
    ChangesView,
    ChangeView,
    FundsView,
    FundView,
    MarketView,
    ParametersView,
    ParameterView,
    PoolView,
    SourceView,
    TierView,
    VenueView,
)
from seawall.venue.rest.what_if import leverage_cap
from seawall.venue.rest.words import BREAKERS, SIGNERS, STATUSES, is_fresh, status_of
from seawall.venue.service import Service
from seawall.venue.universe import Listing

AT_ONCE: Final = {UP: "up", DOWN: "down", NEITHER: "neither", EITHER: "either"}
AMM, BACKSTOP = 0, 1  # places of a market's two pools


def venue_view(service: Service) -> VenueView:
    """The venue now."""
    columns, cell = service.columns, service.columns["cell"]
    return VenueView(
        name="seawall",
        version=version("seawall"),
        network=service.config.network.name,
        status=STATUSES[cell.item(state.VENUE_STATUS)],  # type: ignore[arg-type]
        time=service.now,
        sequence=service.desk.sequence,
        is_writing=service.desk.failed is None and not service.desk.is_stopping,
        has_faucet=service.config.faucet.enabled and service.config.bridge.local,
        markets=len(service.universe.listings),
        accounts=cell.item(state.ACCOUNTS),
        orders=cell.item(state.ORDERS_LIVE),
        waiting=service.desk.waiting,
        due=cell.item(state.QUEUED),
        vault=usd_text(cell.item(state.VAULT)),
        insurance=usd_text(int(columns["market_insurance"].sum())),
        bad_debt=usd_text(-cell.item(state.BAD_DEBT)),
    )


def market_view(service: Service, listing: Listing) -> MarketView:
    """A market now."""
    columns, market = service.columns, listing.number
    values, mark = columns["param"][market].tolist(), columns["market_price"].item(market)
    oracle, lots = columns["market_oracle"].item(market), columns["market_open"].item(market)
    interval = values[parameter.FUNDING_INTERVAL_MS]
    return MarketView(
        coin=listing.coin,
        market=market,
        status=STATUSES[status_of(columns, market)],  # type: ignore[arg-type]
        breaker=BREAKERS[values[parameter.BREAKER]],  # type: ignore[arg-type]
        size_decimals=listing.size_decimals,
        mark=listing.price_text(mark) if mark else None,
        index=listing.price_text(oracle) if oracle else None,
        is_fresh=is_fresh(columns, market),
        index_age_ms=service.now - columns["market_oracle_time"].item(market) if oracle else None,
        open_interest=listing.size_text(lots),
        open_interest_usd=usd_text(UsdMicro(lots * mark)),
        open_interest_cap=listing.size_text(values[parameter.OPEN_INTEREST_CAP]),
        max_leverage=leverage_cap(columns, market, "cross"),
        leverage_limit=_limit_of(columns, market),
        initial_live=rate_text(values[parameter.INITIAL_LIVE], RATE_ONE),
        tiers=tuple(_tiers(columns, market)),
        taker_fee=rate_text(values[parameter.TAKER_FEE], RATE_ONE),
        maker_fee=rate_text(values[parameter.MAKER_FEE], RATE_ONE),
        funding_rate=rate_text(columns["market_funding_rate"].item(market), FUNDING_ONE),
        funding_predicted=rate_text(service.lens.reader.quote(market).rate, FUNDING_ONE),
        next_funding=service.now - service.now % interval + interval,
        sources=tuple(_sources(service, listing)),
    )


def _limit_of(columns: Any, market: int) -> Literal["tier", "cap", "risk", "breaker"]:
    """What ends the leverage of new risk, the last of all that do."""
    live = columns["param"].item(market, parameter.LEVERAGE_CAP)
    if columns["param"].item(market, parameter.BREAKER) != parameter.NORMAL:
        return "breaker"
    if live >= columns["base_leverage"].item(market, 0):
        return "tier"
    return "risk" if live < columns["param_static"].item(market, parameter.LEVERAGE_CAP) else "cap"


def _tiers(columns: Any, market: int) -> list[TierView]:
    row = 2 * market + LIVE
    return [
        TierView(
            lower=usd_text(columns["tier_lower"].item(row, k)),
            max_leverage=columns["base_leverage"].item(market, k),
            maintenance=rate_text(columns["tier_rate"].item(row, k), RATE_ONE),
        )
        for k in range(columns["tier_count"].item(row))
    ]


def _sources(service: Service, listing: Listing) -> list[SourceView]:
    columns, market, found = service.columns, listing.number, []
    age_most = columns["param"].item(market, parameter.ORACLE_AGE_MS)
    for source in range(SOURCES):
        weight = columns["source_weight"].item(market, source)
        if weight == 0:
            continue
        price, is_perp = columns["source_price"].item(market, source), weight >= command.PERP
        age = service.now - columns["source_time"].item(market, source)
        found.append(
            SourceView(
                source=source,
                weight=weight - command.PERP if is_perp else weight,
                is_perp=is_perp,
                price=listing.price_text(price) if price else None,
                age_ms=age if price else None,
                is_live=bool(price) and age <= age_most,
            )
        )
    return found


def parameters_view(service: Service, listing: Listing | None) -> ParametersView:
    """All parameters of a market, or with None of the venue."""
    columns = service.columns
    row = len(columns["market_price"]) if listing is None else listing.number
    specs = VENUE if listing is None else MARKET
    found = [_parameter(columns, row, number, spec) for number, spec in specs.items()]
    return ParametersView(
        coin=None if listing is None else listing.coin,
        time=service.now,
        sequence=service.desk.sequence,
        parameters=tuple(found),
    )


def _parameter(columns: Any, row: int, number: int, spec: Parameter) -> ParameterView:
    start, rail = columns["param_from"].item(row, number), spec.rail
    changed = columns["param_time"].item(row, number)
    return ParameterView(
        name=spec.name,
        value=columns["param"].item(row, number),
        static=columns["param_static"].item(row, number),
        pending=columns["param_next"].item(row, number) if start else None,
        pending_from=start or None,
        changed=changed or None,
        unit=spec.unit,
        low=spec.low,
        high=spec.high,
        default=spec.value,
        reason=spec.reason,
        is_railed=rail is not None,
        step_up=None if rail is None else rail.up,
        step_down=None if rail is None else rail.down,
        loosening_delay_ms=None if rail is None else rail.delay_ms,
        tighter_is_up=None if rail is None else rail.tighter_is_up,
        admin_at_once=AT_ONCE[spec.at_once],  # type: ignore[arg-type]
    )


def changes_view(service: Service, changes: list[Change], reasons: Mapping[int, str]) -> ChangesView:
    """Changes of policy with what their operators wrote (by sequence)."""
    return ChangesView(changes=tuple(_change(service, change, reasons) for change in changes))


def _change(service: Service, change: Change, reasons: Mapping[int, str]) -> ChangeView:
    specs, name = VENUE if change.market < 0 else MARKET, str(change.number)
    word = None
    if change.kind == "parameter":
        name = specs[change.number].name
    elif change.kind == "status":
        name, word = "status", STATUSES[change.value]
    elif change.kind == "breaker":
        name, word = "breaker", BREAKERS[change.value]
    return ChangeView(
        time=change.time,
        sequence=change.sequence,
        coin=None if change.market < 0 else service.universe.listings[change.market].coin,
        kind=change.kind,  # type: ignore[arg-type]
        name=name,
        value=change.value,
        word=word,
        is_live=change.is_live,
        since=change.since,
        by=SIGNERS.get(change.signer, "account"),
        reason=reasons.get(change.sequence),
    )


def funds_view(service: Service) -> FundsView:
    """What stands behind the debts of each market."""
    cell = service.columns["cell"]
    return FundsView(
        time=service.now,
        sequence=service.desk.sequence,
        vault=usd_text(cell.item(state.VAULT)),
        pending_withdrawals=usd_text(cell.item(state.PENDING)),
        fees=usd_text(cell.item(state.FEES)),
        dust=usd_text(cell.item(state.DUST)),
        bad_debt=usd_text(-cell.item(state.BAD_DEBT)),
        funds=tuple(_fund(service, listing) for listing in service.universe.listings),
    )


def _fund(service: Service, listing: Listing) -> FundView:
    columns, market = service.columns, listing.number
    values = columns["param"][market].tolist()
    return FundView(
        coin=listing.coin,
        insurance=usd_text(columns["market_insurance"].item(market)),
        insurance_floor=usd_text(values[parameter.INSURANCE_FLOOR]),
        claim_cap=usd_text(values[parameter.CLAIM_CAP]),
        backstop=_pool(service, listing, BACKSTOP, usd_text(values[parameter.BACKSTOP_CAP])),
        amm=_pool(service, listing, AMM, listing.size_text(values[parameter.AMM_CAP])),
        short=usd_text(columns["market_short"].item(market)),
    )


def _pool(service: Service, listing: Listing, which: int, cap: str) -> PoolView:
    columns, market = service.columns, listing.number
    bucket = len(columns["bucket_raw"]) - 2 * (len(columns["market_price"]) - market) + which
    standing, slot = service.lens.reader.buckets(bucket)[0], columns["bucket_first"].item(bucket)
    shares = columns["market_shares_backstop" if which == BACKSTOP else "market_shares_amm"].item(market)
    return PoolView(
        equity=usd_text(standing.equity),
        position=listing.size_text(columns["slot_size"].item(slot)),
        notional=usd_text(standing.notional),
        cap=cap,
        shares=usd_text(shares),
    )
