"""Deposits, transfers, and what may leave a bucket: each code, both sides of each boundary, money conserved."""

import random
from typing import Any

import pytest

import cash_model as model
from desk import HANDLERS, PRICE, USD, Desk
from seawall.engine.rows import rows_for_kernels, rows_of
from seawall.ledger import leaving, state
from seawall.terms import code, command, event
from seawall.terms.limits import AMOUNT_MAX, RAW_USD_MAX
from seawall.units import RATE_ONE

TRANSFER, DEPOSIT = command.TRANSFER, command.DEPOSIT


def is_conserved(desk: Desk) -> bool:
    return model.vault_gap(desk.columns, state) == 0


def may_leave(desk: Desk, bucket: int) -> int:
    got = int(leaving.may_leave(desk.s, bucket))
    assert got == model.may_leave(desk.columns, bucket)
    return got


# deposits


def test_a_deposit_is_credited_and_told() -> None:
    desk = Desk()
    account = desk.account()
    [told] = desk.must(DEPOSIT, account=account, amount=7, reference=1)
    assert (told["kind"], told["bucket"], told["amount"], told["order"]) == (event.DEPOSITED, account, 7, 1)
    assert desk.raw(account) == desk.cell[state.VAULT] == 7
    assert is_conserved(desk)


def test_a_deposit_acts_exactly_once_and_in_order() -> None:
    desk = Desk()
    account = desk.account()
    fields = {"account": account, "amount": 5}
    desk.refused(code.DUPLICATE_MESSAGE, DEPOSIT, reference=0, **fields)
    desk.refused(code.OUT_OF_SEQUENCE, DEPOSIT, reference=2, **fields)
    desk.must(DEPOSIT, reference=1, **fields)
    desk.refused(code.DUPLICATE_MESSAGE, DEPOSIT, reference=1, **fields)
    desk.refused(code.OUT_OF_SEQUENCE, DEPOSIT, reference=3, **fields)
    desk.must(DEPOSIT, reference=2, **fields)
    assert desk.raw(account) == 10


@pytest.mark.parametrize("amount", [0, -1, AMOUNT_MAX + 1])
def test_a_deposit_out_of_range(amount: int) -> None:
    desk = Desk()
    desk.refused(code.BAD_AMOUNT, DEPOSIT, account=desk.account(), amount=amount, reference=1)


@pytest.mark.parametrize("amount", [1, AMOUNT_MAX])
def test_a_deposit_within_range(amount: int) -> None:
    desk = Desk()
    desk.must(DEPOSIT, account=desk.account(), amount=amount, reference=1)


@pytest.mark.parametrize("where", ["vault", "bucket"])
def test_cash_stays_within_its_bound(where: str) -> None:
    desk = Desk()
    account = desk.account()

    def fill(value: int) -> None:
        if where == "vault":
            desk.cell[state.VAULT] = value
        else:
            desk.columns["bucket_raw"][account] = value

    fill(RAW_USD_MAX - 9)
    desk.refused(code.CASH_BOUND, DEPOSIT, account=account, amount=10, reference=1)
    desk.must(DEPOSIT, account=account, amount=9, reference=1)


def test_the_bridge_alone_deposits() -> None:
    desk = Desk()
    account = desk.account()
    for signer in (account, command.SEQUENCER, command.ADMIN):
        desk.refused(code.NOT_AUTHORISED, DEPOSIT, account=account, amount=5, reference=1, signer=signer)
    desk.refused(code.UNKNOWN_ACCOUNT, DEPOSIT, account=1, amount=5, reference=1)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (command.DEPOSIT, {"reference": 1}),
        (command.WITHDRAW, {}),
        (command.TRANSFER, {"other": 1}),
        (command.ISOLATED_MARGIN, {}),
        (command.SET_TOP_UP, {}),
        (command.MOVE_POSITION, {"flags": command.ISOLATED}),
    ],
)
def test_handlers_bound_amounts_themselves(kind: int, fields: dict[str, int]) -> None:
    """Without the check of shape before them."""
    desk = Desk()
    desk.account()
    [row] = rows_for_kernels(rows_of([{"kind": kind, "amount": AMOUNT_MAX + 1, **fields}]))
    assert HANDLERS[kind](desk.s, row) == code.BAD_AMOUNT


# transfers


def family() -> tuple[Desk, int, int]:
    desk = Desk()
    master = desk.account(1_000)
    return desk, master, desk.sub(master)


def test_a_transfer_moves_all_that_may_leave_and_no_more() -> None:
    desk, master, sub = family()
    desk.refused(code.WITHDRAWABLE, TRANSFER, account=master, other=sub, amount=1_000 * USD + 1)
    [told] = desk.must(TRANSFER, account=master, other=sub, amount=1_000 * USD)
    assert (told["kind"], told["bucket"], told["other"], told["amount"]) == (event.MOVED, master, sub, 1_000 * USD)
    assert (desk.raw(master), desk.raw(sub)) == (0, 1_000 * USD)
    desk.must(TRANSFER, account=sub, other=master, amount=1)
    assert is_conserved(desk)


@pytest.mark.parametrize("amount", [0, -1, AMOUNT_MAX + 1])
def test_a_transfer_out_of_range(amount: int) -> None:
    desk, master, sub = family()
    desk.refused(code.BAD_AMOUNT, TRANSFER, account=master, other=sub, amount=amount)


def test_a_transfer_to_another_owner_takes_the_givers_own_signature() -> None:
    desk, master, sub = family()
    stranger = desk.account()
    desk.must(command.APPROVE_AGENT, account=master, amount=command.MAY_TRANSFER, address_0=9)
    agent = -1 - int(desk.cell[state.RESULT])
    desk.refused(code.AGENT_SCOPE, TRANSFER, account=master, other=stranger, amount=1, signer=agent)
    desk.refused(code.WITHDRAWABLE, TRANSFER, account=master, other=stranger, amount=1_000 * USD + 1)
    desk.must(TRANSFER, account=master, other=stranger, amount=600 * USD)
    desk.must(TRANSFER, account=master, other=sub, amount=400 * USD, signer=agent)
    desk.must(TRANSFER, account=sub, other=stranger, amount=400 * USD)
    assert (desk.raw(master), desk.raw(sub), desk.raw(stranger)) == (0, 0, 1_000 * USD)
    assert is_conserved(desk)


def test_a_transfer_needs_somebody_else_who_exists() -> None:
    desk, master, _ = family()
    stranger = desk.account()
    desk.refused(code.UNKNOWN_ACCOUNT, TRANSFER, account=master, other=stranger + 1, amount=1)
    desk.refused(code.UNKNOWN_ACCOUNT, TRANSFER, account=master, other=-1, amount=1)
    desk.refused(code.BAD_FIELD, TRANSFER, account=master, other=master, amount=1)


def test_a_transfer_keeps_the_bound_of_cash() -> None:
    desk, master, sub = family()
    desk.columns["bucket_raw"][sub] = RAW_USD_MAX - 4
    desk.refused(code.CASH_BOUND, TRANSFER, account=master, other=sub, amount=5)
    desk.must(TRANSFER, account=master, other=sub, amount=4)


def test_an_agent_transfers_only_with_the_scope() -> None:
    desk, master, sub = family()
    signers = []
    for number in (1, 2):
        desk.must(command.APPROVE_AGENT, account=master, amount=number, address_0=9, address_2=number)
        signers.append(-1 - int(desk.cell[state.RESULT]))
    desk.refused(code.AGENT_SCOPE, TRANSFER, account=master, other=sub, amount=1, signer=signers[0])
    desk.must(TRANSFER, account=master, other=sub, amount=1, signer=signers[1])


@pytest.mark.parametrize("column", ["bucket_liquidating", "bucket_class"])
def test_nothing_leaves_a_bucket_in_liquidation(column: str) -> None:
    desk, master, sub = family()
    desk.columns[column][master] = 1
    desk.refused(code.BEING_LIQUIDATED, TRANSFER, account=master, other=sub, amount=1)
    desk.refused(code.BEING_LIQUIDATED, command.WITHDRAW, account=master, amount=1)


def test_nothing_leaves_on_a_stale_price() -> None:
    desk, master, sub = family()
    other = desk.account(1_000)
    desk.trade(master, other, 1, 1)
    desk.mark(1, PRICE, fresh=False)
    desk.refused(code.STALE_PRICE, TRANSFER, account=master, other=sub, amount=1)
    desk.refused(code.STALE_PRICE, command.WITHDRAW, account=master, amount=1)
    assert may_leave(desk, master) == 0
    desk.mark(0, PRICE, fresh=False)
    desk.mark(1, PRICE)
    desk.must(TRANSFER, account=master, other=sub, amount=1)


def test_orders_alone_rest_on_no_price() -> None:
    """A slot without a position: its market may be stale, what it reserves stays."""
    desk, master, sub = family()
    other = desk.account(1_000)
    desk.trade(master, other, 1, 1)
    desk.columns["slot_bids"][desk.slot(master, 1)] = 10
    desk.trade(other, master, 1, 1)
    desk.mark(1, PRICE, fresh=False)
    assert may_leave(desk, master) == (1_000 - 50) * USD
    desk.must(TRANSFER, account=master, other=sub, amount=950 * USD)


def test_a_price_grows_stale_with_age() -> None:
    desk, master, sub = family()
    desk.trade(master, desk.account(1_000), 0, 1)
    desk.cell[state.NOW] += 10_000
    desk.must(TRANSFER, account=master, other=sub, amount=1)
    desk.cell[state.NOW] += 1
    desk.refused(code.STALE_PRICE, TRANSFER, account=master, other=sub, amount=1)


# what may leave


def test_what_may_leave_keeps_a_tenth_of_the_notional() -> None:
    """20x: initial margin is 5 % of 1,000 USD, but 10 % stays; at 5x initial margin binds."""
    for leverage, keeps in ((20, 100), (5, 200)):
        desk = Desk()
        long, short = desk.account(500), desk.account(500)
        desk.trade(long, short, 0, 10, PRICE, leverage)
        assert may_leave(desk, long) == (500 - keeps) * USD
        desk.refused(code.WITHDRAWABLE, command.WITHDRAW, account=long, amount=(500 - keeps) * USD + 1)
        desk.must(command.WITHDRAW, account=long, amount=(500 - keeps) * USD)
        assert may_leave(desk, long) == 0


def test_what_may_leave_counts_resting_orders() -> None:
    desk = Desk()
    long, short = desk.account(500), desk.account(500)
    desk.trade(long, short, 0, 10)
    desk.columns["slot_bids"][desk.slot(long, 0)] = 20
    assert may_leave(desk, long) == (500 - 100 - 100) * USD


def test_pending_funding_is_owed_before_anything_leaves() -> None:
    desk = Desk()
    long, short = desk.account(500), desk.account(500)
    desk.trade(long, short, 0, 10)
    desk.fund(0, 3 * 10**12 + 1)  # a long pays 3.000001 USD a lot, rounded against it
    assert may_leave(desk, long) == 400 * USD - 30 * USD - 1
    assert may_leave(desk, short) == 400 * USD + 30 * USD
    desk.refused(code.WITHDRAWABLE, command.WITHDRAW, account=long, amount=370 * USD)
    told = desk.must(command.WITHDRAW, account=long, amount=370 * USD - 1)
    assert [(row["kind"], row["amount"]) for row in told] == [
        (event.FUNDING_PAID, -30 * USD - 1),
        (event.WITHDRAWAL, 370 * USD - 1),
    ]
    assert may_leave(desk, long) == 0
    assert is_conserved(desk)


def test_profit_weight_and_cap_bind_before_the_pool() -> None:
    desk = Desk()
    long, short = desk.account(500), desk.account(5_000)
    desk.trade(long, short, 0, 10)
    desk.mark(0, 2 * PRICE)
    desk.columns["market_insurance"][0] = 10**15
    assert may_leave(desk, long) == (500 + 1_000 - 200) * USD
    desk.venue_parameter(model.WEIGHT, RATE_ONE // 2)
    assert may_leave(desk, long) == (500 + 500 - 200) * USD
    desk.venue_parameter(model.CAP, 100 * USD)
    assert may_leave(desk, long) == (500 + 100 - 200) * USD
    desk.columns["market_insurance"][0] = 60 * USD
    assert may_leave(desk, long) == (500 + 60 - 200) * USD


# the profit rule


def insure(desk: Desk, market: int, usd: int) -> None:
    """Puts money into a market's insurance fund."""
    desk.columns["market_insurance"][market] += usd * USD
    desk.cell[state.VAULT] += usd * USD


def doubled() -> tuple[Desk, int, int]:
    """A long of 10 lots with 500 USD whose price has doubled, and the short of 5,000 USD against it."""
    desk = Desk()
    long, short = desk.account(500), desk.account(5_000)
    desk.trade(long, short, 0, 10)
    desk.mark(0, 2 * PRICE)
    return desk, long, short


def test_unrealised_profit_stays_until_losers_have_paid() -> None:
    desk, long, short = doubled()
    assert may_leave(desk, long) == (500 - 200) * USD  # equity 1,500, a tenth of 2,000 stays
    fresh = desk.account(5_000)
    desk.trade(short, fresh, 0, 4, 2 * PRICE)  # the loser closes 4 of 10: pays in 400
    assert may_leave(desk, long) == (500 + 400 - 200) * USD
    desk.columns["market_insurance"][0] = 50 * USD
    assert may_leave(desk, long) == (500 + 450 - 200) * USD
    desk.columns["market_insurance"][1] = 10**15  # another market's fund is not its own
    assert may_leave(desk, long) == (500 + 450 - 200) * USD


def test_what_has_left_is_counted_against_others_and_against_oneself() -> None:
    desk = Desk()
    first, second, short = desk.account(500), desk.account(500), desk.account(10_000)
    for long in (first, second):
        desk.trade(long, short, 0, 10)
    desk.mark(0, 2 * PRICE)
    insure(desk, 0, 600)
    assert may_leave(desk, first) == may_leave(desk, second) == (500 + 600 - 200) * USD
    desk.must(command.WITHDRAW, account=first, amount=700 * USD)  # 500 are its cash, 200 profit
    slot = desk.slot(first, 0)
    assert desk.columns["slot_advanced"][slot] == desk.columns["market_advanced"][0] == 200 * USD
    assert desk.cell[state.ADVANCED] == desk.columns["bucket_advanced"][first] == 200 * USD
    assert may_leave(desk, first) == 200 * USD
    assert may_leave(desk, second) == (500 + 400 - 200) * USD
    desk.deposit(first, 150 * USD)
    assert desk.columns["market_advanced"][0] == 50 * USD
    assert may_leave(desk, second) == (500 + 550 - 200) * USD
    desk.trade(short, first, 0, 10, 2 * PRICE)  # the first closes: its profit is cash now, and the short's loss paid
    assert desk.columns["market_advanced"][0] == desk.cell[state.ADVANCED] == 0
    assert desk.columns["slot_advanced"].sum() == 0
    assert is_conserved(desk)


def test_funding_that_comes_in_ends_an_advance_at_the_next_exit() -> None:
    desk, long, _ = doubled()
    insure(desk, 0, 10_000)
    desk.must(command.WITHDRAW, account=long, amount=520 * USD)
    assert desk.columns["market_advanced"][0] == 20 * USD
    desk.fund(0, -5 * 10**12)  # 50 USD to the long
    desk.must(command.WITHDRAW, account=long, amount=10 * USD)
    assert model.cash(desk.columns, long) == 20 * USD
    assert desk.columns["market_advanced"][0] == desk.cell[state.ADVANCED] == 0


def test_profit_that_is_transferred_is_an_advance_too() -> None:
    desk, long, _ = doubled()
    sub = desk.sub(long)
    insure(desk, 0, 300)
    desk.must(TRANSFER, account=long, other=sub, amount=600 * USD)
    assert desk.columns["market_advanced"][0] == 100 * USD
    assert may_leave(desk, long) == 0
    insure(desk, 0, 100)
    assert may_leave(desk, long) == 100 * USD
    desk.must(TRANSFER, account=sub, other=long, amount=600 * USD)
    assert desk.columns["market_advanced"][0] == 0
    assert is_conserved(desk)


def test_the_profit_of_one_market_is_not_paid_by_the_pool_of_another() -> None:
    """A lot held in a market with a rich fund does not open that fund to the profit of another market."""
    desk, long, short = doubled()
    desk.columns["market_insurance"][1] = 10**13
    before = may_leave(desk, long)
    desk.trade(long, short, 1, 1)
    desk.mark(1, PRICE + 1)
    assert may_leave(desk, long) == before + 1 - 10 * USD - 1  # the lot's own profit, less a tenth of its notional


def test_profit_does_not_leave_through_a_sub_account_or_an_isolated_bucket() -> None:
    desk, long, _ = doubled()
    sub = desk.sub(long)
    free = may_leave(desk, long)
    desk.refused(code.WITHDRAWABLE, TRANSFER, account=long, other=sub, amount=free + 1)
    own = desk.isolate(long, 0, 300 * USD)
    inside = may_leave(desk, own)
    assert inside == (300 - 200) * USD
    fields = {"account": long, "market": 0}
    desk.refused(code.WITHDRAWABLE, command.ISOLATED_MARGIN, amount=-inside - 1, **fields)
    desk.must(command.ISOLATED_MARGIN, amount=-inside, **fields)
    assert may_leave(desk, long) == 300 * USD
    assert is_conserved(desk)


def pay_out(desk: Desk, account: int, amount: int) -> None:
    desk.must(command.WITHDRAW, account=account, amount=amount)
    desk.must(command.FINISH_WITHDRAWAL, reference=int(desk.cell[state.RESULT]))


def check_advances(desk: Desk, bucket: int) -> None:
    """After an exit: what the bucket has beyond its cash is fully attributed, within each market's pool."""
    c = desk.columns
    held = [p for other in range(len(c["bucket_raw"])) for p in model.places(c, other)]
    for market in range(2):
        assert c["market_advanced"][market] == sum(p.advanced for p in held if p.market == market)
    assert desk.cell[state.ADVANCED] == sum(p.advanced for p in held)
    own = model.places(c, bucket)
    assert c["bucket_advanced"][bucket] == sum(p.advanced for p in own) == max(0, -model.cash(c, bucket))
    for p in own:
        pool = max(0, -int(c["market_entry_sum"][p.market])) + int(c["market_insurance"][p.market])
        assert p.advanced <= max(0, p.size * int(c["market_price"][p.market]) - p.entry)
        assert p.advanced == 0 or c["market_advanced"][p.market] <= pool


@pytest.mark.parametrize("seed", range(8))
def test_winners_leave_first(seed: int) -> None:
    """Drift 2022: winners withdrew before losers had paid. Whatever the order of withdrawals, deposits, closings and
    prices, what is outside beyond realised cash is never more than losers have paid in plus the insurance fund.
    """
    draw = random.Random(seed)
    desk = Desk()
    desk.venue_parameter(5, 2**53)
    desk.venue_parameter(7, 2**53)
    people = [desk.account(20_000) for _ in range(8)]
    maker = desk.account(10**8)
    paid = 0
    for _ in range(400):
        who, market = draw.choice(people), draw.randrange(2)
        c = desk.columns
        act = draw.random()
        if act < 0.25:
            mark = int(c["market_price"][market])
            desk.mark(market, max(PRICE // 4, min(4 * PRICE, mark * draw.randrange(80, 126) // 100)))
        elif act < 0.5:
            size = draw.choice([-1, 1]) * draw.randrange(1, 60)
            desk.trade(who, maker, market, size, int(c["market_price"][market]))
        elif act < 0.55:
            insure(desk, market, 100)
        elif act < 0.6:
            desk.deposit(who, draw.randrange(1, 500 * USD))
        else:
            most = may_leave(desk, who)
            outside = max(0, -model.cash(c, who))
            desk.do(command.WITHDRAW, account=who, amount=most + 1)
            amount = draw.choice([most, most, max(1, most // 2), 1])
            if most:
                pay_out(desk, who, amount)
                check_advances(desk, who)
                paid += max(0, max(0, -model.cash(c, who)) - outside)
        assert is_conserved(desk)
    assert paid > 0  # the rule was at work, not only its refusals


@pytest.mark.parametrize("seed", range(4))
def test_winners_leave_first_by_the_money_alone(seed: int) -> None:
    """The same without the engine's counters: one market, so that a bucket is below 0 in cash only by withdrawing."""
    draw = random.Random(100 + seed)
    desk = Desk()
    desk.venue_parameter(5, 2**53)
    desk.venue_parameter(7, 2**53)
    maker = desk.account(10**8)
    people: list[int] = []
    c, exits = desk.columns, 0
    for _ in range(12):
        mark = int(c["market_price"][0])
        fresh = [desk.account(1_000) for _ in range(6)]
        for who in fresh:
            desk.trade(who, maker, 0, draw.choice([-1, 1]) * draw.randrange(1, 10**9 // mark + 2), mark)
        people += fresh
        desk.mark(0, max(PRICE // 2, min(4 * PRICE, mark * draw.choice([65, 80, 130, 160]) // 100)))
        for who in draw.sample(people, len(fresh)) + draw.sample(fresh, len(fresh)):
            act = draw.random()
            if act < 0.2:
                held = sum(p.size for p in model.places(c, who))
                if held:
                    desk.trade(who, maker, 0, -held, int(c["market_price"][0]))
            elif act < 0.3:
                insure(desk, 0, draw.randrange(1, 200))
            elif (most := may_leave(desk, who)) > 0:
                pay_out(desk, who, most)
                if model.cash(c, who) < 0:
                    exits += 1
                    pool = max(0, -int(c["market_entry_sum"][0])) + int(c["market_insurance"][0])
                    assert sum(profit_outside(c, other) for other in people) <= pool
    assert exits > 5
    assert is_conserved(desk)


def profit_outside(c: Any, bucket: int) -> int:
    """What a bucket has taken beyond its cash, as far as it is profit still."""
    profit = sum(p.size * int(c["market_price"][p.market]) - p.entry for p in model.places(c, bucket))
    return min(max(0, -model.cash(c, bucket)), max(0, profit))
