"""Live orders as the venue names them: dense numbers (oid) beside the engine's ids, kept from the events of the log."""

from seawall.terms import code, command
from seawall.venue.records import Order

TRIGGERS = command.STOP | command.TAKE_PROFIT | command.TRAILING

STATUS = {
    code.SELF_TRADE: "selfTradeCanceled",
    code.INITIAL_MARGIN: "marginCanceled",
    code.CASH_BOUND: "marginCanceled",
    code.POSITION_CAP: "marginCanceled",
    code.OPEN_INTEREST_CAP: "openInterestCapCanceled",
    code.REDUCE_ONLY: "reduceOnlyCanceled",
    code.POSITION_CLOSED: "reduceOnlyCanceled",
    code.NO_POSITION: "reduceOnlyCanceled",
    code.TWIN_FIRED: "siblingFilledCanceled",
    code.BEING_LIQUIDATED: "liquidatedCanceled",
    code.MARKET_CLOSED: "delistedCanceled",
}


class LiveOrders:
    """Orders that rest or wait. `last` is the greatest oid ever given."""

    def __init__(self) -> None:
        self.last = 0
        self.by_engine: dict[int, Order] = {}
        self.by_oid: dict[int, Order] = {}
        self.by_account: dict[int, dict[int, Order]] = {}
        self.by_client: dict[tuple[int, int], Order] = {}  # (account, client id)

    def load(self, orders: list[Order], last: int) -> None:
        """Replaces everything."""
        self.__init__()  # type: ignore[misc]
        self.last = last
        for order in orders:
            self.link(order, order.engine)

    def next_oid(self) -> int:
        self.last += 1
        return self.last

    def link(self, order: Order, engine: int) -> None:
        """The order is live under an id of the engine."""
        if order.engine:
            self.by_engine.pop(order.engine, None)
        order.engine = engine
        self.by_engine[engine] = order
        self.by_oid[order.oid] = order
        self.by_account.setdefault(order.account, {})[order.oid] = order
        if order.cloid:
            self.by_client[order.account, order.cloid] = order

    def close(self, order: Order, status: str, time: int, reason: int = code.OK) -> None:
        """The order is live no more."""
        order.status, order.status_time, order.reason = status, time, reason
        if order.engine:
            self.by_engine.pop(order.engine, None)
            order.engine = 0
        self.by_oid.pop(order.oid, None)
        mine = self.by_account.get(order.account)
        if mine is not None:
            mine.pop(order.oid, None)
            if not mine:
                del self.by_account[order.account]
        if order.cloid and self.by_client.get((order.account, order.cloid)) is order:
            del self.by_client[order.account, order.cloid]

    def of_account(self, account: int) -> list[Order]:
        """An account's live orders, oldest first."""
        return [*self.by_account.get(account, {}).values()]


def status_of(why: int, kind: int) -> str:
    """Hyperliquid's word for a cancellation with a result code, in a command of a kind."""
    if why == code.OK and kind == command.TICK:
        return "scheduledCancel"
    if kind == command.DELIST:
        return "delistedCanceled"
    return STATUS.get(why, "canceled")
