"""Stage 2 of a liquidation: how much of a position goes to the book and the pool, and at what worst price (kernels).

The least that ends the liquidation is found from below: what closing x lots gains is concave in x (maintenance is
convex in notional, slippage in x), so the slope behind x bounds the slope ahead, and stepping by it never overshoots.
"""

from typing import Any, Final

from seawall.book.matching import FORCED, quote, take
from seawall.kernel import kernel
from seawall.ledger.buckets import add_cash
from seawall.ledger.events import emit, emit_health
from seawall.ledger.health import end_of
from seawall.ledger.state import NOW
from seawall.liquidation.closing import Close, bankruptcy_price, fee_of, gap, maintenance_after, slippage
from seawall.margin.trigger_kernels import PORTFOLIO
from seawall.terms import command, event, parameter
from seawall.units import RATE_ONE
from seawall.wide import compare_products, mul_ceil_div, mul_floor_div, rate_down, rate_up

RAISES: Final = 64  # steps of the search for the least amount; then what it has reached is closed, which is less
PARTS: Final = 16  # of a position that are tried in portfolio margin
UNFILLED: Final = -(2**62)  # below any gap
JITTER: Final = 4  # roundings of one gap: maintenance, liquidation end (twice at most) and fee
FLAGS: Final = command.IOC | FORCED

# why a bucket waits, the amount of LIQUIDATION_WAITS; 0: it does not
FILLED: Final = 0
THROTTLE: Final = 1  # the market's capacity of this window is used up
GATE: Final = 2  # the book is too far from the index
COOLDOWN: Final = 3  # the last step on this bucket is too recent
STALE: Final = 4  # no position of it has a fresh price
HALTED: Final = 5  # no market of it matches
UNSOLD: Final = 7  # nobody has bought its collateral yet
NO_LIQUIDITY: Final = 6  # nobody takes at the bankruptcy price, and the bucket is above maintenance again


@kernel
def close_on_book(s: Any, bucket: int, c: Close) -> int:
    """Sends the position, or the part of it the venue's mode asks for, to the book; FILLED, or why nothing was."""
    lots, why = wanted_lots(s, bucket, c)
    if lots == 0:
        return int(why)
    room = capacity_lots(s, c.market, c.mark)
    if room == 0:
        return THROTTLE if s.param[c.market, parameter.LIQUIDATION_CAPACITY] > 0 else NO_LIQUIDITY
    lots = min(lots, room)
    limit = worst_price(s, c, lots)
    filled, value = take(s, bucket, c.market, c.side, lots, limit, FLAGS, 0, 0)
    if filled == 0:
        beyond, _ = quote(s, bucket, c.market, c.side, lots, bankruptcy_price(s, c, lots), FLAGS)
        return GATE if beyond > 0 else NO_LIQUIDITY
    _account_for(s, bucket, c, lots, filled, value)
    return FILLED


@kernel
def _account_for(s: Any, bucket: int, c: Close, lots: int, filled: int, value: int) -> None:
    """Charges the fee of a forced fill to the bucket for the insurance fund, uses up capacity, and tells."""
    fee = fee_of(s, c, filled, value)
    if fee > 0:
        add_cash(s, bucket, -fee)
        s.market_insurance[c.market] += fee
    use_capacity(s, c.market, filled * c.mark)
    s.bucket_time[bucket] = s.cell[NOW]
    left = c.equity - slippage(c, filled, value) - fee - end_of(s, maintenance_after(s, c, filled))
    s.bucket_freed[bucket] += max(0, left - (c.equity - end_of(s, c.maintenance)))
    price = -((-value) // filled) if c.side > 0 else value // filled
    b = bankruptcy_price(s, c, lots)
    row = emit(s, event.LIQUIDATION_FILL, c.market, bucket, lots, b, price, c.side * filled, fee)
    emit_health(s, row, c.equity, c.maintenance)
    if fee > 0:
        emit(s, event.INSURANCE, c.market, bucket, event.LIQUIDATION_FILL, 0, 0, 0, fee)


@kernel
def wanted_lots(s: Any, bucket: int, c: Close) -> tuple[int, int]:
    """(lots to close now, FILLED), or (0, COOLDOWN), as PARTIAL_MODE says. Dust goes whole.

    In portfolio margin (0, NO_LIQUIDITY) when no amount of the position brings the bucket nearer to its end.
    """
    venue = len(s.market_price)
    mode, is_cool = s.param[venue, parameter.PARTIAL_MODE], is_cooling(s, bucket)
    if s.bucket_mode[bucket] == PORTFOLIO:
        lots = 0 if is_cool else improving_lots(s, bucket, c)
        return lots, FILLED if lots > 0 else COOLDOWN if is_cool else NO_LIQUIDITY
    if mode == parameter.SHARE_ABOVE:
        return share_above(s, c, is_cool), FILLED
    if mode == parameter.THROTTLED:
        lots = throttled_lots(s, bucket, c, least_lots(s, bucket, c))
        return without_dust(s, c, lots), FILLED if lots > 0 else COOLDOWN
    if is_cool:
        return 0, COOLDOWN
    if mode == parameter.WHOLE:
        return c.held, FILLED
    lots = least_lots(s, bucket, c) if mode == parameter.MINIMAL else share_step(s, c)
    return without_dust(s, c, lots), FILLED


@kernel
def without_dust(s: Any, c: Close, lots: int) -> int:
    """`lots`, or the whole position when it or what would be left of it is dust. None stay none."""
    dust = s.param[c.market, parameter.DUST_NOTIONAL]
    return c.held if (lots > 0 and (c.held - lots) * c.mark <= dust) or c.held * c.mark <= dust else lots


@kernel
def is_cooling(s: Any, bucket: int) -> bool:
    """Whether a forced fill of the bucket lies within PARTIAL_COOLDOWN_MS."""
    cooldown = s.param[len(s.market_price), parameter.PARTIAL_COOLDOWN_MS]
    return bool(s.bucket_time[bucket] != 0 and s.cell[NOW] - s.bucket_time[bucket] < cooldown)


@kernel
def share_above(s: Any, c: Close, is_cool: bool) -> int:
    """Hyperliquid: a share of a position above the floor, rounded up; whole within the cooldown after such a step."""
    venue = len(s.market_price)
    if is_cool or c.held * c.mark <= s.param[venue, parameter.PARTIAL_FLOOR]:
        return c.held
    return int(min(c.held, max(1, rate_up(c.held, s.param[venue, parameter.PARTIAL_SHARE]))))


@kernel
def share_step(s: Any, c: Close) -> int:
    """dYdX: at most the greater of floor and a share of the position's notional, and the ceiling; at least a lot."""
    venue = len(s.market_price)
    share = rate_down(c.held * c.mark, s.param[venue, parameter.PARTIAL_SHARE])
    most = min(max(s.param[venue, parameter.PARTIAL_FLOOR], share), s.param[venue, parameter.PARTIAL_CEILING])
    return int(min(c.held, max(1, most // c.mark)))


@kernel
def throttled_lots(s: Any, bucket: int, c: Close, lots: int) -> int:
    """Drift: of all shortage to remove a share at once, the rest evenly over the cooldown; below the floor all at once.

    `lots` would remove all that is left.
    """
    venue = len(s.market_price)
    short = end_of(s, c.maintenance) - c.equity
    if short <= s.param[venue, parameter.PARTIAL_FLOOR]:
        return lots
    duration = max(1, s.param[venue, parameter.PARTIAL_COOLDOWN_MS])
    elapsed = min(duration, s.cell[NOW] - s.bucket_start[bucket])
    share = min(RATE_ONE, s.param[venue, parameter.PARTIAL_SHARE] + RATE_ONE * elapsed // duration)
    freed = s.bucket_freed[bucket]
    allowed = mul_floor_div(short + freed, share, RATE_ONE) - freed
    return int(mul_floor_div(lots, allowed, short)) if allowed > 0 else 0


@kernel
def least_lots(s: Any, bucket: int, c: Close) -> int:
    """The least lots whose closing ends the liquidation at the prices the book and the pool give; all when none do.

    When liquidity ends first, an amount beyond it: an Ioc then fills what there is, and less than the least.
    """
    amm = 1 if s.param[c.market, parameter.AMM_DEPTH] > 0 else 0  # its price a lot is rounded: one unit a lot
    tried, short, lots = 0, c.equity - end_of(s, c.maintenance), 1
    gain, span = 0, 0  # the flattest slope seen: no later lot gains more than gain / span
    for _ in range(RAISES):
        filled, value = quote(s, bucket, c.market, c.side, lots, worst_price(s, c, lots), FLAGS)
        if filled < lots:
            return lots
        now = gap(s, c, lots, value)
        if now >= 0:
            return lots
        slack = JITTER + amm * lots
        rise, run, need = now - short + slack, lots - tried, max(1, -now - slack)
        if rise <= 0:
            return c.held
        if span == 0 or compare_products(rise, span, gain, run) < 0:
            gain, span = rise, run
        if compare_products(need, span, gain, c.held - lots) > 0:
            return c.held
        tried, short, lots = lots, now, lots + mul_ceil_div(need, span, gain)
    return tried


@kernel
def improving_lots(s: Any, bucket: int, c: Close) -> int:
    """In portfolio margin: the least lots found that end the liquidation, else those that bring it nearest; 0: none do.

    What closing gains is not concave there (a hedge may go), so PARTS even parts are tried, and between the first that
    is enough and the part before it the least. Only what fills whole counts.
    """
    best, most, before = 0, gap(s, c, 0, 0), 0
    for part in range(1, PARTS + 1):
        lots = -((-c.held * part) // PARTS)
        now = filled_gap(s, bucket, c, lots)
        if now >= 0:
            while lots - before > 1:  # at most 53 halvings
                middle = (lots + before) >> 1
                if filled_gap(s, bucket, c, middle) >= 0:
                    lots = middle
                else:
                    before = middle
            return int(lots)
        if now > most:
            best, most = lots, now
        before = lots
    return int(best)


@kernel
def filled_gap(s: Any, bucket: int, c: Close, lots: int) -> int:
    """`gap` once `lots` are closed at the prices the book and the pool give; UNFILLED where they do not fill whole."""
    filled, value = quote(s, bucket, c.market, c.side, lots, worst_price(s, c, lots), FLAGS)
    return gap(s, c, lots, value) if filled == lots else UNFILLED


@kernel
def worst_price(s: Any, c: Close, lots: int) -> int:
    """The limit of a forced order: the bankruptcy price or the gate around the index, whichever is nearer the market.

    In debt, the bankruptcy price of one lot binds too: with tiers it is the worse for a part of the fill.
    """
    limit = bankruptcy_price(s, c, lots)
    if c.equity < 0:
        one = bankruptcy_price(s, c, 1)
        limit = max(limit, one) if c.side < 0 else min(limit, one)
    gate, index = s.param[c.market, parameter.GATE], s.market_oracle[c.market]
    if gate >= RATE_ONE:
        return limit
    reach = rate_down(index, gate)
    return int(max(limit, index - reach) if c.side < 0 else min(limit, index + reach))


@kernel
def capacity_lots(s: Any, market: int, mark: int) -> int:
    """Lots that forced orders may still take in the capacity window of now; at least one in a fresh window."""
    most, used = s.param[market, parameter.LIQUIDATION_CAPACITY], s.market_capacity_used[market]
    if is_window_over(s, market):
        used = 0
    lots = max(0, most - used) // mark
    return int(1 if lots == 0 and used == 0 and most > 0 else lots)


@kernel
def is_window_over(s: Any, market: int) -> bool:
    """Whether the last capacity window of the market has ended."""
    age = s.cell[NOW] - s.market_capacity_start[market]
    return bool(age >= s.param[market, parameter.CAPACITY_WINDOW_MS])


@kernel
def use_capacity(s: Any, market: int, notional: int) -> None:
    """Counts a forced fill; the first one after a window opens the next."""
    if is_window_over(s, market):
        s.market_capacity_start[market] = s.cell[NOW]
        s.market_capacity_used[market] = 0
    s.market_capacity_used[market] += notional
