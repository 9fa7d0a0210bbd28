"""What a folder of market history holds: series of candles, funding and depth, of which kind, of which market."""

import json
import re
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from seawall.lab.history import Floats, Times
from seawall.lab.names import underlying
from seawall.lab.tables import OHLC, SUFFIXES, Table, read_table, times_of
from seawall.units import BadInput

JUMP_MAX: Final = 50.0  # a close or a high this many times the price before it is a mistake, not a market
WICK_MAX: Final = 1e6  # lows reach further: LINK traded 30,000 times below its open on 2020-03-12
VOLUME_MAX: Final = 1e15  # USD a bar
FILES_MAX: Final = 2_000
UNNAMED: Final = ("", "None", "nan")
SPOT_VENUES: Final = frozenset(
    {"coinbase", "gemini", "kraken", "bitstamp", "upbit", "bithumb", "bitfinex", "binance", "binanceus", "okcoin"}
)
DERIVATIVE: Final = re.compile(
    r"perp|swap|linear|inverse|delivery|futures|usdm|coinm|hyperliquid|dydx|deribit|bitmex|(^|[_-])(um|cm|pf|pi)([_-]|$)"
)
INVERSE: Final = re.compile(r"delivery|coinm|inverse|(^|[_-])cm([_-]|$)")
NOT_A_SYMBOL: Final = re.compile(
    r"\d+|\d+(ms|s|m|min|h|d)|binance|bybit|okx|hyperliquid|dydx|deribit|bitmex|kucoin|gate|mexc|htx|huobi|bitget|coinbase"
    r"|gemini|kraken|bitstamp|upbit|bithumb|bitfinex|okcoin|spot|perps?|swap|um|cm|linear|inverse|futures|usdm|coinm|mark"
    r"|index|price|candles?|klines?|ohlcv?|bars|trades|funding|rates?|book|depth|bookdepth|data|history",
    re.IGNORECASE,
)
NAMED_IN_FILE: Final = re.compile(r"(?<![a-z0-9])([a-z0-9]{2,14}?[- ]?(?:usdt|usdc|usd))(?![a-z0-9])", re.IGNORECASE)


class Kind(Enum):
    PERP = "perp"
    SPOT = "spot"
    MARK = "mark"
    FUNDING = "funding"
    DEPTH = "depth"


@dataclass(eq=False, kw_only=True)
class Series:
    """One instrument of one file within the window asked for. Times rise strictly; prices are positive."""

    file: str
    venue: str
    kind: Kind
    symbol: str  # as the file spells it
    base: str
    interval_ms: int
    sparse: bool  # bars made of trades: a missing bar is one without a trade, not a gap
    times_ms: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    value: Floats  # USD volume of candles, rate of funding, USD depth

    @property
    def label(self) -> str:
        return f"{self.file}:{self.symbol}"


@dataclass(frozen=True)
class Catalog:
    """Series that touch a window, and the files that were passed over, with the reason."""

    series: tuple[Series, ...]
    skipped: tuple[str, ...]

    def passed_over(self) -> list[str]:
        """At most one note, naming up to three files that hold something else."""
        rest = len(self.skipped) - 3
        more = f"; and {rest} more" if rest > 0 else ""
        return [f"passed over {'; '.join(self.skipped[:3])}{more}"] if self.skipped else []


def scan(folder: Path, start_ms: int, end_ms: int) -> Catalog:
    """Read every Parquet and CSV file of `folder`, keeping bars in [start_ms, end_ms).

    Raises BadInput for a missing or empty folder, and for a file whose bars in the window are malformed.
    """
    if not _is_folder(folder):
        raise BadInput("data", "no such folder", str(folder)[:120])
    shown = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    paths = sorted(path for path in shown if path.name.lower().endswith(SUFFIXES))
    if not paths:
        raise BadInput("data", "no .parquet or .csv file in this folder", str(folder))
    if len(paths) > FILES_MAX:
        raise BadInput("data", f"{len(paths)} files, at most {FILES_MAX}", str(folder))
    manifest = _manifest(folder / "manifest.json")
    series: list[Series] = []
    skipped: list[str] = []
    for path in paths:
        table = read_table(path)
        if why := _unusable(table):
            skipped.append(f"{path.name}: {why}")
            continue
        series.extend(_series_of(table, manifest.get(path.name, {}), start_ms, end_ms))
    if len(skipped) == len(paths):
        raise BadInput("columns", "; ".join(skipped[:3]), str(folder))
    return Catalog(joined(series), tuple(skipped))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name the file system cannot hold
        return False


def joined(series: list[Series]) -> tuple[Series, ...]:
    """The series, those of one instrument that files hold one after the other (a file a day, a month) made one."""
    families: dict[tuple[object, ...], list[Series]] = {}
    for item in sorted(series, key=lambda item: int(item.times_ms[0])):
        key = (_family(item.file), _family(item.venue), item.kind, item.symbol, item.interval_ms, item.sparse)
        families.setdefault(key, []).append(item)
    made = []
    for parts in families.values():
        follows = all(left.times_ms[-1] < right.times_ms[0] for left, right in pairwise(parts))
        made += [_one_of(parts)] if follows and len(parts) > 1 else parts
    return tuple(sorted(made, key=lambda item: item.label))


def _family(name: str) -> str:
    """A file name without the numbers that tell dates: files of one family hold one instrument at different times."""
    return " ".join(word for word in re.split(r"[_\-. ]+", name) if not word.isdigit())


def _one_of(parts: list[Series]) -> Series:
    def whole(name: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    return replace(
        parts[0],
        file=f"{parts[0].file} to {parts[-1].file}",
        times_ms=whole("times_ms"),
        open=whole("open"),
        high=whole("high"),
        low=whole("low"),
        close=whole("close"),
        value=whole("value"),
    )


def _manifest(path: Path) -> dict[str, dict[str, Any]]:
    if not path.is_file():
        return {}
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput("manifest", f"not JSON: {str(error)[:80]}", path.name) from None
    entries = body.get("files") if isinstance(body, dict) else body
    if not isinstance(entries, list):
        raise BadInput("files", "expected a list of files", path.name)
    return {str(entry["file"]): entry for entry in entries if isinstance(entry, dict) and "file" in entry}


def _unusable(table: Table) -> str:
    """Why a table is neither candles, funding nor depth; empty when it is one of them."""
    has = table.columns
    if "time" not in has:
        return "no time column (ts_ms, timestamp, date, open_time ...)"
    if "funding" in has or ("percentage" in has and "notional" in has):
        return ""
    missing = [name for name in OHLC if name not in has]
    return f"no column {', '.join(missing)}" if missing else ""


def _series_of(table: Table, entry: dict[str, Any], start_ms: int, end_ms: int) -> list[Series]:
    table.columns["time"] = times_of(table)
    moments = table.columns["time"]
    table = table.keep((moments >= start_ms) & (moments < end_ms))
    if not len(table.rows):
        return []
    if "symbol" in table.columns:
        named = ~np.isin(np.char.strip(table.columns["symbol"].astype(np.str_)), UNNAMED)
        if not bool(named.all()):
            raise BadInput("symbol", f"row {table.rows[int(np.argmin(named))]}: empty", table.file)
    found = []
    for rows in _groups(table):
        part = table.keep(rows)
        venue = str(part.columns["venue"][0]) if "venue" in part.columns else ""
        symbol = str(part.columns["symbol"][0]) if "symbol" in part.columns else _symbol_in(table.file)
        kind = _kind(part, entry, venue, symbol)
        if kind is Kind.DEPTH:
            part = part.keep(part.floats("percentage") == 1)  # the ask side: the recorded bid side goes stale
        if len(part.rows) >= 2:
            found.append(_series(part, kind, venue or str(entry.get("venue", table.file)), symbol))
    return found


def _groups(table: Table) -> list[npt.NDArray[np.bool_]]:
    """Rows of each instrument, kind and bar length, in order of first appearance."""
    keys = [name for name in ("venue", "symbol", "kind", "timeframe", "step") if name in table.columns]
    if not keys:
        return [np.ones(len(table.rows), dtype=bool)]
    codes = np.zeros(len(table.rows), dtype=np.int64)
    for name in keys:
        _, inverse = np.unique(table.columns[name].astype(np.str_), return_inverse=True)
        codes = codes * (int(inverse.max()) + 1) + inverse
    values, first = np.unique(codes, return_index=True)
    return [codes == value for value in values[np.argsort(first)]]


def _symbol_in(file: str) -> str:
    """The symbol a file name holds (bookdepth_BTCUSDT_2025_10_10.parquet), else its first word."""
    stem = file.split(".", maxsplit=1)[0]
    found = NAMED_IN_FILE.search(stem.replace("_", " "))
    if found:
        return found[1]
    words = re.split(r"[_\- ]", stem)
    return next((word for word in words if not NOT_A_SYMBOL.fullmatch(word)), words[0])


def _kind(table: Table, entry: dict[str, Any], venue: str, symbol: str) -> Kind:
    """From the columns, then the manifest's kind, then the words of venue, symbol and file name."""
    if "percentage" in table.columns and "notional" in table.columns:
        return Kind.DEPTH
    if "funding" in table.columns:
        return Kind.FUNDING
    kind = str(table.columns["kind"][0] if "kind" in table.columns else entry.get("kind", "")).lower()
    words = re.split(r"[^a-z]+", table.file.lower())
    if kind.startswith(("mark", "index")) or (not kind and {"mark", "index"} & set(words)):
        return Kind.MARK
    if "volume" in table.columns and not table.floats("volume").any() and len(table.rows) > 1:
        return Kind.MARK  # candles that never traded are a mark or an index
    if DERIVATIVE.search(symbol.lower()) or kind.startswith("perp"):
        return Kind.PERP
    if kind.startswith("spot"):
        return Kind.SPOT
    if venue:
        return Kind.PERP if DERIVATIVE.search(venue.lower()) else Kind.SPOT
    listed = str(entry.get("venue", "")).lower()
    if "spot" in words or "spot" in listed:
        return Kind.SPOT
    if DERIVATIVE.search(table.file.lower()) or DERIVATIVE.search(listed):
        return Kind.PERP
    return Kind.SPOT if listed in SPOT_VENUES or SPOT_VENUES & set(words) - {"binance"} else Kind.PERP


def _series(table: Table, kind: Kind, venue: str, symbol: str) -> Series:
    times: Times = table.columns["time"]
    steps = np.diff(times)
    if bool((steps <= 0).any()):
        place = int(np.argmax(steps <= 0)) + 1
        what = "a repeated time" if steps[place - 1] == 0 else "out of order"
        raise BadInput("time", f"row {table.rows[place]}: {times[place]} of {symbol} is {what}", table.file)
    if "step" in table.columns:
        interval = round(1000 * float(table.floats("step")[0]))
    else:
        sizes, counts = np.unique(steps, return_counts=True)
        interval = int(sizes[np.argmax(counts)])
    empty = np.empty(0)
    prices = dict.fromkeys(OHLC, empty)
    if kind in (Kind.PERP, Kind.SPOT, Kind.MARK):
        prices = _prices(table, symbol)
        value = _volume_usd(table, venue, symbol, prices["close"])
    else:
        value = _plain(table, "funding" if kind is Kind.FUNDING else "notional")
    return Series(
        file=table.file,
        venue=venue,
        kind=kind,
        symbol=symbol,
        base=underlying(symbol),
        interval_ms=interval,
        sparse="step" in table.columns,
        times_ms=times,
        value=value,
        **prices,
    )


def _plain(table: Table, name: str) -> Floats:
    values = table.floats(name)
    _refuse(table, name, np.isfinite(values), values, "is not a number")
    if name == "funding":
        values = values / 100.0 if table.percent else values
        _refuse(table, name, np.abs(values) < 1.0, values, "is an absurd rate")
    else:
        _refuse(table, name, values >= 0, values, "is negative")
    return values


def _prices(table: Table, symbol: str) -> dict[str, Floats]:
    """Checked OHLC; a high or low that misses open or close by rounding alone is moved to it."""
    prices = {name: table.floats(name) for name in OHLC}
    for name, values in prices.items():
        _refuse(table, name, np.isfinite(values), values, f"of {symbol} is not a number")
        _refuse(table, name, values > 0, values, f"of {symbol} is not above 0")
    high, low = prices["high"], prices["low"]
    top = np.maximum(prices["open"], prices["close"])
    bottom = np.minimum(prices["open"], prices["close"])
    _refuse(table, "high", high >= low * (1 - 1e-9), high, f"of {symbol} is below low")
    _refuse(table, "high", high >= top * (1 - 1e-6), high, f"of {symbol} is below open or close")
    _refuse(table, "low", low <= bottom * (1 + 1e-6), low, f"of {symbol} is above open or close")
    absurd = f"of {symbol} is more than {JUMP_MAX:.0f} times away from"
    _refuse(table, "high", high <= JUMP_MAX * bottom, high, f"{absurd} open or close")
    _refuse(
        table, "low", low >= top / WICK_MAX, low, f"of {symbol} is more than {WICK_MAX:.0f} times below open or close"
    )
    jump = np.abs(np.log(prices["close"][1:] / prices["close"][:-1]))
    _refuse(table, "close", np.append(True, jump <= np.log(JUMP_MAX)), prices["close"], f"{absurd} the bar before")
    return {**prices, "high": np.maximum(high, top), "low": np.minimum(low, bottom)}


def _volume_usd(table: Table, venue: str, symbol: str, close: Floats) -> Floats:
    """USD volume: quote volume, contracts of 10 USD (BTC 100) for coin-margined ones, else base volume x close."""
    name = "volume_usd" if "volume_usd" in table.columns else "volume"
    if name not in table.columns:
        return np.zeros(len(close))
    values = table.floats(name)
    _refuse(table, name, np.isfinite(values) & (values >= 0), values, f"of {symbol} is negative or not a number")
    unit: Floats | float = close
    if name == "volume_usd":
        unit = 1.0
    elif INVERSE.search(venue.lower()) or re.search(r"USD_PERP$", symbol):
        unit = 100.0 if underlying(symbol) == "BTC" else 10.0
    product: Floats = values * unit
    _refuse(table, name, product <= VOLUME_MAX, values, f"of {symbol} is an absurd volume")
    return product


def _refuse(table: Table, field: str, good: npt.NDArray[np.bool_], values: Floats, why: str) -> None:
    if not bool(good.all()):
        place = int(np.argmin(good))
        moment = table.columns["time"][place]
        raise BadInput(field, f"row {table.rows[place]} (time {moment}): {values[place]} {why}", table.file)
