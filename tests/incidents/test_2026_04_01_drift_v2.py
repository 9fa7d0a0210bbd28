"""Drift v2: signers were tricked once, and one hour later a worthless asset was listed, priced and its limits lifted.

A market is listed with every cap at zero, opens in stages on a fresh price, and a cap that loosens waits a day.
"""

from guard import fails_without

from seawall.terms import code, command, parameter
from venue_world import BUY, USD, World


def scenario() -> None:
    world = World(markets=1)
    thief = world.account(1_000)
    admin = command.ADMIN
    world.must(kind=command.LIST_MARKET, signer=admin, market=1, other=0, price=2**33)
    columns = world.venue.columns
    assert columns["param"][1, parameter.OPEN_INTEREST_CAP] == 0
    order = {"account": thief, "market": 1, "price": 100 * USD, "size": 1, "flags": BUY}
    assert world.do(kind=command.PLACE, signer=thief, **order).codes[0] != code.OK
    before = int(columns["param"][0, parameter.OPEN_INTEREST_CAP])
    lift = {"market": 0, "other": parameter.OPEN_INTEREST_CAP, "price": before + 1}
    world.do(kind=command.SET_PARAMETER, signer=admin, **lift)
    assert columns["param"][0, parameter.OPEN_INTEREST_CAP] == before
    world.tick(3_600_000)
    assert columns["param"][0, parameter.OPEN_INTEREST_CAP] == before
    world.must(kind=command.SET_PARAMETER, signer=admin, **{**lift, "price": before - 1})  # tightening acts at once
    assert columns["param"][0, parameter.OPEN_INTEREST_CAP] == before - 1


def test_loosening_waits() -> None:
    scenario()


def test_it_fails_without_the_guard() -> None:
    assert fails_without("engine/parameters.py", "    return ADMIN_DELAY_MS\n", "    return 0\n", scenario)
