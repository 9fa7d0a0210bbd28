"""Portfolio margin in the engine: who may opt in and out, what it asks for, when it is measured, how it ends."""

import pytest

from portfolio_world import BTC, PERCENT, POOL, Portfolios
from seawall.ledger import state
from seawall.terms import code, command, event, parameter
from seawall.units import ceil_div
from vault_world import BITCOIN, ETH, ETHER
from venue_world import BUY, SELL, USD

LOTS = 1_000  # of ether, 100,000 USD
ADDRESS = {"address_0": 1, "address_1": 2, "address_2": 3}


@pytest.fixture
def world() -> Portfolios:
    """Accounts 0 and 1 with a million USD each; 2 has a basis trade of ether and 17,000 USD of equity left in it."""
    world = Portfolios()
    assert [world.account(1_000_000) for _ in range(2)] == [0, 1]
    assert basis(world) == 2
    return world


def basis(world: Portfolios) -> int:
    """An account with ether sold as a perp against ether held, and 78,000 USD drawn out."""
    account = world.account()
    assert world.give(account, ETH, LOTS) == 0
    world.trade(0, account, ETHER, 100 * USD, LOTS)
    world.must(kind=command.WITHDRAW, signer=account, account=account, amount=78_000 * USD)
    return account


def test_it_asks_for_basis_floor_and_what_the_haircut_leaves_open(world: Portfolios) -> None:
    assert world.measured(2)[:4] == (17_000 * USD, 12_000 * USD, 5_000 * USD, 10_000 * USD)
    world.set_portfolio(2)
    # a rise of all by 20 %: 95,000 held against 100,000 sold, 2 % of what is hedged, 0.5 % of what is sold
    needed = 1_000 * USD + 1_900 * USD + 500 * USD
    assert world.measured(2)[:4] == (17_000 * USD, 12_000 * USD, needed, ceil_div(needed * 125, 100))
    world.sound()
    world.set_portfolio(2, is_in=False)
    assert world.measured(2)[2] == 5_000 * USD
    assert world.cell(state.PORTFOLIOS) == 0
    world.sound()


def test_who_may_not(world: Portfolios) -> None:
    fields = {"kind": command.SET_PORTFOLIO, "signer": 2, "account": 2}
    world.refused(code.BAD_FIELD, flags=command.ISOLATED, **fields)
    world.refused(code.NOT_AUTHORISED, kind=command.SET_PORTFOLIO, signer=1, account=2, flags=command.PORTFOLIO)
    poor = world.account(999)
    world.set_portfolio(poor, expected=code.PORTFOLIO_CLOSED)
    bold = world.account(12_000)
    world.trade(bold, 1, BITCOIN, 100 * USD, LOTS)
    world.set_portfolio(bold, expected=code.INITIAL_MARGIN)
    world.tick(11_000)
    world.set_portfolio(2, expected=code.STALE_PRICE)
    for market in (ETHER, BITCOIN):
        world.price(market, 100 * USD)
    world.set_portfolio(2)
    world.set_portfolio(2)
    for account in (0, 1):
        world.set_portfolio(account)
    late = world.account(10_000)
    world.set_portfolio(late, expected=code.PORTFOLIO_CLOSED)
    assert world.cell(state.PORTFOLIOS) == 3
    world.set_portfolio(0, is_in=False)
    world.set_portfolio(late)
    world.sound()


def test_without_a_place_of_the_venue_nobody_may() -> None:
    closed = Portfolios({parameter.PORTFOLIO_MOST: 0})
    closed.set_portfolio(closed.account(1_000_000), expected=code.PORTFOLIO_CLOSED)


def test_nobody_leaves_it_without_the_margin_of_the_tiers(world: Portfolios) -> None:
    world.set_portfolio(2)
    world.move(ETHER, 170 * USD)
    assert world.measured(2)[1] < 17_000 * USD
    world.set_portfolio(2, is_in=False, expected=code.INITIAL_MARGIN)


def test_orders_are_accepted_by_scenarios(world: Portfolios) -> None:
    """Sold against what is held a lot more asks for little, sold beyond it for the whole move."""
    world.set_portfolio(2)
    room = 12_000 * USD - world.measured(2)[3]
    # reserved is the tiers': 10 USD a lot while it rests
    world.place(0, ETHER, BUY, 99 * USD, 10_000)
    world.refused(
        code.INITIAL_MARGIN, kind=command.PLACE, signer=2, account=2, market=ETHER, price=99 * USD, size=400, flags=SELL
    )
    world.place(2, ETHER, SELL, 99 * USD, 100, flags=command.IOC)
    assert world.position(2, ETHER) == -1_100
    assert 0 < 12_000 * USD - 100 * USD - world.measured(2)[3] < room
    world.sound()


def test_a_rally_that_liquidates_it_by_tiers_leaves_it_alone(world: Portfolios) -> None:
    tiered, events = basis(world), []
    world.set_portfolio(2)
    for price in (150, 200, 240):
        world.move(ETHER, price * USD)
        events += world.settle()
        world.sound()
    assert world.is_portfolio(2)
    assert (world.holding(2, ETH), world.position(2, ETHER)) == (LOTS, -LOTS)
    assert [row["bucket"] for row in told(events, event.LIQUIDATION)] == [tiered]


def test_a_crash_leaves_it_alone(world: Portfolios) -> None:
    world.set_portfolio(2)
    for price in (60, 30, 10):
        world.move(ETHER, price * USD)
        assert world.settle() == []
        world.sound()
    assert (world.holding(2, ETH), world.position(2, ETHER)) == (LOTS, -LOTS)


def told(events: list[dict[str, int]], kind: int) -> list[dict[str, int]]:
    return [row for row in events if row["kind"] == kind]


def test_what_does_not_hedge_is_closed_first_and_only_as_far_as_it_takes(world: Portfolios) -> None:
    world.set_portfolio(2)
    world.trade(2, 1, BITCOIN, 100 * USD, 300)
    price, events = 100, []
    while not told(events, event.LIQUIDATION):
        price -= 1
        world.must(kind=command.CANCEL_ALL, signer=1, account=1, market=BITCOIN)
        world.move(BITCOIN, price * USD)
        world.place(1, BITCOIN, BUY, price * USD * 99 // 100, 1_000)
        events = world.settle()
    closed = told(events, event.LIQUIDATION_FILL)
    assert closed
    assert all(row["market"] == BITCOIN for row in closed)
    assert world.position(2, ETHER) == -LOTS
    assert 0 < world.position(2, BITCOIN) < 300
    assert world.is_portfolio(2)
    assert told(events, event.LIQUIDATION_END)
    world.sound()


def test_where_nothing_on_the_book_helps_the_tiers_hold_again(world: Portfolios) -> None:
    world.set_portfolio(2)
    price = 240
    events: list[dict[str, int]] = []
    while not told(events, event.PORTFOLIO):
        price += 5
        world.move(ETHER, price * USD)
        events += world.settle()
        world.sound()
        assert price < 300
    ended = told(events, event.PORTFOLIO)[0]
    assert (ended["bucket"], ended["amount"], ended["other"]) == (2, 0, 1)
    assert ended["equity"] < ended["maintenance"]
    assert not world.is_portfolio(2)
    assert world.cell(state.PORTFOLIOS) == 0
    assert told(events, event.LIQUIDATION)[0]["bucket"] == 2


def test_a_short_hedges_a_range_but_for_its_gamma(world: Portfolios) -> None:
    account = world.account(20_000)
    world.attach(account)
    world.set_portfolio(account)
    alone = world.measured(account)[2]
    world.trade(0, account, ETHER, 100 * USD, 110)
    hedged = world.measured(account)[2]
    floor, basis_charge = 55 * USD, 2 * 11_000 * USD // 100
    assert floor + basis_charge < hedged < alone * 6 // 10
    world.sound()
    narrow = world.account(20_000)
    world.attach(narrow, 96, 105, 45_000_000)
    world.trade(0, narrow, ETHER, 100 * USD, 110)
    world.set_portfolio(narrow)
    assert world.measured(narrow)[2] > hedged
    for price in (90, 85, 110, 118):
        world.move(ETHER, price * USD)
        world.settle()
        world.sound()


def test_a_mark_alone_measures_ranges_again(world: Portfolios) -> None:
    """A range without a perp beside it: its scenarios start from the mark, which the book moves."""
    account = world.account(2_000)
    world.attach(account)
    world.set_portfolio(account)
    world.liquidate()
    assert not world.venue.columns["bucket_fired"][account]
    world.place(0, ETHER, BUY, 101 * USD, 1)
    world.place(1, ETHER, SELL, 102 * USD, 1)
    world.tick()
    world.price(ETHER, 100 * USD)
    assert world.venue.columns["market_price"][ETHER] != 100 * USD
    assert world.venue.columns["bucket_fired"][account]
    world.sound()


def test_a_new_grid_measures_everybody_in_it_again(world: Portfolios) -> None:
    world.set_portfolio(2)
    world.liquidate()
    assert not world.venue.columns["bucket_fired"][2]
    later = world.now + parameter.DAY_MS
    which = parameter.GRID_BASIS
    fields = {"market": ETHER, "other": which, "price": 30 * PERCENT, "expires": later}
    world.must(kind=command.SET_PARAMETER, signer=command.ADMIN, **fields)
    while world.now < later:
        world.pass_time(min(50_000, later - world.now))
        world.liquidate()
    assert int(world.venue.columns["param"][ETHER, which]) == 30 * PERCENT
    world.settle()
    assert not world.is_portfolio(2)
    world.sound()


def test_isolated_buckets_keep_to_the_tiers(world: Portfolios) -> None:
    world.set_portfolio(1)
    fields = {"account": 1, "market": BITCOIN, "size": 10, "flags": command.ISOLATED}
    world.must(kind=command.SET_LEVERAGE, signer=1, **fields)
    world.trade(1, 0, BITCOIN, 100 * USD, 10)
    own = int(world.venue.columns["account_isolated"][1]) - 1
    assert world.position(own, BITCOIN) == 10
    assert world.measured(own)[2] == 50 * USD
    assert not world.is_portfolio(own)
    world.sound()


def test_its_collateral_is_not_for_sale_before_the_mode_has_ended(world: Portfolios) -> None:
    assert world.give(2, BTC, 1) == 0
    world.set_portfolio(2)
    assert world.holding(2, BTC) == 1
    assert POOL == 2
    fields = {"account": 0, "other": ETH, "size": 1, "price": 10**9, "reference": 2}
    world.venue.columns["bucket_liquidating"][2] = 1
    world.refused(code.NOT_FOR_SALE, kind=command.BUY_ASSET, signer=0, **fields)
    world.venue.columns["bucket_mode"][2] = 0
    world.must(kind=command.BUY_ASSET, signer=0, **fields)


def test_a_hedge_leaves_only_with_the_margin_of_what_it_leaves_bare(world: Portfolios) -> None:
    """Ether that covers a short: its leaving takes equity and raises the requirement, and both are looked at."""
    world.deposit(2, 93_000)
    world.set_portfolio(2)
    assert world.measured(2)[1] - LOTS * 90 * USD == 15_000 * USD > world.measured(2)[3]
    most = next(lots for lots in range(LOTS, 0, -1) if not world.do(**taken(lots)).codes[0])
    assert LOTS * 8 // 10 < most < LOTS
    assert world.measured(2)[1] >= world.measured(2)[3] > 10_000 * USD
    world.refused(code.WITHDRAWABLE, **taken(1))
    world.sound()
    tiered = Portfolios()
    assert [tiered.account(1_000_000) for _ in range(2)] == [0, 1]
    assert basis(tiered) == 2
    tiered.deposit(2, 93_000)
    tiered.must(**taken(LOTS))
    assert tiered.measured(2)[1:4:2] == (15_000 * USD, 10_000 * USD)


def taken(lots: int) -> dict[str, int]:
    """Ether out of account 2."""
    return {"kind": command.WITHDRAW_ASSET, "signer": 2, "account": 2, "other": ETH, "size": lots, **ADDRESS}


def test_a_range_that_hedges_leaves_only_with_the_margin_of_what_it_leaves_bare(world: Portfolios) -> None:
    """A short of 9,000 USD that a range covers: 2,200 USD would do beside it, and not alone."""
    account = world.account(2_200)
    token = world.attach(account)
    world.trade(0, account, ETHER, 100 * USD, 90)
    world.set_portfolio(account)
    gone = {"kind": command.DETACH_RANGE, "signer": account, "account": account, "other": POOL, "client_low": token}
    beside, alone = world.measured(account)[3], ceil_div(9_000 * USD * 205 * 125, 100_000)  # 20 %, and 0.5 %
    assert beside < 2_200 * USD < alone
    world.refused(code.WITHDRAWABLE, **gone, **ADDRESS)
    world.deposit(account, 150)
    world.must(**gone, **ADDRESS)
    assert world.measured(account)[1:4:2] == (2_350 * USD, alone)
    world.sound()
