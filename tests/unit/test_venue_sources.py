"""The built-in sources: the synthetic market, the replay of a history, exchanges through ccxt."""

import asyncio
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from seawall.lab.presets import PRESETS
from seawall.units import BadInput
from seawall.venue.feeds import exchanges, generator, replay
from seawall.venue.feeds.source import Quote, Scene
from seawall.venue.feeds.synthetic import LIVELY, HiddenMarket
from venue_floor import START_MS, FakeClock

COINS = ("BTC", "ETH", "kPEPE")
PRICES = {"BTC": 100_000.0, "ETH": 4_000.0, "kPEPE": 0.0094}
MINUTE = 60_000


def scene_at(clock: FakeClock, *coins: str) -> Scene:
    return Scene(coins=coins or COINS, prices=PRICES, clock=clock)


def hidden(preset: Any = LIVELY, seed: int = 3, speed: float = 1.0) -> HiddenMarket:
    return HiddenMarket(preset, list(PRICES.values()), speed, seed, START_MS)


def walk(market: HiddenMarket, seconds: int, step_ms: int = 1_000) -> np.ndarray:
    found = [market.index]
    for moment in range(step_ms, 1_000 * seconds + 1, step_ms):
        market.move_to(START_MS + moment)
        found.append(market.index)
    return np.array(found)


# -- the generator


def test_one_seed_is_one_market() -> None:
    assert np.array_equal(walk(hidden(), 300), walk(hidden(), 300))
    assert not np.array_equal(walk(hidden(), 300), walk(hidden(seed=4), 300))


def test_time_that_does_not_pass_moves_nothing() -> None:
    market = hidden()
    walk(market, 60)
    before = market.index
    market.move_to(market.now)
    market.move_to(market.now - 5_000)
    assert np.array_equal(market.index, before)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_markets_move_together_and_by_what_their_preset_says(preset: Any) -> None:
    moves = np.diff(np.log(walk(hidden(preset), 86_400, 60_000)), axis=0)
    assert np.corrcoef(moves[:, 0], moves[:, 1])[0, 1] > 0.05
    usual = np.hypot(preset.common, preset.idiosyncratic) / np.sqrt(1_440)
    middle = np.median(np.abs(moves[:, 0])) / 0.6745  # of a normal law: jumps do not count
    assert 0.5 * usual < middle < 4 * usual


def test_a_market_is_as_wild_whatever_the_steps_in_which_it_is_looked_at() -> None:
    fine, coarse = walk(hidden(), 2 * 86_400, 2_000)[::30], walk(hidden(), 2 * 86_400, 60_000)
    wild = [np.diff(np.log(path), axis=0).std(axis=0) for path in (fine, coarse)]
    assert (np.abs(np.log(wild[1] / wild[0])) < 0.3).all()


def test_in_a_lively_market_somebody_with_much_leverage_is_wrong_in_most_quarters_of_an_hour() -> None:
    first = np.log(walk(hidden(), 4 * 3_600))[:, 0]
    quarters = [first[start : start + 900] for start in range(0, 4 * 3_600, 900)]
    ranges = np.array([quarter.max() - quarter.min() for quarter in quarters])
    assert (ranges > 0.0125).mean() > 0.6  # what 40x bears
    assert np.median(ranges) < 0.06


def test_prices_stay_around_where_they_began_for_months() -> None:
    path = walk(hidden(speed=1_000.0), 10_000, 1_000)  # 116 days of the market's time
    assert (np.abs(np.log(path[-1] / path[0])) < 1.0).all()
    assert np.isfinite(path).all()


def test_a_market_runs_faster_at_a_speed() -> None:
    slow, fast = (np.diff(np.log(walk(hidden(speed=speed), 3_600)), axis=0).std(axis=0) for speed in (1.0, 25.0))
    assert (fast > 3 * slow).all()


def test_a_crash_falls_by_what_was_asked_and_partly_comes_back() -> None:
    market = hidden()
    walk(market, 60)
    before = market.index
    market.crash(0.2, 30)
    low = before
    for moment in range(61, 95):
        market.move_to(START_MS + 1_000 * moment)
        low = np.minimum(low, market.index)
    assert 0.75 < low[0] / before[0] < 0.86
    assert low[2] / before[2] < low[0] / before[0]  # a small coin falls further
    for moment in range(95, 2_000):
        market.move_to(START_MS + 1_000 * moment)
    assert market.index[0] > low[0]


def said_by(sources: Any, clock: FakeClock, seconds: int) -> dict[str, list[Quote]]:
    async def run() -> dict[str, list[Quote]]:
        heard: dict[str, list[Quote]] = {source.name: [] for source in sources}
        tasks = [asyncio.ensure_future(source.run(heard[source.name].append)) for source in sources]
        for _ in range(10):
            await asyncio.sleep(0)
        for _ in range(10 * seconds):
            clock.time += 100
            for _ in range(10):
                await asyncio.sleep(0)
            while clock._sleepers and clock._sleepers[0][0] <= clock.time:
                clock._sleepers.sort(key=lambda sleeper: sleeper[:2])
                clock._sleepers.pop(0)[2].set_result(None)
                await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return heard

    return asyncio.run(run())


def test_sources_are_independent_looks_at_one_market() -> None:
    clock = FakeClock()
    sources = generator.open_sources(scene_at(clock), {"seed": 5})
    assert [(s.name, bool(s.index), bool(s.perp)) for s in sources] == [
        ("generator-1", True, False),
        ("generator-2", True, False),
        ("generator-3", True, False),
        ("generator-perp", False, True),
    ]
    heard = said_by(sources, clock, 60)
    times = {name: {quote.time % 1_000 for quote in quotes} for name, quotes in heard.items()}
    assert len({tuple(sorted(found)) for found in times.values()}) == 4  # each at its own moments
    for name, quotes in heard.items():
        assert len(quotes) == pytest.approx(60 * len(COINS), abs=2 * len(COINS))
        assert {quote.is_perp for quote in quotes} == {name == "generator-perp"}
    last = [Fraction(str(heard[f"generator-{k}"][-len(COINS)].price)) for k in (1, 2, 3)]
    assert len(set(last)) == 3
    assert max(last) / min(last) < Fraction(1_005, 1_000)


def test_prices_are_said_in_plain_decimals() -> None:
    assert generator.price_said(0.0000123456789) == "0.00001234568"
    assert generator.price_said(123456789.0) == "123456800"
    assert generator.price_said(100_000.0) == "100000"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"preset": "wild"}, "unknown 'wild': one of lively, calm"),
        ({"sources": 8}, "sources"),
        ({"interval_ms": 1}, "interval_ms"),
        ({"coins": ["XYZ"]}, "'XYZ' is no market"),
    ],
)
def test_generator_options(options: Any, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        generator.open_sources(scene_at(FakeClock()), options)


# -- the replay

DAY = 1_760_054_400_000  # 2025-10-10T00:00Z


def candles(folder: Path, name: str, symbol: str, prices: list[float], gap: int = -1) -> None:
    """One-minute bars from price to price, as a CSV file whose name says what they are."""
    lines = ["ts_ms,symbol,open,high,low,close,volume"]
    for bar, (start, end) in enumerate(pairwise(prices)):
        if bar != gap:
            low, high = min(start, end) * 0.999, max(start, end) * 1.001
            lines.append(f"{DAY + MINUTE * bar},{symbol},{start},{high},{low},{end},100000")
    (folder / name).write_text("\n".join(lines) + "\n")


def recorded(folder: Path, gap: int = -1) -> dict[str, list[float]]:
    wave = [1 + 0.02 * np.sin(bar / 60) - 0.00002 * bar for bar in range(1_441)]
    prices = {"BTC": [100_000 * x for x in wave], "1000PEPE": [0.0094 * x for x in wave]}
    candles(folder, "binance_um_1m_BTCUSDT.csv", "BTCUSDT", prices["BTC"], gap)
    candles(folder, "binance_um_1m_1000PEPEUSDT.csv", "1000PEPEUSDT", prices["1000PEPE"])
    candles(folder, "binance_spot_1m_BTCUSDT.csv", "BTCUSDT", [0.999 * x for x in prices["BTC"]])
    return prices


def at(source: replay.ReplaySource, elapsed_ms: float) -> dict[str, float]:
    return {quote.coin: float(Fraction(str(quote.price))) for quote in source.quotes(START_MS + round(elapsed_ms))}


def test_a_history_is_two_sources_where_perp_and_spot_were_recorded(tmp_path: Path) -> None:
    prices = recorded(tmp_path)
    clock = FakeClock()
    spot, perp = replay.open_sources(scene_at(clock), {"folder": str(tmp_path)})
    assert (spot.index, spot.perp) == ({"BTC", "kPEPE"}, frozenset())
    assert (perp.index, perp.perp) == (frozenset(), {"BTC"})
    for bar in (1, 100, 1_439):
        assert at(perp, MINUTE * (bar + 1))["BTC"] == pytest.approx(prices["BTC"][bar + 1], rel=1e-6)
        assert at(spot, MINUTE * (bar + 1))["BTC"] == pytest.approx(0.999 * prices["BTC"][bar + 1], rel=1e-6)
        assert at(spot, MINUTE * (bar + 1))["kPEPE"] == pytest.approx(prices["1000PEPE"][bar + 1], rel=1e-6)


def test_a_replay_moves_in_small_steps_and_begins_again_where_it_began(tmp_path: Path) -> None:
    recorded(tmp_path)
    options = {"folder": str(tmp_path), "return_minutes": 30, "speed": 60}
    source, _ = replay.open_sources(scene_at(FakeClock()), options)
    length = (1_440 + 30) * MINUTE / 60
    path = np.array([at(source, second * 1_000)["BTC"] for second in range(int(2.1 * length / 1_000))])
    assert np.abs(np.diff(np.log(path))).max() < 0.0025  # a minute of history in a second
    first, second = at(source, 10 * MINUTE), at(source, 10 * MINUTE + length)
    assert second["BTC"] == pytest.approx(first["BTC"], rel=1e-6)


def test_a_gap_in_the_history_is_silence(tmp_path: Path) -> None:
    recorded(tmp_path, gap=700)
    source = replay.open_sources(scene_at(FakeClock(), "BTC"), {"folder": str(tmp_path)})[-1]
    assert "BTC" in at(source, 700 * MINUTE - 1_000)
    assert at(source, 700.5 * MINUTE) == {}
    assert "BTC" in at(source, 702 * MINUTE)


def test_replays_of_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        replay.open_sources(scene_at(FakeClock()), {"folder": str(tmp_path)})
    recorded(tmp_path)
    with pytest.raises(BadInput, match="no candles of ETH"):
        replay.open_sources(scene_at(FakeClock()), {"folder": str(tmp_path), "coins": ["BTC", "ETH"]})
    with pytest.raises(BadInput, match="folder"):
        replay.open_sources(scene_at(FakeClock()), {})


def test_a_replay_of_the_shared_history(shared: Path) -> None:
    clock = FakeClock()
    options = {"folder": str(shared / "data"), "event": "2025-10-10", "speed": 300}
    sources = replay.open_sources(scene_at(clock), options)
    path = [at(sources[0], second * 1_000) for second in range(288)]
    found = {coin: np.array([moment[coin] for moment in path if coin in moment]) for coin in sorted(sources[0].index)}
    assert {"BTC", "ETH"} == set(found)
    assert found["BTC"].min() < 0.95 * found["BTC"].max()  # the crash of that day


# -- ccxt


class Exchange:
    """An exchange as ccxt's asynchronous ones behave."""

    tickers: ClassVar[dict[str, dict[str, Any]]] = {
        "BTC/USDT": {"bid": "99999.95", "ask": "100000.06", "last": "1", "timestamp": 123},
        "PEPE/USDT": {"bid": None, "ask": "0.0000094", "last": "0.0000094123", "timestamp": None},
        "1000PEPE/USDT:USDT": {"bid": "0.0094", "ask": "0.0096"},
    }

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.number: Any = float
        self.is_closed = False

    async def load_markets(self) -> dict[str, Any]:
        return dict.fromkeys(self.tickers)

    async def fetch_ticker(self, symbol: str) -> dict[str, Any]:
        assert self.number is str
        return {"symbol": symbol, **self.tickers[symbol]}

    async def fetch_tickers(self, symbols: list[str]) -> dict[str, Any]:
        assert self.number is str
        return {symbol: await self.fetch_ticker(symbol) for symbol in symbols}

    async def close(self) -> None:
        self.is_closed = True


def from_exchange(**fields: Any) -> list[Quote]:
    clock = FakeClock()
    options = exchanges.Options(exchange="any", **fields)
    source = exchanges.CcxtSource(scene_at(clock), options, COINS, Exchange)
    return said_by([source], clock, 1)[source.name][:2]


@pytest.mark.parametrize("asks", ["together", "singly"])
def test_tickers_become_exact_quotes_in_our_units(asks: str) -> None:
    assert from_exchange(asks=asks) == [
        Quote("BTC", Fraction("100000.005"), 123),
        Quote("kPEPE", Fraction("0.0094123"), START_MS),
    ]


def test_symbols_in_other_units_and_under_other_names() -> None:
    symbols = {"kPEPE": "1000PEPE/USDT:USDT"}
    assert from_exchange(perp=True, symbols=symbols)[0] == Quote("kPEPE", Fraction("0.0095"), START_MS, is_perp=True)


def test_an_exchange_that_lists_none_of_ours_fails_and_is_closed() -> None:
    made: list[Exchange] = []

    def make(settings: dict[str, Any]) -> Exchange:
        made.append(Exchange(settings))
        return made[-1]

    options = exchanges.Options(exchange="any", quote="EUR")
    source = exchanges.CcxtSource(scene_at(FakeClock()), options, COINS, make)  # type: ignore[arg-type]
    with pytest.raises(LookupError, match="BTC/EUR"):
        asyncio.run(source.run(lambda _: None))
    assert made[0].is_closed


def test_the_library_itself_keeps_numbers_as_text() -> None:
    library = pytest.importorskip("ccxt.async_support")
    sources = exchanges.open_sources(scene_at(FakeClock()), {"exchange": "kraken", "quote": "USD"})
    assert sources[0].name == "kraken"
    exchange = library.binance()
    exchange.number = str
    market = {"id": "BTCUSDT", "symbol": "BTC/USDT", "spot": True, "type": "spot"}
    raw = {"symbol": "BTCUSDT", "bidPrice": "99999.95000000", "askPrice": "100000.06000000", "closeTime": 123}
    ticker = exchange.parse_ticker(raw, exchange.safe_market("BTCUSDT", market))
    assert sources[0].quote({**ticker, "symbol": "BTC/USD"}, 9) == Quote("BTC", Fraction("100000.005"), 123)
    with pytest.raises(BadInput, match="ccxt knows none of the name 'nowhere'"):
        exchanges.open_sources(scene_at(FakeClock()), {"exchange": "nowhere"})


def test_ccxt_is_asked_for_by_name_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(exchanges, "import_module", missing)
    with pytest.raises(BadInput, match=r"seawall\[feeds\]"):
        exchanges.open_sources(scene_at(FakeClock()), {"exchange": "kraken"})
