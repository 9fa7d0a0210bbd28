"""Streams of markets. What POST /info tells as well is asked of it, so that both say the same."""

import base64
import zlib
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

from seawall.venue.history.intervals import start_of
from seawall.venue.records import Fill
from seawall.venue.universe import Listing
from seawall.venue.ws.frames import encode, frame
from seawall.venue.ws.topics import FixedTopic, FreshTopic, StateTopic
from seawall.venue.ws.wishes import Wish

if TYPE_CHECKING:
    from seawall.venue.ws.hub import Hub

FAST_LEVELS: Final = 5
FAST: Final = ("markPx", "midPx")  # what fastAssetCtxs has of a context
TRADES_SHOWN: Final = 50  # to a new reader
TRADES_KEPT: Final = 256  # messages of trades for readers who come back
Shown = tuple[int, object]  # tid, shape


class MarketTopic(StateTopic):
    """A stream of one market."""

    def __init__(self, hub: "Hub", wish: Wish, gap: float, listing: Listing) -> None:
        super().__init__(hub, wish, gap)
        self.coin = wish.text("coin")
        self.market = listing.number

    @property
    def listing(self) -> Listing | None:
        """The market as it is listed now; None when its number is another one's."""
        listing = self.hub.service.universe.listings[self.market]
        return listing if listing.coin == self.coin else None


class BookTopic(MarketTopic):
    """l2Book: whole books, when they have changed."""

    async def read(self) -> Any:
        echo = self.wish.echo
        asked = {"type": "l2Book", "coin": self.coin, "nSigFigs": echo["nSigFigs"], "mantissa": echo["mantissa"]}
        book = msgspec.to_builtins(await self.hub.ask(asked))
        if book is not None and echo["fast"]:
            return {**book, "levels": [side[:FAST_LEVELS] for side in book["levels"]], "fast": True}
        return book

    def says(self, data: Any) -> Any:
        return data["levels"]


class BestTopic(MarketTopic):
    """bbo: the best bid and offer, when one of them has changed."""

    async def read(self) -> Any:
        listing = self.listing
        if listing is None:
            return None
        bid, offer = self.hub.shapes.best(listing)
        return {"coin": self.coin, "time": self.hub.service.now, "bbo": [bid, offer]}

    def says(self, data: Any) -> Any:
        return data["bbo"]


class MidsTopic(StateTopic):
    """allMids of this dex."""

    async def read(self) -> Any:
        return {"mids": await self.hub.ask({"type": "allMids"})}


class ContextTopic(MarketTopic):
    """activeAssetCtx of one market."""

    async def read(self) -> Any:
        contexts = await self.hub.contexts()
        return {"coin": self.coin, "ctx": contexts[self.market]} if self.listing is not None else None


class ContextsTopic(StateTopic):
    """assetCtxs, allDexsAssetCtxs and fastAssetCtxs: all markets in one message."""

    async def read(self) -> Any:
        contexts = await self.hub.contexts()
        if self.wish.kind == "assetCtxs":
            return {"dex": "", "ctxs": contexts}
        if self.wish.kind == "allDexsAssetCtxs":
            return {"ctxs": [["", contexts]]}
        coins = [listing.coin for listing in self.hub.service.universe.listings]
        plain = msgspec.to_builtins(contexts)
        return _deflated({coin: {name: one[name] for name in FAST} for coin, one in zip(coins, plain, strict=True)})


class CandleTopic(MarketTopic):
    """candle: the newest one of an interval, and the one before as it was when it ended."""

    lane_name = "past"

    def __init__(self, hub: "Hub", wish: Wish, gap: float, listing: Listing) -> None:
        super().__init__(hub, wish, gap, listing)
        self.interval = wish.text("interval")
        self._told: Any = None  # the candle in the last message

    async def publish(self) -> None:
        async with self._turn:
            self.is_marked = False
            for candle in await self.read():
                if candle != self._told:
                    self._told = candle
                    self.frame = frame(self.channel, candle)
                    self.send(self.frame)

    async def read(self) -> Any:
        """Candles from the one that was told last to the newest, of these the last two."""
        now = self.hub.service.now
        start = start_of(self.interval, now) if self._told is None else self._told["t"]
        asked = {"coin": self.coin, "interval": self.interval, "startTime": start, "endTime": now}
        candles = await self.hub.ask({"type": "candleSnapshot", "req": asked})
        return msgspec.to_builtins(candles[-2:])


class TradesTopic(FreshTopic):
    """trades. Messages are kept for a while: a reader who missed some gets those, not others twice."""

    lane_name = "told"

    def __init__(self, hub: "Hub", wish: Wish, listing: Listing) -> None:
        super().__init__(hub, wish, 0.0)
        self.coin, self.market = listing.coin, listing.number
        self._items: list[Shown] = []
        self._recent: deque[Shown] = deque(maxlen=TRADES_SHOWN)
        self._sent: deque[tuple[int, bytes]] = deque(maxlen=TRADES_KEPT)
        self._is_begun = False

    def trade(self, fill: Fill) -> None:
        """A trade of its market, or of one that has its number since."""
        if self.hub.service.universe.listings[self.market].coin != self.coin:
            return
        self._items.append((fill.tid, self.hub.shapes.trade(fill)))
        self.mark()

    async def current(self) -> None:
        if not self._is_begun:
            now = self.hub.service.now
            found = await self.hub.service.history.market_fills(self.market, 0, now, TRADES_SHOWN)
            heard = {tid for tid, _ in (*self._recent, *self._items)}
            past = [(one.tid, self.hub.shapes.trade(one)) for one in reversed(found) if one.tid not in heard]
            if not self._is_begun:  # nobody else was quicker
                self._recent = deque([*past, *self._recent], TRADES_SHOWN)
                self._is_begun = True
        await self.publish()

    async def publish(self) -> None:
        self.is_marked = False
        if not self._items:
            return
        items, self._items = self._items, []
        self._recent.extend(items)
        self.serial += 1
        made = frame(self.channel, [shape for _, shape in items])
        self._sent.append((self.serial, made))
        self.send(made)

    def first(self) -> list[bytes]:
        return [frame(self.channel, [shape for _, shape in self._recent])] if self._recent else []

    def since(self, serial: int) -> list[bytes]:
        return [made for number, made in self._sent if number >= serial]


def elsewhere(hub: "Hub", wish: Wish) -> FixedTopic:
    """The stream of a coin, a dex or a kind of market that is not on this venue."""
    coin, dex, zero = wish.text("coin"), wish.text("dex"), "0.0"
    context = {
        "prevDayPx": zero,
        "dayNtlVlm": zero,
        "markPx": zero,
        "midPx": None,
        "circulatingSupply": zero,
        "coin": coin,
        "totalSupply": zero,
        "dayBaseVlm": zero,
    }
    data: dict[str, Any] = {
        "allMids": {"dex": dex, "mids": {}},
        "assetCtxs": {"dex": dex, "ctxs": []},
        "spotAssetCtxs": [],
        "outcomeMetaUpdates": {"updates": []},
        "l2Book": {"coin": coin, "time": hub.service.now, "levels": [[], []]},
        "bbo": {"coin": coin, "time": hub.service.now, "bbo": [None, None]},
        "trades": [],
        "activeAssetCtx": {"coin": coin, "ctx": context},
    }
    channel = "activeSpotAssetCtx" if wish.kind == "activeAssetCtx" else wish.kind
    return FixedTopic(hub, wish, channel, data.get(wish.kind))


def _deflated(data: Any) -> str:
    """Base64 of raw DEFLATE of JSON, as Hyperliquid packs fastAssetCtxs."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return base64.b64encode(packer.compress(encode(data)) + packer.flush()).decode()
