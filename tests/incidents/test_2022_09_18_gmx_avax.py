"""GMX v1 AVAX: a pool traded any size at the outside price, without impact; a trader opened there, moved the thin
market outside, and closed there. Five times over, at the cost of the liquidity providers.

The pool charges as much as a book of its depth, its inventory is capped by the depth outside, and its half spread pays
for what is left: nobody who pays for moving the price outside comes back with more, whatever the size and the move.
"""

from fractions import Fraction

from guard import fails_without

from seawall.terms import command, parameter
from seawall.units import RATE_ONE
from venue_world import BUY, SELL, USD, World

PRICE = 100 * USD
OUTSIDE = 200_000  # lots that move the price outside by 100 %, on a straight line as far as it goes
SPREAD, FEE = RATE_ONE // 1000, 450 * parameter.PPM
# X lots gain X m and cost 2 (spread + fee) X, the move m costs m^2 OUTSIDE / 2: at best X^2 / (2 OUTSIDE) is left, so
# nothing up to X = 4 (spread + fee) OUTSIDE. A little less, as the impact is paid back at the higher price.
CAP = 7 * OUTSIDE * (SPREAD + FEE) // (2 * RATE_ONE)
POOL_USD = 5_000_000


def market(cap: int = CAP) -> tuple[World, int]:
    """A market with a pool of the outside depth; returns it and a rich trader."""
    world = World(markets=1)
    world.venue.columns["param"][0, parameter.TAKER_FEE] = FEE
    for which, value in ((parameter.AMM_DEPTH, OUTSIDE), (parameter.AMM_SPREAD, SPREAD), (parameter.AMM_CAP, cap)):
        world.venue.columns["param"][0, which] = value
    lender, trader = world.account(POOL_USD), world.account(POOL_USD)
    fields = {"signer": lender, "account": lender, "market": 0, "flags": command.AMM}
    world.must(kind=command.POOL_ADD, amount=(POOL_USD - 1) * USD, **fields)
    return world, trader


def take(world: World, who: int, side: int, size: int, limit: int) -> int:
    """An Ioc order at `limit`; returns the lots it got."""
    before = world.position(who, 0)
    fields = {"account": who, "market": 0, "price": limit, "size": size, "flags": side | command.IOC}
    world.do(kind=command.PLACE, signer=who, **fields)
    return abs(world.position(who, 0) - before)


def cost_of_moving(move: Fraction) -> Fraction:
    """Micro-USD lost by who buys an outside book up by `move` and sells at the price it falls back to."""
    return move * move * OUTSIDE * PRICE / 2


def gain_of_round_trip(size: int, move: Fraction) -> Fraction:
    """Micro-USD gained in the venue, less what moving the price outside has cost."""
    world, trader = market()
    start = world.raw(trader)
    if take(world, trader, BUY, size, PRICE * 11 // 10) == 0:
        return Fraction(0)
    world.tick()
    world.price(0, PRICE + int(PRICE * move))
    low = PRICE * 9 // 10
    for _ in range(3):
        take(world, trader, SELL, world.position(trader, 0), low)
    assert world.position(trader, 0) == 0
    return world.raw(trader) - start - cost_of_moving(move)


def scenario() -> None:
    """Sizes up to as much as the pool gives, moves up to a step of the index: no pair of them pays."""
    held = []
    for size in (100, CAP // 2, CAP, 2 * CAP, 20 * CAP):
        for move in (Fraction(1, 1000), Fraction(3, 1000), Fraction(6, 1000), Fraction(1, 100), Fraction(3, 100)):
            assert gain_of_round_trip(size, move) <= 0, (size, move)
        world, trader = market()
        take(world, trader, BUY, size, PRICE * 11 // 10)
        held.append(world.position(trader, 0))
    assert held[1] == CAP // 2
    assert max(held) <= CAP


def impact_scenario() -> None:
    """What the pool asks for lots is no less than the same lots cost in a book of its depth."""
    world, trader = market(cap=OUTSIDE)
    paid, bought = world.raw(trader), 0
    for size in (1_000, 5_000, 10_000):
        assert take(world, trader, BUY, size, PRICE * 11 // 10) == size
        bought += size
        outside = bought * PRICE * (1 + Fraction(bought, 2 * OUTSIDE))
        assert paid - world.raw(trader) >= outside


def interest_scenario() -> None:
    """The cap on open interest holds for book and pool together."""
    world, trader = market(cap=OUTSIDE)
    world.parameter(0, parameter.OPEN_INTEREST_CAP, 3_000)
    maker = world.account(POOL_USD)
    world.place(maker, 0, SELL, PRICE * 101 // 100, 10_000)
    for size in (2_000, 2_000, 1_000, 500):
        take(world, trader, BUY, size, PRICE * 11 // 10)
        assert world.venue.columns["market_open"][0] <= 3_000
    assert world.position(trader, 0) == 3_000


def test_moving_the_price_outside_does_not_pay() -> None:
    scenario()


def test_size_has_a_price() -> None:
    impact_scenario()


def test_open_interest_is_tied_to_a_cap() -> None:
    interest_scenario()


def test_it_fails_without_the_cap_of_the_pool() -> None:
    old = "bound = min(depth, s.param[market, parameter.AMM_CAP], NOTIONAL_MAX // price_max)"
    assert fails_without("book/amm.py", old, "bound = min(depth, NOTIONAL_MAX // price_max)", scenario)


def test_it_fails_without_the_spread_of_the_pool() -> None:
    old = "    spread, over = divmod(index * s.param[market, parameter.AMM_SPREAD], RATE_ONE)\n    skew"
    assert fails_without("book/amm.py", old, "    spread, over = 0, 0\n    skew", scenario)


def test_it_fails_without_impact() -> None:
    old = "skew, rest = mul_divmod(index, twice, 2 * depth)"
    assert fails_without("book/amm.py", old, "skew, rest = 0 * twice, 0", impact_scenario)


def test_it_fails_without_the_cap_on_open_interest() -> None:
    """It is asked twice: of the order as a whole, and of each fill."""
    plan = ("engine/placing.py", "        return code.OPEN_INTEREST_CAP\n", "        pass\n")
    fill = ("book/matching.py", "        return code.OPEN_INTEREST_CAP\n", "        pass\n")
    assert fails_without(*plan, interest_scenario, fill)
    assert not fails_without(*fill, interest_scenario)
