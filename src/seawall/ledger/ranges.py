"""Positions of concentrated liquidity as collateral (kernels): rows of holdings with a range (SPEC section 11).

A position is a token of a pool's contract, held by the venue for its owner. A row that waits to leave, asked for or
sent back, is nobody's and in no list; its withdrawal keeps its number.
"""

from typing import Any

from seawall.kernel import kernel
from seawall.ledger.buckets import note_debt
from seawall.ledger.events import emit
from seawall.ledger.holdings import (
    NONE,
    add_lots,
    charge,
    count_holdings,
    find_holding,
    give_row,
    link_row,
    revalue,
    take_row,
    unlink_row,
)
from seawall.ledger.state import HOLDING_FREE, HOLDINGS_USED
from seawall.ledger.valuation import units_of
from seawall.terms import event
from seawall.terms.asset_parameter import POOL
from seawall.terms.limits import HOLDINGS_PER_BUCKET, POOLED_PER_BUCKET


@kernel
def find_range(s: Any, asset: int, token: int) -> int:
    """The row of a position that a bucket holds; 0 when none does."""
    row = s.asset_first[asset]
    while row != NONE:  # at most the holdings of the asset
        if s.holding_token[row] == token:
            return int(row)
        row = s.holding_after[row]
    return NONE


@kernel
def count_ranges(s: Any, bucket: int) -> int:
    """How many liquidity positions a bucket holds."""
    held, row = 0, s.bucket_holding[bucket]
    while row != NONE:  # at most HOLDINGS_PER_BUCKET
        if s.asset_kind[s.holding_asset[row]] == POOL:
            held += 1
        row = s.holding_next[row]
    return held


@kernel
def has_range_room(s: Any, bucket: int) -> bool:
    """Whether a bucket may hold one position more."""
    return bool(count_ranges(s, bucket) < POOLED_PER_BUCKET and count_holdings(s, bucket) < HOLDINGS_PER_BUCKET)


@kernel
def has_free_row(s: Any) -> bool:
    """Whether the table of holdings has a row left."""
    return bool(s.cell[HOLDING_FREE] != 0 or s.cell[HOLDINGS_USED] < len(s.holding_lots))


@kernel
def make_range(s: Any, c: Any) -> int:
    """A row, nobody's yet, for the position that a row of commands describes."""
    row = take_row(s, c.other)
    s.holding_token[row], s.holding_asked[row] = c.client_low, 0
    write_range(s, row, c)
    return row


@kernel
def write_range(s: Any, row: int, c: Any) -> None:
    """A row of holdings, in no list, becomes the range of a row of commands; with other bounds it starts anew."""
    is_moved = s.holding_low[row] != c.price or s.holding_high[row] != c.trigger or s.holding_scale[row] != c.extra
    s.holding_lots[row] = c.size
    s.holding_low[row], s.holding_high[row], s.holding_scale[row] = c.price, c.trigger, c.extra
    if is_moved:
        s.holding_start[row] = s.market_oracle[s.asset_market[c.other]]


@kernel
def enter(s: Any, row: int, bucket: int) -> None:
    """A position becomes collateral of a bucket."""
    charge(s, bucket)
    link_row(s, row, bucket)
    units = units_of(s, row)
    s.asset_total[s.holding_asset[row]] += units
    s.holding_asked[row] = 0
    emit(s, event.RANGE, -1, bucket, s.holding_asset[row], s.holding_token[row], 0, s.holding_lots[row], units)
    note_debt(s, bucket)
    revalue(s, bucket)


@kernel
def leave_bucket(s: Any, row: int) -> None:
    """A position is no longer collateral of its bucket, nor anybody's."""
    bucket, units = s.holding_bucket[row], units_of(s, row)
    charge(s, bucket)
    unlink_row(s, row)
    s.asset_total[s.holding_asset[row]] -= units
    emit(s, event.RANGE, -1, bucket, s.holding_asset[row], s.holding_token[row], 0, -s.holding_lots[row], units)
    note_debt(s, bucket)
    revalue(s, bucket)


@kernel
def forget_range(s: Any, row: int) -> None:
    """The row of a position that is nobody's becomes free."""
    s.holding_low[row], s.holding_high[row], s.holding_scale[row] = 0, 0, 0
    s.holding_token[row], s.holding_start[row], s.holding_asked[row] = 0, 0, 0
    give_row(s, row)


@kernel
def give_back(s: Any, bucket: int) -> bool:
    """Moves all collateral of an isolated bucket to its owner's cross bucket, unless that has no room for it."""
    owner, row = s.bucket_owner[bucket], s.bucket_holding[bucket]
    held, ranges = count_holdings(s, owner), count_ranges(s, owner) + count_ranges(s, bucket)
    while row != NONE:  # at most HOLDINGS_PER_BUCKET
        is_range = s.asset_kind[s.holding_asset[row]] == POOL
        if is_range or find_holding(s, owner, s.holding_asset[row]) == NONE:
            held += 1
        row = s.holding_next[row]
    if held > HOLDINGS_PER_BUCKET or ranges > POOLED_PER_BUCKET:
        return False
    while s.bucket_holding[bucket] != NONE:  # at most HOLDINGS_PER_BUCKET; a row is freed before one is taken
        row = s.bucket_holding[bucket]
        asset, lots = s.holding_asset[row], s.holding_lots[row]
        if s.asset_kind[asset] == POOL:
            leave_bucket(s, row)
            enter(s, row, owner)
        else:
            add_lots(s, bucket, asset, -lots, event.ISOLATED_RETURNED)
            add_lots(s, owner, asset, lots, event.ISOLATED_RETURNED)
    return True
