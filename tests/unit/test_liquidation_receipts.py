"""Receipts: a user can compute every figure again; and the rule sets are values that the venue accepts."""

import json

import pytest

from liquidation_world import USD, Arena, of_kind
from model import waterfall as model
from seawall.engine.tiers import is_covered
from seawall.lab.levels import levels_of
from seawall.ledger.markets import BACKSTOP
from seawall.liquidation import partial
from seawall.liquidation.receipt import WAITS, deleveragings, receipts
from seawall.liquidation.rules import RULES
from seawall.terms import event, parameter, venue_parameter
from seawall.units import RATE_ONE

MARK = 100 * USD


def story() -> tuple[Arena, int, list[dict[str, int]]]:
    """A long that is sold in part, given to the vault in part, insured in part and deleveraged for the rest."""
    arena = Arena()
    arena.market(MARK, liquidation_fee=RATE_ONE // 200, backstop_cap=30 * 90 * USD)
    winner, loser, maker = arena.bucket(10**12), arena.bucket(600 * USD), arena.bucket(10**12)
    arena.deal(loser, winner, 0, 100, MARK)
    arena.cash(arena.pool(0, BACKSTOP), 10_000 * USD)
    arena.insure(0, 200 * USD)
    arena.bid(maker, 0, 98 * USD, 10)
    arena.mark(0, 90 * USD)
    return arena, loser, arena.run()


def test_a_receipt_tells_the_whole_story_and_its_figures_add_up() -> None:
    arena, loser, events = story()
    (told,) = receipts(events, loser)
    assert json.loads(json.dumps(told)) == told
    assert told["steps"][0]["what"] == "started"
    assert told["steps"][-1]["what"] == "ended"
    assert {"sold", "vault", "paid", "deleveraged"} <= {step["what"] for step in told["steps"]}
    (held,) = told["positions"]
    assert told["equity"] == 600 * USD + held["size"] * held["mark"] - held["entry_notional"] == -400 * USD
    assert held["maintenance"] == told["maintenance"] == 225 * USD
    assert told["liquidation_end"] == 229_500_000
    closed = [step for step in told["steps"] if "lots" in step]
    assert sum(step["lots"] for step in closed) == -100
    gained = sum(abs(step["lots"]) * step["price"] for step in closed) - 100 * held["mark"]
    paid = told["paid_by_insurance"] + told["paid_by_winners"] + told["bad_debt"]
    assert told["equity"] + gained + paid - told["fees"] == told["equity_after"] == arena.raw(loser)
    assert told["finished"]
    assert told["all_closed"]


def test_the_bankruptcy_price_in_a_receipt_can_be_computed_again() -> None:
    arena = Arena(MARK)
    winner, loser, maker = arena.bucket(10**12), arena.bucket(240 * USD), arena.bucket(10**12)
    arena.deal(loser, winner, 0, 100, MARK)
    arena.bid(maker, 0, 99 * USD, 1_000)
    world = arena.picture()
    (told,) = receipts(arena.run(), loser)
    (sold,) = [step for step in told["steps"] if step["what"] == "sold"]
    assert sold["bankruptcy_price"] == model.bankruptcy(world, loser, 0, sold["sought"])
    assert sold["sought"] == model.least(world, loser, 0, [(99 * USD, 1_000)])
    assert (sold["equity"], sold["maintenance"]) == model.health(world, loser)


def test_the_winner_sees_what_was_closed_of_it_and_why() -> None:
    _, loser, events = story()
    told = deleveragings(events, 0)
    assert sum(step["lots"] for step in told) == -sum(e["size"] for e in of_kind(events, event.ADL))
    assert all(step["market"] == 0 and step["equity_after"] >= step["maintenance_after"] for step in told)
    assert deleveragings(events, loser) == []
    assert receipts(events, 0) == []


def test_waiting_before_the_start_belongs_to_the_receipt_and_each_liquidation_has_its_own() -> None:
    arena = Arena(MARK)
    winner, loser, maker = arena.bucket(10**12), arena.bucket(240 * USD), arena.bucket(10**12)
    arena.deal(loser, winner, 0, 100, MARK)
    arena.bid(maker, 0, MARK, 1_000)
    arena.c["market_fresh"][0] = 0
    events = arena.liquidate()
    arena.c["market_fresh"][0] = 1
    events += arena.run()
    arena.cash(loser, -10 * USD)
    arena.mark(0, 99 * USD)
    arena.bid(maker, 0, 99 * USD, 1_000)
    events += arena.run()
    first, second = receipts(events, loser)
    assert [step["what"] for step in first["steps"]][:2] == ["waited", "started"]
    assert first["steps"][0]["reason"] == WAITS[partial.STALE]
    assert second["steps"][0]["what"] == "started"


def test_an_unfinished_run_has_a_receipt_as_well() -> None:
    arena = Arena(MARK)
    winner, loser, maker = arena.bucket(10**12), arena.bucket(240 * USD), arena.bucket(10**12)
    arena.deal(loser, winner, 0, 100, MARK)
    arena.bid(maker, 0, MARK, 3)
    (told,) = receipts(arena.liquidate(units=1), loser)
    assert not told["finished"]
    assert told["closed_notional"] == 3 * MARK
    assert told["equity_after"] is None


def test_every_reason_to_wait_has_words() -> None:
    reasons = (partial.THROTTLE, partial.GATE, partial.COOLDOWN, partial.STALE, partial.HALTED, partial.NO_LIQUIDITY)
    assert set(WAITS) == set(reasons)


# rule sets


@pytest.mark.parametrize("name", list(RULES))
def test_a_rule_set_is_within_the_ranges_and_says_where_it_is_from(name: str) -> None:
    rules = RULES[name]
    assert rules.name == name
    assert rules.remarks
    for values, specs in ((rules.venue, venue_parameter.VENUE), (rules.market, parameter.MARKET)):
        for number, value in values.items():
            assert specs[number].low <= value <= specs[number].high, specs[number].name


def test_a_liquidation_of_seawalls_own_set_ends_where_new_risk_may_begin() -> None:
    """With its levels (lab/levels.py) a bucket at liquidation end has at most its initial margin, and nearly that."""
    exit_rate = RATE_ONE + RULES["seawall"].venue[parameter.EXIT_BUFFER]
    for _, leverage, maintenance in levels_of("seawall", "BTC", 0):
        assert 0.95 <= leverage * maintenance * exit_rate / RATE_ONE <= 1.0
        assert is_covered(int(leverage), int(maintenance * RATE_ONE))


@pytest.mark.parametrize(
    ("name", "lots"),
    [("static", 2_000), ("hyperliquid", 400), ("dydx", 200), ("binance", 2_000), ("drift", None), ("seawall", None)],
)
def test_the_first_step_of_each_venue(name: str, lots: int | None) -> None:
    """A long of 200,000 USD, barely unhealthy, and a deep bid at mark."""
    arena = Arena(MARK)
    for number, value in RULES[name].venue.items():
        arena.c["param"][arena.capacity.markets, number] = value
    for number, value in RULES[name].market.items():
        arena.c["param"][0, number] = value
    winner, loser, maker = arena.bucket(10**13), arena.bucket(4_900 * USD), arena.bucket(10**13)
    arena.deal(loser, winner, 0, 2_000, MARK)
    arena.bid(maker, 0, MARK, 10**5)
    sold = -of_kind(arena.liquidate(units=1), event.LIQUIDATION_FILL)[0]["size"]
    if lots is not None:
        assert sold == lots
        return
    least = model.least(_before(arena, loser, sold), loser, 0, [(MARK, 10**5)])
    assert least is not None
    assert sold == (least if name == "seawall" else least // 10)


def _before(arena: Arena, loser: int, sold: int) -> dict:
    world = arena.picture()
    book = world["buckets"][loser]
    book["positions"][0] = (2_000, 2_000 * MARK)
    book["raw"] = 4_900 * USD - 2_000 * MARK
    assert sold > 0
    return world
