"""The backstop vault of the market that prices a token buys it of liquidations, and answers with it from then on."""

from fractions import Fraction

import msgspec
import pytest
from test_collateral_assets import CHEAP, ETH, Collateral
from uniswap_world import asset_of
from venue import USD

from seawall.chain import layout as at
from seawall.chain.client import Client, Refused
from seawall.chain.deploy import Deployer
from seawall.chain.events import read
from seawall.chain.rebuild import verify
from seawall.chain.settings import check, example
from seawall.terms import code
from seawall.units import BadInput

MARKET = 1  # ETH, which prices the token
POOL = at.pool_of(MARKET, at.BACKSTOP)
DEBT = 190_000
LOTS = 250_000
START = Fraction(80)  # USD, once a borrower is due


class Vaulted(Collateral):
    """The first token is bought by the vault of its market, which has 100,000 USD."""

    def __init__(self, buyer: str = "ETH") -> None:
        super().__init__({"venue": {"withdrawal_hour_base": 2**53, "withdrawal_day_base": 2**53}}, buyer=buyer)

    def borrower(self) -> Client:
        """2,500 ETH, and nearly all that may be taken out against them; then they are worth 80 USD."""
        made = self.holder(25_000_000)
        assert self.code(made, "withdraw", 0, DEBT * USD, made.address) == code.OK
        self.price(START)
        return made

    def trader(self) -> Client:
        """A wallet with 300 USD and a long position of LOTS."""
        made = self.world.wallet(300)
        self.world.trade(made, MARKET, LOTS)
        return made

    def fall(self, trader: Client, usd: Fraction = START) -> Fraction:
        """The price falls until the vault comes before the pool in closing the trader; returns it."""
        while 10 * self.health(trader)[0] >= 6 * self.health(trader)[2]:
            usd -= Fraction(1, 20)
            self.price(usd)
        assert self.health(trader)[0] >= 0
        return usd

    def liquidate(self, owner: Client) -> dict[str, list[dict[str, int]]]:
        """A unit of work: the events of the contracts that have told any."""
        contract = self.world.contract("Liquidation")
        receipt = self.world.client.send(contract, "liquidate", at.account(owner.address))
        first = receipt["blockNumber"]
        told = list(read(self.world.w3, {"Liquidation": contract.address}, first, first))
        names = ("LiquidationStarted", "BackstopTook", "LiquidationEnded")
        return {name: [one.values for one in told if one.name == name] for name in names}

    def pool(self) -> tuple[int, int]:
        """(cash, lots) of the vault."""
        house = self.world.contract("ClearingHouse")
        cash = self.world.client.call(house, "cash_of", POOL, at.NO_MARKET)[0]
        return int(cash), int(self.world.client.call(self.vault, "held", POOL, ETH))

    def whole(self) -> None:
        found = verify(self.world.client, self.world.record)
        assert found.is_whole, found.differences


def test_a_vault_buys_as_far_as_its_cash_goes_and_others_the_rest() -> None:
    c = Vaulted()
    owner, price = c.borrower(), 7_600  # a lot of 80 cents less a twentieth
    cash, _ = c.pool()
    debt, offered = -c.raw(owner), int(c.world.client.call(c.vault, "lots_for_sale", at.account(owner.address), ETH))
    assert offered * price > cash
    told = c.liquidate(owner)
    lots = cash // price
    assert c.pool() == (cash - lots * price, lots)
    interest = int(c.world.client.call(c.world.contract("Lending"), "reserve"))
    assert c.raw(owner) == lots * price - debt - interest
    assert (len(told["LiquidationStarted"]), told["LiquidationEnded"]) == (1, [])
    assert at.unpack(at.BUCKET_WORD, c.world.word(at.BUCKET | at.account(owner.address)))["liquidating"] == 1
    began = at.unpack(at.LIQUIDATION_WORD, c.world.word(at.LIQUIDATION | at.account(owner.address)))["start"]
    assert began == c.world.w3.evm.now * 1_000
    c.whole()
    buyer = c.world.wallet(200_000)
    rest = int(c.world.client.call(c.vault, "lots_for_sale", at.account(owner.address), ETH))
    assert c.code(buyer, "buy_collateral", at.account(owner.address), ETH, rest, 0, rest * price) == code.OK
    assert len(c.liquidate(owner)["LiquidationEnded"]) == 1
    c.whole()


def test_a_sale_that_is_enough_ends_the_liquidation() -> None:
    c = Vaulted()
    owner = c.holder(1_000_000)
    assert c.code(owner, "withdraw", 0, 7_300 * USD, owner.address) == code.OK
    c.price(81)
    told = c.liquidate(owner)
    assert (len(told["LiquidationStarted"]), len(told["LiquidationEnded"])) == (1, 1)
    assert c.health(owner)[0] >= 0
    assert at.unpack(at.BUCKET_WORD, c.world.word(at.BUCKET | at.account(owner.address)))["liquidating"] == 0
    c.whole()


def test_what_a_vault_holds_backs_what_it_takes_next() -> None:
    """Without cash, with tokens: it takes over what its cash would not bear, and more once it holds a position."""
    c = Vaulted()
    c.liquidate(c.borrower())
    cash, lots = c.pool()
    assert cash < USD < lots
    usd = START
    for trader in [c.trader(), c.trader()]:
        usd = c.fall(trader, usd)
        assert [one["size"] for one in c.liquidate(trader)["BackstopTook"]] == [-LOTS]
    assert at.unpack(at.POSITION_WORD, c.world.word(at.position_key(POOL, MARKET)))["size"] == 2 * LOTS
    c.whole()


def test_a_vault_keeps_the_initial_margin_of_what_it_holds() -> None:
    c = Vaulted()
    owner, trader = c.borrower(), c.trader()
    usd = c.fall(trader)
    c.liquidate(trader)
    c.price(usd - 1)
    house = c.world.contract("ClearingHouse")
    _, counts, _, required, *_ = c.world.client.call(house, "health_after", POOL, at.NO_MARKET, 0, 0, 0, 0)
    cash, price = c.pool()[0], int(c.world.client.call(c.vault, "offer", at.account(owner.address), ETH)[2])
    assert counts - required < cash
    c.liquidate(owner)
    assert c.pool() == (cash - (counts - required) // price * price, (counts - required) // price)
    c.whole()


def test_the_least_haircut_goes_to_the_vault_first() -> None:
    c = Vaulted()
    deployer = Deployer(c.world.client, c.world.record, None, lambda _: None)
    deployer._govern("CollateralVault", "set_buyer", CHEAP, 1 + MARKET)
    owner = c.holder(1_000_000)
    c.give(owner, 1_000_000, CHEAP)
    assert c.code(owner, "deposit_asset", CHEAP, at.account(owner.address), 1_000_000) == code.OK
    assert c.code(owner, "withdraw", 0, 10_000 * USD, owner.address) == code.OK
    usd = 100
    while c.health(owner)[0] >= 0:
        usd -= 1
        c.price(usd)
    c.liquidate(owner)
    held = [int(c.world.client.call(c.vault, "held", POOL, asset)) for asset in (ETH, CHEAP)]
    assert (held[0] > 0, held[1]) == (True, 0)


def test_anybody_buys_of_a_vault_at_the_price_and_its_shares_are_worth_that() -> None:
    c = Vaulted()
    before = c.pool()[0]
    c.liquidate(c.borrower())
    cash, lots = c.pool()
    pools = c.world.contract("Pools")
    low, high, _ = c.world.client.call(pools, "worth_of", POOL)
    assert (low, high) == (cash + lots * 8_000 * 9 // 10, cash + lots * 8_000)
    assert low < before < high, "it has bought below the price, and counts for less than it"
    buyer = c.world.wallet(200_000)
    assert c.code(buyer, "buy_collateral", POOL, ETH, lots + 1, 0, 10**15) == code.BAD_SIZE
    assert c.code(buyer, "buy_collateral", POOL, ETH, lots, 0, lots * 8_000 - 1) == code.BAD_PRICE
    assert c.code(buyer, "buy_collateral", POOL, ETH, lots, 0, lots * 8_000) == code.OK
    assert c.pool() == (cash + lots * 8_000, 0)
    assert c.world.client.call(pools, "worth_of", POOL)[:2] == [high, high]
    c.whole()


def test_who_leaves_a_vault_is_paid_from_its_cash_alone() -> None:
    c = Vaulted()
    c.liquidate(c.borrower())
    client = c.world.client
    shares = client.at("PoolShares", c.world.record.addresses["PoolShares 1 backstop"])
    client.send(shares, "ask_to_leave")
    c.world.pass_time(4_000)
    c.price(80)
    held = int(client.call(shares, "balanceOf", client.address))
    with pytest.raises(Refused) as refused:
        client.send(shares, "leave", 0, held // 100)
    assert refused.value.code == code.POOL_MARGIN


def test_nobody_but_liquidation_sells_to_a_vault_and_the_governor_names_it() -> None:
    c = Vaulted(buyer="")
    owner = c.borrower()
    assert c.code(c.world.client, "sell_to_pool", at.account(owner.address), ETH, 1) == code.NOT_AUTHORISED
    assert c.code(c.world.client, "set_buyer", ETH, 1 + MARKET) == code.NOT_AUTHORISED
    before = c.pool()
    c.liquidate(owner)
    assert c.pool() == before, "no market is named for it"
    c.whole()


def test_a_buyer_is_a_market_of_the_deployment() -> None:
    token = "0x" + "11" * 20
    check(msgspec.structs.replace(example(), assets=[asset_of(token, buyer="ETH")]))
    for field in ("buyer", "underlying"):
        with pytest.raises(BadInput, match=f"assets.ETH.{field}"):
            check(msgspec.structs.replace(example(), assets=[asset_of(token, **{field: "DOGE"})]))
