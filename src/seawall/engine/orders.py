"""Commands on orders (kernels): place, modify, cancel, and cancels that happen later.

Orders that wait for a trigger are armed in engine/stops.py; all others go to engine/placing.py. A cancel is never
refused for the state of the market, nor for that of the account.
"""

from typing import Any, Final

from seawall.book.matching import cancel_order
from seawall.book.orders import TRIGGERED, find_client, order_by_id, shrink
from seawall.engine.placing import execute_for, orders_of, submit
from seawall.engine.stops import arm, rearm
from seawall.kernel import kernel
from seawall.ledger.events import emit
from seawall.ledger.state import ACCOUNTS, NOW, RESULT, SCHEDULE_NEXT
from seawall.terms import code, command, event
from seawall.terms.limits import CANCELS_PER_COMMAND

ANY_MARKET: Final = -1
NOTHING_PINNED: Final = -1
SCHEDULE_AHEAD_MS: Final = 5_000  # a scheduled cancel gives its owner this long to renew it


@kernel
def place(s: Any, c: Any) -> int:
    """PLACE: a limit order, or with IOC a market order whose worst price is `price`; trigger orders are armed."""
    if c.flags & TRIGGERED:
        return int(arm(s, c))
    if not is_plain(c.flags) or c.trigger != 0 or c.extra != 0 or c.other != 0:
        return code.BAD_FIELD
    return int(execute_for(s, c.account, c.market, c.flags, c.price, c.size, c.client_high, c.client_low))


@kernel
def is_plain(flags: int) -> bool:
    """Whether flags make sense together on an order that does not wait for a trigger."""
    if flags & (TRIGGERED | command.WHOLE_POSITION):
        return False
    takes, posts = flags & command.IOC, flags & command.POST_ONLY
    both = command.CANCEL_MAKER | command.CANCEL_BOTH
    return bool((takes == 0 or posts == 0) and flags & both != both)


@kernel
def modify(s: Any, c: Any) -> int:
    """MODIFY: an order of the same side in the place of `reference`, or no change at all when that would be refused.

    Fewer lots and nothing else changed keep the order, its id and its priority. Everything else is a cancel and a new
    order in one step, which keeps the client id when the command names none, and the stops attached to the old one.
    """
    order = find_own(s, c.account, c.market, c.reference)
    if order == 0:
        return code.UNKNOWN_ORDER
    flags, high, low = s.order_flags[order], c.client_high, c.client_low
    if high == 0 and low == 0:
        high, low = s.order_client_high[order], s.order_client_low[order]
    if flags & TRIGGERED:
        return int(rearm(s, c, order))
    if not is_plain(c.flags) or c.trigger != 0 or c.extra != 0 or (c.flags ^ flags) & command.SELL:
        return code.BAD_FIELD
    if s.order_child[order] != 0 and c.flags & command.REDUCE_ONLY:
        return code.BAD_FIELD
    is_same = high == s.order_client_high[order] and low == s.order_client_low[order]
    if is_same and c.flags == flags and c.price == s.order_price[order] and 0 < c.size <= s.order_size[order]:
        _keep_less(s, order, c.size)
        return code.OK
    bucket = s.order_bucket[order]
    return int(submit(s, c.account, bucket, c.market, c.flags, c.price, c.size, high, low, order))


@kernel
def _keep_less(s: Any, order: int, size: int) -> None:
    """Leaves `size` lots of an order where it is."""
    less, bucket, identity = s.order_size[order] - size, s.order_bucket[order], s.order_id[order]
    s.cell[RESULT] = identity
    if less > 0:
        shrink(s, order, less)
        emit(s, event.CANCELLED, s.order_market[order], bucket, -1, identity, s.order_price[order], less, code.OK)


@kernel
def cancel(s: Any, c: Any) -> int:
    """CANCEL: the order with id `reference`."""
    order = find_own(s, c.account, c.market, c.reference)
    if order == 0:
        return code.UNKNOWN_ORDER
    cancel_order(s, order, code.OK, NOTHING_PINNED)
    return code.OK


@kernel
def cancel_client(s: Any, c: Any) -> int:
    """CANCEL_CLIENT: the order with this client id."""
    order = find_client(s, c.account, c.client_high, c.client_low)
    if order == 0 or s.order_market[order] != c.market:
        return code.UNKNOWN_ORDER
    cancel_order(s, order, code.OK, NOTHING_PINNED)
    return code.OK


@kernel
def find_own(s: Any, account: int, market: int, identity: int) -> int:
    """The order with this id when it is the account's and of this market; else 0."""
    order = order_by_id(s, identity)
    if order == 0 or s.order_market[order] != market or s.bucket_owner[s.order_bucket[order]] != account:
        return 0
    return order


@kernel
def cancel_all(s: Any, c: Any) -> int:
    """CANCEL_ALL: every order of the account, in one market or (-1) in all. None is no error."""
    cancel_orders(s, c.account, c.market, CANCELS_PER_COMMAND)
    return code.OK


@kernel
def cancel_orders(s: Any, account: int, market: int, most: int) -> int:
    """Cancels at most `most` orders of an account, cross bucket first, newest first; returns how many."""
    done = _cancel_in(s, account, market, most)
    bucket = s.account_isolated[account] - 1
    while bucket >= 0 and done < most:  # at most ISOLATED_PER_ACCOUNT
        after = s.bucket_next[bucket] - 1
        done += _cancel_in(s, bucket, market, most - done)
        bucket = after
    return int(done)


@kernel
def _cancel_in(s: Any, bucket: int, market: int, most: int) -> int:
    done, order = 0, s.bucket_order[bucket]
    while order != 0 and done < most:  # at most ORDERS_PER_BUCKET
        after = s.order_next[order]
        if s.order_market[order] == market or market == ANY_MARKET:
            cancel_order(s, order, code.OK, NOTHING_PINNED)
            done += 1
        order = after
    return done


@kernel
def schedule_cancel(s: Any, c: Any) -> int:
    """SCHEDULE_CANCEL: cancel all at `expires`, 5 s ahead or more (BAD_TIME), unless moved before; 0 clears it."""
    if c.expires != 0 and c.expires < s.cell[NOW] + SCHEDULE_AHEAD_MS:
        return code.BAD_TIME
    s.account_cancel[c.account] = c.expires
    if c.expires != 0 and (s.cell[SCHEDULE_NEXT] == 0 or c.expires < s.cell[SCHEDULE_NEXT]):
        s.cell[SCHEDULE_NEXT] = c.expires
    return code.OK


@kernel
def cancel_due(s: Any) -> None:
    """Runs the scheduled cancels whose time has come, as far as one command may; the rest at the next TICK."""
    cancel_some_due(s, CANCELS_PER_COMMAND)


@kernel
def cancel_some_due(s: Any, left: int) -> None:
    """Cancels at most `left` orders whose scheduled cancel is due, accounts in their order.

    cell[SCHEDULE_NEXT] is never later than the earliest schedule, so that a TICK before it looks at nobody.
    """
    now, earliest = s.cell[NOW], 0
    if s.cell[SCHEDULE_NEXT] == 0 or s.cell[SCHEDULE_NEXT] > now:
        return
    for account in range(s.cell[ACCOUNTS]):
        at = s.account_cancel[account]
        if at != 0 and at <= now and left > 0:
            left -= cancel_orders(s, account, ANY_MARKET, left)
            if orders_of(s, account) == 0:
                s.account_cancel[account] = 0
                at = 0
        if at != 0 and (earliest == 0 or at < earliest):
            earliest = at
    s.cell[SCHEDULE_NEXT] = earliest
