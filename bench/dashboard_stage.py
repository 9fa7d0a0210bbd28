"""A made-up venue for the dashboard to look at: 50 markets whose every figure changes 20 times a second, on one socket.

The files are served as `seawall up` serves them; what is behind them answers in the API's shapes. So the bench measures
the page and not an engine beside it.
"""

import asyncio
import contextlib
import json
import random
import threading
import time
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from seawall.venue.dashboard import Dashboard

MARKETS, PER_SECOND = 50, 20
COINS = ["BTC", *(f"C{number:02d}" for number in range(1, MARKETS))]
STEP = 60_000


def price_of(number: int) -> float:
    return 100_000.0 / (1 + number)


class World:
    """Prices that walk."""

    def __init__(self) -> None:
        self.chance = random.Random(7)
        self.prices = [price_of(number) for number in range(MARKETS)]
        self.sent = 0

    def move(self) -> None:
        self.prices = [price * (1 + self.chance.gauss(0, 2e-4)) for price in self.prices]

    def contexts(self) -> list[dict[str, str]]:
        same = {"funding": "0.0000125", "dayBaseVlm": "120.5", "premium": "0.0001", "openInterest": "1200.5"}
        return [
            {
                **same,
                "prevDayPx": f"{price_of(number):.5f}",
                "dayNtlVlm": f"{1e6 + self.sent:.1f}",
                "oraclePx": f"{price:.5f}",
                "markPx": f"{price:.5f}",
                "midPx": f"{price:.5f}",
            }
            for number, price in enumerate(self.prices)
        ]

    def book(self) -> dict[str, Any]:
        mid = self.prices[0]
        sides = [[self.level(mid * (1 + sign * 1e-4 * at)) for at in range(1, 21)] for sign in (-1, 1)]
        return {"coin": COINS[0], "time": now_ms(), "levels": sides}

    def level(self, price: float) -> dict[str, Any]:
        return {"px": f"{price:.1f}", "sz": f"{self.chance.random():.5f}", "n": 2}

    def trades(self) -> list[dict[str, Any]]:
        self.sent += 1
        side = "AB"[self.sent % 2]
        price = f"{self.prices[0]:.1f}"
        return [{"coin": COINS[0], "side": side, "px": price, "sz": "0.01", "time": now_ms(), "tid": self.sent}]

    def candle(self, start: int) -> dict[str, Any]:
        price = f"{self.prices[0]:.1f}"
        bar = {"s": COINS[0], "i": "1m", "o": price, "c": price, "h": price, "l": price, "v": "1.5", "n": 3}
        return {"t": start, "T": start + STEP - 1, **bar}

    def markets(self) -> list[dict[str, Any]]:
        return [market(number, coin, self.prices[number]) for number, coin in enumerate(COINS)]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def market(number: int, coin: str, price: float) -> dict[str, Any]:
    texts = {"mark": f"{price:.5f}", "index": f"{price:.5f}", "open_interest": "1200.5", "open_interest_usd": "1e6"}
    rates = {"initial_live": "0", "taker_fee": "0.00045", "maker_fee": "0.00015"}
    rates |= {"funding_rate": "0.0000125", "funding_predicted": "0.0000125"}
    tiers = [{"lower": "0.0", "max_leverage": 40, "maintenance": "0.0125"}]
    return {
        "coin": coin,
        "market": number,
        "status": "active",
        "breaker": "normal",
        "size_decimals": 5,
        "is_fresh": True,
        "index_age_ms": 20,
        "open_interest_cap": "9000.0",
        "max_leverage": 40,
        "leverage_limit": "tier",
        "tiers": tiers,
        "next_funding": now_ms() + STEP,
        "sources": [],
        **texts,
        **rates,
        "open_interest_usd": "1000000.0",
    }


def answers(world: World) -> list[Route | WebSocketRoute]:
    """The routes that a page without an account asks."""

    async def status(_: Request) -> JSONResponse:
        counts = {"sequence": 1, "markets": MARKETS, "accounts": 1, "orders": 1, "waiting": 0, "due": 0}
        money = {"vault": "1.0", "insurance": "1.0", "bad_debt": "0.0"}
        words = {
            "name": "seawall",
            "version": "0",
            "network": "testnet",
            "status": "active",
            "is_writing": True,
            "has_faucet": True,
        }
        return JSONResponse({**words, **counts, **money, "time": now_ms()})

    async def markets(_: Request) -> JSONResponse:
        return JSONResponse({"time": now_ms(), "sequence": 1, "markets": world.markets()})

    async def info(_: Request) -> JSONResponse:
        first = now_ms() // STEP * STEP - 500 * STEP
        return JSONResponse([world.candle(first + at * STEP) for at in range(501)])

    async def feed(socket: WebSocket) -> None:
        await socket.accept()
        reading = asyncio.create_task(drain(socket))
        try:
            while not reading.done():
                world.move()
                for channel, data in (
                    ("assetCtxs", {"dex": "", "ctxs": world.contexts()}),
                    ("l2Book", world.book()),
                    ("trades", world.trades()),
                    ("candle", world.candle(now_ms() // STEP * STEP)),
                ):
                    await socket.send_text(json.dumps({"channel": channel, "data": data}))
                await asyncio.sleep(1 / PER_SECOND)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            reading.cancel()

    return [
        Route("/v1/status", status),
        Route("/v1/markets", markets),
        Route("/info", info, methods=["POST"]),
        WebSocketRoute("/ws", feed),
    ]


async def drain(socket: WebSocket) -> None:
    """Reads what the page asks, so that its buffer does not fill."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.receive_text()


class Stage:
    """Serves in a thread."""

    def __init__(self, port: int) -> None:
        self.world = World()
        app = Starlette(routes=answers(self.world))
        settings = uvicorn.Config(Dashboard(app), "127.0.0.1", port, log_level="error", ws="websockets-sansio")
        self.server = uvicorn.Server(settings)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.url = f"http://127.0.0.1:{port}/"

    def __enter__(self) -> "Stage":
        self.thread.start()
        while not self.server.started:
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(10)
