"""Market history from a folder of candles: which series to take for an event, and how they come onto one grid."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Final

import numpy as np

from seawall.lab.catalog import Catalog, Kind, Series, scan
from seawall.lab.depth import estimate_depth
from seawall.lab.grid import Cells, funding_on, held_index, last_before, on_grid
from seawall.lab.history import CELLS_MAX, Flags, Floats, History, Times, check_history
from seawall.lab.names import DAY_MS, Window, interval_from, interval_text, underlying, unit_of, window_of
from seawall.lab.tables import OHLC
from seawall.lab.words import NAMES_MAX, counted, few
from seawall.units import BadInput

LOOKBACK_MS: Final = DAY_MS  # bars before the event: they tell what depth is usual
FINE_MS: Final = 900_000  # a cascade takes minutes: 15 min bars or finer are preferred to more symbols on coarse ones
COVER_MIN: Final = 0.5  # of the event's span that a series must reach
COVER_ASKED: Final = 0.0005  # ... when its interval was asked for by name
LIQUID_SHARE: Final = 0.3  # a finer interval is preferred while it holds this share of the best one's USD volume
BARS_MAX: Final = 2_000_000


class Gaps(Enum):
    """What missing bars inside a series mean: a broken file, or a market that stood still."""

    REFUSE = "refuse"
    KEEP = "keep"


def load(
    folder: str | Path,
    event: str = "2025-10-10",
    *,
    symbols: Sequence[str] | None = None,
    interval: str | None = None,
    days: float | None = None,
    markets: int = 20,
    gaps: Gaps = Gaps.REFUSE,
) -> History:
    """History of an event from candles in `folder` (docs/lab/data.md has the rules of choice).

    `symbols` are underlyings in any spelling; `interval` such as 1s, 5m or 1h, by default the finest that holds most
    of the money; at most `markets` markets, by USD volume. Perps are preferred to spot; spot, then mark prices of the
    same underlying become the index. Raises BadInput when nothing fits, a bar is malformed, or bars are missing between
    others; with `Gaps.KEEP` missing bars are marked as not live instead.
    """
    if markets < 1:
        raise BadInput("markets", f"{markets} is below 1")
    window = window_of(event, days)
    catalog = scan(Path(folder), window.start_ms - LOOKBACK_MS, window.end_ms)
    wanted = None if symbols is None else [underlying(symbol) for symbol in symbols]
    asked = None if interval is None else interval_from(interval)
    chosen, dropped = _choose(catalog, window, wanted, asked, str(folder))
    chosen = chosen[:markets] if wanted is None else chosen
    if not any(_usd(item, window) > 0 for item in chosen):
        raise BadInput(
            "volume", f"none in {window.name}: open interest and depth are estimated from it", chosen[0].file
        )
    history = _assemble(catalog, chosen, window, dropped)
    if gaps is Gaps.REFUSE:
        _refuse_gaps(history, chosen)
    return history


def _refuse_gaps(history: History, chosen: list[Series]) -> None:
    """BadInput for the first bar missing between two others of its series. Bars made of trades may be silent."""
    for column, item in enumerate(chosen):
        live = np.flatnonzero(history.live[:, column])
        if item.sparse or len(live) == 0:
            continue
        inside = np.arange(live[0], live[-1] + 1)
        missing = inside[~history.live[inside, column]]
        if len(missing):
            at = int(history.times_ms[missing[0]])
            what = f"{len(missing)} of {len(inside)} bars of {item.symbol} are missing, the first at {at}"
            told = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
            raise BadInput("time", f"{what} ({told} UTC); --gaps keep lets the market stand still there", item.file)


def _share_covered(series: Series, window: Window) -> float:
    """Of the window's span, from the first bar inside to the last; 0 when it holds none."""
    inside = series.times_ms[series.times_ms >= window.start_ms]
    if not len(inside):
        return 0.0
    return float(inside[-1] - inside[0] + series.interval_ms) / (window.end_ms - window.start_ms)


def _usd(series: Series, window: Window) -> float:
    return float(series.value[series.times_ms >= window.start_ms].sum())


def _choose(
    catalog: Catalog, window: Window, wanted: list[str] | None, asked: int | None, folder: str
) -> tuple[list[Series], list[str]]:
    """Series to trade, one per underlying, by falling volume; and what was left aside."""
    candles = [item for item in catalog.series if item.kind in (Kind.PERP, Kind.SPOT)]
    least = COVER_MIN if asked is None else COVER_ASKED
    candles = [item for item in candles if _share_covered(item, window) >= least]
    if wanted is not None:
        candles = [item for item in candles if item.base in wanted]
    if asked is not None:
        candles = [item for item in candles if item.interval_ms == asked]
    groups: dict[tuple[Kind, int], list[Series]] = {}
    for item in candles:
        groups.setdefault((item.kind, item.interval_ms), []).append(item)
    if not groups:
        raise BadInput("event", _nothing(catalog, window, wanted, asked), folder)
    best = _best_group(groups, window, wanted)
    missing = sorted(set(wanted or ()) - {item.base for item in groups[best]})
    if missing:
        what = f"no candles of {', '.join(missing)} beside the others asked for, at {interval_text(best[1])}"
        raise BadInput("symbols", what, folder)
    return _one_per_base(groups[best], window)


def _best_group(
    groups: dict[tuple[Kind, int], list[Series]], window: Window, wanted: list[str] | None
) -> tuple[Kind, int]:
    """Most symbols asked for; then fine bars before coarse, perps before spot, most USD, the finest of near ones."""
    keys = sorted(groups, key=lambda key: (key[1], key[0].value))
    if wanted is not None:
        most = max(len({item.base for item in groups[key]}) for key in keys)
        keys = [key for key in keys if len({item.base for item in groups[key]}) == most]
    keys = [key for key in keys if key[1] <= FINE_MS] or keys
    keys = [key for key in keys if key[0] is Kind.PERP] or keys
    volume = {key: sum(_usd(item, window) for item in _one_per_base(groups[key], window)[0]) for key in keys}
    near = [key for key in keys if volume[key] >= LIQUID_SHARE * max(volume.values())]
    return near[0]


def _one_per_base(group: list[Series], window: Window) -> tuple[list[Series], list[str]]:
    """The most traded series of every underlying, by falling volume, and a note for each other one."""
    ranked = sorted(group, key=lambda item: (-_usd(item, window), item.file, item.symbol))
    taken: dict[str, Series] = {}
    notes = []
    for item in ranked:
        if item.base in taken:
            notes.append(f"{item.base}: {taken[item.base].label} taken, {item.label} left aside")
        else:
            taken[item.base] = item
    return list(taken.values()), _at_most(notes)


def _nothing(catalog: Catalog, window: Window, wanted: list[str] | None, asked: int | None) -> str:
    """One line that says what was missing and what there is."""
    what = f"no candles for {window.name}"
    what += f" of {', '.join(wanted)}" if wanted else ""
    what += f" at {interval_text(asked)}" if asked else ""
    there = [
        item for item in catalog.series if item.kind in (Kind.PERP, Kind.SPOT) and _share_covered(item, window) > 0
    ]
    if not there:
        marks = sorted({item.base for item in catalog.series if item.kind is Kind.MARK})
        if marks:
            return f"{what}: only marks or indices (candles that never traded) of {', '.join(marks[:12])}"
        return "; ".join([f"{what}: no file covers that time", *catalog.passed_over()])
    intervals = sorted({item.interval_ms for item in there})
    bases = sorted({item.base for item in there})
    shown = ", ".join(bases[:12]) + (" ..." if len(bases) > 12 else "")
    return f"{what}: there are {', '.join(map(interval_text, intervals))} bars of {shown}"


def _assemble(catalog: Catalog, chosen: list[Series], window: Window, dropped: list[str]) -> History:
    interval = chosen[0].interval_ms
    times = _grid(chosen, window, interval)
    cells = [on_grid(item, times, interval) for item in chosen]
    inside = times >= window.start_ms
    first, last = _span(cells, inside)
    notes = [*_first_notes(chosen), *dropped, *catalog.passed_over()]
    live = np.stack([cell.live for cell in cells], axis=1)
    volume = np.stack([cell.value for cell in cells], axis=1)
    opened, high, low, close = (np.stack([getattr(cell, name) for cell in cells], axis=1) for name in OHLC)
    depth = estimate_depth(volume_usd=volume, high=high, low=low, live=live, interval_ms=interval)
    index, has_index, index_notes = _indices(catalog, chosen, cells, times, window)
    notes += index_notes + _recorded_depth(catalog, chosen, times, live, depth)
    funding, funding_notes = _funding(catalog, chosen, times)
    history = History(
        name=window.name,
        symbols=tuple(item.base for item in chosen),
        interval_ms=interval,
        times_ms=times,
        open=opened,
        high=high,
        low=low,
        close=close,
        index=np.where(live, index[0], np.nan),
        index_low=np.where(live, index[1], np.nan),
        index_high=np.where(live, index[2], np.nan),
        has_index=has_index,
        volume_usd=volume,
        depth_usd=depth,
        funding_hour=funding,
        live=live,
    ).window(first, last)
    notes += funding_notes + _gap_notes(history, chosen)
    return check_history(replace(history, notes=tuple(notes)))


def _grid(chosen: list[Series], window: Window, interval: int) -> Times:
    """Equally spaced bars over the event and the bars known before it."""
    start = min(int(item.times_ms[0]) for item in chosen)
    end = max(int(item.times_ms[-1]) for item in chosen) + interval
    count = (end - start) // interval
    if count > BARS_MAX or count * len(chosen) > CELLS_MAX:
        what = f"{count:,} bars of {interval_text(interval)} in {len(chosen)} markets"
        raise BadInput("event", f"{what}: at most {BARS_MAX:,} bars and {CELLS_MAX:,} in all markets together")
    if end <= window.start_ms or count < 2:
        raise BadInput("event", f"{window.name}: fewer than 2 bars")
    times: Times = start + interval * np.arange(count, dtype=np.int64)
    return times


def _span(cells: list[Cells], inside: Flags) -> tuple[int, int]:
    """First and last bar of the event at which anything traded."""
    known = np.flatnonzero(np.any([cell.live for cell in cells], axis=0) & inside)
    if len(known) < 2:
        raise BadInput("event", "fewer than 2 bars of the event are in these files")
    return int(known[0]), int(known[-1]) + 1


def _first_notes(chosen: list[Series]) -> list[str]:
    files = sorted({item.file for item in chosen})
    notes = [f"{interval_text(chosen[0].interval_ms)} candles of {counted(len(chosen))} from {few(files)}"]
    if chosen[0].kind is Kind.SPOT:
        notes.append("no perps at this interval: spot candles stand in for them")
    return notes


def _indices(
    catalog: Catalog, chosen: list[Series], cells: list[Cells], times: Times, window: Window
) -> tuple[tuple[Floats, Floats, Floats], Flags, list[str]]:
    """(index, low, high) [T, S] from spot, then marks, of each underlying; the perp itself where there is none."""
    shape = (len(times), len(chosen))
    values = (np.empty(shape), np.empty(shape), np.empty(shape))
    has = np.zeros(len(chosen), dtype=bool)
    notes = []
    for column, (item, cell) in enumerate(zip(chosen, cells, strict=True)):
        source = _index_source(catalog.series, item, window)
        parts = (cell.close, cell.low, cell.high)
        if source is not None:
            scale = unit_of(item.base)[1] / unit_of(source.base)[1]
            parts, without = held_index(source, cell, times, item.interval_ms, scale)
            has[column] = True
            held = int((without & (times >= window.start_ms)).sum())
            notes.append(f"{item.base}: index from {source.label}" + (f", {held} bars held" if held else ""))
        for target, part in zip(values, parts, strict=True):
            target[:, column] = part
    return values, has, _at_most(notes)


def _at_most(notes: list[str]) -> list[str]:
    rest = len(notes) - NAMES_MAX
    return [*notes[:NAMES_MAX], f"and {rest} more like this"] if rest > 0 else notes


def _index_source(series: Iterable[Series], item: Series, window: Window) -> Series | None:
    """Spot before mark, most bars first, never coarser than the candles nor from the same instrument."""
    coin = unit_of(item.base)[0]
    kinds = (Kind.SPOT, Kind.MARK) if item.kind is Kind.PERP else (Kind.MARK,)
    fits = [
        other
        for other in series
        if other.kind in kinds
        and unit_of(other.base)[0] == coin
        and item.interval_ms % other.interval_ms == 0
        and _overlap(other, item, window) >= COVER_MIN
    ]
    fits.sort(key=lambda other: (kinds.index(other.kind), -_density(other), other.interval_ms, other.label))
    return fits[0] if fits else None


def _overlap(other: Series, item: Series, window: Window) -> float:
    """Share of the item's bars in the window that lie between the first and the last bar of the other."""
    inside = item.times_ms[item.times_ms >= window.start_ms]
    return float(np.mean((inside >= other.times_ms[0]) & (inside <= other.times_ms[-1])))


def _density(series: Series) -> float:
    """Share of its own bars that are there, in steps of a tenth: ties go to the finer one."""
    span = (series.times_ms[-1] - series.times_ms[0]) // series.interval_ms + 1
    return round(10 * len(series.times_ms) / float(span)) / 10


def _recorded_depth(catalog: Catalog, chosen: list[Series], times: Times, live: Flags, depth: Floats) -> list[str]:
    """Put recorded depth in place of the estimate where a file has it; returns the notes."""
    notes = []
    for column, item in enumerate(chosen):
        for source in catalog.series:
            if source.kind is not Kind.DEPTH or source.base != item.base:
                continue
            known = last_before(source.times_ms, source.value, times, 10 * 60_000)
            use = live[:, column] & np.isfinite(known)
            depth[use, column] = known[use]
            notes.append(f"{item.base}: recorded depth from {source.file} in {int(use.sum())} bars")
    estimated = len(chosen) - len(notes)
    if estimated:
        notes.append(f"depth of {counted(estimated)} is estimated from volume")
    return notes


def _funding(catalog: Catalog, chosen: list[Series], times: Times) -> tuple[Floats | None, list[str]]:
    """Hourly rates [T, S] from the venue of the candles first, then any; None without a single source."""
    rates = np.zeros((len(times), len(chosen)))
    found = []
    for column, item in enumerate(chosen):
        fits = [other for other in catalog.series if other.kind is Kind.FUNDING and other.base == item.base]
        fits.sort(key=lambda other: (_venue_word(other) != _venue_word(item), other.label))
        if fits and item.kind is Kind.PERP:
            rates[:, column] = funding_on(fits[0], times)
            found.append(f"{item.base} from {fits[0].file}")
    if not found:
        return None, []
    rest = len(chosen) - len(found)
    return rates, [f"funding: {few(found)}" + (f"; {rest} markets without, taken as 0" if rest else "")]


def _venue_word(series: Series) -> str:
    return series.venue.lower().replace("_", "-").split("-")[0]


def _gap_notes(history: History, chosen: list[Series]) -> list[str]:
    notes = []
    gaps = [(symbol, int((~history.live[:, k]).sum())) for k, symbol in enumerate(history.symbols)]
    gaps = [gap for gap in gaps if gap[1]]
    if gaps:
        told = few([f"{symbol} {count}" for symbol, count in sorted(gaps, key=lambda gap: -gap[1])])
        notes.append(f"gaps of {history.bars} bars: {told}")
    late = [symbol for symbol, begins in zip(history.symbols, history.begins_in_time, strict=True) if not begins]
    if late:
        notes.append(f"listed during the event, so without positions at its start: {few(late)}")
    if any(item.sparse for item in chosen):
        notes.append("bars are made of trades: one without a trade keeps the last price, with no volume")
    return notes
