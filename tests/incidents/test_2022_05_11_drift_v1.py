"""Drift v1: winners withdrew realised profit before losers had realised their losses; the pool ran dry.

Whatever the order of withdrawals, no more unrealised profit leaves than losers have paid in and insurance can spend.
"""

from guard import fails_without

from seawall.terms import code, command
from venue_world import USD, World


def scenario() -> None:
    world = World(markets=1)
    losers = [world.account(1_000) for _ in range(3)]
    winners = [world.account(1_000) for _ in range(3)]
    for winner, loser in zip(winners, losers, strict=True):
        world.trade(winner, loser, 0, 100 * USD, 40)
    for price in (104, 108, 112):
        world.tick()
        world.price(0, price * USD)
    taken = 0
    for winner in winners:  # everybody leaves at once, as much as they may
        for amount in (2_000 * USD, 1_000 * USD, 400 * USD, 100 * USD, 10 * USD):
            done = world.do(kind=command.WITHDRAW, signer=winner, account=winner, amount=amount)
            if done.codes[0] == code.OK:
                taken += amount
    columns = world.venue.columns
    beyond = sum(max(0, -_cash(world, winner)) for winner in winners)
    spendable = max(0, -int(columns["market_entry_sum"][0])) + int(columns["market_insurance"][0])
    assert taken > 0
    assert beyond <= spendable


def _cash(world: World, bucket: int) -> int:
    """Cash of a bucket that holds one position: raw_usd plus its entry notional."""
    columns = world.venue.columns
    slot = int(columns["bucket_first"][bucket])
    return world.raw(bucket) + int(columns["slot_entry"][slot])


def test_winners_who_leave_first_take_no_more_than_is_there() -> None:
    scenario()


def test_it_fails_without_the_guard() -> None:
    old = "return int(max(0, counted - payable(s, bucket))) if counted > 0 else 0"
    assert fails_without("ledger/leaving.py", old, "return 0", scenario)
