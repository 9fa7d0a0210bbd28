"""Probabilities of liquidation of the accounts whose alerts ask for them, counted again every minute in a thread."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final

from seawall.tools.foresight import BucketForesight, account_foresight
from seawall.units import BadInput
from seawall.venue.desk import StoppedError
from seawall.venue.rest.foresight import PATHS, SEED, seen
from seawall.venue.risk.memory import Memory
from seawall.venue.service import Service

SECONDS: Final = 60.0
log = logging.getLogger("seawall.risk")


class Chances:
    """`latest` by account: its buckets with positions. `wanted` names the accounts, `told` hears which was counted."""

    def __init__(
        self,
        service: Service,
        memory: Memory,
        wanted: Callable[[], Iterable[int]],
        told: Callable[[int], None],
    ) -> None:
        self.service = service
        self.memory = memory
        self.wanted = wanted
        self.told = told
        self.latest: dict[int, tuple[BucketForesight, ...]] = {}

    async def run(self) -> None:
        """Counts until cancelled. What fails is logged and tried again."""
        while True:  # until cancelled
            await asyncio.sleep(SECONDS)
            try:
                await self.count()
            except StoppedError:
                return
            except Exception:  # one count that failed must not silence all that come
                log.exception("probabilities of liquidation could not be counted")

    async def count(self) -> None:
        """Once over all accounts that are wanted; those that are not any more are forgotten."""
        wanted = sorted(set(self.wanted()))
        for account in [one for one in self.latest if one not in wanted]:
            del self.latest[account]
        for account in wanted:
            await self.service.desk.settled()
            held, bars, fee = seen(self.service, self.memory, account, hedges=0)
            if any(named.bucket.positions for named in held.buckets):
                try:
                    found = await asyncio.to_thread(
                        account_foresight, held, bars, fee=fee, seed=SEED, paths=PATHS, is_cured=False
                    )
                except BadInput as error:  # a market that has no price any more
                    log.warning("account %d: %s", account, error)
                    continue
                self.latest[account] = found.buckets
            else:
                self.latest[account] = ()
            self.told(account)
