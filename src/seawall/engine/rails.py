"""Risk rails (kernels, SPEC section 10): what the risk engine may move, how fast, and what happens when it is silent.

A proposal moves one live value of one market. It may be stricter than the admin's static value and come back to it,
never looser: a captured risk engine can close a market to new risk, and nothing more. Maintenance of open positions is
the exception that can hurt who is there: its proposals are targets, announced NOTICE_MS ahead, and TICK moves the live
scale there by a minute's share of the hourly step, at most RAMP_CEILING x its lowest value of the last 24 hours.
"""

from typing import Any, Final

from seawall.engine.breaker import may_change, set_breaker, step_back
from seawall.engine.parameters import set_live
from seawall.engine.policy import (
    RAIL_DELAY,
    RAIL_DOWN,
    RAIL_UP,
    RAILED,
    comparable,
    fits,
    in_range,
    is_looser,
    popcount,
)
from seawall.engine.tiers import note_uncertified, scale_cap, set_scale
from seawall.kernel import kernel
from seawall.ledger.events import emit
from seawall.ledger.state import MARKETS, NOW, RAILS_TIME, RISK_SERIAL, RISK_TIME
from seawall.terms import code, command, event, parameter
from seawall.terms.limits import CHANGES_PER_COMMAND
from seawall.terms.parameter import BREAKER, HOUR_MS, MAINTENANCE_SCALE, PROPOSAL_LIFE_MS, RAILS_STEP_MS, WIDTH
from seawall.units import RATE_ONE
from seawall.wide import mul_floor_div

STEPS_AN_HOUR: Final = HOUR_MS // RAILS_STEP_MS
HOURS: Final = 25  # of scale_low: this one and the 24 before, so that no 24 hours are cut short
CHANGES_A_MARKET: Final = len(RAILED) + 1  # events of one market in one TICK, at most


@kernel
def propose(s: Any, c: Any) -> int:
    """PROPOSE by the risk engine: parameter `other` of a market becomes `price`, or for maintenance ramps there.

    Signed by `amount` (a bit a signer), numbered by `reference`, valid until `expires`. The value that is there already
    is a sign of life and changes nothing.
    """
    if c.other < 0 or c.other >= WIDTH or RAIL_UP[c.other] < 0:
        return code.BAD_PARAMETER
    if c.expires > s.cell[NOW] + PROPOSAL_LIFE_MS:
        return code.BAD_TIME
    if c.signer != command.RISK:
        return code.NOT_AUTHORISED
    venue = len(s.market_price)
    if popcount(c.amount & s.param[venue, parameter.RISK_MASK]) < s.param[venue, parameter.RISK_SIGNERS]:
        return code.NOT_ENOUGH_SIGNERS
    if c.market < 0 or c.market >= venue or s.market_status[c.market] == command.UNLISTED:
        return code.UNKNOWN_MARKET
    if c.reference <= s.cell[RISK_SERIAL]:
        return code.PROPOSAL_OLD
    if c.expires < s.cell[NOW]:
        return code.PROPOSAL_EXPIRED
    if s.market_status[c.market] == command.DELISTING:
        return code.MARKET_CLOSED
    if not is_within(s, c.market, c.other, c.price):
        return code.OUTSIDE_RAILS
    s.cell[RISK_SERIAL] = c.reference
    s.cell[RISK_TIME] = s.cell[NOW]
    if c.other == BREAKER:
        set_breaker(s, c.market, c.price)
    elif c.other == MAINTENANCE_SCALE:
        _announce(s, c.market, c.price)
    elif c.price != s.param[c.market, c.other]:
        set_live(s, c.market, c.other, c.price)
    return code.OK


@kernel
def is_within(s: Any, market: int, number: int, value: int) -> bool:
    """Whether a proposal may make `value` the live one (or the target of maintenance) now.

    In range, not looser than the static value, within the step up or down, and when looser than now not before the
    parameter's delay has passed.
    """
    if not in_range(number, value):
        return False
    if number == BREAKER:
        return may_change(s, market, value)
    if number == MAINTENANCE_SCALE:
        return _may_announce(s, market, value)
    now = s.param[market, number]
    if value == now:
        return True
    if is_looser(number, value, s.param_static[market, number]) or not fits(s, market, number, value):
        return False
    if not _is_step(number, now, value):
        return False
    return bool(not is_looser(number, value, now) or s.cell[NOW] - s.param_time[market, number] >= RAIL_DELAY[number])


@kernel
def _is_step(number: int, now: int, value: int) -> bool:
    gap = comparable(number, value) - comparable(number, now)
    return gap <= RAIL_UP[number] and -gap <= RAIL_DOWN[number]


@kernel
def _may_announce(s: Any, market: int, target: int) -> bool:
    """A higher target waits while another announcement does: each has its own notice. A lower one, for its delay.

    Above the cap of the market's leverage (initial margin stays 1.2 x maintenance) there is no target.
    """
    if target > scale_cap(s, market):
        return False
    heading = heading_of(s, market)
    if target > heading:
        return bool(s.market_ramp_from[market] == 0)
    if target == heading:
        return True
    if target < s.param_static[market, MAINTENANCE_SCALE]:
        return False
    return bool(s.cell[NOW] - s.param_time[market, MAINTENANCE_SCALE] >= RAIL_DELAY[MAINTENANCE_SCALE])


@kernel
def heading_of(s: Any, market: int) -> int:
    """The greatest scale that has been announced: the waiting target if there is one, else the present one."""
    if s.market_ramp_from[market] != 0:
        return int(s.market_ramp_next[market])
    return int(s.market_ramp_target[market])


@kernel
def _announce(s: Any, market: int, target: int) -> None:
    """A higher target after its notice, a lower one now."""
    heading = heading_of(s, market)
    if target == heading:
        return
    start = s.cell[NOW]
    if target > s.market_ramp_target[market]:
        if s.market_ramp_from[market] == 0:
            start += s.param[len(s.market_price), parameter.NOTICE_MS]
        else:
            start = s.market_ramp_from[market]
        s.market_ramp_next[market] = target
        s.market_ramp_from[market] = start
    else:
        s.market_ramp_target[market] = target
        s.market_ramp_next[market] = 0
        s.market_ramp_from[market] = 0
    if target < heading:
        s.param_time[market, MAINTENANCE_SCALE] = s.cell[NOW]
    emit(s, event.PARAMETER, market, -1, 1, MAINTENANCE_SCALE, target, 0, start)


@kernel
def decay(s: Any) -> None:
    """TICK, once a minute and market: ramps move and, when the risk engine has been silent for RISK_SILENCE_MS, every
    live value goes one of its steps back to the static one.

    Markets for which one command has no room (CHANGES_PER_COMMAND) take their turn in the next.
    """
    minute = s.cell[NOW] // RAILS_STEP_MS
    if s.cell[RAILS_TIME] == minute:
        return
    is_silent = s.cell[NOW] - s.cell[RISK_TIME] > s.param[len(s.market_price), parameter.RISK_SILENCE_MS]
    changes, is_done, rose = 0, True, False
    for market in range(s.cell[MARKETS]):
        if s.market_rails_time[market] == minute or s.market_status[market] in (command.UNLISTED, command.DELISTING):
            continue
        if changes + CHANGES_A_MARKET > CHANGES_PER_COMMAND:
            is_done = False
            break
        changes += CHANGES_A_MARKET
        if is_silent:
            _decay_market(s, market)
        before = s.param[market, MAINTENANCE_SCALE]
        _ramp(s, market, minute)
        rose = rose or s.param[market, MAINTENANCE_SCALE] > before
        s.market_rails_time[market] = minute
    if rose:
        note_uncertified(s)
    if is_done:
        s.cell[RAILS_TIME] = minute


@kernel
def _decay_market(s: Any, market: int) -> None:
    step_back(s, market)
    s.market_ramp_target[market] = RATE_ONE
    s.market_ramp_next[market] = 0
    s.market_ramp_from[market] = 0
    for number in RAILED:
        static, live = s.param_static[market, number], s.param[market, number]
        if number in (BREAKER, MAINTENANCE_SCALE) or live == static:
            continue
        if s.cell[NOW] - s.param_time[market, number] < RAIL_DELAY[number]:
            continue
        value = static
        if not _is_step(number, live, static):
            value = live + RAIL_UP[number] if static > live else live - RAIL_DOWN[number]
        if fits(s, market, number, value):
            set_live(s, market, number, value)


@kernel
def _ramp(s: Any, market: int, minute: int) -> None:
    """Moves the live maintenance scale: up by one minute's share however long the gap, down by all minutes passed."""
    live = s.param[market, MAINTENANCE_SCALE]
    passed = minute - s.market_rails_time[market]
    _note_hours(s, market, live)
    if s.market_ramp_from[market] != 0 and s.cell[NOW] >= s.market_ramp_from[market]:
        s.market_ramp_target[market] = s.market_ramp_next[market]
        s.market_ramp_next[market] = 0
        s.market_ramp_from[market] = 0
    wanted = max(s.param_static[market, MAINTENANCE_SCALE], s.market_ramp_target[market])
    wanted = min(wanted, scale_cap(s, market), ceiling_of(s, market))
    up, down = RAIL_UP[MAINTENANCE_SCALE] // STEPS_AN_HOUR, RAIL_DOWN[MAINTENANCE_SCALE] // STEPS_AN_HOUR
    scale = min(wanted, live + up) if wanted > live else max(wanted, live - down * min(passed, STEPS_AN_HOUR * 24))
    if scale != live:
        set_scale(s, market, scale)
    hour = minute // STEPS_AN_HOUR % HOURS
    s.scale_low[market, hour] = min(s.scale_low[market, hour], scale)


@kernel
def _note_hours(s: Any, market: int, live: int) -> None:
    """Hours that have begun since the last minute noted start with the scale of now."""
    begun = s.cell[NOW] // HOUR_MS
    last = s.market_rails_time[market] // STEPS_AN_HOUR
    for hour in range(max(last + 1, begun - HOURS + 1), begun + 1):
        s.scale_low[market, hour % HOURS] = live


@kernel
def ceiling_of(s: Any, market: int) -> int:
    """RAMP_CEILING x the lowest maintenance scale of the last 24 hours, rounded down."""
    lowest = s.scale_low[market, 0]
    for hour in range(HOURS):
        lowest = min(lowest, s.scale_low[market, hour])
    return int(mul_floor_div(lowest, s.param[len(s.market_price), parameter.RAMP_CEILING], RATE_ONE))
