"""Collateral other than USD between venue and vault: what leaves is paid to its owner, what is sold is sold there too.

Only the operator moves it while the venue lives, by *errands*. A payout is of lots that the engine has frozen before
(SPEC section 2); a sale is what the engine has done with collateral of an account in liquidation. Each is brought once
every trade before it is settled, trades after a sale wait for it, and it has ended when its transaction is deep enough.
The vault knows its number, so one that was cut off, or dropped by a re-organisation, is done once.
"""

import logging
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any, Final

import msgspec

from seawall.chain import layout as at
from seawall.chain.client import Client, Refused
from seawall.chain.deploy import Deployment
from seawall.ledger import state
from seawall.terms import code, venue_parameter
from seawall.units import BadInput
from seawall.venue.onchain.terms import INTEREST, priced_by
from seawall.venue.onchain.trades import Trades, lines_of
from seawall.venue.people import People
from seawall.venue.records import NOBODY, Entry
from seawall.venue.service import Service

FILE: Final = "errands.jsonl"
SOLD: Final = "collateral"  # kind of the entries of a sale, the seller's before the buyer's (mirror_office.py)
SALE: Final = 1 << 63  # of a sale's number, above every id of a withdrawal; the rest is its command's sequence
OF_VENUE: Final = 1 << 241  # payouts.vy: the part of a used nonce's key that says it is an errand's number
AGAIN: Final = (code.WITHDRAWAL_LIMIT, code.WITHDRAWALS_CLOSED, code.STALE_PRICE)  # a payout waits for those
log = logging.getLogger(__name__)


class Errand(msgspec.Struct, kw_only=True):
    """Lots that leave an owner's account: to its wallet, or to a buyer for `cost` micro-USD.

    `number` is the engine's id of the withdrawal, or the sale's; `asset` the chain's; `after` the last trade before it.
    `block` is of its transaction (0: none is known), `refused` why a sale was not taken there.
    """

    number: int
    owner: str
    asset: int
    lots: int
    after: int
    buyer: str = ""
    cost: int = 0
    block: int = 0
    refused: int = 0
    ended: bool = False

    @property
    def is_sale(self) -> bool:
        return self.number >= SALE

    @property
    def waits(self) -> bool:
        """Whether it is to be brought."""
        return self.block == 0 and not self.ended


class Errands:
    """The file, and the errands that have not ended."""

    def __init__(self, folder: Path) -> None:
        self.open: dict[int, Errand] = {}
        self.refused: dict[int, int] = {}  # sales, by the sequence of their command
        self.sequence = self.sales = self.skipped = 0  # of the last sale; how many; those that the chain cannot have
        for one in lines_of(folder / FILE, Errand):
            self._keep(one)
        self._file = (folder / FILE).open("ab")

    def add(self, one: Errand) -> None:
        """A withdrawal that the engine has taken; one that is known already is passed over."""
        if one.number not in self.open:
            self.note(one)

    def sell(self, entries: Sequence[Entry], assets: Mapping[int, int], trades: Trades, people: People) -> None:
        """Takes the sales among entries of the log, `trades` up to then added before; what is known is passed over.

        One with a pool or a sub-account, or of an asset that the chain has not, is counted in `skipped`.
        """
        sold = [one for one in entries if one.kind == SOLD and one.sequence > self.sequence]
        while sold:
            seller = sold.pop(0)
            buyer = sold.pop(0) if sold and _are_sides(seller, sold[0]) else None
            owners = [] if buyer is None else [people.persons[one.account] for one in (seller, buyer)]
            if not owners or seller.other not in assets or any(one.master != one.account for one in owners):
                self.skipped += 1
                continue
            made = Errand(
                number=SALE | seller.sequence,
                owner="0x" + owners[0].address.hex(),
                asset=assets[seller.other],
                lots=seller.reference,
                after=trades.number_at(seller.sequence),
                buyer="0x" + owners[1].address.hex(),
                cost=seller.amount,
            )
            self.note(made)

    def note(self, one: Errand) -> None:
        """What has become of an errand."""
        self._file.write(msgspec.json.encode(one) + b"\n")
        self._file.flush()
        self._keep(one)

    def forget(self, pending: Set[int]) -> None:
        """After a start: a payout that waits and is not `pending` had returned to its account before a crash."""
        for one in [*self.open.values()]:
            if one.waits and not one.is_sale and one.number not in pending:
                one.ended = True
                self.note(one)

    def close(self) -> None:
        self._file.close()

    def _keep(self, one: Errand) -> None:
        if one.is_sale and one.number - SALE > self.sequence:
            self.sequence = one.number - SALE
            self.sales += 1
        if one.refused:
            self.refused[one.number - SALE] = one.refused
        if one.ended:
            self.open.pop(one.number, None)
        else:
            self.open[one.number] = one


def _are_sides(seller: Entry, buyer: Entry) -> bool:
    """Whether two entries are of one sale: what one gets the other pays."""
    return seller.sequence == buyer.sequence and seller.amount == -buyer.amount and seller.market != NOBODY


def joined(service: Service, record: Deployment) -> dict[int, int]:
    """The chain's number of each asset of the venue that it has. One that it has not cannot come in, and is told.

    BadInput for an asset of the chain that the venue does not list, or has in other lots: what is deposited there would
    count on one side; and for a deployment from whose vault owners take it past the venue, or where borrowers pay.
    """
    count = int(service.columns["cell"][state.ASSETS])
    listings = {priced_by(service, number).coin: (number, priced_by(service, number)) for number in range(count)}
    found = {}
    for place, terms in enumerate(record.settings.assets):
        if terms.name not in listings:
            raise BadInput("chain.deployment", f"it takes {terms.name} as collateral, which this venue does not list")
        number, listing = listings[terms.name]
        if listing.size_decimals != terms.size_decimals:
            raise BadInput("chain.deployment", f"a lot of {terms.name} is another there than at this venue")
        found[number] = place
    if found and record.settings.exit_delay_s == 0:
        raise BadInput("chain.deployment", "exit_delay_s is 0: collateral could leave it past this venue")
    numbers = {spec.name: spec.value for spec in venue_parameter.VENUE.values()} | record.settings.venue
    if found and any(numbers[name] for name in INTEREST):
        raise BadInput("chain.deployment", f"borrowers pay interest there: {', '.join(INTEREST)} are not all 0")
    for coin, (number, _) in listings.items():
        if number not in found:
            log.warning("collateral %s: the deployment does not take it, so none can come in", coin)
    return found


class Custody:
    """The vault's collateral for one thread: errands with the operator's key, and what accounts hold."""

    def __init__(self, client: Client, record: Deployment, depth: int) -> None:
        self._client, self._depth = client, depth
        self._vault = client.at("CollateralVault", record.addresses["CollateralVault"])
        self._names = [terms.name for terms in record.settings.assets]

    def look_after(self, one: Errand, head: int) -> int:
        """Brings an errand, or sees whether it is deep enough: then it has `ended`. The code that refuses it for good.

        ChainFault when the token or the chain does not do as it should: it comes again.
        """
        if one.block == 0:
            return self._bring(one, head)
        if head >= one.block + self._depth:
            one.ended = self.is_done(one)
            if not one.ended:
                one.block = 0  # a re-organisation has dropped it
        return code.OK

    def _bring(self, one: Errand, head: int) -> int:
        try:
            one.block = int(self._client.send(self._vault, *_call_of(one))["blockNumber"])
        except Refused as refused:
            if refused.code == code.NONCE_USED:  # sent before a crash
                one.block = head
            elif one.is_sale or refused.code not in AGAIN:
                return refused.code
        return code.OK

    def is_done(self, one: Errand) -> bool:
        """Whether the vault has done it."""
        key = OF_VENUE | at.account(one.owner) << 64 | one.number
        return bool(self._client.call(self._vault, "used_nonce", key))

    def held(self, account: int, head: int, block: int) -> dict[int, int]:
        """Lots of an account by asset at a block; `head` is its word then."""
        assets = at.unpack(at.BUCKET_WORD, head)["assets"] if head else 0
        return {
            asset: int(self._client.call(self._vault, "held", account, asset, block=block))
            for asset in range(len(self._names))
            if assets >> asset & 1
        }

    def totals(self, block: int) -> dict[str, int]:
        """Lots that the vault holds for all accounts, by asset."""
        said = [self._client.call(self._vault, "assets", asset, block=block) for asset in range(len(self._names))]
        return {name: int(one[at.ASSET_TOTAL]) for name, one in zip(self._names, said, strict=True)}

    def name(self, asset: int) -> str:
        """What a difference of it is called."""
        return f"collateral {self._names[asset]}"


def _call_of(one: Errand) -> tuple[Any, ...]:
    """The vault's function for an errand, and its arguments."""
    from eth_utils.address import to_checksum_address

    if one.is_sale:
        buyer = to_checksum_address(one.buyer)
        return "settle_sale", at.account(one.owner), one.asset, one.lots, buyer, one.cost, one.number
    return "pay_asset", one.asset, to_checksum_address(one.owner), one.lots, one.number


def unlike(venue: Mapping[int, int], chain: Mapping[int, int]) -> list[int]:
    """Keys under which two tables differ; what is not there is 0."""
    return [key for key in sorted(venue.keys() | chain.keys()) if venue.get(key, 0) != chain.get(key, 0)]


__all__ = ["Custody", "Errand", "Errands", "joined", "unlike"]
