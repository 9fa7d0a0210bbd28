"""Greeks of a bucket: what its equity gains when markets move, to first and second order.

Delta and gamma are per relative move: a move of x (1 = 100 %) in a market changes equity by
`delta * x + gamma * x^2 / 2`, both in micro-USD. Perps and collateral are linear: their gamma is zero, and an LP
position's is negative (SPEC section 11: V = L(2 sqrt(P) - P / sqrt(Pb) - sqrt(Pa)), gamma = -L / (2 P^1.5)).
Rounding is toward minus infinity: the figures inform, they decide nothing.
"""

from collections.abc import Mapping, Sequence
from math import isqrt

import msgspec

from seawall.margin.scenario import exposures
from seawall.terms.bucket import Bucket, LpHolding
from seawall.terms.conditions import Conditions
from seawall.terms.market import tier_of
from seawall.units import RATE_ONE, BadInput, Price, Rate, UsdMicro, floor_div, notional

ROOT_ONE = 2**64  # fixed point of square roots of prices


class Greek(msgspec.Struct, frozen=True, kw_only=True):
    """One market, micro-USD per relative move. `margin_delta` is that of equity less tiered maintenance."""

    delta: UsdMicro
    gamma: UsdMicro
    margin_delta: UsdMicro


class Greeks(msgspec.Struct, frozen=True, kw_only=True):
    """Per market in order of name, and along the common factor with every market moving by its beta."""

    markets: dict[str, Greek]
    common: Greek


def lp_value(holding: LpHolding, mark: Price) -> UsdMicro:
    """Value of a liquidity position at a price, micro-USD, never more than it is worth."""
    bounded = _clamped(holding, mark)
    quote = holding.liquidity * max(0, _root(bounded) - _root_up(holding.lower))
    now, high = _root_up(bounded), _root(holding.upper)
    base = floor_div(holding.liquidity * ROOT_ONE * max(0, high - now) * mark, now * high)
    return UsdMicro(floor_div(quote, ROOT_ONE) + base)


def lp_delta(holding: LpHolding, mark: Price) -> UsdMicro:
    """mark x amount of base asset held: `L (1 / sqrt(p) - 1 / sqrt(upper)) * mark`, p clamped to the range."""
    now, high = _root(_clamped(holding, mark)), _root(holding.upper)
    return UsdMicro(floor_div(holding.liquidity * ROOT_ONE * (high - now) * mark, now * high))


def lp_gamma(holding: LpHolding, mark: Price) -> UsdMicro:
    """mark^2 x second derivative: `-L sqrt(mark) / 2` inside the range, 0 outside."""
    if not holding.lower <= mark < holding.upper:
        return UsdMicro(0)
    return UsdMicro(floor_div(-holding.liquidity * _root(mark), 2 * ROOT_ONE))


def check_lp(holding: LpHolding) -> LpHolding:
    """The holding itself, or BadInput when its range or liquidity is out of bounds."""
    if not 0 < holding.lower < holding.upper:
        raise BadInput(f"lp.{holding.market}", "the range must be 0 < lower < upper")
    if not 0 <= holding.liquidity <= 2**128:
        raise BadInput(f"lp.{holding.market}", "liquidity is outside 0..2^128")
    return holding


def _root(price: int) -> int:
    """sqrt(price) x ROOT_ONE, rounded down."""
    return isqrt(price * ROOT_ONE * ROOT_ONE)


def _root_up(price: int) -> int:
    """sqrt(price) x ROOT_ONE, rounded up."""
    return 1 + isqrt(price * ROOT_ONE * ROOT_ONE - 1)


def _clamped(holding: LpHolding, mark: Price) -> int:
    return min(max(mark, holding.lower), holding.upper)


def greeks(
    bucket: Bucket,
    conditions: Conditions,
    *,
    liquidity: Sequence[LpHolding] = (),
    betas: Mapping[str, Rate] | None = None,
) -> Greeks:
    """Delta and gamma of a bucket with its liquidity positions, per market and along the common factor.

    `betas`: relative move of each market for a factor move of 1, in RATE_ONE; markets left out have beta 1.
    Raises BadInput for an unknown market or an impossible range.
    """
    delta: dict[str, int] = {e.market: e.perp + e.spot for e in exposures(bucket, conditions)}
    gamma = dict.fromkeys(delta, 0)
    for holding in liquidity:
        mark = conditions.mark(check_lp(holding).market).mark
        delta[holding.market] = delta.get(holding.market, 0) + lp_delta(holding, mark)
        gamma[holding.market] = gamma.get(holding.market, 0) + lp_gamma(holding, mark)
    charged = _maintenance_slopes(bucket, conditions)
    markets = {
        name: Greek(
            delta=UsdMicro(delta[name]),
            gamma=UsdMicro(gamma[name]),
            margin_delta=UsdMicro(delta[name] - charged.get(name, 0)),
        )
        for name in sorted(delta)
    }
    beta = {name: RATE_ONE if betas is None else betas.get(name, Rate(RATE_ONE)) for name in markets}
    common = Greek(
        delta=UsdMicro(floor_div(sum(g.delta * beta[n] for n, g in markets.items()), RATE_ONE)),
        gamma=UsdMicro(floor_div(sum(g.gamma * beta[n] ** 2 for n, g in markets.items()), RATE_ONE**2)),
        margin_delta=UsdMicro(floor_div(sum(g.margin_delta * beta[n] for n, g in markets.items()), RATE_ONE)),
    )
    return Greeks(markets=markets, common=common)


def _maintenance_slopes(bucket: Bucket, conditions: Conditions) -> dict[str, int]:
    """Maintenance gained per relative move of a market: notional x the rate of its tier, rounded down."""
    slopes: dict[str, int] = {}
    for position in bucket.positions:
        amount = notional(position.size, conditions.mark(position.market).mark)
        tier = tier_of(conditions.market(position.market).tiers, amount)
        slopes[position.market] = floor_div(amount * tier.maintenance, RATE_ONE)
    return slopes
