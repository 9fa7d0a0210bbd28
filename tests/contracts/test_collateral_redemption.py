"""Collateral that can be redeemed, and coins worth USD by design: a price elsewhere liquidates nobody."""

from fractions import Fraction

import pytest
from fast_chain import FastChain, FastClient, FastWorld
from test_collateral_assets import LOT
from uniswap_world import asset_of
from venue import USD

from seawall.chain import layout as at
from seawall.chain.client import Client, Refused
from seawall.chain.deploy import ASSET_FEED, REDEMPTION_FEED
from seawall.chain.keeper import Keeper
from seawall.chain.rebuild import verify
from seawall.chain.settings import FeedSettings
from seawall.terms import code
from seawall.units import RATE_ONE

STAKED, COIN = 0, 1
LOTS = 50_000  # 5 units, 500 USD


class Redeemable:
    """A staked token (redeemed for 100 USD, floor 95 %, band 2 %) and a coin; both worth 100 USD a unit at first."""

    def __init__(self) -> None:
        chain = FastChain()
        client = FastClient(chain, (1).to_bytes(32, "big"))
        tokens = [client.create("TestToken", 18)["contractAddress"] for _ in range(2)]
        feed = FeedSettings(max_age_ms=3_600_000)
        fields = {"redemption": feed, "redemption_floor": RATE_ONE * 95 // 100, "feed": feed, "underlying": ""}
        staked = asset_of(tokens[STAKED], name="stETH", **fields)
        coin = asset_of(tokens[COIN], name="coin", weight_maintenance=RATE_ONE * 85 // 100, is_stable=True, feed=feed)
        self.world = FastWorld(None, chain, assets=[staked, coin])
        self.tokens = [client.at("TestToken", token) for token in tokens]
        self.vault = self.world.contract("CollateralVault")
        self.usd = Fraction(100)
        self.say(100)

    def say(self, usd: Fraction | int, par: int = 100) -> None:
        """The staked token's price, in steps that the hub takes; what it is redeemed for."""
        while True:
            self.usd = min(max(Fraction(usd), self.usd * Fraction(97, 100)), self.usd * Fraction(103, 100))
            prices = {0: 1_000, 1: 100, ASSET_FEED + STAKED: self.usd, ASSET_FEED + COIN: 100}
            assert set(self.world.venue.report(prices | {REDEMPTION_FEED + STAKED: par})) == {0}
            if self.usd == usd:
                return

    def holder(self, usd: int, *assets: int) -> Client:
        owner = self.world.wallet(usd)
        for asset in assets:
            self.world.client.send(self.tokens[asset], "mint", owner.address, LOTS * LOT)
            owner.send(self.tokens[asset], "approve", self.vault.address, 2**255)
            owner.send(self.vault, "deposit_asset", asset, at.account(owner.address), LOTS)
        return owner

    def worth(self, owner: Client) -> tuple[int, int]:
        initial, maintenance = self.world.client.call(self.vault, "worth", at.account(owner.address))
        return int(initial), int(maintenance)


def test_a_collapse_elsewhere_liquidates_nobody() -> None:
    """2025-10-10: a venue's own price of USDe falls to 0.65 while it is redeemed at par. Here the floor holds."""
    c = Redeemable()
    owner = c.holder(0, STAKED)
    assert c.worth(owner) == (400 * USD, 450 * USD)
    c.world.trade(owner, 1, 140_000)  # 1,400 USD on 400
    before = c.world.health(owner)
    c.say(65)
    assert c.worth(owner) == (0, 450 * USD * 95 // 100), "off its peg it backs nothing new, and keeps what is open"
    equity, maintenance = c.world.health(owner)
    assert before[0] - equity == 450 * USD * 5 // 100
    assert equity >= maintenance
    assert Keeper(c.world.wallet(10), c.world.record).run_once().liquidated == []
    c.say(100)
    assert c.world.health(owner) == before
    assert verify(c.world.client, c.world.record).is_whole


def test_it_never_counts_more_than_it_is_redeemed_for() -> None:
    c = Redeemable()
    owner = c.holder(0, STAKED)
    c.say(102)
    assert c.worth(owner) == (400 * USD, 450 * USD)
    c.say(99)
    assert c.worth(owner) == (396 * USD, 450 * USD * 99 // 100), "within the band it counts at its price"
    c.say(97)
    assert c.worth(owner)[0] == 0
    c.say(97, par=97)
    assert c.worth(owner) == (388 * USD, 450 * USD * 97 // 100)


def test_a_stale_redemption_value_backs_nothing_new() -> None:
    c = Redeemable()
    owner = c.holder(0, STAKED)
    c.world.pass_time(3_000)
    c.world.venue.report({0: 1_000, 1: 100, ASSET_FEED + STAKED: 100, ASSET_FEED + COIN: 100})
    c.world.pass_time(900)
    assert c.worth(owner) == (0, 450 * USD)


def test_coins_are_sold_before_what_weighs_more() -> None:
    """The stable coin goes first though its haircut is greater."""
    c = Redeemable()
    owner, buyer = c.holder(10, STAKED, COIN), c.world.wallet(10_000)
    owner.send(c.vault, "withdraw", 0, 700 * USD, owner.address)
    c.world.trade(owner, 1, 20_000)
    account, par = at.account(owner.address), 100
    while c.world.health(owner)[0] >= c.world.health(owner)[1]:
        par -= 3
        c.say(par, par)
    assert refusal(c, buyer, account, STAKED) == code.BAD_FIELD
    assert refusal(c, buyer, account, COIN) == 0


def refusal(c: Redeemable, buyer: Client, account: int, asset: int) -> int:
    try:
        buyer.send(c.vault, "buy_collateral", account, asset, 1, 0, 10**9)
    except Refused as refused:
        return refused.code
    return 0


def test_only_the_governor_says_what_an_asset_is() -> None:
    c = Redeemable()
    stranger = c.world.wallet(1)
    with pytest.raises(Refused) as refused:
        stranger.send(c.vault, "set_sort", STAKED, True, True, RATE_ONE, 1, 1)
    assert refused.value.code == code.NOT_AUTHORISED
