"""Interest on borrowed USD (kernels, SPEC section 2): who holds collateral and is short of cash borrows from the vault.

The rate follows the share of all USD that is borrowed, along two straight lines that meet at BORROW_KINK. The index
adds it up by the clock, and a debt pays `ceil(debt x step of the index)`: kept by bucket at each change of its cash,
charged into the reserve before cash leaves and once on each way of the sweep round the holdings.
"""

from typing import Any

from seawall.kernel import kernel
from seawall.ledger.holdings import charge
from seawall.ledger.state import BORROW_INDEX, BORROW_RESIDUE, BORROWED, CHARGE_ROW, HOLDINGS_USED, PENDING, VAULT
from seawall.terms.limits import CHARGED_PER_TICK
from seawall.terms.parameter import (
    BORROW_BASE,
    BORROW_FULL_RATE,
    BORROW_KINK,
    BORROW_KINK_RATE,
    HOUR_MS,
)
from seawall.units import RATE_ONE
from seawall.wide import mul_ceil_div, mul_floor_div


@kernel
def move_borrowing(s: Any, elapsed: int) -> None:
    """TICK: moves the index by the rate over the time that has passed, then charges the next buckets of the sweep."""
    if s.cell[BORROWED] > 0:
        moved = s.cell[BORROW_RESIDUE] + borrow_rate(s) * elapsed
        s.cell[BORROW_INDEX] += moved // HOUR_MS
        s.cell[BORROW_RESIDUE] = moved % HOUR_MS
    _sweep(s)


@kernel
def utilisation(s: Any) -> int:
    """Share of all USD, in the vault and lent, that is borrowed: 1/RATE_ONE, rounded up."""
    borrowed = s.cell[BORROWED]
    supply = s.cell[VAULT] - s.cell[PENDING] + borrowed
    if borrowed >= supply:
        return RATE_ONE if borrowed > 0 else 0
    return int(mul_ceil_div(borrowed, RATE_ONE, supply))


@kernel
def borrow_rate(s: Any) -> int:
    """Interest an hour, 1e-12, rounded down."""
    venue, used = len(s.market_price), utilisation(s)
    base, kink = s.param[venue, BORROW_BASE], s.param[venue, BORROW_KINK]
    bend = max(base, s.param[venue, BORROW_KINK_RATE])
    if used <= kink:
        return int(base + mul_floor_div(bend - base, used, kink))
    top = max(bend, s.param[venue, BORROW_FULL_RATE])
    return int(bend + mul_floor_div(top - bend, used - kink, RATE_ONE - kink))


@kernel
def _sweep(s: Any) -> None:
    """Charges the buckets of the next CHARGED_PER_TICK holdings, each at the first of its own."""
    used = s.cell[HOLDINGS_USED]
    if s.cell[BORROWED] == 0 or used <= 1:
        return
    row = s.cell[CHARGE_ROW]
    for _ in range(min(CHARGED_PER_TICK, used - 1)):
        row = row + 1 if 1 <= row + 1 < used else 1
        if s.holding_lots[row] != 0:
            bucket = s.holding_bucket[row]
            if s.bucket_holding[bucket] == row:
                charge(s, bucket)
    s.cell[CHARGE_ROW] = row
