"""Synthetix sKRW: two feeds were left, one said 1000x, and the average of what was left was taken.

Below quorum the price is stale, whatever the feeds that are left say.
"""

from guard import fails_without

from seawall.terms import code, command, parameter
from venue_world import USD, World


def scenario() -> None:
    world = World(markets=0)
    world.must(kind=command.LIST_MARKET, signer=command.ADMIN, market=0, other=0, price=2**33)
    world.must(kind=command.SET_TIER, signer=command.ADMIN, market=0, other=0, size=20, price=300_000)
    world.parameter(0, parameter.OPEN_INTEREST_CAP, 2**40)
    world.parameter(0, parameter.ORACLE_QUORUM, 3)
    for source in range(4):
        world.must(kind=command.SET_SOURCE, signer=command.ADMIN, market=0, other=source, size=1)

    def say(source: int, price: int) -> None:
        fields = {"market": 0, "other": source, "price": price, "time": world.now}
        world.must(kind=command.ORACLE, signer=command.ORACLES, **fields)

    for source in range(4):
        say(source, 100 * USD)
    columns = world.venue.columns
    assert columns["market_fresh"][0] == 1
    for left in (3, 2, 1):  # feeds die one by one; the last of the living says otherwise
        world.tick(11_000)
        for source in range(left - 1):
            say(source, 100 * USD)
        say(left - 1, 130 * USD)  # within what the step guard allows after this time
        assert columns["market_oracle"][0] == 100 * USD
        assert columns["market_price"][0] <= 102 * USD
    assert columns["market_fresh"][0] == 0
    account = world.account(10_000)
    world.refused(code.MARKET_CLOSED, kind=command.PLACE, signer=account, account=account, market=0, price=USD, size=1)


def test_what_is_left_is_not_averaged() -> None:
    scenario()


def test_it_fails_without_the_guard() -> None:
    old = "if _count(chosen) < s.param[market, parameter.ORACLE_QUORUM]:"
    assert fails_without("engine/prices.py", old, "if _count(chosen) < 1:", scenario)
