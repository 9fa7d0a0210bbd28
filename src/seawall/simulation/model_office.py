"""What the risk engine and the guardian may do (SPEC section 10), from the rails of terms/parameter.py."""

from typing import Any, Final

from seawall.ledger import state
from seawall.terms import code, command, parameter
from seawall.terms.limits import NOTIONAL_MAX
from seawall.terms.parameter import MARKET, PROPOSAL_LIFE_MS

Fields = dict[str, int]
RANK: Final = {parameter.NORMAL: 0, parameter.SOFT: 1, parameter.RECOVERY: 2, parameter.HARD: 3}


def strictness(number: int, value: int) -> int:
    """A value where more is stricter."""
    if number == parameter.OPEN_INTEREST_UPPER and value == 0:
        value = NOTIONAL_MAX + 1
    rail = MARKET[number].rail
    assert rail is not None
    return value if rail.tighter_is_up else -value


def propose(columns: Any, c: Fields) -> list[int] | None:
    """Refusals of a proposal; none when it stands. None where the model says nothing (maintenance: see the ramp)."""
    number, now = c["other"], int(columns["cell"][state.NOW])
    spec, venue = MARKET.get(number), columns["param"][-1]
    if spec is None or spec.rail is None:
        return [code.BAD_PARAMETER]
    why = [] if c["expires"] <= now + PROPOSAL_LIFE_MS else [code.BAD_TIME]
    if (c["amount"] & int(venue[parameter.RISK_MASK])).bit_count() < venue[parameter.RISK_SIGNERS]:
        why.append(code.NOT_ENOUGH_SIGNERS)
    if not 0 <= c["market"] < int(columns["cell"][state.MARKETS]):
        return [*why, code.UNKNOWN_MARKET]
    status = int(columns["market_status"][c["market"]])
    if status == command.UNLISTED:
        return [*why, code.UNKNOWN_MARKET]
    if c["reference"] <= columns["cell"][state.RISK_SERIAL]:
        why.append(code.PROPOSAL_OLD)
    if c["expires"] < now:
        why.append(code.PROPOSAL_EXPIRED)
    if status == command.DELISTING:
        why.append(code.MARKET_CLOSED)
    is_inside = _inside(columns, c, now)
    if is_inside is None:
        return None
    return why if is_inside else [*why, code.OUTSIDE_RAILS]


def _inside(columns: Any, c: Fields, now: int) -> bool | None:
    """Within range, not looser than the admin's value, within one step, and loosening not before its delay."""
    number, value, market = c["other"], c["price"], c["market"]
    spec = MARKET[number]
    rail = spec.rail
    assert rail is not None
    if not spec.low <= value <= spec.high:
        return False
    live, static = int(columns["param"][market, number]), int(columns["param_static"][market, number])
    if number == parameter.MAINTENANCE_SCALE:
        return None
    if number == parameter.BREAKER:
        return _breaker(live, value, now - int(columns["market_breaker_time"][market]))
    if value == live:
        return True
    if strictness(number, value) < strictness(number, static) or not _fits(columns, market, number, value):
        return False
    gap = abs(strictness(number, value) - strictness(number, live))
    rises = (strictness(number, value) > strictness(number, live)) == rail.tighter_is_up
    if gap > (rail.up if rises else rail.down):
        return False
    is_looser = strictness(number, value) < strictness(number, live)
    return not is_looser or now - int(columns["param_time"][market, number]) >= rail.delay_ms


def _fits(columns: Any, market: int, number: int, value: int) -> bool:
    """The two caps of open interest stay in order."""
    params = columns["param"][market]
    if number == parameter.OPEN_INTEREST_LOWER:
        return bool(params[parameter.OPEN_INTEREST_UPPER] in (0,) or value <= params[parameter.OPEN_INTEREST_UPPER])
    if number == parameter.OPEN_INTEREST_UPPER:
        return bool(value == 0 or value >= params[parameter.OPEN_INTEREST_LOWER])
    return True


def _breaker(live: int, value: int, stood: int) -> bool:
    """Tighter at once (but never into RECOVERY), looser by one step after the dwell."""
    if value == live:
        return True
    if RANK[value] > RANK[live]:
        return value != parameter.RECOVERY
    rail = MARKET[parameter.BREAKER].rail
    assert rail is not None
    return stood >= rail.delay_ms and (live != parameter.HARD or value == parameter.RECOVERY)


def guard(columns: Any, c: Fields) -> list[int]:
    """The guardian: a stricter status, never a looser one."""
    if not -1 <= c["market"] < int(columns["cell"][state.MARKETS]):
        return [code.UNKNOWN_MARKET]
    why = [] if command.ACTIVE <= c["flags"] <= command.HALTED else [code.BAD_FIELD]
    cell = columns["cell"][state.VENUE_STATUS]
    now = int(cell if c["market"] < 0 else columns["market_status"][c["market"]])
    if now == command.UNLISTED:
        return [*why, code.UNKNOWN_MARKET]
    if c["flags"] <= now:
        why.append(code.NOT_TIGHTENING)
    return why
