"""Markets: sources, outages and what follows a listing."""

import pytest
from test_engine_markets import SOURCE

from office_world import DAY, HOUR, INTERPRETED, MINUTE, VENUE, Office
from seawall.engine import parameters
from seawall.ledger import state
from seawall.terms import code, parameter
from seawall.units import RATE_ONE


def test_the_value_that_is_there_takes_back_what_waits() -> None:
    office = Office(1)
    office.open_market()
    for number in (parameter.POSITION_CAP, parameter.MARK_BAND):
        now = office.live(number)
        office.must(**office.set(number, now + 1), expires=office.now + DAY)
        office.must(**office.set(number, now))
        office.tick(2 * DAY)
        assert office.live(number) == now


def test_a_tightening_may_be_announced() -> None:
    office = Office(1)
    office.must(**office.set(parameter.POSITION_CAP, 100))
    office.open_market()
    office.must(**office.set(parameter.POSITION_CAP, 10), expires=office.now + 5)
    assert office.live(parameter.POSITION_CAP) == 100
    office.tick(5)
    assert office.live(parameter.POSITION_CAP) == 10


def test_a_rebate_never_exceeds_the_taker_fee_whatever_is_pending() -> None:
    office = Office(1)
    office.must(**office.set(parameter.TAKER_FEE, 100))
    office.must(**office.set(parameter.MAKER_FEE, -100))
    office.refused(code.BAD_PARAMETER, **office.set(parameter.MAKER_FEE, -101))
    office.refused(code.BAD_PARAMETER, **office.set(parameter.TAKER_FEE, 99))
    office.open_market()
    office.must(**office.set(parameter.TAKER_FEE, 500), expires=office.now + DAY)
    office.refused(code.BAD_PARAMETER, **office.set(parameter.MAKER_FEE, -101))  # not before the taker fee is there
    office.must(**office.set(parameter.MAKER_FEE, 50), expires=office.now + DAY)
    office.refused(code.BAD_PARAMETER, **office.set(parameter.TAKER_FEE, 99))  # the rebate is still there
    office.tick(DAY)
    office.must(**office.set(parameter.TAKER_FEE, 0))


def test_open_interest_caps_stay_in_order_whatever_is_pending() -> None:
    low, high = parameter.OPEN_INTEREST_LOWER, parameter.OPEN_INTEREST_UPPER
    office = Office(1)
    office.must(**office.set(low, 100))
    office.refused(code.BAD_PARAMETER, **office.set(high, 99))
    office.must(**office.set(high, 200))
    office.refused(code.BAD_PARAMETER, **office.set(low, 201))
    office.open_market()
    office.must(**office.set(high, 150), expires=office.now + 5)
    office.refused(code.BAD_PARAMETER, **office.set(low, 151), expires=office.now + DAY)
    office.must(**office.set(low, 150), expires=office.now + DAY)
    office.refused(code.BAD_PARAMETER, **office.set(high, 149))


@pytest.mark.parametrize("hours", range(1, 9))
def test_funding_is_paid_every_one_four_or_eight_hours(hours: int) -> None:
    office = Office(1)
    if hours in (1, 4, 8):
        office.must(**office.set(parameter.FUNDING_INTERVAL_MS, hours * HOUR))
    else:
        office.refused(code.BAD_PARAMETER, **office.set(parameter.FUNDING_INTERVAL_MS, hours * HOUR))


@pytest.mark.skipif(not INTERPRETED, reason="the bound is a constant of compiled code")
def test_more_changes_than_one_tick_may_make_wait_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "CHANGES_PER_COMMAND", 10)
    office = Office(1)
    office.open_market()
    for source in range(8):
        office.must(SOURCE, other=source, size=1)
    for number in range(10):
        office.must(
            **office.set(number + parameter.TAKER_FEE, office.live(number + parameter.TAKER_FEE)),
            expires=office.now + DAY,
        )
    office.must(**office.set(0, office.live(0, VENUE), VENUE), expires=office.now + DAY)
    assert [len(office.tick(DAY)), len(office.tick(0)), len(office.tick(0))] == [10, 9, 0]
    assert office.columns["cell"][state.PARAMETERS_NEXT] == 0


def test_maintenance_of_an_open_market_rises_with_notice_and_slowly() -> None:
    office = Office(1)
    office.open_market()
    number = parameter.MAINTENANCE_SCALE
    office.refused(code.NOT_DUE, **office.set(number, 12_100_000), expires=office.now + HOUR - 1)
    office.must(**office.set(number, 12_100_000), expires=office.now + HOUR)
    office.tick(HOUR - 1)
    assert office.live(number) == RATE_ONE
    office.tick(1)
    for _ in range(9):
        office.tick(MINUTE)
    assert office.live(number) == 12_100_000
    office.refused(code.NOT_DUE, **office.set(number, RATE_ONE), expires=office.now + DAY - 1)


def test_the_live_value_follows_the_admin_unless_the_risk_engine_is_stricter() -> None:
    number = parameter.LEVERAGE_CAP
    office = Office(1)
    office.must(**office.set(number, 50))
    office.open_market()
    office.must(**office.propose(number, 5))
    office.must(**office.set(number, 20))
    assert (office.static(number), office.live(number)) == (20, 5)
    office.must(**office.set(number, 3))
    assert (office.static(number), office.live(number)) == (3, 3)
    office.must(**office.set(number, 40), expires=office.now + DAY)
    office.tick(DAY)
    assert (office.static(number), office.live(number)) == (40, 40)
