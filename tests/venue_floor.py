"""A venue on a temporary folder whose time a test moves."""

import asyncio
import heapq
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seawall.venue.config import Config, Data
from seawall.venue.floor import Floor
from seawall.venue.service import Service

START_MS = 1_760_000_400_000


class FakeClock:
    """Stands still until `pass_ms` moves it from one sleeper to the next."""

    def __init__(self, now: int = START_MS) -> None:
        self.time = now
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> int:
        return self.time

    async def sleep(self, ms: int) -> None:
        woken = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self.time + max(ms, 0), self._count, woken))
        await woken

    async def pass_ms(self, ms: int, service: Service) -> None:
        """Lets time pass; before each wake-up everything that was begun has come to rest."""
        end = self.time + ms
        await at_rest(service)
        while self._sleepers and self._sleepers[0][0] <= end:
            time, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                self.time = max(self.time, time)
                woken.set_result(None)
                await at_rest(service)
        self.time = end


async def at_rest(service: Service) -> None:
    """Returns when the venue has nothing to do and nobody in the loop has taken a step for a while."""
    quiet = 0
    while quiet < 5:
        turns = service.desk.turns
        await asyncio.sleep(0)
        await service.desk.settled()
        is_busy = service.desk._waiting or service.desk.has_forced_work() or service.desk.turns != turns
        quiet = 0 if is_busy else quiet + 1


class World:
    """A service and its floor on a folder."""

    def __init__(self, folder: Path, clock: FakeClock, **sections: Any) -> None:
        data = Data(folder=str(folder), capacity="small")
        self.clock = clock
        self.service = Service(Config(data=data, **sections), clock.now)
        self.service.open()
        self.floor = Floor(self.service, clock)

    async def __aenter__(self) -> "World":
        self.service.start()
        await self.floor.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.floor.stop()
        await self.service.stop()

    async def pass_ms(self, ms: int) -> None:
        await self.clock.pass_ms(ms, self.service)

    async def until(self, is_so: Callable[[], bool], most_ms: int, step_ms: int = 1_000) -> None:
        for _ in range(0, most_ms, step_ms):
            if is_so():
                return
            await self.pass_ms(step_ms)
        assert is_so(), f"not within {most_ms} ms"
