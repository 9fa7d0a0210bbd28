"""Rule sets through the engine: the same world, conserved, repeatable, equal in margin when asked."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from seawall.engine.invariants import broken
from seawall.engine.venue import Venue
from seawall.lab import levels
from seawall.lab.compare import compare, margin_rate, scaled_to
from seawall.lab.generator import generate
from seawall.lab.history import History
from seawall.lab.opening import Feed, fitted, must, on_grid
from seawall.lab.population import Mix, Population, populate_for
from seawall.lab.rulesets import rule_sets
from seawall.liquidation.rules import RULES
from seawall.terms import command
from seawall.units import BadInput

KEYS = (
    "liquidated_accounts",
    "fully_closed_accounts",
    "liquidated_notional_usd",
    "unnecessary_liquidations",
    "bad_debt_usd",
    "insurance_used_usd",
    "adl_notional_usd",
    "adl_overshoot_usd",
    "impact_bps",
    "breach_to_flat_s",
    "average_margin_usd",
)


@pytest.fixture(scope="module")
def world() -> tuple[History, Population]:
    history = generate("october-2025-10-10", 3, 3, 60, 1_440_000)
    return history, populate_for(history, 3, Mix(accounts=120))


def test_two_rule_sets_side_by_side(world: tuple[History, Population]) -> None:
    history, people = world
    told: list[int] = []
    done = compare(history, people, rule_sets(("static", "seawall")), 3, told.append)
    content: dict[str, Any] = done.figures()
    for part in ("rules", "rules_at_equal_margin"):
        assert list(content[part]) == ["static", "seawall"]
        for figures in content[part].values():
            assert set(KEYS) <= set(figures)
            assert figures["fully_closed_accounts"] <= figures["liquidated_accounts"] <= people.accounts
            assert figures["adl_overshoot_usd"] <= figures["adl_notional_usd"]
            assert figures["opening_notional_usd"] > 0
    rates = [each["opening_margin_rate"] for each in content["rules_at_equal_margin"].values()]
    assert max(rates) <= 1.02 * min(rates)
    assert content["rules"]["static"]["liquidated_accounts"] > 0
    assert content == compare(history, people, rule_sets(("static", "seawall")), 3, told.append).figures()
    assert done.equal["seawall"] is done.configured["seawall"]
    assert sum(told) == 2 * 4 * history.bars


@pytest.mark.parametrize("first", ["static", "drift"])
def test_all_rule_sets_ask_an_equal_margin(world: tuple[History, Population], first: str) -> None:
    history, people = world
    names = (first, *(name for name in RULES if name != first))
    done = compare(history, people, rule_sets(names), 3, lambda _: None)
    figures = done.figures()
    rates = [each["opening_margin_rate"] for each in figures["rules_at_equal_margin"].values()]
    assert max(rates) <= 1.02 * min(rates)
    assert rates[0] == figures["rules"][first]["opening_margin_rate"]
    assert done.equal[first] is done.configured[first]


@pytest.mark.parametrize("target", [0.021, 0.0442, 0.1, 0.27])
def test_whole_leverages_do_not_keep_a_margin_out_of_reach(world: tuple[History, Population], target: float) -> None:
    _, people = world
    for name in RULES:
        scale, markets = scaled_to(people, rule_sets((name,))[0], [0, 1, 2], target)
        assert margin_rate(people, markets) == pytest.approx(target, rel=0.02)
        assert 1 / 64 < scale < 64


def test_levels_scale_to_an_equal_margin(world: tuple[History, Population]) -> None:
    _, people = world
    for name in RULES:
        for scale in (0.5, 1.0, 1.7, 4.0):
            markets = tuple(levels.market_under(name, base, rank, scale) for rank, base in enumerate(people.markets))
            for terms in markets:
                for tier in terms.tiers:
                    assert tier.maintenance * tier.max_leverage <= 12_000_000
        found = levels.scale_to(
            0.1,
            lambda scale, name=name: margin_rate(  # type: ignore[misc]
                people, tuple(levels.market_under(name, base, rank, scale) for rank, base in enumerate(people.markets))
            ),
        )
        assert 1 / 64 < found < 64


def test_no_account_opens_more_than_its_equity_allows(world: tuple[History, Population]) -> None:
    _, people = world
    strict = tuple(levels.market_under("dydx", base, 90, 3.0) for base in people.markets)
    lots, _ = fitted(people, strict)
    price = people.price[people.market]
    asked = np.add.reduceat(levels.least_initial(strict, people.market, np.abs(lots) * price), people.offsets[:-1])
    equity = people.raw_usd + np.add.reduceat(people.size * price, people.offsets[:-1])
    assert (asked <= equity).all()
    assert (np.abs(lots) < np.abs(people.size)).any()


def test_the_opening_pays_for_the_step_to_the_order_grid(world: tuple[History, Population]) -> None:
    _, people = world
    odd = replace(people, price=people.price + 7)
    markets = tuple(levels.market_under("static", base, 0, 1.0) for base in odd.markets)
    lots, _ = fitted(odd, markets)
    price, entry = odd.price[odd.market], on_grid(odd.price)[odd.market]
    equity = odd.raw_usd + np.add.reduceat(odd.size * price, odd.offsets[:-1])
    lost = np.add.reduceat(np.abs(lots) * np.abs(entry - price), odd.offsets[:-1])
    asked = np.add.reduceat(levels.least_initial(markets, odd.market, np.abs(lots) * price), odd.offsets[:-1])
    assert (asked + lost <= equity).all()


def test_prices_on_the_grid_have_five_figures() -> None:
    prices = np.array([1, 99_999, 100_001, 123_456, 9_876_543, 2**40])
    assert on_grid(prices).tolist() == [1, 99_999, 100_000, 123_460, 9_876_500, 1_099_500_000_000]


def test_bad_rule_sets_are_refused() -> None:
    for names in ((), ("static", "static"), ("nobody",)):
        with pytest.raises(BadInput):
            rule_sets(names)


def test_a_refused_opening_row_names_itself() -> None:
    feed = Feed(Venue(), 1_000_000)
    rows = np.zeros(1, [(name, "<i8") for name in command.ROW])
    with pytest.raises(BadInput, match="row 0"):
        must(feed, rows, "opening")
    assert broken(feed.venue.columns) == []
