"""Names of symbols, intervals and events, as venues and people spell them."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from seawall.lab.names import interval_from, interval_text, underlying, unit_of, window_of
from seawall.units import BadInput


def refused(action: Callable[[], object]) -> BadInput:
    with pytest.raises(BadInput) as caught:
        action()
    return caught.value


@pytest.mark.parametrize(
    ("symbol", "base"),
    [
        ("BTCUSDT", "BTC"),
        ("BTC", "BTC"),
        ("btcusdt", "BTC"),
        ("BTC-USDT-SWAP", "BTC"),
        ("BTCUSD_PERP", "BTC"),
        ("BTC/USDT:USDT", "BTC"),
        ("BTC/USD", "BTC"),
        ("BTC-USD", "BTC"),
        ("BTC-PERP", "BTC"),
        ("BTC-PERPETUAL", "BTC"),
        ("BTCUSDT.P", "BTC"),
        ("BINANCE:BTCUSDT", "BTC"),
        ("BTCPERP", "BTC"),
        ("BTC_USDC", "BTC"),
        ("ETHBUSD", "ETH"),
        ("SHIBUSD", "SHIB"),
        ("1000SHIBUSD_PERP", "1000SHIB"),
        ("kSHIBUSD", "kSHIB"),
        ("1000SHIBBUSD", "1000SHIB"),
        ("XBTUSD", "BTC"),
        ("PF_XBTUSD", "BTC"),
        ("1000PEPEUSDT", "1000PEPE"),
        ("kPEPE", "kPEPE"),
        ("1INCHUSDT", "1INCH"),
        ("USDCUSDT", "USDC"),
        ("PERPUSDT", "PERP"),
        ("BTCUSD_251226", "BTC-251226"),
        ("BTC-USD-251226", "BTC-251226"),
        ("SUSD-USD", "SUSD"),
        ("PERP", "PERP"),
        ("BNBUSD_PERP", "BNB"),
        ("APTUSD_PERP", "APT"),
        ("IOSTUSD", "IOST"),
        ("BTCFDUSD", "BTC"),
    ],
)
def test_symbols_of_venues_name_their_underlying(symbol: str, base: str) -> None:
    assert underlying(symbol) == base


def test_units_behind_a_multiplied_name() -> None:
    assert unit_of("1000PEPE") == ("PEPE", 1000.0)
    assert unit_of("kPEPE") == ("PEPE", 1000.0)
    assert unit_of("1MBABYDOGE") == ("BABYDOGE", 1e6)
    assert unit_of("1INCH") == ("1INCH", 1.0)
    assert unit_of("BTC") == ("BTC", 1.0)


def test_intervals_round_trip() -> None:
    for text in ("1s", "5m", "1h", "4h", "1d", "250ms"):
        assert interval_text(interval_from(text)) == text
    for text in ("", "5", "m", "0m", "-1h", "1w"):
        assert refused(lambda text=text: interval_from(text)).field == "interval"


@pytest.mark.parametrize(
    ("event", "start", "end"),
    [
        ("2025-10-10", "2025-10-10", "2025-10-11"),
        ("2021-05-19..2021-05-20", "2021-05-19", "2021-05-21"),
        ("2025-10-10T20:45..2025-10-10T22:30", "2025-10-10T20:45", "2025-10-10T22:30"),
        ("2020-03-12T04:00", "2020-03-12T04:00", "2020-03-13T04:00"),
        ("october-2025-10-10", "2025-10-10", "2025-10-11"),
        ("FTX", "2022-11-08", "2022-11-10"),
    ],
)
def test_events_by_date_range_and_name(event: str, start: str, end: str) -> None:
    window = window_of(event)
    for moment, text in ((window.start_ms, start), (window.end_ms, end)):
        assert moment == datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000


@pytest.mark.parametrize(
    "event", ["", "yesterday", "2025-13-01", "2025-10-10..2025-10-09", "2025-10-10..", "..2025-10-10"]
)
def test_events_that_are_none(event: str) -> None:
    assert refused(lambda: window_of(event)).field == "event"
