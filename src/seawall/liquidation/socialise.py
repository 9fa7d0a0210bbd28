"""Stage 6 of a liquidation: what nobody could pay is a haircut of the unrealised profit in that market (kernels).

The debtor is made whole at once; the amount stands in BAD_DEBT and in `market_short` until it is shared out. With P
all profit, D the amount, and C the profit passed so far, the next position of profit p pays
floor(D (C + p) / P) - floor(D C / P): each its share to the unit, all together D exactly. Counterparties that are
closed at that moment pay from what they realise at their price (`cut_chosen`); the others in a pass over the market's
positions, a bounded number in each step, by which their entry moves and the cash they paid in does not. Should prices
move during a pass, what is left over is shared out by the next one. Profit counts up to its bucket's equity: none is
cut below zero. Without profit left in the market the rest stays bad debt.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.buckets import add_cash, find_slot
from seawall.ledger.events import emit, emit_code
from seawall.ledger.health import equity_and_maintenance
from seawall.ledger.held import next_of_market
from seawall.ledger.state import (
    BAD_DEBT,
    MARKETS,
    RESERVE,
    SOCIAL_AMOUNT,
    SOCIAL_MARKET,
    SOCIAL_PROFIT,
    SOCIAL_SEEN,
    SOCIAL_SLOT,
)
from seawall.liquidation.insurance import claimable, pay_claim
from seawall.liquidation.selling import can_sell
from seawall.terms import event
from seawall.terms.limits import ADL_COUNTERPARTIES
from seawall.terms.parameter import SOCIALISE
from seawall.wide import mul_floor_div

NOBODY: Final = -1


@kernel
def cover_deficit(s: Any, bucket: int, market: int) -> int:
    """Makes good the negative cash of a bucket whose positions are closed; returns what it was.

    The insurance fund of `market` pays first, up to its claim cap; the rest is socialised in that market. A debt of no
    market (-1), such as collateral leaves that fetched too little, is paid by the reserve of interest; the rest is bad
    debt. While there is collateral that anybody may buy nothing is made good.
    """
    due = -s.bucket_raw[bucket]
    if due <= 0 or not is_flat(s, bucket) or can_sell(s, bucket):
        return 0
    paid = 0
    if market >= 0:
        slot = find_slot(s, bucket, market)
        paid = min(due, claimable(s, market, slot))
        pay_claim(s, bucket, market, slot, paid)
    else:
        paid = min(due, s.cell[RESERVE])
        pay_from_reserve(s, bucket, paid)
    absorb(s, bucket, market, due - paid)
    return int(due)


@kernel
def pay_from_reserve(s: Any, bucket: int, amount: int) -> None:
    """Pays `amount`, at most the reserve, into a bucket."""
    if amount <= 0:
        return
    s.cell[RESERVE] -= amount
    add_cash(s, bucket, amount)
    emit(s, event.DEFICIT, -1, bucket, event.INTEREST, 0, 0, 0, amount)


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
    slot = next_of_market(s, market, s.cell[SOCIAL_SLOT])
    while slot != 0 and paying < ADL_COUNTERPARTIES and not _is_done(s):  # at most the positions of the market
        profit = profit_of(s, slot, market)
        if profit > 0:
            paying += 1
            _cut(s, slot, market, profit)
        slot = next_of_market(s, market, slot + 1)
    s.cell[SOCIAL_SLOT] = slot
    if slot == 0 or _is_done(s):
        for cell in (SOCIAL_MARKET, SOCIAL_SLOT, SOCIAL_AMOUNT, SOCIAL_PROFIT, SOCIAL_SEEN):
            s.cell[cell] = 0


@kernel
def _is_done(s: Any) -> bool:
    return bool(s.cell[SOCIAL_SEEN] >= s.cell[SOCIAL_PROFIT])


@kernel
def profit_of(s: Any, slot: int, market: int) -> int:
    """Unrealised profit of a slot that can be cut: a position of the market, of a bucket not in liquidation; else 0."""
    bucket = s.slot_owner[slot]
    if s.slot_market[slot] != market or bucket < 0 or s.bucket_liquidating[bucket] != 0:
        return 0
    profit = s.slot_size[slot] * s.market_price[market] - s.slot_entry[slot]
    if profit <= 0:
        return 0
    equity, _ = equity_and_maintenance(s, bucket)
    return int(max(0, min(profit, equity)))


@kernel
def profit_in(s: Any, market: int) -> int:
    """All profit in a market that can be cut."""
    total, slot = 0, next_of_market(s, market, 1)
    while slot != 0:  # at most the positions of the market
        total, slot = total + profit_of(s, slot, market), next_of_market(s, market, slot + 1)
    return total


@kernel
def cut_chosen(s: Any, market: int, count: int, price: int) -> None:
    """Takes the share of what `market_short` is from those about to be closed at `price`: of what each realises."""
    total, seen, reached = profit_in(s, market), 0, 0
    amount = min(s.market_short[market], total)
    for i in range(count):
        slot = s.adl_slot[i]
        profit = realised_by(s, slot, market, s.adl_size[i], price)
        if profit > 0:
            seen += profit
            cut = mul_floor_div(amount, seen, total) - reached
            reached += cut
            _take(s, slot, market, profit, cut, event.MARKED)


@kernel
def realised_by(s: Any, slot: int, market: int, lots: int, price: int) -> int:
    """Profit that can be cut from `lots` of a position that close at `price`, as far as its bucket then has equity."""
    size, most = s.slot_size[slot], profit_of(s, slot, market)
    if lots == 0 or most == 0:
        return 0
    signed = lots if size > 0 else -lots
    realised = signed * price + mul_floor_div(-s.slot_entry[slot], lots, abs(size))
    equity, _ = equity_and_maintenance(s, s.slot_owner[slot])
    left = equity - signed * (s.market_price[market] - price)
    return int(max(0, min(realised, left, mul_floor_div(most, lots, abs(size)))))


@kernel
def _begin(s: Any) -> bool:
    """Starts a pass for the first market that is short; without profit there its loss stays bad debt."""
    for market in range(s.cell[MARKETS]):
        short = s.market_short[market]
        if short == 0:
            continue
        total = profit_in(s, market)
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
    """The haircut of one position, out of its profit: what its owner paid in stays."""
    amount, total, seen = s.cell[SOCIAL_AMOUNT], s.cell[SOCIAL_PROFIT], s.cell[SOCIAL_SEEN]
    reached = min(total, seen + profit)
    cut = mul_floor_div(amount, reached, total) - mul_floor_div(amount, seen, total)
    s.cell[SOCIAL_SEEN] = reached
    cut = min(cut, profit, s.market_short[market])
    s.slot_entry[slot] += cut
    s.market_entry_sum[market] += cut
    _take(s, slot, market, profit, cut, 0)


@kernel
def _take(s: Any, slot: int, market: int, profit: int, cut: int, mark: int) -> None:
    if cut == 0:
        return
    bucket = s.slot_owner[slot]
    add_cash(s, bucket, -cut)
    s.cell[BAD_DEBT] += cut
    s.market_short[market] -= cut
    row = emit(s, event.SOCIALISED, market, bucket, NOBODY, profit, s.market_price[market], s.slot_size[slot], cut)
    emit_code(s, row, mark)
