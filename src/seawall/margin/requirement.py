"""What a bucket must hold: maintenance, liquidation end, initial, reserved for open orders (SPEC section 3).

Every requirement rounds up.
"""

from collections.abc import Iterable, Sequence

from seawall.terms.bucket import Position
from seawall.terms.market import Mark, Market, Tier, tier_of
from seawall.units import RATE_ONE, Lots, Price, Rate, Side, UsdMicro, ceil_div, notional, share


def maintenance_numerator(tiers: Sequence[Tier], amount: UsdMicro) -> int:
    """Maintenance of one notional in micro-USD x RATE_ONE, exact: `amount * mm_k - deduction_k`."""
    tier = tier_of(tiers, amount)
    numerator = amount * tier.maintenance - tier.deduction
    assert numerator >= 0
    return numerator


def maintenance(numerators: Iterable[int]) -> UsdMicro:
    """Maintenance of a bucket from its positions' numerators: one ceil for the sum."""
    return UsdMicro(ceil_div(sum(numerators), RATE_ONE))


def liquidation_end(maintenance_required: UsdMicro, exit_buffer: Rate) -> UsdMicro:
    """Equity at which a liquidation stops: maintenance x (1 + buffer), rounded up."""
    assert maintenance_required >= 0
    return share(maintenance_required, RATE_ONE + exit_buffer, Side.UP)


def live_initial_rate(market: Market, open_interest: UsdMicro) -> Rate:
    """Initial rate of the moment: the live rate up to the lower open-interest cap, then linearly to 1 at the upper.

    Rounds up; never below 1 / max_leverage. Both caps 0: no scaling.
    """
    base = max(market.initial_live, market.initial_base)
    lower, upper = market.open_interest_lower, market.open_interest_upper
    if upper == 0 or open_interest <= lower:
        return Rate(base)
    if open_interest >= upper:
        return Rate(RATE_ONE)
    return Rate(base + ceil_div((RATE_ONE - base) * (open_interest - lower), upper - lower))


def effective_leverage(market: Market, amount: UsdMicro, chosen: int) -> int:
    """The chosen leverage, no more than the tier of this notional allows. The live cap acts through the live rate."""
    assert chosen >= 1
    return min(chosen, tier_of(market.tiers, amount).max_leverage)


def initial_of(market: Market, mark: Mark, size: Lots, leverage: int) -> UsdMicro:
    """Initial margin of a position of `size`: the larger of notional / leverage and notional x live rate, both up."""
    amount = notional(size, mark.mark)
    by_leverage = ceil_div(amount, effective_leverage(market, amount, leverage))
    by_rate = share(amount, live_initial_rate(market, mark.open_interest), Side.UP)
    return UsdMicro(max(by_leverage, by_rate))


def reserved_of(market: Market, mark: Mark, position: Position) -> UsdMicro:
    """Margin that open orders reserve: initial of the worse of all bids or all asks filled, less the position's own."""
    worst = Lots(max(abs(position.size), abs(position.size + position.bids), abs(position.size - position.asks)))
    filled = initial_of(market, mark, worst, position.leverage)
    return UsdMicro(filled - initial_of(market, mark, position.size, position.leverage))


def position_maintenance_numerator(market: Market, price: Price, size: Lots) -> int:
    """Maintenance numerator of a position marked at `price`."""
    return maintenance_numerator(market.tiers, notional(size, price))
