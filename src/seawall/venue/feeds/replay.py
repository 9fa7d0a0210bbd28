"""The feed `replay`: a recorded history, from the candles that the laboratory reads, played on the wall clock for ever.

Bars are walked through their extremes as a replay walks them (lab/path.py), in a straight line from point to point.
After the last bar prices walk back to where they began in `return_minutes`, and it begins again. A market is silent
where its history has a gap. The index is one source, the traded price of the perp another where both were recorded.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import numpy as np
from msgspec import Meta

from seawall.lab.files import Gaps, load
from seawall.lab.history import Floats, History
from seawall.lab.names import unit_of
from seawall.lab.path import points_of
from seawall.units import BadInput
from seawall.venue.config import Section
from seawall.venue.feeds.generator import price_said
from seawall.venue.feeds.source import Put, Quote, Scene, chosen_coins, options_of

KIND: Final = "replay"
MINUTE_MS: Final = 60_000


class Options(Section, frozen=True, kw_only=True):
    """What to play and how fast."""

    folder: str
    event: str = "2025-10-10"  # a day, FROM..TO, or a name such as october-2025
    interval: str | None = None  # such as 1m; empty: the finest that holds most of the money
    speed: Annotated[float, Meta(gt=0, le=10_000)] = 1.0  # of the history's time against the clock's
    return_minutes: Annotated[float, Meta(gt=0, le=10_000)] = 10.0  # of the history's time
    interval_ms: Annotated[int, Meta(ge=50, le=5_000)] = 1_000  # between two quotes
    coins: tuple[str, ...] = ()  # empty: every market that the folder has candles of


class Track:
    """Prices over a round: the points of the bars, then the way back to the first."""

    def __init__(self, history: History, points: Floats, return_ms: float) -> None:
        """`points` [T, K, S] in USD, NaN in gaps."""
        bars, per_bar, count = points.shape
        step = history.interval_ms / per_bar
        self.times: Floats = step * np.arange(1, bars * per_bar + 1)
        self.prices: Floats = points.reshape(bars * per_bar, count)
        self.end = float(self.times[-1])
        self.length = self.end + return_ms
        seen = np.isfinite(self.prices)
        columns = np.arange(count)
        self.first: Floats = self.prices[seen.argmax(axis=0), columns]
        self.last: Floats = self.prices[len(seen) - 1 - seen[::-1].argmax(axis=0), columns]

    def at(self, elapsed_ms: float) -> Floats:
        """Prices of all markets; NaN in a gap."""
        here = elapsed_ms % self.length
        if here > self.end:
            share = (here - self.end) / (self.length - self.end)
            back: Floats = self.last * (self.first / self.last) ** share
            return back
        place = int(np.searchsorted(self.times, here))
        later: Floats = self.prices[place]
        if place == 0:
            return later
        before, since = self.prices[place - 1], self.times[place - 1]
        share = (here - since) / (self.times[place] - since)
        between: Floats = before + (later - before) * share
        return between


class ReplaySource:
    """The index of a history, or its perps."""

    def __init__(self, scene: Scene, options: Options, coins: Mapping[str, tuple[int, float]], track: Track) -> None:
        """`coins` have the column of the track and what its prices are multiplied by."""
        self.track = track
        self._scene = scene
        self._options = options
        self._coins = coins
        self._start = scene.clock.now()
        self.name = f"{KIND} {options.event}"
        self.index = frozenset(coins)
        self.perp: frozenset[str] = frozenset()

    async def run(self, put: Put) -> None:
        clock = self._scene.clock
        while True:  # until cancelled
            for quote in self.quotes(clock.now()):
                put(quote)
            await clock.sleep(self._options.interval_ms)

    def quotes(self, now: int) -> list[Quote]:
        """What it says at a time: nothing of a market in a gap."""
        prices = self.track.at((now - self._start) * self._options.speed)
        said = [(coin, float(prices[column]) * factor) for coin, (column, factor) in self._coins.items()]
        return [Quote(coin, price_said(price), now, bool(self.perp)) for coin, price in said if price > 0]


class ReplayPerp(ReplaySource):
    """The perps of a history."""

    def __init__(self, scene: Scene, options: Options, coins: Mapping[str, tuple[int, float]], track: Track) -> None:
        super().__init__(scene, options, coins, track)
        self.name = f"{self.name} perp"
        self.index, self.perp = frozenset(), frozenset(coins)


def open_sources(scene: Scene, options: Mapping[str, Any]) -> Sequence[ReplaySource]:
    """One or two sources from a folder. BadInput when it has no candles of a coin that was asked for, or of any."""
    chosen = options_of(KIND, Options, options)
    coins = chosen_coins(KIND, chosen.coins, scene)
    asked = list(coins) if chosen.coins else None
    history = load(chosen.folder, chosen.event, interval=chosen.interval, gaps=Gaps.KEEP, markets=1_000)
    columns = _columns(history, coins)
    missing = [coin for coin in asked or () if coin not in columns]
    if missing or not columns:
        raise BadInput(f"feed {KIND}: coins", f"no candles of {', '.join(missing or coins)} in {chosen.folder}")
    perps, indices = points_of(history)
    return_ms = chosen.return_minutes * MINUTE_MS
    sources = [ReplaySource(scene, chosen, columns, Track(history, indices, return_ms))]
    both = {coin: place for coin, place in columns.items() if history.has_index[place[0]]}
    if both:
        sources.append(ReplayPerp(scene, chosen, both, Track(history, perps, return_ms)))
    return sources


def _columns(history: History, coins: Sequence[str]) -> dict[str, tuple[int, float]]:
    """For each coin that the history has, in whatever unit: its column, and how many of its units one of ours holds."""
    units = {unit_of(symbol)[0]: (place, unit_of(symbol)[1]) for place, symbol in enumerate(history.symbols)}
    found = {}
    for coin in coins:
        name, count = unit_of(coin)
        if name in units:
            place, there = units[name]
            found[coin] = (place, count / there)
    return found
