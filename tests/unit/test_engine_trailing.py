"""Trailing stops: the trigger follows every mark exactly, whatever happens in between."""

import pytest

from seawall.book import trailing
from seawall.ledger import state
from seawall.terms import code, command, event, limits
from stop_floor import ONLY, STOP, TRAIL, Floor
from venue_world import BUY, SELL, USD


@pytest.fixture
def floor() -> Floor:
    return Floor()


def table(floor: Floor) -> list[tuple[int, int, int]]:
    """(distance, extreme, trigger) of each row."""
    columns = floor.venue.columns
    rows = range(int(columns["trail_count"][0]))
    distance, extreme = columns["trail_distance"], columns["trail_extreme"]
    s = state.for_kernels(floor.venue.array)[0]
    return [(int(distance[0, i]), int(extreme[0, i]), trailing.trigger_of(s, 0, i)) for i in rows]


def test_a_sell_follows_the_greatest_mark(floor: Floor) -> None:
    order = floor.trail(5 * USD)
    armed = floor.kinds(event.ARMED)[0]
    assert (armed["order"], armed["price"], armed["amount"]) == (order, 95 * USD, 5 * USD)
    for mark in (103 * USD, 99 * USD, 98 * USD + 1, 110 * USD, 105 * USD + 1):
        assert floor.mark(mark) == []
    assert table(floor) == [(5 * USD, 110 * USD, 105 * USD)]
    assert floor.mark(105 * USD) == [order]
    assert table(floor) == []
    floor.check()


def test_a_buy_follows_the_least_mark() -> None:
    floor = Floor(long=-10)
    order = floor.trail(5 * USD, side=BUY)
    for mark in (97 * USD, 101 * USD, 90 * USD, 95 * USD - 1):
        assert floor.mark(mark) == []
    assert floor.mark(95 * USD) == [order]
    floor.check()


def test_a_mark_lower_by_one_moves_a_buy() -> None:
    floor = Floor(long=-10)
    order = floor.trail(5 * USD, side=BUY)
    floor.mark(100 * USD - 1)
    assert table(floor) == [(5 * USD, 100 * USD - 1, 105 * USD - 1)]
    assert floor.mark(105 * USD - 1) == [order]


def test_triggers_are_exact_off_the_grid(floor: Floor) -> None:
    order = floor.trail(1_234_567)
    assert floor.mark(101_234_569) == []
    assert floor.mark(100_000_003) == []
    assert floor.mark(100_000_002) == [order]


def test_marks_inside_the_quiet_interval_do_not_walk_the_table(floor: Floor) -> None:
    floor.trail(5 * USD)
    columns = floor.venue.columns
    assert (columns["trail_low"][0], columns["trail_high"][0]) == (95 * USD, 100 * USD)
    floor.trail(2 * USD)
    assert (columns["trail_low"][0], columns["trail_high"][0]) == (98 * USD, 100 * USD)
    columns["trail_extreme"][0, 0] = 0  # a walk would lift it
    floor.mark(99 * USD)
    assert columns["trail_extreme"][0, 0] == 0
    floor.mark(100 * USD + 1)
    assert columns["trail_extreme"][0, 0] == 100 * USD + 1


def test_cancelling_moves_the_last_row_into_the_hole(floor: Floor) -> None:
    one, two, three = floor.trail(5 * USD), floor.trail(4 * USD), floor.trail(3 * USD)
    floor.must(kind=command.CANCEL, signer=floor.trader, account=floor.trader, market=0, reference=one)
    assert [row[0] for row in table(floor)] == [3 * USD, 4 * USD]
    floor.check()
    assert floor.mark(97 * USD) == [three]
    assert floor.mark(96 * USD) == [two]
    floor.check()


def test_the_nearest_fires_first(floor: Floor) -> None:
    far, near, fixed = floor.trail(6 * USD, 1), floor.trail(2 * USD, 1), floor.stop(96 * USD, 1)
    assert floor.mark(90 * USD) == [near, fixed, far]


def test_extremes_follow_while_nothing_fires(floor: Floor) -> None:
    order = floor.trail(5 * USD)
    floor.venue.columns["market_status"][0] = command.HALTED
    assert floor.mark(120 * USD) == []
    assert floor.mark(110 * USD) == []
    assert table(floor) == [(5 * USD, 120 * USD, 115 * USD)]
    floor.venue.columns["market_status"][0] = command.ACTIVE
    assert floor.mark(115 * USD + 1) == []
    assert floor.mark(115 * USD) == [order]


def test_a_full_table_of_trailing_stops(floor: Floor) -> None:
    floor.trail(5 * USD)
    floor.venue.columns["trail_count"][0] = limits.TRAILING_PER_MARKET
    fields = {"kind": command.PLACE, "signer": floor.trader, "account": floor.trader, "market": 0, "size": 1}
    floor.refused(code.ORDERS_FULL, **fields, flags=TRAIL | SELL, extra=USD)
    floor.venue.columns["trail_count"][0] = 1
    floor.must(**fields, flags=TRAIL | SELL, extra=USD)


def test_what_is_reached_while_no_level_is_free_fires_when_one_is(floor: Floor) -> None:
    order = floor.trail(5 * USD)
    used = int(floor.venue.columns["cell"][state.LEVELS_USED])
    floor.venue.columns["cell"][state.LEVELS_USED] = len(floor.venue.columns["level_row"])
    free, floor.venue.columns["cell"][state.LEVEL_FREE] = int(floor.venue.columns["cell"][state.LEVEL_FREE]), 0
    assert floor.mark(95 * USD) == []
    assert floor.mark(99 * USD) == []
    floor.venue.columns["cell"][[state.LEVELS_USED, state.LEVEL_FREE]] = used, free
    assert floor.mark(120 * USD) == [order]
    floor.check()


def test_a_new_distance_counts_from_the_present_mark(floor: Floor) -> None:
    order = floor.trail(5 * USD)
    floor.mark(120 * USD)
    floor.mark(116 * USD)
    fields = {"kind": command.MODIFY, "signer": floor.trader, "account": floor.trader, "market": 0, "size": 4}
    floor.must(**fields, flags=TRAIL | SELL, reference=order, extra=10 * USD)
    assert floor.kinds(event.ARMED)[0]["price"] == 106 * USD
    assert floor.mark(106 * USD + 1) == []
    assert floor.mark(106 * USD) == [order]


def test_a_trailing_stop_stays_one(floor: Floor) -> None:
    order = floor.trail(5 * USD)
    fields = {"kind": command.MODIFY, "signer": floor.trader, "account": floor.trader, "market": 0, "size": 4}
    floor.refused(code.BAD_FIELD, **fields, flags=STOP | ONLY | SELL, reference=order, trigger=90 * USD)
    floor.refused(code.BAD_FIELD, **fields, flags=TRAIL, reference=order, extra=USD)
    floor.refused(code.BAD_PRICE, **fields, flags=TRAIL | SELL, reference=order)
