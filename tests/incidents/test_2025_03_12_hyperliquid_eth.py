"""Hyperliquid ETH: a whale withdrew its profit until its position could only be liquidated, at the vault's cost.

What may be withdrawn leaves initial margin and a share of the notional behind: never a bucket near its liquidation.
"""

from guard import fails_without

from seawall.terms import command
from venue_world import USD, World


def scenario() -> None:
    world = World(markets=1)
    whale, other = world.account(20_000), world.account(1_000_000)
    world.must(kind=command.SET_LEVERAGE, signer=whale, account=whale, market=0, size=20)
    world.trade(whale, other, 0, 100 * USD, 3_000)
    fund = {"account": other, "market": 0, "amount": 50_000 * USD}
    world.must(kind=command.INSURANCE_ADD, signer=other, **fund)  # profit is good for withdrawing
    for price in (104, 108):
        world.tick()
        world.price(0, price * USD)
    for amount in (20_000, 10_000, 5_000, 2_000, 1_000, 500, 100, 10):
        world.do(kind=command.WITHDRAW, signer=whale, account=whale, amount=amount * USD)
    notional = 3_000 * 108 * USD
    equity = world.raw(whale) + notional
    assert equity >= notional // 10
    world.tick()
    world.price(0, 103 * USD)  # a move of nearly 5 % against it
    world.liquidate()
    assert world.position(whale, 0) == 3_000


def test_a_whale_cannot_withdraw_itself_into_liquidation() -> None:
    scenario()


def test_it_fails_without_the_guard() -> None:
    old = "floor = rate_up(now[NOTIONAL], share) + now[RESERVED]\n    kept"
    new = "floor = share * 0\n    kept"
    assert fails_without("ledger/leaving.py", old, new, scenario)
