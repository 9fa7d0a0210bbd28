"""What simulated traders see: each open market's index and book, and their own orders and positions."""

from typing import Any, Final, NamedTuple

from seawall.book.grid import ASKS, BIDS, STEP
from seawall.ledger.state import VENUE_STATUS
from seawall.terms import command
from seawall.units import USD_ONE, ceil_div, floor_div
from seawall.venue.records import Order
from seawall.venue.service import Service
from seawall.venue.universe import Listing

FIGURES: Final = 5  # of a price above which the grid has gaps
CALM_LEVERAGE: Final = 40  # of a market whose spread is 1: others are the wider, the less leverage they allow
LEAST_USD: Final = 11  # of an order: clients expect at least 10 of each other


class View(NamedTuple):
    """A market that takes orders and has a price."""

    listing: Listing
    price: int  # the index, micro-USD per lot
    bid: int  # best of the book; 0: none
    ask: int
    leverage: int  # the greatest
    width: float  # its spread in that of the calmest market

    @property
    def middle(self) -> float:
        """Of the book, the index where a side is empty."""
        return (self.bid + self.ask) / 2 if self.bid and self.ask else float(self.price)

    def lots(self, usd: float) -> int:
        """Lots worth `usd`, and at least LEAST_USD, at the index."""
        return max(ceil_div(LEAST_USD * USD_ONE, self.price), floor_div(int(usd * USD_ONE), self.price))

    def bid_at(self, price: float) -> int:
        """The greatest price of the grid at most `price`, at least one step."""
        unit = grid_unit(int(price), self.listing)
        return max(unit, floor_div(int(price), unit) * unit)

    def ask_at(self, price: float) -> int:
        """The least price of the grid at least `price`, within what the market can represent."""
        unit = grid_unit(int(price), self.listing)
        most = floor_div(self.listing.price_max, unit) * unit
        return min(most, ceil_div(int(price) + 1, unit) * unit)


def grid_unit(price: int, listing: Listing) -> int:
    """The step of the grid around a price: five significant figures, or whole USD (book/grid.py)."""
    most = max(0, listing.price_decimals)
    return int(10 ** min(max(len(str(price)) - FIGURES, 0), most))


def views_of(service: Service) -> list[View]:
    """Every market that is open to all orders and fresh, by number."""
    columns = service.columns
    found: list[View] = []
    if columns["cell"][VENUE_STATUS] != command.ACTIVE:
        return found
    for listing in service.universe.listings:
        market = listing.number
        if columns["market_status"][market] != command.ACTIVE or not columns["market_fresh"][market]:
            continue
        leverage = int(columns["base_leverage"][market, 0])
        found.append(
            View(
                listing=listing,
                price=int(columns["market_oracle"][market]),
                bid=best_price(columns, market, BIDS),
                ask=best_price(columns, market, ASKS),
                leverage=leverage,
                width=CALM_LEVERAGE / min(leverage, CALM_LEVERAGE),
            )
        )
    return found


def best_price(columns: Any, market: int, side: int) -> int:
    """The best price of BIDS or ASKS; 0 when the side is empty. The rule of book/grid.py `price_of`."""
    level = int(columns["book_best"][4 * market + side])
    if level == 0:
        return 0
    ordinal = int(columns["level_ordinal"][level])
    exponent = min(floor_div(max(ordinal - 10_000, 0), STEP), int(columns["market_exponent_max"][market]))
    return int((ordinal - STEP * exponent) * 10**exponent)


def resting(service: Service, account: int) -> dict[int, list[Order]]:
    """An account's resting orders by market, oldest first."""
    found: dict[int, list[Order]] = {}
    for order in service.mirror.orders.of_account(account):
        if order.engine:
            found.setdefault(order.market, []).append(order)
    return found


def held(service: Service, account: int, listing: Listing) -> tuple[int, int]:
    """Signed lots and entry notional in the account's cross bucket."""
    return service.mirror.holdings.held(account, listing.number)


def equity_of(service: Service, account: int) -> int:
    """Equity of a cross bucket at the last index of each market, funding that waits to be settled apart."""
    prices = service.columns["market_oracle"]
    lots = [(held(service, account, listing)[0], int(prices[listing.number])) for listing in service.universe.listings]
    return int(service.columns["bucket_raw"][account]) + sum(size * price for size, price in lots)
