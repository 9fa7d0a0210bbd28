"""The last events of the venue, in words, kept in memory for `/v1/events`."""

from collections import deque
from collections.abc import Callable
from typing import Final

from seawall.terms import event
from seawall.terms.parameter import MARKET
from seawall.terms.venue_parameter import VENUE
from seawall.units import FUNDING_ONE
from seawall.venue.decimals import rate_text, usd_text
from seawall.venue.names import address_text
from seawall.venue.records import NOBODY, Change, News, Note, Step
from seawall.venue.rest.market_shapes import EventView
from seawall.venue.rest.receipts import entry_of
from seawall.venue.rest.words import BREAKERS, SIGNERS, STATUSES
from seawall.venue.service import Service
from seawall.venue.universe import Listing

KEPT: Final = 1_000
Entry = dict[str, int]


class Recent:
    """A hearer of the service's news."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._events: deque[EventView] = deque(maxlen=KEPT)

    def last(self, limit: int, coin: str | None = None) -> tuple[EventView, ...]:
        """The newest events, newest first."""
        found = [one for one in reversed(self._events) if coin is None or one.coin == coin]
        return tuple(found[:limit])

    def hear(self, news: News) -> None:
        """Takes what is worth telling."""
        for market in news.listed:
            listing = self.service.universe.listings[market]
            text = f"{listing.coin} was listed as market {market}"
            self._events.append(_event(news.time, news.last, "listing", listing, None, text))
        for change in news.changes:
            self._change(change)
        for note in news.notes:
            self._note(note)
        for step in news.steps:
            self._step(step, news.last)

    def _listing(self, market: int) -> Listing | None:
        return self.service.universe.listings[market] if market >= 0 else None

    def _change(self, change: Change) -> None:
        listing, by = self._listing(change.market), SIGNERS.get(change.signer, "an account")
        where = "venue" if listing is None else listing.coin
        later = f" from {change.since}" if change.since > change.time else ""
        text = f"{where}: {_words_of(change)}, by {by}{later}"
        self._events.append(_event(change.time, change.sequence, "policy", listing, None, text))

    def _note(self, note: Note) -> None:
        entry = entry_of(note)
        tell = NOTES.get(entry["kind"])
        if tell is None:
            return
        kind, words = tell
        listing = self._listing(entry["market"])
        persons = self.service.people.persons
        who = None if note.account == NOBODY else address_text(persons[note.account].address)
        text = words(entry, listing)
        self._events.append(_event(note.time, note.sequence, kind, listing, who, text))

    def _step(self, step: Step, sequence: int) -> None:
        listing = self.service.universe.listings[step.market]
        text = f"{listing.coin}: funding of {rate_text(step.rate, FUNDING_ONE)} an hour"
        self._events.append(_event(step.time, sequence, "funding", listing, None, text))


def _event(time: int, sequence: int, kind: str, listing: Listing | None, who: str | None, text: str) -> EventView:
    coin = None if listing is None else listing.coin
    return EventView(time=time, sequence=sequence, kind=kind, coin=coin, address=who, text=text)  # type: ignore[arg-type]


def _words_of(change: Change) -> str:
    if change.kind == "parameter":
        return f"{(VENUE if change.market < 0 else MARKET)[change.number].name} {change.value}"
    if change.kind == "status":
        return f"status {STATUSES[change.value]}"
    if change.kind == "breaker":
        return f"breaker {BREAKERS[change.value]}"
    return f"{change.kind} {change.number}: {change.value}"


def _began(entry: Entry, _: Listing | None) -> str:
    equity, maintenance = usd_text(entry["equity"]), usd_text(entry["maintenance"])
    return f"liquidation began: equity {equity} USD below maintenance {maintenance} USD"


def _ended(entry: Entry, _: Listing | None) -> str:
    left = "nothing is left" if entry["amount"] else "healthy again"
    return f"liquidation ended: {left}, equity {usd_text(entry['equity'])} USD"


def _lots(entry: Entry, listing: Listing | None) -> str:
    assert listing is not None
    size, price = listing.size_text(abs(entry["size"])), listing.price_text(entry["price"])
    return f"{size} {listing.coin} at {price} USD"


def _vault(entry: Entry, listing: Listing | None) -> str:
    return f"the backstop vault took {_lots(entry, listing)}"


def _deleveraged(entry: Entry, listing: Listing | None) -> str:
    return f"closed against another trader: {_lots(entry, listing)}"


def _debt(entry: Entry, _: Listing | None) -> str:
    payers = {event.INSURANCE: "insurance paid", event.SOCIALISED: "those with profit paid"}
    who = payers.get(entry["other"], "nobody could pay")
    return f"a debt of {usd_text(entry['amount'])} USD: {who}"


def _cut(entry: Entry, _: Listing | None) -> str:
    return f"profit was cut by {usd_text(entry['amount'])} USD for a debt of the market"


NOTES: Final[dict[int, tuple[str, Callable[[Entry, Listing | None], str]]]] = {
    event.LIQUIDATION: ("liquidation", _began),
    event.LIQUIDATION_END: ("liquidation", _ended),
    event.BACKSTOP: ("backstop", _vault),
    event.ADL: ("deleveraging", _deleveraged),
    event.DEFICIT: ("debt", _debt),
    event.SOCIALISED: ("haircut", _cut),
}
