"""Measures account foresight on recorded bars, walk-forward: `python docs/risk/foresight_skill.py FOLDER [--plot SVG]`.

At random hours accounts are forecast from the bars before that hour alone; then the next 24 recorded hours say who was
liquidated, by the same margin core. Three populations: `crowd`, buckets as the laboratory's population draws them
(docs/lab/population.md: leverages, isolated or cross, cushions), just opened; `living`, the same opened up to a week
before and still alive; `aged`, leverage log-uniform, as old. Prints Brier scores, their skill over the base rate of all
accounts of the run with an interval over weeks, the loss in its parts (Murphy 1973), the skill that the same paths have
with the volatility that came (which nobody can know), and the reliability table; writes the reliability plot.
"""

import argparse
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from seawall.lab.population import Mix
from seawall.risk.foresight import HOURS, Scene
from seawall.risk.hours import hourly
from seawall.risk.moves import HORIZON, LOOKBACK, POINTS, Bars, Floats, Moves, foresee, prior_sigma
from seawall.risk.outlook import PARKINSON
from seawall.terms.bucket import Bucket, Position
from seawall.terms.conditions import Conditions
from seawall.terms.market import Mark, Market, market
from seawall.units import Lots, Price, UsdMicro

LEVERAGE = {"BTC": 40, "ETH": 25, "XRP": 20, "SOL": 20}
DECIMALS = {"BTC": 5, "ETH": 4, "XRP": 0, "SOL": 2}
DEFAULT_LEVERAGE, DEFAULT_DECIMALS = 10, 1
EQUITY = 10**10  # micro-USD
AGE_MOST = 7 * 24  # hours since an account was opened
LEVERAGE_LEAST = 2.0
WEEK = 7 * 24  # hours: a block of the bootstrap
HINDSIGHT = 12  # recorded days are taken from every twelfth hour
EDGES = (0.0, 0.001, 0.01, 0.03, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95, 1.000001)


class Trial(NamedTuple):
    row: int
    forecast: tuple[float, ...]
    outcome: tuple[float, ...]
    hindsight: tuple[float, ...]


def trials(bars: Bars, *, first: int, origins: int, accounts: int, seed: int, population: str) -> Iterator[Trial]:
    random = np.random.Generator(np.random.PCG64(seed))
    terms = {name: _market(name) for name in bars.names}
    prior = {name: prior_sigma(terms[name].max_leverage) for name in bars.names}
    whole = np.isfinite(bars.close).all(axis=1)
    rows = [
        row for row in range(max(first, AGE_MOST), len(whole) - HORIZON) if whole[row - AGE_MOST : row + HORIZON].all()
    ]
    for row in np.sort(random.choice(rows, origins, replace=False)):
        now = conditions_at(bars, terms, row - 1)
        moves = foresee(bars.until(row), prior, seed=seed)
        expected, real = Scene(now, moves), Scene(now, recorded(bars, row, moves.sigma))
        known = [Scene(now, hindsight(bars, row, hours)) for hours in HOURS]
        for _ in range(accounts):
            born = row - 1 if population == "crowd" else int(row - 1 - random.integers(0, AGE_MOST))
            draw = random_bucket if population == "aged" else crowd_bucket
            bucket = draw(random, conditions_at(bars, terms, born))
            if not is_alive(bucket, bars, terms, range(born + 1, row, HORIZON), row):
                continue
            told, came = expected.fate(bucket), real.fate(bucket)
            late = tuple(scene.fate(bucket).within(hours) for scene, hours in zip(known, HOURS, strict=True))
            yield Trial(int(row), tuple(map(told.within, HOURS)), tuple(map(came.within, HOURS)), late)


def is_alive(bucket: Bucket, bars: Bars, terms: dict[str, Market], days: range, end: int) -> bool:
    """Whether no recorded hour since liquidated it."""
    unit = np.ones(len(bars.names))
    for row in days:
        past = Scene(conditions_at(bars, terms, row - 1), recorded(bars, row, unit, end - row))
        if past.fate(bucket).first[0] < POINTS * min(HORIZON, end - row):
            return False
    return True


def _market(name: str) -> Market:
    tiers = ((UsdMicro(0), LEVERAGE.get(name, DEFAULT_LEVERAGE)),)
    return market(name, size_decimals=DECIMALS.get(name, DEFAULT_DECIMALS), tiers=tiers, price_max=Price(10**9))


def conditions_at(bars: Bars, terms: dict[str, Market], row: int) -> Conditions:
    """Marks are the closes of a row."""
    marks = {}
    for column, name in enumerate(bars.names):
        lot = 10.0 ** terms[name].size_decimals
        price = Price(max(1, round(float(bars.close[row, column]) * 1e6 / lot)))
        marks[name] = Mark(mark=price, oracle=price)
    return Conditions(markets=terms, marks=marks)


def recorded(bars: Bars, row: int, sigma: Floats, hours: int = HORIZON) -> Moves:
    """What happened from `row` on, as one path; standing still after `hours`."""
    shape = np.zeros((1, HORIZON, POINTS, len(bars.names)), np.float32)
    for hour in range(min(hours, HORIZON)):
        for point, values in enumerate((bars.low, bars.high, bars.close)):
            shape[0, hour, point] = np.log(values[row + hour] / bars.close[row - 1]) / sigma
    return Moves(names=bars.names, sigma=sigma, shape=shape, basis="recorded")


def hindsight(bars: Bars, row: int, hours: int) -> Moves:
    """Recorded days in units of the volatility that their first `hours` had, at that of the hours from `row` on."""
    span = np.log(bars.high / bars.low) ** 2 / PARKINSON
    seen = np.isfinite(span).all(axis=1)
    total, count = np.cumsum(np.where(seen[:, None], span, 0.0), axis=0), np.cumsum(seen)
    first = max(0, row - LOOKBACK)
    starts = np.arange(first + 1, row - HORIZON + 1)
    starts = starts[count[starts + HORIZON - 1] - count[starts - 1] == HORIZON][::HINDSIGHT]
    scale = np.sqrt((total[starts + hours - 1] - total[starts - 1]) / hours)
    shape = np.empty((len(starts), HORIZON, POINTS, len(bars.names)), np.float32)
    for hour in range(HORIZON):
        for point, values in enumerate((bars.low, bars.high, bars.close)):
            shape[:, hour, point] = np.log(values[starts + hour] / bars.open[starts]) / scale
    sigma = np.sqrt((total[row + hours - 1] - total[row - 1]) / hours)
    return Moves(names=bars.names, sigma=sigma, shape=shape, basis="hindsight")


def crowd_bucket(random: np.random.Generator, now: Conditions) -> Bucket:
    """As `seawall.lab.population.Mix` has it: isolated with an exponential cushion over initial margin, or cross with
    1 + Poisson positions and a log-normal one."""
    mix, names = Mix(), list(now.markets)
    chosen_leverage = float(random.choice(mix.leverages, p=np.array(mix.leverage_weights) / sum(mix.leverage_weights)))
    if random.random() < mix.isolated_accounts + mix.mixed_accounts / 2:
        count, cushion = 1, float(random.exponential(mix.isolated_cushion))
    else:
        count = min(len(names), 1 + int(random.poisson(mix.extra_positions)))
        cushion = float(mix.cross_cushion * np.exp(mix.cross_cushion_sigma * random.standard_normal()))
    chosen = [names[i] for i in random.choice(len(names), count, replace=False)]
    most = min(now.market(name).max_leverage for name in chosen)
    leverage = min(chosen_leverage, most) / (1.0 + cushion)
    return _bucket(random, now, chosen, leverage, mix.long_share)


def random_bucket(random: np.random.Generator, now: Conditions) -> Bucket:
    """One to three positions, either way; leverage log-uniform from 2 to the least that its markets allow."""
    names = list(now.markets)
    places = random.choice(len(names), int(random.integers(1, min(3, len(names)) + 1)), replace=False)
    chosen = [names[i] for i in places]
    most = min(now.market(name).max_leverage for name in chosen)
    leverage = float(np.exp(random.uniform(np.log(LEVERAGE_LEAST), np.log(most))))
    return _bucket(random, now, chosen, leverage, 0.5)


def _bucket(
    random: np.random.Generator, now: Conditions, chosen: list[str], leverage: float, long_share: float
) -> Bucket:
    raw, positions = EQUITY, []
    for name, weight in zip(chosen, random.dirichlet(np.ones(len(chosen))), strict=True):
        price = now.mark(name).mark
        size = int(weight * leverage * EQUITY / price) * (1 if random.random() < long_share else -1)
        if size:
            positions.append(Position(market=name, size=Lots(size), entry_notional=UsdMicro(size * price)))
            raw -= size * price
    return Bucket(raw_usd=UsdMicro(raw), positions=tuple(positions))


def report(done: list[Trial]) -> str:
    lines = []
    for at, hours in enumerate(HOURS):
        told = np.array([one.forecast[at] for one in done])
        came = np.array([one.outcome[at] for one in done])
        base = float(came.mean())
        brier = float(((told - came) ** 2).mean())
        skill = 1.0 - brier / max(base * (1.0 - base), 1e-9)
        low, high = _interval(done, at)
        lines.append(
            f"\nwithin {hours} h: {len(done):,} accounts, base rate {base:.4f}, mean forecast {told.mean():.4f}"
        )
        lines.append(
            f"Brier {brier:.4f}, of the base rate {base * (1 - base):.4f}, skill {skill:.3f} ({low:.3f} .. {high:.3f})"
        )
        late = np.array([one.hindsight[at] for one in done])
        lost, gained = parts(told, came)
        even = max(base * (1.0 - base), 1e-9)
        lines.append(f"of the loss: reliability {lost:.5f}, resolution {gained:.5f}, uncertainty {even:.5f}")
        lines.append(f"with the volatility that came: skill {1.0 - ((late - came) ** 2).mean() / even:.3f}")
        lines += reliability(told, came)
    return "\n".join(lines)


def reliability(told: Floats, came: Floats) -> list[str]:
    """The table: over EDGES, how many accounts, what they were told on average, and which share was liquidated."""
    lines = ["\n| forecast | accounts | mean forecast | liquidated |\n|---|---|---|---|"]
    for low, high in pairwise(EDGES):
        inside = (told >= low) & (told < high)
        if inside.any():
            shown = f"{low:g} .. {min(high, 1.0):g}"
            lines.append(f"| {shown} | {int(inside.sum()):,} | {told[inside].mean():.4f} | {came[inside].mean():.4f} |")
    return lines


def parts(told: Floats, came: Floats) -> tuple[float, float]:
    """Reliability and resolution over EDGES: the loss of forecasts that are off, the gain of telling accounts apart."""
    base, lost, gained = came.mean(), 0.0, 0.0
    for low, high in pairwise(EDGES):
        inside = (told >= low) & (told < high)
        if inside.any():
            lost += inside.mean() * (told[inside].mean() - came[inside].mean()) ** 2
            gained += inside.mean() * (came[inside].mean() - base) ** 2
    return float(lost), float(gained)


def _interval(done: list[Trial], at: int) -> tuple[float, float]:
    """90 % interval of the skill, weeks drawn again with all their accounts; NaN when none or all were liquidated."""
    random, weeks = np.random.Generator(np.random.PCG64(0)), np.array([one.row // WEEK for one in done])
    told = np.array([one.forecast[at] for one in done])
    came = np.array([one.outcome[at] for one in done])
    names, place = np.unique(weeks, return_inverse=True)
    count, hit, loss = (np.bincount(place, values) for values in (np.ones(len(done)), came, (told - came) ** 2))
    found = []
    for _ in range(1_000):
        pick = random.integers(0, len(names), len(names))
        base = hit[pick].sum() / count[pick].sum()
        if 0.0 < base < 1.0:
            found.append(1.0 - loss[pick].sum() / count[pick].sum() / (base * (1.0 - base)))
    if not found:
        return float("nan"), float("nan")
    return float(np.quantile(found, 0.05)), float(np.quantile(found, 0.95))


def plot(done: list[Trial]) -> str:
    """Reliability: share liquidated against mean forecast, a line a horizon, as SVG."""
    size, edge, colours = 420, 40, ("#3b82f6", "#f59e0b", "#10b981")
    span = size - 2 * edge

    def at(x: float, y: float) -> str:
        return f"{edge + span * x:.1f},{size - edge - span * y:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" font-family="sans-serif" font-size="11">'
    ]
    parts.append(f'<rect width="{size}" height="{size}" fill="white"/>')
    parts.append(f'<polyline points="{at(0, 0)} {at(1, 1)}" stroke="#999" stroke-dasharray="4" fill="none"/>')
    parts.append(f'<polyline points="{at(0, 1)} {at(0, 0)} {at(1, 0)}" stroke="#333" fill="none"/>')
    for tick in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        x, y = at(tick, 0).split(",")
        parts.append(f'<text x="{x}" y="{float(y) + 15}" text-anchor="middle">{tick:g}</text>')
        x, y = at(0, tick).split(",")
        parts.append(f'<text x="{float(x) - 6}" y="{float(y) + 4}" text-anchor="end">{tick:g}</text>')
    for place, (hours, colour) in enumerate(zip(HOURS, colours, strict=True)):
        told = np.array([one.forecast[place] for one in done])
        came = np.array([one.outcome[place] for one in done])
        bins = [(told >= a) & (told < b) for a, b in pairwise(EDGES)]
        points = " ".join(at(float(told[b].mean()), float(came[b].mean())) for b in bins if b.sum() >= 10)
        parts.append(f'<polyline points="{points}" stroke="{colour}" stroke-width="2" fill="none"/>')
        y = edge + 16 * place
        parts.append(f'<text x="{edge + 12}" y="{y}" fill="{colour}">within {hours} h</text>')
    parts.append(f'<text x="{size / 2}" y="{size - 6}" text-anchor="middle">forecast probability</text>')
    parts.append(
        f'<text x="12" y="{size / 2}" text-anchor="middle" transform="rotate(-90 12 {size / 2})">liquidated</text>'
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder")
    words.add_argument("--names", default="BTC,ETH,XRP")
    words.add_argument("--from", dest="start", default="2023-01-01", help="first hour that is forecast")
    words.add_argument("--to", dest="end", default="2099-01-01", help="the last window ends before it")
    words.add_argument("--origins", type=int, default=200)
    words.add_argument("--accounts", type=int, default=20, help="at each origin")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--population", choices=("crowd", "living", "aged"), default="crowd")
    words.add_argument("--plot")
    given = words.parse_args()
    bars, times = hourly(given.folder, given.names.split(","), hours=20 * 365 * 24)
    first = int(np.searchsorted(times, np.datetime64(given.start, "ms").astype(np.int64)))
    sizes = {"origins": given.origins, "accounts": given.accounts, "seed": given.seed}
    bars = bars.until(int(np.searchsorted(times, np.datetime64(given.end, "ms").astype(np.int64))))
    done = list(trials(bars, first=first, **sizes, population=given.population))
    print(report(done))
    if given.plot:
        with open(given.plot, "w", encoding="utf-8") as out:
            out.write(plot(done))


if __name__ == "__main__":
    main()
