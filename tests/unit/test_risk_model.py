"""The risk model: no look-ahead, one answer streamed or swept, bounded margins, and proposals from bad data."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.risk import conformal, governor
from seawall.risk.bars import HOUR_MS, Bar, unsound
from seawall.risk.engine import Proposal, Rails, RiskModel, Source
from seawall.risk.features import EXTRAS, FEATURES, NAMES, FeatureState, sweep
from seawall.risk.model import HEADS, TailModel, decoded, encoded
from seawall.risk.state import WIDTH
from seawall.risk.trees import COLUMNS, Forest, checked
from seawall.units import RATE_ONE, BadInput, Rate

Floats = npt.NDArray[np.float64]
START = 1_600_000_000_000 // HOUR_MS * HOUR_MS


def walk(seed: int, hours: int, volatility: float = 0.01) -> list[Bar]:
    """A market with slowly changing volatility and fat tails."""
    rng = np.random.default_rng(seed)
    level = 0.0
    price, bars = 100.0, []
    for hour in range(hours):
        level = 0.98 * level + 0.15 * rng.standard_normal()
        change = volatility * math.exp(level) * rng.standard_t(4)
        close = price * math.exp(max(min(change, 0.5), -0.5))
        high = max(price, close) * (1 + volatility * rng.exponential())
        low = min(price, close) * math.exp(-volatility * rng.exponential())
        bars.append(Bar(START + hour * HOUR_MS, price, high, low, close, 1e6 * rng.exponential()))
        price = close
    return bars


def forest(seed: int = 0, trees: int = 20) -> Forest:
    """Random stumps of depth two over all features."""
    rng = np.random.default_rng(seed)
    parts: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for tree in range(trees):
        first = 7 * tree
        parts["roots"].append(first)
        parts["feature"] += [int(rng.integers(FEATURES)) for _ in range(3)] + [-1] * 4
        parts["threshold"] += list(rng.normal(size=3)) + [0.0] * 4
        parts["left"] += [first + 1, first + 3, first + 5] + [0] * 4
        parts["right"] += [first + 2, first + 4, first + 6] + [0] * 4
        parts["nan_left"] += [int(rng.integers(2)) for _ in range(3)] + [0] * 4
        parts["value"] += [0.0] * 3 + list(rng.normal(size=4) * 0.1 + 0.06)
    return checked({name: np.array(values) for name, values in parts.items()}, FEATURES)


def model() -> TailModel:
    return decoded(encoded({head: forest(number) for number, head in enumerate(HEADS)}, "data", 0.995, {}), "test")


def grid(series: list[list[Bar]]) -> tuple[Floats, ...]:
    columns = [[[bar[field] for bar in bars] for bars in series] for field in (0, 2, 3, 4, 5)]
    return tuple(np.ascontiguousarray(np.array(column, dtype=np.float64).T) for column in columns)


def swept(series: list[list[Bar]]) -> tuple[Floats, Floats]:
    """Features [T, S, F] and moves [T, S] of full series."""
    times, high, low, close, volume = grid(series)
    hours, markets = close.shape
    features = np.full((hours * markets, FEATURES), np.nan)
    moves, extras = np.full(close.shape, np.nan), np.full((hours * markets, EXTRAS), np.nan)
    stamps = times[:, 0].astype(np.int64)
    rows = sweep(stamps, high, low, close, volume, np.zeros((markets, WIDTH)), moves, extras, features)
    assert rows == hours * markets
    return features.reshape(hours, markets, FEATURES), moves


def test_the_future_changes_no_feature() -> None:
    series = [walk(1, 400), walk(2, 400)]
    whole, _ = swept(series)
    for cut in (3, 50, 250):
        part, _ = swept([bars[:cut] for bars in series])
        np.testing.assert_array_equal(part, whole[:cut])


def test_a_changed_past_does_change_features() -> None:
    bars = walk(1, 100)
    whole, _ = swept([bars])
    bars[60] = bars[60]._replace(high=bars[60].high * 1.2)
    other, _ = swept([bars])
    np.testing.assert_array_equal(whole[:60], other[:60])
    assert (whole[60:] != other[60:]).any(axis=2).all()


def test_streaming_gives_what_the_sweep_gives() -> None:
    bars = walk(3, 300)
    whole, moves = swept([bars])
    state = FeatureState()
    for hour, bar in enumerate(bars):
        np.testing.assert_array_equal(state.update(bar), whole[hour, 0])
        np.testing.assert_equal(state.move, moves[hour, 0])
    assert state.count == 300
    assert len(NAMES) == len(set(NAMES)) == FEATURES


def test_the_engine_sees_the_features_of_the_sweep_whatever_the_length_of_its_bars() -> None:
    series = [walk(4, 60), walk(5, 60)]
    whole, _ = swept(series)
    hourly, fine = RiskModel(model()), RiskModel(model())
    for hour in range(60):
        for name, bars in zip("AB", series, strict=True):
            hourly.observe(name, bars[hour])
            for bar in quarters(bars[hour]):
                assert fine.observe(name, bar) == ""
        if hour >= 12:
            for place, name in enumerate("AB"):
                np.testing.assert_array_equal(hourly.features(name), whole[hour, place])
                np.testing.assert_allclose(fine.features(name), whole[hour, place], rtol=1e-12)
    assert hourly.margins("A") == pytest.approx(fine.margins("A"))


def quarters(bar: Bar) -> list[Bar]:
    """Four bars of a quarter of an hour that join to `bar`."""
    prices = (bar.open, bar.high, bar.low, bar.close)
    size = HOUR_MS // 4
    return [Bar(bar.time_ms + size * k, p, p, p, p, bar.volume_usd / 4, size) for k, p in enumerate(prices)]


def test_a_crash_within_the_hour_raises_new_risk_at_once_and_open_positions_by_the_bound() -> None:
    engine = RiskModel()
    for bar in walk(6, 200):
        engine.observe("A", bar)
    before = engine.propose("A")
    start, last = START + 200 * HOUR_MS, walk(6, 200)[-1].close
    engine.observe("A", Bar(start, last, last, last * 0.8, last * 0.8, 1e8, HOUR_MS // 60))
    within = engine.propose("A")
    assert within.new_risk_rate > 1.5 * before.new_risk_rate
    assert within.maintenance_rate == before.maintenance_rate
    assert any("hour so far" in reason for reason in within.reasons)
    engine.observe("A", Bar(start + HOUR_MS // 60, *(last * 0.8,) * 4, 1e8, HOUR_MS - HOUR_MS // 60))
    after = engine.propose("A")
    assert before.maintenance_rate < after.maintenance_rate <= math.ceil(1.5 * before.maintenance_rate) + 1


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), jump=st.floats(0.001, 1000.0), gap=st.integers(1, 60))
def test_no_24_hours_see_the_open_margin_rise_beyond_the_bound(seed: int, jump: float, gap: int) -> None:
    rng = np.random.default_rng(seed)
    rules = governor.Settings()
    row = np.zeros(governor.WIDTH)
    held: list[tuple[int, float]] = []
    hour = 0
    for step in range(150):
        hour += 1 if rng.random() < 0.97 else gap
        fast = float(0.01 * np.exp(rng.standard_normal()) * (jump if step % 40 > 30 else 1.0))
        governor.decide(row, hour * HOUR_MS, fast, 0.01, 0.01, rules)
        governor.settle(row, float(rng.exponential(0.01)), 1000.0, rules)
        opened = float(row[governor.OPEN])
        lowest = min([value for then, value in held if hour - then <= 24], default=opened)
        assert rules.floor <= row[governor.FAST] <= rules.ceiling
        assert opened <= rules.rise_max * lowest * (1 + 1e-12)
        held.append((hour, opened))


def test_after_two_days_without_hours_the_bound_is_on_the_margin_that_stood() -> None:
    rules, row = governor.Settings(), np.zeros(governor.WIDTH)
    for hour in range(30):
        governor.decide(row, hour * HOUR_MS, 0.01, 0.01, 0.01, rules)
    for hour in (30, 31):
        governor.decide(row, hour * HOUR_MS, 0.9, 0.9, 0.01, rules)
    stood = float(row[governor.OPEN])
    governor.decide(row, 90 * HOUR_MS, 0.9, 0.9, 0.01, rules)
    assert row[governor.OPEN] == pytest.approx(1.5 * stood)


def test_calibration_reaches_its_rate_from_a_forecast_that_is_half_of_what_it_should_be() -> None:
    rng = np.random.default_rng(5)
    theta, late = 0.0, 0
    for hour in range(60_000):
        beyond = float(rng.exponential() > 0.5 * math.log(200) * math.exp(theta))
        theta = conformal.adapted(theta, beyond, 0.005, 0.02, hour)
        late += int(beyond) if hour >= 30_000 else 0
    assert late / 30_000 == pytest.approx(0.005, abs=0.0005)
    assert theta == pytest.approx(math.log(2), abs=0.2)


def test_a_new_listing_starts_from_its_class() -> None:
    thetas, hours = np.array([0.4, 0.2, -0.3, 0.9]), np.array([9000.0, 9000.0, 9000.0, 5.0])
    classes = np.array([0, 0, 2, 1])
    assert conformal.pooled(thetas, hours, classes, conformal.SMALL) == pytest.approx(0.3)
    assert conformal.pooled(thetas, hours, classes, conformal.MIDDLE) == pytest.approx(0.2)
    assert conformal.pooled(thetas[3:], hours[3:], classes[3:], conformal.SMALL) == 0.0
    assert conformal.liquidity_of(math.nan) == conformal.SMALL
    assert conformal.liquidity_of(1e9) == conformal.LARGE


def slow_sum(trees: Forest, row: Floats) -> float:
    total = 0.0
    for root in trees.roots.tolist():
        node = root
        while trees.feature[node] != -1:
            seen = row[trees.feature[node]]
            left = bool(trees.nan_left[node]) if math.isnan(seen) else bool(seen <= trees.threshold[node])
            node = int(trees.left[node] if left else trees.right[node])
        total += float(trees.value[node])
    return total


def test_trees_are_walked_as_written() -> None:
    trees = forest(9)
    rows = np.random.default_rng(9).normal(size=(50, FEATURES))
    rows[::3, ::2] = np.nan
    rows[0, trees.feature[0]] = trees.threshold[0]  # equal goes left
    np.testing.assert_allclose(trees.sums(rows), [slow_sum(trees, row) for row in rows], rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [("left", 0, 0), ("right", 0, 10**6), ("feature", 0, FEATURES), ("roots", 0, -1), ("value", 3, np.nan)],
)
def test_trees_that_never_end_or_point_outside_are_refused(name: str, place: int, value: float) -> None:
    arrays = {key: values.copy() for key, values in forest().arrays().items()}
    arrays[name][place] = value
    with pytest.raises(BadInput, match="model"):
        checked(arrays, FEATURES)


def test_a_model_file_is_the_same_bytes_and_reads_back(tmp_path: Any) -> None:
    first = model()
    first.save(tmp_path / "model.npz")
    body = (tmp_path / "model.npz").read_bytes()
    again = decoded(body, "model.npz")
    assert again.model_id == first.model_id
    row = np.random.default_rng(1).normal(size=FEATURES)
    assert again.forecast(row) == first.forecast(row)
    for broken in (b"", b"PK", body[:-40], body[: len(body) // 2], b"\x00" * 100):
        with pytest.raises(BadInput):
            decoded(broken, "broken")


def sound(proposal: Proposal, rails: Rails) -> None:
    assert rails.new_risk_floor <= proposal.new_risk_rate <= rails.new_risk_ceiling
    assert rails.maintenance_floor <= proposal.maintenance_rate <= rails.maintenance_ceiling


@pytest.mark.parametrize("bars", [0, 1, 3, 11])
def test_a_market_with_hardly_any_history_gets_the_static_rates(bars: int) -> None:
    engine = RiskModel(model())
    with pytest.raises(BadInput, match="never observed"):
        engine.propose("A")
    for bar in walk(1, bars):
        engine.observe("A", bar)
    if bars:
        given = engine.propose("A")
        assert (given.state, given.new_risk_rate) == (Source.STATIC, RATE_ONE // 20)
        assert "history" in given.reasons[0]


def test_the_model_speaks_after_a_day_and_filtered_simulation_before() -> None:
    engine = RiskModel(model())
    states = []
    for bar in walk(1, 30):
        engine.observe("A", bar)
        states.append(engine.propose("A").state)
    assert states[10:24] == [Source.STATIC] + [Source.FILTERED] * 12 + [Source.MODEL]


@pytest.mark.parametrize(
    "bar",
    [
        Bar(START, math.nan, 1, 1, 1),
        Bar(START, 1, math.inf, 1, 1),
        Bar(START, 0, 1, 0, 1),
        Bar(START, 1, 1, -1, 1),
        Bar(START, 2, 1, 1, 1),
        Bar(START, 1, 1, 1, 1, 1, 0),
        Bar(START, 1, 1, 1, 1, 1, 2 * HOUR_MS),
    ],
)
def test_an_unsound_bar_is_refused_and_said(bar: Bar) -> None:
    assert unsound(bar)
    engine = RiskModel()
    history = walk(1, 40)
    for good in history:
        engine.observe("A", good)
    before = engine.propose("A")
    assert engine.observe("A", bar._replace(time_ms=START + 40 * HOUR_MS))
    after = engine.propose("A")
    assert after.new_risk_rate == before.new_risk_rate
    assert after.data_hash == before.data_hash
    assert "refused" in after.reasons[-1]
    assert engine.observe("A", history[5])  # late


def test_a_price_a_thousand_times_off_is_held_back_until_others_agree() -> None:
    engine = RiskModel(model())
    history = walk(1, 60)
    for bar in history[:50]:
        engine.observe("A", bar)
    before = engine.forecast("A")
    wrong = [bar._replace(**{f: getattr(bar, f) * 1000 for f in ("open", "high", "low", "close")}) for bar in history]
    engine.observe("A", wrong[50])
    held = engine.propose("A")
    assert any("out of reach" in reason for reason in held.reasons)
    assert any("widened" in reason for reason in held.reasons)
    assert engine.forecast("A").worst < 3 * before.worst
    for bar in wrong[51:56]:
        engine.observe("A", bar)
    after = engine.propose("A")
    assert not any("reach" in reason for reason in after.reasons)
    assert engine.forecast("A").worst < 3 * before.worst


def test_a_price_that_stands_still_widens_and_ends_at_the_static_rates() -> None:
    engine = RiskModel(model())
    history = walk(1, 50)
    for bar in history:
        engine.observe("A", bar)
    first = engine.propose("A")
    last = history[-1].close
    for hour in range(50, 54):
        engine.observe("A", Bar(START + hour * HOUR_MS, last, last, last, last, 0.0))
    still = engine.propose("A")
    assert still.new_risk_rate > first.new_risk_rate
    for hour in range(54, 80):
        engine.observe("A", Bar(START + hour * HOUR_MS, last, last, last, last, 0.0))
    assert engine.propose("A").state is Source.STATIC


def test_old_data_widen_and_end_at_the_static_rates() -> None:
    engine = RiskModel(model())
    for bar in walk(1, 50):
        engine.observe("A", bar)
    end = START + 50 * HOUR_MS
    fresh = engine.propose("A", now_ms=end + HOUR_MS // 2)
    old = engine.propose("A", now_ms=end + 5 * HOUR_MS)
    assert old.new_risk_rate > 2 * fresh.new_risk_rate
    assert engine.propose("A", now_ms=end + 26 * HOUR_MS).state is Source.STATIC


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_data_make_a_proposal_that_is_not_a_number_or_outside_the_rails(data: st.DataObject) -> None:
    engine = RiskModel(model() if data.draw(st.booleans()) else None)
    rails = Rails(Rate(100_000), Rate(3_000_000), Rate(50_000), Rate(2_000_000), Rate(600_000), Rate(300_000))
    bars = walk(data.draw(st.integers(0, 99)), data.draw(st.integers(1, 60)))
    price = st.one_of(st.floats(allow_nan=True), st.floats(1e-12, 1e12), st.sampled_from([0.0, -1.0, 1e300, 5e-324]))
    for bar in bars:
        if data.draw(st.integers(0, 9)) == 0:
            prices = [data.draw(price) for _ in range(4)]
            bar = Bar(bar.time_ms, *prices, data.draw(st.floats()))  # noqa: PLW2901
            if data.draw(st.booleans()):
                bar = bar._replace(high=max(prices), low=min(prices))  # noqa: PLW2901
        engine.observe("A", bar)
        sound(engine.propose("A", rails), rails)
