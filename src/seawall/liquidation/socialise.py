"""Stage 6 of a liquidation: what nobody could pay is a haircut of the unrealised profit in that market (kernels).

The debtor is made whole at once; the amount stands in BAD_DEBT and in `market_short` until it is shared out. A pass
goes once through the positions of the market, a bounded number in each step. With P all profit and D the amount when
it began, and C the profit passed so far, the next position of profit p pays floor(D (C + p) / P) - floor(D C / P): each
pays its share to the unit, and all pay D exactly. A haircut is of profit: the entry moves, the cash paid in does not.
Should prices move during a pass, what is left over is shared out by the next one. Without profit left in the market
the rest stays bad debt.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.buckets import add_cash, find_slot
from seawall.ledger.events import emit
from seawall.ledger.state import (
    BAD_DEBT,
    MARKETS,
    SOCIAL_AMOUNT,
    SOCIAL_MARKET,
    SOCIAL_PROFIT,
    SOCIAL_SEEN,
    SOCIAL_SLOT,
)
from seawall.liquidation.insurance import claimable, pay_claim
from seawall.margin.ladder import OWNER
from seawall.margin.trigger_kernels import note_fired
from seawall.margin.trigger_state import SLOTS_USED
from seawall.terms import event
from seawall.terms.limits import ADL_COUNTERPARTIES
from seawall.terms.parameter import SOCIALISE
from seawall.wide import mul_floor_div

NOBODY: Final = -1


@kernel
def cover_deficit(s: Any, bucket: int, market: int) -> int:
    """Makes good the negative cash of a bucket whose positions are closed; returns what it was.

    The insurance fund of `market` pays first, up to its claim cap; the rest is socialised in that market. A debt of no
    market (-1) is bad debt.
    """
    due = -s.bucket_raw[bucket]
    if due <= 0 or not is_flat(s, bucket):
        return 0
    paid = 0
    if market >= 0:
        slot = find_slot(s, bucket, market)
        paid = min(due, claimable(s, market, slot))
        pay_claim(s, bucket, market, slot, paid)
    absorb(s, bucket, market, due - paid)
    return int(due)


@kernel
def is_flat(s: Any, bucket: int) -> bool:
    """Whether a bucket has no position; orders may hold slots."""
    slot = s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        if s.slot_size[slot] != 0:
            return False
        slot = s.slot_sibling[slot]
    return True


@kernel
def absorb(s: Any, bucket: int, market: int, amount: int) -> None:
    """Makes good `amount` of a bucket's debt at the cost of those with profit in the market, or of nobody."""
    if amount <= 0:
        return
    is_shared = market >= 0 and s.param[len(s.market_price), SOCIALISE] != 0
    add_cash(s, bucket, amount)
    s.cell[BAD_DEBT] -= amount
    if is_shared:
        s.market_short[market] += amount
    emit(s, event.DEFICIT, market, bucket, event.SOCIALISED if is_shared else NOBODY, 0, 0, 0, amount)


@kernel
def is_sharing(s: Any) -> bool:
    """Whether a loss is being shared out, or waits for it."""
    waiting = s.cell[SOCIAL_MARKET]
    for market in range(s.cell[MARKETS]):
        waiting += s.market_short[market]
    return bool(waiting != 0)


@kernel
def share_out(s: Any) -> None:
    """One bounded step of sharing out: begins a pass, or goes on with it until so many positions have paid."""
    if s.cell[SOCIAL_MARKET] == 0 and not _begin(s):
        return
    market, paying = s.cell[SOCIAL_MARKET] - 1, 0
    slot = s.cell[SOCIAL_SLOT]
    while slot < s.count[SLOTS_USED] and paying < ADL_COUNTERPARTIES and not _is_done(s):  # at most the positions
        profit = profit_of(s, slot, market)
        if profit > 0:
            paying += 1
            _cut(s, slot, market, profit)
        slot += 1
    s.cell[SOCIAL_SLOT] = slot
    if slot >= s.count[SLOTS_USED] or _is_done(s):
        for cell in (SOCIAL_MARKET, SOCIAL_SLOT, SOCIAL_AMOUNT, SOCIAL_PROFIT, SOCIAL_SEEN):
            s.cell[cell] = 0


@kernel
def _is_done(s: Any) -> bool:
    return bool(s.cell[SOCIAL_SEEN] >= s.cell[SOCIAL_PROFIT])


@kernel
def profit_of(s: Any, slot: int, market: int) -> int:
    """Unrealised profit of a slot that can be cut: a position of the market, of a bucket not in liquidation; else 0."""
    bucket = s.slot_link[slot, OWNER]
    if s.slot_market[slot] != market or bucket < 0 or s.bucket_liquidating[bucket] != 0:
        return 0
    return int(max(0, s.slot_size[slot] * s.market_price[market] - s.slot_entry[slot]))


@kernel
def _begin(s: Any) -> bool:
    """Starts a pass for the first market that is short; without profit there its loss stays bad debt."""
    for market in range(s.cell[MARKETS]):
        short = s.market_short[market]
        if short == 0:
            continue
        total = 0
        for slot in range(1, s.count[SLOTS_USED]):
            total += profit_of(s, slot, market)
        if total == 0:
            s.market_short[market] = 0
            emit(s, event.DEFICIT, market, NOBODY, NOBODY, 0, 0, 0, short)
            continue
        s.cell[SOCIAL_MARKET] = market + 1
        s.cell[SOCIAL_SLOT] = 1
        s.cell[SOCIAL_AMOUNT] = min(short, total)
        s.cell[SOCIAL_PROFIT] = total
        s.cell[SOCIAL_SEEN] = 0
        return True
    return False


@kernel
def _cut(s: Any, slot: int, market: int, profit: int) -> None:
    """The haircut of one position."""
    amount, total, seen = s.cell[SOCIAL_AMOUNT], s.cell[SOCIAL_PROFIT], s.cell[SOCIAL_SEEN]
    reached = min(total, seen + profit)
    cut = mul_floor_div(amount, reached, total) - mul_floor_div(amount, seen, total)
    s.cell[SOCIAL_SEEN] = reached
    cut = min(cut, profit, s.market_short[market])
    if cut <= 0:
        return
    bucket = s.slot_link[slot, OWNER]
    s.bucket_raw[bucket] -= cut
    s.slot_entry[slot] += cut
    s.market_entry_sum[market] += cut
    s.cell[BAD_DEBT] += cut
    s.market_short[market] -= cut
    note_fired(s, bucket)
    emit(s, event.SOCIALISED, market, bucket, NOBODY, profit, s.market_price[market], s.slot_size[slot], cut)
