"""Collateral again from the chain's events alone: tokens in lots, LP positions and what is borrowed against them."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from seawall.chain import layout as at
from seawall.chain.client import Client
from seawall.chain.deploy import Deployment

OWNER_OF: Final = {
    "type": "function",
    "name": "ownerOf",
    "stateMutability": "view",
    "inputs": [{"name": "id", "type": "uint256"}],
    "outputs": [{"name": "", "type": "address"}],
}
HOLDS: Final = at.mask_of(at.BUCKET_WORD, "assets", "lp")
Same = Callable[[str, int, int], None]  # what, rebuilt, found


class CollateralBooks:
    """What the events of CollateralVault, LPCollateral and Lending say."""

    def __init__(self) -> None:
        self.cash: defaultdict[int, int] = defaultdict(int)  # raw_usd
        self.entry: defaultdict[tuple[int, int], int] = defaultdict(int)  # (bucket, market)
        self.reserve = 0
        self.lots: defaultdict[tuple[int, int], int] = defaultdict(int)  # (account, asset)
        self.places: dict[int, tuple[int, int]] = {}  # NFT -> (account, its word)

    def _collateralin(self, v: dict[str, Any]) -> None:
        self.lots[(v["account"], v["asset"])] += v["lots"]

    def _collateralout(self, v: dict[str, Any]) -> None:
        self.lots[(v["account"], v["asset"])] -= v["lots"]

    def _collateralsold(self, v: dict[str, Any]) -> None:
        self.lots[(v["account"], v["asset"])] -= v["lots"]
        self.lots[(v["buyer"], v["asset"])] += v["lots"]

    def _interest(self, v: dict[str, Any]) -> None:
        if v["leaving"]:
            self.cash[v["bucket"]] -= v["amount"]
        self.reserve += v["amount"]

    def _covered(self, v: dict[str, Any]) -> None:
        self.reserve -= v["amount"]

    def _lpin(self, v: dict[str, Any]) -> None:
        self.places[v["id"]] = v["account"], v["place"]

    def _lpchanged(self, v: dict[str, Any]) -> None:
        self.places[v["id"]] = v["account"], v["place"]

    def _lpout(self, v: dict[str, Any]) -> None:
        del self.places[v["id"]]

    def _lpunwound(self, v: dict[str, Any]) -> None:
        if v["liquidity"] > 0:
            del self.places[v["id"]]


def compare(client: Client, record: Deployment, books: CollateralBooks, buckets: list[int], same: Same) -> None:
    """Tokens and totals of every asset; positions, their NFTs, their pools' liquidity; bits of buckets; debts."""
    from eth_utils.address import to_checksum_address

    vault = client.at("CollateralVault", record.addresses["CollateralVault"])
    house = client.at("ClearingHouse", record.addresses["ClearingHouse"])
    heads = {bucket: int(client.call(house, "word_of", at.BUCKET | bucket)) for bucket in buckets}
    bits: defaultdict[int, int] = defaultdict(int)
    for asset in range(int(client.call(vault, "asset_count"))):
        said = client.call(vault, "assets", asset)
        token, unit, stored = str(said[0]), int(said[1]), int(said[at.ASSET_TOTAL])
        total = 0
        for bucket in buckets:
            lots = books.lots[(bucket, asset)]
            same(f"asset {asset} of {bucket:#x}", lots, int(client.call(vault, "held", bucket, asset)))
            bits[bucket] |= (lots != 0) << asset
            total += lots
        same(f"asset {asset} in all", total, stored)
        there = int(client.call(client.at("TestToken", to_checksum_address(token)), "balanceOf", vault.address))
        same(f"tokens behind asset {asset}", total * unit, min(total * unit, there))
    for bucket, head in heads.items():
        if head:
            same(f"assets of {bucket:#x}", bits[bucket], at.unpack(at.BUCKET_WORD, head)["assets"])
    _compare_debts(client, record, books, {bucket for bucket, head in heads.items() if head & HOLDS}, same)
    if "LPCollateral" in record.addresses:
        _compare_positions(client, record, books, heads, same)


def _compare_debts(client: Client, record: Deployment, books: CollateralBooks, holders: set[int], same: Same) -> None:
    """Who holds collateral borrows what its cash is short of, and nobody else; the sum, and the reserve of interest."""
    lending = client.at("Lending", record.addresses["Lending"])
    cash = books.cash.copy()
    for (bucket, _), entry in books.entry.items():
        cash[bucket] += entry
    total = 0
    for bucket, amount in sorted(cash.items()):
        debt = max(0, -amount) if bucket in holders else 0
        same(f"debt of {bucket:#x}", debt, int(client.call(lending, "debt_of", bucket)))
        total += debt
    same("borrowed in all", total, int(client.call(lending, "lent")[3]))
    same("reserve of interest", books.reserve, int(client.call(lending, "reserve")))


def _compare_positions(
    client: Client, record: Deployment, books: CollateralBooks, heads: dict[int, int], same: Same
) -> None:
    lp = client.at("LPCollateral", record.addresses["LPCollateral"])
    manager = client.w3.eth.contract(address=client.call(lp, "MANAGER"), abi=[OWNER_OF])
    for bucket, head in heads.items():
        told = sorted(place for account, place in books.places.values() if account == bucket)
        found = sorted(int(place) for place in client.call(lp, "places_of", bucket))
        same(f"number of positions of {bucket:#x}", len(told), len(found))
        for one, other in zip(told, found, strict=False):
            same(f"position of {bucket:#x}", one, other)
        if head:
            same(f"mark of positions of {bucket:#x}", int(bool(told)), at.unpack(at.BUCKET_WORD, head)["lp"])
    liquidity: defaultdict[int, int] = defaultdict(int)
    for id_, (_, place) in sorted(books.places.items()):
        fields = at.unpack(at.PLACE_WORD, place)
        liquidity[fields["pool"]] += fields["liquidity"]
        owner = client.call(manager, "ownerOf", id_)
        same(f"owner of NFT {id_}", int(lp.address, 16), int(owner, 16))
    for pool in range(int(client.call(lp, "pool_count"))):
        same(f"liquidity of pool {pool}", liquidity[pool], int(client.call(lp, "liquidity_in", pool)))
