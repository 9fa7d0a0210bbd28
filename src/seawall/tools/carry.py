"""`seawall account carry`: funding paid or earned over a holding time, and when a basis trade breaks even."""

from fractions import Fraction

import msgspec

from seawall.pricing.funding import INTERVALS_HOURS, index_step, payment
from seawall.terms import limits
from seawall.tools.plan import Direction
from seawall.tools.scales import usd_of
from seawall.units import (
    FUNDING_ONE,
    USD_ONE,
    BadInput,
    FundingIndex,
    FundingRate,
    Lots,
    Price,
    Rate,
    Side,
    UsdMicro,
    half_even_div,
    share,
)

HOURS_A_DAY = 24
HOURS_A_YEAR = 24 * 365
HOURS_MAX = 24 * 365 * 10
TIMING = "only positions open at the payment pay or earn: opening just before one adds it, closing just before saves it"
RATE_MAX = Fraction(1, 2)  # funding of more than half the notional an interval is a slip of the keyboard


class FundingTerms(msgspec.Struct, frozen=True, kw_only=True):
    """A funding rate with the interval it is paid on: never one without the other."""

    rate: Fraction
    interval_hours: int

    @property
    def per_hour(self) -> Fraction:
        return self.rate / self.interval_hours

    @property
    def hourly(self) -> FundingRate:
        """The rate an hour in 1e-12, nearest, ties to even."""
        exact = self.per_hour * FUNDING_ONE
        return FundingRate(half_even_div(exact.numerator, exact.denominator))


def funding_terms(rate: Fraction, interval_hours: int) -> FundingTerms:
    """Checked FundingTerms. Positive: longs pay shorts."""
    if interval_hours not in INTERVALS_HOURS:
        raise BadInput("interval", f"{interval_hours} h is not one of {', '.join(map(str, INTERVALS_HOURS))} h")
    if abs(rate) > RATE_MAX:
        raise BadInput(
            "rate", f"{float(rate):g} an interval is absurd (1 is 100 %, 0.01% may be written with its sign)"
        )
    return FundingTerms(rate=rate, interval_hours=interval_hours)


class FundingCarry(msgspec.Struct, frozen=True, kw_only=True):
    """Funding of one perpetual position held at a constant price. Positive amounts are earned, negative paid."""

    side: Direction
    notional_usd: Fraction
    rate: Fraction
    interval_hours: int
    rate_per_hour: Fraction
    rate_per_8_hours: Fraction
    rate_per_year: Fraction
    hours: int
    payments: int
    funding_per_payment_usd: Fraction
    funding_per_day_usd: Fraction
    funding_usd: Fraction
    funding_share: Fraction  # of notional
    trading_fees_usd: Fraction
    net_usd: Fraction


def funding_carry(
    terms: FundingTerms, *, side: Direction, notional: UsdMicro, hours: int, fee: Rate = Rate(0)
) -> FundingCarry:
    """Funding over `hours`: one payment for every whole interval held, each rounded down as the venue settles it.

    Who opens just before a payment meets one more, who closes just before, one less. `fee` is paid on both fills.
    """
    _check_hours(hours)
    count = hours // terms.interval_hours
    each = paid_once(terms, side=side, notional=notional)
    fees = 2 * share(notional, fee, Side.UP)
    daily = Fraction(each * HOURS_A_DAY, terms.interval_hours)
    return FundingCarry(
        side=side,
        notional_usd=usd_of(notional),
        rate=terms.rate,
        interval_hours=terms.interval_hours,
        rate_per_hour=terms.per_hour,
        rate_per_8_hours=terms.per_hour * 8,
        rate_per_year=terms.per_hour * HOURS_A_YEAR,
        hours=hours,
        payments=count,
        funding_per_payment_usd=usd_of(each),
        funding_per_day_usd=usd_of(daily),
        funding_usd=usd_of(each * count),
        funding_share=Fraction(each * count, notional),
        trading_fees_usd=usd_of(fees),
        net_usd=usd_of(each * count - fees),
    )


def paid_once(terms: FundingTerms, *, side: Direction, notional: UsdMicro) -> UsdMicro:
    """One interval's funding of a position: negative when paid, rounded down for payer and receiver."""
    if notional <= 0:
        raise BadInput("notional", "not above zero")
    step = index_step(Price(notional), terms.hourly, terms.interval_hours)
    return payment(Lots(side.sign), step, FundingIndex(0))


def holding_hours(hours: int | None, days: int | None) -> int:
    """Hours from the one of the two that is given."""
    if (hours is None) == (days is None):
        raise BadInput("hours", "give --hours or --days (one of them)")
    return hours if hours is not None else HOURS_A_DAY * (days or 0)


def _check_hours(hours: int) -> None:
    if not 1 <= hours <= HOURS_MAX:
        raise BadInput("hours", f"{hours} is outside 1..{HOURS_MAX}")


class BasisTrade(msgspec.Struct, frozen=True, kw_only=True):
    """Spot against perpetual of the same size. Positive amounts are gained."""

    spot_side: Direction
    perp_side: Direction
    size: Fraction
    spot_usd: Fraction
    perp_usd: Fraction
    basis_share: Fraction  # perp / spot - 1 at entry
    basis_gain_usd: Fraction  # if the two prices meet
    spot_fees_usd: Fraction  # both fills
    perp_fees_usd: Fraction
    fees_usd: Fraction
    capital_usd: Fraction  # spot bought (or lent against) plus perp margin
    interval_hours: int
    rate_per_hour: Fraction
    funding_per_day_usd: Fraction
    break_even_days: Fraction | None  # funding alone pays the fees; None: never
    break_even_days_if_prices_meet: Fraction | None
    hours: int
    payments: int
    funding_usd: Fraction
    net_usd: Fraction  # funding less fees, the basis unchanged
    net_if_prices_meet_usd: Fraction
    annualised_on_notional: Fraction
    annualised_on_capital: Fraction


class BasisTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The two legs of a basis trade."""

    size: Fraction
    spot: Fraction
    perp: Fraction
    spot_fee: Rate
    perp_fee: Rate
    leverage: int


def basis_trade(terms: FundingTerms, legs: BasisTerms, *, hours: int) -> BasisTrade:
    """Carry of the trade that earns this funding: long spot and short perp when it is positive, the reverse when not.

    Funding is measured on the perp's entry price; fees round up on each of the four fills.
    """
    _check_hours(hours)
    if not 1 <= legs.leverage <= limits.LEVERAGE_MAX:
        raise BadInput("leverage", f"{legs.leverage} is outside 1..{limits.LEVERAGE_MAX}")
    perp_side = Direction.SHORT if terms.rate >= 0 else Direction.LONG
    spot_value, perp_value = _micro(legs.size * legs.spot), _micro(legs.size * legs.perp)
    each = paid_once(terms, side=perp_side, notional=perp_value)
    count = hours // terms.interval_hours
    spot_fees = 2 * share(spot_value, legs.spot_fee, Side.UP)
    perp_fees = 2 * share(perp_value, legs.perp_fee, Side.UP)
    fees, daily = spot_fees + perp_fees, Fraction(each * HOURS_A_DAY, terms.interval_hours)
    converged = (spot_value - perp_value) * perp_side.sign
    capital = spot_value + Fraction(perp_value, legs.leverage)
    net = each * count - fees
    yearly = Fraction(HOURS_A_YEAR, hours)
    return BasisTrade(
        spot_side=Direction.LONG if perp_side is Direction.SHORT else Direction.SHORT,
        perp_side=perp_side,
        size=legs.size,
        spot_usd=legs.spot,
        perp_usd=legs.perp,
        basis_share=legs.perp / legs.spot - 1,
        basis_gain_usd=usd_of(converged),
        spot_fees_usd=usd_of(spot_fees),
        perp_fees_usd=usd_of(perp_fees),
        fees_usd=usd_of(fees),
        capital_usd=usd_of(capital),
        interval_hours=terms.interval_hours,
        rate_per_hour=terms.per_hour,
        funding_per_day_usd=usd_of(daily),
        break_even_days=_days(fees, daily),
        break_even_days_if_prices_meet=_days(fees - converged, daily),
        hours=hours,
        payments=count,
        funding_usd=usd_of(each * count),
        net_usd=usd_of(net),
        net_if_prices_meet_usd=usd_of(net + converged),
        annualised_on_notional=Fraction(net, perp_value) * yearly,
        annualised_on_capital=net / capital * yearly,
    )


def _micro(usd_value: Fraction) -> UsdMicro:
    """USD -> micro-USD, nearest. Refused when it is less than a micro-USD."""
    exact = usd_value * USD_ONE
    value = half_even_div(exact.numerator, exact.denominator)
    if value <= 0:
        raise BadInput("size", "is worth less than a micro-USD")
    return UsdMicro(value)


def _days(cost: int, daily: Fraction) -> Fraction | None:
    """Days of funding that pay `cost`; 0 when there is nothing to pay, None when funding never does."""
    if cost <= 0:
        return Fraction(0)
    return cost / daily if daily > 0 else None
