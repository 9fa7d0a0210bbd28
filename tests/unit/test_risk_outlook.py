"""The outlook: what bars teach of the hours ahead, how little when there are few, and what foresight makes of it."""

import numpy as np
import pytest

from seawall.risk.foresight import HOURS, Scene, chance
from seawall.risk.moves import HORIZON, POINTS, Bars, foresee, volatility
from seawall.risk.outlook import CORRECTION_MOST, SPANS, outlook
from seawall.risk.world import Recipe, generate_world
from seawall.terms.bucket import Bucket, Position
from seawall.terms.conditions import Conditions
from seawall.terms.market import Mark, market
from seawall.units import Lots, Price, UsdMicro

BUSY = range(12, 20)  # hours of the day
PRIOR = np.array([0.01])
MARK = Price(60_000_000)  # micro-USD a lot
NOW = Conditions(
    markets={"A": market("A", size_decimals=3, tiers=((UsdMicro(0), 40),), price_max=Price(10**9))},
    marks={"A": Mark(mark=MARK, oracle=MARK)},
)


def walk(hours: int, busy: float = 1.0, seed: int = 3) -> Bars:
    """A random walk of 12 steps an hour, `busy` times as volatile in the hours BUSY."""
    random = np.random.default_rng(seed)
    scale = np.where(np.isin(np.arange(hours) % 24, BUSY), busy, 1.0) * 0.01 / 12**0.5
    path = np.cumsum(random.standard_normal((hours, 12)) * scale[:, None]).reshape(hours, 12)
    first = np.concatenate(([0.0], path[:-1, -1]))
    whole = np.column_stack([first, path])
    values = (first, whole.max(axis=1), whole.min(axis=1), path[:, -1])
    return bars_of(*(np.exp(one)[:, None] for one in values))


def bars_of(first: np.ndarray, high: np.ndarray, low: np.ndarray, close: np.ndarray) -> Bars:
    return Bars(names=("A", "B", "C")[: close.shape[1]], open=first, high=high, low=low, close=close)


def world(seed: int, hours: int = 9_000) -> Bars:
    """Three markets of a generated world, from the hour on when all are listed."""
    panel = generate_world(Recipe(markets=3, hours=hours), [77, seed])
    row = int(np.isfinite(panel.close).all(axis=1).argmax())
    close = panel.close[row:]
    first = np.vstack([close[:1], close[:-1]])
    return bars_of(first, np.maximum(panel.high[row:], first), np.minimum(panel.low[row:], first), close)


def seen_from(bars: Bars, row: int, prior: np.ndarray = PRIOR) -> np.ndarray:
    """[S, 3] over the plain forecast, from the bars before `row`."""
    past = bars.until(row)
    sigma = volatility(past, prior)
    found: np.ndarray = outlook(past, sigma, np.array([row]))[0] / sigma[-1][:, None]
    return found


def test_the_hour_of_the_day_is_learnt_from_the_bars_themselves() -> None:
    bars = walk(3_000, busy=3.0)
    before, after = (seen_from(bars, 120 * 24 + hour)[0] for hour in (BUSY.start, BUSY.stop))
    assert before[1] > 1.3
    assert after[1] < 0.75
    assert after[2] > before[2]


def test_too_few_bars_correct_nothing_and_few_correct_little() -> None:
    bars = walk(3_000, busy=3.0)
    for hours in (0, 1, HORIZON - 1):
        assert (seen_from(bars, hours) == 1.0).all()
    little, much = (abs(np.log(seen_from(bars, days * 24 + BUSY.start)[0, 1])) for days in (3, 100))
    assert little < 0.5 * much
    even = walk(200)  # nothing to learn: what a few days seem to say is held back
    assert max(np.abs(np.log(seen_from(even, row))).max() for row in range(48, 145, 12)) < 0.25


def test_missing_and_still_bars_give_numbers_within_bounds() -> None:
    whole = world(1)
    for values in (whole.open, whole.high, whole.low, whole.close):
        values[3_000:4_000, 1] = np.nan
        values[:2_000, 2] = np.nan
        values[4_500:, 0] = 1.0
    sigma = volatility(whole, np.full(3, 0.01))
    rows = np.arange(len(sigma))
    ratio = outlook(whole, sigma, rows) / sigma[..., None]
    assert ratio.shape == (len(sigma), 3, len(SPANS))
    assert np.isfinite(ratio).all()
    assert np.abs(np.log(ratio)).max() <= CORRECTION_MOST + 1e-9


def test_worlds_it_never_saw_are_foretold_better_than_by_the_plain_forecast() -> None:
    plain, corrected = [], []
    for seed in range(3):
        bars = world(seed)
        span = np.log(bars.high / bars.low) ** 2 / (4.0 * np.log(2.0))
        for row in range(4_000, len(span) - HORIZON, 97):
            past = bars.until(row)
            sigma = volatility(past, np.full(3, 0.01))
            ahead = outlook(past, sigma, np.array([row]))[0]
            came = np.stack([np.sqrt(span[row + a : row + b].mean(axis=0)) for a, b in SPANS], axis=1)
            plain.append(np.log(came / sigma[-1][:, None]))
            corrected.append(np.log(came / ahead))
    before, after = (np.var(errors, axis=(0, 1)) for errors in (plain, corrected))
    assert (after < np.array([0.9, 0.97, 1.01]) * before).all(), (before, after)


def test_probabilities_of_a_world_it_never_saw_come_true() -> None:
    """Barriers on either side at a hundred times of two worlds: as many are hit as was said, and the right ones."""
    told, came = [], []
    for seed in (11, 12):
        bars = world(seed)
        for row in range(4_000, len(bars.close) - HORIZON, 103):
            moves = foresee(bars.until(row), dict.fromkeys(bars.names, 0.01), seed=1, paths=400)
            for at, name in enumerate(bars.names):
                for column, values, side in ((0, bars.low, -1.0), (1, bars.high, 1.0)):
                    paths = side * moves.of(name)[..., column]
                    real = side * np.log(values[row : row + HORIZON, at] / bars.close[row - 1, at])
                    for line in (0.01, 0.02, 0.04, 0.08):
                        told.append([(paths[:, :hours] > line).any(axis=1).mean() for hours in HOURS])
                        came.append([(real[:hours] > line).any() for hours in HOURS])
    said, happened = np.array(told), np.array(came, float)
    assert said.mean(axis=0) == pytest.approx(happened.mean(axis=0), rel=0.15)
    base = happened.mean(axis=0)
    skill = 1.0 - ((said - happened) ** 2).mean(axis=0) / (base * (1.0 - base))
    assert (skill > 0.1).all(), skill


def test_a_nearer_line_and_a_longer_time_never_have_the_lower_probability() -> None:
    scene = Scene(NOW, foresee(walk(2_000, busy=3.0), {"A": 0.01}, seed=1, paths=1_000))
    last = np.ones(len(HOURS))
    for equity in range(1_500, 12_000, 300):  # USD behind 60,000 of notional
        held = Position(market="A", size=Lots(1_000), entry_notional=UsdMicro(1_000 * MARK))
        told = chance(Bucket(raw_usd=UsdMicro(equity * 10**6 - 1_000 * MARK), positions=(held,)), scene)
        now = np.array(told.probabilities)
        assert (np.diff(now) >= 0.0).all()
        assert (now <= last).all()
        last = now
    assert scene.moves.shape.shape == (1_000, HORIZON, POINTS, 1)
    assert np.isfinite(scene.moves.shape).all()
