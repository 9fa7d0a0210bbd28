"""Drift v2: size-dependent weights, margin with a liquidation buffer, cover sizes, fees and shared losses.

All values are the program's integers: quote and prices 1e-6 USD, perpetual sizes 1e-9, token amounts 10^-decimals,
margin ratios, spot weights and buffers 1e-4, fees, multipliers and imf factors 1e-6. Divisions truncate unless a
docstring says otherwise; where the program answers with the largest number of its type, so do these functions.
Source: `math/margin.rs`, `math/liquidation.rs`, `state/margin_calculation.rs` and `state/spot_market.rs`.
"""

from collections.abc import Iterable
from math import isqrt
from typing import Final, NewType

import msgspec

from seawall.units import BadInput, ceil_div, floor_div

Quote = NewType("Quote", int)  # 1e-6 USD
OraclePrice = NewType("OraclePrice", int)  # 1e-6 USD per unit of the base asset
Base = NewType("Base", int)  # 1e-9 of the base asset
Tokens = NewType("Tokens", int)  # 10^-decimals of a token
Ratio = NewType("Ratio", int)  # 1e-4: margin ratios, spot weights, liquidation buffer
Fee = NewType("Fee", int)  # 1e-6: fees, liquidation multipliers, imf factors

PRICE_ONE: Final = 1_000_000
QUOTE_ONE: Final = 1_000_000
BASE_ONE: Final = 1_000_000_000
RATIO_ONE: Final = 10_000
FEE_ONE: Final = 1_000_000
FEE_PER_RATIO: Final = 100  # 1e-6 parts in one 1e-4 part
PCT_ONE: Final = 10_000  # parts of a shortage that may be liquidated
QUOTE_DECIMALS: Final = 6
BASE_DECIMALS: Final = 9
U64_MAX: Final = 2**64 - 1
U128_MAX: Final = 2**128 - 1
FUNDING_PER_QUOTE: Final = 1_000  # cumulative funding is in 1e-9 quote per base
TINY_SHORTAGE: Final = Quote(50 * QUOTE_ONE)  # below this a shortage is liquidated at once


class LiquidationMultipliers(msgspec.Struct, frozen=True, kw_only=True):
    """Exchange rate of a spot liquidation: 1e6 + fee on the seized asset, 1e6 - fee on the repaid liability."""

    asset: Fee
    liability: Fee


class TokenMarket(msgspec.Struct, frozen=True, kw_only=True):
    """What the cover rules need of a token: its decimals and its oracle price."""

    decimals: int
    price: OraclePrice


class SpotWeights(msgspec.Struct, frozen=True, kw_only=True):
    """Margin weights of the seized asset and of the repaid liability."""

    asset: Ratio
    liability: Ratio


class PerpPrices(msgspec.Struct, frozen=True, kw_only=True):
    """Oracle prices of a perpetual's base asset and of its quote asset."""

    base: OraclePrice
    quote: OraclePrice = OraclePrice(PRICE_ONE)

    def in_usd(self) -> OraclePrice:
        """Price of the base asset through the quote asset's price."""
        return OraclePrice(floor_div(self.base * self.quote, PRICE_ONE))


class FeeRamp(msgspec.Struct, frozen=True, kw_only=True):
    """How a liquidator's fee grows while nobody liquidates: `increase` a slot from the end of the grace period on."""

    base: Fee
    maximum: Fee
    grace_slots: int
    increase: Fee


class Liability(msgspec.Struct, frozen=True, kw_only=True):
    """One position as the margin calculation sees it: what it requires, and the value the buffer is taken on."""

    requirement: Quote
    value: Quote


class MarginStanding(msgspec.Struct, frozen=True, kw_only=True):
    """Collateral against requirement, with and without the liquidation buffer."""

    collateral: Quote
    requirement: Quote
    collateral_with_buffer: Quote
    requirement_with_buffer: Quote

    @property
    def may_be_liquidated(self) -> bool:
        """Collateral is below the requirement: liquidation may start."""
        return self.collateral < self.requirement

    @property
    def may_leave_liquidation(self) -> bool:
        """Collateral covers the requirement with the buffer: a liquidation under way ends."""
        return self.collateral_with_buffer >= self.requirement_with_buffer

    @property
    def shortage(self) -> Quote:
        """Margin a liquidation has to free, up to the buffered requirement; never negative."""
        return Quote(max(0, self.requirement_with_buffer - self.collateral_with_buffer))


# Weights


def in_base_precision(size: int, decimals: int) -> Base:
    """A token amount of `decimals` as 1e-9 units."""
    if decimals <= BASE_DECIMALS:
        return Base(size * 10 ** (BASE_DECIMALS - decimals))
    return Base(floor_div(size, 10 ** (decimals - BASE_DECIMALS)))


def size_discount_asset_weight(weight: Ratio, *, imf_factor: Fee, size: Base) -> Ratio:
    """Weight of a deposit of `size`: at most 1.1 / (1 + imf * sqrt(size)), so that a large deposit counts for less."""
    if imf_factor == 0:
        return weight
    divisor = FEE_ONE + floor_div(_size_root(size) * imf_factor, 100_000)
    return Ratio(min(weight, floor_div((FEE_ONE + FEE_ONE // 10) * RATIO_ONE, divisor)))


def size_premium_liability_weight(weight: Ratio, *, imf_factor: Fee, size: Base) -> Ratio:
    """Weight of a borrow, or margin ratio of a perpetual, of `size`: at least 4/5 of it + imf * sqrt(size)."""
    if imf_factor == 0:
        return weight
    increase = floor_div(_size_root(size) * imf_factor, 100_000 * FEE_ONE // RATIO_ONE)
    return Ratio(max(weight, weight - floor_div(weight, 5) + increase))


def scaled_initial_asset_weight(weight: Ratio, *, scale_start: Quote, deposits: Tokens, token: TokenMarket) -> Ratio:
    """Initial weight of a token: shrinks with 1/value once all deposits of it are worth `scale_start`. Start 0: off."""
    value = token_value(deposits, token)
    if scale_start == 0 or value < scale_start:
        return weight
    return Ratio(floor_div(weight * scale_start, value))


def token_value(amount: Tokens, token: TokenMarket) -> Quote:
    """Value of an amount >= 0 of a token at its oracle price. Truncates."""
    return Quote(floor_div(amount * token.price, 10**token.decimals))


# Margin


def perp_margin_requirement(base: Base, *, price: OraclePrice, margin_ratio: Ratio, imf_factor: Fee = Fee(0)) -> Quote:
    """Margin of a perpetual position: |base| * price, times the ratio for its size; both products truncate."""
    value = floor_div(abs(base) * price, BASE_ONE)
    ratio = size_premium_liability_weight(margin_ratio, imf_factor=imf_factor, size=Base(abs(base)))
    return Quote(floor_div(value * ratio, RATIO_ONE))


def margin_standing(
    liabilities: Iterable[Liability], *, deposits: Quote, perp_pnl: Quote, buffer: Ratio
) -> MarginStanding:
    """An account against its requirement, with `buffer` (200 is 2 %) on every liability and on negative PnL.

    `deposits` is the weighted value of its deposits, `perp_pnl` its weighted unrealised PnL. Buffers truncate.
    """
    requirement = with_buffer = 0
    for liability in liabilities:
        requirement += liability.requirement
        with_buffer += liability.requirement + floor_div(liability.value * buffer, RATIO_ONE)
    pnl_buffer = -floor_div(abs(min(perp_pnl, 0)) * buffer, RATIO_ONE)
    return MarginStanding(
        collateral=Quote(deposits + perp_pnl),
        requirement=Quote(requirement),
        collateral_with_buffer=Quote(deposits + perp_pnl + pnl_buffer),
        requirement_with_buffer=Quote(with_buffer),
    )


# Perpetual liquidation


def base_to_cover(
    shortage: Quote, *, prices: PerpPrices, margin_ratio: Ratio, liquidation_fee: Fee, insurance_fee: Fee
) -> Base:
    """Size to close so that the margin freed, less both fees, covers a shortage. Truncates; see `ceil_to_step`.

    The largest u64 where closing frees nothing: price 0, ratio within the fees, or less than 1e-6 USD a unit.
    """
    ratio = margin_ratio * FEE_PER_RATIO
    if prices.base == 0 or ratio <= liquidation_fee:
        return Base(U64_MAX)
    freed = floor_div(prices.in_usd() * (ratio - liquidation_fee), FEE_ONE)
    freed -= floor_div(prices.base * insurance_fee, FEE_ONE)
    if freed <= 0:
        return Base(U64_MAX)
    return Base(floor_div(shortage * BASE_ONE, freed))


def ceil_to_step(size: Base, step: Base) -> Base:
    """A size as whole order steps, rounded up: what a liquidator may take to cover the shortage."""
    return Base(ceil_div(size, step) * step)


def perp_insurance_fee(
    shortage: Quote,
    *,
    base: Base,
    prices: PerpPrices,
    margin_ratio: Ratio,
    liquidator_fee: Fee,
    maximum: Fee,
) -> Fee:
    """Fee a position can pay the insurance fund: 19/20 of what its margin leaves after liquidator and shortage.

    At most `maximum`; 0 without a size or a price, and where the margin does not exceed the liquidator's fee.
    """
    ratio = margin_ratio * FEE_PER_RATIO
    price = prices.in_usd()
    if price == 0 or base == 0 or ratio <= liquidator_fee:
        return Fee(0)
    per_unit = floor_div(floor_div(shortage * BASE_ONE, base) * PRICE_ONE, price)
    headroom = max(0, ratio - liquidator_fee - per_unit)
    return Fee(min(maximum, floor_div(headroom * 19, 20)))


def liquidation_fee_ramp(ramp: FeeRamp, *, last_active_slot: int, current_slot: int) -> Fee:
    """Liquidator's fee now. BadInput when the account was active in the future."""
    elapsed = current_slot - last_active_slot
    if elapsed < 0:
        raise BadInput("current_slot", f"{current_slot} is before {last_active_slot}")
    if elapsed < ramp.grace_slots:
        return ramp.base
    return Fee(min(ramp.maximum, ramp.base + elapsed * ramp.increase))


def max_pct_to_liquidate(
    shortage: Quote, *, freed: Quote, slots_elapsed: int, initial_pct: int, duration_slots: int
) -> int:
    """Part of the present shortage that may be freed now, in 1e-4; grows over `duration_slots` to all of it.

    `freed` is margin this liquidation has freed before. A shortage under 50 USD goes at once. Truncates.
    """
    if shortage < TINY_SHORTAGE:
        return PCT_ONE
    ramped = floor_div(slots_elapsed * PCT_ONE, duration_slots) if duration_slots else PCT_ONE
    allowed = floor_div((shortage + freed) * min(PCT_ONE, ramped + initial_pct), PCT_ONE)
    return floor_div(max(0, allowed - freed) * PCT_ONE, shortage)


# Spot liquidation


def liability_to_cover(
    shortage: Quote,
    *,
    weights: SpotWeights,
    multipliers: LiquidationMultipliers,
    liability: TokenMarket,
    insurance_fee: Fee,
) -> Tokens:
    """Liability to repay so that a shortage is covered, seizing asset at the multipliers. Truncates.

    The largest u128 where repaying covers nothing.
    """
    if weights.asset >= weights.liability or multipliers.liability == 0:
        return Tokens(U128_MAX)
    asset_part = floor_div(weights.asset * 10 * multipliers.asset, multipliers.liability)
    covered = liability.price * (weights.liability * 10 - asset_part)
    covered -= floor_div(liability.price * insurance_fee, FEE_ONE) * weights.liability * 10
    if covered <= 0:
        return Tokens(U128_MAX)
    scaled = shortage * PRICE_ONE * RATIO_ONE * 10 * 10**liability.decimals
    return Tokens(floor_div(scaled, covered * 10**QUOTE_DECIMALS))


def liability_implied_by_asset(
    asset_amount: Tokens, *, asset: TokenMarket, liability: TokenMarket, multipliers: LiquidationMultipliers
) -> Tokens:
    """Liability that seizing an amount of asset must repay. Rounds up. BadInput where the liability has no price."""
    value = asset_amount * asset.price * multipliers.liability * 10**liability.decimals
    rate = _divisor(liability.price * multipliers.asset, "liability_price")
    return Tokens(ceil_div(value, rate * 10**asset.decimals))


def asset_for_liability(
    liability_amount: Tokens,
    *,
    available: Tokens,
    asset: TokenMarket,
    liability: TokenMarket,
    multipliers: LiquidationMultipliers,
) -> Tokens:
    """Asset seized for repaying a liability. Truncates, at least 1; all that is `available` when under 1 USD remains.

    BadInput where the asset has no price.

    What remains is valued as the program does it: times 10^(decimals - 6) where that should divide. So it is under
    1 USD for assets of 6 decimals; of 9 decimals only dust is taken with the rest, of 5 decimals up to 100 USD is.
    """
    value = liability_amount * liability.price * multipliers.asset * 10**asset.decimals
    rate = _divisor(asset.price * multipliers.liability, "asset_price")
    exact = max(1, floor_div(value, rate * 10**liability.decimals))
    difference = floor_div(abs(exact - available) * asset.price, PRICE_ONE)
    if asset.decimals >= QUOTE_DECIMALS:
        difference *= 10 ** (asset.decimals - QUOTE_DECIMALS)
    else:
        difference = floor_div(difference, 10 ** (QUOTE_DECIMALS - asset.decimals))
    return available if difference < QUOTE_ONE else Tokens(exact)


def spot_insurance_fee(
    shortage: Quote,
    *,
    amount: Tokens,
    weights: SpotWeights,
    multipliers: LiquidationMultipliers,
    liability: TokenMarket,
    maximum: Fee,
) -> Fee:
    """Fee a spot liability of `amount` can pay the insurance fund after the asset's weight and the shortage.

    At most `maximum`; 0 without an amount, a price or a multiplier, and where the weights leave nothing.
    """
    if weights.asset >= weights.liability or 0 in (liability.price, amount, multipliers.liability):
        return Fee(0)
    liability_weight = weights.liability * FEE_PER_RATIO
    asset_part = floor_div(weights.asset * FEE_PER_RATIO * multipliers.asset, multipliers.liability)
    owed = floor_div(floor_div(shortage * FEE_ONE * 10**liability.decimals, amount), liability.price)
    headroom = max(0, liability_weight - asset_part - owed)
    return Fee(min(maximum, floor_div(headroom * FEE_ONE, liability_weight)))


# Bankruptcy


def funding_delta_for_bankruptcy(loss: Quote, *, base_long: Base, base_short: Base) -> int:
    """Step of cumulative funding (1e-9 quote a base unit) by which open positions share a loss. Rounds up.

    Longs' index rises by it and shorts' falls. BadInput without open interest, where a loss can not be shared.
    """
    total = abs(base_long) + abs(base_short)
    if total == 0:
        raise BadInput("base_long", "no open interest to share a loss")
    return ceil_div(abs(loss) * BASE_ONE, total) * FUNDING_PER_QUOTE


def deposit_interest_delta_for_bankruptcy(loss: Tokens, *, deposits: Tokens, cumulative_deposit_interest: int) -> int:
    """Cut of a token's cumulative deposit interest by which depositors share a loss. Rounds up; 0 without deposits."""
    if deposits == 0:
        return 0
    return ceil_div(cumulative_deposit_interest * abs(loss), deposits)


def _size_root(size: Base) -> int:
    return isqrt(10 * size + 1)


def _divisor(value: int, field: str) -> int:
    if value <= 0:
        raise BadInput(field, "expected a positive price and multiplier")
    return value
