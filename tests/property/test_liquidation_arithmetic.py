"""The arithmetic of closing a position equals the model in fractions, at random and at the edges of debt and tiers."""

import random
from typing import Any

import pytest

from liquidation_world import CLOSING, COVERED, LEAST, USD, WORST, Arena
from model import waterfall as model
from seawall.terms import command, parameter
from seawall.units import RATE_ONE

SEEDS = range(60)
MICRO_EDGES = (-1, 0, 1)


def draw_tiers(dice: random.Random, notional: int) -> tuple[tuple[int, int], ...]:
    """One to three tiers whose knots lie around the position's notional."""
    rates = sorted(dice.sample([RATE_ONE // n for n in (200, 80, 40, 33, 20, 10, 7, 4, 2)], dice.choice((1, 2, 3))))
    knots = sorted({max(1, int(notional * dice.uniform(0.2, 1.2))) for _ in rates[1:]})
    return tuple(zip([0, *knots], rates, strict=False))


def draw_world(dice: random.Random, most: int) -> tuple[Arena, int, int, list[tuple[int, int]]]:
    """A bucket near its maintenance, in debt or not, with a book against its first position: (arena, bucket, ...)."""
    arena = Arena()
    price = dice.choice((1_003, 99_990, 100 * USD, 8_000 * USD))
    lots = dice.randint(1, most)
    for _ in range(dice.choice((1, 1, 2))):
        arena.market(price, draw_tiers(dice, lots * price), liquidation_fee=dice.choice((0, RATE_ONE // 200)))
    arena.param(-1, "exit_buffer", dice.choice((0, RATE_ONE // 50)))
    arena.param(0, "gate", dice.choice((RATE_ONE, RATE_ONE // 100)))
    arena.c["market_oracle"][0] = int(price * dice.choice((1, 1.005, 0.99)))
    winner, loser, maker = arena.bucket(2**50), arena.bucket(0), arena.bucket(2**50)
    is_long = dice.random() < 0.5
    for market in range(arena.market_count):
        size = lots if market == 0 else dice.randint(1, most)
        buyer, seller = (loser, winner) if is_long or market else (winner, loser)
        arena.deal(buyer, seller, market, size, price)
    needed = arena.health(loser)[1]
    arena.cash(
        loser,
        int(needed * dice.choice((-0.7, -0.2, -0.01, 0, 0.01, 0.5, 0.66, 0.9, 0.99, 1))) + dice.choice(MICRO_EDGES),
    )
    book = draw_book(dice, price, is_long, lots)
    for at, there in book:
        if is_long:
            arena.bid(maker, 0, at, there)
        else:
            arena.ask(maker, 0, at, there)
    return arena, loser, lots, book


def draw_book(dice: random.Random, price: int, is_long: bool, lots: int) -> list[tuple[int, int]]:
    """Levels on the price grid, best first, on the side that a forced order of the bucket meets."""
    unit = 10 ** max(0, len(str(price)) - 5)
    gap, book = dice.choice((0, 0, 1, -1, 20)), []
    for _ in range(dice.randint(0, 6)):
        gap += dice.choice((1, 2, 10, 40))
        at = price // unit - gap if is_long else price // unit + gap
        if 0 < at < 100_000:
            book.append((at * unit, dice.randint(1, max(1, lots // 2))))
    return book


def ask(arena: Arena, kind: int, bucket: int, lots: int = 1, value: int = 0) -> list[int]:
    return arena.do(kind, bucket, 0, lots, value)


@pytest.mark.parametrize("seed", SEEDS)
def test_shares_prices_fees_and_gaps_equal_the_model(seed: int) -> None:
    dice = random.Random(seed)
    arena, bucket, held, _ = draw_world(dice, 10**6 if seed % 2 else 40)
    world = arena.picture()
    mark = world["markets"][0]["mark"]
    for lots in {1, held, held // 2 or 1, dice.randint(1, held)}:
        value = lots * mark + dice.choice((-1, 1)) * dice.randint(0, lots * mark // 20)
        got = ask(arena, CLOSING, bucket, lots, value)
        assert tuple(got[:2]) == model.health(world, bucket)
        assert got[2] == model.after_close(world, bucket, 0, lots)
        assert got[3] == model.share_left(world, bucket, 0, lots)
        assert got[4] == model.bankruptcy(world, bucket, 0, lots)
        assert got[5] == model.fee(world, bucket, 0, lots, value)
        assert got[7] == max(0, got[3] - got[0] if got[0] < 0 else 0)
        assert ask(arena, WORST, bucket, lots)[0] == model.limit(world, bucket, 0, lots)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_bankruptcy_price_is_the_last_that_leaves_the_share(seed: int) -> None:
    arena, bucket, held, _ = draw_world(random.Random(1_000 + seed), 10**6)
    world = arena.picture()
    is_long = world["buckets"][bucket]["positions"][0][0] > 0
    for lots in {1, held, held // 3 or 1}:
        price, left = ask(arena, CLOSING, bucket, lots)[4], model.share_left(world, bucket, 0, lots)
        if 1 < price < world["markets"][0]["price_max"]:
            assert model.equity_if(world, bucket, 0, lots, price) >= left
            assert model.equity_if(world, bucket, 0, lots, price - 1 if is_long else price + 1) < left


@pytest.mark.parametrize("seed", range(60))
def test_what_is_closed_is_the_least_that_ends_the_liquidation(seed: int) -> None:
    """Brute force over every amount. Where none ends it the whole position goes out, or all that liquidity takes."""
    dice = random.Random(2_000 + seed)
    arena, bucket, held, book = draw_world(dice, 120)
    world = arena.picture()
    equity, needed = model.health(world, bucket)
    if equity >= model.end(world, needed):
        return
    expected, got = model.least(world, bucket, 0, book), ask(arena, LEAST, bucket)[0]
    if expected is not None:
        assert got == expected
    else:
        filled, _ = model.walk(book, got, model.limit(world, bucket, 0, got), _is_long(world, bucket))
        assert got == held or filled < got


def _is_long(world: dict[str, Any], bucket: int) -> bool:
    return bool(world["buckets"][bucket]["positions"][0][0] > 0)


def test_the_least_is_found_among_a_million_lots_of_a_deep_book() -> None:
    """One more lot than needed is one too many, one fewer leaves the bucket short."""
    arena = Arena(100 * USD)
    winner, loser, maker = arena.bucket(10**15), arena.bucket(245 * 10**10), arena.bucket(10**15)
    arena.deal(loser, winner, 0, 10**6, 100 * USD)
    for step in range(60):
        arena.bid(maker, 0, 100 * USD - step * 10_000, 9_000 + 17 * step)
    world, got = arena.picture(), ask(arena, LEAST, loser)[0]
    book = [(100 * USD - step * 10_000, 9_000 + 17 * step) for step in range(60)]
    for lots, enough in ((got, True), (got - 1, False)):
        filled, value = model.walk(book, lots, model.limit(world, loser, 0, lots), True)
        assert filled == lots
        assert model.restores(world, loser, 0, lots, value) is enough


@pytest.mark.parametrize("seed", range(20))
def test_insurance_covers_the_most_lots_it_can(seed: int) -> None:
    dice = random.Random(3_000 + seed)
    arena, bucket, held, _ = draw_world(dice, 200)
    arena.cash(bucket, -arena.health(bucket)[0] - dice.randint(1, 10**6))
    world = arena.picture()
    debt = -model.health(world, bucket)[0]
    for money in {0, 1, debt // 3, debt // 2, debt - 1, debt}:
        assert ask(arena, COVERED, bucket, held, money)[0] == model.covered(world, bucket, 0, held, money)


def share_mode(mode: int, **values: int) -> Arena:
    """A long of 1,000 lots at 100 USD (100,000 USD) that is just unhealthy, and a deep bid at mark."""
    arena = Arena(100 * USD)
    winner, loser, maker = arena.bucket(10**12), arena.bucket(2_499 * USD), arena.bucket(10**12)
    arena.deal(loser, winner, 0, 1_000, 100 * USD)
    arena.bid(maker, 0, 100 * USD, 10**5)
    arena.param(-1, "partial_mode", mode)
    for name, value in values.items():
        arena.param(-1, name, value)
    return arena


@pytest.mark.parametrize(
    ("mode", "values", "lots"),
    [
        (parameter.WHOLE, {}, 1_000),
        (parameter.SHARE_ABOVE, {"partial_floor": 99_999 * USD, "partial_share": RATE_ONE // 5}, 200),
        (parameter.SHARE_ABOVE, {"partial_floor": 100_000 * USD, "partial_share": RATE_ONE // 5}, 1_000),
        (parameter.SHARE_ABOVE, {"partial_floor": 0, "partial_share": RATE_ONE // 3 + 1}, 334),
        (parameter.SHARE_STEP, {"partial_floor": 1_000 * USD, "partial_share": RATE_ONE // 10}, 100),
        (parameter.SHARE_STEP, {"partial_floor": 30_000 * USD, "partial_share": RATE_ONE // 10}, 300),
        (parameter.SHARE_STEP, {"partial_floor": 0, "partial_ceiling": 1_999 * USD}, 19),
        (parameter.SHARE_STEP, {"partial_floor": 200_000 * USD}, 1_000),
        (parameter.SHARE_STEP, {"partial_floor": 0, "partial_share": 0}, 1),
    ],
)
def test_how_much_the_other_modes_close(mode: int, values: dict[str, int], lots: int) -> None:
    assert ask(share_mode(mode, **values), LEAST, 1)[1:3] == [lots, 0]


def test_dust_closes_whole_and_nothing_leaves_dust() -> None:
    arena = share_mode(parameter.MINIMAL)
    least = ask(arena, LEAST, 1)[0]
    assert ask(arena, LEAST, 1)[1] == least < 1_000
    rest = (1_000 - least) * 100 * USD
    arena.param(0, "dust_notional", rest - 1)
    assert ask(arena, LEAST, 1)[1] == least
    arena.param(0, "dust_notional", rest)
    assert ask(arena, LEAST, 1)[1] == 1_000


def test_in_debt_there_is_no_fee_even_when_a_fill_is_better_than_the_bankruptcy_price() -> None:
    """Equity -10 over 100 lots; all sold at mark + 0.05 leaves -5, at mark + 0.2 leaves 10: only that can pay."""
    arena = Arena()
    arena.market(100 * USD, liquidation_fee=RATE_ONE // 200)
    winner, loser = arena.bucket(10**12), arena.bucket(-10 * USD)
    arena.deal(loser, winner, 0, 100, 100 * USD)
    for better, fee in ((50_000, 0), (100_000, 0), (200_000, 10 * USD), (10**6, 100 * 101 * USD // 200)):
        assert ask(arena, CLOSING, loser, 100, 100 * (100 * USD + better))[5] == fee
        assert ask(arena, CLOSING, loser, 40, 40 * (100 * USD + better))[5] <= max(0, 40 * better - 10 * USD)


def test_within_the_cooldown_the_rest_goes_whole() -> None:
    """Hyperliquid: 20 % first; until 30 s later orders are for the full size, then for 20 % again."""
    values = {"partial_floor": 0, "partial_share": RATE_ONE // 5, "partial_cooldown_ms": 30_000}
    arena = share_mode(parameter.SHARE_ABOVE, **values)
    assert ask(arena, LEAST, 1)[1] == 200
    arena.c["bucket_time"][1] = arena.c["cell"][1]
    for elapsed, lots in ((0, 1_000), (29_999, 1_000), (30_000, 200)):
        arena.c["cell"][1] = arena.c["bucket_time"][1] + elapsed
        assert ask(arena, LEAST, 1)[1] == lots


def test_the_throttle_of_drift_releases_its_share_with_time() -> None:
    """10 % at once, the rest over a minute; a shortage up to the floor at once."""
    values = {"partial_share": RATE_ONE // 10, "partial_cooldown_ms": 60_000, "partial_floor": 0}
    arena = share_mode(parameter.THROTTLED, **values)
    least = ask(arena, LEAST, 1)[0]
    arena.c["bucket_start"][1] = arena.c["cell"][1]
    assert ask(arena, LEAST, 1)[1] == least // 10
    arena.pass_time(30_000)
    assert ask(arena, LEAST, 1)[1] == least * 6 // 10
    arena.pass_time(40_000)
    assert ask(arena, LEAST, 1)[1] == least
    arena.pass_time(-70_000)
    arena.param(-1, "partial_floor", 10**10)
    assert ask(arena, LEAST, 1)[1] == least
    arena.param(-1, "partial_floor", 0)
    arena.c["bucket_freed"][1] = 10**12
    assert ask(arena, LEAST, 1)[1:3] == [0, 3]
    arena.param(0, "dust_notional", 10**12)
    assert ask(arena, LEAST, 1)[1] == 1_000


def test_orders_that_reduce_only_count_as_liquidity() -> None:
    arena = Arena(100 * USD)
    winner, loser = arena.bucket(10**12), arena.bucket(249 * USD)
    arena.deal(loser, winner, 0, 100, 100 * USD)
    arena.bid(winner, 0, 100 * USD, 500, command.REDUCE_ONLY)
    assert 0 < ask(arena, LEAST, loser)[0] < 100
