"""Percolator: one account's withdrawal advanced the global price, and others were not liquidated at it.

No command of an account moves the clock, a price or a funding index; steps do, for everybody at once. The nonce
of an account's command is a time, up to a day ahead: it is not the venue's.
"""

from guard import fails_without

from seawall.terms import command
from venue_world import BUY, SELL, USD, World


def scenario() -> None:
    world = World(markets=1)
    a, b = world.account(10_000), world.account(10_000)
    columns = world.venue.columns

    def shared() -> tuple[int, ...]:
        names = ("market_price", "market_oracle", "market_index", "market_oracle_time")
        return (int(columns["cell"][1]), *(int(columns[name][0]) for name in names))

    before = shared()
    world.trade(a, b, 0, 101 * USD, 10)
    world.place(a, 0, BUY, 99 * USD, 5)
    world.place(b, 0, SELL, 103 * USD, 5)
    world.must(kind=command.WITHDRAW, signer=a, account=a, amount=USD)
    ahead = world.now + 3_600_000
    world.must(kind=command.CANCEL_ALL, signer=a, account=a, market=-1, nonce=ahead)
    assert shared() == before


def test_an_account_moves_nothing_that_others_are_measured_by() -> None:
    scenario()


def test_it_fails_without_the_guard() -> None:
    old = "    if c.kind < command.TICK:\n        return int(_trader(s, c))\n"
    new = old.replace("        return", "        s.cell[1] = max(s.cell[1], c.nonce)\n        return")
    assert fails_without("engine/apply.py", old, new, scenario)
