"""Prometheus metrics of a venue, in a registry of their own: counted as the log goes by, read when asked for."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, Histogram, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from seawall.engine.invariant_money import conservation
from seawall.engine.invariant_view import View
from seawall.ledger import state
from seawall.margin.trigger_state import FIRED
from seawall.terms import command, event, parameter
from seawall.units import FUNDING_ONE, RATE_ONE, USD_ONE
from seawall.venue.batch import Batch
from seawall.venue.ops.gauges import Gauge, history_gauges
from seawall.venue.ops.limits import Limits
from seawall.venue.records import News
from seawall.venue.rest.words import is_fresh, status_of
from seawall.venue.service import Service

KINDS: Final = {  # the kinds come first among the words of command.py, and a flag may have the same number
    value: name.lower()
    for name, value in reversed(vars(command).items())
    if name.isupper() and isinstance(value, int) and value in command.FIELDS
}
SECONDS: Final = (1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5)
ROWS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 4_000)
CODES: Final = 1_000
CHECK_SECONDS: Final = 10.0  # between two sums over all money
NOTES: Final = {
    event.LIQUIDATION: "started",
    event.LIQUIDATION_FILL: "sold",
    event.LIQUIDATION_WAITS: "waited",
    event.BACKSTOP: "backstop",
    event.ADL: "deleveraged",
    event.DEFICIT: "debt",
    event.SOCIALISED: "haircut",
    event.LIQUIDATION_END: "ended",
}


class Metrics:
    """All metrics of one venue. It follows the desk and hears the news."""

    def __init__(self, service: Service, limits: Limits) -> None:
        self.service = service
        self.limits = limits
        self.registry = CollectorRegistry(auto_describe=False)
        self.more: list[Callable[[], Iterator[Gauge]]] = [history_gauges(service)]
        self.requests: Counter[tuple[str, str, str]] = Counter()  # (method, route, status)
        self.answer_seconds = self._histogram("http_seconds", "Answering a request.", SECONDS)
        self._apply = self._histogram("apply_seconds", "Applying the rows of a turn.", SECONDS)
        self._sync = self._histogram("sync_seconds", "Making a turn durable.", SECONDS)
        self._rows = self._histogram("batch_rows", "Commands of a batch.", ROWS)
        self._commands: Counter[int] = Counter()  # kind x CODES + code
        self._fills: Counter[tuple[int, str]] = Counter()
        self._volume: Counter[int] = Counter()
        self._notes: Counter[tuple[int, int]] = Counter()
        self._turn = 0
        self._checked = (-CHECK_SECONDS, 1.0)
        self.registry.register(Reader(self))
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        service.desk.followers.append(self.follow)
        service.hearers.append(self.hear)

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        return generate_latest(self.registry)

    def follow(self, batch: Batch) -> None:
        """Counts a durable batch."""
        for key in (batch.rows["kind"] * CODES + batch.codes).tolist():
            self._commands[key] += 1
        self._rows.observe(len(batch.rows))
        if self.service.desk.turns != self._turn:
            self._turn = self.service.desk.turns
            self._apply.observe(self.service.desk.took.applying)
            self._sync.observe(self.service.desk.took.syncing)

    def hear(self, news: News) -> None:
        """Counts what happened."""
        for fill in news.fills:
            if fill.is_taker:
                self._fills[fill.market, fill.method] += 1
                self._volume[fill.market] += abs(fill.lots) * fill.price
        for note in news.notes:
            self._notes[note.values[2], note.values[0]] += 1

    def is_conserved(self) -> bool:
        """Whether all money adds up to the vault; computed at most every CHECK_SECONDS."""
        now = time.monotonic()
        if now - self._checked[0] >= CHECK_SECONDS:
            self._checked = (now, float(conservation(View(self.service.columns)) == ""))
        return self._checked[1] == 1.0

    def counted(self) -> Iterator[Metric]:
        """What was counted since the start."""
        commands = CounterMetricFamily("seawall_commands", "Commands of the log.", labels=("kind", "code"))
        for key, count in sorted(self._commands.items()):
            kind, code = divmod(key, CODES)
            commands.add_metric((KINDS.get(kind, str(kind)), str(code)), count)
        yield commands
        coins = [listing.coin for listing in self.service.universe.listings]
        fills = CounterMetricFamily("seawall_fills", "Trades.", labels=("coin", "method"))
        for (market, method), count in sorted(self._fills.items()):
            fills.add_metric((coins[market], method or "order"), count)
        yield fills
        volume = CounterMetricFamily("seawall_volume_usd", "Traded notional.", labels=("coin",))
        for market, amount in sorted(self._volume.items()):
            volume.add_metric((coins[market],), amount / USD_ONE)
        yield volume
        notes = CounterMetricFamily("seawall_liquidation_steps", "Steps of liquidations.", labels=("coin", "step"))
        for (market, kind), count in sorted(self._notes.items()):
            notes.add_metric((coins[market] if market >= 0 else "", NOTES.get(kind, str(kind))), count)
        yield notes
        requests = CounterMetricFamily("seawall_http_requests", "Requests.", labels=("method", "route", "status"))
        for labels, count in sorted(self.requests.items()):
            requests.add_metric(labels, count)
        yield requests
        yield CounterMetricFamily("seawall_rate_limited", "Requests that were refused.", value=self.limits.refused)

    def _histogram(self, name: str, words: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"seawall_{name}", words, buckets=buckets, registry=self.registry)


class Reader(Collector):
    """Reads the columns when Prometheus asks: in the event loop, between two turns."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics

    def describe(self) -> list[Metric]:
        """Names are not checked ahead: they do not clash."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self.metrics.counted()
        yield from self._venue()
        yield from self._markets()
        for more in self.metrics.more:
            for name, words, labels, values in more():
                gauge = GaugeMetricFamily(f"seawall_{name}", words, labels=labels)
                for key, value in values.items():
                    gauge.add_metric(key, value)
                yield gauge

    def _venue(self) -> Iterator[Metric]:
        service, columns = self.metrics.service, self.metrics.service.columns
        cell, desk = columns["cell"], service.desk
        numbers: dict[str, tuple[str, float]] = {
            "up": ("1 while commands are taken.", float(desk.failed is None and not desk.is_stopping)),
            "sequence": ("The last command applied.", desk.sequence),
            "durable_sequence": ("The last command on disk.", desk.writer.durable),
            "waiting_rows": ("Commands that wait for a turn.", desk.waiting),
            "turns": ("Turns since the start.", desk.turns),
            "clock_lag_seconds": ("The venue's time behind the wall clock.", time.time() - service.now / 1_000),
            "accounts": ("Accounts.", cell.item(state.ACCOUNTS)),
            "orders": ("Live orders.", cell.item(state.ORDERS_LIVE)),
            "liquidation_queue": ("Buckets to be liquidated.", cell.item(state.QUEUED)),
            "unmeasured_buckets": ("Buckets to be measured.", columns["count"].item(FIRED)),
            "venue_status": ("Status of the venue: 1 active to 5 halted.", cell.item(state.VENUE_STATUS)),
            "risk_age_seconds": ("Since the last proposal.", (service.now - cell.item(state.RISK_TIME)) / 1_000),
            "vault_usd": ("Deposited and not paid out.", cell.item(state.VAULT) / USD_ONE),
            "pending_withdrawals_usd": ("Frozen to be paid out.", cell.item(state.PENDING) / USD_ONE),
            "fees_usd": ("The venue's income.", cell.item(state.FEES) / USD_ONE),
            "dust_usd": ("Roundings.", cell.item(state.DUST) / USD_ONE),
            "bad_debt_usd": ("Debt that nobody has made good.", -cell.item(state.BAD_DEBT) / USD_ONE),
            "cash_usd": (
                "Cash of all buckets, entry notionals taken off.",
                float(columns["bucket_raw"].sum()) / USD_ONE,
            ),
            "conserved": ("1: all money adds up to the vault, to 1e-12 USD.", float(self.metrics.is_conserved())),
        }
        for name, (words, value) in numbers.items():
            yield GaugeMetricFamily(f"seawall_{name}", words, value=value)

    def _markets(self) -> Iterator[Metric]:
        service, columns = self.metrics.service, self.metrics.service.columns
        values: dict[str, tuple[str, Callable[[int], float]]] = {
            "open_interest_usd": ("Longs at mark.", lambda m: columns["market_open"].item(m) * price(m) / USD_ONE),
            "insurance_usd": ("Insurance fund.", lambda m: columns["market_insurance"].item(m) / USD_ONE),
            "market_status": ("1 active to 7 delisting.", lambda m: status_of(columns, m)),
            "breaker": ("0 normal, 1 soft, 2 hard, 3 recovery.", lambda m: param(m, parameter.BREAKER)),
            "index_fresh": ("1: quorum of young prices.", lambda m: float(is_fresh(columns, m))),
            "index_age_seconds": (
                "Age of the index.",
                lambda m: (service.now - columns["market_oracle_time"].item(m)) / 1_000,
            ),
            "funding_rate": ("An hour.", lambda m: columns["market_funding_rate"].item(m) / FUNDING_ONE),
            "leverage_cap": ("Live cap of new risk.", lambda m: param(m, parameter.LEVERAGE_CAP)),
            "maintenance_scale": (
                "Live scale of maintenance.",
                lambda m: param(m, parameter.MAINTENANCE_SCALE) / RATE_ONE,
            ),
        }

        def price(market: int) -> int:
            return int(columns["market_price"].item(market))

        def param(market: int, number: int) -> int:
            return int(columns["param"].item(market, number))

        for name, (words, read) in values.items():
            gauge = GaugeMetricFamily(f"seawall_{name}", words, labels=("coin",))
            for listing in service.universe.listings:
                gauge.add_metric((listing.coin,), read(listing.number))
            yield gauge
        prices = GaugeMetricFamily("seawall_price_usd", "Mark and index.", labels=("coin", "kind"))
        for listing in service.universe.listings:
            for kind, column in (("mark", "market_price"), ("index", "market_oracle")):
                value: Any = columns[column].item(listing.number)
                prices.add_metric((listing.coin, kind), value * 10.0**listing.size_decimals / USD_ONE)
        yield prices
