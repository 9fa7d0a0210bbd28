"""Shapes of what anybody may check: promises, books, the tree of equities."""

from typing import Annotated

from seawall.venue.rest.shape import EXAMPLE_ADDRESS, Sequence, Shape, Time, says

Hash = Annotated[str, says("SHA-256 as hex.", "00" * 32)]


class CheckView(Shape, frozen=True, kw_only=True):
    """One promise of the engine (docs/INVARIANTS.md)."""

    name: Annotated[str, says("Its name, which never changes.", "INV_CONSERVATION")]
    promise: Annotated[str, says("What holds, in a sentence.", "Sizes of a market add up to nothing.")]
    holds: Annotated[bool, says("Whether it does.", True)]
    facts: Annotated[str, says("What is wrong; empty when it holds.", "")]


class BooksView(Shape, frozen=True, kw_only=True):
    """The venue's balance: vault = equity + insurance + pending + fees + dust + bad_debt + rounding."""

    vault: Annotated[str, says("Deposited and not paid out. USD.", "1000000.0")]
    equity: Annotated[str, says("Of all buckets and pools at the marks, those below 0 too. USD.", "990000.0")]
    insurance: Annotated[str, says("All insurance funds. USD.", "9000.0")]
    pending: Annotated[str, says("Frozen to be paid out. USD.", "0.0")]
    fees: Annotated[str, says("The venue's income. USD.", "1000.0")]
    dust: Annotated[str, says("Roundings that were kept. USD.", "0.0")]
    bad_debt: Annotated[str, says("Debt that nobody has made good, 0 or below. USD.", "0.0")]
    rounding: Annotated[
        str, says("What unsettled funding is rounded by, below one micro-USD a position. USD.", "0.000003")
    ]


class TreeView(Shape, frozen=True, kw_only=True):
    """The sum tree over all buckets with equity."""

    sequence: Sequence
    root: Hash
    total: Annotated[str, says("Sum of all equities that are above 0. USD.", "990000.0")]
    below: Annotated[str, says("Sum of those below 0. USD.", "0.0")]
    leaves: Annotated[int, says("Buckets in it.", 120)]


class ChecksView(Shape, frozen=True, kw_only=True):
    """All promises of the engine, checked over its state a moment ago, with the books and the tree of that state."""

    time: Time
    sequence: Sequence
    checks: tuple[CheckView, ...]
    books: BooksView
    tree: TreeView


class StepUpView(Shape, frozen=True, kw_only=True):
    """The neighbour at one level of the tree."""

    hash: Hash
    sum: Annotated[str, says("Its sum in micro-USD.", "1000000000")]
    is_left: Annotated[bool, says("Whether it stands on the left.", False)]


class LeafView(Shape, frozen=True, kw_only=True):
    """One bucket in the tree and its way to the root.

    Leaf: SHA-256 of the account's address, its bucket's number as 8 bytes, the equity as 16 bytes, two's complement.
    Its sum is the equity, not below 0. Node: SHA-256 of left hash, left sum, right hash, right sum; sums as 16 bytes.
    """

    bucket: Annotated[str, says('"cross", or "isolated" and the coin.', "cross")]
    number: Annotated[int, says("The engine's number of the bucket.", 17)]
    equity: Annotated[str, says("Its equity in micro-USD, as the leaf has it.", "1000000000")]
    path: tuple[StepUpView, ...]


class InclusionView(Shape, frozen=True, kw_only=True):
    """Proofs that an account's equity is in the total. Every proof is of one tree, a few seconds old at most."""

    address: Annotated[str, says("Address of the account.", EXAMPLE_ADDRESS)]
    tree: TreeView
    leaves: tuple[LeafView, ...]
