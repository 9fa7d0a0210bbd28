"""`seawall account leverage`: what a leverage means as an adverse move, long and short."""

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from seawall.margin.health import health
from seawall.margin.liquidation_price import liquidation_prices
from seawall.pricing.funding import index_step
from seawall.terms.market import tier_of
from seawall.tools.carry import HOURS_MAX, FundingTerms
from seawall.tools.liq import relevant
from seawall.tools.plan import TRADE_COIN, Direction, MarketWords, Plan, described
from seawall.tools.scales import usd_of
from seawall.units import RATE_ONE, BadInput, FundingIndex, Rate, Side, UsdMicro, share

LEVERAGES = (2, 5, 10, 25, 40)  # the guide's table
ROWS_MAX = 100


class Assumed(msgspec.Struct, frozen=True, kw_only=True):
    """What every row shares. `hours` of `funding` at the entry price pass before the move."""

    margin: UsdMicro
    entry: Fraction
    fee: Rate = Rate(0)
    funding: FundingTerms | None = None
    hours: int = 0


class SideMove(msgspec.Struct, frozen=True, kw_only=True):
    """Signed share of the entry price at which one side is liquidated; None where no price does."""

    move_that_liquidates: Fraction | None
    liquidation_price_usd: Fraction | None
    is_liquidatable_at_once: bool
    funding_usd: Fraction  # negative: paid


class LeverageRow(msgspec.Struct, frozen=True, kw_only=True):
    """One leverage. The move that loses the margin ignores fees, funding and maintenance; the others have them all."""

    leverage: int
    margin_usd: Fraction
    position_usd: Fraction
    is_allowed: bool  # by the market's tier at this notional
    maintenance_rate: Fraction  # of that tier
    move_that_loses_margin: Fraction
    long: SideMove
    short: SideMove


class LeverageTable(msgspec.Struct, frozen=True, kw_only=True):
    """The table and what it assumed."""

    entry_usd: Fraction
    fee: Fraction
    funding_rate_hour: Fraction
    hours: int
    rows: tuple[LeverageRow, ...]


def leverage_table(
    words: MarketWords, assumed: Assumed, leverages: Sequence[int] = LEVERAGES, *, coin: str = TRADE_COIN
) -> LeverageTable:
    """Adverse moves for each leverage of a position of margin x leverage USD.

    The liquidating move pays the fee to open and to close, and the hours of funding.
    """
    if not 1 <= len(leverages) <= ROWS_MAX:
        raise BadInput("leverages", f"{len(leverages)} of them, expected 1 to {ROWS_MAX}")
    if assumed.margin <= 0:
        raise BadInput("margin", "not above zero")
    if not 0 <= assumed.hours <= HOURS_MAX:
        raise BadInput("hours", f"{assumed.hours} is outside 0..{HOURS_MAX}")
    return LeverageTable(
        entry_usd=assumed.entry,
        fee=Fraction(assumed.fee, RATE_ONE),
        funding_rate_hour=Fraction(0) if assumed.funding is None else assumed.funding.per_hour,
        hours=assumed.hours,
        rows=tuple(_row(words, assumed, leverage=leverage, coin=coin) for leverage in leverages),
    )


def _row(words: MarketWords, assumed: Assumed, *, leverage: int, coin: str) -> LeverageRow:
    size = usd_of(assumed.margin * leverage) / assumed.entry
    plans = {
        side: described(words, coin=coin, side=side, size=size, entry=assumed.entry, leverage=leverage)
        for side in Direction
    }
    plan = plans[Direction.LONG]
    tier = tier_of(plan.place.market.tiers, plan.notional)
    return LeverageRow(
        leverage=leverage,
        margin_usd=usd_of(assumed.margin),
        position_usd=usd_of(plan.notional),
        is_allowed=leverage <= tier.max_leverage,
        maintenance_rate=Fraction(tier.maintenance, RATE_ONE),
        move_that_loses_margin=Fraction(assumed.margin, plan.notional),
        long=_side(plan, assumed),
        short=_side(plans[Direction.SHORT], assumed),
    )


def _side(plan: Plan, assumed: Assumed) -> SideMove:
    index = FundingIndex(0)
    if assumed.funding is not None and assumed.hours:
        index = index_step(plan.place.mark.oracle, assumed.funding.hourly, assumed.hours)
    held = msgspec.structs.replace(plan, funding_index=index)
    bucket = held.isolated(UsdMicro(assumed.margin - share(plan.notional, assumed.fee, Side.UP)))
    state = health(bucket, held.conditions)
    point = relevant(liquidation_prices(bucket, held.conditions, plan.coin, assumed.fee), plan.direction)
    price = None if point is None else plan.place.scale.price_usd(point)
    return SideMove(
        move_that_liquidates=None if price is None else price / plan.entry - 1,
        liquidation_price_usd=price,
        is_liquidatable_at_once=state.is_liquidatable,
        funding_usd=usd_of(state.pending_funding),
    )
