"""Portfolio margin of liquidity: a hedged position is charged for gamma, each row for what it is worth less."""

from decimal import Decimal, localcontext

import pytest

from seawall.margin.liquidity import lp_delta, lp_gamma, lp_value
from seawall.margin.scenario import portfolio_margin
from seawall.terms.bucket import Bucket, LpHolding, Position
from seawall.terms.build import conditions_of, mark_of, market_of
from seawall.terms.conditions import Conditions
from seawall.terms.grid import FactorShock, MarketRisk, ScenarioGrid
from seawall.units import RATE_ONE, Lots, Price, Rate, UsdMicro

MARK = 100_000_000
LP = LpHolding(market="ETH", liquidity=10**7, lower=80_000_000, upper=125_000_000)
MOVES = (-20, -10, -5, 5, 10, 20)


def conditions() -> Conditions:
    ether = market_of("ETH", size_decimals=0, tiers=[("0", 20)], price_now="100")
    return conditions_of([ether], {"ETH": mark_of(ether, "100")})


def grid(basis: int = 0) -> ScenarioGrid:
    shocks = tuple(FactorShock(move=Rate(RATE_ONE * move // 100), credit=Rate(RATE_ONE)) for move in MOVES)
    risk = MarketRisk(
        beta=Rate(RATE_ONE), own=Rate(0), basis=Rate(basis), floor=Rate(0), concentration_start=0, concentration=Rate(0)
    )
    factor = Rate(RATE_ONE * 12 // 10)
    one = (Rate(RATE_ONE),)
    return ScenarioGrid(version="t", factor_shocks=shocks, own_shares=one, risks={"ETH": risk}, portfolio_factor=factor)


def bucket(size: int) -> Bucket:
    positions = (Position(market="ETH", size=Lots(size)),) if size else ()
    return Bucket(raw_usd=UsdMicro(0), positions=positions)


def worth(price: Decimal) -> Decimal:
    with localcontext() as exact:
        exact.prec = 90
        lower, upper = Decimal(LP.lower), Decimal(LP.upper)
        inside = min(max(price, lower), upper)
        base = price * (1 / inside.sqrt() - 1 / upper.sqrt())
        return LP.liquidity * (inside.sqrt() - lower.sqrt() + base)


@pytest.mark.parametrize("size", [0, -70, -111, 50])
def test_each_row_loses_what_the_position_and_the_perp_are_worth_less(size: int) -> None:
    found = portfolio_margin(bucket(size), conditions(), grid(), (LP,))
    for row, move in zip(found.losses, MOVES, strict=False):
        price = Decimal(MARK) * (100 + move) / 100
        exact = worth(Decimal(MARK)) - worth(price) - size * (price - MARK)
        assert abs(row.loss - exact) <= 2


def test_a_hedge_leaves_gamma_and_takes_delta_away() -> None:
    delta = lp_delta(LP, Price(MARK)) // MARK
    alone = portfolio_margin(bucket(0), conditions(), grid(), (LP,)).maintenance
    hedged = portfolio_margin(bucket(-delta), conditions(), grid(), (LP,)).maintenance
    assert 0 < hedged < alone / 2
    small = grid()
    near = ScenarioGrid(
        version="n",
        factor_shocks=tuple(FactorShock(move=Rate(sign * RATE_ONE // 100), credit=Rate(RATE_ONE)) for sign in (-1, 1)),
        own_shares=small.own_shares,
        risks=small.risks,
        portfolio_factor=small.portfolio_factor,
    )
    charged = portfolio_margin(bucket(-delta), conditions(), near, (LP,)).maintenance
    gamma = -lp_gamma(LP, Price(MARK)) * 0.01**2 / 2
    assert charged == pytest.approx(gamma, abs=MARK // 100)  # the hedge is whole lots


def test_the_basis_is_charged_on_what_a_short_hedges_of_it() -> None:
    delta = lp_delta(LP, Price(MARK)) // MARK
    plain = portfolio_margin(bucket(-delta), conditions(), grid(), (LP,)).maintenance
    with_basis = portfolio_margin(bucket(-delta), conditions(), grid(RATE_ONE // 100), (LP,)).maintenance
    assert with_basis - plain == pytest.approx(delta * MARK / 100, abs=2)


def test_without_liquidity_nothing_changes() -> None:
    assert portfolio_margin(bucket(10), conditions(), grid()) == portfolio_margin(bucket(10), conditions(), grid(), ())
    assert lp_value(LP, Price(MARK)) == int(worth(Decimal(MARK)))
