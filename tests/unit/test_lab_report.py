"""The report: one document, one page that holds it whole and lets nothing out, files that are never half there."""

import json
import re
from dataclasses import replace as changed
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seawall.cli.main import main
from seawall.cli.replay import all_live
from seawall.lab import report, words
from seawall.lab.compare import Comparison, compare
from seawall.lab.generator import generate
from seawall.lab.history import History
from seawall.lab.page import page
from seawall.lab.population import Mix, populate_for
from seawall.lab.report import Origin, Thinning, document, encode, without_run, write_all
from seawall.lab.rulesets import rule_sets

HOSTILE = '</script><img src=x onerror="document.title=1">&amp;'
RULES = ("static", "dydx", "seawall")
PRESET = "october-2025-10-10"


def origin(title: str = "A day") -> Origin:
    command = "seawall replay --preset october-2025-10-10"
    return Origin(kind="generator", event=PRESET, title=title, command=command)


def replayed(history: History, accounts: int = 400, rules: tuple[str, ...] = RULES) -> Comparison:
    people = populate_for(history, 1, Mix(accounts=accounts))
    return compare(history, people, rule_sets(rules), 1, lambda _: None)


@pytest.fixture(scope="module")
def done() -> Comparison:
    return replayed(generate(PRESET, 1, 4, 288, 300_000))


@pytest.fixture(scope="module")
def content(done: Comparison) -> dict[str, Any]:
    return document(done, origin(), {"seconds": 1.5})


class Shape(HTMLParser):
    """What a page loads, its element ids, the scripts it holds and the text outside them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.data = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append(tag)
        self.loads += [str(named[name]) for name in ("src", "href", "action") if named.get(name)]
        if named.get("id"):
            self.ids.append(str(named["id"]))
        self.open = [tag, str(named.get("id"))]

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's interface
        self.open = []

    def handle_data(self, data: str) -> None:
        if self.open[:1] == ["script"]:
            self.data = data if self.open[1] == "replay" else self.data
        elif self.open[:1] != ["style"]:
            self.text.append(data)


def shape(html: str) -> Shape:
    parser = Shape()
    parser.feed(html)
    return parser


def test_the_document_has_what_the_command_promises(content: dict[str, Any]) -> None:
    assert content["schema"] == report.SCHEMA
    assert content["seed"] == 1
    assert content["event"] == PRESET
    assert len(content["markets"]) == 4
    assert list(content["rules"]) == list(content["rules_at_equal_margin"]) == list(RULES)
    assert content["margin_scales"]["static"] == 1.0
    assert content["margin_scales"]["dydx"] != 1.0


def test_series_add_up_to_the_figures(content: dict[str, Any]) -> None:
    points = len(content["axis"]["times_ms"])
    parts = (("series", "rules"), ("series_at_equal_margin", "rules_at_equal_margin"))
    for one in content["sets"]:
        for key, part in parts:
            own, series = content[part][one["rule"]], one[key]
            closed = sum(series["longs_closed"]) + sum(series["shorts_closed"])
            assert closed == pytest.approx(own["liquidated_notional_usd"], abs=2 * points)
            assert closed > 0
            assert sum(series["adl"]) == pytest.approx(own["adl_notional_usd"], abs=points)
            assert series["insurance_paid"][-1] == pytest.approx(own["insurance_used_usd"], abs=1)
            assert series["bad_debt"][-1] == pytest.approx(own["bad_debt_usd"], abs=1)
            assert series["waiting"][-1] >= own["still_queued"]
            assert sum(series["buckets"]) >= own["liquidated_accounts"]
            assert all(len(values) == points for values in series.values())
            assert min(series["insurance"]) >= 0
        by_market = sum(market["longs_closed_usd"] + market["shorts_closed_usd"] for market in one["markets"])
        figure = content["rules"][one["rule"]]["liquidated_notional_usd"]
        assert by_market == pytest.approx(figure, abs=8)
        for market in one["markets"]:
            low, high = market["series"]["book_low"], market["series"]["book_high"]
            assert all(a <= b <= c for a, b, c in zip(low, market["series"]["book"], high, strict=True))


@pytest.mark.parametrize(("bars", "markets"), [(7, 1), (1440, 20), (6300, 4), (86_400, 3), (1441, 60)])
def test_thinning_keeps_sums_extremes_and_ends(bars: int, markets: int) -> None:
    thin = Thinning(bars, markets, 3)
    values = np.random.default_rng(1).integers(-50, 50, bars)
    assert len(thin.starts) <= report.POINTS_MAX
    assert sum(thin.total(values)) == values.sum()
    assert min(thin.least(values)) == values.min()
    assert max(thin.most(values)) == values.max()
    assert thin.last(values)[-1] == values[-1]
    assert thin.first(values)[0] == values[0]
    assert max(abs(value) for value in thin.widest_ppm(values / 1e6)) == np.abs(values).max()


def test_the_page_loads_nothing_and_holds_the_document(content: dict[str, Any]) -> None:
    html = page(content)
    seen = shape(html)
    assert seen.loads == ["data:,"]
    assert "default-src 'none'" in html
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket|sendBeacon", html)
    assert json.loads(seen.data) == content
    assert len(seen.ids) == len(set(seen.ids))
    assert seen.tags.count("h1") == 1
    assert seen.tags.count("label") == seen.tags.count("select") == 3
    assert "Copyright (c) 2022 Leon Sorokin" in html


def test_hostile_names_stay_text(done: Comparison) -> None:
    history = changed(done.history, symbols=(HOSTILE, *done.history.symbols[1:]), notes=(HOSTILE,))
    hostile = changed(done, path=changed(done.path, history=history))
    made = document(hostile, Origin(**{**to_dict(origin()), "title": HOSTILE, "command": HOSTILE}))
    made["world"][0]["symbol"] = HOSTILE
    plain, attacked = shape(page(document(done, origin()))), shape(page(made))
    assert attacked.tags.count("img") == 0
    assert attacked.tags.count("script") == plain.tags.count("script") == 3
    assert json.loads(attacked.data) == made
    assert "".join(attacked.text).count(HOSTILE) >= 5


def to_dict(value: Origin) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}


def test_a_day_of_twenty_markets_under_all_sets_stays_under_three_megabytes(content: dict[str, Any]) -> None:
    thin, few = Thinning(1440, 20, 6), len(content["axis"]["times_ms"])
    cells = len(thin.starts) * (20 * (2 + 7 * 6) + 22 * 6)
    now = few * (4 * (2 + 7 * 3) + 22 * 3)
    assert len(page(content).encode()) * cells / now < 3_000_000


def test_a_page_without_an_independent_index_says_so(done: Comparison) -> None:
    blind = changed(done.history, has_index=np.zeros(done.history.markets, np.bool_))
    made = document(replayed(blind, 200, ("static",)), origin())
    assert made["rules"]["static"]["unnecessary_liquidations"] is None
    assert "no independent index" in page(made)


def test_equal_runs_give_equal_bytes(done: Comparison, content: dict[str, Any]) -> None:
    again = document(replayed(generate(PRESET, 1, 4, 288, 300_000)), origin(), {"seconds": 9.0})
    assert encode(without_run(again)) == encode(without_run(content))
    assert encode(without_run(document(done, origin()))) == encode(without_run(content))


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_all(tmp_path, {"a": "old", "b": "old"})

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report.os, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        write_all(tmp_path, {"a": "new", "b": "new"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old", "b": "old"}


def test_a_start_at_which_some_market_is_dead_is_cut(done: Comparison) -> None:
    history = done.history
    live = history.live.copy()
    live[:2, 1] = False
    late = all_live(changed(history, live=live))
    assert late.bars == history.bars - 2
    assert "first 2 bars" in late.notes[-1]
    live[:200, 1] = False
    assert all_live(changed(history, live=live)).bars == history.bars


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0"),
        (1_234.56789, "$1.235k"),
        (-5, "-$5"),
        (999_999.999999, "$1m"),
        (4_301_550_753.215323, "$4.302bn"),
        (None, "–"),
    ],
)
def test_amounts_for_people(amount: float | None, text: str) -> None:
    assert words.amount(amount) == text


SMALL = ["--accounts", "300", "--markets", "3", "--interval", "1h"]


def test_the_command_writes_both_files_and_says_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", *SMALL, "--out", str(tmp_path / "new" / "out")]) == 0
    shown = capsys.readouterr()
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == ["replay.json", "report.html"]
    assert "Accounts liquidated" in shown.out
    assert "replaying 300 accounts" in shown.err


def test_json_alone_writes_no_file_and_repeats_byte_for_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = []
    for _ in range(2):
        assert main(["replay", *SMALL, "--json"]) == 0
        texts.append(capsys.readouterr().out)
    first, second = (encode(without_run(json.loads(text))) for text in texts)
    assert first == second
    assert json.loads(texts[0])["schema"] == report.SCHEMA
    assert not list(tmp_path.iterdir())


def test_one_rule_set_with_a_mark_of_choice(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", *SMALL, "--json", "--rules", "drift", "--mark", "last"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert [one["rule"] for one in made["sets"]] == ["drift"]
    assert "--rules drift --mark last" in made["command"]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--preset", "no-such-day"], "preset"),
        (["--accounts", "0"], "accounts"),
        (["--accounts", "-5"], "accounts"),
        (["--accounts", "1000000000"], "accounts"),
        (["--markets", "0"], "markets"),
        (["--seed", "-1"], "seed"),
        (["--symbols", "NOSUCHCOIN"], "symbols"),
        (["--symbols", " , "], "symbols"),
        (["--interval", "fortnight"], "interval"),
        (["--mark", "moon"], "mark"),
        (["--rules", "nobody"], "rules"),
        (["--rules", "static,static"], "rules"),
        (["--rules", " ,"], "rules"),
        (["--event", "2025-10-10"], "event"),
        (["--data", "no/such/folder"], "no/such/folder"),
        (["--data", ".", "--preset", PRESET], "preset"),
    ],
)
def test_refused_input_is_one_line_exit_2_and_no_file(
    arguments: list[str],
    field: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["replay", *arguments, "--out", "out"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.strip().splitlines()) == 1
    assert field in shown.err
    assert not list(tmp_path.iterdir())


def test_an_out_that_is_a_file_is_refused_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "taken"
    target.write_text("mine")
    assert main(["replay", *SMALL, "--out", str(target)]) == 2
    assert "out: not a folder" in capsys.readouterr().err
    assert target.read_text() == "mine"
    assert main(["replay", *SMALL, "--out", str(target / "below")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_event_that_the_folder_lacks_is_refused(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["replay", "--data", str(shared / "data"), "--event", "1999-01-01", "--out", str(out)]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not out.exists()


def test_the_recorded_second_by_second_crash_shows_what_the_mark_protects(
    shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(shared / "data"), "--event", "2025-10-10", "--interval", "1s", "--accounts", "3000"]
    assert main(["replay", *arguments, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    static, own = made["rules"]["static"], made["rules"]["seawall"]
    gaps = [[market["worst_mark_gap_ppm"] for market in one["markets"]] for one in made["sets"]]
    assert min(gaps[0]) < -200_000
    assert min(gaps[1]) >= -20_001
    assert own["unnecessary_liquidations"] < static["unnecessary_liquidations"] / 5
    assert own["liquidated_accounts"] < static["liquidated_accounts"]
