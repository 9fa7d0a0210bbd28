"""Paradex: a maintenance race reset funding indices to zero; positions were marked wrong and liquidated.

A snapshot whose bytes are not those that were hashed does not start, and the clock never goes back.
"""

from guard import fails_without

from seawall.terms import code, command
from venue_world import USD, World


def scenario() -> None:
    world = World(markets=1)
    a, b = world.account(10_000), world.account(10_000)
    world.trade(a, b, 0, 100 * USD, 10)
    seen = [int(world.venue.columns["cell"][1])]
    for _ in range(3):
        world.tick(5_000)
        world.price(0, 100 * USD)
        world.must(kind=command.FUNDING, signer=command.SEQUENCER, market=0)
        seen.append(int(world.venue.columns["cell"][1]))
    world.refused(code.NOT_DUE, kind=command.FUNDING, signer=command.SEQUENCER, market=0)
    world.refused(code.BAD_TIME, kind=command.TICK, signer=command.SEQUENCER, time=world.now - 1)
    assert seen == sorted(seen)
    index = int(world.venue.columns["market_index"][0])
    for _ in range(3):  # what has been paid is not paid again
        world.do(kind=command.FUNDING, signer=command.SEQUENCER, market=0)
    assert int(world.venue.columns["market_index"][0]) == index


def test_time_and_funding_only_go_forward() -> None:
    scenario()


def test_it_fails_without_the_guard() -> None:
    old = "if c.time < before or c.time > TIME_MAX or c.time <= 0:"
    assert fails_without("engine/clock.py", old, "if c.time > TIME_MAX or c.time <= 0:", scenario)
