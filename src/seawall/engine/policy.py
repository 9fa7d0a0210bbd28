"""What may be done with a policy number, as tables for kernels (from terms/parameter.py and terms/venue_parameter.py).

A parameter is named by its owner's row (a market, or the venue after the last one) and its number. Numbers that name
nothing have an empty range, so that no value fits them.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.terms import parameter, venue_parameter
from seawall.terms.limits import NOTIONAL_MAX
from seawall.terms.parameter import DOWN, EITHER, HOUR_MS, UP, WIDTH, Parameter, Rail

_NOTHING: Final = Parameter(name="", low=1, high=0, value=0, unit="", reason="")
_NO_RAIL: Final = Rail(up=-1, down=-1, delay_ms=0, tighter_is_up=False)
_SPECS: Final = tuple(
    table.get(number, _NOTHING) for table in (parameter.MARKET, venue_parameter.VENUE) for number in range(WIDTH)
)
LOW: Final = tuple(spec.low for spec in _SPECS)  # the market's WIDTH numbers, then the venue's
HIGH: Final = tuple(spec.high for spec in _SPECS)
VALUE: Final = tuple(spec.value for spec in _SPECS)
AT_ONCE: Final = tuple(spec.at_once for spec in _SPECS)
RAIL_UP: Final = tuple((spec.rail or _NO_RAIL).up for spec in _SPECS[:WIDTH])  # -1: no rail
RAIL_DOWN: Final = tuple((spec.rail or _NO_RAIL).down for spec in _SPECS[:WIDTH])
RAIL_DELAY: Final = tuple((spec.rail or _NO_RAIL).delay_ms for spec in _SPECS[:WIDTH])
TIGHTER: Final = tuple((UP if (spec.rail or _NO_RAIL).tighter_is_up else DOWN) for spec in _SPECS[:WIDTH])
RAILED: Final = tuple(number for number in range(WIDTH) if RAIL_UP[number] >= 0)
UNCAPPED: Final = NOTIONAL_MAX + 1  # how the special value "no cap" compares


@kernel
def place_of(s: Any, row: int, number: int) -> int:
    """Where the tables hold parameter `number` of a row; -1 when there is no such number."""
    if number < 0 or number >= WIDTH:
        return -1
    return int(number + WIDTH if row == len(s.market_price) else number)


@kernel
def in_range(place: int, value: int) -> bool:
    """Whether any owner may set this value. Funding is paid every 1, 4 or 8 hours and nothing between."""
    if place < 0 or value < LOW[place] or value > HIGH[place]:
        return False
    if place == parameter.FUNDING_INTERVAL_MS:
        return value in (HOUR_MS, 4 * HOUR_MS, 8 * HOUR_MS)
    return True


@kernel
def comparable(place: int, value: int) -> int:
    """The value in the order of its strictness: words for "no cap" come after every cap."""
    if place == parameter.OPEN_INTEREST_UPPER and value == 0:
        return UNCAPPED
    if place == WIDTH + parameter.PROFIT_CAP and value < 0:
        return UNCAPPED
    return value


@kernel
def needs_no_notice(place: int, old: int, new: int) -> bool:
    """Whether the admin may make this change at once: it tightens, or nobody's outcome depends on it."""
    if place == WIDTH + parameter.RISK_MASK:
        return (new & ~old) == 0  # taking signers away
    direction = AT_ONCE[place]
    if new == old or direction == EITHER:
        return True
    gap = comparable(place, new) - comparable(place, old)
    return (direction == UP and gap > 0) or (direction == DOWN and gap < 0)


@kernel
def is_looser(number: int, value: int, than: int) -> bool:
    """Whether a value of a railed parameter of a market asks less than another."""
    gap = comparable(number, value) - comparable(number, than)
    return gap < 0 if TIGHTER[number] == UP else gap > 0


@kernel
def fits(s: Any, market: int, number: int, value: int) -> bool:
    """Whether a live value goes with its live partner: the two open-interest caps stay in order."""
    if number == parameter.OPEN_INTEREST_LOWER:
        upper = s.param[market, parameter.OPEN_INTEREST_UPPER]
        return bool(upper == 0 or value <= upper)
    if number == parameter.OPEN_INTEREST_UPPER:
        return bool(value == 0 or value >= s.param[market, parameter.OPEN_INTEREST_LOWER])
    return True


@kernel
def fits_planned(s: Any, market: int, number: int, value: int) -> bool:
    """Whether a value of the admin goes with its partner: a rebate within the taker fee, the caps in their order.

    The static and the pending value of the partner both count, so that pending values may arrive in any order.
    """
    if number == parameter.TAKER_FEE:
        return bool(value + _least_planned(s, market, parameter.MAKER_FEE) >= 0)
    if number == parameter.MAKER_FEE:
        return bool(value + _least_planned(s, market, parameter.TAKER_FEE) >= 0)
    if number == parameter.OPEN_INTEREST_LOWER:
        return bool(value <= _least_planned(s, market, parameter.OPEN_INTEREST_UPPER))
    if number == parameter.OPEN_INTEREST_UPPER:
        lower = s.param_static[market, parameter.OPEN_INTEREST_LOWER]
        if s.param_from[market, parameter.OPEN_INTEREST_LOWER] != 0:
            lower = max(lower, s.param_next[market, parameter.OPEN_INTEREST_LOWER])
        return bool(value == 0 or value >= lower)
    return True


@kernel
def _least_planned(s: Any, market: int, number: int) -> int:
    planned = comparable(number, s.param_static[market, number])
    if s.param_from[market, number] != 0:
        planned = min(planned, comparable(number, s.param_next[market, number]))
    return int(planned)


@kernel
def popcount(bits: int) -> int:
    """How many of the lowest 16 bits are set."""
    count = 0
    for bit in range(16):
        count += (bits >> bit) & 1
    return count
