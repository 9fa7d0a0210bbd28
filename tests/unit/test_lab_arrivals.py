"""Accounts that come during a replay: when, at what margin, and what the index alone would have done to them."""

import numpy as np
import pytest

from seawall.lab.arena import play
from seawall.lab.arrivals import FALL, Arrivals, arrivals_of, asked_rate, on_rails
from seawall.lab.compare import margin_rate, markets_under
from seawall.lab.generator import generate
from seawall.lab.opening import capacity_for
from seawall.lab.path import Path, path_of
from seawall.lab.population import Mix, Population, populate_for
from seawall.lab.rulesets import rule_sets
from seawall.terms.market import Market
from seawall.units import RATE_ONE

HOUR = 3_600_000
Scene = tuple[Path, Population, tuple[Market, ...]]


@pytest.fixture(scope="module")
def scene() -> Scene:
    history = generate("october-2025-10-10", 3, 3, 24, 3_600_000)
    people = populate_for(history, 3, Mix(accounts=120))
    return path_of(history, people), people, markets_under(people, rule_sets(("static",))[0], [0, 1, 2], 1.0)


def test_rates_rise_at_once_and_come_down_by_the_rail_once_an_hour() -> None:
    times = np.arange(5) * (HOUR // 2)
    found = on_rails(np.array([[0.05], [0.2], [0.05], [0.05], [0.19]]), times)[:, 0]
    assert found[1] == RATE_ONE // 5
    assert found[2] == found[1]
    assert found[3] == found[1] - FALL
    assert (np.diff(found) >= -FALL).all()


def test_an_owner_comes_once_with_all_buckets_and_hedgers_stand(scene: Scene) -> None:
    _, people, _ = scene
    bar = arrivals_of(people, 24, 7)
    assert (bar[people.hedger] == 0).all()
    for owner in np.unique(people.owner):
        assert len(np.unique(bar[people.owner == owner])) == 1
    loose = bar[~people.hedger]
    assert 0.3 < (loose == 0).mean() < 0.7
    assert loose.max() < 24
    assert (bar == arrivals_of(people, 24, 7)).all()
    assert (arrivals_of(people, 24, 7, standing=1.0) == 0).all()


def test_who_comes_later_opens_then_at_the_margin_of_that_bar(scene: Scene) -> None:
    path, _, markets = scene
    people = populate_for(path.history, 3, Mix(accounts=120, open_interest_of_volume=0.004))  # none moves the book
    bar = arrivals_of(people, path.bars, 7)
    rates = np.full((path.bars, 3), RATE_ONE // 40)
    rates[12:] = RATE_ONE // 2  # from bar 12 on new risk is asked half of its notional
    coming = Arrivals(bar=bar, initial=rates)
    run = play(path, people, rule_sets(("static",))[0], markets, capacity_for(people), 3, lambda _: None, coming)
    bucket = np.repeat(np.arange(people.buckets), np.diff(people.offsets))
    dear = (bar[bucket] >= 12) & (run.opened_size != 0)
    assert dear.any()
    value = np.abs(run.opened_size) * path.perp[bar[bucket], 0, people.market]
    brought = people.raw_usd + np.add.reduceat(people.size * people.price[people.market], people.offsets[:-1])
    held = np.zeros(people.buckets)
    np.add.at(held, bucket[dear], value[dear])
    assert (held <= 2.0 * brought).all()
    asked = asked_rate(people, coming, path, markets)
    assert run.opening_margin / run.opening_notional == pytest.approx(asked, rel=0.02)
    late = run.opened_bucket[bar >= 12]
    seen = run.tally.first_bar[late[late >= 0]]
    assert ((seen < 0) | (seen >= 12)).all()
    cheap = Arrivals(bar=bar)
    assert asked_rate(people, cheap, path, markets) < 0.5 * asked


def test_when_all_stand_it_is_the_replay_without_arrivals(scene: Scene) -> None:
    path, people, markets = scene
    rules, room = rule_sets(("static",))[0], capacity_for(people)
    all_here = Arrivals(bar=np.zeros(people.buckets, np.int64))
    one = play(path, people, rules, markets, room, 3, lambda _: None)
    two = play(path, people, rules, markets, room, 3, lambda _: None, all_here)
    assert (one.opened_size == two.opened_size).all()
    assert (one.tally.closed == two.tally.closed).all()
    assert one.opening_margin == two.opening_margin
    assert asked_rate(people, all_here, path, markets) == pytest.approx(margin_rate(people, markets), rel=1e-9)
