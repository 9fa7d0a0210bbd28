"""dYdX v4: collateral, margin, liquidation price bounds, insurance fund and funding, in the venue's own integers.

Money is in quote quantums (1e-6 USDC), sizes in base quantums (10^atomic_resolution of the base asset, signed), ratios
in parts per million. The rules are those of `x/perpetuals/lib`, `x/subaccounts/lib` and `x/clob/keeper/liquidations`
of the chain; every function says to which side it rounds.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from fractions import Fraction
from typing import Final, NewType

import msgspec

from seawall.units import BadInput, ceil_div, floor_div, truncated_div

QuoteQuantums = NewType("QuoteQuantums", int)  # 1e-6 USDC, signed
BaseQuantums = NewType("BaseQuantums", int)  # 10^atomic_resolution of the base asset, signed
Ppm = NewType("Ppm", int)  # parts per million

PPM_ONE: Final = 1_000_000
QUOTE_DECIMALS: Final = 6
FUNDING_PERIOD_SECONDS: Final = 28_800


class OrderSide(Enum):
    """What the liquidation order does in the market: a long is liquidated by selling, a short by buying."""

    BUY = 1
    SELL = -1


class LiquidityTier(msgspec.Struct, frozen=True, kw_only=True):
    """Margin parameters a group of perpetuals shares. The caps of open interest are in quote quantums; 0: off."""

    initial_margin_ppm: Ppm
    maintenance_fraction_ppm: Ppm
    open_interest_lower_cap: QuoteQuantums = QuoteQuantums(0)
    open_interest_upper_cap: QuoteQuantums = QuoteQuantums(0)


class Perpetual(msgspec.Struct, frozen=True, kw_only=True):
    """One market at one moment: its tier, its oracle price (`price * 10^price_exponent` USD) and its funding index."""

    perpetual_id: str
    atomic_resolution: int
    price: int
    price_exponent: int
    tier: LiquidityTier
    funding_index: int = 0
    open_interest: BaseQuantums = BaseQuantums(0)

    def quote_per_base(self) -> Fraction:
        """Quote quantums one base quantum is worth at the oracle price. Exact."""
        return self.price * Fraction(10) ** (self.price_exponent + self.atomic_resolution + QUOTE_DECIMALS)


class PerpetualPosition(msgspec.Struct, frozen=True, kw_only=True):
    """Signed size in one market and the funding index at which it last settled."""

    perpetual_id: str
    quantums: BaseQuantums
    funding_index: int = 0


class Subaccount(msgspec.Struct, frozen=True, kw_only=True):
    """USDC balance and positions of one subaccount; at most one position a perpetual."""

    usdc: QuoteQuantums
    positions: tuple[PerpetualPosition, ...] = ()

    def size(self, perpetual_id: str) -> BaseQuantums:
        """Signed size held in a perpetual, 0 without a position."""
        held = [position.quantums for position in self.positions if position.perpetual_id == perpetual_id]
        return held[0] if held else BaseQuantums(0)


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """Net collateral, initial and maintenance requirement of a position or of a subaccount, in quote quantums."""

    net_collateral: QuoteQuantums
    initial: QuoteQuantums
    maintenance: QuoteQuantums

    @property
    def is_liquidatable(self) -> bool:
        """Maintenance is required and net collateral is below it."""
        return self.maintenance > 0 and self.maintenance > self.net_collateral


class PositionBlockLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much of one position may be liquidated in a block."""

    min_position_notional: QuoteQuantums
    max_position_portion_ppm: Ppm


class FundingSamples(msgspec.Struct, frozen=True, kw_only=True):
    """A tick's premium samples, all equal: their rate per 8 hours, how many came, how many were due (missing are 0)."""

    premium_ppm: Ppm
    received: int
    expected: int


Perpetuals = Mapping[str, Perpetual]


def perpetuals_by_id(perpetuals: Iterable[Perpetual]) -> dict[str, Perpetual]:
    """The table the other functions take. BadInput when an id appears twice."""
    table: dict[str, Perpetual] = {}
    for perpetual in perpetuals:
        if perpetual.perpetual_id in table:
            raise BadInput("perpetuals", f"perpetual {perpetual.perpetual_id} is listed twice")
        table[perpetual.perpetual_id] = perpetual
    return table


def notional(perpetual: Perpetual, quantums: BaseQuantums) -> QuoteQuantums:
    """Signed value of a size at the oracle price, truncated toward zero (a short is favoured by under one quantum)."""
    exact = quantums * perpetual.quote_per_base()
    return QuoteQuantums(truncated_div(exact.numerator, exact.denominator))


def exact_notional(perpetual: Perpetual, quantums: BaseQuantums) -> Fraction:
    """Unsigned value of a size at the oracle price in quote quantums, not rounded."""
    return abs(quantums) * perpetual.quote_per_base()


# Margin of one position


def maintenance_margin_ppm(tier: LiquidityTier) -> Ppm:
    """Maintenance margin fraction shown for a tier: initial * fraction, rounded down."""
    return Ppm(floor_div(tier.initial_margin_ppm * tier.maintenance_fraction_ppm, PPM_ONE))


def adjusted_initial_margin_ppm(tier: LiquidityTier, open_interest: Fraction | QuoteQuantums) -> Ppm:
    """Initial margin fraction at an open interest in quote quantums: from the base, linearly to 100 %. Rounds down.

    The base applies up to the lower cap and where the upper cap is 0; 100 % from the upper cap on.
    """
    base, low, high = tier.initial_margin_ppm, tier.open_interest_lower_cap, tier.open_interest_upper_cap
    if high == 0 or open_interest <= low:
        return base
    if open_interest >= high:
        return Ppm(PPM_ONE)
    increase = (PPM_ONE - base) * (open_interest - low) / Fraction(high - low)
    return Ppm(base + truncated_div(increase.numerator, increase.denominator))


def initial_margin(
    tier: LiquidityTier, *, value: Fraction | QuoteQuantums, open_interest: Fraction | QuoteQuantums
) -> QuoteQuantums:
    """Margin to open a position of unsigned notional `value` at an open interest, both in quote quantums. Rounds up."""
    exact = value * Fraction(adjusted_initial_margin_ppm(tier, open_interest), PPM_ONE)
    return QuoteQuantums(ceil_div(exact.numerator, exact.denominator))


def maintenance_margin(tier: LiquidityTier, value: Fraction | QuoteQuantums) -> QuoteQuantums:
    """Margin to keep a position of unsigned notional `value`: value * initial * fraction, rounded up once.

    Open interest does not scale it. The chain rounds the base initial margin up before it takes the fraction, which
    gives the same integer for fractions of 1/n and at most one quantum more otherwise.
    """
    exact = value * Fraction(tier.initial_margin_ppm * tier.maintenance_fraction_ppm, PPM_ONE * PPM_ONE)
    return QuoteQuantums(ceil_div(exact.numerator, exact.denominator))


def position_risk(perpetual: Perpetual, quantums: BaseQuantums) -> Risk:
    """What a size adds to a subaccount: its notional and its two requirements."""
    value = notional(perpetual, quantums)
    size = QuoteQuantums(abs(value))
    interest = notional(perpetual, perpetual.open_interest)
    return Risk(
        net_collateral=value,
        initial=initial_margin(perpetual.tier, value=size, open_interest=interest),
        maintenance=maintenance_margin(perpetual.tier, size),
    )


# Funding


def net_settlement_ppm(*, index: int, position_index: int, quantums: BaseQuantums) -> int:
    """Funding a position has earned since it settled (negative: owes), in 1e-6 quote quantums. Exact."""
    return -(index - position_index) * quantums


def max_abs_funding_ppm(tier: LiquidityTier, clamp_factor_ppm: Ppm) -> Ppm:
    """Largest 8-hour funding rate either way: clamp factor * (initial - maintenance fraction). Rounds down."""
    headroom = tier.initial_margin_ppm - maintenance_margin_ppm(tier)
    return Ppm(floor_div(clamp_factor_ppm * headroom, PPM_ONE))


def funding_rate_ppm(samples: FundingSamples, tier: LiquidityTier, clamp_factor_ppm: Ppm) -> Ppm:
    """8-hour rate from a tick's samples: their mean, toward zero, clamped to `max_abs_funding_ppm`."""
    count = max(samples.received, samples.expected)
    mean = truncated_div(samples.premium_ppm * samples.received, count) if count else 0
    bound = max_abs_funding_ppm(tier, clamp_factor_ppm)
    return Ppm(max(-bound, min(bound, mean)))


def funding_index_delta(perpetual: Perpetual, rate_ppm: Ppm, tick_seconds: int) -> int:
    """Step of the funding index over a tick: rate * tick / 8 h * value of one base quantum, toward zero.

    The index is in 1e-6 quote quantums a base quantum.
    """
    step = Fraction(rate_ppm * tick_seconds, FUNDING_PERIOD_SECONDS) * perpetual.quote_per_base()
    return truncated_div(step.numerator, step.denominator)


# The subaccount


def apply_updates(
    subaccount: Subaccount,
    perpetuals: Perpetuals,
    *,
    usdc: QuoteQuantums = QuoteQuantums(0),
    sizes: Iterable[tuple[str, BaseQuantums]] = (),
) -> Subaccount:
    """The subaccount after funding is settled and `usdc` and signed size changes are added to it.

    Several changes of one perpetual add up; a position that reaches 0 disappears; a new one starts at the current
    index. Funding is settled on the sizes held before, the sum over positions rounded down once.
    """
    settled = QuoteQuantums(subaccount.usdc + unsettled_funding(subaccount, perpetuals) + usdc)
    quantums = {position.perpetual_id: position.quantums for position in subaccount.positions}
    for perpetual_id, delta in sizes:
        quantums[perpetual_id] = BaseQuantums(quantums.get(perpetual_id, 0) + delta)
    positions = tuple(
        PerpetualPosition(
            perpetual_id=perpetual_id, quantums=size, funding_index=_market(perpetuals, perpetual_id).funding_index
        )
        for perpetual_id, size in quantums.items()
        if size != 0
    )
    return Subaccount(usdc=settled, positions=positions)


def unsettled_funding(subaccount: Subaccount, perpetuals: Perpetuals) -> QuoteQuantums:
    """Funding earned (negative: owed) by all positions and not yet in the balance. The sum rounds down once."""
    _require_one_position_each(subaccount)
    total = sum(
        net_settlement_ppm(
            index=_market(perpetuals, position.perpetual_id).funding_index,
            position_index=position.funding_index,
            quantums=position.quantums,
        )
        for position in subaccount.positions
    )
    return QuoteQuantums(floor_div(total, PPM_ONE))


def risk(subaccount: Subaccount, perpetuals: Perpetuals) -> Risk:
    """Net collateral (USDC, unsettled funding, notional) and requirements of a subaccount, each position rounded alone.

    BadInput when a perpetual is unknown or held twice.
    """
    parts = [
        position_risk(_market(perpetuals, position.perpetual_id), position.quantums)
        for position in subaccount.positions
    ]
    balance = subaccount.usdc + unsettled_funding(subaccount, perpetuals)
    return Risk(
        net_collateral=QuoteQuantums(balance + sum(part.net_collateral for part in parts)),
        initial=QuoteQuantums(sum(part.initial for part in parts)),
        maintenance=QuoteQuantums(sum(part.maintenance for part in parts)),
    )


def accepts(before: Risk, after: Risk) -> bool:
    """Whether an update may pass: it leaves enough initial margin, or it makes an undercollateralised account no worse.

    No worse: maintenance does not rise and net collateral over maintenance does not fall (cross-multiplied). Where a
    maintenance requirement is 0 the ratio does not exist; then both must be 0 and net collateral must rise.
    """
    if after.initial <= after.net_collateral:
        return True
    if after.maintenance > before.maintenance:
        return False
    if after.maintenance == 0 or before.maintenance == 0:
        return after.maintenance == before.maintenance and after.net_collateral > before.net_collateral
    return after.net_collateral * before.maintenance >= before.net_collateral * after.maintenance


# Liquidation


def bankruptcy_price(
    subaccount: Subaccount, perpetuals: Perpetuals, *, perpetual_id: str, delta: BaseQuantums
) -> QuoteQuantums:
    """Quote quantums for which `delta` of a position trades so that its share of net collateral is used up exactly.

    Positive: received for selling a long. Negative: paid to close a short. -DNNV - floor(TNC * |DMMR| / TMMR): a
    fill at this price needs no insurance money. It is also the price at which auto-deleveraging closes `delta`
    against a counterparty. BadInput unless `delta` reduces the position and maintenance is required.
    """
    market = _market(perpetuals, perpetual_id)
    size = subaccount.size(perpetual_id)
    _require_reduces(size, delta)
    total = risk(subaccount, perpetuals)
    if total.maintenance == 0:
        raise BadInput("perpetuals", "no maintenance margin is required, so there is no bankruptcy price")
    held = position_risk(market, size)
    left = position_risk(market, BaseQuantums(size + delta))
    share = floor_div(total.net_collateral * abs(left.maintenance - held.maintenance), total.maintenance)
    return QuoteQuantums(held.net_collateral - left.net_collateral - share)


def fillable_price(
    subaccount: Subaccount,
    perpetuals: Perpetuals,
    *,
    perpetual_id: str,
    bankruptcy_adjustment_ppm: Ppm,
    spread_to_maintenance_ppm: Ppm,
) -> Fraction:
    """Worst price of a liquidation order, quote quantums a base quantum, exact: (PNNV - ABR * SMMR * PMMR) / PS.

    ABR = clamp(BA * (1 - TNC / TMMR), 0, 1): the deeper the account, the further from the oracle price. Taken over
    the whole position. BadInput without a position or without a maintenance requirement.
    """
    size = subaccount.size(perpetual_id)
    if size == 0:
        raise BadInput("perpetual_id", f"no position in perpetual {perpetual_id}")
    total = risk(subaccount, perpetuals)
    if total.maintenance == 0:
        raise BadInput("perpetuals", "no maintenance margin is required, so there is no fillable price")
    part = position_risk(_market(perpetuals, perpetual_id), size)
    depth = Fraction(bankruptcy_adjustment_ppm, PPM_ONE) * (1 - Fraction(total.net_collateral, total.maintenance))
    adjusted = max(Fraction(0), min(Fraction(1), depth))
    spread = adjusted * Fraction(spread_to_maintenance_ppm, PPM_ONE) * part.maintenance
    return (part.net_collateral - spread) / size


def fill_quote(*, fill: BaseQuantums, subticks: int, quantum_conversion_exponent: int) -> QuoteQuantums:
    """Unsigned quote quantums of an order-book fill of `fill` at a price in subticks. Truncated."""
    exact = fill * subticks * Fraction(10) ** quantum_conversion_exponent
    return QuoteQuantums(truncated_div(exact.numerator, exact.denominator))


def insurance_fund_delta(
    subaccount: Subaccount,
    perpetuals: Perpetuals,
    *,
    perpetual_id: str,
    side: OrderSide,
    fill: BaseQuantums,
    quote: QuoteQuantums,
    max_liquidation_fee_ppm: Ppm,
) -> QuoteQuantums:
    """What the insurance fund receives (negative: pays) when `fill` > 0 trades for `quote` > 0 (see `fill_quote`).

    The difference to the bankruptcy price; where the account has something left, at most the liquidation fee, which
    rounds down.
    """
    signed_quote = -side.value * quote
    delta = BaseQuantums(side.value * fill)
    rest = signed_quote - bankruptcy_price(subaccount, perpetuals, perpetual_id=perpetual_id, delta=delta)
    if rest <= 0:
        return QuoteQuantums(rest)
    return QuoteQuantums(min(rest, floor_div(abs(signed_quote) * max_liquidation_fee_ppm, PPM_ONE)))


def max_liquidatable_notional(
    value: QuoteQuantums, limits: PositionBlockLimits, subaccount_allowance: QuoteQuantums
) -> QuoteQuantums:
    """How much of a position of notional `value` may be liquidated in this block, in quote quantums. Rounds down.

    A portion of the position, but not less than the minimum (or all, when it is smaller), within what the block still
    allows this subaccount.
    """
    size = abs(value)
    portion = floor_div(size * limits.max_position_portion_ppm, PPM_ONE)
    wanted = max(min(limits.min_position_notional, size), portion)
    return QuoteQuantums(max(0, min(wanted, subaccount_allowance)))


def max_liquidatable(
    perpetual: Perpetual,
    quantums: BaseQuantums,
    *,
    limits: PositionBlockLimits,
    subaccount_allowance: QuoteQuantums,
    step: BaseQuantums,
) -> BaseQuantums:
    """Signed change of a position that may be liquidated in this block: 0, a part in whole steps, or all of it.

    The part rounds down to `step` toward 0; the whole position goes where its notional fits.
    """
    value = notional(perpetual, quantums)
    allowed = max_liquidatable_notional(value, limits, subaccount_allowance)
    if allowed >= abs(value):
        return BaseQuantums(-quantums)
    base = allowed / perpetual.quote_per_base()
    steps = floor_div(floor_div(base.numerator, base.denominator), step)
    size = min(steps * step, abs(quantums))
    return BaseQuantums(-size if quantums > 0 else size)


def _market(perpetuals: Perpetuals, perpetual_id: str) -> Perpetual:
    if perpetual_id not in perpetuals:
        raise BadInput("perpetual_id", f"unknown perpetual {perpetual_id}")
    return perpetuals[perpetual_id]


def _require_one_position_each(subaccount: Subaccount) -> None:
    ids = [position.perpetual_id for position in subaccount.positions]
    if len(set(ids)) != len(ids):
        raise BadInput("positions", "two positions in one perpetual")


def _require_reduces(size: BaseQuantums, delta: BaseQuantums) -> None:
    if delta == 0 or size * delta >= 0 or abs(delta) > abs(size):
        raise BadInput("delta_quantums", f"{delta} does not reduce a position of {size}")
