"""Binance USDT-margined futures: leverage brackets and liquidation prices.

Sizes and prices are exact fractions of the base asset and of USD, money is UsdMicro. Source: the venue's support
pages on leverage and margin and on how to calculate the liquidation price.
"""

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from seawall.margin.liquidation_price import solve_linear
from seawall.terms.market import Tier, market
from seawall.units import RATE_ONE, USD_ONE, BadInput, Rate, UsdMicro


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A position with the bracket that holds for it: maintenance = notional * rate - amount."""

    size: Fraction  # signed, base asset
    entry: Fraction  # USD
    mark: Fraction | None = None  # USD; needed for the others of a cross account
    maintenance_rate: Rate
    maintenance_amount: UsdMicro = UsdMicro(0)


def bracket_tiers(rows: Sequence[tuple[UsdMicro, int, Rate]]) -> tuple[Tier, ...]:
    """Tiers from (lower notional, max leverage, maintenance rate). Deductions keep maintenance continuous.

    A bracket holds for lower <= notional < next lower. Raises BadInput when the brackets do not rise.
    """
    return market("brackets", size_decimals=0, tiers=rows).tiers


def maintenance_amounts(tiers: Sequence[Tier]) -> tuple[Fraction, ...]:
    """The venue's "maintenance amount" (cum) of each bracket in USD: what is deducted from notional x rate."""
    return tuple(Fraction(tier.deduction, RATE_ONE * USD_ONE) for tier in tiers)


def isolated_wallet(size: Fraction, entry: Fraction, leverage: Fraction) -> Fraction:
    """Cash that backs an isolated position opened at `leverage`, micro-USD, exact."""
    if leverage <= 0:
        raise BadInput("leverage", f"{leverage} is not positive")
    return abs(size) * entry * USD_ONE / leverage


def liquidation_price(position: Position, wallet: Fraction | int, others: Sequence[Position] = ()) -> Fraction | None:
    """The mark in USD at which wallet + PnL equals maintenance, the bracket fixed; None when not positive.

    `wallet` in micro-USD: the balance of an isolated position, or of a cross account whose `others` add their
    unrealised PnL and take their maintenance at their marks.
    """
    if position.size == 0 or position.entry <= 0:
        raise BadInput("position.size", "size and entry price must not be zero")
    rest = sum((_equity_less_maintenance(other) for other in others), Fraction(0))
    fixed = wallet + rest - position.size * position.entry * USD_ONE
    solved = solve_linear(size=position.size, fixed=fixed, tiers=(_bracket(position),))
    return None if solved is None else solved / USD_ONE


def _bracket(position: Position) -> Tier:
    return Tier(UsdMicro(0), 1, position.maintenance_rate, position.maintenance_amount * RATE_ONE)


def _equity_less_maintenance(other: Position) -> Fraction:
    if other.mark is None or other.mark <= 0:
        raise BadInput("position.mark", "missing for another position of the account")
    maintenance = abs(other.size) * other.mark * Fraction(other.maintenance_rate, RATE_ONE) * USD_ONE
    return other.size * (other.mark - other.entry) * USD_ONE - maintenance + other.maintenance_amount
