"""LIQUIDATE: bounded liquidation work in order of risk (kernels). Read `work` first: one unit on one bucket.

A unit tops the bucket up as its owner has asked, or cancels some of its orders, or closes some of it by one stage of
the waterfall, or ends its liquidation; one that looks at all positions counts as SCAN_UNITS. Losses that wait to be
shared out come before any bucket.
"""

from typing import Any, Final

from seawall.book.matching import cancel_order
from seawall.kernel import kernel
from seawall.ledger.buckets import close_empty_slot
from seawall.ledger.events import emit, emit_health
from seawall.ledger.health import end_of, equity_and_maintenance, maintenance_of
from seawall.ledger.isolated import release_isolated, top_up
from seawall.ledger.leaving import settle_told
from seawall.ledger.state import EVENTS_USED, NOW, VENUE_STATUS
from seawall.liquidation.closing import is_below_share
from seawall.liquidation.partial import COOLDOWN, FILLED, NO_LIQUIDITY, THROTTLE, UNSOLD, capacity_lots, is_cooling
from seawall.liquidation.queue import (
    WAITING,
    close_gate,
    enqueue_or_leave,
    evaluate,
    leave,
    next_bucket,
    put,
    refresh,
    remove,
)
from seawall.liquidation.selling import ask_for_unwinding, can_sell, debt_of, next_sale, sell_some
from seawall.liquidation.socialise import cover_deficit, is_flat, is_sharing, share_out
from seawall.liquidation.waterfall import SCANNED, TOP, close_some, next_position, why_stuck
from seawall.margin.trigger_kernels import PORTFOLIO, place
from seawall.terms import code, command, event, parameter
from seawall.terms.limits import EVALUATIONS_PER_COMMAND, EVENTS_PER_COMMAND, WORK_PER_COMMAND

UNIT_EVENTS: Final = 4_700  # no unit emits more: 4 for each counterparty of ADL, 3 more for 64, 2 for each position
SCAN_UNITS: Final = 16
CANCELS: Final = 64  # orders cancelled in one unit


@kernel
def liquidate(s: Any, c: Any) -> int:
    """The command: at most `c.size` units of work, 1..WORK_PER_COMMAND (BAD_SIZE). VENUE_HALTED while all is halted."""
    if c.size < 1 or c.size > WORK_PER_COMMAND:
        return code.BAD_SIZE
    if s.cell[VENUE_STATUS] >= command.HALTED:
        return code.VENUE_HALTED
    first = s.cell[EVENTS_USED]
    prepare(s, c.size)
    left = c.size
    while left > 0 and has_room(s, first):  # at most WORK_PER_COMMAND
        used = unit(s)
        if used == 0:
            return code.OK
        left -= used
    return code.OK


@kernel
def prepare(s: Any, units: int) -> None:
    """Before the units of a command: who is newly unhealthy, who can act again, who has got worse while queued."""
    evaluate(s, EVALUATIONS_PER_COMMAND)
    release_waiting(s, max(1, units >> 1))
    refresh(s, EVALUATIONS_PER_COMMAND)


@kernel
def has_room(s: Any, first: int) -> bool:
    """Whether another unit's events fit into a command whose first event has the row `first`."""
    return bool(s.cell[EVENTS_USED] - first + UNIT_EVENTS <= EVENTS_PER_COMMAND)


@kernel
def unit(s: Any) -> int:
    """The next unit of work, wherever it is; returns what it counts, 0 when there is nothing to do."""
    if is_sharing(s):
        share_out(s)
        return SCAN_UNITS
    bucket = next_bucket(s)
    return 0 if bucket < 0 else work(s, bucket)


@kernel
def work(s: Any, bucket: int) -> int:
    """One unit on a queued bucket; returns what it counts."""
    settle_told(s, bucket)
    equity, maintenance = equity_and_maintenance(s, bucket)
    if equity < 0:
        close_gate(s)
    if is_over(s, bucket, equity, maintenance):
        end(s, bucket)
        return 1
    why = why_stuck(s, bucket)
    if why != FILLED:
        wait(s, bucket, why)
        return 1
    if top_up(s, bucket) > 0:
        end(s, bucket)
        return 1
    if s.bucket_liquidating[bucket] == 0:
        _start(s, bucket, equity, maintenance)
    if s.bucket_order[bucket] != 0:
        _cancel_some(s, bucket)
        return 1
    if s.bucket_holding[bucket] != 0 and ask_for_unwinding(s, bucket):
        return _go_on(s, bucket, 1)
    if s.bucket_mode[bucket] == PORTFOLIO:
        return _close(s, bucket)
    if s.bucket_holding[bucket] != 0 and debt_of(s, bucket) > 0:
        if sell_some(s, bucket):
            return _go_on(s, bucket, 1)
        if is_flat(s, bucket) and can_sell(s, bucket):
            wait(s, bucket, UNSOLD)
            return 1
    if is_flat(s, bucket):
        cover_deficit(s, bucket, s.bucket_market[bucket])
        finish(s, bucket)
        return 1
    return _close(s, bucket)


@kernel
def is_over(s: Any, bucket: int, equity: int, maintenance: int) -> bool:
    """Whether nothing is to be liquidated: at liquidation end once it has begun, at maintenance before."""
    return bool(equity >= (end_of(s, maintenance) if s.bucket_liquidating[bucket] != 0 else maintenance))


@kernel
def end(s: Any, bucket: int) -> None:
    """A bucket that is well again leaves the queue; if its liquidation had begun it is told that it is over."""
    if s.bucket_liquidating[bucket] != 0:
        finish(s, bucket)
    else:
        leave(s, bucket)


@kernel
def _start(s: Any, bucket: int, equity: int, maintenance: int) -> None:
    """The bucket is LIQUIDATING from now until its equity reaches liquidation end."""
    s.bucket_liquidating[bucket] = 1
    s.bucket_start[bucket] = s.cell[NOW]
    s.bucket_freed[bucket] = 0
    is_low = 1 if is_below_share(s, equity, maintenance) else 0
    end = end_of(s, maintenance)
    row = emit(s, event.LIQUIDATION, s.bucket_market[bucket], bucket, s.bucket_owner[bucket], 0, end, 0, is_low)
    emit_health(s, row, equity, maintenance)
    slot = s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        market, size = s.slot_market[slot], s.slot_size[slot]
        if size != 0:
            price, own = s.market_price[market], maintenance_of(s, market, size)
            emit(s, event.LIQUIDATION_POSITION, market, bucket, -1, s.slot_entry[slot], price, size, own)
        slot = s.slot_sibling[slot]


@kernel
def _cancel_some(s: Any, bucket: int) -> None:
    """Stage 1: cancels some of the bucket's orders, newest first."""
    count = 0
    while s.bucket_order[bucket] != 0 and count < CANCELS:
        cancel_order(s, s.bucket_order[bucket], code.BEING_LIQUIDATED, -1)
        count += 1
    emit(s, event.LIQUIDATION_CANCELS, -1, bucket, s.bucket_owner[bucket], 0, 0, count, 0)


@kernel
def _close(s: Any, bucket: int) -> int:
    """Closes something, frees what is empty, makes good a debt left without any position, and says what comes next."""
    why = close_some(s, bucket)
    if why > FILLED:
        wait(s, bucket, why)
        return SCAN_UNITS if why == NO_LIQUIDITY else 1  # nobody was found by looking at all
    s.bucket_waits[bucket] = 0
    slot = s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        after = s.slot_sibling[slot]
        if s.slot_size[slot] == 0:
            cover_deficit(s, bucket, s.slot_market[slot])
            close_empty_slot(s, slot)
        slot = after
    return _go_on(s, bucket, SCAN_UNITS if why == SCANNED else 1)


@kernel
def _go_on(s: Any, bucket: int, units: int) -> int:
    """After something was sold or closed: the liquidation is over, or the bucket takes its place again."""
    equity, maintenance = equity_and_maintenance(s, bucket)
    if is_over(s, bucket, equity, maintenance):
        end(s, bucket)
    else:
        enqueue_or_leave(s, bucket)
    return units


@kernel
def finish(s: Any, bucket: int) -> None:
    """The liquidation is over: the bucket is healthy or gone. An empty isolated one returns what it has."""
    equity, maintenance = equity_and_maintenance(s, bucket)
    is_gone = 1 if is_flat(s, bucket) else 0
    remove(s, bucket)
    s.bucket_liquidating[bucket] = 0
    s.bucket_start[bucket] = 0
    s.bucket_freed[bucket] = 0
    s.bucket_waits[bucket] = 0
    row = emit(s, event.LIQUIDATION_END, s.bucket_market[bucket], bucket, s.bucket_owner[bucket], 0, 0, 0, is_gone)
    emit_health(s, row, equity, maintenance)
    if release_isolated(s, bucket) == 0:
        place(s, bucket)


@kernel
def wait(s: Any, bucket: int, why: int) -> None:
    """The bucket can not act now: it goes to the list of those that wait, and says why when that is new."""
    put(s, bucket, WAITING)
    if s.bucket_waits[bucket] == why:
        return
    s.bucket_waits[bucket] = why
    equity, maintenance = equity_and_maintenance(s, bucket)
    row = emit(s, event.LIQUIDATION_WAITS, s.bucket_market[bucket], bucket, s.bucket_owner[bucket], 0, 0, 0, why)
    emit_health(s, row, equity, maintenance)


@kernel
def release_waiting(s: Any, most: int) -> None:
    """Looks at those that wait, longest first, and lets at most `most` that can act join their class again.

    One that still waits goes to the end, so that all get their turn.
    """
    released, turned = 0, 0
    for _ in range(EVALUATIONS_PER_COMMAND):
        first = s.queue_first[WAITING]
        if first in (0, turned) or released == most:
            return
        if still_waits(s, first - 1):
            turned = first if turned == 0 else turned
            remove(s, first - 1)
            put(s, first - 1, WAITING)
        else:
            released += 1
            enqueue_or_leave(s, first - 1)


@kernel
def still_waits(s: Any, bucket: int) -> bool:
    """Whether the reason for which a bucket waits holds as ever, so that a unit of work would be lost on it."""
    equity, maintenance = equity_and_maintenance(s, bucket)
    if is_over(s, bucket, equity, maintenance):
        return False
    if s.bucket_waits[bucket] == UNSOLD:
        return bool(is_flat(s, bucket) and can_sell(s, bucket) and next_sale(s, bucket)[0] == 0)
    stuck = why_stuck(s, bucket)
    if stuck != FILLED:
        return bool(stuck == s.bucket_waits[bucket])
    slot, _, _ = next_position(s, bucket, TOP, -1)
    if slot == 0 or is_below_share(s, equity, maintenance):
        return False
    why, market = s.bucket_waits[bucket], s.slot_market[slot]
    if why == COOLDOWN:
        mode = s.param[len(s.market_price), parameter.PARTIAL_MODE]
        return bool(mode != parameter.THROTTLED and is_cooling(s, bucket))
    return bool(why == THROTTLE and capacity_lots(s, market, s.market_price[market]) == 0)
