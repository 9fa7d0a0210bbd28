"""What the triggers do in compiled code: place a bucket, collect what has fired, evaluate it (kernels).

Commands only queue buckets; `evaluate` then places them all, and is compiled once.

The collateral of a bucket is worth `holding_worth` of its first holding, written by who values it; a certificate holds
while that is at least `holding_floor`, and whoever writes less queues the bucket.

A long's trigger t fires below, a short's above. Both are kept as one signed key in the row of the market and side,
`key = side * t - floor(shift / 1e6)`, and fire while `key > level = side * price - ceil(shift / 1e6)`: funding that
the side pays raises `shift` and so every trigger of the row at once. Derivation: docs/adr/0003-certified-triggers.md.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.margin.certificate import BEYOND, FENCE, LIVE, SAFE, SHARP, buffer_at, certified, propose, reserve
from seawall.margin.ladder import AFTER, ALWAYS_KEY, KEY, NEVER_KEY, cell_of, link, next_cell, unlink
from seawall.margin.trigger_state import (
    EVALUATED,
    FIRED,
    FIRED_HEAD,
    SLOT_FREE,
    SLOTS_LIVE,
    SLOTS_USED,
)
from seawall.units import FUNDING_INDEX_PER_MICRO

# what is known of a bucket
UNUSED: Final = 0
PLACED: Final = 1  # certified at the fence rates
EDGE: Final = 2  # certified at the live rates only: placed again when they rise
WATCHED: Final = 3  # healthy by less than the reserve: evaluated at every tick of its markets
UNSURE: Final = 4  # no bound here (portfolio margin, funding too large): reported at every tick of its markets
LIQUIDATABLE: Final = 5  # out of the ladder until it is placed again or `review` finds it healthy

FLOOR_BITS: Final = 6  # collateral may lose 1/64 before its bucket is evaluated, where the bucket can bear it

TIERED: Final = 0
PORTFOLIO: Final = 1


@kernel
def row_of(market: int, size: int) -> int:
    """The ladder row of a position: even rows hold longs, odd rows shorts."""
    return 2 * market + (1 if size < 0 else 0)


@kernel
def level_of(s: Any, row: int) -> int:
    """Keys above this fire at the present price and funding."""
    price = s.market_price[row >> 1]
    side_price = price if row & 1 == 0 else -price
    return int(side_price + (-s.row_shift[row]) // FUNDING_INDEX_PER_MICRO)


@kernel
def funding_push(row: int, step: int) -> int:
    """How far a step of the funding index moves a row's triggers toward the price, in index units.

    A long that pays x a lot loses at most what a price lower by x a lot costs twice over (its buffer rises by at
    least half of each rise); a short that pays x at most what a price higher by x costs.
    """
    return 2 * max(step, 0) if row & 1 == 0 else max(-step, 0)


@kernel
def place(s: Any, bucket: int) -> int:
    """Evaluates a bucket at the present prices, puts its triggers where they certify it and returns its status."""
    s.count[EVALUATED] += 1
    positions = _take_out(s, bucket)
    s.bucket_status[bucket] = _place(s, bucket, positions)
    return int(s.bucket_status[bucket])


@kernel
def _place(s: Any, bucket: int, positions: int) -> int:
    held = s.bucket_holding[bucket]
    if s.bucket_mode[bucket] != TIERED:
        s.holding_floor[held] = 0
        _watch(s, bucket)
        return UNSURE
    worth = s.holding_worth[held]
    s.holding_floor[held] = worth - (worth >> FLOOR_BITS)
    slack = buffer_at(s, bucket, FENCE)
    if slack == BEYOND:
        _watch(s, bucket)
        return UNSURE
    if worth != 0 and slack < reserve(positions):
        s.holding_floor[held] = worth
        slack = buffer_at(s, bucket, FENCE)
    if slack >= reserve(positions):
        return _certify(s, bucket, FENCE, slack, positions)
    slack = buffer_at(s, bucket, LIVE)
    if slack < 0:
        return LIQUIDATABLE
    return _certify(s, bucket, LIVE, slack, positions)


@kernel
def _certify(s: Any, bucket: int, rates: int, slack: int, positions: int) -> int:
    """Links the triggers of the first proposal whose corner passes; without one the bucket is watched."""
    spare = slack - reserve(positions)
    if spare >= 0:
        for how in (SHARP, SAFE):
            propose(s, bucket, rates, spare, how)
            if certified(s, bucket, rates, positions):
                _link_corner(s, bucket)
                return PLACED if rates == FENCE else EDGE
    _watch(s, bucket)
    return WATCHED


@kernel
def _take_out(s: Any, bucket: int) -> int:
    """Unlinks a bucket's triggers, notes the present prices in `s.at`, returns the number of positions."""
    i, slot = 0, s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        market = s.slot_market[slot]
        unlink(s, row_of(market, s.slot_size[slot]), slot)
        s.at[i] = s.market_price[market]
        i, slot = i + 1, s.slot_sibling[slot]
    return i


@kernel
def _watch(s: Any, bucket: int) -> None:
    slot = s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        link(s, row_of(s.slot_market[slot], s.slot_size[slot]), slot, ALWAYS_KEY)
        slot = s.slot_sibling[slot]


@kernel
def _link_corner(s: Any, bucket: int) -> None:
    """Links each position at its corner price. The key rounds toward firing: floor here, ceil in `level_of`."""
    i, slot = 0, s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        row = row_of(s.slot_market[slot], s.slot_size[slot])
        trigger = s.at[i] if row & 1 == 0 else -s.at[i]
        link(s, row, slot, trigger - s.row_shift[row] // FUNDING_INDEX_PER_MICRO)
        i, slot = i + 1, s.slot_sibling[slot]


@kernel
def note_fired(s: Any, bucket: int) -> None:
    """Queues a bucket for evaluation, once."""
    if s.bucket_fired[bucket] == 0:
        s.bucket_fired[bucket] = 1
        end = s.count[FIRED_HEAD] + s.count[FIRED]
        s.fired[end if end < len(s.fired) else end - len(s.fired)] = bucket
        s.count[FIRED] += 1


@kernel
def next_fired(s: Any) -> int:
    """Takes the bucket that has waited longest off the queue, which must not be empty."""
    head = s.count[FIRED_HEAD]
    bucket = s.fired[head]
    s.count[FIRED_HEAD] = head + 1 if head + 1 < len(s.fired) else 0
    s.count[FIRED] -= 1
    s.bucket_fired[bucket] = 0
    return int(bucket)


@kernel
def collect(s: Any, row: int) -> None:
    """Queues every bucket with a trigger of this row above the level, and lowers the edge to what stays."""
    level = level_of(s, row)
    if s.row_edge[row] <= level:
        return
    edge = level
    stays = NEVER_KEY
    cell = next_cell(s, row, cell_of(row, level))
    while cell != 0:  # at most CELLS
        slot = s.row_head[row, cell]
        while slot != 0:  # at most the positions of the market
            key = s.slot_link[slot, KEY]
            if key > level:
                note_fired(s, s.slot_owner[slot])
            else:
                stays = max(stays, key)
            slot = s.slot_link[slot, AFTER]
        cell = next_cell(s, row, cell + 1)
    s.row_edge[row] = edge if stays == NEVER_KEY else stays


@kernel
def evaluate(states: Any) -> tuple[int, int]:
    """Places every queued bucket. Returns how many were found liquidatable and how many nobody here can tell.

    Only now, after all have been collected: a bucket placed at the price may fire again at once, and would be queued
    without end.
    """
    s = states[0]
    found = unsure = 0
    while s.count[FIRED] != 0:  # at most the buckets
        bucket = next_fired(s)
        status = place(s, bucket)
        if status == LIQUIDATABLE:
            s.found[found] = bucket
            found += 1
        elif status == UNSURE:
            s.unsure[unsure] = bucket
            unsure += 1
    return found, unsure


@kernel
def tick(states: Any, market: int, price: int) -> int:
    """A new price in one market. Returns how many buckets are queued for `evaluate`, as do all that follow."""
    s = states[0]
    s.market_price[market] = price
    collect_market(s, market)
    return int(s.count[FIRED])


@kernel
def tick_all(states: Any, prices: Any) -> int:
    """New prices in all markets at once."""
    s = states[0]
    for market in range(len(prices)):
        s.market_price[market] = prices[market]
    for market in range(len(prices)):
        collect_market(s, market)
    return int(s.count[FIRED])


@kernel
def fund(states: Any, market: int, index: int) -> int:
    """A new funding index: pushes the triggers of the paying side."""
    s = states[0]
    move_index(s, market, index)
    return int(s.count[FIRED])


@kernel
def move_index(s: Any, market: int, index: int) -> None:
    """Writes a new funding index, pushes the triggers of the paying side by its step and queues what fires."""
    step = index - s.market_index[market]
    s.market_index[market] = index
    for row in (2 * market, 2 * market + 1):
        s.row_shift[row] += funding_push(row, step)
    collect_market(s, market)


@kernel
def collect_market(s: Any, market: int) -> None:
    """Queues every bucket whose triggers fire at the market's present price and funding."""
    for row in (2 * market, 2 * market + 1):
        if s.row_shift[row] >> 20 > s.market_price[market] >> 3:
            _rebase(s, row)
        collect(s, row)


@kernel
def _rebase(s: Any, row: int) -> None:
    """Moves the whole micro-USD of a row's shift into its keys, exactly, so that keys stay near the price."""
    moved = s.row_shift[row] // FUNDING_INDEX_PER_MICRO
    s.row_shift[row] -= moved * FUNDING_INDEX_PER_MICRO
    for slot in range(1, s.count[SLOTS_USED]):
        key = s.slot_link[slot, KEY]
        if NEVER_KEY < key < ALWAYS_KEY and row_of(s.slot_market[slot], s.slot_size[slot]) == row:
            unlink(s, row, slot)
            link(s, row, slot, key + moved)


@kernel
def note_market(states: Any, market: int) -> int:
    """Queues every bucket with a position in the market, unless known as liquidatable (its fence has changed)."""
    s = states[0]
    for slot in range(1, s.count[SLOTS_USED]):
        bucket = s.slot_owner[slot]
        if s.slot_market[slot] == market and bucket >= 0 and s.bucket_status[bucket] != LIQUIDATABLE:
            note_fired(s, bucket)
    return int(s.count[FIRED])


@kernel
def note_status(states: Any, least: int, most: int) -> int:
    """Queues every bucket whose status is in least..most."""
    s = states[0]
    for bucket in range(len(s.bucket_status)):
        if least <= s.bucket_status[bucket] <= most:
            note_fired(s, bucket)
    return int(s.count[FIRED])


@kernel
def place_one(states: Any, bucket: int) -> int:
    """`place`, from outside."""
    return place(states[0], bucket)


@kernel
def write_bucket(states: Any, bucket: int, raw: int, mode: int, positions: int) -> None:
    """Replaces a bucket by `raw` and the first `positions` entries of the columns `new_*`; `place_one` must follow."""
    s = states[0]
    _free_slots(s, bucket)
    s.bucket_raw[bucket] = raw
    s.bucket_mode[bucket] = mode
    for i in range(positions - 1, -1, -1):
        _add_slot(s, bucket, s.new_market[i], s.new_size[i], s.new_index[i])


@kernel
def clear_bucket(states: Any, bucket: int) -> None:
    """Frees a bucket's positions and forgets it."""
    s = states[0]
    _free_slots(s, bucket)
    s.bucket_raw[bucket] = 0
    s.bucket_status[bucket] = UNUSED


@kernel
def load_buckets(states: Any, raw: Any, offsets: Any, positions: Any) -> int:
    """Writes and queues buckets 0..len(raw) of an empty state.

    `positions` are the columns (market, size, funding index); those of bucket b are at offsets[b]..offsets[b + 1].
    """
    s = states[0]
    market, size, index = positions
    for bucket in range(len(raw)):
        s.bucket_raw[bucket] = raw[bucket]
        for i in range(offsets[bucket + 1] - 1, offsets[bucket] - 1, -1):
            _add_slot(s, bucket, market[i], size[i], index[i])
        note_fired(s, bucket)
    return int(s.count[FIRED])


@kernel
def _add_slot(s: Any, bucket: int, market: int, size: int, index: int) -> None:
    slot = s.count[SLOT_FREE]
    if slot != 0:
        s.count[SLOT_FREE] = s.slot_sibling[slot]
    else:
        slot = s.count[SLOTS_USED]
        s.count[SLOTS_USED] = slot + 1
    s.count[SLOTS_LIVE] += 1
    s.slot_market[slot] = market
    s.slot_size[slot] = size
    s.slot_index[slot] = index
    s.slot_link[slot, KEY] = NEVER_KEY
    s.slot_owner[slot] = bucket
    s.slot_sibling[slot] = s.bucket_first[bucket]
    s.bucket_first[bucket] = slot


@kernel
def _free_slots(s: Any, bucket: int) -> None:
    slot = s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        after = s.slot_sibling[slot]
        unlink(s, row_of(s.slot_market[slot], s.slot_size[slot]), slot)
        s.slot_owner[slot] = -1
        s.slot_sibling[slot] = s.count[SLOT_FREE]
        s.count[SLOT_FREE] = slot
        s.count[SLOTS_LIVE] -= 1
        slot = after
    s.bucket_first[bucket] = 0
