"""Leverage and mode of an account in a market, and automatic top-up of an isolated bucket."""

import pytest

import cash_model as model
from desk import USD, Desk, isolated_pair, pair
from seawall.engine import isolated
from seawall.ledger import isolated as rows
from seawall.ledger import state
from seawall.terms import code, command, event, parameter
from seawall.terms.limits import AMOUNT_MAX

MOVE, LEVERAGE, TOP_UP, ISOLATED = command.MOVE_POSITION, command.SET_LEVERAGE, command.SET_TOP_UP, command.ISOLATED


def is_conserved(desk: Desk) -> bool:
    return model.vault_gap(desk.columns, state) == 0


def test_leverage_is_the_positions_then_as_set_then_20() -> None:
    desk, long, _ = pair(leverage=7)
    s = desk.s
    assert rows.leverage_of(s, long, 0) == 7
    assert rows.leverage_of(s, long, 1) == 20
    desk.columns["base_leverage"][1, 0] = 15
    assert rows.leverage_of(s, long, 1) == 15
    desk.must(LEVERAGE, account=long, market=1, size=11)
    assert rows.leverage_of(s, long, 1) == 11
    desk.must(LEVERAGE, account=long, market=1, size=11, flags=ISOLATED)
    desk.columns["param"][1, parameter.ISOLATED_LEVERAGE_CAP] = 4
    assert rows.leverage_of(s, long, 1) == 4
    desk.must(TOP_UP, account=1, market=1, amount=0)
    assert rows.leverage_of(s, 1, 1) == 15


def test_leverage_is_set_for_the_position_too() -> None:
    desk, long, _ = pair(200)
    [told] = desk.must(LEVERAGE, account=long, market=0, size=5)
    assert (told["kind"], told["market"], told["bucket"], told["size"]) == (event.LEVERAGE, 0, long, 5)
    slot = desk.slot(long, 0)
    assert desk.columns["slot_leverage"][slot] == 5
    assert model.health(desk.columns, long).initial == 200 * USD
    desk.refused(code.INITIAL_MARGIN, LEVERAGE, account=long, market=0, size=4)
    desk.must(LEVERAGE, account=long, market=0, size=20)
    assert rows.leverage_of(desk.s, long, 0) == 20


def test_a_cross_position_draws_nothing_from_itself() -> None:
    """100 of its 200 USD might be withdrawn; that does not pay for 50 of missing margin."""
    desk, long, _ = pair(200)
    desk.refused(code.INITIAL_MARGIN, LEVERAGE, account=long, market=0, size=4)


def test_leverage_may_always_rise_within_its_caps() -> None:
    """Below initial margin a higher leverage asks for less: no risk is added."""
    desk, long, _ = pair(100, leverage=5)
    desk.must(LEVERAGE, account=long, market=0, size=6)
    desk.must(LEVERAGE, account=long, market=0, size=6)
    desk.refused(code.INITIAL_MARGIN, LEVERAGE, account=long, market=0, size=5)


def test_leverage_counts_resting_orders() -> None:
    desk, long, _ = pair(200)
    desk.columns["slot_bids"][desk.slot(long, 0)] = 10
    desk.must(LEVERAGE, account=long, market=0, size=10)
    desk.refused(code.INITIAL_MARGIN, LEVERAGE, account=long, market=0, size=9)


def test_an_isolated_position_draws_what_lower_leverage_needs() -> None:
    desk, long, own = isolated_pair(60 * USD, 200)
    desk.must(LEVERAGE, account=long, market=0, size=20, flags=ISOLATED)
    assert model.cash(desk.columns, own) == 60 * USD
    told = desk.must(LEVERAGE, account=long, market=0, size=10, flags=ISOLATED)
    assert [row["kind"] for row in told] == [event.MOVED, event.LEVERAGE]
    assert told[0]["amount"] == 40 * USD
    assert model.cash(desk.columns, own) == 100 * USD
    assert desk.raw(long) == 100 * USD
    desk.refused(code.INITIAL_MARGIN, LEVERAGE, account=long, market=0, size=4, flags=ISOLATED)
    desk.must(LEVERAGE, account=long, market=0, size=5, flags=ISOLATED)
    assert desk.raw(long) == 0
    assert is_conserved(desk)


def test_the_mode_changes_only_without_position_and_orders() -> None:
    desk, long, _ = pair()
    desk.refused(code.HAS_POSITION, LEVERAGE, account=long, market=0, size=20, flags=ISOLATED)
    desk.rest_order(long, 1)
    desk.refused(code.HAS_POSITION, LEVERAGE, account=long, market=1, size=20, flags=ISOLATED)
    desk.drop_orders(long)
    desk.must(LEVERAGE, account=long, market=1, size=20, flags=ISOLATED)
    own = rows.prepare_isolated(desk.s, long, 1, 10)
    desk.refused(code.HAS_POSITION, LEVERAGE, account=long, market=1, size=20)
    rows.release_isolated(desk.s, own)
    desk.must(LEVERAGE, account=long, market=1, size=20)


@pytest.mark.parametrize("size", [0, 21])
def test_leverage_out_of_range(size: int) -> None:
    desk, long, _ = pair()
    desk.refused(code.BAD_LEVERAGE, LEVERAGE, account=long, market=0, size=size)


def test_leverage_within_the_live_caps() -> None:
    desk, long, _ = pair()
    desk.refused(code.BAD_FIELD, LEVERAGE, account=long, market=0, size=5, flags=1)
    desk.columns["param"][1, parameter.LEVERAGE_CAP] = 9
    desk.columns["param"][1, parameter.ISOLATED_LEVERAGE_CAP] = 6
    desk.refused(code.LEVERAGE_CAP, LEVERAGE, account=long, market=1, size=10)
    desk.must(LEVERAGE, account=long, market=1, size=9)
    desk.refused(code.LEVERAGE_CAP, LEVERAGE, account=long, market=1, size=7, flags=ISOLATED)
    desk.must(LEVERAGE, account=long, market=1, size=6, flags=ISOLATED)
    desk.columns["market_status"][1] = command.UNLISTED
    desk.refused(code.UNKNOWN_MARKET, LEVERAGE, account=long, market=1, size=5)
    desk.refused(code.UNKNOWN_MARKET, TOP_UP, account=long, market=1, amount=5)


def test_the_table_of_settings_fills_to_three_quarters() -> None:
    desk = Desk(number=4)
    people = [desk.account(1_000) for _ in range(desk.capacity.settings // 4 * 3 // 4 + 1)]
    for number in range(desk.capacity.settings // 4 * 3):
        desk.must(TOP_UP, account=people[number // 4], market=number % 4, amount=number)
    last = people[-1]
    desk.refused(code.SETTINGS_FULL, TOP_UP, account=last, market=0, amount=0)
    desk.refused(code.SETTINGS_FULL, LEVERAGE, account=last, market=0, size=5)
    desk.trade(last, people[0], 0, 1)
    desk.refused(code.SETTINGS_FULL, MOVE, account=last, market=0, flags=ISOLATED, amount=50 * USD)
    desk.must(TOP_UP, account=people[0], market=0, amount=-1)
    c = desk.columns
    for number in range(1, desk.capacity.settings // 4 * 3):
        place = rows.setting_of(desk.s, people[number // 4], number % 4)
        assert c["setting_floor"][place] == number


# automatic top-up


def thin(floor: int = 0, usd: int = 300) -> tuple[Desk, int, int]:
    """An isolated long of 10 lots with 60 USD, at 96: equity 20, maintenance 24, initial 48; cross has the rest."""
    desk, long, own = isolated_pair(60 * USD, usd)
    desk.must(TOP_UP, account=long, market=0, amount=floor)
    desk.mark(0, 96 * USD)
    return desk, long, own


def test_a_top_up_lifts_to_initial_margin() -> None:
    desk, long, own = thin()
    desk.cell[state.EVENTS_USED] = 0
    assert isolated.top_up(desk.s, own) == 28 * USD
    [told] = desk.events()
    assert (told["kind"], told["bucket"], told["other"], told["amount"]) == (event.MOVED, long, own, 28 * USD)
    now = model.health(desk.columns, own)
    assert now.equity_initial == now.initial == 48 * USD
    assert isolated.top_up(desk.s, own) == 0
    assert is_conserved(desk)


@pytest.mark.parametrize(("floor", "moved"), [(212, 28), (213, 27), (235, 5), (236, 0), (240, 0), (1_000, 0)])
def test_a_top_up_leaves_the_floor_and_never_falls_short_of_saving(floor: int, moved: int) -> None:
    """Cross has 240. The end of liquidation is 24.48: from equity 20 it takes 4.48 at least."""
    desk, long, own = thin(floor * USD)
    assert isolated.top_up(desk.s, own) == moved * USD
    assert desk.raw(long) == (240 - moved) * USD


def test_a_top_up_at_the_edge_of_saving() -> None:
    for missing, moved in ((0, 4_480_000), (1, 0)):
        desk, _, own = thin(240 * USD - 4_480_000 + missing)
        assert isolated.top_up(desk.s, own) == moved


def test_a_top_up_takes_only_what_may_leave_cross() -> None:
    desk, long, own = thin()
    desk.trade(long, 1, 1, 24)  # a tenth of 2,400 stays: nothing may leave
    assert isolated.top_up(desk.s, own) == 0
    desk.trade(1, long, 1, 2)
    assert isolated.top_up(desk.s, own) == 20 * USD


def test_a_top_up_counts_funding_that_cross_owes() -> None:
    desk, long, own = thin(200 * USD)
    desk.trade(long, 1, 1, 1)
    desk.fund(1, 20 * 10**12)
    assert isolated.top_up(desk.s, own) == 20 * USD
    assert model.cash(desk.columns, long) == 200 * USD


def test_who_gets_no_top_up() -> None:
    desk, long, own = thin(-1)
    assert isolated.top_up(desk.s, own) == 0
    assert isolated.top_up(desk.s, long) == 0
    other, _, bucket = isolated_pair(60 * USD, 300)
    other.mark(0, 96 * USD)
    other.columns["setting_floor"][:] = -1
    assert isolated.top_up(other.s, bucket) == 0
    assert isolated.top_up(other.s, other.capacity.accounts + other.capacity.isolated) == 0  # a pool


@pytest.mark.parametrize("amount", [-2, AMOUNT_MAX + 1])
def test_a_floor_out_of_range(amount: int) -> None:
    desk, long, _ = pair()
    desk.refused(code.BAD_AMOUNT, TOP_UP, account=long, market=0, amount=amount)


@pytest.mark.parametrize("amount", [-1, 0, AMOUNT_MAX])
def test_a_floor_within_range(amount: int) -> None:
    desk, long, _ = pair()
    desk.must(TOP_UP, account=long, market=0, amount=amount)
    assert desk.columns["setting_floor"][rows.setting_of(desk.s, long, 0)] == amount
