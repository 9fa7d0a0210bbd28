"""One liquidity position over time: its worth against holding its tokens, the fees it has brought, where to move it.

What the position was comes from history (records.Pooled), prices between from the market's candles of marks and trades.
Each change of a position fixes what it had lost against holding up to then, and it starts anew.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from math import exp, sqrt
from operator import attrgetter
from typing import Final

import msgspec
import numpy as np

from seawall.margin.lp import Range
from seawall.margin.lp_value import range_delta, range_value
from seawall.risk.moves import Bars, prior_sigma, volatility
from seawall.tools.figures import text_of
from seawall.tools.lp import STAY, STAY_SHARE, break_evens
from seawall.units import BadInput, floor_div
from seawall.venue.decimals import usd_text
from seawall.venue.history.intervals import LENGTHS, start_of
from seawall.venue.liquidity import moved, position, worth
from seawall.venue.names import address_text
from seawall.venue.records import Pooled
from seawall.venue.rest.collateral_shapes import RangeAdviceView, RangePastView, RangePointView
from seawall.venue.rest.errors import ApiError
from seawall.venue.service import Service
from seawall.venue.universe import Listing

POINTS_MOST: Final = 300
HOURS: Final = 720  # of candles that the volatility is of
DAY_HOURS: Final = 24
ADVICE_DAYS: Final = 7


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """A position between two of its changes."""

    start: int  # ms
    held: Range | None  # None: nobody's
    index: int  # when it began
    lost: int  # against holding, before it; micro-USD
    fees: int  # collected before it


def legs_of(rows: Sequence[Pooled]) -> list[Leg]:
    """A position's life from what was told of it, oldest first, one leg after each command."""
    legs: list[Leg] = []
    for _, group in groupby(rows, key=attrgetter("sequence")):
        told = list(group)
        last, before = told[-1], legs[-1] if legs else None
        state = Range(liquidity=last.liquidity, low=last.low, high=last.high, scale=last.scale)
        after = None if last.kind == "left" else state
        lost, fees = (0, 0) if before is None else (before.lost, before.fees)
        if before is not None and before.held is not None:
            paid = sum(one.usd + one.lots * one.index for one in told)
            if any(one.kind == "paid" for one in told):
                fees += paid - worth(before.held, last.index) + (0 if after is None else worth(after, last.index))
            if after == before.held:
                legs.append(msgspec.structs.replace(before, start=last.time, fees=fees))
                continue
            lost += lost_of(before.held, before.index, last.index)
        legs.append(Leg(start=last.time, held=after, index=last.index, lost=lost, fees=fees))
    return legs


def lost_of(held: Range, start: int, price: int) -> int:
    """What a range has lost at a price against its tokens at `start`, micro-USD; at least 0 but for roundings."""
    base = int(range_delta(held.liquidity, held.low, held.high, held.scale, start))
    began = worth(held, start)
    return began - base + (floor_div(base * price, start) if start else 0) - worth(held, price)


def interval_for(span: int) -> str:
    """The shortest interval that cuts a span of ms into no more points than are drawn."""
    return next((name for name, length in LENGTHS.items() if length * POINTS_MOST >= span), "1d")


async def range_past_view(service: Service, account: int, asset: int, token: int) -> RangePastView:
    """The view. ApiError for a position that the account never had."""
    columns = service.columns
    legs = legs_of(await service.history.pooled(account, asset, token))
    if not legs:
        raise ApiError("unknown_name")
    listing = service.universe.listings[columns["asset_market"].item(asset)]
    name = interval_for(service.now - legs[0].start)
    first = start_of(name, legs[0].start)
    candles = await service.history.candles(listing.number, name, first, None, POINTS_MOST + 1)
    held, index = position(columns, asset, token), int(columns["market_oracle"].item(listing.number))
    closes = [(one.end, one.close) for one in candles if one.end < service.now]
    last = legs[-1]
    waiting = 0 if service.pools is None or held is None else service.pools.fees_of(asset, token)
    lost = last.lost + (lost_of(held, last.index, index) if held is not None else 0)
    low, high = (None, None) if held is None else _break_evens(held, last, waiting)
    sigma = await _volatility_day(service, listing)
    return RangePastView(
        address=address_text(service.people.persons[account].address),
        asset=asset,
        token=str(token),
        time=service.now,
        interval=name,
        fees_collected=usd_text(last.fees),
        fees_uncollected=usd_text(waiting),
        lost=usd_text(lost),
        net=usd_text(last.fees + waiting - lost),
        break_even_lower=None if low is None else listing.price_text(low),
        break_even_upper=None if high is None else listing.price_text(high),
        volatility_day=text_of(Fraction(sigma).limit_denominator(10**6), 4),
        advice=None if held is None else advice_of(listing, held, index, waiting, sigma),
        points=tuple(_points(legs, [*closes, (service.now, index)], listing)),
    )


def _points(legs: list[Leg], closes: list[tuple[int, int]], listing: Listing) -> list[RangePointView]:
    """A point for each time and price at which somebody held it."""
    found, at = [], 0
    for time, price in closes:
        while at + 1 < len(legs) and legs[at + 1].start <= time:
            at += 1
        leg = legs[at]
        if leg.held is None or leg.start > time:
            continue
        found.append(
            RangePointView(
                time=time,
                price=listing.price_text(price),
                value=usd_text(worth(leg.held, price)),
                lost=usd_text(leg.lost + lost_of(leg.held, leg.index, price)),
                fees=usd_text(leg.fees),
            )
        )
    return found


def _break_evens(held: Range, leg: Leg, waiting: int) -> tuple[int | None, int | None]:
    """Prices between which fees, collected or not, make up for what was lost against holding; None: in no reach."""

    def gain(price: Fraction) -> Fraction:
        return Fraction(leg.fees + waiting - leg.lost - lost_of(held, leg.index, int(price)))

    low, high = break_evens(gain, Fraction(max(leg.index, 1)))
    return None if low is None else int(low), None if high is None else int(high)


def advice_of(listing: Listing, held: Range, index: int, fees: int, sigma_day: float) -> RangeAdviceView | None:
    """The range that the price stays in with 80 % for a week, what the position would be there, and its hedge."""
    factor = exp(float(STAY) * sigma_day * sqrt(ADVICE_DAYS))
    low, high = (int(float(f"{price:.4g}")) for price in (index / factor, index * factor))
    try:
        made, base, usd = moved(held, index, fees, low, high)
    except BadInput:
        return None
    delta = int(range_delta(made.liquidity, made.low, made.high, made.scale, index))
    return RangeAdviceView(
        lower=listing.price_text(low),
        upper=listing.price_text(high),
        stay=STAY_SHARE,
        days=ADVICE_DAYS,
        value=usd_text(int(range_value(made.liquidity, made.low, made.high, made.scale, index))),
        left_over=usd_text(base + usd),
        hedge=listing.size_text(-floor_div(delta, index)) if index else "0",
    )


async def _volatility_day(service: Service, listing: Listing) -> float:
    """Of a day, from hourly candles (risk/moves.py)."""
    rows = await service.history.candles(listing.number, "1h", 0, None, HOURS)
    grid = np.array([(one.open, one.high, one.low, one.close) for one in rows], np.float64).reshape(-1, 4)
    grid[grid <= 0] = np.nan
    bars = Bars(names=(listing.coin,), open=grid[:, :1], high=grid[:, 1:2], low=grid[:, 2:3], close=grid[:, 3:])
    prior = prior_sigma(int(service.columns["base_leverage"].item(listing.number, 0)))
    return float(volatility(bars, np.array([prior]))[-1, 0]) * sqrt(DAY_HOURS)
