"""Placing orders: every code and its place in the order of checks, and what each kind of order does."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest

from bare_venue import START, USD
from order_desk import LISTED_SIZE, OrderDesk
from seawall.engine import orders
from seawall.ledger import state
from seawall.terms import code, command, event, limits, parameter
from seawall.units import RATE_ONE

BUY, SELL = 0, command.SELL
P = 100 * USD


@pytest.fixture
def desk() -> OrderDesk:
    """One market at 100 USD; `maker` and `taker` with 10,000 USD each."""
    made = OrderDesk()
    made.market(0)
    made.market(1)
    made.maker, made.taker = made.account(10_000 * USD), made.account(10_000 * USD)  # type: ignore[attr-defined]
    return made


def kinds(events: list[dict[str, int]]) -> list[int]:
    return [e["kind"] for e in events]


def told(events: list[dict[str, int]], kind: int, *fields: str) -> list[tuple[int, ...]]:
    return [tuple(e[name] for name in fields) for e in events if e["kind"] == kind]


# ---- the order of the checks ------------------------------------------------------------------------------------

Fault = Callable[[Any, dict[str, int]], None]


def column(name: str, value: int) -> Fault:
    def write(desk: Any, fields: dict[str, int]) -> None:
        desk.columns[name][fields["market"]] = value

    return write


def field(**changed: int) -> Fault:
    def write(_: Any, fields: dict[str, int]) -> None:
        fields.update(changed)

    return write


def flag(bit: int) -> Fault:
    def write(_: Any, fields: dict[str, int]) -> None:
        fields["flags"] |= bit

    return write


def cap(which: int, value: int) -> Fault:
    def write(desk: Any, _: dict[str, int]) -> None:
        desk.set(0, which, value)

    return write


def venue(status: int) -> Fault:
    def write(desk: Any, _: dict[str, int]) -> None:
        desk.cell[state.VENUE_STATUS] = status

    return write


def liquidating(desk: Any, _: dict[str, int]) -> None:
    desk.columns["bucket_liquidating"][desk.taker] = 1


def poor(desk: Any, _: dict[str, int]) -> None:
    desk.columns["bucket_raw"][desk.taker] = 10 * USD


def full_bucket(desk: Any, _: dict[str, int]) -> None:
    desk.columns["bucket_orders"][desk.taker] = limits.ORDERS_PER_BUCKET


def full_slots(desk: Any, _: dict[str, int]) -> None:
    desk.columns["count"][0] = len(desk.columns["slot_size"])


def full_levels(desk: Any, _: dict[str, int]) -> None:
    desk.cell[state.LEVELS_USED] = len(desk.columns["level_row"])


def no_room_for_cash(desk: Any, _: dict[str, int]) -> None:
    desk.columns["bucket_raw"][desk.taker] = limits.RAW_USD_MAX + 1_500 * USD  # 500 USD go out


CHECKS: list[tuple[int, Fault]] = [
    (code.BAD_FIELD, field(extra=1)),
    (code.UNKNOWN_MARKET, column("market_status", command.UNLISTED)),
    (code.MARKET_CLOSED, column("market_status", command.CLOSED)),
    (code.BAD_PRICE, field(price=P + 1)),
    (code.BAD_SIZE, field(size=0)),
    (code.PRICE_BAND, field(price=121 * USD)),
    (code.STALE_PRICE, column("market_oracle_time", START - 10_001)),
    (code.VENUE_HALTED, venue(command.HALTED)),
    (code.MARKET_CLOSED, column("market_status", command.HALTED)),
    (code.CANCEL_ONLY, column("market_status", command.CANCELLING)),
    (code.POST_ONLY, column("market_status", command.POSTING)),
    (code.MARKET_REDUCE_ONLY, cap(parameter.BREAKER, parameter.HARD)),
    (code.DUPLICATE_CLIENT_ID, field(client_high=3, client_low=4)),
    (code.BEING_LIQUIDATED, liquidating),
    (code.WOULD_CROSS, flag(command.POST_ONLY)),
    (code.OPEN_INTEREST_CAP, cap(parameter.OPEN_INTEREST_CAP, 4)),
    (code.POSITION_CAP, cap(parameter.POSITION_CAP, 9)),
    (code.INITIAL_MARGIN, poor),
    (code.ORDERS_FULL, full_bucket),
    (code.POSITIONS_FULL, full_slots),
    (code.LEVELS_FULL, full_levels),
    (code.CASH_BOUND, no_room_for_cash),
]
EXCLUSIVE = [  # pairs that speak of the same column, or of which one lifts the other
    {code.UNKNOWN_MARKET, code.MARKET_CLOSED, code.CANCEL_ONLY, code.POST_ONLY},
    {code.BAD_PRICE, code.PRICE_BAND},
    {code.POST_ONLY, code.WOULD_CROSS},
    {code.INITIAL_MARGIN, code.CASH_BOUND},
]


def attempt(desk: Any, *faults: Fault) -> int:
    """A buy of 10 that would take 5 and rest 5, with faults; a refusal must change nothing (`run`)."""
    desk.place(desk.maker, 0, SELL, P, 5)
    desk.place(desk.taker, 1, BUY, 90 * USD, 1, client_high=3, client_low=4)
    fields = {"account": desk.taker, "market": 0, "flags": BUY, "price": P, "size": 10}
    for fault in faults:
        fault(desk, fields)
    desk.events()
    return int(desk.run(orders.place, **fields)[0])


def test_nothing_wrong_is_accepted(desk: Any) -> None:
    assert attempt(desk) == code.OK


@pytest.mark.parametrize(("expected", "fault"), CHECKS)
def test_each_fault_has_its_code(desk: Any, expected: int, fault: Fault) -> None:
    assert attempt(desk, fault) == expected


@pytest.mark.parametrize(("first", "second"), list(combinations(range(len(CHECKS)), 2)))
def test_of_two_faults_the_earlier_check_speaks(desk: Any, first: int, second: int) -> None:
    (one, fault), (other, later) = CHECKS[first], CHECKS[second]
    if any({one, other} <= group for group in EXCLUSIVE):
        pytest.skip("not both at once")
    assert attempt(desk, later, fault) == one


@pytest.mark.parametrize(
    ("status", "flags", "expected"),
    [
        (command.REDUCING, 0, code.MARKET_REDUCE_ONLY),
        (command.REDUCING, command.REDUCE_ONLY, code.OK),
        (command.POSTING, command.REDUCE_ONLY, code.POST_ONLY),
        (command.POSTING, command.POST_ONLY | command.REDUCE_ONLY, code.OK),
        (command.CANCELLING, command.REDUCE_ONLY, code.CANCEL_ONLY),
        (command.HALTED, command.REDUCE_ONLY, code.MARKET_CLOSED),
        (command.DELISTING, command.REDUCE_ONLY, code.MARKET_CLOSED),
    ],
)
def test_statuses_let_in_what_they_say(desk: Any, status: int, flags: int, expected: int) -> None:
    desk.trade(desk.maker, desk.taker, 0, P, 5)
    desk.columns["market_status"][0] = status
    given, _ = desk.run(orders.place, account=desk.maker, market=0, flags=SELL | flags, price=101 * USD, size=5)
    assert given == expected


def test_the_venue_and_the_market_each_bind(desk: Any) -> None:
    desk.cell[state.VENUE_STATUS] = command.REDUCING
    desk.columns["market_status"][0] = command.POSTING
    fields = {"account": desk.taker, "market": 0, "price": P, "size": 1}
    desk.refused(code.MARKET_REDUCE_ONLY, orders.place, **fields, flags=command.POST_ONLY)
    desk.refused(code.POST_ONLY, orders.place, **fields, flags=0)


@pytest.mark.parametrize(
    "flags",
    [
        command.IOC | command.POST_ONLY,
        command.CANCEL_MAKER | command.CANCEL_BOTH,
        command.WHOLE_POSITION,
    ],
)
def test_flags_that_contradict_each_other_are_no_order(desk: Any, flags: int) -> None:
    desk.refused(code.BAD_FIELD, orders.place, account=desk.taker, market=0, flags=flags, price=P, size=1)


@pytest.mark.parametrize("field_name", ["trigger", "extra", "other"])
def test_a_plain_order_has_no_field_of_a_stop(desk: Any, field_name: str) -> None:
    fields = {"account": desk.taker, "market": 0, "flags": 0, "price": P, "size": 1, field_name: 1}
    desk.refused(code.BAD_FIELD, orders.place, **fields)


@pytest.mark.parametrize(
    ("price", "expected"),
    [(80 * USD, code.OK), (80 * USD - 1_000, code.PRICE_BAND), (120 * USD, code.OK), (120_010_000, code.PRICE_BAND)],
)
def test_the_band_is_measured_from_the_index_not_the_mark(desk: Any, price: int, expected: int) -> None:
    desk.price(0, 95 * USD, P)
    assert desk.run(orders.place, account=desk.taker, market=0, flags=0, price=price, size=1)[0] == expected


@pytest.mark.parametrize(("size", "expected"), [(LISTED_SIZE, code.POSITION_CAP), (LISTED_SIZE + 1, code.BAD_SIZE)])
def test_a_size_is_at_most_what_the_market_lists(desk: Any, size: int, expected: int) -> None:
    desk.set(0, parameter.POSITION_CAP, 10)
    desk.refused(expected, orders.place, account=desk.taker, market=0, flags=0, price=P, size=size)


def test_a_price_above_the_markets_greatest_is_none(desk: Any) -> None:
    desk.set(0, parameter.PRICE_BAND, RATE_ONE)
    desk.columns["market_price_max"][0] = 150 * USD
    desk.columns["market_oracle"][0] = 100 * USD
    fields = {"account": desk.taker, "market": 0, "flags": 0, "size": 1}
    desk.refused(code.BAD_PRICE, orders.place, **fields, price=151 * USD)
    desk.must(orders.place, **fields, price=150 * USD)


# ---- kinds of orders --------------------------------------------------------------------------------------------


def test_a_crossing_order_takes_the_best_prices_in_time_order_and_rests_the_remainder(desk: Any) -> None:
    third = desk.account(10_000 * USD)
    later = desk.place(third, 0, SELL, 101 * USD, 4)
    first = desk.place(desk.maker, 0, SELL, P, 5)
    second = desk.place(third, 0, SELL, P, 5)
    events = desk.must(orders.place, account=desk.taker, market=0, flags=BUY, price=101 * USD, size=20)
    assert told(events, event.FILL, "order", "price", "size", "bucket", "other") == [
        (first, P, 5, desk.taker, desk.maker),
        (second, P, 5, desk.taker, third),
        (later, 101 * USD, 4, desk.taker, third),
    ]
    rested = int(desk.cell[state.RESULT])
    assert desk.book(0, 0) == [(rested, 101 * USD, 6)]
    assert told(events, event.RESTED, "order", "price", "size") == [(rested, 101 * USD, 6)]
    assert desk.columns["market_last"][0] == 101 * USD
    assert (desk.size(desk.taker, 0), desk.size(desk.maker, 0), desk.size(third, 0)) == (14, -5, -9)
    assert desk.columns["market_open"][0] == 14
    assert desk.money() == 0


def test_the_taker_gets_the_makers_price(desk: Any) -> None:
    desk.place(desk.maker, 0, BUY, 102 * USD, 5)
    events = desk.must(orders.place, account=desk.taker, market=0, flags=SELL, price=99 * USD, size=5)
    assert told(events, event.FILL, "price", "size") == [(102 * USD, -5)]


def test_ioc_cancels_what_it_cannot_fill(desk: Any) -> None:
    desk.place(desk.maker, 0, SELL, P, 5)
    events = desk.must(orders.place, account=desk.taker, market=0, flags=command.IOC, price=P, size=8)
    assert kinds(events) == [event.FILL, event.CANCELLED]
    assert told(events, event.CANCELLED, "order", "size", "amount", "bucket") == [(0, 3, code.NO_LIQUIDITY, desk.taker)]
    assert desk.cell[state.RESULT] == 0
    assert desk.book(0, 0) == []


def test_ioc_that_meets_nothing_changes_nothing(desk: Any) -> None:
    desk.place(desk.maker, 0, SELL, 101 * USD, 5)
    fields = {"account": desk.taker, "market": 0, "flags": command.IOC, "size": 8}
    desk.refused(code.NO_LIQUIDITY, orders.place, **fields, price=P)
    desk.columns["bucket_liquidating"][desk.maker] = 1
    desk.refused(code.NO_LIQUIDITY, orders.place, **fields, price=101 * USD)


def test_post_only_rests_or_is_refused(desk: Any) -> None:
    desk.place(desk.maker, 0, SELL, P, 5)
    fields = {"account": desk.taker, "market": 0, "flags": command.POST_ONLY, "size": 8}
    desk.refused(code.WOULD_CROSS, orders.place, **fields, price=P)
    assert desk.place(desk.taker, 0, command.POST_ONLY, 99_990_000, 8) != 0


def test_post_only_may_not_meet_the_pool_either(desk: Any) -> None:
    pool = desk.pool(0)
    desk.columns["bucket_raw"][pool] = 10**13
    for which, value in ((parameter.AMM_DEPTH, 1_000), (parameter.AMM_CAP, 1_000), (parameter.AMM_SPREAD, 12_000)):
        desk.set(0, which, value)
    fields = {"account": desk.taker, "market": 0, "flags": command.POST_ONLY, "size": 8}
    desk.refused(code.WOULD_CROSS, orders.place, **fields, price=101 * USD)  # one lot costs 100.2 USD
    desk.must(orders.place, **fields, price=P)


def test_the_pool_fills_the_gap_before_the_level(desk: Any) -> None:
    pool = desk.pool(0)
    desk.columns["bucket_raw"][pool] = 10**13
    desk.cell[state.VAULT] += 10**13
    for which, value in ((parameter.AMM_DEPTH, 1_000), (parameter.AMM_CAP, 1_000), (parameter.AMM_SPREAD, 0)):
        desk.set(0, which, value)
    ask = desk.place(desk.maker, 0, SELL, 101 * USD, 5)
    events = desk.must(orders.place, account=desk.taker, market=0, flags=command.IOC, price=102 * USD, size=40)
    # 10 lots reach 101, at 100.5 on average; 5 of the order; 10 more reach 102, at 101.5
    assert told(events, event.FILL, "other", "order", "price", "size") == [
        (pool, 0, 100_500_000, 10),
        (desk.maker, ask, 101 * USD, 5),
        (pool, 0, 101_500_000, 10),
    ]
    assert told(events, event.CANCELLED, "size", "amount") == [(15, code.NO_LIQUIDITY)]
    assert desk.size(pool, 0) == -20
    assert desk.money() == 0


def test_reduce_only_needs_a_position_to_reduce(desk: Any) -> None:
    fields = {"account": desk.taker, "market": 0, "price": P, "size": 5}
    desk.refused(code.REDUCE_ONLY, orders.place, **fields, flags=SELL | command.REDUCE_ONLY)
    desk.trade(desk.taker, desk.maker, 0, P, 5)
    desk.refused(code.REDUCE_ONLY, orders.place, **fields, flags=BUY | command.REDUCE_ONLY)
    desk.must(orders.place, **fields, flags=SELL | command.REDUCE_ONLY)


def test_reduce_only_is_cut_to_the_position_and_never_flips_it(desk: Any) -> None:
    desk.trade(desk.taker, desk.maker, 0, P, 5)
    desk.place(desk.maker, 0, BUY, P, 20)
    events = desk.must(
        orders.place, account=desk.taker, market=0, flags=SELL | command.REDUCE_ONLY, price=99 * USD, size=20
    )
    assert told(events, event.FILL, "size") == [(-5,)]
    assert kinds(events) == [event.FILL]
    assert desk.size(desk.taker, 0) == 0


def test_a_resting_reduce_only_order_reserves_nothing_and_shrinks_with_its_position(desk: Any) -> None:
    third = desk.account(10_000 * USD)
    desk.trade(desk.maker, third, 0, P, 8)
    order = desk.place(desk.maker, 0, SELL | command.REDUCE_ONLY, 101 * USD, 8)
    slot = int(desk.columns["bucket_first"][desk.maker])
    assert desk.columns["slot_asks"][slot] == 0
    desk.trade(third, desk.maker, 0, P, 5)  # three are left
    events = desk.must(orders.place, account=desk.taker, market=0, flags=BUY, price=101 * USD, size=2)
    assert told(events, event.CANCELLED, "order", "size", "amount") == [(order, 5, code.REDUCE_ONLY)]
    assert told(events, event.FILL, "order", "size") == [(order, 2)]
    assert desk.left(order) == 1
    desk.trade(third, desk.maker, 0, P, 1)  # none is left
    events = desk.must(orders.place, account=desk.taker, market=0, flags=BUY, price=101 * USD, size=2)
    assert told(events, event.CANCELLED, "order", "size", "amount") == [(order, 1, code.REDUCE_ONLY)]
    assert told(events, event.RESTED, "size") == [(2,)]


def test_reduce_only_is_let_through_where_new_risk_is_not(desk: Any) -> None:
    desk.trade(desk.taker, desk.maker, 0, P, 5)
    desk.place(desk.maker, 0, BUY, P, 5)
    desk.columns["market_oracle_time"][0] = START - 10_001
    desk.columns["bucket_liquidating"][desk.taker] = 1
    desk.set(0, parameter.BREAKER, parameter.HARD)
    desk.set(0, parameter.OPEN_INTEREST_CAP, 0)
    desk.set(0, parameter.POSITION_CAP, 0)
    desk.set(0, parameter.PRICE_BAND, RATE_ONE // 1000)
    flags = SELL | command.REDUCE_ONLY | command.IOC
    desk.must(orders.place, account=desk.taker, market=0, flags=flags, price=50 * USD, size=5)
    assert desk.size(desk.taker, 0) == 0


def test_below_initial_margin_only_what_reduces_risk_is_accepted(desk: Any) -> None:
    desk.trade(desk.taker, desk.maker, 0, P, 100)
    desk.columns["bucket_raw"][desk.taker] -= 9_600 * USD  # equity 400, maintenance 250, initial 500
    desk.place(desk.maker, 0, BUY, P, 50)
    fields = {"account": desk.taker, "market": 0, "price": P}
    desk.refused(code.INITIAL_MARGIN, orders.place, **fields, flags=BUY, size=1)
    desk.refused(code.INITIAL_MARGIN, orders.place, **fields, flags=SELL, size=201)  # turns into a greater short
    desk.must(orders.place, **fields, flags=SELL, size=50)
    assert desk.size(desk.taker, 0) == 50


def test_a_close_that_worsens_the_margin_ratio_is_refused(desk: Any) -> None:
    desk.trade(desk.taker, desk.maker, 0, P, 100)
    desk.columns["bucket_raw"][desk.taker] -= 9_600 * USD
    desk.place(desk.maker, 0, BUY, 90 * USD, 10)  # equity 300 of 400 for a tenth of the maintenance
    flags = SELL | command.REDUCE_ONLY
    desk.refused(code.INITIAL_MARGIN, orders.place, account=desk.taker, market=0, flags=flags, price=90 * USD, size=10)


# ---- fees -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("taker", "maker", "price", "fees"),
    [
        (450 * 12, 150 * 12, 3 * P, (135_000, 45_000)),
        (1, 1, 33_333_000, (3, 3)),  # 2.7: both round up
        (450 * 12, -150 * 12, 100_010_000, (45_005, -15_001)),  # 45,004.5 and 15,001.5
        (1, -1, 33_333_000, (3, -2)),  # 2.7 up, 2.7 down
        (1, -2, 33_333_000, (3, -3)),  # 5.5: never more than the taker paid
        (0, -(RATE_ONE // 1000), P, (0, 0)),
        (0, 0, P, (0, 0)),
    ],
)
def test_fees_round_for_the_venue_and_a_rebate_comes_out_of_the_takers_fee(
    desk: Any, taker: int, maker: int, price: int, fees: tuple[int, int]
) -> None:
    desk.set(0, parameter.TAKER_FEE, taker)
    desk.set(0, parameter.MAKER_FEE, maker)
    desk.price(0, price)
    desk.place(desk.maker, 0, SELL, price, 1)
    before = desk.raw(desk.taker), desk.raw(desk.maker)
    events = desk.must(orders.place, account=desk.taker, market=0, flags=BUY, price=price, size=1)
    assert told(events, event.FILL, "amount") == [(fees[0],)]
    assert told(events, event.MAKER_FEE, "bucket", "amount") == ([(desk.maker, fees[1])] if fees[1] else [])
    assert desk.raw(desk.taker) == before[0] - price - fees[0]
    assert desk.raw(desk.maker) == before[1] + price - fees[1]
    assert desk.cell[state.FEES] == sum(fees) >= 0
    assert desk.money() == 0


def test_the_takers_fee_counts_in_its_margin(desk: Any) -> None:
    desk.set(0, parameter.TAKER_FEE, RATE_ONE // 100)
    desk.place(desk.maker, 0, SELL, P, 100)
    desk.columns["bucket_raw"][desk.taker] = 599_999_999  # 500 of margin and 100 of fee for 10,000 USD
    fields = {"account": desk.taker, "market": 0, "flags": BUY, "price": P, "size": 100}
    desk.refused(code.INITIAL_MARGIN, orders.place, **fields)
    desk.columns["bucket_raw"][desk.taker] += 1
    desk.must(orders.place, **fields)
