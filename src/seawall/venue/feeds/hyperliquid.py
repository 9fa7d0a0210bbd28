"""The feed `hyperliquid`: prices from any websocket of Hyperliquid's shape, another Seawall included.

`activeAssetCtx` of each coin gives its oracle price, for the index; `allMids` the middle of its book, for the mark. The
messages carry no time: a price counts as of when it was heard. A connection that is silent too long is given up;
feeds.py connects again.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from websockets.asyncio.client import ClientConnection, connect

from seawall.venue.config import Section
from seawall.venue.feeds.source import Put, Quote, Scene, chosen_coins, options_of

KIND: Final = "hyperliquid"
PING_MS: Final = 20_000  # the server closes connections on which nothing is sent for a minute
MESSAGE_MAX: Final = 4 << 20  # bytes
COMPLAINT_MAX: Final = 200  # characters of one that is logged

log = logging.getLogger(__name__)


class Options(Section, frozen=True):
    """Where to listen, and to what."""

    url: str = "wss://api.hyperliquid.xyz/ws"
    coins: tuple[str, ...] = ()  # empty: every market
    names: Mapping[str, str] = msgspec.field(default_factory=dict)  # what a coin is called there, where that differs
    index: bool = True  # the oracle price, as a voice in the index
    perp: bool = True  # the middle of the book, as a voice in the mark
    silence_seconds: Annotated[int, Meta(ge=1, le=600)] = 30


class Context(msgspec.Struct):
    """What we read of an asset's context. A mid that is null is that of an empty book."""

    oraclePx: str


class ActiveContext(msgspec.Struct):
    coin: str
    ctx: Context


class ContextMessage(msgspec.Struct, tag="activeAssetCtx", tag_field="channel"):
    data: ActiveContext


class Mids(msgspec.Struct):
    mids: dict[str, str]


class MidsMessage(msgspec.Struct, tag="allMids", tag_field="channel"):
    data: Mids


class ErrorMessage(msgspec.Struct, tag="error", tag_field="channel"):
    data: str


class Channel(msgspec.Struct):
    channel: str = ""


Known = ContextMessage | MidsMessage | ErrorMessage
CHANNELS: Final = ("activeAssetCtx", "allMids", "error")


class HyperliquidSource:
    """One connection."""

    def __init__(self, scene: Scene, options: Options, coins: tuple[str, ...]) -> None:
        self._options = options
        self._clock = scene.clock
        self._there = {options.names.get(coin, coin): coin for coin in coins}
        self._channel = msgspec.json.Decoder(Channel)
        self._known: msgspec.json.Decoder[Known] = msgspec.json.Decoder(Known)
        self.name = KIND
        self.index = frozenset(coins if options.index else ())
        self.perp = frozenset(coins if options.perp else ())

    async def run(self, put: Put) -> None:
        """Raises OSError, WebSocketException or TimeoutError when the connection is lost, MsgspecError for nonsense."""
        async with connect(self._options.url, max_size=MESSAGE_MAX) as line:
            await self._subscribe(line)
            pings = asyncio.get_running_loop().create_task(self._ping(line))
            try:
                while True:  # until the connection is lost
                    for quote in self.quotes(await self._heard(line), self._clock.now()):
                        put(quote)
            finally:
                pings.cancel()

    def quotes(self, message: bytes, now: int) -> list[Quote]:
        """What a message says of our coins. MsgspecError for what is not of its channel's shape."""
        if self._channel.decode(message).channel not in CHANNELS:
            return []
        known = self._known.decode(message)
        if isinstance(known, ErrorMessage):
            log.warning("%s complains: %s", self.name, known.data[:COMPLAINT_MAX])
            return []
        if isinstance(known, ContextMessage):
            coin = self._there.get(known.data.coin, "")
            return [Quote(coin, known.data.ctx.oraclePx, now)] if coin in self.index else []
        return [
            Quote(coin, known.data.mids[name], now, is_perp=True)
            for name, coin in self._there.items()
            if coin in self.perp and name in known.data.mids
        ]

    async def _heard(self, line: ClientConnection) -> bytes:
        try:
            async with asyncio.timeout(self._options.silence_seconds):
                return await line.recv(decode=False)
        except TimeoutError as error:
            raise TimeoutError(f"nothing was heard for {self._options.silence_seconds} s") from error

    async def _subscribe(self, line: ClientConnection) -> None:
        asked: list[dict[str, str]] = []
        if self.perp:
            asked.append({"type": "allMids"})
        asked += [{"type": "activeAssetCtx", "coin": name} for name, coin in self._there.items() if coin in self.index]
        for subscription in asked:
            await line.send(msgspec.json.encode({"method": "subscribe", "subscription": subscription}).decode())

    async def _ping(self, line: ClientConnection) -> None:
        while True:  # until the connection is lost
            await asyncio.sleep(PING_MS / 1000)
            await line.send('{"method":"ping"}')


def open_sources(scene: Scene, options: Mapping[str, Any]) -> Sequence[HyperliquidSource]:
    """One source that quotes both. BadInput for options that are not understood."""
    chosen = options_of(KIND, Options, options)
    return [HyperliquidSource(scene, chosen, chosen_coins(KIND, chosen.coins, scene))]
