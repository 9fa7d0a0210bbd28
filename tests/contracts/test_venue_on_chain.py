"""`seawall up --chain` as a user meets it: money in by the vault, trades by the API, on the chain too, money out."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("web3", reason="chains are an extra: pip install seawall[chain]")
pytest.importorskip("uvicorn", reason="the service is an extra: pip install seawall[venue]")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from venue import anvil

from chain_process import USD, OnChain, running
from seawall.chain.client import Client, connect
from seawall.chain.rebuild import verify
from venue_rig import key, order_action, wire


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[OnChain]:
    with running(OnChain(tmp_path)) as made:
        yield made


def live_through(venue: OnChain) -> None:
    """Two members come, trade with each other by signed orders, and one takes money out."""
    venue.until(lambda _: True, 300)
    buyer, seller = key(41), key(42)
    clients = [venue.join(one, number, 10_000) for one, number in ((buyer, 41), (seller, 42))]
    venue.until(lambda found: len(found["unapproved"]) == 2)
    assert venue.cash(buyer) == 0, "money comes in only once the venue may settle what it buys"
    for client in clients:
        venue.approve(client)
    venue.until(lambda _: venue.cash(buyer) == venue.cash(seller) == 10_000)
    mid = float(venue.info({"type": "allMids"})["ETH"])
    price = f"{round(mid)}"
    told = venue.act(seller, order_action(wire(False, price, "1.5", asset=1)))
    assert "resting" in told["response"]["data"]["statuses"][0], told
    for size in ("0.4", "0.6"):
        told = venue.act(buyer, order_action(wire(True, price, size, asset=1)))
        assert "filled" in told["response"]["data"]["statuses"][0], told
    found = venue.until(lambda found: found["sent"] == 2 and not found["fault"])
    assert found["refused"] == {}
    compared = found["compared"]
    found = venue.until(lambda found: (found["compared"] or 0) > (compared or 0))
    assert found["gaps"] == []
    told = venue.act(buyer, {"type": "usdSend", "destination": "0x" + seller.address.hex(), "amount": "5"})
    assert told["status"] == "err"
    payee = "0x" + "77" * 20
    told = venue.act(buyer, {"type": "withdraw3", "destination": payee, "amount": "1000.25"})
    assert told["status"] == "ok", told
    venue.until(lambda found: found["withdrawals"] == 0)
    reader = Client(connect(venue.rpc), None)
    token = reader.at("TestToken", venue.record.addresses["TestToken"])
    assert reader.call(token, "balanceOf", reader.w3.to_checksum_address(payee)) == 1_000_250_000
    compared = venue.chain()["compared"]
    assert venue.until(lambda found: found["compared"] > compared)["gaps"] == []
    verdict = verify(reader, venue.record)
    assert verdict.is_whole, verdict.differences
    assert verdict.positions == 2
    assert verdict.vault == 20_000 * USD - 1_000_250_000


def cut_off(venue: OnChain) -> None:
    """Killed with trades that no block has yet, the venue settles each of them once when it is back."""
    buyer, seller = key(41), key(42)
    price = f"{round(float(venue.info({'type': 'allMids'})['ETH']))}"
    venue.act(seller, order_action(wire(False, price, "3", asset=1)))
    for _ in range(20):
        told = venue.act(buyer, order_action(wire(True, price, "0.1", asset=1)))
        assert "filled" in told["response"]["data"]["statuses"][0], told
    venue.kill()
    venue.start()
    found = venue.until(lambda found: found["trades"] >= 22 and found["sent"] == found["trades"], 300)
    assert (found["refused"], found["skipped"]) == ({}, 0)
    compared = found["compared"] or 0
    assert venue.until(lambda found: (found["compared"] or 0) > compared)["gaps"] == []
    reader = Client(connect(venue.rpc), None)
    verdict = verify(reader, venue.record)
    assert verdict.is_whole, verdict.differences


@pytest.mark.slow
def test_the_same_on_an_rpc(tmp_path: Path) -> None:
    with anvil() as url, running(OnChain(tmp_path, url)) as made:
        live_through(made)
        cut_off(made)


@pytest.mark.slow
def test_a_day_at_a_venue_on_a_chain_in_its_process(venue: OnChain) -> None:
    live_through(venue)
    record = venue.folder / "data" / "chain" / "deployment.json"
    command = [sys.executable, "-m", "seawall", "chain", "verify", "--rpc", venue.rpc, "--deployment", str(record)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
    assert done.returncode == 0, done.stderr
    assert "every balance agrees" in done.stdout
