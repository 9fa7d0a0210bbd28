"""Feeds: exact prices, what a source's state is called, plug-ins, and sources that end."""

import asyncio
from fractions import Fraction
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from seawall.terms.command import PERP
from seawall.units import BadInput
from seawall.venue.clock import WallClock
from seawall.venue.config import FeedTerms, MarketTerms, Traders
from seawall.venue.feeds import registry
from seawall.venue.feeds.board import Board, Voice, price_of, state_of
from seawall.venue.feeds.generator import Options
from seawall.venue.feeds.source import Quote, Scene, chosen_coins, options_of
from seawall.venue.universe import Listing, Universe
from venue_floor import FakeClock, World

BTC = Listing(number=0, coin="BTC", size_decimals=5, price_max=16_000_000)
PEPE = Listing(number=1, coin="kPEPE", size_decimals=0, price_max=200_000)
QUIET = Traders(enabled=False)
MARKETS = (MarketTerms(coin="BTC", price=100_000.0), MarketTerms(coin="ETH", price=4_000.0))


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that offers the kind `scripted`."""
    offered = [EntryPoint("scripted", "scripted_feed:open_sources", registry.GROUP)]
    monkeypatch.setattr(registry, "entry_points", lambda group: offered if group == registry.GROUP else [])


def voice(number: int = 0, **fields: Any) -> Voice:
    given = {"kind": "k", "name": "n", "is_perp": False, "weight": 1, "coins": frozenset({"BTC", "kPEPE"}), **fields}
    return Voice(number=number, **given)


@pytest.mark.parametrize(
    ("listing", "said", "lots_price"),
    [
        (BTC, "100000", 1_000_000),
        (BTC, "100000.1", 1_000_001),
        (BTC, "100000.05", 1_000_000),  # half: to the even one
        (BTC, "100000.15", 1_000_002),
        (BTC, "100000.150000000000000001", 1_000_002),
        (BTC, Fraction(200_001, 2), 1_000_005),
        (BTC, "1.0e5", 1_000_000),
        (BTC, "0.1", 1),
        (BTC, "1600000", 16_000_000),
        (PEPE, "0.007123", 7_123),
        (PEPE, "0.0071234", 7_123),
    ],
)
def test_a_quote_becomes_micro_usd_a_lot(listing: Listing, said: str | Fraction, lots_price: int) -> None:
    assert price_of(Quote(listing.coin, said, 0), listing) == lots_price


@pytest.mark.parametrize("said", ["0", "-1", "", "NaN", "inf", "1,000", "1600000.1", "0.04", "1e300", 5.0, None, True])
def test_what_is_no_price_is_refused(said: Any) -> None:
    with pytest.raises(BadInput):
        price_of(Quote("BTC", said, 0), BTC)


def board_at(now: int) -> tuple[Board, FakeClock]:
    universe, clock = Universe(), FakeClock(now)
    universe.add(BTC)
    universe.add(PEPE)
    return Board(universe, clock), clock


def test_a_board_keeps_the_newest_by_publication_and_none_from_the_future() -> None:
    board, _ = board_at(10_000)
    one = voice()
    board.put(one, Quote("BTC", "100", 9_000))
    board.put(one, Quote("BTC", "90", 8_999))
    assert board.of_voice(one)["BTC"].price == 1_000
    board.put(one, Quote("BTC", "80", 99_000))
    said = board.of_voice(one)["BTC"]
    assert (said.price, said.time) == (800, 10_000)
    board.put(one, Quote("DOGE", "1", 9_000))
    assert sorted(board.of_voice(one)) == ["BTC"]
    assert [(said.coin, listing.number) for said, listing in board.new()] == [("BTC", 0)]


def test_nonsense_silences_a_voice_at_once() -> None:
    board, _ = board_at(10_000)
    one = voice()
    board.put(one, Quote("BTC", "100", 9_000))
    board.put(one, Quote("BTC", "1e9", 9_500))
    said = board.of_voice(one)["BTC"]
    assert (said.price, said.text, said.is_new) == (0, "1e9", True)
    assert "beyond" in said.problem


def columns_with(index: int, weight: int) -> dict[str, Any]:
    return {
        "source_weight": {(0, 0): weight},
        "market_oracle": {0: index},
        "param": dict.fromkeys([(0, 30)], 10_000) | {(0, 32): 240_000},
    }


@pytest.mark.parametrize(
    ("said", "time", "now", "weight", "state"),
    [
        ("100", 9_000, 10_000, 1, "ok"),
        ("100", 9_000, 10_000, 0, "unused"),
        ("100", 9_000, 10_000, PERP + 1, "unused"),
        (None, 0, 10_000, 1, "silent"),
        ("-1", 9_000, 10_000, 1, "absurd"),
        ("100", 9_000, 19_000, 1, "ok"),
        ("100", 9_000, 19_001, 1, "stale"),
        ("102", 9_000, 10_000, 1, "ok"),
        ("102.1", 9_000, 10_000, 1, "divergent"),
        ("97.9", 9_000, 10_000, 1, "divergent"),
    ],
)
def test_the_state_of_a_source_in_a_word(said: str | None, time: int, now: int, weight: int, state: str) -> None:
    board, _ = board_at(now)
    one = voice()
    if said is not None:
        board.put(one, Quote("BTC", said, time))
    assert state_of(columns_with(1_000, weight), board.of_voice(one).get("BTC"), one, BTC, now) == state


def test_the_same_price_again_and_again_is_frozen() -> None:
    board, clock = board_at(10_000)
    one, columns = voice(), columns_with(1_000, 1)
    for _ in range(7):
        board.put(one, Quote("BTC", "100", clock.time))
        assert state_of(columns, board.of_voice(one)["BTC"], one, BTC, clock.time) == "ok"
        clock.time += 10_000
    board.put(one, Quote("BTC", "100", clock.time))
    assert state_of(columns, board.of_voice(one)["BTC"], one, BTC, clock.time) == "frozen"
    board.put(one, Quote("BTC", "100.1", clock.time))
    assert state_of(columns, board.of_voice(one)["BTC"], one, BTC, clock.time) == "ok"


@pytest.mark.usefixtures("scripted")
def test_kinds_come_from_us_or_from_installed_packages() -> None:
    assert registry.plugin("scripted").__name__ == "open_sources"
    for kind in registry.BUILT_IN:
        assert callable(registry.plugin(kind))
    with pytest.raises(BadInput, match=r"unknown 'magic': one of ccxt, generator, hyperliquid, replay, scripted"):
        registry.plugin("magic")


def test_a_package_that_cannot_be_loaded_is_told_by_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = [EntryPoint("broken", "no_such_module:f", registry.GROUP), EntryPoint("lame", "json:f", registry.GROUP)]
    monkeypatch.setattr(registry, "entry_points", lambda **_: offered)
    for kind in ("broken", "lame"):
        with pytest.raises(BadInput, match=f"'{kind}' cannot be loaded"):
            registry.plugin(kind)


def test_options_are_refused_by_name() -> None:
    with pytest.raises(BadInput, match="sped"):
        options_of("generator", Options, {"sped": 3})
    with pytest.raises(BadInput, match="speed"):
        options_of("generator", Options, {"speed": 0})
    assert options_of("generator", Options, {"speed": "2.5"}).speed == 2.5
    scene = Scene(coins=("BTC",), prices={"BTC": 1.0}, clock=WallClock())
    assert chosen_coins("k", (), scene) == ("BTC",)
    with pytest.raises(BadInput, match="'DOGE' is no market"):
        chosen_coins("k", ("BTC", "DOGE"), scene)


@pytest.mark.usefixtures("scripted")
def test_voices_are_numbered_by_the_configuration(tmp_path: Any) -> None:
    feeds = (
        FeedTerms(kind="scripted", options={"ways": ["good", "dead"]}, weight=3, name="mine"),
        FeedTerms(options={"sources": 2}),
    )
    world = World(tmp_path, FakeClock(), market=MARKETS, feed=feeds, traders=QUIET)
    assert [(v.number, v.name, v.size) for v in world.floor.feeds.voices] == [
        (0, "mine: good-0", 3),
        (1, "mine: dead-1", 3),
        (2, "generator-1", 1),
        (3, "generator-2", 1),
        (4, "generator-perp", PERP + 1),
    ]
    asyncio.run(world.service.stop())


def test_more_sources_than_a_market_has_room_for(tmp_path: Any) -> None:
    feeds = (FeedTerms(options={"sources": 7}), FeedTerms(options={"perp": False, "sources": 1}))
    with pytest.raises(BadInput, match="9 sources of prices, at most 8"):
        World(tmp_path, FakeClock(), market=MARKETS, feed=feeds, traders=QUIET)


@pytest.mark.usefixtures("scripted")
def test_a_source_that_ends_is_run_again_later_and_later(tmp_path: Any) -> None:
    async def play() -> None:
        feeds = (FeedTerms(kind="scripted", options={"ways": ["failing", "good"]}),)
        async with World(tmp_path, FakeClock(), market=MARKETS, feed=feeds, traders=QUIET) as world:
            await world.pass_ms(2_500)
            status = world.floor.feeds.status()[0]
            assert (status.restarts, status.is_running, status.problem) == (1, False, "RuntimeError: the line is down")
            assert not status.is_good
            await world.pass_ms(60_000)
            assert 3 <= world.floor.feeds.status()[0].restarts <= 6
            assert world.floor.feeds.status()[1].is_good

    asyncio.run(play())
