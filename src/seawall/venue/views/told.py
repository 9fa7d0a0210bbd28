"""Records as streams tell them: the functions that the websocket's hub takes, over the views of a service."""

from typing import TYPE_CHECKING, Any

from seawall.venue.people import SPOT_NAME
from seawall.venue.records import Entry, Fill, Order, Payment, Twap
from seawall.venue.universe import Listing
from seawall.venue.views import fills, ledger, market, orders, twaps
from seawall.venue.views.shapes import Happening, Level, OrderUpdate, Trade, UserFill

if TYPE_CHECKING:
    from seawall.venue.service import Service


class Told:
    """Each function makes of a record what is encoded as JSON. All read the venue's state now."""

    def __init__(self, service: "Service") -> None:
        self.service = service

    def best(self, listing: Listing) -> tuple[Level | None, Level | None]:
        """Best bid and best offer."""
        return market.best_levels(self.service, listing)

    def trade(self, fill: Fill) -> Trade:
        """A taker's fill as `trades` has it."""
        return fills.trade(self.service, fill)

    def fills(self, given: list[Fill], *, is_aggregated: bool) -> list[UserFill]:
        """Fills of one account, in their order."""
        return fills.user_fills(self.service, given, is_aggregated)

    def order(self, order: Order) -> dict[str, Any]:
        """An order as `orderUpdates` has it."""
        return orders.order_event(self.service, order)

    def past_order(self, order: Order) -> OrderUpdate:
        """An order as `historicalOrders` has it."""
        return orders.order_update(self.service, order)

    def payment(self, payment: Payment) -> dict[str, Any]:
        """A payment as `userFundings` has it."""
        told = ledger.funding_payment(self.service, payment)
        return {"time": told.time, **{name: value for name, value in told.delta.items() if name != "type"}}

    def entry(self, entry: Entry) -> Happening | None:
        """An entry as `userNonFundingLedgerUpdates` has it, for its account's owner; None for what has no shape."""
        persons = self.service.people.persons
        person = persons[entry.account]
        owner = person.master if person.name == SPOT_NAME else entry.account
        return ledger.ledger_update(self.service, owner, entry)

    def twap(self, twap: Twap) -> dict[str, Any] | None:
        """An element of `twapHistory`; None for a slice."""
        if twap.status == twaps.SLICE:
            return None
        return twaps.twap_event(self.service, twap, self.service.lens.slices.of(twap.id))
