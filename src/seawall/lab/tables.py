"""Tables from disk as named columns: Parquet through pyarrow when it is installed, CSV (also .gz) without it."""

import csv
import gzip
import io
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from seawall.units import BadInput

Column = npt.NDArray[Any]
Rows = npt.NDArray[np.int64]

ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "time": ("ts_ms", "timestamp", "time", "date", "datetime", "open_time", "ts", "ts_s", "timestamp_ms", "t"),
    "symbol": ("symbol", "coin", "pair", "instrument", "ticker", "market", "asset"),
    "venue": ("venue", "exchange"),
    "open": ("open", "o", "open_price"),
    "high": ("high", "h", "high_price"),
    "low": ("low", "l", "low_price"),
    "close": ("close", "c", "close_price"),
    "volume_usd": ("quote_volume", "volume_usd", "quote_asset_volume", "turnover", "volume_quote"),
    "volume": ("volume", "vol", "v", "base_volume"),
    "funding": ("funding_rate", "fundingrate", "funding_rate_pct", "last_funding_rate"),
    "kind": ("kind", "price_type"),
    "timeframe": ("timeframe", "interval", "resolution"),
    "step": ("step", "step_s"),
    "percentage": ("percentage",),
    "notional": ("notional",),
}
TIME_UNITS: Final = (10**11, 10**14, 10**17)  # numbers below are seconds, ms, us; above them ns
KLINE: Final = ("time", "open", "high", "low", "close", "volume", "close_time", "volume_usd")
OHLC: Final = ("open", "high", "low", "close")
SUFFIXES: Final = (".parquet", ".csv", ".csv.gz")


@dataclass(eq=False)
class Table:
    """Columns by canonical name; `rows` are 1-based data rows of the file, for messages."""

    file: str
    columns: dict[str, Column]
    rows: Rows
    percent: bool  # funding in percent

    def keep(self, chosen: npt.NDArray[np.bool_]) -> "Table":
        cut = {name: values[chosen] for name, values in self.columns.items()}
        return Table(self.file, cut, self.rows[chosen], self.percent)

    def floats(self, name: str) -> npt.NDArray[np.float64]:
        """A numeric column. BadInput naming the first row that is not a number (blank and nan are not)."""
        values = self.columns[name]
        if values.dtype.kind in "fiu":
            return values.astype(np.float64)
        try:
            return values.astype(np.float64)
        except (ValueError, TypeError):
            for row, value in zip(self.rows, values, strict=True):
                if not _is_number(value):
                    raise BadInput(name, f"row {row}: {str(value)[:40]!r} is not a number", self.file) from None
            raise


def read_table(path: Path) -> Table:
    """Every known column of a file, under its canonical name. Raises BadInput for one that cannot be read."""
    raw = _parquet(path) if path.name.lower().endswith(".parquet") else _csv(path)
    by_name = {name.strip().lower(): name for name in raw}
    columns: dict[str, Column] = {}
    percent = False
    for canonical, spellings in ALIASES.items():
        for spelling in spellings:
            if spelling in by_name:
                columns[canonical] = raw[by_name[spelling]]
                percent = percent or spelling.endswith("_pct")
                break
    count = len(next(iter(raw.values()))) if raw else 0
    return Table(path.name, columns, np.arange(1, count + 1), percent)


def times_of(table: Table) -> Rows:
    """Bar times in UTC milliseconds from seconds, ms, us, ns or ISO text."""
    values = table.columns["time"]
    if values.dtype.kind == "M":
        _first_bad(table, "time", ~np.isnat(values), values)
        moments: Rows = values.astype("datetime64[ms]").astype(np.int64)
        return moments
    if values.dtype.kind not in "iuf":
        if len(values) and not _is_number(values[0]):
            return _from_iso(table, values)
        values = table.floats("time")
    if values.dtype.kind == "f":
        _first_bad(table, "time", np.abs(values) < 2.0**63, values)
    return _milliseconds(table, values.astype(np.int64))


def _milliseconds(table: Table, numbers: Rows) -> Rows:
    """Numbers of one unit, which their size tells. BadInput naming the first that is not of the unit of most."""
    units = np.searchsorted(TIME_UNITS, np.abs(numbers), side="right")
    unit = int(np.argmax(np.bincount(units, minlength=4)))
    if not bool((units == unit).all()):
        place = int(np.argmax(units != unit))
        what = ("seconds", "milliseconds", "microseconds", "nanoseconds")[unit]
        raise BadInput("time", f"row {table.rows[place]}: {numbers[place]} is not in {what} as the others", table.file)
    return numbers * 1000 if unit == 0 else numbers // 1000 ** (unit - 1)


def _from_iso(table: Table, values: Column) -> Rows:
    moments = np.empty(len(values), dtype=np.int64)
    for place, text in enumerate(values):
        try:
            moment = datetime.fromisoformat(str(text).strip())
        except ValueError:
            why = f"row {table.rows[place]}: {str(text)[:40]!r} is neither a number nor an ISO time"
            raise BadInput("time", why, table.file) from None
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        moments[place] = round(moment.timestamp() * 1000)
    return moments


def _first_bad(table: Table, field: str, good: npt.NDArray[np.bool_], values: Column) -> None:
    if not bool(good.all()):
        place = int(np.argmin(good))
        raise BadInput(field, f"row {table.rows[place]}: {values[place]} is not a time", table.file)


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def _parquet(path: Path) -> dict[str, Column]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        why = "reading Parquet needs pyarrow: pip install 'seawall[data]' (or use CSV)"
        raise BadInput("parquet", why, path.name) from None
    known = {spelling for spellings in ALIASES.values() for spelling in spellings}
    try:
        names = [name for name in pq.read_schema(path).names if name.strip().lower() in known]
        table = pq.read_table(path, columns=names)
    except (pa.ArrowException, OSError) as error:
        raise BadInput("parquet", f"cannot be read: {str(error).splitlines()[0][:120]}", path.name) from None
    columns: dict[str, Column] = {}
    for name in names:
        field = table[name]
        if pa.types.is_dictionary(field.type):
            field = field.cast(field.type.value_type)
        columns[name] = field.to_numpy(zero_copy_only=False)
    return columns


def _csv(path: Path) -> dict[str, Column]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.name.lower().endswith(".gz") else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise BadInput("csv", f"cannot be read: {str(error)[:120]}", path.name) from None
    try:
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
    except csv.Error as error:
        raise BadInput("csv", f"cannot be read: {str(error)[:120]}", path.name) from None
    if not rows:
        raise BadInput("csv", "the file is empty", path.name)
    header = [cell.strip() for cell in rows[0]]
    if len(header) >= 6 and all(_is_number(cell) for cell in header):
        header = list(KLINE[: len(header)])  # klines as exchanges publish them, without a header
        rows.insert(0, header)
    width = len(header)
    for number, row in enumerate(rows[1:], start=1):
        if len(row) < width or (len(row) > width and header != list(KLINE[:width])):
            raise BadInput("csv", f"row {number}: {len(row)} fields, expected {width}", path.name)
    return {name: _typed([row[place] for row in rows[1:]]) for place, name in enumerate(header)}


def _typed(cells: list[str]) -> Column:
    """int64 when every cell is an integer, float64 when a number, else text."""
    for kind in (np.int64, np.float64):
        try:
            return np.array(cells, dtype=np.str_).astype(kind)
        except (ValueError, OverflowError):
            continue
    return np.array(cells, dtype=object)
