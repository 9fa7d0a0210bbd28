"""Watches: hears the news, looks at what they touched every now and then, and writes down what is to be told."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from seawall.terms import event
from seawall.tools.foresight import BucketForesight
from seawall.units import UsdMicro, usd
from seawall.venue.decimals import usd_text
from seawall.venue.names import address_text
from seawall.venue.ops.alerts.book import Alert, Book, alert_of, key_of
from seawall.venue.ops.alerts.rules import (
    ACCOUNT_LEVELS,
    MARKET_LEVELS,
    Found,
    Sight,
    account_levels,
    market_levels,
)
from seawall.venue.ops.alerts.shapes import Breaker, FundingPayment, Liquidation, LiquidationChance, Rule, StatusChange
from seawall.venue.records import Change, News, Note, Payment
from seawall.venue.rest.receipts import entry_of
from seawall.venue.rest.words import BREAKERS, STATUSES
from seawall.venue.service import Service

LINES_MOST: Final = 20  # of one message
SLICE_SECONDS: Final = 0.005  # of looking without a pause
TITLE: Final = "Seawall"
log = logging.getLogger("seawall.alerts")


class Watcher:
    """Looks every `seconds`. `run` it as a task."""

    def __init__(self, service: Service, book: Book, seconds: float) -> None:
        self.service = service
        self.book = book
        self.seconds = seconds
        self.told: Callable[[], None] = lambda: None  # called when there are new messages
        self.chances: Mapping[int, Sequence[BucketForesight]] = {}  # as they were last counted, by who counts them
        self._dirty: set[int] = set()
        self._has_moved = True  # marks have: everybody is dirty
        self._markets: dict[int, tuple[int, int]] = {}  # (insurance, funding rate) that were looked at last
        self._lines: list[tuple[int, str]] = []  # (alert, line) of what is an event
        service.hearers.append(self.hear)

    def hear(self, news: News) -> None:
        """Notes what to look at. Quick where nobody has alerts."""
        if not self.book.alerts:
            return
        watched = self.book.of_account
        if watched:
            self._dirty.update(account for account in news.touched if account in watched)
            self._has_moved = self._has_moved or bool(news.marks)
            for payment in news.payments:
                if payment.amount < 0 and payment.account in watched:
                    self._paid(payment)
        for change in news.changes:
            if change.kind in ("breaker", "status"):
                self._changed(change)
        for note in news.notes:
            if note.values[0] == event.LIQUIDATION:
                self._liquidated(note)

    def wants_chances(self) -> list[int]:
        """Accounts whose alerts ask for the probability of liquidation."""
        return [
            account
            for account, alerts in self.book.of_account.items()
            if any(isinstance(rule, LiquidationChance) for alert in alerts for rule in alert.rules)
        ]

    def look_again(self, account: int) -> None:
        """The account's alerts are others than before."""
        self._dirty.add(account)
        self._markets.clear()

    async def run(self) -> None:
        """Looks until cancelled. A look that fails is logged, and the next one is as if nothing had been."""
        while True:  # until cancelled
            await asyncio.sleep(self.seconds)
            try:
                await self.look()
            except Exception:  # one look that failed must not silence all that come
                log.exception("a look at the alerts failed")

    async def look(self) -> None:
        """One look at all that may have crossed, and what is to be told of it, on disk."""
        lines, self._lines = self._lines, []
        accounts = sorted(self.book.of_account) if self._has_moved else sorted(self._dirty)
        self._dirty, self._has_moved = set(), False
        fired: dict[int, set[str]] = {}
        for key in self.book.fired:
            fired.setdefault(alert_of(key), set()).add(key)
        new: list[str] = []
        back: list[str] = []
        await self.service.desk.settled()
        self._look_at_markets(fired, new, back, lines)
        start = time.perf_counter()
        for account in accounts:
            if time.perf_counter() - start > SLICE_SECONDS:
                await asyncio.sleep(0)
                await self.service.desk.settled()
                start = time.perf_counter()
            self._look_at_account(account, fired, new, back, lines)
        await self.book.cross(new, back, _messages(lines), time.time_ns() // 1_000_000)
        if lines:
            self.told()

    def _look_at_account(
        self, account: int, fired: dict[int, set[str]], new: list[str], back: list[str], lines: list[tuple[int, str]]
    ) -> None:
        alerts = self.book.of_account.get(account, [])
        if not alerts:
            return
        sight = Sight(self.service, account, self.chances.get(account))
        for alert in alerts:
            for place, rule in enumerate(alert.rules):
                if isinstance(rule, ACCOUNT_LEVELS):
                    found = account_levels(sight, rule)
                    _compare(alert, place, found, fired.get(alert.id, set()), new, back, lines)

    def _look_at_markets(
        self, fired: dict[int, set[str]], new: list[str], back: list[str], lines: list[tuple[int, str]]
    ) -> None:
        columns = self.service.columns
        now = {
            listing.number: (
                columns["market_insurance"].item(listing.number),
                columns["market_funding_rate"].item(listing.number),
            )
            for listing in self.service.universe.listings
        }
        if now == self._markets:
            return
        self._markets = now
        for alert in self.book.alerts.values():
            for place, rule in enumerate(alert.rules):
                if isinstance(rule, MARKET_LEVELS):
                    found = market_levels(self.service, rule)
                    _compare(alert, place, found, fired.get(alert.id, set()), new, back, lines)

    def _paid(self, payment: Payment) -> None:
        coin = self.service.universe.listings[payment.market].coin
        for alert, rule in self._rules(payment.account):
            if isinstance(rule, FundingPayment) and -payment.amount >= usd(rule.above):
                self._lines.append((alert.id, f"{coin}: {usd_text(UsdMicro(-payment.amount))} USD of funding paid"))

    def _changed(self, change: Change) -> None:
        coin = None if change.market < 0 else self.service.universe.listings[change.market].coin
        kind = Breaker if change.kind == "breaker" else StatusChange
        words = BREAKERS if change.kind == "breaker" else STATUSES
        line = f"{coin or 'the venue'}: {change.kind} {words[change.value]}"
        for alert in self.book.alerts.values():
            for rule in alert.rules:
                if isinstance(rule, kind) and (rule.coin is None or coin is None or rule.coin == coin):
                    self._lines.append((alert.id, line))

    def _liquidated(self, note: Note) -> None:
        entry = entry_of(note)
        equity, need = usd_text(entry["equity"]), usd_text(entry["maintenance"])
        line = f"liquidation began: equity of {equity} USD is below maintenance of {need} USD"
        for alert, rule in self._rules(note.account):
            if isinstance(rule, Liquidation):
                self._lines.append((alert.id, line))
        if note.account >= 0:
            who = address_text(self.service.people.persons[note.account].address)
            line = f"{who}: {line}"
        for alert in self.book.own:
            if any(isinstance(rule, Liquidation) for rule in alert.rules):
                self._lines.append((alert.id, line))

    def _rules(self, account: int) -> Iterable[tuple[Alert, Rule]]:
        for alert in self.book.of_account.get(account, ()):
            for rule in alert.rules:
                yield alert, rule


def _compare(
    alert: Alert,
    place: int,
    found: Iterable[Found],
    fired: set[str],
    new: list[str],
    back: list[str],
    lines: list[tuple[int, str]],
) -> None:
    """What a rule says now against what it has told: a subject that is gone has come back."""
    seen = set()
    for one in found:
        key = key_of(alert.id, place, one.subject)
        seen.add(key)
        if key not in fired and one.is_crossed:
            new.append(key)
            lines.append((alert.id, one.sentence))
        elif key in fired and one.is_back:
            back.append(key)
    mine = key_of(alert.id, place, "")
    back += [key for key in fired if key.startswith(mine) and key not in seen]


def _messages(lines: list[tuple[int, str]]) -> list[tuple[int, str, str]]:
    """One message an alert, of all its lines."""
    by_alert: dict[int, list[str]] = {}
    for alert, line in lines:
        by_alert.setdefault(alert, []).append(line)
    made = []
    for alert, own in by_alert.items():
        rest = len(own) - LINES_MOST
        shown = own[:LINES_MOST] + ([f"and {rest} more"] if rest > 0 else [])
        made.append((alert, f"{TITLE}: {own[0]}" if len(own) == 1 else f"{TITLE}: {len(own)} alerts", "\n".join(shown)))
    return made
