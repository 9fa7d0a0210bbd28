"""Roots of a venue on a chain: posted as epochs pass, proved from outside, and a false one halts chain and venue."""

import http.client
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("web3", reason="chains are an extra: pip install seawall[chain]")
pytest.importorskip("uvicorn", reason="the service is an extra: pip install seawall[venue]")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import msgspec

from chain_process import OnChain, running
from seawall.chain import layout as at
from seawall.chain.client import Client, Refused, connect
from seawall.chain.keys import load_key, read_password
from seawall.chain.roots import Leaf, Tree
from seawall.terms import code
from venue_rig import key, order_action, wire


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[OnChain]:
    with running(OnChain(tmp_path, more="root_seconds = 2\n")) as made:
        yield made


def proof_of(venue: OnChain, address: str) -> dict[str, Any]:
    line = http.client.HTTPConnection("127.0.0.1", venue.port, timeout=30)
    line.request("GET", f"/v1/chain/proof/{address}")
    answer = line.getresponse()
    found: dict[str, Any] = json.loads(answer.read())
    line.close()
    return found if answer.status == 200 else {}


def arguments(said: dict[str, Any]) -> tuple[Any, ...]:
    """What `is_included` and `prove_divergence` take."""
    return (
        said["epoch"],
        int(said["bucket"]),
        int(said["head"]),
        [int(word) for word in said["positions"]],
        int(said["equity"]),
        said["place"],
        [bytes.fromhex(one[2:]) for one in said["hashes"]],
        [int(one) for one in said["sums"]],
    )


@pytest.mark.slow
def test_roots_are_posted_and_a_lie_halts_both(venue: OnChain) -> None:
    venue.until(lambda _: True, 300)
    buyer, seller = key(41), key(42)
    clients = [venue.join(one, number, 10_000) for one, number in ((buyer, 41), (seller, 42))]
    for client in clients:
        venue.approve(client)
    venue.until(lambda _: venue.cash(buyer) == venue.cash(seller) == 10_000)
    price = f"{round(float(venue.info({'type': 'allMids'})['ETH']))}"
    venue.act(seller, order_action(wire(False, price, "1.5", asset=1)))
    venue.act(buyer, order_action(wire(True, price, "1", asset=1)))
    settled = venue.until(lambda found: found["trades"] == found["sent"] == 1)
    found = venue.until(lambda found: found["epoch"] >= settled["epoch"] + 2)
    assert (found["gaps"], found["is_halted"]) == ([], False)
    roots = clients[0].at("StateRoots", venue.record.addresses["StateRoots"])
    said = proof_of(venue, clients[0].address)
    assert len(said["positions"]) == 1
    assert clients[0].call(roots, "is_included", *arguments(said))
    changed = said | {"equity": str(int(said["equity"]) + 1)}
    assert not clients[0].call(roots, "is_included", *arguments(changed))
    with pytest.raises(Refused) as refused:
        clients[0].send(roots, "prove_divergence", *arguments(said))
    assert refused.value.code == code.NOT_DUE, "an honest root is not a lie"
    assert proof_of(venue, "0x" + "99" * 20) == {}
    lie(venue, clients[1], roots, said)
    venue.until(lambda found: found["is_halted"])
    told = venue.act(buyer, order_action(wire(True, price, "0.1", asset=1)))
    assert "halted" in json.dumps(told), told


def lie(venue: OnChain, member: Client, roots: Any, said: dict[str, Any]) -> None:
    """The operator's key posts a root that takes a dollar from somebody; a member shows it."""
    home = venue.folder / "data" / "chain"
    operator = Client(connect(venue.rpc), load_key(home / "operator.json", read_password(home / "operator.password")))
    fields = at.unpack(at.BUCKET_WORD, int(said["head"]))
    markets = tuple(at.markets_of(int(said["head"])))
    words = tuple(int(word) for word in said["positions"])
    true = Leaf(
        bucket=int(said["bucket"]),
        raw=fields["raw"],
        markets=markets,
        positions=words,
        equity=int(said["equity"]),
    )
    tree = Tree([msgspec.structs.replace(true, raw=true.raw - 10**6)])
    for _ in range(5):  # the venue posts its own between
        epoch = int(operator.call(roots, "epoch")) + 1
        seen = int(operator.w3.eth.block_number)
        try:
            operator.send(roots, "post", epoch, bytes(32), tree.root, tree.total, 2**40, seen)
            break
        except Refused as refused:
            if refused.code != code.OUT_OF_SEQUENCE:
                raise
    leaf = tree.leaves[0]
    member.send(roots, "prove_divergence", epoch, leaf.bucket, leaf.head, list(leaf.positions), leaf.equity, 0, [], [])
