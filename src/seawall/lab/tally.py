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

    owner: Ints  # [B] account of each bucket, also of those closed since `know`; -1 for pools
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
    """Counts the liquidation events among `events`, `marks` being those before them; returns how many there were."""
    found = 0
    for row in range(len(events)):
        kind, bucket = events[row, _KIND], events[row, _BUCKET]
        if kind in (event.LIQUIDATION_FILL, event.BACKSTOP, event.ADL):
            _add_close(tally, events[row], marks, bar)
        elif kind == event.DEFICIT:
            paid = tally.insured if events[row, _OTHER] == event.INSURANCE else tally.unpaid
            paid[bar] += events[row, _AMOUNT]
        elif kind == event.SOCIALISED:
            tally.socialised[1 + tally.owner[bucket]] = 1
        elif kind == event.LIQUIDATION:
            if tally.since_ms[bucket] < 0:
                tally.since_ms[bucket] = now_ms
        elif kind == event.LIQUIDATION_END:
            _add_end(tally, events[row], now_ms)
        else:
            continue
        found += 1
    return found


@kernel
def _add_close(tally: Tally, row: Ints, marks: Ints, bar: int) -> None:
    kind, market, bucket, price, size = row[_KIND], row[_MARKET], row[_BUCKET], row[_PRICE], row[_SIZE]
    notional = abs(size) * price
    tally.closed[bar, market, 1 if size > 0 else 0] += notional  # a positive size buys back a short
    tally.touched[1 + tally.owner[bucket]] = 1
    if tally.first_bar[bucket] < 0:
        tally.first_bar[bucket] = bar
    if kind == event.ADL:
        winner = 1 + tally.owner[row[_OTHER]]
        tally.adl[bar] += notional
        tally.adl_count[winner] += 1
        tally.adl_notional[winner] += notional
        tally.given[bucket] += size * (price - marks[market])  # size is signed for the loser: positive when it buys
    elif kind == event.BACKSTOP:
        tally.total[BACKSTOP_NOTIONAL] += notional
    else:
        weight = max(notional / 1e6, LEAST_WEIGHT)
        against = np.sign(size) * (price / max(marks[market], 1) - 1.0) * 1e4
        tally.impact[WEIGHTED] += against * weight
        tally.impact[WEIGHT] += weight


@kernel
def _add_end(tally: Tally, row: Ints, now_ms: int) -> None:
    bucket = row[_BUCKET]
    tally.left[bucket] += max(0, row[_EQUITY])
    if row[_AMOUNT] == 1:
        tally.gone[1 + tally.owner[bucket]] = 1
    if tally.since_ms[bucket] >= 0:
        tally.total[SPANS] += 1
        tally.total[SPAN_MS] += now_ms - tally.since_ms[bucket]
        tally.since_ms[bucket] = -1


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
