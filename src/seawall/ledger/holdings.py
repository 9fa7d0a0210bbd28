"""Balances of collateral assets (kernels): the only writers of holdings, of what they are worth and of interest paid.

A holding is a row (bucket, asset, lots) in two lists, its bucket's and its asset's; it exists while its lots are not
zero. Whatever changes holdings ends with `revalue`: the triggers of the bucket rest on `holding_worth` of
its first holding, which also keeps what the bucket owes.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.buckets import interest_of, note_debt
from seawall.ledger.events import emit
from seawall.ledger.state import ASSETS, BORROW_INDEX, BORROWED, HOLDING_FREE, HOLDINGS_USED, RESERVE
from seawall.ledger.valuation import kept_worth
from seawall.margin.trigger_kernels import PORTFOLIO, note_fired
from seawall.terms import event
from seawall.terms.limits import HOLDINGS_PER_BUCKET

NONE: Final = 0
NOBODY: Final = -1  # bucket of a row that waits to leave


@kernel
def find_holding(s: Any, bucket: int, asset: int) -> int:
    """The bucket's row of an asset; 0 when it has none."""
    row = s.bucket_holding[bucket]
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        if s.holding_asset[row] == asset:
            return int(row)
        row = s.holding_next[row]
    return NONE


@kernel
def lots_of(s: Any, bucket: int, asset: int) -> int:
    """Lots of an asset that a bucket holds."""
    row = find_holding(s, bucket, asset)
    return int(s.holding_lots[row]) if row != NONE else 0


@kernel
def has_holding_room(s: Any, bucket: int, asset: int) -> bool:
    """Whether `add_lots` of the asset would find a row: one there, or a free one and fewer than the most."""
    if find_holding(s, bucket, asset) != NONE:
        return True
    if s.cell[HOLDING_FREE] == 0 and s.cell[HOLDINGS_USED] >= len(s.holding_lots):
        return False
    return count_holdings(s, bucket) < HOLDINGS_PER_BUCKET


@kernel
def count_holdings(s: Any, bucket: int) -> int:
    """How many holdings a bucket has."""
    held, row = 0, s.bucket_holding[bucket]
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        held, row = held + 1, s.holding_next[row]
    return held


@kernel
def add_lots(s: Any, bucket: int, asset: int, lots: int, why: int) -> None:
    """Adds signed lots to a bucket's balance, told with `why`; the caller knows that it stays >= 0 and has room."""
    charge(s, bucket)
    row = find_holding(s, bucket, asset)
    if row == NONE:
        row = take_row(s, asset)
        link_row(s, row, bucket)
    s.holding_lots[row] += lots
    s.asset_total[asset] += lots
    left = s.holding_lots[row]
    if left == 0:
        unlink_row(s, row)
        give_row(s, row)
    emit(s, event.HOLDING, -1, bucket, asset, why, 0, lots, left)
    note_debt(s, bucket)
    revalue(s, bucket)


@kernel
def charge(s: Any, bucket: int) -> None:
    """The bucket pays the interest that it owes into the reserve."""
    row, due = s.bucket_holding[bucket], interest_of(s, bucket)
    if due == 0:
        return
    debt, step = s.holding_debt[row], s.cell[BORROW_INDEX] - s.holding_borrow[row]
    s.bucket_raw[bucket] -= due
    s.cell[RESERVE] += due
    s.holding_due[row] = 0
    s.holding_borrow[row] = s.cell[BORROW_INDEX]
    emit(s, event.INTEREST, -1, bucket, -1, 0, step, debt, due)
    note_debt(s, bucket)
    note_fired(s, bucket)


@kernel
def revalue(s: Any, bucket: int) -> None:
    """Writes what a bucket's holdings are worth now; one whose certificate no longer holds, or has none, is queued."""
    row = s.bucket_holding[bucket]
    worth = kept_worth(s, bucket)
    if row != NONE:
        s.holding_worth[row] = worth
    if row == NONE or worth < s.holding_floor[row] or s.bucket_mode[bucket] == PORTFOLIO:
        note_fired(s, bucket)


@kernel
def revalue_asset(s: Any, asset: int) -> None:
    """The asset's price or weight has changed: values every bucket that holds it."""
    row = s.asset_first[asset]
    while row != 0:  # at most the holdings of the asset
        revalue(s, s.holding_bucket[row])
        row = s.holding_after[row]


@kernel
def revalue_market(s: Any, market: int) -> None:
    """A new index: values the holders of every asset that it prices."""
    for asset in range(s.cell[ASSETS]):
        if s.asset_market[asset] == market or s.asset_redeemed[asset] == market + 1:
            revalue_asset(s, asset)


@kernel
def take_row(s: Any, asset: int) -> int:
    """A free row for a holding of an asset, in no list yet; the caller has asked for room."""
    row = s.cell[HOLDING_FREE]
    if row != 0:
        s.cell[HOLDING_FREE] = s.holding_next[row]
    else:
        row = s.cell[HOLDINGS_USED]
        s.cell[HOLDINGS_USED] = row + 1
    s.holding_asset[row], s.holding_lots[row], s.holding_bucket[row] = asset, 0, NOBODY
    return int(row)


@kernel
def give_row(s: Any, row: int) -> None:
    """A row that is in no list becomes free."""
    s.holding_asset[row], s.holding_lots[row], s.holding_bucket[row] = 0, 0, 0
    s.holding_next[row] = s.cell[HOLDING_FREE]
    s.cell[HOLDING_FREE] = row


@kernel
def link_row(s: Any, row: int, bucket: int) -> None:
    """Puts a row into the lists of a bucket and of its asset."""
    asset = s.holding_asset[row]
    s.holding_bucket[row] = bucket
    s.holding_next[row] = s.bucket_holding[bucket]
    _carry(s, s.bucket_holding[bucket], row)
    s.bucket_holding[bucket] = row
    first = s.asset_first[asset]
    s.holding_before[row], s.holding_after[row] = 0, first
    if first != 0:
        s.holding_before[first] = row
    s.asset_first[asset] = row


@kernel
def unlink_row(s: Any, row: int) -> None:
    """Takes a row out of both lists; it is nobody's then."""
    bucket, asset = s.holding_bucket[row], s.holding_asset[row]
    if s.bucket_holding[bucket] == row:
        s.bucket_holding[bucket] = s.holding_next[row]
        _carry(s, row, s.holding_next[row])
    else:
        before = s.bucket_holding[bucket]
        while s.holding_next[before] != row:  # at most HOLDINGS_PER_BUCKET
            before = s.holding_next[before]
        s.holding_next[before] = s.holding_next[row]
    after, before = s.holding_after[row], s.holding_before[row]
    if after != 0:
        s.holding_before[after] = before
    if before != 0:
        s.holding_after[before] = after
    else:
        s.asset_first[asset] = after
    s.holding_bucket[row], s.holding_next[row] = NOBODY, 0
    s.holding_after[row], s.holding_before[row] = 0, 0


@kernel
def _carry(s: Any, old: int, new: int) -> None:
    """What the first holding of a bucket keeps for all goes to the one that is first now; 0: there is none."""
    if new == 0:
        s.cell[BORROWED] -= s.holding_debt[old]
    elif old == 0:
        s.holding_borrow[new] = s.cell[BORROW_INDEX]
    else:
        s.holding_worth[new], s.holding_floor[new] = s.holding_worth[old], s.holding_floor[old]
        s.holding_debt[new], s.holding_due[new] = s.holding_debt[old], s.holding_due[old]
        s.holding_borrow[new] = s.holding_borrow[old]
    if old != 0:
        s.holding_worth[old], s.holding_floor[old] = 0, 0
        s.holding_debt[old], s.holding_due[old], s.holding_borrow[old] = 0, 0, 0
