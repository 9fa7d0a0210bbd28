"""What the chain is told of the venue's prices: marks of its markets, the indices that price collateral, premiums."""

from collections.abc import Mapping, Sequence

from seawall.chain.deploy import ASSET_FEED, REDEMPTION_FEED
from seawall.units import floor_div
from seawall.venue.service import Service


def marks_of(service: Service, names: Sequence[str]) -> list[int]:
    """The venue's marks of markets by their names, micro-USD per lot; 0: none that is fresh."""
    columns, coins = service.columns, service.universe.by_coin
    found = []
    for name in names:
        listing = coins.get(name)
        fresh = listing is not None and bool(columns["market_fresh"][listing.number])
        found.append(int(columns["market_price"][listing.number]) if listing is not None and fresh else 0)
    return found


def reported(service: Service, names: Sequence[str], assets: Mapping[int, int]) -> dict[int, int]:
    """Prices by feed of the chain, those that are fresh, micro-USD per lot.

    Marks of its markets, and of each asset (the chain's number by the venue's) its index and its redemption value.
    """
    columns, found = service.columns, dict(enumerate(marks_of(service, names)))
    for asset, number in assets.items():
        priced = columns["asset_market"].item(asset), columns["asset_redeemed"].item(asset) - 1
        for feed, market in zip((ASSET_FEED, REDEMPTION_FEED), priced, strict=True):
            if market >= 0 and columns["market_fresh"][market]:
                found[feed + number] = int(columns["market_oracle"][market])
    return {feed: price for feed, price in found.items() if price}


def premiums_of(service: Service, names: Sequence[str]) -> dict[int, int]:
    """The mean premium of each market's interval so far, by its place among the names, 1e-12, rounded down."""
    columns, coins = service.columns, service.universe.by_coin
    found = {}
    for number, name in enumerate(names):
        listing = coins.get(name)
        if listing is not None:
            count = int(columns["market_premium_count"][listing.number])
            total = int(columns["market_premium_sum"][listing.number])
            found[number] = floor_div(total, count) if count else 0
    return found
