"""Positions in a pool of two collateral assets, neither of them USD, over the real Uniswap v3."""

import random
from fractions import Fraction
from functools import partial
from math import isqrt

import pytest
from fast_chain import KEY, FastChain, FastClient, FastWorld
from uniswap_world import FEE, FOREVER, WETH, LpWorld, Uniswap, asset_of, nft_owner, pool_of, sink

from seawall.chain import layout as at
from seawall.chain.client import Client
from seawall.chain.lp import PoolTerms, Token, root_of, values_of
from seawall.chain.rebuild import verify
from seawall.margin.lp import SQRT_RATIO_MAX, SQRT_RATIO_MIN, tick_at_sqrt_ratio
from seawall.terms import code
from seawall.units import RATE_ONE

ETH, BTC = 0, 1  # assets, of 18 and 8 decimals; both in lots of 10^-4
WBTC = 10**8
TERMS = PoolTerms(RATE_ONE * 8 // 10, RATE_ONE * 9 // 10, RATE_ONE // 5)


class PairWorld(LpWorld):
    """ETH is worth 100 USD, BTC 1,000. `usd` of LpWorld is the token of BTC here."""

    def __init__(self, *, btc_first: bool = True) -> None:
        chain = FastChain()
        client = FastClient(chain, KEY)
        self.uniswap = Uniswap(client, usd_first=True)
        self.usd = ""
        while not self.usd or (int(self.usd, 16) < int(self.uniswap.weth, 16)) != btc_first:
            self.usd = client.create("TestToken", 8)["contractAddress"]
            client.send(client.at("TestToken", self.usd), "set_fee", 0)
        self.usd_first = btc_first
        self.cents = {ETH: 100_00, BTC: 1_000_00}
        token0, token1 = self.pair
        manager = self.uniswap.contract("NonfungiblePositionManager", self.uniswap.manager)
        client.send(manager, "createAndInitializePoolIfNecessary", token0, token1, FEE, self.root())
        factory = self.uniswap.contract("UniswapV3Factory", self.uniswap.factory)
        self.pool = str(client.call(factory, "getPool", token0, token1, FEE))
        second = asset_of(self.usd, name="BTC", decimals=8, underlying="BTC")
        listed = {"assets": [asset_of(self.uniswap.weth), second], "lp_pools": [pool_of(tokens=("ETH", "BTC"))]}
        self.world = partial(FastWorld, None, chain)(lp_manager=self.uniswap.manager, **listed)
        self.manager = manager
        self.router = self.uniswap.contract("SwapRouter", self.uniswap.router)
        self.trader = self.wallet(10**12, 10**12)
        self.mint(self.trader, 10**7, width=60_000)

    @property
    def pair(self) -> tuple[str, str]:
        return (self.usd, self.uniswap.weth) if self.usd_first else (self.uniswap.weth, self.usd)

    def root(self) -> int:
        eth, btc = self.cents[BTC] * WETH, self.cents[ETH] * WBTC  # amounts of equal worth
        one, other = (eth, btc) if self.usd_first else (btc, eth)
        return isqrt((one << 192) // other)

    def tick(self) -> int:
        tick = tick_at_sqrt_ratio(self.root())
        return tick - tick % 60

    def mint(self, owner: Client, usd: int, width: int = 1_200, off: int = 0) -> int:
        """A range with at most `usd` worth of each token."""
        middle = self.tick() + off
        amounts = {self.usd: usd * 100 * WBTC // self.cents[BTC]}
        amounts[self.uniswap.weth] = usd * 100 * WETH // self.cents[ETH]
        ends = (middle - width, middle + width)
        args = (*self.pair, FEE, *ends, *(amounts[token] for token in self.pair), 0, 0, owner.address, FOREVER)
        made = int(owner.call(self.manager, "mint", args)[0])
        owner.send(self.manager, "mint", args)
        return made

    def say(self, eth: int, btc: int) -> None:
        """Prices in cents."""
        self.cents = {ETH: eth, BTC: btc}
        self.world.venue.report({0: Fraction(btc, 100), 1: Fraction(eth, 100)})

    def owner(self, usd: int = 0) -> Client:
        return self.wallet(10**6, 10**4, margin=usd)

    def tokens(self) -> tuple[Token, Token]:
        found = [Token(*map(int, self.world.client.call(self.vault, "counted", asset))) for asset in (ETH, BTC)]
        return (found[BTC], found[ETH]) if self.usd_first else (found[ETH], found[BTC])

    def lots(self, owner: Client) -> list[int]:
        bucket = at.account(owner.address)
        return [int(self.world.client.call(self.vault, "held", bucket, asset)) for asset in (ETH, BTC)]


@pytest.fixture(params=[True, False], ids=["btc-first", "eth-first"])
def world(request: pytest.FixtureRequest) -> PairWorld:
    return PairWorld(btc_first=request.param)


def test_the_contract_equals_the_python_integers(world: PairWorld) -> None:
    """Both prices move, together and apart; the initial value falls with either token's stable price."""
    rng = random.Random(31)
    owner = world.owner()
    for _ in range(6):
        width = rng.choice([600, 6_000, 60_000])
        world.position(owner, rng.choice([1, 100, 10_000]), width, rng.randint(-width, width) // 60 * 60)
    seen = set()
    for _ in range(40):
        world.world.pass_time(rng.choice([1, 60]))
        world.say(rng.randint(10_00, 1_000_00), rng.randint(100_00, 10_000_00))
        places = world.world.client.call(world.lp, "places_of", at.account(owner.address))
        found = [values_of(int(place), *world.tokens(), TERMS) for place in places]
        assert world.worth(owner) == (sum(one for one, _ in found), sum(one for _, one in found))
        seen.add(world.worth(owner))
    assert len(seen) > 20
    first, second = world.tokens()
    assert root_of(first, second, first.price, second.price) > 0


def test_it_comes_apart_into_both_tokens(world: PairWorld) -> None:
    owner = world.owner(200)
    id_ = world.position(owner, 500)
    initial, maintenance = world.worth(owner)
    assert 0 < initial < maintenance
    owner.send(world.lp, "decrease", id_, world.places(owner)[0]["liquidity"] // 2, 0, 0)
    eth, btc = world.lots(owner)
    assert eth > 0
    assert btc > 0
    assert 0 < world.worth(owner)[1] < maintenance
    assert verify(world.world.client, world.world.record).is_whole
    owner.send(world.lp, "withdraw", id_, owner.address)
    assert nft_owner(world, id_) == owner.address
    assert verify(world.world.client, world.world.record).is_whole


@pytest.mark.parametrize("end", ["low", "high"])
def test_a_pool_pushed_away_raises_nothing_and_stops_nothing(world: PairWorld, end: str) -> None:
    owner, keeper = world.owner(), world.owner()
    id_ = world.position(owner, 500)
    before = world.worth(owner)
    edge = SQRT_RATIO_MIN + 1 if end == "low" else SQRT_RATIO_MAX - 1
    world.push(world.trader, edge)
    assert int(world.slot0()[0]) == edge
    assert world.worth(owner) == before
    world.push(world.trader, world.root())
    world.world.trade(owner, 1, 500_000)
    world.push(world.trader, edge)
    owner.send(world.lp, "collect", id_)  # the fees of pushing would be enough
    sink(world, owner)
    equity = world.health(owner)[0]
    keeper.send(world.lp, "unwind", id_)
    assert world.places(owner) == []
    assert world.health(owner)[0] >= equity, "what comes of a pool pushed away is worth more, not less"
    assert sum(world.lots(owner)) > 0
    assert verify(world.world.client, world.world.record).is_whole


def test_both_tokens_are_sold_for_what_is_owed() -> None:
    """Unwound, then closed: the debt is paid by the tokens one after the other, and what is left stays the owner's."""
    world = PairWorld()
    owner, keeper = world.owner(), world.owner(10_000)
    id_ = world.position(owner, 500)
    world.world.trade(owner, 1, 500_000)
    sink(world, owner)
    account = at.account(owner.address)
    keeper.send(world.lp, "unwind", id_)
    sink(world, owner)
    liquidation = world.world.contract("Liquidation", keeper)
    assert world.refusal(keeper, liquidation, "liquidate", account) == 0
    bought = 0
    for asset in (ETH, BTC):
        lots = int(world.world.client.call(world.vault, "lots_for_sale", account, asset))
        later = world.refusal(keeper, world.vault, "buy_collateral", account, asset, lots, 0, 10**12)
        bought += later == 0
        assert later in (0, code.BAD_SIZE, code.NOT_DUE, code.BAD_FIELD), "nothing is owed, or it is not its turn"
    assert bought > 0
    equity, _, maintenance, *_ = world.health(owner)
    assert equity >= maintenance
    assert sum(world.lots(owner)) > 0
    assert verify(world.world.client, world.world.record).is_whole
