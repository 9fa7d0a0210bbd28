"""What a taker meets: its own orders, makers that may not fill, caps and the bounds of one command."""

from typing import Any

import pytest

from bare_venue import USD
from order_desk import OrderDesk
from seawall.book import matching
from seawall.engine import orders
from seawall.ledger import buckets, state
from seawall.terms import code, command, event, limits, parameter
from seawall.units import RATE_ONE

BUY, SELL = 0, command.SELL
P = 100 * USD


@pytest.fixture
def desk() -> Any:
    """One market at 100 USD; `maker`, `other` and `taker` with 10,000 USD each."""
    made: Any = OrderDesk()
    made.market(0)
    made.maker, made.other, made.taker = (made.account(10_000 * USD) for _ in range(3))
    return made


def told(events: list[dict[str, int]], kind: int, *fields: str) -> list[tuple[int, ...]]:
    return [tuple(e[name] for name in fields) for e in events if e["kind"] == kind]


def take(desk: Any, size: int, price: int = P, flags: int = BUY, account: int = -1) -> list[dict[str, int]]:
    taker = desk.taker if account < 0 else account
    done: list[dict[str, int]] = desk.must(orders.place, account=taker, market=0, flags=flags, price=price, size=size)
    return done


def cancelled(events: list[dict[str, int]]) -> list[tuple[int, ...]]:
    return told(events, event.CANCELLED, "order", "size", "amount")


# ---- self-trade prevention --------------------------------------------------------------------------------------


def test_an_order_that_meets_its_own_first_is_refused(desk: Any) -> None:
    desk.place(desk.taker, 0, SELL, P, 5)
    fields = {"account": desk.taker, "market": 0, "price": P, "size": 5}
    desk.refused(code.SELF_TRADE, orders.place, **fields, flags=BUY)
    desk.refused(code.SELF_TRADE, orders.place, **fields, flags=BUY | command.IOC)


def test_cancel_taker_keeps_the_fills_before_its_own_order(desk: Any) -> None:
    first = desk.place(desk.maker, 0, SELL, P, 5)
    own = desk.place(desk.taker, 0, SELL, P, 5)
    last = desk.place(desk.other, 0, SELL, P, 5)
    events = take(desk, 12)
    assert told(events, event.FILL, "order", "size") == [(first, 5)]
    assert cancelled(events) == [(0, 7, code.SELF_TRADE)]
    assert desk.book(0, 1) == [(own, P, 5), (last, P, 5)]
    assert desk.book(0, 0) == []


def test_cancel_maker_passes_its_own_order(desk: Any) -> None:
    own = desk.place(desk.taker, 0, SELL, P, 5)
    last = desk.place(desk.other, 0, SELL, P, 5)
    events = take(desk, 12, flags=command.CANCEL_MAKER)
    assert cancelled(events) == [(own, 5, code.SELF_TRADE)]
    assert told(events, event.FILL, "order", "size") == [(last, 5)]
    assert told(events, event.RESTED, "size") == [(7,)]
    assert desk.columns["slot_asks"][buckets.find_slot(desk.s, desk.taker, 0)] == 0


def test_cancel_both_cancels_both(desk: Any) -> None:
    first = desk.place(desk.maker, 0, SELL, P, 5)
    own = desk.place(desk.taker, 0, SELL, P, 5)
    last = desk.place(desk.other, 0, SELL, P, 5)
    events = take(desk, 12, flags=command.CANCEL_BOTH)
    assert told(events, event.FILL, "order", "size") == [(first, 5)]
    assert cancelled(events) == [(own, 5, code.SELF_TRADE), (0, 7, code.SELF_TRADE)]
    assert desk.book(0, 1) == [(last, P, 5)]


def test_cancel_both_acts_even_when_nothing_fills(desk: Any) -> None:
    own = desk.place(desk.taker, 0, SELL, P, 5)
    events = take(desk, 12, flags=command.CANCEL_BOTH | command.IOC)
    assert cancelled(events) == [(own, 5, code.SELF_TRADE), (0, 12, code.SELF_TRADE)]
    assert desk.size(desk.taker, 0) == 0
    assert buckets.find_slot(desk.s, desk.taker, 0) == 0


def test_cancel_maker_alone_at_ioc_meets_nothing(desk: Any) -> None:
    desk.place(desk.taker, 0, SELL, P, 5)
    flags = command.CANCEL_MAKER | command.IOC
    desk.refused(code.NO_LIQUIDITY, orders.place, account=desk.taker, market=0, flags=flags, price=P, size=5)


def test_linked_accounts_are_one_person(desk: Any) -> None:
    sub, twin = desk.sub(desk.taker, 1_000 * USD), desk.sub(desk.taker, 1_000 * USD)
    desk.place(sub, 0, SELL, P, 5)
    desk.refused(code.SELF_TRADE, orders.place, account=desk.taker, market=0, flags=BUY, price=P, size=5)
    desk.refused(code.SELF_TRADE, orders.place, account=twin, market=0, flags=BUY, price=P, size=5)
    assert told(take(desk, 5, account=desk.maker), event.FILL, "size") == [(5,)]


def test_the_takers_slot_outlives_its_own_cancelled_order(desk: Any) -> None:
    """The slot exists for the resting ask alone: freed while matching, it would be reused under the taker's feet."""
    own = desk.place(desk.taker, 0, SELL, P, 5)
    desk.place(desk.maker, 0, SELL, 101 * USD, 5)
    events = take(desk, 5, 101 * USD, command.CANCEL_MAKER)
    assert cancelled(events) == [(own, 5, code.SELF_TRADE)]
    assert (desk.size(desk.taker, 0), desk.size(desk.maker, 0)) == (5, -5)


# ---- makers that may not fill -----------------------------------------------------------------------------------


def test_a_maker_below_initial_margin_is_cancelled_not_filled(desk: Any) -> None:
    weak = desk.place(desk.maker, 0, SELL, P, 100)
    strong = desk.place(desk.other, 0, SELL, P, 100)
    desk.columns["bucket_raw"][desk.maker] = 499_999_999  # 500 USD needed
    events = take(desk, 100)
    assert cancelled(events) == [(weak, 100, code.INITIAL_MARGIN)]
    assert told(events, event.FILL, "order", "size") == [(strong, 100)]
    assert desk.size(desk.maker, 0) == 0
    assert buckets.find_slot(desk.s, desk.maker, 0) == 0


def test_a_maker_at_initial_margin_fills(desk: Any) -> None:
    desk.place(desk.maker, 0, SELL, P, 100)
    desk.columns["bucket_raw"][desk.maker] = 500 * USD
    assert told(take(desk, 100), event.FILL, "size") == [(100,)]


def test_a_makers_fee_counts_in_its_margin(desk: Any) -> None:
    order = desk.place(desk.maker, 0, SELL, P, 100)
    desk.columns["bucket_raw"][desk.maker] = 500 * USD
    desk.set(0, parameter.MAKER_FEE, 1)
    assert cancelled(take(desk, 100)) == [(order, 100, code.INITIAL_MARGIN)]


def test_a_maker_below_initial_margin_may_still_reduce(desk: Any) -> None:
    desk.trade(desk.maker, desk.other, 0, P, 100)
    desk.columns["bucket_raw"][desk.maker] -= 9_600 * USD  # equity 400; 90 lots still need 450
    desk.place(desk.maker, 0, SELL, P, 10)
    assert told(take(desk, 10), event.FILL, "size") == [(10,)]
    assert desk.size(desk.maker, 0) == 90


def test_orders_of_a_bucket_being_liquidated_are_cancelled(desk: Any) -> None:
    order = desk.place(desk.maker, 0, SELL, P, 5)
    desk.columns["bucket_liquidating"][desk.maker] = 1
    events = take(desk, 5)
    assert cancelled(events) == [(order, 5, code.BEING_LIQUIDATED)]
    assert told(events, event.RESTED, "size") == [(5,)]


def test_a_taker_is_checked_again_where_the_plan_fails(desk: Any) -> None:
    """The cheap maker fails, and at the next one's price the taker's margin does not last."""
    desk.place(desk.maker, 0, SELL, 90 * USD, 100)
    desk.place(desk.other, 0, SELL, 110 * USD, 100)
    desk.columns["bucket_raw"][desk.maker] = 0
    desk.columns["bucket_raw"][desk.taker] = 600 * USD  # gains 1,000 at 90, loses 1,000 at 110; needs 500
    events = take(desk, 100, 110 * USD)
    assert [reason for _, _, reason in cancelled(events)] == [code.INITIAL_MARGIN, code.INITIAL_MARGIN]
    assert told(events, event.FILL, "size") == []
    assert desk.book(0, 0) == []
    assert [left for _, _, left in desk.book(0, 1)] == [100]


def test_what_rests_is_checked_again_where_the_plan_fails(desk: Any) -> None:
    """The plan gains 1,000 USD from a maker that then fails; the rest was to stand on that gain."""
    desk.place(desk.maker, 0, SELL, 90 * USD, 100)
    desk.columns["bucket_raw"][desk.maker] = 0
    desk.columns["bucket_raw"][desk.taker] = 600 * USD
    events = take(desk, 300, 95 * USD)  # 300 need 1,500 USD
    assert cancelled(events)[1:] == [(0, 300, code.INITIAL_MARGIN)]
    assert desk.book(0, 0) == []
    assert desk.book(0, 1) == []


# ---- caps -------------------------------------------------------------------------------------------------------


def test_open_interest_counts_what_both_sides_do(desk: Any) -> None:
    desk.trade(desk.maker, desk.other, 0, P, 10)
    desk.set(0, parameter.OPEN_INTEREST_CAP, 10)
    desk.place(desk.maker, 0, SELL, P, 10)  # a long that closes: open interest moves, it does not grow
    assert told(take(desk, 10), event.FILL, "size") == [(10,)]
    assert desk.columns["market_open"][0] == 10
    desk.place(desk.maker, 0, SELL, P, 10)  # would open
    fields = {"account": desk.taker, "market": 0, "flags": BUY, "price": P}
    desk.refused(code.OPEN_INTEREST_CAP, orders.place, **fields, size=1)
    desk.set(0, parameter.OPEN_INTEREST_CAP, 14)
    desk.refused(code.OPEN_INTEREST_CAP, orders.place, **fields, size=5)
    desk.must(orders.place, **fields, size=4)
    assert desk.columns["market_open"][0] == 14


def test_open_interest_is_exact_at_each_fill(desk: Any) -> None:
    """Two orders of one holder would each close its long by themselves; together they open a short."""
    desk.trade(desk.maker, desk.other, 0, P, 10)
    desk.set(0, parameter.OPEN_INTEREST_CAP, 10)
    desk.place(desk.maker, 0, SELL, P, 10)
    desk.place(desk.maker, 0, SELL, P, 10)
    events = take(desk, 20)
    assert told(events, event.FILL, "size") == [(10,)]
    assert cancelled(events) == [(0, 10, code.OPEN_INTEREST_CAP)]
    assert desk.columns["market_open"][0] == 10


def test_above_the_cap_closing_goes_on(desk: Any) -> None:
    desk.trade(desk.taker, desk.maker, 0, P, 10)
    desk.set(0, parameter.OPEN_INTEREST_CAP, 0)
    desk.place(desk.maker, 0, BUY, P, 10)
    assert told(take(desk, 10, flags=SELL), event.FILL, "size") == [(-10,)]


@pytest.mark.parametrize(("cap", "expected"), [(20, code.OK), (19, code.POSITION_CAP)])
def test_linked_positions_and_orders_count_together(desk: Any, cap: int, expected: int) -> None:
    desk.set(0, parameter.POSITION_CAP, cap)
    sub = desk.sub(desk.taker, 1_000 * USD)
    desk.trade(sub, desk.maker, 0, P, 7)
    desk.trade(desk.taker, desk.maker, 0, P, 3)
    desk.place(sub, 0, BUY, 99 * USD, 4)
    given, _ = desk.run(orders.place, account=desk.taker, market=0, flags=BUY, price=99 * USD, size=6)
    assert given == expected


@pytest.mark.parametrize(("size", "expected"), [(5, code.OK), (6, code.POSITION_CAP)])
def test_a_sub_account_is_linked_to_its_master_and_its_siblings(desk: Any, size: int, expected: int) -> None:
    desk.set(0, parameter.POSITION_CAP, 10)
    first, last = desk.sub(desk.taker, 1_000 * USD), desk.sub(desk.taker, 1_000 * USD)
    desk.trade(desk.taker, desk.maker, 0, P, 3)
    desk.trade(last, desk.maker, 0, P, 2)
    assert desk.columns["account_sub"][first] == 0  # the last of the list, and not alone for that
    given, _ = desk.run(orders.place, account=first, market=0, flags=BUY, price=99 * USD, size=size)
    assert given == expected


def test_opposite_positions_of_linked_accounts_are_not_netted(desk: Any) -> None:
    desk.set(0, parameter.POSITION_CAP, 10)
    sub = desk.sub(desk.taker, 1_000 * USD)
    desk.trade(desk.maker, sub, 0, P, 10)
    desk.place(desk.taker, 0, BUY, 99 * USD, 10)
    fields = {"account": desk.taker, "market": 0, "price": 101 * USD, "size": 1}
    desk.refused(code.POSITION_CAP, orders.place, **fields, flags=SELL)
    fields["price"] = 99 * USD
    desk.refused(code.POSITION_CAP, orders.place, **fields, flags=BUY)


def test_an_order_that_only_reduces_passes_above_the_position_cap(desk: Any) -> None:
    desk.trade(desk.taker, desk.maker, 0, P, 10)
    desk.set(0, parameter.POSITION_CAP, 2)
    fields = {"account": desk.taker, "market": 0, "flags": SELL, "price": 101 * USD}
    desk.must(orders.place, **fields, size=12)
    desk.refused(code.POSITION_CAP, orders.place, **fields, size=1)  # 13 offered of 10 held: 3 short


def test_no_cap_lets_a_position_pass_the_markets_greatest_size(desk: Any) -> None:
    desk.set(0, parameter.POSITION_CAP, 2**53)
    desk.columns["market_listed_size"][0] = 10
    desk.place(desk.taker, 0, BUY, 99 * USD, 6)
    fields = {"account": desk.taker, "market": 0, "flags": BUY, "price": 99 * USD}
    desk.refused(code.POSITION_CAP, orders.place, **fields, size=5)
    desk.must(orders.place, **fields, size=4)


@pytest.mark.parametrize(
    ("breaker", "cap", "size", "expected"),
    [
        (parameter.NORMAL, 1_000, 2_000, code.OK),
        (parameter.NORMAL, 1_000, 2_001, code.INITIAL_MARGIN),
        (parameter.SOFT, 1_000, 1_000, code.OK),
        (parameter.SOFT, 1_000, 1_001, code.INITIAL_MARGIN),
        (parameter.NORMAL, 5, 500, code.OK),
        (parameter.NORMAL, 5, 501, code.INITIAL_MARGIN),
        (parameter.SOFT, 5, 200, code.OK),
        (parameter.SOFT, 5, 201, code.INITIAL_MARGIN),
    ],
)
def test_the_breaker_halves_the_leverage_of_new_risk(
    desk: Any, breaker: int, cap: int, size: int, expected: int
) -> None:
    desk.set(0, parameter.BREAKER, breaker)
    desk.set(0, parameter.LEVERAGE_CAP, cap)
    given, _ = desk.run(orders.place, account=desk.taker, market=0, flags=BUY, price=P, size=size)
    assert given == expected


def test_a_tighter_leverage_cap_keeps_nobody_from_reducing(desk: Any) -> None:
    desk.trade(desk.taker, desk.maker, 0, P, 100)
    desk.place(desk.taker, 0, BUY, 99 * USD, 50)
    desk.columns["bucket_raw"][desk.taker] -= 9_200 * USD  # 800 USD of equity; 750 needed, and 1,500 at half leverage
    desk.set(0, parameter.BREAKER, parameter.SOFT)
    fields = {"account": desk.taker, "market": 0, "price": 101 * USD}
    desk.must(orders.place, **fields, flags=SELL, size=10)
    desk.refused(code.INITIAL_MARGIN, orders.place, **{**fields, "price": 99 * USD}, flags=BUY, size=1)


# ---- margin that rises with open interest -----------------------------------------------------------------------


@pytest.fixture
def crowded(desk: Any) -> Any:
    """Initial margin rises from 5 % of notional to all of it while open interest goes from 0 to 300 lots."""
    desk.set(0, parameter.OPEN_INTEREST_UPPER, 300 * P)
    return desk


@pytest.mark.parametrize(("cash", "expected"), [(7_875 * USD, code.OK), (7_875 * USD - 1, code.INITIAL_MARGIN)])
def test_a_taker_owes_the_margin_of_the_interest_it_makes(crowded: Any, cash: int, expected: int) -> None:
    """150 lots bring open interest half the way: 52.5 % of 15,000 USD."""
    crowded.place(crowded.maker, 0, SELL, P, 150)
    crowded.columns["bucket_raw"][crowded.taker] = cash
    given, _ = crowded.run(orders.place, account=crowded.taker, market=0, flags=BUY, price=P, size=150)
    assert given == expected


def test_a_maker_owes_the_margin_of_the_interest_it_makes(crowded: Any) -> None:
    order = crowded.place(crowded.maker, 0, SELL, P, 150)
    crowded.columns["bucket_raw"][crowded.maker] = 7_875 * USD - 1
    assert cancelled(take(crowded, 150)) == [(order, 150, code.INITIAL_MARGIN)]


def test_each_fill_owes_the_margin_of_the_interest_it_makes(crowded: Any) -> None:
    """By the plan both orders close a long of 75; the second opens instead, and margin rises to 52.5 % of the whole."""
    crowded.trade(crowded.maker, crowded.other, 0, P, 75)
    for _ in range(2):
        crowded.place(crowded.maker, 0, SELL, P, 75)
    crowded.columns["bucket_raw"][crowded.taker] = 5_000 * USD
    events = take(crowded, 150)
    assert told(events, event.FILL, "size") == [(75,)]
    assert cancelled(events) == [(0, 75, code.INITIAL_MARGIN)]


# ---- bounds of one command --------------------------------------------------------------------------------------


def many(desk: Any, count: int) -> list[int]:
    return [desk.place(desk.maker if i % 2 else desk.other, 0, SELL, P, 1) for i in range(count)]


@pytest.mark.parametrize("flags", [0, command.IOC])
def test_a_taker_is_cut_off_at_its_bound_and_never_rests_across(desk: Any, flags: int) -> None:
    bound = limits.FILLS_PER_COMMAND
    left = many(desk, bound + 10)[bound:]
    events = take(desk, bound + 20, flags=flags)
    assert len(told(events, event.FILL)) == bound
    assert cancelled(events) == [(0, 20, code.FILLS_FULL)]
    assert [identity for identity, _, _ in desk.book(0, 1)] == left
    assert desk.book(0, 0) == []


def test_exactly_the_bound_is_filled_whole(desk: Any) -> None:
    bound = limits.FILLS_PER_COMMAND
    many(desk, bound)
    assert cancelled(take(desk, bound)) == []
    assert desk.size(desk.taker, 0) == bound


def test_makers_that_fail_count_in_the_bound_and_are_cleared_away(desk: Any) -> None:
    bound = limits.FILLS_PER_COMMAND
    many(desk, bound + 4)
    desk.columns["bucket_liquidating"][[desk.maker, desk.other]] = 1
    events = take(desk, 5)
    assert len(cancelled(events)) == bound + 1
    assert cancelled(events)[-1] == (0, 5, code.FILLS_FULL)
    assert len(desk.book(0, 1)) == 4
    assert told(take(desk, 5), event.RESTED, "size") == [(5,)]


# ---- what liquidation uses --------------------------------------------------------------------------------------


def test_a_forced_taker_asks_no_margin_and_passes_orders_of_its_owner(desk: Any) -> None:
    sub = desk.sub(desk.taker, 10_000 * USD)
    desk.trade(desk.taker, desk.maker, 0, P, 100)
    desk.columns["bucket_raw"][desk.taker] -= 10_000 * USD  # equity 0
    own = desk.place(sub, 0, BUY, 99 * USD, 10)
    desk.place(desk.other, 0, BUY, 95 * USD, 60)
    desk.set(0, parameter.MAKER_FEE, -(RATE_ONE // 1000))
    plan = matching.quote(desk.s, desk.taker, 0, -1, 100, 90 * USD, matching.FORCED)
    assert plan == (60, 60 * 95 * USD)
    desk.events()
    done = matching.take(desk.s, desk.taker, 0, -1, 100, 90 * USD, matching.FORCED, 0, 0)
    events = desk.events()
    assert done == plan
    assert cancelled(events) == [(own, 10, code.SELF_TRADE)]
    assert told(events, event.FILL, "size", "amount") == [(-60, 0)]
    assert told(events, event.MAKER_FEE) == []  # there is no fee to rebate from
    assert desk.size(desk.taker, 0) == 40
    assert desk.cell[state.FEES] == 0


def test_a_pool_that_is_liquidated_is_linked_to_nobody(desk: Any) -> None:
    pool = desk.pool(0)
    assert desk.maker == 0
    desk.trade(pool, desk.other, 0, P, 10)
    desk.place(desk.maker, 0, BUY, P, 10)
    assert matching.take(desk.s, pool, 0, -1, 10, P, matching.FORCED, 0, 0) == (10, 10 * P)


def test_take_tells_what_it_leaves_when_it_stops_early(desk: Any) -> None:
    slot = buckets.open_slot(desk.s, desk.taker, 0, 20)
    desk.place(desk.maker, 0, SELL, P, 5)
    desk.columns["bucket_raw"][desk.taker] = 0
    desk.events()
    assert matching.take(desk.s, desk.taker, 0, 1, 5, P, 0, 0, 77) == (0, 0)
    assert cancelled(desk.events()) == [(77, 5, code.INITIAL_MARGIN)]
    assert matching.take(desk.s, desk.taker, 0, 1, 5, 99 * USD, 0, 0, 77) == (0, 0)
    assert desk.events() == []
    buckets.close_empty_slot(desk.s, slot)


def test_funding_settles_before_a_position_trades(desk: Any) -> None:
    desk.trade(desk.maker, desk.taker, 0, P, 10)
    desk.place(desk.maker, 0, SELL, P, 10)
    before = desk.raw(desk.maker), desk.raw(desk.taker)
    desk.columns["market_index"][0] = 2_500_000  # 2.5 micro-USD a lot, longs pay
    events = take(desk, 10)
    assert told(events, event.FUNDING_PAID, "bucket", "amount") == [(desk.taker, 25), (desk.maker, -25)]
    assert desk.raw(desk.maker) == before[0] - 25 + 10 * P
    assert desk.raw(desk.taker) == before[1] + 25 - 10 * P
    assert desk.money() == 0
