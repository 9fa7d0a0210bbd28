"""`seawall conformance`: what it prints, and the exit code for matches, misses and bad folders."""

import json
from pathlib import Path
from typing import Any

import pytest

from seawall.cli.main import main

GOOD = {"id": "one", "input": {"fn": "tick_at_sqrt_ratio", "sqrt_price_x96": str(2**96)}, "expected": {"tick": "0"}}
BAD = {**GOOD, "id": "two [bold]", "expected": {"tick": "1"}}
BROKEN = {**GOOD, "id": "three", "input": {"fn": "tick_at_sqrt_ratio"}}


def write(folder: Path, name: str, content: Any) -> None:
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["conformance", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_all_matched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "math.json", {"family": "uniswap_v3_math", "cases": [GOOD]})
    code, out, err = run(capsys, str(tmp_path), "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "families": {"uniswap_v3_math": {"matched": 1, "total": 1, "misses": []}},
        "not_yet": [],
    }


def test_misses_are_counted_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "a.json", {"family": "uniswap_v3_math", "cases": [GOOD, BAD]})
    write(tmp_path, "b.json", {"family": "uniswap_v3_math", "cases": [BROKEN]})
    code, out, _ = run(capsys, str(tmp_path), "--json")
    assert code == 1
    assert json.loads(out)["families"] == {
        "uniswap_v3_math": {"matched": 1, "total": 3, "misses": ["two [bold]", "three"]}
    }
    code, out, _ = run(capsys, str(tmp_path))
    assert code == 1
    for piece in ("uniswap_v3_math", "1/3", "two [bold]", "three (sqrt_price_x96: missing)"):
        assert piece in out


def test_families_nobody_runs_and_other_files_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "a.json", {"family": "uniswap_v3_math", "cases": [GOOD]})
    write(tmp_path, "b.json", {"family": "tulip_mania", "cases": [GOOD]})
    write(tmp_path, "c.json", {"book": []})
    write(tmp_path, "d.json", [1, 2])
    code, out, err = run(capsys, str(tmp_path), "--json")
    assert code == 0
    assert json.loads(out)["not_yet"] == ["tulip_mania"]
    assert list(json.loads(out)["families"]) == ["uniswap_v3_math"]
    for piece in ("c.json: skipped", "d.json: skipped", "tulip_mania: nothing runs"):
        assert piece in err
    code, out, _ = run(capsys, str(tmp_path))
    assert code == 0
    assert "not yet" in out


def test_a_number_may_be_a_json_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = {"oracle_px": 100.5, "impact_bid": 100.5, "impact_ask": 101.5, "rule": "impact_mid"}
    case = {"id": "x", "input": values, "expected": {"premium": 0.0049751244}}
    write(tmp_path, "a.json", {"family": "hl_premium", "cases": [case]})
    assert run(capsys, str(tmp_path))[0] == 0


@pytest.mark.parametrize(
    "content, told",
    [
        ("{", "json"),
        ("", "json"),
        ({"family": "uniswap_v3_math"}, "cases"),
        ({"family": "uniswap_v3_math", "cases": {}}, "cases"),
        ({"family": 7, "cases": []}, "family"),
        ({"family": "uniswap_v3_math", "cases": [GOOD, {"id": "x", "input": {}}]}, "cases[1]"),
        ({"family": "uniswap_v3_math", "cases": [{**GOOD, "input": []}]}, "cases[0]"),
        ({"family": "uniswap_v3_math", "cases": [{**GOOD, "id": 1}]}, "cases[0]"),
    ],
)
def test_bad_files_are_named_with_their_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: Any, told: str
) -> None:
    write(tmp_path, "bad.json", content)
    code, out, err = run(capsys, str(tmp_path), "--json")
    assert (code, out) == (2, "")
    assert "bad.json" in err
    assert f"{told}:" in err
    assert err.count("\n") == 1


def test_missing_and_empty_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        code, out, err = run(capsys, str(folder))
        assert (code, out) == (2, "")
        assert str(folder) in err


def test_the_shared_vectors(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, str(shared / "vectors"), "--json")
    report = json.loads(out)
    assert code == 1  # one funding rate fits no rule, by its own source
    assert {name: found["misses"] for name, found in report["families"].items() if found["misses"]} == {
        "hl_funding_rate": ["BTC-1689469200058"]
    }
    assert len(report["families"]) == 19
    assert report["not_yet"] == ["summa_merkle_sum"]
