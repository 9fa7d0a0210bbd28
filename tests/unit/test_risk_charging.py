"""Margins of new risk over a replay: no hour knows itself, and the average is the one asked for."""

import numpy as np
import pytest

from seawall.lab.arrivals import Arrivals, arrivals_of, asked_rate
from seawall.lab.compare import markets_under
from seawall.lab.generator import generate
from seawall.lab.path import path_of
from seawall.lab.population import Mix, populate_for
from seawall.lab.rulesets import rule_sets
from seawall.risk.charging import charged, forecasts_from
from seawall.risk.moves import HOUR_MS, Bars
from seawall.units import RATE_ONE


def walk_of(hours: int, wild: int) -> Bars:
    """One market, calm until `wild` and ten times as wild from there."""
    random = np.random.Generator(np.random.PCG64(5))
    steps = random.standard_normal((hours, 4)) * np.where(np.arange(hours) < wild, 0.002, 0.02)[:, None]
    price = 100.0 * np.exp(np.cumsum(steps.ravel())).reshape(hours, 4)
    first = np.concatenate(([100.0], price[:-1, -1]))
    whole = np.column_stack((first, price))
    cells = {"open": first, "high": whole.max(axis=1), "low": whole.min(axis=1), "close": price[:, -1]}
    return Bars(names=("BTC",), **{name: values[:, None] for name, values in cells.items()})


def test_a_bar_is_charged_by_the_hours_before_it_alone() -> None:
    hours, times = np.arange(200) * HOUR_MS, np.arange(100 * HOUR_MS, 200 * HOUR_MS, HOUR_MS // 4)
    calm, storm = (forecasts_from(walk_of(200, wild), hours, times, None)[:, 0] for wild in (200, 150))
    before = times < 151 * HOUR_MS  # the first wild hour has ended at 151
    assert np.isfinite(calm).all()
    assert (calm[before] == storm[before]).all()
    assert (storm[~before] > calm[~before]).all()


def test_too_little_history_has_no_forecast() -> None:
    hours = np.arange(40) * HOUR_MS
    found = forecasts_from(walk_of(40, 40), hours, hours, None)[:, 0]
    assert np.isnan(found[:12]).all()
    assert np.isfinite(found[13:]).all()


def test_the_average_is_the_one_asked_for_and_storms_ask_more() -> None:
    history = generate("october-2025-10-10", 3, 3, 24, HOUR_MS)
    people = populate_for(history, 3, Mix(accounts=120))
    path, rules = path_of(history, people), rule_sets(("static",))[0]
    markets = markets_under(people, rules, [0, 1, 2], 0.8)
    static = np.array([one.initial_live / RATE_ONE for one in markets_under(people, rules, [0, 1, 2], 1.0)])
    bar = arrivals_of(people, path.bars, 7)
    ahead = np.where(np.arange(24)[:, None] < 18, 0.01, 0.05) * np.ones(3)
    ahead[:, 2] = np.nan
    flat = Arrivals(bar=bar, initial=np.tile(np.ceil(static * RATE_ONE).astype(np.int64), (path.bars, 1)))
    target = 1.2 * asked_rate(people, flat, path, markets)
    scale, coming = charged(people, path, markets, bar, ahead, static, target)
    assert asked_rate(people, coming, path, markets) == pytest.approx(target, rel=0.01)
    assert coming.initial is not None
    assert (coming.initial[:, 2] == np.ceil(static[2] * RATE_ONE)).all()
    assert (coming.initial[20, :2] > coming.initial[10, :2]).all()
    assert coming.initial[20, 0] == np.ceil(scale * 0.05 * RATE_ONE)
