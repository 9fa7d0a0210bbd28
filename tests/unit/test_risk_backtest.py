"""The backtest: classical margins against plain numpy, statistics by definition, and one walk as the engine."""

import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest

from seawall.cli.main import main
from seawall.risk import baselines, garch, score
from seawall.risk.backtest import REFERENCE, WARM_HOURS, document, run
from seawall.risk.bars import HOUR_MS, Bar
from seawall.risk.engine import RiskModel
from seawall.risk.explain import explain
from seawall.risk.governor import Settings
from seawall.risk.model import default
from seawall.risk.page import page
from seawall.risk.panel import Panel, load_panel
from seawall.risk.played import play
from seawall.risk.walk import walk
from seawall.risk.world import Recipe, generate_world
from seawall.units import BadInput

Floats = npt.NDArray[np.float64]
WORLD = generate_world(Recipe(markets=3, hours=1_600), 5)


def write_csv(folder: Path, panel: Panel) -> None:
    """Each market as a file of hourly candles; the open is not part of a panel and is written as the close."""
    for place, symbol in enumerate(panel.symbols):
        lines = ["time,open,high,low,close,quote_volume"]
        for hour, time in enumerate(panel.times_ms.tolist()):
            high, low, close, volume = (
                float(v[hour, place]) for v in (panel.high, panel.low, panel.close, panel.volume)
            )
            if math.isfinite(close):
                lines.append(f"{time},{close!r},{high!r},{low!r},{close!r},{0.0 if math.isnan(volume) else volume!r}")
        (folder / f"binance_um_{symbol}USDT_1h.csv").write_text("\n".join(lines) + "\n")


def test_rolling_quantile_is_numpys() -> None:
    values = np.random.default_rng(1).exponential(size=400)
    values[[5, 50, 51, 300]] = np.nan
    found = baselines.rolling(values, 60, 0.9)
    for i in range(400):
        window = values[: i + 1][np.isfinite(values[: i + 1])][-60:]
        expected = np.quantile(window, 0.9) if len(window) >= baselines.FIRST else np.nan
        np.testing.assert_allclose(found[i], expected, rtol=1e-12)


def test_filtered_simulation_by_hand() -> None:
    rng = np.random.default_rng(2)
    returns = rng.normal(size=200) * 0.01
    moves = np.abs(returns) * 1.5
    variance, scaled, expected = 0.0, [], np.nan
    for i in range(200):
        if i:
            scaled.append(moves[i] / math.sqrt(variance))
        variance += max(0.03, 1 / (i + 1)) * (returns[i] ** 2 - variance)
        expected = math.sqrt(variance) * np.quantile(scaled, 0.995) if len(scaled) >= baselines.FIRST else np.nan
    assert baselines.filtered(moves, returns, 0.995, 0.97)[-1] == pytest.approx(expected)


def test_garch_finds_the_parameters_it_was_made_with() -> None:
    rng = np.random.default_rng(6)
    variance, returns = 1e-4, []
    for _ in range(8_000):
        returns.append(math.sqrt(variance) * rng.standard_t(5) * math.sqrt(3 / 5))
        variance = 1e-4 * 0.02 + 0.10 * returns[-1] ** 2 + 0.88 * variance
    found = np.zeros(3)
    garch.fit(np.array(returns), found)
    assert found[0] == pytest.approx(0.10, abs=0.04)
    assert found[1] == pytest.approx(0.98, abs=0.015)
    assert found[2] == pytest.approx(5.0, abs=1.5)
    series = np.array(returns)
    made, exact = garch.likelihood(series, *found), garch.likelihood(series, 0.10, 0.98, 5.0)
    assert made > exact - 2.0


def test_the_pareto_tail_of_a_known_law() -> None:
    rng = np.random.default_rng(7)
    exponential = rng.exponential(size=40_000)
    assert garch.pareto_quantile(exponential, 0.999) == pytest.approx(math.log(1_000), rel=0.06)
    heavy = rng.pareto(4.0, size=40_000)  # shape 1 / 4
    assert garch.pareto_quantile(heavy, 0.999) == pytest.approx(1_000**0.25 - 1.0, rel=0.08)


def test_kupiec_and_christoffersen_against_published_values() -> None:
    # Kupiec's 250-day table: at 1 %, 7 exceptions have a likelihood ratio of 5.497 (p = 0.0190); 2 of them 0.108
    assert score.kupiec(7, 250, 0.01) == pytest.approx(0.0190, abs=2e-4)
    assert score.kupiec(2, 250, 0.01) == pytest.approx(0.742, abs=2e-3)
    assert score.kupiec(0, 250, 0.01) == pytest.approx(math.erfc(math.sqrt(-250 * math.log(0.99))), rel=1e-9)
    independent = np.array([[9801, 99], [99, 1]])
    assert score.christoffersen(independent, 0.01) > 0.99
    assert score.christoffersen(np.array([[9850, 50], [50, 50]]), 0.01) < 1e-6


def test_rises_and_what_follows_a_violation() -> None:
    hours = np.array([0, 1, 2, 30, 31, 55, 56])
    margin = np.array([1.0, 2.0, 1.5, 3.0, 1.0, 4.0, 8.0])
    out = np.ones(7)
    score.rises(hours, margin, out)
    np.testing.assert_allclose(out, [1.0, 2.0, 1.5, 1.0, 1.0, 4.0, 2.0])
    count, hits = score.after_violation(hours, np.array([True, False, True, False, False, True, True]))
    assert (count, hits) == (3, 2)


def test_equal_coverage_is_reached_exactly() -> None:
    moves, margin = np.random.default_rng(3).exponential(size=(2, 4000))
    scale = score.scale_to(0.99, moves, margin)
    assert (moves > margin * scale * (1 + 1e-12)).sum() == 40
    assert score.pinball(np.array([1.0, 3.0]), np.array([2.0, 2.0]), 0.9) == pytest.approx((0.1 + 0.9) / 2)


def test_the_walk_is_the_engine() -> None:
    played, model = play(WORLD), default()
    walked = walk(played, model, Settings())
    engine = RiskModel(model)
    row = 0
    for hour in range(400):
        for place, symbol in enumerate(WORLD.symbols):
            high, low, close, volume = (
                float(v[hour, place]) for v in (WORLD.high, WORLD.low, WORLD.close, WORLD.volume)
            )
            if math.isfinite(close):
                engine.observe(symbol, Bar(int(WORLD.times_ms[hour]), close, high, low, close, volume))
        while row < len(played.hour) and played.hour[row] == hour:
            margins = engine.margins(WORLD.symbols[played.place[row]])
            expected = walked.fast[row], walked.opened[row]
            np.testing.assert_allclose(margins, expected if math.isfinite(expected[0]) else (0, 0), rtol=1e-9)
            row += 1
    assert row > 400


def test_a_backtest_has_every_figure_pooled_and_by_market() -> None:
    done = run(WORLD, default())
    content = json.loads(json.dumps(document(done), allow_nan=False))
    expected = {
        "seawall_new", "seawall_open", "ewma_fhs_097", "ewma_fhs_0995", "hs_90d", "fhs_buffer", "fhs_stress",
        "fhs_floor", "garch_pot", "base_aci", "static", "placebo",
    }  # fmt: skip
    needed = {
        "violation", "kupiec_p", "christoffersen_p", "average_margin", "average_vs_fhs", "max_rise_24h",
        "p99_rise_24h", "stress_violation", "pinball_vs_fhs", "shortfall",
    }  # fmt: skip
    assert set(content["models"]) == expected
    assert set(content["by_symbol"]) == set(content["symbols"])
    for figures in (content["models"], *content["by_symbol"].values()):
        assert all(needed <= set(own) for own in figures.values())
        assert figures["seawall_open"]["max_rise_24h"] <= 1.5 + 1e-9
        assert figures[REFERENCE]["average_vs_fhs"] == 1.0
        assert figures["static"]["max_rise_24h"] == 1.0
    assert content["target"] == 0.005


def test_the_move_of_a_day_is_the_worst_of_24_hours() -> None:
    market = run(WORLD, None).markets[0]
    place = WORLD.symbols.index(market.symbol)
    for row in (0, 100, len(market.hours) - 30):
        hour = int(market.hours[row])
        ahead, close = slice(hour + 1, hour + 25), WORLD.close[hour, place]
        worst = max(WORLD.high[ahead, place].max() / close - 1.0, 1.0 - WORLD.low[ahead, place].min() / close)
        assert market.day[row] == pytest.approx(worst)
    assert np.isnan(market.day[-23:]).all()  # a day that has not ended


def test_no_margin_of_a_backtest_sees_the_hour_it_is_for() -> None:
    cut = 1_400
    whole, part = run(WORLD, default()), run(WORLD.until(cut), default())
    for long, short in zip(whole.markets, part.markets, strict=True):
        count = len(short.hours)
        for name in short.margins:
            np.testing.assert_array_equal(long.margins[name][:count], short.margins[name], err_msg=name)


def test_from_and_to_choose_hours_and_keep_the_history() -> None:
    start, end = int(WORLD.times_ms[1_000]), int(WORLD.times_ms[1_300])
    done, whole = run(WORLD, None, start_ms=start, end_ms=end), run(WORLD, None)
    times = done.markets[0].times_ms
    assert times[0] >= start
    assert times[-1] < end
    inside = np.isin(whole.markets[0].times_ms, times)
    np.testing.assert_array_equal(done.markets[0].margins["hs_90d"], whole.markets[0].margins["hs_90d"][inside])
    with pytest.raises(BadInput, match="hours to judge"):
        run(WORLD, None, start_ms=end, end_ms=end)


def test_folders_of_candles_become_a_panel(tmp_path: Path) -> None:
    write_csv(tmp_path, WORLD)
    panel = load_panel(tmp_path)
    assert panel.symbols == WORLD.symbols
    np.testing.assert_array_equal(np.isfinite(panel.close), np.isfinite(WORLD.close))
    np.testing.assert_allclose(panel.close, WORLD.close, rtol=1e-15)
    assert load_panel(tmp_path, ["W1USDT"]).symbols == ("W1",)
    with pytest.raises(BadInput, match="W9"):
        load_panel(tmp_path, ["W9"])
    with pytest.raises(BadInput, match="no candles"):
        load_panel(tmp_path, hours_min=10_000)


def test_the_command_line(tmp_path: Path, capsys: Any) -> None:
    write_csv(tmp_path, WORLD)
    assert main(["risk", "backtest", "--data", str(tmp_path), "--symbols", "W0,W1", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["symbols"] == ["W0", "W1"]
    first = int(WORLD.times_ms[WARM_HOURS + 100])
    assert first >= HOUR_MS
    assert main(["risk", "backtest", "--data", str(tmp_path), "--from", "2020-02-15"]) == 0
    assert "seawall_new" in capsys.readouterr().out
    (tmp_path / "binance_um_TINYUSDT_1h.csv").write_text(
        "time,open,high,low,close\n0,1,1,1,1\n3600,1,1,1,1\n7200,1,1,1,1\n"
    )
    assert main(["risk", "backtest", "--data", str(tmp_path), "--symbols", "", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["skipped"] == ["fewer than 720 hours: TINY"]
    assert main(["risk", "backtest", "--data", str(tmp_path), "--symbols", "W0", "--warm", "200", "--json"]) == 0
    longer = json.loads(capsys.readouterr().out)["models"]["seawall_new"]["hours"]
    assert longer >= content["by_symbol"]["W0"]["seawall_new"]["hours"] + 500
    assert main(["risk", "explain", "--data", str(tmp_path), "--symbol", "W0"]) == 0
    assert "new risk" in capsys.readouterr().out
    out = tmp_path / "page.html"
    assert main(["risk", "report", "--data", str(tmp_path), "--symbols", "W0", "--out", str(out)]) == 0
    assert out.read_text().startswith("<!doctype html>")
    for wrong in (["--data", str(tmp_path / "none")], ["--data", str(tmp_path), "--from", "yesterday"]):
        assert main(["risk", "backtest", *wrong]) == 2
    broken = tmp_path / "model.npz"
    broken.write_bytes(b"not a model")
    assert main(["risk", "backtest", "--data", str(tmp_path), "--model", str(broken)]) == 2
    assert "not a model file" in capsys.readouterr().err


def test_the_page_is_whole_and_loads_nothing() -> None:
    done = run(WORLD, default())
    text = page(done, "W1")
    assert text == page(run(WORLD, default()), "W1")
    body = text.split("<body>")[1]
    tree = ElementTree.fromstring("<body>" + body.split("</body>")[0].replace("&nbsp;", " ") + "</body>")
    plots = [found for found in tree.iter("svg") if found.get("viewBox")]
    assert len(plots) == 4
    for plot in plots:
        marks = list(plot.iter("path")) + list(plot.iter("circle"))
        assert len(marks) >= 4
        assert all("nan" not in str(mark.attrib) for mark in marks)
    assert "Margins against moves: W1" in text
    assert "://" not in text
    assert all(f"<th>{name}</th>" in text for name in (*done.models, "W0", "W1", "W2"))


def test_drivers_are_what_the_forecast_stands_on() -> None:
    found = explain(WORLD, default(), "W0", int(WORLD.times_ms[1_000]) + HOUR_MS)
    assert found["time"] < "2021"
    assert 0 < len(found["drivers"]) <= 8
    assert all(driver["ratio"] > 0 for driver in found["drivers"])
    with pytest.raises(BadInput, match="symbol"):
        explain(WORLD, default(), "NONE", None)
    with pytest.raises(BadInput, match="history"):
        explain(WORLD, default(), "W0", int(WORLD.times_ms[3]))
