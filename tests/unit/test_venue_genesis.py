"""Genesis: default markets leave room for real sizes; a start that was cut off is finished; new markets are added."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from seawall.ledger.state import VAULT
from seawall.terms import command, parameter
from seawall.terms.limits import NOTIONAL_MAX, PRICE_MAX
from seawall.units import RATE_ONE, USD_ONE, BadInput
from seawall.venue.config import Bridge, Config, FeedTerms, MarketTerms, Traders
from seawall.venue.genesis import DEFAULT_COINS, HOUSE, configured, market_of, quorum_of
from venue_floor import FakeClock, World

QUIET = Traders(enabled=False)
BTC = MarketTerms(coin="BTC", price=100_000.0, amm_usd=50_000)
ETH = MarketTerms(coin="ETH", price=4_000.0, tiers=((0, 30), (1_000_000, 10)), open_interest_usd=10_000_000)


def world_at(folder: Path, clock: FakeClock, *markets: MarketTerms, **sections: Any) -> World:
    return World(folder, clock, market=markets, traders=QUIET, **sections)


def test_default_markets_fit_the_bounds_and_leave_room() -> None:
    terms = configured(Config(), 64, ())
    assert tuple(item.coin for item in terms) == DEFAULT_COINS
    for rank, item in enumerate(terms):
        market = market_of(item, rank)
        price = item.price * USD_ONE / 10**market.size_decimals
        assert price >= 1_000
        assert 10 * price < market.price_max <= PRICE_MAX
        assert market.size_max * price > 500_000_000 * USD_ONE  # a position of half a billion at the price of now
        assert market.size_max * market.price_max <= NOTIONAL_MAX
    assert [market_of(item, rank).size_decimals for rank, item in enumerate(terms)] == [5, 4, 2, 0, 0, 2, 1, 0]
    assert [market_of(item, rank).max_leverage for rank, item in enumerate(terms)] == [40, 25, 20, 20, 10, 10, 10, 10]


def test_no_markets_named_means_the_default_ones_or_those_that_are_there() -> None:
    assert [item.coin for item in configured(Config(), 3, ())] == ["BTC", "ETH", "SOL"]
    assert [item.coin for item in configured(Config(), 64, {"SOL": 1, "BTC": 1, "MINE": 1})] == ["BTC", "SOL"]
    assert configured(Config(market=(ETH,)), 64, {"BTC": 1}) == (ETH,)


@pytest.mark.parametrize(("speakers", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4), (8, 5)])
def test_a_quorum_is_more_than_half(speakers: int, quorum: int) -> None:
    assert quorum_of(speakers) == quorum


def test_a_new_venue_lists_stocks_and_opens(tmp_path: Path) -> None:
    async def play() -> None:
        async with world_at(tmp_path, FakeClock(), BTC, ETH) as world:
            columns = world.service.columns
            assert columns["market_status"].tolist() == [command.CLOSED, command.CLOSED, 0, 0]
            assert world.floor.genesis.waiting() == ["BTC", "ETH"]
            await world.pass_ms(3_000)
            assert columns["market_status"].tolist() == [command.ACTIVE, command.ACTIVE, 0, 0]
            assert columns["market_oracle"][0] == pytest.approx(1_000_000, rel=0.01)
            assert columns["market_insurance"][:2].tolist() == [10**12, 10**12]
            assert columns["market_shares_backstop"][:2].tolist() == [10**12, 10**12]
            assert columns["market_shares_amm"][:2].tolist() == [50_000 * USD_ONE, 0]
            assert columns["tier_lower"][2, :2].tolist() == [0, 1_000_000 * USD_ONE]
            assert columns["base_leverage"][1, :2].tolist() == [30, 10]
            assert columns["param"][:2, parameter.ORACLE_QUORUM].tolist() == [2, 2]
            assert columns["param"][1, parameter.OPEN_INTEREST_CAP] == 10_000_000 * 10**4 // 4_000
            assert columns["source_weight"][0, :5].tolist() == [1, 1, 1, command.PERP + 1, 0]
            house = world.floor.residents.find(*HOUSE)
            assert columns["bucket_raw"][house] == 0
            assert world.service.universe.by_coin["BTC"].size_decimals == 5

    asyncio.run(play())


def test_added_markets_are_listed_in_a_venue_that_runs(tmp_path: Path) -> None:
    async def play() -> None:
        clock = FakeClock()
        async with world_at(tmp_path, clock, BTC) as world:
            await world.pass_ms(3_000)
        async with world_at(tmp_path, clock, ETH, BTC) as world:
            columns, sequence = world.service.columns, world.service.desk.sequence
            assert [listing.coin for listing in world.service.universe.listings] == ["BTC", "ETH"]
            await world.pass_ms(3_000)
            assert columns["market_status"][:2].tolist() == [command.ACTIVE, command.ACTIVE]
            assert columns["market_insurance"][:2].tolist() == [10**12, 10**12]
            assert world.service.desk.sequence > sequence
        async with world_at(tmp_path, clock, ETH, BTC) as world:
            assert world.floor.genesis.waiting() == []
            assert columns["market_insurance"][:2].tolist() == [10**12, 10**12]

    asyncio.run(play())


def test_a_start_that_was_cut_off_is_finished_by_the_next(tmp_path: Path) -> None:
    async def play() -> None:
        clock = FakeClock()
        world = world_at(tmp_path, clock, BTC, ETH)
        world.service.start()
        assert await world.floor.genesis.list_new(world.floor.feeds) == ["BTC", "ETH"]
        await world.service.stop()
        world = world_at(tmp_path, clock, BTC, ETH)
        world.service.start()
        assert await world.floor.genesis.list_new(world.floor.feeds) == []
        await world.floor.genesis.stock()
        await world.service.stop()
        async with world_at(tmp_path, clock, BTC, ETH) as again:
            assert again.service.columns["market_insurance"][:2].tolist() == [10**12, 10**12]
            assert again.service.columns["cell"][VAULT] == 4 * 10**12 + 50_000 * USD_ONE
            await again.pass_ms(3_000)
            assert again.service.columns["market_status"][:2].tolist() == [command.ACTIVE, command.ACTIVE]

    asyncio.run(play())


def test_no_money_is_made_where_deposits_are_real(tmp_path: Path) -> None:
    async def play() -> None:
        async with world_at(tmp_path, FakeClock(), BTC, bridge=Bridge(local=False)) as world:
            await world.pass_ms(3_000)
            columns = world.service.columns
            assert columns["market_status"][0] == command.ACTIVE
            assert columns["market_insurance"][0] == columns["cell"][VAULT] == 0
            assert not world.floor.faucet.is_open
            assert not world.floor.traders.is_on

    asyncio.run(play())


@pytest.mark.parametrize(
    ("markets", "why"),
    [
        ((BTC, BTC), "BTC is there twice"),
        (tuple(MarketTerms(coin=f"C{k}", price=1.0) for k in range(5)), "5 markets, this capacity holds 4"),
        ((MarketTerms(coin="TÜRKISCHELIRA€€", price=1.0),), "at most 16 bytes"),
        ((MarketTerms(coin="DEAR", price=2e7, size_decimals=0),), "does not fit"),
        ((MarketTerms(coin="T", price=1.0, tiers=((0, 5), (10, 6))),), "may not ask for less"),
    ],
)
def test_markets_that_cannot_be_are_refused_before_anything_is_written(tmp_path: Path, markets: Any, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        world_at(tmp_path, FakeClock(), *markets)


def test_a_market_that_no_feed_quotes_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    async def play() -> None:
        world = world_at(tmp_path, FakeClock(), BTC, ETH, feed=(FeedTerms(options={"coins": ["BTC"]}),))
        world.service.start()
        with pytest.raises(BadInput, match="market ETH: no feed quotes its index"):
            await world.floor.start()
        assert world.service.desk.sequence == 0
        await world.service.stop()

    asyncio.run(play())


def test_caps_are_within_what_a_position_can_be(tmp_path: Path) -> None:
    async def play() -> None:
        huge = MarketTerms(coin="BTC", price=100_000.0, open_interest_usd=9_000_000_000)
        async with world_at(tmp_path, FakeClock(), huge) as world:
            columns = world.service.columns
            listing = world.service.universe.by_coin["BTC"]
            assert columns["param"][0, parameter.POSITION_CAP] <= listing.size_max
            assert columns["param"][0, parameter.TAKER_FEE] == 450 * RATE_ONE // 1_000_000

    asyncio.run(play())
