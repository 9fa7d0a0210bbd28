"""Training: LightGBM's own predictions from our evaluator, the same file twice, and a placebo that learns nothing."""

import json
import math
import time

import numpy as np
import pytest

from seawall.kernel import INTERPRETED
from seawall.risk.backtest import document, run
from seawall.risk.bars import HOUR_MS, Bar
from seawall.risk.engine import RiskModel
from seawall.risk.features import FEATURES, NAMES
from seawall.risk.model import BASE, PLACEBO, default
from seawall.risk.played import play
from seawall.risk.train import Training, exported, from_panel, from_worlds, grow, rows_of
from seawall.risk.world import Recipe, generate_world
from seawall.units import BadInput

SMALL = Training(trees=20, rows=20_000, leaf_rows=100)
RECIPE = Recipe(markets=4, hours=3_000)


def test_a_world_is_sound_and_repeats() -> None:
    first, again, other = (generate_world(RECIPE, seed) for seed in (1, 1, 2))
    assert first.digest() == again.digest() != other.digest()
    live = np.isfinite(first.close)
    assert live[-1].all()
    assert (first.low[live] <= first.close[live]).all()
    assert (first.close[live] <= first.high[live]).all()
    assert (first.low[live] > 0).all()
    with pytest.raises(BadInput, match="recipe"):
        generate_world(Recipe(hours=10), 1)


def test_rows_join_features_with_what_followed() -> None:
    world = generate_world(RECIPE, 3)
    played = play(world)
    rows = rows_of(played, np.random.default_rng(1))
    assert len(rows.features) > 5_000
    base = rows.features[:, BASE]
    both = np.maximum(rows.targets["up"], rows.targets["down"])
    np.testing.assert_allclose(both, rows.targets["worst"])
    place = int(np.flatnonzero(played.extras[:, 3] == 500)[0])
    market, hour = played.place[place], played.hour[place]
    move = max(
        world.high[hour + 1, market] / world.close[hour, market] - 1.0,
        1.0 - world.low[hour + 1, market] / world.close[hour, market],
    )
    found = int(np.flatnonzero((rows.features == played.features[place]).all(axis=1))[0])
    assert math.exp(rows.targets["worst"][found] + base[found]) == pytest.approx(move)
    cut = rows_of(played, np.random.default_rng(1), until_hour=1_000)
    assert len(cut.features) < len(rows.features) / 2


def test_our_evaluator_gives_lightgbms_predictions() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    rng = np.random.default_rng(4)
    features = rng.normal(size=(6_000, FEATURES))
    features[rng.random(features.shape) < 0.05] = np.nan
    target = features[:, 0] + np.abs(features[:, 1]) * rng.exponential(size=6_000)
    target[~np.isfinite(target)] = 0.0
    data = lightgbm.Dataset(features, target, feature_name=list(NAMES))
    booster = lightgbm.train(
        {"objective": "quantile", "alpha": 0.99, "verbosity": -1, "num_leaves": 15, "num_threads": 1}, data, 60
    )
    forest = exported(json.dumps(booster.dump_model()))
    np.testing.assert_allclose(forest.sums(features), booster.predict(features), rtol=1e-9, atol=1e-12)


def test_training_repeats_to_the_byte_and_the_placebo_learns_nothing() -> None:
    pytest.importorskip("lightgbm")
    first, again = (from_worlds(SMALL, 2, RECIPE) for _ in range(2))
    assert first.model_id == again.model_id
    assert from_worlds(Training(seed=2, trees=20, rows=20_000, leaf_rows=100), 2, RECIPE).model_id != first.model_id
    features = play(generate_world(RECIPE, 9)).features[2_000:]
    spread = {head: float(np.std(first.heads[head].sums(features))) for head in ("worst", PLACEBO)}
    assert spread[PLACEBO] < 0.3 * spread["worst"]


def test_too_little_data_and_no_lightgbm_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="at least"):
        from_panel(generate_world(Recipe(markets=1, hours=200), 1), SMALL)
    monkeypatch.setitem(__import__("sys").modules, "lightgbm", None)
    with pytest.raises(BadInput, match=r"seawall\[risk\]"):
        grow(np.zeros((10, FEATURES)), np.zeros(10), SMALL)


def test_the_default_model_beats_the_placebo_on_worlds_it_was_not_trained_on() -> None:
    done = run(generate_world(Recipe(markets=6, hours=6_000), 12_345), default())
    models = document(done)["models"]
    assert models["seawall_new"]["pinball_vs_fhs"] < 0.97 * models["base_aci"]["pinball_vs_fhs"]
    assert models["placebo"]["pinball_vs_fhs"] > 0.985 * models["base_aci"]["pinball_vs_fhs"]
    assert abs(models["seawall_new"]["violation"] - 0.005) < 0.0015


def test_a_model_is_given_for_the_features_of_this_version() -> None:
    model = default()
    assert len(model.facts["usual"]) == FEATURES
    assert model.facts["generated"] >= 10  # no recorded price in the default model
    assert "markets" not in model.facts
    calm = np.array(model.facts["usual"])
    tail = model.forecast(calm)
    assert 1.5 < tail.worst / math.exp(calm[BASE]) < 8.0
    assert max(tail.up, tail.down) <= 1.15 * tail.worst


@pytest.mark.skipif(INTERPRETED, reason="a time of compiled kernels")
def test_200_markets_are_proposed_within_100_ms_after_a_tick() -> None:
    engine = RiskModel(default())
    world = generate_world(Recipe(markets=200, hours=60), 7)
    names = [f"M{place}" for place in range(200)]
    for hour in range(60):
        for place, name in enumerate(names):
            close = float(world.close[hour, place])
            if math.isfinite(close):
                high, low = float(world.high[hour, place]), float(world.low[hour, place])
                engine.observe(name, Bar(int(world.times_ms[hour]), close, high, low, close))
        for name in engine.markets:
            engine.propose(name)
    ticks = []
    for minute in range(10):
        start = time.process_time()
        for place, name in enumerate(engine.markets):
            close = float(world.close[-1, int(name[1:])]) * (1.0 + 0.001 * math.sin(minute + place))
            opened = int(world.times_ms[-1]) + HOUR_MS + minute * 60_000
            engine.observe(name, Bar(opened, close, close * 1.001, close * 0.999, close, 1.0, 60_000))
            engine.propose(name)
        ticks.append(time.process_time() - start)
    assert len(engine.markets) > 100
    assert min(ticks) < 0.1
