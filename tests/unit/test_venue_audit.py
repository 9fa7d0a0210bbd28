"""What anybody may check over `/v1`: promises and books, proofs of inclusion."""

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from seawall.engine.invariants import FULL
from seawall.ledger import state
from seawall.venue import config
from seawall.venue.names import address_text
from seawall.venue.ops.limits import Limits
from seawall.venue.reads import Reads
from seawall.venue.rest.audit import Leaf, Tree
from seawall.venue.rest.audit_routes import SHAPES, audit_router
from seawall.venue.rest.audit_shapes import ChecksView, InclusionView, LeafView, TreeView
from seawall.venue.rest.routes import Rest, create_rest
from venue_rig import Rig, key, run

MAKER, TAKER = key(1), key(2)


async def opened(rig: Rig) -> httpx.AsyncClient:
    """BTC at 50,000 USD; a taker of 10,000 USD long 1.5 BTC of a maker, at 20x."""
    await rig.list_market()
    await rig.fund(MAKER, 1_000_000)
    await rig.fund(TAKER, 10_000)
    await rig.order(MAKER, False, "50000", "1.5")
    assert "filled" in await rig.order(TAKER, True, "50000", "1.5")
    rest = Rest(rig.service, Reads(rig.service.desk.venue), Limits(config.Limits(enabled=False)))
    app = FastAPI()
    create_rest(app, rest, audit_router(rest), shapes=SHAPES)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("10.1.1.1", 5)), base_url="http://venue")


async def asked(client: httpx.AsyncClient, path: str, kind: type[Any]) -> Any:
    found = await client.get(f"/v1{path}")
    assert found.status_code == 200, found.text
    return msgspec.json.decode(found.content, type=kind)


def climbed(address: str, leaf: LeafView) -> tuple[str, int]:
    """(root, total) that a proof leads to: written from the words in LeafView alone."""
    equity = int(leaf.equity)
    start = bytes.fromhex(address[2:]) + leaf.number.to_bytes(8, "big") + equity.to_bytes(16, "big", signed=True)
    digest, total = hashlib.sha256(start).digest(), max(0, equity)
    for step in leaf.path:
        mine = digest + total.to_bytes(16, "big")
        theirs = bytes.fromhex(step.hash) + int(step.sum).to_bytes(16, "big")
        digest = hashlib.sha256(theirs + mine if step.is_left else mine + theirs).digest()
        total += int(step.sum)
    return digest.hex(), total


def proves(view: InclusionView, tree: TreeView) -> bool:
    wanted = (tree.root, int(Fraction(tree.total) * 1_000_000))
    return all(climbed(view.address, leaf) == wanted for leaf in view.leaves)


def test_promises_books_and_proofs_of_a_live_venue(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        client = await opened(rig)
        told: ChecksView = await asked(client, "/checks", ChecksView)
        assert [one.name for one in told.checks] == [one.name for one in FULL]
        assert all(one.holds and one.facts == "" for one in told.checks)
        books = told.books
        parts = (books.equity, books.insurance, books.pending, books.fees, books.dust, books.bad_debt, books.rounding)
        assert sum(map(Fraction, parts)) == Fraction(books.vault) == 1_010_000
        assert Fraction(told.tree.total) + Fraction(told.tree.below) == Fraction(books.equity)
        for wallet in (MAKER, TAKER):
            view = await asked(client, f"/accounts/{address_text(wallet.address)}/inclusion", InclusionView)
            assert len(view.leaves) == 1
            assert view.tree == told.tree
            assert proves(view, told.tree)
            richer = msgspec.structs.replace(view.leaves[0], equity=str(int(view.leaves[0].equity) + 1))
            assert not proves(msgspec.structs.replace(view, leaves=(richer,)), told.tree)
        assert (await client.get("/v1/accounts/0x" + "22" * 20 + "/inclusion")).status_code == 404

    run(tmp_path, scenario)


def test_a_broken_book_is_told(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        client = await opened(rig)
        rig.service.columns["cell"][state.FEES] += 5
        try:
            told: ChecksView = await asked(client, "/checks", ChecksView)
        finally:
            rig.service.columns["cell"][state.FEES] -= 5
        broken = {one.name: one.facts for one in told.checks if not one.holds}
        assert "INV_CONSERVATION" in broken
        assert "off by" in broken["INV_CONSERVATION"]

    run(tmp_path, scenario)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_every_leaf_of_a_tree_of_any_size_is_proven(count: int) -> None:
    owner = bytes(range(20))
    leaves = [Leaf(3 * number, owner, (-1) ** number * 10**number) for number in range(count)]
    tree = Tree(leaves)
    digest, total = tree.root
    assert total == sum(leaf.equity for leaf in leaves if leaf.equity > 0)
    for leaf in leaves:
        shown = LeafView(bucket="cross", number=leaf.number, equity=str(leaf.equity), path=tree.path(leaf.number))
        assert climbed("0x" + owner.hex(), shown) == (digest.hex(), total)
