"""The feed in Hyperliquid's shape against a local websocket: what it asks for, what it hears, lines that are cut."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from hyperliquid_line import Line, until
from seawall.venue.feeds.hyperliquid import HyperliquidSource, open_sources
from seawall.venue.feeds.source import Quote, Scene
from venue_floor import START_MS, FakeClock

PRICES = {"BTC": ("100000.5", "100001.0"), "ETH": ("4000.25", None), "XYZ": ("1.0", "1.0")}
SCENE = Scene(coins=("BTC", "ETH", "MINE"), prices={}, clock=FakeClock())


def source_at(url: str, **options: Any) -> HyperliquidSource:
    return open_sources(SCENE, {"url": url, **options})[0]


def play(script: Callable[[Line, list[Quote]], Awaitable[None]], **options: Any) -> BaseException | None:
    """Runs a source against a line until the script has ended or the source has; how the source ended."""

    async def run() -> BaseException | None:
        heard: list[Quote] = []
        async with Line(lambda: PRICES) as line:
            task = asyncio.ensure_future(source_at(line.url, **options).run(heard.append))
            await until(lambda: bool(line.subscribed) or task.done())
            await script(line, heard)
            await asyncio.sleep(0.05)
            ended = task.exception() if task.done() else None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return ended

    return asyncio.run(run())


def test_it_asks_for_its_coins_and_hears_them() -> None:
    async def script(line: Line, heard: list[Quote]) -> None:
        await until(lambda: len(line.subscribed) == 4)
        assert line.subscribed == [
            {"type": "allMids"},
            {"type": "activeAssetCtx", "coin": "BTC"},
            {"type": "activeAssetCtx", "coin": "ETH"},
            {"type": "activeAssetCtx", "coin": "XYZ"},
        ]
        await line.push()
        await until(lambda: len(heard) == 5)
        assert heard == [
            Quote("BTC", "100001.0", START_MS, is_perp=True),
            Quote("MINE", "1.0", START_MS, is_perp=True),
            Quote("BTC", "100000.5", START_MS),
            Quote("ETH", "4000.25", START_MS),
            Quote("MINE", "1.0", START_MS),
        ]

    assert play(script, names={"MINE": "XYZ"}) is None


def test_one_voice_only_when_only_one_is_asked_for() -> None:
    async def script(line: Line, heard: list[Quote]) -> None:
        await line.push()
        await until(lambda: len(heard) == 1)
        assert line.subscribed == [{"type": "allMids"}]

    assert play(script, index=False, coins=["BTC"]) is None
    source = source_at("ws://127.0.0.1:1", perp=False)
    assert (source.index, source.perp) == ({"BTC", "ETH", "MINE"}, frozenset())


def test_unknown_channels_and_complaints_do_not_end_it() -> None:
    async def script(line: Line, heard: list[Quote]) -> None:
        await line.say('{"channel":"error","data":"no such coin"}')
        await line.say('{"channel":"notification","data":{"a":[1,2,{"b":null}]}}')
        await line.say('{"no":"channel"}')
        await line.push()
        await until(lambda: len(heard) >= 3)

    assert play(script) is None


@pytest.mark.parametrize(
    "text",
    ["not json", '{"channel":"allMids","data":[]}', '{"channel":"activeAssetCtx","data":{"coin":"BTC","ctx":{}}}'],
)
def test_what_is_not_of_its_shape_ends_it(text: str) -> None:
    async def script(line: Line, heard: list[Quote]) -> None:
        await line.say(text)
        await asyncio.sleep(0.1)
        assert heard == []

    assert isinstance(play(script), msgspec.MsgspecError)


def test_a_line_that_is_cut_or_silent_ends_it() -> None:
    async def cut(line: Line, _: list[Quote]) -> None:
        await line.cut()
        await asyncio.sleep(0.1)

    async def silent(_: Line, __: list[Quote]) -> None:
        await asyncio.sleep(1.2)

    assert isinstance(play(cut), ConnectionClosed)
    ended = play(silent, silence_seconds=1)
    assert isinstance(ended, TimeoutError)
    assert "nothing was heard for 1 s" in str(ended)


def test_nobody_there() -> None:
    with pytest.raises(OSError):
        asyncio.run(source_at("ws://127.0.0.1:9/ws").run(lambda _: None))
