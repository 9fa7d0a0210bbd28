"""Trailing stops (kernels): the trigger of a sell is the greatest mark since it was armed less its distance, that of a
buy the least mark plus its distance.

Each market keeps a table of them, at most TRAILING_PER_MARKET rows side by side, and an interval of marks in which
none of them moves and none is reached: a mark inside it costs one comparison, one outside a pass over the rows. The
trigger is exact at every mark, on no grid.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.terms.command import SELL, TRAILING
from seawall.terms.limits import TRAILING_PER_MARKET

BELOW_ALL: Final = -1
ABOVE_ALL: Final = 2**62
FROZEN: Final = -(2**50)  # the distance of a stop that was reached and stays so: its trigger is beyond every mark


@kernel
def has_trail_room(s: Any, market: int) -> bool:
    """Whether `follow` would succeed."""
    return bool(s.trail_count[market] < TRAILING_PER_MARKET)


@kernel
def is_following(s: Any, order: int) -> bool:
    """Whether a trailing stop is in its market's table; `order_after` is then its row + 1. It is in no level."""
    return bool(s.order_flags[order] & TRAILING and s.order_level[order] == 0 and s.order_after[order] != 0)


@kernel
def follow(s: Any, order: int) -> None:
    """A trailing stop starts at the present mark, at the distance `order_extra`."""
    market = s.order_market[order]
    row = s.trail_count[market]
    if row == 0:
        s.trail_low[market], s.trail_high[market] = BELOW_ALL, ABOVE_ALL
    s.trail_order[market, row] = order
    s.trail_distance[market, row] = s.order_extra[order]
    s.trail_extreme[market, row] = s.market_price[market]
    s.order_after[order] = row + 1
    s.trail_count[market] = row + 1
    _narrow(s, market, row)


@kernel
def unfollow(s: Any, order: int) -> None:
    """Takes a trailing stop out of the table; the last row moves into its place."""
    market, row = s.order_market[order], s.order_after[order] - 1
    last = s.trail_count[market] - 1
    moved = s.trail_order[market, last]
    s.trail_order[market, row] = moved
    s.trail_distance[market, row] = s.trail_distance[market, last]
    s.trail_extreme[market, row] = s.trail_extreme[market, last]
    s.order_after[moved] = row + 1
    s.order_after[order] = 0
    s.trail_count[market] = last


@kernel
def advance(s: Any, market: int) -> int:
    """The mark has moved: extremes follow it. Returns how many stops are reached."""
    mark = s.market_price[market]
    if s.trail_count[market] == 0 or s.trail_low[market] < mark <= s.trail_high[market]:
        return 0
    s.trail_low[market], s.trail_high[market] = BELOW_ALL, ABOVE_ALL
    found = 0
    for row in range(s.trail_count[market]):  # at most TRAILING_PER_MARKET
        extreme = s.trail_extreme[market, row]
        if s.order_flags[s.trail_order[market, row]] & SELL:
            s.trail_extreme[market, row] = max(extreme, mark)
        else:
            s.trail_extreme[market, row] = min(extreme, mark)
        found += 1 if is_reached(s, market, row) else 0
        _narrow(s, market, row)
    return found


@kernel
def freeze(s: Any, market: int, row: int) -> None:
    """What the mark has reached stays reached until it can be queued."""
    s.trail_distance[market, row] = FROZEN
    _narrow(s, market, row)


@kernel
def is_reached(s: Any, market: int, row: int) -> bool:
    """Whether the mark is at or beyond the trigger of a row."""
    if s.order_flags[s.trail_order[market, row]] & SELL:
        return bool(s.market_price[market] <= trigger_of(s, market, row))
    return bool(s.market_price[market] >= trigger_of(s, market, row))


@kernel
def trigger_of(s: Any, market: int, row: int) -> int:
    """Where a row fires now; not positive when the mark can not fall that far."""
    distance = s.trail_distance[market, row]
    if s.order_flags[s.trail_order[market, row]] & SELL:
        return int(s.trail_extreme[market, row] - distance)
    return int(s.trail_extreme[market, row] + distance)


@kernel
def _narrow(s: Any, market: int, row: int) -> None:
    """Takes out of the quiet interval the marks at which this row moves or fires."""
    extreme, trigger = s.trail_extreme[market, row], trigger_of(s, market, row)
    if s.order_flags[s.trail_order[market, row]] & SELL:
        low, high = trigger, extreme
    else:
        low, high = extreme - 1, trigger - 1
    s.trail_low[market] = max(s.trail_low[market], low)
    s.trail_high[market] = min(s.trail_high[market], high)
