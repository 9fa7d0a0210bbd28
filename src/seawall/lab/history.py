"""Market history on one time grid: what the replay reads, whether it came from files or from the generator.

Floats are fine here: nothing in `lab/` decides money before it was turned into integers.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from seawall.units import BadInput

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[Any]  # int64
Array = npt.NDArray[Any]

CELLS_MAX: Final = 10_000_000  # bars x markets of one replay: about 300 bytes each under two rule sets
START_SHARE: Final = 0.05  # of the bars: a market that begins later has listed during the event
PRICES = ("open", "high", "low", "close", "index", "index_low", "index_high")


@dataclass(frozen=True, eq=False, kw_only=True)
class History:
    """T bars of S markets. A cell that is not `live` holds NaN prices, zero volume and depth: a gap, never a guess."""

    name: str
    symbols: tuple[str, ...]  # underlyings: BTC, ETH, ...
    interval_ms: int
    times_ms: Times  # [T] bar open, equally spaced
    open: Floats  # [T, S] traded price of the perp, USD per unit
    high: Floats
    low: Floats
    close: Floats
    index: Floats  # [T, S] spot reference at the bar's close; `close` where there is no independent source
    index_low: Floats
    index_high: Floats
    has_index: Flags  # [S]
    volume_usd: Floats  # [T, S]
    depth_usd: Floats  # [T, S] resting within 1 % of mid, on one side, at the bar's open
    funding_hour: Floats | None  # [T, S] rate per hour (0.0001 = 1 bp) in force during the bar
    live: Flags  # [T, S]
    notes: tuple[str, ...] = field(default=())

    @property
    def bars(self) -> int:
        return len(self.times_ms)

    @property
    def markets(self) -> int:
        return len(self.symbols)

    @property
    def begins_in_time(self) -> Flags:
        """[S] markets that trade from the start, or nearly: in the first bars, at least two and at most START_SHARE."""
        known = 1 + max(1, int(START_SHARE * self.bars))
        begins: Flags = np.asarray(self.live[:known].any(axis=0))
        return begins

    def window(self, first: int, last: int) -> "History":
        """Bars [first, last) of the same markets, as views."""
        cut = {name: getattr(self, name)[first:last] for name in (*PRICES, "volume_usd", "depth_usd", "live")}
        funding = None if self.funding_hour is None else self.funding_hour[first:last]
        return replace(self, times_ms=self.times_ms[first:last], funding_hour=funding, **cut)

    def only(self, symbols: tuple[str, ...]) -> "History":
        """The same bars of some markets, in the order asked. BadInput for a symbol that is absent."""
        symbols = tuple(dict.fromkeys(symbols))
        missing = [symbol for symbol in symbols if symbol not in self.symbols]
        if missing:
            raise BadInput("symbols", f"{', '.join(missing)} not in {self.name}: it has {', '.join(self.symbols)}")
        keep = [self.symbols.index(symbol) for symbol in symbols]
        cut = {name: getattr(self, name)[:, keep] for name in (*PRICES, "volume_usd", "depth_usd", "live")}
        funding = None if self.funding_hour is None else self.funding_hour[:, keep]
        return replace(self, symbols=symbols, has_index=self.has_index[keep], funding_hour=funding, **cut)


def check_history(history: History) -> History:
    """`history` itself when every promise of the class holds; BadInput naming the first field and cell at fault."""
    _check_grid(history)
    shape = (history.bars, history.markets)
    matrices = [*PRICES, "volume_usd", "depth_usd", "live"]
    if history.funding_hour is not None:
        matrices.append("funding_hour")
    for name in matrices:
        if getattr(history, name).shape != shape:
            raise BadInput(name, f"shape {getattr(history, name).shape}, expected {shape}", history.name)
    live = history.live
    for name in PRICES:
        values = getattr(history, name)
        _require(history, name, ~live | (np.isfinite(values) & (values > 0)), "not a positive price")
    for name in ("volume_usd", "depth_usd"):
        values = getattr(history, name)
        _require(history, name, np.isfinite(values) & (values >= 0), "negative or not a number")
    if history.funding_hour is not None:
        _require(history, "funding_hour", ~live | np.isfinite(history.funding_hour), "not a number")
    top = np.maximum(history.open, history.close)
    bottom = np.minimum(history.open, history.close)
    _require(history, "high", ~live | (history.high >= top), "below open or close")
    _require(history, "low", ~live | (history.low <= bottom), "above open or close")
    _require(history, "index_low", ~live | (history.index_low <= history.index), "above index")
    _require(history, "index_high", ~live | (history.index_high >= history.index), "below index")
    return history


def _check_grid(history: History) -> None:
    if not history.symbols or len(set(history.symbols)) != len(history.symbols):
        raise BadInput("symbols", "empty or repeated", history.name)
    if history.bars < 2:
        raise BadInput("times_ms", f"{history.bars} bars, expected at least 2", history.name)
    if history.interval_ms <= 0 or not bool(np.all(np.diff(history.times_ms) == history.interval_ms)):
        raise BadInput("times_ms", "bars are not equally spaced by interval_ms", history.name)
    if history.has_index.shape != (history.markets,):
        raise BadInput("has_index", f"shape {history.has_index.shape}, expected ({history.markets},)", history.name)


def _require(history: History, name: str, good: Flags, why: str) -> None:
    if bool(good.all()):
        return
    row, column = np.unravel_index(int(np.argmin(good)), good.shape)
    value = getattr(history, name)[row, column]
    where = f"{history.symbols[column]} at {history.times_ms[row]}"
    raise BadInput(name, f"{value} for {where}: {why}", history.name)
