"""The laboratory over `/v1`: one run at a time, followed, ended, remembered; its command is that of the CLI."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from seawall.cli.replay import _lines
from seawall.venue import config
from seawall.venue.rest import lab as laboratory
from seawall.venue.rest.errors import install_errors
from seawall.venue.rest.lab import Lab, command_of
from seawall.venue.rest.lab_routes import lab_router
from seawall.venue.rest.lab_shapes import RunRequest

GOOD = """
import pathlib, sys
for percent in range(0, 101, 25):
    print('{"progress": %s}' % (percent / 100), file=sys.stderr, flush=True)
folder = pathlib.Path(sys.argv[1]); folder.mkdir(); (folder / "replay.json").write_text('{"schema": "x"}')
"""
BAD = "import sys; print('error: rules: no good', file=sys.stderr); sys.exit(2)"
SLOW = "import time; time.sleep(600)"
Ask = Callable[..., Awaitable[httpx.Response]]
Scene = Callable[[Lab, Ask], Awaitable[None]]


class NoLimits:
    """Rest as far as the routes of the laboratory need it."""

    def costs(self, _: int) -> Any:
        from fastapi import Depends

        return Depends(lambda: None)


def played(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    scene: Callable[[Lab, Ask], Awaitable[None]],
    **terms: Any,
) -> None:
    """A laboratory whose runs are `script`; `scene` asks it."""

    def command(_: RunRequest, target: Path) -> list[str]:
        return [sys.executable, "-c", script, str(target)]

    monkeypatch.setattr(laboratory, "command_of", command)

    async def play() -> None:
        lab = Lab(SimpleNamespace(folder=folder, now=5), config.Lab(**terms))  # type: ignore[arg-type]
        app = FastAPI()
        install_errors(app)
        app.include_router(lab_router(NoLimits(), lab))  # type: ignore[arg-type]
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://venue") as client:

            async def ask(method: str, path: str, **more: Any) -> httpx.Response:
                return await client.request(method, f"/v1/lab{path}", **more)

            await scene(lab, ask)
        await lab.stop()

    asyncio.run(play())


async def ended(ask: Ask, number: int) -> Any:
    for _ in range(600):
        run = (await ask("GET", f"/runs/{number}")).json()
        if run["state"] != "running":
            return run
        await asyncio.sleep(0.05)
    raise AssertionError("it runs on")


def test_a_run_is_followed_and_its_result_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(_: Lab, ask: Ask) -> None:
        begun = (await ask("POST", "/runs", json={"accounts": 10})).json()
        assert (begun["state"], begun["progress"], begun["asked"]["accounts"]) == ("running", 0.0, 10)
        assert (await ask("GET", "/runs/1/replay")).status_code == 404
        run = await ended(ask, 1)
        assert (run["state"], run["progress"], run["problem"]) == ("done", 1.0, "")
        assert (await ask("GET", "/runs/1/replay")).json() == {"schema": "x"}
        assert [one["id"] for one in (await ask("GET", "")).json()["runs"]] == [1]

    played(tmp_path, monkeypatch, GOOD, scene)


def test_a_run_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(_: Lab, ask: Ask) -> None:
        await ask("POST", "/runs", json={})
        run = await ended(ask, 1)
        assert (run["state"], run["problem"]) == ("failed", "error: rules: no good")

    played(tmp_path, monkeypatch, BAD, scene)


def test_one_at_a_time_and_it_can_be_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(lab: Lab, ask: Ask) -> None:
        await ask("POST", "/runs", json={})
        await asyncio.sleep(0.2)
        second = await ask("POST", "/runs", json={})
        assert (second.status_code, second.json()["code"]) == (409, "running")
        assert (await ask("DELETE", "/runs/1")).json()["state"] == "cancelled"
        process = lab._process
        assert process is not None
        assert process.returncode is not None
        assert (await ask("DELETE", "/runs/7")).status_code == 404

    played(tmp_path, monkeypatch, SLOW, scene)


def test_a_run_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(lab: Lab, ask: Ask) -> None:
        lab._terms = config.Lab(seconds=1)
        await ask("POST", "/runs", json={})
        run = await ended(ask, 1)
        assert (run["state"], run["problem"]) == ("failed", "it took longer than 1 s")

    played(tmp_path, monkeypatch, SLOW, scene)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"preset": "../../etc"}, "preset: unknown"),
        ({"rules": ["static", "--data"]}, "rules:"),
        ({"rules": []}, "rules"),
        ({"accounts": 21}, "accounts: at most 20 here"),
        ({"interval": "1s"}, "interval"),
        ({"out": "/tmp"}, "out"),
    ],
)
def test_what_cannot_be_replayed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any], words: str
) -> None:
    async def scene(lab: Lab, ask: Ask) -> None:
        refused = await ask("POST", "/runs", json={"accounts": 20, **body})
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
        assert words in refused.json()["msg"]
        assert lab.view().runs == ()

    played(tmp_path, monkeypatch, GOOD, scene, accounts=20)


def test_no_laboratory_where_the_operator_wants_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(lab: Lab, ask: Ask) -> None:
        assert (await ask("POST", "/runs", json={})).json()["code"] == "off"
        assert not lab.view().is_open

    played(tmp_path, monkeypatch, GOOD, scene, enabled=False)


def test_only_the_last_runs_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(_: Lab, ask: Ask) -> None:
        for number in range(1, laboratory.KEPT + 3):
            await ask("POST", "/runs", json={})
            await ended(ask, number)
        known = [one["id"] for one in (await ask("GET", "")).json()["runs"]]
        assert known == list(range(laboratory.KEPT + 2, 2, -1))
        assert sorted(path.name for path in (tmp_path / "lab").iterdir()) == sorted(map(str, known))

    played(tmp_path, monkeypatch, GOOD, scene)


def test_progress_is_a_line_of_json_for_each_percent(capsys: pytest.CaptureFixture[str]) -> None:
    with _lines("anything", 300) as tell:
        for _ in range(150):
            tell(1)
        tell(150)
    told = [json.loads(line)["progress"] for line in capsys.readouterr().err.splitlines()]
    assert told == [percent / 100 for percent in range(51)] + [1.0]


def test_the_command_is_that_of_the_command_line(tmp_path: Path) -> None:
    words = command_of(RunRequest(rules=("static", "dydx"), accounts=50, markets=2, seed=9), tmp_path)
    assert words[1:4] == ["-m", "seawall", "replay"]
    assert words[4:] == [
        *("--preset", "october-2025-10-10", "--rules", "static,dydx", "--accounts", "50", "--markets", "2"),
        *("--interval", "5m", "--seed", "9", "--out", str(tmp_path), "--progress"),
    ]
