"""The stable price: its step, its floor, and no gain from how often it is updated."""

import pytest

from seawall.pricing.stable import Stable, StableRules, advance, allowance, check_rules, toward
from seawall.units import BadInput, Price, TimeMs

RULES = StableRules(max_per_s_e9=300_000)


@pytest.mark.parametrize(
    "stable, elapsed, expected",
    [(1_000_000, 1_000, 300), (1_000_000, 0, 0), (1_000_000, 3, 0), (1_000_000, 4, 1), (3_333_333, 1_000, 999)],
)
def test_allowance(stable: int, elapsed: int, expected: int) -> None:
    assert allowance(Price(stable), elapsed_ms=elapsed, rules=RULES) == expected


@pytest.mark.parametrize(
    "oracle, expected", [(2_000_000, 1_000_300), (1_000_300, 1_000_300), (1_000_299, 1_000_299), (1, 999_700)]
)
def test_toward(oracle: int, expected: int) -> None:
    assert toward(Price(1_000_000), Price(oracle), elapsed_ms=1_000, rules=RULES) == expected


def test_it_moves_however_often_it_is_updated() -> None:
    state = Stable(price=Price(1_000), time=TimeMs(0))
    for now in range(0, 60_001, 50):  # one step's allowance is 0.015 of a unit
        state = advance(state, Price(2_000), TimeMs(now), RULES)
    assert 1_017 <= state.price <= 1_018  # 0.03 % a second for a minute: 1.8 %


def test_a_constant_price_stays_whatever_the_gaps() -> None:
    state = Stable(price=Price(1_000_000), time=TimeMs(0))
    for gap in (1, 900_000, 3_600_000):
        state = advance(state, Price(1_000_000), TimeMs(state.time + gap), RULES)
        assert state.price == 1_000_000
    assert state.time == 4_500_001


def test_impossible_steps_are_refused() -> None:
    with pytest.raises(BadInput, match="backwards"):
        advance(Stable(price=Price(1_000), time=TimeMs(5)), Price(1_000), TimeMs(4), RULES)
    for stable, oracle in ((0, 1), (1, 0), (-1, 1)):
        with pytest.raises(BadInput):
            toward(Price(stable), Price(oracle), elapsed_ms=1, rules=RULES)
    for value in (0, -1, 10**9 + 1):
        with pytest.raises(BadInput):
            check_rules(StableRules(max_per_s_e9=value))
    assert check_rules(RULES) is RULES
