"""Inverse (coin-margined) contracts: margin and pnl in the coin itself, a contract worth a fixed number of USD.

    pnl = contracts x face x (1 / entry - 1 / mark)          in coin; contracts < 0 for a short
    maintenance = rate x notional - deduction,  notional = |contracts| x face / mark     in coin

Both are linear in u = 1 / mark, the price of a dollar in the coin. An inverse long is a linear short of dollars, so the
liquidation price comes from the solver of linear contracts. Everything is an exact rational; nothing is rounded.
Source of the contract rule: the payoff of BitMEX XBTUSD and of every coin-margined perpetual since.
"""

from collections.abc import Sequence
from enum import Enum
from fractions import Fraction
from typing import Final

import msgspec

from seawall.margin.liquidation_price import solve_linear
from seawall.terms.market import Tier, tier_of
from seawall.units import RATE_ONE, USD_ONE, BadInput, Rate, UsdMicro, floor_div

COIN_ONE: Final = 10**8  # tier bounds by coin notional are in 1e-8 of the coin


class TierBasis(Enum):
    """What the tiers of a market are measured in."""

    COIN = "coin"  # notional in 1e-8 coin at the mark: the tier changes with the price
    CONTRACT = "contract"  # notional in micro-USD, contracts x face: the tier is fixed by the size


class InversePosition(msgspec.Struct, frozen=True, kw_only=True):
    """`contracts` is signed, `face` is USD a contract, `entry` USD a coin, `collateral` coin less fees paid."""

    contracts: int
    face: Fraction
    entry: Fraction
    collateral: Fraction

    @property
    def dollars(self) -> Fraction:
        """Signed contract notional in USD, the same at every price."""
        return self.contracts * self.face


class InverseTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Maintenance tiers as `terms.market` builds them, their bounds in the unit that `basis` names."""

    tiers: tuple[Tier, ...]
    basis: TierBasis = TierBasis.COIN


def check_inverse(position: InversePosition) -> InversePosition:
    """The position itself; BadInput for no contracts, or a face or entry price that is not positive."""
    if position.contracts == 0:
        raise BadInput("contracts", "zero: there is no position")
    if position.face <= 0:
        raise BadInput("face", "not above zero")
    if position.entry <= 0:
        raise BadInput("entry", "not above zero")
    return position


def pnl(position: InversePosition, mark: Fraction) -> Fraction:
    """Unrealised pnl in coin."""
    assert mark > 0
    return position.dollars * (1 / position.entry - 1 / mark)


def equity(position: InversePosition, mark: Fraction) -> Fraction:
    """Collateral plus pnl, in coin."""
    return position.collateral + pnl(position, mark)


def notional_coin(position: InversePosition, mark: Fraction) -> Fraction:
    """Contract notional in coin at `mark`."""
    assert mark > 0
    return abs(position.dollars) / mark


def maintenance(position: InversePosition, terms: InverseTerms, mark: Fraction) -> Fraction:
    """Maintenance margin in coin at `mark`, the tier chosen there."""
    if terms.basis is TierBasis.CONTRACT:
        return notional_coin(position, mark) * _contract_rate(position, terms.tiers)
    amount = notional_coin(position, mark) * COIN_ONE
    tier = tier_of(terms.tiers, UsdMicro(floor_div(amount.numerator, amount.denominator)))
    return (amount * tier.maintenance - tier.deduction) / (RATE_ONE * COIN_ONE)


def liquidation_price(position: InversePosition, terms: InverseTerms, closing_fee: Rate = Rate(0)) -> Fraction | None:
    """The mark at which equity less the fee of closing equals maintenance, in USD a coin. None: no price liquidates.

    A long is liquidated below it, a short above it.
    """
    check_inverse(position)
    fixed = position.collateral + position.dollars / position.entry
    if terms.basis is TierBasis.CONTRACT:
        owed = _contract_rate(position, terms.tiers) + Fraction(closing_fee, RATE_ONE)
        slope = position.dollars + abs(position.dollars) * owed
        return slope / fixed if fixed and slope / fixed > 0 else None
    dollar_price = solve_linear(
        size=-position.dollars * COIN_ONE, fixed=fixed * COIN_ONE, tiers=terms.tiers, closing_fee=closing_fee
    )  # in coin a dollar; amounts in 1e-8 coin as the tiers are
    return None if dollar_price is None else 1 / dollar_price


def bankruptcy_price(position: InversePosition) -> Fraction | None:
    """The mark at which equity is zero. None: a short with enough coin never gets there."""
    check_inverse(position)
    fixed = position.collateral + position.dollars / position.entry
    if fixed == 0 or position.dollars / fixed <= 0:
        return None
    return position.dollars / fixed


def _contract_rate(position: InversePosition, tiers: Sequence[Tier]) -> Fraction:
    """Maintenance as a share of notional: constant, as the tier and its deduction go with the size alone."""
    amount = abs(position.dollars) * USD_ONE
    tier = tier_of(tiers, UsdMicro(floor_div(amount.numerator, amount.denominator)))
    return (tier.maintenance - tier.deduction / amount) / RATE_ONE
