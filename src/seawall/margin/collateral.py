"""What collateral is worth (SPEC section 2). Every value rounds down."""

from seawall.terms.asset import Asset
from seawall.units import RATE_ONE, Lots, Price, Rate, Side, UsdMicro, floor_div, share


def redeemable_price(asset: Asset) -> Price:
    """The lower of the market price and what the asset can be redeemed for."""
    return asset.oracle if asset.redemption is None else Price(min(asset.oracle, asset.redemption))


def scaled_weight(asset: Asset) -> Rate:
    """Initial weight, shrunk as start / total once the venue holds more than `supply_start` of the asset."""
    if asset.supply_start == 0 or asset.supply_total <= asset.supply_start:
        return asset.weight_initial
    return Rate(floor_div(asset.weight_initial * asset.supply_start, asset.supply_total))


def value_initial(asset: Asset, balance: Lots) -> UsdMicro:
    """Value for initial margin: scaled weight x the lowest of oracle, redemption and stable price."""
    assert balance >= 0
    worth = min(redeemable_price(asset), asset.stable)
    return share(balance * worth, scaled_weight(asset), Side.DOWN)


def value_maintenance(asset: Asset, balance: Lots) -> UsdMicro:
    """Value for maintenance: weight x the lower of oracle and redemption."""
    assert balance >= 0
    return share(balance * redeemable_price(asset), asset.weight_maintenance, Side.DOWN)


def value_liquidation(asset: Asset, balance: Lots) -> UsdMicro:
    """What a liquidator pays for it: the lower of oracle and redemption less the liquidation discount."""
    assert balance >= 0
    return share(balance * redeemable_price(asset), RATE_ONE - asset.liquidation_discount, Side.DOWN)
