"""Everything that keeps a venue going beside its clients, made and started in the right order.

floor = Floor(service, WallClock())      # after service.open(): markets and feeds are checked, nothing is written
await floor.start()                      # after service.start(): lists and stocks what is missing, then all runs
await floor.stop()                       # before service.stop()
"""

import asyncio
import logging

from seawall.venue.bridge import Bridge
from seawall.venue.clock import Clock
from seawall.venue.collateral import lend_free, list_assets
from seawall.venue.faucet import Faucet
from seawall.venue.feeds.feeds import Feeds
from seawall.venue.genesis import Genesis
from seawall.venue.liquidity import PlayPools
from seawall.venue.residents import Residents
from seawall.venue.sequencer import Sequencer
from seawall.venue.service import Service
from seawall.venue.traders.traders import Traders

log = logging.getLogger(__name__)


class Floor:
    """Bridge, faucet, feeds, sequencer, simulated traders and the opening of new markets of one venue."""

    def __init__(self, service: Service, clock: Clock) -> None:
        """Raises BadInput for markets or feeds that are misunderstood, unknown or too many."""
        self.service = service
        self.bridge = Bridge(service, clock)
        if service.config.bridge.local:
            service.pools = PlayPools(service, self.bridge)
        self.faucet = Faucet(service, self.bridge, clock)
        self.residents = Residents(service, self.bridge)
        self.genesis = Genesis(service, self.residents, clock)
        self.feeds = Feeds(service, clock, self.genesis.coins)
        self.sequencer = Sequencer(service, self.feeds, clock)
        self.traders = Traders(service, self.residents, clock)
        self._opening: asyncio.Task[None] | None = None

    @property
    def failed(self) -> bool:
        """Whether the venue's clock and prices have stopped though nobody stopped them."""
        return self.sequencer.failed

    async def start(self) -> list[str]:
        """Starts it all; the markets that were listed just now. They open as soon as they have prices.

        Raises BadInput, with nothing running, when the engine refuses a market.
        """
        listed = await self.genesis.list_new(self.feeds)
        for listing in self.service.universe.listings:
            if not self.feeds.voices_of(listing.coin):
                log.warning("market %s: no feed quotes it, so it has no price", listing.coin)
        await list_assets(self.service, dict(self.genesis.coins))
        if self.service.config.chain.target:
            await lend_free(self.service)
        await self.genesis.stock()
        self.bridge.start()
        if self.service.pools is not None:
            self.service.pools.start()
        self.feeds.start()
        self.sequencer.start()
        self._opening = asyncio.get_running_loop().create_task(self.genesis.run(), name="seawall-opening")
        self.traders.start()
        return listed

    async def stop(self) -> None:
        """Ends it all. What was submitted is durable."""
        await self.traders.stop()
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await self.sequencer.stop()
        await self.feeds.stop()
        if self.service.pools is not None:
            self.service.pools.stop()
        await self.bridge.stop()
