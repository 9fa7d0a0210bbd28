"""Do the events explain the state? Every change of cash, positions and funds in a batch, against the sum of its events.

Whole columns at once, so that it runs after every batch: a command that moves money without saying so, or says so
without moving it, is found at once, whoever it touched.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.engine.venue import Applied
from seawall.ledger import state
from seawall.simulation.properties import Fault
from seawall.terms import event
from seawall.terms.limits import ASSETS
from seawall.terms.parameter import OPEN_INTEREST_CAP

Ints = NDArray[np.int64]
KIND, MARKET, BUCKET, OTHER, ORDER, PRICE, SIZE, AMOUNT = (
    event.ROW.index(name) for name in ("kind", "market", "bucket", "other", "order", "price", "size", "amount")
)
KINDS: Final = 64  # numbers of events are below this
TRADES: Final = (event.FILL, event.LIQUIDATION_FILL, event.BACKSTOP, event.ADL, event.SETTLED)


class Notes(NamedTuple):
    """What is noted before a batch."""

    raw: Ints
    sizes: Ints  # by bucket and market
    insurance: Ints
    cell: Ints
    open_interest: Ints
    caps: Ints
    lots: Ints  # by bucket and asset


def note(columns: Any) -> Notes:
    """The figures that events must explain."""
    return Notes(
        columns["bucket_raw"].copy(),
        sizes_of(columns),
        columns["market_insurance"].copy(),
        columns["cell"].copy(),
        columns["market_open"].copy(),
        columns["param"][:-1, OPEN_INTEREST_CAP].copy(),
        lots_of(columns),
    )


def lots_of(columns: Any) -> Ints:
    """Lots of collateral, of a pool liquidity, by bucket and asset."""
    used = int(columns["cell"][state.HOLDINGS_USED])
    rows = np.flatnonzero((columns["holding_lots"][:used] != 0) & (columns["holding_bucket"][:used] >= 0))
    lots = np.zeros((len(columns["bucket_raw"]), ASSETS), np.int64)
    where = columns["holding_bucket"][rows], columns["holding_asset"][rows]
    np.add.at(lots, where, columns["holding_lots"][rows])
    return lots


def sizes_of(columns: Any) -> Ints:
    """Signed lots by bucket and market."""
    used = int(columns["count"][0])
    owner = columns["slot_owner"][1:used]
    rows = np.flatnonzero(owner >= 0)
    sizes = np.zeros((len(columns["bucket_raw"]), len(columns["market_price"])), np.int64)
    np.add.at(sizes, (owner[rows], columns["slot_market"][1:used][rows]), columns["slot_size"][1:used][rows])
    return sizes


def explain(columns: Any, before: Notes, done: Applied) -> list[Fault]:
    """Faults of the batch's events against the columns: nothing when every change has its event."""
    events = done.events
    faults = _prices(columns, events)
    cash, funds, cells = _money(len(before.raw), len(before.insurance), events)
    moved = columns["bucket_raw"] - before.raw
    if (wrong := np.flatnonzero(moved != cash)).size:
        at = int(wrong[0])
        faults.append(Fault("EVENT_CASH", f"bucket {at} moved by {moved[at]}, its events by {cash[at]}"))
    told = _sizes(before.sizes, events)
    now = sizes_of(columns)
    if not np.array_equal(now, told):
        bucket, market = (int(part[0]) for part in np.nonzero(now != told))
        facts = f"bucket {bucket} market {market}: {now[bucket, market]} lots, by events {told[bucket, market]}"
        faults.append(Fault("EVENT_SIZE", facts))
    change = columns["market_insurance"] - before.insurance
    if (wrong := np.flatnonzero(change != funds)).size:
        at = int(wrong[0])
        faults.append(Fault("EVENT_FUNDS", f"insurance {at} moved by {change[at]}, its events by {funds[at]}"))
    for number, amount in cells.items():
        if int(columns["cell"][number] - before.cell[number]) != amount:
            facts = f"cell {number} moved by {columns['cell'][number] - before.cell[number]}, by events {amount}"
            faults.append(Fault("EVENT_FUNDS", facts))
    return faults + _holdings(columns, before.lots, events) + _caps(columns, before, events)


def _holdings(columns: Any, before: Ints, events: Ints) -> list[Fault]:
    """Balances of collateral moved by what their events say, and each is what its last event says it is."""
    rows, now, told = _of(events, event.HOLDING), lots_of(columns), before.copy()
    np.add.at(told, (rows[:, BUCKET], rows[:, OTHER]), rows[:, SIZE])
    ranges = _of(events, event.RANGE)
    np.add.at(told, (ranges[:, BUCKET], ranges[:, OTHER]), ranges[:, SIZE])
    if not np.array_equal(now, told):
        bucket, asset = (int(part[0]) for part in np.nonzero(now != told))
        facts = f"bucket {bucket} asset {asset}: {now[bucket, asset]} lots, by events {told[bucket, asset]}"
        return [Fault("EVENT_HOLDINGS", facts)]
    last = {(row[BUCKET], row[OTHER]): row[AMOUNT] for row in rows.tolist()}
    for (bucket, asset), lots in last.items():
        if now[bucket, asset] != lots:
            return [Fault("EVENT_HOLDINGS", f"bucket {bucket} asset {asset}: {now[bucket, asset]}, told {lots}")]
    return []


def _of(events: Ints, *kinds: int) -> Ints:
    is_wanted = np.zeros(KINDS, bool)
    is_wanted[list(kinds)] = True
    rows: Ints = events[is_wanted[events[:, KIND]]]
    return rows


def _prices(columns: Any, events: Ints) -> list[Fault]:
    trades = _of(events, *TRADES)
    most = columns["market_price_max"][trades[:, MARKET]]
    bad = (trades[:, PRICE] < 0) | (trades[:, PRICE] > most) | (trades[:, SIZE] == 0)
    bad |= (trades[:, PRICE] == 0) & (trades[:, KIND] == event.FILL)
    return [Fault("EVENT_PRICE", f"event {trades[bad][0].tolist()}")] if bad.any() else []


def _money(buckets: int, markets: int, events: Ints) -> tuple[Ints, Ints, dict[int, int]]:
    """What the events say of cash by bucket, insurance by market, and the venue's cells."""
    cash, funds = np.zeros(buckets, np.int64), np.zeros(markets, np.int64)

    def add(rows: Ints, column: int, amounts: Ints) -> None:
        known = rows[:, column] >= 0
        np.add.at(cash, rows[known, column], amounts[known])

    fills = _of(events, event.FILL)
    cost = fills[:, SIZE] * fills[:, PRICE]
    add(fills, BUCKET, -cost - fills[:, AMOUNT])
    add(fills, OTHER, cost)
    fees = _of(events, event.MAKER_FEE)
    add(fees, BUCKET, -fees[:, AMOUNT])
    for kind, sign in ((event.DEPOSITED, 1), (event.WITHDRAWAL, -1), (event.WITHDRAWAL_BACK, 1)):
        add(rows := _of(events, kind), BUCKET, sign * rows[:, AMOUNT])
    add(rows := _of(events, event.MOVED, event.ISOLATED_RETURNED), BUCKET, -rows[:, AMOUNT])
    add(rows, OTHER, rows[:, AMOUNT])
    moved = _of(events, event.POSITION_MOVED)
    add(moved, BUCKET, moved[:, ORDER] - moved[:, AMOUNT])
    add(moved, OTHER, moved[:, AMOUNT] - moved[:, ORDER])
    add(rows := _of(events, event.FUNDING_PAID), BUCKET, rows[:, AMOUNT])
    rows = _of(events, event.SHARES)
    rows = rows[rows[:, OTHER] >= 0]  # those of nobody cost nothing
    add(rows, BUCKET, rows[:, AMOUNT])
    add(rows, OTHER, -rows[:, AMOUNT])
    fund = _of(events, event.INSURANCE)
    np.add.at(funds, fund[:, MARKET], fund[:, AMOUNT])
    given = fund[np.isin(fund[:, OTHER], (event.MOVED, event.SHARES))]
    add(given, BUCKET, -given[:, AMOUNT])
    sold = _of(events, event.ASSET_SOLD)
    add(sold, BUCKET, sold[:, AMOUNT])
    add(sold, OTHER, -sold[:, AMOUNT])
    unwound = _of(events, event.RANGE_UNWOUND)
    add(unwound, BUCKET, unwound[:, AMOUNT])
    interest = _of(events, event.INTEREST)
    add(interest, BUCKET, -interest[:, AMOUNT])
    debt = _forced(add, events)
    covered = _of(events, event.DEFICIT)
    covered = covered[covered[:, OTHER] == event.INTEREST]
    total = {kind: int(_of(events, kind)[:, AMOUNT].sum()) for kind in MONEY_KINDS}
    cells = {
        state.VAULT: total[event.DEPOSITED] - total[event.WITHDRAWAL_DONE] + int(unwound[:, AMOUNT].sum()),
        state.PENDING: total[event.WITHDRAWAL] - total[event.WITHDRAWAL_DONE] - total[event.WITHDRAWAL_BACK],
        state.FEES: int(fills[:, AMOUNT].sum() + fees[:, AMOUNT].sum()),
        state.BAD_DEBT: debt,
        state.RESERVE: int(interest[:, AMOUNT].sum() - covered[:, AMOUNT].sum()),
    }
    return cash, funds, cells


MONEY_KINDS: Final = (event.DEPOSITED, event.WITHDRAWAL, event.WITHDRAWAL_DONE, event.WITHDRAWAL_BACK)


def _forced(add: Any, events: Ints) -> int:
    """Cash moved by the stages of a liquidation; returns what that did to the cell of bad debt."""
    taken = _of(events, event.BACKSTOP, event.ADL)
    cost = taken[:, SIZE] * taken[:, PRICE]
    add(taken, BUCKET, -cost)
    add(taken, OTHER, cost)
    settled = _of(events, event.SETTLED)  # bucket is the long
    cost = settled[:, SIZE] * settled[:, PRICE]
    add(settled, BUCKET, cost)
    add(settled, OTHER, -cost)
    fees = _of(events, event.LIQUIDATION_FILL)
    add(fees, BUCKET, -fees[:, AMOUNT])
    paid = _of(events, event.DEFICIT)
    paid = paid[paid[:, BUCKET] >= 0]
    add(paid, BUCKET, paid[:, AMOUNT])
    cut = _of(events, event.SOCIALISED)
    add(cut, BUCKET, -cut[:, AMOUNT])
    shared = ~np.isin(paid[:, OTHER], (event.INSURANCE, event.INTEREST))
    return int(cut[:, AMOUNT].sum() - paid[shared][:, AMOUNT].sum())


def _sizes(before: Ints, events: Ints) -> Ints:
    told = before.copy()
    rows = _of(events, event.FILL, event.BACKSTOP, event.ADL)
    settled = _of(events, event.SETTLED)
    np.add.at(told, (settled[:, BUCKET], settled[:, MARKET]), -settled[:, SIZE])
    np.add.at(told, (settled[:, OTHER], settled[:, MARKET]), settled[:, SIZE])
    gone = _of(events, event.POSITION_MOVED)
    np.add.at(told, (gone[:, BUCKET], gone[:, MARKET]), -gone[:, SIZE])
    np.add.at(told, (gone[:, OTHER], gone[:, MARKET]), gone[:, SIZE])
    np.add.at(told, (rows[:, BUCKET], rows[:, MARKET]), rows[:, SIZE])
    np.add.at(told, (rows[:, OTHER], rows[:, MARKET]), -rows[:, SIZE])
    return told


def _caps(columns: Any, before: Notes, events: Ints) -> list[Fault]:
    """Open interest may only have grown below the greatest cap there was: before, after, or told on the way."""
    cap = np.maximum(before.caps, columns["param"][:-1, OPEN_INTEREST_CAP])
    told = _of(events, event.PARAMETER)
    told = told[(told[:, ORDER] == OPEN_INTEREST_CAP) & (told[:, MARKET] >= 0) & (told[:, MARKET] < len(cap))]
    np.maximum.at(cap, told[:, MARKET], told[:, PRICE])
    now = columns["market_open"]
    wrong = np.flatnonzero((now > before.open_interest) & (now > cap))
    if not wrong.size:
        return []
    at = int(wrong[0])
    return [Fault("EVENT_CAPS", f"market {at}: {before.open_interest[at]} then {now[at]} lots, cap {cap[at]}")]
