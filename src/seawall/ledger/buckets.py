"""The only writers of positions and cash (kernels): slots of a bucket, funding settlement, money between buckets.

A slot is one position: it exists while its size or its resting orders are not zero. Every function here keeps the
triggers informed: a bucket that changed is queued with `note_fired` and measured before prices next move it.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.held import note_held
from seawall.ledger.state import ADVANCED, BORROW_INDEX, BORROWED, CLOSED, CLOSED_HEAD, DUST
from seawall.margin.certificate import BEYOND, FUNDING_MAX, HALF_DELTA_MAX
from seawall.margin.ladder import KEY, NEVER_KEY, unlink
from seawall.margin.trigger_kernels import note_fired, row_of
from seawall.margin.trigger_state import SLOT_FREE, SLOTS_LIVE, SLOTS_USED
from seawall.terms.limits import POSITIONS_PER_BUCKET, RAW_USD_MAX
from seawall.units import FUNDING_INDEX_PER_MICRO
from seawall.wide import mul_ceil_div, mul_floor_div

INTEREST_ONE: Final = 10**12  # the borrow index is in 1e-12 USD a USD


@kernel
def find_slot(s: Any, bucket: int, market: int) -> int:
    """The bucket's slot of a market; 0 when it has none."""
    slot = s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        if s.slot_market[slot] == market:
            return int(slot)
        slot = s.slot_sibling[slot]
    return 0


@kernel
def has_slot_room(s: Any, bucket: int) -> bool:
    """Whether `open_slot` would succeed: a place in the table and fewer than 64 positions."""
    if s.count[SLOT_FREE] == 0 and s.count[SLOTS_USED] >= len(s.slot_size):
        return False
    held, slot = 0, s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        held, slot = held + 1, s.slot_sibling[slot]
    return held < POSITIONS_PER_BUCKET


@kernel
def open_slot(s: Any, bucket: int, market: int, leverage: int) -> int:
    """A new, empty slot at the head of the bucket's list. The caller has asked `has_slot_room`."""
    slot = s.count[SLOT_FREE]
    if slot != 0:
        s.count[SLOT_FREE] = s.slot_sibling[slot]
    else:
        slot = s.count[SLOTS_USED]
        s.count[SLOTS_USED] = slot + 1
    s.count[SLOTS_LIVE] += 1
    s.slot_market[slot] = market
    s.slot_size[slot] = 0
    s.slot_index[slot] = s.market_index[market]
    s.slot_entry[slot] = 0
    s.slot_bids[slot] = 0
    s.slot_asks[slot] = 0
    s.slot_leverage[slot] = leverage
    s.slot_claimed[slot] = 0
    s.slot_link[slot, KEY] = NEVER_KEY
    s.slot_owner[slot] = bucket
    s.slot_sibling[slot] = s.bucket_first[bucket]
    s.bucket_first[bucket] = slot
    return int(slot)


@kernel
def close_empty_slot(s: Any, slot: int) -> None:
    """Frees the slot when neither a position nor an order is left in it."""
    if s.slot_size[slot] != 0 or s.slot_bids[slot] != 0 or s.slot_asks[slot] != 0:
        return
    bucket = s.slot_owner[slot]
    unlink(s, row_of(s.slot_market[slot], s.slot_size[slot]), slot)
    if s.bucket_first[bucket] == slot:
        s.bucket_first[bucket] = s.slot_sibling[slot]
    else:
        before = s.bucket_first[bucket]
        while s.slot_sibling[before] != slot:  # at most POSITIONS_PER_BUCKET
            before = s.slot_sibling[before]
        s.slot_sibling[before] = s.slot_sibling[slot]
    s.slot_owner[slot] = -1
    s.slot_sibling[slot] = s.count[SLOT_FREE]
    s.count[SLOT_FREE] = slot
    s.count[SLOTS_LIVE] -= 1


@kernel
def funding_of(s: Any, slot: int) -> int:
    """Funding the slot has earned (negative: owes) since it last settled, in micro-USD; rounds down.

    BEYOND when it does not fit beside the other bounds; funding steps keep it from getting there (engine/funding.py).
    """
    size = s.slot_size[slot]
    index, entry = s.market_index[s.slot_market[slot]], s.slot_index[slot]
    if size == 0 or index == entry:
        return 0
    if abs((index >> 1) - (entry >> 1)) > HALF_DELTA_MAX:
        return BEYOND
    step = index - entry
    whole = step // FUNDING_INDEX_PER_MICRO
    part = step - whole * FUNDING_INDEX_PER_MICRO
    if abs(whole) > 3 and abs(whole) > FUNDING_MAX // abs(size) - 1:
        return BEYOND
    size_whole = size // FUNDING_INDEX_PER_MICRO
    size_part = size - size_whole * FUNDING_INDEX_PER_MICRO
    return int(-size * whole - size_whole * part + (-(size_part * part)) // FUNDING_INDEX_PER_MICRO)


@kernel
def settle_slot(s: Any, slot: int) -> int:
    """Pays a slot's funding into its bucket's cash and returns it. What the floor leaves goes to DUST, whole units."""
    market = s.slot_market[slot]
    if s.slot_index[slot] == s.market_index[market]:
        return 0
    size = s.slot_size[slot]
    paid = funding_of(s, slot)
    part = (s.market_index[market] - s.slot_index[slot]) % FUNDING_INDEX_PER_MICRO
    left = (-(size % FUNDING_INDEX_PER_MICRO) * part) % FUNDING_INDEX_PER_MICRO
    s.slot_index[slot] = s.market_index[market]
    s.bucket_raw[s.slot_owner[slot]] += paid
    note_debt(s, s.slot_owner[slot])
    residue = s.market_funding_residue[market] + left
    s.market_funding_residue[market] = residue % FUNDING_INDEX_PER_MICRO
    s.cell[DUST] += residue // FUNDING_INDEX_PER_MICRO
    return int(paid)


@kernel
def settle(s: Any, bucket: int) -> int:
    """Settles every slot of a bucket; returns what it was paid."""
    paid, slot = 0, s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        paid += settle_slot(s, slot)
        slot = s.slot_sibling[slot]
    return int(paid)


@kernel
def cash_fits(s: Any, bucket: int, amount: int) -> bool:
    """Whether `amount` more keeps the bucket's cash within its bound."""
    return bool(abs(s.bucket_raw[bucket] + amount) <= RAW_USD_MAX)


@kernel
def add_cash(s: Any, bucket: int, amount: int) -> None:
    """Credits (negative: debits) a bucket; the caller has asked `cash_fits`. More cash leaves a certificate true."""
    s.bucket_raw[bucket] += amount
    note_debt(s, bucket)
    if amount < 0:
        note_fired(s, bucket)
    elif s.bucket_advanced[bucket] != 0:
        repay(s, bucket)


@kernel
def interest_of(s: Any, bucket: int) -> int:
    """Interest on the bucket's debt that is not charged yet, rounded up."""
    row = s.bucket_holding[bucket]
    debt, step = s.holding_debt[row], s.cell[BORROW_INDEX] - s.holding_borrow[row]
    if debt == 0 or step == 0:
        return int(s.holding_due[row])
    return int(s.holding_due[row] + mul_ceil_div(debt, step, INTEREST_ONE))


@kernel
def note_debt(s: Any, bucket: int) -> None:
    """After every change of cash or holdings: interest on a debt that stood until now falls due, the new one is kept.

    Only who holds collateral borrows: without it negative cash is profit taken out, which losers pay (SPEC section 4).
    """
    row = s.bucket_holding[bucket]
    if row == 0:
        return
    debt = max(0, -cash_of(s, bucket))
    if debt == s.holding_debt[row]:
        return
    s.holding_due[row] = interest_of(s, bucket)
    s.holding_borrow[row] = s.cell[BORROW_INDEX]
    s.cell[BORROWED] += debt - s.holding_debt[row]
    s.holding_debt[row] = debt


@kernel
def cash_of(s: Any, bucket: int) -> int:
    """USD without unrealised pnl: raw_usd plus the entry notional of every position."""
    total, slot = s.bucket_raw[bucket], s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        total += s.slot_entry[slot]
        slot = s.slot_sibling[slot]
    return int(total)


@kernel
def set_advanced(s: Any, slot: int, amount: int) -> None:
    """The unrealised profit of a position that has left its bucket: the one writer of advances and of their sums."""
    more = amount - s.slot_advanced[slot]
    s.slot_advanced[slot] = amount
    s.bucket_advanced[s.slot_owner[slot]] += more
    s.market_advanced[s.slot_market[slot]] += more
    s.cell[ADVANCED] += more


@kernel
def repay(s: Any, bucket: int) -> None:
    """Cash has come in: advances fall to what the bucket still owes, and end with their position (SPEC section 4)."""
    owed, slot = max(0, -cash_of(s, bucket)), s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        kept = min(owed, s.slot_advanced[slot]) if s.slot_size[slot] != 0 else 0
        if kept != s.slot_advanced[slot]:
            set_advanced(s, slot, kept)
        owed, slot = owed - kept, s.slot_sibling[slot]


@kernel
def trade(s: Any, slot: int, size: int, price: int, fee: int) -> None:
    """A fill of signed `size` lots at `price` (SPEC section 1), the slot settled before.

    Adding sums entry notionals; reducing keeps them pro rata, rounded against the account; crossing zero closes in full
    and opens the rest at `price`. Open interest and the market's sum of entries follow. Bounds are the caller's.
    """
    market, bucket, old = s.slot_market[slot], s.slot_owner[slot], s.slot_size[slot]
    after = old + size
    entry = s.slot_entry[slot]
    kept = entry_after(old, entry, size, price)
    if (old < 0) != (after < 0) or old == 0 or after == 0:
        unlink(s, row_of(market, old), slot)
        if old != 0:
            note_held(s, row_of(market, old), slot, False)
        if after != 0:
            note_held(s, row_of(market, after), slot, True)
        if old != 0 and s.bucket_stops[bucket] != 0:
            note_closed(s, bucket)
    s.slot_size[slot] = after
    s.slot_entry[slot] = kept
    s.bucket_raw[bucket] -= size * price + fee
    s.market_open[market] += max(after, 0) - max(old, 0)
    s.market_entry_sum[market] += kept - entry
    note_debt(s, bucket)
    if s.bucket_advanced[bucket] != 0:
        repay(s, bucket)
    note_fired(s, bucket)


@kernel
def note_closed(s: Any, bucket: int) -> None:
    """Queues a bucket whose trigger orders may have lost the position they reduce, once (engine/stops.py)."""
    if s.bucket_closed[bucket] == 0:
        s.bucket_closed[bucket] = 1
        end = s.cell[CLOSED_HEAD] + s.cell[CLOSED]
        s.closed[end if end < len(s.closed) else end - len(s.closed)] = bucket
        s.cell[CLOSED] += 1


@kernel
def entry_after(old: int, entry: int, size: int, price: int) -> int:
    """Entry notional after a fill of `size` at `price` on a position `old` with `entry`."""
    after = old + size
    if old == 0 or (old > 0) == (size > 0):
        return entry + size * price
    if after == 0:
        return 0
    if (after > 0) == (old > 0):
        return int(mul_floor_div(entry, abs(after), abs(old)))
    return after * price
