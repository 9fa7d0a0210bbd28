"""Seawall: exact margin, health and liquidation prices for perpetual futures.

Build terms from decimal text (`market_of`, `mark_of`, `position_of`, `bucket_of`), ask `health`, `liquidation_prices`,
`surface` or `portfolio_margin`, and get exact integers and fractions back. Whole venues at once are in
`seawall.margin.bulk` (re-margin), `.sweep` (scenarios) and `.triggers` (which bucket a tick may liquidate); they load
NumPy and numba, so they are imported by name. Other venues' rules are in `seawall.presets`.
"""

from seawall.margin.greeks import Greek, Greeks, greeks
from seawall.margin.health import Health, Level, accepts, health, withdrawable
from seawall.margin.liquidation_price import LiquidationPoint, LiquidationPrices, liquidation_prices, solve_linear
from seawall.margin.portfolio_price import PortfolioPrices, portfolio_liquidation_prices
from seawall.margin.scenario import PortfolioMargin, portfolio_health, portfolio_margin
from seawall.margin.surface import SurfacePoint, standard_directions, surface
from seawall.margin.trade import settled, traded
from seawall.terms.asset import Asset, Holding
from seawall.terms.bucket import Bucket, BucketKind, LpHolding, Position
from seawall.terms.build import asset_of, bucket_of, conditions_of, holding_of, mark_of, market_of, position_of
from seawall.terms.conditions import Conditions, MarginPolicy, check_bucket
from seawall.terms.grid import FactorShock, MarketRisk, ScenarioGrid, check_grid
from seawall.terms.market import Mark, Market, Tier
from seawall.units import BadInput, Side

__version__ = "0.1.0"

__all__ = [
    "Asset",
    "BadInput",
    "Bucket",
    "BucketKind",
    "Conditions",
    "FactorShock",
    "Greek",
    "Greeks",
    "Health",
    "Holding",
    "Level",
    "LiquidationPoint",
    "LiquidationPrices",
    "LpHolding",
    "MarginPolicy",
    "Mark",
    "Market",
    "MarketRisk",
    "PortfolioMargin",
    "PortfolioPrices",
    "Position",
    "ScenarioGrid",
    "Side",
    "SurfacePoint",
    "Tier",
    "__version__",
    "accepts",
    "asset_of",
    "bucket_of",
    "check_bucket",
    "check_grid",
    "conditions_of",
    "greeks",
    "health",
    "holding_of",
    "liquidation_prices",
    "mark_of",
    "market_of",
    "portfolio_health",
    "portfolio_liquidation_prices",
    "portfolio_margin",
    "position_of",
    "settled",
    "solve_linear",
    "standard_directions",
    "surface",
    "traded",
    "withdrawable",
]
