"""Differential: every step of SPEC sections 6 and 7 equals the model's fraction of it."""

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from model import pricing as model
from seawall.pricing import funding, index, mark, stable
from seawall.pricing.funding import FundingRules, Premiums, SkewTerm
from seawall.pricing.stable import StableRules
from seawall.units import (
    FUNDING_ONE,
    RATE_ONE,
    FundingIndex,
    FundingRate,
    Lots,
    Price,
    Rate,
    TimeMs,
    UsdMicro,
    half_even_div,
)

PRICES = st.sampled_from([1, 2, 3, 10**6, 2**40 - 1, 2**40]) | st.integers(1, 2**40)
NEAR = st.sampled_from([-2, -1, 0, 1, 2])
RATES = st.sampled_from([0, 1, -1, FUNDING_ONE, -FUNDING_ONE]) | st.integers(-FUNDING_ONE, FUNDING_ONE)


@given(st.lists(PRICES, min_size=1, max_size=9))
def test_median(values: list[int]) -> None:
    assert index.median(values) == model.median(values)
    assert index.weighted_median([(value, 3) for value in values]) == model.median(values)


@given(st.lists(st.tuples(PRICES, st.integers(1, 4)), min_size=1, max_size=6))
def test_weighted_median_counts_a_value_as_often_as_its_weight(pairs: list[tuple[int, int]]) -> None:
    assert index.weighted_median(pairs) == model.median([value for value, weight in pairs for _ in range(weight)])


@given(st.integers(-(2**60), 2**60), st.integers(-(2**60), 2**60), st.integers(0, 10**7), st.integers(1, 10**6))
def test_ema_step(value: int, sample: int, elapsed: int, tau: int) -> None:
    assert mark.ema(value, sample, elapsed_ms=elapsed, tau_ms=tau) == model.ema_step(value, sample, elapsed, tau)


@given(PRICES, st.integers(0, RATE_ONE - 1) | st.sampled_from([0, 1, RATE_ONE // 20]), st.integers(-(2**41), 2**41))
def test_clamp_to_band_stays_within_the_exact_band(price: int, band: int, sample: int) -> None:
    low, high = price * (1 - Fraction(band, RATE_ONE)), price * (1 + Fraction(band, RATE_ONE))
    for value in (sample, int(low) - 1, int(low), int(low) + 1, int(high), int(high) + 1):
        found = mark.clamp_to_band(value, Price(price), Rate(band))
        assert max(low, 1) <= found <= high
        assert found == value or not max(low, 1) <= value <= high


@given(PRICES, PRICES, NEAR, st.integers(1, 10**9) | st.just(300_000), st.integers(0, 10**8))
def test_stable_step(price: int, other: int, near: int, speed: int, elapsed: int) -> None:
    rules = StableRules(max_per_s_e9=speed)
    reach = price * speed * elapsed // 10**12
    for oracle in (other, price + reach + near, price - reach + near):
        if oracle >= 1:
            core = stable.toward(Price(price), Price(oracle), elapsed_ms=elapsed, rules=rules)
            assert core == model.stable_step(price, oracle, speed, elapsed)


@given(PRICES, st.integers(-5, 5), st.integers(0, 5), PRICES)
def test_premium_sample(price: int, shift: int, spread: int, far: int) -> None:
    for bid in (price + shift, far):
        ask = bid + spread
        if bid >= 1:
            core = funding.premium_sample(Price(price), Price(bid), Price(ask))
            assert core == model.half_even(model.premium_exact(bid, ask, price) * model.RATE_SCALE)


@given(st.lists(RATES, min_size=1, max_size=12))
def test_mean_premium(samples: list[int]) -> None:
    premiums = Premiums()
    for sample in samples:
        premiums = funding.add_sample(premiums, FundingRate(sample))
    assert funding.mean_premium(premiums) == model.half_even(Fraction(sum(samples), len(samples)))


@given(
    RATES | st.integers(-100, 100), RATES, st.integers(0, FUNDING_ONE), st.integers(1, 24), st.integers(1, FUNDING_ONE)
)
def test_rate_hour(premium: int, interest: int, inner: int, divisor: int, cap: int) -> None:
    rules = FundingRules(
        interest=FundingRate(interest), clamp=FundingRate(inner), divisor=divisor, cap=FundingRate(cap)
    )
    for mean in (premium, interest - inner, interest + inner, interest + inner + 1, divisor * cap + inner):
        assert funding.rate_hour(FundingRate(mean), rules) == model.rate_hour(mean, interest, inner, divisor, cap)


@given(RATES, st.integers(-(10**9), 10**9), st.integers(1, 10**9), st.integers(0, 10**6))
def test_rate_hour_with_skew(premium: int, skew: int, scale: int, rate_max: int) -> None:
    rules = FundingRules(skew=SkewTerm(scale=UsdMicro(scale), rate_max=FundingRate(rate_max)), cap=FundingRate(10**11))
    inner = model.clamp(rules.interest - premium, -rules.clamp, rules.clamp)
    term = rate_max * Fraction(model.clamp(skew, -scale, scale), scale)
    expected = model.clamp(model.half_even(Fraction(premium + inner, 8) + term), -(10**11), 10**11)
    assert funding.rate_hour(FundingRate(premium), rules, UsdMicro(skew)) == expected


@given(PRICES, RATES, st.sampled_from([1, 4, 8]))
def test_index_step(price: int, rate: int, hours: int) -> None:
    assert funding.index_step(Price(price), FundingRate(rate), hours) == model.index_step(price, rate * hours)


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=8), st.integers(-(2**62), 2**62))
def test_payments_and_dust_sum_to_zero_and_dust_is_never_owed(sizes: list[int], delta: int) -> None:
    sizes.append(-sum(sizes))
    assume(abs(sizes[-1]) <= 2**53)
    paid = [funding.payment(Lots(size), FundingIndex(delta), FundingIndex(0)) for size in sizes]
    assert paid == [model.payment(size, delta) for size in sizes]
    assert 0 <= funding.dust(paid) == -sum(paid) < len(sizes)


@given(st.integers(0, 10**13), st.sampled_from([1, 4, 8]), st.integers(0, 3 * 10**8))
def test_payments_fall_on_utc_boundaries(start: int, hours: int, gap: int) -> None:
    length = hours * 3_600_000
    due = funding.payments_due(TimeMs(start), TimeMs(start + gap), hours)
    assert all(time % length == 0 for time in due)
    assert all(start < time <= start + gap for time in due)
    assert list(due) == sorted(set(due))
    assert len(due) == (start + gap) // length - start // length


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**15))
def test_half_even(numerator: int, denominator: int) -> None:
    assert half_even_div(numerator, denominator) == model.half_even(Fraction(numerator, denominator))
    assert half_even_div(2 * numerator + 1, 2) == model.half_even(Fraction(2 * numerator + 1, 2))
