"""Streams of what happens to a user, one message after the other: none of them is ever left out.

A new reader first gets what was kept, then what comes. What happens while it is being looked up waits, and is left out
when it was in there already.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from seawall.terms import event
from seawall.venue.decimals import usd_text
from seawall.venue.names import NOBODY as NO_ADDRESS
from seawall.venue.names import address_text
from seawall.venue.records import NOBODY, Entry, Fill, Note, Order, Payment, Twap
from seawall.venue.views.ledger import ledger_updates
from seawall.venue.views.twaps import slice_fills, twap_history
from seawall.venue.ws.frames import encode, frame, told
from seawall.venue.ws.topics import Topic
from seawall.venue.ws.wishes import Wish

if TYPE_CHECKING:
    from seawall.venue.ws.hub import Hub
    from seawall.venue.ws.reader import Reader

FILLS_SHOWN: Final = 2_000
OTHERS_SHOWN: Final = 500
TWAPS_READ: Final = 10_000  # records, slices among them
ASKED_FOR: Final = (
    "open",
    "filled",
    "triggered",
    "canceled",
    "scheduledCancel",
)  # statuses that the user brought about
TID_BITS: Final = 15
FIELD: Final = {name: place for place, name in enumerate(event.ROW[1:])}  # of a note's values
FORCED: Final = {
    event.LIQUIDATION: "Your positions are being liquidated",
    event.BACKSTOP: "The backstop took over a position of yours",
    event.ADL: "A position of yours was auto-deleveraged",
}


class EventTopic(Topic):
    """A stream of events of one user. Subclasses say of which kinds, and what a new reader is shown."""

    lane_name = "told"
    field = ""  # of the messages' data that holds the events

    def __init__(self, hub: "Hub", wish: Wish) -> None:
        super().__init__(hub, wish, 0.0)
        self.address = wish.address
        self.user = address_text(wish.address)
        self._items: list[Any] = []
        self._loading: dict[Reader, list[Any]] = {}

    @property
    def account(self) -> int:
        """The user's account; NOBODY when there is none yet."""
        return self.hub.service.people.account_of(self.address)

    def fill(self, fill: Fill) -> None:
        """A fill of the account."""

    def order(self, order: Order) -> None:
        """An order of the account has another state."""

    def payment(self, payment: Payment) -> None:
        """Funding of the account."""

    def entry(self, entry: Entry) -> None:
        """Money of the account moved."""

    def twap(self, twap: Twap) -> None:
        """A TWAP of the account began, went on or ended."""

    def notes(self, notes: list[Note]) -> None:
        """A liquidation of the account, or one that touched it."""

    def add(self, item: Any) -> None:
        """Something to tell."""
        self._items.append(item)
        self.mark()

    async def past(self) -> list[Any] | None:
        """What a new reader is shown; None: nothing, it is not even told so."""
        return None

    def messages(self, items: list[Any], *, is_snapshot: bool) -> Iterable[Any]:
        """The data of the messages that tell of events."""
        data = {"user": self.user, self.field: items}
        yield {"isSnapshot": True, **data} if is_snapshot else data

    def known_by(self, item: Any) -> Any:
        """What is the same of an event wherever it comes from."""
        return encode(item)

    async def publish(self) -> None:
        self.is_marked = False
        items, self._items = self._items, []
        if not items:
            return
        for later in self._loading.values():
            later.extend(items)
        if self.readers:
            for data in self.messages(items, is_snapshot=False):
                self.hub.counters.published += 1
                made = frame(self.channel, data)
                for reader in [*self.readers]:  # one that is cut off leaves
                    reader.tell(made)

    async def join(self, reader: "Reader") -> None:
        later = self._loading[reader] = []
        try:
            past = await self.past()
            await self.publish()
        finally:
            del self._loading[reader]
        reader.answer(told("subscribe", self.wish.echo))
        if past is not None:
            known = {self.known_by(item) for item in past} if later else set()
            later = [item for item in later if self.known_by(item) not in known]
            for data in self.messages(past, is_snapshot=True):
                reader.answer(frame(self.channel, data))
        for data in self.messages(later, is_snapshot=False) if later else ():
            reader.answer(frame(self.channel, data))
        self.readers[reader] = None


class FillsTopic(EventTopic):
    """userFills, newest first in the snapshot."""

    field = "fills"

    def fill(self, fill: Fill) -> None:
        self.add(fill)

    async def past(self) -> list[Any]:
        if self.account == NOBODY:
            return []
        return [*await self.hub.service.history.fills(self.account, limit=FILLS_SHOWN)]

    def messages(self, items: list[Any], *, is_snapshot: bool) -> Iterable[Any]:
        is_aggregated = bool(self.wish.echo["aggregateByTime"])
        shapes = self.hub.shapes.fills(items, is_aggregated=is_aggregated)
        return super().messages(shapes, is_snapshot=is_snapshot)

    def known_by(self, item: Any) -> Any:
        return item.tid


class SlicesTopic(EventTopic):
    """userTwapSliceFills, newest first in the snapshot."""

    field = "twapSliceFills"

    def fill(self, fill: Fill) -> None:
        for shape in slice_fills(self.hub.service, [fill]):
            self.add(shape)

    async def past(self) -> list[Any]:
        if self.account == NOBODY:
            return []
        return slice_fills(self.hub.service, await self.hub.service.history.slices(self.account, FILLS_SHOWN))


class FundingsTopic(EventTopic):
    """userFundings, oldest first in the snapshot."""

    field = "fundings"

    def payment(self, payment: Payment) -> None:
        self.add(self.hub.shapes.payment(payment))

    async def past(self) -> list[Any]:
        if self.account == NOBODY:
            return []
        found = await self.hub.service.history.payments(self.account, limit=OTHERS_SHOWN)
        return [self.hub.shapes.payment(payment) for payment in reversed(found)]


class LedgerTopic(EventTopic):
    """userNonFundingLedgerUpdates, oldest first in the snapshot; of what the owner holds outside margin too."""

    field = "nonFundingLedgerUpdates"

    def entry(self, entry: Entry) -> None:
        shape = self.hub.shapes.entry(entry)
        if shape is not None:
            self.add(shape)

    def notes(self, notes: list[Note]) -> None:
        for shape in ledger_updates(self.hub.service, self.account, (), notes):
            self.add(shape)

    async def past(self) -> list[Any]:
        service, account = self.hub.service, self.account
        if account == NOBODY:
            return []
        entries = await service.history.entries(account, limit=OTHERS_SHOWN)
        spot = service.people.persons[account].spot
        if spot != NOBODY:
            entries = [*entries, *await service.history.entries(spot, limit=OTHERS_SHOWN)]
        notes = await service.history.notes(account, limit=FILLS_SHOWN)
        return [*ledger_updates(service, account, entries, notes)][-OTHERS_SHOWN:]


class TwapsTopic(EventTopic):
    """userTwapHistory, newest first in the snapshot."""

    field = "history"

    def twap(self, twap: Twap) -> None:
        shape = self.hub.shapes.twap(twap)
        if shape is not None:
            self.add(shape)

    async def past(self) -> list[Any]:
        if self.account == NOBODY:
            return []
        found = await self.hub.service.history.twaps(self.account, TWAPS_READ)
        return twap_history(self.hub.service, found)[:OTHERS_SHOWN]


class PastOrdersTopic(EventTopic):
    """userHistoricalOrders: every state that an order has after a batch; newest first in the snapshot."""

    field = "orderHistory"

    def order(self, order: Order) -> None:
        self.add(self.hub.shapes.past_order(order))

    async def past(self) -> list[Any]:
        if self.account == NOBODY:
            return []
        found = await self.hub.service.history.orders(self.account, FILLS_SHOWN)
        return [self.hub.shapes.past_order(order) for order in found]


class OrdersTopic(EventTopic):
    """orderUpdates. A new reader is shown the orders that are live, oldest first, when there are any."""

    def order(self, order: Order) -> None:
        self.add(self.hub.shapes.order(order))

    async def past(self) -> list[Any] | None:
        live = self.hub.service.mirror.orders.of_account(self.account)
        return [self.hub.shapes.order(order) for order in live] or None

    def messages(self, items: list[Any], *, is_snapshot: bool) -> Iterable[Any]:  # noqa: ARG002
        yield items


class Told(msgspec.Struct, frozen=True):
    """An event of userEvents: those of one kind that come together share a message, but for single ones."""

    kind: str
    shape: Any


class AllEventsTopic(EventTopic):
    """userEvents, on the channel "user"."""

    def __init__(self, hub: "Hub", wish: Wish) -> None:
        super().__init__(hub, wish)
        self.channel = "user"

    def fill(self, fill: Fill) -> None:
        self.add(Told("fills", self.hub.shapes.fills([fill], is_aggregated=False)[0]))

    def order(self, order: Order) -> None:
        if order.status not in ASKED_FOR:
            coin = self.hub.service.universe.listings[order.market].coin
            self.add(Told("nonUserCancel", {"coin": coin, "oid": order.oid}))

    def payment(self, payment: Payment) -> None:
        self.add(Told("funding", self.hub.shapes.payment(payment)))

    def notes(self, notes: list[Note]) -> None:
        for note in notes:
            if note.values[FIELD["kind"]] == event.LIQUIDATION and note.account == self.account:
                self.add(Told("liquidation", self._liquidation(note, notes)))

    def _liquidation(self, start: Note, notes: list[Note]) -> Any:
        value = sum(
            abs(note.values[FIELD["size"]]) * note.values[FIELD["price"]]
            for note in notes
            if note.sequence == start.sequence
            and note.values[FIELD["kind"]] == event.LIQUIDATION_POSITION
            and note.values[FIELD["bucket"]] == start.values[FIELD["bucket"]]
        )
        return {
            "lid": (start.sequence << TID_BITS) | start.index,
            "liquidator": address_text(NO_ADDRESS),
            "liquidated_user": self.user,
            "liquidated_ntl_pos": usd_text(value),
            "liquidated_account_value": usd_text(max(start.values[FIELD["equity"]], 0)),
        }

    def messages(self, items: list[Any], *, is_snapshot: bool) -> Iterator[Any]:  # noqa: ARG002
        for kind in ("fills", "nonUserCancel"):
            if found := [item.shape for item in items if item.kind == kind]:
                yield {kind: found}
        for item in items:
            if item.kind in ("funding", "liquidation"):
                yield {item.kind: item.shape}


class NotificationTopic(EventTopic):
    """notification: what the venue did to an account that its owner did not ask for."""

    def notes(self, notes: list[Note]) -> None:
        for note in notes:
            kind = note.values[FIELD["kind"]]
            touched = note.other_account if kind == event.ADL else note.account
            words = FORCED.get(kind)
            if words is not None and touched == self.account:
                market = note.values[FIELD["market"]]
                coin = self.hub.service.universe.listings[market].coin if market >= 0 else ""
                self.add(f"{words}{': ' if coin else ''}{coin}")

    def messages(self, items: list[Any], *, is_snapshot: bool) -> Iterator[Any]:  # noqa: ARG002
        for item in items:
            yield {"notification": item}


EVENTS: Final[dict[str, type[EventTopic]]] = {
    "orderUpdates": OrdersTopic,
    "userEvents": AllEventsTopic,
    "userFills": FillsTopic,
    "userFundings": FundingsTopic,
    "userNonFundingLedgerUpdates": LedgerTopic,
    "userHistoricalOrders": PastOrdersTopic,
    "userTwapSliceFills": SlicesTopic,
    "userTwapHistory": TwapsTopic,
    "notification": NotificationTopic,
}
