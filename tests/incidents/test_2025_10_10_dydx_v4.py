"""dYdX v4: on the way down the order of insurance and pool transfers stopped the chain for eight hours.

All open interest of a market is liquidated in one go: nothing halts, no stage is skipped, and no micro-USD is lost.
"""

from guard import fails_without

from seawall.engine.invariants import broken
from venue_world import USD, World


def scenario() -> None:
    world = World(markets=1)
    longs = [world.account(1_000) for _ in range(20)]
    shorts = [world.account(1_000) for _ in range(20)]
    for long, short in zip(longs, shorts, strict=True):
        world.trade(long, short, 0, 100 * USD, 150)
    columns = world.venue.columns
    for price in (96, 92, 88, 84, 80, 76):
        world.tick()
        world.price(0, price * USD)
    for _ in range(60):
        world.liquidate()
        assert broken(columns) == []
    assert int(columns["cell"][41]) == 0  # the queue is empty
    assert all(world.position(long, 0) == 0 for long in longs)
    assert all(world.raw(short) >= 0 for short in shorts)


def test_a_whole_market_goes_without_a_halt() -> None:
    scenario()


def test_it_fails_without_the_guard() -> None:
    old = "    row = emit(s, event.ADL, c.market, bucket, winner, bared, price, c.side * lots, lots * price)\n"
    new = old + "    s.bucket_raw[winner] += 1\n"
    assert fails_without("liquidation/adl.py", old, new, scenario)
