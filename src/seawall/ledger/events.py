"""Writing events (kernels): rows of terms/event.py, collected in the record until the host takes them."""

from typing import Any

from seawall.kernel import kernel
from seawall.ledger.state import EVENTS_USED, SEQUENCE


@kernel
def emit(
    s: Any, kind: int, market: int, bucket: int, other: int, order: int, price: int, size: int, amount: int
) -> int:
    """Adds an event of the present command; returns its row. Room is the dispatcher's to keep (EVENTS_PER_COMMAND)."""
    row = s.cell[EVENTS_USED]
    s.cell[EVENTS_USED] = row + 1
    s.event[row, 0] = s.cell[SEQUENCE]
    s.event[row, 1] = kind
    s.event[row, 2] = 0
    s.event[row, 3] = market
    s.event[row, 4] = bucket
    s.event[row, 5] = other
    s.event[row, 6] = order
    s.event[row, 7] = price
    s.event[row, 8] = size
    s.event[row, 9] = amount
    s.event[row, 10] = 0
    s.event[row, 11] = 0
    return int(row)


@kernel
def emit_health(s: Any, row: int, equity: int, maintenance: int) -> None:
    """Adds the health of the bucket to an event just written."""
    s.event[row, 10] = equity
    s.event[row, 11] = maintenance


@kernel
def emit_code(s: Any, row: int, code: int) -> None:
    """Adds a code to an event just written."""
    s.event[row, 2] = code
