"""The venue on a node that signs for nobody: the operator's key is of a keystore, every transaction is signed here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("web3", reason="chains are an extra: pip install seawall[chain]")
pytest.importorskip("uvicorn", reason="the service is an extra: pip install seawall[venue]")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import msgspec
from test_venue_on_chain import live_through
from venue import anvil

from chain_process import OnChain
from seawall.chain.client import Client, connect
from seawall.chain.development import lenders
from seawall.chain.keys import load_key, make_keystore
from seawall.chain.settings import FeedSettings, Settings, example
from seawall.units import RATE_ONE

PASSWORD = "of this test"
COINS = 10**21
DECIMALS = {"BTC": 5, "ETH": 4}  # of the venue's markets
AGE_MS = 120_000


def settings() -> Settings:
    """A venue with a book, as `seawall up` would deploy it where it may."""
    given = example(tuple(DECIMALS))
    feed = FeedSettings(max_age_ms=AGE_MS, step_s=RATE_ONE)
    markets = [
        msgspec.structs.replace(
            market,
            size_decimals=DECIMALS[market.name],
            parameters={"open_interest_cap": 10**9, "position_cap": 10**8, "oracle_age_ms": AGE_MS},
            feed=feed,
        )
        for market in given.markets
    ]
    rules = {"has_book": True, "direct": False, "timelock_s": 0, "permit2": "", "oracle_deviation": RATE_ONE}
    times = {"dispute_s": 5, "dispute_blocks": 0, "exit_delay_s": 3_600}
    return msgspec.structs.replace(given, markets=markets, **rules, **times)


def seawall(*words: str) -> str:
    command = [sys.executable, "-m", "seawall", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_day_on_a_node_without_accounts(tmp_path: Path) -> None:
    keystore, password = tmp_path / "operator.json", tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text(PASSWORD + "\n")
    make_keystore(keystore, PASSWORD)
    key = load_key(keystore, PASSWORD)
    with anvil("--accounts", "0") as url:
        w3 = connect(url)
        assert lenders(Client(w3, None)) == []
        for wallet in (key, *(number.to_bytes(32, "big") for number in (41, 42))):
            w3.provider.make_request("anvil_setBalance", [Client(w3, wallet).address, hex(COINS)])
        home = tmp_path / "data" / "chain"
        home.mkdir(parents=True)
        file, record = tmp_path / "settings.json", home / "deployment.json"
        file.write_bytes(msgspec.json.encode(settings()))
        keys = ("--keystore", str(keystore), "--password-file", str(password))
        seawall("chain", "deploy", "--rpc", url, "--settings", str(file), "--deployment", str(record), *keys)
        more = f'keystore = "{keystore}"\npassword_file = "{password}"\ndeployment = "{record}"\n'
        venue = OnChain(tmp_path, url, more)
        try:
            venue.start()
            live_through(venue)
        finally:
            if venue.process is not None:
                venue.kill()
        assert "every balance agrees" in seawall("chain", "verify", "--rpc", url, "--deployment", str(record))
        log = venue.log.read_text() + record.read_text()
        assert PASSWORD not in log
        assert key.hex() not in log
