"""A perpetual market: its units, its maintenance tiers and its open-interest schedule (SPEC sections 0 and 3)."""

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from seawall.terms import limits
from seawall.units import RATE_ONE, BadInput, FundingIndex, Lots, Price, Rate, UsdMicro, ceil_div


class Tier(msgspec.Struct, frozen=True):
    """Maintenance for notionals in [lower, next tier's lower): `notional * maintenance - deduction`."""

    lower: UsdMicro
    max_leverage: int
    maintenance: Rate
    deduction: int  # micro-USD x RATE_ONE, exact: keeps maintenance continuous at `lower`


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of one market. Build with `market()`, which derives the deductions and checks every bound."""

    name: str
    size_decimals: int
    price_max: Price  # a price above is stale; size_max follows from it
    tiers: tuple[Tier, ...]
    initial_live: Rate  # live initial rate, the one place where predicted risk acts at once; >= initial_base
    open_interest_lower: UsdMicro = UsdMicro(0)  # both 0: no scaling with open interest
    open_interest_upper: UsdMicro = UsdMicro(0)

    @property
    def max_leverage(self) -> int:
        return self.tiers[0].max_leverage

    @property
    def initial_base(self) -> Rate:
        """1 / max_leverage, rounded up."""
        return Rate(ceil_div(RATE_ONE, self.max_leverage))

    @property
    def size_max(self) -> Lots:
        return Lots(limits.NOTIONAL_MAX // self.price_max)


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What moves in a market: prices in micro-USD per lot, the cumulative funding index, open interest."""

    mark: Price
    oracle: Price
    funding_index: FundingIndex = FundingIndex(0)
    open_interest: UsdMicro = UsdMicro(0)


TierRow = tuple[UsdMicro, int] | tuple[UsdMicro, int, Rate]


def market(
    name: str,
    *,
    size_decimals: int,
    tiers: Sequence[TierRow],
    price_max: Price = Price(limits.PRICE_MAX),
    initial_live: Rate = Rate(0),
    open_interest_lower: UsdMicro = UsdMicro(0),
    open_interest_upper: UsdMicro = UsdMicro(0),
) -> Market:
    """A checked Market. A tier row is (lower notional, max leverage[, maintenance rate]).

    Without a rate, maintenance is 1 / (2 * max leverage) rounded up (Hyperliquid's rule). Deductions follow:
    `deduction_k = deduction_{k-1} + lower_k * (mm_k - mm_{k-1})`. `initial_live` is raised to 1 / max_leverage.
    Raises BadInput naming the field that is out of bounds.
    """
    _check_units(name, size_decimals, price_max)
    if not 1 <= len(tiers) <= limits.TIERS_PER_MARKET:
        raise BadInput(f"{name}.tiers", f"{len(tiers)} tiers, expected 1 to {limits.TIERS_PER_MARKET}")
    built: list[Tier] = []
    for row in tiers:
        built.append(_next_tier(name, built, row))
    if open_interest_lower < 0 or open_interest_upper < open_interest_lower:
        raise BadInput(f"{name}.open_interest_upper", "open-interest caps must be 0 <= lower <= upper")
    if not 0 <= initial_live <= RATE_ONE:
        raise BadInput(f"{name}.initial_live", f"{initial_live} is outside 0..RATE_ONE")
    base = ceil_div(RATE_ONE, built[0].max_leverage)
    return Market(
        name=name,
        size_decimals=size_decimals,
        price_max=price_max,
        tiers=tuple(built),
        initial_live=Rate(max(initial_live, base)),
        open_interest_lower=open_interest_lower,
        open_interest_upper=open_interest_upper,
    )


def _check_units(name: str, size_decimals: int, price_max: Price) -> None:
    if not name:
        raise BadInput("market.name", "empty")
    if not limits.SIZE_DECIMALS_MIN <= size_decimals <= limits.SIZE_DECIMALS_MAX:
        allowed = f"{limits.SIZE_DECIMALS_MIN}..{limits.SIZE_DECIMALS_MAX}"
        raise BadInput(f"{name}.size_decimals", f"{size_decimals} is outside {allowed}")
    if not 1 <= price_max <= limits.PRICE_MAX:
        raise BadInput(f"{name}.price_max", f"{price_max} is outside 1..2^40")


def _next_tier(name: str, before: list[Tier], row: TierRow) -> Tier:
    field = f"{name}.tiers[{len(before)}]"
    lower, max_leverage = row[0], row[1]
    if not 1 <= max_leverage <= limits.LEVERAGE_MAX:
        raise BadInput(field, f"max leverage {max_leverage} is outside 1..{limits.LEVERAGE_MAX}")
    maintenance = row[2] if len(row) == 3 else Rate(ceil_div(RATE_ONE, 2 * max_leverage))
    if not 0 < maintenance <= RATE_ONE // 2:
        raise BadInput(field, f"maintenance {Fraction(maintenance, RATE_ONE)} is outside (0, 1/2]")
    if not before:
        if lower != 0:
            raise BadInput(field, "the first tier starts at 0")
        return Tier(UsdMicro(0), max_leverage, maintenance, 0)
    last = before[-1]
    if not last.lower < lower <= limits.NOTIONAL_MAX:
        raise BadInput(field, "tiers must rise in notional and stay within 2^53 micro-USD")
    if maintenance < last.maintenance or max_leverage > last.max_leverage:
        raise BadInput(field, "a higher tier may not ask for less")
    return Tier(lower, max_leverage, maintenance, last.deduction + lower * (maintenance - last.maintenance))


def tier_of(tiers: Sequence[Tier], amount: UsdMicro) -> Tier:
    """The tier whose [lower, next lower) holds `amount` >= 0."""
    assert amount >= 0
    chosen = tiers[0]
    for tier in tiers:  # at most limits.TIERS_PER_MARKET
        if tier.lower > amount:
            break
        chosen = tier
    return chosen
