"""Sales of collateral that a living venue makes: settled by its operator, within bounds, once, and by nobody else."""

from fractions import Fraction

import pytest
from test_collateral_assets import CHEAP, ETH, Collateral, in_trouble
from venue import USD

from seawall.chain import layout as at
from seawall.chain.client import Client
from seawall.chain.rebuild import verify
from seawall.terms import code

RULES = {"exit_delay_s": 3_600}
FOREVER = 2**40


@pytest.fixture
def c() -> Collateral:
    """A venue that owners do not leave past its operator, who is the deployer."""
    return Collateral(RULES)


def debtor(c: Collateral) -> Client:
    """Owes 350 USD against 5 ETH, with no position; 500 USD of collateral count 400 for initial margin."""
    owner = c.holder(50_000)
    assert c.code(owner, "withdraw", 0, 350 * USD, owner.address) == 0
    return owner


def buyer_of(c: Collateral, until: int = FOREVER) -> Client:
    """Who lets the operator trade for him."""
    made = c.world.wallet(1_000)
    made.send(c.world.contract("Exchange"), "approve_agent", c.world.client.address, until)
    return made


def settle(c: Collateral, owner: Client, buyer: Client, lots: int, cost: int, asset: int = ETH, number: int = 7) -> int:
    """The code of what the operator brings."""
    what = (at.account(owner.address), asset, lots, buyer.address, cost, number)
    return c.code(c.world.client, "settle_sale", *what)


def test_a_sale_moves_lots_and_cash_once(c: Collateral) -> None:
    owner, buyer = debtor(c), buyer_of(c)
    c.price(80)
    before = c.raw(buyer)
    cost = 10_000 * 7_600  # a lot of 8,000 micro-USD less 5 %
    assert settle(c, owner, buyer, 10_000, cost) == 0
    assert (c.held(owner), c.held(buyer)) == (40_000, 10_000)
    assert (c.raw(owner), c.raw(buyer)) == (-350 * USD + cost, before - cost)
    assert settle(c, owner, buyer, 10_000, cost) == code.NONCE_USED
    assert settle(c, owner, buyer, 10_000, cost, number=8) == 0
    assert verify(c.world.client, c.world.record).is_whole


def test_only_who_is_short_of_initial_margin_and_owes_usd_is_sold_up(c: Collateral) -> None:
    owner, buyer = debtor(c), buyer_of(c)
    assert settle(c, owner, buyer, 100, 100 * 9_500) == code.NOT_DUE, "the account has its initial margin"
    c.price(85)
    assert settle(c, owner, buyer, 100, 100 * 8_075) == 0
    rich, buyer = c.holder(50_000, 10), buyer_of(c)
    c.price(100)
    c.world.trade(rich, 1, 300_000)
    c.price(90)
    assert c.health(rich)[1] < c.health(rich)[3]
    assert settle(c, rich, buyer, 100, 100 * 8_550) == code.BAD_AMOUNT, "its loss is not realised: it owes no USD"


def test_no_more_is_sold_than_is_owed_and_a_lot(c: Collateral) -> None:
    owner, buyer = debtor(c), buyer_of(c)
    c.price(Fraction(81))
    price = 8_100
    lots = -(-350 * USD // price)
    assert settle(c, owner, buyer, lots + 2, (lots + 2) * price) == code.BAD_AMOUNT
    assert settle(c, owner, buyer, lots, lots * price) == 0


def test_neither_the_owner_nor_the_buyer_is_cheated(c: Collateral) -> None:
    owner, buyer = debtor(c), buyer_of(c)
    c.price(80)
    assert settle(c, owner, buyer, 1_000, 1_000 * 8_000 + 1) == code.BAD_PRICE
    assert settle(c, owner, buyer, 1_000, 1_000 * 7_200 - 1) == code.BAD_PRICE
    assert settle(c, owner, buyer, 50_001, 350 * USD) == code.BAD_SIZE
    assert settle(c, owner, buyer, 0, 0) == code.BAD_SIZE
    assert settle(c, owner, buyer, 1, 8_000, asset=CHEAP) == code.BAD_SIZE
    stranger = c.world.wallet(1_000)
    assert settle(c, owner, stranger, 1_000, 1_000 * 7_600) == code.NOT_AUTHORISED
    late = buyer_of(c, int(c.world.w3.evm.now) + 1)
    c.world.pass_time(2)
    assert settle(c, owner, late, 1_000, 1_000 * 7_600) == code.NOT_AUTHORISED
    poor = buyer_of(c)
    c.code(poor, "withdraw", 0, 1_000 * USD, poor.address)
    assert settle(c, owner, poor, 1_000, 1_000 * 7_600) != 0
    assert settle(c, owner, buyer, 1_000, 1_000 * 7_200) == 0


def test_a_stale_price_sells_nothing(c: Collateral) -> None:
    owner, buyer = debtor(c), buyer_of(c)
    c.price(80)
    c.world.pass_time(4_000)
    assert settle(c, owner, buyer, 1_000, 1_000 * 7_600) == code.STALE_PRICE


def test_nobody_buys_past_a_venue_that_lives(c: Collateral) -> None:
    owner, buyer = in_trouble(c, 50)
    c.world.client.send(c.world.contract("Exchange"), "beat")
    account = at.account(owner.address)
    assert c.code(buyer, "buy_collateral", account, ETH, 1, 0, 10**9) == code.NOT_AUTHORISED
    price = c.price_now()
    c.world.pass_time(3_700)
    c.price(price)
    assert c.code(buyer, "buy_collateral", account, ETH, 1, 0, 10**9) == 0
