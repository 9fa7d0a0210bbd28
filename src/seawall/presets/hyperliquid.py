"""Hyperliquid's rules: margin tables, the figures of `clearinghouseState`, liquidation prices, funding.

USD amounts are UsdMicro, sizes exact fractions of the base asset, prices exact fractions in USD. The venue truncates
each position's margin and maintenance to 1e-6 USD; Seawall's own rule rounds one sum up instead. Source: the venue's
public documentation (margining, liquidations, funding) and recorded responses of its API.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import msgspec

from seawall.margin import requirement
from seawall.margin.liquidation_price import solve_linear
from seawall.pricing.funding import FundingRules, premium_mid_sample, premium_sample, rate_hour
from seawall.terms.conditions import MarginPolicy
from seawall.terms.market import Tier, market
from seawall.units import (
    RATE_ONE,
    USD_ONE,
    BadInput,
    FundingRate,
    Price,
    Rate,
    UsdMicro,
    floor_div,
    truncated_div,
)

POLICY: Final = MarginPolicy(exit_buffer=Rate(0))  # a liquidation ends at maintenance itself
FUNDING: Final = FundingRules()  # interest 1 bp, clamp 5 bp, an eighth each hour, cap 4 % an hour
LEGACY_MAX_LEVERAGE: Final = 50  # of every coin in 2023, when the response held no maintenance figure
MARGIN_TABLES: Final[dict[int, tuple[tuple[int, int], ...]]] = {  # id -> (lower notional in USD, max leverage)
    50: ((0, 50),),
    51: ((0, 10), (3_000_000, 5)),
    52: ((0, 10), (20_000_000, 5)),
    53: ((0, 20), (40_000_000, 10)),
    54: ((0, 20), (70_000_000, 10)),
    55: ((0, 25), (100_000_000, 15)),
    56: ((0, 40), (150_000_000, 20)),
}
_NO_MAINTENANCE: Final = (Tier(UsdMicro(0), 1, Rate(0), 0),)


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A position as the venue reports it. With `raw_usd` (its own cash) it is isolated, without it is cross."""

    size: Fraction  # signed, base asset
    value: UsdMicro  # position_value: notional, never negative
    leverage: int
    tiers: tuple[Tier, ...] = ()  # empty: the response does not tell the maximal leverage
    unrealised: UsdMicro = UsdMicro(0)
    raw_usd: UsdMicro | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """All positions of an account and its cross cash net of entry notionals (`crossMarginSummary.totalRawUsd`)."""

    cross_raw_usd: UsdMicro
    positions: tuple[Position, ...]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The account figures of `clearinghouseState`. Cross covers cross positions, total all of them."""

    cross_account_value: UsdMicro
    cross_total_notional: UsdMicro
    cross_margin_used: UsdMicro
    cross_maintenance: UsdMicro | None  # None when a cross position's maximal leverage is not known
    account_value: UsdMicro
    total_notional: UsdMicro
    total_raw_usd: UsdMicro
    total_margin_used: UsdMicro


def margin_tiers(rows: Sequence[tuple[int, int]]) -> tuple[Tier, ...]:
    """Tiers from (lower notional in USD, max leverage): maintenance 1 / (2 * max leverage), deductions derived."""
    micro = [(UsdMicro(lower * USD_ONE), leverage) for lower, leverage in rows]
    return market("margin_table", size_decimals=0, tiers=micro).tiers


def margin_table(table: int) -> tuple[Tier, ...]:
    """Tiers of a margin table of the venue. Ids below 50 are flat: id N is N x. BadInput for an unknown id."""
    if 1 <= table < 50:
        return margin_tiers([(0, table)])
    if table not in MARGIN_TABLES:
        raise BadInput("margin_table", f"unknown id {table}")
    return margin_tiers(MARGIN_TABLES[table])


def check_position(position: Position) -> Position:
    """The position itself, or BadInput for no size, a notional that is not positive, or a leverage below 1."""
    if position.size == 0:
        raise BadInput("position.size", "zero")
    if position.value <= 0:
        raise BadInput("position.value", f"{position.value} is not positive")
    if position.leverage < 1:
        raise BadInput("position.leverage", f"{position.leverage} is below 1")
    return position


def is_isolated(position: Position) -> bool:
    """Whether the position is a bucket of its own."""
    return position.raw_usd is not None


def signed_value(position: Position) -> UsdMicro:
    """Notional, negative for a short."""
    return UsdMicro(position.value if position.size > 0 else -position.value)


def margin_used(position: Position) -> UsdMicro:
    """Cross: notional / leverage truncated to 1e-6. Isolated: the equity of its bucket."""
    if position.raw_usd is not None:
        return UsdMicro(signed_value(position) + position.raw_usd)
    return UsdMicro(truncated_div(position.value, position.leverage))


def maintenance_exact(position: Position) -> Fraction:
    """Maintenance in micro-USD before any rounding. BadInput when the tiers are not known."""
    if not position.tiers:
        raise BadInput("position.tiers", "the maximal leverage is not known")
    return Fraction(requirement.maintenance_numerator(position.tiers, position.value), RATE_ONE)


def maintenance_used(position: Position) -> UsdMicro:
    """Maintenance, truncated to 1e-6 as the venue does for each position."""
    exact = maintenance_exact(position)
    return UsdMicro(truncated_div(exact.numerator, exact.denominator))


def return_on_equity(position: Position) -> Fraction:
    """Unrealised PnL over the margin that the entry notional took at the chosen leverage. BadInput at entry 0."""
    entry = signed_value(position) - position.unrealised
    if entry == 0:
        raise BadInput("position.unrealised", "the entry notional is zero")
    return Fraction(position.unrealised * position.leverage, abs(entry))


def summary(account: Account) -> Summary:
    """The figures the venue shows for an account, from its cash and positions."""
    positions = [check_position(position) for position in account.positions]
    cross = [position for position in positions if not is_isolated(position)]
    isolated_cash = sum(position.raw_usd for position in positions if position.raw_usd is not None)
    total_raw_usd = account.cross_raw_usd + isolated_cash
    is_maintenance_known = all(position.tiers for position in cross)
    return Summary(
        cross_account_value=UsdMicro(account.cross_raw_usd + sum(map(signed_value, cross))),
        cross_total_notional=UsdMicro(sum(position.value for position in cross)),
        cross_margin_used=UsdMicro(sum(map(margin_used, cross))),
        cross_maintenance=UsdMicro(sum(map(maintenance_used, cross))) if is_maintenance_known else None,
        account_value=UsdMicro(total_raw_usd + sum(map(signed_value, positions))),
        total_notional=UsdMicro(sum(position.value for position in positions)),
        total_raw_usd=UsdMicro(total_raw_usd),
        total_margin_used=UsdMicro(sum(map(margin_used, positions))),
    )


def withdrawable_most(figures: Summary) -> UsdMicro:
    """Most that may leave the cross account without resting orders: down to max(margin used, 10 % of notional)."""
    floor = max(figures.cross_margin_used, floor_div(figures.cross_total_notional + 9, 10))
    return UsdMicro(max(0, figures.cross_account_value - floor))


def isolated_available(position: Position) -> Fraction:
    """Equity less maintenance of an isolated position's bucket, micro-USD. BadInput for a cross position."""
    if position.raw_usd is None:
        raise BadInput("position.raw_usd", "missing: the position is not isolated")
    return margin_used(position) - maintenance_exact(position)


def liquidation_price(position: Position, available: Fraction | int) -> Fraction | None:
    """The mark in USD at which its bucket is liquidated, others fixed; None when there is no positive one.

    `available` is the bucket's equity less its maintenance now, in micro-USD. On one tier this is the documented
    `mark - side * available / |size| / (1 - l * side)`; across tiers the tier at the solution counts.
    """
    check_position(position)
    fixed = available + maintenance_exact(position) - signed_value(position)
    solved = solve_linear(size=position.size, fixed=fixed, tiers=position.tiers)
    return None if solved is None else solved / USD_ONE


def legacy_liquidation_price(position: Position, available: Fraction | int) -> Fraction | None:
    """The rule of early 2023, USD: `mark - side * available / |size|`, maintenance taken as it is now."""
    check_position(position)
    solved = solve_linear(size=position.size, fixed=available - signed_value(position), tiers=_NO_MAINTENANCE)
    return None if solved is None else solved / USD_ONE


def legacy_available(account_value: UsdMicro, total_notional: UsdMicro) -> Fraction:
    """Equity less maintenance in early 2023, micro-USD: every coin at 50x, so maintenance is 1 % of all notional."""
    return account_value - Fraction(total_notional, 2 * LEGACY_MAX_LEVERAGE)


def legacy_return_on_equity(position: Position) -> Fraction:
    """The rule of early 2023: unrealised PnL over the margin used now."""
    check_position(position)
    return Fraction(position.unrealised * position.leverage, position.value)


def implied_available(position: Position, price: Fraction) -> Fraction:
    """Equity less maintenance in micro-USD that a published liquidation price (USD) tells of: inverse of the above."""
    check_position(position)
    moved = price * USD_ONE
    notional_there = abs(position.size) * moved
    amount = UsdMicro(floor_div(notional_there.numerator, notional_there.denominator))
    tier = next(t for t in reversed(position.tiers) if t.lower <= amount)
    maintenance_there = (notional_there * tier.maintenance - tier.deduction) / RATE_ONE
    return signed_value(position) - maintenance_exact(position) + maintenance_there - position.size * moved


def funding_rate(premium: FundingRate, rules: FundingRules = FUNDING) -> FundingRate:
    """Rate of one payment from the interval's mean premium."""
    return rate_hour(premium, rules)


def premium(oracle: Price, impact_bid: Price | None, impact_ask: Price | None) -> FundingRate:
    """Premium of a perp of the venue's own: the spread of the impact prices around the oracle price."""
    return premium_sample(oracle, impact_bid, impact_ask)


def builder_premium(oracle: Price, impact_bid: Price, impact_ask: Price) -> FundingRate:
    """Premium of a builder-deployed perp (HIP-3): the middle of the impact prices over the oracle price."""
    return premium_mid_sample(oracle, impact_bid, impact_ask)
