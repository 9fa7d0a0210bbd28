"""Mango: two accounts of one owner traded with each other, pumped a thin spot price, and borrowed on paper profit.

A trade between linked accounts does not fill, and the book alone cannot take the mark further from the index than its
band: profit at a pumped mark is bounded, whatever the last trade says.
"""

from guard import fails_without

from seawall.terms import command
from venue_world import BUY, SELL, USD, World


def scenario() -> None:
    world = World(markets=1)
    long, short, pump, victim = (world.account(1_000_000) for _ in range(4))
    world.trade(long, short, 0, 100 * USD, 1_000)
    columns = world.venue.columns
    for turn in range(6):  # the last trade climbs, the index does not
        price = (103 + 3 * turn) * USD
        world.place(victim, 0, SELL, price, 1)
        world.place(pump, 0, BUY, price, 1)
        world.place(pump, 0, BUY, price - USD, 1)
        world.place(victim, 0, SELL, price + USD, 1)
        world.tick()
        world.price(0, 100 * USD)
        assert columns["market_price"][0] <= 102 * USD
        for account in (pump, victim):
            world.must(kind=command.CANCEL_ALL, signer=account, account=account, market=-1)


def test_a_pumped_book_moves_the_mark_no_further_than_its_band() -> None:
    scenario()


def test_it_fails_without_the_guard() -> None:
    old = "    band = s.param[market, parameter.MARK_BAND]\n"
    assert fails_without("engine/prices.py", old, "    band = RATE_ONE // 4\n", scenario)
