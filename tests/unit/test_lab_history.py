"""Market history from folders: what is read, what is chosen, what is refused, and what becomes a gap."""

import gzip
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from seawall.lab.catalog import Kind, scan
from seawall.lab.depth import FLOOR, estimate_depth, thinning
from seawall.lab.files import Gaps, load
from seawall.lab.history import History, check_history
from seawall.lab.measure import coarsen, measure
from seawall.units import BadInput

DAY = 1_760_054_400_000  # 2025-10-10T00:00Z
MINUTE = 60_000
HEADER = ("ts_ms", "symbol", "open", "high", "low", "close", "volume")
Row = tuple[object, ...]


def candles(
    symbol: str = "BTC",
    *,
    bars: int = 288,
    step: int = 5 * MINUTE,
    price: float = 100.0,
    volume: float = 10.0,
    start: int = DAY,
) -> list[Row]:
    """A wave around `price`, one row a bar."""
    rows: list[Row] = []
    for bar in range(bars):
        now, then = price * (1 + 0.01 * np.sin(bar / 9)), price * (1 + 0.01 * np.sin((bar + 1) / 9))
        high, low = max(now, then) * 1.001, min(now, then) * 0.999
        rows.append((start + bar * step, symbol, float(now), float(high), float(low), float(then), volume))
    return rows


def write(path: Path, rows: Sequence[Row], header: Sequence[str] | None = HEADER) -> Path:
    lines = [",".join(header)] if header else []
    lines += [",".join(str(cell) for cell in row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def refused(action: Callable[[], object]) -> BadInput:
    with pytest.raises(BadInput) as caught:
        action()
    return caught.value


def test_a_folder_of_csv_needs_no_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    write(tmp_path / "um_5m.csv", candles("BTCUSDT") + candles("ETHUSDT", price=40.0, volume=5.0))
    history = load(tmp_path)
    assert history.symbols == ("BTC", "ETH")
    assert (history.bars, history.interval_ms, history.times_ms[0]) == (288, 300_000, DAY)
    assert history.live.all()
    assert not history.has_index.any()
    np.testing.assert_array_equal(history.index, history.close)
    assert history.volume_usd[0, 0] == pytest.approx(10.0 * history.close[0, 0])
    assert (history.depth_usd > 0).all()
    (tmp_path / "more.parquet").write_bytes(b"PAR1")
    failure = refused(lambda: load(tmp_path))
    assert "pip install" in failure.why
    assert failure.file == "more.parquet"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns", "iso", "iso_space", "iso_zone"])
def test_times_in_any_unit_and_columns_in_any_order(tmp_path: Path, unit: str) -> None:
    def spelled(moment: int) -> str:
        text = datetime.fromtimestamp(moment / 1000, UTC).replace(tzinfo=None).isoformat()
        texts = {"iso": text + "Z", "iso_space": text.replace("T", " "), "iso_zone": text + "+00:00"}
        scale = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
        return texts.get(unit) or str(moment // 1000 * scale[unit])

    rows = [(row[5], "x", row[4], row[3], row[2], "BTC-USDT-SWAP", spelled(int(row[0])), row[6]) for row in candles()]
    header = ("Close", "exotic", "Low", "High", "Open", "coin", "timestamp", "vol")
    write(tmp_path / "any.csv", rows, header)
    history = load(tmp_path)
    assert history.symbols == ("BTC",)
    assert history.times_ms[0] == DAY
    assert (history.high >= history.close).all()


def test_klines_without_header_named_by_their_file(tmp_path: Path) -> None:
    rows = [(r[0], r[2], r[3], r[4], r[5], r[6], int(str(r[0])) + 299_999, 1234.0, 7, 0, 0, 0) for r in candles()]
    write(tmp_path / "SOLUSDT-5m-2025-10-10.csv", rows, None)
    history = load(tmp_path)
    assert history.symbols == ("SOL",)
    assert history.volume_usd[3, 0] == 1234.0


def test_gzip_and_parquet_give_the_same_as_csv(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    folders = {name: tmp_path / name for name in ("csv", "gz", "parquet")}
    for folder in folders.values():
        folder.mkdir()
    plain = write(folders["csv"] / "a.csv", candles())
    (folders["gz"] / "a.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    columns = dict(zip(HEADER, zip(*candles(), strict=True), strict=True))
    table = pa.table({**columns, "symbol": pa.array(columns["symbol"]).dictionary_encode()})
    pq.write_table(table, folders["parquet"] / "a.parquet")
    first, *others = (load(folder) for folder in folders.values())
    for other in others:
        np.testing.assert_array_equal(first.close, other.close)
        np.testing.assert_array_equal(first.depth_usd, other.depth_usd)


def test_a_gap_is_marked_and_told_not_filled(tmp_path: Path) -> None:
    rows = candles("BTC")
    del rows[100:107]
    write(tmp_path / "a.csv", rows + candles("ETH", volume=1.0))
    history = load(tmp_path, gaps=Gaps.KEEP)
    assert (~history.live[:, 0]).sum() == 7
    assert np.isnan(history.close[100:107, 0]).all()
    assert not history.volume_usd[100:107, 0].any()
    assert not history.depth_usd[100:107, 0].any()
    assert history.live[:, 1].all()
    assert any("gaps" in note and "BTC 7" in note for note in history.notes)


@pytest.mark.parametrize("missing", [slice(100, 107), slice(1, 2), slice(-2, -1)])
def test_a_gap_is_refused_unless_kept(tmp_path: Path, missing: slice) -> None:
    rows = candles("BTC")
    at, count = rows[missing][0][0], len(rows[missing])
    del rows[missing]
    write(tmp_path / "a.csv", rows + candles("ETH", volume=1.0))
    failure = refused(lambda: load(tmp_path))
    assert failure.field == "time"
    assert failure.file == "a.csv"
    assert f"{count} of " in failure.why
    assert f"the first at {at} " in failure.why
    assert load(tmp_path, symbols=["ETH"]).live.all()


def test_a_late_listing_and_an_early_end_are_no_gaps(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", candles("BTC")[20:-20] + candles("ETH", volume=1.0))
    history = load(tmp_path)
    assert history.symbols == ("BTC", "ETH")
    assert history.live.sum(axis=0).tolist() == [248, 288]


def changed(place: int, column: int, value: object) -> list[Row]:
    rows = candles()
    row = list(rows[place])
    row[column] = value
    rows[place] = tuple(row)
    return rows


@pytest.mark.parametrize(
    ("rows", "field", "row"),
    [
        (changed(7, 2, "nan"), "open", 8),
        (changed(7, 5, -1.0), "close", 8),
        (changed(7, 4, 0.0), "low", 8),
        (changed(7, 3, 1.0), "high", 8),
        (changed(7, 3, 100.73), "high", 8),
        (changed(7, 4, 100.8), "low", 8),
        (changed(7, 2, "inf"), "open", 8),
        (changed(7, 2, "abc"), "open", 8),
        (changed(7, 2, ""), "open", 8),
        (changed(7, 3, 1e6), "high", 8),
        (changed(7, 6, -5.0), "volume", 8),
        (changed(7, 6, "nan"), "volume", 8),
        (changed(7, 0, "soon"), "time", 8),
        (changed(7, 0, DAY + 6 * 300_000), "time", 8),
        (changed(7, 0, DAY), "time", 8),
        (changed(7, 0, DAY + 7 * 300_000 + 1), "time", None),
    ],
)
def test_a_bad_cell_is_named_with_file_field_and_row(
    tmp_path: Path, rows: list[Row], field: str, row: int | None
) -> None:
    write(tmp_path / "bad.csv", rows)
    failure = refused(lambda: load(tmp_path))
    assert (failure.field, failure.file) == (field, "bad.csv")
    assert row is None or f"row {row}" in failure.why


def test_an_absurd_jump_is_refused_but_a_deep_wick_is_not(tmp_path: Path) -> None:
    rows = candles()
    for place in range(50, 288):
        rows[place] = (*rows[place][:2], *(float(str(cell)) * 1000 for cell in rows[place][2:6]), 10.0)
    write(tmp_path / "a.csv", rows)
    assert "times away" in refused(lambda: load(tmp_path)).why
    write(tmp_path / "a.csv", changed(50, 4, 0.01))
    assert load(tmp_path).low.min() == 0.01


def test_folders_that_hold_nothing(tmp_path: Path) -> None:
    assert refused(lambda: load(tmp_path / "none")).field == "data"
    assert refused(lambda: load(tmp_path)).field == "data"
    write(tmp_path / "notes.csv", [("a", 1)], ("word", "count"))
    assert refused(lambda: load(tmp_path)).field == "columns"
    write(tmp_path / "notes.csv", [(DAY, 1)], ("ts_ms", "close"))
    assert "open, high, low" in refused(lambda: load(tmp_path)).why
    write(tmp_path / "candles.csv", candles())
    assert load(tmp_path).symbols == ("BTC",)
    assert refused(lambda: load(tmp_path, "2021-05-19")).field == "event"
    assert "BTC" in refused(lambda: load(tmp_path, symbols=["ETH"])).why
    assert "5m" in refused(lambda: load(tmp_path, interval="1m")).why
    assert refused(lambda: load(tmp_path, markets=0)).field == "markets"
    (tmp_path / "manifest.json").write_text('{"files": 1}', encoding="utf-8")
    assert refused(lambda: load(tmp_path)).file == "manifest.json"


@pytest.mark.parametrize("body", ["", "ts_ms,open\n1,2,3\n", "ts_ms,symbol,open,high,low,close\n1,BTC\n"])
def test_files_that_are_not_tables(tmp_path: Path, body: str) -> None:
    (tmp_path / "a.csv").write_text(body, encoding="utf-8")
    assert refused(lambda: load(tmp_path)).field in {"csv", "columns"}


def test_broken_parquet_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 not really")
    assert refused(lambda: load(tmp_path)).file == "a.parquet"


def test_fine_bars_win_over_more_symbols_on_coarse_ones(tmp_path: Path) -> None:
    hour = 60 * MINUTE
    write(tmp_path / "um_1h.csv", [r for s in ("BTC", "ETH", "SOL", "XRP") for r in candles(s, bars=24, step=hour)])
    assert load(tmp_path).interval_ms == hour
    write(tmp_path / "um_5m.csv", candles("BTC"))
    assert load(tmp_path).interval_ms == 5 * MINUTE
    assert load(tmp_path, symbols=["XRPUSDT", "BTC-USD"]).symbols == ("BTC", "XRP")
    assert load(tmp_path, interval="1h", markets=2).markets == 2


def test_a_thin_finer_source_does_not_displace_where_the_money_is(tmp_path: Path) -> None:
    write(tmp_path / "um_5m.csv", candles("BTC", volume=1000.0))
    write(tmp_path / "um_1m.csv", candles("DASH", bars=1440, step=MINUTE, volume=0.1))
    assert load(tmp_path).symbols == ("BTC",)
    assert load(tmp_path, interval="1m").symbols == ("DASH",)


def test_perps_are_traded_and_spot_becomes_their_index(tmp_path: Path) -> None:
    write(tmp_path / "um_5m.csv", candles("1000PEPEUSDT", price=10.0))
    write(tmp_path / "spot_1m.csv", candles("PEPE-USD", bars=1440, step=MINUTE, price=0.0099, volume=1e9))
    write(tmp_path / "um_mark_5m.csv", candles("1000PEPEUSDT", price=10.1))
    history = load(tmp_path)
    assert history.symbols == ("1000PEPE",)
    assert history.has_index.all()
    ratio = history.index / history.close
    assert 0.96 < ratio.min() < ratio.max() < 1.02  # the spot, times a thousand; the mark lies at 1.01
    assert (history.index_low <= history.index).all()
    assert (history.index_high >= history.index).all()
    (tmp_path / "spot_1m.csv").unlink()
    assert (load(tmp_path).index / history.close).mean() == pytest.approx(1.01, abs=1e-3)


def test_an_index_takes_the_last_minute_and_the_extremes_of_its_bar(tmp_path: Path) -> None:
    spot = candles("BTC", bars=1440, step=MINUTE)
    write(tmp_path / "um_5m.csv", candles("BTC"))
    write(tmp_path / "spot_1m.csv", spot)
    history = load(tmp_path)
    assert history.index[0, 0] == spot[4][5]
    assert history.index_low[0, 0] == min(float(str(row[4])) for row in spot[:5])
    assert history.index_high[0, 0] == max(float(str(row[3])) for row in spot[:5])
    del spot[5:10]  # an outage of the spot venue: its last price stands
    write(tmp_path / "spot_1m.csv", spot)
    held = load(tmp_path)
    assert held.index[1, 0] == history.index[0, 0]
    assert any("1 bars held" in note for note in held.notes)


def test_kinds_and_bar_lengths_may_stand_in_columns(tmp_path: Path) -> None:
    rows = [(*row, "perp", "5m") for row in candles("BTC")]
    rows += [(*row, "spot", "5m") for row in candles("BTC", price=98.0)]
    rows += [(*row, "perp", "1h") for row in candles("BTC", bars=24, step=60 * MINUTE)]
    write(tmp_path / "all.csv", rows, (*HEADER, "kind", "interval"))
    history = load(tmp_path)
    assert history.interval_ms == 5 * MINUTE
    assert (history.close / history.index).mean() == pytest.approx(100 / 98)
    assert load(tmp_path, interval="1h").bars == 24


def test_a_coarse_mark_is_no_index_of_fine_candles(tmp_path: Path) -> None:
    write(tmp_path / "um_5m.csv", candles("BTC"))
    write(tmp_path / "um_mark_1h.csv", candles("BTC", bars=24, step=60 * MINUTE))
    assert not load(tmp_path).has_index.any()


def test_candles_that_never_traded_are_a_mark(tmp_path: Path) -> None:
    write(tmp_path / "candles.csv", candles("BTC", volume=0.0))
    assert scan(tmp_path, DAY, DAY + 86_400_000).series[0].kind is Kind.MARK
    assert refused(lambda: load(tmp_path)).field == "event"


def test_a_manifest_decides_where_names_do_not(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", candles("BTC"))
    write(tmp_path / "b.csv", candles("BTC", price=99.0))
    files = [
        {"file": "a.csv", "kind": "ohlcv", "venue": "binance-usdm"},
        {"file": "b.csv", "kind": "ohlcv", "venue": "x-spot"},
    ]
    (tmp_path / "manifest.json").write_text(json.dumps({"files": files}), encoding="utf-8")
    history = load(tmp_path)
    assert history.has_index.all()
    assert (history.close / history.index).mean() == pytest.approx(100 / 99)


def trade_bars(venue: str, symbol: str, price: float, step: int, every: int) -> list[Row]:
    count = 3600 // step
    return [
        (venue, symbol, DAY // 1000 + k * step, price, price * 1.001, price * 0.999, price, 3.0, 1, step)
        for k in range(0, count, every)
    ]


TRADES = ("venue", "symbol", "ts_s", "open", "high", "low", "close", "volume", "trades", "step")


def test_trade_bars_of_several_venues_and_steps(tmp_path: Path) -> None:
    rows = trade_bars("coinbase", "AVAX-USD", 30.0, 1, 3) + trade_bars("binance-delivery", "AVAXUSD_PERP", 20.0, 1, 2)
    rows += trade_bars("binance-delivery", "AVAXUSD_PERP", 20.0, 60, 1) + trade_bars("binance", "BTCUSDT", 9.0, 60, 1)
    write(tmp_path / "trades.csv", rows, TRADES)
    history = load(tmp_path, interval="1s")
    assert history.symbols == ("AVAX",)
    assert history.bars == 3599
    assert history.live.all()  # a second without a trade keeps the last price
    assert history.volume_usd[0, 0] == 30.0  # three contracts of 10 USD
    assert history.volume_usd[1, 0] == 0.0
    np.testing.assert_allclose(history.index, 30.0)
    np.testing.assert_allclose(history.close, 20.0)


def test_ten_quiet_minutes_are_a_gap(tmp_path: Path) -> None:
    rows = trade_bars("binance-delivery", "AVAXUSD_PERP", 20.0, 1, 2)
    write(tmp_path / "trades.csv", rows[:200] + rows[900:], TRADES)
    history = load(tmp_path, interval="1s")
    assert history.live[:990].all()
    assert not history.live[1010:1790].any()


def test_funding_is_hourly_and_prefers_the_venue(tmp_path: Path) -> None:
    eight = 8 * 60 * MINUTE
    write(tmp_path / "bybit_linear_5m.csv", candles("BTC"))
    header = ("symbol", "ts_ms", "funding_rate")
    write(tmp_path / "binance_funding.csv", [("BTC", DAY + k * eight, 0.01) for k in range(3)], header)
    write(tmp_path / "bybit_funding.csv", [("BTC", DAY + k * eight, 0.0008 * (k + 1)) for k in range(3)], header)
    funding = load(tmp_path).funding_hour
    assert funding is not None
    assert funding[0, 0] == pytest.approx(0.0002)  # the settlement at 08:00 is owed from 00:00 on
    assert funding[96, 0] == pytest.approx(0.0003)
    (tmp_path / "bybit_funding.csv").unlink()
    header = ("symbol", "ts_ms", "funding_rate_pct")
    write(tmp_path / "binance_funding.csv", [("BTC-USDT", DAY + k * eight, 0.8) for k in range(3)], header)
    funding = load(tmp_path).funding_hour
    assert funding is not None
    assert funding[0, 0] == pytest.approx(0.001)


def test_recorded_depth_takes_the_place_of_the_estimate(tmp_path: Path) -> None:
    write(tmp_path / "um_5m.csv", candles("BTCUSDT") + candles("ETHUSDT"))
    rows = [(DAY + k * 30_000, side, 1.0, 777.0 * side) for k in range(2880) for side in (-1, 1, 2) if side > 0]
    write(tmp_path / "bookdepth_BTCUSDT_2025.csv", rows, ("ts_ms", "percentage", "depth", "notional"))
    history = load(tmp_path)
    assert (history.depth_usd[:, history.symbols.index("BTC")] == 777.0).all()
    assert not (history.depth_usd[:, history.symbols.index("ETH")] == 777.0).any()


def test_depth_follows_volume_and_leaves_in_stress() -> None:
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 1e-3, (400, 2)), axis=0))
    spread = np.full((400, 2), 1.001)
    spread[200:204] = 1.06
    volume = np.tile([1000.0, 10.0], (400, 1))
    live = np.ones((400, 2), dtype=bool)
    depth = estimate_depth(volume_usd=volume, high=close * spread, low=close / spread, live=live, interval_ms=300_000)
    np.testing.assert_allclose(depth[:, 0], 100 * depth[:, 1], rtol=1e-3)
    assert depth[204, 0] < 0.4 * depth[100, 0]
    assert depth[200, 0] == pytest.approx(depth[100, 0], rel=0.01)  # the bar's own range is not known at its open
    assert depth[210, 0] == pytest.approx(depth[100, 0], rel=0.01)
    ratios = thinning(np.array([0.0, 1.0, 30.0, 1e9]))
    assert ratios[0] == 1.0
    assert ratios[2] == 0.5
    assert ratios[3] == FLOOR


def small() -> History:
    shape = (4, 1)
    ones = np.ones(shape)
    return History(
        name="small",
        symbols=("BTC",),
        interval_ms=1000,
        times_ms=np.arange(4) * 1000,
        open=ones,
        high=ones * 2,
        low=ones / 2,
        close=ones,
        index=ones,
        index_low=ones,
        index_high=ones,
        has_index=np.ones(1, dtype=bool),
        volume_usd=ones,
        depth_usd=ones,
        funding_hour=None,
        live=np.ones(shape, dtype=bool),
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("times_ms", np.array([0, 1000, 2000, 4000])),
        ("times_ms", np.array([0])),
        ("interval_ms", 2000),
        ("symbols", ("BTC", "BTC")),
        ("close", np.zeros((4, 1))),
        ("close", np.ones((3, 1))),
        ("high", np.ones((4, 1)) * 0.9),
        ("low", np.ones((4, 1)) * 1.1),
        ("index_low", np.ones((4, 1)) * 1.1),
        ("index_high", np.ones((4, 1)) * 0.9),
        ("volume_usd", -np.ones((4, 1))),
        ("depth_usd", np.full((4, 1), np.nan)),
        ("funding_hour", np.full((4, 1), np.nan)),
        ("has_index", np.ones(2, dtype=bool)),
    ],
)
def test_a_history_that_breaks_a_promise_is_refused(field: str, value: object) -> None:
    assert check_history(small()).bars == 4
    failure = refused(lambda: check_history(replace(small(), **{field: value})))
    assert failure.field == ("times_ms" if field == "interval_ms" else field)


def test_window_and_only_cut_every_matrix() -> None:
    cut = check_history(small().window(1, 3))
    assert cut.bars == 2
    assert check_history(cut.only(("BTC",))).markets == 1
    assert refused(lambda: cut.only(("ETH",))).field == "symbols"


def test_coarsen_keeps_extremes_sums_and_ends() -> None:
    history = replace(small(), low=np.array([[0.5], [0.4], [0.3], [0.5]]))
    history = replace(
        history, close=np.array([[1.0], [1.5], [1.2], [1.1]]), open=np.array([[1.0], [1.0], [1.5], [1.2]])
    )
    half = check_history(coarsen(history, 2))
    assert half.close[:, 0].tolist() == [1.5, 1.1]
    assert half.open[:, 0].tolist() == [1.0, 1.5]
    assert half.low[:, 0].tolist() == [0.4, 0.3]
    assert half.volume_usd[:, 0].tolist() == [2.0, 2.0]
    assert half.interval_ms == 2000
    assert refused(lambda: coarsen(history, 3)).field == "factor"
    assert measure(history).first_drawdown == pytest.approx(1 - 0.3 / 1.5)


SHARED_DAYS = [("2025-10-10", None), ("2025-10-10", "1s"), ("2021-05-19", None), ("ftx", None), ("covid", None)]


@pytest.mark.parametrize(("event", "interval"), SHARED_DAYS)
def test_recorded_crashes_load(shared: Path, event: str, interval: str | None) -> None:
    history = check_history(load(shared / "data", event, interval=interval))
    assert history.markets >= 3
    found = measure(history.window(0, history.bars))
    assert found.drawdown > 0.25


def test_perps_left_their_index_on_2025_10_10(shared: Path) -> None:
    history = load(shared / "data", "2025-10-10", interval="1s")
    drop = 1 - np.nanmin(history.low, axis=0) / history.open[1]
    index_drop = 1 - np.nanmin(history.index_low, axis=0) / history.index[1]
    assert history.has_index.all()
    assert (drop > 0.7).all()
    assert (index_drop < drop - 0.2).all()
