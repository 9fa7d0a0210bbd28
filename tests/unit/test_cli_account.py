"""`seawall account`: every command as people and programs call it, and what it refuses."""

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner

from seawall.cli.account import app
from seawall.cli.main import main
from seawall.tools import source
from seawall.units import BadInput

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "accounts"
HEDGED = str(EXAMPLES / "cross_hedged.json")
USER = "0x" + "ab" * 20
GUIDE = "liq --entry 50000 --size 0.2 --leverage 10 --maintenance 0.005 --side long"

COMMANDS = [
    f"health {HEDGED}",
    f"liq {HEDGED} --fee 0.00045",
    f"liq {EXAMPLES / 'isolated.json'} --meta {EXAMPLES / 'meta.json'}",
    GUIDE,
    f"{GUIDE} --fee 0.045% --margin 1500",
    "liq --entry 86575.12345 --size 2.241987654 --leverage 40 --tiers 0:40,150000000:20 --side short",
    "liq --inverse --entry 50000 --size 5000 --face 1 --leverage 10 --maintenance 0.5% --coin BTC --fee 0.0005",
    f"liq --inverse {EXAMPLES / 'inverse.json'}",
    f"surface {HEDGED} --direction BTC=-1,ETH=-0.5",
    "size --equity 10000 --risk 1% --entry 50000 --stop 49000 --leverage 10",
    f"size --account {HEDGED} --entry 3120.25 --stop 3000 --coin ETH --meta {EXAMPLES / 'meta.json'}",
    "leverage",
    "leverage --leverages 2,100 --maintenance 0.4% --fee 0.0005 --rate 0.01% --hours 72",
    "carry --rate 0.01% --days 30 --notional 10000",
    "carry --rate 0.01% --interval 1 --hours 100 --spot 50000 --perp 50050 --size 1 --leverage 3",
    "advise --kind hedged --equity 10000 --leg ETH=8@2500:25 --coin BTC --side short --size 0.3 --entry 50000"
    " --max-leverage 40",
    "advise --kind basis --equity 2000 --coin BTC --side short --size 0.3 --entry 50000 --max-leverage 40",
    f"advise {HEDGED} --kind experimental --coin DOGE --size 5000 --entry 0.2 --leverage 5",
    f"what-if {HEDGED} --coin BTC --side sell --size 0.1 --fee 0.00045 --move ETH=-10%",
    f"what-if {EXAMPLES / 'underwater.json'} --price BTC=120000",
    f"foresight {EXAMPLES / 'isolated.json'} --meta {EXAMPLES / 'meta.json'} --paths 200 --target 0.1%",
]


def json_of(arguments: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["account", *arguments.split(), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def floats_in(value: Any) -> bool:
    if isinstance(value, dict):
        return any(floats_in(item) for item in value.values())
    if isinstance(value, list):
        return any(floats_in(item) for item in value)
    return isinstance(value, float)


@pytest.mark.parametrize("arguments", COMMANDS)
def test_every_command_answers_people_and_programs(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["account", *arguments.split()]) == 0
    shown = capsys.readouterr()
    assert "│" in shown.out
    assert "Fraction" not in shown.out
    assert shown.err == ""
    assert not floats_in(json_of(arguments, capsys))


def test_the_guides_example_shows_both_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["account", *GUIDE.split()]) == 0
    shown = capsys.readouterr().out
    assert "45,250.00" in shown
    assert "45,226.13" in shown
    assert "shrinks" in shown
    found = json_of(GUIDE, capsys)
    assert found["on_entry_notional_usd"] == "45250"
    assert found["on_mark_notional_usd"] == "45226.130653266332"
    assert found["on_mark_notional_exact"] == "9000000/199"


def test_the_guides_leverage_table(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json_of("leverage", capsys)["rows"]
    assert [row["move_that_loses_margin"] for row in rows] == ["0.5", "0.2", "0.1", "0.04", "0.025"]


def test_a_narrow_terminal_loses_no_digit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("seawall.cli.show.PLAIN_WIDTH", 40)
    assert main(["account", "liq", HEDGED]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert max(map(len, printed)) <= 40
    assert next(line for line in printed if "liquidation price" in line).split()[-2] == "61,416.25"
    assert sum("position" in line for line in printed) == 3


def test_runner_of_typer_works_too() -> None:
    result = CliRunner().invoke(app, ["health", HEDGED, "--json"])
    assert result.exit_code == 0
    assert json.loads(result.output)["worst_level"] == "free"
    assert CliRunner().invoke(app, ["--help"]).exit_code == 0


def test_an_account_on_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(HEDGED).read_bytes())))
    piped = json_of("health -", capsys)
    direct = json_of(f"health {HEDGED}", capsys)
    assert {**piped, "file": ""} == {**direct, "file": ""}


def test_one_coin_of_an_account(capsys: pytest.CaptureFixture[str]) -> None:
    every = json_of(f"liq {HEDGED}", capsys)["positions"]
    assert json_of(f"liq {HEDGED} --coin ETH", capsys)["positions"] == [p for p in every if p["coin"] == "ETH"]


@pytest.mark.parametrize("name", ["\\ud800", "\u00e9", "\u2603"])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_name_that_can_not_be_printed_stops_nothing(
    name: str, encoding: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "account.json"
    path.write_text((EXAMPLES / "inverse.json").read_text().replace('"BTC"', f'"{name}"'))
    for options in ([], ["--json"]):
        written = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
        assert main(["account", "liq", "--inverse", str(path), *options]) == 0
        shown = written.getvalue().decode(encoding)
        if options:
            assert json.loads(shown)["positions"][0]["coin"] == json.loads(f'"{name}"')


def test_collateral_and_policy_change_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    plain = json_of(f"health {HEDGED}", capsys)["buckets"][0]
    more = json_of(f"health {HEDGED} --collateral 1000", capsys)["buckets"][0]
    assert float(more["equity_usd"]) == pytest.approx(float(plain["equity_usd"]) + 1000)
    strict = json_of(f"health {HEDGED} --policy seawall", capsys)["buckets"][0]
    assert float(strict["liquidation_end_usd"]) > float(plain["liquidation_end_usd"])


REFUSED = [
    ("health absent.json", "absent.json: file"),
    (f"health {ROOT / 'README.md'}", "README.md: json"),
    (f"health {EXAMPLES / 'meta.json'}", "assetPositions: missing"),
    ("health", "file"),
    (f"health {HEDGED} --policy binance", "policy"),
    (f"health {HEDGED} --collateral -5", "collateral"),
    (f"health {HEDGED} --url http://127.0.0.1:9", "one of them"),
    ("health --url http://127.0.0.1:9", "user"),
    ("health --url http://127.0.0.1:9 --user 0x12", "user"),
    (f"health --url file:///etc/passwd --user {USER}", "url"),
    (f"health --url http://127.0.0.1:9 --user {USER}", "no answer"),
    (f"liq {HEDGED} --fee 2", "fee"),
    (f"liq {HEDGED} --fee nan", "fee"),
    (f"liq {HEDGED} --entry 50000", "entry: belongs to a described trade"),
    (f"liq --inverse {EXAMPLES / 'inverse.json'} --max-leverage 5", "max-leverage: belongs to a described trade"),
    (f"liq {HEDGED} --coin DOGE", f"{HEDGED}: coin: the account holds no DOGE"),
    (f"health {HEDGED} --user {USER}", "user: given without --url"),
    ("liq --entry 50000", "size"),
    ("liq --entry 50000 --size 1", "maintenance"),
    ("liq --entry 50000 --size -1 --maintenance 0.005", "size"),
    ("liq --entry nan --size 1 --maintenance 0.005", "entry"),
    ("liq --entry 50000 --size 1 --maintenance 0.005 --leverage 0", "leverage"),
    ("liq --entry 50000 --size 1 --maintenance 0.005 --leverage -3", "leverage"),
    ("liq --entry 50000 --size 1 --maintenance 0.005 --side up", "side"),
    ("liq --entry 50000 --size 1e12 --maintenance 0.005", "size"),
    ("liq --entry 50000 --size 1 --maintenance 0.005 --tiers 0:40", "described twice"),
    ("liq --entry 50000 --size 1 --max-leverage 5 --leverage 10", "leverage"),
    ("liq --entry 50000 --size 1 --meta x.json", "coin"),
    (f"liq --entry 50000 --size 1 --meta {EXAMPLES / 'meta.json'} --coin XRP", "unknown market"),
    ("liq --inverse --entry 50000 --size 1.5 --maintenance 0.005", "contracts"),
    ("liq --inverse --entry 50000 --size 1 --face 0 --maintenance 0.005", "face"),
    ("liq --inverse --entry 50000 --size 1 --margin -1 --maintenance 0.005", "margin"),
    (f"surface {HEDGED} --direction XRP=-1", "XRP"),
    ("size --entry 50000 --stop 49000", "equity"),
    ("size --equity 10000 --stop 49000", "entry"),
    ("size --equity 10000 --entry 50000 --stop 51000", "stop"),
    ("leverage --leverages 2,x", "leverages"),
    ("leverage --margin 0", "margin"),
    ("leverage --interval 3", "interval"),
    ("carry --rate 0.01% --notional 1", "hours"),
    ("carry --days 1 --notional 1", "rate"),
    ("carry --rate 60% --days 1 --notional 1", "rate"),
    ("carry --rate 1% --days 1 --notional 0", "notional"),
    ("carry --rate 1% --days 1 --spot 1 --perp 1 --size 1 --leverage 0", "leverage"),
    ("advise --equity 1", "coin"),
    (f"advise {HEDGED} --equity 1 --coin DOGE --size 1 --entry 1", "equity"),
    ("advise --kind yolo --equity 1 --coin B --size 1 --entry 1", "kind"),
    (f"what-if {HEDGED}", "nothing happens"),
    (f"what-if {HEDGED} --move XRP=1%", "XRP"),
    (f"what-if {HEDGED} --coin BTC", "size"),
]


@pytest.mark.parametrize(("arguments", "named"), REFUSED)
def test_what_is_refused_says_why_in_one_line(
    arguments: str, named: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "SECONDS_MAX", 2.0)
    assert main(["account", *arguments.split()]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1
    assert named in shown.err


class Venue(BaseHTTPRequestHandler):
    """A server that speaks `POST /info` for one account, or misbehaves as its path asks."""

    asked: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(request)
        mode = self.path.removesuffix("/info")
        document = json.loads(Path(HEDGED).read_text())
        body = json.dumps(document[request["type"]]).encode()
        if mode == "/raw":
            self.wfile.write(b"nonsense\r\n\r\n")
            return
        if mode == "/slow":
            time.sleep(1)
        if mode == "/trickle":
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                for _ in range(20):
                    self.wfile.write(b" ")
                    self.wfile.flush()
                    time.sleep(0.05)
            return
        if mode == "/garbage":
            body = b"<html>"
        if mode == "/huge":
            body = b" " * 5_000
        self.send_response(500 if mode == "/broken" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if mode != "/slow":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def running_venue() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Venue)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_account_from_a_url_equals_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    Venue.asked.clear()
    with running_venue() as url:
        for address in (url, f"{url}/info", f"{url}/"):
            found = json_of(f"liq --url {address} --user {USER}", capsys)
            assert found["positions"] == json_of(f"liq {HEDGED}", capsys)["positions"]
    assert Venue.asked[:2] == [{"type": "clearinghouseState", "user": USER}, {"type": "meta"}]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/broken", "HTTP 500"),
        ("/garbage", "not valid JSON"),
        ("/huge", "larger than"),
        ("/raw", "HTTP answer"),
        ("/slow", "no answer"),
        ("/trickle", "not complete after"),
    ],
)
def test_a_url_that_misbehaves_is_refused(path: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if path == "/huge":
        monkeypatch.setattr(source, "BYTES_MAX", 4_000)
    with running_venue() as url, pytest.raises(BadInput, match=why):
        source.post_info(url + path, {"type": "meta"}, seconds=0.5)


def seawall(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from seawall.cli.main import run; run()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT, **more)


def test_the_whole_process_answers_and_refuses() -> None:
    good = seawall("account", "liq", HEDGED, "--json")
    assert (good.returncode, good.stderr) == (0, "")
    assert json.loads(good.stdout)["positions"][0]["agrees_with_venue"] is True
    bad = seawall("account", "liq", "absent.json")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr == "error: absent.json: file: cannot be read: No such file or directory\n"
    assert "Traceback" not in bad.stderr


def test_a_closed_pipe_is_quiet() -> None:
    code = "from seawall.cli.main import run; run()"
    command = f"{sys.executable} -c '{code}' account health {HEDGED} --json | true"
    for _ in range(2):
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
        assert done.stderr == ""


def test_only_what_the_command_needs_is_imported() -> None:
    code = (
        "import sys; from seawall.cli.main import main; main(['account', 'liq', sys.argv[1], '--json'])\n"
        "print(sorted(set(sys.modules) & {'numpy', 'numba', 'pyarrow', 'rich.table', 'seawall.cli.replay',"
        " 'seawall.cli.conformance', 'urllib.request'}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, HEDGED], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.strip() == "[]"


def processor_time(*command: str) -> float:
    """Seconds of a process, the least of three: neighbours on the same core slow some."""
    spent = []
    for _ in range(3):
        before = os.times()
        subprocess.run(command, capture_output=True, timeout=60, check=True)
        after = os.times()
        spent.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return min(spent)


def test_processor_time_of_a_liquidation_price_is_small() -> None:
    libraries = processor_time(sys.executable, "-c", "import typer, pydantic, msgspec, rich.console")
    whole = processor_time(sys.executable, "-m", "seawall", "account", "liq", HEDGED)
    assert whole <= 3 * libraries + 0.1  # with numba it would be about five times them


DOCUMENTED = [
    line.removeprefix("seawall ")
    for line in (ROOT / "docs" / "tools.md").read_text().replace("\\\n", " ").splitlines()
    if line.startswith("seawall account ")
]


@pytest.mark.parametrize("arguments", DOCUMENTED)
def test_commands_in_the_docs_run(
    arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(arguments.split()) == 0
    assert capsys.readouterr().err == ""


def test_the_docs_show_every_command() -> None:
    shown = {line.split()[1] for line in DOCUMENTED}
    assert shown == {"health", "liq", "surface", "size", "leverage", "carry", "advise", "what-if", "lp"}
