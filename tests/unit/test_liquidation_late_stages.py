"""The later stages of a liquidation."""

import pytest
from test_liquidation_stages import MARK

from liquidation_world import USD, Arena, of_kind, stages
from seawall.ledger import state
from seawall.ledger.markets import AMM, BACKSTOP
from seawall.terms import command, event


def test_each_market_of_a_debtor_pays_its_part_and_no_other_fund_is_touched() -> None:
    """Debt 300: maintenance 3 : 1 over two markets, so 225 and 75 from their funds; the third's is not asked."""
    arena = Arena(MARK, MARK, MARK)
    winner, loser = arena.bucket(10**12), arena.bucket(3_700 * USD)
    arena.deal(loser, winner, 0, 300, MARK)
    arena.deal(loser, winner, 1, 100, MARK)
    for market in range(3):
        arena.insure(market, 1_000 * USD)
        arena.mark(market, 90 * USD)
    found = arena.run()
    paid = {e["market"]: e["amount"] for e in of_kind(found, event.DEFICIT)}
    assert paid == {0: 225 * USD, 1: 75 * USD}
    assert arena.c["market_insurance"][:3].tolist() == [775 * USD, 925 * USD, 1_000 * USD]


def test_the_largest_maintenance_goes_first_and_the_book_of_another_before_any_vault() -> None:
    """Nothing bids for the large position; the small one has a bid that is enough: nobody else is asked."""
    arena = Arena(MARK, MARK)
    winner, loser, maker = arena.bucket(10**12), arena.bucket(745 * USD), arena.bucket(10**12)
    arena.deal(loser, winner, 0, 200, MARK)
    arena.deal(loser, winner, 1, 100, MARK)
    arena.bid(maker, 1, MARK, 1_000)
    found = arena.run()
    assert stages(found) == [event.LIQUIDATION, event.LIQUIDATION_FILL, event.LIQUIDATION_END]
    assert arena.size(loser, 0) == 200
    arena.bid(maker, 0, MARK, 1_000)
    arena.mark(0, 9_970 * USD // 100)
    arena.mark(1, 9_970 * USD // 100)
    fills = of_kind(arena.run(), event.LIQUIDATION_FILL)
    assert {e["market"] for e in fills} in ({0}, set())


@pytest.mark.parametrize("which", [AMM, BACKSTOP])
def test_a_pool_in_trouble_is_closed_like_any_bucket(which: int) -> None:
    arena = Arena(MARK)
    arena.param(0, "backstop_cap", 10**12)
    arena.param(0, "amm_depth", 10_000)
    arena.param(0, "amm_cap", 10_000)
    pool, winner = arena.pool(0, which), arena.bucket(10**12)
    arena.cash(pool, 600 * USD)
    arena.deal(pool, winner, 0, 100, MARK)
    arena.mark(0, 90 * USD)
    found = arena.run()
    assert arena.size(pool) == 0
    assert {e["other"] for e in of_kind(found, event.ADL)} == {winner}
    assert not of_kind(found, event.BACKSTOP)


def test_halted_venue_and_bad_sizes_are_refused() -> None:
    arena = Arena(MARK)
    for units, expected in ((0, 103), (65, 103), (1, 0), (64, 0)):
        arena.rows["size"] = units
        assert arena.do(3)[0] == expected
    arena.c["cell"][state.VENUE_STATUS] = command.HALTED
    assert arena.do(3)[0] == 415


def test_who_is_closed_at_a_price_without_profit_pays_no_share() -> None:
    """A debt that not even a price of nothing pays: the winner closes there, keeps its 30 USD, and is not cut as well.

    The loser's part of its debt in market 0 is 10,100 of maintenance in 14,100, more than the 10,100 it holds there.
    """
    arena = Arena(MARK, MARK)
    loser, winner, other = arena.bucket(0), arena.bucket(10_030 * USD), arena.bucket(10**12)
    arena.deal(winner, loser, 0, 100, MARK)
    arena.deal(loser, other, 1, 200, MARK)
    arena.mark(0, 101 * USD)
    arena.mark(1, 20 * USD)
    found = arena.run()
    first = of_kind(found, event.ADL)[0]
    assert (first["market"], first["other"], first["price"], first["size"]) == (0, winner, 1, 100)
    assert not [e for e in of_kind(found, event.SOCIALISED) if e["bucket"] == winner]
    assert arena.raw(winner) == 30 * USD + 100
