"""Funding: samples, means, rates and payments by hand, ties and bounds included."""

import msgspec
import pytest

from seawall.pricing.funding import (
    HOUR_MS,
    FundingRules,
    Premiums,
    SkewTerm,
    add_sample,
    check_rules,
    dust,
    index_step,
    mean_premium,
    next_payment,
    payment,
    payments_due,
    premium_mid_sample,
    premium_sample,
    rate_hour,
    rules_at,
)
from seawall.units import BadInput, FundingIndex, FundingRate, Lots, Price, TimeMs, UsdMicro

BP = 10**8  # of FundingRate


@pytest.mark.parametrize(
    "bid, ask, expected",
    [
        (100_010, 100_020, BP),  # the whole book above the index
        (99_970, 99_990, -BP),
        (99_990, 100_010, 0),
        (None, None, 0),
        (100_010, None, BP),
        (None, 99_990, -BP),
    ],
)
def test_premium_sample(bid: int | None, ask: int | None, expected: int) -> None:
    sides = [None if side is None else Price(side) for side in (bid, ask)]
    assert premium_sample(Price(100_000), sides[0], sides[1]) == expected


def test_premium_rounds_half_to_even() -> None:
    index = Price(2 * 10**12)
    assert premium_sample(index, Price(index + 1), None) == 0  # 0.5
    assert premium_sample(index, Price(index + 3), None) == 2  # 1.5
    assert premium_mid_sample(index, Price(index), Price(index + 2)) == 0
    assert premium_mid_sample(Price(100_000), Price(100_010), Price(100_030)) == 2 * BP


@pytest.mark.parametrize("index, bid, ask", [(0, 1, 2), (1, 0, 2), (1, 1, -2), (10, 12, 11)])
def test_impossible_prices_are_refused(index: int, bid: int, ask: int) -> None:
    for sample in (premium_sample, premium_mid_sample):
        with pytest.raises(BadInput):
            sample(Price(index), Price(bid), Price(ask))


def test_mean_is_half_even_and_needs_a_sample() -> None:
    premiums = Premiums()
    for value in (1, 2):
        premiums = add_sample(premiums, FundingRate(value))
    assert mean_premium(premiums) == 2  # 1.5
    assert mean_premium(add_sample(add_sample(Premiums(), FundingRate(0)), FundingRate(1))) == 0  # 0.5
    with pytest.raises(BadInput, match="no premium sample"):
        mean_premium(Premiums())


@pytest.mark.parametrize(
    "premium, expected",
    [
        (0, BP // 8),  # interest
        (BP, BP // 8),
        (6 * BP, BP // 8),  # the clamp just holds: 6 - 5 = 1
        (7 * BP, 2 * BP // 8),
        (-4 * BP, BP // 8),
        (-5 * BP, 0),
        (10**12, 4 * 10**10),  # 100 % premium: the cap of 4 %
        (-(10**12), -4 * 10**10),
    ],
)
def test_rate_hour(premium: int, expected: int) -> None:
    assert rate_hour(FundingRate(premium), FundingRules()) == expected


def test_rate_rounds_half_to_even_once() -> None:
    rules = FundingRules(interest=FundingRate(0), clamp=FundingRate(0), divisor=8)
    assert rate_hour(FundingRate(4), rules) == 0
    assert rate_hour(FundingRate(12), rules) == 2
    assert rate_hour(FundingRate(-12), rules) == -2
    skewed = msgspec.structs.replace(rules, skew=SkewTerm(scale=UsdMicro(4), rate_max=FundingRate(2)))
    assert rate_hour(FundingRate(4), skewed, UsdMicro(1)) == 1  # 0.5 + 0.5, not 0 + 0


@pytest.mark.parametrize("skew, expected", [(0, 0), (50, 500), (100, 1_000), (101, 1_000), (-999, -1_000)])
def test_skew_term_is_proportional_and_bounded(skew: int, expected: int) -> None:
    rules = FundingRules(interest=FundingRate(0), skew=SkewTerm(scale=UsdMicro(100), rate_max=FundingRate(1_000)))
    assert rate_hour(FundingRate(0), check_rules(rules), UsdMicro(skew)) == expected
    assert rate_hour(FundingRate(0), FundingRules(interest=FundingRate(0)), UsdMicro(skew)) == 0


def test_the_cap_holds_with_the_skew_term() -> None:
    rules = FundingRules(skew=SkewTerm(scale=UsdMicro(1), rate_max=FundingRate(4 * 10**10)))
    assert rate_hour(FundingRate(10**12), rules, UsdMicro(1)) == 4 * 10**10


def test_index_step_and_payment() -> None:
    assert index_step(Price(1_000), FundingRate(999)) == 0
    assert index_step(Price(1_000), FundingRate(-1)) == -1
    assert index_step(Price(65_000_000), FundingRate(12_500_000)) == 812_500_000
    assert index_step(Price(65_000_000), FundingRate(12_500_000), 8) == 8 * 812_500_000
    assert payment(Lots(3), FundingIndex(1_000_000), FundingIndex(0)) == -3
    assert payment(Lots(-3), FundingIndex(1_000_001), FundingIndex(0)) == 3
    assert payment(Lots(3), FundingIndex(1_000_001), FundingIndex(0)) == -4
    assert dust([UsdMicro(3), UsdMicro(-4)]) == 1
    for price, hours in ((0, 1), (-1, 1), (1, 0)):
        with pytest.raises(BadInput):
            index_step(Price(price), FundingRate(1), hours)


@pytest.mark.parametrize("hours", [1, 4, 8])
def test_payments_fall_on_utc_boundaries(hours: int) -> None:
    midnight = 1_700_006_400_000  # 2023-11-15 00:00 UTC
    assert next_payment(TimeMs(midnight), hours) == midnight + hours * HOUR_MS
    assert next_payment(TimeMs(midnight - 1), hours) == midnight
    due = payments_due(TimeMs(midnight - 1), TimeMs(midnight + 24 * HOUR_MS), hours)
    assert due[0] == midnight
    assert due[-1] == midnight + 24 * HOUR_MS
    assert len(due) == 24 // hours + 1
    assert payments_due(TimeMs(midnight), TimeMs(midnight), hours) == ()


def test_payment_times_refuse_other_intervals_and_time_backwards() -> None:
    with pytest.raises(BadInput):
        next_payment(TimeMs(0), 2)
    with pytest.raises(BadInput):
        payments_due(TimeMs(1), TimeMs(0), 1)
    with pytest.raises(BadInput):
        payments_due(TimeMs(0), TimeMs(367 * 24 * HOUR_MS), 1)


def test_rules_take_effect_at_their_time() -> None:
    old, new = FundingRules(divisor=1), FundingRules(divisor=8, effective_from=TimeMs(100))
    assert rules_at([new, old], TimeMs(99)) is old
    assert rules_at([new, old], TimeMs(100)) is new
    with pytest.raises(BadInput, match="in force"):
        rules_at([new], TimeMs(99))
    with pytest.raises(BadInput, match="same time"):
        rules_at([old, old], TimeMs(5))


@pytest.mark.parametrize(
    "field, value",
    [
        ("interest", 10**12 + 1),
        ("clamp", -1),
        ("divisor", 0),
        ("divisor", 25),
        ("cap", 0),
        ("interval_hours", 2),
        ("effective_from", -1),
        ("skew", SkewTerm(scale=UsdMicro(0), rate_max=FundingRate(1))),
        ("skew", SkewTerm(scale=UsdMicro(1), rate_max=FundingRate(10**12))),
    ],
)
def test_rules_out_of_range_are_refused(field: str, value: object) -> None:
    with pytest.raises(BadInput):
        check_rules(msgspec.structs.replace(FundingRules(), **{field: value}))
