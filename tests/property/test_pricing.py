"""Algebra of prices and funding, and each step against the plain text of SPEC (tests/model/pricing.py)."""

from fractions import Fraction
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from model import pricing as model
from seawall.pricing import funding
from seawall.pricing.index import NO_INDEX, Index, IndexRules, Observation, Status, index, median, weighted_median
from seawall.pricing.mark import NO_MARK, Book, MarkRules, ema, mark
from seawall.pricing.stable import Stable, StableRules, advance, toward
from seawall.units import RATE_ONE, FundingRate, Lots, Price, Rate, TimeMs, UsdMicro, ceil_div, floor_div

NOW = TimeMs(10**12)
PRICES = st.sampled_from([1, 2, 1_000, 10**9, 2**40 - 1, 2**40]) | st.integers(1, 2**40)
RATES = st.sampled_from([0, 1, -1, 10**8, -(10**8), 10**12, -(10**12)]) | st.integers(-(10**12), 10**12)
WEIGHTED = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 5)), min_size=1, max_size=12)


@given(st.lists(st.integers(-100, 100), min_size=1, max_size=12))
def test_median_is_the_models_and_the_weighted_one_of_equal_weights(values: list[int]) -> None:
    assert median(values) == model.median(values) == weighted_median([(value, 3) for value in values])


@given(WEIGHTED, st.randoms())
def test_weighted_median_is_that_of_the_values_repeated(values: list[tuple[int, int]], order: Any) -> None:
    expected = model.median([value for value, weight in values for _ in range(weight)])
    shuffled = list(values)
    order.shuffle(shuffled)
    assert weighted_median(shuffled) == expected
    assert weighted_median([(value, 7 * weight) for value, weight in values]) == expected


@given(st.integers(-(2**60), 2**60), st.integers(-(2**60), 2**60), st.integers(0, 10**7), st.integers(1, 10**6))
def test_ema_is_the_models_and_stays_between(value: int, sample: int, elapsed: int, tau: int) -> None:
    moved = ema(value, sample, elapsed_ms=elapsed, tau_ms=tau)
    assert moved == model.ema_step(value, sample, elapsed, tau)
    assert min(value, sample) <= moved <= max(value, sample)
    assert ema(sample, sample, elapsed_ms=elapsed, tau_ms=tau) == sample


@st.composite
def observations(draw: st.DrawFn) -> list[Observation]:
    """Sources around 1,000,000, some far, old, ahead, invalid or of a shared origin."""
    found = []
    for number in range(draw(st.integers(0, 8))):
        price = draw(st.integers(980_000, 1_020_000) | st.sampled_from([0, 1, 500_000, 2_000_000, 2**41]))
        age = draw(st.sampled_from([0, 5_000, 10_000, 10_001, -1_000, -1_001]))
        found.append(
            Observation(
                source=f"s{number}",
                origin=draw(st.sampled_from([f"o{number}", "shared"])),
                price=Price(price),
                time=TimeMs(NOW - age),
                weight=draw(st.integers(1, 4)),
            )
        )
    return found


@given(observations(), st.sampled_from([1, 2, 3]), st.none() | st.integers(900_000, 1_100_000), st.randoms())
def test_index_is_fresh_only_with_a_quorum_of_good_origins(
    seen: list[Observation], quorum: int, before: int | None, order: Any
) -> None:
    rules = IndexRules(quorum=quorum)
    previous = NO_INDEX
    if before is not None:
        previous = Index(status=Status.FRESH, price=Price(before), time=TimeMs(NOW - 2_000))
    got = index(seen, NOW, rules, previous)
    named = {o.source: o for o in seen}
    used = [named[name] for name in got.used]
    assert sorted([*got.used, *(d.source for d in got.dropped)]) == sorted(named)  # each source once, with a fate
    assert len({o.origin for o in used}) == len(used)
    for o in used:
        assert 1 <= o.price <= rules.price_max
        assert -1_000 <= NOW - o.time <= 10_000
        assert before is None or abs(o.price - before) * 10 <= before  # 5 % a second, two seconds
    shuffled = list(seen)
    order.shuffle(shuffled)
    assert index(shuffled, NOW, rules, previous) == got
    if len(used) < quorum:
        assert (got.status, got.price, got.time) == (Status.STALE, previous.price, previous.time)
        return
    assert (got.status, got.time) == (Status.FRESH, NOW)
    assert got.price == model.median([o.price for o in used for _ in range(o.weight)])
    assert min(o.price for o in used) <= got.price <= max(o.price for o in used)


@given(st.lists(st.integers(1, 2**40), min_size=3, max_size=3), st.integers(1, 2**40), st.integers(0, 2))
def test_one_source_of_three_can_not_take_the_index_out_of_the_others(
    honest: list[int], attack: int, attacker: int
) -> None:
    """No guard helps here (all limits wide open): the median alone bounds what one source may do."""
    rules = IndexRules(quorum=3, deviation_max=Rate(RATE_ONE), step_max=Rate(RATE_ONE))
    prices = [attack if number == attacker else price for number, price in enumerate(honest)]
    seen = [Observation(source=f"s{n}", origin=f"o{n}", price=Price(p), time=NOW) for n, p in enumerate(prices)]
    got = index(seen, NOW, rules)
    others = [price for number, price in enumerate(honest) if number != attacker]
    if got.status is Status.FRESH:
        assert got.price is not None
        assert min(others) <= got.price <= max(others)


@given(
    st.integers(1_000, 10**9),
    st.lists(
        st.tuples(st.integers(0, 60_000), st.integers(1, 2 * 10**9), st.integers(0, 10**6), st.none() | PRICES),
        max_size=6,
    ),
    st.integers(0, RATE_ONE - 1),
)
def test_mark_stays_in_the_band_and_its_averages_are_the_models(
    index_price: int, steps: list[tuple[int, int, int, int | None]], band: int
) -> None:
    rules = MarkRules(band=Rate(band))
    state, now = NO_MARK, NOW
    for gap, bid, spread, external in steps:
        now = TimeMs(now + gap)
        elapsed = 0 if state.time is None else gap
        seen = Book(bid=Price(bid), ask=Price(bid + spread))
        perps = [] if external is None else [Observation(source="x", origin="x", price=Price(external), time=now)]
        fresh = Index(status=Status.FRESH, price=Price(index_price), time=now)
        following = mark(state, now, fresh, seen, perps=perps, rules=rules)
        basis = floor_div((2 * bid + spread - 2 * index_price) * 10**6, 2)
        assert following.basis_ema == model.ema_step(state.basis_ema, basis, elapsed, 150_000)
        middle = floor_div(2 * bid + spread, 2) * 10**6
        before = middle if state.book_ema is None else state.book_ema
        assert following.book_ema == model.ema_step(before, middle, elapsed, 30_000)
        assert following.price is not None
        assert following.price >= max(1, ceil_div(index_price * (RATE_ONE - band), RATE_ONE))
        assert following.price <= floor_div(index_price * (RATE_ONE + band), RATE_ONE)
        stale = mark(state, now, NO_INDEX, seen, perps=perps, rules=rules)
        assert (stale.status, stale.price) == (Status.STALE, state.price)
        state = following


@given(PRICES, PRICES, st.integers(0, 10**8), st.integers(1, 10**9))
def test_stable_step_is_the_models_and_never_passes_the_oracle(
    stable: int, oracle: int, elapsed: int, speed: int
) -> None:
    moved = toward(Price(stable), Price(oracle), elapsed_ms=elapsed, rules=StableRules(max_per_s_e9=speed))
    assert moved == model.stable_step(stable, oracle, speed, elapsed)
    assert min(stable, oracle) <= moved <= max(stable, oracle)


@given(st.integers(1, 10**9), st.lists(st.integers(0, 60_000), max_size=30), st.sampled_from([1, 10**12]))
def test_stable_price_gains_nothing_from_frequent_updates(start: int, gaps: list[int], oracle: int) -> None:
    """Split or not, the move is at most the compound of its speed, and at least the single step less roundings."""
    rules = StableRules(max_per_s_e9=300_000)
    state, now = Stable(price=Price(start), time=TimeMs(0)), 0
    for gap in gaps:
        now += gap
        state = advance(state, Price(oracle), TimeMs(now), rules)
    total = Fraction(sum(gaps) * 3, 10**7)
    if oracle > start:
        assert start <= state.price <= min(oracle, start * (1 + total + total**2))  # exp(x) <= 1 + x + x^2 for x <= 1
    else:
        assert max(oracle, start * (1 - total)) <= state.price <= start


@given(PRICES, PRICES, PRICES)
def test_premium_is_the_models(oracle: int, one: int, other: int) -> None:
    bid, ask = min(one, other), max(one, other)
    got = funding.premium_sample(Price(oracle), Price(bid), Price(ask))
    assert got == model.half_even(model.premium_exact(bid, ask, oracle) * 10**12)


@given(RATES, RATES, st.integers(0, 10**12), st.integers(1, 24), st.integers(1, 10**12))
@example(12, 0, 0, 8, 10**12)
@example(4, 0, 0, 8, 10**12)
def test_hourly_rate_is_the_models(premium: int, interest: int, inner: int, divisor: int, cap: int) -> None:
    rules = funding.FundingRules(
        interest=FundingRate(interest), clamp=FundingRate(inner), divisor=divisor, cap=FundingRate(cap)
    )
    got = funding.rate_hour(FundingRate(premium), funding.check_rules(rules))
    assert got == model.rate_hour(premium, interest, inner, divisor, cap)
    assert abs(got) <= cap


@given(RATES, RATES)
def test_a_higher_premium_never_lowers_the_rate(one: int, other: int) -> None:
    rules = funding.FundingRules()
    low, high = sorted((one, other))
    assert funding.rate_hour(FundingRate(low), rules) <= funding.rate_hour(FundingRate(high), rules)


@given(st.lists(RATES, min_size=1, max_size=50), st.randoms())
def test_mean_premium_does_not_depend_on_order(samples: list[int], order: Any) -> None:
    shuffled = list(samples)
    order.shuffle(shuffled)
    sums = []
    for values in (samples, shuffled):
        premiums = funding.Premiums()
        for value in values:
            premiums = funding.add_sample(premiums, FundingRate(value))
        sums.append(premiums)
    assert sums[0] == sums[1]
    assert funding.mean_premium(sums[0]) == model.half_even(Fraction(sum(samples), len(samples)))


@given(PRICES, st.integers(-(4 * 10**10), 4 * 10**10), st.lists(st.integers(-(10**6), 10**6), max_size=20))
def test_payments_and_dust_add_to_nothing(price: int, rate: int, sizes: list[int]) -> None:
    step = funding.index_step(Price(price), FundingRate(rate))
    assert step == model.index_step(price, rate)
    book = [*sizes, -sum(sizes)]  # every market's positions sum to zero
    payments = [funding.payment(Lots(size), step, type(step)(0)) for size in book]
    assert payments == [model.payment(size, step) for size in book]
    rest = funding.dust(payments)
    assert sum(payments) + rest == 0
    assert 0 <= rest < len(book)


@given(st.integers(-(2**40), 2**40), st.sampled_from([1, 4, 8]), st.integers(0, 10**9))
def test_payment_times_are_the_multiples_in_between(previous: int, hours: int, gap: int) -> None:
    due = funding.payments_due(TimeMs(previous), TimeMs(previous + gap), hours)
    length = hours * 3_600_000
    assert list(due) == [
        time for time in range(previous - previous % length, previous + gap + 1, length) if time > previous
    ]


@given(RATES, st.integers(-(2**53), 2**53), st.integers(1, 2**53), st.integers(0, 4 * 10**10))
def test_skew_moves_the_rate_toward_the_heavier_side(premium: int, skew: int, scale: int, most: int) -> None:
    term = funding.SkewTerm(scale=UsdMicro(scale), rate_max=FundingRate(most))
    rules = funding.check_rules(msgspec.structs.replace(funding.FundingRules(), skew=term))
    plain = funding.rate_hour(FundingRate(premium), rules)
    skewed = funding.rate_hour(FundingRate(premium), rules, UsdMicro(skew))
    assert abs(skewed - plain) <= most + 1
    assert (skewed - plain) * skew >= 0
