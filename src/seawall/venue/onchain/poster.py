"""Roots of the state, posted once both sides agree (contracts/StateRoots.vy); whether the chain has halted the venue.

A root is of one block: every word of a comparison is read as it was at that block's end. It is posted only where venue
and chain have agreed on every account, so nobody can show of an honest venue that its root says something else.
"""

from typing import Any

from seawall.chain import layout as at
from seawall.chain.client import Client
from seawall.chain.deploy import Deployment
from seawall.chain.roots import Leaf, Tree
from seawall.terms import command
from seawall.units import FundingIndex, Lots, pending_funding


class Reading:
    """The words of a comparison at one block, and the leaves that they make."""

    def __init__(self, client: Client, house: Any, block: int) -> None:
        self._client, self._house, self.block = client, house, block
        self.leaves: list[Leaf] = []
        self._prices: dict[int, dict[str, int]] = {}

    def words(self, keys: list[int]) -> list[int]:
        """Words under keys."""
        if not keys:
            return []
        return [int(word) for word in self._client.call(self._house, "words_of", keys, block=self.block)]

    def lots(self, bucket: int, head: int) -> dict[int, int]:
        """Lots of a bucket by market; it is a leaf now."""
        markets = at.markets_of(head) if head else []
        found = self.words([at.position_key(bucket, market) for market in markets])
        held = [at.unpack(at.POSITION_WORD, word) for word in found]
        if head:
            fields = at.unpack(at.BUCKET_WORD, head)
            equity = fields["raw"] + sum(self._worth(m, p) for m, p in zip(markets, held, strict=True))
            self.leaves.append(
                Leaf(
                    bucket=bucket,
                    raw=fields["raw"],
                    markets=tuple(markets),
                    positions=tuple(found),
                    equity=equity,
                    liquidating=bool(fields["liquidating"]),
                )
            )
        return {market: position["size"] for market, position in zip(markets, held, strict=True)}

    def _worth(self, market: int, position: dict[str, int]) -> int:
        """Value of a position with its funding, micro-USD."""
        if market not in self._prices:
            (word,) = self.words([at.market_key(at.PRICE, market)])
            self._prices[market] = at.unpack(at.PRICE_WORD, word)
        now = self._prices[market]
        size = Lots(position["size"])
        funding = pending_funding(size, FundingIndex(now["index"]), FundingIndex(position["index"]))
        return size * now["price"] + funding


class Poster:
    """Posts roots, and keeps the last one's tree for proofs."""

    def __init__(self, client: Client, record: Deployment) -> None:
        self._client, self._record = client, record
        self.epoch = 0  # of the last root of this process; 0: none yet
        self.tree: Tree | None = None

    def _contract(self, name: str) -> Any:
        return self._client.at(name, self._record.addresses[name])

    def read(self, block: int) -> Reading:
        return Reading(self._client, self._contract("ClearingHouse"), block)

    def post(self, reading: Reading, sequence: int, state: bytes) -> None:
        """The next epoch's root. ChainFault and Refused as a transaction has them."""
        if not reading.leaves:
            return
        roots, tree = self._contract("StateRoots"), Tree(reading.leaves)
        epoch = int(self._client.call(roots, "epoch")) + 1
        self._client.send(roots, "post", epoch, state, tree.root, tree.total, sequence, reading.block)
        self.epoch, self.tree = epoch, tree

    def is_halted(self) -> bool:
        """Whether the venue's status on the chain is HALTED or beyond: by its guardian, or by a proof of divergence."""
        word = int(self._client.call(self._contract("ClearingHouse"), "word_of", at.VENUE | at.POLICY))
        return at.unpack(at.POLICY_WORD, word)["status"] >= command.HALTED
