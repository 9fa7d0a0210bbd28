"""What the holdings of a bucket are worth (kernels): the rule of margin/collateral.py over the record's columns.

A price of collateral is the index of a market, made from independent sources (engine/prices.py): this venue's own book
has no part in it. A redeemable asset has a second one, the index of what it is redeemed for. `holding_worth` of a
bucket's first holding keeps the maintenance value of all as of the present indices: every new index values the holders
again (ledger/holdings.py). The value for initial margin depends on what others deposit, so it is never kept.
"""

from typing import Any

from seawall.kernel import kernel
from seawall.ledger.markets import is_fresh
from seawall.margin.lp_value import range_value
from seawall.terms.asset_parameter import (
    DISCOUNT,
    PEG_BAND,
    POOL,
    REDEMPTION_FLOOR,
    SCAN,
    SUPPLY_START,
    WEIGHT_INITIAL,
    WEIGHT_MAINTENANCE,
)
from seawall.units import RATE_ONE
from seawall.wide import mul_floor_div, rate_down, rate_up


@kernel
def market_price_of(s: Any, asset: int) -> int:
    """The lower of the asset's index and the index of what it is redeemed for; 0 while one was never known."""
    price, redeemed = s.market_oracle[s.asset_market[asset]], s.asset_redeemed[asset] - 1
    return int(price if redeemed < 0 else min(price, s.market_oracle[redeemed]))


@kernel
def keeping_price_of(s: Any, asset: int) -> int:
    """The price that counts for maintenance: never below REDEMPTION_FLOOR of what the asset is redeemed for."""
    price, redeemed = market_price_of(s, asset), s.asset_redeemed[asset] - 1
    if redeemed < 0:
        return price
    least = rate_down(s.market_oracle[redeemed], s.asset_param[asset, REDEMPTION_FLOOR])
    return int(max(price, min(least, s.market_price_max[s.asset_market[asset]])))


@kernel
def is_asset_fresh(s: Any, asset: int) -> bool:
    """Whether the indices that price the asset are fresh."""
    redeemed = s.asset_redeemed[asset] - 1
    return bool(is_fresh(s, s.asset_market[asset]) and (redeemed < 0 or is_fresh(s, redeemed)))


@kernel
def is_off_peg(s: Any, asset: int) -> bool:
    """Whether a redeemable asset trades further below its redemption value than PEG_BAND: it backs no new risk."""
    redeemed = s.asset_redeemed[asset] - 1
    if redeemed < 0:
        return False
    least = rate_down(s.market_oracle[redeemed], RATE_ONE - s.asset_param[asset, PEG_BAND])
    return bool(s.market_oracle[s.asset_market[asset]] < least)


@kernel
def scaled_weight(s: Any, asset: int) -> int:
    """Initial weight, shrunk as start / total once the venue holds more than SUPPLY_START; at most the other weight."""
    weight = min(s.asset_param[asset, WEIGHT_INITIAL], s.asset_param[asset, WEIGHT_MAINTENANCE])
    start, total = s.asset_param[asset, SUPPLY_START], s.asset_total[asset]
    if start == 0 or total <= start:
        return int(weight)
    return int(mul_floor_div(weight, start, total))


@kernel
def kept_value(s: Any, asset: int, lots: int) -> int:
    """Worth of lots for maintenance. Rounds down."""
    return rate_down(lots * keeping_price_of(s, asset), s.asset_param[asset, WEIGHT_MAINTENANCE])


@kernel
def counted_value(s: Any, asset: int, lots: int) -> int:
    """Worth of lots for initial margin: nothing while a price is stale or off its peg. Rounds down."""
    if not is_asset_fresh(s, asset) or is_off_peg(s, asset):
        return 0
    price = min(market_price_of(s, asset), s.asset_stable[asset])
    return rate_down(lots * price, scaled_weight(s, asset))


@kernel
def units_of(s: Any, row: int) -> int:
    """What a holding counts for in caps: lots, or of a liquidity position the most USD that it can be worth."""
    if s.asset_kind[s.holding_asset[row]] != POOL:
        return int(s.holding_lots[row])
    return int(mul_floor_div(s.holding_lots[row], s.holding_high[row] - s.holding_low[row], 1 << s.holding_scale[row]))


@kernel
def fair_value(s: Any, row: int, price: int) -> int:
    """Worth of a liquidity position at a price of its base: never the pool's own, uncollected fees not counted."""
    low, high = int(s.holding_low[row]), int(s.holding_high[row])
    return range_value(int(s.holding_lots[row]), low, high, int(s.holding_scale[row]), price)


@kernel
def kept_row(s: Any, row: int) -> int:
    """Worth of a holding for maintenance: of a liquidity position the fair value at the index x weight, down."""
    asset = s.holding_asset[row]
    if s.asset_kind[asset] != POOL:
        return kept_value(s, asset, s.holding_lots[row])
    value = fair_value(s, row, s.market_oracle[s.asset_market[asset]])
    return rate_down(value, s.asset_param[asset, WEIGHT_MAINTENANCE])


@kernel
def counted_row(s: Any, row: int) -> int:
    """Worth of a holding for initial margin: of a liquidity position the least over the scan, where the price is least.

    Its value rises with the price, so the low end of the scan is the worst: SCAN below the lower of index and stable.
    """
    asset = s.holding_asset[row]
    if s.asset_kind[asset] != POOL:
        return counted_value(s, asset, s.holding_lots[row])
    if not is_asset_fresh(s, asset):
        return 0
    price = min(s.market_oracle[s.asset_market[asset]], s.asset_stable[asset])
    worst = fair_value(s, row, rate_down(price, RATE_ONE - s.asset_param[asset, SCAN]))
    return rate_down(worst, scaled_weight(s, asset))


@kernel
def sale_price(s: Any, asset: int) -> int:
    """What who takes a lot from a liquidation pays: the price for maintenance less DISCOUNT.

    Rounds up: with WEIGHT_MAINTENANCE <= 1 - DISCOUNT no sale brings less than the lots were worth.
    """
    return rate_up(keeping_price_of(s, asset), RATE_ONE - s.asset_param[asset, DISCOUNT])


@kernel
def kept_worth(s: Any, bucket: int) -> int:
    """Maintenance value of all holdings of a bucket at the present indices."""
    total, row = 0, s.bucket_holding[bucket]
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        total, row = total + kept_row(s, row), s.holding_next[row]
    return int(total)


@kernel
def counted_worth(s: Any, bucket: int) -> int:
    """Initial value of all holdings of a bucket."""
    total, row = 0, s.bucket_holding[bucket]
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        total, row = total + counted_row(s, row), s.holding_next[row]
    return int(total)
