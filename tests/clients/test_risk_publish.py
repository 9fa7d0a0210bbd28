"""`seawall risk publish` as a user runs it: encrypted keystores, k of n, against a venue in a process of its own."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.chain.keys import load_key, make_keystore
from seawall.cli.main import main
from seawall.risk.engine import RiskModel
from seawall.signing import Key
from seawall.tools import publish
from seawall.tools.publish import Publisher
from seawall.units import RATE_ONE
from venue_process import Process

pytest.importorskip("eth_account", reason="keystores need the extra `chain`")
CHAIN = 421_614
PASSWORD = "a password of the test"
SECONDS = 60  # for a minute that is over, which this venue's clock brings within ten
WEIGHT = RATE_ONE * 98 // 100


class Signers:
    """Three who may sign and one who may not, each with a keystore."""

    def __init__(self, folder: Path) -> None:
        self.password = folder / "password"
        self.password.touch(mode=0o600)
        self.password.write_text(PASSWORD + "\n")
        self.files = [folder / f"{number}.json" for number in range(4)]
        self.addresses = [make_keystore(file, PASSWORD) for file in self.files]

    def options(self, *numbers: int) -> list[str]:
        named = [word for number in numbers for word in ("--keystore", str(self.files[number]))]
        return [*named, "--password-file", str(self.password)]

    def keys(self, *numbers: int) -> tuple[Key, ...]:
        return tuple(Key(load_key(self.files[number], PASSWORD)) for number in numbers)


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> Signers:
    return Signers(tmp_path_factory.mktemp("signers"))


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory, signers: Signers) -> Iterator[Process]:
    more = f'[risk]\nmode = "live"\nsigners = {json.dumps(signers.addresses[:3])}\n'
    more += '[[asset]]\ncoin = "BTC"\nweight_initial = 0.98\nweight_maintenance = 0.98\nliquidation_discount = 0.01\n'
    process = Process(tmp_path_factory.mktemp("venue"), more=more, late=True)
    process.start()
    yield process
    assert process.kill(signal.SIGTERM) == 0
    log = process.log.read_text()
    assert "Traceback" not in log
    assert PASSWORD not in log


def looked(venue: Process, options: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The command's lines of one look."""
    assert main(["risk", "publish", "--url", venue.url, "--looks", "1", *options]) == 0
    return capsys.readouterr().out.splitlines()


def live(venue: Process, name: str) -> dict[str, Any]:
    told = publish.asked(venue.url, "/v1/markets/BTC/parameters")["parameters"]
    return next(one for one in told if one["name"] == name)


def weight(venue: Process) -> int:
    """The live initial weight of the collateral, which never is the admin's that changes."""
    (asset,) = publish.asked(venue.url, "/v1/risk/collateral")["assets"]
    assert asset["static"] == WEIGHT
    return int(asset["value"])


def test_a_running_venue_takes_what_enough_have_signed_and_nothing_else(
    venue: Process, signers: Signers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Markets and collateral together: who is heard for the one is heard for the other in the same look."""
    before = live(venue, "initial_live")["value"]
    refused = {"too few": (0,), "the same twice": (1, 1), "a stranger": (3,), "one and a stranger": (0, 3)}
    end = time.monotonic() + SECONDS
    while not looked(venue, signers.options(0), capsys) and time.monotonic() < end:
        time.sleep(0.5)  # the model hears of minutes that are over: the first one of this venue is not yet
    for numbers in refused.values():
        lines = looked(venue, signers.options(*numbers), capsys)
        assert any("BTC initial_live" in line for line in lines)
        assert any("BTC weight_initial" in line for line in lines)
        assert all("refused" in line for line in lines)
    monkeypatch.setattr(publish, "LIFE_MS", -1)
    late = Publisher(venue.url, signers.keys(0, 1), RiskModel(), chain_id=CHAIN).look()
    assert "weight_initial" in {one.parameter for one in late}
    assert all("expires" in one.outcome for one in late)
    monkeypatch.undo()
    elsewhere = Publisher(venue.url, signers.keys(0, 1), RiskModel(), chain_id=CHAIN + 1).look()
    assert "weight_initial" in {one.parameter for one in elsewhere}
    assert all("refused" in one.outcome for one in elsewhere)
    assert live(venue, "initial_live")["value"] == before
    assert weight(venue) == WEIGHT
    taken = looked(venue, signers.options(2, 0), capsys)
    assert any("BTC initial_live" in line and "accepted" in line for line in taken)
    assert int(live(venue, "initial_live")["value"]) > int(before)
    (told,) = (line for line in taken if "weight_initial" in line)
    assert "accepted" in told
    assert "moves over a liquidation" in told
    assert weight(venue) < WEIGHT
    shown = publish.asked(venue.url, "/v1/risk/proposals")["proposals"]
    accepted = [one for one in shown if one["outcome"] == "accepted"]
    assert {"initial_live", "weight_initial"} <= {one["parameter"] for one in accepted}
    assert {one["signers"] for one in accepted} == {0b101}
    assert all(one["reasons"] and one["model"] for one in accepted)


def test_a_weight_that_is_low_enough_is_left_alone(
    venue: Process, signers: Signers, capsys: pytest.CaptureFixture[str]
) -> None:
    """After the test before: nothing is proposed twice, and from outside nothing is raised."""
    before = weight(venue)
    assert before < WEIGHT
    assert not [line for line in looked(venue, signers.options(0, 1), capsys) if "weight_initial" in line]
    assert weight(venue) == before


def test_a_wrong_password_signs_nothing(
    venue: Process, signers: Signers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong"
    wrong.touch(mode=0o600)
    wrong.write_text("another\n")
    words = ["--keystore", str(signers.files[0]), "--password-file", str(wrong)]
    assert main(["risk", "publish", "--url", venue.url, "--looks", "1", *words]) == 2
    assert "the password is wrong" in capsys.readouterr().err
