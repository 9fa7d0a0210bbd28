"""Collateral is sold to pay what a bucket in liquidation owes (kernels): stable assets first, then the least haircut.

A sale at `sale_price` never costs equity: the discount is at most what the maintenance weight leaves out. So a bucket
in debt sells before it closes positions, as much as pays the debt or as lifts it to liquidation end, whichever is less.
The buyer is the backstop vault of the market that prices the asset, with cash it has and keeping its own margin; what
it does not take anybody may buy (engine/collateral.py `buy_asset`). A bucket waits for that with nothing else to close.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.buckets import add_cash, cash_of, interest_of
from seawall.ledger.events import emit, emit_health
from seawall.ledger.health import EQUITY_INITIAL, INITIAL, end_of, equity_and_maintenance, measure
from seawall.ledger.holdings import add_lots, charge, has_holding_room
from seawall.ledger.leaving import pending_funding
from seawall.ledger.markets import BACKSTOP, pool_bucket
from seawall.ledger.valuation import fair_value, is_asset_fresh, kept_value, sale_price
from seawall.margin.trigger_kernels import PORTFOLIO
from seawall.terms import event
from seawall.terms.asset_parameter import POOL, STABLE, WEIGHT_MAINTENANCE
from seawall.terms.limits import HOLDINGS_PER_BUCKET
from seawall.units import RATE_ONE
from seawall.wide import mul_ceil_div

TOP: Final = 4 * RATE_ONE  # above any rank


@kernel
def debt_of(s: Any, bucket: int) -> int:
    """USD that a bucket with holdings is short of, funding and interest counted."""
    return int(max(0, interest_of(s, bucket) - cash_of(s, bucket) - pending_funding(s, bucket)))


@kernel
def rank_of(s: Any, row: int) -> int:
    """The higher, the sooner it is sold."""
    asset = s.holding_asset[row]
    first = 2 * RATE_ONE if s.asset_kind[asset] == STABLE else 0
    return int(first + s.asset_param[asset, WEIGHT_MAINTENANCE])


@kernel
def next_for_sale(s: Any, bucket: int, rank: int, row: int) -> tuple[int, int]:
    """(row, rank) of the holding that is sold after (`row`, `rank`): by rank, equal ones in the order of their rows."""
    best, most, at = 0, -1, s.bucket_holding[bucket]
    while at != 0:  # at most HOLDINGS_PER_BUCKET
        own = rank_of(s, at)
        is_later = own < rank or (own == rank and at > row)
        if is_later and (own > most or (own == most and at < best)):
            best, most = at, own
        at = s.holding_next[at]
    return int(best), int(most)


@kernel
def lots_for_sale(s: Any, bucket: int, row: int) -> int:
    """Lots of a holding that pay the bucket's debt or lift it to liquidation end, whichever is less; all if need be.

    None in portfolio margin, where they may be what a short hedges.
    """
    if s.bucket_mode[bucket] == PORTFOLIO:
        return 0
    asset, held = s.holding_asset[row], s.holding_lots[row]
    price, debt = sale_price(s, asset), debt_of(s, bucket)
    if price <= 0 or debt == 0 or s.asset_kind[asset] == POOL or not is_asset_fresh(s, asset):
        return 0
    lots = min(held, -((-debt) // price))
    equity, maintenance = equity_and_maintenance(s, bucket)
    gain, need = held * price - kept_value(s, asset, held), end_of(s, maintenance) - equity
    if gain > need > 0:
        lots = min(lots, held, mul_ceil_div(held, need, gain) + 1)
    return int(lots)


@kernel
def next_sale(s: Any, bucket: int) -> tuple[int, int]:
    """(row, lots) of the first holding that the vault of its market takes any of; row 0 when it takes none."""
    rank, row = TOP, 0
    for _ in range(HOLDINGS_PER_BUCKET):
        row, rank = next_for_sale(s, bucket, rank, row)
        if row == 0:
            return 0, 0
        lots = lots_for_sale(s, bucket, row)
        vault = vault_of(s, row)
        if lots > 0 and vault != bucket:
            lots = min(lots, vault_room(s, vault, s.holding_asset[row], sale_price(s, s.holding_asset[row])))
            if lots > 0:
                return row, lots
    return 0, 0


@kernel
def vault_of(s: Any, row: int) -> int:
    """The backstop vault that buys a holding."""
    return int(pool_bucket(s, s.asset_market[s.holding_asset[row]], BACKSTOP))


@kernel
def sell_some(s: Any, bucket: int) -> bool:
    """One unit of work: sells to a vault; whether it did."""
    row, lots = next_sale(s, bucket)
    if row == 0:
        return False
    asset, vault = s.holding_asset[row], vault_of(s, row)
    price = sale_price(s, asset)
    add_cash(s, vault, -lots * price)
    sell(s, bucket, vault, asset, lots, price)
    return True


@kernel
def vault_room(s: Any, vault: int, asset: int, price: int) -> int:
    """Lots that a vault can pay for beyond its initial margin, from its cash, as if what it buys were worth nothing."""
    if s.bucket_liquidating[vault] != 0 or s.bucket_class[vault] != 0 or not has_holding_room(s, vault, asset):
        return 0
    now = measure(s, vault)
    return int(max(0, min(now[EQUITY_INITIAL] - now[INITIAL], cash_of(s, vault))) // price)


@kernel
def sell(s: Any, seller: int, buyer: int, asset: int, lots: int, price: int) -> None:
    """Moves lots to the buyer and cash to the seller, and tells; the buyer has paid."""
    equity, maintenance = equity_and_maintenance(s, seller)
    row = emit(s, event.ASSET_SOLD, s.asset_market[asset], seller, buyer, asset, price, lots, lots * price)
    emit_health(s, row, equity, maintenance)
    charge(s, seller)
    add_cash(s, seller, lots * price)
    add_lots(s, seller, asset, -lots, event.ASSET_SOLD)
    add_lots(s, buyer, asset, lots, event.ASSET_SOLD)


@kernel
def ask_for_unwinding(s: Any, bucket: int) -> bool:
    """Asks once for the liquidity of each position of a bucket in liquidation to be removed; whether any was new.

    What the pool pays comes as UNWIND_RANGE. Positions are closed and lots sold meanwhile.
    """
    is_new, row = False, s.bucket_holding[bucket]
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        asset = s.holding_asset[row]
        if s.asset_kind[asset] == POOL and s.holding_asked[row] == 0:
            s.holding_asked[row], is_new = 1, True
            value = fair_value(s, row, s.market_oracle[s.asset_market[asset]])
            emit(s, event.RANGE_DUE, s.asset_market[asset], bucket, asset, s.holding_token[row], 0, 0, value)
        row = s.holding_next[row]
    return is_new


@kernel
def can_sell(s: Any, bucket: int) -> bool:
    """Whether a bucket holds something that anybody would pay for, once its price is fresh or its liquidity removed."""
    row = s.bucket_holding[bucket]
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        if sale_price(s, s.holding_asset[row]) > 0:
            return True
        row = s.holding_next[row]
    return False
