"""TWAP (kernels): an order cut into slices, one each TWAP_STEP_MS, the first with the next TICK.

With n slices, floor(size * (k + 1) / n) lots are due when slice k is. A slice takes what is due and not done, at most
TWAP_CATCH_UP times the even slice, as an IOC order no worse than the schedule's price, or within TWAP_SLIPPAGE of the
mark when it has none. What a slice cannot fill is due again with the next. The last slice ends the schedule, whatever
is done by then. Steps that a late TICK missed are one slice.

At most SLICES_PER_COMMAND run in a TICK; the next one goes on with the row that was left. cell[TWAP_NEXT] is never
later than the earliest slice, so that a TICK before it looks at none.
"""

from typing import Any, Final

from seawall.book.orders import ROW_BITS, ROW_MASK
from seawall.engine.placing import execute_for, open_to
from seawall.engine.stops import count_executed, is_price, may_execute, worst_price
from seawall.kernel import kernel
from seawall.ledger.buckets import find_slot
from seawall.ledger.events import emit
from seawall.ledger.isolated import bucket_for
from seawall.ledger.markets import is_fresh
from seawall.ledger.state import (
    EVENTS_USED,
    NOW,
    RESULT,
    TWAP_CURSOR,
    TWAP_FREE,
    TWAP_NEXT,
    TWAP_SERIAL,
    TWAPS_USED,
)
from seawall.terms import code, command, event
from seawall.terms.limits import SLICES_PER_COMMAND, TWAPS_PER_ACCOUNT
from seawall.terms.parameter import TWAP_CATCH_UP, TWAP_LEAST_MS, TWAP_MOST_MS, TWAP_SLIPPAGE, TWAP_STEP_MS
from seawall.units import RATE_ONE
from seawall.wide import mul_floor_div

NOBODY: Final = -1
ASKED: Final = 1
FLAGS: Final = command.SELL | command.REDUCE_ONLY | command.CANCEL_MAKER | command.CANCEL_BOTH


@kernel
def start_twap(s: Any, c: Any) -> int:
    """TWAP: `size` lots over `amount` ms, a whole number of steps; `price` is the worst, 0 leaves it to the mark."""
    why = _fault(s, c)
    if why != code.OK:
        return int(why)
    row = s.cell[TWAP_FREE]
    if row != 0:
        s.cell[TWAP_FREE] = s.twap_next[row]
    else:
        row = s.cell[TWAPS_USED]
        s.cell[TWAPS_USED] = row + 1
    s.cell[TWAP_SERIAL] += 1
    s.account_twaps[c.account] += 1
    s.twap_id[row] = (s.cell[TWAP_SERIAL] << ROW_BITS) | row
    s.twap_bucket[row], s.twap_market[row], s.twap_flags[row] = c.account, c.market, c.flags
    s.twap_size[row], s.twap_done[row], s.twap_price[row] = c.size, 0, c.price
    s.twap_start[row], s.twap_duration[row], s.twap_slice[row] = s.cell[NOW], c.amount, 0
    s.twap_next[row] = 0
    if s.cell[TWAP_NEXT] == 0 or s.cell[NOW] < s.cell[TWAP_NEXT]:
        s.cell[TWAP_NEXT] = s.cell[NOW]
    s.cell[RESULT] = s.twap_id[row]
    return code.OK


@kernel
def _fault(s: Any, c: Any) -> int:
    both = command.CANCEL_MAKER | command.CANCEL_BOTH
    if c.flags & ~FLAGS or c.flags & both == both:
        return code.BAD_FIELD
    if not TWAP_LEAST_MS <= c.amount <= TWAP_MOST_MS or c.amount % TWAP_STEP_MS != 0:
        return code.BAD_TIME
    if s.market_status[c.market] == command.UNLISTED:
        return code.UNKNOWN_MARKET
    if s.market_status[c.market] >= command.CLOSED:
        return code.MARKET_CLOSED
    if c.price != 0 and not is_price(s, c.market, c.price):
        return code.BAD_PRICE
    if not c.amount // TWAP_STEP_MS + 1 <= c.size <= s.market_listed_size[c.market]:
        return code.BAD_SIZE
    why = open_to(s, c.market, c.flags | command.IOC)
    if why == code.OK:
        why = _bucket_fault(s, c)
    if why != code.OK:
        return int(why)
    if s.account_twaps[c.account] >= TWAPS_PER_ACCOUNT:
        return code.SCHEDULES_FULL
    has_room = s.cell[TWAP_FREE] != 0 or s.cell[TWAPS_USED] < len(s.twap_id)
    return code.OK if has_room else code.SCHEDULES_FULL


@kernel
def _bucket_fault(s: Any, c: Any) -> int:
    bucket = bucket_for(s, c.account, c.market)
    if c.flags & command.REDUCE_ONLY:
        held = s.slot_size[find_slot(s, bucket, c.market)] if bucket >= 0 else 0
        return code.OK if (held if c.flags & command.SELL else -held) > 0 else code.REDUCE_ONLY
    return code.BEING_LIQUIDATED if bucket >= 0 and s.bucket_liquidating[bucket] != 0 else code.OK


@kernel
def cancel_twap(s: Any, c: Any) -> int:
    """CANCEL_TWAP: ends the schedule with id `reference`."""
    row = c.reference & ROW_MASK
    if c.reference <= 0 or row >= len(s.twap_id) or s.twap_id[row] != c.reference:
        return code.UNKNOWN_ORDER
    if s.twap_bucket[row] != c.account:
        return code.UNKNOWN_ORDER
    _end(s, row, code.OK, ASKED)
    return code.OK


@kernel
def run_twaps(s: Any) -> None:
    """Runs the slices that are due, beginning with the row where the last TICK had to stop."""
    now, earliest, last = s.cell[NOW], 0, s.cell[TWAPS_USED] - 1
    if s.cell[TWAP_NEXT] == 0 or s.cell[TWAP_NEXT] > now:
        return
    row, stopped = s.cell[TWAP_CURSOR], 0
    for _ in range(last):  # at most the table of schedules
        row = row + 1 if row < last else 1
        if s.twap_id[row] == 0:
            continue
        if due_at(s, row) <= now and stopped == 0:
            if may_execute(s, SLICES_PER_COMMAND):
                first = s.cell[EVENTS_USED]
                _run_slice(s, row)
                count_executed(s, first)
            else:
                stopped = row
        if s.twap_id[row] != 0 and (earliest == 0 or due_at(s, row) < earliest):
            earliest = due_at(s, row)
    s.cell[TWAP_CURSOR] = stopped - 1 if stopped != 0 else 0
    s.cell[TWAP_NEXT] = earliest


@kernel
def due_at(s: Any, row: int) -> int:
    """When the next slice of a schedule is due."""
    return int(s.twap_start[row] + s.twap_slice[row] * TWAP_STEP_MS)


@kernel
def _run_slice(s: Any, row: int) -> None:
    """The latest slice that is due, for it and all before it."""
    market, size = s.twap_market[row], s.twap_size[row]
    if s.market_status[market] == command.UNLISTED or s.market_status[market] >= command.CLOSED:
        _end(s, row, code.MARKET_CLOSED, NOBODY)
        return
    slices = s.twap_duration[row] // TWAP_STEP_MS + 1
    k = min((s.cell[NOW] - s.twap_start[row]) // TWAP_STEP_MS, slices - 1)
    even = (size + slices - 1) // slices
    lots = min(mul_floor_div(size, k + 1, slices) - s.twap_done[row], TWAP_CATCH_UP * even)
    s.twap_slice[row] = k + 1
    why = code.OK
    if lots > 0:
        why = _execute_slice(s, row, lots)
    if why == code.REDUCE_ONLY:
        _end(s, row, why, NOBODY)
    elif k == slices - 1:
        _end(s, row, code.OK, NOBODY)


@kernel
def _execute_slice(s: Any, row: int, lots: int) -> int:
    """Places a slice, tells, and returns the code of the placing."""
    market, flags, account = s.twap_market[row], s.twap_flags[row], s.twap_bucket[row]
    limit, first, why = limit_of(s, row), s.cell[EVENTS_USED], code.STALE_PRICE
    if is_fresh(s, market):
        why = execute_for(s, account, market, flags | command.IOC, limit, lots, 0, 0)
    filled = filled_since(s, first)
    s.twap_done[row] += filled
    emit(s, event.TWAP_SLICE, market, account, NOBODY, s.twap_id[row], limit, filled, why)
    return int(why)


@kernel
def limit_of(s: Any, row: int) -> int:
    """The worst price of a slice now: the schedule's own, within the market's band where it adds risk."""
    market, flags, price = s.twap_market[row], s.twap_flags[row], s.twap_price[row]
    if price == 0:
        return worst_price(s, market, flags, TWAP_SLIPPAGE)
    bound = worst_price(s, market, flags, RATE_ONE)
    return int(max(price, bound) if flags & command.SELL else min(price, bound))


@kernel
def filled_since(s: Any, first: int) -> int:
    """Lots of all fills told from event row `first` on: those of one taker."""
    lots = 0
    for row in range(first, s.cell[EVENTS_USED]):  # at most EXECUTION_EVENTS
        lots += abs(s.event[row, 8]) if s.event[row, 1] == event.FILL else 0
    return int(lots)


@kernel
def _end(s: Any, row: int, why: int, asked: int) -> None:
    market, account = s.twap_market[row], s.twap_bucket[row]
    emit(s, event.TWAP_ENDED, market, account, asked, s.twap_id[row], s.twap_price[row], s.twap_done[row], why)
    s.account_twaps[account] -= 1
    s.twap_id[row] = 0
    s.twap_next[row] = s.cell[TWAP_FREE]
    s.cell[TWAP_FREE] = row
