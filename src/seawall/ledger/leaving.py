"""What may leave a bucket, and its leaving (kernels): withdrawals, transfers, pool shares, margin between buckets.

Every exit of value asks `exit_fault` or `may_leave` and goes through `leave`. Beside the margin rule of
ledger/health.py stands the profit rule of SPEC section 4: of unrealised profit, only what losers of that market have
paid in and its insurance fund can spend may leave, counting what has left already. A bucket's cash goes first; what it
takes beyond its cash is unrealised profit, kept as an advance of the positions that have it until cash comes back
(ledger/buckets.py `repay`).
"""

from typing import Any

import numpy as np

from seawall.kernel import kernel
from seawall.ledger.buckets import add_cash, cash_of, funding_of, interest_of, set_advanced, settle_slot
from seawall.ledger.events import emit
from seawall.ledger.health import EQUITY, EQUITY_INITIAL, INITIAL, NOTIONAL, PROFIT, RESERVED, haircut, measure
from seawall.ledger.holdings import charge
from seawall.ledger.markets import is_fresh
from seawall.ledger.state import BORROWED, PENDING, VAULT
from seawall.ledger.valuation import is_asset_fresh
from seawall.terms import code, event, parameter
from seawall.terms.limits import POSITIONS_PER_BUCKET
from seawall.terms.parameter import BORROW_MOST
from seawall.units import RATE_ONE
from seawall.wide import mul_floor_div, rate_up


@kernel
def may_leave(s: Any, bucket: int) -> int:
    """USD that may leave the bucket now. Rounds down, never negative; 0 while a price it rests on is stale."""
    if has_stale_price(s, bucket):
        return 0
    room = margin_room(s, bucket)
    if s.bucket_holding[bucket] == 0 or room <= 0:
        return max(0, room)
    own = cash_of(s, bucket) + pending_funding(s, bucket) - interest_of(s, bucket)
    return int(min(room, max(0, own) + borrow_room(s)))


@kernel
def margin_room(s: Any, bucket: int) -> int:
    """What the bucket has beyond initial margin, the withdrawal floor and profit nobody has paid; negative: short."""
    now = measure(s, bucket)
    share = s.param[len(s.market_price), parameter.WITHDRAWAL_FLOOR]
    floor = rate_up(now[NOTIONAL], share) + now[RESERVED]
    kept = unpaid_profit(s, bucket, now) + interest_of(s, bucket)
    return int(now[EQUITY_INITIAL] - kept - max(now[INITIAL], floor))


@kernel
def initial_room(s: Any, bucket: int) -> int:
    """What the bucket has beyond initial margin: enough where nothing leaves, only changes within it."""
    now = measure(s, bucket)
    return int(now[EQUITY_INITIAL] - interest_of(s, bucket) - now[INITIAL])


@kernel
def borrow_room(s: Any) -> int:
    """USD that may still be borrowed against collateral: up to BORROW_MOST of all USD, lent or in the vault."""
    borrowed, supply = s.cell[BORROWED], s.cell[VAULT] - s.cell[PENDING] + s.cell[BORROWED]
    return int(max(0, mul_floor_div(max(0, supply), s.param[len(s.market_price), BORROW_MOST], RATE_ONE) - borrowed))


@kernel
def spare(s: Any, bucket: int) -> int:
    """USD beyond initial margin, without profit that may not leave: what an isolated bucket was fed too much."""
    now = measure(s, bucket)
    return int(max(0, now[EQUITY_INITIAL] - unpaid_profit(s, bucket, now) - now[INITIAL]))


@kernel
def unpaid_profit(s: Any, bucket: int, now: Any) -> int:
    """Unrealised profit that counts for initial margin though nobody has paid it yet; `now` is the bucket measured."""
    counted = now[PROFIT] - (now[EQUITY] - now[EQUITY_INITIAL] - haircut(s, bucket))
    return int(max(0, counted - payable(s, bucket))) if counted > 0 else 0


@kernel
def exit_fault(s: Any, bucket: int, amount: int) -> int:
    """OK when `amount` may leave the bucket, else STALE_PRICE, BEING_LIQUIDATED or WITHDRAWABLE."""
    if has_stale_price(s, bucket):
        return code.STALE_PRICE
    if is_being_liquidated(s, bucket):
        return code.BEING_LIQUIDATED
    return code.WITHDRAWABLE if amount > may_leave(s, bucket) else code.OK


@kernel
def is_being_liquidated(s: Any, bucket: int) -> bool:
    """Whether the bucket is in liquidation or waits for it."""
    return bool(s.bucket_liquidating[bucket] != 0 or s.bucket_class[bucket] != 0)


@kernel
def payable(s: Any, bucket: int) -> int:
    """How much of the bucket's unrealised profit may be outside it in all."""
    total, slot = 0, s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        total, slot = total + payable_of(s, slot), s.slot_sibling[slot]
    return int(total)


@kernel
def payable_of(s: Any, slot: int) -> int:
    """How much of a position's unrealised profit may be outside its bucket in all.

    Not more than the market's pool less what others of the market have outside. The pool is what losers have paid in
    beyond what winners have realised (-market_entry_sum, for unrealised pnl of a market sums to that) and the fund.
    """
    market = s.slot_market[slot]
    profit = s.slot_size[slot] * s.market_price[market] - s.slot_entry[slot]
    if profit <= 0:
        return 0
    pool = max(0, -s.market_entry_sum[market]) + s.market_insurance[market]
    others = s.market_advanced[market] - s.slot_advanced[slot]
    return int(min(profit, max(0, pool - others)))


@kernel
def has_stale_price(s: Any, bucket: int) -> bool:
    """Whether the bucket holds a position in a market, or an asset, without a fresh price."""
    row = s.bucket_holding[bucket]
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        if not is_asset_fresh(s, s.holding_asset[row]):
            return True
        row = s.holding_next[row]
    slot = s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        if s.slot_size[slot] != 0 and not is_fresh(s, s.slot_market[slot]):
            return True
        slot = s.slot_sibling[slot]
    return False


@kernel
def pending_funding(s: Any, bucket: int) -> int:
    """Funding that the bucket has earned (negative: owes) and not settled."""
    total, slot = 0, s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        total, slot = total + funding_of(s, slot), s.slot_sibling[slot]
    return int(total)


@kernel
def leave(s: Any, bucket: int, amount: int) -> None:
    """Takes `amount`, at most `may_leave`, out of a bucket. Where it goes is the caller's to write."""
    settle_told(s, bucket)
    charge(s, bucket)
    add_cash(s, bucket, -amount)
    note_advance(s, bucket)


@kernel
def note_advance(s: Any, bucket: int) -> None:
    """Counts what a bucket has taken beyond its cash as advances of the positions that can pay for it."""
    owed, slot = max(0, -cash_of(s, bucket)), s.bucket_first[bucket]
    if owed == 0 and s.bucket_advanced[bucket] == 0:
        return
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        part = min(owed, payable_of(s, slot))
        set_advanced(s, slot, part)
        owed, slot = owed - part, s.slot_sibling[slot]


@kernel
def advances_of(s: Any, bucket: int) -> Any:
    """The advances of a bucket's positions in micro-USD, slot after slot; empty when it has none."""
    found = np.zeros(POSITIONS_PER_BUCKET if s.bucket_advanced[bucket] != 0 else 0, np.int64)
    count, slot = 0, s.bucket_first[bucket]
    while slot != 0 and len(found) != 0:  # at most POSITIONS_PER_BUCKET
        found[count] = s.slot_advanced[slot]
        count, slot = count + 1, s.slot_sibling[slot]
    return found


@kernel
def restore_advances(s: Any, bucket: int, before: Any) -> None:
    """Makes a bucket's advances what `advances_of` said `before`, of the same slots: an exit that came back whole."""
    count, slot = 0, s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        set_advanced(s, slot, before[count] if len(before) != 0 else 0)
        count, slot = count + 1, s.slot_sibling[slot]


@kernel
def settle_told(s: Any, bucket: int) -> None:
    """Settles a bucket's funding and tells each payment."""
    slot = s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        paid = settle_slot(s, slot)
        if paid != 0:
            emit(s, event.FUNDING_PAID, s.slot_market[slot], bucket, -1, 0, 0, s.slot_size[slot], paid)
        slot = s.slot_sibling[slot]
