"""A whole venue on a folder: it comes alive, is hurt by a crash, goes on after a restart; another one follows it."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from hyperliquid_line import Line, until
from seawall.book.grid import ASKS, BIDS
from seawall.ledger.state import DEPOSIT_SERIAL, VAULT
from seawall.terms import command, event
from seawall.venue.config import FeedTerms, MarketTerms, Traders
from seawall.venue.records import News
from seawall.venue.traders.scene import best_price, held, resting, views_of
from venue_floor import FakeClock, World

MARKETS = (MarketTerms(coin="BTC", price=100_000.0), MarketTerms(coin="ETH", price=4_000.0, amm_usd=20_000))
TRADERS = Traders(makers=2, takers=6, followers=8)
CALM = (FeedTerms(options={"preset": "calm", "seed": 5}),)


def counted(world: World) -> Counter[str]:
    """How often what happened, from now on."""
    seen: Counter[str] = Counter()

    def hear(news: News) -> None:
        seen["trades"] += len(news.fills) // 2
        seen["liquidations"] += sum(note.values[0] == event.LIQUIDATION for note in news.notes)
        seen["marks"] += len(news.marks)
        seen["funding"] += len(news.payments)

    world.service.hearers.append(hear)
    return seen


def test_a_new_venue_comes_alive_is_hurt_and_goes_on(tmp_path: Path) -> None:
    async def run() -> None:
        clock = FakeClock()
        async with World(tmp_path, clock, market=MARKETS, traders=TRADERS) as world:
            columns, seen = world.service.columns, counted(world)
            await world.pass_ms(5_000)
            assert columns["market_status"][:2].tolist() == [command.ACTIVE] * 2
            await world.pass_ms(115_000)
            assert columns["market_fresh"][:2].tolist() == [1, 1]
            assert all(source.is_good for source in world.floor.feeds.status())
            assert seen["trades"] > 30
            for view in views_of(world.service):
                assert 0 < view.bid < view.ask
                assert view.ask - view.bid < 0.01 * view.price
                mark = columns["market_price"][view.listing.number]
                assert abs(mark - view.price) < 0.005 * view.price
            followers = world.floor.traders.followers
            assert any(held(world.service, f.account, v.listing)[0] for f in followers for v in views_of(world.service))
            world.floor.feeds.crash(0.25, 20)
            await world.until(lambda: seen["liquidations"] > 0, 120_000)
            await world.pass_ms(60_000)
            world.floor.feeds.crash(0.25, 20)
            await world.pass_ms(60_000)
            assert world.floor.traders.doings.refused < 0.2 * world.floor.traders.doings.rows
            assert columns["market_status"][:2].tolist() == [command.ACTIVE] * 2
            told = await world.service.history.market_fills(0, 0, clock.time, 1_000)
            assert 0 < len(told) <= seen["trades"]
        left = (world.service.desk.sequence, world.service.desk.venue.state_hash())
        world = World(tmp_path, clock, market=MARKETS, traders=TRADERS)
        assert (world.service.desk.sequence, world.service.desk.venue.state_hash()) == left
        async with world:
            columns, seen = world.service.columns, counted(world)
            index = int(columns["market_oracle"][0])
            vault = int(columns["cell"][VAULT])
            assert index < 90_000 * 10
            await world.pass_ms(30_000)
            assert columns["market_status"][:2].tolist() == [command.ACTIVE] * 2
            assert abs(columns["market_oracle"][0] / index - 1) < 0.05  # it goes on where it was
            assert seen["trades"] > 0
            assert columns["cell"][VAULT] <= vault + 10_000 * 10**6  # nobody is given his first money twice
            assert world.floor.sequencer.beats.refused == 0

    asyncio.run(run())


def test_a_venue_without_traders_stands_still_with_its_index(tmp_path: Path) -> None:
    async def run() -> None:
        quiet = Traders(enabled=False)
        async with World(tmp_path, FakeClock(), market=MARKETS, traders=quiet, feed=CALM) as world:
            seen = counted(world)
            await world.pass_ms(30_000)
            assert seen["marks"] > 0
            assert seen["trades"] == 0
            assert len(world.service.people.persons) == 1  # the house
            assert world.service.columns["cell"][DEPOSIT_SERIAL] == 1

    asyncio.run(run())


def test_traders_pause_and_leave(tmp_path: Path) -> None:
    def orders(world: World) -> int:
        makers = [world.floor.residents.find("simulated maker 7", number) for number in range(2)]
        return sum(len(found) for account in makers for found in resting(world.service, account).values())

    async def run() -> None:
        clock = FakeClock()
        async with World(tmp_path, clock, market=MARKETS, traders=TRADERS, feed=CALM) as world:
            await world.pass_ms(20_000)
            assert orders(world) >= 36
            await world.floor.traders.pause()
            assert orders(world) == 0
            await world.pass_ms(10_000)
            assert orders(world) == 0
            world.floor.traders.resume()
            await world.pass_ms(10_000)
            assert orders(world) >= 36
        async with World(tmp_path, clock, market=MARKETS, traders=Traders(makers=1), feed=CALM) as world:
            await world.pass_ms(10_000)
            assert 18 <= orders(world) <= 20  # the second maker's are gone
        async with World(tmp_path, clock, market=MARKETS, traders=Traders(enabled=False), feed=CALM) as world:
            await world.pass_ms(1_000)
            assert orders(world) == 0

    asyncio.run(run())


def test_traders_take_little_of_the_venues_time(tmp_path: Path) -> None:
    async def run() -> None:
        async with World(tmp_path, FakeClock(), market=MARKETS, feed=CALM) as world:
            await world.pass_ms(10_000)
            most = 0
            submit = world.service.desk.submit

            async def watched(rows: object, then: object = None) -> object:
                nonlocal most
                most = max(most, len(rows))  # type: ignore[arg-type]
                return await submit(rows, then)  # type: ignore[arg-type]

            world.service.desk.submit = watched  # type: ignore[assignment, method-assign]
            world.floor.feeds.crash(0.2, 20)
            await world.pass_ms(60_000)
            doings = world.floor.traders.doings
            assert most <= 48
            assert doings.rows / doings.steps < 48

    asyncio.run(run())


def test_a_crash_needs_a_synthetic_market(tmp_path: Path) -> None:
    from seawall.units import BadInput

    async def run() -> None:
        feed = (FeedTerms(kind="hyperliquid", options={"url": "ws://127.0.0.1:9/ws"}),)
        async with World(tmp_path, FakeClock(), market=MARKETS, feed=feed, traders=Traders(enabled=False)) as world:
            for share, seconds in ((0, 10), (1.0, 10), (0.5, 0), (float("nan"), 1)):
                with pytest.raises(BadInput, match="expected a share"):
                    world.floor.feeds.crash(share, seconds)
            with pytest.raises(BadInput, match="no feed is synthetic"):
                world.floor.feeds.crash(0.2, 10)

    asyncio.run(run())


def wire_prices(world: World) -> dict[str, tuple[str, str | None]]:
    """What a venue says in Hyperliquid's shape of its prices."""
    columns = world.service.columns
    found: dict[str, tuple[str, str | None]] = {}
    for listing in world.service.universe.listings:
        oracle = int(columns["market_oracle"][listing.number])
        bid, ask = (best_price(columns, listing.number, side) for side in (BIDS, ASKS))
        middle = listing.price_text((bid + ask) // 2) if bid and ask else None
        found[listing.coin] = (listing.price_text(oracle), middle)
    return found


def test_a_second_venue_follows_the_first(tmp_path: Path) -> None:
    async def run() -> None:
        clock = FakeClock()
        async with (
            World(tmp_path / "one", clock, market=MARKETS, traders=TRADERS) as one,
            Line(lambda: wire_prices(one)) as line,
        ):
            await one.pass_ms(10_000)
            feed = (FeedTerms(kind="hyperliquid", options={"url": line.url, "coins": ["BTC", "ETH"]}),)
            async with World(tmp_path / "two", clock, market=MARKETS, traders=TRADERS, feed=feed) as two:
                await until(lambda: len(line.subscribed) == 3)

                async def follow(seconds: int) -> None:
                    for _ in range(seconds):
                        heard = clock.time
                        await line.push()
                        await until(lambda now=heard: all(last_heard(two, coin) >= now for coin in ("BTC", "ETH")))
                        await one.pass_ms(1_000)
                        await two.pass_ms(0)

                await follow(5)
                theirs, ours = one.service.columns, two.service.columns
                assert ours["market_status"][:2].tolist() == [command.ACTIVE] * 2
                assert ours["param"][0, 29] == 1
                assert ours["market_oracle"][0] == pytest.approx(theirs["market_oracle"][0], rel=0.005)
                await line.cut()
                await clock.pass_ms(1_500, two.service)
                await until(lambda: len(line.subscribed) == 6)
                assert two.floor.feeds.status()[0].restarts == 1
                one.floor.feeds.crash(0.1, 8)
                await follow(12)
                assert ours["market_oracle"][0] < 0.95 * 1_000_000
                assert ours["market_oracle"][0] == pytest.approx(theirs["market_oracle"][0], rel=0.02)
                assert [s.name for s in two.floor.feeds.status()] == ["hyperliquid", "hyperliquid"]

    asyncio.run(run())


def last_heard(world: World, coin: str) -> int:
    voice = world.floor.feeds.voices[0]
    said = world.floor.feeds.board.of_voice(voice).get(coin)
    return said.time if said else 0
