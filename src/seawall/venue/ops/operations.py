"""Everything that runs beside the venue, in one object: what an entry point makes, starts and stops.

ops = Operations(service, os.environ)          # service is open
ops.mount(app)                                  # /v1 on the app that clients see
await ops.start()                               # in the loop
...
await ops.stop()                                # before service.stop()
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import APIRouter, FastAPI

from seawall.venue.config import MarketTerms
from seawall.venue.feeds.feeds import Feeds
from seawall.venue.genesis import market_fields
from seawall.venue.ops.admin import Admin, Lister, create_admin
from seawall.venue.ops.alerts.office import Alerts
from seawall.venue.ops.alerts.routes import SHAPES, alerts_router
from seawall.venue.ops.gate import Gate
from seawall.venue.ops.gauges import Sockets, feed_gauges, socket_gauges
from seawall.venue.ops.limits import Limits
from seawall.venue.ops.metrics import Metrics
from seawall.venue.ops.probes import Probes, probe_router
from seawall.venue.ops.record import Record
from seawall.venue.ops.store import Store, load_usage, save_usage
from seawall.venue.ops.tokens import tokens_from
from seawall.venue.reads import Reads
from seawall.venue.rest.routes import Rest, create_rest
from seawall.venue.service import Service

USAGE_SECONDS: Final = 10.0  # between two times that usage is kept: a crash forgets no more of it
log = logging.getLogger("seawall.operations")


def _lister(feeds: Feeds) -> Lister:
    """Markets are listed while the venue runs as its configuration lists them: with the sources that quote them."""

    def rows(number: int, terms: MarketTerms) -> Sequence[dict[str, int]]:
        return market_fields(number, terms, number, feeds)

    return rows


class Operations:
    """Limits, metrics, alerts, the admin's port, `/v1` and its parts."""

    def __init__(
        self,
        service: Service,
        environment: Mapping[str, str],
        feeds: Feeds | None = None,
    ) -> None:
        """For a service that is open. BadInput for a configuration that is not whole."""
        self.service = service
        self.reads = Reads(service.desk.venue)
        self.reads.warm()
        self.limits = Limits(service.config.limits)
        tokens, self.made_token = tokens_from(environment)
        self.store = Store(service.folder)
        self.limits.load(self.store.now(load_usage))
        service.hearers.append(self.limits.hear)
        service.lens.usage = self.limits.usage
        self.gate = Gate(self.limits)
        self.metrics = Metrics(service, self.limits)
        self.record = Record(self.store)
        self.alerts = Alerts(service, self.store, environment)
        self.rest = Rest(service, self.reads, self.limits, None if feeds is None else feeds.status, self.record.reasons)
        self.probes = Probes(service, self.metrics)
        self.admin = Admin(service, self.record, tokens, None if feeds is None else _lister(feeds), feeds)
        if feeds is not None:
            self.metrics.more.append(feed_gauges(feeds.status))
        self.admin_app = create_admin(self.admin, probe_router(self.probes))
        self._usage: asyncio.Task[None] | None = None

    def watch_sockets(self, hub: Sockets) -> None:
        """Adds a websocket hub to the metrics."""
        self.metrics.more.append(socket_gauges(hub))

    def mount(self, app: FastAPI, *more: APIRouter, shapes: Sequence[type[Any]] = ()) -> None:
        """Puts `/v1` on the app that clients see, with `more` routers and their shapes."""
        create_rest(app, self.rest, alerts_router(self.rest, self.alerts), *more, shapes=(*SHAPES, *shapes))

    async def start(self) -> None:
        """Begins to watch, to send and to keep usage."""
        self.alerts.start()
        self._usage = asyncio.get_running_loop().create_task(self._keep_usage(), name="seawall-usage")

    def closing(self) -> None:
        """A stop has begun: /readyz says so."""
        self.probes.is_open = False

    async def stop(self) -> None:
        """Keeps what is in memory only and closes the store."""
        self.closing()
        await self.alerts.stop()
        if self._usage is not None:
            self._usage.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._usage
        await self._save_usage()
        self.store.close()

    async def _keep_usage(self) -> None:
        while True:  # until cancelled
            await asyncio.sleep(USAGE_SECONDS)
            try:
                await self._save_usage()
            except Exception:  # a full disk must not end the limits: what changed is kept with the next change
                log.exception("usage could not be kept")

    async def _save_usage(self) -> None:
        rows = self.limits.take_changed()
        await self.store.do(lambda connection: save_usage(connection, rows))
