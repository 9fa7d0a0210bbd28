"""An account's figures, by bucket and position, and a market's: what views, and whoever else shows them, make of them.

Integers as the engine measures them (views/gather.py). A liquidation price is an exact ratio: the closed form of
margin/liquidation_price.py on the tier that holds the solution.
"""

from typing import Any, Final

import msgspec
import numpy as np

from seawall.ledger import state
from seawall.ledger.isolated import LEVERAGE_DEFAULT
from seawall.terms.limits import SPLIT_BITS
from seawall.units import RATE_ONE
from seawall.venue.views import gather

NOBODY: Final = -1
LEVELS: Final = 20  # of a side of a book that are shown


class PositionFigures(msgspec.Struct, frozen=True, gc=False):
    """One position. Micro-USD, lots, micro-USD per lot."""

    market: int
    size: int  # signed
    entry: int  # signed entry notional
    leverage: int
    funding: int  # earned and not settled; negative: owed
    mark: int
    initial: int  # of this position alone
    most_leverage: int  # of the market
    tier_rate: int  # of the tier in which the liquidation price lies
    tier_high: int  # its deduction: high x 2^20 + low, in micro-USD x RATE_ONE
    tier_low: int
    others_high: int  # maintenance of the bucket's other positions, likewise
    others_low: int
    scenario_price: int  # in portfolio margin the mark next to liquidation; 0: none in reach

    @property
    def value(self) -> int:
        """Signed notional at the mark."""
        return self.size * self.mark

    @property
    def unrealised(self) -> int:
        """Unrealised pnl, funding apart."""
        return self.size * self.mark - self.entry

    def liquidation(self, equity: int) -> tuple[int, int] | None:
        """The mark at which its bucket, with this equity now, has no buffer left, all else fixed: an exact ratio in
        micro-USD per lot. None when no positive mark liquidates it, or every one does."""
        deduction = (self.tier_high << SPLIT_BITS) + self.tier_low
        others = (self.others_high << SPLIT_BITS) + self.others_low
        spare = (equity - self.size * self.mark) * RATE_ONE + deduction - others
        if self.size > 0:
            return None if spare >= 0 else (-spare, self.size * (RATE_ONE - self.tier_rate))
        return None if spare <= 0 else (spare, -self.size * (RATE_ONE + self.tier_rate))


class BucketFigures(msgspec.Struct, gc=False):
    """One bucket with its positions in the order of markets. All in micro-USD: ledger/health.py says what each is."""

    bucket: int
    market: int  # of an isolated bucket or a pool; -1: cross
    count: int
    equity: int
    equity_initial: int
    maintenance: int
    initial: int
    reserved: int
    notional: int
    profit: int
    raw: int  # cash less entry notionals, unsettled funding included
    leaving: int  # that may leave it now
    is_liquidated: bool
    is_portfolio: bool = False
    positions: list[PositionFigures] = []

    @property
    def apart(self) -> int:
        """Equity apart from the value of positions: `raw`, and what collateral counts for in maintenance."""
        return self.equity - sum([position.value for position in self.positions])

    @property
    def free(self) -> int:
        """What new risk may use; negative when initial margin is short."""
        return self.equity_initial - self.initial


class Quote(msgspec.Struct, frozen=True, gc=False):
    """One market. Micro-USD per lot, lots, rates in 1e-12."""

    status: int
    mark: int
    oracle: int
    last: int  # price of the last trade; 0: none yet
    open: int  # open interest
    bid: int  # best resting prices; 0: none
    ask: int
    impact_bid: int  # 0: too thin
    impact_ask: int
    premium: int
    rate: int  # hourly, of this interval if it ended now
    is_fresh: int  # whether it has an index to measure premiums by


class Setting(msgspec.Struct, frozen=True, gc=False):
    """What an account may do in one market now."""

    leverage: int
    is_isolated: int
    raw: int  # of its isolated bucket, unsettled funding included
    mark: int
    cap: int  # the leverage in force for new risk
    buy: int  # greatest orders, lots
    sell: int


class Reader:
    """Reads the record of one venue: the arrays that its kernels fill, made once."""

    def __init__(self, array: Any) -> None:
        self.states = state.for_kernels(array)
        self._columns = state.columns_of(array)
        self._heads = np.zeros((gather.HEADS, gather.HEAD), np.int64)
        self._rows = np.zeros((gather.ROWS, gather.ROW), np.int64)
        self._quotes = np.zeros((len(self._columns["market_price"]), gather.QUOTE), np.int64)
        self._setting = np.zeros((1, gather.SETTING), np.int64)
        self._levels = np.zeros((LEVELS, gather.LEVEL), np.int64)
        self._pool = np.zeros((1, gather.POOL), np.int64)

    def warm(self) -> None:
        """Compiles, or loads, every kernel for this record's shape: nobody's question waits for that."""
        self.buckets(0)
        self.quote(0)
        self.setting(0, 0)
        self.book(0, 5, 1)
        self.pool(0, 0)

    def account(self, account: int) -> list[BucketFigures]:
        """All buckets of an account, the cross one first, isolated ones in the order of markets. NOBODY has nothing."""
        if account == NOBODY:
            return [BucketFigures(NOBODY, NOBODY, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, False)]
        return self.buckets(account)

    def buckets(self, first: int) -> list[BucketFigures]:
        """A bucket, a pool for instance; of a cross bucket also the isolated ones of its account."""
        count = gather.read_buckets(self.states, first, self._heads, self._rows)
        found, place = [], 0
        for head in self._heads[:count].tolist():
            made = BucketFigures(*head)
            end = place + made.count
            positions = [PositionFigures(*row) for row in self._rows[place:end].tolist()]
            if len(positions) > 1:
                positions.sort(key=_market_of)
            made.positions, place = positions, end
            found.append(made)
        found.sort(key=_market_of)  # cross has -1
        return found

    def quotes(self) -> list[Quote]:
        """Every market number that was ever listed."""
        count = int(self._columns["cell"][state.MARKETS])
        gather.read_markets(self.states, 0, count - 1, self._quotes)
        return [Quote(*row) for row in self._quotes[:count].tolist()]

    def quote(self, market: int) -> Quote:
        """One market."""
        gather.read_markets(self.states, market, market, self._quotes)
        return Quote(*self._quotes[0].tolist())

    def setting(self, account: int, market: int) -> Setting:
        """What an account may do in a market; NOBODY as one that has nothing and has set nothing."""
        if account == NOBODY:
            mark, most = int(self._columns["market_price"][market]), int(self._columns["base_leverage"][market, 0])
            leverage = max(1, min(LEVERAGE_DEFAULT, most))
            return Setting(leverage, 0, 0, mark, leverage, 0, 0)
        gather.read_setting(self.states, account, market, self._setting)
        return Setting(*self._setting[0].tolist())

    def book(self, row: int, figures: int, mantissa: int) -> list[list[int]]:
        """[price, lots, orders] of the best levels of one side of a book: gather.read_book."""
        count = gather.read_book(self.states, row, figures, mantissa, self._levels)
        levels: list[list[int]] = self._levels[:count].tolist()
        return levels

    def pool(self, market: int, which: int) -> tuple[int, int, int]:
        """(worth for who leaves, worth for who joins, shares) of a pool."""
        gather.read_pool(self.states, market, which, self._pool)
        leaves, joins, shares = self._pool[0].tolist()
        return leaves, joins, shares


def _market_of(figures: BucketFigures | PositionFigures) -> int:
    return figures.market
