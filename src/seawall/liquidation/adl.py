"""Stage 5 of a liquidation: the remaining lots are closed against the other side of the market (kernels).

One scan of the positions keeps the best-ranked ADL_COUNTERPARTIES that may be closed at the price; then the lots are
shared among them as the venue's policy says. A counterparty is never left unhealthy, nor with less equity for each unit
of maintenance than before: what would do that is cut down or passed over. Never more is closed than the position has.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.buckets import cash_fits, close_empty_slot, settle_slot, trade
from seawall.ledger.events import emit, emit_code, emit_health
from seawall.ledger.health import equity_and_maintenance
from seawall.ledger.held import next_held
from seawall.ledger.isolated import release_isolated
from seawall.liquidation.closing import Close, closing, maintenance_after
from seawall.liquidation.ranks import PROFIT, directional, exposure, score_of, unhedged
from seawall.liquidation.socialise import cover_deficit
from seawall.margin.trigger_kernels import row_of
from seawall.terms import event, parameter
from seawall.terms.limits import ADL_COUNTERPARTIES
from seawall.wide import compare_products, mul_floor_div

HALVINGS: Final = 16  # tries of a smaller amount for one counterparty
ROUNDS: Final = 8  # of sharing what those without room could not take
GROUP: Final = 32  # candidates that are read ahead
DEBTORS: Final = 64  # counterparties that are in debt themselves, in one step


@kernel
def choose(s: Any, c: Close, price: int) -> tuple[int, int]:
    """(counterparties, lots they close): fills `adl_slot`, `adl_size` best first, without changing anything durable.

    Under LEAST_HARM only what is not a hedge of its own account, while there is any of that.
    """
    policy = s.param[len(s.market_price), parameter.ADL_POLICY]
    is_shared = policy in (parameter.PRO_RATA, parameter.RISK_AWARE_PRO_RATA)
    least_harm = policy == parameter.LEAST_HARM
    count = _scan(s, c, price, least_harm, is_shared)
    if count == 0 and least_harm:
        count = _scan(s, c, price, False, is_shared)
    _sort(s, count)
    return count, _share(s, c, count) if is_shared else _in_order(s, c, count)


@kernel
def _scan(s: Any, c: Close, price: int, spares_hedges: bool, keeps_all: bool) -> int:
    """Keeps the best-ranked positions of the other side that may close something at `price`; returns how many.

    Unless `keeps_all`, no more than it takes to close the position: the rest would close nothing.
    """
    count, debtors, covered, row = 0, 0, 0, row_of(c.market, c.side)
    slot = next_held(s, row, 1)
    while slot != 0:  # at most the positions of the market
        found = 0
        while slot != 0 and found < GROUP:
            s.at[found] = slot
            found, slot = found + 1, next_held(s, row, slot + 1)
        s.at[GROUP] = _read_ahead(s, found)
        for k in range(found):
            score = score_of(s, s.at[k])
            if covered >= c.held and not keeps_all and score <= s.adl_score[0]:
                continue
            other, lots = _offer(s, c, s.at[k], price, spares_hedges)
            if other.equity < 0 and lots > 0:
                debtors += 1
            if lots > 0 and (other.equity >= 0 or debtors <= DEBTORS):
                count, covered = _keep(s, count, covered, other.slot, score, lots)
            while not keeps_all and count > 0 and covered - s.adl_size[0] >= c.held:
                count, covered = _drop_last(s, count, covered)
    return count


@kernel
def _read_ahead(s: Any, count: int) -> int:
    """Reads what a group of candidates rests on, many at once (engine/ahead.py says why). `at` keeps the slots."""
    seen = 0
    for k in range(count):
        seen += s.slot_size[s.at[k]]
        s.at[GROUP + k] = s.slot_owner[s.at[k]]
    for k in range(count):
        bucket = s.at[GROUP + k]
        seen += s.slot_size[s.bucket_first[bucket]]
        s.at[GROUP + k] = max(0, s.bucket_owner[bucket])
    for k in range(count):
        seen += s.account_isolated[s.at[GROUP + k]]
    return seen


@kernel
def _offer(s: Any, c: Close, slot: int, price: int, spares_hedges: bool) -> tuple[Close, int]:
    """A position of the other side as something to be closed, and the lots of it that may be closed at `price`."""
    lots = min(c.held, abs(s.slot_size[slot]))
    if spares_hedges:
        lots = min(lots, directional(exposure(s, s.slot_owner[slot]), s.slot_size[slot] * c.mark) // c.mark)
    other = closing(s, slot)
    return other, acceptable(s, other, lots, price)


@kernel
def acceptable(s: Any, c: Close, most: int, price: int) -> int:
    """The first of most, most / 2, most / 4 ... that a counterparty may close at `price`; 0 when none may."""
    lots = most
    for _ in range(HALVINGS):
        if lots > 0 and is_harmless(s, c, lots, price):
            return lots
        lots >>= 1
    return 0


@kernel
def is_harmless(s: Any, c: Close, lots: int, price: int) -> bool:
    """Whether closing `lots` at `price` leaves a bucket as well covered as before, and so healthy if it was."""
    equity, maintenance = c.equity - c.side * lots * (price - c.mark), maintenance_after(s, c, lots)
    if not cash_fits(s, s.slot_owner[c.slot], -c.side * lots * price):
        return False
    if c.equity <= 0 or maintenance == 0:
        return equity >= min(0, c.equity)
    return bool(compare_products(equity, c.maintenance, c.equity, maintenance) >= 0)


@kernel
def _before(s: Any, i: int, j: int) -> bool:
    """Whether entry i ranks after entry j: a lower score, or among equals the later position."""
    if s.adl_score[i] != s.adl_score[j]:
        return bool(s.adl_score[i] < s.adl_score[j])
    return bool(s.adl_slot[i] > s.adl_slot[j])


@kernel
def _swap(s: Any, i: int, j: int) -> None:
    slot, score, lots = s.adl_slot[i], s.adl_score[i], s.adl_size[i]
    s.adl_slot[i], s.adl_score[i], s.adl_size[i] = s.adl_slot[j], s.adl_score[j], s.adl_size[j]
    s.adl_slot[j], s.adl_score[j], s.adl_size[j] = slot, score, lots


@kernel
def _keep(s: Any, count: int, covered: int, slot: int, score: int, lots: int) -> tuple[int, int]:
    """Adds an entry to the heap, whose first is the last in rank; a full heap gives that one up for a better one.

    Returns (entries, lots of all entries).
    """
    if count == ADL_COUNTERPARTIES:
        if score <= s.adl_score[0]:
            return count, covered
        count, covered = _drop_last(s, count, covered)
    s.adl_slot[count], s.adl_score[count], s.adl_size[count] = slot, score, lots
    child = count
    while child > 0 and _before(s, child, (child - 1) >> 1):  # at most 10 levels
        _swap(s, child, (child - 1) >> 1)
        child = (child - 1) >> 1
    return count + 1, covered + lots


@kernel
def _drop_last(s: Any, count: int, covered: int) -> tuple[int, int]:
    """Gives up the entry that is the last in rank; returns (entries, lots) of those that stay."""
    covered -= s.adl_size[0]
    _swap(s, 0, count - 1)
    _sink(s, 0, count - 1)
    return count - 1, covered


@kernel
def _sink(s: Any, top: int, count: int) -> None:
    """Restores the heap of the first `count` entries below `top`."""
    while 2 * top + 1 < count:  # at most 10 levels
        child = 2 * top + 1
        if child + 1 < count and _before(s, child + 1, child):
            child += 1
        if not _before(s, child, top):
            return
        _swap(s, child, top)
        top = child


@kernel
def _sort(s: Any, count: int) -> None:
    """Turns the heap into a list, best rank first."""
    for last in range(count - 1, 0, -1):
        _swap(s, 0, last)
        _sink(s, 0, last)


@kernel
def _in_order(s: Any, c: Close, count: int) -> int:
    """Gives each, in rank, all it may close until the position is used up; returns the lots."""
    left = c.held
    for i in range(count):
        s.adl_size[i] = min(left, s.adl_size[i])
        left -= s.adl_size[i]
    return c.held - left


@kernel
def _share(s: Any, c: Close, count: int) -> int:
    """Gives each a share by its weight, exact in sum; those at a loss only what those in profit can not take."""
    winners = 0
    while winners < count and s.adl_score[winners] >= PROFIT:
        winners += 1
    given = _share_among(s, 0, winners, c.held)
    return given + _share_among(s, winners, count, c.held - given)


@kernel
def _share_among(s: Any, first: int, end: int, lots: int) -> int:
    """Shares `lots` among entries by weight, as far as their room goes; returns what was given.

    In a round each gets the rise of floor(left x weight so far / all weight), up to its room; what that leaves over is
    shared among those with room in the next one, and after ROUNDS goes by rank.
    """
    for i in range(first, end):
        s.adl_room[i] = s.adl_size[i]
        s.adl_size[i] = 0
    left = lots
    for _ in range(ROUNDS):
        left = _share_round(s, first, end, left)
    for i in range(first, end):
        part = min(left, s.adl_room[i])
        s.adl_size[i] += part
        left -= part
    return lots - left


@kernel
def _share_round(s: Any, first: int, end: int, lots: int) -> int:
    """One round of sharing; returns what is left over."""
    total = 0
    for i in range(first, end):
        total += s.adl_score[i] % PROFIT if s.adl_room[i] > 0 else 0
    if total == 0 or lots == 0:
        return lots
    seen, reached, left = 0, 0, lots
    for i in range(first, end):
        if s.adl_room[i] > 0:
            seen += s.adl_score[i] % PROFIT
            upto = mul_floor_div(lots, seen, total)
            part = min(s.adl_room[i], upto - reached)
            reached = upto
            s.adl_size[i] += part
            s.adl_room[i] -= part
            left -= part
    return left


@kernel
def deleverage(s: Any, bucket: int, c: Close, price: int, count: int) -> None:
    """Closes what `choose` has chosen, at `price`, and tells each counterparty what it did to it.

    The bucket's own side is one trade of all lots, so that its entry is rounded once: the first event says so.
    """
    closed = 0
    for i in range(count):
        if s.adl_size[i] > 0:
            mark = event.MARKED if closed == 0 else 0
            closed += s.adl_size[i]
            _close_against(s, bucket, c, s.adl_slot[i], s.adl_size[i], price, mark)
    trade(s, c.slot, c.side * closed, price, 0)


@kernel
def _close_against(s: Any, bucket: int, c: Close, slot: int, lots: int, price: int, mark: int) -> None:
    """Closes `lots` of one counterparty. Its event has the exposure that this leaves without its hedge as `order`.

    One that was in debt itself and has nothing left is made good like any debtor of the market.
    """
    winner, held = s.slot_owner[slot], s.slot_size[slot]
    paid = settle_slot(s, slot)
    if paid != 0:
        emit(s, event.FUNDING_PAID, c.market, winner, -1, 0, 0, held, paid)
    bared = unhedged(exposure(s, winner), c.side * lots * c.mark)
    trade(s, slot, -c.side * lots, price, 0)
    equity, maintenance = equity_and_maintenance(s, winner)
    row = emit(s, event.ADL, c.market, bucket, winner, bared, price, c.side * lots, lots * price)
    emit_health(s, row, equity, maintenance)
    emit_code(s, row, mark)
    cover_deficit(s, winner, c.market)
    close_empty_slot(s, slot)
    release_isolated(s, winner)
