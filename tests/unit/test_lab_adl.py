"""The published deleveraging waves of 2025-10-10 against the engine's policies."""

import json
from pathlib import Path

import pytest

from seawall.cli.main import main
from seawall.lab import adl_waves
from seawall.lab.adl_waves import POLICIES, deleverage, published, winner_sizes
from seawall.units import BadInput

HEADLINE_USD = 45_028_665.72  # production's overshoot against what was needed, as the study states it


@pytest.fixture(scope="module")
def waves(shared: Path) -> list[adl_waves.Wave]:
    return published(shared / "data")


def test_production_took_more_than_was_needed(waves: list[adl_waves.Wave]) -> None:
    assert len(waves) == 16
    assert sum(wave.overshoot for wave in waves) == pytest.approx(HEADLINE_USD, abs=0.01)
    for wave in waves:
        assert wave.taken - wave.needed == pytest.approx(wave.overshoot, abs=1e-6)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_takes_what_a_wave_needs_and_no_more(waves: list[adl_waves.Wave], policy: str) -> None:
    for wave in (waves[0], waves[4], waves[10], waves[15]):
        made = deleverage(wave.needed, wave.capacity, POLICIES[policy], 1)
        assert made.usd == pytest.approx(wave.needed, abs=adl_waves.GIVEN / adl_waves.USD)
        assert made.overshoot == 0
        assert 0 < made.largest_share <= 0.5  # closed at the bankruptcy price, a winner gives half of its profit here


def test_pro_rata_asks_each_winner_for_the_published_share(waves: list[adl_waves.Wave]) -> None:
    agreeing = 0
    for wave in waves:
        made = deleverage(wave.needed, wave.capacity, POLICIES["pro_rata"], 1)
        assert made.accounts == adl_waves.WINNERS
        lot = adl_waves.GIVEN / adl_waves.GAINED / winner_sizes(round(wave.capacity * 500), 1).min()
        assert made.largest_share == pytest.approx(wave.needed / wave.capacity, abs=1e-9 + lot)
        agreeing += made.largest_share == pytest.approx(wave.pro_rata_share, abs=1e-9 + lot)
    assert agreeing == 11  # in the other five the study's base is wider than its capacity column


def test_the_queue_empties_a_few_where_pro_rata_asks_everybody() -> None:
    queue, shared_out = (deleverage(20_000.0, 100_000.0, POLICIES[name], 3) for name in ("queue", "pro_rata"))
    assert queue.usd == shared_out.usd == 20_000.0
    assert queue.largest_share == 0.5
    assert queue.accounts < shared_out.accounts / 2


def test_a_need_beyond_all_profit_is_refused() -> None:
    with pytest.raises(BadInput, match="cannot be taken"):
        deleverage(1_000.0, 10.0, POLICIES["queue"], 1)


def test_winners_are_uneven_and_exact_in_sum() -> None:
    sizes = winner_sizes(10**9, 5)
    assert sizes.sum() == 10**9
    assert sizes.max() > 20 * sizes.min() > 0


def test_the_command(shared: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adl_waves, "POLICIES", {"pro_rata": POLICIES["pro_rata"]})
    assert main(["adl", "--data", str(shared / "data"), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["published_overshoot_usd"] == pytest.approx(HEADLINE_USD, abs=0.01)
    assert made["overshoot_usd"] == {"pro_rata": 0.0}
    assert main(["adl", "--data", str(shared / "data")]) == 0
    assert "15,079" in capsys.readouterr().out


def test_a_folder_without_the_table_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adl", "--data", str(tmp_path)]) == 2
    assert adl_waves.WAVES in capsys.readouterr().err
    (tmp_path / adl_waves.WAVES).write_bytes(b"not zstd")
    assert main(["adl", "--data", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
