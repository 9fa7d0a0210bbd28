"""Drift v2: the program's own unit-test figures for margin weights and liquidation, by `presets.drift`."""

from collections.abc import Callable
from typing import Final

from seawall.presets import drift
from seawall.presets.drift import Base, Fee, OraclePrice, Quote, Ratio, Tokens
from seawall.tools.conformance.runner import Check, Values, agrees, integer, text
from seawall.units import BadInput


def margin_liquidation(values: Values, expected: Values) -> bool:
    """One figure of the function that `fn` names."""
    name = text(values, "fn")
    if name not in FUNCTIONS:
        raise BadInput("fn", f"unknown function {name}")
    return agrees({"value": FUNCTIONS[name](values)}, expected)


def _base_to_cover(values: Values) -> int:
    return drift.base_to_cover(
        _shortage(values),
        prices=_prices(values),
        margin_ratio=_ratio(values, "margin_ratio"),
        liquidation_fee=_fee(values, "liquidation_fee", 0),
        insurance_fee=_fee(values, "if_fee", 0),
    )


def _perp_insurance_fee(values: Values) -> int:
    return drift.perp_insurance_fee(
        _shortage(values),
        base=Base(integer(values, "base_amount")),
        prices=_prices(values),
        margin_ratio=_ratio(values, "margin_ratio"),
        liquidator_fee=_fee(values, "liquidator_fee", 0),
        maximum=_fee(values, "max_if_fee"),
    )


def _fee_ramp(values: Values) -> int:
    ramp = drift.FeeRamp(
        base=_fee(values, "base_fee"),
        maximum=_fee(values, "max_fee"),
        grace_slots=integer(values, "grace_slots"),
        increase=_fee(values, "increase_per_slot"),
    )
    return drift.liquidation_fee_ramp(
        ramp, last_active_slot=integer(values, "last_active_slot"), current_slot=integer(values, "current_slot")
    )


def _liability_to_cover(values: Values) -> int:
    return drift.liability_to_cover(
        _shortage(values),
        weights=_weights(values),
        multipliers=_multipliers(values),
        liability=_token(values, "liability"),
        insurance_fee=_fee(values, "if_fee", 0),
    )


def _liability_implied(values: Values) -> int:
    return drift.liability_implied_by_asset(
        Tokens(integer(values, "asset_amount")),
        asset=_token(values, "asset"),
        liability=_token(values, "liability"),
        multipliers=_multipliers(values),
    )


def _asset_for_liability(values: Values) -> int:
    return drift.asset_for_liability(
        Tokens(integer(values, "liability_amount")),
        available=Tokens(integer(values, "asset_amount")),
        asset=_token(values, "asset"),
        liability=_token(values, "liability"),
        multipliers=_multipliers(values),
    )


def _spot_insurance_fee(values: Values) -> int:
    return drift.spot_insurance_fee(
        _shortage(values),
        amount=Tokens(integer(values, "token_amount")),
        weights=_weights(values),
        multipliers=_multipliers(values),
        liability=_token(values, "liability"),
        maximum=_fee(values, "max_if_fee"),
    )


def _funding_delta(values: Values) -> int:
    return drift.funding_delta_for_bankruptcy(
        Quote(integer(values, "loss")),
        base_long=Base(integer(values, "base_long")),
        base_short=Base(integer(values, "base_short")),
    )


def _deposit_interest_delta(values: Values) -> int:
    return drift.deposit_interest_delta_for_bankruptcy(
        Tokens(integer(values, "loss")),
        deposits=Tokens(integer(values, "deposit_tokens")),
        cumulative_deposit_interest=integer(values, "cumulative_deposit_interest"),
    )


def _size_discount(values: Values) -> int:
    return drift.size_discount_asset_weight(
        _ratio(values, "weight"), imf_factor=_fee(values, "imf_factor", 0), size=_size(values)
    )


def _size_premium(values: Values) -> int:
    return drift.size_premium_liability_weight(
        _ratio(values, "weight"), imf_factor=_fee(values, "imf_factor", 0), size=_size(values)
    )


def _scaled_weight(values: Values) -> int:
    token = drift.TokenMarket(decimals=integer(values, "decimals"), price=OraclePrice(integer(values, "oracle_price")))
    return drift.scaled_initial_asset_weight(
        _ratio(values, "weight"),
        scale_start=Quote(integer(values, "scale_start_quote")),
        deposits=Tokens(integer(values, "deposit_tokens")),
        token=token,
    )


def _perp_requirement(values: Values) -> int:
    """The description gives no field names for this one: it is read under those of the other functions."""
    return drift.perp_margin_requirement(
        Base(_first(values, "base_amount", "base_asset_amount", "base", "size")),
        price=OraclePrice(_first(values, "oracle_price", "price")),
        margin_ratio=Ratio(_first(values, "margin_ratio", "ratio")),
        imf_factor=_fee(values, "imf_factor", 0),
    )


def _first(values: Values, *fields: str) -> int:
    present = [field for field in fields if field in values]
    return integer(values, present[0] if present else fields[0])


def _shortage(values: Values) -> Quote:
    return Quote(integer(values, "margin_shortage"))


def _ratio(values: Values, field: str) -> Ratio:
    return Ratio(integer(values, field))


def _fee(values: Values, field: str, absent: int | None = None) -> Fee:
    return Fee(absent if absent is not None and field not in values else integer(values, field))


def _size(values: Values) -> Base:
    decimals = integer(values, "decimals") if "decimals" in values else drift.BASE_DECIMALS
    return drift.in_base_precision(integer(values, "size"), decimals)


def _prices(values: Values) -> drift.PerpPrices:
    quote = integer(values, "quote_price") if "quote_price" in values else drift.PRICE_ONE
    return drift.PerpPrices(base=OraclePrice(integer(values, "oracle_price")), quote=OraclePrice(quote))


def _weights(values: Values) -> drift.SpotWeights:
    return drift.SpotWeights(asset=_ratio(values, "asset_weight"), liability=_ratio(values, "liability_weight"))


def _multipliers(values: Values) -> drift.LiquidationMultipliers:
    return drift.LiquidationMultipliers(
        asset=_fee(values, "asset_multiplier", drift.FEE_ONE),
        liability=_fee(values, "liability_multiplier", drift.FEE_ONE),
    )


def _token(values: Values, name: str) -> drift.TokenMarket:
    return drift.TokenMarket(
        decimals=integer(values, f"{name}_decimals"), price=OraclePrice(integer(values, f"{name}_price"))
    )


FUNCTIONS: Final[dict[str, Callable[[Values], int]]] = {
    "asset_for_liability": _asset_for_liability,
    "base_to_cover_margin_shortage": _base_to_cover,
    "deposit_interest_delta_for_bankruptcy": _deposit_interest_delta,
    "funding_delta_for_bankruptcy": _funding_delta,
    "liability_implied_by_asset": _liability_implied,
    "liability_to_cover_margin_shortage": _liability_to_cover,
    "liquidation_fee_ramp": _fee_ramp,
    "perp_if_fee": _perp_insurance_fee,
    "perp_margin_requirement": _perp_requirement,
    "scaled_initial_asset_weight": _scaled_weight,
    "size_discount_asset_weight": _size_discount,
    "size_premium_liability_weight": _size_premium,
    "spot_if_fee": _spot_insurance_fee,
}
FAMILIES: Final[dict[str, Check]] = {"drift_margin_liquidation": margin_liquidation}
