"""Parameters as the admin sets them: at once when that tightens, after a day's notice otherwise (kernels).

A value set here is the *static* one. A live value that the risk engine has made stricter stays so; one that it has not
touched follows.
"""

from typing import Any, Final

from seawall.engine.policy import (
    RAIL_UP,
    fits,
    fits_planned,
    in_range,
    is_looser,
    needs_no_notice,
    place_of,
)
from seawall.engine.tiers import scale_cap, start_scale
from seawall.kernel import kernel
from seawall.ledger.events import emit
from seawall.ledger.portfolio import note_portfolios
from seawall.ledger.state import MARKETS, NOW, PARAMETERS_NEXT, PORTFOLIOS, VENUE_OPENED
from seawall.terms import code, command, event, parameter
from seawall.terms.limits import CHANGES_PER_COMMAND, SOURCES
from seawall.terms.parameter import ADMIN_DELAY_MS, BREAKER, MAINTENANCE_SCALE, NOTICE_MS, WIDTH

VENUE_WIDE: Final = -1


@kernel
def set_parameter(s: Any, c: Any) -> int:
    """SET_PARAMETER by the admin: parameter `other` of a market (-1: the venue) becomes `price` at `expires` (0: now).

    A change that needs notice and would come sooner is NOT_DUE. While a market is CLOSED, never opened, nobody is there
    to be given notice, and likewise for the venue before its first market opens. A later command replaces one that
    waits. The breaker moves by proposals and by silence only.
    """
    if c.market < VENUE_WIDE or c.market >= len(s.market_price):
        return code.UNKNOWN_MARKET
    row = len(s.market_price) if c.market == VENUE_WIDE else c.market
    place = place_of(s, row, c.other)
    if not in_range(place, c.price) or place == BREAKER:
        return code.BAD_PARAMETER
    if c.signer != command.ADMIN:
        return code.NOT_AUTHORISED
    if row == c.market:
        if s.market_status[row] == command.UNLISTED:
            return code.UNKNOWN_MARKET
        if s.market_status[row] == command.DELISTING:
            return code.MARKET_CLOSED
        if not fits_planned(s, row, c.other, c.price):
            return code.BAD_PARAMETER
        if c.other == MAINTENANCE_SCALE and c.price > scale_cap(s, row):
            return code.BAD_PARAMETER
    start = max(s.cell[NOW], c.expires)
    if start < s.cell[NOW] + notice_of(s, row, c.other, c.price):
        return code.NOT_DUE
    if start > s.cell[NOW]:
        s.param_next[row, c.other] = c.price
        s.param_from[row, c.other] = start
        note_due(s, start)
    else:
        s.param_next[row, c.other] = 0
        s.param_from[row, c.other] = 0
        set_static(s, row, c.other, c.price)
    emit(s, event.PARAMETER, c.market, -1, 0, c.other, c.price, 0, start)
    return code.OK


@kernel
def notice_of(s: Any, row: int, number: int, value: int) -> int:
    """How long the admin must wait before the parameter of a row may become `value`, in ms.

    A rise of maintenance waits as every ramp does, and then moves at the ramp's speed.
    """
    if is_set_up(s, row) or needs_no_notice(place_of(s, row, number), s.param_static[row, number], value):
        return 0
    if row < len(s.market_price) and number == MAINTENANCE_SCALE and value > s.param_static[row, number]:
        return int(s.param[len(s.market_price), NOTICE_MS])
    return ADMIN_DELAY_MS


@kernel
def is_set_up(s: Any, row: int) -> bool:
    """Whether a market has never been opened (for the venue's row: no market ever has)."""
    if row == len(s.market_price):
        return bool(s.cell[VENUE_OPENED] == 0)
    return bool(s.market_status[row] == command.CLOSED)


@kernel
def set_static(s: Any, row: int, number: int, value: int) -> None:
    """Writes the admin's value; the live one follows where it was the same or would be looser.

    The live maintenance scale only follows before the market opens: afterwards it is ramped (engine/rails.py).
    """
    before = s.param_static[row, number]
    s.param_static[row, number] = value
    if row == len(s.market_price) or RAIL_UP[number] < 0:
        s.param[row, number] = value
        if s.cell[PORTFOLIOS] != 0:
            note_portfolios(s)
        if row < len(s.market_price) and number == parameter.TRIGGER_WEIGHT:
            s.market_weight[row] = value
        return
    if number == MAINTENANCE_SCALE:
        if s.market_status[row] == command.CLOSED:
            start_scale(s, row, value)
        return
    live = s.param[row, number]
    follows = live == before or is_looser(number, live, value)
    if follows and live != value and (is_looser(number, live, value) or fits(s, row, number, value)):
        set_live(s, row, number, value)


@kernel
def set_live(s: Any, market: int, number: int, value: int) -> None:
    """Writes the live value of a railed parameter; its delay starts again."""
    s.param[market, number] = value
    s.param_time[market, number] = s.cell[NOW]
    emit(s, event.PARAMETER, market, -1, 1, number, value, 0, s.cell[NOW])


@kernel
def note_due(s: Any, time: int) -> None:
    """Remembers that something pending takes effect at `time`."""
    if s.cell[PARAMETERS_NEXT] == 0 or time < s.cell[PARAMETERS_NEXT]:
        s.cell[PARAMETERS_NEXT] = time


@kernel
def apply_due_parameters(s: Any) -> None:
    """TICK: pending values and source weights whose time has come take effect, market by market, the venue last.

    At most CHANGES_PER_COMMAND of them; the rest at the next TICK.
    """
    if s.cell[PARAMETERS_NEXT] == 0 or s.cell[NOW] < s.cell[PARAMETERS_NEXT]:
        return
    s.cell[PARAMETERS_NEXT] = 0
    changes = 0
    for market in range(s.cell[MARKETS]):
        changes = _apply_sources(s, market, _apply_row(s, market, changes))
    _apply_row(s, len(s.market_price), changes)


@kernel
def forget_pending(s: Any, market: int) -> None:
    """Drops what still waits for a market."""
    for number in range(WIDTH):
        s.param_from[market, number] = 0
        s.param_next[market, number] = 0
    for source in range(SOURCES):
        s.source_from[market, source] = 0
        s.source_next[market, source] = 0


@kernel
def _apply_row(s: Any, row: int, changes: int) -> int:
    """Applies what is due in a row while `changes` leaves room; returns how many there were in this command."""
    for number in range(WIDTH):
        start = s.param_from[row, number]
        if start == 0:
            continue
        if start > s.cell[NOW] or changes >= CHANGES_PER_COMMAND:
            note_due(s, start)
            continue
        value = s.param_next[row, number]
        s.param_from[row, number] = 0
        s.param_next[row, number] = 0
        set_static(s, row, number, value)
        market = VENUE_WIDE if row == len(s.market_price) else row
        emit(s, event.PARAMETER, market, -1, 0, number, value, 0, s.cell[NOW])
        changes += 1
    return changes


@kernel
def _apply_sources(s: Any, market: int, changes: int) -> int:
    for source in range(SOURCES):
        start = s.source_from[market, source]
        if start == 0:
            continue
        if start > s.cell[NOW] or changes >= CHANGES_PER_COMMAND:
            note_due(s, start)
            continue
        s.source_weight[market, source] = s.source_next[market, source]
        s.source_from[market, source] = 0
        s.source_next[market, source] = 0
        emit(s, event.SOURCE, market, -1, source, 0, 0, s.source_weight[market, source], s.cell[NOW])
        changes += 1
    return changes
