"""Deleveraging: the public rank, who is closed for how much under each policy, and that nobody is harmed by it."""

import random
from typing import Any

import numpy as np
import pytest

from liquidation_world import HARMLESS, RANK, USD, Arena, of_kind
from model import waterfall as model
from seawall.kernel import INTERPRETED, kernel
from seawall.ledger import state
from seawall.liquidation import adl
from seawall.terms import event, parameter
from seawall.terms.limits import ADL_COUNTERPARTIES
from seawall.units import RATE_ONE

MARK = 100 * USD
POLICIES = (parameter.QUEUE, parameter.PRO_RATA, parameter.RISK_AWARE_PRO_RATA, parameter.LEAST_HARM)


def crowd(policy: int, *shorts: tuple[int, int, int], debt: int = 0) -> tuple[Arena, int]:
    """(arena, loser): shorts of (lots, entry in USD, cash in USD) against one long whose equity at mark is -debt."""
    arena = Arena(MARK)
    arena.param(-1, "adl_policy", policy)
    loser = arena.bucket(0)
    for lots, entry, cash in shorts:
        arena.deal(loser, arena.bucket(cash * USD), 0, lots, entry * USD)
    arena.mark(0, MARK)
    arena.cash(loser, -arena.health(loser)[0] - debt)
    return arena, loser


def closed(events: list[dict[str, int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for entry in of_kind(events, event.ADL):
        found[entry["other"]] = found.get(entry["other"], 0) - entry["size"]
    return found


def test_the_queue_closes_profit_times_leverage_first() -> None:
    """Profit 10 % each; leverage 1, 10 and 2: in that order, and only as much as there is."""
    arena, _ = crowd(parameter.QUEUE, (10, 110, 900), (10, 110, 0), (10, 110, 400))
    lights = [arena.do(RANK, bucket, 0) for bucket in (1, 2, 3)]
    assert [light[0] for light in lights] == [1, 4, 3]
    assert lights[1][1] > lights[2][1] > lights[0][1]
    assert arena.do(RANK, 0, 0)[0] == 4
    assert arena.do(RANK, 9, 0)[:2] == [-1, 0]
    arena.deal(arena.bucket(10**10), 0, 0, 5, MARK)  # the long has 25 of the 30
    found = arena.run()
    assert [(entry["other"], -entry["size"]) for entry in of_kind(found, event.ADL)] == [(2, 10), (3, 10), (1, 5)]


def test_those_at_a_loss_come_last_under_every_policy() -> None:
    for policy in POLICIES:
        arena, loser = crowd(policy, (10, 90, 500), (10, 101, 500))
        arena.deal(1, loser, 0, 4, MARK)
        found = arena.run()
        assert of_kind(found, event.ADL)[0]["other"] == 2
        assert closed(found) == {2: 10, 1: 6}


def test_a_bucket_in_debt_ranks_last_whatever_its_profit() -> None:
    for policy in POLICIES:
        arena, _ = crowd(policy, (10, 110, -200), (10, 101, 500), (10, 99, 500))
        assert [arena.do(RANK, bucket, 0)[1] > 1 for bucket in (1, 2, 3)] == [False, True, True]
        assert arena.do(RANK, 1, 0)[0] < arena.do(RANK, 3, 0)[0]


def test_pro_rata_is_exact_in_sum_and_by_size() -> None:
    """Shorts of 7, 20 and 14 against a long of 40 (one lot is closed before): 40 x 20 / 41 and so on, larger first."""
    arena, loser = crowd(parameter.PRO_RATA, (7, 110, 900), (20, 110, 900), (14, 110, 900))
    other = arena.bucket(10**10)
    arena.deal(other, loser, 0, 1, MARK)
    assert closed(arena.run()) == {2: 19, 3: 14, 1: 7}


def test_risk_aware_shares_weigh_size_by_leverage() -> None:
    """Equal sizes, leverage 10 and 1: the first pays ten times as much while it can."""
    arena, loser = crowd(parameter.RISK_AWARE_PRO_RATA, (100, 110, 0), (100, 110, 9_000))
    arena.deal(arena.bucket(10**12), loser, 0, 189, MARK)
    assert closed(arena.run()) == {1: 10, 2: 1}


def test_what_one_has_no_room_for_is_shared_among_the_others() -> None:
    """20 lots; leverage 10, 1 and 1: the first can close 10 of its 16, the other two share the rest alike."""
    arena, loser = crowd(parameter.RISK_AWARE_PRO_RATA, (10, 110, 0), (10, 110, 900), (10, 110, 900))
    arena.deal(arena.bucket(10**12), loser, 0, 10, MARK)
    assert closed(arena.run()) == {1: 10, 2: 5, 3: 5}


def test_two_debtors_close_against_each_other_and_their_market_makes_both_good() -> None:
    """Debts of 40 and 30 on the two sides of ten lots, and a fund of 100: both are gone, 70 are paid."""
    arena = Arena(MARK)
    loser, other, _ = arena.bucket(-40 * USD), arena.bucket(-30 * USD), arena.bucket(10**10)
    arena.deal(loser, other, 0, 10, MARK)
    arena.insure(0, 100 * USD)
    found = arena.run()
    paid = {e["bucket"]: e["amount"] for e in of_kind(found, event.DEFICIT) if e["other"] == event.INSURANCE}
    assert paid == {loser: 40 * USD, other: 30 * USD}
    assert arena.c["market_insurance"][0] == 30 * USD
    assert arena.size(loser) == arena.size(other) == arena.raw(loser) == arena.raw(other) == 0


def hedged(policy: int) -> tuple[Arena, int]:
    """Short 1 is the hedge of a long in the other market; short 2 is a bet. The long of 10 lots goes."""
    arena = Arena(MARK, MARK)
    arena.param(-1, "adl_policy", policy)
    loser, hedger, bettor = arena.bucket(0), arena.bucket(100 * USD), arena.bucket(900 * USD)
    arena.deal(loser, hedger, 0, 10, 110 * USD)
    arena.deal(loser, bettor, 0, 10, 110 * USD)
    arena.deal(hedger, arena.bucket(10**10), 1, 10, MARK)
    arena.deal(arena.bucket(10**10), loser, 0, 10, MARK)
    arena.cash(loser, -arena.health(loser)[0])
    return arena, hedger


def test_least_harm_spares_the_hedge_and_the_queue_does_not() -> None:
    for policy, others in ((parameter.LEAST_HARM, [2]), (parameter.QUEUE, [1])):
        arena, hedger = hedged(policy)
        assert arena.do(RANK, hedger, 0)[0] == (2 if policy == parameter.LEAST_HARM else 4)
        found = of_kind(arena.run(), event.ADL)
        assert [entry["other"] for entry in found] == others
        assert [entry["order"] for entry in found] == ([0] if others == [2] else [10 * MARK])


def test_a_hedge_is_closed_when_nothing_else_is_left_and_the_bared_exposure_is_told() -> None:
    arena, hedger = hedged(parameter.LEAST_HARM)
    arena.deal(2, arena.bucket(10**10), 0, 10, MARK)  # the bettor leaves; a newcomer hedged elsewhere takes its place
    newcomer = 5
    arena.deal(newcomer, arena.bucket(10**10), 1, 10, MARK)
    found = of_kind(arena.run(), event.ADL)
    assert {entry["other"] for entry in found} <= {hedger, newcomer}
    assert sum(entry["order"] for entry in found) == 10 * MARK


def test_a_hedge_in_another_bucket_of_the_account_counts() -> None:
    """The short is cross, the long that it hedges isolated: closing the short would lay the whole account bare."""
    arena = Arena(MARK, MARK)
    loser, hedger, bettor = arena.bucket(0), arena.bucket(100 * USD), arena.bucket(900 * USD)
    arena.deal(loser, hedger, 0, 10, 110 * USD)
    arena.deal(loser, bettor, 0, 10, 110 * USD)
    arena.deal(arena.isolated(hedger, 1, 500 * USD), arena.bucket(10**10), 1, 10, MARK)
    arena.deal(arena.bucket(10**10), loser, 0, 10, MARK)
    arena.cash(loser, -arena.health(loser)[0])
    assert closed(arena.run()) == {bettor: 10}


def test_a_partly_hedged_short_is_closed_down_to_its_hedge_first() -> None:
    """Short 10 against long 4 elsewhere: 6 lots are a bet. They go before anybody's hedge; nothing is bared."""
    arena = Arena(MARK, MARK)
    loser, partly, fully = arena.bucket(0), arena.bucket(500 * USD), arena.bucket(100 * USD)
    arena.deal(loser, partly, 0, 10, 110 * USD)
    arena.deal(loser, fully, 0, 10, 120 * USD)
    other = arena.bucket(10**10)
    arena.deal(partly, other, 1, 4, MARK)
    arena.deal(fully, other, 1, 10, MARK)
    arena.deal(arena.bucket(10**10), loser, 0, 12, MARK)
    arena.cash(loser, -arena.health(loser)[0])
    found = of_kind(arena.liquidate(units=1), event.ADL)
    assert [(entry["other"], -entry["size"], entry["order"]) for entry in found] == [(partly, 6, 0)]


def test_a_winner_is_cut_down_to_what_it_can_bear() -> None:
    """Two tiers: closing all of it at 114 would cost more than it has, a half frees most of its maintenance."""
    arena = Arena()
    arena.market(MARK, ((0, RATE_ONE // 100), (5_000 * USD, RATE_ONE // 4)))
    arena.param(-1, "adl_policy", parameter.QUEUE)
    loser, winner, rich = arena.bucket(0), arena.bucket(0), arena.bucket(10**10)
    arena.deal(loser, winner, 0, 100, 110 * USD)
    arena.deal(loser, rich, 0, 100, 101 * USD)
    arena.cash(winner, 330 * USD)
    arena.cash(loser, -arena.health(loser)[0] - 2_800 * USD)
    assert arena.do(HARMLESS, winner, 0, 100, 114 * USD)[:2] == [0, 50]
    found = of_kind(arena.liquidate(units=1), event.ADL)
    assert {entry["other"]: -entry["size"] for entry in found} == {winner: 50, rich: 100}
    assert all(entry["equity"] >= entry["maintenance"] for entry in found)


def test_what_a_winner_can_bear_is_counted_from_what_is_needed() -> None:
    """The same winner, but the loser has 60 lots: closing 60 it can bear, so it is not cut down to half of its 100."""
    arena = Arena()
    arena.market(MARK, ((0, RATE_ONE // 100), (5_000 * USD, RATE_ONE // 4)))
    loser, winner, bank = arena.bucket(0), arena.bucket(330 * USD), arena.bucket(10**12)
    arena.deal(loser, winner, 0, 60, 110 * USD)
    arena.deal(bank, winner, 0, 40, 110 * USD)
    arena.cash(loser, -arena.health(loser)[0] - 60 * 14 * USD)
    found = of_kind(arena.liquidate(units=1), event.ADL)
    assert [(entry["other"], -entry["size"], entry["price"]) for entry in found] == [(winner, 60, 114 * USD)]


@pytest.mark.parametrize(("short", "expected"), [(0, 1), (1, 0)])
def test_the_edge_of_what_a_winner_may_lose(short: int, expected: int) -> None:
    """Equity 2 x maintenance: closing half at a cost of half the equity keeps the ratio, just."""
    arena = Arena(MARK)
    loser, winner = arena.bucket(10**12), arena.bucket(500 * USD - short)
    arena.deal(loser, winner, 0, 100, MARK)
    assert arena.do(HARMLESS, winner, 0, 50, 105 * USD)[0] == expected


def test_a_winner_in_debt_may_only_gain() -> None:
    arena = Arena(MARK)
    loser, winner = arena.bucket(10**12), arena.bucket(-10 * USD)
    arena.deal(loser, winner, 0, 100, MARK)
    for price, expected in ((MARK, 1), (MARK - 1, 1), (MARK + 1, 0)):
        assert arena.do(HARMLESS, winner, 0, 50, price)[0] == expected


def test_unsettled_funding_counts_for_the_winner_and_is_paid() -> None:
    """The short owes 300 of funding it has not settled: with 500 less 300 it may not lose 400."""
    arena = Arena(MARK)
    loser, winner, bank = arena.bucket(10**4 * USD), arena.bucket(500 * USD), arena.bucket(10**12)
    arena.deal(loser, winner, 0, 100, MARK)
    assert arena.do(HARMLESS, winner, 0, 100, MARK + 4 * USD)[0] == 1
    arena.fund(0, -30_000)
    assert arena.do(HARMLESS, winner, 0, 100, MARK + 4 * USD)[0] == 0
    arena.cash(loser, -arena.health(loser)[0])
    found = arena.run()
    assert [e["amount"] for e in of_kind(found, event.FUNDING_PAID) if e["bucket"] == winner] == [-300 * USD]
    assert arena.raw(winner) == 200 * USD
    assert bank == 2


@pytest.mark.parametrize("seed", range(48))
def test_who_is_closed_equals_the_model(seed: int) -> None:
    """Random crowds under each policy, hedged and not, in and out of profit, the loser solvent or in debt."""
    dice = random.Random(seed)
    arena = Arena(MARK, 50 * USD)
    policy = POLICIES[seed % 4]
    arena.param(-1, "adl_policy", policy)
    loser, bank = arena.bucket(0), arena.bucket(10**13)
    is_long = dice.random() < 0.5
    for _ in range(dice.randint(1, 9)):
        other, lots, entry = arena.bucket(0), dice.randint(1, 40), dice.randint(80, 125) * USD
        arena.deal(*((loser, other) if is_long else (other, loser)), 0, lots, entry)
        if dice.random() < 0.5:
            arena.deal(*((other, bank) if dice.random() < 0.7 else (bank, other)), 1, dice.randint(1, 60), 50 * USD)
        needed = arena.health(other)[1]
        arena.cash(other, -arena.health(other)[0] + int(needed * dice.choice((1, 1.05, 1.5, 3, 20))))
    if dice.random() < 0.5 and (held := abs(arena.size(loser))) > 1:
        part = dice.randint(1, held - 1)
        arena.deal(*((bank, loser) if is_long else (loser, bank)), 0, part, MARK)
    debt = dice.choice((0, 0.5, 1, 3)) * arena.health(loser)[1]
    arena.cash(loser, -arena.health(loser)[0] - int(debt))
    world = arena.picture()
    price = model.bankruptcy(world, loser, 0, abs(arena.size(loser)))
    order = [int(arena.c["slot_owner"][slot]) for slot in range(1, 60) if arena.c["slot_market"][slot] == 0]
    order = [bucket for bucket in order if bucket >= 0 and bucket != loser]
    expected = model.deleveraged(world, loser, 0, price, order)
    found = of_kind(arena.liquidate(units=1), event.ADL)
    if expected:
        assert {entry["price"] for entry in found} == {price}
        assert {entry["other"]: abs(entry["size"]) for entry in found} == expected
    for entry in found:
        assert entry["order"] == _bared(world, entry)


def _bared(world: dict[str, Any], entry: dict[str, int]) -> int:
    before = model.exposure(world, entry["other"])
    return max(0, abs(before + -entry["size"] * world["markets"][0]["mark"]) - abs(before))


@kernel
def keep_all(states: Any, slots: Any, scores: Any) -> int:
    s, count, covered = states[0], 0, 0
    for i in range(len(slots)):
        count, covered = adl._keep(s, count, covered, slots[i], scores[i], 1)
    adl._sort(s, count)
    return count


@pytest.mark.parametrize("many", [0, 1, 2, 3, 1_023, 1_024, 1_025, 3_000])
def test_the_best_are_kept_in_rank_and_ties_go_by_position(many: int) -> None:
    dice = random.Random(many)
    array = state.create_state(state.SMALL)
    slots = np.arange(1, many + 1, dtype=np.int64)
    scores = np.array([dice.choice((0, 1, 2, dice.randint(0, 2**60))) for _ in range(many)], np.int64)
    given = (memoryview(slots), memoryview(scores)) if INTERPRETED else (slots, scores)
    count = keep_all(state.for_kernels(array), *given)
    assert count == min(many, ADL_COUNTERPARTIES)
    best = sorted(zip(scores.tolist(), slots.tolist(), strict=True), key=lambda pair: (-pair[0], pair[1]))[:count]
    kept = zip(array["adl_score"][0].tolist()[:count], array["adl_slot"][0].tolist()[:count], strict=True)
    assert list(kept) == best
