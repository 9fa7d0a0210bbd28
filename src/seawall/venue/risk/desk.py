"""All forecasts of a venue in one object: what remembers, what proposes, what counts for alerts, what `/v1` tells."""

import asyncio
import secrets
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter

from seawall.margin.bulk import compile_bulk
from seawall.margin.sweep import compile_sweep
from seawall.risk.bars import HOUR_MS, Bar
from seawall.risk.engine import RiskModel
from seawall.risk.kernels import compile_risk
from seawall.risk.model import default, load
from seawall.signing import Key
from seawall.venue.ops.operations import Operations
from seawall.venue.rest import foresight as foresight_routes
from seawall.venue.rest import risk as risk_routes
from seawall.venue.rest.routes import Rest
from seawall.venue.risk.chances import Chances
from seawall.venue.risk.memory import MINUTE_MS, Memory
from seawall.venue.risk.office import RiskOffice
from seawall.venue.service import Service

SHAPES: Final[tuple[type[Any], ...]] = (*foresight_routes.SHAPES, *risk_routes.SHAPES)
OWN_KEYS: Final = 2  # of a venue whose configuration names no signers: the engine needs two
KEY_BYTES: Final = 32
WARM_HOURS: Final = 25  # of history after which a trained model speaks, and one more


def warm() -> None:
    """Compiles, or loads, what looks and forecasts call: nobody's order waits for that."""
    model = RiskModel(default())
    for hour in range(WARM_HOURS):
        model.observe("BTC", Bar(hour * HOUR_MS, 1.0, 1.01, 0.99, 1.0, 1.0))
    model.observe("BTC", Bar(WARM_HOURS * HOUR_MS, 1.0, 1.01, 0.99, 1.0, 1.0, MINUTE_MS))
    model.propose("BTC")
    compile_risk()
    compile_sweep()
    compile_bulk()


class RiskDesk:
    """`start` it in the event loop, `stop` it before the service."""

    def __init__(self, service: Service, operations: Operations) -> None:
        """BadInput for a model or signers of the configuration that can not be used."""
        terms, watcher = service.config.risk, operations.alerts.watcher
        model = load(Path(terms.model)) if terms.model else default()
        keys = () if terms.signers else tuple(Key(secrets.token_bytes(KEY_BYTES)) for _ in range(OWN_KEYS))
        self.memory = Memory(service)
        self.office = RiskOffice(service, self.memory, keys, RiskModel(model))
        self.chances = Chances(service, self.memory, watcher.wants_chances, watcher.look_again)
        watcher.chances = self.chances.latest
        self._tasks: list[asyncio.Task[None]] = []

    def routers(self, rest: Rest) -> tuple[APIRouter, ...]:
        """What it tells over `/v1`."""
        return foresight_routes.foresight_router(rest, self.memory), risk_routes.risk_router(rest, self.office)

    def start(self) -> None:
        """Begins to look."""
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self.office.run(), name="seawall-risk"),
            loop.create_task(self.chances.run(), name="seawall-chances"),
        ]

    async def stop(self) -> None:
        """Ends it. Without proposals the engine lets live values decay to static ones."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
