"""The stable price: follows the oracle slowly, so that a spike can not be borrowed against (SPEC sections 2 and 6)."""

from typing import Final

import msgspec

from seawall.units import BadInput, Price, TimeMs, floor_div

STEP_ONE: Final = 10**12  # 1e9 parts a second x 1000 ms


class StableRules(msgspec.Struct, frozen=True, kw_only=True):
    """`max_per_s_e9`: furthest relative move a second, in 1e-9. The default is 0.03 % a second, as Mango v4 uses."""

    max_per_s_e9: int = 300_000


class Stable(msgspec.Struct, frozen=True, kw_only=True):
    """A stable price and the time up to which its moves are accounted for."""

    price: Price
    time: TimeMs


DEFAULTS: Final = StableRules()


def check_rules(rules: StableRules) -> StableRules:
    """The rules themselves, or BadInput when the move a second is outside (0, 1]."""
    if not 0 < rules.max_per_s_e9 <= 10**9:
        raise BadInput("stable.max_per_s_e9", f"{rules.max_per_s_e9} is outside 1..10^9")
    return rules


def allowance(stable: Price, *, elapsed_ms: int, rules: StableRules) -> int:
    """Furthest move of one step: `floor(stable * max_per_s_e9 * dt_ms / 1e12)`. BadInput when time runs backwards."""
    if elapsed_ms < 0:
        raise BadInput("stable.time", f"time runs backwards by {-elapsed_ms} ms")
    return floor_div(stable * rules.max_per_s_e9 * elapsed_ms, STEP_ONE)


def toward(stable: Price, oracle: Price, *, elapsed_ms: int, rules: StableRules) -> Price:
    """`stable` moved toward `oracle` by at most the allowance of the elapsed time, never past it.

    Raises BadInput for a price that is not positive and when time runs backwards.
    """
    if stable <= 0 or oracle <= 0:
        raise BadInput("stable.price", "prices must be positive")
    reach = allowance(stable, elapsed_ms=elapsed_ms, rules=rules)
    return Price(min(max(oracle, stable - reach), stable + reach))


def advance(state: Stable, oracle: Price, now: TimeMs, rules: StableRules = DEFAULTS) -> Stable:
    """The stable price at `now`. Time too short for one unit of movement is kept for the next step, not lost.

    So the price moves at the same speed however often it is updated. Raises BadInput as `toward` does.
    """
    moved = toward(state.price, oracle, elapsed_ms=now - state.time, rules=rules)
    if moved == state.price and moved != oracle:
        return state
    return Stable(price=moved, time=now)
