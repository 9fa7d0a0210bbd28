"""The feed `ccxt`: tickers of any exchange that the ccxt library knows (extra `feeds`), asked again and again.

Prices come as the exchange writes them: ccxt is told to keep numbers as text. A quote is the middle of bid and ask, the
last trade where one of them is missing. Public data only: no key is ever given to it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from fractions import Fraction
from importlib import import_module
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from seawall.lab.names import underlying, unit_of
from seawall.units import BadInput, fraction_from
from seawall.venue.config import Section
from seawall.venue.feeds.source import Put, Quote, Scene, chosen_coins, options_of

KIND: Final = "ccxt"
LIBRARY: Final = "ccxt.async_support"

log = logging.getLogger(__name__)


class Options(Section, frozen=True, kw_only=True):
    """Which exchange, and which of its markets."""

    exchange: str  # ccxt's name of it
    perp: bool = False  # its perps, for the mark, instead of its spot, for the index
    symbols: Mapping[str, str] = msgspec.field(default_factory=dict)  # of a coin; else COIN/QUOTE[:QUOTE]
    quote: str = "USDT"
    coins: tuple[str, ...] = ()  # empty: every market
    interval_ms: Annotated[int, Meta(ge=100, le=60_000)] = 1_000
    timeout_ms: Annotated[int, Meta(ge=100, le=60_000)] = 5_000
    hostname: str = ""  # of a mirror that the exchange offers
    asks: Literal["together", "singly"] = "together"  # one request for all tickers, or one for each


class CcxtSource:
    """One exchange."""

    def __init__(self, scene: Scene, options: Options, coins: tuple[str, ...], exchange: type[Any]) -> None:
        self._options = options
        self._clock = scene.clock
        self._exchange = exchange
        self._coins = {self._symbol(coin): coin for coin in coins}
        self.name = f"{options.exchange} perp" if options.perp else options.exchange
        self.index = frozenset(() if options.perp else coins)
        self.perp = frozenset(coins if options.perp else ())

    async def run(self, put: Put) -> None:
        """Raises ccxt's errors."""
        settings: dict[str, Any] = {"timeout": self._options.timeout_ms, "enableRateLimit": True}
        if self._options.hostname:
            settings["hostname"] = self._options.hostname
        exchange = self._exchange(settings)
        exchange.number = str
        try:
            symbols = await self._listed(exchange)
            while True:  # until cancelled, or the exchange fails
                for ticker in await self._tickers(exchange, symbols):
                    quote = self.quote(ticker, self._clock.now())
                    if quote is not None:
                        put(quote)
                await self._clock.sleep(self._options.interval_ms)
        finally:
            await exchange.close()

    def quote(self, ticker: Mapping[str, Any], now: int) -> Quote | None:
        """What a ticker says; None for one without a price, or that is not ours."""
        symbol = str(ticker.get("symbol"))
        coin = self._coins.get(symbol)
        bid, ask, last = (ticker.get(name) for name in ("bid", "ask", "last"))
        if coin is None or (last is None and None in (bid, ask)):
            return None
        if bid is not None and ask is not None:
            price = (fraction_from(str(bid), "bid") + fraction_from(str(ask), "ask")) / 2
        else:
            price = fraction_from(str(last), "last")
        time = ticker.get("timestamp")
        factor = Fraction(unit_of(coin)[1]) / Fraction(unit_of(underlying(symbol))[1])
        return Quote(coin, price * factor, time if isinstance(time, int) else now, self._options.perp)

    async def _listed(self, exchange: Any) -> list[str]:
        """Those of our symbols that the exchange has; the others stay silent. LookupError when it has none."""
        markets = await exchange.load_markets()
        missing = [symbol for symbol in self._coins if symbol not in markets]
        if len(missing) == len(self._coins):
            raise LookupError(f"it lists none of {', '.join(missing)}")
        if missing:
            log.warning("feed %s: it lists no %s", self.name, ", ".join(missing))
        return [symbol for symbol in self._coins if symbol in markets]

    async def _tickers(self, exchange: Any, symbols: list[str]) -> list[Mapping[str, Any]]:
        if self._options.asks == "together":
            return list((await exchange.fetch_tickers(symbols)).values())
        return list(await asyncio.gather(*(exchange.fetch_ticker(symbol) for symbol in symbols)))

    def _symbol(self, coin: str) -> str:
        if coin in self._options.symbols:
            return self._options.symbols[coin]
        pair = f"{unit_of(coin)[0]}/{self._options.quote}"
        return f"{pair}:{self._options.quote}" if self._options.perp else pair


def open_sources(scene: Scene, options: Mapping[str, Any]) -> Sequence[CcxtSource]:
    """One source. BadInput when ccxt is not installed, does not know the exchange, or options are not understood."""
    chosen = options_of(KIND, Options, options)
    try:
        library = import_module(LIBRARY)
    except ImportError as error:
        raise BadInput(f"feed {KIND}", "needs the package ccxt: pip install 'seawall[feeds]'") from error
    exchange = getattr(library, chosen.exchange, None)
    if chosen.exchange not in getattr(library, "exchanges", ()) or exchange is None:
        raise BadInput(f"feed {KIND}: exchange", f"ccxt knows none of the name {chosen.exchange!r}")
    return [CcxtSource(scene, chosen, chosen_coins(KIND, chosen.coins, scene), exchange)]
