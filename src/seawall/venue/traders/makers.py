"""Simulated market makers: a ladder on each side of the index, leaning against what they hold.

An order stays until its price is off by half of its distance from the centre, so a calm market costs few rows. A ladder
that moves may take what rests in its way: that is how a limit order fills when the price comes to it.
"""

from typing import Final, NamedTuple

from seawall.lab.listing import Fields
from seawall.terms import command
from seawall.units import USD_ONE
from seawall.venue.records import Order
from seawall.venue.traders.scene import View

# of a ladder in the calmest market: distance from the centre in 1e-4, USD of the order
LADDER: Final = ((3.0, 4_000), (7.0, 8_000), (15.0, 16_000), (30.0, 32_000), (60.0, 64_000))
STEP_ASIDE: Final = 1.3  # each further maker stands so many times as far off
TOLERANCE: Final = 0.5  # of an order's distance
LEFT_MIN: Final = 0.5  # of its size: a more eaten one is placed anew
HELD_USD: Final = 250_000  # at which a maker of the calmest market only sells or only buys
LEAN: Final = 3.0  # 1e-4 of the price that the centre moves then, in the calmest market


class Moves(NamedTuple):
    """Rows that make way first, then those that step forward: nobody then meets his own order."""

    back: list[Fields]
    forward: list[Fields]


class Maker:
    """One of them; `rank` counts from 0."""

    def __init__(self, account: int, rank: int) -> None:
        self.account = account
        self.reach = STEP_ASIDE**rank

    def quote(self, view: View, orders: list[Order], lots: int) -> Moves:
        """What turns the orders that rest in a market into the ladder of this moment, `lots` being held."""
        moves = Moves([], [])
        lean = max(-1.0, min(1.0, lots * view.price * view.width / (HELD_USD * USD_ONE)))
        centre = view.price * (1.0 - lean * LEAN * view.width / 10_000)
        for is_sell in (False, True):
            mine = [order for order in orders if bool(order.flags & command.SELL) == is_sell]
            mine.sort(key=lambda order: order.price, reverse=not is_sell)
            is_full = lean <= -1.0 if is_sell else lean >= 1.0
            self._side(moves, view, mine, centre, is_sell=is_sell, levels=0 if is_full else len(LADDER))
        return moves

    def _side(self, moves: Moves, view: View, mine: list[Order], centre: float, *, is_sell: bool, levels: int) -> None:
        for order in mine[levels:]:
            moves.back.append(self._row(command.CANCEL, view, reference=order.engine))
        flags = command.SELL if is_sell else 0
        for place, (off, usd) in enumerate(LADDER[:levels]):
            distance = centre * off * view.width * self.reach / 10_000
            price = view.ask_at(centre + distance) if is_sell else view.bid_at(centre - distance)
            size = view.lots(usd / view.width)
            terms = {"price": price, "size": size, "flags": flags}
            if place >= len(mine):
                moves.forward.append(self._row(command.PLACE, view, **terms))
                continue
            order = mine[place]
            if abs(order.price - price) <= TOLERANCE * distance and order.left >= LEFT_MIN * size:
                continue
            makes_way = price > order.price if is_sell else price < order.price
            (moves.back if makes_way else moves.forward).append(
                self._row(command.MODIFY, view, reference=order.engine, **terms)
            )

    def _row(self, kind: int, view: View, **fields: int) -> Fields:
        return {"kind": kind, "account": self.account, "market": view.listing.number, **fields}
