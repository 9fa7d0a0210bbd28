"""Shares of the pools and money of the insurance funds (kernels).

A pool is a bucket of its market: the AMM or the backstop vault. It holds positions of that market alone and answers
with its own cash alone. Who adds to it gets shares, `floor(amount * shares / equity)`; who leaves is paid
`floor(shares * equity / all shares)`. Equity is taken at the mark or at the index, whichever favours the pool, so that
no add or remove lowers what a share of those who stay is worth. Of the AMM's equity its impact is no part: what takers
have paid for skewing its price it pays back when its inventory goes (GMX 2025: shares redeemed at a worth that a trade
had just made).

The first POOL_LOCKED shares of a pool belong to nobody: lifting the price of a share by gifts costs whoever holds
the rest more than it can take from the next to join. Money joins through `leave`, the one way out of a bucket, and
stays for POOL_LOCK_MS.

A pool whose equity is not positive takes nobody. Once its positions are gone and less than POOL_LOCKED is left of it,
its shares are void: the next add ends them, gives the rest to the insurance fund and starts anew.
"""

from typing import Any

from seawall.book.amm import amm_impact
from seawall.kernel import kernel
from seawall.ledger.buckets import add_cash, cash_fits, cash_of, find_slot
from seawall.ledger.events import emit
from seawall.ledger.health import (
    EQUITY,
    EQUITY_INITIAL,
    INITIAL,
    NO_MARKET,
    equity_and_maintenance,
    measure_after,
)
from seawall.ledger.leaving import exit_fault, is_being_liquidated, leave
from seawall.ledger.markets import AMM, BACKSTOP, is_fresh, pool_bucket
from seawall.ledger.state import AMM_POOL, CROSS, NOW, RISK_CLASSES, SHARE_FREE, SHARES_USED, VENUE_STATUS
from seawall.ledger.valuation import keeping_price_of
from seawall.margin.trigger_state import FIRED, FIRED_HEAD
from seawall.terms import code, command, event, parameter
from seawall.terms.limits import (
    AMOUNT_MAX,
    EVALUATIONS_PER_COMMAND,
    POOL_ADD_MIN,
    POOL_LOCKED,
    POOL_SHARES_MAX,
    RAW_USD_MAX,
)
from seawall.wide import compare_products, mul_floor_div

NOBODY = -1


@kernel
def pool_add(s: Any, c: Any) -> int:
    """Cash of the account's cross bucket joins a pool for shares, rounded down."""
    which = pool_of(c.flags)
    if which < 0:
        return code.BAD_FIELD
    if c.amount < POOL_ADD_MIN or c.amount > AMOUNT_MAX:
        return code.BAD_AMOUNT
    if s.market_status[c.market] == command.UNLISTED:
        return code.UNKNOWN_MARKET
    pool = pool_bucket(s, c.market, which)
    able = may_move(s, pool, c.market)
    if able == code.OK:
        able = exit_fault(s, c.account, c.amount)
    if able != code.OK:
        return int(able)
    if starts_anew(s, pool):
        return _open_pool(s, c, pool, which)
    return _join(s, c, pool, which)


@kernel
def _join(s: Any, c: Any, pool: int, which: int) -> int:
    """An add to a pool that lives."""
    low, high = worth(s, pool, c.market)
    shares = shares_of(s, c.market, which)
    if low <= 0 or shares == 0:
        return code.POOL_MARGIN
    if compare_products(c.amount, shares, high, POOL_SHARES_MAX - shares) > 0:
        return code.POOL_CAP
    minted = mul_floor_div(c.amount, shares, high)
    if minted == 0:
        return code.POOL_CAP
    if not cash_fits(s, pool, c.amount):
        return code.CASH_BOUND
    row = find_share(s, c.account, pool)
    if row == 0 and free_rows(s) == 0:
        return code.SHARES_FULL
    if row == 0:
        row = _new_share(s, c.account, pool)
    _credit(s, c, pool, which, row, minted)
    return code.OK


@kernel
def _open_pool(s: Any, c: Any, pool: int, which: int) -> int:
    """The first add, or the first after the pool died: a share costs 1 micro-USD, POOL_LOCKED of them are nobody's."""
    old = shares_of(s, c.market, which)
    rows = free_rows(s)
    if old != 0:  # its rows become free, among them the one of nobody
        rows += 1 + (1 if find_share(s, c.account, pool) != 0 else 0)
    if rows < 2:
        return code.SHARES_FULL
    if s.market_insurance[c.market] + POOL_LOCKED > RAW_USD_MAX:
        return code.CASH_BOUND
    _void(s, c.market, pool, which, old)
    locked = _take_row(s)
    s.share_pool[locked], s.share_account[locked], s.share_amount[locked] = pool, NOBODY, POOL_LOCKED
    _count(s, c.market, which, POOL_LOCKED)
    emit(s, event.SHARES, c.market, pool, NOBODY, 0, 0, POOL_LOCKED, 0)
    _credit(s, c, pool, which, _new_share(s, c.account, pool), c.amount - POOL_LOCKED)
    return code.OK


@kernel
def _credit(s: Any, c: Any, pool: int, which: int, row: int, minted: int) -> None:
    leave(s, c.account, c.amount)
    add_cash(s, pool, c.amount)
    s.share_amount[row] += minted
    s.share_time[row] = s.cell[NOW]
    _count(s, c.market, which, minted)
    emit(s, event.SHARES, c.market, pool, c.account, 0, 0, minted, c.amount)


@kernel
def _void(s: Any, market: int, pool: int, which: int, old: int) -> None:
    """Ends all shares of a dead pool: one walk of the share table, once in the life of a pool."""
    left = s.bucket_raw[pool]
    if left != 0:
        s.bucket_raw[pool] = 0
        s.market_insurance[market] += left
        emit(s, event.INSURANCE, market, pool, event.SHARES, 0, 0, 0, left)
    if old == 0:
        return
    for row in range(1, s.cell[SHARES_USED]):  # at most the share table
        if s.share_pool[row] == pool and s.share_amount[row] != 0:
            if s.share_account[row] != NOBODY:
                _unlink_share(s, row)
            _give_row(s, row)
    _count(s, market, which, -old)
    emit(s, event.SHARES, market, pool, NOBODY, 0, 0, -old, -left)


@kernel
def pool_remove(s: Any, c: Any) -> int:
    """Shares leave a pool for cash of the account's cross bucket, rounded down.

    The pool keeps its initial margin and a positive equity. Nobody leaves the backstop while a bucket of its market
    waits for liquidation or is due for it: the loss is theirs too. A market that is gone still pays out what its pools
    owe.
    """
    which = pool_of(c.flags)
    if which < 0:
        return code.BAD_FIELD
    if c.size <= 0:
        return code.BAD_SIZE
    pool = pool_bucket(s, c.market, which)
    row = find_share(s, c.account, pool)
    if row == 0:
        return code.NO_POSITION
    able = may_move(s, pool, c.market)
    if able == code.OK and which == BACKSTOP and is_anyone_short(s, c.market):
        able = code.BEING_LIQUIDATED
    if able != code.OK:
        return int(able)
    if s.cell[NOW] < s.share_time[row] + s.param[c.market, parameter.POOL_LOCK_MS]:
        return code.NOT_DUE
    if c.size > s.share_amount[row]:
        return code.WITHDRAWABLE
    return _pay_out(s, c, pool, which, row)


@kernel
def _pay_out(s: Any, c: Any, pool: int, which: int, row: int) -> int:
    low, _ = worth(s, pool, c.market)
    if low <= 0:
        return code.POOL_MARGIN
    paid = mul_floor_div(low, c.size, shares_of(s, c.market, which))
    if paid == 0:
        return code.BAD_SIZE
    after = measure_after(s, pool, NO_MARKET, 0, 0, paid, 0, 0, 1)
    if after[EQUITY] <= 0 or after[EQUITY_INITIAL] < after[INITIAL]:
        return code.POOL_MARGIN
    if s.bucket_holding[pool] != 0 and paid > cash_of(s, pool):
        return code.POOL_MARGIN
    if not cash_fits(s, c.account, paid) or not cash_fits(s, pool, -paid):
        return code.CASH_BOUND
    add_cash(s, pool, -paid)
    add_cash(s, c.account, paid)
    s.share_amount[row] -= c.size
    if s.share_amount[row] == 0:
        _unlink_share(s, row)
        _give_row(s, row)
    _count(s, c.market, which, -c.size)
    emit(s, event.SHARES, c.market, pool, c.account, 0, 0, -c.size, -paid)
    return code.OK


@kernel
def insurance_add(s: Any, c: Any) -> int:
    """Cash of the account's cross bucket becomes the market's insurance, for good."""
    if c.amount <= 0 or c.amount > AMOUNT_MAX:
        return code.BAD_AMOUNT
    if s.market_status[c.market] == command.UNLISTED:
        return code.UNKNOWN_MARKET
    able = exit_fault(s, c.account, c.amount)
    if able != code.OK:
        return int(able)
    if s.market_insurance[c.market] + c.amount > RAW_USD_MAX:
        return code.CASH_BOUND
    leave(s, c.account, c.amount)
    s.market_insurance[c.market] += c.amount
    emit(s, event.INSURANCE, c.market, c.account, event.MOVED, 0, 0, 0, c.amount)
    return code.OK


@kernel
def insurance_remove(s: Any, c: Any) -> int:
    """The admin pays insurance out to an account, down to INSURANCE_FLOOR, while nobody in the market may need it."""
    if c.amount <= 0 or c.amount > AMOUNT_MAX:
        return code.BAD_AMOUNT
    if c.account >= len(s.account_master) or s.bucket_kind[c.account] != CROSS:
        return code.UNKNOWN_ACCOUNT
    if s.market_open[c.market] != 0 and not is_fresh(s, c.market):
        return code.STALE_PRICE
    if is_anyone_short(s, c.market):
        return code.BEING_LIQUIDATED
    if s.market_insurance[c.market] - c.amount < s.param[c.market, parameter.INSURANCE_FLOOR]:
        return code.INSURANCE_FLOOR
    if not cash_fits(s, c.account, c.amount):
        return code.CASH_BOUND
    s.market_insurance[c.market] -= c.amount
    add_cash(s, c.account, c.amount)
    emit(s, event.INSURANCE, c.market, c.account, event.MOVED, 0, 0, 0, -c.amount)
    return code.OK


@kernel
def pool_of(flags: int) -> int:
    """Which pool the flags name; -1 unless exactly one."""
    if flags == command.AMM:
        return AMM
    return BACKSTOP if flags == command.BACKSTOP else -1


@kernel
def shares_of(s: Any, market: int, which: int) -> int:
    """All shares of a pool, those of nobody among them."""
    return int(s.market_shares_amm[market] if which == AMM else s.market_shares_backstop[market])


@kernel
def _count(s: Any, market: int, which: int, shares: int) -> None:
    if which == AMM:
        s.market_shares_amm[market] += shares
    else:
        s.market_shares_backstop[market] += shares


@kernel
def may_move(s: Any, pool: int, market: int) -> int:
    """OK while shares of a pool may change hands: not in a halt or settlement, priced, and not being liquidated."""
    if s.cell[VENUE_STATUS] >= command.HALTED:
        return code.VENUE_HALTED
    if s.market_status[market] in (command.HALTED, command.DELISTING):
        return code.MARKET_CLOSED
    if s.bucket_first[pool] != 0 and not is_fresh(s, market):
        return code.STALE_PRICE
    return code.BEING_LIQUIDATED if is_being_liquidated(s, pool) else code.OK


@kernel
def worth(s: Any, pool: int, market: int) -> tuple[int, int]:
    """Equity of a pool at the worse and at the better of mark and index, less the impact that an AMM pays back."""
    equity, _ = equity_and_maintenance(s, pool)
    slot, more = find_slot(s, pool, market), unweighted(s, pool)
    if slot == 0:
        return equity, equity + more
    at_index = equity + s.slot_size[slot] * (s.market_oracle[market] - s.market_price[market])
    back, over = amm_impact(s, market, s.slot_size[slot]) if s.bucket_kind[pool] == AMM_POOL else (0, 0)
    return min(equity, at_index) - back - over, max(equity, at_index) - back + more


@kernel
def unweighted(s: Any, pool: int) -> int:
    """What a pool's collateral is worth above its maintenance value: who joins pays for it, who leaves gets none."""
    if s.bucket_holding[pool] == 0:
        return 0
    total, row = 0, s.bucket_holding[pool]
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        total += s.holding_lots[row] * keeping_price_of(s, s.holding_asset[row])
        row = s.holding_next[row]
    return int(total - s.holding_worth[s.bucket_holding[pool]])


@kernel
def starts_anew(s: Any, pool: int) -> bool:
    """Whether a pool is empty or dead: no position, no debt, and less left than the shares of nobody cost."""
    if s.bucket_holding[pool] != 0:
        return False
    return bool(s.bucket_first[pool] == 0 and 0 <= s.bucket_raw[pool] < POOL_LOCKED)


@kernel
def is_anyone_queued(s: Any, market: int) -> bool:
    """Whether a bucket with a position in the market waits for liquidation, or too many wait to look at."""
    seen = 0
    for group in range(RISK_CLASSES):
        after = s.queue_first[group]
        while after != 0:  # at most EVALUATIONS_PER_COMMAND
            seen += 1
            if seen > EVALUATIONS_PER_COMMAND or find_slot(s, after - 1, market) != 0:
                return True
            after = s.bucket_after[after - 1]
    return False


@kernel
def is_anyone_short(s: Any, market: int) -> bool:
    """Whether a bucket of the market waits for liquidation or, not measured yet, is due for it."""
    if is_anyone_queued(s, market) or s.count[FIRED] > EVALUATIONS_PER_COMMAND:
        return True
    for i in range(s.count[FIRED]):  # at most EVALUATIONS_PER_COMMAND
        at = s.count[FIRED_HEAD] + i
        bucket = s.fired[at if at < len(s.fired) else at - len(s.fired)]
        if find_slot(s, bucket, market) != 0:
            equity, maintenance = equity_and_maintenance(s, bucket)
            if equity < maintenance:
                return True
    return False


@kernel
def find_share(s: Any, account: int, pool: int) -> int:
    """The account's row of shares in a pool; 0 when it has none."""
    row = s.account_share[account]
    while row != 0:  # at most one a pool
        if s.share_pool[row] == pool:
            return int(row)
        row = s.share_next[row]
    return 0


@kernel
def free_rows(s: Any) -> int:
    """Free rows of the share table, counted up to two of those that were used before."""
    row = s.cell[SHARE_FREE]
    again = 0 if row == 0 else (1 if s.share_next[row] == 0 else 2)
    return int(len(s.share_amount) - s.cell[SHARES_USED] + again)


@kernel
def _take_row(s: Any) -> int:
    row = s.cell[SHARE_FREE]
    if row != 0:
        s.cell[SHARE_FREE] = s.share_next[row]
    else:
        row = s.cell[SHARES_USED]
        s.cell[SHARES_USED] = row + 1
    s.share_amount[row] = 0
    s.share_next[row] = 0
    return int(row)


@kernel
def _give_row(s: Any, row: int) -> None:
    s.share_amount[row] = 0
    s.share_next[row] = s.cell[SHARE_FREE]
    s.cell[SHARE_FREE] = row


@kernel
def _new_share(s: Any, account: int, pool: int) -> int:
    row = _take_row(s)
    s.share_pool[row] = pool
    s.share_account[row] = account
    s.share_next[row] = s.account_share[account]
    s.account_share[account] = row
    return row


@kernel
def _unlink_share(s: Any, row: int) -> None:
    account = s.share_account[row]
    if s.account_share[account] == row:
        s.account_share[account] = s.share_next[row]
        return
    before = s.account_share[account]
    while s.share_next[before] != row:  # at most one a pool
        before = s.share_next[before]
    s.share_next[before] = s.share_next[row]
