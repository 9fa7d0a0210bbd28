"""From a stress state and two margins to values of parameters, each the next step that the rails allow.

What is wanted may be far from what is live; a proposal goes as far as one step does, never looser than the admin's
static value, and loosens only when the parameter's delay has passed (engine/rails.py, which refuses anything else).
"""

from typing import Final, NamedTuple

from seawall.terms import parameter
from seawall.terms.limits import NOTIONAL_MAX
from seawall.terms.parameter import HARD, MARKET, NORMAL, RECOVERY, SOFT
from seawall.units import RATE_ONE, Rate, UsdMicro, ceil_div, floor_div

PARTICIPATION: Final = {SOFT: 30, HARD: 10, RECOVERY: 20}  # percent of depth within 1 % that forced orders may take
GROWTH: Final = {SOFT: 125, HARD: 100, RECOVERY: 110}  # percent of open interest to which it may grow
WINDOW_SHARE_LEAST: Final = 1_000  # of open interest: a thousandth may always be closed in a window, or none would end
HUNDRED: Final = 100
FEEDS: Final = 25  # percent of a move that forced orders may add to it before they are a cascade


class Forced(NamedTuple):
    """What a move to `move` would force in a market, and what its book would make of that (cascade.py).

    Shares of the price are signed. `near` is what rests within FEEDS percent of the move, behind it.
    """

    move: float
    end: float  # where the price would stand in the end
    taken: UsdMicro  # closed by force on the book
    left: UsdMicro  # that would find no book
    near: UsdMicro

    @property
    def is_cascade(self) -> bool:
        """Whether the book would run out, or forced orders carry the move on by more than FEEDS percent of it."""
        return self.left > 0 or HUNDRED * abs(self.end - self.move) > FEEDS * abs(self.move)

    @property
    def words(self) -> str:
        """The forecast in words."""
        asked = f"a move of {self.move:+.1%} would force {(self.taken + self.left) // 10**6:,} USD"
        took = f", of which the book takes {self.taken // 10**6:,}" if self.left else ""
        return f"{asked}{took}: it would end at {self.end:+.1%}"


class Market(NamedTuple):
    """What decides. Notional in micro-USD, open interest in lots, `depth` 0 where it is not known."""

    state: int
    open_interest: int
    open_notional: UsdMicro
    depth: UsdMicro
    new_risk: Rate  # margin for new risk, from the model
    maintenance: Rate  # margin under open positions, from the model
    static_maintenance: Rate  # of the first tier
    forced: Forced | None = None  # the worse side of what the forecast move would force; None: not known


def wanted(market: Market, static: dict[int, int]) -> dict[int, int]:
    """Value of each parameter that this market calls for, before the rails. `static` are the admin's values."""
    state = market.state
    found = {
        parameter.BREAKER: state,
        parameter.INITIAL_LIVE: max(static[parameter.INITIAL_LIVE], market.new_risk),
        parameter.MAINTENANCE_SCALE: maintenance_scale(market),
        parameter.LEVERAGE_CAP: static[parameter.LEVERAGE_CAP],
        parameter.ISOLATED_LEVERAGE_CAP: static[parameter.ISOLATED_LEVERAGE_CAP],
        parameter.OPEN_INTEREST_CAP: static[parameter.OPEN_INTEREST_CAP],
        parameter.LIQUIDATION_CAPACITY: static[parameter.LIQUIDATION_CAPACITY],
    }
    if market.new_risk > 0:
        cap = max(1, floor_div(RATE_ONE, market.new_risk))
        found[parameter.ISOLATED_LEVERAGE_CAP] = min(cap, static[parameter.ISOLATED_LEVERAGE_CAP])
    if state != NORMAL:
        grown = floor_div(market.open_interest * GROWTH[state], HUNDRED)
        found[parameter.OPEN_INTEREST_CAP] = min(grown, static[parameter.OPEN_INTEREST_CAP])
        if market.depth > 0:
            share = floor_div(market.depth * PARTICIPATION[state], HUNDRED)
            least = ceil_div(market.open_notional, WINDOW_SHARE_LEAST)
            room = min(max(share, least), NOTIONAL_MAX)
            found[parameter.LIQUIDATION_CAPACITY] = min(room, static[parameter.LIQUIDATION_CAPACITY])
    for number, value in against_cascade(market).items():
        found[number] = min(found[number], value)
    return found


def against_cascade(market: Market) -> dict[int, int]:
    """Caps that a forecast cascade calls for, in any state; nothing where there is none.

    Open interest grows no further, and shrinks to what the book would take of the forced orders when it runs out; in a
    window forced orders take what rests near, so that each finds the book that stood anew behind the one before.
    """
    forced = market.forced
    if forced is None or not forced.is_cascade:
        return {}
    all_forced = forced.taken + forced.left
    fits = floor_div(market.open_interest * forced.taken, all_forced) if forced.left else market.open_interest
    least = ceil_div(market.open_notional, WINDOW_SHARE_LEAST)
    return {
        parameter.OPEN_INTEREST_CAP: fits,
        parameter.LIQUIDATION_CAPACITY: min(max(forced.near, least), NOTIONAL_MAX),
    }


def maintenance_scale(market: Market) -> int:
    """What multiplies the tiers so that the first asks for the model's margin; within the parameter's range."""
    terms = MARKET[parameter.MAINTENANCE_SCALE]
    if market.static_maintenance <= 0:
        return terms.low
    scale = ceil_div(market.maintenance * RATE_ONE, market.static_maintenance)
    return min(max(scale, terms.low), terms.high)


def next_value(number: int, *, target: int, live: int, static: int, age_ms: int) -> int | None:
    """The value to propose now on the way from `live` to `target`; None: nothing, or not yet.

    `age_ms` is the time since the live value last moved. The breaker's own order of states is the stress machine's.
    """
    terms = MARKET[number]
    rail = terms.rail
    assert rail is not None
    target = min(max(target, terms.low), terms.high)
    if number != parameter.BREAKER:
        target = max(target, static) if rail.tighter_is_up else min(target, static)
    if target == live:
        return None
    is_looser = (target < live) == rail.tighter_is_up
    if is_looser and number != parameter.BREAKER and age_ms < rail.delay_ms:
        return None
    if number in (parameter.BREAKER, parameter.MAINTENANCE_SCALE):
        return target
    return min(target, live + rail.up) if target > live else max(target, live - rail.down)
