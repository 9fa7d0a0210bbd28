"""JELLY: a self-made short was left to the vault, the price pumped, and the vault's loss reached its siblings.

The backstop vault of a market is a bucket of that market alone, capped: it takes no more than its cap and its own
initial margin allow, and its loss is bounded by what its owners put there.
"""

from guard import fails_without

from seawall.terms import command, parameter
from venue_world import USD, World


def scenario() -> None:
    world = World(markets=2)
    lender = world.account(100_000)
    vaults = {"kind": command.POOL_ADD, "signer": lender, "account": lender, "flags": command.BACKSTOP}
    world.do(**vaults, market=0, amount=10_000 * USD)
    world.do(**vaults, market=1, amount=10_000 * USD)
    attacker, other = world.account(10_000), world.account(1_000_000)
    world.trade(other, attacker, 0, 100 * USD, 1_000)
    columns = world.venue.columns
    base = world.venue.capacity.accounts + world.venue.capacity.isolated
    sibling = int(columns["bucket_raw"][base + 3])
    for price in (104, 108, 112, 116):
        world.tick()
        world.price(0, price * USD)
        world.liquidate()
    cap = int(columns["param"][0, parameter.BACKSTOP_CAP])
    assert abs(world.position(base + 1, 0)) * int(columns["market_price"][0]) <= cap * 116 // 100
    assert int(columns["bucket_raw"][base + 3]) == sibling
    assert world.position(base + 3, 0) == 0


def test_a_vault_is_capped_and_alone() -> None:
    scenario()


def test_it_fails_without_the_guard() -> None:
    old = "return int(min(s.param[market, parameter.BACKSTOP_CAP] // mark, NOTIONAL_MAX // s.market_price_max[market]))"
    new = "return int(NOTIONAL_MAX // s.market_price_max[market])"
    assert fails_without("liquidation/backstop.py", old, new, scenario)
