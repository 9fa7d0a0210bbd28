"""`seawall account liq FILE`: the liquidation price of every position of an account, beside the venue's own."""

import math
from fractions import Fraction

import msgspec

from seawall.margin.health import health
from seawall.margin.liquidation_price import LiquidationPrices, liquidation_prices
from seawall.terms.bucket import Bucket, MarginMode, Position
from seawall.terms.conditions import Conditions
from seawall.terms.market import Market, tier_of
from seawall.tools.account_file import CROSS, Account, NamedBucket
from seawall.tools.figures import money
from seawall.tools.plan import Direction
from seawall.units import RATE_ONE, USD_ONE, BadInput, Rate, UsdMicro

AGREEMENT = Fraction(1, 10**8)  # relative; venues print 8 to 10 decimals of a double
HINT_AGREEMENT = Fraction(1, 10**4)  # relative spread of the hidden collateral that reported prices imply


class LiquidationLine(msgspec.Struct, frozen=True, kw_only=True):
    """One position. Prices in USD; `liquidation_price` is where its bucket is liquidated if only this mark moves."""

    bucket: str
    coin: str
    side: Direction
    size: Fraction
    mark_usd: Fraction
    liquidation_price_usd: Fraction | None
    liquidation_price_exact: str | None  # numerator/denominator
    move_to_liquidation: Fraction | None  # signed share of the mark
    with_closing_fee_usd: Fraction | None
    is_liquidatable_now: bool
    reported_price_usd: Fraction | None
    difference_usd: Fraction | None
    agrees_with_venue: bool | None


class AccountLiquidation(msgspec.Struct, frozen=True, kw_only=True):
    """Liquidation prices of every position of an account."""

    file: str
    closing_fee: Fraction
    positions: tuple[LiquidationLine, ...]
    hidden_collateral_usd: Fraction | None
    warnings: tuple[str, ...]


def side_of(position: Position) -> Direction:
    return Direction.LONG if position.size > 0 else Direction.SHORT


def relevant(prices: LiquidationPrices, side: Direction) -> Fraction | None:
    """The point on the side that hurts: below for a long, above for a short."""
    point = prices.below if side is Direction.LONG else prices.above
    return None if point is None else point.exact


def is_straight(bucket: Bucket, conditions: Conditions) -> bool:
    """Whether what a bucket has and must have are straight lines of prices within tiers: no grid, no liquidity."""
    ranges = any(conditions.asset(holding.asset).span is not None for holding in bucket.collateral)
    return bucket.mode is MarginMode.TIERED and not ranges


def point_of(account: Account, name: str, position: Position) -> Fraction | None:
    """The liquidation price of a position, micro-USD per lot, by the rule of its bucket: exact by the tiers, the last
    healthy mark in portfolio margin and with liquidity positions. None: none, or none in reach (risk/reach.py)."""
    bucket, conditions, side = account.bucket(name), account.conditions, side_of(position)
    if is_straight(bucket, conditions):
        return relevant(liquidation_prices(bucket, conditions, position.market), side)
    from seawall.risk.reach import reach

    move = Rate(-RATE_ONE if side is Direction.LONG else RATE_ONE)
    found = reach(bucket, conditions, {position.market: move}, account.grid)
    return None if found is None or found.scale == 0 else Fraction(found.healthy[position.market])


def exact_ratio(value: Fraction | None) -> str | None:
    return None if value is None else f"{value.numerator}/{value.denominator}"


def account_liquidation(account: Account, closing_fee: Rate = Rate(0)) -> AccountLiquidation:
    """Liquidation price of each position beside the venue's own; `closing_fee` adds the variant that also pays it."""
    lines = tuple(
        _line(account, named, position, closing_fee) for named in account.buckets for position in named.bucket.positions
    )
    hidden = _hidden_collateral(account, lines)
    warnings = list(account.warnings)
    if hidden is not None:
        amount = money(hidden)
        warnings.append(
            f"the reported cross prices agree on {amount} USD of collateral that the file does not show"
            f" (a unified account?): --collateral {amount.replace(',', '')} includes it"
        )
    return AccountLiquidation(
        file=account.file,
        closing_fee=Fraction(closing_fee, RATE_ONE),
        positions=lines,
        hidden_collateral_usd=hidden,
        warnings=tuple(warnings),
    )


def _line(account: Account, named: NamedBucket, position: Position, closing_fee: Rate) -> LiquidationLine:
    place, side = account.place(position.market), side_of(position)
    conditions = account.conditions
    point = relevant(liquidation_prices(named.bucket, conditions, position.market), side)
    price = None if point is None else place.scale.price_usd(point)
    charged = None
    if closing_fee:
        at = relevant(liquidation_prices(named.bucket, conditions, position.market, closing_fee), side)
        charged = None if at is None else place.scale.price_usd(at)
    holding = account.reported(position.market)
    shown = holding is not None and holding.shows_liquidation_price
    reported = None if holding is None else holding.liquidation_price
    both = price is not None and reported is not None
    return LiquidationLine(
        bucket=named.name,
        coin=position.market,
        side=side,
        size=place.scale.size_units(position.size),
        mark_usd=place.mark_usd,
        liquidation_price_usd=price,
        liquidation_price_exact=exact_ratio(price),
        move_to_liquidation=None if price is None else price / place.mark_usd - 1,
        with_closing_fee_usd=charged,
        is_liquidatable_now=health(named.bucket, conditions).is_liquidatable,
        reported_price_usd=reported,
        difference_usd=None if price is None or reported is None else price - reported,
        agrees_with_venue=_agrees(price, reported) if both or shown else None,
    )


def _agrees(price: Fraction | None, reported: Fraction | None) -> bool:
    if price is None or reported is None:
        return price is None and reported is None
    return abs(price - reported) <= AGREEMENT * reported


def _hidden_collateral(account: Account, lines: tuple[LiquidationLine, ...]) -> Fraction | None:
    """Collateral that makes every cross price equal the reported one, when all imply the same positive sum."""
    implied: list[Fraction] = []
    for line in lines:
        if line.bucket != CROSS or line.difference_usd is None or line.agrees_with_venue:
            continue
        place = account.place(line.coin)
        assert line.reported_price_usd is not None
        held = _maintenance_rate(place.market, line.size * line.reported_price_usd)
        implied.append(line.difference_usd * (line.size - abs(line.size) * held))
    if not implied or min(implied) <= 0:
        return None
    middle = sum(implied, Fraction(0)) / len(implied)
    return middle if max(implied) - min(implied) <= HINT_AGREEMENT * middle else None


def _maintenance_rate(market: Market, notional_usd: Fraction) -> Fraction:
    amount = math.floor(abs(notional_usd) * USD_ONE)
    return Fraction(tier_of(market.tiers, UsdMicro(amount)).maintenance, RATE_ONE)


def only(found: AccountLiquidation, coin: str) -> AccountLiquidation:
    """The same with the positions of one coin. BadInput when the account holds none of it."""
    held = tuple(line for line in found.positions if line.coin == coin)
    if not held:
        raise BadInput("coin", f"the account holds no {coin}", found.file)
    return msgspec.structs.replace(found, positions=held)
