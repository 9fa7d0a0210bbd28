"""Greeks of a bucket: what its equity gains when markets move, to first and second order.

Delta and gamma are per relative move: a move of x (1 = 100 %) in a market changes equity by
`delta * x + gamma * x^2 / 2`, both in micro-USD. Perps and collateral are linear: their gamma is zero, and an LP
position's is negative (SPEC section 11: V = L(2 sqrt(P) - P / sqrt(Pb) - sqrt(Pa)), gamma = -L / (2 P^1.5)).
Rounding is toward minus infinity: the figures inform, they decide nothing.
"""

from collections.abc import Mapping, Sequence

import msgspec

from seawall.margin.liquidity import check_lp, lp_delta, lp_gamma
from seawall.margin.scenario import exposures
from seawall.terms.bucket import Bucket, LpHolding
from seawall.terms.conditions import Conditions
from seawall.terms.market import tier_of
from seawall.units import RATE_ONE, Rate, UsdMicro, floor_div, notional


class Greek(msgspec.Struct, frozen=True, kw_only=True):
    """One market, micro-USD per relative move. `margin_delta` is that of equity less tiered maintenance."""

    delta: UsdMicro
    gamma: UsdMicro
    margin_delta: UsdMicro


class Greeks(msgspec.Struct, frozen=True, kw_only=True):
    """Per market in order of name, and along the common factor with every market moving by its beta."""

    markets: dict[str, Greek]
    common: Greek


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
