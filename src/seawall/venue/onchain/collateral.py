"""Collateral other than USD on its way between venue and vault: what leaves, paid by the operator to its owner.

The engine has frozen the lots before (SPEC section 2), and only the operator brings them out while the venue lives: a
payout is brought once every trade before it is settled, and has ended when its transaction is deep enough. The vault
knows each by the engine's number, so one that was cut off, or dropped by a re-organisation, is paid once.
"""

import logging
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Final

import msgspec

from seawall.chain import layout as at
from seawall.chain.client import Client, Refused
from seawall.chain.deploy import Deployment
from seawall.ledger import state
from seawall.terms import code
from seawall.units import BadInput
from seawall.venue.onchain.terms import priced_by
from seawall.venue.onchain.trades import lines_of
from seawall.venue.service import Service

FILE: Final = "payouts.jsonl"
OF_VENUE: Final = 1 << 241  # payouts.vy: the part of a used nonce's key that says it is a payout of the venue's
AGAIN: Final = (code.WITHDRAWAL_LIMIT, code.WITHDRAWALS_CLOSED, code.STALE_PRICE)  # a payout waits for those
log = logging.getLogger(__name__)


class Payout(msgspec.Struct, kw_only=True):
    """A withdrawal of lots: `identity` is the engine's, `asset` the chain's, `after` the last trade before it.

    `block` is of its transaction; 0: none is known.
    """

    identity: int
    owner: str
    asset: int
    lots: int
    after: int
    block: int = 0
    ended: bool = False


class Payouts:
    """The file, and the payouts that have not ended."""

    def __init__(self, folder: Path) -> None:
        self.open: dict[int, Payout] = {}
        for one in lines_of(folder / FILE, Payout):
            self.open[one.identity] = one
        self.open = {identity: one for identity, one in self.open.items() if not one.ended}
        self._file = (folder / FILE).open("ab")

    def add(self, one: Payout) -> None:
        """A withdrawal that the engine has taken; one that is known already is passed over."""
        if one.identity not in self.open:
            self.note(one)

    def note(self, one: Payout) -> None:
        """What has become of a payout."""
        self.open[one.identity] = one
        self._file.write(msgspec.json.encode(one) + b"\n")
        self._file.flush()
        if one.ended:
            del self.open[one.identity]

    def forget(self, pending: Set[int]) -> None:
        """After a start: what nobody has brought and is not `pending` has returned to its account before a crash."""
        for one in [*self.open.values()]:
            if one.block == 0 and one.identity not in pending:
                one.ended = True
                self.note(one)

    def close(self) -> None:
        self._file.close()


def joined(service: Service, record: Deployment) -> dict[int, int]:
    """The chain's number of each asset of the venue that it has. One that it has not cannot come in, and is told.

    BadInput for an asset of the chain that the venue does not list, or has in other lots: what is deposited there would
    count on one side; and for a deployment from whose vault owners take it past the venue.
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
    for coin, (number, _) in listings.items():
        if number not in found:
            log.warning("collateral %s: the deployment does not take it, so none can come in", coin)
    return found


class Custody:
    """The vault's collateral for one thread: pays out with the operator's key, reads what accounts hold."""

    def __init__(self, client: Client, record: Deployment, depth: int) -> None:
        self._client, self._depth = client, depth
        self._vault = client.at("CollateralVault", record.addresses["CollateralVault"])
        self._names = [terms.name for terms in record.settings.assets]

    def look_after(self, one: Payout, head: int) -> int:
        """Brings a payout, or sees whether it is deep enough: then it has `ended`. The code that refuses it for good.

        ChainFault when the token or the chain does not do as it should: it comes again.
        """
        if one.block == 0:
            return self._bring(one, head)
        if head >= one.block + self._depth:
            one.ended = self.is_paid(one)
            if not one.ended:
                one.block = 0  # a re-organisation has dropped it
        return code.OK

    def _bring(self, one: Payout, head: int) -> int:
        from eth_utils.address import to_checksum_address

        what = (one.asset, to_checksum_address(one.owner), one.lots, one.identity)
        try:
            one.block = int(self._client.send(self._vault, "pay_asset", *what)["blockNumber"])
        except Refused as refused:
            if refused.code == code.NONCE_USED:  # sent before a crash
                one.block = head
            elif refused.code not in AGAIN:
                return refused.code
        return code.OK

    def is_paid(self, one: Payout) -> bool:
        """Whether the vault has paid it."""
        key = OF_VENUE | at.account(one.owner) << 64 | one.identity
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


def unlike(venue: Mapping[int, int], chain: Mapping[int, int]) -> list[int]:
    """Keys under which two tables differ; what is not there is 0."""
    return [key for key in sorted(venue.keys() | chain.keys()) if venue.get(key, 0) != chain.get(key, 0)]


__all__ = ["Custody", "Payout", "Payouts", "joined", "unlike"]
