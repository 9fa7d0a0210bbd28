"""Alerts as a whole: the operator's own from the configuration, those of accounts by signed request."""

import asyncio
import logging
import time
import zlib
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from seawall.units import BadInput
from seawall.venue import config
from seawall.venue.names import address_text
from seawall.venue.ops.alerts.book import OPERATOR, Alert, Book
from seawall.venue.ops.alerts.courier import Courier
from seawall.venue.ops.alerts.shapes import (
    AlertsRequest,
    AlertsView,
    AlertView,
    BadDebt,
    Breaker,
    FundingRate,
    Insurance,
    Liquidation,
    Rule,
    StatusChange,
    Wanted,
)
from seawall.venue.ops.alerts.signed import account_asked
from seawall.venue.ops.alerts.targets import check_target, scheme_of
from seawall.venue.ops.alerts.watcher import TITLE, Watcher
from seawall.venue.ops.store import Store
from seawall.venue.rest.errors import ApiError
from seawall.venue.service import Service

TEST_SECONDS: Final = 30.0  # between two tests of one alert
SAYING: Final = {"funding_rate": "above", "bad_debt": "above", "insurance": "below"}  # what a threshold is
OWN_RULES: Final = {
    "breaker": Breaker,
    "status": StatusChange,
    "insurance": Insurance,
    "funding_rate": FundingRate,
    "liquidation": Liquidation,
    "bad_debt": BadDebt,
}
log = logging.getLogger("seawall.alerts")


class Alerts:
    """All alerts of a venue. `start` it in the event loop; `stop` it before the store is closed."""

    def __init__(
        self,
        service: Service,
        store: Store,
        environment: Mapping[str, str],
        courier: Courier | None = None,
    ) -> None:
        """BadInput for an alert of the configuration that is not whole, or whose target is missing."""
        self.service = service
        self.terms = service.config.alerts
        own = own_alerts(service.config.alert, environment)
        self.book = Book(store, own, self.terms.targets, self.terms.accounts)
        self.courier = Courier(self.book, self.terms.tries) if courier is None else courier
        self.watcher = Watcher(service, self.book, self.terms.seconds)
        self.watcher.told = self.courier.wake
        self._lock = asyncio.Lock()
        self._tested: dict[int, float] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to watch and to send."""
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self.watcher.run(), name="seawall-watch"),
            loop.create_task(self.courier.run(), name="seawall-courier"),
        ]

    async def stop(self) -> None:
        """Stops; what waits is on disk."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.courier.close()

    async def answer(self, request: AlertsRequest) -> AlertsView:
        """Does what an owner has signed. ApiError and BadInput for what is refused."""
        if not self.terms.enabled:
            raise ApiError("off", "this venue sends no alerts for accounts")
        service = self.service
        async with self._lock:
            account = account_asked(service.people, service.now, service.config.network.name, request)
            await self.book.use_nonce(service.people.persons[account].master, request.nonce)
            if request.action == "set":
                await self._set(account, request.payload)
            elif request.action == "remove":
                await self.book.remove(self.book.named(account, request.payload))
            elif request.action == "test":
                await self._test(self.book.named(account, request.payload))
        return self.view(account)

    def view(self, account: int) -> AlertsView:
        """An account's alerts without their secrets."""
        found = []
        for alert in self.book.of_account.get(account, ()):
            mine = f"{alert.id}/"
            found.append(
                AlertView(
                    name=alert.name,
                    target=scheme_of(alert.target),
                    rules=alert.rules,  # type: ignore[arg-type]
                    fired=sum(key.startswith(mine) for key in self.book.fired),
                    waiting=self.book.waiting(alert.id),
                )
            )
        return AlertsView(account=address_text(self.service.people.persons[account].address), alerts=tuple(found))

    async def _set(self, account: int, payload: str) -> None:
        try:
            wanted = msgspec.json.decode(payload, type=Wanted)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ApiError("bad_request", f"payload: {error}") from error
        for rule in wanted.rules:
            coin = getattr(rule, "coin", None)
            if coin is not None:
                self.service.universe.coin(coin)
        schemes, are_private = self.terms.schemes, self.terms.private_hosts
        await asyncio.to_thread(check_target, wanted.target, schemes, private_hosts=are_private)
        await self.book.put(account, wanted)
        self.watcher.look_again(account)

    async def _test(self, alert: Alert) -> None:
        now = time.monotonic()
        if now - self._tested.get(alert.id, -TEST_SECONDS) < TEST_SECONDS:
            raise ApiError("rate_limited", f"one test in {TEST_SECONDS:.0f} seconds")
        self._tested[alert.id] = now
        told = [(alert.id, f"{TITLE}: a test", f"The alert {alert.name!r} reaches you.")]
        await self.book.cross((), (), told, time.time_ns() // 1_000_000)
        self.courier.wake()


def own_alerts(given: Sequence[config.VenueAlert], environment: Mapping[str, str]) -> list[Alert]:
    """The operator's alerts. Each is known by what it watches: another order in the file tells nothing again."""
    found = []
    for place, terms in enumerate(given):
        field = f"alert[{place}]"
        target = terms.target
        if target.startswith(config.FROM_ENVIRONMENT):
            target = environment.get(target.removeprefix(config.FROM_ENVIRONMENT), "")
        try:
            scheme = scheme_of(target)
        except BadInput as error:
            raise BadInput(f"{field}.target", error.why) from error
        number = -1 - zlib.crc32(f"{terms.kind} {terms.coin} {terms.threshold} {target}".encode())
        rules = (_own_rule(terms, field),)
        found.append(Alert(id=number, account=OPERATOR, name=f"{terms.kind} to {scheme}", target=target, rules=rules))
    return found


def _own_rule(terms: config.VenueAlert, field: str) -> Rule:
    fields = {}
    if terms.kind in SAYING:
        fields[SAYING[terms.kind]] = terms.threshold
    if terms.coin and terms.kind not in ("liquidation", "bad_debt"):
        fields["coin"] = terms.coin
    try:
        made: Rule = msgspec.convert({"kind": terms.kind, **fields}, OWN_RULES[terms.kind])
    except msgspec.ValidationError as error:
        raise BadInput(field, str(error)) from error
    return made
