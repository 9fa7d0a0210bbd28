"""Years of generated hours to train on: markets that share a factor, with volatility that remembers on many scales.

`seawall.lab.generator` makes one crash in detail; a tail model needs years in which calm and storm follow one another,
in markets of every kind. Here the logarithm of volatility is a sum of mean-reverting parts with half-lives from two
hours to a year, common and own, fed by the returns themselves; every parameter is drawn anew for each world and market
from wide ranges (docs/risk/model_card.md gives them with their reasons), so that the model learns what holds across
markets instead of one market's history. No recorded price is used. One seed gives one world on every machine with the
same numpy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from seawall.kernel import kernel, warm_up
from seawall.risk.bars import HOUR_MS
from seawall.risk.panel import Panel
from seawall.units import BadInput

Floats = npt.NDArray[np.float64]

SCALES: Final = (2.0, 10.0, 48.0, 240.0, 1500.0, 9000.0)  # hours: half-lives of the parts of log volatility
DEVIATIONS: Final = (0.20, 0.24, 0.30, 0.32, 0.30, 0.22)  # of these parts, before scaling by what is drawn
STEPS: Final = 12  # of an hour
MOVE_MAX: Final = 0.5  # of |ln| one step may move a price
LEVEL_MAX: Final = 2.3  # of |log volatility| around its mean
START_MS: Final = 1_577_836_800_000  # 2020-01-01, a Wednesday


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How much to generate, and where parameters are drawn from: uniformly between two bounds, each market its own."""

    markets: int = 12
    hours: int = 13_000
    volatility: tuple[float, float] = (-5.6, -4.1)  # ln of the hourly standard deviation, at its mean level
    memory: tuple[float, float] = (0.6, 1.3)  # scales DEVIATIONS
    shared: tuple[float, float] = (0.35, 0.9)  # share of variance that comes with the common factor
    jitter: tuple[float, float] = (0.10, 0.40)  # of an hour's log volatility, forgotten at once
    feedback: tuple[float, float] = (0.01, 0.10)  # of a step's surprise on the two fastest parts
    skew: tuple[float, float] = (0.0, 0.06)  # how much more a fall feeds volatility than a rise
    tail: tuple[float, float] = (3.0, 7.0)  # degrees of freedom of a step
    storms: tuple[float, float] = (0.0005, 0.006)  # an hour: sudden rises of log volatility
    storm: tuple[float, float] = (0.4, 1.1)  # their mean size
    jumps: tuple[float, float] = (0.0002, 0.003)  # an hour: jumps of the price
    jump: tuple[float, float] = (1.5, 5.0)  # their mean size, in hourly standard deviations
    day: tuple[float, float] = (0.05, 0.40)  # amplitude of the hour of the day in log volatility
    weekend: tuple[float, float] = (-0.45, 0.05)
    listing: tuple[float, float] = (-0.2, 0.9)  # log volatility of a young market above its own, fading over two weeks


def generate_world(recipe: Recipe, seed: int | Sequence[int]) -> Panel:
    """One world: `recipe.markets` markets over `recipe.hours` hours, listed one after another in its first half."""
    if not 1 <= recipe.markets <= 200 or not 48 <= recipe.hours <= 100_000:
        raise BadInput("recipe", "1..200 markets and 48..100,000 hours")
    rng = np.random.Generator(np.random.PCG64(seed))
    count, hours = recipe.markets, recipe.hours
    common = _parts(rng, recipe, 1)
    own = _parts(rng, recipe, count)
    calendar = _calendar(rng, recipe, hours)
    listed = np.where(rng.random(count) < 0.5, 0, rng.integers(0, hours // 2, count))
    freedom = _draw(rng, recipe.tail, count + 1)
    steps = np.stack([rng.standard_t(nu, (hours, STEPS)) * np.sqrt((nu - 2.0) / nu) for nu in freedom + 0.05])
    jump_hour, storm_hour = (_draw(rng, rates, count + 1) for rates in (recipe.jumps, recipe.storms))
    jumps = (rng.random((count + 1, hours)) < jump_hour[:, None]) * rng.exponential(1.0, (count + 1, hours))
    jitter = rng.standard_normal((count + 1, hours)) * _draw(rng, recipe.jitter, count + 1)[:, None]
    jumps *= _draw(rng, recipe.jump, count + 1)[:, None] * np.where(rng.random((count + 1, hours)) < 0.55, -1.0, 1.0)
    storms = (rng.random((count + 1, hours)) < storm_hour[:, None]) * rng.exponential(1.0, (count + 1, hours))
    storms *= _draw(rng, recipe.storm, count + 1)[:, None]
    shared = _draw(rng, recipe.shared, count)
    sigma = np.exp(np.sort(_draw(rng, recipe.volatility, count)))
    young = _draw(rng, recipe.listing, count)
    bars = np.zeros((3, hours, count))  # an hour before a market is listed keeps its zeros
    noise = rng.standard_normal((count + 1, hours, len(SCALES)))
    levels = np.zeros((count + 1, len(SCALES)))
    both = {key: np.concatenate((common[key], own[key])) for key in common}
    levels[:] = rng.standard_normal(levels.shape) * both["deviation"]
    _play(
        noise, levels, both["deviation"], both["feedback"], both["skew"], steps, jumps, storms, jitter, calendar,
        shared, sigma, young, listed, _jump_steps(rng, hours), bars,
    )  # fmt: skip
    return _panel(rng, bars, listed)


def _draw(rng: np.random.Generator, bounds: tuple[float, float], count: int) -> Floats:
    drawn: Floats = rng.uniform(*bounds, count)
    return drawn


def _parts(rng: np.random.Generator, recipe: Recipe, count: int) -> dict[str, Floats]:
    """Deviations of the parts of log volatility [count, parts] and what feeds them."""
    spread = rng.uniform(*recipe.memory, (count, len(SCALES)))
    return {
        "deviation": spread * np.array(DEVIATIONS),
        "feedback": _draw(rng, recipe.feedback, count),
        "skew": _draw(rng, recipe.skew, count),
    }


def _calendar(rng: np.random.Generator, recipe: Recipe, hours: int) -> Floats:
    """[T] what the hour of the day and the weekend add to log volatility: busiest when Europe and America both work."""
    clock = np.arange(hours) + START_MS // HOUR_MS
    peak = rng.uniform(13.0, 17.0)
    size, second = _draw(rng, recipe.day, 2)
    angle = 2.0 * np.pi * (clock % 24 - peak) / 24.0
    weekend = np.isin(clock // 24 % 7, (2, 3)) * rng.uniform(*recipe.weekend)  # 1970-01-01 was a Thursday
    added: Floats = size * np.cos(angle) + 0.4 * second * np.cos(2.0 * angle) + weekend
    return added


def _jump_steps(rng: np.random.Generator, hours: int) -> Any:
    return rng.integers(0, STEPS, hours)


@kernel
def _play(
    noise: Any, levels: Any, deviation: Any, feedback: Any, skew: Any, steps: Any, jumps: Any, storms: Any,
    jitter: Any, calendar: Any, shared: Any, sigma: Any, young: Any, listed: Any, jump_steps: Any, bars: Any,
) -> None:  # fmt: skip
    """Hour by hour: levels give this hour's volatility, its steps the bar, what surprised in them the next levels.

    Row 0 of levels, steps, jumps and storms is the common factor. `bars` [3, T, S]: high, low, close.
    """
    factors, hours = jumps.shape
    parts = levels.shape[1]
    keeps = np.exp(np.log(0.5) / np.array(SCALES))
    prices = np.zeros(factors - 1)
    common = np.zeros(STEPS)
    for t in range(hours):
        shared_level = 0.0
        for k in range(factors):
            total = 0.0
            for j in range(parts):
                total += levels[k, j]
            total += jitter[k, t]
            total = min(max(total, -LEVEL_MAX), LEVEL_MAX)
            if k == 0:
                shared_level = total
                scale = np.exp(total + calendar[t])
                for step in range(STEPS):
                    common[step] = steps[0, t, step] * scale / np.sqrt(STEPS)
                common[jump_steps[t]] += jumps[0, t] * np.exp(0.5 * total)
            elif t >= listed[k - 1]:
                _hour(bars, prices, common, steps, jumps, shared, sigma, young, t, k, total, shared_level,
                      calendar[t], t - listed[k - 1], jump_steps[t])  # fmt: skip
            surprise, tilt = 0.0, 0.0
            for step in range(STEPS):
                surprise += abs(steps[k, t, step]) - 0.74
                tilt -= steps[k, t, step]
            surprise = (surprise + 3.0 * abs(jumps[k, t])) / np.sqrt(STEPS)
            push = feedback[k] * surprise + skew[k] * tilt / np.sqrt(STEPS)
            for j in range(parts):
                levels[k, j] = levels[k, j] * keeps[j] + deviation[k, j] * np.sqrt(1 - keeps[j] ** 2) * noise[k, t, j]
            levels[k, 0] += push + 0.5 * storms[k, t]
            levels[k, 1] += 0.6 * push + 0.5 * storms[k, t]


@kernel
def _hour(
    bars: Any, prices: Any, common: Any, steps: Any, jumps: Any, shared: Any, sigma: Any, young: Any, t: int, k: int,
    own_level: float, shared_level: float, calendar: float, age: int, jump_step: int,
) -> None:  # fmt: skip
    """One bar of market k - 1."""
    place = k - 1
    fresh = young[place] * np.exp(-age / 336.0)
    own = np.exp(0.5 * shared_level + own_level + calendar + fresh) * np.sqrt((1.0 - shared[place]) / STEPS)
    loading = np.sqrt(shared[place]) * np.exp(0.4 * own_level + fresh)
    price = prices[place]
    high = price
    low = price
    for step in range(STEPS):
        move = loading * common[step] + own * steps[k, t, step]
        if step == jump_step:
            move += jumps[k, t] * np.exp(0.5 * own_level)
        price += min(max(sigma[place] * move, -MOVE_MAX), MOVE_MAX)
        # between its steps the price wanders too: half a step's deviation on either side
        reach = 0.35 * sigma[place] * (loading * np.exp(shared_level) / np.sqrt(STEPS) + own)
        high = max(high, price + reach)
        low = min(low, price - reach)
    bars[0, t, place] = high
    bars[1, t, place] = low
    bars[2, t, place] = price
    prices[place] = price


def _panel(rng: np.random.Generator, bars: Floats, listed: npt.NDArray[np.int64]) -> Panel:
    """The bars as a panel, with volume that follows their range and news of its own; unknown in a fifth of markets."""
    hours, count = bars.shape[1:]
    alive = np.arange(hours)[:, None] >= listed[None, :]
    span = np.where(alive, bars[0] - bars[1], 1.0)
    drift = np.empty((hours, count))
    level = rng.standard_normal(count)
    for t in range(hours):
        level = 0.995 * level + 0.06 * rng.standard_normal(count)
        drift[t] = level
    usual = rng.uniform(11.0, 18.0, count)
    volume = np.exp(
        usual + drift + 1.1 * np.log(span / np.median(span, axis=0)) + 0.35 * rng.standard_normal(span.shape)
    )
    volume[:, rng.random(count) < 0.2] = np.nan
    high, low, close = (np.where(alive, np.exp(np.clip(values, -30.0, 30.0)), np.nan) for values in bars)
    return Panel(
        symbols=tuple(f"W{place}" for place in range(count)),
        sources=("generated",) * count,
        times_ms=START_MS + HOUR_MS * np.arange(hours, dtype=np.int64),
        high=np.maximum(high, close),
        low=np.minimum(low, close),
        close=close,
        volume=np.where(alive, volume, np.nan),
        notes=(),
    )


@warm_up
def _warm_up() -> None:
    generate_world(Recipe(markets=1, hours=48), 0)
