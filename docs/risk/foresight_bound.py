"""What the best possible forecast of liquidation is worth where it can be known: `docs/risk/foresight_bound.py`.

In generated worlds (`seawall.risk.world`) the state behind the prices is known. From each of some hours the world is
played on many times from that very state: the shares of these futures that liquidate an account are its true
probabilities, which no forecast of any kind can beat. Skill is expected over futures, so the luck of outcomes is not in
it. Prints it for the plain forecast, the served outlook and the truth, pooled and the least and most of the worlds.
"""

import argparse
from typing import Any

import numpy as np
from foresight_long import Crowd, _market, crowds, plain, prices, prior_sigma, within

from seawall.risk import world as w
from seawall.risk.foresight import HOURS
from seawall.risk.moves import HORIZON, POINTS, Bars, Floats, foresee

NAMES = ("BTC", "ETH", "XRP")
FIRST = np.log((60_000.0, 2_000.0, 1.0))
RECIPE = w.Recipe(markets=3, hours=13_000, volatility=(-5.6, -4.6))  # majors
WARM = 9_000  # hours of history before the first forecast
PATHS = 2_048


class World:
    """One world whose state can be kept. `play` as `w.generate_world`, all markets listed long ago."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = np.random.Generator(np.random.PCG64([77, seed]))
        self.count = RECIPE.markets + 1
        common, own = w._parts(rng, RECIPE, 1), w._parts(rng, RECIPE, RECIPE.markets)
        self.parts = {key: np.concatenate((common[key], own[key])) for key in common}
        self.calendar = w._calendar(rng, RECIPE, RECIPE.hours)
        self.freedom = w._draw(rng, RECIPE.tail, self.count) + 0.05
        bounds = (RECIPE.jumps, RECIPE.jump, RECIPE.storms, RECIPE.storm, RECIPE.jitter)
        self.drawn = [w._draw(rng, one, self.count)[:, None] for one in bounds]
        self.shared = w._draw(rng, RECIPE.shared, RECIPE.markets)
        self.sigma = np.exp(np.sort(w._draw(rng, RECIPE.volatility, RECIPE.markets)))
        self.levels = rng.standard_normal((self.count, len(w.SCALES))) * self.parts["deviation"]

    def shocks(self, hours: int) -> list[Any]:
        """noise, steps, jumps, storms, jitter, step of a jump."""
        rng, shape = self.rng, (self.count, hours)
        jump_rate, jump, storm_rate, storm, jitter = self.drawn
        steps = [rng.standard_t(nu, (hours, w.STEPS)) * np.sqrt((nu - 2.0) / nu) for nu in self.freedom]
        jumps = (rng.random(shape) < jump_rate) * rng.exponential(1.0, shape) * jump
        jumps *= np.where(rng.random(shape) < 0.55, -1.0, 1.0)
        storms = (rng.random(shape) < storm_rate) * rng.exponential(1.0, shape) * storm
        noise = rng.standard_normal((*shape, len(w.SCALES)))
        return [noise, np.stack(steps), jumps, storms, rng.standard_normal(shape) * jitter, w._jump_steps(rng, hours)]

    def play(self, shocks: list[Any], begin: int, end: int, hour: int, levels: Floats) -> Floats:
        """[3, end - begin, S] high, low, close in logs over the last close; `levels` are moved on."""
        noise, steps, jumps, storms, jitter = (np.ascontiguousarray(one[:, begin:end]) for one in shocks[:-1])
        bars = np.zeros((3, end - begin, RECIPE.markets))
        parts, listed = self.parts, np.full(RECIPE.markets, -(10**6))
        w._play(
            noise, levels, parts["deviation"], parts["feedback"], parts["skew"], steps, jumps, storms, jitter,
            self.calendar[hour : hour + end - begin], self.shared, self.sigma, np.zeros(RECIPE.markets), listed,
            shocks[-1][begin:end], bars,
        )  # fmt: skip
        return bars


def played(seed: int, origins: int, futures: int) -> tuple[Bars, dict[int, Floats]]:
    """The bars of a world, and by hour [futures, points, S] prices over those of then."""
    world, found, hours = World(seed), {}, RECIPE.hours
    rows = np.random.Generator(np.random.PCG64(seed)).choice(np.arange(WARM, hours - HORIZON), origins, replace=False)
    whole, shocks, last, begin = np.zeros((3, hours, RECIPE.markets)), world.shocks(hours), FIRST, 0
    for row in (*np.sort(rows).tolist(), hours):
        whole[:, begin:row] = world.play(shocks, begin, row, begin, world.levels) + last
        last, begin = whole[2, row - 1].copy(), row
        if row < hours:
            later, paths = world.shocks(HORIZON * futures), np.empty((futures, HORIZON, POINTS, RECIPE.markets))
            for one in range(futures):
                place = HORIZON * one
                high, low, close = world.play(later, place, place + HORIZON, row, world.levels.copy())
                paths[one] = np.stack((low, high, close), axis=1)
            found[row] = np.exp(paths.reshape(futures, HORIZON * POINTS, -1))
    first = np.vstack([FIRST[None], whole[2, :-1]])
    high, low = np.maximum(whole[0], first), np.minimum(whole[1], first)
    return Bars(names=NAMES, open=np.exp(first), high=np.exp(high), low=np.exp(low), close=np.exp(whole[2])), found


def skills(told: Floats, truth: Floats, futures: int, *, is_truth: bool) -> Floats:
    """[3] expected Brier skill over the base rate; what the finite number of futures adds is taken off."""
    spread = truth * (1.0 - truth)
    loss = spread * futures / (futures - 1)
    if not is_truth:
        loss = loss + (told - truth) ** 2 - spread / (futures - 1)
    base = truth.mean(axis=0)
    found: Floats = 1.0 - loss.mean(axis=0) / (base * (1.0 - base))
    return found


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--worlds", type=int, default=10)
    words.add_argument("--origins", type=int, default=25, help="of each world")
    words.add_argument("--futures", type=int, default=400, help="of each origin")
    words.add_argument("--accounts", type=int, default=40, help="at each origin")
    given = words.parse_args()
    prior = {name: prior_sigma(_market(name).max_leverage) for name in NAMES}
    told: dict[str, list[Floats]] = {"plain": [], "served": [], "truth": []}
    for seed in range(given.worlds):
        bars, futures = played(seed, given.origins, given.futures)
        parts: dict[str, list[Floats]] = {name: [] for name in told}
        for row, paths in futures.items():
            past = bars.until(row)
            sizes = {"first": row, "origins": 1, "accounts": given.accounts, "seed": 1_000 * seed + row}
            found: list[Crowd] = crowds(bars.until(row + HORIZON + 1), **sizes, population="living")
            for one in found:
                parts["plain"].append(within(prices(plain(past, prior)), one))
                parts["served"].append(within(prices(foresee(past, prior, seed=1, paths=PATHS)), one))
                parts["truth"].append(within(paths, one))
        for name, values in parts.items():
            told[name].append(np.concatenate(values))
    print(f"{sum(map(len, told['truth'])):,} accounts, base rates {np.concatenate(told['truth']).mean(axis=0)}")
    for name, values in told.items():
        pairs = [*zip(values, told["truth"], strict=True)]
        whole = skills(
            *(np.concatenate(side) for side in zip(*pairs, strict=True)), given.futures, is_truth=name == "truth"
        )
        each = np.array([skills(*pair, given.futures, is_truth=name == "truth") for pair in pairs])
        print(
            f"{name}: skill within {HOURS} h {whole.round(3)}, worlds {each.min(0).round(3)} .. {each.max(0).round(3)}"
        )


if __name__ == "__main__":
    main()
