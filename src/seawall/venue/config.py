"""What an operator decides, from a TOML file and the environment. Every field has a default that suits one machine."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from seawall.terms.venue_parameter import PORTFOLIOS_MAX
from seawall.units import BadInput

JOURNAL: Final = "journal"  # a folder in the venue's
HISTORY: Final = "history.sqlite"  # a file there, unless it is kept elsewhere
FROM_ENVIRONMENT: Final = "env:"  # before the name of a variable that holds an alert's target
PASSWORD: Final = re.compile(r"(?<=:)[^:/@]+(?=@)")
HIDDEN: Final = "***"
ENVIRONMENT: Final = "SEAWALL_"  # SEAWALL_SERVER__PORT=3005 is server.port

Amount = Annotated[int, Meta(ge=0, le=10**9)]  # whole USD
Count = Annotated[int, Meta(ge=0, le=1_000)]
Whole = Annotated[int, Meta(ge=1)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file. Unknown names are refused: a misspelt limit is no limit."""


class Server(Section, frozen=True, kw_only=True):
    host: str = "127.0.0.1"
    port: int = 3001
    admin_host: str = "127.0.0.1"
    admin_port: int = 3002  # 0: none


class Data(Section, frozen=True, kw_only=True):
    folder: str = "venue-data"
    history: str = ""  # SQLAlchemy URL; empty: SQLite in the folder
    snapshot_minutes: int = 30
    capacity: Literal["small", "venue"] = "venue"


class Network(Section, frozen=True, kw_only=True):
    """Which network's signatures are taken: clients on a local URL disagree (SDK: testnet, ccxt: mainnet)."""

    name: Literal["mainnet", "testnet"] = "testnet"
    accept_both: bool = True


class Sequencer(Section, frozen=True, kw_only=True):
    """The venue's own steps: clock, prices, funding, liquidations."""

    interval_ms: Annotated[int, Meta(ge=50, le=5_000)] = 1_000


class Bridge(Section, frozen=True, kw_only=True):
    """Who pays in and out. The local bridge is this process: its deposits are play money, its payments go nowhere."""

    local: bool = True  # false where a chain is connected: then no house, faucet or simulated trader is given anything
    finish_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 5  # until the local bridge has paid a withdrawal


class Chain(Section, frozen=True, kw_only=True):
    """The chain that keeps the accounts, if any: their money is in its vault, and what they trade is settled there."""

    target: str = ""  # "embedded": a chain inside this process; an http address: an RPC; empty: none
    deployment: str = ""  # the record of a deployment; empty: chain/deployment.json in the folder
    keystore: str = ""  # of the operator's key; empty: a key of a development chain's, made in the folder
    password_file: str = ""
    interval_ms: Annotated[int, Meta(ge=100, le=60_000)] = 1_000  # between two looks at the chain
    depth: Annotated[int, Meta(ge=0, le=1_000)] = 3  # blocks until a deposit is credited and a settlement is final
    price_seconds: Annotated[int, Meta(ge=1, le=600)] = 5  # between two reports of prices while nothing is settled
    compare_seconds: Annotated[int, Meta(ge=1, le=3_600)] = 10  # between two comparisons of venue and chain
    dispute_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 5  # of a withdrawal, where the venue deploys
    root_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 60  # between two roots of the state; 0: none is posted


class Faucet(Section, frozen=True, kw_only=True):
    """Play money of a venue without a chain. Never on where deposits are real."""

    enabled: bool = True
    automatic_usd: Amount = 10_000  # for an address when it first shows itself; 0: only when asked
    most_usd: Amount = 1_000_000  # of one request
    day_usd: Amount = 5_000_000  # for one address in one UTC day
    vault_usd: Annotated[int, Meta(ge=0, le=10**12)] = 100_000_000_000  # in the whole venue; above it the faucet is dry
    addresses: int = 50_000  # of owners; beyond it no new one is given any


class Lab(Section, frozen=True, kw_only=True):
    """Replays that the dashboard may start beside the venue: one at a time, at low priority."""

    enabled: bool = True
    accounts: Annotated[int, Meta(ge=10, le=1_000_000)] = 20_000  # of one replay, at most
    seconds: Annotated[int, Meta(ge=10, le=86_400)] = 1_800  # it may take


class MarketTerms(Section, frozen=True, kw_only=True):
    """A market to list unless it is. Tiers: [lower notional in USD, greatest leverage]; none: by rank in the list."""

    coin: Annotated[str, Meta(min_length=1, max_length=16)]
    price: Annotated[float, Meta(gt=0, le=1e9)]  # USD per unit, about: decides the units of its prices
    tiers: tuple[tuple[int, int], ...] = ()
    size_decimals: int | None = None
    open_interest_usd: Annotated[int, Meta(gt=0, le=9_000_000_000)] = 1_000_000_000
    insurance_usd: Amount = 1_000_000  # from the house, of a local bridge
    backstop_usd: Amount = 1_000_000
    amm_usd: Amount = 0
    grid_beta: Annotated[float, Meta(ge=-10, le=10)] = 1.0  # portfolio margin: its move for one of the common factor
    grid_own: Annotated[float, Meta(ge=0, le=1)] = 1.0  # its largest move on its own; 1: nobody has judged it


class PortfolioTerms(Section, frozen=True, kw_only=True):
    """Who may go into portfolio margin, of a venue that lists its first markets."""

    accounts: Annotated[int, Meta(ge=0, le=PORTFOLIOS_MAX)] = 64  # at once: each is measured at every price
    equity_usd: Amount = 10_000  # least equity of who comes in


class AssetTerms(Section, frozen=True, kw_only=True):
    """Collateral other than USD to list unless it is, priced by the index of a market of the venue. Shares of one."""

    coin: Annotated[str, Meta(min_length=1, max_length=16)]
    kind: Literal["token", "stable", "pool"] = "token"
    redeemed: str = ""  # coin of the market whose index is its redemption value
    weight_initial: Annotated[float, Meta(ge=0, le=1)] = 0.8
    weight_maintenance: Annotated[float, Meta(ge=0, le=1)] = 0.9
    liquidation_discount: Annotated[float, Meta(ge=0, le=0.5)] = 0.05
    supply_usd: Amount = 100_000_000  # cap of the venue, about, at the configured price
    account_usd: Amount = 5_000_000  # and of one owner
    fee: Annotated[float, Meta(ge=0, le=0.05)] = 0.003  # of a pool without a chain: what its positions earn of swaps


class FeedTerms(Section, frozen=True, kw_only=True):
    """A source of prices: `kind` names the plug-in, `options` are its own."""

    kind: str = "generator"
    name: str = ""  # empty: the kind
    weight: Annotated[int, Meta(ge=1, le=1_000)] = 1  # of each of its voices in the index
    options: dict[str, Any] = {}


class Traders(Section, frozen=True, kw_only=True):
    """Simulated traders, so that a new venue is alive."""

    enabled: bool = True
    makers: Count = 2
    takers: Count = 12
    followers: Count = 8  # of trends, with leverage: they are liquidated now and then
    seed: int = 7


class Limits(Section, frozen=True, kw_only=True):
    """What one client may ask for, in Hyperliquid's manner. Weights are in ops/weights.py."""

    enabled: bool = True
    exempt: tuple[str, ...] = ("127.0.0.1", "::1")  # addresses or networks of clients that are not limited
    weight_a_minute: Whole = 1_200  # of one IP address (of a /64 of IPv6)
    buffer: Whole = 10_000  # actions of an account before it has traded
    cancel_extra: Whole = 100_000  # so many more cancels than other actions, at most twice as many
    limited_seconds: Whole = 10  # an account beyond its limit may act once in


class Logs(Section, frozen=True, kw_only=True):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "text"] = "json"
    requests: bool = False  # a line for each HTTP request


class Alerts(Section, frozen=True, kw_only=True):
    """Alerts of accounts, by signed request. They need the extra `alerts`."""

    enabled: bool = True
    schemes: tuple[str, ...] = ("discord", "pover", "slack", "tgram")  # kinds of targets that accounts may name
    private_hosts: bool = False  # whether a target may be inside the operator's own network
    targets: Whole = 5  # of one account
    accounts: Whole = 1_000  # that may have any
    seconds: Annotated[float, Meta(ge=0.05)] = 2.0  # between two looks at an account
    tries: Whole = 6  # of one message, the wait between them four times longer each time


class VenueAlert(Section, frozen=True, kw_only=True):
    """An alert of the operator's own. `target` is an Apprise URL, or env:NAME to take it from the environment."""

    target: str
    kind: Literal["breaker", "status", "insurance", "funding_rate", "liquidation", "bad_debt"]
    coin: str = ""  # empty: every market
    threshold: str = "0"  # USD of insurance or bad debt, rate an hour of funding


class Risk(Section, frozen=True, kw_only=True):
    """The risk engine inside the venue. Shadow: it proposes and shows it, and nothing is sent."""

    mode: Literal["off", "shadow", "live"] = "shadow"
    seconds: Annotated[float, Meta(ge=0.2, le=60.0)] = 5.0  # between two looks at the markets
    signers: tuple[str, ...] = ()  # addresses by their number; none: keys that this process makes for itself
    chain_id: Annotated[int, Meta(ge=0, le=2**53)] = 421_614  # of the typed data that is signed
    model: str = ""  # a file of `seawall risk train`; empty: the one in the package
    interest_least_usd: Annotated[int, Meta(ge=0, le=10**12)] = 1_000_000  # what is less open than this is no crowd


class Sockets(Section, frozen=True, kw_only=True):
    """Websockets: limits of clients, and how often streams are told. An address is an IP, or a /64 of IPv6."""

    connections: int = 4_096
    connections_per_ip: int = 256
    subscriptions: int = 1_000  # of one connection
    users: int = 15  # whose streams one connection reads
    messages_per_minute: int = 60_000  # from one address; beyond twice as many it is cut off
    posts: int = 100  # of one address, not answered yet
    message_bytes: int = 1 << 18
    idle_seconds: int = 60  # a connection to which nothing was sent for as long is closed
    slow_seconds: int = 10  # one that takes nothing for as long is cut off
    queue_bytes: int = 1 << 20  # of market data that waits for one reader: more is dropped, a snapshot replaces it
    owed_bytes: int = 4 << 20  # of answers and events that wait: a reader of whom more is owed is cut off
    flush_ms: int = 4  # what happens within is told together
    best_ms: int = 20  # between two messages of one stream, at least: bbo
    book_ms: int = 100  # l2Book
    mids_ms: int = 500  # allMids, fastAssetCtxs
    context_ms: int = 1_000  # activeAssetCtx, assetCtxs, allDexsAssetCtxs
    candle_ms: int = 1_000
    state_ms: int = 200  # clearinghouseState and other states of an account
    state_seconds: int = 5  # until a state is told again when nothing happened


class Config(Section, frozen=True, kw_only=True):
    server: Server = Server()
    data: Data = Data()
    network: Network = Network()
    sequencer: Sequencer = Sequencer()
    bridge: Bridge = Bridge()
    chain: Chain = Chain()
    faucet: Faucet = Faucet()
    market: tuple[MarketTerms, ...] = ()
    asset: tuple[AssetTerms, ...] = ()
    feed: tuple[FeedTerms, ...] = (FeedTerms(),)
    traders: Traders = Traders()
    portfolio: PortfolioTerms = PortfolioTerms()
    lab: Lab = Lab()
    limits: Limits = Limits()
    logs: Logs = Logs()
    alerts: Alerts = Alerts()
    alert: tuple[VenueAlert, ...] = ()
    sockets: Sockets = Sockets()
    risk: Risk = Risk()


def load_config(path: Path | None, environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration of a file (None: defaults) with the environment laid over it.

    Raises BadInput naming the file and the field for anything that is not understood.
    """
    tables: dict[str, Any] = {}
    if path is not None:
        try:
            tables = tomllib.loads(path.read_text())
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BadInput(str(path), str(error)) from error
    for name, text in sorted(environment.items()):
        parts = name.removeprefix(ENVIRONMENT).lower().split("__")
        if name.startswith(ENVIRONMENT) and len(parts) == 2:
            tables.setdefault(parts[0], {})[parts[1]] = _plain(text)
    try:
        return msgspec.convert(tables, Config, strict=False)
    except msgspec.ValidationError as error:
        raise BadInput(str(path or "configuration"), str(error)) from error


def without_secrets(settings: Config) -> Config:
    """The configuration as it may be shown: without passwords in URLs and without the targets of alerts."""
    data = msgspec.structs.replace(settings.data, history=PASSWORD.sub(HIDDEN, settings.data.history))
    own = tuple(
        terms
        if terms.target.startswith(FROM_ENVIRONMENT)
        else msgspec.structs.replace(terms, target=f"{terms.target.partition(':')[0]}://{HIDDEN}")
        for terms in settings.alert
    )
    return msgspec.structs.replace(settings, data=data, alert=own)


def _plain(text: str) -> Any:
    """A word of the environment: true and false, a list in brackets, else text that the field's type reads."""
    if text.startswith("["):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return {"true": True, "false": False}.get(text.lower(), text)
