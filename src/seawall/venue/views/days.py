"""What each market traded in the last 24 hours, by minute: volume, value and the price it had a day ago."""

from collections import deque
from typing import TYPE_CHECKING, Final

from seawall.venue.records import Fill

if TYPE_CHECKING:
    from seawall.venue.history.store import History

MINUTE_MS: Final = 60_000
DAY_MS: Final = 24 * 60 * MINUTE_MS
TRADES: Final = ("", "market")  # methods of fills that are trades on the book
FILLS_MAX: Final = 100_000  # of the minute in which a process began

START, CLOSE, LOTS, VALUE = range(4)


def is_trade(fill: Fill) -> bool:
    """Whether a fill is the taker's side of a trade on the book."""
    return fill.is_taker and fill.method in TRADES


class Days:
    """Minutes with trades of every market, oldest first. Prices in micro-USD per lot, value in micro-USD."""

    def __init__(self) -> None:
        self._minutes: dict[int, deque[list[int]]] = {}
        self._totals: dict[int, list[int]] = {}  # lots, value
        self._before: dict[int, int] = {}  # last price before the minutes that are kept

    def add(self, market: int, time: int, price: int, lots: int, value: int) -> None:
        """A trade; also all trades of a minute, with its closing price."""
        minutes = self._minutes.setdefault(market, deque())
        start = time - time % MINUTE_MS
        if minutes and minutes[-1][START] == start:
            last = minutes[-1]
            last[CLOSE] = price
            last[LOTS] += lots
            last[VALUE] += value
        else:
            minutes.append([start, price, lots, value])
        totals = self._totals.setdefault(market, [0, 0])
        totals[0] += lots
        totals[1] += value

    def put_before(self, market: int, minutes: list[list[int]], price: int) -> None:
        """Minutes that came before all that is kept, and the last price before those (0: not known)."""
        kept = self._minutes.setdefault(market, deque())
        totals = self._totals.setdefault(market, [0, 0])
        for minute in reversed(minutes):
            totals[0] += minute[LOTS]
            totals[1] += minute[VALUE]
            if kept and kept[0][START] == minute[START]:
                kept[0][LOTS] += minute[LOTS]
                kept[0][VALUE] += minute[VALUE]
            else:
                kept.appendleft(minute)
        if price:
            self._before[market] = price

    def day(self, market: int, now: int) -> tuple[int, int, int]:
        """(lots, value, price a day ago; 0 when the market had none) of the 24 hours up to now, to the minute."""
        minutes, totals = self._minutes.get(market), self._totals.get(market)
        if minutes is None or totals is None:
            return 0, 0, self._before.get(market, 0)
        while minutes and minutes[0][START] + MINUTE_MS <= now - DAY_MS:
            old = minutes.popleft()
            self._before[market] = old[CLOSE]
            totals[0] -= old[LOTS]
            totals[1] -= old[VALUE]
        before = self._before.get(market, 0)
        return totals[0], totals[1], before or (minutes[0][CLOSE] if minutes else 0)

    def forget(self, market: int) -> None:
        """The number is another market's from here on."""
        for kept in (self._minutes, self._totals, self._before):
            kept.pop(market, None)


async def load_days(days: Days, history: "History", market: int, minute: int, time: int, sequence: int) -> None:
    """Puts what a market traded in the day up to command `sequence` at `time`; in the present `minute` by its fills."""
    start = minute - DAY_MS - MINUTE_MS
    candles = await history.candles(market, "1m", start, minute - 1, DAY_MS // MINUTE_MS + 1)
    fills = await history.market_fills(market, minute, time, FILLS_MAX)
    price = candles[0].close if candles else 0
    minutes = [[candle.start, candle.close, candle.volume, candle.value] for candle in candles if candle.trades]
    present = [fill for fill in fills if fill.sequence <= sequence and is_trade(fill)]  # newest first
    if present:
        lots = sum(abs(fill.lots) for fill in present)
        value = sum(abs(fill.lots) * fill.price for fill in present)
        minutes.append([minute, present[0].price, lots, value])
    days.put_before(market, minutes, price)
