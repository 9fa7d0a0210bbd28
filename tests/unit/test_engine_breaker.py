"""The breaker: every transition, its dwell to the millisecond, and what each state allows."""

import pytest

from office_world import MINUTE, VENUE, Office
from seawall.engine.breaker import DWELL_MS, is_post_only, is_reduce_only, isolated_leverage_cap, leverage_cap
from seawall.ledger import state
from seawall.terms import code, command, event, parameter
from seawall.terms.parameter import BREAKER, HARD, NORMAL, RECOVERY, SOFT

AT_ONCE = {(NORMAL, SOFT), (NORMAL, HARD), (SOFT, HARD), (RECOVERY, HARD)}
AFTER_DWELL = {(SOFT, NORMAL), (HARD, RECOVERY), (RECOVERY, SOFT), (RECOVERY, NORMAL)}
STATES = (NORMAL, SOFT, HARD, RECOVERY)


def in_state(now: int) -> Office:
    office = Office(1)
    office.open_market()
    office.columns["param"][0, BREAKER] = now
    office.columns["market_breaker_time"][0] = office.now
    return office


def test_the_dwell_is_the_rail() -> None:
    assert DWELL_MS == 5 * MINUTE


@pytest.mark.parametrize("wanted", STATES)
@pytest.mark.parametrize("now", STATES)
def test_transitions(now: int, wanted: int) -> None:
    office = in_state(now)
    if now == wanted:
        assert office.must(**office.propose(BREAKER, wanted)) == []
        return
    if (now, wanted) in AT_ONCE:
        (done,) = office.must(**office.propose(BREAKER, wanted))
        assert (done["kind"], done["amount"]) == (event.BREAKER, wanted)
        assert office.columns["market_breaker_time"][0] == office.now
        return
    office.columns["cell"][state.NOW] += DWELL_MS - 1
    office.refused(code.OUTSIDE_RAILS, **office.propose(BREAKER, wanted))
    office.columns["cell"][state.NOW] += 1
    if (now, wanted) in AFTER_DWELL:
        office.must(**office.propose(BREAKER, wanted))
        assert office.live(BREAKER) == wanted
    else:
        office.refused(code.OUTSIDE_RAILS, **office.propose(BREAKER, wanted))


def test_states_that_are_none() -> None:
    office = in_state(NORMAL)
    for value in (-1, 4):
        office.refused(code.OUTSIDE_RAILS, **office.propose(BREAKER, value))


@pytest.mark.parametrize(
    ("now", "cap", "isolated", "reduce_only", "post_only"),
    [
        (NORMAL, 20, 15, False, False),
        (SOFT, 10, 7, False, False),
        (HARD, 20, 15, True, False),
        (RECOVERY, 10, 7, False, True),
    ],
)
def test_what_a_state_allows(now: int, cap: int, isolated: int, reduce_only: bool, post_only: bool) -> None:
    office = in_state(now)
    office.columns["param"][0, parameter.ISOLATED_LEVERAGE_CAP] = 15
    assert (leverage_cap(office.s, 0), isolated_leverage_cap(office.s, 0)) == (cap, isolated)
    assert (is_reduce_only(office.s, 0), is_post_only(office.s, 0)) == (reduce_only, post_only)
    office.columns["cell"][state.NOW] += DWELL_MS - 1
    assert is_post_only(office.s, 0) == post_only
    office.columns["cell"][state.NOW] += 1
    assert not is_post_only(office.s, 0)
    assert leverage_cap(office.s, 0) == cap


def test_caps_never_reach_nothing() -> None:
    office = in_state(SOFT)
    office.columns["param"][0, parameter.LEVERAGE_CAP] = 1
    assert (leverage_cap(office.s, 0), isolated_leverage_cap(office.s, 0)) == (1, 1)


def test_the_lowest_cap_counts() -> None:
    office = in_state(NORMAL)
    for live, isolated, expected in ((1_000, 1_000, (20, 20)), (7, 1_000, (7, 7)), (7, 3, (7, 3)), (19, 30, (19, 19))):
        office.columns["param"][0, parameter.LEVERAGE_CAP] = live
        office.columns["param"][0, parameter.ISOLATED_LEVERAGE_CAP] = isolated
        assert (leverage_cap(office.s, 0), isolated_leverage_cap(office.s, 0)) == expected


def test_statuses_of_market_and_venue_count_as_well() -> None:
    for status, reduce_only, post_only in (
        (command.ACTIVE, False, False),
        (command.REDUCING, True, False),
        (command.POSTING, False, True),
    ):
        for market in (0, VENUE):
            office = in_state(NORMAL)
            if status != command.ACTIVE:
                office.must(command.GUARD, market=market, flags=status)
            assert (is_reduce_only(office.s, 0), is_post_only(office.s, 0)) == (reduce_only, post_only)


def test_with_the_risk_engine_silent_the_breaker_finds_its_way_back() -> None:
    office = in_state(NORMAL)
    office.must(**office.propose(BREAKER, HARD))
    seen = []
    for minute in range(1, 41):
        before = office.live(BREAKER)
        office.tick(MINUTE)
        if office.live(BREAKER) != before:
            seen.append((minute, office.live(BREAKER)))
    assert seen == [(11, RECOVERY), (16, NORMAL)]


def test_a_risk_engine_that_speaks_keeps_the_breaker() -> None:
    office = in_state(NORMAL)
    office.must(**office.propose(BREAKER, HARD))
    for _ in range(40):
        office.tick(MINUTE)
        office.must(**office.propose(parameter.LEVERAGE_CAP, office.live(parameter.LEVERAGE_CAP)))
    assert office.live(BREAKER) == HARD
