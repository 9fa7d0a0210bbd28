"""A venue that follows the prices of another one, through the websocket that clients of the first one use."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import uvicorn

from hyperliquid_line import until
from seawall.terms import command
from seawall.venue.app import Application
from seawall.venue.config import Config, Data, FeedTerms, MarketTerms, Sockets, Traders
from seawall.venue.ops.serve import Server
from seawall.venue.service import Service
from seawall.venue.ws.protocol import uvicorn_terms
from venue_floor import FakeClock, World

MARKETS = (MarketTerms(coin="BTC", price=100_000.0), MarketTerms(coin="kPEPE", price=0.0094))
QUICK = Sockets(mids_ms=10, context_ms=10)


async def follow(folder: Path, clock: FakeClock, script: Callable[[Service, World, Application], object]) -> None:
    """Serves one venue on a port of its own and runs another one beside it that listens to it."""
    data = Data(folder=str(folder / "one"), capacity="small")
    one = Service(Config(data=data, market=MARKETS, sockets=QUICK, traders=Traders(takers=4)), clock.now)
    one.open()
    application = Application(one, clock, {})
    terms = uvicorn_terms(QUICK)
    server = Server(uvicorn.Config(application.asgi, port=0, lifespan="off", log_level="warning", **terms))
    serving = asyncio.ensure_future(server.serve())
    await until(lambda: server.started)
    await application.start()
    await clock.pass_ms(5_000, one)
    port = server.servers[0].sockets[0].getsockname()[1]
    feed = (FeedTerms(kind="hyperliquid", options={"url": f"ws://127.0.0.1:{port}/ws"}),)
    try:
        async with World(folder / "two", clock, market=MARKETS, feed=feed, traders=Traders(enabled=False)) as two:
            await script(one, two, application)  # type: ignore[misc]
    finally:
        server.should_exit = True
        await serving
        await application.stop()


def heard(world: World, number: int, coin: str) -> int:
    """When the second venue last heard a voice of the first."""
    said = world.floor.feeds.board.of_voice(world.floor.feeds.voices[number]).get(coin)
    return said.time if said else 0


def test_prices_arrive_through_the_first_venues_own_websocket(tmp_path: Path) -> None:
    clock = FakeClock()

    async def script(one: Service, two: World, application: Application) -> None:
        async def seconds(count: int) -> None:
            for _ in range(count):
                before = int(one.columns["market_oracle"][0])
                await clock.pass_ms(1_000, one)
                if before != one.columns["market_oracle"][0]:  # it tells what has changed
                    await until(lambda: heard(two, 0, "BTC") >= clock.time)
                await two.pass_ms(0)

        await clock.pass_ms(0, two.service)
        await until(lambda: two.floor.feeds.status()[0].is_running)
        await seconds(5)
        theirs, ours = one.columns, two.service.columns
        assert ours["market_status"][:2].tolist() == [command.ACTIVE] * 2
        assert [voice.size for voice in two.floor.feeds.voices] == [1, command.PERP + 1]
        application.floor.feeds.crash(0.1, 6)
        await seconds(10)
        assert theirs["market_oracle"][0] < 950_000
        for market in (0, 1):
            assert ours["market_oracle"][market] == pytest.approx(theirs["market_oracle"][market], rel=0.02)
        assert heard(two, 1, "BTC") > clock.time - 10_000  # the middle of its book
        assert all(coin.state in ("ok", "divergent") for source in two.floor.feeds.status() for coin in source.coins)

    asyncio.run(follow(tmp_path, clock, script))
