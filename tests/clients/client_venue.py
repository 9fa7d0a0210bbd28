"""A venue as a process for real clients, its prices in the test's hand, and a market maker of plain signed requests."""

import itertools
import time
from pathlib import Path
from typing import Any

from price_line import PriceLine

from seawall.signing import Key
from seawall.venue.names import address_text
from venue_process import MARKETS, Process, signed

QUOTES = {"BTC": 20, "ETH": 500}  # the size on either side
SPREAD = 0.001
STEP = 0.02  # of a price, at most, that is moved at once
NEAR = 0.0005  # as a share: reached
FUNDS_USD = 100_000
OPEN_SECONDS = 30

_numbers = itertools.count(1)


class Wallet:
    """A key that nobody has used yet."""

    def __init__(self) -> None:
        secret = (0xC11E << 128) + next(_numbers)
        self.key = Key(secret.to_bytes(32, "big"))
        self.secret = f"0x{secret:064x}"
        self.address = address_text(self.key.address)


class Venue:
    """A running venue, what a test may want of it, and its maker."""

    def __init__(self, folder: Path) -> None:
        self.prices = PriceLine(MARKETS)
        self.process = Process(folder, more=self.prices.feed())
        self.maker = Wallet()
        self._nonce = 0
        self._quoted: dict[str, int] = {}

    def start(self) -> None:
        """Starts it, waits until its markets are open, and fills the books."""
        self.process.start()
        end = time.monotonic() + OPEN_SECONDS
        while any(market.get("isDelisted") for market in self.info("meta")["universe"]):
            assert time.monotonic() < end, "no market opened"
            time.sleep(0.1)
        for _ in range(5):
            self.fund(self.maker.address, 1_000_000)
        self.quote()

    @property
    def url(self) -> str:
        return self.process.url

    @property
    def ws_url(self) -> str:
        return f"ws{self.url.removeprefix('http')}/ws"

    def fund(self, address: str, usd: int = FUNDS_USD) -> None:
        self.process.post("/v1/faucet", {"address": address, "usd": usd})

    def wallet(self, usd: int = FUNDS_USD) -> Wallet:
        made = Wallet()
        self.fund(made.address, usd)
        return made

    def info(self, kind: str, **fields: Any) -> Any:
        return self.process.info({"type": kind, **fields})

    def act(self, wallet: Wallet, kind: str, **fields: Any) -> Any:
        """An action by a plain signed request."""
        self._nonce = max(self._nonce + 1, time.time_ns() // 1_000_000)
        return self.process.post("/exchange", signed(wallet.key, {"type": kind, **fields}, self._nonce))

    def price(self, coin: str, off: float = 0.0) -> int:
        """About `off` above the oracle price, in whole USD: a tick of both markets."""
        _, contexts = self.info("metaAndAssetCtxs")
        return round(float(contexts[self.asset(coin)]["oraclePx"]) * (1 + off))

    def asset(self, coin: str) -> int:
        names = [market["name"] for market in self.info("meta")["universe"]]
        return names.index(coin)

    def limit(self, coin: str, size: float, price: int) -> dict[str, Any]:
        """A resting order in wire form; a size below 0 sells."""
        asset, size_text = self.asset(coin), f"{abs(size):g}"
        return {"a": asset, "b": size > 0, "p": str(price), "s": size_text, "r": False, "t": {"limit": {"tif": "Gtc"}}}

    def place(self, wallet: Wallet, *orders: dict[str, Any]) -> list[Any]:
        """The statuses of plain orders."""
        told = self.act(wallet, "order", orders=list(orders), grouping="na")
        statuses: list[Any] = told["response"]["data"]["statuses"]
        return statuses

    def quote(self) -> None:
        """Both sides of every market anew. The side that a moving price comes to has a quote at all times."""
        old = self.info("openOrders", user=self.maker.address)
        for coin, size in QUOTES.items():
            price = self.price(coin)
            first = size if price <= self._quoted.get(coin, price) else -size
            self._quote_side(coin, first)
            self._cancel(self.maker, [order for order in old if order["coin"] == coin])
            self._quote_side(coin, -first)
            self._quoted[coin] = price

    def _quote_side(self, coin: str, size: int) -> None:
        price = self.price(coin, -SPREAD if size > 0 else SPREAD)
        (status,) = self.place(self.maker, self.limit(coin, size, price))
        assert "resting" in status, status

    def move(self, coin: str, price: float) -> None:
        """Brings a coin to a price in steps that the venue believes, and the maker's quotes with it."""
        while self.prices.prices[coin] != price:
            now = self.prices.prices[coin]
            self.prices.prices[coin] = min(max(price, round(now * (1 - STEP))), round(now * (1 + STEP)))
            self._reach(coin)
        self.quote()

    def _reach(self, coin: str) -> None:
        end = time.monotonic() + OPEN_SECONDS
        while abs(self._mark(coin) / self.prices.prices[coin] - 1) > NEAR:
            assert time.monotonic() < end, f"{coin} stays at {self._mark(coin)}"
            self.quote()
            time.sleep(0.2)

    def _mark(self, coin: str) -> float:
        _, contexts = self.info("metaAndAssetCtxs")
        return float(contexts[self.asset(coin)]["markPx"])

    def clear(self, wallet: Wallet) -> None:
        """Cancels all that rests of a wallet."""
        self._cancel(wallet, self.info("openOrders", user=wallet.address))

    def _cancel(self, wallet: Wallet, orders: list[dict[str, Any]]) -> None:
        if orders:
            cancels = [{"a": self.asset(order["coin"]), "o": order["oid"]} for order in orders]
            self.act(wallet, "cancel", cancels=cancels)
