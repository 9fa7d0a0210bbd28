"""Collateral by its owner's signed actions against a running venue: a keystore, the command line, HTTP, history."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.chain.keys import load_key, make_keystore
from seawall.cli.main import main
from seawall.signing import Key
from seawall.tools.owner import Owner, collateral_of
from seawall.tools.publish import asked
from seawall.units import BadInput
from venue_process import Process, signed

pytest.importorskip("eth_account", reason="keystores need the extra `chain`")
PASSWORD = "a password of the test"
ASSETS = """
[portfolio]
accounts = 1
[[asset]]
coin = "ETH"
[[asset]]
coin = "ETH"
kind = "pool"
weight_maintenance = 0.8
weight_initial = 0.7
"""
POSITION = {"liquidity": str(10**15), "tick_lower": 190_000, "tick_upper": 197_000}  # about 2,760 .. 5,560 USD


class Wallet:
    """A keystore and its password on disk."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.password = folder / "password"
        self.password.touch(mode=0o600)
        self.password.write_text(PASSWORD + "\n")
        self.file = folder / "owner.json"
        self.address = make_keystore(self.file, PASSWORD)

    @property
    def options(self) -> list[str]:
        return ["--keystore", str(self.file), "--password-file", str(self.password)]

    @property
    def key(self) -> Key:
        return Key(load_key(self.file, PASSWORD))


@pytest.fixture(scope="module")
def wallet(tmp_path_factory: pytest.TempPathFactory) -> Wallet:
    return Wallet(tmp_path_factory.mktemp("wallet"))


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    process = Process(tmp_path_factory.mktemp("venue"), more=ASSETS)
    process.start()
    yield process
    assert process.kill(signal.SIGTERM) == 0
    log = process.log.read_text()
    assert "Traceback" not in log
    assert '"level":"error"' not in log


def held(venue: Process, wallet: Wallet) -> dict[str, Any]:
    """The position of the wallet."""
    (bucket,) = collateral_of(venue.url, wallet.address)["buckets"]
    (one,) = [one for one in bucket["holdings"] if one["range"] is not None]
    found: dict[str, Any] = one["range"]
    return found


def run(venue: Process, wallet: Wallet, *words: str) -> int:
    return main(["account", "collateral", *words, "--url", venue.url, *wallet.options])


def test_an_owner_moves_a_position_by_the_command_line(
    venue: Process, wallet: Wallet, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(venue.url, "/v1/faucet", {"address": wallet.address, "usd": 1_000})
    asked(venue.url, "/v1/faucet/range", {"address": wallet.address, "asset": 1, **POSITION})
    before = held(venue, wallet)
    here = ["--asset", "1", "--token", before["token"]]
    assert run(venue, wallet, "reshape", *here, "--lower", "3000", "--upper", "5200") == 0
    moved = held(venue, wallet)
    assert (float(moved["lower"]), float(moved["upper"])) == (pytest.approx(3_000, 1e-3), pytest.approx(5_200, 1e-3))
    assert run(venue, wallet, "decrease", *here, "--part", "0.5") == 0
    less = held(venue, wallet)
    assert int(less["liquidity"]) == pytest.approx(int(moved["liquidity"]) / 2, abs=1)
    assert run(venue, wallet, "collect", *here) == 0
    assert run(venue, wallet, "decrease", *here, "--part", "2") == 2
    assert "part" in capsys.readouterr().err
    assert main(["account", "collateral", "show", "--user", wallet.address, "--url", venue.url]) == 0
    assert before["token"] in capsys.readouterr().out
    past = asked(venue.url, f"/v1/accounts/{wallet.address}/ranges/1/{before['token']}")
    assert past["points"]
    assert float(past["advice"]["lower"]) < 4_000 < float(past["advice"]["upper"])


def test_a_stranger_and_a_key_without_an_account_change_nothing(venue: Process, wallet: Wallet) -> None:
    token = held(venue, wallet)["token"]
    stranger = Owner(venue.url, Key(b"\x55" * 32), is_mainnet=False)
    with pytest.raises(BadInput, match="no such position"):
        stranger.act("collectFees", collateral=1, token=token)
    with pytest.raises(BadInput, match="expected collateral"):
        stranger.act("collectFees", collateral=9, token=token)
    with pytest.raises(BadInput, match="sub"):
        stranger.act("collectFees", collateral=1, token=token, sub="0x12")
    assert json.dumps(held(venue, wallet)["token"]) == json.dumps(token)


def ordered(venue: Process, wallet: Wallet, *, is_buy: bool, size: str) -> dict[str, Any]:
    """What an order of the wallet for ETH at its index was answered."""
    price = float(venue.info({"type": "allMids"})["ETH"])
    (asset,) = (at for at, one in enumerate(venue.info({"type": "meta"})["universe"]) if one["name"] == "ETH")
    terms = {"r": False, "t": {"limit": {"tif": "Gtc" if is_buy else "Ioc"}}}
    order = {"a": asset, "b": is_buy, "p": f"{price * (1.01 if is_buy else 0.99):.0f}", "s": size, **terms}
    action = {"type": "order", "orders": [order], "grouping": "na"}
    answer = venue.post("/exchange", signed(wallet.key, action, time.time_ns() // 10**6))
    status: dict[str, Any] = answer["response"]["data"]["statuses"][0]
    return status


def test_an_owner_goes_into_portfolio_margin_by_the_command_line(
    venue: Process, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two ETH held against two sold: margined as a hedge, told, tried and foreseen by the grid. There is one place."""
    wallet, other = Wallet(tmp_path), Wallet(tmp_path / "other")
    asked(venue.url, "/v1/faucet", {"address": wallet.address, "usd": 10_000})
    asked(venue.url, "/v1/faucet/asset", {"address": wallet.address, "asset": 0, "size": "2"})
    asked(venue.url, "/v1/faucet", {"address": other.address, "usd": 20_000})
    assert "resting" in ordered(venue, other, is_buy=True, size="3")
    assert "filled" in ordered(venue, wallet, is_buy=False, size="2")
    path = f"/v1/accounts/{wallet.address}"
    tiered = asked(venue.url, path)["buckets"][0]
    words = ["account", "portfolio", "--url", venue.url, *wallet.options]
    assert main([*words, "--to", "portfolio"]) == 0
    assert "worst scenario now" in capsys.readouterr().out
    cross = asked(venue.url, path)["buckets"][0]
    assert (tiered["mode"], cross["mode"]) == ("tiered", "portfolio")
    assert 0 < float(cross["maintenance"]) != float(tiered["maintenance"])
    more = asked(venue.url, f"{path}/what-if", {"order": {"coin": "ETH", "side": "sell", "size": "40"}})
    assert (more["is_accepted"], more["before"]["buckets"][0]["mode"]) == (False, "portfolio")
    assert asked(venue.url, f"{path}/foresight")["buckets"][0]["bucket"] == "cross"
    theirs = ["account", "portfolio", "--url", venue.url, *other.options]
    assert main([*theirs, "--to", "portfolio"]) == 2
    assert "Portfolio margin is not open to this account now." in capsys.readouterr().err
    with pytest.raises(BadInput, match="Not authorized"):
        Owner(venue.url, other.key, is_mainnet=False).set_portfolio(enabled=True, sub="0x" + "55" * 20)
    assert main([*words, "--to", "tiers"]) == 0
    assert "tiers now" in capsys.readouterr().out
    assert asked(venue.url, path)["buckets"][0]["mode"] == "tiered"
    assert main([*theirs, "--to", "portfolio"]) == 0
