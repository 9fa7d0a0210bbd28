"""Health and liquidation prices of a Hyperliquid account, from the JSON that its API gives."""

import sys
from pathlib import Path

from seawall import health, liquidation_prices, withdrawable
from seawall.tools.account_file import load

ACCOUNTS = Path(__file__).parent / "accounts"
path = sys.argv[1] if len(sys.argv) > 1 else str(ACCOUNTS / "cross_hedged.json")
account = load(path, meta_path=str(ACCOUNTS / "meta.json"))

for named in account.buckets:
    state = health(named.bucket, account.conditions)
    print(
        f"{named.name}: {state.level.value}, equity {state.equity / 1e6:,.2f} against maintenance "
        f"{state.maintenance / 1e6:,.2f}; withdrawable {withdrawable(state, account.policy) / 1e6:,.2f} USD"
    )
    for position in named.bucket.positions:
        place = account.place(position.market)
        found = liquidation_prices(named.bucket, account.conditions, position.market)
        point = found.below if position.size > 0 else found.above
        price = "never" if point is None else f"at {float(place.scale.price_usd(point.exact)):,.4f}"
        print(f"  {position.market} marked {float(place.mark_usd):,.4f} is liquidated {price}")
