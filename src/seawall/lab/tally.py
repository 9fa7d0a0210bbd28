"""What is counted of the engine's events while a run goes on, so that none of them is kept.

A pro-rata set writes one event for each winner of each step, tens of millions in a run; all that figures and series
need of them is counted here, batch by batch. Sums are exact: micro-USD in int64, which holds nine trillion USD. This
module takes bare columns, so that a change of the laboratory does not compile the engine anew.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from seawall.kernel import kernel, warm_up
from seawall.terms import event

Ints = npt.NDArray[Any]  # int64

_KIND: Final = event.ROW.index("kind")
_MARKET: Final = event.ROW.index("market")
_BUCKET: Final = event.ROW.index("bucket")
_OTHER: Final = event.ROW.index("other")
_PRICE: Final = event.ROW.index("price")
_SIZE: Final = event.ROW.index("size")
_AMOUNT: Final = event.ROW.index("amount")
_EQUITY: Final = event.ROW.index("equity")

# cells of Tally.total
BACKSTOP_NOTIONAL: Final = 0
SPANS: Final = 1  # liquidations that have ended
SPAN_MS: Final = 2  # from their first LIQUIDATION event to that, summed
TOTALS: Final = 3

# cells of Tally.impact
WEIGHTED: Final = 0  # basis points against the account x weight
WEIGHT: Final = 1  # notional of forced fills, USD
LEAST_WEIGHT: Final = 1e-9  # of a fill, USD


class Tally(NamedTuple):
    """Counts of one run over bars [T], markets [S], buckets [B] of the venue and accounts [1 + N]: row 0 for pools.

    Of a pair [2] the first is forced selling (longs closed), the second forced buying.
    """

    owner: Ints  # [B] account of each bucket, also of one closed by the step; -1 for pools
    first_bar: Ints  # [B] in which it was closed in part or whole for the first time; -1: never
    since_ms: Ints  # [B] first LIQUIDATION event of the liquidation that is open; -1: none is
    given: Ints  # [B] what winners of its auto-deleveraging gave up against the mark, micro-USD
    left: Ints  # [B] equity, where positive, with which its liquidations ended, micro-USD
    touched: Ints  # [1 + N] 1 where any bucket was closed in part or whole
    gone: Ints  # [1 + N] 1 where a liquidation closed a bucket to the end
    socialised: Ints  # [1 + N] 1 where profit was cut
    adl_count: Ints  # [1 + N] times that auto-deleveraging closed against it
    adl_notional: Ints  # [1 + N] of that, micro-USD
    closed: Ints  # [T, S, 2] notional closed against the accounts' will, micro-USD
    adl: Ints  # [T] of it by auto-deleveraging
    insured: Ints  # [T] debts that insurance paid, micro-USD
    unpaid: Ints  # [T] debts that neither account nor insurance paid, micro-USD
    total: Ints  # [TOTALS]
    impact: Ints  # [2] float64


def tally_of(bars: int, markets: int, *, buckets: int, accounts: int) -> Tally:
    """An empty tally of a venue's capacity."""
    shapes: dict[str, Any] = dict.fromkeys(("owner", "first_bar", "since_ms", "given", "left"), buckets)
    shapes |= dict.fromkeys(("touched", "gone", "socialised", "adl_count", "adl_notional"), accounts + 1)
    shapes |= {"closed": (bars, markets, 2), "adl": bars, "insured": bars, "unpaid": bars, "total": TOTALS}
    made = {name: np.zeros(shape, np.int64) for name, shape in shapes.items()}
    made["first_bar"][:] = made["since_ms"][:] = -1
    return Tally(**made, impact=np.zeros(2))


@kernel
def add_events(tally: Tally, events: Ints, marks: Ints, bar: int, now_ms: int) -> int:
    """Counts the liquidation events among `events`, `marks` being those before them; returns how many there were.

    What touches winners is counted here, for there is most of it, and the tally is dear to hand on: 16 arrays.
    """
    found, adl = 0, 0
    owner, first_bar, given = tally.owner, tally.first_bar, tally.given
    touched, adl_count, adl_notional, closed = tally.touched, tally.adl_count, tally.adl_notional, tally.closed
    for row in range(len(events)):
        kind = events[row, _KIND]
        if kind in (event.LIQUIDATION_FILL, event.BACKSTOP, event.ADL):
            market, bucket, size = events[row, _MARKET], events[row, _BUCKET], events[row, _SIZE]
            price = events[row, _PRICE]
            notional = abs(size) * price
            closed[bar, market, 1 if size > 0 else 0] += notional  # a positive size buys back a short
            touched[1 + owner[bucket]] = 1
            if first_bar[bucket] < 0:
                first_bar[bucket] = bar
            if kind == event.ADL:
                winner = 1 + owner[events[row, _OTHER]]
                adl += notional
                adl_count[winner] += 1
                adl_notional[winner] += notional
                given[bucket] += size * (price - marks[market])  # size is the loser's: positive when it buys
            elif kind == event.BACKSTOP:
                tally.total[BACKSTOP_NOTIONAL] += notional
            else:
                add_impact(tally.impact, size, price, marks[market])
            found += 1
        elif kind == event.SOCIALISED:
            tally.socialised[1 + owner[events[row, _BUCKET]]] = 1
            found += 1
        elif add_outcome(tally, events, row, bar, now_ms):
            found += 1
    tally.adl[bar] += adl
    return found


@kernel
def add_impact(impact: Any, size: int, price: int, mark: int) -> None:
    """Counts a forced fill against the mark before it."""
    weight = max(abs(size) * price / 1e6, LEAST_WEIGHT)
    against = price / max(mark, 1) - 1.0
    impact[WEIGHTED] += (against if size > 0 else -against) * 1e4 * weight
    impact[WEIGHT] += weight


@kernel
def add_outcome(tally: Tally, events: Ints, row: int, bar: int, now_ms: int) -> bool:
    """Counts who paid a debt, and when a liquidation began or how it ended; False for any other event."""
    kind, bucket, amount = events[row, _KIND], events[row, _BUCKET], events[row, _AMOUNT]
    if kind == event.DEFICIT:
        if events[row, _OTHER] == event.INSURANCE:
            tally.insured[bar] += amount
        else:
            tally.unpaid[bar] += amount
    elif kind == event.LIQUIDATION:
        if tally.since_ms[bucket] < 0:
            tally.since_ms[bucket] = now_ms
    elif kind == event.LIQUIDATION_END:
        tally.left[bucket] += max(0, events[row, _EQUITY])
        if amount == 1:
            tally.gone[1 + tally.owner[bucket]] = 1
        if tally.since_ms[bucket] >= 0:
            tally.total[SPANS] += 1
            tally.total[SPAN_MS] += now_ms - tally.since_ms[bucket]
            tally.since_ms[bucket] = -1
    else:
        return False
    return True


@kernel
def add_fills(moved: Any, events: Ints) -> None:
    """Adds the signed notional of every fill, USD, to its market of `moved` [S]."""
    for row in range(len(events)):
        if events[row, _KIND] == event.FILL:
            moved[events[row, _MARKET]] += events[row, _SIZE] * (events[row, _PRICE] / 1e6)


@warm_up
def compile_tally() -> None:
    """Compiles the kernels on no events."""
    events = np.zeros((0, len(event.ROW)), np.int64)
    add_events(tally_of(1, 1, buckets=1, accounts=1), events, np.zeros(1, np.int64), 0, 0)
    add_fills(np.zeros(1), events)
