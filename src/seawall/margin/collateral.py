"""What collateral is worth (SPEC section 2). Every value rounds down."""

from math import isqrt

import msgspec

from seawall.terms.asset import Asset, Span
from seawall.units import RATE_ONE, Lots, Price, Rate, Side, UsdMicro, floor_div, share


def span_worth(span: Span, price: int) -> int:
    """What a liquidity position is worth at a price of its market, micro-USD: `lp_value.range_value`, uncompiled."""
    root = _root(span, price)
    return floor_div(span.liquidity * (root - span.low + _base(span, root, price)), 1 << span.scale)


def span_base(span: Span, price: int) -> int:
    """What of that is base asset: `lp_value.range_delta`, uncompiled."""
    return floor_div(span.liquidity * _base(span, _root(span, price), price), 1 << span.scale)


def _root(span: Span, price: int) -> int:
    return min(max(isqrt(price << (2 * span.scale)), span.low), span.high)


def _base(span: Span, root: int, price: int) -> int:
    if root >= span.high:
        return 0
    return floor_div(min(root, floor_div(price << (2 * span.scale), root)) * (span.high - root), span.high)


def at_mark(asset: Asset, price: Price, mark: Price) -> Asset:
    """The asset once the mark of its underlying market has gone from `mark` to `price`: its prices in proportion,
    rounded down; a liquidity position along its curve."""

    def moved(now: Price) -> Price:
        return Price(floor_div(now * price, mark))

    if asset.span is not None:
        span = msgspec.structs.replace(asset.span, price=moved(asset.span.price), worst=moved(asset.span.worst))
        now, worst = (Price(span_worth(span, at)) for at in (span.price, span.worst))
        return msgspec.structs.replace(asset, oracle=now, stable=worst, span=span)
    redemption = None if asset.redemption is None else moved(asset.redemption)
    return msgspec.structs.replace(asset, oracle=moved(asset.oracle), stable=moved(asset.stable), redemption=redemption)


def redeemable_price(asset: Asset) -> Price:
    """The lower of the market price and what the asset can be redeemed for."""
    return asset.oracle if asset.redemption is None else Price(min(asset.oracle, asset.redemption))


def kept_price(asset: Asset) -> Price:
    """What maintenance prices it at: the redeemable price, but never below the floor of its redemption value."""
    price = redeemable_price(asset)
    if asset.redemption is None:
        return price
    least = share(asset.redemption, asset.redemption_floor, Side.DOWN)
    return Price(max(price, min(least, asset.price_max)))


def is_off_peg(asset: Asset) -> bool:
    """Whether a redeemable asset trades further below its redemption value than its band."""
    if asset.redemption is None:
        return False
    return asset.oracle < share(asset.redemption, Rate(RATE_ONE - asset.peg_band), Side.DOWN)


def scaled_weight(asset: Asset) -> Rate:
    """Initial weight, shrunk as start / total once the venue holds more than `supply_start` of the asset."""
    if asset.supply_start == 0 or asset.supply_total <= asset.supply_start:
        return asset.weight_initial
    return Rate(floor_div(asset.weight_initial * asset.supply_start, asset.supply_total))


def value_initial(asset: Asset, balance: Lots) -> UsdMicro:
    """Value for initial margin: scaled weight x the lowest of oracle, redemption and stable price; 0 off its peg."""
    assert balance >= 0
    if is_off_peg(asset):
        return UsdMicro(0)
    worth = min(redeemable_price(asset), asset.stable)
    return share(balance * worth, scaled_weight(asset), Side.DOWN)


def value_maintenance(asset: Asset, balance: Lots) -> UsdMicro:
    """Value for maintenance: weight x the lower of oracle and redemption, or the floor of redemption."""
    assert balance >= 0
    return share(balance * kept_price(asset), asset.weight_maintenance, Side.DOWN)


def value_liquidation(asset: Asset, balance: Lots) -> UsdMicro:
    """What a liquidator pays for it: its price for maintenance less the liquidation discount."""
    assert balance >= 0
    return share(balance * kept_price(asset), RATE_ONE - asset.liquidation_discount, Side.DOWN)
