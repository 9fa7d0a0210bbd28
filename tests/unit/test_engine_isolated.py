"""Isolated buckets: made, fed, given back; margin in and out, positions moved, leverage and automatic top-up."""

import pytest

import cash_model as model
from desk import PRICE, USD, Desk, isolated_pair, pair
from seawall.ledger import isolated as rows
from seawall.ledger import leaving, state
from seawall.ledger.buckets import close_empty_slot, open_slot
from seawall.margin.ladder import ALWAYS_KEY, KEY, NEVER_KEY
from seawall.margin.trigger_kernels import evaluate
from seawall.terms import code, command, event, parameter
from seawall.terms.limits import AMOUNT_MAX, ISOLATED_PER_ACCOUNT, POSITIONS_PER_BUCKET, RAW_USD_MAX

MARGIN, MOVE, LEVERAGE, TOP_UP = (
    command.ISOLATED_MARGIN,
    command.MOVE_POSITION,
    command.SET_LEVERAGE,
    command.SET_TOP_UP,
)
ISOLATED = command.ISOLATED


def is_conserved(desk: Desk) -> bool:
    return model.vault_gap(desk.columns, state) == 0


def free_now(desk: Desk, bucket: int) -> int:
    got = int(leaving.may_leave(desk.s, bucket))
    assert got == model.may_leave(desk.columns, bucket)
    return got


# making and giving back


def test_the_bucket_of_an_order() -> None:
    desk, long, _ = pair()
    s = desk.s
    assert rows.bucket_for(s, long, 0) == long
    assert rows.bucket_for(s, long, 1) == long
    desk.must(LEVERAGE, account=long, market=1, size=5, flags=ISOLATED)
    assert rows.bucket_for(s, long, 1) == -1
    own = rows.prepare_isolated(s, long, 1, 100 * USD)
    assert own == desk.capacity.accounts
    assert rows.bucket_for(s, long, 1) == own
    assert rows.find_isolated(s, long, 0) == -1
    assert (desk.raw(own), desk.raw(long)) == (100 * USD, 900 * USD - 10 * PRICE)
    kinds = [int(desk.columns[name][own]) for name in ("bucket_kind", "bucket_owner", "bucket_market")]
    assert kinds == [state.ISOLATED, long, 1]


def test_orders_go_where_a_position_is() -> None:
    desk, long, _ = pair()
    desk.must(LEVERAGE, account=long, market=0, size=5)
    desk.columns["setting_isolated"][rows.setting_of(desk.s, long, 0)] = 1
    assert rows.bucket_for(desk.s, long, 0) == long


def test_an_isolated_bucket_that_exists_is_fed() -> None:
    desk, long, _ = pair()
    s = desk.s
    own = rows.prepare_isolated(s, long, 1, 0)
    assert rows.prepare_isolated(s, long, 1, 7) == own
    assert desk.raw(own) == 7
    most = free_now(desk, long)
    assert rows.prepare_isolated(s, long, 1, most + 1) == -code.INITIAL_MARGIN
    assert rows.isolated_room(s, long, 1, most + 1) == code.INITIAL_MARGIN
    assert rows.prepare_isolated(s, long, 1, most) == own
    assert free_now(desk, long) == 0


def test_an_empty_isolated_bucket_returns_its_cash() -> None:
    desk, long, _ = pair()
    own = rows.prepare_isolated(desk.s, long, 1, 100 * USD)
    desk.cell[state.EVENTS_USED] = 0
    assert rows.release_isolated(desk.s, own) == 1
    [told] = desk.events()
    assert (told["kind"], told["bucket"], told["other"], told["amount"]) == (
        event.ISOLATED_RETURNED,
        own,
        long,
        100 * USD,
    )
    assert desk.raw(own) == 0
    assert desk.columns["account_isolated"][long] == 0
    assert desk.columns["bucket_kind"][own] == state.UNUSED
    assert rows.next_isolated(desk.s, long) == own
    assert rows.release_isolated(desk.s, own) == 0
    assert is_conserved(desk)


def test_what_keeps_an_isolated_bucket() -> None:
    desk, long, own = isolated_pair()
    assert rows.release_isolated(desk.s, own) == 0  # a position
    desk.trade(1, own, 0, 10)
    desk.rest_order(own, 0)
    assert rows.release_isolated(desk.s, own) == 0
    desk.drop_orders(own)
    c = desk.columns
    for column in ("bucket_class", "bucket_liquidating"):
        c[column][own] = 1
        assert rows.release_isolated(desk.s, own) == 0
        c[column][own] = 0
    kept, c["bucket_raw"][own] = int(c["bucket_raw"][own]), -1
    assert rows.release_isolated(desk.s, own) == 0  # a loss never returns to cross
    c["bucket_raw"][own] = kept
    assert rows.release_isolated(desk.s, long) == 0  # cross
    assert rows.release_isolated(desk.s, own) == 1


def test_isolated_buckets_of_several_markets_hang_in_one_list() -> None:
    desk = Desk(number=4)
    account = desk.account(1_000)
    s = desk.s
    made = [rows.prepare_isolated(s, account, market, 10) for market in range(4)]
    assert len(set(made)) == 4
    for market in (2, 0, 3, 1):
        assert rows.release_isolated(s, made[market]) == 1
        left = [m for m in range(4) if rows.find_isolated(s, account, m) >= 0]
        assert market not in left
    assert desk.raw(account) == 1_000 * USD
    assert rows.prepare_isolated(s, account, 0, 0) == made[1]  # the last given back


def test_the_table_of_isolated_buckets_fills() -> None:
    desk = Desk(number=4)
    people = [desk.account(10) for _ in range(desk.capacity.isolated // 4 + 1)]
    for person in people[:-1]:
        for market in range(4):
            assert rows.prepare_isolated(desk.s, person, market, 1) >= desk.capacity.accounts
    assert rows.prepare_isolated(desk.s, people[-1], 0, 1) == -code.BUCKETS_FULL
    assert desk.raw(people[-1]) == 10 * USD
    assert rows.prepare_isolated(desk.s, people[0], 0, 1) >= 0  # one that exists
    desk.trade(people[-1], people[0], 1, 1)
    desk.refused(code.BUCKETS_FULL, MOVE, account=people[-1], market=1, flags=ISOLATED, amount=0)


def test_no_account_has_more_isolated_buckets_than_its_limit() -> None:
    desk = Desk()
    account = desk.account(10)
    c = desk.columns
    own = rows.prepare_isolated(desk.s, account, 0, 1)
    c["bucket_next"][own] = own + 1  # a list of itself: as long as the bound lets it be walked
    for held in range(1, ISOLATED_PER_ACCOUNT):
        c["bucket_next"][own + held - 1] = own + held + 1
        c["bucket_next"][own + held], c["bucket_market"][own + held] = 0, 3
        expected = own + 1 if held + 1 < ISOLATED_PER_ACCOUNT else -1
        assert rows.next_isolated(desk.s, account) == expected


# margin in and out


def test_margin_goes_in_and_out() -> None:
    desk, long, own = isolated_pair()
    [told] = desk.must(MARGIN, account=long, market=0, amount=50 * USD)
    assert (told["kind"], told["bucket"], told["other"], told["amount"]) == (event.MOVED, long, own, 50 * USD)
    assert model.cash(desk.columns, own) == 250 * USD
    [told] = desk.must(MARGIN, account=long, market=0, amount=-150 * USD)
    assert (told["kind"], told["bucket"], told["other"], told["amount"]) == (event.MOVED, own, long, 150 * USD)
    assert model.cash(desk.columns, own) == 100 * USD
    assert is_conserved(desk)


def test_margin_comes_out_down_to_a_tenth_of_the_notional() -> None:
    desk, long, own = isolated_pair(200 * USD)
    assert free_now(desk, own) == 100 * USD
    desk.refused(code.WITHDRAWABLE, MARGIN, account=long, market=0, amount=-100 * USD - 1)
    desk.must(MARGIN, account=long, market=0, amount=-100 * USD)
    desk.refused(code.WITHDRAWABLE, MARGIN, account=long, market=0, amount=-1)


def test_margin_goes_in_as_far_as_cross_may_give() -> None:
    desk, long, _ = isolated_pair(200 * USD)
    assert free_now(desk, long) == 800 * USD
    desk.refused(code.WITHDRAWABLE, MARGIN, account=long, market=0, amount=800 * USD + 1)
    desk.must(MARGIN, account=long, market=0, amount=800 * USD)


def test_margin_may_be_added_while_the_price_is_stale_and_in_liquidation_but_not_removed() -> None:
    desk, long, own = isolated_pair()
    desk.mark(0, PRICE, fresh=False)
    desk.refused(code.STALE_PRICE, MARGIN, account=long, market=0, amount=-1)
    desk.must(MARGIN, account=long, market=0, amount=1)
    desk.mark(0, PRICE)
    for column in ("bucket_class", "bucket_liquidating"):
        desk.columns[column][own] = 1
        desk.refused(code.BEING_LIQUIDATED, MARGIN, account=long, market=0, amount=-1)
        desk.must(MARGIN, account=long, market=0, amount=1)
        desk.columns[column][own] = 0


@pytest.mark.parametrize("amount", [0, AMOUNT_MAX + 1, -AMOUNT_MAX - 1])
def test_margin_out_of_range(amount: int) -> None:
    desk, long, _ = isolated_pair()
    desk.refused(code.BAD_AMOUNT, MARGIN, account=long, market=0, amount=amount)


def test_margin_needs_an_isolated_bucket_and_a_market() -> None:
    desk, long, _ = pair()
    desk.refused(code.NOT_ISOLATED, MARGIN, account=long, market=0, amount=1)
    desk.refused(code.UNKNOWN_MARKET, MARGIN, account=long, market=2, amount=1)


def test_margin_keeps_the_bound_of_cash() -> None:
    desk, long, own = isolated_pair()
    desk.columns["bucket_raw"][own] = RAW_USD_MAX - 4
    desk.refused(code.CASH_BOUND, MARGIN, account=long, market=0, amount=5)
    desk.must(MARGIN, account=long, market=0, amount=4)


# moving positions


def test_a_position_moves_with_everything_that_is_its_own() -> None:
    desk, long, _ = pair()
    c = desk.columns
    desk.trade(long, 1, 0, 3, 130 * USD)
    desk.mark(0, 110 * USD)
    desk.fund(0, 10**12)
    slot = desk.slot(long, 0)
    kept = [int(c[f"slot_{name}"][slot]) for name in ("size", "entry", "leverage")]
    equity = model.equity(c, long)
    sums = [int(c[f"market_{name}"][0]) for name in ("open", "entry_sum")]
    told = desk.must(MOVE, account=long, market=0, flags=ISOLATED, amount=300 * USD)
    own = rows.find_isolated(desk.s, long, 0)
    assert told[-1]["kind"] == event.POSITION_MOVED
    names = ("bucket", "other", "size", "order", "amount")
    assert [told[-1][name] for name in names] == [
        long,
        own,
        13,
        kept[1],
        300 * USD,
    ]
    assert desk.slot(own, 0) == slot
    assert desk.slot(long, 0) == 0
    assert [int(c[f"slot_{name}"][slot]) for name in ("size", "entry", "leverage")] == kept
    assert model.cash(c, own) == 300 * USD
    assert model.cash(c, long) == desk.raw(long) == (1_000 - 300 - 13) * USD
    assert model.equity(c, own) + model.equity(c, long) == equity
    assert [int(c[f"market_{name}"][0]) for name in ("open", "entry_sum")] == sums
    assert c["setting_isolated"][rows.setting_of(desk.s, long, 0)] == 1
    assert c["bucket_fired"][own] == c["bucket_fired"][long] == 1
    desk.fund(0, 10**12)
    told = desk.must(MOVE, account=long, market=0, amount=0)
    assert [row["kind"] for row in told] == [event.FUNDING_PAID, event.POSITION_MOVED, event.ISOLATED_RETURNED]
    assert [told[1][name] for name in names] == [
        own,
        long,
        13,
        kept[1],
        287 * USD,
    ]
    assert told[2]["amount"] == 0
    assert desk.slot(long, 0) == slot
    assert [int(c[f"slot_{name}"][slot]) for name in ("size", "entry", "leverage")] == kept
    assert model.cash(c, long) == (1_000 - 26) * USD
    assert rows.find_isolated(desk.s, long, 0) == -1
    assert c["setting_isolated"][rows.setting_of(desk.s, long, 0)] == 0
    assert is_conserved(desk)


def test_a_position_in_the_middle_of_a_list_moves() -> None:
    desk = Desk(number=4)
    long, short = desk.account(10_000), desk.account(10_000)
    for market in range(4):
        desk.trade(long, short, market, 10)
    for market in (1, 3, 0):
        desk.isolate(long, market, 100 * USD)
    assert [p.market for p in model.places(desk.columns, long)] == [2]
    for market in (0, 1, 3):
        desk.must(MOVE, account=long, market=market)
    assert sorted(p.market for p in model.places(desk.columns, long)) == [0, 1, 2, 3]
    assert desk.raw(long) == 10_000 * USD - 4 * 10 * PRICE
    assert is_conserved(desk)


def test_a_position_that_moves_leaves_the_ladder_until_its_buckets_are_measured() -> None:
    desk, long, _ = pair(10_000)
    desk.trade(long, 1, 1, 10)
    c, states = desk.columns, state.for_kernels(desk.array)
    evaluate(states)
    slot, stays = desk.slot(long, 0), desk.slot(long, 1)
    assert NEVER_KEY < c["slot_link"][slot, KEY] < ALWAYS_KEY
    own = desk.isolate(long, 0, 300 * USD)
    assert c["slot_link"][slot, KEY] == NEVER_KEY
    assert c["slot_owner"][slot] == own
    assert c["slot_link"][stays, KEY] > NEVER_KEY
    assert c["row_head"][0].any() == 0
    assert c["bucket_fired"][own] == c["bucket_fired"][long] == 1
    evaluate(states)
    assert NEVER_KEY < c["slot_link"][slot, KEY] < ALWAYS_KEY
    assert c["row_head"][0].sum() == slot


def test_the_isolated_bucket_must_have_initial_margin_after() -> None:
    desk, long, _ = pair()
    desk.refused(code.INITIAL_MARGIN, MOVE, account=long, market=0, flags=ISOLATED, amount=50 * USD - 1)
    desk.must(MOVE, account=long, market=0, flags=ISOLATED, amount=50 * USD)


def test_the_cross_bucket_must_have_initial_margin_after() -> None:
    desk, long, short = pair(200)
    desk.trade(long, short, 1, 20)  # needs 100
    desk.refused(code.INITIAL_MARGIN, MOVE, account=long, market=0, flags=ISOLATED, amount=100 * USD + 1)
    desk.must(MOVE, account=long, market=0, flags=ISOLATED, amount=100 * USD)


def test_an_account_with_one_position_gives_no_more_than_it_has() -> None:
    desk, long, _ = pair(200)
    desk.refused(code.WITHDRAWABLE, MOVE, account=long, market=0, flags=ISOLATED, amount=200 * USD + 1)
    desk.must(MOVE, account=long, market=0, flags=ISOLATED, amount=200 * USD)
    assert desk.raw(long) == 0


def test_cross_must_have_initial_margin_for_what_it_receives() -> None:
    desk, long, own = isolated_pair(100 * USD, 100)
    desk.columns["bucket_raw"][own] -= 50 * USD + 1
    desk.refused(code.INITIAL_MARGIN, MOVE, account=long, market=0)
    desk.columns["bucket_raw"][own] += 1
    desk.must(MOVE, account=long, market=0)


def test_unrealised_profit_does_not_stay_behind_as_cash() -> None:
    """The profit goes with its position: cross keeps no more than its cash less the margin, or its other profits."""
    desk, long, short = pair(100)
    desk.trade(long, short, 1, 10)
    desk.mark(0, 2 * PRICE)
    desk.mark(1, 2 * PRICE)  # profits of 1,000 in both, cash 100
    desk.refused(code.WITHDRAWABLE, MOVE, account=long, market=0, flags=ISOLATED, amount=100 * USD + 1)
    desk.columns["market_insurance"][0] += 10**12
    desk.refused(code.WITHDRAWABLE, MOVE, account=long, market=0, flags=ISOLATED, amount=100 * USD + 1)
    desk.columns["market_insurance"][1] += 7
    desk.refused(code.WITHDRAWABLE, MOVE, account=long, market=0, flags=ISOLATED, amount=100 * USD + 8)
    desk.must(MOVE, account=long, market=0, flags=ISOLATED, amount=100 * USD + 7)
    assert desk.columns["market_advanced"][1] == 7
    assert desk.columns["market_advanced"][0] == 0


def test_an_advance_goes_where_its_position_goes() -> None:
    desk, long, _ = pair(100)
    desk.mark(0, 3 * PRICE)
    desk.columns["market_insurance"][0] = 10**13
    desk.must(command.WITHDRAW, account=long, amount=150 * USD)
    c = desk.columns
    assert c["bucket_advanced"][long] == 50 * USD
    desk.refused(code.WITHDRAWABLE, MOVE, account=long, market=0, flags=ISOLATED, amount=0)
    desk.deposit(long, 400 * USD)
    assert c["bucket_advanced"][long] == 0
    own = desk.isolate(long, 0, 300 * USD)
    desk.must(MARGIN, account=long, market=0, amount=-320 * USD)
    assert c["bucket_advanced"][own] == c["market_advanced"][0] == 20 * USD
    desk.must(command.WITHDRAW, account=long, amount=desk.raw(long))
    desk.must(MOVE, account=long, market=0)
    assert c["bucket_advanced"][own] == 0
    assert c["bucket_advanced"][long] == c["market_advanced"][0] == desk.cell[state.ADVANCED] == 20 * USD


def test_an_advance_is_repaid_from_the_cash_that_its_position_comes_to() -> None:
    desk, long, _ = pair(300)
    desk.mark(0, 3 * PRICE)
    desk.columns["market_insurance"][0] = 10**13
    desk.isolate(long, 0, 300 * USD)
    desk.must(MARGIN, account=long, market=0, amount=-320 * USD)
    assert desk.columns["market_advanced"][0] == 20 * USD
    desk.must(MOVE, account=long, market=0)
    assert desk.columns["market_advanced"][0] == desk.cell[state.ADVANCED] == 0


def test_funding_that_cross_owes_is_not_left_behind_for_its_profits_to_pay() -> None:
    desk, long, short = pair(100)
    desk.trade(long, short, 1, 10)
    desk.mark(0, 2 * PRICE)
    desk.mark(1, 2 * PRICE)
    desk.fund(1, 10**12)  # 10 USD
    desk.refused(code.WITHDRAWABLE, MOVE, account=long, market=0, flags=ISOLATED, amount=90 * USD + 1)
    desk.must(MOVE, account=long, market=0, flags=ISOLATED, amount=90 * USD)
    assert desk.cell[state.ADVANCED] == 0


def test_a_move_to_cross_keeps_the_bound_of_cash() -> None:
    desk, _, short = pair()
    own = desk.isolate(short, 0, 200 * USD)
    desk.columns["bucket_raw"][short] = RAW_USD_MAX - desk.raw(own) + 1
    desk.refused(code.CASH_BOUND, MOVE, account=short, market=0)
    desk.columns["bucket_raw"][short] -= 1
    desk.must(MOVE, account=short, market=0)


def test_no_position_moves_with_orders_beside_it() -> None:
    desk, long, _ = pair()
    desk.rest_order(long, 1)
    desk.must(MOVE, account=long, market=0, flags=ISOLATED, amount=300 * USD)
    own = rows.find_isolated(desk.s, long, 0)
    desk.rest_order(own, 0, 6)
    desk.refused(code.HAS_POSITION, MOVE, account=long, market=0)
    desk.drop_orders(own)
    desk.rest_order(long, 0, 7)
    desk.refused(code.HAS_POSITION, MOVE, account=long, market=0)
    desk.drop_orders(long)
    desk.must(MOVE, account=long, market=0)
    desk.rest_order(long, 0)
    desk.refused(code.HAS_POSITION, MOVE, account=long, market=0, flags=ISOLATED, amount=300 * USD)


@pytest.mark.parametrize("column", ["bucket_class", "bucket_liquidating"])
def test_no_position_moves_in_liquidation(column: str) -> None:
    desk, long, own = isolated_pair()
    for bucket in (own, long):
        desk.columns[column][bucket] = 1
        desk.refused(code.BEING_LIQUIDATED, MOVE, account=long, market=0)
        desk.columns[column][bucket] = 0
    desk.must(MOVE, account=long, market=0)
    desk.columns[column][long] = 1
    desk.refused(code.BEING_LIQUIDATED, MOVE, account=long, market=0, flags=ISOLATED, amount=300 * USD)


def test_no_position_moves_on_a_stale_price() -> None:
    desk, long, own = isolated_pair()
    desk.trade(long, 1, 1, 1)
    for market in (0, 1):
        desk.mark(market, PRICE, fresh=False)
        desk.refused(code.STALE_PRICE, MOVE, account=long, market=0)
        desk.mark(market, PRICE)
    desk.must(MOVE, account=long, market=0)
    assert rows.find_isolated(desk.s, long, 0) == -1
    assert desk.columns["bucket_kind"][own] == state.UNUSED


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"flags": 1}, code.BAD_FIELD),
        ({"flags": ISOLATED | 1}, code.BAD_FIELD),
        ({"flags": ISOLATED, "amount": -1}, code.BAD_AMOUNT),
        ({"flags": ISOLATED, "amount": AMOUNT_MAX + 1}, code.BAD_AMOUNT),
        ({"amount": 1}, code.BAD_AMOUNT),
        ({}, code.NOT_ISOLATED),
        ({"market": 1, "flags": ISOLATED}, code.NO_POSITION),
        ({"market": 2, "flags": ISOLATED}, code.UNKNOWN_MARKET),
    ],
)
def test_moves_out_of_range(fields: dict[str, int], expected: int) -> None:
    desk, long, _ = pair()
    desk.refused(expected, MOVE, account=long, **{"market": 0, **fields})


def test_a_slot_of_orders_alone_is_no_position() -> None:
    desk, long, _ = pair()
    desk.trade(1, long, 0, 10)
    slot = open_slot(desk.s, long, 0, 20)
    desk.columns["slot_bids"][slot] = 1
    desk.refused(code.NO_POSITION, MOVE, account=long, market=0, flags=ISOLATED, amount=50 * USD)


def test_a_position_moves_only_within_the_leverage_of_isolated_ones() -> None:
    desk, long, _ = pair()
    desk.columns["param"][0, parameter.ISOLATED_LEVERAGE_CAP] = 19
    desk.refused(code.LEVERAGE_CAP, MOVE, account=long, market=0, flags=ISOLATED, amount=300 * USD)
    desk.columns["param"][0, parameter.ISOLATED_LEVERAGE_CAP] = 20
    desk.must(MOVE, account=long, market=0, flags=ISOLATED, amount=300 * USD)


def test_a_full_cross_bucket_takes_no_position_more() -> None:
    desk, long, own = isolated_pair()
    for _ in range(POSITIONS_PER_BUCKET):
        slot = open_slot(desk.s, long, 1, 20)
    desk.refused(code.POSITIONS_FULL, MOVE, account=long, market=0)
    desk.columns["slot_size"][slot] = 0
    close_empty_slot(desk.s, slot)
    desk.must(MOVE, account=long, market=0)
    assert desk.columns["bucket_kind"][own] == state.UNUSED
