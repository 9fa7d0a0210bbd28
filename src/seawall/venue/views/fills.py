"""Fills in Hyperliquid's shapes, for the account they concern, and trades as everybody sees them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import msgspec

from seawall.venue.decimals import usd_text
from seawall.venue.names import NOBODY as NO_ADDRESS
from seawall.venue.names import address_text, client_id_text
from seawall.venue.records import NOBODY, Fill
from seawall.venue.views.orders import BUY, SELL
from seawall.venue.views.pools import pool_address
from seawall.venue.views.shapes import FillLiquidation, Trade, UserFill

if TYPE_CHECKING:
    from seawall.venue.service import Service

FEE_TOKEN: Final = "USDC"
DELEVERAGED: Final = "Auto-Deleveraging"
SETTLEMENT: Final = "Settlement"
FORCED: Final = ("backstop", "adl")  # the loser of these is not closed on the book


def hash_text(sequence: int) -> str:
    """The command that did it, where Hyperliquid has the hash of a transaction."""
    return f"0x{sequence:064x}"


def address_of(service: "Service", account: int, bucket: int) -> str:
    """The address of whom a bucket belongs to: an account, or a pool."""
    if account != NOBODY:
        return address_text(service.people.persons[account].address)
    market, which = divmod(bucket - service.mirror.pools_from, 2)
    return address_text(pool_address(market, which) if market >= 0 else NO_ADDRESS)


def user_fill(service: "Service", fill: Fill) -> UserFill:
    """A fill as its account sees it."""
    listing = service.universe.listings[fill.market]
    made = UserFill(
        coin=listing.coin,
        px=listing.price_text(fill.price),
        sz=listing.size_text(abs(fill.lots)),
        side=BUY if fill.lots > 0 else SELL,
        time=fill.time,
        start_position=listing.size_text(fill.start),
        dir=direction(service, fill),
        closed_pnl=usd_text(fill.pnl),
        hash=hash_text(fill.sequence),
        oid=fill.oid,
        crossed=fill.is_taker,
        fee=usd_text(fill.fee),
        tid=fill.tid,
        fee_token=FEE_TOKEN,
        twap_id=fill.twap or None,
    )
    if fill.cloid:
        made.cloid = client_id_text(fill.cloid)
    if fill.method and fill.method != "settlement":
        made.liquidation = FillLiquidation(
            liquidated_user=address_of(service, fill.liquidated, fill.bucket if fill.is_taker else -1),
            mark_px=listing.price_text(fill.mark),
            method="market" if fill.method == "market" else "backstop",
        )
    return made


def direction(service: "Service", fill: Fill) -> str:
    """What a fill did to the position."""
    if fill.method == "settlement":
        return SETTLEMENT
    if fill.method in FORCED and fill.account == fill.liquidated:
        mode = "Cross" if fill.bucket < service.mirror.accounts else "Isolated"
        return f"Liquidated {mode} {'Long' if fill.start > 0 else 'Short'}"
    if fill.method == "adl":
        return DELEVERAGED
    start, after = fill.start, fill.start + fill.lots
    if start == 0 or (start > 0) == (fill.lots > 0):
        return "Open Long" if fill.lots > 0 else "Open Short"
    if after == 0 or (after > 0) == (start > 0):
        return "Close Long" if start > 0 else "Close Short"
    return "Long > Short" if start > 0 else "Short > Long"


def user_fills(service: "Service", fills: Iterable[Fill], is_aggregated: bool) -> list[UserFill]:
    """Fills in their order; aggregated: neighbours of one order and command are one fill at their average price."""
    groups: list[list[Fill]] = []
    for fill in fills:
        last = groups[-1][-1] if groups else None
        same = last is not None and fill.oid and (fill.oid, fill.sequence) == (last.oid, last.sequence)
        if is_aggregated and same:
            groups[-1].append(fill)
        else:
            groups.append([fill])
    return [user_fill(service, group[0]) if len(group) == 1 else _joined(service, group) for group in groups]


def _joined(service: "Service", group: list[Fill]) -> UserFill:
    """Several fills of one order and command as one: the first by its place in the log leads."""
    first = min(group, key=_place)
    listing = service.universe.listings[first.market]
    lots, cost = sum(fill.lots for fill in group), sum(fill.lots * fill.price for fill in group)
    whole = msgspec.structs.replace(
        first, lots=lots, pnl=sum(fill.pnl for fill in group), fee=sum(fill.fee for fill in group)
    )
    made = user_fill(service, whole)
    made.px = listing.average_text(cost, lots)
    return made


def _place(fill: Fill) -> int:
    return fill.tid


def trade(service: "Service", fill: Fill) -> Trade:
    """A taker's fill as everybody sees it."""
    listing = service.universe.listings[fill.market]
    taker = address_of(service, fill.account, fill.bucket)
    maker = address_of(service, fill.other, service.mirror.pools_from + 2 * fill.market)
    return Trade(
        coin=listing.coin,
        side=BUY if fill.lots > 0 else SELL,
        px=listing.price_text(fill.price),
        sz=listing.size_text(abs(fill.lots)),
        time=fill.time,
        hash=hash_text(fill.sequence),
        tid=fill.tid,
        users=(taker, maker) if fill.lots > 0 else (maker, taker),
    )


def recent_trades(service: "Service", market: int, count: int) -> list[Trade]:
    """`recentTrades`: newest first."""
    return [trade(service, fill) for fill in service.lens.tape.last(market, count)]
