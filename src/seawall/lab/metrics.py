"""What a replay records bar by bar, and the figures made of it.

A bucket counts as liquidated once a forced order of it has filled. A liquidation is *unnecessary* when the bucket, had
nobody touched it, never fell below maintenance over the whole history when marked at the index: a price that came back
says nothing, an index that never went there does.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from seawall.lab import columns
from seawall.lab.columns import Array, Buckets, Ints, Quotes, Scene, Terms, Venue
from seawall.lab.liquidate import RATIO_CELLS, RATIO_LEAST, RATIO_STEP, count_ratios, open_deficit, pay_funding
from seawall.lab.population import Population
from seawall.lab.watch import FRESH, find_unhealthy, watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.lab.replay import Path, Replay, RuleRun

RATIO_SAMPLES: Final = 160
PERCENTILES: Final = (1, 5, 25, 50)


class Recorder:
    """Arrays over bars [T], markets [S] and sides [2] (0: longs closed by selling, 1: shorts closed by buying)."""

    def __init__(self, path: "Path", buckets: Buckets) -> None:
        bars, markets = path.bars, path.history.markets
        self.has_index: Array = path.history.has_index
        self.perp: Ints = np.zeros((bars, markets), np.int64)  # at the close, our own flow in it
        self.perp_low: Ints = np.full((bars, markets), 2**62, np.int64)
        self.perp_high: Ints = np.zeros((bars, markets), np.int64)
        self.mark: Ints = np.zeros((bars, markets), np.int64)
        self.mark_low: Ints = np.full((bars, markets), 2**62, np.int64)
        self.mark_high: Ints = np.zeros((bars, markets), np.int64)
        self.gap: Array = np.zeros((bars, markets))  # perp / index - 1 where it was widest, signed
        self.mark_gap: Array = np.zeros((bars, markets))
        self.impact: Array = np.zeros((bars, markets))  # displacement where it was widest, signed
        self.counts: Ints = np.zeros((bars, columns.COUNT_CELLS), np.int64)
        self.notional: Ints = np.zeros((bars, markets, 2), np.int64)
        self.below_index: Ints = np.zeros((bars, markets, 2), np.int64)
        self.fills: Ints = np.zeros((bars, markets), np.int64)
        self.bad_debt: Ints = np.zeros((bars, markets), np.int64)
        self.money: Ints = np.zeros((bars, columns.VENUE_CELLS), np.int64)
        self.interest: Ints = np.zeros((bars, markets), np.int64)  # longs of the population at the mark
        self.waiting: Ints = np.zeros(bars, np.int64)  # buckets LIQUIDATING at the end of the bar
        self.deficit: tuple[int, int] = (0, 0)  # at the last bar, marked at the index
        stride = -(-bars // RATIO_SAMPLES)
        self.ratio_bars: Ints = np.arange(0, bars, stride)
        self.ratios: Array = np.zeros((len(self.ratio_bars), len(PERCENTILES)))
        self._stride = stride
        self._counts: Ints = np.zeros(RATIO_CELLS, np.int64)
        self._last = bars - 1
        assert len(buckets.raw_usd) > 0

    def see(self, bar: int, quotes: Quotes, terms: Terms) -> None:
        """Prices after one point of a bar."""
        moved = np.floor(quotes.perp * (1.0 + quotes.displacement) + 0.5).astype(np.int64)
        perp = np.clip(moved, 1, terms.price_max)
        self.perp[bar] = perp
        self.mark[bar] = quotes.mark
        np.minimum(self.perp_low[bar], perp, out=self.perp_low[bar])
        np.maximum(self.perp_high[bar], perp, out=self.perp_high[bar])
        np.minimum(self.mark_low[bar], quotes.mark, out=self.mark_low[bar])
        np.maximum(self.mark_high[bar], quotes.mark, out=self.mark_high[bar])
        _keep_widest(self.impact[bar], quotes.displacement)
        known = self.has_index & quotes.live
        _keep_widest(self.gap[bar], np.where(known, perp / quotes.index_price - 1.0, 0.0))
        _keep_widest(self.mark_gap[bar], np.where(known, quotes.mark / quotes.index_price - 1.0, 0.0))

    def end(self, bar: int, scene: Scene) -> None:
        """State after a bar."""
        buckets, quotes, terms, venue, happened = scene.buckets, scene.quotes, scene.terms, scene.venue, scene.tally
        self.counts[bar] = happened.counters
        self.notional[bar] = happened.notional
        self.below_index[bar] = happened.below_index
        self.fills[bar] = happened.fills
        self.bad_debt[bar] = happened.bad_debt
        self.money[bar] = venue.money
        self.interest[bar] = venue.open_lots[:, 0] * quotes.mark
        self.waiting[bar] = np.count_nonzero(buckets.status == columns.LIQUIDATING)
        if bar % self._stride == 0:
            count_ratios(buckets, terms, quotes.mark, self._counts)
            self.ratios[bar // self._stride] = percentiles(self._counts)
        if bar == self._last:
            self.deficit = open_deficit(buckets, terms, quotes.index_price)


def _keep_widest(kept: Array, seen: Array) -> None:
    np.copyto(kept, seen, where=np.abs(seen) > np.abs(kept))


def percentiles(counts: Ints) -> Array:
    """PERCENTILES of a histogram of count_ratios: the lower edge of the cell that holds each; 0 when it is empty."""
    total = int(counts.sum())
    if total == 0:
        return np.zeros(len(PERCENTILES))
    ranks = np.array([max(1, -(-total * share // 100)) for share in PERCENTILES])
    cells = np.searchsorted(np.cumsum(counts), ranks, side="left")
    return np.where(cells == 0, 0.0, RATIO_LEAST * RATIO_STEP ** (cells - 1.0))


def breaches(path: "Path", population: Population, progress: "Callable[[int], None]") -> Array:
    """[A] whether each bucket, left alone but for funding, ever has equity < maintenance marked at the index."""
    buckets = columns.buckets_in(population)
    markets = len(population.markets)
    venue = Venue(*(np.zeros(shape, np.int64) for shape in (columns.VENUE_CELLS, markets, (markets, 2))))
    terms = columns.terms_of(population.markets)
    looks = watch(population.buckets, markets)
    for bar in range(path.bars):
        if path.funding_step[bar].any():
            pay_funding(buckets, venue, path.funding_step[bar])
            looks.state[FRESH] = 0
        for point in range(path.index.shape[1]):
            count = find_unhealthy(looks, buckets, terms, path.index[bar, point], 0)
            buckets.status[looks.found[:count]] = columns.CLOSED
        progress(1)
    breached: Array = buckets.status == columns.CLOSED
    return breached


def headline(replay: "Replay", run: "RuleRun") -> dict[str, Any]:
    """Figures of one rule over the whole history; money in micro-USD, shares and gaps in parts per million."""
    population, seen, money = replay.population, run.recorder, run.venue.money
    hit = run.buckets.first_bar >= 0
    owners = np.unique(population.owner[hit])
    accounts = population.accounts
    unnecessary = hit & ~replay.breached
    notional = int(run.buckets.liquidated.sum())
    interest = int((population.open_interest() * population.price).sum())
    return {
        "accounts_liquidated": len(owners),
        "accounts_liquidated_ppm": ppm(len(owners), accounts),
        "buckets_liquidated": int(hit.sum()),
        "buckets_closed_out": int((hit & (run.buckets.status == columns.CLOSED)).sum()),
        "fills": int(seen.counts[:, columns.FILLS].sum()),
        "notional": notional,
        "notional_of_open_interest_ppm": ppm(notional, interest),
        "longs_closed": int(seen.notional[:, :, 0].sum()),
        "shorts_closed": int(seen.notional[:, :, 1].sum()),
        **_against_index(replay, run, unnecessary, notional),
        "bad_debt": int(money[columns.BAD_DEBT]),
        "insurance_opening": int(run.opening_fund),
        "insurance_paid": int(money[columns.INSURANCE_PAID]),
        "insurance_closing": int(money[columns.FUND]),
        "fees": int(money[columns.FEES]),
        "funding_dust": int(money[columns.FUNDING_DUST]),
        "buckets_waiting_at_end": int(seen.waiting[-1]),
        "buckets_negative_at_end": seen.deficit[0],
        "deficit_open_at_end": seen.deficit[1],
        "worst_own_impact_ppm": _widest_ppm(seen.impact),
        "busiest_bar_ms": int(replay.history.times_ms[int(np.argmax(seen.notional.sum(axis=(1, 2))))]),
    }


def _against_index(replay: "Replay", run: "RuleRun", unnecessary: Array, notional: int) -> dict[str, Any]:
    """Figures that need an independent index; null without one."""
    names = ("unnecessary_buckets", "unnecessary_notional", "unnecessary_notional_ppm", "lost_to_index")
    if not bool(replay.history.has_index.any()):
        return dict.fromkeys((*names, "worst_price_gap_ppm", "worst_mark_gap_ppm"))
    undue = int(run.buckets.liquidated[unnecessary].sum())
    return {
        "unnecessary_buckets": int(unnecessary.sum()),
        "unnecessary_notional": undue,
        "unnecessary_notional_ppm": ppm(undue, notional),
        "lost_to_index": int(run.recorder.below_index.sum()),
        "worst_price_gap_ppm": _widest_ppm(run.recorder.gap),
        "worst_mark_gap_ppm": _widest_ppm(run.recorder.mark_gap),
    }


def by_market(replay: "Replay", run: "RuleRun", column: int) -> dict[str, Any]:
    """Figures of one rule in one market, in the units of `headline`."""
    seen, has_index = run.recorder, bool(replay.history.has_index[column])
    return {
        "fills": int(seen.fills[:, column].sum()),
        "longs_closed": int(seen.notional[:, column, 0].sum()),
        "shorts_closed": int(seen.notional[:, column, 1].sum()),
        "bad_debt": int(seen.bad_debt[:, column].sum()),
        "lost_to_index": int(seen.below_index[:, column].sum()) if has_index else None,
        "worst_price_gap_ppm": _widest_ppm(seen.gap[:, column]) if has_index else None,
        "worst_mark_gap_ppm": _widest_ppm(seen.mark_gap[:, column]) if has_index else None,
        "worst_own_impact_ppm": _widest_ppm(seen.impact[:, column]),
        "open_interest_closing": int(seen.interest[-1, column]),
    }


def ppm(part: int, whole: int) -> int:
    """Parts per million, nearest; 0 of nothing."""
    return (2_000_000 * part + whole) // (2 * whole) if whole else 0


def _widest_ppm(values: Array) -> int:
    flat = values.reshape(-1)
    return round(float(flat[int(np.argmax(np.abs(flat)))]) * 1e6)
