"""The queue of auto-deleveraging: one side of a market as it would be asked, and the places of one account in it."""

from typing import Any, Final

from seawall.liquidation.ranks import PROFIT
from seawall.terms import parameter
from seawall.tools.account_file import CROSS
from seawall.venue.decimals import usd_text
from seawall.venue.names import address_text
from seawall.venue.reads import Queue, Reads
from seawall.venue.records import NOBODY
from seawall.venue.rest.account_shapes import AdlPolicy, QueuedView, QueueView, RanksView, RankView
from seawall.venue.rest.terms import buckets_of, slots_of
from seawall.venue.service import Service
from seawall.venue.universe import Listing

SIDES: Final = {"long": 1, "short": -1}
POLICIES: Final[dict[int, AdlPolicy]] = {
    parameter.QUEUE: "queue",
    parameter.PRO_RATA: "pro_rata",
    parameter.RISK_AWARE_PRO_RATA: "risk_aware_pro_rata",
    parameter.LEAST_HARM: "least_harm",
}


def policy_of(columns: Any) -> AdlPolicy:
    """The venue's policy in a word."""
    return POLICIES[columns["param"].item(len(columns["market_price"]), parameter.ADL_POLICY)]


def queue_view(service: Service, reads: Reads, listing: Listing, side: str, start: int, limit: int) -> QueueView:
    """A page of one side: positions `start` + 1 to `start` + `limit`."""
    found = reads.queue(listing.number, SIDES[side])
    last = min(len(found.slots), start + limit)
    return QueueView(
        coin=listing.coin,
        side=side,  # type: ignore[arg-type]
        time=service.now,
        sequence=service.desk.sequence,
        policy=policy_of(service.columns),
        total=len(found.slots),
        start=start,
        positions=tuple(_queued(service, listing, found, at) for at in range(start, last)),
    )


def _queued(service: Service, listing: Listing, found: Queue, at: int) -> QueuedView:
    columns, slot, score = service.columns, found.slots.item(at), found.scores.item(at)
    bucket, size = columns["slot_owner"].item(slot), columns["slot_size"].item(slot)
    owner = service.mirror.owner_of(bucket)
    value = size * columns["market_price"].item(listing.number)
    name = CROSS if bucket == owner else f"isolated {listing.coin}"
    return QueuedView(
        place=at + 1,
        address=None if owner == NOBODY else address_text(service.people.persons[owner].address),
        bucket="pool" if owner == NOBODY else name,
        size=listing.size_text(abs(size)),
        value=usd_text(abs(value)),
        unrealised=usd_text(value - columns["slot_entry"].item(slot)),
        score=str(score),
        light=found.lights.item(at),
        in_profit=score >= PROFIT,
    )


def ranks_view(service: Service, reads: Reads, account: int) -> RanksView:
    """Where each position of the account stands."""
    columns, found = service.columns, []
    for bucket in buckets_of(columns, account):
        for slot in slots_of(columns, bucket):
            if columns["slot_size"].item(slot):
                found.append(_rank(service, reads, account, bucket, slot))
    return RanksView(
        address=address_text(service.people.persons[account].address),
        time=service.now,
        sequence=service.desk.sequence,
        policy=policy_of(columns),
        ranks=tuple(found),
    )


def _rank(service: Service, reads: Reads, account: int, bucket: int, slot: int) -> RankView:
    columns, market = service.columns, service.columns["slot_market"].item(slot)
    is_long, coin = columns["slot_size"].item(slot) > 0, service.universe.listings[market].coin
    queue, (light, score) = reads.queue(market, 1 if is_long else -1), reads.rank(bucket, market)
    return RankView(
        coin=coin,
        bucket=CROSS if bucket == account else f"isolated {coin}",
        side="long" if is_long else "short",
        place=queue.place(slot),
        of=len(queue.slots),
        light=light,
        score=str(score),
        in_profit=score >= PROFIT,
    )
