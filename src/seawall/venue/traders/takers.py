"""Simulated takers: small orders at the market, now from one, now from another, that pull the book to the index."""

from typing import Final

import numpy as np

from seawall.lab.listing import Fields
from seawall.terms import command
from seawall.units import USD_ONE
from seawall.venue.traders.scene import View

EVERY_MS: Final = 10_000  # on average, for each of them
USD_MEDIAN: Final = 300.0
USD_SPREAD: Final = 1.0  # standard deviation of the logarithm
USD_MAX: Final = 5_000.0
SLIPPAGE: Final = 0.005  # the worst price, off the index
PULL: Final = 0.35  # of the chance to buy: how much a book that is off the index decides
PULL_WIDTH: Final = 0.0005  # ... at this distance in the calmest market
HELD_USD: Final = 5_000.0  # at which a taker trades the other way


def wants(rng: np.random.Generator, takers: int, elapsed_ms: int) -> list[int]:
    """Which takers trade in this time."""
    chosen = rng.random(takers) < elapsed_ms / EVERY_MS
    return np.flatnonzero(chosen).tolist()


def market_order(rng: np.random.Generator, account: int, view: View, lots: int) -> Fields:
    """An order at the market from somebody who holds `lots`."""
    off = (view.price - view.middle) / view.price / (PULL_WIDTH * view.width)
    held = lots * view.price / (HELD_USD * USD_ONE)
    chance = 0.5 + PULL * np.tanh(off) - 0.5 * np.clip(held, -1.0, 1.0)
    is_sell = bool(rng.random() >= chance)
    usd = min(USD_MAX, USD_MEDIAN * float(np.exp(USD_SPREAD * rng.standard_normal())))
    return at_market(account, view, is_sell=is_sell, size=view.lots(usd))


def at_market(
    account: int, view: View, *, is_sell: bool, size: int, flags: int = 0, slippage: float = SLIPPAGE
) -> Fields:
    """An order that takes what is there, not further than `slippage` from the index."""
    price = view.bid_at(view.price * (1 - slippage)) if is_sell else view.ask_at(view.price * (1 + slippage))
    return {
        "kind": command.PLACE,
        "account": account,
        "market": view.listing.number,
        "flags": command.IOC | flags | (command.SELL if is_sell else 0),
        "price": price,
        "size": size,
    }
