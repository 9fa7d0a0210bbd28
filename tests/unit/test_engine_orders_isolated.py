"""Orders of isolated buckets: what cross feeds them for an order, and what goes back."""

from typing import Any

import pytest

from bare_venue import USD
from order_desk import OrderDesk, bucket_of, isolate
from seawall.engine import orders
from seawall.ledger import state
from seawall.ledger.buckets import find_slot, set_advanced
from seawall.terms import code, command, event, parameter

BUY, SELL = 0, command.SELL
P = 100 * USD


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


def test_an_isolated_order_brings_its_margin_and_takes_it_back(desk: Any) -> None:
    isolate(desk, desk.taker, 0)
    order = desk.place(desk.taker, 0, BUY, P, 10)
    bucket = bucket_of(desk, desk.taker, 0)
    assert bucket >= 0
    assert desk.raw(bucket) == 50 * USD
    assert desk.raw(desk.taker) == 9_950 * USD
    events = desk.must(orders.cancel, account=desk.taker, market=0, reference=order)
    assert told(events, event.ISOLATED_RETURNED, "bucket", "amount") == [(bucket, 50 * USD)]
    assert desk.raw(desk.taker) == 10_000 * USD
    assert bucket_of(desk, desk.taker, 0) == -1
    assert desk.money() == 0


def test_an_isolated_taker_brings_margin_fee_and_slippage(desk: Any) -> None:
    isolate(desk, desk.taker, 0, 10)
    desk.set(0, parameter.TAKER_FEE, 12_000)  # 0.1 %
    desk.place(desk.maker, 0, SELL, 101 * USD, 10)
    desk.must(orders.place, account=desk.taker, market=0, flags=BUY, price=101 * USD, size=10)
    bucket = bucket_of(desk, desk.taker, 0)
    # 100 of margin, 10 of loss at the mark, 1.01 of fee
    assert desk.raw(desk.taker) == 10_000 * USD - 111_010_000
    assert desk.raw(bucket) == 111_010_000 - 1_011_010_000
    assert desk.money() == 0


def test_adding_to_an_isolated_position_brings_more_and_reducing_none(desk: Any) -> None:
    isolate(desk, desk.taker, 0)
    desk.place(desk.maker, 0, SELL, P, 20)
    desk.must(orders.place, account=desk.taker, market=0, flags=BUY, price=P, size=10)
    desk.must(orders.place, account=desk.taker, market=0, flags=BUY, price=P, size=10)
    bucket = bucket_of(desk, desk.taker, 0)
    assert desk.raw(desk.taker) == 9_900 * USD
    desk.columns["bucket_raw"][bucket] -= 30 * USD  # below its initial margin
    desk.columns["bucket_raw"][desk.taker] += 30 * USD
    desk.place(desk.maker, 0, BUY, P, 20)
    desk.must(orders.place, account=desk.taker, market=0, flags=SELL, price=P, size=5)
    assert desk.raw(desk.taker) == 9_930 * USD
    desk.must(orders.place, account=desk.taker, market=0, flags=SELL, price=P, size=15)
    assert bucket_of(desk, desk.taker, 0) == -1  # closed: the rest came home
    assert desk.raw(desk.taker) == 10_000 * USD


def test_cross_must_be_able_to_give_the_margin(desk: Any) -> None:
    isolate(desk, desk.taker, 0)
    fields = {"account": desk.taker, "market": 0, "flags": BUY, "price": P}
    desk.refused(code.INITIAL_MARGIN, orders.place, **fields, size=2_001)
    desk.must(orders.place, **fields, size=2_000)
    assert desk.raw(desk.taker) == 0
    desk.refused(code.INITIAL_MARGIN, orders.place, **fields, size=1)


def test_full_isolated_buckets_refuse(desk: Any) -> None:
    isolate(desk, desk.taker, 0)
    desk.cell[state.ISOLATED_USED] = desk.capacity.isolated
    fields = {"account": desk.taker, "market": 0, "price": P, "size": 1}
    desk.refused(code.BUCKETS_FULL, orders.place, **fields, flags=BUY)
    desk.refused(code.REDUCE_ONLY, orders.place, **fields, flags=SELL | command.REDUCE_ONLY)


def test_an_isolated_maker_that_closes_goes_home_while_matching(desk: Any) -> None:
    isolate(desk, desk.maker, 0)
    desk.place(desk.taker, 0, SELL, P, 10)
    desk.must(orders.place, account=desk.maker, market=0, flags=BUY, price=P, size=10)
    assert bucket_of(desk, desk.maker, 0) >= 0
    desk.place(desk.maker, 0, SELL, 102 * USD, 10)
    desk.must(orders.place, account=desk.taker, market=0, flags=BUY, price=102 * USD, size=10)
    assert bucket_of(desk, desk.maker, 0) == -1
    assert desk.raw(desk.maker) == 10_020 * USD
    assert desk.money() == 0


def test_an_isolated_order_knows_its_owner_before_its_bucket_exists(desk: Any) -> None:
    sub = desk.sub(desk.taker, 1_000 * USD)
    isolate(desk, desk.taker, 0)
    desk.place(sub, 0, SELL, P, 5)
    desk.place(desk.taker, 1, BUY, P, 1, client_high=6)
    fields = {"account": desk.taker, "market": 0, "flags": BUY, "price": P, "size": 5}
    desk.refused(code.SELF_TRADE, orders.place, **fields)
    desk.refused(code.DUPLICATE_CLIENT_ID, orders.place, **fields, client_high=6)
    assert bucket_of(desk, desk.taker, 0) == -1


def test_an_isolated_taker_that_gets_nothing_leaves_no_bucket(desk: Any) -> None:
    isolate(desk, desk.taker, 0)
    desk.place(desk.maker, 0, SELL, P, 10)
    desk.columns["bucket_raw"][desk.maker] = 0
    flags = BUY | command.IOC
    events = desk.must(orders.place, account=desk.taker, market=0, flags=flags, price=P, size=10)
    assert told(events, event.FILL) == []
    assert bucket_of(desk, desk.taker, 0) == -1
    assert desk.raw(desk.taker) == 10_000 * USD


@pytest.mark.parametrize("more", [0, 4])
def test_an_isolated_taker_that_gets_less_than_planned_gets_the_rest_back(desk: Any, more: int) -> None:
    """Ten lots are held; of thirty more, all that the plan promises, somebody who can pay sells `more`."""
    isolate(desk, desk.taker, 0)
    other = desk.account(10_000 * USD)
    desk.place(other, 0, SELL, P, 10)
    desk.must(orders.place, account=desk.taker, market=0, flags=BUY, price=P, size=10)
    desk.place(desk.maker, 0, SELL, P, 30 - more)
    if more:
        desk.place(other, 0, SELL, P, more)
    desk.columns["bucket_raw"][desk.maker] = 0
    desk.must(orders.place, account=desk.taker, market=0, flags=BUY | command.IOC, price=P, size=30)
    bucket = bucket_of(desk, desk.taker, 0)
    assert desk.size(bucket, 0) == 10 + more
    assert desk.raw(desk.taker) == (10_000 - 5 * (10 + more)) * USD


@pytest.mark.parametrize(("before", "sold", "after"), [(-20, 0, -20), (50, 4, 30)])
def test_what_goes_back_is_what_was_fed_and_no_more(desk: Any, before: int, sold: int, after: int) -> None:
    """Ten lots are held with `before` USD beyond their initial margin of 50; of thirty more somebody sells `sold`."""
    isolate(desk, desk.taker, 0)
    other = desk.account(10_000 * USD)
    desk.place(other, 0, SELL, P, 10)
    desk.must(orders.place, account=desk.taker, market=0, flags=BUY, price=P, size=10)
    bucket = bucket_of(desk, desk.taker, 0)
    desk.columns["bucket_raw"][bucket] += before * USD
    desk.columns["bucket_raw"][desk.taker] -= before * USD
    cross = desk.raw(desk.taker)
    desk.place(desk.maker, 0, SELL, P, 30 - sold)
    if sold:
        desk.place(other, 0, SELL, P, sold)
    desk.columns["bucket_raw"][desk.maker] = 0
    desk.must(orders.place, account=desk.taker, market=0, flags=BUY | command.IOC, price=P, size=30)
    assert desk.size(bucket, 0) == 10 + sold
    assert desk.raw(desk.taker) == cross
    assert desk.raw(bucket) + desk.size(bucket, 0) * P == (5 * (10 + sold) + after) * USD


def test_a_taker_that_gets_nothing_leaves_advances_as_they_were(desk: Any) -> None:
    """It owes 50 USD, 40 of them an advance, as after funding: what came to the bucket and went lays no more on it."""
    isolate(desk, desk.taker, 0)
    other = desk.account(10_000 * USD)
    desk.place(other, 0, SELL, P, 10)
    desk.must(orders.place, account=desk.taker, market=0, flags=BUY, price=P, size=10)
    bucket = bucket_of(desk, desk.taker, 0)
    desk.columns["market_insurance"][0] = 1_000 * USD
    desk.columns["bucket_raw"][bucket] -= 100 * USD
    desk.price(0, 120 * USD)
    set_advanced(desk.s, find_slot(desk.s, bucket, 0), 40 * USD)
    desk.place(desk.maker, 0, SELL, 120 * USD, 30)
    desk.columns["bucket_raw"][desk.maker] = 0
    cross, own = desk.raw(desk.taker), desk.raw(bucket)
    flags = BUY | command.IOC
    events = desk.must(orders.place, account=desk.taker, market=0, flags=flags, price=120 * USD, size=30)
    assert len(told(events, event.MOVED, "amount")) == 2
    assert (desk.raw(desk.taker), desk.raw(bucket)) == (cross, own)
    assert desk.columns["bucket_advanced"][bucket] == desk.columns["market_advanced"][0] == 40 * USD


def test_the_isolated_cap_binds_isolated_orders_only(desk: Any) -> None:
    desk.set(0, parameter.ISOLATED_LEVERAGE_CAP, 4)
    isolate(desk, desk.taker, 0)
    desk.place(desk.taker, 0, BUY, P, 10)
    desk.place(desk.maker, 0, BUY, P, 10)
    assert desk.raw(desk.taker) == 9_750 * USD
    assert bucket_of(desk, desk.maker, 0) == -1


def test_a_lower_isolated_cap_binds_what_is_added(desk: Any) -> None:
    isolate(desk, desk.taker, 0)
    desk.place(desk.taker, 0, BUY, P, 10)
    desk.set(0, parameter.ISOLATED_LEVERAGE_CAP, 4)
    desk.place(desk.taker, 0, BUY, P, 10)
    assert desk.raw(desk.taker) == 9_500 * USD  # all 20 lots at 4 times
    desk.place(desk.maker, 0, BUY, P, 100)
    assert desk.columns["slot_leverage"][find_slot(desk.s, bucket_of(desk, desk.taker, 0), 0)] == 20
