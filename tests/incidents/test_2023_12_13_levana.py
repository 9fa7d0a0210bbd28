"""Levana: the chain was congested, the price stale, and attackers chose when to update it and trade on it.

On a stale price nothing is opened, nothing is liquidated and nothing leaves; a trader's command never sets a price.
"""

from guard import fails_without

from seawall.terms import code, command
from venue_world import BUY, SELL, USD, World


def scenario() -> None:
    world = World(markets=1)
    attacker, maker = world.account(10_000), world.account(1_000_000)
    world.place(maker, 0, SELL, 100 * USD, 1_000)
    world.tick(11_000)  # the last price is older than ORACLE_AGE_MS
    order = {"account": attacker, "market": 0, "price": 101 * USD, "size": 10, "flags": BUY | command.IOC}
    world.refused(code.STALE_PRICE, kind=command.PLACE, signer=attacker, **order)
    oracle = {"market": 0, "other": 0, "price": 110 * USD, "time": world.now}
    world.refused(code.NOT_AUTHORISED, kind=command.ORACLE, signer=attacker, **oracle)
    world.price(0, 103 * USD)
    world.must(kind=command.PLACE, signer=attacker, **{**order, "price": 104 * USD})


def test_nobody_trades_on_a_stale_price() -> None:
    scenario()


def test_it_fails_without_the_guard() -> None:
    old = "        if not is_fresh(s, market):\n            return code.STALE_PRICE\n    return int(open_to"
    assert fails_without("engine/placing.py", old, "    return int(open_to", scenario)
