"""The built-in market: self-exciting jump-diffusion, common fat tails, thinning depth, perps off their index.

The model and how its presets were fitted to recorded days are in docs/lab/generator.md; docs/lab/calibrate.py
measures both again. One seed gives one history, on every machine with the same numpy.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from seawall.lab.depth import estimate_depth
from seawall.lab.history import CELLS_MAX, Floats, History, check_history
from seawall.lab.names import interval_from, window_of
from seawall.lab.presets import PRESETS, Preset
from seawall.lab.universe import Listed
from seawall.units import BadInput

DAY_MS: Final = 86_400_000
BARS_MAX: Final = 2_000_000
MARKETS_MAX: Final = 1_000
INTENSITY_MAX: Final = 20.0  # jumps per bar: the cap that keeps a self-exciting process finite
FACTOR_MAX: Final = 2.3  # of |ln| a price may move in all: prices stay within a tenth and ten times the start


@dataclass(eq=False, kw_only=True)
class _Common:
    """What all markets share, per bar."""

    move: Floats  # [T] return of the common factor, jumps included
    jump: Floats  # [T] its jumps alone, the recovery not included
    stress: Floats  # [T] volatility multiplier, >= 1


def preset_named(name: str) -> Preset:
    """A preset by name; BadInput with the list of names otherwise."""
    if name not in PRESETS:
        raise BadInput("preset", f"unknown {name!r}: one of {', '.join(PRESETS)}")
    return PRESETS[name]


def generate(preset: str, seed: int, markets: int = 20, bars: int = 1440, interval_ms: int = 60_000) -> History:
    """A synthetic day named after an event. The crash sits at the same share of the run whatever its length.

    Raises BadInput for an unknown preset or sizes out of bounds.
    """
    chosen = preset_named(preset)
    if not 1000 <= interval_ms <= DAY_MS:
        raise BadInput("interval", f"{interval_ms} ms is outside 1000..{DAY_MS}")
    for field, value, most in (("markets", markets, MARKETS_MAX), ("bars", bars, BARS_MAX)):
        if not 2 - (field == "markets") <= value <= most:
            raise BadInput(field, f"{value} is outside {2 - (field == 'markets')}..{most}")
    if markets * bars > CELLS_MAX:
        raise BadInput("bars", f"{markets} markets x {bars:,} bars is above {CELLS_MAX:,}")
    if seed < 0:
        raise BadInput("seed", f"{seed} is negative")
    rng = np.random.Generator(np.random.PCG64(seed))
    listed = _listed(chosen, markets, rng)
    return _build(rng, chosen, listed, bars, interval_ms)


def _listed(preset: Preset, markets: int, rng: np.random.Generator) -> list[Listed]:
    """The first `markets` names of the preset's time; beyond the list, thinner and thinner nameless coins."""
    known = list(preset.universe[:markets])
    for number in range(len(known) + 1, markets + 1):
        price = float(10.0 ** rng.uniform(-3.0, 1.5))
        known.append((f"COIN{number}", float(f"{price:.4g}"), max(20.0 / number, 0.05)))
    return known


def _build(rng: np.random.Generator, preset: Preset, listed: list[Listed], bars: int, interval_ms: int) -> History:
    dt = interval_ms / DAY_MS
    count = len(listed)
    beta = betas(rng, preset, count)
    common = _common(rng, preset, bars, interval_ms)
    own = _student(rng, preset.tail, (bars, count)) * (preset.idiosyncratic * np.sqrt(dt)) * common.stress[:, None]
    scatter = common.jump[:, None] * preset.jump_scatter * rng.standard_normal((bars, count))
    moves = (common.move[:, None] + scatter) * beta[None, :] + own
    path = np.clip(np.cumsum(moves, axis=0), -FACTOR_MAX, FACTOR_MAX)
    start = np.array([price for _, price, _ in listed])
    basis, wick = _basis(rng, preset, common, beta, interval_ms)
    before = np.vstack((np.zeros((1, count)), path[:-1]))
    basis_before = np.vstack((basis[:1], basis[:-1]))
    index = start * np.exp(path)
    opened, closed = start * np.exp(before + basis_before), start * np.exp(path + basis)
    bar_sigma = np.hypot(preset.common, preset.idiosyncratic) * np.sqrt(dt) * common.stress[:, None] * beta
    high, low = _extremes(rng, opened, closed, bar_sigma)
    low = low * np.exp(-wick)
    index_high, index_low = _extremes(rng, start * np.exp(before), index, bar_sigma)
    volume = _volume(rng, listed, dt, np.log(high / low), bar_sigma)
    live = np.ones((bars, count), dtype=bool)
    depth = estimate_depth(volume_usd=volume, high=high, low=low, live=live, interval_ms=interval_ms)
    history = History(
        name=preset.name,
        symbols=tuple(symbol for symbol, _, _ in listed),
        interval_ms=interval_ms,
        times_ms=window_of(preset.start).start_ms + interval_ms * np.arange(bars, dtype=np.int64),
        open=opened,
        high=high,
        low=low,
        close=closed,
        index=index,
        index_low=index_low,
        index_high=index_high,
        has_index=np.ones(count, dtype=bool),
        volume_usd=volume,
        depth_usd=depth * rng.lognormal(-0.005, 0.1, depth.shape),
        funding_hour=_funding(basis, interval_ms),
        live=live,
        notes=(f"generated: {preset.name}",),
    )
    return check_history(history)


def betas(rng: np.random.Generator, preset: Preset, count: int) -> Floats:
    """Loading on the common factor: 1 for the first market, rising to the preset's for small ones, scattered."""
    rank = np.arange(count)
    rise = 1.0 - np.exp(-rank / 2.0)
    spread = np.exp(preset.beta_spread * rng.standard_normal(count)) ** (rank > 0)
    loading: Floats = (1.0 + (preset.alt_beta - 1.0) * rise) * spread
    return loading


def _student(rng: np.random.Generator, tail: float, shape: tuple[int, ...]) -> Floats:
    """Student-t with `tail` > 2 degrees of freedom, scaled to unit variance."""
    drawn: Floats = rng.standard_t(tail, shape) * np.sqrt((tail - 2.0) / tail)
    return drawn


def _crash_weights(preset: Preset, bars: int, interval_ms: int) -> Floats:
    """[T] share of the crash's first jumps in each bar: a bump of `crash_ms` placed at `crash_at` of the run."""
    length = min(max(round(interval_from(preset.crash_length) / interval_ms), 1), max(bars * 2 // 5, 1))
    first = min(round(preset.crash_at * bars), bars - length)
    weights = np.zeros(bars)
    weights[first : first + length] = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
    share: Floats = weights / weights.sum()
    return share


def _common(rng: np.random.Generator, preset: Preset, bars: int, interval_ms: int) -> _Common:
    """Hawkes jumps, the part of each that is given back, and a diffusion whose volatility follows the intensity."""
    dt = interval_ms / DAY_MS
    exogenous = preset.jumps_per_day * dt + preset.crash_jumps * (1.0 - preset.excitation) * _crash_weights(
        preset, bars, interval_ms
    )
    keep = float(np.exp(-interval_ms / interval_from(preset.memory)))
    number = np.zeros(bars)
    excited = np.zeros(bars)
    intensity = 0.0
    for bar in range(bars):
        excited[bar] = intensity
        number[bar] = rng.poisson(min(exogenous[bar] + intensity, INTENSITY_MAX))
        intensity = intensity * keep + preset.excitation * (1.0 - keep) * number[bar]
    crash = preset.crash_jumps * _crash_weights(preset, bars, interval_ms)
    in_crash = np.minimum((crash + excited) / (preset.jumps_per_day * dt + crash + excited), 1.0)
    in_crash = in_crash if preset.crash_jumps > 0 else np.zeros(bars)
    jump = np.zeros(bars)
    for bar in np.flatnonzero(number).tolist():
        count = int(number[bar])
        down = rng.random(count) < 0.5 + (preset.down_share - 0.5) * in_crash[bar]
        mean = preset.jump_size * (1.0 - in_crash[bar]) + preset.crash_size * in_crash[bar]
        jump[bar] = float((rng.exponential(1.0, count) * mean * np.where(down, -1.0, 1.0)).sum())
    per_minute = (exogenous + excited) * 60_000 / interval_ms
    stress = np.sqrt(1.0 + preset.stress_gain * per_minute)
    diffusion = _student(rng, preset.tail, (bars,)) * preset.common * np.sqrt(dt) * stress
    given_back = _decaying(preset.recovery * jump, interval_ms / interval_from(preset.recovery_life))
    lasting = np.cumsum(diffusion + (1.0 - preset.recovery) * jump)
    return _Common(move=np.diff(lasting + given_back, prepend=0.0), jump=jump, stress=stress)


def _decaying(shocks: Floats, half_lives: float) -> Floats:
    """Sum of shocks, each halved every 1 / half_lives bars; [T] or [T, S]."""
    keep = 0.5**half_lives
    level = np.zeros(shocks.shape)
    state = np.zeros(shocks.shape[1:])
    for bar in range(len(shocks)):
        state = state * keep + shocks[bar]
        level[bar] = state
    return level


def _basis(
    rng: np.random.Generator, preset: Preset, common: _Common, beta: Floats, interval_ms: int
) -> tuple[Floats, Floats]:
    """ln(perp / index) at each close, and how much further the perp's low reaches within the bar.

    Forced sellers hit the perp first: every common jump moves it further than the index, more so in thin markets.
    """
    bars, count = len(common.jump), len(beta)
    thin = np.log1p(np.arange(count)) / np.log(20.0)  # 0 for the most liquid market, 1 for the twentieth
    reach = preset.dislocation * (0.25 + thin) * rng.lognormal(0.0, 0.3, count) * beta
    half_lives = interval_ms / interval_from(preset.dislocation_life)
    noise = 0.0002 * rng.standard_normal((bars, count)) * common.stress[:, None] * np.sqrt(min(half_lives, 1.0))
    basis = np.clip(_decaying(common.jump[:, None] * reach + noise, half_lives), -1.5, 0.5)
    wick = np.minimum(-np.minimum(common.jump, 0.0)[:, None] * reach * rng.exponential(0.5, (bars, count)), 0.7)
    return basis, wick


def _extremes(rng: np.random.Generator, opened: Floats, closed: Floats, sigma: Floats) -> tuple[Floats, Floats]:
    """High and low of a Brownian bridge from open to close: exact law of its maximum, sampled for each side."""
    first, last = np.log(opened), np.log(closed)
    top, bottom = rng.exponential(1.0, first.shape), rng.exponential(1.0, first.shape)
    spread = (first - last) ** 2
    high = 0.5 * (first + last + np.sqrt(spread + 2.0 * sigma**2 * top))
    low = 0.5 * (first + last - np.sqrt(spread + 2.0 * sigma**2 * bottom))
    return np.maximum(np.exp(high), np.maximum(opened, closed)), np.minimum(np.exp(low), np.minimum(opened, closed))


def _volume(rng: np.random.Generator, listed: list[Listed], dt: float, ranges: Floats, sigma: Floats) -> Floats:
    """Volume follows the range of the bar (elasticity 1.2), around the market's usual volume."""
    usual = np.array([million for _, _, million in listed]) * 1e6 * dt
    ratio = ranges / np.maximum(np.median(ranges, axis=0), 1e-12)
    noise = rng.lognormal(-0.08, 0.4, sigma.shape)
    return usual * np.maximum(ratio, 0.05) ** 1.2 * noise


def _funding(basis: Floats, interval_ms: int) -> Floats:
    """Hourly rate of the last hour's premium: (premium + clamp(1 bp - premium, +-5 bp)) / 8 (Hyperliquid's)."""
    hour = max(1, round(3_600_000 / interval_ms))
    total = np.cumsum(np.vstack((np.zeros((1, basis.shape[1])), np.expm1(basis))), axis=0)
    places = np.arange(len(basis))
    first = np.maximum(places - hour, 0)
    premium = (total[places] - total[first]) / np.maximum(places - first, 1)[:, None]
    rate = (premium + np.clip(0.0001 - premium, -0.0005, 0.0005)) / 8.0
    clipped: Floats = np.clip(rate, -0.04, 0.04)
    return clipped
