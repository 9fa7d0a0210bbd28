"""A venue beside the real Uniswap v3: factory, position manager, router, and a pool of WETH and the venue's USD."""

from collections.abc import Callable
from functools import partial
from math import isqrt
from typing import Any

import npm
from venue import USD, World

from seawall.chain import layout as at
from seawall.chain.client import ChainFault, Client, Refused
from seawall.chain.settings import AssetSettings, LpPoolSettings
from seawall.chain.stack import create_address
from seawall.margin.lp import tick_at_sqrt_ratio
from seawall.units import RATE_ONE

ETH = 1  # the market
WETH = 10**18
FEE, SPACING = 3_000, 60
FOREVER = 2**40
MOST = 2**128 - 1
NOBODY = "0x" + "00" * 20
REVERTED = -1


def asset_of(token: str, **changes: Any) -> AssetSettings:
    fields: dict[str, Any] = {
        "name": "ETH",
        "token": token,
        "decimals": 18,
        "size_decimals": 4,
        "weight_initial": RATE_ONE * 8 // 10,
        "weight_maintenance": RATE_ONE * 9 // 10,
        "discount": RATE_ONE // 20,
        "cap": 10**9,
        "hour_cap": 10**9,
        "underlying": "ETH",
    }
    return AssetSettings(**(fields | changes))


def pool_of(**changes: Any) -> LpPoolSettings:
    fields: dict[str, Any] = {
        "tokens": ("ETH", "USD"),
        "fee": FEE,
        "weight_initial": RATE_ONE * 8 // 10,
        "weight_maintenance": RATE_ONE * 9 // 10,
        "scan": RATE_ONE // 5,
        "width": 600,
        "cap": 10**20,
        "hour_cap": 10**20,
    }
    return LpPoolSettings(**(fields | changes))


class Uniswap:
    """Factory, manager, router and WETH, created by a client that makes the venue's USD after it."""

    def __init__(self, client: Client, *, usd_first: bool) -> None:
        self.client = client
        self.factory = self._create("UniswapV3Factory")
        self.manager = self._create("NonfungiblePositionManager", self.factory, self.factory, NOBODY)
        self.router = self._create("SwapRouter", self.factory, self.factory)
        self.weth = self.usd = ""
        while not self.weth or (int(self.usd, 16) < int(self.weth, 16)) != usd_first:
            self.weth = client.create("TestToken", 18)["contractAddress"]
            nonce = client.nonce()
            client.send(client.at("TestToken", self.weth), "set_fee", 0)
            step = client.nonce() - nonce  # the fast chain counts contracts alone
            self.usd = create_address(client.address, nonce + 2 * step)  # after `open_pool`

    def _create(self, name: str, *args: str) -> str:
        made = npm.uniswap(name)
        words = "".join(address[2:].lower().rjust(64, "0") for address in args)
        return str(self.client.transact(None, made["bytecode"] + words, f"deploy {name}")["contractAddress"])

    def contract(self, name: str, address: str) -> Any:
        """With one function a name: of those with two, the one with more arguments."""
        kept: dict[str, Any] = {}
        for entry in npm.uniswap(name)["abi"]:
            old = kept.get(entry.get("name", entry["type"]))
            if old is None or len(entry.get("inputs", ())) > len(old.get("inputs", ())):
                kept[entry.get("name", entry["type"])] = entry
        return self.client.w3.eth.contract(address=address, abi=list(kept.values()))

    def open_pool(self, micro_usd: int) -> str:
        """The pool of WETH and USD at a price of one WETH. One transaction."""
        token0, token1 = sorted((self.weth, self.usd), key=lambda token: int(token, 16))
        one, other = (micro_usd, WETH) if token0 == self.weth else (WETH, micro_usd)
        root = isqrt((one << 192) // other)
        manager = self.contract("NonfungiblePositionManager", self.manager)
        self.client.send(manager, "createAndInitializePoolIfNecessary", token0, token1, FEE, root)
        return str(self.client.call(self.contract("UniswapV3Factory", self.factory), "getPool", token0, token1, FEE))


class LpWorld:
    """A world (of any chain) with Uniswap. ETH is worth 100 USD and its token is collateral asset 0."""

    def __init__(self, client: Client, deploy: Callable[..., World], *, usd_first: bool = True, **changes: Any) -> None:
        """`deploy` makes a World on the client's chain by its key; `asset` and `pool` change what is listed."""
        asset, pool = changes.pop("asset", {}), changes.pop("pool", {})
        self.uniswap = Uniswap(client, usd_first=usd_first)
        self.usd = self.uniswap.usd
        self.pool = self.uniswap.open_pool(100 * USD)
        lp: dict[str, Any] = {"lp_manager": self.uniswap.manager}
        lp |= {"assets": [asset_of(self.uniswap.weth, **asset)], "lp_pools": [pool_of(**pool)]}
        self.world = deploy(**(lp | changes))
        assert self.world.record.addresses["TestToken"] == self.usd
        self.manager = self.uniswap.contract("NonfungiblePositionManager", self.uniswap.manager)
        self.router = self.uniswap.contract("SwapRouter", self.uniswap.router)
        self.usd_first = usd_first
        self.trader = self.wallet(10**12, 10**12)
        self.mint(self.trader, 10**7, width=60_000)

    # wallets and tokens

    def wallet(self, usd: int = 0, weth: int = 0, margin: int = 0) -> Client:
        """A wallet with tokens that Uniswap and the vault may take, and with margin in its account."""
        made = self.world.wallet(margin)
        for token, amount in ((self.usd, usd * USD), (self.uniswap.weth, weth * WETH)):
            contract = made.at("TestToken", token)
            made.send(contract, "mint", made.address, amount)
            for spender in (self.uniswap.manager, self.uniswap.router, self.vault.address):
                made.send(contract, "approve", spender, 2**255)
        return made

    def balances(self, address: str) -> tuple[int, int]:
        """(micro-USD, units of WETH) in tokens."""
        tokens = [self.world.client.at("TestToken", token) for token in (self.usd, self.uniswap.weth)]
        usd, weth = (int(self.world.client.call(token, "balanceOf", address)) for token in tokens)
        return usd, weth

    # contracts

    @property
    def vault(self) -> Any:
        return self.world.contract("CollateralVault")

    @property
    def lp(self) -> Any:
        return self.world.contract("LPCollateral")

    def worth(self, wallet: Client) -> tuple[int, int]:
        initial, maintenance = self.world.client.call(self.lp, "worth", at.account(wallet.address))
        return int(initial), int(maintenance)

    def health(self, wallet: Client) -> Any:
        house = self.world.contract("ClearingHouse")
        return self.world.client.call(house, "health_after", at.account(wallet.address), at.NO_MARKET, 0, 0, 0, 0)

    def head(self, wallet: Client) -> dict[str, int]:
        return at.unpack(at.BUCKET_WORD, self.world.word(at.BUCKET | at.account(wallet.address)))

    def places(self, wallet: Client) -> list[dict[str, int]]:
        found = self.world.client.call(self.lp, "places_of", at.account(wallet.address))
        return [at.unpack(at.PLACE_WORD, int(place)) for place in found]

    def held(self, wallet: Client) -> int:
        """Lots of WETH in an account."""
        return int(self.world.client.call(self.vault, "held", at.account(wallet.address), 0))

    # Uniswap

    def root(self) -> int:
        """The oracle's square-root price in the pool."""
        price = self.eth_price()
        one, other = (price, WETH) if not self.usd_first else (WETH, price)
        return isqrt((one << 192) // other)

    def tick(self) -> int:
        """Its tick, on the grid."""
        tick = tick_at_sqrt_ratio(self.root())
        return tick - tick % SPACING

    def eth_price(self) -> int:
        """Micro-USD of one WETH, by the oracle."""
        hub = self.world.contract("OracleHub")
        return int(self.world.client.call(hub, "asset_price", 0)[0]) * 10**4

    def slot0(self) -> Any:
        return self.world.client.call(self.uniswap.contract("UniswapV3Pool", self.pool), "slot0")

    def mint(self, owner: Client, usd: int, width: int = 1_200, off: int = 0) -> int:
        """A range of so many ticks to both sides of the oracle's price (moved by `off`) with at most so much money."""
        middle = self.tick() + off
        tokens = (self.usd, self.uniswap.weth) if self.usd_first else (self.uniswap.weth, self.usd)
        amounts = {self.usd: usd * USD, self.uniswap.weth: usd * USD * WETH // self.eth_price()}
        ends = (middle - width, middle + width)
        args = (*tokens, FEE, *ends, *(amounts[token] for token in tokens), 0, 0, owner.address, FOREVER)
        made = int(owner.call(self.manager, "mint", args)[0])
        owner.send(self.manager, "mint", args)
        return made

    def put(self, owner: Client, id_: int, sub: bytes = b"") -> Any:
        """Sends an NFT into margin."""
        return owner.send(self.manager, "safeTransferFrom", owner.address, self.lp.address, id_, sub)

    def position(self, owner: Client, usd: int, width: int = 1_200, off: int = 0) -> int:
        """Mints and puts into margin."""
        id_ = self.mint(owner, usd, width, off)
        self.put(owner, id_)
        return id_

    def swap(self, owner: Client, amount: int, *, of_usd: bool) -> None:
        """Sells units of one token for the other, as far as the pool goes."""
        tokens = (self.usd, self.uniswap.weth) if of_usd else (self.uniswap.weth, self.usd)
        args = (*tokens, FEE, owner.address, FOREVER, amount, 0, 0)
        owner.send(self.router, "exactInputSingle", args)

    def push(self, owner: Client, root: int) -> None:
        """Swaps until the pool is at a square-root price, with whatever it takes."""
        here = int(self.slot0()[0])
        if here == root:
            return
        sells_first = root < here
        first_is_usd = self.usd_first
        tokens = (self.usd, self.uniswap.weth) if sells_first == first_is_usd else (self.uniswap.weth, self.usd)
        args = (*tokens, FEE, owner.address, FOREVER, 10**40, 0, root)
        owner.send(owner.at("TestToken", tokens[0]), "mint", owner.address, 10**40)
        owner.send(self.router, "exactInputSingle", args)

    def refusal(self, client: Client, contract: Any, function: str, *args: Any) -> int:
        """0, the code of the refusal, or REVERTED."""
        try:
            client.send(contract, function, *args)
        except Refused as refused:
            return refused.code
        except ChainFault:
            return REVERTED
        return 0


def fast_world(**changes: Any) -> LpWorld:
    """On a chain inside the test's process."""
    from fast_chain import KEY, FastChain, FastClient, FastWorld

    chain = FastChain()
    return LpWorld(FastClient(chain, KEY), partial(FastWorld, None, chain), **changes)


__all__ = ["ETH", "FEE", "MOST", "WETH", "LpWorld", "Uniswap", "asset_of", "create_address", "fast_world", "pool_of"]


def owner_of(world: LpWorld, margin: int = 0) -> Client:
    return world.wallet(20_000, 200, margin=margin)


def nft_owner(world: LpWorld, id_: int) -> str:
    return str(world.world.client.call(world.manager, "ownerOf", id_))


def in_trouble(world: LpWorld, *usd: int) -> tuple[Client, int]:
    """An account below maintenance: one or more ranges and a long of 50 ETH, and ETH has fallen; the first range."""
    owner = owner_of(world)
    id_, *_ = [world.position(owner, one) for one in usd or (500,)]
    world.world.trade(owner, 1, 500_000)
    sink(world, owner)
    return owner, id_


def sink(world: LpWorld, owner: Client) -> None:
    """ETH falls until the account is below maintenance."""
    for price in range(99, 70, -1):
        world.world.price(1_000, price)
        equity, _, maintenance, *_ = world.health(owner)
        if equity < maintenance:
            return
    raise AssertionError
