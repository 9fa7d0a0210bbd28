"""USDe, 10 October 2025: on one venue's own book the token fell to 65 cents while it was redeemed at par everywhere.

Accounts margined with it were liquidated there by the hundred, and nowhere else. Collateral is priced by the index of
independent sources, never by this venue's book; one source that falls alone leaves the index where it was; and what can
be redeemed is not priced below the floor of its redemption value for what is open already.
"""

from guard import fails_without

from seawall.ledger import state
from seawall.terms import asset_parameter, command, event
from seawall.units import RATE_ONE
from vault_world import BITCOIN, DOLLAR, PAR, PRICE, Vault
from venue_world import BUY, SELL, USD

TOKEN = 0
PEG = 100 * USD  # a lot is 100 tokens


def setting() -> Vault:
    """A market of the token, and the token as collateral."""
    vault = Vault()
    vault.list_market(DOLLAR, PEG)
    vault.index(PAR, PEG)
    vault.asset(TOKEN, DOLLAR, PAR, kind=asset_parameter.STABLE, account_cap=10**5, supply_cap=10**5)
    return vault


def exposed(vault: Vault, trader: int, other: int) -> None:
    """A position, and nearly all that 100,000 USD of the token let their owner borrow."""
    vault.trade(trader, other, BITCOIN, PRICE, 100)
    vault.must(kind=command.WITHDRAW, signer=trader, account=trader, amount=78_000 * USD)


def scenario() -> None:
    """The book of this venue prints 65 cents and nobody is liquidated."""
    vault = setting()
    trader, other, seller, buyer = vault.account(), *(vault.account(10_000_000) for _ in range(3))
    vault.give(trader, TOKEN, 1_000)
    exposed(vault, trader, other)
    columns = vault.venue.columns
    for step in range(1, 15):  # sold down the book, print after print
        price = max(PEG - step * 5 * USD // 2, 81 * USD)
        vault.place(buyer, DOLLAR, BUY, price, 10)
        vault.place(seller, DOLLAR, SELL, price, 10)
        vault.tick()
        for market in (0, BITCOIN, DOLLAR, PAR):
            vault.price(market, int(columns["market_oracle"][market]))
    assert columns["market_last"][DOLLAR] == 81 * USD
    events = vault.settle()
    assert [row for row in events if row["kind"] == event.LIQUIDATION] == []
    assert vault.position(trader, BITCOIN) == 100
    assert vault.measured(trader)[0] + vault.cell(state.RESERVE) == 12_000 * USD
    vault.sound()


def one_source_falls() -> None:
    """A source that prints 65 cents alone, among three, is left out."""
    vault = Vault()
    vault.index(DOLLAR, PEG)
    vault.index(PAR, PEG)
    vault.asset(TOKEN, DOLLAR, PAR, kind=asset_parameter.STABLE)
    for source in (1, 2):
        vault.must(kind=command.SET_SOURCE, signer=command.ADMIN, market=DOLLAR, other=source, size=1)
    trader, other = vault.account(), vault.account(10_000_000)
    vault.give(trader, TOKEN, 1_000)
    exposed(vault, trader, other)
    for price in range(99, 64, -1):
        vault.tick()
        for market in (0, BITCOIN, PAR):
            vault.price(market, PEG)
        for source, said in ((1, PEG), (2, PEG - USD // 10), (0, price * USD)):
            fields = {"market": DOLLAR, "other": source, "price": said, "time": vault.now}
            vault.must(kind=command.ORACLE, signer=command.ORACLES, **fields)
        assert [row for row in vault.settle() if row["kind"] == event.LIQUIDATION] == []
    assert vault.position(trader, BITCOIN) == 100
    vault.sound()


def every_market_falls() -> None:
    """All sources fall and the token is redeemed at par: new risk stops, what is open stays above the floor."""
    vault = Vault()
    vault.index(DOLLAR, PEG)
    vault.index(PAR, PEG)
    floor = RATE_ONE * 97 // 100
    vault.asset(TOKEN, DOLLAR, PAR, kind=asset_parameter.STABLE, redemption_floor=floor)
    trader, other = vault.account(), vault.account(10_000_000)
    vault.give(trader, TOKEN, 1_000)
    exposed(vault, trader, other)
    vault.move(DOLLAR, 65 * USD)
    assert [row for row in vault.settle() if row["kind"] == event.LIQUIDATION] == []
    assert vault.position(trader, BITCOIN) == 100
    assert vault.measured(trader)[0] + vault.cell(state.RESERVE) == 97_000 * USD * 9 // 10 - 78_000 * USD
    assert vault.may_leave(trader) == 0
    vault.sound()


def test_a_collapse_on_the_own_book_liquidates_nobody() -> None:
    scenario()


def test_it_fails_without_the_index() -> None:
    old = "    price, redeemed = s.market_oracle[s.asset_market[asset]], s.asset_redeemed[asset] - 1\n"
    new = "    price, redeemed = s.market_last[s.asset_market[asset]], s.asset_redeemed[asset] - 1\n"
    market = 'v["asset_market"].item(asset)'
    read = (f'v["market_oracle"].item({market})', f'v["market_last"].item({market})')
    step = "        move_stable(s, market)\n"
    at_once = ("engine/prices.py", step, step + "    revalue_market(s, market)\n")
    more = (("engine/invariant_scenario.py", *read), at_once)
    assert fails_without("ledger/valuation.py", old, new, scenario, *more)


def test_one_source_that_falls_alone_liquidates_nobody() -> None:
    one_source_falls()


def test_it_fails_without_the_median() -> None:
    old = "    middle = median_of(s, market, chosen)\n"
    assert fails_without("engine/prices.py", old, "    return int(s.source_price[market, 0])\n", one_source_falls)


def test_redemption_at_par_keeps_open_positions() -> None:
    every_market_falls()


def test_it_fails_without_the_floor_of_redemption() -> None:
    old = "    return int(max(price, min(least, s.market_price_max[s.asset_market[asset]])))\n"
    assert fails_without("ledger/valuation.py", old, "    return price\n", every_market_falls)
