"""All sources of prices of a venue: opens their plug-ins, keeps them running, and tells how each of them is.

Sources are numbered by the order of the configuration: those of the first feed come first, and of a source that quotes
both, the voice for the index before the one for the perp.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

import msgspec

from seawall.terms.limits import SOURCES
from seawall.units import USD_ONE, BadInput
from seawall.venue.clock import Clock
from seawall.venue.config import Config, FeedTerms
from seawall.venue.feeds.board import Board, Said, Voice, deviation_ppm, state_of
from seawall.venue.feeds.registry import plugin
from seawall.venue.feeds.source import Put, Quote, Scene, Source
from seawall.venue.service import Service

BACKOFF_MS: Final = 1_000  # before a source that has ended runs again; twice as long each time it ends soon
BACKOFF_MAX_MS: Final = 60_000
SETTLED_MS: Final = 60_000  # a source that ran this long begins with the shortest wait again
PROBLEM_MAX: Final = 200  # characters of an error that is shown
PAUSED: Final = "paused by the operator"

log = logging.getLogger(__name__)


class CoinStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A voice in one market."""

    coin: str
    state: str  # ok unused silent absurd stale divergent frozen refused
    price: str  # as it was said
    time: int  # of publication, ms; 0: never
    age_ms: int | None
    unchanged_ms: int | None
    deviation_ppm: int | None  # from the index
    problem: str


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A voice: what an operator wants to see of it."""

    number: int  # the engine's
    kind: str
    name: str
    is_perp: bool
    weight: int
    is_running: bool
    restarts: int
    problem: str  # why it last ended
    coins: tuple[CoinStatus, ...]

    @property
    def is_good(self) -> bool:
        """Whether it runs and speaks in every market it should."""
        return self.is_running and all(coin.state == "ok" for coin in self.coins)


@runtime_checkable
class CanCrash(Protocol):
    """A source whose market can be made to crash."""

    def crash(self, share: float, seconds: float) -> None:
        """All its markets fall, the first by `share` of its price, in `seconds`."""


class Running:
    """A source with its voices, and how it has fared."""

    def __init__(self, source: Source, index: Voice | None, perp: Voice | None) -> None:
        self.source = source
        self.index = index
        self.perp = perp
        self.is_running = False
        self.is_paused = False  # by the operator: nothing it says is heard
        self.restarts = 0
        self.problem = ""

    @property
    def voices(self) -> list[Voice]:
        return [voice for voice in (self.index, self.perp) if voice is not None]

    def put_on(self, board: Board) -> Put:
        """Where the source puts its quotes."""

        def put(quote: Quote) -> None:
            voice = self.perp if quote.is_perp else self.index
            if voice is not None and not self.is_paused:
                board.put(voice, quote)

        return put


class Feeds:
    """The sources. `start` them in the event loop; `stop` ends them."""

    def __init__(self, service: Service, clock: Clock, coins: Sequence[tuple[str, float]]) -> None:
        """Opens the plug-ins for the venue's markets and `coins`, each with a price about which it is.

        Raises BadInput for a feed that is unknown or misunderstood, and for more sources than a market can have.
        """
        self.service = service
        self.clock = clock
        self.board = Board(service.universe, clock)
        self.running = _opened(service.config, _scene(service, clock, coins))
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def voices(self) -> list[Voice]:
        """Every voice, by number."""
        return [voice for running in self.running for voice in running.voices]

    def voices_of(self, coin: str) -> list[Voice]:
        """Those that quote a coin."""
        return [voice for voice in self.voices if coin in voice.coins]

    def start(self) -> None:
        """Runs every source in the running event loop."""
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._keep(running), name=f"seawall-feed-{running.source.name}")
            for running in self.running
        ]

    async def stop(self) -> None:
        """Ends all sources."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def pause(self, name: str, *, is_paused: bool) -> None:
        """Hears the source with a voice of this name no more, or again. KeyError when there is none."""
        found = [running for running in self.running if name in (voice.name for voice in running.voices)]
        if not found:
            raise KeyError(name)
        for running in found:
            running.is_paused = is_paused

    def crash(self, share: float, seconds: float) -> None:
        """Makes synthetic markets fall. BadInput when no source can, or for a share or a time out of range."""
        if not 0 < share < 1 or not 0 < seconds <= 86_400:
            raise BadInput("crash", "expected a share between 0 and 1 and at most 86,400 seconds")
        able = [running.source for running in self.running if isinstance(running.source, CanCrash)]
        if not able:
            raise BadInput("crash", "no feed is synthetic: a real market cannot be made to crash")
        for source in able:
            source.crash(share, seconds)

    def status(self) -> list[SourceStatus]:
        """Every voice as it is now, by number."""
        return [self._status(running, voice) for running in self.running for voice in running.voices]

    def _status(self, running: Running, voice: Voice) -> SourceStatus:
        said = self.board.of_voice(voice)
        return SourceStatus(
            number=voice.number,
            kind=voice.kind,
            name=voice.name,
            is_perp=voice.is_perp,
            weight=voice.weight,
            is_running=running.is_running and not running.is_paused,
            restarts=running.restarts,
            problem=PAUSED if running.is_paused else running.problem,
            coins=tuple(
                self._coin_status(voice, coin, said.get(coin))
                for coin in sorted(voice.coins)
                if coin in self.service.universe.by_coin
            ),
        )

    def _coin_status(self, voice: Voice, coin: str, said: Said | None) -> CoinStatus:
        now, columns, listing = self.clock.now(), self.service.columns, self.service.universe.by_coin[coin]
        return CoinStatus(
            coin=coin,
            state=state_of(columns, said, voice, listing, now),
            price=said.text if said else "",
            time=said.time if said else 0,
            age_ms=now - said.time if said else None,
            unchanged_ms=now - said.changed if said else None,
            deviation_ppm=deviation_ppm(columns, said, listing) if said else None,
            problem=said.problem if said else "",
        )

    async def _keep(self, running: Running) -> None:
        put, wait = running.put_on(self.board), BACKOFF_MS
        while True:  # until stopped
            began = self.clock.now()
            running.is_running = True
            try:
                await running.source.run(put)
                running.problem = "it ended"
            except Exception as error:  # a plug-in may fail in any way: the venue goes on with the others
                running.problem = f"{type(error).__name__}: {error}"[:PROBLEM_MAX]
            running.is_running = False
            running.restarts += 1
            wait = BACKOFF_MS if self.clock.now() - began >= SETTLED_MS else wait
            log.warning("feed %s: %s; again in %d ms", running.source.name, running.problem, wait)
            await self.clock.sleep(wait)
            wait = min(2 * wait, BACKOFF_MAX_MS)


def _scene(service: Service, clock: Clock, coins: Sequence[tuple[str, float]]) -> Scene:
    prices = dict(coins)
    for listing in service.universe.listings:
        index = int(service.columns["market_oracle"][listing.number])
        if index:
            prices[listing.coin] = index * 10.0**listing.size_decimals / USD_ONE
    return Scene(coins=tuple(prices), prices=prices, clock=clock)


def _opened(config: Config, scene: Scene) -> list[Running]:
    """Every source of the configuration with its voices, numbered."""
    found: list[Running] = []
    number = 0
    for terms in config.feed:
        sources = plugin(terms.kind)(scene, terms.options)
        for source in sources:
            index, perp = None, None
            if source.index:
                index, number = _voice(terms, source, number, is_perp=False), number + 1
            if source.perp:
                perp, number = _voice(terms, source, number, is_perp=True), number + 1
            found.append(Running(source, index, perp))
    if number > SOURCES:
        raise BadInput("feed", f"{number} sources of prices, at most {SOURCES}")
    return found


def _voice(terms: FeedTerms, source: Source, number: int, *, is_perp: bool) -> Voice:
    name = f"{terms.name}: {source.name}" if terms.name else source.name
    coins = source.perp if is_perp else source.index
    return Voice(number=number, kind=terms.kind, name=name, is_perp=is_perp, weight=terms.weight, coins=coins)
