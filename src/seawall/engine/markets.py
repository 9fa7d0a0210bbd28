"""Listing a market and naming its price sources (kernels). A new market is closed and all its caps are 0."""

from typing import Any, Final

from seawall.engine.parameters import note_due
from seawall.engine.policy import VALUE
from seawall.kernel import kernel
from seawall.ledger.events import emit
from seawall.ledger.state import ASSETS, MARKETS, NOW
from seawall.margin.certificate import FENCE, LIVE
from seawall.terms import code, command, event, parameter
from seawall.terms.asset_parameter import NONE
from seawall.terms.command import PERP
from seawall.terms.limits import (
    NOTIONAL_MAX,
    POOL_LOCKED,
    PRICE_MAX,
    SIZE_DECIMALS_MAX,
    SIZE_DECIMALS_MIN,
    SOURCE_WEIGHT_MAX,
    SOURCES,
    TIERS_PER_MARKET,
)
from seawall.terms.parameter import ADMIN_DELAY_MS, RAILS_STEP_MS, REOPEN_DWELL_MS, WIDTH
from seawall.units import RATE_ONE

EXPONENT_DECIMALS: Final = 6  # a lot of 10^-d of the asset has a price grid of whole USD up to the exponent 6 - d


@kernel
def list_market(s: Any, c: Any) -> int:
    """LIST_MARKET by the admin: number `market`, lots of 10^-`other` of the asset, prices up to `price`.

    The number is the next one, or that of a market that was delisted a while ago and holds nothing any more. CLOSED,
    without tiers and sources, every parameter at its default.
    """
    if c.other < SIZE_DECIMALS_MIN or c.other > SIZE_DECIMALS_MAX:
        return code.BAD_FIELD
    if c.price < 1 or c.price > PRICE_MAX:
        return code.BAD_PRICE
    if c.signer != command.ADMIN:
        return code.NOT_AUTHORISED
    if c.market < 0 or c.market > s.cell[MARKETS]:
        return code.UNKNOWN_MARKET
    if c.market == len(s.market_price):
        return code.MARKETS_FULL
    if c.market < s.cell[MARKETS]:
        if s.market_status[c.market] != command.UNLISTED:
            return code.MARKET_EXISTS
        if not is_empty(s, c.market):
            return code.MARKET_IN_USE
        if s.cell[NOW] - s.market_status_time[c.market] < REOPEN_DWELL_MS:
            return code.NOT_DUE  # whatever ran on a clock in the old market has seen that it is gone
    s.cell[MARKETS] = max(s.cell[MARKETS], c.market + 1)
    _forget(s, c.market)
    s.market_status[c.market] = command.CLOSED
    s.market_status_time[c.market] = s.cell[NOW]
    s.market_size_decimals[c.market] = c.other
    s.market_exponent_max[c.market] = max(0, EXPONENT_DECIMALS - c.other)
    s.market_price_max[c.market] = c.price
    s.market_listed_size[c.market] = NOTIONAL_MAX // c.price
    emit(s, event.STATUS, c.market, -1, c.other, 0, c.price, 0, command.CLOSED)
    return code.OK


@kernel
def is_empty(s: Any, market: int) -> bool:
    """Whether a market's number may be used again: no position, fund, share but those of nobody, or asset it prices."""
    if s.market_shares_amm[market] > POOL_LOCKED or s.market_shares_backstop[market] > POOL_LOCKED:
        return False
    for asset in range(s.cell[ASSETS]):
        if s.asset_kind[asset] != NONE and (s.asset_market[asset] == market or s.asset_redeemed[asset] == market + 1):
            return False
    return bool(s.market_open[market] == 0 and s.market_insurance[market] == 0)


@kernel
def _forget(s: Any, market: int) -> None:
    """Everything of a market back to its beginning, but what never goes back or is somebody's.

    The funding index (Paradex 2026) and the times of prices and funding never do, and nothing hangs on them any more;
    the rounding residue of funding, the income counter and the pools stay.
    """
    s.market_price[market] = 0
    s.market_oracle[market] = 0
    s.market_fresh[market] = 0
    s.market_last[market] = 0
    s.market_mark_time[market] = 0
    s.market_basis_ema[market] = 0
    s.market_book_ema[market] = 0
    s.market_premium_sum[market] = 0
    s.market_premium_count[market] = 0
    s.market_premium_time[market] = 0
    s.market_funding_rate[market] = 0
    s.market_capacity_start[market] = 0
    s.market_capacity_used[market] = 0
    s.market_settlement[market] = 0
    s.market_breaker_time[market] = 0
    s.market_opened[market] = 0
    s.market_reopen[market] = 0
    _forget_policy(s, market)
    _forget_tiers(s, market)
    for source in range(SOURCES):
        _set_weight(s, market, source, 0)


@kernel
def _forget_policy(s: Any, market: int) -> None:
    for number in range(WIDTH):
        s.param[market, number] = VALUE[number]
        s.param_static[market, number] = VALUE[number]
        s.param_next[market, number] = 0
        s.param_from[market, number] = 0
        s.param_time[market, number] = 0
    s.market_weight[market] = VALUE[parameter.TRIGGER_WEIGHT]
    s.market_ramp_target[market] = RATE_ONE
    s.market_ramp_next[market] = 0
    s.market_ramp_from[market] = 0
    s.market_rails_time[market] = s.cell[NOW] // RAILS_STEP_MS
    for hour in range(s.scale_low.shape[1]):
        s.scale_low[market, hour] = RATE_ONE


@kernel
def _forget_tiers(s: Any, market: int) -> None:
    for table in (2 * market + LIVE, 2 * market + FENCE):
        s.tier_count[table] = 0
    for k in range(TIERS_PER_MARKET):
        s.base_leverage[market, k] = 0
        s.base_rate[market, k] = 0
        for table in (2 * market + LIVE, 2 * market + FENCE):
            s.tier_lower[table, k] = 0
            s.tier_rate[table, k] = 0
            s.tier_high[table, k] = 0
            s.tier_low[table, k] = 0


@kernel
def set_source(s: Any, c: Any) -> int:
    """SET_SOURCE by the admin: price source `other` counts with weight `size`; 0 removes it.

    PERP added to the weight makes it a voice of the mark instead of the index. A smaller weight counts at once, any
    other after ADMIN_DELAY_MS once the market has been opened: nobody lists a source and moves the index with it on one
    day (Drift 2026). A later command replaces one that still waits.
    """
    if c.other < 0 or c.other >= SOURCES:
        return code.UNKNOWN_SOURCE
    bare = c.size - PERP if c.size >= PERP else c.size
    if bare < 0 or bare > SOURCE_WEIGHT_MAX or c.size == PERP:
        return code.BAD_SIZE
    if c.signer != command.ADMIN:
        return code.NOT_AUTHORISED
    if c.market < 0 or c.market >= len(s.market_price) or s.market_status[c.market] == command.UNLISTED:
        return code.UNKNOWN_MARKET
    if s.market_status[c.market] == command.DELISTING:
        return code.MARKET_CLOSED
    weight, waits = s.source_weight[c.market, c.other], s.source_from[c.market, c.other] != 0
    if c.size == 0 and weight == 0 and not waits:
        return code.UNKNOWN_SOURCE
    time = s.cell[NOW]
    is_less = c.size == 0 or (c.size <= weight and (c.size >= PERP) == (weight >= PERP))
    if not is_less and s.market_status[c.market] != command.CLOSED:
        time += ADMIN_DELAY_MS
        s.source_next[c.market, c.other] = c.size
        s.source_from[c.market, c.other] = time
        note_due(s, time)
    else:
        _set_weight(s, c.market, c.other, c.size)
    emit(s, event.SOURCE, c.market, -1, c.other, 0, 0, c.size, time)
    return code.OK


@kernel
def _set_weight(s: Any, market: int, source: int, weight: int) -> None:
    """Gives a source its weight now and forgets one that waits; a source that is removed loses its price as well."""
    s.source_weight[market, source] = weight
    s.source_next[market, source] = 0
    s.source_from[market, source] = 0
    if weight == 0:
        s.source_price[market, source] = 0
        s.source_time[market, source] = 0
