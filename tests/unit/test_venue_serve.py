"""A venue as a process: it stops without losing anything, a second signal ends it, and it refuses python -O."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from seawall.units import BadInput
from seawall.venue.ops.serve import serve

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = """
import asyncio, os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from fastapi import FastAPI
from seawall.venue.ops.logs import start_logs
from seawall.venue.ops.operations import Operations
from seawall.venue.ops.serve import Port, refuse_optimised, serve
from seawall.venue.ops.watch import Watch
refuse_optimised()
from venue_rig import Rig

async def main():
    rig = Rig(Path(sys.argv[1]))
    start_logs(rig.service.config.logs)
    await rig.start()
    ops = Operations(rig.service, os.environ)
    app = FastAPI()
    ops.mount(app)

    @app.get("/slow")
    async def slow():
        await asyncio.sleep(1.0)
        return {"sequence": rig.service.desk.sequence}

    async def started():
        await ops.start()
        if not rig.service.universe.listings:
            await rig.list_market()
        print("ready", flush=True)

    async def stop():
        await ops.stop()
        await rig.service.stop()

    apps = (Watch(app, ops.metrics), ops.admin_app)
    ports = [Port(app, "127.0.0.1", int(number)) for app, number in zip(apps, sys.argv[2:4])]
    return await serve(ports, started, ops.closing, stop)

raise SystemExit(asyncio.run(main()))
"""


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


class Process:
    """The script above, until it is ready."""

    def __init__(self, folder: Path, *, port: int | None = None, ready: bool = True) -> None:
        self.port, self.admin = port or free_port(), free_port()
        arguments = [str(folder), str(self.port), str(self.admin), str(ROOT / "tests")]
        environment = {**os.environ, "SEAWALL_ADMIN_TOKEN": "a-token-of-the-admin"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        if ready:
            assert self.process.stdout is not None
            assert self.process.stdout.readline() == "ready\n", self.end()

    def get(self, path: str, port: int | None = None) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port or self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def end(self) -> tuple[int, str]:
        """The exit code and what was logged."""
        try:
            _, errors = self.process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_with_a_snapshot_and_nothing_lost(tmp_path: Path, number: int) -> None:
    running = Process(tmp_path)
    status, body = running.get("/v1/status")
    sequence = json.loads(body)["sequence"]
    assert (status, running.get("/healthz", running.admin)[0], running.get("/readyz", running.admin)[0]) == (
        200,
        200,
        200,
    )
    assert running.get("/healthz")[0] == 404, "probes and metrics are on the admin's port"
    running.process.send_signal(number)
    code, errors = running.end()
    assert code == 0, errors
    assert sorted(path.name for path in (tmp_path / "journal").glob("*.snap")) == [f"snapshot-{sequence:020d}.snap"]
    with pytest.raises(OSError):
        running.get("/v1/status")
    again = Process(tmp_path)
    told = json.loads(again.get("/v1/status")[1])
    assert (told["markets"], told["sequence"] >= sequence) == (1, True)
    again.process.send_signal(number)
    code, errors = again.end()
    assert code == 0, errors


def test_a_request_under_way_is_finished_first(tmp_path: Path) -> None:
    running = Process(tmp_path)
    asking = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{running.port}/slow').read())",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    time.sleep(0.5)
    running.process.send_signal(signal.SIGTERM)
    code, errors = running.end()
    assert (code, asking.wait(10)) == (0, 0), errors
    assert asking.stdout is not None
    assert "sequence" in asking.stdout.read()
    asking.stdout.close()


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    running = Process(tmp_path)
    asking = subprocess.Popen(
        [sys.executable, "-c", f"import urllib.request as u; u.urlopen('http://127.0.0.1:{running.port}/slow')"],
        stderr=subprocess.DEVNULL,
    )
    time.sleep(0.5)
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    running.process.send_signal(signal.SIGTERM)
    code, errors = running.end()
    assert code == 130
    assert "a second signal" in errors
    asking.wait(10)


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        running = Process(tmp_path, port=taken.getsockname()[1], ready=False)
        code, errors = running.end()
    assert code == 1
    assert "a port could not be opened" in errors


def test_it_refuses_to_run_without_its_checks() -> None:
    code = "from seawall.venue.ops.serve import refuse_optimised; refuse_optimised(); print('went on')"
    for flags, expected in ((["-O"], 2), (["-OO"], 2), ([], 0)):
        found = subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, text=True, check=False)
        assert found.returncode == expected
        assert ("went on" in found.stdout) == (expected == 0)
        assert ("python -O" in found.stderr) == (expected == 2)


def test_a_venue_that_could_not_start_waits_for_no_failure() -> None:
    """What would wait for one is not even made: nothing is said of it beside the reason."""
    asked: list[str] = []

    async def started() -> None:
        raise BadInput("asset", "no good")

    async def stop() -> None:
        asked.append("stopped")

    async def failure() -> None:
        asked.append("failure")

    with pytest.raises(BadInput, match="no good"):
        asyncio.run(serve((), started, lambda: None, stop, failure))
    assert asked == ["stopped"]
