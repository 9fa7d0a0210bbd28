"""Questions about an account's orders, fills, payments and transfers."""

from typing import Any, Final

from seawall.venue.history.queries import First
from seawall.venue.info.fields import Asked
from seawall.venue.names import client_id_of
from seawall.venue.records import NOBODY, Fill, Order
from seawall.venue.views import fills, ledger, orders, twaps
from seawall.venue.views.account import spot_of

FILLS: Final = 2_000  # of one answer
KEPT: Final = 10_000  # records that an answer is made of
ORDERS: Final = 2_000
EVENTS: Final = 500  # payments or updates of one answer
UNKNOWN: Final = {"status": "unknownOid"}
OID_MAX: Final = 2**53


def open_orders(asked: Asked) -> Any:
    """Orders that rest or wait, in short."""
    asked.one_dex()
    return orders.open_orders(asked.service, asked.account())


def frontend_open_orders(asked: Asked) -> Any:
    """The same with all terms."""
    asked.one_dex()
    return orders.frontend_open_orders(asked.service, asked.account())


async def order_status(asked: Asked) -> Any:
    """One order of an account by its number or its client id: of several with that id the newest."""
    account, oid = asked.account(), asked.request.get("oid")
    if isinstance(oid, str):
        order = await _by_client(asked, account, client_id_of(oid, "oid"))
    else:
        order = await _by_oid(asked, account, asked.number("oid", 0, OID_MAX))
    if order is None:
        return UNKNOWN
    return {"status": "order", "order": orders.order_update(asked.service, order)}


async def _by_client(asked: Asked, account: int, cloid: int) -> Order | None:
    if account == NOBODY:
        return None
    live = asked.service.mirror.orders.by_client.get((account, cloid))
    return live or await asked.service.history.order_by_client(account, cloid)


async def _by_oid(asked: Asked, account: int, oid: int) -> Order | None:
    found = asked.service.mirror.orders.by_oid.get(oid) or await asked.service.history.order(oid)
    return found if found is not None and found.account == account else None


async def historical_orders(asked: Asked) -> Any:
    """The last 2,000 orders, newest first."""
    account = asked.account()
    if account == NOBODY:
        return []
    return [orders.order_update(asked.service, one) for one in await asked.service.history.orders(account, ORDERS)]


async def user_fills(asked: Asked) -> Any:
    """The last 2,000 fills, newest first."""
    account, is_aggregated = asked.account(), asked.flag("aggregateByTime")
    if account == NOBODY:
        return []
    found = await asked.service.history.fills(account, 0, asked.service.now, FILLS)
    return fills.user_fills(asked.service, found, is_aggregated)


async def user_fills_by_time(asked: Asked) -> Any:
    """The first 2,000 fills of a stretch of time, oldest first: the next stretch begins with the last of them."""
    is_aggregated = asked.flag("aggregateByTime")
    return fills.user_fills(asked.service, await _fills_of_stretch(asked, FILLS), is_aggregated)


async def _fills_of_stretch(asked: Asked, limit: int) -> list[Fill]:
    account, start, end = asked.account(), asked.start(is_needed=True), asked.end()
    if account == NOBODY:
        return []
    return await asked.service.history.fills(account, start, end, limit, First.OLDEST)


async def slice_fills(asked: Asked) -> Any:
    """The last 2,000 fills of TWAPs' slices, newest first."""
    account = asked.account()
    if account == NOBODY:
        return []
    return twaps.slice_fills(asked.service, await asked.service.history.slices(account, FILLS))


async def slice_fills_by_time(asked: Asked) -> Any:
    """Fills of TWAPs' slices among the first 10,000 of a stretch of time, oldest first."""
    return twaps.slice_fills(asked.service, await _fills_of_stretch(asked, KEPT))[:FILLS]


async def twap_history(asked: Asked) -> Any:
    """How TWAPs began and ended, newest first."""
    account = asked.account()
    if account == NOBODY:
        return []
    return twaps.twap_history(asked.service, await asked.service.history.twaps(account, KEPT))


async def user_funding(asked: Asked) -> Any:
    """The first 500 payments of a stretch of time, oldest first."""
    account, start, end = asked.account(), asked.start(is_needed=False), asked.end()
    if account == NOBODY:
        return []
    found = await asked.service.history.payments(account, start, end, EVENTS, First.OLDEST)
    return [ledger.funding_payment(asked.service, one) for one in found]


async def ledger_updates(asked: Asked) -> Any:
    """The first 500 transfers, withdrawals and liquidations of a stretch of time, oldest first."""
    service, account, start, end = asked.service, asked.account(), asked.start(is_needed=False), asked.end()
    if account == NOBODY:
        return []
    entries = await service.history.entries(account, start, end, KEPT, First.OLDEST)
    spot = spot_of(service, account)
    if spot != NOBODY:
        entries = [*entries, *await service.history.entries(spot, start, end, KEPT, First.OLDEST)]
    notes = await service.history.notes(account, start, end, KEPT, First.OLDEST)
    return ledger.ledger_updates(service, account, entries, notes)[:EVENTS]
