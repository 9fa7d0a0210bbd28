"""Correlation in storms, funding carry, liquidity, and what chain and oracles add: each effect, and each bad input."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.risk.bars import HOUR_MS, Bar
from seawall.risk.carry import FIRST, Carry
from seawall.risk.conditions import Alarm, Conditions, effect
from seawall.risk.engine import RiskModel
from seawall.risk.factors import PRIOR, FactorModel, portfolio_tail
from seawall.risk.liquidity import Liquidity, forecast
from seawall.units import RATE_ONE, BadInput


def factor_model(markets: int = 4) -> FactorModel:
    made = FactorModel()
    for place in range(markets):
        made.add(f"M{place}")
    return made


def test_markets_that_part_in_calm_and_join_in_storms_count_as_joined() -> None:
    made, rng = factor_model(), np.random.default_rng(1)
    for _ in range(6_000):
        common = rng.standard_normal()
        storm = rng.random() < 0.04
        own = rng.standard_normal(4) * 0.01
        made.update(own * 0.3 + 0.05 * common if storm else own)
    found = made.correlations()
    assert found.plain[0, 1] < found.storm[0, 1]
    assert found.storm[0, 1] > 0.85
    np.testing.assert_array_less(0.85, found.used)
    assert (found.common > 0.9).all()


def test_correlations_of_steady_markets_are_the_sample_ones() -> None:
    made, rng = factor_model(2), np.random.default_rng(2)
    returns = rng.multivariate_normal([0, 0], [[1e-4, 0.5e-4], [0.5e-4, 1e-4]], 8_000)
    for row in returns:
        made.update(row)
    assert made.correlations().plain[0, 1] == pytest.approx(0.5, abs=0.08)


def test_a_new_market_has_the_prior_and_gaps_do_not_weaken_what_is_known() -> None:
    made, rng = factor_model(2), np.random.default_rng(3)
    for hour in range(3_000):
        common = rng.standard_normal() * 0.01
        second = common + 0.002 * rng.standard_normal()
        made.update(np.array([common, second if hour % 3 == 0 else np.nan]))
    assert made.correlations().plain[0, 1] > 0.9
    made.add("NEW")
    assert made.correlations().plain[0, 2] == pytest.approx(PRIOR)
    made.update(np.array([np.nan, np.inf, 1e9]))
    found = made.correlations()
    assert np.isfinite(found.used).all()
    assert np.linalg.eigvalsh(found.used).min() > -1e-9
    for wrong in ("NEW",):
        with pytest.raises(BadInput):
            made.add(wrong)
    with pytest.raises(BadInput):
        made.update(np.zeros(2))
    with pytest.raises(BadInput):
        FactorModel().correlations()


def test_a_hedge_frees_margin_and_diversification_that_is_not_frees_none() -> None:
    margins, ones = np.array([0.1, 0.1]), np.ones((2, 2))
    assert portfolio_tail(margins, np.array([100.0, 100.0]), ones) == pytest.approx(20.0)
    assert portfolio_tail(margins, np.array([100.0, 100.0]), np.eye(2)) == pytest.approx(math.sqrt(200))
    assert portfolio_tail(margins, np.array([100.0, -100.0]), ones) == pytest.approx(5.0)  # half a hedge counts
    assert portfolio_tail(margins, np.zeros(2), ones) == 0.0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), st.floats(-0.5, 1.0))
def test_a_portfolio_never_needs_more_than_its_positions_one_by_one(exposures: list[float], rho: float) -> None:
    matrix = np.full((3, 3), rho)
    np.fill_diagonal(matrix, 1.0)
    sizes = np.abs(np.array(exposures)) * 0.2
    tail = portfolio_tail(np.full(3, 0.2), np.array(exposures), matrix)
    assert -1e-9 <= tail <= sizes.sum() + 1e-6
    assert tail >= sizes.max() - 0.5 * (sizes.sum() - sizes.max()) - 1e-6


def test_carry_is_the_99_percent_quantile_of_what_a_side_pays() -> None:
    rng, carry = np.random.default_rng(4), Carry()
    rates = rng.normal(2e-5, 2e-5, 20_000)
    beyond = np.zeros((len(rates), 2))
    for hour, rate in enumerate(rates.tolist()):
        beyond[hour] = rate > carry.longs, -rate > carry.shorts
        assert carry.observe(rate) == ""
    np.testing.assert_allclose(beyond[5_000:].mean(axis=0), 0.01, atol=0.003)
    assert carry.longs > carry.shorts
    assert carry.over(8.0) == pytest.approx(8.0 * carry.longs)


@pytest.mark.parametrize("rate", [math.nan, math.inf, 0.05, -0.05])
def test_a_bad_funding_rate_changes_nothing(rate: float) -> None:
    carry = Carry()
    assert carry.observe(rate)
    assert (carry.longs, carry.shorts) == (FIRST, FIRST)
    assert carry.over(-5.0) == 0.0


def market(**changes: float) -> Liquidity:
    known = {"volume_usd_hour": 1e7, "range_hour": 0.01, "usual_range": 0.01, **changes}
    return forecast(**known)


def test_impact_grows_with_size_and_falls_with_volume() -> None:
    calm = market()
    assert calm.impact(0.0) == 0.0
    assert calm.impact(1e5) < calm.impact(1e6) < calm.impact(1e8)
    assert calm.impact(4e5) == pytest.approx(2 * calm.impact(1e5))
    assert market(volume_usd_hour=4e7).impact(1e5) == pytest.approx(calm.impact(1e5) / 2)
    assert calm.impact(1e12) == 1.0


def test_a_storm_thins_depth_and_slows_forced_closing() -> None:
    calm, storm = market(), market(range_hour=0.3)
    assert storm.depth_usd < calm.depth_usd
    assert storm.throttle(0.05) < calm.throttle(0.05) <= 0.2 * 1e7
    assert storm.hours_to_close(1e6, 0.05) > calm.hours_to_close(1e6, 0.05)
    assert storm.add_on(1e6, 0.05) > calm.add_on(1e6, 0.05) > 0.0
    assert market(depth_usd=1e5).throttle(0.01) < calm.throttle(0.01)


@settings(max_examples=60, deadline=None)
@given(*(st.floats(allow_nan=True) for _ in range(6)))
def test_no_numbers_make_liquidity_that_is_none(v: float, r: float, u: float, d: float, size: float, m: float) -> None:
    found = forecast(volume_usd_hour=v, range_hour=r, usual_range=u, depth_usd=d)
    if math.isfinite(size) and math.isfinite(m):
        assert 0.0 <= found.impact(size) <= 1.0
        assert found.throttle(m) >= 1.0
        assert 0.0 <= found.add_on(abs(size), min(abs(m), 1.0)) <= 1.0


def test_conditions_lengthen_widen_and_alarm() -> None:
    nothing = effect(Conditions())
    assert (nothing.lengthen, nothing.widen, nothing.alarm, nothing.reasons) == (1.0, 0.0, Alarm.NONE, ())
    assert nothing.on(0.1) == 0.1
    late = effect(Conditions(finality_s=900.0, block_s=2.0))
    assert late.lengthen == pytest.approx(math.sqrt(1.25))
    assert late.alarm is Alarm.HARD
    assert effect(Conditions(gas_ratio=10.0)).lengthen == pytest.approx(math.sqrt(1 + 60 / 3600))
    apart = effect(Conditions(disagreement=0.01, index_gap=-0.02))
    assert apart.on(0.1) == pytest.approx(0.13)
    assert apart.alarm is Alarm.SOFT
    assert len(apart.reasons) == 2
    assert effect(Conditions(index_gap=0.04)).alarm is Alarm.HARD
    assert effect(Conditions(oracle_age_s=1e12)).lengthen == pytest.approx(math.sqrt(24))


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_bad_conditions_are_said_and_have_no_effect(value: float) -> None:
    seen = effect(Conditions(block_s=value, disagreement=value))
    assert (seen.lengthen, seen.widen, seen.alarm) == (1.0, 0.0, Alarm.NONE)
    assert len(seen.reasons) == 2


def engine_of(hours: int = 60) -> RiskModel:
    """Two markets that move together, hour by hour."""
    rng, made = np.random.default_rng(7), RiskModel()
    prices = {"A": 100.0, "B": 5.0}
    for hour in range(hours):
        common = 0.01 * rng.standard_normal()
        for name, last in list(prices.items()):
            prices[name] = close = last * math.exp(common + 0.001 * rng.standard_normal())
            bar = Bar(hour * HOUR_MS, last, 1.002 * max(last, close), 0.998 * min(last, close), close, 1e6)
            assert made.observe(name, bar) == ""
            made.propose(name)  # one by one: the hour's returns still count together
    return made


def test_the_engine_adds_what_chain_oracles_and_funding_ask_and_says_so() -> None:
    engine = engine_of()
    plain = engine.propose("A")
    assert engine.observe_conditions("A", Conditions(finality_s=1_200.0, disagreement=0.01)) is Alarm.HARD
    burdened = engine.propose("A")
    expected = math.sqrt(4 / 3) * engine.margins("A")[0] + 0.01
    assert burdened.new_risk_rate / RATE_ONE == pytest.approx(expected, rel=1e-5)
    assert burdened.maintenance_rate == plain.maintenance_rate
    assert {reason.split(":")[0].split(" by")[0] for reason in burdened.reasons} >= {
        "finality takes longer",
        "price sources disagree",
    }
    engine.observe_conditions("A", Conditions())
    assert engine.propose("A").new_risk_rate == plain.new_risk_rate
    for _ in range(200):
        assert engine.observe_funding("A", 0.001) == ""
    assert engine.propose("A").new_risk_rate > plain.new_risk_rate + 0.007 * RATE_ONE
    assert engine.observe_funding("A", math.nan)


def test_the_engine_knows_how_its_markets_move_together_and_how_fast_they_close() -> None:
    engine = engine_of(400)
    found = engine.correlations()
    assert found.symbols == engine.markets == ("A", "B")
    assert found.plain[0, 1] > 0.85
    liquid = engine.liquidity("A")
    assert liquid.volume_usd_hour == pytest.approx(1e6)
    assert 0.0 < liquid.throttle(0.05) <= 2e5
    assert engine.liquidity("A", depth_usd=0.0).throttle(0.05) == 1.0
