"""A feed as a third party would offer it: sources that behave, and sources that do not."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from seawall.venue.feeds.source import Put, Quote, Scene

INTERVAL_MS = 500
SWAY = Fraction(1, 10_000)  # by which a good price moves at each quote
WAYS = ("good", "dead", "thousandfold", "frozen", "late", "nonsense", "failing", "ahead", "fivefold")


class Scripted:
    """Quotes every coin in one of WAYS."""

    def __init__(self, scene: Scene, way: str, number: int) -> None:
        self.scene = scene
        self.way = way
        self.name = f"{way}-{number}"
        self.index = frozenset(scene.coins)
        self.perp: frozenset[str] = frozenset()
        self.said = 0

    def price(self, coin: str) -> str | Fraction:
        fair = good_price(self.scene.prices[coin], self.said)
        by_way: dict[str, str | Fraction] = {
            "thousandfold": fair * 1000,
            "fivefold": fair * 5,
            "frozen": Fraction(str(self.scene.prices[coin])),
            "nonsense": "NaN",
        }
        return by_way.get(self.way, fair)

    async def run(self, put: Put) -> None:
        clock = self.scene.clock
        while True:
            self.said += 1
            time = clock.now() + {"late": -60_000, "ahead": 60_000}.get(self.way, 0)
            if self.way == "failing" and self.said % 5 == 0:
                raise RuntimeError("the line is down")
            if self.way != "dead":
                for coin in self.scene.coins:
                    put(Quote(coin, self.price(coin), time))
            await clock.sleep(INTERVAL_MS)


def good_price(start: float, said: int) -> Fraction:
    """What a good source says the `said`-th time: it rises by 1 bp each time, up to 10 %."""
    return Fraction(str(start)) * (1 + SWAY * min(said, 1_000))


def open_sources(scene: Scene, options: Mapping[str, Any]) -> Sequence[Scripted]:
    return [Scripted(scene, way, number) for number, way in enumerate(options["ways"])]
