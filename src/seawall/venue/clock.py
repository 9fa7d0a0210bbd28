"""The wall clock, and what else may stand for it: everything that paces itself takes one of these."""

import asyncio
import time
from typing import Final, Protocol

NS_PER_MS: Final = 1_000_000


class Clock(Protocol):
    """Time in ms since the epoch, and waiting."""

    def now(self) -> int:
        """The time in ms."""

    async def sleep(self, ms: int) -> None:
        """Returns `ms` later, at once for 0 or less."""


class WallClock:
    """The machine's own time."""

    def now(self) -> int:
        return time.time_ns() // NS_PER_MS

    async def sleep(self, ms: int) -> None:
        await asyncio.sleep(max(ms, 0) / 1000)
