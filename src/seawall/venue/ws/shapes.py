"""What the hub needs to be told how things look on the wire. The rest it asks as POST /info does."""

from typing import Protocol

from seawall.venue.records import Entry, Fill, Order, Payment, Twap
from seawall.venue.universe import Listing


class Shapes(Protocol):
    """Functions from records to what is encoded as JSON. They read the venue's state and are quick."""

    def best(self, listing: Listing) -> tuple[object | None, object | None]:
        """Best bid and best offer as {px, sz, n}; None for an empty side."""

    def trade(self, fill: Fill) -> object:
        """The taker's side of a trade, as `trades` has it."""

    def fills(self, fills: list[Fill], *, is_aggregated: bool) -> list[object]:
        """Fills of one account, in their order; aggregated: those of one taker's order at one time as one."""

    def order(self, order: Order) -> object:
        """{order, status, statusTimestamp} as `orderUpdates` has it."""

    def past_order(self, order: Order) -> object:
        """{order, status, statusTimestamp} as `historicalOrders` has it."""

    def payment(self, payment: Payment) -> object:
        """{time, coin, usdc, szi, fundingRate, nSamples}."""

    def entry(self, entry: Entry) -> object | None:
        """{time, hash, delta} as `userNonFundingLedgerUpdates` has it; None for what clients have no shape for."""

    def twap(self, twap: Twap) -> object | None:
        """An element of `twapHistory`; None for a step that is none."""
