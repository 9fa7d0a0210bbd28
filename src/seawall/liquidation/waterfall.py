"""The order of the stages for an unhealthy bucket (kernels): never a later one while an earlier can pay.

Stage 2 the book and the pool, 3 the backstop vault, 4 insurance, 5 ADL, 6 socialised loss. Each stage tries the
positions by maintenance, largest first, before the next stage may. Below BACKSTOP_RATIO of maintenance, unless in debt,
the vault comes before the book. What only time holds up (throttle, gate, cooldown) is waited for; below that ratio, or
when the gate is the reason, no longer than `is_patient`. A bucket in debt waits for nothing, and one that is above
maintenance again goes no further than the book. Nor does one in portfolio margin: where the book closes nothing that
improves it, or below BACKSTOP_RATIO, the tiers hold for it again.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.events import emit_health
from seawall.ledger.health import equity_and_maintenance, maintenance_of
from seawall.ledger.markets import is_fresh, status_of
from seawall.ledger.portfolio import set_mode
from seawall.ledger.state import NOW
from seawall.liquidation.adl import choose, deleverage
from seawall.liquidation.backstop import give_to_vault
from seawall.liquidation.closing import Close, closing, equity_left, is_below_share, price_leaving, slippage
from seawall.liquidation.insurance import claimable, deficit_of, pay_claim
from seawall.liquidation.partial import FILLED, GATE, HALTED, NO_LIQUIDITY, STALE, close_on_book
from seawall.liquidation.socialise import absorb, cut_chosen
from seawall.margin.trigger_kernels import PORTFOLIO, TIERED
from seawall.terms import command
from seawall.terms.limits import POSITIONS_PER_BUCKET
from seawall.terms.parameter import CAPACITY_WINDOW_MS, PARTIAL_COOLDOWN_MS

SCANNED: Final = -1  # something was closed, by a stage that looks at every position of the market
TOP: Final = 2**62  # above any maintenance


@kernel
def close_some(s: Any, bucket: int) -> int:
    """One unit of work: closes some of a bucket by the first stage that can. FILLED, SCANNED, or why it waits.

    The bucket is unhealthy or on its way to liquidation end, has a workable position and no order, and is settled.
    """
    equity, maintenance = equity_and_maintenance(s, bucket)
    is_low = is_below_share(s, equity, maintenance)
    if s.bucket_mode[bucket] == PORTFOLIO:
        return close_hedged(s, bucket, equity, maintenance, is_low)
    is_vault_first = is_low and equity >= 0
    if is_vault_first and give_any_to_vault(s, bucket):
        return FILLED
    why, market = close_any_on_book(s, bucket)
    if why == FILLED or equity >= maintenance:
        return why
    is_held_up = why != NO_LIQUIDITY and equity > 0
    if is_held_up and not is_low and (why != GATE or is_patient(s, bucket, market)):
        return why
    if not is_vault_first and give_any_to_vault(s, bucket):
        return FILLED
    if is_held_up and is_patient(s, bucket, market):
        return why
    slot, _, _ = next_position(s, bucket, TOP, -1)
    return settle_with_others(s, bucket, closing(s, slot))


@kernel
def close_hedged(s: Any, bucket: int, equity: int, maintenance: int, is_low: bool) -> int:
    """`close_some` of a bucket in portfolio margin: what improves it goes to the book, else the mode ends."""
    why = NO_LIQUIDITY
    if not is_low:
        why, market = close_any_on_book(s, bucket)
        if why == FILLED or equity >= maintenance:
            return why
        if why != NO_LIQUIDITY and (why != GATE or is_patient(s, bucket, market)):
            return why
    emit_health(s, set_mode(s, bucket, TIERED, 1), equity, maintenance)
    return FILLED


@kernel
def is_workable(s: Any, market: int) -> bool:
    """Whether forced orders may trade in a market: fresh price, open or reduce-only."""
    return bool(is_fresh(s, market) and command.ACTIVE <= status_of(s, market) <= command.REDUCING)


@kernel
def why_stuck(s: Any, bucket: int) -> int:
    """FILLED when a position of the bucket is workable or it has none; else HALTED, or STALE when a price is old."""
    why, slot = FILLED, s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        if s.slot_size[slot] != 0:
            if is_workable(s, s.slot_market[slot]):
                return FILLED
            why = HALTED if is_fresh(s, s.slot_market[slot]) and why != STALE else STALE
        slot = s.slot_sibling[slot]
    return why


@kernel
def next_position(s: Any, bucket: int, needed: int, place: int) -> tuple[int, int, int]:
    """(slot, maintenance, place) of the workable position that follows (`needed`, `place`) by maintenance, large first.

    Equal ones in the order of the bucket's list. Slot 0 after the last.
    """
    best, most, where = 0, -1, -1
    i, slot = 0, s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        if s.slot_size[slot] != 0 and is_workable(s, s.slot_market[slot]):
            own = maintenance_of(s, s.slot_market[slot], s.slot_size[slot])
            if own > most and (own < needed or (own == needed and i > place)):
                best, most, where = slot, own, i
        i, slot = i + 1, s.slot_sibling[slot]
    return int(best), int(most), where


@kernel
def close_any_on_book(s: Any, bucket: int) -> tuple[int, int]:
    """Stage 2: (FILLED, market) for the first position of which something filled.

    Else the first reason that time can remove and the market it holds for, or NO_LIQUIDITY.
    """
    why, at, needed, place = NO_LIQUIDITY, -1, TOP, -1
    for _ in range(POSITIONS_PER_BUCKET):
        slot, needed, place = next_position(s, bucket, needed, place)
        if slot == 0:
            return why, at
        reason = close_on_book(s, bucket, closing(s, slot))
        market = int(s.slot_market[slot])
        if reason == FILLED:
            return FILLED, market
        if why == NO_LIQUIDITY:
            why, at = reason, market
    return why, at


@kernel
def give_any_to_vault(s: Any, bucket: int) -> bool:
    """Stage 3: whether the vault of a position's market took something of it."""
    needed, place = TOP, -1
    for _ in range(POSITIONS_PER_BUCKET):
        slot, needed, place = next_position(s, bucket, needed, place)
        if slot == 0:
            return False
        if give_to_vault(s, bucket, closing(s, slot)) > 0:
            return True
    return False


@kernel
def is_patient(s: Any, bucket: int, market: int) -> bool:
    """Whether less than a capacity window, or the cooldown if longer, has passed since the liquidation last went on."""
    since = max(s.bucket_start[bucket], s.bucket_time[bucket])
    window = max(s.param[market, CAPACITY_WINDOW_MS], s.param[len(s.market_price), PARTIAL_COOLDOWN_MS])
    return bool(s.cell[NOW] - since < window)


@kernel
def settle_with_others(s: Any, bucket: int, c: Close) -> int:
    """Stages 4 to 6: the rest of a position is closed against the other side; who lacks cover for that is paid for.

    The price is that at which this position's part of the debt, less what insurance pays, is gone. Should nobody be
    fit to close there, those with profit in the market make up the rest, who are closed now first, and the price is the
    mark.
    """
    debt = deficit_of(s, c, c.held)
    fund = min(debt, claimable(s, c.market, c.slot))
    price = price_leaving(s, c, c.held, c.equity + fund - equity_left(s, c, c.held))
    count, lots = choose(s, c, price)
    is_socialised = lots == 0 and debt > fund
    if is_socialised:
        price = c.mark
        count, lots = choose(s, c, price)
    if lots == 0:
        return NO_LIQUIDITY
    short = equity_left(s, c, lots) - c.equity + slippage(c, lots, lots * price)
    paid = max(0, min(short, fund))
    pay_claim(s, bucket, c.market, c.slot, paid)
    if (is_socialised or lots == c.held) and short > paid:
        absorb(s, bucket, c.market, short - paid)
        cut_chosen(s, c.market, count, price)
    deleverage(s, bucket, c, price, count)
    return SCANNED
