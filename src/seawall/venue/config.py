"""What an operator decides, from a TOML file and the environment. Every field has a default that suits one machine."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from seawall.units import BadInput

ENVIRONMENT: Final = "SEAWALL_"  # SEAWALL_SERVER__PORT=3005 is server.port


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


class Faucet(Section, frozen=True, kw_only=True):
    """Play money of a venue without a chain. Never on where deposits are real."""

    enabled: bool = True
    automatic_usd: int = 10_000  # for an address when it first shows itself; 0: only when asked
    most_usd: int = 1_000_000  # of one request
    addresses: int = 50_000  # that may be given any


class MarketTerms(Section, frozen=True, kw_only=True):
    """A market to list when the venue is new. Tiers: [lower notional in USD, greatest leverage]."""

    coin: str
    price: float  # USD per unit, about: decides the units of its prices
    tiers: tuple[tuple[int, int], ...] = ()
    size_decimals: int | None = None
    open_interest_usd: int = 1_000_000_000
    insurance_usd: int = 1_000_000
    backstop_usd: int = 1_000_000
    amm_usd: int = 0


class FeedTerms(Section, frozen=True, kw_only=True):
    """A source of prices: `kind` names the plug-in, `options` are its own."""

    kind: str = "generator"
    name: str = ""
    options: dict[str, Any] = {}


class Traders(Section, frozen=True, kw_only=True):
    """Simulated traders, so that a new venue is alive."""

    enabled: bool = True
    makers: int = 2
    takers: int = 12
    seed: int = 7


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
    faucet: Faucet = Faucet()
    market: tuple[MarketTerms, ...] = ()
    feed: tuple[FeedTerms, ...] = (FeedTerms(),)
    traders: Traders = Traders()
    sockets: Sockets = Sockets()


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


def _plain(text: str) -> Any:
    return {"true": True, "false": False}.get(text.lower(), text)
