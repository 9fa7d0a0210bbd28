"""The policy search: what it admits, how it orders, and that every way of running it tells the same."""

import json
from functools import partial
from math import isnan
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seawall.cli.main import app
from seawall.cli.risk_search import generated_day
from seawall.lab import search
from seawall.lab.levels import levels_of
from seawall.lab.search import Job, Policy, policies, rules_of
from seawall.terms import parameter
from seawall.units import RATE_ONE, BadInput

FEW = ["--accounts", "120", "--markets", "3"]
GENERATED = "october-2025-10-10:3,may-2021-05-19:3"


def jobs(*chosen: Policy, days: str = GENERATED) -> list[Job]:
    found = []
    for name in days.split(","):
        preset, seed = name.split(":")
        found.append(Job(name, partial(generated_day, preset, int(seed), 3), chosen, 120, 1))
    return found


def quiet(_: str) -> None:
    pass


def test_the_grid_leaves_out_what_would_end_below_maintenance() -> None:
    found = policies([0.5, 0.8], [0.6, 0.976], [0.0, 1.0], [0.001], ["index"])
    assert len(found) == 6
    assert all(one.exit >= one.maintenance for one in found)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("maintenance", ([0.9], [0.976], [1.0], [0.001], ["index"])),
        ("exit", ([0.5], [1.01], [1.0], [0.001], ["index"])),
        ("throttle", ([0.5], [0.976], [-1.0], [0.001], ["index"])),
        ("fee", ([0.5], [0.976], [1.0], [0.5], ["index"])),
        ("mark", ([0.5], [0.976], [1.0], [0.001], ["spot"])),
        ("policies", ([0.8], [0.5], [1.0], [0.001], ["index"])),
        ("policies", ([0.5], [0.976], [k / 1000 for k in range(1_001)], [0.001], ["index"])),
    ],
)
def test_a_bad_grid_is_refused(field: str, values: tuple[list[float], ...]) -> None:
    with pytest.raises(BadInput, match=field):
        policies(*values)  # type: ignore[arg-type]


def test_a_policy_becomes_parameters_and_levels() -> None:
    rules = rules_of(Policy(0.6, 0.9, 0.5, 0.002, "median"))
    assert rules.venue[parameter.EXIT_BUFFER] == pytest.approx(0.5 * RATE_ONE, abs=1)
    assert rules.venue[parameter.MARK_RULE] == parameter.MARK_MEDIAN
    assert rules.market[parameter.LIQUIDATION_FEE] == 0.002 * RATE_ONE
    assert rules.throttle == 0.5
    for _, leverage, maintenance in levels_of(rules.levels, "BTC", 0, rules.maintenance):
        assert maintenance * leverage == pytest.approx(0.6)
    assert levels_of("dydx", "BTC", 0, 0.6) == levels_of("dydx", "BTC", 0)  # flat tables have their own


def test_the_best_policy_closes_least_among_those_whose_loss_is_admitted() -> None:
    late, early = Policy(0.5, 0.51, 0.0, 0.001, "median"), Policy(0.8, 0.976, 1.0, 0.001, "index")
    scores = search.search(jobs(late, early), processes=1, is_ray=False, loss_max=1.0, told=quiet)
    assert {one.policy for one in scores} == {late, early}
    for one in scores:
        assert one.is_admitted == (one.ratios["loss"] <= 1.0)
        assert one.closes == one.ratios["notional"] + one.ratios["closed"]
        assert set(one.by_crash) == set(GENERATED.split(","))
        assert not isnan(one.ratios["unnecessary"])
    by_policy = {one.policy: one for one in scores}
    assert by_policy[early].ratios["loss"] < by_policy[late].ratios["loss"]
    between = (by_policy[early].ratios["loss"] + by_policy[late].ratios["loss"]) / 2
    strict = search.search(jobs(late, early), processes=1, is_ray=False, loss_max=between, told=quiet)
    assert [one.policy for one in strict] == [early, late]
    assert [one.is_admitted for one in strict] == [True, False]


def test_processes_tell_the_same_as_one() -> None:
    one = Policy(0.8, 0.976, 1.0, 0.001, "index")
    here, there = (search.search(jobs(one), processes=n, is_ray=False, loss_max=1.0, told=quiet) for n in (1, 2))
    assert here == there


def test_ray_tells_the_same_as_one() -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    one = Policy(0.8, 0.976, 1.0, 0.001, "index")
    here, there = (search.search(jobs(one), processes=1, is_ray=way, loss_max=1.0, told=quiet) for way in (False, True))
    assert here == there


def test_the_command_prints_json_and_draws(tmp_path: Path) -> None:
    page = tmp_path / "search.html"
    words = ["risk", "search", *FEW, "--generated", "october-2025-10-10:3", "--maintenance", "0.5,0.8"]
    done = CliRunner().invoke(app, [*words, "--throttle", "1", "--exit", "0.976", "--out", str(page), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [one["policy"]["maintenance"] for one in told["policies"]] in ([0.5, 0.8], [0.8, 0.5])
    assert told["crashes"] == ["october-2025-10-10:3"]
    assert page.read_text().count("<circle") == 2


@pytest.mark.parametrize(
    "words",
    [
        ["--events", "2025-10-10"],
        ["--generated", "october-2025-10-10"],
        ["--generated", "calm:1,calm:1"],
        ["--maintenance", "half"],
        ["--exit", "nan"],
    ],
)
def test_the_command_refuses_what_it_does_not_understand(words: list[str]) -> None:
    done = CliRunner().invoke(app, ["risk", "search", *FEW, *words])
    assert isinstance(done.exception, BadInput)
