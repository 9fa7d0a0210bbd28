"""The queue and its bounds: order of risk, budgets, those who wait hold nobody up, a whole market at once."""

import pytest

from liquidation_world import EVALUATE, UNIT, USD, Arena, of_kind
from liquidation_world import MARK as SET_MARK
from seawall.ledger import state
from seawall.ledger.markets import BACKSTOP
from seawall.liquidation import step
from seawall.terms import event, parameter
from seawall.units import RATE_ONE

MARK = 100 * USD


def crowd(count: int, cash: int = 240, markets: int = 1, size: int = 100) -> tuple[Arena, list[int], int]:
    """(arena, longs, bank): so many longs of 10,000 USD in the first market, maintenance 250, against one bank."""
    arena = Arena(*[MARK] * markets)
    bank = arena.bucket(10**14)
    longs = [arena.bucket(cash * USD) for _ in range(count)]
    for bucket in longs:
        arena.deal(bucket, bank, 0, size, MARK)
    return arena, longs, bank


@pytest.mark.parametrize(
    ("equity", "expected"),
    [(-1, 0), (0, 0), (3_906_249, 0), (3_906_250, 1), (246_093_749, 62), (246_093_750, 63), (249_999_999, 63)],
)
def test_classes_are_64ths_of_maintenance(equity: int, expected: int) -> None:
    arena, (bucket,), _ = crowd(1, cash=0)
    arena.cash(bucket, equity)
    arena.do(EVALUATE, 10)
    assert arena.c["bucket_class"][bucket] == 1 + expected
    assert arena.c["queue_first"][expected] == arena.c["queue_last"][expected] == bucket + 1
    arena.check()


def test_evaluation_has_a_budget_and_the_rest_waits_its_turn() -> None:
    arena, longs, _ = crowd(10)
    assert arena.do(EVALUATE, 4)[0] == 4
    assert arena.do(EVALUATE, 100)[0] > 0
    assert arena.c["cell"][state.QUEUED] == len(longs)
    assert arena.do(EVALUATE, 100)[0] == 0


def test_a_bucket_that_is_well_again_leaves_and_is_placed() -> None:
    arena, (bucket,), _ = crowd(1)
    arena.do(EVALUATE, 10)
    arena.cash(bucket, 1_000 * USD)
    arena.deal(bucket, 0, 0, 1, MARK)
    arena.do(EVALUATE, 10)
    assert arena.c["bucket_class"][bucket] == arena.c["cell"][state.QUEUED] == 0
    arena.do(SET_MARK, 0, 85 * USD, 85 * USD)
    assert arena.c["bucket_fired"][bucket] == 1


def test_a_bucket_found_well_while_it_waits_is_placed_again() -> None:
    arena, (bucket,), _ = crowd(1)
    arena.do(EVALUATE, 10)
    assert arena.c["cell"][state.QUEUED] == 1
    arena.cash(bucket, 1_000 * USD)
    arena.do(UNIT)
    assert arena.c["cell"][state.QUEUED] == arena.c["bucket_fired"][bucket] == 0
    arena.do(SET_MARK, 0, 85 * USD, 85 * USD)
    assert arena.c["bucket_fired"][bucket] == 1


def test_one_unit_is_one_piece_of_work() -> None:
    arena, longs, bank = crowd(5)
    arena.bid(bank, 0, 90 * USD, 1)
    arena.bid(arena.bucket(10**14), 0, MARK, 10**4)
    found = arena.liquidate(units=1)
    assert {e["bucket"] for e in of_kind(found, event.LIQUIDATION)} == {longs[0]}
    assert len(of_kind(found, event.LIQUIDATION_FILL)) == 1


def test_what_gets_worse_in_the_queue_is_seen_and_served_first() -> None:
    """Two buckets just below maintenance in two markets; then the second market falls: its bucket goes first."""
    arena = Arena(MARK, MARK)
    bank, one, two = arena.bucket(10**14), arena.bucket(249 * USD), arena.bucket(249 * USD)
    arena.deal(one, bank, 0, 100, MARK)
    arena.deal(two, bank, 1, 100, MARK)
    arena.do(EVALUATE, 10)
    arena.mark(1, 99 * USD)
    assert arena.c["bucket_class"][one] == arena.c["bucket_class"][two]
    assert of_kind(arena.liquidate(units=1), event.LIQUIDATION)[0]["bucket"] == two


def test_those_who_wait_hold_nobody_up() -> None:
    """100 buckets in debt in a stale market, one just below maintenance in a fresh one: it is served at once."""
    arena, longs, bank = crowd(100, cash=10, markets=2)
    other = arena.bucket(249 * USD)
    arena.deal(other, bank, 1, 100, MARK)
    arena.bid(arena.bucket(10**14), 1, MARK, 10**4)
    arena.c["market_fresh"][0] = 0
    for _ in range(3):
        arena.liquidate(units=64)
    assert arena.size(other, 1) < 100
    assert all(arena.size(bucket) == 100 for bucket in longs)
    told = len(of_kind(arena.liquidate(), event.LIQUIDATION_WAITS))
    assert told == 0
    arena.c["market_fresh"][0] = 1
    arena.run()
    assert not any(arena.size(bucket) for bucket in longs)


@pytest.mark.parametrize(
    "policy", [parameter.QUEUE, parameter.PRO_RATA, parameter.RISK_AWARE_PRO_RATA, parameter.LEAST_HARM]
)
@pytest.mark.parametrize("fall", [3, 20, 60])
def test_all_open_interest_of_a_market_at_once(policy: int, fall: int) -> None:
    """120 longs, 100 shorts of all sizes, no book: everything that is unhealthy goes, in bounded commands, exactly.

    Units: each loser takes at most one unit to start and close at b, one at mark, one to end; a scan counts 8. So a
    bound of 2 + 8 + 8 units each, and no fewer than 32 of 64 units a command are for those in the classes.
    """
    arena = Arena(MARK)
    arena.param(-1, "adl_policy", policy)
    longs = [arena.bucket((5 + k % 11) * (1 + k % 7) * 10 * USD) for k in range(120)]
    shorts = [arena.bucket((200 + 13 * k % 900) * USD) for k in range(100)]
    for k, bucket in enumerate(longs):
        arena.deal(bucket, shorts[k % 100], 0, (1 + k % 7) * 10, MARK)
    arena.insure(0, 500 * USD)
    arena.cash(arena.pool(0, BACKSTOP), 300 * USD)
    arena.param(0, "backstop_cap", 100 * MARK)
    arena.mark(0, (100 - fall) * USD)
    commands = 0
    while arena.c["cell"][state.QUEUED] or arena.c["count"][3] or arena.c["market_short"].any() or commands == 0:
        found = arena.liquidate()
        commands += 1
        assert len(found) <= 8_192
        assert commands <= 220 * 18 // 32
    for bucket in (*longs, *shorts):
        equity, needed = arena.health(bucket)
        assert equity >= needed


def test_events_of_a_command_stay_within_their_bound() -> None:
    """60 longs against 200 shorts, all closed by ADL in the same commands."""
    arena = Arena(MARK)
    shorts = [arena.bucket(300 * USD) for _ in range(150)]
    longs = [arena.bucket(100 * USD) for _ in range(60)]
    for bucket in longs:
        for k, short in enumerate(shorts):
            if k % 3 == 0:
                arena.deal(bucket, short, 0, 1, MARK)
    arena.mark(0, 97 * USD)
    while arena.c["cell"][state.QUEUED] or arena.c["count"][3]:
        assert len(arena.liquidate()) <= 8_192
    assert step.UNIT_EVENTS < 8_192


def test_a_shared_loss_is_worked_off_before_any_bucket() -> None:
    arena, (first, _), bank = crowd(2, cash=230)
    arena.do(EVALUATE, 10)
    arena.c["market_short"][0] = 70 * USD
    arena.c["cell"][state.BAD_DEBT] -= 70 * USD
    arena.c["cell"][state.VAULT] -= 70 * USD
    arena.mark(0, 99 * USD)
    arena.take_events()
    assert arena.do(UNIT)[0] == step.SCAN_UNITS
    found = arena.take_events()
    assert [(e["bucket"], e["amount"]) for e in of_kind(found, event.SOCIALISED)] == [(bank, 70 * USD)]
    assert arena.size(first) == 100
    arena.check()


def test_cuts_are_pro_rata_to_the_unit_and_exact_in_sum() -> None:
    from model import waterfall as model

    arena = Arena(MARK)
    loser, sizes = arena.bucket(10**12), (1, 2, 3, 7, 50, 333)
    winners = [arena.bucket(10**9) for _ in sizes]
    for bucket, size in zip(winners, sizes, strict=True):
        arena.deal(loser, bucket, 0, size, MARK)
    arena.mark(0, 99 * USD)
    amount = 100 * USD + 1
    arena.c["market_short"][0], arena.c["cell"][state.BAD_DEBT] = amount, -amount
    arena.c["cell"][state.VAULT] -= amount
    arena.take_events()
    arena.do(UNIT)
    cuts = [e["amount"] for e in of_kind(arena.take_events(), event.SOCIALISED)]
    assert cuts == model.haircuts([size * USD for size in sizes], amount)
    entries = arena.c["slot_entry"][arena.c["bucket_first"][winners]]
    assert (arena.c["bucket_raw"][winners] + entries == 10**9).all()  # out of their profit: what they paid in stays
    assert sum(cuts) == amount
    arena.check()


def test_a_bucket_in_liquidation_pays_no_share() -> None:
    """It would only raise the debt of tomorrow: the other winner pays all of it."""
    arena = Arena(MARK)
    loser, one, two = arena.bucket(10**12), arena.bucket(10**9), arena.bucket(10**9)
    for bucket in (one, two):
        arena.deal(loser, bucket, 0, 10, MARK)
    arena.mark(0, 99 * USD)
    arena.c["bucket_liquidating"][one] = 1
    arena.c["market_short"][0], arena.c["cell"][state.BAD_DEBT] = 6 * USD, -6 * USD
    arena.take_events()
    arena.do(UNIT)
    cuts = of_kind(arena.take_events(), event.SOCIALISED)
    assert [(e["bucket"], e["amount"]) for e in cuts] == [(two, 6 * USD)]


def test_the_fund_of_another_market_is_never_asked() -> None:
    arena, (bucket,), _ = crowd(1, cash=100, markets=2)
    arena.insure(1, 10**9)
    arena.mark(0, 90 * USD)
    arena.run()
    assert arena.c["market_insurance"][1] == 10**9
    assert arena.size(bucket) == 0


def test_withdrawals_close_when_negative_equity_is_seen() -> None:
    for cash, closed in ((100, True), (1_001, False)):
        arena, _, _ = crowd(1, cash=cash)
        arena.mark(0, 90 * USD)
        arena.run()
        assert arena.c["cell"][state.GATE_UNTIL] == (arena.c["cell"][state.NOW] + 300_000 if closed else 0)


def test_the_exit_buffer_is_where_it_ends() -> None:
    for buffer in (0, RATE_ONE // 50, RATE_ONE // 10):
        arena, (bucket,), bank = crowd(1)
        arena.param(-1, "exit_buffer", buffer)
        arena.bid(arena.bucket(10**14), 0, MARK, 10**4)
        arena.run()
        equity, needed = arena.health(bucket)
        assert equity >= needed * (RATE_ONE + buffer) // RATE_ONE
        assert bank == 0
