"""Listing, tiers, sources, statuses, the admin's parameters: each guard at its boundary, refusals without a trace."""

from fractions import Fraction

import pytest

from office_world import DAY, HOUR, MINUTE, VENUE, Office
from seawall.engine.statuses import after_outage
from seawall.engine.tiers import scale_cap
from seawall.ledger import state
from seawall.terms import code, command, event, parameter, venue_parameter
from seawall.terms.command import ACTIVE, CANCELLING, CLOSED, DELISTING, HALTED, PERP, POSTING, REDUCING, UNLISTED
from seawall.terms.limits import NOTIONAL_MAX
from seawall.units import RATE_ONE

LIST, TIER, SOURCE, STATUS, GUARD = (
    command.LIST_MARKET,
    command.SET_TIER,
    command.SET_SOURCE,
    command.SET_STATUS,
    command.GUARD,
)
HALF = RATE_ONE // 2


# listing


def test_a_new_market_is_closed_and_capped_at_nothing() -> None:
    office = Office(0)
    done = office.must(LIST, market=0, other=-9, price=2**40)
    columns = office.columns
    assert [(e["kind"], e["amount"], e["price"], e["other"]) for e in done] == [(event.STATUS, CLOSED, 2**40, -9)]
    assert office.status() == CLOSED
    assert columns["cell"][state.MARKETS] == 1
    assert columns["market_price_max"][0] == 2**40
    assert columns["market_listed_size"][0] == 2**13
    assert columns["market_exponent_max"][0] == 15
    assert columns["market_weight"][0] == 1024
    assert columns["tier_count"][0] == columns["tier_count"][1] == 0
    for number in (parameter.OPEN_INTEREST_CAP, parameter.POSITION_CAP, parameter.BACKSTOP_CAP, parameter.AMM_CAP):
        assert office.live(number) == 0
    for number, spec in parameter.MARKET.items():
        assert (office.live(number), office.static(number)) == (spec.value, spec.value)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"market": 0, "other": -10, "price": 1}, code.BAD_FIELD),
        ({"market": 0, "other": 7, "price": 1}, code.BAD_FIELD),
        ({"market": 0, "other": 0, "price": 0}, code.BAD_PRICE),
        ({"market": 0, "other": 0, "price": 2**40 + 1}, code.BAD_PRICE),
        ({"market": 0, "other": 0, "price": 1, "signer": command.GUARDIAN}, code.NOT_AUTHORISED),
        ({"market": 1, "other": 0, "price": 1}, code.UNKNOWN_MARKET),
        ({"market": -1, "other": 0, "price": 1}, code.UNKNOWN_MARKET),
        ({"market": 0, "other": 6, "price": 1}, code.OK),
        ({"market": 0, "other": -9, "price": 2**40}, code.OK),
    ],
)
def test_listing_refuses(fields: dict[str, int], expected: int) -> None:
    office = Office(0)
    if expected == code.OK:
        office.must(LIST, **fields)
    else:
        office.refused(expected, LIST, **fields)


def test_numbers_are_given_in_order_and_run_out() -> None:
    office = Office(0)
    for market in range(office.capacity.markets):
        office.must(LIST, market=market, price=1)
    office.refused(code.MARKET_EXISTS, LIST, market=0, price=1)
    office.refused(code.MARKETS_FULL, LIST, market=office.capacity.markets, price=1)


@pytest.mark.parametrize("column", ["market_open", "market_insurance", "market_shares_amm", "market_shares_backstop"])
def test_a_delisted_number_is_used_again_only_when_it_holds_nothing(column: str) -> None:
    office = Office(2)
    office.must(**office.set(parameter.TAKER_FEE, 7))
    office.columns["market_index"][0] = 55
    office.columns["market_status"][0] = UNLISTED
    office.columns[column][0] = 10**7
    office.refused(code.MARKET_IN_USE, LIST, market=0, price=1)
    office.columns[column][0] = 0
    office.columns["cell"][state.NOW] += MINUTE - 1
    office.refused(code.NOT_DUE, LIST, market=0, other=2, price=5)
    office.columns["cell"][state.NOW] += 1
    office.must(LIST, market=0, other=2, price=5)
    assert office.live(parameter.TAKER_FEE) == parameter.MARKET[parameter.TAKER_FEE].value
    assert office.columns["tier_count"][0] == 0
    assert office.columns["cell"][state.MARKETS] == 2
    assert office.columns["market_index"][0] == 55, "the funding index never goes back (Paradex 2026)"


# tiers


def test_tiers_are_exact_and_the_fence_holds_every_live_table() -> None:
    office = Office(1)
    rows = [(0, 20, 300_001), (2**20 + 3, 10, 600_007), (2**53, 2, 4_500_001)]
    for k, (lower, leverage, rate) in enumerate(rows):
        office.must(TIER, other=k, amount=lower, size=leverage, price=rate)
    office.must(**office.set(parameter.MAINTENANCE_SCALE, 12_000_001))
    for table, scale in ((0, Fraction(12_000_001, RATE_ONE)), (1, Fraction(3, 2))):
        deduction, before = 0, 0
        for k, (lower, _, base) in enumerate(rows):
            rate = min(-((-base * scale.numerator) // scale.denominator), HALF)
            deduction += lower * (rate - before) if k else 0
            before = rate
            columns = office.columns
            assert columns["tier_lower"][table, k] == lower
            assert columns["tier_rate"][table, k] == rate
            assert (int(columns["tier_high"][table, k]) << 20) + int(columns["tier_low"][table, k]) == deduction
            assert 0 <= columns["tier_low"][table, k] < 2**20


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"other": 16, "amount": 5, "size": 1, "price": 300_000}, code.BAD_FIELD),
        ({"other": -1, "amount": 5, "size": 1, "price": 300_000}, code.BAD_FIELD),
        ({"other": 1, "amount": 2**53 + 1, "size": 1, "price": 300_000}, code.BAD_FIELD),
        ({"other": 1, "amount": -1, "size": 1, "price": 300_000}, code.BAD_FIELD),
        ({"other": 0, "amount": 0, "size": 20, "price": 0}, code.BAD_PARAMETER),
        ({"market": -1, "other": 0, "size": 1, "price": HALF}, code.UNKNOWN_MARKET),
        ({"market": 4, "other": 0, "size": 1, "price": HALF}, code.UNKNOWN_MARKET),
        ({"other": 1, "amount": 5, "size": 0, "price": 300_000}, code.BAD_LEVERAGE),
        ({"other": 0, "amount": 0, "size": 1001, "price": 1}, code.BAD_LEVERAGE),
        ({"other": 0, "amount": 0, "size": 1000, "price": 1}, code.OK),
        ({"other": 1, "amount": 5, "size": 1, "price": 0}, code.BAD_PARAMETER),
        ({"other": 1, "amount": 5, "size": 1, "price": HALF + 1}, code.BAD_PARAMETER),
        ({"other": 1, "amount": 5, "size": 1, "price": HALF}, code.OK),
        ({"other": 0, "amount": 1, "size": 20, "price": 300_000}, code.BAD_PARAMETER),  # the first starts at 0
        ({"other": 1, "amount": 0, "size": 20, "price": 300_000}, code.BAD_PARAMETER),  # ... and only the first
        ({"other": 2, "amount": 5, "size": 20, "price": 300_000}, code.BAD_PARAMETER),  # none before it
        ({"other": 1, "amount": 5, "size": 21, "price": 300_000}, code.BAD_PARAMETER),
        ({"other": 1, "amount": 5, "size": 20, "price": 299_999}, code.BAD_PARAMETER),
        ({"other": 1, "amount": 5, "size": 20, "price": 300_000}, code.OK),
        ({"other": 0, "amount": 0, "size": 20, "price": 500_000}, code.OK),  # initial is 1.2 x maintenance
        ({"other": 0, "amount": 0, "size": 20, "price": 500_001}, code.BAD_PARAMETER),
        ({"other": 1, "amount": 5, "size": 1, "price": HALF, "signer": command.RISK}, code.NOT_AUTHORISED),
        ({"market": 1, "other": 0, "amount": 0, "size": 1, "price": HALF}, code.UNKNOWN_MARKET),
    ],
)
def test_set_tier_checks(fields: dict[str, int], expected: int) -> None:
    office = Office(1)
    if expected == code.OK:
        office.must(TIER, **fields)
    else:
        office.refused(expected, TIER, **fields)


def test_a_tier_in_the_middle_keeps_its_place() -> None:
    office = Office(1)
    office.must(TIER, other=1, amount=1_000, size=10, price=600_000)
    office.must(TIER, other=2, amount=2_000, size=5, price=1_200_000)
    for lower, leverage, rate in ((2_000, 10, 600_000), (1_000, 4, 600_000), (1_000, 5, 1_200_001)):
        office.refused(code.BAD_PARAMETER, TIER, other=1, amount=lower, size=leverage, price=rate)
    office.must(TIER, other=1, amount=1_999, size=5, price=1_200_000)


def test_an_opened_market_only_eases_its_tiers() -> None:
    office = Office(1)
    office.must(TIER, other=1, amount=1_000, size=10, price=600_000)
    office.open_market()
    base = {"other": 1, "amount": 1_000, "size": 10, "price": 600_000}
    for change in ({"price": 600_001}, {"size": 11}, {"amount": 999}, {"amount": 1_001}):
        office.refused(code.MARKET_IN_USE, TIER, **{**base, **change})
    office.refused(code.MARKET_IN_USE, TIER, other=2, amount=2_000, size=10, price=600_000)
    office.must(TIER, **{**base, "price": 599_999, "size": 9})
    assert office.columns["tier_rate"][0, 1] == 599_999
    office.columns["market_status"][0] = DELISTING
    office.refused(code.MARKET_CLOSED, TIER, **base)


def test_the_scale_is_capped_so_that_initial_stays_above_maintenance() -> None:
    office = Office(1)
    assert scale_cap(office.s, 0) == 18_000_000
    office.must(TIER, other=0, size=20, price=400_000)  # 1/20 = 600,000: at most 500,000 of maintenance
    assert scale_cap(office.s, 0) == 15_000_000
    office.refused(code.BAD_PARAMETER, **office.set(parameter.MAINTENANCE_SCALE, 15_000_001))
    office.must(**office.set(parameter.MAINTENANCE_SCALE, 15_000_000))
    assert office.columns["tier_rate"][0, 0] == 500_000
    office.must(TIER, other=0, size=20, price=450_000)
    assert office.columns["tier_rate"][0, 0] == 500_000, "a dearer tier in set-up lowers the scale with it"
    assert office.live(parameter.MAINTENANCE_SCALE) == scale_cap(office.s, 0)


# sources


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"other": 8, "size": 1}, code.UNKNOWN_SOURCE),
        ({"other": -1, "size": 1}, code.UNKNOWN_SOURCE),
        ({"other": 7, "size": 1_000}, code.OK),
        ({"other": 7, "size": 1_001}, code.BAD_SIZE),
        ({"other": 7, "size": PERP}, code.BAD_SIZE),
        ({"other": 7, "size": PERP + 1}, code.OK),
        ({"other": 7, "size": PERP + 1_001}, code.BAD_SIZE),
        ({"other": 7, "size": 0}, code.UNKNOWN_SOURCE),
        ({"other": 7, "size": 1, "signer": command.ORACLES}, code.NOT_AUTHORISED),
        ({"market": 1, "other": 7, "size": 1}, code.UNKNOWN_MARKET),
        ({"market": -1, "other": 7, "size": 1}, code.UNKNOWN_MARKET),
        ({"market": 4, "other": 7, "size": 1}, code.UNKNOWN_MARKET),
        ({"other": 7, "size": -1}, code.BAD_SIZE),
    ],
)
def test_set_source_checks(fields: dict[str, int], expected: int) -> None:
    office = Office(1)
    if expected == code.OK:
        office.must(SOURCE, **fields)
    else:
        office.refused(expected, SOURCE, **fields)


def test_a_source_gains_weight_after_a_day_and_loses_it_at_once() -> None:
    office = Office(1)
    office.must(SOURCE, other=0, size=5)
    assert office.columns["source_weight"][0, 0] == 5
    office.open_market()
    office.must(SOURCE, other=0, size=6)
    office.must(SOURCE, other=1, size=1)
    office.must(SOURCE, other=2, size=PERP + 1)
    assert office.columns["source_weight"][0, :3].tolist() == [5, 0, 0]
    office.tick(DAY - 1)
    assert office.columns["source_weight"][0, :3].tolist() == [5, 0, 0]
    office.tick(1)
    assert office.columns["source_weight"][0, :3].tolist() == [6, 1, PERP + 1]
    office.must(SOURCE, other=0, size=PERP + 1)  # another voice: no less than a new source
    office.must(SOURCE, other=1, size=3)
    office.columns["source_price"][0, 1] = 9
    office.must(SOURCE, other=1, size=0)  # removes it and what waited
    office.must(SOURCE, other=2, size=PERP + 1)
    office.tick(DAY)
    assert office.columns["source_weight"][0, :3].tolist() == [PERP + 1, 0, PERP + 1]
    assert office.columns["source_price"][0, 1] == 0


# statuses

STAGES = (CLOSED, HALTED, CANCELLING, POSTING, REDUCING, ACTIVE)
LOOSER = {(CLOSED, CANCELLING), (HALTED, CANCELLING), (CANCELLING, POSTING), (POSTING, REDUCING)}
LOOSER |= {(POSTING, ACTIVE), (REDUCING, ACTIVE)}


@pytest.mark.parametrize("status", [ACTIVE, REDUCING, POSTING, CANCELLING, HALTED])
@pytest.mark.parametrize("now", STAGES)
def test_stricter_at_once_looser_by_stages(now: int, status: int) -> None:
    office = Office(1)
    office.price()
    office.columns["market_status"][0] = now
    if (now, status) in LOOSER or (now != CLOSED and status >= now):
        office.must(STATUS, flags=status)
        assert office.status() == status
    else:
        office.refused(code.NOT_DUE, STATUS, flags=status)


def test_reopening_needs_tiers_a_fresh_price_and_its_dwell() -> None:
    office = Office(0)
    office.must(LIST, market=0, price=2**33)
    office.price()
    office.refused(code.MARKET_CLOSED, STATUS, flags=CANCELLING)
    office.must(TIER, size=20, price=300_000)
    office.columns["market_fresh"][0] = 0
    office.refused(code.STALE_PRICE, STATUS, flags=CANCELLING)
    office.open_market()
    office.must(STATUS, flags=HALTED)
    for status in (CANCELLING, POSTING, ACTIVE):
        office.columns["cell"][state.NOW] += MINUTE - 1
        office.price()
        office.refused(code.NOT_DUE, STATUS, flags=status)
        office.columns["cell"][state.NOW] += 1
        office.columns["market_fresh"][0] = 0
        office.refused(code.STALE_PRICE, STATUS, flags=status)
        office.price()
        office.must(STATUS, flags=status)


@pytest.mark.parametrize("flags", [UNLISTED, CLOSED, DELISTING])
def test_other_statuses_cannot_be_set(flags: int) -> None:
    office = Office(1)
    office.open_market()
    office.refused(code.BAD_FIELD, STATUS, flags=flags)
    office.refused(code.BAD_FIELD, GUARD, flags=flags)


def test_statuses_of_markets_that_are_not_there() -> None:
    office = Office(1)
    for kind in (STATUS, GUARD):
        office.refused(code.UNKNOWN_MARKET, kind, market=1, flags=HALTED)
        office.refused(code.UNKNOWN_MARKET, kind, market=-2, flags=HALTED)
        office.refused(code.UNKNOWN_MARKET, kind, market=4, flags=HALTED)
        office.refused(code.NOT_AUTHORISED, kind, flags=HALTED, signer=command.RISK)
    office.columns["market_status"][0] = DELISTING
    office.refused(code.MARKET_CLOSED, STATUS, flags=HALTED)
    office.refused(code.NOT_TIGHTENING, GUARD, flags=HALTED)


def test_the_guardian_only_goes_down_the_list() -> None:
    for now in (ACTIVE, REDUCING, POSTING, CANCELLING, HALTED):
        for status in (ACTIVE, REDUCING, POSTING, CANCELLING, HALTED):
            for market in (0, VENUE):
                office = Office(1)
                office.open_market()
                office.columns["market_status"][0] = now
                office.columns["cell"][state.VENUE_STATUS] = now
                if status > now:
                    office.must(GUARD, market=market, flags=status)
                else:
                    office.refused(code.NOT_TIGHTENING, GUARD, market=market, flags=status)


def test_the_venue_reopens_by_stages_once_its_open_markets_are_fresh() -> None:
    office = Office(2)
    office.open_market(0)
    office.open_market(1)
    office.must(GUARD, market=VENUE, flags=HALTED)
    office.columns["cell"][state.NOW] += MINUTE
    office.price(0)
    office.refused(code.STALE_PRICE, STATUS, market=VENUE, flags=CANCELLING)
    office.must(STATUS, market=1, flags=HALTED)
    office.must(STATUS, market=VENUE, flags=CANCELLING)
    office.refused(code.NOT_DUE, STATUS, market=VENUE, flags=POSTING)
    office.columns["cell"][state.NOW] += MINUTE
    office.refused(code.STALE_PRICE, STATUS, market=VENUE, flags=POSTING)
    office.price(0)
    office.refused(code.NOT_DUE, STATUS, market=VENUE, flags=ACTIVE)
    office.must(STATUS, market=VENUE, flags=POSTING)


@pytest.mark.parametrize("was", [ACTIVE, REDUCING, POSTING])
def test_after_an_outage_a_market_comes_back_by_itself(was: int) -> None:
    office = Office(1)
    office.open_market()
    office.columns["market_status"][0] = was
    after_outage(office.s)
    assert office.status() == CANCELLING
    office.price()
    seen = []
    for _ in range(6):
        office.columns["cell"][state.NOW] += MINUTE - 1
        office.price()
        office.tick(1)
        seen.append(office.status())
    stages = [POSTING] if was == POSTING else [POSTING, was]
    assert seen == stages + [was] * (6 - len(stages))


def test_a_stale_market_waits_and_an_admin_takes_over() -> None:
    office = Office(1)
    office.open_market()
    after_outage(office.s)
    office.columns["market_fresh"][0] = 0
    office.minutes(5)
    assert office.status() == CANCELLING
    office.must(STATUS, flags=HALTED)
    office.price()
    for _ in range(5):
        office.tick(MINUTE)
        office.price()
    assert office.status() == HALTED


# parameters


def test_every_parameter_in_set_up_takes_its_whole_range_and_nothing_beyond() -> None:
    for market, table in ((0, parameter.MARKET), (VENUE, venue_parameter.VENUE)):
        for number, spec in table.items():
            office = Office(1)
            office.columns["param"][0, parameter.TAKER_FEE] = RATE_ONE // 100
            office.columns["param_static"][0, parameter.TAKER_FEE] = RATE_ONE // 100
            office.refused(code.BAD_PARAMETER, **office.set(number, spec.low - 1, market))
            office.refused(code.BAD_PARAMETER, **office.set(number, spec.high + 1, market))
            if market == 0 and number == parameter.BREAKER:
                office.refused(code.BAD_PARAMETER, **office.set(number, parameter.SOFT))
                continue
            for value in (spec.low, spec.high):
                if market == 0 and number == parameter.TAKER_FEE and value == 0:
                    office.must(**office.set(parameter.MAKER_FEE, 0))
                office.must(**office.set(number, value, market))
                assert office.columns["param"][market, number] == value
                assert office.columns["param_static"][market, number] == value


def test_numbers_that_name_nothing() -> None:
    office = Office(1)
    for number in (-1, parameter.WIDTH, max(parameter.MARKET) + 1):
        office.refused(code.BAD_PARAMETER, **office.set(number, 1))
    for number in (-1, -2, parameter.WIDTH, max(venue_parameter.VENUE) + 1):
        office.refused(code.BAD_PARAMETER, **office.set(number, 1, VENUE))
    for market in (1, 4, -2):
        office.refused(code.UNKNOWN_MARKET, **office.set(0, 1, market))
    office.refused(code.NOT_AUTHORISED, **office.set(0, 1), signer=command.RISK)


def directions() -> list[tuple[int, int, int]]:
    found = []
    for market, table in ((0, parameter.MARKET), (VENUE, venue_parameter.VENUE)):
        for number, spec in table.items():
            if not (market == 0 and number in (parameter.BREAKER, parameter.MAINTENANCE_SCALE)):
                found.append((market, number, spec.at_once))
    return found


@pytest.mark.parametrize(("market", "number", "at_once"), directions())
def test_an_open_market_is_loosened_with_a_days_notice_only(market: int, number: int, at_once: int) -> None:
    """Both directions of every parameter: the one that tightens acts at once, the other waits a day, to the ms."""
    spec = (parameter.MARKET if market == 0 else venue_parameter.VENUE)[number]
    step = max(1, (spec.high - spec.low) // 8)
    middle = spec.low + 4 * step if spec.high - spec.low > 2 else spec.low + 1
    if number == parameter.FUNDING_INTERVAL_MS and market == 0:
        middle, step = 4 * HOUR, 4 * HOUR
    if market == VENUE and number == parameter.RISK_MASK:
        middle, step, at_once = 0b1010, 0b0010, parameter.DOWN
    for sign in (parameter.UP, parameter.DOWN):
        value = middle + sign * step
        if market == 0 and number == parameter.FUNDING_INTERVAL_MS and sign == parameter.DOWN:
            value = HOUR
        if not spec.low <= value <= spec.high:
            continue
        office = Office(1)
        office.columns["param_static"][0, parameter.TAKER_FEE] = RATE_ONE // 100
        office.open_market()
        for column in ("param", "param_static"):
            office.columns[column][market, number] = middle
        if at_once in (sign, parameter.EITHER):
            office.must(**office.set(number, value, market))
            assert office.columns["param"][market, number] == value
            continue
        for start in (0, office.now + DAY - 1):
            office.refused(code.NOT_DUE, **office.set(number, value, market), expires=start)
        office.must(**office.set(number, value, market), expires=office.now + DAY)
        office.tick(DAY - 1)
        assert office.columns["param"][market, number] == middle
        office.tick(1)
        assert office.columns["param"][market, number] == value
        assert office.columns["param_static"][market, number] == value


def test_words_for_no_cap_are_the_loosest_value() -> None:
    for market, number, none in ((0, parameter.OPEN_INTEREST_UPPER, 0), (VENUE, parameter.PROFIT_CAP, -1)):
        office = Office(1)
        office.must(**office.set(number, 1_000, market))
        office.open_market()
        office.refused(code.NOT_DUE, **office.set(number, none, market))
        office.must(**office.set(number, none, market), expires=office.now + DAY)
        office.tick(DAY)
        assert office.columns["param"][market, number] == none
        office.must(**office.set(number, NOTIONAL_MAX, market))
        if market == VENUE:
            office.must(**office.set(number, 0, market))
            office.refused(code.NOT_DUE, **office.set(number, 1, market))


def test_a_later_command_replaces_what_waits() -> None:
    office = Office(1)
    office.must(**office.set(parameter.POSITION_CAP, 100))
    office.open_market()
    office.must(**office.set(parameter.POSITION_CAP, 200), expires=office.now + DAY)
    office.must(**office.set(parameter.POSITION_CAP, 300), expires=office.now + DAY + 5)
    office.tick(DAY)
    assert office.live(parameter.POSITION_CAP) == 100
    office.tick(5)
    assert office.live(parameter.POSITION_CAP) == 300
    office.must(**office.set(parameter.POSITION_CAP, 900), expires=office.now + DAY)
    office.must(**office.set(parameter.POSITION_CAP, 50))
    office.tick(2 * DAY)
    assert office.live(parameter.POSITION_CAP) == 50
