"""A collateral asset and how the venue values it (SPEC section 2)."""

import msgspec

from seawall.terms import limits
from seawall.units import RATE_ONE, BadInput, Lots, Price, Rate


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A liquidity position in the engine's integers of a range (margin/lp_value.py), at two prices of its market."""

    liquidity: int
    low: int
    high: int
    scale: int
    price: Price  # now
    worst: Price  # at the end of its scan, which counts for initial margin


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """Collateral other than USD. Prices are micro-USD per lot of 10^-size_decimals, as in a market."""

    name: str
    size_decimals: int
    oracle: Price
    stable: Price  # slow price; the lower of the two counts for initial margin
    weight_initial: Rate
    weight_maintenance: Rate
    supply_start: Lots = Lots(0)  # above this total the initial weight shrinks as start / total; 0: never
    supply_total: Lots = Lots(0)  # what the venue holds of it
    redemption: Price | None = None  # value at which it can be redeemed; the lower of market and redemption counts
    redemption_floor: Rate = Rate(0)  # of the redemption value, below which maintenance does not price it
    price_max: Price = Price(limits.PRICE_MAX)  # of its market: the floor of redemption counts for no more
    peg_band: Rate = Rate(RATE_ONE)  # further below its redemption value it counts for nothing in initial margin
    liquidation_discount: Rate = Rate(0)
    underlying: str | None = None  # market whose mark moves this asset
    span: Span | None = None  # a liquidity position: one lot, `oracle` and `stable` its worth at both prices


class Holding(msgspec.Struct, frozen=True):
    """A balance of an asset, never negative."""

    asset: str
    balance: Lots


def check_asset(asset: Asset) -> Asset:
    """The asset itself, or BadInput naming the field that is out of bounds."""
    prices = (
        (asset.oracle, asset.stable) if asset.redemption is None else (asset.oracle, asset.stable, asset.redemption)
    )
    prices = (*prices, asset.price_max) if asset.span is None else (asset.price_max,)
    if not all(1 <= price <= limits.PRICE_MAX for price in prices):
        raise BadInput(f"{asset.name}.oracle", "a price is missing or outside 1..2^40 micro-USD a lot")
    if not 0 <= asset.weight_initial <= asset.weight_maintenance <= RATE_ONE:
        raise BadInput(f"{asset.name}.weight_initial", "weights must be 0 <= initial <= maintenance <= 1")
    if asset.supply_start < 0 or asset.supply_total < 0:
        raise BadInput(f"{asset.name}.supply_start", "supplies must not be negative")
    if not 0 <= asset.redemption_floor <= RATE_ONE or not 0 <= asset.peg_band <= RATE_ONE:
        raise BadInput(f"{asset.name}.redemption_floor", "the floor and the band must be in [0, 1]")
    if not 0 <= asset.liquidation_discount < RATE_ONE:
        raise BadInput(f"{asset.name}.liquidation_discount", "must be in [0, 1)")
    return asset
