"""Simulated trend followers: each in one market, with much leverage and little patience for a loss, or none at all.

They buy what has risen and sell what has fallen; every second four of them bet on a turn instead, so that whichever way
prices go somebody is wrong. Half of them close when the trend goes against them; the others hold on, take their profit
or are liquidated. Whoever has lost his stake comes back with another after a while.
"""

from typing import Final

from seawall.lab.listing import Fields
from seawall.terms import command
from seawall.units import USD_ONE, floor_div
from seawall.venue.traders.scene import View
from seawall.venue.traders.takers import at_market

FAST_MS: Final = 20_000
SLOW_MS: Final = 120_000
ENTRY: Final = 0.0002  # of the price between the fast and the slow average, in the calmest market
STAKES_USD: Final = (200, 300, 400, 500)  # little enough for the books of simulated makers
LEAST_STAKE: Final = 0.2  # of a stake: with less a follower waits for the next one
USED: Final = 0.92  # of what the margin allows, on entry: the rest pays the fee and the spread
ENTRY_SLIPPAGE: Final = 0.0008  # in the calmest market: margin is asked for the worst price
PROFIT: Final = 0.5  # of the margin: then it is taken
RETURN_MS: Final = 60_000


class Trend:
    """Two averages of a market's price."""

    def __init__(self) -> None:
        self.fast = self.slow = 0.0

    def see(self, price: int, elapsed_ms: int) -> None:
        """The price that held for a time."""
        if self.slow == 0.0:
            self.fast = self.slow = float(price)
        self.fast += (price - self.fast) * elapsed_ms / (FAST_MS + elapsed_ms)
        self.slow += (price - self.slow) * elapsed_ms / (SLOW_MS + elapsed_ms)

    @property
    def strength(self) -> float:
        """How far the fast average is above the slow one, as a share."""
        return (self.fast - self.slow) / self.slow if self.slow else 0.0


class Follower:
    """One of them; `rank` counts from 0 and decides its market, its leverage and its patience."""

    def __init__(self, account: int, rank: int) -> None:
        self.account = account
        self.stake = STAKES_USD[rank % len(STAKES_USD)] * USD_ONE
        self.is_stubborn = rank % 2 == 0
        self.is_bold = rank % 4 < 3  # takes all the leverage there is, else half
        self.side = 1 if rank % 8 < 4 else -1  # with the trend, or against it
        self.back_at = 0  # when it may come back with another stake

    def orders(self, view: View, trend: Trend, lots: int, entry: int, cash: int) -> list[Fields]:
        """What it does now, holding `lots` for a signed `entry` notional, with `cash` micro-USD of equity."""
        strength = trend.strength * self.side
        turned = strength * (1 if lots > 0 else -1) < -ENTRY * view.width
        if lots == 0:
            return self._entry(view, strength, cash)
        profit = lots * view.price - entry
        margin = abs(entry) / view.leverage
        if profit > PROFIT * margin or (turned and not self.is_stubborn):
            close = at_market(self.account, view, is_sell=lots > 0, size=abs(lots), flags=command.REDUCE_ONLY)
            return [close]
        return []

    def is_broke(self, cash: int) -> bool:
        """Whether it has too little to trade with, holding nothing."""
        return cash < LEAST_STAKE * self.stake

    def _entry(self, view: View, strength: float, cash: int) -> list[Fields]:
        if abs(strength) < ENTRY * view.width or self.is_broke(cash):
            return []
        leverage = view.leverage if self.is_bold else max(1, floor_div(view.leverage, 2))
        here = {"account": self.account, "market": view.listing.number}
        size = floor_div(int(cash * leverage * USED), view.price)
        setting = {"kind": command.SET_LEVERAGE, **here, "size": leverage}
        slippage = ENTRY_SLIPPAGE * view.width
        order = at_market(self.account, view, is_sell=strength < 0, size=size, slippage=slippage)
        return [setting, order] if size else []
