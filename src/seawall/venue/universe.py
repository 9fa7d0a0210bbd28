"""The markets as the wire knows them: names, decimals, tiers. All of it follows from the log."""

from typing import Any

import msgspec

from seawall.ledger import state
from seawall.terms import command
from seawall.terms.limits import NOTIONAL_MAX
from seawall.units import USD_ONE, BadInput, ceil_div
from seawall.venue.decimals import USD_DECIMALS, price_text, text_of, units_of


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One market. Its number is its asset index on the wire."""

    number: int
    coin: str
    size_decimals: int
    price_max: int  # micro-USD per lot

    @property
    def price_decimals(self) -> int:
        return USD_DECIMALS - self.size_decimals

    @property
    def size_max(self) -> int:
        """The greatest position in lots."""
        return NOTIONAL_MAX // self.price_max

    def price(self, text: object, field: str) -> int:
        """Micro-USD per lot of USD per unit. BadInput when it is negative or has too many decimals."""
        return _not_negative(units_of(text, self.price_decimals, field), field)

    def size(self, text: object, field: str) -> int:
        """Lots of units of the base asset. BadInput when it is negative or has too many decimals."""
        return _not_negative(units_of(text, self.size_decimals, field), field)

    def price_text(self, price: int) -> str:
        return price_text(price, self.size_decimals)

    def size_text(self, lots: int) -> str:
        return text_of(lots, self.size_decimals)

    def average_text(self, cost: int, lots: int) -> str:
        """cost / lots of a position or an order as a price, with one decimal more than prices have, half up."""
        if lots == 0:
            return "0.0"
        tenths = (20 * abs(cost) + abs(lots)) // (2 * abs(lots))
        return text_of(tenths, self.price_decimals + 1)


def _not_negative(value: int, field: str) -> int:
    if value < 0:
        raise BadInput(field, "negative")
    return value


class Universe:
    """All listings by number and by name. Listings are never taken out: a delisted market keeps its number."""

    def __init__(self) -> None:
        self.listings: list[Listing] = []
        self.by_coin: dict[str, Listing] = {}

    def add(self, listing: Listing) -> None:
        """Adds the next market, or the same number anew after a delisting."""
        if listing.number < len(self.listings):
            del self.by_coin[self.listings[listing.number].coin]
            self.listings[listing.number] = listing
        else:
            assert listing.number == len(self.listings)
            self.listings.append(listing)
        self.by_coin[listing.coin] = listing

    def coin(self, name: object, field: str = "coin") -> Listing:
        """BadInput for a name that no market has."""
        found = self.by_coin.get(name) if isinstance(name, str) else None
        if found is None:
            raise BadInput(field, f"unknown coin {str(name)[:32]!r}")
        return found

    def asset(self, index: object, field: str = "asset") -> Listing:
        """BadInput for a number that no market has."""
        if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(self.listings):
            return self.listings[index]
        raise BadInput(field, f"unknown asset {str(index)[:32]}")

    def is_open(self, columns: Any, listing: Listing) -> bool:
        """Whether the market takes any orders, if only reducing ones."""
        return bool(command.ACTIVE <= columns["market_status"][listing.number] < command.CLOSED)

    def max_leverage(self, columns: Any, listing: Listing) -> int:
        """The greatest leverage of the first static tier."""
        return int(columns["base_leverage"][listing.number, 0])


def tiers_of(columns: Any, market: int) -> list[tuple[int, int, int]]:
    """Static tiers of a market: (lower notional in micro-USD, greatest leverage, maintenance rate)."""
    row = 2 * market
    count = int(columns["tier_count"][row])
    return [
        (
            int(columns["tier_lower"][row, tier]),
            int(columns["base_leverage"][market, tier]),
            int(columns["base_rate"][market, tier]),
        )
        for tier in range(count)
    ]


def markets_listed(columns: Any) -> int:
    """How many market numbers are in use."""
    return int(columns["cell"][state.MARKETS])


def least_order_lots(price: int, least_usd: int) -> int:
    """Lots that are worth at least `least_usd` whole USD at a price."""
    return ceil_div(least_usd * USD_ONE, price)
