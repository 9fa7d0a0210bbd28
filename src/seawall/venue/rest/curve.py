"""Liquidations at price: who would be below maintenance if one market went somewhere at once and no other moved."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.engine.invariant_view import View
from seawall.terms.limits import SPLIT_BITS
from seawall.units import RATE_ONE
from seawall.venue.decimals import usd_text
from seawall.venue.rest.audit_shapes import CurvePointView, CurveView
from seawall.venue.rest.errors import ApiError
from seawall.venue.service import Service

MOVES: Final = tuple(step / 100 for step in range(-50, 51, 2))
Floats = NDArray[np.float64]


class Held(NamedTuple):
    """Positions of one market: [n] each. Lots, and micro-USD of their buckets with and without this market."""

    size: Floats
    equity: Floats
    others: Floats  # maintenance of what else the bucket holds


class Tiers(NamedTuple):
    """Of one market, [t]: from a notional in micro-USD, a share, and what is deducted."""

    lower: Floats
    rate: Floats
    deduction: Floats

    def maintenance(self, notional: Floats) -> Floats:
        """Micro-USD."""
        tier = np.searchsorted(self.lower, notional, side="right") - 1
        needed: Floats = notional * self.rate[tier] - self.deduction[tier]
        return needed


def tiers_of(view: View, market: int) -> Tiers:
    """The live tiers of a market."""
    row, count = 2 * market, view["tier_count"].item(2 * market)
    lower = view["tier_lower"][row][:count].astype(np.float64)
    high, low = (view[name][row][:count].astype(np.float64) for name in ("tier_high", "tier_low"))
    deduction = (high * (1 << SPLIT_BITS) + low) / RATE_ONE
    return Tiers(lower, view["tier_rate"][row][:count].astype(np.float64) / RATE_ONE, deduction)


def held_of(view: View, market: int, tiers: Tiers, mark: int) -> Held:
    """All positions of a market."""
    at = np.flatnonzero((view.slot_market == market) & (view.size != 0))
    owner, size = view.slot_owner[at], view.size[at].astype(np.float64)
    own = tiers.maintenance(np.abs(size) * mark)
    return Held(size, view.equity[owner].astype(np.float64), view.maintenance[owner] - own)


def point_of(held: Held, tiers: Tiers, mark: int, move: float) -> tuple[float, float, int]:
    """(longs, shorts) in micro-USD and how many buckets, at one move of the mark."""
    there = mark * (1 + move)
    notional = np.abs(held.size) * there
    equity = held.equity + held.size * (there - mark)
    gone = equity < held.others + tiers.maintenance(notional)
    longs, shorts = gone & (held.size > 0), gone & (held.size < 0)
    return float(notional[longs].sum()), float(notional[shorts].sum()), int(gone.sum())


def curve_view(service: Service, coin: str) -> CurveView:
    """The curve of a market by its name. ApiError for a name that no market has, or before its first price."""
    listing = service.universe.by_coin.get(coin)
    if listing is None:
        raise ApiError("unknown_coin")
    market, columns = listing.number, service.columns
    mark = columns["market_price"].item(market)
    if mark == 0:
        raise ApiError("bad_request", f"coin: {coin} has no price yet")
    view = View(columns)
    tiers = tiers_of(view, market)
    held = held_of(view, market, tiers, mark)
    points = [(move, *point_of(held, tiers, mark, move)) for move in MOVES]
    return CurveView(
        coin=coin,
        time=service.now,
        sequence=service.desk.sequence,
        mark=listing.price_text(mark),
        points=tuple(_point(listing, mark, *one) for one in points),
    )


def _point(listing: Any, mark: int, move: float, longs: float, shorts: float, buckets: int) -> CurvePointView:
    return CurvePointView(
        move=f"{move:.2f}",
        price=listing.price_text(round(mark * (1 + move))),
        longs=usd_text(round(longs)),
        shorts=usd_text(round(shorts)),
        buckets=buckets,
    )
