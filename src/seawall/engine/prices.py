"""Prices (kernels): what the sources say becomes the index, index and book become the mark (SPEC section 6).

The same integers as pricing/index.py and pricing/mark.py, whose words say why. Sources of a market are independent
origins, at most SOURCES of them. One whose weight has PERP added is another venue's perp: it takes no part in the
index and is the third voice of the mark.
"""

from typing import Any, Final

from seawall.book.grid import ASKS, BIDS, price_of
from seawall.book.levels import best_level
from seawall.engine.stable import move_stable
from seawall.engine.stops import fire_stops
from seawall.kernel import kernel
from seawall.ledger.events import emit
from seawall.ledger.holdings import revalue_market
from seawall.ledger.markets import is_fresh
from seawall.ledger.portfolio import note_ranges
from seawall.ledger.state import MARKETS, NOW, PORTFOLIOS
from seawall.margin.trigger_kernels import collect_market
from seawall.terms import code, command, event, parameter
from seawall.terms.command import PERP
from seawall.terms.limits import PRICE_MAX, SOURCES
from seawall.units import RATE_ONE
from seawall.wide import compare_products, mul_ceil_div, mul_floor_div, rate_down

AHEAD_MAX_MS: Final = 1_000  # a stamp further in the future would never grow old
STEP_MS: Final = 1_000  # ORACLE_STEP is for this long
ELAPSED_MAX_MS: Final = 2**38  # since the last index, as far as the step limit grows: nine years
BASIS_TAU_MS: Final = 150_000
BOOK_TAU_MS: Final = 30_000
EMA_ONE: Final = 10**6  # averages are in 1e-12 USD per lot


@kernel
def oracle(s: Any, c: Any) -> int:
    """What source `other` published at `time`: kept, then the market's index and mark move on.

    A price of 0 or less or above the market's greatest says nothing: the source does not count until its next one.
    """
    market, source = c.market, c.other
    if not 0 <= source < SOURCES:
        return code.BAD_FIELD
    if s.market_status[market] == command.UNLISTED:
        return code.UNKNOWN_MARKET
    if s.source_weight[market, source] == 0:
        return code.UNKNOWN_SOURCE
    if c.time < s.source_time[market, source] or c.time - s.cell[NOW] > AHEAD_MAX_MS:
        return code.BAD_TIME
    if s.market_status[market] == command.DELISTING:
        return code.MARKET_CLOSED
    s.source_time[market, source] = c.time
    s.source_price[market, source] = c.price if 1 <= c.price <= s.market_price_max[market] else 0
    move_prices(s, market)
    return code.OK


@kernel
def move_prices(s: Any, market: int) -> None:
    """A new index and mark from what the sources and the book say now; without a quorum the market is stale."""
    index = index_of(s, market)
    if index == 0:
        _go_stale(s, market)
    else:
        s.market_oracle_time[market] = s.cell[NOW]
        if index != s.market_oracle[market] or s.market_fresh[market] == 0:
            s.market_oracle[market] = index
            s.market_fresh[market] = 1
            emit(s, event.INDEX, market, -1, -1, 0, index, 0, 1)
            revalue_market(s, market)
        move_stable(s, market)
    mark = _mark_of(s, market, index)
    if mark != 0:
        set_mark(s, market, mark)


@kernel
def set_mark(s: Any, market: int, price: int) -> None:
    """Writes the mark, queues the buckets whose triggers it fires and fires the stops that it reaches."""
    if price != s.market_price[market]:
        s.market_price[market] = price
        emit(s, event.MARK, market, -1, -1, 0, price, 0, 0)
        collect_market(s, market)
        if s.cell[PORTFOLIOS] != 0:
            note_ranges(s, market)
    fire_stops(s, market)


@kernel
def expire_prices(s: Any) -> None:
    """Time has passed: a market whose index is too old, or whose sources no longer make a quorum, is stale."""
    for market in range(s.cell[MARKETS]):
        if s.market_fresh[market] != 0:
            living = _count(_live(s, market, False))
            if living < s.param[market, parameter.ORACLE_QUORUM] or not is_fresh(s, market):
                _go_stale(s, market)


@kernel
def _go_stale(s: Any, market: int) -> None:
    if s.market_fresh[market] != 0:
        s.market_fresh[market] = 0
        emit(s, event.INDEX, market, -1, -1, 0, s.market_oracle[market], 0, 0)


@kernel
def index_of(s: Any, market: int) -> int:
    """The weighted median of the sources that count now; 0 when they are fewer than the quorum."""
    chosen = _live(s, market, False)
    last = s.market_oracle[market]
    if last != 0:
        chosen = _near(s, market, chosen, last, _step_reach(s, market, last))
    if chosen == 0:
        return 0
    middle = median_of(s, market, chosen)
    chosen = _near(s, market, chosen, middle, rate_down(middle, s.param[market, parameter.ORACLE_DEVIATION]))
    if _count(chosen) < s.param[market, parameter.ORACLE_QUORUM]:
        return 0
    return int(median_of(s, market, chosen))


@kernel
def _step_reach(s: Any, market: int, last: int) -> int:
    """How far from the last fresh index a source may be: it grows with the time since, in proportion."""
    elapsed = min(max(s.cell[NOW] - s.market_oracle_time[market], STEP_MS), ELAPSED_MAX_MS)
    growth = s.param[market, parameter.ORACLE_STEP] * elapsed
    if compare_products(last, growth, PRICE_MAX, RATE_ONE * STEP_MS) >= 0:
        return PRICE_MAX
    return int(mul_floor_div(last, growth, RATE_ONE * STEP_MS))


@kernel
def _live(s: Any, market: int, is_perp: bool) -> int:
    """A bit for each source of that sort whose price says something and is not too old."""
    chosen, oldest = 0, s.cell[NOW] - s.param[market, parameter.ORACLE_AGE_MS]
    for source in range(SOURCES):
        weight = s.source_weight[market, source]
        speaks = s.source_price[market, source] != 0 and s.source_time[market, source] >= oldest
        if weight != 0 and speaks and (weight >= PERP) == is_perp:
            chosen |= 1 << source
    return chosen


@kernel
def _near(s: Any, market: int, chosen: int, centre: int, reach: int) -> int:
    """Those of the chosen sources within `reach` of `centre`."""
    near = 0
    for source in range(SOURCES):
        if (chosen >> source) & 1 and abs(s.source_price[market, source] - centre) <= reach:
            near |= 1 << source
    return near


@kernel
def _count(chosen: int) -> int:
    count = 0
    for source in range(SOURCES):
        count += (chosen >> source) & 1
    return count


@kernel
def median_of(s: Any, market: int, chosen: int) -> int:
    """Weighted median of the chosen sources, at least one: the least price at which more than half the weight is
    reached; where it is exactly half, the floor of the mean with the next price.
    """
    total = _weight_up_to(s, market, chosen, PRICE_MAX)
    price = 0
    for _ in range(SOURCES):
        price = _next_price(s, market, chosen, price)
        reached = 2 * _weight_up_to(s, market, chosen, price)
        if reached == total:
            return int((price + _next_price(s, market, chosen, price)) // 2)
        if reached > total:
            return int(price)
    return int(price)


@kernel
def _next_price(s: Any, market: int, chosen: int, price: int) -> int:
    """The least price above `price` among the chosen sources."""
    least = PRICE_MAX
    for source in range(SOURCES):
        said = s.source_price[market, source]
        if (chosen >> source) & 1 and price < said < least:
            least = said
    return int(least)


@kernel
def _weight_up_to(s: Any, market: int, chosen: int, price: int) -> int:
    """Weight of the chosen sources at or below a price."""
    total = 0
    for source in range(SOURCES):
        if (chosen >> source) & 1 and s.source_price[market, source] <= price:
            weight = s.source_weight[market, source]
            total += weight - PERP if weight >= PERP else weight
    return int(total)


@kernel
def best_price(s: Any, market: int, side: int) -> int:
    """The best price of BIDS or ASKS; 0 when the side is empty."""
    level = best_level(s, 4 * market + side)
    return int(price_of(s, market, s.level_ordinal[level])) if level != 0 else 0


@kernel
def middle_of_three(a: int, b: int, c: int) -> int:
    """The median of three."""
    return max(min(a, b), min(max(a, b), c))


@kernel
def ema(value: int, sample: int, elapsed: int, tau: int) -> int:
    """One step of a moving average, rounded down: `value + floor((sample - value) * elapsed / (tau + elapsed))`."""
    return int(value + mul_floor_div(sample - value, elapsed, tau + elapsed))


@kernel
def _mark_of(s: Any, market: int, index: int) -> int:
    """Moves the averages on to now and returns the mark; 0 when the index is stale (0).

    A quote counts for the time since the update before it only, so one quote after an outage does not take over.
    """
    now, before = s.cell[NOW], s.market_mark_time[market]
    elapsed = now - before if before != 0 else 0
    s.market_mark_time[market] = now
    bid, ask, last = best_price(s, market, BIDS), best_price(s, market, ASKS), s.market_last[market]
    middle = 0
    if bid != 0 and ask != 0:
        middle = middle_of_three(bid, ask, last) if last != 0 else (bid + ask) // 2
        book_ema = s.market_book_ema[market]
        sample = middle * EMA_ONE
        s.market_book_ema[market] = ema(book_ema, sample, elapsed, BOOK_TAU_MS) if book_ema != 0 else sample
    if index == 0:
        return 0
    if middle != 0:
        sample = (bid + ask - 2 * index) * (EMA_ONE >> 1)
        s.market_basis_ema[market] = ema(s.market_basis_ema[market], sample, elapsed, BASIS_TAU_MS)
    rule = s.param[len(s.market_price), parameter.MARK_RULE]
    if rule == parameter.MARK_INDEX:
        return int(index)
    if rule == parameter.MARK_LAST:
        return clamp_to_band(s, market, last if last != 0 else index, index)
    return clamp_to_band(s, market, _median_mark(s, market, index, middle), index)


@kernel
def _median_mark(s: Any, market: int, index: int, middle: int) -> int:
    """The median of index plus average basis, book median and perps; of two only, with the average of the book."""
    first = index + s.market_basis_ema[market] // EMA_ONE
    perps = _live(s, market, True)
    outside = median_of(s, market, perps) if perps != 0 else 0
    if middle != 0 and outside != 0:
        return middle_of_three(first, middle, outside)
    second = middle + outside  # one of them is 0
    if second == 0:
        return int(first)
    book_ema = s.market_book_ema[market]
    return middle_of_three(first, second, book_ema // EMA_ONE) if book_ema != 0 else int((first + second) // 2)


@kernel
def clamp_to_band(s: Any, market: int, price: int, index: int) -> int:
    """The nearest price within MARK_BAND of the index, both ends rounded inwards, in 1..the market's greatest."""
    band = s.param[market, parameter.MARK_BAND]
    lowest = max(1, mul_ceil_div(index, RATE_ONE - band, RATE_ONE))
    highest = min(mul_floor_div(index, RATE_ONE + band, RATE_ONE), s.market_price_max[market])
    return int(min(max(price, lowest), highest))
