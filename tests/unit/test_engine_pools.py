"""Pool shares and insurance: every boundary from both sides, and the attacks that must lose money."""

from typing import Any

import pytest

from bare_venue import START, USD
from pool_desk import FLAGS, HOUR, LOCKED, Desk, insure, kill, profit, set_cash
from seawall.engine import pools
from seawall.ledger import state
from seawall.ledger.markets import AMM, BACKSTOP
from seawall.terms import code, command, event, limits, parameter


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize("which", [AMM, BACKSTOP])
def test_the_first_add_locks_its_first_shares(desk: Desk, which: int) -> None:
    given, events = desk.run(pools.pool_add, account=desk.lp, market=0, flags=FLAGS[which], amount=100 * USD)
    assert given == code.OK
    assert desk.shares(desk.lp, which) == 100 * USD - LOCKED
    assert desk.total(which) == 100 * USD
    assert desk.raw(desk.pool(0, which)) == 100 * USD
    assert desk.raw(desk.lp) == 9_900 * USD
    told = [(e["kind"], e["bucket"], e["other"], e["size"], e["amount"]) for e in events]
    pool = desk.pool(0, which)
    assert told == [
        (event.SHARES, pool, -1, LOCKED, 0),
        (event.SHARES, pool, desk.lp, 100 * USD - LOCKED, 100 * USD),
    ]
    assert desk.total(AMM + BACKSTOP - which) == 0


def test_a_later_add_buys_at_the_price_of_the_moment_rounded_down(desk: Desk) -> None:
    desk.add(desk.lp, 100 * USD)
    profit(desk, 1)  # equity 100,000,001 for 100,000,000 shares
    assert desk.add(desk.other, 50 * USD) == code.OK
    assert desk.shares(desk.other) == 50 * USD * 100 * USD // (100 * USD + 1)


def test_what_leaves_is_paid_rounded_down(desk: Desk) -> None:
    desk.add(desk.lp, 100 * USD)
    profit(desk, 33_333_333)
    desk.later()
    before = desk.raw(desk.lp)
    events = desk.must(pools.pool_remove, account=desk.lp, market=0, flags=command.AMM, size=7)
    assert desk.raw(desk.lp) - before == 7 * 133_333_333 // 100_000_000 == 9
    assert [(e["other"], e["size"], e["amount"]) for e in events] == [(desk.lp, -7, -9)]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (command.AMM, code.OK),
        (command.BACKSTOP, code.OK),
        (0, code.BAD_FIELD),
        (command.AMM | command.BACKSTOP, code.BAD_FIELD),
        (command.AMM | command.SELL, code.BAD_FIELD),
    ],
)
def test_flags_name_exactly_one_pool(desk: Desk, flags: int, expected: int) -> None:
    fields: dict[str, Any] = {"account": desk.lp, "market": 0, "flags": flags}
    assert desk.run(pools.pool_add, amount=20 * USD, **fields)[0] == expected
    desk.later()
    assert desk.run(pools.pool_remove, size=1, **fields)[0] == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (limits.POOL_ADD_MIN - 1, code.BAD_AMOUNT),
        (limits.POOL_ADD_MIN, code.OK),
        (-limits.POOL_ADD_MIN, code.BAD_AMOUNT),
        (limits.AMOUNT_MAX, code.OK),
        (limits.AMOUNT_MAX + 1, code.BAD_AMOUNT),
    ],
)
def test_amounts(desk: Desk, amount: int, expected: int) -> None:
    set_cash(desk, desk.lp, 2**60)
    assert desk.add(desk.lp, amount) == expected


def test_an_add_takes_what_is_withdrawable_and_no_more(desk: Desk) -> None:
    desk.trade(desk.lp, desk.trader, 0, 100 * USD, 500)  # 50,000 USD: 10 % of notional stays, as 5 % is initial
    assert desk.add(desk.lp, 5_000 * USD + 1) == code.WITHDRAWABLE
    assert desk.add(desk.lp, 5_000 * USD) == code.OK


def test_unrealised_profit_that_nobody_paid_joins_no_pool(desk: Desk) -> None:
    desk.trade(desk.lp, desk.trader, 0, 100 * USD, 10)
    desk.price(0, 1_000 * USD)  # 9,000 USD of profit over 10,000 of cash; 1,000 stay as margin
    assert desk.add(desk.lp, 9_000 * USD + 1) == code.WITHDRAWABLE
    assert insure(desk, desk.lp, 9_000 * USD + 1) == code.WITHDRAWABLE
    assert desk.add(desk.lp, 9_000 * USD) == code.OK


def test_funding_owed_joins_no_pool(desk: Desk) -> None:
    desk.trade(desk.lp, desk.trader, 0, 100 * USD, 10)
    desk.columns["market_index"][0] += 10**6  # a long owes 1 micro-USD a lot
    assert desk.add(desk.lp, 9_900 * USD - 9) == code.WITHDRAWABLE
    assert pools.exit_fault(desk.s, desk.lp, 9_900 * USD - 10) == code.OK
    given, events = desk.run(pools.pool_add, account=desk.lp, market=0, flags=command.AMM, amount=9_000 * USD)
    assert given == code.OK
    assert [e["amount"] for e in events if e["kind"] == event.FUNDING_PAID] == [-10]
    desk.columns["market_index"][0] += 10**6
    events = desk.must(pools.insurance_add, account=desk.lp, market=0, amount=1)
    assert [e["amount"] for e in events if e["kind"] == event.FUNDING_PAID] == [-10]


@pytest.mark.parametrize("column", ["bucket_liquidating", "bucket_class"])
def test_a_bucket_in_liquidation_adds_nothing(desk: Desk, column: str) -> None:
    desk.columns[column][desk.lp] = 1
    assert desk.add(desk.lp, 20 * USD) == code.BEING_LIQUIDATED
    desk.columns[column][desk.lp] = 0
    assert desk.add(desk.lp, 20 * USD) == code.OK


@pytest.mark.parametrize("column", ["bucket_liquidating", "bucket_class"])
def test_a_pool_in_liquidation_moves_no_shares(desk: Desk, column: str) -> None:
    desk.add(desk.lp, 20 * USD)
    desk.later()
    desk.columns[column][desk.pool(0)] = 1
    assert desk.add(desk.other, 20 * USD) == code.BEING_LIQUIDATED
    assert desk.remove(desk.lp, 1) == code.BEING_LIQUIDATED


@pytest.mark.parametrize(
    ("status", "added", "removed"),
    [
        (command.ACTIVE, code.OK, code.OK),
        (command.REDUCING, code.OK, code.OK),
        (command.POSTING, code.OK, code.OK),
        (command.CANCELLING, code.OK, code.OK),
        (command.HALTED, code.MARKET_CLOSED, code.MARKET_CLOSED),
        (command.CLOSED, code.OK, code.OK),
        (command.DELISTING, code.MARKET_CLOSED, code.MARKET_CLOSED),
        (command.UNLISTED, code.UNKNOWN_MARKET, code.OK),  # what a pool owes is paid for ever
    ],
)
def test_statuses(desk: Desk, status: int, added: int, removed: int) -> None:
    desk.add(desk.lp, 20 * USD)
    desk.later()
    desk.columns["market_status"][0] = status
    assert desk.add(desk.other, 20 * USD) == added
    assert desk.remove(desk.lp, 1) == removed


def test_a_halted_venue_moves_no_shares(desk: Desk) -> None:
    desk.add(desk.lp, 20 * USD)
    desk.later()
    desk.cell[state.VENUE_STATUS] = command.HALTED
    assert desk.add(desk.lp, 20 * USD) == code.VENUE_HALTED
    assert desk.remove(desk.lp, 1) == code.VENUE_HALTED
    desk.cell[state.VENUE_STATUS] = command.CANCELLING
    assert desk.remove(desk.lp, 1) == code.OK


def test_a_stale_price_stops_shares_of_a_pool_that_holds_a_position_only(desk: Desk) -> None:
    desk.add(desk.lp, 5_000 * USD)
    desk.later()
    desk.columns["market_fresh"][0] = 0
    assert desk.add(desk.other, 20 * USD) == code.OK
    assert desk.remove(desk.lp, 1) == code.OK
    desk.trade(desk.pool(0), desk.trader, 0, 100 * USD, 1)
    assert desk.add(desk.other, 20 * USD) == code.STALE_PRICE
    assert desk.remove(desk.lp, 1) == code.STALE_PRICE
    desk.columns["market_fresh"][0] = 1
    desk.cell[state.NOW] += 10_000  # as old as a price may be
    assert desk.remove(desk.lp, 1) == code.OK
    desk.cell[state.NOW] += 1
    assert desk.remove(desk.lp, 1) == code.STALE_PRICE


def test_shares_stay_for_their_lock(desk: Desk) -> None:
    desk.add(desk.lp, 20 * USD)
    desk.later(HOUR - 1)
    assert desk.remove(desk.lp, 1) == code.NOT_DUE
    desk.later(1)
    assert desk.remove(desk.lp, 1) == code.OK
    desk.add(desk.lp, 20 * USD)
    assert desk.remove(desk.lp, 1) == code.NOT_DUE
    desk.columns["param"][0, parameter.POOL_LOCK_MS] = 0
    assert desk.remove(desk.lp, 1) == code.OK


def test_only_what_is_held_can_leave(desk: Desk) -> None:
    desk.add(desk.lp, 20 * USD)
    desk.later()
    held = 20 * USD - LOCKED
    assert desk.remove(desk.other, 1) == code.NO_POSITION
    assert desk.remove(desk.lp, 1, BACKSTOP) == code.NO_POSITION
    assert desk.remove(desk.lp, 0) == code.BAD_SIZE
    assert desk.remove(desk.lp, held + 1) == code.WITHDRAWABLE
    assert desk.remove(desk.lp, held) == code.OK
    assert desk.remove(desk.lp, 1) == code.NO_POSITION
    assert desk.total() == LOCKED
    assert desk.raw(desk.pool(0)) == LOCKED


def test_a_pool_keeps_its_initial_margin(desk: Desk) -> None:
    desk.add(desk.lp, 1_000 * USD)
    desk.later()
    desk.trade(desk.pool(0), desk.trader, 0, 100 * USD, 100)  # 10,000 USD at 20x: 500 USD of initial margin
    assert desk.remove(desk.lp, 500 * USD + 1) == code.POOL_MARGIN
    assert desk.remove(desk.lp, 500 * USD) == code.OK


def test_shares_are_priced_at_the_worse_of_mark_and_index(desk: Desk) -> None:
    desk.add(desk.lp, 1_000 * USD)
    desk.later()
    desk.trade(desk.pool(0), desk.trader, 0, 100 * USD, 10)
    desk.price(0, 101 * USD, 99 * USD)  # worth 1,010 at the mark, 990 at the index
    assert desk.add(desk.other, 101 * USD) == code.OK
    assert desk.shares(desk.other) == 100 * USD
    before = desk.raw(desk.lp)
    assert desk.remove(desk.lp, 100 * USD) == code.OK
    assert desk.raw(desk.lp) - before == 100 * USD * (990 + 101) // 1_100
    desk.price(0, 99 * USD, 101 * USD)
    held = desk.shares(desk.other)
    assert desk.add(desk.other, 100 * USD) == code.OK
    equity_high = desk.raw(desk.pool(0)) - 100 * USD + 10 * 101 * USD
    assert desk.shares(desk.other) - held == 100 * USD * 1_000 * USD // equity_high


@pytest.mark.parametrize("depth, less", [(1_000, (0, 0)), (999, (5_006, 5_005)), (5, (0, 0)), (0, (0, 0))])
def test_what_a_skew_pays_back_is_no_part_of_a_share(desk: Desk, depth: int, less: tuple[int, int]) -> None:
    """GMX, 2025-07-09: a trade lifted what shares were redeemed at. 10 lots at a depth of 1,000 are 5 USD of impact."""
    back = {1_000: 5 * USD, 999: 5 * USD, 5: 1_000 * USD, 0: 0}[depth]
    desk.add(desk.lp, 5_000 * USD)
    desk.later()
    desk.columns["param"][0, parameter.AMM_DEPTH] = depth
    desk.trade(desk.trader, desk.pool(0), 0, 100 * USD, 10)
    profit(desk, back)
    low, high = pools.worth(desk.s, desk.pool(0), 0)
    assert (low, high) == (5_000 * USD - less[0], 5_000 * USD - less[1])
    other = desk.pool(0, BACKSTOP)
    desk.trade(desk.trader, other, 0, 100 * USD, 10)
    assert pools.worth(desk.s, other, 0) == (0, 0)


def test_a_pool_under_water_takes_nobody(desk: Desk) -> None:
    desk.add(desk.lp, 1_000 * USD)
    desk.later()
    desk.trade(desk.pool(0), desk.trader, 0, 100 * USD, 10)
    desk.price(0, 1)  # 10 lots fell by almost 100 USD each: 10 micro-USD are left
    assert desk.raw(desk.pool(0)) == 0
    assert desk.add(desk.other, 20 * USD) == code.OK  # 10 micro-USD stand for all shares
    desk = Desk()
    desk.add(desk.lp, 1_000 * USD)
    desk.later()
    desk.trade(desk.pool(0), desk.trader, 0, 100 * USD + 1, 10)
    desk.price(0, 1)  # nothing is left
    assert desk.add(desk.other, 20 * USD) == code.POOL_MARGIN
    assert desk.remove(desk.lp, 1) == code.POOL_MARGIN


@pytest.mark.parametrize("left", [0, 1, LOCKED - 1])
def test_a_dead_pool_starts_anew(desk: Desk, left: int) -> None:
    desk.add(desk.lp, 100 * USD)
    desk.add(desk.other, 100 * USD)
    kill(desk, left)
    events = desk.must(pools.pool_add, account=desk.other, market=0, flags=command.AMM, amount=50 * USD)
    assert desk.shares(desk.lp) == 0
    assert desk.shares(desk.other) == 50 * USD - LOCKED
    assert desk.total() == 50 * USD
    assert desk.columns["market_insurance"][0] == left
    assert desk.raw(desk.pool(0)) == 50 * USD
    assert desk.money() == 0
    ended = [(e["other"], e["size"], e["amount"]) for e in events if e["kind"] == event.SHARES and e["size"] < 0]
    assert ended == [(-1, -200 * USD, -left)]
    assert [e["amount"] for e in events if e["kind"] == event.INSURANCE] == ([left] if left else [])
    desk.later()
    assert desk.remove(desk.lp, 1) == code.NO_POSITION


def test_a_pool_with_a_dollar_left_lives_and_one_in_debt_waits(desk: Desk) -> None:
    desk.add(desk.lp, 100 * USD)
    kill(desk, LOCKED)
    assert desk.add(desk.other, 50 * USD) == code.OK
    assert desk.shares(desk.other) == 50 * USD * 100
    desk = Desk()
    desk.add(desk.lp, 100 * USD)
    kill(desk, -1)
    assert desk.add(desk.other, 50 * USD) == code.POOL_MARGIN


def test_a_pool_that_owns_something_without_shares_is_not_given_away(desk: Desk) -> None:
    profit(desk, LOCKED)
    assert desk.add(desk.lp, 50 * USD) == code.POOL_MARGIN


def test_shares_are_bounded(desk: Desk) -> None:
    desk.add(desk.lp, 1_000 * USD)
    desk.columns["market_shares_amm"][0] = limits.POOL_SHARES_MAX - 10 * USD
    desk.columns["share_amount"][2] += limits.POOL_SHARES_MAX - 1_010 * USD
    set_cash(desk, desk.pool(0), limits.POOL_SHARES_MAX - 10 * USD)
    assert desk.add(desk.other, 10 * USD + 1) == code.POOL_CAP
    assert desk.add(desk.other, 10 * USD) == code.OK


def test_a_full_table_refuses_new_holders_only(desk: Desk) -> None:
    desk.add(desk.lp, 100 * USD)
    desk.cell[state.SHARES_USED] = len(desk.columns["share_amount"])
    assert desk.add(desk.other, 20 * USD) == code.SHARES_FULL
    assert desk.add(desk.lp, 20 * USD) == code.OK
    desk.later()
    assert desk.remove(desk.lp, desk.shares(desk.lp)) == code.OK
    assert desk.add(desk.other, 20 * USD) == code.OK
    assert desk.add(desk.lp, 20 * USD) == code.SHARES_FULL


def test_the_first_add_needs_two_rows(desk: Desk) -> None:
    desk.cell[state.SHARES_USED] = len(desk.columns["share_amount"]) - 1
    assert desk.add(desk.lp, 20 * USD) == code.SHARES_FULL
    desk.cell[state.SHARES_USED] -= 1
    assert desk.add(desk.lp, 20 * USD) == code.OK
    desk = Desk()
    desk.add(desk.lp, 100 * USD)  # two rows: one of nobody, one of the lp
    kill(desk, 0)
    desk.cell[state.SHARES_USED] = len(desk.columns["share_amount"])
    assert desk.add(desk.other, 20 * USD) == code.SHARES_FULL  # counts the row of nobody only
    assert desk.add(desk.lp, 20 * USD) == code.OK


def test_the_last_micro_of_a_pool_and_a_payment_of_nothing(desk: Desk) -> None:
    desk.add(desk.lp, 100 * USD)
    kill(desk, LOCKED)  # a share is worth 1/100 micro-USD
    desk.later()
    assert desk.remove(desk.lp, 99) == code.BAD_SIZE
    assert desk.remove(desk.lp, 100) == code.OK
    assert desk.raw(desk.pool(0)) == LOCKED - 1


def test_nobody_takes_the_last_micro_even_with_all_shares(desk: Desk) -> None:
    desk.add(desk.lp, 100 * USD)
    desk.later()
    desk.columns["market_shares_amm"][0] -= LOCKED  # as if nobody held the first shares
    assert desk.remove(desk.lp, 99 * USD) == code.POOL_MARGIN
    assert desk.remove(desk.lp, 99 * USD - 1) == code.OK


def test_an_add_that_buys_less_than_one_share_is_refused(desk: Desk) -> None:
    desk.add(desk.lp, 10 * USD)
    desk.later()
    desk.remove(desk.lp, 9 * USD)
    set_cash(desk, desk.pool(0), 10 * USD * LOCKED)  # 10 USD a share
    assert desk.add(desk.other, 10 * USD) == code.OK
    set_cash(desk, desk.pool(0), 10 * USD * (LOCKED + 1) + 1)
    assert desk.add(desk.other, 10 * USD) == code.POOL_CAP


def test_holdings_in_several_pools_are_kept_apart(desk: Desk) -> None:
    desk.market(1, 100 * USD)
    where = [(market, which) for market in (0, 1) for which in (AMM, BACKSTOP)]
    for market, which in where:
        desk.must(pools.pool_add, account=desk.lp, market=market, flags=FLAGS[which], amount=(20 + market) * USD)
    desk.later()
    for gone, (market, which) in enumerate((where[1], where[0], where[3], where[2])):
        held = (20 + market) * USD - LOCKED
        desk.must(pools.pool_remove, account=desk.lp, market=market, flags=FLAGS[which], size=held)
        rows = [pools.find_share(desk.s, desk.lp, desk.pool(m, w)) for m, w in where]
        assert rows.count(0) == gone + 1
    assert desk.columns["account_share"][desk.lp] == 0


def test_funds_and_pools_are_bounded(desk: Desk) -> None:
    desk.add(desk.lp, 100 * USD)
    desk.columns["market_insurance"][0] = limits.RAW_USD_MAX - 5
    assert insure(desk, desk.lp, 6) == code.CASH_BOUND
    assert insure(desk, desk.lp, 5) == code.OK
    assert desk.add(desk.lp, 20 * USD, BACKSTOP) == code.CASH_BOUND  # what a dead pool leaves must fit
    assert desk.add(desk.lp, 20 * USD) == code.OK
    desk.columns["market_shares_amm"][0] = limits.POOL_SHARES_MAX >> 1
    set_cash(desk, desk.pool(0), limits.RAW_USD_MAX - 10 * USD + 1)
    assert desk.add(desk.other, 10 * USD) == code.CASH_BOUND
    set_cash(desk, desk.pool(0), limits.RAW_USD_MAX - 10 * USD)
    assert desk.add(desk.other, 10 * USD) == code.OK


def test_cash_of_the_account_is_bounded(desk: Desk) -> None:
    desk.add(desk.lp, 100 * USD)
    desk.later()
    set_cash(desk, desk.lp, limits.RAW_USD_MAX - 4)
    assert desk.remove(desk.lp, 5) == code.CASH_BOUND
    assert desk.remove(desk.lp, 4) == code.OK


# attacks: each tells what the attacker has at the end


def test_lifting_the_first_share_by_a_gift_costs_the_attacker(desk: Desk) -> None:
    attacker, victim = desk.lp, desk.other
    desk.add(attacker, 10 * USD)
    desk.later()
    assert desk.remove(attacker, 9 * USD - 1) == code.OK  # one share left to the attacker
    gift = 5_000 * USD
    desk.columns["bucket_raw"][attacker] -= gift
    desk.columns["bucket_raw"][desk.pool(0)] += gift
    victim_before = desk.raw(victim)
    assert desk.add(victim, 1_000 * USD) == code.OK
    desk.later()
    desk.remove(attacker, 1)
    assert 10_000 * USD - desk.raw(attacker) > gift // 2
    desk.remove(victim, desk.shares(victim))
    assert victim_before - desk.raw(victim) <= 1_000 * USD // 100_000


def test_no_loop_of_adds_and_removes_gains(desk: Desk) -> None:
    desk.add(desk.lp, 100 * USD)
    profit(desk, 12_345_677)
    desk.columns["param"][0, parameter.POOL_LOCK_MS] = 0
    price, cash = desk.share_price(), desk.raw(desk.other)
    for amount in (10 * USD, 10 * USD + 1, 11 * USD + 7, 99 * USD):
        assert desk.add(desk.other, amount) == code.OK
        assert desk.share_price() >= price
        price = desk.share_price()
        while desk.shares(desk.other):
            step = max(1, desk.shares(desk.other) // 3)
            if desk.remove(desk.other, step) != code.OK:
                break
            assert desk.share_price() >= price
            price = desk.share_price()
    assert desk.raw(desk.other) < cash


def test_columns_of_shares_agree(desk: Desk) -> None:
    desk.add(desk.lp, 100 * USD)
    desk.add(desk.other, 100 * USD)
    desk.add(desk.other, 100 * USD, BACKSTOP)
    desk.later()
    desk.remove(desk.other, desk.shares(desk.other))
    rows = range(1, int(desk.cell[state.SHARES_USED]))
    for which in (AMM, BACKSTOP):
        mine = [r for r in rows if desk.columns["share_pool"][r] == desk.pool(0, which)]
        assert sum(int(desk.columns["share_amount"][r]) for r in mine) == desk.total(which)
    assert desk.cell[state.NOW] == START + HOUR
    assert desk.money() == 0
