"""Liquidation surface: how far all markets may move together before a bucket is liquidatable (SPEC section 5).

Along one direction of relative moves the buffer is piecewise linear in the scale of the move, with a kink wherever a
position changes tier, so the nearest liquidating point is found exactly by walking the kinks.
"""

from collections.abc import Mapping
from fractions import Fraction

import msgspec

from seawall.margin import collateral
from seawall.margin.health import equity_maintenance
from seawall.terms.bucket import Bucket, Position
from seawall.terms.conditions import Conditions
from seawall.terms.market import Tier
from seawall.units import RATE_ONE, BadInput, Rate

Direction = Mapping[str, Rate]  # market -> signed relative move at scale 1, in RATE_ONE; markets left out stay


class SurfacePoint(msgspec.Struct, frozen=True):
    """The first liquidating point along a direction. `scale` multiplies the direction's moves, exact."""

    scale: Fraction
    prices: dict[str, Fraction]  # micro-USD per lot of every market that moves


class _Leg(msgspec.Struct, frozen=True):
    """One position along the ray: notional(t) = amount x (1 + move x t)."""

    amount: Fraction
    move: Fraction
    tiers: tuple[Tier, ...]

    def kinks(self) -> list[Fraction]:
        """Scales at which the leg enters another tier."""
        if self.move == 0 or self.amount == 0:
            return []
        return [(tier.lower / self.amount - 1) / self.move for tier in self.tiers[1:]]

    def maintenance(self, scale: Fraction) -> tuple[Fraction, Fraction]:
        """(value, right-hand slope) of maintenance at `scale`."""
        amount = self.amount * (1 + self.move * scale)
        tier = self._tier_right_of(amount)
        held = Fraction(tier.maintenance, RATE_ONE)
        return amount * held - Fraction(tier.deduction, RATE_ONE), self.amount * self.move * held

    def _tier_right_of(self, amount: Fraction) -> Tier:
        chosen = self.tiers[0]
        for tier in self.tiers:
            if tier.lower < amount or (tier.lower == amount and self.move >= 0):
                chosen = tier
        return chosen


def surface(
    bucket: Bucket, conditions: Conditions, directions: Mapping[str, Direction]
) -> dict[str, SurfacePoint | None]:
    """Nearest liquidating point along each named direction; None where moving that way never liquidates.

    Exact, before the roundings of collateral: the point where equity equals maintenance. A bucket that is liquidatable
    now gets scale 0. Prices stop at zero. Collateral moves with its underlying market. Tiered margin.
    """
    return {name: nearest(bucket, conditions, direction) for name, direction in directions.items()}


def nearest(bucket: Bucket, conditions: Conditions, direction: Direction) -> SurfacePoint | None:
    """The first point along one direction. Raises BadInput for a direction that names an unknown market."""
    moves = {name: Fraction(move, RATE_ONE) for name, move in direction.items()}
    for name in moves:
        conditions.mark(name)
    if not any(moves.values()):
        raise BadInput("direction", "no market moves")
    legs = [_leg(p, conditions, moves.get(p.market, Fraction(0))) for p in bucket.positions]
    start = Fraction(equity_maintenance(bucket, conditions))
    drift = _drift(bucket, conditions, moves)
    last = min((-1 / move for move in moves.values() if move < 0), default=None)
    kinks = sorted({k for leg in legs for k in leg.kinks() if k > 0 and (last is None or k < last)})
    scale = _first_zero(start, drift, legs, [Fraction(0), *kinks], last)
    if scale is None:
        return None
    return SurfacePoint(scale, {name: conditions.mark(name).mark * (1 + move * scale) for name, move in moves.items()})


def _leg(position: Position, conditions: Conditions, move: Fraction) -> _Leg:
    amount = Fraction(abs(position.size) * conditions.mark(position.market).mark)
    return _Leg(amount, move, conditions.market(position.market).tiers)


def _drift(bucket: Bucket, conditions: Conditions, moves: Mapping[str, Fraction]) -> Fraction:
    """d equity / d scale: positions and the collateral that moves with them."""
    total = Fraction(0)
    for position in bucket.positions:
        total += position.size * conditions.mark(position.market).mark * moves.get(position.market, Fraction(0))
    for holding in bucket.collateral:
        asset = conditions.asset(holding.asset)
        if asset.span is not None and moves.get(asset.underlying or "", 0) != 0:
            raise BadInput("collateral", "a liquidity position moves along a curve: risk/reach.py finds the point")
        if asset.underlying is not None:
            worth = holding.balance * collateral.kept_price(asset) * Fraction(asset.weight_maintenance, RATE_ONE)
            total += worth * moves.get(asset.underlying, Fraction(0))
    return total


def _first_zero(
    start: Fraction, drift: Fraction, legs: list[_Leg], kinks: list[Fraction], last: Fraction | None
) -> Fraction | None:
    for at, end in zip(kinks, [*kinks[1:], last], strict=True):
        held = [leg.maintenance(at) for leg in legs]
        buffer = start + drift * at - sum(value for value, _ in held)
        slope = drift - sum(rise for _, rise in held)
        if buffer < 0 or (buffer == 0 and slope < 0):
            return at
        if slope < 0:
            zero = at - buffer / slope
            if end is None or zero < end:
                return zero
    return None


def standard_directions(bucket: Bucket, conditions: Conditions) -> dict[str, Direction]:
    """Each market of the bucket down and up alone, and all of them down and up together, at scale 1 = 100 %."""
    names = {p.market for p in bucket.positions}
    names |= {a.underlying for a in (conditions.asset(h.asset) for h in bucket.collateral) if a.underlying is not None}
    ordered = sorted(names)
    chosen: dict[str, Direction] = {}
    for name in ordered:
        chosen[f"{name} down"] = {name: Rate(-RATE_ONE)}
        chosen[f"{name} up"] = {name: Rate(RATE_ONE)}
    if len(ordered) > 1:
        chosen["all down"] = {name: Rate(-RATE_ONE) for name in ordered}
        chosen["all up"] = {name: Rate(RATE_ONE) for name in ordered}
    return chosen
