"""Which streams a batch of news touches. Looks at what somebody reads, not at everything that happened to everybody."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from seawall.venue.history.candles import is_trade
from seawall.venue.records import NOBODY, News, Note
from seawall.venue.ws.accounts import AccountTopic
from seawall.venue.ws.events import EventTopic
from seawall.venue.ws.markets import (
    BestTopic,
    BookTopic,
    CandleTopic,
    ContextsTopic,
    ContextTopic,
    MidsTopic,
    TradesTopic,
)
from seawall.venue.ws.topics import Topic

if TYPE_CHECKING:
    from seawall.venue.people import People

Table = dict[int, dict[Topic, None]]


class Watch:
    """Streams by the market or the account that they are of."""

    def __init__(self, people: "People") -> None:
        self.people = people
        self.books: Table = {}  # by market
        self.contexts: Table = {}
        self.candles: Table = {}
        self.trades: dict[int, dict[TradesTopic, None]] = {}
        self.whole: dict[Topic, None] = {}  # of all markets
        self.states: dict[int, dict[AccountTopic, None]] = {}  # by account
        self.events: dict[int, dict[EventTopic, None]] = {}
        self.hidden: dict[int, int] = {}  # accounts that hold USD outside margin, and whose they are
        self.strangers: dict[bytes, dict[AccountTopic | EventTopic, None]] = {}  # of addresses without an account

    def add(self, topic: Topic) -> None:
        """The stream is to be told of news."""
        match topic:
            case BookTopic() | BestTopic():
                self.books.setdefault(topic.market, {})[topic] = None
            case ContextTopic():
                self.contexts.setdefault(topic.market, {})[topic] = None
            case CandleTopic():
                self.candles.setdefault(topic.market, {})[topic] = None
            case TradesTopic():
                self.trades.setdefault(topic.market, {})[topic] = None
            case MidsTopic() | ContextsTopic():
                self.whole[topic] = None
            case AccountTopic() | EventTopic():
                self._add_user(topic)

    def drop(self, topic: Topic) -> None:
        """Nobody reads the stream any more."""
        match topic:
            case BookTopic() | BestTopic():
                _drop(self.books, topic.market, topic)
            case ContextTopic():
                _drop(self.contexts, topic.market, topic)
            case CandleTopic():
                _drop(self.candles, topic.market, topic)
            case TradesTopic():
                _drop(self.trades, topic.market, topic)
            case MidsTopic() | ContextsTopic():
                self.whole.pop(topic, None)
            case AccountTopic() | EventTopic():
                account = self.people.account_of(topic.address)
                _drop(self.strangers, topic.address, topic)
                _drop(self.states, account, topic)
                _drop(self.events, account, topic)
                if account != NOBODY and account not in self.states and account not in self.events:
                    self.hidden.pop(self.people.persons[account].spot, None)

    def hear(self, news: News) -> None:
        """Marks the streams that the news touches, gives events to those that tell of them."""
        if news.accounts:
            self._meet(news.accounts)
        self._markets(news)
        self._states(news)
        if self.events:
            self._events(news)

    def _add_user(self, topic: AccountTopic | EventTopic) -> None:
        account = self.people.account_of(topic.address)
        if account == NOBODY:
            self.strangers.setdefault(topic.address, {})[topic] = None
            return
        if isinstance(topic, EventTopic):
            self.events.setdefault(account, {})[topic] = None
        else:
            self.states.setdefault(account, {})[topic] = None
        self._note_hidden(account)

    def _note_hidden(self, account: int) -> None:
        spot = self.people.persons[account].spot
        if spot != NOBODY:
            self.hidden[spot] = account

    def _meet(self, accounts: Iterable[int]) -> None:
        """Accounts that are new, or have another name, agent or sub-account."""
        for account in accounts:
            person = self.people.persons[account]
            for topic in self.strangers.pop(person.address, ()):
                self._add_user(topic)
            for one in {account, person.master}:
                if one in self.states or one in self.events:
                    self._note_hidden(one)
                _mark(self.states.get(one, ()))

    def _markets(self, news: News) -> None:
        changed = {market for market, *_ in (*news.marks, *news.indices)}
        changed.update(step.market for step in news.steps)
        for market in news.books & self.books.keys():
            _mark(self.books[market])
        for market in (changed | news.books) & self.contexts.keys():
            _mark(self.contexts[market])
        if changed or news.books or news.listed:
            _mark(self.whole)
        if self.candles:
            changed.update(fill.market for fill in news.fills)
            for market in changed & self.candles.keys():
                _mark(self.candles[market])
        if self.trades:
            for fill in news.fills:
                if fill.market in self.trades and is_trade(fill):
                    for topic in self.trades[fill.market]:
                        topic.trade(fill)

    def _states(self, news: News) -> None:
        for account in news.touched & self.states.keys():
            _mark(self.states[account])
        for account in news.touched & self.hidden.keys():
            _mark(self.states.get(self.hidden[account], ()))

    def _events(self, news: News) -> None:
        events = self.events
        for fill in news.fills:
            for topic in events.get(fill.account, ()):
                topic.fill(fill)
        for order in news.orders.values() if events else ():
            for topic in events.get(order.account, ()):
                topic.order(order)
        for payment in news.payments:
            for topic in events.get(payment.account, ()):
                topic.payment(payment)
        for entry in news.entries:
            for topic in events.get(self.hidden.get(entry.account, entry.account), ()):
                topic.entry(entry)
        for twap in news.twaps:
            for topic in events.get(twap.schedule.account, ()):
                topic.twap(twap)
        if news.notes:
            self._notes(news.notes)

    def _notes(self, notes: list[Note]) -> None:
        of_account: dict[int, list[Note]] = {}
        for note in notes:
            for account in {note.account, note.other_account} & self.events.keys():
                of_account.setdefault(account, []).append(note)
        for account, found in of_account.items():
            for topic in self.events[account]:
                topic.notes(found)


def _mark(topics: Iterable[Topic]) -> None:
    for topic in topics:
        topic.mark()


def _drop(table: dict, key: object, topic: Topic) -> None:  # type: ignore[type-arg]
    topics = table.get(key)
    if topics is not None:
        topics.pop(topic, None)
        if not topics:
            del table[key]
