"""Liquidation price of one market, the others fixed, exact across tiers (SPEC section 5).

The buffer `equity(p) - maintenance(p)` is piecewise linear in the mark p: each tier of the market gives one straight
piece. The marks at which it is not negative form stretches; their ends are the liquidation prices. On one tier this is
the documented closed form `p - side * available / (|size| * (1 - l * side))`.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import msgspec

from seawall.margin import collateral, requirement
from seawall.margin.health import equity_maintenance
from seawall.terms.bucket import Bucket, Position
from seawall.terms.conditions import Conditions
from seawall.terms.market import Tier
from seawall.units import (
    RATE_ONE,
    BadInput,
    Lots,
    Price,
    Rate,
    Side,
    UsdMicro,
    ceil_div,
    floor_div,
    notional,
    share,
    whole,
)

ROUNDING_STEPS_MAX: Final = 4_096  # prices walked to sharpen a whole price; past it the price stays on the safe side


class LiquidationPoint(msgspec.Struct, frozen=True):
    """Where the buffer is zero, in micro-USD per lot; `price` is the last whole price that is still healthy."""

    exact: Fraction
    price: Price


class LiquidationPrices(msgspec.Struct, frozen=True):
    """Liquidating points around the mark: falling to `below`, or rising to `above`, liquidates. None: no such price."""

    below: LiquidationPoint | None
    above: LiquidationPoint | None


class Span(msgspec.Struct, frozen=True):
    """Marks from `low` to `high`, ends included, at which the buffer is not negative. `high` None: without end."""

    low: Fraction
    high: Fraction | None


def healthy_spans(
    *, fixed: Fraction, slope: Fraction, size: Fraction, tiers: Sequence[Tier], closing_fee: Rate = Rate(0)
) -> list[Span]:
    """Where `fixed + slope * p - maintenance(size * p) - fee * size * p >= 0` for p >= 0, in rising order.

    `fixed` in micro-USD, `slope` in lots (signed size plus collateral that moves with p), `size` >= 0 in lots.
    The tier is that of the notional at p. Exact: nothing is rounded.
    """
    assert size >= 0
    spans: list[Span] = []
    start = Fraction(0)
    for tier, after in zip(tiers, [*tiers[1:], None], strict=True):
        end = None if after is None or size == 0 else after.lower / size
        constant = fixed + Fraction(tier.deduction, RATE_ONE)
        gradient = slope - size * Fraction(tier.maintenance + closing_fee, RATE_ONE)
        piece = _not_negative(constant, gradient, start, end)
        if piece is not None and spans and spans[-1].high == piece.low:
            spans[-1] = Span(spans[-1].low, piece.high)
        elif piece is not None:
            spans.append(piece)
        if end is None:
            break
        start = end
    return spans


def _not_negative(constant: Fraction, gradient: Fraction, start: Fraction, end: Fraction | None) -> Span | None:
    """The part of [start, end] on which one straight piece is not negative."""
    if gradient == 0:
        return Span(start, end) if constant >= 0 else None
    root = -constant / gradient
    if gradient > 0:
        low = max(start, root)
        return Span(low, end) if end is None or low <= end else None
    high = root if end is None else min(end, root)
    return Span(start, high) if start <= high else None


def solve_linear(
    *, size: Fraction | int, fixed: Fraction | int, tiers: Sequence[Tier], closing_fee: Rate = Rate(0)
) -> Fraction | None:
    """The p > 0 with `fixed + size * p = maintenance(|size| * p)`, tier re-selected at p. None when there is none.

    `size` is signed (lots, or any unit p is priced in); `fixed` is equity without this position less the others'
    maintenance, in micro-USD. With maintenance rates below 1 there is at most one solution.
    """
    whole(closing_fee, "closing_fee", 0, RATE_ONE)
    exact = Fraction(size)
    spans = healthy_spans(fixed=Fraction(fixed), slope=exact, size=abs(exact), tiers=tiers, closing_fee=closing_fee)
    if not spans:
        return None
    at = spans[0].low if exact > 0 else spans[0].high
    return at if at else None


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

    @property
    def roundings(self) -> int:
        """Micro-USD by which the integer test may be stricter than the exact buffer: one a rounded term."""
        return len(self.linked) + (self.closing_fee > 0)

    def spans(self, margin: int = 0) -> list[Span]:
        """Healthy marks with `margin` micro-USD to spare."""
        return healthy_spans(
            fixed=self.fixed - margin - Fraction(self.others_numerator, RATE_ONE),
            slope=self.slope,
            size=Fraction(abs(self.size)),
            tiers=self.tiers,
            closing_fee=self.closing_fee,
        )

    def is_healthy(self, price: int) -> bool:
        """The integer test at a whole price: equity(p) >= maintenance(p) + fee(p), each rounded once, to its side."""
        held = sum(floor_div(weighted * now * price, RATE_ONE * self.mark) for weighted, now in self.linked)
        amount = notional(self.size, Price(price))
        needed = self.others_numerator + requirement.maintenance_numerator(self.tiers, amount)
        owed = ceil_div(needed, RATE_ONE) + share(amount, self.closing_fee, Side.UP)
        return self.fixed + self.size * price + held >= owed


def line_of(bucket: Bucket, conditions: Conditions, market: str, closing_fee: Rate = Rate(0)) -> Line:
    """The bucket as a function of `market`'s mark. BadInput when it holds neither a position nor linked collateral."""
    whole(closing_fee, "closing_fee", 0, RATE_ONE)
    terms, mark = conditions.market(market), conditions.mark(market)
    position = next((p for p in bucket.positions if p.market == market), Position(market=market, size=Lots(0)))
    linked = [
        (conditions.asset(h.asset), h.balance)
        for h in bucket.collateral
        if conditions.asset(h.asset).underlying == market
    ]
    if any(asset.span is not None for asset, _ in linked):
        raise BadInput("collateral", "a liquidity position moves along a curve: risk/reach.py finds the point")
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
        linked=tuple((b * a.weight_maintenance, collateral.kept_price(a)) for a, b in linked),
        closing_fee=closing_fee,
    )


def liquidation_prices(
    bucket: Bucket, conditions: Conditions, market: str, closing_fee: Rate = Rate(0)
) -> LiquidationPrices:
    """The liquidating points of `market` on each side of the healthy marks, all else fixed (tiered margin).

    They are the ends of the stretch of healthy marks that holds the present mark or, for a bucket that is liquidatable
    already, of the stretch nearest to it: for a long under water `below` then lies above the mark. `exact` is where
    equity equals maintenance before roundings; `price` is the last whole price that passes the integer test, with every
    price between it and the middle of the stretch passing too (the least such for `below`, the greatest for `above`).
    Collateral whose `underlying` is this market moves with the mark in proportion. `closing_fee` also pays the fee of
    closing the position at that price.
    """
    line = line_of(bucket, conditions, market, closing_fee)
    spans = line.spans()
    if not spans:
        return LiquidationPrices(None, None)
    exact = min(spans, key=lambda span: _distance(span, line.mark))
    safe = next((s for s in line.spans(line.roundings) if _overlap(s, exact)), None)
    below = None if exact.low == 0 else LiquidationPoint(exact.low, _least_healthy(line, exact, safe))
    above = None if not exact.high else LiquidationPoint(exact.high, _greatest_healthy(line, exact, safe))
    return LiquidationPrices(below, above)


def _distance(span: Span, mark: Price) -> Fraction:
    if mark < span.low:
        return span.low - mark
    return Fraction(0) if span.high is None or mark <= span.high else mark - span.high


def _overlap(one: Span, other: Span) -> bool:
    return (one.high is None or other.low <= one.high) and (other.high is None or one.low <= other.high)


def _least_healthy(line: Line, exact: Span, safe: Span | None) -> Price:
    """From where roundings cannot matter, down to the last whole price that still passes the integer test."""
    inside = exact if safe is None else safe
    price = ceil_div(inside.low.numerator, inside.low.denominator)
    for _ in range(ROUNDING_STEPS_MAX):
        if price - 1 < exact.low or not line.is_healthy(price - 1):
            break
        price -= 1
    return Price(price)


def _greatest_healthy(line: Line, exact: Span, safe: Span | None) -> Price:
    """From where roundings cannot matter, up to the last whole price that still passes the integer test."""
    inside = exact if safe is None or safe.high is None else safe
    assert exact.high is not None
    assert inside.high is not None
    price = floor_div(inside.high.numerator, inside.high.denominator)
    for _ in range(ROUNDING_STEPS_MAX):
        if price + 1 > exact.high or not line.is_healthy(price + 1):
            break
        price += 1
    return Price(price)
