"""Insurance funds: cash in with a cause, out by the admin only down to the floor and while nobody may need it."""

import pytest

from bare_venue import USD
from pool_desk import Desk, draw, enqueue, insure, set_cash
from seawall.engine import pools
from seawall.kernel import INTERPRETED
from seawall.ledger.markets import AMM, BACKSTOP
from seawall.margin import trigger_kernels, trigger_state
from seawall.terms import code, command, event, limits, parameter


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_insurance_in_and_out_with_a_cause(desk: Desk) -> None:
    events = desk.must(pools.insurance_add, account=desk.lp, market=0, amount=50 * USD)
    events += desk.must(pools.insurance_remove, account=desk.other, market=0, amount=20 * USD)
    told = [(e["kind"], e["bucket"], e["other"], e["amount"]) for e in events]
    assert told == [
        (event.INSURANCE, desk.lp, event.MOVED, 50 * USD),
        (event.INSURANCE, desk.other, event.MOVED, -20 * USD),
    ]
    assert desk.columns["market_insurance"][0] == 30 * USD
    assert (desk.raw(desk.lp), desk.raw(desk.other)) == (9_950 * USD, 10_020 * USD)
    assert desk.money() == 0


@pytest.mark.parametrize("amount", [0, -1, limits.AMOUNT_MAX + 1])
def test_insurance_amounts(desk: Desk, amount: int) -> None:
    assert insure(desk, desk.lp, amount) == code.BAD_AMOUNT
    assert draw(desk, desk.lp, amount) == code.BAD_AMOUNT


def test_insurance_comes_from_what_is_withdrawable(desk: Desk) -> None:
    assert insure(desk, desk.lp, 10_000 * USD + 1) == code.WITHDRAWABLE
    assert insure(desk, desk.lp, 10_000 * USD) == code.OK
    desk.columns["market_status"][0] = command.UNLISTED
    assert insure(desk, desk.other, 1) == code.UNKNOWN_MARKET


def test_insurance_stops_at_its_floor(desk: Desk) -> None:
    insure(desk, desk.lp, 100 * USD)
    desk.columns["param"][0, parameter.INSURANCE_FLOOR] = 40 * USD
    assert draw(desk, desk.lp, 60 * USD + 1) == code.INSURANCE_FLOOR
    assert draw(desk, desk.lp, 60 * USD) == code.OK
    desk.columns["param"][0, parameter.INSURANCE_FLOOR] = 0
    assert draw(desk, desk.lp, 40 * USD + 1) == code.INSURANCE_FLOOR


def test_insurance_goes_to_an_account(desk: Desk) -> None:
    insure(desk, desk.lp, 100 * USD)
    for nobody in (3, 255, 256, 300, 10**6):
        assert draw(desk, nobody, 1) == code.UNKNOWN_ACCOUNT
    set_cash(desk, desk.other, limits.RAW_USD_MAX)
    assert draw(desk, desk.other, 1) == code.CASH_BOUND


def test_nobody_takes_insurance_or_leaves_the_backstop_while_a_bucket_waits(desk: Desk) -> None:
    desk.market(1, 100 * USD)
    insure(desk, desk.lp, 100 * USD)
    desk.add(desk.lp, 20 * USD, BACKSTOP)
    desk.add(desk.lp, 20 * USD, AMM)
    desk.later()
    desk.trade(desk.other, desk.trader, 1, 100 * USD, 1)
    enqueue(desk, desk.other)
    assert draw(desk, desk.lp, 1) == code.OK  # it waits for another market
    assert desk.remove(desk.lp, 1, BACKSTOP) == code.OK
    desk.trade(desk.other, desk.trader, 0, 100 * USD, 1)
    assert draw(desk, desk.lp, 1) == code.BEING_LIQUIDATED
    assert desk.remove(desk.lp, 1, BACKSTOP) == code.BEING_LIQUIDATED
    assert desk.remove(desk.lp, 1, AMM) == code.OK


def test_insurance_and_backstop_stay_while_a_bucket_is_due_but_not_measured(desk: Desk) -> None:
    insure(desk, desk.lp, 100 * USD)
    desk.add(desk.lp, 20 * USD, BACKSTOP)
    desk.later()
    desk.trade(desk.other, desk.trader, 0, 100 * USD, 1_000)  # 10,000 USD of cash under 100,000 of notional
    assert draw(desk, desk.lp, 1) == code.OK
    desk.price(0, 92_307_693)  # equity 2,307.693 against 2,307.692325 of maintenance
    assert draw(desk, desk.lp, 1) == code.OK
    assert desk.remove(desk.lp, 1, BACKSTOP) == code.OK
    desk.price(0, 92_307_692)
    assert draw(desk, desk.lp, 1) == code.BEING_LIQUIDATED
    assert desk.remove(desk.lp, 1, BACKSTOP) == code.BEING_LIQUIDATED


def test_a_bucket_with_exactly_its_maintenance_is_not_due(desk: Desk) -> None:
    insure(desk, desk.lp, 100 * USD)
    desk.trade(desk.other, desk.trader, 0, 100 * USD, 4_000)
    set_cash(desk, desk.other, desk.raw(desk.other) + 1)
    desk.price(0, 100 * USD)  # maintenance 10,000 USD, equity 10,000 USD and a micro
    assert draw(desk, desk.lp, 1) == code.OK
    set_cash(desk, desk.other, desk.raw(desk.other) - 1)
    assert draw(desk, desk.lp, 1) == code.OK
    set_cash(desk, desk.other, desk.raw(desk.other) - 1)
    assert draw(desk, desk.lp, 1) == code.BEING_LIQUIDATED


def test_more_waiting_buckets_than_one_command_may_look_at(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    if not INTERPRETED:
        pytest.skip("a compiled bound cannot be lowered")
    insure(desk, desk.lp, 100 * USD)
    monkeypatch.setattr(pools, "EVALUATIONS_PER_COMMAND", 1)
    desk.columns["count"][trigger_state.FIRED] = 0
    enqueue(desk, desk.other, 3)
    assert draw(desk, desk.lp, 1) == code.OK
    enqueue(desk, desk.trader, 5)
    assert draw(desk, desk.lp, 1) == code.BEING_LIQUIDATED
    desk.columns["queue_first"][:] = 0
    assert draw(desk, desk.lp, 1) == code.OK
    for bucket in (desk.other, desk.trader):
        trigger_kernels.note_fired(desk.s, bucket)
    assert draw(desk, desk.lp, 1) == code.BEING_LIQUIDATED


def test_insurance_stays_while_the_price_of_open_positions_is_stale(desk: Desk) -> None:
    insure(desk, desk.lp, 100 * USD)
    desk.columns["market_fresh"][0] = 0
    assert draw(desk, desk.lp, 1) == code.OK
    desk.trade(desk.other, desk.trader, 0, 100 * USD, 1)
    assert draw(desk, desk.lp, 1) == code.STALE_PRICE
