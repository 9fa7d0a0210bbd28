"""Stage 4 of a liquidation: what a market's insurance fund pays (kernels). Its balance is never negative.

A deficit belongs to the market of the position whose closing shows it; no other market's fund is asked. For one
position the fund pays at most CLAIM_CAP, counted in `slot_claimed` while the position lasts.
"""

from typing import Any

from seawall.kernel import kernel
from seawall.ledger.buckets import add_cash
from seawall.ledger.events import emit
from seawall.liquidation.closing import Close, equity_left
from seawall.terms import event
from seawall.terms.parameter import CLAIM_CAP


@kernel
def claimable(s: Any, market: int, slot: int) -> int:
    """What the fund may still pay for the position of a slot (0: one that is gone)."""
    claimed = s.slot_claimed[slot] if slot != 0 else 0
    return int(max(0, min(s.market_insurance[market], s.param[market, CLAIM_CAP] - claimed)))


@kernel
def pay_claim(s: Any, bucket: int, market: int, slot: int, amount: int) -> None:
    """Pays `amount`, at most `claimable`, from the fund into a bucket, and tells both sides."""
    if amount <= 0:
        return
    s.market_insurance[market] -= amount
    if slot != 0:
        s.slot_claimed[slot] += amount
    add_cash(s, bucket, amount)
    emit(s, event.DEFICIT, market, bucket, event.INSURANCE, 0, 0, 0, amount)
    emit(s, event.INSURANCE, market, bucket, event.DEFICIT, 0, 0, 0, -amount)


@kernel
def deficit_of(s: Any, c: Close, lots: int) -> int:
    """The part of a bucket's debt at mark that closing `lots` of this position shows; 0 when it has none."""
    return int(max(0, equity_left(s, c, lots) - c.equity))


@kernel
def lots_covered(s: Any, c: Close, most: int, money: int) -> int:
    """The greatest amount of lots, at most `most`, whose deficit `money` pays in full."""
    if deficit_of(s, c, most) <= money:
        return most
    paid, short = 0, most
    while short - paid > 1:  # at most 53 halvings
        middle = (paid + short) // 2
        if deficit_of(s, c, middle) <= money:
            paid = middle
        else:
            short = middle
    return paid
