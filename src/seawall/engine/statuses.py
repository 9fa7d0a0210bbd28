"""Opening, closing and reopening of markets and of the venue (kernels).

Stricter at once, looser one stage at a time: HALTED -> CANCELLING -> POSTING -> ACTIVE, each with fresh prices and,
once a market has been opened, not before it has stood REOPEN_DWELL_MS in the stage. After an outage the venue reopens
its markets itself, by the same stages.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.events import emit
from seawall.ledger.markets import is_fresh
from seawall.ledger.state import MARKETS, NOW, VENUE_OPENED, VENUE_STATUS, VENUE_STATUS_TIME
from seawall.margin.certificate import LIVE
from seawall.terms import code, command, event
from seawall.terms.command import ACTIVE, CANCELLING, CLOSED, HALTED, POSTING, REDUCING
from seawall.terms.parameter import REOPEN_DWELL_MS

VENUE_WIDE: Final = -1


@kernel
def set_status(s: Any, c: Any) -> int:
    """SET_STATUS by the admin: the status of a market (-1: the venue) becomes `flags`.

    Stricter at once; looser by one stage, with fresh prices (STALE_PRICE) after the dwell (NOT_DUE). What a market
    should return to after an outage is forgotten: the admin has taken over.
    """
    if c.market < VENUE_WIDE or c.market >= len(s.market_price):
        return code.UNKNOWN_MARKET
    if c.flags < ACTIVE or c.flags > HALTED:
        return code.BAD_FIELD
    if c.signer != command.ADMIN:
        return code.NOT_AUTHORISED
    if c.market == VENUE_WIDE:
        return int(_set_venue(s, c.flags))
    now = s.market_status[c.market]
    if now == command.UNLISTED:
        return code.UNKNOWN_MARKET
    if now == command.DELISTING:
        return code.MARKET_CLOSED
    if now == CLOSED or c.flags < now:
        refused = may_loosen(s, c.market, c.flags)
        if refused != code.OK:
            return int(refused)
    s.market_reopen[c.market] = 0
    change_status(s, c.market, c.flags)
    return code.OK


@kernel
def guard(s: Any, c: Any) -> int:
    """GUARD by the guardian alone: a stricter status, for a market or (-1) the venue. Nothing else, never looser."""
    if c.market < VENUE_WIDE or c.market >= len(s.market_price):
        return code.UNKNOWN_MARKET
    if c.flags < ACTIVE or c.flags > HALTED:
        return code.BAD_FIELD
    if c.signer != command.GUARDIAN:
        return code.NOT_AUTHORISED
    if c.market == VENUE_WIDE:
        if c.flags <= s.cell[VENUE_STATUS]:
            return code.NOT_TIGHTENING
        _change_venue(s, c.flags)
        return code.OK
    now = s.market_status[c.market]
    if now == command.UNLISTED:
        return code.UNKNOWN_MARKET
    if c.flags <= now:
        return code.NOT_TIGHTENING
    s.market_reopen[c.market] = 0
    change_status(s, c.market, c.flags)
    return code.OK


@kernel
def is_next_stage(now: int, status: int) -> bool:
    """Whether `status` is one stage looser than `now`. Reduce-only lies between post-only and active, and may be left
    out.
    """
    if now in (CLOSED, HALTED):
        return status == CANCELLING
    if now == CANCELLING:
        return status == POSTING
    if now == POSTING:
        return status in (REDUCING, ACTIVE)
    return now == REDUCING and status == ACTIVE


@kernel
def may_loosen(s: Any, market: int, status: int) -> int:
    """OK when a market may go to the looser `status` now, else why not."""
    now = s.market_status[market]
    if not is_next_stage(now, status):
        return code.NOT_DUE
    if s.tier_count[2 * market + LIVE] == 0:
        return code.MARKET_CLOSED
    if not is_fresh(s, market):
        return code.STALE_PRICE
    if s.market_opened[market] != 0 and s.cell[NOW] - s.market_status_time[market] < REOPEN_DWELL_MS:
        return code.NOT_DUE
    return code.OK


@kernel
def change_status(s: Any, market: int, status: int) -> None:
    """Writes a market's status and its time; the same status is no change."""
    if s.market_status[market] == status:
        return
    s.market_status[market] = status
    s.market_status_time[market] = s.cell[NOW]
    if status in (ACTIVE, REDUCING):
        s.market_opened[market] = 1
    s.cell[VENUE_OPENED] = 1
    emit(s, event.STATUS, market, -1, -1, 0, 0, 0, status)


@kernel
def after_outage(s: Any) -> None:
    """Every market that was trading takes cancels only, and remembers what it will return to."""
    for market in range(s.cell[MARKETS]):
        now = s.market_status[market]
        if now in (ACTIVE, REDUCING, POSTING):
            if s.market_reopen[market] == 0:
                s.market_reopen[market] = now
            change_status(s, market, CANCELLING)
        elif s.market_reopen[market] != 0:
            s.market_status_time[market] = s.cell[NOW]


@kernel
def reopen_markets(s: Any) -> None:
    """TICK: markets that an outage has closed go on with their reopening."""
    for market in range(s.cell[MARKETS]):
        if s.market_reopen[market] != 0:
            _reopen(s, market)


@kernel
def _reopen(s: Any, market: int) -> None:
    """One stage back towards what the market was before the outage, as `may_loosen` allows."""
    target = s.market_reopen[market]
    now = s.market_status[market]
    stage = POSTING if now == CANCELLING else target
    if now <= target:
        s.market_reopen[market] = 0
    elif may_loosen(s, market, stage) == code.OK:
        change_status(s, market, stage)
        if stage == target:
            s.market_reopen[market] = 0


@kernel
def _set_venue(s: Any, status: int) -> int:
    now = s.cell[VENUE_STATUS]
    if status < now:
        if not is_next_stage(now, status):
            return code.NOT_DUE
        if not _all_fresh(s):
            return code.STALE_PRICE
        if s.cell[VENUE_OPENED] != 0 and s.cell[NOW] - s.cell[VENUE_STATUS_TIME] < REOPEN_DWELL_MS:
            return code.NOT_DUE
    _change_venue(s, status)
    return code.OK


@kernel
def _change_venue(s: Any, status: int) -> None:
    if s.cell[VENUE_STATUS] == status:
        return
    s.cell[VENUE_STATUS] = status
    s.cell[VENUE_STATUS_TIME] = s.cell[NOW]
    emit(s, event.STATUS, VENUE_WIDE, -1, -1, 0, 0, 0, status)


@kernel
def _all_fresh(s: Any) -> bool:
    """Whether every market that is not halted itself has a fresh price."""
    for market in range(s.cell[MARKETS]):
        if ACTIVE <= s.market_status[market] < HALTED and not is_fresh(s, market):
            return False
    return True
