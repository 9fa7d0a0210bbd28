"""Proposals, ramps of maintenance and decay: each rail on both sides of its boundary (SPEC section 10)."""

import pytest

from office_world import DAY, HOUR, INTERPRETED, MINUTE, START, VENUE, Office
from seawall.engine import rails
from seawall.ledger import state
from seawall.margin.trigger_kernels import EDGE, LIQUIDATABLE, PLACED, UNSURE, UNUSED, WATCHED
from seawall.margin.trigger_state import FIRED
from seawall.terms import code, command, event, parameter
from seawall.terms.parameter import MAINTENANCE_SCALE as SCALE
from seawall.units import RATE_ONE

STEP = RATE_ONE // 20 // 60  # of the live scale in a minute
RAILED = {number: spec for number, spec in parameter.MARKET.items() if spec.rail is not None}


def opened() -> Office:
    office = Office(1)
    office.must(**office.set(parameter.LEVERAGE_CAP, 50))
    office.must(**office.set(parameter.OPEN_INTEREST_CAP, 10**9))
    office.open_market()
    return office


def alive(office: Office, minutes: int) -> None:
    """Minutes in which the risk engine repeats itself."""
    for _ in range(minutes):
        office.must(**office.propose(parameter.LEVERAGE_CAP, office.live(parameter.LEVERAGE_CAP)))
        office.tick(MINUTE)


# who may propose, and when


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"signer": command.ADMIN}, code.NOT_AUTHORISED),
        ({"signer": command.GUARDIAN}, code.NOT_AUTHORISED),
        ({"amount": 0b1}, code.NOT_ENOUGH_SIGNERS),
        ({"amount": 0}, code.NOT_ENOUGH_SIGNERS),
        ({"amount": 0b11 << 16}, code.NOT_ENOUGH_SIGNERS),  # signers that do not exist
        ({"amount": 0b1000_0000_0000_0001}, code.OK),
        ({"market": 1}, code.UNKNOWN_MARKET),
        ({"market": VENUE}, code.UNKNOWN_MARKET),
        ({"market": 4}, code.UNKNOWN_MARKET),
        ({"reference": 10}, code.PROPOSAL_OLD),
        ({"reference": 9}, code.PROPOSAL_OLD),
        ({"reference": 11}, code.OK),
        ({"expires": START - 1}, code.PROPOSAL_EXPIRED),
        ({"expires": 0}, code.PROPOSAL_EXPIRED),
        ({"expires": START}, code.OK),
        ({"expires": START + DAY}, code.OK),
        ({"expires": START + DAY + 1}, code.BAD_TIME),  # approvals expire
        ({"other": parameter.TAKER_FEE}, code.BAD_PARAMETER),
        ({"other": -1}, code.BAD_PARAMETER),
        ({"other": parameter.WIDTH}, code.BAD_PARAMETER),
    ],
)
def test_the_gates_of_a_proposal(fields: dict[str, int], expected: int) -> None:
    office = opened()
    office.columns["cell"][state.RISK_SERIAL] = 10
    row = office.propose(parameter.LEVERAGE_CAP, 40, **fields)
    if expected == code.OK:
        office.must(**row)
        assert office.live(parameter.LEVERAGE_CAP) == 40
        assert office.columns["cell"][state.RISK_SERIAL] == row["reference"]
        assert office.columns["cell"][state.RISK_TIME] == START
    else:
        office.refused(expected, **row)


def test_only_configured_signers_count() -> None:
    office = opened()
    office.must(**office.set(parameter.RISK_MASK, 0b0110, VENUE))
    office.refused(code.NOT_ENOUGH_SIGNERS, **office.propose(parameter.LEVERAGE_CAP, 40, amount=0b1011))
    office.must(**office.propose(parameter.LEVERAGE_CAP, 40, amount=0b0110))


@pytest.mark.parametrize("status", [command.UNLISTED, command.DELISTING])
def test_a_market_that_goes_is_left_alone(status: int) -> None:
    office = opened()
    office.columns["market_status"][0] = status
    expected = code.UNKNOWN_MARKET if status == command.UNLISTED else code.MARKET_CLOSED
    office.refused(expected, **office.propose(parameter.LEVERAGE_CAP, 40))


# how far


@pytest.mark.parametrize("number", [n for n in RAILED if n not in (SCALE, parameter.BREAKER)])
def test_tighter_at_once_and_never_looser_than_the_admin(number: int) -> None:
    spec = RAILED[number]
    rail = spec.rail
    assert rail is not None
    office = Office(1)
    office.open_market()
    static = spec.low + (spec.high - spec.low) // 2
    for column in ("param", "param_static"):
        office.columns[column][0, number] = static
        office.columns[column][0, parameter.OPEN_INTEREST_UPPER] = max(
            static, office.columns[column][0, parameter.OPEN_INTEREST_UPPER]
        )
    sign = 1 if rail.tighter_is_up else -1
    office.refused(code.OUTSIDE_RAILS, **office.propose(number, static - sign))
    office.refused(code.OUTSIDE_RAILS, **office.propose(number, spec.low - 1))
    office.refused(code.OUTSIDE_RAILS, **office.propose(number, spec.high + 1))
    tight = static + sign * 7
    (done,) = office.must(**office.propose(number, tight))
    assert (done["kind"], done["order"], done["price"], done["other"]) == (event.PARAMETER, number, tight, 1)
    assert office.static(number) == static
    if rail.delay_ms:
        office.columns["cell"][state.NOW] += rail.delay_ms - 1
        office.refused(code.OUTSIDE_RAILS, **office.propose(number, tight - sign))
        office.must(**office.propose(number, tight))  # what is there already, and tighter, always
        office.must(**office.propose(number, tight + sign))
        office.columns["cell"][state.NOW] += rail.delay_ms
    live = office.live(number)
    loosest = max(live - rail.down, static) if rail.tighter_is_up else min(live + rail.up, static)
    if loosest != static:
        office.refused(code.OUTSIDE_RAILS, **office.propose(number, loosest - sign))
    office.must(**office.propose(number, loosest))
    assert office.live(number) == loosest


def test_a_step_has_a_size() -> None:
    office = opened()
    office.must(**office.propose(parameter.LEVERAGE_CAP, 1))
    office.columns["cell"][state.NOW] += HOUR
    office.refused(code.OUTSIDE_RAILS, **office.propose(parameter.LEVERAGE_CAP, 7))
    office.must(**office.propose(parameter.LEVERAGE_CAP, 6))


def test_no_scaling_is_looser_than_any_cap_and_caps_stay_in_order() -> None:
    low, high = parameter.OPEN_INTEREST_LOWER, parameter.OPEN_INTEREST_UPPER
    office = Office(1)
    office.must(**office.set(low, 500))
    office.open_market()
    office.refused(code.OUTSIDE_RAILS, **office.propose(high, 499))
    office.must(**office.propose(high, 500))
    office.must(**office.propose(low, 100))
    office.must(**office.propose(high, 100))
    office.refused(code.OUTSIDE_RAILS, **office.propose(high, 0))
    office.columns["cell"][state.NOW] += HOUR
    office.refused(code.OUTSIDE_RAILS, **office.propose(low, 101))
    office.must(**office.propose(high, 0))
    office.must(**office.propose(low, 500))


# maintenance


def test_a_rise_of_maintenance_is_announced_and_then_slow() -> None:
    office = opened()
    (done,) = office.must(**office.propose(SCALE, 13_000_000))
    assert (done["order"], done["price"], done["amount"]) == (SCALE, 13_000_000, START + HOUR)
    alive(office, 59)
    assert office.live(SCALE) == RATE_ONE
    for minute in range(1, 100):
        alive(office, 1)
        assert office.live(SCALE) == min(RATE_ONE + minute * STEP, 13_000_000)
        rate = -(-300_000 * office.live(SCALE) // RATE_ONE)
        assert office.columns["tier_rate"][0, 0] == rate <= office.columns["tier_rate"][1, 0] == 450_000


def test_targets_have_their_range_and_each_its_own_notice() -> None:
    office = opened()
    for value in (RATE_ONE - 1, 18_000_001):
        office.refused(code.OUTSIDE_RAILS, **office.propose(SCALE, value))
    office.must(**office.propose(SCALE, 13_000_000))
    office.refused(code.OUTSIDE_RAILS, **office.propose(SCALE, 13_000_001))
    assert office.must(**office.propose(SCALE, 13_000_000)) == []
    office.columns["cell"][state.NOW] += HOUR
    (done,) = office.must(**office.propose(SCALE, 12_500_000))  # less, at the time that was announced
    assert done["amount"] == START + HOUR
    office.tick(0)
    assert office.columns["market_ramp_target"][0] == 12_500_000
    (done,) = office.must(**office.propose(SCALE, 12_500_001))
    assert done["amount"] == office.now + HOUR


def test_a_lower_target_needs_the_delay_and_ends_an_announcement() -> None:
    office = opened()
    office.must(**office.propose(SCALE, 13_000_000))
    office.must(**office.propose(SCALE, RATE_ONE))
    assert office.columns["market_ramp_from"][0] == 0
    office.must(**office.propose(SCALE, 13_000_000))
    office.columns["cell"][state.NOW] += HOUR - 1
    office.refused(code.OUTSIDE_RAILS, **office.propose(SCALE, RATE_ONE))
    office.columns["cell"][state.NOW] += 1
    office.must(**office.propose(SCALE, RATE_ONE))
    alive(office, 120)
    assert office.live(SCALE) == RATE_ONE


def test_a_target_may_not_be_below_the_admins() -> None:
    office = Office(1)
    office.must(**office.set(SCALE, 13_000_000))
    office.open_market()
    office.must(**office.propose(SCALE, 14_000_000))
    office.columns["cell"][state.NOW] += HOUR
    office.refused(code.OUTSIDE_RAILS, **office.propose(SCALE, 12_999_999))
    office.must(**office.propose(SCALE, 13_000_000))


def test_leverage_caps_the_target() -> None:
    office = Office(1)
    office.must(command.SET_TIER, size=20, price=400_000)
    office.open_market()
    office.refused(code.OUTSIDE_RAILS, **office.propose(SCALE, 15_000_001))
    office.must(**office.propose(SCALE, 15_000_000))


def test_a_gap_of_the_clock_raises_by_one_minute_and_lowers_by_all() -> None:
    office = opened()
    office.must(**office.propose(SCALE, 18_000_000))
    alive(office, 60)
    office.columns["cell"][state.RISK_TIME] = office.now + 8 * HOUR
    office.tick(8 * HOUR)
    assert office.live(SCALE) == RATE_ONE + 2 * STEP
    alive(office, 58)
    assert office.live(SCALE) == RATE_ONE + 60 * STEP
    office.columns["cell"][state.RISK_TIME] = 0
    office.tick(HOUR // 2)
    assert office.live(SCALE) == RATE_ONE + 30 * STEP
    office.tick(DAY)
    assert office.live(SCALE) == RATE_ONE


def test_two_ticks_in_a_minute_move_once() -> None:
    office = opened()
    office.must(**office.propose(SCALE, 18_000_000))
    alive(office, 60)
    first = office.live(SCALE)
    office.tick(MINUTE - 1)
    office.tick(0)
    assert office.live(SCALE) == first
    office.tick(1)
    assert office.live(SCALE) == first + STEP


def test_the_ceiling_is_over_the_lowest_of_24_whole_hours() -> None:
    office = Office(1)
    office.must(**office.set(parameter.RAMP_CEILING, RATE_ONE * 11 // 10, VENUE))
    office.open_market()
    office.must(**office.propose(SCALE, 18_000_000))
    lows = [RATE_ONE]
    for _ in range(60 * 50):
        alive(office, 1)
        lows.append(office.live(SCALE))
        assert lows[-1] * 10 <= min(lows[-24 * 60 - 1 :]) * 11
    top = RATE_ONE * 11 // 10
    assert lows[180] == lows[24 * 60 + 59] == top  # it stood at 1 until minute 60
    assert lows[25 * 60 + 2 * 60] > top
    assert lows[-1] == top * 11 // 10


def test_a_rise_queues_who_is_not_certified_at_the_fence_and_a_fall_nobody() -> None:
    office = opened()
    for bucket, status in enumerate((UNUSED, PLACED, EDGE, WATCHED, UNSURE, LIQUIDATABLE)):
        office.add_position(bucket, 0, 1, 10**6, status)
    office.must(**office.propose(SCALE, RATE_ONE + 2 * STEP))
    alive(office, 60)
    columns = office.columns
    assert columns["count"][FIRED] == 3
    assert columns["bucket_fired"][:6].tolist() == [0, 0, 1, 1, 1, 0]
    columns["count"][FIRED] = 0
    columns["bucket_fired"][:6] = 0
    alive(office, 1)
    columns["count"][FIRED] = 0
    columns["bucket_fired"][:6] = 0
    office.columns["cell"][state.RISK_TIME] = 0
    office.minutes(5)
    assert office.live(SCALE) == RATE_ONE
    assert columns["count"][FIRED] == 0


# silence


def test_after_silence_every_value_steps_back() -> None:
    office = opened()
    office.must(**office.propose(parameter.LEVERAGE_CAP, 7))
    office.must(**office.propose(parameter.INITIAL_LIVE, RATE_ONE))
    office.must(**office.propose(parameter.OPEN_INTEREST_CAP, 0))
    office.tick(600_000)
    assert office.live(parameter.LEVERAGE_CAP) == 7
    for hour in range(1, 12):
        for _ in range(60):
            office.tick(MINUTE)
        assert office.live(parameter.LEVERAGE_CAP) == min(7 + 5 * hour, 50)
        assert office.live(parameter.INITIAL_LIVE) == RATE_ONE - hour * RATE_ONE // 50
        assert office.live(parameter.OPEN_INTEREST_CAP) == 10**9
    for _ in range(60 * 40):
        office.tick(MINUTE)
    assert all(office.live(number) == office.static(number) for number in RAILED)


def test_silence_is_counted_to_the_millisecond() -> None:
    office = opened()
    office.must(**office.propose(parameter.LIQUIDATION_CAPACITY, 5))  # has no delay
    edge = office.columns["cell"]
    edge[state.RISK_TIME] = office.now + MINUTE - 600_000
    office.tick(MINUTE)
    assert office.live(parameter.LIQUIDATION_CAPACITY) == 5
    edge[state.RISK_TIME] = office.now + MINUTE - 600_001
    office.tick(MINUTE)
    assert office.live(parameter.LIQUIDATION_CAPACITY) == parameter.MARKET[parameter.LIQUIDATION_CAPACITY].value


def test_caps_come_back_in_order() -> None:
    low, high = parameter.OPEN_INTEREST_LOWER, parameter.OPEN_INTEREST_UPPER
    office = Office(1)
    office.must(**office.set(low, 500))
    office.must(**office.set(high, 1_000))
    office.open_market()
    office.must(**office.propose(low, 100))
    office.tick(30 * MINUTE)
    office.must(**office.propose(high, 100))
    office.minutes(45)
    assert (office.live(low), office.live(high)) == (100, 100), "the lower cap waits for the upper one"
    office.minutes(20)
    assert (office.live(low), office.live(high)) == (500, 1_000)


def test_silence_ends_an_announcement() -> None:
    office = opened()
    office.must(**office.propose(SCALE, 18_000_000))
    office.minutes(11)
    assert office.columns["market_ramp_from"][0] == 0
    office.minutes(120)
    assert office.live(SCALE) == RATE_ONE


@pytest.mark.skipif(not INTERPRETED, reason="the bound is a constant of compiled code")
def test_markets_beyond_the_room_of_one_tick_have_their_turn_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rails, "CHANGES_PER_COMMAND", rails.CHANGES_A_MARKET)
    office = Office(3)
    minute = (office.now + MINUTE) // MINUTE
    moved = []
    for ms in (MINUTE, 1, 1, 1):
        office.tick(ms)
        moved.append(int((office.columns["market_rails_time"][:3] == minute).sum()))
    assert moved == [1, 2, 3, 3]
    assert office.columns["cell"][state.RAILS_TIME] == minute
