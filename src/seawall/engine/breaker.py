"""The breaker of a market and what it and the statuses allow (kernels, SPEC section 10).

NORMAL -> SOFT: leverage caps are halved. -> HARD: reduce-only. -> RECOVERY: post-only until its dwell has passed, then
halved caps until NORMAL. Tighter states may be entered at once and from anywhere, looser ones one at a time.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.events import emit
from seawall.ledger.markets import status_of
from seawall.ledger.state import NOW
from seawall.terms import command, event, parameter
from seawall.terms.parameter import HARD, NORMAL, RECOVERY, SOFT

DWELL_MS: Final = parameter.MARKET[parameter.BREAKER].rail.delay_ms  # type: ignore[union-attr]
RANK: Final = (0, 1, 3, 2)  # strictness of NORMAL, SOFT, HARD, RECOVERY


@kernel
def leverage_cap(s: Any, market: int) -> int:
    """Most leverage of new risk: the live cap within the first tier's, halved (rounded down) by the breaker; >= 1."""
    cap = min(s.param[market, parameter.LEVERAGE_CAP], s.base_leverage[market, 0])
    return int(max(1, _halved(s, market, cap)))


@kernel
def isolated_leverage_cap(s: Any, market: int) -> int:
    """Most leverage of a new isolated position: never above `leverage_cap`."""
    first = s.base_leverage[market, 0]
    cap = min(s.param[market, parameter.ISOLATED_LEVERAGE_CAP], s.param[market, parameter.LEVERAGE_CAP], first)
    return int(max(1, _halved(s, market, cap)))


@kernel
def is_reduce_only(s: Any, market: int) -> bool:
    """Whether nothing may add risk: breaker HARD, or the market or the venue is REDUCING."""
    return bool(s.param[market, parameter.BREAKER] == HARD or status_of(s, market) == command.REDUCING)


@kernel
def is_post_only(s: Any, market: int) -> bool:
    """Whether only orders that can not take are let in: RECOVERY before its dwell, or the status POSTING."""
    if status_of(s, market) == command.POSTING:
        return True
    return bool(
        s.param[market, parameter.BREAKER] == RECOVERY and s.cell[NOW] - s.market_breaker_time[market] < DWELL_MS
    )


@kernel
def may_change(s: Any, market: int, state: int) -> bool:
    """Whether the breaker may go from where it is to `state` now.

    SOFT and HARD at once when that is stricter. After the dwell: SOFT to NORMAL, HARD to RECOVERY, RECOVERY to SOFT or
    NORMAL. Staying is no change and always allowed.
    """
    now = s.param[market, parameter.BREAKER]
    if state == now:
        return True
    if RANK[state] > RANK[now]:
        return bool(state != RECOVERY)
    if s.cell[NOW] - s.market_breaker_time[market] < DWELL_MS:
        return False
    if now == HARD:
        return bool(state == RECOVERY)
    return True


@kernel
def set_breaker(s: Any, market: int, state: int) -> None:
    """Writes the state; the caller has asked `may_change`."""
    if s.param[market, parameter.BREAKER] == state:
        return
    s.param[market, parameter.BREAKER] = state
    s.market_breaker_time[market] = s.cell[NOW]
    emit(s, event.BREAKER, market, -1, -1, 0, 0, 0, state)


@kernel
def step_back(s: Any, market: int) -> None:
    """One step towards NORMAL when its dwell has passed: what happens while the risk engine is silent."""
    now = s.param[market, parameter.BREAKER]
    target = RECOVERY if now == HARD else NORMAL
    if may_change(s, market, target):
        set_breaker(s, market, target)


@kernel
def _halved(s: Any, market: int, cap: int) -> int:
    state = s.param[market, parameter.BREAKER]
    return int(cap // 2 if state in (SOFT, RECOVERY) else cap)
