"""One hidden market that synthetic sources look at: the model of lab/generator.py, one step at a time as time goes on.

Common jumps that excite each other and are partly given back, a common and an own diffusion whose volatility rises with
the jumps, perps off their index. Prices are drawn back to where they began, so that a venue that runs for months stays
near them. Floats: what comes out is text that sources say.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from seawall.lab.generator import DAY_MS, FACTOR_MAX, INTENSITY_MAX, betas
from seawall.lab.history import Floats
from seawall.lab.names import interval_from
from seawall.lab.presets import Preset
from seawall.lab.universe import AUTUMN_2025

DRAWN_BACK_MS: Final = DAY_MS  # half-life of the distance to where prices began
BASIS_MAX: Final = 0.5  # of ln(perp / index)
MINUTES_A_DAY: Final = 1_440

# A market in which something happens every few minutes, for a venue of play money. It is fitted to no day.
LIVELY: Final = Preset(
    name="lively",
    start="2025-10-10",
    universe=AUTUMN_2025,
    common=0.03,
    idiosyncratic=0.012,
    tail=6.0,
    alt_beta=2.0,
    jumps_per_day=900.0,
    jump_size=0.009,
    excitation=0.4,
    memory="30s",
    stress_gain=2.0,
    jump_scatter=0.5,
    recovery=0.6,
    recovery_life="5m",
    dislocation=0.05,
    dislocation_life="1m",
)


class Crash:
    """A fall of the common factor, spread over a time as a bump."""

    def __init__(self, start: int, length: int, depth: float) -> None:
        self.start = start
        self.length = length
        self.depth = depth  # of the logarithm, positive
        self.done = 0.0

    def part(self, now: int) -> float:
        """How far the logarithm moves between the last call and this one."""
        at = min(max((now - self.start) / self.length, 0.0), 1.0)
        fallen = at - float(np.sin(2 * np.pi * at)) / (2 * np.pi)
        step, self.done = fallen - self.done, fallen
        return -self.depth * step


class HiddenMarket:
    """Prices of several markets and of their perps. `move_to` a time, then read them."""

    def __init__(self, preset: Preset, prices: Sequence[float], speed: float, seed: int, now: int) -> None:
        """`prices` are USD per unit at `now`; the model's time runs `speed` times as fast as the clock."""
        self.rng = np.random.Generator(np.random.PCG64(seed))
        self.preset = preset
        self.speed = speed
        self.now = now
        self.start: Floats = np.array(prices, dtype=np.float64)
        count = len(prices)
        self._beta = betas(self.rng, preset, count)
        thin = np.log1p(np.arange(count)) / np.log(20.0)
        self._reach = preset.dislocation * (0.25 + thin) * self._beta
        self._common = 0.0  # logarithm of the common factor, what is given back apart
        self._back = 0.0
        self._own: Floats = np.zeros(count)
        self._basis: Floats = np.zeros(count)
        self._excited = 0.0  # jumps a day beyond the usual ones
        self._crashes: list[Crash] = []

    @property
    def index(self) -> Floats:
        """USD per unit of the underlyings."""
        path = self._beta * (self._common + self._back) + self._own
        prices: Floats = self.start * np.exp(np.clip(path, -FACTOR_MAX, FACTOR_MAX))
        return prices

    @property
    def perp(self) -> Floats:
        """USD per unit of perps elsewhere."""
        prices: Floats = self.index * np.exp(self._basis)
        return prices

    def crash(self, share: float, seconds: float) -> None:
        """The common factor falls by `share` in `seconds`; part of it comes back as after any jump."""
        self._crashes.append(Crash(self.now, max(round(1000 * seconds), 1), -float(np.log1p(-share))))

    def move_to(self, now: int) -> None:
        """Lets the time since the last call pass."""
        elapsed = (now - self.now) * self.speed
        if elapsed <= 0:
            return
        preset, rng, days = self.preset, self.rng, elapsed / DAY_MS
        jump = self._jumps(days) + sum(crash.part(now) for crash in self._crashes)
        self._crashes = [crash for crash in self._crashes if crash.done < 1.0]
        stress = np.sqrt(1.0 + preset.stress_gain * (preset.jumps_per_day + self._excited) / MINUTES_A_DAY)
        root = stress * np.sqrt(days)
        count = len(self.start)
        pull = 0.5 ** (elapsed / DRAWN_BACK_MS)
        scatter = preset.jump_scatter * jump * rng.standard_normal(count)
        own = preset.idiosyncratic * root * self._student(count) + scatter
        self._own = self._own * pull + own
        fade = 0.5 ** (elapsed / interval_from(preset.recovery_life))
        self._back = self._back * fade + preset.recovery * jump
        common = preset.common * root * float(self._student(1)[0]) + (1.0 - preset.recovery) * jump
        self._common = self._common * pull + common
        half_lives = elapsed / interval_from(preset.dislocation_life)
        noise = 0.0002 * stress * np.sqrt(min(half_lives, 1.0)) * rng.standard_normal(count)
        basis = self._basis * 0.5**half_lives + jump * self._reach + noise
        self._basis = np.clip(basis, -BASIS_MAX, BASIS_MAX)
        self.now = now

    def _jumps(self, days: float) -> float:
        """The sum of this step's common jumps. Each brings on `excitation` others in time."""
        preset, memory = self.preset, interval_from(self.preset.memory) / DAY_MS
        keep = float(np.exp(-days / memory))
        brought_on = self._excited * memory * (1.0 - keep)
        number = int(self.rng.poisson(min(preset.jumps_per_day * days + brought_on, INTENSITY_MAX)))
        self._excited = self._excited * keep + preset.excitation * number / memory
        sizes = self.rng.exponential(preset.jump_size, number) * self.rng.choice((-1.0, 1.0), number)
        return float(sizes.sum())

    def _student(self, count: int) -> Floats:
        tail = self.preset.tail
        drawn: Floats = self.rng.standard_t(tail, count) * np.sqrt((tail - 2.0) / tail)
        return drawn
