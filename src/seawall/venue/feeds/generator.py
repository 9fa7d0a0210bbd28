"""The feed `generator`: synthetic sources that look at one hidden market, each a little off and at its own moments."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import numpy as np
from msgspec import Meta

from seawall.lab.history import Floats
from seawall.lab.presets import PRESETS
from seawall.units import BadInput
from seawall.venue.config import Section
from seawall.venue.feeds.source import Put, Quote, Scene, chosen_coins, options_of
from seawall.venue.feeds.synthetic import LIVELY, HiddenMarket

KIND: Final = "generator"
OFF: Final = 0.00005  # how far a source is off the hidden price, as a share: the standard deviation
OFF_MS: Final = 10_000  # ... and for how long
FIGURES: Final = 7  # of a price that is said


class Options(Section, frozen=True):
    """How the market is and how many look at it."""

    preset: str = LIVELY.name  # or one of lab/presets.py: those are fitted to recorded days
    speed: Annotated[float, Meta(gt=0, le=10_000)] = 1.0  # of the market's time against the clock's
    sources: Annotated[int, Meta(ge=1, le=7)] = 3  # voices in the index
    perp: bool = True  # one more for the mark
    interval_ms: Annotated[int, Meta(ge=50, le=5_000)] = 1_000  # between two quotes of a source
    seed: Annotated[int, Meta(ge=0)] = 7
    coins: tuple[str, ...] = ()  # empty: every market


class SyntheticSource:
    """One origin of prices."""

    def __init__(
        self, market: HiddenMarket, scene: Scene, options: Options, coins: tuple[str, ...], number: int
    ) -> None:
        """`number` counts from 0; the one after the last of the index is the perp."""
        self.market = market
        self._clock = scene.clock
        self._coins = coins
        self._is_perp = number == options.sources
        self._interval = options.interval_ms
        self._delay = round(number * options.interval_ms / (options.sources + options.perp))
        self._rng = np.random.Generator(np.random.PCG64([options.seed, 1 + number]))
        self._off: Floats = np.zeros(len(coins))
        self.name = f"{KIND}-perp" if self._is_perp else f"{KIND}-{1 + number}"
        self.index = frozenset(() if self._is_perp else coins)
        self.perp = frozenset(coins if self._is_perp else ())

    async def run(self, put: Put) -> None:
        await self._clock.sleep(self._delay)
        while True:  # until cancelled
            for quote in self.quotes(self._clock.now()):
                put(quote)
            await self._clock.sleep(self._interval)

    def quotes(self, now: int) -> list[Quote]:
        """What it says of every coin at a time."""
        self.market.move_to(now)
        keep = float(np.exp(-self._interval / OFF_MS))
        drawn = self._rng.standard_normal(len(self._coins))
        self._off = self._off * keep + OFF * np.sqrt(1.0 - keep * keep) * drawn
        prices = (self.market.perp if self._is_perp else self.market.index) * (1.0 + self._off)
        return [
            Quote(coin, price_said(price), now, self._is_perp)
            for coin, price in zip(self._coins, prices.tolist(), strict=True)
        ]


class FirstSource(SyntheticSource):
    """The source through which the market that all of them look at is made to crash."""

    def crash(self, share: float, seconds: float) -> None:
        """All markets fall, the first by `share`, in `seconds`."""
        self.market.crash(share, seconds)


def price_said(price: float) -> str:
    """A price as plain decimal text of seven figures."""
    return str(np.format_float_positional(price, precision=FIGURES, unique=False, fractional=False, trim="-"))


def open_sources(scene: Scene, options: Mapping[str, Any]) -> Sequence[SyntheticSource]:
    """The sources around one hidden market. BadInput for an unknown preset or coin."""
    chosen = options_of(KIND, Options, options)
    coins = chosen_coins(KIND, chosen.coins, scene)
    presets = {LIVELY.name: LIVELY, **PRESETS}
    if chosen.preset not in presets:
        raise BadInput(f"feed {KIND}: preset", f"unknown {chosen.preset!r}: one of {', '.join(presets)}")
    prices = [scene.prices[coin] for coin in coins]
    market = HiddenMarket(presets[chosen.preset], prices, chosen.speed, chosen.seed, scene.clock.now())
    rest = range(1, chosen.sources + chosen.perp)
    first = FirstSource(market, scene, chosen, coins, 0)
    return [first, *(SyntheticSource(market, scene, chosen, coins, number) for number in rest)]
