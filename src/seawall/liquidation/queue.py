"""The queue of buckets to liquidate (kernels): 64 classes by equity over maintenance, worst first, first in first out.

Class k holds buckets with floor(64 * equity / maintenance) = k; those in debt are in class 0, those that are above
maintenance again but not yet at liquidation end in the last. One more list holds buckets that can not act now; they
are looked at again in every LIQUIDATE, some at a time, so that they hold nobody up. Links are bucket + 1.
"""

from typing import Any, Final

from seawall.kernel import INTERPRETED, kernel
from seawall.ledger.health import equity_and_maintenance
from seawall.ledger.state import GATE_UNTIL, NOW, QUEUED, RISK_CLASSES, UNUSED
from seawall.margin.ladder import AFTER, BEFORE, KEY
from seawall.margin.trigger_kernels import LIQUIDATABLE, UNSURE, next_fired, place
from seawall.margin.trigger_state import FIRED, FIRED_HEAD
from seawall.terms.parameter import GATE_CLOSED_MS
from seawall.wide import mul_floor_div

GROUP: Final = 32  # buckets that are read ahead, and
CHAIN: Final = 8  # positions of each
WAITING: Final = RISK_CLASSES - 1  # the list of those that can not act now


@kernel
def evaluate(s: Any, budget: int) -> int:
    """Measures at most `budget` buckets of those whose triggers fired or that changed; returns how many.

    A liquidatable one joins the queue, in the order of firing; a healthy one that was not being liquidated leaves it.
    """
    done = 0
    while done < budget and s.count[FIRED] != 0:
        if not INTERPRETED and done % GROUP == 0:
            s.at[0] = _read_ahead(s, min(GROUP, s.count[FIRED]))
        judge(s, next_fired(s))
        done += 1
    return done


@kernel
def _read_ahead(s: Any, count: int) -> int:
    """Reads what the next buckets will touch, many at once (engine/ahead.py says why); the number means nothing."""
    seen, length = 0, len(s.fired)
    for k in range(count):
        bucket = s.fired[(s.count[FIRED_HEAD] + k) % length]
        s.at[k] = s.at[GROUP + k] = s.bucket_first[bucket]
    for _ in range(CHAIN):
        for k in range(count):
            seen += s.slot_link[s.at[k], KEY]
            s.at[k] = s.slot_sibling[s.at[k]]
    for _ in range(CHAIN):
        for k in range(GROUP, GROUP + count):
            slot = s.at[k]
            seen += s.slot_link[s.slot_link[slot, AFTER], KEY] + s.slot_link[s.slot_link[slot, BEFORE], KEY]
            s.at[k] = s.slot_sibling[slot]
    return seen


@kernel
def judge(s: Any, bucket: int) -> None:
    """Places one bucket's triggers at the present prices and puts it where it belongs."""
    if s.bucket_kind[bucket] == UNUSED:
        return
    status = place(s, bucket)
    if status in (LIQUIDATABLE, UNSURE) or s.bucket_class[bucket] != 0:
        enqueue_or_leave(s, bucket)


@kernel
def enqueue_or_leave(s: Any, bucket: int) -> None:
    """Puts a bucket into the class of its risk if it is to be liquidated, else takes it out of the queue."""
    equity, maintenance = equity_and_maintenance(s, bucket)
    if equity < 0:
        close_gate(s)
    if equity < maintenance or s.bucket_liquidating[bucket] != 0:
        put(s, bucket, class_of(equity, maintenance))
    else:
        leave(s, bucket)


@kernel
def close_gate(s: Any) -> None:
    """Negative equity was seen: withdrawals stay closed for GATE_CLOSED_MS from now."""
    until = s.cell[NOW] + s.param[len(s.market_price), GATE_CLOSED_MS]
    s.cell[GATE_UNTIL] = max(s.cell[GATE_UNTIL], until)


@kernel
def class_of(equity: int, maintenance: int) -> int:
    """floor(64 * equity / maintenance) within 0..63."""
    if equity <= 0 or maintenance <= 0:
        return 0
    return WAITING - 1 if equity >= maintenance else int(mul_floor_div(WAITING, equity, maintenance))


@kernel
def put(s: Any, bucket: int, group: int) -> None:
    """Puts a bucket at the end of a list of the queue; in the list where it is already it keeps its place."""
    if s.bucket_class[bucket] == 1 + group:
        return
    remove(s, bucket)
    last = s.queue_last[group]
    s.bucket_class[bucket] = 1 + group
    s.bucket_after[bucket] = 0
    s.bucket_before[bucket] = last
    if last != 0:
        s.bucket_after[last - 1] = bucket + 1
    else:
        s.queue_first[group] = bucket + 1
    s.queue_last[group] = bucket + 1
    s.cell[QUEUED] += 1


@kernel
def remove(s: Any, bucket: int) -> None:
    """Takes a bucket out of the queue; nothing happens when it is not in it."""
    group = s.bucket_class[bucket] - 1
    if group < 0:
        return
    after, before = s.bucket_after[bucket], s.bucket_before[bucket]
    if after != 0:
        s.bucket_before[after - 1] = before
    else:
        s.queue_last[group] = before
    if before != 0:
        s.bucket_after[before - 1] = after
    else:
        s.queue_first[group] = after
    s.bucket_class[bucket] = 0
    s.bucket_after[bucket] = 0
    s.bucket_before[bucket] = 0
    s.cell[QUEUED] -= 1


@kernel
def leave(s: Any, bucket: int) -> None:
    """A healthy bucket leaves the queue; its triggers are placed again, out of which it was taken."""
    remove(s, bucket)
    s.bucket_waits[bucket] = 0
    place(s, bucket)


@kernel
def next_bucket(s: Any) -> int:
    """The bucket to work on next: the one of the worst class that has waited longest; -1 when none can act."""
    for group in range(WAITING):
        if s.queue_first[group] != 0:
            return int(s.queue_first[group] - 1)
    return -1


@kernel
def refresh(s: Any, budget: int) -> None:
    """Measures at most `budget` queued buckets again, best classes first: prices may have made them worse."""
    left = budget
    for step in range(WAITING):
        after = s.queue_first[WAITING - 1 - step]
        while after != 0 and left > 0:
            bucket = after - 1
            after = s.bucket_after[bucket]
            left -= 1
            enqueue_or_leave(s, bucket)
