"""ERC-20 collateral in the vault: caps, weights, stable price, withdrawal, and its sale in liquidation."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from fast_chain import FastChain, FastClient, FastWorld
from uniswap_world import asset_of
from venue import USD

from seawall.chain import layout as at
from seawall.chain.client import ChainFault, Client, Refused
from seawall.terms import code
from seawall.units import RATE_ONE

LOT = 10**14  # units of a token with 18 decimals in a lot of 10^-4
ETH, CHEAP = 0, 1  # CHEAP has the greater haircut
REVERTED = -1


class Collateral:
    """Two listed tokens, both priced by the feed of ETH: 100 USD each, 10,000 micro-USD a lot."""

    def __init__(self, rules: Mapping[str, Any] | None = None, **changes: Any) -> None:
        """`rules` are of the deployment, `changes` of the first token."""
        chain = FastChain()
        client = FastClient(chain, (1).to_bytes(32, "big"))
        tokens = [client.create("TestToken", 18)["contractAddress"] for _ in range(2)]
        second = {"name": "CHEAP", "weight_initial": RATE_ONE // 4, "weight_maintenance": RATE_ONE // 2}
        assets = [asset_of(tokens[0], **changes), asset_of(tokens[1], **second)]
        self.world = FastWorld(None, chain, assets=assets, **(rules or {}))
        self.tokens = [client.at("TestToken", token) for token in tokens]
        self.vault = self.world.contract("CollateralVault")
        self.price(100)

    def price(self, usd: Any) -> None:
        """Both tokens and the market ETH, in steps that the hub takes."""
        hub, venue = self.world.contract("OracleHub"), self.world.venue
        here = Fraction(int(self.world.client.call(hub, "asset_price", 0)[0]) or 10_000, 100)
        wanted = Fraction(usd)
        while True:
            here = min(max(wanted, here * Fraction(97, 100)), here * Fraction(103, 100))
            prices = {0: 1_000, 1: here, 2**16 + 1: here}
            assert venue.report(prices) == [0] * 4
            if here == wanted:
                return

    def price_now(self) -> int:
        """USD, rounded down."""
        return int(self.world.client.call(self.world.contract("OracleHub"), "asset_price", 0)[0]) // 100

    def holder(self, lots: int, usd: int = 0, asset: int = ETH) -> Client:
        """A wallet with collateral and margin in its account."""
        made = self.world.wallet(usd)
        self.give(made, lots, asset)
        assert self.code(made, "deposit_asset", asset, at.account(made.address), lots) == 0
        return made

    def give(self, owner: Client, lots: int, asset: int = ETH) -> None:
        self.world.client.send(self.tokens[asset], "mint", owner.address, lots * LOT)
        owner.send(self.tokens[asset], "approve", self.vault.address, 2**255)

    def code(self, client: Client, function: str, *args: Any) -> int:
        try:
            client.send(self.vault, function, *args)
        except Refused as refused:
            return refused.code
        except ChainFault:
            return REVERTED
        return 0

    def held(self, owner: Client, asset: int = ETH) -> int:
        return int(self.world.client.call(self.vault, "held", at.account(owner.address), asset))

    def worth(self, owner: Client) -> tuple[int, int]:
        initial, maintenance = self.world.client.call(self.vault, "worth", at.account(owner.address))
        return int(initial), int(maintenance)

    def health(self, owner: Client) -> Any:
        house = self.world.contract("ClearingHouse")
        return self.world.client.call(house, "health_after", at.account(owner.address), at.NO_MARKET, 0, 0, 0, 0)

    def raw(self, owner: Client) -> int:
        return at.unpack(at.BUCKET_WORD, self.world.word(at.BUCKET | at.account(owner.address)))["raw"]


def test_lots_come_in_count_and_leave() -> None:
    c = Collateral()
    owner = c.holder(50_000)  # 5 ETH, 500 USD
    assert c.worth(owner) == (400 * USD, 450 * USD)
    assert list(c.health(owner)[:2]) == [450 * USD, 400 * USD]
    assert at.unpack(at.BUCKET_WORD, c.world.word(at.BUCKET | at.account(owner.address)))["assets"] == 1
    assert c.code(owner, "withdraw_asset", ETH, 0, 50_001, owner.address) == code.WITHDRAWABLE
    assert c.code(owner, "withdraw_asset", ETH, 0, 50_000, owner.address) == 0
    assert c.world.client.call(c.tokens[ETH], "balanceOf", owner.address) == 50_000 * LOT
    assert at.unpack(at.BUCKET_WORD, c.world.word(at.BUCKET | at.account(owner.address)))["assets"] == 0


def test_a_worthless_token_backs_no_more_than_its_cap() -> None:
    """Whatever the oracle is made to say of it: the vault takes so many lots of all accounts, and not one more."""
    c = Collateral(cap=100_000)
    first = c.holder(60_000)
    attacker = c.world.wallet(0)
    c.give(attacker, 10**9)
    account = at.account(attacker.address)
    assert c.code(attacker, "deposit_asset", ETH, account, 40_001) == code.BAD_AMOUNT
    assert c.code(attacker, "deposit_asset", ETH, account, 40_000) == 0
    assert c.code(attacker, "deposit_asset", ETH, account, 1) == code.BAD_AMOUNT
    c.code(first, "withdraw_asset", ETH, 0, 10_000, first.address)
    assert c.code(attacker, "deposit_asset", ETH, account, 10_000) == 0
    assert c.code(attacker, "deposit_asset", 5, account, 1) == code.BAD_FIELD
    assert c.code(attacker, "deposit_asset", ETH, at.pool_of(0, at.AMM), 1) == code.BAD_AMOUNT


def test_a_token_that_takes_a_fee_is_refused() -> None:
    c = Collateral()
    owner = c.world.wallet(0)
    c.give(owner, 100)
    c.world.client.send(c.tokens[ETH], "set_fee", 10)
    assert c.code(owner, "deposit_asset", ETH, at.account(owner.address), 100) == code.BAD_AMOUNT


def test_the_initial_weight_shrinks_with_what_the_vault_holds() -> None:
    c = Collateral(start=50_000)
    owner = c.holder(50_000)
    assert c.worth(owner)[0] == 400 * USD
    c.holder(150_000)
    assert c.worth(owner)[0] == 100 * USD, "a quarter of the weight: start / all"
    assert c.worth(owner)[1] == 450 * USD, "maintenance keeps its own"


def test_a_pump_does_not_raise_what_backs_new_risk() -> None:
    """Initial margin takes the lower of oracle and stable price, which follows at 0.03 % a second (Mango 2022)."""
    c = Collateral()
    owner = c.holder(50_000)
    c.world.client.send(c.vault, "move_stable", ETH)
    before = c.worth(owner)
    c.price(150)
    initial, maintenance = c.worth(owner)
    assert maintenance == before[1] * 3 // 2
    assert initial < before[0] * 102 // 100
    c.price(60)
    assert c.worth(owner)[0] == 240 * USD, "a fall counts at once"


def test_a_stale_price_backs_nothing_new_and_sells_nothing() -> None:
    c = Collateral()
    owner = c.holder(50_000)
    c.world.pass_time(4_000)
    assert c.worth(owner) == (0, 450 * USD)


def test_collateral_leaves_with_margin_behind_and_by_the_hour() -> None:
    c = Collateral(hour_cap=30_000)
    owner = c.holder(50_000)
    c.world.trade(owner, 1, 100_000)  # 10 ETH: 50 USD of margin
    assert c.code(owner, "withdraw_asset", ETH, 0, 30_001, owner.address) == code.WITHDRAWAL_LIMIT
    assert c.code(owner, "withdraw_asset", ETH, 0, 30_000, owner.address) == 0
    assert c.code(owner, "withdraw_asset", ETH, 0, 1, owner.address) == code.WITHDRAWAL_LIMIT
    c.world.pass_time(3_600)
    c.price(100)
    assert c.code(owner, "withdraw_asset", ETH, 0, 19_999, owner.address) == code.WITHDRAWABLE


def test_collateral_leaves_the_withdrawal_floor_behind() -> None:
    """A tenth of the notional, which is more than the initial margin of 40 x (SPEC section 4)."""
    c = Collateral()
    owner = c.holder(50_000)
    c.world.trade(owner, 1, 100_000)
    _, equity_initial, _, initial, notional, profit = c.health(owner)
    least = -(-notional // 10)
    assert (profit, initial < least) == (0, True)
    lots = (equity_initial - least) // 8_000  # a lot counts 0.8 cents
    assert c.code(owner, "withdraw_asset", ETH, 0, lots + 1, owner.address) == code.WITHDRAWABLE
    assert c.code(owner, "withdraw_asset", ETH, 0, lots, owner.address) == 0


def test_profit_that_nobody_has_paid_lets_neither_collateral_nor_cash_out() -> None:
    """It counts for initial margin, and stays inside until losers have paid for it (SPEC section 4)."""
    c = Collateral()
    owner = c.holder(50_000, 100)
    c.world.trade(owner, 1, 500_000)
    c.price(120)
    _, equity_initial, _, initial, notional, profit = c.health(owner)
    assert profit > 900 * USD
    assert equity_initial - c.worth(owner)[0] > max(initial, notional // 10), "with the profit there would be enough"
    assert c.code(owner, "withdraw_asset", ETH, 0, 1, owner.address) == code.WITHDRAWABLE
    assert c.code(owner, "withdraw", 0, 1, owner.address) == code.WITHDRAWABLE


def in_trouble(c: Collateral, borrowed: int) -> tuple[Client, Client]:
    """An account below maintenance with both tokens, 10 USD of cash less what it has borrowed; a buyer with money."""
    owner, buyer = c.holder(10_000, 10), c.world.wallet(10_000)
    c.give(owner, 10_000, CHEAP)
    assert c.code(owner, "deposit_asset", CHEAP, at.account(owner.address), 10_000) == 0
    if borrowed:
        assert c.code(owner, "withdraw", 0, borrowed * USD, owner.address) == 0
    c.world.trade(owner, 1, 50_000 if borrowed else 200_000)
    usd = 100
    while c.health(owner)[0] >= c.health(owner)[2]:
        usd -= 1
        c.price(usd)
    return owner, buyer


def test_a_healthy_account_sells_nothing() -> None:
    c = Collateral()
    owner, buyer = c.holder(50_000), c.world.wallet(1_000)
    assert c.code(buyer, "buy_collateral", at.account(owner.address), ETH, 1, 0, 10**9) == code.NOT_DUE


def test_nothing_is_sold_before_anything_is_owed() -> None:
    """Below maintenance by a loss that is not realised: positions are closed first, collateral pays what that costs."""
    c = Collateral()
    owner, buyer = in_trouble(c, 0)
    account = at.account(owner.address)
    assert c.world.client.call(c.vault, "lots_for_sale", account, ETH) == 0
    assert c.code(buyer, "buy_collateral", account, ETH, 1, 0, 10**9) == code.BAD_SIZE


def test_what_is_owed_is_paid_by_the_least_haircut_first() -> None:
    c = Collateral()
    owner, buyer = in_trouble(c, 50)
    account = at.account(owner.address)
    equity, raw = c.health(owner)[0], c.raw(owner)
    lots = int(c.world.client.call(c.vault, "lots_for_sale", account, ETH))
    assert 0 < lots <= 10_000
    assert c.code(buyer, "buy_collateral", account, CHEAP, 1, 0, 10**9) == code.BAD_FIELD
    assert c.code(buyer, "buy_collateral", account, ETH, lots + 1, 0, 10**12) == code.BAD_SIZE
    price = -(-int(c.world.client.call(c.vault, "counted", ETH)[1]) * 95 // 100)
    assert c.code(buyer, "buy_collateral", account, ETH, lots, 0, lots * price - 1) == code.BAD_PRICE
    before = c.raw(buyer)
    buyer.send(c.vault, "buy_collateral", account, ETH, lots, 0, lots * price)
    assert c.held(buyer) == lots
    assert c.held(owner) == 10_000 - lots
    assert c.raw(buyer) == before - lots * price
    assert c.raw(owner) == raw + lots * price
    assert c.health(owner)[0] >= equity, "a sale never costs equity"


def test_who_buys_needs_cash_that_may_leave() -> None:
    c = Collateral()
    owner, _ = in_trouble(c, 50)
    poor = c.world.wallet(0)
    assert c.code(poor, "buy_collateral", at.account(owner.address), ETH, 1, 0, 10**9) != 0
