"""A market's forecasts against static margins and realised moves, as the risk office has kept them."""

from typing import Final

from seawall.risk.engine import Judgement, Source
from seawall.terms import parameter
from seawall.units import RATE_ONE
from seawall.venue.rest.risk_shapes import CoverageView, HourView, RiskPastView
from seawall.venue.risk.judged import Hour, present
from seawall.venue.risk.office import RiskOffice
from seawall.venue.universe import Listing

DIGITS: Final = 6


def part(value: float) -> str:
    """A float as decimal text of at most six decimals."""
    return f"{round(value, DIGITS):.6f}".rstrip("0").ljust(3, "0")


def past_view(office: RiskOffice, listing: Listing, limit: int) -> RiskPastView:
    """The last `limit` hours of a market, and the one that runs."""
    source, last = health_of(office, listing)
    return RiskPastView(
        coin=listing.coin,
        time=office.service.now,
        sequence=office.service.desk.sequence,
        mode=office.mode,
        model=office.model.model_id,
        source=source.value,
        last_data=last,
        coverage=_coverage(office, listing.coin),
        present=_present(office, listing),
        hours=tuple(_hour(one) for one in office.past.of(listing.coin)[-limit:]),
    )


def health_of(office: RiskOffice, listing: Listing) -> tuple[Source, int | None]:
    """Where forecasts of a market come from, and the end of the newest bar behind them."""
    if office.looked_ms is None or listing.coin not in office.model.markets:
        return Source.STATIC, None
    last = office.model.last_ms(listing.coin)
    return office.model.source(listing.coin), last if last >= 0 else None


def share_of(count: int, hours: int) -> str | None:
    """A share of the hours; None of none."""
    return part(count / hours) if hours else None


def _coverage(office: RiskOffice, coin: str) -> CoverageView:
    found = office.past.coverage(coin)
    return CoverageView(
        hours=found.hours,
        target=part(1.0 - office.model.settings.alpha),
        new_risk=share_of(found.new_risk, found.hours),
        open_positions=share_of(found.open_positions, found.hours),
        static_initial=share_of(found.initial, found.hours),
        static_maintenance=share_of(found.maintenance, found.hours),
    )


def _present(office: RiskOffice, listing: Listing) -> HourView | None:
    if office.looked_ms is None or listing.coin not in office.model.markets:
        return None
    told = present(office.model, listing.coin, office.service.now, list(office.memory.of(listing.number).minutes))
    rails = office.rails(listing)
    live = office.service.columns["param"].item(listing.number, parameter.INITIAL_LIVE)
    initial, maintenance = rails.static_new_risk / RATE_ONE, rails.static_maintenance / RATE_ONE
    return _hour(Hour(told, initial, maintenance, live / RATE_ONE, False))


def _hour(one: Hour) -> HourView:
    told: Judgement = one.judged
    has_margins, has_move = told.new_risk > 0.0, told.move == told.move
    return HourView(
        start=told.start_ms,
        new_risk=part(told.new_risk) if has_margins else None,
        open_positions=part(told.open_positions) if has_margins else None,
        static_initial=part(one.initial),
        static_maintenance=part(one.maintenance),
        live_initial=part(one.live_initial),
        move=part(told.move) if has_move else None,
        is_replayed=one.is_replayed,
    )
