"""Orders in Hyperliquid's shapes.

A stop that is attached to an order and not armed yet is one of that order's `children`, not an open order of its own.
"""

from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from seawall.book.orders import ROW_MASK
from seawall.terms import command
from seawall.venue.live import TRIGGERS
from seawall.venue.names import client_id_text
from seawall.venue.records import Order
from seawall.venue.universe import Listing
from seawall.venue.views.shapes import FrontendOrder, OpenOrder, OrderUpdate

if TYPE_CHECKING:
    from seawall.venue.service import Service

BUY, SELL = "B", "A"
NOT_A_TRIGGER: Final = "N/A"
TRIGGERED: Final = "Triggered"


def side_of(flags: int) -> str:
    """B for a buy, A for a sell."""
    return SELL if flags & command.SELL else BUY


def open_orders(service: "Service", account: int) -> list[OpenOrder]:
    """`openOrders`: what rests or waits, newest first."""
    return [open_order(service, order) for order in _live(service, account)]


def frontend_open_orders(service: "Service", account: int) -> list[FrontendOrder]:
    """`frontendOpenOrders`: the same with all terms and children."""
    children: dict[int, list[Order]] = {}
    for order in service.mirror.orders.of_account(account):
        if order.parent and not is_armed(service, order):
            children.setdefault(order.parent, []).append(order)
    return [frontend_order(service, order, children.get(order.oid, [])) for order in _live(service, account)]


def open_order(service: "Service", order: Order) -> OpenOrder:
    """An order, in short."""
    listing = service.universe.listings[order.market]
    return OpenOrder(
        coin=listing.coin,
        side=side_of(order.flags),
        limit_px=listing.price_text(order.price),
        sz=listing.size_text(order.left),
        oid=order.oid,
        timestamp=order.time,
        orig_sz=listing.size_text(_size(order)),
        cloid=client_id_text(order.cloid) if order.cloid else UNSET,
        reduce_only=True if order.flags & command.REDUCE_ONLY else UNSET,
    )


def frontend_order(service: "Service", order: Order, children: list[Order]) -> FrontendOrder:
    """An order with all its terms; `children` are stops attached to it that it has not armed."""
    listing, flags = service.universe.listings[order.market], order.flags
    return FrontendOrder(
        coin=listing.coin,
        side=side_of(flags),
        limit_px=listing.price_text(order.price),
        sz=listing.size_text(order.left),
        oid=order.oid,
        timestamp=order.time,
        trigger_condition=condition_of(order, listing),
        is_trigger=bool(flags & TRIGGERS),
        trigger_px=listing.price_text(order.trigger),
        children=[frontend_order(service, child, []) for child in children],
        is_position_tpsl=bool(flags & command.WHOLE_POSITION),
        reduce_only=bool(flags & command.REDUCE_ONLY),
        order_type=type_of(order),
        orig_sz=listing.size_text(_size(order)),
        tif=tif_of(flags),
        cloid=client_id_text(order.cloid) if order.cloid else None,
    )


def order_update(service: "Service", order: Order) -> OrderUpdate:
    """An order and what became of it: of `orderStatus` and `historicalOrders`."""
    children: list[Order] = []
    if order.engine:
        mine = service.mirror.orders.of_account(order.account)
        children = [one for one in mine if one.parent == order.oid and not is_armed(service, one)]
    return OrderUpdate(
        order=frontend_order(service, order, children),
        status=order.status,
        status_timestamp=order.status_time,
    )


def order_event(service: "Service", order: Order) -> dict[str, Any]:
    """An element of `orderUpdates`: an order in short, and what became of it."""
    return {"order": open_order(service, order), "status": order.status, "statusTimestamp": order.status_time}


def type_of(order: Order) -> str:
    """Hyperliquid's order type: at the market is what has no limit, or must fill at once when triggered."""
    if not order.flags & TRIGGERS:
        return "Limit"
    name = "Take Profit" if order.flags & command.TAKE_PROFIT else "Stop"
    return f"{name} {'Market' if order.price == 0 or order.flags & command.IOC else 'Limit'}"


def tif_of(flags: int) -> str | None:
    """Hyperliquid's time in force; none for a trigger order."""
    if flags & TRIGGERS:
        return None
    if flags & command.POST_ONLY:
        return "Alo"
    return "Ioc" if flags & command.IOC else "Gtc"


def condition_of(order: Order, listing: Listing) -> str:
    """When a trigger order fires, in words."""
    if not order.flags & TRIGGERS:
        return NOT_A_TRIGGER
    if order.fired:
        return TRIGGERED
    is_sell, is_profit = bool(order.flags & command.SELL), bool(order.flags & command.TAKE_PROFIT)
    where = "above" if is_sell == is_profit else "below"
    return f"Price {where} {listing.price_text(order.trigger).removesuffix('.0')}"


def is_armed(service: "Service", order: Order) -> bool:
    """Whether an order is on its own: it rests, or waits for its trigger and no longer for its parent."""
    row = order.engine & ROW_MASK
    columns = service.columns
    if columns["order_level"].item(row) != 0:
        return True
    return bool(order.flags & command.TRAILING and columns["order_after"].item(row) != 0)


def _live(service: "Service", account: int) -> list[Order]:
    orders = service.mirror.orders.of_account(account)
    return [order for order in reversed(orders) if not order.parent or is_armed(service, order)]


def _size(order: Order) -> int:
    """Lots it was for: of one that closes a whole position, what it found when it fired."""
    return order.size if order.size or not order.fired else order.done + order.left
