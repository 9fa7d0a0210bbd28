"""Funding: what longs pay shorts so that the perp stays at its index (SPEC section 7).

Rates are FundingRate (1e-12), indices FundingIndex (1e-12 USD per lot, cumulative). A positive rate is paid by longs.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import msgspec

from seawall.units import (
    FUNDING_INDEX_PER_MICRO,
    FUNDING_ONE,
    BadInput,
    FundingIndex,
    FundingRate,
    Lots,
    Price,
    TimeMs,
    UsdMicro,
    floor_div,
    half_even_div,
    pending_funding,
)

HOUR_MS: Final = 3_600_000
INTERVALS_HOURS: Final = (1, 4, 8)


class SkewTerm(msgspec.Struct, frozen=True, kw_only=True):
    """An addition to the hourly rate in proportion to the skew of open interest: `rate_max` at a skew of `scale`."""

    scale: UsdMicro  # long minus short notional at which the term is full
    rate_max: FundingRate


class FundingRules(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of a market's funding from `effective_from` on. The defaults are Hyperliquid's of today."""

    interest: FundingRate = FundingRate(FUNDING_ONE // 10_000)  # 1 bp
    clamp: FundingRate = FundingRate(FUNDING_ONE // 2_000)  # 5 bp, each way
    divisor: int = 8  # premium and interest are for this many hours
    cap: FundingRate = FundingRate(FUNDING_ONE // 25)  # 4 % an hour, each way
    interval_hours: int = 1
    skew: SkewTerm | None = None
    effective_from: TimeMs = TimeMs(0)


class Premiums(msgspec.Struct, frozen=True):
    """Premium samples of one interval: their sum and their number."""

    total: int = 0
    count: int = 0


def check_rules(rules: FundingRules) -> FundingRules:
    """The rules themselves, or BadInput naming the parameter that is out of range."""
    if abs(rules.interest) > FUNDING_ONE:
        raise BadInput("funding.interest", f"{rules.interest} is beyond 100 %")
    if not 0 <= rules.clamp <= FUNDING_ONE:
        raise BadInput("funding.clamp", f"{rules.clamp} is outside 0..100 %")
    if not 1 <= rules.divisor <= 24:
        raise BadInput("funding.divisor", f"{rules.divisor} is outside 1..24 hours")
    if not 0 < rules.cap <= FUNDING_ONE:
        raise BadInput("funding.cap", f"{rules.cap} is outside (0, 100 %] an hour")
    if rules.interval_hours not in INTERVALS_HOURS:
        raise BadInput("funding.interval_hours", f"{rules.interval_hours} is not 1, 4 or 8")
    if rules.effective_from < 0:
        raise BadInput("funding.effective_from", f"{rules.effective_from} is negative")
    if rules.skew is not None and (rules.skew.scale <= 0 or not 0 <= rules.skew.rate_max <= rules.cap):
        raise BadInput("funding.skew", "the scale must be positive and the rate within 0..cap")
    return rules


def rules_at(schedule: Sequence[FundingRules], time: TimeMs) -> FundingRules:
    """The rules in force at `time`: those with the latest `effective_from` not after it.

    Raises BadInput when none is in force yet or two begin at the same time.
    """
    if len({rules.effective_from for rules in schedule}) != len(schedule):
        raise BadInput("funding.effective_from", "two rules begin at the same time")
    begun = [rules for rules in schedule if rules.effective_from <= time]
    if not begun:
        raise BadInput("funding.effective_from", f"no rules are in force at {time}")
    return max(begun, key=lambda rules: rules.effective_from)


def premium_sample(index: Price, impact_bid: Price | None, impact_ask: Price | None) -> FundingRate:
    """`(max(0, impact_bid - index) - max(0, index - impact_ask)) / index`, half-even at 1e-12.

    A side too thin for an impact price (None) adds nothing. Raises BadInput for prices that are not positive and for
    an impact bid above the impact ask.
    """
    _check_impact(index, impact_bid, impact_ask)
    above = 0 if impact_bid is None else max(0, impact_bid - index)
    below = 0 if impact_ask is None else max(0, index - impact_ask)
    return FundingRate(half_even_div((above - below) * FUNDING_ONE, index))


def premium_mid_sample(index: Price, impact_bid: Price, impact_ask: Price) -> FundingRate:
    """`(impact_bid + impact_ask) / 2 / index - 1`, half-even at 1e-12: the rule of builder-deployed perps.

    Raises BadInput as `premium_sample` does.
    """
    _check_impact(index, impact_bid, impact_ask)
    return FundingRate(half_even_div((impact_bid + impact_ask - 2 * index) * FUNDING_ONE, 2 * index))


def add_sample(premiums: Premiums, sample: FundingRate) -> Premiums:
    """The samples with one more."""
    return Premiums(premiums.total + sample, premiums.count + 1)


def mean_premium(premiums: Premiums) -> FundingRate:
    """Mean of the interval's samples, half-even at 1e-12. BadInput when there is none: no rate can be told."""
    if premiums.count <= 0:
        raise BadInput("funding.samples", "no premium sample in the interval")
    return FundingRate(half_even_div(premiums.total, premiums.count))


def rate_hour(premium: FundingRate, rules: FundingRules, skew: UsdMicro = UsdMicro(0)) -> FundingRate:
    """Hourly rate: `clamp((P + clamp(I - P, -c, +c)) / N + skew term, -cap, +cap)`, half-even once at 1e-12.

    `premium` is the interval's mean, `skew` long minus short notional in micro-USD, read only with a skew term.
    """
    correction = max(-rules.clamp, min(rules.clamp, rules.interest - premium))
    exact = Fraction(premium + correction, rules.divisor)
    if rules.skew is not None:
        bounded = max(-rules.skew.scale, min(rules.skew.scale, skew))
        exact += Fraction(rules.skew.rate_max * bounded, rules.skew.scale)
    rounded = half_even_div(exact.numerator, exact.denominator)
    return FundingRate(max(-rules.cap, min(rules.cap, rounded)))


def index_step(oracle: Price, hourly: FundingRate, hours: int = 1) -> FundingIndex:
    """Step of the funding index for `hours` at an hourly rate: `floor(price * rate * hours / 1e6)`.

    Raises BadInput for a price or a number of hours that is not positive.
    """
    if oracle <= 0 or hours <= 0:
        raise BadInput("funding.price", "the oracle price and the hours must be positive")
    return FundingIndex(floor_div(oracle * hourly * hours, FUNDING_INDEX_PER_MICRO))


def payment(size: Lots, index: FundingIndex, entry_index: FundingIndex) -> UsdMicro:
    """What a position of `size` receives (negative: pays) since `entry_index`, rounded down for payer and receiver."""
    return pending_funding(size, index, entry_index)


def dust(payments: Sequence[UsdMicro]) -> UsdMicro:
    """What rounding left over when a market's positions were all paid: goes to the dust account, sum + dust = 0."""
    return UsdMicro(-sum(payments))


def next_payment(time: TimeMs, interval_hours: int) -> TimeMs:
    """The first payment strictly after `time`, on multiples of the interval from midnight UTC."""
    if interval_hours not in INTERVALS_HOURS:
        raise BadInput("funding.interval_hours", f"{interval_hours} is not 1, 4 or 8")
    length = interval_hours * HOUR_MS
    return TimeMs((floor_div(time, length) + 1) * length)


def payments_due(previous: TimeMs, now: TimeMs, interval_hours: int) -> tuple[TimeMs, ...]:
    """Payment times in (previous, now], oldest first. BadInput when time runs backwards or the gap is over a year."""
    if not 0 <= now - previous <= 366 * 24 * HOUR_MS:
        raise BadInput("funding.time", f"{now - previous} ms between payments is outside 0..one year")
    first, length = next_payment(previous, interval_hours), interval_hours * HOUR_MS
    return tuple(TimeMs(time) for time in range(first, now + 1, length))


def _check_impact(index: Price, impact_bid: Price | None, impact_ask: Price | None) -> None:
    for field, value in (("index", index), ("impact_bid", impact_bid), ("impact_ask", impact_ask)):
        if value is not None and value <= 0:
            raise BadInput(f"funding.{field}", f"{value} is not a positive price")
    if impact_bid is not None and impact_ask is not None and impact_bid > impact_ask:
        raise BadInput("funding.impact_bid", f"{impact_bid} is above the impact ask {impact_ask}")
