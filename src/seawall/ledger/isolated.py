"""Isolated buckets (kernels): which bucket an order goes to, and how an isolated one is made, fed and given back.

An isolated bucket holds the positions and orders of one account in one market. It exists while it has a position or an
order; then its cash returns to the cross bucket. Negative cash never returns: liquidation deals with it.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.buckets import add_cash, cash_of, find_slot, note_debt, repay, set_advanced
from seawall.ledger.events import emit
from seawall.ledger.health import EQUITY, EQUITY_INITIAL, INITIAL, MAINTENANCE, end_of, measure
from seawall.ledger.leaving import leave, may_leave, note_advance, pending_funding
from seawall.ledger.ranges import give_back
from seawall.ledger.settings import NONE, setting_of
from seawall.ledger.state import ISOLATED, ISOLATED_FREE, ISOLATED_USED, UNUSED
from seawall.margin.ladder import unlink
from seawall.margin.trigger_kernels import note_fired, row_of
from seawall.terms import code, event, parameter
from seawall.terms.limits import ISOLATED_PER_ACCOUNT

LEVERAGE_DEFAULT: Final = 20  # Hyperliquid's


@kernel
def bucket_for(s: Any, account: int, market: int) -> int:
    """The bucket that holds the account's positions and orders of a market; -1: isolated, and not made yet.

    An isolated bucket of the market if there is one, else cross if it has a position or order there, else as set.
    """
    bucket = find_isolated(s, account, market)
    if bucket >= 0:
        return bucket
    if find_slot(s, account, market) != 0 or not is_isolated(s, account, market):
        return account
    return -1


@kernel
def find_isolated(s: Any, account: int, market: int) -> int:
    """The account's isolated bucket of a market; -1 when it has none."""
    bucket = s.account_isolated[account] - 1
    while bucket >= 0 and s.bucket_market[bucket] != market:  # at most ISOLATED_PER_ACCOUNT
        bucket = s.bucket_next[bucket] - 1
    return int(bucket)


@kernel
def is_isolated(s: Any, account: int, market: int) -> bool:
    """Whether the account's new positions in a market are isolated."""
    place = setting_of(s, account, market)
    return bool(place != NONE and s.setting_isolated[place] != 0)


@kernel
def leverage_of(s: Any, account: int, market: int) -> int:
    """The leverage an order of the account has in a market: its position's, else as set, else 20.

    Without a position never above the market's greatest, nor an isolated one above the cap of isolated positions.
    """
    bucket = bucket_for(s, account, market)
    slot = find_slot(s, bucket, market) if bucket >= 0 else 0
    if slot != 0:
        return int(s.slot_leverage[slot])
    place = setting_of(s, account, market)
    chosen = s.setting_leverage[place] if place != NONE and s.setting_leverage[place] > 0 else LEVERAGE_DEFAULT
    most = s.base_leverage[market, 0]
    if bucket != account:
        most = min(most, s.param[market, parameter.ISOLATED_LEVERAGE_CAP])
    return int(min(chosen, most))


@kernel
def next_isolated(s: Any, account: int) -> int:
    """The bucket that `prepare_isolated` would make for the account; -1 when there is no room for one more."""
    held, bucket = 0, s.account_isolated[account] - 1
    while bucket >= 0:  # at most ISOLATED_PER_ACCOUNT
        held, bucket = held + 1, s.bucket_next[bucket] - 1
    if held >= ISOLATED_PER_ACCOUNT:
        return -1
    if s.cell[ISOLATED_FREE] != 0:
        return int(s.cell[ISOLATED_FREE] - 1)
    accounts, markets = len(s.account_master), len(s.market_price)
    if accounts + s.cell[ISOLATED_USED] >= len(s.bucket_raw) - 2 * markets:
        return -1
    return int(accounts + s.cell[ISOLATED_USED])


@kernel
def prepare_isolated(s: Any, account: int, market: int, need: int) -> int:
    """The account's isolated bucket of a market, made when it is new, with `need` >= 0 more moved in from cross.

    Returns the bucket, or the negative of a code with nothing changed: BUCKETS_FULL, or INITIAL_MARGIN when cross may
    not give that much. `isolated_room` tells the same without acting; a new bucket's number is `next_isolated`.
    """
    room = isolated_room(s, account, market, need)
    if room != code.OK:
        return -room
    bucket = find_isolated(s, account, market)
    if bucket < 0:
        bucket = _make(s, account, market)
    if need > 0:
        move_from_cross(s, bucket, need)
    return bucket


@kernel
def isolated_room(s: Any, account: int, market: int, need: int) -> int:
    """OK when `prepare_isolated` would succeed, else the code why not."""
    if find_isolated(s, account, market) < 0 and next_isolated(s, account) < 0:
        return code.BUCKETS_FULL
    if need > 0 and need > may_leave(s, account):
        return code.INITIAL_MARGIN
    return code.OK


@kernel
def move_from_cross(s: Any, bucket: int, amount: int) -> None:
    """Moves cash, at most `may_leave` of the owner's cross bucket, into an isolated one."""
    owner = s.bucket_owner[bucket]
    leave(s, owner, amount)
    add_cash(s, bucket, amount)
    emit(s, event.MOVED, s.bucket_market[bucket], owner, bucket, 0, 0, 0, amount)


@kernel
def move_to_cross(s: Any, bucket: int, amount: int) -> None:
    """Moves cash out of an isolated bucket into its owner's cross bucket. The caller knows that it can spare it."""
    owner = s.bucket_owner[bucket]
    leave(s, bucket, amount)
    add_cash(s, owner, amount)
    emit(s, event.MOVED, s.bucket_market[bucket], bucket, owner, 0, 0, 0, amount)


@kernel
def _make(s: Any, account: int, market: int) -> int:
    bucket = next_isolated(s, account)
    if s.cell[ISOLATED_FREE] != 0:
        s.cell[ISOLATED_FREE] = s.bucket_next[bucket]
    else:
        s.cell[ISOLATED_USED] += 1
    s.bucket_kind[bucket] = ISOLATED
    s.bucket_owner[bucket] = account
    s.bucket_market[bucket] = market
    s.bucket_time[bucket] = 0
    s.bucket_next[bucket] = s.account_isolated[account]
    s.account_isolated[account] = bucket + 1
    return bucket


@kernel
def move_slot(s: Any, slot: int, target: int, cash: int) -> None:
    """Moves a position, its entry notional, its advance and `cash` to another bucket. The source is settled.

    `cash` is USD beside the position: the target's `cash_of` rises by it, the source's falls. The caller has checked
    room and health of both.
    """
    source, market, advanced = s.slot_owner[slot], s.slot_market[slot], s.slot_advanced[slot]
    set_advanced(s, slot, 0)
    unlink(s, row_of(market, s.slot_size[slot]), slot)
    if s.bucket_first[source] == slot:
        s.bucket_first[source] = s.slot_sibling[slot]
    else:
        before = s.bucket_first[source]
        while s.slot_sibling[before] != slot:  # at most POSITIONS_PER_BUCKET
            before = s.slot_sibling[before]
        s.slot_sibling[before] = s.slot_sibling[slot]
    s.slot_owner[slot] = target
    s.slot_sibling[slot] = s.bucket_first[target]
    s.bucket_first[target] = slot
    set_advanced(s, slot, advanced)
    raw = cash - s.slot_entry[slot]
    s.bucket_raw[source] -= raw
    s.bucket_raw[target] += raw
    note_debt(s, source)
    note_debt(s, target)
    repay(s, target)
    note_advance(s, source)
    note_fired(s, source)
    note_fired(s, target)


@kernel
def release_isolated(s: Any, bucket: int) -> int:
    """Gives an isolated bucket back when it is empty: its cash and collateral return to cross. 1 when it did, else 0.

    It stays while it has a position, an order, negative cash, or a place in the liquidation queue.
    """
    if s.bucket_kind[bucket] != ISOLATED or s.bucket_first[bucket] != 0 or s.bucket_order[bucket] != 0:
        return 0
    if s.bucket_raw[bucket] < 0 or s.bucket_class[bucket] != 0 or s.bucket_liquidating[bucket] != 0:
        return 0
    if s.bucket_holding[bucket] != 0 and not give_back(s, bucket):
        return 0
    owner, market, cash = s.bucket_owner[bucket], s.bucket_market[bucket], s.bucket_raw[bucket]
    s.bucket_raw[bucket] = 0
    if cash != 0:
        add_cash(s, owner, cash)
    emit(s, event.ISOLATED_RETURNED, market, bucket, owner, 0, 0, 0, cash)
    _unlink(s, owner, bucket)
    s.bucket_kind[bucket] = UNUSED
    s.bucket_owner[bucket] = -1
    s.bucket_market[bucket] = -1
    s.bucket_status[bucket] = 0
    s.bucket_next[bucket] = s.cell[ISOLATED_FREE]
    s.cell[ISOLATED_FREE] = bucket + 1
    return 1


@kernel
def _unlink(s: Any, owner: int, bucket: int) -> None:
    if s.account_isolated[owner] == bucket + 1:
        s.account_isolated[owner] = s.bucket_next[bucket]
        return
    before = s.account_isolated[owner] - 1
    while s.bucket_next[before] != bucket + 1:  # at most ISOLATED_PER_ACCOUNT
        before = s.bucket_next[before] - 1
    s.bucket_next[before] = s.bucket_next[bucket]


@kernel
def top_up(s: Any, bucket: int) -> int:
    """Automatic top-up: moves from cross what lifts an isolated bucket to its initial margin; returns the amount.

    Only what may leave cross, and never below the floor of cross cash that the owner has set. When that does not lift
    the bucket to liquidation end nothing moves: it would be lost, not saved.
    """
    if s.bucket_kind[bucket] != ISOLATED:
        return 0
    owner = s.bucket_owner[bucket]
    place = setting_of(s, owner, s.bucket_market[bucket])
    if place == NONE or s.setting_floor[place] < 0:
        return 0
    now = measure(s, bucket)
    need = now[INITIAL] - now[EQUITY_INITIAL]
    if need <= 0:
        return 0
    spare = cash_of(s, owner) + pending_funding(s, owner) - s.setting_floor[place]
    amount = min(need, spare, may_leave(s, owner))
    if amount <= 0 or now[EQUITY] + amount < end_of(s, now[MAINTENANCE]):
        return 0
    move_from_cross(s, bucket, amount)
    return int(amount)
