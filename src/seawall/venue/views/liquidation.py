"""The liquidation price of a position: in closed form, or the margin core's where collateral moves with markets."""

from typing import Any

from seawall.tools.liq import point_of
from seawall.venue.rest.terms import account_with
from seawall.venue.universe import Universe
from seawall.venue.views.figures import BucketFigures, PositionFigures


def liquidation_ratio(
    columns: Any, universe: Universe, bucket: BucketFigures, position: PositionFigures
) -> tuple[int, int] | None:
    """The mark at which the bucket has no buffer left, all else fixed, as an exact ratio in micro-USD per lot.

    Collateral that a market prices moves with it (SPEC section 5). In portfolio margin, and with liquidity positions,
    it is the last healthy mark, found by search. None when no positive mark liquidates it, or every one does.
    """
    if bucket.is_portfolio:
        return (position.scenario_price, 1) if position.scenario_price != 0 else None
    number = bucket.bucket
    if columns["bucket_holding"].item(number) == 0:
        return position.liquidation(bucket.equity)
    alone = account_with(columns, universe, f"bucket {number}", [number])
    held, coin = alone.buckets[0], universe.listings[position.market].coin
    point = point_of(alone, held.name, next(one for one in held.bucket.positions if one.market == coin))
    return None if point is None else (point.numerator, point.denominator)
