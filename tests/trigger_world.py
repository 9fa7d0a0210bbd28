"""A random venue for the triggers, its brute force in plain integers and fractions, and the triggers uncompiled.

`World` draws commands from a seed and keeps its own books; after each one `check` measures every bucket from those
books, sharing no code with the package. `uncompiled` yields the trigger modules as plain Python, for switching guards
off from outside.
"""

import importlib
import random
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

import seawall.kernel
from seawall.margin import triggers as compiled
from seawall.terms.bucket import MarginMode
from seawall.terms.market import Mark, Market, Tier, market
from seawall.units import RATE_ONE, FundingIndex, Lots, Price, Rate, UsdMicro

NAMES = ("ladder", "certificate", "trigger_state", "trigger_kernels", "triggers")
BUCKETS = 24
NOTIONAL_MAX, RAW_MAX, INDEX_MAX = 2**53, 2**61, 2**62
Book = dict[str, Any]


@contextmanager
def uncompiled() -> Iterator[dict[str, ModuleType]]:
    """The trigger modules loaded afresh as plain Python, by short name; the compiled ones are back afterwards."""
    names = [f"seawall.margin.{name}" for name in NAMES]
    kept = {name: sys.modules.pop(name) for name in names}
    try:
        with patch.object(seawall.kernel, "INTERPRETED", True), patch.object(seawall.kernel, "_warm_ups", []):
            yield {name: importlib.import_module(f"seawall.margin.{name}") for name in NAMES}
    finally:
        sys.modules.update(kept)
        for name, module in kept.items():
            setattr(sys.modules["seawall.margin"], name.rpartition(".")[2], module)


def switch_off(modules: dict[str, ModuleType], guards: dict[str, Any]) -> None:
    """Puts stand-ins in the place of guards named "module.name"."""
    for place, stand_in in guards.items():
        module, _, name = place.partition(".")
        assert hasattr(modules[module], name), f"{place} is not there to be switched off"
        setattr(modules[module], name, stand_in)


def maintenance(tiers: list[tuple[int, int]], notional: int) -> Fraction:
    """Maintenance as the area under the rates, bracket by bracket: no deductions."""
    total = 0
    for k, (lower, rate) in enumerate(tiers):
        upper = tiers[k + 1][0] if k + 1 < len(tiers) else notional
        total += max(0, min(notional, upper) - lower) * rate
    return Fraction(total, RATE_ONE)


def terms(name: str, tiers: list[tuple[int, int]], price_max: int) -> Market:
    rows = [(UsdMicro(lower), 1, Rate(rate)) for lower, rate in tiers]
    return market(name, size_decimals=0, tiers=rows, price_max=Price(price_max))


class World:
    """One venue under random commands. `api` is the triggers module, compiled or not."""

    markets_opened = (1, 6)
    buckets_opened = (4, BUCKETS)

    def __init__(self, seed: int, api: ModuleType = compiled) -> None:
        self.dice = random.Random(seed)
        self.api = api
        self.triggers = api.Triggers(api.SMALL)
        self.markets: list[Book] = []
        self.buckets: dict[int, Book] = {}
        self.unsure: set[int] = set()
        self.found = 0
        for number in range(self.dice.randint(*self.markets_opened)):
            self._open_market(number)
        for bucket in range(self.dice.randint(*self.buckets_opened)):
            self.trade(bucket)

    # the books

    def _open_market(self, number: int) -> None:
        dice = self.dice
        price_max = dice.choice((3, 100, 5_000, 10**6, 10**9, 2**40))
        price = max(1, min(price_max, int(price_max * dice.choice((0.01, 0.3, 0.3, 0.9)))))
        live = self._draw_tiers(price_max, price)
        index = dice.choice((0, 0, -(2**50), 2**61))
        book = {"price": price, "price_max": price_max, "index": index, "live": live, "fence": self._fence(live)}
        self.triggers.add_market(
            terms(f"M{number}", live, price_max),
            Mark(mark=Price(price), oracle=Price(price), funding_index=FundingIndex(index)),
            fence=terms("F", book["fence"], price_max).tiers,
            weight=dice.choice((64, 400, 1_024, 4_096)),
        )
        self.markets.append(book)

    def _draw_tiers(self, price_max: int, price: int) -> list[tuple[int, int]]:
        dice = self.dice
        count = dice.choice((1, 1, 2, 3, 16))
        around = dice.choice((20, 1_000, 10**6, NOTIONAL_MAX // max(1, 3 * price_max // price)))
        knots = sorted({max(1, min(NOTIONAL_MAX - 1, int(around * dice.uniform(0.3, 2)))) for _ in range(count - 1)})
        rates = sorted(dice.choice((1, RATE_ONE // 100, RATE_ONE // 20, RATE_ONE // 2)) for _ in range(len(knots) + 1))
        return list(zip([0, *knots], rates, strict=True))

    def _fence(self, live: list[tuple[int, int]]) -> list[tuple[int, int]]:
        up = self.dice.choice((1, 1.01, 1.1, 1.5))
        return [(lower, min(RATE_ONE // 2, int(rate * up))) for lower, rate in live]

    def slack(self, book: Book, rates: str = "live") -> int:
        """Exact equity less maintenance, micro-USD."""
        equity, needed = book["raw"], Fraction(0)
        for number, (size, entry) in book["positions"].items():
            here = self.markets[number]
            equity += size * here["price"] + (-size * (here["index"] - entry)) // 10**6
            needed += maintenance(here[rates], abs(size) * here["price"])
        return int(equity + (-needed).__floor__())

    # commands

    def step(self) -> None:
        command = self.dice.choices(
            (self.trade, self.move_cash, self.tick, self.tick_all, self.fund, self.ramp, self.fence, self.remove),
            (30, 15, 40, 20, 20, 10, 2, 1),
        )[0]
        command()

    def trade(self, bucket: int | None = None) -> None:
        """Gives a bucket new positions and a buffer near nothing, near the reserve, or of some percent."""
        dice = self.dice
        bucket = dice.randrange(BUCKETS) if bucket is None else bucket
        numbers = dice.sample(range(len(self.markets)), dice.randint(0, len(self.markets)))
        positions = {number: (self._size(number), self._entry(number)) for number in numbers}
        book: Book = {"raw": 0, "positions": positions, "mode": MarginMode.TIERED}
        book["raw"] = self._raw(book)
        if dice.random() < 0.05:
            book["mode"] = MarginMode.PORTFOLIO
        self._place(bucket, book)

    def _size(self, number: int) -> int:
        here, dice = self.markets[number], self.dice
        most = NOTIONAL_MAX // here["price_max"]
        knot = dice.choice(here["fence"])[0] // here["price"]
        scale = dice.choice((1, 2, 1_000 // here["price"], 10**6 // here["price"], most, knot, knot, knot))
        size = max(1, min(most, int(scale * dice.uniform(0.5, 1.2))))
        return dice.choice((size, -size, -size, most if dice.random() < 0.05 else size))

    def _entry(self, number: int) -> int:
        entry = self.markets[number]["index"] - self.dice.choice((0, 0, 1, -1, 999_999, 10**7, -(10**12)))
        return int(max(-INDEX_MAX, min(INDEX_MAX, entry)))

    def _raw(self, book: Book) -> int:
        dice = self.dice
        n = len(book["positions"])
        gross = sum(abs(size) * self.markets[m]["price"] for m, (size, _) in book["positions"].items())
        wish = dice.choice(
            (dice.randint(-1, n + 1), dice.randint(-1, n + 1), gross // 1_000, gross // 100, gross // 20, gross, 10**9)
        )
        rates = dice.choice(("live", "fence"))
        return max(-RAW_MAX, min(RAW_MAX, wish - self.slack({**book, "raw": 0}, rates)))

    def _place(self, bucket: int, book: Book) -> None:
        rows = [
            self.api.TriggerPosition(m, Lots(size), FundingIndex(entry))
            for m, (size, entry) in book["positions"].items()
        ]
        status = self.triggers.place(bucket, UsdMicro(book["raw"]), rows, book["mode"])
        self.buckets[bucket] = book
        assert (status == self.api.Status.UNSURE) == (book["mode"] is MarginMode.PORTFOLIO) or self._huge(book)

    def move_cash(self) -> None:
        bucket = self.dice.choice(sorted(self.buckets) or [None])
        if bucket is None:
            return
        book = self.buckets[bucket]
        near = self._raw(book)
        book["raw"] = self.dice.choice((near, near, min(RAW_MAX, book["raw"] + 1), max(-RAW_MAX, book["raw"] - 1)))
        self.triggers.move_cash(bucket, UsdMicro(book["raw"]))

    def _moved(self, number: int) -> int:
        here, dice = self.markets[number], self.dice
        share = dice.choice((0, 1e-6, 1e-4, 1e-3, 0.01, 0.05, 0.05, 0.5, 2)) * dice.choice((-1, 1))
        price = int(here["price"] * (1 + share)) + dice.choice((-1, 0, 1))
        if dice.random() < 0.01:
            price = dice.choice((1, here["price_max"]))
        return int(max(1, min(here["price_max"], price)))

    def tick(self) -> None:
        number = self.dice.randrange(len(self.markets))
        self.markets[number]["price"] = self._moved(number)
        self._heed(self.triggers.tick(number, Price(self.markets[number]["price"])), {number})

    def tick_all(self) -> None:
        crash = self.dice.choice((None, None, 0.95, 1.05))
        for number, here in enumerate(self.markets):
            moved = self._moved(number) if crash is None else int(here["price"] * crash)
            here["price"] = max(1, min(here["price_max"], moved))
        prices = np.array([here["price"] for here in self.markets], np.int64)
        self._heed(self.triggers.tick_all(prices), set(range(len(self.markets))))

    def fund(self) -> None:
        number = self.dice.randrange(len(self.markets))
        here, dice = self.markets[number], self.dice
        unit = dice.choice((1, 3, 10**6, here["price"] * 10, here["price"] * 1_000, here["price"] * 50_000, 2**60))
        if unit == 2**60 and dice.random() < 0.9:
            unit = 10**5
        step = int(unit * dice.uniform(0.1, 1)) * dice.choice((-1, 1)) or 1
        here["index"] = max(-INDEX_MAX, min(INDEX_MAX, here["index"] + step))
        self._heed(self.triggers.fund(number, FundingIndex(here["index"])), {number})

    def ramp(self) -> None:
        """Live rates anywhere within the fence, tier by tier."""
        number = self.dice.randrange(len(self.markets))
        here = self.markets[number]
        live, least = [], 0
        for lower, top in here["fence"]:
            least = max(least, min(top, int(top * self.dice.choice((0.6, 0.9, 1, 1)))))
            live.append((lower, max(1, least)))
        here["live"] = live
        self._heed(self.triggers.set_tiers(number, self._tiers(live, here)), set())

    def fence(self) -> None:
        number = self.dice.randrange(len(self.markets))
        here = self.markets[number]
        here["live"] = self._draw_tiers(here["price_max"], here["price"])
        here["fence"] = self._fence(here["live"])
        live, fence = self._tiers(here["live"], here), self._tiers(here["fence"], here)
        self._heed(self.triggers.set_tiers(number, live, fence), {number})

    def _tiers(self, rows: list[tuple[int, int]], here: Book) -> tuple[Tier, ...]:
        return terms("T", rows, here["price_max"]).tiers

    def remove(self) -> None:
        if self.buckets:
            bucket = self.dice.choice(sorted(self.buckets))
            self.triggers.remove(bucket)
            del self.buckets[bucket]

    # the brute force

    def _huge(self, book: Book) -> bool:
        return any(
            abs(size * (self.markets[m]["index"] - entry)) >= 2**54 * 10**6
            or abs(self.markets[m]["index"] - entry) > INDEX_MAX
            for m, (size, entry) in book["positions"].items()
        )

    def _heed(self, found: Any, touched: set[int]) -> None:
        """What a command reports must be liquidatable exactly; what cannot be measured must be named if touched."""
        for bucket in found.liquidatable.tolist():
            assert self.slack(self.buckets[bucket]) < 0, f"bucket {bucket} is healthy and was called liquidatable"
        self.found += len(found.liquidatable)
        named = found.unsure.tolist()
        assert named == sorted(set(named)), "unsure buckets must be named once, in order"
        for bucket, book in self.buckets.items():
            if book["mode"] is MarginMode.PORTFOLIO and touched & book["positions"].keys():
                assert bucket in named, f"portfolio bucket {bucket} was not named"

    def check(self) -> None:
        """Measures every bucket: none liquidatable is missed, and no certificate is refused without need."""
        status = self.api.Status
        for bucket, book in self.buckets.items():
            if book["mode"] is MarginMode.PORTFOLIO:
                continue
            known, slack = self.triggers.status(bucket), self.slack(book)
            if known == status.UNSURE:
                assert self._huge(book), f"bucket {bucket} was given up without need"
                continue
            assert slack >= 0 or known == status.LIQUIDATABLE, f"bucket {bucket} is liquidatable and was missed"

    def check_review(self) -> None:
        """`review` names exactly the liquidatable buckets, and no healthy one lacks a certificate without need."""
        tiered = {b: book for b, book in self.buckets.items() if book["mode"] is MarginMode.TIERED}
        named = self.triggers.review().tolist()
        sure = [b for b in sorted(tiered) if self.triggers.status(b) != self.api.Status.UNSURE]
        assert named == [b for b in sure if self.slack(tiered[b]) < 0], "review must name exactly what is liquidatable"
        self.check_effort()

    def check_effort(self) -> None:
        """A bucket just evaluated that has more than the reserve is certified: only the others are watched."""
        for bucket in sorted(self.buckets):
            book = self.buckets[bucket]
            if book["mode"] is MarginMode.TIERED:
                known = self.triggers.move_cash(bucket, UsdMicro(book["raw"]))
                if known == self.api.Status.WATCHED:
                    assert self.slack(book) < len(book["positions"]), f"bucket {bucket} has slack and no certificate"

    def run(self, steps: int) -> None:
        for number in range(steps):
            self.step()
            self.check()
            if number % 10 == 9:
                self.check_review()


class CrowdedWorld(World):
    """64 markets, up to 64 positions of the greatest size, prices and cash at their bounds."""

    markets_opened = (64, 64)
    buckets_opened = (3, 6)

    def _size(self, number: int) -> int:
        most = NOTIONAL_MAX // self.markets[number]["price_max"]
        return int(self.dice.choice((most, -most, most, -most, 1, super()._size(number))))

    def _raw(self, book: Book) -> int:
        return int(self.dice.choice((super()._raw(book), super()._raw(book), RAW_MAX, -RAW_MAX)))

    def _moved(self, number: int) -> int:
        here = self.markets[number]
        return int(self.dice.choice((super()._moved(number), super()._moved(number), here["price_max"], 1)))


class DustWorld(World):
    """One to three lots, prices about 100, rates of a half, no slack to speak of, steps of the least size there is."""

    def _open_market(self, number: int) -> None:
        book: Book = {"price": 100, "price_max": 200, "index": 0, "live": [(0, RATE_ONE // 2)]}
        book["fence"] = book["live"]
        self.triggers.add_market(
            terms(f"M{number}", book["live"], 200), Mark(mark=Price(100), oracle=Price(100)), weight=1_024
        )
        self.markets.append(book)

    def _size(self, number: int) -> int:
        assert self.markets[number]["price_max"] == 200
        return self.dice.choice((1, 1, 2, 3, -1, -2))

    def _raw(self, book: Book) -> int:
        wish = self.dice.randint(0, len(book["positions"]) + 1)
        return wish - self.slack({**book, "raw": 0})

    def _moved(self, number: int) -> int:
        return max(1, min(200, self.markets[number]["price"] + self.dice.choice((-1, 0, 1, 1))))

    def fund(self) -> None:
        number = self.dice.randrange(len(self.markets))
        here = self.markets[number]
        here["index"] += self.dice.choice((1, -1, 2, 500_000, -500_000))
        self._heed(self.triggers.fund(number, FundingIndex(here["index"])), {number})

    def step(self) -> None:
        self.dice.choices((self.trade, self.tick, self.fund), (2, 3, 3))[0]()


def hunt(modules: dict[str, ModuleType], seeds: Iterable[int], steps: int, kind: type[World] = World) -> str | None:
    """What the first world that fails says; None when all pass."""
    for seed in seeds:
        try:
            kind(seed, modules["triggers"]).run(steps)
        except AssertionError as failure:
            return f"seed {seed}: {failure}"
    return None
