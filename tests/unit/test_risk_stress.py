"""The stress state by sequences of signs, and what it makes of parameters within the rails of the engine."""

import math

import pytest

from office_world import Office
from seawall.risk.measures import Forced, Market, maintenance_scale, next_value, wanted
from seawall.risk.stress import CALM_MS, LEVELS, Level, Signs, Stress, severity, stress_of
from seawall.terms import parameter
from seawall.terms.limits import NOTIONAL_MAX
from seawall.terms.parameter import HARD, MARKET, NORMAL, RECOVERY, SOFT
from seawall.units import RATE_ONE, BadInput, Rate, UsdMicro

MINUTE = 60_000
QUIET = Signs(1.0, 0.1, 0.0, 0.0005, 0.0)
WORRYING = Signs(6.0, 0.1, 0.0, 0.0005, 0.0)
ALARMING = Signs(6.0, 0.9, 0.1, 0.035, 0.02)
STATIC = {number: MARKET[number].value for number in MARKET if MARKET[number].rail is not None} | {
    parameter.OPEN_INTEREST_CAP: 10**9
}


def market(state: int, **more: int) -> Market:
    told = {
        "open_interest": 1_000_000,
        "open_notional": 5 * 10**13,
        "depth": 10**12,
        "new_risk": RATE_ONE // 10,
        "maintenance": RATE_ONE // 30,
        "static_maintenance": RATE_ONE // 40,
        **more,
    }
    return Market(
        state=state,
        open_interest=told["open_interest"],
        open_notional=UsdMicro(told["open_notional"]),
        depth=UsdMicro(told["depth"]),
        new_risk=Rate(told["new_risk"]),
        maintenance=Rate(told["maintenance"]),
        static_maintenance=Rate(told["static_maintenance"]),
    )


@pytest.mark.parametrize("level", LEVELS)
def test_a_sign_is_one_where_it_worries_and_two_where_it_alarms(level: Level) -> None:
    assert severity(0.0, level) == severity(-1.0, level) == severity(math.nan, level) == 0.0
    assert severity(level.worries, level) == pytest.approx(1.0)
    assert severity(level.alarms, level) == pytest.approx(2.0)
    assert severity(1e9, level) == 3.0


def test_two_signs_that_nearly_worry_do() -> None:
    one, words = stress_of(Signs(range=4.5))
    two, _ = stress_of(Signs(range=4.5, depth_lost=0.45))
    assert one == pytest.approx(0.9)
    assert two == pytest.approx(1.125)
    assert words == ()
    assert stress_of(ALARMING)[1][0].startswith("perp 3.50% from the index")


def test_nothing_known_is_no_stress() -> None:
    assert stress_of(Signs()) == (0.0, ())


def states(told: list[tuple[int, Signs]]) -> list[int]:
    machine = Stress()
    return [machine.see(signs, minute * MINUTE) for minute, signs in told]


def test_a_crash_and_its_end() -> None:
    calm = CALM_MS // MINUTE
    told = [(0, QUIET), (1, WORRYING), (2, ALARMING), (3, WORRYING)]
    told += [(4 + minute, QUIET) for minute in range(2 * calm + 2)]
    found = states(told)
    assert found[:4] == [NORMAL, SOFT, HARD, HARD]
    assert found[4 : 4 + calm] == [HARD] * calm
    assert found[4 + calm] == RECOVERY
    assert found[5 + calm : 5 + 2 * calm] == [RECOVERY] * calm
    assert found[5 + 2 * calm] == NORMAL


def test_a_market_that_trembles_at_the_line_stays_soft() -> None:
    """Above CALM and below what worries: neither in nor out."""
    between = Signs(range=4.2)
    assert set(states([(0, WORRYING), *((1 + minute, between) for minute in range(120))])) == {SOFT}
    assert set(states([(minute, between) for minute in range(120)])) == {NORMAL}


def test_quiet_must_last_without_a_break() -> None:
    told = [(0, WORRYING)]
    for start in range(1, 90, 9):
        told += [(start + minute, QUIET) for minute in range(8)] + [(start + 8, Signs(range=4.2))]
    assert set(states(told)) == {SOFT}


def test_a_second_wave_in_recovery_is_hard_at_once() -> None:
    calm = CALM_MS // MINUTE
    found = states([(0, ALARMING), *((1 + minute, QUIET) for minute in range(calm + 1)), (calm + 3, ALARMING)])
    assert found[-2:] == [RECOVERY, HARD]


def test_it_follows_a_guardian_and_refuses_times_that_go_back() -> None:
    machine = Stress()
    machine.follow(HARD, 5 * MINUTE)
    assert machine.see(QUIET, 6 * MINUTE) == HARD
    with pytest.raises(BadInput, match="goes back"):
        machine.see(QUIET, MINUTE)
    with pytest.raises(BadInput, match="no state"):
        machine.follow(9, 7 * MINUTE)


def test_normal_wants_static_caps_and_stress_tightens_them_one_after_the_other() -> None:
    calm = wanted(market(NORMAL), STATIC)
    assert calm[parameter.OPEN_INTEREST_CAP] == STATIC[parameter.OPEN_INTEREST_CAP]
    assert calm[parameter.LIQUIDATION_CAPACITY] == NOTIONAL_MAX
    soft, recovery, hard = (wanted(market(state), STATIC) for state in (SOFT, RECOVERY, HARD))
    for number in (parameter.OPEN_INTEREST_CAP, parameter.LIQUIDATION_CAPACITY):
        assert hard[number] < recovery[number] < soft[number] < calm[number]
    assert hard[parameter.OPEN_INTEREST_CAP] == 1_000_000
    assert hard[parameter.LIQUIDATION_CAPACITY] == 10**11
    assert hard[parameter.BREAKER] == HARD


def test_a_thousandth_of_open_interest_may_always_be_closed() -> None:
    """However thin the book: a throttle that lets nothing through would never end a liquidation."""
    assert wanted(market(HARD, depth=1), STATIC)[parameter.LIQUIDATION_CAPACITY] == 5 * 10**10


def test_unknown_depth_throttles_nothing() -> None:
    assert wanted(market(HARD, depth=0), STATIC)[parameter.LIQUIDATION_CAPACITY] == NOTIONAL_MAX


def forced(taken: int, left: int, end: float = -0.051, near: int = 10**11) -> Forced:
    return Forced(move=-0.05, end=end, taken=UsdMicro(taken), left=UsdMicro(left), near=UsdMicro(near))


@pytest.mark.parametrize("state", [NORMAL, SOFT, HARD])
def test_a_cascade_ahead_caps_in_any_state_and_never_loosens(state: int) -> None:
    """A quarter of what is forced finds a book: open interest may stay at a quarter."""
    runs_out = market(state)._replace(forced=forced(10**12, 3 * 10**12))
    found, without = wanted(runs_out, STATIC), wanted(market(state), STATIC)
    assert found[parameter.OPEN_INTEREST_CAP] == 250_000
    assert found[parameter.LIQUIDATION_CAPACITY] == 10**11
    same = set(found) - {parameter.OPEN_INTEREST_CAP, parameter.LIQUIDATION_CAPACITY}
    assert {number: found[number] for number in same} == {number: without[number] for number in same}
    carried = wanted(market(state)._replace(forced=forced(10**12, 0, end=-0.07)), STATIC)
    assert carried[parameter.OPEN_INTEREST_CAP] == 1_000_000
    quiet = market(state)._replace(forced=forced(10**12, 0))
    assert wanted(quiet, STATIC) == without


def test_a_cascade_is_told_in_words_and_leaves_a_thousandth_to_close() -> None:
    assert forced(10**12, 0, end=-0.07).words == "a move of -5.0% would force 1,000,000 USD: it would end at -7.0%"
    told = forced(10**12, 10**12).words
    assert told == "a move of -5.0% would force 2,000,000 USD, of which the book takes 1,000,000: it would end at -5.1%"
    empty = market(NORMAL)._replace(forced=forced(0, 10**12, near=0))
    assert wanted(empty, STATIC)[parameter.LIQUIDATION_CAPACITY] == 5 * 10**10
    assert wanted(empty, STATIC)[parameter.OPEN_INTEREST_CAP] == 0


def test_the_scale_of_maintenance_stays_in_its_range() -> None:
    assert maintenance_scale(market(NORMAL)) == RATE_ONE * 4 // 3
    assert maintenance_scale(market(NORMAL, maintenance=1)) == RATE_ONE
    assert maintenance_scale(market(NORMAL, maintenance=RATE_ONE)) == RATE_ONE * 3 // 2
    assert maintenance_scale(market(NORMAL, static_maintenance=0)) == RATE_ONE


def test_steps_are_those_of_the_rails() -> None:
    lever = {"live": 10, "static": 50}
    assert next_value(parameter.LEVERAGE_CAP, target=3, age_ms=0, **lever) == 3
    assert next_value(parameter.LEVERAGE_CAP, target=50, age_ms=0, **lever) is None
    assert next_value(parameter.LEVERAGE_CAP, target=50, age_ms=3_600_000, **lever) == 15
    assert next_value(parameter.LEVERAGE_CAP, target=80, age_ms=3_600_000, live=48, static=50) == 50
    assert next_value(parameter.LEVERAGE_CAP, target=10, age_ms=0, **lever) is None
    assert next_value(parameter.INITIAL_LIVE, target=0, age_ms=10**9, live=5, static=5) is None


def test_the_engine_takes_every_step_that_is_planned() -> None:
    """Half a day of states, proposed as planned every ten minutes: none is outside the rails."""
    office = Office(1)
    office.must(**office.set(parameter.LEVERAGE_CAP, 20))
    office.must(**office.set(parameter.OPEN_INTEREST_CAP, 10**9))
    office.open_market()
    columns, changed = office.columns, set()
    for state in [NORMAL, SOFT, HARD, HARD, RECOVERY, NORMAL, NORMAL, SOFT, NORMAL] * 8:
        office.tick(10 * MINUTE)
        live, static = columns["param"][0].tolist(), columns["param_static"][0].tolist()
        since = columns["param_time"][0].tolist()
        told = {number: static[number] for number in STATIC}
        now = market(state, new_risk=RATE_ONE // (8 if state == HARD else 30))
        for number, target in wanted(now, told).items():
            if number == parameter.MAINTENANCE_SCALE:
                continue
            age = office.now - since[number]
            value = next_value(number, target=target, live=live[number], static=static[number], age_ms=age)
            if value is not None:
                office.must(**office.propose(number, value))
                changed.add((number, value > live[number]))
    both = (parameter.BREAKER, parameter.INITIAL_LIVE, parameter.OPEN_INTEREST_CAP, parameter.LIQUIDATION_CAPACITY)
    assert changed >= {(number, way) for number in both for way in (False, True)}
