"""Liquidation price of one market, the others fixed, exact across tiers (SPEC section 5).

The buffer `equity(p) - maintenance(p)` is piecewise linear in the mark p: each tier of the market gives one straight
piece. A liquidation price is a p where the buffer changes sign; on one tier this is the documented closed form
`p - side * available / (|size| * (1 - l * side))`.
"""

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from seawall.margin import collateral, requirement
from seawall.margin.health import equity_maintenance
from seawall.terms import limits
from seawall.terms.bucket import Bucket, Position
from seawall.terms.conditions import Conditions
from seawall.terms.market import Tier
from seawall.units import RATE_ONE, BadInput, Lots, Price, Rate, UsdMicro, ceil_div, floor_div, notional


class LiquidationPoint(msgspec.Struct, frozen=True):
    """Where the buffer is zero, in micro-USD per lot; `price` is the last whole price that is still healthy."""

    exact: Fraction
    price: Price


class LiquidationPrices(msgspec.Struct, frozen=True):
    """Liquidating points around the mark: falling to `below`, or rising to `above`, liquidates. None: no such price."""

    below: LiquidationPoint | None
    above: LiquidationPoint | None


class Crossing(msgspec.Struct, frozen=True):
    """A zero of the buffer. Falling: healthy above it and liquidatable under it; rising: the reverse."""

    at: Fraction
    is_falling: bool


def crossings(
    *, fixed: Fraction, slope: Fraction, size: Fraction, tiers: Sequence[Tier], closing_fee: Rate = Rate(0)
) -> list[Crossing]:
    """All p > 0 where `fixed + slope * p - maintenance(size * p) - fee * size * p` changes sign, in rising order.

    `fixed` in micro-USD, `slope` in lots (signed size plus collateral that moves with p), `size` >= 0 in lots.
    The tier is that of the notional at the solution.
    """
    assert size >= 0
    found: list[Crossing] = []
    last_sign = 0
    start = Fraction(0)
    for tier, end in zip(tiers, [*tiers[1:], None], strict=True):
        constant = fixed + Fraction(tier.deduction, RATE_ONE)
        gradient = slope - size * Fraction(tier.maintenance + closing_fee, RATE_ONE)
        stop = None if end is None or size == 0 else end.lower / size
        sign_at_start = _sign(constant + gradient * start) or _sign(gradient)
        if last_sign and sign_at_start and sign_at_start != last_sign:
            found.append(Crossing(start, sign_at_start > 0))
        last_sign = sign_at_start or last_sign
        root = -constant / gradient if gradient else None
        if root is not None and root > start and (stop is None or root < stop):
            found.append(Crossing(root, gradient > 0))
            last_sign = _sign(gradient)
        if stop is None:
            break
        start = stop
    return [crossing for crossing in found if crossing.at > 0]


def _sign(value: Fraction) -> int:
    return (value > 0) - (value < 0)


def solve_linear(
    *, size: Fraction | int, fixed: Fraction | int, tiers: Sequence[Tier], closing_fee: Rate = Rate(0)
) -> Fraction | None:
    """The p > 0 with `fixed + size * p = maintenance(|size| * p)`, tier re-selected at p. None when there is none.

    `size` is signed (lots, or any unit p is priced in); `fixed` is equity without this position less the others'
    maintenance, in micro-USD. With maintenance rates below 1 there is at most one solution.
    """
    exact = Fraction(size)
    found = crossings(fixed=Fraction(fixed), slope=exact, size=abs(exact), tiers=tiers, closing_fee=closing_fee)
    return found[0].at if found else None


class Line(msgspec.Struct, frozen=True):
    """A bucket seen as a function of one market's mark: what stays fixed and what moves with it."""

    size: Lots
    tiers: tuple[Tier, ...]
    mark: Price
    fixed: UsdMicro  # equity without the position's value and without linked collateral
    others_numerator: int  # maintenance of the other positions, x RATE_ONE
    linked: tuple[
        tuple[int, int], ...
    ]  # (balance x weight_maintenance, price now) of collateral that moves with the mark
    closing_fee: Rate

    @property
    def slope(self) -> Fraction:
        """d equity / d mark in lots, before roundings."""
        moving = sum(weighted * now for weighted, now in self.linked)
        return self.size + Fraction(moving, RATE_ONE * self.mark)

    def is_healthy(self, price: int) -> bool:
        """The integer test at a whole price: equity(p) - fee >= maintenance(p), with collateral rounded down at p."""
        held = sum(floor_div(w * floor_div(now * price, self.mark), RATE_ONE) for w, now in self.linked)
        equity = self.fixed + self.size * price + held
        amount = notional(self.size, Price(price))
        needed = self.others_numerator + requirement.maintenance_numerator(self.tiers, amount)
        return equity * RATE_ONE >= needed + amount * self.closing_fee


def line_of(bucket: Bucket, conditions: Conditions, market: str, closing_fee: Rate = Rate(0)) -> Line:
    """The bucket as a function of `market`'s mark. BadInput when it holds neither a position nor linked collateral."""
    terms, mark = conditions.market(market), conditions.mark(market)
    position = next((p for p in bucket.positions if p.market == market), Position(market=market, size=Lots(0)))
    linked = [
        (conditions.asset(h.asset), h.balance)
        for h in bucket.collateral
        if conditions.asset(h.asset).underlying == market
    ]
    if position.size == 0 and not linked:
        raise BadInput("market", f"the bucket holds nothing that moves with {market!r}")
    moving = sum(collateral.value_maintenance(asset, balance) for asset, balance in linked)
    fixed = equity_maintenance(bucket, conditions) - position.size * mark.mark - moving
    others = [p for p in bucket.positions if p.market != market]
    return Line(
        size=position.size,
        tiers=terms.tiers,
        mark=mark.mark,
        fixed=UsdMicro(fixed),
        others_numerator=sum(
            requirement.position_maintenance_numerator(
                conditions.market(p.market), conditions.mark(p.market).mark, p.size
            )
            for p in others
        ),
        linked=tuple((b * a.weight_maintenance, collateral.redeemable_price(a)) for a, b in linked),
        closing_fee=closing_fee,
    )


def liquidation_prices(
    bucket: Bucket, conditions: Conditions, market: str, closing_fee: Rate = Rate(0)
) -> LiquidationPrices:
    """The nearest liquidating points of `market` on each side of its mark, all else fixed (tiered margin).

    A point's `price` is, below, the least whole price that is still healthy and, above, the greatest. A bucket that is
    liquidatable already gets the points where it would become healthy again, on the side where they lie: for a long
    the price above the mark is then in `below`, as falling under it liquidates. Collateral whose `underlying` is this
    market moves with the mark in proportion. `closing_fee` also pays the fee of closing the position at that price.
    """
    line = line_of(bucket, conditions, market, closing_fee)
    found = crossings(
        fixed=line.fixed - Fraction(line.others_numerator, RATE_ONE),
        slope=line.slope,
        size=Fraction(abs(line.size)),
        tiers=line.tiers,
        closing_fee=closing_fee,
    )
    falling = [c.at for c in found if c.is_falling]
    rising = [c.at for c in found if not c.is_falling]
    below = max((at for at in falling if at <= line.mark), default=None)
    above = min((at for at in rising if at >= line.mark), default=None)
    if below is None and above is None:
        below, above = min(falling, default=None), max(rising, default=None)
    return LiquidationPrices(
        below=None if below is None else LiquidationPoint(below, _least_healthy(line, below)),
        above=None if above is None else LiquidationPoint(above, _greatest_healthy(line, above)),
    )


def _least_healthy(line: Line, near: Fraction) -> Price:
    """The whole price at which the integer test starts to hold, at or just over `near`.

    Collateral rounds down twice, so the test may begin a few prices later than the exact point: gallop, then bisect.
    """
    low = ceil_div(near.numerator, near.denominator) - 1
    step = 1
    while not line.is_healthy(low + step) and low + step <= limits.PRICE_MAX:
        step *= 2
    bad, good = low, low + step
    while good - bad > 1:
        middle = floor_div(bad + good, 2)
        bad, good = (bad, middle) if line.is_healthy(middle) else (middle, good)
    return Price(good)


def _greatest_healthy(line: Line, near: Fraction) -> Price:
    high = floor_div(near.numerator, near.denominator) + 1
    step = 1
    while high - step > 0 and not line.is_healthy(high - step):
        step *= 2
    good, bad = max(0, high - step), high
    while bad - good > 1:
        middle = floor_div(bad + good, 2)
        good, bad = (middle, bad) if line.is_healthy(middle) else (good, middle)
    return Price(good)
