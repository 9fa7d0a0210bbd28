"""dYdX YFI: over a hundred wallets of one owner took most of the open interest of a thin market, 5x long.

Linked accounts are capped together, and so is the market's open interest.
"""

from guard import fails_without

from seawall.terms import code, command, parameter
from venue_world import BUY, SELL, USD, World


def scenario() -> None:
    world = World(markets=1)
    world.parameter(0, parameter.POSITION_CAP, 1_000)  # a cap tightens at once
    owner = world.account(1_000_000)
    subs = []
    for _ in range(4):
        done = world.must(kind=command.CREATE_SUB, signer=owner, account=owner)
        subs.append(int(done.made[0]) if done.made[0] else int(world.venue.columns["cell"][7]) - 1)
    for sub in subs:
        world.must(kind=command.TRANSFER, signer=owner, account=owner, other=sub, amount=100_000 * USD)
    for sub in subs:
        maker = world.account(1_000_000)
        world.place(maker, 0, SELL, 100 * USD, 400)
        fields = {"account": sub, "market": 0, "price": 100 * USD, "size": 400, "flags": BUY | command.IOC}
        done = world.do(kind=command.PLACE, signer=owner, **fields)
        assert done.codes[0] in (code.OK, code.POSITION_CAP)
        world.must(kind=command.CANCEL_ALL, signer=maker, account=maker, market=-1)
        assert sum(world.position(each, 0) for each in subs) <= 1_000
    assert sum(world.position(each, 0) for each in subs) >= 800


def test_linked_accounts_share_one_cap() -> None:
    scenario()


def test_it_fails_without_the_guard() -> None:
    old = "cap = min(s.param[o.market, parameter.POSITION_CAP], s.market_listed_size[o.market])"
    assert fails_without("engine/placing.py", old, "cap = s.market_listed_size[o.market]", scenario)
