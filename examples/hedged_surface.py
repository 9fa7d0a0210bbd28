"""How far must markets move, together or apart, to liquidate a hedged book? One price a position cannot answer that."""

from seawall import (
    bucket_of,
    conditions_of,
    health,
    liquidation_prices,
    mark_of,
    market_of,
    position_of,
    standard_directions,
    surface,
)
from seawall.units import RATE_ONE, Rate, price_fraction

btc = market_of("BTC", size_decimals=5, tiers=[("0", 40), ("150000000", 20)], price_now="60000")
eth = market_of("ETH", size_decimals=4, tiers=[("0", 25), ("100000000", 15)], price_now="3000")
conditions = conditions_of([btc, eth], {"BTC": mark_of(btc, "60000"), "ETH": mark_of(eth, "3000")})

book = bucket_of(
    conditions,
    cash="60000",
    positions=[
        position_of(btc, "10", "60000", leverage=20),  # long 600,000 USD of BTC ...
        position_of(eth, "-190", "3000", leverage=20),  # ... against 570,000 USD of ETH
    ],
)
state = health(book, conditions)
print(f"equity {state.equity / 1e6:,.2f}  maintenance {state.maintenance / 1e6:,.2f}  free {state.free / 1e6:,.2f}")

for market in (btc, eth):
    found = liquidation_prices(book, conditions, market.name)
    point = found.below or found.above
    assert point is not None
    print(f"{market.name} alone liquidates at {float(price_fraction(point.exact, market.size_decimals)):,.2f}")

directions = standard_directions(book, conditions)
directions["decoupling"] = {"BTC": Rate(-RATE_ONE // 2), "ETH": Rate(RATE_ONE // 2)}
for name, reached in surface(book, conditions, directions).items():
    print(f"{name:12} {'never' if reached is None else f'{float(reached.scale):8.2%} of the direction'}")
