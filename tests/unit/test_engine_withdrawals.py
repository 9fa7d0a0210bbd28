"""Withdrawals: frozen, done or undone exactly once, within the venue's limits of hour and day."""

import pytest

import cash_model as model
from desk import START, USD, Desk
from seawall.engine.withdrawals import limit_left
from seawall.ledger import state
from seawall.terms import code, command, event, parameter
from seawall.terms.limits import AMOUNT_MAX, RAW_USD_MAX
from seawall.terms.parameter import DAY_MS, HOUR_MS
from seawall.units import RATE_ONE

WITHDRAW, FINISH, CANCEL = command.WITHDRAW, command.FINISH_WITHDRAWAL, command.CANCEL_WITHDRAWAL


def desk_with(usd: int = 1_000) -> Desk:
    """One account, number 0, with money."""
    desk = Desk()
    desk.account(usd)
    return desk


def ask(desk: Desk, amount: int, account: int = 0) -> int:
    """A withdrawal that is accepted; returns its id."""
    desk.must(WITHDRAW, account=account, amount=amount)
    return int(desk.cell[state.RESULT])


def cells(desk: Desk) -> tuple[int, int, int]:
    """(cash of account 0, frozen, vault)."""
    return desk.raw(0), int(desk.cell[state.PENDING]), int(desk.cell[state.VAULT])


def test_asked_for_frozen_and_paid() -> None:
    desk = desk_with()
    [told] = desk.must(WITHDRAW, account=0, amount=400 * USD)
    identity = int(desk.cell[state.RESULT])
    assert (told["kind"], told["bucket"], told["order"], told["amount"]) == (event.WITHDRAWAL, 0, identity, 400 * USD)
    assert cells(desk) == (600 * USD, 400 * USD, 1_000 * USD)
    [told] = desk.must(FINISH, reference=identity)
    assert (told["kind"], told["order"], told["amount"]) == (event.WITHDRAWAL_DONE, identity, 400 * USD)
    assert cells(desk) == (600 * USD, 0, 600 * USD)
    assert model.vault_gap(desk.columns, state) == 0


def test_asked_for_and_undone() -> None:
    desk = desk_with()
    identity = ask(desk, 400 * USD)
    [told] = desk.must(CANCEL, reference=identity)
    assert (told["kind"], told["order"], told["amount"]) == (event.WITHDRAWAL_BACK, identity, 400 * USD)
    assert cells(desk) == (1_000 * USD, 0, 1_000 * USD)


@pytest.mark.parametrize("first", [FINISH, CANCEL])
@pytest.mark.parametrize("second", [FINISH, CANCEL])
def test_each_ends_once(first: int, second: int) -> None:
    desk = desk_with()
    identity, other = ask(desk, 100), ask(desk, 200)
    desk.must(first, reference=identity)
    desk.refused(code.UNKNOWN_WITHDRAWAL, second, reference=identity)
    again = ask(desk, 300)  # takes the freed row
    assert again & (2**21 - 1) == identity & (2**21 - 1)
    assert again > other > identity
    desk.refused(code.UNKNOWN_WITHDRAWAL, second, reference=identity)
    assert desk.cell[state.PENDING] == 500


@pytest.mark.parametrize("identity", [0, 1, 2**21, 2**21 + 2, 2**21 + 2**20, 2**62])
@pytest.mark.parametrize("kind", [FINISH, CANCEL])
def test_ids_that_nobody_was_given(kind: int, identity: int) -> None:
    desk = desk_with()
    assert ask(desk, 100) == 2**21 + 1
    desk.refused(code.UNKNOWN_WITHDRAWAL, kind, reference=identity)


@pytest.mark.parametrize("signer", [0, command.SEQUENCER, command.ADMIN])
def test_the_bridge_alone_ends_them(signer: int) -> None:
    desk = desk_with()
    identity = ask(desk, 100)
    for kind in (FINISH, CANCEL):
        desk.refused(code.NOT_AUTHORISED, kind, reference=identity, signer=signer)


def test_cash_that_returns_keeps_its_bound() -> None:
    desk = desk_with()
    identity = ask(desk, 100)
    desk.columns["bucket_raw"][0] = RAW_USD_MAX - 99
    desk.refused(code.CASH_BOUND, CANCEL, reference=identity)
    desk.columns["bucket_raw"][0] = RAW_USD_MAX - 100
    desk.must(CANCEL, reference=identity)


@pytest.mark.parametrize("amount", [0, -1, AMOUNT_MAX + 1])
def test_an_amount_out_of_range(amount: int) -> None:
    desk_with().refused(code.BAD_AMOUNT, WITHDRAW, account=0, amount=amount)


def test_everything_may_be_withdrawn_and_no_more() -> None:
    desk = desk_with()
    desk.refused(code.WITHDRAWABLE, WITHDRAW, account=0, amount=1_000 * USD + 1)
    ask(desk, 1_000 * USD)
    desk.refused(code.WITHDRAWABLE, WITHDRAW, account=0, amount=1)


def test_an_agent_never_withdraws() -> None:
    desk = desk_with()
    desk.must(command.APPROVE_AGENT, account=0, amount=3, address_0=9)
    agent = -1 - int(desk.cell[state.RESULT])
    desk.refused(code.AGENT_SCOPE, WITHDRAW, account=0, amount=1, signer=agent)


def test_the_table_fills_and_empties() -> None:
    desk = desk_with()
    ids = [ask(desk, 10) for _ in range(desk.capacity.withdrawals)]
    desk.refused(code.WITHDRAWALS_FULL, WITHDRAW, account=0, amount=10)
    desk.must(FINISH, reference=ids[7])
    desk.must(CANCEL, reference=ids[3])
    ask(desk, 10)
    ask(desk, 10)
    desk.refused(code.WITHDRAWALS_FULL, WITHDRAW, account=0, amount=10)


@pytest.mark.parametrize(("late", "expected"), [(-1, code.WITHDRAWALS_CLOSED), (0, code.OK), (1, code.OK)])
def test_the_gate(late: int, expected: int) -> None:
    desk = desk_with()
    desk.cell[state.GATE_UNTIL] = START - late
    if expected == code.OK:
        ask(desk, 1)
    else:
        desk.refused(expected, WITHDRAW, account=0, amount=1)


@pytest.mark.parametrize("status", [command.ACTIVE, command.REDUCING, command.CANCELLING, command.HALTED])
def test_a_halted_venue_pays_nobody(status: int) -> None:
    desk = desk_with()
    desk.cell[state.VENUE_STATUS] = status
    if status == command.HALTED:
        desk.refused(code.VENUE_HALTED, WITHDRAW, account=0, amount=1)
    else:
        ask(desk, 1)


def limits(desk: Desk, *, hour: int, day: int, hour_share: int = 0, day_share: int = 0) -> None:
    for which, value in (
        (parameter.WITHDRAWAL_HOUR_BASE, hour),
        (parameter.WITHDRAWAL_DAY_BASE, day),
        (parameter.WITHDRAWAL_HOUR_SHARE, hour_share),
        (parameter.WITHDRAWAL_DAY_SHARE, day_share),
    ):
        desk.venue_parameter(which, value)


def test_the_limit_of_an_hour_and_of_a_day() -> None:
    desk = desk_with()
    limits(desk, hour=100, day=250)
    desk.refused(code.WITHDRAWAL_LIMIT, WITHDRAW, account=0, amount=101)
    ask(desk, 60)
    desk.refused(code.WITHDRAWAL_LIMIT, WITHDRAW, account=0, amount=41)
    desk.must(CANCEL, reference=ask(desk, 40))  # what is undone stays counted
    desk.refused(code.WITHDRAWAL_LIMIT, WITHDRAW, account=0, amount=1)
    desk.pass_time(HOUR_MS - 1)
    desk.refused(code.WITHDRAWAL_LIMIT, WITHDRAW, account=0, amount=1)
    desk.pass_time(1)
    ask(desk, 100)
    desk.pass_time(HOUR_MS)
    desk.refused(code.WITHDRAWAL_LIMIT, WITHDRAW, account=0, amount=51)
    ask(desk, 50)
    desk.pass_time(HOUR_MS)
    desk.refused(code.WITHDRAWAL_LIMIT, WITHDRAW, account=0, amount=1)
    desk.pass_time(DAY_MS)
    ask(desk, 100)


def test_the_limit_is_the_larger_of_a_share_of_the_vault_and_a_base() -> None:
    desk = desk_with()
    limits(desk, hour=100, day=10**15, hour_share=RATE_ONE // 100)
    assert limit_left(desk.s) == 10 * USD
    limits(desk, hour=10 * USD + 1, day=10**15, hour_share=RATE_ONE // 100)
    assert limit_left(desk.s) == 10 * USD + 1
    limits(desk, hour=10**15, day=7, day_share=RATE_ONE // 1_000)
    assert limit_left(desk.s) == USD
    limits(desk, hour=0, day=0, hour_share=1, day_share=1)
    assert limit_left(desk.s) == 1_000 * USD // RATE_ONE  # rounds down
    desk.cell[state.VAULT] = 2**61
    limits(desk, hour=0, day=0, hour_share=RATE_ONE, day_share=RATE_ONE)
    assert limit_left(desk.s) == 2**61


def test_defaults_are_those_of_the_specification() -> None:
    desk = desk_with(1)
    assert limit_left(desk.s) == 10**6 * USD
    desk.cell[state.VAULT] = 10**9 * USD
    assert limit_left(desk.s) == 10**7 * USD


def test_refusals_in_their_order() -> None:
    """Every check fails at once; each is repaired in turn and the next shows."""
    desk = desk_with()
    other = desk.account(1_000)
    desk.trade(0, other, 0, 1)
    limits(desk, hour=10, day=10)
    desk.cell[state.VENUE_STATUS], desk.cell[state.GATE_UNTIL] = command.HALTED, START + 1
    desk.mark(0, 100 * USD, fresh=False)
    desk.columns["bucket_class"][0] = 1
    free, desk.cell[state.WITHDRAWALS_USED] = int(desk.cell[state.WITHDRAWALS_USED]), desk.capacity.withdrawals + 1
    fields = {"account": 0, "amount": 1_000 * USD}
    desk.refused(code.BAD_AMOUNT, WITHDRAW, account=0, amount=0)
    desk.refused(code.VENUE_HALTED, WITHDRAW, **fields)
    desk.cell[state.VENUE_STATUS] = command.ACTIVE
    desk.refused(code.WITHDRAWALS_CLOSED, WITHDRAW, **fields)
    desk.cell[state.GATE_UNTIL] = START
    desk.refused(code.STALE_PRICE, WITHDRAW, **fields)
    desk.mark(0, 100 * USD)
    desk.refused(code.BEING_LIQUIDATED, WITHDRAW, **fields)
    desk.columns["bucket_class"][0] = 0
    desk.refused(code.WITHDRAWABLE, WITHDRAW, **fields)
    desk.refused(code.WITHDRAWAL_LIMIT, WITHDRAW, account=0, amount=11)
    desk.refused(code.WITHDRAWALS_FULL, WITHDRAW, account=0, amount=10)
    desk.cell[state.WITHDRAWALS_USED] = free
    ask(desk, 10)
