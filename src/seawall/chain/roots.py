"""The Merkle-sum tree over all buckets that a venue posts once an epoch, and proofs (contracts/StateRoots.vy).

A leaf is the hash of a bucket's id, its word without flags of the chain alone, and its positions' words; its sum is the
bucket's equity, not below 0. A node hashes both sides with their sums. The tree is filled up with empty leaves.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from seawall.chain import layout as at
from seawall.chain.orders import keccak, word
from seawall.units import BadInput

COMPARED: Final = 2**198 - 1
EMPTY: Final = bytes(32)
DEPTH_MAX: Final = 32


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue says of one bucket; positions in the order of the bucket's list."""

    bucket: int
    raw: int
    markets: tuple[int, ...]
    positions: tuple[int, ...]  # words
    equity: int
    liquidating: bool = False

    @property
    def head(self) -> int:
        places = sum(market << 8 * i for i, market in enumerate(self.markets))
        fields = {"raw": self.raw, "list": places, "count": len(self.markets), "liquidating": int(self.liquidating)}
        return at.pack(at.BUCKET_WORD, **fields) & COMPARED

    @property
    def hash(self) -> bytes:
        body = word(self.bucket) + word(self.head) + word(96) + word(len(self.positions))
        return keccak(body + b"".join(word(position) for position in self.positions))


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """Where a leaf is, and its neighbours up to the root."""

    place: int
    hashes: tuple[bytes, ...]
    sums: tuple[int, ...]


class Tree:
    """All levels of a tree; the last is the root."""

    def __init__(self, leaves: Sequence[Leaf]) -> None:
        """BadInput without leaves, or for a bucket that is there twice."""
        if not leaves or len({leaf.bucket for leaf in leaves}) != len(leaves):
            raise BadInput("leaves", "none, or a bucket twice")
        self.leaves = sorted(leaves, key=lambda leaf: leaf.bucket)
        level = [(leaf.hash, max(0, leaf.equity)) for leaf in self.leaves]
        size = 1 << (len(level) - 1).bit_length()
        level += [(EMPTY, 0)] * (size - len(level))
        self.levels = [level]
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2], strict=True)
            level = [(node(left, right), left[1] + right[1]) for left, right in pairs]
            self.levels.append(level)

    @property
    def root(self) -> bytes:
        return self.levels[-1][0][0]

    @property
    def total(self) -> int:
        return self.levels[-1][0][1]

    def proof(self, bucket: int) -> Proof:
        """The proof of a bucket. BadInput when it is not there."""
        places = [place for place, leaf in enumerate(self.leaves) if leaf.bucket == bucket]
        if not places:
            raise BadInput("bucket", f"{bucket:#x} is not in the tree")
        place, hashes, sums = places[0], [], []
        for level in self.levels[:-1]:
            other = level[place ^ 1]
            hashes.append(other[0])
            sums.append(other[1])
            place >>= 1
        return Proof(place=places[0], hashes=tuple(hashes), sums=tuple(sums))


def node(left: tuple[bytes, int], right: tuple[bytes, int]) -> bytes:
    """The hash over two nodes and their sums."""
    return keccak(left[0] + word(left[1]) + right[0] + word(right[1]))
