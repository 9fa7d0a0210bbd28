"""Stops attached to an order, the queue of what the mark has reached, changes of waiting orders."""

import pytest

from seawall.kernel import INTERPRETED
from seawall.ledger import state
from seawall.terms import code, command, event, limits, parameter
from stop_floor import ONLY, PROFIT, STOP, TRAIL, WHOLE, Floor
from venue_world import BUY, SELL, USD


@pytest.fixture
def floor() -> Floor:
    """The trader has no position and bids for 10 lots at 99."""
    made = Floor(long=0)
    made.parent = made.place(made.trader, 0, BUY, 99 * USD, 10)
    return made


def attach(floor: Floor, trigger: int, size: int = 10, flags: int = STOP, **more: int) -> int:
    return floor.place(
        floor.trader, 0, SELL, more.pop("price", 0), size, trigger=trigger, flags=flags, other=floor.parent, **more
    )


def fill(floor: Floor, lots: int) -> None:
    floor.place(floor.maker, 0, SELL, 99 * USD, lots, flags=command.IOC)


def cancel(floor: Floor, identity: int) -> None:
    floor.must(kind=command.CANCEL, signer=floor.trader, account=floor.trader, market=0, reference=identity)


def armed(floor: Floor, identity: int) -> tuple[int, int]:
    """(lots that wait for the mark, lots that wait for the parent)."""
    return floor.order(identity, "size"), floor.order(identity, "waiting")


def test_it_waits_for_its_parent(floor: Floor) -> None:
    stop = attach(floor, 95 * USD)
    told = floor.kinds(event.ATTACHED)[0]
    assert (told["order"], told["price"], told["size"], told["amount"]) == (stop, 95 * USD, 10, floor.parent)
    assert floor.kinds(event.ARMED) == []
    assert floor.mark(90 * USD) == []
    assert armed(floor, stop) == (0, 10)
    floor.check()


def test_what_fills_is_armed(floor: Floor) -> None:
    stop, profit = attach(floor, 95 * USD), attach(floor, 105 * USD, flags=PROFIT)
    fill(floor, 4)
    assert [(e["order"], e["size"]) for e in floor.kinds(event.ARMED)] == [(stop, 4), (profit, 4)]
    assert armed(floor, stop) == armed(floor, profit) == (4, 6)
    floor.check()
    fill(floor, 5)
    assert armed(floor, stop) == armed(floor, profit) == (9, 1)
    floor.check()
    fill(floor, 1)
    assert armed(floor, stop) == armed(floor, profit) == (10, 0)
    assert floor.order(stop, "parent") == 0
    floor.check()
    floor.quote(BUY, 94 * USD, 10)
    assert floor.mark(95 * USD) == [stop]
    assert floor.cancelled() == {profit: code.TWIN_FIRED}
    assert floor.position(floor.trader, 0) == 0
    floor.check()


def test_a_stop_smaller_than_its_parent_is_armed_up_to_its_size(floor: Floor) -> None:
    stop = attach(floor, 95 * USD, size=3)
    fill(floor, 2)
    assert armed(floor, stop) == (2, 1)
    fill(floor, 8)
    assert armed(floor, stop) == (3, 0)
    floor.check()


def test_a_parent_cancelled_unfilled_takes_its_stops_with_it(floor: Floor) -> None:
    stop, profit = attach(floor, 95 * USD), attach(floor, 105 * USD, flags=PROFIT)
    cancel(floor, floor.parent)
    assert floor.cancelled() == {floor.parent: code.OK, stop: code.PARENT_GONE, profit: code.PARENT_GONE}
    assert floor.ids() == set()
    floor.check()


def test_a_parent_cancelled_half_filled_leaves_what_is_armed(floor: Floor) -> None:
    stop, profit = attach(floor, 95 * USD), attach(floor, 105 * USD, flags=PROFIT)
    fill(floor, 4)
    cancel(floor, floor.parent)
    assert floor.ids() == {stop, profit}
    assert armed(floor, stop) == (4, 0)
    floor.check()
    floor.quote(BUY, 95 * USD, 10)
    floor.mark(95 * USD)
    assert floor.position(floor.trader, 0) == 0
    floor.check()


def test_a_stop_outlives_the_position_while_its_parent_may_fill(floor: Floor) -> None:
    stop = attach(floor, 95 * USD)
    fill(floor, 4)
    floor.open(floor.trader, -4, 101 * USD)
    assert floor.position(floor.trader, 0) == 0
    assert armed(floor, stop) == (4, 6)
    fill(floor, 6)
    assert armed(floor, stop) == (10, 0)
    floor.quote(BUY, 95 * USD, 50)
    floor.mark(95 * USD)
    assert [e["size"] for e in floor.kinds(event.FILL)] == [-6]
    floor.check()


def test_what_a_parent_armed_goes_when_it_is_gone_and_there_is_no_position(floor: Floor) -> None:
    stop = attach(floor, 95 * USD)
    fill(floor, 4)
    floor.open(floor.trader, -4, 101 * USD)
    cancel(floor, floor.parent)
    assert floor.cancelled() == {floor.parent: code.OK, stop: code.POSITION_CLOSED}
    floor.check()


def test_cancel_all_takes_the_family(floor: Floor) -> None:
    attach(floor, 95 * USD)
    attach(floor, 105 * USD, flags=PROFIT)
    floor.must(kind=command.CANCEL_ALL, signer=floor.trader, account=floor.trader, market=-1)
    assert floor.ids() == set()
    floor.check()


def test_a_changed_parent_keeps_its_stops(floor: Floor) -> None:
    stop = attach(floor, 95 * USD)
    fields = {"kind": command.MODIFY, "signer": floor.trader, "account": floor.trader, "market": 0, "size": 10}
    changed = int(floor.must(**fields, reference=floor.parent, price=98 * USD).made[0])
    floor.check()
    floor.place(floor.maker, 0, SELL, 98 * USD, 4)
    assert armed(floor, stop) == (4, 6)
    cancel(floor, changed)
    assert armed(floor, stop) == (4, 0)
    floor.check()


def test_a_changed_parent_that_fills_at_once_arms_its_stops(floor: Floor) -> None:
    stop = attach(floor, 95 * USD)
    floor.quote(SELL, 101 * USD, 7)
    fields = {"kind": command.MODIFY, "signer": floor.trader, "account": floor.trader, "market": 0, "size": 10}
    floor.must(**fields, reference=floor.parent, price=101 * USD)
    assert armed(floor, stop) == (7, 3)
    floor.check()


def test_fewer_lots_of_the_parent_keep_its_stops(floor: Floor) -> None:
    stop = attach(floor, 95 * USD)
    fields = {"kind": command.MODIFY, "signer": floor.trader, "account": floor.trader, "market": 0, "size": 6}
    floor.must(**fields, reference=floor.parent, price=99 * USD)
    fill(floor, 6)
    assert armed(floor, stop) == (6, 0)
    floor.check()


def test_one_of_a_pair_cancelled_leaves_the_other_attached(floor: Floor) -> None:
    stop, profit = attach(floor, 95 * USD), attach(floor, 105 * USD, flags=PROFIT)
    cancel(floor, profit)
    floor.check()
    fill(floor, 10)
    assert armed(floor, stop) == (10, 0)
    floor.check()
    again = floor.place(floor.trader, 0, BUY, 99 * USD, 5)
    floor.parent = again
    stop, profit = attach(floor, 95 * USD), attach(floor, 105 * USD, flags=PROFIT)
    cancel(floor, stop)
    floor.check()
    fill(floor, 5)
    assert armed(floor, profit) == (5, 0)
    floor.check()


def test_an_attached_trailing_stop_starts_when_it_is_armed(floor: Floor) -> None:
    order = floor.place(floor.trader, 0, SELL, 0, 10, extra=5 * USD, flags=TRAIL, other=floor.parent)
    floor.mark(120 * USD)
    floor.mark(100 * USD)
    fill(floor, 10)
    assert floor.kinds(event.ARMED)[0]["price"] == 95 * USD
    floor.check()
    assert floor.mark(95 * USD) == [order]


def test_an_attached_whole_position_stop(floor: Floor) -> None:
    stop = attach(floor, 95 * USD, flags=STOP | WHOLE)
    fill(floor, 4)
    floor.quote(BUY, 94 * USD, 10)
    floor.open(floor.trader, 3)
    assert floor.mark(95 * USD) == [stop]
    assert floor.position(floor.trader, 0) == 0
    floor.check()


def test_a_stop_armed_beyond_its_trigger_fires_with_the_next_mark_or_tick(floor: Floor) -> None:
    stop = attach(floor, 99 * USD + 500_000)
    floor.mark(99 * USD)
    fill(floor, 10)
    assert floor.fired() == []
    floor.tick()
    assert floor.fired() == [stop]


def test_a_stop_beyond_liquidation_is_told_when_it_is_armed(floor: Floor) -> None:
    floor.venue.columns["bucket_raw"][floor.trader] = 100 * USD
    stop = attach(floor, 85 * USD)
    assert floor.kinds(event.STOP_PAST_LIQUIDATION) == []
    fill(floor, 10)
    assert [e["order"] for e in floor.kinds(event.STOP_PAST_LIQUIDATION)] == [stop]


def test_without_room_for_its_level_it_is_cancelled_when_the_parent_fills(floor: Floor) -> None:
    stop, profit = attach(floor, 95 * USD), attach(floor, 105 * USD, flags=PROFIT)
    floor.venue.columns["cell"][state.LEVELS_USED] = len(floor.venue.columns["level_row"])
    floor.venue.columns["cell"][state.LEVEL_FREE] = 0
    fill(floor, 4)
    assert floor.cancelled() == {stop: code.LEVELS_FULL, profit: code.LEVELS_FULL}
    assert floor.ids() == {floor.parent}


@pytest.mark.parametrize(
    ("expected", "fields"),
    [
        (code.REDUCE_ONLY, {"flags": STOP, "trigger": 105 * USD}),
        (code.HAS_POSITION, {"flags": STOP | SELL, "trigger": 95 * USD}),
        (code.HAS_POSITION, {"flags": TRAIL | SELL, "extra": USD}),
        (code.OK, {"flags": PROFIT | SELL, "trigger": 95 * USD}),
        (code.OK, {"flags": PROFIT | SELL, "trigger": 105 * USD}),
    ],
)
def test_who_may_be_attached(floor: Floor, expected: int, fields: dict[str, int]) -> None:
    attach(floor, 94 * USD)
    base = {"kind": command.PLACE, "signer": floor.trader, "account": floor.trader, "market": 0, "size": 10}
    base |= {"other": floor.parent, **fields}
    if expected == code.OK:
        floor.must(**base)
        floor.refused(code.HAS_POSITION, **base)
    else:
        floor.refused(expected, **base)


def test_what_is_no_parent(floor: Floor) -> None:
    base = {"kind": command.PLACE, "signer": floor.trader, "account": floor.trader, "market": 0, "size": 1}
    child = {**base, "flags": STOP | SELL, "trigger": 95 * USD}
    floor.refused(code.UNKNOWN_ORDER, **child, other=floor.parent + 2**21)
    floor.refused(code.UNKNOWN_ORDER, **child, other=floor.quote(BUY, 90 * USD, 1))
    stop = floor.stop(101 * USD, side=BUY, flags=STOP)
    floor.refused(code.UNKNOWN_ORDER, **child, other=stop)
    floor.open(floor.trader, -1)
    closing = floor.place(floor.trader, 0, BUY, 90 * USD, 1, flags=ONLY)
    floor.refused(code.UNKNOWN_ORDER, **child, other=closing)
    floor.list_market(1, 100 * USD)
    floor.refused(code.UNKNOWN_ORDER, **{**child, "market": 1}, other=floor.parent)


# the queue


def crowd(floor: Floor, many: int, trigger: int = 95 * USD, step: int = 0) -> list[int]:
    floor.open(floor.trader, 10)
    return [floor.stop(trigger - i * step, size=1) for i in range(many)]


def test_at_most_so_many_fire_in_one_command_and_the_rest_wherever_the_mark_has_gone(floor: Floor) -> None:
    orders = crowd(floor, 2 * limits.TRIGGERED_PER_COMMAND + 10)
    most = limits.TRIGGERED_PER_COMMAND
    assert floor.mark(95 * USD) == orders[:most]
    floor.check()
    late = floor.stop(94 * USD, size=1)
    assert floor.mark(105 * USD) == orders[most : 2 * most]
    floor.check()
    floor.tick()
    assert floor.fired() == orders[2 * most :]
    assert floor.ids() == {floor.parent, late}
    floor.check()


def test_a_gap_fires_in_the_order_of_triggers(floor: Floor) -> None:
    orders = crowd(floor, 100, step=10_000)
    fired = floor.mark(50 * USD)
    assert fired == orders[: limits.TRIGGERED_PER_COMMAND]
    floor.tick()
    assert floor.fired() == orders[limits.TRIGGERED_PER_COMMAND :]


def test_what_waits_in_the_queue_can_be_cancelled_but_not_changed(floor: Floor) -> None:
    orders = crowd(floor, limits.TRIGGERED_PER_COMMAND + 2)
    floor.mark(95 * USD)
    fields = {"kind": command.MODIFY, "signer": floor.trader, "account": floor.trader, "market": 0, "size": 1}
    floor.refused(code.MARK_BEYOND_TRIGGER, **fields, flags=STOP | ONLY | SELL, trigger=90 * USD, reference=orders[-1])
    cancel(floor, orders[-2])
    floor.check()
    floor.tick()
    assert floor.fired() == [orders[-1]]


def test_the_queue_needs_no_free_level(floor: Floor) -> None:
    orders = crowd(floor, limits.TRIGGERED_PER_COMMAND + 2)
    used, free = floor.venue.columns["cell"][[state.LEVELS_USED, state.LEVEL_FREE]]
    floor.venue.columns["cell"][[state.LEVELS_USED, state.LEVEL_FREE]] = len(floor.venue.columns["level_row"]), 0
    assert floor.mark(95 * USD) == orders[:-2]
    assert used
    assert free == 0
    floor.tick()
    assert floor.fired() == orders[-2:]


def test_a_stop_that_meets_more_orders_than_one_command_matches_goes_on(floor: Floor) -> None:
    most = limits.FILLS_PER_COMMAND
    floor.open(floor.trader, 3 * most + 50)
    for _ in range(3 * most + 50):
        floor.quote(BUY, 95 * USD, 1)
    cancel(floor, floor.parent)
    floor.venue.columns["param"][0, parameter.MAKER_FEE] = parameter.PPM  # two events a fill
    first = floor.stop(95 * USD, size=3 * most + 50)
    floor.mark(95 * USD)  # 800 events and an execution more
    assert floor.position(floor.trader, 0) == most + 50
    assert len(floor.fired()) == 2
    assert floor.fired()[0] == first
    floor.check()
    floor.tick()
    assert floor.position(floor.trader, 0) == 0
    assert floor.ids() == set()
    floor.check()


def test_own_orders_do_not_stop_a_stop_that_reduces(floor: Floor) -> None:
    cancel(floor, floor.parent)
    floor.open(floor.trader, 10)
    own = floor.place(floor.trader, 0, BUY, 96 * USD, 3)
    floor.quote(BUY, 95 * USD, 10)
    floor.stop(95 * USD)
    floor.mark(95 * USD)
    assert floor.cancelled() == {own: code.SELF_TRADE}
    assert floor.position(floor.trader, 0) == 0


# isolated positions


def isolate(floor: Floor) -> tuple[int, int]:
    """(account, isolated bucket) with 10 lots long at 100 in a bucket of their own."""
    who = floor.account(1_000)
    floor.must(kind=command.SET_LEVERAGE, signer=who, account=who, market=0, size=10, flags=command.ISOLATED)
    floor.quote(SELL, 100 * USD, 10)
    floor.place(who, 0, BUY, 100 * USD, 10)
    return who, int(floor.venue.columns["account_isolated"][who]) - 1


def test_a_pair_on_an_isolated_position_gives_its_bucket_back(floor: Floor) -> None:
    who, own = isolate(floor)
    stop = floor.stop(95 * USD, size=0, flags=STOP | WHOLE, account=who)
    profit = floor.stop(105 * USD, size=0, flags=PROFIT | WHOLE, account=who)
    assert floor.ids(own) == {stop, profit}
    floor.check()
    assert floor.mark(95 * USD) == [stop]  # at 99, where the trader bids
    assert floor.cancelled() == {profit: code.TWIN_FIRED}
    assert floor.venue.columns["account_isolated"][who] == 0
    assert floor.raw(who) == 990 * USD
    floor.check()


def test_closing_an_isolated_position_sweeps_its_stops_and_gives_its_bucket_back(floor: Floor) -> None:
    who, own = isolate(floor)
    floor.stop(95 * USD, account=who)
    floor.trail(5 * USD, account=who)
    assert len(floor.ids(own)) == 2
    floor.quote(BUY, 101 * USD, 10)
    floor.place(who, 0, SELL, 101 * USD, 10)
    assert floor.venue.columns["account_isolated"][who] == 0
    assert floor.raw(who) == 1_010 * USD
    floor.check()


def test_stops_that_fire_before_they_are_swept_give_the_bucket_back_too(floor: Floor) -> None:
    who, own = isolate(floor)
    for _ in range(limits.SWEPT_PER_COMMAND + 20):
        floor.stop(95 * USD, size=1, account=who)
    floor.quote(BUY, 100 * USD, 10)
    floor.place(who, 0, SELL, 100 * USD, 10)
    left = floor.ids(own)
    assert len(left) == 21
    floor.mark(95 * USD)
    assert floor.cancelled() == dict.fromkeys(left, code.REDUCE_ONLY)
    assert floor.venue.columns["account_isolated"][who] == 0
    floor.check()


def test_an_entry_of_an_isolated_account_waits_in_cross_and_opens_a_bucket(floor: Floor) -> None:
    who = floor.account(1_000)
    floor.must(kind=command.SET_LEVERAGE, signer=who, account=who, market=0, size=10, flags=command.ISOLATED)
    order = floor.stop(105 * USD, side=BUY, flags=STOP, account=who)
    assert floor.ids(who) == {order}
    floor.quote(SELL, 105 * USD, 10)
    floor.mark(105 * USD)
    own = int(floor.venue.columns["account_isolated"][who]) - 1
    assert floor.position(own, 0) == 10
    floor.check()


# changes


def modify(floor: Floor, identity: int, **more: int) -> None:
    fields = {"kind": command.MODIFY, "signer": floor.trader, "account": floor.trader, "market": 0, "size": 10}
    floor.must(**{**fields, "flags": STOP | ONLY | SELL, "reference": identity, **more})


def test_a_changed_stop_keeps_its_id_and_waits_at_its_new_trigger(floor: Floor) -> None:
    floor.open(floor.trader, 10)
    order = floor.stop(95 * USD, client_low=9)
    modify(floor, order, trigger=97 * USD, size=4, price=96 * USD)
    assert floor.kinds(event.ARMED)[0]["order"] == order
    floor.check()
    assert floor.mark(97 * USD) == [order]
    rested = floor.kinds(event.RESTED)[0]
    assert (rested["price"], rested["size"]) == (96 * USD, 4)
    assert floor.order(rested["order"], "client_low") == 9


@pytest.mark.parametrize(
    ("expected", "fields"),
    [
        (code.BAD_FIELD, {"flags": PROFIT | ONLY | SELL, "trigger": 105 * USD}),
        (code.BAD_FIELD, {"flags": STOP | ONLY, "trigger": 105 * USD}),
        (code.BAD_FIELD, {"flags": STOP | WHOLE | SELL, "trigger": 95 * USD}),
        (code.BAD_FIELD, {"flags": STOP | ONLY | SELL, "trigger": 95 * USD, "client_low": 8}),
        (code.BAD_PRICE, {"flags": STOP | ONLY | SELL, "trigger": 95 * USD + 1}),
        (code.BAD_SIZE, {"flags": STOP | ONLY | SELL, "trigger": 95 * USD, "size": 0}),
        (code.MARK_BEYOND_TRIGGER, {"flags": STOP | ONLY | SELL, "trigger": 100 * USD}),
        (code.UNKNOWN_ORDER, {"flags": STOP | ONLY | SELL, "trigger": 95 * USD, "reference": 1}),
    ],
)
def test_a_change_is_refused_whole(floor: Floor, expected: int, fields: dict[str, int]) -> None:
    floor.open(floor.trader, 10)
    order = floor.stop(95 * USD, client_low=9)
    base = {"kind": command.MODIFY, "signer": floor.trader, "account": floor.trader, "market": 0, "size": 10}
    floor.refused(expected, **{**base, "reference": order, **fields})


def test_a_change_needs_a_level(floor: Floor) -> None:
    floor.open(floor.trader, 10)
    one, two = floor.stop(95 * USD), floor.stop(95 * USD)
    kept = floor.venue.columns["cell"][[state.LEVELS_USED, state.LEVEL_FREE]].copy()
    floor.venue.columns["cell"][[state.LEVELS_USED, state.LEVEL_FREE]] = len(floor.venue.columns["level_row"]), 0
    base = {"kind": command.MODIFY, "signer": floor.trader, "account": floor.trader, "market": 0, "size": 10}
    base |= {"flags": STOP | ONLY | SELL, "trigger": 94 * USD}
    floor.refused(code.LEVELS_FULL, **base, reference=one)
    cancel(floor, two)
    floor.must(**base, reference=one)
    floor.venue.columns["cell"][[state.LEVELS_USED, state.LEVEL_FREE]] = kept
    assert floor.order(one, "trigger") == 94 * USD


def test_an_attached_stop_changes_before_and_after_it_is_armed(floor: Floor) -> None:
    stop = attach(floor, 95 * USD)
    modify(floor, stop, trigger=94 * USD, size=8)
    assert armed(floor, stop) == (0, 8)
    fill(floor, 4)
    assert armed(floor, stop) == (4, 4)
    modify(floor, stop, trigger=93 * USD, size=6)
    assert armed(floor, stop) == (4, 2)
    modify(floor, stop, trigger=93 * USD, size=3)
    assert armed(floor, stop) == (3, 0)
    floor.check()
    floor.quote(BUY, 92 * USD, 9)
    assert floor.mark(93 * USD) == [stop]
    assert floor.position(floor.trader, 0) == 1
    floor.check()


def test_the_limit_of_one_command_holds_over_all_markets() -> None:
    if not INTERPRETED:
        pytest.skip("a second world costs more than it shows")
    floor = Floor(long=0)
    floor.list_market(1, 100 * USD)
    many = limits.TRIGGERED_PER_COMMAND
    for market in (0, 1):
        for account in [floor.account(1_000) for _ in range(2)]:
            for _ in range(many // 2):
                floor.place(account, market, BUY, 0, 1, trigger=105 * USD, flags=STOP)
        floor.venue.columns["market_price"][market] = 105 * USD
    floor.tick()
    assert len(floor.fired()) == many
    floor.tick()
    assert len(floor.fired()) == many
