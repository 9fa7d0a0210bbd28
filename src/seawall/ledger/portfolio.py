"""Maintenance of a bucket in portfolio margin over the record's columns (kernels): SPEC section 3, margin/scenario.py.

The grid is parameters: of the venue the common shocks and the shares of own moves, of each market how it moves. What a
market loses is margin/scenario_loss.py. Work is bounded by markets of the bucket x (GRID_SHOCKS + 2 GRID_SHARES) x
liquidity positions there; nobody pays for it who has not opted in.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.events import emit
from seawall.ledger.state import PORTFOLIOS
from seawall.ledger.valuation import fair_value, kept_row, kept_value
from seawall.margin.certificate import ceil_pair
from seawall.margin.lp_value import range_delta
from seawall.margin.scenario_loss import is_loss, market_loss, move_of, netted, price_at
from seawall.margin.trigger_kernels import PORTFOLIO, note_fired
from seawall.terms import event
from seawall.terms.asset_parameter import POOL, WEIGHT_MAINTENANCE
from seawall.terms.limits import SPLIT_BITS
from seawall.terms.parameter import (
    CONCENTRATION,
    CONCENTRATION_START,
    GRID_BASIS,
    GRID_BETA,
    GRID_CREDIT,
    GRID_FLOOR,
    GRID_MOVE,
    GRID_OWN,
    GRID_SHARE,
    GRID_SHARES,
    GRID_SHOCKS,
)
from seawall.units import RATE_ONE
from seawall.wide import mul_floor_div, rate_down, rate_up

SPLIT_MASK: Final = (1 << SPLIT_BITS) - 1
MAINTENANCE_MAX: Final = 1 << 59  # as much as 64 positions can be worth: what any rate is taken of stays within int64
NO_MARKET: Final = -1
LOST: Final = 0  # places in a row of `scenario`: three numbers of losses, three of gains
GAINED: Final = 3


@kernel
def market_moving(s: Any, asset: int) -> int:
    """The market that an asset moves with in a scenario: of what it is redeemed for, else the one that prices it."""
    redeemed = s.asset_redeemed[asset] - 1
    return int(redeemed if redeemed >= 0 else s.asset_market[asset])


@kernel
def portfolio_maintenance(s: Any, bucket: int, market: int, size: int, at: int, price: int) -> int:
    """Maintenance of a bucket by the grid, after `size` more lots of `market`, if the mark of market `at` were `price`.

    Collateral of that market then moves in proportion. The largest loss of any row, at least 0, plus floor and
    concentration of every market, each sum rounded up once; at most MAINTENANCE_MAX.
    """
    for k in range(GRID_SHOCKS):
        for place in range(2 * GAINED):
            s.scenario[k, place] = 0
    worst, floor_high, floor_low, extra_high, extra_low = 0, 0, 0, 0, 0
    slot, is_new = s.bucket_first[bucket], market != NO_MARKET and size != 0
    while slot != 0 or is_new:  # at most POSITIONS_PER_BUCKET + 1
        if slot != 0:
            here, held = s.slot_market[slot], s.slot_size[slot]
            slot = s.slot_sibling[slot]
        else:
            here, held = market, 0
        if here == market:
            is_new, held = False, held + size
        mark = price if here == at else s.market_price[here]
        perp = held * mark
        worst = max(worst, _add_market(s, bucket, here, perp, mark))
        gross = abs(perp)
        over = max(0, gross - s.param[here, CONCENTRATION_START])
        floor_high += (gross >> SPLIT_BITS) * s.param[here, GRID_FLOOR]
        floor_low += (gross & SPLIT_MASK) * s.param[here, GRID_FLOOR]
        extra_high += (over >> SPLIT_BITS) * s.param[here, CONCENTRATION]
        extra_low += (over & SPLIT_MASK) * s.param[here, CONCENTRATION]
    row = s.bucket_holding[bucket]
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        here = market_moving(s, s.holding_asset[row])
        if is_first_of(s, bucket, row, here) and not (here == market and size != 0) and not has_slot(s, bucket, here):
            mark = price if here == at else s.market_price[here]
            worst = max(worst, _add_market(s, bucket, here, 0, mark))
        row = s.holding_next[row]
    for k in range(GRID_SHOCKS):
        if s.param[len(s.market_price), GRID_MOVE + k] != 0:
            worst = max(worst, _loss_of(s, k))
    return int(min(MAINTENANCE_MAX, worst + ceil_pair(floor_high, floor_low) + ceil_pair(extra_high, extra_low)))


@kernel
def is_first_of(s: Any, bucket: int, row: int, market: int) -> bool:
    """Whether no earlier holding of the bucket moves with the market."""
    at = s.bucket_holding[bucket]
    while at != row:  # at most HOLDINGS_PER_BUCKET
        if market_moving(s, s.holding_asset[at]) == market:
            return False
        at = s.holding_next[at]
    return True


@kernel
def has_slot(s: Any, bucket: int, market: int) -> bool:
    """Whether the bucket has a position or orders in a market."""
    slot = s.bucket_first[bucket]
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        if s.slot_market[slot] == market:
            return True
        slot = s.slot_sibling[slot]
    return False


@kernel
def _add_market(s: Any, bucket: int, market: int, perp: int, mark: int) -> int:
    """Adds what a market loses or gains to every common row; returns the largest loss of its own rows, rounded up."""
    spot, base, worst, venue = 0, 0, 0, len(s.market_price)
    is_ranged, row = False, s.bucket_holding[bucket]
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        asset = s.holding_asset[row]
        if market_moving(s, asset) == market:
            if s.asset_kind[asset] == POOL:
                is_ranged = True
                low, high, scale = int(s.holding_low[row]), int(s.holding_high[row]), int(s.holding_scale[row])
                base += range_delta(int(s.holding_lots[row]), low, high, scale, mark)
            else:
                spot += kept_value(s, asset, s.holding_lots[row])
        row = s.holding_next[row]
    if mark != s.market_price[market] and spot != 0:
        spot = mul_floor_div(spot, mark, s.market_price[market])
    if perp == 0 and spot == 0 and not is_ranged:
        return 0
    basis = s.param[market, GRID_BASIS]
    for k in range(GRID_SHOCKS):
        factor = s.param[venue, GRID_MOVE + k]
        if factor != 0:
            move = move_of(factor, s.param[market, GRID_BETA])
            fallen = _fallen(s, bucket, market, mark, move) if is_ranged else 0
            loss = market_loss(perp, spot, base, fallen, basis, move)
            place = LOST if is_loss(loss) else GAINED
            s.scenario[k, place] += loss[0]
            s.scenario[k, place + 1] += loss[1]
            s.scenario[k, place + 2] += loss[2]
    for k in range(GRID_SHARES):
        if s.param[venue, GRID_SHARE + k] != 0:
            own = rate_up(s.param[market, GRID_OWN], s.param[venue, GRID_SHARE + k]) * RATE_ONE
            for move in (own, -own):
                fallen = _fallen(s, bucket, market, mark, move) if is_ranged else 0
                loss = market_loss(perp, spot, base, fallen, basis, move)
                worst = max(worst, netted(loss, (0, 0, 0), 0))
    return worst


@kernel
def _fallen(s: Any, bucket: int, market: int, mark: int, move: int) -> int:
    """What the bucket's liquidity positions of a market lose in worth when its price makes a move."""
    lost, price, row = 0, price_at(mark, move), s.bucket_holding[bucket]
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        asset = s.holding_asset[row]
        if s.asset_kind[asset] == POOL and s.asset_market[asset] == market:
            lost += fair_value(s, row, mark) - fair_value(s, row, price)
        row = s.holding_next[row]
    return int(lost)


@kernel
def _loss_of(s: Any, k: int) -> int:
    """Loss of the bucket in a common row, rounded up."""
    lost = (int(s.scenario[k, 0]), int(s.scenario[k, 1]), int(s.scenario[k, 2]))
    gained = (int(s.scenario[k, 3]), int(s.scenario[k, 4]), int(s.scenario[k, 5]))
    return int(netted(lost, gained, int(s.param[len(s.market_price), GRID_CREDIT + k])))


@kernel
def worth_moved(s: Any, bucket: int, market: int, price: int) -> int:
    """What collateral gains in worth for maintenance if the mark of a market moves to `price`, and it likewise."""
    gained, row = 0, s.bucket_holding[bucket]
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        asset = s.holding_asset[row]
        if market_moving(s, asset) == market:
            now = kept_row(s, row)
            if s.asset_kind[asset] == POOL:
                index = mul_floor_div(s.market_oracle[market], price, s.market_price[market])
                gained += rate_down(fair_value(s, row, index), s.asset_param[asset, WEIGHT_MAINTENANCE]) - now
            else:
                gained += mul_floor_div(now, price, s.market_price[market]) - now
        row = s.holding_next[row]
    return int(gained)


@kernel
def set_mode(s: Any, bucket: int, mode: int, why: int) -> int:
    """Puts a bucket into portfolio margin (PORTFOLIO) or out of it (TIERED), tells `why`; returns the event's row."""
    s.cell[PORTFOLIOS] += 1 if mode == PORTFOLIO else -1
    s.bucket_mode[bucket] = mode
    note_fired(s, bucket)
    return int(emit(s, event.PORTFOLIO, -1, bucket, why, 0, 0, 0, 1 if mode == PORTFOLIO else 0))


@kernel
def note_ranges(s: Any, market: int) -> None:
    """A new mark: queues the buckets in portfolio margin whose liquidity positions are valued by it."""
    for asset in range(len(s.asset_kind)):
        if s.asset_kind[asset] == POOL and s.asset_market[asset] == market:
            row = s.asset_first[asset]
            while row != 0:  # at most the holdings of the asset
                if s.bucket_mode[s.holding_bucket[row]] == PORTFOLIO:
                    note_fired(s, s.holding_bucket[row])
                row = s.holding_after[row]


@kernel
def note_portfolios(s: Any) -> None:
    """The grid has changed: queues every bucket in portfolio margin."""
    for bucket in range(len(s.account_master)):
        if s.bucket_mode[bucket] == PORTFOLIO:
            note_fired(s, bucket)
