"""Changing and taking back orders: modify, cancel, cancel all, scheduled cancels."""

from typing import Any

import pytest

from bare_venue import START, USD
from order_desk import OrderDesk, isolate
from seawall.engine import orders, placing
from seawall.ledger import buckets, state
from seawall.terms import code, command, event, limits, parameter

BUY, SELL = 0, command.SELL
P = 100 * USD
HOUR = 3_600_000


@pytest.fixture
def desk() -> Any:
    """Two markets at 100 USD; `maker` and `taker` with 10,000 USD each."""
    made: Any = OrderDesk()
    made.market(0)
    made.market(1)
    made.maker, made.taker = (made.account(10_000 * USD) for _ in range(2))
    return made


def told(events: list[dict[str, int]], kind: int, *fields: str) -> list[tuple[int, ...]]:
    return [tuple(e[name] for name in fields) for e in events if e["kind"] == kind]


def cancelled(events: list[dict[str, int]]) -> list[tuple[int, ...]]:
    return told(events, event.CANCELLED, "order", "size", "amount")


def change(desk: Any, order: int, price: int, size: int, flags: int = BUY, **more: int) -> dict[str, int]:
    """Fields of a MODIFY by the taker."""
    return {
        "account": desk.taker,
        "market": 0,
        "reference": order,
        "price": price,
        "size": size,
        "flags": flags,
        **more,
    }


def slot(desk: Any, bucket: int, market: int = 0) -> int:
    return int(buckets.find_slot(desk.s, bucket, market))


# ---- modify -----------------------------------------------------------------------------------------------------


def test_fewer_lots_keep_the_id_and_the_priority(desk: Any) -> None:
    first = desk.place(desk.taker, 0, BUY, P, 10)
    second = desk.place(desk.maker, 0, BUY, P, 10)
    events = desk.must(orders.modify, **change(desk, first, P, 4))
    assert desk.cell[state.RESULT] == first
    assert cancelled(events) == [(first, 6, code.OK)]
    assert desk.book(0, 0) == [(first, P, 4), (second, P, 10)]
    assert desk.columns["slot_bids"][slot(desk, desk.taker)] == 4


def test_the_same_again_changes_nothing(desk: Any) -> None:
    first = desk.place(desk.taker, 0, BUY, P, 10)
    desk.place(desk.maker, 0, BUY, P, 10)
    assert desk.must(orders.modify, **change(desk, first, P, 10)) == []
    assert desk.book(0, 0)[0] == (first, P, 10)


def test_fewer_lots_are_accepted_where_no_order_is(desk: Any) -> None:
    first = desk.place(desk.taker, 0, BUY, P, 10)
    desk.columns["market_status"][0] = command.HALTED
    desk.columns["bucket_liquidating"][desk.taker] = 1
    desk.must(orders.modify, **change(desk, first, P, 4))
    desk.refused(code.MARKET_CLOSED, orders.modify, **change(desk, first, P, 5))


@pytest.mark.parametrize(("price", "size", "flags"), [(P, 11, 0), (99 * USD, 10, 0), (P, 4, command.POST_ONLY)])
def test_any_other_change_is_a_new_order_behind_the_others(desk: Any, price: int, size: int, flags: int) -> None:
    first = desk.place(desk.taker, 0, BUY, P, 10)
    second = desk.place(desk.maker, 0, BUY, P, 10)
    events = desk.must(orders.modify, **change(desk, first, price, size, flags))
    third = int(desk.cell[state.RESULT])
    assert cancelled(events) == [(first, 10, code.OK)]
    assert told(events, event.RESTED, "order", "price", "size") == [(third, price, size)]
    assert desk.book(0, 0) == [(second, P, 10), (third, price, size)]
    assert (desk.left(first), desk.left(third)) == (0, size)
    assert desk.columns["slot_bids"][slot(desk, desk.taker)] == size
    assert desk.columns["bucket_orders"][desk.taker] == 1


def test_a_change_that_crosses_fills_and_rests_the_remainder(desk: Any) -> None:
    first = desk.place(desk.taker, 0, BUY, 99 * USD, 10)
    ask = desk.place(desk.maker, 0, SELL, P, 4)
    events = desk.must(orders.modify, **change(desk, first, P, 10))
    assert [e["kind"] for e in events] == [event.CANCELLED, event.FILL, event.RESTED]
    assert told(events, event.FILL, "order", "size") == [(ask, 4)]
    assert desk.book(0, 0) == [(int(desk.cell[state.RESULT]), P, 6)]
    assert desk.columns["slot_bids"][slot(desk, desk.taker)] == 6


def test_a_change_that_fills_whole_leaves_no_order(desk: Any) -> None:
    first = desk.place(desk.taker, 0, BUY, 99 * USD, 4, client_high=1)
    desk.place(desk.maker, 0, SELL, P, 4)
    desk.must(orders.modify, **change(desk, first, P, 4))
    assert desk.cell[state.RESULT] == 0
    assert desk.columns["bucket_orders"][desk.taker] == 0
    assert desk.cell[state.ORDERS_LIVE] == 0
    assert desk.place(desk.taker, 0, BUY, 99 * USD, 4, client_high=1) != 0


REFUSALS = [
    (code.BAD_PRICE, {"price": P + 1}),
    (code.BAD_SIZE, {"size": 0}),
    (code.PRICE_BAND, {"price": 50 * USD}),
    (code.INITIAL_MARGIN, {"size": 3_000}),
    (code.DUPLICATE_CLIENT_ID, {"client_high": 9}),
    (code.WOULD_CROSS, {"price": 101 * USD, "flags": command.POST_ONLY}),
    (code.REDUCE_ONLY, {"flags": command.REDUCE_ONLY}),
    (code.BAD_FIELD, {"flags": SELL}),
    (code.BAD_FIELD, {"trigger": P}),
    (code.BAD_FIELD, {"extra": 1}),
    (code.BAD_FIELD, {"flags": command.IOC | command.POST_ONLY}),
    (code.NO_LIQUIDITY, {"flags": command.IOC}),
]


@pytest.mark.parametrize(("expected", "fields"), REFUSALS)
def test_a_change_that_would_be_refused_changes_nothing(desk: Any, expected: int, fields: dict[str, int]) -> None:
    first = desk.place(desk.taker, 0, BUY, P, 10, client_high=8)
    desk.place(desk.taker, 1, BUY, P, 1, client_high=9)
    desk.place(desk.maker, 0, SELL, 101 * USD, 5)
    desk.refused(expected, orders.modify, **{**change(desk, first, P, 20), **fields})
    assert desk.book(0, 0) == [(first, P, 10)]


def test_the_margin_of_the_old_order_serves_the_new_one(desk: Any) -> None:
    first = desk.place(desk.taker, 0, BUY, P, 2_000)  # all 10,000 USD
    desk.refused(code.INITIAL_MARGIN, orders.place, account=desk.taker, market=0, flags=BUY, price=P, size=1)
    desk.must(orders.modify, **change(desk, first, 99 * USD, 2_000))
    order = int(desk.cell[state.RESULT])
    desk.refused(code.INITIAL_MARGIN, orders.modify, **change(desk, order, P, 2_001))


def test_the_room_of_the_old_order_serves_the_new_one(desk: Any) -> None:
    first = desk.place(desk.taker, 0, BUY, P, 1)
    desk.place(desk.maker, 0, BUY, P, 1)
    desk.columns["bucket_orders"][desk.taker] = limits.ORDERS_PER_BUCKET
    desk.cell[state.LEVELS_USED] = len(desk.columns["level_row"])
    desk.refused(code.LEVELS_FULL, orders.modify, **change(desk, first, 99 * USD, 1))
    desk.must(orders.modify, **change(desk, first, P, 2))
    alone = int(desk.cell[state.RESULT])
    maker = desk.book(0, 0)[0][0]
    desk.must(orders.cancel, account=desk.maker, market=0, reference=maker)
    desk.must(orders.modify, **change(desk, alone, 99 * USD, 2))
    assert desk.columns["bucket_orders"][desk.taker] == limits.ORDERS_PER_BUCKET


def test_the_position_cap_counts_the_old_order_out(desk: Any) -> None:
    desk.set(0, parameter.POSITION_CAP, 10)
    first = desk.place(desk.taker, 0, BUY, P, 8)
    desk.must(orders.modify, **change(desk, first, 99 * USD, 10))
    desk.refused(code.POSITION_CAP, orders.modify, **change(desk, int(desk.cell[state.RESULT]), P, 11))


def test_the_client_id_stays_unless_another_is_given(desk: Any) -> None:
    first = desk.place(desk.taker, 0, BUY, P, 8, client_high=5, client_low=-7)
    desk.must(orders.modify, **change(desk, first, 99 * USD, 8))
    second = int(desk.cell[state.RESULT])
    names = {"client_high": 5, "client_low": -7}
    fields = {"account": desk.taker, "market": 0, "flags": BUY, "price": P, "size": 1}
    desk.refused(code.DUPLICATE_CLIENT_ID, orders.place, **fields, **names)
    desk.must(orders.modify, **change(desk, second, 99 * USD, 8, client_low=2))
    third = int(desk.cell[state.RESULT])
    name = {"account": desk.taker, "market": 0}
    desk.refused(code.UNKNOWN_ORDER, orders.cancel_client, **name, client_high=5, client_low=-7)
    assert cancelled(desk.must(orders.cancel_client, **name, client_low=2)) == [(third, 8, code.OK)]


def test_stops_attached_to_an_order_wait_for_the_new_one(desk: Any) -> None:
    first = desk.place(desk.taker, 0, BUY, 99 * USD, 10)
    stop = desk.place(desk.taker, 0, SELL | command.STOP, 0, 10, trigger=90 * USD, other=first)
    events = desk.must(orders.modify, **change(desk, first, 98 * USD, 10))
    assert cancelled(events) == [(first, 10, code.OK)]
    second = int(desk.cell[state.RESULT])
    desk.place(desk.maker, 0, SELL, 98 * USD, 3)
    assert desk.left(stop) == 3
    desk.place(desk.maker, 0, SELL, 99 * USD, 2)
    desk.must(orders.modify, **change(desk, second, 99 * USD, 7))  # takes two of the seven itself
    assert desk.left(stop) == 5
    third = int(desk.cell[state.RESULT])
    desk.refused(code.BAD_FIELD, orders.modify, **change(desk, third, P, 1, command.REDUCE_ONLY))
    events = desk.must(orders.cancel, account=desk.taker, market=0, reference=third)
    assert cancelled(events) == [(third, 5, code.OK)]
    assert desk.left(stop) == 5  # what was filled stays protected


@pytest.mark.parametrize("field", ["account", "market", "reference"])
def test_only_the_owners_order_of_that_market_is_found(desk: Any, field: str) -> None:
    order = desk.place(desk.taker, 0, BUY, P, 10)
    fields = change(desk, order, P, 5)
    fields[field] = {"account": desk.maker, "market": 1, "reference": order + 2**21}[field]
    desk.refused(code.UNKNOWN_ORDER, orders.modify, **fields)
    for name in ("price", "size", "flags"):
        del fields[name]
    desk.refused(code.UNKNOWN_ORDER, orders.cancel, **fields)


# ---- cancel -----------------------------------------------------------------------------------------------------


def test_cancel_gives_everything_back(desk: Any) -> None:
    before = bytes(desk.durable())
    order = desk.place(desk.taker, 0, BUY, P, 10, client_high=4)
    events = desk.must(orders.cancel, account=desk.taker, market=0, reference=order)
    assert cancelled(events) == [(order, 10, code.OK)]
    assert slot(desk, desk.taker) == 0
    assert desk.columns["bucket_orders"][desk.taker] == 0
    assert desk.cell[state.ORDERS_LIVE] == 0
    desk.refused(code.UNKNOWN_ORDER, orders.cancel, account=desk.taker, market=0, reference=order)
    desk.refused(code.UNKNOWN_ORDER, orders.cancel_client, account=desk.taker, market=0, client_high=4)
    assert bytes(desk.durable()) != before  # serials and free lists moved on


def test_a_client_id_is_the_accounts_own(desk: Any) -> None:
    mine = desk.place(desk.taker, 0, BUY, P, 10, client_high=4, client_low=1)
    theirs = desk.place(desk.maker, 0, BUY, P, 10, client_high=4, client_low=1)
    name = {"client_high": 4, "client_low": 1}
    desk.refused(code.UNKNOWN_ORDER, orders.cancel_client, account=desk.taker, market=1, **name)
    assert cancelled(desk.must(orders.cancel_client, account=desk.taker, market=0, **name))[0][0] == mine
    assert desk.book(0, 0) == [(theirs, P, 10)]
    desk.refused(code.UNKNOWN_ORDER, orders.cancel_client, account=desk.taker, market=0)


@pytest.mark.parametrize("status", [command.HALTED, command.CANCELLING, command.CLOSED, command.DELISTING])
def test_cancels_are_taken_in_every_status(desk: Any, status: int) -> None:
    order = desk.place(desk.taker, 0, BUY, P, 10)
    desk.columns["market_status"][0] = status
    desk.columns["bucket_liquidating"][desk.taker] = 1
    desk.must(orders.cancel, account=desk.taker, market=0, reference=order)


def test_cancel_all_takes_one_market_or_all_and_every_bucket(desk: Any) -> None:
    isolate(desk, desk.taker, 1)
    here = [desk.place(desk.taker, 0, BUY, P, 1), desk.place(desk.taker, 0, SELL, 101 * USD, 1)]
    there = desk.place(desk.taker, 1, BUY, P, 1)
    others = desk.place(desk.maker, 0, BUY, P, 1)
    events = desk.must(orders.cancel_all, account=desk.taker, market=0)
    assert sorted(cancelled(events)) == [(order, 1, code.OK) for order in here]
    events = desk.must(orders.cancel_all, account=desk.taker, market=-1)
    assert cancelled(events) == [(there, 1, code.OK)]
    assert desk.must(orders.cancel_all, account=desk.taker, market=-1) == []
    assert desk.left(others) == 1
    assert desk.columns["account_isolated"][desk.taker] == 0


def test_cancel_all_takes_stops_and_what_is_attached(desk: Any) -> None:
    parent = desk.place(desk.taker, 0, BUY, 99 * USD, 10)
    for kind, trigger in ((command.STOP, 90 * USD), (command.TAKE_PROFIT, 110 * USD)):
        desk.place(desk.taker, 0, SELL | kind, 0, 10, trigger=trigger, other=parent)
    desk.place(desk.taker, 0, BUY | command.STOP, 0, 10, trigger=105 * USD)
    desk.must(orders.cancel_all, account=desk.taker, market=-1)
    assert desk.cell[state.ORDERS_LIVE] == 0
    assert desk.columns["bucket_orders"][desk.taker] == 0


def test_an_account_has_no_more_orders_than_one_command_cancels(desk: Any) -> None:
    """Orders of isolated buckets count with those of the cross bucket."""
    isolate(desk, desk.taker, 1)
    most = limits.ORDERS_PER_BUCKET
    for i in range(most - 1):
        desk.place(desk.taker, i % 2, BUY, P, 1)
    desk.place(desk.taker, 1, BUY, P, 1)
    for market in (0, 1):
        desk.refused(code.ORDERS_FULL, orders.place, account=desk.taker, market=market, flags=BUY, price=P, size=1)
    assert len(cancelled(desk.must(orders.cancel_all, account=desk.taker, market=-1))) == most
    assert desk.cell[state.ORDERS_LIVE] == 0


# ---- scheduled cancels ------------------------------------------------------------------------------------------


def due(desk: Any, now: int) -> list[dict[str, int]]:
    desk.cell[state.NOW] = now
    orders.cancel_due(desk.s)
    events: list[dict[str, int]] = desk.events()
    return events


@pytest.mark.parametrize(("ahead", "expected"), [(4_999, code.BAD_TIME), (5_000, code.OK)])
def test_a_schedule_leaves_time_to_renew_it(desk: Any, ahead: int, expected: int) -> None:
    given, _ = desk.run(orders.schedule_cancel, account=desk.taker, expires=START + ahead)
    assert given == expected


def test_a_scheduled_cancel_acts_at_its_time_and_once(desk: Any) -> None:
    order = desk.place(desk.taker, 0, BUY, P, 10)
    kept = desk.place(desk.maker, 0, BUY, P, 10)
    desk.must(orders.schedule_cancel, account=desk.taker, expires=START + 5_000)
    desk.must(orders.schedule_cancel, account=desk.maker, expires=START + HOUR)
    assert due(desk, START + 4_999) == []
    assert cancelled(due(desk, START + 5_000)) == [(order, 10, code.OK)]
    assert desk.cell[state.SCHEDULE_NEXT] == START + HOUR
    desk.place(desk.taker, 0, BUY, P, 10)
    assert due(desk, START + 6_000) == []
    assert cancelled(due(desk, START + HOUR)) == [(kept, 10, code.OK)]
    assert desk.cell[state.SCHEDULE_NEXT] == 0


def test_a_schedule_may_be_moved_and_cleared(desk: Any) -> None:
    order = desk.place(desk.taker, 0, BUY, P, 10)
    desk.must(orders.schedule_cancel, account=desk.taker, expires=START + 5_000)
    desk.must(orders.schedule_cancel, account=desk.taker, expires=START + 9_000)
    assert due(desk, START + 8_999) == []
    desk.must(orders.schedule_cancel, account=desk.taker, expires=0)
    assert due(desk, START + HOUR) == []
    assert desk.left(order) == 10
    assert desk.cell[state.SCHEDULE_NEXT] == 0


def test_many_scheduled_cancels_go_on_at_the_next_tick(desk: Any) -> None:
    crowd = [desk.account(10_000 * USD) for _ in range(3)]
    each = limits.ORDERS_PER_BUCKET * 3 // 4
    for account in crowd:
        for _ in range(each - 100):
            desk.place(account, 0, BUY, P, 1)
        desk.must(orders.schedule_cancel, account=account, expires=START + 5_000)
    total = 3 * (each - 100)
    desk.events()
    first = patched_due(desk, 1_000)
    assert len(cancelled(first)) == 1_000
    assert 0 < desk.cell[state.SCHEDULE_NEXT] <= desk.cell[state.NOW]
    assert len(cancelled(patched_due(desk, 1_000))) == total - 1_000
    assert desk.cell[state.SCHEDULE_NEXT] == 0
    assert desk.columns["account_cancel"][crowd].tolist() == [0, 0, 0]


def patched_due(desk: Any, most: int) -> list[dict[str, int]]:
    """`cancel_due` with room for `most` orders a TICK."""
    desk.cell[state.NOW] = max(int(desk.cell[state.NOW]), START + 5_000)
    orders.cancel_some_due(desk.s, most)
    events: list[dict[str, int]] = desk.events()
    return events


# ---- execute ----------------------------------------------------------------------------------------------------


def test_execute_places_for_a_bucket_that_exists(desk: Any) -> None:
    assert placing.execute(desk.s, desk.taker, 0, BUY, P, 3, 1, 2) == code.OK
    assert desk.left(int(desk.cell[state.RESULT])) == 3
    assert placing.execute(desk.s, desk.taker, 0, BUY, P, 3, 1, 2) == code.DUPLICATE_CLIENT_ID
