"""Views of an account: its margin and its positions."""

from fractions import Fraction
from typing import Any, Final, Literal

import msgspec

from seawall.ledger import state
from seawall.margin.health import Health, Level, funding_of, health, unrealised_of
from seawall.margin.requirement import initial_of, position_maintenance_numerator
from seawall.terms import command
from seawall.terms.bucket import Bucket, MarginMode, Position
from seawall.terms.conditions import MarginPolicy
from seawall.tools.account_file import Account
from seawall.tools.figures import text_of
from seawall.tools.liq import exact_ratio, point_of, side_of
from seawall.units import (
    FUNDING_INDEX_PER_MICRO,
    FUNDING_ONE,
    RATE_ONE,
    FundingIndex,
    Lots,
    Rate,
    Side,
    UsdMicro,
    ceil_div,
    floor_div,
    pending_funding,
    share,
)
from seawall.venue.decimals import rate_text, usd_text
from seawall.venue.names import address_of, address_text
from seawall.venue.reads import Reads
from seawall.venue.rest.account_shapes import (
    AccountView,
    BucketView,
    FundingAheadView,
    PositionsView,
    PositionView,
    Withdrawals,
)
from seawall.venue.rest.errors import ApiError
from seawall.venue.rest.terms import account_of, buckets_of, slots_of
from seawall.venue.service import Service
from seawall.venue.universe import Listing
from seawall.venue.views.figures import BucketFigures

Mode = Literal["tiered", "portfolio"]
LEVELS: Final = list(Level)
RESTING_NOTHING: Final = "0.0"


def account_number(service: Service, text: str) -> int:
    """The account of an address. ApiError when it has none, BadInput when it is no address."""
    account = service.people.account_of(address_of(text, "address"))
    if account < 0:
        raise ApiError("unknown_account")
    return account


def account_view(service: Service, reads: Reads, account: int) -> AccountView:
    """The account now."""
    columns, people = service.columns, service.people
    terms = account_of(columns, service.universe, account)
    figures = {one.bucket: one for one in service.lens.reader.account(account)}
    views = []
    for number, named in zip(buckets_of(columns, account), terms.buckets, strict=True):
        one, found = figures[number], _health_of(named.bucket, terms)
        if one.is_portfolio:
            found = by_scenarios(found, one, terms.policy)
        leaving = UsdMicro(0 if one.is_liquidated else one.leaving)
        mode: Mode = "portfolio" if one.is_portfolio else "tiered"
        views.append(view_of_health(named.name, found, terms.policy, leaving, positions_in(named.bucket), mode))
    person = people.persons[account]
    spot = people.persons[person.master].spot
    outside = columns["bucket_raw"].item(spot) if spot >= 0 else 0
    return AccountView(
        address=address_text(person.address),
        account=account,
        master=address_text(people.persons[person.master].address),
        time=service.now,
        sequence=service.desk.sequence,
        equity=usd_text(sum(_health_of(named.bucket, terms).equity for named in terms.buckets)),
        notional=usd_text(sum(_health_of(named.bucket, terms).notional for named in terms.buckets)),
        free=views[0].free,
        withdrawable=views[0].withdrawable,
        outside_margin=usd_text(outside),
        level=max((view.level for view in views), key=lambda level: LEVELS.index(Level(level))),
        buckets=tuple(views),
        withdrawals=withdrawals_of(columns, reads, account),
    )


def bucket_view(name: str, bucket: Bucket, terms: Account, withdrawable: UsdMicro) -> BucketView:
    """A bucket under the account's terms; what may leave it is the caller's to know."""
    mode: Mode = "tiered" if bucket.mode is MarginMode.TIERED else "portfolio"
    return view_of_health(name, terms.health(bucket), terms.policy, withdrawable, positions_in(bucket), mode)


def by_scenarios(found: Health, figures: BucketFigures, policy: MarginPolicy) -> Health:
    """A health with the requirements of portfolio margin, as the engine measures them."""
    needed = UsdMicro(figures.maintenance)
    end = share(needed, Rate(RATE_ONE + policy.exit_buffer), Side.UP)
    return msgspec.structs.replace(found, maintenance=needed, liquidation_end=end, initial=UsdMicro(figures.initial))


def view_of_health(
    name: str, found: Health, policy: MarginPolicy, withdrawable: UsdMicro, positions: int, mode: Mode = "tiered"
) -> BucketView:
    """A health in the words of the API."""
    floor = max(found.initial, share(found.notional, policy.withdrawal_floor, Side.UP) + found.reserved)
    solvent = found.equity > 0
    return BucketView(
        bucket=name,
        mode=mode,
        level=found.level.value,
        equity=usd_text(found.equity),
        cash=usd_text(found.cash),
        unrealised=usd_text(found.unrealised),
        pending_funding=usd_text(found.pending_funding),
        free=usd_text(found.free),
        withdrawable=usd_text(withdrawable),
        used=usd_text(found.initial),
        floor=usd_text(floor),
        maintenance=usd_text(found.maintenance),
        liquidation_end=usd_text(found.liquidation_end),
        initial=usd_text(found.initial),
        reserved=usd_text(found.reserved),
        notional=usd_text(found.notional),
        margin_ratio=text_of(Fraction(found.maintenance, found.equity)) if solvent else None,
        leverage=text_of(Fraction(found.notional, found.equity)) if solvent else None,
        positions=positions,
    )


def positions_in(bucket: Bucket) -> int:
    """How many positions a bucket holds; a market with resting orders alone is none."""
    return sum(position.size != 0 for position in bucket.positions)


def withdrawals_of(columns: Any, reads: Reads, account: int) -> Withdrawals:
    """What stands between the account and a withdrawal."""
    now, until = columns["cell"].item(state.NOW), columns["cell"].item(state.GATE_UNTIL)
    is_halted = columns["cell"].item(state.VENUE_STATUS) == command.HALTED
    used = columns["cell"].item(state.WITHDRAWALS_USED)
    mine = columns["withdrawal_account"][:used] == account
    is_pending = mine & (columns["withdrawal_id"][:used] != 0)
    return Withdrawals(
        are_open=not is_halted and now >= until,
        closed_until=until if now < until else None,
        limit_left=usd_text(reads.limit_left()),
        pending=usd_text(int(columns["withdrawal_amount"][:used][is_pending].sum())),
    )


def positions_view(service: Service, account: int) -> PositionsView:
    """The account's positions now."""
    columns = service.columns
    terms = account_of(columns, service.universe, account)
    found = []
    figures = {one.bucket: one for one in service.lens.reader.account(account)}
    for number, named in zip(buckets_of(columns, account), terms.buckets, strict=True):
        searched = {one.market: one.scenario_price for one in figures[number].positions}
        chosen = {columns["slot_market"].item(s): columns["slot_leverage"].item(s) for s in slots_of(columns, number)}
        due = bool(columns["bucket_liquidating"].item(number) or columns["bucket_class"].item(number))
        for position in named.bucket.positions:
            if position.size:
                market = service.universe.by_coin[position.market].number
                if figures[number].is_portfolio:
                    point = Fraction(searched[market]) if searched[market] else None
                else:
                    point = point_of(terms, named.name, position)
                found.append(_position_view(service, terms, named.name, position, chosen[market], due, point))
    return PositionsView(
        address=address_text(service.people.persons[account].address),
        time=service.now,
        sequence=service.desk.sequence,
        positions=tuple(view for _, view in sorted(found, key=lambda pair: pair[0])),
    )


def position_line(
    service: Service, terms: Account, bucket: str, position: Position, point: Fraction | None
) -> tuple[Fraction, PositionView]:
    """A position that is only in view, with its liquidation price (`point_of`), by how near that is."""
    return _position_view(service, terms, bucket, position, position.leverage, False, point)


def funding_ahead(service: Service, listing: Listing, size: Lots) -> FundingAheadView:
    """What funding a position of so many lots would be credited (below 0: pay), as the engine counts it: index times
    the rate of this interval if it ended now, each stretch rounded down once."""
    quote = service.lens.reader.quote(listing.number)

    def within(hours: int) -> str:
        step = FundingIndex(floor_div(quote.oracle * quote.rate * hours, FUNDING_INDEX_PER_MICRO))
        return usd_text(pending_funding(size, step, FundingIndex(0)))

    rate = rate_text(quote.rate, FUNDING_ONE)
    return FundingAheadView(rate=rate, hour_1=within(1), hours_8=within(8), hours_24=within(24))


def _position_view(
    service: Service,
    terms: Account,
    name: str,
    position: Position,
    leverage: int,
    is_due: bool,
    point: Fraction | None,
) -> tuple[Fraction, PositionView]:
    listing = service.universe.coin(position.market)
    place, side, conditions = terms.place(position.market), side_of(position), terms.conditions
    price = None if point is None else place.scale.price_usd(point)
    distance = None if price is None else price / place.mark_usd - 1
    own = ceil_div(position_maintenance_numerator(place.market, place.mark.mark, position.size), RATE_ONE)
    view = PositionView(
        coin=position.market,
        bucket=name,
        side=side.value,
        size=listing.size_text(abs(position.size)),
        entry_price=listing.average_text(position.entry_notional, position.size),
        mark=listing.price_text(place.mark.mark),
        value=usd_text(abs(position.size) * place.mark.mark),
        unrealised=usd_text(unrealised_of(position, conditions)),
        pending_funding=usd_text(funding_of(position, conditions)),
        funding_ahead=funding_ahead(service, listing, position.size),
        leverage=leverage,
        maintenance=usd_text(own),
        initial=usd_text(initial_of(place.market, place.mark, position.size, position.leverage)),
        liquidation_price=None if price is None else text_of(price),
        liquidation_price_exact=exact_ratio(price),
        distance=None if distance is None else text_of(distance),
        resting_bids=listing.size_text(position.bids),
        resting_asks=listing.size_text(position.asks),
        is_being_liquidated=is_due,
    )
    return (Fraction(10**9) if distance is None else abs(distance)), view


def _health_of(bucket: Bucket, terms: Account) -> Health:
    return health(bucket, terms.conditions)
