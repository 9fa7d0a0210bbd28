"""Every balance again from the chain's events alone, and compared with the words that the ClearingHouse holds.

An independent reading: cash, sizes, entry notionals, insurance, fees, open interest and the vault's books follow from
what the contracts have told. Nothing of the ledger's words is read before the comparison.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from seawall.chain import layout as at
from seawall.chain.client import Client
from seawall.chain.deploy import Deployment
from seawall.chain.events import Happened, fill_of, read
from seawall.chain.rebuild_collateral import CollateralBooks, compare
from seawall.units import FUNDING_INDEX_PER_MICRO, floor_div

TOLD: Final[tuple[str, ...]] = ("ClearingHouse", "CollateralVault", "LPCollateral", "Lending")


class Difference(msgspec.Struct, frozen=True):
    """Where events and words do not agree."""

    what: str
    rebuilt: int
    found: int


class Books(CollateralBooks):
    """What the events say."""

    def __init__(self) -> None:
        super().__init__()
        self.size: defaultdict[tuple[int, int], int] = defaultdict(int)
        self.insurance: defaultdict[int, int] = defaultdict(int)
        self.fees: defaultdict[int, int] = defaultdict(int)
        self.vault = self.pending = self.debt = 0
        self.buckets: set[int] = set()

    def take(self, told: Iterable[Happened]) -> int:
        """Every event in order; returns how many."""
        count = 0
        for one in told:
            count += 1
            act = getattr(self, f"_{one.name.lower()}", None)
            if act is not None:
                act(one.values)
        return count

    def _accountopened(self, v: dict[str, Any]) -> None:
        self.buckets.add(v["account"])

    def _cash(self, v: dict[str, Any]) -> None:
        self.cash[v["bucket"]] += v["amount"]

    def _cashmoved(self, v: dict[str, Any]) -> None:
        self.buckets.update((v["giver"], v["taker"]))
        self.cash[v["giver"]] -= v["amount"]
        self.cash[v["taker"]] += v["amount"]

    def _fundingpaid(self, v: dict[str, Any]) -> None:
        self.cash[v["bucket"]] += v["amount"]

    def _filled(self, v: dict[str, Any]) -> None:
        fill = fill_of(v)
        for bucket, sign, fee in ((v["taker"], 1, fill["fee"]), (v["maker"], -1, fill["maker_fee"])):
            if bucket != 0:
                self._trade(bucket, fill["market"], sign * fill["size"], fill["price"], fee)
        self.fees[fill["market"]] += fill["fee"] + fill["maker_fee"]

    def _trade(self, bucket: int, market: int, size: int, price: int, fee: int) -> None:
        self.buckets.add(bucket)
        key = (bucket, market)
        old, entry = self.size[key], self.entry[key]
        after = old + size
        if old == 0 or (old > 0) == (size > 0):
            kept = entry + size * price
        elif after == 0:
            kept = 0
        elif (after > 0) == (old > 0):
            kept = floor_div(entry * abs(after), abs(old))
        else:
            kept = after * price
        self.size[key], self.entry[key] = after, kept
        self.cash[bucket] -= size * price + fee

    def _positionmoved(self, v: dict[str, Any]) -> None:
        giver, taker, market = v["giver"], v["taker"], v["market"]
        self.buckets.update((giver, taker))
        raw = v["cash"] - self.entry[(giver, market)]
        self.cash[giver] -= raw
        self.cash[taker] += raw
        for table in (self.size, self.entry):
            table[(taker, market)] = table[(giver, market)]
            table[(giver, market)] = 0

    def _insurance(self, v: dict[str, Any]) -> None:
        self.insurance[v["market"]] += v["amount"]
        self.cash[v["bucket"]] -= v["amount"]

    def _debtabsorbed(self, v: dict[str, Any]) -> None:
        self.cash[v["bucket"]] += v["amount"]
        self.debt += v["amount"]

    def _profitcut(self, v: dict[str, Any]) -> None:
        if v["bucket"] == 0:
            return
        self.cash[v["bucket"]] -= v["amount"]
        self.debt -= v["amount"]
        if v["entry"]:
            self.entry[(v["bucket"], v["market"])] += v["amount"]

    def _deposited(self, v: dict[str, Any]) -> None:
        self.vault += v["amount"]

    def _withdrawalmade(self, v: dict[str, Any]) -> None:
        self.pending += v["amount"]

    def _withdrawalpaid(self, v: dict[str, Any]) -> None:
        self.vault -= v["amount"]
        self.pending -= v["amount"]

    def _withdrawalcancelled(self, v: dict[str, Any]) -> None:
        self.pending -= v["amount"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What `seawall chain verify` found."""

    block: int
    events: int
    buckets: int
    positions: int
    vault: int  # micro-USD held for accounts
    tokens: int  # micro-USD in tokens that the vault has
    liabilities: int  # raw_usd of all buckets, insurance, fees, interest, dust and pending, less bad debt
    differences: list[Difference]

    @property
    def is_whole(self) -> bool:
        return not self.differences


def verify(client: Client, record: Deployment) -> Verdict:
    """Rebuilds every balance from events up to the latest block and compares it with the words there."""
    w3 = client.w3
    last = int(w3.eth.block_number)
    addresses = {name: record.addresses[name] for name in TOLD if name in record.addresses}
    books = Books()
    count = books.take(read(w3, addresses, record.block, last))
    house = client.at("ClearingHouse", record.addresses["ClearingHouse"])

    def ask(keys: list[int]) -> list[int]:
        return [int(word) for word in client.call(house, "words_of", keys, block=last)]

    found: list[Difference] = []
    buckets = sorted(books.buckets)
    markets = range(len(record.settings.markets))
    prices = [at.unpack(at.PRICE_WORD, ask([at.market_key(at.PRICE, m)])[0]) for m in markets]
    total, unsettled = _compare_buckets(ask, books, buckets, [price["index"] for price in prices], found)
    funds = [at.unpack(at.FUND_WORD, ask([at.market_key(at.FUND, m)])[0]) for m in markets]
    for market, fund in enumerate(funds):
        _same(found, f"insurance of market {market}", books.insurance[market], fund["insurance"])
        _same(found, f"fees of market {market}", books.fees[market], fund["fees"])
        longs = sum(max(0, size) for (_, m), size in books.size.items() if m == market)
        risk = at.unpack(at.RISK_WORD, ask([at.market_key(at.RISK, market)])[0])
        _same(found, f"open interest of market {market}", longs, risk["open"])
        entries = sum(entry for (_, m), entry in books.entry.items() if m == market)
        _same(found, f"entries of market {market}", entries, fund["entries"])
    money = at.unpack(at.MONEY_WORD, ask([at.VENUE | at.MONEY])[0])
    _same(found, "vault", books.vault, money["vault"])
    _same(found, "pending withdrawals", books.pending, money["pending"])
    _same(found, "bad debt", books.debt, money["debt"])
    owed = total + sum(f["insurance"] + f["fees"] for f in funds) + books.reserve + money["pending"] - money["debt"]
    funding = unsettled + sum(f["residue"] for f in funds)  # 1e-12 USD
    wide = (owed + money["dust"]) * FUNDING_INDEX_PER_MICRO + funding
    _same(found, "the vault and all liabilities, in 1e-12 USD", wide, money["vault"] * FUNDING_INDEX_PER_MICRO)
    compare(client, record, books, buckets, lambda *one: _same(found, *one))
    tokens = _tokens(client, record)
    if tokens < money["vault"]:
        found.append(Difference("tokens behind the vault", money["vault"], tokens))
    return Verdict(
        block=last,
        events=count,
        buckets=len(buckets),
        positions=sum(1 for size in books.size.values() if size),
        vault=money["vault"],
        tokens=tokens,
        liabilities=owed,
        differences=found,
    )


def _compare_buckets(
    ask: Any, books: Books, buckets: list[int], index: list[int], found: list[Difference]
) -> tuple[int, int]:
    """Cash and positions of every bucket; returns the sum of raw_usd and the funding not yet settled, in 1e-12 USD.

    Trades move raw_usd between buckets exactly; a position settles funding up to its market's `index` when touched.
    """
    total = unsettled = 0
    for bucket in buckets:
        head = ask([at.BUCKET | bucket])[0]
        raw = at.unpack(at.BUCKET_WORD, head)["raw"] if head else 0
        _same(found, f"cash of {bucket:#x}", books.cash[bucket], raw)
        held = {market for (one, market), size in books.size.items() if one == bucket and size}
        markets = set(at.markets_of(head))
        for market in sorted(held ^ markets):
            found.append(Difference(f"position of {bucket:#x} in {market}", market in held, market in markets))
        total += raw
        for market in sorted(held & markets):
            position = at.unpack(at.POSITION_WORD, ask([at.position_key(bucket, market)])[0])
            _same(found, f"size of {bucket:#x} in {market}", books.size[(bucket, market)], position["size"])
            _same(found, f"entry of {bucket:#x} in {market}", books.entry[(bucket, market)], position["entry"])
            unsettled -= position["size"] * (index[market] - position["index"])
    return total, unsettled


def _same(found: list[Difference], what: str, rebuilt: int, word: int) -> None:
    if rebuilt != word:
        found.append(Difference(what, rebuilt, word))


def _tokens(client: Client, record: Deployment) -> int:
    """Micro-USD in tokens that the vault holds, rounded down."""
    vault = client.at("CollateralVault", record.addresses["CollateralVault"])
    token = client.at("TestToken", client.call(vault, "USD"))
    held, unit = int(client.call(token, "balanceOf", vault.address)), int(client.call(vault, "USD_UNIT"))
    return floor_div(held, unit) if unit else held * int(client.call(vault, "USD_GRAIN"))
