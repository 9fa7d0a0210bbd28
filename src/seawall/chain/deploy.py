"""Deploying: every contract in order, then its numbers, markets and pools; each step once, and told in a record.

The record of a deployment (JSON, one a chain) is written after every step. A run that was cut off goes on where it
stopped: what is on the chain already is recognised by its address, which follows from the deployer and its nonces.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from seawall.chain import layout as at
from seawall.chain.artifacts import artifact
from seawall.chain.client import ChainFault, Client
from seawall.chain.settings import NOBODY, AssetSettings, FeedSettings, MarketSettings, Settings
from seawall.chain.stack import ORDER, VENUE_NUMBERS, arguments, create_address, feed_scale, planned, specs
from seawall.terms import code, command, parameter, venue_parameter
from seawall.units import BadInput

VENUE_ROW: Final = 256
OPENING: Final = (command.CANCELLING, command.POSTING, command.ACTIVE)
TOKEN: Final = "TestToken"
USD_DECIMALS: Final = 6  # of the test token that is USD
ASSET_FEED: Final = 2**16  # feeds of the hub from here on are collateral assets,
REDEMPTION_FEED: Final = 2**17  # and from here on what they can be redeemed for


class Deployment(msgspec.Struct, kw_only=True):
    """What is where. `steps` are done."""

    chain_id: int
    deployer: str
    name: str
    first_nonce: int
    block: int
    settings: Settings
    addresses: dict[str, str]
    steps: list[str] = []
    gas: int = 0
    is_done: bool = False

    def feed_id(self, feed: int) -> bytes:
        """The id of a price at its primary adapter: a market's by its number, an asset's by ASSET_FEED + its number."""
        given, feed_of, letters = self._feed(feed)
        if feed_of.primary_id:
            return bytes.fromhex(feed_of.primary_id.removeprefix("0x"))
        return f"{given.name}{letters}".encode().ljust(32, b"\0")

    def _feed(self, feed: int) -> tuple[MarketSettings | AssetSettings, FeedSettings, str]:
        if feed >= REDEMPTION_FEED:
            asset = self.settings.assets[feed - REDEMPTION_FEED]
            assert asset.redemption is not None
            return asset, asset.redemption, " redemption"
        given: MarketSettings | AssetSettings
        given = self.settings.assets[feed - ASSET_FEED] if feed >= ASSET_FEED else self.settings.markets[feed]
        return given, given.feed, ""

    def size_decimals(self, feed: int) -> int:
        """Of the lots that a feed prices."""
        return self._feed(feed)[0].size_decimals

    def asset_feeds(self) -> list[int]:
        """The feeds of all collateral assets, and of what those that can be redeemed are redeemed for."""
        assets = self.settings.assets
        redeemed = [REDEMPTION_FEED + number for number, asset in enumerate(assets) if asset.redemption]
        return [ASSET_FEED + number for number in range(len(assets))] + redeemed


def token_of(asset: str) -> str:
    """The name in a record's addresses of the test token that a collateral asset is there."""
    return f"{TOKEN} {asset}"


def load_record(path: Path) -> Deployment:
    """A record. BadInput when it is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Deployment)
    except (msgspec.DecodeError, OSError) as error:
        raise BadInput("deployment", str(error), str(path)) from error


def save(record: Deployment, path: Path | None) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
        part.replace(path)


def filled(settings: Settings, deployer: str) -> Settings:
    """The settings with the deployer in every empty place."""
    return msgspec.structs.replace(
        settings,
        admin=settings.admin or deployer,
        guardian=settings.guardian or deployer,
        operator=settings.operator or deployer,
        reporters=settings.reporters or [deployer],
        risk_signers=settings.risk_signers or [deployer],
        permit2=settings.permit2 or NOBODY,
    )


def begin(client: Client, settings: Settings) -> Deployment:
    """A new record: where everything will be."""
    nonce = client.nonce()
    full = filled(settings, client.address)
    names = [] if full.usd else [TOKEN]
    names += [token_of(asset.name) for asset in full.assets if not asset.token]
    addresses = {name: create_address(client.address, nonce + place) for place, name in enumerate(names)}
    addresses |= planned(client.address, nonce + len(names))
    assets = [
        asset if asset.token else msgspec.structs.replace(asset, token=addresses[token_of(asset.name)])
        for asset in full.assets
    ]
    full = msgspec.structs.replace(full, assets=assets)
    return Deployment(
        chain_id=client.chain_id,
        deployer=client.address,
        name=full.name,
        first_nonce=nonce,
        block=int(client.w3.eth.block_number),
        settings=full,
        addresses=addresses,
    )


class Deployer:
    """Takes the steps of a deployment that are not done yet."""

    def __init__(self, client: Client, record: Deployment, path: Path | None, tell: Callable[[str], None]) -> None:
        """BadInput for a record of another chain or deployer, or when the deployer is not the admin."""
        self.client, self.record, self.path, self.tell = client, record, path, tell
        if record.chain_id != client.chain_id:
            raise BadInput("chain", f"the record is of chain {record.chain_id}, this is {client.chain_id}")
        if client.address not in (record.deployer, record.settings.admin):
            raise BadInput("key", f"the record's deployer is {record.deployer}")

    @property
    def usd(self) -> str:
        return self.record.settings.usd or self.record.addresses[TOKEN]

    def run(self) -> Deployment:
        """Every step; returns the record. ChainFault when the chain does not do as it should."""
        if TOKEN in self.record.addresses:
            self.step(f"deploy {TOKEN}", lambda: self._create(TOKEN, (USD_DECIMALS,), TOKEN))
        for asset in self.record.settings.assets:
            name = token_of(asset.name)
            if name in self.record.addresses:
                self.step(f"deploy {name}", lambda n=name, a=asset: self._create(n, (a.decimals,), TOKEN))  # type: ignore[misc]
        for name in ORDER:
            args = arguments(name, self.record.addresses, self.record.settings, self.usd)
            self.step(f"deploy {name}", lambda name=name, args=args: self._create(name, args, name))  # type: ignore[misc]
        self._describe()
        for number in range(len(self.record.settings.markets)):
            self._market(number)
        if self.record.settings.timelock_s == 0:
            for number in range(len(self.record.settings.assets)):
                self._asset(number)
            for number in range(len(self.record.settings.lp_pools)):
                self.step(f"lp pool {number}", lambda n=number: self._lp_pool(n))  # type: ignore[misc]
        self.record.is_done = True
        save(self.record, self.path)
        return self.record

    def step(self, name: str, act: Callable[[], Any]) -> None:
        """One step, once."""
        if name in self.record.steps:
            return
        self.tell(name)
        receipt = act()
        if receipt is not None:
            self.record.gas += int(receipt["gasUsed"])
        self.record.steps.append(name)
        save(self.record, self.path)

    def _create(self, name: str, args: tuple[Any, ...], contract: str) -> Any:
        wanted = self.record.addresses[name]
        if len(self.client.w3.eth.get_code(wanted)) > 0:
            return None  # a run that was cut off had sent it
        receipt = self.client.create(contract, *args)
        if receipt["contractAddress"] != wanted:
            raise ChainFault(f"{name} is at {receipt['contractAddress']}, expected {wanted}: another nonce was used")
        return receipt

    def _contract(self, name: str) -> Any:
        return self.client.at(name, self.record.addresses[name])

    def _send(self, contract: str, function: str, *args: Any) -> Any:
        return self.client.send(self._contract(contract), function, *args)

    def _describe(self) -> None:
        table = list(specs().items())
        for first in range(0, len(table), 17):
            part = table[first : first + 17]
            numbers, rows = [number for number, _ in part], [row for _, row in part]
            self.step(f"numbers {first}", lambda n=numbers, r=rows: self._send("RiskSteward", "describe", n, r))  # type: ignore[misc]
        s = self.record.settings
        own = {VENUE_NUMBERS + n: v for n, v in _numbers(venue_parameter.VENUE, s.venue).items()}
        own |= {VENUE_NUMBERS + 40: int(s.direct), VENUE_NUMBERS + 41: s.keeper_reward}
        for number, value in own.items():
            self._parameter(VENUE_ROW, number, value)
        self.step("status venue", lambda: self._send("RiskSteward", "set_status", VENUE_ROW, command.ACTIVE))

    def _parameter(self, row: int, number: int, value: int) -> None:
        name = f"parameter {row} {number}"
        self.step(name, lambda: self._send("RiskSteward", "set_parameter", row, number, value))

    def _market(self, number: int) -> None:
        market = self.record.settings.markets[number]
        list_it = lambda: self._send("RiskSteward", "list_market", number, market.price_max)  # noqa: E731
        self.step(f"list {number}", list_it)
        for k, tier in enumerate(market.tiers):
            args = (number, k, tier.lower, tier.leverage, tier.rate)
            self.step(f"tier {number} {k}", lambda a=args: self._send("RiskSteward", "set_tier", *a))  # type: ignore[misc]
        for which, value in _numbers(parameter.MARKET, market.parameters).items():
            self._parameter(number, which, value)
        for which, letters in ((at.AMM, "amm"), (at.BACKSTOP, "backstop")):
            self.step(f"pool {number} {letters}", lambda w=which, x=letters: self._pool(number, w, x))  # type: ignore[misc]
        if self.record.settings.timelock_s == 0:
            self.step(f"feed {number}", lambda: self._set_feed(number, market.feed, market.size_decimals))
            for which, letters in ((at.AMM, "amm"), (at.BACKSTOP, "backstop")):
                shares = self.record.addresses[f"PoolShares {number} {letters}"]
                named = (number, which, shares)
                self.step(f"name {number} {letters}", lambda a=named: self._govern("Pools", "name_pool", *a))  # type: ignore[misc]

    def _pool(self, number: int, which: int, letters: str) -> Any:
        name = self.record.settings.markets[number].name
        args = (self.record.addresses["Pools"], self.record.addresses["CollateralVault"], number, which)
        receipt = self.client.create("PoolShares", *args, f"Seawall {name} {letters}", f"sw{name}-{letters}")
        self.record.addresses[f"PoolShares {number} {letters}"] = receipt["contractAddress"]
        return receipt

    def _set_feed(self, number: int, feed: FeedSettings, size_decimals: int) -> Any:
        primary = self.record.addresses["SignedOracle"] if feed.primary == "signed" else feed.primary
        reference = feed.reference or NOBODY
        other = bytes.fromhex(feed.reference_id.removeprefix("0x")).rjust(32, b"\0")
        first = self.record.feed_id(number)
        ends = (feed.deviation, feed.step_s, feed.uncertainty, feed.max_age_ms)
        said = (primary, first, reference, other, feed_scale(size_decimals), *ends)
        return self._govern("OracleHub", "set_feed", number, said)

    def _asset(self, number: int) -> None:
        a = self.record.settings.assets[number]
        weights = (a.weight_initial, a.weight_maintenance, a.discount, a.start, a.cap, a.hour_cap, a.stable_per_s)
        terms = (number, a.token, 10 ** (a.decimals - a.size_decimals), *weights)
        self.step(f"asset {number}", lambda: self._govern("CollateralVault", "set_asset", *terms))
        self.step(f"asset feed {number}", lambda: self._set_feed(ASSET_FEED + number, a.feed, a.size_decimals))
        if a.redemption:
            place, feed = REDEMPTION_FEED + number, a.redemption
            self.step(f"redemption feed {number}", lambda: self._set_feed(place, feed, a.size_decimals))
        if a.is_stable or a.redemption:
            sort = (number, a.is_stable, a.redemption is not None, a.redemption_floor, a.peg_band, a.price_max)
            self.step(f"sort {number}", lambda: self._govern("CollateralVault", "set_sort", *sort))
        names = [market.name for market in self.record.settings.markets]
        if a.buyer:
            bought_by = (number, 1 + names.index(a.buyer))
            self.step(f"buyer {number}", lambda: self._govern("CollateralVault", "set_buyer", *bought_by))
        if a.underlying:
            moved_by = (number, 1 + names.index(a.underlying))
            self.step(f"underlying {number}", lambda: self._govern("Appraiser", "set_underlying", *moved_by))

    def _lp_pool(self, number: int) -> Any:
        settings = self.record.settings
        p = settings.lp_pools[number]
        keys = {"USD": (0, self.usd)} | {a.name: (1 + n, a.token) for n, a in enumerate(settings.assets)}
        (key0, token0), (key1, token1) = sorted((keys[name] for name in p.tokens), key=lambda pair: int(pair[1], 16))
        ends = (p.weight_initial, p.weight_maintenance, p.scan, p.start, p.width, p.cap, p.hour_cap, p.drift)
        return self._govern("LPCollateral", "set_pool", number, token0, token1, p.fee, key0, key1, *ends)

    def _govern(self, contract: str, function: str, *args: Any) -> Any:
        """A call of the governor: announced and, where the timelock is 0, executed at once."""
        bound = self._contract(contract).get_function_by_name(function)(*args)
        data = bytes.fromhex(str(bound._encode_transaction_data()).removeprefix("0x"))
        target = self.record.addresses[contract]
        salt = len(self.record.steps)
        self._send("Timelock", "announce", target, data, salt)
        return self._send("Timelock", "execute", target, data, salt)


def _numbers(table: dict[int, parameter.Parameter], given: dict[str, int]) -> dict[int, int]:
    numbers = {spec.name: number for number, spec in table.items()}
    return {numbers[name]: value for name, value in given.items()}


def open_markets(client: Client, record: Deployment, wait: Callable[[float], None]) -> None:
    """Opens closed markets by their stages, each with a fresh price; `wait` lets a stage's minute pass."""
    steward = client.at("RiskSteward", record.addresses["RiskSteward"])
    house = client.at("ClearingHouse", record.addresses["ClearingHouse"])
    for number in range(len(record.settings.markets)):
        word = client.call(house, "words_of", [at.market_key(at.PRICE, number)])[0]
        status = at.unpack(at.PRICE_WORD, word)["status"]
        stages = OPENING if status == command.CLOSED else OPENING[OPENING.index(status) + 1 :]
        for stage in stages:
            if client.call(steward, "is_opened", number):
                wait(60.0)
            client.send(steward, "set_status", number, stage)


def sizes() -> dict[str, int]:
    """Bytes of every contract as deployed."""
    return {name: artifact(name).size for name in (*ORDER, "PoolShares", "ChainlinkAdapter", "PythAdapter")}


__all__ = [
    "Deployer",
    "Deployment",
    "begin",
    "code",
    "filled",
    "load_record",
    "open_markets",
    "save",
    "sizes",
    "token_of",
]
