"""`seawall account foresight`: how likely an account is to be liquidated, when, because of what, and what cures it."""

from fractions import Fraction
from typing import Final

import msgspec
import numpy as np

from seawall.risk.cures import FEE, Cure, Kind, cures
from seawall.risk.foresight import HOURS, Chance, Scene, chance, chance_of
from seawall.risk.hours import hourly
from seawall.risk.moves import PATHS, Bars, foresee, prior_sigma
from seawall.terms.bucket import BucketKind
from seawall.terms.conditions import Conditions
from seawall.terms.grid import ScenarioGrid
from seawall.tools.account_file import CROSS, Account, NamedBucket
from seawall.tools.figures import money, percent
from seawall.tools.scales import usd_of
from seawall.units import BadInput, Rate

PARTS: Final = 10**6  # to which shares are told
PATHS_MOST: Final = 20_000
HOUR_NAMES: Final = tuple(f"{hours}h" for hours in HOURS)
DRAWN: Final = "no history was given (--data FOLDER): volatility is a prior by the market's greatest leverage"


class DriverLine(msgspec.Struct, frozen=True, kw_only=True):
    """A position's share of the losses on the paths that liquidate; below 0: it cushions."""

    coin: str
    share: Fraction


class CureLine(msgspec.Struct, frozen=True, kw_only=True):
    """A change after which the margin core finds the probability within 24 hours at or below the target."""

    kind: Kind
    coin: str | None
    size: Fraction | None  # units, signed as the fill is; None: no fill
    capital_usd: Fraction  # tied up in addition
    cost_usd: Fraction  # fees
    probability: Fraction
    words: str


class BucketForesight(msgspec.Struct, frozen=True, kw_only=True):
    """One bucket. `probabilities` by horizon; `expected_hours` on the paths that liquidate within a day."""

    bucket: str
    score: int
    probabilities: dict[str, Fraction]
    error: Fraction
    expected_hours: Fraction | None
    drivers: tuple[DriverLine, ...]
    cures: tuple[CureLine, ...]  # the cheapest first
    is_liquidatable: bool


class AccountForesight(msgspec.Struct, frozen=True, kw_only=True):
    """An account: the probability that any of its buckets is liquidated, and each bucket with positions."""

    file: str
    score: int
    probabilities: dict[str, Fraction]
    expected_hours: Fraction | None
    target: Fraction
    volatility: dict[str, Fraction]  # of an hour, forecast now
    paths: int
    basis: str
    buckets: tuple[BucketForesight, ...]
    warnings: tuple[str, ...]


def recent_bars(names: tuple[str, ...], folder: str | None, end_ms: int | None) -> Bars:
    """Bars of a folder up to a time; without a folder none."""
    if folder is not None:
        return hourly(folder, names, end_ms=end_ms)[0]
    if end_ms is not None:
        raise BadInput("at", "needs --data FOLDER")
    return no_bars(names)


def no_bars(names: tuple[str, ...]) -> Bars:
    """Of markets that nobody has seen move."""
    empty = np.zeros((0, len(names)))
    return Bars(names=names, open=empty, high=empty, low=empty, close=empty)


def scene_of(conditions: Conditions, bars: Bars, *, seed: int, paths: int, grid: ScenarioGrid | None = None) -> Scene:
    """Paths of the markets of the bars under these conditions. BadInput for so many paths that it would take long."""
    if not 1 <= paths <= PATHS_MOST:
        raise BadInput("paths", f"{paths} is outside 1..{PATHS_MOST}")
    prior = {name: prior_sigma(conditions.market(name).max_leverage) for name in bars.names}
    return Scene(conditions, foresee(bars, prior, seed=seed, paths=paths), grid)


def account_foresight(
    account: Account, bars: Bars, *, target: Fraction = Fraction(1, 100), fee: Rate = FEE, seed: int = 1,
    paths: int = PATHS, is_cured: bool = True,
) -> AccountForesight:  # fmt: skip
    """The forecast of every bucket that holds positions, and of the account. BadInput for markets without bars' column,
    and a target outside 0..1. Without `is_cured` no cure is searched."""
    scene = scene_of(account.conditions, bars, seed=seed, paths=paths, grid=account.grid)
    held = [named for named in account.buckets if named.bucket.positions]
    if not held:
        raise BadInput("account", "holds no positions", account.file)
    lines = tuple(_bucket(account, named, scene, target, fee if is_cured else None) for named in held)
    whole = scene.fate(held[0].bucket)
    for named in held[1:]:
        whole = whole.joined(scene.fate(named.bucket))
    told = chance_of(whole, scene.moves, ())
    names = scene.moves.names
    recorded = bool(len(bars.close))
    return AccountForesight(
        file=account.file,
        score=told.score,
        probabilities=_probabilities(told),
        expected_hours=_part(told.expected_hours),
        target=target,
        volatility={name: _share(float(sigma)) for name, sigma in zip(names, scene.moves.sigma, strict=True)},
        paths=told.paths,
        basis=told.basis,
        buckets=lines,
        warnings=account.warnings if recorded else (*account.warnings, DRAWN),
    )


def _bucket(account: Account, named: NamedBucket, scene: Scene, target: Fraction, fee: Rate | None) -> BucketForesight:
    told = chance(named.bucket, scene)
    cross = account.cross if named.bucket.kind is BucketKind.ISOLATED else None
    found = () if fee is None else cures(named.bucket, scene, target=float(target), fee=fee, cross=cross)
    return BucketForesight(
        bucket=named.name,
        score=told.score,
        probabilities=_probabilities(told),
        error=_share(told.error),
        expected_hours=_part(told.expected_hours),
        drivers=tuple(DriverLine(coin=one.market, share=_share(one.share)) for one in told.drivers),
        cures=tuple(_cure(account, named, one, told.paths) for one in found),
        is_liquidatable=account.health(named.bucket).is_liquidatable,
    )


def _cure(account: Account, named: NamedBucket, cure: Cure, paths: int) -> CureLine:
    place = None if cure.market is None else account.place(cure.market)
    size = None if place is None or not cure.size else place.scale.size_units(cure.size)
    chance_after = Fraction(round(cure.probability * paths), paths)
    return CureLine(
        kind=cure.kind,
        coin=cure.market,
        size=size,
        capital_usd=usd_of(cure.capital),
        cost_usd=usd_of(cure.cost),
        probability=chance_after,
        words=_words(named.name, cure, size, chance_after),
    )


def _words(bucket: str, cure: Cure, size: Fraction | None, after: Fraction) -> str:
    then = f"then {percent(after)} within {HOUR_NAMES[-1]}"
    if cure.kind is Kind.TOP_UP:
        return f"pay {money(usd_of(cure.capital))} USD into {bucket}: {then}"
    if cure.kind is Kind.SWITCH_MODE:
        return f"move {cure.market} to {CROSS}: {then}"
    assert size is not None
    verb = "buy" if size > 0 else "sell"
    amount = f"{verb} {float(abs(size)):.10g} {cure.market} for fees of {money(usd_of(cure.cost))} USD"
    if cure.kind is Kind.REDUCE:
        return f"reduce: {amount}: {then}"
    return f"hedge: {amount}, {money(usd_of(cure.capital))} USD of margin: {then}"


def _probabilities(told: Chance) -> dict[str, Fraction]:
    return {
        name: Fraction(round(value * told.paths), told.paths)
        for name, value in zip(HOUR_NAMES, told.probabilities, strict=True)
    }


def _share(value: float) -> Fraction:
    return Fraction(round(value * PARTS), PARTS)


def _part(value: float | None) -> Fraction | None:
    return None if value is None else _share(value)
