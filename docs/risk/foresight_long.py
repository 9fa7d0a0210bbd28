"""Measures account foresight on many more hours than foresight_skill.py: `python docs/risk/foresight_long.py FOLDER`.

Accounts, hours and draws are those of foresight_skill.py with the same seed. Every market has one tier, so an account
is a line in the prices: equity less maintenance is `cash` plus `slope` times each price over that of now, and a path is
followed in floats instead of by the margin core. Prints for the plain forecast (`moves.volatility` alone), the outlook
that is served, and the volatility that came: Brier skill over the base rate, 90 % intervals over weeks drawn again, how
much the served one gains over the plain one, the same weeks drawn for both, and what a logistic recalibration of the
served one, fitted on every other week, makes of the weeks between.
"""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from foresight_skill import (
    AGE_MOST,
    WEEK,
    Trial,
    _market,
    conditions_at,
    crowd_bucket,
    hindsight,
    parts,
    plot,
    random_bucket,
    recorded,
    reliability,
)
from numba import njit

from seawall.risk.foresight import HOURS
from seawall.risk.hours import hourly
from seawall.risk.moves import HORIZON, POINTS, Bars, Floats, Moves, _whole_days, foresee, prior_sigma, volatility
from seawall.terms.bucket import Bucket
from seawall.terms.conditions import Conditions

PATHS = 4_096
DRAWS = 1_000


class Crowd(NamedTuple):
    """Accounts at one hour: [A, S] slopes, [A] cash, micro-USD, and the first point of the real day that liquidates."""

    row: int
    slope: Floats
    cash: Floats
    first: Any


def crowds(bars: Bars, *, first: int, origins: int, accounts: int, seed: int, population: str) -> list[Crowd]:
    random = np.random.Generator(np.random.PCG64(seed))
    terms = {name: _market(name) for name in bars.names}
    whole = np.isfinite(bars.close).all(axis=1)
    count = np.concatenate(([0], np.cumsum(whole)))
    rows = np.arange(max(first, AGE_MOST), len(whole) - HORIZON)
    rows = rows[count[rows + HORIZON] - count[rows - AGE_MOST] == HORIZON + AGE_MOST]
    draw, unit, found = random_bucket if population == "aged" else crowd_bucket, np.ones(len(bars.names)), []
    for row in np.sort(random.choice(rows, origins, replace=False)):
        slopes, cashes = [], []
        for _ in range(accounts):
            born = row - 1 if population == "crowd" else int(row - 1 - random.integers(0, AGE_MOST))
            now = conditions_at(bars, terms, born)
            slope, cash = line(draw(random, now), now)
            if not is_alive(bars, slope, cash, born, row):
                continue
            slopes.append(slope * bars.close[row - 1] / bars.close[born])
            cashes.append(cash)
        if slopes:
            slope, cash = np.array(slopes), np.array(cashes)
            real = hits(prices(recorded(bars, row, unit)), slope, cash)[:, 0]
            found.append(Crowd(int(row), slope, cash, real))
    return found


def line(bucket: Bucket, now: Conditions) -> tuple[Floats, float]:
    """(slope [S], cash): liquidatable where slope @ (price over that of now) + cash is below 0."""
    slope = dict.fromkeys(now.markets, 0.0)
    for held in bucket.positions:
        value = held.size * now.mark(held.market).mark
        slope[held.market] = value - abs(value) / (2 * now.market(held.market).max_leverage)
    return np.array(list(slope.values())), float(bucket.raw_usd)


def is_alive(bars: Bars, slope: Floats, cash: float, born: int, row: int) -> bool:
    past = np.stack([values[born + 1 : row] for values in (bars.low, bars.high, bars.close)]) / bars.close[born]
    now = bars.close[row - 1] / bars.close[born]
    return bool((past @ slope + cash >= 0.0).all() and now @ slope + cash >= 0.0)


def prices(moves: Moves) -> Floats:
    """[N, points, S] over those of now."""
    paths = np.stack([moves.of(name) for name in moves.names], axis=-1)
    return np.exp(paths.reshape(moves.paths, HORIZON * POINTS, -1).astype(np.float64))


def hits(paths: Floats, slope: Floats, cash: Floats) -> Any:
    """[A, N] the first point at which each path liquidates each account; HORIZON x POINTS where none does."""
    found = np.empty((len(cash), len(paths)), np.int64)
    follow(paths, paths.min(axis=1), paths.max(axis=1), slope, cash, found)
    return found


@njit
def follow(paths, low, high, slope, cash, found):  # type: ignore[no-untyped-def]
    for account in range(len(cash)):
        for path in range(len(paths)):
            worst = cash[account]
            for at in range(slope.shape[1]):
                worst += slope[account, at] * (low[path, at] if slope[account, at] > 0.0 else high[path, at])
            found[account, path] = paths.shape[1]
            if worst >= 0.0:
                continue
            for point in range(paths.shape[1]):
                if cash[account] + (slope[account] * paths[path, point]).sum() < 0.0:
                    found[account, path] = point
                    break


def within(paths: Floats, crowd: Crowd) -> Floats:
    """[A, 3] shares of paths that liquidate within each of HOURS."""
    found = hits(paths, crowd.slope, crowd.cash)
    return np.stack([(found < POINTS * hours).mean(axis=1) for hours in HOURS], axis=1)


def plain(bars: Bars, prior: dict[str, float]) -> Moves:
    """As `foresee`, whole days at one volatility, without the outlook."""
    sigma = volatility(bars, np.array(list(prior.values())))
    starts = _whole_days(bars)
    if len(starts) > PATHS:
        starts = np.sort(np.random.Generator(np.random.PCG64(1)).choice(starts, PATHS, replace=False))
    rows = starts[:, None] + np.arange(HORIZON)
    days = np.stack([np.log(values[rows]) for values in (bars.low, bars.high, bars.close)], axis=2)
    shape = (days - np.log(bars.open[starts])[:, None, None]) / sigma[starts][:, None, None]
    return Moves(names=bars.names, sigma=sigma[-1], shape=shape.astype(np.float32), basis="plain")


class Judged:
    """Forecasts [A, 3] against what came, by week. No figure for a horizon within which nobody was liquidated."""

    def __init__(self, crowd: list[Crowd]) -> None:
        first = np.concatenate([one.first for one in crowd])
        weeks = np.concatenate([np.full(len(one.cash), one.row // WEEK) for one in crowd])
        self.weeks, self.place = np.unique(weeks, return_inverse=True)
        self.came = np.stack([first < POINTS * hours for hours in HOURS], axis=1).astype(np.float64)
        random = np.random.Generator(np.random.PCG64(0))
        self.picks = random.integers(0, len(self.weeks), (DRAWS, len(self.weeks)))

    def interval(self, gain: Floats, at: int) -> str:
        """(sum of `gain` over sum of base rate x its complement) of all accounts, and its 90 % interval over weeks."""
        came = self.came[:, at]
        count, hit, won = (np.bincount(self.place, values) for values in (np.ones(len(came)), came, gain))
        total = count[self.picks].sum(axis=1)
        base = hit[self.picks].sum(axis=1) / total
        drawn = won[self.picks].sum(axis=1) / total / np.maximum(base * (1.0 - base), 1e-12)
        shares = np.quantile(drawn[base > 0.0], (0.05, 0.95))
        rate = came.mean()
        return f"{gain.mean() / (rate * (1.0 - rate)):.4f} ({shares[0]:.4f} .. {shares[1]:.4f})"

    def skill(self, told: Floats, at: int) -> str:
        """Over the base rate; that of each draw of weeks is its own."""
        came = self.came[:, at]
        count, hit, loss = (
            np.bincount(self.place, values) for values in (np.ones(len(came)), came, (told[:, at] - came) ** 2)
        )
        total = count[self.picks].sum(axis=1)
        base = hit[self.picks].sum(axis=1) / total
        drawn = 1.0 - loss[self.picks].sum(axis=1) / total / np.maximum(base * (1.0 - base), 1e-12)
        shares, rate = np.quantile(drawn[base > 0.0], (0.05, 0.95)), came.mean()
        whole = 1.0 - ((told[:, at] - came) ** 2).mean() / (rate * (1.0 - rate))
        return f"{whole:.4f} ({shares[0]:.4f} .. {shares[1]:.4f})"

    def recalibrated(self, told: Floats, at: int) -> Floats:
        """[A, 3] with one column passed through a logistic curve fitted on the weeks of the other parity."""
        mended, logit = told.copy(), np.log((told[:, at] + 1e-4) / (1.0 - told[:, at] + 1e-4))
        odd = self.weeks[self.place] % 2 == 1
        for side in (odd, ~odd):
            slope, shift = 1.0, 0.0
            for _ in range(20):  # Newton
                share = 1.0 / (1.0 + np.exp(-slope * logit[side] - shift))
                design = np.stack([logit[side], np.ones(side.sum())])
                curve = (design * share * (1.0 - share)) @ design.T
                slope, shift = np.array([slope, shift]) + np.linalg.solve(curve, design @ (self.came[side, at] - share))
            mended[~side, at] = 1.0 / (1.0 + np.exp(-slope * logit[~side] - shift))
        return mended


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder")
    words.add_argument("--names", default="BTC,ETH,XRP")
    words.add_argument("--from", dest="start", default="2023-01-01")
    words.add_argument("--to", dest="end", default="2099-01-01", help="the last window ends before it")
    words.add_argument("--origins", type=int, default=1_200)
    words.add_argument("--accounts", type=int, default=30)
    words.add_argument("--seed", type=int, default=21)
    words.add_argument("--population", choices=("crowd", "living", "aged"), default="living")
    words.add_argument("--plot", help="SVG of reliability of the served forecast")
    given = words.parse_args()
    bars, times = hourly(given.folder, given.names.split(","), hours=20 * 365 * 24)
    first, end = (int(np.searchsorted(times, np.datetime64(day, "ms").astype(int))) for day in (given.start, given.end))
    bars = bars.until(end)
    sizes = {"origins": given.origins, "accounts": given.accounts, "seed": given.seed}
    found = crowds(bars, first=first, **sizes, population=given.population)
    prior = {name: prior_sigma(_market(name).max_leverage) for name in bars.names}
    judged, told = Judged(found), {"plain": [], "served": [], "the volatility that came": []}
    for one in found:
        past = bars.until(one.row)
        told["plain"].append(within(prices(plain(past, prior)), one))
        told["served"].append(within(prices(foresee(past, prior, seed=1, paths=PATHS)), one))
        late = [within(prices(hindsight(bars, one.row, hours)), one)[:, at] for at, hours in enumerate(HOURS)]
        told["the volatility that came"].append(np.stack(late, axis=1))
    whole = {name: np.concatenate(shares) for name, shares in told.items()}
    for at, hours in enumerate(HOURS):
        came = judged.came[:, at]
        print(f"within {hours} h: {len(came):,} accounts, {int(came.sum())} liquidated ({came.mean():.4%})")
        if not came.any():
            continue
        for name, values in whole.items():
            print(f"  {name}: mean {values[:, at].mean():.4%}, skill {judged.skill(values, at)}")
        loss = {name: (values[:, at] - came) ** 2 for name, values in whole.items()}
        print(f"  served over plain: {judged.interval(loss['plain'] - loss['served'], at)}")
        print(f"  served, recalibrated: skill {judged.skill(judged.recalibrated(whole['served'], at), at)}")
        lost, gained = parts(whole["served"][:, at], came)
        print(f"  served: reliability {lost:.5f}, resolution {gained:.5f}, loss {loss['served'].mean():.5f}")
        print("\n".join(reliability(whole["served"][:, at], came)))
    if given.plot:
        done = [Trial(0, tuple(told), tuple(came), ()) for told, came in zip(whole["served"], judged.came, strict=True)]
        Path(given.plot).write_text(plot(done), encoding="utf-8")


if __name__ == "__main__":
    main()
