"""Portfolio margin of a basis trade: one BTC held as collateral against one BTC sold as a perp.

Tiers see a naked short. The scenario grid sees that both legs are the same asset, charges the basis between them and a
floor, and takes the relief back when the hedge is in another market and correlation breaks.
"""

from seawall import (
    FactorShock,
    MarketRisk,
    ScenarioGrid,
    asset_of,
    bucket_of,
    check_grid,
    conditions_of,
    health,
    holding_of,
    mark_of,
    market_of,
    portfolio_margin,
    position_of,
)
from seawall.units import RATE_ONE, Rate, Side, rate, usd


def up(text: str) -> Rate:
    return rate(text, Side.UP)


def risk(own: str) -> MarketRisk:
    """One market's row of the grid."""
    return MarketRisk(
        beta=Rate(RATE_ONE),
        own=up(own),
        basis=up("0.02"),
        floor=up("0.005"),
        concentration_start=usd("20000000"),
        concentration=up("0.01"),
    )


btc = market_of("BTC", size_decimals=5, tiers=[("0", 40)], price_now="50000")
eth = market_of("ETH", size_decimals=4, tiers=[("0", 25)], price_now="2500")
held = asset_of(
    "BTC", size_decimals=5, oracle="50000", weight_initial="0.9", weight_maintenance="0.95", underlying="BTC"
)
conditions = conditions_of([btc, eth], {"BTC": mark_of(btc, "50000"), "ETH": mark_of(eth, "2500")}, assets=[held])
grid = check_grid(
    ScenarioGrid(
        version="example-1",
        factor_shocks=(
            FactorShock(up("0.12"), up("0.8")),
            FactorShock(Rate(-up("0.12")), up("0.8")),
            FactorShock(up("0.06"), Rate(0)),  # correlation broken: no leg helps another
            FactorShock(Rate(-up("0.06")), Rate(0)),
        ),
        own_shares=(up("0.5"), up("1")),
        risks={"BTC": risk("0.15"), "ETH": risk("0.18")},
        portfolio_factor=up("1.1"),
    )
)

short = position_of(btc, "-1", "50000", leverage=5)
hedged = bucket_of(conditions, cash="0", positions=[short], collateral=[holding_of(held, "1")])
naked = bucket_of(conditions, cash="47500", positions=[short])
cross = bucket_of(conditions, cash="47500", positions=[short, position_of(eth, "20", "2500", leverage=5)])

for name, bucket in (("BTC held, BTC sold", hedged), ("BTC sold alone", naked), ("ETH bought, BTC sold", cross)):
    tiered, portfolio = health(bucket, conditions), portfolio_margin(bucket, conditions, grid)
    row = portfolio.worst.scenario
    print(
        f"{name:22} initial: tiers {tiered.initial / 1e6:9,.0f}, portfolio {portfolio.initial / 1e6:9,.0f}"
        f"   worst: {row.kind.value} {row.move / RATE_ONE:+.0%} at credit {row.credit / RATE_ONE:.0%}"
    )
