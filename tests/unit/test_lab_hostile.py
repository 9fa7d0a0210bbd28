"""Folders and words nobody prepared: each ends in a replay or in one line that names file, field and row."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seawall.cli.main import main
from seawall.lab.files import load
from seawall.lab.generator import generate
from seawall.lab.listing import static_market
from seawall.lab.population import Mix, populate_for
from seawall.lab.report import write_all
from seawall.units import BadInput

DAY = 1_760_054_400_000  # 2025-10-10T00:00Z
STEP = 300_000
HEADER = "timestamp,open,high,low,close,volume"


def lines(start: int = DAY, bars: int = 288, price: float = 100.0, volume: float = 10.0, step: int = STEP) -> list[str]:
    made = []
    for bar in range(bars):
        now, then = (price * (1 + 0.01 * float(np.sin(place / 9))) for place in (bar, bar + 1))
        made.append(
            f"{start + bar * step},{now!r},{max(now, then) * 1.001!r},{min(now, then) * 0.999!r},{then!r},{volume}"
        )
    return made


def write(path: Path, rows: list[str], header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def refused(action: Callable[[], object]) -> BadInput:
    with pytest.raises(BadInput) as caught:
        action()
    return caught.value


@pytest.mark.parametrize("time", ["0", "99999999999999999999999", str(DAY * 10**6), "-5", "yesterday", ""])
def test_a_time_of_another_unit_is_named_with_its_row(tmp_path: Path, time: str) -> None:
    rows = lines()
    rows[50] = time + rows[50][rows[50].index(",") :]
    error = refused(lambda: load(write(tmp_path / "BTCUSDT.csv", rows).parent))
    assert (error.file, error.field) == ("BTCUSDT.csv", "time")
    assert "row 51" in error.why


def test_a_missing_parquet_time_is_named(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    times = pa.array([DAY + k * STEP if k != 7 else None for k in range(20)], pa.timestamp("ms"))
    columns = {name: pa.array([1.0] * 20) for name in ("open", "high", "low", "close", "volume")}
    pq.write_table(pa.table({"timestamp": times, **columns}), tmp_path / "BTC.parquet")
    error = refused(lambda: load(tmp_path))
    assert error.field == "time"
    assert "row 8" in error.why


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("x.csv.gz", gzip.compress(b"a,b\n" * 9_999, mtime=0)[:20] + bytes(range(50))),
        ("x.csv", b"a,b\n" + b"x" * 300_000 + b",1\n"),
        ("x.csv", bytes(range(128, 256))),
        ("x.csv", b""),
    ],
)
def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, name: str, body: bytes) -> None:
    write(tmp_path / "BTCUSDT.csv", lines())
    (tmp_path / name).write_bytes(body)
    error = refused(lambda: load(tmp_path))
    assert (error.file, error.field) == (name, "csv")


def test_hidden_compressed_and_other_files_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "BTCUSDT.CSV", lines())
    for name in ("._BTCUSDT.csv", "x.csv.zst", "x.parquet.zst", "notes.txt"):
        (tmp_path / name).write_bytes(bytes(range(256)))
    write(tmp_path / "users.csv", ["1,2"], "user,pnl")
    history = load(tmp_path)
    assert history.symbols == ("BTC",)
    assert any("users.csv" in note for note in history.notes)


def test_a_nameless_symbol_is_refused(tmp_path: Path) -> None:
    rows = [("BTCUSDT," if place != 20 else " ,") + row for place, row in enumerate(lines())]
    error = refused(lambda: load(write(tmp_path / "a.csv", rows, "symbol," + HEADER).parent))
    assert error.field == "symbol"
    assert "row 21" in error.why


@pytest.mark.parametrize(
    ("file", "base"),
    [
        ("binance_spot_BTC.csv", "BTC"),
        ("okx-swap-5m-SOL-2025_10_10.csv", "SOL"),
        ("bybit_linear_DOGEUSDT_5m.csv", "DOGE"),
        ("AVAX.csv", "AVAX"),
        ("klines.csv", "KLINES"),
    ],
)
def test_a_file_name_gives_the_symbol(tmp_path: Path, file: str, base: str) -> None:
    assert load(write(tmp_path / file, lines()).parent).symbols == (base,)


def test_a_file_a_day_is_one_series(tmp_path: Path) -> None:
    for day in range(-1, 3):
        write(tmp_path / f"BTCUSDT-5m-2025-10-{10 + day:02}.csv", lines(DAY + day * 86_400_000))
    history = load(tmp_path, "2025-10-10..2025-10-12")
    assert history.bars == 3 * 288
    assert bool(history.live.all())
    write(tmp_path / "BTCUSDT-5m-2025-10-10-2.csv", lines(DAY + 43_200_000))  # overlaps: another series
    assert load(tmp_path, "2025-10-10").symbols == ("BTC",)


def test_nothing_that_traded_says_so(tmp_path: Path) -> None:
    write(tmp_path / "mark_BTCUSDT.csv", lines())
    assert "only marks" in refused(lambda: load(tmp_path)).why
    (tmp_path / "mark_BTCUSDT.csv").unlink()
    write(tmp_path / "BTCUSDT.csv", [row.rpartition(",")[0] for row in lines()], HEADER.removesuffix(",volume"))
    assert refused(lambda: load(tmp_path)).field == "volume"
    write(tmp_path / "BTCUSDT.csv", lines(volume=1e30))
    assert "absurd volume" in refused(lambda: load(tmp_path)).why


def test_one_symbol_that_is_absent_refuses_all(tmp_path: Path) -> None:
    write(tmp_path / "BTCUSDT.csv", lines())
    assert load(tmp_path, symbols=["btcusdt", "BTC"]).symbols == ("BTC",)
    error = refused(lambda: load(tmp_path, symbols=["BTC", "NOPE"]))
    assert error.field == "symbols"
    assert "NOPE" in error.why


@pytest.mark.parametrize("event", ["9999-12-31", "2025-10-10..9999-12-31", ""])
def test_events_beyond_the_calendar(tmp_path: Path, event: str) -> None:
    write(tmp_path / "BTCUSDT.csv", lines())
    assert refused(lambda: load(tmp_path, event)).field == "event"


def test_prices_from_the_tiniest_to_the_largest(tmp_path: Path) -> None:
    for name, price in (("PEPE", 7.1e-6), ("SHIB", 1.0e-5), ("BTC", 120_000.5), ("XAU", 3e9)):
        write(tmp_path / f"{name}USDT.csv", lines(price=price, volume=1e6 / price))
    history = load(tmp_path)
    people = populate_for(history, 1, Mix(accounts=500))
    assert people.accounts == 500
    assert bool((people.open_interest() > 0).all())
    assert refused(lambda: static_market("X", 3e-15)).field == "X.price"


def test_two_accounts_in_many_markets_meet_nobody() -> None:
    assert refused(lambda: populate_for(generate("calm", 1, 20, 24), 1, Mix(accounts=2))).field == "accounts"


def test_a_history_too_large_for_memory_is_refused() -> None:
    assert refused(lambda: generate("calm", 1, 1_000, 86_400, 1_000)).field == "bars"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--out", "x" * 300], "out"),
        (["--out", ""], "out"),
        (["--data", "x" * 300], "data"),
        (["--data", ""], "data"),
        (["--preset", " "], "preset"),
        (["--symbols", ","], "symbols"),
        (["--interval", "1ms"], "interval"),
        (["--out", "held"], "report.html"),
    ],
)
def test_words_that_are_refused_before_anything_runs(
    arguments: list[str],
    field: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "held" / "report.html").mkdir(parents=True)
    assert main(["replay", "--accounts", "300", "--markets", "3", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.strip().splitlines()) == 1
    assert field in shown.err
    assert os.listdir(tmp_path) == ["held"]
    assert os.listdir(tmp_path / "held") == ["report.html"]


def test_a_write_that_fails_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_all(tmp_path / "a" / "b", {"x": "1"})
    assert not (tmp_path / "a").exists()


def test_a_market_that_misses_its_first_bars_keeps_its_positions(tmp_path: Path) -> None:
    hour = 3_600_000
    write(tmp_path / "BTCUSDT.csv", lines(bars=24, step=hour)[1:])
    write(tmp_path / "ETHUSDT.csv", lines(bars=24, step=hour))
    write(tmp_path / "NEWUSDT.csv", lines(bars=24, step=hour)[8:])
    history = load(tmp_path)
    assert dict(zip(history.symbols, history.begins_in_time.tolist(), strict=True)) == {
        "BTC": True,
        "ETH": True,
        "NEW": False,
    }
    interest = populate_for(history, 1, Mix(accounts=500)).open_interest()
    assert (interest > 0).tolist() == history.begins_in_time.tolist()
    assert any("listed during the event" in note and "NEW" in note for note in history.notes)


def test_notes_stay_short_whatever_a_folder_holds(tmp_path: Path) -> None:
    for number in range(60):
        write(tmp_path / f"C{number}XUSDT.csv", lines(bars=30, volume=1e6 + number)[number % 2 :])
    notes = load(tmp_path, "2025-10-10T00:00..2025-10-10T02:30", markets=60).notes
    assert len(notes) < 30
    assert max(map(len, notes)) < 600
    assert any("and 40 more" in note for note in notes)
