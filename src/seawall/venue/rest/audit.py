"""What anybody may check: the engine's promises over the live state, its books, and proofs that an account is in them.

The look is at one state between two turns. The tree is made from a copy, at most every LOOK_MS, so that asking often
costs the venue little.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from seawall.engine.invariant_view import View
from seawall.engine.invariants import FULL, Invariant, broken
from seawall.ledger import state
from seawall.tools.account_file import CROSS, isolated_name
from seawall.venue.decimals import usd_text
from seawall.venue.names import address_text
from seawall.venue.rest.audit_shapes import (
    BooksView,
    ChecksView,
    CheckView,
    InclusionView,
    LeafView,
    StepUpView,
    TreeView,
)
from seawall.venue.rest.terms import buckets_of
from seawall.venue.service import Service

LOOK_MS: Final = 10_000  # a look takes some 80 ms of the loop
EMPTY: Final = (bytes(32), 0)
SUM_BYTES: Final = 16
NOBODY: Final = bytes(20)  # owns the pools
Node = tuple[bytes, int]


class Leaf(NamedTuple):
    """A bucket by its number, whose it is, and its equity in micro-USD."""

    number: int
    owner: bytes
    equity: int


def leaf_node(leaf: Leaf) -> Node:
    """A leaf's hash and sum."""
    body = leaf.owner + leaf.number.to_bytes(8, "big") + leaf.equity.to_bytes(SUM_BYTES, "big", signed=True)
    return hashlib.sha256(body).digest(), max(0, leaf.equity)


def parent(left: Node, right: Node) -> Node:
    """The node over two."""
    body = left[0] + left[1].to_bytes(SUM_BYTES, "big") + right[0] + right[1].to_bytes(SUM_BYTES, "big")
    return hashlib.sha256(body).digest(), left[1] + right[1]


class Tree:
    """All levels over leaves in the order of their numbers, filled up with empty ones; the last level is the root."""

    def __init__(self, leaves: Sequence[Leaf]) -> None:
        """At least one leaf, each number once, ascending."""
        self.places = {leaf.number: place for place, leaf in enumerate(leaves)}
        self.leaves = leaves
        level = [leaf_node(leaf) for leaf in leaves]
        level += [EMPTY] * ((1 << (len(level) - 1).bit_length()) - len(level))
        self.levels = [level]
        while len(level) > 1:  # at most 32 times
            level = [parent(*pair) for pair in zip(level[::2], level[1::2], strict=True)]
            self.levels.append(level)

    @property
    def root(self) -> Node:
        return self.levels[-1][0]

    def path(self, number: int) -> tuple[StepUpView, ...]:
        """A bucket's neighbours up to the root."""
        place, found = self.places[number], []
        for level in self.levels[:-1]:
            digest, total = level[place ^ 1]
            found.append(StepUpView(hash=digest.hex(), sum=str(total), is_left=bool(place & 1)))
            place >>= 1
        return tuple(found)


class Audit:
    """The last look at the state."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._looked = -LOOK_MS
        self._lock = asyncio.Lock()
        self._tree = Tree([Leaf(0, NOBODY, 0)])
        self._view: ChecksView

    async def checks(self) -> ChecksView:
        """All promises, a few seconds old at most."""
        await self._look()
        return self._view

    async def inclusion(self, account: int) -> InclusionView:
        """Proofs of all buckets of an account that are in the tree."""
        await self._look()
        service, tree = self._service, self._tree
        numbers = [number for number in buckets_of(service.columns, account) if number in tree.places]
        return InclusionView(
            address=address_text(service.people.persons[account].address),
            tree=self._view.tree,
            leaves=tuple(self._leaf(number) for number in numbers),
        )

    def _leaf(self, number: int) -> LeafView:
        columns, listings = self._service.columns, self._service.universe.listings
        market = columns["bucket_market"].item(number)
        leaf = self._tree.leaves[self._tree.places[number]]
        return LeafView(
            bucket=CROSS if market < 0 else isolated_name(listings[market].coin),
            number=number,
            equity=str(leaf.equity),
            path=self._tree.path(number),
        )

    async def _look(self) -> None:
        async with self._lock:
            service = self._service
            if service.now - self._looked < LOOK_MS:
                return
            await service.desk.settled()
            self._looked = service.now
            view = View(service.columns)
            faults = {one.name: one.facts for one in broken(service.columns, FULL)}
            books, leaves = books_view(view), self._leaves(view)
            time, sequence = service.now, service.desk.sequence
            self._tree = await asyncio.to_thread(Tree, leaves)
            self._view = ChecksView(
                time=time,
                sequence=sequence,
                checks=tuple(_check(one, faults.get(one.name, "")) for one in FULL),
                books=books,
                tree=_tree_view(self._tree, sequence),
            )

    def _leaves(self, view: View) -> list[Leaf]:
        persons, owners = self._service.people.persons, view["bucket_owner"]
        equity = view.equity
        found = []
        for number in np.flatnonzero(equity).tolist():
            owner = owners.item(number)
            address = persons[owner].address if 0 <= owner < len(persons) else NOBODY
            found.append(Leaf(number, address, equity.item(number)))
        return found or [Leaf(0, NOBODY, 0)]


def _check(promise: Invariant, facts: str) -> CheckView:
    return CheckView(name=promise.name, promise=promise.line, holds=not facts, facts=facts)


def _tree_view(tree: Tree, sequence: int) -> TreeView:
    digest, total = tree.root
    below = sum(min(0, leaf.equity) for leaf in tree.leaves)
    return TreeView(
        sequence=sequence, root=digest.hex(), total=usd_text(total), below=usd_text(below), leaves=len(tree.leaves)
    )


def books_view(view: View) -> BooksView:
    """The venue's balance; what unsettled funding is rounded by is left over."""
    insurance, equity = int(view["market_insurance"].sum()), int(view.equity.sum())
    held: dict[str, Any] = {
        "pending": view.cells(state.PENDING),
        "fees": view.cells(state.FEES),
        "dust": view.cells(state.DUST),
        "bad_debt": view.cells(state.BAD_DEBT),
    }
    vault = view.cells(state.VAULT)
    rounding = vault - equity - insurance - sum(held.values())
    texts = {name: usd_text(amount) for name, amount in held.items()}
    return BooksView(
        vault=usd_text(vault),
        equity=usd_text(equity),
        insurance=usd_text(insurance),
        rounding=usd_text(rounding),
        **texts,
    )
