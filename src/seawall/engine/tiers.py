"""Maintenance tiers of a market: the admin's base, and the live and fence tables that follow from it (kernels).

Live rates are base x scale, fence rates base x 1.5, both rounded up and at most 1/2: no scale may pass 1.5, so no live
rate passes its fence and a bucket certified at the fence stays so through every ramp (docs/adr/0003).
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.events import emit
from seawall.ledger.state import NOW
from seawall.margin.certificate import FENCE, LIVE
from seawall.margin.trigger_kernels import EDGE, UNSURE, note_fired
from seawall.terms import code, command, event, parameter
from seawall.terms.limits import LEVERAGE_MAX, NOTIONAL_MAX, SPLIT_BITS, TIERS_PER_MARKET
from seawall.terms.parameter import MAINTENANCE_SCALE
from seawall.units import RATE_ONE

SCALE_MAX: Final = parameter.MARKET[MAINTENANCE_SCALE].high
RATE_MAX: Final = RATE_ONE // 2
SPLIT_MASK: Final = (1 << SPLIT_BITS) - 1
INITIAL_TO_MAINTENANCE: Final = (6, 5)  # initial margin is at least 1.2 x maintenance (SPEC section 10)


@kernel
def set_tier(s: Any, c: Any) -> int:
    """SET_TIER by the admin: tier `other` from `amount` of notional, of leverage `size` and maintenance rate `price`.

    Until the market is opened tiers are added in order or replaced; afterwards a tier's maintenance and leverage may
    only fall: a rise of maintenance is a ramp of MAINTENANCE_SCALE with notice, a rise of leverage one of LEVERAGE_CAP.
    """
    if c.other < 0 or c.other >= TIERS_PER_MARKET or c.amount < 0 or c.amount > NOTIONAL_MAX:
        return code.BAD_FIELD
    if c.size < 1 or c.size > LEVERAGE_MAX:
        return code.BAD_LEVERAGE
    if c.price < 1 or c.price > RATE_MAX or not is_covered(c.size, c.price):
        return code.BAD_PARAMETER
    if c.signer != command.ADMIN:
        return code.NOT_AUTHORISED
    if c.market < 0 or c.market >= len(s.market_price) or s.market_status[c.market] == command.UNLISTED:
        return code.UNKNOWN_MARKET
    if s.market_status[c.market] == command.DELISTING:
        return code.MARKET_CLOSED
    if not _rises(s, c.market, c.other, c.amount, c.size, c.price):
        return code.BAD_PARAMETER
    if s.market_status[c.market] != command.CLOSED and not _only_eases(s, c.market, c.other, c.amount, c.size, c.price):
        return code.MARKET_IN_USE
    for table in (2 * c.market + LIVE, 2 * c.market + FENCE):
        s.tier_count[table] = max(s.tier_count[table], c.other + 1)
        s.tier_lower[table, c.other] = c.amount
    s.base_leverage[c.market, c.other] = c.size
    s.base_rate[c.market, c.other] = c.price
    if s.market_status[c.market] == command.CLOSED:
        start_scale(s, c.market, s.param_static[c.market, MAINTENANCE_SCALE])
    write_tiers(s, c.market)
    emit(s, event.TIER, c.market, -1, c.other, 0, c.price, c.size, c.amount)
    return code.OK


@kernel
def is_covered(leverage: int, maintenance: int) -> bool:
    """Whether initial margin at this leverage is at least 1.2 x the maintenance rate."""
    return INITIAL_TO_MAINTENANCE[0] * maintenance * leverage <= INITIAL_TO_MAINTENANCE[1] * RATE_ONE


@kernel
def scale_cap(s: Any, market: int) -> int:
    """The greatest scale that keeps every tier's initial margin at 1.2 x its live maintenance; RATE_ONE..1.5."""
    cap = SCALE_MAX
    for k in range(s.tier_count[2 * market + LIVE]):  # at most TIERS_PER_MARKET
        most = INITIAL_TO_MAINTENANCE[1] * RATE_ONE // (INITIAL_TO_MAINTENANCE[0] * s.base_leverage[market, k])
        cap = min(cap, most * RATE_ONE // s.base_rate[market, k])
    return int(max(cap, RATE_ONE))


@kernel
def set_scale(s: Any, market: int, scale: int) -> None:
    """Makes `scale` the live one and writes the live tiers; after a rise `note_uncertified` must follow."""
    s.param[market, MAINTENANCE_SCALE] = scale
    write_tiers(s, market)
    emit(s, event.PARAMETER, market, -1, 1, MAINTENANCE_SCALE, scale, 0, s.cell[NOW])


@kernel
def note_uncertified(s: Any) -> None:
    """Queues the buckets that a rise of any live scale may concern: those certified at the live rates only, or not.

    A bucket certified at the fence stays certified, and a fall makes nobody liquidatable.
    """
    for bucket in range(len(s.bucket_status)):
        if EDGE <= s.bucket_status[bucket] <= UNSURE:
            note_fired(s, bucket)


@kernel
def start_scale(s: Any, market: int, scale: int) -> None:
    """The scale of a market that was never opened: at once, within its cap, and as its lowest value so far."""
    scale = min(scale, scale_cap(s, market))
    if scale != s.param[market, MAINTENANCE_SCALE]:
        set_scale(s, market, scale)
    for hour in range(s.scale_low.shape[1]):
        s.scale_low[market, hour] = scale


@kernel
def write_tiers(s: Any, market: int) -> None:
    """Live and fence rates and deductions from the base and the live scale."""
    _write_table(s, market, 2 * market + LIVE, s.param[market, MAINTENANCE_SCALE])
    _write_table(s, market, 2 * market + FENCE, SCALE_MAX)


@kernel
def _write_table(s: Any, market: int, table: int, scale: int) -> None:
    """Rates round up; a deduction is the exact sum of lower x rise of the rate, as (high, low) around 2^20."""
    before, high, low = 0, 0, 0
    for k in range(s.tier_count[table]):  # at most TIERS_PER_MARKET
        rate = min((s.base_rate[market, k] * scale + RATE_ONE - 1) // RATE_ONE, RATE_MAX)
        rise = rate - before if k > 0 else 0
        lower = s.tier_lower[table, k]
        low += (lower & SPLIT_MASK) * rise
        high += (lower >> SPLIT_BITS) * rise + (low >> SPLIT_BITS)
        low &= SPLIT_MASK
        s.tier_rate[table, k] = rate
        s.tier_high[table, k] = high
        s.tier_low[table, k] = low
        before = rate


@kernel
def _rises(s: Any, market: int, k: int, lower: int, leverage: int, rate: int) -> bool:
    """Whether tier k would stand in order between its neighbours: notional rises, no tier asks for less."""
    table = 2 * market + LIVE
    if k > s.tier_count[table] or (k == 0) != (lower == 0):
        return False
    if k > 0 and (
        lower <= s.tier_lower[table, k - 1]
        or leverage > s.base_leverage[market, k - 1]
        or rate < s.base_rate[market, k - 1]
    ):
        return False
    if k + 1 >= s.tier_count[table]:
        return True
    return bool(
        lower < s.tier_lower[table, k + 1]
        and leverage >= s.base_leverage[market, k + 1]
        and rate <= s.base_rate[market, k + 1]
    )


@kernel
def _only_eases(s: Any, market: int, k: int, lower: int, leverage: int, rate: int) -> bool:
    """Whether an opened market's tier k keeps its place and asks no more maintenance and gives no more leverage."""
    table = 2 * market + LIVE
    if k >= s.tier_count[table] or lower != s.tier_lower[table, k]:
        return False
    return bool(leverage <= s.base_leverage[market, k] and rate <= s.base_rate[market, k])
