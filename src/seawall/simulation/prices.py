"""The outside world of a simulation: true prices, and the sources that report them well, late or wildly wrong."""

from typing import Any, Final

import numpy as np

from seawall.simulation.options import Faults, Generator, Options
from seawall.terms import command

GOOD, STALE, ZERO, WILD, OFF, FLAPPING = range(6)
LASTS: Final = 12  # steps that a fault of a source lasts on average


class Prices:
    """True prices, moved step by step, and what each source says of them."""

    def __init__(self, options: Options, rng: Generator) -> None:
        """At the prices of listing, every source good."""
        self.rng = rng
        self.faults = options.faults
        self.start = np.array([market.price for market in options.markets], float)
        self.most = np.array([market.price_max for market in options.markets], float)
        self.volatility = np.array([market.volatility for market in options.markets])
        self.true = self.start.copy()
        pairs = [(number, source) for number, m in enumerate(options.markets) for source in range(m.sources)]
        self.market = np.array([number for number, _ in pairs])
        self.source = np.array([source for _, source in pairs])
        self.mood = np.full(len(pairs), GOOD)
        self.factor = np.ones(len(pairs))
        self.trend = np.zeros(len(self.true))

    def heal(self) -> None:
        """No more faults: every source good, prices calm (the liveness phase)."""
        self.faults = Faults(**dict.fromkeys(Faults.__dataclass_fields__, 0.0))
        self.mood[:] = GOOD
        self.trend[:] = 0

    def step(self, now: int) -> Any:
        """Moves every market once and returns the ORACLE rows of the sources that speak, as a table of fields."""
        self._move()
        self._moods()
        rng, many = self.rng, len(self.market)
        noise = 1 + rng.normal(0, 2e-4, many)
        price = self.true[self.market] * noise
        price = np.where(self.mood == WILD, price * self.factor, price)
        price = np.where(self.mood == OFF, price * self.factor, price)
        flap = (self.mood == FLAPPING) & (rng.random(many) < 0.5)
        price = np.where(flap, price * self.factor, price)
        price = np.where(self.mood == ZERO, 0, np.clip(price, 0, 2.0**45))
        speaks = np.flatnonzero((self.mood != STALE) & (rng.random(many) < 0.97))
        table = np.zeros((len(speaks), len(command.ROW)), np.int64)
        late = np.where(rng.random(len(speaks)) < 0.05, rng.integers(-20_000, 3_000, len(speaks)), 0)
        for name, values in (
            ("kind", command.ORACLE),
            ("signer", command.ORACLES),
            ("market", self.market[speaks]),
            ("other", self.source[speaks]),
            ("price", np.maximum(price[speaks], 0).astype(np.int64)),
            ("time", np.maximum(now + late, 1)),
        ):
            table[:, command.ROW.index(name)] = values
        return table

    def _move(self) -> None:
        rng, faults = self.rng, self.faults
        home = np.log(self.start / self.true) * 0.002
        move = rng.normal(0, 1, len(self.true)) * self.volatility + home + self.trend
        self.trend *= 0.8
        if rng.random() < faults.crash:
            self.trend += -abs(rng.normal(0, 0.04)) * (1 if rng.random() < 0.7 else -1)
        if rng.random() < faults.jump:
            self.trend[rng.integers(len(self.true))] += rng.normal(0, 0.06)
        self.true = np.clip(self.true * np.exp(np.clip(move, -0.7, 0.7)), 50, self.most * 0.97)

    def _moods(self) -> None:
        rng, faults = self.rng, self.faults
        for mood, chance in (
            (STALE, faults.source_stale),
            (ZERO, faults.source_zero),
            (WILD, faults.source_wild),
            (OFF, faults.source_off),
            (FLAPPING, faults.source_flaps),
        ):
            if rng.random() < chance:
                where = rng.random(len(self.mood)) < rng.choice([0.2, 0.5, 1.0])
                self.mood[where] = mood
                wild = mood == WILD
                self.factor[where] = rng.choice([1000.0, 0.001]) if wild else float(np.exp(rng.normal(0, 0.05)))
        if (self.mood != GOOD).any():
            self.mood[rng.random(len(self.mood)) < 1 / LASTS] = GOOD
